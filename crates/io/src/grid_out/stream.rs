//! Files of tables that are made while they are written, block by block: memory does not grow with the file.

use crate::IoError;
use crate::nc::ValueType;
use crate::nc_write::{NewFile, NewVariable};
use knarr_field::{Attributes, NumberType};
use netcdf::types::NcTypeDescriptor;
use rayon::prelude::*;
use std::ops::Range;
use std::path::Path;

/// Most bytes of a variable written at a time: enough that a call to the library costs little beside it, few enough to stay in
/// cache from making to writing. Four such blocks are there at once, and two of whole numbers.
const BLOCK_BYTES: usize = 1 << 18;

/// Blocks of a variable at least, so that small files take little memory, and the least bytes of these: HDF5 gathers what is less
/// than 64 KiB in memory of its own.
const BLOCKS: usize = 16;
const LEAST_BYTES: usize = 96 << 10;

/// Values that one task makes.
const TASK_VALUES: usize = 1 << 15;

/// Makes the values of some rows, each row as long as the dimensions after the first.
type Make<'a, T, const N: usize> = Box<dyn Fn(Range<usize>, [&mut [T]; N]) -> Result<(), IoError> + Sync + 'a>;

/// Where values come from.
enum Values<'a> {
    Integers(Make<'a, i32, 1>),
    Numbers(Make<'a, f64, 1>),
    /// Of two variables, made together.
    Pair(Make<'a, f64, 2>),
    /// In memory.
    Whole(&'a [f64]),
}

/// Variables of one shape, one after the other in the file.
struct Table<'a> {
    names: Vec<String>,
    dims: Vec<String>,
    attributes: Attributes,
    values: Values<'a>,
}

/// Dimensions, variables and attributes of a file, and what makes its values.
#[derive(Default)]
pub(crate) struct Stream<'a> {
    pub attributes: Attributes,
    dims: Vec<(String, usize)>,
    tables: Vec<Table<'a>>,
}

impl<'a> Stream<'a> {
    pub fn dim(&mut self, name: &str, len: usize) {
        self.dims.push((name.to_owned(), len));
    }

    /// Whole numbers that are few.
    pub fn few(&mut self, name: &str, dim: &str, values: Vec<i32>) {
        self.integers(name, dim, &[], move |range, out| {
            out.copy_from_slice(&values[range]);
            Ok(())
        });
    }

    pub fn integers(
        &mut self,
        name: &str,
        dim: &str,
        attributes: &[(&str, &str)],
        make: impl Fn(Range<usize>, &mut [i32]) -> Result<(), IoError> + Sync + 'a,
    ) {
        self.add(&[name], &[dim], attributes, Values::Integers(Box::new(move |range, [out]| make(range, out))));
    }

    pub fn numbers(
        &mut self,
        name: &str,
        dims: &[&str],
        attributes: &[(&str, &str)],
        make: impl Fn(Range<usize>, &mut [f64]) -> Result<(), IoError> + Sync + 'a,
    ) {
        self.add(&[name], dims, attributes, Values::Numbers(Box::new(move |range, [out]| make(range, out))));
    }

    pub fn whole(&mut self, name: &str, dims: &[&str], attributes: &[(&str, &str)], values: &'a [f64]) {
        self.add(&[name], dims, attributes, Values::Whole(values));
    }

    pub fn pair(
        &mut self,
        names: [&str; 2],
        dims: &[&str],
        attributes: &[(&str, &str)],
        make: impl Fn(Range<usize>, &mut [f64], &mut [f64]) + Sync + 'a,
    ) {
        let make = move |range: Range<usize>, [first, second]: [&mut [f64]; 2]| {
            make(range, first, second);
            Ok(())
        };
        self.add(&names, dims, attributes, Values::Pair(Box::new(make)));
    }

    fn add(&mut self, names: &[&str], dims: &[&str], attributes: &[(&str, &str)], values: Values<'a>) {
        let owned = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect();
        self.tables.push(Table {
            names: owned(names),
            dims: owned(dims),
            attributes: attributes.iter().copied().collect(),
            values,
        });
    }

    /// Writes a NetCDF-4 file; nothing is left behind where that fails.
    pub fn write(self, path: &Path, overwrite: bool) -> Result<(), IoError> {
        let mut file = NewFile::create(path, overwrite)?;
        file.add_attributes(&self.attributes)?;
        for (name, len) in &self.dims {
            file.add_dimension(name, *len, false)?;
        }
        for table in &self.tables {
            let number = if matches!(table.values, Values::Integers(_)) { NumberType::I32 } else { NumberType::F64 };
            for name in &table.names {
                file.add_variable(&NewVariable {
                    name: name.clone(),
                    dims: table.dims.clone(),
                    value_type: ValueType::Number(number),
                    fill: None,
                    attributes: table.attributes.clone(),
                    chunks: None,
                    // Coordinates and weights hardly shrink, and other programs read them fastest as they are.
                    compressed: false,
                })?;
                file.leave_unfilled(name)?;
            }
        }
        let (mut integers, mut numbers) = (Vec::new(), Vec::new());
        for table in &self.tables {
            let len = |name: &String| self.dims.iter().find(|d| d.0 == *name).map_or(0, |d| d.1);
            let lens: Vec<usize> = table.dims.iter().map(len).collect();
            match &table.values {
                _ if lens.contains(&0) => {}
                Values::Integers(make) => put(&mut file, &table.names, &lens, make, &mut integers)?,
                Values::Numbers(make) => put(&mut file, &table.names, &lens, make, &mut numbers)?,
                Values::Pair(make) => put(&mut file, &table.names, &lens, make, &mut numbers)?,
                Values::Whole(values) => {
                    let whole: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
                    file.put_slice(&table.names[0], &whole, values)?;
                }
            }
        }
        file.finish()
    }
}

/// Writes `N` variables with dimensions `lens`: while a block is written, the next one is made. `spare` has buffers of the
/// table before, and gets them back.
fn put<T, const N: usize>(
    file: &mut NewFile,
    names: &[String],
    lens: &[usize],
    make: &Make<'_, T, N>,
    spare: &mut Vec<Vec<T>>,
) -> Result<(), IoError>
where
    T: NcTypeDescriptor + Copy + Default + Send + Sync,
{
    let (len, width) = (lens[0], lens[1..].iter().product::<usize>());
    let bytes = (len * width * size_of::<T>() / BLOCKS).clamp(LEAST_BYTES, BLOCK_BYTES);
    let rows = (bytes / (width * size_of::<T>())).clamp(1, len);
    let block = |k: usize| k * rows..len.min((k + 1) * rows);
    let mut buffer = || -> [Vec<T>; N] {
        std::array::from_fn(|_| {
            let mut values = spare.pop().unwrap_or_default();
            values.reserve_exact((rows * width).saturating_sub(values.len()));
            values.resize(rows * width, T::default());
            values
        })
    };
    let (mut ready, mut next) = (buffer(), buffer());
    fill(block(0), width, &mut ready, make)?;
    for k in 0..len.div_ceil(rows) {
        let mut made = Ok(());
        let written = rayon::in_place_scope(|scope| {
            if !block(k + 1).is_empty() {
                scope.spawn(|_| made = fill(block(k + 1), width, &mut next, make));
            }
            // On this thread: HDF5 was told to be quiet here, and keeps such settings thread by thread.
            let part: Vec<Range<usize>> = std::iter::once(block(k)).chain(lens[1..].iter().map(|&len| 0..len)).collect();
            let values = block(k).len() * width;
            names.iter().zip(&ready).try_for_each(|(name, ready)| file.put_slice(name, &part, &ready[..values]))
        });
        written.and(made)?;
        std::mem::swap(&mut ready, &mut next);
    }
    spare.extend(ready.into_iter().chain(next));
    Ok(())
}

/// Makes the values of `rows` on all threads.
fn fill<T, const N: usize>(
    rows: Range<usize>,
    width: usize,
    buffers: &mut [Vec<T>; N],
    make: &Make<'_, T, N>,
) -> Result<(), IoError>
where
    T: Send + Sync,
{
    let step = (TASK_VALUES / width).max(1);
    let mut pieces = buffers.each_mut().map(|buffer| buffer[..rows.len() * width].chunks_mut(step * width));
    let starts: Vec<usize> = rows.clone().step_by(step).collect();
    let tasks: Vec<(usize, [&mut [T]; N])> =
        starts.into_iter().map(|start| (start, pieces.each_mut().map(|p| p.next().expect("a piece for each start")))).collect();
    tasks.into_par_iter().try_for_each(|(start, out)| make(start..rows.end.min(start + step), out))
}
