//! Why something was not moved.

use std::path::{Path, PathBuf};

/// Why something was not moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The operating system refuses.
    #[error("{}: {source}", .path.display())]
    System {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The other side refuses or cannot be reached.
    #[error("{place}: {source}")]
    Store {
        /// What was asked for.
        place: String,
        /// Why.
        source: object_store::Error,
    },
    /// A place that is no folder, `s3://`, `http://` or `https://` address, or lacks its settings.
    #[error("place `{place}`: {problem}")]
    Place {
        /// What was given.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A folder with something in it that is not moved.
    #[error("{}: {problem}", .path.display())]
    Folder {
        /// What.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// No such release, or one that is not complete.
    #[error("{place}: no release `{name}` is there, or it is not complete: it has no listing")]
    NoRelease {
        /// Where.
        place: String,
        /// Which.
        name: String,
    },
    /// A listing that is not to be trusted.
    #[error("listing of `{name}`: {problem}")]
    Listing {
        /// Of which release.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A block that does not have the hash of the listing, asked for several times.
    #[error("{path}, block {block}: its SHA-256 is {found}, the listing has {expected}")]
    Hash {
        /// Which file.
        path: String,
        /// Which block, from 0.
        block: usize,
        /// Its hash.
        found: String,
        /// The hash it should have.
        expected: String,
    },
    /// The destination has a release of that name.
    #[error("{}: it exists{}", .path.display(), if *.same { ", with the same content" } else { ", with other content" })]
    Exists {
        /// Where.
        path: PathBuf,
        /// Whether it is what was to be moved.
        same: bool,
    },
    /// The caller stopped the transfer.
    #[error("stopped after {blocks_done} of {blocks_total} blocks; the same command goes on from there")]
    Stopped {
        /// Blocks that are there.
        blocks_done: usize,
        /// Blocks in all.
        blocks_total: usize,
    },
    /// A message that is no announcement.
    #[error("message: {problem}")]
    Message {
        /// What is wrong with it.
        problem: String,
    },
    /// A subscription that does not parse.
    #[error("subscription: {problem}")]
    Subscription {
        /// What is wrong with it.
        problem: String,
    },
    /// What was fetched is not what was announced.
    #[error("{url}: {problem}")]
    Announced {
        /// Where it came from.
        url: String,
        /// Found and expected.
        problem: String,
    },
    /// The broker refuses or cannot be reached.
    #[error("broker {broker}: {problem}")]
    Broker {
        /// Which.
        broker: String,
        /// What it says.
        problem: String,
    },
}

impl TransferError {
    pub(super) fn system(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }
}
