//! Outputs that appear whole or not at all.

use crate::IoError;
use crate::unfinished::{self, Unfinished};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const PREFIX: &str = ".knarr-";
const SUFFIX: &str = ".part";

/// Whether a path has the name of a file that was never finished.
pub fn is_unfinished(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// A file under a temporary name in the folder of its destination; removed when dropped before [`AtomicFile::commit`],
/// and by [`crate::remove_unfinished`].
#[derive(Debug)]
pub struct AtomicFile {
    temporary: tempfile::TempPath,
    unfinished: Unfinished,
    destination: PathBuf,
    overwrite: bool,
}

impl AtomicFile {
    /// Makes an empty temporary file beside `destination`.
    ///
    /// # Errors
    /// [`IoError::Exists`] if the destination exists and `overwrite` is off; [`IoError::Write`] if its folder is
    /// missing or not writable.
    pub fn create(destination: &Path, overwrite: bool) -> Result<Self, IoError> {
        if destination.is_dir() {
            return Err(write_error(destination, "it is a folder".to_owned()));
        }
        if !overwrite && destination.exists() {
            return Err(IoError::Exists { path: destination.to_owned() });
        }
        let folder = folder_of(destination);
        if !folder.is_dir() {
            return Err(write_error(destination, format!("the folder {} does not exist", folder.display())));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: what the process's umask leaves, rather than the private mode of temporary files.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let make = || builder.tempfile_in(folder).map(tempfile::NamedTempFile::into_temp_path);
        let (temporary, unfinished) = unfinished::make(make, |made| made).map_err(|e| write_error(destination, e.to_string()))?;
        Ok(Self { temporary, unfinished, destination: destination.to_owned(), overwrite })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Where the file will be.
    pub fn destination(&self) -> &Path {
        &self.destination
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// [`IoError::Exists`] if the destination has appeared meanwhile and may not be overwritten,
    /// [`IoError::Write`] otherwise; the temporary file is removed.
    pub fn commit(self) -> Result<(), IoError> {
        let file = fs::File::open(&self.temporary);
        file.and_then(|f| f.sync_all()).map_err(|e| write_error(&self.destination, e.to_string()))?;
        self.commit_unsynced()
    }

    /// [`Self::commit`] without waiting for the disk, for files whose readers notice what a crash of the machine left out.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) fn commit_unsynced(self) -> Result<(), IoError> {
        let Self { temporary, unfinished, destination, overwrite } = self;
        let renamed = if overwrite { temporary.persist(&destination) } else { temporary.persist_noclobber(&destination) };
        renamed.map_err(|e| match e.error.kind() {
            std::io::ErrorKind::AlreadyExists => IoError::Exists { path: destination.clone() },
            _ => write_error(&destination, e.error.to_string()),
        })?;
        drop(unfinished);
        Ok(())
    }

    /// An error of writing, in the words of the system where it gives a reason (a full disk), else as `problem`.
    pub fn error(&self, problem: &dyn std::fmt::Display) -> IoError {
        let reason = self.system_reason().unwrap_or_else(|| problem.to_string());
        write_error(&self.destination, reason)
    }

    /// The library says "HDF error" for a full disk; one more write to the same place tells what the system says.
    fn system_reason(&self) -> Option<String> {
        let attempt = || -> std::io::Result<()> {
            let mut probe = fs::OpenOptions::new().append(true).open(&self.temporary)?;
            probe.write_all(&[0u8; 1 << 16])?;
            probe.sync_all()
        };
        attempt().err().map(|e| e.to_string())
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_error(path: &Path, problem: String) -> IoError {
    IoError::Write { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("the folder exists")
            .map(|e| e.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_file_appears_on_commit_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.nc");
        let file = AtomicFile::create(&out, false).expect("writable");
        fs::write(file.path(), b"whole").expect("writable");
        assert!(!out.exists());
        file.commit().expect("renamed");
        assert_eq!(fs::read(&out).expect("it is there"), b"whole");
        assert_eq!(names(folder.path()), ["out.nc"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = AtomicFile::create(&folder.path().join("out.nc"), false).expect("writable");
        fs::write(file.path(), b"half").expect("writable");
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn an_existing_file_is_kept_unless_overwriting_is_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.nc");
        let late = AtomicFile::create(&out, false).expect("writable");
        fs::write(&out, b"old").expect("writable");
        assert!(matches!(AtomicFile::create(&out, false), Err(IoError::Exists { .. })));
        assert!(matches!(late.commit(), Err(IoError::Exists { .. })));
        assert_eq!(fs::read(&out).expect("it is there"), b"old");
        let forced = AtomicFile::create(&out, true).expect("writable");
        fs::write(forced.path(), b"new").expect("writable");
        forced.commit().expect("renamed");
        assert_eq!(fs::read(&out).expect("it is there"), b"new");
        assert_eq!(names(folder.path()), ["out.nc"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = AtomicFile::create(&folder.path().join("no/out.nc"), false).expect_err("no folder").to_string();
        assert!(error.contains("the folder") && error.contains("does not exist"), "{error}");
        let error = AtomicFile::create(folder.path(), true).expect_err("a folder").to_string();
        assert!(error.contains("it is a folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (out, plain) = (folder.path().join("out.nc"), folder.path().join("plain"));
        fs::write(&plain, b"").expect("writable");
        AtomicFile::create(&out, false).expect("writable").commit().expect("renamed");
        let mode = |p: &Path| fs::metadata(p).expect("it is there").permissions().mode();
        assert_eq!(mode(&out), mode(&plain));
    }
}
