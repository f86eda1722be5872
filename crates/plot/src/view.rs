//! From the sphere to the picture and back.

use crate::PlotError;
use knarr_grid::{Family, Grid, Layout};
use knarr_kernels::sphere::{UnitVector, cross, distance, dot, normalize, scale, sub, unit_vector};

/// What part of the world a map shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum View {
    /// What fits the data: the globe, a latitude band, a lon-lat box, or an equal-area view from above the data.
    #[default]
    Auto,
    /// The globe, longitudes -180 to 180.
    Global,
    /// From above the north pole down to this latitude in degrees.
    North(f64),
    /// From above the south pole up to this latitude in degrees.
    South(f64),
    /// Between two meridians (west to east) and two parallels, in degrees.
    Region {
        /// West end.
        west_deg: f64,
        /// East end, east of `west_deg` by at most 360.
        east_deg: f64,
        /// South end.
        south_deg: f64,
        /// North end.
        north_deg: f64,
    },
}

/// A projection onto pixels; y grows downward, pixel (0, 0) has its middle at (0.5, 0.5).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Canvas {
    pub width: usize,
    pub height: usize,
    projection: Projection,
}

#[derive(Clone, Debug, PartialEq)]
enum Projection {
    /// Longitude and latitude as x and y.
    PlateCarree { west_deg: f64, north_deg: f64, x_per_deg: f64, y_per_deg: f64 },
    /// Lambert's azimuthal equal-area projection about `axes[0]`, with `axes[1]` to the right and `axes[2]` up.
    Azimuthal { axes: [UnitVector; 3], left: f64, top: f64, per_unit: f64 },
}

/// Pixels `x.0..x.1`, `y.0..y.1`.
pub(crate) type PixelBox = ((usize, usize), (usize, usize));

/// A frame in the plane of the projection, before the size of a pixel is known.
enum Frame {
    Degrees { west: f64, east: f64, south: f64, north: f64 },
    Plane { axes: [UnitVector; 3], left: f64, right: f64, bottom: f64, top: f64 },
}

impl Canvas {
    /// The canvas for `view`, `width` pixels wide unless that makes it higher than `max_height`.
    pub fn new(
        view: View,
        grid: &Grid,
        shown: &dyn Fn(usize) -> bool,
        width: usize,
        max_height: usize,
    ) -> Result<Self, PlotError> {
        let frame = match view {
            View::Auto => automatic(grid, shown)?,
            View::Global => Frame::Degrees { west: -180.0, east: 180.0, south: -90.0, north: 90.0 },
            View::North(to) => polar(1.0, 90.0 - to),
            View::South(to) => polar(-1.0, 90.0 + to),
            View::Region { west_deg: west, east_deg, south_deg: south, north_deg: north } => {
                let east = if east_deg <= west { east_deg + 360.0 } else { east_deg };
                Frame::Degrees { west, east, south, north }
            }
        };
        // Plane units per picture unit along x and y.
        let (size_x, size_y) = match &frame {
            Frame::Degrees { west, east, south, north } => {
                let stretch = if east - west > 300.0 { 1.0 } else { (0.5 * (south + north)).to_radians().cos().max(0.2) };
                ((east - west) * stretch, north - south)
            }
            Frame::Plane { left, right, bottom, top, .. } => (right - left, top - bottom),
        };
        let per_unit = (width as f64 / size_x).min(max_height as f64 / size_y);
        let pixels = |size: f64| ((size * per_unit).round() as usize).max(1);
        let (width, height) = (pixels(size_x), pixels(size_y));
        let projection = match frame {
            Frame::Degrees { west, east, south, north } => Projection::PlateCarree {
                west_deg: west,
                north_deg: north,
                x_per_deg: width as f64 / (east - west),
                y_per_deg: height as f64 / (north - south),
            },
            Frame::Plane { axes, left, top, .. } => Projection::Azimuthal { axes, left, top, per_unit },
        };
        Ok(Self { width, height, projection })
    }

