//! COARE 3.6 with the constants, units and signs of NOAA's own programs, for observations from ships and buoys.
//!
//! [`Scheme::Coare36`](super::Scheme::Coare36) is the same algorithm as ocean models have it; the two part by some percent:
//! here temperatures are compensated for their height by the lapse rate, the air's properties are those at the height of the
//! instruments, salinity lowers the vapour pressure by 2 % at 35, and the skin has its own constants.
//!
//! References: Fairall et al. (2003), J. Climate 16, 571–591; Edson et al. (2013), J. Phys. Oceanogr. 43, 1589–1610;
//! Fairall et al. (1996), J. Geophys. Res. 101, 1295–1308 (the skin).

const KARMAN: f64 = 0.4;
const ZERO_CELSIUS: f64 = 273.16;
const GAS_CONSTANT: f64 = 287.1;
const AIR_HEAT: f64 = 1004.67;
const LAPSE_RATE: f64 = 0.0098;
const STEFAN_BOLTZMANN: f64 = 5.67e-8;
const EMISSIVITY: f64 = 0.97;
const ALBEDO: f64 = 0.055;
/// What convection adds to the wind, in convective velocities.
const GUSTINESS: f64 = 1.2;
const ITERATIONS: u32 = 10;
const WATER_HEAT: f64 = 4000.0;
const WATER_DENSITY: f64 = 1022.0;
const WATER_VISCOSITY: f64 = 1e-6;
const WATER_CONDUCTIVITY: f64 = 0.6;
/// Of the density of sea water with salinity.
const HALINE_CONTRACTION: f64 = 7.5e-4;

/// Air and sea as they were observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Relative to the sea (m s⁻¹).
    pub wind: f64,
    /// Height of the wind (m).
    pub wind_height: f64,
    /// °C.
    pub air_temperature: f64,
    /// Over water (percent).
    pub relative_humidity: f64,
    /// Height of temperature and humidity (m).
    pub air_height: f64,
    /// hPa.
    pub pressure: f64,
    /// Below the skin (°C), above freezing.
    pub sea_temperature: f64,
    /// g kg⁻¹.
    pub salinity: f64,
    /// Downwelling (W m⁻²).
    pub shortwave: f64,
    /// Downwelling (W m⁻²).
    pub longwave: f64,
    /// Height of the boundary layer (m).
    pub layer_height: f64,
    /// m s⁻².
    pub gravity: f64,
}

/// Fluxes, **positive upwards** as ships tell them, and how they came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flux {
    /// With gusts (m s⁻¹).
    pub friction_velocity: f64,
    /// In the direction of the mean wind (N m⁻²).
    pub stress: f64,
    /// W m⁻².
    pub sensible: f64,
    /// W m⁻².
    pub latent: f64,
    /// What the mean vertical wind of Webb et al. (1980) adds to a latent heat flux measured by covariance (W m⁻²).
    pub webb: f64,
    /// How much colder the skin is than the water below (K).
    pub skin_cooling: f64,
    /// m.
    pub skin_thickness: f64,
}

/// Scales of turbulence, and the skin.
#[derive(Clone, Copy)]
struct State {
    velocity: f64,
    temperature: f64,
    humidity: f64,
    cooling: f64,
    thickness: f64,
}

