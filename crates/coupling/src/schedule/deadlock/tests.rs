use super::*;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A small generator of numbers (xorshift), so that the graphs are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

fn random_graph(numbers: &mut Numbers) -> (Vec<i64>, Vec<Dependency>) {
    let components = 2 + numbers.below(3) as usize;
    let steps: Vec<i64> = (0..components).map(|_| [1, 2, 3][numbers.below(3) as usize]).collect();
    let couplings = (0..1 + numbers.below(5))
        .map(|_| {
            let (source, destination) = (numbers.below(components as u64) as usize, numbers.below(components as u64) as usize);
            let (source_step, destination_step) = (steps[source], steps[destination]);
            let period = lcm(source_step, destination_step).expect("small") * (1 + numbers.below(2) as i64);
            let lag = source_step * numbers.below(1 + 2 * (period / source_step) as u64) as i64;
            let lag = if numbers.below(2) == 0 { 0 } else { lag };
            Dependency { source, destination, timing: Timing { period, lag, source_step, destination_step } }
        })
        .collect();
    (steps, couplings)
}

/// Runs the components as threads that block where they take; whether all came to the end in time.
///
/// It knows the rule of [`Timing`] from its table alone: a step takes what was given up to g - lag + period.
fn runs_through(steps: &[i64], couplings: &[Dependency], end: i64) -> bool {
    let given = Arc::new((Mutex::new(vec![0i64; steps.len()]), Condvar::new()));
    let deadline = Instant::now() + Duration::from_millis(250);
    let threads: Vec<_> = (0..steps.len())
        .map(|c| {
            let (given, step, couplings) = (Arc::clone(&given), steps[c], couplings.to_vec());
            std::thread::spawn(move || {
                let (lock, bell) = &*given;
                for start in (0..end).step_by(step as usize) {
                    for k in couplings.iter().filter(|k| k.destination == c && start % k.timing.period == 0) {
                        let wanted = start - k.timing.lag + k.timing.period;
                        let mut reached = lock.lock().expect("no thread panics");
                        while reached[k.source] < wanted {
                            let left = deadline.saturating_duration_since(Instant::now());
                            if left.is_zero() {
                                return false;
                            }
                            reached = bell.wait_timeout(reached, left).expect("no thread panics").0;
                        }
                    }
                    lock.lock().expect("no thread panics")[c] = start + step;
                    bell.notify_all();
                }
                true
            })
        })
        .collect();
    // All are joined, whatever the first says.
    let outcomes: Vec<bool> = threads.into_iter().map(|t| t.join().expect("no thread panics")).collect();
    !outcomes.contains(&false)
}

#[test]
fn the_verdict_is_what_threads_that_wait_come_to() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let (mut free, mut stuck, mut jobs) = (0, 0, Vec::new());
    for _ in 0..160 {
        let (steps, couplings) = random_graph(&mut numbers);
        let verdict = judge(&steps, &couplings);
        let cycle =
            steps.iter().copied().chain(couplings.iter().map(|c| c.timing.period)).fold(1, |a, b| lcm(a, b).expect("small"));
        // A second hyper-period would show what the first hides, and lags of several periods reach back to the start.
        jobs.push((std::thread::spawn(move || (runs_through(&steps, &couplings, 3 * cycle), steps, couplings)), verdict));
        if jobs.len() == 40 {
            for (job, verdict) in jobs.drain(..) {
                let (ran, steps, couplings) = job.join().expect("no thread panics");
                match &verdict {
                    Verdict::Order { .. } => free += 1,
                    _ => stuck += 1,
                }
                assert_eq!(ran, matches!(verdict, Verdict::Order { .. }), "{steps:?} {couplings:?} {verdict:?}");
            }
        }
    }
    assert!(free > 30 && stuck > 30, "both outcomes are tried: {free} run, {stuck} wait");
}

#[test]
fn an_order_takes_only_what_was_given() {
    let mut numbers = Numbers(7);
    for _ in 0..500 {
        let (steps, couplings) = random_graph(&mut numbers);
        let Verdict::Order { cycle_s, order } = judge(&steps, &couplings) else { continue };
        let mut reached = vec![0i64; steps.len()];
        for cycle in 0..3 {
            for &c in &order {
                let start = reached[c];
                assert!(start < (cycle + 1) * cycle_s);
                for k in couplings.iter().filter(|k| k.destination == c && start % k.timing.period == 0) {
                    assert!(reached[k.source] >= start - k.timing.lag + k.timing.period);
                }
                reached[c] += steps[c];
            }
            assert!(reached.iter().all(|&r| r == (cycle + 1) * cycle_s));
        }
    }
}

#[test]
fn a_circle_is_told_hop_by_hop() {
    let timing = |lag| Timing { period: 2, lag, source_step: 1, destination_step: 1 };
    let couplings = [
        Dependency { source: 0, destination: 1, timing: timing(0) },
        Dependency { source: 1, destination: 2, timing: timing(0) },
        Dependency { source: 2, destination: 0, timing: timing(0) },
    ];
    let Verdict::Circle(hops) = judge(&[1, 1, 1], &couplings) else { panic!("a circle") };
    assert_eq!(hops.iter().map(|h| (h.component, h.waits_for)).collect::<Vec<_>>(), [(0, Some(2)), (2, Some(1)), (1, Some(0))]);
    let mut broken = couplings;
    broken[1].timing = timing(2);
    assert_eq!(judge(&[1, 1, 1], &broken), Verdict::Order { cycle_s: 2, order: vec![2, 2, 0, 0, 1, 1] });
}
