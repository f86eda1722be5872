use super::kinematic::{Channel, LEAST_DISCHARGE, discharge};
use super::*;

/// The manual of PCRaster: 5 × 5 cells, all that drain to one pit in the last row but the first cell there.
const LDD: [u8; 25] = [
    2, 2, 2, 1, 1, //
    2, 2, 1, 1, 1, //
    3, 2, 1, 4, 1, //
    3, 2, 1, 4, 4, //
    6, 5, 4, 4, 4,
];

fn pcraster() -> Network {
    Network::from_keypad(&LDD, 5, false).expect("a network")
}

#[test]
fn counts_of_the_manual() {
    let expected = [
        1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 2.0, 1.0, 3.0, 6.0, 5.0, 2.0, 1.0, 1.0, 15.0, 4.0, 3.0, 1.0, 1.0, 25.0, 3.0, 2.0,
        1.0,
    ];
    assert_eq!(pcraster().accumulate(&[1.0; 25]), expected);
    assert!(pcraster().outlets().iter().all(|&outlet| outlet == 21));
}

#[test]
fn discharges_of_the_manual() {
    let mut old = [5.0; 25];
    old[0..5].fill(10.0);
    old[5..10].fill(10.0);
    old[10..15].fill(10.0);
    old[15..19].fill(10.0);
    old[19] = 50.0;
    old[20..24].fill(50.0);
    old[24] = 49.0;
    // Rows of the manual are 10, 10, 10, then 10 but the last of 50, then 50 but the last of 49.
    let channel = Channel { alpha: 1.5, beta: 0.6, seconds: 15.0, length: 10.0 };
    let found = kinematic::step(&pcraster(), &channel, &old, &[0.0; 25]);
    let expected = [
        2.32293, 2.32293, 2.32293, 2.32293, 2.32293, 4.00491, 4.00491, 5.76591, 4.00491, 2.32293, 5.27401, 9.81514, 8.40418,
        4.00491, 2.32293, 2.32293, 21.22170, 9.68365, 9.60760, 7.19019, 7.19019, 57.27763, 17.74742, 12.90773, 7.09124,
    ];
    for (cell, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= 5.01e-6, "{cell}: {found}, expected {expected}");
    }
}

#[test]
fn one_cell_of_the_library() {
    let channel = Channel { alpha: 1.736_84, beta: 0.6, seconds: 15.0, length: 10.0 };
    let found = discharge(&channel, 0.000_201_343, 0.000_115_866, -0.000_290_263);
    assert!((found / 3.145_086_630_093_7e-5 - 1.0).abs() < 1e-12, "{found:e}");
    let dry = Channel { alpha: 1.6808, ..channel };
    assert_eq!(discharge(&dry, 0.0, 1.116_59e-7, -1.326_78e-5), LEAST_DISCHARGE);
}

#[test]
fn the_wave_keeps_water() {
    let channel = Channel { alpha: 2.0, beta: 0.6, seconds: 600.0, length: 1000.0 };
    for k in 0..500 {
        let x = f64::from(k) / 50.0;
        let (inflow, old, lateral) = (x.exp() * 1e-3, (7.0 - x).exp() * 1e-3, 1e-4 * x);
        let now = discharge(&channel, inflow, old, lateral);
        let volume = |q: f64| channel.alpha * q.powf(channel.beta) * channel.length;
        let came = (inflow - now + lateral * channel.length) * channel.seconds;
        let scale = volume(old) + inflow * channel.seconds + lateral * channel.length * channel.seconds;
        assert!((volume(now) - volume(old) - came).abs() < 1e-14 * scale, "{k}");
    }
}

#[test]
fn directions_that_fail_are_named() {
    let found = Network::from_keypad(&[6, 4, 5], 3, false);
    assert_eq!(found, Err(NetworkError::Cycle { cells: vec![0, 1] }));
    assert_eq!(found.expect_err("a cycle").to_string(), "2 cells drain in a circle: 0 -> 1 -> 0");
    assert_eq!(Network::from_keypad(&[5, 5, 6], 3, false), Err(NetworkError::OutOfGrid { cell: 2, code: 6 }));
    assert!(Network::from_keypad(&[5, 5, 6], 3, true).is_ok());
    assert_eq!(Network::from_keypad(&[5, 12], 2, false), Err(NetworkError::Code { cell: 1, code: 12 }));
    // A circle with a tail above, and a tree that is none.
    let downstream = vec![None, Some(0), Some(4), Some(2), Some(3), Some(3), Some(5)];
    assert_eq!(Network::new(downstream), Err(NetworkError::Cycle { cells: vec![2, 4, 3] }));
    assert_eq!(Network::new(vec![Some(9)]), Err(NetworkError::OutOfGrid { cell: 0, code: 0 }));
}

#[test]
fn levels_come_after_what_they_need() {
    let network = pcraster();
    let mut level_of = [usize::MAX; 25];
    for (level, cells) in network.levels().enumerate() {
        for &cell in cells {
            level_of[cell as usize] = level;
        }
    }
    for cell in 0..25 {
        let needed = network.upstream(cell).iter().map(|&from| level_of[from as usize] + 1).max().unwrap_or(0);
        assert_eq!(level_of[cell], needed, "{cell}");
    }
}

