//! The Canadian Forest Fire Weather Index System: three moisture codes and three indices of fire behaviour, daily.
//!
//! | code | what | days of memory |
//! |---|---|---:|
//! | FFMC | moisture of fine fuel and litter | 2/3 |
//! | DMC | moisture of loosely packed duff | 15 |
//! | DC | moisture of deep organic layers: drought | 53 |
//! | ISI | initial spread index, of FFMC and wind | - |
//! | BUI | buildup index, of DMC and DC | - |
//! | FWI | fire weather index, of ISI and BUI; DSR, its power, is fit for averages | - |
//!
//! Weather is that of noon, local standard time. Reference: Van Wagner and Pickett (1985), Forestry Technical Report 33;
//! Van Wagner (1987), Forestry Technical Report 35; day lengths away from Canada: Wang, Anderson and Suddaby (2015),
//! Information Report NOR-X-424.

use rayon::prelude::*;

/// Which relation of FFMC and moisture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// 147.2 as printed in 1985: what GEFF, EFFIS and xclim compute.
    #[default]
    Vwp1985,
    /// 250·59.5/101 = 147.277…, for which FFMC 101 is no moisture: the R package cffdrs from 1.9 on.
    CffdrsR19,
}

impl Variant {
    /// The coefficient of the relation, in percent of moisture.
    pub fn moisture_coefficient(self) -> f64 {
        match self {
            Variant::Vwp1985 => 147.2,
            Variant::CffdrsR19 => 250.0 * 59.5 / 101.0,
        }
    }
}

/// Weather at noon, rain of the 24 hours before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// °C.
    pub temperature: f64,
    /// Percent, 0 to 100.
    pub relative_humidity: f64,
    /// At 10 m, **km h⁻¹**.
    pub wind: f64,
    /// mm.
    pub rain: f64,
}

/// What is carried from day to day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Codes {
    /// Fine fuel moisture code, 0 to 101.
    pub fine_fuel: f64,
    /// Duff moisture code.
    pub duff: f64,
    /// Drought code.
    pub drought: f64,
}

impl Codes {
    /// Where a season begins after a wet spring: 85, 6, 15.
    pub const SPRING: Codes = Codes { fine_fuel: 85.0, duff: 6.0, drought: 15.0 };
}

/// What follows from a day's codes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Indices {
    /// Initial spread index.
    pub spread: f64,
    /// Buildup index.
    pub buildup: f64,
    /// Fire weather index.
    pub fire_weather: f64,
    /// Daily severity rating, 0.0272 FWI^1.77.
    pub severity: f64,
}

/// A day: yesterday's codes and today's noon give today's codes and indices.
///
/// `month` is 1 to 12; `latitude` in degrees chooses the day length.
///
/// ```
/// use knarr_kernels::fire_weather::{Codes, Variant, Weather, day};
/// let noon = Weather { temperature: 17.0, relative_humidity: 42.0, wind: 25.0, rain: 0.0 };
/// let (codes, indices) = day(Variant::Vwp1985, noon, 4, 46.0, Codes::SPRING);
/// assert!((codes.fine_fuel - 87.692_980_092_774).abs() < 1e-9);
/// assert!((indices.fire_weather - 10.096_371_392_382).abs() < 1e-9);
/// ```
pub fn day(variant: Variant, weather: Weather, month: u32, latitude: f64, yesterday: Codes) -> (Codes, Indices) {
    let today = Codes {
        fine_fuel: fine_fuel(variant, weather, yesterday.fine_fuel),
        duff: duff(weather, month, latitude, yesterday.duff),
        drought: drought(weather, month, latitude, yesterday.drought),
    };
    let spread = spread(variant, weather.wind, today.fine_fuel);
    let buildup = buildup(today.duff, today.drought);
    let fire_weather = fire_weather(spread, buildup);
    (today, Indices { spread, buildup, fire_weather, severity: 0.0272 * fire_weather.powf(1.77) })
}

/// Moisture (percent of dry mass) of a fine fuel moisture code.
fn moisture(variant: Variant, code: f64) -> f64 {
    variant.moisture_coefficient() * (101.0 - code) / (59.5 + code)
}

