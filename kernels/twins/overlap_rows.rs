//! Twin of [`crate::overlap_rows`]: areas that polygons share with the cells between parallels and meridians.
//!
//! From coordinates in two parts, areas in double precision are within 1e-14 of the cell of those that
//! [`crate::overlap_rows::slice_polygon`] finds, and in single precision within 5e-7, at any
//! resolution and next to a pole as well. Of a polygon much smaller than the cell, or larger, it is the geometric mean of
//! the two. Which cells a polygon may reach into is found on the device too. Polygons around a pole, wider than
//! 120° of longitude, or with edges of more than 29° are left to the processor. Parts of bands are at most 45° wide
//! ([`Meridians`] sees to that): the series between an arc and a parallel has terms for as much.

use super::cell_area::in_two;
use super::exclusive_scan::exclusive_scan;
use super::overlap::{Pairs, SharedRows, keep};
use crate::double_double::{self, DoubleDouble};
use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Buffer, Gpu, GpuError, Kernel, LOOP_LIMIT, Numbers, Parameters, Step, Width};
use crate::overlap_rows::{Bands, Meridians, Milestones, NO_OWNER, Place, Turn, is_narrow, radians};
use crate::sphere::{UnitVector, dot, sub};
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Cells that polygons may reach into, counted.
pub const COUNT: Kernel = Kernel {
    name: "overlap_rows_count",
    texts: &[include_str!("../shared/row_windows.wgsl"), include_str!("../overlap_rows_count.wgsl")],
    entry: "count",
    bindings: &[
        ("windows", Access::Read),
        ("spans", Access::Read),
        ("rows", Access::Read),
        ("parts", Access::Read),
        ("columns", Access::Read),
        ("counts", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// The same, listed.
pub const FILL: Kernel = Kernel {
    name: "overlap_rows_fill",
    texts: &[include_str!("../shared/row_windows.wgsl"), include_str!("../overlap_rows_fill.wgsl")],
    entry: "fill",
    bindings: &[
        ("windows", Access::Read),
        ("spans", Access::Read),
        ("rows", Access::Read),
        ("parts", Access::Read),
        ("columns", Access::Read),
        ("starts", Access::Read),
        ("polygons", Access::Write),
        ("bands", Access::Write),
        ("pair_parts", Access::Write),
        ("subjects", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Areas of pairs.
pub const PAIR_AREAS: Kernel = Kernel {
    name: "overlap_rows",
    texts: &[include_str!("../overlap_rows.wgsl")],
    entry: "pair_areas",
    bindings: &[
        ("polygons", Access::Read),
        ("bands", Access::Read),
        ("pair_parts", Access::Read),
        ("corner_starts", Access::Read),
        ("corners", Access::Read),
        ("parallels", Access::Read),
        ("parts", Access::Read),
        ("areas", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Trips of the loops of an edge: a dozen sines of 12, two roots by three steps, five parts with a series.
const EDGE_TRIPS: u64 = 12 * 12 + 6 + 5 * (1 + 22) + 2;

/// Edges may have this square of a chord.
const LONGEST2: f64 = 0.25;

/// Trips of a polygon's walk. Software drivers count those of all eight invocations that run together.
const BUDGET: f64 = LOOP_LIMIT as f64 / 9.0;

/// Rows between parallels on a device.
#[derive(Debug)]
pub struct DeviceBands {
    width: Width,
    /// Sine of each parallel, on the host.
    sin: Vec<f64>,
    milestones: Arc<Milestones>,
    /// Width of the narrowest part of each band (rad), and number of parts.
    narrowest: Vec<(f64, usize)>,
    parallels: Buffer,
    rows: Buffer,
    parts: Buffer,
    columns: Buffer,
    cell_areas: Buffer,
}

/// What the device has to know of a polygon.
struct Outline {
    /// Longitude, sine and cosine of latitude of each corner.
    corners: Vec<[DoubleDouble; 3]>,
    bands: [u32; 2],
    span: [f64; 2],
    is_elsewhere: bool,
}

/// Parts of the meridians of rows.
struct Parts {
    /// Middle in two numbers, and half the width of each (rad).
    places: Vec<[f64; 3]>,
    columns: Vec<u32>,
    /// Width of the narrowest (rad).
    narrowest: f64,
}

impl Parts {
    fn of(meridians: &Meridians, width: Width) -> Self {
        let place = |middle: DoubleDouble, half: f64| {
            let [middle, low] = parted(radians(within_turn(middle)), width);
            [middle, low, half]
        };
        let (places, columns): (Vec<[f64; 3]>, Vec<u32>) = match meridians {
            Meridians::Uniform { count } => {
                let turn = |part: f64| DoubleDouble::from(part) / DoubleDouble::from(*count as f64);
                let half = radians(turn(180.0)).high;
                ((0..*count).map(|k| place(turn(360.0 * k as f64), half)).collect(), (0..*count as u32).collect())
            }
            Meridians::Table { lon_deg, columns, .. } => {
                let ends = || lon_deg.iter().map(|&lon| DoubleDouble::from(lon));
                let last = DoubleDouble::of_sum(lon_deg[0], 360.0);
                let half = DoubleDouble::from(0.5);
                let between =
                    |(west, east): (DoubleDouble, DoubleDouble)| place((west + east) * half, radians((east - west) * half).high);
                (ends().zip(ends().skip(1).chain([last])).map(between).collect(), columns.clone())
            }
        };
        let narrowest = places.iter().map(|p| 2.0 * p[2]).fold(f64::INFINITY, f64::min);
        Self { places, columns, narrowest }
    }
}

impl DeviceBands {
    /// Bands whose cells have these areas (sr).
    ///
    /// # Errors
    /// [`GpuError::NoF64`], [`GpuError::OutOfMemory`], [`GpuError::TooLarge`].
    pub fn new(gpu: &Gpu, bands: &Bands, cell_areas: &[f64], width: Width) -> Result<Self, GpuError> {
        let numbers = Numbers::all(width);
        if numbers.needs_f64() && !gpu.facts().f64 {
            return Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() });
        }
        // Rows with as many columns share their meridians.
        let mut of_count = std::collections::HashMap::new();
        let mut distinct: Vec<&Meridians> = Vec::new();
        let mut add = |meridians| {
            distinct.push(meridians);
            distinct.len() - 1
        };
        let of_meridians: Vec<usize> = bands
            .meridians
            .iter()
            .map(|meridians| match meridians {
                Meridians::Uniform { count } => *of_count.entry(*count).or_insert_with(|| add(meridians)),
                Meridians::Table { .. } => add(meridians),
            })
            .collect();
        let parts: Vec<Parts> = distinct.par_iter().map(|meridians| Parts::of(meridians, width)).collect();
        let firsts: Vec<usize> = parts
            .iter()
            .scan(0, |end, parts| {
                let first = *end;
                *end += parts.places.len();
                Some(first)
            })
            .collect();
        let of_row = |row: u32| of_meridians[if bands.meridians.len() == 1 { 0 } else { row as usize }];
        let mut rows = Vec::with_capacity(3 * bands.rows.len());
        let mut narrowest = Vec::with_capacity(bands.rows.len());
        for &row in &bands.rows {
            if row == NO_OWNER {
                rows.extend([0, 0, 0]);
                narrowest.push((TAU, 0));
            } else {
                let (own, first) = (&parts[of_row(row)], firsts[of_row(row)]);
                rows.extend([first as u32, own.places.len() as u32, bands.row_starts[row as usize] as u32]);
                narrowest.push((own.narrowest, own.places.len()));
            }
        }
        let places: Vec<[f64; 3]> = parts.iter().flat_map(|p| &p.places).copied().collect();
        let columns: Vec<u32> = parts.iter().flat_map(|p| &p.columns).copied().collect();
        Ok(Self {
            width,
            sin: bands.sin.clone(),
            milestones: bands.milestones.clone(),
            narrowest,
            parallels: gpu.upload_real("parallels", &parallels(bands, width), numbers)?,
            rows: gpu.upload("bands", &rows)?,
            parts: gpu.upload_real("parts of bands", places.as_flattened(), numbers)?,
            columns: gpu.upload("columns", &columns)?,
            cell_areas: gpu.upload_real("areas of cells", cell_areas, numbers)?,
        })
    }

    /// The cells that each polygon overlaps, and the areas; polygon `i` has the corners
    /// `corners[starts[i]..starts[i + 1]]`, counter-clockwise, which `turn` takes into the frame of the bands (`None`: they
    /// are in it), and the area `areas[i]` (sr).
    /// Slivers are dropped as rounding; a cell of several parts may come several times.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if areas or corners do not fit; [`GpuError::TooLarge`] if they are too many at a time;
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub fn rows(
        &self,
        gpu: &Gpu,
        (starts, corners): (&[u32], &[UnitVector]),
        turn: Option<&Turn>,
        areas: &[f64],
    ) -> Result<SharedRows, GpuError> {
        let polygons = areas.len();
        for (what, found, expected) in [
            ("the starts of corners", starts.len(), polygons + 1),
            ("the corners", corners.len(), starts.last().map_or(0, |&end| end as usize)),
        ] {
            if found != expected {
                return Err(GpuError::WrongLength { what, found, expected });
            }
        }
        let outlines: Vec<Outline> =
            starts.par_windows(2).map(|w| self.outline(&corners[w[0] as usize..w[1] as usize], turn)).collect();
        let numbers = Numbers::all(self.width);
        let windows: Vec<u32> = outlines.iter().flat_map(|o| o.bands).collect();
        let spans: Vec<f64> = outlines.iter().flat_map(|o| o.span).collect();
        let width = self.width;
        let of = |o: &Outline| o.corners.as_flattened().to_vec().into_iter().flat_map(move |v| parted(v, width));
        let places: Vec<f64> = outlines.par_iter().flat_map_iter(of).collect();
        let own = outlines.iter().scan(0, |end, outline| {
            *end += outline.corners.len() as u32;
            Some(*end)
        });
        let starts: Vec<u32> = [0].into_iter().chain(own).collect();

        // What each polygon may reach into.
        let windows = gpu.upload("bands of polygons", &windows)?;
        let spans = gpu.upload_real("longitudes of polygons", &spans, numbers)?;
        let counts = gpu.buffer("cells near polygons", 4 * polygons as u64)?;
        let margin = if self.width == Width::F64 { 1e-13 } else { 4e-6 };
        let parameters = || Parameters::new(numbers).trips(u64::from(LOOP_LIMIT)).real(TAU).real(margin);
        let near = [&windows, &spans, &self.rows, &self.parts, &self.columns];
        let mut step = Step::new(gpu);
        step.run(&COUNT, parameters(), &near.into_iter().chain([&counts]).map(Into::into).collect::<Vec<_>>(), polygons as u64)?;
        let pair_starts = exclusive_scan(&mut step, &counts, polygons)?;
        step.submit()?;
        let counts: Vec<u32> = gpu.read(&counts, 0, polygons)?;
        let pairs: u64 = counts.iter().map(|&c| u64::from(c)).sum();
        let list = |what| gpu.buffer(what, 4 * pairs);
        let (of, bands) = (list("polygons of pairs")?, list("bands of pairs")?);
        let (pair_parts, subjects) = (list("parts of pairs")?, list("cells of pairs")?);
        let mut step = Step::new(gpu);
        let lists = near.into_iter().chain([&pair_starts, &of, &bands, &pair_parts, &subjects]);
        step.run(&FILL, parameters(), &lists.map(Into::into).collect::<Vec<_>>(), polygons as u64)?;

        let most = outlines.iter().map(|o| o.corners.len()).max().unwrap_or(0) as u64;
        let starts = gpu.upload("starts of corners", &starts)?;
        let corners = gpu.upload_real("corners", &places, numbers)?;
        let pair_areas = gpu.buffer("areas of pairs", pairs * self.width.bytes() as u64)?;
        let [half_turn, half_turn_low] = parted(double_double::PI, self.width);
        let parameters = Parameters::new(numbers).trips((EDGE_TRIPS + 1) * (most + 1)).real(half_turn).real(half_turn_low);
        let bindings = [&of, &bands, &pair_parts, &starts, &corners, &self.parallels, &self.parts, &pair_areas].map(Into::into);
        step.run(&PAIR_AREAS, parameters, &bindings, pairs)?;

        let areas = gpu.upload_real("areas of polygons", areas, numbers)?;
        let pairs = Pairs {
            starts: &pair_starts,
            subjects: &subjects,
            areas: &pair_areas,
            len: pairs as usize,
            longest: counts.iter().copied().max().unwrap_or(0),
        };
        let mut found = keep(step, self.width, (0, polygons), &pairs, &areas, &self.cell_areas)?;
        found.elsewhere.iter_mut().zip(&outlines).for_each(|(elsewhere, outline)| *elsewhere |= outline.is_elsewhere);
        Ok(found)
    }

    fn outline(&self, corners: &[UnitVector], turn: Option<&Turn>) -> Outline {
        let nothing = |is_elsewhere| Outline { corners: vec![], bands: [0, 0], span: [0.0; 2], is_elsewhere };
        if corners.len() < 3 {
            return nothing(false);
        }
        let chord2 = |(a, b): (&UnitVector, &UnitVector)| dot(sub(*a, *b), sub(*a, *b));
        let longest2 = corners.iter().zip(corners.iter().cycle().skip(1)).map(chord2).fold(0.0, f64::max);
        let places = || corners.iter().map(|&p| Place::from(p)).map(|p| turn.map_or(p, |turn| turn.apply(&p)));
        let flat = || places().map(|p| p.rounded()).map(|p| [p[0], p[1]]);
        if !is_narrow(flat()) || longest2 > LONGEST2 {
            return nothing(true);
        }
        let (x, y) = flat().fold((0.0, 0.0), |(x, y), p| (x + p[0], y + p[1]));
        let middle = y.atan2(x);
        let place = |p: Place| {
            let [lon, sin, cos] = self.milestones.place(&p);
            let turns = ((lon.high - middle) / TAU).round();
            [lon - DoubleDouble::from(2.0 * turns) * double_double::PI, sin, cos]
        };
        let places: Vec<[DoubleDouble; 3]> = places().map(place).collect();
        let range = |axis: usize| {
            let of = || places.iter().map(|p| p[axis].high);
            (of().fold(f64::INFINITY, f64::min), of().fold(f64::NEG_INFINITY, f64::max))
        };
        let ((west, east), (south, north)) = (range(0), range(1));
        // Arcs rise above their ends by an eighth of chord² and a little; rounding is far below.
        let bulge = longest2 / 7.0 + 1e-15;
        let first = self.sin.partition_point(|&s| s <= south - bulge).saturating_sub(1);
        let end = self.sin.partition_point(|&s| s < north + bulge).min(self.narrowest.len()).max(first);
        let walk = |&(narrowest, count): &(f64, usize)| ((east - west) / narrowest + 4.0).min(count as f64) + 16.0;
        if self.narrowest[first..end].iter().map(walk).sum::<f64>() > BUDGET {
            return nothing(true);
        }
        Outline { corners: places, bands: [first as u32, end as u32], span: [west, east - west], is_elsewhere: false }
    }
}

/// Sine and cosine of each parallel, two numbers each, and the difference of sines to the next.
fn parallels(bands: &Bands, width: Width) -> Vec<f64> {
    let last = bands.sin.len() - 1;
    let of = |k: usize| {
        let number = |high: &[f64], k: usize, which: usize| DoubleDouble { high: high[k], low: bands.lows[k][which] };
        let (sin, cos) = (number(&bands.sin, k, 0), number(&bands.cos, k, 1));
        let height = number(&bands.sin, last.min(k + 1), 0) - sin;
        let ([s, s_low], [c, c_low]) = (parted(sin, width), parted(cos, width));
        [s, s_low, c, c_low, height.high]
    };
    (0..=last).flat_map(of).collect()
}

/// A number as the sum of two of the device.
fn parted(v: DoubleDouble, width: Width) -> [f64; 2] {
    let [high, low] = in_two(v.high, width);
    [high, low + v.low]
}

/// Less whole turns of 360°.
fn within_turn(deg: DoubleDouble) -> DoubleDouble {
    deg - DoubleDouble::from(360.0 * (deg.high / 360.0).round())
}

#[cfg(test)]
mod tests;
