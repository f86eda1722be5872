//! Memory of the device.

use super::{Gpu, GpuError, Numbers, Width};
use rayon::prelude::*;
use std::sync::mpsc;
use std::time::Duration;

/// Bytes that pass the bus at a time; what the driver stages them in takes as much.
const PIECE: usize = 64 << 20;

/// Bytes that a core copies at a time.
const COPIED: usize = 1 << 20;

/// How long to wait for word of a copy that is done.
const PATIENCE: Duration = Duration::from_secs(20);

/// Some memory of a device.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub(super) raw: wgpu::Buffer,
    bytes: u64,
}

impl Buffer {
    /// Bytes asked for; 0 is allowed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn of_raw(raw: wgpu::Buffer, bytes: u64) -> Self {
        Self { raw, bytes }
    }
}

impl Gpu {
    /// New memory, of zeros.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] beyond the device's limit, [`GpuError::OutOfMemory`] if the device has not as much,
    /// [`GpuError::Lost`].
    pub fn buffer(&self, what: &str, bytes: u64) -> Result<Buffer, GpuError> {
        let limit = self.facts().buffer_bytes;
        if bytes > limit {
            return Err(GpuError::TooLarge { what: what.to_owned(), bytes, limit });
        }
        // Bindings and copies are of at least some bytes, and of multiples of 4.
        let size = bytes.max(32).next_multiple_of(16);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: false };
        let raw = self.scoped(what, bytes, || self.shared.device.create_buffer(&descriptor))?;
        Ok(Buffer { raw, bytes })
    }

    /// New memory with `values`.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn upload<T: bytemuck::Pod>(&self, what: &str, values: &[T]) -> Result<Buffer, GpuError> {
        let buffer = self.buffer(what, size_of_val(values) as u64)?;
        self.write(&buffer, 0, values)?;
        Ok(buffer)
    }

    /// New memory with `values` as a kernel's `real`.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn upload_real(&self, what: &str, values: &[f64], numbers: Numbers) -> Result<Buffer, GpuError> {
        match numbers.real {
            Width::F64 => self.upload(what, values),
            Width::F32 => self.upload(what, &values.iter().map(|&v| v as f32).collect::<Vec<f32>>()),
        }
    }

    /// Writes `values` from byte `offset` on, before the next step.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] beyond the end, [`GpuError::Lost`].
    pub fn write<T: bytemuck::Pod>(&self, buffer: &Buffer, offset: u64, values: &[T]) -> Result<(), GpuError> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let (found, room) = (bytes.len(), buffer.bytes.saturating_sub(offset) as usize);
        if found > room {
            return Err(GpuError::WrongLength { what: "what is written", found, expected: room });
        }
        if bytes.is_empty() {
            return self.check();
        }
        self.scoped("an upload", found as u64, || {
            for (k, piece) in bytes.chunks(PIECE).enumerate() {
                self.shared.queue.write_buffer(&buffer.raw, offset + (k * PIECE) as u64, piece);
                if bytes.len() > PIECE {
                    // Else all pieces would be staged at once.
                    self.shared.queue.submit([]);
                }
            }
        })?;
        self.shared.counters.uploaded(found as u64);
        Ok(())
    }

    /// Reads `len` values from byte `offset` on, after all that was submitted.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] beyond the end, [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub fn read<T: bytemuck::Pod>(&self, buffer: &Buffer, offset: u64, len: usize) -> Result<Vec<T>, GpuError> {
        let (found, room) = (len * size_of::<T>(), buffer.bytes.saturating_sub(offset) as usize);
        if found > room {
            return Err(GpuError::WrongLength { what: "what is read", found, expected: room });
        }
        let mut values = vec![T::zeroed(); len];
        self.read_into(buffer, offset, &mut values)?;
        Ok(values)
    }

    /// Reads `len` numbers of a kernel's `real`.
    ///
    /// # Errors
    /// As [`Gpu::read`].
    pub fn read_real(&self, buffer: &Buffer, len: usize, width: Width) -> Result<Vec<f64>, GpuError> {
        match width {
            Width::F64 => self.read(buffer, 0, len),
            Width::F32 => Ok(self.read::<f32>(buffer, 0, len)?.into_iter().map(f64::from).collect()),
        }
    }

    pub(crate) fn read_into<T: bytemuck::Pod>(&self, buffer: &Buffer, offset: u64, values: &mut [T]) -> Result<(), GpuError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(values);
        if bytes.is_empty() {
            return self.check();
        }
        let total = bytes.len();
        let size = (total.min(PIECE) as u64).next_multiple_of(4);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some("read back"), size, usage, mapped_at_creation: false };
        let staging = self.scoped("a download", size, || self.shared.device.create_buffer(&descriptor))?;
        for (k, piece) in bytes.chunks_mut(PIECE).enumerate() {
            let (from, len) = (offset + (k * PIECE) as u64, (piece.len() as u64).next_multiple_of(4));
            let (tell, told) = mpsc::channel();
            self.scoped("a download", len, || {
                let mut encoder = self.shared.device.create_command_encoder(&Default::default());
                encoder.copy_buffer_to_buffer(&buffer.raw, from, &staging, 0, len);
                self.shared.queue.submit([encoder.finish()]);
                staging.map_async(wgpu::MapMode::Read, ..len, move |done| {
                    let _ = tell.send(done);
                });
            })?;
            self.wait()?;
            let refused = |why: String| GpuError::Refused { what: "a download".into(), why };
            // Another thread that polls the device may be the one that tells, some time later.
            match told.recv_timeout(PATIENCE) {
                Ok(Ok(())) => (),
                Ok(Err(error)) => return Err(refused(error.to_string())),
                Err(_) => return Err(refused("the copy did not end".into())),
            }
            {
                let view = staging.get_mapped_range(..len).map_err(|e| refused(e.to_string()))?;
                // Memory that is new is made ready by all cores.
                let view: &[u8] = &view[..piece.len()];
                piece.par_chunks_mut(COPIED).zip(view.par_chunks(COPIED)).for_each(|(to, from)| to.copy_from_slice(from));
            }
            staging.unmap();
        }
        self.shared.counters.downloaded(total as u64);
        Ok(())
    }
}
