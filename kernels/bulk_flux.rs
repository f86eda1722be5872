//! Turbulent fluxes between air and sea by bulk formulas: momentum, sensible heat, latent heat, evaporation.
//!
//! | scheme | roughness and stability | cool skin | source |
//! |---|---|---|---|
//! | [`Scheme::Ncar`] | neutral coefficients of the wind at 10 m | no | Large and Yeager (2004), NCAR/TN-460+STR; (2009), Clim. Dyn. 33, 341–364 |
//! | [`Scheme::Coare30`] | Charnock 0.011 to 0.018 | yes | Fairall et al. (2003), J. Climate 16, 571–591 |
//! | [`Scheme::Coare36`] | Charnock linear in the wind | yes | Edson et al. (2013), J. Phys. Oceanogr. 43, 1589–1610 |
//! | [`Scheme::Ecmwf`] | Charnock 0.018, separate lengths for heat and moisture | yes | IFS documentation Cy40r1, part IV, chapter 3 |
//! | [`Scheme::Andreas`] | friction velocity of the neutral wind | no | Andreas et al. (2015), Q. J. R. Meteorol. Soc. 141, 642–654 |
//! | [`noaa`] | COARE 3.6 as NOAA's programs have it, for observations | yes | Fairall et al. (2003); Edson et al. (2013) |
//! | [`cesm`] | as NCAR, on a model's lowest level | no | Large and Yeager (2009) |
//!
//! All but the last two meet in one form: τ = ρ C_D |U| U, Q_H = ρ c_p C_H |U| (θ − T_s), E = −ρ C_E |U| (q − q_s),
//! Q_L = −L_v E, with θ and q shifted to the height of the wind, q_s = 0.98 q_sat(T_s) over salt water, and |U| with
//! gusts where a scheme has them. Heat fluxes are **positive downwards** (they warm the sea), evaporation is positive
//! upwards; [`flux`] does one point, [`fluxes`] many, with the same bits.

pub mod air;
mod andreas;
pub mod cesm;
mod coare;
mod ecmwf;
mod ncar;
pub mod noaa;
mod skin;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

/// How transfer coefficients depend on wind and stability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Large and Yeager, the scheme of CORE and OMIP.
    Ncar,
    /// COARE 3.0.
    Coare30,
    /// COARE 3.6, without waves.
    Coare36,
    /// That of the IFS.
    Ecmwf,
    /// Andreas, Mahrt and Vickers, without spray.
    Andreas,
}

/// What holds for all points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Transfer coefficients.
    pub scheme: Scheme,
    /// Whether the sea surface temperature is that below the skin, to be corrected by [`Point::shortwave`] and
    /// [`Point::longwave`]; schemes without a skin ignore it.
    pub cool_skin: bool,
    /// Height of the wind (m).
    pub wind_height: f64,
    /// Height of air temperature and humidity (m).
    pub air_height: f64,
    /// Fixed-point iterations; 5 are within a percent, 20 within 1e-5.
    pub iterations: u32,
}

impl Options {
    /// Wind at 10 m, air at 2 m, 20 iterations, no skin.
    pub fn new(scheme: Scheme) -> Self {
        Self { scheme, cool_skin: false, wind_height: 10.0, air_height: 2.0, iterations: 20 }
    }
}

/// Air and sea at one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// K.
    pub sea_surface_temperature: f64,
    /// At the height of the air (K).
    pub air_temperature: f64,
    /// At the height of the air (kg kg⁻¹).
    pub specific_humidity: f64,
    /// Relative to the sea (m s⁻¹).
    pub eastward_wind: f64,
    /// Relative to the sea (m s⁻¹).
    pub northward_wind: f64,
    /// At sea level (Pa).
    pub pressure: f64,
    /// Net, into the sea (W m⁻²); used by cool skins only.
    pub shortwave: f64,
    /// Downwelling (W m⁻²); used by cool skins only.
    pub longwave: f64,
}

