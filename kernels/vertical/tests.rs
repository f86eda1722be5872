use super::*;

fn uneven(n: usize, low: f64, high: f64) -> Vec<f64> {
    // Steps that grow by a smooth factor, so that orders are those of uneven levels.
    (0..=n).map(|k| k as f64 / n as f64).map(|s| low + (high - low) * (s + 0.15 * (s * std::f64::consts::PI).sin() * s)).collect()
}

/// Largest error of a method between n and 2n levels; the order is the logarithm of their ratio.
fn order(error: impl Fn(usize) -> f64) -> f64 {
    (error(40) / error(80)).log2()
}

type Method<'a> = dyn Fn(&[f64], &[f64], f64) -> f64 + 'a;

#[test]
fn values_at_levels_are_exact_and_orders_are_as_promised() {
    let f = |z: f64| (3.0 * z).sin() + z * z;
    let inside = |n: usize, value: &Method<'_>| {
        let levels = uneven(n, 0.6, 2.4);
        let values: Vec<f64> = levels.iter().map(|&z| f(z)).collect();
        for (level, expected) in levels.iter().zip(&values) {
            assert_eq!(value(&levels, &values, *level), *expected);
        }
        let at = |k: usize| 0.9 + 0.001 * k as f64;
        (0..300).map(|k| (value(&levels, &values, at(k)) - f(at(k))).abs()).fold(0.0, f64::max)
    };
    let missing = [Beyond::Missing; 2];
    let by_line = order(|n| inside(n, &|l, v, z| linear(l, v, z, missing).expect("inside")));
    assert!((by_line - 2.0).abs() < 0.2, "{by_line}");
    let by_cubic = order(|n| {
        inside(n, &|l, v, z| {
            let mut cubic = Cubic::default();
            cubic.fit(l, v);
            cubic.value(l, v, z, missing).expect("inside")
        })
    });
    assert!(by_cubic > 2.7, "{by_cubic}");
}

#[test]
fn the_cubic_neither_overshoots_nor_turns() {
    let levels = [0.0, 1.0, 2.0, 4.0, 5.0, 9.0];
    let values = [0.0, 0.0, 1.0, 10.0, 10.0, 10.5];
    let mut cubic = Cubic::default();
    cubic.fit(&levels, &values);
    let at = |k: usize| cubic.value(&levels, &values, 0.01 * k as f64, [Beyond::Missing; 2]).expect("inside");
    for k in 1..=900 {
        assert!(at(k) >= at(k - 1) - 1e-14, "{k}: {} {}", at(k - 1), at(k));
    }
    // Values of an independent implementation (SciPy 1.17 PchipInterpolator): a smooth column.
    let values = [1.0, 3.0, 4.0, 2.0, 2.5, 3.0];
    cubic.fit(&levels, &values);
    let expected = [(0.5, 2.145_833_333_333_333_5), (3.0, 3.0), (7.0, 2.863_636_363_636_363_8)];
    for (z, expected) in expected {
        let found = cubic.value(&levels, &values, z, [Beyond::Missing; 2]).expect("inside");
        assert!((found - expected).abs() < 1e-12, "{z}: {found}");
    }
}

#[test]
fn what_is_beyond_is_as_asked() {
    let (levels, values) = ([1.0, 2.0, 4.0], [10.0, 20.0, 60.0]);
    let mut cubic = Cubic::default();
    cubic.fit(&levels, &values);
    let both = |z: f64, beyond: Beyond| [linear(&levels, &values, z, [beyond; 2]), cubic.value(&levels, &values, z, [beyond; 2])];
    assert_eq!(both(0.0, Beyond::Missing), [None, None]);
    assert_eq!(both(5.0, Beyond::Nearest), [Some(60.0); 2]);
    assert_eq!(both(0.0, Beyond::Extrapolate)[0], Some(0.0));
    assert_eq!(linear(&levels[..1], &values[..1], 0.5, [Beyond::Extrapolate; 2]), Some(10.0));
    assert_eq!(linear(&[], &[], 0.5, [Beyond::Nearest; 2]), None);
    assert_eq!(linear(&levels, &values, f64::NAN, [Beyond::Nearest; 2]), None);
}

