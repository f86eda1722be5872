//! Other programs at the same work, in turn with Knarr in the same session.

use super::suites::PAIRS;
use super::timing::{median, quantile};
use super::{PeerRow, Size};
use knarr_io::{GridFormat, write_grid};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What to run beside.
pub struct PeerRequest<'r> {
    /// The program `knarr`.
    pub knarr: &'r Path,
    /// Size of grids.
    pub size: Size,
    /// Runs of each program.
    pub runs: usize,
}

/// Programs that are looked for, and how they say their version.
const LOOKED_FOR: [(&str, &[&str]); 5] = [
    ("cdo", &["--version"]),
    ("ESMF_RegridWeightGen", &["--version"]),
    ("GenerateOverlapMesh", &[]),
    ("yac", &["--version"]),
    ("mir", &["--version"]),
];

/// Times what is installed; what is not, or cannot be driven, becomes a note.
pub fn beside(request: &PeerRequest<'_>, tell: &mut dyn FnMut(&str)) -> (Vec<PeerRow>, Vec<String>) {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut missing = Vec::new();
    for (program, version) in LOOKED_FOR {
        match (program, version_of(program, version)) {
            (_, None) => missing.push(program),
            ("cdo", Some(version)) => weights(request, &Cdo(version), tell, &mut rows, &mut notes),
            ("ESMF_RegridWeightGen", Some(version)) => weights(request, &Esmf(version), tell, &mut rows, &mut notes),
            (other, Some(_)) => notes.push(format!("{other} is installed, but its command takes no grids that are at hand here")),
        }
    }
    if !missing.is_empty() {
        notes.push(format!("not installed: {}", missing.join(", ")));
    }
    match scipy(request) {
        Ok(row) => rows.push(row),
        Err(note) => notes.push(note),
    }
    (rows, notes)
}

fn version_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find(|l| l.to_lowercase().contains("version")).unwrap_or_default();
    let number = line.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
    Some(number.to_owned())
}

/// A program that makes weights from two grids in SCRIP files.
trait WeightsProgram {
    fn name(&self) -> String;
    /// The command; `None` if it has no such method.
    fn command(&self, method: &str, source: &Path, destination: &Path, output: &Path) -> Option<Command>;
}

struct Cdo(String);

impl WeightsProgram for Cdo {
    fn name(&self) -> String {
        format!("CDO {}", self.0)
    }

    fn command(&self, method: &str, source: &Path, destination: &Path, output: &Path) -> Option<Command> {
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
    }
}

struct Esmf(String);

impl WeightsProgram for Esmf {
    fn name(&self) -> String {
        format!("ESMF {}", self.0)
    }

    fn command(&self, method: &str, source: &Path, destination: &Path, output: &Path) -> Option<Command> {
        let method = match method {
            "conservative" => "conserve",
            "bilinear" => "bilinear",
            _ => "neareststod",
        };
        let mut command = Command::new("ESMF_RegridWeightGen");
        command.args(["--ignore_unmapped", "-m", method, "-s"]).arg(source).arg("-d").arg(destination).arg("-w").arg(output);
        Some(command)
    }
}

/// Whole processes that make weights from two SCRIP files.
fn weights(
    request: &PeerRequest<'_>,
    program: &dyn WeightsProgram,
    tell: &mut dyn FnMut(&str),
    rows: &mut Vec<PeerRow>,
    notes: &mut Vec<String>,
) {
    for pair in &PAIRS {
        let specs = pair.grids[request.size as usize];
        let data = format!("{} -> {}", specs[0].name(), specs[1].name());
        tell(&format!("{} on {data}", program.name()));
        for method in pair.methods {
            match weights_row(request, program, method, specs) {
                Ok(Some(row)) => rows.push(PeerRow { data: data.clone(), ..row }),
                Ok(None) => {}
                Err(why) => notes.push(format!("{}, {method}, {data}: {why}", program.name())),
            }
        }
    }
}

