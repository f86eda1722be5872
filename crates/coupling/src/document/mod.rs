//! YAML as a tree whose nodes know their lines, and typed values read from it.
//!
//! Only `true` and `false` are flags: `no` and `on` stay texts. Keys given twice are errors. Anchors and merge keys work.

mod measure;
mod node;
mod read;

pub use measure::*;
pub use node::{Entry, Kind, Node};

/// A place in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// From 1; 0 where it is not known.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{problem}")]
pub struct DocumentError {
    /// Where; line 0 if unknown.
    pub place: Place,
    /// What: found and expected.
    pub problem: String,
    /// How to go on.
    pub hint: Option<String>,
}

impl DocumentError {
    /// An error at a place.
    pub fn new(place: Place, problem: impl Into<String>) -> Self {
        Self { place, problem: problem.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        if self.place.line == 0 {
            self.place = place;
        }
        self
    }
}

/// An error on its way through `serde`, which knows texts alone: its place and hint travel in the text and are taken apart
/// again by [`serde::de::Error::custom`] of [`DocumentError`].
pub(crate) struct Carried(pub DocumentError);

const CARRIED: char = '\u{1}';

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let DocumentError { place, problem, hint } = &self.0;
        let hint = hint.as_deref().unwrap_or_default();
        write!(f, "{CARRIED}{}{CARRIED}{}{CARRIED}{hint}{CARRIED}{problem}", place.line, place.column)
    }
}

fn uncarried(text: &str) -> Option<DocumentError> {
    let mut parts = text.strip_prefix(CARRIED)?.splitn(4, CARRIED);
    let place = Place { line: parts.next()?.parse().ok()?, column: parts.next()?.parse().ok()? };
    let (hint, problem) = (parts.next()?, parts.next()?);
    Some(DocumentError { place, problem: problem.to_owned(), hint: (!hint.is_empty()).then(|| hint.to_owned()) })
}

/// The names most like `name`, at most two.
pub(crate) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = names.into_iter().map(|other| (strsim::damerau_levenshtein(name, other), other)).collect();
    near.retain(|(distance, other)| *distance <= 1 + name.len().max(other.len()) / 4);
    near.sort_unstable();
    // Names further off than the nearest are other names.
    let best = near.first().map_or(0, |(distance, _)| *distance);
    near.retain(|(distance, _)| *distance == best);
    near.into_iter().take(2).map(|(_, other)| other.to_owned()).collect()
}

/// `did you mean `a`?`, or all names where none is near.
pub fn suggestion<'n>(name: &str, names: impl IntoIterator<Item = &'n str> + Clone) -> String {
    let quoted = |list: Vec<String>, word: &str| list.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(word);
    let near = nearest(name, names.clone());
    if near.is_empty() {
        format!("expected one of {}", quoted(names.into_iter().map(str::to_owned).collect(), ", "))
    } else {
        format!("did you mean {}?", quoted(near, " or "))
    }
}
