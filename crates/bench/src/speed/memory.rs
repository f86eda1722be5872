//! Memory at the peak of a call, by the system's own account.

/// Bytes that `run` holds at its peak beyond those held before; `None` where the system does not tell, or `run` fails.
pub fn peak_of<E>(run: &mut dyn FnMut() -> Result<(), E>) -> Option<u64> {
    // Asks the kernel to begin the account anew.
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS:")?;
    run().ok()?;
    Some(status("VmHWM:")?.saturating_sub(before))
}

fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Other tests of this process give memory back meanwhile, and the account is of the whole process.
    #[test]
    fn the_peak_of_a_call_is_what_it_allocates() {
        let alone = "speed::memory::tests::the_peak_of_a_call_alone_in_its_process";
        let program = std::env::current_exe().expect("tests are a program");
        let run = Command::new(program).args(["--exact", alone, "--ignored", "--nocapture"]).output().expect("it runs");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
    }

    #[test]
    #[ignore = "run by the test above"]
    fn the_peak_of_a_call_alone_in_its_process() {
        let mut run = || {
            let held = vec![1u8; 256 << 20];
            std::hint::black_box(&held);
            Ok::<(), ()>(())
        };
        match super::peak_of(&mut run) {
            Some(bytes) => assert!((250 << 20..300 << 20).contains(&bytes), "{bytes}"),
            None => println!("skipped: the system keeps no account of memory"),
        }
    }
}
