//! Numbers that fields are stored as, and how many of them a tile takes.

use super::gaps::{NO_GAPS, ONE_MASK, OWN_MASKS};
use super::layout::{PAGE, Plan};
#[cfg(target_arch = "x86_64")]
use super::products::vectors::{eight_f32, eight_f64, four_f32, four_f64, picked_f32, picked_f64};
#[cfg(target_arch = "x86_64")]
use super::quads::{narrow_quad_f32, narrow_quad_f64, quad_f32, quad_f64, stream_quad_f32, stream_quad_f64};
use super::tile::{Tile, Work};
use super::transpose::{AVX2, AVX512, PLAIN, turn_f32, turn_f64};
#[cfg(target_arch = "x86_64")]
use super::wide::{line_f32, line_f64, narrow_f32, narrow_f64, wide_f32, wide_f64};
use super::writer::{LINE, STAGED};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256d, __m256i, __m512d, __m512i};

pub(crate) mod sealed {
    use super::{LINE, Plan, Work};
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::{__m256d, __m256i, __m512d, __m512i};

    /// What the kernels need of a number.
    pub trait Sealed: Sized + Send + Sync + 'static {
        /// Whether a sum of doubles, rounded to this type, can leave the range of the values it averages.
        const CLAMPED: bool;
        /// Slabs that fill a tile.
        const LANES: usize;
        /// Values of a cache line.
        const PER_LINE: usize = LINE / size_of::<Self>();
        /// Eight values as doubles.
        ///
        /// # Safety
        /// 8 values follow the pointer; the machine has vectors of 512 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "a load through a pointer")]
        unsafe fn wide(from: *const Self) -> __m512d;
        /// Stores eight doubles rounded, 0 where no bit is.
        ///
        /// # Safety
        /// There is room for 8 values at the pointer; the machine has vectors of 512 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "a store through a pointer")]
        unsafe fn narrow(value: __m512d, there: u8, to: *mut Self);
        /// A line of doubles rounded, 0 where no bit is.
        ///
        /// # Safety
        /// There are values for a line; the machine has vectors of 512 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the machine has the instructions")]
        unsafe fn line(values: &[__m512d], there: u32) -> __m512i;
        /// Four values as doubles.
        ///
        /// # Safety
        /// 4 values follow the pointer; the machine has vectors of 256 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "a load through a pointer")]
        unsafe fn quad(from: *const Self) -> __m256d;
        /// Stores four doubles rounded.
        ///
        /// # Safety
        /// There is room for 4 values at the pointer; the machine has vectors of 256 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "a store through a pointer")]
        unsafe fn narrow_quad(value: __m256d, to: *mut Self);
        /// [`Self::narrow_quad`] past the caches.
        ///
        /// # Safety
        /// There is room for 4 values at the pointer, which is a multiple of 16; the machine has vectors of 256 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "a store through a pointer")]
        unsafe fn stream_quad(value: __m256d, to: *mut Self);
        /// Eight neighbouring values, and none.
        ///
        /// # Safety
        /// 8 values follow the pointer; the machine has vectors of 256 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "a load through a pointer")]
        unsafe fn eight(from: *const Self) -> [__m256d; 2];
        /// Of [`Self::eight`] those at eight places below 8, as doubles.
        ///
        /// # Safety
        /// The machine has vectors of 256 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the machine has the instructions")]
        unsafe fn picked(eight: [__m256d; 2], places: __m256i) -> [__m256d; 2];
        /// Four values as doubles.
        ///
        /// # Safety
        /// There are values at the places; the machine has vectors of 256 bits.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "loads without a check")]
        unsafe fn four(values: &[Self], places: [u32; 4]) -> __m256d;
        /// The tiles of a thread.
        type Tiles: Default + Send;
        /// Works through a chunk with `instructions` that the machine has.
        fn run(tiles: &mut Self::Tiles, plan: &Plan, work: Work<'_, '_, Self>, instructions: u8);
    }
}
use sealed::Sealed;

/// Numbers that fields are stored as: `f32` and `f64`.
pub trait Value: Sealed + Copy + Default + PartialOrd {
    /// As the number sums are made of.
    fn to_f64(self) -> f64;
    /// Rounded to storage.
    fn from_f64(value: f64) -> Self;
}

impl Value for f32 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Value for f64 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// Values that are moved `L` at a time.
pub trait Lanes<const L: usize>: Value {
    /// From lines of slabs to cells.
    ///
    /// # Safety
    /// [`PAGE`] values follow each pointer; the machine has the instructions `I`.
    #[allow(unsafe_code, reason = "loads through pointers")]
    unsafe fn turn_in<const I: u8>(lines: &[*const Self; L], cells: &mut [[Self; L]; PAGE]);
    /// From rows to lines of slabs, `at` of the staging of each.
    ///
    /// # Safety
    /// The machine has the instructions `I`.
    #[allow(unsafe_code, reason = "the machine has the instructions")]
    unsafe fn turn_out<const I: u8>(rows: &[[Self; L]; PAGE], staging: &mut [[Self; STAGED]; L], at: usize);
}

