//! The fields that go into and come out of a step.

#[cfg(feature = "gpu")]
use crate::DeviceValues;
use crate::{ComponentError, Declaration, FieldValues};
#[cfg(feature = "gpu")]
use knarr_kernels::gpu::Gpu;

/// Values of one field at one time, one for each cell of its grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// The values; what stands where a value is missing means nothing.
    pub values: Vec<f64>,
    /// Which are valid; `None` if all are.
    pub valid: Option<Vec<bool>>,
}

impl Values {
    /// Valid values.
    pub fn new(values: Vec<f64>) -> Self {
        Self { values, valid: None }
    }

    /// The same value in every cell.
    pub fn constant(len: usize, value: f64) -> Self {
        Self::new(vec![value; len])
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether the value of a cell is there.
    pub fn is_valid(&self, cell: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid[cell])
    }

    /// The value of a cell, `None` if it is missing.
    pub fn get(&self, cell: usize) -> Option<f64> {
        self.is_valid(cell).then(|| self.values[cell])
    }
}

/// Fields by name, in the order of a declaration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    names: Vec<String>,
    values: Vec<Option<FieldValues>>,
}

impl Fields {
    /// Places for the imports of a declaration; none is there yet.
    pub fn for_imports(declaration: &Declaration) -> Self {
        let names: Vec<String> = declaration.imports.iter().map(|i| i.name.clone()).collect();
        Self { values: vec![None; names.len()], names }
    }

    /// The exports of a declaration: as long as their grids, every value missing.
    pub fn for_exports(declaration: &Declaration) -> Self {
        let names = declaration.exports.iter().map(|e| e.name.clone()).collect();
        let missing = |len: usize| Some(Values { values: vec![0.0; len], valid: Some(vec![false; len]) }.into());
        let values = declaration.exports.iter().map(|e| missing(declaration.grids[e.grid].grid.len())).collect();
        Self { names, values }
    }

    /// Names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which place a name has.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// A field that may not be there, on the host.
    ///
    /// # Errors
    /// [`ComponentError::Regrid`] if it cannot be copied from a device.
    pub fn find(&self, name: &str) -> Result<Option<&Values>, ComponentError> {
        let Some(field) = self.position(name).and_then(|position| self.values[position].as_ref()) else { return Ok(None) };
        Ok(Some(field.host()?))
    }

    /// A field, on the host.
    ///
    /// # Errors
    /// [`ComponentError::NoField`] if it is not there; as [`Fields::find`].
    pub fn get(&self, name: &str) -> Result<&Values, ComponentError> {
        self.find(name)?.ok_or_else(|| ComponentError::NoField { field: name.to_owned() })
    }

    /// A field, on a device.
    ///
    /// # Errors
    /// [`ComponentError::NoField`] if it is not there; [`ComponentError::Regrid`] if it cannot be copied to the device.
    #[cfg(feature = "gpu")]
    pub fn on_device(&self, name: &str, gpu: &Gpu) -> Result<&DeviceValues, ComponentError> {
        let field = self.position(name).and_then(|position| self.values[position].as_ref());
        Ok(field.ok_or_else(|| ComponentError::NoField { field: name.to_owned() })?.on_device(gpu)?)
    }

    /// A field to change, on the host.
    ///
    /// # Errors
    /// [`ComponentError::NoField`] if it is not there; as [`Fields::find`].
    pub fn get_mut(&mut self, name: &str) -> Result<&mut Values, ComponentError> {
        let missing = || ComponentError::NoField { field: name.to_owned() };
        let position = self.position(name).ok_or_else(missing)?;
        Ok(self.values[position].as_mut().ok_or_else(missing)?.host_mut()?)
    }

    /// Puts values into a field, from the host or a device.
    ///
    /// # Errors
    /// [`ComponentError::NoField`] if no such field was declared.
    pub fn set(&mut self, name: &str, values: impl Into<FieldValues>) -> Result<(), ComponentError> {
        let position = self.position(name).ok_or_else(|| ComponentError::NoField { field: name.to_owned() })?;
        self.values[position] = Some(values.into());
        Ok(())
    }

    /// The field in a place, wherever its values are.
    pub fn at(&self, position: usize) -> Option<&FieldValues> {
        self.values[position].as_ref()
    }

    /// The place of a field.
    pub fn slot(&mut self, position: usize) -> &mut Option<FieldValues> {
        &mut self.values[position]
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Self::new(values)
    }
}
