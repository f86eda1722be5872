//! Which way vector components point at both ends.

use super::Rotation;
use super::build::Builder;
use crate::document::{Place, Placed};
use crate::experiment::ExchangeEntry;
use crate::findings::Finding;
use knarr_field::{VectorFrame, VectorRole};
use knarr_grid::Grid;
use knarr_kernels::sphere::UnitVector;

impl Builder<'_> {
    /// The turning of a pair; a component alone is an error where it would have to turn.
    pub(super) fn rotation(
        &mut self,
        entry: &Placed<ExchangeEntry>,
        group: &[(Place, usize, usize)],
        (source, destination): (usize, usize),
        mapping: usize,
    ) -> Option<Option<Rotation>> {
        let given = &self.components[source].declaration.exports[group[0].1];
        let taken = self.components[destination].import(group[0].2);
        let (Some(from), Some(to)) = (VectorRole::of_name(&given.standard_name), VectorRole::of_name(&taken.standard_name))
        else {
            return Some(None);
        };
        let map = &self.mappings[mapping];
        if from.frame == to.frame && map.regridder.is_none() {
            return Some(None);
        }
        if group.len() < 2 {
            let message = format!("`{}` goes without its partner `{}`", given.name, from.partner);
            let hint = "name both components in one exchange, so that they are turned together";
            let finding = if from.frame == VectorFrame::Earth && to.frame == VectorFrame::Earth {
                Finding::warning("vector", group[0].0, format!("{message}: near the poles its direction is lost"))
            } else {
                Finding::error("vector", group[0].0, format!("{message}, and its axes differ between the grids"))
            };
            let fatal = finding.severity == crate::findings::Severity::Error;
            self.findings.add(finding.hint(hint));
            return (!fatal).then_some(None);
        }
        let axes = |grid: &Grid, frame: VectorFrame| -> Result<Vec<[UnitVector; 2]>, knarr_grid::GridError> {
            if frame == VectorFrame::Earth { Ok(grid.east_north()) } else { grid.axes() }
        };
        match (axes(&map.source, from.frame), axes(&map.destination, to.frame)) {
            (Ok(source), Ok(destination)) => Some(Some(Rotation::new(source, destination))),
            (Err(error), _) | (_, Err(error)) => {
                self.findings.add(Finding::error("vector", entry.place, format!("`{}`: {error}", given.name)));
                None
            }
        }
    }
}