    /// The same view with `factor` times as many pixels along each side.
    pub fn finer(&self, factor: usize) -> Self {
        let f = factor as f64;
        let projection = match self.projection.clone() {
            Projection::PlateCarree { west_deg, north_deg, x_per_deg, y_per_deg } => {
                Projection::PlateCarree { west_deg, north_deg, x_per_deg: x_per_deg * f, y_per_deg: y_per_deg * f }
            }
            Projection::Azimuthal { axes, left, top, per_unit } => {
                Projection::Azimuthal { axes, left, top, per_unit: per_unit * f }
            }
        };
        Self { width: self.width * factor, height: self.height * factor, projection }
    }

    /// Whether meridians and parallels are straight.
    pub fn is_plate_carree(&self) -> bool {
        matches!(self.projection, Projection::PlateCarree { .. })
    }

    /// Degrees of longitude and latitude that the picture spans, roughly.
    pub fn span_deg(&self) -> (f64, f64) {
        match self.projection {
            Projection::PlateCarree { x_per_deg, y_per_deg, .. } => {
                (self.width as f64 / x_per_deg, self.height as f64 / y_per_deg)
            }
            Projection::Azimuthal { axes, per_unit, .. } => {
                let cos_lat = axes[0][0].hypot(axes[0][1]).max(0.15);
                let [width, height] = [self.width, self.height].map(|pixels| (pixels as f64 / per_unit).to_degrees());
                ((width / cos_lat).min(360.0), height.min(180.0))
            }
        }
    }

    /// The direction seen at a point of the picture.
    pub fn unit_at(&self, x: f64, y: f64) -> Option<UnitVector> {
        match &self.projection {
            Projection::PlateCarree { west_deg, north_deg, x_per_deg, y_per_deg } => {
                let lat = north_deg - y / y_per_deg;
                (lat.abs() <= 90.0).then(|| unit_vector(west_deg + x / x_per_deg, lat))
            }
            Projection::Azimuthal { axes: [c, e, n], left, top, per_unit } => {
                let (px, py) = (left + x / per_unit, top - y / per_unit);
                let rho2 = px * px + py * py;
                (rho2 < 4.0).then(|| {
                    let k = (1.0 - 0.25 * rho2).sqrt();
                    let z = 1.0 - 0.5 * rho2;
                    std::array::from_fn(|i| c[i] * z + (e[i] * px + n[i] * py) * k)
                })
            }
        }
    }

