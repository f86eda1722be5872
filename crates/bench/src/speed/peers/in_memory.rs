//! Programs that are driven from Python: their work in memory is timed, beside the same calls of Knarr.

use super::served::Served;
use super::{PeerRequest, PeerRow, Session, difference, field, in_turn, pair_of, row, text};
use crate::speed::suites::{PAIRS, Spec};
use knarr_io::{GridFormat, WeightsFormat, write_grid, write_weights};
use knarr_regrid::{Method, MissingPolicy, Options, Regridder, Weights};
use std::ffi::OsString;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Slabs that ready weights are applied to.
const SLABS: usize = 32;

/// scipy.sparse: ready weights applied.
pub fn scipy(request: &PeerRequest<'_>, session: &mut Session<'_>) {
    let specs = PAIRS[0].grids[request.size as usize];
    for (work, by_cell) in [("apply", false), ("apply, cell by cell", true)] {
        (session.tell)("scipy.sparse");
        let outcome = scipy_row(request, session, specs, work, by_cell);
        session.take(work, outcome);
    }
}

/// [`SLABS`] slabs, or as many values of each cell together.
fn scipy_row(
    request: &PeerRequest<'_>,
    session: &Session<'_>,
    specs: [Spec; 2],
    work: &str,
    by_cell: bool,
) -> Result<PeerRow, String> {
    let (grids, data) = pair_of(specs)?;
    let folder = tempfile::tempdir().map_err(text)?;
    let path = |name: &str| folder.path().join(name);
    let weights = Weights::build(&grids[0], &grids[1], &Options::new(Method::Conservative)).map_err(text)?;
    write_weights(&weights, &grids[0], &grids[1], &path("map.nc"), WeightsFormat::Esmf, false).map_err(text)?;
    let values = field(&grids[0]);
    write_raw(&path("field"), &values)?;
    let layout = if by_cell { "cells" } else { "slabs" };
    let arguments = [path("map.nc").into_os_string(), path("field").into_os_string(), SLABS.to_string().into(), layout.into()];
    let mut served = Served::start(include_str!("scipy.py"), &arguments)?;

    let cell = |k: usize| if by_cell { k / SLABS } else { k % values.len() };
    let slabs: Vec<f32> = (0..SLABS * values.len()).map(|k| values[cell(k)] as f32).collect();
    let mut result = vec![0f32; SLABS * grids[1].len()];
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let prepared = regridder.prepare();
    let pool = one_thread()?;
    let ours = || {
        let start = Instant::now();
        pool.install(|| match by_cell {
            true => prepared.apply_cells_into(SLABS, black_box(&slabs), None, &mut result),
            false => prepared.apply_into(black_box(&slabs), None, &mut result),
        })
        .map_err(text)?;
        Ok(start.elapsed().as_secs_f64())
    };
    let seconds = in_turn(request, ours, || served.run())?;
    let theirs = served.result(&path("result"))?;
    let ours: Vec<f64> = (0..grids[1].len()).map(|i| f64::from(result[if by_cell { i * SLABS } else { i }])).collect();
    let mapped = |i: usize| regridder.weights.is_mapped(i);
    let difference = difference(&theirs, &mapped, &ours, &mapped)?;
    Ok(row(session, work, format!("{data}, {SLABS} slabs, f32"), "calls in memory, one thread", &seconds, difference))
}

/// YAC: weights made from grids in memory.
pub fn yac(request: &PeerRequest<'_>, session: &mut Session<'_>) {
    let pairs = PAIRS.iter().map(|pair| (pair.grids[request.size as usize], pair.methods));
    let works = pairs.flat_map(|(specs, methods)| methods.iter().filter(|&&m| m != "bilinear").map(move |&m| (specs, m)));
    each(request, session, works, |request, session, method, specs| {
        let (grids, data) = pair_of(specs)?;
        let folder = tempfile::tempdir().map_err(text)?;
        let path = |name: &str| folder.path().join(name);
        let files = [path("source.nc"), path("destination.nc")];
        for (grid, file) in grids.iter().zip(&files) {
            write_grid(grid, file, GridFormat::Scrip, false).map_err(text)?;
        }
        write_raw(&path("field"), &field(&grids[0]))?;
        let [source, destination] = files.map(|f| f.into_os_string());
        let arguments = [source, destination, path("field").into_os_string(), method.into()];
        let mut served = Served::start(include_str!("yac.py"), &arguments)?;
        let (pool, options) = (one_thread()?, Options::new(method_of(method)));
        let build = || pool.install(|| Weights::build(black_box(&grids[0]), black_box(&grids[1]), &options)).map_err(text);
        let ours = || {
            let start = Instant::now();
            drop(black_box(build()?));
            Ok(start.elapsed().as_secs_f64())
        };
        let seconds = in_turn(request, ours, || served.run())?;
        let difference = against(&mut served, &path("result"), build()?, &field(&grids[0]))?;
        Ok(row(session, &format!("weights {method}"), data, "calls in memory, one thread", &seconds, difference))
    });
}

