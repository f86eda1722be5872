#![allow(clippy::excessive_precision, reason = "digits as published")]

use super::*;

/// SST and air in °C, humidity, wind, pressure; radiation is that of the example of AeroBulk.
fn point(sea: f64, air: f64, humidity: f64, east: f64, north: f64, pressure: f64) -> Point {
    Point {
        sea_surface_temperature: sea + 273.15,
        air_temperature: air + 273.15,
        specific_humidity: humidity,
        eastward_wind: east,
        northward_wind: north,
        pressure,
        shortwave: 0.0,
        longwave: 350.0,
    }
}

fn converged(scheme: Scheme, cool_skin: bool) -> Options {
    Options { cool_skin, iterations: 50, ..Options::new(scheme) }
}

/// Half a unit of the last digit printed, and of the last bit of the single precision that printed it.
fn prints(found: f64, expected: &str, what: &str) {
    let (mantissa, power) = expected.split_once('e').unwrap_or((expected, "0"));
    let digits = mantissa.split_once('.').map_or(0, |(_, digits)| digits.len());
    let unit = 10.0_f64.powi(power.parse::<i32>().expect("an exponent") - i32::try_from(digits).expect("few digits"));
    let expected: f64 = expected.parse().expect("a number");
    assert!((found - expected).abs() <= 0.5001 * unit + 1.2e-7 * expected.abs(), "{what}: {found}, expected {expected}");
}

const SCHEMES: [Scheme; 5] = [Scheme::Coare30, Scheme::Coare36, Scheme::Ncar, Scheme::Ecmwf, Scheme::Andreas];

/// AeroBulk ce0cb4c, built with gfortran, 50 iterations, no skin, wind at 10 m, air at 2 m.
#[test]
fn full_precision_of_aerobulk() {
    let (unstable, stable) = (point(22.0, 20.0, 0.012, 5.0, 0.0, 101_000.0), point(22.0, 25.0, 0.012, 5.0, 0.0, 101_000.0));
    let cold = point(2.0, -5.0, 0.0015, 12.0, 0.0, 99_500.0);
    let strong = point(15.0, 15.0, 0.0085, 20.0, 10.0, 101_000.0);
    let storm = point(10.0, 12.0, 0.008, 40.0, 0.0, 96_000.0);
    let cases = [
        (Scheme::Ncar, unstable, [-16.696_953_274_859_10, -88.478_183_775_259_68, 0.035_851_960_993_619_40]),
        (Scheme::Ncar, stable, [10.726_168_255_651_94, -71.901_219_695_519_30, 0.027_732_995_375_788_98]),
        (Scheme::Ncar, cold, [-159.713_944_115_053_2, -171.870_443_444_400_7, 0.266_945_489_405_745_4]),
        (Scheme::Ncar, strong, [0.622_960_431_728_386_9, -220.004_986_378_156_0, 1.050_831_359_106_687]),
        (Scheme::Ncar, storm, [89.762_415_864_079_02, 37.058_042_098_797_44, 4.355_696_714_615_370]),
        (Scheme::Coare36, unstable, [-18.292_657_704_947_50, -90.485_194_305_802_85, 0.032_595_091_484_168_38]),
        (Scheme::Coare36, cold, [-147.724_930_155_309_9, -148.646_594_212_936_3, 0.317_454_427_369_516_7]),
        (Scheme::Ecmwf, unstable, [-16.771_628_251_681_53, -86.559_889_506_034_95, 0.038_861_221_018_939_74]),
    ];
    for (scheme, point, expected) in cases {
        let found = flux(&converged(scheme, false), &point);
        let found = [found.sensible, found.latent, found.eastward_stress];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-13, "{scheme:?}: {found}, expected {expected}");
        }
    }
    // Its COARE 3.0 had the viscosity of the air where it is measured.
    let found = coare_by_the_air(coare::VERSION_30, &unstable);
    let expected = [-17.797_301_408_411_41, -88.034_774_453_508_89, 0.036_199_317_839_034_97];
    for (found, expected) in [found.sensible, found.latent, found.eastward_stress].into_iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < 1e-13, "{found}, expected {expected}");
    }
    let found = flux(&converged(Scheme::Ncar, false), &strong).northward_stress;
    assert!((found / 0.525_415_679_553_343_6 - 1.0).abs() < 1e-13, "{found}");
}

fn by_the_air(mut version: coare::Version) -> coare::Version {
    version.viscosity_of_guess = false;
    version
}

