//! Programs that make a file of weights from two SCRIP files: whole processes are timed.

use super::{PeerRequest, PeerRow, Session, difference, field, in_turn, pair_of, row, text};
use crate::speed::suites::{PAIRS, Spec};
use knarr_grid::Grid;
use knarr_io::{GridFormat, read_weights, write_grid};
use knarr_regrid::{MissingPolicy, Regridder};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The command that makes weights by a method from a source and a destination; `None` if there is no such method.
type WeightsCommand = fn(method: &str, files: [&Path; 2], output: &Path) -> Option<Command>;

/// CDO on one thread.
pub fn cdo(request: &PeerRequest<'_>, session: &mut Session<'_>) {
    weights(request, session, |method, [source, destination], output| {
        let operator = match method {
            "conservative" => "gencon",
            // CDO has no bilinear weights from unstructured cells, which SCRIP files may be to it.
            "nearest" => "gennn",
            _ => return None,
        };
        let mut command = Command::new("cdo");
        command.args(["-s", "-O", "-P", "1"]).arg(format!("{operator},{}", destination.display()));
        command.arg(format!("-topo,{}", source.display())).arg(output);
        Some(command)
    });
}

/// ESMF on one process.
pub fn esmf(request: &PeerRequest<'_>, session: &mut Session<'_>) {
    weights(request, session, |method, [source, destination], output| {
        let method = match method {
            "conservative" => "conserve",
            "bilinear" => "bilinear",
            _ => "neareststod",
        };
        let mut command = Command::new("ESMF_RegridWeightGen");
        command.args(["--ignore_unmapped", "-m", method, "-s"]).arg(source).arg("-d").arg(destination).arg("-w").arg(output);
        // Rows of covered parts sum to 1, as ours do.
        if method == "conserve" {
            command.args(["--norm_type", "fracarea"]);
        }
        Some(command)
    });
}

fn weights(request: &PeerRequest<'_>, session: &mut Session<'_>, command: WeightsCommand) {
    for pair in &PAIRS {
        let specs = pair.grids[request.size as usize];
        for method in pair.methods {
            let what = format!("{method}, {} -> {}", specs[0].name(), specs[1].name());
            (session.tell)(&format!("{}: {what}", session.name));
            match weights_row(request, session, command, method, specs) {
                Ok(None) => {}
                Ok(Some(row)) => session.take(&what, Ok(row)),
                Err(why) => session.take(&what, Err(why)),
            }
        }
    }
}

fn weights_row(
    request: &PeerRequest<'_>,
    session: &Session<'_>,
    command: WeightsCommand,
    method: &str,
    specs: [Spec; 2],
) -> Result<Option<PeerRow>, String> {
    let folder = tempfile::tempdir().map_err(text)?;
    let path = |name: &str| folder.path().join(name);
    let (files, outputs) = ([path("source.nc"), path("destination.nc")], [path("ours.nc"), path("theirs.nc")]);
    let Some(mut theirs) = command(method, [&files[0], &files[1]], &outputs[1]) else { return Ok(None) };
    let (grids, data) = pair_of(specs)?;
    for (grid, file) in grids.iter().zip(&files) {
        write_grid(grid, file, GridFormat::Scrip, false).map_err(text)?;
    }
    let mut ours = Command::new(request.knarr);
    ours.args(["-q", "--threads", "1", "weights"]).args(&files).arg("-o").arg(&outputs[0]);
    ours.args(["--method", method, "--format", "scrip", "--force"]);
    for command in [&mut ours, &mut theirs] {
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    }
    let seconds = in_turn(request, || wall(&mut ours), || wall(&mut theirs))?;
    let [(a, a_valid), (b, b_valid)] = [applied(&outputs[0], &grids)?, applied(&outputs[1], &grids)?];
    let difference = difference(&b, &|i| b_valid[i], &a, &|i| a_valid[i])?;
    let work = format!("weights {method}");
    Ok(Some(row(session, &work, data, "whole processes, one thread", &seconds, difference)))
}

/// Weights of a file, applied to the field: values, and which there are.
fn applied(file: &Path, grids: &[Grid; 2]) -> Result<(Vec<f64>, Vec<bool>), String> {
    let weights = read_weights(file).map_err(text)?.weights;
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    regridder.apply(&field(&grids[0]), None).map_err(text)
}

fn wall(command: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    let output = command.output().map_err(text)?;
    let seconds = start.elapsed().as_secs_f64();
    if output.status.success() {
        return Ok(seconds);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("it failed without a word").to_owned())
}
