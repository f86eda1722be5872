//! Results of a run: what is kept, compared and shown.

use super::ceilings::Ceilings;
use super::counts::Count;
use super::machine::Machine;
use super::peers::Peer;
use super::timing::Timing;
use super::{Bound, Case, CaseError, Device, Effort, Figure, Plan, Size, Suite, Work};
use crate::accuracy::Scorecard;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;

/// Passes over all cases.
const PASSES: usize = 2;

/// What the file says it is.
pub const SCHEMA: &str = "knarr-bench/1";

/// All of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// `knarr-bench/1`.
    pub schema: String,
    /// Where it ran.
    pub machine: Machine,
    /// Largest size that was asked for.
    pub size: Size,
    /// Whether few samples were taken.
    pub is_quick: bool,
    /// What the machine can do at best.
    pub ceilings: Ceilings,
    /// A row per case and number of threads.
    pub rows: Vec<Row>,
    /// Other programs beside, in the same session.
    pub peers: Vec<PeerRow>,
    /// Programs that were looked for.
    #[serde(default)]
    pub programs: Vec<Peer>,
    /// Bytes by formula against bytes by count.
    #[serde(default)]
    pub counts: Vec<Count>,
    /// How right methods are: scores, and what each method costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Scorecard>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// A case at a number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// `device/kernel/suite/size`.
    pub id: String,
    /// The work it stands for.
    pub suite: String,
    /// What was timed.
    pub kernel: String,
    /// Where.
    pub device: Device,
    /// Threads.
    pub threads: usize,
    /// How large.
    pub size: Size,
    /// What exactly was used.
    pub data: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// It was timed.
    Measured(Box<Measured>),
    /// There is no such device here.
    NoAdapter,
    /// Its result is wrong: no time is worth anything.
    Wrong {
        /// How.
        why: String,
    },
    /// It could not run.
    Failed {
        /// Why.
        why: String,
    },
}

/// Figures of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// What a call does.
    pub work: Work,
    /// Its result against the truth, and what that is.
    pub error: (f64, String),
    /// Seconds.
    pub timing: Timing,
    /// Bytes of memory at the peak of a call beyond what was held before it; `None`: the system does not tell.
    pub memory_bytes: Option<u64>,
    /// Joules of a call by the processor's own counters; `None`: the machine does not expose them.
    pub energy_j: Option<f64>,
    /// Bytes a second over the limit of the case; `None`: it has no simple one.
    pub share: Option<f64>,
    /// Figures beside the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// Work is done by a program that only acts as a graphics processor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_software: bool,
}

impl Measured {
    /// Bytes that must move over the seconds it took.
    pub fn bytes_per_s(&self) -> f64 {
        self.work.bytes as f64 / self.timing.median_s
    }
}

/// Another program at the same work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerRow {
    /// The program with its version.
    pub peer: String,
    /// What both did.
    pub work: String,
    /// On what.
    pub data: String,
    /// What was timed: whole processes, or calls within one.
    pub scope: String,
    /// Median wall seconds of Knarr.
    pub knarr_s: f64,
    /// Median wall seconds of the other program.
    pub peer_s: f64,
    /// Median of the ratios of runs in turn, peer over Knarr: above 1 Knarr is faster.
    pub ratio: f64,
    /// First and third quartile of those ratios.
    pub quartiles: [f64; 2],
    /// What both results of the same field differ by: mean of |peer − Knarr| / |Knarr|.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
}

/// What to run.
pub struct Request<'r> {
    /// Suites.
    pub suites: &'r [Suite],
    /// Largest size; smaller ones are run too unless it is a quick run.
    pub size: Size,
    /// Few samples, one size.
    pub is_quick: bool,
    /// Devices.
    pub devices: &'r [Device],
    /// Number of the graphics processor.
    pub adapter: usize,
    /// Parts of ids; only cases that have one of them are run. Empty: all.
    pub only: &'r [String],
    /// Folder for files of the disk figures.
    pub folder: &'r Path,
}

