//! States kept on disk: whole or not at all, and only for the run they belong to.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `KNARRRST` |
//! | 8 | version of this layout: 1 (all numbers are little-endian) |
//! | 8 | length of the head |
//! | 32 | BLAKE3 hash of all that follows |
//! | | the head: JSON with the time, what the run is made of, and name, type and length of each array |
//! | | the arrays one after the other: f64, i64, or one byte a flag |

use crate::error::RunError;
use crate::plan::Plan;
use crate::{Array, Instant, State};
use knarr_io::atomic::AtomicFile;
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"KNARRRST";
const VERSION: u64 = 1;
/// How many are kept.
const KEPT: usize = 2;

#[derive(serde::Serialize, serde::Deserialize)]
struct Head {
    at_s: i64,
    hash: String,
    ingredients: Vec<(String, String)>,
    program: String,
    arrays: Vec<(String, char, usize)>,
}

/// The folder of kept states of an output folder.
pub fn folder(output: &Path) -> PathBuf {
    output.join("restart")
}

/// Keeps a state at `at_s` seconds after the start, and of the older ones all but the latest.
///
/// # Errors
/// [`RunError::Io`].
pub fn keep(plan: &Plan, state: &State, at_s: i64, output: &Path) -> Result<PathBuf, RunError> {
    let folder = folder(output);
    let label = Instant(plan.start.0 + at_s).label(plan.calendar).replace([':', '-'], "");
    let path = folder.join(format!("{label}.knarr"));
    std::fs::create_dir_all(&folder).map_err(|source| knarr_io::IoError::System {
        path: folder.clone(),
        action: "make the folder",
        source,
    })?;
    let file = AtomicFile::create(&path, true)?;
    write(plan, state, at_s, file.path()).map_err(|e| file.error(&e))?;
    file.commit()?;
    let mut kept = all(output);
    kept.sort();
    // Names begin with the date: years of one length sort as times do.
    kept.retain(|(_, p)| *p != path);
    for (_, old) in kept.iter().rev().skip(KEPT - 1) {
        // One that stays costs space, not the run.
        let _ = std::fs::remove_file(old);
    }
    Ok(path)
}

/// Removes all kept states of an output folder.
pub fn forget(output: &Path) {
    let entries = std::fs::read_dir(folder(output)).into_iter().flatten().flatten();
    for path in entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "knarr")) {
        // One that cannot be removed is refused later by its hash, or belongs to this very run.
        let _ = std::fs::remove_file(path);
    }
}

fn write(plan: &Plan, state: &State, at_s: i64, path: &Path) -> std::io::Result<()> {
    let entry = |(name, array): (&str, &Array)| match array {
        Array::Real(v) => (name.to_owned(), 'r', v.len()),
        Array::Whole(v) => (name.to_owned(), 'w', v.len()),
        Array::Flags(v) => (name.to_owned(), 'f', v.len()),
    };
    let head = Head {
        at_s,
        hash: plan.hash.clone(),
        ingredients: plan.ingredients.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        arrays: state.arrays().map(entry).collect(),
    };
    let head = serde_json::to_vec(&head)?;
    let mut body = head.clone();
    for (_, array) in state.arrays() {
        match array {
            Array::Real(v) => v.iter().for_each(|x| body.extend(x.to_le_bytes())),
            Array::Whole(v) => v.iter().for_each(|x| body.extend(x.to_le_bytes())),
            Array::Flags(v) => body.extend(v.iter().map(|&x| u8::from(x))),
        }
    }
    let mut file = std::fs::File::options().write(true).open(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    file.write_all(&(head.len() as u64).to_le_bytes())?;
    file.write_all(blake3::Hasher::new().update_rayon(&body).finalize().as_bytes())?;
    file.write_all(&body)
}

/// Kept states of an output folder: seconds after the start, and file; those that cannot be read at all are left out.
fn all(output: &Path) -> Vec<(i64, PathBuf)> {
    let entries = std::fs::read_dir(folder(output)).into_iter().flatten().flatten();
    entries
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "knarr"))
        .filter_map(|path| Some((read(&path).ok()?.0.at_s, path)))
        .collect()
}

