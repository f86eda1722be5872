//! Columns: values between levels, and means between the edges of layers.
//!
//! | function | order | keeps |
//! |---|---|---|
//! | [`linear`] | 2 | values at levels, the range of neighbours |
//! | [`Cubic`] | 3 (4 away from extremes) | values at levels, rise and fall between them |
//! | [`layer_means`] of [`Layers::constant`] | 1 | the integral, the range |
//! | [`layer_means`] of [`Layers::parabolic`] | 3, 1 at extremes and in the first and last layer | the integral, the range |
//!
//! Coordinates ascend strictly; what is linear in the logarithm of pressure is linear in a coordinate that is one.

/// What a value outside the levels is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// Missing.
    Missing,
    /// That of the nearest level.
    Nearest,
    /// On the line through the two nearest levels.
    Extrapolate,
}

/// Where a target lies among ascending levels.
enum Place {
    At(usize),
    Between(usize),
    Below,
    Above,
}

fn place(levels: &[f64], target: f64) -> Place {
    let k = levels.partition_point(|&level| level < target);
    match levels.get(k) {
        Some(&level) if level == target => Place::At(k),
        Some(_) if k == 0 => Place::Below,
        Some(_) => Place::Between(k - 1),
        None => Place::Above,
    }
}

/// The value at `target` on the line between the levels around it; exact at levels.
///
/// `v(z) = v_k + (v_{k+1} − v_k) (z − z_k) / (z_{k+1} − z_k)`. `levels` ascend, with one value each; `beyond` says what
/// holds below the first and above the last one. `None`: missing. A single level has a value at itself alone.
///
/// ```
/// use knarr_kernels::vertical::{Beyond, linear};
/// let (levels, values) = ([0.0, 10.0, 30.0], [1.0, 2.0, 6.0]);
/// assert_eq!(linear(&levels, &values, 20.0, [Beyond::Missing; 2]), Some(4.0));
/// assert_eq!(linear(&levels, &values, 40.0, [Beyond::Missing; 2]), None);
/// assert_eq!(linear(&levels, &values, 40.0, [Beyond::Extrapolate; 2]), Some(8.0));
/// ```
pub fn linear(levels: &[f64], values: &[f64], target: f64, beyond: [Beyond; 2]) -> Option<f64> {
    if levels.is_empty() || target.is_nan() {
        return None;
    }
    let line = |k: usize| {
        let f = (target - levels[k]) / (levels[k + 1] - levels[k]);
        values[k] + f * (values[k + 1] - values[k])
    };
    let last = levels.len() - 1;
    match place(levels, target) {
        Place::At(k) => Some(values[k]),
        Place::Between(k) => Some(line(k)),
        Place::Below => outside(beyond[0], values[0], last, || line(0)),
        Place::Above => outside(beyond[1], values[last], last, || line(last - 1)),
    }
}

fn outside(beyond: Beyond, nearest: f64, last: usize, line: impl Fn() -> f64) -> Option<f64> {
    match beyond {
        Beyond::Missing => None,
        Beyond::Extrapolate if last > 0 => Some(line()),
        Beyond::Nearest | Beyond::Extrapolate => Some(nearest),
    }
}

/// Cubic pieces with slopes that keep rise and fall: monotone piecewise cubic Hermite interpolation (PCHIP).
///
/// The slope at a level is 0 at an extreme, else the harmonic mean of the two differences, weighted by the distances
/// (Fritsch and Butland 1984, SIAM J. Sci. Stat. Comput. 5, 300–304), which meets the conditions of Fritsch and Carlson
/// (1980, SIAM J. Numer. Anal. 17, 238–246); at the ends that of a parabola through three levels, limited likewise.
#[derive(Clone, Debug, Default)]
pub struct Cubic {
    slopes: Vec<f64>,
}

