//! Twin of [`crate::axes_location::Axes::locate`], for many points at once.

use crate::axes_location::{Axes, Corners};
use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};

/// Centers around points.
pub const LOCATE: Kernel = Kernel {
    name: "axes_location",
    texts: &[include_str!("../axes_location.wgsl")],
    entry: "locate",
    bindings: &[
        ("x_axis", Access::Read),
        ("y_axis", Access::Read),
        ("points", Access::Read),
        ("centers", Access::Write),
        ("weights", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Two searches by halves of at most 2³² lines.
const TRIPS: u64 = 2 * 33;

/// The centers around each point and their weights; `None` outside. Centers are those of the processor in double
/// precision; in single a point that rounding puts on the other side of a line has the weights of that side, and
/// weights differ by the rounding of coordinates over the distance of two lines.
///
/// # Errors
/// [`GpuError::NoF64`], [`GpuError::OutOfMemory`], [`GpuError::TooLarge`], [`GpuError::Lost`].
pub fn locate(gpu: &Gpu, axes: Axes<'_>, points: &[[f64; 2]], width: Width) -> Result<Vec<Option<Corners>>, GpuError> {
    if width == Width::F64 && !gpu.facts().f64 {
        return Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() });
    }
    if axes.x.is_empty() || axes.y.is_empty() {
        return Ok(vec![None; points.len()]);
    }
    let numbers = Numbers::all(width);
    let x = gpu.upload_real("columns", axes.x, numbers)?;
    let y = gpu.upload_real("rows", axes.y, numbers)?;
    let uploaded = gpu.upload_real("points", points.as_flattened(), numbers)?;
    let centers = gpu.buffer("centers around points", 16 * points.len() as u64)?;
    let weights = gpu.buffer("weights of points", (4 * width.bytes() * points.len()) as u64)?;
    let mut step = Step::new(gpu);
    let parameters = Parameters::new(numbers).trips(TRIPS).count(axes.x.len() as u32).count(axes.y.len() as u32);
    let bindings = [&x, &y, &uploaded, &centers, &weights].map(Into::into);
    step.run(&LOCATE, parameters.real(axes.period), &bindings, points.len() as u64)?;
    step.submit()?;
    let centers: Vec<u32> = gpu.read(&centers, 0, 4 * points.len())?;
    let weights = gpu.read_real(&weights, 4 * points.len(), width)?;
    let of = |(c, w): (&[u32; 4], &[f64; 4])| (c[0] != u32::MAX).then_some((*c, *w));
    Ok(centers.as_chunks().0.iter().zip(weights.as_chunks().0).map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, device};

    #[test]
    fn points_between_lines_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        let mut noise = Noise(71);
        let lats: Vec<f64> = (0..91).map(|k| -90.0 + 2.0 * f64::from(k)).collect();
        let globe: Vec<f64> = (0..144).map(|k| 2.5 * f64::from(k)).collect();
        let uneven: Vec<f64> = (0..40).map(|k| f64::from(k * k) * 0.1).collect();
        let grids = [
            Axes { x: &globe, y: &lats, period: 360.0 },
            Axes { x: &uneven, y: &uneven, period: 0.0 },
            Axes { x: &[7.0], y: &[7.0], period: 0.0 },
        ];
        let mut points: Vec<[f64; 2]> = (0..5000).map(|_| [360.0 * noise.next(), 190.0 * noise.next() - 95.0]).collect();
        points.extend([[0.0, -90.0], [357.5, 90.0], [359.999, 0.0], [7.0, 7.0], [152.1, 152.1], [f64::NAN, 0.0]]);
        for axes in grids {
            let expected: Vec<Option<Corners>> = points.iter().map(|&p| axes.locate(p)).collect();
            for width in [Width::F32, Width::F64].into_iter().filter(|w| *w == Width::F32 || gpu.facts().f64) {
                let found = locate(gpu, axes, &points, width).expect("small");
                // Coordinates up to 360 over lines 0.1 apart at least; beside a line weights go over from side to side.
                let bound = width.epsilon() * 360.0 / 0.1 * 4.0;
                for ((f, e), p) in found.iter().zip(&expected).zip(&points) {
                    let weight_of = |l: &Option<Corners>, cell: u32| {
                        l.map_or(0.0, |(cells, w)| (0..4).filter(|&k| cells[k] == cell).map(|k| w[k]).sum::<f64>())
                    };
                    let is_border = width == Width::F32 && f.is_some() != e.is_some();
                    assert!(width == Width::F32 || f.map(|l| l.0) == e.map(|l| l.0), "{p:?}: {f:?} {e:?}");
                    let cells = f.iter().chain(e).flat_map(|l| l.0);
                    let worst = cells.map(|c| (weight_of(f, c) - weight_of(e, c)).abs()).fold(0.0, f64::max);
                    assert!(is_border || worst <= bound || p[0].is_nan(), "{width:?} {p:?}: {f:?} {e:?}");
                }
                let borders = found.iter().zip(&expected).filter(|(f, e)| f.is_some() != e.is_some()).count();
                assert!(borders <= 2, "{borders} points on the border");
            }
        }
        let none = locate(gpu, Axes { x: &[], y: &[], period: 0.0 }, &points[..2], Width::F32);
        assert_eq!(none, Ok(vec![None, None]));
    }
}
