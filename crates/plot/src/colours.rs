//! Colour scales, chosen by what the field is.

use crate::PlotError;

/// Which colours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// Perceptually even, dark to light; for any quantity.
    #[default]
    Sequential,
    /// Light to dark; for amounts that are often zero: precipitation, snow, ice.
    Amount,
    /// Blue to red about zero; for anomalies, differences and components of vectors.
    Diverging,
}

impl Colours {
    /// The colours for a field of this `standard_name` or `long_name` (whichever is known).
    ///
    /// ```
    /// use knarr_plot::Colours;
    /// assert_eq!(Colours::for_name("sea_surface_temperature"), Colours::Sequential);
    /// assert_eq!(Colours::for_name("air_temperature_anomaly"), Colours::Diverging);
    /// assert_eq!(Colours::for_name("precipitation_flux"), Colours::Amount);
    /// ```
    pub fn for_name(name: &str) -> Self {
        let name = name.to_lowercase().replace(' ', "_");
        let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
        if has(&["anomaly", "difference", "tendency", "eastward", "northward", "vorticity", "divergence", "_stress"])
            || name.starts_with("upward_air_velocity")
            || has(&["u-component", "v-component", "zonal", "meridional"])
        {
            Self::Diverging
        } else if has(&["precipitation", "rain", "snow", "runoff", "ice_area", "ice_thickness", "cloud_area"]) {
            Self::Amount
        } else {
            Self::Sequential
        }
    }

    /// The colour at `t` in 0..1.
    fn at(self, t: f64) -> [u8; 3] {
        let color = match self {
            Self::Sequential => colorous::VIRIDIS.eval_continuous(t),
            Self::Amount => colorous::YELLOW_GREEN_BLUE.eval_continuous(t),
            Self::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - t),
        };
        [color.r, color.g, color.b]
    }
}

/// Colours between two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Value of the first colour.
    pub low: f64,
    /// Value of the last colour.
    pub high: f64,
    /// Whether values lie below `low`, so that the colour bar points further.
    pub more_below: bool,
    /// Whether values lie above `high`.
    pub more_above: bool,
    table: Vec<[u8; 3]>,
}

/// Steps of the colour table: finer than an 8-bit picture of one hue can show.
const STEPS: usize = 256;

impl Scale {
    /// A scale for `values` (any order, all finite): over `range` if given, else over the values without their
    /// outermost 0.2 % where those would flatten the rest; symmetric about 0 for diverging colours.
    ///
    /// # Errors
    /// [`PlotError::BadRange`] if `range` is empty or not finite.
    pub fn new(values: &mut [f64], colours: Colours, range: Option<(f64, f64)>) -> Result<Self, PlotError> {
        values.sort_unstable_by(f64::total_cmp);
        let (least, most) = match (values.first(), values.last()) {
            (Some(&a), Some(&b)) => (a, b),
            _ => (0.0, 1.0),
        };
        let (low, high) = match range {
            Some((low, high)) if low.is_finite() && high.is_finite() && low < high => (low, high),
            Some((low, high)) => return Err(PlotError::BadRange { low, high }),
            None => Self::automatic(values, least, most, colours),
        };
        let table = (0..STEPS).map(|k| colours.at((k as f64 + 0.5) / STEPS as f64)).collect();
        Ok(Self { low, high, more_below: least < low, more_above: most > high, table })
    }

    fn automatic(sorted: &[f64], least: f64, most: f64, colours: Colours) -> (f64, f64) {
        let at = |share: f64| sorted.get((share * (sorted.len().max(1) - 1) as f64).round() as usize).copied();
        let (mut low, mut high) = (least, most);
        if let (Some(inner_low), Some(inner_high)) = (at(0.002), at(0.998)) {
            // A tail three times as wide as the rest hides the field in one colour.
            let inner = inner_high - inner_low;
            if inner > 0.0 && high - inner_high > 0.3 * inner {
                high = inner_high;
            }
            if inner > 0.0 && inner_low - low > 0.3 * inner {
                low = inner_low;
            }
        }
        if colours == Colours::Diverging {
            let reach = low.abs().max(high.abs());
            (low, high) = (-reach, reach);
        }
        if low < high {
            return (low, high);
        }
        // One value everywhere: a range around it that shows it in the middle.
        let reach = if low == 0.0 { 1.0 } else { 0.05 * low.abs() };
        (low - reach, high + reach)
    }

    /// The colour of a value; values beyond the ends get the last colour.
    pub fn colour(&self, value: f64) -> [u8; 3] {
        let t = (value - self.low) / (self.high - self.low);
        self.table[((t * STEPS as f64) as usize).min(STEPS - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diverging_colours_are_white_at_zero() {
        let scale = Scale::new(&mut [-1.0, 3.0], Colours::Diverging, None).expect("two values");
        assert_eq!((scale.low, scale.high), (-3.0, 3.0));
        assert!(scale.colour(0.0).iter().all(|&c| c > 230), "{:?}", scale.colour(0.0));
        assert!(scale.colour(3.0)[0] > scale.colour(3.0)[2] && scale.colour(-3.0)[0] < scale.colour(-3.0)[2]);
    }

    #[test]
    fn an_outlier_does_not_flatten_the_rest() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(1e9);
        let scale = Scale::new(&mut values, Colours::Sequential, None).expect("values");
        assert!(scale.high < 1000.0 && scale.more_above && !scale.more_below);
    }

    #[test]
    fn one_value_everywhere_still_has_a_range() {
        for value in [0.0, 5.0, -5.0] {
            let scale = Scale::new(&mut [value; 3], Colours::Sequential, None).expect("values");
            assert!(scale.low < value && value < scale.high);
        }
        assert!(Scale::new(&mut [1.0], Colours::Sequential, Some((2.0, 2.0))).is_err());
    }
}
