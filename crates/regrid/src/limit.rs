//! Values kept in the range of the source values they are made of.

use crate::Value;
use knarr_kernels::global_integral::Compensated;
use knarr_kernels::sparse_apply::SparseRows;
use rayon::prelude::*;

/// Least and greatest valid source value of each row; from the last to the first where there is none.
pub(crate) fn ranges<V: Value>(rows: SparseRows<'_>, source: &[V], valid: Option<&[bool]>) -> Vec<[f64; 2]> {
    let range = |i: usize| {
        let columns = &rows.columns[rows.row_starts[i]..rows.row_starts[i + 1]];
        let known = columns.iter().map(|&c| c as usize).filter(|&j| valid.is_none_or(|v| v[j])).map(|j| source[j].to_f64());
        known.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)])
    };
    (0..rows.len()).into_par_iter().with_min_len(1024).map(range).collect()
}

/// Clips the values of `cells`; with `parts`, weights of the integral, what that takes is given back.
///
/// y_i = clip(x_i); D = Σ p_i·(x_i − y_i); y_i += D·room_i / Σ p·room, room_i the way to the end of the range that D leads to.
/// Were D more than there is room for, all cells would be filled; that is so of no method whose integral some values in
/// these ranges have.
pub(crate) fn clip(values: &mut [f64], cells: &[usize], ranges: &[[f64; 2]], parts: Option<&[f64]>) {
    let mut defect = Compensated::default();
    for &i in cells {
        let [low, high] = ranges[i];
        if low <= high {
            let clipped = values[i].clamp(low, high);
            defect.add(parts.map_or(0.0, |p| p[i] * (values[i] - clipped)));
            values[i] = clipped;
        }
    }
    let (Some(parts), defect) = (parts, defect.value()) else { return };
    if defect == 0.0 {
        return;
    }
    let room = |i: usize, value: f64| {
        let [low, high] = ranges[i];
        if low > high {
            0.0
        } else if defect > 0.0 {
            high - value
        } else {
            low - value
        }
    };
    let mut total = Compensated::default();
    cells.iter().for_each(|&i| total.add(parts[i] * room(i, values[i])));
    // Both have the sign of the defect.
    let factor = if total.value() == 0.0 { 0.0 } else { (defect / total.value()).min(1.0) };
    for &i in cells {
        let step = factor * room(i, values[i]);
        if step != 0.0 {
            values[i] = (values[i] + step).clamp(ranges[i][0], ranges[i][1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_clipped_is_given_back_within_the_ranges() {
        let ranges = [[0.0, 1.0], [0.0, 2.0], [1.0, 3.0], [f64::INFINITY, f64::NEG_INFINITY], [5.0, 5.0]];
        let parts = [1.0, 2.0, 0.5, 7.0, 1.0];
        let before = [1.5, 0.5, 0.9, 9.0, 5.0];
        let integral = |v: &[f64]| v.iter().zip(parts).map(|(v, p)| v * p).sum::<f64>();
        let mut values = before;
        clip(&mut values, &[0, 1, 2, 3, 4], &ranges, Some(&parts));
        assert!((integral(&values) - integral(&before)).abs() < 1e-14);
        for (k, value) in values.iter().enumerate().filter(|(k, _)| *k != 3) {
            assert!((ranges[k][0]..=ranges[k][1]).contains(value), "{values:?}");
        }
        assert_eq!((values[0], values[3], values[4]), (1.0, 9.0, 5.0));
        // Without an integral the values are clipped alone.
        let mut values = before;
        clip(&mut values, &[0, 1, 2, 3, 4], &ranges, None);
        assert_eq!(values, [1.0, 0.5, 1.0, 9.0, 5.0]);
        // More than there is room for fills all, not more.
        let mut values = [9.0, 9.0];
        clip(&mut values, &[0, 1], &ranges[..2], Some(&parts[..2]));
        assert_eq!(values, [1.0, 2.0]);
    }
}
