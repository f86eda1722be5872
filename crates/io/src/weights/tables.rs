//! A NetCDF file of numeric tables, read block by block.

use super::raw::{Indices, NOWHERE, malformed};
use crate::IoError;
use crate::nc::{File, Numbers, Variable};
use knarr_grid::LonLat;
use std::ops::Range;
use std::path::Path;

/// Values read at a time where they are not kept as they are.
const BLOCK: usize = 1 << 18;

/// A NetCDF file of numeric tables.
pub(crate) struct Tables {
    file: File,
}

impl Tables {
    pub fn open(path: &Path) -> Result<Self, IoError> {
        Ok(Self { file: File::open(path)? })
    }

    pub fn has(&self, name: &str) -> bool {
        self.file.find(name).is_some()
    }

    /// Length of a dimension that must be there.
    pub fn needed_dimension(&self, name: &str) -> Result<usize, IoError> {
        let found = self.file.dimensions().iter().find(|d| d.name == name);
        found.map(|d| d.len).ok_or_else(|| self.malformed(format!("dimension `{name}` is missing")))
    }

    /// Values of a variable that must be there with `expected` values.
    pub fn needed(&self, name: &str, expected: usize) -> Result<Vec<f64>, IoError> {
        self.sized(name, expected)?.ok_or_else(|| self.malformed(format!("variable `{name}` is missing")))
    }

    /// The first of every `width` values of a variable that must be there, and whether the others are all 0.
    pub fn first_of(&self, name: &str, rows: usize, width: usize) -> Result<(Vec<f64>, bool), IoError> {
        if width == 1 {
            return Ok((self.needed(name, rows)?, true));
        }
        let variable = self.checked(name, rows * width)?;
        let (mut first, mut alone, mut at) = (Vec::with_capacity(rows), true, 0);
        for part in parts(variable) {
            for value in self.file.read_part(name, &part)? {
                if at % width == 0 {
                    first.push(value);
                } else {
                    alone &= value == 0.0;
                }
                at += 1;
            }
        }
        Ok((first, alone))
    }

    /// Indices less `base` of a variable that must be there with `links` values; those of no cell are [`NOWHERE`].
    pub fn indices(&self, name: &str, links: usize, base: i64, cells: usize) -> Result<Indices, IoError> {
        let variable = self.checked(name, links)?;
        let cell_count = cells.min(NOWHERE as usize) as i64;
        let mut indices = Indices { cells: Vec::with_capacity(links), outside: None };
        for part in parts(variable) {
            let start = indices.cells.len();
            let cell = |index: i64| if (0..cell_count).contains(&index) { index as u32 } else { NOWHERE };
            match self.file.read_numbers(name, &part)? {
                Numbers::I32(stored) => {
                    indices.cells.extend(stored.iter().map(|&i| cell(i64::from(i) - base)));
                    note_outside(&mut indices, start, |k| i64::from(stored[k]) - base);
                }
                Numbers::I64(stored) => {
                    indices.cells.extend(stored.iter().map(|&i| cell(i.saturating_sub(base))));
                    note_outside(&mut indices, start, |k| stored[k].saturating_sub(base));
                }
                _ => {
                    let stored = self.whole_numbers(name, &part)?;
                    indices.cells.extend(stored.iter().map(|&i| cell(i - base)));
                    note_outside(&mut indices, start, |k| stored[k] - base);
                }
            }
        }
        Ok(indices)
    }

    fn whole_numbers(&self, name: &str, part: &[Range<usize>]) -> Result<Vec<i64>, IoError> {
        let values = self.file.read_part(name, part)?;
        if let Some(odd) = values.iter().find(|v| v.fract() != 0.0 || v.abs() > 9e15) {
            return Err(self.malformed(format!("variable `{name}` has {odd}, expected whole numbers")));
        }
        Ok(values.into_iter().map(|v| v as i64).collect())
    }

    /// Values of an optional variable with `expected` values.
    pub fn sized(&self, name: &str, expected: usize) -> Result<Option<Vec<f64>>, IoError> {
        if !self.has(name) {
            return Ok(None);
        }
        self.checked(name, expected)?;
        self.file.read(name).map(Some)
    }

    /// Which of `expected` values of an optional variable are not 0.
    pub fn flags(&self, name: &str, expected: usize) -> Result<Option<Vec<bool>>, IoError> {
        if !self.has(name) {
            return Ok(None);
        }
        let mut flags = Vec::with_capacity(expected);
        for part in parts(self.checked(name, expected)?) {
            match self.file.read_numbers(name, &part)? {
                Numbers::I32(stored) => flags.extend(stored.iter().map(|&flag| flag != 0)),
                _ => flags.extend(self.file.read_part(name, &part)?.iter().map(|&flag| flag != 0.0)),
            }
        }
        Ok(Some(flags))
    }