    /// The pieces of a line of (longitude, latitude) in degrees that can be drawn, in pixels.
    pub fn lines(&self, line: &[(f64, f64)]) -> Vec<Vec<(f32, f32)>> {
        match &self.projection {
            Projection::PlateCarree { west_deg, north_deg, x_per_deg, y_per_deg } => {
                let mut unwrapped = Vec::with_capacity(line.len());
                let mut last: Option<f64> = None;
                for &(lon, lat) in line {
                    let lon = last.map_or(lon, |l| l + (lon - l + 180.0).rem_euclid(360.0) - 180.0);
                    last = Some(lon);
                    unwrapped.push((lon, lat));
                }
                let east_deg = west_deg + self.width as f64 / x_per_deg;
                let ends = unwrapped.iter().fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.0), b.max(p.0)));
                (-3..=3)
                    .map(|k| 360.0 * f64::from(k))
                    .filter(|shift| ends.0 + shift <= east_deg && ends.1 + shift >= *west_deg)
                    .map(|shift| {
                        let place = |&(lon, lat): &(f64, f64)| {
                            (((lon + shift - west_deg) * x_per_deg) as f32, ((north_deg - lat) * y_per_deg) as f32)
                        };
                        unwrapped.iter().map(place).collect()
                    })
                    .collect()
            }
            Projection::Azimuthal { axes: [c, e, n], left, top, per_unit } => {
                let mut pieces = vec![Vec::new()];
                for &(lon, lat) in line {
                    let p = unit_vector(lon, lat);
                    let z = dot(p, *c);
                    // Beyond 120° from the middle, shapes are stretched past use, and no view reaches so far.
                    if z < -0.5 {
                        pieces.push(Vec::new());
                        continue;
                    }
                    let k = (2.0 / (1.0 + z)).sqrt();
                    let (px, py) = (k * dot(p, *e), k * dot(p, *n));
                    pieces
                        .last_mut()
                        .expect("never empty")
                        .push((((px - left) * per_unit) as f32, ((top - py) * per_unit) as f32));
                }
                pieces.retain(|piece| piece.len() > 1);
                pieces
            }
        }
    }

    /// Boxes of pixels that hold every pixel whose middle is within `radius_rad` of `center`.
    pub fn boxes_around(&self, center: UnitVector, radius_rad: f64, boxes: &mut Vec<PixelBox>) {
        boxes.clear();
        let clip = |from: f64, to: f64, size: usize| {
            // Pixel k has its middle at k + 0.5.
            let first = (from - 0.5).ceil().max(0.0) as usize;
            let end = ((to - 0.5).floor() + 1.0).clamp(0.0, size as f64) as usize;
            (first < end).then_some((first, end))
        };
        match &self.projection {
            Projection::PlateCarree { west_deg, north_deg, x_per_deg, y_per_deg } => {
                let (lon, lat) = knarr_kernels::sphere::lon_lat_deg(center);
                let radius_deg = radius_rad.to_degrees();
                let (south, north) = (lat - radius_deg, lat + radius_deg);
                let Some(rows) = clip((north_deg - north) * y_per_deg, (north_deg - south) * y_per_deg, self.height) else {
                    return;
                };
                let reach = radius_rad.sin() / lat.to_radians().cos();
                if north >= 90.0 || south <= -90.0 || reach >= 1.0 {
                    boxes.push(((0, self.width), rows));
                    return;
                }
                let reach_deg = reach.asin().to_degrees();
                let from = (lon - reach_deg - west_deg).rem_euclid(360.0);
                for shift in [-360.0, 0.0] {
                    let x = (from + shift) * x_per_deg;
                    if let Some(columns) = clip(x, x + 2.0 * reach_deg * x_per_deg, self.width) {
                        boxes.push((columns, rows));
                    }
                }
            }
            Projection::Azimuthal { axes: [c, e, n], left, top, per_unit } => {
                let z = dot(center, *c);
                let away = z.clamp(-1.0, 1.0).acos();
                let far = away + radius_rad;
                if far > 2.6 {
                    // Stretched without bound near the antipode; no view shows what is wholly beyond 130°.
                    if away - radius_rad < 2.3 {
                        boxes.push(((0, self.width), (0, self.height)));
                    }
                    return;
                }
                let k = (2.0 / (1.0 + z)).sqrt();
                let (x, y) = ((k * dot(center, *e) - left) * per_unit, (top - k * dot(center, *n)) * per_unit);
                // The projection stretches most along the circle farthest out, by 1/cos(far/2).
                let reach = radius_rad / (0.5 * far).cos() * per_unit;
                if let (Some(columns), Some(rows)) =
                    (clip(x - reach, x + reach, self.width), clip(y - reach, y + reach, self.height))
                {
                    boxes.push((columns, rows));
                }
            }
        }
    }
}

fn polar(sign: f64, reach_deg: f64) -> Frame {
    let rho = 2.0 * (0.5 * reach_deg.clamp(1.0, 120.0).to_radians()).sin();
    Frame::Plane { axes: polar_axes(sign), left: -rho, right: rho, bottom: -rho, top: rho }
}

/// Greenwich points down in the north and up in the south, as on most polar maps; east is to its right in both.
fn polar_axes(sign: f64) -> [UnitVector; 3] {
    [[0.0, 0.0, sign], [0.0, 1.0, 0.0], [-sign, 0.0, 0.0]]
}