/// Fluxes at one point, and how they came about.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flux {
    /// Stress on the sea (N m⁻²).
    pub eastward_stress: f64,
    /// Stress on the sea (N m⁻²).
    pub northward_stress: f64,
    /// Positive downwards (W m⁻²).
    pub sensible: f64,
    /// Positive downwards (W m⁻²).
    pub latent: f64,
    /// Positive upwards, negative where dew falls (kg m⁻² s⁻¹); `latent` is −L_v of it.
    pub evaporation: f64,
    /// That of the skin where the scheme has one, else the sea's (K).
    pub surface_temperature: f64,
    /// At the height of the wind.
    pub drag_coefficient: f64,
    /// At the height of the wind.
    pub heat_coefficient: f64,
    /// At the height of the wind.
    pub moisture_coefficient: f64,
    /// m s⁻¹.
    pub friction_velocity: f64,
}

/// What a scheme finds: coefficients at the height of the wind, and the air there.
struct Transfer {
    drag: f64,
    heat: f64,
    moisture: f64,
    /// Potential temperature of the air (K).
    theta: f64,
    humidity: f64,
    /// Wind with gusts (m s⁻¹).
    bulk_wind: f64,
    friction_velocity: f64,
    surface_temperature: f64,
    surface_humidity: f64,
}

/// No coefficient is smaller.
const LEAST_COEFFICIENT: f64 = 0.1e-3;

/// Fluxes at one point.
///
/// ```
/// use knarr_kernels::bulk_flux::{Options, Point, Scheme, flux};
/// let point = Point {
///     sea_surface_temperature: 295.15,
///     air_temperature: 293.15,
///     specific_humidity: 0.012,
///     eastward_wind: 5.0,
///     northward_wind: 0.0,
///     pressure: 101_000.0,
///     shortwave: 0.0,
///     longwave: 350.0,
/// };
/// let found = flux(&Options::new(Scheme::Ncar), &point);
/// assert!((found.latent - -88.478).abs() < 1e-3 && (found.sensible - -16.697).abs() < 1e-3);
/// ```
pub fn flux(options: &Options, point: &Point) -> Flux {
    let theta = air::potential_temperature(options.air_height, point.pressure, point.air_temperature, point.specific_humidity);
    let found = transfer(options, theta, point);
    finish(point, &found, air::density_at(options.wind_height, found.theta, found.humidity, point.pressure))
}

/// What the scheme finds over air with the potential temperature `theta`.
fn transfer(options: &Options, theta: f64, point: &Point) -> Transfer {
    let wind = (point.eastward_wind * point.eastward_wind + point.northward_wind * point.northward_wind).sqrt();
    let air = air::Air { theta, humidity: point.specific_humidity, wind, pressure: point.pressure };
    match options.scheme {
        Scheme::Ncar => ncar::transfer(options, &air, point),
        Scheme::Coare30 => coare::transfer(coare::VERSION_30, options, &air, point),
        Scheme::Coare36 => coare::transfer(coare::VERSION_36, options, &air, point),
        Scheme::Ecmwf => ecmwf::transfer(options, &air, point),
        Scheme::Andreas => andreas::transfer(options, &air, point),
    }
}

/// The bulk formulas.
fn finish(point: &Point, t: &Transfer, density: f64) -> Flux {
    let rho_wind = t.bulk_wind * density.max(1.0);
    let evaporation = -rho_wind * t.moisture * (t.humidity - t.surface_humidity) + 0.0;
    Flux {
        eastward_stress: rho_wind * t.drag * point.eastward_wind,
        northward_stress: rho_wind * t.drag * point.northward_wind,
        sensible: rho_wind * t.heat * (t.theta - t.surface_temperature) * air::heat_capacity(t.humidity),
        latent: -air::latent_heat(t.surface_temperature) * evaporation + 0.0,
        evaporation,
        surface_temperature: t.surface_temperature,
        drag_coefficient: t.drag,
        heat_coefficient: t.heat,
        moisture_coefficient: t.moisture,
        friction_velocity: t.friction_velocity,
    }
}

/// Inputs of many points: slices of one length, as the fields of [`Point`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields of Point")]
pub struct Inputs<'a> {
    pub sea_surface_temperature: &'a [f64],
    pub air_temperature: &'a [f64],
    pub specific_humidity: &'a [f64],
    pub eastward_wind: &'a [f64],
    pub northward_wind: &'a [f64],
    pub pressure: &'a [f64],
    pub shortwave: &'a [f64],
    pub longwave: &'a [f64],
    /// Points to be left out, all taken if not given.
    pub valid: Option<&'a [bool]>,
}

