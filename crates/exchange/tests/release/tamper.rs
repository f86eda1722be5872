//! What a receiver sees of a package that was changed on its way, and of one that lies.

use super::scene::{Scene, add_field, horizontal, moment};
use knarr_exchange::audit::{AuditLog, EventKind};
use knarr_exchange::canonical::{sha512, to_bytes};
use knarr_exchange::package::{Pins, Release, Verification, unpack, verify};
use std::path::{Path, PathBuf};

/// A package with a tiny payload.
fn small() -> (Scene, PathBuf) {
    let scene = Scene::new();
    let path = scene.at("input.nc");
    let mut file = netcdf::create(&path).expect("writable");
    horizontal(&mut file, 2, 4);
    file.add_dimension("time", 2).expect("a dimension");
    let mut t = file.add_variable::<f64>("time", &["time"]).expect("a variable");
    t.put_attribute("standard_name", "time").expect("set");
    t.put_attribute("units", "hours since 2026-11-20 00:00:00").expect("set");
    t.put_values(&[6.0, 12.0], ..).expect("written");
    add_field(&mut file, "tas", "air_temperature", "K", 273.15);
    file.close().expect("closed");
    let package = scene.pack(&path, "out").package.expect("released");
    (scene, package)
}

fn check(scene: &Scene, package: &Path) -> Verification {
    verify(package, &scene.pins(), None, scene.clocks[0]).expect("verified")
}

