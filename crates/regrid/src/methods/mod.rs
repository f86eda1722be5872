//! One file per method; each turns two grids into rows of weights.

use crate::{Options, RegridError, Weights};
use knarr_grid::Grid;

pub(crate) fn build(_source: &Grid, _destination: &Grid, _options: &Options) -> Result<Weights, RegridError> {
    todo!("written next")
}
