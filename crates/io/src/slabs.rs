//! Horizontal slabs of a variable, whatever the order of its dimensions.

use crate::decode::{Decoder, NanPolicy, Purpose};
use crate::element::{Element, Real, with_element};
use crate::{Dataset, IoError, VariableGrid, VariableInfo};
use knarr_field::Field;
use knarr_grid::Grid;
use ndarray::{Array2, ArrayView, IxDyn};
use std::ops::Range;

/// Decoded slabs.
#[derive(Clone, Debug, PartialEq)]
pub struct Slabs {
    /// Values, `[slab][cell]`; 0 where not valid.
    pub values: Array2<f64>,
    /// Which are valid; `None` if all are.
    pub valid: Option<Array2<bool>>,
}

/// Where the horizontal and the other dimensions of a variable are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlabOrder {
    /// Positions of the other dimensions, as stored.
    pub extra: Vec<usize>,
    /// Positions of the horizontal dimensions, in the order of the grid's shape.
    pub horizontal: Vec<usize>,
}

impl SlabOrder {
    /// Finds the horizontal dimensions of a grid in a variable: one for each extent of the grid's shape, or one for
    /// all its cells.
    ///
    /// # Errors
    /// [`IoError::WrongShape`] if one is not there or has another length.
    pub fn new(dataset: &Dataset, variable: &VariableInfo, grid: &VariableGrid) -> Result<Self, IoError> {
        let wrong = |expected: String| IoError::WrongShape {
            path: dataset.path().to_owned(),
            variable: variable.name.clone(),
            found: in_words(variable),
            expected,
        };
        let shape = if grid.dims.len() == 1 { vec![grid.grid.len()] } else { grid.grid.shape.clone() };
        if grid.dims.len() != shape.len() {
            return Err(wrong(format!("{} horizontal dimensions, as the grid has", shape.len())));
        }
        let mut horizontal = Vec::with_capacity(shape.len());
        for (dim, len) in grid.dims.iter().zip(shape) {
            let at = variable.dims.iter().enumerate().position(|(i, (n, l))| n == dim && *l == len && !horizontal.contains(&i));
            horizontal.push(at.ok_or_else(|| wrong(format!("`{dim}` = {len} among them, as the grid has")))?);
        }
        let extra = (0..variable.dims.len()).filter(|i| !horizontal.contains(i)).collect();
        Ok(Self { extra, horizontal })
    }

    /// Lengths of the other dimensions.
    pub fn extra_lens(&self, variable: &VariableInfo) -> Vec<usize> {
        self.extra.iter().map(|&i| variable.dims[i].1).collect()
    }
}

impl Dataset {
    /// Number of slabs of a variable on a grid: the product of the other dimensions.
    ///
    /// # Errors
    /// [`IoError::NoVariable`], [`IoError::WrongShape`].
    pub fn slab_count(&self, variable: &str, grid: &VariableGrid) -> Result<usize, IoError> {
        let info = self.variable(variable)?;
        let order = SlabOrder::new(self, info, grid)?;
        Ok(order.extra_lens(info).iter().product())
    }

    /// Reads and decodes a whole data variable.
    ///
    /// # Errors
    /// As [`Dataset::read_slabs`].
    pub fn read_field(&self, variable: &str, grid: &VariableGrid, nan: NanPolicy) -> Result<Field, IoError> {
        let info = self.variable(variable)?;
        let order = SlabOrder::new(self, info, grid)?;
        let extra_dims: Vec<(String, usize)> = order.extra.iter().map(|&i| info.dims[i].clone()).collect();
        let count = extra_dims.iter().map(|(_, len)| len).product();
        let Slabs { values, valid } = self.read_slabs(variable, grid, 0..count, nan)?;
        let field = Field::new(variable, info.attributes.clone(), grid.grid.clone(), extra_dims, values, valid);
        Ok(field.expect("slabs have the shape of their dimensions and grid"))
    }

