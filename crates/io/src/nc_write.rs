//! New NetCDF-4 files, written under a temporary name.

mod blocks;

use crate::IoError;
use crate::atomic::AtomicFile;
use crate::chunks::{ChunkWriter, Container, Encoder, write_in_turn};
use crate::element::{Element, Real, with_element};
use crate::nc::{Numbers, ValueType, unravel};
use hdf5_metno::file::OpenMode;
use knarr_field::{Attribute, Attributes, NumberType};
use ndarray::ArrayView;
use netcdf::types::{FloatType, IntType, NcVariableType};
use netcdf::{AttributeValue, Extent};
use std::ops::Range;
use std::path::Path;

/// Bytes of a variable from which on going around the library pays.
const LARGE: usize = 1 << 20;

/// A variable to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewVariable {
    /// Its name; `group/name` makes the group.
    pub name: String,
    /// Its dimensions, slowest first.
    pub dims: Vec<String>,
    /// Type of its values.
    pub value_type: ValueType,
    /// Its attributes, `_FillValue` left aside.
    pub attributes: Attributes,
    /// `_FillValue` of a numeric variable.
    pub fill: Option<f64>,
    /// Lengths of the chunks; the library's choice if not given.
    pub chunks: Option<Vec<usize>>,
    /// Whether it is compressed: deflate level 1 after shuffling bytes.
    pub compressed: bool,
}

/// A variable that is written slab by slab.
#[derive(Debug)]
pub(crate) struct SlabWriter {
    name: String,
    lens: Vec<usize>,
    extra: usize,
    /// The way around the library, where its chunks are coded as is done here.
    chunks: Option<ChunkWriter>,
}

/// Slabs of one of several variables that are written together.
pub(crate) struct SlabPart<'a> {
    pub writer: &'a SlabWriter,
    pub number: NumberType,
    pub fill: f64,
    pub values: &'a [f64],
}

impl<'a> SlabPart<'a> {
    /// What encodes its chunks, where they are coded here; the slabs at hand begin with `first`.
    fn encoder(&self, first: usize, valid: &'a [bool]) -> Option<(&'a ChunkWriter, Encoder<'a>)> {
        let Self { writer, number, fill, values } = *self;
        let chunks = writer.chunks.as_ref()?;
        Some((
            chunks,
            with_element!(number, T => {
                let fill = T::stored(fill);
                chunks.encoder(first, fill, rounded(values, valid, fill))
            }),
        ))
    }
}

/// Attributes that belong to the library, not to the file's author.
pub(crate) const RESERVED: [&str; 10] = [
    "_FillValue",
    "_NCProperties",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_nc3_strict",
    "_IsNetcdf4",
    "_SuperblockVersion",
    "_ChunkSizes",
    "_Storage",
    "_Format",
];

/// A file being written; it gets its name on [`NewFile::finish`] and is removed when dropped before.
#[derive(Debug)]
pub struct NewFile {
    // The library closes its file last, and before the temporary file is removed.
    container: Option<Container>,
    inner: netcdf::FileMut,
    atomic: AtomicFile,
}

impl NewFile {
    /// Starts a file.
    ///
    /// # Errors
    /// As [`AtomicFile::create`]; [`IoError::Write`].
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, IoError> {
        let atomic = AtomicFile::create(path, overwrite)?;
        crate::library::ready();
        let inner = netcdf::create(atomic.path()).map_err(|e| atomic.error(&e))?;
        Ok(Self { container: None, inner, atomic })
    }

    /// Where the file will be.
    pub fn destination(&self) -> &Path {
        self.atomic.destination()
    }

