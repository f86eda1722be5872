//! How the program is linked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const START_ORDER: &str = "crates/cli/start_order.txt";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={START_ORDER}");
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|v| v == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return Ok(());
    }
    // At a fixed place: a program that can be anywhere writes 2 MB of its own addresses at every start.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    if is("PROFILE", "release") {
        let script = start_order()?;
        if links_with(&script)? {
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
        } else {
            println!("cargo::warning=the linker does not take {START_ORDER}: small jobs will take some MB of memory more");
        }
    }
    Ok(())
}

/// A script for the linker that puts what small jobs run through side by side: a system maps a program by 64 KB and more
/// around whatever is run of it.
fn start_order() -> io::Result<PathBuf> {
    let order = fs::read_to_string(START_ORDER)?;
    let patterns = order.lines().filter(|line| !line.starts_with('#'));
    // What the compiler takes for cold, as growing a vector, has sections of another name.
    let sections: String = patterns.map(|pattern| format!("  .text.{pattern} .text.unlikely.{pattern}\n")).collect();
    let script = out_dir().join("start_order.ld");
    fs::write(&script, format!("SECTIONS {{ .text.start : {{ *(\n{sections}) }} }}\nINSERT BEFORE .text;\n"))?;
    Ok(script)
}

/// Whether the linker in use takes the script: not every one does.
fn links_with(script: &Path) -> io::Result<bool> {
    let source = out_dir().join("nothing.rs");
    fs::write(&source, "fn main() {}\n")?;
    let variable = |name| env::var(name).unwrap_or_default();
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.arg(&source).arg("-o").arg(out_dir().join("nothing")).args(["--target", &variable("TARGET")]);
    rustc.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.arg(format!("-Clink-arg=-Wl,-T,{}", script.display()));
    Ok(rustc.output()?.status.success())
}

fn out_dir() -> PathBuf {
    env::var_os("OUT_DIR").expect("cargo sets it").into()
}
