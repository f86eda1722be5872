//! Temporary files of this process, known so that nothing stays behind where it ends by force.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A signal finds the files of the whole process: there is no value it could be handed.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary file or folder that exists; forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        paths().remove(&self.0);
    }
}

fn paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a temporary file and remembers its path, both or neither.
pub(crate) fn make<T, E>(make: impl FnOnce() -> Result<T, E>, path: impl FnOnce(&T) -> &Path) -> Result<(T, Unfinished), E> {
    let mut paths = paths();
    let made = make()?;
    let path = path(&made).to_owned();
    paths.insert(path.clone());
    Ok((made, Unfinished(path)))
}

/// Removes the temporary files of this process, for a program that is about to end because it was told to.
///
/// Files whose writing goes on are removed as well, and who would make a new one waits for ever: nothing but the end of
/// the process may follow.
pub fn remove_unfinished() {
    let paths = paths();
    for path in paths.iter() {
        // Gone already if it has just got its name.
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(paths);
}
