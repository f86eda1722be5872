//! Statistics of overlapping cells, and values kept in range.

mod support;

use knarr_grid::{Grid, Mask};
use knarr_regrid::{Device, Finish, MissingPolicy, RegridError, Stack, StackRegridder, StackWeights};
use std::sync::Arc;
use support::lat_lon;

const SKIP: MissingPolicy = MissingPolicy::Skip { min_valid: 0.0 };

fn regridder(source: &Arc<Grid>, destination: &Arc<Grid>, methods: &str, finish: &str) -> StackRegridder {
    let stack: Stack = methods.parse().expect(methods);
    let weights = StackWeights::build(source, destination, &stack).expect("cells");
    let weights = weights.finished(finish.parse().expect(finish)).expect("it fits the method");
    StackRegridder { weights, missing: SKIP }
}

/// Results start as poison.
fn apply(regridder: &StackRegridder, source: &[f64], valid: Option<&[bool]>) -> (Vec<f64>, Vec<bool>) {
    let n = regridder.weights.joined().destination_len();
    let (mut values, mut flags) = (vec![f64::NAN; n], vec![false; n]);
    regridder.apply_into(source, valid, &mut values, &mut flags).expect("lengths fit");
    let (mut again, mut same) = (vec![f64::NAN; n], vec![true; n]);
    let prepared = regridder.prepare_on::<f64>(&Device::Cpu).expect("the processor");
    prepared.apply_into(source, valid, &mut again, &mut same).expect("lengths fit");
    assert_eq!((&again, &same), (&values, &flags));
    (values, flags)
}

/// Area that two cells of lat-lon grids share, from their corners' longitudes and latitudes.
fn shared(a: &Grid, i: usize, b: &Grid, j: usize) -> f64 {
    let bounds = |grid: &Grid, cell: usize| {
        let knarr_grid::Layout::Rows(rows) = &grid.layout else { unreachable!("lat-lon grids have rows") };
        rows.frame_bounds_deg(cell)
    };
    let (([w, e], [s, n]), ([west, east], [south, north])) = (bounds(a, i), bounds(b, j));
    let height = n.min(north).to_radians().sin() - s.max(south).to_radians().sin();
    let width: f64 =
        [-720.0, -360.0, 0.0, 360.0, 720.0].iter().map(|turn| (e.min(east + turn) - w.max(west + turn)).max(0.0)).sum();
    height.max(0.0) * width.to_radians()
}

