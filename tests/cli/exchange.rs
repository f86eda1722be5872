//! `knarr exchange`: what it answers and what it leaves behind.

use crate::run::{Folder, check_snapshot};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON: {e}\n{text}"))
}

#[test]
fn the_catalogue_answers_what_is_gz() {
    let folder = Folder::new();
    check_snapshot("catalogue", "exchange catalogue GZ", &folder.knarr("exchange catalogue GZ"));
    check_snapshot(
        "catalogue_of_destine",
        "exchange catalogue TT --provider destine",
        &folder.knarr("exchange catalogue TT --provider destine"),
    );
    check_snapshot("catalogue_typo", "exchange catalogue precipitaton", &folder.knarr("exchange catalogue precipitaton"));
}

#[test]
fn the_catalogue_lists_in_a_hundred_columns_and_for_programs() {
    let folder = Folder::new();
    for arguments in ["", "--open", "--provider eccc", "--provider destine", "sea ice"] {
        let list = folder.knarr(&format!("exchange catalogue {arguments}"));
        assert_eq!(list.code, Some(0), "{arguments}: {}", list.stderr);
        assert!(list.stdout.lines().all(|l| l.chars().count() <= 100), "{}", list.stdout);
    }
    let open = json(&folder.knarr("exchange catalogue --open --json").stdout);
    assert_eq!(open.as_array().map(Vec::len), Some(41));
    let csv = folder.knarr("exchange catalogue --csv").stdout;
    assert_eq!(csv.lines().count(), 61);
    assert!(csv.lines().any(|l| l.starts_with("geopotential_height_pl,atmosphere,geopotential_height,m,")));
}

#[test]
fn a_canadian_forecast_becomes_a_field_of_the_climate_twin() {
    let folder = Folder::new().with_dataset("cmc_gdps_t1015_ps30km.nc");
    let arguments = "exchange translate cmc_gdps_t1015_ps30km.nc -o out.nc --from cf --to destine --to-grid H32n";
    check_snapshot("translate", arguments, &folder.knarr(arguments));
    let report = json(&folder.knarr("inspect out.nc --json").stdout);
    assert_eq!(report[0]["variables"][0]["name"], "t");
    assert_eq!(report[0]["grids"][0]["kind"], "HEALPix nside 32 nested");
    assert_eq!(folder.names().len(), 2, "no step in between is left: {:?}", folder.names());
    // By another convention nothing in it is known, and that is told.
    let unknown = "exchange translate cmc_gdps_t1015_ps30km.nc -o other.nc --from eccc --to destine";
    check_snapshot("translate_unknown", unknown, &folder.knarr(unknown));
    let mapped = folder.knarr(&format!("{unknown} --map ta=air_temperature_pl -q"));
    assert_eq!(mapped.code, Some(0), "{}", mapped.stderr);
}

#[test]
fn releases_are_pushed_and_pulled() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("release/data")).expect("a folder");
    std::fs::create_dir(folder.path("place")).expect("a folder");
    std::fs::create_dir(folder.path("inbox")).expect("a folder");
    std::fs::write(folder.path("release/data/a"), vec![7u8; 100_000]).expect("written");
    let pushed = folder.knarr("exchange push release place");
    assert_eq!((pushed.code, pushed.stdout.as_str()), (Some(0), "1 files, 100000 bytes, 1 blocks\n"), "{}", pushed.stderr);
    check_snapshot("pull_nothing", "exchange pull place other -o inbox", &folder.knarr("exchange pull place other -o inbox"));
    let pulled = folder.knarr("exchange pull place release -o inbox");
    assert_eq!(pulled.code, Some(0), "{}", pulled.stderr);
    assert_eq!(std::fs::read(folder.path("inbox/release/data/a")).expect("pulled"), vec![7u8; 100_000]);
}