/// Fluxes of one observation; cool skin and gusts are always on, waves and rain are not asked for.
pub fn flux(seen: &Observation) -> Flux {
    let (zu, zt, gravity) = (seen.wind_height, seen.air_height, seen.gravity);
    let kelvin = seen.air_temperature + ZERO_CELSIUS;
    let moist = |vapour: f64| 0.622 * vapour / (seen.pressure - 0.378 * vapour);
    let humidity = moist(0.01 * seen.relative_humidity * vapour_pressure(seen.air_temperature, seen.pressure));
    let salted = 1.0 - 0.02 * seen.salinity / 35.0;
    let surface_humidity = moist(salted * vapour_pressure(seen.sea_temperature, seen.pressure));
    let latent_heat = (2.501 - 0.002_37 * seen.sea_temperature) * 1e6;
    let density = 100.0 * seen.pressure / (GAS_CONSTANT * kelvin * (1.0 + 0.61 * humidity));
    let nu = super::air::viscosity(kelvin_of(seen.air_temperature));
    // Of the saturated humidity with temperature.
    let sea_kelvin = seen.sea_temperature + ZERO_CELSIUS;
    let wetness = 0.622 * latent_heat * surface_humidity / (GAS_CONSTANT * sea_kelvin * sea_kelvin);
    let rise = seen.sea_temperature - seen.air_temperature - LAPSE_RATE * zt;
    let moisture = surface_humidity - humidity;
    let skin = Skin::new(seen, density);

    // First guess: neutral coefficients, and the bulk Richardson number.
    let mut wind = seen.wind.hypot(0.5);
    let at_10m = wind * (10.0_f64 / 1e-4).ln() / (zu / 1e-4).ln();
    let mut state = State { velocity: 0.035 * at_10m, temperature: 0.0, humidity: 0.0, cooling: 0.3, thickness: 1e-3 };
    let roughness = 0.011 * state.velocity * state.velocity / gravity + 0.11 * nu / state.velocity;
    let scalar = 10.0 / (KARMAN * KARMAN / (0.001_15 * (10.0 / roughness).ln())).exp();
    let transfer = (KARMAN / (zt / scalar).ln()) * KARMAN / (KARMAN / (zu / roughness).ln()).powi(2);
    let buoyancy = rise - state.cooling + 0.61 * kelvin * moisture;
    let richardson = -gravity * zu / kelvin * buoyancy / (wind * wind);
    let saturation = -zu / (seen.layer_height * 0.004 * GUSTINESS * GUSTINESS * GUSTINESS);
    let zeta = if richardson < 0.0 {
        transfer * richardson / (1.0 + richardson / saturation)
    } else {
        transfer * richardson * (1.0 + 3.0 * richardson / transfer)
    };
    // In air as stable as this iterations do not settle: the first one stands.
    let iterations = if zeta > 50.0 { 1 } else { ITERATIONS };
    state.velocity = wind * KARMAN / ((zu / roughness).ln() - psi_m(zeta, FIRST));
    let profile = KARMAN / ((zt / scalar).ln() - psi_h(zt / zu * zeta));
    state.temperature = -(rise - state.cooling) * profile;
    state.humidity = -(moisture - wetness * state.cooling) * profile;
    let mut charnock = charnock(at_10m);

    let mut longwave = EMISSIVITY * (STEFAN_BOLTZMANN * (sea_kelvin - state.cooling).powi(4) - seen.longwave);
    for _ in 0..iterations {
        let squared = state.velocity * state.velocity;
        let zeta = KARMAN * gravity * zu / kelvin * (state.temperature + 0.61 * kelvin * state.humidity) / squared;
        let roughness = charnock * squared / gravity + 0.11 * nu / state.velocity;
        let scalar = (5.8e-5 / (roughness * state.velocity / nu).powf(0.72)).min(1.6e-4);
        let root = KARMAN / ((zu / roughness).ln() - psi_m(zeta, LATER));
        let profile = KARMAN / ((zt / scalar).ln() - psi_h(zt / zu * zeta));
        state.velocity = wind * root;
        state.humidity = -(moisture - wetness * state.cooling) * profile;
        state.temperature = -(rise - state.cooling) * profile;
        let convection = -gravity / kelvin * state.velocity * (state.temperature + 0.61 * kelvin * state.humidity);
        let gusts = if convection > 0.0 { GUSTINESS * (convection * seen.layer_height).powf(0.333) } else { 0.2 };
        wind = seen.wind.hypot(gusts);
        let sensible = -density * AIR_HEAT * state.velocity * state.temperature;
        let latent = -density * latent_heat * state.velocity * state.humidity;
        let heat = [longwave + sensible + latent, latent / latent_heat];
        (state.cooling, state.thickness) = skin.after(heat, state.velocity, state.thickness);
        longwave = EMISSIVITY * (STEFAN_BOLTZMANN * (sea_kelvin - state.cooling).powi(4) - seen.longwave);
        charnock = self::charnock(state.velocity * seen.wind / wind / KARMAN * (10.0 / roughness).ln());
    }
    let sensible = -density * AIR_HEAT * state.velocity * state.temperature;
    let latent = -density * latent_heat * state.velocity * state.humidity;
    let rising = 1.61 * latent / latent_heat / (1.0 + 1.61 * humidity) / density + sensible / density / AIR_HEAT / kelvin;
    Flux {
        friction_velocity: state.velocity,
        stress: density * state.velocity * state.velocity * seen.wind / wind,
        sensible,
        latent,
        webb: density * rising * humidity * latent_heat,
        skin_cooling: state.cooling,
        skin_thickness: state.thickness,
    }
}

/// The water below the skin, and the sunlight on it.
struct Skin {
    expansion: f64,
    contraction: f64,
    convection: f64,
    density_ratio: f64,
    sunlight: f64,
}

