//! The release gate: nothing leaves unless every rule passes.
//!
//! The input is read once. Every rule looks at it, or at the file rebuilt from it; whatever is unknown, unreadable or
//! not listed denies. Evidence names rules, codes, places and counts, never what was found. Input and output are held
//! in memory while they are judged; the policy's limits bound them.
//!
//! | rule | name | looks at |
//! |---|---|---|
//! | R01 | policy | schema, signature by a key given, dates, sender, receiver, purpose |
//! | R02 | classification | the statement: Canada `Unclassified` and Union `public`, nothing else |
//! | R03 | fields | every variable is a field asked for, in catalogue and policy, or describes one |
//! | R04 | source | product, hour of the run and beginning of the address are in the policy |
//! | R05 | licence | id in the policy, digest of the text, in force when the data were accessed |
//! | R06 | onward release | the licence lets this receiver have the data for this purpose |
//! | R07 | attribution | the sentence is in the rebuilt file, with a note if data were modified |
//! | R08 | embargo and latency | not before its time; run and valid times old enough; two clocks agree |
//! | R09 | region | every corner of every cell with a value lies in a box of the policy, or the value is filled |
//! | R10 | resolution | the finest cell is not finer than the policy says |
//! | R11 | levels and members | every level and member is listed |
//! | R12 | attributes of the file | listed, of the form and length listed; the library's hidden ones as it writes them |
//! | R13 | attributes of variables | known to the conventions, names and units of the expected form |
//! | R14 | texts | all texts of input, statement and output: addresses, accounts, paths, hosts, secrets, odd letters |
//! | R15 | random runs | texts of at least 24 characters that look like codes: for people to judge |
//! | R16 | structure | every byte of the input accounted for, only plain objects; the output is of the form written here |
//! | R17 | GRIB | an input in GRIB is denied: it is not rebuilt here, convert it first |
//! | R18 | hidden data | missing values are the fill value to the bit; none left outside region and mask in the output |
//! | R19 | range | finite and within the catalogue's range |
//! | R20 | consistency | snowfall within precipitation, no ice without area: for people to judge |
//! | R21 | units and statistic | units and `cell_methods` of the catalogue; intervals have bounds |
//! | R22 | precision | decimals of the policy, in the output to the bit |
//! | R23 | vectors | both components with the same axes, earth-relative |
//! | R24 | time | known units, ascending, whole seconds, none issued in the future, intervals without gaps |
//! | R25 | people | no names, telephone numbers or personal ids; a role mailbox of the policy |
//! | R26 | sizes | files, bytes and values within limits; all files asked for are there |
//! | R27 | reproducible | rebuilding gives the same bytes |
//! | R28 | read again | another reader finds the same values in the output |
//! | R29 | approval | at sealing: a data owner and a release officer signed the report's digest |
//! | R30 | seal | at sealing: the log is written before the first byte leaves |

pub mod content;
pub mod geometry;
mod rebuild;
mod report;
mod rules;

pub use rebuild::{FILL, OWN_ATTRIBUTES, Payload, rounded};
pub use report::{Finding, OutputEntry, Report, RuleResult, Verdict};

use crate::canonical::sha256;
use crate::catalogue::Catalogue;
use crate::instant::Instant;
use crate::keys::PublicKey;
use crate::policy::{Loaded, Policy, Statement};
use crate::structure::{Structure, inspect};
use crate::text::Scanner;
use crate::{ExchangeError, canonical};
use content::{Content, Unreadable};
use std::io::Read;
use std::path::Path;

/// What the gate is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The policy.
    pub policy: &'a Loaded<Policy>,
    /// Its signature file.
    pub policy_signature: &'a [u8],
    /// Keys that may sign policies.
    pub policy_keys: &'a [PublicKey],
    /// The statement.
    pub statement: &'a Loaded<Statement>,
    /// Text of the licence.
    pub licence_text: &'a [u8],
    /// The file to release from.
    pub input: &'a Path,
    /// Two clocks.
    pub clocks: [Instant; 2],
}

/// What the gate says, and what may leave if it says yes.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The report.
    pub report: Report,
    /// The files; none if denied.
    pub payload: Vec<Payload>,
}

