//! Errors of this crate.

/// Why a field or a time could not be made.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FieldError {
    /// Values do not have the shape that belongs to them.
    #[error("field `{name}`: {what} has {found} values, expected {expected}")]
    WrongShape {
        /// Which field.
        name: String,
        /// What was counted.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// A calendar that CF does not know.
    #[error("unknown calendar `{found}`, expected one of {}", crate::Calendar::NAMES.join(", "))]
    UnknownCalendar {
        /// What was found.
        found: String,
    },
    /// A date that is not in the calendar.
    #[error("{year:04}-{month:02}-{day:02} is not a date of the {calendar} calendar")]
    NoSuchDate {
        /// Year, 0 is 1 BC.
        year: i64,
        /// Month.
        month: u32,
        /// Day.
        day: u32,
        /// The calendar.
        calendar: &'static str,
    },
    /// Units that are no time units.
    #[error("time units `{found}`: {problem}")]
    BadTimeUnits {
        /// What was found.
        found: String,
        /// What is wrong: expected and found.
        problem: String,
    },
    /// A vertical coordinate without a term of its formula.
    #[error("`{coordinate}` needs the term `{term}`, formula_terms has {given}")]
    MissingTerm {
        /// `standard_name` of the coordinate.
        coordinate: &'static str,
        /// The term that is not there.
        term: &'static str,
        /// Terms that are.
        given: String,
    },
    /// A time that cannot be told as a date.
    #[error("time value {value} in `{units}` cannot be told as a date: {problem}")]
    BadTime {
        /// The value.
        value: f64,
        /// Its units.
        units: String,
        /// What is wrong.
        problem: String,
    },
}
