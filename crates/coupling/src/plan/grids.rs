//! Grids of an experiment.

use super::build::Builder;
use crate::document::Placed;
use crate::experiment::GridEntry;
use crate::findings::Finding;
use knarr_grid::{Detail, Grid, Mask};
use knarr_io::{Dataset, IoError, NanPolicy, VariableGrid, grid_from_argument, match_dims_by_size};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Builder<'_> {
    /// The grid of a text: a name of `grids`, or as the command line names them.
    pub(super) fn grid(&mut self, text: &Placed<String>) -> Option<(String, Arc<Grid>)> {
        if let Some(grid) = self.grids.get(&text.value) {
            return grid.clone().map(|grid| (text.value.clone(), grid));
        }
        match grid_from_argument(&self.argument(text), Detail::Cells) {
            Ok(grid) => Some((text.value.clone(), grid)),
            Err(error) => {
                let near = crate::document::nearest(text, self.grids.keys().map(String::as_str));
                let mut finding = unreadable(text, &error);
                if let Some(name) = near.first() {
                    finding = finding.hint(format!("did you mean `{name}`, a grid of this experiment?"));
                }
                self.findings.add(finding);
                None
            }
        }
    }

    pub(super) fn all_grids(&mut self) {
        let entries: Vec<(String, GridEntry)> =
            self.experiment.grids.iter().map(|(name, entry)| (name.value.clone(), entry.clone())).collect();
        for (name, entry) in entries {
            let grid = match grid_from_argument(&self.argument(&entry.grid), Detail::Cells) {
                Ok(grid) => entry.active_where.as_ref().map_or(Some(Arc::clone(&grid)), |rule| self.masked(&grid, rule)),
                Err(error) => {
                    self.findings.add(unreadable(&entry.grid, &error));
                    None
                }
            };
            self.grids.insert(name, grid);
        }
    }

    /// A grid argument with its file, if it is one, found from the experiment's folder.
    fn argument(&self, text: &str) -> String {
        let (path, variable) = text.rsplit_once(".nc:").map_or((text, None), |(path, variable)| (path, Some(variable)));
        let full = if variable.is_some() { format!("{path}.nc") } else { path.to_owned() };
        let candidate = self.folder.join(&full);
        if !candidate.is_file() && !text.contains(".nc") {
            return text.to_owned();
        }
        variable.map_or(candidate.display().to_string(), |variable| format!("{}:{variable}", candidate.display()))
    }

    fn masked(&mut self, grid: &Arc<Grid>, rule: &Placed<String>) -> Option<Arc<Grid>> {
        let wrong = |problem: String| {
            Finding::error("mask", rule.place, format!("`active_where: {}`: {problem}", rule.value))
                .hint("write it as FILE.nc:VARIABLE > NUMBER, or with <")
        };
        let parts =
            ['>', '<'].iter().find_map(|&sign| rule.split_once(sign).map(|(name, limit)| (name.trim(), sign, limit.trim())));
        let Some((name, sign, limit)) = parts else {
            self.findings.add(wrong("there is no `>` or `<`".to_owned()));
            return None;
        };
        let (Some((path, variable)), Ok(limit)) = (name.rsplit_once(':'), limit.parse::<f64>()) else {
            self.findings.add(wrong("a file with a variable, a sign and a number are needed".to_owned()));
            return None;
        };
        let values = match first_values(&self.folder.join(path), variable, grid) {
            Ok(values) => values,
            Err(error) => {
                self.findings.add(wrong(error.to_string()));
                return None;
            }
        };
        let holds = |cell: usize| values.get(cell).is_some_and(|v| if sign == '>' { v > limit } else { v < limit });
        let mask = Mask::from_active((0..grid.len()).map(holds).collect());
        if mask.active_count(grid.len()) == 0 {
            self.findings.add(wrong("it holds nowhere, no cell would take part".to_owned()));
            return None;
        }
        Some(Arc::new(Grid::clone(grid).masked_by(&mask)))
    }
}

/// The first values of a variable on a grid of the same shape.
pub(super) fn first_values(path: &Path, variable: &str, grid: &Arc<Grid>) -> Result<crate::Values, IoError> {
    let dataset = Dataset::open(path)?;
    let info = dataset.variable(variable)?;
    let dims = match_dims_by_size(&dataset, info, grid)?;
    let found = VariableGrid { grid: Arc::clone(grid), dims, coordinate_variables: Vec::new() };
    let slabs = dataset.read_slabs(variable, &found, 0..1, NanPolicy::Missing)?;
    let values = slabs.values.row(0).to_vec();
    Ok(crate::Values { values, valid: slabs.valid.map(|v| v.row(0).to_vec()) })
}

fn unreadable(text: &Placed<String>, error: &IoError) -> Finding {
    let finding = Finding::error("grid", text.place, format!("no grid `{}`: {error}", text.value));
    match error {
        IoError::NotFound { path } => finding.hint(near_files(path)),
        _ => finding.hint("`knarr grid --list` shows how grids are named; files are found from the experiment's folder"),
    }
}

/// Files in the folder of `path` with names like its own, as a hint.
pub(super) fn near_files(path: &Path) -> String {
    let folder: PathBuf = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let entries = std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder });
    let names: Vec<String> = entries.into_iter().flatten().filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    match crate::document::nearest(&name, names.iter().map(String::as_str)).first() {
        Some(near) => format!("there is a file `{}`", folder.join(near).display()),
        None => "files are found from the experiment's folder".to_owned(),
    }
}
