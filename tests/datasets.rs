//! The shipped data files are the ones the manifest describes.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(serde::Deserialize)]
struct Manifest {
    file: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    sha256: String,
    source: String,
    licence: String,
    attribution: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets")
}

fn manifest() -> Manifest {
    let text = std::fs::read_to_string(folder().join("manifest.toml")).expect("the manifest is there");
    toml::from_str(&text).expect("the manifest is TOML of this shape")
}

#[test]
fn every_file_has_the_size_and_hash_of_the_manifest() {
    let files = manifest().file;
    assert!(!files.is_empty());
    for entry in files {
        let bytes = std::fs::read(folder().join(&entry.name)).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        assert_eq!(bytes.len() as u64, entry.bytes, "{}", entry.name);
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, entry.sha256, "{}", entry.name);
    }
}

#[test]
fn every_file_is_listed_with_its_origin_and_terms() {
    let files = manifest().file;
    let listed: BTreeSet<String> = files.iter().map(|f| f.name.clone()).collect();
    let about = ["manifest.toml", "README.md", "LICENCES.txt"];
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("a readable entry"))
        // Experiments on these files are the project's own.
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().into_string().expect("a plain name"))
        .filter(|name| !about.contains(&name.as_str()))
        .collect();
    assert_eq!(listed, found);
    let table = std::fs::read_to_string(folder().join("README.md")).expect("the table is there");
    for entry in files {
        assert!(table.contains(&format!("| `{}` |", entry.name)), "{} has no row in the table", entry.name);
        for text in [&entry.source, &entry.licence, &entry.attribution] {
            assert!(text.len() > 5, "{}: an empty entry", entry.name);
        }
    }
}
