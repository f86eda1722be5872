//! Each component closes its stocks, and goes on from a saved state with the same bits.

use crate::{Component, Context, Fields, Instant, Interval, Nature, Parameters, Quantity, Registry, Values};
use knarr_field::Calendar;
use knarr_grid::Grid;
use std::path::Path;
use std::sync::Arc;

const DAY: i64 = 86_400;

pub(super) fn context(grid: Option<Grid>, step_s: i64) -> Context {
    Context {
        name: "tested".into(),
        grid: grid.map(|grid| ("g".to_owned(), Arc::new(grid))),
        grids: Default::default(),
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets"),
        calendar: Calendar::NoLeap,
        start: Instant(0),
        stop: Instant(400 * DAY),
        step_s,
    }
}

pub(super) fn make(kind: &str, grid: Option<Grid>, step_s: i64, yaml: &str) -> Box<dyn Component> {
    let parameters = Parameters::from_yaml(yaml).expect("YAML");
    (Registry::built_in().find(kind).expect("a kind").make)(&context(grid, step_s), &parameters).expect("fits")
}

/// Values that differ from cell to cell and step to step, by the name of the field.
fn forcing(name: &str, cell: usize, step: usize) -> f64 {
    let x = ((cell * 37 + step * 11) as f64 * 0.1).sin();
    match name {
        "air_temperature" => 268.0 + 12.0 * x,
        "wind_speed" => 6.0 + 3.0 * x,
        "precipitation_flux" | "runoff_flux" | "snowfall_flux" => 4e-5 * (1.0 + x),
        "surface_downwelling_shortwave_flux_in_air" => 150.0 * (1.0 + x),
        "surface_downwelling_longwave_flux_in_air" => 260.0 + 40.0 * x,
        "heat_flux_into_sea_water_due_to_freezing_of_frazil_ice" => 20.0 * (x - 0.5).max(0.0),
        "upward_sea_ice_basal_heat_flux" => 6.0 * (1.0 + x),
        "surface_downward_heat_flux_in_sea_water" => -150.0 + 120.0 * x,
        "heat_flux_into_sea_water_due_to_sea_ice_thermodynamics" => -5.0 * (1.0 + x),
        name if name.starts_with("water_flux_into_sea_water") => 2e-5 * x,
        other => panic!("no values for {other}"),
    }
}

/// Steps through, and holds each stock against what went in and out by the effects of the declaration.
fn closes(mut component: Box<dyn Component>, steps: usize, step_s: i64) {
    let declaration = component.declaration().clone();
    let mut exports = Fields::for_exports(&declaration);
    component.start(&mut exports).expect("starts");
    for step in 0..steps {
        let at = Instant(step as i64 * step_s);
        let interval = Interval { start: at, end: Instant(at.0 + step_s), calendar: Calendar::NoLeap };
        let mut imports = Fields::for_imports(&declaration);
        for import in &declaration.imports {
            let cells = declaration.grids[import.grid].grid.len();
            let values = (0..cells).map(|cell| forcing(&import.name, cell, step)).collect::<Vec<f64>>();
            imports.set(&import.name, values).expect("declared");
        }
        let before: Vec<_> = Quantity::ALL.map(|quantity| component.stock(quantity)).into();
        let saved = component.save().expect("on the host");
        component.step(&interval, &imports, &mut exports).expect("steps");
        for (quantity, before) in Quantity::ALL.into_iter().zip(before) {
            let (Some(before), Some(after)) = (before, component.stock(quantity)) else { continue };
            let grid = &declaration.grids[before.grid].grid;
            // Over all cells: rivers move water between them.
            let total = |grid: &Grid, values: &dyn Fn(usize) -> f64| -> f64 {
                (0..grid.len()).filter(|&cell| grid.mask.is_active(cell)).map(|cell| grid.area(cell) * values(cell)).sum()
            };
            let (mut flowed, mut size) = (0.0, total(grid, &|cell| before.per_area[cell].abs()));
            let mut add = |grid: &Grid, field: &Values, per_unit: f64| {
                let amount = |cell: usize| field.get(cell).unwrap_or(0.0) * per_unit * step_s as f64;
                flowed += total(grid, &amount);
                size += total(grid, &|cell| amount(cell).abs());
            };
            for import in &declaration.imports {
                for effect in import.effects.iter().filter(|effect| effect.quantity == quantity) {
                    assert_eq!(import.nature, Nature::Flux);
                    let grid = &declaration.grids[import.grid].grid;
                    add(grid, imports.get(&import.name).expect("set"), effect.per_unit);
                }
            }
            for export in &declaration.exports {
                for effect in export.effects.iter().filter(|effect| effect.quantity == quantity) {
                    let grid = &declaration.grids[export.grid].grid;
                    add(grid, exports.get(&export.name).expect("given"), effect.per_unit);
                }
            }
            let change = total(grid, &|cell| after.per_area[cell] - before.per_area[cell]);
            assert!((change - flowed).abs() <= 1e-13 * size, "{quantity} in step {step}: {change} {flowed} of {size}");
        }
        // The same step from the saved state: the same bits.
        let (first, state) = (exports.clone(), component.save().expect("on the host"));
        component.restore(&saved).expect("its own state");
        component.step(&interval, &imports, &mut exports).expect("steps");
        assert_eq!(exports, first);
        assert_eq!(component.save().expect("on the host"), state);
    }
}