fn weights_row(
    request: &PeerRequest<'_>,
    program: &dyn WeightsProgram,
    method: &str,
    specs: [super::Spec; 2],
) -> Result<Option<PeerRow>, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let path = |name: &str| folder.path().join(name);
    let files = [path("source.nc"), path("destination.nc")];
    let Some(mut theirs) = program.command(method, &files[0], &files[1], &path("theirs.nc")) else { return Ok(None) };
    for (spec, file) in specs.iter().zip(&files) {
        let grid = spec.grid().map_err(|e| e.to_string())?;
        write_grid(&grid, file, GridFormat::Scrip, false).map_err(|e| e.to_string())?;
    }
    let mut ours = Command::new(request.knarr);
    ours.args(["-q", "--threads", "1", "weights"]).args(&files).arg("-o").arg(path("ours.nc"));
    ours.args(["--method", method, "--format", "scrip", "--force"]);
    for command in [&mut ours, &mut theirs] {
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    }
    let (mut ours_s, mut theirs_s) = (Vec::new(), Vec::new());
    // The first run of each warms caches.
    for run in 0..=request.runs {
        let (a, b) = (wall(&mut ours)?, wall(&mut theirs)?);
        if run > 0 {
            ours_s.push(a);
            theirs_s.push(b);
        }
    }
    let row = row_of(program.name(), format!("weights {method}"), "whole processes, one thread", &ours_s, &theirs_s);
    Ok(Some(row))
}

fn row_of(peer: String, work: String, scope: &str, ours_s: &[f64], theirs_s: &[f64]) -> PeerRow {
    let ratios: Vec<f64> = theirs_s.iter().zip(ours_s).map(|(t, o)| t / o).collect();
    PeerRow {
        peer,
        work,
        data: String::new(),
        scope: scope.to_owned(),
        knarr_s: median(ours_s),
        peer_s: median(theirs_s),
        ratio: median(&ratios),
        quartiles: [quantile(&ratios, 0.25), quantile(&ratios, 0.75)],
    }
}

fn wall(command: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    let output = command.output().map_err(|e| e.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    if output.status.success() {
        return Ok(seconds);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("it failed without a word").to_owned())
}

/// Multiplies CSR weights from a file with 32 slabs; prints seconds of each of some runs.
const SCIPY: &str = "\
import sys, time, netCDF4, numpy, scipy, scipy.sparse
with netCDF4.Dataset(sys.argv[1]) as data:
    s, row, col = (data[n][:].data for n in ('S', 'row', 'col'))
    shape = (data.dimensions['n_b'].size, data.dimensions['n_a'].size)
matrix = scipy.sparse.csr_matrix((s.astype('f4'), (row - 1, col - 1)), shape=shape)
field = numpy.ones((32, shape[1]), 'f4')
print(scipy.__version__)
for run in range(int(sys.argv[2]) + 1):
    start = time.perf_counter()
    result = numpy.ascontiguousarray((matrix @ numpy.ascontiguousarray(field.T)).T)
    print(time.perf_counter() - start)
";

/// scipy.sparse and Knarr, both on weights and slabs in memory, values in the order of files.
fn scipy(request: &PeerRequest<'_>) -> Result<PeerRow, String> {
    use knarr_regrid::{Method, MissingPolicy, Options, Regridder, Weights};
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let map: PathBuf = folder.path().join("map.nc");
    let specs = PAIRS[0].grids[request.size as usize];
    let (source, destination) = (specs[0].grid().map_err(|e| e.to_string())?, specs[1].grid().map_err(|e| e.to_string())?);
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).map_err(|e| e.to_string())?;
    knarr_io::write_weights(&weights, &source, &destination, &map, knarr_io::WeightsFormat::Esmf, false)
        .map_err(|e| e.to_string())?;
    let output = Command::new("python3").args(["-c", SCIPY]).arg(&map).arg(request.runs.to_string()).output();
    let output = output.map_err(|_| "scipy: python3 is not installed".to_owned())?;
    if !output.status.success() {
        return Err("scipy: Python has no numpy, scipy and netCDF4".to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default().to_owned();
    let theirs: Vec<f64> = lines.skip(1).filter_map(|l| l.parse().ok()).collect();
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let prepared = regridder.prepare();
    let field = vec![1f32; 32 * source.len()];
    let mut result = vec![0f32; 32 * destination.len()];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| e.to_string())?;
    let mut ours = Vec::new();
    for run in 0..=request.runs {
        let start = Instant::now();
        pool.install(|| prepared.apply_into(&field, None, &mut result)).map_err(|e| e.to_string())?;
        if run > 0 {
            ours.push(start.elapsed().as_secs_f64());
        }
    }
    let data = format!("{} -> {}, 32 slabs, f32", specs[0].name(), specs[1].name());
    let row = row_of(format!("scipy {version}"), "apply".to_owned(), "calls in memory, one thread, not in turn", &ours, &theirs);
    Ok(PeerRow { data, ..row })
}
