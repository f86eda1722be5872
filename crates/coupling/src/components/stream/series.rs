//! A variable of a file over time, read record by record.

use super::moment::{Rules, Timing};
use crate::{ComponentError, Instant, Interval, Values};
use knarr_field::{CellMethods, DateTime};
use knarr_grid::{Grid, Mask};
use knarr_io::{Dataset, NanPolicy, VariableGrid, read_grid};
use knarr_kernels::{solar, time_reduce};
use knarr_regrid::{Method, MissingPolicy, Options, Regridder, Weights};
use std::path::Path;
use std::sync::Arc;

/// The sun is looked at this often for `coszen`, in seconds, or every step where that is shorter.
const SUN_STEP: i64 = 1800;
/// No cosine of the zenith is taken for smaller.
const LEAST_COSINE: f64 = 0.001;

/// A variable over time.
#[derive(Debug)]
pub(super) struct Series {
    dataset: Dataset,
    variable: String,
    place: VariableGrid,
    /// Its grid.
    pub grid: Arc<Grid>,
    /// Its units.
    pub units: Option<String>,
    /// Its name in CF.
    pub standard_name: Option<String>,
    rules: Rules,
    times: Vec<Instant>,
    bounds: Vec<[Instant; 2]>,
    fill: bool,
    /// Records read last, by number.
    kept: Vec<(usize, Arc<Values>)>,
    /// Filling of a mask that was met before.
    filler: Option<(Vec<bool>, Regridder)>,
    /// Mean of the zenith's cosine over a record, by number.
    mean_cosine: Option<(usize, Vec<f64>)>,
}

impl Series {
    /// Opens a variable.
    ///
    /// # Errors
    /// [`ComponentError::Io`] if it cannot be read, [`ComponentError::Parameter`] if its times do not fit.
    pub fn open(path: &Path, variable: &str, rules: Rules, fill: bool) -> Result<Self, ComponentError> {
        let dataset = Dataset::open(path)?;
        let info = dataset.variable(variable)?;
        let place = read_grid(&dataset, variable)?;
        let unfit = |problem: String| ComponentError::Parameter {
            parameter: "file".to_owned(),
            problem: format!("{}: {problem}", path.display()),
        };
        let time = knarr_io::times::time_of(&dataset, info).ok_or_else(|| unfit(format!("`{variable}` has no time")))?;
        let axis = time.axis.map_err(unfit)?;
        let (found, expected) = (axis.units.calendar(), rules.calendar);
        let first =
            axis.values.first().map(|&value| axis.units.date_time(value)).transpose().map_err(|e| unfit(e.to_string()))?;
        if !first.is_none_or(|at| found.same_since(expected, at.date)) {
            let (found, expected) = (found.name(), expected.name());
            let problem =
                format!("its calendar is {found}, that of the run {expected}; a clock with `calendar: {found}` has its dates");
            return Err(unfit(problem));
        }
        let instant = |value: f64| -> Result<Instant, ComponentError> {
            let at = axis.units.date_time(value).map_err(|e| unfit(e.to_string()))?;
            // Whole seconds: what files say in days or hours has a rounding.
            let rounded = DateTime { microseconds: at.microseconds / 1_000_000 * 1_000_000, ..at };
            let instant = Instant::of(&rounded, rules.calendar).ok_or_else(|| unfit(format!("{at} is no date")))?;
            Ok(Instant(instant.0 + i64::from(at.microseconds % 1_000_000 >= 500_000)))
        };
        let times = axis.values.iter().map(|&v| instant(v)).collect::<Result<Vec<_>, _>>()?;
        if times.is_empty() || times.windows(2).any(|w| w[0] >= w[1]) {
            return Err(unfit(format!("the times of `{variable}` do not ascend")));
        }
        if let Some(problem) = rules.misfit(&times) {
            return Err(ComponentError::Parameter { parameter: "cycle".to_owned(), problem });
        }
        let records = dataset.slab_count(variable, &place)?;
        if records != times.len() {
            return Err(unfit(format!("`{variable}` has {records} levels and times, but {} times", times.len())));
        }
        let named = dataset.variable(&axis.name)?.attributes.text("bounds").map(str::to_owned);
        let mut bounds = Vec::new();
        if let Some(name) = named.filter(|name| dataset.variable(name).is_ok()) {
            let values = dataset.file().read(&name)?;
            for pair in values.chunks_exact(2) {
                bounds.push([instant(pair[0])?, instant(pair[1])?]);
            }
        }
        if rules.timing == Timing::Coszen && bounds.len() != times.len() {
            let problem = format!("`coszen` shapes means over time bounds, and `{variable}` has none");
            return Err(ComponentError::Parameter { parameter: "time".to_owned(), problem });
        }
        let attributes = info.attributes.clone();
        let methods = CellMethods::parse(attributes.text("cell_methods").unwrap_or_default());
        if let Some(entry) = methods.get(&axis.name).filter(|e| rules.timing == Timing::Coszen && e.method != "mean") {
            let problem = format!("`coszen` shapes means over time, and `{variable}` is a {}", entry.method);
            return Err(ComponentError::Parameter { parameter: "time".to_owned(), problem });
        }
        Ok(Self {
            grid: place.grid.clone(),
            units: attributes.text("units").map(str::to_owned),
            standard_name: attributes.text("standard_name").map(str::to_owned),
            variable: variable.to_owned(),
            dataset,
            place,
            rules,
            times,
            bounds,
            fill,
            kept: Vec::new(),
            filler: None,
            mean_cosine: None,
        })
    }

