//! Nearest, distance and bilinear on every pair of grid kinds.

mod support;

use knarr_grid::{Grid, LonLat, Mask};
use knarr_kernels::sphere::{dot, sub};
use knarr_regrid::{Extrapolation, Method, MissingPolicy, Options, Regridder, Weights};
use support::{global_grids, lat_lon, regional_grids};

const METHODS: [Method; 3] = [Method::Nearest, Method::Distance { neighbours: 4 }, Method::Bilinear];

fn build(source: &Grid, destination: &Grid, method: Method) -> Weights {
    Weights::build(source, destination, &Options::new(method)).expect("the source has active cells")
}

/// Rows ascend, are positive, and sum to 1.
fn check_rows(weights: &Weights, source: &Grid, name: &str) {
    for i in 0..weights.destination_len() {
        let (columns, values) = weights.row(i);
        assert!(columns.windows(2).all(|w| w[0] < w[1]), "{name}: row {i} is not sorted");
        assert!(values.iter().all(|&w| w > 0.0 && w <= 1.0), "{name}: row {i} {values:?}");
        assert!(columns.iter().all(|&c| source.mask.is_active(c as usize)), "{name}: row {i} uses a masked cell");
        // Each of n weights is rounded when it is divided, and each addition here rounds once.
        let bound = 4e-16 * columns.len().max(1) as f64;
        assert!(columns.is_empty() || (values.iter().sum::<f64>() - 1.0).abs() <= bound, "{name}: sum of row {i}");
        assert_eq!(weights.destination_fraction(i), if columns.is_empty() { 0.0 } else { 1.0 });
    }
}

#[test]
fn every_pair_has_sound_rows_and_global_pairs_have_no_hole() {
    let (global, regional) = (global_grids(), regional_grids());
    let all: Vec<_> = global.iter().chain(&regional).collect();
    for (k, (from, source)) in all.iter().enumerate() {
        for (to, destination) in &all {
            for method in METHODS {
                let name = format!("{method} {from} -> {to}");
                let weights = build(source, destination, method);
                check_rows(&weights, source, &name);
                let is_covered = k < global.len() || method != Method::Bilinear;
                let holes = weights.unmapped_count();
                assert!(!is_covered || holes == 0, "{name}: {holes} of {} unmapped", destination.len());
            }
        }
    }
}

#[test]
fn one_thread_and_four_give_the_same_bits() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads start");
    let (one, four) = (pool(1), pool(4));
    let mut grids = global_grids();
    grids.extend(regional_grids());
    for (_, source) in &grids {
        let destination = lat_lon(90, 45, 1.0);
        for method in METHODS {
            let options = Options { extrapolation: Extrapolation::Creep, ..Options::new(method) };
            let make = || Weights::build(source, &destination, &options).expect("active cells");
            let (a, b) = (one.install(make), four.install(make));
            assert_eq!(a.columns, b.columns);
            assert!(a.values.iter().zip(&b.values).all(|(x, y)| x.to_bits() == y.to_bits()));
            assert_eq!(a, b);
        }
    }
}

#[test]
fn nearest_equals_brute_force_with_masks_on_both_sides() {
    for (name, mut source) in global_grids() {
        let mut destination = support::with_pole_rows(36, 18);
        source.mask = Mask::from_active((0..source.len()).map(|i| i % 3 != 1).collect());
        destination.mask = Mask::from_active((0..destination.len()).map(|i| i % 5 != 0).collect());
        let weights = build(&source, &destination, Method::Nearest);
        for i in 0..destination.len() {
            let p = destination.center(i).unit();
            let chord = |j: usize| {
                let d = sub(source.center(j).unit(), p);
                dot(d, d).sqrt()
            };
            let active = || (0..source.len()).filter(|&j| source.mask.is_active(j));
            let least = active().map(chord).fold(f64::INFINITY, f64::min);
            let expected = active().find(|&j| chord(j) <= least + 1e-14).expect("the least is one of them");
            let expected: &[u32] = if destination.mask.is_active(i) { &[expected as u32] } else { &[] };
            assert_eq!(weights.row(i).0, expected, "{name}: cell {i}");
        }
    }
}

