//! A file as bytes.

use super::{File, Values, padded};

const DIMENSIONS: u32 = 10;
const VARIABLES: u32 = 11;
const ATTRIBUTES: u32 = 12;

impl File {
    /// The bytes of the file, in the 64-bit offset form.
    ///
    /// The same file gives the same bytes. `None` if a length does not fit the format: a variable of 4 GiB or more.
    ///
    /// ```
    /// use knarr_exchange::classic::File;
    /// assert_eq!(File::default().to_bytes().map(|b| b.len()), Some(32));
    /// ```
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let sizes: Vec<u64> = self.variables.iter().map(|v| padded(size(&v.values))).collect();
        // Offsets have the same width whatever they are, so that a first pass tells the length of the header.
        let mut offset = self.header(&sizes, 0)?.len() as u64;
        let mut bytes = self.header(&sizes, offset)?;
        for (variable, size) in self.variables.iter().zip(sizes) {
            put_values(&mut bytes, &variable.values);
            offset += size;
            bytes.resize(usize::try_from(offset).ok()?, 0);
        }
        Some(bytes)
    }

    fn header(&self, sizes: &[u64], first: u64) -> Option<Vec<u8>> {
        let mut out = b"CDF\x02\0\0\0\0".to_vec();
        list(&mut out, DIMENSIONS, self.dims.len())?;
        for (name, len) in &self.dims {
            put_name(&mut out, name)?;
            put(&mut out, *len)?;
        }
        put_attributes(&mut out, &self.attributes)?;
        list(&mut out, VARIABLES, self.variables.len())?;
        let mut begin = first;
        for (variable, &size) in self.variables.iter().zip(sizes) {
            put_name(&mut out, &variable.name)?;
            put(&mut out, variable.dims.len())?;
            for &dim in &variable.dims {
                put(&mut out, dim)?;
            }
            put_attributes(&mut out, &variable.attributes)?;
            out.extend_from_slice(&code(&variable.values).to_be_bytes());
            put(&mut out, usize::try_from(size).ok()?)?;
            out.extend_from_slice(&begin.to_be_bytes());
            begin += size;
        }
        Some(out)
    }
}

fn code(values: &Values) -> u32 {
    match values {
        Values::Text(_) => 2,
        Values::Int(_) => 4,
        Values::Float(_) => 5,
        Values::Double(_) => 6,
    }
}

fn size(values: &Values) -> u64 {
    let each = super::type_size(code(values)).expect("these types have sizes");
    values.len() as u64 * each
}

fn put(out: &mut Vec<u8>, number: usize) -> Option<()> {
    out.extend_from_slice(&u32::try_from(number).ok()?.to_be_bytes());
    Some(())
}

/// An empty list is two zeros.
fn list(out: &mut Vec<u8>, tag: u32, len: usize) -> Option<()> {
    out.extend_from_slice(&(if len == 0 { 0 } else { tag }).to_be_bytes());
    put(out, len)
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn put_name(out: &mut Vec<u8>, name: &str) -> Option<()> {
    put(out, name.len())?;
    out.extend_from_slice(name.as_bytes());
    pad(out);
    Some(())
}

fn put_attributes(out: &mut Vec<u8>, attributes: &[(String, Values)]) -> Option<()> {
    list(out, ATTRIBUTES, attributes.len())?;
    for (name, values) in attributes {
        put_name(out, name)?;
        out.extend_from_slice(&code(values).to_be_bytes());
        put(out, values.len())?;
        put_values(out, values);
        pad(out);
    }
    Some(())
}

fn put_values(out: &mut Vec<u8>, values: &Values) {
    match values {
        Values::Text(text) => out.extend_from_slice(text.as_bytes()),
        Values::Int(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_be_bytes())),
        Values::Float(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_be_bytes())),
        Values::Double(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_be_bytes())),
    }
}
