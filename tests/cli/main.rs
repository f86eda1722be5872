//! The program as its users meet it: what it says, what it leaves behind, and how it ends.

mod bad_input;
mod bench;
mod couple;
mod exchange;
mod files;
mod gpu;
#[cfg(unix)]
mod interrupt;
mod levels;
mod memory;
mod regions;
mod release;
mod resample;
mod run;
mod stack;
mod verbs;