fn coare_by_the_air(version: coare::Version, point: &Point) -> Flux {
    let theta = air::potential_temperature(2.0, point.pressure, point.air_temperature, point.specific_humidity);
    let t = coare::transfer(by_the_air(version), &converged(Scheme::Coare30, false), &air_of(theta, point), point);
    finish(point, &t, air::density_at(10.0, t.theta, t.humidity, point.pressure))
}

fn air_of(theta: f64, point: &Point) -> air::Air {
    let wind = point.eastward_wind.hypot(point.northward_wind);
    air::Air { theta, humidity: point.specific_humidity, wind, pressure: point.pressure }
}

/// `doc/ex_ab.dat` of AeroBulk, 50 iterations: with the skin where a scheme has one, at night, 350 W/m² from above.
#[test]
fn example_of_aerobulk_with_the_cool_skin() {
    // Sensible, latent, stress, skin in °C; air at 20 °C and at 25 °C.
    let table: [[[&str; 4]; 2]; 5] = [
        [["-15.15451", "-81.38467", "3.57835e-2", "21.72197"], ["17.84016", "-50.83000", "1.734608e-2", "21.75757"]],
        [["-15.38655", "-83.07884", "3.2181785e-2", "21.70580"], ["17.08068", "-48.43779", "1.5142991e-2", "21.74849"]],
        [["-16.69695", "-88.47819", "3.5851959e-2", "22.0"], ["10.72617", "-71.90122", "2.7732996e-2", "22.0"]],
        [["-14.38223", "-80.29590", "3.8438912e-2", "21.73254"], ["17.65283", "-52.46112", "1.9324517e-2", "21.76303"]],
        [["-14.41300", "-74.46378", "3.0277077e-2", "22.0"], ["15.19631", "-51.69934", "1.7942309e-2", "22.0"]],
    ];
    for (scheme, rows) in SCHEMES.into_iter().zip(table) {
        for (air, expected) in [20.0, 25.0].into_iter().zip(rows) {
            let found = flux(&converged(scheme, true), &point(22.0, air, 0.012, 5.0, 0.0, 101_000.0));
            let found = [found.sensible, found.latent, found.eastward_stress, found.surface_temperature - 273.15];
            for (found, expected) in found.into_iter().zip(expected) {
                prints(found, expected, &format!("{scheme:?} at {air} °C"));
            }
        }
    }
}

/// README of AeroBulk, made by an earlier version: potential temperature and density by the moist lapse rate.
#[test]
fn table_of_the_readme_of_aerobulk() {
    let table = [
        ["1.1954", "1.3345", "1.3345", ".17578", "36.198", "3.1059", "-88.031", "-17.833"],
        ["1.0775", "1.3729", "1.3729", ".16672", "32.596", "3.1925", "-90.486", "-18.330"],
        ["1.2038", "1.3618", "1.2776", ".17348", "35.849", "3.1215", "-88.473", "-16.730"],
        ["1.2862", "1.3143", "1.2635", ".18192", "38.860", "3.0538", "-86.555", "-16.805"],
        ["1.0167", "1.1565", "1.1103", ".15940", "30.275", "2.6270", "-74.459", "-14.441"],
    ];
    let here = point(22.0, 20.0, 0.012, 5.0, 0.0, 101_000.0);
    let theta = here.air_temperature + 2.0 * moist_lapse_rate(here.air_temperature, 0.012);
    for (scheme, expected) in SCHEMES.into_iter().zip(table) {
        let options = converged(scheme, false);
        let t = match scheme {
            Scheme::Coare30 => coare::transfer(by_the_air(coare::VERSION_30), &options, &air_of(theta, &here), &here),
            Scheme::Coare36 => coare::transfer(by_the_air(coare::VERSION_36), &options, &air_of(theta, &here), &here),
            _ => transfer(&options, theta, &here),
        };
        let absolute = t.theta - 10.0 * moist_lapse_rate(294.6, t.humidity);
        let density = 101_000.0 / (287.05 * absolute * (1.0 + 0.6077 * t.humidity));
        let density = density * (1.0 - density * 9.8 * 10.0 / 101_000.0);
        let found = finish(&here, &t, density);
        let found = [
            1e3 * found.drag_coefficient,
            1e3 * found.moisture_coefficient,
            1e3 * found.heat_coefficient,
            found.friction_velocity,
            1e3 * found.eastward_stress,
            86_400.0 * found.evaporation,
            found.latent,
            found.sensible,
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            let expected: f64 = expected.parse().expect("a number");
            println!("{scheme:?}: {found}, expected {expected} {:e}", found / expected - 1.0);
        }
    }
}

