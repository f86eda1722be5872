//! Time as whole seconds in the run's calendar.

use knarr_field::{Calendar, Date, DateTime};
use std::fmt;

const DAY: i64 = 86_400;

/// Whole seconds since 2000-01-01T00:00:00 of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The instant of a date with a time of day in whole seconds; `None` if the calendar does not have the date.
    pub fn of(date_time: &DateTime, calendar: Calendar) -> Option<Self> {
        let days = calendar.day_number(date_time.date).ok()?;
        Some(Self(days.checked_mul(DAY)?.checked_add(i64::try_from(date_time.microseconds / 1_000_000).ok()?)?))
    }

    /// Its date in a calendar that has dates; runs have no other.
    pub fn date_time(self, calendar: Calendar) -> DateTime {
        let unknown = Date { year: 0, month: 1, day: 1 };
        let date = calendar.date(self.0.div_euclid(DAY)).unwrap_or(unknown);
        DateTime { date, microseconds: self.0.rem_euclid(DAY) as u64 * 1_000_000 }
    }

    /// As people and files write it: `2000-01-01T06:00`, with seconds where there are some.
    pub fn label(self, calendar: Calendar) -> String {
        let (date, second) = (self.date_time(calendar).date, self.0.rem_euclid(DAY));
        let clock = format!("{:02}:{:02}", second / 3600, second / 60 % 60);
        if second % 60 == 0 { format!("{date}T{clock}") } else { format!("{date}T{clock}:{:02}", second % 60) }
    }

    /// Later (or earlier) by a period; a day of the month beyond its end becomes the last day.
    pub fn after(self, period: Period, calendar: Calendar) -> Self {
        let mut instant = self;
        if period.months != 0 {
            let DateTime { date, .. } = self.date_time(calendar);
            let month = date.year * 12 + i64::from(date.month) - 1 + period.months;
            let (year, month) = (month.div_euclid(12), month.rem_euclid(12) as u32 + 1);
            let last = calendar.days_in_month(year, month);
            let day = (date.day.min(last)..=date.day.max(31)).chain((1..=last).rev());
            // The standard calendar lacks ten days of October 1582; the next day that is there is taken.
            let days = day.filter_map(|day| calendar.day_number(Date { year, month, day }).ok()).next();
            instant = Self(days.unwrap_or_default() * DAY + self.0.rem_euclid(DAY));
        }
        Self(instant.0 + period.seconds)
    }
}

/// A length of time: months, which differ in length, and seconds. Written as in ISO 8601: `PT1H`, `P10D`, `P1Y`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Period {
    /// Whole months; a year is twelve.
    pub months: i64,
    /// Whole seconds.
    pub seconds: i64,
}

impl Period {
    /// So many seconds.
    pub fn seconds(seconds: i64) -> Self {
        Self { months: 0, seconds }
    }

