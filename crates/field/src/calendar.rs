//! The calendars of CF as exact integers.

use crate::FieldError;

/// A day by year, month and day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year; the years before 1 are 0 (1 BC), -1 (2 BC), ... in every calendar.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// From 1.
    pub day: u32,
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A calendar of CF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// Julian until 1582-10-04, Gregorian from 1582-10-15 on, the next day.
    Standard,
    /// Gregorian at all times.
    ProlepticGregorian,
    /// Julian at all times.
    Julian,
    /// 365 days every year.
    NoLeap,
    /// 366 days every year.
    AllLeap,
    /// Twelve months of 30 days.
    Day360,
    /// No calendar: perpetual conditions.
    None,
}

/// Days before each month of a year with 365 days.
const BEFORE_MONTH: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// Day 0 of the Gregorian count below is 2000-01-01.
const GREGORIAN_REFORM: i64 = -152_384; // 1582-10-15
const LAST_JULIAN: Date = Date { year: 1582, month: 10, day: 4 };
const FIRST_GREGORIAN: Date = Date { year: 1582, month: 10, day: 15 };

impl Calendar {
    /// Names of CF, those with the same meaning one after the other.
    pub const NAMES: [&str; 10] =
        ["standard", "gregorian", "proleptic_gregorian", "julian", "noleap", "365_day", "all_leap", "366_day", "360_day", "none"];

    /// The calendar of that name, whatever its case.
    ///
    /// # Errors
    /// [`FieldError::UnknownCalendar`].
    pub fn parse(name: &str) -> Result<Self, FieldError> {
        Ok(match name.trim().to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Self::Standard,
            "proleptic_gregorian" => Self::ProlepticGregorian,
            "julian" => Self::Julian,
            "noleap" | "365_day" => Self::NoLeap,
            "all_leap" | "366_day" => Self::AllLeap,
            "360_day" => Self::Day360,
            "none" => Self::None,
            _ => return Err(FieldError::UnknownCalendar { found: name.to_owned() }),
        })
    }

    /// Its name in CF.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::ProlepticGregorian => "proleptic_gregorian",
            Self::Julian => "julian",
            Self::NoLeap => "noleap",
            Self::AllLeap => "all_leap",
            Self::Day360 => "360_day",
            Self::None => "none",
        }
    }

    /// Whether `year` has a 29th of February and 366 days.
    pub fn is_leap(self, year: i64) -> bool {
        let gregorian = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
        match self {
            Self::ProlepticGregorian => gregorian,
            Self::Standard if year > 1582 => gregorian,
            Self::Standard | Self::Julian => year.rem_euclid(4) == 0,
            Self::AllLeap => true,
            Self::NoLeap | Self::Day360 | Self::None => false,
        }
    }

    /// Last day of a month; 0 where there is no such month.
    pub fn days_in_month(self, year: i64, month: u32) -> u32 {
        match (self, month) {
            (Self::None, _) | (_, 0 | 13..) => 0,
            (Self::Day360, _) => 30,
            (_, 2) if self.is_leap(year) => 29,
            _ => (BEFORE_MONTH[month as usize] - BEFORE_MONTH[month as usize - 1]) as u32,
        }
    }

    /// Whether both calendars have the same dates from `first` on, as the standard calendar and the proleptic Gregorian one
    /// have since 1582-10-15.
    pub fn same_since(self, other: Self, first: Date) -> bool {
        let gregorian = |calendar| matches!(calendar, Self::Standard | Self::ProlepticGregorian);
        self == other || gregorian(self) && gregorian(other) && first >= FIRST_GREGORIAN
    }

    /// Days from 2000-01-01 of this calendar to `date`.
    ///
    /// # Errors
    /// [`FieldError::NoSuchDate`], such as a 29 February of a common year or 1582-10-10 of the standard calendar.
    pub fn day_number(self, date: Date) -> Result<i64, FieldError> {
        let Date { year, month, day } = date;
        let gap = self == Self::Standard && date > LAST_JULIAN && date < FIRST_GREGORIAN;
        // A year beyond this would overflow the count of its days.
        if gap || day == 0 || day > self.days_in_month(year, month) || year.abs() > i64::MAX / 1000 {
            return Err(FieldError::NoSuchDate { year, month, day, calendar: self.name() });
        }
        Ok(match self {
            Self::Standard if date < FIRST_GREGORIAN => julian_day(date) + julian_shift(),
            Self::Standard | Self::ProlepticGregorian => gregorian_day(date),
            // 2000-01-01 of the Julian calendar.
            Self::Julian => julian_day(date) - julian_day(Date { year: 2000, month: 1, day: 1 }),
            Self::NoLeap => (year - 2000) * 365 + day_of_year(date, false),
            Self::AllLeap => (year - 2000) * 366 + day_of_year(date, true),
            Self::Day360 | Self::None => (year - 2000) * 360 + i64::from(month - 1) * 30 + i64::from(day - 1),
        })
    }

    /// The date `days` after 2000-01-01 of this calendar; `None` without a calendar.
    pub fn date(self, days: i64) -> Option<Date> {
        Some(match self {
            Self::None => return None,
            Self::Standard if days < GREGORIAN_REFORM => julian_date(days - julian_shift()),
            Self::Standard | Self::ProlepticGregorian => gregorian_date(days),
            Self::Julian => julian_date(days + julian_day(Date { year: 2000, month: 1, day: 1 })),
            Self::NoLeap => fixed_date(days, 365),
            Self::AllLeap => fixed_date(days, 366),
            Self::Day360 => {
                let rest = days.rem_euclid(360);
                Date { year: 2000 + days.div_euclid(360), month: (rest / 30) as u32 + 1, day: (rest % 30) as u32 + 1 }
            }
        })
    }
}

