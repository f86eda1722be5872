//! NetCDF files as they are: dimensions, variables with groups, attributes, raw values.
//!
//! Names of variables and dimensions in groups are paths without a leading slash: `group/name`.
//! Nothing is decoded here; see [`crate::decode`] for packing and missing values.

mod handle;
mod metadata;
mod values;

use crate::IoError;
use handle::Handle;
use knarr_field::{Attributes, NumberType};
use metadata::{dimension, read_attributes, read_group, variable};
use netcdf::Extent;
use std::ops::Range;
use std::path::{Path, PathBuf};
use values::Fast;

pub use values::Numbers;

/// Type of a variable's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Numbers.
    Number(NumberType),
    /// Single characters; texts have a dimension for their length.
    Char,
    /// Strings of any length.
    String,
    /// Compound, opaque, enumeration or variable-length types, by name; they are not read.
    Other(String),
}

impl ValueType {
    /// The type of number, if it is one.
    pub fn number(&self) -> Option<NumberType> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl std::fmt::Display for ValueType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Char => f.write_str("char"),
            Self::String => f.write_str("string"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// A dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name, with its group's path.
    pub name: String,
    /// Its length.
    pub len: usize,
    /// Whether it can grow.
    pub unlimited: bool,
}

/// A variable without its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name, with its group's path.
    pub name: String,
    /// Its dimensions, slowest first.
    pub dims: Vec<Dimension>,
    /// Type of its values.
    pub value_type: ValueType,
    /// Its attributes.
    pub attributes: Attributes,
    /// Lengths of its chunks, if it is chunked.
    pub chunks: Option<Vec<usize>>,
}

impl Variable {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.dims.iter().map(|d| d.len).product()
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names of the dimensions.
    pub fn dim_names(&self) -> Vec<&str> {
        self.dims.iter().map(|d| d.name.as_str()).collect()
    }

    /// Dimensions in words, `time = 12, lat = 64`.
    pub fn dims_in_words(&self) -> String {
        let dims: Vec<String> = self.dims.iter().map(|d| format!("{} = {}", d.name, d.len)).collect();
        if dims.is_empty() { "none (a scalar)".to_owned() } else { dims.join(", ") }
    }
}

/// An open NetCDF file.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    fast: Fast,
    inner: Handle,
    dimensions: Vec<Dimension>,
    variables: Vec<Variable>,
    attributes: Attributes,
}