/// Fine fuel moisture code of today.
pub fn fine_fuel(variant: Variant, weather: Weather, yesterday: f64) -> f64 {
    let Weather { temperature: t, relative_humidity: h, wind: w, rain } = weather;
    let mut before = moisture(variant, yesterday);
    if rain > 0.5 {
        let soaking = rain - 0.5;
        let wet = before + 42.5 * soaking * (-100.0 / (251.0 - before)).exp() * (1.0 - (-6.93 / soaking).exp());
        let excess = (before - 150.0).max(0.0);
        before = (wet + 0.0015 * excess * excess * soaking.sqrt()).min(250.0);
    }
    let warmth = 0.18 * (21.1 - t) * (1.0 - (-0.115 * h).exp());
    let drying_end = 0.942 * h.powf(0.679) + 11.0 * ((h - 100.0) / 10.0).exp() + warmth;
    let wetting_end = 0.618 * h.powf(0.753) + 10.0 * ((h - 100.0) / 10.0).exp() + warmth;
    // Log rate by humidity or its complement, at 21.1 °C and the temperature of the day.
    let rate =
        |share: f64| (0.424 * (1.0 - share.powf(1.7)) + 0.0694 * w.sqrt() * (1.0 - share.powi(8))) * 0.581 * (0.0365 * t).exp();
    let after = if before > drying_end {
        drying_end + (before - drying_end) * ten_to(-rate(h / 100.0))
    } else if before < wetting_end {
        wetting_end - (wetting_end - before) * ten_to(-rate((100.0 - h) / 100.0))
    } else {
        before
    };
    (59.5 * (250.0 - after) / (variant.moisture_coefficient() + after)).clamp(0.0, 101.0)
}

fn ten_to(x: f64) -> f64 {
    (x * std::f64::consts::LN_10).exp()
}

/// Duff moisture code of today.
pub fn duff(weather: Weather, month: u32, latitude: f64, yesterday: f64) -> f64 {
    let mut before = yesterday;
    if weather.rain > 1.5 {
        let effective = 0.92 * weather.rain - 1.27;
        let moisture = 20.0 + 280.0 * (-0.023 * yesterday).exp();
        let slope = if yesterday <= 33.0 {
            100.0 / (0.5 + 0.3 * yesterday)
        } else if yesterday <= 65.0 {
            14.0 - 1.3 * yesterday.ln()
        } else {
            6.2 * yesterday.ln() - 17.2
        };
        let wet = moisture + 1000.0 * effective / (48.77 + slope * effective);
        before = (43.43 * (5.6348 - (wet - 20.0).ln())).max(0.0);
    }
    let warmth = weather.temperature.max(-1.1) + 1.1;
    before + 1.894 * warmth * (100.0 - weather.relative_humidity) * day_length(latitude, month) * 1e-4
}

/// Drought code of today.
pub fn drought(weather: Weather, month: u32, latitude: f64, yesterday: f64) -> f64 {
    let mut before = yesterday;
    if weather.rain > 2.8 {
        let effective = 0.83 * weather.rain - 1.27;
        let moisture = 800.0 * (-yesterday / 400.0).exp();
        before = (yesterday - 400.0 * (1.0 + 3.937 * effective / moisture).ln()).max(0.0);
    }
    let evaporation = 0.36 * (weather.temperature.max(-2.8) + 2.8) + drying_factor(latitude, month);
    before + 0.5 * evaporation.max(0.0)
}

/// Initial spread index.
pub fn spread(variant: Variant, wind: f64, fine_fuel: f64) -> f64 {
    let m = moisture(variant, fine_fuel);
    0.208 * (0.050_39 * wind).exp() * 91.9 * (-0.1386 * m).exp() * (1.0 + m.powf(5.31) / 4.93e7)
}

/// Buildup index.
pub fn buildup(duff: f64, drought: f64) -> f64 {
    if duff <= 0.0 && drought <= 0.0 {
        return 0.0;
    }
    let mean = 0.8 * duff * drought / (duff + 0.4 * drought);
    if duff <= 0.4 * drought {
        return mean;
    }
    let share = 1.0 - 0.8 * drought / (duff + 0.4 * drought);
    (duff - share * (0.92 + (0.0114 * duff).powf(1.7))).max(0.0)
}

/// Fire weather index; the relation jumps by half a thousandth at a buildup of 80, as published.
pub fn fire_weather(spread: f64, buildup: f64) -> f64 {
    let duff_effect =
        if buildup <= 80.0 { 0.626 * buildup.powf(0.809) + 2.0 } else { 1000.0 / (25.0 + 108.64 * (-0.023 * buildup).exp()) };
    let b = 0.1 * spread * duff_effect;
    if b > 1.0 { (2.72 * (0.434 * b.ln()).powf(0.647)).exp() } else { b }
}

/// The drought code of spring from that of autumn and the precipitation of winter (mm).
///
/// `Q_s = a Q_f + 3.94 b p`, `Q = 800 e^(−DC/400)`: `carried` is the part a of autumn's moisture that stays, `wetting`
/// the part b of winter's water that is taken up (each 0.5 to 1); no result is below `least`.
///
/// ```
/// let spring = knarr_kernels::fire_weather::overwinter_drought(300.0, 110.0, 0.75, 0.75, 15.0);
/// assert!((spring - 109.4657).abs() < 5e-5);
/// ```
///
/// Reference: Lawson and Armitage (2008), Weather guide for the Canadian Forest Fire Danger Rating System.
pub fn overwinter_drought(autumn: f64, precipitation: f64, carried: f64, wetting: f64, least: f64) -> f64 {
    let moisture = carried * 800.0 * (-autumn / 400.0).exp() + 3.94 * wetting * precipitation;
    (400.0 * (800.0 / moisture).ln()).max(least)
}

