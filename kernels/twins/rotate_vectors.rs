//! Twin of [`crate::rotate_vectors`]: components of fields on a device.

use crate::gpu::kernel::FIELD_NUMBERS;
use crate::gpu::{Access, Binding, BlockShape, Buffer, DeviceField, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Stored};
use crate::sphere::UnitVector;

/// Two components to three.
pub const TO_CARTESIAN: Kernel = Kernel {
    name: "rotate_vectors",
    texts: &[include_str!("../rotate_vectors.wgsl")],
    entry: "to_cartesian",
    bindings: &[
        ("u", Access::Read),
        ("u_valid", Access::Read),
        ("v", Access::Read),
        ("v_valid", Access::Read),
        ("axes", Access::Read),
        ("x", Access::Write),
        ("y", Access::Write),
        ("z", Access::Write),
        ("valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: false,
};

/// Three components to two.
pub const FROM_CARTESIAN: Kernel = Kernel {
    name: "rotate_vectors_back",
    texts: &[include_str!("../rotate_vectors_back.wgsl")],
    entry: "from_cartesian",
    bindings: &[
        ("x", Access::Read),
        ("y", Access::Read),
        ("z", Access::Read),
        ("vector_valid", Access::Read),
        ("axes", Access::Read),
        ("u", Access::Write),
        ("v", Access::Write),
        ("valid", Access::Write),
    ],
    numbers: FIELD_NUMBERS,
    loops: false,
};

/// The two axes of each cell on a device.
#[derive(Debug)]
pub struct DeviceAxes {
    axes: Buffer,
    len: usize,
    numbers: Numbers,
    /// Bound where flags are not written.
    unused: Buffer,
}

impl DeviceAxes {
    /// Uploads axes for fields of `V`.
    ///
    /// # Errors
    /// [`GpuError::NoF64`], [`GpuError::OutOfMemory`].
    pub fn upload<V: Stored>(gpu: &Gpu, axes: &[[UnitVector; 2]]) -> Result<Self, GpuError> {
        let numbers = Numbers::of::<V>(gpu)?;
        let flat: Vec<f64> = axes.iter().flatten().flatten().copied().collect();
        let unused = gpu.buffer("no flags", 4)?;
        Ok(Self { axes: gpu.upload_real("axes", &flat, numbers)?, len: axes.len(), numbers, unused })
    }

    /// Adds [`crate::rotate_vectors::to_cartesian`] to a step; a vector is valid where both components are, and the
    /// three fields given back share their flags.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if the fields differ in shape, have not the cells of the axes, or one has flags and the
    /// other none.
    pub fn to_cartesian<V: Stored>(
        &self,
        step: &mut Step,
        u: &DeviceField<V>,
        v: &DeviceField<V>,
    ) -> Result<[DeviceField<V>; 3], GpuError> {
        let shape = self.check(u, v)?;
        let gpu = step.gpu().clone();
        let [x, y, z] = [u.has_flags(), false, false].map(|flags| DeviceField::zeros(&gpu, shape, flags));
        let (x, y, z) = (x?, y?, z?);
        for block in 0..shape.blocks() {
            let bindings = [
                u.block(block),
                u.flags(block),
                v.block(block),
                v.flags(block),
                (&self.axes).into(),
                x.block(block),
                y.block(block),
                z.block(block),
                self.written(&x, block),
            ];
            step.run(&TO_CARTESIAN, self.parameters(&x), &bindings, (shape.cells * shape.lanes) as u64)?;
        }
        Ok([x.clone(), y.with_flags_of(&x)?, z.with_flags_of(&x)?])
    }

    /// Adds [`crate::rotate_vectors::from_cartesian`] to a step; the validity of `vectors[0]` is that of all, and that of
    /// the first field given back.
    ///
    /// # Errors
    /// As [`DeviceAxes::to_cartesian`].
    pub fn from_cartesian<V: Stored>(
        &self,
        step: &mut Step,
        vectors: [&DeviceField<V>; 3],
    ) -> Result<[DeviceField<V>; 2], GpuError> {
        let [x, y, z] = vectors;
        let shape = self.check(x, x)?;
        check("the fields of a vector", y.shape().cells.min(z.shape().cells), shape.cells)?;
        check("the slabs of a vector", y.shape().slabs.min(z.shape().slabs), shape.slabs)?;
        check("the lanes of a vector", y.shape().lanes.min(z.shape().lanes), shape.lanes)?;
        let gpu = step.gpu().clone();
        let u = DeviceField::zeros(&gpu, shape, x.has_flags())?;
        let v = DeviceField::zeros(&gpu, shape, false)?;
        for block in 0..shape.blocks() {
            let bindings = [
                x.block(block),
                y.block(block),
                z.block(block),
                x.flags(block),
                (&self.axes).into(),
                u.block(block),
                v.block(block),
                self.written(&u, block),
            ];
            step.run(&FROM_CARTESIAN, self.parameters(&u), &bindings, (shape.cells * shape.lanes) as u64)?;
        }
        Ok([u, v])
    }

    fn check<V: Stored>(&self, u: &DeviceField<V>, v: &DeviceField<V>) -> Result<BlockShape, GpuError> {
        let shape = u.shape();
        check("the axes", self.len, shape.cells)?;
        check("cells of the second component", v.shape().cells, shape.cells)?;
        check("slabs of the second component", v.shape().slabs, shape.slabs)?;
        check("lanes of the second component", v.shape().lanes, shape.lanes)?;
        check("flags of the second component", usize::from(v.has_flags()), usize::from(u.has_flags()))?;
        Ok(shape)
    }

    fn parameters<V: Stored>(&self, field: &DeviceField<V>) -> Parameters {
        Parameters::new(self.numbers).count(field.shape().lanes as u32).count(u32::from(field.has_flags()))
    }

    fn written<'b, V: Stored>(&'b self, field: &'b DeviceField<V>, block: usize) -> Binding<'b> {
        if field.has_flags() { field.flags(block) } else { (&self.unused).into() }
    }
}

fn check(what: &'static str, found: usize, expected: usize) -> Result<(), GpuError> {
    if found == expected { Ok(()) } else { Err(GpuError::WrongLength { what, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, assert_close, device};
    use crate::rotate_vectors::{east_north, from_cartesian, to_cartesian};
    use crate::sparse_apply::SlabFlags;

    fn check_numbers<V: Stored>(gpu: &Gpu) {
        let (cells, slabs, mut noise) = (500, 6, Noise(4));
        // Skewed axes, as those of curvilinear grids; the last cell has parallel ones.
        let mut axes: Vec<[UnitVector; 2]> = (0..cells)
            .map(|k| {
                let [east, north] = east_north(0.73 * k as f64 - 200.0, 0.36 * k as f64 - 90.0);
                let (s, c) = (0.2 + 0.01 * k as f64).sin_cos();
                [east, std::array::from_fn(|i| 0.3 * c * east[i] + (1.0 - 0.09 * c * c).sqrt() * north[i] * s.signum())]
            })
            .collect();
        axes[cells - 1][1] = axes[cells - 1][0];
        let u: Vec<V> = noise.many(cells * slabs, -20.0, 20.0).into_iter().map(V::from_f64).collect();
        let v: Vec<V> = noise.many(cells * slabs, -20.0, 20.0).into_iter().map(V::from_f64).collect();
        let flags = |noise: &mut Noise| (0..cells * slabs).map(|_| noise.next() < 0.8).collect::<Vec<bool>>();
        let (u_valid, v_valid) = (flags(&mut noise), flags(&mut noise));
        let lanes = gpu.lanes::<V>(cells, slabs).expect("small");
        let field = |values: &[V], valid: &[bool]| {
            DeviceField::upload(gpu, cells, values, Some(&SlabFlags::from_bools(cells, valid)), lanes).expect("small")
        };
        let device_axes = DeviceAxes::upload::<V>(gpu, &axes).expect("small");
        let mut step = Step::new(gpu);
        let [x, y, z] = device_axes.to_cartesian(&mut step, &field(&u, &u_valid), &field(&v, &v_valid)).expect("it fits");
        let [u_again, v_again] = device_axes.from_cartesian(&mut step, [&x, &y, &z]).expect("it fits");
        step.submit().expect("it runs");
        let read = |f: &DeviceField<V>| -> Vec<f64> { f.download(gpu).expect("small").0.iter().map(|v| v.to_f64()).collect() };
        let wide = |v: &[V]| v.iter().map(|v| v.to_f64()).collect::<Vec<f64>>();
        let valid: Vec<bool> = u_valid.iter().zip(&v_valid).map(|(a, b)| *a && *b).collect();
        let expected_flags = SlabFlags::from_bools(cells, &valid);
        assert_eq!(x.download(gpu).expect("small").1.as_ref(), Some(&expected_flags));
        assert_eq!(u_again.download(gpu).expect("small").1.as_ref(), Some(&expected_flags));
        // Five roundings of numbers up to 40, and those of storage.
        let epsilon = V::WIDTH.epsilon();
        for slab in 0..slabs {
            let range = slab * cells..(slab + 1) * cells;
            let (su, sv) = (wide(&u[range.clone()]), wide(&v[range.clone()]));
            let cartesian = to_cartesian(&su, &sv, &axes);
            let masked = |values: &[f64]| -> Vec<f64> {
                values.iter().zip(&valid[range.clone()]).map(|(v, ok)| if *ok { *v } else { 0.0 }).collect()
            };
            for (found, expected) in [&x, &y, &z].into_iter().zip(&cartesian) {
                assert_close("to", &read(found)[range.clone()], &masked(expected), |_| 6.0 * epsilon * 40.0);
            }
            let [first, second] = from_cartesian(cartesian.each_ref().map(|c| c.as_slice()), &axes);
            // The plane of axes at 17 degrees from one another stretches what was rounded by 1 / sin² of it at most.
            assert_close("from", &read(&u_again)[range.clone()], &masked(&first), |_| 12.0 * 12.0 * epsilon * 40.0);
            assert_close("from", &read(&v_again)[range.clone()], &masked(&second), |_| 12.0 * 12.0 * epsilon * 40.0);
        }
    }

    #[test]
    fn vectors_turn_on_the_device_as_on_the_processor() {
        let Some(gpu) = device() else { return };
        check_numbers::<f32>(gpu);
        if gpu.facts().f64 {
            check_numbers::<f64>(gpu);
        }
    }
}
