//! A linear reservoir in each cell: it empties in proportion to what it holds.

use super::Network;

/// Storage after a step, and the mean outflow in it, from `dS/dt = I − S/k`, exact for a constant inflow.
///
/// `S' = S e^(−dt/k) + I k (1 − e^(−dt/k))`; the outflow is what closes the balance, `I − (S' − S)/dt`. `residence` is k
/// (s); with 0 all leaves at once. Units: kg and kg s⁻¹, or m³ and m³ s⁻¹.
///
/// ```
/// use knarr_kernels::river_routing::reservoir::step_one;
/// let (storage, outflow) = step_one(100.0, 2.0, 50.0, 10.0);
/// assert_eq!((storage, outflow), (100.0, 2.0)); // I = S/k
/// assert_eq!(step_one(0.0, 3.0, 0.0, 10.0), (0.0, 3.0));
/// ```
pub fn step_one(storage: f64, inflow: f64, residence: f64, seconds: f64) -> (f64, f64) {
    let change = (inflow * residence - storage) * emptied(residence, seconds);
    (storage + change, inflow - change / seconds)
}

/// The part of what a reservoir holds that leaves in a step, 1 − e^(−dt/k); all of it with k of 0.
pub fn emptied(residence: f64, seconds: f64) -> f64 {
    // Without the loss of small dt/k.
    if residence > 0.0 { -(-seconds / residence).exp_m1() } else { 1.0 }
}

/// A step on a network: storage is advanced, and the mean outflow of each cell returned; what leaves a cell enters the
/// one below it within the step.
///
/// # Panics
/// If slices differ in length from the network.
pub fn step(network: &Network, storage: &mut [f64], local: &[f64], residence: &[f64], seconds: f64) -> Vec<f64> {
    let n = network.len();
    assert!(storage.len() == n && local.len() == n && residence.len() == n, "one value per cell");
    network.pass_down(storage, |cell, held, above| step_one(held, local[cell] + above, residence[cell], seconds))
}
