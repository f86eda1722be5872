//! Links of a group, old style (symbol tables) and new style (messages and heaps).

use super::{OddityKind, Reader, Step, Walk};

impl<'a> Walk<'a> {
    /// An old group: a B-tree of symbol nodes with names in a local heap.
    pub(super) fn symbol_table(&mut self, r: &mut Reader<'a>, place: &str) -> Step<()> {
        let (tree, heap) = (r.offset()?.ok_or("a group without a tree")?, r.offset()?.ok_or("a group without a heap")?);
        let names = self.local_heap(heap)?;
        let leaves = self.tree(tree, 0, self.length_size)?;
        for (_, leaf) in leaves {
            let mut r = self.signed(leaf, b"SNOD", "no symbols where some should be")?;
            r.take(2)?;
            let count = r.u16()?;
            for _ in 0..count {
                let name_at = names.checked_add(r.offset_number()?).ok_or("a name beyond the file")?;
                let object = r.offset()?;
                let kind = r.u32()?;
                r.take(20)?;
                let mut name = self.reader(name_at);
                let text = name.text_to_zero()?;
                self.spans.claim(name_at, text.len() + 1);
                let number = self.structure.texts.len();
                self.structure.text(&format!("name of an object of {place} (text {number})"), text);
                match (kind, object) {
                    (2, _) => self.structure.odd(OddityKind::SoftLink, format!("{place}: text {number}"), 0),
                    (_, Some(at)) => self.object(at, &format!("object {number}"), false)?,
                    (_, None) => return Err("a link to nothing"),
                }
            }
            self.claim_to(leaf, &r);
        }
        Ok(())
    }

    /// Claims the heap's header and free list; returns where its names begin.
    fn local_heap(&mut self, at: usize) -> Step<usize> {
        let mut r = self.signed(at, b"HEAP", "no local heap where one should be")?;
        r.take(4)?;
        let (size, mut free) = (r.length()?, r.number(self.length_size)?);
        let data = r.offset()?.ok_or("a local heap without data")?;
        self.claim_to(at, &r);
        self.reader(data).take(size)?;
        // A free block holds where the next one is and its own size; 1 ends the list.
        let mut blocks = 0;
        while free != 1 && free != u64::MAX {
            let start = data + usize::try_from(free).ok().filter(|&f| f < size).ok_or("a free block outside its heap")?;
            let mut block = self.reader(start);
            free = block.number(self.length_size)?;
            block.length()?;
            self.claim_to(start, &block);
            blocks += 1;
            if blocks > size / 8 {
                return Err("a free list in a circle");
            }
        }
        Ok(data)
    }

    /// A new group's links in a heap.
    pub(super) fn link_info(&mut self, r: &mut Reader<'a>, place: &str) -> Step<()> {
        let (_version, flags) = (r.u8()?, r.u8()?);
        r.take(if flags & 1 != 0 { 8 } else { 0 })?;
        let (heap, names) = (r.offset()?, r.offset()?);
        let order = if flags & 2 != 0 { r.offset()? } else { None };
        let (Some(heap), Some(names)) = (heap, names) else { return Ok(()) };
        let heap = self.fractal_heap(heap)?;
        if let Some(order) = order {
            self.records(order)?;
        }
        for mut record in self.records(names)? {
            // A record is a hash of the name, then where the link is.
            record.take(4)?;
            let id = record.take(heap.id_len)?;
            let mut message = self.heap_object(&heap, id)?;
            self.spans.claim(message.at, message.left());
            self.link(&mut message, place)?;
        }
        Ok(())
    }

    /// A link message.
    pub(super) fn link(&mut self, r: &mut Reader<'a>, place: &str) -> Step<()> {
        let (_version, flags) = (r.u8()?, r.u8()?);
        let kind = if flags & 8 != 0 { r.u8()? } else { 0 };
        r.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 16 != 0 { 1 } else { 0 })?;
        let len = r.number(1 << (flags & 3))? as usize;
        let name = r.take(len)?;
        let number = self.structure.texts.len();
        self.structure.text(&format!("name of an object of {place} (text {number})"), name);
        match kind {
            0 => {
                let at = r.offset()?.ok_or("a link to nothing")?;
                self.object(at, &format!("object {number}"), false)
            }
            1 | 64 => {
                let len = r.u16()?;
                let target = r.take(len)?;
                self.structure.text(&format!("target of a link of {place}"), target);
                let kind = if kind == 1 { OddityKind::SoftLink } else { OddityKind::ExternalLink };
                self.structure.odd(kind, format!("{place}: text {number}"), len as u64);
                Ok(())
            }
            _ => Err("a link of an unknown kind"),
        }
    }
}
