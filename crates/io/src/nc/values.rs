//! Values of variables, by the quickest way that their storage allows.

use super::{File, ValueType, Variable};
use crate::IoError;
use crate::chunks::Container;
use crate::classic::Layout;
use crate::element::{Element, with_element};
use hdf5_metno::file::OpenMode;
use netcdf::Extent;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::OnceLock;

/// Below this many bytes a part is read by the library, whose cache may have it.
const FEW_BYTES: usize = 1 << 16;

/// Ways around the library for the bulk of the values, opened when first needed.
#[derive(Debug, Default)]
pub(super) struct Fast {
    container: OnceLock<Option<Container>>,
    classic: OnceLock<Option<Layout>>,
}

/// Values in the type of the file.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is the type it names")]
pub enum Numbers {
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I64(Vec<i64>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Numbers {
    /// All as `f64`; 64-bit integers may be rounded.
    pub fn widened(self) -> Vec<f64> {
        fn each<T: Element>(values: Vec<T>) -> Vec<f64> {
            values.into_par_iter().with_min_len(1 << 14).map(T::widened).collect()
        }
        match self {
            Self::I8(v) => each(v),
            Self::U8(v) => each(v),
            Self::I16(v) => each(v),
            Self::U16(v) => each(v),
            Self::I32(v) => each(v),
            Self::U32(v) => each(v),
            Self::I64(v) => each(v),
            Self::U64(v) => each(v),
            Self::F32(v) => each(v),
            Self::F64(v) => v,
        }
    }
}

impl File {
    /// Values of a numeric variable within `part` in their own type.
    ///
    /// # Errors
    /// As [`File::read_part`].
    pub fn read_numbers(&self, name: &str, part: &[Range<usize>]) -> Result<Numbers, IoError> {
        let variable = self.variable(name)?;
        with_element!(self.number(variable)?, T => {
            let mut values = self.space_for::<T>(variable, part)?;
            self.read_into(variable, part, &mut values)?;
            Ok(T::wrap(values))
        })
    }

    /// [`File::read_numbers`] by the NetCDF library alone: the same values, and what the ways around it are tested
    /// against.
    ///
    /// # Errors
    /// As [`File::read_part`].
    pub fn read_numbers_plainly(&self, name: &str, part: &[Range<usize>]) -> Result<Numbers, IoError> {
        let variable = self.variable(name)?;
        with_element!(self.number(variable)?, T => {
            let mut values = self.space_for::<T>(variable, part)?;
            self.read_plainly(variable, part, &mut values)?;
            Ok(T::wrap(values))
        })
    }

    /// Reads `part` of a variable of numbers `T` into `out`, which has its length.
    pub(crate) fn read_into<T: Element>(&self, variable: &Variable, part: &[Range<usize>], out: &mut [T]) -> Result<(), IoError> {
        self.check_part(variable, part)?;
        assert_eq!(variable.value_type.number(), Some(T::NUMBER), "values of the variable's type");
        let fail = |problem: String| self.broken(&format!("variable `{}`", variable.name), problem);
        if size_of_val(out) >= FEW_BYTES {
            let words = bytemuck::cast_slice_mut::<T, T::Word>(out);
            let lens: Vec<usize> = variable.dims.iter().map(|d| d.len).collect();
            if variable.chunks.is_some() {
                let container = self.fast.container.get_or_init(|| Container::open(&self.path, OpenMode::Read));
                let chunked = container.as_ref().and_then(|c| c.chunked(&variable.name, T::NUMBER, &lens));
                if let Some(chunked) = chunked.filter(|c| c.suits(part, &lens)) {
                    return chunked.read(part, words).map_err(fail);
                }
            } else {
                let layout = self.fast.classic.get_or_init(|| crate::classic_read::layout(&self.path));
                let place = layout.as_ref().and_then(|l| l.find(&variable.name)).filter(|p| p.number == Some(T::NUMBER));
                if let Some(done) = place.and_then(|p| crate::classic_read::read(&self.path, p, &lens, part, words)) {
                    return done.map_err(fail);
                }
            }
        }
        self.read_plainly(variable, part, out)
    }

    fn read_plainly<T: Element>(&self, variable: &Variable, part: &[Range<usize>], out: &mut [T]) -> Result<(), IoError> {
        if out.is_empty() {
            return Ok(());
        }
        let extents: Vec<Extent> = part.iter().map(|r| Extent::from(r.clone())).collect();
        let read = self.handle(&variable.name)?.get_values_into(out, extents);
        read.map_err(|e| self.error(&format!("variable `{}`", variable.name), &e))
    }

    fn space_for<T: Element>(&self, variable: &Variable, part: &[Range<usize>]) -> Result<Vec<T>, IoError> {
        self.check_part(variable, part)?;
        Ok(vec![T::default(); part.iter().map(Range::len).product()])
    }

    fn number(&self, variable: &Variable) -> Result<knarr_field::NumberType, IoError> {
        match variable.value_type {
            ValueType::Number(number) => Ok(number),
            _ => Err(self.wrong_type(variable, "a number")),
        }
    }

    fn broken(&self, what: &str, problem: String) -> IoError {
        IoError::Netcdf { path: self.path.clone(), what: what.to_owned(), problem }
    }

    fn check_part(&self, variable: &Variable, part: &[Range<usize>]) -> Result<(), IoError> {
        let fits =
            part.len() == variable.dims.len() && part.iter().zip(&variable.dims).all(|(r, d)| r.start <= r.end && r.end <= d.len);
        if fits {
            return Ok(());
        }
        Err(IoError::WrongShape {
            path: self.path.clone(),
            variable: variable.name.clone(),
            found: variable.dims_in_words(),
            expected: format!("the part {part:?} inside it"),
        })
    }
}
