//! A run that stands still says who waits for whom.

use knarr_coupling::{
    Component, ComponentError, Context, Declaration, DeclaredGrid, ExperimentFile, Export, Fields, Import, Interval, Parameters,
    Prepared, Registry, RunOptions, State, Watch, run,
};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Is in its step until somebody has said something, or ten seconds have gone.
struct Standstill {
    declaration: Declaration,
}

impl Component for Standstill {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, _: &Interval, _: &Fields, exports: &mut Fields) -> Result<(), ComponentError> {
        let begun = std::time::Instant::now();
        while SAID.lock().expect("no holder panics").is_empty() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        exports.set("air_temperature", vec![280.0; 32])
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}

struct Taker {
    declaration: Declaration,
}

impl Component for Taker {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn step(&mut self, _: &Interval, imports: &Fields, _: &mut Fields) -> Result<(), ComponentError> {
        imports.get("air_temperature").map(|_| ())
    }

    fn save(&self) -> Result<State, ComponentError> {
        Ok(State::new())
    }

    fn restore(&mut self, _: &State) -> Result<(), ComponentError> {
        Ok(())
    }
}

fn declaration(context: &Context, imports: Vec<Import>, exports: Vec<Export>) -> Result<Declaration, ComponentError> {
    let (name, grid) = context.own_grid()?;
    Ok(Declaration { grids: vec![DeclaredGrid { name, grid }], imports, exports })
}

#[test]
fn a_standstill_is_told_with_who_waits() {
    let slow = |context: &Context, _: &Parameters| -> Result<Box<dyn Component>, ComponentError> {
        Ok(Box::new(Standstill { declaration: declaration(context, Vec::new(), vec![Export::new("air_temperature", "K")])? }))
    };
    let taker = |context: &Context, _: &Parameters| -> Result<Box<dyn Component>, ComponentError> {
        Ok(Box::new(Taker { declaration: declaration(context, vec![Import::new("air_temperature", "K")], Vec::new())? }))
    };
    let registry = Registry::built_in().with("standstill", slow).with("taker", taker);
    let text = "
clock: {start: 2000-01-01, stop: PT1H}
components:
  air: {kind: standstill, grid: r8x4, step: PT1H}
  sea: {kind: taker, grid: r8x4, step: PT1H}
exchanges:
  - {from: air, to: sea, fields: [air_temperature], every: PT1H}
";
    let file = ExperimentFile::parse(Path::new("test.yaml"), text).expect("an experiment");
    let (prepared, findings) = Prepared::new(&file, &registry);
    let mut prepared = prepared.unwrap_or_else(|| panic!("{findings:?}"));
    let folder = tempfile::tempdir().expect("a folder");
    let tell: fn(&str) = |text| SAID.lock().expect("no holder panics").push(text.to_owned());
    let options = RunOptions {
        folder: folder.path().to_owned(),
        threads: 1,
        resume: false,
        device: knarr_regrid::Device::Cpu,
        allow_changed: Vec::new(),
        watch: Some(Watch { after: Duration::from_millis(30), tell }),
    };
    run(&mut prepared, &options, &mut |_| ()).unwrap_or_else(|e| panic!("{e}"));
    let said = SAID.lock().expect("no holder panics");
    let first = said.first().expect("something was said");
    assert!(first.contains("`air` is in the one from 2000-01-01"), "{first}");
    assert!(first.contains("`sea` waits for `air_temperature` from `air`"), "{first}");
}
