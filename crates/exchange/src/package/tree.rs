//! Files of a folder that somebody else made: plain files only, never through a link.

use super::bag::is_package_path;
use crate::canonical::hex;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Folders in folders in a package: `data/<field>`.
const DEPTH: usize = 3;

/// Sizes of all files by path, or a code and how far it got.
pub(super) fn list(root: &Path, max_files: usize) -> Result<BTreeMap<String, u64>, &'static str> {
    let mut files = BTreeMap::new();
    let kind = std::fs::symlink_metadata(root).map_err(|_| "no_folder")?;
    if !kind.is_dir() {
        return Err("no_folder");
    }
    walk(root, "", 1, max_files, &mut files)?;
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    max_files: usize,
    files: &mut BTreeMap<String, u64>,
) -> Result<(), &'static str> {
    let mut entries = 0;
    for entry in std::fs::read_dir(folder).map_err(|_| "folder_unreadable")? {
        let entry = entry.map_err(|_| "folder_unreadable")?;
        let name = entry.file_name().into_string().map_err(|_| "odd_name")?;
        let path = format!("{prefix}{name}");
        // Does not follow links.
        let kind = entry.file_type().map_err(|_| "folder_unreadable")?;
        if kind.is_symlink() {
            return Err("symbolic_link");
        } else if kind.is_dir() {
            if depth >= DEPTH || !is_package_path(&format!("data/{name}/x.nc")) {
                return Err("odd_name");
            }
            walk(&entry.path(), &format!("{path}/"), depth + 1, max_files, files)?;
        } else if kind.is_file() {
            if !is_package_path(&path) {
                return Err("odd_name");
            }
            files.insert(path, entry.metadata().map_err(|_| "folder_unreadable")?.len());
        } else {
            return Err("not_a_plain_file");
        }
        entries += 1;
        if files.len() > max_files || entries > max_files + 64 {
            return Err("too_many_files");
        }
    }
    // A folder that nothing is in was not made by packing.
    if entries == 0 { Err("empty_folder") } else { Ok(()) }
}

/// Opens a plain file without following a link at its end, and without waiting for one that is none.
pub(super) fn open(root: &Path, path: &str) -> Result<File, &'static str> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(root.join(path), flags, Mode::empty()).map_err(|_| "unreadable")?);
    let metadata = file.metadata().map_err(|_| "unreadable")?;
    if metadata.is_file() { Ok(file) } else { Err("not_a_plain_file") }
}

/// All bytes of a small file.
pub(super) fn read(root: &Path, path: &str, limit: u64) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    open(root, path)?.take(limit + 1).read_to_end(&mut bytes).map_err(|_| "unreadable")?;
    if bytes.len() as u64 > limit { Err("too_large") } else { Ok(bytes) }
}

/// Digests of a file of `bytes` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Digests {
    pub sha512: String,
    pub blocks: Vec<String>,
}

/// Reads exactly `bytes` bytes in one pass and small memory, and passes them on to `copy`.
pub(super) fn digest(file: &mut impl Read, bytes: u64, copy: &mut impl Write) -> Result<Digests, &'static str> {
    use sha2::digest::FixedOutputReset;
    let (mut whole, mut block, mut blocks) = (Sha512::new(), Sha256::new(), Vec::new());
    let (mut left, mut in_block) = (bytes, 0);
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let want = (buffer.len() as u64).min(left).min((super::BLOCK_BYTES - in_block) as u64) as usize;
        let got = file.read(&mut buffer[..want]).map_err(|_| "unreadable")?;
        if got == 0 {
            return Err("too_short");
        }
        whole.update(&buffer[..got]);
        block.update(&buffer[..got]);
        copy.write_all(&buffer[..got]).map_err(|_| "copy_failed")?;
        left -= got as u64;
        in_block += got;
        if in_block == super::BLOCK_BYTES || left == 0 {
            blocks.push(hex(&block.finalize_fixed_reset()));
            in_block = 0;
        }
    }
    match file.read(&mut buffer[..1]) {
        Ok(0) => Ok(Digests { sha512: hex(&whole.finalize()), blocks }),
        Ok(_) => Err("too_long"),
        Err(_) => Err("unreadable"),
    }
}