    /// Adds attributes of the file.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn add_attributes(&mut self, attributes: &Attributes) -> Result<(), IoError> {
        for (name, value) in attributes.iter().filter(|(name, _)| !RESERVED.contains(name)) {
            self.inner.add_attribute(name, stored(value)).map_err(|e| self.atomic.error(&e))?;
        }
        Ok(())
    }

    /// Adds a dimension; one of length 0 can grow.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn add_dimension(&mut self, name: &str, len: usize, unlimited: bool) -> Result<(), IoError> {
        self.add_groups(name)?;
        self.inner.add_dimension(name, if unlimited { 0 } else { len }).map_err(|e| self.atomic.error(&e))?;
        Ok(())
    }

    /// Adds a variable without values. All variables are added before values are put.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn add_variable(&mut self, new: &NewVariable) -> Result<(), IoError> {
        self.add_groups(&new.name)?;
        let atomic = &self.atomic;
        let fail = |e: netcdf::Error| atomic.error(&format!("variable `{}`: {e}", new.name));
        let dims: Vec<&str> = new.dims.iter().map(|d| d.rsplit('/').next().unwrap_or(d)).collect();
        let mut variable = self.inner.add_variable_with_type(&new.name, &dims, &library_type(&new.value_type)).map_err(fail)?;
        if let (Some(fill), ValueType::Number(number)) = (new.fill, &new.value_type) {
            match number {
                NumberType::I8 => variable.set_fill_value(fill as i8),
                NumberType::U8 => variable.set_fill_value(fill as u8),
                NumberType::I16 => variable.set_fill_value(fill as i16),
                NumberType::U16 => variable.set_fill_value(fill as u16),
                NumberType::I32 => variable.set_fill_value(fill as i32),
                NumberType::U32 => variable.set_fill_value(fill as u32),
                NumberType::I64 => variable.set_fill_value(fill as i64),
                NumberType::U64 => variable.set_fill_value(fill as u64),
                NumberType::F32 => variable.set_fill_value(fill as f32),
                NumberType::F64 => variable.set_fill_value(fill),
            }
            .map_err(fail)?;
        }
        if let Some(chunks) = &new.chunks {
            variable.set_chunking(chunks).map_err(fail)?;
        }
        if new.compressed && !dims.is_empty() {
            variable.set_compression(1, true).map_err(fail)?;
        }
        for (name, value) in new.attributes.iter().filter(|(name, _)| !RESERVED.contains(name)) {
            variable.put_attribute(name, stored(value)).map_err(fail)?;
        }
        Ok(())
    }

    /// Writes numbers, in the type of the variable, to the `part` of it (one range for each dimension).
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn put_numbers(&mut self, name: &str, part: &[Range<usize>], numbers: &Numbers) -> Result<(), IoError> {
        if part.iter().any(|r| r.is_empty()) {
            return Ok(());
        }
        let (extents, atomic) = (extents(part), &self.atomic);
        let mut variable = variable_mut(&mut self.inner, atomic, name)?;
        match numbers {
            Numbers::I8(v) => variable.put_values(v, extents),
            Numbers::U8(v) => variable.put_values(v, extents),
            Numbers::I16(v) => variable.put_values(v, extents),
            Numbers::U16(v) => variable.put_values(v, extents),
            Numbers::I32(v) => variable.put_values(v, extents),
            Numbers::U32(v) => variable.put_values(v, extents),
            Numbers::I64(v) => variable.put_values(v, extents),
            Numbers::U64(v) => variable.put_values(v, extents),
            Numbers::F32(v) => variable.put_values(v, extents),
            Numbers::F64(v) => variable.put_values(v, extents),
        }
        .map_err(|e| atomic.error(&format!("variable `{name}`: {e}")))
    }

    /// Writes all values of a numeric variable with dimensions `lens`; many are encoded by all cores.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub(crate) fn put_all<T: Element>(&mut self, name: &str, lens: &[usize], values: &[T]) -> Result<(), IoError> {
        if size_of_val(values) >= LARGE
            && let Some(chunks) = self.slab_writer(name, T::NUMBER, lens, 0)?.chunks
        {
            let copy = |range: Range<usize>, out: &mut [T]| out.copy_from_slice(&values[range]);
            let written = chunks.write(0..1, T::default(), &copy);
            return written.map_err(|e| self.atomic.error(&format!("variable `{name}`: {e}")));
        }
        let whole: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
        self.put_numbers(name, &whole, &T::wrap(values.to_vec()))
    }

    /// Writes all bytes of a character variable with dimensions `lens`.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn put_chars(&mut self, name: &str, lens: &[usize], bytes: &[u8]) -> Result<(), IoError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let atomic = &self.atomic;
        let mut variable = variable_mut(&mut self.inner, atomic, name)?;
        let whole: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
        let array = ArrayView::from_shape(lens, bytes).map_err(|e| atomic.error(&format!("variable `{name}`: {e}")))?;
        variable.put(array, extents(&whole)).map_err(|e| atomic.error(&format!("variable `{name}`: {e}")))
    }

    /// Writes all texts of a string variable with dimensions `lens`.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn put_texts(&mut self, name: &str, lens: &[usize], texts: &[String]) -> Result<(), IoError> {
        let atomic = &self.atomic;
        let mut variable = variable_mut(&mut self.inner, atomic, name)?;
        for (flat, text) in texts.iter().enumerate() {
            let index: Vec<Extent> = unravel(flat, lens).into_iter().map(Extent::Index).collect();
            variable.put_string(text, index).map_err(|e| atomic.error(&format!("variable `{name}`: {e}")))?;
        }
        Ok(())
    }

    /// Starts writing slabs of a variable with numbers `number` and dimensions `lens`, the first `extra` of which are not
    /// horizontal. It is dropped before [`NewFile::finish`].
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub(crate) fn slab_writer(
        &mut self,
        name: &str,
        number: NumberType,
        lens: &[usize],
        extra: usize,
    ) -> Result<SlabWriter, IoError> {
        let plain = SlabWriter { name: name.to_owned(), lens: lens.to_vec(), extra, chunks: None };
        if self.container.is_none() {
            // Variables are in the file from here on, and can be opened in it by another library.
            self.inner.sync().map_err(|e| self.atomic.error(&e))?;
            self.container = Container::open(self.atomic.path(), OpenMode::ReadWrite);
        }
        let chunked = self.container.as_ref().and_then(|c| c.find(name, number, lens));
        let chunks = match chunked.and_then(|chunked| ChunkWriter::new(chunked, lens, extra)) {
            Some(Ok(writer)) => Some(writer),
            Some(Err(problem)) => return Err(self.atomic.error(&format!("variable `{name}`: {problem}"))),
            None => None,
        };
        Ok(SlabWriter { chunks, ..plain })
    }

    /// Writes the slabs `slabs`, rounded to the type `T` of the variable; values that are not valid become `fill`.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub(crate) fn put_slabs<T: Element, V: Real>(
        &mut self,
        writer: &SlabWriter,
        slabs: Range<usize>,
        values: &[V],
        valid: &[bool],
        fill: T,
    ) -> Result<(), IoError> {
        let numbers = rounded(values, valid, fill);
        if let Some(chunks) = &writer.chunks {
            let written = chunks.write(slabs, fill, &numbers);
            return written.map_err(|e| self.atomic.error(&format!("variable `{}`: {e}", writer.name)));
        }
        let (outer, inner) = writer.lens.split_at(writer.extra);
        let cells: usize = inner.iter().product();
        for slab in slabs.clone() {
            let mut own = vec![fill; cells];
            let first = (slab - slabs.start) * cells;
            numbers(first..first + cells, &mut own);
            let at = unravel(slab, outer).into_iter().map(|i| i..i + 1);
            let part: Vec<Range<usize>> = at.chain(inner.iter().map(|&len| 0..len)).collect();
            self.put_numbers(&writer.name, &part, &T::wrap(own))?;
        }
        Ok(())
    }

    /// Writes the slabs `slabs` of several variables that are valid together, slab by slab in turn, so that the bytes of the
    /// file do not depend on how many come at once.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub(crate) fn put_slabs_in_turn(
        &mut self,
        parts: &[SlabPart<'_>],
        slabs: Range<usize>,
        valid: &[bool],
    ) -> Result<(), IoError> {
        let chunked: Option<Vec<_>> = parts.iter().map(|part| part.encoder(slabs.start, valid)).collect();
        if let Some(chunked) = chunked {
            let written = write_in_turn(&chunked, slabs);
            return written.map_err(|(k, e)| self.atomic.error(&format!("variable `{}`: {e}", parts[k].writer.name)));
        }
        let cells = valid.len() / slabs.len().max(1);
        for (k, slab) in slabs.enumerate() {
            let own = k * cells..(k + 1) * cells;
            for SlabPart { writer, number, fill, values } in parts {
                with_element!(*number, T => {
                    self.put_slabs(writer, slab..slab + 1, &values[own.clone()], &valid[own.clone()], T::stored(*fill))?
                });
            }
        }
        Ok(())
    }

    /// Closes the file, makes it durable and gives it its name.
    ///
    /// # Errors
    /// [`IoError::Write`], [`IoError::Exists`]; nothing is left behind.
    pub fn finish(self) -> Result<(), IoError> {
        let Self { container, inner, atomic } = self;
        drop(container);
        inner.close().map_err(|e| atomic.error(&e))?;
        atomic.commit()
    }

    fn add_groups(&mut self, name: &str) -> Result<(), IoError> {
        for (at, _) in name.match_indices('/') {
            match self.inner.add_group(&name[..at]) {
                Ok(_) | Err(netcdf::Error::AlreadyExists) => {}
                Err(e) => return Err(self.atomic.error(&e)),
            }
        }
        Ok(())
    }
}