    /// A variable that must be there with `expected` values.
    fn checked(&self, name: &str, expected: usize) -> Result<&Variable, IoError> {
        match self.file.find(name) {
            None => Err(self.malformed(format!("variable `{name}` is missing"))),
            Some(variable) if variable.len() != expected => {
                Err(self.malformed(format!("variable `{name}` has {} values, expected {expected}", variable.len())))
            }
            Some(variable) => Ok(variable),
        }
    }

    /// A text attribute of the file.
    pub fn text(&self, name: &str) -> Option<String> {
        self.file.attributes().text(name).map(|t| t.trim().to_owned())
    }

    /// A number among the attributes of the file.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.file.attributes().number(name).filter(|value| value.is_finite())
    }

    /// An integer attribute of a variable.
    pub fn integer(&self, variable: &str, name: &str) -> Option<i64> {
        self.file.find(variable)?.attributes.number(name).map(|n| n as i64)
    }

    fn units(&self, variable: &str) -> String {
        self.file.find(variable).and_then(|v| v.attributes.text("units")).unwrap_or_default().to_lowercase()
    }

    /// Centers from two variables, in degrees whatever their units.
    pub fn centers(&self, lon: &str, lat: &str, len: usize) -> Result<Option<Vec<LonLat>>, IoError> {
        if !self.has(lon) || !self.has(lat) {
            return Ok(None);
        }
        let (lons, lats) = (parts(self.checked(lon, len)?), parts(self.checked(lat, len)?));
        let radians = [lon, lat].map(|name| self.units(name).starts_with("rad"));
        let in_degrees = |is_radians: bool, value: f64| if is_radians { value.to_degrees() } else { value };
        let mut centers = Vec::with_capacity(len);
        for (lon_part, lat_part) in lons.into_iter().zip(lats) {
            let (lons, lats) = (self.file.read_part(lon, &lon_part)?, self.file.read_part(lat, &lat_part)?);
            centers.extend(lons.into_iter().zip(lats).map(|(lon_deg, lat_deg)| LonLat {
                lon_deg: in_degrees(radians[0], lon_deg),
                lat_deg: in_degrees(radians[1], lat_deg),
            }));
        }
        Ok(Some(centers))
    }

    /// Areas in steradians; others are left out with a note.
    pub fn areas(&self, name: &str, len: usize, notes: &mut Vec<String>) -> Result<Option<Vec<f64>>, IoError> {
        let Some(areas) = self.sized(name, len)? else { return Ok(None) };
        let units = self.units(name);
        if units.starts_with('m') || units.starts_with("km") {
            notes.push(format!("`{name}` in `{units}` is left out: areas are taken in steradians only"));
            return Ok(None);
        }
        Ok(Some(areas))
    }

    /// Extents of a grid, stored fastest first; `[len]` where they do not fit.
    pub fn shape(&self, name: &str, len: usize) -> Result<Vec<usize>, IoError> {
        let mut shape = vec![len];
        if let Some(variable) = self.file.find(name) {
            let whole: Vec<Range<usize>> = variable.dims.iter().map(|d| 0..d.len).collect();
            let stored: Vec<usize> = self.whole_numbers(name, &whole)?.into_iter().rev().map(|n| n.max(0) as usize).collect();
            if !stored.is_empty() && stored.iter().product::<usize>() == len {
                shape = stored;
            }
        }
        Ok(shape)
    }

    pub fn malformed(&self, problem: impl Into<String>) -> IoError {
        malformed(self.file.path(), problem)
    }
}

/// Parts of a variable, one after the other in its values, of about [`BLOCK`] values; one for a scalar.
fn parts(variable: &Variable) -> Vec<Vec<Range<usize>>> {
    let Some((first, others)) = variable.dims.split_first() else { return vec![Vec::new()] };
    let width: usize = others.iter().map(|d| d.len).product();
    let rows = (BLOCK / width.max(1)).max(1);
    let part = |start: usize| {
        let others = others.iter().map(|d| 0..d.len);
        std::iter::once(start..first.len.min(start + rows)).chain(others).collect()
    };
    (0..first.len).step_by(rows).map(part).collect()
}

/// Keeps the first index outside, if it is among those from `start` on.
fn note_outside(indices: &mut Indices, start: usize, stored: impl Fn(usize) -> i64) {
    if indices.outside.is_none()
        && let Some(k) = indices.cells[start..].iter().position(|&cell| cell == NOWHERE)
    {
        indices.outside = Some((start + k, stored(k)));
    }
}
