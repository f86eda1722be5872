//! What a check finds: errors and warnings with their place and the way on.

use crate::document::Place;
use std::fmt::Write;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The run would not start.
    Error,
    /// It would, but perhaps not as meant.
    Warning,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// A name for it that stays the same between versions.
    pub code: &'static str,
    /// Line of the experiment file, from 1; 0 if it has none.
    pub line: u32,
    /// What, found and expected.
    pub message: String,
    /// More lines.
    pub details: Vec<String>,
    /// How to go on.
    pub hint: Option<String>,
}

impl Finding {
    /// An error.
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { severity: Severity::Error, code, line: place.line, message, details: Vec::new(), hint: None }
    }

    /// A warning.
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// The same with one more line.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// The same with a way on.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As the command line tells it, `file` being the experiment's name there.
    pub fn told(&self, file: &str) -> String {
        let word = if self.severity == Severity::Error { "error" } else { "warning" };
        let mut text = format!("{word}[{}]: {}\n", self.code, self.message);
        if self.line > 0 {
            let _ = writeln!(text, "  --> {file}:{}", self.line);
        }
        for line in &self.details {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
        text
    }
}

/// All that was found, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Whether the run would start.
    pub fn is_runnable(&self) -> bool {
        !self.0.iter().any(|f| f.severity == Severity::Error)
    }

    /// Errors first, each in the order of the file.
    pub fn sort(&mut self) {
        self.0.sort_by_key(|f| (f.severity, f.line));
    }
}
