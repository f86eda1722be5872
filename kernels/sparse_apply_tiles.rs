//! [`crate::sparse_apply`] for many slabs at once: the source cells that a block of rows touches are copied
//! into a tile where the values of a cell are neighbours, one for each slab.
//!
//! A weight is read once for all slabs, nothing is gathered, and the tile stays in the second-level cache.
//! Sums run in the same order as in the plain form and give the same bits.

use crate::sparse_apply::{Missing, RowSums, SHARE_TOLERANCE, SparseRows, UNCANCELLED, Value};

/// Source cells that are copied together: a cache line of single precision.
const PAGE: usize = 16;

/// Destination rows that are finished together, so that whole cache lines are written.
const ROWS: usize = 16;

/// Values of a tile per link, above which rows are too scattered for it to pay.
const WORTHWHILE: usize = 3;

/// The pages a block of rows touches; kept from block to block.
#[derive(Default)]
pub(crate) struct Pages {
    /// For each page of the source its place in the tile plus 1, or 0.
    places: Vec<u32>,
    pages: Vec<u32>,
    /// For each link of the block its cell in the tile.
    columns: Vec<u32>,
}

impl Pages {
    /// Lays out the tile of the rows `first..last`; false if they are too scattered.
    pub fn lay_out(&mut self, rows: SparseRows<'_>, source_len: usize, first: usize, last: usize) -> bool {
        self.places.resize(source_len.div_ceil(PAGE), 0);
        self.pages.drain(..).for_each(|page| self.places[page as usize] = 0);
        self.columns.clear();
        let columns = &rows.columns[rows.row_starts[first]..rows.row_starts[last]];
        for &column in columns {
            assert!((column as usize) < source_len, "a column below the length of the source");
            let place = &mut self.places[column as usize / PAGE];
            if *place == 0 {
                self.pages.push(column / PAGE as u32);
                *place = 1;
            }
        }
        // In the order of memory, so that slabs are read as streams.
        self.pages.sort_unstable();
        for (&page, place) in self.pages.iter().zip(1..) {
            self.places[page as usize] = place;
        }
        let in_tile = |&column: &u32| (self.places[column as usize / PAGE] - 1) * PAGE as u32 + column % PAGE as u32;
        self.columns.extend(columns.iter().map(in_tile));
        self.pages.len() * PAGE <= WORTHWHILE * self.columns.len()
    }
}

/// A slab of source values, its validity if any is missing, and where results go.
pub(crate) type Slab<'s, 'd, V> = (&'s [V], Option<&'s [bool]>, &'d mut [V], &'d mut [bool]);

/// The values of `L` slabs, cell by cell; what is missing is 0.
pub(crate) struct Tile<V, const L: usize> {
    values: Vec<[V; L]>,
    /// Pages as they lie in the slabs: reading far apart and turning around are faster one after the other.
    pages: Vec<[V; PAGE]>,
    /// One bit per slab.
    valid: Vec<u32>,
    is_masked: bool,
}

impl<V: Value, const L: usize> Default for Tile<V, L> {
    fn default() -> Self {
        Self { values: Vec::new(), pages: Vec::new(), valid: Vec::new(), is_masked: false }
    }
}

impl<V: Value, const L: usize> Tile<V, L> {
    /// Copies the pages of at most `L` slabs.
    #[inline(always)]
    fn fill(&mut self, pages: &[u32], slabs: &[Slab<'_, '_, V>]) {
        self.is_masked = slabs.iter().any(|s| s.1.is_some());
        self.values.resize(pages.len() * PAGE, [V::default(); L]);
        self.valid.resize(if self.is_masked { pages.len() * PAGE } else { 0 }, 0);
        self.pages.resize(L * pages.len(), [V::default(); PAGE]);
        for ((source, ..), copies) in slabs.iter().zip(self.pages.chunks_mut(pages.len().max(1))) {
            let (whole, rest) = source.as_chunks::<PAGE>();
            for (&page, copy) in pages.iter().zip(copies) {
                match whole.get(page as usize) {
                    Some(line) => *copy = *line,
                    None => copy[..rest.len()].copy_from_slice(rest),
                }
            }
        }
        for (place, &page) in pages.iter().enumerate() {
            let start = page as usize * PAGE;
            let mut lines: [[V; PAGE]; L] = std::array::from_fn(|b| self.pages[b * pages.len() + place]);
            let mut flags = [[true; PAGE]; L];
            for (b, (_, valid, ..)) in slabs.iter().enumerate() {
                if let Some(valid) = valid {
                    let end = valid.len().min(start + PAGE);
                    flags[b][..end - start].copy_from_slice(&valid[start..end]);
                }
            }
            let cells: &mut [[V; L]] = &mut self.values[place * PAGE..(place + 1) * PAGE];
            if self.is_masked {
                let valid = &mut self.valid[place * PAGE..(place + 1) * PAGE];
                valid.fill(0);
                for b in 0..L {
                    for k in 0..PAGE {
                        valid[k] |= u32::from(flags[b][k]) << b;
                        lines[b][k] = if flags[b][k] { lines[b][k] } else { V::default() };
                    }
                }
            }
            for k in 0..PAGE {
                for b in 0..L {
                    cells[k][b] = lines[b][k];
                }
            }
        }
    }

