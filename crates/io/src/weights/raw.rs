//! What a weights file says, before it is judged or used.

use crate::IoError;
use crate::nc::File;
use knarr_grid::LonLat;
use std::path::Path;

/// One end of the map as its file describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawEnd {
    /// Number of cells.
    pub len: usize,
    /// Center of each cell, degrees.
    pub centers: Option<Vec<LonLat>>,
    /// Area of each cell in steradians.
    pub areas: Option<Vec<f64>>,
    /// Part of each cell that takes part.
    pub fractions: Option<Vec<f64>>,
    /// 1 = active.
    pub mask: Option<Vec<bool>>,
    /// Extents, slowest first.
    pub shape: Vec<usize>,
}

/// A weights file as read: links are 0-based but not checked.
#[derive(Clone, Debug)]
pub(crate) struct RawWeights {
    /// `ESMF`, `SCRIP` or `TempestRemap`.
    pub convention: &'static str,
    pub source: RawEnd,
    pub destination: RawEnd,
    /// Destination cell of each link.
    pub rows: Vec<i64>,
    /// Source cell of each link.
    pub columns: Vec<i64>,
    /// Weight of each link.
    pub values: Vec<f64>,
    /// Method in words.
    pub method: String,
    /// Whether the name of the method says that integrals are kept.
    pub conservative: bool,
    /// `fracarea`, `destarea` or `none`.
    pub normalization: String,
    pub source_hash: String,
    pub destination_hash: String,
    pub options_hash: String,
    /// Remarks about what was read.
    pub notes: Vec<String>,
}

impl RawWeights {
    /// Reads either layout, recognised by its variables.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let file = Tables::open(path)?;
        if file.has("S") && file.has("row") && file.has("col") {
            super::esmf::read(&file)
        } else if file.has("remap_matrix") && file.has("src_address") && file.has("dst_address") {
            super::scrip::read(&file)
        } else {
            Err(file.malformed(
                "no weights: neither `S`, `row`, `col` (ESMF) nor `remap_matrix`, `src_address`, `dst_address` (SCRIP)",
            ))
        }
    }

    /// Whether weights may be negative or above 1: methods beyond first order.
    pub fn is_higher_order(&self) -> bool {
        let method = self.method.to_lowercase();
        ["second", "2nd", "bicubic", "higher", "patch", "order 2", "order=2", "np=2", "np=3", "np=4", "gll", "bilinear extrap"]
            .iter()
            .any(|word| method.contains(word))
    }

    /// Whether both ends have areas that are not all 0.
    pub fn has_areas(&self) -> bool {
        let some = |end: &RawEnd| end.areas.as_ref().is_some_and(|a| a.iter().any(|&a| a != 0.0));
        some(&self.source) && some(&self.destination)
    }
}

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

    /// Whole numbers of a variable that must be there with `expected` values.
    pub fn indices(&self, name: &str, expected: usize) -> Result<Vec<i64>, IoError> {
        let values = self.needed(name, expected)?;
        if let Some(odd) = values.iter().find(|v| v.fract() != 0.0 || v.abs() > 9e15) {
            return Err(self.malformed(format!("variable `{name}` has {odd}, expected whole numbers")));
        }
        Ok(values.into_iter().map(|v| v as i64).collect())
    }

    /// Values of an optional variable with `expected` values.
    pub fn sized(&self, name: &str, expected: usize) -> Result<Option<Vec<f64>>, IoError> {
        let Some(variable) = self.file.find(name) else { return Ok(None) };
        if variable.len() != expected {
            return Err(self.malformed(format!("variable `{name}` has {} values, expected {expected}", variable.len())));
        }
        self.file.read(name).map(Some)
    }

    /// A text attribute of the file.
    pub fn text(&self, name: &str) -> Option<String> {
        self.file.attributes().text(name).map(|t| t.trim().to_owned())
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
        let (Some(lons), Some(lats)) = (self.sized(lon, len)?, self.sized(lat, len)?) else { return Ok(None) };
        let in_degrees = |name: &str, value: f64| if self.units(name).starts_with("rad") { value.to_degrees() } else { value };
        let place = |(l, p): (f64, f64)| LonLat { lon_deg: in_degrees(lon, l), lat_deg: in_degrees(lat, p) };
        Ok(Some(lons.into_iter().zip(lats).map(place).collect()))
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
            let stored: Vec<usize> = self.indices(name, variable.len())?.into_iter().rev().map(|n| n.max(0) as usize).collect();
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

/// A weights file that does not say what it should.
pub(crate) fn malformed(path: &Path, problem: impl Into<String>) -> IoError {
    IoError::Malformed { path: path.to_owned(), what: "weights", problem: problem.into() }
}
