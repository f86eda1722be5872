//! Values of a field where they are: on the host, on a device, or on both.

use crate::Values;
#[cfg(feature = "gpu")]
use knarr_kernels::gpu::{DeviceField, Gpu, GpuError};
use knarr_regrid::RegridError;
#[cfg(feature = "gpu")]
use knarr_regrid::SlabFlags;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Values of one field at one time, made on the host or on a device.
///
/// Whoever needs them on the other side gets a copy, made once and shared by all clones. Values never change once made,
/// but by [`FieldValues::host_mut`], which leaves clones as they are.
#[derive(Debug)]
pub struct FieldValues {
    sides: Arc<Sides>,
    /// Whether this handle has asked for the side where the values were not made.
    copied: AtomicBool,
}

#[derive(Debug)]
struct Sides {
    len: usize,
    host: OnceLock<Values>,
    #[cfg(feature = "gpu")]
    device: OnceLock<DeviceValues>,
    made_on_device: bool,
}

/// Values of a field on a device, in double precision.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub struct DeviceValues {
    gpu: Gpu,
    field: DeviceField<f64>,
}

#[cfg(feature = "gpu")]
impl DeviceValues {
    /// A field of one slab of one lane.
    ///
    /// # Errors
    /// [`RegridError::Device`] if it has another shape.
    pub fn new(gpu: &Gpu, field: DeviceField<f64>) -> Result<Self, RegridError> {
        let shape = field.shape();
        if (shape.slabs, shape.lanes) != (1, 1) {
            let (found, expected) = (shape.slabs * shape.lanes * shape.cells, shape.cells);
            return Err(GpuError::WrongLength { what: "values of a field", found, expected }.into());
        }
        Ok(Self { gpu: gpu.clone(), field })
    }

    /// Copies values to a device. What is missing or no number becomes 0 there: it never counts, and a product of it with
    /// a weight of 0 would.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device has not the memory.
    pub fn upload(gpu: &Gpu, values: &Values) -> Result<Self, RegridError> {
        let is_clean = values.valid.is_none() && values.values.iter().all(|v| v.is_finite());
        let clean = |cell: usize| values.get(cell).filter(|v| v.is_finite()).unwrap_or(0.0);
        if is_clean {
            return Self::restore(gpu, values);
        }
        Self::restore(gpu, &Values { values: (0..values.len()).map(clean).collect(), valid: values.valid.clone() })
    }

    /// Copies values back to a device, with what stood there where they are missing.
    pub(crate) fn restore(gpu: &Gpu, values: &Values) -> Result<Self, RegridError> {
        let flags = values.valid.as_ref().map(|valid| SlabFlags::from_bools(valid.len(), valid));
        Ok(Self { gpu: gpu.clone(), field: DeviceField::upload(gpu, values.len(), &values.values, flags.as_ref(), 1)? })
    }

    /// Copies values to the host.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device fails.
    pub fn download(&self) -> Result<Values, RegridError> {
        let (values, flags) = self.field.download(&self.gpu)?;
        let valid = flags.map(|flags| {
            let mut valid = vec![false; values.len()];
            flags.write_bools(&mut valid);
            valid
        });
        Ok(Values { values, valid })
    }

    /// The field: one slab of one lane.
    pub fn field(&self) -> &DeviceField<f64> {
        &self.field
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }
}

