//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| std::env::var(key).is_ok_and(|v| v == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // At a fixed place: a program that can be anywhere writes 2 MB of its own addresses at every start.
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
