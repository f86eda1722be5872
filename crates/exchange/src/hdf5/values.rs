//! Values of a dataset: where they are, and through which filters.

use super::datatype::{Class, Type, count};
use super::header::Message;
use super::{OddityKind, Reader, Step, Walk};

/// Deflate, shuffle, fletcher32: what every reader has.
const FILTERS: [usize; 3] = [1, 2, 3];

impl<'a> Walk<'a> {
    pub(super) fn dataset(&mut self, messages: &[Message<'a>], place: &str) -> Step<()> {
        let body = |kind: u16| messages.iter().find(|m| m.kind == kind);
        let space = body(0x01).ok_or("values without a shape")?;
        let values = count(&mut space.body.clone())?;
        let message = body(0x03).ok_or("values without a type")?;
        if message.shared {
            self.structure.odd(OddityKind::UserType, format!("{place}: a committed type"), 0);
            return Ok(());
        }
        let kind = Type::read(&mut message.body.clone())?;
        match &kind.class {
            Class::Number | Class::Text | Class::TextOfAnyLength => {}
            Class::Sequence(_) => self.structure.odd(OddityKind::VariableLength, place, 0),
            Class::Reference => self.structure.odd(OddityKind::Reference, place, 0),
            Class::Compound | Class::Other => self.structure.odd(OddityKind::UserType, place, 0),
        }
        let layout = body(0x08).ok_or("values without a place")?;
        let parts = self.layout(&mut layout.body.clone(), values, &kind, place)?;
        let filtered = body(0x0b).is_some();
        for mut part in parts {
            self.spans.claim(part.at, part.left());
            if kind.class == Class::TextOfAnyLength {
                if filtered {
                    self.structure.odd(OddityKind::VariableLength, format!("{place}: strings behind a filter"), 0);
                    continue;
                }
                while part.left() >= kind.size {
                    if let Some(text) = self.element(&mut part)? {
                        self.structure.text(&format!("a string of {place}"), text.strip_suffix(b"\0").unwrap_or(text));
                    }
                }
            }
        }
        Ok(())
    }

    fn layout(&mut self, r: &mut Reader<'a>, values: usize, kind: &Type, place: &str) -> Step<Vec<Reader<'a>>> {
        let (version, class) = (r.u8()?, r.u8()?);
        if ![3, 4].contains(&version) {
            return Err("values laid out in an unknown version");
        }
        match class {
            0 => {
                let len = r.u16()?;
                r.take(len)?;
                Ok(Vec::new())
            }
            1 => {
                let (at, len) = (r.offset()?, r.length()?);
                // The size may be padded, but values are not longer than their shape says.
                let needed = values.checked_mul(kind.size).ok_or("more values than a file can have")?;
                match at {
                    Some(at) if needed > 0 => Ok(vec![self.reader(at).part(len.min(needed))?]),
                    _ => Ok(Vec::new()),
                }
            }
            2 if version == 3 => {
                let rank = usize::from(r.u8()?);
                let Some(tree) = r.offset()? else { return Ok(Vec::new()) };
                let leaves = self.tree(tree, 1, 8 + 8 * rank)?;
                leaves
                    .into_iter()
                    .map(|(mut key, at)| {
                        let len = key.u32()?;
                        self.reader(at).part(len)
                    })
                    .collect()
            }
            3 => {
                self.structure.odd(OddityKind::ExternalLink, format!("{place}: values in other datasets"), 0);
                Ok(Vec::new())
            }
            _ => Err("chunks indexed in a form that NetCDF does not use"),
        }
    }

    pub(super) fn filters(&mut self, r: &mut Reader<'a>, place: &str) -> Step<()> {
        let (version, number) = (r.u8()?, r.u8()?);
        r.take(if version == 1 { 6 } else { 0 })?;
        for _ in 0..number {
            let id = r.u16()?;
            let name_len = if version == 1 || id >= 256 { r.u16()? } else { 0 };
            r.take(2)?;
            let parameters = r.u16()?;
            let name = r.take(if version == 1 { name_len.next_multiple_of(8) } else { name_len })?;
            r.take(4 * parameters + if version == 1 && parameters % 2 == 1 { 4 } else { 0 })?;
            let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
            self.structure.text(&format!("name of a filter of {place}"), &name[..end]);
            if !FILTERS.contains(&id) {
                self.structure.odd(OddityKind::Filter, format!("{place}: filter {id}"), 0);
            }
        }
        Ok(())
    }
}
