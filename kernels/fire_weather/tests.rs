#![allow(clippy::excessive_precision, reason = "digits as published")]

use super::*;

/// Month, noon weather (°C, %, km/h, mm), and what FFMC, DMC, DC, ISI, BUI and FWI print: the 48 days of Van Wagner and
/// Pickett (1985), to the digits that two independent programs agree on.
pub(crate) const DAYS: [(u32, [f64; 4], [&str; 6]); 48] = [
    (4, [17.0, 42.0, 25.0, 0.0], ["87.693", "8.54505", "19.014", "10.8537", "8.49043", "10.0964"]),
    (4, [20.0, 21.0, 25.0, 2.4], ["86.2476", "10.4019", "23.568", "8.83757", "10.3553", "9.28021"]),
    (4, [8.5, 40.0, 17.0, 0.0], ["86.9671", "11.7983", "26.052", "6.53914", "11.7392", "7.58019"]),
    (4, [6.5, 25.0, 6.0, 0.0], ["88.8286", "13.1801", "28.176", "4.90341", "13.1052", "6.15816"]),
    (4, [13.0, 34.0, 24.0, 0.0], ["89.1015", "15.4362", "31.47", "12.6306", "15.3374", "14.8421"]),
    (4, [6.0, 40.0, 22.0, 0.4], ["88.6567", "16.469", "33.504", "10.7134", "16.3685", "13.4677"]),
    (4, [5.5, 52.0, 6.0, 0.0], ["87.3542", "17.237", "35.448", "3.96962", "17.1413", "5.86264"]),
    (4, [8.5, 46.0, 16.0, 0.0], ["87.4026", "18.4938", "37.932", "6.616", "18.396", "9.65284"]),
    (4, [9.5, 54.0, 20.0, 0.0], ["86.811", "19.6759", "40.596", "7.43939", "19.5803", "10.9907"]),
    (4, [7.0, 93.0, 14.0, 9.0], ["29.8589", "10.1447", "29.5247", "0.00671264", "10.9141", "0.00424789"]),
    (4, [6.5, 71.0, 17.0, 1.0], ["49.4441", "10.679", "31.6487", "0.360775", "11.5852", "0.236028"]),
    (4, [6.0, 59.0, 17.0, 0.0], ["67.2814", "11.3847", "33.6827", "1.34998", "12.3412", "0.915364"]),
    (4, [13.0, 52.0, 4.0, 0.0], ["77.8014", "13.0255", "36.9767", "1.13363", "13.8521", "0.821745"]),
    (4, [15.5, 40.0, 11.0, 0.0], ["85.4794", "15.4401", "40.7207", "3.91953", "15.8529", "5.52853"]),
    (4, [23.0, 25.0, 9.0, 0.0], ["91.5186", "19.8221", "45.8147", "8.37975", "19.7828", "12.1653"]),
    (4, [19.0, 46.0, 16.0, 0.0], ["89.9322", "22.4534", "50.1887", "9.5084", "22.3965", "14.2963"]),
    (4, [18.0, 41.0, 20.0, 0.0], ["89.9816", "25.1854", "54.3827", "11.7142", "25.1093", "17.708"]),
    (4, [14.5, 51.0, 16.0, 0.0], ["88.4327", "27.0385", "57.9467", "7.66758", "26.9574", "13.2845"]),
    (5, [14.5, 69.0, 11.0, 0.0], ["85.7044", "28.3117", "62.9607", "4.04431", "28.2494", "8.01262"]),
    (5, [15.5, 42.0, 8.0, 0.0], ["87.3853", "30.8464", "68.1547", "4.41007", "30.7792", "9.08231"]),
    (5, [21.0, 37.0, 8.0, 0.0], ["89.3862", "34.5119", "74.3387", "5.87523", "34.4282", "12.2581"]),
    (5, [23.0, 32.0, 16.0, 0.0], ["90.9844", "38.8263", "80.8827", "11.0515", "38.7198", "21.0063"]),
    (5, [23.0, 32.0, 14.0, 0.0], ["91.2053", "43.1407", "87.4267", "10.3113", "43.0131", "21.0678"]),
    (5, [27.0, 33.0, 12.0, 0.0], ["91.6579", "48.0972", "94.6907", "9.94185", "47.945", "21.6822"]),
    (5, [28.0, 17.0, 27.0, 0.0], ["95.1657", "54.4558", "102.135", "34.5221", "54.2611", "52.5542"]),
    (5, [23.5, 54.0, 20.0, 0.0], ["89.7012", "57.435", "108.769", "11.2529", "57.2409", "25.8633"]),
    (5, [16.0, 50.0, 22.0, 12.2], ["62.2307", "29.9207", "91.8026", "1.40875", "32.9739", "3.01987"]),
    (5, [11.0, 58.0, 20.0, 0.0], ["76.4902", "31.2586", "96.1866", "2.30048", "34.4932", "5.36439"]),
    (5, [16.0, 54.0, 16.0, 0.0], ["83.3903", "33.3294", "101.471", "3.80293", "36.6024", "8.85162"]),
    (5, [21.5, 37.0, 9.0, 0.0], ["88.6578", "37.0778", "107.745", "5.56545", "39.8618", "12.7249"]),
    (5, [14.0, 61.0, 22.0, 0.2], ["86.6722", "38.6282", "112.669", "8.06766", "41.6001", "17.3107"]),
    (5, [15.0, 30.0, 27.0, 0.0], ["89.6317", "41.5952", "117.773", "15.8534", "44.1807", "28.828"]),
    (5, [20.0, 23.0, 11.0, 0.0], ["92.1267", "45.8725", "123.777", "10.1018", "47.6222", "21.8556"]),
    (5, [14.0, 95.0, 3.0, 16.4], ["21.3333", "20.0857", "96.8932", "0.000251046", "26.4591", "0.000272638"]),
    (5, [20.0, 53.0, 4.0, 2.8], ["51.0377", "18.2351", "102.897", "0.226985", "25.2731", "0.239184"]),
    (5, [19.5, 30.0, 16.0, 0.0], ["82.2651", "22.0314", "108.811", "3.29738", "29.2546", "6.80489"]),
    (5, [25.5, 51.0, 20.0, 6.0], ["75.3587", "16.3742", "106.332", "2.14151", "23.6454", "3.81483"]),
    (5, [10.0, 38.0, 24.0, 0.0], ["84.3233", "18.186", "110.536", "6.44047", "25.7717", "11.2861"]),
    (5, [19.0, 27.0, 16.0, 0.0], ["90.3074", "22.0489", "116.36", "10.0331", "29.9228", "17.2077"]),
    (5, [26.0, 46.0, 11.0, 4.2], ["77.5782", "18.6711", "117.651", "1.5843", "26.7351", "2.93274"]),
    (5, [30.0, 38.0, 22.0, 0.0], ["90.2152", "23.7474", "125.455", "13.3972", "32.2386", "22.0334"]),
    (5, [25.5, 67.0, 19.0, 12.6], ["65.3167", "13.1392", "108.435", "1.39108", "20.1687", "1.86786"]),
    (5, [12.0, 53.0, 28.0, 11.8], ["55.4162", "7.74033", "91.5785", "1.18773", "12.7802", "0.821633"]),
    (5, [21.0, 38.0, 8.0, 0.0], ["80.844", "11.3476", "97.7625", "1.86417", "17.5907", "2.55538"]),
    (5, [13.0, 70.0, 20.0, 3.8], ["61.7413", "8.40599", "97.7989", "1.24124", "13.8384", "0.89923"]),
    (5, [9.0, 78.0, 24.0, 1.4], ["64.482", "8.99097", "101.823", "1.73037", "14.7302", "1.9497"]),
    (5, [11.0, 54.0, 16.0, 0.0], ["77.634", "10.4563", "106.207", "2.04736", "16.782", "2.78611"]),
    (5, [15.5, 39.0, 9.0, 0.0], ["85.4302", "13.1221", "111.401", "3.51963", "20.274", "5.77339"]),
];

