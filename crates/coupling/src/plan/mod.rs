//! What an experiment comes to: everything known before the first step.

mod build;
mod clock;
mod components;
mod couplings;
mod grids;
mod hash;
mod initial;
mod maps;
mod order;
pub(crate) mod shares;
mod vectors;

pub use build::Prepared;

use crate::document::Place;
use crate::experiment::{Conservation, IterateEntry, Unmapped, ZoneEntry};
use crate::mapping::Mapping;
use crate::schedule::{Schedule, Timing};
use crate::{Declaration, Import, Instant, Nature, Period, Quantity, Reduction, Values};
use knarr_field::Calendar;
use knarr_field::units::Linear;
use knarr_kernels::device::DeviceChoice;
use knarr_kernels::sphere::UnitVector;
use std::path::PathBuf;

/// A run as it will be.
#[derive(Debug)]
pub struct Plan {
    /// The experiment file, as the user named it.
    pub path: PathBuf,
    /// What it is about.
    pub title: Option<String>,
    /// Where it begins.
    pub start: Instant,
    /// Where it ends.
    pub stop: Instant,
    /// Its calendar.
    pub calendar: Calendar,
    /// Components in the order of the file.
    pub components: Vec<PlannedComponent>,
    /// Couplings in the order of the file.
    pub couplings: Vec<Coupling>,
    /// Ways from grid to grid, each once.
    pub mappings: Vec<Mapping>,
    /// The order of steps.
    pub schedule: Schedule,
    /// Iterations of the schedule.
    pub iterations: Vec<Iteration>,
    /// Whether the order was given or worked out.
    pub order_is_given: bool,
    /// What the ledger follows.
    pub budget: PlannedBudget,
    /// What is written.
    pub output: PlannedOutput,
    /// Where exchanges are to be, if the experiment says.
    pub device: Option<DeviceChoice>,
    /// How often states are kept, in seconds.
    pub restart_every: Option<i64>,
    /// Hash of all that may not change when the run goes on from a kept state.
    pub hash: String,
    /// Names of what the hash is made of, each with its own, so that a change can be named.
    pub ingredients: Vec<(String, String)>,
}

/// A component as it will run.
#[derive(Clone, Debug)]
pub struct PlannedComponent {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where it stands in the experiment.
    pub place: Place,
    /// Length of its step in seconds.
    pub step_s: i64,
    /// Its grids and fields.
    pub declaration: Declaration,
    /// Imports of the coupler's own: fractions by which fields are merged.
    pub hidden: Vec<Import>,
}

impl PlannedComponent {
    /// An import, declared or hidden.
    pub fn import(&self, index: usize) -> &Import {
        let declared = self.declaration.imports.len();
        if index < declared { &self.declaration.imports[index] } else { &self.hidden[index - declared] }
    }

    /// Number of imports, declared and hidden.
    pub fn import_count(&self) -> usize {
        self.declaration.imports.len() + self.hidden.len()
    }
}