const NORTH: [f64; 12] = [6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0];
const NORTH_20: [f64; 12] = [7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8];
const SOUTH_20: [f64; 12] = [10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2];
const SOUTH: [f64; 12] = [11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10.0, 11.2, 11.8];

/// Effective day length for the duff moisture code (hours less three): five bands, parted at ±30° and ±10°.
pub fn day_length(latitude: f64, month: u32) -> f64 {
    let m = month_index(month);
    if latitude > 30.0 {
        NORTH[m]
    } else if latitude > 10.0 {
        NORTH_20[m]
    } else if latitude > -10.0 {
        9.0
    } else if latitude > -30.0 {
        SOUTH_20[m]
    } else {
        SOUTH[m]
    }
}

const NORTH_DRYING: [f64; 12] = [-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6];

/// Day length factor of the drought code: the north's, 1.4 within 20° of the equator, the north's half a year later.
pub fn drying_factor(latitude: f64, month: u32) -> f64 {
    let m = month_index(month);
    if latitude > 20.0 {
        NORTH_DRYING[m]
    } else if latitude > -20.0 {
        1.4
    } else {
        NORTH_DRYING[(m + 6) % 12]
    }
}

fn month_index(month: u32) -> usize {
    (month.clamp(1, 12) - 1) as usize
}

/// Weather of many points: slices of one length, as the fields of [`Weather`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields of Weather")]
pub struct Inputs<'a> {
    pub temperature: &'a [f64],
    pub relative_humidity: &'a [f64],
    pub wind: &'a [f64],
    pub rain: &'a [f64],
    /// Degrees north.
    pub latitude: &'a [f64],
    /// Points to be left out, all taken if not given.
    pub valid: Option<&'a [bool]>,
}

/// Codes of many points, yesterday's before and today's after, and today's indices.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields of Codes and Indices")]
pub struct Outputs<'a> {
    pub fine_fuel: &'a mut [f64],
    pub duff: &'a mut [f64],
    pub drought: &'a mut [f64],
    pub spread: &'a mut [f64],
    pub buildup: &'a mut [f64],
    pub fire_weather: &'a mut [f64],
    pub severity: &'a mut [f64],
}

const CHUNK: usize = 1024;

/// A day at many points, each as [`day`] has it, whatever the number of threads.
///
/// A point that is not valid, or whose weather is not finite, keeps its codes and has indices of 0.
///
/// # Panics
/// If slices differ in length.
pub fn days(variant: Variant, month: u32, inputs: &Inputs<'_>, outputs: Outputs<'_>) {
    let n = inputs.temperature.len();
    let lengths = [
        inputs.relative_humidity.len(),
        inputs.wind.len(),
        inputs.rain.len(),
        inputs.latitude.len(),
        inputs.valid.map_or(n, <[bool]>::len),
        outputs.fine_fuel.len(),
        outputs.duff.len(),
        outputs.drought.len(),
        outputs.spread.len(),
        outputs.buildup.len(),
        outputs.fire_weather.len(),
        outputs.severity.len(),
    ];
    assert!(lengths.iter().all(|&length| length == n), "one value per point everywhere: {n}, {lengths:?}");
    let chunks = (
        outputs.fine_fuel.par_chunks_mut(CHUNK),
        outputs.duff.par_chunks_mut(CHUNK),
        outputs.drought.par_chunks_mut(CHUNK),
        outputs.spread.par_chunks_mut(CHUNK),
        outputs.buildup.par_chunks_mut(CHUNK),
        outputs.fire_weather.par_chunks_mut(CHUNK),
        outputs.severity.par_chunks_mut(CHUNK),
    );
    chunks.into_par_iter().enumerate().for_each(|(chunk, (fuel, duff, drought, spread, buildup, index, severity))| {
        for k in 0..fuel.len() {
            let i = chunk * CHUNK + k;
            let weather = Weather {
                temperature: inputs.temperature[i],
                relative_humidity: inputs.relative_humidity[i],
                wind: inputs.wind[i],
                rain: inputs.rain[i],
            };
            let finite = (weather.temperature + weather.relative_humidity + weather.wind + weather.rain).is_finite();
            let (mut codes, mut indices) = (Codes { fine_fuel: fuel[k], duff: duff[k], drought: drought[k] }, Indices::default());
            if finite && inputs.valid.is_none_or(|valid| valid[i]) {
                (codes, indices) = day(variant, weather, month, inputs.latitude[i], codes);
            }
            (fuel[k], duff[k], drought[k]) = (codes.fine_fuel, codes.duff, codes.drought);
            (spread[k], buildup[k]) = (indices.spread, indices.buildup);
            (index[k], severity[k]) = (indices.fire_weather, indices.severity);
        }
    });
}

#[cfg(test)]
pub(crate) mod tests;