impl std::fmt::Display for Calendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Days since 1 January within a year.
fn day_of_year(date: Date, leap: bool) -> i64 {
    let after_february = i64::from(leap && date.month > 2);
    BEFORE_MONTH[date.month as usize - 1] + after_february + i64::from(date.day - 1)
}

fn month_and_day(day_of_year: i64, leap: bool) -> (u32, u32) {
    let before = |month: usize| BEFORE_MONTH[month] + i64::from(leap && month >= 2);
    let month = (1..12).find(|&m| day_of_year < before(m)).unwrap_or(12);
    (month as u32, (day_of_year - before(month - 1)) as u32 + 1)
}

fn fixed_date(days: i64, year_len: i64) -> Date {
    let (month, day) = month_and_day(days.rem_euclid(year_len), year_len == 366);
    Date { year: 2000 + days.div_euclid(year_len), month, day }
}

/// Days from 1 January of year 0 to 1 January of `year`.
fn gregorian_start(year: i64) -> i64 {
    let last = year - 1;
    year * 365 + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400) + 1
}

fn julian_start(year: i64) -> i64 {
    year * 365 + (year - 1).div_euclid(4) + 1
}

fn gregorian_day(date: Date) -> i64 {
    gregorian_start(date.year) - gregorian_start(2000) + day_of_year(date, Calendar::ProlepticGregorian.is_leap(date.year))
}

fn gregorian_date(days: i64) -> Date {
    date_after(days + gregorian_start(2000), Calendar::ProlepticGregorian, gregorian_start)
}

/// Days since 1 January of year 0 of the Julian calendar.
fn julian_day(date: Date) -> i64 {
    julian_start(date.year) + day_of_year(date, Calendar::Julian.is_leap(date.year))
}

fn julian_date(days: i64) -> Date {
    date_after(days, Calendar::Julian, julian_start)
}

/// What is added to the Julian count so that 1582-10-04 is the day before the reform.
fn julian_shift() -> i64 {
    GREGORIAN_REFORM - 1 - julian_day(LAST_JULIAN)
}

/// The date `days` after 1 January of year 0, where `start` counts the days to a year's first.
fn date_after(days: i64, calendar: Calendar, start: fn(i64) -> i64) -> Date {
    let mut year = days.div_euclid(365);
    while start(year) > days {
        year -= ((start(year) - days) / 366).max(1);
    }
    while start(year + 1) <= days {
        year += ((days - start(year + 1)) / 366).max(1);
    }
    let (month, day) = month_and_day(days - start(year), calendar.is_leap(year));
    Date { year, month, day }
}

#[cfg(test)]
mod tests;