/// What fills a run of numbers `T` with values, by their places; those not valid become `fill`.
fn rounded<'a, T: Element, V: Real>(values: &'a [V], valid: &'a [bool], fill: T) -> impl Fn(Range<usize>, &mut [T]) + Sync + 'a {
    move |range, out| {
        for ((out, &value), &ok) in out.iter_mut().zip(&values[range.clone()]).zip(&valid[range]) {
            *out = if ok { T::stored(value.widened()) } else { fill };
        }
    }
}

/// Values of type `number`, rounded where they are integers; those not valid become `fill`.
pub(crate) fn numbers_of(number: NumberType, values: &[f64], valid: &[bool], fill: f64) -> Numbers {
    fn convert<T: Element>(values: &[f64], valid: &[bool], fill: f64) -> Numbers {
        T::wrap(values.iter().zip(valid).map(|(&v, &ok)| T::stored(if ok { v } else { fill })).collect())
    }
    with_element!(number, T => convert::<T>(values, valid, fill))
}

fn variable_mut<'f>(file: &'f mut netcdf::FileMut, atomic: &AtomicFile, name: &str) -> Result<netcdf::VariableMut<'f>, IoError> {
    file.variable_mut(name).ok_or_else(|| atomic.error(&format!("variable `{name}` was not added")))
}

