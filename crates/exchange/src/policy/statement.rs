//! The statement that asks for a release: what a person says about the data, which no program can find out.

use crate::instant::Instant;
use serde::Deserialize;

/// One release as its owner states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// `knarr-statement-1`.
    pub schema: String,
    /// Identifier of the release: letters, digits, dashes; the name of its folder.
    pub release_id: String,
    /// Identifier of the release that this one corrects.
    pub supersedes: Option<String>,
    /// When the release was prepared; the one time that its files carry.
    pub prepared: Instant,
    /// Identifier of the sender.
    pub sender: String,
    /// Identifier of the receiver.
    pub receiver: String,
    /// What the receiver wants the data for.
    pub purpose: String,
    /// Title in a line.
    pub title: String,
    /// What it is, in a few sentences.
    pub summary: String,
    /// Role mailbox for questions; one of the policy's.
    pub mailbox: String,
    /// Classification by the Government of Canada, such as `Unclassified`.
    pub classification_gc: String,
    /// Classification by the European Union, such as `public`.
    pub classification_eu: String,
    /// Not before this moment.
    pub not_before: Instant,
    /// Where the data come from.
    pub origin: Origin,
    /// What the release is made of.
    pub files: Vec<FileRequest>,
}

/// Where data come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Product.
    pub product: String,
    /// Start of the run, or issue of an analysis.
    pub run: Instant,
    /// Address they were fetched from.
    pub url: String,
    /// When.
    pub accessed: Instant,
    /// Identifier of their licence.
    pub licence: String,
    /// Whether they were changed on the way here, by regridding for example.
    pub modified: bool,
}

/// One field of the release.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRequest {
    /// Name of the variable in the input.
    pub variable: String,
    /// Id of the field in the catalogue.
    pub field: String,
    /// Identifier of the grid, for file names: letters, digits, dashes and dots.
    pub grid: String,
    /// Whether components of a vector point east and north. `false` is denied.
    pub earth_relative: bool,
}
