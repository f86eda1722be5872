//! Rivers from relief, under the kernel of that name.

use super::inputs::{active_cells, masked, or_else, static_field};
use super::land_bucket::RUNOFF;
use super::slab_ocean::RIVERS;
use crate::document::{Fraction, Length, Seconds, Speed};
use crate::{
    About, Component, ComponentError, Context, Declaration, DeclaredGrid, Export, Fields, Import, Interval, Nature, Parameters,
    Quantity, State, Statistic, Stock,
};
use knarr_grid::{Grid, Layout, Mask};
use knarr_kernels::river_routing::kinematic::{self, Channel};
use knarr_kernels::river_routing::{Network, relief, reservoir};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Radius of the Earth (m).
const RADIUS: f64 = 6_371_229.0;

/// Water in each cell of land, that drains down the relief to the sea.
///
/// The grid has rows and columns; its active cells are land. A cell is a linear reservoir, through which water takes
/// distance / `speed`, or a channel with a kinematic wave. What reaches a cell of the sea, or the lowest of a land without
/// one, leaves there. Hollows spill over their rims, so that nothing stays inland.
#[derive(Debug)]
pub struct RiverRouting {
    declaration: Declaration,
    network: Network,
    land: Vec<bool>,
    mouths: Vec<bool>,
    /// m².
    areas: Vec<f64>,
    way: Way,
    /// kg in each cell.
    storage: Vec<f64>,
    /// kg that came into each cell from those above it in the last step, less what went to the one below.
    carried: Vec<f64>,
}

/// How water gets through cells.
#[derive(Debug)]
enum Way {
    /// By the time it stays in each (s).
    Reservoirs(Vec<f64>),
    /// By the channel of each; none where all leaves.
    Channels(Vec<Option<Channel>>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Height of the surface, `FILE.nc:VARIABLE`.
    relief: String,
    /// How water moves: each cell a linear reservoir, or a channel with a kinematic wave.
    #[serde(default)]
    scheme: Scheme,
    /// Width of channels, of the kinematic wave.
    #[serde(default = "hundred_metres")]
    width: Length,
    /// Manning's roughness of channels in s m-1/3, of the kinematic wave.
    #[serde(default = "winding")]
    roughness: Fraction,
    /// Speed of water along the line between centers, of reservoirs.
    #[serde(default = "walking")]
    speed: Speed,
    /// Longest time in a cell, of reservoirs.
    #[serde(default = "half_a_year")]
    longest: Seconds,
}

/// Names of the schemes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    /// Linear reservoirs.
    #[default]
    Reservoir,
    /// The kinematic wave.
    Kinematic,
}

/// Least slope of a channel: relief of a coarse grid has none in plains and hollows.
const LEAST_SLOPE: f64 = 1e-4;

/// Of Manning's friction.
const BETA: f64 = 0.6;

/// Density of water (kg m⁻³).
const DENSITY: f64 = 1000.0;

fn hundred_metres() -> Length {
    Length::new(100.0)
}

fn winding() -> Fraction {
    Fraction::new(0.035)
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
            "runoff that flows down the relief from cell to cell, by linear reservoirs or a kinematic wave",
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
        let way = settings.way(&grid, &network, &height)?;
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
            way,
            declaration: Declaration { grids: vec![DeclaredGrid { name, grid }, at_mouths], imports, exports },
        }))
    }
}

impl Settings {
    /// Cells as reservoirs or channels.
    fn way(&self, grid: &Grid, network: &Network, height: &[f64]) -> Result<Way, ComponentError> {
        let wrong = |parameter: &str, found: f64| ComponentError::Parameter {
            parameter: parameter.to_owned(),
            problem: format!("found {found}, expected more than 0"),
        };
        let (speed, width, roughness) = (self.speed.get(), self.width.get(), self.roughness.get());
        if let Some((name, value)) =
            [("speed", speed), ("width", width), ("roughness", roughness)].into_iter().find(|(_, v)| v.is_nan() || *v <= 0.0)
        {
            return Err(wrong(name, value));
        }
        let cells = 0..grid.len();
        Ok(match self.scheme {
            Scheme::Reservoir => Way::Reservoirs(
                cells
                    .map(|cell| {
                        network.downstream(cell).map_or(0.0, |to| (distance(grid, cell, to) / speed).min(self.longest.get()))
                    })
                    .collect(),
            ),
            Scheme::Kinematic => {
                let channel = |(from, to): (usize, usize)| {
                    let length = distance(grid, from, to).max(1.0);
                    let slope = ((height[from] - height[to].max(0.0)) / length).max(LEAST_SLOPE);
                    // A = α Q^β in kg m⁻¹ and kg s⁻¹.
                    let alpha = kinematic::manning_alpha(roughness, width, slope) * DENSITY.powf(1.0 - BETA);
                    Channel { alpha, beta: BETA, seconds: 0.0, length }
                };
                Way::Channels(cells.map(|cell| network.downstream(cell).map(|to| channel((cell, to)))).collect())
            }
        })
    }
}

impl Way {
    /// Advances what cells hold (kg) by what comes into them (kg s⁻¹), and gives what goes out of each (kg s⁻¹).
    fn step(&self, network: &Network, storage: &mut [f64], local: &[f64], seconds: f64) -> Vec<f64> {
        match self {
            Self::Reservoirs(residence) => reservoir::step(network, storage, local, residence, seconds),
            Self::Channels(channels) => kinematic::step_stored(network, channels, storage, local, seconds),
        }
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
        let outflow = self.way.step(&self.network, &mut self.storage, &local, interval.length_s());
        self.carried.fill(0.0);
        for (cell, rate) in outflow.iter().enumerate() {
            if let Some(to) = self.network.downstream(cell) {
                self.carried[cell] -= rate * interval.length_s();
                self.carried[to] += rate * interval.length_s();
            }
        }
        let at_mouths = (0..n).map(|cell| if self.mouths[cell] { outflow[cell] / self.areas[cell] } else { 0.0 }).collect();
        let discharge = (0..n).map(|cell| if self.land[cell] { outflow[cell] / DENSITY } else { 0.0 }).collect();
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
