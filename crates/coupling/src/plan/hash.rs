//! What may not change when a run goes on from a kept state.

use super::Plan;
use super::build::Builder;
use super::clock::RunClock;
use crate::document::{Kind, Node};
use crate::experiment::ExperimentFile;
use crate::schedule::Schedule;
use knarr_regrid::content_hash;
use std::path::Path;

/// Parts of the experiment that may change: they change no value, or by the rounding of another device.
const FREE: [&str; 6] = ["title", "output", "restart", "weights", "clock", "device"];

/// What the names of ingredients that are files begin with.
const FILE: &str = "the file ";

impl Plan {
    /// Files of the experiment whose content is not what it was when the plan was made.
    pub fn changed_inputs(&self) -> Vec<String> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let inputs = self.ingredients.iter().filter_map(|(name, hash)| Some((name.strip_prefix(FILE)?, hash)));
        inputs
            .filter(|(name, hash)| hash_of(&folder.join(name)).as_ref() != Some(hash))
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}

/// The hash of a file's content.
fn hash_of(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    let file = path.is_file().then(|| std::fs::File::open(path).ok()).flatten()?;
    hasher.update_reader(file).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

/// One hash of all ingredients.
pub(super) fn of(ingredients: &[(String, String)]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, hash) in ingredients {
        hasher.update(name.as_bytes()).update(b"\n").update(hash.as_bytes()).update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}

fn hex(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

impl Builder<'_> {
    pub(super) fn ingredients(&self, file: &ExperimentFile, clock: &RunClock, schedule: &Schedule) -> Vec<(String, String)> {
        let mut list = vec![
            ("the start or the calendar".to_owned(), hex(&format!("{:?} {}", clock.start, clock.calendar))),
            ("the order of steps".to_owned(), hex(&format!("{schedule:?}"))),
        ];
        if let Kind::Map(entries) = &file.document.kind {
            for entry in entries.iter().filter(|e| !FREE.contains(&e.key.as_str())) {
                let mut text = String::new();
                canonical(&entry.value, &mut text);
                list.push((format!("`{}` of the experiment", entry.key), hex(&text)));
            }
        }
        for component in &self.components {
            for grid in &component.declaration.grids {
                list.push((format!("the grid `{}` of `{}`", grid.name, component.name), content_hash(&grid.grid)));
            }
        }
        for (k, mapping) in self.mappings.iter().enumerate() {
            list.push((format!("map {k} ({})", mapping.methods.in_words()), hex(&mapping.identity)));
        }
        let mut files = Vec::new();
        named_files(&file.document, &self.folder, &mut files);
        files.sort();
        files.dedup();
        for (name, hash) in files {
            list.push((format!("{FILE}{name}"), hash));
        }
        list
    }
}

/// A tree as text, keys sorted, places left out.
fn canonical(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::List(nodes) => {
            out.push('[');
            for node in nodes {
                canonical(node, out);
                out.push(',');
            }
            out.push(']');
        }
        Kind::Map(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for entry in sorted {
                out.push_str(&format!("{:?}:", entry.key));
                canonical(&entry.value, out);
                out.push(',');
            }
            out.push('}');
        }
        other => out.push_str(&format!("{other:?}")),
    }
}

/// Files that texts of the experiment name, with hashes of their content.
fn named_files(node: &Node, folder: &Path, out: &mut Vec<(String, String)>) {
    match &node.kind {
        Kind::Text(text) => {
            let candidates = [Some(text.as_str()), text.rsplit_once(':').map(|(path, _)| path)];
            for name in candidates.into_iter().flatten() {
                if let Some(hash) = hash_of(&folder.join(name)) {
                    out.push((name.to_owned(), hash));
                    return;
                }
            }
        }
        Kind::List(nodes) => nodes.iter().for_each(|node| named_files(node, folder, out)),
        Kind::Map(entries) => entries.iter().for_each(|entry| named_files(&entry.value, folder, out)),
        _ => {}
    }
}
