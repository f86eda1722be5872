//! A release comes from a place.

use super::listing::{MAX_LISTING_BYTES, hash, read_block};
use super::place::wait;
use super::{FileBlocks, Listing, Moved, OnBlock, Place, Progress, TransferError};
use object_store::ObjectStoreExt;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How often a block that comes damaged is asked for.
const ATTEMPTS: usize = 3;

/// Fetches the release `name` from `place` into `folder`, as `folder/name`.
///
/// Blocks are checked as they come, by the listing, and written to `folder/.name.part`; an interrupted pull goes on there,
/// after checking what it finds. The release gets its name when all of it is there.
///
/// # Errors
/// [`TransferError`]; what has been fetched stays to be taken up, and `folder/name` does not appear.
pub fn pull(place: &Place, name: &str, folder: &Path, on_block: &mut OnBlock<'_>) -> Result<Moved, TransferError> {
    wait(run(place, name, folder, on_block))
}

async fn run(place: &Place, name: &str, folder: &Path, on_block: &mut OnBlock<'_>) -> Result<Moved, TransferError> {
    let listing = listing(place, name).await?;
    let destination = folder.join(name);
    if destination.exists() {
        let same = Listing::of_folder(&destination, listing.block_bytes).is_ok_and(|own| own.files == listing.files);
        return Err(TransferError::Exists { path: destination, same });
    }
    let part = folder.join(format!(".{name}.part"));
    std::fs::create_dir_all(&part).map_err(TransferError::system(&part))?;
    let mut moved = Moved { files: listing.files.len(), bytes: listing.bytes(), ..Moved::default() };
    remove_others(&part, &listing)?;
    for file in &listing.files {
        fetch(place, &listing, file, &part, &mut moved, on_block).await?;
    }
    // The folder's own entries are made durable before its name says that all is there.
    for path in folders_of(&part, &listing) {
        File::open(&path).and_then(|f| f.sync_all()).map_err(TransferError::system(&path))?;
    }
    std::fs::rename(&part, &destination).map_err(TransferError::system(&destination))?;
    File::open(folder).and_then(|f| f.sync_all()).map_err(TransferError::system(folder))?;
    Ok(moved)
}

async fn listing(place: &Place, name: &str) -> Result<Listing, TransferError> {
    let path = format!("{name}.listing.json");
    let found = match place.store.get(&place.object(&path)?).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => {
            return Err(TransferError::NoRelease { place: place.to_string(), name: name.to_owned() });
        }
        Err(error) => return Err(place.error(&path)(error)),
    };
    if found.meta.size > MAX_LISTING_BYTES {
        return Err(TransferError::Listing { name: name.to_owned(), problem: format!("it has {} bytes", found.meta.size) });
    }
    Listing::parse(name, &found.bytes().await.map_err(place.error(&path))?)
}

async fn fetch(
    place: &Place,
    listing: &Listing,
    file: &FileBlocks,
    part: &Path,
    moved: &mut Moved,
    on_block: &mut OnBlock<'_>,
) -> Result<(), TransferError> {
    let path = part.join(&file.path);
    let parent = path.parent().unwrap_or(part);
    std::fs::create_dir_all(parent).map_err(TransferError::system(parent))?;
    let mut written =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(TransferError::system(&path))?;
    let there = written.metadata().map_err(TransferError::system(&path))?.len();
    written.set_len(there.min(file.size)).map_err(TransferError::system(&path))?;
    for (k, expected) in file.blocks.iter().enumerate() {
        let range = file.range(k, listing.block_bytes);
        written.seek(SeekFrom::Start(range.start)).map_err(TransferError::system(&path))?;
        let own = read_block(&mut written, range.end - range.start).map_err(TransferError::system(&path))?;
        let resumed = hash(&own) == *expected;
        if !resumed {
            let (name, inside) = listing.block_at(file, k);
            let object = place.object(&name)?;
            let mut found = String::new();
            let mut block = None;
            for _ in 0..ATTEMPTS {
                let bytes = place.store.get_range(&object, inside.clone()).await.map_err(place.error(&name))?;
                found = hash(&bytes);
                if found == *expected {
                    block = Some(bytes);
                    break;
                }
            }
            let Some(block) = block else {
                return Err(TransferError::Hash { path: file.path.clone(), block: k, found, expected: expected.clone() });
            };
            written.seek(SeekFrom::Start(range.start)).map_err(TransferError::system(&path))?;
            written.write_all(&block).map_err(TransferError::system(&path))?;
        }
        moved.blocks += 1;
        moved.resumed += usize::from(resumed);
        let progress =
            Progress { path: file.path.clone(), blocks_done: moved.blocks, blocks_total: listing.block_count(), resumed };
        if on_block(&progress).is_break() {
            return Err(TransferError::Stopped { blocks_done: moved.blocks, blocks_total: listing.block_count() });
        }
    }
    written.sync_all().map_err(TransferError::system(&path))
}

/// What an earlier pull of another content has left goes; so does anything that is no plain file, before it is written to.
fn remove_others(part: &Path, listing: &Listing) -> Result<(), TransferError> {
    let wanted: BTreeSet<PathBuf> = listing.files.iter().map(|f| part.join(&f.path)).collect();
    let folders = folders_of(part, listing);
    let mut waiting = vec![part.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(&at).map_err(TransferError::system(&at))? {
            let entry = entry.map_err(TransferError::system(&at))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(TransferError::system(&at))?);
            if kind.is_dir() {
                if folders.contains(&path) {
                    waiting.push(path);
                } else {
                    std::fs::remove_dir_all(&path).map_err(TransferError::system(&path))?;
                }
            } else if !kind.is_file() || !wanted.contains(&path) {
                std::fs::remove_file(&path).map_err(TransferError::system(&path))?;
            }
        }
    }
    Ok(())
}

fn folders_of(part: &Path, listing: &Listing) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::from([part.to_owned()]);
    for file in &listing.files {
        let path = part.join(&file.path);
        folders.extend(path.ancestors().skip(1).take_while(|a| a.starts_with(part)).map(Path::to_owned));
    }
    folders
}
