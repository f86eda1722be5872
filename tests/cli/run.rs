//! Runs the program in a folder of its own, compares what it says with a file, and tries the hints it gives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of a test, removed at its end.
pub struct Folder(tempfile::TempDir);

/// What a run came to.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn datasets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets")
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Copies a shipped file into the folder.
    pub fn with_dataset(self, name: &str) -> Self {
        std::fs::copy(datasets().join(name), self.path(name)).expect("the shipped file can be copied");
        self
    }

    /// Names of all files in the folder, hidden ones too.
    pub fn names(&self) -> BTreeSet<String> {
        std::fs::read_dir(self.0.path())
            .expect("the folder is there")
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// Runs `knarr` with arguments separated by blanks, in the folder.
    pub fn knarr(&self, arguments: &str) -> Ran {
        self.finish(Command::new(env!("CARGO_BIN_EXE_knarr")).args(arguments.split_whitespace()))
    }

    /// Runs a command in the folder.
    pub fn finish(&self, command: &mut Command) -> Ran {
        let Output { status, stdout, stderr } = command
            .current_dir(self.0.path())
            .env("RUST_BACKTRACE", "0")
            .env("COLUMNS", "100")
            // The library locks files it writes; programs started meanwhile by other tests inherit the lock.
            .env("HDF5_USE_FILE_LOCKING", "FALSE")
            .stdin(Stdio::null())
            .output()
            .expect("the program can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        let ran = Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        assert!(!ran.stderr.contains("panicked"), "a panic:\n{}", ran.stderr);
        ran
    }

    /// Runs what must fail: exit code 2, nothing on stdout, nothing left behind, the words of the snapshot on stderr,
    /// and hints that work.
    pub fn fails(&self, arguments: &str, snapshot: &str) {
        let before = self.names();
        let ran = self.knarr(arguments);
        assert_eq!(ran.code, Some(2), "knarr {arguments}\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stdout, "", "knarr {arguments}");
        assert_eq!(self.names(), before, "knarr {arguments} left something behind");
        check_snapshot(snapshot, arguments, &ran);
        self.try_hints(arguments, &ran.stderr, &before);
    }

    /// Runs each command that a hint names; words in capitals stand for what only the user knows.
    fn try_hints(&self, arguments: &str, stderr: &str, before: &BTreeSet<String>) {
        let Some((_, hint)) = stderr.split_once("\nhint: ") else { return };
        for command in hint.split('`').skip(1).step_by(2) {
            let placeholder =
                command.split([' ', '.']).any(|word| word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase()));
            if let Some(folder) = command.strip_prefix("mkdir -p ") {
                std::fs::create_dir_all(self.path(folder)).expect("the folder of the hint can be made");
                let ran = self.knarr(arguments);
                assert_eq!(ran.code, Some(0), "the hint `{command}` of `knarr {arguments}` does not work:\n{}", ran.stderr);
                std::fs::remove_dir_all(self.path(folder)).expect("it can be removed");
                continue;
            }
            let full = match command.strip_prefix("knarr ") {
                Some(rest) => rest.to_owned(),
                None if hint.contains(&format!("leave `{command}` out")) => without_option(arguments, command),
                None if command.starts_with("--") => with_option(arguments, command),
                None => continue,
            };
            if placeholder {
                continue;
            }
            let ran = self.knarr(&full);
            assert_eq!(ran.code, Some(0), "the hint `{command}` of `knarr {arguments}` does not work:\n{}", ran.stderr);
            for name in self.names().difference(before) {
                std::fs::remove_file(self.path(name)).expect("what a hint made can be removed");
            }
        }
    }
}

/// The arguments with an option in place of what they said about it.
fn with_option(arguments: &str, option: &str) -> String {
    let name = option.split_whitespace().next().expect("an option has a name");
    format!("{} {option}", without_option(arguments, name))
}

/// The arguments without an option and its value.
fn without_option(arguments: &str, name: &str) -> String {
    let mut words: Vec<&str> = arguments.split_whitespace().collect();
    if let Some(at) = words.iter().position(|w| *w == name) {
        words.drain(at..(at + 2).min(words.len()));
    }
    words.join(" ")
}

/// Compares a run with `tests/snapshots/NAME.txt`; with `UPDATE_SNAPSHOTS=1` writes that file instead.
pub fn check_snapshot(name: &str, arguments: &str, ran: &Ran) {
    let code = ran.code.map_or_else(|| "none".to_owned(), |c| c.to_string());
    let data = datasets().display().to_string();
    let found = format!("$ knarr {arguments}\nexit code {code}\n--- stdout\n{}--- stderr\n{}", ran.stdout, ran.stderr)
        .replace(&data, "datasets");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &found).expect("the snapshot can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; make it with UPDATE_SNAPSHOTS=1 cargo test --test cli", path.display()));
    assert_eq!(found, expected, "differs from {}; UPDATE_SNAPSHOTS=1 accepts it", path.display());
}

#[test]
#[should_panic(expected = "differs from")]
fn a_snapshot_that_differs_is_noticed() {
    let ran = Ran { code: Some(2), stdout: String::new(), stderr: "error: something else\n".to_owned() };
    assert!(std::env::var_os("UPDATE_SNAPSHOTS").is_none(), "differs from nothing while snapshots are written");
    check_snapshot("missing_file", "inspect nowhere.nc", &ran);
}

#[test]
fn an_option_of_a_hint_takes_the_place_of_the_old_one() {
    assert_eq!(
        with_option("regrid a.nc --method conservative -o b.nc", "--method bilinear"),
        "regrid a.nc -o b.nc --method bilinear"
    );
}