impl Cubic {
    /// Slopes of a column; buffers are used again.
    pub fn fit(&mut self, levels: &[f64], values: &[f64]) {
        let n = levels.len();
        self.slopes.clear();
        self.slopes.resize(n, 0.0);
        if n < 2 {
            return;
        }
        let step = |k: usize| levels[k + 1] - levels[k];
        let rise = |k: usize| (values[k + 1] - values[k]) / step(k);
        if n == 2 {
            self.slopes.fill(rise(0));
            return;
        }
        for k in 1..n - 1 {
            let (before, after) = (rise(k - 1), rise(k));
            if before * after > 0.0 {
                let (w1, w2) = (2.0 * step(k) + step(k - 1), step(k) + 2.0 * step(k - 1));
                self.slopes[k] = (w1 + w2) / (w1 / before + w2 / after);
            }
        }
        self.slopes[0] = end_slope(step(0), step(1), rise(0), rise(1));
        self.slopes[n - 1] = end_slope(step(n - 2), step(n - 3), rise(n - 2), rise(n - 3));
    }

    /// The value at `target`, as [`linear`]; beyond the levels lines go on with the slope of the last level.
    pub fn value(&self, levels: &[f64], values: &[f64], target: f64, beyond: [Beyond; 2]) -> Option<f64> {
        if levels.is_empty() || target.is_nan() {
            return None;
        }
        let last = levels.len() - 1;
        let tangent = |k: usize| values[k] + self.slopes[k] * (target - levels[k]);
        match place(levels, target) {
            Place::At(k) => Some(values[k]),
            Place::Below => outside(beyond[0], values[0], last, || tangent(0)),
            Place::Above => outside(beyond[1], values[last], last, || tangent(last)),
            Place::Between(k) => {
                let h = levels[k + 1] - levels[k];
                let t = (target - levels[k]) / h;
                let (start, end) = (h * self.slopes[k], h * self.slopes[k + 1]);
                let rise = values[k + 1] - values[k];
                // v_k + t·(start + t·((3·rise − 2·start − end) + t·(start + end − 2·rise)))
                Some(values[k] + t * (start + t * ((3.0 * rise - 2.0 * start - end) + t * (start + end - 2.0 * rise))))
            }
        }
    }
}

/// Slope at an end from the parabola through three levels, kept from turning back or overshooting.
fn end_slope(h0: f64, h1: f64, first: f64, second: f64) -> f64 {
    let slope = ((2.0 * h0 + h1) * first - h0 * second) / (h0 + h1);
    if slope * first <= 0.0 {
        0.0
    } else if first * second <= 0.0 && slope.abs() > 3.0 * first.abs() {
        3.0 * first
    } else {
        slope
    }
}

/// Layers with a profile in each: constant, or a parabola with the layer's mean.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Value at the lower edge of each layer.
    low: Vec<f64>,
    /// Value at its upper edge.
    high: Vec<f64>,
    slopes: Vec<f64>,
}

impl Layers {
    /// The mean of a layer everywhere in it: first order.
    pub fn constant(&mut self, means: &[f64]) {
        self.low.clear();
        self.low.extend_from_slice(means);
        self.high.clear();
        self.high.extend_from_slice(means);
    }

