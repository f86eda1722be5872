//! The values of an open window so far, on the host or on a device.

use crate::error::RunError;
use crate::reduction::Reducer;
use crate::schedule::Timing;
use crate::sums::Sums;
use crate::{ComponentError, FieldValues, Reduction, State};
use knarr_regrid::Device;

/// The values of an open window so far. One on a device never changes there: clones are states to go back to.
#[derive(Clone, Debug)]
pub(crate) enum Window {
    /// On the host.
    Here(Reducer),
    /// On a device.
    #[cfg(feature = "gpu")]
    There(Box<on_device::Running>),
}

impl Window {
    /// Nothing yet.
    pub fn new(reduction: Reduction, device: &Device) -> Self {
        match device {
            Device::Cpu => Self::Here(Reducer::new(reduction)),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => Self::There(Box::new(on_device::Running::new(gpu, reduction))),
        }
    }

    /// As [`Reducer::begin`].
    pub fn begin(
        &mut self,
        timing: &Timing,
        window: i64,
        initial: Option<&FieldValues>,
        sums: &mut Sums,
    ) -> Result<(), RunError> {
        let _ = &sums;
        match self {
            Self::Here(reducer) => reducer.begin(timing, window, initial.map(FieldValues::host).transpose()?),
            #[cfg(feature = "gpu")]
            Self::There(running) => running.begin(timing, window, initial, sums)?,
        }
        Ok(())
    }

    /// Adds a value over a step of `dt` seconds.
    pub fn add(&mut self, given: &FieldValues, dt: f64, sums: &mut Sums) -> Result<(), RunError> {
        let _ = &sums;
        match self {
            Self::Here(reducer) => reducer.add(given.host()?, dt),
            #[cfg(feature = "gpu")]
            Self::There(running) => running.add(given, dt, sums)?,
        }
        Ok(())
    }

    /// The value of the window; cells without any value are missing.
    pub fn value(&self, sums: &mut Sums) -> Result<FieldValues, RunError> {
        let _ = &sums;
        match self {
            Self::Here(reducer) => Ok(reducer.value().into()),
            #[cfg(feature = "gpu")]
            Self::There(running) => running.value(sums),
        }
    }

    /// A value that goes as it is.
    pub fn as_it_is(&self, given: &FieldValues) -> Result<FieldValues, RunError> {
        match self {
            Self::Here(_) => Ok(given.clone()),
            #[cfg(feature = "gpu")]
            Self::There(running) => running.resident(given),
        }
    }

    /// As [`Reducer::save`], in the same arrays.
    pub fn save(&self, prefix: &str, state: &mut State) -> Result<(), RunError> {
        match self {
            Self::Here(reducer) => reducer.save(prefix, state),
            #[cfg(feature = "gpu")]
            Self::There(running) => running.save(prefix, state)?,
        }
        Ok(())
    }

    /// Takes back what [`Window::save`] gave.
    pub fn restore(&mut self, prefix: &str, state: &State) -> Result<(), ComponentError> {
        match self {
            Self::Here(reducer) => reducer.restore(prefix, state),
            #[cfg(feature = "gpu")]
            Self::There(running) => running.restore(prefix, state),
        }
    }
}

#[cfg(feature = "gpu")]
mod on_device {
    use crate::error::RunError;
    use crate::schedule::Timing;
    use crate::sums::{Sums, device};
    use crate::{Array, ComponentError, DeviceValues, FieldValues, Reduction, State, Values};
    use knarr_kernels::gpu::Gpu;
    use knarr_kernels::time_reduce::{Reduction as OfPeriods, Share};
    use knarr_kernels::twins::time_reduce::DevicePeriodSums;
    use knarr_regrid::RegridError;

    /// Running results of a window on a device.
    #[derive(Clone, Debug)]
    pub(crate) struct Running {
        gpu: Gpu,
        reduction: Reduction,
        sums: DevicePeriodSums<f64>,
        /// Time with a value, of all cells, until one misses a value.
        common: f64,
        /// Of instants, the last.
        last: Option<DeviceValues>,
    }

    fn of_periods(reduction: Reduction) -> OfPeriods {
        match reduction {
            Reduction::Instant | Reduction::Average => OfPeriods::Mean,
            Reduction::Accumulate | Reduction::Sum => OfPeriods::Sum,
            Reduction::Minimum => OfPeriods::Minimum,
            Reduction::Maximum => OfPeriods::Maximum,
        }
    }

    impl Running {
        pub fn new(gpu: &Gpu, reduction: Reduction) -> Self {
            let sums = DevicePeriodSums::new(of_periods(reduction));
            Self { gpu: gpu.clone(), reduction, sums, common: 0.0, last: None }
        }

