//! Finds and repairs bad cells one by one, so that none of them stops the rest.

use crate::boxes::Boxes;
use crate::polygon::{centroid, chord, crosses_itself, is_concave, mean, perimeter, reaches};
use crate::{Action, BadCell, Blemish, LonLat, Mask, Polygons};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use smallvec::SmallVec;

/// Corners of a cell; those of most are four, and need no memory of their own.
pub(crate) type Corners = SmallVec<[UnitVector; 4]>;

/// A cell as it comes, before any check.
pub(crate) struct RawCell {
    /// `None` = missing.
    pub center: Option<LonLat>,
    /// `None` = at least one corner is missing. May be clockwise, doubled, crossed.
    pub corners: Option<Corners>,
}

/// Makes corners for the cells that are asked for from the centers of all.
pub(crate) type Substitutes<'a> = dyn Fn(&[bool], Vec<Option<UnitVector>>) -> Vec<Option<Corners>> + Sync + 'a;

/// What is known about the cells as a whole.
pub(crate) struct Context<'a> {
    /// `[rows, columns]` of a curvilinear grid, whose neighbours have like sizes; `None` = unstructured.
    pub shape: Option<[usize; 2]>,
    /// Whether centers were given, rather than made from corners.
    pub centers_given: bool,
    /// Corners for the cells that are asked for because their own are broken, if there is a way to make them.
    pub substitutes: Option<&'a Substitutes<'a>>,
    /// Cells that are known to take part.
    pub mask: &'a Mask,
}

/// Usable cells.
pub(crate) struct Repaired {
    pub centers: Vec<LonLat>,
    pub polygons: Polygons,
    pub mask: Mask,
    pub bad_cells: Vec<BadCell>,
    pub notes: Vec<String>,
}

/// Share of the cells from which on a blemish is a convention of the file: said once, not cell by cell.
const CONVENTION: f64 = 0.1;
/// Corners nearer than this (in Earth radii; 6 micrometres) are one.
const SAME_CORNER: f64 = 1e-12;
/// Latitudes from which on cells may share one center and repeat corners: the pole row of a lat-lon grid.
const POLE_SINE: f64 = 0.999_999_999;

/// A cell on its way through the checks.
pub(crate) struct Cell {
    center: Option<UnitVector>,
    corners: Corners,
    dropped: Option<Blemish>,
    doubled: bool,
    clockwise: bool,
    concave: bool,
    untangled: bool,
    /// What was wrong with the corners that were replaced.
    replaced: Option<Blemish>,
    /// Largest chord from the center to a corner.
    radius: f64,
    /// Whether one corner is far away measured by the others.
    lopsided: bool,
}

/// Missing: not a number, or beyond what any file means by a longitude or latitude.
pub(crate) fn is_position(p: LonLat) -> bool {
    p.lat_deg.abs() <= 90.0 + 1e-4 && p.lon_deg.abs() <= 721.0
}

/// Unit vector of a position of a file, `None` if it is missing.
pub(crate) fn unit_of(p: LonLat) -> Option<UnitVector> {
    is_position(p).then(|| LonLat { lat_deg: p.lat_deg.clamp(-90.0, 90.0), ..p }.unit())
}

/// First look at all cells; what they are made from can be dropped after it.
pub(crate) fn look_at(raw: impl IndexedParallelIterator<Item = RawCell>, context: &Context) -> Vec<Cell> {
    raw.map(|cell| measured(cell, context.centers_given)).collect()
}

/// Repairs or drops bad cells; `given` are their centers, where there are any.
pub(crate) fn repair(mut cells: Vec<Cell>, given: &[Option<LonLat>], context: &Context) -> Repaired {
    drop_oversized(&mut cells, context);
    cells.par_iter_mut().for_each(orient);
    replace_broken(&mut cells, given, context);
    drop_duplicates(&mut cells, context);
    report(cells, given, context)
}

