//! Levels to go to, and the axis they make in the output.

use super::VerticalQuantity;
use super::coordinate::unit;
use crate::nc::{Numbers, ValueType};
use crate::nc_write::NewVariable;
use crate::{Dataset, IoError, NanPolicy, Purpose, read_decoded};
use knarr_field::{Attributes, NumberType};
use std::path::Path;

/// Levels, or edges of layers, in units of pressure or length.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    values: Vec<f64>,
    /// Layers of a file, which may leave gaps between them.
    bounds: Option<Vec<f64>>,
    units: String,
}

impl Targets {
    /// Reads `1000,850,500hPa` or `0,10,100m`; the units stand after the last number.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let units_at = text.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |at| at + 1);
        let (numbers, units) = (&text[..units_at], text[units_at..].trim());
        let values: Option<Vec<f64>> =
            numbers.split(',').map(|n| n.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
        let values = values.ok_or_else(|| format!("`{numbers}` is no list of numbers, expected such as 1000,850,500hPa"))?;
        if unit(units).is_none() {
            return Err(format!(
                "`{units}` is no unit of pressure or length, expected one of Pa, hPa, kPa, dbar, m, km after the last number"
            ));
        }
        Self::new(values, units).ok_or_else(|| "the levels neither rise nor fall".to_owned())
    }

    fn new(values: Vec<f64>, units: &str) -> Option<Self> {
        let monotone = values.windows(2).all(|w| w[0] < w[1]) || values.windows(2).all(|w| w[0] > w[1]);
        (monotone && !values.is_empty()).then(|| Self { values, bounds: None, units: units.to_owned() })
    }

    /// Levels of the variable `name` of a file, with their bounds where it has them.
    ///
    /// # Errors
    /// [`IoError::Malformed`] if it is no one-dimensional axis of pressure or length; errors of reading.
    pub fn read(path: &Path, name: &str) -> Result<Self, IoError> {
        let dataset = Dataset::open(path)?;
        let info = dataset.variable(name)?;
        let malformed = |problem: String| IoError::Malformed { path: path.to_owned(), what: "levels", problem };
        let units = info.attributes.text("units").unwrap_or_default();
        if info.dims.len() != 1 || unit(units).is_none() {
            let found = format!("{} dimensions in `{units}`", info.dims.len());
            return Err(malformed(format!("`{name}` has {found}, expected one dimension in units of pressure or length")));
        }
        let values = read_decoded(dataset.file(), name, Purpose::Coordinate, NanPolicy::Error)?.values;
        let mut targets =
            Self::new(values, units).ok_or_else(|| malformed(format!("the levels of `{name}` neither rise nor fall")))?;
        let bounds = info.attributes.text("bounds").and_then(|b| dataset.variable(b).ok());
        if let Some(bounds) = bounds.filter(|b| b.dims.len() == 2 && b.len() == 2 * targets.values.len()) {
            let pairs = read_decoded(dataset.file(), &bounds.name, Purpose::Coordinate, NanPolicy::Error)?.values;
            let meets = |w: &[f64]| (w[1] - w[2]).abs() <= 1e-6 * (w[1] - w[0]).abs();
            if (0..targets.values.len() - 1).all(|k| meets(&pairs[2 * k..2 * k + 4])) {
                let last = pairs[pairs.len() - 1];
                targets.bounds = Some(pairs.iter().step_by(2).copied().chain([last]).collect());
            }
        }
        Ok(targets)
    }

    /// Whether a coordinate of that kind can be brought to these levels.
    pub(super) fn fit(&self, quantity: VerticalQuantity) -> bool {
        self.is_pressure() == (quantity == VerticalQuantity::Pressure)
    }

    fn is_pressure(&self) -> bool {
        unit(&self.units).is_some_and(|u| u.1)
    }

