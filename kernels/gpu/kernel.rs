//! A kernel's text, the numbers it computes with, and its parameters.

use super::{Gpu, GpuError};
use crate::sparse_apply::Value;

/// Bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Width {
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Distance from 1 to the next number.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::F32 => f32::EPSILON.into(),
            Self::F64 => f64::EPSILON,
        }
    }
}

/// What fields are stored as, and what is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// Values of fields in memory.
    pub stored: Width,
    /// All else.
    pub real: Width,
}

impl Numbers {
    /// All in one precision.
    pub fn all(width: Width) -> Self {
        Self { stored: width, real: width }
    }

    /// Fields of `V`, computed in double precision as on the processor where the device has it.
    ///
    /// # Errors
    /// [`GpuError::NoF64`] for fields of double precision on a device without: they are not rounded in silence.
    pub fn of<V: Stored>(gpu: &Gpu) -> Result<Self, GpuError> {
        match (V::WIDTH, gpu.facts().f64) {
            (stored, true) => Ok(Self { stored, real: Width::F64 }),
            (Width::F32, false) => Ok(Self::all(Width::F32)),
            (Width::F64, false) => Err(GpuError::NoF64 { adapter: gpu.facts().name.clone() }),
        }
    }

    /// Whether the device needs double precision.
    pub fn needs_f64(self) -> bool {
        self.stored == Width::F64 || self.real == Width::F64
    }
}

/// Numbers that fields are stored as on a device.
pub trait Stored: Value + bytemuck::Pod {
    /// Their width.
    const WIDTH: Width;
}

impl Stored for f32 {
    const WIDTH: Width = Width::F32;
}

impl Stored for f64 {
    const WIDTH: Width = Width::F64;
}

/// What a kernel does with a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Writes it, and may read it.
    Write,
}

/// An entry point of a WGSL text.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Name of the file without its ending.
    pub name: &'static str,
    /// The texts it is made of: its own and shared ones.
    pub texts: &'static [&'static str],
    /// The entry point.
    pub entry: &'static str,
    /// Its bindings in order.
    pub bindings: &'static [(&'static str, Access)],
    /// The numbers it has a form for.
    pub numbers: &'static [Numbers],
    /// Whether it has loops: calls then say how often these run.
    pub loops: bool,
}

/// Forms for fields of both precisions, and for single-precision fields computed in double.
pub const FIELD_NUMBERS: &[Numbers] = &[
    Numbers { stored: Width::F32, real: Width::F32 },
    Numbers { stored: Width::F32, real: Width::F64 },
    Numbers { stored: Width::F64, real: Width::F64 },
];

/// Forms for kernels that know no fields.
pub const REAL_NUMBERS: &[Numbers] =
    &[Numbers { stored: Width::F32, real: Width::F32 }, Numbers { stored: Width::F64, real: Width::F64 }];

impl Kernel {
    /// The whole text for these numbers.
    pub fn source(&self, numbers: Numbers) -> String {
        let aliases = format!("alias real = {};\nalias stored = {};\n", numbers.real.name(), numbers.stored.name());
        self.texts.iter().fold(aliases, |all, text| all + text)
    }
}

/// The bytes of a kernel's parameters after `width` and `n`, as the kernel's struct lays them out.
#[derive(Clone, Debug)]
pub struct Parameters {
    bytes: Vec<u8>,
    numbers: Numbers,
    alignment: usize,
    trips: u64,
}

impl Parameters {
    /// None yet.
    pub fn new(numbers: Numbers) -> Self {
        // `width` and `n` are filled in by the dispatch.
        Self { bytes: vec![0; 8], numbers, alignment: 4, trips: 0 }
    }

    /// The kernel's loops run `trips` times in an invocation at most, all of them together.
    #[must_use]
    pub fn trips(mut self, trips: u64) -> Self {
        self.trips = trips;
        self
    }

    /// A whole number.
    #[must_use]
    pub fn count(mut self, value: u32) -> Self {
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// A `real`.
    #[must_use]
    pub fn real(mut self, value: f64) -> Self {
        let width = self.numbers.real.bytes();
        self.alignment = self.alignment.max(width);
        self.bytes.resize(self.bytes.len().next_multiple_of(width), 0);
        match self.numbers.real {
            Width::F32 => self.bytes.extend((value as f32).to_le_bytes()),
            Width::F64 => self.bytes.extend(value.to_le_bytes()),
        }
        self
    }

    /// The numbers they are for.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    pub(super) fn most_trips(&self) -> u64 {
        self.trips
    }

    pub(super) fn finish(mut self, width: u32, n: u32) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(self.alignment), 0);
        self.bytes[..4].copy_from_slice(&width.to_le_bytes());
        self.bytes[4..8].copy_from_slice(&n.to_le_bytes());
        self.bytes
    }
}
