use super::*;

/// What a step which starts at `g` takes, by its definition: all values ever given, the initial one before the start.
fn by_definition(reduction: Reduction, timing: &Timing, initial: f64, given: impl Fn(i64) -> Option<f64>, g: i64) -> Option<f64> {
    let end = g - timing.lag + timing.period;
    let step = timing.source_step;
    let ends: Vec<i64> = (0..timing.period / step).map(|k| end - timing.period + (k + 1) * step).collect();
    // Of a sum, the initial amount stands for a whole window: each step has its part.
    let share = if reduction == Reduction::Sum { step as f64 / timing.period as f64 } else { 1.0 };
    let values: Vec<Option<f64>> = ends.iter().map(|&e| if e <= 0 { Some(initial * share) } else { given(e) }).collect();
    if reduction == Reduction::Instant {
        return values[values.len() - 1];
    }
    let there: Vec<f64> = values.into_iter().flatten().collect();
    (!there.is_empty()).then(|| match reduction {
        Reduction::Instant => unreachable!("answered above"),
        Reduction::Average => there.iter().sum::<f64>() / there.len() as f64,
        Reduction::Accumulate => there.iter().sum::<f64>() * step as f64,
        Reduction::Sum => there.iter().sum(),
        Reduction::Minimum => there.iter().copied().fold(f64::INFINITY, f64::min),
        Reduction::Maximum => there.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

#[test]
fn every_small_case_agrees_with_the_definition() {
    use std::collections::BTreeMap;
    let reductions =
        [Reduction::Instant, Reduction::Average, Reduction::Accumulate, Reduction::Sum, Reduction::Minimum, Reduction::Maximum];
    let mut cases = 0;
    for reduction in reductions {
        for source_step in 1..=3 {
            for steps in 1..=4 {
                let period = source_step * steps;
                for destination_step in (1..=period).filter(|d| period % d == 0) {
                    for lag in (0..=3 * period).step_by(source_step as usize) {
                        for missing in [None, Some(2), Some(3)] {
                            let timing = Timing { period, lag, source_step, destination_step };
                            let initial = 0.75;
                            let given = |end: i64| {
                                let k = end / source_step;
                                (missing.is_none_or(|m| k % m != 0)).then(|| ((k * 37) % 11) as f64 - 4.5)
                            };
                            cases += 1;
                            let taken = follow(reduction, &timing, initial, given, 4 * period);
                            for start in (0..4 * period).step_by(destination_step as usize) {
                                if start % period != 0 {
                                    assert!(!timing.is_taken_at(start));
                                    continue;
                                }
                                let expected = by_definition(reduction, &timing, initial, given, start);
                                let found = taken[&timing.window_taken_at(start)];
                                let same = match (found, expected) {
                                    (Some(a), Some(b)) => (a - b).abs() <= 1e-13 * b.abs().max(1.0),
                                    (a, b) => a == b,
                                };
                                assert!(same, "{reduction:?} {timing:?} {missing:?} at {start}: {found:?} {expected:?}");
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(cases > 5000, "{cases}");

    /// Windows and their values, as the coupler makes them.
    fn follow(
        reduction: Reduction,
        timing: &Timing,
        initial: f64,
        given: impl Fn(i64) -> Option<f64>,
        until: i64,
    ) -> BTreeMap<i64, Option<f64>> {
        let first = timing.window_taken_at(0);
        let initial = Values::new(vec![initial]);
        let mut taken = BTreeMap::new();
        let mut reducer = Reducer::new(reduction);
        // Windows that lie before the start.
        let mut window = first;
        while window <= 0 {
            reducer.begin(timing, window, Some(&initial));
            taken.insert(window, reducer.value().get(0));
            window += timing.period;
        }
        reducer.begin(timing, window, Some(&initial));
        for end in (1..=until / timing.source_step + timing.period).map(|k| k * timing.source_step) {
            let value = given(end);
            let values = Values { values: vec![value.unwrap_or(f64::NAN)], valid: value.is_none().then(|| vec![false]) };
            reducer.add(&values, timing.source_step as f64);
            if timing.is_sent_at(end) {
                taken.insert(end, reducer.value().get(0));
                reducer.begin(timing, end + timing.period, Some(&initial));
            }
        }
        taken
    }
}

#[test]
fn a_reducer_restored_goes_on_with_the_same_bits() {
    let timing = Timing { period: 3, lag: 0, source_step: 1, destination_step: 1 };
    for reduction in [Reduction::Instant, Reduction::Average, Reduction::Minimum, Reduction::Sum] {
        for missing in [false, true] {
            let values = |k: usize| Values {
                values: vec![0.1 * k as f64, 1.0 / (k + 1) as f64],
                valid: missing.then(|| vec![k != 1, true]),
            };
            let mut reducer = Reducer::new(reduction);
            reducer.begin(&timing, 3, None);
            reducer.add(&values(0), 1.0);
            reducer.add(&values(1), 1.0);
            let mut state = State::new();
            reducer.save("r", &mut state);
            let mut other = Reducer::new(reduction);
            other.restore("r", &state).expect("its own state");
            reducer.add(&values(2), 1.0);
            other.add(&values(2), 1.0);
            assert_eq!(reducer.value(), other.value());
        }
    }
}
