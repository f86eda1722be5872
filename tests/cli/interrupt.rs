//! The program told to end while it works.

use crate::files;
use crate::run::Folder;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a job of seconds and waits until it has an unfinished output.
fn at_work(folder: &Folder, wrapper: &[&str]) -> Child {
    let knarr = env!("CARGO_BIN_EXE_knarr");
    let job = "regrid field.nc -o out.nc --to H512n --method distance --neighbours 8";
    let words: Vec<&str> = wrapper.iter().copied().chain([knarr]).chain(job.split_whitespace()).collect();
    let child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder.path("."))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let start = Instant::now();
    while !folder.names().iter().any(|name| name.starts_with(".knarr-")) {
        assert!(start.elapsed() < Duration::from_secs(120), "no output was begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill can be started");
    assert!(sent.success(), "the job was over before it was interrupted");
}

#[test]
fn an_interrupted_job_leaves_nothing_behind() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let folder = Folder::new();
        files::lat_lon(&folder.path("field.nc"), |k| k as f32, None);
        let before = folder.names();
        let child = at_work(&folder, &[]);
        send(signal, &child);
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(code), "{signal}: {:?}", ended.status);
        assert_eq!(folder.names(), before, "{signal}");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.ends_with("interrupted: nothing unfinished was left behind\n"), "{signal}: {said}");
    }
}

#[test]
fn a_signal_that_was_to_be_ignored_is_ignored() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| k as f32, None);
    let mut child = at_work(&folder, &["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]);
    send("-HUP", &child);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().expect("its state"), None, "it ended");
    send("-TERM", &child);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
}
