//! Object headers: the messages of a group, dataset or committed type.

use super::{OddityKind, Reader, Step, Walk};

/// One message of an object.
pub(super) struct Message<'a> {
    pub kind: u16,
    pub shared: bool,
    pub body: Reader<'a>,
}

impl<'a> Walk<'a> {
    /// Walks the object at `at`; `place` names it without words from the file.
    pub(super) fn object(&mut self, at: usize, place: &str, root: bool) -> Step<()> {
        if !self.first_visit(at) {
            return Ok(());
        }
        self.structure.objects += 1;
        self.deeper(|walk| walk.known_object(at, place, root))
    }

    fn known_object(&mut self, at: usize, place: &str, root: bool) -> Step<()> {
        let messages = self.messages(at)?;
        let has = |kinds: &[u16]| messages.iter().any(|m| kinds.contains(&m.kind));
        let is_group = has(&[0x02, 0x06, 0x0a, 0x11]);
        let is_data = has(&[0x08]);
        if is_group && !root {
            self.structure.odd(OddityKind::Group, place, 0);
        }
        if !is_group && !is_data && has(&[0x03]) {
            self.structure.odd(OddityKind::UserType, format!("{place}: a committed type"), 0);
        }
        for message in &messages {
            let mut body = message.body.clone();
            match message.kind {
                0x06 => self.link(&mut body, place)?,
                0x02 => self.link_info(&mut body, place)?,
                0x11 => self.symbol_table(&mut body, place)?,
                0x07 => self.structure.odd(OddityKind::ExternalLink, format!("{place}: values in other files"), 0),
                0x0b => self.filters(&mut body, place)?,
                0x0c if message.shared => return Err("a shared attribute"),
                0x0c => self.attribute(&mut body, place)?,
                0x15 => self.attribute_info(&mut body, place)?,
                0x0d => {
                    self.structure.odd(OddityKind::Comment, place, body.left() as u64);
                    let text = body.text_to_zero()?;
                    self.structure.text(&format!("comment of {place}"), text);
                }
                // Dataspace, type, fill values, group info, times, reference count, B-tree sizes, layout.
                0x01 | 0x03 | 0x04 | 0x05 | 0x0a | 0x0e | 0x12 | 0x13 | 0x16 | 0x08 => {}
                _ => return Err("a message of an unknown kind in an object's header"),
            }
        }
        if is_data { self.dataset(&messages, place) } else { Ok(()) }
    }

    fn messages(&mut self, at: usize) -> Step<Vec<Message<'a>>> {
        let mut r = self.reader(at);
        let mut messages = Vec::new();
        if self.bytes.get(at..).unwrap_or_default().starts_with(b"OHDR") {
            r.take(4)?;
            let (_version, flags) = (r.u8()?, r.u8()?);
            r.take(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
            let len = r.number(1 << (flags & 3))? as usize;
            self.claim_to(at, &r);
            let mut chunk = r.part(len)?;
            self.spans.claim(r.at, 4);
            self.chunk(&mut chunk, Form::Second { ordered: flags & 4 != 0 }, &mut messages)?;
        } else {
            let version = r.u8()?;
            if version != 1 {
                return Err("an object header of an unknown version");
            }
            r.take(7)?;
            let len = r.u32()?;
            r.take(4)?;
            self.claim_to(at, &r);
            let mut chunk = r.part(len)?;
            self.chunk(&mut chunk, Form::First, &mut messages)?;
        }
        Ok(messages)
    }

    fn chunk(&mut self, chunk: &mut Reader<'a>, form: Form, messages: &mut Vec<Message<'a>>) -> Step<()> {
        let head = match form {
            Form::First => 8,
            Form::Second { ordered } => {
                if ordered {
                    6
                } else {
                    4
                }
            }
        };
        // What is left behind the last message is a gap; it claims nothing, so that it must be zero.
        while chunk.left() >= head {
            let start = chunk.at;
            let (kind, len, flags) = match form {
                Form::First => {
                    let (kind, len, flags) = (chunk.u16()?, chunk.u16()?, chunk.u8()?);
                    chunk.take(3)?;
                    (kind as u16, len, flags)
                }
                Form::Second { ordered } => {
                    let (kind, len, flags) = (chunk.u8()?, chunk.u16()?, chunk.u8()?);
                    chunk.take(if ordered { 2 } else { 0 })?;
                    (u16::from(kind), len, flags)
                }
            };
            self.claim_to(start, chunk);
            let body = chunk.part(len)?;
            match kind {
                0x00 => continue,
                0x10 => {
                    self.spans.claim(body.at, body.left());
                    self.deeper(|walk| walk.continuation(body, form, messages))?;
                }
                _ => {
                    // An attribute claims what it uses of its message.
                    if kind != 0x0c {
                        self.spans.claim(body.at, body.left());
                    }
                    messages.push(Message { kind, shared: flags & 2 != 0, body });
                }
            }
        }
        Ok(())
    }

    fn continuation(&mut self, mut body: Reader<'a>, form: Form, messages: &mut Vec<Message<'a>>) -> Step<()> {
        let at = body.offset()?.ok_or("a header that goes on nowhere")?;
        let len = body.length()?;
        if !self.first_visit(at) {
            return Err("a header that goes on in a circle");
        }
        let mut r = self.reader(at);
        match form {
            Form::First => {
                let mut chunk = r.part(len)?;
                self.chunk(&mut chunk, form, messages)
            }
            Form::Second { .. } => {
                let mut r = self.signed(at, b"OCHK", "a header that goes on elsewhere")?;
                let mut chunk = r.part(len.checked_sub(8).ok_or("a header part without room")?)?;
                self.spans.claim(at, 4);
                self.spans.claim(r.at, 4);
                self.chunk(&mut chunk, form, messages)
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    First,
    Second { ordered: bool },
}