    /// Reads and decodes slabs of a data variable. Slabs are counted over the other dimensions as stored, the last
    /// one fastest.
    ///
    /// # Errors
    /// [`IoError::NoVariable`], [`IoError::WrongShape`] (also for slabs beyond the last), [`IoError::WrongType`],
    /// [`IoError::NanWithoutFill`], [`IoError::Netcdf`].
    pub fn read_slabs(&self, variable: &str, grid: &VariableGrid, slabs: Range<usize>, nan: NanPolicy) -> Result<Slabs, IoError> {
        let decoder = Decoder::new(self.file(), self.file().variable(variable)?, Purpose::Data)?;
        self.read_slabs_with(&decoder, variable, grid, slabs, nan)
    }

    /// [`Dataset::read_slabs`] with the decoder already made.
    ///
    /// # Errors
    /// As [`Dataset::read_slabs`].
    pub fn read_slabs_with(
        &self,
        decoder: &Decoder,
        variable: &str,
        grid: &VariableGrid,
        slabs: Range<usize>,
        nan: NanPolicy,
    ) -> Result<Slabs, IoError> {
        let mut values = Vec::new();
        let valid = self.read_slabs_into::<f64>(decoder, variable, grid, slabs.clone(), nan, &mut values)?;
        let shape = (slabs.len(), grid.grid.len());
        let fits = "a slab has one value per cell, by the grid's shape";
        Ok(Slabs {
            values: Array2::from_shape_vec(shape, values).expect(fits),
            valid: valid.map(|v| Array2::from_shape_vec(shape, v).expect(fits)),
        })
    }

    /// Reads and decodes slabs into `out`, whatever was in it, rounded to its type; gives the flags of the values,
    /// `None` if all are valid.
    pub(crate) fn read_slabs_into<V: Real>(
        &self,
        decoder: &Decoder,
        variable: &str,
        grid: &VariableGrid,
        slabs: Range<usize>,
        nan: NanPolicy,
        out: &mut Vec<V>,
    ) -> Result<Option<Vec<bool>>, IoError> {
        let info = self.variable(variable)?;
        let order = SlabOrder::new(self, info, grid)?;
        let count: usize = order.extra_lens(info).iter().product();
        if slabs.end > count || slabs.start > slabs.end {
            return Err(IoError::WrongShape {
                path: self.path().to_owned(),
                variable: variable.to_owned(),
                found: format!("{} ({count} slabs)", in_words(info)),
                expected: format!("the slabs {} to {}", slabs.start, slabs.end),
            });
        }
        let cells = grid.grid.len();
        // New memory comes cleared, and is first touched by the threads that decode.
        match slabs.len() * cells {
            len if out.is_empty() => *out = vec![V::default(); len],
            len => out.resize(len, V::default()),
        }
        let decoded = if decoder.number() == V::NUMBER {
            self.read_raw::<V>(variable, info, &order, slabs.clone(), out)?;
            decoder.decode_in_place(out, nan)
        } else {
            with_element!(decoder.number(), T => {
                let mut raw = vec![T::default(); out.len()];
                self.read_raw::<T>(variable, info, &order, slabs.clone(), &mut raw)?;
                decoder.decode_into(&raw, nan, out)
            })
        };
        decoded.map_err(|at| IoError::NanWithoutFill {
            path: self.path().to_owned(),
            variable: variable.to_owned(),
            first_index: slabs.start * cells + at,
        })
    }

    /// Slabs as they are stored, their dimensions in the order of the grid.
    fn read_raw<T: Element>(
        &self,
        name: &str,
        info: &VariableInfo,
        order: &SlabOrder,
        slabs: Range<usize>,
        mut out: &mut [T],
    ) -> Result<(), IoError> {
        let variable = self.file().variable(name)?;
        let axes: Vec<usize> = order.extra.iter().chain(&order.horizontal).copied().collect();
        let in_order = axes.is_sorted();
        let mut stored = Vec::new();
        for block in blocks(slabs, &order.extra_lens(info)) {
            let mut part: Vec<Range<usize>> = info.dims.iter().map(|(_, len)| 0..*len).collect();
            for (&at, range) in order.extra.iter().zip(block) {
                part[at] = range;
            }
            let shape: Vec<usize> = part.iter().map(|r| r.len()).collect();
            let (own, rest) = out.split_at_mut(shape.iter().product());
            out = rest;
            if in_order {
                self.file().read_into(variable, &part, own)?;
                continue;
            }
            stored.resize(own.len(), T::default());
            self.file().read_into(variable, &part, &mut stored)?;
            let stored = ArrayView::from_shape(IxDyn(&shape), &stored).expect("the file gave as many values as asked for");
            own.iter_mut().zip(stored.permuted_axes(IxDyn(&axes))).for_each(|(own, &value)| *own = value);
        }
        Ok(())
    }
}