fn world() -> Grid {
    let grid = Grid::from_spec("r36x18").expect("a grid");
    let active = (0..grid.len()).map(|cell| cell % 5 != 0).collect();
    grid.masked_by(&knarr_grid::Mask::from_active(active))
}

#[test]
fn the_slab_closes_heat_and_water() {
    closes(make("slab_ocean", Some(world()), DAY, "{depth: 20 m, initial: {value: 0.5 degC}}"), 60, DAY);
}

#[test]
fn sea_ice_closes_heat_and_water() {
    closes(make("sea_ice", Some(world()), DAY, "{initial: 0.3 m, initial_latitude: 20}"), 200, DAY);
}

#[test]
fn the_bucket_closes_water() {
    closes(make("land_bucket", Some(world()), DAY, "{}"), 60, DAY);
}

#[test]
fn rivers_close_water_and_reach_the_sea() {
    let rivers = |grid| make("river_routing", Some(grid), DAY, "{relief: etopo_1deg.nc:ROSE}");
    closes(rivers(world()), 30, DAY);
    // On the real land of one degree: some thousand mouths, none of them a large part of the land.
    let grid = Grid::from_spec("r360x180").expect("a grid");
    let land = super::inputs::static_field(&context(None, DAY), "land", "natural_earth_landfrac_1deg.nc:sftlf", &grid);
    let active: Vec<bool> = land.expect("a field").0.iter().map(|&part| part > 0.5).collect();
    let land_cells = active.iter().filter(|&&land| land).count();
    let component = rivers(grid.masked_by(&knarr_grid::Mask::from_active(active.clone())));
    let mouths = &component.declaration().grids[1].grid;
    let (count, inland) = (mouths.active_count(), (0..mouths.len()).filter(|&c| mouths.mask.is_active(c) && active[c]).count());
    assert!((1000..land_cells / 4).contains(&count) && inland == 0, "{count} mouths, {inland} inland of {land_cells}");
}

/// By a kinematic wave water closes too, goes on from a saved state, and wide or rough channels hold more of it.
#[test]
fn a_kinematic_wave_closes_water_and_holds_more_where_it_is_slow() {
    let rivers = |more: &str| {
        make("river_routing", Some(world()), DAY, &format!("{{relief: etopo_1deg.nc:ROSE, scheme: kinematic{more}}}"))
    };
    closes(rivers(""), 30, DAY);
    let held = |more: &str| {
        let (mut component, days) = (rivers(more), 200);
        let declaration = component.declaration().clone();
        let (mut imports, mut exports) = (Fields::for_imports(&declaration), Fields::for_exports(&declaration));
        imports.set("runoff_flux", Values::constant(world().len(), 1e-5)).expect("declared");
        for day in 0..days {
            if day == 100 {
                let saved = component.save().expect("on the host");
                component = rivers(more);
                component.restore(&saved).expect("its own state");
            }
            let interval = Interval { start: Instant(day * DAY), end: Instant((day + 1) * DAY), calendar: Calendar::NoLeap };
            component.step(&interval, &imports, &mut exports).expect("steps");
        }
        let stock = component.stock(Quantity::Water).expect("it has water");
        let grid = &declaration.grids[stock.grid].grid;
        (0..grid.len()).map(|cell| stock.per_area[cell] * grid.area(cell)).sum::<f64>()
    };
    let (plain, rough, wide) = (held(""), held(", roughness: 0.07"), held(", width: 400 m"));
    // A ~ n^0.6 and P^0.4 where what comes in is what goes out.
    assert!(plain > 0.0 && (rough / plain - 2f64.powf(0.6)).abs() < 0.05, "{}", rough / plain);
    assert!((wide / plain - 4f64.powf(0.4)).abs() < 0.05, "{}", wide / plain);
}