        pub fn begin(
            &mut self,
            timing: &Timing,
            window: i64,
            initial: Option<&FieldValues>,
            sums: &mut Sums,
        ) -> Result<(), RunError> {
            *self = Self::new(&self.gpu, self.reduction);
            let before = timing.before_start(window);
            let Some(initial) = initial.filter(|_| before > 0) else { return Ok(()) };
            if self.reduction != Reduction::Sum {
                return self.add(initial, before as f64, sums);
            }
            // The initial amount is that of a whole window.
            let (part, initial) = (before as f64 / timing.period as f64, initial.host()?);
            let share = Values { values: initial.values.iter().map(|v| v * part).collect(), valid: initial.valid.clone() };
            self.add(&share.into(), before as f64, sums)
        }

        pub fn add(&mut self, given: &FieldValues, dt: f64, sums: &mut Sums) -> Result<(), RunError> {
            let given = given.on_device(&self.gpu)?;
            if self.reduction == Reduction::Instant {
                self.last = Some(given.clone());
                return Ok(());
            }
            // Rates are added up by the time they act, amounts as they are.
            let length = if self.reduction == Reduction::Accumulate { 1.0 } else { dt };
            let share = Share { step: 0, shared: dt, length };
            self.sums = self.sums.add(sums.step(&self.gpu), given.field(), share).map_err(device)?;
            if self.sums.is_whole() {
                self.common += dt;
            }
            Ok(())
        }

        pub fn value(&self, sums: &mut Sums) -> Result<FieldValues, RunError> {
            if let Some(last) = &self.last {
                return Ok(last.clone().into());
            }
            match self.sums.finish(sums.step(&self.gpu), 0.0).map_err(device)? {
                Some(field) => Ok(DeviceValues::new(&self.gpu, field)?.into()),
                None => Ok(Values::default().into()),
            }
        }

        pub fn resident(&self, given: &FieldValues) -> Result<FieldValues, RunError> {
            Ok(if given.is_made_on_device() { given.clone() } else { given.on_device(&self.gpu)?.clone().into() })
        }

        pub fn save(&self, prefix: &str, state: &mut State) -> Result<(), RunError> {
            let (mut sums, mut common, mut each) = (Vec::new(), self.common, None);
            if let Some(last) = &self.last {
                let last = last.download()?;
                // An instant acts for any time.
                (sums, common) = (last.values, 1.0);
                each = last.valid.map(|valid| valid.iter().map(|&valid| f64::from(u8::from(valid))).collect());
            } else if let Some([results, times]) = self.sums.parts() {
                let read = |field: &knarr_kernels::gpu::DeviceField<f64>| field.download(&self.gpu).map(|read| read.0);
                sums = read(results).map_err(device)?;
                each = if self.sums.is_whole() { None } else { Some(read(times).map_err(device)?) };
            }
            state.put(format!("{prefix}/sums"), Array::Real(sums));
            state.put(format!("{prefix}/common"), Array::Real(vec![common]));
            if let Some(each) = each {
                state.put(format!("{prefix}/each"), Array::Real(each));
            }
            Ok(())
        }

        pub fn restore(&mut self, prefix: &str, state: &State) -> Result<(), ComponentError> {
            *self = Self::new(&self.gpu, self.reduction);
            let sums = state.real(&format!("{prefix}/sums"))?;
            let mut common = [0.0];
            state.copy(&format!("{prefix}/common"), &mut common)?;
            let name = format!("{prefix}/each");
            let each = state.find(&name).is_some().then(|| state.real(&name)).transpose()?;
            if sums.is_empty() {
                return Ok(());
            }
            if self.reduction == Reduction::Instant {
                let valid = each.map(|each| each.iter().map(|&time| time > 0.0).collect());
                self.last = Some(DeviceValues::restore(&self.gpu, &Values { values: sums.to_vec(), valid })?);
                return Ok(());
            }
            self.common = if each.is_none() { common[0] } else { 0.0 };
            let times = each.map_or_else(|| vec![common[0]; sums.len()], <[f64]>::to_vec);
            let field = |values: &[f64]| knarr_kernels::gpu::DeviceField::upload(&self.gpu, values.len(), values, None, 1);
            let parts = [field(sums), field(&times)].map(|field| field.map_err(RegridError::from));
            let [results, times] = parts;
            self.sums = DevicePeriodSums::from_parts(of_periods(self.reduction), [results?, times?], each.is_none());
            Ok(())
        }
    }
}
