//! Fields that stay on a device.

use super::{Binding, Buffer, Gpu, GpuError, Numbers, Stored, Width};
use crate::sparse_apply::SlabFlags;
use crate::twins::blocked_layout;
use std::marker::PhantomData;

/// Slabs that a block can have. A cell's flags are a word, and with 4 bytes each 32 slabs of a cell are a line of the cache.
const LANES: [usize; 5] = [MOST_LANES, 16, 8, 4, 1];
const MOST_LANES: usize = 32;

/// Blocks start at multiples of this; no device asks for more.
const BLOCK_ALIGNMENT: u64 = 256;

/// How the values of a field lie in memory: `[slab / lanes][cell][slab % lanes]`, blocks of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockShape {
    /// Cells of a slab.
    pub cells: usize,
    /// Slabs: levels, times, variables.
    pub slabs: usize,
    /// Slabs of a block: 1, 4, 8, 16 or 32.
    pub lanes: usize,
}

impl BlockShape {
    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.slabs.div_ceil(self.lanes)
    }

    /// Bytes from a block to the next, of values of `size` bytes each.
    pub fn block_bytes(&self, size: usize) -> u64 {
        ((self.cells * self.lanes * size) as u64).next_multiple_of(BLOCK_ALIGNMENT)
    }

    /// Bytes from a block's flags to the next.
    pub fn flag_bytes(&self) -> u64 {
        (4 * self.cells as u64).next_multiple_of(BLOCK_ALIGNMENT)
    }

    /// Slabs of block `k`.
    pub fn slabs_of(&self, block: usize) -> usize {
        self.lanes.min(self.slabs - block * self.lanes)
    }
}

/// Values of some slabs on a device, and which are valid.
///
/// A word per cell and block has the validity, a bit per lane. Values that are not valid may be anything; kernels make
/// them 0 where they write them.
#[derive(Clone, Debug)]
pub struct DeviceField<V> {
    pub(crate) values: Buffer,
    pub(crate) valid: Option<Buffer>,
    shape: BlockShape,
    kind: PhantomData<V>,
}

impl Gpu {
    /// Slabs of a block for fields of `V` whose largest slab has `cells` cells.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] if one slab is more than a binding.
    pub fn lanes<V: Stored>(&self, cells: usize, slabs: usize) -> Result<usize, GpuError> {
        // Fewer blocks, unless the last of them would be half empty for that.
        let is_half_empty = slabs.next_multiple_of(MOST_LANES) > slabs.next_multiple_of(MOST_LANES / 2);
        let wide = if is_half_empty { MOST_LANES / 2 } else { MOST_LANES };
        let wanted = LANES.into_iter().rev().find(|&lanes| lanes >= slabs).unwrap_or(wide);
        let bytes = |lanes: usize| (cells * lanes * V::WIDTH.bytes()) as u64;
        let limit = self.binding_limit();
        let fits = LANES.into_iter().find(|&lanes| lanes <= wanted && bytes(lanes) <= limit);
        fits.ok_or_else(|| GpuError::TooLarge { what: "a slab of a field".into(), bytes: bytes(1), limit })
    }
}

impl<V: Stored> DeviceField<V> {
    /// Zeros for `slabs` slabs; with flags, none of them set, if asked.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] if a block is more than a binding, or all more than a buffer; [`GpuError::OutOfMemory`].
    pub fn zeros(gpu: &Gpu, shape: BlockShape, has_flags: bool) -> Result<Self, GpuError> {
        let (size, limit) = (V::WIDTH.bytes(), gpu.binding_limit());
        let block = (shape.cells * shape.lanes * size) as u64;
        if block > limit {
            return Err(GpuError::TooLarge { what: "a block of a field".into(), bytes: block, limit });
        }
        let blocks = shape.blocks() as u64;
        let values = gpu.buffer("a field", blocks * shape.block_bytes(size))?;
        let valid = if has_flags { Some(gpu.buffer("flags of a field", blocks * shape.flag_bytes())?) } else { None };
        Ok(Self { values, valid, shape, kind: PhantomData })
    }

