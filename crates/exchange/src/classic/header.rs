//! The header of a classic file, with the place of every value.

use super::{padded, type_size};
use crate::structure::{Format, OddityKind, Spans, Structure};

/// A variable as the header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderVariable {
    /// Bytes of its values, without padding; those of one record if it has records.
    pub size: u64,
    /// Where they begin.
    pub begin: u64,
    /// Whether its first dimension grows.
    pub record: bool,
    /// The format's code of its type.
    pub code: u32,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// 1, 2 (64-bit offset) or 5 (64-bit data).
    pub version: u8,
    /// Length of the header.
    pub bytes: u64,
    /// Number of records.
    pub records: u64,
    /// The variables.
    pub variables: Vec<HeaderVariable>,
    /// Places and bytes of all names and texts.
    pub texts: Vec<(String, Vec<u8>)>,
    /// How many dimensions, attributes and variables there are.
    pub objects: usize,
    /// Whether all padding is zero.
    pub padding_is_zero: bool,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` if it is not one, or cut off.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let version = *bytes.get(3)?;
        if !bytes.starts_with(b"CDF") || !matches!(version, 1 | 2 | 5) {
            return None;
        }
        let mut r = Reader { bytes, at: 4, version, objects: 0, texts: Vec::new(), padding_is_zero: true };
        let records = r.count()?;
        let lengths = r.dimensions()?;
        r.attributes("attribute of the file")?;
        let variables = r.variables(&lengths)?;
        // All ones stand for "as many as the file has room for"; that is for files still being written.
        let streaming = if version == 5 { u64::MAX } else { u64::from(u32::MAX) };
        (records != streaming).then_some(())?;
        let Reader { at, objects, texts, padding_is_zero, .. } = r;
        Some(Self { version, bytes: at as u64, records, variables, texts, objects, padding_is_zero })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    version: u8,
    objects: usize,
    texts: Vec<(String, Vec<u8>)>,
    padding_is_zero: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(len).ok()?)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    fn take_padded(&mut self, len: u64) -> Option<&'a [u8]> {
        let part = self.take(len)?;
        let padding = self.take(padded(len) - len)?;
        self.padding_is_zero &= padding.iter().all(|&b| b == 0);
        Some(part)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn count(&mut self) -> Option<u64> {
        if self.version == 5 { self.u64() } else { self.u32().map(u64::from) }
    }

    /// Length of a list with that tag. Each entry takes at least four bytes, which bounds what a lie can cost.
    fn list(&mut self, tag: u32) -> Option<u64> {
        let (found, len) = (self.u32()?, self.count()?);
        let fits = len <= (self.bytes.len() / 4) as u64;
        (fits && (found == tag || (found == 0 && len == 0))).then_some(len)
    }

    fn name(&mut self, place: String) -> Option<()> {
        let len = self.count()?;
        let name = self.take_padded(len)?.to_vec();
        self.texts.push((place, name));
        self.objects += 1;
        Some(())
    }

    fn dimensions(&mut self) -> Option<Vec<u64>> {
        (0..self.list(10)?)
            .map(|number| {
                self.name(format!("name of dimension {}", number + 1))?;
                self.count()
            })
            .collect()
    }

    fn attributes(&mut self, place: &str) -> Option<()> {
        for number in 1..=self.list(12)? {
            self.name(format!("name of {place}, number {number}"))?;
            let (code, len) = (self.u32()?, self.count()?);
            let values = self.take_padded(type_size(code)?.checked_mul(len)?)?;
            if type_size(code)? == 1 {
                self.texts.push((format!("value of {place}, number {number}"), values.to_vec()));
            }
        }
        Some(())
    }

    fn variables(&mut self, lengths: &[u64]) -> Option<Vec<HeaderVariable>> {
        (0..self.list(11)?)
            .map(|number| {
                self.name(format!("name of variable {}", number + 1))?;
                let rank = self.count()?;
                let (mut values, mut record) = (1u64, false);
                for at in 0..rank {
                    let len = *lengths.get(usize::try_from(self.count()?).ok()?)?;
                    record |= at == 0 && len == 0;
                    values = if at == 0 && len == 0 { values } else { values.checked_mul(len)? };
                }
                self.attributes(&format!("attribute of variable {}", number + 1))?;
                let code = self.u32()?;
                // The size in the header saturates for large variables; it follows from the dimensions anyway.
                let _ = self.count()?;
                let begin = if self.version == 1 { u64::from(self.u32()?) } else { self.u64()? };
                Some(HeaderVariable { size: type_size(code)?.checked_mul(values)?, begin, record, code })
            })
            .collect()
    }
}

/// Walks a classic file: header, values of each variable and record, and what lies between.
pub fn inspect(bytes: &[u8]) -> Structure {
    let mut structure = Structure::new(Format::Classic, bytes);
    let Some(header) = Header::read(bytes) else {
        structure.odd(OddityKind::NotUnderstood, "the header", structure.bytes);
        return structure;
    };
    structure.objects = header.objects;
    if !header.padding_is_zero {
        structure.odd(OddityKind::UnaccountedBytes, "padding in the header", 0);
    }
    for (place, text) in &header.texts {
        structure.text(place, text);
    }
    let mut spans = Spans::default();
    spans.claim(0, header.bytes as usize);
    let of_records: Vec<&HeaderVariable> = header.variables.iter().filter(|v| v.record).collect();
    // Records of a single variable are packed without padding.
    let record_bytes: u64 = match of_records[..] {
        [only] => only.size,
        _ => of_records.iter().map(|v| padded(v.size)).sum(),
    };
    for variable in &header.variables {
        let times = if variable.record { header.records } else { 1 };
        // Values without bytes claim nothing, however many records there are.
        for record in 0..if variable.size == 0 { 0 } else { times } {
            let start = record.checked_mul(record_bytes).and_then(|skip| skip.checked_add(variable.begin));
            let end = start.and_then(|start| start.checked_add(variable.size));
            match (start, end) {
                (Some(start), Some(end)) if end <= structure.bytes => spans.claim(start as usize, variable.size as usize),
                _ => {
                    structure.odd(OddityKind::NotUnderstood, "values beyond the end of the file", variable.size);
                    break;
                }
            }
        }
    }
    spans.settle(bytes, 0, &mut structure);
    structure
}