/// Results of many points: slices of one length, as the fields of [`Flux`]; 0 where a point is not valid.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields of Flux")]
pub struct Outputs<'a> {
    pub eastward_stress: &'a mut [f64],
    pub northward_stress: &'a mut [f64],
    pub sensible: &'a mut [f64],
    pub latent: &'a mut [f64],
    pub evaporation: &'a mut [f64],
    pub surface_temperature: &'a mut [f64],
    /// False where an input is not valid or not finite, or a flux is not finite.
    pub valid: &'a mut [bool],
}

/// Points that a thread takes at once.
const CHUNK: usize = 1024;

/// Fluxes at many points, each as [`flux`] has it, whatever the number of threads.
///
/// # Panics
/// If slices differ in length.
pub fn fluxes(options: &Options, inputs: &Inputs<'_>, outputs: Outputs<'_>) {
    let n = inputs.sea_surface_temperature.len();
    let lengths = [
        inputs.air_temperature.len(),
        inputs.specific_humidity.len(),
        inputs.eastward_wind.len(),
        inputs.northward_wind.len(),
        inputs.pressure.len(),
        inputs.shortwave.len(),
        inputs.longwave.len(),
        inputs.valid.map_or(n, <[bool]>::len),
        outputs.eastward_stress.len(),
        outputs.northward_stress.len(),
        outputs.sensible.len(),
        outputs.latent.len(),
        outputs.evaporation.len(),
        outputs.surface_temperature.len(),
        outputs.valid.len(),
    ];
    assert!(lengths.iter().all(|&length| length == n), "one value per point everywhere: {n}, {lengths:?}");
    let chunks = (
        outputs.eastward_stress.par_chunks_mut(CHUNK),
        outputs.northward_stress.par_chunks_mut(CHUNK),
        outputs.sensible.par_chunks_mut(CHUNK),
        outputs.latent.par_chunks_mut(CHUNK),
        outputs.evaporation.par_chunks_mut(CHUNK),
        outputs.surface_temperature.par_chunks_mut(CHUNK),
        outputs.valid.par_chunks_mut(CHUNK),
    );
    chunks.into_par_iter().enumerate().for_each(|(chunk, (east, north, sensible, latent, evaporation, surface, valid))| {
        for k in 0..valid.len() {
            let found = valid_flux(options, inputs, chunk * CHUNK + k);
            valid[k] = found.is_some();
            let found = found.unwrap_or_default();
            east[k] = found.eastward_stress;
            north[k] = found.northward_stress;
            sensible[k] = found.sensible;
            latent[k] = found.latent;
            evaporation[k] = found.evaporation;
            surface[k] = found.surface_temperature;
        }
    });
}

fn valid_flux(options: &Options, inputs: &Inputs<'_>, i: usize) -> Option<Flux> {
    if inputs.valid.is_some_and(|valid| !valid[i]) {
        return None;
    }
    let point = Point {
        sea_surface_temperature: inputs.sea_surface_temperature[i],
        air_temperature: inputs.air_temperature[i],
        specific_humidity: inputs.specific_humidity[i],
        eastward_wind: inputs.eastward_wind[i],
        northward_wind: inputs.northward_wind[i],
        pressure: inputs.pressure[i],
        shortwave: inputs.shortwave[i],
        longwave: inputs.longwave[i],
    };
    let found = flux(options, &point);
    // A sum that is finite has finite terms: an input that is not a number has reached one of them.
    let sum = found.eastward_stress + found.northward_stress + found.sensible + found.latent + found.surface_temperature;
    sum.is_finite().then_some(found)
}

/// `x`, or the smallest value of its sign that a difference may have as a divisor.
fn at_least(x: f64, least: f64) -> f64 {
    if x.abs() < least { least.copysign(x) } else { x }
}

/// `x` between `-most` and `most`.
fn within(x: f64, most: f64) -> f64 {
    x.clamp(-most, most)
}

/// Whether two heights are one.
fn same_height(options: &Options) -> bool {
    (options.wind_height - options.air_height).abs() < 0.01
}
