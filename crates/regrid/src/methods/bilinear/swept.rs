//! Patches swept over points in rows: each is tried on the points in its window, in the order of numbers.

use super::collected::Collected;
use super::patches::Scratch;
use crate::growing::RowBlock;
use crate::links::{Link, LinkRows, NEGLIGIBLE, tidy};
use crate::methods::centers::Centers;
use crate::search::windows::{RowPoints, Windows};
use knarr_grid::{Columns, Rows};
use knarr_kernels::bilinear::lanes::{LANES, PointsInQuadrangles};
use knarr_kernels::sphere::{UnitVector, cross, dot, sub};
use std::ops::Range;

/// No patch yet, and none asked for.
const OPEN: u32 = u32::MAX;
const CLOSED: u32 = u32::MAX - 1;

/// Points farther outside a side than this, in radians times its length, are not in a patch: ten times the tolerance of edges.
const OUTSIDE: f64 = -1e-12;

/// Links of the points of `rows`, which are the active cells of `destination`; `None` where they have another pole.
pub(super) fn rows(patches: &Collected, rows: &Rows, destination: &Centers) -> Option<LinkRows> {
    let points = RowPoints::of(rows)?;
    let windows = patches.windows(&points);
    let sweep = Sweep { patches, rows, points, windows, destination };
    Some(LinkRows::collect_blocks(destination.len(), State::default, |cells, state, block| sweep.put(cells, state, block)))
}

struct Sweep<'a> {
    patches: &'a Collected,
    rows: &'a Rows,
    points: RowPoints<'a>,
    windows: Windows,
    destination: &'a Centers<'a>,
}

/// What is found for points of a row, and buffers.
#[derive(Default)]
struct State {
    units: Vec<UnitVector>,
    /// The first patch around each point that has a value there, and the weights of its corners if they are four at most.
    found: Vec<u32>,
    weights: Vec<[f64; 4]>,
    batch: Batch,
    scratch: Scratch,
    links: Vec<Link>,
}

/// Points that may lie in quadrangles, on their way to be looked at together.
struct Batch {
    lanes: PointsInQuadrangles,
    /// Of each, its place in the row and the patch.
    asked: [(u32, u32); LANES],
    count: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self { lanes: PointsInQuadrangles::EMPTY, asked: [(0, 0); LANES], count: 0 }
    }
}

impl Sweep<'_> {
    /// Pushes the links of `cells`.
    fn put(&self, cells: Range<usize>, state: &mut State, block: &mut RowBlock) {
        let mut first = cells.start;
        while first < cells.end {
            let (row, column) = self.rows.row_column(first);
            let count = match &self.rows.columns {
                Columns::Shared(lon) => lon.centers_deg.len(),
                Columns::Reduced { counts, .. } => counts[row],
            };
            let columns = column..count.min(column + cells.end - first);
            self.put_row(row, columns.clone(), first, state, block);
            first += columns.len();
        }
    }

    /// Pushes the links of some columns of a row; `first` is the cell of the first one.
    fn put_row(&self, row: usize, columns: Range<usize>, first: usize, state: &mut State, block: &mut RowBlock) {
        let State { units, found, weights, batch, scratch, links } = state;
        self.points.put_units(row, columns.clone(), units);
        found.clear();
        found.extend(
            self.destination.is_active[first..first + columns.len()].iter().map(|&active| if active { OPEN } else { CLOSED }),
        );
        weights.resize(columns.len(), [0.0; 4]);
        for (patch, lons) in self.windows.of_row(row) {
            let ring = self.patches.ring(patch);
            if let &[a, b, c, d] = ring {
                let mut sides = None;
                self.points.columns_between(row, lons, |column| {
                    let k = column.wrapping_sub(columns.start);
                    if found.get(k) != Some(&OPEN) {
                        return;
                    }
                    let (corners, normals) = sides.get_or_insert_with(|| sides_of([a, b, c, d].map(|c| self.patches.node(c))));
                    if is_outside(normals, units[k]) {
                        return;
                    }
                    batch.lanes.put(batch.count, units[k], *corners);
                    batch.asked[batch.count] = (k as u32, patch);
                    batch.count += 1;
                    if batch.count == LANES {
                        self.look(batch, found, weights, links);
                    }
                });
            } else {
                // Those before come first.
                self.look(batch, found, weights, links);
                self.points.columns_between(row, lons, |column| {
                    let k = column.wrapping_sub(columns.start);
                    if found.get(k) == Some(&OPEN) {
                        links.clear();
                        if self.patches.links_in(patch, units[k], scratch, links) {
                            found[k] = patch;
                        }
                    }
                });
            }
        }
        self.look(batch, found, weights, links);
        for (k, &patch) in found.iter().enumerate() {
            links.clear();
            if patch < CLOSED {
                match self.patches.ring(patch) {
                    &[a, b, c, d] => {
                        if let Some(four) = self.patches.four_cells([a, b, c, d]).and_then(|cells| tidy_four(cells, weights[k])) {
                            block.push_row(&four);
                            continue;
                        }
                        self.patches.push_links(&[a, b, c, d], &weights[k], links);
                    }
                    _ => {
                        self.patches.links_in(patch, units[k], scratch, links);
                    }
                }
            }
            tidy(links);
            block.push_row(links);
        }
    }

    /// Keeps what is found of the points of a batch, the first patch of each.
    fn look(&self, batch: &mut Batch, found: &mut [u32], weights: &mut [[f64; 4]], links: &mut Vec<Link>) {
        if batch.count == 0 {
            return;
        }
        let mut by_corner = [[0.0; LANES]; 4];
        let inside = batch.lanes.weights(&mut by_corner);
        for (lane, &(k, patch)) in batch.asked[..batch.count].iter().enumerate() {
            let k = k as usize;
            if inside >> lane & 1 == 0 || found[k] != OPEN {
                continue;
            }
            let of_corners = [by_corner[0][lane], by_corner[1][lane], by_corner[2][lane], by_corner[3][lane]];
            links.clear();
            if self.patches.is_whole(patch) || self.patches.push_links(self.patches.ring(patch), &of_corners, links) {
                (found[k], weights[k]) = (patch, of_corners);
            }
        }
        batch.count = 0;
    }
}

