//! Rows between parallels, columns between meridians.

use super::frame::InTwo;
use super::milestones::Milestones;
use super::place::Direction;
use crate::double_double::DoubleDouble;
use std::sync::Arc;

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
        /// Sine and cosine of each.
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
        let directions = lon_deg.iter().map(|&lon| Direction::of_deg(lon)).collect();
        Self::Table { lon_deg, directions, columns }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Uniform { count } => *count,
            Self::Table { lon_deg, .. } => lon_deg.len(),
        }
    }

    /// The column of a part, counted on beyond a turn.
    #[inline(always)]
    pub(super) fn column(&self, part: i64) -> Option<usize> {
        let part = part.rem_euclid(self.len() as i64) as usize;
        match self {
            Self::Uniform { .. } => Some(part),
            Self::Table { columns, .. } => (columns[part] != NO_OWNER).then(|| columns[part] as usize),
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
    /// `sin` between −∞ and ∞, which poles are too: nothing lies beyond.
    pub(super) limits: Vec<InTwo>,
    /// Whether numbers of cells grow southward.
    pub(super) is_southward: bool,
    /// Where [`Meridians::Uniform`] are counted from.
    pub(crate) milestones: Arc<Milestones>,
}

impl Bands {
    /// Band limits from latitudes in degrees, ascending.
    pub fn new(lat_deg: &[f64], rows: Vec<u32>, meridians: Vec<Meridians>, row_starts: Vec<usize>) -> Self {
        let of = |&lat: &f64| DoubleDouble::from(lat).sin_cos_deg();
        let parallels: Vec<(InTwo, InTwo)> =
            lat_deg.iter().map(of).map(|(s, c)| (s, if c.high < 0.0 { -c } else { c })).collect();
        let end = |high: f64| std::iter::once(InTwo::from(high));
        let limit = |sin: InTwo| if sin.high.abs() < 1.0 { sin } else { InTwo::from(sin.high * f64::INFINITY) };
        let limits = parallels.iter().map(|p| limit(p.0));
        let limits = end(f64::NEG_INFINITY).chain(limits).chain(end(f64::INFINITY)).collect();
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
            milestones: Arc::new(Milestones::new()),
        }
    }
}
