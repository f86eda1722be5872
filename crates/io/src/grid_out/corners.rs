//! Corners of cells in degrees, each corner's angles computed once for the cells around it.

use knarr_grid::{Grid, Layout, LonLat, Polygons};
use knarr_kernels::angles::{lon_lat_deg, put_lon_lats_deg};
use knarr_kernels::sphere::UnitVector;

/// Corners remembered: more than two rows of most grids, few enough to stay in the fastest cache levels.
const REMEMBERED: usize = 1 << 12;

/// Vertices whose angles are computed together: neighbours in the list are corners of neighbours, and several go into one vector.
const TOGETHER: usize = 8;

/// Corners of a grid's cells, for cells asked for one after the other.
pub(crate) struct Corners<'g> {
    grid: &'g Grid,
    /// The last vertices with that index modulo [`REMEMBERED`], and their angles; empty where cells share none.
    remembered: Vec<(u32, f64, f64)>,
}

impl<'g> Corners<'g> {
    /// The corners of `grid`.
    pub fn of(grid: &'g Grid) -> Self {
        let shared = match &grid.layout {
            Layout::Formula(_) => true,
            Layout::Polygons { polygons, .. } => polygons.vertices.len() < polygons.corners.len(),
            Layout::Rows(_) | Layout::Points { .. } => false,
        };
        Self { grid, remembered: if shared { vec![(u32::MAX, 0.0, 0.0); REMEMBERED] } else { Vec::new() } }
    }

    /// Appends the corners of a cell: the bounds themselves where the cell lies between parallels and meridians, else
    /// longitudes within half a turn of `center_lon`, that of the center; a corner at a pole has the center's longitude.
    pub fn append(&mut self, cell: usize, center_lon: f64, corners: &mut Vec<LonLat>) {
        match &self.grid.layout {
            Layout::Rows(rows) if rows.rotation.is_none() => {
                let ([west, east], [south, north]) = rows.frame_bounds_deg(cell);
                let bounds = [(west, south), (east, south), (east, north), (west, north)];
                corners.extend(bounds.map(|(lon_deg, lat_deg)| LonLat { lon_deg, lat_deg }));
            }
            Layout::Formula(formula) => {
                formula.each_corner(cell, |number| {
                    let angles = || {
                        let corner = formula.corner_angles(number);
                        (corner.lon_deg, corner.lat_deg)
                    };
                    corners.push(near(center_lon, self.angles(number, angles)));
                });
            }
            Layout::Polygons { polygons, .. } => self.append_polygon(polygons, cell, center_lon, corners),
            Layout::Rows(_) | Layout::Points { .. } => {
                corners.extend(self.grid.corners(cell).into_iter().map(|p| near(center_lon, lon_lat_deg(p))));
            }
        }
    }

    fn append_polygon(&mut self, polygons: &Polygons, cell: usize, center_lon: f64, corners: &mut Vec<LonLat>) {
        let indices = polygons.cell(cell);
        for (k, &index) in indices.iter().enumerate() {
            // A corner given twice in a row is one.
            let previous = if k == 0 { indices[indices.len() - 1] } else { indices[k - 1] };
            if index != previous || indices.len() == 1 {
                corners.push(near(center_lon, self.angles_among(&polygons.vertices, index)));
            }
        }
    }

    /// Those of a vertex.
    fn angles_among(&mut self, vertices: &[UnitVector], index: u32) -> (f64, f64) {
        let Some(&(known, lon, lat)) = self.remembered.get(index as usize % REMEMBERED) else {
            return lon_lat_deg(vertices[index as usize]);
        };
        if known == index {
            return (lon, lat);
        }
        let first = index as usize / TOGETHER * TOGETHER;
        let units = &vertices[first..vertices.len().min(first + TOGETHER)];
        let (mut lons, mut lats) = ([0.0; TOGETHER], [0.0; TOGETHER]);
        put_lon_lats_deg(units, &mut lons[..units.len()], &mut lats[..units.len()]);
        for k in 0..units.len() {
            self.remembered[(first + k) % REMEMBERED] = ((first + k) as u32, lons[k], lats[k]);
        }
        (lons[index as usize - first], lats[index as usize - first])
    }

    fn angles(&mut self, index: u32, angles: impl Fn() -> (f64, f64)) -> (f64, f64) {
        let Some(place) = self.remembered.get_mut(index as usize % REMEMBERED) else { return angles() };
        if place.0 != index {
            let (lon, lat) = angles();
            *place = (index, lon, lat);
        }
        (place.1, place.2)
    }
}

fn near(center: f64, (lon, lat_deg): (f64, f64)) -> LonLat {
    let lon_deg = if !center.is_finite() {
        lon
    } else if lat_deg.abs() >= 90.0 - 1e-12 {
        center
    } else if (center - lon).abs() < 180.0 {
        lon
    } else {
        lon + 360.0 * ((center - lon) / 360.0).round()
    };
    LonLat { lon_deg, lat_deg }
}
