//! The program told to end while it works.

use crate::files;
use crate::run::Folder;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a job that begins its output at once and takes seconds to write it, and waits until it has begun.
fn at_work(folder: &Folder, wrapper: &[&str]) -> Child {
    files::series(&folder.path("field.nc"), 20_000);
    let knarr = env!("CARGO_BIN_EXE_knarr");
    let job = "regrid field.nc -o out.nc --to H64n --method nearest";
    let words: Vec<&str> = wrapper.iter().copied().chain([knarr]).chain(job.split_whitespace()).collect();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder.path("."))
        // The library locks files it writes; programs started meanwhile by other tests inherit the lock.
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let start = Instant::now();
    while !folder.names().iter().any(|name| name.starts_with(".knarr-")) {
        if child.try_wait().expect("its state").is_some() {
            let ended = child.wait_with_output().expect("it ended");
            panic!("it ended before it began: {}\n{}", ended.status, String::from_utf8_lossy(&ended.stderr));
        }
        assert!(start.elapsed() < Duration::from_secs(300), "no output was begun");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill can be started");
    assert!(sent.success(), "the job was over before it was interrupted");
}

/// Whether the tests ignore a signal, as shells have background jobs do with Ctrl-C; programs started by them then do too.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|m| u64::from_str_radix(m.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[test]
fn an_interrupted_job_leaves_nothing_behind() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let folder = Folder::new();
        let heard: &[&str] = if is_ignored(code - 128) { &["env", "--default-signal"] } else { &[] };
        let child = at_work(&folder, heard);
        send(signal, &child);
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(code), "{signal}: {:?}", ended.status);
        assert_eq!(folder.names(), ["field.nc".to_owned()].into(), "{signal}");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.ends_with("interrupted: nothing unfinished was left behind\n"), "{signal}: {said}");
    }
}

#[test]
fn a_signal_that_was_to_be_ignored_is_ignored() {
    let folder = Folder::new();
    let mut child = at_work(&folder, &["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]);
    send("-HUP", &child);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().expect("its state"), None, "it ended");
    send("-TERM", &child);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
}
