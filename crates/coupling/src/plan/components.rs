//! Components of an experiment, and whether what they need is there.

use super::PlannedComponent;
use super::build::Builder;
use super::clock::RunClock;
use crate::document::{Place, suggestion};
use crate::experiment::ComponentEntry;
use crate::findings::Finding;
use crate::{ComponentError, Context, Declaration, Need, Parameters};
use knarr_field::units::Units;
use knarr_io::IoError;
use std::collections::BTreeMap;

impl Builder<'_> {
    pub(super) fn all_components(&mut self, clock: &RunClock) {
        let entries: Vec<(String, Place, ComponentEntry)> =
            self.experiment.components.iter().map(|(name, entry)| (name.value.clone(), name.place, entry.clone())).collect();
        for (name, place, entry) in entries {
            if self.make_component(&name, place, &entry, clock).is_none() {
                self.broken.push(name);
            }
        }
    }

    fn make_component(&mut self, name: &str, place: Place, entry: &ComponentEntry, clock: &RunClock) -> Option<()> {
        let step_s = self.seconds(&entry.step, "step");
        let grid = match &entry.grid {
            None => None,
            Some(text) => Some(self.grid(text)?),
        };
        let Some(kind) = self.registry.find(&entry.kind) else {
            let message = format!("component `{name}` is of the unknown kind `{}`", entry.kind.value);
            let hint = suggestion(&entry.kind, self.registry.kinds().map(|(kind, _)| kind).collect::<Vec<_>>());
            self.findings.add(Finding::error("kind", entry.kind.place, message).hint(hint));
            return None;
        };
        let step_s = step_s?;
        let length = clock.stop.0 - clock.start.0;
        if length % step_s != 0 {
            self.not_divisible(entry.step.place, "the run", length, &format!("steps of `{name}`"), step_s);
        }
        let context = Context {
            name: name.to_owned(),
            grid,
            grids: self.grids.iter().filter_map(|(name, grid)| Some((name.clone(), grid.clone()?))).collect::<BTreeMap<_, _>>(),
            folder: self.folder.clone(),
            calendar: clock.calendar,
            start: clock.start,
            stop: clock.stop,
            step_s,
        };
        let component = match (kind.make)(&context, &Parameters(entry.parameters.clone())) {
            Ok(component) => component,
            Err(error) => {
                self.findings.add(not_made(name, place, entry, &error));
                return None;
            }
        };
        let declaration = component.declaration().clone();
        self.check_declaration(name, place, &declaration)?;
        self.components.push(PlannedComponent {
            name: name.to_owned(),
            kind: entry.kind.value.clone(),
            place,
            step_s,
            declaration,
            hidden: Vec::new(),
        });
        self.running.push(component);
        Some(())
    }

    /// A fault of the component's code, not of the experiment; said all the same, where a run would fail later.
    fn check_declaration(&mut self, name: &str, place: Place, declaration: &Declaration) -> Option<()> {
        let imports = declaration.imports.iter().map(|i| (&i.name, &i.units, i.grid));
        let exports = declaration.exports.iter().map(|e| (&e.name, &e.units, e.grid));
        for (field, units, grid) in imports.chain(exports) {
            let problem = match Units::parse(units) {
                Err(error) => Some(error.to_string()),
                Ok(_) if grid >= declaration.grids.len() => Some("it is on a grid that is not declared".to_owned()),
                Ok(_) => None,
            };
            if let Some(problem) = problem {
                let message = format!("component `{name}` declares `{field}` so that it cannot be exchanged: {problem}");
                self.findings.add(Finding::error("declaration", place, message));
                return None;
            }
        }
        Some(())
    }

    /// Every import is fed, by default or not needed; every export is taken by someone or told.
    pub(super) fn check_imports_and_exports(&mut self) {
        let mut findings = Vec::new();
        for (c, component) in self.components.iter().enumerate() {
            for (i, import) in component.declaration.imports.iter().enumerate() {
                let feeding: Vec<&super::Coupling> =
                    self.couplings.iter().filter(|k| k.destination == c && k.parts.iter().any(|p| p.import == i)).collect();
                // An exchange that should bring it but is wrong itself has been told of.
                let meant =
                    self.experiment.exchanges.iter().filter(|e| e.to.value == component.name).flat_map(|e| &e.fields).any(|f| {
                        let known = (0..component.import_count()).any(|k| component.import(k).name == f.destination);
                        f.destination == import.name || !known
                    });
                if feeding.is_empty() && import.need == Need::Required && !meant {
                    let givers: Vec<String> = self
                        .components
                        .iter()
                        .filter(|other| other.name != component.name)
                        .filter(|other| other.declaration.exports.iter().any(|e| e.standard_name == import.standard_name))
                        .map(|other| format!("`{}`", other.name))
                        .collect();
                    let hint = if givers.is_empty() {
                        "no component of this experiment gives it; add one that does, such as a data stream".to_owned()
                    } else {
                        format!("{} gives it: add an exchange with `fields: [{}]`", givers.join(" and "), import.name)
                    };
                    let message = format!(
                        "component `{}` needs `{}` ({}), and no exchange brings it",
                        component.name, import.name, import.units
                    );
                    findings.push(Finding::error("import", component.place, message).hint(hint));
                }
                if feeding.len() > 1 && feeding.iter().any(|k| k.share.is_none()) {
                    let lines: Vec<String> = feeding.iter().map(|k| k.place.line.to_string()).collect();
                    let message = format!(
                        "{} exchanges bring `{}` to `{}` (lines {})",
                        feeding.len(),
                        import.name,
                        component.name,
                        lines.join(", ")
                    );
                    let hint =
                        "give each the `share` of its cells (a field of fractions that add up to 1), or remove all but one";
                    findings.push(Finding::error("import", feeding[1].place, message).hint(hint));
                }
            }
            let is_taken = |e: usize| self.couplings.iter().any(|k| k.source == c && k.parts.iter().any(|p| p.export == e));
            let exports = component.declaration.exports.iter().enumerate();
            let unused: Vec<String> = exports.filter(|(e, _)| !is_taken(*e)).map(|(_, x)| format!("`{}`", x.name)).collect();
            if !unused.is_empty() && self.experiment.output.every.is_none() {
                let message = format!("component `{}`: nothing takes {}", component.name, unused.join(", "));
                findings.push(Finding::warning("unused", component.place, message));
            }
            let alone = component.declaration.exports.len() + component.declaration.imports.len() > 0
                && !self.experiment.exchanges.iter().any(|e| e.from.value == component.name || e.to.value == component.name);
            if alone {
                let message = format!("component `{}` exchanges nothing with the others", component.name);
                findings.push(Finding::warning("alone", component.place, message));
            }
        }
        findings.into_iter().for_each(|finding| self.findings.add(finding));
    }
}

fn not_made(name: &str, place: Place, entry: &ComponentEntry, error: &ComponentError) -> Finding {
    let parameters = entry.parameters.as_ref().map_or(place, |p| p.place);
    match error {
        ComponentError::Document(error) => {
            let place = if error.place.line > 0 { error.place } else { parameters };
            let finding = Finding::error("parameter", place, format!("component `{name}`: {}", error.problem));
            finding.hint(
                error.hint.clone().unwrap_or_else(|| format!("`knarr couple kinds {}` tells its parameters", entry.kind.value)),
            )
        }
        ComponentError::Io(IoError::NotFound { path }) => {
            Finding::error("file", parameters, format!("component `{name}`: {error}")).hint(super::grids::near_files(path))
        }
        ComponentError::Parameter { parameter, .. } => {
            let place = entry.parameters.as_ref().and_then(|node| node.get(parameter)).map_or(parameters, |node| node.place);
            Finding::error("parameter", place, format!("component `{name}`: {error}"))
        }
        _ => Finding::error("component", parameters, format!("component `{name}`: {error}")),
    }
}
