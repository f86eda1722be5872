//! Ctrl-C and other requests to end: nothing half written stays behind.

use knarr::io::remove_unfinished;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::Write;

/// Starts a thread that ends the program on the first request, with 128 and the number of the signal as shells do: 130
/// after Ctrl-C, 143 after `kill`. A request that whoever started the program chose to ignore (`nohup`) stays ignored.
pub fn watch() {
    let heard = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|&signal| !is_ignored(signal));
    // Without the thread a signal ends the program as it ends any other.
    let Ok(mut signals) = Signals::new(heard) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            remove_unfinished();
            let _ = writeln!(std::io::stderr(), "interrupted: nothing unfinished was left behind");
            // Threads in the middle of their work must not meet what the end of `main` takes down.
            signal_hook::low_level::exit(128 + signal);
        }
    });
}

/// Whether the signal is ignored, as far as the system tells.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|m| u64::from_str_radix(m.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