    /// Reads `PT1H`, `PT30M`, `P1D`, `P1DT12H`, `P2W`, `P1M`, `P1Y6M`.
    ///
    /// # Errors
    /// Says what is expected.
    ///
    /// ```
    /// use knarr_coupling::Period;
    /// assert_eq!(Period::parse("P1DT12H"), Ok(Period::seconds(129_600)));
    /// assert!(Period::parse("1 hour").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no length of time, expected one such as PT1H, PT30M, P1D, P1M or P1Y");
        let rest = text.strip_prefix('P').ok_or_else(wrong)?;
        let (dates, times) = rest.split_once('T').unwrap_or((rest, ""));
        if rest.is_empty() || rest.ends_with('T') {
            return Err(wrong());
        }
        let mut period = Self::default();
        for (part, units) in [(dates, "YMWD"), (times, "HMS")] {
            let (mut digits, mut next) = (String::new(), 0);
            for letter in part.chars() {
                if letter.is_ascii_digit() {
                    digits.push(letter);
                    continue;
                }
                // Units come in their order, each once.
                let at = units.find(letter).filter(|&at| at >= next).ok_or_else(wrong)?;
                next = at + 1;
                let count: i64 = digits.parse().ok().filter(|&n| n <= 1_000_000_000).ok_or_else(wrong)?;
                match (units, letter) {
                    ("YMWD", 'Y') => period.months += 12 * count,
                    ("YMWD", 'M') => period.months += count,
                    (_, 'W') => period.seconds += 7 * DAY * count,
                    (_, 'D') => period.seconds += DAY * count,
                    (_, 'H') => period.seconds += 3600 * count,
                    (_, 'M') => period.seconds += 60 * count,
                    _ => period.seconds += count,
                }
                digits.clear();
            }
            if !digits.is_empty() {
                return Err(wrong());
            }
        }
        Ok(period)
    }

    /// The seconds of a period without months.
    pub fn fixed(self) -> Option<i64> {
        (self.months == 0).then_some(self.seconds)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            |list: &[(i64, char)]| list.iter().filter(|p| p.0 != 0).map(|p| format!("{}{}", p.0, p.1)).collect::<String>();
        let s = self.seconds;
        let dates = parts(&[(self.months / 12, 'Y'), (self.months % 12, 'M'), (s / DAY, 'D')]);
        let times = parts(&[(s % DAY / 3600, 'H'), (s % 3600 / 60, 'M'), (s % 60, 'S')]);
        match (dates.is_empty(), times.is_empty()) {
            (true, true) => f.write_str("PT0S"),
            (_, true) => write!(f, "P{dates}"),
            _ => write!(f, "P{dates}T{times}"),
        }
    }
}

/// What a step covers: after `start`, up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Where it begins.
    pub start: Instant,
    /// Where it ends.
    pub end: Instant,
    /// The calendar of both.
    pub calendar: Calendar,
}

impl Interval {
    /// Its length in seconds.
    pub fn seconds(&self) -> i64 {
        self.end.0 - self.start.0
    }

    /// Its length in seconds, for formulas.
    pub fn length_s(&self) -> f64 {
        self.seconds() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_written_as_iso_8601() {
        for (text, months, seconds) in
            [("PT1H", 0, 3600), ("P1D", 0, DAY), ("P1Y6M", 18, 0), ("P2DT3H4M5S", 0, 2 * DAY + 11_045), ("PT30M", 0, 1800)]
        {
            let period = Period::parse(text).expect(text);
            assert_eq!(period, Period { months, seconds });
            assert_eq!(period.to_string(), text);
        }
        assert_eq!(Period::parse("P1W").expect("a week"), Period::seconds(7 * DAY));
        for text in ["", "P", "PT", "1H", "PT1", "P1H", "PT1D", "PT1M1H", "P1.5D", "PT1HT1M", "P99999999999D"] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn months_follow_the_calendar() {
        let at = |y, m, d, calendar| {
            let date = Date { year: y, month: m, day: d };
            Instant::of(&DateTime { date, microseconds: 21_600_000_000 }, calendar).expect("a date")
        };
        let month = Period { months: 1, seconds: 0 };
        for (calendar, expected) in [
            (Calendar::Standard, "2000-02-29T06:00"),
            (Calendar::NoLeap, "2000-02-28T06:00"),
            (Calendar::AllLeap, "2000-02-29T06:00"),
        ] {
            assert_eq!(at(2000, 1, 31, calendar).after(month, calendar).label(calendar), expected);
        }
        let end = at(2000, 1, 30, Calendar::Day360).after(month, Calendar::Day360);
        assert_eq!(end.label(Calendar::Day360), "2000-02-30T06:00");
        let gap = at(1582, 9, 10, Calendar::Standard).after(month, Calendar::Standard);
        assert_eq!(gap.label(Calendar::Standard), "1582-10-15T06:00");
        let year = Period { months: 12, seconds: 5 };
        assert_eq!(
            at(1999, 12, 31, Calendar::NoLeap).after(year, Calendar::NoLeap).label(Calendar::NoLeap),
            "2000-12-31T06:00:05"
        );
    }
}