impl FieldValues {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.sides.len
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.sides.len == 0
    }

    /// Whether they were made on a device.
    pub fn is_made_on_device(&self) -> bool {
        self.sides.made_on_device
    }

    /// The values on the host, copied there if they are not there yet.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device fails.
    pub fn host(&self) -> Result<&Values, RegridError> {
        #[cfg(feature = "gpu")]
        if self.sides.made_on_device {
            self.copied.store(true, Relaxed);
            if let (None, Some(device)) = (self.sides.host.get(), self.sides.device.get()) {
                let values = device.download()?;
                // Another thread may have been first, with the same values.
                let _ = self.sides.host.set(values);
            }
        }
        Ok(self.sides.host.get().expect("values are on one side"))
    }

    /// The values on a device, copied there if they are not there yet.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device fails.
    #[cfg(feature = "gpu")]
    pub fn on_device(&self, gpu: &Gpu) -> Result<&DeviceValues, RegridError> {
        if !self.sides.made_on_device {
            self.copied.store(true, Relaxed);
            if let (None, Some(host)) = (self.sides.device.get(), self.sides.host.get()) {
                let values = DeviceValues::upload(gpu, host)?;
                let _ = self.sides.device.set(values);
            }
        }
        Ok(self.sides.device.get().expect("values are on one side"))
    }

    /// Whether they have flags, which may say that some are missing.
    pub(crate) fn can_lack_values(&self) -> bool {
        #[cfg(feature = "gpu")]
        if let Some(there) = self.made_there() {
            return there.field.has_flags();
        }
        self.sides.host.get().is_some_and(|values| values.valid.is_some())
    }

    /// The values on the device where they were made.
    #[cfg(feature = "gpu")]
    pub(crate) fn made_there(&self) -> Option<&DeviceValues> {
        self.sides.device.get().filter(|_| self.sides.made_on_device)
    }

    /// The values to change, on the host alone.
    ///
    /// # Errors
    /// As [`FieldValues::host`].
    pub fn host_mut(&mut self) -> Result<&mut Values, RegridError> {
        if self.sides.made_on_device || Arc::get_mut(&mut self.sides).is_none() {
            *self = Self::from(self.host()?.clone());
        }
        let sides = Arc::get_mut(&mut self.sides).expect("nobody else has them");
        #[cfg(feature = "gpu")]
        sides.device.take();
        Ok(sides.host.get_mut().expect("they were made here"))
    }

    /// Whether this handle has asked for the side where the values were not made.
    pub(crate) fn was_copied(&self) -> bool {
        self.copied.load(Relaxed)
    }

    /// The memory of the values on the host, if nobody else has them.
    pub(crate) fn into_memory(self) -> Option<Vec<f64>> {
        Arc::into_inner(self.sides)?.host.into_inner().map(|values| values.values)
    }
}

impl Clone for FieldValues {
    fn clone(&self) -> Self {
        Self { sides: Arc::clone(&self.sides), copied: AtomicBool::new(false) }
    }
}

impl PartialEq for FieldValues {
    /// Values are compared on the host; such that cannot be copied there are equal to none.
    fn eq(&self, other: &Self) -> bool {
        match (self.host(), other.host()) {
            (Ok(one), Ok(two)) => one == two,
            _ => false,
        }
    }
}

impl From<Values> for FieldValues {
    fn from(values: Values) -> Self {
        let sides = Sides {
            len: values.len(),
            host: OnceLock::from(values),
            #[cfg(feature = "gpu")]
            device: OnceLock::new(),
            made_on_device: false,
        };
        Self { sides: Arc::new(sides), copied: AtomicBool::new(false) }
    }
}

impl From<Vec<f64>> for FieldValues {
    fn from(values: Vec<f64>) -> Self {
        Values::new(values).into()
    }
}

#[cfg(feature = "gpu")]
impl From<DeviceValues> for FieldValues {
    fn from(values: DeviceValues) -> Self {
        let len = values.field.shape().cells;
        let sides = Sides { len, host: OnceLock::new(), device: OnceLock::from(values), made_on_device: true };
        Self { sides: Arc::new(sides), copied: AtomicBool::new(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_is_changed_for_nobody_else() {
        let mut one = FieldValues::from(vec![1.0, 2.0]);
        let two = one.clone();
        one.host_mut().expect("on the host").values[0] = 5.0;
        assert_eq!(
            (&one.host().expect("here").values[..], &two.host().expect("here").values[..]),
            (&[5.0, 2.0][..], &[1.0, 2.0][..])
        );
        assert!(one != two && !one.was_copied());
        assert_eq!(one.into_memory(), Some(vec![5.0, 2.0]));
        assert_eq!((two.clone().into_memory(), two.into_memory()), (None, Some(vec![1.0, 2.0])));
    }
}
