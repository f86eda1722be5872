//! Stacks: what one method leaves open the next takes over, in weights and slab by slab.

mod support;

use knarr_grid::{Grid, Mask};
use knarr_kernels::sphere::distance;
use knarr_regrid::{Device, Levels, MissingPolicy, Options, Stack, StackRegridder, StackWeights, Weights};
use std::sync::Arc;
use support::lat_lon;

const SKIP: MissingPolicy = MissingPolicy::Skip { min_valid: 0.0 };
const OPEN: u8 = 255;

/// A part of the globe onto all of it, with cells that take no part.
fn pair() -> (Arc<Grid>, Arc<Grid>) {
    let region = support::region(0.0, 3.0, 30, (0..20).map(|j| -28.5 + 3.0 * f64::from(j)).collect(), 1.5, None);
    let region = region.masked_by(&Mask::from_active((0..600).map(|i| i % 7 != 3).collect()));
    let globe = lat_lon(72, 36, 0.0).masked_by(&Mask::from_active((0..72 * 36).map(|i| i % 11 != 5).collect()));
    (Arc::new(region), Arc::new(globe))
}

fn stacked(text: &str) -> StackRegridder {
    let (source, destination) = pair();
    let stack: Stack = text.parse().expect(text);
    let weights = StackWeights::build(&source, &destination, &stack).expect("cells and centers");
    StackRegridder { weights, missing: SKIP }
}

/// Results start as poison.
fn apply(regridder: &StackRegridder, source: &[f64], valid: Option<&[bool]>) -> (Vec<f64>, Vec<bool>, Levels) {
    let n = regridder.weights.joined().destination_len() * source.len() / regridder.weights.joined().source_len;
    let (mut values, mut flags) = (vec![f64::NAN; n], vec![false; n]);
    let levels = regridder.apply_into(source, valid, &mut values, &mut flags).expect("lengths fit");
    let (mut again, mut same) = (vec![f64::NAN; n], vec![true; n]);
    let prepared = regridder.prepare_on::<f64>(&Device::Cpu).expect("the processor");
    for _ in 0..2 {
        let once = prepared.apply_into(source, valid, &mut again, &mut same).expect("lengths fit");
        assert_eq!((&again, &same, &once), (&values, &flags, &levels), "prepared, and from what it kept");
    }
    (values, flags, levels)
}

#[test]
fn each_cell_has_the_row_of_the_first_layer_that_reaches_it() {
    let (source, destination) = pair();
    let stack = stacked("conservative,nearest:1000km,fixed:-7");
    let joined = stack.weights.joined();
    let layer = |text: &str| {
        let single: Stack = text.parse().expect(text);
        Weights::build(&source, &destination, single.single().expect("one")).expect("cells")
    };
    let (first, second) = (layer("conservative"), layer("nearest:1000km"));
    let mut counts = [0; 3];
    for i in (0..destination.len()).filter(|&i| destination.mask.is_active(i)) {
        if first.is_mapped(i) {
            assert_eq!(joined.row(i), first.row(i));
            counts[0] += 1;
        } else if second.is_mapped(i) {
            assert_eq!(joined.row(i), second.row(i));
            let center = source.center(joined.row(i).0[0] as usize).unit();
            assert!(distance(center, destination.center(i).unit()) * 6371.0088 <= 1000.0);
            counts[1] += 1;
        } else {
            assert!(!joined.is_mapped(i));
            counts[2] += 1;
        }
    }
    assert_eq!(stack.weights.counts(), counts);
    assert!(counts.iter().all(|&n| n > 50), "{counts:?}");
    assert_eq!((stack.weights.open_count(), joined.origin.fixed_value), (0, Some(-7.0)));
    assert_eq!(joined.origin.method, "conservative,nearest:1000km,fixed:-7");
    // The integral is that of the first layer alone.
    assert!(joined.fractions.is_some());
    assert_eq!(joined.fractions, first.fractions);
    let values: Vec<f64> = (0..source.len()).map(|j| (j as f64 * 0.31).sin()).collect();
    let (result, flags, levels) = apply(&stack, &values, None);
    assert_eq!((levels.counts, levels.missing), (counts.map(|n| n as u64).to_vec(), 0));
    for i in 0..destination.len() {
        assert_eq!(flags[i], destination.mask.is_active(i));
        if flags[i] && !joined.is_mapped(i) {
            assert_eq!(result[i], -7.0);
        }
    }
}

