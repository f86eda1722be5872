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
        // A few chunks a thread at a time, so that storing one group can overlap with other work.
        for group in self.places(&slabs).chunks(4 * rayon::current_num_threads()) {
            let encoded = group.par_iter().map_init(
                || self.chunked.buffers.encoding.lend(),
                |encoding, place| self.encode(slabs.start, place, fill, values, encoding),
            );
            for (place, bytes) in group.iter().zip(encoded.collect::<Vec<_>>()) {
                self.store(place, &bytes)?;
            }
        }
        Ok(())
    }

    /// Encodes the chunks of slabs that begin with `first`, whose numbers `values` gives as in [`ChunkWriter::write`].
    pub(crate) fn encoder<'a, T: Element>(
        &'a self,
        first: usize,
        fill: T,
        values: impl Fn(Range<usize>, &mut [T]) + Sync + 'a,
    ) -> Encoder<'a> {
        Box::new(move |place, encoding| self.encode(first, place, fill, &values, encoding))
    }

    /// Places of all chunks of the slabs, in order.
    fn places(&self, slabs: &Range<usize>) -> Vec<Place> {
        let inner = &self.lens[self.extra..];
        let part: Vec<Range<usize>> = inner.iter().map(|&len| 0..len).collect();
        let chunk = &self.chunked.chunk[self.extra..];
        slabs.clone().flat_map(|slab| origins(chunk, &part).into_iter().map(move |origin| (slab, origin))).collect()
    }

    fn encode<T: Element>(
        &self,
        first: usize,
        (slab, origin): &Place,
        fill: T,
        values: &(dyn Fn(Range<usize>, &mut [T]) + Sync),
        encoding: &mut Encoding,
    ) -> Vec<u8> {
        let part: Vec<Range<usize>> = self.lens[self.extra..].iter().map(|&len| 0..len).collect();
        let (chunk, cells) = (&self.chunked.chunk[self.extra..], part.iter().map(Range::len).product::<usize>());
        let len: usize = chunk.iter().product();
        let mut words = std::mem::take(&mut encoding.numbers);
        words.resize((len * size_of::<T>()).div_ceil(size_of::<u64>()), 0);
        let numbers: &mut [T] = &mut bytemuck::cast_slice_mut(&mut words)[..len];
        // Beyond the edge a chunk holds the fill value.
        if origin.iter().zip(chunk).zip(&part).any(|((from, len), part)| from + len > part.end) {
            numbers.fill(fill);
        }
        let begin = (slab - first) * cells;
        for_each_run(origin, chunk, &part, |run| {
            let from = begin + run.in_part;
            values(from..from + run.len, &mut numbers[run.in_chunk..run.in_chunk + run.len]);
        });
        let encoded = encoding.encode(bytemuck::cast_slice::<T, T::Word>(numbers), self.shuffled);
        encoding.numbers = words;
        encoded
    }

    fn store(&self, (slab, origin): &Place, bytes: &[u8]) -> Result<(), String> {
        let at = crate::nc::unravel(*slab, &self.lens[..self.extra]);
        let offset: Vec<u64> = at.iter().chain(origin).map(|&i| i as u64).collect();
        raw::write_chunk(&self.chunked.dataset, &offset, bytes)
    }
}

/// A slab, and where in it a chunk begins.
type Place = (usize, Vec<usize>);

/// Encodes the chunk at a place.
pub(crate) type Encoder<'a> = Box<dyn Fn(&Place, &mut Encoding) -> Vec<u8> + Sync + 'a>;

/// Encodes and stores the slabs `slabs` of several variables in turn, slab by slab: where their chunks come to lie does
/// not depend on how many slabs are at hand.
///
/// # Errors
/// The number of the variable, and what the library says.
pub(crate) fn write_in_turn(parts: &[(&ChunkWriter, Encoder<'_>)], slabs: Range<usize>) -> Result<(), (usize, String)> {
    let of_slab = |slab: usize| {
        let places = |(k, part): (usize, &(&ChunkWriter, Encoder<'_>))| {
            part.0.places(&(slab..slab + 1)).into_iter().map(move |p| (k, p)).collect::<Vec<_>>()
        };
        parts.iter().enumerate().flat_map(places).collect::<Vec<_>>()
    };
    let places: Vec<(usize, Place)> = slabs.flat_map(of_slab).collect();
    for group in places.chunks(4 * rayon::current_num_threads()) {
        let encoded = group.par_iter().map(|(k, place)| {
            let (writer, encode) = &parts[*k];
            encode(place, &mut writer.chunked.buffers.encoding.lend())
        });
        for ((k, place), bytes) in group.iter().zip(encoded.collect::<Vec<_>>()) {
            parts[*k].0.store(place, &bytes).map_err(|problem| (*k, problem))?;
        }
    }
    Ok(())
}
