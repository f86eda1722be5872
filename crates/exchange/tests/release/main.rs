//! The gate and its packages: what may leave leaves, nothing else does, and a receiver sees every change.

mod clean;
mod leaks;
mod leaks_in_files;
mod leaks_in_statements;
mod metadata;
mod readers;
mod scene;
mod settings;
mod tamper;