/// Missing values by slab, against a search over all valid centers.
#[test]
fn missing_values_fall_to_the_next_layer_slab_by_slab() {
    let (source, destination) = pair();
    let stack = stacked("conservative,nearest:700km,fixed:99");
    let n = source.len();
    let values: Vec<f64> = (0..3 * n).map(|j| (j as f64 * 0.17).cos()).collect();
    // All there; a block missing; the same block missing, with other values.
    let valid: Vec<bool> = (0..3 * n).map(|k| k < n || !(200..460).contains(&(k % n))).collect();
    let (result, flags, levels) = apply(&stack, &values, Some(&valid));
    let first =
        Weights::build(&source, &destination, &"conservative".parse::<Stack>().unwrap().single().copied().unwrap()).unwrap();
    let mut met = [0u64; 3];
    for slab in 0..3 {
        let of = |j: usize| (values[slab * n + j], valid[slab * n + j]);
        let level = |i: usize| levels.of_slabs[slab].as_ref().map_or(0, |l| l[i]);
        for i in (0..destination.len()).filter(|&i| destination.mask.is_active(i)) {
            let k = slab * destination.len() + i;
            assert!(flags[k]);
            let (columns, weights) = first.row(i);
            let links = columns.iter().zip(weights).filter(|(c, _)| of(**c as usize).1);
            let (sum, share) = links.fold((0.0, 0.0), |(s, t), (c, w)| (s + w * of(*c as usize).0, t + w));
            let p = destination.center(i).unit();
            let nearest = (0..n)
                .filter(|&j| source.mask.is_active(j) && of(j).1)
                .map(|j| (distance(source.center(j).unit(), p), j))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .expect("some are valid");
            let (expected, by) = match share > 0.0 {
                true => (sum / share, 0),
                false if nearest.0 * 6371.0088 <= 700.0 => (of(nearest.1).0, 1),
                false => (99.0, 2),
            };
            met[by] += 1;
            assert_eq!(usize::from(level(i)), by, "slab {slab} cell {i}");
            // Of two centers equally far either may be the one.
            let ties = by == 1 && (result[k] - expected).abs() > 1e-12;
            if ties {
                let same = |j: usize| (distance(source.center(j).unit(), p) - nearest.0).abs() < 1e-13 && of(j).0 == result[k];
                assert!((0..n).any(same), "slab {slab} cell {i}: {} {expected}", result[k]);
            } else {
                assert!((result[k] - expected).abs() < 1e-12, "slab {slab} cell {i}: {} {expected}", result[k]);
            }
        }
    }
    assert_eq!(levels.counts, met);
    assert!(met.iter().all(|&m| m > 100), "{met:?}");
}

#[test]
fn whole_weights_and_creep_serve_as_later_layers() {
    let (source, destination) = pair();
    let n = source.len();
    let constant = vec![4.25; n];
    let valid: Vec<bool> = (0..n).map(|j| !(150..500).contains(&j)).collect();
    for text in ["nearest:200km,bilinear,creep", "conservative2,bilinear,creep:2,distance:6", "bilinear,largest-fraction,creep:1"]
    {
        let stack = stacked(text);
        let alone = stacked(text.split(',').next().expect("a layer"));
        for valid in [None, Some(&valid[..])] {
            let (result, flags, levels) = apply(&stack, &constant, valid);
            let (_, before, _) = apply(&alone, &constant, valid);
            let count = |flags: &[bool]| flags.iter().filter(|&&f| f).count();
            assert!(count(&flags) > count(&before), "{text}");
            for i in 0..destination.len() {
                assert!(!flags[i] || destination.mask.is_active(i), "{text}");
                assert!(!flags[i] || (result[i] - 4.25).abs() < 1e-12, "{text}: cell {i} {}", result[i]);
                assert!(flags[i] || !before[i], "{text}: nothing gets lost");
            }
            assert_eq!(levels.counts.iter().sum::<u64>() as usize, count(&flags), "{text}");
            assert_eq!(levels.counts[0] as usize, count(&before), "{text}: the first layer is as it is alone");
        }
    }
}

#[test]
fn creep_of_values_is_creep_of_weights() {
    let (source, destination) = pair();
    let n = source.len();
    let values: Vec<f64> = (0..n).map(|j| (j as f64 * 0.7).sin()).collect();
    let by_weights = apply(&stacked("nearest:400km,creep:3"), &values, None);
    // With one value missing that no row uses, the same values creep slab by slab.
    let creep = stacked("nearest:400km,creep:3");
    let masked = (0..n).find(|&j| !source.mask.is_active(j)).expect("one is masked");
    let valid: Vec<bool> = (0..n).map(|j| j != masked).collect();
    let by_values = apply(&creep, &values, Some(&valid));
    assert_eq!(by_weights.1, by_values.1);
    assert_eq!(by_weights.2.counts, by_values.2.counts);
    assert!(by_weights.2.counts[1] > 50 && by_weights.2.missing > 50);
    for i in 0..destination.len() {
        assert!((by_weights.0[i] - by_values.0[i]).abs() < 1e-12);
    }
}

#[test]
fn open_cells_stay_missing_without_a_fixed_value() {
    let stack = stacked("bilinear,nearest:500km");
    let (values, flags, levels) = apply(&stack, &vec![1.0; 600], None);
    assert_eq!(levels.missing as usize, stack.weights.open_count());
    assert!(levels.missing > 100);
    let of_slab = levels.of_slabs[0].as_ref().expect("the second layer made some");
    for i in 0..values.len() {
        assert_eq!(flags[i], of_slab[i] != OPEN);
        assert_eq!(values[i], if flags[i] { 1.0 } else { 0.0 });
    }
}

#[test]
fn weights_of_other_grids_are_refused() {
    let (source, destination) = pair();
    let stack: Stack = "conservative,bilinear".parse().expect("valid");
    let make = |options: &Options| Weights::build(&source, &source, options).expect("cells");
    let whole: Vec<Weights> = stack.whole_weights().map(make).collect();
    assert!(StackWeights::join(&source, &destination, &stack, whole).is_err());
    assert!(StackWeights::join(&source, &destination, &stack, Vec::new()).is_err());
}
