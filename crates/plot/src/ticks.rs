//! Round numbers along an axis.

/// Ticks of a colour bar: where they are and what is written there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticks {
    /// Values, ascending.
    pub values: Vec<f64>,
    /// One text per value.
    pub labels: Vec<String>,
    /// Power of ten that the labels leave out; 0 for none.
    pub exponent: i32,
}

/// About `wanted` multiples of 1, 2, 2.5 or 5 times a power of ten within `low..=high`.
pub(crate) fn ticks(low: f64, high: f64, wanted: usize) -> Ticks {
    let step = nice_step((high - low) / wanted.max(1) as f64);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let values: Vec<f64> = (first..=last).map(|k| k as f64 * step).collect();
    let largest = low.abs().max(high.abs());
    let power = if largest > 0.0 { largest.log10().floor() as i32 } else { 0 };
    let exponent = if (-3..5).contains(&power) { 0 } else { power };
    let scale = 10f64.powi(exponent);
    let decimals = decimals_of(step / scale);
    let labels = values.iter().map(|v| minus_sign(&format!("{:.decimals$}", v / scale + 0.0))).collect();
    Ticks { values, labels, exponent }
}

/// A number with about four significant digits, for remarks.
pub(crate) fn number(value: f64) -> String {
    let power = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    if (-3..6).contains(&power) {
        let decimals = (3 - power).clamp(0, 6) as usize;
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        minus_sign(text)
    } else {
        let mantissa = value / 10f64.powi(power);
        format!("{}×10{}", minus_sign(&format!("{mantissa:.2}")), crate::units::superscript(power))
    }
}

/// The smallest of 1, 2, 2.5, 5 × 10ᵏ that is not below `at_least`.
pub(crate) fn nice_step(at_least: f64) -> f64 {
    if !(at_least > 0.0 && at_least.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= at_least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn decimals_of(step: f64) -> usize {
    (0..9).find(|&d| (step * 10f64.powi(d) - (step * 10f64.powi(d)).round()).abs() < 1e-6).unwrap_or(9) as usize
}

fn minus_sign(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let t = ticks(243.2, 311.0, 6);
        assert_eq!(t.labels, ["260", "280", "300"]);
        let t = ticks(-1.3, 1.3, 8);
        assert_eq!(t.labels, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        let t = ticks(0.0, 7.3e-5, 4);
        assert_eq!((t.exponent, t.labels), (-5, vec!["0".into(), "2".into(), "4".into(), "6".into()]));
    }

    #[test]
    fn steps_are_one_two_two_and_a_half_or_five() {
        for (at_least, step) in [(0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (2.1, 2.5), (3.0, 5.0), (7.0, 10.0), (0.03, 0.05)] {
            assert!((nice_step(at_least) / step - 1.0).abs() < 1e-12, "{at_least}: {}", nice_step(at_least));
        }
    }

    #[test]
    fn remarks_are_short() {
        assert_eq!(number(288.15321), "288.2");
        assert_eq!(number(-0.5), "−0.5");
        assert_eq!(number(1.234e-7), "1.23×10⁻⁷");
        assert_eq!(number(0.0), "0");
    }
}
