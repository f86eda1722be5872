//! The HDF5 library, set up before its first use.

use std::sync::Once;

static READY: Once = Once::new();

/// Makes the HDF5 library quiet and takes it out of the end of the program.
///
/// The library closes forgotten files when a program ends, and crashes there if a file could not be written to a full
/// disk. The crate `hdf5-metno` switches that off, if it is asked before anything else opens the library.
pub(crate) fn ready() {
    READY.call_once(|| hdf5_metno::silence_errors(true));
}