impl Skin {
    fn new(seen: &Observation, density: f64) -> Self {
        let salt = (seen.sea_temperature + 3.2).powf(0.79) * 2.1e-5;
        let fresh = (2.2 * (seen.sea_temperature - 1.0).max(0.0).powf(0.82) - 5.0) * 1e-5;
        let viscous = (WATER_DENSITY * WATER_VISCOSITY).powi(3);
        let conducted = WATER_CONDUCTIVITY * density;
        Self {
            expansion: fresh + (salt - fresh) * seen.salinity / 35.0,
            contraction: HALINE_CONTRACTION * seen.salinity,
            convection: 16.0 * seen.gravity * WATER_HEAT * viscous / (conducted * conducted),
            density_ratio: density / WATER_DENSITY,
            sunlight: (1.0 - ALBEDO) * seen.shortwave,
        }
    }

    /// Cooling and thickness from the heat that leaves it upwards, without sunlight, and the evaporation.
    fn after(&self, [heat, evaporation]: [f64; 2], velocity: f64, thickness: f64) -> (f64, f64) {
        let share = 0.065 + 11.0 * thickness - 6.6e-5 / thickness * (1.0 - (-thickness / 8e-4).exp());
        let cooled = heat - share * self.sunlight;
        let sinking = self.expansion * cooled + self.contraction * evaporation * WATER_HEAT;
        let scale = WATER_VISCOSITY / (self.density_ratio.sqrt() * velocity);
        let thickness = if sinking > 0.0 {
            6.0 * scale / (1.0 + (self.convection * sinking / velocity.powi(4)).powf(0.75)).powf(0.333)
        } else {
            (6.0 * scale).min(0.01)
        };
        (cooled * thickness / WATER_CONDUCTIVITY, thickness)
    }
}

/// For properties that are told in degrees Celsius elsewhere.
fn kelvin_of(celsius: f64) -> f64 {
    celsius + super::air::ZERO_CELSIUS
}

/// Saturation over water (hPa), Buck (1981).
fn vapour_pressure(celsius: f64, pressure: f64) -> f64 {
    6.1121 * (17.502 * celsius / (celsius + 240.97)).exp() * (1.0007 + 3.46e-6 * pressure)
}

/// Equation 13 of Edson et al. (2013), as long as winds were observed.
fn charnock(neutral_wind: f64) -> f64 {
    0.0017 * neutral_wind.min(19.0) - 0.005
}

/// Coefficients of ψ for momentum: stable slope, Kansas and convective.
const FIRST: [f64; 3] = [1.0, 18.0, 10.0];
const LATER: [f64; 3] = [0.7, 15.0, 10.15];

fn psi_m(zeta: f64, [slope, kansas, convective]: [f64; 3]) -> f64 {
    if zeta >= 0.0 {
        let fall = (-(0.35 * zeta).min(50.0)).exp();
        return -(slope * zeta + 0.75 * (zeta - 5.0 / 0.35) * fall + 0.75 * 5.0 / 0.35);
    }
    let x = (1.0 - kansas * zeta).powf(0.25);
    let near = 2.0 * ((1.0 + x) / 2.0).ln() + ((1.0 + x * x) / 2.0).ln() - 2.0 * x.atan() + std::f64::consts::FRAC_PI_2;
    blended(zeta, near, convective)
}

fn psi_h(zeta: f64) -> f64 {
    if zeta >= 0.0 {
        let fall = (-(0.35 * zeta).min(50.0)).exp();
        return -((1.0 + 0.6667 * zeta).powf(1.5) + 0.6667 * (zeta - 14.28) * fall + 8.525);
    }
    blended(zeta, 2.0 * ((1.0 + (1.0 - 15.0 * zeta).sqrt()) / 2.0).ln(), 34.15)
}

