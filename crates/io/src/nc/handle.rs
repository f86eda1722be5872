//! One handle of the NetCDF library for each file, however often it is opened.
//!
//! HDF5 1.10 ties variables of strings to the handle that met them first: once that is closed while another handle of the
//! file is open, reading them fails or crashes.

use crate::IoError;
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

static OPEN: LazyLock<Mutex<HashMap<Identity, Arc<netcdf::File>>>> = LazyLock::new(Mutex::default);

/// A file, and its state: one that was written since is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg(unix)]
struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    changed: (i64, i64),
}

/// A file by its only name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg(not(unix))]
struct Identity(std::path::PathBuf);

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = path.metadata()?;
        Ok(Self { device: found.dev(), inode: found.ino(), len: found.len(), changed: (found.mtime(), found.mtime_nsec()) })
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> std::io::Result<Self> {
        path.canonicalize().map(Self)
    }
}

/// A share in the library's handle of a file; the last one closes it.
#[derive(Debug)]
pub(super) struct Handle {
    identity: Identity,
    // Taken when dropped, to close the file before another can open it.
    file: Option<Arc<netcdf::File>>,
}

impl Handle {
    /// Opens a file for reading, or shares in the handle that is open.
    pub(super) fn open(path: &Path) -> Result<Self, IoError> {
        let system = |source| IoError::System { path: path.to_owned(), action: "read", source };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = Identity::of(path).map_err(system)?;
        let file = match open.get(&identity) {
            Some(file) => Arc::clone(file),
            None => {
                keep_pieces();
                let file = netcdf::open(path).map_err(|e| crate::container::open_error(path, &e))?;
                let file = Arc::new(file);
                open.insert(identity.clone(), Arc::clone(&file));
                file
            }
        };
        Ok(Self { identity, file: Some(file) })
    }
}

/// More than the library reads of each file it opens, to learn its kind, into memory that it asks for twice.
const ENOUGH: usize = 5 << 20;

/// Has such pieces of memory kept for the next file, and for what is read of this one.
///
/// The allocator of GNU/Linux gives pieces back to the system at once that are larger than any such piece before: so it gets
/// one, which nobody writes to and which therefore takes no memory. Others do not mind.
fn keep_pieces() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(ENOUGH))));
}

impl Deref for Handle {
    type Target = netcdf::File;

    fn deref(&self) -> &netcdf::File {
        self.file.as_ref().expect("taken only when dropped")
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.file.take());
        if open.get(&self.identity).is_some_and(|file| Arc::strong_count(file) == 1) {
            open.remove(&self.identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_strings(path: &Path) {
        let mut file = netcdf::create(path).expect("created");
        file.add_dimension("n", 2).expect("a dimension");
        let mut names = file.add_string_variable("names", &["n"]).expect("a variable");
        names.put_string("here", 0).expect("put");
        names.put_string("there", 1).expect("put");
    }

    #[test]
    fn handles_of_a_file_are_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("strings.nc");
        with_strings(&path);
        std::fs::hard_link(&path, folder.path().join("link.nc")).expect("a link");
        let first = Handle::open(&path).expect("open");
        let second = Handle::open(&folder.path().join("link.nc")).expect("open");
        assert!(std::ptr::eq(&*first, &*second));
        drop(first);
        let names = second.variable("names").expect("there");
        assert_eq!(names.get_string(1).expect("read"), "there");
        let identity = second.identity.clone();
        drop(second);
        assert!(!OPEN.lock().expect("sound").contains_key(&identity));
    }

    /// Without sharing this crashed or failed after few rounds.
    #[test]
    fn strings_are_read_while_others_open_and_close() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("strings.nc");
        with_strings(&path);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let file = super::super::File::open(&path).expect("open");
                        assert_eq!(file.read_texts("names").expect("read"), ["here", "there"]);
                    }
                });
            }
        });
    }

    /// A file that was replaced is not the one that is open.
    #[test]
    fn a_new_file_of_the_name_is_opened_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("strings.nc");
        with_strings(&path);
        let old = Handle::open(&path).expect("open");
        std::fs::remove_file(&path).expect("removed");
        netcdf::create(&path).expect("created").add_dimension("m", 3).expect("a dimension");
        let new = Handle::open(&path).expect("open");
        assert!(new.dimension("m").is_some() && old.dimension("m").is_none());
    }
}
