//! What the HDF5 library alone can do, and the crate around it does not offer: bytes of chunks as they are stored.

#![allow(unsafe_code, reason = "the library's functions for stored chunks have no safe form")]

use hdf5_metno::Dataset;
use hdf5_metno_sys::LOCK;
use hdf5_metno_sys::h5::{haddr_t, herr_t, hsize_t};
use hdf5_metno_sys::h5d::{H5Dget_chunk_info_by_coord, H5Dget_type, H5Dread_chunk, H5Dset_extent, H5Dwrite_chunk};
use hdf5_metno_sys::h5i::hid_t;
use hdf5_metno_sys::h5p::{H5P_DEFAULT, H5Pget_fill_value};
use hdf5_metno_sys::h5t::{self, H5Tclose, H5Tequal};
use knarr_field::NumberType;
use std::os::raw::c_uint;

unsafe extern "C" {
    /// Declared in H5Dpublic.h since 1.10.2.
    fn H5Dget_chunk_storage_size(dataset: hid_t, offset: *const hsize_t, bytes: *mut hsize_t) -> herr_t;
}

/// The library prints failures unless told otherwise, by each thread anew.
fn quiet() {
    hdf5_metno::silence_errors(true);
}

/// Numbers of these types are stored as every machine knows them, in one of two byte orders.
fn standard_types() -> [(NumberType, hid_t, hid_t); 10] {
    [
        (NumberType::I8, *h5t::H5T_STD_I8LE, *h5t::H5T_STD_I8BE),
        (NumberType::U8, *h5t::H5T_STD_U8LE, *h5t::H5T_STD_U8BE),
        (NumberType::I16, *h5t::H5T_STD_I16LE, *h5t::H5T_STD_I16BE),
        (NumberType::U16, *h5t::H5T_STD_U16LE, *h5t::H5T_STD_U16BE),
        (NumberType::I32, *h5t::H5T_STD_I32LE, *h5t::H5T_STD_I32BE),
        (NumberType::U32, *h5t::H5T_STD_U32LE, *h5t::H5T_STD_U32BE),
        (NumberType::I64, *h5t::H5T_STD_I64LE, *h5t::H5T_STD_I64BE),
        (NumberType::U64, *h5t::H5T_STD_U64LE, *h5t::H5T_STD_U64BE),
        (NumberType::F32, *h5t::H5T_IEEE_F32LE, *h5t::H5T_IEEE_F32BE),
        (NumberType::F64, *h5t::H5T_IEEE_F64LE, *h5t::H5T_IEEE_F64BE),
    ]
}

/// Whether a dataset holds numbers of that type: `Some(true)` if in the other byte order than the machine's, `None`
/// if it holds anything else.
pub(super) fn is_swapped(dataset: &Dataset, number: NumberType) -> Option<bool> {
    let _guard = LOCK.lock();
    // SAFETY: the ids are those of an open dataset and of types of the library; the type got is closed again.
    unsafe {
        let found = H5Dget_type(dataset.id());
        if found < 0 {
            return None;
        }
        let (_, little, big) = standard_types().into_iter().find(|(n, ..)| *n == number)?;
        let (is_little, is_big) = (H5Tequal(found, little) > 0, H5Tequal(found, big) > 0);
        H5Tclose(found);
        match (is_little, is_big) {
            // Single bytes have no order.
            (true, true) => Some(false),
            (true, false) => Some(cfg!(target_endian = "big")),
            (false, true) => Some(cfg!(target_endian = "little")),
            (false, false) => None,
        }
    }
}

/// Bytes of the value that stands where nothing was written, in the byte order of the file.
pub(super) fn fill_bytes(dataset: &Dataset, size: usize) -> Option<[u8; 8]> {
    let plist = dataset.dcpl().ok()?;
    let mut bytes = [0; 8];
    if size > bytes.len() {
        return None;
    }
    let _guard = LOCK.lock();
    // SAFETY: the ids are open; the library writes one value of the dataset's type, which has `size` <= 8 bytes by the
    // caller's check of its type.
    let status = unsafe {
        let kind = H5Dget_type(dataset.id());
        if kind < 0 {
            return None;
        }
        let status = H5Pget_fill_value(plist.id(), kind, bytes.as_mut_ptr().cast());
        H5Tclose(kind);
        status
    };
    (status >= 0).then_some(bytes)
}