/// A field, or the two components of a vector, on their way from one component to another.
#[derive(Debug)]
pub struct Coupling {
    /// Where it stands in the experiment.
    pub place: Place,
    /// Which entry of `exchanges` it belongs to.
    pub entry: usize,
    /// The component that gives.
    pub source: usize,
    /// The component that takes.
    pub destination: usize,
    /// Its parts: one, or two of a vector.
    pub parts: Vec<Part>,
    /// When.
    pub timing: Timing,
    /// What is made of a window.
    pub reduction: Reduction,
    /// Which mapping.
    pub mapping: usize,
    /// How vector components turn on the way; `None` for scalars and where both ends have the same axes.
    pub rotation: Option<Rotation>,
    /// What it is in space.
    pub nature: Nature,
    /// How integrals are made to agree.
    pub conserve: Option<Conservation>,
    /// Least and greatest value at the destination.
    pub range: Option<[f64; 2]>,
    /// The import (declared or hidden) that is the share of this coupling in its field.
    pub share: Option<usize>,
    /// What happens to cells that are not reached.
    pub unmapped: Unmapped,
    /// What is said where nothing was written: for tables.
    pub defaults: Vec<(&'static str, String)>,
}

impl Coupling {
    /// Whether the ledger follows it: states have no integral that means something, vectors have none.
    pub fn has_account(&self) -> bool {
        self.nature != Nature::State && self.parts.len() == 1
    }
}

/// One field of a coupling.
#[derive(Debug)]
pub struct Part {
    /// Which export of the source.
    pub export: usize,
    /// Which import of the destination, declared or hidden.
    pub import: usize,
    /// From the source's to the destination's units.
    pub conversion: Linear,
    /// The same in words: `K -> degC`, or the units.
    pub units: String,
    /// Value before the start, in the source's units, where the lag reaches back that far.
    pub initial: Option<PlannedInitial>,
}

/// What a lagged field begins with.
#[derive(Clone, Debug)]
pub enum PlannedInitial {
    /// What the component gives before its first step.
    Component,
    /// These values.
    Values(Values),
}

/// Axes of vector components at both ends, one pair a cell.
#[derive(Debug)]
pub struct Rotation {
    /// At the source.
    pub source: Vec<[UnitVector; 2]>,
    /// At the destination.
    pub destination: Vec<[UnitVector; 2]>,
    /// Both on a device, once they are used there.
    #[cfg(feature = "gpu")]
    pub(crate) on_device: std::sync::OnceLock<[knarr_kernels::twins::rotate_vectors::DeviceAxes; 2]>,
}

impl Rotation {
    /// From axes to axes.
    pub fn new(source: Vec<[UnitVector; 2]>, destination: Vec<[UnitVector; 2]>) -> Self {
        Self {
            source,
            destination,
            #[cfg(feature = "gpu")]
            on_device: std::sync::OnceLock::new(),
        }
    }
}

/// Components stepped until what they exchange agrees.
#[derive(Clone, Debug)]
pub struct Iteration {
    /// Members in order.
    pub members: Vec<usize>,
    /// Couplings whose values are guessed: those that a member takes from itself or a later one without a lag.
    pub guessed: Vec<usize>,
    /// Scheme and limits.
    pub entry: IterateEntry,
}

/// What the ledger follows.
#[derive(Clone, Debug, Default)]
pub struct PlannedBudget {
    /// Quantities.
    pub quantities: Vec<Quantity>,
    /// Length of a row; the whole run if none.
    pub every: Option<Period>,
    /// Greatest relative residual of an interval.
    pub limit: f64,
    /// Basins by name.
    pub basins: Vec<(String, ZoneEntry)>,
}

/// What is written.
#[derive(Clone, Debug, Default)]
pub struct PlannedOutput {
    /// The folder.
    pub folder: PathBuf,
    /// How often, in seconds.
    pub every: Option<i64>,
    /// Component and export of each field.
    pub fields: Vec<(usize, usize)>,
}

impl Plan {
    /// Length of the run in seconds.
    pub fn length_s(&self) -> i64 {
        self.stop.0 - self.start.0
    }

    /// `atmosphere -> ocean: a, b`.
    pub fn label(&self, coupling: &Coupling) -> String {
        let (source, destination) = (&self.components[coupling.source], &self.components[coupling.destination]);
        let fields: Vec<String> = coupling
            .parts
            .iter()
            .map(|part| {
                let (theirs, ours) = (&source.declaration.exports[part.export].name, &destination.import(part.import).name);
                if theirs == ours { theirs.clone() } else { format!("{theirs} as {ours}") }
            })
            .collect();
        format!("{} -> {}: {}", source.name, destination.name, fields.join(", "))
    }

    /// How often a coupling takes a value in the whole run.
    pub fn exchange_count(&self, coupling: &Coupling) -> i64 {
        self.length_s() / coupling.timing.period
    }
}
