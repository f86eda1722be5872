//! What turns a provider's value into a canonical one, each with its inverse.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// One step from a provider's values to canonical ones.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// `rotate_to_earth`: components along the grid's axes become eastward and northward, both at once.
    RotateToEarth,
    /// `rotate_to_grid`: the inverse.
    RotateToGrid,
    /// `diff_time`: run totals become totals of intervals; the first interval starts at the start of the run, at zero.
    DiffTime,
    /// `sum_time`: the inverse.
    SumTime,
    /// `div_dt`: totals of intervals become means: divided by the seconds of the interval.
    DivDt,
    /// `mul_dt`: the inverse.
    MulDt,
    /// `scale X`: times X.
    Scale(f64),
    /// `divide X`: over X.
    Divide(f64),
    /// `negate`: the other direction; its own inverse.
    Negate,
    /// `layer_overlap_mean`: values of soil layers become means over the layers asked for, by overlap.
    LayerOverlapMean,
    /// `check_statistic`: read from the file whether values are totals or means; totals are differenced and divided.
    CheckStatistic,
    /// `sum_vars A B`: the sum of two variables.
    SumVars(String, String),
    /// `split_vars A B`: the inverse as far as there is one: all in the first, zero in the second.
    SplitVars(String, String),
    /// `weighted_sum A WA B WB`: A·WA + B·WB; without the weights there is no inverse.
    WeightedSum([String; 4]),
    /// `subtract_from FIELD`: FIELD minus the value, as dew point from depression; its own inverse.
    SubtractFrom(String),
    /// `texture_class SAND CLAY`: percentages become a class of soil.
    TextureClass(String, String),
    /// `texture_percent SAND CLAY`: typical percentages of a class; the class of those is the class again.
    TexturePercent(String, String),
}

/// Why a text is no operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no operation of the catalogue: {problem}")]
pub struct OperationError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Operation {
    /// What undoes it: `inverse(op(x)) = x`, or, where `op` loses something, `op(inverse(y)) = y`.
    ///
    /// None for [`Operation::WeightedSum`].
    pub fn inverse(&self) -> Option<Self> {
        Some(match self {
            Self::RotateToEarth => Self::RotateToGrid,
            Self::RotateToGrid => Self::RotateToEarth,
            Self::DiffTime => Self::SumTime,
            Self::SumTime => Self::DiffTime,
            Self::DivDt => Self::MulDt,
            Self::MulDt => Self::DivDt,
            Self::Scale(x) => Self::Divide(*x),
            Self::Divide(x) => Self::Scale(*x),
            Self::SumVars(a, b) => Self::SplitVars(a.clone(), b.clone()),
            Self::SplitVars(a, b) => Self::SumVars(a.clone(), b.clone()),
            Self::TextureClass(a, b) => Self::TexturePercent(a.clone(), b.clone()),
            Self::TexturePercent(a, b) => Self::TextureClass(a.clone(), b.clone()),
            Self::Negate | Self::LayerOverlapMean | Self::CheckStatistic | Self::SubtractFrom(_) => self.clone(),
            Self::WeightedSum(_) => return None,
        })
    }

    /// Whether it turns totals into means or back.
    pub fn is_about_time(&self) -> bool {
        matches!(self, Self::DiffTime | Self::SumTime | Self::DivDt | Self::MulDt | Self::CheckStatistic)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RotateToEarth => f.write_str("rotate_to_earth"),
            Self::RotateToGrid => f.write_str("rotate_to_grid"),
            Self::DiffTime => f.write_str("diff_time"),
            Self::SumTime => f.write_str("sum_time"),
            Self::DivDt => f.write_str("div_dt"),
            Self::MulDt => f.write_str("mul_dt"),
            Self::Scale(x) => write!(f, "scale {x}"),
            Self::Divide(x) => write!(f, "divide {x}"),
            Self::Negate => f.write_str("negate"),
            Self::LayerOverlapMean => f.write_str("layer_overlap_mean"),
            Self::CheckStatistic => f.write_str("check_statistic"),
            Self::SumVars(a, b) => write!(f, "sum_vars {a} {b}"),
            Self::SplitVars(a, b) => write!(f, "split_vars {a} {b}"),
            Self::WeightedSum(names) => write!(f, "weighted_sum {}", names.join(" ")),
            Self::SubtractFrom(field) => write!(f, "subtract_from {field}"),
            Self::TextureClass(a, b) => write!(f, "texture_class {a} {b}"),
            Self::TexturePercent(a, b) => write!(f, "texture_percent {a} {b}"),
        }
    }
}