/// First look: corners without repeats, and size.
fn measured(raw: RawCell, centers_given: bool) -> Cell {
    let mut cell = Cell {
        center: raw.center.and_then(unit_of),
        corners: Corners::new(),
        dropped: None,
        doubled: false,
        clockwise: false,
        concave: false,
        untangled: false,
        replaced: None,
        radius: 0.0,
        lopsided: false,
    };
    let Some(corners) = raw.corners else {
        cell.dropped = Some(Blemish::MissingCoordinate);
        return cell;
    };
    if centers_given && cell.center.is_none() {
        cell.dropped = Some(Blemish::MissingCoordinate);
        return cell;
    }
    let count = corners.len();
    cell.corners = without_repeats(corners);
    let at_pole = cell.corners.iter().any(|p| p[2].abs() > POLE_SINE);
    cell.doubled = cell.corners.len() < count && !at_pole;
    if cell.corners.len() < 3 {
        cell.dropped = Some(Blemish::Degenerate);
        return cell;
    }
    let Some(middle) = cell.center.or_else(|| mean(&cell.corners)) else {
        cell.dropped = Some(Blemish::Degenerate);
        return cell;
    };
    let reach = reaches(middle, &cell.corners);
    cell.radius = reach[reach.len() - 1];
    // Corners of a sound cell are about as far from its center as each other, however thin the cell is.
    cell.lopsided = centers_given && cell.radius > 10.0 * reach[(reach.len() - 1) / 2];
    // (0, 0) is what unset coordinates hold; as a corner of a cell elsewhere it needs less to be unlikely.
    let unset = cell.corners.contains(&[1.0, 0.0, 0.0]) && chord(middle, [1.0, 0.0, 0.0]) == cell.radius;
    cell.lopsided |= centers_given && unset && cell.radius > 2.5 * reach[(reach.len() - 1) / 2];
    cell
}