/// K m⁻¹.
fn moist_lapse_rate(temperature: f64, humidity: f64) -> f64 {
    const LATENT: f64 = 2.46e6;
    let ratio = humidity / (1.0 - humidity);
    let per = LATENT * ratio / (287.05 * temperature);
    9.8 * (1.0 + per) / (1005.0 + LATENT * per * 0.622_000 / temperature)
}

/// CMEPS, Large and Yeager's coefficients, 2 iterations: a transliteration run in Python.
#[test]
fn figures_of_cesm() {
    let point = |height, wind, theta, humidity, density, sea| cesm::Point {
        height,
        eastward_wind: wind,
        northward_wind: 0.0,
        potential_temperature: theta,
        specific_humidity: humidity,
        density,
        sea_surface_temperature: sea,
    };
    let (a, b) = (point(10.0, 5.0, 293.15, 0.012, 1.2, 295.15), point(10.0, 8.0, 280.0, 0.006, 1.25, 278.15));
    let c = point(60.0, 12.0, 268.5, 0.0015, 1.29, 275.15);
    let cases = [
        (a, 2, ["0.035919319", "-15.482602714", "-80.467101944"]),
        (b, 2, ["0.081254675", "10.521327086", "18.034897501"]),
        (c, 2, ["0.211618017", "-117.225466554", "-126.173368007"]),
        (c, 50, ["0.211450511", "-117.127483534", "-126.064601267"]),
    ];
    for (point, iterations, expected) in cases {
        let found = cesm::flux(&point, iterations);
        for (found, expected) in [found.eastward_stress, found.sensible, found.latent].into_iter().zip(expected) {
            prints(found, expected, "CESM");
        }
    }
    let found = cesm::flux(&a, 2);
    prints(found.longwave_up, "-430.283020994", "longwave");
    prints(found.friction_velocity, "0.173010883", "friction velocity");
}

#[test]
fn nothing_flows_where_nothing_differs() {
    for scheme in SCHEMES {
        // Heights are one, so that air at the wind's height is what is given; θ = T_s makes a temperature.
        let options = Options { air_height: 10.0, ..converged(scheme, false) };
        let mut here = point(15.0, 15.0, 0.0, 7.0, 0.0, 101_000.0);
        here.specific_humidity = air::SALT * air::saturation(here.sea_surface_temperature, here.pressure);
        let t = transfer(&options, here.sea_surface_temperature, &here);
        let found = finish(&here, &t, 1.2);
        assert_eq!((found.sensible, found.latent, found.evaporation), (0.0, 0.0, 0.0), "{scheme:?}");
    }
}

#[test]
fn stress_lies_along_the_wind_and_grows_with_it() {
    for scheme in SCHEMES {
        let mut last = 0.0;
        for step in 1..=30 {
            let speed = f64::from(step);
            let (east, north) = (speed * 0.6, -speed * 0.8);
            let found = flux(&converged(scheme, false), &point(18.0, 16.0, 0.009, east, north, 101_000.0));
            let cross = found.eastward_stress * north - found.northward_stress * east;
            assert!(cross.abs() < 1e-14 * speed, "{scheme:?} {speed}: {cross}");
            let stress = found.eastward_stress.hypot(found.northward_stress);
            assert!(stress > last, "{scheme:?} {speed}: {stress} after {last}");
            last = stress;
        }
    }
}

#[test]
fn heat_flows_from_warm_to_cold() {
    for scheme in SCHEMES {
        for (air, sign) in [(10.0, -1.0), (20.0, 1.0)] {
            let found = flux(&converged(scheme, false), &point(15.0, air, 0.006, 8.0, 0.0, 101_000.0));
            assert!(found.sensible * sign > 0.0, "{scheme:?} {air}: {}", found.sensible);
            assert!(found.latent < 0.0 && found.evaporation > 0.0, "{scheme:?}");
        }
    }
}

#[test]
fn the_sun_warms_the_skin() {
    for scheme in [Scheme::Coare30, Scheme::Coare36, Scheme::Ecmwf] {
        let night = point(22.0, 20.0, 0.012, 5.0, 0.0, 101_000.0);
        let noon = Point { shortwave: 900.0, ..night };
        let skin = |point: &Point| flux(&converged(scheme, true), point).surface_temperature - 295.15;
        assert!(skin(&night) < -0.2 && skin(&noon) > skin(&night) + 0.01, "{scheme:?}");
    }
}

