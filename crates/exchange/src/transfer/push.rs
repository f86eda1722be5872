//! A folder goes to a place.

use super::listing::{hash, read_block};
use super::place::wait;
use super::{BLOCK_BYTES, FileBlocks, Listing, Moved, OnBlock, Place, Progress, TransferError};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What an interrupted push to a bucket had done; kept beside the folder.
#[derive(Default, Deserialize, Serialize)]
struct Memory {
    /// SHA-256 of the listing: what was pushed.
    listing: String,
    /// Where to.
    place: String,
    /// Files that are there.
    done: Vec<String>,
    /// Uploads that have begun: id, and the parts that are there.
    begun: BTreeMap<String, (String, Vec<String>)>,
}

/// Puts `folder` at `place`, under its own name, in blocks of `block_bytes` ([`BLOCK_BYTES`] unless a test wants less).
///
/// An interrupted push goes on where it stopped: at a folder and an HTTP server by what is there, at a bucket by what is
/// noted beside the folder (`NAME.push.json`). Servers take files only whole, so that longer ones are put there as objects of
/// one block. The listing is put last: before, nobody sees the release.
///
/// # Errors
/// [`TransferError`]; what has been moved stays to be taken up, and no listing is there.
pub fn push(folder: &Path, place: &Place, block_bytes: Option<u64>, on_block: &mut OnBlock<'_>) -> Result<Moved, TransferError> {
    let mut listing = Listing::of_folder(folder, block_bytes.unwrap_or(BLOCK_BYTES))?;
    listing.in_blocks = place.folder.is_none() && place.s3.is_none();
    wait(run(folder, &listing, place, on_block))
}

async fn run(folder: &Path, listing: &Listing, place: &Place, on_block: &mut OnBlock<'_>) -> Result<Moved, TransferError> {
    let name = format!("{}.listing.json", listing.name);
    let bytes = listing.to_bytes();
    if let Ok(there) = place.store.get(&place.object(&name)?).await {
        let same = there.bytes().await.is_ok_and(|b| b == bytes);
        return Err(TransferError::Exists { path: PathBuf::from(format!("{place}/{}", listing.name)), same });
    }
    let memory_path = folder.with_file_name(format!("{}.push.json", listing.name));
    let mut memory: Memory = std::fs::read(&memory_path).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
    // Notes on another content or another place are no help.
    if (memory.listing.as_str(), memory.place.as_str()) != (hash(&bytes).as_str(), place.to_string().as_str()) {
        memory = Memory { listing: hash(&bytes), place: place.to_string(), ..Memory::default() };
    }
    let mut count = Count {
        moved: Moved { files: listing.files.len(), bytes: listing.bytes(), ..Moved::default() },
        total: listing.block_count(),
        on_block,
    };
    for file in &listing.files {
        let source = folder.join(&file.path);
        match (&place.folder, &place.s3) {
            (Some(destination), _) => {
                to_folder(&source, &destination.join(&listing.name), file, listing.block_bytes, &mut count)?
            }
            (None, Some(s3)) => to_bucket(&source, &**s3, place, listing, file, (&memory_path, &mut memory), &mut count).await?,
            (None, None) => to_server(&source, place, listing, file, &mut count).await?,
        }
    }
    match &place.folder {
        Some(destination) => {
            let part = destination.join(format!(".{name}.part"));
            std::fs::write(&part, &bytes).map_err(TransferError::system(&part))?;
            File::open(&part).and_then(|f| f.sync_all()).map_err(TransferError::system(&part))?;
            std::fs::rename(&part, destination.join(&name)).map_err(TransferError::system(&part))?;
        }
        None => {
            place.store.put(&place.object(&name)?, PutPayload::from(bytes)).await.map_err(place.error(&name))?;
        }
    }
    let _ = std::fs::remove_file(&memory_path);
    Ok(count.moved)
}

struct Count<'c, 'o> {
    moved: Moved,
    total: usize,
    on_block: &'c mut OnBlock<'o>,
}

impl Count<'_, '_> {
    /// One more block is there.
    fn block(&mut self, path: &str, resumed: bool) -> Result<(), TransferError> {
        self.moved.blocks += 1;
        self.moved.resumed += usize::from(resumed);
        let progress = Progress { path: path.to_owned(), blocks_done: self.moved.blocks, blocks_total: self.total, resumed };
        match (self.on_block)(&progress) {
            std::ops::ControlFlow::Continue(()) => Ok(()),
            std::ops::ControlFlow::Break(()) => {
                Err(TransferError::Stopped { blocks_done: self.moved.blocks, blocks_total: self.total })
            }
        }
    }
}

/// A block of the source, as the listing has it: a file that changes under way is noticed.
fn block_of(source: &Path, file: &FileBlocks, k: usize, block_bytes: u64) -> Result<Vec<u8>, TransferError> {
    let mut opened = File::open(source).map_err(TransferError::system(source))?;
    let range = file.range(k, block_bytes);
    opened.seek(SeekFrom::Start(range.start)).map_err(TransferError::system(source))?;
    let block = read_block(&mut opened, range.end - range.start).map_err(TransferError::system(source))?;
    let found = hash(&block);
    if found == file.blocks[k] {
        Ok(block)
    } else {
        Err(TransferError::Hash { path: file.path.clone(), block: k, found, expected: file.blocks[k].clone() })
    }
}

