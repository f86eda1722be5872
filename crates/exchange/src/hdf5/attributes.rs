//! Attributes: names, values, and the library's own.

use super::datatype::{Class, Type, count};
use super::{OddityKind, Reader, Step, Walk};

impl<'a> Walk<'a> {
    /// An attribute message.
    pub(super) fn attribute(&mut self, r: &mut Reader<'a>, owner: &str) -> Step<()> {
        self.structure.objects += 1;
        let start = r.at;
        let (version, flags) = (r.u8()?, r.u8()?);
        let (name_len, type_len, space_len) = (r.u16()?, r.u16()?, r.u16()?);
        if version == 3 {
            r.take(1)?;
        }
        if !(1..=3).contains(&version) {
            return Err("an attribute of an unknown version");
        }
        if version > 1 && flags & 3 != 0 {
            self.structure.odd(OddityKind::UserType, format!("{owner}: an attribute of a committed type"), 0);
            self.spans.claim(start, r.left() + r.at - start);
            return Ok(());
        }
        let pad = |len: usize| if version == 1 { len.next_multiple_of(8) } else { len };
        let name = r.part(pad(name_len))?.text_to_zero()?;
        let kind = Type::read(&mut r.part(pad(type_len))?)?;
        let values = count(&mut r.part(pad(space_len))?)?;
        let bytes = values.checked_mul(kind.size).ok_or("an attribute beyond the file")?;
        let mut data = r.part(bytes)?;
        self.claim_to(start, r);
        let number = self.structure.texts.len();
        let name = self.structure.text(&format!("name of an attribute of {owner} (text {number})"), name);
        let place = format!("value of an attribute of {owner} (text {number})");
        self.value(&kind, values, &mut data, &name, &place)
    }

    fn value(&mut self, kind: &Type, values: usize, data: &mut Reader<'a>, name: &str, place: &str) -> Step<()> {
        let mut text = None;
        match &kind.class {
            Class::Text => {
                let bytes = data.take(data.left())?;
                // What follows the first zero of a text is not shown by libraries.
                let shown = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
                if values == 1 && bytes[shown..].iter().any(|&b| b != 0) {
                    self.structure.odd(OddityKind::HiddenAttribute, format!("{place}: text behind its end"), bytes.len() as u64);
                    self.structure.text(place, &bytes[shown..]);
                }
                text = Some(self.structure.text(place, &bytes[..shown]));
            }
            Class::TextOfAnyLength => {
                for _ in 0..values {
                    if let Some(bytes) = self.element(data)? {
                        text = Some(self.structure.text(place, bytes.strip_suffix(b"\0").unwrap_or(bytes)));
                    }
                }
            }
            // The dimensions of a variable: references in sequences.
            Class::Sequence(base) if name == "DIMENSION_LIST" && base.class == Class::Reference => {
                for _ in 0..values {
                    self.element(data)?;
                }
            }
            // The variables of a dimension: pairs of reference and index.
            Class::Compound if name == "REFERENCE_LIST" => {}
            Class::Sequence(_) => self.structure.odd(OddityKind::VariableLength, place, data.left() as u64),
            Class::Reference => self.structure.odd(OddityKind::Reference, place, data.left() as u64),
            Class::Compound | Class::Other => self.structure.odd(OddityKind::UserType, place, data.left() as u64),
            Class::Number => {}
        }
        if let Some(expected) = library_own(name) {
            let text = text.as_deref().unwrap_or_default();
            if !expected(text, kind) {
                self.structure.odd(OddityKind::HiddenAttribute, place, data.left() as u64);
            }
        }
        Ok(())
    }

    /// Attributes kept in a heap because there are many.
    pub(super) fn attribute_info(&mut self, r: &mut Reader<'a>, owner: &str) -> Step<()> {
        let (_version, flags) = (r.u8()?, r.u8()?);
        r.take(if flags & 1 != 0 { 2 } else { 0 })?;
        let (heap, names) = (r.offset()?, r.offset()?);
        let order = if flags & 2 != 0 { r.offset()? } else { None };
        let (Some(heap), Some(names)) = (heap, names) else { return Ok(()) };
        let heap = self.fractal_heap(heap)?;
        if let Some(order) = order {
            self.records(order)?;
        }
        for mut record in self.records(names)? {
            let id = record.take(heap.id_len)?;
            let mut message = self.heap_object(&heap, id)?;
            self.attribute(&mut message, owner)?;
        }
        Ok(())
    }
}

/// How the library's own attributes look; programs that list attributes do not show them.
fn library_own(name: &str) -> Option<fn(&str, &Type) -> bool> {
    Some(match name {
        "_NCProperties" => |text, _| {
            let fair = |c: char| c.is_ascii_alphanumeric() || "=,.+-_".contains(c);
            text.starts_with("version=") && text.len() <= 80 && text.chars().all(fair) && text.split(',').all(known_property)
        },
        "CLASS" => |text, _| text == "DIMENSION_SCALE",
        "NAME" => |text, _| text.len() <= 80 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_. ".contains(c)),
        "_Netcdf4Dimid" | "_Netcdf4Coordinates" | "_nc3_strict" => |_, kind| kind.class == Class::Number,
        _ => return None,
    })
}

fn known_property(part: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.len() <= 20 && text.starts_with(|c: char| c.is_ascii_digit());
    part.split_once('=').is_some_and(|(key, value)| {
        ["version", "netcdf", "hdf5", "h5netcdf", "h5py", "netcdf4", "netcdflibversion", "hdf5libversion"].contains(&key)
            && number(value)
    })
}
