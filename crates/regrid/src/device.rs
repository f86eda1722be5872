//! Where weights are applied.

#[cfg(feature = "gpu")]
mod turned;

#[cfg(feature = "gpu")]
pub(crate) use turned::Turned;

#[cfg(feature = "gpu")]
use crate::Method;
use crate::links::LinkRows;
use crate::methods::centers::Centers;
#[cfg(feature = "gpu")]
use crate::methods::nearest_on;
use crate::stack::{FewRows, FilledFrom, Fills, OnHost};
use crate::{MissingPolicy, Options, PreparedRegridder, RegridError, Regridder, SlabFlags, Weights};
use knarr_kernels::sparse_apply::Missing;
#[cfg(not(feature = "gpu"))]
use knarr_kernels::sparse_apply::Value;

#[cfg(feature = "gpu")]
use knarr_kernels::gpu::{Gpu, Stored};

/// The device that computes.
#[derive(Clone, Debug, Default)]
pub enum Device {
    /// The processor, all cores.
    #[default]
    Cpu,
    /// A graphics processor.
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
}

/// Numbers that fields may have on every device.
#[cfg(feature = "gpu")]
pub trait DeviceValue: Stored {}
#[cfg(feature = "gpu")]
impl<T: Stored> DeviceValue for T {}

/// Numbers that fields may have on every device.
#[cfg(not(feature = "gpu"))]
pub trait DeviceValue: Value {}
#[cfg(not(feature = "gpu"))]
impl<T: Value> DeviceValue for T {}

/// A [`Regridder`] made ready on a device, for fields of `V`.
#[derive(Debug)]
pub struct RegridderOn<'a, V> {
    way: Way<'a, V>,
}

#[derive(Debug)]
enum Way<'a, V> {
    Host(Box<PreparedRegridder<'a>>, std::marker::PhantomData<V>),
    #[cfg(feature = "gpu")]
    Gpu(Box<on_gpu::GpuRegridder<V>>),
}

impl Device {
    /// Whether it has double precision, which vectors are turned in.
    pub fn has_f64(&self) -> bool {
        match self {
            Self::Cpu => true,
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.facts().f64,
        }
    }
}

impl Regridder {
    /// The weights as rows on a device, and what missing values do there: for chains of kernels.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device has not the memory.
    #[cfg(feature = "gpu")]
    pub fn rows_on(
        &self,
        gpu: &Gpu,
        numbers: knarr_kernels::gpu::Numbers,
    ) -> Result<(knarr_kernels::twins::sparse_apply::DeviceRows, knarr_kernels::sparse_apply::Missing), RegridError> {
        use crate::apply::{kernel_policy, rows_of};
        let rows = rows_of(&self.weights);
        let rows = knarr_kernels::twins::sparse_apply::DeviceRows::upload(gpu, rows, self.weights.source_len, numbers)?;
        Ok((rows, kernel_policy(&self.weights, self.missing)))
    }

    /// [`Regridder::prepare`] on a device: weights are copied there once.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device has not the memory, or not the precision.
    pub fn prepare_on<V: DeviceValue>(&self, device: &Device) -> Result<RegridderOn<'_, V>, RegridError> {
        RegridderOn::new(&self.weights, self.missing, device)
    }
}

impl<'a, V: DeviceValue> RegridderOn<'a, V> {
    pub(crate) fn new(weights: &'a Weights, missing: MissingPolicy, device: &Device) -> Result<Self, RegridError> {
        let way = match device {
            Device::Cpu => Way::Host(Box::new(PreparedRegridder::new(weights, missing)), std::marker::PhantomData),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => Way::Gpu(Box::new(on_gpu::GpuRegridder::new(gpu, weights, missing)?)),
        };
        Ok(Self { way })
    }
}

impl<V: DeviceValue> RegridderOn<'_, V> {
    /// As [`PreparedRegridder::apply_into`]. On a graphics processor sums are in double precision where it has that;
    /// results are then those of the processor to some units in the last place.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] as there; [`RegridError::Device`] if the device fails or has not the memory for a
    /// single slab.
    pub fn apply_into(
        &self,
        source: &[V],
        valid: Option<&SlabFlags>,
        destination: &mut [V],
    ) -> Result<Option<SlabFlags>, RegridError> {
        match &self.way {
            Way::Host(prepared, _) => prepared.apply_into(source, valid, destination),
            #[cfg(feature = "gpu")]
            Way::Gpu(regridder) => regridder.apply_into(source, valid, destination),
        }
    }
}

impl<V: DeviceValue> RegridderOn<'_, V> {
    /// Slabs that stay where they were applied until the next call.
    pub(crate) fn together(&self, slabs: usize) -> Result<usize, RegridError> {
        match &self.way {
            Way::Host(..) => Ok(slabs),
            #[cfg(feature = "gpu")]
            Way::Gpu(regridder) => Ok(regridder.together(slabs)?.1),
        }
    }
}

impl<V: DeviceValue> Fills<V> for RegridderOn<'_, V> {
    fn apply(
        &self,
        rows: &FewRows,
        (source, slab): (FilledFrom<'_, V>, usize),
        missing: Missing,
        (values, flags): (&mut [V], &mut [bool]),
    ) -> Result<(), RegridError> {
        match &self.way {
            Way::Host(..) => OnHost.apply(rows, (source, slab), missing, (values, flags)),
            #[cfg(feature = "gpu")]
            Way::Gpu(regridder) => regridder.apply_few(rows, slab, missing, (values, flags)),
        }
    }

    fn neighbours(&self, from: &Centers, to: &Centers, options: &Options) -> Result<LinkRows, RegridError> {
        match &self.way {
            Way::Host(..) => Fills::<V>::neighbours(&OnHost, from, to, options),
            #[cfg(feature = "gpu")]
            Way::Gpu(regridder) => match options.method {
                Method::Nearest if regridder.gpu.facts().f64 => nearest_on(&regridder.gpu, from, to, options),
                _ => Fills::<V>::neighbours(&OnHost, from, to, options),
            },
        }
    }
}

