//! Which single cell holds a whole polygon, without cutting it.
//!
//! Most cells of a grid much finer than the rows lie in one of their cells: what they share is their own area.

use super::bands::{Bands, Meridians, NO_OWNER};
use super::place::Direction;
use super::walk::{Columns, Shared};
use crate::sphere::UnitVector;

/// Distance from a parallel or meridian within which a place may be on either side of it: some roundings of unit vectors, of
/// directions, and of products of both.
const UNSURE: f64 = 4e-15;
/// Columns that a search passes one by one before it looks the longitude up.
const STEPS: usize = 8;

/// Looks for the cell that holds a polygon, first where it found the last one.
pub struct Holder<'b> {
    bands: &'b Bands,
    meridians: Shared<'b>,
    columns: &'b [u32],
    /// Row 0 lies south of all bands.
    row: usize,
    /// Sines of the row's ends.
    south: f64,
    north: f64,
    column: i64,
    /// Sine and cosine of the column's ends.
    west: (f64, f64),
    east: (f64, f64),
}

impl<'b> Holder<'b> {
    /// Of rows that have the same columns; `None` for others.
    pub fn new(bands: &'b Bands) -> Option<Self> {
        let [Meridians::Table { lon_deg, directions, columns, .. }] = bands.meridians.as_slice() else { return None };
        let mut holder = Self {
            bands,
            meridians: Shared { lon_deg, directions },
            columns,
            row: 0,
            south: 0.0,
            north: 0.0,
            column: 0,
            west: (0.0, 1.0),
            east: (0.0, 1.0),
        };
        holder.enter_row(0);
        holder.enter_column(0);
        Some(holder)
    }

    /// The cell of the rows that holds all of a polygon with great-circle edges, whose corners lie in their frame.
    ///
    /// What it finds holds the polygon for certain: [`super::slice_polygon`] would emit this cell alone, with the area of
    /// the polygon. `None` says nothing: polygons that come within 4e-15 of a border are not told, nor are those around poles.
    ///
    /// ```
    /// use knarr_kernels::{overlap_rows::{Bands, Holder, Meridians}, sphere::unit_vector};
    /// let columns: Vec<(f64, u32)> = (0..36).map(|k| (10.0 * f64::from(k), k)).collect();
    /// let bands = Bands::new(&[0.0, 10.0, 20.0], vec![0, 1], vec![Meridians::table(&columns)], vec![0, 36]);
    /// let mut holder = Holder::new(&bands).expect("shared columns");
    /// let triangle = |lon: f64| [unit_vector(lon, 11.0), unit_vector(lon + 3.0, 11.0), unit_vector(lon, 14.0)];
    /// assert_eq!(holder.cell(triangle(31.0).into_iter()), Some(36 + 3));
    /// assert_eq!(holder.cell(triangle(28.0).into_iter()), None);
    /// ```
    #[inline]
    pub fn cell(&mut self, corners: impl Iterator<Item = UnitVector> + Clone) -> Option<usize> {
        let first = corners.clone().next()?;
        if !(self.row_holds(first) && self.column_holds(first)) {
            self.find(first)?;
        }
        let (mut low, mut high, mut reach2) = (first[2], first[2], 0.0f64);
        for p in corners {
            if !self.column_holds(p) {
                return None;
            }
            low = if p[2] < low { p[2] } else { low };
            high = if p[2] > high { p[2] } else { high };
            let chord2 = (0..3).map(|k| (p[k] - first[k]) * (p[k] - first[k])).sum();
            reach2 = if chord2 > reach2 { chord2 } else { reach2 };
        }
        // Edges rise above their ends by an eighth of chord² at most, and no edge is longer than twice the way from the first
        // corner to the farthest one.
        let bulge = 0.5 * reach2 + UNSURE;
        if low - bulge < self.south || high + bulge > self.north {
            return None;
        }
        let column = self.columns[self.column as usize];
        let owner = self.bands.owner(self.row)?;
        (column != NO_OWNER).then(|| self.bands.row_starts[owner] + column as usize)
    }

    /// Goes to the cell that holds a place; `None` if there is none for certain.
    fn find(&mut self, p: UnitVector) -> Option<()> {
        if !self.row_holds(p) {
            let limits = &self.bands.limits;
            self.enter_row(limits.partition_point(|limit| limit.high <= p[2]).clamp(1, limits.len() - 1) - 1);
        }
        if !self.settle(p) {
            let (x, y) = (p[0], p[1]);
            self.enter_column(self.meridians.near(y.atan2(x).to_degrees()));
            self.settle(p);
        }
        (self.row_holds(p) && self.column_holds(p)).then_some(())
    }

    /// Goes to the column of a place by a few steps; whether it came there.
    fn settle(&mut self, p: UnitVector) -> bool {
        for _ in 0..STEPS {
            if east_of(p, self.west) < 0.0 {
                self.enter_column(self.column - 1);
            } else if east_of(p, self.east) >= 0.0 {
                self.enter_column(self.column + 1);
            } else {
                return true;
            }
        }
        false
    }

    fn enter_row(&mut self, row: usize) {
        self.row = row;
        (self.south, self.north) = (self.bands.limits[row].high, self.bands.limits[row + 1].high);
    }

    fn enter_column(&mut self, column: i64) {
        self.column = column.rem_euclid(self.meridians.count());
        self.west = Direction::rounded(&self.meridians.west_of(self.column));
        self.east = Direction::rounded(&self.meridians.west_of(self.column + 1));
    }

    #[inline(always)]
    fn row_holds(&self, p: UnitVector) -> bool {
        p[2] >= self.south && p[2] < self.north
    }

    #[inline(always)]
    fn column_holds(&self, p: UnitVector) -> bool {
        east_of(p, self.west) > UNSURE && east_of(p, self.east) < -UNSURE
    }
}

/// How far a place lies east of the half of a meridian's plane.
#[inline(always)]
fn east_of(p: UnitVector, (sin, cos): (f64, f64)) -> f64 {
    p[1] * cos - p[0] * sin
}
