//! What happens to fields on their way: maps, corrections, clipping, turning, merging, with the ledger's word on each.

mod common;

use common::{findings, prepare};
use knarr_coupling::{
    Component, ComponentError, Context, Coupler, Declaration, DeclaredGrid, ExperimentFile, Export, Fields, Import, Interval,
    Parameters, Prepared, Registry, RunError, State,
};
use knarr_grid::Grid;
use std::collections::BTreeMap;
use std::path::Path;

/// A box that gives to another, in a way that each test says.
fn two(to: &str, exchange: &str) -> String {
    between("r36x18", to, exchange)
}

/// Half of the tropics, twice: the boxes' pattern has an integral there that lines between centers do not keep.
const COARSE: &str = "ll:5,-25,10,10,18,6";
const FINE: &str = "ll:2.5,-27.5,5,5,36,12";

fn between(from: &str, to: &str, exchange: &str) -> String {
    format!(
        "
clock: {{start: 2000-01-01, stop: P1D}}
components:
  a: {{kind: analytic, grid: '{from}', step: PT1H, parameters: {{flux: fa, residence: 20 h, amplitude: 6, initial: 1e6}}}}
  b: {{kind: analytic, grid: '{to}', step: PT2H, parameters: {{imports: [fa], flux: fb, residence: 30 h}}}}
exchanges:
  - {{from: a, to: b, fields: [fa], every: PT4H, {exchange}}}
budget: {{quantities: [heat]}}
"
    )
}

/// Columns at the end by name, with what is in flight and the residual.
fn account(text: &str) -> BTreeMap<&'static str, f64> {
    let mut prepared = prepare(text);
    let mut coupler = Coupler::of(&mut prepared, 2).expect("starts");
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{text}\n{e}"));
    }
    let (row, in_flight, residual) = coupler.account(0, 0).expect("a flux");
    let mut columns: BTreeMap<&str, f64> = knarr_coupling::ledger::COLUMNS.into_iter().zip(row).collect();
    columns.extend([("in flight", in_flight), ("residual", residual)]);
    assert!(residual.abs() <= 1e-12 * columns["emitted"].abs(), "{text}\n{columns:?}");
    columns
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

#[test]
fn what_lies_beyond_the_taker_is_unmapped() {
    // A quarter of the sphere: 0 to 180 E, 30 S to 30 N is half of a half by area.
    let columns = account(&two(COARSE, "map: conservative"));
    assert!(close(columns["emitted"], columns["received"] + columns["unmapped"]), "{columns:?}");
    let part = columns["received"] / columns["emitted"];
    assert!((0.2..0.3).contains(&part), "{part}");
    assert_eq!((columns["clipped"], columns["corrected"], columns["masked"]), (0.0, 0.0, 0.0));
}

#[test]
fn maps_that_keep_no_integral_say_by_how_much() {
    let text = between(COARSE, FINE, "map: 'bilinear,nearest'");
    let columns = account(&text);
    let error = columns["mapped"] / columns["emitted"];
    assert!(error.abs() > 1e-8 && error.abs() < 0.01, "{error}");
    assert!(close(columns["emitted"] + columns["mapped"], columns["received"]), "{columns:?}");
    assert!(findings(&text).contains("does not keep its integral"));
    let kept = account(&two("H8", "map: conservative"));
    assert!(close(kept["emitted"], kept["received"]), "{kept:?}");
}

