//! Time axes: units of CF, values as exact instants, labels.

use crate::{Calendar, Date, FieldError};

const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;

/// A date with a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime {
    /// The day.
    pub date: Date,
    /// Microseconds since midnight.
    pub microseconds: u64,
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.microseconds / 1_000_000;
        write!(f, "{} {:02}:{:02}:{:02}", self.date, seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match self.microseconds % 1_000_000 {
            0 => Ok(()),
            fraction => write!(f, ".{}", format!("{fraction:06}").trim_end_matches('0')),
        }
    }
}

/// What a time value counts.
#[derive(Clone, Debug, PartialEq)]
enum Counting {
    /// Steps of so many microseconds from an instant: days from 2000-01-01 and microseconds of that day.
    Since { step: i128, day: i64, microseconds: i128 },
    /// `%Y%m%d.%f`: digits of the date, and the fraction of the day.
    DateDigits,
}

/// Units of a time axis, with the calendar they are read in.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeUnits {
    text: String,
    calendar: Calendar,
    counting: Counting,
}

impl TimeUnits {
    /// Reads units such as `days since 1850-1-1`, `hours since 0000-01-01 00:00:0.0 +00:00` or
    /// `day as %Y%m%d.%f`.
    ///
    /// # Errors
    /// [`FieldError::BadTimeUnits`], [`FieldError::NoSuchDate`] for a reference date the calendar lacks.
    pub fn parse(text: &str, calendar: Calendar) -> Result<Self, FieldError> {
        let bad = |problem: String| FieldError::BadTimeUnits { found: text.to_owned(), problem };
        let counting = if let Some((unit, form)) = split_word(text, " as ") {
            if !matches!(unit, "day" | "days") || !matches!(form, "%Y%m%d.%f" | "%Y%m%d") {
                return Err(bad(format!("expected `day as %Y%m%d.%f`, found `{unit} as {form}`")));
            }
            Counting::DateDigits
        } else {
            let (unit, reference) = split_word(text, " since ").ok_or_else(|| bad("expected `UNIT since DATE`".to_owned()))?;
            let step = unit_step(unit, calendar).ok_or_else(|| bad(format!("`{unit}` is no unit of time")))?;
            let (date, microseconds) = parse_reference(reference).map_err(bad)?;
            let day = match calendar {
                Calendar::None => 0,
                _ => calendar.day_number(date)?,
            };
            Counting::Since { step, day, microseconds }
        };
        Ok(Self { text: text.to_owned(), calendar, counting })
    }

    /// The units as written in the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The calendar.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// The instant of a value, rounded to microseconds; exact for whole values.
    ///
    /// # Errors
    /// [`FieldError::BadTime`] for a value that is not finite, too large, without a calendar, or not a date.
    pub fn date_time(&self, value: f64) -> Result<DateTime, FieldError> {
        let bad = |problem: &str| FieldError::BadTime { value, units: self.text.clone(), problem: problem.to_owned() };
        // Beyond 2^53 a value has no exact unit; far beyond, days would not fit their integer.
        if !value.is_finite() || value.abs() > 9.0e15 {
            return Err(bad("it is not a finite number below 9e15"));
        }
        let whole = value.floor();
        let fraction = value - whole;
        match &self.counting {
            Counting::Since { .. } if self.calendar == Calendar::None => Err(bad("the calendar is `none`")),
            Counting::Since { step, day, microseconds } => {
                let since = whole as i128 * step + (fraction * *step as f64).round() as i128 + microseconds;
                let days = i64::try_from(i128::from(*day) + since.div_euclid(DAY)).map_err(|_| bad("it is too far away"))?;
                let date = self.calendar.date(days).ok_or_else(|| bad("the calendar is `none`"))?;
                Ok(DateTime { date, microseconds: since.rem_euclid(DAY) as u64 })
            }
            Counting::DateDigits => {
                let digits = whole as i64;
                let date = Date {
                    year: digits.div_euclid(10_000),
                    month: (digits.rem_euclid(10_000) / 100) as u32,
                    day: (digits.rem_euclid(100)) as u32,
                };
                self.calendar.day_number(date).map_err(|e| bad(&e.to_string()))?;
                // The fraction has what is left of 15 digits after eight for the date: some milliseconds.
                let milliseconds = (fraction * 86_400_000.0).round().min(86_399_999.0) as u64;
                Ok(DateTime { date, microseconds: milliseconds * 1000 })
            }
        }
    }
}

/// A coordinate of times; the values are those of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeAxis {
    /// Name of the variable.
    pub name: String,
    /// Units and calendar.
    pub units: TimeUnits,
    /// Values as in the file.
    pub values: Vec<f64>,
}

impl TimeAxis {
    /// Date and time of step `index`.
    ///
    /// # Errors
    /// As [`TimeUnits::date_time`]; [`FieldError::WrongShape`] beyond the last step.
    pub fn date_time(&self, index: usize) -> Result<DateTime, FieldError> {
        let value = self.values.get(index).copied().ok_or_else(|| FieldError::WrongShape {
            name: self.name.clone(),
            what: "the time axis",
            found: self.values.len(),
            expected: index + 1,
        })?;
        self.units.date_time(value)
    }

