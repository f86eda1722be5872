//! Which variables of a file are regridded, which are carried over, which are left out and why.

use crate::dataset::{Dataset, Role, VariableInfo};
use crate::nc::ValueType;
use crate::references::referenced;
use crate::{GridLayout, IoError, VariableGrid, read_grid, read_grid_matching};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// What happens to the variables of a file.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Variables that are regridded with their grids, in the order of the file.
    pub regridded: Vec<(String, VariableGrid)>,
    /// Variables that are copied, in the order of the file.
    pub carried: Vec<String>,
    /// Variables that are left out, and why.
    pub skipped: Vec<(String, String)>,
}

impl Plan {
    /// Sorts the variables of a file. Grids come from `grid_file` where it has one that fits, else from the file.
    ///
    /// With `wanted`, these variables are regridded, and what belongs to them (coordinates, bounds, terms of vertical
    /// coordinates, ancillary variables) goes along; without, all.
    ///
    /// # Errors
    /// [`IoError::NoVariable`] for a wanted variable that is not there; the reason of a wanted variable without a grid;
    /// [`IoError::NoGriddedVariable`] if nothing is left.
    pub fn new(dataset: &Dataset, grid_file: Option<&Path>, wanted: Option<&[String]>) -> Result<Self, IoError> {
        for name in wanted.unwrap_or_default() {
            dataset.variable(name)?;
        }
        let family = wanted.map(|names| relatives(dataset, names));
        let mut grids = Grids { dataset, grid_file, known: HashMap::new() };
        let mut plan = Self { regridded: Vec::new(), carried: Vec::new(), skipped: Vec::new() };
        let mut reasons: Vec<(String, String)> = Vec::new();
        for v in dataset.variables() {
            let asked = wanted.is_some_and(|names| names.contains(&v.name));
            if family.as_ref().is_some_and(|f| !f.contains(&v.name)) || !(asked || is_candidate(v)) {
                continue;
            }
            if v.dtype.number().is_none() {
                let error = IoError::WrongType {
                    path: dataset.path().to_owned(),
                    variable: v.name.clone(),
                    found: v.dtype.to_string(),
                    expected: "a number",
                };
                return Err(error);
            }
            match grids.of(v) {
                Ok(grid) => plan.regridded.push((v.name.clone(), grid)),
                Err(error) if asked => return Err(error),
                Err(error) => reasons.push((v.name.clone(), short_reason(&error, v))),
            }
        }
        // What describes a grid of the file is no field, though nothing in it may say so (MPAS, SCRIP, OASIS).
        let asked = |name: &String| wanted.is_some_and(|names| names.contains(name));
        let describing: BTreeSet<String> =
            plan.regridded.iter().flat_map(|(_, g)| g.coordinate_variables.iter().cloned()).collect();
        plan.regridded.retain(|(name, _)| asked(name) || !describing.contains(name));
        // Coordinates that vary over a grid's cells (depth of a level) go with the fields on the same dimensions.
        for v in dataset.variables().iter().filter(|v| is_auxiliary(v)) {
            let planned = plan.regridded.iter().find(|(_, g)| {
                g.dims.iter().all(|d| v.dims.iter().any(|(n, _)| n == d)) && !g.coordinate_variables.contains(&v.name)
            });
            let used = family.as_ref().is_none_or(|f| f.contains(&v.name));
            if let Some((_, grid)) = planned.filter(|_| used && !plan.replaces(&v.name)) {
                let grid = grid.clone();
                plan.regridded.push((v.name.clone(), grid));
            }
        }
        if plan.regridded.is_empty() {
            return Err(IoError::NoGriddedVariable { path: dataset.path().to_owned(), reasons });
        }
        let order: HashMap<&str, usize> = dataset.variables().iter().enumerate().map(|(i, v)| (v.name.as_str(), i)).collect();
        plan.regridded.sort_by_key(|(name, _)| order[name.as_str()]);
        plan.carry(dataset, family.as_ref(), &reasons);
        Ok(plan)
    }

    /// Whether the destination's coordinates take the place of this variable.
    pub fn replaces(&self, name: &str) -> bool {
        self.regridded.iter().any(|(_, g)| g.coordinate_variables.iter().any(|c| c == name))
    }

    /// Horizontal dimensions of the source's grids.
    pub fn replaced_dims(&self) -> BTreeSet<&str> {
        self.regridded.iter().flat_map(|(_, g)| g.dims.iter().map(String::as_str)).collect()
    }

    /// Whether a variable of this name is in the output and means what it meant in the source.
    pub fn keeps(&self, name: &str) -> bool {
        self.carried.iter().any(|c| c == name) || self.regridded.iter().any(|(r, _)| r == name)
    }

    /// Leaves out what has the name of a variable of the destination grid.
    pub fn give_way_to(&mut self, layout: &GridLayout) {
        let taken = |name: &String| layout.variables.iter().any(|v| v.name == *name);
        let why = "the destination grid has a variable of that name";
        let names = self.regridded.iter().map(|(name, _)| name).chain(&self.carried);
        self.skipped.extend(names.filter(|name| taken(name)).map(|name| (name.clone(), why.to_owned())).collect::<Vec<_>>());
        self.regridded.retain(|(name, _)| !taken(name));
        self.carried.retain(|name| !taken(name));
    }

