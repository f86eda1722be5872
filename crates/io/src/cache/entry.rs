//! One entry of a cache: weights as they lie in memory, with a hash over all of it.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `KNARRWTS` |
//! | 8 | 0x0102030405060708 in the byte order of the machine; entries of another order count as unusable |
//! | 8 | version of this layout: 2 |
//! | 8, 8, 8 | numbers of source cells, destination cells, links |
//! | 8, 8 | 1 if there are areas, 1 if there are fractions; else 0 |
//! | 8 | length of the text |
//! | 32 | BLAKE3 hash of the text and of the sections, see below |
//! | | the text: JSON with method, normalization and content hashes ([`WeightsOrigin`]) |
//! | | row starts (u64, one more than destination cells), columns (u32), weights (f64), areas and fractions of source and destination (f64; no bytes where there are none) |
//!
//! Text and sections start at multiples of 64 bytes, with zeros in between. Numbers are in the byte order of the machine.
//! The hash is that of all bytes before the hash, of the text, and of the hashes of each MiB of each section, so that
//! sections are read, hashed and written on all threads, in the cache of the processor.

use crate::IoError;
use crate::atomic::AtomicFile;
use crate::positioned::read_at;
use knarr_regrid::{Weights, WeightsOrigin};
use rayon::prelude::*;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

const MAGIC: [u8; 8] = *b"KNARRWTS";
const BYTE_ORDER: u64 = 0x0102_0304_0506_0708;
const VERSION: u64 = 2;
/// Fields before the hash, and with it.
const FIELDS: usize = 9 * 8;
const HEAD: usize = FIELDS + blake3::OUT_LEN;
const ALIGNMENT: u64 = 64;
const BLOCK: usize = 1 << 20;
/// No text is longer: it has three hashes and two names.
const LONGEST_TEXT: u64 = 1 << 16;

/// Why there are no weights.
#[derive(Debug)]
pub(super) enum Unread {
    /// No such file.
    Absent,
    /// It is there, but not to be used.
    Because(String),
}

/// Writes an entry under a temporary name and renames it.
///
/// Nothing waits for the disk: what a crash of the machine leaves is recognised by the hash.
pub(super) fn write(weights: &Weights, path: &Path) -> Result<(), IoError> {
    let file = AtomicFile::create(path, true)?;
    put(weights, file.path()).map_err(|e| file.error(&e))?;
    file.commit_unsynced()
}

fn put(weights: &Weights, path: &Path) -> io::Result<()> {
    let row_starts: Vec<u64> = weights.row_starts.iter().map(|&start| start as u64).collect();
    let text = serde_json::to_vec(&Text::of(&weights.origin))?;
    let [source_areas, destination_areas] = of_cells(&weights.areas);
    let [source_fractions, destination_fractions] = of_cells(&weights.fractions);
    let sections: [&[u8]; 7] = [
        bytemuck::cast_slice(&row_starts),
        bytemuck::cast_slice(&weights.columns),
        bytemuck::cast_slice(&weights.values),
        bytemuck::cast_slice(source_areas),
        bytemuck::cast_slice(destination_areas),
        bytemuck::cast_slice(source_fractions),
        bytemuck::cast_slice(destination_fractions),
    ];
    let mut head = MAGIC.to_vec();
    let counts = [weights.source_len, weights.destination_len(), weights.len()].map(|n| n as u64);
    let tables = [&weights.areas, &weights.fractions].map(|table| u64::from(table.is_some()));
    let fields = [BYTE_ORDER, VERSION].into_iter().chain(counts).chain(tables).chain([text.len() as u64]);
    fields.for_each(|field| head.extend(field.to_ne_bytes()));
    let hashes = sections.iter().flat_map(|section| section.par_chunks(BLOCK).map(blake3::hash).collect::<Vec<_>>());
    let hash = whole_hash(&head, &text, hashes);
    head.extend(hash.as_bytes());
    // The sections pass by the buffer.
    let mut out = Aligned { out: BufWriter::new(File::options().write(true).open(path)?), at: 0 };
    out.put(&head)?;
    out.put(&text)?;
    sections.iter().try_for_each(|section| out.put(section))?;
    out.out.flush()
}

/// The values of source and destination cells, none where there is no table.
fn of_cells(table: &Option<[Vec<f64>; 2]>) -> [&[f64]; 2] {
    table.as_ref().map_or([&[], &[]], |both| both.each_ref().map(Vec::as_slice))
}

