//! A file that another program writes is told as such.
#![cfg(unix)]

use knarr_grid::Grid;
use knarr_io::{Dataset, GridFormat, IoError, write_grid};
use rustix::fs::{FlockOperation, flock};
use std::path::{Path, PathBuf};

fn written(folder: &Path) -> PathBuf {
    let path = folder.join("grid.nc");
    let grid = Grid::from_spec("r36x18").expect("a grid");
    write_grid(&grid, &path, GridFormat::Cf, false).expect("written");
    path
}

#[test]
fn a_locked_file_is_not_taken_for_a_damaged_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    if std::env::var_os("HDF5_USE_FILE_LOCKING").is_some() {
        println!("skipped 1: HDF5_USE_FILE_LOCKING is set, locks may be switched off");
        return;
    }
    // HDF5 takes such a lock on files that it has open for writing.
    let file = std::fs::File::open(&path).expect("it opens");
    flock(&file, FlockOperation::NonBlockingLockExclusive).expect("locked");
    let error = Dataset::open(&path).expect_err("locked");
    assert!(matches!(error, IoError::Locked { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("wait")), "{error}");
    flock(&file, FlockOperation::Unlock).expect("unlocked");
    Dataset::open(&path).expect("free again");
}

#[test]
fn a_damaged_file_is_not_taken_for_a_locked_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let whole = std::fs::read(&path).expect("read");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    assert!(matches!(Dataset::open(&path).expect_err("damaged"), IoError::Truncated { .. }));
}
