//! Memory: sizes as people write them, and what a job takes, said before it starts.

use crate::talk::Talk;
use knarr::io::MemoryPlan;

/// From here on an estimate is worth a line.
const MANY_LINKS: u64 = 10_000_000;
const MUCH_MEMORY: u64 = 1 << 30;

/// From here on holes are worth a look for them.
const SOME_MEMORY: u64 = 1 << 23;

/// Bytes of `512M`, `4G` or `1.5 GiB`; units are powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let unit = text[digits..].trim().to_ascii_uppercase();
    let power = match unit.trim_end_matches('B').trim_end_matches('I') {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("expected a number with a unit: 512M, 4G".to_owned()),
    };
    let number: f64 = text[..digits].parse().map_err(|_| "expected a number with a unit: 512M, 4G".to_owned())?;
    Ok((number * (1u64 << power) as f64) as u64)
}

/// `bytes` as [`size`] reads them, rounded up to whole MiB.
pub fn option(bytes: u64) -> String {
    format!("{}M", bytes.div_ceil(1 << 20))
}

/// Says what a job takes, if that is much or the user wants to know.
pub fn announce(plan: &MemoryPlan, talk: Talk) {
    let text = plan.to_string();
    if plan.links > MANY_LINKS || plan.bytes > MUCH_MEMORY || plan.tiles > 1 {
        talk.note(&text);
    } else {
        talk.more(&text);
    }
}

/// Gives memory back that the allocator keeps of what was freed, before a job that takes more than a little: files that were read
/// leave holes that the tables of weights do not fit into.
pub fn make_room(plan: &MemoryPlan) {
    if plan.bytes < SOME_MEMORY {
        return;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "the allocator has no other interface")]
    // SAFETY: it touches only what was freed.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// From here on every array is memory of its own, which the system has back as soon as it is freed. Once grids have been read
/// from files the allocator would keep arrays as large as theirs.
pub fn return_arrays() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "the allocator has no other interface")]
    // SAFETY: it sets a number.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("1.5G"), Ok(3 << 29));
        assert_eq!(size("2 GiB"), Ok(2 << 30));
        assert_eq!(size("64kb"), Ok(64 << 10));
        assert_eq!(size("1T"), Ok(1 << 40));
        for bad in ["512", "", "G", "1.2.3G", "-1G", "5 pounds"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(size(&option((5 << 20) + 1)), Ok(6 << 20));
    }
}
