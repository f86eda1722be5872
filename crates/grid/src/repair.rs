//! Finds and repairs bad cells one by one, so that none of them stops the rest.

use crate::distinct::share_equal;
use crate::outlines::{BLOCK, Block, MISSING, Outlines};
use crate::polygon::{centroid, chord, crosses_itself, is_concave, mean, perimeter};
use crate::repeats::Repeats;
use crate::sound::{Turn, size_and_turn};
use crate::{Action, BadCell, Blemish, GridError, LonLat, Mask, Polygons};
use knarr_kernels::cell_area::polygon_area;
use knarr_kernels::sphere::{UnitVector, dot, sub, unit_vectors};
use rayon::prelude::*;

/// Makes corners for the cells that are asked for from the centers of all, given as angles and as vectors.
pub(crate) type Substitutes<'a> =
    dyn Fn(&[usize], &[LonLat], Vec<Option<UnitVector>>) -> Vec<Option<[UnitVector; 4]>> + Sync + 'a;

/// What is known about the cells as a whole.
pub(crate) struct Context<'a> {
    /// `[rows, columns]` of a curvilinear grid, whose neighbours have like sizes; `None` = unstructured, where missing
    /// corners at the end of a list only fill it up.
    pub shape: Option<[usize; 2]>,
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
pub(crate) const SAME_CORNER: f64 = 1e-12;
/// Latitudes from which on cells may share one center and repeat corners: the pole row of a lat-lon grid.
pub(crate) const POLE_SINE: f64 = 0.999_999_999;

/// What is found out about a cell.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// Largest chord from the center to a corner.
    radius: f64,
    /// Its corners among all: those that are left come first.
    start: u32,
    count: u32,
    dropped: Option<Blemish>,
    /// Of its corners, as far as the first look tells.
    turn: Turn,
    /// What was wrong with the corners that were replaced.
    replaced: Option<Blemish>,
    doubled: bool,
    clockwise: bool,
    concave: bool,
    untangled: bool,
    /// Whether one corner is far away measured by the others.
    lopsided: bool,
}

/// Cells on their way through the checks.
struct Cells {
    outlines: Outlines,
    /// Given centers; not numbers where they are missing.
    centers: Option<Vec<UnitVector>>,
    found: Vec<Cell>,
}

impl Cells {
    fn center(&self, cell: usize) -> Option<UnitVector> {
        self.centers.as_ref().map(|centers| centers[cell]).filter(|center| !center[0].is_nan())
    }

    /// Numbers of the corners that are left of a cell.
    fn numbers(&self, cell: usize) -> &[u32] {
        let Cell { start, count, .. } = self.found[cell];
        &self.outlines.corners[start as usize..(start + count) as usize]
    }

    fn corners(&self, cell: usize) -> Vec<UnitVector> {
        self.numbers(cell).iter().map(|&v| self.outlines.vertices[v as usize]).collect()
    }