fn files(package: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![package.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn codes(found: &Verification) -> Vec<&'static str> {
    found.problems.iter().map(|p| p.code).collect()
}

#[test]
fn every_changed_byte_of_every_file_is_seen() {
    let (scene, package) = small();
    assert!(check(&scene, &package).is_good());
    let pins = scene.pins();
    let (mut bytes, mut changes) = (0, 0);
    for path in files(&package) {
        let whole = std::fs::read(&path).expect("readable");
        for at in 0..whole.len() {
            // Every bit of the signature, whose form has parts that are not signed; elsewhere one bit of each byte, another
            // each time: all the rest of a file is behind one digest.
            let bits = if path.ends_with("release.json.minisig") { 0..8 } else { at % 8..at % 8 + 1 };
            for bit in bits {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                std::fs::write(&path, &changed).expect("writable");
                let found = verify(&package, &pins, None, scene.clocks[0]).expect("verified");
                assert!(!found.is_good(), "{}: bit {bit} of byte {at}", path.display());
                changes += 1;
            }
        }
        bytes += whole.len();
        std::fs::write(&path, &whole).expect("writable");
    }
    assert!(check(&scene, &package).is_good());
    println!("{changes} changes of {bytes} bytes seen");
    assert!(bytes > 10_000 && changes >= bytes);
}

#[test]
fn files_added_removed_renamed_swapped_and_reordered_are_seen() {
    let (scene, package) = small();
    let pins = scene.pins();
    let good = || verify(&package, &pins, None, scene.clocks[0]).expect("verified").is_good();
    for path in files(&package) {
        let whole = std::fs::read(&path).expect("readable");
        std::fs::remove_file(&path).expect("removed");
        assert!(!good(), "{} removed", path.display());
        let elsewhere = path.with_file_name("renamed.nc");
        std::fs::write(&elsewhere, &whole).expect("writable");
        assert!(!good(), "{} renamed", path.display());
        std::fs::remove_file(&elsewhere).expect("removed");
        for len in [0, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..len]).expect("writable");
            assert!(!good(), "{} cut to {len}", path.display());
        }
        std::fs::write(&path, [&whole[..], b"\n"].concat()).expect("writable");
        assert!(!good(), "{} longer", path.display());
        std::fs::write(&path, &whole).expect("writable");
    }
    for extra in [
        "data/extra.nc",
        "data/air_temperature_2m/extra.nc",
        "meta/extra.json",
        "extra.txt",
        "fetch.txt",
        ".hidden",
        "data/a/b/c.nc",
    ] {
        let path = package.join(extra);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(&path, b"x").expect("writable");
        assert!(!good(), "{extra} added");
        std::fs::remove_file(&path).expect("removed");
        for folder in ["data/a/b", "data/a"] {
            let _ = std::fs::remove_dir(package.join(folder));
        }
    }
    std::fs::create_dir(package.join("data/empty")).expect("writable");
    assert!(!good(), "an empty folder added");
    std::fs::remove_dir(package.join("data/empty")).expect("removed");
    let path = package.join("tagmanifest-sha512.txt");
    let text = std::fs::read_to_string(&path).expect("readable");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    std::fs::write(&path, lines.join("\n") + "\n").expect("writable");
    assert!(!good(), "the tag manifest reordered");
    std::fs::write(&path, &text).expect("writable");
    let pairs = [("meta/stac-item.json", "meta/wcmp2.json"), ("meta/approval-1.json.minisig", "meta/approval-2.json.minisig")];
    for (a, b) in pairs {
        let swap = || {
            std::fs::rename(package.join(a), package.join("t")).expect("renamed");
            std::fs::rename(package.join(b), package.join(a)).expect("renamed");
            std::fs::rename(package.join("t"), package.join(b)).expect("renamed");
        };
        swap();
        assert!(!good(), "{a} and {b} swapped");
        swap();
    }
    assert!(good());
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_refused_and_never_followed() {
    use std::os::unix::fs::symlink;
    let (scene, package) = small();
    let outside = scene.at("outside.nc");
    let payload = files(&package).into_iter().find(|p| p.extension().is_some_and(|e| e == "nc")).expect("a payload");
    std::fs::rename(&payload, &outside).expect("moved");
    symlink(&outside, &payload).expect("linked");
    assert!(codes(&check(&scene, &package)).contains(&"symbolic_link"));
    std::fs::remove_file(&payload).expect("removed");
    std::fs::rename(&outside, &payload).expect("moved back");
    assert!(check(&scene, &package).is_good());

    let (data, elsewhere) = (package.join("data"), scene.at("elsewhere"));
    std::fs::rename(&data, &elsewhere).expect("moved");
    symlink(&elsewhere, &data).expect("linked");
    assert!(!check(&scene, &package).is_good(), "a folder that is a link");
    std::fs::remove_file(&data).expect("removed");
    std::fs::rename(&elsewhere, &data).expect("moved back");

    let pipe = package.join("meta/pipe.json");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    assert!(codes(&check(&scene, &package)).contains(&"not_a_plain_file"));
    std::fs::remove_file(&pipe).expect("removed");
    // The statement itself as a pipe: nobody writes to it, and nobody may wait for that.
    let statement = package.join("release.json");
    let bytes = std::fs::read(&statement).expect("readable");
    std::fs::remove_file(&statement).expect("removed");
    rustix::fs::mknodat(rustix::fs::CWD, &statement, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    assert!(!check(&scene, &package).is_good());
    std::fs::remove_file(&statement).expect("removed");
    std::fs::write(&statement, bytes).expect("writable");
    assert!(check(&scene, &package).is_good());
}

/// A package whose statement was changed by someone who holds the sender's key: a dishonest or broken sender.
fn resealed(scene: &Scene, package: &Path, change: impl FnOnce(&mut Release)) {
    let path = package.join("release.json");
    let mut release: Release = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("a release");
    change(&mut release);
    seal(scene, package, &release);
}

fn seal(scene: &Scene, package: &Path, release: &Release) {
    let bytes = to_bytes(release, "a release").expect("canonical");
    let signature = scene.sender.sign(&bytes, &format!("release {} for {}", release.release_id, release.receiver));
    std::fs::write(package.join("release.json"), &bytes).expect("writable");
    std::fs::write(package.join("release.json.minisig"), signature).expect("writable");
    let mut lines: Vec<(String, String)> = release.files.iter().map(|(p, f)| (p.clone(), f.sha512.clone())).collect();
    lines.push(("release.json".to_owned(), sha512(&bytes)));
    lines.sort();
    let text: String = lines.into_iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
    std::fs::write(package.join("tagmanifest-sha512.txt"), text).expect("writable");
}

#[test]
fn a_sender_cannot_lie_about_paths_times_approvals_or_receivers() {
    type Change = fn(&mut Release);
    let lies: [(&str, &str, Change); 15] = [
        ("path that climbs", "odd_paths", |r| r.payload[0].path = "data/../../../tmp/knarr-test-escape.nc".to_owned()),
        ("absolute path", "odd_paths", |r| r.payload[0].path = "/tmp/knarr-test-escape.nc".to_owned()),
        ("path with a backslash", "odd_paths", |r| r.payload[0].path = "data/a\\..\\x.nc".to_owned()),
        ("tag that climbs", "odd_paths", |r| {
            let entry = r.files["meta/prov.json"].clone();
            r.files.insert("meta/../../prov.json".to_owned(), entry);
        }),
        ("name that climbs", "odd_name", |r| r.release_id = "../x".to_owned()),
        ("another receiver", "for_another_receiver", |r| r.receiver = "zz-west".to_owned()),
        ("another sender", "key_of_another_sender", |r| r.sender = "zz-west".to_owned()),
        ("classified", "classified", |r| r.classification_gc = "Protected A".to_owned()),
        ("from the future", "from_the_future", |r| r.prepared = moment("2026-12-24T00:00:00Z")),
        ("no longer valid", "no_longer_valid", |r| r.valid_until = moment("2026-11-24T13:00:00Z")),
        ("sealed after the approvals expired", "approval_expired", |r| r.sealed = moment("2026-11-24T10:00:00Z").plus_hours(73)),
        ("sealed before the last approval", "sealed_at_another_time", |r| r.sealed = moment("2026-11-24T09:00:00Z")),
        ("approved another report", "another_report", |r| r.report_sha256 = "0".repeat(64)),
        ("enormous", "too_large", |r| r.payload[0].bytes = 1 << 50),
        ("without approvals", "no_data_owner", |r| r.files.retain(|path, _| !path.starts_with("meta/approval-1"))),
    ];
    for (name, code, change) in lies {
        let (mut scene, package) = small();
        if name == "sealed after the approvals expired" {
            scene.clocks = [moment("2026-11-28T00:00:00Z"); 2];
        }
        resealed(&scene, &package, change);
        let found = check(&scene, &package);
        assert!(codes(&found).contains(&code), "{name}: {:?}", found.problems);
        let out = scene.at("taken");
        let log = AuditLog::at(&scene.at("receiver.log"));
        let taken = unpack(&package, &out, &scene.pins(), &log, scene.clocks[0], false).expect("tried");
        assert!(!taken.is_good() && !out.exists(), "{name}");
        assert!(!scene.folder.path().join("knarr-test-escape.nc").exists() && !Path::new("/tmp/knarr-test-escape.nc").exists());
    }
}

#[test]
fn keys_must_be_pinned_and_signatures_are_not_interchangeable() {
    let (scene, package) = small();
    let stranger = knarr_exchange::keys::SecretKey::from_seed([8; 32], [2; 8]);
    let bytes = std::fs::read(package.join("release.json")).expect("readable");
    let path = package.join("release.json.minisig");
    let good = std::fs::read(&path).expect("readable");
    let comment = "release gdps-20261120 for yy-south";
    for (name, signature) in [
        ("a stranger's", stranger.sign(&bytes, comment)),
        ("an approver's", scene.owner.sign(&bytes, comment)),
        ("with another comment", scene.sender.sign(&bytes, "release gdps-20261120 for zz-west")),
        ("of something else", scene.sender.sign(b"something else", comment)),
        (
            "an approval's",
            String::from_utf8(std::fs::read(package.join("meta/approval-1.json.minisig")).expect("readable")).expect("UTF-8"),
        ),
    ] {
        std::fs::write(&path, signature).expect("writable");
        assert!(!check(&scene, &package).is_good(), "{name}");
    }
    std::fs::write(&path, good).expect("writable");
    assert!(check(&scene, &package).is_good());
    let mut pins: Pins = scene.pins();
    pins.senders[0].approvals.data_owners = vec![scene.officer.public().to_base64()];
    assert!(!verify(&package, &pins, None, scene.clocks[0]).expect("verified").is_good(), "an owner who is not pinned");
    let mut pins: Pins = scene.pins();
    pins.max_bytes = 100;
    assert!(!verify(&package, &pins, None, scene.clocks[0]).expect("verified").is_good(), "larger than taken");
}

#[test]
fn a_release_is_taken_in_once_and_never_replaced_by_another_of_its_name() {
    let (scene, package) = small();
    let log = AuditLog::at(&scene.at("receiver.log"));
    let take = |package: &Path, name: &str, again| {
        unpack(package, &scene.at(name), &scene.pins(), &log, scene.clocks[0], again).expect("tried")
    };
    assert!(take(&package, "first", false).is_good());
    assert_eq!(files(&scene.at("first")).len(), files(&package).len());
    assert!(
        verify(&scene.at("first"), &scene.pins(), None, scene.clocks[0]).expect("verified").is_good(),
        "the copy verifies too"
    );
    assert_eq!(codes(&take(&package, "second", false)), ["received_before"]);
    assert!(!scene.at("second").exists());
    assert!(take(&package, "second", true).is_good(), "taken again when asked to");
    // Another release under the same name, sealed with the right key.
    resealed(&scene, &package, |r| r.purpose = "research ".to_owned());
    assert!(codes(&take(&package, "third", true)).contains(&"another_release_of_this_name"));

    // A correction; after it the corrected one is not taken in any more.
    let next = Scene::new()
        .statement("release_id = \"gdps-20261120\"", "release_id = \"gdps-20261120-b\"\nsupersedes = \"gdps-20261120\"");
    let correction = next.pack(&next.input(), "out").package.expect("released");
    assert!(take(&correction, "corrected", false).is_good());
    let (_other, old) = small();
    assert!(codes(&take(&old, "fourth", true)).contains(&"superseded"));
    let kinds: Vec<EventKind> = log.entries().expect("whole").into_iter().map(|e| e.what.event).collect();
    use EventKind::{Refused, Unpacked};
    assert_eq!(kinds, [Unpacked, Refused, Unpacked, Refused, Unpacked, Refused]);
}

/// Payload that is small on the disk and large in memory, sealed by a sender who is trusted otherwise.
#[test]
fn compressed_payload_is_refused_and_never_decompressed() {
    let (scene, package) = small();
    let bomb = scene.at("bomb.nc");
    let mut file = netcdf::create(&bomb).expect("writable");
    file.add_dimension("x", 200_000_000).expect("a dimension");
    let mut v = file.add_variable::<f32>("tas", &["x"]).expect("a variable");
    v.set_chunking(&[10_000_000]).expect("chunked");
    v.set_compression(9, true).expect("compressed");
    v.put_values(&vec![0.0f32; 10_000_000], 0..10_000_000).expect("written");
    file.close().expect("closed");
    let bytes = std::fs::read(&bomb).expect("readable");
    assert!(bytes.len() < 1_000_000, "{} bytes", bytes.len());
    let release: Release =
        serde_json::from_slice(&std::fs::read(package.join("release.json")).expect("readable")).expect("a release");
    let mut release = release;
    std::fs::write(package.join(&release.payload[0].path), &bytes).expect("writable");
    release.payload[0].sha512 = sha512(&bytes);
    release.payload[0].bytes = bytes.len() as u64;
    seal(&scene, &package, &release);
    assert!(codes(&check(&scene, &package)).contains(&"not_plain_netcdf"));
}

/// A sparse file of 64 GiB where a text should be: only as much is read as the statement says.
#[test]
fn sizes_are_checked_before_anything_is_read() {
    let (scene, package) = small();
    for path in files(&package) {
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("writable");
        let len = file.metadata().expect("there").len();
        file.set_len(64 << 30).expect("sparse");
        let begin = std::time::Instant::now();
        assert!(!check(&scene, &package).is_good(), "{}", path.display());
        assert!(begin.elapsed().as_secs() < 20, "{} was read", path.display());
        file.set_len(len).expect("cut");
    }
    assert!(check(&scene, &package).is_good());
}
