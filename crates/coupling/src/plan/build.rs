//! The plan made from the file, with all that is wrong with it.

use super::clock::RunClock;
use super::{Coupling, Plan, PlannedBudget, PlannedComponent, PlannedInitial, PlannedOutput};
use crate::document::{Placed, suggestion};
use crate::experiment::{Experiment, ExperimentFile};
use crate::findings::{Finding, Findings};
use crate::mapping::Mapping;
use crate::{Component, Fields, Registry};
use knarr_grid::Grid;
use knarr_io::WeightsCache;
use knarr_kernels::device::DeviceChoice;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Collects the parts of a plan; what is wrong goes to `findings`, and the rest is looked at all the same.
pub(super) struct Builder<'e> {
    pub experiment: &'e Experiment,
    pub registry: &'e Registry,
    pub folder: PathBuf,
    pub findings: Findings,
    pub grids: BTreeMap<String, Option<Arc<Grid>>>,
    pub components: Vec<PlannedComponent>,
    pub running: Vec<Box<dyn Component>>,
    pub started: Vec<Fields>,
    /// Names of components that could not be made: what mentions them is not told again.
    pub broken: Vec<String>,
    pub couplings: Vec<Coupling>,
    pub mappings: Vec<Mapping>,
    pub cache: Option<WeightsCache>,
    /// The exchange that is looked at.
    pub entry: usize,
}

/// A plan ready to run.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// Its components, in its order.
    pub components: Vec<Box<dyn Component>>,
    /// What each exports before its first step; exports that it does not give are missing.
    pub exports: Vec<Fields>,
}

impl Prepared {
    /// Makes the plan of an experiment: components are made, weights found or made, and nothing is stepped.
    ///
    /// Gives the plan unless something is wrong, and in both cases what was found.
    pub fn new(file: &ExperimentFile, registry: &Registry) -> (Option<Self>, Findings) {
        let experiment = &file.experiment;
        let mut builder = Builder {
            experiment,
            registry,
            folder: file.folder(),
            findings: Findings::default(),
            grids: BTreeMap::new(),
            components: Vec::new(),
            running: Vec::new(),
            started: Vec::new(),
            broken: Vec::new(),
            couplings: Vec::new(),
            mappings: Vec::new(),
            cache: None,
            entry: 0,
        };
        let plan = builder.plan(file);
        if let Some(plan) = &plan {
            crate::overview::remarks(plan).into_iter().for_each(|finding| builder.findings.add(finding));
        }
        builder.findings.sort();
        let prepared = plan.filter(|_| builder.findings.is_runnable()).map(|plan| Self {
            plan,
            components: builder.running,
            exports: builder.started,
        });
        (prepared, builder.findings)
    }
}

