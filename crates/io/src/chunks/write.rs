//! Chunks of a new variable, encoded by all cores and stored in order.

use super::encode::Encoding;
use super::layout::Chunked;
use super::place::{for_each_run, origins};
use super::raw;
use crate::element::Element;
use rayon::prelude::*;
use std::ops::Range;

/// Writes whole slabs of a variable whose chunks lie within one slab each.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    chunked: Chunked,
    shuffled: bool,
    /// Dimensions before the horizontal ones.
    extra: usize,
    lens: Vec<usize>,
}

impl ChunkWriter {
    /// For a variable of lengths `lens` with `extra` dimensions before the horizontal ones; `None` if it is not stored
    /// as this writes.
    pub(crate) fn new(chunked: Chunked, lens: &[usize], extra: usize) -> Option<Result<Self, String>> {
        let shuffled = chunked.codec.shuffles_when_writing()?;
        let within_slab = chunked.chunk[..extra].iter().all(|&len| len == 1);
        if !within_slab || chunked.swapped || lens.contains(&0) {
            return None;
        }
        if chunked.lens != lens {
            let new: Vec<u64> = lens.iter().map(|&len| len as u64).collect();
            if let Err(e) = raw::extend(&chunked.dataset, &new) {
                return Some(Err(e));
            }
        }
        Some(Ok(Self { chunked, shuffled, extra, lens: lens.to_vec() }))
    }

    /// Encodes and stores the slabs `slabs`. `value` gives the number at a place of them, counted over all of them.
    ///
    /// # Errors
    /// What the library says.
    pub(crate) fn write<T: Element>(
        &self,
        slabs: Range<usize>,
        fill: T,
        values: &(dyn Fn(Range<usize>, &mut [T]) + Sync),
    ) -> Result<(), String> {
        let (outer, inner) = self.lens.split_at(self.extra);
        let part: Vec<Range<usize>> = inner.iter().map(|&len| 0..len).collect();
        let chunk = &self.chunked.chunk[self.extra..];
        let cells: usize = inner.iter().product();
        let places: Vec<(usize, Vec<usize>)> =
            slabs.clone().flat_map(|slab| origins(chunk, &part).into_iter().map(move |origin| (slab, origin))).collect();
        // A few chunks a thread at a time, so that storing one group can overlap with other work.
        for group in places.chunks(4 * rayon::current_num_threads()) {
            let encoded = group.par_iter().map_init(
                || (Encoding::default(), Vec::new()),
                |(encoding, numbers), (slab, origin)| {
                    // Beyond the edge a chunk holds the fill value.
                    numbers.clear();
                    numbers.resize(chunk.iter().product(), fill);
                    let first = (slab - slabs.start) * cells;
                    for_each_run(origin, chunk, &part, |run| {
                        let from = first + run.in_part;
                        values(from..from + run.len, &mut numbers[run.in_chunk..run.in_chunk + run.len]);
                    });
                    encoding.encode(bytemuck::cast_slice::<T, T::Word>(numbers), self.shuffled)
                },
            );
            for ((slab, origin), bytes) in group.iter().zip(encoded.collect::<Vec<_>>()) {
                let at = crate::nc::unravel(*slab, outer);
                let offset: Vec<u64> = at.iter().chain(origin).map(|&i| i as u64).collect();
                raw::write_chunk(&self.chunked.dataset, &offset, &bytes)?;
            }
        }
        Ok(())
    }
}
