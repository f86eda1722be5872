//! Weights put to use on values with missing data.

use crate::{RegridError, Weights};
use knarr_kernels::sparse_apply::{self, Missing, PreparedRows, SlabFlags, SparseRows, Value};

/// What missing source values do to a destination value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MissingPolicy {
    /// They are left out and the other weights scaled up, as long as valid sources carry at least the
    /// share `min_valid` (0..1) of the row's weight; otherwise, and without any valid source, the value is missing.
    /// Weights normalised by the destination's area are not scaled up: what is missing contributes nothing.
    /// Of weights of both signs (second order, cubics) none means anything without the others: with some missing, the
    /// value is missing unless those left have one sign.
    Skip {
        /// Least share of valid weight.
        min_valid: f64,
    },
    /// One missing source makes the destination value missing.
    Propagate,
}

/// Weights with a policy. For many calls, and for the most speed, [`Self::prepare`] it.
#[derive(Clone, Debug)]
pub struct Regridder {
    /// The weights.
    pub weights: Weights,
    /// What missing values do.
    pub missing: MissingPolicy,
}

impl Regridder {
    /// Regrids one or more slabs: `source` holds `n` slabs of source cells one after the other, `valid` one
    /// flag per value (`None`: all valid). Gives `n` slabs of destination cells and their validity.
    /// Values that are not valid are 0.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if `source` is not a whole number of slabs or `valid` has another length.
    pub fn apply(&self, source: &[f64], valid: Option<&[bool]>) -> Result<(Vec<f64>, Vec<bool>), RegridError> {
        let n = self.weights.source_len;
        if n == 0 || !source.len().is_multiple_of(n) {
            return Err(RegridError::WrongLength { what: "the source field", found: source.len(), expected: n });
        }
        let (n, slabs) = (self.weights.destination_len(), source.len() / self.weights.source_len);
        let (mut values, mut flags) = (vec![0.0; n * slabs], vec![false; n * slabs]);
        self.apply_into(source, valid, &mut values, &mut flags)?;
        Ok((values, flags))
    }

    /// [`Self::apply`] for `f64` or `f32` values into buffers of `n` slabs; sums are `f64` in both cases.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] as for [`Self::apply`], and if a buffer does not fit.
    pub fn apply_into<V: Value>(
        &self,
        source: &[V],
        valid: Option<&[bool]>,
        destination: &mut [V],
        destination_valid: &mut [bool],
    ) -> Result<(), RegridError> {
        apply_into(&self.weights, self.missing, source, valid, destination, destination_valid)
    }

    /// What is the same for every field, worked out once: sums of rows, the order in which source cells pass
    /// through the cache, and whether weights are products of those of latitudes and of longitudes, of which one slab is made
    /// without reading them. Takes about as long as one application to 32 slabs.
    pub fn prepare(&self) -> PreparedRegridder<'_> {
        PreparedRegridder::new(&self.weights, self.missing)
    }
}

/// [`Regridder::apply_into`].
pub(crate) fn apply_into<V: Value>(
    weights: &Weights,
    missing: MissingPolicy,
    source: &[V],
    valid: Option<&[bool]>,
    destination: &mut [V],
    destination_valid: &mut [bool],
) -> Result<(), RegridError> {
    check_lengths(weights, source.len(), valid, destination.len(), destination_valid.len())?;
    let (n, missing) = (weights.source_len, kernel_policy(weights, missing));
    sparse_apply::apply(rows_of(weights), n, source, valid, missing, destination, destination_valid);
    Ok(())
}

/// Whether buffers of `source`, `values` and `flags` numbers hold slabs of the same number.
pub(crate) fn check_lengths(
    weights: &Weights,
    source: usize,
    valid: Option<&[bool]>,
    values: usize,
    flags: usize,
) -> Result<(), RegridError> {
    let n = weights.source_len;
    check("the source field", source, n, n > 0 && source.is_multiple_of(n))?;
    if let Some(valid) = valid {
        check("the validity", valid.len(), source, valid.len() == source)?;
    }
    let expected = weights.destination_len() * (source / n);
    check("the destination field", values, expected, values == expected)?;
    check("the destination validity", flags, expected, flags == expected)
}

/// The rows as kernels see them.
pub(crate) fn rows_of(weights: &Weights) -> SparseRows<'_> {
    SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values }
}

/// The policy as kernels know it.
pub(crate) fn kernel_policy(weights: &Weights, missing: MissingPolicy) -> Missing {
    let origin = &weights.origin;
    // Amounts that come to a cell are not more because others are missing.
    let is_sum = origin.method.split(',').next().is_some_and(|first| first.starts_with("spread") && !first.contains("mean"));
    let are_amounts = origin.normalization == "destarea" || is_sum;
    match missing {
        MissingPolicy::Propagate => Missing::Propagate,
        MissingPolicy::Skip { min_valid } if are_amounts => Missing::Keep { min_valid },
        MissingPolicy::Skip { min_valid } => Missing::Renormalize { min_valid },
    }
}

