//! What was done to make a grid usable, so that nothing is inferred or repaired silently.

use crate::LonLat;

/// Where the corners of a grid come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CornerSource {
    /// The file gave them.
    Given,
    /// A formula of the grid kind gave them.
    Formula,
    /// Mid-points between the centers of an axis.
    AxisMidpoints,
    /// The projection's x and y axes gave them.
    Projection,
    /// Inferred in 3-D from neighbouring centers.
    Centers,
    /// There are none: points.
    None,
}

impl std::fmt::Display for CornerSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given => "given by the file",
            Self::Formula => "from the grid's formula",
            Self::AxisMidpoints => "mid-points between the centers of the axes",
            Self::Projection => "from the projection's x and y",
            Self::Centers => "inferred in 3-D from neighbouring centers",
            Self::None => "none (points)",
        })
    }
}

/// What was wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blemish {
    /// A center or corner is a fill value or out of range.
    MissingCoordinate,
    /// The corners enclose no area.
    Degenerate,
    /// Corners turn clockwise.
    Clockwise,
    /// A corner is repeated where cells of this grid do not repeat corners.
    DoubledCorner,
    /// The polygon is not convex.
    Concave,
    /// The edges cross each other.
    SelfCrossing,
    /// Wider than any cell of this grid can be; a corner lies elsewhere on the globe.
    Oversized,
    /// The same cell appears elsewhere (halo or fold of a tripolar grid).
    Duplicate,
}

impl std::fmt::Display for Blemish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MissingCoordinate => "missing coordinate",
            Self::Degenerate => "no area",
            Self::Clockwise => "clockwise corners",
            Self::DoubledCorner => "doubled corner",
            Self::Concave => "concave",
            Self::SelfCrossing => "crossing edges",
            Self::Oversized => "corner far away",
            Self::Duplicate => "duplicate of another cell",
        })
    }
}

/// What was done with a bad cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It takes part, after a repair that keeps its shape.
    Repaired,
    /// It takes part as it is (overlap handles it).
    Kept,
    /// It does not take part.
    Dropped,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Repaired => "repaired",
            Self::Kept => "kept",
            Self::Dropped => "dropped",
        })
    }
}

/// One bad cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BadCell {
    /// Index in the grid, 0-based.
    pub cell: usize,
    /// Its center, as far as known.
    pub center: LonLat,
    /// What was wrong.
    pub blemish: Blemish,
    /// What was done.
    pub action: Action,
}

/// How a grid was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How the kind of grid was recognised, in words.
    pub recognised_by: String,
    /// Where the corners come from.
    pub corners: CornerSource,
    /// Remarks: what was inferred, ignored or contradictory.
    pub notes: Vec<String>,
    /// Bad cells, ascending by cell.
    pub bad_cells: Vec<BadCell>,
}

impl Report {
    /// A report without remarks.
    pub fn new(recognised_by: impl Into<String>, corners: CornerSource) -> Self {
        Self { recognised_by: recognised_by.into(), corners, notes: Vec::new(), bad_cells: Vec::new() }
    }

    /// Number of bad cells by blemish and action, in a fixed order.
    pub fn summary(&self) -> Vec<(Blemish, Action, usize)> {
        let mut counts: Vec<(Blemish, Action, usize)> = Vec::new();
        for bad in &self.bad_cells {
            match counts.iter_mut().find(|(b, a, _)| *b == bad.blemish && *a == bad.action) {
                Some((_, _, n)) => *n += 1,
                None => counts.push((bad.blemish, bad.action, 1)),
            }
        }
        counts.sort_by_key(|(b, a, _)| (*b, *a as u8));
        counts
    }
}
