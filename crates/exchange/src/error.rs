//! Why an exchange could not run; a denial is no error but a result.

use std::path::{Path, PathBuf};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A file could not be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried: "read", "write", ...
        action: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file written by hand is not as it must be.
    #[error("{}: {problem}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and key where known.
        problem: String,
        /// The key that was probably meant.
        near: Option<String>,
    },
    /// A key file is not a minisign key.
    #[error("{}: not a minisign {expected} key: {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// "secret" or "public".
        expected: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The audit log cannot be continued.
    #[error("{}: the audit log is broken at line {line}: {problem}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Its first bad line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Something exists already where the result shall be.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A value that has no canonical JSON form.
    #[error("{what} has no canonical form: found a number that is not a whole one")]
    NotCanonical {
        /// The value.
        what: &'static str,
    },
    /// A field or grid could not be read.
    #[error(transparent)]
    Io(#[from] knarr_io::IoError),
}

impl ExchangeError {
    /// Wraps an error of the file system.
    pub fn file(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, action, source }
    }

    /// How to go on, where one can say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Settings { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::Key { expected: "secret", .. } => {
                Some("make one with `knarr exchange keygen NAME`, or take off its password with `minisign -C -W`".to_owned())
            }
            Self::Key { .. } => Some("a public key file has a comment line and a line of base64".to_owned()),
            Self::Exists { .. } => Some("name a new folder; packages and reports are never overwritten".to_owned()),
            Self::Log { .. } => Some("keep it as evidence and start a new log".to_owned()),
            _ => None,
        }
    }
}
