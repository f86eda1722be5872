//! Memory of large arrays in huge pages, where the system has such pages at hand: it hands them out in pieces of 2 MiB rather
//! than of 4 KiB, five hundred times more often, which takes as long as filling them with weights.
//!
//! Where memory is in pieces the system would make room for such pages while one waits, which takes longer than it saves:
//! then they are not asked for.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, whose larger blocks are asked for in huge pages.
pub struct HugePages;

/// Bytes of a page, and of a huge one.
const SMALL: usize = 1 << 12;
const HUGE: usize = 1 << 21;
/// Blocks from here on have at least one whole huge page.
const LARGE: usize = 2 * HUGE;
/// Times a block that the system should have at hand: other blocks are filled at the same time, and other programs ask too.
const SPARE: u64 = 4;

/// Asks for huge pages in a block.
fn ask(start: *mut u8, bytes: usize) {
    if bytes < LARGE || start.is_null() || at_hand() < SPARE * bytes as u64 {
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

/// Bytes that are free in pieces as large as huge pages; 0 where the system does not tell, or has pages of another size.
fn at_hand() -> u64 {
    let mut text = [0; 4096];
    let mut read = 0;
    #[allow(unsafe_code, reason = "calls of the system: what reads files elsewhere asks for memory")]
    // SAFETY: the file is this function's own, and no more is read than there is space for.
    unsafe {
        if libc::sysconf(libc::_SC_PAGESIZE) != SMALL as libc::c_long {
            return 0;
        }
        let file = libc::open(c"/proc/buddyinfo".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return 0;
        }
        while let rest @ 1.. = text.len() - read {
            match libc::read(file, text[read..].as_mut_ptr().cast(), rest) {
                count @ 1.. => read += count as usize,
                _ => break,
            }
        }
        libc::close(file);
    }
    std::str::from_utf8(&text[..read]).map_or(0, free_in_large_pieces)
}

/// Of lines such as `Node 0, zone Normal 5 3 …`: numbers of free pieces of 1, 2, 4 … pages.
fn free_in_large_pieces(buddies: &str) -> u64 {
    let of_zone = |line: &str| -> u64 {
        let counts = line.split_ascii_whitespace().skip(4).map(|count| count.parse::<u64>().unwrap_or(0));
        counts
            .enumerate()
            .map(|(order, count)| (order, count * ((SMALL as u64) << order)))
            .filter(|p| SMALL << p.0 >= HUGE)
            .map(|p| p.1)
            .sum()
    };
    buddies.lines().map(of_zone).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_pieces_count() {
        let buddies = "Node 0, zone      DMA      1      1      1      0      2      1      1      0      1      1      3 \n\
                       Node 0, zone   Normal  24757  15359   9649   3406  15201  11002   6106   1526   1216    421   1091 \n";
        assert_eq!(free_in_large_pieces(buddies), (1 + 421) * (2 << 20) + (3 + 1091) * (4 << 20));
        assert_eq!(free_in_large_pieces("Node 0, zone Normal 9 9 9 9 9 9 9 9 9 0 0\n"), 0);
        assert_eq!(free_in_large_pieces("nothing of the kind"), 0);
    }

    #[test]
    fn large_blocks_keep_their_values_as_they_grow_and_shrink() {
        let mut values: Vec<u64> = (0..LARGE as u64 / 4).collect();
        values.extend(LARGE as u64 / 4..LARGE as u64);
        values.truncate(LARGE / 8);
        values.shrink_to_fit();
        assert!(values.iter().zip(0..).all(|(&value, k)| value == k) && values.len() == LARGE / 8);
        assert!(vec![0u8; 3 * LARGE].iter().all(|&byte| byte == 0));
    }
}
