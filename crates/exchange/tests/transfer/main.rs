//! Releases moved to real stores and back, stopped wherever they can be stopped.

mod http;
mod moving;
mod s3;
mod watching;
