//! Buffers that threads use one after the other, so that their memory is not asked for and cleared again for each chunk.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that nobody uses, as many as there are threads at most.
#[derive(Default)]
pub(super) struct Pool<T>(Mutex<Vec<T>>);

/// A buffer that goes back to its pool.
pub(super) struct Lent<'p, T> {
    pool: &'p Pool<T>,
    /// Taken when it is dropped.
    buffer: Option<T>,
}

impl<T: Default> Pool<T> {
    /// A buffer used before, or a new one.
    pub(super) fn lend(&self) -> Lent<'_, T> {
        let buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Lent { pool: self, buffer: Some(buffer) }
    }
}

impl<T> std::fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.buffer.as_ref().expect("it is there until dropped")
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.buffer.as_mut().expect("it is there until dropped")
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let mut idle = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < rayon::current_num_threads() {
            idle.extend(self.buffer.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_none_by_two() {
        let pool = Pool::<Vec<u8>>::default();
        let (mut first, mut second) = (pool.lend(), pool.lend());
        first.push(1);
        second.push(2);
        drop(first);
        assert_eq!(*pool.lend(), [1]);
        drop(second);
        let kept = pool.0.lock().expect("nobody panicked").len();
        assert_eq!(kept, rayon::current_num_threads().min(2));
    }
}
