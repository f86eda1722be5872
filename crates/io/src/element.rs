//! The numbers that files hold, as types: what reading, decoding and writing are generic over.

use crate::nc::Numbers;
use bytemuck::Pod;
use knarr_field::NumberType;
use netcdf::types::NcTypeDescriptor;

/// A number of a file.
pub(crate) trait Element: Pod + NcTypeDescriptor + PartialOrd + Default + Send + Sync {
    /// Its type.
    const NUMBER: NumberType;
    /// The unsigned integer of its size, which is all that chunks and byte orders know of it.
    type Word: Word;
    /// Widened; 64-bit integers may be rounded.
    fn widened(self) -> f64;
    /// `value` in this type: rounded to the nearest number, held within the range of integers.
    fn stored(value: f64) -> Self;
    /// A list of them.
    fn wrap(values: Vec<Self>) -> Numbers;
}

/// The numbers that fields are regridded as.
pub(crate) trait Real: Element + knarr_regrid::DeviceValue {}
impl Real for f32 {}
impl Real for f64 {}

/// Bytes of a number.
pub(crate) trait Word: Pod + Default + Send + Sync {
    /// In the other byte order.
    fn swapped(self) -> Self;
}

macro_rules! elements {
    ($($type:ident, $variant:ident, $word:ident, $widened:expr, $stored:expr;)*) => {
        $(impl Element for $type {
            const NUMBER: NumberType = NumberType::$variant;
            type Word = $word;
            #[inline(always)]
            fn widened(self) -> f64 {
                let widened: fn($type) -> f64 = $widened;
                widened(self)
            }
            #[inline(always)]
            fn stored(value: f64) -> Self {
                let stored: fn(f64) -> $type = $stored;
                stored(value)
            }
            fn wrap(values: Vec<Self>) -> Numbers {
                Numbers::$variant(values)
            }
        })*
    };
}

elements! {
    i8, I8, u8, f64::from, |v| v.round() as i8;
    u8, U8, u8, f64::from, |v| v.round() as u8;
    i16, I16, u16, f64::from, |v| v.round() as i16;
    u16, U16, u16, f64::from, |v| v.round() as u16;
    i32, I32, u32, f64::from, |v| v.round() as i32;
    u32, U32, u32, f64::from, |v| v.round() as u32;
    i64, I64, u64, |v| v as f64, |v| v.round() as i64;
    u64, U64, u64, |v| v as f64, |v| v.round() as u64;
    f32, F32, u32, f64::from, |v| v as f32;
    f64, F64, u64, |v| v, |v| v;
}

macro_rules! words {
    ($($word:ident)*) => {
        $(impl Word for $word {
            #[inline(always)]
            fn swapped(self) -> Self {
                self.swap_bytes()
            }
        })*
    };
}

words!(u8 u16 u32 u64);

/// Runs an expression with `$type` as the type of a [`NumberType`].
macro_rules! with_element {
    ($number:expr, $type:ident => $body:expr) => {
        match $number {
            knarr_field::NumberType::I8 => {
                type $type = i8;
                $body
            }
            knarr_field::NumberType::U8 => {
                type $type = u8;
                $body
            }
            knarr_field::NumberType::I16 => {
                type $type = i16;
                $body
            }
            knarr_field::NumberType::U16 => {
                type $type = u16;
                $body
            }
            knarr_field::NumberType::I32 => {
                type $type = i32;
                $body
            }
            knarr_field::NumberType::U32 => {
                type $type = u32;
                $body
            }
            knarr_field::NumberType::I64 => {
                type $type = i64;
                $body
            }
            knarr_field::NumberType::U64 => {
                type $type = u64;
                $body
            }
            knarr_field::NumberType::F32 => {
                type $type = f32;
                $body
            }
            knarr_field::NumberType::F64 => {
                type $type = f64;
                $body
            }
        }
    };
}
pub(crate) use with_element;

/// Turns words from the other byte order into the machine's.
pub(crate) fn swap_all<W: Word>(words: &mut [W]) {
    words.iter_mut().for_each(|word| *word = word.swapped());
}
