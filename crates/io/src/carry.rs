//! What an output has besides regridded values: coordinates of the destination, and variables copied unchanged.

use crate::nc::{ValueType, Variable};
use crate::nc_write::{NewFile, NewVariable};
use crate::output::global_attributes;
use crate::plan::Plan;
use crate::references::keep_only;
use crate::{Dataset, GridLayout, IoError, LayoutData, LayoutVariable, NanPolicy, Purpose, Role, read_decoded};
use knarr_field::NumberType;
use std::ops::Range;

/// Copied variables above this many bytes are compressed.
const COMPRESS_BYTES: usize = 1 << 16;
/// Bytes of a chunk of coordinates.
const ROW_CHUNK_BYTES: usize = 1 << 18;
/// Values of a copied variable held at a time.
const COPY_VALUES: usize = 1 << 22;

/// Adds attributes, dimensions and all variables but the regridded ones.
pub(crate) fn define(
    file: &mut NewFile,
    dataset: &Dataset,
    plan: &Plan,
    layout: &GridLayout,
    history: &str,
) -> Result<(), IoError> {
    file.add_attributes(&global_attributes(dataset.file().attributes(), layout, history))?;
    for (name, len) in &layout.dims {
        file.add_dimension(name, *len, false)?;
    }
    for dim in dataset.file().dimensions().iter().filter(|d| plan.uses_dim(dataset, &d.name)) {
        let name = plan.dim_name(layout, &dim.name, dim.len);
        if !layout.dims.iter().any(|(n, _)| *n == name) {
            file.add_dimension(&name, dim.len, dim.unlimited)?;
        }
    }
    for v in &layout.variables {
        let number = if matches!(v.data, LayoutData::F64(_)) { NumberType::F64 } else { NumberType::I32 };
        let lens = lens_of(layout, v);
        file.add_variable(&NewVariable {
            name: v.name.clone(),
            dims: v.dims.clone(),
            value_type: ValueType::Number(number),
            attributes: v.attributes.clone(),
            fill: v.attributes.number("_FillValue"),
            chunks: row_chunks(&lens, number.size()),
            compressed: !v.dims.is_empty(),
        })?;
    }
    for name in &plan.carried {
        file.add_variable(&copied(dataset, plan, layout, dataset.file().variable(name)?))?;
    }
    Ok(())
}

fn lens_of(layout: &GridLayout, v: &LayoutVariable) -> Vec<usize> {
    v.dims.iter().map(|d| layout.dims.iter().find(|(name, _)| name == d).map_or(0, |(_, len)| *len)).collect()
}

/// Chunks of whole rows where there are many, small enough for all cores to have some to encode.
fn row_chunks(lens: &[usize], size: usize) -> Option<Vec<usize>> {
    let (&rows, inner) = lens.split_first()?;
    let step = (ROW_CHUNK_BYTES / (inner.iter().product::<usize>() * size).max(1)).max(1);
    (rows > step).then(|| std::iter::once(step).chain(inner.iter().copied()).collect())
}

/// Writes the values of what [`define`] added.
pub(crate) fn fill(file: &mut NewFile, dataset: &Dataset, plan: &Plan, layout: &GridLayout) -> Result<(), IoError> {
    for v in &layout.variables {
        let lens = lens_of(layout, v);
        match &v.data {
            LayoutData::None => file.put_all(&v.name, &lens, &[0i32])?,
            LayoutData::F64(values) => file.put_all(&v.name, &lens, values)?,
            LayoutData::I32(values) => file.put_all(&v.name, &lens, values)?,
        }
    }
    for name in &plan.carried {
        copy_values(file, dataset, dataset.file().variable(name)?)?;
    }
    Ok(())
}

/// A copied variable; what its attributes name and the output lacks is taken out of them.
fn copied(dataset: &Dataset, plan: &Plan, layout: &GridLayout, v: &Variable) -> NewVariable {
    let file = dataset.file();
    let mut attributes = v.attributes.clone();
    let is_kept = |name: &str| file.find_from(&v.name, name).is_some_and(|found| plan.keeps(&found.name));
    keep_only(&mut attributes, &is_kept);
    let mut fill = v.attributes.number("_FillValue");
    // CF knows no missing values in coordinates and their bounds; some writers declare them all the same.
    let role = dataset.variable(&v.name).map(|info| info.role);
    if matches!(role, Ok(Role::Coordinate | Role::Bounds)) && fill.is_some() && is_complete(dataset, v) {
        fill = None;
        attributes.remove("missing_value");
    }
    let bytes = v.len() * v.value_type.number().map_or(1, NumberType::size);
    // One step at a time would make a chunk of each number along a dimension that grows.
    let chunks = v
        .dims
        .iter()
        .any(|d| d.unlimited)
        .then(|| v.dims.iter().map(|d| if d.unlimited { d.len.clamp(1, 512) } else { d.len.max(1) }).collect::<Vec<_>>());
    let size = v.value_type.number().map_or(16, NumberType::size);
    let chunks = chunks.filter(|c| c.iter().product::<usize>() * size <= 4 << 20);
    NewVariable {
        name: v.name.clone(),
        dims: v.dims.iter().map(|d| plan.dim_name(layout, &d.name, d.len)).collect(),
        value_type: v.value_type.clone(),
        attributes,
        fill,
        chunks,
        compressed: bytes > COMPRESS_BYTES && v.value_type != ValueType::String,
    }
}

/// Whether no value of a numeric variable is missing.
fn is_complete(dataset: &Dataset, v: &Variable) -> bool {
    let decoded = read_decoded(dataset.file(), &v.name, Purpose::Coordinate, NanPolicy::Missing);
    v.len() <= COPY_VALUES && decoded.is_ok_and(|d| d.valid.is_none())
}

fn copy_values(file: &mut NewFile, dataset: &Dataset, v: &Variable) -> Result<(), IoError> {
    let lens: Vec<usize> = v.dims.iter().map(|d| d.len).collect();
    if v.is_empty() {
        return Ok(());
    }
    match &v.value_type {
        ValueType::Number(_) => {
            // Parts along the slowest dimension, so that memory stays bounded.
            let rows = lens.first().copied().unwrap_or(1);
            let step = (COPY_VALUES / (v.len() / rows).max(1)).max(1);
            let mut start = 0;
            while start < rows {
                let end = (start + step).min(rows);
                let mut part: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
                if let Some(slowest) = part.first_mut() {
                    *slowest = start..end;
                }
                file.put_numbers(&v.name, &part, &dataset.file().read_numbers(&v.name, &part)?)?;
                start = end;
            }
            Ok(())
        }
        ValueType::Char => file.put_chars(&v.name, &lens, &dataset.file().read_chars(&v.name)?),
        ValueType::String => file.put_texts(&v.name, &lens, &dataset.file().read_texts(&v.name)?),
        // The plan leaves other types out.
        ValueType::Other(_) => Ok(()),
    }
}
