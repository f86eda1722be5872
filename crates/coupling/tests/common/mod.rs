//! Experiments of analytic boxes, for tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use knarr_coupling::document::Placed;
use knarr_coupling::{Coupler, ExperimentFile, Prepared, Registry, State};
use std::path::Path;

/// Three boxes on three grids, all kinds of couplings between them.
pub const BOXES: &str = r#"
title: three boxes
clock: {start: 2000-02-27T00:00, stop: P2D, calendar: noleap}
grids: {fine: r24x12, coarse: H4, square: CS6}
components:
  air:
    kind: analytic
    grid: fine
    step: PT2H
    parameters: {imports: [sea_flux, land_flux], flux: air_flux, content: air_content, residence: 30 h, amplitude: 10, initial: 1e7}
  sea:
    kind: analytic
    grid: coarse
    step: PT3H
    parameters: {imports: [air_flux], flux: sea_flux, content: sea_content, residence: 100 h, amplitude: 4, initial: 3e7}
  land:
    kind: analytic
    grid: square
    step: PT6H
    parameters: {imports: [air_flux], flux: land_flux, content: land_content, residence: 50 h, initial: 2e7}
exchanges:
  - {from: air, to: sea, fields: [air_flux], every: PT6H, map: conservative}
  - {from: air, to: land, fields: [air_flux], every: PT12H, reduce: average, lag: PT4H, initial: 5 W m-2, map: conservative}
  - {from: sea, to: air, fields: [sea_flux], every: PT6H, lag: PT6H, initial: 0, map: conservative}
  - {from: land, to: air, fields: [land_flux], every: PT6H, lag: 2 periods, initial: 1, map: conservative}
budget:
  quantities: [heat]
  every: P1D
  basins: {tropics: {lat: [-23.5, 23.5]}, north: {lat: [23.5, 90]}}
"#;

/// The plan of an experiment that has nothing wrong.
pub fn prepare(text: &str) -> Prepared {
    let file = ExperimentFile::parse(Path::new("test.yaml"), text).unwrap_or_else(|e| panic!("{e}"));
    let (prepared, findings) = Prepared::new(&file, &Registry::built_in());
    prepared.unwrap_or_else(|| panic!("{}", findings.0.iter().map(|f| f.told("test.yaml")).collect::<String>()))
}

/// What is found wrong with an experiment.
pub fn findings(text: &str) -> String {
    match ExperimentFile::parse(Path::new("test.yaml"), text) {
        Err(error) => error.to_string(),
        Ok(file) => Prepared::new(&file, &Registry::built_in()).1.0.iter().map(|f| f.told("test.yaml")).collect(),
    }
}

/// The state at the end of an experiment.
pub fn run_whole(text: &str, threads: usize) -> State {
    in_pool(threads, || {
        let mut prepared = prepare(text);
        let mut coupler = Coupler::of(&mut prepared, threads).expect("starts");
        while !coupler.is_finished() {
            coupler.advance().unwrap_or_else(|e| panic!("{e}"));
        }
        coupler.save().expect("it can be kept")
    })
}

/// Runs `work` in a pool of so many threads.
pub fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(work)
}

/// Some days of an experiment that comes with Knarr.
pub fn shipped(name: &str, days: u32) -> Prepared {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/experiments").join(name);
    let mut file = ExperimentFile::read(&path).unwrap_or_else(|e| panic!("{e}"));
    file.experiment.clock.stop = Placed::nowhere(format!("P{days}D"));
    let (prepared, findings) = Prepared::new(&file, &Registry::built_in());
    let told: String = findings.0.iter().map(|f| f.told(name)).collect();
    assert!(told.is_empty(), "{told}");
    prepared.expect("nothing is wrong")
}
