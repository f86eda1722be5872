//! What went to and from the host.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Copies between host and device, and submits, since the device was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Copies to the device.
    pub uploads: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Copies from the device.
    pub downloads: u64,
    /// Their bytes.
    pub downloaded_bytes: u64,
    /// Steps submitted.
    pub submits: u64,
}

impl std::ops::Sub for Copies {
    type Output = Self;

    /// What came since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        Self {
            uploads: self.uploads - earlier.uploads,
            uploaded_bytes: self.uploaded_bytes - earlier.uploaded_bytes,
            downloads: self.downloads - earlier.downloads,
            downloaded_bytes: self.downloaded_bytes - earlier.downloaded_bytes,
            submits: self.submits - earlier.submits,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    uploads: AtomicU64,
    uploaded_bytes: AtomicU64,
    downloads: AtomicU64,
    downloaded_bytes: AtomicU64,
    submits: AtomicU64,
}

impl Counters {
    pub(super) fn uploaded(&self, bytes: u64) {
        self.uploads.fetch_add(1, Relaxed);
        self.uploaded_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn downloaded(&self, bytes: u64) {
        self.downloads.fetch_add(1, Relaxed);
        self.downloaded_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn submitted(&self) {
        self.submits.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> Copies {
        Copies {
            uploads: self.uploads.load(Relaxed),
            uploaded_bytes: self.uploaded_bytes.load(Relaxed),
            downloads: self.downloads.load(Relaxed),
            downloaded_bytes: self.downloaded_bytes.load(Relaxed),
            submits: self.submits.load(Relaxed),
        }
    }
}
