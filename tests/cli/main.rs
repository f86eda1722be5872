//! The program as its users meet it: what it says, what it leaves behind, and how it ends.

mod bad_input;
mod exchange;
mod files;
mod release;
mod run;
mod verbs;