    /// Slabs of `cells` values that lie one after the other, with their validity (`None`: all valid).
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if `values` are not whole slabs or `valid` is of others; as [`DeviceField::zeros`].
    pub fn upload(gpu: &Gpu, cells: usize, values: &[V], valid: Option<&SlabFlags>, lanes: usize) -> Result<Self, GpuError> {
        let slabs = values.len().checked_div(cells).unwrap_or(0);
        if slabs * cells != values.len() {
            return Err(GpuError::WrongLength { what: "the field", found: values.len(), expected: slabs.max(1) * cells });
        }
        let field = Self::zeros(gpu, BlockShape { cells, slabs, lanes }, valid.is_some())?;
        field.replace(gpu, values, valid)?;
        Ok(field)
    }

    /// Writes other values into the field.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if they do not fit the field, or flags are given to a field without.
    pub fn replace(&self, gpu: &Gpu, values: &[V], valid: Option<&SlabFlags>) -> Result<(), GpuError> {
        let BlockShape { cells, slabs, .. } = self.shape;
        let check = |what, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(GpuError::WrongLength { what, found, expected }),
        };
        check("the field", values.len(), cells * slabs)?;
        if let Some(valid) = valid {
            check("the flags", valid.cells() * valid.slabs(), cells * slabs)?;
        }
        check("the flags on the device", usize::from(self.valid.is_some()), usize::from(valid.is_some()))?;
        blocked_layout::upload(gpu, self, values, valid)
    }

    /// The slabs, one after the other, and their validity.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub fn download(&self, gpu: &Gpu) -> Result<(Vec<V>, Option<SlabFlags>), GpuError> {
        blocked_layout::download(gpu, self)
    }

    /// The same values with the flags of another field, which both then share.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if the other has another shape.
    pub fn with_flags_of(&self, other: &Self) -> Result<Self, GpuError> {
        if self.shape != other.shape {
            let [found, expected] = [other.shape, self.shape].map(|s| s.cells * s.slabs * s.lanes);
            return Err(GpuError::WrongLength { what: "the flags of another field", found, expected });
        }
        Ok(Self { valid: other.valid.clone(), ..self.clone() })
    }

    /// Its shape.
    pub fn shape(&self) -> BlockShape {
        self.shape
    }

    /// Whether values may be missing.
    pub fn has_flags(&self) -> bool {
        self.valid.is_some()
    }

    /// The values of a block.
    pub fn block(&self, block: usize) -> Binding<'_> {
        let size = V::WIDTH.bytes();
        let bytes = (self.shape.cells * self.shape.lanes * size) as u64;
        Binding::part(&self.values, block as u64 * self.shape.block_bytes(size), bytes)
    }

    /// The words of a block; something to bind if all values are valid.
    pub fn flags(&self, block: usize) -> Binding<'_> {
        match &self.valid {
            Some(valid) => Binding::part(valid, block as u64 * self.shape.flag_bytes(), 4 * self.shape.cells as u64),
            None => self.block(0),
        }
    }

    /// The values of all blocks, for kernels that need several slabs of a cell.
    pub fn whole(&self) -> Binding<'_> {
        (&self.values).into()
    }

    /// The words of all blocks; something to bind if all values are valid.
    pub fn whole_flags(&self) -> Binding<'_> {
        self.valid.as_ref().map_or_else(|| self.whole(), Into::into)
    }

    /// Values, and words, from a block to the next.
    pub fn strides(&self) -> [u32; 2] {
        let size = V::WIDTH.bytes();
        [(self.shape.block_bytes(size) / size as u64) as u32, (self.shape.flag_bytes() / 4) as u32]
    }

    /// The numbers of kernels on this field.
    ///
    /// # Errors
    /// [`GpuError::NoF64`].
    pub fn numbers(gpu: &Gpu) -> Result<Numbers, GpuError> {
        Numbers::of::<V>(gpu)
    }

    /// The width of its values.
    pub fn width(&self) -> Width {
        V::WIDTH
    }
}
