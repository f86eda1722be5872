//! Periods of a calendar, and instants as whole microseconds.

use knarr_field::{Calendar, Date, DateTime, TimeAxis, TimeUnits};

/// Microseconds since 2000-01-01 of a calendar.
pub(super) type Instant = i128;

pub(super) const HOUR: Instant = 3_600_000_000;
pub(super) const DAY: Instant = 24 * HOUR;

/// A length of time that divides a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// So many hours, from midnight on; they divide a day.
    Hours(u32),
    /// So many days, counted from 2000-01-01.
    Days(u32),
    /// So many months, from January on; they divide a year.
    Months(u32),
    /// December to February, March to May, ...
    Season,
}

impl Period {
    /// Reads `hour`, `day`, `month`, `season`, `year`, `6h`, `5d`, `3mon`.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no period, expected hour, day, month, season, year, or such as 6h, 5d, 3mon");
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let count = if split == 0 { 1 } else { text[..split].parse().map_err(|_| bad())? };
        let divides = |whole: u32, what: &str| {
            if whole.is_multiple_of(count) { Ok(count) } else { Err(format!("{count} {what} do not divide {whole}")) }
        };
        match &text[split..] {
            "h" | "hour" | "hours" | "hourly" => divides(24, "hours").map(Self::Hours),
            "d" | "day" | "days" | "daily" if count > 0 => Ok(Self::Days(count)),
            "mon" | "month" | "months" | "monthly" => divides(12, "months").map(Self::Months),
            "season" | "seasonal" if split == 0 => Ok(Self::Season),
            "y" | "year" | "years" | "yearly" if count == 1 => Ok(Self::Months(12)),
            _ => Err(bad()),
        }
    }

    /// Start of the period that holds an instant (the end of one is the start of the next).
    pub(super) fn start(self, at: Instant, calendar: Calendar) -> Option<Instant> {
        let day = i64::try_from(at.div_euclid(DAY)).ok()?;
        Some(match self {
            Self::Hours(n) => at.div_euclid(HOUR * Instant::from(n)) * HOUR * Instant::from(n),
            Self::Days(n) => day.div_euclid(i64::from(n)) as Instant * Instant::from(n) * DAY,
            Self::Months(n) => {
                let date = calendar.date(day)?;
                first_of(date.year, (date.month - 1) / n * n + 1, calendar)?
            }
            Self::Season => {
                let date = calendar.date(day)?;
                match date.month {
                    12 => first_of(date.year, 12, calendar)?,
                    1 | 2 => first_of(date.year - 1, 12, calendar)?,
                    month => first_of(date.year, month / 3 * 3, calendar)?,
                }
            }
        })
    }

    /// Start of the next period.
    pub(super) fn next(self, start: Instant, calendar: Calendar) -> Option<Instant> {
        let months = match self {
            Self::Hours(n) => return Some(start + HOUR * Instant::from(n)),
            Self::Days(n) => return Some(start + DAY * Instant::from(n)),
            Self::Months(n) => n,
            Self::Season => 3,
        };
        let date = calendar.date(i64::try_from(start.div_euclid(DAY)).ok()?)?;
        let month = date.month - 1 + months;
        first_of(date.year + i64::from(month / 12), month % 12 + 1, calendar)
    }
}

fn first_of(year: i64, month: u32, calendar: Calendar) -> Option<Instant> {
    calendar.day_number(Date { year, month, day: 1 }).ok().map(|day| Instant::from(day) * DAY)
}

/// The instant of a date.
pub(super) fn instant(at: DateTime, calendar: Calendar) -> Option<Instant> {
    let day = calendar.day_number(at.date).ok()?;
    Some(Instant::from(day) * DAY + Instant::from(at.microseconds))
}

/// The date of an instant.
pub(super) fn date_time(at: Instant, calendar: Calendar) -> Option<DateTime> {
    let date = calendar.date(i64::try_from(at.div_euclid(DAY)).ok()?)?;
    Some(DateTime { date, microseconds: at.rem_euclid(DAY) as u64 })
}

