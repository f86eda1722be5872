//! Memory of large arrays in huge pages: the system hands them out in pieces of 2 MiB rather than of 4 KiB, five hundred
//! times more often, which takes as long as filling them with weights.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, whose larger blocks are asked for in huge pages.
pub struct HugePages;

/// Bytes of a huge page, and of another one.
const HUGE: usize = 1 << 21;
const SMALL: usize = 1 << 12;

/// Asks for huge pages in a block; where there are none to be had it is as good as before.
fn ask(start: *mut u8, bytes: usize) {
    if bytes < HUGE || start.is_null() {
        return;
    }
    #[allow(unsafe_code, reason = "calls of the system")]
    // SAFETY: the block is one of the system's allocator, and how its pages are backed changes no value in them.
    unsafe {
        // To its very end: a block of which a part is backed in another way cannot be moved without being copied.
        let end = start as usize + libc::malloc_usable_size(start.cast());
        let first = start as usize / SMALL * SMALL;
        let pages = start.wrapping_sub(start as usize - first);
        libc::madvise(pages.cast(), end / SMALL * SMALL - first, libc::MADV_HUGEPAGE);
    }
}

#[allow(unsafe_code, reason = "allocators have no other form")]
// SAFETY: all blocks are those of the system's allocator.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let start = unsafe { System.alloc(layout) };
        ask(start, layout.size());
        start
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let start = unsafe { System.alloc_zeroed(layout) };
        ask(start, layout.size());
        start
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        let start = unsafe { System.realloc(start, layout, bytes) };
        if bytes > layout.size() {
            ask(start, bytes);
        }
        start
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(start, layout) }
    }
}
