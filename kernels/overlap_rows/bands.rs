//! Rows between parallels, columns between meridians.

use super::frame::{Direction, InTwo};
use crate::double_double::DoubleDouble;
use crate::sphere::sin_cos_deg;

/// No row or column owns this part of the sphere.
pub const NO_OWNER: u32 = u32::MAX;

/// Meridians that separate the columns of a row; the columns go eastward all around the pole.
#[derive(Clone, Debug)]
pub enum Meridians {
    /// Column `c` of `count` equal ones lies between `(c ∓ 1/2)·360°/count`.
    Uniform {
        /// Columns; at least 8, so that none is wider than 45°.
        count: usize,
    },
    /// Sorted meridians less than 45° apart; part `k` lies between meridian `k` and `k + 1` (cyclic).
    Table {
        /// Longitude of each meridian, ascending, within one turn.
        lon_deg: Vec<f64>,
        /// (sin, cos) of each.
        sin_cos: Vec<(f64, f64)>,
        /// The same with more digits.
        directions: Vec<Direction>,
        /// Column that each part belongs to, [`NO_OWNER`] for gaps.
        columns: Vec<u32>,
    },
}

impl Meridians {
    /// A table from the parts' western ends; parts wider than 45° are subdivided.
    ///
    /// `parts` are (west end, column) with ascending west ends within one turn; each part ends where the
    /// next begins, the last where the first begins.
    pub fn table(parts: &[(f64, u32)]) -> Self {
        let (mut lon_deg, mut columns) = (Vec::new(), Vec::new());
        for (k, &(west, column)) in parts.iter().enumerate() {
            let east = parts.get(k + 1).map_or(parts[0].0 + 360.0, |p| p.0);
            let pieces = ((east - west) / 40.0).ceil().max(1.0);
            for piece in 0..pieces as usize {
                lon_deg.push(west + (east - west) * piece as f64 / pieces);
                columns.push(column);
            }
        }
        let directions: Vec<Direction> = lon_deg.iter().map(|&l| Direction::of_deg(l)).collect();
        let sin_cos = directions.iter().map(Direction::rounded).collect();
        Self::Table { lon_deg, sin_cos, directions, columns }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Uniform { count } => *count,
            Self::Table { lon_deg, .. } => lon_deg.len(),
        }
    }

    /// Sine and cosine of the western end of part `k`.
    #[inline(always)]
    pub(super) fn sin_cos(&self, k: usize) -> (f64, f64) {
        match self {
            Self::Uniform { count } => sin_cos_deg((k as f64 - 0.5) * 360.0 / *count as f64),
            Self::Table { sin_cos, .. } => sin_cos[k],
        }
    }

    #[inline(always)]
    pub(super) fn column(&self, k: usize) -> u32 {
        match self {
            Self::Uniform { .. } => k as u32,
            Self::Table { columns, .. } => columns[k],
        }
    }

    /// The part that holds a longitude.
    pub(super) fn locate(&self, lon_deg: f64) -> usize {
        match self {
            Self::Uniform { count } => {
                let k = (lon_deg / 360.0 * *count as f64 + 0.5).floor() as i64;
                k.rem_euclid(*count as i64) as usize
            }
            Self::Table { lon_deg: breaks, .. } => {
                let lon = breaks[0] + (lon_deg - breaks[0]).rem_euclid(360.0);
                breaks.partition_point(|&b| b <= lon).saturating_sub(1).min(breaks.len() - 1)
            }
        }
    }
}

/// Rows between parallels, in their own frame; bands ascend from south to north.
#[derive(Clone, Debug)]
pub struct Bands {
    /// Sine of each parallel, ascending: one more than bands.
    pub sin: Vec<f64>,
    /// Cosine of each parallel.
    pub cos: Vec<f64>,
    /// Row of each band, [`NO_OWNER`] for gaps.
    pub rows: Vec<u32>,
    /// Meridians: one for all rows, or one per row.
    pub meridians: Vec<Meridians>,
    /// First cell of each row.
    pub row_starts: Vec<usize>,
    /// What rounding took from `sin`, and from `cos`.
    #[cfg(feature = "gpu")]
    pub(crate) lows: Vec<[f64; 2]>,
    /// `sin` between −∞ and ∞.
    pub(super) limits: Vec<InTwo>,
    /// Whether numbers of cells grow southward.
    pub(super) is_southward: bool,
}

impl Bands {
    /// Band limits from latitudes in degrees, ascending.
    pub fn new(lat_deg: &[f64], rows: Vec<u32>, meridians: Vec<Meridians>, row_starts: Vec<usize>) -> Self {
        let of = |&lat: &f64| DoubleDouble::from(lat).sin_cos_deg();
        let parallels: Vec<(InTwo, InTwo)> =
            lat_deg.iter().map(of).map(|(s, c)| (s, if c.high < 0.0 { -c } else { c })).collect();
        let end = |high: f64| std::iter::once(InTwo::from(high));
        let limits = end(f64::NEG_INFINITY).chain(parallels.iter().map(|p| p.0)).chain(end(f64::INFINITY)).collect();
        let is_southward = rows.first() > rows.last();
        Self {
            sin: parallels.iter().map(|p| p.0.high).collect(),
            cos: parallels.iter().map(|p| p.1.high).collect(),
            rows,
            meridians,
            row_starts,
            #[cfg(feature = "gpu")]
            lows: parallels.iter().map(|p| [p.0.low, p.1.low]).collect(),
            limits,
            is_southward,
        }
    }
}
