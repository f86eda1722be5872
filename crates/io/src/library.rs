//! The HDF5 library, set up before its first use.

use std::cell::Cell;

thread_local! {
    static READY: Cell<bool> = const { Cell::new(false) };
}

/// Makes the HDF5 library quiet and takes it out of the end of the program.
///
/// The library closes forgotten files when a program ends, and crashes there if a file could not be written to a full
/// disk. The crate `hdf5-metno` switches that off, if it is asked before anything else opens the library. Quiet is what
/// each thread has to ask for by itself.
pub(crate) fn ready() {
    if !READY.replace(true) {
        hdf5_metno::silence_errors(true);
    }
}
