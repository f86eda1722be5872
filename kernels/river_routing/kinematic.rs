//! The kinematic wave: friction balances slope, A = α Q^β.

use super::Network;

/// No discharge is smaller (m³ s⁻¹): a power of it would have no derivative at 0.
pub const LEAST_DISCHARGE: f64 = 1e-30;

/// A channel and a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// α of A = α Q^β, with Q in m³ s⁻¹ and A in m².
    pub alpha: f64,
    /// β, 0.6 for Manning's friction.
    pub beta: f64,
    /// Step (s).
    pub seconds: f64,
    /// Length of the channel in a cell (m).
    pub length: f64,
}

/// Discharge out of a cell after a step (m³ s⁻¹): the root Q of
/// `(dt/dx) Q + α Q^β = (dt/dx) Q_in + α Q_old^β + dt q`, or [`LEAST_DISCHARGE`] where there is none above it.
///
/// `inflow` is what comes from above in the step, `old` the discharge before it, `lateral` what comes from the sides per
/// length of channel (m² s⁻¹; negative where it is taken).
///
/// Reference: Chow, Maidment and Mays (1988), Applied Hydrology, section 9.6.
pub fn discharge(channel: &Channel, inflow: f64, old: f64, lateral: f64) -> f64 {
    let Channel { alpha, beta, seconds, length } = *channel;
    let ratio = seconds / length;
    let known = ratio * inflow + alpha * old.powf(beta) + seconds * lateral;
    if known <= alpha * LEAST_DISCHARGE.powf(beta) {
        return LEAST_DISCHARGE;
    }
    // In A, the left side (dt/dx)(A/α)^(1/β) + A bends up: from above the root Newton's steps stay above it.
    let power = 1.0 / beta;
    let mut area = known.min(alpha * (known / ratio).powf(beta));
    for _ in 0..60 {
        let out = ratio * (area / alpha).powf(power);
        let next = area - (out + area - known) / (1.0 + power * out / area);
        if next >= area {
            break;
        }
        area = next;
    }
    (area / alpha).powf(power).max(LEAST_DISCHARGE)
}

/// A step on a network: discharge out of every cell, from the discharge before and what comes from the sides.
///
/// # Panics
/// If slices differ in length from the network.
pub fn step(network: &Network, channel: &Channel, old: &[f64], lateral: &[f64]) -> Vec<f64> {
    assert!(old.len() == network.len() && lateral.len() == network.len(), "one value per cell");
    network.pass_down(&mut old.to_vec(), |cell, old, inflow| {
        let now = discharge(channel, inflow, old, lateral[cell]);
        (now, now)
    })
}

/// What a channel between banks of a constant width needs for Manning's friction: α of A = α Q^β with β = 3/5,
/// `(n P^(2/3) / √S)^(3/5)`.
///
/// `roughness` is Manning's n (s m⁻¹ᐟ³), `perimeter` the wetted one (m; of a wide channel its width), `slope` that of the
/// bed, above 0.
///
/// Reference: Chow, Maidment and Mays (1988), Applied Hydrology, section 9.3.
pub fn manning_alpha(roughness: f64, perimeter: f64, slope: f64) -> f64 {
    (roughness * perimeter.powf(2.0 / 3.0) / slope.sqrt()).powf(0.6)
}

/// [`step`] in terms of what cells hold, with a channel for each: `storage` (m³) is advanced by what comes from the sides in
/// `local` (m³ s⁻¹), and the discharge out of every cell returned (m³ s⁻¹), that of the end of the step for the whole of it.
///
/// In kg and kg s⁻¹ for an α of these. `seconds` is the step, whatever channels say. A channel holds `S = α Q^β dx`, so that
/// a step is the root of `S' + dt Q = S + dt (I + local)`; S' is what this balance leaves, and closes to rounding. Where
/// there is no channel all leaves at once.
///
/// # Panics
/// If slices differ in length from the network.
pub fn step_stored(
    network: &Network,
    channels: &[Option<Channel>],
    storage: &mut [f64],
    local: &[f64],
    seconds: f64,
) -> Vec<f64> {
    let n = network.len();
    assert!(channels.len() == n && storage.len() == n && local.len() == n, "one value per cell");
    network.pass_down(storage, |cell, held, above| {
        let come = local[cell] + above;
        let most = held / seconds + come;
        let out = match &channels[cell] {
            Some(channel) => discharge(&Channel { seconds, ..*channel }, most, 0.0, 0.0).min(most.max(0.0)),
            None => most,
        };
        (held + (come - out) * seconds, out)
    })
}
