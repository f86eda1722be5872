//! Errors of the device.

/// Why a device could not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GpuError {
    /// No adapter is what was asked for.
    #[error("cannot compute on `{wanted}`: {}", found_in_words(found))]
    NoAdapter {
        /// The choice, as written.
        wanted: String,
        /// The adapters there are, as `gpu:0 NAME (kind)`.
        found: Vec<String>,
    },
    /// The adapter does not open.
    #[error("{adapter} cannot be used: {why}")]
    NoDevice {
        /// Its name.
        adapter: String,
        /// What the driver said.
        why: String,
    },
    /// Double precision was asked of an adapter without.
    #[error("{adapter} does not compute in double precision")]
    NoF64 {
        /// Its name.
        adapter: String,
    },
    /// More than one buffer or binding can hold.
    #[error("{what} takes {bytes} bytes, the device allows {limit}")]
    TooLarge {
        /// What it is for.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// More than a loop of a kernel may do.
    #[error("{what} would take {found} trips of a loop, a kernel has {limit}")]
    TooLong {
        /// What has too many.
        what: &'static str,
        /// How many.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Values that do not fit each other.
    #[error("{what} has {found} values, expected {expected}")]
    WrongLength {
        /// What was counted.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// The device has not enough memory left.
    #[error("no memory on the device for {what}, {bytes} bytes")]
    OutOfMemory {
        /// What it is for.
        what: String,
        /// Its size.
        bytes: u64,
    },
    /// The device is gone: unplugged, reset by its driver, or destroyed.
    #[error("{adapter} was lost ({why})")]
    Lost {
        /// Its name.
        adapter: String,
        /// What the driver said.
        why: String,
    },
    /// The driver refused a call; not an error of the data.
    #[error("the device refused {what}: {why}")]
    Refused {
        /// What was called.
        what: String,
        /// What the driver said.
        why: String,
    },
}

fn found_in_words(found: &[String]) -> String {
    match found {
        [] => "no Vulkan, Metal or DX12 adapter was found".to_owned(),
        _ => format!("the adapters here are {}", found.join(", ")),
    }
}