fn without_repeats(mut corners: Corners) -> Corners {
    corners.dedup_by(|a, b| chord(*a, *b) < SAME_CORNER);
    while corners.len() > 1 && chord(corners[0], corners[corners.len() - 1]) < SAME_CORNER {
        corners.pop();
    }
    corners
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Drops cells with a corner somewhere else on the globe.
fn drop_oversized(cells: &mut [Cell], context: &Context) {
    let sound = |cell: &&Cell| cell.dropped.is_none() && !cell.lopsided;
    let typical = median(cells.iter().filter(sound).map(|cell| cell.radius).collect());
    let radii: Vec<f64> = cells.iter().map(|cell| if cell.dropped.is_none() { cell.radius } else { f64::NAN }).collect();
    cells.par_iter_mut().enumerate().filter(|(_, cell)| cell.dropped.is_none()).for_each(|(index, cell)| {
        let oversized = match context.shape {
            // Sizes change slowly along rows and columns: compare with the 5 x 5 cells around.
            Some(shape) => {
                cell.lopsided && cell.radius > 2.0 * typical
                    || cell.radius > 5.0 * typical && cell.radius > 5.0 * around(&radii, shape, index)
            }
            // Meshes may refine a thousandfold, so only the shape tells, or a size no mesh of many cells needs.
            None => cell.lopsided && cell.radius > 4.0 * typical || cell.radius > 0.5 && cell.radius > 50.0 * typical,
        };
        if oversized {
            cell.dropped = Some(Blemish::Oversized);
        }
    });
}

/// Median radius of the cells around one, itself excluded.
fn around(radii: &[f64], [ny, nx]: [usize; 2], index: usize) -> f64 {
    let (j, i) = (index / nx, index % nx);
    let mut near = Vec::with_capacity(24);
    for jj in j.saturating_sub(2)..(j + 3).min(ny) {
        for ii in i.saturating_sub(2)..(i + 3).min(nx) {
            let radius = radii[jj * nx + ii];
            if (jj, ii) != (j, i) && !radius.is_nan() {
                near.push(radius);
            }
        }
    }
    // The lower quartile: up to half of the neighbours along a broken row or column are broken too.
    near.sort_by(f64::total_cmp);
    if near.is_empty() { 0.0 } else { near[near.len() / 4] }
}

/// Turns the corners counter-clockwise, untangles bow-ties, and notes what is concave.
fn orient(cell: &mut Cell) {
    if cell.dropped.is_some() {
        return;
    }
    let mut area = polygon_area(&cell.corners);
    let turns_right = is_concave(&cell.corners);
    // Turns to both sides: concave or crossed.
    if turns_right && is_concave(&reversed(&cell.corners)) && crosses_itself(&cell.corners) {
        if !untangle(cell) {
            cell.dropped = Some(Blemish::SelfCrossing);
            return;
        }
        area = polygon_area(&cell.corners);
    }
    // A cell thinner than a billionth of its length has no area one could trust.
    if area.abs() < 1e-9 * perimeter(&cell.corners).powi(2) {
        cell.dropped = Some(Blemish::Degenerate);
        return;
    }
    if area < 0.0 {
        cell.corners.reverse();
        cell.clockwise = !cell.untangled;
    }
    cell.concave = if area < 0.0 || cell.untangled { is_concave(&cell.corners) } else { turns_right };
}

fn reversed(corners: &[UnitVector]) -> Corners {
    corners.iter().rev().copied().collect()
}

/// Gives cells with a sound center but broken corners the corners that their neighbours suggest.
fn replace_broken(cells: &mut [Cell], given: &[Option<LonLat>], context: &Context) {
    let broken = |cell: &Cell| cell.dropped.is_some() && cell.center.is_some();
    let Some(substitutes) = context.substitutes.filter(|_| cells.iter().any(broken)) else { return };
    let asked: Vec<bool> = cells.iter().map(broken).collect();
    let centers = cells.iter().map(|cell| cell.center).collect();
    let substitutes = substitutes(&asked, centers);
    let sound = cells.iter().filter(|cell| cell.dropped.is_none());
    let typical = median(sound.map(|cell| cell.radius).collect());
    for ((cell, corners), &center) in cells.iter_mut().zip(substitutes).zip(given) {
        if !broken(cell) || corners.is_none() {
            continue;
        }
        let mut other = measured(RawCell { center, corners }, context.centers_given);
        if other.lopsided || other.radius > 5.0 * typical {
            continue;
        }
        orient(&mut other);
        if other.dropped.is_none() && !other.untangled {
            other.replaced = cell.dropped;
            // Their turn is that of the rows and columns, not of the file.
            (other.clockwise, other.doubled) = (false, false);
            *cell = other;
        }
    }
}

/// A bow-tie of four corners becomes the quadrangle of the same corners.
fn untangle(cell: &mut Cell) -> bool {
    if cell.corners.len() != 4 {
        return false;
    }
    for swap in [(1, 2), (2, 3)] {
        let mut corners = cell.corners.clone();
        corners.swap(swap.0, swap.1);
        if !crosses_itself(&corners) {
            cell.corners = corners;
            cell.untangled = true;
            return true;
        }
    }
    false
}

/// Drops cells that lie where another cell lies: halo columns and fold rows.
fn drop_duplicates(cells: &mut [Cell], context: &Context) {
    // Of two copies an active one is kept, then one off the rim: models leave halo rows and columns without values.
    let rank = |cell: usize| {
        let rim = context.shape.map_or((false, false), |[ny, nx]| {
            let (j, i) = (cell / nx, cell % nx);
            (j == 0 || j == ny - 1, i == 0 || i == nx - 1)
        });
        (!context.mask.is_active(cell), rim, cell)
    };
    let alive: Vec<usize> = (0..cells.len()).filter(|&c| cells[c].dropped.is_none()).collect();
    let largest = 2.5e-3 * median(alive.iter().map(|&c| cells[c].radius).collect());
    let places: Vec<(usize, UnitVector)> =
        alive.into_par_iter().filter_map(|c| Some((c, cells[c].center.or_else(|| centroid(&cells[c].corners))?))).collect();
    let boxes = Boxes::of(&places, 8.0 * largest);
    let repeats: Vec<usize> = places
        .par_iter()
        .filter(|&&(cell, place)| {
            let tolerance = (1e-3 * cells[cell].radius).min(largest);
            boxes.any_near(place, tolerance, |k| {
                let (other, beside) = places[k];
                chord(beside, place) <= tolerance
                    && rank(other) < rank(cell)
                    && (place[2].abs() < POLE_SINE || same_outline(&cells[other].corners, &cells[cell].corners))
            })
        })
        .map(|place| place.0)
        .collect();
    for cell in repeats {
        cells[cell].dropped = Some(Blemish::Duplicate);
    }
}

/// Whether each corner of `b` is one of `a`.
fn same_outline(a: &[UnitVector], b: &[UnitVector]) -> bool {
    let shortest = (0..b.len()).map(|k| chord(b[k], b[(k + 1) % b.len()])).fold(f64::INFINITY, f64::min);
    b.iter().all(|&p| a.iter().any(|&q| chord(p, q) < 1e-2 * shortest))
}

fn report(cells: Vec<Cell>, given: &[Option<LonLat>], context: &Context) -> Repaired {
    let alive = cells.iter().filter(|cell| cell.dropped.is_none()).count();
    let count = |test: &dyn Fn(&Cell) -> bool| cells.iter().filter(|c| c.dropped.is_none() && test(c)).count();
    let (clockwise, doubled) = (count(&|c| c.clockwise), count(&|c| c.doubled));
    let many = |n: usize| n as f64 >= CONVENTION * alive as f64 && n > 0;
    let mut notes = Vec::new();
    if many(clockwise) {
        notes.push(format!("corners of {clockwise} of {alive} cells turn clockwise and were reversed"));
    }
    // Lists of one width are filled up by repeating a corner.
    let padding = doubled > 0 && (context.shape.is_none() || many(doubled));
    if padding {
        notes.push(format!("{doubled} of {alive} cells repeat a corner, as lists of one width do"));
    }

    let replaced = count(&|c| c.replaced.is_some());
    if replaced > 0 {
        notes.push(format!("{replaced} cells with broken corners got corners inferred from the centers around"));
    }

    let mut bad_cells = Vec::new();
    let mut active = vec![true; cells.len()];
    let mut centers = Vec::with_capacity(cells.len());
    for (index, cell) in cells.iter().enumerate() {
        let known = given[index].filter(|p| is_position(*p));
        let made = || {
            let place = if cell.dropped.is_none() { centroid(&cell.corners) } else { mean(&cell.corners) };
            place.map(LonLat::from_unit)
        };
        let center = known.or_else(made);
        let mut tell = |blemish, action| {
            let nowhere = LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN };
            bad_cells.push(BadCell { cell: index, center: center.unwrap_or(nowhere), blemish, action });
        };
        if let Some(blemish) = cell.dropped {
            active[index] = false;
            tell(blemish, Action::Dropped);
        } else {
            if let Some(blemish) = cell.replaced {
                tell(blemish, Action::Repaired);
            }
            if cell.clockwise && !many(clockwise) {
                tell(Blemish::Clockwise, Action::Repaired);
            }
            if cell.doubled && !padding {
                tell(Blemish::DoubledCorner, Action::Repaired);
            }
            if cell.concave {
                tell(Blemish::Concave, Action::Kept);
            }
            if cell.untangled {
                tell(Blemish::SelfCrossing, Action::Repaired);
            }
        }
        // In memory a position is a position; that the cell takes no part is the mask's to say.
        centers.push(center.unwrap_or(LonLat { lon_deg: 0.0, lat_deg: 0.0 }));
    }
    let outlines = cells.iter().map(|cell| if cell.dropped.is_none() { cell.corners.as_slice() } else { &[] });
    let polygons = Polygons::from_cells(outlines);
    Repaired { centers, polygons, mask: Mask::from_active(active), bad_cells, notes }
}
