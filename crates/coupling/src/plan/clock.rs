//! Dates and lengths of time of an experiment.

use super::build::Builder;
use crate::document::{Place, Placed, suggestion};
use crate::experiment;
use crate::findings::Finding;
use crate::{Instant, Period};
use knarr_field::{Calendar, TimeUnits};

pub(super) struct RunClock {
    pub start: Instant,
    pub stop: Instant,
    pub calendar: Calendar,
}

/// The instant of `2000-01-01T06:00`; whole seconds only.
pub(super) fn instant(text: &str, calendar: Calendar) -> Result<Instant, String> {
    let units = TimeUnits::parse(&format!("seconds since {text}"), calendar).map_err(|e| match e {
        knarr_field::FieldError::BadTimeUnits { problem, .. } => problem,
        other => other.to_string(),
    })?;
    let date_time = units.date_time(0.0).map_err(|e| e.to_string())?;
    if date_time.microseconds % 1_000_000 != 0 {
        return Err(format!("`{text}` has parts of a second, the clock has whole seconds"));
    }
    Instant::of(&date_time, calendar).ok_or_else(|| format!("`{text}` is no date of the {calendar} calendar"))
}

impl Builder<'_> {
    pub(super) fn clock(&mut self, entry: &experiment::Clock) -> Option<RunClock> {
        let calendar = match &entry.calendar {
            None => Calendar::Standard,
            Some(name) => match Calendar::parse(name) {
                Ok(Calendar::None) => {
                    let message = "calendar `none` has no dates that a run could step through";
                    self.findings
                        .add(Finding::error("calendar", name.place, message).hint("take one with dates, such as `noleap`"));
                    return None;
                }
                Ok(calendar) => calendar,
                Err(_) => {
                    let message = format!("unknown calendar `{}`", name.value);
                    self.findings.add(Finding::error("calendar", name.place, message).hint(suggestion(name, Calendar::NAMES)));
                    return None;
                }
            },
        };
        let start = self.instant(&entry.start, calendar, "start")?;
        let stop = if entry.stop.value.starts_with('P') {
            start.after(self.period(&entry.stop)?, calendar)
        } else {
            self.instant(&entry.stop, calendar, "stop")?
        };
        if stop <= start {
            let message =
                format!("the run stops at {}, which is not after its start {}", stop.label(calendar), start.label(calendar));
            self.findings.add(Finding::error("clock", entry.stop.place, message));
            return None;
        }
        Some(RunClock { start, stop, calendar })
    }

    fn instant(&mut self, text: &Placed<String>, calendar: Calendar, what: &str) -> Option<Instant> {
        match instant(text, calendar) {
            Ok(instant) => Some(instant),
            Err(problem) => {
                let hint = "dates are written as 2000-01-01 or 2000-01-01T06:00; the calendar is that of `clock`";
                self.findings.add(Finding::error("clock", text.place, format!("`{what}`: {problem}")).hint(hint));
                None
            }
        }
    }

    pub(super) fn period(&mut self, text: &Placed<String>) -> Option<Period> {
        match Period::parse(text) {
            Ok(period) if period != Period::default() => Some(period),
            Ok(_) => {
                self.findings.add(Finding::error("period", text.place, format!("`{}` has no length", text.value)));
                None
            }
            Err(problem) => {
                self.findings.add(Finding::error("period", text.place, problem));
                None
            }
        }
    }

    /// A period of fixed length, in seconds.
    pub(super) fn seconds(&mut self, text: &Placed<String>, what: &str) -> Option<i64> {
        let period = self.period(text)?;
        match period.fixed() {
            Some(seconds) => Some(seconds),
            None => {
                let message = format!("`{what}` is {period}, but months and years differ in length");
                self.findings.add(
                    Finding::error("period", text.place, message)
                        .hint("write it in days, hours, minutes or seconds, such as P30D"),
                );
                None
            }
        }
    }

    /// Says that `long` is no whole number of `short`, with the nearest values that would be.
    pub(super) fn not_divisible(&mut self, place: Place, what: &str, long: i64, of: &str, short: i64) {
        let (below, above) = (long / short * short, (long / short + 1) * short);
        let usable: Vec<String> = [below, above].iter().filter(|&&s| s > 0).map(|&s| Period::seconds(s).to_string()).collect();
        let message =
            format!("{what} is {}, which is no whole number of {of} ({})", Period::seconds(long), Period::seconds(short));
        let mut divisors: Vec<i64> = (1..=long.min(100_000)).filter(|d| long % d == 0).collect();
        divisors.sort_by_key(|d| ((d - short).abs(), *d));
        let divisors: Vec<String> = divisors.iter().take(2).map(|&s| Period::seconds(s).to_string()).collect();
        self.findings.add(Finding::error("division", place, message).hint(format!(
            "{what} could be {}, or {of} {}",
            usable.join(" or "),
            divisors.join(" or ")
        )));
    }
}