#[test]
fn distance_weights_are_inverse_angles_and_a_hit_takes_all() {
    let source = lat_lon(36, 18, 0.0);
    let mut destination = lat_lon(36, 18, 0.0);
    let weights = build(&source, &destination, Method::Distance { neighbours: 4 });
    assert!((0..destination.len()).all(|i| weights.row(i) == (&[i as u32][..], &[1.0][..])));
    destination = support::grid(
        knarr_grid::Family::Points,
        vec![1],
        knarr_grid::Layout::Points { centers: vec![LonLat { lon_deg: 7.0, lat_deg: 5.0 }] },
    );
    let weights = build(&source, &destination, Method::Distance { neighbours: 2 });
    // Centers at 5° and 15° east on 5° north: 2° and 8° away along nearly a great circle.
    let (columns, values) = weights.row(0);
    assert_eq!(columns, [9 * 36, 9 * 36 + 1]);
    assert!((values[0] - 0.8).abs() < 1e-5 && (values[1] - 0.2).abs() < 1e-5, "{values:?}");
    let weights = build(&source, &destination, Method::Distance { neighbours: 5000 });
    assert_eq!(weights.len(), source.len(), "fewer centers than asked for are fine");
}

/// Bilinear interpolation between centers keeps a field that is linear in space (x, y, z) up to the
/// curvature of the sphere within a patch.
#[test]
fn bilinear_keeps_smooth_fields_to_second_order() {
    let field = |p: [f64; 3]| 1.0 + 0.4 * p[0] - 0.3 * p[1] + 0.8 * p[2];
    for (name, source) in global_grids() {
        let values: Vec<f64> = (0..source.len()).map(|i| field(source.center(i).unit())).collect();
        let spacing = (4.0 * std::f64::consts::PI / source.len() as f64).sqrt();
        for (_, destination) in global_grids() {
            let weights = build(&source, &destination, Method::Bilinear);
            let regridder = Regridder { weights, missing: MissingPolicy::Propagate };
            let (out, valid) = regridder.apply(&values, None).expect("one value per cell");
            assert!(valid.iter().all(|&ok| ok));
            for (i, value) in out.iter().enumerate() {
                let error = (value - field(destination.center(i).unit())).abs();
                // |gradient| ≤ 1, second derivative ≤ 1; grids are up to twice as wide as long.
                assert!(error < spacing * spacing, "{name}: cell {i} is off by {error}, spacing {spacing}");
            }
        }
    }
}

#[test]
fn a_grid_onto_itself_is_the_identity() {
    let mut grids = global_grids();
    grids.extend(regional_grids());
    for (name, grid) in grids {
        let values: Vec<f64> = (0..grid.len()).map(|i| (i as f64 * 0.7).sin()).collect();
        for method in METHODS {
            // A pole row is one point many times: its cells are interchangeable for point methods.
            if name.contains("pole rows") {
                continue;
            }
            let regridder = Regridder { weights: build(&grid, &grid, method), missing: MissingPolicy::Propagate };
            let (out, valid) = regridder.apply(&values, None).expect("one value per cell");
            for i in 0..grid.len() {
                // Centers are rounded to 1e-15 of a radian when written in degrees, cells are 0.02 wide at least.
                assert!(valid[i] && (out[i] - values[i]).abs() < 1e-11, "{method} {name}: cell {i}");
            }
        }
    }
}

#[test]
fn regional_sources_reach_their_hull_and_no_further() {
    let destination = lat_lon(360, 180, 0.0);
    for (name, source) in regional_grids() {
        let weights = build(&source, &destination, Method::Bilinear);
        let reach = (0..destination.len()).filter(|&i| weights.is_mapped(i)).map(|i| {
            let p = destination.center(i).unit();
            (0..source.len()).map(|j| knarr_kernels::sphere::distance(p, source.center(j).unit())).fold(9.0, f64::min)
        });
        let furthest = reach.fold(0.0, f64::max).to_degrees();
        let mapped = destination.len() - weights.unmapped_count();
        assert!(mapped > 100 && mapped < destination.len() / 2, "{name}: {mapped}");
        assert!(furthest < 12.0, "{name}: {furthest}");
    }
}

