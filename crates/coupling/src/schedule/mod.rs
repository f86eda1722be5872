//! When what happens: the timing of couplings, the order of steps, and the proof that no step waits for ever.

mod deadlock;
mod sequence;
mod timing;

pub use deadlock::{Dependency, Hop, Verdict, judge};
pub use sequence::{Action, Schedule};
pub use timing::Timing;

/// Greatest common divisor.
pub(crate) fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Least common multiple; `None` beyond 64 bits.
pub(crate) fn lcm(a: i64, b: i64) -> Option<i64> {
    (a / gcd(a, b)).checked_mul(b)
}
