//! Exchanges of an experiment as couplings: who, what, when, in which units, by which way.

use super::build::Builder;
use super::clock::RunClock;
use super::{Coupling, Part};
use crate::document::{Place, Placed, suggestion};
use crate::experiment::{ExchangeEntry, FieldPair};
use crate::findings::Finding;
use crate::schedule::Timing;
use crate::{Import, Nature, Period, Reduction, Statistic};
use knarr_field::units::Units;
use knarr_field::{VectorComponent, VectorRole};
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn all_couplings(&mut self, clock: &RunClock) {
        let entries: Vec<Placed<ExchangeEntry>> = self.experiment.exchanges.clone();
        // Fractions that only the coupler needs have no import of the taker: they are found before the fields.
        for entry in &entries {
            self.hidden_imports(entry, &entries);
        }
        for (k, entry) in entries.iter().enumerate() {
            self.entry = k;
            self.exchange(entry, clock);
        }
    }

    /// Fields brought to a component that does not import them, but by which another exchange to it is shared out.
    fn hidden_imports(&mut self, entry: &ExchangeEntry, all: &[Placed<ExchangeEntry>]) {
        let Some(c) = self.components.iter().position(|c| c.name == entry.to.value) else { return };
        for pair in &entry.fields {
            let name = &pair.destination;
            let component = &self.components[c];
            let known = component.declaration.imports.iter().chain(&component.hidden).any(|i| i.name == *name);
            let shares = all.iter().any(|e| e.to.value == entry.to.value && e.share.as_ref().is_some_and(|s| s.value == *name));
            if !known && shares {
                let grid = all
                    .iter()
                    .filter(|e| e.to.value == entry.to.value && e.share.as_ref().is_some_and(|s| s.value == *name))
                    .flat_map(|e| &e.fields)
                    .find_map(|f| component.declaration.imports.iter().find(|i| i.name == f.destination))
                    .map_or(0, |i| i.grid);
                let import = Import { grid, ..Import::new(name, "1") };
                self.components[c].hidden.push(import);
            }
        }
    }

    fn exchange(&mut self, entry: &Placed<ExchangeEntry>, clock: &RunClock) -> Option<()> {
        let (source, destination) = (self.component(&entry.from), self.component(&entry.to));
        let (source, destination) = (source?, destination?);
        let timing = self.timing(entry, source, destination, clock);
        let mut pairs = Vec::new();
        for pair in &entry.fields {
            if let Some(found) = self.field(pair, source, destination) {
                pairs.push((pair.place, found));
            }
        }
        if entry.fields.is_empty() {
            self.findings.add(Finding::error("field", entry.place, "this exchange has no fields"));
        }
        let share = match &entry.share {
            None => None,
            Some(name) => Some(self.share(name, destination)?),
        };
        let timing = timing?;
        for group in self.vectors(&pairs, source) {
            self.coupling(entry, (source, destination), &group, timing, share);
        }
        Some(())
    }

    fn timing(&mut self, entry: &ExchangeEntry, source: usize, destination: usize, clock: &RunClock) -> Option<Timing> {
        let period = self.seconds(&entry.every, "every")?;
        let (source_step, destination_step) = (self.components[source].step_s, self.components[destination].step_s);
        let (from, to) = (entry.from.value.clone(), entry.to.value.clone());
        let mut fits = true;
        for (name, step) in [(&from, source_step), (&to, destination_step)] {
            if period % step != 0 {
                self.not_divisible(entry.every.place, "`every`", period, &format!("steps of `{name}`"), step);
                fits = false;
            }
        }
        let length = clock.stop.0 - clock.start.0;
        if length % period != 0 {
            self.not_divisible(entry.every.place, "the run", length, "periods of this exchange", period);
            fits = false;
        }
        let lag = match &entry.lag {
            None => 0,
            Some(text) => self.lag(text, period)?,
        };
        if lag % source_step != 0 {
            let place = entry.lag.as_ref().map_or(entry.every.place, |l| l.place);
            self.not_divisible(place, "`lag`", lag, &format!("steps of `{from}`"), source_step);
            fits = false;
        }
        fits.then_some(Timing { period, lag, source_step, destination_step })
    }

    fn lag(&mut self, text: &Placed<String>, period: i64) -> Option<i64> {
        if let Some(count) = text.strip_suffix("periods").or_else(|| text.strip_suffix("period")) {
            let count = count.trim().parse::<i64>().ok().filter(|n| (0..=1000).contains(n));
            if count.is_none() {
                let message =
                    format!("`{}` is no lag, expected a length of time or a number of periods, such as `2 periods`", text.value);
                self.findings.add(Finding::error("lag", text.place, message));
            }
            return count.map(|n| n * period);
        }
        let lag = self.seconds(text, "lag")?;
        if lag > period {
            let count = lag as f64 / period as f64;
            let message = format!("a lag of {} is longer than the period {}", Period::seconds(lag), Period::seconds(period));
            let hint = format!("if that is meant, write it as a number of periods, such as `lag: {} periods`", count.round());
            self.findings.add(Finding::error("lag", text.place, message).hint(hint));
            return None;
        }
        Some(lag)
    }

    /// Export and import of a pair of names.
    fn field(&mut self, pair: &Placed<FieldPair>, source: usize, destination: usize) -> Option<(usize, usize)> {
        let (giver, taker) = (&self.components[source], &self.components[destination]);
        let export = giver.declaration.exports.iter().position(|e| e.name == pair.source);
        let import = (0..taker.import_count()).find(|&i| taker.import(i).name == pair.destination);
        let mut findings = Vec::new();
        if export.is_none() {
            let message = format!("`{}` exports no field `{}`", giver.name, pair.source);
            let finding = Finding::error("field", pair.place, message);
            let near = crate::document::nearest(&pair.source, giver.declaration.exports.iter().map(|e| e.name.as_str()));
            findings.push(match near.first().and_then(|n| giver.declaration.exports.iter().find(|e| e.name == *n)) {
                Some(e) => finding.hint(format!(
                    "did you mean `{}`? {} exports it on the grid `{}` in {}, every {}",
                    e.name,
                    giver.name,
                    giver.declaration.grids[e.grid].name,
                    e.units,
                    Period::seconds(giver.step_s)
                )),
                None => finding.hint(suggestion(&pair.source, giver.declaration.exports.iter().map(|e| e.name.as_str()))),
            });
        }
        // A name that is wrong on both sides is told once.
        if import.is_none() && (export.is_some() || pair.source != pair.destination) {
            let message = format!("`{}` imports no field `{}`", taker.name, pair.destination);
            let same = export.and_then(|e| {
                let name = &giver.declaration.exports[e].standard_name;
                taker.declaration.imports.iter().find(|i| i.standard_name == *name)
            });
            let hint = match same {
                Some(import) => {
                    format!("it imports the same quantity as `{}`: write `{{{}: {}}}`", import.name, pair.source, import.name)
                }
                None => suggestion(&pair.destination, taker.declaration.imports.iter().map(|i| i.name.as_str())),
            };
            findings.push(Finding::error("field", pair.place, message).hint(hint));
        }
        findings.into_iter().for_each(|f| self.findings.add(f));
        Some((export?, import?))
    }

    fn share(&mut self, name: &Placed<String>, destination: usize) -> Option<usize> {
        let taker = &self.components[destination];
        let found = (0..taker.import_count()).find(|&i| taker.import(i).name == name.value);
        if found.is_none() {
            let message = format!("`share: {}` names no field that an exchange brings to `{}`", name.value, taker.name);
            let hint = format!("add an exchange to `{}` with the fractions, such as `fields: [{}]`", taker.name, name.value);
            self.findings.add(Finding::error("share", name.place, message).hint(hint));
        }
        found
    }

    /// The fields in groups: scalars alone, the two components of a vector together.
    fn vectors(&mut self, pairs: &[(Place, (usize, usize))], source: usize) -> Vec<Vec<(Place, usize, usize)>> {
        let exports = &self.components[source].declaration.exports;
        let role = |export: usize| VectorRole::of_name(&exports[export].standard_name);
        let (mut groups, mut used) = (Vec::new(), vec![false; pairs.len()]);
        for at in 0..pairs.len() {
            if used[at] {
                continue;
            }
            let (place, (export, import)) = pairs[at];
            let partner = role(export).filter(|r| r.component == VectorComponent::First).and_then(|r| {
                (0..pairs.len()).find(|&k| {
                    !used[k]
                        && exports[pairs[k].1.0].standard_name == r.partner
                        && exports[pairs[k].1.0].grid == exports[export].grid
                })
            });
            let is_second = role(export).is_some_and(|r| r.component == VectorComponent::Second);
            // The first component collects the second, wherever it stands.
            if is_second
                && pairs.iter().any(|(_, (e, _))| {
                    role(*e).is_some_and(|r| r.component == VectorComponent::First && r.partner == exports[export].standard_name)
                })
            {
                continue;
            }
            used[at] = true;
            let mut group = vec![(place, export, import)];
            if let Some(k) = partner {
                used[k] = true;
                group.push((pairs[k].0, pairs[k].1.0, pairs[k].1.1));
            }
            groups.push(group);
        }
        groups
    }

    fn coupling(
        &mut self,
        entry: &Placed<ExchangeEntry>,
        (source, destination): (usize, usize),
        group: &[(Place, usize, usize)],
        timing: Timing,
        share: Option<usize>,
    ) -> Option<()> {
        let mut defaults = Vec::new();
        let export = self.components[source].declaration.exports[group[0].1].clone();
        let import = self.components[destination].import(group[0].2).clone();
        let nature = export.nature;
        if import.nature != nature && !(import.nature == Nature::State || nature == Nature::State) {
            let message = format!("`{}` is an amount per area on one side and per cell on the other", export.name);
            self.findings.add(Finding::error("nature", group[0].0, message));
            return None;
        }
        let reduction = entry.reduce.unwrap_or_else(|| {
            let reduction = if export.statistic == Statistic::Sum { Reduction::Sum } else { Reduction::Average };
            defaults.push(("reduce", reduction.name().to_owned()));
            reduction
        });
        let mut parts = Vec::new();
        for &(place, export, import) in group {
            parts.push(self.part(entry, place, (source, export), (destination, import), reduction, &timing)?);
        }
        let from = Arc::clone(&self.components[source].declaration.grids[export.grid].grid);
        let to = Arc::clone(&self.components[destination].declaration.grids[import.grid].grid);
        let mapping = self.mapping(entry, &from, &to, nature, &mut defaults)?;
        let rotation = self.rotation(entry, group, (source, destination), mapping)?;
        let unmapped = entry.unmapped.unwrap_or_else(|| {
            defaults.push(("unmapped", "error".to_owned()));
            crate::experiment::Unmapped::Error
        });
        let found = &self.mappings[mapping];
        // A share of a field may leave out cells where the others stand in; fractions cover them.
        if found.unreached > 0 && unmapped == crate::experiment::Unmapped::Error {
            let first = (0..to.len())
                .find(|&i| to.mask.is_active(i) && found.regridder.as_ref().is_some_and(|r| !r.weights.is_mapped(i)));
            let place = first
                .map(|i| to.center(i))
                .map_or(String::new(), |p| format!(", the first at {:.3} E {:.3} N", p.lon_deg, p.lat_deg));
            let taker = &self.components[destination].name;
            let message = format!(
                "`{}` does not reach {} of {} active cells of `{taker}`{place}",
                found.methods.in_words(),
                found.unreached,
                to.active_count()
            );
            let hint = "let a second method go on (`map: conservative, nearest`), set a value (`..., fixed:0`), or say `unmapped: missing`";
            let line = entry.map.as_ref().map_or(group[0].0, |m| m.place);
            if !self.findings.0.iter().any(|f| f.code == "coverage" && f.line == line.line && f.message == message) {
                self.findings.add(Finding::error("coverage", line, message).hint(hint));
            }
        }
        if let Some(conserve) = &entry.conserve
            && nature == Nature::State
        {
            let message = format!("`{}` is a state: it has no integral that could be kept", export.name);
            self.findings.add(Finding::error("conserve", conserve.place, message).hint("leave `conserve` out for states"));
        }
        if let Some(range) = &entry.range
            && range.value[0] > range.value[1]
        {
            let message = format!("`range: [{}, {}]` has its greatest value first", range.value[0], range.value[1]);
            self.findings.add(Finding::error("range", range.place, message));
        }
        self.couplings.push(Coupling {
            place: group[0].0,
            entry: self.entry,
            source,
            destination,
            parts,
            timing,
            reduction,
            mapping,
            rotation,
            nature,
            conserve: entry.conserve.as_ref().map(|c| c.value.clone()),
            range: entry.range.as_ref().map(|r| r.value),
            share,
            unmapped,
            defaults,
        });
        Some(())
    }

    fn part(
        &mut self,
        entry: &Placed<ExchangeEntry>,
        place: Place,
        (source, export): (usize, usize),
        (destination, import): (usize, usize),
        reduction: Reduction,
        timing: &Timing,
    ) -> Option<Part> {
        let given = self.components[source].declaration.exports[export].clone();
        let taken = self.components[destination].import(import).clone();
        let accumulated = reduction == Reduction::Accumulate;
        let given_units = if accumulated { format!("{} s", given.units) } else { given.units.clone() };
        let units = |text: &str| Units::parse(text).expect("units of declarations are checked before");
        let conversion = match units(&given_units).to(&units(&taken.units)) {
            Ok(conversion) => conversion,
            Err(_) => {
                let (from, to) = (&self.components[source].name, &self.components[destination].name);
                let message = format!("`{}` is in {given_units} at `{from}` and in {} at `{to}`", given.name, taken.units);
                let after = if accumulated { " (accumulated values are in the units times s)" } else { "" };
                let same =
                    self.components[destination].declaration.imports.iter().find(|i| i.standard_name == given.standard_name);
                let hint = match same {
                    Some(i) if i.name != taken.name => {
                        format!("did you mean the import `{}`? write `{{{}: {}}}`", i.name, given.name, i.name)
                    }
                    _ => format!("these units cannot become each other{after}; exchange fields of the same quantity"),
                };
                self.findings.add(Finding::error("units", place, message).hint(hint));
                return None;
            }
        };
        if given.standard_name != taken.standard_name && given.name == taken.name {
            let message = format!(
                "`{}` has the standard name {} on one side and {} on the other",
                given.name, given.standard_name, taken.standard_name
            );
            self.findings.add(Finding::warning("name", place, message));
        }
        let words = if conversion.is_identity() { taken.units.clone() } else { format!("{given_units} -> {}", taken.units) };
        let initial = if timing.lag > 0 { Some(self.initial(entry, place, (source, export))?) } else { None };
        if let (0, Some(initial)) = (timing.lag, &entry.initial) {
            let message = "`initial` is never taken: without a lag the giver steps before the taker";
            if !self.findings.0.iter().any(|f| f.code == "initial" && f.line == initial.place.line) {
                self.findings.add(Finding::warning("initial", initial.place, message));
            }
        }
        Some(Part { export, import, conversion, units: words, initial })
    }
}
