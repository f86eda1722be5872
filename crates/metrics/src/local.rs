//! New extremes: globally, and against the neighbourhood of each cell.
//!
//! Reference: Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.

use knarr_grid::Neighbours;
use knarr_kernels::global_integral::Compensated;

/// How far a field leaves the range of its reference, over the width of that range; both 0 for a method that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct GlobalExtrema {
    /// min(min Rψ − min ψ, 0) / (max ψ − min ψ).
    pub undershoot: f64,
    /// max(max Rψ − max ψ, 0) / (max ψ − min ψ).
    pub overshoot: f64,
}

impl GlobalExtrema {
    /// Of `result` against the range of `reference`; slices may differ in length. 0 for a constant reference.
    pub fn of(result: &[f64], reference: &[f64]) -> Self {
        let range = |values: &[f64]| values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |r, &v| (r.0.min(v), r.1.max(v)));
        let ((least, greatest), (low, high)) = (range(result), range(reference));
        let width = high - low;
        if width <= 0.0 || width.is_nan() {
            return Self { undershoot: 0.0, overshoot: 0.0 };
        }
        Self { undershoot: (least - low).min(0.0) / width, overshoot: (greatest - high).max(0.0) / width }
    }
}

/// How far each value leaves the range of the reference in its cell and the cells around it.
///
/// e_i = min(Rψ_i − min ψ, 0) and max(Rψ_i − max ψ, 0) over the one-ring of cell i; 0 for a locally bounded method.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct LocalExtrema {
    /// I\[|e|\] / I\[|ψ|\] of undershoots and of overshoots.
    pub l1: [f64; 2],
    /// √(I\[e²\] / I\[ψ²\]).
    pub l2: [f64; 2],
    /// max |e| / (max ψ − min ψ).
    pub linf: [f64; 2],
}

impl LocalExtrema {
    /// Of `result` against `reference`, both one value per cell of a grid with these neighbours and areas.
    pub fn of(result: &[f64], reference: &[f64], areas: &[f64], neighbours: &Neighbours) -> Self {
        let (mut first, mut second, mut most) = ([Compensated::default(); 2], [Compensated::default(); 2], [0.0f64; 2]);
        let (mut absolute, mut square) = (Compensated::default(), Compensated::default());
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for i in 0..reference.len() {
            let around = neighbours.of(i).iter().map(|&k| reference[k as usize]);
            let (low, high) = around.fold((reference[i], reference[i]), |r, v| (r.0.min(v), r.1.max(v)));
            for (k, e) in [(low - result[i]).max(0.0), (result[i] - high).max(0.0)].into_iter().enumerate() {
                first[k].add_product(areas[i], e);
                second[k].add_product(areas[i], e * e);
                most[k] = most[k].max(e);
            }
            absolute.add_product(areas[i], reference[i].abs());
            square.add_product(areas[i], reference[i] * reference[i]);
            range = (range.0.min(reference[i]), range.1.max(reference[i]));
        }
        let share = |part: f64, whole: f64| if part == 0.0 { 0.0 } else { part / whole };
        Self {
            l1: first.map(|s| share(s.value(), absolute.value())),
            l2: second.map(|s| share(s.value(), square.value()).sqrt()),
            linf: most.map(|m| share(m, range.1 - range.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_outside_its_neighbourhood_is_found_though_globally_inside() {
        // Four cells in a line: the second result lies above its neighbours, below the far maximum.
        let neighbours = Neighbours { starts: vec![0, 1, 3, 5, 6], cells: vec![1, 0, 2, 1, 3, 2] };
        let (reference, result) = ([1.0, 2.0, 2.0, 9.0], [1.0, 2.5, 2.0, 8.0]);
        let local = LocalExtrema::of(&result, &reference, &[1.0, 2.0, 1.0, 1.0], &neighbours);
        assert_eq!(local.linf, [0.0, 0.5 / 8.0]);
        assert_eq!(local.l1, [0.0, 2.0 * 0.5 / 16.0]);
        assert_eq!(GlobalExtrema::of(&result, &reference), GlobalExtrema { undershoot: 0.0, overshoot: 0.0 });
        assert_eq!(GlobalExtrema::of(&[0.0, 13.0], &reference), GlobalExtrema { undershoot: -0.125, overshoot: 0.5 });
    }
}
