//! Chunks of NetCDF-4 files: the HDF5 library moves the stored bytes, coding them is the work of all cores.
//!
//! The library works under one lock, and zlib takes most of its time there. Here the lock is held for the bytes of one
//! chunk at a time; filters run outside of it.
//!
//! | filter | read | written |
//! |---|---|---|
//! | shuffle | yes, as the first one | for numbers of 2 bytes and more |
//! | deflate | yes, any level | level 1, noise stored as it is |
//! | Fletcher-32 | yes, checked | no |
//! | others (n-bit, scale-offset, plugins) | left to the library | no |
//! | szip | no: the library is built without | no |

mod codec;
mod encode;
mod fletcher;
mod layout;
mod place;
mod pool;
mod raw;
mod read;
mod shuffle;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use layout::Container;
pub(crate) use place::for_each_run;
pub(crate) use write::{ChunkWriter, Encoder, write_in_turn};