    /// Step `index` for people: a date where there is one, else the value with its units.
    pub fn label(&self, index: usize) -> String {
        match (self.date_time(index), self.values.get(index)) {
            (Ok(date_time), _) => date_time.to_string(),
            (Err(_), Some(value)) => format!("{value} {}", self.units.text),
            (Err(_), None) => format!("step {index}"),
        }
    }
}

/// `text` before and after the first `word`, without blanks around, whatever the case of the word.
fn split_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    // Lowering ASCII letters keeps the byte positions.
    let at = text.to_ascii_lowercase().find(word)?;
    Some((text[..at].trim(), text[at + word.len()..].trim()))
}

/// Microseconds of a unit; months and years are those of UDUNITS, except that months of 360-day years have 30 days.
fn unit_step(unit: &str, calendar: Calendar) -> Option<i128> {
    const YEAR: i128 = 31_556_925_974_678; // 365.242198781 days, as in UDUNITS
    Some(match unit.to_ascii_lowercase().as_str() {
        "week" | "weeks" => 7 * DAY,
        "day" | "days" | "d" => DAY,
        "hour" | "hours" | "hr" | "hrs" | "h" => 3600 * SECOND,
        "minute" | "minutes" | "min" | "mins" => 60 * SECOND,
        "second" | "seconds" | "sec" | "secs" | "s" => SECOND,
        "millisecond" | "milliseconds" | "msec" | "msecs" | "ms" => 1000,
        "microsecond" | "microseconds" | "us" => 1,
        "month" | "months" if calendar == Calendar::Day360 => 30 * DAY,
        "month" | "months" => YEAR / 12,
        "year" | "years" | "yr" if calendar == Calendar::Day360 => 360 * DAY,
        "common_year" | "common_years" => 365 * DAY,
        "year" | "years" | "yr" => YEAR,
        _ => return None,
    })
}

/// Date, and microseconds from its midnight in UTC, of `1850-1-1`, `2000-01-01T06:00:00Z`, `1-1-1 0:0:0.0 -3:30`.
fn parse_reference(text: &str) -> Result<(Date, i128), String> {
    let ends_date = |(at, c): (usize, char)| {
        let after_digit = at > 0 && text.as_bytes()[at - 1].is_ascii_digit();
        (c == ' ' || matches!(c, 'T' | 't') && after_digit).then_some(at)
    };
    let (date_text, rest) = match text.char_indices().find_map(ends_date) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text.trim_end_matches(['Z', 'z']), ""),
    };
    let date = parse_date(date_text).ok_or_else(|| format!("`{date_text}` is no date, expected YEAR-MONTH-DAY"))?;
    let rest = ["UTC", "GMT", "Z", "z", "utc"].iter().find_map(|zone| rest.strip_suffix(zone)).unwrap_or(rest).trim();
    if rest.is_empty() {
        return Ok((date, 0));
    }
    let zone_at = rest.find([' ', '+', '-']).unwrap_or(rest.len());
    let (clock_text, zone_text) = (&rest[..zone_at], rest[zone_at..].trim());
    let clock = if clock_text.is_empty() { Some(0) } else { parse_clock(clock_text) };
    let clock = clock.ok_or_else(|| format!("`{clock_text}` is no time of day, expected HOUR:MINUTE:SECOND"))?;
    let offset = parse_zone(zone_text).ok_or_else(|| format!("`{zone_text}` is no time zone, expected +HOUR:MINUTE"))?;
    Ok((date, clock - offset))
}

fn parse_date(text: &str) -> Option<Date> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = digits.split('-');
    let year = sign * number(parts.next()?)?;
    let month = parts.next().map_or(Some(1), number)?;
    let day = parts.next().map_or(Some(1), number)?;
    if parts.next().is_some() {
        return None;
    }
    Some(Date { year, month: u32::try_from(month).ok()?, day: u32::try_from(day).ok()? })
}

