//! Cells that nothing is wrong with, told from the others by a few products.

use crate::polygon::mean;
use crate::repair::{SAME_CORNER, UNSET_SHARE};
use knarr_kernels::outline::{Outline, outline};
use knarr_kernels::sphere::UnitVector;

/// What the corners of a cell do, all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Turn {
    /// Not this, or not told.
    #[default]
    Unknown,
    /// Turn left: counter-clockwise, convex, far from a line.
    Left,
    /// The same, to the right.
    Right,
}

/// Largest size (Earth radii) of cells for which products stand for areas.
const SMALL: f64 = 0.1;

/// Turns in squares of the size. The square of an outline of four chords is below 64 of those, and the area is above half
/// the sum of two turns by a part in a hundred: two such turns are more than a billionth of the outline. Rounding, 1e-13,
/// is far below.
const CLEAR: f64 = 1e-7;

/// Size (largest chord from the center, or from the mean without one) and turn of a cell of `N` corners, 3 or 4, that have
/// no repeats among them and are about as far from a given center as each other; `None` if they are not.
pub(crate) fn size_and_turn<const N: usize>(
    vertices: &[UnitVector],
    corners: &[u32; N],
    center: Option<UnitVector>,
) -> Option<(f64, Turn)> {
    let middle = center.or_else(|| mean(&corners.map(|v| vertices[v as usize])))?;
    let Outline { shortest2, nearest2, farthest2, least_turn, greatest_turn } = outline(vertices, corners, middle);
    if shortest2 < SAME_CORNER * SAME_CORNER || center.is_some() && farthest2 > UNSET_SHARE * UNSET_SHARE * nearest2 {
        return None;
    }
    let clear = if farthest2 < SMALL * SMALL { CLEAR * farthest2 } else { f64::INFINITY };
    let turn = match (least_turn > clear, greatest_turn < -clear) {
        (true, _) => Turn::Left,
        (_, true) => Turn::Right,
        _ => Turn::Unknown,
    };
    Some((farthest2.sqrt(), turn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polygon::{chord, crosses_itself, is_concave, perimeter};
    use knarr_kernels::cell_area::polygon_area;
    use knarr_kernels::sphere::unit_vector;

    /// What is told of a cell holds by the formulas that others go through.
    fn check<const N: usize>(points: [UnitVector; N], center: Option<UnitVector>) -> Option<Turn> {
        let (size, turn) = size_and_turn(&points, &std::array::from_fn::<u32, N, _>(|k| k as u32), center)?;
        let middle = center.or_else(|| mean(&points)).unwrap();
        let most = points.iter().map(|&p| chord(middle, p)).fold(0.0, f64::max);
        assert_eq!(size.to_bits(), most.to_bits());
        assert!((0..N).all(|k| chord(points[k], points[(k + 1) % N]) >= SAME_CORNER));
        let mut other = points;
        other.reverse();
        let (left, right) = match turn {
            Turn::Unknown => return Some(turn),
            Turn::Left => (points, other),
            Turn::Right => (other, points),
        };
        assert!(!is_concave(&left) && !crosses_itself(&left), "{points:?}");
        for (corners, sign) in [(left, 1.0), (right, -1.0)] {
            assert!(sign * polygon_area(&corners) >= 1e-9 * perimeter(&corners).powi(2), "{points:?}");
        }
        Some(turn)
    }

    #[test]
    fn what_is_told_of_a_cell_is_what_areas_and_turns_say() {
        let shapes = [
            [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
            // A dart, a bow-tie, three corners in a line, two corners as one.
            [(-1.0, -1.0), (1.0, -1.0), (-0.5, -0.5), (-1.0, 1.0)],
            [(-1.0, -1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, 1.0)],
            [(-1.0, -1.0), (0.0, -1.0), (1.0, -1.0), (0.0, 1.0)],
            [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (1.0, 1.0)],
            [(-1.0, -1.0), (1.0, -1.1), (0.7, 1.0), (-1.2, 0.8)],
        ];
        // How many cells of each shape turn left, right, or not so that it is told.
        let mut told = [[0; 3]; 6];
        for (shape, counts) in shapes.iter().zip(&mut told) {
            for size_deg in [1e-9, 1e-6, 0.01, 1.0, 4.0, 30.0] {
                // From squares to slivers thinner than a billionth of their length.
                for thin in [1.0, 0.3, 1e-3, 1e-6, 3e-8, 1e-8, 3e-9, 1e-10, 0.0] {
                    for place in 0..40 {
                        let (lon, lat) = (f64::from(place) * 37.3, f64::from(place % 17) * 10.0 - 80.0);
                        let (sin, cos) = f64::from(place).sin_cos();
                        let at = |(x, y): (f64, f64)| {
                            let (x, y) = (size_deg * x, size_deg * thin * y);
                            unit_vector(lon + x * cos - y * sin, lat + x * sin + y * cos)
                        };
                        let points = shape.map(at);
                        for (points, turned) in [(points, false), ([points[3], points[2], points[1], points[0]], true)] {
                            for center in [None, mean(&points)] {
                                let turn = check(points, center);
                                check([points[0], points[1], points[2]], center);
                                // Rounding bends what is thinner than this into other shapes, and parallels do.
                                if thin < 1e-10 / size_deg || thin < 0.1 * size_deg {
                                    continue;
                                }
                                assert!(turn != Some(if turned { Turn::Left } else { Turn::Right }), "{points:?}");
                                let place = match turn {
                                    Some(Turn::Left) => 0,
                                    Some(Turn::Right) => 1,
                                    Some(Turn::Unknown) | None => 2,
                                };
                                counts[place] += 1;
                            }
                        }
                    }
                }
            }
        }
        for (shape, counts) in told.iter().enumerate() {
            let all: usize = counts.iter().sum();
            match shape {
                0 | 5 => assert!(counts[0] > all / 10 && counts[1] > all / 10, "{shape} {counts:?}"),
                // A line along a parallel bends.
                3 => {}
                _ => assert_eq!(counts[2], all, "{shape} {counts:?}"),
            }
        }
    }

    #[test]
    fn a_corner_far_from_the_others_is_not_sound() {
        let points = [(0.0, 0.0), (1.0, 0.0), (4.0, 1.0), (0.0, 1.0)].map(|(lon, lat)| unit_vector(lon, lat));
        assert_eq!(size_and_turn(&points, &[0, 1, 2, 3], Some(unit_vector(0.5, 0.5))), None);
        assert!(size_and_turn(&points, &[0, 1, 2, 3], None).is_some());
    }
}
