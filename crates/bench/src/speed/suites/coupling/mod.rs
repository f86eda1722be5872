//! Components of one run that hand fields to one another, stepped by the coupler.

mod five_domains;
mod mirror;

use super::regrid::{apply_bytes, used_sources};
use super::{Measure, Prepare};
use crate::speed::{Bound, Case, CaseError, Device, Figure, Plan, Size, Work, judged};
use knarr_coupling::{Coupler, ExperimentFile, Prepared, Registry};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const PING_PONG: &str = "coupling ping-pong, 1M points";
const TWO_BOXES: &str = "two boxes of dear steps";

/// Plans at a size.
pub fn plans(size: Size) -> Vec<Plan> {
    let plan = |suite: &'static str, kernel: &str, data: String, with: Prepare| Plan {
        suite,
        kernel: kernel.to_owned(),
        device: Device::Cpu,
        size,
        data,
        is_parallel: true,
        with,
    };
    let mut plans: Vec<Plan> = ["from lat-lon to lat-lon", "from lat-lon to HEALPix"]
        .into_iter()
        .zip(ping_pong_pairs(size))
        .map(|(kernel, pair)| {
            let data = format!("{} <-> {}", pair[0], pair[1]);
            plan(PING_PONG, &format!("there and back, {kernel}"), data, Box::new(move |m| ping_pong(&pair, false, m)))
        })
        .collect();
    let pair = ping_pong_pairs(size)[0].clone();
    let data = format!("{} <-> {}", pair[0], pair[1]);
    plans.push(plan(PING_PONG, "there and back, a flux and its ledger", data, Box::new(move |m| ping_pong(&pair, true, m))));
    let grid = boxes_grid(size);
    plans.push(plan(TWO_BOXES, "an hour", format!("twice {grid}"), Box::new(move |m| two_boxes(grid, m))));
    // Its grids are those of its data.
    if size == Size::S {
        plans.push(plan(five_domains::SUITE, "a day", five_domains::DATA.to_owned(), Box::new(five_domains::day)));
    }
    plans
}

/// About a million points at the first size, twice as many at each further one.
fn ping_pong_pairs(size: Size) -> [[String; 2]; 2] {
    let by = 1 << size as usize;
    let lat_lon = [format!("r{}x1000", 1000 * by), format!("r{}x800", 1250 * by)];
    // 12 nside² cells; nested order would need a power of two.
    let nside = (f64::from(by) * 1e6 / 12.0).sqrt().round();
    let healpix = [lat_lon[1].clone(), format!("H{nside}")];
    [lat_lon, healpix]
}

fn boxes_grid(size: Size) -> &'static str {
    match size {
        Size::S => "r90x45",
        Size::M => "r180x90",
        Size::L => "r360x180",
        Size::Xl => "r720x360",
    }
}

fn prepare(file: &ExperimentFile, registry: &Registry) -> Result<Prepared, CaseError> {
    let (prepared, findings) = Prepared::new(file, registry);
    prepared.ok_or_else(|| CaseError::Failed(findings.0.iter().map(|f| f.told("experiment")).collect()))
}

fn parsed(text: &str) -> Result<ExperimentFile, CaseError> {
    ExperimentFile::parse(Path::new("bench.yaml"), text).map_err(CaseError::from_error)
}

/// A coupler that a case steps and asks in turn.
struct Stepped<'p> {
    coupler: Mutex<Coupler<'p>>,
    /// Actions of one call.
    actions: usize,
}

impl<'p> Stepped<'p> {
    fn new(prepared: &'p mut Prepared, actions: usize) -> Result<Self, CaseError> {
        // Threads of branches side by side, which no experiment here has: kernels use those of the pool they are called in.
        let coupler = Coupler::of(prepared, 1).map_err(CaseError::from_error)?;
        Ok(Self { coupler: Mutex::new(coupler), actions })
    }

    /// One call.
    fn call(&self) -> Result<(), CaseError> {
        let mut coupler = self.coupler.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..self.actions {
            // An action beyond the end would do nothing, in no time.
            if coupler.advance().map_err(CaseError::from_error)?.is_empty() {
                return Err(CaseError::Failed("the run has come to its end".to_owned()));
            }
        }
        Ok(())
    }