    /// Whether a variable of the output has the source's dimension `dim`.
    pub fn uses_dim(&self, dataset: &Dataset, dim: &str) -> bool {
        let has = |name: &String| dataset.variable(name).is_ok_and(|v| v.dims.iter().any(|(n, _)| n == dim));
        self.carried.iter().any(has) || self.regridded.iter().any(|(name, g)| has(name) && !g.dims.iter().any(|d| d == dim))
    }

    /// Name in the output of the source's dimension `name`: another one where the destination grid has a dimension of
    /// that name, but of another length or a horizontal one.
    pub fn dim_name(&self, layout: &GridLayout, name: &str, len: usize) -> String {
        let clash = layout.dims.iter().find(|(n, _)| n == name).is_some_and(|(n, l)| {
            let coordinate = layout.variables.iter().any(|v| v.dims.first() == Some(n));
            *l != len || coordinate
        });
        if clash { format!("{name}_source") } else { name.to_owned() }
    }

    fn carry(&mut self, dataset: &Dataset, family: Option<&BTreeSet<String>>, reasons: &[(String, String)]) {
        let replaced: BTreeSet<String> = self.replaced_dims().into_iter().map(str::to_owned).collect();
        for v in dataset.variables() {
            let done = self.regridded.iter().any(|(name, _)| *name == v.name) || self.replaces(&v.name);
            if done || family.is_some_and(|f| !f.contains(&v.name)) || matches!(v.role, Role::GridMapping | Role::Mesh) {
                continue;
            }
            let on_grid = v.dims.iter().find(|(name, _)| replaced.contains(name));
            if let ValueType::Other(kind) = &v.dtype {
                self.skipped.push((v.name.clone(), format!("its type ({kind}) is not read")));
            } else if let Some((dim, _)) = on_grid {
                let why = match reasons.iter().find(|(name, _)| *name == v.name) {
                    Some((_, why)) => why.clone(),
                    None => format!("it belongs to the source grid (dimension `{dim}`)"),
                };
                self.skipped.push((v.name.clone(), why));
            } else {
                self.carried.push(v.name.clone());
            }
        }
    }
}

/// Whether a variable is regridded if it has a grid and nobody names variables.
fn is_candidate(v: &VariableInfo) -> bool {
    matches!(v.role, Role::Data | Role::Ancillary) && v.dtype.number().is_some() && !v.dims.is_empty()
}

/// Whether a variable is a coordinate that may vary over the cells of a grid.
fn is_auxiliary(v: &VariableInfo) -> bool {
    let horizontal = ["degree", "radian"].iter().any(|u| v.attributes.text("units").is_some_and(|t| t.starts_with(u)))
        || matches!(v.attributes.text("standard_name"), Some(n) if n.ends_with("longitude") || n.ends_with("latitude"));
    v.role == Role::Coordinate && v.dims.len() > 1 && v.dtype.number().is_some() && !horizontal
}

/// The variables named, and all that they refer to, directly or not.
fn relatives(dataset: &Dataset, names: &[String]) -> BTreeSet<String> {
    let mut family = BTreeSet::new();
    let mut waiting: Vec<String> = names.to_vec();
    while let Some(name) = waiting.pop() {
        if !family.insert(name.clone()) {
            continue;
        }
        let Ok(v) = dataset.variable(&name) else { continue };
        waiting.extend(referenced(dataset.file(), &name, &v.attributes));
        // Coordinates of its dimensions have their names.
        waiting.extend(v.dims.iter().filter(|(dim, _)| dataset.file().find(dim).is_some()).map(|(dim, _)| dim.clone()));
    }
    family
}

/// Grids of variables; variables that say the same about their grid share it.
struct Grids<'a> {
    dataset: &'a Dataset,
    grid_file: Option<&'a Path>,
    known: HashMap<Vec<String>, VariableGrid>,
}

impl Grids<'_> {
    fn of(&mut self, v: &VariableInfo) -> Result<VariableGrid, IoError> {
        let group = v.name.rsplit_once('/').map_or("", |(group, _)| group);
        let mut key: Vec<String> = v.dims.iter().map(|(name, _)| name.clone()).chain([group.to_owned()]).collect();
        for name in ["coordinates", "grid_mapping", "mesh", "location", "grid", "CDI_grid_type"] {
            key.push(v.attributes.text(name).unwrap_or_default().to_owned());
        }
        if let Some(grid) = self.known.get(&key) {
            return Ok(grid.clone());
        }
        let grid = match self.grid_file.map(|path| read_grid_matching(path, &v.dims)) {
            Some(Ok(grid)) => grid,
            // The field's own coordinates serve where the grid file has none that fits.
            Some(Err(error)) => read_grid(self.dataset, &v.name).map_err(|_| error)?,
            None => read_grid(self.dataset, &v.name)?,
        };
        // Variables with another number of levels share the grid's cells; one copy of them is enough.
        let grid = match self.known.values().find(|known| known.dims == grid.dims && known.grid == grid.grid) {
            Some(known) => VariableGrid { grid: known.grid.clone(), ..grid },
            None => grid,
        };
        self.known.insert(key, grid.clone());
        Ok(grid)
    }
}

/// The reason without the file and the variable, which the list gives already.
fn short_reason(error: &IoError, v: &VariableInfo) -> String {
    match error {
        IoError::NoGrid { problem, .. } => problem.clone(),
        IoError::Grid { what, source, .. } => format!("{what}: {source}"),
        IoError::NoGriddedVariable { path, .. } => {
            format!("{} has no grid for {}", path.display(), crate::slabs::in_words(v))
        }
        other => other.to_string(),
    }
}
