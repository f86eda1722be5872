//! How a variable is chunked, and the handle to its chunks.

use super::codec::{Codec, Decoding};
use super::encode::Encoding;
use super::pool::Pool;
use super::raw;
use hdf5_metno::dataset::Layout;
use hdf5_metno::file::{FileBuilder, FileCloseDegree, OpenMode};
use hdf5_metno::{Dataset, File};
use knarr_field::NumberType;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A NetCDF-4 file as the HDF5 library sees it, open a second time beside the NetCDF library.
#[derive(Debug)]
pub(crate) struct Container {
    // Before the file, which does not close while they are open.
    known: Mutex<HashMap<String, Option<Arc<Chunked>>>>,
    file: File,
    buffers: Arc<Buffers>,
}

/// What threads code chunks with, shared by the variables of a file.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) decoding: Pool<Decoding>,
    pub(super) encoding: Pool<Encoding>,
}

/// A chunked variable whose filters are known.
#[derive(Debug)]
pub(crate) struct Chunked {
    pub(super) dataset: Dataset,
    pub(super) codec: Codec,
    pub(super) number: NumberType,
    /// Whether its numbers are in the other byte order.
    pub(super) swapped: bool,
    pub(super) lens: Vec<usize>,
    pub(super) chunk: Vec<usize>,
    /// What stands where no chunk is, in the byte order of the file.
    pub(super) fill: [u8; 8],
    pub(super) buffers: Arc<Buffers>,
}

impl Container {
    /// Opens a file that the NetCDF library has open; `None` if that cannot be, which leaves it to that library.
    pub(crate) fn open(path: &Path, mode: OpenMode) -> Option<Self> {
        // All who share a file must agree on this, and versions of the NetCDF library differ in it.
        let degrees = [FileCloseDegree::Default, FileCloseDegree::Strong, FileCloseDegree::Semi];
        let open = |degree| FileBuilder::new().with_fapl(|access| access.fclose_degree(degree)).open_as(path, mode).ok();
        let file = degrees.into_iter().find_map(open)?;
        Some(Self { known: Mutex::default(), file, buffers: Arc::default() })
    }

    /// A variable (`group/name`) with numbers of type `number` and dimensions `lens`; `None` if it is not chunked, or in
    /// a way that is not known here.
    pub(crate) fn chunked(&self, name: &str, number: NumberType, lens: &[usize]) -> Option<Arc<Chunked>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(name.to_owned()).or_insert_with(|| self.find(name, number, lens).map(Arc::new)).clone()
    }

    /// Opens the variable anew, for writing.
    pub(crate) fn find(&self, name: &str, number: NumberType, lens: &[usize]) -> Option<Chunked> {
        let dataset = self.file.dataset(&self.stored_name(name)).ok()?;
        if dataset.layout() != Layout::Chunked || dataset.shape().len() != lens.len() {
            return None;
        }
        let chunk = dataset.chunk()?;
        let fits = chunk.len() == lens.len() && chunk.iter().all(|&len| len > 0);
        let codec = Codec::new(&dataset.filters())?;
        let swapped = raw::is_swapped(&dataset, number)?;
        let fill = raw::fill_bytes(&dataset, number.size())?;
        let buffers = self.buffers.clone();
        fits.then(|| Chunked { lens: dataset.shape(), dataset, codec, number, swapped, chunk, fill, buffers })
    }

    /// The NetCDF library stores a variable that has the name of a dimension, but is none of its coordinates, so.
    fn stored_name(&self, name: &str) -> String {
        let (group, plain) = name.rsplit_once('/').map_or(("", name), |(group, plain)| (group, plain));
        let renamed = format!("{group}/_nc4_non_coord_{plain}");
        if self.file.dataset(renamed.trim_start_matches('/')).is_ok() {
            renamed.trim_start_matches('/').to_owned()
        } else {
            name.to_owned()
        }
    }
}

impl Chunked {
    /// Bytes of a chunk that is not coded.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk.iter().product::<usize>() * self.number.size()
    }
}
