//! Global heaps: where sequences and strings of any length are kept.

use super::{Reader, Spans, Step, Walk};
use std::collections::{BTreeMap, HashMap};

/// Collections met, with what is referenced in each.
#[derive(Default)]
pub(super) struct GlobalHeaps(BTreeMap<usize, Collection>);

struct Collection {
    header: usize,
    /// Index, then start of the object's header, start of its data and their length.
    objects: HashMap<usize, (usize, usize, usize)>,
    free_header: Option<(usize, usize)>,
    used: Vec<usize>,
}

impl GlobalHeaps {
    /// Claims headers and objects that something refers to; others count as left over.
    pub fn claim(self, spans: &mut Spans) {
        for (at, mut collection) in self.0 {
            spans.claim(at, collection.header);
            if let Some((start, len)) = collection.free_header {
                spans.claim(start, len);
            }
            collection.used.sort_unstable();
            collection.used.dedup();
            for index in collection.used {
                let (start, data, len) = collection.objects[&index];
                spans.claim(start, data - start + len);
            }
        }
    }
}

impl<'a> Walk<'a> {
    /// What an element of variable length in `r` points at; `None` for an empty one.
    pub(super) fn element(&mut self, r: &mut Reader<'a>) -> Step<Option<&'a [u8]>> {
        let len = r.u32()?;
        let at = r.offset_number()?;
        let index = r.u32()?;
        if at == 0 || len == 0 && index == 0 {
            return Ok(None);
        }
        if !self.heaps.0.contains_key(&at) {
            let collection = self.collection(at)?;
            self.heaps.0.insert(at, collection);
        }
        let collection = self.heaps.0.get_mut(&at).expect("it was read above");
        let &(_, start, len) = collection.objects.get(&index).ok_or("an element that is not in its heap")?;
        collection.used.push(index);
        Ok(Some(&self.bytes[start..start + len]))
    }

    fn collection(&self, at: usize) -> Step<Collection> {
        let mut r = self.signed(at, b"GCOL", "no heap where one should be")?;
        r.take(4)?;
        let size = r.length()?;
        let header = r.at - at;
        let end = at.checked_add(size).filter(|&end| end <= self.bytes.len()).ok_or("a heap beyond the end of the file")?;
        let mut collection = Collection { header, objects: HashMap::new(), free_header: None, used: Vec::new() };
        while r.at + 8 + self.length_size <= end {
            let start = r.at;
            let index = r.u16()?;
            r.take(6)?;
            let len = r.length()?;
            if index == 0 {
                collection.free_header = Some((start, r.at - start));
                break;
            }
            let data = r.at;
            r.take(len.checked_next_multiple_of(8).ok_or("a heap object beyond the file")?)?;
            if r.at > end || collection.objects.insert(index, (start, data, len)).is_some() {
                return Err("a heap whose objects do not fit");
            }
        }
        Ok(collection)
    }
}