/// The weights of an entry that is whole.
pub(super) fn read(path: &Path) -> Result<Weights, Unread> {
    let file = File::open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Unread::Absent,
        _ => Unread::Because(e.to_string()),
    })?;
    let len = file.metadata().map_err(unreadable)?.len();
    let mut head = [0; HEAD];
    if len < HEAD as u64 {
        return Err(Unread::Because("it is no weights entry, or not all of it".to_owned()));
    }
    read_at(&file, 0, &mut head).map_err(unreadable)?;
    let field = |k: usize| u64::from_ne_bytes(head[8 * k..8 * (k + 1)].try_into().expect("eight bytes"));
    if head[..8] != MAGIC || field(1) != BYTE_ORDER || field(2) != VERSION {
        return Err(Unread::Because("it is no weights entry of this version and machine".to_owned()));
    }
    let [sources, destinations, links, areas, fractions, text_len] = [3, 4, 5, 6, 7, 8].map(field);
    let lens = Lens::of([sources, destinations, links], [areas, fractions], text_len)
        .filter(|lens| lens.total == len)
        .ok_or_else(|| Unread::Because(format!("it has {len} bytes, its head asks for another number")))?;
    let at = ALIGNMENT * (HEAD as u64).div_ceil(ALIGNMENT);
    let mut text = vec![0; text_len as usize];
    read_at(&file, at, &mut text).map_err(unreadable)?;
    let (mut row_starts, mut columns, mut values) =
        (vec![0u64; lens.destinations + 1], vec![0u32; lens.links], vec![0.0f64; lens.links]);
    let table = |is_there: u64| (is_there == 1).then(|| [vec![0.0; lens.sources], vec![0.0; lens.destinations]]);
    let (mut areas, mut fractions) = (table(areas), table(fractions));
    let [source_areas, destination_areas] = of_cells_mut(&mut areas);
    let [source_fractions, destination_fractions] = of_cells_mut(&mut fractions);
    let sections = [
        bytemuck::cast_slice_mut(&mut row_starts),
        bytemuck::cast_slice_mut(&mut columns),
        bytemuck::cast_slice_mut(&mut values),
        bytemuck::cast_slice_mut(source_areas),
        bytemuck::cast_slice_mut(destination_areas),
        bytemuck::cast_slice_mut(source_fractions),
        bytemuck::cast_slice_mut(destination_fractions),
    ];
    let hashes = read_sections(&file, at + ALIGNMENT * text_len.div_ceil(ALIGNMENT), sections).map_err(unreadable)?;
    let damaged = || Unread::Because("it is damaged: its hash does not agree".to_owned());
    if whole_hash(&head[..FIELDS], &text, hashes) != blake3::Hash::from_slice(&head[FIELDS..]).map_err(|_| damaged())? {
        return Err(damaged());
    }
    let origin: Text = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let row_starts = row_starts.into_iter().map(|start| start as usize).collect();
    Ok(Weights { source_len: lens.sources, row_starts, columns, values, areas, fractions, origin: origin.origin() })
}

fn of_cells_mut(table: &mut Option<[Vec<f64>; 2]>) -> [&mut [f64]; 2] {
    table.as_mut().map_or([&mut [], &mut []], |both| both.each_mut().map(Vec::as_mut_slice))
}

fn unreadable(error: io::Error) -> Unread {
    Unread::Because(format!("it cannot be read: {error}"))
}

fn whole_hash(fields: &[u8], text: &[u8], blocks: impl IntoIterator<Item = blake3::Hash>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(fields).update(text);
    blocks.into_iter().for_each(|block| {
        hasher.update(block.as_bytes());
    });
    hasher.finalize()
}

/// Lengths that fit in memory and in each other.
struct Lens {
    sources: usize,
    destinations: usize,
    links: usize,
    /// Bytes of the file.
    total: u64,
}

impl Lens {
    fn of([sources, destinations, links]: [u64; 3], tables: [u64; 2], text: u64) -> Option<Self> {
        let mut sections = vec![(destinations.checked_add(1)?, 8), (links, 4), (links, 8)];
        for is_there in tables {
            sections.extend(match is_there {
                0 => [(0, 8); 2],
                1 => [(sources, 8), (destinations, 8)],
                _ => return None,
            });
        }
        let (last, before) = sections.split_last()?;
        let mut total = ALIGNMENT * (HEAD as u64).div_ceil(ALIGNMENT);
        let aligned = |bytes: u64| bytes.div_ceil(ALIGNMENT).checked_mul(ALIGNMENT);
        if text > LONGEST_TEXT {
            return None;
        }
        total = total.checked_add(aligned(text)?)?;
        for (len, width) in before {
            total = total.checked_add(aligned(len.checked_mul(*width)?)?)?;
        }
        // Nothing follows the last section.
        total = total.checked_add(last.0.checked_mul(last.1)?)?;
        let small = |n: u64| usize::try_from(n).ok();
        Some(Self { sources: small(sources)?, destinations: small(destinations)?, links: small(links)?, total })
    }
}

/// Fills sections that lie one after the other from the byte `at` on, all at once; gives the hashes of their blocks.
fn read_sections(file: &File, mut at: u64, sections: [&mut [u8]; 7]) -> io::Result<Vec<blake3::Hash>> {
    let mut blocks = Vec::new();
    for section in sections {
        let len = section.len() as u64;
        blocks.extend(section.chunks_mut(BLOCK).enumerate().map(|(k, block)| (at + (k * BLOCK) as u64, block)));
        at += ALIGNMENT * len.div_ceil(ALIGNMENT);
    }
    let read = |(at, block): (u64, &mut [u8])| read_at(file, at, block).map(|()| blake3::hash(block));
    blocks.into_par_iter().map(read).collect()
}

/// Bytes written at multiples of [`ALIGNMENT`].
struct Aligned<W> {
    out: W,
    at: u64,
}

impl<W: Write> Aligned<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let gap = self.at.next_multiple_of(ALIGNMENT) - self.at;
        self.out.write_all(&[0; ALIGNMENT as usize][..gap as usize])?;
        self.out.write_all(bytes)?;
        self.at += gap + bytes.len() as u64;
        Ok(())
    }
}

/// [`WeightsOrigin`] as JSON.
#[derive(serde::Serialize, serde::Deserialize)]
struct Text {
    method: String,
    normalization: String,
    conservative: bool,
    source_hash: String,
    destination_hash: String,
    options_hash: String,
    #[serde(default)]
    fixed_value: Option<f64>,
}

impl Text {
    fn of(origin: &WeightsOrigin) -> Self {
        let WeightsOrigin { method, normalization, conservative, source_hash, destination_hash, options_hash, fixed_value } =
            origin.clone();
        Self { method, normalization, conservative, source_hash, destination_hash, options_hash, fixed_value }
    }

    fn origin(self) -> WeightsOrigin {
        let Self { method, normalization, conservative, source_hash, destination_hash, options_hash, fixed_value } = self;
        WeightsOrigin { method, normalization, conservative, source_hash, destination_hash, options_hash, fixed_value }
    }
}