fn remapped(edges: &[f64], means: &[f64], targets: &[f64], parabolic: bool) -> Vec<f64> {
    let mut layers = Layers::default();
    if parabolic {
        layers.parabolic(edges, means)
    } else {
        layers.constant(means)
    }
    let mean = |w: &[f64]| layer_means(edges, means, &layers, (w[0], w[1]), [Beyond::Missing; 2]).expect("covered").0;
    targets.windows(2).map(mean).collect()
}

fn integral(edges: &[f64], means: &[f64]) -> f64 {
    edges.windows(2).zip(means).map(|(w, m)| (w[1] - w[0]) * m).sum()
}

#[test]
fn layers_keep_the_integral_and_the_range() {
    let edges = uneven(37, 0.0, 1000.0);
    let means: Vec<f64> = (0..37).map(|k| 250.0 + 40.0 * (f64::from(k) * 0.7).sin() + if k > 20 { 30.0 } else { 0.0 }).collect();
    let (low, high) = means.iter().fold((f64::MAX, f64::MIN), |(l, h), &m| (l.min(m), h.max(m)));
    for parabolic in [false, true] {
        for n in [1, 5, 38, 200] {
            let targets = uneven(n, 0.0, 1000.0);
            let found = remapped(&edges, &means, &targets, parabolic);
            let relative = integral(&targets, &found) / integral(&edges, &means) - 1.0;
            assert!(relative.abs() < 1e-14, "{parabolic} {n}: {relative}");
            // A rounding of the interpolation may show in the last digits.
            assert!(found.iter().all(|&v| v > low - 1e-10 && v < high + 1e-10), "{parabolic} {n}");
        }
        assert_eq!(remapped(&edges, &means, &edges, parabolic), means, "the same layers are the same means");
    }
}

#[test]
fn parabolas_are_of_third_order_where_the_field_is_smooth() {
    // The primitive of sin(z) + z gives exact means.
    let primitive = |z: f64| -z.cos() + 0.5 * z * z;
    let exact =
        |edges: &[f64]| -> Vec<f64> { edges.windows(2).map(|w| (primitive(w[1]) - primitive(w[0])) / (w[1] - w[0])).collect() };
    let error = |n: usize, parabolic: bool| {
        let edges = uneven(n, 0.0, 1.5);
        // Layers of fixed size well inside, cut by edges anywhere.
        let targets: Vec<f64> = (0..=400).map(|k| 0.4 + 0.6 * f64::from(k) / 400.0).collect();
        let found = remapped(&edges, &exact(&edges), &targets, parabolic);
        found.iter().zip(exact(&targets)).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max)
    };
    let (constant, parabolic) = (order(|n| error(n, false)), order(|n| error(n, true)));
    assert!((constant - 1.0).abs() < 0.25, "{constant}");
    assert!(parabolic > 2.7, "{parabolic}");
}

#[test]
fn layers_that_reach_beyond_say_how_far_they_are_covered() {
    let (edges, means) = ([0.0, 1.0, 2.0], [10.0, 20.0]);
    let mut layers = Layers::default();
    layers.constant(&means);
    let mean = |from: f64, to: f64, beyond: Beyond| layer_means(&edges, &means, &layers, (from, to), [beyond; 2]);
    assert_eq!(mean(1.5, 3.5, Beyond::Missing), Some((20.0, 0.25)));
    assert_eq!(mean(3.0, 4.0, Beyond::Missing), None);
    assert_eq!(mean(3.0, 4.0, Beyond::Nearest), Some((20.0, 1.0)));
    assert_eq!(mean(-1.0, 3.0, Beyond::Nearest), Some((15.0, 1.0)));
}