/// Reads the stored bytes of the chunk whose first value is at `offset` into `bytes`; gives its filter mask, or `None`
/// if nothing was written there.
///
/// # Errors
/// What the library says.
pub(super) fn read_chunk(dataset: &Dataset, offset: &[u64], bytes: &mut Vec<u8>) -> Result<Option<u32>, String> {
    assert_eq!(offset.len(), dataset.ndim(), "an index for each dimension");
    let _guard = LOCK.lock();
    quiet();
    let mut size: hsize_t = 0;
    // SAFETY: `offset` has as many elements as the open dataset has dimensions (checked above).
    let sized = unsafe { H5Dget_chunk_storage_size(dataset.id(), offset.as_ptr(), &mut size) };
    if sized < 0 || size == 0 {
        // Some versions of the library call a chunk that is not there an error, others give it 0 bytes.
        let (mut mask, mut address, mut found): (c_uint, haddr_t, hsize_t) = (0, 0, 0);
        // SAFETY: as above; the other pointers are to locals.
        let told = unsafe { H5Dget_chunk_info_by_coord(dataset.id(), offset.as_ptr(), &mut mask, &mut address, &mut found) };
        return if told >= 0 && (address == haddr_t::MAX || found == 0) { Ok(None) } else { Err(reason("locate")) };
    }
    let size = usize::try_from(size).map_err(|_| "it is larger than memory".to_owned())?;
    bytes.clear();
    bytes.try_reserve_exact(size).map_err(|_| format!("it claims to have {size} bytes"))?;
    bytes.resize(size, 0);
    let mut mask = 0u32;
    // SAFETY: the library writes as many bytes as it just said the chunk has, and the lock was held since.
    let status = unsafe { H5Dread_chunk(dataset.id(), H5P_DEFAULT, offset.as_ptr(), &mut mask, bytes.as_mut_ptr().cast()) };
    if status < 0 { Err(reason("read")) } else { Ok(Some(mask)) }
}

/// Stores `bytes`, encoded by all filters of the dataset, as the chunk whose first value is at `offset`.
///
/// # Errors
/// What the library says.
pub(super) fn write_chunk(dataset: &Dataset, offset: &[u64], bytes: &[u8]) -> Result<(), String> {
    assert_eq!(offset.len(), dataset.ndim(), "an index for each dimension");
    let _guard = LOCK.lock();
    quiet();
    // SAFETY: `offset` has as many elements as the open dataset has dimensions; the library reads `bytes.len()` bytes.
    let status = unsafe { H5Dwrite_chunk(dataset.id(), H5P_DEFAULT, 0, offset.as_ptr(), bytes.len(), bytes.as_ptr().cast()) };
    if status < 0 { Err(reason("write")) } else { Ok(()) }
}

/// Gives a dataset that can grow the lengths `lens`.
///
/// # Errors
/// What the library says.
pub(super) fn extend(dataset: &Dataset, lens: &[u64]) -> Result<(), String> {
    assert_eq!(lens.len(), dataset.ndim(), "a length for each dimension");
    let _guard = LOCK.lock();
    quiet();
    // SAFETY: `lens` has as many elements as the open dataset has dimensions.
    let status = unsafe { H5Dset_extent(dataset.id(), lens.as_ptr()) };
    if status < 0 { Err(reason("extend the variable for")) } else { Ok(()) }
}

/// The library's innermost words on its last failure.
fn reason(action: &str) -> String {
    let stack = match hdf5_metno::Error::query() {
        Ok(hdf5_metno::Error::HDF5(stack)) => stack.expand().ok(),
        _ => None,
    };
    match stack.as_ref().and_then(|frames| frames.last()) {
        Some(frame) => format!("the HDF5 library cannot {action} it: {}", frame.desc()),
        None => format!("the HDF5 library cannot {action} it"),
    }
}