#[cfg(feature = "gpu")]
mod on_gpu {
    use super::{FewRows, Gpu, MissingPolicy, RegridError, SlabFlags, Stored, Weights};
    use crate::apply::{kernel_policy, rows_of};
    use knarr_kernels::gpu::{BlockShape, DeviceField, GpuError, Numbers, Step};
    use knarr_kernels::sparse_apply::Missing;
    use knarr_kernels::twins::sparse_apply::DeviceRows;
    use std::sync::{Mutex, PoisonError};

    impl From<GpuError> for RegridError {
        fn from(error: GpuError) -> Self {
            Self::Device { problem: error.to_string() }
        }
    }

    /// Weights on a device, and the fields of the last call: those of the next one take their place.
    #[derive(Debug)]
    pub(super) struct GpuRegridder<V> {
        pub(super) gpu: Gpu,
        pub(super) rows: DeviceRows,
        pub(super) source_len: usize,
        pub(super) missing: Missing,
        fields: Mutex<Option<Fields<V>>>,
    }

    /// Fields on the device, and the step from one to the other.
    #[derive(Debug)]
    struct Fields<V> {
        source: DeviceField<V>,
        result: DeviceField<V>,
        step: Step,
    }

    impl<V: Stored> GpuRegridder<V> {
        pub(super) fn new(gpu: &Gpu, weights: &Weights, missing: MissingPolicy) -> Result<Self, RegridError> {
            let source_len = weights.source_len;
            let rows = DeviceRows::upload(gpu, rows_of(weights), source_len, Numbers::of::<V>(gpu)?)?;
            let missing = kernel_policy(weights, missing);
            Ok(Self { gpu: gpu.clone(), rows, source_len, missing, fields: Mutex::default() })
        }

        pub(super) fn apply_into(
            &self,
            source: &[V],
            valid: Option<&SlabFlags>,
            destination: &mut [V],
        ) -> Result<Option<SlabFlags>, RegridError> {
            let (from, to) = (self.source_len, self.rows.len());
            let slabs = crate::apply::check_slabs((from, to), source.len(), valid, destination.len())?;
            let (lanes, together) = self.together(slabs)?;
            let mut flags: Option<SlabFlags> = None;
            for first in (0..slabs).step_by(together) {
                let range = first..slabs.min(first + together);
                let own = valid.map(|v| v.slabs_in(range.clone()));
                let own = own.filter(|v| !(0..v.slabs()).all(|slab| v.is_full(slab)));
                let values = &source[range.start * from..range.end * from];
                let shape = BlockShape { cells: from, slabs: range.len(), lanes };
                let fields = self.fields(shape, own.is_some())?;
                fields.source.replace(&self.gpu, values, own.as_ref())?;
                fields.step.submit()?;
                let (values, found) = fields.result.download(&self.gpu)?;
                *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = Some(fields);
                destination[range.start * to..range.end * to].copy_from_slice(&values);
                if let Some(found) = found {
                    flags.get_or_insert_with(|| SlabFlags::all(to, slabs)).put(range.start, &found);
                }
            }
            Ok(flags.filter(|f| !(0..slabs).all(|slab| f.is_full(slab))))
        }

        /// Lanes of blocks of so many slabs, and how many a buffer holds, whole blocks of them.
        pub(super) fn together(&self, slabs: usize) -> Result<(usize, usize), RegridError> {
            let cells = self.source_len.max(self.rows.len());
            let lanes = self.gpu.lanes::<V>(cells, slabs)?;
            let block = (cells * lanes * V::WIDTH.bytes()) as u64;
            Ok((lanes, lanes * (self.gpu.facts().buffer_bytes / (block + 256)).max(1) as usize))
        }

        /// Some rows of a slab of the last call's source, which is still there.
        pub(super) fn apply_few(
            &self,
            few: &FewRows,
            slab: usize,
            missing: Missing,
            (values, flags): (&mut [V], &mut [bool]),
        ) -> Result<(), RegridError> {
            let kept = self.fields.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(Fields { source, .. }) = kept.as_ref() else {
                return Err(RegridError::Device { problem: "the field is not on the device any more".into() });
            };
            let rows = few.on_device(&self.gpu, self.source_len, self.rows.numbers())?;
            let shape = BlockShape { cells: rows.len(), slabs: 1, lanes: 1 };
            let result = DeviceField::<V>::zeros(&self.gpu, shape, true)?;
            let mut step = Step::new(&self.gpu);
            rows.apply_slab(&mut step, (source, slab), missing, &result)?;
            step.submit()?;
            let (made, present) = result.download(&self.gpu)?;
            values.copy_from_slice(&made);
            match present {
                Some(present) => present.write_bools(flags),
                None => flags.fill(true),
            }
            Ok(())
        }

        /// Those of the last call if they fit, else new ones.
        fn fields(&self, shape: BlockShape, has_flags: bool) -> Result<Fields<V>, RegridError> {
            let kept = self.fields.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(fields) = kept.filter(|f| f.source.shape() == shape && f.source.has_flags() == has_flags) {
                return Ok(fields);
            }
            let source = DeviceField::zeros(&self.gpu, shape, has_flags)?;
            let result = self.rows.destination_for(&self.gpu, &source)?;
            let mut step = Step::new(&self.gpu);
            self.rows.apply(&mut step, &source, self.missing, &result)?;
            Ok(Fields { source, result, step })
        }
    }
}
