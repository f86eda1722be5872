//! Other programs at the same work, in turn with Knarr in the same session.

mod in_memory;
mod processes;
mod served;

use super::suites::Spec;
use super::timing::{median, quantile};
use super::{PeerRow, Size};
use knarr_grid::Grid;
use knarr_metrics::AnalyticField;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What to run beside.
pub struct PeerRequest<'r> {
    /// The program `knarr`.
    pub knarr: &'r Path,
    /// Size of grids.
    pub size: Size,
    /// Runs of each program.
    pub runs: usize,
    /// Time for one line of the table, after the first run of both; at least one run each is made.
    pub budget: Duration,
}

/// A program that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// As it says; empty where it does not.
    pub version: String,
    /// What came of it.
    pub state: PeerState,
    /// Why there are no figures of it, or not all.
    pub notes: Vec<String>,
}

/// What came of looking for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// It ran beside Knarr.
    Driven,
    /// It is here, and was not run.
    Found,
    /// It is not here.
    Absent,
}

impl Peer {
    /// For people: `CDO 2.1.1: ran beside`.
    pub fn in_words(&self) -> String {
        let state = match self.state {
            PeerState::Driven => "ran beside",
            PeerState::Found => "found, not driven",
            PeerState::Absent => "not found",
        };
        let space = if self.version.is_empty() { "" } else { " " };
        let notes: String = self.notes.iter().map(|n| format!("; {n}")).collect();
        format!("{}{space}{}: {state}{notes}", self.name, self.version)
    }
}