macro_rules! lanes {
    ($number:ty, $lanes:literal, $turn:ident) => {
        impl Lanes<$lanes> for $number {
            #[inline(always)]
            #[allow(unsafe_code, reason = "the caller promises what the function needs")]
            unsafe fn turn_in<const I: u8>(lines: &[*const Self; $lanes], cells: &mut [[Self; $lanes]; PAGE]) {
                // SAFETY: as the caller promises.
                unsafe { $turn::<I, $lanes, PAGE>(lines, cells.as_mut_ptr().cast(), $lanes) };
            }
            #[inline(always)]
            #[allow(unsafe_code, reason = "the caller promises what the function needs")]
            unsafe fn turn_out<const I: u8>(rows: &[[Self; $lanes]; PAGE], staging: &mut [[Self; STAGED]; $lanes], at: usize) {
                assert!(at + PAGE <= STAGED);
                let rows = rows.each_ref().map(|row| row.as_ptr());
                // SAFETY: as the caller promises; there is room for a page.
                unsafe { $turn::<I, PAGE, $lanes>(&rows, staging.as_mut_ptr().cast::<Self>().add(at), STAGED) };
            }
        }
    };
}
lanes!(f32, 8, turn_f32);
lanes!(f32, 16, turn_f32);
lanes!(f64, 8, turn_f64);

macro_rules! as_doubles {
    ($wide:ident, $narrow:ident, $line:ident, $quad:ident, $narrow_quad:ident, $stream_quad:ident, $eight:ident, $picked:ident, $four:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn wide(from: *const Self) -> __m512d {
            // SAFETY: as the caller promises.
            unsafe { $wide(from) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn narrow(value: __m512d, there: u8, to: *mut Self) {
            // SAFETY: as the caller promises.
            unsafe { $narrow(value, there, to) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn line(values: &[__m512d], there: u32) -> __m512i {
            // SAFETY: as the caller promises.
            unsafe { $line(values, there) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn quad(from: *const Self) -> __m256d {
            // SAFETY: as the caller promises.
            unsafe { $quad(from) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn narrow_quad(value: __m256d, to: *mut Self) {
            // SAFETY: as the caller promises.
            unsafe { $narrow_quad(value, to) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn stream_quad(value: __m256d, to: *mut Self) {
            // SAFETY: as the caller promises.
            unsafe { $stream_quad(value, to) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn eight(from: *const Self) -> [__m256d; 2] {
            // SAFETY: as the caller promises.
            unsafe { $eight(from) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn picked(eight: [__m256d; 2], places: __m256i) -> [__m256d; 2] {
            // SAFETY: as the caller promises.
            unsafe { $picked(eight, places) }
        }
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        #[allow(unsafe_code, reason = "the caller promises what the function needs")]
        unsafe fn four(values: &[Self], places: [u32; 4]) -> __m256d {
            // SAFETY: as the caller promises.
            unsafe { $four(values, places) }
        }
    };
}

impl Sealed for f32 {
    // Be g the greatest of n values, weights not negative, their sum 1 within 1e-12. The sum in f64 is then at
    // most g + |g|(1e-12 + n 2^-52), renormalised or not: for fewer than 2^24 links well below half the
    // distance 2^-26 |g| to the next f32, and rounds to g or less. The least likewise.
    const CLAMPED: bool = false;
    const LANES: usize = 16;
    as_doubles!(wide_f32, narrow_f32, line_f32, quad_f32, narrow_quad_f32, stream_quad_f32, eight_f32, picked_f32, four_f32);

    type Tiles = (Option<Tile<f32, 16>>, Option<Tile<f32, 8>>);

    fn run(tiles: &mut Self::Tiles, plan: &Plan, work: Work<'_, '_, Self>, instructions: u8) {
        if work.sources.len() > 8 {
            run(tiles.0.get_or_insert_default(), plan, work, instructions);
        } else {
            run(tiles.1.get_or_insert_default(), plan, work, instructions);
        }
    }
}

impl Sealed for f64 {
    const CLAMPED: bool = true;
    const LANES: usize = 8;
    as_doubles!(wide_f64, narrow_f64, line_f64, quad_f64, narrow_quad_f64, stream_quad_f64, eight_f64, picked_f64, four_f64);

    type Tiles = Option<Tile<f64, 8>>;

    fn run(tiles: &mut Self::Tiles, plan: &Plan, work: Work<'_, '_, Self>, instructions: u8) {
        run(tiles.get_or_insert_default(), plan, work, instructions);
    }
}

/// With gaps and without are made apart: what the one needs costs the other time.
fn run<V: Lanes<L>, const L: usize>(tile: &mut Tile<V, L>, plan: &Plan, work: Work<'_, '_, V>, instructions: u8) {
    match work.gaps {
        NO_GAPS => with_instructions::<V, L, NO_GAPS>(tile, plan, work, instructions),
        ONE_MASK => with_instructions::<V, L, ONE_MASK>(tile, plan, work, instructions),
        _ => with_instructions::<V, L, OWN_MASKS>(tile, plan, work, instructions),
    }
}

/// The same code for all instructions: none of them changes an operation or its order.
fn with_instructions<V: Lanes<L>, const L: usize, const GAPS: u8>(
    tile: &mut Tile<V, L>,
    plan: &Plan,
    work: Work<'_, '_, V>,
    instructions: u8,
) {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        AVX512 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                run_avx512::<V, L, GAPS>(tile, plan, work);
            }
        }
        #[cfg(target_arch = "x86_64")]
        AVX2 => {
            #[allow(unsafe_code, reason = "the machine has the instructions")]
            // SAFETY: the caller asked the machine.
            unsafe {
                run_avx2::<V, L, GAPS>(tile, plan, work);
            }
        }
        _ => tile.run::<PLAIN, GAPS>(plan, work),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn run_avx512<V: Lanes<L>, const L: usize, const GAPS: u8>(tile: &mut Tile<V, L>, plan: &Plan, work: Work<'_, '_, V>) {
    tile.run::<AVX512, GAPS>(plan, work);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<V: Lanes<L>, const L: usize, const GAPS: u8>(tile: &mut Tile<V, L>, plan: &Plan, work: Work<'_, '_, V>) {
    tile.run::<AVX2, GAPS>(plan, work);
}
