//! What making weights will take, judged before any work.
//!
//! Two tilings of N_s and N_t cells overlap in N_s + N_t + X pairs, X the number of places where their edges cross.
//! Lines of lengths L_s and L_t laid at random over an area A cross (2/π)·L_s·L_t/A times; an edge belongs to two
//! cells, so L is half the sum of perimeters ((8/π)·√(N_s·N_t) for squares). Rows about one pole are counted.

use crate::methods::same_frame;
use crate::methods::{EARTH_RADIUS_M, POLE_TOLERANCE_DEG};
use crate::{Extrapolation, Method, Options};
use knarr_grid::{Columns, Grid, Layout, Rows};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::sphere::{UnitVector, dot, sub};

/// Cells looked at per grid.
const SAMPLES: usize = 1 << 12;
/// The estimate is raised by this part, so that it stays above what is found.
const MARGIN: f64 = 1.15;
/// Links of a short row at a pole, of repeated cells, and of what sampling misses.
const FEW: f64 = 1000.0;

/// Links and memory that making weights takes at most; real figures are rarely below half of it.
///
/// Where grids share their lines, as nested ones do, edges do not cross and the estimate is up to six times too high.
///
/// ```
/// use knarr_grid::Grid;
/// use knarr_regrid::{Estimate, Method, Options, Weights};
/// let (source, destination) = (Grid::from_spec("r72x36")?, Grid::from_spec("CS12")?);
/// let options = Options::new(Method::Conservative);
/// let links = Weights::build(&source, &destination, &options)?.len() as u64;
/// let estimate = Estimate::of(&source, &destination, &options);
/// assert!(links <= estimate.links && estimate.links < 2 * links);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Number of links.
    pub links: u64,
    /// Peak memory in bytes, grids not counted: the weights and what is held while they are made.
    pub bytes: u64,
}

impl Estimate {
    /// The estimate for a pair of grids and a method; takes milliseconds at any size.
    pub fn of(source: &Grid, destination: &Grid, options: &Options) -> Self {
        let reached = match options.method {
            Method::Nearest => destination.active_count() as f64,
            Method::Distance { neighbours } => (neighbours * destination.active_count()) as f64,
            Method::Bilinear => 4.0 * destination.active_count() as f64 + pole_links(source, destination),
            Method::Bicubic if matches!(source.layout, Layout::Rows(_)) => {
                16.0 * destination.active_count() as f64 + pole_links(source, destination)
            }
            Method::Bicubic | Method::Patch => 24.0 * destination.active_count() as f64,
            Method::Gaussian { neighbours } | Method::Radial { neighbours } => (neighbours * destination.active_count()) as f64,
            Method::Conservative | Method::LargestFraction => MARGIN * overlaps(source, destination) + FEW,
            Method::Conservative2nd => {
                // The cells around those that overlap: a ring as long as the square root of their number.
                let (first, n_t) = (MARGIN * overlaps(source, destination) + FEW, destination.active_count() as f64);
                (9.0 * first).min(first + 6.0 * (n_t * first).sqrt() + 8.0 * n_t)
            }
            Method::Spread { radius_m, .. } => {
                // Destination cells in a circle, and those that its rim cuts.
                let angle = (f64::from(radius_m) / EARTH_RADIUS_M).min(std::f64::consts::PI);
                let density = destination.len() as f64 / (4.0 * std::f64::consts::PI);
                let circle = 2.0 * std::f64::consts::PI * (1.0 - angle.cos());
                source.active_count() as f64 * (1.0 + density * circle + 8.0 * (density * circle).sqrt())
            }
        };
        let beyond = match options.extrapolation {
            Extrapolation::None => 0.0,
            Extrapolation::Nearest => 1.0,
            Extrapolation::Distance => 4.0,
            // Means of means: each round can add the links of its neighbours.
            Extrapolation::Creep => 16.0,
        } * destination.active_count() as f64;
        let links = reached + beyond;
        Self { links: links as u64, bytes: bytes(links, source, destination, options) as u64 }
    }
}

