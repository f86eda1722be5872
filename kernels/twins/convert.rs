//! Twin of [`mod@crate::convert`]: a slab of a field becomes a slab of another, so that fields are gathered too.
//!
//! In double precision the processor's bits, unless the device fuses products with sums or divides in its own way; then
//! within an ulp of each term.

use super::slabs::slab_of;
use crate::convert::Conversion;
use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, DeviceField, GpuError, Kernel, Numbers, Parameters, Step, Stored};

/// The whole of it.
pub const CONVERT: Kernel = Kernel {
    name: "convert",
    texts: &[include_str!("../convert.wgsl")],
    entry: "convert",
    bindings: &[("values", Access::Read), ("valid", Access::Read), ("results", Access::Write), ("results_valid", Access::Write)],
    numbers: FIELD_NUMBERS,
    loops: false,
};

/// Adds the conversion of a slab to a step: fields and which of their slabs.
///
/// # Errors
/// [`GpuError::WrongLength`] for slabs of different lengths, a slab that is not there, blocks of more than one lane, or
/// results without flags for values that stay missing; as [`Step::run`].
pub fn convert<V: Stored>(
    step: &mut Step,
    (values, slab): (&DeviceField<V>, usize),
    conversion: &Conversion,
    (results, to): (&DeviceField<V>, usize),
) -> Result<(), GpuError> {
    let cells = values.shape().cells;
    slab_of(values, "the values", cells, slab)?;
    slab_of(results, "the results", cells, to)?;
    if values.has_flags() && conversion.fill.is_none() && !results.has_flags() {
        return Err(GpuError::WrongLength { what: "the flags of the results", found: 0, expected: cells });
    }
    let flags = u32::from(values.has_flags())
        | u32::from(conversion.range.is_some()) << 1
        | u32::from(conversion.fill.is_some()) << 2
        | u32::from(results.has_flags()) << 3;
    let [low, high] = conversion.range.unwrap_or_default();
    let parameters = Parameters::new(Numbers::of::<V>(step.gpu())?)
        .count(flags)
        .real(conversion.multiply)
        .real(conversion.divide)
        .real(conversion.add)
        .real(low)
        .real(high)
        .real(conversion.fill.unwrap_or_default());
    // Bound where flags are not written.
    let unused = step.gpu().buffer("no flags", 4)?;
    let written = if results.has_flags() { results.flags(to) } else { (&unused).into() };
    let bindings = [values.block(slab), values.flags(slab), results.block(to), written];
    step.run(&CONVERT, parameters, &bindings, cells as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, assert_close, device, poisoned};
    use crate::gpu::{BlockShape, Gpu};
    use crate::sparse_apply::SlabFlags;

    fn check<V: Stored>(gpu: &Gpu, masked: bool, conversion: &Conversion) {
        let (cells, mut noise) = (333, Noise(5));
        let mut values: Vec<V> = noise.many(3 * cells, -50.0, 300.0).into_iter().map(V::from_f64).collect();
        let flags: Vec<bool> = (0..values.len()).map(|_| !masked || noise.next() < 0.7).collect();
        values.iter_mut().zip(&flags).filter(|(_, f)| !**f).for_each(|(v, _)| *v = V::from_f64(f64::NAN));
        let slab_flags = masked.then(|| SlabFlags::from_bools(cells, &flags));
        let field = DeviceField::upload(gpu, cells, &values, slab_flags.as_ref(), 1).expect("small");
        let has_flags = masked && conversion.fill.is_none();
        let results = poisoned::<V>(gpu, BlockShape { cells, slabs: 2, lanes: 1 }, has_flags);
        let mut step = Step::new(gpu);
        convert(&mut step, (&field, 2), conversion, (&results, 1)).expect("it fits");
        step.submit().expect("it runs");
        let (found, found_flags) = results.download(gpu).expect("small");
        let wide: Vec<f64> = values[2 * cells..].iter().map(|v| v.to_f64()).collect();
        let (expected, expected_flags) = crate::convert::convert(&wide, &flags[2 * cells..], conversion);
        let found: Vec<f64> = found[cells..].iter().map(|v| v.to_f64()).collect();
        // A product, a quotient (of up to 2.5 ulp), a sum and storage.
        assert_close(&format!("{conversion:?}"), &found, &expected, |_| 6.0 * V::WIDTH.epsilon() * 1300.0);
        let told = found_flags.map(|flags| (0..cells).map(|cell| flags.get(1, cell)).collect::<Vec<bool>>());
        assert_eq!(told.unwrap_or_else(|| vec![true; cells]), expected_flags, "{conversion:?}");
    }

    #[test]
    fn conversions_on_the_device_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        let units = Conversion { multiply: 9.0, divide: 5.0, add: 32.0, ..Conversion::NOTHING };
        let clipped = Conversion { range: Some([0.0, 100.0]), ..units };
        for conversion in [Conversion::NOTHING, units, clipped, Conversion { fill: Some(-7.0), ..clipped }] {
            for masked in [false, true] {
                check::<f32>(gpu, masked, &conversion);
                if gpu.facts().f64 {
                    check::<f64>(gpu, masked, &conversion);
                }
            }
        }
        let whole = DeviceField::<f32>::upload(gpu, 2, &[1.0; 4], None, 1).expect("small");
        let refused = |to: usize| convert(&mut Step::new(gpu), (&whole, 0), &Conversion::NOTHING, (&whole, to)).map(|_| ());
        assert_eq!(refused(2), Err(GpuError::WrongLength { what: "the results", found: 4, expected: 6 }));
    }
}
