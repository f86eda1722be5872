//! The grid: one type for every discretisation.

use crate::{Family, Formula, Mask, Polygons, Report, Rows};
use knarr_kernels::cell_area::{polygon_area, quadrangle_area};
use knarr_kernels::sphere::{UnitVector, lon_lat_deg, unit_vector};
use std::borrow::Cow;

/// A geographic position in degrees; a list of them is one of pairs of numbers.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct LonLat {
    /// Longitude in degrees east; no range is assumed.
    pub lon_deg: f64,
    /// Latitude in degrees north.
    pub lat_deg: f64,
}

impl LonLat {
    /// The position as a unit vector.
    #[inline]
    pub fn unit(self) -> UnitVector {
        unit_vector(self.lon_deg, self.lat_deg)
    }

    /// The position of a vector.
    pub fn from_unit(p: UnitVector) -> Self {
        let (lon_deg, lat_deg) = lon_lat_deg(p);
        Self { lon_deg, lat_deg }
    }
}

/// How the cells are described.
#[derive(Clone, Debug, PartialEq)]
pub enum Layout {
    /// Between the parallels and meridians of one pole: formulas, nothing is stored per cell.
    Rows(Rows),
    /// Polygons with great-circle edges by formula, nothing stored per cell either.
    Formula(Formula),
    /// Polygons with great-circle edges.
    Polygons {
        /// Center of each cell.
        centers: Vec<LonLat>,
        /// Corners of each cell.
        polygons: Polygons,
    },
    /// Centers alone.
    Points {
        /// Center of each cell.
        centers: Vec<LonLat>,
    },
}

/// A horizontal discretisation of the sphere.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Its kind.
    pub family: Family,
    /// Extents as stored in files, slowest first: `[lat, lon]`, `[y, x]` or `[cell]`.
    pub shape: Vec<usize>,
    /// Its cells.
    pub layout: Layout,
    /// Which cells take part.
    pub mask: Mask,
    /// How it was made.
    pub report: Report,
}

impl Grid {
    /// Number of cells, active or not.
    pub fn len(&self) -> usize {
        match &self.layout {
            Layout::Rows(rows) => rows.len(),
            Layout::Formula(formula) => formula.len(),
            Layout::Polygons { centers, .. } | Layout::Points { centers } => centers.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of active cells.
    pub fn active_count(&self) -> usize {
        self.mask.active_count(self.len())
    }

    /// Geographic position of a cell's center.
    pub fn center(&self, cell: usize) -> LonLat {
        match &self.layout {
            Layout::Rows(rows) => rows.center(cell),
            Layout::Formula(formula) => formula.center(cell),
            Layout::Polygons { centers, .. } | Layout::Points { centers } => centers[cell],
        }
    }

    /// A cell's center as a unit vector: to rounding that of [`Self::center`], but without angles where a formula can.
    #[inline]
    pub fn center_unit(&self, cell: usize) -> UnitVector {
        match &self.layout {
            Layout::Formula(formula) => formula.center_unit(cell),
            _ => self.center(cell).unit(),
        }
    }

    /// The cells as polygons with shared corners, if that is what they are: made at each call where they are a formula.
    pub fn polygons(&self) -> Option<Cow<'_, Polygons>> {
        match &self.layout {
            Layout::Formula(formula) => Some(Cow::Owned(formula.polygons())),
            Layout::Polygons { polygons, .. } => Some(Cow::Borrowed(polygons)),
            Layout::Rows(_) | Layout::Points { .. } => None,
        }
    }

    /// Whether cells have corners, so that conservative methods apply.
    pub fn has_corners(&self) -> bool {
        !matches!(self.layout, Layout::Points { .. })
    }

    /// Corners of `cell` in geographic unit vectors, counter-clockwise; none for points and dropped cells.
    pub fn corners(&self, cell: usize) -> Vec<UnitVector> {
        match &self.layout {
            Layout::Rows(rows) => {
                let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
                [(west, south), (east, south), (east, north), (west, north)]
                    .map(|(lon, lat)| {
                        let p = unit_vector(lon, lat);
                        rows.rotation.as_ref().map_or(p, |r| r.apply_inverse(p))
                    })
                    .to_vec()
            }
            Layout::Formula(formula) => {
                let mut corners = Vec::with_capacity(formula.corners_per_cell());
                formula.each_corner(cell, |number| corners.push(formula.corner(number)));
                corners
            }
            Layout::Polygons { polygons, .. } => {
                let mut corners = Vec::with_capacity(8);
                polygons.copy_cell(cell, &mut corners);
                corners
            }
            Layout::Points { .. } => Vec::new(),
        }
    }

    /// Area of `cell` in steradians, whether active or not; 0 for points and dropped cells.
    pub fn area(&self, cell: usize) -> f64 {
        match &self.layout {
            Layout::Rows(rows) => {
                let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
                quadrangle_area(south, north, east - west)
            }
            Layout::Formula(_) | Layout::Polygons { .. } => polygon_area(&self.corners(cell)),
            Layout::Points { .. } => 0.0,
        }
    }

    /// Sum of the areas of active cells over the area of the sphere.
    pub fn covered_fraction(&self) -> f64 {
        let mut areas = vec![0.0; self.len()];
        self.put_areas(0..self.len(), &mut areas);
        let areas: Vec<f64> = (0..).zip(areas).filter(|(cell, _)| self.mask.is_active(*cell)).map(|(_, area)| area).collect();
        knarr_kernels::global_integral::sum(&areas) / (4.0 * std::f64::consts::PI)
    }

    /// The same grid with cells switched off where `mask` is inactive.
    #[must_use]
    pub fn masked_by(mut self, mask: &Mask) -> Self {
        self.mask = self.mask.and(mask);
        self
    }
}