/// Grids that MIR has names for, at each size.
const MIR_PAIRS: [[Spec; 2]; 4] = [
    [Spec::Named("O320"), Spec::Named("H128n")],
    [Spec::Named("O640"), Spec::Named("H256n")],
    [Spec::Named("O1280"), Spec::Named("H512n")],
    [Spec::Named("O2560"), Spec::Named("H1024n")],
];

/// MIR: a field regridded once, grids by their names, weights made for it.
pub fn mir(request: &PeerRequest<'_>, session: &mut Session<'_>) {
    let specs = MIR_PAIRS[request.size as usize];
    let works = ["conservative", "nearest", "bilinear"].into_iter().map(|m| (specs, m));
    each(request, session, works, |request, session, method, specs| {
        let [from, to] = specs.map(mir_name);
        let (grids, data) = pair_of(specs)?;
        let folder = tempfile::tempdir().map_err(text)?;
        let path = |name: &str| folder.path().join(name);
        let values = field(&grids[0]);
        write_raw(&path("field"), &values)?;
        let arguments: [OsString; 4] = [from.into(), to.into(), path("field").into_os_string(), method.into()];
        let mut served = Served::start(include_str!("mir.py"), &arguments)?;
        let (pool, options) = (one_thread()?, Options::new(method_of(method)));
        let once = || {
            pool.install(|| {
                let (source, destination) = (specs[0].grid().map_err(text)?, specs[1].grid().map_err(text)?);
                let weights = Weights::build(&source, &destination, &options).map_err(text)?;
                let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
                let result = regridder.apply(&values, None).map_err(text)?;
                Ok::<_, String>((regridder.weights, result))
            })
        };
        let ours = || {
            let start = Instant::now();
            drop(black_box(once()?));
            Ok(start.elapsed().as_secs_f64())
        };
        let seconds = in_turn(request, ours, || served.run())?;
        let difference = against(&mut served, &path("result"), once()?.0, &values)?;
        let scope = "calls in memory, one thread: grids, weights, one field";
        Ok(row(session, &format!("regrid {method}"), data, scope, &seconds, difference))
    });
}

/// What MIR calls a grid.
fn mir_name(spec: Spec) -> String {
    let name = spec.name();
    match name.strip_prefix('H').and_then(|n| n.strip_suffix('n')) {
        Some(nside) => format!("{{grid: H{nside}, order: nested}}"),
        None => name,
    }
}

type Pairwise = fn(&PeerRequest<'_>, &Session<'_>, &str, [Spec; 2]) -> Result<PeerRow, String>;

/// Each pair and method in turn.
fn each(
    request: &PeerRequest<'_>,
    session: &mut Session<'_>,
    works: impl Iterator<Item = ([Spec; 2], &'static str)>,
    run: Pairwise,
) {
    for (specs, method) in works {
        let what = format!("{method}, {} -> {}", specs[0].name(), specs[1].name());
        (session.tell)(&format!("{}: {what}", session.name));
        let outcome = run(request, session, method, specs);
        session.take(&what, outcome);
    }
}

/// How far the program's last result is from ours.
fn against(served: &mut Served, file: &Path, weights: Weights, values: &[f64]) -> Result<f64, String> {
    let theirs = served.result(file)?;
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let (ours, valid) = regridder.apply(values, None).map_err(text)?;
    // Missing values of all of them are far beyond those of the field.
    difference(&theirs, &|i| theirs[i].abs() < 1e15, &ours, &|i| valid[i])
}

fn method_of(name: &str) -> Method {
    match name {
        "conservative" => Method::Conservative,
        "bilinear" => Method::Bilinear,
        _ => Method::Nearest,
    }
}

fn one_thread() -> Result<rayon::ThreadPool, String> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(text)
}

fn write_raw(path: &Path, values: &[f64]) -> Result<(), String> {
    std::fs::write(path, values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<u8>>()).map_err(text)
}