/// Finds the horizontal dimensions of a variable by the lengths a grid from elsewhere has.
///
/// Lengths that occur twice in the grid (a square one) take the dimensions in the order stored.
///
/// # Errors
/// [`IoError::NoGrid`] if a length is not among the variable's dimensions, or more often than in the grid.
pub fn match_dims_by_size(dataset: &Dataset, variable: &VariableInfo, grid: &Grid) -> Result<Vec<String>, IoError> {
    let problem = |problem: String| IoError::NoGrid { path: dataset.path().to_owned(), variable: variable.name.clone(), problem };
    let mut dims: Vec<String> = Vec::new();
    let mut used = Vec::new();
    for &len in &grid.shape {
        let wanted = grid.shape.iter().filter(|&&l| l == len).count();
        let found: Vec<usize> = (0..variable.dims.len()).filter(|&i| variable.dims[i].1 == len).collect();
        if found.len() < wanted {
            return Err(problem(format!("the grid needs a dimension of length {len}, found {}", in_words(variable))));
        }
        if found.len() > wanted {
            let names: Vec<&str> = found.iter().map(|&i| variable.dims[i].0.as_str()).collect();
            return Err(problem(format!("more than one dimension has the grid's length {len}: {}", names.join(", "))));
        }
        let next = found.into_iter().find(|i| !used.contains(i)).expect("as many dimensions as wanted");
        used.push(next);
        dims.push(variable.dims[next].0.clone());
    }
    Ok(dims)
}

pub(crate) fn in_words(variable: &VariableInfo) -> String {
    let dims: Vec<String> = variable.dims.iter().map(|(name, len)| format!("{name} = {len}")).collect();
    if dims.is_empty() { "none (a scalar)".to_owned() } else { dims.join(", ") }
}

/// Boxes of indices that cover a range of flat indices in order, as few as needed.
fn blocks(range: Range<usize>, lens: &[usize]) -> Vec<Vec<Range<usize>>> {
    if range.is_empty() {
        return Vec::new();
    }
    let Some((_, inner)) = lens.split_first() else { return vec![Vec::new()] };
    let size: usize = inner.iter().product();
    let (first, last) = (range.start / size, (range.end - 1) / size);
    let (from, to) = (range.start % size, (range.end - 1) % size + 1);
    let with = |outer: Range<usize>, rest: Vec<Vec<Range<usize>>>| {
        rest.into_iter().map(move |r| std::iter::once(outer.clone()).chain(r).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    if first == last {
        return with(first..first + 1, blocks(from..to, inner));
    }
    let mut boxes = Vec::new();
    let mut whole = first..last + 1;
    if from > 0 {
        boxes.extend(with(first..first + 1, blocks(from..size, inner)));
        whole.start += 1;
    }
    if to < size {
        whole.end -= 1;
    }
    if !whole.is_empty() {
        boxes.extend(with(whole, blocks(0..size, inner)));
    }
    if to < size {
        boxes.extend(with(last..last + 1, blocks(0..to, inner)));
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nc::unravel;

    #[test]
    fn blocks_cover_every_range_once_and_in_order() {
        for lens in [vec![], vec![5], vec![3, 4], vec![2, 3, 4], vec![2, 1, 3]] {
            let count: usize = lens.iter().product();
            for start in 0..=count {
                for end in start..=count {
                    let mut seen = Vec::new();
                    for block in blocks(start..end, &lens) {
                        let sizes: Vec<usize> = block.iter().map(|r| r.len()).collect();
                        for i in 0..sizes.iter().product() {
                            let index: Vec<usize> = unravel(i, &sizes).iter().zip(&block).map(|(i, r)| r.start + i).collect();
                            seen.push(index);
                        }
                    }
                    let expected: Vec<Vec<usize>> = (start..end).map(|i| unravel(i, &lens)).collect();
                    assert_eq!(seen, expected, "{lens:?} {start}..{end}");
                }
            }
        }
    }
}
