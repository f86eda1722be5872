//! One value for a cell that several surfaces share, weighted by their fractions.

use rayon::prelude::*;

/// How far the fractions of a cell may be from 1 in sum.
pub const FRACTION_TOLERANCE: f64 = 1e-12;

/// Why fractions cannot weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FractionError {
    /// A fraction is negative or not a number.
    Range {
        /// Cell.
        cell: usize,
        /// Which surface.
        tile: usize,
        /// Its fraction.
        found: f64,
    },
    /// The fractions of a cell do not sum to 1.
    Sum {
        /// Cell.
        cell: usize,
        /// Their sum.
        found: f64,
    },
}

impl std::fmt::Display for FractionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FractionError::Range { cell, tile, found } => {
                write!(f, "surface {tile} has the fraction {found} in cell {cell}, expected 0 to 1")
            }
            FractionError::Sum { cell, found } => {
                write!(f, "surface fractions of cell {cell} sum to {found}, expected 1 within {FRACTION_TOLERANCE:e}")
            }
        }
    }
}

impl std::error::Error for FractionError {}

/// Whether the fractions of every active cell sum to 1 within [`FRACTION_TOLERANCE`], none of them negative.
///
/// # Errors
/// The first cell, by number, that does not.
///
/// # Panics
/// If slices differ in length.
pub fn check_fractions(fractions: &[&[f64]], active: Option<&[bool]>) -> Result<(), FractionError> {
    let cells = fractions.first().map_or(0, |tile| tile.len());
    assert!(fractions.iter().all(|tile| tile.len() == cells), "one fraction per cell and surface");
    for cell in 0..cells {
        if active.is_some_and(|active| !active[cell]) {
            continue;
        }
        let mut sum = 0.0;
        for (tile, fraction) in fractions.iter().enumerate() {
            let found = fraction[cell];
            if !(0.0..=1.0).contains(&found) {
                return Err(FractionError::Range { cell, tile, found });
            }
            sum += found;
        }
        if (sum - 1.0).abs() > FRACTION_TOLERANCE {
            return Err(FractionError::Sum { cell, found: sum });
        }
    }
    Ok(())
}

/// Σ f_t v_t over the surfaces t of each cell, in their order; in the units of the values.
///
/// `values` and `valid` have one slice per surface, as `fractions`. A surface of fraction 0 does not count, whatever its
/// value; a cell is missing where a surface with a share of it is.
///
/// ```
/// use knarr_kernels::merge_tiles::merge;
/// // Half ice at -30 W/m², half water at 20 W/m²; a second cell of water alone.
/// let fractions: [&[f64]; 2] = [&[0.5, 0.0], &[0.5, 1.0]];
/// let values: [&[f64]; 2] = [&[-30.0, f64::NAN], &[20.0, 25.0]];
/// assert_eq!(merge(&fractions, &values, &[None, None]), (vec![-5.0, 25.0], vec![true, true]));
/// ```
///
/// # Panics
/// If slices differ in length, or surfaces in number.
pub fn merge(fractions: &[&[f64]], values: &[&[f64]], valid: &[Option<&[bool]>]) -> (Vec<f64>, Vec<bool>) {
    let cells = fractions.first().map_or(0, |tile| tile.len());
    assert!(values.len() == fractions.len() && valid.len() == fractions.len(), "one value and mask per surface");
    assert!(fractions.iter().chain(values).all(|tile| tile.len() == cells), "one value per cell and surface");
    (0..cells)
        .into_par_iter()
        .map(|cell| {
            let mut sum = 0.0;
            for tile in 0..fractions.len() {
                let fraction = fractions[tile][cell];
                if fraction == 0.0 {
                    continue;
                }
                if valid[tile].is_some_and(|valid| !valid[cell]) {
                    return (0.0, false);
                }
                sum += fraction * values[tile][cell];
            }
            (sum, true)
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of CMEPS: without fractions the merge is −1.5, with them −1.625.
    #[test]
    fn a_merge_is_weighted() {
        let fractions: [&[f64]; 2] = [&[0.25], &[0.75]];
        let values: [&[f64]; 2] = [&[-1.0], &[-2.0]];
        assert_eq!(merge(&fractions, &values, &[None, None]).0, [-1.75]);
        let third: [&[f64]; 3] = [&[0.25], &[0.25], &[0.5]];
        let values: [&[f64]; 3] = [&[-1.0], &[-1.5], &[-2.0]];
        assert_eq!(merge(&third, &values, &[None, None, None]).0, [-1.625]);
    }

    #[test]
    fn fractions_that_do_not_sum_to_one_are_named() {
        let (a, b) = ([0.5, 0.25, 0.3], [0.5, 0.75, 0.69]);
        let found = check_fractions(&[&a, &b], None);
        assert_eq!(found, Err(FractionError::Sum { cell: 2, found: 0.99 }));
        assert_eq!(check_fractions(&[&a, &b], Some(&[true, true, false])), Ok(()));
        let message = FractionError::Sum { cell: 2, found: 0.99 }.to_string();
        assert_eq!(message, "surface fractions of cell 2 sum to 0.99, expected 1 within 1e-12");
        let found = check_fractions(&[&[1.5], &[-0.5]], None);
        assert_eq!(found, Err(FractionError::Range { cell: 0, tile: 0, found: 1.5 }));
        // A rounding is no error.
        assert_eq!(check_fractions(&[&[0.1], &[0.2], &[0.7]], None), Ok(()));
    }

    #[test]
    fn a_missing_surface_with_a_share_makes_the_cell_missing() {
        let fractions: [&[f64]; 2] = [&[0.5, 0.0], &[0.5, 1.0]];
        let values: [&[f64]; 2] = [&[1.0, 1.0], &[3.0, 3.0]];
        let masked: &[bool] = &[false, false];
        assert_eq!(merge(&fractions, &values, &[Some(masked), None]), (vec![0.0, 3.0], vec![false, true]));
    }
}
