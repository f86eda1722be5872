//! Where kernels run, as users name it.

/// A choice of device.
///
/// ```
/// use knarr_kernels::device::DeviceChoice;
/// assert_eq!("gpu:1".parse(), Ok(DeviceChoice::Gpu(Some(1))));
/// assert!("gpu:x".parse::<DeviceChoice>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first graphics processor, if there is one; never a driver that computes on the processor.
    Auto,
    /// The processor.
    Cpu,
    /// The first graphics processor, or the adapter of that number, whatever it is.
    Gpu(Option<usize>),
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu(None)),
            _ => match text.strip_prefix("gpu:").and_then(|number| number.parse().ok()) {
                Some(number) => Ok(Self::Gpu(Some(number))),
                None => Err("expected auto, cpu, gpu or gpu:N".to_owned()),
            },
        }
    }
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(None) => f.write_str("gpu"),
            Self::Gpu(Some(number)) => write!(f, "gpu:{number}"),
        }
    }
}
