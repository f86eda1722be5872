//! A Canadian forecast goes to Europe: translated, judged, approved, sealed, verified, unpacked; then one byte changes.

use super::run::Folder;
use knarr::exchange::canonical::sha256;
use knarr::exchange::instant::Instant;
use std::path::PathBuf;

const POLICY: &str = include_str!("../../crates/exchange/examples/policy.toml");

const STATEMENT: &str = include_str!("../../crates/exchange/examples/statement.toml");

const PINS: &str = include_str!("../../crates/exchange/examples/pins.toml");

const GATE: &str = "input.nc --policy policy.toml --policy-key signer.pub --statement statement.toml --licence licence.txt";

fn ready() -> Folder {
    let folder = Folder::new().with_dataset("cmc_gdps_t1015_ps30km.nc");
    let run = |arguments: &str| {
        let ran = folder.knarr(arguments);
        assert_eq!(ran.code, Some(0), "knarr {arguments}\n{}{}", ran.stdout, ran.stderr);
    };
    run(
        "exchange translate cmc_gdps_t1015_ps30km.nc -o input.nc --from eccc --to cf --map ta=air_temperature_pl --to-grid destine-h128n",
    );
    ["signer", "sender", "owner", "officer"].iter().for_each(|name| run(&format!("exchange keygen {name}")));
    let line = |name: &str| std::fs::read_to_string(folder.path(name)).expect("a key").lines().nth(1).expect("a line").to_owned();
    let licence = "You may use these data if you name their source.\n";
    let fill = |text: &str| {
        text.replace("@LICENCE@", &sha256(licence.as_bytes()))
            .replace("@NOW@", &Instant::now().to_string())
            .replace("@SENDER@", &line("sender.pub"))
            .replace("@OWNER@", &line("owner.pub"))
            .replace("@OFFICER@", &line("officer.pub"))
    };
    for (name, text) in [("policy.toml", POLICY), ("statement.toml", STATEMENT), ("pins.toml", PINS), ("licence.txt", licence)] {
        std::fs::write(folder.path(name), fill(text)).expect("writable");
    }
    run("exchange sign policy.toml --key signer.key");
    std::fs::create_dir(folder.path("releases")).expect("writable");
    folder
}

fn approve(folder: &Folder) {
    for role in ["data-owner", "release-officer"] {
        let key = role.rsplit('-').next().expect("a word");
        let ran = folder.knarr(&format!("exchange approve report.json --role {role} --key {key}.key -o {key}.json"));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
}

const PACK: &str = "--approval owner.json --approval officer.json --key sender.key --log sender.log -o releases";

#[test]
fn a_forecast_is_released_verified_and_unpacked_and_a_changed_byte_is_refused() {
    let folder = ready();
    let ran = folder.knarr(&format!("exchange gate {GATE} --report report.json --explain"));
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    for rule in 1..=28 {
        let title =
            ran.stdout.lines().position(|l| l.starts_with(&format!("pass  R{rule:02} "))).expect("each rule is explained");
        let next = ran.stdout.lines().nth(title + 1).expect("a line");
        assert!(next.trim_start().starts_with("looked at "), "R{rule:02}: {next}");
    }
    approve(&folder);
    let ran = folder.knarr(&format!("exchange pack {GATE} {PACK}"));
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let ran = folder.knarr("exchange verify releases/gdps-20130520 --pins pins.toml");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let ran = folder.knarr("exchange unpack releases/gdps-20130520 -o taken --pins pins.toml --log received.log");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let payload = payload(&folder.path("taken"));
    let ran = folder.knarr(&format!("inspect {}", payload.display()));
    assert!(ran.stdout.contains("HEALPix nside 128 nested"), "{}", ran.stdout);

    let ran = folder.knarr("exchange unpack releases/gdps-20130520 -o again --pins pins.toml --log received.log");
    assert!(ran.code == Some(1) && ran.stdout.contains("received_before") && !folder.path("again").exists(), "{}", ran.stdout);
    let sent = self::payload(&folder.path("releases/gdps-20130520"));
    let mut bytes = std::fs::read(&sent).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&sent, bytes).expect("writable");
    let ran = folder.knarr("exchange verify releases/gdps-20130520 --pins pins.toml");
    assert!(
        ran.code == Some(1) && ran.stdout.contains("WRONG   changed in data/air_temperature_pl/destine-h128n_"),
        "{}",
        ran.stdout
    );
    for log in ["sender.log", "received.log"] {
        let ran = folder.knarr(&format!("exchange audit verify {log}"));
        assert!(ran.code == Some(0) && ran.stdout.starts_with("whole: "), "{}", ran.stdout);
    }
    let log = std::fs::read_to_string(folder.path("sender.log")).expect("readable").replace("\"files\":1", "\"files\":2");
    std::fs::write(folder.path("sender.log"), log).expect("writable");
    assert_eq!(folder.knarr("exchange audit verify sender.log").code, Some(1));
}

#[test]
fn a_denied_release_writes_its_report_and_a_line_in_the_log() {
    let folder = ready();
    let statement =
        std::fs::read_to_string(folder.path("statement.toml")).expect("readable").replace("\"public\"", "\"SECRET UE\"");
    std::fs::write(folder.path("statement.toml"), statement).expect("writable");
    let before = folder.names();
    let ran = folder.knarr(&format!("exchange pack {GATE} --key sender.key --log sender.log -o releases --report denied.json"));
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("DENY  R02 classification") && !ran.stdout.contains("SECRET UE"), "{}", ran.stdout);
    let new: Vec<String> = folder.names().difference(&before).cloned().collect();
    assert_eq!(new, ["denied.json", "sender.log"]);
    assert_eq!(std::fs::read_dir(folder.path("releases")).expect("a folder").count(), 0);
    let ran = folder.knarr("exchange approve denied.json --role data-owner --key owner.key -o owner.json");
    assert!(ran.code == Some(2) && ran.stderr.contains("the gate denied this release"), "{}", ran.stderr);
}

#[test]
fn a_mistyped_key_of_a_policy_is_named() {
    let folder = ready();
    let policy = std::fs::read_to_string(folder.path("policy.toml")).expect("readable").replace("min_spacing_km", "min_spacing");
    std::fs::write(folder.path("policy.toml"), policy).expect("writable");
    let ran = folder.knarr(&format!("exchange gate {GATE}"));
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("unknown field `min_spacing`") && ran.stderr.contains("hint: did you mean `min_spacing_km`?"),
        "{}",
        ran.stderr
    );
}

fn payload(package: &std::path::Path) -> PathBuf {
    let folder = package.join("data/air_temperature_pl");
    std::fs::read_dir(folder).expect("a folder").next().expect("a file").expect("an entry").path()
}
