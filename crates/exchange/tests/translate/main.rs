//! Files translated between conventions, as users would.

mod round_trip;
mod statistic;
mod support;
mod traps;