#[test]
fn statistics_equal_brute_force_over_overlaps_by_formula() {
    let source = Arc::new(lat_lon(36, 18, 0.0).masked_by(&Mask::from_active((0..648).map(|i| i % 13 != 4).collect())));
    let destination = Arc::new(lat_lon(10, 7, 3.0));
    // Few classes, so that modes have company; a fifth missing.
    let values: Vec<f64> = (0..648).map(|j| f64::from((j * 7919 % 11) as u32) - 3.0).collect();
    let valid: Vec<bool> = (0..648).map(|j| j * 31 % 5 != 0).collect();
    for name in ["min", "max", "mode", "median", "p10", "p90", "stddev", "count", "mean"] {
        for valid in [None, Some(&valid[..])] {
            let (found, flags) = apply(&regridder(&source, &destination, "conservative", name), &values, valid);
            for i in 0..destination.len() {
                let takes_part = |j: &usize| source.mask.is_active(*j) && valid.is_none_or(|v| v[*j]);
                let mut parts: Vec<(f64, f64)> =
                    (0..648).filter(takes_part).map(|j| (values[j], shared(&source, j, &destination, i))).collect();
                parts.retain(|p| p.1 > 1e-12);
                parts.sort_by(|a, b| a.0.total_cmp(&b.0));
                let total: f64 = parts.iter().map(|p| p.1).sum();
                let mean = parts.iter().map(|p| p.0 * p.1).sum::<f64>() / total;
                let quantile = |share: f64| {
                    let mut reached = 0.0;
                    let at = parts.iter().find(|p| {
                        reached += p.1;
                        reached >= share * total - 1e-9 * total
                    });
                    at.expect("all of it is reached").0
                };
                let expected = match name {
                    "min" => parts[0].0,
                    "max" => parts[parts.len() - 1].0,
                    "median" => quantile(0.5),
                    "p10" => quantile(0.1),
                    "p90" => quantile(0.9),
                    "count" => parts.len() as f64,
                    "stddev" => (parts.iter().map(|p| p.1 * (p.0 - mean).powi(2)).sum::<f64>() / total).sqrt(),
                    "mean" => mean,
                    _ => {
                        let share = |v: f64| parts.iter().filter(|p| p.0 == v).map(|p| p.1).sum::<f64>();
                        let most = parts.iter().map(|p| share(p.0)).fold(0.0, f64::max);
                        parts.iter().find(|p| share(p.0) > most * (1.0 - 1e-9)).expect("one has most").0
                    }
                };
                assert!(flags[i] && (found[i] - expected).abs() < 1e-12, "{name} cell {i}: {} {expected}", found[i]);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (a, b) = (Arc::new(lat_lon(12, 6, 0.0)), Arc::new(lat_lon(10, 5, 0.0)));
    let refused = |methods: &str, finish: &str| {
        let stack: Stack = methods.parse().expect(methods);
        let weights = StackWeights::build(&a, &b, &stack).expect("cells");
        matches!(weights.finished(finish.parse().expect(finish)), Err(RegridError::Finish { .. }))
    };
    for (methods, finish, is_refused) in [
        ("bilinear", "median", true),
        ("conservative2", "max", true),
        ("conservative,nearest", "max", false),
        ("spread", "caas", true),
        ("patch", "caas", false),
        ("bicubic", "monotone", false),
    ] {
        assert_eq!(refused(methods, finish), is_refused, "{methods} {finish}");
    }
    for text in ["medean", "p101", "p", "", "pp5"] {
        assert!(text.parse::<Finish>().is_err(), "{text}");
    }
    for text in ["mean", "min", "max", "mode", "median", "p2.5", "p99", "stddev", "count", "monotone", "caas"] {
        assert_eq!(text.parse::<Finish>().expect(text).to_string(), text);
    }
}

/// A field with edges: a cap, a stripe and a checkered corner.
fn edges(grid: &Grid) -> Vec<f64> {
    (0..grid.len())
        .map(|c| {
            let p = grid.center(c);
            let stripe = (p.lon_deg.rem_euclid(360.0) - 180.0).abs() < 15.0;
            let checkered = p.lat_deg < -30.0 && c % 2 == 0;
            f64::from(u8::from(p.lat_deg > 50.0)) + 2.0 * f64::from(u8::from(stripe)) - f64::from(u8::from(checkered))
        })
        .collect()
}

fn integral(grid: &Grid, values: &[f64], of: impl Fn(usize) -> bool) -> f64 {
    (0..grid.len()).filter(|&c| of(c)).map(|c| grid.area(c) * values[c]).sum()
}

fn pairs() -> [(&'static str, Arc<Grid>, Arc<Grid>); 4] {
    let grid = |text: &str| Arc::new(Grid::from_spec(text).expect("a valid grid"));
    [
        ("coarse", grid("r72x36"), grid("H8n")),
        ("fine", grid("r36x18"), grid("CS20")),
        ("sphere", grid("CS12"), grid("r60x30")),
        ("triangles", grid("ICO8"), grid("r40x20")),
    ]
}

#[test]
fn limited_second_order_makes_no_new_extremes_and_keeps_the_integral() {
    for (name, source, destination) in pairs() {
        let values = edges(&source);
        let total = integral(&source, &values, |_| true);
        let neighbours = source.neighbours();
        let overlaps = regridder(&source, &destination, "conservative", "mean");
        let plain = apply(&regridder(&source, &destination, "conservative2", "mean"), &values, None).0;
        let range = |v: &[f64]| v.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], &x| [l.min(x), h.max(x)]);
        let ([low, high], [least, greatest]) = (range(&values), range(&plain));
        // Means over many cells stay between them.
        let overshoots = least < low - 1e-3 || greatest > high + 1e-3;
        assert!(overshoots || name == "coarse", "{name}: without a limit there are new extremes");
        for limit in ["monotone", "caas"] {
            let limited = regridder(&source, &destination, "conservative2", limit);
            let (found, flags) = apply(&limited, &values, None);
            assert!(flags.iter().all(|&f| f));
            let kept = integral(&destination, &found, |_| true);
            let size = integral(&source, &values.iter().map(|v| v.abs()).collect::<Vec<_>>(), |_| true);
            assert!((kept - total).abs() < 1e-13 * size, "{name} {limit}: {kept} {total}");
            for i in 0..destination.len() {
                // The cells that overlap, and for the rest of the stencil those around them.
                let (columns, _) = overlaps.weights.joined().row(i);
                let around =
                    columns.iter().flat_map(|&c| neighbours.of(c as usize).iter().chain([c].iter()).copied().collect::<Vec<_>>());
                let local = range(&around.map(|c| values[c as usize]).collect::<Vec<_>>());
                assert!((local[0]..=local[1]).contains(&found[i]), "{name} {limit}: cell {i} {} {local:?}", found[i]);
            }
        }
    }
}

/// A limit costs nothing where a field has no extremes: linear functions are as good as without.
#[test]
fn limits_leave_smooth_slopes_alone() {
    let grid = |text: &str| Arc::new(Grid::from_spec(text).expect("a valid grid"));
    let (source, destination) = (grid("CS16"), grid("r48x24"));
    let values: Vec<f64> = (0..source.len()).map(|c| source.center(c).unit()[0] + 2.0 * source.center(c).unit()[2]).collect();
    let plain = apply(&regridder(&source, &destination, "conservative2", "mean"), &values, None).0;
    for limit in ["monotone", "caas"] {
        let limited = apply(&regridder(&source, &destination, "conservative2", limit), &values, None).0;
        let changed = plain.iter().zip(&limited).filter(|(a, b)| (**a - **b).abs() > 1e-9).count();
        assert!(changed < destination.len() / 20, "{limit}: {changed} of {}", destination.len());
    }
}

#[test]
fn every_method_is_kept_in_range() {
    for (name, source, destination) in pairs() {
        let values = edges(&source);
        for method in ["patch", "bicubic", "radial", "conservative2,nearest", "bilinear"] {
            let plain = apply(&regridder(&source, &destination, method, "mean"), &values, None);
            for limit in ["monotone", "caas"] {
                let (found, flags) = apply(&regridder(&source, &destination, method, limit), &values, None);
                assert_eq!(flags, plain.1, "{name} {method}");
                for i in (0..found.len()).filter(|&i| flags[i]) {
                    assert!((-1.0..=3.0).contains(&found[i]), "{name} {method} {limit}: cell {i} {}", found[i]);
                }
                if limit == "caas" {
                    let (a, b) = (integral(&destination, &plain.0, |i| flags[i]), integral(&destination, &found, |i| flags[i]));
                    assert!((a - b).abs() < 1e-12 * 4.0 * std::f64::consts::PI, "{name} {method}: {a} {b}");
                }
            }
        }
    }
}

/// Second order with missing values: gradients are those of the valid cells, and the integral over them is kept.
#[test]
fn second_order_keeps_the_integral_of_what_is_valid() {
    for (name, source, destination) in pairs() {
        let n = source.len();
        let smooth: Vec<f64> = (0..n)
            .map(|c| {
                let [x, y, z] = source.center(c).unit();
                2.0 + x * y + z
            })
            .collect();
        let valid: Vec<bool> = (0..n).map(|c| source.center(c).unit()[1] < 0.6 && c % 97 != 3).collect();
        let total = integral(&source, &smooth, |c| valid[c]);
        let share = {
            let first = regridder(&source, &destination, "conservative", "mean");
            first.weights.joined().valid_shares(&valid)
        };
        let parts = |i: usize, v: &[f64]| destination.area(i) * share[i] * v[i];
        for limit in ["mean", "monotone", "caas"] {
            let (found, flags) = apply(&regridder(&source, &destination, "conservative2", limit), &smooth, Some(&valid));
            assert!((0..destination.len()).all(|i| flags[i] == (share[i] > 0.0)), "{name}: mapped where something is valid");
            let kept: f64 = (0..destination.len()).filter(|&i| flags[i]).map(|i| parts(i, &found)).sum();
            assert!((kept - total).abs() < 1e-13 * total, "{name} {limit}: {kept} {total}");
        }
        // Far from what is missing nothing changes.
        let (with, _) = apply(&regridder(&source, &destination, "conservative2", "mean"), &smooth, Some(&valid));
        let (without, _) = apply(&regridder(&source, &destination, "conservative2", "mean"), &smooth, None);
        let weights = regridder(&source, &destination, "conservative2", "mean");
        let untouched = (0..destination.len()).filter(|&i| weights.weights.joined().row(i).0.iter().all(|&c| valid[c as usize]));
        let mut count = 0;
        for i in untouched {
            count += 1;
            assert!((with[i] - without[i]).abs() < 1e-12, "{name}: cell {i} {} {}", with[i], without[i]);
        }
        assert!(count > 3, "{name}: {count}");
        // A constant stays one beside what is missing.
        let (constant, flags) = apply(&regridder(&source, &destination, "conservative2", "mean"), &vec![7.5; n], Some(&valid));
        assert!(constant.iter().zip(&flags).all(|(v, f)| !f || (v - 7.5).abs() < 1e-13));
    }
}

#[test]
fn part_of_a_cell_divided_by_the_whole_is_no_new_extreme() {
    let source = Arc::new(support::region(0.0, 3.0, 30, (0..20).map(|j| -28.5 + 3.0 * f64::from(j)).collect(), 1.5, None));
    let destination = Arc::new(lat_lon(50, 25, 1.0));
    let plain = apply(&regridder(&source, &destination, "conservative2:destarea", "mean"), &vec![4.0; 600], None);
    for limit in ["monotone", "caas"] {
        let limited = apply(&regridder(&source, &destination, "conservative2:destarea", limit), &vec![4.0; 600], None);
        assert_eq!(limited.1, plain.1);
        assert!(plain.0.iter().zip(&limited.0).all(|(a, b)| (a - b).abs() < 1e-12), "{limit}");
    }
}

/// Nearest destination to source: each source cell counts in the cell nearest to it.
#[test]
fn spread_means_are_those_of_the_cells_that_come_together() {
    let grid = |text: &str| Arc::new(Grid::from_spec(text).expect("a valid grid"));
    // No two centers are equally far.
    let (source, destination) = (grid("H8"), Arc::new(lat_lon(20, 10, 1.37)));
    let values: Vec<f64> = (0..source.len()).map(|c| (c as f64 * 0.37).sin()).collect();
    let valid: Vec<bool> = (0..source.len()).map(|c| c % 4 != 1).collect();
    let (means, mapped) = apply(&regridder(&source, &destination, "spread:mean", "mean"), &values, Some(&valid));
    let (sums, reached) = apply(&regridder(&source, &destination, "spread:sum", "mean"), &values, Some(&valid));
    let (mut expected, mut counts) = (vec![0.0; destination.len()], vec![0; destination.len()]);
    for j in (0..source.len()).filter(|&j| valid[j]) {
        let p = source.center(j).unit();
        let far = |i: &usize| knarr_kernels::sphere::distance(destination.center(*i).unit(), p);
        let nearest = (0..destination.len()).min_by(|a, b| far(a).total_cmp(&far(b))).expect("cells");
        expected[nearest] += values[j];
        counts[nearest] += 1;
    }
    assert_eq!(mapped, reached);
    for i in 0..destination.len() {
        assert_eq!(mapped[i], counts[i] > 0, "cell {i}");
        if mapped[i] {
            assert!((sums[i] - expected[i]).abs() < 1e-12, "every amount arrives once, none is made up: cell {i}");
            assert!((means[i] - expected[i] / f64::from(counts[i])).abs() < 1e-12, "cell {i}");
        }
    }
}