/// Everything the rules look at.
struct Case<'a> {
    request: &'a Request<'a>,
    policy: &'a Policy,
    statement: &'a Statement,
    catalogue: &'a Catalogue,
    scanner: Scanner,
    input_bytes: u64,
    structure: Structure,
    content: Result<Content, Unreadable>,
    payload: Result<Vec<Payload>, Unreadable>,
}

impl Case<'_> {
    /// Whether an attribute of the input's may leave by the policy's list.
    fn is_listed(&self, name: &str) -> bool {
        self.policy.texts.global_attributes.iter().any(|rule| rule.name == name)
    }
}

/// Judges a request.
///
/// # Errors
/// [`ExchangeError`] if the input cannot be read or there is no place for a copy; a denial is no error.
pub fn judge(request: &Request<'_>, catalogue: &Catalogue) -> Result<Judgement, ExchangeError> {
    let (policy, statement) = (&request.policy.value, &request.statement.value);
    let (bytes, whole) = read_limited(request.input, policy.limits.max_input_bytes)?;
    let content = if whole { content_of(&bytes, statement, policy)? } else { Err(too_large()) };
    let mut case = Case {
        request,
        policy,
        statement,
        catalogue,
        scanner: Scanner::new(&policy.texts.public_hosts),
        input_bytes: bytes.len() as u64,
        structure: inspect(&bytes),
        content,
        payload: Err(Unreadable { code: "nothing_rebuilt", place: "the release".to_owned() }),
    };
    case.payload = rebuilt(&case);
    let rules: Vec<RuleResult> = rules::all().map(|rule| rule(&case)).collect();
    let verdict = rules.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Deny);
    let payload = match (verdict, case.payload) {
        (Verdict::Pass, Ok(payload)) => payload,
        _ => Vec::new(),
    };
    let outputs = payload
        .iter()
        .map(|p| OutputEntry {
            path: p.path.clone(),
            field: p.field.clone(),
            sha256: sha256(&p.bytes),
            bytes: p.bytes.len() as u64,
        })
        .collect();
    let report = Report {
        schema: "knarr-gate-report-1",
        release_id: repeatable_id(&statement.release_id, &case.scanner),
        policy_sha256: request.policy.sha256.clone(),
        statement_sha256: request.statement.sha256.clone(),
        licence_sha256: canonical::sha256(request.licence_text),
        input_sha256: sha256(&bytes),
        input_bytes: bytes.len() as u64,
        tool: concat!("knarr ", env!("CARGO_PKG_VERSION")).to_owned(),
        verdict,
        rules,
        outputs,
    };
    Ok(Judgement { report, payload })
}

/// A release's name, unless it holds what must not be repeated.
pub(crate) fn repeatable_id(id: &str, scanner: &Scanner) -> String {
    let fair = is_plain_name(id) && scanner.scan(id).is_clean();
    if fair { id.to_owned() } else { "withheld".to_owned() }
}

/// Letters, digits, dashes and dots, not too long and not a folder's special name.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let fair = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (1..=64).contains(&name.len()) && name.chars().all(fair) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// At most so many bytes of a file, and whether that is all of it.
fn read_limited(path: &Path, limit: u64) -> Result<(Vec<u8>, bool), ExchangeError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(ExchangeError::file(path, "read"))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(ExchangeError::file(path, "read"))?;
    let whole = bytes.len() as u64 <= limit;
    Ok((bytes, whole))
}

fn too_large() -> Unreadable {
    Unreadable { code: "too_large", place: "the file".to_owned() }
}

/// Decodes a private copy, so that what is decoded is what was walked and hashed.
fn content_of(bytes: &[u8], statement: &Statement, policy: &Policy) -> Result<Result<Content, Unreadable>, ExchangeError> {
    let folder = tempfile::tempdir().map_err(ExchangeError::file(&std::env::temp_dir(), "write"))?;
    let copy = folder.path().join("input.nc");
    std::fs::write(&copy, bytes).map_err(ExchangeError::file(&copy, "write"))?;
    Ok(Content::read(&copy, &statement.files, &policy.limits))
}

fn rebuilt(case: &Case<'_>) -> Result<Vec<Payload>, Unreadable> {
    let content = case.content.as_ref().map_err(Unreadable::clone)?;
    let one = |field: &content::Field| {
        let place = content::variable_place(field.ordinal);
        rebuild::rebuild(case, field).map_err(|code| Unreadable { code, place })
    };
    content.fields.iter().map(one).collect()
}