/// Removes unfinished files that a run left behind that had no time to (`kill -9`).
pub fn sweep(output: &Path) {
    for at in [output.to_owned(), folder(output)] {
        let paths = std::fs::read_dir(at).into_iter().flatten().flatten().map(|e| e.path());
        for path in paths.filter(|p| knarr_io::atomic::is_unfinished(p)) {
            // One that stays costs space, not the run.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether `key` names an ingredient: its name, or a word of it such as `maps` of "`maps` of the experiment".
fn names(key: &str, ingredient: &str) -> bool {
    ingredient == key || ingredient.split([' ', '`', '(', ')']).any(|word| word == key)
}

/// The latest kept state that belongs to the plan, with its time. What `allowed` names may have changed.
///
/// # Errors
/// [`RunError::Restart`] if there is none, or it belongs to another run: what has changed is named.
pub fn latest(plan: &Plan, output: &Path, allowed: &[String]) -> Result<(i64, State, PathBuf), RunError> {
    let fail = |path: PathBuf, problem: String, changed| RunError::Restart { path, problem, changed };
    let Some((_, path)) = all(output).into_iter().max() else {
        return Err(fail(folder(output), "there is no kept state to go on from".to_owned(), Vec::new()));
    };
    let (head, state) = read(&path).map_err(|problem| fail(path.clone(), problem, Vec::new()))?;
    if head.hash != plan.hash {
        let old = |name: &str| head.ingredients.iter().find(|(n, _)| n == name).map(|(_, hash)| hash);
        let mut changed: Vec<String> =
            plan.ingredients.iter().filter(|(name, hash)| old(name) != Some(hash)).map(|(name, _)| name.clone()).collect();
        let gone = head.ingredients.iter().filter(|(name, _)| !plan.ingredients.iter().any(|(n, _)| n == name));
        changed.extend(gone.map(|(name, _)| format!("{name} (gone)")));
        changed.retain(|name| !allowed.iter().any(|key| names(key, name)));
        if changed.is_empty() {
            return Ok((head.at_s, state, path));
        }
        let problem = format!("the state belongs to another run; changed since: {}", changed.join(", "));
        return Err(fail(path, problem, changed));
    }
    Ok((head.at_s, state, path))
}

fn read(path: &Path) -> Result<(Head, State), String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read: {e}"))?;
    let damaged = || "it is damaged, or no kept state of this version".to_owned();
    let number = |at: usize| bytes.get(at..at + 8).map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes")));
    if bytes.get(..8) != Some(MAGIC) || number(8) != Some(VERSION) {
        return Err(damaged());
    }
    let head_len = usize::try_from(number(16).ok_or_else(damaged)?).map_err(|_| damaged())?;
    let (hash, body) = (bytes.get(24..56).ok_or_else(damaged)?, &bytes[56..]);
    if blake3::Hasher::new().update_rayon(body).finalize().as_bytes() != hash {
        return Err(damaged());
    }
    let head: Head = serde_json::from_slice(body.get(..head_len).ok_or_else(damaged)?).map_err(|_| damaged())?;
    let (mut rest, mut state) = (&body[head_len..], State::new());
    for (name, kind, len) in &head.arrays {
        let width = if *kind == 'f' { 1 } else { 8 };
        let (own, after) = rest.split_at_checked(len.checked_mul(width).ok_or_else(damaged)?).ok_or_else(damaged)?;
        rest = after;
        let words = || own.chunks_exact(8).map(|b| <[u8; 8]>::try_from(b).expect("eight bytes"));
        let array = match kind {
            'r' => Array::Real(words().map(f64::from_le_bytes).collect()),
            'w' => Array::Whole(words().map(i64::from_le_bytes).collect()),
            _ => Array::Flags(own.iter().map(|&b| b != 0).collect()),
        };
        state.put(name.clone(), array);
    }
    Ok((head, state))
}
