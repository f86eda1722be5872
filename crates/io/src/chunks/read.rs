//! Parts of a chunked variable, decoded by all cores.

use super::codec::{Decoding, Plain};
use super::layout::Chunked;
use super::place::{for_each_run, origins};
use super::raw;
use super::shuffle::unshuffle;
use crate::element::{Word, swap_all};
use rayon::prelude::*;
use std::ops::Range;

/// Where reading whole chunks for a part costs more than this many times its bytes, the library's cache of chunks may
/// serve the next part, too.
const MOST_WASTE: usize = 4;

/// A band of the part: one row of chunks along the outermost dimension that has more than one value.
struct Band<'o, W> {
    part: Vec<Range<usize>>,
    out: &'o mut [W],
}

impl Chunked {
    /// Whether the part `part` of a variable with dimensions `lens` should be read here.
    pub(crate) fn suits(&self, part: &[Range<usize>], lens: &[usize]) -> bool {
        let touched = |(range, &len): (&Range<usize>, &usize)| range.end.div_ceil(len) - range.start / len;
        let chunks: usize = part.iter().zip(&self.chunk).map(touched).product();
        let bytes = part.iter().map(Range::len).product::<usize>() * self.number.size();
        // A variable may be shorter than a dimension that grew with another one.
        self.lens == lens && chunks.saturating_mul(self.chunk_bytes()) <= bytes.saturating_mul(MOST_WASTE)
    }

    /// Reads `part`, which lies inside the variable and is not empty, into `out`, which has its length.
    ///
    /// # Errors
    /// Which chunk is damaged, and how.
    pub(crate) fn read<W: Word>(&self, part: &[Range<usize>], out: &mut [W]) -> Result<(), String> {
        assert_eq!(size_of::<W>(), self.number.size(), "words of the variable's numbers");
        let bands = self.bands(part, out);
        if bands.len() >= rayon::current_num_threads() {
            return bands.into_par_iter().try_for_each_init(
                || self.buffers.decoding.lend(),
                |buffers, band| {
                    for origin in origins(&self.chunk, &band.part) {
                        let plain = self.fetch(&origin, buffers)?;
                        self.place(&origin, plain, &band.part, band.out);
                    }
                    Ok(())
                },
            );
        }
        for band in bands {
            let all: Vec<_> = origins(&self.chunk, &band.part);
            // As many chunks at a time as threads decode, so that few are held.
            for some in all.chunks(4 * rayon::current_num_threads()) {
                let decoded = some.par_iter().map(|origin| -> Result<_, String> {
                    let mut buffers = self.buffers.decoding.lend();
                    let plain = self.fetch(origin, &mut buffers)?;
                    Ok(plain.map(|p| (p.bytes.to_vec(), p.shuffled)))
                });
                for (origin, plain) in some.iter().zip(decoded.collect::<Vec<_>>()) {
                    let plain = plain?;
                    let plain = plain.as_ref().map(|(bytes, shuffled)| Plain { bytes, shuffled: *shuffled });
                    self.place(origin, plain, &band.part, band.out);
                }
            }
        }
        Ok(())
    }

    fn bands<'o, W>(&self, part: &[Range<usize>], mut out: &'o mut [W]) -> Vec<Band<'o, W>> {
        let axis = part.iter().position(|range| range.len() > 1).unwrap_or(0);
        let inner: usize = part.iter().skip(axis + 1).map(Range::len).product();
        let (len, range) = (self.chunk[axis], part[axis].clone());
        let rows = range.start / len..range.end.div_ceil(len);
        let mut bands = Vec::with_capacity(rows.len());
        for row in rows {
            let mut part = part.to_vec();
            part[axis] = range.start.max(row * len)..range.end.min((row + 1) * len);
            let (own, rest) = out.split_at_mut(part[axis].len() * inner);
            bands.push(Band { part, out: own });
            out = rest;
        }
        bands
    }

    /// Bytes of a chunk, its filters undone but for shuffling; `None` if it was never written.
    fn fetch<'b>(&self, origin: &[usize], buffers: &'b mut Decoding) -> Result<Option<Plain<'b>>, String> {
        let offset: Vec<u64> = origin.iter().map(|&i| i as u64).collect();
        let damaged = |why: String| format!("the chunk at {origin:?} cannot be read: {why}");
        match raw::read_chunk(&self.dataset, &offset, &mut buffers.stored).map_err(damaged)? {
            None => Ok(None),
            Some(mask) => self.codec.decode(buffers, mask, self.chunk_bytes()).map(Some).map_err(damaged),
        }
    }

    fn place<W: Word>(&self, origin: &[usize], plain: Option<Plain<'_>>, part: &[Range<usize>], out: &mut [W]) {
        let size = size_of::<W>();
        for_each_run(origin, &self.chunk, part, |run| {
            let out = &mut out[run.in_part..run.in_part + run.len];
            match plain {
                Some(Plain { bytes, shuffled: true }) => unshuffle(bytes, run.in_chunk, out),
                Some(Plain { bytes, shuffled: false }) => {
                    bytemuck::cast_slice_mut::<W, u8>(out)
                        .copy_from_slice(&bytes[run.in_chunk * size..(run.in_chunk + run.len) * size]);
                }
                None => out.fill(bytemuck::pod_read_unaligned(&self.fill[..size])),
            }
            if self.swapped {
                swap_all(out);
            }
        });
    }
}