/// Corners of a quadrangle, and the normals of its sides, as long as they are.
#[inline(always)]
fn sides_of(corners: [UnitVector; 4]) -> ([UnitVector; 4], [UnitVector; 4]) {
    let [a, b, c, d] = corners;
    (corners, [cross(a, sub(b, a)), cross(b, sub(c, b)), cross(c, sub(d, c)), cross(d, sub(a, d))])
}

#[inline(always)]
fn is_outside(normals: &[UnitVector; 4], p: UnitVector) -> bool {
    let least = |a: f64, b: f64| if b < a { b } else { a };
    least(least(dot(normals[0], p), dot(normals[1], p)), least(dot(normals[2], p), dot(normals[3], p))) < OUTSIDE
}

/// What [`tidy`] makes of the links to four cells, to the bit, where that is four links.
#[inline(always)]
fn tidy_four(cells: [u32; 4], weights: [f64; 4]) -> Option<[Link; 4]> {
    let sorted = |a: Link, b: Link| if a.0 < b.0 { [a, b] } else { [b, a] };
    let [[a, b], [c, d]] =
        [sorted((cells[0], weights[0]), (cells[1], weights[1])), sorted((cells[2], weights[2]), (cells[3], weights[3]))];
    let ([a, c], [b, d]) = (sorted(a, c), sorted(b, d));
    let [b, c] = sorted(b, c);
    let mut links = [a, b, c, d];
    let sum = 0.0 + a.1 + b.1 + c.1 + d.1;
    let whole = a.0 < b.0 && b.0 < c.0 && c.0 < d.0 && links.iter().all(|l| l.1 > NEGLIGIBLE * sum);
    links.iter_mut().for_each(|l| l.1 /= sum);
    whole.then_some(links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::bilinear::{collected, patches};
    use knarr_grid::{Grid, Layout, LonLat, Mask};
    use knarr_kernels::sphere::{Rotation, unit_vector};

    /// Rows and columns about another pole, with two halo columns, land, and copies of active cells in the halo.
    fn turned() -> Grid {
        let (ny, nx) = (30, 62);
        let rotation = Rotation::from_rotated_pole(-100.0, 60.0, 0.0);
        let centers = (0..ny * nx).map(|k| {
            let (lon, lat) = (6.0 * (k % nx % 60) as f64, 5.5 * (k / nx) as f64 - 79.0);
            LonLat::from_unit(rotation.apply_inverse(unit_vector(lon, lat)))
        });
        let land = |k: usize| (k % nx / 7 + k / nx / 5).is_multiple_of(4) || k % 13 == 5;
        let active = (0..ny * nx).map(|k| !land(k)).collect();
        Grid::curvilinear([ny, nx], centers.collect(), None).expect("a sound grid").masked_by(&Mask::from_active(active))
    }

    #[test]
    fn links_are_those_of_points_one_by_one() {
        let named = |name| Grid::from_spec(name).expect("a valid name");
        // Triangles, quadrangles and larger patches, wide ones with a middle among them.
        for source in [turned(), named("H6"), named("CS8"), named("CS2"), named("ICO5"), named("ICO4d")] {
            for name in ["r72x37", "r7x180", "O24", "F16"] {
                let destination = named(name);
                let active = (0..destination.len()).map(|k| k % 11 != 3).collect();
                let destination = destination.masked_by(&Mask::from_active(active));
                let Layout::Rows(rows) = &destination.layout else { panic!("{name} has no rows") };
                let to = Centers::of(&destination);
                let swept = super::rows(&collected(&source, Centers::of(&source)), rows, &to).expect("the same pole");
                let (patches, points) = (patches(&source, Centers::of(&source)), to.points());
                let one_by_one = LinkRows::collect(to.len(), Scratch::default, |i, scratch, links| {
                    if to.is_active[i] {
                        patches.links_at(points[i], scratch, links);
                    }
                });
                assert!(swept.columns.len() > to.len(), "{name}");
                assert!(swept == one_by_one, "{} to {name}", source.family);
            }
        }
    }
}
