//! A bucket of soil water that rain fills, evaporation empties and runoff spills.
//!
//! Reference: Manabe (1969), Mon. Wea. Rev. 97, 739–774.

use rayon::prelude::*;

/// Water that the soil holds at most (kg m⁻²), 150 mm.
pub const CAPACITY: f64 = 150.0;
/// Share of the capacity above which evaporation is not held back.
const ENOUGH: f64 = 0.75;

/// What a step of the bucket gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// kg m⁻².
    pub water: f64,
    /// kg m⁻² s⁻¹, positive upwards.
    pub evaporation: f64,
    /// kg m⁻² s⁻¹.
    pub runoff: f64,
}

/// Share of the potential evaporation that soil water allows: `β = min(1, W / (0.75 W_k))`.
pub fn availability(water: f64, capacity: f64) -> f64 {
    (water / (ENOUGH * capacity)).clamp(0.0, 1.0)
}

/// Water after `seconds` of `precipitation` and `potential` evaporation (kg m⁻² s⁻¹).
///
/// `dW/dt = P − β E_p − R`, with β of the water at the start, no more evaporation than there is water, and
/// `R = max(W − W_k, 0)/dt`. Dew (a negative potential) falls whole. W' − W = (P − E − R) dt to rounding.
///
/// ```
/// use knarr_kernels::land_bucket::{CAPACITY, step};
/// // A wet bucket spills what falls: 2 mm an hour.
/// let bucket = step(CAPACITY, 2.0 / 3600.0, 0.0, CAPACITY, 3600.0);
/// assert_eq!(bucket.water, CAPACITY);
/// assert!((bucket.runoff * 3600.0 - 2.0).abs() < 1e-12);
/// ```
pub fn step(water: f64, precipitation: f64, potential: f64, capacity: f64, seconds: f64) -> Bucket {
    let wanted = if potential > 0.0 { availability(water, capacity) * potential } else { potential };
    let evaporation = wanted.min(water / seconds + precipitation);
    let full = water + (precipitation - evaporation) * seconds;
    let runoff = (full - capacity).max(0.0) / seconds;
    Bucket { water: full.min(capacity), evaporation, runoff }
}

/// A step at many points: water is advanced, evaporation and runoff are filled in.
///
/// Points that are not valid stay as they are, with 0 for the rest.
///
/// # Panics
/// If slices differ in length.
pub fn steps(
    water: &mut [f64],
    precipitation: &[f64],
    potential: &[f64],
    valid: Option<&[bool]>,
    (capacity, seconds): (f64, f64),
    evaporation: &mut [f64],
    runoff: &mut [f64],
) {
    let n = water.len();
    let lengths = [precipitation.len(), potential.len(), evaporation.len(), runoff.len()];
    assert!(lengths.iter().all(|&length| length == n), "one value per point");
    assert!(valid.is_none_or(|valid| valid.len() == n), "one mark per point");
    (water, evaporation, runoff).into_par_iter().enumerate().with_min_len(1024).for_each(|(i, (w, e, r))| {
        (*e, *r) = (0.0, 0.0);
        if valid.is_none_or(|valid| valid[i]) {
            let bucket = step(*w, precipitation[i], potential[i], capacity, seconds);
            (*w, *e, *r) = (bucket.water, bucket.evaporation, bucket.runoff);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn water_closes_to_rounding() {
        let seconds = 3600.0;
        let mut water = 80.0;
        let (mut came, mut went) = (0.0, 0.0);
        for k in 0..5000 {
            let phase = f64::from(k) * 0.03;
            let rain = (phase.sin() * 3.0).max(0.0) * 1e-3;
            let potential = 1e-4 * (1.5 + phase.cos());
            let bucket = step(water, rain, potential, CAPACITY, seconds);
            let residual = bucket.water - water - (rain - bucket.evaporation - bucket.runoff) * seconds;
            assert!(residual.abs() <= 1e-15 * 8.0 * CAPACITY, "{k}: {residual:e}");
            assert!((0.0..=CAPACITY).contains(&bucket.water) && bucket.runoff >= 0.0);
            came += rain * seconds;
            went += (bucket.evaporation + bucket.runoff) * seconds;
            water = bucket.water;
        }
        assert!(((came - went - (water - 80.0)) / came).abs() < 1e-13);
    }

    #[test]
    fn a_dry_bucket_gives_nothing_and_dew_fills_it() {
        assert_eq!(step(0.0, 0.0, 1e-4, CAPACITY, 3600.0), Bucket { water: 0.0, evaporation: 0.0, runoff: 0.0 });
        let dew = step(0.0, 0.0, -1e-5, CAPACITY, 3600.0);
        assert!((dew.water - 0.036).abs() < 1e-15 && dew.evaporation == -1e-5);
        // No more than there is, however long the step.
        let last = step(1.0, 0.0, 1.0, CAPACITY, 86_400.0);
        assert!(last.water >= 0.0 && last.evaporation * 86_400.0 <= 1.0 + 1e-12);
    }

    #[test]
    fn drying_follows_the_exponential_of_the_equation() {
        // Below 0.75 W_k, dW/dt = −E_p W / (0.75 W_k): first order in the step.
        let (potential, hours) = (1e-4, 480);
        let error = |per_hour: u32| {
            let seconds = 3600.0 / f64::from(per_hour);
            let mut water = 100.0;
            for _ in 0..hours * per_hour {
                water = step(water, 0.0, potential, CAPACITY, seconds).water;
            }
            (water - 100.0 * (-potential * 3600.0 * f64::from(hours) / (0.75 * CAPACITY)).exp()).abs()
        };
        let ratio = error(1) / error(2);
        assert!((ratio - 2.0).abs() < 0.02, "{ratio}");
    }
}