/// Numbers of threads to run with: 1, 2, 4, ... and all; only 1 and all for a quick run.
pub fn thread_counts(all: usize, is_quick: bool) -> Vec<usize> {
    let mut counts = vec![1];
    if !is_quick {
        counts.extend(std::iter::successors(Some(2), |t| Some(t * 2)).take_while(|&t| t < all));
    }
    if all > 1 {
        counts.push(all);
    }
    counts
}

impl Results {
    /// Measures limits, then every case. `tell` hears what is being done.
    pub fn measure(request: &Request<'_>, tell: &mut dyn FnMut(&str)) -> Self {
        let machine = Machine::here();
        let threads = thread_counts(machine.threads, request.is_quick);
        tell("limits of the machine");
        let ceilings = Ceilings::measure(&threads, request.adapter, request.folder, request.is_quick);
        let mut results = Self {
            schema: SCHEMA.to_owned(),
            machine,
            size: request.size,
            is_quick: request.is_quick,
            ceilings,
            rows: Vec::new(),
            peers: Vec::new(),
            programs: Vec::new(),
            counts: Vec::new(),
            accuracy: None,
            notes: Vec::new(),
        };
        // All cases, and then all again: what differs between the two passes is noise slower than a case takes.
        let plans = plans(request);
        for pass in 1..=PASSES {
            for plan in &plans {
                let counts = if plan.is_parallel && plan.device == Device::Cpu { &threads[..] } else { &[1] };
                tell(&format!("{}, {pass} of {PASSES}", plan.id()));
                results.add(plan, counts, request.is_quick);
            }
        }
        results
    }

    /// Runs a plan with each number of threads and adds its rows, or its samples to the rows that are there.
    pub fn add(&mut self, plan: &Plan, threads: &[usize], is_quick: bool) {
        let effort = if is_quick { Effort::QUICK } else { Effort::FULL };
        let ceilings = &self.ceilings;
        let mut outcomes = Vec::new();
        let prepared = (plan.with)(&mut |mut case| {
            outcomes = threads.iter().map(|&t| timed(&mut case, t, effort, ceilings, plan.device)).collect();
        });
        if let Err(error) = prepared {
            outcomes = threads.iter().map(|_| Outcome::of(&error)).collect();
        }
        let id = plan.id();
        for (&threads, outcome) in threads.iter().zip(outcomes) {
            if let Some(row) = self.rows.iter_mut().find(|r| r.id == id && r.threads == threads) {
                row.outcome.join(outcome);
                continue;
            }
            self.rows.push(Row {
                id: id.clone(),
                suite: plan.suite.to_owned(),
                kernel: plan.kernel.clone(),
                device: plan.device,
                threads,
                size: plan.size,
                data: plan.data.clone(),
                outcome,
            });
        }
    }

    /// Rows whose results are wrong, or that could not run.
    pub fn broken(&self) -> impl Iterator<Item = (&Row, &str)> {
        self.rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Wrong { why } | Outcome::Failed { why } => Some((row, why.as_str())),
            _ => None,
        })
    }

    /// The schema of the file, as JSON.
    pub fn json_schema() -> String {
        let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Results)).expect("a schema is JSON");
        text.push('\n');
        text
    }
}

/// The cases of a request.
pub fn plans(request: &Request<'_>) -> Vec<Plan> {
    let sizes = Size::ALL.into_iter().filter(|&s| s == request.size || s < request.size && !request.is_quick);
    let mut plans: Vec<Plan> = Vec::new();
    for size in sizes {
        plans.extend(request.suites.iter().flat_map(|s| s.plans(size, request.adapter)));
    }
    plans.retain(|p| request.devices.contains(&p.device));
    plans.retain(|p| request.only.is_empty() || request.only.iter().any(|o| p.id().contains(o.as_str())));
    plans
}

