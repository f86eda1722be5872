//! NetCDF classic files, in and out: the one format the gate writes.
//!
//! A header, then the values of each variable; nothing else. There is no free space, no hidden attribute, no
//! compression and no stamp of a library, so every byte of an output is either named by its header or a zero that
//! pads to four bytes. All programs of the field read it. The gate writes the 64-bit offset form without a dimension
//! that grows.
//!
//! | part | form |
//! |---|---|
//! | numbers | big-endian |
//! | lengths and counts | 32 bits (64 in the 64-bit data form, which is read only) |
//! | offsets | 64 bits (32 in the first form, which is read only) |
//! | names and values | padded with zeros to 4 bytes |

mod encode;
mod header;
mod layout;

pub use header::{Header, HeaderVariable, inspect};
pub use layout::{LayoutProblem, check_layout};

/// Values of an attribute or variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Characters in UTF-8.
    Text(String),
    /// 32-bit integers.
    Int(Vec<i32>),
    /// 32-bit floating point.
    Float(Vec<f32>),
    /// 64-bit floating point.
    Double(Vec<f64>),
}

impl Values {
    /// How many there are; bytes for text.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Int(v) => v.len(),
            Self::Float(v) => v.len(),
            Self::Double(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A variable with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its dimensions: indices into [`File::dims`], slowest first.
    pub dims: Vec<usize>,
    /// Its attributes in the order of the file.
    pub attributes: Vec<(String, Values)>,
    /// Its values.
    pub values: Values,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Names and lengths of the dimensions.
    pub dims: Vec<(String, usize)>,
    /// Attributes of the file.
    pub attributes: Vec<(String, Values)>,
    /// Its variables.
    pub variables: Vec<Variable>,
}

/// Number of bytes of one value of a type code of the format; `None` for codes it does not have.
fn type_size(code: u32) -> Option<u64> {
    Some(match code {
        1 | 2 | 7 => 1,
        3 | 8 => 2,
        4 | 5 | 9 => 4,
        6 | 10 | 11 => 8,
        _ => return None,
    })
}

fn padded(len: u64) -> u64 {
    len.next_multiple_of(4)
}