#[test]
fn announcements_in_a_folder_are_followed() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("messages")).expect("a folder");
    std::fs::create_dir_all(folder.path("data/model")).expect("a folder");
    std::fs::create_dir(folder.path("inbox")).expect("a folder");
    std::fs::write(folder.path("data/model/x.grib2"), b"abc").expect("written");
    let base = format!("file://{}/", folder.path("data").display());
    let hash = "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
    let message = format!(
        r#"{{"pubTime":"20260501T001000.00","baseUrl":"{base}","relPath":"model/x.grib2","size":3,"identity":{{"method":"sha512","value":"{hash}"}}}}"#
    );
    std::fs::write(folder.path("messages/1.json"), message).expect("written");
    let rules = "[[accept]]\nname = \"x\"\nhosts = [\"file\"]\npath = \"*/model/*.grib2\"\nmax_bytes = 10\n";
    std::fs::write(folder.path("rules.toml"), rules).expect("written");
    let watched = folder.knarr("exchange watch messages --subscription rules.toml -o inbox");
    assert_eq!((watched.code, watched.stdout.as_str()), (Some(0), "fetched inbox/x.grib2\n"), "{}", watched.stderr);
    assert_eq!(std::fs::read(folder.path("inbox/x.grib2")).expect("fetched"), b"abc");
}

#[test]
fn the_demo_releases_both_ways_and_refuses_what_was_tampered_with() {
    let folder = Folder::new();
    let ran = folder.knarr("exchange demo demo -q");
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.matches("  verified ").count(), 2, "{}", ran.stdout);
    assert!(ran.stdout.matches("  tampered ").count() >= 2 && !ran.stdout.contains("NOT NOTICED"), "{}", ran.stdout);
    assert!(folder.path("demo/gdps-to-destine/receiver/unpacked").is_dir());
}

/// Kills transfers in the middle with the signal that cannot be caught.
#[cfg(unix)]
#[test]
fn a_killed_transfer_leaves_no_half_release_and_goes_on() {
    use std::process::{Command, Stdio};
    use std::time::Duration;
    let folder = Folder::new();
    for name in ["release/data", "inbox"] {
        std::fs::create_dir_all(folder.path(name)).expect("a folder");
    }
    // 24 MiB that differ from block to block.
    let bytes: Vec<u8> = (0..24u32 << 18).flat_map(|k| k.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(folder.path("release/data/a"), &bytes).expect("written");
    std::fs::write(folder.path("release/data/b"), &bytes[..1000]).expect("written");
    let killed_after = |arguments: &str, delay: Duration| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_knarr"))
            .args(arguments.split_whitespace())
            .current_dir(folder.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program can be started");
        std::thread::sleep(delay);
        let _ = child.kill();
        child.wait().expect("it ends").success()
    };
    let is_whole = |at: &str| {
        let read = |name: &str| std::fs::read(folder.path(&format!("{at}/{name}"))).ok();
        read("data/a").as_deref() == Some(&bytes[..]) && read("data/b").as_deref() == Some(&bytes[..1000])
    };
    let (mut pushes_cut, mut pulls_cut) = (0, 0);
    for round in 0..24u64 {
        let place = format!("place{round}");
        std::fs::create_dir(folder.path(&place)).expect("a folder");
        let push = format!("exchange push release {place}");
        if !killed_after(&push, Duration::from_millis(2 + 3 * round)) {
            pushes_cut += 1;
            // What is seen at the place is whole, or nothing is seen.
            let pulled = folder.knarr(&format!("exchange pull {place} release -o inbox -q"));
            assert!(pulled.code != Some(0) || is_whole("inbox/release"), "round {round}: half a release was fetched");
            let _ = std::fs::remove_dir_all(folder.path("inbox"));
            std::fs::create_dir(folder.path("inbox")).expect("a folder");
        }
        // Pushed again it is finished, or all of it was there already.
        let again = folder.knarr(&push);
        let is_there = again.stderr.contains("it exists, with the same content");
        assert!(again.code == Some(0) || is_there, "round {round}: {}", again.stderr);
        let pull = format!("exchange pull {place} release -o inbox");
        if !killed_after(&pull, Duration::from_millis(2 + 3 * round)) {
            pulls_cut += 1;
            assert!(
                !folder.path("inbox/release").exists() || is_whole("inbox/release"),
                "round {round}: half a release appeared"
            );
        }
        if !folder.path("inbox/release").exists() {
            let again = folder.knarr(&pull);
            assert_eq!(again.code, Some(0), "round {round}: {}", again.stderr);
        }
        assert!(is_whole("inbox/release"), "round {round}");
        for name in [place.as_str(), "inbox"] {
            std::fs::remove_dir_all(folder.path(name)).expect("removed");
        }
        std::fs::create_dir(folder.path("inbox")).expect("a folder");
    }
    assert!(pushes_cut > 2 && pulls_cut > 2, "{pushes_cut} pushes and {pulls_cut} pulls were cut: too fast a machine");
}
