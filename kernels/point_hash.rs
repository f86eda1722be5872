//! Nearest points on the sphere by a grid of cubes: a search without a tree, the same on a graphics processor.

use crate::sphere::{UnitVector, dot, sub};

/// Distances (chords of the unit sphere) that differ by less are equal, and the lowest number wins.
pub const TIE: f64 = 1e-14;

/// Points in cubes that divide the cube around the sphere.
#[derive(Clone, Debug)]
pub struct PointHash {
    /// Cubes along an edge.
    side: usize,
    /// First point of each cube, and the number of points at the end.
    starts: Vec<u32>,
    /// Numbers of the points, cube by cube, ascending within one.
    ids: Vec<u32>,
    points: Vec<UnitVector>,
}

impl PointHash {
    /// Of points, with about four of them in a cube that meets the sphere.
    pub fn new(points: &[UnitVector]) -> Self {
        // Some 1.5·π·side² cubes meet the sphere.
        let side = ((points.len() as f64 / 19.0).sqrt() as usize).clamp(1, 256);
        let cube_of = |p: &UnitVector| {
            let at = p.map(|x| cube(x, side));
            (at[2] * side + at[1]) * side + at[0]
        };
        let cubes: Vec<usize> = points.iter().map(cube_of).collect();
        let mut starts = vec![0u32; side * side * side + 1];
        cubes.iter().for_each(|&c| starts[c + 1] += 1);
        for c in 0..side * side * side {
            starts[c + 1] += starts[c];
        }
        let mut next = starts.clone();
        let mut ids = vec![0u32; points.len()];
        for (id, &c) in cubes.iter().enumerate() {
            ids[next[c] as usize] = id as u32;
            next[c] += 1;
        }
        let points = ids.iter().map(|&id| points[id as usize]).collect();
        Self { side, starts, ids, points }
    }

    /// Cubes along an edge, first point of each cube, and numbers and coordinates of points cube by cube.
    pub fn parts(&self) -> (usize, &[u32], &[u32], &[UnitVector]) {
        (self.side, &self.starts, &self.ids, &self.points)
    }

    /// The nearest point, by rings of cubes around that of `p`; `None` if there are no points.
    ///
    /// ```
    /// use knarr_kernels::{point_hash::PointHash, sphere::unit_vector};
    /// let points = [unit_vector(0.0, 0.0), unit_vector(10.0, 0.0), unit_vector(10.0, 0.0)];
    /// let hash = PointHash::new(&points);
    /// assert_eq!(hash.nearest(unit_vector(7.0, 1.0)), Some(1));
    /// assert_eq!(hash.nearest(unit_vector(180.0, 0.0)), Some(1));
    /// ```
    pub fn nearest(&self, p: UnitVector) -> Option<u32> {
        let center = p.map(|x| cube(x, self.side) as i64);
        let width = 2.0 / self.side as f64;
        let mut least = f64::INFINITY;
        let mut near: Vec<(f64, u32)> = Vec::new();
        for ring in 0..self.side as i64 {
            // Cubes beyond this ring are farther than `ring` whole cubes.
            if least + TIE < (ring - 1) as f64 * width {
                break;
            }
            self.visit_ring(center, ring, |k| {
                let chord = dot(sub(self.points[k], p), sub(self.points[k], p)).sqrt();
                if chord <= least + TIE {
                    least = least.min(chord);
                    near.push((chord, self.ids[k]));
                }
            });
        }
        near.iter().filter(|n| n.0 <= least + TIE).map(|n| n.1).min()
    }

    fn visit_ring(&self, center: [i64; 3], ring: i64, mut found: impl FnMut(usize)) {
        let side = self.side as i64;
        let span = |c: i64| (c - ring).max(0)..=(c + ring).min(side - 1);
        for z in span(center[2]) {
            for y in span(center[1]) {
                let is_face = (z - center[2]).abs() == ring || (y - center[1]).abs() == ring;
                for x in span(center[0]) {
                    if is_face || (x - center[0]).abs() == ring {
                        let cube = ((z * side + y) * side + x) as usize;
                        (self.starts[cube] as usize..self.starts[cube + 1] as usize).for_each(&mut found);
                    }
                }
            }
        }
    }
}

/// The cube of a coordinate.
fn cube(x: f64, side: usize) -> usize {
    (((x + 1.0) * 0.5 * side as f64) as usize).min(side - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::unit_vector;

    #[test]
    fn the_nearest_point_is_that_of_brute_force() {
        // A lat-lon grid: pole rows are one point, and cells have equal distances to many a target.
        let points: Vec<UnitVector> =
            (0..19).flat_map(|j| (0..36).map(move |i| unit_vector(10.0 * f64::from(i), 10.0 * f64::from(j) - 90.0))).collect();
        let hash = PointHash::new(&points);
        for k in 0..500 {
            let k = f64::from(k);
            let p = unit_vector(5.0 * (k * 0.77).floor(), ((k * 5.0) % 180.0) - 90.0);
            let chord = |q: &UnitVector| dot(sub(*q, p), sub(*q, p)).sqrt();
            let least = points.iter().map(chord).fold(f64::INFINITY, f64::min);
            let expected = points.iter().position(|q| chord(q) <= least + TIE).map(|i| i as u32);
            assert_eq!(hash.nearest(p), expected, "{k}");
        }
        assert_eq!(PointHash::new(&[]).nearest([1.0, 0.0, 0.0]), None);
    }
}
