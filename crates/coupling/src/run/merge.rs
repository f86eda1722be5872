//! Fields that several exchanges feed, each for its share of a cell.

use crate::Values;
use crate::plan::shares::TOLERANCE;

/// Σ share · value of each cell; shares add up to 1 where the cell takes part.
///
/// A value counts as missing only where its share is not 0.
///
/// # Errors
/// The first cell whose shares do not add up to 1, and what they add up to.
pub(crate) fn merge(parts: &[(&Values, &Values)], is_active: impl Fn(usize) -> bool) -> Result<Values, (usize, f64)> {
    let n = parts.first().map_or(0, |(values, _)| values.len());
    let (mut values, mut valid) = (vec![0.0; n], vec![true; n]);
    for cell in (0..n).filter(|&cell| is_active(cell)) {
        let (mut sum, mut total) = (0.0, 0.0);
        for (part, shares) in parts {
            let share = shares.get(cell).unwrap_or(0.0);
            total += share;
            if share != 0.0 {
                match part.get(cell) {
                    Some(value) => sum += share * value,
                    None => valid[cell] = false,
                }
            }
        }
        if (total - 1.0).abs() > TOLERANCE {
            return Err((cell, total));
        }
        values[cell] = sum / total;
    }
    Ok(Values { values, valid: valid.contains(&false).then_some(valid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fluxes_merge_by_fractions() {
        // The example of the CMEPS documentation: weighing by fraction makes -1.625 of -1 and -2 and not their mean.
        let (ocean, ice) =
            (Values::new(vec![-1.0, 5.0, 0.0]), Values { values: vec![-2.0, 0.0, 0.0], valid: Some(vec![true, false, true]) });
        let (open, covered) = (Values::new(vec![0.375, 1.0, 0.5]), Values::new(vec![0.625, 0.0, 0.0]));
        let merged = merge(&[(&ocean, &open), (&ice, &covered)], |cell| cell < 2).expect("shares cover");
        assert_eq!((merged.values, merged.valid), (vec![-1.625, 5.0, 0.0], None));
        let gap = merge(&[(&ocean, &open), (&ice, &covered)], |_| true);
        assert_eq!(gap, Err((2, 0.5)));
    }
}
