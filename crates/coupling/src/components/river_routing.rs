//! Rivers from relief, under the kernel of that name.

use super::inputs::{active_cells, masked, or_else, static_field};
use super::land_bucket::RUNOFF;
use super::slab_ocean::RIVERS;
use crate::document::{Seconds, Speed};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Nature, Parameters,
    Quantity, State, Statistic, Stock,
};
use knarr_grid::{Grid, Layout, Mask};
use knarr_kernels::river_routing::{Network, relief, reservoir};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Radius of the Earth (m).
const RADIUS: f64 = 6_371_229.0;

/// A linear reservoir in each cell of land, that drains down the relief to the sea.
///
/// The grid has rows and columns; its active cells are land. Water takes distance / `speed` through a cell; what reaches a
/// cell of the sea, or the lowest of a land without one, leaves there. Hollows spill over their rims, so that nothing
/// stays inland.
#[derive(Debug)]
pub struct RiverRouting {
    declaration: Declaration,
    network: Network,
    land: Vec<bool>,
    mouths: Vec<bool>,
    /// m².
    areas: Vec<f64>,
    residence: Vec<f64>,
    /// kg in each cell.
    storage: Vec<f64>,
    /// kg that came into each cell from those above it in the last step, less what went to the one below.
    carried: Vec<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Height of the surface, `FILE.nc:VARIABLE`.
    relief: String,
    /// Speed of water along the line between centers.
    #[serde(default = "walking")]
    speed: Speed,
    /// Longest time in a cell.
    #[serde(default = "half_a_year")]
    longest: Seconds,
}

fn walking() -> Speed {
    Speed::new(0.35)
}

fn half_a_year() -> Seconds {
    Seconds::new(180.0 * 86_400.0)
}

const DISCHARGE: &str = "water_volume_transport_in_river_channel";
const STORED: &str = "mass_content_of_water_in_rivers";

impl RiverRouting {
    /// What is told of the kind.
    pub fn about() -> About {
        About::new::<Settings>(
            "runoff that flows down the relief from cell to cell, linear reservoirs",
            r#"{kind: river_routing, grid: r360x180, step: P1D, parameters: {relief: "relief.nc:height"}}"#,
        )
    }

    /// Makes one from `relief`, `speed` and `longest`.
    ///
    /// # Errors
    /// [`ComponentError::Document`] and [`ComponentError::Parameter`] for parameters, also for a grid without rows and
    /// columns; [`ComponentError::Io`] for the file.
    pub fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let settings: Settings = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let wrong = |parameter: &str, problem: String| ComponentError::Parameter { parameter: parameter.to_owned(), problem };
        let (columns, round) = rows_and_columns(&grid)
            .ok_or_else(|| wrong("grid", "rivers need one with rows and columns, such as r360x180".to_owned()))?;
        let land = active_cells(&grid);
        let (height, valid) = static_field(context, "relief", &settings.relief, &grid)?;
        if let Some(cell) = (0..grid.len()).find(|&cell| land[cell] && !valid[cell]) {
            return Err(wrong("relief", format!("`{}` has no value in cell {cell}, which is land", settings.relief)));
        }
        let spacing = spacing(&grid, columns);
        let network = relief::network(&height, &land, columns, round, (spacing.0, &spacing.1))
            .map_err(|e| wrong("relief", e.to_string()))?;
        let residence = (0..grid.len())
            .map(|cell| match network.downstream(cell) {
                Some(to) => (distance(&grid, cell, to) / settings.speed.get()).min(settings.longest.get()),
                None => 0.0,
            })
            .collect();
        let mouths: Vec<bool> = (0..grid.len())
            .map(|cell| network.downstream(cell).is_none() && (land[cell] || !network.upstream(cell).is_empty()))
            .collect();
        let areas = (0..grid.len()).map(|cell| grid.area(cell) * RADIUS * RADIUS).collect();
        let whole = Grid { mask: Mask::ALL, ..Grid::clone(&grid) };
        let at_mouths = DeclaredGrid {
            name: format!("{name} (river mouths)"),
            grid: Arc::new(Grid { mask: Mask::from_active(mouths.clone()), ..whole }),
        };
        let export = |name: &str, units: &str, statistic, nature| Export { statistic, nature, ..Export::new(name, units) };
        let exports = vec![
            Export { grid: 1, ..Export::flux(RIVERS, "kg m-2 s-1", &[(Quantity::Water, -1.0)]) },
            export(DISCHARGE, "m3 s-1", Statistic::Mean, Nature::State),
            export(STORED, "kg m-2", Statistic::Point, Nature::State),
        ];
        let imports = vec![Import::flux(RUNOFF, "kg m-2 s-1", &[(Quantity::Water, 1.0)])];
        Ok(Box::new(Self {
            storage: vec![0.0; grid.len()],
            carried: vec![0.0; grid.len()],
            network,
            land,
            mouths,
            areas,
            residence,
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }, at_mouths], imports, exports },
        }))
    }
}

