//! One announced file, fetched and checked.

use super::announcement::hex;
use super::{Accepted, Announcement, Place, TransferError};
use object_store::ObjectStoreExt;
use sha2::{Digest, Sha256, Sha512};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes asked for at a time.
const CHUNK: u64 = 8 << 20;

/// Fetches an announced file into `folder`, under its own name; it appears when all of it is there and has the hash that
/// was announced. What an earlier attempt has left is gone on with.
pub(super) async fn fetch(announcement: &Announcement, rule: &Accepted, folder: &Path) -> Result<PathBuf, TransferError> {
    let url = url::Url::parse(&announcement.url).map_err(|e| TransferError::Message { problem: e.to_string() })?;
    let problem = |problem: String| TransferError::Announced { url: announcement.url.clone(), problem };
    let name = url.path_segments().and_then(|mut s| s.next_back()).unwrap_or_default().to_owned();
    let plain =
        name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+=".contains(c)) && !name.starts_with('.') && !name.is_empty();
    if !plain || name.len() > 255 {
        return Err(problem("its name cannot be that of a file".to_owned()));
    }
    let (place, path) = match url.scheme() {
        "file" => {
            let file = url.to_file_path().map_err(|()| problem("it is no path of this machine".to_owned()))?;
            let parent = file.parent().map(|p| p.display().to_string()).unwrap_or_default();
            (Place::parse(&parent)?, name.clone())
        }
        _ => (Place::parse(&format!("{}://{}", url.scheme(), url.authority()))?, url.path().trim_start_matches('/').to_owned()),
    };
    let object = place.object(&path)?;
    let meta = place.store.head(&object).await.map_err(place.error(&path))?;
    if announcement.size.is_some_and(|size| size != meta.size) {
        return Err(problem(format!("it has {} bytes, {} were announced", meta.size, announcement.size.unwrap_or_default())));
    }
    if meta.size > rule.max_bytes {
        return Err(problem(format!("it has {} bytes, the rule `{}` allows {}", meta.size, rule.name, rule.max_bytes)));
    }
    let part = folder.join(format!(".{name}.part"));
    let mut written =
        File::options().read(true).write(true).create(true).truncate(false).open(&part).map_err(TransferError::system(&part))?;
    let mut at = written.metadata().map_err(TransferError::system(&part))?.len();
    if at > meta.size {
        at = 0;
        written.set_len(0).map_err(TransferError::system(&part))?;
    }
    written.seek(SeekFrom::Start(at)).map_err(TransferError::system(&part))?;
    while at < meta.size {
        let bytes = place.store.get_range(&object, at..(at + CHUNK).min(meta.size)).await.map_err(place.error(&path))?;
        written.write_all(&bytes).map_err(TransferError::system(&part))?;
        at += bytes.len() as u64;
    }
    written.sync_all().map_err(TransferError::system(&part))?;
    if let Some(integrity) = &announcement.integrity {
        let found = hash_of(&mut written, &integrity.method).map_err(TransferError::system(&part))?;
        let found = found.ok_or_else(|| problem(format!("hashes of kind {} are not checked here", integrity.method)))?;
        if found != integrity.value {
            // What is there is wrong from some byte on: the next attempt starts anew.
            std::fs::remove_file(&part).map_err(TransferError::system(&part))?;
            return Err(problem(format!("its {} is {}, {} was announced", integrity.method, hex(&found), hex(&integrity.value))));
        }
    }
    let destination = folder.join(&name);
    std::fs::rename(&part, &destination).map_err(TransferError::system(&destination))?;
    Ok(destination)
}

/// The hash of a file; none for methods that are not known. MD5 proves nothing and is not taken for a proof.
fn hash_of(file: &mut File, method: &str) -> std::io::Result<Option<Vec<u8>>> {
    fn digest<D: Digest>(file: &mut File) -> std::io::Result<Vec<u8>> {
        let (mut hasher, mut buffer) = (D::new(), vec![0; 1 << 16]);
        file.seek(SeekFrom::Start(0))?;
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finalize().to_vec()),
                len => hasher.update(&buffer[..len]),
            }
        }
    }
    Ok(match method {
        "sha256" => Some(digest::<Sha256>(file)?),
        "sha512" => Some(digest::<Sha512>(file)?),
        _ => None,
    })
}
