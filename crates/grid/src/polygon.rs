//! Shape of one polygon: turns, crossings, size.

use knarr_kernels::sphere::{UnitVector, add, cross, dot, normalize, sub};

/// Turns below this sine count as straight: files round coordinates to 32 bits, 1e-6 of a cell of some degrees.
const STRAIGHT: f64 = 1e-6;

/// The side of the great circle a -> b on which `p` lies: positive = left, the sine of its distance times |b - a|.
fn side(a: UnitVector, b: UnitVector, p: UnitVector) -> f64 {
    dot(a, cross(sub(b, a), sub(p, a)))
}

fn length(a: UnitVector) -> f64 {
    dot(a, a).sqrt()
}

/// Whether a counter-clockwise polygon turns right anywhere.
pub(crate) fn is_concave(corners: &[UnitVector]) -> bool {
    let n = corners.len();
    n > 3
        && (0..n).any(|k| {
            let (a, b, c) = (corners[k], corners[(k + 1) % n], corners[(k + 2) % n]);
            let side = side(a, b, c);
            side < 0.0 && side < -STRAIGHT * length(sub(b, a)) * length(sub(c, b))
        })
}

/// Whether two edges that do not follow each other cross.
pub(crate) fn crosses_itself(corners: &[UnitVector]) -> bool {
    let n = corners.len();
    let cross = |i: usize, j: usize| {
        let (a, b, c, d) = (corners[i], corners[(i + 1) % n], corners[j], corners[(j + 1) % n]);
        let apart = |a, b, c, d| {
            let (s, t) = (side(a, b, c), side(a, b, d));
            let small = STRAIGHT * length(sub(b, a)) * (length(sub(c, a)) + length(sub(d, a)));
            s.abs() > small && t.abs() > small && (s > 0.0) != (t > 0.0)
        };
        apart(a, b, c, d) && apart(c, d, a, b)
    };
    (0..n).any(|i| (i + 2..n).any(|j| (j + 1) % n != i && cross(i, j)))
}

/// Mean of the corners, on the sphere.
pub(crate) fn mean(corners: &[UnitVector]) -> Option<UnitVector> {
    normalize(corners.iter().fold([0.0; 3], |sum, &p| add(sum, p)))
}

/// Centroid: the mean position weighted with area, from the triangles of a fan.
pub(crate) fn centroid(corners: &[UnitVector]) -> Option<UnitVector> {
    let mut sum = [0.0; 3];
    for k in 2..corners.len() {
        let (a, b, c) = (corners[0], corners[k - 1], corners[k]);
        let weight = knarr_kernels::cell_area::triangle_area(a, b, c);
        let middle = normalize(add(add(a, b), c))?;
        sum = add(sum, middle.map(|v| v * weight));
    }
    let inside = normalize(sum)?;
    // A clockwise fan has negative weights, which put the sum on the other side of the sphere.
    Some(if dot(inside, corners[0]) < 0.0 { inside.map(|v| -v) } else { inside })
}

/// Straight distance of two points in Earth radii: what sizes and tolerances need, without inverse functions.
pub(crate) fn chord(a: UnitVector, b: UnitVector) -> f64 {
    length(sub(a, b))
}

/// Length of the outline, as chords.
pub(crate) fn perimeter(corners: &[UnitVector]) -> f64 {
    (0..corners.len()).map(|k| chord(corners[k], corners[(k + 1) % corners.len()])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::{distance, unit_vector};

    fn polygon(corners: &[(f64, f64)]) -> Vec<UnitVector> {
        corners.iter().map(|&(lon, lat)| unit_vector(lon, lat)).collect()
    }

    #[test]
    fn shapes_are_told_apart() {
        let square = polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]);
        let dart = polygon(&[(0.0, 0.0), (1.0, 0.0), (0.2, 0.2), (0.0, 1.0)]);
        let bow = polygon(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]);
        assert!(!is_concave(&square) && !crosses_itself(&square));
        assert!(is_concave(&dart) && !crosses_itself(&dart));
        assert!(is_concave(&bow) && crosses_itself(&bow));
    }

    #[test]
    fn the_centroid_of_a_small_rectangle_is_its_middle() {
        let mut cell = polygon(&[(10.0, 0.0), (10.2, 0.0), (10.2, 0.1), (10.0, 0.1)]);
        for _ in 0..2 {
            // Fan triangles are weighted as flat ones: (side)² of the size, 1e-5 of 0.1 degrees.
            assert!(distance(centroid(&cell).unwrap(), unit_vector(10.1, 0.05)) < 1e-8);
            cell.reverse();
        }
    }
}
