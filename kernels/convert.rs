//! Values in other units, within a range, with something where they are missing.

/// What becomes of a value x: x · multiply / divide + add, not beyond the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    /// Multiplied first.
    pub multiply: f64,
    /// Divided by then: factors such as 1000 are exact, their inverse is not.
    pub divide: f64,
    /// Added last.
    pub add: f64,
    /// Least and greatest result.
    pub range: Option<[f64; 2]>,
    /// What stands where a value is missing; `None`: it stays missing.
    pub fill: Option<f64>,
}

impl Conversion {
    /// Leaves values as they are.
    pub const NOTHING: Self = Self { multiply: 1.0, divide: 1.0, add: 0.0, range: None, fill: None };
}

/// Converted values and their validity, each value by itself; missing values that are not filled are 0.
///
/// ```
/// use knarr_kernels::convert::{Conversion, convert};
/// let to_celsius = Conversion { add: -273.15, range: Some([-1.8, 40.0]), ..Conversion::NOTHING };
/// assert_eq!(convert(&[263.15, 274.15, 0.0], &[true, true, false], &to_celsius), (vec![-1.8, 1.0, 0.0], vec![true, true, false]));
/// ```
///
/// # Panics
/// If lengths differ.
pub fn convert(values: &[f64], valid: &[bool], conversion: &Conversion) -> (Vec<f64>, Vec<bool>) {
    assert_eq!(values.len(), valid.len(), "a flag per value");
    let within = |x: f64| conversion.range.map_or(x, |[low, high]| x.max(low).min(high));
    let of = |(&x, &there): (&f64, &bool)| match (there, conversion.fill) {
        (true, _) => (within(x * conversion.multiply / conversion.divide + conversion.add), true),
        (false, Some(fill)) => (within(fill), true),
        (false, None) => (0.0, false),
    };
    values.iter().zip(valid).map(of).unzip()
}
