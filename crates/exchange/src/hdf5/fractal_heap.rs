//! Fractal heaps: where many attributes or links of one object are kept.

use super::{Reader, Step, Walk};

/// A heap with the place of each of its direct blocks.
pub(super) struct FractalHeap {
    pub id_len: usize,
    offset_len: usize,
    length_len: usize,
    /// Offset in the heap's own address space, place in the file, size.
    blocks: Vec<(usize, usize, usize)>,
    geometry: Geometry,
}

#[derive(Clone, Copy)]
struct Geometry {
    width: usize,
    start: usize,
    max_direct: usize,
    checksummed: bool,
}

impl Geometry {
    fn block_size(&self, row: usize) -> Step<usize> {
        self.start.checked_shl(row.saturating_sub(1) as u32).filter(|&s| s > 0).ok_or("a heap beyond the address space")
    }
}

impl<'a> Walk<'a> {
    pub(super) fn fractal_heap(&mut self, at: usize) -> Step<FractalHeap> {
        let mut r = self.signed(at, b"FRHP", "no heap where one should be")?;
        r.take(1)?;
        let (id_len, filter_len, flags, max_managed) = (r.u16()?, r.u16()?, r.u8()?, r.u32()?);
        r.length()?;
        let huge = r.offset()?;
        r.length()?;
        let free_space = r.offset()?;
        r.take(8 * self.length_size)?;
        let (width, start, max_direct) = (r.u16()?, r.length()?, r.length()?);
        let (bits, _, root, rows) = (r.u16()?, r.u16()?, r.offset()?, r.u16()?);
        r.take(4)?;
        self.claim_to(at, &r);
        if filter_len != 0 || huge.is_some() || start == 0 || width == 0 || bits > 64 {
            return Err("a heap with filters or huge objects");
        }
        if let Some(at) = free_space {
            self.free_space(at)?;
        }
        let bytes_for = |n: usize| (n.max(1).ilog2() / 8 + 1) as usize;
        let mut heap = FractalHeap {
            id_len,
            offset_len: bits.div_ceil(8),
            length_len: bytes_for(max_direct).min(bytes_for(max_managed)),
            blocks: Vec::new(),
            geometry: Geometry { width, start, max_direct, checksummed: flags & 2 != 0 },
        };
        match (root, rows) {
            (None, _) => {}
            (Some(root), 0) => self.direct_block(&mut heap, root, 0, start)?,
            (Some(root), rows) => self.indirect_block(&mut heap, root, 0, rows)?,
        }
        Ok(heap)
    }

    fn direct_block(&mut self, heap: &mut FractalHeap, at: usize, offset: usize, size: usize) -> Step<()> {
        if !self.first_visit(at) {
            return Err("a heap in a circle");
        }
        let mut r = self.signed(at, b"FHDB", "no heap block where one should be")?;
        r.take(1 + self.offset_size + heap.offset_len + if heap.geometry.checksummed { 4 } else { 0 })?;
        self.claim_to(at, &r);
        self.reader(at).take(size)?;
        heap.blocks.push((offset, at, size));
        Ok(())
    }

    fn indirect_block(&mut self, heap: &mut FractalHeap, at: usize, mut offset: usize, rows: usize) -> Step<()> {
        if !self.first_visit(at) {
            return Err("a heap in a circle");
        }
        let mut r = self.signed(at, b"FHIB", "no heap block where one should be")?;
        r.take(1 + self.offset_size + heap.offset_len)?;
        let mut children = Vec::new();
        for row in 0..rows {
            let size = heap.geometry.block_size(row)?;
            for _ in 0..heap.geometry.width {
                children.push((r.offset()?, offset, size));
                offset = offset.checked_add(size).ok_or("a heap beyond the address space")?;
            }
        }
        r.take(4)?;
        self.claim_to(at, &r);
        for (child, offset, size) in children {
            match child {
                Some(at) if size <= heap.geometry.max_direct => self.direct_block(heap, at, offset, size)?,
                Some(_) => return Err("a heap of several levels"),
                None => {}
            }
        }
        Ok(())
    }

    /// The object of an identifier; nothing of it is claimed here.
    pub(super) fn heap_object(&self, heap: &FractalHeap, id: &'a [u8]) -> Step<Reader<'a>> {
        let mut r = Reader { bytes: id, at: 0, offset_size: self.offset_size, length_size: self.length_size };
        if r.u8()? & 0x30 != 0 {
            return Err("a huge or tiny heap object");
        }
        let offset = usize::try_from(r.number(heap.offset_len)?).map_err(|_| "a heap object beyond the file")?;
        let len = r.number(heap.length_len)? as usize;
        let &(start, at, _) = heap
            .blocks
            .iter()
            .find(|(start, _, size)| offset >= *start && offset.saturating_add(len) <= start + size)
            .ok_or("a heap object outside its heap")?;
        self.reader(at + offset - start).part(len)
    }

    /// The index of a heap's free space.
    fn free_space(&mut self, at: usize) -> Step<()> {
        let mut r = self.signed(at, b"FSHD", "no free-space index where one should be")?;
        r.take(2 + 4 * self.length_size + 8)?;
        r.length()?;
        let (list, used) = (r.offset()?, r.length()?);
        r.length()?;
        r.take(4)?;
        self.claim_to(at, &r);
        if let Some(list) = list {
            let mut r = self.signed(list, b"FSSE", "no free-space list where one should be")?;
            r.take(used.saturating_sub(4))?;
            self.claim_to(list, &r);
        }
        Ok(())
    }
}