    /// Whether values are means over the step.
    pub fn is_mean(&self) -> bool {
        self.rules.timing == Timing::Coszen
    }

    /// Cells that have a value at some time.
    ///
    /// # Errors
    /// [`ComponentError::Io`].
    pub fn ever_valid(&mut self) -> Result<Vec<bool>, ComponentError> {
        let mut ever = vec![false; self.grid.len()];
        for record in 0..self.times.len() {
            let values = self.record(record)?;
            (0..ever.len()).for_each(|cell| ever[cell] |= values.is_valid(cell));
        }
        Ok(ever)
    }

    /// Values for a step.
    ///
    /// # Errors
    /// [`ComponentError::Value`] outside the records, [`ComponentError::Io`].
    pub fn over(&mut self, interval: &Interval) -> Result<Values, ComponentError> {
        if self.rules.timing == Timing::Coszen {
            return self.by_the_sun(interval);
        }
        let bracket = self.rules.bracket(&self.times, interval.end).map_err(|problem| self.value_error(problem))?;
        let (lower, upper) = (self.record(bracket.lower)?, self.record(bracket.upper)?);
        if bracket.lower == bracket.upper {
            return Ok(Values::clone(&lower));
        }
        let side = |v: &Values| v.valid.clone();
        let (lower_valid, upper_valid) = (side(&lower), side(&upper));
        let (values, valid) =
            time_reduce::between((&lower.values, lower_valid.as_deref()), (&upper.values, upper_valid.as_deref()), bracket.share);
        Ok(Values { values, valid: valid.contains(&false).then_some(valid) })
    }

    fn value_error(&self, problem: String) -> ComponentError {
        ComponentError::Value { problem: format!("{}: `{}`: {problem}", self.dataset.path().display(), self.variable) }
    }

    /// Mean over a step of means shaped by the sun. Steps of the sun are those of the record, so that its mean is kept.
    fn by_the_sun(&mut self, interval: &Interval) -> Result<Values, ComponentError> {
        let n = self.grid.len();
        let (mut sum, mut valid, mut seconds) = (vec![0.0; n], vec![true; n], 0.0);
        let mut at = interval.start;
        while at < interval.end {
            let here = self.rules.within(at, self.bounds[0][0]);
            let Some(record) = self.bounds.iter().position(|b| b[0] <= here && here < b[1]) else {
                let problem = format!("no record covers {}", at.label(self.rules.calendar));
                return Err(self.value_error(problem));
            };
            let left = self.bounds[record][1].0 - here.0;
            let step = SUN_STEP.min(left).min(interval.end.0 - at.0);
            let values = self.record(record)?;
            let mean = self.mean_cosine(record);
            let cosines = cosines(&self.grid, Instant(here.0 + step / 2), self.rules);
            for cell in 0..n {
                valid[cell] &= values.is_valid(cell);
                // Where the sun does not rise the mean has no shape.
                let shape = if mean[cell] > LEAST_COSINE { cosines[cell] / mean[cell] } else { 1.0 };
                sum[cell] += step as f64 * values.values[cell] * shape;
            }
            self.mean_cosine = Some((record, mean));
            seconds += step as f64;
            at = Instant(at.0 + step);
        }
        sum.iter_mut().for_each(|v| *v /= seconds);
        Ok(Values { values: sum, valid: valid.contains(&false).then_some(valid) })
    }