fn weather([temperature, relative_humidity, wind, rain]: [f64; 4]) -> Weather {
    Weather { temperature, relative_humidity, wind, rain }
}

/// Six significant digits, as the table has them.
pub(crate) fn agrees(found: f64, expected: &str) -> bool {
    let expected: f64 = expected.parse().expect("a number");
    let unit = 10.0_f64.powf(expected.abs().log10().floor() - 5.0);
    (found - expected).abs() <= 0.5001 * unit
}

#[test]
fn all_days_of_the_report() {
    let mut codes = Codes::SPRING;
    for (k, (month, noon, expected)) in DAYS.into_iter().enumerate() {
        let (today, indices) = day(Variant::Vwp1985, weather(noon), month, 46.0, codes);
        codes = today;
        let found = [today.fine_fuel, today.duff, today.drought, indices.spread, indices.buildup, indices.fire_weather];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(agrees(found, expected), "day {}: {found}, expected {expected}", k + 1);
        }
    }
}

#[test]
fn the_first_day_in_full() {
    let (codes, indices) = day(Variant::Vwp1985, weather(DAYS[0].1), 4, 46.0, Codes::SPRING);
    let found = [codes.fine_fuel, codes.duff, codes.drought, indices.spread, indices.buildup, indices.fire_weather];
    let expected = [
        87.692_980_092_774_448,
        8.545_051_135_999_999_7,
        19.013_999_999_999_999,
        10.853_661_073_655_068,
        8.490_426_535_837_183_8,
        10.096_371_392_382_368,
    ];
    for (found, expected) in found.into_iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < 1e-13, "{found}, expected {expected}");
    }
}

