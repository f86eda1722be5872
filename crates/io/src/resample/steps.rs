//! Steps of a source: what their values are, how long they are, and which share time with a period.

use super::TimeMethod;
use super::periods::{Instant, Period, instants};
use crate::{Dataset, VariableInfo};
use knarr_field::{Calendar, CellMethods, TimeAxis};
use knarr_kernels::time_reduce::{Reduction, Share};

/// What a value is over its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeKind {
    /// The value at an instant.
    Point,
    /// The mean over a step.
    Mean,
    /// The amount in a step.
    Sum,
    /// The smallest value in a step.
    Minimum,
    /// The largest value in a step.
    Maximum,
    /// The amount since the start of a run: steps begin together and end one after the other.
    Total,
}

impl TimeKind {
    pub(super) fn reduction(self) -> Reduction {
        match self {
            Self::Point | Self::Mean => Reduction::Mean,
            Self::Sum | Self::Total => Reduction::Sum,
            Self::Minimum => Reduction::Minimum,
            Self::Maximum => Reduction::Maximum,
        }
    }

    pub(super) fn method_of_period(self) -> &'static str {
        match self {
            Self::Point | Self::Mean => "mean",
            Self::Sum | Self::Total => "sum",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
        }
    }
}

/// The time axis of a source.
pub(super) struct Source {
    dim: String,
    /// The stamp of each step.
    at: Vec<Instant>,
    /// Start and end of each step, if the file tells.
    bounds: Option<Vec<[Instant; 2]>>,
    /// Whether steps begin together.
    is_total: bool,
}

/// A period or an instant of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub start: Instant,
    /// The end of a period; the instant itself else.
    pub end: Instant,
    /// Part of it that steps fill.
    pub covered: f64,
}

/// The times of the output.
pub(super) struct Plan {
    pub targets: Vec<Target>,
}

impl Source {
    /// # Errors
    /// Times that are no dates, do not ascend, or have bounds of another shape.
    pub fn read(dataset: &Dataset, dim: &str, axis: &TimeAxis) -> Result<Self, String> {
        let at = instants(axis)?;
        if at.is_empty() || !at.windows(2).all(|w| w[0] < w[1]) {
            return Err(format!("the times of `{}` do not ascend", axis.name));
        }
        let info = dataset.variable(&axis.name).map_err(|e| e.to_string())?;
        let named = info.attributes.text("bounds").and_then(|b| dataset.variable(b).ok());
        let mut bounds = None;
        if let Some(named) = named.filter(|b| b.len() == 2 * at.len()) {
            let values = dataset.file().read(&named.name).map_err(|e| e.to_string())?;
            let ends = instants(&TimeAxis { name: named.name.clone(), units: axis.units.clone(), values })?;
            let pairs: Vec<[Instant; 2]> = ends.chunks(2).map(|p| [p[0], p[1]]).collect();
            // Bounds of no length, as some files have them, say nothing.
            bounds = pairs.iter().all(|[start, end]| start < end).then_some(pairs);
        }
        let together = |pairs: &Vec<[Instant; 2]>| pairs.windows(2).any(|w| w[0][0] == w[1][0]);
        let is_total = bounds.as_ref().is_some_and(together);
        Ok(Self { dim: dim.to_owned(), at, bounds, is_total })
    }

    /// What the values of a variable are, and what was assumed.
    pub fn kind(&self, variable: &VariableInfo, given: Option<TimeKind>) -> Result<(TimeKind, Option<String>), String> {
        let methods = CellMethods::parse(variable.attributes.text("cell_methods").unwrap_or_default());
        let said = methods.get(&self.dim).or(methods.get("time")).map(|m| m.method.as_str());
        let (kind, remark) = match (given, said) {
            (Some(kind), _) => (kind, None),
            (None, Some("mean")) => (TimeKind::Mean, None),
            (None, Some("sum")) if self.is_total => {
                (TimeKind::Total, Some("steps begin together: taken for totals since the start of a run".to_owned()))
            }
            (None, Some("sum")) => (TimeKind::Sum, None),
            (None, Some("minimum")) => (TimeKind::Minimum, None),
            (None, Some("maximum")) => (TimeKind::Maximum, None),
            (None, Some("point")) => (TimeKind::Point, None),
            (None, Some(other)) => return Err(format!("the method over time is `{other}`, of which no period can be made")),
            (None, None) if self.bounds.is_some() => {
                (TimeKind::Mean, Some("no cell_methods, but bounds: taken for means over them".to_owned()))
            }
            (None, None) => (TimeKind::Point, Some("no cell_methods and no bounds: taken for instants".to_owned())),
        };
        let needs_bounds = !matches!(kind, TimeKind::Point | TimeKind::Total);
        if needs_bounds && self.bounds.is_none() {
            return Err("values over steps, but the time has no bounds that tell how long they are".to_owned());
        }
        if kind != TimeKind::Total && kind != TimeKind::Point && self.is_total {
            return Err("steps begin together, expected steps that follow each other or totals of a run".to_owned());
        }
        Ok((kind, remark))
    }

