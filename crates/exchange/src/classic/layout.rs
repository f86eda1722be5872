//! Whether a file is one that [`super::File::to_bytes`] could have written, in bounded memory.

use super::{Header, padded};
use std::io::{Read, Seek, SeekFrom};

/// No header of a package's file is longer: names, attributes, no values.
const HEADER_LIMIT: u64 = 1 << 20;

/// Why it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutProblem {
    /// Another format, another form of the classic one, or a header beyond the limit of 1 MiB.
    NotClassic,
    /// A dimension that grows.
    Records,
    /// Values are not one after another to the end of the file.
    Gaps,
    /// Padding holds something.
    Padding,
    /// It could not be read.
    Unreadable,
}

impl std::fmt::Display for LayoutProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotClassic => "it is not a NetCDF file of the 64-bit offset form",
            Self::Records => "it has a dimension that grows",
            Self::Gaps => "its values do not follow each other to its end",
            Self::Padding => "its padding is not zero",
            Self::Unreadable => "it cannot be read",
        })
    }
}

/// Checks that every byte of a file of length `len` is named by its header or padding of zeros.
///
/// Reads the header (at most 1 MiB) and the padding, never the values.
///
/// # Errors
/// The first [`LayoutProblem`] found.
pub fn check_layout(file: &mut (impl Read + Seek), len: u64) -> Result<Header, LayoutProblem> {
    let mut head = Vec::new();
    file.take(HEADER_LIMIT.min(len)).read_to_end(&mut head).map_err(|_| LayoutProblem::Unreadable)?;
    let header = Header::read(&head).filter(|h| h.version == 2).ok_or(LayoutProblem::NotClassic)?;
    if header.records != 0 || header.variables.iter().any(|v| v.record) {
        return Err(LayoutProblem::Records);
    }
    if !header.padding_is_zero {
        return Err(LayoutProblem::Padding);
    }
    let mut reached = header.bytes;
    for variable in &header.variables {
        if variable.begin != reached {
            return Err(LayoutProblem::Gaps);
        }
        let end = reached.checked_add(variable.size).filter(|&end| padded(end) <= len).ok_or(LayoutProblem::Gaps)?;
        let mut padding = Vec::new();
        file.seek(SeekFrom::Start(end)).map_err(|_| LayoutProblem::Unreadable)?;
        file.take(padded(end) - end).read_to_end(&mut padding).map_err(|_| LayoutProblem::Unreadable)?;
        if padding.iter().any(|&b| b != 0) {
            return Err(LayoutProblem::Padding);
        }
        reached = padded(end);
    }
    if reached == len { Ok(header) } else { Err(LayoutProblem::Gaps) }
}

#[cfg(test)]
mod tests {
    use super::super::{File, Values, Variable};
    use super::*;
    use crate::structure::{OddityKind, inspect};
    use std::io::Cursor;

    fn file() -> File {
        File {
            dims: vec![("y".into(), 2), ("x".into(), 3)],
            attributes: vec![("title".into(), Values::Text("five!".into()))],
            variables: vec![
                Variable {
                    name: "tas".into(),
                    dims: vec![0, 1],
                    attributes: vec![("_FillValue".into(), Values::Float(vec![1e20]))],
                    values: Values::Float(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                },
                Variable { name: "id".into(), dims: vec![1], attributes: vec![], values: Values::Text("abc".into()) },
                Variable { name: "x".into(), dims: vec![1], attributes: vec![], values: Values::Double(vec![0.5, 1.5, 2.5]) },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_by_the_netcdf_library() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.nc");
        std::fs::write(&path, file().to_bytes().expect("small")).expect("writable");
        let read = knarr_io::nc::File::open(&path).expect("NetCDF");
        assert_eq!(read.read("tas").expect("numbers"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(read.read("x").expect("numbers"), [0.5, 1.5, 2.5]);
        assert_eq!(read.read_texts("id").expect("texts"), ["abc"]);
        assert_eq!(read.attributes().text("title"), Some("five!"));
    }

    #[test]
    fn every_byte_outside_names_and_values_is_checked() {
        let bytes = file().to_bytes().expect("small");
        let check = |bytes: &[u8]| check_layout(&mut Cursor::new(bytes), bytes.len() as u64);
        check(&bytes).expect("our own");
        assert!(inspect(&bytes).oddities.is_empty());
        let mut longer = bytes.clone();
        longer.push(7);
        assert_eq!(check(&longer), Err(LayoutProblem::Gaps));
        assert!(inspect(&longer).has(OddityKind::UnaccountedBytes));
        // "id" has three bytes, so the byte before the last 24 is padding.
        let mut loud = bytes.clone();
        loud[bytes.len() - 25] = 7;
        assert_eq!(check(&loud), Err(LayoutProblem::Padding));
        assert!(inspect(&loud).has(OddityKind::UnaccountedBytes));
    }

    #[test]
    fn cut_and_mangled_headers_are_refused_without_a_panic() {
        let bytes = file().to_bytes().expect("small");
        for len in 0..bytes.len() {
            assert!(check_layout(&mut Cursor::new(&bytes[..len]), len as u64).is_err(), "{len}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = check_layout(&mut Cursor::new(&changed), changed.len() as u64);
                inspect(&changed);
            }
        }
    }
}
