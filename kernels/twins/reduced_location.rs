//! Twin of [`crate::reduced_location::ReducedRows::locate`], for many points at once.

use crate::axes_location::Corners;
use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};
use crate::reduced_location::ReducedRows;

/// Cells around points.
pub const LOCATE: Kernel = Kernel {
    name: "reduced_location",
    texts: &[include_str!("../reduced_location.wgsl")],
    entry: "locate",
    bindings: &[
        ("y_axis", Access::Read),
        ("row_cells", Access::Read),
        ("points", Access::Read),
        ("centers", Access::Write),
        ("weights", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// A search by halves of at most 2³² rows.
const TRIPS: u64 = 33;

/// The cells around each point and their weights; `None` beyond the first and last row. Cells are those of the processor in
/// double precision; in single a point that rounding puts on the other side of a line has the weights of that side, and
/// weights differ by the rounding of coordinates over the distance of two lines.
///
/// # Errors
/// [`GpuError::WrongLength`] if rows differ in number; [`GpuError::NoF64`], [`GpuError::OutOfMemory`],
/// [`GpuError::TooLarge`], [`GpuError::Lost`].
pub fn locate(gpu: &Gpu, rows: ReducedRows<'_>, points: &[[f64; 2]], width: Width) -> Result<Vec<Option<Corners>>, GpuError> {
    if width == Width::F64 && !gpu.facts().f64 {
        return Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() });
    }
    for (what, found) in [("the columns of rows", rows.columns.len()), ("the starts of rows", rows.starts.len())] {
        if found != rows.y.len() {
            return Err(GpuError::WrongLength { what, found, expected: rows.y.len() });
        }
    }
    if rows.y.is_empty() {
        return Ok(vec![None; points.len()]);
    }
    let numbers = Numbers::all(width);
    let cells: Vec<u32> = rows.columns.iter().zip(rows.starts).flat_map(|(&columns, &start)| [columns, start]).collect();
    let y = gpu.upload_real("rows", rows.y, numbers)?;
    let cells = gpu.upload("cells of rows", &cells)?;
    let uploaded = gpu.upload_real("points", points.as_flattened(), numbers)?;
    let centers = gpu.buffer("cells around points", 16 * points.len() as u64)?;
    let weights = gpu.buffer("weights of points", (4 * width.bytes() * points.len()) as u64)?;
    let mut step = Step::new(gpu);
    let parameters = Parameters::new(numbers).trips(TRIPS).count(rows.y.len() as u32).real(360.0);
    let bindings = [&y, &cells, &uploaded, &centers, &weights].map(Into::into);
    step.run(&LOCATE, parameters, &bindings, points.len() as u64)?;
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
    fn points_between_reduced_rows_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        let mut noise = Noise(72);
        // Octahedral rows from south to north, numbered from the north.
        let lats: Vec<f64> = (0..64).map(|k| -88.6 + 2.8125 * f64::from(k)).collect();
        let columns: Vec<u32> = (0..64).map(|k: u32| 20 + 4 * k.min(63 - k)).collect();
        let mut starts: Vec<u32> = columns.iter().rev().scan(0, |end, n| Some(std::mem::replace(end, *end + n))).collect();
        starts.reverse();
        let grids = [
            ReducedRows { y: &lats, columns: &columns, starts: &starts },
            ReducedRows { y: &[3.0], columns: &[1], starts: &[0] },
        ];
        let mut points: Vec<[f64; 2]> = (0..5000).map(|_| [360.0 * noise.next(), 190.0 * noise.next() - 95.0]).collect();
        points.extend([[0.0, lats[0]], [359.999_999, lats[63]], [180.0, lats[7]], [10.0, 3.0], [1.0, f64::NAN]]);
        for rows in grids {
            let expected: Vec<Option<Corners>> = points.iter().map(|&p| rows.locate(p)).collect();
            for width in [Width::F32, Width::F64].into_iter().filter(|w| *w == Width::F32 || gpu.facts().f64) {
                let found = locate(gpu, rows, &points, width).expect("small");
                // Coordinates up to 360 over columns and rows 2.4 apart at least.
                let bound = width.epsilon() * 360.0 / 2.4 * 4.0;
                for ((f, e), p) in found.iter().zip(&expected).zip(&points) {
                    let weight_of = |l: &Option<Corners>, cell: u32| {
                        l.map_or(0.0, |(cells, w)| (0..4).filter(|&k| cells[k] == cell).map(|k| w[k]).sum::<f64>())
                    };
                    let is_border = width == Width::F32 && f.is_some() != e.is_some();
                    assert!(width == Width::F32 || f.map(|l| l.0) == e.map(|l| l.0), "{p:?}: {f:?} {e:?}");
                    let cells = f.iter().chain(e).flat_map(|l| l.0);
                    let worst = cells.map(|c| (weight_of(f, c) - weight_of(e, c)).abs()).fold(0.0, f64::max);
                    assert!(is_border || worst <= bound, "{width:?} {p:?}: {f:?} {e:?}");
                }
                let borders = found.iter().zip(&expected).filter(|(f, e)| f.is_some() != e.is_some()).count();
                assert!(borders <= 2, "{borders} points on the border");
            }
        }
        let none = locate(gpu, ReducedRows { y: &[], columns: &[], starts: &[] }, &points[..2], Width::F32);
        assert_eq!(none, Ok(vec![None, None]));
    }
}
