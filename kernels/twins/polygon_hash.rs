//! Twin of [`crate::polygon_hash`] and [`crate::bilinear`]: polygons around many points, and the points' weights there.

use crate::bilinear::EDGE_TOLERANCE;
use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Buffer, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};
use crate::polygon_hash::{Cubes, PolygonHash};
use crate::sphere::UnitVector;

/// Polygons around points.
pub const CONTAINING: Kernel = Kernel {
    name: "polygon_hash",
    texts: &[include_str!("../polygon_hash.wgsl")],
    entry: "containing",
    bindings: &[
        ("points", Access::Read),
        ("cube_starts", Access::Read),
        ("cube_polygons", Access::Read),
        ("corner_starts", Access::Read),
        ("corners", Access::Read),
        ("nodes", Access::Read),
        ("found", Access::Write),
        ("weights", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Most corners of a polygon.
pub const MOST_CORNERS: usize = 8;

const NONE: u32 = u32::MAX;
const GIVEN_UP: u32 = u32::MAX - 1;

/// Polygons that a search looks at. Software drivers count the trips of all eight invocations that run together.
const BUDGET: u32 = crate::gpu::LOOP_LIMIT / 9 / (6 * MOST_CORNERS as u32);

/// In single precision points are inside up to this distance from an edge: some roundings of a coordinate.
const SINGLE_TOLERANCE: f64 = 3e-7;

/// Where a point lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// In no polygon.
    Outside,
    /// In the polygon of this number, and the weights of its corners there.
    In(u32, [f64; MOST_CORNERS]),
    /// To be found by the processor: polygons of more corners, or too many of them.
    Elsewhere,
}

/// Convex polygons on a device.
#[derive(Debug)]
pub struct DevicePolygonHash {
    cubes: Cubes,
    cube_starts: Buffer,
    cube_polygons: Buffer,
    corner_starts: Buffer,
    corners: Buffer,
    nodes: Buffer,
    width: Width,
}

impl DevicePolygonHash {
    /// Uploads polygons: polygon `i` of the hash has the corners `corners[starts[i]..starts[i + 1]]`, numbers of `nodes`,
    /// counter-clockwise.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if a corner is no node or starts do not end with the corners; [`GpuError::NoF64`],
    /// [`GpuError::OutOfMemory`], [`GpuError::TooLarge`].
    pub fn upload(
        gpu: &Gpu,
        hash: &PolygonHash,
        starts: &[u32],
        corners: &[u32],
        nodes: &[UnitVector],
        width: Width,
    ) -> Result<Self, GpuError> {
        let numbers = Numbers::all(width);
        if numbers.needs_f64() && !gpu.facts().f64 {
            return Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() });
        }
        let end = starts.last().map_or(0, |&end| end as usize);
        let beyond = corners.iter().find(|&&c| c as usize >= nodes.len());
        for (what, found, expected) in
            [("the corners", corners.len(), end), ("the nodes", nodes.len(), beyond.map_or(nodes.len(), |&c| c as usize + 1))]
        {
            if found != expected {
                return Err(GpuError::WrongLength { what, found, expected });
            }
        }
        let (cubes, cube_starts, cube_polygons) = hash.parts();
        Ok(Self {
            cubes,
            cube_starts: gpu.upload("starts of cubes", cube_starts)?,
            cube_polygons: gpu.upload("polygons of cubes", cube_polygons)?,
            corner_starts: gpu.upload("starts of corners", starts)?,
            corners: gpu.upload("corners", corners)?,
            nodes: gpu.upload_real("nodes", nodes.as_flattened(), numbers)?,
            width,
        })
    }

    /// The first polygon around each point, and the weights of its corners as [`crate::bilinear`] has them: of triangles and
    /// quadrangles with the sum 1, of more corners not scaled. In double precision weights are those of the processor
    /// within some roundings of coordinates over the size of the polygon.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::TooLarge`], [`GpuError::Lost`].
    pub fn containing(&self, gpu: &Gpu, points: &[UnitVector]) -> Result<Vec<Place>, GpuError> {
        let numbers = Numbers::all(self.width);
        let uploaded = gpu.upload_real("points", points.as_flattened(), numbers)?;
        let found = gpu.buffer("polygons around points", 4 * points.len() as u64)?;
        let weights = gpu.buffer("weights of points", (MOST_CORNERS * points.len() * self.width.bytes()) as u64)?;
        let tolerance = if self.width == Width::F64 { EDGE_TOLERANCE } else { SINGLE_TOLERANCE };
        let parameters = Parameters::new(numbers)
            .trips(u64::from(BUDGET) * 6 * MOST_CORNERS as u64)
            .count(self.cubes.side as u32)
            .count(BUDGET)
            .real(tolerance);
        let [x, y, z] = self.cubes.low;
        let parameters = parameters.real(x).real(y).real(z).real(self.cubes.scale);
        let bindings = [
            &uploaded,
            &self.cube_starts,
            &self.cube_polygons,
            &self.corner_starts,
            &self.corners,
            &self.nodes,
            &found,
            &weights,
        ]
        .map(Into::into);
        let mut step = Step::new(gpu);
        step.run(&CONTAINING, parameters, &bindings, points.len() as u64)?;
        step.submit()?;
        let found: Vec<u32> = gpu.read(&found, 0, points.len())?;
        let weights = gpu.read_real(&weights, MOST_CORNERS * points.len(), self.width)?;
        let place = |(&polygon, weights): (&u32, &[f64; MOST_CORNERS])| match polygon {
            NONE => Place::Outside,
            GIVEN_UP => Place::Elsewhere,
            _ => Place::In(polygon, *weights),
        };
        Ok(found.iter().zip(weights.as_chunks().0).map(place).collect())
    }
}

#[cfg(test)]
mod tests;
