//! A tripolar grid by formula: what ORCA grids are like, without a file.

use knarr_grid::{CornerLists, Grid, GridError, LonLat, Offsets};

/// Where the parallels end and the cap begins.
const JOINT_DEG: f64 = 65.0;
const SOUTH_DEG: f64 = -78.0;

/// The point at column `i` and row `j`, in columns and rows from the south-west corner; both may lie between.
///
/// South of the joint rows are parallels. The cap north of it is bipolar (Murray 1996, J. Comput. Phys. 126, 251–273):
/// with z the stereographic plane in which the joint is the unit circle, w = (1 + z) / (1 − z) turns the lines between the
/// two poles at z = ±1 into half circles |w| = constant, along which the argument goes from ±π/2 at the joint to 0 at the
/// seam.
fn point(columns: usize, rows: [usize; 2], i: f64, j: f64) -> LonLat {
    let [south, cap] = rows.map(|r| r as f64);
    let lon_deg = 360.0 * i / columns as f64;
    if j <= south {
        return LonLat { lon_deg, lat_deg: SOUTH_DEG + (JOINT_DEG - SOUTH_DEG) * j / south };
    }
    let half = (lon_deg / 2.0).to_radians();
    // 1 / |w| and |w| are both finite where the other is: work with the tangent or the cotangent.
    let side = if lon_deg % 360.0 < 180.0 { 1.0 } else { -1.0 };
    let argument = side * std::f64::consts::FRAC_PI_2 * (1.0 - (j - south) / cap);
    let (sin, cos) = (half.sin().abs(), half.cos().abs());
    // w = cos/sin e^(i argument); z = (w - 1) / (w + 1), numerator and denominator times sin.
    let (wr, wi) = (cos * argument.cos(), cos * argument.sin());
    let (nr, ni, dr, di) = (wr - sin, wi, wr + sin, wi);
    let norm = dr * dr + di * di;
    let (x, y) = ((nr * dr + ni * di) / norm, (ni * dr - nr * di) / norm);
    let r = x.hypot(y) * ((90.0 - JOINT_DEG) / 2.0).to_radians().tan();
    LonLat { lon_deg: y.atan2(x).to_degrees().rem_euclid(360.0), lat_deg: 90.0 - 2.0 * r.atan().to_degrees() }
}

/// A tripolar grid of `columns` by about four fifths of that, shape `[cell]`.
///
/// # Errors
/// [`GridError`], not met for 20 columns or more.
pub fn tripolar(columns: usize) -> Result<Grid, GridError> {
    let all = columns * 8 / 10;
    let cap = all * 15 / 100;
    let rows = [all - cap, cap];
    let (mut centers, mut corners) = (Vec::new(), Vec::new());
    for j in 0..all {
        for i in 0..columns {
            let at = |di: f64, dj: f64| point(columns, rows, i as f64 + di, j as f64 + dj);
            centers.push(at(0.5, 0.5));
            corners.extend([at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0)]);
        }
    }
    Grid::mesh(Some(centers), CornerLists { corners, offsets: Offsets::Uniform(4) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cover_the_sphere_north_of_the_southern_rim_once() {
        let grid = tripolar(72).expect("a grid");
        let expected = (1.0 - SOUTH_DEG.to_radians().sin()) / 2.0;
        // Parallels are followed by great circles here: a little area is exchanged with the outside at the rim.
        assert!((grid.covered_fraction() - expected).abs() < 2e-4, "{} {expected}", grid.covered_fraction());
        assert!(grid.report.bad_cells.len() <= 8, "{:?}", grid.report.bad_cells.len());
    }

    #[test]
    fn the_joint_is_reached_from_both_sides() {
        for i in [0.5, 10.0, 17.9, 18.1, 30.0, 50.0] {
            let (below, above) = (point(72, [40, 10], i, 40.0), point(72, [40, 10], i, 40.0 + 1e-9));
            assert!((below.lat_deg - above.lat_deg).abs() < 1e-6, "{i}: {below:?} {above:?}");
            let turn = (below.lon_deg - above.lon_deg).rem_euclid(360.0);
            assert!(turn.min(360.0 - turn) < 1e-6, "{i}: {below:?} {above:?}");
        }
    }
}