impl RiverRouting {
    fn per_area(&self, grid: usize, amount: impl Fn(usize) -> f64) -> Stock {
        Stock { grid, per_area: (0..self.areas.len()).map(|cell| amount(cell) / self.areas[cell]).collect() }
    }
}

/// Number of columns of a grid in rows, and whether they go round the Earth.
fn rows_and_columns(grid: &Grid) -> Option<(usize, bool)> {
    let [_, columns] = grid.shape[..] else { return None };
    let Layout::Rows(_) = &grid.layout else { return None };
    if columns < 2 {
        return None;
    }
    // The step from the last column to the first is that between the others.
    let lon = |column: usize| grid.center(column).lon_deg;
    let step = (lon(1) - lon(0)).rem_euclid(360.0);
    let last = (lon(0) - lon(columns - 1)).rem_euclid(360.0);
    Some((columns, (last - step).abs() < 1e-6))
}

/// Distance from row to row, and from column to column in each row (m).
fn spacing(grid: &Grid, columns: usize) -> (f64, Vec<f64>) {
    let rows = grid.len() / columns;
    let along = |a: usize, b: usize| distance(grid, a, b).max(1.0);
    let down = if rows > 1 { along(0, columns) } else { 1.0 };
    (down, (0..rows).map(|row| along(row * columns, row * columns + 1)).collect())
}

/// Along a great circle (m).
fn distance(grid: &Grid, a: usize, b: usize) -> f64 {
    let (p, q) = (grid.center(a).unit(), grid.center(b).unit());
    let chord2: f64 = p.iter().zip(q).map(|(p, q)| (p - q) * (p - q)).sum();
    2.0 * RADIUS * (0.5 * chord2.sqrt()).min(1.0).asin()
}

impl Component for RiverRouting {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn start(&mut self, exports: &mut Fields) -> Result<Vec<String>, ComponentError> {
        let n = self.storage.len();
        exports.set(RIVERS, masked(vec![0.0; n], &self.mouths))?;
        exports.set(STORED, masked(vec![0.0; n], &self.land))?;
        Ok([RIVERS, STORED].map(str::to_owned).to_vec())
    }

    fn step(&mut self, interval: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let n = self.storage.len();
        let runoff = or_else(imports, RUNOFF, 0.0, n)?;
        let local: Vec<f64> = (0..n).map(|cell| if self.land[cell] { runoff[cell] * self.areas[cell] } else { 0.0 }).collect();
        let outflow = reservoir::step(&self.network, &mut self.storage, &local, &self.residence, interval.length_s());
        self.carried.fill(0.0);
        for (cell, rate) in outflow.iter().enumerate() {
            if let Some(to) = self.network.downstream(cell) {
                self.carried[cell] -= rate * interval.length_s();
                self.carried[to] += rate * interval.length_s();
            }
        }
        let at_mouths = (0..n).map(|cell| if self.mouths[cell] { outflow[cell] / self.areas[cell] } else { 0.0 }).collect();
        let discharge = (0..n).map(|cell| if self.land[cell] { outflow[cell] / 1000.0 } else { 0.0 }).collect();
        let stored = (0..n).map(|cell| self.storage[cell] / self.areas[cell]).collect();
        exports.set(RIVERS, masked(at_mouths, &self.mouths))?;
        exports.set(DISCHARGE, masked(discharge, &self.land))?;
        exports.set(STORED, masked(stored, &self.land))
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new().with("storage", &self.storage))
    }

    fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        state.copy("storage", &mut self.storage)
    }

    fn stock(&self, quantity: Quantity) -> Option<Stock> {
        (quantity == Quantity::Water).then(|| self.per_area(0, |cell| self.storage[cell]))
    }

    fn transport(&self, quantity: Quantity) -> Vec<Stock> {
        if quantity != Quantity::Water {
            return Vec::new();
        }
        // Land is on the first grid, what it drains to in the sea on the second alone.
        let part = |land: bool| move |cell: usize| if self.land[cell] == land { self.carried[cell] } else { 0.0 };
        vec![self.per_area(0, part(true)), self.per_area(1, part(false))]
    }
}
