//! A folder moved to another place and back: by blocks that can be taken up again, whole in the end or not at all.
//!
//! At the other place a release `NAME` is its files under `NAME/` and, put last, `NAME.listing.json`: sizes and SHA-256 of
//! every block. (An HTTP server, which takes files only whole, has longer ones block by block in `NAME.blocks/`.) Nobody sees a release without its listing; whoever pulls checks each block by it. A listing vouches for the
//! transfer alone: whom the release is from is told by its own signature.

mod announcement;
mod error;
mod fetch;
mod listing;
mod place;
mod pull;
mod push;
mod subscription;
mod watch;

pub use announcement::{Action, Announcement, Integrity};
pub use error::TransferError;
pub use listing::{BLOCK_BYTES, FileBlocks, Listing};
pub use place::Place;
pub use pull::pull;
pub use push::push;
pub use subscription::{Accepted, Subscription};
pub use watch::{Broker, Watched, Watcher};

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file.
    pub path: String,
    /// Blocks that are there, of all files.
    pub blocks_done: usize,
    /// Blocks of all files.
    pub blocks_total: usize,
    /// Whether the block had been moved before.
    pub resumed: bool,
}

/// What a transfer came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    /// Files.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
    /// Blocks of all files.
    pub blocks: usize,
    /// Blocks that an earlier, interrupted transfer had moved.
    pub resumed: usize,
}

/// Told after each block; `Break` stops the transfer, to be taken up later.
pub type OnBlock<'a> = dyn FnMut(&Progress) -> std::ops::ControlFlow<()> + 'a;