    /// The step that holds the total before `step`, in the same run.
    pub fn previous_total(&self, step: usize) -> Option<usize> {
        let same_run = |b: &Vec<[Instant; 2]>| step > 0 && b[step - 1][0] == b[step][0];
        match &self.bounds {
            Some(bounds) => same_run(bounds).then(|| step - 1),
            None => step.checked_sub(1),
        }
    }

    /// Start and end of what a value stands for.
    fn span(&self, step: usize, kind: TimeKind) -> Option<[Instant; 2]> {
        match (kind, &self.bounds) {
            (TimeKind::Point, _) => Some(self.sample(step)),
            (TimeKind::Total, bounds) => match (self.previous_total(step), bounds) {
                (Some(previous), Some(bounds)) => Some([bounds[previous][1], bounds[step][1]]),
                (Some(previous), None) => Some([self.at[previous], self.at[step]]),
                (None, Some(bounds)) => Some(bounds[step]),
                // A total since nobody knows when.
                (None, None) => None,
            },
            (_, bounds) => bounds.as_ref().map(|b| b[step]),
        }
    }

    /// An instant stands for the time from it to the next one, so that all count alike on an even axis and a period
    /// holds the instants from its start to before its end.
    fn sample(&self, step: usize) -> [Instant; 2] {
        let n = self.at.len();
        let last = if n > 1 { self.at[n - 1] - self.at[n - 2] } else { 1 };
        [self.at[step], self.at.get(step + 1).copied().unwrap_or(self.at[step] + last)]
    }

    /// The steps around an instant, and how far it is from the first to the second.
    pub fn around(&self, at: Instant, method: TimeMethod) -> (usize, usize, f64) {
        let after = self.at.partition_point(|&t| t < at).min(self.at.len() - 1);
        let before = if self.at[after] > at { after.saturating_sub(1) } else { after };
        if before == after {
            return (before, after, 0.0);
        }
        let f = (at - self.at[before]) as f64 / (self.at[after] - self.at[before]) as f64;
        match method {
            TimeMethod::Nearest if f > 0.5 => (after, after, 0.0),
            TimeMethod::Nearest => (before, before, 0.0),
            _ => (before, after, f),
        }
    }
}

impl Plan {
    /// # Errors
    /// A calendar without dates, and periods that no step reaches.
    pub fn new(
        source: &Source,
        period: Period,
        method: TimeMethod,
        kinds: &[TimeKind],
        calendar: Calendar,
    ) -> Result<Self, String> {
        let no_dates = || "the calendar has no dates".to_owned();
        let mut targets = Vec::new();
        if method != TimeMethod::Reduce {
            let (first, last) = (source.at[0], source.at[source.at.len() - 1]);
            let mut at = period.start(first, calendar).ok_or_else(no_dates)?;
            while at <= last {
                if at >= first {
                    targets.push(Target { start: at, end: at, covered: 1.0 });
                }
                at = period.next(at, calendar).ok_or_else(no_dates)?;
            }
            return if targets.is_empty() { Err("no instant lies between the steps".to_owned()) } else { Ok(Self { targets }) };
        }
        let mut distinct: Vec<TimeKind> = Vec::new();
        kinds.iter().for_each(|kind| {
            if !distinct.contains(kind) {
                distinct.push(*kind)
            }
        });
        let spans: Vec<Vec<[Instant; 2]>> =
            distinct.iter().map(|&kind| (0..source.at.len()).filter_map(|step| source.span(step, kind)).collect()).collect();
        let all = || spans.iter().flatten();
        let (Some(first), Some(last)) = (all().map(|s| s[0]).min(), all().map(|s| s[1]).max()) else {
            return Err("one step has no length: no period can be made of it".to_owned());
        };
        let mut start = period.start(first, calendar).ok_or_else(no_dates)?;
        while start < last {
            let end = period.next(start, calendar).ok_or_else(no_dates)?;
            // A period is as full as that of the variable that fills it least.
            let shared =
                |spans: &Vec<[Instant; 2]>| spans.iter().map(|s| (s[1].min(end) - s[0].max(start)).max(0)).sum::<Instant>();
            let (least, most) = (spans.iter().map(shared).min().unwrap_or(0), spans.iter().map(shared).max().unwrap_or(0));
            if most > 0 {
                targets.push(Target { start, end, covered: least as f64 / (end - start) as f64 });
            }
            start = end;
        }
        Ok(Self { targets })
    }

    /// Steps that share time with a period, in order.
    pub fn shares(&self, source: &Source, target: &Target, kind: TimeKind) -> Vec<Share> {
        let share = |step: usize| {
            let [start, end] = source.span(step, kind)?;
            let shared = end.min(target.end) - start.max(target.start);
            (shared > 0).then(|| Share { step, shared: shared as f64, length: (end - start) as f64 })
        };
        (0..source.at.len()).filter_map(share).collect()
    }
}