#[test]
fn fire_codes_go_on_from_their_state() {
    let mut component = make("fire_weather", Some(world()), DAY, "{}");
    let declaration = component.declaration().clone();
    let (mut imports, mut exports) = (Fields::for_imports(&declaration), Fields::for_exports(&declaration));
    component.start(&mut exports).expect("starts");
    let noon = [("air_temperature", 17.0), ("relative_humidity", 42.0), ("wind_speed", 25.0), ("precipitation_flux", 0.0)];
    for (name, value) in noon {
        imports.set(name, Values::constant(world().len(), value)).expect("declared");
    }
    // The 13th of April, the first day of the report.
    let start = 102 * DAY;
    let interval = Interval { start: Instant(start), end: Instant(start + DAY), calendar: Calendar::NoLeap };
    component.step(&interval, &imports, &mut exports).expect("steps");
    let north = (0..world().len()).find(|&c| world().center(c).lat_deg > 40.0 && c % 5 != 0).expect("a cell");
    let found = |name: &str| exports.get(name).expect("given").get(north).expect("valid");
    assert!((found("fire_weather_index") - 10.096_371_392_382).abs() < 1e-9);
    assert!((found("fine_fuel_moisture_code") - 87.692_980_092_774).abs() < 1e-9);
    let saved = component.save().expect("on the host");
    let mut other = make("fire_weather", Some(world()), DAY, "{}");
    other.restore(&saved).expect("its own state");
    let mut again = exports.clone();
    component.step(&interval, &imports, &mut exports).expect("steps");
    other.step(&interval, &imports, &mut again).expect("steps");
    assert_eq!(exports, again);
    let error =
        (Registry::built_in().find("fire_weather").expect("a kind").make)(&context(Some(world()), 3600), &Parameters::default());
    assert!(error.err().expect("an hour is no day").to_string().contains("expected P1D"));
}

#[test]
fn the_mediator_gives_what_air_and_ice_ask() {
    let mut component = make("bulk_flux", Some(world()), DAY, "{scheme: coare3p6, iterations: 20}");
    let declaration = component.declaration().clone();
    let n = world().len();
    let (mut imports, mut exports) = (Fields::for_imports(&declaration), Fields::for_exports(&declaration));
    let values = [
        ("sea_surface_temperature", 295.15),
        ("air_temperature", 293.15),
        ("specific_humidity", 0.012),
        ("eastward_wind", 5.0),
        ("northward_wind", 0.0),
        ("air_pressure_at_mean_sea_level", 101_000.0),
        ("surface_downwelling_shortwave_flux_in_air", 200.0),
        ("surface_downwelling_longwave_flux_in_air", 350.0),
        ("precipitation_flux", 3e-5),
        ("sea_ice_area_fraction", 0.25),
    ];
    for (name, value) in values {
        imports.set(name, Values::constant(n, value)).expect("declared");
    }
    let interval = Interval { start: Instant(0), end: Instant(DAY), calendar: Calendar::NoLeap };
    component.step(&interval, &imports, &mut exports).expect("steps");
    let found = |name: &str| exports.get(name).expect("given").get(1).expect("valid");
    // AeroBulk's figures, on three quarters of the cell.
    assert!((found("surface_downward_latent_heat_flux") / 0.75 - -90.485_194_3).abs() < 1e-5);
    assert!((found("surface_downward_sensible_heat_flux") / 0.75 - -18.292_657_7).abs() < 1e-5);
    let radiation = 0.934 * 200.0 + 0.98 * (350.0 - 5.67e-8 * 295.15_f64.powi(4));
    let expected = 0.75 * (radiation - 90.485_194_3 - 18.292_657_7);
    assert!((found("surface_downward_heat_flux_in_sea_water") - expected).abs() < 1e-4);
    assert!((found("water_flux_into_sea_water") - (3e-5 - found("water_evaporation_flux"))).abs() < 1e-18);
    // A gap in the air is an error that says where.
    imports
        .set("air_temperature", Values { values: vec![290.0; n], valid: Some((0..n).map(|c| c != 6).collect()) })
        .expect("declared");
    let error = component.step(&interval, &imports, &mut exports).expect_err("a gap").to_string();
    assert!(error.contains("`air_temperature` has no value in 1 of") && error.contains("first in cell 6"), "{error}");
}
