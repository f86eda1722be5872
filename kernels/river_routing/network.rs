//! Which cell drains into which, and the order that follows.

use rayon::prelude::*;
/// A directed forest: each cell has one downstream cell or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    downstream: Vec<Option<u32>>,
    /// Cells that drain into each cell, ascending: those of cell i are `upstream[starts[i]..starts[i + 1]]`.
    upstream: Vec<u32>,
    starts: Vec<u32>,
    /// Cells by level, sources first; within a level ascending.
    order: Vec<u32>,
    /// Where each level begins in `order`, and its end.
    level_starts: Vec<usize>,
}

/// Why directions make no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// A cell drains out of the grid.
    OutOfGrid {
        /// Cell.
        cell: usize,
        /// Its code.
        code: u8,
    },
    /// A code that is no direction.
    Code {
        /// Cell.
        cell: usize,
        /// Its code.
        code: u8,
    },
    /// Water would go round; the cells of one cycle, from its smallest number on.
    Cycle {
        /// In the order of flow.
        cells: Vec<usize>,
    },
    /// More or fewer codes than cells.
    Length {
        /// Codes.
        found: usize,
        /// Cells.
        expected: usize,
    },
}

impl std::fmt::Display for NetworkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NetworkError::OutOfGrid { cell, code } => write!(f, "cell {cell} drains out of the grid (direction {code})"),
            NetworkError::Code { cell, code } => {
                write!(f, "cell {cell} has the direction {code}, expected 1 to 9 as on a keypad, 5 for none")
            }
            NetworkError::Cycle { cells } => {
                let shown: Vec<String> = cells.iter().take(8).map(ToString::to_string).collect();
                let more = if cells.len() > 8 { " -> ..." } else { "" };
                write!(f, "{} cells drain in a circle: {}{more} -> {}", cells.len(), shown.join(" -> "), cells[0])
            }
            NetworkError::Length { found, expected } => write!(f, "{found} directions for {expected} cells"),
        }
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// The network of the downstream cell of each cell; `None` where water stays or leaves.
    ///
    /// ```
    /// use knarr_kernels::river_routing::Network;
    /// let network = Network::new(vec![Some(2), Some(2), None])?;
    /// assert_eq!(network.accumulate(&[1.0, 1.0, 1.0]), [1.0, 1.0, 3.0]);
    /// # Ok::<(), knarr_kernels::river_routing::NetworkError>(())
    /// ```
    ///
    /// # Errors
    /// [`NetworkError::Cycle`], and [`NetworkError::OutOfGrid`] for a downstream cell that is none.
    pub fn new(downstream: Vec<Option<u32>>) -> Result<Self, NetworkError> {
        let n = downstream.len();
        if let Some(cell) = downstream.iter().position(|to| to.is_some_and(|to| to as usize >= n)) {
            return Err(NetworkError::OutOfGrid { cell, code: 0 });
        }
        let mut starts = vec![0_u32; n + 1];
        for to in downstream.iter().flatten() {
            starts[*to as usize + 1] += 1;
        }
        for i in 0..n {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut upstream = vec![0; starts[n] as usize];
        for (cell, to) in downstream.iter().enumerate() {
            if let Some(to) = to {
                let place = &mut next[*to as usize];
                upstream[*place as usize] = u32::try_from(cell).expect("cells are numbered by 32 bits");
                *place += 1;
            }
        }
        // A cell is of the level after the last of those above it.
        let mut waiting: Vec<u32> = (0..n).map(|i| starts[i + 1] - starts[i]).collect();
        let mut order: Vec<u32> = (0..n).filter(|&i| waiting[i] == 0).map(|i| i as u32).collect();
        let mut level_starts = vec![0];
        let mut done = 0;
        while done < order.len() {
            let end = order.len();
            for k in done..end {
                if let Some(to) = downstream[order[k] as usize] {
                    waiting[to as usize] -= 1;
                    if waiting[to as usize] == 0 {
                        order.push(to);
                    }
                }
            }
            order[end..].sort_unstable();
            level_starts.push(end);
            done = end;
        }
        if order.len() < n {
            return Err(NetworkError::Cycle { cells: cycle(&downstream, &waiting) });
        }
        Ok(Self { downstream, upstream, starts, order, level_starts })
    }

    /// The network of D8 codes as on a keypad (7 8 9 / 4 5 6 / 1 2 3, 8 is up, 5 is none: PCRaster's ldd), rows from the
    /// top; `round` joins the first and last column. Cells with 0 are not part of it.
    ///
    /// # Errors
    /// Every one of [`NetworkError`].
    pub fn from_keypad(codes: &[u8], columns: usize, round: bool) -> Result<Self, NetworkError> {
        if columns == 0 || !codes.len().is_multiple_of(columns) {
            return Err(NetworkError::Length { found: codes.len(), expected: columns });
        }
        let rows = codes.len() / columns;
        let mut downstream = vec![None; codes.len()];
        for (cell, &code) in codes.iter().enumerate() {
            if code == 0 || code == 5 {
                continue;
            }
            if code > 9 {
                return Err(NetworkError::Code { cell, code });
            }
            let (right, up) = (i64::from((code - 1) % 3) - 1, i64::from((code - 1) / 3) - 1);
            let (row, column) = ((cell / columns) as i64 - up, (cell % columns) as i64 + right);
            let column = if round { column.rem_euclid(columns as i64) } else { column };
            if !(0..rows as i64).contains(&row) || !(0..columns as i64).contains(&column) {
                return Err(NetworkError::OutOfGrid { cell, code });
            }
            downstream[cell] = Some((row as usize * columns + column as usize) as u32);
        }
        Self::new(downstream)
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.downstream.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.downstream.is_empty()
    }

    /// Where a cell drains to.
    pub fn downstream(&self, cell: usize) -> Option<usize> {
        self.downstream[cell].map(|to| to as usize)
    }

    /// Cells that drain into a cell, ascending.
    pub fn upstream(&self, cell: usize) -> &[u32] {
        &self.upstream[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }

    /// Cells in the order of flow: each level only needs those before it.
    pub fn levels(&self) -> impl Iterator<Item = &[u32]> {
        self.level_starts.windows(2).map(|w| &self.order[w[0]..w[1]])
    }

    /// Goes down the network: `pass` is given a cell, what it holds, and the sum of what leaves the cells that drain into it,
    /// and gives what it holds then and what leaves it. Returns what leaves; cells of a level run in parallel.
    ///
    /// # Panics
    /// If `held` differs in length from the network.
    pub fn pass_down(&self, held: &mut [f64], pass: impl Fn(usize, f64, f64) -> (f64, f64) + Sync) -> Vec<f64> {
        assert_eq!(held.len(), self.len(), "one value per cell");
        let mut out = vec![0.0; self.len()];
        for level in self.levels() {
            let found: Vec<(f64, f64)> = level
                .par_iter()
                .with_min_len(256)
                .map(|&cell| {
                    let cell = cell as usize;
                    let above: f64 = self.upstream(cell).iter().map(|&from| out[from as usize]).sum();
                    pass(cell, held[cell], above)
                })
                .collect();
            for (&cell, (holds, leaves)) in level.iter().zip(found) {
                held[cell as usize] = holds;
                out[cell as usize] = leaves;
            }
        }
        out
    }

    /// What flows through each cell when each adds `local`: the sum over it and all that drains through it.
    ///
    /// # Panics
    /// If there is not one value per cell.
    pub fn accumulate(&self, local: &[f64]) -> Vec<f64> {
        assert_eq!(local.len(), self.len(), "one value per cell");
        let mut through = local.to_vec();
        for &cell in &self.order {
            let sum: f64 = self.upstream(cell as usize).iter().map(|&from| through[from as usize]).sum();
            through[cell as usize] += sum;
        }
        through
    }

    /// The cell where the water of each cell ends.
    pub fn outlets(&self) -> Vec<usize> {
        let mut outlets = vec![0; self.len()];
        for &cell in self.order.iter().rev() {
            let cell = cell as usize;
            outlets[cell] = self.downstream(cell).map_or(cell, |to| outlets[to]);
        }
        outlets
    }
}

/// The cycle that is reached from the first cell that still waits.
fn cycle(downstream: &[Option<u32>], waiting: &[u32]) -> Vec<usize> {
    let mut cell = waiting.iter().position(|&w| w > 0).expect("a cell in a cycle waits");
    let mut seen = vec![false; downstream.len()];
    let next = |cell: usize| downstream[cell].expect("a cell that waits for a cycle drains into it or is in it") as usize;
    // Cells that wait may lie below the cycle and end; those above none of them are in it.
    while !seen[cell] {
        seen[cell] = true;
        match downstream[cell] {
            Some(to) if waiting[to as usize] > 0 => cell = to as usize,
            _ => {
                cell = (0..downstream.len()).find(|&c| waiting[c] > 0 && !seen[c]).expect("not all that wait can end");
            }
        }
    }
    let mut cells = vec![cell];
    let mut at = next(cell);
    while at != cell {
        cells.push(at);
        at = next(at);
    }
    let least = cells.iter().enumerate().min_by_key(|(_, c)| **c).map_or(0, |(k, _)| k);
    cells.rotate_left(least);
    cells
}
