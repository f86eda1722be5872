//! The house is built as the README's map says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crate and the crates of this workspace it may depend on.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("knarr-kernels", &[]),
    ("knarr-grid", &["knarr-kernels"]),
    ("knarr-field", &["knarr-grid"]),
    ("knarr-regrid", &["knarr-kernels", "knarr-grid", "knarr-field"]),
    ("knarr-io", &["knarr-kernels", "knarr-grid", "knarr-field", "knarr-regrid"]),
    ("knarr-metrics", &["knarr-kernels", "knarr-grid", "knarr-field"]),
    ("knarr-exchange", &["knarr-grid", "knarr-field", "knarr-regrid", "knarr-io"]),
    ("knarr-coupling", &["knarr-kernels", "knarr-grid", "knarr-field", "knarr-regrid", "knarr-io"]),
    ("knarr-plot", &["knarr-kernels", "knarr-grid", "knarr-field"]),
    (
        "knarr-bench",
        &[
            "knarr-kernels",
            "knarr-grid",
            "knarr-field",
            "knarr-regrid",
            "knarr-io",
            "knarr-metrics",
            "knarr-exchange",
            "knarr-coupling",
        ],
    ),
    (
        "knarr",
        &[
            "knarr-kernels",
            "knarr-grid",
            "knarr-field",
            "knarr-regrid",
            "knarr-io",
            "knarr-metrics",
            "knarr-exchange",
            "knarr-coupling",
            "knarr-plot",
            "knarr-bench",
        ],
    ),
    ("knarr-cli", &["knarr"]),
];

/// Packages of the workspace: folder and internal dependencies, those of tests aside.
fn packages() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |v: &serde_json::Value| v.as_str().expect("a text").to_owned();
    let list = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<String> = list.iter().map(|p| text(&p["name"])).collect();
    list.iter()
        .map(|p| {
            let manifest = text(&p["manifest_path"]);
            let folder = manifest.strip_prefix(root).expect("inside the workspace").trim_start_matches('/');
            let folder = folder.trim_end_matches("Cargo.toml").trim_end_matches('/').to_owned();
            let internal = p["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|d| d["kind"].is_null())
                .map(|d| text(&d["name"]))
                .filter(|d| names.contains(d))
                .collect();
            (text(&p["name"]), (folder, internal))
        })
        .collect()
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let packages = packages();
    assert_eq!(packages.keys().map(String::as_str).collect::<BTreeSet<_>>(), ALLOWED.iter().map(|a| a.0).collect());
    for (name, (_, found)) in &packages {
        let allowed = ALLOWED.iter().find(|a| a.0 == name).expect("checked above").1;
        for dependency in found {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not depend on {dependency}");
        }
    }
}

#[test]
fn the_allowed_dependencies_have_no_circle() {
    for (at, (name, allowed)) in ALLOWED.iter().enumerate() {
        for dependency in *allowed {
            assert!(ALLOWED[..at].iter().any(|a| a.0 == *dependency), "{dependency} stands after {name}");
        }
    }
}

#[test]
fn the_table_of_the_readme_names_every_crate() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let rows: BTreeMap<String, String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `knarr")?.split_once('|').map(|_| line))
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(|c| c.trim().trim_matches('`')).collect();
            (cells.len() == 4).then(|| (cells[0].to_owned(), cells[1].trim_end_matches('/').to_owned()))
        })
        .collect();
    let found = packages();
    let folder = |name: &str, folder: &str| if name == "knarr-cli" { "crates/cli".to_owned() } else { folder.to_owned() };
    let expected: BTreeMap<String, String> = found.iter().map(|(n, (f, _))| (n.clone(), folder(n, f))).collect();
    assert_eq!(rows, expected, "the README's crate table and `cargo metadata` differ");
    for (name, (_, internal)) in &found {
        let row = readme.lines().find(|l| l.starts_with(&format!("| `{name}` |"))).expect("checked above");
        let last = row.trim_end_matches('|').rsplit('|').next().expect("a cell");
        for dependency in internal {
            let short = dependency.trim_start_matches("knarr-");
            let named = last.split([',', ' ']).any(|word| word.trim_matches('`') == short);
            assert!(named || last.contains("all"), "{name}: its row does not name {short}");
        }
    }
}