impl FromStr for Operation {
    type Err = OperationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem: String| OperationError { text: text.to_owned(), problem };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, arguments) = words.split_first().ok_or_else(|| fail("it is empty".to_owned()))?;
        let count = |expected: usize| {
            let found = arguments.len();
            if found == expected { Ok(()) } else { Err(fail(format!("found {found} arguments, expected {expected}"))) }
        };
        let number = || -> Result<f64, OperationError> {
            count(1)?;
            let value: f64 = arguments[0].parse().map_err(|_| fail(format!("`{}` is not a number", arguments[0])))?;
            if value.is_finite() && value != 0.0 { Ok(value) } else { Err(fail("the number must be finite and not zero".into())) }
        };
        let two = || -> Result<(String, String), OperationError> {
            count(2)?;
            Ok((arguments[0].to_owned(), arguments[1].to_owned()))
        };
        let plain = |operation| count(0).map(|()| operation);
        match *name {
            "rotate_to_earth" => plain(Self::RotateToEarth),
            "rotate_to_grid" => plain(Self::RotateToGrid),
            "diff_time" => plain(Self::DiffTime),
            "sum_time" => plain(Self::SumTime),
            "div_dt" => plain(Self::DivDt),
            "mul_dt" => plain(Self::MulDt),
            "negate" => plain(Self::Negate),
            "layer_overlap_mean" => plain(Self::LayerOverlapMean),
            "check_statistic" => plain(Self::CheckStatistic),
            "scale" => number().map(Self::Scale),
            "divide" => number().map(Self::Divide),
            "sum_vars" => two().map(|(a, b)| Self::SumVars(a, b)),
            "split_vars" => two().map(|(a, b)| Self::SplitVars(a, b)),
            "texture_class" => two().map(|(a, b)| Self::TextureClass(a, b)),
            "texture_percent" => two().map(|(a, b)| Self::TexturePercent(a, b)),
            "subtract_from" => count(1).map(|()| Self::SubtractFrom(arguments[0].to_owned())),
            "weighted_sum" => {
                count(4)?;
                Ok(Self::WeightedSum([0, 1, 2, 3].map(|i| arguments[i].to_owned())))
            }
            _ => Err(fail("its name is unknown".to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 17] = [
        "rotate_to_earth",
        "rotate_to_grid",
        "diff_time",
        "sum_time",
        "div_dt",
        "mul_dt",
        "scale 1000",
        "divide 9.80665",
        "negate",
        "layer_overlap_mean",
        "check_statistic",
        "sum_vars o1 alat",
        "split_vars o1 alat",
        "weighted_sum lai_lv cvl lai_hv cvh",
        "subtract_from air_temperature_2m",
        "texture_class J1 J2",
        "texture_percent J1 J2",
    ];

    #[test]
    fn operations_are_written_as_they_are_read() {
        for text in ALL {
            let operation: Operation = text.parse().expect(text);
            assert_eq!(operation.to_string(), text);
            if let Some(inverse) = operation.inverse() {
                assert_eq!(inverse.inverse(), Some(operation), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_operation_is_refused_with_the_reason() {
        let problem = |text: &str| text.parse::<Operation>().expect_err(text).to_string();
        assert!(problem("sprinkle").contains("unknown"));
        assert!(problem("scale").contains("found 0 arguments, expected 1"));
        assert!(problem("scale 0").contains("not zero"));
        assert!(problem("scale x").contains("`x` is not a number"));
        assert!(problem("negate 2").contains("expected 0"));
        assert!(problem("").contains("empty"));
    }
}
