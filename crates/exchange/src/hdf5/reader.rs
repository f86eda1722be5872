//! Numbers out of bytes, little-endian, never beyond the end.

use super::Step;

#[derive(Clone)]
pub(super) struct Reader<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub offset_size: usize,
    pub length_size: usize,
}

impl<'a> Reader<'a> {
    pub fn take(&mut self, len: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(len).ok_or("a length beyond the file")?;
        let part = self.bytes.get(self.at..end).ok_or("something beyond the end of the file")?;
        self.at = end;
        Ok(part)
    }

    /// A number of `size` bytes (at most 8).
    pub fn number(&mut self, size: usize) -> Step<u64> {
        let bytes = self.take(size)?;
        Ok(bytes.iter().rev().fold(0u64, |n, &b| (n << 8) | u64::from(b)))
    }

    pub fn u8(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    pub fn u16(&mut self) -> Step<usize> {
        Ok(self.number(2)? as usize)
    }

    pub fn u32(&mut self) -> Step<usize> {
        Ok(self.number(4)? as usize)
    }

    /// A length; lengths beyond the address space cannot be in memory either.
    pub fn length(&mut self) -> Step<usize> {
        usize::try_from(self.number(self.length_size)?).map_err(|_| "a length beyond the address space")
    }

    pub fn offset_number(&mut self) -> Step<usize> {
        usize::try_from(self.number(self.offset_size)?).map_err(|_| "an address beyond the address space")
    }

    /// An address; `None` where it is undefined (all ones).
    pub fn offset(&mut self) -> Step<Option<usize>> {
        let undefined = if self.offset_size == 8 { u64::MAX } else { u64::from(u32::MAX) };
        let number = self.number(self.offset_size)?;
        Ok(if number == undefined {
            None
        } else {
            Some(usize::try_from(number).map_err(|_| "an address beyond the address space")?)
        })
    }

    /// Within `len` bytes from here: a reader that ends there.
    pub fn part(&mut self, len: usize) -> Step<Reader<'a>> {
        let start = self.at;
        self.take(len)?;
        Ok(Reader { bytes: &self.bytes[..self.at], at: start, ..self.clone() })
    }

    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Bytes up to a zero, which is taken too.
    pub fn text_to_zero(&mut self) -> Step<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|&b| b == 0).ok_or("a name without an end")?;
        Ok(&self.take(len + 1)?[..len])
    }
}