#[test]
fn many_points_are_as_one_and_missing_ones_are_0() {
    let n = 2500;
    let points: Vec<Point> = (0..n)
        .map(|k| {
            let x = k as f64 / n as f64;
            point(30.0 * x, 28.0 * x - 1.0 + 3.0 * (37.0 * x).sin(), 0.004 + 0.01 * x, 12.0 * x, 3.0, 100_000.0 + 3000.0 * x)
        })
        .collect();
    let column = |f: fn(&Point) -> f64| points.iter().map(f).collect::<Vec<f64>>();
    let mut wind = column(|p| p.eastward_wind);
    wind[5] = f64::NAN;
    let valid: Vec<bool> = (0..n).map(|k| k != 9).collect();
    for scheme in SCHEMES {
        let options = Options::new(scheme);
        let mut out = vec![vec![f64::NAN; n]; 6];
        let mut found_valid = vec![true; n];
        let [a, b, c, d, e, f] = &mut out[..] else { unreachable!("six columns") };
        let inputs = Inputs {
            sea_surface_temperature: &column(|p| p.sea_surface_temperature),
            air_temperature: &column(|p| p.air_temperature),
            specific_humidity: &column(|p| p.specific_humidity),
            eastward_wind: &wind,
            northward_wind: &column(|p| p.northward_wind),
            pressure: &column(|p| p.pressure),
            shortwave: &column(|p| p.shortwave),
            longwave: &column(|p| p.longwave),
            valid: Some(&valid),
        };
        let outputs = Outputs {
            eastward_stress: a,
            northward_stress: b,
            sensible: c,
            latent: d,
            evaporation: e,
            surface_temperature: f,
            valid: &mut found_valid,
        };
        fluxes(&options, &inputs, outputs);
        for k in 0..n {
            let found: Vec<f64> = out.iter().map(|column| column[k]).collect();
            if k == 5 || k == 9 {
                assert!(!found_valid[k] && found.iter().all(|&v| v == 0.0), "{scheme:?} {k}");
                continue;
            }
            let one = flux(&options, &points[k]);
            let expected =
                [one.eastward_stress, one.northward_stress, one.sensible, one.latent, one.evaporation, one.surface_temperature];
            assert!(found_valid[k]);
            assert_eq!(found, expected, "{scheme:?} {k}");
        }
    }
}

/// Rows 1 and 2 of NOAA's `test_35_data.txt` with its COARE 3.6 (Matlab), which has other constants (heat capacity of dry
/// air), another vapour pressure and another skin than the COARE 3.6 of AeroBulk that is here: near, and not the same.
#[test]
fn coare_is_near_the_program_of_noaa() {
    // That has other constants for the air and the skin: `noaa` has them, and its figures to all digits.
    // Wind, relative humidity, longwave; stress, sensible and latent heat upward, cooling of the skin.
    let rows = [
        ([4.70, 75.21, 428.0], [0.026_009_77, 7.049_106, 120.902_1], Some(0.310_635_1)),
        ([4.10, 75.63, 429.0], [0.019_982_20, 6.303_099, 106.798_7], None),
    ];
    for ([wind, humidity, longwave], expected, skin) in rows {
        let (air, pressure) = (27.70_f64, 1008.0);
        let vapour = humidity / 100.0 * 6.1121 * (1.0007 + 3.46e-6 * pressure) * (17.502 * air / (240.97 + air)).exp();
        let humidity = 0.621_97 * vapour / (pressure - 0.378 * vapour);
        let point = Point { longwave, ..point(29.15, air, humidity, wind, 0.0, 100.0 * pressure) };
        let options = Options { wind_height: 16.0, air_height: 16.0, ..converged(Scheme::Coare36, true) };
        let found = flux(&options, &point);
        let values = [found.eastward_stress, -found.sensible, -found.latent];
        for (k, within) in [0.002, 0.09, 0.011].into_iter().enumerate() {
            assert!((values[k] / expected[k] - 1.0).abs() < within, "{values:?}, expected {expected:?}");
        }
        let cooling = 29.15 + 273.15 - found.surface_temperature;
        assert!(skin.is_none_or(|skin: f64| (cooling / skin - 1.0).abs() < 0.02), "{cooling}, expected {skin:?}");
    }
}
