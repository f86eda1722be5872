//! ECCC to canonical to DestinE to canonical, for every row of the catalogue.

use crate::support::{Axis, Frame, Var, catalogue, read, run, write};
use knarr_exchange::Catalogue;
use knarr_exchange::catalogue::{Convention, Field, LevelKind};
use knarr_grid::Grid;
use std::path::Path;

const HOURS: [f64; 4] = [1.0, 2.0, 3.0, 6.0];

/// Values all over the hard limits of a field, others for each field, step, level and cell.
fn value(field: &Field, step: usize, level: usize, cell: usize) -> f64 {
    if field.id == "soil_type" {
        return 1.0 + ((cell + step) % 5) as f64;
    }
    let [low, high] = field.valid_range;
    // Layers of a soil become other layers on the way: what does not vary with depth is kept exactly.
    let level = if field.is_on_soil_layers() { 0 } else { level };
    let place = field.id.len() as f64;
    let share = 0.5 + 0.48 * (1.3 * cell as f64 + 0.7 * step as f64 + 0.41 * level as f64 + place).sin();
    low + share * (high - low)
}

fn axis(field: &Field) -> Option<Axis> {
    match field.level.kind {
        LevelKind::Isobaric => Some(Axis {
            name: "plev",
            attributes: vec![("standard_name", "air_pressure"), ("units", "Pa"), ("positive", "down")],
            values: vec![85_000.0, 50_000.0],
            bounds: None,
        }),
        LevelKind::OceanDepth => Some(Axis {
            name: "depth",
            attributes: vec![("standard_name", "depth"), ("units", "m"), ("positive", "down")],
            values: vec![0.5, 10.0, 100.0],
            bounds: None,
        }),
        LevelKind::SoilLayer => Some(Axis {
            name: "depth",
            attributes: vec![("standard_name", "depth"), ("units", "m"), ("positive", "down")],
            values: vec![0.035, 0.175, 0.64, 1.945],
            bounds: Some(vec![[0.0, 0.07], [0.07, 0.28], [0.28, 1.0], [1.0, 2.89]]),
        }),
        _ => None,
    }
}

fn canonical_file(catalogue: &Catalogue, field: &Field, grid: &Grid, path: &Path) {
    let mut frame = Frame::new(grid, &HOURS);
    frame.bounds = Some(vec![[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 6.0]]);
    frame.axis = axis(field);
    let mut fields = vec![field];
    fields.extend(field.regrid.vector_with.as_ref().map(|id| catalogue.field(id).unwrap_or_else(|e| panic!("{e}"))));
    let variables: Vec<Var<'_>> = fields
        .iter()
        .map(|f| Var {
            name: f.id.clone(),
            attributes: vec![("units", f.cf.units.clone()), ("cell_methods", f.cell_methods.clone())],
            value: Box::new(|step, level, cell| (cell != 5).then(|| value(f, step, level, cell))),
        })
        .collect();
    write(path, &frame, &variables);
}

/// Largest difference over the largest value. Missing values must be the same; levels may have become others.
fn difference(a: &Path, b: &Path, name: &str, cells: usize) -> f64 {
    let ((x, x_valid), (y, y_valid)) = (read(a, name), read(b, name));
    let steps = HOURS.len();
    let (x_levels, y_levels) = (x.len() / cells / steps, y.len() / cells / steps);
    assert!(x_levels == y_levels || name.contains("soil"), "{name}: {x_levels} and {y_levels} levels");
    let scale = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mut largest = 0.0f64;
    for step in 0..steps {
        for level in 0..y_levels {
            for cell in 0..cells {
                let i = (step * x_levels + level.min(x_levels - 1)) * cells + cell;
                let j = (step * y_levels + level) * cells + cell;
                assert_eq!(x_valid[i], y_valid[j], "{name}: cell {cell} at step {step}");
                if x_valid[i] {
                    largest = largest.max((x[i] - y[j]).abs() / scale);
                }
            }
        }
    }
    largest
}

/// Each conversion is at most a product, a quotient and a sum, each to half a unit in the last place, there and back;
/// totals are sums of four means and a difference. Forty roundings of the largest value cover the whole way.
const PRECISION: f64 = 40.0 * f64::EPSILON;

#[test]
fn every_row_comes_back_from_both_sides() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    // Vectors turn on this grid; the others do not mind.
    let grid = Grid::from_spec("rot:65.3,36.1,-3,-10,1.5,1.5,4,3").expect("a grid");
    let (mut both, mut one_side, mut legs) = (Vec::new(), Vec::new(), 0);
    for field in &catalogue.fields {
        let start = at("start.nc");
        canonical_file(&catalogue, field, &grid, &start);
        let mut current = start.clone();
        let mut sides = [0, 0];
        for (k, convention) in
            [Convention::Eccc, Convention::Rpn, Convention::ClimateDt, Convention::ExtremesDt].into_iter().enumerate()
        {
            let has_inverse =
                |field: &Field| convention.entry(field).is_some_and(|e| e.to_canonical.iter().all(|o| o.inverse().is_some()));
            if !has_inverse(field) {
                continue;
            }
            let (there, back) = (at(&format!("there{k}.nc")), at(&format!("back{k}.nc")));
            let what = format!("{} in {convention}", field.id);
            run(&catalogue, &current, &there, Convention::Cf, convention).unwrap_or_else(|e| panic!("{what}, to: {e}"));
            let report =
                run(&catalogue, &there, &back, convention, Convention::Cf).unwrap_or_else(|e| panic!("{what}, from: {e}"));
            assert_eq!(report.out_of_range(), 0, "{what}");
            let off = difference(&start, &back, &field.id, grid.len());
            assert!(off <= PRECISION, "{what}: off by {off:e}");
            // The next side starts from what came back from this one.
            current = back;
            sides[k / 2] += 1;
            legs += 1;
        }
        assert!(sides[0] + sides[1] > 0, "{}: no side has a name for it", field.id);
        if sides[0] > 0 && sides[1] > 0 { both.push(&field.id) } else { one_side.push(field.id.as_str()) }
    }
    println!("{} rows through both sides, {} through one: {one_side:?}; {legs} conventions", both.len(), one_side.len());
    // Rows that one side has no name for (or, leaf area, cannot take back into low and high vegetation).
    let expected = [
        "pm2p5_concentration",
        "water_level",
        "fire_weather_index",
        "fine_fuel_moisture_code",
        "duff_moisture_code",
        "drought_code",
        "leaf_area_index",
        "wildfire_smoke_pm2p5",
        "volume_fraction_of_frozen_soil_water",
    ];
    assert_eq!(one_side, expected);
    assert_eq!(both.len() + one_side.len(), 60);
}

/// The comparator above must see a difference.
#[test]
fn a_wrong_value_is_noticed() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let grid = Grid::from_spec("r4x3").expect("a grid");
    let field = catalogue.field("snow_depth").unwrap_or_else(|e| panic!("{e}"));
    let (right, wrong) = (folder.path().join("a.nc"), folder.path().join("b.nc"));
    canonical_file(&catalogue, field, &grid, &right);
    let frame = Frame::new(&grid, &HOURS);
    let off = Var {
        name: field.id.clone(),
        attributes: vec![("units", "m".to_owned())],
        value: Box::new(|step, level, cell| {
            (cell != 5).then(|| value(field, step, level, cell) + if cell == 7 { 1e-9 } else { 0.0 })
        }),
    };
    write(&wrong, &frame, &[off]);
    assert!(difference(&right, &wrong, &field.id, grid.len()) > PRECISION);
}
