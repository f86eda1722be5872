//! Bytes by formula against bytes by count: a case run by cachegrind, which simulates caches line by line.
//!
//! A line that is missed is filled from memory; one that is missed when it is written is also written back. So a call moves
//! 64 · (misses of reads + 2 · misses of writes) bytes, which is what the formulas of cases say: sources and weights once,
//! results twice. Set-up is taken away by the difference of two runs with different numbers of calls.

use super::{Device, Plan, Size, Suite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};

/// Bytes of a cache line.
const LINE: f64 = 64.0;
/// Last-level cache that is simulated: bytes, ways, line. Small, so that small cases are larger.
const LAST_LEVEL: &str = "1048576,16,64";
/// Calls of the two runs.
const CALLS: [u64; 2] = [1, 3];
/// What is counted may be this much of what the formula says. Less: the formula counts what does not move. More: sources that
/// are used again were not in the cache any more, as far as the kernel lets it come.
pub const AGREES: [f64; 2] = [0.9, 1.5];

/// What was counted of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// Of the case.
    pub id: String,
    /// What counted.
    pub tool: String,
    /// Bytes of a call by the case's formula.
    pub formula_bytes: u64,
    /// Bytes of a call by simulated cache lines.
    pub counted_bytes: f64,
    /// Instructions an item.
    pub instructions_per_item: f64,
}

impl Count {
    /// Counted over formula.
    pub fn ratio(&self) -> f64 {
        self.counted_bytes / self.formula_bytes as f64
    }

    /// Whether both agree as far as they should.
    pub fn agrees(&self) -> bool {
        (AGREES[0]..=AGREES[1]).contains(&self.ratio())
    }
}

/// The plan with this id.
pub fn plan(id: &str) -> Option<Plan> {
    let plans = |size| Suite::ALL.into_iter().flat_map(move |suite| suite.plans(size, 0));
    Size::ALL.into_iter().flat_map(plans).find(|p| p.id() == id)
}

/// Ids of the cases that are counted: those held against memory on the processor, at the first size. One if `is_quick`.
pub fn counted_ids(is_quick: bool) -> Vec<String> {
    let mut ids: Vec<String> = Suite::Speed
        .plans(Size::S, 0)
        .iter()
        .filter(|p| p.device == Device::Cpu && p.kernel.starts_with("apply ") && p.suite == super::PAIRS[0].suite)
        .map(Plan::id)
        .collect();
    // Many slabs at once: the case that the formula is meant for.
    ids.sort_by_key(|id| !id.contains("f32 x32/"));
    ids.truncate(if is_quick { 1 } else { ids.len() });
    ids
}

/// The version of valgrind; `None`: it is not here.
pub fn valgrind() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Counts a case by `knarr bench calls` of the program `knarr`.
///
/// # Errors
/// Why it could not be counted.
pub fn count(knarr: &Path, id: &str, tool: &str) -> Result<Count, String> {
    let plan = plan(id).ok_or_else(|| format!("no case `{id}`"))?;
    let mut work = None;
    (plan.with)(&mut |case| work = Some(case.work)).map_err(|e| e.to_string())?;
    let work = work.ok_or("the case is not handed over")?;
    let [few, many] = CALLS.map(|calls| events(knarr, id, calls));
    let (few, many) = (few?, many?);
    let calls = (CALLS[1] - CALLS[0]) as f64;
    let each = |name: &str| Ok::<f64, String>((many.of(name)? - few.of(name)?) / calls);
    Ok(Count {
        id: id.to_owned(),
        tool: format!("{tool}, cachegrind, last-level cache of 1 MiB"),
        formula_bytes: work.bytes,
        counted_bytes: LINE * (each("DLmr")? + 2.0 * each("DLmw")?),
        instructions_per_item: each("Ir")? / work.items as f64,
    })
}

/// Events that cachegrind counted over a whole run.
#[derive(Debug)]
struct Events {
    names: Vec<String>,
    counts: Vec<f64>,
}

impl Events {
    /// From the file that cachegrind writes.
    fn parse(text: &str) -> Result<Self, String> {
        let line = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).ok_or_else(|| format!("no line `{key}`"));
        let names: Vec<String> = line("events:")?.split_whitespace().map(str::to_owned).collect();
        let counts = line("summary:")?.split_whitespace().map(|w| w.parse().map_err(|_| format!("`{w}` is no count")));
        let counts: Vec<f64> = counts.collect::<Result<_, _>>()?;
        if names.len() == counts.len() {
            Ok(Self { names, counts })
        } else {
            Err("events and counts differ in number".to_owned())
        }
    }

    fn of(&self, name: &str) -> Result<f64, String> {
        let at = self.names.iter().position(|n| n == name).ok_or_else(|| format!("no event `{name}`"))?;
        Ok(self.counts[at])
    }
}

fn events(knarr: &Path, id: &str, calls: u64) -> Result<Events, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let file = folder.path().join("counts");
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=yes", "--D1=32768,8,64", &format!("--LL={LAST_LEVEL}")]);
    command.arg(format!("--cachegrind-out-file={}", file.display())).arg(knarr);
    command.args(["-q", "--threads", "1", "bench", "calls", id, "--calls", &calls.to_string()]);
    let output = command.stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("valgrind failed without a word").to_owned());
    }
    Events::parse(&std::fs::read_to_string(&file).map_err(|e| e.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_by_the_names_of_their_events() {
        let text = "desc: LL cache\ncmd: x\nevents: Ir Dr DLmr Dw DLmw\nfl=a\n1 2 3 4 5 6\nsummary: 100 40 7 30 2\n";
        let events = Events::parse(text).expect("counts");
        assert_eq!((events.of("DLmr"), events.of("DLmw"), events.of("Ir")), (Ok(7.0), Ok(2.0), Ok(100.0)));
        assert!(events.of("Bc").is_err());
        assert!(Events::parse("events: Ir Dr\nsummary: 1\n").is_err());
        assert!(Events::parse("events: Ir\nsummary: x\n").is_err());
        assert!(Events::parse("").is_err());
    }

    #[test]
    fn what_is_counted_are_cases_and_disagreement_is_told() {
        assert_eq!(counted_ids(true).len(), 1);
        assert!(counted_ids(false).len() > 3);
        for id in counted_ids(false) {
            assert!(plan(&id).is_some(), "{id}");
        }
        assert!(plan("cpu/nothing").is_none());
        let count = |counted_bytes| Count {
            id: String::new(),
            tool: String::new(),
            formula_bytes: 1000,
            counted_bytes,
            instructions_per_item: 1.0,
        };
        assert!(count(1000.0).agrees() && !count(500.0).agrees() && !count(3000.0).agrees() && !count(f64::NAN).agrees());
    }
}
