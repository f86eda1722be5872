//! What is made of the source values that a destination cell has weights of.

pub use knarr_kernels::overlap_statistics::Statistic;

use crate::RegridError;

/// What values of the first layer of a stack become.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Finish {
    /// Their weighted sum.
    #[default]
    Sum,
    /// A statistic of the values of the overlapping source cells, which count by the area of overlap.
    Statistic(Statistic),
    /// Their weighted sum, kept from making new extremes.
    Limit(Limit),
}

/// How methods that overshoot are kept from it. Both leave values alone that are in range.
///
/// The range of a destination cell is that of the valid source values it has weights of: for second order the cells that
/// overlap and those around them, for cubics the cells of the fit. Of vectors, the Cartesian components have ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Second order: the shape of the field is scaled down in each source cell until no part of it leaves the range of the
    /// cell and those around.
    /// Keeps the integral; order 2 but at extremes. Other methods: values are clipped to their range, which keeps no integral.
    /// After Barth and Jespersen (1989), AIAA 89-0366.
    Monotone,
    /// Clip and assured sum: values are clipped to their range, and what that takes from the integral is given back to all
    /// cells by the room they have. Keeps what integral the method makes.
    /// After Bradley, Bosler, Guba, Taylor and Barnett (2019), SIAM J. Sci. Comput. 41, A3260–A3286.
    Caas,
}

impl std::fmt::Display for Finish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sum => "mean",
            Self::Statistic(Statistic::Minimum) => "min",
            Self::Statistic(Statistic::Maximum) => "max",
            Self::Statistic(Statistic::Mode) => "mode",
            Self::Statistic(Statistic::StandardDeviation) => "stddev",
            Self::Statistic(Statistic::Count) => "count",
            Self::Statistic(Statistic::Quantile(0.5)) => "median",
            Self::Statistic(Statistic::Quantile(share)) => return write!(f, "p{}", (share * 1e6).round() / 1e4),
            Self::Limit(Limit::Monotone) => "monotone",
            Self::Limit(Limit::Caas) => "caas",
        })
    }
}

impl std::str::FromStr for Finish {
    type Err = RegridError;

    /// `mean`, `min`, `max`, `mode`, `median`, `p0` to `p100`, `stddev`, `count`, `monotone`, `caas`.
    fn from_str(text: &str) -> Result<Self, RegridError> {
        let percent = |text: &str| text.parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p));
        Ok(match text {
            "mean" => Self::Sum,
            "min" => Self::Statistic(Statistic::Minimum),
            "max" => Self::Statistic(Statistic::Maximum),
            "mode" => Self::Statistic(Statistic::Mode),
            "median" => Self::Statistic(Statistic::Quantile(0.5)),
            "stddev" => Self::Statistic(Statistic::StandardDeviation),
            "count" => Self::Statistic(Statistic::Count),
            "monotone" => Self::Limit(Limit::Monotone),
            "caas" => Self::Limit(Limit::Caas),
            other => match other.strip_prefix('p').and_then(percent) {
                Some(percent) => Self::Statistic(Statistic::Quantile(percent / 100.0)),
                None => return Err(RegridError::UnknownFinish { text: other.to_owned() }),
            },
        })
    }
}
