//! Runs whose exchanges are on a graphics processor, a software one too, beside those of the processor.
#![cfg(feature = "gpu")]

mod common;

use common::{BOXES, prepare, shipped};
use knarr_coupling::{
    Component, ComponentError, Context, Coupler, Declaration, DeclaredGrid, DeviceValues, ExperimentFile, Export, Fields, Import,
    Interval, Parameters, Plan, Prepared, Registry, RunError, State,
};
use knarr_kernels::convert::Conversion;
use knarr_kernels::device::DeviceChoice;
use knarr_kernels::gpu::{DeviceField, Gpu, Step};
use knarr_kernels::twins::convert::convert;
use knarr_regrid::{Device, RegridError};
use std::path::Path;

/// Of what a field has at most: rounding of some sums, through some days of components.
const BOUND: f64 = 1e-11;

/// The first adapter with double precision; nothing, said on stderr, where there is none.
fn device() -> Option<Device> {
    match Gpu::open(DeviceChoice::Gpu(Some(0))) {
        Ok(gpu) => gpu.filter(|gpu| gpu.facts().f64).map(Device::Gpu),
        Err(error) => {
            assert!(std::env::var("KNARR_REQUIRE_GPU").as_deref() != Ok("1"), "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

struct Ended {
    plan: Plan,
    exports: Vec<Fields>,
    /// Greatest relative residual of each account at the end, and of each stock.
    residuals: Vec<f64>,
    fluxes: Vec<f64>,
    /// Columns of all accounts, zone by zone.
    columns: Vec<f64>,
}

fn ended(Prepared { plan, components, exports, .. }: Prepared, device: &Device) -> Ended {
    let mut coupler = Coupler::on(device, &plan, components, exports, 2).expect("starts");
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
    }
    let (mut residuals, mut fluxes, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    for zone in 0..coupler.zones() {
        for k in 0..plan.couplings.len() {
            let Some((row, in_flight, residual)) = coupler.account(k, zone) else { continue };
            let scale = row.iter().fold(in_flight.abs(), |a, b| a.max(b.abs()));
            residuals.push(if residual == 0.0 { 0.0 } else { residual.abs() / scale });
            columns.extend(row);
        }
        for c in 0..plan.components.len() {
            for (_, [first, now, flux, moved]) in coupler.stocks(c, zone) {
                let scale = [first, now, flux, moved].into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                let residual = (now - first) - flux - moved;
                residuals.push(if residual == 0.0 { 0.0 } else { residual.abs() / scale });
                fluxes.push(flux);
            }
        }
    }
    let exports = (0..plan.components.len()).map(|c| coupler.exports(c)).collect();
    drop(coupler);
    Ended { plan, exports, residuals, fluxes, columns }
}

/// Fails unless exports and what stocks took and gave are those of the processor, and all closes.
fn check_same(name: &str, found: &Ended, expected: &Ended) {
    let worst = found.residuals.iter().copied().fold(0.0, f64::max);
    assert!(worst <= 1e-12, "{name}: a residual of {worst:.1e}");
    let scale = expected.fluxes.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(found.fluxes.iter().zip(&expected.fluxes).all(|(f, e)| (f - e).abs() <= BOUND * scale), "{name}: fluxes");
    for (component, (found, expected)) in found.plan.components.iter().zip(found.exports.iter().zip(&expected.exports)) {
        for (e, field) in expected.names().iter().enumerate() {
            let name = format!("{name}: {}.{field}", component.name);
            let (Some(f), Some(x)) = (found.at(e), expected.at(e)) else { panic!("{name} is not there") };
            let [f, x] = [f, x].map(|field| field.host().expect("it can be copied"));
            assert_eq!(f.valid, x.valid, "{name}");
            let size = (0..x.len()).filter_map(|cell| x.get(cell)).fold(0.0, |a: f64, b| a.max(b.abs()));
            let differs = |&cell: &usize| x.is_valid(cell) && (f.values[cell] - x.values[cell]).abs() > BOUND * size;
            let wrong = (0..x.len()).find(differs);
            assert!(wrong.is_none(), "{name} in cell {wrong:?}: {:?}", wrong.map(|c| (f.values[c], x.values[c])));
        }
    }
}

#[test]
fn a_run_on_a_graphics_processor_closes_and_is_that_of_the_processor() {
    let Some(device) = device() else { return };
    for name in ["five-domains.yaml", "eccc-lag2.yaml"] {
        check_same(name, &ended(shipped(name, 3), &device), &ended(shipped(name, 3), &Device::Cpu));
    }
    check_same("boxes", &ended(prepare(BOXES), &device), &ended(prepare(BOXES), &Device::Cpu));
}

/// Half of the tropics, twice, and the sphere.
const COARSE: &str = "ll:5,-25,10,10,18,6";
const FINE: &str = "ll:2.5,-27.5,5,5,36,12";
const GLOBE: &str = "r36x18";

#[test]
fn whatever_happens_on_the_way_is_what_happens_on_the_processor() {
    let Some(device) = device() else { return };
    let exchanges = [
        (GLOBE, COARSE, "map: conservative"),
        (GLOBE, "H8", "map: conservative, range: [0, 18]"),
        (COARSE, GLOBE, "map: 'conservative, nearest:500km, fixed:0'"),
        (COARSE, GLOBE, "map: 'conservative:destarea, fixed:3'"),
        (COARSE, FINE, "map: 'bilinear,nearest'"),
        (COARSE, FINE, "map: 'bilinear,nearest', conserve: {mode: global}"),
        (COARSE, FINE, "map: 'bilinear,nearest', conserve: {mode: glbpos}, range: [0, 20]"),
        (GLOBE, COARSE, "map: conservative, conserve: {mode: basbal, limit: 10}"),
        (GLOBE, COARSE, "map: conservative, conserve: {mode: baspos, limit: 10}"),
        (GLOBE, "H8", "map: conservative, reduce: instant"),
        (GLOBE, "H8", "map: conservative, reduce: maximum"),
        (GLOBE, "H8", "map: conservative, reduce: minimum"),
        (GLOBE, "H8", "map: conservative, lag: PT2H, initial: 5 W m-2"),
        (GLOBE, "H8", "map: conservative, lag: PT3H, initial: 5 W m-2, reduce: maximum"),
    ];
    for (from, to, exchange) in exchanges {
        let text = format!(
            "
clock: {{start: 2000-01-01, stop: P1D}}
components:
  a: {{kind: analytic, grid: '{from}', step: PT1H, parameters: {{flux: fa, residence: 20 h, amplitude: 6, initial: 1e6}}}}
  b: {{kind: analytic, grid: '{to}', step: PT2H, parameters: {{imports: [fa], flux: fb, residence: 30 h}}}}
exchanges:
  - {{from: a, to: b, fields: [fa], every: PT4H, {exchange}}}
budget: {{quantities: [heat], basins: {{north: {{lat: [3, 90]}}}}}}
"
        );
        let columns = |ended: &Ended| ended.columns.clone();
        let (found, expected) = (ended(prepare(&text), &device), ended(prepare(&text), &Device::Cpu));
        check_same(exchange, &found, &expected);
        let (found, expected) = (columns(&found), columns(&expected));
        let scale = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let same = found.iter().zip(&expected).all(|(f, e)| (f - e).abs() <= BOUND * scale);
        assert!(same && found.len() == 3 * 10, "{exchange}\n{found:?}\n{expected:?}");
    }
}

#[test]
fn a_run_on_a_graphics_processor_gone_on_with_is_the_run_itself() {
    let Some(device) = device() else { return };
    let on_device = |prepared: Prepared, from: Option<&State>, keep: &mut dyn FnMut(State)| {
        let Prepared { plan, components, exports, .. } = prepared;
        let mut coupler = Coupler::on(&device, &plan, components, exports, 2).expect("starts");
        let save = |coupler: &Coupler| coupler.save().expect("it can be kept");
        if let Some(state) = from {
            coupler.restore(state).expect("its own state");
            assert!(save(&coupler) == *state, "a state taken back is another");
        }
        while !coupler.is_finished() {
            keep(save(&coupler));
            coupler.advance().unwrap_or_else(|e| panic!("{e}"));
        }
        save(&coupler)
    };
    // Means over several steps, instants, extremes; one taken twice before the next comes.
    let text = BOXES
        .replace("reduce: average", "reduce: maximum")
        .replace("sea_flux], every: PT6H", "sea_flux], reduce: instant, every: PT6H");
    for text in [BOXES, &text] {
        let mut kept = Vec::new();
        let whole = on_device(prepare(text), None, &mut |state| kept.push(state));
        for (at, state) in kept.iter().enumerate().step_by(5) {
            assert!(on_device(prepare(text), Some(state), &mut |_| ()) == whole, "differs after going on from action {at}");
        }
        // A processor goes on from there too, within rounding.
        let mut prepared = prepare(text);
        let mut coupler = Coupler::of(&mut prepared, 1).expect("starts");
        coupler.restore(&kept[kept.len() / 2]).expect("the state has no device in it");
        while !coupler.is_finished() {
            coupler.advance().unwrap_or_else(|e| panic!("{e}"));
        }
        let content = |state: &State| state.real("component sea/state/content").expect("kept").to_vec();
        let (found, expected) = (content(&coupler.save().expect("it can be kept")), content(&whole));
        assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() <= BOUND * e.abs()));
    }
    let mut kept = Vec::new();
    let whole = on_device(shipped("five-domains.yaml", 4), None, &mut |state| kept.push(state));
    for state in [&kept[kept.len() / 3], &kept[kept.len() / 2]] {
        assert!(on_device(shipped("five-domains.yaml", 4), Some(state), &mut |_| ()) == whole, "five domains differ");
    }
}

/// A component that works on the device: it gives half of what it takes, and something of its own.
struct Relay {
    declaration: Declaration,
    gpu: Option<Gpu>,
    own: f64,
}

impl Relay {
    fn make(context: &Context, parameters: &Parameters) -> Result<Box<dyn Component>, ComponentError> {
        let (takes, gives, own): (String, String, f64) = parameters.read()?;
        let (name, grid) = context.own_grid()?;
        let declaration = Declaration {
            grids: vec![DeclaredGrid { name, grid }],
            imports: vec![Import::flux(&takes, "W m-2", &[])],
            exports: vec![Export::flux(&gives, "W m-2", &[])],
        };
        Ok(Box::new(Self { declaration, gpu: None, own }))
    }
}

impl Component for Relay {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn move_to(&mut self, device: &Device) -> Result<bool, ComponentError> {
        self.gpu = match device {
            Device::Cpu => None,
            Device::Gpu(gpu) => Some(gpu.clone()),
        };
        Ok(self.gpu.is_some())
    }

    fn step(&mut self, _: &Interval, imports: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let (takes, gives) = (&self.declaration.imports[0].name, &self.declaration.exports[0].name);
        // Experiments have no way to write that something is no number.
        let own = if self.own > 1e300 { f64::NAN } else { self.own };
        let conversion = Conversion { divide: 2.0, add: own, ..Conversion::NOTHING };
        let Some(gpu) = &self.gpu else {
            let given = &imports.get(takes)?.values;
            let (values, _) = knarr_kernels::convert::convert(given, &vec![true; given.len()], &conversion);
            return exports.set(gives, values);
        };
        let given = imports.on_device(takes, gpu)?.field();
        let fail = RegridError::from;
        let field = DeviceField::zeros(gpu, given.shape(), given.has_flags()).map_err(fail)?;
        let mut step = Step::new(gpu);
        convert(&mut step, (given, 0), &conversion, (&field, 0)).map_err(fail)?;
        step.submit().map_err(fail)?;
        exports.set(gives, DeviceValues::new(gpu, field)?)
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}

/// Three in a circle, on three grids or two, and a box on the host that looks on.
const CIRCLE: &str = "
clock: {start: 2000-01-01, stop: P2D}
components:
  one: {kind: relay, grid: r36x18, step: PT1H, parameters: [third, first, 4]}
  two: {kind: relay, grid: H8, step: PT2H, parameters: [first, second, -2]}
  three: {kind: relay, grid: H8, step: PT2H, parameters: [second, third, 1]}
  host: {kind: analytic, grid: CS8, step: PT6H, parameters: {imports: [first], flux: fb, residence: 30 h}}
exchanges:
  - {from: one, to: two, fields: [first], every: PT4H, map: conservative}
  - {from: two, to: three, fields: [second], every: PT2H, map: same}
  - {from: three, to: one, fields: [third], every: PT4H, lag: PT4H, initial: 7 W m-2, map: conservative}
  - {from: one, to: host, fields: [first], every: PT6H, map: conservative}
budget: {quantities: [heat], basins: {north: {lat: [30, 90]}}}
";

#[test]
fn fields_stay_where_components_work_that_know_the_device() {
    let Some(device) = device() else { return };
    let Device::Gpu(gpu) = &device else { return };
    let registry = || Registry::built_in().with("relay", Relay::make);
    let prepared = || {
        let file = ExperimentFile::parse(Path::new("circle.yaml"), CIRCLE).expect("an experiment");
        let (prepared, findings) = Prepared::new(&file, &registry());
        prepared.unwrap_or_else(|| panic!("{findings:?}"))
    };
    check_same("a circle", &ended(prepared(), &device), &ended(prepared(), &Device::Cpu));

    let Prepared { plan, components, exports, .. } = prepared();
    let mut coupler = Coupler::on(&device, &plan, components, exports, 1).expect("starts");
    // The first day has copies of weights and areas, each when it is first used.
    while coupler.reached_s() < 86_400 {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
    }
    let (before, counts_before) = (gpu.copies(), coupler.counts());
    let mut steps = [0, 0];
    while !coupler.is_finished() {
        for c in coupler.advance().unwrap_or_else(|e| panic!("{e}")) {
            steps[usize::from(plan.components[c].name == "host")] += 1;
        }
    }
    let (copies, counts) = (gpu.copies() - before, coupler.counts());
    assert_eq!(steps, [24 + 12 + 12, 4]);
    // A step has one copy of sums; the host looks at a field in each of its own.
    assert_eq!((copies.uploads, copies.downloads), (0, 48 + 4 + 4), "{copies:?}");
    let cells = 6 * 8 * 8;
    assert!(copies.downloaded_bytes < 4 * 8 * cells + 52 * 5000, "{copies:?}");
    for (count, before) in counts.iter().zip(&counts_before) {
        let looked_at = if count.coupling.contains("host") { 4 } else { 0 };
        assert!(count.on_device, "{count:?}");
        assert_eq!(count.copies - before.copies, looked_at, "{count:?}");
    }
}

#[test]
fn a_value_on_the_device_that_is_no_number_is_found() {
    let Some(device) = device() else { return };
    let text = CIRCLE.replace("[first, second, -2]", "[first, second, 1e301]");
    let file = ExperimentFile::parse(Path::new("circle.yaml"), &text).expect("an experiment");
    let Prepared { plan, components, exports, .. } =
        Prepared::new(&file, &Registry::built_in().with("relay", Relay::make)).0.expect("nothing is wrong");
    let mut coupler = Coupler::on(&device, &plan, components, exports, 1).expect("starts");
    let error = loop {
        match coupler.advance() {
            Ok(_) => assert!(!coupler.is_finished(), "NaN goes unseen"),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, RunError::NotFinite { field, cell: 0, .. } if field == "second"), "{error}");
}
