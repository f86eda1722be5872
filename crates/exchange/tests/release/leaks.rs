//! A corpus of files that must not leave, made here and never stored.

use super::scene::{Scene, done};
use std::path::{Path, PathBuf};

/// What a test puts in, the rule that must see it, and words that must not come out anywhere.
pub struct Leak {
    pub name: &'static str,
    pub rule: &'static str,
    pub secret: &'static str,
}

/// Packs and asserts: denied by that rule, nothing written but the log, the secret in none of report, text and log.
pub fn assert_denied(leak: &Leak, scene: &Scene, input: &Path) {
    let packed = scene.pack(input, "out");
    let denied = packed.report.denied_by();
    let sealing: Vec<&str> = packed.sealing.iter().filter(|r| !r.findings.is_empty()).map(|r| r.rule).collect();
    assert!(
        denied.contains(&leak.rule) || sealing.contains(&leak.rule),
        "{}: expected {}, denied by {denied:?} and {sealing:?}\n{}",
        leak.name,
        leak.rule,
        packed.report.to_text(false)
    );
    assert!(packed.package.is_none(), "{}: released", leak.name);
    assert!(denied.is_empty() || packed.report.outputs.is_empty(), "{}: the report of a denial lists files", leak.name);
    let left = std::fs::read_dir(scene.at("out")).expect("a folder").count();
    assert_eq!(left, 0, "{}: files were written", leak.name);
    let log = std::fs::read_to_string(scene.at("sender.log")).expect("a log");
    assert!(log.contains("\"event\":\"denied\""), "{}: not in the log", leak.name);
    let report = String::from_utf8(packed.report.to_bytes()).expect("UTF-8");
    for (what, text) in [("report", report), ("text", packed.report.to_text(true)), ("log", log)] {
        assert!(!text.contains(leak.secret), "{}: `{}` is in the {what}:\n{text}", leak.name, leak.secret);
    }
}

