//! B-trees of both versions.

use super::{Reader, Step, Walk};

impl<'a> Walk<'a> {
    /// Leaves of a tree of the first version: start of each key, and the address it leads to.
    pub(super) fn tree(&mut self, root: usize, kind: u8, key_len: usize) -> Step<Vec<(Reader<'a>, usize)>> {
        let mut leaves = Vec::new();
        let mut nodes = vec![root];
        while let Some(at) = nodes.pop() {
            if !self.first_visit(at) {
                return Err("a tree in a circle");
            }
            let mut r = self.signed(at, b"TREE", "no tree where one should be")?;
            let (found, level, entries) = (r.u8()?, r.u8()?, r.u16()?);
            if found != kind {
                return Err("a tree of another kind");
            }
            r.take(2 * self.offset_size)?;
            for _ in 0..entries {
                let key = r.part(key_len)?;
                let child = r.offset()?.ok_or("a branch that leads nowhere")?;
                if level == 0 { leaves.push((key, child)) } else { nodes.push(child) }
            }
            // One key more than there are branches, in trees that have any.
            r.take(if entries > 0 { key_len } else { 0 })?;
            self.claim_to(at, &r);
        }
        Ok(leaves)
    }

    /// All records of a tree of the second version.
    pub(super) fn records(&mut self, at: usize) -> Step<Vec<Reader<'a>>> {
        let mut r = self.signed(at, b"BTHD", "no tree where one should be")?;
        r.take(2)?;
        let (node, record, depth) = (r.u32()?, r.u16()?, r.u16()?);
        r.take(2)?;
        let (root, count) = (r.offset()?, r.u16()?);
        r.length()?;
        r.take(4)?;
        self.claim_to(at, &r);
        let mut records = Vec::new();
        if record == 0 || node < 16 {
            return Err("a tree without room");
        }
        if let Some(root) = root {
            let shape = Shape::new(node, record, self.offset_size, depth)?;
            self.node(root, count, depth, &shape, &mut records)?;
        }
        Ok(records)
    }

    fn node(&mut self, at: usize, count: usize, depth: usize, shape: &Shape, records: &mut Vec<Reader<'a>>) -> Step<()> {
        if !self.first_visit(at) {
            return Err("a tree in a circle");
        }
        let letters = if depth == 0 { b"BTLF" } else { b"BTIN" };
        let mut r = self.signed(at, letters, "no branch where one should be")?;
        r.take(2)?;
        for _ in 0..count {
            records.push(r.part(shape.record)?);
        }
        let mut children = Vec::new();
        if depth > 0 {
            for _ in 0..=count {
                let child = r.offset()?.ok_or("a branch that leads nowhere")?;
                let records = r.number(shape.count_len)? as usize;
                r.take(if depth > 1 { shape.total_len[depth - 1] } else { 0 })?;
                children.push((child, records));
            }
        }
        r.take(4)?;
        self.claim_to(at, &r);
        for (child, count) in children {
            self.node(child, count, depth - 1, shape, records)?;
        }
        Ok(())
    }
}

/// Widths of the numbers in a node, which follow from how much fits in one.
struct Shape {
    record: usize,
    count_len: usize,
    total_len: Vec<usize>,
}

impl Shape {
    fn new(node: usize, record: usize, offset_size: usize, depth: usize) -> Step<Self> {
        let bytes_for = |n: usize| (n.max(1).ilog2() / 8 + 1) as usize;
        if depth > 8 {
            return Err("a tree that is too deep");
        }
        let in_leaf = (node - 10) / record;
        let count_len = bytes_for(in_leaf);
        let (mut total, mut total_len) = (in_leaf, vec![0]);
        for level in 1..=depth {
            let pointer = offset_size + count_len + if level > 1 { total_len[level - 1] } else { 0 };
            let most = node.checked_sub(10 + pointer).ok_or("a tree without room")? / (record + pointer);
            total = (most + 1).saturating_mul(total).saturating_add(most);
            total_len.push(bytes_for(total));
        }
        Ok(Self { record, count_len, total_len })
    }
}