#[test]
fn extrapolation_fills_every_active_cell_and_changes_no_other() {
    let destination = lat_lon(72, 36, 0.0).masked_by(&Mask::from_active((0..72 * 36).map(|i| i % 72 != 40).collect()));
    for (name, source) in regional_grids() {
        let plain = build(&source, &destination, Method::Bilinear);
        for extrapolation in [Extrapolation::Nearest, Extrapolation::Distance, Extrapolation::Creep] {
            let options = Options { extrapolation, ..Options::new(Method::Bilinear) };
            let filled = Weights::build(&source, &destination, &options).expect("active cells");
            check_rows(&filled, &source, name);
            for i in 0..destination.len() {
                assert_eq!(filled.is_mapped(i), destination.mask.is_active(i), "{name} {extrapolation:?}: cell {i}");
                if plain.is_mapped(i) {
                    assert_eq!(plain.row(i), filled.row(i));
                }
            }
            assert_ne!(plain.origin.options_hash, filled.origin.options_hash);
        }
    }
}

#[test]
fn creep_is_the_mean_of_mapped_neighbours() {
    // One row of cells; the source knows the second only.
    let mut destination = support::region(0.0, 1.0, 4, vec![0.0], 0.5, None);
    let mut source = destination.clone();
    source.mask = Mask::from_active(vec![false, true, false, true]);
    destination.mask = Mask::from_active(vec![true, true, true, true]);
    let options = Options { extrapolation: Extrapolation::Creep, ..Options::new(Method::Bilinear) };
    let weights = Weights::build(&source, &destination, &options).expect("active cells");
    assert_eq!(weights.row(0), (&[1][..], &[1.0][..]));
    assert_eq!(weights.row(2), (&[1, 3][..], &[0.5, 0.5][..]));
    assert_eq!(weights.row(3), (&[3][..], &[1.0][..]));
}

/// Tripolar grids repeat their first and last columns, and the folded row, as masked cells.
#[test]
fn masked_halo_copies_stand_for_their_originals() {
    let (nx, ny) = (40, 24);
    let plain = support::folded(nx, ny);
    // The original of each cell of a grid with one more column on both sides and one more row across the fold.
    let original: Vec<usize> = (0..(ny + 1) * (nx + 2))
        .map(|cell| {
            let (j, i) = (cell / (nx + 2), (cell % (nx + 2) + nx - 1) % nx);
            if j == 0 { nx - 1 - i } else { (j - 1) * nx + i }
        })
        .collect();
    let cells: Vec<_> = original.iter().map(|&c| plain.corners(c)).collect();
    let centers = original.iter().map(|&c| plain.center(c).unit()).collect();
    let shape = vec![ny + 1, nx + 2];
    let is_original = |cell: usize| cell >= nx + 2 && (1..=nx).contains(&(cell % (nx + 2)));
    let halo = support::mesh(knarr_grid::Family::Curvilinear, shape, centers, &cells)
        .masked_by(&Mask::from_active((0..original.len()).map(is_original).collect()));
    let destination = lat_lon(90, 45, 0.0);
    let (a, b) = (build(&plain, &destination, Method::Bilinear), build(&halo, &destination, Method::Bilinear));
    let value = |cell: usize| (cell as f64 * 0.37).sin();
    for i in 0..destination.len() {
        let sum = |weights: &Weights, original: &dyn Fn(usize) -> usize| -> f64 {
            let (columns, values) = weights.row(i);
            assert!(!columns.is_empty(), "cell {i}");
            columns.iter().zip(values).map(|(&c, w)| w * value(original(c as usize))).sum()
        };
        let (x, y) = (sum(&a, &|c| c), sum(&b, &|c| original[c]));
        // On an edge either of two patches may answer: the same to their tolerance of 1e-13 over a cell of 0.02.
        assert!((x - y).abs() < 1e-10, "cell {i} at {:?}: {x} {y}", destination.center(i));
    }
}
