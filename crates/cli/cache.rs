//! Weights kept between runs, found again by what they belong to.

use crate::failure::Failure;
use knarr::grid::Grid;
use knarr::io::{WeightsFormat, check_identity, read_weights, write_weights};
use knarr::regrid::{Options, Weights, content_hash, options_hash};
use std::path::{Path, PathBuf};

/// A folder of weights files named by the hashes of both grids (with masks) and of the options.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in `folder`, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)
            .map_err(|e| Failure::new(format!("{}: cannot make the cache folder: {e}", folder.display())))?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, source: &Grid, destination: &Grid, options: &Options) -> PathBuf {
        // 64 bits of each hash name the file; the full hashes inside are compared before use.
        let short = |hash: String| hash[..16].to_owned();
        let name = [content_hash(source), content_hash(destination), options_hash(options)].map(short).join("-");
        self.folder.join(format!("{name}.nc"))
    }

    /// The weights, if they are there and belong to these grids and options; a damaged file counts as absent.
    pub fn find(&self, source: &Grid, destination: &Grid, options: &Options) -> Option<Weights> {
        let path = self.path(source, destination, options);
        let file = path.is_file().then(|| read_weights(&path).ok()).flatten()?;
        check_identity(&file, source, destination).ok()?;
        (file.weights.origin.options_hash == options_hash(options)).then_some(file.weights)
    }

    /// Keeps weights that are not there yet.
    pub fn keep(&self, weights: &Weights, source: &Grid, destination: &Grid, options: &Options) -> Result<(), Failure> {
        if self.find(source, destination, options).is_none() {
            let path = self.path(source, destination, options);
            write_weights(weights, source, destination, &path, WeightsFormat::Esmf, true)?;
        }
        Ok(())
    }
}
