//! A file with one of its axes replaced: some variables made anew, the others copied.

mod changed;

pub(crate) use changed::{Changed, NewAxis};

use crate::decode::Decoder;
use crate::nc::ValueType;
use crate::nc_write::{NewFile, NewVariable};
use crate::output::{Storage, rewritten_attributes};
use crate::plan::Plan;
use crate::{Dataset, GridLayout, IoError};
use knarr_field::Attributes;
use std::collections::BTreeSet;
use std::path::Path;

/// An output that is being made from an input.
pub(crate) struct Rewrite<'a> {
    dataset: &'a Dataset,
    plan: Plan,
    layout: GridLayout,
    pub file: NewFile,
    dims: BTreeSet<String>,
    /// Variables that are made anew and keep their names.
    changed: Vec<String>,
}

impl<'a> Rewrite<'a> {
    /// Starts the output with its copied variables; `axis` is the new dimension.
    pub fn start(
        dataset: &'a Dataset,
        (output, overwrite): (&Path, bool),
        (carried, changed): (Vec<String>, Vec<String>),
        axis: (&str, usize, bool),
        history: &str,
    ) -> Result<Self, IoError> {
        let plan = Plan { regridded: Vec::new(), carried, skipped: Vec::new() };
        let layout = GridLayout {
            dims: Vec::new(),
            variables: Vec::new(),
            coordinates: None,
            grid_mapping: None,
            data_attributes: Attributes::new(),
        };
        let mut file = NewFile::create(output, overwrite)?;
        // Ahead of the others: copied variables do not have it.
        file.add_dimension(axis.0, axis.1, axis.2)?;
        let mut dims: BTreeSet<String> = BTreeSet::from([axis.0.to_owned()]);
        crate::carry::define(&mut file, dataset, &plan, &layout, history)?;
        dims.extend(dataset.file().dimensions().iter().filter(|d| plan.uses_dim(dataset, &d.name)).map(|d| d.name.clone()));
        Ok(Self { dataset, plan, layout, file, dims, changed })
    }

    /// Adds a dimension unless it is there.
    pub fn add_dimension(&mut self, name: &str, len: usize) -> Result<(), IoError> {
        if self.dims.insert(name.to_owned()) { self.file.add_dimension(name, len, false) } else { Ok(()) }
    }

    /// Adds a variable, and those of its dimensions that only it has.
    pub fn add_variable(&mut self, new: &NewVariable) -> Result<(), IoError> {
        for dim in self.dataset.file().dimensions().iter().filter(|d| new.dims.contains(&d.name)) {
            self.add_dimension(&dim.name.clone(), dim.len)?;
        }
        self.file.add_variable(new)
    }

    /// Attributes of a variable that is made anew.
    fn attributes(&self, name: &str, decoder: &Decoder, storage: Storage) -> Attributes {
        let file = self.dataset.file();
        let variable = file.find(name).expect("changed variables are those of the file");
        let is_kept =
            |other: &str| file.find_from(name, other).is_some_and(|v| self.plan.keeps(&v.name) || self.changed.contains(&v.name));
        rewritten_attributes(variable, decoder, storage, &is_kept)
    }

    /// Writes the copied variables; all variables are added before.
    pub fn fill_carried(&mut self) -> Result<(), IoError> {
        crate::carry::fill(&mut self.file, self.dataset, &self.plan, &self.layout)
    }
}

/// Where the values of `dims` (an order of dimensions with lengths) are in an array with the dimensions `stored`: the
/// distance between neighbours along each of `dims`, 0 along those it does not have.
pub(crate) fn strides(dims: &[(String, usize)], stored: &[(String, usize)]) -> Vec<usize> {
    dims.iter()
        .map(|(name, _)| match stored.iter().position(|(other, _)| other == name) {
            Some(at) => stored[at + 1..].iter().map(|(_, len)| len).product(),
            None => 0,
        })
        .collect()
}

/// Offsets of all combinations of `lens`, the last fastest, by the distances `strides`.
pub(crate) fn offsets(lens: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    for (&len, &stride) in lens.iter().zip(strides) {
        offsets = offsets.iter().flat_map(|&at| (0..len).map(move |i| at + i * stride)).collect();
    }
    offsets
}

/// Variables that are copied, and those that go with the old axis, whose dimensions in the input are `old`; `what` it
/// counts.
pub(crate) fn split(dataset: &Dataset, changed: &[String], old: &[&str], what: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut carried, mut skipped) = (Vec::new(), Vec::new());
    for v in dataset.variables().iter().filter(|v| !changed.contains(&v.name)) {
        let gone = old.iter().find(|dim| v.dims.iter().any(|(n, _)| n == *dim));
        if let ValueType::Other(kind) = &v.dtype {
            skipped.push((v.name.clone(), format!("its type ({kind}) is not read")));
        } else if let Some(dim) = gone {
            skipped.push((v.name.clone(), format!("it belongs to the old {what} (dimension `{dim}`)")));
        } else {
            carried.push(v.name.clone());
        }
    }
    (carried, skipped)
}
