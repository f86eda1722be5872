//! Anything x rows: cells cut by the parallels and meridians of the rows.

use super::bands::bands;
use super::overlaps::{Overlaps, least_overlap};
use knarr_grid::{Columns, Mask, Polygons, Rows};
use knarr_kernels::overlap_rows::{Bands, Direction, Holder, Quadrangle, Scratch, Turn, slice_polygon, slice_quadrangle};
use knarr_kernels::sphere::{Rotation, UnitVector};

/// Polygons (rows of the result), and the cells of rows that they overlap (columns of the result).
pub(super) struct PolygonsByRows<'a> {
    pub polygons: &'a Polygons,
    pub polygon_mask: &'a Mask,
    pub polygon_areas: &'a [f64],
    pub rows_mask: &'a Mask,
    pub row_areas: &'a [f64],
    bands: Bands,
    /// Into the frame of the rows.
    turn: Option<Turn>,
}

/// Buffers of a thread.
#[derive(Default)]
pub(super) struct Slicer {
    scratch: Scratch,
    corners: Vec<UnitVector>,
}

impl<'a> PolygonsByRows<'a> {
    pub fn new(
        (polygons, polygon_mask, polygon_areas): (&'a Polygons, &'a Mask, &'a [f64]),
        (rows, rows_mask, row_areas): (&'a Rows, &'a Mask, &'a [f64]),
    ) -> Self {
        let turn = rows.rotation.as_ref().map(Turn::into_frame);
        Self { polygons, polygon_mask, polygon_areas, rows_mask, row_areas, bands: bands(rows), turn }
    }

    /// The rows, in their own frame.
    #[cfg(feature = "gpu")]
    pub fn bands(&self) -> &Bands {
        &self.bands
    }

    /// Geographic places in the frame of the rows, if that is another.
    pub fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    /// What looks for single cells that hold polygons; `None` for rows about another pole or with columns of their own.
    pub fn holder(&self) -> Option<Holder<'_>> {
        if self.turn.is_none() { Holder::new(&self.bands) } else { None }
    }

    /// Appends the corners of a polygon; none if it is switched off.
    pub fn copy_corners(&self, polygon: usize, corners: &mut Vec<UnitVector>) {
        if self.polygon_mask.is_active(polygon) {
            self.polygons.copy_cell(polygon, corners);
        }
    }

    /// Calls `emit(cell, area)` with the cells that a polygon overlaps.
    #[inline]
    pub fn cut(&self, polygon: usize, Slicer { scratch, corners }: &mut Slicer, mut emit: impl FnMut(u32, f64)) {
        corners.clear();
        self.copy_corners(polygon, corners);
        let mut emit = |cell: usize, area: f64| {
            if self.rows_mask.is_active(cell) {
                emit(cell as u32, area);
            }
        };
        slice_polygon(&self.bands, corners, self.turn(), scratch, &mut emit);
    }

    /// Pushes the links of a polygon and gives its sliver limit.
    pub fn row(&self, polygon: usize, slicer: &mut Slicer, links: &mut Vec<(u32, f64)>) -> f64 {
        self.cut(polygon, slicer, |cell, area| links.push((cell, area)));
        // Slivers are judged by the smaller of the two cells, whichever side is the destination.
        let least = least_overlap(self.polygon_areas[polygon]);
        if links.len() == 1 { least } else { least.min(smallest(links, self.row_areas)) }
    }

    /// All rows.
    pub fn overlaps(&self) -> Overlaps {
        Overlaps::by_rows(self.polygons.len(), Slicer::default, |polygon, slicer, links| self.row(polygon, slicer, links))
    }
}

/// The sliver limit of the smallest cell among the links.
fn smallest(links: &[(u32, f64)], areas: &[f64]) -> f64 {
    least_overlap(links.iter().map(|&(column, _)| areas[column as usize]).fold(f64::INFINITY, f64::min))
}

/// Overlaps of rows about one pole (destination) with rows about another (source).
pub(super) fn destination_rows_by_rows(
    source: &Rows,
    source_mask: &Mask,
    destination: &Rows,
    destination_mask: &Mask,
    destination_areas: &[f64],
) -> Overlaps {
    let bands = bands(source);
    let of = |rows: &Rows| rows.rotation.unwrap_or(Rotation::IDENTITY);
    let turn = Turn::between(&of(destination), &of(source));
    let lats: Vec<[Direction; 2]> = destination.lat_bounds_deg.iter().map(|row| row.map(Direction::of_deg)).collect();
    // Of the columns that all rows share.
    let shared: Vec<[Direction; 2]> = match &destination.columns {
        Columns::Shared(lon) => lon.bounds_deg.iter().map(|column| column.map(Direction::of_deg)).collect(),
        Columns::Reduced { .. } => Vec::new(),
    };
    Overlaps::by_rows(destination.len(), Ends::default, |cell, ends, links| {
        if !destination_mask.is_active(cell) {
            return 0.0;
        }
        let (row, column) = destination.row_column(cell);
        let [south, north] = &lats[row];
        let mut emit = |column: usize, area: f64| {
            if source_mask.is_active(column) {
                links.push((column as u32, area));
            }
        };
        // Arcs of a parallel are followed over at most 45°, so that their ends tell where they turn.
        let parts = parts_of_column(destination, row, column);
        if let (1, Some([west, east])) = (parts, shared.get(column)) {
            let quadrangle = Quadrangle::new(&turn, [west, east], [south, north]);
            slice_quadrangle(&bands, &quadrangle, &mut ends.scratch, &mut emit);
            return least_overlap(destination_areas[cell]);
        }
        for part in 0..parts {
            let lon = |k: usize| Lon::of(destination, row, column, part + k, parts);
            let [west, east] = ends.of([lon(0), lon(1)]);
            slice_quadrangle(&bands, &Quadrangle::new(&turn, [&west, &east], [south, north]), &mut ends.scratch, &mut emit);
        }
        least_overlap(destination_areas[cell])
    })
}

/// Parts of a cell of at most 45° of longitude.
fn parts_of_column(rows: &Rows, row: usize, column: usize) -> usize {
    let width = match &rows.columns {
        Columns::Shared(lon) => lon.bounds_deg[column][1] - lon.bounds_deg[column][0],
        Columns::Reduced { counts, .. } => 360.0 / counts[row] as f64,
    };
    (width / 45.0).ceil().max(1.0) as usize
}

/// A longitude: degrees, or a part of a turn.
#[derive(Clone, Copy, PartialEq)]
enum Lon {
    Degrees(f64),
    Turn(i32, i32),
}

impl Lon {
    /// The western end of part `part` of `parts` of a cell; that of the one after the last is the eastern end.
    fn of(rows: &Rows, row: usize, column: usize, part: usize, parts: usize) -> Self {
        match &rows.columns {
            Columns::Shared(lon) => {
                let [west, east] = lon.bounds_deg[column];
                // The ends themselves are what neighbours have.
                Self::Degrees(if part == parts { east } else { west + (east - west) * part as f64 / parts as f64 })
            }
            Columns::Reduced { counts, .. } => {
                let (column, part, parts) = (column as i32, part as i32, parts as i32);
                Self::Turn((2 * column - 1) * parts + 2 * part, 2 * counts[row] as i32 * parts)
            }
        }
    }

    fn direction(self) -> Direction {
        match self {
            Self::Degrees(deg) => Direction::of_deg(deg),
            Self::Turn(numerator, denominator) => Direction::of_turn(numerator, denominator),
        }
    }
}

/// Buffers of a thread, and the eastern end of the last part: the next begins there.
#[derive(Default)]
struct Ends {
    scratch: Scratch,
    last: Option<(Lon, Direction)>,
}

impl Ends {
    fn of(&mut self, [west, east]: [Lon; 2]) -> [Direction; 2] {
        let west = self.last.filter(|last| last.0 == west).map_or_else(|| west.direction(), |last| last.1);
        let (_, east) = *self.last.insert((east, east.direction()));
        [west, east]
    }
}
