//! What making weights holds at its peak, counted by the allocator.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use knarr_grid::Grid;
use knarr_regrid::{Estimate, Method, Options, Weights};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

impl Counting {
    fn grow(bytes: usize) {
        PEAK.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
    }
}

// SAFETY: all is handed on to the system's allocator; only sizes are noted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    // Large blocks grow in place or by moving pages, so that the old and the new one are not held together.
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        Self::grow(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_peak_is_below_its_bound_and_below_the_estimate() {
    // Source, destination, bytes per link: 12 for the link, 16 for each cell's area and fraction, 8 per destination row,
    // 40 for each cell that a formula gives while overlaps are made, the search tree where there is one, and what is not
    // yet joined.
    let pairs = [
        ("r720x360", "CS180", 36.0),
        ("CS180", "r720x360", 48.0),
        ("CS180", "ICO60", 72.0),
        ("O200", "H128n", 38.0),
        ("r720x360", "O160", 32.0),
    ];
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        for (source, destination, bound) in pairs {
            let grid = |spec: &str| Grid::from_spec(spec).unwrap_or_else(|e| panic!("{spec}: {e}"));
            let (s, d) = (grid(source), grid(destination));
            let options = Options::new(Method::Conservative);
            let before = HELD.load(Relaxed);
            PEAK.store(before, Relaxed);
            let weights = pool.install(|| Weights::build(&s, &d, &options)).expect("grids with corners");
            let peak = PEAK.load(Relaxed) - before;
            let estimate = Estimate::of(&s, &d, &options).bytes;
            let per_link = peak as f64 / weights.len() as f64;
            let over = estimate as f64 / peak as f64;
            println!("{source} -> {destination}, {threads} threads: {per_link:.1} bytes per link, {over:.2} of it estimated");
            assert!(per_link < bound, "{source} -> {destination}: {per_link:.1} bytes per link");
            assert!(peak as u64 <= estimate, "{source} -> {destination}: {peak} bytes, estimated {estimate}");
        }
    }
}