/// The frame that fits the shown cells.
fn automatic(grid: &Grid, shown: &dyn Fn(usize) -> bool) -> Result<Frame, PlotError> {
    let centers = sample(grid, shown);
    if centers.is_empty() {
        return Err(PlotError::NothingToDraw);
    }
    let sum = centers.iter().fold([0.0; 3], |s, &(_, _, p)| knarr_kernels::sphere::add(s, p));
    let middle = normalize(sum).unwrap_or([1.0, 0.0, 0.0]);
    let reach = centers.iter().map(|&(_, _, p)| distance(p, middle)).fold(0.0, f64::max);
    let latitudes = centers.iter().fold((90.0f64, -90.0f64), |(a, b), c| (a.min(c.1), b.max(c.1)));
    let (west, east) = longitudes(&centers);
    let (middle_lat, all_longitudes) = (middle[2].asin().to_degrees(), east - west >= 320.0);

    if let Some(axes) = grid_axes(grid).filter(|axes| centers.iter().all(|c| distance(c.2, axes[0]) < 1.6)) {
        return Ok(around(axes, &centers));
    }
    if reach < 1.5 && middle_lat.abs() > 35.0 && east - west > 50.0 {
        let at_pole = middle_lat.abs() > 75.0 && all_longitudes;
        let axes = if at_pole { polar_axes(middle_lat.signum()) } else { upright(middle, [0.0, 0.0, 1.0]) };
        return Ok(around(axes, &centers));
    }
    let lat_pad = (0.04 * (latitudes.1 - latitudes.0)).max(0.3);
    let (mut south, mut north) = ((latitudes.0 - lat_pad).max(-90.0), (latitudes.1 + lat_pad).min(90.0));
    if all_longitudes {
        if north - south > 100.0 {
            return Ok(Frame::Degrees { west: -180.0, east: 180.0, south: -90.0, north: 90.0 });
        }
        // A band thinner than a quarter of its length is hard to read.
        let (middle, half) = (0.5 * (south + north), (0.5 * (north - south)).max(45.0));
        south = (middle - half).max(-90.0);
        north = (middle + half).min(90.0);
        return Ok(Frame::Degrees { west: -180.0, east: 180.0, south, north });
    }
    let lon_pad = (0.04 * (east - west)).max(0.3);
    Ok(Frame::Degrees { west: west - lon_pad, east: east + lon_pad, south, north })
}

/// Longitude, latitude and direction of shown cells; every k-th of very many.
fn sample(grid: &Grid, shown: &dyn Fn(usize) -> bool) -> Vec<(f64, f64, UnitVector)> {
    let step = grid.len() / 400_000 + 1;
    let of = |filter: &dyn Fn(usize) -> bool| -> Vec<_> {
        (0..grid.len())
            .step_by(step)
            .filter(|&cell| filter(cell))
            .map(|cell| grid.center(cell))
            .filter(|c| c.lat_deg.abs() <= 90.0 && c.lon_deg.abs() <= 1e4)
            .map(|c| (c.lon_deg, c.lat_deg, c.unit()))
            .collect()
    };
    let some = of(shown);
    if some.is_empty() { of(&|cell| grid.mask.is_active(cell)) } else { some }
}

/// West and east end of the longitudes, outside the widest gap; 360 apart where no gap is wider than 40°.
fn longitudes(centers: &[(f64, f64, UnitVector)]) -> (f64, f64) {
    let mut lons: Vec<f64> = centers.iter().map(|c| c.0.rem_euclid(360.0)).collect();
    lons.sort_unstable_by(f64::total_cmp);
    let (mut gap, mut west, mut east) = (lons[0] + 360.0 - lons[lons.len() - 1], lons[0], lons[lons.len() - 1]);
    for pair in lons.windows(2) {
        if pair[1] - pair[0] > gap {
            (gap, west, east) = (pair[1] - pair[0], pair[1] - 360.0, pair[0]);
        }
    }
    if gap < 40.0 {
        return (-180.0, 180.0);
    }
    if west > 180.0 { (west - 360.0, east - 360.0) } else { (west, east) }
}

