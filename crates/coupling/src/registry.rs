//! Kinds of components by name, so that a new one plugs in without a change of the core.

use crate::document::Node;
use crate::{About, Component, ComponentError, ComponentKind, Instant};
use knarr_field::Calendar;
use knarr_grid::Grid;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a component is made in.
#[derive(Clone, Debug)]
pub struct Context {
    /// Name of the component in the experiment.
    pub name: String,
    /// Name of the grid the experiment gives it, and the grid.
    pub grid: Option<(String, Arc<Grid>)>,
    /// All grids of the experiment.
    pub grids: BTreeMap<String, Arc<Grid>>,
    /// The folder that file names start from.
    pub folder: PathBuf,
    /// Calendar of the run.
    pub calendar: Calendar,
    /// Where the run begins.
    pub start: Instant,
    /// Where the run ends.
    pub stop: Instant,
    /// Length of the component's step in seconds.
    pub step_s: i64,
}

impl Context {
    /// The grid that the experiment gives this component.
    ///
    /// # Errors
    /// [`ComponentError::Parameter`] if it gives none.
    pub fn own_grid(&self) -> Result<(String, Arc<Grid>), ComponentError> {
        let missing = || ComponentError::Parameter {
            parameter: "grid".to_owned(),
            problem: format!("component `{}` needs one, such as `grid: r360x180`", self.name),
        };
        self.grid.clone().ok_or_else(missing)
    }

    /// A file named in the experiment.
    pub fn path(&self, name: &Path) -> PathBuf {
        if name.is_absolute() { name.to_owned() } else { self.folder.join(name) }
    }
}

/// The `parameters` of a component in the experiment file.
#[derive(Clone, Debug, Default)]
pub struct Parameters(pub Option<Node>);

impl Parameters {
    /// Parameters written as YAML, for tests.
    ///
    /// # Errors
    /// As [`Node::parse`].
    pub fn from_yaml(text: &str) -> Result<Self, ComponentError> {
        Ok(Self(Some(Node::parse(text)?)))
    }

    /// The parameters as `T`, a struct with `#[serde(deny_unknown_fields)]`; no parameters read as an empty map.
    ///
    /// # Errors
    /// [`ComponentError::Document`] with the line, and the nearest name for a key that is not known.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ComponentError> {
        Ok(self.0.clone().unwrap_or_else(Node::empty_map).read()?)
    }
}

/// Makes a component.
pub type Constructor = fn(&Context, &Parameters) -> Result<Box<dyn Component>, ComponentError>;

/// Kinds of components by name.
#[derive(Clone, Debug, Default)]
pub struct Registry(BTreeMap<&'static str, ComponentKind>);

impl Registry {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more kind; a kind of the same name is replaced.
    #[must_use]
    pub fn with(mut self, kind: &'static str, make: Constructor) -> Self {
        self.0.insert(kind, ComponentKind { make, about: None });
        self
    }

    /// [`Registry::with`] a kind that says what it is.
    #[must_use]
    pub fn with_told(mut self, kind: &'static str, make: Constructor, about: About) -> Self {
        self.0.insert(kind, ComponentKind { make, about: Some(about) });
        self
    }

    /// A kind.
    pub fn find(&self, kind: &str) -> Option<&ComponentKind> {
        self.0.get(kind)
    }

    /// All kinds with their names, sorted by these.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &ComponentKind)> {
        self.0.iter().map(|(&name, kind)| (name, kind))
    }
}
