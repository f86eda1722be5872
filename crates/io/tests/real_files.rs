//! Every variable of every real file at hand is read and decoded, or refused for a reason that is known.

use knarr_io::nc::{File, ValueType};
use knarr_io::{Dataset, IoError, NanPolicy, Purpose, Role, read_decoded};
use std::path::{Path, PathBuf};

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|e| ["nc", "nc4", "cdf"].iter().any(|x| e == *x)) {
            found.push(path);
        }
    }
}

fn real_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["../shared/data", "../shared/ship", "datasets"] {
        files_below(&root.join(folder), &mut found);
    }
    found.sort();
    if found.is_empty() {
        println!("skipped: 1 test over real files, none is at hand");
    }
    found
}

#[test]
fn every_variable_of_every_real_file_is_read() {
    let (mut variables, mut values, mut missing) = (0, 0u64, 0u64);
    let mut all_missing = Vec::new();
    let files = real_files();
    for path in &files {
        let dataset = Dataset::open(path).unwrap_or_else(|e| panic!("{e}"));
        let file = dataset.file();
        for v in dataset.variables() {
            variables += 1;
            match &v.dtype {
                ValueType::Number(_) => {
                    let purpose =
                        if matches!(v.role, Role::Data | Role::Ancillary) { Purpose::Data } else { Purpose::Coordinate };
                    match read_decoded(file, &v.name, purpose, NanPolicy::Error) {
                        Ok(decoded) => {
                            values += decoded.values.len() as u64;
                            let valid = decoded.valid.as_ref();
                            if v.role == Role::Data && !v.is_empty() && valid.is_some_and(|f| !f.contains(&true)) {
                                all_missing.push(v.name.clone());
                            }
                            missing += decoded.valid.map_or(0, |f| f.iter().filter(|&&ok| !ok).count() as u64);
                            assert!(decoded.values.iter().all(|x| x.is_finite()), "{}: {}", path.display(), v.name);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                ValueType::Char | ValueType::String => {
                    let texts = file.read_texts(&v.name).unwrap_or_else(|e| panic!("{e}"));
                    assert!(texts.iter().all(|t| !t.contains('\0')), "{}: {}", path.display(), v.name);
                }
                ValueType::Other(kind) => println!("{}: `{}` has type {kind}", path.display(), v.name),
            }
        }
    }
    println!("{} files, {variables} variables, {values} values, {missing} missing", files.len());
    // LFRic's surface temperature was never written: it holds the library's default fill value everywhere.
    if files.iter().any(|f| f.ends_with("lfric_surface_fluxes_C48.nc")) {
        assert_eq!(all_missing, ["tstar"]);
    }
}

#[test]
fn real_files_cut_short_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = folder.path().join("cut.nc");
    let mut refused = 0;
    for path in real_files() {
        let bytes = std::fs::read(&path).expect("readable");
        // Padding of at most three bytes may end a classic file.
        for keep in [bytes.len() - 4, bytes.len() * 3 / 4, bytes.len() / 3] {
            std::fs::write(&cut, &bytes[..keep]).expect("writable");
            let error = File::open(&cut).expect_err(&format!("{} cut to {keep} bytes", path.display()));
            assert!(matches!(error, IoError::Truncated { .. }), "{}: {error}", path.display());
            refused += 1;
        }
    }
    println!("{refused} cut files refused");
}
