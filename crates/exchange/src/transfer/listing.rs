//! What a release consists of: files, sizes, blocks.

use super::TransferError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

/// Bytes of a block.
pub const BLOCK_BYTES: u64 = 8 << 20;
/// Longest listing that is read.
pub(super) const MAX_LISTING_BYTES: u64 = 64 << 20;
const SCHEMA: &str = "knarr.listing/1";

/// The files of a release, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    schema: String,
    /// Name of the release.
    pub name: String,
    /// Bytes of a block; the last one of a file may have less.
    pub block_bytes: u64,
    /// Whether files of more than one block are not there as such, but block by block in `NAME.blocks/`, each under its
    /// hash: so are they put where a file can only be written whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_blocks: bool,
    /// Files.
    pub files: Vec<FileBlocks>,
}

/// A file in blocks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileBlocks {
    /// Path in the release, with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of each block, in hex.
    pub blocks: Vec<String>,
}

impl FileBlocks {
    /// The bytes of block `k`.
    pub fn range(&self, k: usize, block_bytes: u64) -> std::ops::Range<u64> {
        let start = k as u64 * block_bytes;
        start..(start + block_bytes).min(self.size)
    }
}

impl Listing {
    /// Reads a folder. Its name is that of the release.
    ///
    /// # Errors
    /// [`TransferError::Folder`] for links and what is no plain file or folder, and for names that are not text;
    /// [`TransferError::System`].
    pub fn of_folder(folder: &Path, block_bytes: u64) -> Result<Self, TransferError> {
        let refuse = |path: &Path, problem: &str| TransferError::Folder { path: path.to_owned(), problem: problem.to_owned() };
        let name = folder.file_name().and_then(|n| n.to_str()).ok_or_else(|| refuse(folder, "it has no name"))?.to_owned();
        let mut files = Vec::new();
        let mut waiting = vec![(folder.to_owned(), String::new())];
        while let Some((at, prefix)) = waiting.pop() {
            for entry in std::fs::read_dir(&at).map_err(TransferError::system(&at))? {
                let entry = entry.map_err(TransferError::system(&at))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(TransferError::system(&path))?;
                let own = entry.file_name().into_string().map_err(|_| refuse(&path, "its name is not UTF-8"))?;
                let inside = if prefix.is_empty() { own } else { format!("{prefix}/{own}") };
                if kind.is_dir() {
                    waiting.push((path, inside));
                } else if kind.is_file() {
                    files.push(blocks_of(&path, inside, block_bytes)?);
                } else {
                    return Err(refuse(&path, "it is neither a file nor a folder; links are not moved"));
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let listing = Self { schema: SCHEMA.to_owned(), name, block_bytes, in_blocks: false, files };
        listing.check()?;
        Ok(listing)
    }

    /// Reads a listing that came from elsewhere.
    ///
    /// # Errors
    /// [`TransferError::Listing`] if it does not parse, paths leave the release, or numbers of blocks do not fit sizes.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, TransferError> {
        let listing: Self = serde_json::from_slice(bytes)
            .map_err(|e| TransferError::Listing { name: name.to_owned(), problem: e.to_string() })?;
        if listing.name != name {
            return Err(listing.bad(format!("it is one of `{}`", listing.name)));
        }
        listing.check()?;
        Ok(listing)
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("texts and numbers are JSON");
        text.push(b'\n');
        text
    }

    /// Where block `k` of a file is, under the place: an object, and the bytes in it.
    pub(super) fn block_at(&self, file: &FileBlocks, k: usize) -> (String, std::ops::Range<u64>) {
        let range = file.range(k, self.block_bytes);
        if self.in_blocks && file.blocks.len() > 1 {
            (format!("{}.blocks/{}", self.name, file.blocks[k]), 0..range.end - range.start)
        } else {
            (format!("{}/{}", self.name, file.path), range)
        }
    }

    /// Blocks of all files.
    pub fn block_count(&self) -> usize {
        self.files.iter().map(|f| f.blocks.len()).sum()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }

    fn bad(&self, problem: String) -> TransferError {
        TransferError::Listing { name: self.name.clone(), problem }
    }

    fn check(&self) -> Result<(), TransferError> {
        if self.schema != SCHEMA {
            return Err(self.bad(format!("its schema is `{}`, expected `{SCHEMA}`", self.schema)));
        }
        if self.block_bytes == 0 || self.block_bytes > 1 << 30 {
            return Err(self.bad(format!("blocks of {} bytes", self.block_bytes)));
        }
        if !is_plain(&self.name) || self.name.contains('/') {
            return Err(self.bad("its name is not that of a folder".to_owned()));
        }
        let mut before: Option<&str> = None;
        for file in &self.files {
            if !is_plain(&file.path) {
                return Err(self.bad(format!("the path `{}` leaves the release or cannot be a file", file.path.escape_debug())));
            }
            if before.is_some_and(|b| b >= file.path.as_str()) {
                return Err(self.bad(format!("`{}` is out of order, or there twice", file.path)));
            }
            if before.is_some_and(|b| file.path.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'))) {
                return Err(self.bad(format!("`{}` lies inside a file", file.path)));
            }
            before = Some(&file.path);
            let expected = file.size.div_ceil(self.block_bytes);
            if file.blocks.len() as u64 != expected {
                return Err(self.bad(format!("{}: {} blocks, expected {expected}", file.path, file.blocks.len())));
            }
            let is_hash = |h: &String| h.len() == 64 && h.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if let Some(hash) = file.blocks.iter().find(|h| !is_hash(h)) {
                return Err(self.bad(format!("{}: `{}` is no SHA-256", file.path, hash.escape_debug())));
            }
        }
        Ok(())
    }
}

/// Whether a path stays where it is put, on every system: parts of letters, digits and a few signs, none of them a dot or
/// two.
fn is_plain(path: &str) -> bool {
    let plain_characters = path.chars().all(|c| c.is_ascii_alphanumeric() || "._-+=,@/ ".contains(c));
    let parts_are_names = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
    let as_written = path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.ends_with([' ', '.']));
    !path.is_empty() && path.len() <= 1024 && plain_characters && parts_are_names && as_written
}

fn blocks_of(path: &Path, inside: String, block_bytes: u64) -> Result<FileBlocks, TransferError> {
    let mut file = File::open(path).map_err(TransferError::system(path))?;
    let (mut size, mut blocks) = (0, Vec::new());
    loop {
        let block = read_block(&mut file, block_bytes).map_err(TransferError::system(path))?;
        if block.is_empty() {
            return Ok(FileBlocks { path: inside, size, blocks });
        }
        size += block.len() as u64;
        blocks.push(hash(&block));
    }
}

/// Up to `block_bytes` from where the file stands.
pub(super) fn read_block(file: &mut File, block_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut block = Vec::new();
    file.take(block_bytes).read_to_end(&mut block)?;
    Ok(block)
}

/// SHA-256 in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(path: &str) -> String {
        format!(
            r#"{{"schema":"knarr.listing/1","name":"r","block_bytes":4,"files":[{{"path":{path:?},"size":5,"blocks":["{0}","{0}"]}}]}}"#,
            "ab".repeat(32)
        )
    }

    #[test]
    fn paths_that_leave_the_release_are_refused() {
        assert!(Listing::parse("r", listing("data/t/a.nc").as_bytes()).is_ok());
        for path in [
            "../a",
            "/etc/passwd",
            "a/../../b",
            "a//b",
            "./a",
            "a/.",
            "c:\\a",
            "a\\b",
            "",
            "a\u{0}b",
            "a/\u{202e}b",
            "nul.",
            "a ",
            "~/a$",
        ] {
            let error = Listing::parse("r", listing(path).as_bytes()).expect_err(path);
            assert!(matches!(error, TransferError::Listing { .. }), "{path}: {error}");
        }
    }

    #[test]
    fn blocks_must_fit_the_size_and_be_hashes() {
        let right = listing("a");
        for (from, to) in [
            ("\"size\":5", "\"size\":9"),
            ("\"size\":5", "\"size\":4"),
            ("block_bytes\":4", "block_bytes\":0"),
            ("listing/1", "listing/2"),
            ("abab", "ABAB"),
            ("\"name\":\"r\"", "\"name\":\"s\""),
            ("\"files\"", "\"more\":1,\"files\""),
        ] {
            assert!(Listing::parse("r", right.replacen(from, to, 1).as_bytes()).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_folder_is_listed_in_order_with_the_hash_of_each_block() {
        let folder = tempfile::tempdir().expect("a folder");
        let release = folder.path().join("release");
        std::fs::create_dir_all(release.join("data")).expect("a folder");
        std::fs::write(release.join("data/b"), b"abcdefgh").expect("written");
        std::fs::write(release.join("a"), b"").expect("written");
        let listing = Listing::of_folder(&release, 3).expect("plain");
        let paths: Vec<(&str, u64, usize)> = listing.files.iter().map(|f| (f.path.as_str(), f.size, f.blocks.len())).collect();
        assert_eq!(paths, [("a", 0, 0), ("data/b", 8, 3)]);
        assert_eq!(
            listing.files[1].blocks[0], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "SHA-256 of `abc`"
        );
        assert_eq!(Listing::parse("release", &listing.to_bytes()).expect("its own"), listing);
        assert_eq!(listing.files[1].range(2, 3), 6..8);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc/passwd", release.join("link")).expect("a link");
            assert!(matches!(Listing::of_folder(&release, 3), Err(TransferError::Folder { .. })));
        }
    }
}
