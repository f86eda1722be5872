//! How long a classic NetCDF file must be: the library reads zeros beyond the end of a shorter one.
//!
//! Layout of the header: the file format specification in the NetCDF Users' Guide (CDF-1, CDF-2, CDF-5).

use std::io::{self, Read};

/// Smallest length of the file whose header `input` starts with; `None` if the number of records is not stored.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] if the header itself is cut; [`io::ErrorKind::InvalidData`] if it makes no sense.
pub(crate) fn expected_len(input: &mut dyn Read) -> io::Result<Option<u64>> {
    let mut magic = [0; 4];
    input.read_exact(&mut magic)?;
    let mut header = Header { input, wide_counts: magic[3] == 5, wide_offsets: magic[3] != 1, left: LIMIT };
    let records = header.count()?;
    let streaming = records == if magic[3] == 5 { u64::MAX } else { u64::from(u32::MAX) };
    let mut dims = Vec::new();
    for _ in 0..header.list(10)? {
        header.name()?;
        dims.push(header.count()?);
    }
    header.attributes()?;
    let mut fixed_end = 0u64;
    let mut in_record: Vec<(u64, u64)> = Vec::new();
    for _ in 0..header.list(11)? {
        header.name()?;
        let mut values = 1u64;
        let mut grows = false;
        for i in 0..header.count()? {
            let id = usize::try_from(header.count()?).map_err(|_| senseless())?;
            match *dims.get(id).ok_or_else(senseless)? {
                0 if i == 0 => grows = true,
                len => values = values.saturating_mul(len),
            }
        }
        header.attributes()?;
        let bytes = values.saturating_mul(type_size(header.word()?)?);
        header.count()?;
        let begin = header.offset()?;
        if grows {
            in_record.push((begin, bytes));
        } else {
            fixed_end = fixed_end.max(begin.saturating_add(bytes));
        }
    }
    if streaming && !in_record.is_empty() {
        return Ok(None);
    }
    // Records are padded to four bytes, unless a record is one variable.
    let record: u64 = match in_record.as_slice() {
        [(_, bytes)] => *bytes,
        many => many.iter().map(|(_, bytes)| bytes.div_ceil(4).saturating_mul(4)).fold(0, u64::saturating_add),
    };
    let last_record = records.checked_sub(1).map(|n| n.saturating_mul(record));
    let record_end = last_record
        .and_then(|start| in_record.iter().map(|(begin, bytes)| begin.saturating_add(start).saturating_add(*bytes)).max());
    Ok(Some(fixed_end.max(record_end.unwrap_or(0))))
}

/// No header is longer; counts that lead beyond are damaged.
const LIMIT: u64 = 1 << 30;

/// The library's longest name has 256 bytes; some writers are more generous.
const NAME_LIMIT: u64 = 1 << 16;

struct Header<'a> {
    input: &'a mut dyn Read,
    wide_counts: bool,
    wide_offsets: bool,
    left: u64,
}

impl Header<'_> {
    fn word(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        self.left = self.left.checked_sub(4).ok_or_else(senseless)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn long(&mut self) -> io::Result<u64> {
        Ok(u64::from(self.word()?) << 32 | u64::from(self.word()?))
    }

    fn count(&mut self) -> io::Result<u64> {
        if self.wide_counts { self.long() } else { self.word().map(u64::from) }
    }

    fn offset(&mut self) -> io::Result<u64> {
        if self.wide_offsets { self.long() } else { self.word().map(u64::from) }
    }

    /// Number of entries of a list that starts with `tag`, or is absent (two zeros).
    fn list(&mut self, tag: u32) -> io::Result<u64> {
        match (self.word()?, self.count()?) {
            (0, 0) => Ok(0),
            (found, count) if found == tag => Ok(count),
            _ => Err(senseless()),
        }
    }

    /// Passes over a name, which the library takes for UTF-8.
    fn name(&mut self) -> io::Result<()> {
        let len = self.count()?;
        let padded = len.checked_next_multiple_of(4).filter(|&n| n <= NAME_LIMIT).ok_or_else(senseless)?;
        self.left = self.left.checked_sub(padded).ok_or_else(senseless)?;
        let mut bytes = vec![0; padded as usize];
        self.input.read_exact(&mut bytes)?;
        match std::str::from_utf8(&bytes[..len as usize]) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it has a name that is not UTF-8")),
        }
    }

    fn attributes(&mut self) -> io::Result<()> {
        for _ in 0..self.list(12)? {
            self.name()?;
            let size = type_size(self.word()?)?;
            let values = self.count()?;
            self.skip(values.saturating_mul(size))?;
        }
        Ok(())
    }

    /// Passes over bytes and their padding to a multiple of four.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let padded = bytes.checked_next_multiple_of(4).ok_or_else(senseless)?;
        self.left = self.left.checked_sub(padded).ok_or_else(senseless)?;
        let passed = io::copy(&mut (&mut *self.input).take(padded), &mut io::sink())?;
        if passed < padded { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

fn type_size(kind: u32) -> io::Result<u64> {
    match kind {
        1 | 2 | 7 => Ok(1),
        3 | 8 => Ok(2),
        4 | 5 | 9 => Ok(4),
        6 | 10 | 11 => Ok(8),
        _ => Err(senseless()),
    }
}

fn senseless() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it makes no sense")
}
