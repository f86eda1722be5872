//! Releases judged, sealed and verified.

use super::{Measure, Prepare};
use crate::speed::{Bound, Case, CaseError, Device, Plan, Size, Work, judged};
use knarr_exchange::Catalogue;
use knarr_exchange::audit::AuditLog;
use knarr_exchange::catalogue::Convention;
use knarr_exchange::gate::{Request as GateRequest, judge};
use knarr_exchange::instant::Instant;
use knarr_exchange::package::{PackRequest, Pins, Role, approve, pack, verify};
use knarr_exchange::policy::{Loaded, Policy, Statement};
use knarr_exchange::sample::{self, RELEASES, key};
use knarr_exchange::translate::{Request, VectorAxes, translate};
use knarr_grid::Grid;
use knarr_io::NanPolicy;
use std::collections::HashMap;
use std::path::Path;

const SUITE: &str = "exchange, a GDPS field for DestinE";

fn steps(size: Size) -> usize {
    match size {
        Size::S => 1,
        Size::M => 4,
        Size::L => 16,
        Size::Xl => 48,
    }
}

/// Plans at a size.
pub fn plans(size: Size) -> Vec<Plan> {
    let plan = |kernel: &str, with: Prepare| Plan {
        suite: SUITE,
        kernel: kernel.to_owned(),
        device: Device::Cpu,
        size,
        data: format!("H128n, {} times", steps(size)),
        is_parallel: true,
        with,
    };
    vec![
        plan("judge and pack", Box::new(move |m| release(size, true, m))),
        plan("verify", Box::new(move |m| release(size, false, m))),
    ]
}