fn to_folder(
    source: &Path,
    release: &Path,
    file: &FileBlocks,
    block_bytes: u64,
    count: &mut Count<'_, '_>,
) -> Result<(), TransferError> {
    let path = release.join(&file.path);
    let parent = path.parent().unwrap_or(release);
    std::fs::create_dir_all(parent).map_err(TransferError::system(parent))?;
    let mut written =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(TransferError::system(&path))?;
    written.set_len(file.size.min(written.metadata().map_or(0, |m| m.len()))).map_err(TransferError::system(&path))?;
    for k in 0..file.blocks.len() {
        let range = file.range(k, block_bytes);
        written.seek(SeekFrom::Start(range.start)).map_err(TransferError::system(&path))?;
        let there = read_block(&mut written, range.end - range.start).map_err(TransferError::system(&path))?;
        let resumed = hash(&there) == file.blocks[k];
        if !resumed {
            let block = block_of(source, file, k, block_bytes)?;
            written.seek(SeekFrom::Start(range.start)).map_err(TransferError::system(&path))?;
            written.write_all(&block).map_err(TransferError::system(&path))?;
        }
        count.block(&file.path, resumed)?;
    }
    written.sync_all().map_err(TransferError::system(&path))
}

async fn to_bucket(
    source: &Path,
    s3: &dyn MultipartStore,
    place: &Place,
    listing: &Listing,
    file: &FileBlocks,
    (memory_path, memory): (&Path, &mut Memory),
    count: &mut Count<'_, '_>,
) -> Result<(), TransferError> {
    let name = format!("{}/{}", listing.name, file.path);
    let object = place.object(&name)?;
    if memory.done.contains(&file.path) {
        return (0..file.blocks.len()).try_for_each(|_| count.block(&file.path, true));
    }
    if file.blocks.len() < 2 {
        let block = if file.blocks.is_empty() { Vec::new() } else { block_of(source, file, 0, listing.block_bytes)? };
        place.store.put(&object, PutPayload::from(block)).await.map_err(place.error(&name))?;
        memory.done.push(file.path.clone());
        note(memory_path, memory)?;
        return (0..file.blocks.len()).try_for_each(|_| count.block(&file.path, false));
    }
    if !memory.begun.contains_key(&file.path) {
        let id = s3.create_multipart(&object).await.map_err(place.error(&name))?;
        memory.begun.insert(file.path.clone(), (id, Vec::new()));
        note(memory_path, memory)?;
    }
    for k in 0..file.blocks.len() {
        let (id, parts) = memory.begun.get(&file.path).cloned().expect("it has begun");
        let resumed = k < parts.len();
        if !resumed {
            let block = block_of(source, file, k, listing.block_bytes)?;
            let part = s3.put_part(&object, &id, k, PutPayload::from(block)).await.map_err(place.error(&name))?;
            memory.begun.get_mut(&file.path).expect("it has begun").1.push(part.content_id);
            note(memory_path, memory)?;
        }
        count.block(&file.path, resumed)?;
    }
    let (id, parts) = memory.begun.remove(&file.path).expect("it has begun");
    let parts = parts.into_iter().map(|content_id| PartId { content_id }).collect();
    s3.complete_multipart(&object, &id, parts).await.map_err(place.error(&name))?;
    memory.done.push(file.path.clone());
    note(memory_path, memory)
}

/// Written under another name first: a note that is cut off would be taken for none.
fn note(path: &Path, memory: &Memory) -> Result<(), TransferError> {
    let part = path.with_extension("json.part");
    std::fs::write(&part, serde_json::to_vec(memory).expect("texts are JSON")).map_err(TransferError::system(&part))?;
    std::fs::rename(&part, path).map_err(TransferError::system(path))
}

/// A block that is there already is not sent again; whether it is there whole, its length tells. Whoever pulls checks it.
async fn to_server(
    source: &Path,
    place: &Place,
    listing: &Listing,
    file: &FileBlocks,
    count: &mut Count<'_, '_>,
) -> Result<(), TransferError> {
    if file.blocks.is_empty() {
        let name = format!("{}/{}", listing.name, file.path);
        place.store.put(&place.object(&name)?, PutPayload::new()).await.map_err(place.error(&name))?;
    }
    for k in 0..file.blocks.len() {
        let (name, range) = listing.block_at(file, k);
        let object = place.object(&name)?;
        let resumed = file.blocks.len() > 1 && place.store.head(&object).await.is_ok_and(|m| m.size == range.end - range.start)
            || file.blocks.len() == 1 && is_there(place, &object, &file.blocks[0]).await;
        if !resumed {
            let block = block_of(source, file, k, listing.block_bytes)?;
            place.store.put(&object, PutPayload::from(block)).await.map_err(place.error(&name))?;
        }
        count.block(&file.path, resumed)?;
    }
    Ok(())
}

/// Whether an object, whose name does not tell its content, has that hash.
async fn is_there(place: &Place, object: &ObjectPath, expected: &str) -> bool {
    match place.store.get(object).await {
        Ok(there) => there.bytes().await.is_ok_and(|bytes| hash(&bytes) == expected),
        Err(_) => false,
    }
}
