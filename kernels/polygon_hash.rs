//! Convex polygons on the sphere by a grid of cubes: which of them may contain a point, without a tree; a graphics
//! processor finds its way through it as well.

use crate::sphere::UnitVector;

/// Numbers of polygons in cubes that divide a cube around all of them: each in all cubes that its box meets.
#[derive(Clone, Debug)]
pub struct PolygonHash {
    cubes: Cubes,
    /// First entry of each cube, and the number of all at the end.
    starts: Vec<u32>,
    /// Numbers of polygons, ascending within a cube.
    polygons: Vec<u32>,
}

/// Where cubes are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cubes {
    /// Cubes along an edge.
    pub side: usize,
    /// Least coordinates.
    pub low: UnitVector,
    /// Cubes along a unit of length.
    pub scale: f64,
}

impl Cubes {
    /// `side` cubes along each edge of the cube around all boxes.
    fn around(boxes: &[Bounds], side: usize) -> Self {
        let low = std::array::from_fn(|k| boxes.iter().map(|b| b[0][k]).fold(f32::INFINITY, f32::min).into());
        let high: UnitVector = std::array::from_fn(|k| boxes.iter().map(|b| b[1][k]).fold(f32::NEG_INFINITY, f32::max).into());
        let extent = (0..3).map(|k| high[k] - low[k]).fold(0.0, f64::max);
        if extent > 0.0 && extent.is_finite() {
            Self { side, low, scale: side as f64 / extent }
        } else {
            Self { side: 1, low: [0.0; 3], scale: 1.0 }
        }
    }

    /// The cube of a coordinate along an axis.
    fn of(&self, axis: usize, x: f64) -> usize {
        (((x - self.low[axis]) * self.scale) as usize).min(self.side - 1)
    }
}

/// An axis-parallel box: least and greatest coordinates; empty if a least one is not below the greatest.
pub type Bounds = [[f32; 3]; 2];

/// Most cubes along an edge: 17 million cubes.
const MOST_SIDE: usize = 256;

/// Most entries for each polygon, on average.
const MOST_ENTRIES: usize = 24;

impl PolygonHash {
    /// Of polygons within boxes, with a cube about as large as a box.
    ///
    /// ```
    /// use knarr_kernels::polygon_hash::PolygonHash;
    /// let boxes = [[[0.9, -0.1, -0.1], [1.0, 0.1, 0.1]], [[-1.0, -0.1, -0.1], [-0.9, 0.1, 0.1]]];
    /// let hash = PolygonHash::new(&boxes);
    /// assert!(hash.near([1.0, 0.0, 0.0]).contains(&0));
    /// assert!(hash.near([-1.0, 0.0, 0.0]).contains(&1));
    /// ```
    pub fn new(boxes: &[Bounds]) -> Self {
        // Of polygons on a sheet √n lie along an edge, on a sphere some more.
        let side = ((boxes.len() as f64 / 3.0).sqrt() as usize).clamp(1, MOST_SIDE);
        let mut cubes = Cubes::around(boxes, side);
        // Polygons much larger than most would be in too many cubes.
        while cubes.side > 1 && entries(boxes, &cubes) > MOST_ENTRIES * boxes.len() {
            cubes = Cubes::around(boxes, cubes.side / 2);
        }
        let mut starts = vec![0u32; cubes.side.pow(3) + 1];
        boxes.iter().for_each(|bounds| visit(bounds, &cubes, &mut |cube| starts[cube + 1] += 1));
        for cube in 1..starts.len() {
            starts[cube] += starts[cube - 1];
        }
        let mut next = starts.clone();
        let mut polygons = vec![0u32; starts[starts.len() - 1] as usize];
        for (number, bounds) in boxes.iter().enumerate() {
            visit(bounds, &cubes, &mut |cube| {
                polygons[next[cube] as usize] = number as u32;
                next[cube] += 1;
            });
        }
        Self { cubes, starts, polygons }
    }

    /// The cubes, first entry of each, and the entries.
    pub fn parts(&self) -> (Cubes, &[u32], &[u32]) {
        (self.cubes, &self.starts, &self.polygons)
    }

    /// The polygons whose boxes meet the cube of a point, ascending.
    pub fn near(&self, p: UnitVector) -> &[u32] {
        let [x, y, z] = std::array::from_fn(|axis| self.cubes.of(axis, p[axis]));
        let cube = (z * self.cubes.side + y) * self.cubes.side + x;
        &self.polygons[self.starts[cube] as usize..self.starts[cube + 1] as usize]
    }
}

fn entries(boxes: &[Bounds], cubes: &Cubes) -> usize {
    let of = |bounds: &Bounds| span(bounds, cubes).map_or(0, |s| s.iter().map(|[a, b]| b - a + 1).product::<usize>());
    boxes.iter().map(of).sum()
}

/// First and last cube of a box along each axis.
fn span([low, high]: &Bounds, cubes: &Cubes) -> Option<[[usize; 2]; 3]> {
    let is_box = low.iter().zip(high).all(|(l, h)| l <= h);
    is_box.then(|| std::array::from_fn(|k| [low[k], high[k]].map(|x| cubes.of(k, x.into()))))
}

fn visit(bounds: &Bounds, cubes: &Cubes, found: &mut impl FnMut(usize)) {
    let Some([x, y, z]) = span(bounds, cubes) else { return };
    for k in z[0]..=z[1] {
        for j in y[0]..=y[1] {
            (x[0]..=x[1]).for_each(|i| found((k * cubes.side + j) * cubes.side + i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_found_from_all_their_points() {
        let boxes: Vec<Bounds> = (0..500)
            .map(|k| {
                let k = k as f32;
                let low = [(k * 0.37).sin() * 0.9, (k * 0.73).sin() * 0.9, (k * 1.31).sin() * 0.9];
                [low, low.map(|x| x + 0.02 + 0.3 * (k / 400.0).floor())]
            })
            .chain([[[f32::INFINITY; 3], [f32::NEG_INFINITY; 3]]])
            .collect();
        let hash = PolygonHash::new(&boxes);
        for (number, [low, high]) in boxes.iter().enumerate().take(500) {
            for part in [0.0, 0.5, 1.0] {
                let p = std::array::from_fn(|k| f64::from(low[k]) + part * f64::from(high[k] - low[k]));
                let near = hash.near(p);
                assert!(near.contains(&(number as u32)) && near.is_sorted(), "{number}");
            }
        }
        assert!(PolygonHash::new(&[]).near([0.0, 0.0, 1.0]).is_empty());
        assert!(!hash.parts().2.contains(&500), "an empty box is nowhere");
    }
}
