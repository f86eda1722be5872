//! Programs of others read what is written here. Where one is not installed, the test says so and counts it.

use super::scene::Scene;
use std::path::Path;
use std::process::Command;

/// Runs a program; `None`, and a line that says so, where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            Some((output.status.success(), text))
        }
        Err(_) => {
            println!("skipped: `{program}` is not installed");
            None
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn minisign_verifies_the_seal_and_signs_what_is_read_here() {
    let scene = Scene::new();
    let package = scene.pack(&scene.input(), "out").package.expect("released");
    let (message, key) = (package.join("release.json"), scene.sender.public().to_base64());
    let Some((good, said)) = run("minisign", &["-V", "-P", &key, "-m", text(&message)]) else { return };
    assert!(good && said.contains("release gdps-20261120 for yy-south"), "{said}");
    std::fs::write(&message, b"{}").expect("writable");
    assert!(!run("minisign", &["-V", "-P", &key, "-m", text(&message)]).expect("installed").0);

    // A key made there signs here, and a key made here signs there.
    let (public, secret, file) = (scene.at("k.pub"), scene.at("k.key"), scene.at("note.txt"));
    let (good, said) = run("minisign", &["-G", "-W", "-p", text(&public), "-s", text(&secret)]).expect("installed");
    assert!(good, "{said}");
    let key = knarr_exchange::keys::SecretKey::from_file(&secret).expect("its key is read");
    assert_eq!(key.public(), knarr_exchange::keys::PublicKey::from_file(&public).expect("its public key is read"));
    std::fs::write(&file, b"a note").expect("writable");
    std::fs::write(scene.at("note.txt.minisig"), key.sign(b"a note", "signed here")).expect("writable");
    let (good, said) = run("minisign", &["-V", "-p", text(&public), "-m", text(&file)]).expect("installed");
    assert!(good && said.contains("signed here"), "{said}");
    let ours = scene.at("ours.key");
    std::fs::write(&ours, scene.sender.to_file_text()).expect("writable");
    let (good, said) = run(
        "minisign",
        &["-S", "-W", "-s", text(&ours), "-m", text(&file), "-c", "signature of a Knarr exchange", "-t", "signed there"],
    )
    .expect("installed");
    assert!(good, "{said}");
    let signature = std::fs::read(scene.at("note.txt.minisig")).expect("written");
    assert_eq!(scene.sender.public().verify(b"a note", &signature).as_deref(), Some("signed there"));
}

/// Runs Python with a module; `None` where either is not installed.
fn python(module: &str, code: &str, arguments: &[&str]) -> Option<(bool, String)> {
    // The environment that `.ci/setup.sh test` makes, if it is there.
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-readers/bin/python");
    let usual = if Path::new(made).exists() { made } else { "python3" };
    let program = std::env::var("KNARR_TEST_PYTHON").unwrap_or_else(|_| usual.to_owned());
    if !run(&program, &["-c", &format!("import {module}")])?.0 {
        println!("skipped: Python has no module `{module}` (name another Python by KNARR_TEST_PYTHON)");
        return None;
    }
    run(&program, &[&["-c", code], arguments].concat())
}

#[test]
fn bagit_python_finds_a_valid_bag() {
    let scene = Scene::new();
    let package = scene.pack(&scene.input(), "out").package.expect("released");
    let code = "import bagit, sys; bagit.Bag(sys.argv[1]).validate()";
    let Some((good, said)) = python("bagit", code, &[text(&package)]) else { return };
    assert!(good, "{said}");
    std::fs::write(package.join("meta/ATTRIBUTION.txt"), b"changed").expect("writable");
    assert!(!python("bagit", code, &[text(&package)]).expect("installed").0, "a changed bag");
}

#[test]
fn pywcmp_finds_a_valid_record() {
    let scene = Scene::new();
    let package = scene.pack(&scene.input(), "out").package.expect("released");
    let code = "import json, sys; from pywcmp.wcmp2.ets import WMOCoreMetadataProfileTestSuite2 as S; \
                s = S(json.load(open(sys.argv[1]))); s.test_requirement_validation(); print('valid')";
    let Some((good, said)) = python("pywcmp.wcmp2.ets", code, &[text(&package.join("meta/wcmp2.json"))]) else { return };
    if said.contains("FileNotFoundError") {
        println!("skipped: pywcmp has not fetched its tables (`pywcmp bundle sync`)");
        return;
    }
    assert!(good && said.contains("valid"), "{said}");
}

/// The schemas of STAC 1.1 that come with pystac, without a network.
#[test]
fn pystac_finds_a_valid_item() {
    let scene = Scene::new();
    let package = scene.pack(&scene.input(), "out").package.expect("released");
    let code = r#"
import json, sys
from jsonschema import Draft7Validator
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource
schemas = get_local_schema_cache()
registry = Registry().with_resources([(k, Resource.from_contents(v)) for k, v in schemas.items()])
item = next(v for k, v in schemas.items() if k.endswith("/item.json"))
problems = [e.message for e in Draft7Validator(item, registry=registry).iter_errors(json.load(open(sys.argv[1])))]
print(problems)
sys.exit(1 if problems else 0)
"#;
    let item = package.join("meta/stac-item.json");
    let Some((good, said)) = python("pystac.validation.local_validator", code, &[text(&item)]) else { return };
    assert!(good, "{said}");
    let wrong = std::fs::read_to_string(&item).expect("readable").replace("\"bbox\"", "\"box\"");
    std::fs::write(&item, wrong).expect("writable");
    assert!(!python("pystac.validation.local_validator", code, &[text(&item)]).expect("installed").0, "an item without a box");
}

#[test]
fn the_payload_is_read_by_ncdump_and_cdo() {
    let scene = Scene::new();
    let package = scene.pack(&scene.input(), "out").package.expect("released");
    let release: serde_json::Value =
        serde_json::from_slice(&std::fs::read(package.join("release.json")).expect("readable")).expect("JSON");
    let file = package.join(release["payload"][0]["path"].as_str().expect("a path"));
    if let Some((good, said)) = run("ncdump", &["-h", text(&file)]) {
        assert!(good && said.contains("air_temperature_2m:standard_name = \"air_temperature\""), "{said}");
    }
    if let Some((good, said)) = run("cdo", &["-s", "output", "-fldmean", "-seltimestep,1", text(&file)]) {
        let mean: f64 = said.trim().parse().expect("a number");
        assert!(good && (mean - 273.97).abs() < 0.05, "{said}");
    }
}
