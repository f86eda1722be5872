//! Moments in UTC, to the second, as RFC 3339 writes them with a `Z`.

use crate::ExchangeError;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01T00:00:00Z without leap seconds.
///
/// ```
/// use knarr_exchange::instant::Instant;
/// let noon: Instant = "2026-11-25T12:00:00Z".parse().expect("a moment");
/// assert_eq!(noon.0, 1_795_608_000);
/// assert_eq!(noon.to_string(), "2026-11-25T12:00:00Z");
/// assert!("2026-02-30T00:00:00Z".parse::<Instant>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Instant(pub i64);

impl Instant {
    /// The system's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The clock of the file system that `folder` is on; another machine's where it is a network's.
    ///
    /// # Errors
    /// [`ExchangeError::File`] if nothing can be written there.
    pub fn of_file_system(folder: &Path) -> Result<Self, ExchangeError> {
        let fail = |e| ExchangeError::file(folder, "write")(e);
        let mut file = tempfile::tempfile_in(folder).map_err(fail)?;
        file.write_all(b"now").and_then(|()| file.metadata()?.modified()).map(Self::from).map_err(fail)
    }

    /// `hours` later.
    #[must_use]
    pub fn plus_hours(self, hours: u32) -> Self {
        Self(self.0 + i64::from(hours) * 3600)
    }

    /// Year, month and day.
    pub fn date(self) -> (i64, u32, u32) {
        civil(self.0.div_euclid(86_400))
    }

    /// `20261125T120000Z`, for file names.
    pub fn compact(self) -> String {
        self.to_string().replace(['-', ':'], "")
    }
}

impl From<SystemTime> for Instant {
    fn from(time: SystemTime) -> Self {
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_secs() as i64,
            Err(before) => -(before.duration().as_secs() as i64),
        })
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ((year, month, day), second) = (self.date(), self.0.rem_euclid(86_400));
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

impl From<Instant> for String {
    fn from(instant: Instant) -> Self {
        instant.to_string()
    }
}

impl TryFrom<String> for Instant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no moment in UTC, expected the form 2026-11-25T12:00:00Z");
        let part = |range: std::ops::Range<usize>| -> Option<i64> {
            let digits = text.get(range)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let read = || -> Option<Self> {
            let [year, month, day] = [part(0..4)?, part(5..7)?, part(8..10)?];
            let [hour, minute, second] = [part(11..13)?, part(14..16)?, part(17..19)?];
            let days = days_from_civil(year, month as u32, day as u32);
            Some(Self(days * 86_400 + hour * 3600 + minute * 60 + second))
        };
        // Writing it again refuses everything that is not in range or not in this form.
        read().filter(|i| i.to_string() == text).ok_or_else(wrong)
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar; eras of 400 years begin on 1 March.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (i64::from(month) + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u32, (day_of_year - (153 * shifted + 2) / 5 + 1) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_survives_the_way_there_and_back() {
        for days in days_from_civil(1600, 1, 1)..days_from_civil(2400, 1, 1) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn only_the_one_form_is_read() {
        for bad in
            ["2026-11-25", "2026-11-25T12:00:00+00:00", "2026-13-01T00:00:00Z", "2026-11-25T24:00:00Z", "+026-01-01T00:00:00Z"]
        {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }
}