impl Builder<'_> {
    fn plan(&mut self, file: &ExperimentFile) -> Option<Plan> {
        if let Some(weights) = &self.experiment.weights {
            let folder = self.folder.join(&weights.cache);
            match WeightsCache::open(&folder) {
                Ok(cache) => self.cache = Some(cache),
                Err(error) => {
                    self.findings.add(Finding::warning("cache", Default::default(), format!("weights are not kept: {error}")))
                }
            }
        }
        self.all_grids();
        let clock = self.clock(&self.experiment.clock)?;
        self.all_components(&clock);
        self.all_couplings(&clock);
        self.check_imports_and_exports();
        let ordered = self.order(&clock);
        self.start();
        self.check_shares();
        let (schedule, iterations, order_is_given) = ordered?;
        let (budget, output) = (self.budget(), self.output(file, &clock));
        let restart = self.experiment.restart.clone();
        let restart_every = match &restart {
            None => None,
            Some(restart) => Some(self.seconds(&restart.every, "restart: every")?),
        };
        if let (Some(restart), Some(every)) = (&restart, restart_every) {
            self.whole_steps(&restart.every, every, "`restart: every`");
        }
        let device = self.device();
        let ingredients = self.ingredients(file, &clock, &schedule);
        Some(Plan {
            path: file.path.clone(),
            title: self.experiment.title.clone(),
            start: clock.start,
            stop: clock.stop,
            calendar: clock.calendar,
            components: std::mem::take(&mut self.components),
            couplings: std::mem::take(&mut self.couplings),
            mappings: std::mem::take(&mut self.mappings),
            schedule,
            iterations,
            order_is_given,
            budget,
            output,
            device,
            restart_every,
            hash: super::hash::of(&ingredients),
            ingredients,
        })
    }

    fn device(&mut self) -> Option<DeviceChoice> {
        let text = self.experiment.device.as_ref()?;
        match text.parse() {
            Ok(device) => Some(device),
            Err(problem) => {
                let message = format!("`device: {}`: {problem}", text.value);
                self.findings.add(Finding::error("device", text.place, message).hint("`knarr gpu info` lists those there are"));
                None
            }
        }
    }

    /// Asks each component for what holds before its first step, and sees whether what a lag begins with is there.
    fn start(&mut self) {
        let mut findings = Vec::new();
        for (c, component) in self.running.iter_mut().enumerate() {
            let planned = &self.components[c];
            let mut exports = Fields::for_exports(&planned.declaration);
            let given = component.start(&mut exports).unwrap_or_else(|error| {
                findings.push(Finding::error("component", planned.place, format!("component `{}`: {error}", planned.name)));
                planned.declaration.exports.iter().map(|e| e.name.clone()).collect()
            });
            for (k, part) in self.couplings.iter().filter(|k| k.source == c).flat_map(|k| k.parts.iter().map(move |p| (k, p))) {
                let export = &planned.declaration.exports[part.export];
                if matches!(part.initial, Some(PlannedInitial::Component)) && !given.contains(&export.name) {
                    let message = format!("`{}` does not give `{}` before its first step", planned.name, export.name);
                    let hint = format!("say with what it begins: `initial: 0 {}`, or `initial: FILE.nc:VARIABLE`", export.units);
                    findings.push(Finding::error("initial", k.place, message).hint(hint));
                }
            }
            self.started.push(exports);
        }
        findings.into_iter().for_each(|finding| self.findings.add(finding));
    }

    /// A length of time that at least one component can stop at.
    fn whole_steps(&mut self, text: &Placed<String>, seconds: i64, what: &str) {
        let Some(shortest) = self.components.iter().map(|c| c.step_s).min() else { return };
        if seconds % shortest != 0 {
            self.not_divisible(text.place, what, seconds, "the shortest step", shortest);
        }
    }

    fn budget(&mut self) -> PlannedBudget {
        let entry = self.experiment.budget.clone();
        let every = entry.every.as_ref().and_then(|text| self.period(text));
        let limit = entry.limit.as_ref().map_or(1e-12, |limit| limit.value);
        if limit.is_nan() || limit <= 0.0 {
            let place = entry.limit.as_ref().map(|l| l.place).unwrap_or_default();
            self.findings.add(Finding::error(
                "budget",
                place,
                format!("`limit` is {limit}, expected a number above 0, such as 1e-12"),
            ));
        }
        let basins = entry.basins.iter().map(|(name, zone)| (name.value.clone(), *zone)).collect();
        PlannedBudget { quantities: entry.quantities.clone(), every, limit, basins }
    }

    fn output(&mut self, file: &ExperimentFile, _: &RunClock) -> PlannedOutput {
        let entry = self.experiment.output.clone();
        let stem = file.path.file_stem().map_or_else(|| "experiment".into(), |s| s.to_string_lossy().into_owned());
        let folder = entry.folder.map_or_else(|| self.folder.join(format!("{stem}.out")), |folder| self.folder.join(folder));
        let every = entry.every.as_ref().and_then(|text| self.seconds(text, "output: every"));
        if let (Some(text), Some(every)) = (&entry.every, every) {
            self.whole_steps(text, every, "`output: every`");
        }
        let mut fields = Vec::new();
        for (c, component) in self.components.iter().enumerate() {
            for e in 0..component.declaration.exports.len() {
                if entry.fields.is_none() {
                    fields.push((c, e));
                }
            }
        }
        for text in entry.fields.iter().flatten() {
            fields.extend(self.output_fields(text));
        }
        fields.sort_unstable();
        fields.dedup();
        PlannedOutput { folder, every, fields }
    }

    fn output_fields(&mut self, text: &Placed<String>) -> Vec<(usize, usize)> {
        let (name, field) = text.split_once('.').map_or((text.as_str(), None), |(name, field)| (name, Some(field)));
        let Some(c) = self.component(&Placed { place: text.place, value: name.to_owned() }) else { return Vec::new() };
        let exports = &self.components[c].declaration.exports;
        match field {
            None => (0..exports.len()).map(|e| (c, e)).collect(),
            Some(field) => match exports.iter().position(|e| e.name == field) {
                Some(e) => vec![(c, e)],
                None => {
                    let hint = suggestion(field, exports.iter().map(|e| e.name.as_str()));
                    let message = format!("`{name}` exports no field `{field}`");
                    self.findings.add(Finding::error("field", text.place, message).hint(hint));
                    Vec::new()
                }
            },
        }
    }

    /// The component of a name.
    pub(super) fn component(&mut self, name: &Placed<String>) -> Option<usize> {
        if let Some(at) = self.components.iter().position(|c| c.name == name.value) {
            return Some(at);
        }
        if !self.broken.contains(&name.value) {
            let hint = suggestion(name, self.experiment.components.names());
            self.findings
                .add(Finding::error("component", name.place, format!("there is no component `{}`", name.value)).hint(hint));
        }
        None
    }
}
