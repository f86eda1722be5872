//! Which records of a series hold at an instant, and by how much.

use crate::{Instant, Period};
use knarr_field::{Calendar, Date, DateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How values between the times of a series are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Timing {
    /// On the line between the two records.
    #[default]
    Linear,
    /// The nearer record, the earlier of two as near.
    Nearest,
    /// The record before.
    Lower,
    /// The record after.
    Upper,
    /// Means over the time bounds of records, shaped within them as the sun stands: data · cos z / mean of cos z.
    Coszen,
}

/// What holds before the first and after the last record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Beyond {
    /// The series begins again.
    Cycle,
    /// The first or last record.
    Extend,
    /// An error.
    #[default]
    Limit,
}

/// All that decides which records hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub timing: Timing,
    pub beyond: Beyond,
    pub cycle: Period,
    pub calendar: Calendar,
}

/// `(1 − share) · lower + share · upper`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bracket {
    pub lower: usize,
    pub upper: usize,
    pub share: f64,
}

impl Rules {
    /// An instant of the run as one of the series: itself, or within the first cycle.
    pub fn within(&self, at: Instant, first: Instant) -> Instant {
        if self.beyond != Beyond::Cycle {
            return at;
        }
        if self.cycle.months == 0 {
            return Instant(first.0 + (at.0 - first.0).rem_euclid(self.cycle.seconds.max(1)));
        }
        // The same date in the years of the cycle; a 29 February that those lack counts as the 28th.
        let years = (self.cycle.months / 12).max(1);
        let begin = first.date_time(self.calendar).date.year;
        let DateTime { mut date, .. } = at.date_time(self.calendar);
        date.year = begin + (date.year - begin).rem_euclid(years);
        date.day = date.day.min(self.calendar.days_in_month(date.year, date.month));
        Instant(self.calendar.day_number(date).unwrap_or_default() * 86_400 + at.0.rem_euclid(86_400))
    }

    /// Length of a cycle that begins with the year of `first`, in seconds.
    fn length(&self, first: Instant) -> i64 {
        if self.cycle.months == 0 {
            return self.cycle.seconds;
        }
        let begin = first.date_time(self.calendar).date.year;
        let day = |year| self.calendar.day_number(Date { year, month: 1, day: 1 }).unwrap_or_default();
        (day(begin + (self.cycle.months / 12).max(1)) - day(begin)) * 86_400
    }

    /// Why a cycle does not fit a series, if it does not.
    pub fn misfit(&self, times: &[Instant]) -> Option<String> {
        if self.beyond != Beyond::Cycle {
            return None;
        }
        if self.cycle.months % 12 != 0 || (self.cycle.months == 0 && self.cycle.seconds <= 0) {
            return Some(format!("found {}, expected whole years, or days and seconds", self.cycle));
        }
        let (first, last) = (times[0], times[times.len() - 1]);
        let span = last.0 - first.0;
        let length = self.length(first);
        (span >= length).then(|| {
            let days = |seconds: i64| seconds as f64 / 86_400.0;
            format!("{} is {} days, but the records span {:.1} days", self.cycle, days(length), days(span))
        })
    }

    /// The records that hold at an instant.
    ///
    /// # Errors
    /// Where the instant lies outside the records and `beyond` is [`Beyond::Limit`].
    pub fn bracket(&self, times: &[Instant], at: Instant) -> Result<Bracket, String> {
        let (n, here) = (times.len(), self.within(at, times[0]));
        let after = times.partition_point(|&t| t <= here);
        let exact = |k: usize| Bracket { lower: k, upper: k, share: 0.0 };
        if after > 0 && times[after - 1] == here {
            return Ok(exact(after - 1));
        }
        let (lower, upper, from, to) = match (self.beyond, after) {
            (_, k) if (1..n).contains(&k) => (k - 1, k, times[k - 1].0, times[k].0),
            (Beyond::Cycle, 0) => (n - 1, 0, times[n - 1].0 - self.length(times[0]), times[0].0),
            (Beyond::Cycle, _) => (n - 1, 0, times[n - 1].0, times[0].0 + self.length(times[0])),
            (Beyond::Extend, 0) => return Ok(exact(0)),
            (Beyond::Extend, _) => return Ok(exact(n - 1)),
            (Beyond::Limit, _) => {
                return Err(format!(
                    "{} lies outside its times, {} to {}; `beyond: extend` or `beyond: cycle` go on",
                    at.label(self.calendar),
                    times[0].label(self.calendar),
                    times[n - 1].label(self.calendar)
                ));
            }
        };
        let share = (here.0 - from) as f64 / (to - from) as f64;
        Ok(match self.timing {
            Timing::Linear | Timing::Coszen => Bracket { lower, upper, share },
            Timing::Nearest if share <= 0.5 => exact(lower),
            Timing::Nearest | Timing::Upper => exact(upper),
            Timing::Lower => exact(lower),
        })
    }
}
