//! Memory that making weights takes, judged before any work, and tiles of rows that take less.

use crate::IoError;
use knarr_grid::{Columns, Grid, Layout, Offsets};
use knarr_regrid::{Estimate, Options};
use std::ops::Range;

/// The program, its libraries and the blocks of a file being written.
const PROGRAM_BYTES: u64 = 32 << 20;

/// Each tile searches anew, which takes longer the more there are.
const MOST_TILES: u64 = 256;

/// What making weights takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Number of links, rarely less than half of it.
    pub links: u64,
    /// Peak memory in bytes, grids and program counted, as the plan goes.
    pub bytes: u64,
    /// Tiles that the destination's cells are cut into; 1 where all weights are made at once.
    pub tiles: usize,
    /// Number of destination cells.
    cells: usize,
}

impl MemoryPlan {
    /// The plan for weights made at once.
    pub fn whole(source: &Grid, destination: &Grid, options: &Options) -> Self {
        let estimate = Estimate::of(source, destination, options);
        let bytes = PROGRAM_BYTES + grid_bytes(source) + grid_bytes(destination) + estimate.bytes;
        Self { links: estimate.links, bytes, tiles: 1, cells: destination.len() }
    }

    /// The plan for weights that go to a file within `allowed` bytes: in as many tiles as that takes.
    ///
    /// # Errors
    /// [`IoError::Memory`] with the bytes that the smallest tiles need.
    pub fn tiled(source: &Grid, destination: &Grid, options: &Options, allowed: u64) -> Result<Self, IoError> {
        let whole = Self::whole(source, destination, options);
        if whole.bytes <= allowed {
            return Ok(whole);
        }
        if options.needs_all_rows() {
            return Err(IoError::Memory { links: whole.links, needed: whole.bytes, allowed });
        }
        let (sources, cells) = (source.len() as u64, destination.len() as u64);
        // Columns and weights, joined from blocks that are made first.
        let by_link = 16 * whole.links;
        // Where rows start, and areas and fractions or whether source cells are used, of the file beside those of a tile.
        // Source areas wait on disk, which leaves room for what allocation wastes.
        let tables = if options.method.asks_for_areas() { 16 } else { 1 };
        let file = 8 * cells + tables * (sources + cells);
        let fixed = whole.bytes.saturating_sub(by_link) + file;
        // Links are not spread evenly over the rows.
        let tile = |tiles: u64| fixed + by_link * 3 / (2 * tiles);
        match (2..=MOST_TILES).find(|&tiles| tile(tiles) <= allowed) {
            Some(tiles) => Ok(Self { bytes: tile(tiles), tiles: tiles as usize, ..whole }),
            None => Err(IoError::Memory { links: whole.links, needed: tile(MOST_TILES).min(whole.bytes), allowed }),
        }
    }

    /// Destination cells of each tile.
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let (tiles, cells) = (self.tiles, self.cells);
        (0..tiles).map(move |k| cells * k / tiles..cells * (k + 1) / tiles)
    }
}

/// What a grid takes.
fn grid_bytes(grid: &Grid) -> u64 {
    let mask = grid.mask.flags().map_or(0, <[bool]>::len);
    let cells = match &grid.layout {
        Layout::Rows(rows) => {
            24 * rows.lats_deg.len()
                + match &rows.columns {
                    Columns::Shared(lon) => 24 * lon.centers_deg.len(),
                    Columns::Reduced { counts, .. } => 16 * counts.len(),
                }
        }
        // What is made of it for some methods is counted with the weights.
        Layout::Formula(_) => 0,
        Layout::Polygons { centers, polygons } => {
            let offsets = match &polygons.offsets {
                Offsets::Uniform(_) => 0,
                Offsets::PerCell(offsets) => 4 * offsets.len(),
            };
            16 * centers.len() + 24 * polygons.vertices.len() + 4 * polygons.corners.len() + offsets
        }
        Layout::Points { centers } => 16 * centers.len(),
    };
    (mask + cells) as u64
}

impl std::fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "about {}, {} of memory", links_in_words(self.links), bytes_in_words(self.bytes))?;
        if self.tiles > 1 { write!(f, ", in {} tiles", self.tiles) } else { Ok(()) }
    }
}

/// `82 million links`, two digits where there are so many.
pub(crate) fn links_in_words(links: u64) -> String {
    let millions = links as f64 / 1e6;
    match links {
        0..100_000 => format!("{links} links"),
        100_000..10_000_000 => format!("{millions:.1} million links"),
        _ => format!("{millions:.0} million links"),
    }
}

/// `512 MiB`, `1.3 GiB`.
pub(crate) fn bytes_in_words(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}