    pub(super) fn quantity_in_words(&self) -> &'static str {
        if self.is_pressure() { "pressure" } else { "height or depth" }
    }

    /// Edges of layers: those of the file, else the values themselves.
    fn edges(&self) -> &[f64] {
        self.bounds.as_deref().unwrap_or(&self.values)
    }

    /// Number of levels, or of layers.
    pub fn count(&self, layers: bool) -> usize {
        if layers { self.edges().len().saturating_sub(1) } else { self.values.len() }
    }

    pub(super) fn in_base_units(&self, layers: bool) -> Vec<f64> {
        let factor = unit(&self.units).map_or(1.0, |u| u.0);
        let values = if layers { self.edges() } else { &self.values };
        values.iter().map(|v| v * factor).collect()
    }

    pub(super) fn axis_name(&self, quantity: VerticalQuantity, own: Option<&str>) -> String {
        let name = match quantity {
            VerticalQuantity::Pressure => "plev",
            VerticalQuantity::Height => "altitude",
            VerticalQuantity::Depth => "depth",
        };
        own.unwrap_or(name).to_owned()
    }

    /// The coordinate and, for layers, its bounds. `own`: attributes of the axis that these levels take the place of.
    pub(super) fn axis_variables(
        &self,
        axis: &str,
        quantity: VerticalQuantity,
        layers: bool,
        own: Option<&Attributes>,
    ) -> Vec<(NewVariable, Numbers)> {
        let (standard_name, positive) = match quantity {
            VerticalQuantity::Pressure => ("air_pressure", "down"),
            VerticalQuantity::Height => ("altitude", "up"),
            VerticalQuantity::Depth => ("depth", "down"),
        };
        let mut attributes = Attributes::new();
        let kept = |name: &str| own.and_then(|a| a.text(name)).map(str::to_owned);
        attributes.set("standard_name", kept("standard_name").unwrap_or_else(|| standard_name.to_owned()));
        if let Some(long_name) = kept("long_name") {
            attributes.set("long_name", long_name);
        }
        attributes.set("units", self.units.as_str());
        attributes.set("positive", positive);
        attributes.set("axis", "Z");
        let new = |name: &str, dims: &[&str], attributes: Attributes| NewVariable {
            name: name.to_owned(),
            dims: dims.iter().map(|d| (*d).to_owned()).collect(),
            value_type: ValueType::Number(NumberType::F64),
            attributes,
            fill: None,
            chunks: None,
            compressed: false,
        };
        if !layers {
            return vec![(new(axis, &[axis], attributes), Numbers::F64(self.values.clone()))];
        }
        let bounds_name = format!("{axis}_bnds");
        attributes.set("bounds", bounds_name.as_str());
        let edges = self.edges();
        let middles = match &self.bounds {
            Some(_) => self.values.clone(),
            None => edges.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect(),
        };
        let pairs = edges.windows(2).flat_map(|w| [w[0], w[1]]).collect();
        vec![
            (new(axis, &[axis], attributes), Numbers::F64(middles)),
            (new(&bounds_name, &[axis, "bnds"], Attributes::new()), Numbers::F64(pairs)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_or_refused_with_the_reason() {
        let targets = Targets::parse("1000,850, 500hPa").expect("levels");
        assert_eq!((targets.in_base_units(false), targets.count(true)), (vec![1e5, 8.5e4, 5e4], 2));
        assert_eq!(Targets::parse("0,10.5 m").expect("levels").in_base_units(false), [0.0, 10.5]);
        assert!(Targets::parse("10,20").expect_err("no units").contains("no unit"));
        assert!(Targets::parse("10,xhPa").expect_err("no number").contains("`,xhPa` is no unit"));
        assert!(Targets::parse("1.2.3,10hPa").expect_err("no number").contains("no list of numbers"));
        assert!(Targets::parse("10,20,15m").expect_err("no order").contains("neither rise nor fall"));
        assert!(Targets::parse("10,20K").expect_err("no length").contains("`K` is no unit"));
    }
}