    /// Looks at all cells, in blocks, with memory for the corners of one.
    fn look(&mut self, look: impl Fn(&mut Cell, usize, &[UnitVector], &mut Block<'_>, &mut Vec<UnitVector>) + Sync) {
        let (vertices, blocks) = self.outlines.blocks();
        self.found.par_chunks_mut(BLOCK).zip(blocks).for_each_init(Vec::new, |points, (found, mut block)| {
            for (cell, index) in found.iter_mut().zip(block.cells.clone()) {
                look(cell, index, vertices, &mut block, points);
            }
        });
    }
}

/// Missing: not a number, or beyond what any file means by a longitude or latitude.
pub(crate) fn is_position(p: LonLat) -> bool {
    p.lat_deg.abs() <= 90.0 + 1e-4 && p.lon_deg.abs() <= 721.0
}

/// Unit vector of a position of a file, `None` if it is missing.
pub(crate) fn unit_of(p: LonLat) -> Option<UnitVector> {
    is_position(p).then(|| LonLat { lat_deg: p.lat_deg.clamp(-90.0, 90.0), ..p }.unit())
}

/// Unit vectors of positions of a file, not numbers where they are missing.
pub(crate) fn units_of<P: Copy + Sync>(positions: &[P], position: impl Fn(P) -> LonLat + Sync) -> Vec<UnitVector> {
    let mut units = vec![[0.0; 3]; positions.len()];
    let lon_lat = |p: P| {
        let LonLat { lon_deg, lat_deg } = position(p);
        [lon_deg, lat_deg.clamp(-90.0, 90.0)]
    };
    positions.par_chunks(BLOCK).zip(units.par_chunks_mut(BLOCK)).for_each(|(positions, units)| {
        unit_vectors(positions, lon_lat, units);
        let missing = positions.iter().zip(units).filter(|(p, _)| !is_position(position(**p)));
        missing.for_each(|(_, unit)| *unit = [f64::NAN; 3]);
    });
    units
}

/// Repairs or drops bad cells; their `centers` are those of a file, where there are any.
///
/// # Errors
/// [`GridError::WrongLength`] if there are not as many centers as cells.
pub(crate) fn repair(outlines: Outlines, centers: Option<Vec<LonLat>>, context: &Context) -> Result<Repaired, GridError> {
    let count = outlines.len();
    if let Some(centers) = centers.as_ref().filter(|centers| centers.len() != count) {
        return Err(GridError::WrongLength { what: "list of centers".into(), found: centers.len(), expected: count });
    }
    let units = centers.as_ref().map(|centers| units_of(centers, |p| p));
    let mut cells = Cells { outlines, centers: units, found: vec![Cell::default(); count] };
    first_look(&mut cells, context);
    let typical = typical_radius(&cells.found);
    drop_oversized(&mut cells.found, typical, context);
    if cells.found.iter().any(|cell| cell.turn == Turn::Unknown) {
        cells.look(|cell, index, vertices, block, points| {
            if cell.dropped.is_none() && cell.turn == Turn::Unknown {
                orient(cell, vertices, &mut block.listed(index).1[..cell.count as usize], points);
            }
        });
    }
    replace_broken(&mut cells, centers.as_deref(), typical, context);
    drop_duplicates(&mut cells, typical, context);
    Ok(report(cells, centers, context))
}

/// Corners without repeats, and sizes; those that turn right are turned around.
fn first_look(cells: &mut Cells, context: &Context) {
    let centers = cells.centers.take();
    cells.look(|cell, index, vertices, block, points| {
        let (start, listed) = block.listed(index);
        let padded = || listed.iter().rposition(|&v| v != MISSING).map_or(0, |last| last + 1);
        let used = if context.shape.is_none() { padded() } else { listed.len() };
        *cell = measured(vertices, &mut listed[..used], centers.as_ref().map(|centers| centers[index]), points);
        cell.start = start as u32;
        if cell.turn == Turn::Right {
            listed[..cell.count as usize].reverse();
            cell.clockwise = true;
        }
    });
    cells.centers = centers;
}

/// First look: brings the corners without repeats to the front, and finds the size; `center` is not a number if it is
/// missing from the file.
fn measured(vertices: &[UnitVector], corners: &mut [u32], center: Option<UnitVector>, points: &mut Vec<UnitVector>) -> Cell {
    let mut cell = Cell::default();
    if corners.is_empty() || corners.contains(&MISSING) || center.is_some_and(|center| center[0].is_nan()) {
        cell.dropped = Some(Blemish::MissingCoordinate);
        return cell;
    }
    let of_sound = match *corners {
        [a, b, c, d] => size_and_turn(vertices, &[a, b, c, d], center),
        [a, b, c] => size_and_turn(vertices, &[a, b, c], center),
        _ => None,
    };
    if let Some((radius, turn)) = of_sound {
        return Cell { radius, turn, count: corners.len() as u32, ..cell };
    }
    gather(vertices, corners, points);
    let count = without_repeats(corners, points);
    cell.count = count as u32;
    let at_pole = points.iter().any(|p| p[2].abs() > POLE_SINE);
    cell.doubled = count < corners.len() && !at_pole;
    let Some(middle) = center.or_else(|| mean(points)).filter(|_| count >= 3) else {
        cell.dropped = Some(Blemish::Degenerate);
        return cell;
    };
    let reach = |p: &UnitVector| chord(middle, *p);
    let (least, most) = points.iter().map(reach).fold((f64::INFINITY, 0.0f64), |(a, b), r| (a.min(r), b.max(r)));
    cell.radius = most;
    if center.is_some() && most > UNSET_SHARE * least {
        let mut reaches: Vec<f64> = points.iter().map(reach).collect();
        reaches.sort_by(f64::total_cmp);
        let usual = reaches[(count - 1) / 2];
        // Corners of a sound cell are about as far from its center as each other, however thin the cell is.
        cell.lopsided = most > 10.0 * usual;
        // (0, 0) is what unset coordinates hold; as a corner of a cell elsewhere it needs less to be unlikely.
        let unset = points.contains(&[1.0, 0.0, 0.0]) && reach(&[1.0, 0.0, 0.0]) == most;
        cell.lopsided |= unset && most > UNSET_SHARE * usual;
    }
    cell
}

/// How many times farther than the others a corner at (0, 0) is unlikely.
pub(crate) const UNSET_SHARE: f64 = 2.5;

fn gather(vertices: &[UnitVector], corners: &[u32], points: &mut Vec<UnitVector>) {
    points.clear();
    points.extend(corners.iter().map(|&v| vertices[v as usize]));
}

/// Brings corners that do not repeat the one before to the front of both lists; how many they are.
fn without_repeats(corners: &mut [u32], points: &mut Vec<UnitVector>) -> usize {
    let is_same = |a: UnitVector, b: UnitVector| dot(sub(a, b), sub(a, b)) < SAME_CORNER * SAME_CORNER;
    let mut count = 1;
    for k in 1..points.len() {
        if !is_same(points[k], points[count - 1]) {
            (corners[count], points[count]) = (corners[k], points[k]);
            count += 1;
        }
    }
    while count > 1 && is_same(points[0], points[count - 1]) {
        count -= 1;
    }
    points.truncate(count);
    count
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The usual size of cells that look sound.
fn typical_radius(cells: &[Cell]) -> f64 {
    let is_sound = |cell: &&Cell| cell.dropped.is_none() && !cell.lopsided;
    median(cells.iter().filter(is_sound).map(|cell| cell.radius).collect())
}

/// Drops cells with a corner somewhere else on the globe.
fn drop_oversized(cells: &mut [Cell], typical: f64, context: &Context) {
    let is_oversized = |&index: &usize| {
        let cell = &cells[index];
        let oversized = match context.shape {
            // Sizes change slowly along rows and columns: compare with the 5 x 5 cells around.
            Some(shape) => {
                cell.lopsided && cell.radius > 2.0 * typical
                    || cell.radius > 5.0 * typical && cell.radius > 5.0 * around(cells, shape, index)
            }
            // Meshes may refine a thousandfold, so only the shape tells, or a size no mesh of many cells needs.
            None => cell.lopsided && cell.radius > 4.0 * typical || cell.radius > 0.5 && cell.radius > 50.0 * typical,
        };
        oversized && cell.dropped.is_none()
    };
    let oversized: Vec<usize> = (0..cells.len()).into_par_iter().with_min_len(BLOCK).filter(is_oversized).collect();
    for index in oversized {
        cells[index].dropped = Some(Blemish::Oversized);
    }
}

/// Median radius of the cells around one, itself excluded.
fn around(cells: &[Cell], [ny, nx]: [usize; 2], index: usize) -> f64 {
    let (j, i) = (index / nx, index % nx);
    let mut near = Vec::with_capacity(24);
    for jj in j.saturating_sub(2)..(j + 3).min(ny) {
        for ii in i.saturating_sub(2)..(i + 3).min(nx) {
            let cell = &cells[jj * nx + ii];
            if (jj, ii) != (j, i) && cell.dropped.is_none() {
                near.push(cell.radius);
            }
        }
    }
    // The lower quartile: up to half of the neighbours along a broken row or column are broken too.
    near.sort_by(f64::total_cmp);
    if near.is_empty() { 0.0 } else { near[near.len() / 4] }
}

/// Turns the corners counter-clockwise, untangles bow-ties, and notes what is concave.
fn orient(cell: &mut Cell, vertices: &[UnitVector], corners: &mut [u32], points: &mut Vec<UnitVector>) {
    gather(vertices, corners, points);
    let mut area = polygon_area(points);
    let turns_right = is_concave(points);
    let reverse = |points: &mut Vec<UnitVector>| {
        points.reverse();
        is_concave(points)
    };
    // Turns to both sides: concave or crossed.
    if turns_right && {
        let turns_left = reverse(points);
        points.reverse();
        turns_left && crosses_itself(points)
    } {
        if !untangle(corners, points) {
            cell.dropped = Some(Blemish::SelfCrossing);
            return;
        }
        cell.untangled = true;
        area = polygon_area(points);
    }
    // A cell thinner than a billionth of its length has no area one could trust.
    if area.abs() < 1e-9 * perimeter(points).powi(2) {
        cell.dropped = Some(Blemish::Degenerate);
        return;
    }
    cell.concave = if area < 0.0 {
        corners.reverse();
        cell.clockwise = !cell.untangled;
        reverse(points)
    } else if cell.untangled {
        is_concave(points)
    } else {
        turns_right
    };
}

/// A bow-tie of four corners becomes the quadrangle of the same corners.
fn untangle(corners: &mut [u32], points: &mut [UnitVector]) -> bool {
    if points.len() != 4 {
        return false;
    }
    for (a, b) in [(1, 2), (2, 3)] {
        points.swap(a, b);
        if !crosses_itself(points) {
            corners.swap(a, b);
            return true;
        }
        points.swap(a, b);
    }
    false
}

/// Gives cells with a sound center but broken corners the corners that their neighbours suggest.
fn replace_broken(cells: &mut Cells, given: Option<&[LonLat]>, typical: f64, context: &Context) {
    let (Some(substitutes), Some(given)) = (context.substitutes, given) else { return };
    let broken = |&cell: &usize| cells.found[cell].dropped.is_some() && cells.center(cell).is_some();
    let asked: Vec<usize> = (0..given.len()).filter(broken).collect();
    if asked.is_empty() {
        return;
    }
    let substitutes = substitutes(&asked, given, (0..given.len()).map(|cell| cells.center(cell)).collect());
    let mut points = Vec::new();
    for (cell, corners) in asked.into_iter().zip(substitutes) {
        let Some(corners) = corners else { continue };
        let Outlines { vertices, are_distinct, corners: numbers, .. } = &mut cells.outlines;
        *are_distinct = false;
        let (first, start) = (vertices.len(), numbers.len());
        vertices.extend(corners);
        numbers.extend((first..first + 4).map(|v| v as u32));
        let mut other =
            measured(vertices, &mut numbers[start..], cells.centers.as_ref().map(|centers| centers[cell]), &mut points);
        other.start = start as u32;
        if other.dropped.is_none() && !other.lopsided && other.radius <= 5.0 * typical {
            let corners = &mut numbers[start..start + other.count as usize];
            orient(&mut other, vertices, corners, &mut points);
            if other.dropped.is_none() && !other.untangled {
                let replaced = cells.found[cell].dropped;
                // Their turn is that of the rows and columns, not of the file.
                cells.found[cell] = Cell { replaced, clockwise: false, doubled: false, ..other };
            }
        }
    }
}

/// Drops cells that lie where another cell lies: halo columns and fold rows.
fn drop_duplicates(cells: &mut Cells, typical: f64, context: &Context) {
    let is_alive = |cell: usize| cells.found[cell].dropped.is_none();
    let made: Vec<UnitVector>;
    let places = match &cells.centers {
        Some(centers) => centers,
        None => {
            let place = |cell| Some(cell).filter(|&cell| is_alive(cell)).and_then(|cell| centroid(&cells.corners(cell)));
            made = (0..cells.found.len()).into_par_iter().map(|cell| place(cell).unwrap_or([f64::NAN; 3])).collect();
            &made
        }
    };
    let repeats = Repeats {
        places,
        radius: |cell: usize| is_alive(cell).then(|| cells.found[cell].radius),
        typical,
        shape: context.shape,
        mask: context.mask,
    };
    for cell in repeats.find(|a, b| same_outline(&cells.corners(a), &cells.corners(b))) {
        cells.found[cell].dropped = Some(Blemish::Duplicate);
    }
}

/// Whether each corner of `b` is one of `a`.
fn same_outline(a: &[UnitVector], b: &[UnitVector]) -> bool {
    let shortest = (0..b.len()).map(|k| chord(b[k], b[(k + 1) % b.len()])).fold(f64::INFINITY, f64::min);
    b.iter().all(|&p| a.iter().any(|&q| chord(p, q) < 1e-2 * shortest))
}

fn report(cells: Cells, given: Option<Vec<LonLat>>, context: &Context) -> Repaired {
    let [mut alive, mut clockwise, mut doubled, mut replaced] = [0usize; 4];
    for cell in cells.found.iter().filter(|cell| cell.dropped.is_none()) {
        alive += 1;
        clockwise += usize::from(cell.clockwise);
        doubled += usize::from(cell.doubled);
        replaced += usize::from(cell.replaced.is_some());
    }
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

    if replaced > 0 {
        notes.push(format!("{replaced} cells with broken corners got corners inferred from the centers around"));
    }

    let mut bad_cells = Vec::new();
    let mut active = vec![true; cells.found.len()];
    let nowhere = LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN };
    let mut centers = given.unwrap_or_else(|| vec![nowhere; cells.found.len()]);
    for (index, (cell, center)) in cells.found.iter().zip(&mut centers).enumerate() {
        if !is_position(*center) {
            let corners = cells.corners(index);
            let made = if cell.dropped.is_none() { centroid(&corners) } else { mean(&corners) };
            *center = made.map_or(nowhere, LonLat::from_unit);
        }
        let mut tell = |blemish, action| bad_cells.push(BadCell { cell: index, center: *center, blemish, action });
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
        if center.lon_deg.is_nan() {
            // In memory a position is a position; that the cell takes no part is the mask's to say.
            *center = LonLat { lon_deg: 0.0, lat_deg: 0.0 };
        }
    }
    let polygons = shared(cells, &active);
    Repaired { centers, polygons, mask: Mask::from_active(active), bad_cells, notes }
}

/// The cells that are `active` with what is left of their corners; equal ones are one.
fn shared(cells: Cells, active: &[bool]) -> Polygons {
    let is_whole = |cell: usize| {
        let listed = cells.outlines.offsets.of(cell);
        active[cell] && cells.found[cell].start as usize == listed.start && cells.found[cell].count as usize == listed.len()
    };
    if (0..active.len()).all(is_whole) && cells.outlines.uses_all() {
        let Outlines { mut vertices, are_distinct, mut corners, offsets } = cells.outlines;
        if !are_distinct {
            share_equal(&mut vertices, &mut corners);
        }
        return Polygons { vertices, offsets: offsets.simplest(), corners };
    }
    let outlines = (0..active.len()).map(|cell| if active[cell] { cells.numbers(cell) } else { &[] });
    Polygons::from_numbers(&cells.outlines.vertices, outlines)
}
