//! Cells that a formula gives: nothing is stored for each of them.

use crate::cubed_sphere::CubedSphere;
use crate::healpix::Healpix;
use crate::icosahedral::IcosahedralTriangles;
use crate::{LonLat, Offsets, Polygons};
use knarr_kernels::angles::lon_lat_deg;
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use std::ops::Range;

/// Polygons with great-circle edges and shared corners, by formula.
///
/// Cells have [`Self::corners_per_cell`] corners, counter-clockwise; corners have numbers from 0, the same in all cells
/// that share them. Two formulas that are equal give the same cells, bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// HEALPix.
    Healpix(Healpix),
    /// The equiangular cubed sphere.
    CubedSphere(CubedSphere),
    /// Triangles of an icosahedron.
    IcosahedralTriangles(IcosahedralTriangles),
}

/// The numbers of a cell's corners, as many as the grid has per cell.
pub(crate) type CornerNumbers = [u32; 4];

impl Formula {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Healpix(cells) => cells.len(),
            Self::CubedSphere(cells) => cells.len(),
            Self::IcosahedralTriangles(cells) => cells.len(),
        }
    }

    /// Never: formulas have cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of corners of every cell.
    pub fn corners_per_cell(&self) -> usize {
        match self {
            Self::Healpix(_) | Self::CubedSphere(_) => 4,
            Self::IcosahedralTriangles(_) => 3,
        }
    }

    /// Number of distinct corners.
    pub fn corner_count(&self) -> usize {
        match self {
            Self::Healpix(cells) => cells.len() + 2,
            Self::CubedSphere(cells) => cells.len() + 2,
            Self::IcosahedralTriangles(cells) => cells.len() / 2 + 2,
        }
    }

    /// Position of a cell's center.
    #[inline]
    pub fn center(&self, cell: usize) -> LonLat {
        match self {
            Self::Healpix(cells) => cells.center(cell),
            Self::CubedSphere(cells) => cells.center(cell),
            Self::IcosahedralTriangles(cells) => cells.center(cell),
        }
    }

    /// The same as a unit vector, equal to rounding.
    #[inline]
    pub fn center_unit(&self, cell: usize) -> UnitVector {
        match self {
            Self::Healpix(cells) => cells.center_unit(cell),
            Self::CubedSphere(cells) => cells.center_unit(cell),
            Self::IcosahedralTriangles(cells) => cells.center_unit(cell),
        }
    }

    /// Numbers of a cell's corners; the last one is repeated where there are three.
    #[inline]
    fn numbers(&self, cell: usize) -> CornerNumbers {
        match self {
            Self::Healpix(cells) => cells.corner_numbers(cell),
            Self::CubedSphere(cells) => cells.corner_numbers(cell),
            Self::IcosahedralTriangles(cells) => {
                let [a, b, c] = cells.corner_numbers(cell);
                [a, b, c, c]
            }
        }
    }

    /// Calls `each` with the numbers of a cell's corners.
    #[inline]
    pub fn each_corner(&self, cell: usize, each: impl FnMut(u32)) {
        self.numbers(cell).into_iter().take(self.corners_per_cell()).for_each(each);
    }

    /// A corner by its number.
    #[inline]
    pub fn corner(&self, number: u32) -> UnitVector {
        match self {
            Self::Healpix(cells) => cells.corner(number as usize),
            Self::CubedSphere(cells) => cells.corner(number as usize),
            Self::IcosahedralTriangles(cells) => cells.corner(number as usize),
        }
    }

    /// A corner by its number, in degrees: equal to [`Self::corner`] to rounding. Longitudes lie in any one turn.
    #[inline]
    pub fn corner_angles(&self, number: u32) -> LonLat {
        match self {
            Self::Healpix(cells) => cells.corner_angles(number as usize),
            Self::CubedSphere(cells) => cells.corner_angles(number as usize),
            Self::IcosahedralTriangles(_) => {
                let (lon_deg, lat_deg) = lon_lat_deg(self.corner(number));
                LonLat { lon_deg, lat_deg }
            }
        }
    }

    /// All cells as polygons: 24 bytes a corner and 4 for each use of it.
    pub fn polygons(&self) -> Polygons {
        let width = self.corners_per_cell();
        let mut corners = vec![0u32; width * self.len()];
        // In many parts, so that no thread waits long for the last one.
        corners.par_chunks_exact_mut(width).with_min_len(1 << 12).with_max_len(1 << 13).enumerate().for_each(
            |(cell, corners)| {
                corners.copy_from_slice(&self.numbers(cell)[..width]);
            },
        );
        let numbers = (0..self.corner_count() as u32).into_par_iter().with_min_len(1 << 12).with_max_len(1 << 13);
        let vertices = numbers.map(|number| self.corner(number)).collect();
        Polygons { vertices, offsets: Offsets::Uniform(width), corners }
    }

    /// Some of the cells, with the corners of [`Self::polygons`] numbered anew; what cells far from each other share may come more
    /// than once. Cells asked for one after another take corners from those before, which `known` has, of this formula alone.
    pub fn polygons_of(&self, cells: Range<usize>, known: &mut KnownCorners) -> Polygons {
        let width = self.corners_per_cell();
        let (mut vertices, mut corners) = (Vec::with_capacity(cells.len()), Vec::with_capacity(width * cells.len()));
        let first = known.count;
        for cell in cells {
            self.each_corner(cell, |number| {
                let place = &mut known.places[number as usize % KNOWN];
                if place.number != number || place.turn < first {
                    let unit = if place.number == number { place.unit } else { self.corner(number) };
                    *place = KnownCorner { number, turn: known.count, unit };
                    known.count += 1;
                    vertices.push(unit);
                }
                corners.push((place.turn - first) as u32);
            });
        }
        Polygons { vertices, offsets: Offsets::Uniform(width), corners }
    }
}