/// Texts in the listed attribute `title`, whose pattern allows anything: name, rule, text, word that must not come out.
const TEXTS: [(&str, &str, &str, &str); 64] = [
    ("unix home", "R14", "made in /home/asmith/exp42/run", "asmith"),
    ("scratch", "R14", "input /scratch/proj17/ens/m03.nc", "proj17"),
    ("parallel file system", "R14", "from /gpfs/fs2/eccc/prod/hubs", "hubs"),
    ("relative path", "R14", "read ../../private/obs.nc", "private"),
    ("path without a slash in front", "R14", "home/asmith/data/x.nc", "asmith"),
    ("tilde", "R14", "see ~asmith/notes", "asmith"),
    ("windows path", "R14", r"C:\Users\ASmith\run.nc", "ASmith"),
    ("share", "R14", r"\\fileserver7\models\op", "fileserver7"),
    ("percent coded path", "R14", "made in %2Fhome%2Fasmith%2Frun", "asmith"),
    ("twice coded path", "R14", "made in %252Fhome%252Fasmith%252Frun", "asmith"),
    ("entities", "R14", "made in &#47;home&#47;asmith&#x2f;run", "asmith"),
    ("escapes", "R14", r"made in \x2fhome\x2fasmith\x2frun", "asmith"),
    ("file address", "R14", "file:///data/op/run.nc", "op/run"),
    ("bucket", "R14", "s3://internal-bucket/key", "internal-bucket"),
    ("e-mail", "R14", "questions to alice.smith@weather.example", "alice.smith"),
    ("e-mail in words", "R14", "alice (at) weather (dot) example", "alice"),
    ("user at host", "R14", "run as asmith@ppp5", "asmith"),
    ("user name", "R14", "user: asmith", "asmith"),
    ("by user", "R14", "written by user asmith on Monday", "asmith"),
    ("environment", "R14", "dir was $HOME", "$HOME"),
    ("host name", "R14", "hostname=hpcr3-in", "hpcr3"),
    ("node", "R14", "computed on nid004213", "nid004213"),
    ("internal host", "R14", "from archive.cmc.internal today", "archive.cmc"),
    ("unlisted host", "R14", "mirror at ftp.other.org", "ftp.other"),
    ("below a public host", "R14", "from secret7.data.north.example", "secret7"),
    ("behind a public host", "R14", "from data.north.example.evil7.org", "evil7"),
    ("ipv4", "R14", "server 10.11.12.13 sent it", "10.11.12.13"),
    ("ipv6", "R14", "from fe80:0:0:0:204:61ff:fe9d:f156", "61ff"),
    ("ipv6 short", "R14", "from fe80::204:61ff:fe9d", "61ff"),
    ("hardware address", "R14", "nic 00:1b:44:11:3a:b7", "3a:b7"),
    ("address with password", "R14", "https://bob:hunter2@data.north.example/x", "hunter2"),
    ("address with token", "R14", "https://data.north.example/x?token=abc123def", "abc123def"),
    ("signed address", "R14", "get ?X-Amz-Signature=deadbeef99", "deadbeef99"),
    ("password", "R14", "password = hunter2", "hunter2"),
    ("api key", "R14", "api_key: 12345abc", "12345abc"),
    ("bearer", "R14", "Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
    ("web token", "R14", "eyJhbGciOi.eyJzdWIiOi.SflKxwRJ", "eyJhbGci"),
    ("cloud key", "R14", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSF"),
    ("forge token", "R14", "ghp_abcdefghijklmnopqrstuv0123456789", "ghp_abc"),
    ("private key", "R14", "-----BEGIN OPENSSH PRIVATE KEY-----", "OPENSSH"),
    ("public key of a person", "R14", "ssh-ed25519 AAAAC3NzaC1lZDI1", "AAAAC3Nza"),
    ("guid", "R14", "run 123e4567-e89b-12d3-a456-426614174000", "e89b-12d3"),
    ("ticket", "R14", "fixes MSCOPS-4711", "4711"),
    ("incident", "R14", "see INC0012345", "0012345"),
    ("command", "R14", "made by ncks -d time,0 a.nc", "ncks"),
    ("process", "R14", "job_id 884213", "884213"),
    ("experiment", "R14", "expver=ab12", "ab12"),
    ("markup", "R14", "<script src=q77></script>", "q77"),
    ("template", "R14", "hello ${secret77}", "secret77"),
    ("right to left", "R14", "Air \u{202e}erutarepmet77", "erutarepmet77"),
    ("invisible letters", "R14", "Air\u{200b}temp\u{200d}77", "temp\u{200d}77"),
    ("tag letters", "R14", "Air\u{e0041}\u{e0042} temperature", "\u{e0041}"),
    ("cyrillic look-alikes", "R14", "Аir temperature х77", "х77"),
    ("full width", "R14", "／ｈｏｍｅ／ａｓｍｉｔｈ／ｘ", "ａｓｍｉｔｈ"),
    ("control characters", "R14", "Air\u{1b}[31m temperature77", "temperature77"),
    ("base64", "R15", "note L2hvbWUvYWxpY2Uvc2VjcmV0L3J1bjc= end", "L2hvbWUv"),
    ("hexadecimal", "R15", "note 3f786850e387550fdab836ed7e6dc881de23001b", "3f786850"),
    ("digits", "R15", "note 123456789012345678901234", "1234567890"),
    ("person", "R25", "courtesy of Alice Smith", "Alice"),
    ("title and name", "R25", "Dr. Smith made this", "Smith"),
    ("telephone", "R25", "call 514-555-0199 now", "0199"),
    ("orcid", "R25", "id 0000-0002-1825-0097", "1825"),
    ("initials", "R25", "forecast desk: abq", "abq"),
    ("long text", "R14", LONG, "q7q7"),
];

/// Longer than any title.
const LONG: &str = {
    const WORDS: [u8; 600] = {
        let mut words = [b' '; 600];
        let mut at = 0;
        while at + 5 < 600 {
            words[at] = b'q';
            words[at + 1] = b'7';
            words[at + 2] = b'q';
            words[at + 3] = b'7';
            at += 5;
        }
        words
    };
    match std::str::from_utf8(&WORDS) {
        Ok(text) => text,
        Err(_) => "",
    }
};

#[test]
fn texts_that_must_not_leave_are_denied_and_repeated_nowhere() {
    for (name, rule, text, secret) in TEXTS {
        let scene = Scene::new();
        let input = scene.input_with(|f| done(f.add_attribute("title", text).expect("set")));
        assert_denied(&Leak { name, rule, secret }, &scene, &input);
    }
}

/// The same few texts in every place that a NetCDF file has for one.
#[test]
fn a_secret_is_seen_wherever_it_stands() {
    type Put = fn(&mut netcdf::FileMut);
    let places: [(&str, Put); 8] = [
        ("value of a coordinate's attribute", |f| {
            done(f.variable_mut("lat").expect("there").put_attribute("long_name", "north of /home/asmith/grid").expect("set"))
        }),
        ("value of a variable's attribute", |f| {
            done(f.variable_mut("tas").expect("there").put_attribute("long_name", "t in /home/asmith/grid").expect("set"))
        }),
        ("name of an attribute", |f| done(f.add_attribute("asmith@ppp5", 1i32).expect("set"))),
        ("name of a variable's attribute", |f| {
            done(f.variable_mut("tas").expect("there").put_attribute("asmith@ppp5", 1i32).expect("set"))
        }),
        ("name of a variable", |f| done(f.add_variable::<f32>("asmith@ppp5", &["lat"]).expect("a variable"))),
        ("name of a dimension", |f| done(f.add_dimension("asmith@ppp5", 3).expect("a dimension"))),
        ("a string", |f| {
            f.add_string_variable("note", &["bnds"]).expect("a variable").put_string("in /home/asmith/x/", 0).expect("written");
        }),
        ("numbers that read as text", |f| {
            let codes: Vec<i32> = "/home/asmith/x/".bytes().map(i32::from).collect();
            done(f.variable_mut("tas").expect("there").put_attribute("flag_values", codes).expect("set"))
        }),
    ];
    for (name, put) in places {
        let scene = Scene::new();
        let input = scene.input_with(put);
        assert_denied(&Leak { name, rule: "R14", secret: "asmith" }, &scene, &input);
    }
}

#[test]
fn the_corpus_is_large_enough() {
    let files = super::leaks_in_files::count();
    let statements = super::leaks_in_statements::count();
    assert!(TEXTS.len() + 8 + files + statements >= 60, "{} {files} {statements}", TEXTS.len());
}

pub fn write(path: PathBuf, bytes: &[u8]) -> PathBuf {
    std::fs::write(&path, bytes).expect("writable");
    path
}
