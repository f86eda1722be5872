//! Twin of [`crate::point_hash::PointHash::nearest`], for many targets at once.

use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Buffer, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};
use crate::point_hash::{PointHash, TIE};
use crate::sphere::UnitVector;

/// Nearest points.
pub const NEAREST: Kernel = Kernel {
    name: "point_hash",
    texts: &[include_str!("../point_hash.wgsl")],
    entry: "nearest_points",
    bindings: &[
        ("targets", Access::Read),
        ("starts", Access::Read),
        ("ids", Access::Read),
        ("points", Access::Read),
        ("nearest", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Cubes and points that a search looks at. Software drivers count the trips of all eight invocations that run together.
const BUDGET: u32 = crate::gpu::LOOP_LIMIT / 9;

/// Where a search was given up.
const NONE: u32 = u32::MAX;

/// In single precision distances that differ by less are equal: some roundings of a coordinate.
const SINGLE_TIE: f64 = 2e-7;

/// Points in cubes on a device.
#[derive(Debug)]
pub struct DevicePointHash<'h> {
    hash: &'h PointHash,
    starts: Buffer,
    ids: Buffer,
    points: Buffer,
    width: Width,
}

impl<'h> DevicePointHash<'h> {
    /// Uploads a hash.
    ///
    /// # Errors
    /// [`GpuError::NoF64`], [`GpuError::OutOfMemory`], [`GpuError::TooLarge`].
    pub fn upload(gpu: &Gpu, hash: &'h PointHash, width: Width) -> Result<Self, GpuError> {
        let (_, starts, ids, points) = hash.parts();
        let numbers = Numbers::all(width);
        if numbers.needs_f64() && !gpu.facts().f64 {
            return Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() });
        }
        let (starts, ids) = (gpu.upload("starts of cubes", starts)?, gpu.upload("numbers of points", ids)?);
        Ok(Self { hash, starts, ids, points: gpu.upload_real("points", points.as_flattened(), numbers)?, width })
    }

    /// The nearest point of each target; in double precision that of [`PointHash::nearest`], in single one that is no
    /// farther by 1e-6 of the radius. Searches that take too long (targets far from all points) are finished on the
    /// processor.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::TooLarge`], [`GpuError::Lost`].
    pub fn nearest(&self, gpu: &Gpu, targets: &[UnitVector]) -> Result<Vec<Option<u32>>, GpuError> {
        let found = self.search(gpu, targets)?;
        Ok(found.into_iter().zip(targets).map(|(id, &p)| id.or_else(|| self.hash.nearest(p))).collect())
    }

    /// [`DevicePointHash::nearest`] without the searches that take too long, and without points: `None`.
    ///
    /// # Errors
    /// As there.
    pub fn search(&self, gpu: &Gpu, targets: &[UnitVector]) -> Result<Vec<Option<u32>>, GpuError> {
        let numbers = Numbers::all(self.width);
        let uploaded = gpu.upload_real("targets", targets.as_flattened(), numbers)?;
        let nearest = gpu.buffer("nearest points", 4 * targets.len() as u64)?;
        let mut step = Step::new(gpu);
        let tie = if self.width == Width::F64 { TIE } else { SINGLE_TIE };
        let parameters = Parameters::new(numbers)
            .trips(u64::from(crate::gpu::LOOP_LIMIT))
            .count(self.hash.parts().0 as u32)
            .count(BUDGET)
            .real(tie);
        let bindings = [&uploaded, &self.starts, &self.ids, &self.points, &nearest].map(Into::into);
        step.run(&NEAREST, parameters, &bindings, targets.len() as u64)?;
        step.submit()?;
        let found: Vec<u32> = gpu.read(&nearest, 0, targets.len())?;
        Ok(found.into_iter().map(|id| (id != NONE).then_some(id)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, device};
    use crate::sphere::{distance, unit_vector};

    #[test]
    fn nearest_points_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        let mut noise = Noise(51);
        // A lat-lon grid with its ties, noise all over the globe, and a region that most targets are far from.
        let rows: Vec<UnitVector> =
            (0..37).flat_map(|j| (0..72).map(move |i| unit_vector(5.0 * f64::from(i), 5.0 * f64::from(j) - 90.0))).collect();
        let mut scattered = |count: usize, lon: f64, lat: f64| -> Vec<UnitVector> {
            (0..count).map(|_| unit_vector(lon * noise.next(), (2.0 * noise.next() - 1.0) * lat)).collect()
        };
        let (globe, region) = (scattered(20_000, 360.0, 90.0), scattered(3000, 4.0, 2.0));
        let mut targets = scattered(4000, 360.0, 90.0);
        targets.extend((0..500).map(|k| unit_vector(2.5 * f64::from(k % 144), 2.5 * f64::from(k / 8) - 77.5)));
        for points in [&rows[..], &globe, &region, &globe[..1], &[]] {
            let hash = PointHash::new(points);
            let expected: Vec<Option<u32>> = targets.iter().map(|&p| hash.nearest(p)).collect();
            for width in [Width::F32, Width::F64].into_iter().filter(|w| *w == Width::F32 || gpu.facts().f64) {
                let uploaded = DevicePointHash::upload(gpu, &hash, width).expect("small");
                let found = uploaded.nearest(gpu, &targets).expect("small");
                if width == Width::F64 {
                    assert!(found == expected, "{} points", points.len());
                    continue;
                }
                for ((f, e), &p) in found.iter().zip(&expected).zip(&targets) {
                    let far = |id: &Option<u32>| id.map_or(0.0, |id| distance(points[id as usize], p));
                    assert!(far(f) <= far(e) + 1e-6, "{} points: {f:?} {e:?}", points.len());
                }
            }
        }
    }
}
