//! Twin of [`crate::cell_area::polygon_area`], for all cells of a mesh.

use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Buffer, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};
use crate::sphere::UnitVector;

/// Areas of polygons.
pub const POLYGON_AREAS: Kernel = Kernel {
    name: "cell_area",
    texts: &[include_str!("../cell_area.wgsl"), include_str!("../shared/atan.wgsl")],
    entry: "polygon_areas",
    bindings: &[("corner_starts", Access::Read), ("corners", Access::Read), ("vertices", Access::Read), ("areas", Access::Write)],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Polygons with shared corners on a device.
///
/// In single precision a coordinate is the sum of two numbers: differences of neighbours keep their digits at any
/// resolution.
#[derive(Debug)]
pub struct DevicePolygons {
    pub(crate) corner_starts: Buffer,
    pub(crate) corners: Buffer,
    pub(crate) vertices: Buffer,
    pub(crate) width: Width,
    pub(crate) len: usize,
    pub(crate) most_corners: usize,
}

/// A number as the sum of two of the device.
pub(super) fn in_two(v: f64, width: Width) -> [f64; 2] {
    match width {
        Width::F64 => [v, 0.0],
        Width::F32 => [f64::from(v as f32), v - f64::from(v as f32)],
    }
}

impl DevicePolygons {
    /// Uploads polygons: polygon `i` has the corners `corners[corner_starts[i]..corner_starts[i + 1]]`, numbers of
    /// `vertices`, counter-clockwise.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if starts do not ascend to the number of corners or a corner is no vertex;
    /// [`GpuError::NoF64`], [`GpuError::OutOfMemory`].
    pub fn upload(
        gpu: &Gpu,
        corner_starts: &[u32],
        corners: &[u32],
        vertices: &[UnitVector],
        width: Width,
    ) -> Result<Self, GpuError> {
        if width == Width::F64 && !gpu.facts().f64 {
            return Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() });
        }
        let most = corner_starts.windows(2).map(|w| w[1].wrapping_sub(w[0])).max().unwrap_or(0) as usize;
        let end = corner_starts.last().map_or(0, |&end| end as usize);
        if end != corners.len() || most > corners.len() {
            return Err(GpuError::WrongLength { what: "the corners", found: corners.len(), expected: end });
        }
        if let Some(&beyond) = corners.iter().find(|&&c| c as usize >= vertices.len()) {
            let found = beyond as usize;
            return Err(GpuError::WrongLength { what: "the vertices", found: vertices.len(), expected: found + 1 });
        }
        let numbers = Numbers::all(width);
        let both: Vec<f64> = vertices
            .iter()
            .flat_map(|v| {
                let [x, y, z] = v.map(|v| in_two(v, width));
                [x[0], y[0], z[0], x[1], y[1], z[1]]
            })
            .collect();
        Ok(Self {
            corner_starts: gpu.upload("starts of corners", corner_starts)?,
            corners: gpu.upload("corners", corners)?,
            vertices: gpu.upload_real("vertices", &both, numbers)?,
            width,
            len: corner_starts.len().saturating_sub(1),
            most_corners: most,
        })
    }

    /// Number of polygons.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Areas in steradians, positive if counter-clockwise: within 1e-14 of [`crate::cell_area::polygon_area`]
    /// relative to the polygon in double precision, 2e-6 in single.
    ///
    /// # Errors
    /// [`GpuError::TooLong`] for polygons of too many corners, [`GpuError::TooLarge`], [`GpuError::Lost`].
    pub fn areas(&self, gpu: &Gpu) -> Result<Vec<f64>, GpuError> {
        let areas = gpu.buffer("areas", (self.len * self.width.bytes()) as u64)?;
        let mut step = Step::new(gpu);
        // The arctangent has ten trips of its own.
        let trips = 11 * self.most_corners.max(1) as u64;
        let parameters = Parameters::new(Numbers::all(self.width)).trips(trips);
        let bindings = [&self.corner_starts, &self.corners, &self.vertices, &areas].map(Into::into);
        step.run(&POLYGON_AREAS, parameters, &bindings, self.len as u64)?;
        step.submit()?;
        gpu.read_real(&areas, self.len, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell_area::polygon_area;
    use crate::gpu::tests::{assert_close, device};
    use crate::sphere::unit_vector;

    #[test]
    fn areas_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        // Quadrangles, triangles, a pole with repeated corners, an octant, and two corners that are no polygon.
        let mut polygons: Vec<Vec<UnitVector>> = Vec::new();
        for size in [10.0, 1.0, 0.1, 0.02, 0.001] {
            for k in 0..40 {
                let (lon, lat) = (f64::from(k) * 8.7 - 170.0, f64::from(k) * 4.1 - 88.0);
                let at = |x: f64, y: f64| unit_vector(lon + x * size, (lat + y * size).min(90.0));
                polygons.push(vec![at(0.0, 0.0), at(1.0, 0.1), at(1.0, 1.0), at(0.1, 0.9)]);
                polygons.push(vec![at(0.0, 0.0), at(1.0, 0.0), at(0.3, 0.8)]);
            }
        }
        polygons.push(vec![unit_vector(0.0, 0.0), unit_vector(90.0, 0.0), unit_vector(0.0, 90.0)]);
        polygons.push([0.0, 90.0, 180.0, 270.0].map(|lon| unit_vector(lon, 60.0)).to_vec());
        polygons.push(vec![unit_vector(3.0, 0.0); 4]);
        polygons.push(vec![unit_vector(3.0, 0.0), unit_vector(4.0, 0.0)]);
        let vertices: Vec<UnitVector> = polygons.concat();
        let corners: Vec<u32> = (0..vertices.len() as u32).collect();
        let mut starts = vec![0u32];
        polygons.iter().for_each(|p| starts.push(starts[starts.len() - 1] + p.len() as u32));
        let expected: Vec<f64> = polygons.iter().map(|p| polygon_area(p)).collect();
        let mut widths = vec![(Width::F32, 2e-6)];
        if gpu.facts().f64 {
            widths.push((Width::F64, 1e-14));
        }
        for (width, bound) in widths {
            let device = DevicePolygons::upload(gpu, &starts, &corners, &vertices, width).expect("small");
            let found = device.areas(gpu).expect("small");
            // A corner is right to ε, so is each of the triangle's three products of differences; 16 of them for f32.
            assert_close(&format!("{width:?}"), &found, &expected, |k| bound * expected[k].abs());
        }
        let wrong = DevicePolygons::upload(gpu, &[0, 3], &[0, 1, 9], &vertices[..3], Width::F32).map(|p| p.len);
        assert_eq!(wrong, Err(GpuError::WrongLength { what: "the vertices", found: 3, expected: 10 }));
    }
}