#[test]
fn corrections_make_integrals_or_means_agree() {
    for mode in ["global", "glbpos"] {
        let columns = account(&between(COARSE, FINE, &format!("map: 'bilinear,nearest', conserve: {{mode: {mode}}}")));
        assert!(close(columns["emitted"], columns["received"]), "{mode} {columns:?}");
        assert!(columns["corrected"].abs() > 1e-8 * columns["emitted"], "{mode} {columns:?}");
        assert!((columns["corrected"] + columns["mapped"]).abs() < 1e-12 * columns["emitted"], "{mode} {columns:?}");
    }
    let quarter = COARSE;
    for mode in ["basbal", "baspos"] {
        let columns = account(&two(quarter, &format!("map: conservative, conserve: {{mode: {mode}, limit: 10}}")));
        // The mean over the sphere is the mean over the quarter.
        let area = Grid::from_spec(quarter).expect("a grid").covered_fraction();
        assert!(close(columns["received"] / area, columns["emitted"]), "{mode} {columns:?}");
    }
    let text = two(quarter, "map: conservative, conserve: {mode: global}");
    let mut prepared = prepare(&text);
    let mut coupler = Coupler::of(&mut prepared, 1).expect("starts");
    let error = loop {
        match coupler.advance() {
            Ok(_) => assert!(!coupler.is_finished(), "a correction of three quarters is too large"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RunError::Correction { size, .. } if size > 0.5), "{error}");
}

#[test]
fn what_is_clipped_is_told() {
    let columns = account(&two("H8", "map: conservative, range: [0, 18]"));
    assert!(columns["clipped"] > 0.0, "{columns:?}");
    assert!(close(columns["emitted"], columns["received"] + columns["clipped"]), "{columns:?}");
}

#[test]
fn sampling_in_time_is_told() {
    for (reduce, sampled) in [("average", false), ("instant", true), ("maximum", true)] {
        let columns = account(&two("H8", &format!("map: conservative, reduce: {reduce}")));
        assert_eq!(columns["reduced"] != 0.0, sampled, "{reduce} {columns:?}");
        assert!(close(columns["emitted"] + columns["reduced"], columns["received"]), "{reduce} {columns:?}");
    }
}

#[test]
fn stacks_go_on_where_a_method_ends() {
    let whole = |map: &str| {
        let text = "
clock: {start: 2000-01-01, stop: P1D}
components:
  a: {kind: analytic, grid: 'll:5,-25,10,10,18,6', step: PT1H, parameters: {flux: fa, residence: 20 h, initial: 1e6}}
  b: {kind: analytic, grid: r36x18, step: PT1H, parameters: {imports: [fa], flux: fb}}
exchanges:
  - {from: a, to: b, fields: [fa], every: PT1H, map: 'MAP'}
";
        text.replace("MAP", map)
    };
    let filled = account(&whole("conservative:destarea, fixed:0"));
    assert!(close(filled["emitted"], filled["received"]), "{filled:?}");
    // Cells covered by half are given the mean of that half; extrapolated heat comes from nobody: it stands under `mapped`.
    let near = account(&whole("conservative, nearest:500km, fixed:0"));
    assert!(near["mapped"] > 0.05 * near["emitted"], "{near:?}");
    assert!(close(near["emitted"] + near["mapped"], near["received"]), "{near:?}");
    assert!(findings(&whole("conservative")).contains("does not reach"));
}

/// Gives the wind of a solid turning of the air about an axis, takes one along its own axes.
struct Wind {
    declaration: Declaration,
}

const TURNING: [f64; 3] = [3.0, -7.0, 11.0];

impl Wind {
    fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let takes: bool = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let (imports, exports) = if takes {
            (vec![Import::new("x_wind", "m s-1"), Import::new("y_wind", "m s-1")], vec![])
        } else {
            (vec![], vec![Export::new("northward_wind", "km h-1"), Export::new("eastward_wind", "km h-1")])
        };
        Ok(Box::new(Self { declaration: Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports } }))
    }
}

/// Components of the wind along two axes of each cell.
fn wind(grid: &Grid, axes: &[[[f64; 3]; 2]]) -> [Vec<f64>; 2] {
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let at = |cell: usize, k: usize| {
        let (r, t) = (grid.center(cell).unit(), TURNING);
        dot([t[1] * r[2] - t[2] * r[1], t[2] * r[0] - t[0] * r[2], t[0] * r[1] - t[1] * r[0]], axes[cell][k])
    };
    [0, 1].map(|k| (0..grid.len()).map(|cell| at(cell, k)).collect())
}

impl Component for Wind {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, _: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let grid = &self.declaration.grids[0].grid;
        if self.declaration.imports.is_empty() {
            let [u, v] = wind(grid, &grid.east_north());
            exports.set("eastward_wind", u.iter().map(|x| 3.6 * x).collect::<Vec<_>>())?;
            return exports.set("northward_wind", v.iter().map(|x| 3.6 * x).collect::<Vec<_>>());
        }
        let [x, y] = wind(grid, &grid.axes().expect("a grid with axes"));
        let worst = [("x_wind", x), ("y_wind", y)].iter().fold(0.0f64, |worst, (name, expected)| {
            let found = &imports.get(name).expect("delivered").values;
            found.iter().zip(expected).fold(worst, |w, (a, b)| w.max((a - b).abs()))
        });
        // Bilinear between 3 degrees: (0.052)²/8 of 13 m/s in each Cartesian component, about 5e-3.
        if worst < 0.02 { Ok(()) } else { Err(ComponentError::Value { problem: format!("the wind is wrong by {worst}") }) }
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}

#[test]
fn vectors_turn_with_the_axes_and_pass_the_pole() {
    let text = "
clock: {start: 2000-01-01, stop: PT2H}
components:
  global: {kind: wind, grid: r120x60, step: PT1H, parameters: false}
  polar: {kind: wind, grid: 'rot:-97.6,36.1,-40,-30,4,4,21,16', step: PT1H, parameters: true}
exchanges:
  - {from: global, to: polar, fields: [{eastward_wind: x_wind}, {northward_wind: y_wind}], every: PT1H, map: 'bilinear, nearest'}
";
    let registry = Registry::new().with("wind", Wind::make);
    let plan = |text: &str| {
        let file = ExperimentFile::parse(Path::new("t.yaml"), text).expect("an experiment");
        Prepared::new(&file, &registry)
    };
    let (prepared, found) = plan(text);
    let mut prepared = prepared.unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(prepared.plan.couplings.len(), 1, "the two components go together");
    let mut coupler = Coupler::of(&mut prepared, 1).expect("starts");
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
    }
    // Alone a component cannot be turned.
    let (prepared, found) = plan(&text.replace(", {northward_wind: y_wind}", ""));
    assert!(prepared.is_none());
    assert!(found.0.iter().any(|f| f.message.contains("without its partner `northward_wind`")), "{found:?}");
}