    /// Parabolas of the piecewise parabolic method: edges from a cubic through four layers, limited so that no layer
    /// has values outside those of its neighbours. The first and last layer are constant.
    ///
    /// Reference: Colella and Woodward (1984), J. Comput. Phys. 54, 174–201, equations 1.6 to 1.10.
    pub fn parabolic(&mut self, edges: &[f64], means: &[f64]) {
        self.constant(means);
        let n = means.len();
        if n < 3 {
            return;
        }
        let h = |j: usize| edges[j + 1] - edges[j];
        self.slopes.clear();
        self.slopes.resize(n, 0.0);
        for j in 1..n - 1 {
            let (before, after) = (means[j] - means[j - 1], means[j + 1] - means[j]);
            if before * after > 0.0 {
                let (h0, h1, h2) = (h(j - 1), h(j), h(j + 1));
                let slope = h1 / (h0 + h1 + h2) * ((2.0 * h0 + h1) / (h2 + h1) * after + (h1 + 2.0 * h2) / (h0 + h1) * before);
                self.slopes[j] = slope.signum() * slope.abs().min(2.0 * before.abs()).min(2.0 * after.abs());
            }
        }
        for j in 0..n - 1 {
            let (h1, h2) = (h(j), h(j + 1));
            let rise = means[j + 1] - means[j];
            let mut edge = means[j] + h1 / (h1 + h2) * rise;
            if j > 0 && j + 2 < n {
                let (h0, h3) = (h(j - 1), h(j + 2));
                let (left, right) = ((h0 + h1) / (2.0 * h1 + h2), (h3 + h2) / (2.0 * h2 + h1));
                edge += (2.0 * h2 * h1 / (h1 + h2) * (left - right) * rise - h1 * left * self.slopes[j + 1]
                    + h2 * right * self.slopes[j])
                    / (h0 + h1 + h2 + h3);
            }
            self.high[j] = edge;
            self.low[j + 1] = edge;
        }
        for j in 0..n {
            let mean = means[j];
            let (low, high) = (self.low[j], self.high[j]);
            let (width, lean) = (high - low, (high - low) * (mean - 0.5 * (low + high)));
            if j == 0 || j == n - 1 || (high - mean) * (mean - low) <= 0.0 {
                (self.low[j], self.high[j]) = (mean, mean);
            } else if lean > width * width / 6.0 {
                self.low[j] = 3.0 * mean - 2.0 * high;
            } else if -lean > width * width / 6.0 {
                self.high[j] = 3.0 * mean - 2.0 * low;
            }
        }
    }

    /// Mean between the shares `from` and `to` (0 to 1) of a layer's height.
    fn mean(&self, layer: usize, mean: f64, from: f64, to: f64) -> f64 {
        if from == 0.0 && to == 1.0 {
            return mean;
        }
        let (low, high) = (self.low[layer], self.high[layer]);
        let bend = 6.0 * (mean - 0.5 * (low + high));
        low + 0.5 * (high - low + bend) * (from + to) - bend * (from * from + from * to + to * to) / 3.0
    }
}

/// Mean between the edges `from` < `to` of the profile `layers` with those `edges` and `means`, and the part of
/// `to − from` that layers cover.
///
/// `Σ_j (overlap_j · mean of layer j over the overlap) / Σ_j overlap_j`: what leaves a layer arrives, so that the integral
/// of what is covered is kept to rounding. `beyond` as for [`linear`]: what a part without layers has; a line there is
/// not conservative and taken as [`Beyond::Nearest`]. `None` where nothing is covered.
pub fn layer_means(
    edges: &[f64],
    means: &[f64],
    layers: &Layers,
    (from, to): (f64, f64),
    beyond: [Beyond; 2],
) -> Option<(f64, f64)> {
    let n = means.len();
    if n == 0 || from.is_nan() || to.is_nan() || from >= to {
        return None;
    }
    let (mut first_value, mut sum, mut covered) = (0.0, 0.0, 0.0);
    // As offsets from the first value: a constant, and a layer taken whole, keep their bits.
    let mut take = |value: f64, height: f64| {
        if height > 0.0 {
            if covered == 0.0 {
                first_value = value;
            }
            sum += (value - first_value) * height;
            covered += height;
        }
    };
    if beyond[0] != Beyond::Missing {
        take(means[0], edges[0].min(to) - from);
    }
    let first = edges[1..].partition_point(|&edge| edge <= from);
    for j in first..n {
        let (bottom, top) = (edges[j], edges[j + 1]);
        if bottom >= to {
            break;
        }
        let (start, end) = (bottom.max(from), top.min(to));
        let share = |z: f64| if z == top { 1.0 } else { (z - bottom) / (top - bottom) };
        take(layers.mean(j, means[j], share(start), share(end)), end - start);
    }
    if beyond[1] != Beyond::Missing {
        take(means[n - 1], to - edges[n].max(from));
    }
    (covered > 0.0).then(|| (first_value + sum / covered, (covered / (to - from)).min(1.0)))
}

#[cfg(test)]
mod tests;
