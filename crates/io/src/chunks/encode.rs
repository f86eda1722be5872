//! Filters of a chunk, applied: shuffle and deflate.
//!
//! The low bytes of measured numbers are noise. After shuffling they come first, each kind in a plane of its own, and
//! deflate finds nothing in them in most of its time. Such planes are stored as they are, in stored blocks of the same
//! stream; the ratio stays the same within a percent. Any reader of zlib's format reads it.

use super::shuffle::shuffle;
use crate::element::Word;
use libdeflater::{CompressionLvl, Compressor, adler32};

/// With libdeflate 1.26 on shuffled temperatures: ratio 1.85 and 6.4 at level 1; at level 4 the ratio is 1 to 3 % better
/// and the time nearly twice as long. zlib's level 1 takes longer and has 1.64 and 5.9.
const LEVEL: i32 = 1;

/// Planes of fewer bytes are not looked into.
const LEAST_PLANE: usize = 1 << 15;
/// Bytes that are compressed to see whether a plane is noise.
const SAMPLE: usize = 1 << 13;
/// A plane is noise if its sample shrinks by less than one part in this.
const WORTHWHILE: usize = 50;
/// Most bytes of a stored block.
const BLOCK: usize = 65_535;

/// Buffers of one thread that encodes.
pub(crate) struct Encoding {
    /// Room for the numbers of a chunk, of any type.
    pub(super) numbers: Vec<u64>,
    planes: Vec<u8>,
    /// Room for what the compressor makes.
    deflated: Vec<u8>,
    compressor: Compressor,
}

impl Default for Encoding {
    fn default() -> Self {
        let level = CompressionLvl::new(LEVEL).expect("a level of the library");
        Self { numbers: Vec::new(), planes: Vec::new(), deflated: Vec::new(), compressor: Compressor::new(level) }
    }
}

impl Encoding {
    /// Shuffled, if asked for, and deflated: a stream in zlib's format.
    pub(super) fn encode<W: Word>(&mut self, words: &[W], shuffled: bool) -> Vec<u8> {
        if !shuffled || size_of::<W>() == 1 {
            return self.compress(bytemuck::cast_slice(words), 0);
        }
        let mut planes = std::mem::take(&mut self.planes);
        planes.resize(size_of_val(words), 0);
        shuffle(words, &mut planes);
        let noisy = if words.len() < LEAST_PLANE {
            0
        } else {
            planes.chunks_exact(words.len()).take_while(|plane| self.is_noise(plane)).count()
        };
        let encoded = self.compress(&planes, noisy * words.len());
        self.planes = planes;
        encoded
    }

    fn is_noise(&mut self, plane: &[u8]) -> bool {
        // Two places, since a field may be calm in one.
        [plane.len() / 4, plane.len() * 3 / 4].into_iter().all(|middle| {
            let sample = &plane[middle - SAMPLE / 2..middle + SAMPLE / 2];
            self.deflate(sample).len() > SAMPLE - SAMPLE / WORTHWHILE
        })
    }

    fn deflate(&mut self, bytes: &[u8]) -> &[u8] {
        let bound = self.compressor.deflate_compress_bound(bytes.len());
        if self.deflated.len() < bound {
            self.deflated.resize(bound, 0);
        }
        let len = self.compressor.deflate_compress(bytes, &mut self.deflated).expect("the bound is enough");
        &self.deflated[..len]
    }

    /// `bytes` as a stream whose first `stored` bytes are in stored blocks.
    fn compress(&mut self, bytes: &[u8], stored: usize) -> Vec<u8> {
        let (plain, rest) = bytes.split_at(stored);
        let deflated = self.deflate(rest);
        let framing = plain.len() + 5 * plain.len().div_ceil(BLOCK) + 6;
        let mut out = Vec::with_capacity(framing + deflated.len());
        // Deflate with a window of 32 KiB, "fastest".
        out.extend([0x78, 0x01]);
        for block in plain.chunks(BLOCK) {
            let len = block.len() as u16;
            // Not the last block, stored; its length and the complement of that.
            out.push(0);
            out.extend(len.to_le_bytes());
            out.extend((!len).to_le_bytes());
            out.extend_from_slice(block);
        }
        out.extend_from_slice(deflated);
        out.extend(adler32(bytes).to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libdeflater::Decompressor;

    /// SplitMix64.
    fn noise(i: usize) -> u32 {
        let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as u32
    }

    /// Another reader of the format gets the shuffled bytes back, whichever planes are noise.
    #[test]
    fn streams_are_those_of_zlib_whatever_is_stored() {
        for len in [0, 1, LEAST_PLANE - 1, LEAST_PLANE, 3 * LEAST_PLANE + 17] {
            for (noisy, mask) in [(0, 0), (1, 0xff), (2, 0xffff), (4, u32::MAX)] {
                let words: Vec<u32> = (0..len).map(|i| (noise(i) & mask) | (0x4100_0000 & !mask)).collect();
                let mut encoding = Encoding::default();
                let encoded = encoding.encode(&words, true);
                let mut planes = vec![0; 4 * len];
                shuffle(&words, &mut planes);
                let mut back = vec![0xee; 4 * len];
                let found = Decompressor::new().zlib_decompress(&encoded, &mut back).expect("a stream");
                assert_eq!((found, &back), (4 * len, &planes));
                // A first block with the first byte 0 is a stored one that others follow.
                let is_stored = encoded[2] == 0 && len >= LEAST_PLANE;
                assert_eq!(is_stored, noisy > 0 && len >= LEAST_PLANE, "{len} values, {noisy} noisy planes");
                assert!(encoded.len() < noisy * len + len / 4 + 128, "{len} values, {noisy} noisy planes: {}", encoded.len());
                assert_eq!(encoded, Encoding::default().encode(&words, true), "same input, same bytes");
            }
        }
    }
}
