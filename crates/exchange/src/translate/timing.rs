//! The times of a variable as intervals.

use super::TranslateError;
use super::accumulation::Intervals;
use crate::units::Units;
use knarr_field::{Calendar, DateTime, TimeUnits};
use knarr_io::{Dataset, VariableInfo, listed_names};

/// The time coordinate of a variable.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    /// Its variable.
    pub name: String,
    /// The dimension it runs along; `None` for a single time.
    pub dim: Option<String>,
    /// Its values as in the file.
    pub values: Vec<f64>,
    /// Name of its bounds, if it has some.
    pub bounds: Option<String>,
    /// Bounds as in the file.
    bound_values: Option<Vec<[f64; 2]>>,
    units: TimeUnits,
    /// Value at which the run starts, in the units of the coordinate.
    start: Option<f64>,
}

impl Timing {
    /// The time of a variable: the coordinate of one of its dimensions, else a single time it names. `start` is when
    /// the run started where the file does not say.
    pub fn of(dataset: &Dataset, variable: &VariableInfo, start: Option<DateTime>) -> Result<Option<Self>, TranslateError> {
        let own = variable.dims.iter().map(|(name, _)| name.as_str());
        let named = listed_names(variable.attributes.text("coordinates").unwrap_or_default());
        let Some(coordinate) = own.chain(named).filter_map(|name| dataset.variable(name).ok()).find(|c| is_time(c)) else {
            return Ok(None);
        };
        let calendar_error = |source| TranslateError::Calendar { variable: coordinate.name.clone(), source };
        let calendar = Calendar::parse(coordinate.attributes.text("calendar").unwrap_or("standard")).map_err(calendar_error)?;
        let units =
            TimeUnits::parse(coordinate.attributes.text("units").unwrap_or_default(), calendar).map_err(calendar_error)?;
        let values = dataset.file().read(&coordinate.name)?;
        let bounds = coordinate.attributes.text("bounds").filter(|b| dataset.variable(b).is_ok()).map(str::to_owned);
        let bound_values = match &bounds {
            Some(name) => Some(dataset.file().read(name)?.chunks_exact(2).map(|b| [b[0], b[1]]).collect::<Vec<_>>()),
            None => None,
        };
        let mut timing = Self {
            name: coordinate.name.clone(),
            dim: coordinate.dims.first().map(|(dim, _)| dim.clone()),
            values,
            bounds,
            bound_values: bound_values.filter(|b| !b.is_empty()),
            units,
            start: None,
        };
        timing.start = match start {
            Some(start) => Some(timing.value_of(microseconds(calendar, start).map_err(calendar_error)?)?),
            None => timing.start_in(dataset)?,
        };
        Ok(Some(timing))
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.values.len()
    }

    /// Intervals of totals, and whether each total is one of its interval rather than of the run so far.
    ///
    /// Bounds tell; without them totals are those of the run, which must be known to have started sometime.
    pub fn of_totals(&self) -> Result<(Intervals, bool), TranslateError> {
        if let Some(bounds) = &self.bound_values {
            let common_start = bounds.iter().all(|b| b[0] == bounds[0][0]);
            if common_start {
                let ends = bounds.iter().map(|b| self.seconds(b[1], bounds[0][0])).collect::<Result<_, _>>()?;
                return Ok((Intervals::between_steps(ends).map_err(|e| self.problem(e.to_string()))?, false));
            }
            return Ok((self.of_bounds(bounds)?, true));
        }
        let start = self.start.ok_or_else(|| self.problem("totals since the start of the run need its time".to_owned()))?;
        let ends = self.values.iter().map(|&v| self.seconds(v, start)).collect::<Result<_, _>>()?;
        Ok((Intervals::between_steps(ends).map_err(|e| self.problem(e.to_string()))?, false))
    }

    /// Intervals of means that follow one another without a gap, so that they can be summed.
    pub fn of_means(&self) -> Result<Intervals, TranslateError> {
        let intervals = match (&self.bound_values, self.start) {
            (Some(bounds), _) => self.of_bounds(bounds)?,
            (None, Some(start)) => {
                let ends = self.values.iter().map(|&v| self.seconds(v, start)).collect::<Result<_, _>>()?;
                Intervals::between_steps(ends).map_err(|e| self.problem(e.to_string()))?
            }
            (None, None) => return Err(self.problem("means become totals only where their intervals are known".to_owned())),
        };
        intervals.check_contiguous().map_err(|e| self.problem(e.to_string()))?;
        Ok(intervals)
    }