/// By what cells hold a wave is that by discharge, and keeps the account.
#[test]
fn a_wave_by_storage_is_that_by_discharge() {
    let network = pcraster();
    let channel =
        kinematic::Channel { alpha: kinematic::manning_alpha(0.035, 40.0, 1e-3), beta: 0.6, seconds: 3600.0, length: 5000.0 };
    let local: Vec<f64> = (0..25).map(|k| 2.0 + 0.3 * f64::from(k)).collect();
    let lateral: Vec<f64> = local.iter().map(|l| l / channel.length).collect();
    let mut discharge: Vec<f64> = (0..25).map(|k| 1.0 + f64::from(k % 5)).collect();
    let held = |q: &f64| channel.alpha * q.powf(channel.beta) * channel.length;
    let mut storage: Vec<f64> = discharge.iter().map(held).collect();
    let mut channels = vec![Some(channel); 25];
    for _ in 0..48 {
        let before: f64 = storage.iter().sum();
        discharge = kinematic::step(&network, &channel, &discharge, &lateral);
        let found = kinematic::step_stored(&network, &channels, &mut storage, &local, channel.seconds);
        for (found, expected) in found.iter().zip(&discharge) {
            assert!((found / expected - 1.0).abs() < 1e-11, "{found} {expected}");
        }
        let leaves: f64 = (0..25).filter(|&cell| network.downstream(cell).is_none()).map(|cell| found[cell]).sum();
        let change = (local.iter().sum::<f64>() - leaves) * channel.seconds;
        let now: f64 = storage.iter().sum();
        assert!((now - before - change).abs() < 1e-13 * now, "{now} {before} {change}");
    }
    // Dry channels stay dry, and a cell without a channel holds nothing.
    let dry = kinematic::step_stored(&network, &channels, &mut [0.0; 25], &[0.0; 25], 3600.0);
    assert!(dry.iter().all(|&q| q == 0.0));
    channels.fill(None);
    kinematic::step_stored(&network, &channels, &mut storage, &local, 3600.0);
    assert!(storage.iter().all(|&s| s.abs() < 1e-6), "{storage:?}");
}

#[test]
fn reservoirs_close_and_split_steps_are_whole_steps() {
    let network = pcraster();
    let local: Vec<f64> = (0..25).map(|k| 1.0 + 0.1 * f64::from(k)).collect();
    let residence: Vec<f64> = (0..25).map(|k| f64::from(k % 6) * 40_000.0).collect();
    let start: Vec<f64> = (0..25).map(|k| 1e5 * f64::from(k % 4)).collect();
    let mut storage = start.clone();
    let seconds = 86_400.0;
    let mut left = 0.0;
    for _ in 0..50 {
        left += reservoir::step(&network, &mut storage, &local, &residence, seconds)[21] * seconds;
    }
    let came: f64 = local.iter().sum::<f64>() * 50.0 * seconds;
    let held: f64 = storage.iter().sum::<f64>() - start.iter().sum::<f64>();
    assert!(((came - left - held) / came).abs() < 1e-13, "{came} {left} {held}");
    // Of one cell: two halves are the whole, for a constant inflow.
    let (whole, out) = reservoir::step_one(500.0, 3.0, 2000.0, 900.0);
    let (half, first) = reservoir::step_one(500.0, 3.0, 2000.0, 450.0);
    let (split, second) = reservoir::step_one(half, 3.0, 2000.0, 450.0);
    assert!((split / whole - 1.0).abs() < 1e-15 * 4.0 && (0.5 * (first + second) / out - 1.0).abs() < 1e-14);
    // k -> 0: what comes leaves.
    let (held, out) = reservoir::step_one(0.0, 3.0, 1e-9, 900.0);
    assert!(held < 1e-8 && (out - 3.0).abs() < 1e-11);
}

#[test]
fn land_drains_to_the_sea_over_the_lowest_rim() {
    // A valley behind a hollow: the sea is the left column.
    let height = [
        -1.0, 5.0, 6.0, 7.0, //
        -1.0, 3.0, 1.0, 4.0, //
        -1.0, 5.0, 6.0, 7.0,
    ];
    let land: Vec<bool> = height.iter().map(|&h| h > 0.0).collect();
    let network = relief::network(&height, &land, 4, false, (1.0, &[1.0; 3])).expect("a network");
    let outlets = network.outlets();
    assert!((0..12).filter(|&c| land[c]).all(|c| !land[outlets[c]]), "{outlets:?}");
    // Cell 6 is a hollow; it spills over cell 5, and takes its neighbours along.
    assert_eq!((network.downstream(6), network.downstream(7)), (Some(5), Some(6)));
    let through = network.accumulate(&land.iter().map(|&l| f64::from(u8::from(l))).collect::<Vec<_>>());
    assert_eq!(through.iter().zip(&land).filter(|(_, land)| !**land).map(|(t, _)| t).sum::<f64>(), 9.0);
    // An island without a sea ends in its lowest cell, and a world that is round has no edge.
    let all = vec![true; 12];
    let alone = relief::network(&height, &all, 4, true, (1.0, &[1.0; 3])).expect("a network");
    assert!(alone.outlets().iter().all(|&c| height[c] == -1.0));
}