impl Outcome {
    /// Adds what a further pass came to. One that came to nothing spoils all: its time is not to be trusted.
    fn join(&mut self, further: Self) {
        match (&mut *self, further) {
            (Self::Measured(all), Self::Measured(more)) => {
                let before = all.timing.median_s;
                all.timing.append(&more.timing);
                // The share was of the first pass alone.
                all.share = all.share.map(|share| share * before / all.timing.median_s);
                all.memory_bytes = all.memory_bytes.max(more.memory_bytes);
                // Both passes take about as long.
                for (figure, further) in all.figures.iter_mut().zip(&more.figures) {
                    figure.value = (figure.value + further.value) / 2.0;
                }
            }
            (Self::Measured(_), spoilt) => *self = spoilt,
            _ => {}
        }
    }

    fn of(error: &CaseError) -> Self {
        match error {
            CaseError::Wrong { .. } => Self::Wrong { why: error.to_string() },
            CaseError::NoAdapter => Self::NoAdapter,
            CaseError::Failed(why) => Self::Failed { why: why.clone() },
        }
    }
}

fn timed(case: &mut Case<'_>, threads: usize, effort: Effort, ceilings: &Ceilings, device: Device) -> Outcome {
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool,
        Err(error) => return Outcome::Failed { why: error.to_string() },
    };
    let mut run = || pool.install(|| (case.run)());
    let memory = super::memory::peak_of(&mut run);
    (case.figures)();
    let before = super::energy::Counter::read();
    let start = Instant::now();
    let timing = match Timing::measure(effort, &mut run) {
        Ok(timing) => timing,
        Err(error) => return Outcome::of(&error),
    };
    // The counters also hear the reference work and whatever else runs: per second of a call, not exact.
    let energy = before.and_then(|b| b.joules_since()).map(|j| j / start.elapsed().as_secs_f64() * timing.median_s);
    let limit = match (case.work.bound, device) {
        (Bound::Memory, Device::Cpu) => ceilings.of_threads(threads).map(|c| c.copy_bytes_per_s),
        (Bound::Memory, Device::Gpu) => ceilings.gpu_copy_bytes_per_s,
        (Bound::Disk, _) => ceilings.disk_read_bytes_per_s,
        _ => None,
    };
    let flops_limit =
        if case.work.bound == Bound::Arithmetic { ceilings.of_threads(threads).map(|c| c.f64_flops_per_s) } else { None };
    let share = limit
        .map(|l| case.work.bytes as f64 / timing.median_s / l)
        .or(flops_limit.map(|l| case.work.flops as f64 / timing.median_s / l));
    Outcome::Measured(Box::new(Measured {
        work: case.work.clone(),
        error: case.error.clone(),
        timing,
        memory_bytes: memory,
        energy_j: energy,
        share,
        figures: (case.figures)(),
        is_software: case.is_software,
    }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::speed::judged;
    use std::hint::black_box;

    /// A case of `passes` passes over an array, whose result is off by `off`.
    pub fn plan(passes: usize, off: f64) -> Plan {
        Plan {
            suite: "test",
            kernel: "passes".to_owned(),
            device: Device::Cpu,
            size: Size::S,
            data: "65536 values".to_owned(),
            is_parallel: false,
            with: Box::new(move |measure| {
                let error = judged("off", off, 1e-12)?;
                let mut values = vec![1f64; 1 << 16];
                let bytes = 2 * size_of_val(&values[..]) as u64;
                let work = Work {
                    items: 1 << 16,
                    unit: "values".into(),
                    bytes,
                    flops: 1 << 16,
                    formula: "read and written".into(),
                    bound: Bound::Memory,
                };
                let run = || {
                    for _ in 0..passes {
                        values.iter_mut().for_each(|v| *v = (*v * 1.0001).sqrt());
                        black_box(&mut values);
                    }
                    Ok(())
                };
                measure(Case::new(work, error, run));
                Ok(())
            }),
        }
    }

    /// A case of another name with a wrong result.
    pub fn wrong() -> Plan {
        Plan { suite: "wrong", ..plan(1, 1.0) }
    }

    pub fn empty() -> Results {
        Results {
            schema: SCHEMA.to_owned(),
            machine: Machine::here(),
            size: Size::S,
            is_quick: true,
            ceilings: Ceilings {
                threads: Vec::new(),
                disk_write_bytes_per_s: None,
                disk_read_bytes_per_s: None,
                gpu_copy_bytes_per_s: None,
            },
            rows: Vec::new(),
            peers: Vec::new(),
            programs: Vec::new(),
            counts: Vec::new(),
            accuracy: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_wrong_result_has_no_time_and_breaks_the_run() {
        let mut results = empty();
        results.add(&plan(1, 1e-13), &[1], true);
        assert!(matches!(results.rows[0].outcome, Outcome::Measured(_)));
        for off in [1e-3, f64::NAN] {
            let mut results = empty();
            results.add(&plan(1, off), &[1], true);
            assert!(matches!(results.rows[0].outcome, Outcome::Wrong { .. }));
            assert_eq!(results.broken().count(), 1);
        }
    }

    #[test]
    fn passes_are_joined_and_a_wrong_one_spoils_the_row() {
        let mut results = empty();
        let samples = |results: &Results| match &results.rows[0].outcome {
            Outcome::Measured(m) => m.timing.samples_s.len(),
            other => panic!("{other:?}"),
        };
        results.add(&plan(1, 0.0), &[1], true);
        let once = samples(&results);
        results.add(&plan(1, 0.0), &[1], true);
        assert!(results.rows.len() == 1 && samples(&results) > once);
        results.add(&plan(1, 1.0), &[1], true);
        assert_eq!(results.broken().count(), 1);
    }

    #[test]
    fn results_survive_their_file() {
        let mut results = empty();
        results.add(&plan(1, 0.0), &[1], true);
        let text = serde_json::to_string(&results).expect("JSON");
        assert_eq!(serde_json::from_str::<Results>(&text).expect("its own"), results);
    }

    #[test]
    fn the_published_schema_is_that_of_the_types_and_accepts_results() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results.schema.json");
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(path, Results::json_schema()).expect("written");
        }
        let published = std::fs::read_to_string(path).expect("it is published");
        assert!(published == Results::json_schema(), "run this test with UPDATE_SNAPSHOTS=1 and read the difference");
        let schema = serde_json::from_str(&published).expect("JSON");
        let mut results = empty();
        results.add(&plan(1, 0.0), &[1], true);
        results.add(&wrong(), &[1], true);
        let mut value = serde_json::to_value(&results).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let problems: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
        value["rows"][0]["threads"] = "many".into();
        assert!(!validator.is_valid(&value));
    }

    #[test]
    fn threads_double_up_to_all() {
        assert_eq!(thread_counts(1, false), [1]);
        assert_eq!(thread_counts(2, false), [1, 2]);
        assert_eq!(thread_counts(12, false), [1, 2, 4, 8, 12]);
        assert_eq!(thread_counts(12, true), [1, 12]);
    }

    #[test]
    fn every_small_case_is_right_and_ids_are_unique() {
        let request = Request {
            suites: &Suite::ALL,
            size: Size::S,
            is_quick: true,
            devices: &[Device::Cpu],
            adapter: 0,
            only: &[],
            folder: Path::new("."),
        };
        let all = plans(&request);
        let ids: std::collections::BTreeSet<String> = all.iter().map(Plan::id).collect();
        assert_eq!(ids.len(), all.len());
        for plan in &all {
            let mut handed = false;
            let made = (plan.with)(&mut |mut case| {
                (case.run)().unwrap_or_else(|e| panic!("{}: {e}", plan.id()));
                assert!(case.work.items > 0 && case.work.bytes > 0, "{}", plan.id());
                handed = true;
            });
            made.unwrap_or_else(|e| panic!("{}: {e}", plan.id()));
            assert!(handed, "{}", plan.id());
        }
    }
}