    /// Bounds in the units of the coordinate: of each interval, or from the start of the run.
    pub fn bounds_of(&self, intervals: &Intervals, since_start: bool) -> Result<Vec<f64>, TranslateError> {
        let unit = self.unit_seconds()?;
        let steps = 0..self.steps();
        // Ends are where the coordinate has them, to the bit; the rest is counted back from there.
        let end = |k: usize| self.bound_values.as_ref().map_or(self.values[k], |b| b[k][1]);
        let back = |k: usize| if since_start { intervals.ends_s[k] - intervals.starts_s[0] } else { intervals.length_s(k) };
        Ok(steps.flat_map(|k| [end(k) - back(k) / unit, end(k)]).collect())
    }

    fn of_bounds(&self, bounds: &[[f64; 2]]) -> Result<Intervals, TranslateError> {
        let origin = bounds[0][0];
        let all = |side: usize| bounds.iter().map(|b| self.seconds(b[side], origin)).collect::<Result<Vec<_>, _>>();
        Ok(Intervals { starts_s: all(0)?, ends_s: all(1)? })
    }

    fn start_in(&self, dataset: &Dataset) -> Result<Option<f64>, TranslateError> {
        let named = |name: &str| dataset.variables().iter().find(|v| v.attributes.text("standard_name") == Some(name));
        let calendar_error = |source| TranslateError::Calendar { variable: self.name.clone(), source };
        if let Some(reference) = named("forecast_reference_time").filter(|v| v.len() == 1) {
            let units = TimeUnits::parse(reference.attributes.text("units").unwrap_or_default(), self.units.calendar())
                .map_err(calendar_error)?;
            let value = dataset.file().read(&reference.name)?;
            let instant = microseconds(self.units.calendar(), units.date_time(value[0]).map_err(calendar_error)?)
                .map_err(calendar_error)?;
            return Ok(Some(self.value_of(instant)?));
        }
        if let Some(period) = named("forecast_period").filter(|v| v.len() == self.values.len()) {
            let text = period.attributes.text("units").unwrap_or_default();
            let lead =
                Units::parse(text).or_else(|_| Units::parse(text.trim_end_matches('s'))).and_then(|u| u.to(&Units::parse("s")?));
            if let (Ok(lead), Some(first)) = (lead, dataset.file().read(&period.name)?.first()) {
                return Ok(Some(self.values[0] - lead.apply(*first) / self.unit_seconds()?));
            }
        }
        Ok(None)
    }

    /// Seconds between two values of the coordinate.
    fn seconds(&self, value: f64, from: f64) -> Result<f64, TranslateError> {
        Ok((self.instant(value)? - self.instant(from)?) as f64 / 1e6)
    }

    fn unit_seconds(&self) -> Result<f64, TranslateError> {
        let first = self.values.first().copied().unwrap_or(0.0).floor();
        self.seconds(first + 1.0, first)
    }

    /// The value of the coordinate at an instant.
    fn value_of(&self, instant: i128) -> Result<f64, TranslateError> {
        let first = self.values.first().copied().unwrap_or(0.0);
        Ok(first + (instant - self.instant(first)?) as f64 / 1e6 / self.unit_seconds()?)
    }

    fn instant(&self, value: f64) -> Result<i128, TranslateError> {
        let error = |source| TranslateError::Calendar { variable: self.name.clone(), source };
        microseconds(self.units.calendar(), self.units.date_time(value).map_err(error)?).map_err(error)
    }

    fn problem(&self, problem: String) -> TranslateError {
        TranslateError::Time { variable: self.name.clone(), problem }
    }
}

fn microseconds(calendar: Calendar, time: DateTime) -> Result<i128, knarr_field::FieldError> {
    Ok(i128::from(calendar.day_number(time.date)?) * 86_400_000_000 + i128::from(time.microseconds))
}

fn is_time(coordinate: &VariableInfo) -> bool {
    let dated = coordinate.attributes.text("units").is_some_and(|u| u.contains(" since "));
    dated && coordinate.dims.len() <= 1 && coordinate.attributes.text("standard_name") != Some("forecast_reference_time")
}