    /// Applies the rows from `first` on to at most `L` slabs.
    #[inline(always)]
    pub fn apply(
        &mut self,
        rows: SparseRows<'_>,
        first: usize,
        row_sums: &[RowSums],
        pages: &Pages,
        missing: Missing,
        slabs: &mut [Slab<'_, '_, V>],
    ) {
        self.fill(&pages.pages, slabs);
        let offset = rows.row_starts[first];
        let mut links = &pages.columns[..];
        for (group, sums) in row_sums.chunks(ROWS).enumerate() {
            let start = group * ROWS;
            let (mut values, mut flags) = ([[V::default(); ROWS]; L], [[false; ROWS]; L]);
            for (k, &sums) in sums.iter().enumerate() {
                let range = rows.row_starts[first + start + k]..rows.row_starts[first + start + k + 1];
                let (columns, rest) = links.split_at(range.len());
                debug_assert_eq!(range.start - offset, pages.columns.len() - links.len());
                links = rest;
                let (value, flag) = self.row(columns, &rows.weights[range], sums, missing);
                for b in 0..L {
                    values[b][k] = value[b];
                    flags[b][k] = flag >> b & 1 == 1;
                }
            }
            let end = start + sums.len();
            for (b, (_, _, out, out_valid)) in slabs.iter_mut().enumerate() {
                out[start..end].copy_from_slice(&values[b][..sums.len()]);
                out_valid[start..end].copy_from_slice(&flags[b][..sums.len()]);
            }
        }
    }

    /// One row for all slabs: values, and a bit per slab that says whether there is one.
    #[inline(always)]
    fn row(&self, columns: &[u32], weights: &[f64], row: RowSums, missing: Missing) -> ([V; L], u32) {
        let every = u32::MAX >> (32 - L);
        let (mut all, mut any) = (every, every);
        if self.is_masked {
            any = 0;
            for &column in columns {
                all &= self.valid[column as usize];
                any |= self.valid[column as usize];
            }
        }
        if columns.is_empty() || any == 0 || (missing == Missing::Propagate && all == 0) {
            ([V::default(); L], 0)
        } else if all == every {
            (self.mean(columns, weights, row), every)
        } else {
            self.partial_mean(columns, weights, row, missing, all, any)
        }
    }

    /// A row without missing values.
    #[inline(always)]
    fn mean(&self, columns: &[u32], weights: &[f64], row: RowSums) -> [V; L] {
        let mut sum = [0.0; L];
        let (mut least, mut greatest) = ([V::GREATEST; L], [V::LEAST; L]);
        for (&column, &w) in columns.iter().zip(weights) {
            let x = &self.values[column as usize];
            for b in 0..L {
                sum[b] += w * x[b].to_f64();
                least[b] = if x[b] < least[b] { x[b] } else { least[b] };
                greatest[b] = if x[b] > greatest[b] { x[b] } else { greatest[b] };
            }
        }
        let mut result = [V::default(); L];
        for b in 0..L {
            result[b] = V::from_f64(if row.is_mean { within(sum[b], least[b].to_f64(), greatest[b].to_f64()) } else { sum[b] });
        }
        result
    }

    /// A row of which some slabs miss some values; bits of `all` and `any`: no value is missing, there is one.
    #[inline(always)]
    fn partial_mean(
        &self,
        columns: &[u32],
        weights: &[f64],
        row: RowSums,
        missing: Missing,
        all: u32,
        any: u32,
    ) -> ([V; L], u32) {
        let (mut sum, mut share, mut magnitude) = ([0.0; L], [0.0; L], [0.0; L]);
        let (mut least, mut greatest) = ([V::GREATEST; L], [V::LEAST; L]);
        for (&column, &w) in columns.iter().zip(weights) {
            let (x, valid) = (&self.values[column as usize], self.valid[column as usize]);
            for b in 0..L {
                let ok = valid & (1 << b) != 0;
                // What is missing is 0 in the tile, and sums start from +0: adding 0 changes no bit of them.
                sum[b] += w * x[b].to_f64();
                share[b] += if ok { w } else { 0.0 };
                least[b] = if ok & (x[b] < least[b]) { x[b] } else { least[b] };
                greatest[b] = if ok & (x[b] > greatest[b]) { x[b] } else { greatest[b] };
            }
            if row.total != row.magnitude {
                for b in 0..L {
                    magnitude[b] += if valid & (1 << b) != 0 { w.abs() } else { 0.0 };
                }
            }
        }
        if row.total == row.magnitude {
            magnitude = share;
        }
        let (least_share, scale) = match missing {
            Missing::Propagate => (f64::INFINITY, false),
            Missing::Keep { min_valid } => ((min_valid - SHARE_TOLERANCE) * row.magnitude, false),
            Missing::Renormalize { min_valid } => ((min_valid - SHARE_TOLERANCE) * row.magnitude, true),
        };
        let (mut result, mut flags) = ([V::default(); L], 0u32);
        for b in 0..L {
            let is_whole = all & (1 << b) != 0;
            let scalable = !scale | (share[b].abs() > UNCANCELLED * magnitude[b]);
            let ok = is_whole | ((any & (1 << b) != 0) & (magnitude[b] >= least_share) & scalable);
            let value = if scale & !is_whole { sum[b] * (row.total / share[b]) } else { sum[b] };
            let bounded =
                if row.is_mean & (scale | is_whole) { within(value, least[b].to_f64(), greatest[b].to_f64()) } else { value };
            result[b] = V::from_f64(if ok { bounded } else { 0.0 });
            flags |= u32::from(ok) << b;
        }
        (result, flags)
    }
}

