//! What the gate found: one verdict for each rule, with evidence that repeats nothing of the input.

use serde::Serialize;

/// What a rule came to. Whatever is not a pass denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Looked at and found right.
    Pass,
    /// Only people can tell; until the statement or the input is changed, that is a denial.
    NeedsHuman,
    /// Not as the policy wants it.
    Deny,
}

/// One thing a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is, as a code.
    pub code: String,
    /// Where it is: an ordinal, or a name that the policy or a convention knows.
    pub place: String,
    /// How often, or how long.
    pub count: u64,
}

/// The result of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleResult {
    /// R01 to R30.
    pub rule: &'static str,
    /// Its name.
    pub title: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What it looked at, in words and counts.
    pub looked_at: Vec<String>,
    /// What it found.
    pub findings: Vec<Finding>,
}

impl RuleResult {
    pub(crate) fn new(rule: &'static str, title: &'static str) -> Self {
        Self { rule, title, verdict: Verdict::Pass, looked_at: Vec::new(), findings: Vec::new() }
    }

    /// Says what was looked at.
    pub(crate) fn saw(&mut self, what: impl Into<String>) {
        self.looked_at.push(what.into());
    }

    /// Denies.
    pub(crate) fn deny(&mut self, code: impl Into<String>, place: impl Into<String>, count: u64) {
        self.find(Verdict::Deny, code, place, count);
    }

    /// Denies where `wrong` holds.
    pub(crate) fn deny_if(&mut self, wrong: bool, code: &str, place: &str) {
        if wrong {
            self.deny(code, place, 1);
        }
    }

    /// Denies until a person has changed what the program cannot judge.
    pub(crate) fn ask(&mut self, code: impl Into<String>, place: impl Into<String>, count: u64) {
        self.find(Verdict::NeedsHuman, code, place, count);
    }

    fn find(&mut self, verdict: Verdict, code: impl Into<String>, place: impl Into<String>, count: u64) {
        self.verdict = self.verdict.max(verdict);
        self.findings.push(Finding { code: code.into(), place: place.into(), count });
    }
}

/// A payload file in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputEntry {
    /// Path in the package.
    pub path: String,
    /// Id of the field.
    pub field: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
}

/// The gate's report. It has no clock in it: the same inputs give the same report, so that its digest can be approved
/// before the release is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `knarr-gate-report-1`.
    pub schema: &'static str,
    /// The release, if its name may be repeated.
    pub release_id: String,
    /// Digest of the policy.
    pub policy_sha256: String,
    /// Digest of the statement.
    pub statement_sha256: String,
    /// Digest of the licence text.
    pub licence_sha256: String,
    /// Digest of the input.
    pub input_sha256: String,
    /// Bytes of the input.
    pub input_bytes: u64,
    /// The program that judged.
    pub tool: String,
    /// What all came to.
    pub verdict: Verdict,
    /// Rules R01 to R28 in order.
    pub rules: Vec<RuleResult>,
    /// What would leave; empty if denied.
    pub outputs: Vec<OutputEntry>,
}

impl Report {
    /// Ids of rules that did not pass.
    pub fn denied_by(&self) -> Vec<&'static str> {
        self.rules.iter().filter(|r| r.verdict != Verdict::Pass).map(|r| r.rule).collect()
    }

    /// Whether all rules passed.
    pub fn is_pass(&self) -> bool {
        self.verdict == Verdict::Pass
    }

    /// The report as the bytes that are approved, signed and shipped.
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::canonical::to_bytes(self, "the gate's report").expect("it has texts and counts only")
    }

    /// SHA-256 of [`Report::to_bytes`]: what approvals refer to.
    pub fn sha256(&self) -> String {
        crate::canonical::sha256(&self.to_bytes())
    }

    /// The report for people: one line a rule, with `explain` what it looked at, and what it found.
    pub fn to_text(&self, explain: bool) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for rule in &self.rules {
            let word = match rule.verdict {
                Verdict::Pass => "pass ",
                Verdict::NeedsHuman => "HUMAN",
                Verdict::Deny => "DENY ",
            };
            if explain || rule.verdict != Verdict::Pass {
                let _ = writeln!(text, "{word} {} {}", rule.rule, rule.title);
            }
            if explain {
                for what in &rule.looked_at {
                    let _ = writeln!(text, "          looked at {what}");
                }
            }
            for found in &rule.findings {
                let _ = writeln!(text, "          {} in {} ({})", found.code, found.place, found.count);
            }
        }
        text
    }
}