#[test]
fn the_other_variant_is_that_of_the_r_package() {
    let (codes, indices) = day(Variant::CffdrsR19, weather(DAYS[0].1), 4, 46.0, Codes::SPRING);
    let found = [codes.fine_fuel, codes.duff, codes.drought, indices.spread, indices.buildup, indices.fire_weather];
    for (found, expected) in found.into_iter().zip([87.65, 8.545, 19.01, 10.78, 8.49, 10.04]) {
        assert!((found - expected).abs() <= 0.5001 * if expected == 8.545 { 1e-3 } else { 1e-2 }, "{found} {expected}");
    }
}

#[test]
fn winters_carry_drought_over() {
    let cases = [
        ([300.0, 110.0, 0.75, 0.75, 15.0], 109.4657),
        ([300.0, 110.0, 1.0, 0.9, 15.0], 16.353_15),
        ([100.0, 50.0, 0.75, 0.75, 15.0], 105.176),
        ([1.0, 550.0, 0.75, 0.75, 10.0], 10.0),
    ];
    for ([autumn, rain, carried, wetting, least], expected) in cases {
        let found = overwinter_drought(autumn, rain, carried, wetting, least);
        assert!((found - expected).abs() <= 5e-4, "{found}, expected {expected}");
    }
}

#[test]
fn bands_of_latitude_mirror_each_other() {
    for month in 1..=12 {
        let opposite = (month + 5) % 12 + 1;
        // The factor of drought is exactly the other hemisphere's; day lengths were tabled for 46° N and 40° S.
        assert_eq!(drying_factor(45.0, month), drying_factor(-45.0, opposite));
        assert_eq!(drying_factor(0.0, month), 1.4);
        assert!((day_length(20.0, month) - day_length(-20.0, opposite)).abs() <= 0.25);
        assert_eq!(day_length(0.0, month), 9.0);
    }
    let edges = [(30.01, NORTH[0]), (30.0, NORTH_20[0]), (10.0, 9.0), (-10.0, SOUTH_20[0]), (-30.0, SOUTH[0])];
    for (latitude, expected) in edges {
        assert_eq!(day_length(latitude, 1), expected, "{latitude}");
    }
    // Longer days dry more: summer in each band.
    let noon = weather([25.0, 40.0, 10.0, 0.0]);
    assert!(duff(noon, 7, 50.0, 20.0) > duff(noon, 7, 20.0, 20.0));
    assert!(drought(noon, 1, -45.0, 20.0) > drought(noon, 7, -45.0, 20.0));
}

#[test]
fn many_points_are_as_one_and_missing_ones_stay() {
    let n = 3000;
    let at = |k: usize| weather(DAYS[k % 48].1);
    let column = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    let mut temperature = column(&|k| at(k).temperature);
    temperature[7] = f64::NAN;
    let latitude = column(&|k| k as f64 * 0.05 - 75.0);
    let valid: Vec<bool> = (0..n).map(|k| k != 11).collect();
    let mut out = vec![vec![f64::NAN; n]; 7];
    out[0].fill(85.0);
    out[1].fill(6.0);
    out[2].fill(15.0);
    let [a, b, c, d, e, f, g] = &mut out[..] else { unreachable!("seven columns") };
    let inputs = Inputs {
        temperature: &temperature,
        relative_humidity: &column(&|k| at(k).relative_humidity),
        wind: &column(&|k| at(k).wind),
        rain: &column(&|k| at(k).rain),
        latitude: &latitude,
        valid: Some(&valid),
    };
    let outputs = Outputs { fine_fuel: a, duff: b, drought: c, spread: d, buildup: e, fire_weather: f, severity: g };
    days(Variant::Vwp1985, 7, &inputs, outputs);
    for k in 0..n {
        let found: Vec<f64> = out.iter().map(|column| column[k]).collect();
        if k == 7 || k == 11 {
            assert_eq!(found, [85.0, 6.0, 15.0, 0.0, 0.0, 0.0, 0.0]);
            continue;
        }
        let (codes, indices) = day(Variant::Vwp1985, at(k), 7, latitude[k], Codes::SPRING);
        let expected =
            [codes.fine_fuel, codes.duff, codes.drought, indices.spread, indices.buildup, indices.fire_weather, indices.severity];
        assert_eq!(found, expected);
    }
}