/// Bytes of `links` links with rows, with areas and fractions if the method has them, and of what is held while they are
/// made.
fn bytes(links: f64, source: &Grid, destination: &Grid, options: &Options) -> f64 {
    let (n_s, n_t) = (source.len() as f64, destination.len() as f64);
    let tables = if options.method.asks_for_areas() { 16.0 } else { 0.0 };
    let weights = 12.0 * links + 8.0 * n_t + tables * (n_s + n_t);
    let rows = |grid: &Grid| matches!(grid.layout, Layout::Rows(_));
    // Polygons made of a formula.
    let made = |grid: &Grid| match &grid.layout {
        Layout::Formula(formula) => (24 * formula.corner_count() + 4 * formula.corners_per_cell() * formula.len()) as f64,
        _ => 0.0,
    };
    let held = match options.method {
        // Blocks not yet joined; the search tree of source cells.
        Method::Conservative | Method::LargestFraction => {
            let tree = if rows(source) || rows(destination) { 0.0 } else { 40.0 * n_s };
            // Of a destination that polygons look at, some are made at a time.
            let made_of_destination = if rows(source) { made(destination) } else { 0.0 };
            2.0 * links + tree + made(source) + made_of_destination
        }
        // Overlaps with their moments, and frames of source cells, beside the links that come of them.
        Method::Conservative2nd => 40.0 * links + 200.0 * n_s + made(source) + made(destination),
        // One link a row, found by formula.
        Method::Nearest if rows(source) => n_s + n_t,
        // Centers of the source in strips or patches, its cells where patches are made of them, blocks not yet joined.
        _ => 2.0 * links + 24.0 * n_t + if rows(source) { n_s } else { 150.0 * n_s + made(source) },
    };
    weights + held + 16e6
}

/// Cells of rows that a pole's mean takes, for every destination cell between the last row and the pole.
fn pole_links(source: &Grid, destination: &Grid) -> f64 {
    let Layout::Rows(rows) = &source.layout else { return 0.0 };
    let longest = match &rows.columns {
        Columns::Shared(lon) => lon.centers_deg.len(),
        Columns::Reduced { counts, .. } => counts.iter().copied().min().unwrap_or(0),
    };
    // The part of the sphere in the caps that are closed by a mean: those whose pole the rows reach.
    let cap = |pole: f64| {
        let last = rows.lats_deg.iter().map(|lat| lat * pole.signum()).fold(-90.0, f64::max);
        let reaches = rows.lat_bounds_deg.iter().flatten().any(|lat| (lat - pole).abs() <= POLE_TOLERANCE_DEG);
        if reaches { (1.0 - last.to_radians().sin()) / 2.0 } else { 0.0 }
    };
    let (caps, n) = (cap(-90.0) + cap(90.0), destination.active_count() as f64);
    // And the row of destination cells around them.
    (caps * n + 8.0 * (caps * n).sqrt()) * longest as f64
}

/// Pairs of cells that overlap.
fn overlaps(source: &Grid, destination: &Grid) -> f64 {
    if let (Layout::Rows(s), Layout::Rows(t)) = (&source.layout, &destination.layout)
        && same_frame(s, t)
    {
        return overlaps_of_rows(s, t);
    }
    let (s, t) = (Sample::of(source), Sample::of(destination));
    let (s_box, t_box) = (s.extent(), t.extent());
    let (s, t) = (s.within(t_box), t.within(s_box));
    let area = s.area.max(t.area);
    let crossings = if area > 0.0 { std::f64::consts::FRAC_2_PI * s.edges * t.edges / area } else { 0.0 };
    s.cells + t.cells + crossings
}

