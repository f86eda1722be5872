//! Values of classic NetCDF files, read side by side and turned from big-endian on all cores.

use crate::classic::{Layout, Place};
use crate::element::Word;
use std::ops::Range;
use std::path::Path;

/// Bytes that one task reads at most.
const PIECE_BYTES: usize = 1 << 20;
/// Stretches below this many bytes are left to the library, which buffers them.
const SHORT_BYTES: usize = 1 << 12;

/// The layout of a classic file; `None` for other files.
pub(crate) fn layout(path: &Path) -> Option<Layout> {
    let mut file = std::io::BufReader::new(std::fs::File::open(path).ok()?);
    let is_classic = std::io::BufRead::fill_buf(&mut file).is_ok_and(|head| head.starts_with(b"CDF"));
    is_classic.then(|| Layout::read(&mut file).ok()).flatten()
}

/// Reads `part` of a variable of lengths `lens` into `out`; `None` if its values lie in pieces too short for that.
pub(crate) fn read<W: Word>(
    path: &Path,
    place: &Place,
    lens: &[usize],
    part: &[Range<usize>],
    out: &mut [W],
) -> Option<Result<(), String>> {
    let pieces = pieces(place, lens, part, out)?;
    Some(read_pieces(path, pieces))
}

/// Positions in the file, and what of `out` is read there.
fn pieces<'o, W: Word>(
    place: &Place,
    lens: &[usize],
    part: &[Range<usize>],
    mut out: &'o mut [W],
) -> Option<Vec<(u64, &'o mut [W])>> {
    let size = size_of::<W>();
    // One record after the other, or all values as one.
    let (records, lens, part) = match place.record_bytes {
        Some(_) => (part.first()?.clone(), lens.get(1..)?, part.get(1..)?),
        None => (0..1, lens, part),
    };
    let mut pieces = Vec::new();
    for record in records {
        let begin = place.begin + place.record_bytes.unwrap_or(0) * record as u64;
        let mut runs = Vec::new();
        let origin = vec![0; lens.len()];
        crate::chunks::for_each_run(&origin, lens, part, |run| runs.push(run));
        for run in runs {
            if run.len * size < SHORT_BYTES {
                return None;
            }
            let (own, rest) = out.split_at_mut(run.len);
            out = rest;
            let mut at = begin + (run.in_chunk * size) as u64;
            for piece in own.chunks_mut(PIECE_BYTES / size) {
                let bytes = size_of_val(piece) as u64;
                pieces.push((at, piece));
                at += bytes;
            }
        }
    }
    Some(pieces)
}

#[cfg(unix)]
fn read_pieces<W: Word>(path: &Path, pieces: Vec<(u64, &mut [W])>) -> Result<(), String> {
    use rayon::prelude::*;
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    pieces.into_par_iter().try_for_each(|(at, words)| {
        file.read_exact_at(bytemuck::cast_slice_mut(words), at).map_err(|e| format!("at byte {at}: {e}"))?;
        if cfg!(target_endian = "little") {
            crate::element::swap_all(words);
        }
        Ok(())
    })
}

#[cfg(not(unix))]
fn read_pieces<W: Word>(path: &Path, pieces: Vec<(u64, &mut [W])>) -> Result<(), String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    for (at, words) in pieces {
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(bytemuck::cast_slice_mut(words)));
        read.map_err(|e| format!("at byte {at}: {e}"))?;
        if cfg!(target_endian = "little") {
            crate::element::swap_all(words);
        }
    }
    Ok(())
}
