//! From raw values to values and validity: missing values, valid ranges, packing, in that order.
//!
//! | attribute | applies to | compared |
//! |---|---|---|
//! | `_FillValue`, `missing_value` (each may have several values) | all variables | raw, in the type of the variable |
//! | default fill of the NetCDF library | variables without `_FillValue`, not 8-bit, while filling is on | raw |
//! | `valid_range`, `valid_min`, `valid_max` | data variables; on coordinates only remarked | raw; decoded if its type is that of unpacked values |
//! | `scale_factor`, `add_offset` | all variables | |

mod quick;

use crate::IoError;
use crate::nc::{File, ValueType, Variable};
use knarr_field::{Attribute, NumberType};

/// What NaN means where no attribute says that it is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanPolicy {
    /// An error: nobody said what it means.
    #[default]
    Error,
    /// Missing.
    Missing,
}

/// What values are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Values of interest: valid ranges apply.
    Data,
    /// Coordinates: a valid range that would mask them is only remarked.
    Coordinate,
}

/// Values decoded, with validity.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Values; 0 where not valid.
    pub values: Vec<f64>,
    /// Which are valid; `None` if all are.
    pub valid: Option<Vec<bool>>,
}

/// The rules of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    number: NumberType,
    unsigned: bool,
    missing: Vec<f64>,
    nan_is_missing: bool,
    raw_range: Option<(f64, f64)>,
    decoded_range: Option<(f64, f64)>,
    scale: f64,
    offset: f64,
    remarks: Vec<String>,
}

impl Decoder {
    /// Reads the rules from a variable's attributes.
    ///
    /// # Errors
    /// [`IoError::WrongType`] if it is not numeric, [`IoError::BadAttribute`] if packing is not a number,
    /// [`IoError::Netcdf`] if the file cannot be read.
    pub fn new(file: &File, variable: &Variable, purpose: Purpose) -> Result<Self, IoError> {
        let ValueType::Number(number) = variable.value_type else {
            return Err(IoError::WrongType {
                path: file.path().to_owned(),
                variable: variable.name.clone(),
                found: variable.value_type.to_string(),
                expected: "a number",
            });
        };
        let mut decoder = Self {
            number,
            unsigned: false,
            missing: Vec::new(),
            nan_is_missing: false,
            raw_range: None,
            decoded_range: None,
            scale: 1.0,
            offset: 0.0,
            remarks: Vec::new(),
        };
        decoder.unsigned =
            !number.is_float() && variable.attributes.text("_Unsigned").is_some_and(|t| t.eq_ignore_ascii_case("true"));
        for (name, slot) in [("scale_factor", 0), ("add_offset", 1)] {
            let Some(attribute) = variable.attributes.get(name) else { continue };
            let value = attribute.number().filter(|v| v.is_finite()).ok_or_else(|| IoError::BadAttribute {
                path: file.path().to_owned(),
                variable: variable.name.clone(),
                attribute: name.to_owned(),
                problem: format!("found `{attribute}`, expected a finite number"),
            })?;
            *(if slot == 0 { &mut decoder.scale } else { &mut decoder.offset }) = value;
        }
        decoder.read_missing(variable);
        // Bytes have no default fill: all 256 values may be data.
        if !variable.attributes.contains("_FillValue") && number.size() > 1 {
            decoder.missing.extend(file.fill_in_effect(&variable.name)?);
        }
        decoder.read_range(variable, purpose);
        Ok(decoder)
    }

    /// What was contradictory or left aside.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Type of the raw values.
    pub(crate) fn number(&self) -> NumberType {
        self.number
    }

    /// Whether values are packed.
    pub fn is_packed(&self) -> bool {
        self.scale != 1.0 || self.offset != 0.0
    }

    /// Whether raw values can be missing by the attributes, rather than by a default of the library.
    pub fn declares_missing(&self, variable: &Variable) -> bool {
        ["_FillValue", "missing_value"].iter().any(|name| variable.attributes.contains(name))
            || self.raw_range.is_some()
            || self.decoded_range.is_some()
    }