/// Temperatures on a lat-lon grid, as a centre may have them.
fn write_input(path: &Path, steps: usize) -> Result<(), netcdf::Error> {
    hdf5_metno::silence_errors(true);
    let mut file = netcdf::create(path)?;
    for (name, len) in [("time", steps), ("lat", 90), ("lon", 180)] {
        file.add_dimension(name, len)?;
    }
    file.add_attribute("Conventions", "CF-1.8")?;
    type Axis = (&'static str, &'static [&'static str], &'static str, &'static str, Vec<f64>);
    let axes: [Axis; 5] = [
        ("time", &["time"], "time", "hours since 2013-05-20 00:00:00", (1..=steps).map(|k| 6.0 * k as f64).collect()),
        ("lat", &["lat"], "latitude", "degrees_north", (0..90).map(|j| -89.0 + 2.0 * f64::from(j)).collect()),
        ("lon", &["lon"], "longitude", "degrees_east", (0..180).map(|i| 1.0 + 2.0 * f64::from(i)).collect()),
        ("reftime", &[], "forecast_reference_time", "hours since 2013-05-20 00:00:00", vec![0.0]),
        ("plev", &[], "air_pressure", "Pa", vec![101_500.0]),
    ];
    for (name, dims, standard_name, units, values) in &axes {
        let mut axis = file.add_variable::<f64>(name, dims)?;
        axis.put_attribute("standard_name", *standard_name)?;
        axis.put_attribute("units", *units)?;
        if units.starts_with("hours") {
            axis.put_attribute("calendar", "proleptic_gregorian")?;
        }
        if *name == "plev" {
            axis.put_attribute("positive", "down")?;
        }
        axis.put_values(values, ..)?;
    }
    let mut field = file.add_variable::<f32>("ta", &["time", "lat", "lon"])?;
    field.put_attribute("standard_name", "air_temperature")?;
    field.put_attribute("units", "K")?;
    field.put_attribute("coordinates", "plev reftime")?;
    let value = |k: usize| {
        let (row, column) = ((k / 180 % 90) as f32 / 90.0, (k % 180) as f32 / 180.0);
        255.0 + 40.0 * (std::f32::consts::PI * row).sin() + 3.0 * (12.0 * column).sin()
    };
    field.put_values(&(0..steps * 90 * 180).map(value).collect::<Vec<_>>(), ..)
}

fn fail(error: &dyn std::fmt::Display) -> CaseError {
    CaseError::from_error(error)
}

/// A release from its papers to its package, or its verification. Right: nothing is wrong with the package.
fn release(size: Size, packs: bool, measure: Measure<'_>) -> Result<(), CaseError> {
    let release = &RELEASES[0];
    let folder = tempfile::tempdir().map_err(|e| fail(&e))?;
    let (input, canonical) = (folder.path().join("input.nc"), folder.path().join("canonical.nc"));
    write_input(&input, steps(size)).map_err(|e| fail(&e))?;
    let catalogue = Catalogue::load().map_err(|e| fail(&e))?;
    translate(&Request {
        input,
        output: canonical.clone(),
        from: Convention::Cf,
        to: Convention::Cf,
        to_grid: Some(Grid::from_spec(release.grid).map_err(|e| fail(&e))?.into()),
        variables: Some(vec![release.variable.to_owned()]),
        fields: HashMap::from([(release.variable.to_owned(), release.field.to_owned())]),
        units: HashMap::new(),
        statistics: HashMap::new(),
        axes: VectorAxes::Auto,
        start: None,
        overwrite: false,
        nan: NanPolicy::Error,
        catalogue: &catalogue,
    })
    .map_err(|e| fail(&e))?;
    let bytes = std::fs::metadata(&canonical).map_err(|e| fail(&e))?.len();

    let now = Instant::now();
    let paper = |text: String| (text.into_bytes(), Path::new("paper.toml"));
    let (text, name) = paper(sample::policy(release));
    let policy = Loaded::<Policy>::from_bytes(text, name).map_err(|e| fail(&e))?;
    let (text, name) = paper(sample::statement(release, &now.to_string()));
    let statement = Loaded::<Statement>::from_bytes(text, name).map_err(|e| fail(&e))?;
    let (text, name) = paper(sample::pins(release));
    let pins: Pins = Loaded::<Pins>::from_bytes(text, name).map_err(|e| fail(&e))?.value;
    let signature = key(1).sign(&policy.bytes, "policy of the bench");
    let policy_keys = [key(1).public()];
    let gate = || GateRequest {
        policy: &policy,
        policy_signature: signature.as_bytes(),
        policy_keys: &policy_keys,
        statement: &statement,
        licence_text: release.licence_text.as_bytes(),
        input: &canonical,
        clocks: [now, now],
    };
    let report = judge(&gate(), &catalogue).map_err(|e| fail(&e))?.report.to_bytes();
    let approvals = [(Role::DataOwner, 3), (Role::ReleaseOfficer, 4)]
        .into_iter()
        .map(|(role, number)| approve(&report, release.id, role, now, 24, &key(number)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| fail(&e))?;
    let seal = |folder: &Path| {
        let log = AuditLog::at(&folder.join("audit.log"));
        let request = PackRequest { gate: gate(), approvals: &approvals, key: &key(2), folder, log: &log };
        let packed = pack(&request, &catalogue).map_err(|e| fail(&e))?;
        packed.package.ok_or_else(|| CaseError::Failed(packed.report.to_text(false)))
    };
    let kept = folder.path().join("kept");
    std::fs::create_dir(&kept).map_err(|e| fail(&e))?;
    let package = seal(&kept)?;
    let check = || verify(&package, &pins, None, Instant::now()).map_err(|e| fail(&e));
    let error = judged("problems found", check()?.problems.len() as f64, 0.0)?;
    let work = Work {
        items: bytes,
        unit: "bytes".to_owned(),
        bytes,
        flops: 0,
        formula: "bytes of the file that is released".to_owned(),
        bound: Bound::Open,
    };
    if packs {
        let run = || {
            let folder = tempfile::tempdir_in(folder.path()).map_err(|e| fail(&e))?;
            seal(folder.path()).map(drop)
        };
        measure(Case::new(work, error, run));
    } else {
        measure(Case::new(work, error, || check().map(drop)));
    }
    Ok(())
}