fn number(digits: &str) -> Option<i64> {
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Microseconds of `12`, `12:30`, `12:30:05.25`.
fn parse_clock(text: &str) -> Option<i128> {
    let mut parts = text.split(':');
    let hours = number(parts.next()?)?;
    let minutes = parts.next().map_or(Some(0), number)?;
    let (seconds, fraction) = match parts.next() {
        None => (0, 0.0),
        Some(part) => {
            let (whole, _) = part.split_once('.').unwrap_or((part, ""));
            let seconds = number(whole)?;
            let exact: f64 = part.trim_end_matches('.').parse().ok()?;
            (seconds, exact - seconds as f64)
        }
    };
    // 24:00 and leap seconds occur in files.
    if parts.next().is_some() || hours > 24 || minutes > 59 || seconds > 60 {
        return None;
    }
    let whole = i128::from(hours * 3600 + minutes * 60 + seconds);
    Some(whole * SECOND + (fraction * SECOND as f64).round() as i128)
}

/// Microseconds east of UTC of ``, `+00:00`, `-3:30`, `+0530`, `0:00`, `6`.
fn parse_zone(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((h, m)) => (number(h)?, number(m)?),
        None if digits.is_empty() => (0, 0),
        None if digits.len() > 2 => (number(digits)? / 100, number(digits)? % 100),
        None => (number(digits)?, 0),
    };
    (hours <= 24 && minutes <= 59).then_some(sign * i128::from(hours * 3600 + minutes * 60) * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(units: &str, calendar: Calendar, value: f64) -> String {
        TimeUnits::parse(units, calendar).and_then(|u| u.date_time(value)).map_or_else(|e| e.to_string(), |t| t.to_string())
    }

    #[test]
    fn values_are_told_as_dates() {
        use Calendar::*;
        let cases = [
            ("days since 1850-1-1", NoLeap, 59.5, "1850-03-01 12:00:00"),
            ("days since 1850-01-01 00:00:00", Day360, 45.0, "1850-02-16 00:00:00"),
            ("hours since 0000-01-01 00:00:00", Standard, 366.0, "0000-01-16 06:00:00"),
            ("hours since 1-1-1 00:00:0.0", Standard, 24.0, "0001-01-02 00:00:00"),
            ("seconds since 1970-01-01T00:00:00Z", ProlepticGregorian, 951_782_400.0, "2000-02-29 00:00:00"),
            ("days since 1582-10-04", Standard, 1.0, "1582-10-15 00:00:00"),
            ("days since 1582-10-04", Julian, 1.0, "1582-10-05 00:00:00"),
            ("minutes since 2000-01-01 00:00:00 +01:00", Standard, 0.0, "1999-12-31 23:00:00"),
            ("hours since 2000-01-01 06:00:00 -3:30", Standard, 0.0, "2000-01-01 09:30:00"),
            ("hours since 2000-01-01 06:00 +0530", Standard, 0.0, "2000-01-01 00:30:00"),
            ("days since 2000-01-01 12:00:00 UTC", Standard, -0.25, "2000-01-01 06:00:00"),
            ("Days Since 2000-01-01 00:00:00.250000", Standard, 0.0, "2000-01-01 00:00:00.25"),
            ("days since -4712-01-01 12:00:00", Standard, 2_451_545.0, "2000-01-01 12:00:00"),
            ("months since 2000-01-01", Day360, 14.0, "2001-03-01 00:00:00"),
            ("day as %Y%m%d.%f", ProlepticGregorian, 20_200_120.75, "2020-01-20 18:00:00"),
            ("msec since 2000-01-01", Standard, 1500.0, "2000-01-01 00:00:01.5"),
            ("days since 2000", Standard, 31.0, "2000-02-01 00:00:00"),
        ];
        for (units, calendar, value, expected) in cases {
            assert_eq!(label(units, calendar, value), expected, "{units}, {calendar}, {value}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        let parse = |text| TimeUnits::parse(text, Calendar::Standard).expect_err(text).to_string();
        assert!(parse("m s-1").contains("UNIT since DATE"));
        assert!(parse("fortnights since 2000-01-01").contains("`fortnights` is no unit"));
        assert!(parse("days since yesterday").contains("`yesterday` is no date"));
        assert!(parse("days since 2000-01-01 25:00").contains("no time of day"));
        assert!(parse("days since 2000-02-30").contains("2000-02-30 is not a date"));
        assert!(parse("month as %Y%m.%f").contains("expected `day as"));
        assert!(label("days since 2000-01-01", Calendar::None, 3.0).contains("`none`"));
        assert!(label("days since 2000-01-01", Calendar::Standard, f64::NAN).contains("finite"));
        assert!(label("day as %Y%m%d.%f", Calendar::Standard, 20_201_399.0).contains("not a date"));
    }

    #[test]
    fn whole_values_are_exact_far_from_the_reference() {
        // Seconds since year 1 need 36 bits; a count in floating-point days would lose microseconds.
        let units = TimeUnits::parse("seconds since 0001-01-01", Calendar::ProlepticGregorian).expect("valid");
        let day = Calendar::ProlepticGregorian.day_number(Date { year: 1, month: 1, day: 1 }).expect("a date");
        let value = -(day as f64) * 86_400.0 + 1.0;
        assert_eq!(units.date_time(value).expect("finite").to_string(), "2000-01-01 00:00:01");
    }

    #[test]
    fn labels_fall_back_to_the_value() {
        let units = TimeUnits::parse("months since 0000-01-01", Calendar::None).expect("valid");
        let axis = TimeAxis { name: "time".into(), units, values: vec![0.5] };
        assert_eq!(axis.label(0), "0.5 months since 0000-01-01");
        assert_eq!(axis.label(7), "step 7");
    }
}