impl File {
    /// Opens a file and reads its metadata.
    ///
    /// # Errors
    /// [`IoError::NotFound`], [`IoError::System`], [`IoError::NotNetcdf`], [`IoError::Truncated`],
    /// or [`IoError::Netcdf`] where the library refuses for another reason.
    pub fn open(path: &Path) -> Result<Self, IoError> {
        crate::container::check(path)?;
        crate::library::ready();
        let inner = Handle::open(path)?;
        let mut file = Self {
            path: path.to_owned(),
            fast: Fast::default(),
            inner,
            dimensions: Vec::new(),
            variables: Vec::new(),
            attributes: Attributes::new(),
        };
        file.attributes = read_attributes(file.inner.attributes(), &|what, e| file.error(what, e))?;
        match file.inner.root() {
            Some(root) => {
                let (mut dimensions, mut variables) = (Vec::new(), Vec::new());
                read_group(&file, &root, "", &[], &mut dimensions, &mut variables)?;
                (file.dimensions, file.variables) = (dimensions, variables);
            }
            None => {
                let own: Vec<Dimension> = file.inner.dimensions().map(|d| dimension(&d, "")).collect();
                let variables: Result<Vec<_>, _> =
                    file.inner.variables().map(|v| variable(&file, &v, "", std::slice::from_ref(&own))).collect();
                (file.dimensions, file.variables) = (own, variables?);
            }
        }
        Ok(file)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All dimensions, those of groups after those of the root.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// All variables, those of groups after those of the root.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Attributes of the file (of its root group).
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The variable of that name, if there is one.
    pub fn find(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// The variable that `name`, met in an attribute of the variable `from`, means: in the same group, then in
    /// the groups around it.
    pub fn find_from(&self, from: &str, name: &str) -> Option<&Variable> {
        let name = name.trim_start_matches('/');
        let mut group = from.rsplit_once('/').map(|(group, _)| group);
        while let Some(path) = group {
            if let Some(found) = self.find(&format!("{path}/{name}")) {
                return Some(found);
            }
            group = path.rsplit_once('/').map(|(outer, _)| outer);
        }
        self.find(name)
    }

    /// The variable of that name.
    ///
    /// # Errors
    /// [`IoError::NoVariable`] with names that look alike.
    pub fn variable(&self, name: &str) -> Result<&Variable, IoError> {
        self.find(name).ok_or_else(|| IoError::NoVariable {
            path: self.path.clone(),
            name: name.to_owned(),
            near: knarr_field::near(name, self.variables.iter().map(|v| v.name.as_str())),
        })
    }

    /// All raw values of a numeric variable, in the order of the file, as `f64`.
    ///
    /// # Errors
    /// [`IoError::NoVariable`], [`IoError::WrongType`] for text, [`IoError::Netcdf`] if reading fails.
    pub fn read(&self, name: &str) -> Result<Vec<f64>, IoError> {
        let whole: Vec<Range<usize>> = self.variable(name)?.dims.iter().map(|d| 0..d.len).collect();
        self.read_part(name, &whole)
    }

    /// Raw values of a numeric variable within `part`, one range for each dimension, as `f64`.
    ///
    /// # Errors
    /// As [`File::read`], and [`IoError::WrongShape`] if `part` lies outside the variable.
    pub fn read_part(&self, name: &str, part: &[Range<usize>]) -> Result<Vec<f64>, IoError> {
        Ok(self.read_numbers(name, part)?.widened())
    }

    /// Bytes of a character variable, in the order of the file.
    ///
    /// # Errors
    /// [`IoError::WrongType`] for other variables; [`IoError::Netcdf`] if reading fails.
    pub fn read_chars(&self, name: &str) -> Result<Vec<u8>, IoError> {
        let variable = self.variable(name)?;
        if variable.value_type != ValueType::Char {
            return Err(self.wrong_type(variable, "characters"));
        }
        if variable.is_empty() {
            return Ok(Vec::new());
        }
        self.handle(name)?.get_raw_values(..).map_err(|e| self.error(&format!("variable `{name}`"), &e))
    }

    /// Texts of a character or string variable; the last dimension of characters is the length of the texts.
    /// Padding (NUL and blanks at the end) is taken off.
    ///
    /// # Errors
    /// [`IoError::WrongType`] for numbers; [`IoError::Netcdf`] if reading fails.
    pub fn read_texts(&self, name: &str) -> Result<Vec<String>, IoError> {
        let variable = self.variable(name)?;
        match variable.value_type {
            ValueType::Char => {
                let width = variable.dims.last().map_or(1, |d| d.len);
                let bytes = self.read_chars(name)?;
                if width == 0 {
                    return Ok(vec![String::new(); variable.dims.iter().rev().skip(1).map(|d| d.len).product()]);
                }
                Ok(bytes.chunks(width).map(text_of).collect())
            }
            ValueType::String => {
                let handle = self.handle(name)?;
                let lens: Vec<usize> = variable.dims.iter().map(|d| d.len).collect();
                (0..variable.len())
                    .map(|flat| {
                        let index: Vec<Extent> = unravel(flat, &lens).into_iter().map(Extent::Index).collect();
                        let fail = |e| self.error(&format!("variable `{name}`"), &e);
                        // A string that was never written may be a null pointer, which `get_string` would follow.
                        let pointer = handle.get_raw_values(index.clone()).map_err(fail)?;
                        if pointer.iter().all(|&b| b == 0) {
                            return Ok(String::new());
                        }
                        handle.get_string(index).map_err(fail)
                    })
                    .collect()
            }
            _ => Err(self.wrong_type(variable, "text")),
        }
    }

    /// The value the library puts where nothing was written, if it does so for this variable: `_FillValue`, or the
    /// type's default while filling is on.
    ///
    /// # Errors
    /// [`IoError::NoVariable`], [`IoError::WrongType`], [`IoError::Netcdf`].
    pub fn fill_in_effect(&self, name: &str) -> Result<Option<f64>, IoError> {
        let variable = self.variable(name)?;
        let ValueType::Number(number) = variable.value_type else {
            return Err(self.wrong_type(variable, "a number"));
        };
        let handle = self.handle(name)?;
        macro_rules! fill {
            ($type:ty) => {
                handle.fill_value::<$type>().map_err(|e| self.error(&format!("variable `{name}`"), &e))?.map(|v| v as f64)
            };
        }
        Ok(match number {
            NumberType::I8 => fill!(i8),
            NumberType::U8 => fill!(u8),
            NumberType::I16 => fill!(i16),
            NumberType::U16 => fill!(u16),
            NumberType::I32 => fill!(i32),
            NumberType::U32 => fill!(u32),
            NumberType::I64 => fill!(i64),
            NumberType::U64 => fill!(u64),
            NumberType::F32 => fill!(f32),
            NumberType::F64 => fill!(f64),
        })
    }

    /// An error of the NetCDF library, with the file and the part of it.
    pub(crate) fn error(&self, what: &str, error: &netcdf::Error) -> IoError {
        crate::container::read_error(&self.path, what, error)
    }

    fn handle(&self, name: &str) -> Result<netcdf::Variable<'_>, IoError> {
        self.inner.variable(name).ok_or_else(|| IoError::NoVariable {
            path: self.path.clone(),
            name: name.to_owned(),
            near: Vec::new(),
        })
    }

    fn wrong_type(&self, variable: &Variable, expected: &'static str) -> IoError {
        IoError::WrongType {
            path: self.path.clone(),
            variable: variable.name.clone(),
            found: variable.value_type.to_string(),
            expected,
        }
    }
}

/// Indices of the value at `flat` in an array with lengths `lens`, the last fastest.
pub(crate) fn unravel(mut flat: usize, lens: &[usize]) -> Vec<usize> {
    let mut index = vec![0; lens.len()];
    for (i, &len) in index.iter_mut().zip(lens).rev() {
        *i = flat % len;
        flat /= len;
    }
    index
}

fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
}
