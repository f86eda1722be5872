//! Directions from relief: down the steepest slope, and out of hollows over their lowest rim.

use super::{Network, NetworkError};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The network of the land of a grid of rows and columns.
///
/// `height` (m) has one value per cell, `land` says which are land; others are where water ends. Hollows are filled to
/// their lowest rim by a flood from the sea; a cell drains to the neighbour of eight with the steepest fall of the
/// filled height, and where none is lower to the one that the flood came from. `spacing` gives the distance (any unit)
/// to the next row and to the next column in each row; `round` joins the first and the last column. Land without a sea
/// drains to its lowest cell.
///
/// Reference: Barnes, Lehman and Mulla (2014), Comput. Geosci. 62, 117–127.
///
/// # Errors
/// [`NetworkError::Length`] if a slice does not fit the columns.
pub fn network(
    height: &[f64],
    land: &[bool],
    columns: usize,
    round: bool,
    spacing: (f64, &[f64]),
) -> Result<Network, NetworkError> {
    let n = height.len();
    if columns == 0 || !n.is_multiple_of(columns) || land.len() != n || spacing.1.len() * columns != n {
        return Err(NetworkError::Length { found: land.len(), expected: n });
    }
    let neighbours = |cell: usize| neighbours(cell, n / columns, columns, round);
    let (filled, from) = flood(height, land, &neighbours);
    let mut downstream = vec![None; n];
    for cell in (0..n).filter(|&cell| land[cell]) {
        let (north_south, east_west) = (spacing.0, spacing.1[cell / columns]);
        let mut best = (0.0, from[cell]);
        for (to, rows, sideways) in neighbours(cell) {
            let lower = if land[to] { filled[to] } else { filled[to].min(filled[cell]) };
            let distance = (f64::from(rows) * north_south).hypot(f64::from(sideways) * east_west);
            let slope = (filled[cell] - lower) / distance;
            if slope > best.0 {
                best = (slope, Some(to as u32));
            }
        }
        downstream[cell] = best.1;
    }
    Network::new(downstream)
}

/// Up to eight neighbours: cell, rows and columns apart.
fn neighbours(cell: usize, rows: usize, columns: usize, round: bool) -> impl Iterator<Item = (usize, u8, u8)> {
    const AROUND: [(i64, i64); 8] = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)];
    let (row, column) = ((cell / columns) as i64, (cell % columns) as i64);
    AROUND.into_iter().filter_map(move |(down, right)| {
        let (r, c) = (row + down, column + right);
        let c = if round { c.rem_euclid(columns as i64) } else { c };
        let inside = (0..rows as i64).contains(&r) && (0..columns as i64).contains(&c);
        let to = (r * columns as i64 + c) as usize;
        (inside && to != cell).then_some((to, down.unsigned_abs() as u8, right.unsigned_abs() as u8))
    })
}

/// Heights with hollows filled, and the neighbour from which the flood reached each cell.
fn flood<I: Iterator<Item = (usize, u8, u8)>>(
    height: &[f64],
    land: &[bool],
    neighbours: &impl Fn(usize) -> I,
) -> (Vec<f64>, Vec<Option<u32>>) {
    let n = height.len();
    let mut filled = height.to_vec();
    let mut from = vec![None; n];
    let mut reached: Vec<bool> = land.iter().map(|&land| !land).collect();
    // Lowest first; of equals the smaller number, so that the order is one.
    let mut shore: BinaryHeap<Reverse<(Order, usize)>> = BinaryHeap::new();
    for cell in (0..n).filter(|&cell| !land[cell]) {
        if neighbours(cell).any(|(to, ..)| land[to]) {
            shore.push(Reverse((Order(height[cell]), cell)));
        }
    }
    let mut rest: Vec<usize> = (0..n).filter(|&cell| land[cell]).collect();
    rest.sort_by(|&a, &b| height[b].total_cmp(&height[a]).then(b.cmp(&a)));
    loop {
        while let Some(Reverse((Order(level), cell))) = shore.pop() {
            for (to, ..) in neighbours(cell) {
                if !reached[to] {
                    reached[to] = true;
                    from[to] = Some(cell as u32);
                    filled[to] = height[to].max(if land[cell] { level } else { f64::NEG_INFINITY });
                    shore.push(Reverse((Order(filled[to]), to)));
                }
            }
        }
        // Land that no sea touches: its lowest cell is where it ends.
        let Some(lowest) = std::iter::from_fn(|| rest.pop()).find(|&cell| !reached[cell]) else { break };
        reached[lowest] = true;
        shore.push(Reverse((Order(height[lowest]), lowest)));
    }
    (filled, from)
}

/// Numbers in their total order.
#[derive(PartialEq)]
struct Order(f64);

impl Eq for Order {}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Order {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