/// A rounded mean can leave the range of its values by an ulp.
#[inline(always)]
fn within(value: f64, least: f64, greatest: f64) -> f64 {
    let value = if value < least { least } else { value };
    if value > greatest { greatest } else { value }
}

#[cfg(test)]
mod tests {
    use crate::sparse_apply::{Missing, SparseRows, Value, apply};

    /// Rows of 0 to 8 links: means, sums and, every ninth, weights of both signs.
    fn rows(n: usize, source_len: usize, spread: usize) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
        let (mut row_starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            let raw: Vec<f64> = (0..i % 9).map(|k| noise(9 * i + k).abs() + 1e-3).collect();
            let sum: f64 = if i % 81 == 5 { 1.0 } else { raw.iter().sum() };
            let sign = |k: usize| if i % 11 == 3 && k == 1 { -1.0 } else { 1.0 };
            columns.extend((0..i % 9).map(|k| ((i / 7 + k * spread) % source_len) as u32));
            weights.extend(raw.iter().enumerate().map(|(k, w)| sign(k) * w / sum));
            row_starts.push(columns.len());
        }
        (row_starts, columns, weights)
    }

    fn noise(k: usize) -> f64 {
        (k as f64 * 12.9898).sin() * 43758.5453 % 1.0
    }

    /// All slabs at once and one by one; the number of values that are missing.
    fn compare<V: Value + std::fmt::Debug>(slabs: usize, spread: usize, missing: Missing, is_masked: bool) -> usize {
        let (n, source_len) = (2500, 1003);
        let (row_starts, columns, weights) = rows(n, source_len, spread);
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        let source: Vec<V> = (0..slabs * source_len).map(|k| V::from_f64(280.0 + 30.0 * noise(k))).collect();
        // Every fourth slab is complete.
        let valid: Vec<bool> = (0..source.len()).map(|k| k / source_len % 4 == 3 || noise(k + 7) > -0.4).collect();
        let valid = is_masked.then_some(&valid[..]);
        let (mut out, mut flags) = (vec![V::from_f64(-2.0); slabs * n], vec![false; slabs * n]);
        apply(rows, source_len, &source, valid, missing, &mut out, &mut flags);
        for slab in 0..slabs {
            let (from, to) = (slab * source_len..(slab + 1) * source_len, slab * n..(slab + 1) * n);
            let (mut one, mut one_flags) = (vec![V::from_f64(-1.0); n], vec![true; n]);
            let valid = valid.map(|v| &v[from.clone()]);
            apply(rows, source_len, &source[from], valid, missing, &mut one, &mut one_flags);
            assert_eq!(one_flags, flags[to.clone()], "{slabs} {spread} {missing:?}");
            let bits = |v: &[V]| v.iter().map(|v| v.to_f64().to_bits()).collect::<Vec<u64>>();
            assert_eq!(bits(&one), bits(&out[to]), "{slabs} {spread} {missing:?}");
        }
        flags.iter().filter(|f| !**f).count()
    }

    #[test]
    fn slabs_together_and_one_by_one_give_the_same_bits() {
        let policies = [
            Missing::Renormalize { min_valid: 0.5 },
            Missing::Renormalize { min_valid: 0.0 },
            Missing::Keep { min_valid: 0.3 },
            Missing::Propagate,
        ];
        // Windows of neighbouring cells, and cells far apart that no tile is made for.
        for spread in [1, 3, 101] {
            for slabs in [3, 8, 11, 16, 21] {
                let unmapped = compare::<f64>(slabs, spread, policies[0], false);
                for missing in policies {
                    assert!(compare::<f64>(slabs, spread, missing, true) > unmapped);
                    assert!(compare::<f32>(slabs, spread, missing, true) > unmapped);
                }
            }
        }
    }
}
