//! Whole NetCDF files of tables: grids and weights.

use crate::nc::{Numbers, ValueType};
use crate::nc_write::{NewFile, NewVariable};
use crate::{IoError, LayoutData, LayoutVariable};
use knarr_field::{Attributes, NumberType};
use std::path::Path;

/// Dimensions, variables and attributes of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub dims: Vec<(String, usize)>,
    pub variables: Vec<LayoutVariable>,
    pub attributes: Attributes,
}

impl Tables {
    pub fn dim(&mut self, name: &str, len: usize) {
        self.dims.push((name.to_owned(), len));
    }

    pub fn numbers(&mut self, name: &str, dims: &[&str], values: Vec<f64>, attributes: &[(&str, &str)]) {
        self.variable(name, dims, LayoutData::F64(values), attributes);
    }

    pub fn integers(&mut self, name: &str, dims: &[&str], values: Vec<i32>, attributes: &[(&str, &str)]) {
        self.variable(name, dims, LayoutData::I32(values), attributes);
    }

    pub fn variable(&mut self, name: &str, dims: &[&str], data: LayoutData, attributes: &[(&str, &str)]) {
        self.variables.push(layout_variable(name, dims, data, attributes));
    }

    /// Writes a NetCDF-4 file; nothing is left behind where that fails.
    pub fn write(self, path: &Path, overwrite: bool) -> Result<(), IoError> {
        let mut file = NewFile::create(path, overwrite)?;
        file.add_attributes(&self.attributes)?;
        for (name, len) in &self.dims {
            file.add_dimension(name, *len, false)?;
        }
        for variable in &self.variables {
            let number = match variable.data {
                LayoutData::F64(_) => NumberType::F64,
                LayoutData::I32(_) | LayoutData::None => NumberType::I32,
            };
            file.add_variable(&NewVariable {
                name: variable.name.clone(),
                dims: variable.dims.clone(),
                value_type: ValueType::Number(number),
                fill: variable.attributes.number("_FillValue"),
                attributes: variable.attributes.clone(),
                chunks: None,
                // Coordinates and weights hardly shrink, and other programs read them fastest as they are.
                compressed: false,
            })?;
        }
        for variable in self.variables {
            let len = |name: &String| self.dims.iter().find(|d| d.0 == *name).map_or(0, |d| d.1);
            let whole: Vec<_> = variable.dims.iter().map(|name| 0..len(name)).collect();
            let numbers = match variable.data {
                LayoutData::F64(values) => Numbers::F64(values),
                LayoutData::I32(values) => Numbers::I32(values),
                LayoutData::None => Numbers::I32(vec![0]),
            };
            if !whole.iter().any(|r| r.is_empty()) {
                file.put_numbers(&variable.name, &whole, &numbers)?;
            }
        }
        file.finish()
    }
}

pub(crate) fn layout_variable(name: &str, dims: &[&str], data: LayoutData, attributes: &[(&str, &str)]) -> LayoutVariable {
    LayoutVariable {
        name: name.to_owned(),
        dims: dims.iter().map(|&d| d.to_owned()).collect(),
        data,
        attributes: attributes.iter().copied().collect(),
    }
}