    /// Decodes raw values in place of the file's type widened to `f64`.
    ///
    /// # Errors
    /// The index of the first value that is not finite, under [`NanPolicy::Error`].
    pub fn decode(&self, mut raw: Vec<f64>, nan: NanPolicy) -> Result<Decoded, usize> {
        let mut valid: Option<Vec<bool>> = None;
        let len = raw.len();
        let span = self.unsigned.then(|| 2f64.powi(8 * self.number.size() as i32));
        for (i, value) in raw.iter_mut().enumerate() {
            if let Some(span) = span.filter(|_| *value < 0.0) {
                *value += span;
            }
            let mut ok = !self.missing.contains(value) && self.raw_range.is_none_or(|(low, high)| in_range(*value, low, high));
            if ok && !value.is_finite() {
                if !self.nan_is_missing && nan == NanPolicy::Error {
                    return Err(i);
                }
                ok = false;
            }
            if ok {
                if self.scale != 1.0 || self.offset != 0.0 {
                    *value = *value * self.scale + self.offset;
                }
                ok = self.decoded_range.is_none_or(|(low, high)| in_range(*value, low, high));
            }
            if !ok {
                *value = 0.0;
                valid.get_or_insert_with(|| vec![true; len])[i] = false;
            }
        }
        Ok(Decoded { values: raw, valid })
    }

    fn read_missing(&mut self, variable: &Variable) {
        for name in ["_FillValue", "missing_value"] {
            let Some(attribute) = variable.attributes.get(name) else { continue };
            let Attribute::Numbers(values, stored) = attribute else {
                self.remarks.push(format!("`{name}` is text (`{attribute}`), it is not used"));
                continue;
            };
            for &value in values {
                if value.is_nan() {
                    self.nan_is_missing = true;
                    continue;
                }
                for candidate in as_written(value, *stored, self.number) {
                    match self.represent(candidate) {
                        Some(raw) => self.missing.push(raw),
                        None => self.remarks.push(format!("`{name}` {value} does not fit {}, it is not used", self.number)),
                    }
                }
            }
        }
    }

    fn read_range(&mut self, variable: &Variable, purpose: Purpose) {
        let bound = |name: &str, index: usize| match variable.attributes.get(name) {
            Some(Attribute::Numbers(values, stored)) => values.get(index).map(|&v| (v, *stored)),
            _ => None,
        };
        let low = bound("valid_range", 0).or_else(|| bound("valid_min", 0));
        let high = bound("valid_range", 1).or_else(|| bound("valid_max", 0));
        let Some(stored) = low.or(high).map(|(_, stored)| stored) else {
            for name in ["valid_range", "valid_min", "valid_max"].iter().filter(|n| variable.attributes.contains(n)) {
                self.remarks.push(format!("`{name}` is not numeric, it is not used"));
            }
            return;
        };
        let range = (low.map_or(f64::NEG_INFINITY, |(v, _)| v), high.map_or(f64::INFINITY, |(v, _)| v));
        if range.0.is_nan() || range.1.is_nan() || range.0 > range.1 {
            self.remarks.push(format!("the valid range {} to {} is empty, it is not used", range.0, range.1));
        } else if purpose == Purpose::Coordinate {
            self.remarks.push("a coordinate has a valid range, it is not used to mask it".to_owned());
        } else if self.is_packed() && stored.is_float() && !self.number.is_float() {
            // NetCDF Users' Guide: a range of the unpacked type is in unpacked units.
            self.decoded_range = Some(range);
        } else {
            // A bound is held by the variable's type, as its values are: 0.1 in single precision is not below 0.1.
            let held = |v: f64| self.represent(v).filter(|_| v.is_finite()).unwrap_or(v);
            self.raw_range = Some((held(range.0), held(range.1)));
        }
    }

    /// `value` as a raw value of the variable would appear.
    fn represent(&self, value: f64) -> Option<f64> {
        if !self.unsigned {
            return self.number.represent(value);
        }
        let span = 2f64.powi(8 * self.number.size() as i32);
        let whole = if value < 0.0 { value.trunc() + span } else { value.trunc() };
        (0.0..span).contains(&whole).then_some(whole)
    }
}

/// The values that may be meant: a single-precision 1e20 beside double-precision values stands for either.
fn as_written(value: f64, stored: NumberType, number: NumberType) -> Vec<f64> {
    let mut candidates = vec![value];
    if stored == NumberType::F32 && number == NumberType::F64 {
        let decimal = (value as f32).to_string().parse().unwrap_or(value);
        if decimal != value {
            candidates.push(decimal);
        }
    }
    candidates
}

/// NaN is in every range: other rules judge it.
fn in_range(value: f64, low: f64, high: f64) -> bool {
    !(value < low || value > high)
}

/// Reads and decodes a whole variable.
///
/// # Errors
/// As [`Decoder::new`] and [`File::read`]; [`IoError::NanWithoutFill`].
pub fn read_decoded(file: &File, name: &str, purpose: Purpose, nan: NanPolicy) -> Result<Decoded, IoError> {
    let variable = file.variable(name)?;
    let decoder = Decoder::new(file, variable, purpose)?;
    decoder.decode(file.read(name)?, nan).map_err(|first_index| IoError::NanWithoutFill {
        path: file.path().to_owned(),
        variable: name.to_owned(),
        first_index,
    })
}