/// The axes of a rotated or projected grid at its middle cell: the picture then shows the grid upright.
fn grid_axes(grid: &Grid) -> Option<[UnitVector; 3]> {
    let [rows, columns] = grid.shape[..] else { return None };
    let ascending = match (&grid.family, &grid.layout) {
        (Family::RotatedLatLon { .. }, Layout::Rows(r)) => r.lats_deg.first() <= r.lats_deg.last(),
        (Family::Projected(p), _) => p.y.first() <= p.y.last(),
        _ => return None,
    };
    if rows < 2 || columns == 0 {
        return None;
    }
    let row = (rows / 2).min(rows - 2);
    let here = grid.center(row * columns + columns / 2).unit();
    let next = grid.center((row + 1) * columns + columns / 2).unit();
    let up = if ascending { sub(next, here) } else { sub(here, next) };
    Some(upright(here, up))
}

/// Middle, right and up: `up` made square to `middle`.
fn upright(middle: UnitVector, up: UnitVector) -> [UnitVector; 3] {
    let up = normalize(sub(up, scale(middle, dot(up, middle)))).unwrap_or([0.0, 0.0, 1.0]);
    [middle, cross(up, middle), up]
}

fn around(axes: [UnitVector; 3], centers: &[(f64, f64, UnitVector)]) -> Frame {
    let [c, e, n] = axes;
    let (mut left, mut right, mut bottom, mut top) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
    for &(_, _, p) in centers {
        let k = (2.0 / (1.0 + dot(p, c))).sqrt();
        let (x, y) = (k * dot(p, e), k * dot(p, n));
        (left, right) = (left.min(x), right.max(x));
        (bottom, top) = (bottom.min(y), top.max(y));
    }
    let pad = (0.025 * (right - left).max(top - bottom)).max(1e-3);
    Frame::Plane { axes, left: left - pad, right: right + pad, bottom: bottom - pad, top: top + pad }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::lon_lat_deg;

    fn canvas(frame_view: View) -> Canvas {
        let grid = Grid {
            family: Family::Points,
            shape: vec![1],
            layout: Layout::Points { centers: vec![knarr_grid::LonLat { lon_deg: 0.0, lat_deg: 0.0 }] },
            mask: knarr_grid::Mask::ALL,
            report: knarr_grid::Report::new("a test", knarr_grid::CornerSource::None),
        };
        Canvas::new(frame_view, &grid, &|_| true, 400, 400).expect("a view")
    }

    #[test]
    fn forward_and_back_meet_in_every_projection() {
        let region = View::Region { west_deg: 350.0, east_deg: 20.0, south_deg: 40.0, north_deg: 60.0 };
        for view in [View::Global, View::North(30.0), View::South(-50.0), region] {
            let canvas = canvas(view);
            for (x, y) in [(120.5, 77.5), (200.5, 140.5), (301.25, 60.0)] {
                let p = canvas.unit_at(x, y).expect("inside the picture");
                let (lon, lat) = lon_lat_deg(p);
                let line = [(lon, lat), (lon, lat - 1e-6)];
                let found = canvas.lines(&line).into_iter().flatten().any(|q| {
                    // Pixels are f32: 400 · 2⁻²⁴ is 2.4e-5.
                    (f64::from(q.0) - x).abs() < 1e-3 && (f64::from(q.1) - y).abs() < 1e-3
                });
                assert!(found, "{view:?} {x} {y} {lon} {lat}: {:?}", canvas.lines(&line));
            }
        }
    }

    #[test]
    fn boxes_hold_all_pixels_within_the_radius() {
        for view in [View::Global, View::North(30.0)] {
            let canvas = canvas(view);
            let mut boxes = Vec::new();
            for (lon, lat, radius) in [(179.0, 10.0, 0.1), (0.0, 89.0, 0.05), (-75.0, 62.0, 0.3)] {
                let center = unit_vector(lon, lat);
                canvas.boxes_around(center, radius, &mut boxes);
                for y in 0..canvas.height {
                    for x in 0..canvas.width {
                        let near = canvas.unit_at(x as f64 + 0.5, y as f64 + 0.5).is_some_and(|p| distance(p, center) < radius);
                        let held = boxes.iter().any(|b| (b.0.0..b.0.1).contains(&x) && (b.1.0..b.1.1).contains(&y));
                        assert!(!near || held, "{view:?} {lon} {lat}: pixel {x} {y}");
                    }
                }
            }
        }
    }
}
