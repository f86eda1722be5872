//! HDF5 files walked by the format's description, without the HDF5 library: what it hides is seen here.
//!
//! Covered is what NetCDF-4 files are made of: superblocks 0 to 3, both kinds of object headers and groups, B-trees of
//! both versions, local, global and fractal heaps, attributes in headers and in heaps, compact, contiguous and chunked
//! values. The rest ends as [`OddityKind::NotUnderstood`]: nothing passes because it was not understood.
//!
//! Reference: HDF5 File Format Specification, version 3.0.

mod attributes;
mod btree;
mod datatype;
mod fractal_heap;
mod global_heap;
mod groups;
mod header;
mod reader;
mod values;

use crate::structure::{Format, OddityKind, Spans, Structure};
use global_heap::GlobalHeaps;
use reader::Reader;
use std::collections::HashSet;

const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// What the walk could not follow, in words without content of the file.
type Step<T> = Result<T, &'static str>;

/// Where the superblock is: at 0, or behind a user block of 512 bytes or a doubling of it.
pub(crate) fn signature(bytes: &[u8]) -> Option<usize> {
    std::iter::once(0)
        .chain((0..40).map(|k| 512usize << k))
        .take_while(|at| at + 8 <= bytes.len())
        .find(|&at| bytes[at..].starts_with(SIGNATURE))
}

/// Walks the file whose superblock is at `base`.
pub(crate) fn inspect(bytes: &[u8], base: usize) -> Structure {
    let mut structure = Structure::new(Format::Hdf5, bytes);
    if base > 0 {
        structure.odd(OddityKind::UserBlock, "before the file", base as u64);
    }
    let body = &bytes[base..];
    let mut walk = Walk {
        bytes: body,
        offset_size: 8,
        length_size: 8,
        spans: Spans::default(),
        structure,
        seen: HashSet::new(),
        heaps: GlobalHeaps::default(),
        end: 0,
        depth: 0,
    };
    if let Err(what) = walk.file() {
        walk.structure.odd(OddityKind::NotUnderstood, what, 0);
    }
    let Walk { mut structure, mut spans, heaps, end, .. } = walk;
    heaps.claim(&mut spans);
    // Where the walk stopped early, most of the file is not reached; one remark on that is enough.
    if !structure.has(OddityKind::NotUnderstood) {
        // The file says itself where it ends; no library leaves anything behind that.
        spans.settle(body, end, &mut structure);
    }
    structure
}

struct Walk<'a> {
    bytes: &'a [u8],
    offset_size: usize,
    length_size: usize,
    spans: Spans,
    structure: Structure,
    seen: HashSet<usize>,
    heaps: GlobalHeaps,
    /// Where the file ends by its own account.
    end: usize,
    /// Objects and header parts that lead to the one being walked.
    depth: usize,
}

/// A plain file has a root and variables; what leads further down is made to exhaust whoever follows.
const DEPTH: usize = 64;

impl<'a> Walk<'a> {
    fn reader(&self, at: usize) -> Reader<'a> {
        Reader { bytes: self.bytes, at, offset_size: self.offset_size, length_size: self.length_size }
    }

    /// A reader behind the four letters that a structure begins with.
    fn signed(&self, at: usize, letters: &[u8; 4], what: &'static str) -> Step<Reader<'a>> {
        let mut reader = self.reader(at);
        if reader.take(4)? == letters { Ok(reader) } else { Err(what) }
    }

    fn claim_to(&mut self, start: usize, reader: &Reader<'_>) {
        self.spans.claim(start, reader.at - start);
    }

    /// Whether a structure is met for the first time; a file that points in circles ends here.
    fn first_visit(&mut self, at: usize) -> bool {
        self.seen.insert(at)
    }

    /// Does one step further down.
    fn deeper(&mut self, step: impl FnOnce(&mut Self) -> Step<()>) -> Step<()> {
        if self.depth >= DEPTH {
            return Err("objects that lead too far down");
        }
        self.depth += 1;
        let done = step(self);
        self.depth -= 1;
        done
    }

    fn file(&mut self) -> Step<()> {
        let mut r = self.reader(8);
        let version = r.u8()?;
        let root = match version {
            0 | 1 => {
                r.take(4)?;
                self.sizes(&mut r)?;
                r.take(1 + 4 + 4 + if version == 1 { 4 } else { 0 })?;
                r.offset()?;
                let free_space = r.offset()?;
                self.end = r.offset()?.ok_or("no end")?;
                let driver = r.offset()?;
                if free_space.is_some() || driver.is_some() {
                    return Err("a driver or a free-space index in the superblock");
                }
                r.offset_number()?;
                let root = r.offset()?.ok_or("no root group")?;
                r.take(24)?;
                root
            }
            2 | 3 => {
                self.sizes(&mut r)?;
                r.take(1)?;
                r.offset()?;
                let extension = r.offset()?;
                self.end = r.offset()?.ok_or("no end")?;
                let root = r.offset()?.ok_or("no root group")?;
                r.take(4)?;
                if let Some(at) = extension {
                    self.object(at, "the superblock's extension", false)?;
                }
                root
            }
            _ => return Err("a superblock of an unknown version"),
        };
        self.claim_to(0, &r);
        self.object(root, "the file", true)
    }

    fn sizes(&mut self, r: &mut Reader<'a>) -> Step<()> {
        (self.offset_size, self.length_size) = (r.u8()?.into(), r.u8()?.into());
        (r.offset_size, r.length_size) = (self.offset_size, self.length_size);
        if [self.offset_size, self.length_size].iter().all(|s| [4, 8].contains(s)) {
            Ok(())
        } else {
            Err("addresses of an unusual width")
        }
    }
}
