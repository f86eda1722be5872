//! Regions: polygons in which fields are summed up, exactly by the areas that cells and polygons share.
//!
//! A region is cut into octants, then into small pieces by great circles, so that no polygon is too large, too
//! concave or too rich in corners for the overlap kernels; the signed areas of the pieces add up to the region.
//!
//! | what | how |
//! |---|---|
//! | holes, many polygons | rings of either sign |
//! | the antimeridian | a step of more than 180° of longitude crosses it; a ring may also be cut along it |
//! | poles | a ring that goes once around the globe contains the pole of its hemisphere |
//! | edges | straight in longitude and latitude (GeoJSON), followed to 6 cm on the Earth, or great circles |

mod pieces;
mod plane;
mod statistics;

pub use statistics::{RegionField, Statistic};

use crate::RegridError;
use crate::methods::conservative::shared_areas;
use knarr_grid::{CornerSource, Family, Grid, Layout, LonLat, Mask, Polygons, Report};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::global_integral::Compensated;
use pieces::Pieces;

/// A polygon with holes; rings may run either way round, and may or may not repeat their first position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionPolygon {
    /// Its outline.
    pub outer: Vec<LonLat>,
    /// What is cut out of it.
    pub holes: Vec<Vec<LonLat>>,
}

/// A named area: polygons that do not overlap one another.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// Its parts.
    pub polygons: Vec<RegionPolygon>,
}

/// What joins two positions of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionEdges {
    /// A straight line of longitude and latitude, as GeoJSON has it; followed by great circles to 1e-8 rad (6 cm).
    LonLat,
    /// A great circle.
    GreatCircle,
}

/// Shares below this part of a cell or region are the rounding of corners, not overlap: 1 m² of 1000 km².
const SLIVER: f64 = 1e-9;

/// Which cells of a grid lie in which region, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionOverlaps {
    /// First link of each region, and the number of links at the end.
    pub row_starts: Vec<usize>,
    /// Cell of each link; ascending within a region.
    pub cells: Vec<u32>,
    /// Area (sr) that cell and region share.
    pub areas: Vec<f64>,
    /// Part of the cell that lies in the region, 0 to 1.
    pub cell_shares: Vec<f64>,
    /// Area of each region (sr), whether cells cover it or not.
    pub region_areas: Vec<f64>,
    /// Cells of the grid.
    pub cell_count: usize,
}

impl RegionOverlaps {
    /// Areas that active cells of `grid` share with `regions`.
    ///
    /// Edges of cells are those of the grid: parallels and meridians where it has them, else great circles.
    ///
    /// # Errors
    /// [`RegridError::NoCorners`] for a grid of points, [`RegridError::TooManyCells`].
    ///
    /// ```
    /// use knarr_grid::{Grid, LonLat};
    /// use knarr_regrid::regions::{Region, RegionEdges, RegionOverlaps, RegionPolygon};
    /// let corner = |lon_deg, lat_deg| LonLat { lon_deg, lat_deg };
    /// // Half of the northern hemisphere, across the antimeridian.
    /// let outer = vec![corner(90.0, 0.0), corner(180.0, 0.0), corner(-90.0, 0.0), corner(-90.0, 90.0), corner(90.0, 90.0)];
    /// let half = Region { name: "half".into(), polygons: vec![RegionPolygon { outer, holes: vec![] }] };
    /// let overlaps = RegionOverlaps::build(&Grid::from_spec("r36x18")?, &[half], RegionEdges::LonLat)?;
    /// let area = overlaps.region_areas[0];
    /// assert!((area - std::f64::consts::PI).abs() < 1e-13, "{area}");
    /// // 18 columns, of which the grid cuts the first and the last in halves, and 9 rows.
    /// assert_eq!(overlaps.cells.len(), 19 * 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(grid: &Grid, regions: &[Region], edges: RegionEdges) -> Result<Self, RegridError> {
        let mut pieces = Pieces::default();
        for region in regions {
            pieces.start_region();
            for rings in plane::octants(region, edges) {
                pieces.add(rings);
            }
        }
        let (row_starts, columns, values) = shared_areas(grid, &grid_of(&pieces))?;
        let cell_areas: Vec<f64> = crate::methods::cell_areas(grid);
        let mut overlaps = Self {
            row_starts: vec![0],
            cells: Vec::new(),
            areas: Vec::new(),
            cell_shares: Vec::new(),
            region_areas: Vec::new(),
            cell_count: grid.len(),
        };
        let mut links: Vec<(u32, f64)> = Vec::new();
        for region in 0..regions.len() {
            links.clear();
            let mut area = Compensated::default();
            for piece in pieces.of_region(region) {
                let sign = pieces.sign(piece);
                area.add(sign * polygon_area(pieces.corners(piece)));
                let row = row_starts[piece]..row_starts[piece + 1];
                links.extend(row.map(|k| (columns[k], sign * values[k])));
            }
            // A stable sort adds the parts of a cell in the order of the pieces.
            links.sort_by_key(|link| link.0);
            for same in links.chunk_by(|a, b| a.0 == b.0) {
                let cell = same[0].0;
                let shared = same.iter().fold(0.0, |sum, link| sum + link.1);
                let whole = cell_areas[cell as usize];
                if shared > SLIVER * whole.min(area.value()) {
                    overlaps.cells.push(cell);
                    overlaps.areas.push(shared);
                    overlaps.cell_shares.push((shared / whole).min(1.0));
                }
            }
            overlaps.row_starts.push(overlaps.cells.len());
            overlaps.region_areas.push(area.value());
        }
        Ok(overlaps)
    }

    /// Number of regions.
    pub fn len(&self) -> usize {
        self.region_areas.len()
    }

    /// Whether there are no regions.
    pub fn is_empty(&self) -> bool {
        self.region_areas.is_empty()
    }

    /// Links of a region.
    pub fn links(&self, region: usize) -> std::ops::Range<usize> {
        self.row_starts[region]..self.row_starts[region + 1]
    }

    /// Part of a region that active cells cover, 0 to 1.
    pub fn covered(&self, region: usize) -> f64 {
        let shared = self.links(region).fold(0.0, |sum, k| sum + self.areas[k]);
        if self.region_areas[region] > 0.0 { (shared / self.region_areas[region]).min(1.0) } else { 0.0 }
    }
}

/// The pieces as a grid, so that the overlap search takes them for cells.
fn grid_of(pieces: &Pieces) -> Grid {
    let cells = || (0..pieces.len()).map(|piece| pieces.corners(piece));
    let centers = cells().map(|corners| LonLat::from_unit(corners[0])).collect();
    Grid {
        family: Family::Mesh,
        shape: vec![pieces.len()],
        layout: Layout::Polygons { centers, polygons: Polygons::from_cells(cells()) },
        mask: Mask::ALL,
        report: Report::new("pieces of regions", CornerSource::Given),
    }
}
