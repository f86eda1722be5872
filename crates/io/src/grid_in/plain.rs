//! Coordinates in plain numbers, read whole or some at a time: corners of meshes are many, and few of them are needed at once.

use super::context::is_radian;
use crate::IoError;
use crate::nc::{File, Variable};
use std::ops::Range;

/// Values that are read at a time, about: enough that a call costs little beside it, few enough to stay in cache.
const STRETCH: usize = 1 << 16;
/// The same where they come in chunks, which several threads decompress.
const STRETCH_OF_CHUNKS: usize = 1 << 21;

/// What makes plain numbers of a variable's values: what the file calls missing is NaN, packing is undone.
pub(super) struct Plain<'f> {
    file: &'f File,
    variable: &'f Variable,
    missing: Vec<f64>,
    scale: f64,
    offset: f64,
    in_radians: bool,
}

impl<'f> Plain<'f> {
    /// Flags as they are: a value that a file calls missing may be the one that says a cell takes no part.
    pub fn flags(file: &'f File, variable: &'f Variable) -> Self {
        Self { file, variable, missing: Vec::new(), scale: 1.0, offset: 0.0, in_radians: false }
    }

    /// In the variable's own units.
    pub fn numbers(file: &'f File, variable: &'f Variable) -> Self {
        let attributes = &variable.attributes;
        let missing = ["_FillValue", "missing_value"].iter().flat_map(|name| attributes.numbers(name).unwrap_or_default());
        Self {
            missing: missing.copied().collect(),
            scale: attributes.number("scale_factor").unwrap_or(1.0),
            offset: attributes.number("add_offset").unwrap_or(0.0),
            ..Self::flags(file, variable)
        }
    }

    /// Angles in degrees; `units_of` has the units where the variable has none.
    pub fn degrees(file: &'f File, variable: &'f Variable, units_of: Option<&Variable>) -> Self {
        let units = [Some(variable), units_of].into_iter().flatten().find_map(|v| v.attributes.text("units"));
        Self { in_radians: units.is_some_and(is_radian), ..Self::numbers(file, variable) }
    }

    /// All of them.
    pub fn whole(&self) -> Result<Vec<f64>, IoError> {
        let mut values = self.file.read(&self.variable.name)?;
        self.make_plain(&mut values);
        Ok(values)
    }

    /// Those within a part of the first dimension.
    fn within(&self, part: Range<usize>) -> Result<Vec<f64>, IoError> {
        let rest = self.variable.dims.iter().skip(1).map(|d| 0..d.len);
        let mut values = self.file.read_part(&self.variable.name, &std::iter::once(part).chain(rest).collect::<Vec<_>>())?;
        self.make_plain(&mut values);
        Ok(values)
    }

    fn make_plain(&self, values: &mut [f64]) {
        for &missing in &self.missing {
            values.iter_mut().for_each(|v| *v = if *v == missing { f64::NAN } else { *v });
        }
        // Coordinates are never this large: a fill value that no attribute names.
        values.iter_mut().for_each(|v| *v = if v.abs() > 1e15 { f64::NAN } else { *v });
        if self.scale != 1.0 || self.offset != 0.0 {
            values.iter_mut().for_each(|v| *v = *v * self.scale + self.offset);
        }
        if self.in_radians {
            values.iter_mut().for_each(|v| *v = v.to_degrees());
        }
    }

    /// How much of the first dimension is read at a time, whole chunks.
    fn step(&self) -> usize {
        let width = self.variable.dims.iter().skip(1).map(|d| d.len).product::<usize>().max(1);
        match self.variable.chunks.as_ref().and_then(|chunks| chunks.first()) {
            Some(&chunk) => (STRETCH_OF_CHUNKS / width).max(1).next_multiple_of(chunk.max(1)),
            None => (STRETCH / width).max(1),
        }
    }
}

/// Calls `take` with stretches of variables of the same dimensions, one after another; with the whole where those differ.
pub(super) fn each_stretch<const N: usize>(
    variables: &[Plain<'_>; N],
    mut take: impl FnMut(&[Vec<f64>; N]),
) -> Result<(), IoError> {
    let lens = |variable: &Variable| variable.dims.iter().map(|d| d.len).collect::<Vec<_>>();
    let first = lens(variables[0].variable);
    if first.is_empty() || variables.iter().any(|other| lens(other.variable) != first) {
        let mut values = [const { Vec::new() }; N];
        for (values, variable) in values.iter_mut().zip(variables) {
            *values = variable.whole()?;
        }
        take(&values);
        return Ok(());
    }
    let len = first[0];
    let step = variables.iter().map(Plain::step).max().unwrap_or(1);
    for start in (0..len).step_by(step) {
        let mut values = [const { Vec::new() }; N];
        for (values, variable) in values.iter_mut().zip(variables) {
            *values = variable.within(start..len.min(start + step))?;
        }
        take(&values);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_the_whole() {
        const CELLS: usize = 40_000;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("corners.nc");
        let values: Vec<f64> = (0..4 * CELLS).map(|k| if k % 1009 == 17 { -999.0 } else { k as f64 * 1e-5 }).collect();
        {
            let mut file = netcdf::create(&path).expect("a file");
            for (name, len) in [("cell", CELLS), ("corner", 4), ("half", CELLS / 2), ("eight", 8)] {
                file.add_dimension(name, len).expect("a dimension");
            }
            for (name, dims) in [("whole", ["cell", "corner"]), ("chunked", ["cell", "corner"]), ("other", ["half", "eight"])] {
                let mut variable = file.add_variable::<f64>(name, &dims).expect("a variable");
                if name == "chunked" {
                    variable.set_chunking(&[7000, 4]).expect("chunks");
                }
                variable.put_attribute("missing_value", -999.0).expect("an attribute");
                variable.put_attribute("units", "radians").expect("an attribute");
                variable.put_values(&values, ..).expect("values");
            }
        }
        let file = File::open(&path).expect("a file");
        let plain = |name: &str| Plain::degrees(&file, file.variable(name).expect("a variable"), None);
        let expected: Vec<u64> = values.iter().map(|&v| if v == -999.0 { f64::NAN } else { v.to_degrees() }.to_bits()).collect();
        for (names, calls) in [(["whole"; 2], 3), (["whole", "chunked"], 1), (["whole", "other"], 1)] {
            let (mut found, mut count) = ([Vec::new(), Vec::new()], 0);
            each_stretch(&names.map(plain), |stretches| {
                count += 1;
                found.iter_mut().zip(stretches).for_each(|(all, some)| all.extend(some.iter().map(|v| v.to_bits())));
            })
            .expect("values");
            assert!(found.iter().all(|all| *all == expected), "{names:?}");
            assert_eq!(count, calls, "{names:?}");
        }
    }
}