/// Rows about one pole: intervals that overlap, of latitude times of longitude.
fn overlaps_of_rows(source: &Rows, destination: &Rows) -> f64 {
    let width = |rows: &Rows| match &rows.columns {
        Columns::Shared(lon) => lon.bounds_deg.iter().map(|b| b[1] - b[0]).sum::<f64>().min(360.0),
        Columns::Reduced { .. } => 360.0,
    };
    let (source_width, destination_width) = (width(source), width(destination));
    let common = source_width.min(destination_width);
    let cells = |rows: &Rows, row: usize, width: f64| match &rows.columns {
        Columns::Shared(lon) => lon.centers_deg.len() as f64 * common / width,
        Columns::Reduced { counts, .. } => counts[row] as f64 * common / width,
    };
    let mut source_rows: Vec<usize> = (0..source.lats_deg.len()).collect();
    source_rows.sort_by(|&a, &b| source.lat_bounds_deg[a][0].total_cmp(&source.lat_bounds_deg[b][0]));
    let mut total = 0.0;
    for row in 0..destination.lats_deg.len() {
        let [south, north] = destination.lat_bounds_deg[row];
        // Rows do not overlap one another, so their north ends ascend as well.
        let first = source_rows.partition_point(|&r| source.lat_bounds_deg[r][1] <= south);
        for &r in source_rows[first..].iter().take_while(|&&r| source.lat_bounds_deg[r][0] < north) {
            total += cells(source, r, source_width) + cells(destination, row, destination_width) + 2.0;
        }
    }
    total
}

/// Some active cells of a grid, spread over its numbers.
struct Sample {
    cells: Vec<SampledCell>,
    /// Cells that each one stands for.
    each: f64,
}

struct SampledCell {
    center: UnitVector,
    area: f64,
    /// Half the perimeter.
    edges: f64,
}

/// What lies within an extent: number of cells, their area, the length of their edges.
struct Part {
    cells: f64,
    area: f64,
    edges: f64,
}

impl Sample {
    fn of(grid: &Grid) -> Self {
        let len = grid.len();
        let count = len.min(SAMPLES);
        // Steps of the golden ratio spread over rows and columns alike, whatever the shape.
        let step = 0.618_033_988_749_894_9;
        let number = |k: usize| if count == len { k } else { ((k as f64 * step).fract() * len as f64) as usize };
        let cell = |number: usize| {
            let corners = grid.corners(number);
            let length = |k: usize| {
                let edge = sub(corners[(k + 1) % corners.len()], corners[k]);
                dot(edge, edge).sqrt()
            };
            let edges = 0.5 * (0..corners.len()).map(length).sum::<f64>();
            let area = if matches!(grid.layout, Layout::Rows(_)) { grid.area(number) } else { polygon_area(&corners) };
            SampledCell { center: grid.center_unit(number), area, edges }
        };
        let cells = (0..count).map(number).filter(|&n| grid.mask.is_active(n)).map(cell).collect();
        Self { cells, each: len as f64 / count.max(1) as f64 }
    }

    /// Least and greatest coordinates of the cells, and of those between the sampled ones.
    fn extent(&self) -> [[f64; 2]; 3] {
        // Sampled cells are about √each cells apart; the outermost cells lie a few such steps farther out.
        let reach = 3.0 * self.each.sqrt() * self.cells.iter().map(|c| c.edges).sum::<f64>() / self.cells.len().max(1) as f64;
        [0, 1, 2].map(|axis| {
            let along = self.cells.iter().map(|c| c.center[axis]);
            let (least, greatest) = along.fold((1.0f64, -1.0f64), |(l, g), x| (l.min(x), g.max(x)));
            [least - reach, greatest + reach]
        })
    }

    fn within(&self, extent: [[f64; 2]; 3]) -> Part {
        let inside = |c: &&SampledCell| (0..3).all(|axis| (extent[axis][0]..=extent[axis][1]).contains(&c.center[axis]));
        let mut count = 0.0f64;
        let mut part = Part { cells: 0.0, area: 0.0, edges: 0.0 };
        for cell in self.cells.iter().filter(inside) {
            count += 1.0;
            part.area += self.each * cell.area;
            part.edges += self.each * cell.edges;
        }
        // Few samples scatter: three standard deviations more, for numbers and lengths.
        let scatter = if self.each > 1.0 { 1.0 + 3.0 / count.max(1.0).sqrt() } else { 1.0 };
        part.cells = self.each * count.max(if self.each > 1.0 { 9.0 } else { 0.0 }) * scatter;
        part.edges *= scatter;
        part
    }
}
