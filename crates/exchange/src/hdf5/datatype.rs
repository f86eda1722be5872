//! Types of values, as far as one must know them to find what values point at.

use super::{Reader, Step};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Number,
    Text,
    TextOfAnyLength,
    Sequence(Box<Type>),
    Reference,
    Compound,
    /// Time, bit field, opaque, enumeration, array.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub class: Class,
    pub size: usize,
}

impl Type {
    pub fn read(r: &mut Reader<'_>) -> Step<Self> {
        Self::read_within(r, 4)
    }

    /// Sequences of sequences go down to `depth`.
    fn read_within(r: &mut Reader<'_>, depth: usize) -> Step<Self> {
        let class = r.u8()? & 0x0f;
        let bits = r.number(3)?;
        let size = r.u32()?;
        let class = match class {
            0 => {
                r.take(4)?;
                Class::Number
            }
            1 => {
                r.take(12)?;
                Class::Number
            }
            3 => Class::Text,
            6 => Class::Compound,
            7 => Class::Reference,
            9 if bits & 0xf == 1 => Class::TextOfAnyLength,
            9 if depth == 0 => return Err("a type that leads too far down"),
            9 => Class::Sequence(Box::new(Self::read_within(r, depth - 1)?)),
            _ => Class::Other,
        };
        if size == 0 {
            return Err("a type without size");
        }
        Ok(Self { class, size })
    }
}

/// Number of values of a dataspace.
pub(super) fn count(r: &mut Reader<'_>) -> Step<usize> {
    let (version, rank, _flags) = (r.u8()?, r.u8()?, r.u8()?);
    match version {
        1 => {
            r.take(5)?;
        }
        2 => {
            // 2 stands for "null": no value at all.
            if r.u8()? == 2 {
                return Ok(0);
            }
        }
        _ => return Err("a dataspace of an unknown version"),
    }
    (0..rank).try_fold(1usize, |n, _| n.checked_mul(r.length()?).ok_or("more values than a file can have"))
}