/// Between the form of Kansas and that of free convection, by ζ².
fn blended(zeta: f64, near: f64, convective: f64) -> f64 {
    let root = 3.0_f64.sqrt();
    let y = (1.0 - convective * zeta).powf(0.3333);
    let free = 1.5 * ((1.0 + y + y * y) / 3.0).ln() - root * ((1.0 + 2.0 * y) / root).atan() + std::f64::consts::PI / root;
    let share = zeta * zeta / (1.0 + zeta * zeta);
    (1.0 - share) * near + share * free
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wind, air temperature, humidity, sea temperature, shortwave, longwave of rows 1, 2, 7, 12, 15, 33 to 38 of the test
    /// data that come with NOAA's programs; u*, stress, sensible, latent, Webb, cooling and thickness as they print them.
    const ROWS: [([f64; 6], [f64; 7]); 11] = [
        (
            [4.70, 27.70, 75.21, 29.15, 0.0, 428.0],
            [1.511075e-1, 2.600977e-2, 7.049106, 1.209021e2, 4.303966, 3.106351e-1, 1.094567e-3],
        ),
        (
            [4.10, 27.70, 75.63, 29.15, 0.0, 429.0],
            [1.326395e-1, 1.998220e-2, 6.303099, 1.067987e2, 3.833704, 3.132373e-1, 1.216903e-3],
        ),
        (
            [2.50, 27.50, 77.38, 29.16, 0.0, 425.0],
            [8.769766e-2, 8.568455e-3, 5.399293, 7.428796e1, 2.842132, 3.343891e-1, 1.607111e-3],
        ),
        (
            [5.20, 28.00, 75.56, 29.14, 881.0, 409.0],
            [1.659523e-1, 3.143161e-2, 5.399386, 1.222458e2, 4.198723, 2.776824e-1, 1.015771e-3],
        ),
        (
            [4.80, 28.50, 72.99, 29.26, 842.0, 417.0],
            [1.516764e-1, 2.622024e-2, 2.331565, 1.163308e2, 3.571967, 2.692716e-1, 1.099769e-3],
        ),
        (
            [1.10, 27.90, 76.84, 29.27, 25.0, 411.0],
            [4.765099e-2, 2.339941e-3, 2.434930, 4.422985e1, 1.605749, 3.492703e-1, 2.002814e-3],
        ),
        (
            [0.80, 28.00, 77.23, 29.27, 110.0, 414.0],
            [3.886630e-2, 1.463170e-3, 1.916773, 3.685811e1, 1.336001, 3.163244e-1, 2.128142e-3],
        ),
        (
            [0.70, 28.10, 75.95, 29.29, 123.0, 436.0],
            [3.621146e-2, 1.220344e-3, 1.782966, 3.685107e1, 1.301962, 2.545322e-1, 2.275997e-3],
        ),
        (
            [2.10, 27.30, 80.45, 29.38, 116.0, 445.0],
            [7.780388e-2, 6.629100e-3, 7.018903, 6.771715e1, 2.970703, 2.823943e-1, 1.754689e-3],
        ),
        (
            [7.90, 25.40, 89.03, 29.31, 247.0, 436.0],
            [2.764462e-1, 8.795149e-2, 3.940198e1, 1.821892e2, 1.093376e1, 2.673400e-1, 6.317299e-4],
        ),
        (
            [6.60, 25.90, 84.08, 29.33, 635.0, 418.0],
            [2.237259e-1, 5.738856e-2, 2.926550e1, 1.702392e2, 8.855669, 3.084995e-1, 7.701734e-4],
        ),
    ];

    #[test]
    fn figures_are_those_that_noaa_prints() {
        for ([wind, air_temperature, relative_humidity, sea_temperature, shortwave, longwave], expected) in ROWS {
            let found = flux(&Observation {
                wind,
                wind_height: 16.0,
                air_temperature,
                relative_humidity,
                air_height: 16.0,
                pressure: 1008.0,
                sea_temperature,
                salinity: 35.5,
                shortwave,
                longwave,
                layer_height: 600.0,
                gravity: 9.81,
            });
            let Flux { friction_velocity, stress, sensible, latent, webb, skin_cooling, skin_thickness } = found;
            let found = [friction_velocity, stress, sensible, latent, webb, skin_cooling, skin_thickness];
            for (found, expected) in found.into_iter().zip(expected) {
                // Seven digits.
                assert!((found / expected - 1.0).abs() < 5e-7, "{found}, expected {expected}, wind {wind}");
            }
        }
    }

    #[test]
    fn stable_air_takes_little() {
        let calm = Observation {
            wind: 3.0,
            wind_height: 10.0,
            air_temperature: 20.0,
            relative_humidity: 90.0,
            air_height: 10.0,
            pressure: 1013.0,
            sea_temperature: 12.0,
            salinity: 35.0,
            shortwave: 0.0,
            longwave: 350.0,
            layer_height: 600.0,
            gravity: 9.81,
        };
        let (stable, neutral) = (flux(&calm), flux(&Observation { air_temperature: 12.0, ..calm }));
        assert!(stable.sensible < 0.0 && stable.stress > 0.0, "{stable:?}");
        assert!(stable.stress < 0.8 * neutral.stress, "{stable:?} {neutral:?}");
    }
}
