//! What missing source values do, by policy and normalization.

mod support;

use knarr_grid::{Grid, Mask};
use knarr_regrid::{Method, MissingPolicy, Normalization, Options, RegridError, Regridder, Weights};
use support::lat_lon;

/// Destination cells over 2 x 2 source cells each.
fn coarsen(normalization: Normalization) -> (Grid, Grid, Weights) {
    let (source, destination) = (lat_lon(8, 4, 0.0), lat_lon(4, 2, 0.0));
    let options = Options { normalization, ..Options::new(Method::Conservative) };
    let weights = Weights::build(&source, &destination, &options).expect("both have cells");
    (source, destination, weights)
}

fn value(weights: &Weights, missing: MissingPolicy, valid: &[bool]) -> Option<f64> {
    let regridder = Regridder { weights: weights.clone(), missing };
    let (values, flags) = regridder.apply(&vec![8.0; valid.len()], Some(valid)).expect("one value per cell");
    flags[0].then_some(values[0])
}

#[test]
fn policies_and_normalizations() {
    let skip = |min_valid| MissingPolicy::Skip { min_valid };
    // The first destination cell lies over source cells 0, 1 (row 0, by the pole) and 8, 9 (row 1).
    let without = |cells: &[usize]| (0..32).map(|c| !cells.contains(&c)).collect::<Vec<bool>>();
    let (_, _, mean) = coarsen(Normalization::FractionArea);
    assert_eq!(value(&mean, skip(0.0), &without(&[0])), Some(8.0));
    assert_eq!(value(&mean, skip(0.5), &without(&[1, 9])), Some(8.0), "exactly half is enough");
    assert_eq!(value(&mean, skip(0.51), &without(&[1, 9])), None);
    assert_eq!(value(&mean, skip(0.0), &without(&[0, 1, 8, 9])), None);
    assert_eq!(value(&mean, MissingPolicy::Propagate, &without(&[0])), None);
    assert_eq!(value(&mean, MissingPolicy::Propagate, &without(&[2])), Some(8.0));
    let (_, _, flux) = coarsen(Normalization::DestinationArea);
    let half = value(&flux, skip(0.0), &without(&[1, 9])).expect("half of the cell is valid");
    assert!((half - 4.0).abs() < 1e-14, "what is missing contributes nothing: {half}");
    assert_eq!(value(&flux, skip(0.6), &without(&[1, 9])), None);
}

#[test]
fn unmapped_cells_are_missing_and_never_zero_data() {
    let source = lat_lon(8, 4, 0.0).masked_by(&Mask::from_active((0..32).map(|c| c >= 16).collect()));
    let destination = lat_lon(4, 2, 0.0);
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("both have cells");
    assert_eq!(weights.unmapped_count(), 4);
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let (values, valid) = regridder.apply(&[5.0; 64], None).expect("two slabs");
    let slab = [false, false, false, false, true, true, true, true];
    assert_eq!(valid, [slab, slab].concat());
    assert!(values.iter().zip(&valid).all(|(&v, &ok)| v == if ok { 5.0 } else { 0.0 }));
}

#[test]
fn single_precision_and_wrong_lengths() {
    let (_, _, weights) = coarsen(Normalization::FractionArea);
    let regridder = Regridder { weights, missing: MissingPolicy::Propagate };
    let (mut values, mut valid) = (vec![-1f32; 8], vec![false; 8]);
    regridder.apply_into(&[273.15f32; 32], None, &mut values, &mut valid).expect("one slab");
    assert!(valid.iter().all(|&ok| ok) && values.iter().all(|&v| v == 273.15));
    let wrong = |what, found, expected| Err(RegridError::WrongLength { what, found, expected });
    assert_eq!(regridder.apply(&[1.0; 33], None), wrong("the source field", 33, 32));
    assert_eq!(regridder.apply(&[1.0; 32], Some(&[true; 31])), wrong("the validity", 31, 32));
    let short = regridder.apply_into(&[1f32; 32], None, &mut values[..7], &mut valid);
    assert_eq!(short, Err(RegridError::WrongLength { what: "the destination field", found: 7, expected: 8 }));
}
