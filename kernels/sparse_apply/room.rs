//! Memory that starts where a cache line does, so that whole vectors lie in one line each.

use super::writer::LINE;

/// `N` times `L` values.
pub(crate) struct Room<V, const L: usize, const N: usize> {
    values: Vec<V>,
    start: usize,
}

impl<V: Copy + Default, const L: usize, const N: usize> Default for Room<V, L, N> {
    fn default() -> Self {
        let values = vec![V::default(); L * N + LINE / size_of::<V>()];
        // Any start will do, this one is fast.
        let start = values.as_ptr().align_offset(LINE).min(LINE / size_of::<V>());
        Self { values, start }
    }
}

impl<V, const L: usize, const N: usize> Room<V, L, N> {
    pub(crate) fn values(&mut self) -> &mut [[V; L]; N] {
        (&mut *self.values[self.start..self.start + L * N].as_chunks_mut().0).try_into().expect("N times L values")
    }
}
