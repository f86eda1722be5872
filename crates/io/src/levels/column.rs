//! One column: from its levels or layers to the targets.

use super::VerticalMethod;
use knarr_field::VerticalQuantity;
use knarr_kernels::vertical::{Beyond, Cubic, Layers, layer_means, linear};

/// What every column has in common.
pub(super) struct Task {
    pub method: VerticalMethod,
    /// Targets in Pa or m: levels, or the edges of layers (one more than layers), in the order of the output.
    pub targets: Vec<f64>,
    pub quantity: VerticalQuantity,
    /// Below the lowest level, above the highest one.
    pub below: Beyond,
    pub above: Beyond,
}

/// Buffers of a thread.
#[derive(Default)]
pub(super) struct Scratch {
    /// Coordinates of all levels, and edges of all layers.
    pub levels: Vec<f64>,
    pub edges: Vec<f64>,
    /// Values of all levels and whether they are there.
    pub values: Vec<f64>,
    pub valid: Vec<bool>,
    at: Vec<f64>,
    column: Vec<f64>,
    cubic: Cubic,
    layers: Layers,
}

/// What became of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// Levels neither rise nor fall.
    Disordered,
    /// A layer does not begin where the one before ends.
    Gaps,
}

impl Task {
    /// Number of results of a column.
    pub fn len(&self) -> usize {
        self.targets.len() - usize::from(self.method.is_conservative())
    }

    fn transformed(&self, z: f64) -> f64 {
        if self.method == VerticalMethod::Log { z.ln() } else { z }
    }

    /// What holds beyond the low and the high end of ascending coordinates.
    fn beyond(&self) -> [Beyond; 2] {
        match self.quantity {
            VerticalQuantity::Height => [self.below, self.above],
            VerticalQuantity::Pressure | VerticalQuantity::Depth => [self.above, self.below],
        }
    }

    /// Values at the targets, from what is in `scratch`.
    pub fn between_levels(&self, scratch: &mut Scratch, out: &mut [Option<f64>]) -> Fate {
        out.fill(None);
        scratch.at.clear();
        scratch.column.clear();
        for k in 0..scratch.levels.len() {
            let z = self.transformed(scratch.levels[k]);
            if scratch.valid[k] && z.is_finite() {
                scratch.at.push(z);
                scratch.column.push(scratch.values[k]);
            }
        }
        if !ascend(&mut scratch.at, &mut scratch.column) {
            return Fate::Disordered;
        }
        let Scratch { at, column, cubic, .. } = scratch;
        if self.method == VerticalMethod::Pchip {
            cubic.fit(at, column);
        }
        for (out, &target) in out.iter_mut().zip(&self.targets) {
            let z = self.transformed(target);
            *out = match self.method {
                VerticalMethod::Pchip => cubic.value(at, column, z, self.beyond()),
                _ => linear(at, column, z, self.beyond()),
            };
        }
        Fate::Done
    }

    /// Means between the targets, from layers in `scratch`; layers without a value cover nothing.
    pub fn between_edges(&self, scratch: &mut Scratch, out: &mut [Option<f64>]) -> Fate {
        out.fill(None);
        let n = scratch.values.len();
        if n > 0 && scratch.edges[0] > scratch.edges[n] {
            scratch.edges.reverse();
            scratch.values.reverse();
            scratch.valid.reverse();
        }
        if scratch.edges.iter().any(|e| !e.is_finite()) {
            return Fate::Done;
        }
        if !scratch.edges.windows(2).all(|w| w[0] < w[1]) {
            return Fate::Disordered;
        }
        let Scratch { edges, values, valid, layers, .. } = scratch;
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for k in 0..n {
            match runs.last_mut() {
                Some(run) if valid[k] && run.1 == k => run.1 = k + 1,
                _ if valid[k] => runs.push((k, k + 1)),
                _ => {}
            }
        }
        // Height covered of each target, by the runs so far.
        let mut heights = vec![0.0; out.len()];
        for (r, &(start, end)) in runs.iter().enumerate() {
            let (edges, means) = (&edges[start..=end], &values[start..end]);
            if self.method == VerticalMethod::Ppm {
                layers.parabolic(edges, means)
            } else {
                layers.constant(means)
            }
            let [low, high] = self.beyond();
            let ends = [if r == 0 { low } else { Beyond::Missing }, if r + 1 == runs.len() { high } else { Beyond::Missing }];
            for (k, out) in out.iter_mut().enumerate() {
                let (a, b) = (self.targets[k], self.targets[k + 1]);
                let (from, to) = (a.min(b), a.max(b));
                if let Some((mean, covered)) = layer_means(edges, means, layers, (from, to), ends) {
                    let height = covered * (to - from);
                    *out = Some(match *out {
                        None => mean,
                        Some(before) => before + (mean - before) * height / (heights[k] + height),
                    });
                    heights[k] += height;
                }
            }
        }
        Fate::Done
    }
}

/// Turns a descending column round; false if it neither ascends nor descends strictly.
fn ascend(at: &mut [f64], column: &mut [f64]) -> bool {
    if at.len() > 1 && at[0] > at[at.len() - 1] {
        at.reverse();
        column.reverse();
    }
    at.windows(2).all(|w| w[0] < w[1])
}
