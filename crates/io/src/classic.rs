//! The header of a classic NetCDF file: how long the file must be, and where its values are.
//!
//! The library reads zeros beyond the end of a shorter file.
//! Layout of the header: the file format specification in the NetCDF Users' Guide (CDF-1, CDF-2, CDF-5).

use knarr_field::NumberType;
use std::io::{self, Read};

/// Where a classic file has its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Number of records; `None` if it is not stored.
    records: Option<u64>,
    /// Bytes from one record to the next.
    record_bytes: u64,
    variables: Vec<Place>,
}

/// Where a variable has its values, all of big-endian byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) name: String,
    /// Type of its values; `None` for characters.
    pub(crate) number: Option<NumberType>,
    /// Position of its first value, in bytes.
    pub(crate) begin: u64,
    /// Bytes from one record to the next, if it has records.
    pub(crate) record_bytes: Option<u64>,
    /// Bytes of its values, of one record if it has records.
    bytes: u64,
}

impl Layout {
    /// Reads the header that `input` starts with.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the header itself is cut; [`io::ErrorKind::InvalidData`] if it makes no
    /// sense.
    pub(crate) fn read(input: &mut dyn Read) -> io::Result<Self> {
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
        let mut variables = Vec::new();
        for _ in 0..header.list(11)? {
            let name = header.name()?;
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
            let kind = header.word()?;
            let bytes = values.saturating_mul(type_size(kind)?);
            header.count()?;
            let begin = header.offset()?;
            variables.push(Place { name, number: number(kind), begin, record_bytes: grows.then_some(0), bytes });
        }
        // Records are padded to four bytes, unless a record is one variable.
        let in_record: Vec<u64> = variables.iter().filter(|v| v.record_bytes.is_some()).map(|v| v.bytes).collect();
        let record_bytes = match in_record.as_slice() {
            [bytes] => *bytes,
            many => many.iter().map(|bytes| bytes.div_ceil(4).saturating_mul(4)).fold(0, u64::saturating_add),
        };
        for v in &mut variables {
            v.record_bytes = v.record_bytes.map(|_| record_bytes);
        }
        Ok(Self { records: (!streaming).then_some(records), record_bytes, variables })
    }

    /// Smallest length of the file; `None` if the number of records is not stored.
    pub(crate) fn expected_len(&self) -> Option<u64> {
        let (growing, fixed): (Vec<&Place>, Vec<&Place>) = self.variables.iter().partition(|v| v.record_bytes.is_some());
        let fixed_end = fixed.iter().map(|v| v.begin.saturating_add(v.bytes)).max().unwrap_or(0);
        if growing.is_empty() {
            return Some(fixed_end);
        }
        let Some(last) = self.records?.checked_sub(1) else { return Some(fixed_end) };
        let start = last.saturating_mul(self.record_bytes);
        let end = |v: &&Place| v.begin.saturating_add(start).saturating_add(v.bytes);
        Some(growing.iter().map(end).max().unwrap_or(0).max(fixed_end))
    }

    /// Where the values of a variable are; `None` where records are not counted.
    pub(crate) fn find(&self, name: &str) -> Option<&Place> {
        self.records?;
        self.variables.iter().find(|v| v.name == name)
    }
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

    /// A name, which the library takes for UTF-8.
    fn name(&mut self) -> io::Result<String> {
        let len = self.count()?;
        let padded = len.checked_next_multiple_of(4).filter(|&n| n <= NAME_LIMIT).ok_or_else(senseless)?;
        self.left = self.left.checked_sub(padded).ok_or_else(senseless)?;
        let mut bytes = vec![0; padded as usize];
        self.input.read_exact(&mut bytes)?;
        bytes.truncate(len as usize);
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it has a name that is not UTF-8"))
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

fn number(kind: u32) -> Option<NumberType> {
    Some(match kind {
        1 => NumberType::I8,
        3 => NumberType::I16,
        4 => NumberType::I32,
        5 => NumberType::F32,
        6 => NumberType::F64,
        7 => NumberType::U8,
        8 => NumberType::U16,
        9 => NumberType::U32,
        10 => NumberType::I64,
        11 => NumberType::U64,
        _ => return None,
    })
}

fn senseless() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it makes no sense")
}
