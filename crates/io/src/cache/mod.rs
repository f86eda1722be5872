//! Weights kept between runs, found again by what they belong to.
//!
//! A cache is a folder of files named after the content of both grids (with masks) and of the options (with the version
//! of the algorithms), 16 hexadecimal digits of each hash: `SOURCE-DESTINATION-OPTIONS.weights`. [`entry`] describes
//! their bytes. Any file may be removed at any time; programs may share a folder: entries appear whole, under names that
//! say what is in them.

mod entry;

use crate::IoError;
use knarr_grid::Grid;
use knarr_regrid::{Options, Weights, WeightsOrigin};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A folder of weights.
#[derive(Debug)]
pub struct WeightsCache {
    folder: PathBuf,
    /// Entries known to be sound, read or written here.
    sound: Mutex<HashSet<PathBuf>>,
}

/// What a cache has for two grids and options.
#[derive(Clone, Debug, PartialEq)]
pub enum Cached {
    /// The weights, as they were made.
    Found(Box<Weights>),
    /// Nothing.
    Absent,
    /// An entry that cannot be used, and why; [`WeightsCache::keep`] replaces it.
    Unusable(String),
}

impl WeightsCache {
    /// The cache in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`IoError::System`] if the folder cannot be made.
    pub fn open(folder: &Path) -> Result<Self, IoError> {
        std::fs::create_dir_all(folder).map_err(|source| IoError::System {
            path: folder.to_owned(),
            action: "make the cache folder",
            source,
        })?;
        Ok(Self { folder: folder.to_owned(), sound: Mutex::default() })
    }

    /// The weights kept for these grids and options.
    pub fn find(&self, source: &Grid, destination: &Grid, options: &Options) -> Cached {
        let hashes = knarr_regrid::hashes_of(source, destination, options);
        let path = self.path(&hashes);
        let unusable = |why: String| Cached::Unusable(format!("{}: {why}", path.display()));
        let weights = match entry::read(&path) {
            Ok(weights) => weights,
            Err(entry::Unread::Absent) => return Cached::Absent,
            Err(entry::Unread::Because(why)) => return unusable(why),
        };
        // The name has 64 bits of each hash, the entry all.
        if hashes_of(&weights.origin) != hashes.each_ref().map(String::as_str) {
            return unusable("it belongs to other grids or options".to_owned());
        }
        self.note_sound(path);
        Cached::Found(Box::new(weights))
    }

    /// Keeps weights made by [`Weights::build`], unless they were found or kept here before.
    ///
    /// # Errors
    /// [`IoError::Write`]; nothing is left behind.
    pub fn keep(&self, weights: &Weights) -> Result<(), IoError> {
        let path = self.path(&hashes_of(&weights.origin));
        if self.sound.lock().unwrap_or_else(PoisonError::into_inner).contains(&path) {
            return Ok(());
        }
        entry::write(weights, &path)?;
        self.note_sound(path);
        Ok(())
    }

    fn note_sound(&self, path: PathBuf) {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }

    fn path(&self, hashes: &[impl AsRef<str>; 3]) -> PathBuf {
        let short = |hash: &str| hash.get(..16).unwrap_or(hash).to_owned();
        self.folder.join(format!("{}.weights", hashes.each_ref().map(|hash| short(hash.as_ref())).join("-")))
    }
}

fn hashes_of(origin: &WeightsOrigin) -> [&str; 3] {
    [&origin.source_hash, &origin.destination_hash, &origin.options_hash]
}