/// Corners kept for cells that come next: more than three rows of most grids.
const KNOWN: usize = 1 << 12;

/// Corners of a formula that came last, kept for the cells that come next.
#[derive(Clone, Debug)]
pub struct KnownCorners {
    places: Vec<KnownCorner>,
    /// How many came.
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct KnownCorner {
    number: u32,
    /// How many came before it.
    turn: u64,
    unit: UnitVector,
}

impl Default for KnownCorners {
    fn default() -> Self {
        Self { places: vec![KnownCorner { number: u32::MAX, turn: 0, unit: [0.0; 3] }; KNOWN], count: 0 }
    }
}

/// The formula with its numbers, such as `HEALPix nside 128 nested`: equal for equal cells, and for no others.
impl std::fmt::Display for Formula {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Healpix(cells) => cells.family().fmt(f),
            Self::CubedSphere(cells) => cells.family().fmt(f),
            Self::IcosahedralTriangles(cells) => cells.family().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, Layout};
    use knarr_kernels::sphere::{distance, dot};

    #[test]
    fn cells_one_by_one_are_those_of_the_polygons() {
        for name in ["H1", "H3", "H8n", "H16", "CS1", "CS2", "CS7", "ICO1", "ICO2", "ICO5"] {
            let grid = Grid::from_spec(name).expect("a valid name");
            let Layout::Formula(formula) = &grid.layout else { panic!("{name} has no formula") };
            let polygons = formula.polygons();
            assert_eq!((polygons.len(), polygons.vertices.len()), (grid.len(), formula.corner_count()), "{name}");
            let mut found = Vec::new();
            for cell in 0..grid.len() {
                found.clear();
                polygons.copy_cell(cell, &mut found);
                assert_eq!(found, grid.corners(cell), "{name} {cell}");
                formula.each_corner(cell, |number| {
                    let angles = formula.corner_angles(number).unit();
                    // Angles of up to 360 are rounded by 360·2⁻⁵³ degrees, 7e-16 on the sphere.
                    assert!(distance(angles, formula.corner(number)) < 2e-15, "{name} {cell}");
                });
                // Centers both ways, and within their cell: left of every edge.
                let center = grid.center_unit(cell);
                assert!(distance(center, grid.center(cell).unit()) < 1e-15 * 8.0, "{name} {cell}");
                for k in 0..found.len() {
                    let normal = knarr_kernels::sphere::cross(found[k], found[(k + 1) % found.len()]);
                    assert!(dot(normal, center) > 0.0, "{name} {cell}");
                }
            }
            let mut known = KnownCorners::default();
            for cells in [0..grid.len() / 2, grid.len() / 2..grid.len(), grid.len() / 3..grid.len(), 0..0] {
                let some = formula.polygons_of(cells.clone(), &mut known);
                assert_eq!((some.len(), &some.offsets), (cells.len(), &polygons.offsets), "{name}");
                let at = |polygons: &Polygons, cell: usize| {
                    polygons.cell(cell).iter().map(|&v| polygons.vertices[v as usize]).collect::<Vec<_>>()
                };
                assert!(cells.clone().all(|cell| at(&some, cell - cells.start) == at(&polygons, cell)), "{name}");
            }
            // Every number names a corner of its own.
            let mut bits: Vec<_> = polygons.vertices.iter().map(|v| v.map(f64::to_bits)).collect();
            bits.sort_unstable();
            bits.dedup();
            assert_eq!(bits.len(), polygons.vertices.len(), "{name}");
        }
    }
}