/// Instants of all steps of an axis.
///
/// # Errors
/// Why a step cannot be told as a date.
pub(super) fn instants(axis: &TimeAxis) -> Result<Vec<Instant>, String> {
    let calendar = axis.units.calendar();
    (0..axis.values.len())
        .map(|step| {
            let at = axis.date_time(step).map_err(|e| e.to_string())?;
            instant(at, calendar).ok_or_else(|| format!("step {step} is no date"))
        })
        .collect()
}

/// Units that count an output's times, and the value of an instant in them.
pub(super) struct Encoding {
    pub units: String,
    pub calendar: Calendar,
    /// Instant of the value 0, and microseconds of the value 1.
    zero: Instant,
    step: Instant,
}

impl Encoding {
    /// As the source counts, where it counts steps since an instant in the same calendar; else hours since `first`.
    pub fn new(source: &TimeUnits, calendar: Calendar, first: DateTime) -> Option<Self> {
        let at = |value: f64| source.date_time(value).ok().and_then(|t| instant(t, source.calendar()));
        if calendar == source.calendar()
            && source.text().to_ascii_lowercase().contains(" since ")
            && let (Some(zero), Some(one)) = (at(0.0), at(1.0))
        {
            return Some(Self { units: source.text().to_owned(), calendar, zero, step: one - zero });
        }
        let zero = instant(DateTime { date: first.date, microseconds: 0 }, calendar)?;
        Some(Self { units: format!("hours since {} 00:00:00", first.date), calendar, zero, step: HOUR })
    }

    /// The value of a date; `None` if the calendar does not have it.
    pub fn value(&self, at: DateTime) -> Option<f64> {
        let since = instant(at, self.calendar)? - self.zero;
        // Whole steps are exact.
        Some(since.div_euclid(self.step) as f64 + since.rem_euclid(self.step) as f64 / self.step as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, calendar: Calendar) -> Instant {
        let units = TimeUnits::parse(&format!("days since {text}"), calendar).expect("a date");
        instant(units.date_time(0.0).expect("a date"), calendar).expect("a date")
    }

    #[test]
    fn periods_follow_the_calendar() {
        use Calendar::{Day360, NoLeap, Standard};
        let cases = [
            (Period::Months(1), Standard, "2000-02-17 05:00", "2000-02-01", "2000-03-01"),
            (Period::Months(12), NoLeap, "2000-12-31 23:00", "2000-01-01", "2001-01-01"),
            (Period::Months(3), Day360, "2001-02-30", "2001-01-01", "2001-04-01"),
            (Period::Season, Standard, "2001-01-15", "2000-12-01", "2001-03-01"),
            (Period::Season, Standard, "2001-12-15", "2001-12-01", "2002-03-01"),
            (Period::Hours(6), Standard, "1999-12-31 23:59", "1999-12-31 18:00", "2000-01-01"),
            (Period::Days(5), Standard, "2000-01-07", "2000-01-06", "2000-01-11"),
        ];
        for (period, calendar, inside, start, next) in cases {
            let found = period.start(at(inside, calendar), calendar).expect("a period");
            assert_eq!(found, at(start, calendar), "{period:?} {inside}");
            assert_eq!(period.next(found, calendar), Some(at(next, calendar)), "{period:?} {inside}");
            assert_eq!(period.start(found, calendar), Some(found), "a start is in its own period");
        }
    }

    #[test]
    fn periods_are_read_or_refused() {
        assert_eq!(Period::parse("6h"), Ok(Period::Hours(6)));
        assert_eq!(Period::parse("month"), Ok(Period::Months(1)));
        assert_eq!(Period::parse("year"), Ok(Period::Months(12)));
        assert_eq!(Period::parse("5d"), Ok(Period::Days(5)));
        assert!(Period::parse("7h").expect_err("uneven").contains("do not divide 24"));
        assert!(["", "h6", "0d", "fortnight", "12"].iter().all(|t| Period::parse(t).is_err()));
    }
}
