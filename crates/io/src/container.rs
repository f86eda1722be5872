//! What can be wrong with a file before and while the library reads it.

use crate::{IoError, classic};
use std::fs;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

/// Looks at the first bytes of a file, so that a missing, foreign or empty file has its own error.
pub(crate) fn check(path: &Path) -> Result<(), IoError> {
    let system = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => IoError::NotFound { path: path.to_owned() },
        _ => IoError::System { path: path.to_owned(), action: "read", source },
    };
    let mut file = fs::File::open(path).map_err(system)?;
    if file.metadata().map_err(system)?.is_dir() {
        return Err(IoError::NotNetcdf { path: path.to_owned(), looks_like: Some("a folder") });
    }
    let mut head = Vec::with_capacity(4096);
    file.by_ref().take(4096).read_to_end(&mut head).map_err(system)?;
    if is_netcdf(&head) {
        return if head.starts_with(b"CDF") { check_len(path, &mut file) } else { Ok(()) };
    }
    Err(IoError::NotNetcdf { path: path.to_owned(), looks_like: looks_like(&head) })
}

/// Refuses a classic file that is shorter than its header says.
fn check_len(path: &Path, file: &mut fs::File) -> Result<(), IoError> {
    let truncated = |problem: String| IoError::Truncated { path: path.to_owned(), problem };
    let expected = file.rewind().and_then(|()| classic::Layout::read(&mut BufReader::new(&*file)));
    let found = file.metadata().map(|m| m.len());
    match (expected, found) {
        (Ok(layout), Ok(found)) if layout.expected_len().is_some_and(|expected| found < expected) => {
            let expected = layout.expected_len().unwrap_or(0);
            Err(truncated(format!("it has {found} bytes, its header asks for {expected}")))
        }
        (Err(e), _) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(truncated("it ends within its header".to_owned())),
        (Err(e), _) => Err(IoError::Netcdf { path: path.to_owned(), what: "the header".to_owned(), problem: e.to_string() }),
        _ => Ok(()),
    }
}

fn is_netcdf(head: &[u8]) -> bool {
    const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
    let classic = head.len() >= 4 && &head[..3] == b"CDF" && matches!(head[3], 1 | 2 | 5);
    // An HDF5 superblock may follow a user block of 512, 1024, 2048, ... bytes.
    let hdf5 = [0, 512, 1024, 2048].iter().any(|&at| head.get(at..at + 8) == Some(HDF5));
    classic || hdf5
}

fn looks_like(head: &[u8]) -> Option<&'static str> {
    match head {
        [] => Some("an empty file"),
        [b'G', b'R', b'I', b'B', ..] => Some("GRIB"),
        [0x1f, 0x8b, ..] => Some("gzip"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive"),
        [0x0e, 0x03, 0x13, 0x01, ..] => Some("HDF4"),
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', ..] => Some("a Git LFS pointer"),
        [b'<', ..] => Some("HTML or XML"),
        _ if head.starts_with(b"\x89HDF") => Some("a damaged HDF5 file"),
        _ if std::str::from_utf8(head).is_ok() => Some("text"),
        _ => None,
    }
}

/// The library could not open what looks like NetCDF.
pub(crate) fn open_error(path: &Path, error: &netcdf::Error) -> IoError {
    match error {
        netcdf::Error::Netcdf(netcdf_sys::NC_EHDFERR | netcdf_sys::NC_EPERM) if is_locked(path) => {
            IoError::Locked { path: path.to_owned() }
        }
        // HDF errors on opening: in practice a superblock or heap beyond the end of the file. That it is NetCDF has been seen.
        netcdf::Error::Netcdf(netcdf_sys::NC_EHDFERR | netcdf_sys::NC_ETRUNC | netcdf_sys::NC_ENOTNC) => {
            IoError::Truncated { path: path.to_owned(), problem: format!("it cannot be opened ({error})") }
        }
        _ => read_error(path, "opening", error),
    }
}

/// Whether another program has the file open for writing: HDF5 then holds an exclusive lock.
#[cfg(unix)]
fn is_locked(path: &Path) -> bool {
    use rustix::fs::{FlockOperation, flock};
    let shared = |file| flock(file, FlockOperation::NonBlockingLockShared);
    fs::File::open(path).is_ok_and(|file| shared(file) == Err(rustix::io::Errno::WOULDBLOCK))
}

#[cfg(not(unix))]
fn is_locked(_path: &Path) -> bool {
    false
}

/// The library could not read a part.
pub(crate) fn read_error(path: &Path, what: &str, error: &netcdf::Error) -> IoError {
    if let netcdf::Error::Netcdf(netcdf_sys::NC_ENOFILTER) = error {
        return IoError::Filter { path: path.to_owned(), what: what.to_owned() };
    }
    IoError::Netcdf { path: path.to_owned(), what: what.to_owned(), problem: error.to_string() }
}
