use super::*;

const DAY: f64 = 86_400.0;
const FREEZING: f64 = 271.35;

fn forcing(given: f64) -> Forcing {
    Forcing { given, emissivity: 0.97, exchange: 10.0, air_temperature: 250.0, ocean: 2.0, freezing: FREEZING }
}

#[test]
fn growth_is_that_of_stefan() {
    let expected = [(10.0, 0.488_940_165_782_677), (30.0, 0.834_977_518_946_932_5), (90.0, 1.439_292_316_188_870_9)];
    for (days, expected) in expected {
        assert!((stefan_thickness(0.1, 20.0, days * DAY) - expected).abs() < 1e-15);
        // A surface at a given temperature: an exchange so strong that the air holds it.
        let held = Forcing {
            given: 0.0,
            emissivity: 0.0,
            exchange: 1e9,
            air_temperature: FREEZING - 20.0,
            ocean: 0.0,
            freezing: FREEZING,
        };
        let error = |steps: u32| {
            let mut ice = Ice { thickness: 0.1, snow: 0.0 };
            for _ in 0..steps {
                ice = step(ice, &held, days * DAY / f64::from(steps)).ice;
            }
            (ice.thickness - expected).abs()
        };
        let (coarse, fine) = (error(4000), error(8000));
        assert!(fine < 1e-3 && (coarse / fine - 2.0).abs() < 0.05, "{days}: {coarse} {fine}");
    }
}

#[test]
fn the_surface_is_in_balance() {
    for (thickness, snow, given) in [(2.0, 0.3, 150.0), (0.3, 0.0, 180.0), (4.0, 0.5, 100.0)] {
        let ice = Ice { thickness, snow };
        let t = surface_temperature(ice, &forcing(given));
        let rest = surface_heat(&forcing(given), t) + conductance(ice) * (FREEZING - t);
        assert!(t < MELTING && rest.abs() < 1e-9, "{t} {rest}");
    }
    assert_eq!(surface_temperature(Ice { thickness: 1.0, snow: 0.0 }, &forcing(800.0)), MELTING);
}

#[test]
fn energy_and_water_close_to_rounding_through_melt_and_growth() {
    let mut ice = Ice { thickness: 1.0, snow: 0.2 };
    let start = ice;
    let (mut heat, mut water) = (0.0, 0.0);
    for k in 0..700 {
        let given = 300.0 + 350.0 * (f64::from(k) * std::f64::consts::TAU / 365.0).sin();
        let f = Forcing { air_temperature: 262.0, ..forcing(given) };
        let before = energy(ice);
        let s = step(ice, &f, DAY);
        let change = (s.surface_heat + f.ocean - s.left) * DAY;
        assert!((energy(s.ice) - before - change).abs() <= 1e-12 * 3e8, "{k}");
        heat += change;
        water += s.melt_water * DAY;
        ice = s.ice;
        if ice.thickness == 0.0 {
            break;
        }
    }
    let scale = 1e9;
    assert!((energy(ice) - energy(start) - heat).abs() < 1e-13 * scale * 10.0);
    let mass = |ice: Ice| ICE_DENSITY * ice.thickness + SNOW_DENSITY * ice.snow;
    assert!((mass(start) - mass(ice) - water).abs() < 1e-11 * mass(start));
}

#[test]
fn heat_that_finds_no_more_ice_goes_into_the_sea() {
    let ice = Ice { thickness: 0.01, snow: 0.05 };
    let f = Forcing { ocean: 300.0, ..forcing(900.0) };
    let s = step(ice, &f, DAY);
    assert_eq!(s.ice, Ice { thickness: 0.0, snow: 0.0 });
    assert!(s.left > 0.0);
    let change = (s.surface_heat + f.ocean - s.left) * DAY;
    assert!((-energy(ice) - change).abs() < 1e-12 * change.abs().max(1e8));
}

/// The Arctic of Fletcher (1965) as Semtner used it: multi-year ice of two to three metres, thickest in spring.
///
/// Without brine pockets, which Semtner makes up for in conductivity and albedo, it is thinner than his 2.9 m.
#[test]
fn the_arctic_keeps_its_ice() {
    // 1e4 kcal/m² per month of 30 days.
    let unit = 1e4 * 4184.0 / (30.0 * DAY);
    let sun = [0.0, 0.0, 1.9, 9.9, 17.7, 19.2, 13.6, 9.0, 3.7, 0.4, 0.0, 0.0];
    let sky = [10.4, 10.3, 10.3, 11.6, 15.1, 18.0, 19.1, 18.7, 16.5, 13.9, 11.2, 10.9];
    let sensible = [1.18, 0.76, 0.72, 0.29, -0.45, -0.39, -0.30, -0.40, -0.17, 0.1, 0.56, 0.79];
    let latent = [0.0, -0.02, -0.03, -0.09, -0.46, -0.70, -0.64, -0.66, -0.39, -0.19, -0.01, -0.01];
    // Maykut and Untersteiner (1971): 30 cm from 20 August to October, 5 cm to April, 5 cm in May.
    let snow = [0.05 / 6.0, 0.05 / 6.0, 0.05 / 6.0, 0.05 / 6.0, 0.05, 0.0, 0.0, 0.04, 0.13, 0.13, 0.05 / 6.0, 0.05 / 6.0];
    let mut ice = Ice { thickness: 1.0, snow: 0.1 };
    let (mut least, mut most, mut most_at) = (f64::INFINITY, 0.0, 0);
    for year in 0..60 {
        for day in 0..360 {
            let m = day / 30;
            ice.snow += snow[m] / 30.0;
            let albedo = if ice.snow > 0.0 { 0.75 } else { 0.64 };
            let f = Forcing {
                given: unit * ((1.0 - albedo) * sun[m] + sky[m] + sensible[m] + latent[m]),
                emissivity: 1.02,
                exchange: 0.0,
                air_temperature: 0.0,
                ocean: 1.5 * 4184.0 * 1e4 / (360.0 * DAY),
                freezing: FREEZING,
            };
            ice = step(ice, &f, DAY).ice;
            if year == 59 {
                least = ice.thickness.min(least);
                if ice.thickness > most {
                    (most, most_at) = (ice.thickness, m);
                }
            }
        }
    }
    assert!(least > 1.2 && most < 3.5 && (0.3..1.0).contains(&(most - least)), "{least} to {most}");
    assert!((3..=5).contains(&most_at), "thickest in month {}", most_at + 1);
}