/// How a program is looked for.
enum Sought {
    /// A command on the PATH that says its version when asked so.
    Command(&'static str, &'static [&'static str]),
    /// A module of Python.
    Module(&'static str),
}

/// How a program is driven; the reason why it is not.
type Driver = Result<fn(&PeerRequest<'_>, &mut Session<'_>), &'static str>;

const PROGRAMS: [(&str, Sought, Driver); 7] = [
    ("CDO", Sought::Command("cdo", &["--version"]), Ok(processes::cdo)),
    ("ESMF", Sought::Command("ESMF_RegridWeightGen", &["--version"]), Ok(processes::esmf)),
    ("YAC", Sought::Module("yac"), Ok(in_memory::yac)),
    ("MIR", Sought::Module("mir"), Ok(in_memory::mir)),
    ("scipy.sparse", Sought::Module("scipy"), Ok(in_memory::scipy)),
    ("TempestRemap", Sought::Command("GenerateOverlapMesh", &[]), Err("its meshes (Exodus) are not made here")),
    ("xESMF", Sought::Module("xesmf"), Err("its weights are those of ESMF, applied by scipy.sparse")),
];

/// What the programs came to so far.
struct Session<'s> {
    name: &'static str,
    version: String,
    notes: Vec<String>,
    rows: Vec<PeerRow>,
    tell: &'s mut dyn FnMut(&str),
}

impl Session<'_> {
    fn take(&mut self, what: &str, outcome: Result<PeerRow, String>) {
        match outcome {
            Ok(row) => self.rows.push(row),
            Err(why) => self.notes.push(format!("{what}: {why}")),
        }
    }
}

/// Times what is installed beside Knarr; tells of each program that was looked for what came of it.
pub fn beside(request: &PeerRequest<'_>, tell: &mut dyn FnMut(&str)) -> (Vec<PeerRow>, Vec<Peer>) {
    let (mut rows, mut peers) = (Vec::new(), Vec::new());
    for (name, sought, driver) in PROGRAMS {
        let mut peer = Peer { name: name.to_owned(), version: String::new(), state: PeerState::Absent, notes: Vec::new() };
        if let Some(version) = sought.version() {
            peer.version = version;
            peer.state = PeerState::Found;
            match driver {
                Ok(run) => {
                    let mut session = Session { name, version: peer.version.clone(), notes: Vec::new(), rows: Vec::new(), tell };
                    run(request, &mut session);
                    if !session.rows.is_empty() {
                        peer.state = PeerState::Driven;
                    }
                    rows.append(&mut session.rows);
                    peer.notes = session.notes;
                    peer.notes.dedup();
                }
                Err(why) => peer.notes.push(why.to_owned()),
            }
        }
        peers.push(peer);
    }
    (rows, peers)
}

impl Sought {
    /// The version of what is there, empty if it does not say; `None` if it is not there.
    fn version(&self) -> Option<String> {
        match self {
            Self::Command(program, arguments) => {
                let output = Command::new(program).args(*arguments).stdin(Stdio::null()).output().ok()?;
                let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                let line = text.lines().find(|l| l.to_lowercase().contains("version")).unwrap_or_default();
                let number = line.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
                Some(number.unwrap_or_default().to_owned())
            }
            Self::Module(module) => {
                // Without importing it, which may take long or fail for reasons of its own.
                let script = "import importlib.util as u, importlib.metadata as m, sys
name = sys.argv[1]
if u.find_spec(name) is None: sys.exit(1)
names = m.packages_distributions().get(name, [])
print(m.version(names[0]) if names else '')";
                let output = Command::new("python3").args(["-c", script, module]).stdin(Stdio::null()).output().ok()?;
                output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
        }
    }
}

/// Runs both in turn; the first run of each warms caches. Gives the seconds of each.
fn in_turn(
    request: &PeerRequest<'_>,
    mut ours: impl FnMut() -> Result<f64, String>,
    mut theirs: impl FnMut() -> Result<f64, String>,
) -> Result<[Vec<f64>; 2], String> {
    ours()?;
    theirs()?;
    let (start, mut seconds) = (Instant::now(), [Vec::new(), Vec::new()]);
    for run in 0..request.runs.max(1) {
        if run > 0 && start.elapsed() > request.budget {
            break;
        }
        seconds[0].push(ours()?);
        seconds[1].push(theirs()?);
    }
    Ok(seconds)
}

/// The line of the table that the seconds come to.
fn row(session: &Session<'_>, work: &str, data: String, scope: &str, [ours, theirs]: &[Vec<f64>; 2], difference: f64) -> PeerRow {
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(t, o)| t / o).collect();
    let space = if session.version.is_empty() { "" } else { " " };
    PeerRow {
        peer: format!("{}{space}{}", session.name, session.version),
        work: work.to_owned(),
        data,
        scope: scope.to_owned(),
        knarr_s: median(ours),
        peer_s: median(theirs),
        ratio: median(&ratios),
        quartiles: [quantile(&ratios, 0.25), quantile(&ratios, 0.75)],
        difference: Some(difference),
    }
}

/// Beyond it two programs do not do the same work.
const SAME_WORK: f64 = 0.01;

/// Mean of |a − b| / |b| over values that both have.
///
/// # Errors
/// If there are none, if one has values where the other has none in more than one of a hundred cells, or if the mean is
/// beyond what the same work may differ by.
fn difference(
    theirs: &[f64],
    theirs_valid: &dyn Fn(usize) -> bool,
    ours: &[f64],
    ours_valid: &dyn Fn(usize) -> bool,
) -> Result<f64, String> {
    if theirs.len() != ours.len() {
        return Err(format!("{} results where Knarr has {}", theirs.len(), ours.len()));
    }
    let (mut both, mut one, mut sum) = (0usize, 0usize, 0.0);
    for i in 0..ours.len() {
        match (theirs_valid(i), ours_valid(i)) {
            (true, true) => {
                both += 1;
                sum += (theirs[i] - ours[i]).abs() / ours[i].abs();
            }
            (false, false) => {}
            _ => one += 1,
        }
    }
    let mean = sum / both as f64;
    if 100 * one > both {
        return Err(format!("not the same work: {one} cells have a value of one program alone"));
    }
    if mean <= SAME_WORK { Ok(mean) } else { Err(format!("not the same work: results differ by {mean:.1e}")) }
}

/// The field that both regrid.
fn field(grid: &Grid) -> Vec<f64> {
    AnalyticField::Vortex.at_centers(grid)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Grids of a pair and what they are called together.
fn pair_of(specs: [Spec; 2]) -> Result<([Grid; 2], String), String> {
    let grids = [specs[0].grid().map_err(text)?, specs[1].grid().map_err(text)?];
    Ok((grids, format!("{} -> {}", specs[0].name(), specs[1].name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_work_is_not_compared() {
        let ours = [1.0, 2.0, 4.0];
        let all = |_: usize| true;
        assert_eq!(difference(&ours, &all, &ours, &all), Ok(0.0));
        let near = difference(&[1.003, 2.0, 4.0], &all, &ours, &all).expect("near");
        assert!((near - 0.001).abs() < 1e-12, "{near}");
        assert!(difference(&[2.0, 2.0, 4.0], &all, &ours, &all).is_err());
        assert!(difference(&[1.0, 2.0], &all, &ours, &all).is_err());
        assert!(difference(&ours, &|i| i > 0, &ours, &all).is_err());
        assert!(difference(&[f64::NAN; 3], &all, &ours, &all).is_err());
        assert!(difference(&ours, &|_| false, &ours, &|_| false).is_err());
    }

    #[test]
    fn both_run_equally_often_and_stop_by_the_budget() {
        let request =
            |runs, budget| PeerRequest { knarr: Path::new("knarr"), size: Size::S, runs, budget: Duration::from_millis(budget) };
        let count = |request: &PeerRequest<'_>| in_turn(request, || Ok(1.0), || Ok(2.0)).expect("both run").map(|s| s.len());
        assert_eq!(count(&request(4, 60_000)), [4, 4]);
        let slow = || {
            std::thread::sleep(Duration::from_millis(3));
            Ok(1.0)
        };
        assert_eq!(in_turn(&request(4, 1), slow, || Ok(2.0)).expect("both run").map(|s| s.len()), [1, 1]);
        assert!(in_turn(&request(4, 1), || Ok(1.0), || Err("broken".to_owned())).is_err());
    }
}