/// A [`Regridder`] made ready for many calls.
#[derive(Debug)]
pub struct PreparedRegridder<'a> {
    rows: PreparedRows<'a>,
    missing: Missing,
}

impl<'a> PreparedRegridder<'a> {
    pub(crate) fn new(weights: &'a Weights, missing: MissingPolicy) -> Self {
        Self { rows: PreparedRows::new(rows_of(weights), weights.source_len), missing: kernel_policy(weights, missing) }
    }

    /// Number of destination cells whose weights are taken as products of those of latitudes and of longitudes.
    pub fn products(&self) -> usize {
        self.rows.products()
    }

    /// [`Regridder::apply_into`] with a bit per flag: `source` and `valid` (`None`: all valid) have whole slabs
    /// of source cells, `destination` as many of destination cells. Gives the validity of the results, `None` if
    /// all are valid. Results are the same, bit for bit; those that are not valid are 0.
    ///
    /// Several slabs in one call are faster than one by one; slabs with the same valid cells share their sums
    /// of weights.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if `source` is not a whole number of slabs or another length does not fit.
    ///
    /// ```
    /// use knarr_grid::Grid;
    /// use knarr_regrid::{Method, MissingPolicy, Options, Regridder, SlabFlags, Weights};
    ///
    /// let (source, destination) = (Grid::from_spec("r8x4")?, Grid::from_spec("r4x2")?);
    /// let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative))?;
    /// let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    /// let prepared = regridder.prepare();
    /// let mut result = [f32::NAN; 8];
    /// let valid = SlabFlags::from_bools(32, &[true; 32]);
    /// assert_eq!(prepared.apply_into(&[273.15; 32], Some(&valid), &mut result)?, None);
    /// assert_eq!(result, [273.15; 8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_into<V: Value>(
        &self,
        source: &[V],
        valid: Option<&SlabFlags>,
        destination: &mut [V],
    ) -> Result<Option<SlabFlags>, RegridError> {
        check_slabs((self.rows.source_len(), self.rows.len()), source.len(), valid, destination.len())?;
        Ok(self.rows.apply(source, valid, self.missing, destination))
    }

    /// [`Self::apply_into`] for values of which those of a cell lie together, as levels do in files of meshes and members
    /// in many ensembles: that of slab `s` of cell `c` at `c * slabs + s`, in `source` and `destination`. Flags lie
    /// likewise: `valid.get(c, s)`, of `slabs` flags for each cell. Results are the same, bit for bit, in half the
    /// time, as nothing has to be turned around.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if a length does not fit.
    ///
    /// ```
    /// use knarr_grid::Grid;
    /// use knarr_regrid::{Method, MissingPolicy, Options, Regridder, Weights};
    ///
    /// let (source, destination) = (Grid::from_spec("r8x4")?, Grid::from_spec("r4x2")?);
    /// let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative))?;
    /// let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    /// // Two levels of each cell.
    /// let mut result = [[f32::NAN; 2]; 8];
    /// regridder.prepare().apply_cells_into(2, [[273.15, 250.0]; 32].as_flattened(), None, result.as_flattened_mut())?;
    /// assert_eq!(result, [[273.15, 250.0]; 8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_cells_into<V: Value>(
        &self,
        slabs: usize,
        source: &[V],
        valid: Option<&SlabFlags>,
        destination: &mut [V],
    ) -> Result<Option<SlabFlags>, RegridError> {
        let [from, to] = [self.rows.source_len(), self.rows.len()].map(|cells| cells * slabs);
        check("the source field", source.len(), from, source.len() == from)?;
        if let Some(valid) = valid {
            check("the validity", valid.cells(), slabs, valid.cells() == slabs)?;
            check("the validity", valid.slabs(), self.rows.source_len(), valid.slabs() == self.rows.source_len())?;
        }
        check("the destination field", destination.len(), to, destination.len() == to)?;
        Ok(self.rows.apply_cells(slabs, source, valid, self.missing, destination))
    }
}

/// The number of slabs that have `source` values of `from` cells, if the other lengths fit.
pub(crate) fn check_slabs(
    (from, to): (usize, usize),
    source: usize,
    valid: Option<&SlabFlags>,
    destination: usize,
) -> Result<usize, RegridError> {
    check("the source field", source, from, from > 0 && source.is_multiple_of(from))?;
    let slabs = source / from;
    if let Some(valid) = valid {
        let found = valid.cells() * valid.slabs();
        check("the validity", found, source, valid.cells() == from && valid.slabs() == slabs)?;
    }
    check("the destination field", destination, to * slabs, destination == to * slabs)?;
    Ok(slabs)
}

fn check(what: &'static str, found: usize, expected: usize, ok: bool) -> Result<(), RegridError> {
    if ok { Ok(()) } else { Err(RegridError::WrongLength { what, found, expected }) }
}
