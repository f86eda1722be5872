//! One variable of a file with its grid, and one slab of it.

use crate::failure::Failure;
use crate::options;
use knarr::io::times::{self, VariableTime};
use knarr::io::{Dataset, NanPolicy, Role, VariableGrid, VariableInfo, match_dims_by_size, read_grid};

/// The grid of a variable: from the file, or the named one, matched by dimension sizes.
pub fn grid_of(dataset: &Dataset, variable: &VariableInfo, source_grid: Option<&str>) -> Result<VariableGrid, Failure> {
    match source_grid {
        None => Ok(read_grid(dataset, &variable.name)?),
        Some(text) => {
            let grid = options::grid(text)?;
            let dims = match_dims_by_size(dataset, variable, &grid)?;
            Ok(VariableGrid { grid, dims, coordinate_variables: Vec::new() })
        }
    }
}

/// Numeric variables of interest.
pub fn data_variables(dataset: &Dataset) -> impl Iterator<Item = &VariableInfo> {
    dataset
        .variables()
        .iter()
        .filter(|v| matches!(v.role, Role::Data | Role::Ancillary) && v.dtype.number().is_some() && !v.dims.is_empty())
}

/// One slab of a variable.
pub struct Slab {
    /// One value per cell.
    pub values: Vec<f64>,
    /// Which are valid; `None` if all are.
    pub valid: Option<Vec<bool>>,
    /// Where it is in the other dimensions, in words: `2015-01-16 00:00:00`, `depth = 5 m`.
    pub place: Vec<String>,
}

/// Reads the slab at step `time` and index `level` (of each other dimension), both counted from 0.
pub fn read(
    dataset: &Dataset,
    variable: &VariableInfo,
    grid: &VariableGrid,
    (time, level): (usize, usize),
    nan: NanPolicy,
) -> Result<Slab, Failure> {
    let when = times::time_of(dataset, variable);
    let time_dim = when.as_ref().and_then(|w| w.dimension.as_deref());
    let (mut index, mut place, mut level_used, mut time_used) = (0, Vec::new(), false, false);
    for (name, len) in variable.dims.iter().filter(|(name, _)| !grid.dims.contains(name)) {
        let is_time = time_dim == Some(name.as_str());
        // A dimension of one step needs no choice.
        let wanted = match (is_time, len) {
            (_, 1) => 0,
            (true, _) => time,
            (false, _) => level,
        };
        if *len > 1 {
            time_used |= is_time;
            level_used |= !is_time;
        }
        if wanted >= *len {
            let option = if is_time { "--time" } else { "--level" };
            return Err(Failure::new(format!("`{}` has no {option} {wanted}", variable.name))
                .detail(format!("dimension `{name}` has {len} steps, counted from 0"))
                .hint(format!("use `{option} {}` or less", len.saturating_sub(1))));
        }
        index = index * len + wanted;
        if !is_time {
            place.extend(coordinate_in_words(dataset, name, wanted));
        }
    }
    for (option, wanted, used) in [("--time", time, time_used), ("--level", level, level_used)] {
        if wanted > 0 && !used {
            return Err(Failure::new(format!("`{}` has no {option} {wanted}", variable.name))
                .detail("it has no such dimension of more than one step")
                .hint(format!("leave `{option}` out")));
        }
    }
    if let Some(VariableTime { axis: Ok(axis), dimension }) = &when {
        let step = if dimension.is_some() && axis.values.len() > 1 { time } else { 0 };
        place.insert(0, axis.label(step).trim_end_matches(" 00:00:00").to_owned());
    }
    let slabs = dataset.read_slabs(&variable.name, grid, index..index + 1, nan)?;
    Ok(Slab {
        values: slabs.values.into_raw_vec_and_offset().0,
        valid: slabs.valid.map(|v| v.into_raw_vec_and_offset().0),
        place,
    })
}

fn coordinate_in_words(dataset: &Dataset, dim: &str, index: usize) -> Option<String> {
    let coordinate = dataset.variable(dim).ok().filter(|c| c.dims.len() == 1 && c.dtype.number().is_some())?;
    let value = *dataset.file().read(dim).ok()?.get(index)?;
    let units = coordinate.attributes.text("units").unwrap_or_default();
    let name = coordinate.attributes.text("standard_name").unwrap_or(dim).replace('_', " ");
    Some(format!("{name} {} {units}", crate::talk::number(value)).trim_end().to_owned())
}