fn extents(part: &[Range<usize>]) -> Vec<Extent> {
    part.iter().map(|r| Extent::SliceCount { start: r.start, count: r.len(), stride: 1 }).collect()
}

fn library_type(value_type: &ValueType) -> NcVariableType {
    match value_type {
        ValueType::Number(NumberType::I8) => NcVariableType::Int(IntType::I8),
        ValueType::Number(NumberType::U8) => NcVariableType::Int(IntType::U8),
        ValueType::Number(NumberType::I16) => NcVariableType::Int(IntType::I16),
        ValueType::Number(NumberType::U16) => NcVariableType::Int(IntType::U16),
        ValueType::Number(NumberType::I32) => NcVariableType::Int(IntType::I32),
        ValueType::Number(NumberType::U32) => NcVariableType::Int(IntType::U32),
        ValueType::Number(NumberType::I64) => NcVariableType::Int(IntType::I64),
        ValueType::Number(NumberType::U64) => NcVariableType::Int(IntType::U64),
        ValueType::Number(NumberType::F32) => NcVariableType::Float(FloatType::F32),
        ValueType::Number(NumberType::F64) => NcVariableType::Float(FloatType::F64),
        ValueType::Char => NcVariableType::Char,
        // Types that are not read are not written either; a string takes any text.
        ValueType::String | ValueType::Other(_) => NcVariableType::String,
    }
}

/// An attribute as the library stores it.
fn stored(attribute: &Attribute) -> AttributeValue {
    fn all<T>(values: &[f64], to: impl Fn(f64) -> T) -> Vec<T> {
        values.iter().map(|&v| to(v)).collect()
    }
    match attribute {
        Attribute::Text(text) => AttributeValue::Str(text.clone()),
        Attribute::Strings(strings) => AttributeValue::Strs(strings.iter().map(|s| s.replace('\0', "")).collect()),
        Attribute::Numbers(values, number) => match number {
            NumberType::I8 => AttributeValue::Schars(all(values, |v| v as i8)),
            NumberType::U8 => AttributeValue::Uchars(all(values, |v| v as u8)),
            NumberType::I16 => AttributeValue::Shorts(all(values, |v| v as i16)),
            NumberType::U16 => AttributeValue::Ushorts(all(values, |v| v as u16)),
            NumberType::I32 => AttributeValue::Ints(all(values, |v| v as i32)),
            NumberType::U32 => AttributeValue::Uints(all(values, |v| v as u32)),
            NumberType::I64 => AttributeValue::Longlongs(all(values, |v| v as i64)),
            NumberType::U64 => AttributeValue::Ulonglongs(all(values, |v| v as u64)),
            NumberType::F32 => AttributeValue::Floats(all(values, |v| v as f32)),
            NumberType::F64 => AttributeValue::Doubles(values.clone()),
        },
    }
}
