//! What goes along unchanged: coordinates, bounds, grid mappings.

use super::TranslateError;
use knarr_io::nc::ValueType;
use knarr_io::nc_write::{NewFile, NewVariable};
use knarr_io::{Dataset, Role, VariableInfo};
use std::ops::Range;

/// Values held at a time.
const BATCH: usize = 1 << 22;

/// Whether a variable describes others and goes along.
pub(super) fn goes_along(variable: &VariableInfo) -> bool {
    let describes = matches!(
        variable.role,
        Role::Coordinate | Role::Bounds | Role::GridMapping | Role::Mesh | Role::CellMeasure | Role::FormulaTerm | Role::Text
    );
    describes && !matches!(variable.dtype, ValueType::Other(_))
}

/// Adds a variable like that of the source.
pub(super) fn define(file: &mut NewFile, variable: &VariableInfo) -> Result<(), TranslateError> {
    Ok(file.add_variable(&NewVariable {
        name: variable.name.clone(),
        dims: variable.dims.iter().map(|(name, _)| name.clone()).collect(),
        value_type: variable.dtype.clone(),
        attributes: variable.attributes.clone(),
        fill: variable.attributes.number("_FillValue"),
        chunks: None,
        compressed: variable.len() > 1 << 14 && variable.dtype != ValueType::String,
    })?)
}

/// Copies the values of a variable.
pub(super) fn values(file: &mut NewFile, dataset: &Dataset, variable: &VariableInfo) -> Result<(), TranslateError> {
    let lens: Vec<usize> = variable.dims.iter().map(|(_, len)| *len).collect();
    if variable.is_empty() {
        return Ok(());
    }
    match &variable.dtype {
        ValueType::Number(_) => {
            let rows = lens.first().copied().unwrap_or(1);
            let step = (BATCH / (variable.len() / rows).max(1)).max(1);
            for start in (0..rows).step_by(step) {
                let mut part: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
                if let Some(slowest) = part.first_mut() {
                    *slowest = start..(start + step).min(rows);
                }
                file.put_numbers(&variable.name, &part, &dataset.file().read_numbers(&variable.name, &part)?)?;
            }
        }
        ValueType::Char => file.put_chars(&variable.name, &lens, &dataset.file().read_chars(&variable.name)?)?,
        ValueType::String => file.put_texts(&variable.name, &lens, &dataset.file().read_texts(&variable.name)?)?,
        ValueType::Other(_) => {}
    }
    Ok(())
}