    fn mean_cosine(&mut self, record: usize) -> Vec<f64> {
        if let Some((kept, mean)) = self.mean_cosine.take()
            && kept == record
        {
            return mean;
        }
        let [start, end] = self.bounds[record];
        let mut sum = vec![0.0; self.grid.len()];
        let mut at = start;
        while at < end {
            let step = SUN_STEP.min(end.0 - at.0);
            let cosines = cosines(&self.grid, Instant(at.0 + step / 2), self.rules);
            sum.iter_mut().zip(cosines).for_each(|(sum, c)| *sum += step as f64 * c);
            at = Instant(at.0 + step);
        }
        sum.iter_mut().for_each(|v| *v /= (end.0 - start.0) as f64);
        sum
    }

    /// A record, with its gaps filled where that is wanted.
    fn record(&mut self, record: usize) -> Result<Arc<Values>, ComponentError> {
        if let Some((_, values)) = self.kept.iter().find(|(kept, _)| *kept == record) {
            return Ok(values.clone());
        }
        let slab = self.dataset.read_slabs(&self.variable, &self.place, record..record + 1, NanPolicy::Missing)?;
        let valid = slab.valid.map(|valid| valid.iter().copied().collect::<Vec<bool>>());
        let mut values = Values { values: slab.values.iter().copied().collect(), valid };
        if self.fill {
            self.fill_gaps(&mut values)?;
        }
        let values = Arc::new(values);
        // Two records are between times, and two more where two fields of a cycle meet.
        if self.kept.len() >= 3 {
            self.kept.remove(0);
        }
        self.kept.push((record, values.clone()));
        Ok(values)
    }

    fn fill_gaps(&mut self, values: &mut Values) -> Result<(), ComponentError> {
        let Some(valid) = values.valid.take() else { return Ok(()) };
        if !valid.contains(&false) {
            return Ok(());
        }
        if !valid.contains(&true) {
            return Err(self.value_error("a record has no value at all, so none is the nearest".to_owned()));
        }
        if self.filler.as_ref().is_none_or(|(mask, _)| *mask != valid) {
            let bare = Grid { mask: Mask::ALL, ..Grid::clone(&self.grid) };
            let known = Grid { mask: Mask::from_active(valid.clone()), ..bare.clone() };
            let weights =
                Weights::build(&known, &bare, &Options::new(Method::Nearest)).map_err(|e| self.value_error(e.to_string()))?;
            let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
            self.filler = Some((valid.clone(), regridder));
        }
        let Some((_, regridder)) = &self.filler else { return Ok(()) };
        let (filled, _) = regridder.apply(&values.values, Some(&valid)).map_err(|e| self.value_error(e.to_string()))?;
        values.values = filled;
        Ok(())
    }
}

fn cosines(grid: &Grid, at: Instant, rules: Rules) -> Vec<f64> {
    use rayon::prelude::*;
    let angle = std::f64::consts::TAU * crate::components::inputs::part_of_year(at, rules.calendar);
    let part = at.0.rem_euclid(86_400) as f64 / 86_400.0;
    (0..grid.len())
        .into_par_iter()
        .with_min_len(1024)
        .map(|cell| {
            let center = grid.center(cell);
            solar::zenith_cosine(angle, part, center.lon_deg, center.lat_deg)
        })
        .collect()
}
