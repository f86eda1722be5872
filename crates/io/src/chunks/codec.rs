//! Filters of a chunk, undone.

use super::fletcher;
use hdf5_metno::filters::Filter;
use libdeflater::{DecompressionError, Decompressor};

/// A filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Shuffle,
    Deflate,
    Fletcher,
}

/// The filters of a variable, in the order of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Codec(Vec<Step>);

/// Buffers of one thread that decodes.
pub(super) struct Decoding {
    pub(super) stored: Vec<u8>,
    inflated: Vec<u8>,
    decompressor: Decompressor,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { stored: Vec::new(), inflated: Vec::new(), decompressor: Decompressor::new() }
    }
}

/// Bytes of a chunk's numbers, still shuffled or not.
#[derive(Clone, Copy)]
pub(super) struct Plain<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) shuffled: bool,
}

impl Codec {
    /// The filters, if all are known and in an order that can be undone here.
    pub(super) fn new(filters: &[Filter]) -> Option<Self> {
        let steps: Option<Vec<Step>> = filters
            .iter()
            .enumerate()
            .map(|(at, filter)| match filter {
                Filter::Shuffle if at == 0 => Some(Step::Shuffle),
                Filter::Deflate(_) => Some(Step::Deflate),
                Filter::Fletcher32 => Some(Step::Fletcher),
                _ => None,
            })
            .collect();
        let once = |step| steps.iter().flatten().filter(|s| **s == step).count() <= 1;
        let ok = once(Step::Deflate) && once(Step::Fletcher);
        steps.filter(|_| ok).map(Self)
    }

    /// Undoes the filters of `buffers.stored` but for shuffling; those whose bit is set in `mask` were not applied.
    /// The chunk has `len` bytes.
    pub(super) fn decode<'b>(&self, buffers: &'b mut Decoding, mask: u32, len: usize) -> Result<Plain<'b>, String> {
        let Decoding { stored, inflated, decompressor } = buffers;
        let applied = |at: usize| mask & (1 << at) == 0;
        let position = |step| self.0.iter().position(|s| *s == step).filter(|&at| applied(at));
        let (deflate, checksum) = (position(Step::Deflate), position(Step::Fletcher));
        let mut bytes: &[u8] = stored;
        if checksum > deflate && checksum.is_some() {
            bytes = checked(bytes)?;
        }
        if let Some(at) = deflate {
            // The library puts the checksum before deflating if it comes first.
            let expected = len + if checksum.is_some_and(|c| c < at) { 4 } else { 0 };
            inflated.resize(expected, 0);
            let found = decompressor.zlib_decompress(bytes, inflated).map_err(|e| match e {
                DecompressionError::BadData => "its compressed bytes are damaged".to_owned(),
                DecompressionError::InsufficientSpace => format!("it holds more than the {expected} bytes of a chunk"),
            })?;
            if found != expected {
                return Err(format!("it holds {found} bytes, a chunk has {expected}"));
            }
            bytes = inflated;
        }
        if checksum.is_some() && checksum < deflate {
            bytes = checked(bytes)?;
        }
        if bytes.len() != len {
            return Err(format!("it holds {} bytes, a chunk has {len}", bytes.len()));
        }
        Ok(Plain { bytes, shuffled: position(Step::Shuffle).is_some() })
    }

    /// Whether [`super::encode::Encoding`] writes what these filters read: deflate, after shuffling or not.
    pub(super) fn shuffles_when_writing(&self) -> Option<bool> {
        match self.0.as_slice() {
            [Step::Shuffle, Step::Deflate] => Some(true),
            [Step::Deflate] => Some(false),
            _ => None,
        }
    }
}

/// Bytes without the checksum at their end, if it is right.
fn checked(bytes: &[u8]) -> Result<&[u8], String> {
    let (data, sum) = bytes.split_last_chunk::<4>().ok_or_else(|| "it is too short for its checksum".to_owned())?;
    if fletcher::matches(data, *sum) { Ok(data) } else { Err("its checksum is wrong".to_owned()) }
}