    /// Asks the coupler.
    fn ask<T>(&self, what: impl FnOnce(&Coupler<'p>) -> T) -> T {
        what(&self.coupler.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Seconds in components, seconds outside of them, and seconds of model time, since the start.
    fn totals(&self) -> [f64; 3] {
        self.ask(|coupler| {
            let costs = coupler.costs();
            [costs.iter().map(|c| c.busy_s).sum(), costs.iter().map(|c| c.exchange_s).sum(), coupler.reached_s() as f64]
        })
    }

    /// The case: its figures are the share of time outside of components and, of a model, simulated years a day, both of the
    /// calls since they were last asked for.
    fn case(&self, work: Work, error: (f64, String), is_model: bool) -> Case<'_> {
        let mut before = [0.0; 3];
        let figures = move || {
            let now = self.totals();
            let [busy, outside, model] = [0, 1, 2].map(|k| now[k] - before[k]);
            before = now;
            let years_a_day = model / (365.25 * 86_400.0) / (busy + outside) * 86_400.0;
            let share = 100.0 * outside / (busy + outside);
            let mut figures = vec![Figure { name: "outside of components".to_owned(), value: share, unit: "%".to_owned() }];
            if is_model {
                figures.push(Figure { name: "simulated years".to_owned(), value: years_a_day, unit: "a day".to_owned() });
            }
            figures
        };
        Case::new(work, error, || self.call()).with_figures(figures)
    }
}

/// Two components that do nothing but hand on what they get: a state over two bilinear maps, or a flux over two conservative
/// ones with all that the ledger sums, over the Earth and three basins.
fn ping_pong_prepared([one, other]: &[String; 2], is_flux: bool) -> Result<Prepared, CaseError> {
    let map = if is_flux { "conservative" } else { "bilinear, nearest" };
    let file = parsed(&format!(
        "
clock: {{start: 2000-01-01, stop: P40000D}}
components:
  ping: {{kind: mirror, grid: {one}, step: PT1H, parameters: [pong, ping, {is_flux}]}}
  pong: {{kind: mirror, grid: {other}, step: PT1H, parameters: [ping, pong, {is_flux}]}}
exchanges:
  - {{from: ping, to: pong, fields: [ping], every: PT1H, map: '{map}', reduce: instant}}
  - {{from: pong, to: ping, fields: [pong], every: PT1H, map: '{map}', reduce: instant, lag: PT1H, initial: 280}}
budget: {{basins: {{north: {{lat: [30, 90]}}, tropics: {{lat: [-30, 30]}}}}}}
"
    ))?;
    prepare(&file, &Registry::built_in().with("mirror", mirror::Mirror::make))
}

/// A field there and back. Right: a constant stays one.
fn ping_pong(pair: &[String; 2], is_flux: bool, measure: Measure<'_>) -> Result<(), CaseError> {
    let mut prepared = ping_pong_prepared(pair, is_flux)?;
    let work = mapped_work(&prepared);
    let stepped = Stepped::new(&mut prepared, 2)?;
    (0..2).try_for_each(|_| stepped.call())?;
    let back = stepped.ask(|c| c.exports(0));
    let values = back.at(0).map(|field| field.host()).transpose().map_err(CaseError::from_error)?;
    let values = values.map(|v| v.values.as_slice()).unwrap_or_default();
    let off = values.iter().map(|v| (v - 280.0).abs() / 280.0).fold(None, worse);
    let error = judged("a constant, off", off.unwrap_or(f64::NAN), 1e-13)?;
    measure(stepped.case(work, error, false));
    Ok(())
}

/// What the maps of an experiment move when each is used once for one field.
fn mapped_work(prepared: &Prepared) -> Work {
    let mut work = Work {
        items: 0,
        unit: "values".to_owned(),
        bytes: 0,
        flops: 0,
        formula: "each map applied once to one slab of 8 B, as in `apply`; copies of components are not counted".to_owned(),
        bound: Bound::Memory,
    };
    for mapping in &prepared.plan.mappings {
        let rows = mapping.destination.len() as u64;
        work.items += rows;
        if let Some(regridder) = &mapping.regridder {
            let links = regridder.weights.len() as u64;
            work.bytes += apply_bytes(links, used_sources(&regridder.weights), rows, 1, 8);
            work.flops += 2 * links;
        }
    }
    work
}

/// Two boxes with ten microseconds of arithmetic a cell and step: a column of atmospheric physics costs more. Right: the
/// ledger closes.
fn two_boxes(grid: &str, measure: Measure<'_>) -> Result<(), CaseError> {
    let file = parsed(&format!(
        "
clock: {{start: 2000-01-01, stop: P40000D}}
components:
  air: {{kind: analytic, grid: {grid}, step: PT1H, parameters: {{imports: [up], flux: down, residence: 30 h, amplitude: 10, cost: 1000}}}}
  sea: {{kind: analytic, grid: {grid}, step: PT1H, parameters: {{imports: [down], flux: up, residence: 90 h, amplitude: 4, cost: 1000}}}}
exchanges:
  - {{from: air, to: sea, fields: [down], every: PT1H}}
  - {{from: sea, to: air, fields: [up], every: PT1H, lag: PT1H, initial: 0}}
budget: {{quantities: [heat]}}
"
    ))?;
    let mut prepared = prepare(&file, &Registry::built_in())?;
    let stepped = Stepped::new(&mut prepared, 2)?;
    stepped.call()?;
    closed_case(&stepped, false, measure)
}

/// Times a coupler whose ledger closes; bytes are those that its couplings hand over in a call.
fn closed_case(stepped: &Stepped<'_>, is_model: bool, measure: Measure<'_>) -> Result<(), CaseError> {
    let handed = || stepped.ask(|c| c.counts().iter().map(|count| count.bytes).sum::<u64>());
    let before = handed();
    stepped.call()?;
    let bytes = handed() - before;
    let worst = stepped.ask(|c| (0..c.counts().len()).filter_map(|k| c.worst(k)).map(|w| w.0).fold(None, worse));
    let error = judged("residual of the ledger", worst.unwrap_or(f64::NAN), 1e-12)?;
    let work = Work {
        items: bytes / 8,
        unit: "values".to_owned(),
        bytes,
        flops: 0,
        formula: "8 B a value that a coupling hands over, by the coupler's count".to_owned(),
        bound: Bound::Open,
    };
    measure(stepped.case(work, error, is_model));
    Ok(())
}

/// The greater of two; NaN if one is.
fn worse(so_far: Option<f64>, next: f64) -> Option<f64> {
    Some(so_far.map_or(next, |w| if w.is_nan() || w > next { w } else { next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_ping_pong_are_those_of_its_two_maps() {
        let prepared = ping_pong_prepared(&["r24x12".to_owned(), "H4".to_owned()], false).expect("an experiment");
        let (mut bytes, mut links) = (0, 0);
        for mapping in &prepared.plan.mappings {
            let weights = &mapping.regridder.as_ref().expect("two grids").weights;
            let mut sources = std::collections::BTreeSet::new();
            for i in 0..weights.destination_len() {
                for &column in weights.row(i).0 {
                    bytes += if sources.insert(column) { 8 } else { 0 };
                    bytes += 4 + 8;
                    links += 1;
                }
                bytes += 2 * 8;
            }
        }
        let work = mapped_work(&prepared);
        assert_eq!((work.items, work.bytes, work.flops), (24 * 12 + 12 * 16, bytes, 2 * links));
    }

    #[test]
    fn the_share_outside_of_components_is_small_for_dear_steps_and_all_but_one_for_none() {
        let shares = |with: &dyn Fn(Measure<'_>) -> Result<(), CaseError>| {
            let mut shares = Vec::new();
            with(&mut |mut case| {
                (case.run)().expect("it runs");
                shares = (case.figures)();
            })
            .expect("it is right");
            assert!(shares.iter().all(|f| f.value.is_finite() && f.value > 0.0), "{shares:?}");
            shares[0].value
        };
        let dear = shares(&|m| two_boxes("r24x12", m));
        let none = shares(&|m| ping_pong(&["r240x120".to_owned(), "H32".to_owned()], false, m));
        // Far apart, whatever else runs on the machine of the test.
        assert!(dear < 50.0 && none > 50.0, "{dear} {none}");
    }

    #[test]
    fn a_run_that_has_ended_is_not_timed() {
        let file = parsed(
            "
clock: {start: 2000-01-01, stop: PT2H}
components:
  air: {kind: analytic, grid: r24x12, step: PT1H, parameters: {imports: [up], flux: down, residence: 30 h, amplitude: 10}}
  sea: {kind: analytic, grid: r24x12, step: PT1H, parameters: {imports: [down], flux: up, residence: 90 h, amplitude: 4}}
exchanges:
  - {from: air, to: sea, fields: [down], every: PT1H}
  - {from: sea, to: air, fields: [up], every: PT1H, lag: PT1H, initial: 0}
",
        )
        .expect("an experiment");
        let mut prepared = prepare(&file, &Registry::built_in()).expect("a plan");
        let stepped = Stepped::new(&mut prepared, 2).expect("a run");
        assert_eq!(stepped.call(), Ok(()));
        assert_eq!(stepped.call(), Ok(()));
        assert!(stepped.call().is_err());
    }
}
