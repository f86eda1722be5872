//! A variable that is made anew along another axis.

use super::Rewrite;
use crate::decode::{Decoded, Decoder, NanPolicy, Purpose};
use crate::nc::ValueType;
use crate::nc_write::{NewVariable, numbers_of};
use crate::output::{self, Storage};
use crate::{Dataset, IoError, VariableInfo};
use knarr_field::Attributes;
use std::ops::Range;

/// Bytes of a chunk at most.
const CHUNK_BYTES: usize = 4 << 20;

/// How a variable is read, and how it is stored.
pub(crate) struct Changed<'a> {
    dataset: &'a Dataset,
    pub info: &'a VariableInfo,
    nan: NanPolicy,
    pub decoder: Decoder,
    storage: Storage,
    /// Dimensions in the output.
    dims: Vec<(String, usize)>,
}

/// The axis that takes the place of another.
#[derive(Clone, Copy)]
pub(crate) struct NewAxis<'a> {
    /// Dimension in the input.
    pub old: &'a str,
    /// Dimension in the output.
    pub new: &'a str,
    pub len: usize,
    /// Length of the chunks along it, where it is one of the last two dimensions.
    pub chunk: usize,
}

impl<'a> Changed<'a> {
    /// Adds the variable to the output. `keeps_values`: only values of the input are written, as they are stored there;
    /// `change` has the last word on the attributes.
    pub fn add(
        rewrite: &mut Rewrite<'a>,
        info: &'a VariableInfo,
        nan: NanPolicy,
        axis: NewAxis<'_>,
        keeps_values: bool,
        change: impl FnOnce(&mut Attributes),
    ) -> Result<Self, IoError> {
        let dataset = rewrite.dataset;
        let variable = dataset.file().variable(&info.name)?;
        let decoder = Decoder::new(dataset.file(), variable, Purpose::Data)?;
        let storage = output::storage(variable, &decoder, keeps_values);
        let mut attributes = rewrite.attributes(&info.name, &decoder, storage);
        change(&mut attributes);
        let with = |len: usize| {
            let dim =
                move |(n, old): &(String, usize)| if n == axis.old { (axis.new.to_owned(), len) } else { (n.clone(), *old) };
            info.dims.iter().map(dim).collect::<Vec<_>>()
        };
        let (dims, chunks) = (with(axis.len), with(axis.chunk));
        rewrite.add_variable(&NewVariable {
            name: info.name.clone(),
            dims: dims.iter().map(|(n, _)| n.clone()).collect(),
            value_type: ValueType::Number(storage.number),
            attributes,
            fill: Some(storage.fill),
            chunks: Some(slab_chunks(&chunks, storage.number.size())),
            compressed: true,
        })?;
        Ok(Self { dataset, info, nan, decoder, storage, dims })
    }

    /// Values of the input at one step of a dimension, or all of them.
    pub fn read(&self, at: Option<(&str, usize)>) -> Result<Decoded, IoError> {
        let raw = self.dataset.file().read_part(&self.info.name, &part(&self.info.dims, at))?;
        let block = raw.len();
        self.decoder.decode(raw, self.nan).map_err(|first| IoError::NanWithoutFill {
            path: self.dataset.path().to_owned(),
            variable: self.info.name.clone(),
            first_index: at.map_or(0, |(_, step)| step) * block + first,
        })
    }

    /// Writes values at one step of a dimension of the output, or all of them.
    pub fn write(
        &self,
        rewrite: &mut Rewrite<'_>,
        at: Option<(&str, usize)>,
        values: &[f64],
        valid: &[bool],
    ) -> Result<(), IoError> {
        let numbers = numbers_of(self.storage.number, values, valid, self.storage.fill);
        rewrite.file.put_numbers(&self.info.name, &part(&self.dims, at), &numbers)
    }
}

/// All of an array, or one step of one of its dimensions.
fn part(dims: &[(String, usize)], at: Option<(&str, usize)>) -> Vec<Range<usize>> {
    let of = |(name, len): &(String, usize)| match at {
        Some((dim, step)) if dim == name => step..step + 1,
        _ => 0..*len,
    };
    dims.iter().map(of).collect()
}

/// Chunks of the last two dimensions.
fn slab_chunks(dims: &[(String, usize)], size: usize) -> Vec<usize> {
    let mut room = CHUNK_BYTES / size;
    let mut chunks = vec![1; dims.len()];
    for (chunk, (_, len)) in chunks.iter_mut().zip(dims).rev().take(2) {
        *chunk = (*len).clamp(1, room.max(1));
        room /= *chunk;
    }
    chunks
}
