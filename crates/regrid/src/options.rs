//! What the user chooses; each choice apart from the others.

use knarr_grid::Detail;
use serde::Serialize;

/// How a destination value is made from source values.
///
/// w_j is the weight of source value f_j, d_j the angle from destination to source center, A_j the area in which the
/// cells overlap; sums are over j. Orders are those on smooth fields, in the distance between source centers.
///
/// | method | destination value | order | keeps | source |
/// |---|---|---|---|---|
/// | [`Nearest`](Self::Nearest) | f_j of the least d_j | 1 | values, range | |
/// | [`Distance`](Self::Distance) | Σ f_j/d_j / Σ 1/d_j | 1 | constants, range | Shepard (1968), Proc. 23rd ACM Nat. Conf., 517–524 |
/// | [`Gaussian`](Self::Gaussian) | Σ f_j·exp(−d_j²/2σ²) / Σ exp(−d_j²/2σ²), σ² a tenth of the mean squared distance of the centers | 1, smooths | constants, range | Nadaraya (1964), Theory Probab. Appl. 9, 141–142 |
/// | [`Radial`](Self::Radial) | s(0) of s(x) = Σ λ_j·\|x − x_j\|³ + a + b·x with s(x_j) = f_j | 2 | constants, linear fields in the plane | Fornberg and Flyer (2015), A Primer on Radial Basis Functions, SIAM |
/// | [`Bilinear`](Self::Bilinear) | Σ w_j f_j, w_j ≥ 0 linear along the sides of the patch of centers around | 2 | constants, range | Floater (2003), Comput. Aided Geom. Des. 20, 19–27 (more than four corners) |
/// | [`Bicubic`](Self::Bicubic) | Lagrange's cubics along four rows, then across them | 4 | constants | Abramowitz and Stegun (1964), 25.2.13 |
/// | [`Patch`](Self::Patch) | p(0) of the cubic p with the least Σ w(d_j)·(p(x_j) − f_j)²; on two-dimensional grids Hermite's bicubic of values, slopes and twists at four centers | 4 | constants | Lancaster and Salkauskas (1981), Math. Comp. 37, 141–158; de Boor (1962), J. Math. Phys. 41, 212–218 |
/// | [`Conservative`](Self::Conservative) | Σ A_j f_j / Σ A_j, or / A of the whole cell | 1 | integral, range; constants if divided by Σ A_j | Jones (1999), Mon. Wea. Rev. 127, 2204–2210 |
/// | [`Conservative2nd`](Self::Conservative2nd) | Σ A_j (f_j + s_j·(φ_j − mean φ_j)) / Σ A_j, s_j slopes and 0.6 of the curvature in cell j, φ_j moments of the overlap | 2 | integral; constants as above | Dukowicz and Kodis (1987), SIAM J. Sci. Stat. Comput. 8, 305–321 |
/// | [`LargestFraction`](Self::LargestFraction) | f_j of the greatest A_j | 1 | values, range | |
/// | [`Spread`](Self::Spread) | Σ w_j f_j, each source cell in equal shares to the destination cells around it | 0 | what [`Keeps`] says | Hanke et al. (2016), Geosci. Model Dev. 9, 2755–2769 (source to target) |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The nearest source center; ties go to the lowest source index.
    Nearest,
    /// The `neighbours` nearest source centers, weighted by 1/distance (angle on the sphere).
    Distance {
        /// How many.
        neighbours: usize,
    },
    /// Between the source centers around the destination center: bilinear in quadrangles, barycentric in triangles.
    Bilinear,
    /// Cubic through four rows and four columns where the source has rows; elsewhere as [`Method::Patch`].
    Bicubic,
    /// A cubic fitted to the source centers around each destination center (moving least squares); along the lines of a
    /// two-dimensional grid a bicubic surface of continuous slope.
    Patch,
    /// The `neighbours` nearest source centers, weighted by a Gaussian of the distance.
    Gaussian {
        /// How many.
        neighbours: usize,
    },
    /// Radial basis functions through the `neighbours` nearest source centers.
    Radial {
        /// How many.
        neighbours: usize,
    },
    /// Mean over the overlapping source cells, weighted by the area of overlap (first order).
    Conservative,
    /// As [`Method::Conservative`] with the shape of the field inside each source cell (second order).
    Conservative2nd,
    /// The overlapping source cell with the largest share of the destination cell.
    LargestFraction,
    /// Every source cell to the destination cells around it: nothing of the source is lost.
    Spread {
        /// Destination cells up to this far (metres on the Earth) from the one nearest to the source cell get equal
        /// shares; 0 for the nearest alone.
        radius_m: u32,
        /// What is kept.
        keeps: Keeps,
    },
}

/// What [`Method::Spread`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeps {
    /// The sum over cells: for amounts per cell (kg s⁻¹).
    Sum,
    /// The integral: for amounts per area (kg m⁻² s⁻¹).
    Integral,
    /// Constants: a destination cell has the mean of what comes to it, by shares. With a radius of 0 each source cell counts in
    /// the destination cell nearest to it (nearest destination to source).
    Mean,
}

impl Method {
    /// Whether cells and their areas count, not just their centers.
    pub fn asks_for_areas(self) -> bool {
        matches!(self, Self::Conservative | Self::Conservative2nd | Self::LargestFraction | Self::Spread { .. })
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Distance { .. } => "distance",
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
            Self::Patch => "patch",
            Self::Gaussian { .. } => "gaussian",
            Self::Radial { .. } => "radial",
            Self::Conservative => "conservative",
            Self::Conservative2nd => "conservative2",
            Self::LargestFraction => "largest-fraction",
            Self::Spread { .. } => "spread",
        })
    }
}

/// What overlap areas of a conservative method are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// The overlapped part of the destination cell: constants stay constant (for state: temperature, concentration).
    FractionArea,
    /// The whole destination cell: the integral over the destination's own area is kept (for fluxes).
    DestinationArea,
}

/// What the edges of cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// As the grid defines them: parallels and meridians for [`knarr_grid::Rows`], great circles elsewhere.
    Grid,
    /// Great circles everywhere, as ESMF and most SCRIP users take them.
    GreatCircle,
}

/// What happens to destination cells that the method does not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extrapolation {
    /// They are unmapped: missing in the output.
    None,
    /// The nearest active source center.
    Nearest,
    /// Four nearest active source centers by 1/distance.
    Distance,
    /// Mean of mapped neighbours, level by level, until all are reached.
    Creep,
}

/// How weights are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Options {
    /// The method.
    pub method: Method,
    /// Of conservative methods.
    pub normalization: Normalization,
    /// Of conservative methods.
    pub edges: Edges,
    /// Beyond the reach of the method.
    pub extrapolation: Extrapolation,
    /// Of methods that look for the nearest source centers (nearest, distance, Gaussian, radial): centers farther than this
    /// from the destination's, in metres on the Earth, do not count.
    pub reach_m: Option<u32>,
}

impl Options {
    /// The method with fraction-area normalization, the grids' own edges and no extrapolation.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            normalization: Normalization::FractionArea,
            edges: Edges::Grid,
            extrapolation: Extrapolation::None,
            reach_m: None,
        }
    }

    /// The square of the longest chord of the unit sphere within [`Self::reach_m`].
    pub(crate) fn reach_chord2(&self) -> f64 {
        let chord = |metres: u32| {
            let angle = (f64::from(metres) / crate::methods::EARTH_RADIUS_M).min(std::f64::consts::PI);
            2.0 * (0.5 * angle).sin()
        };
        self.reach_m.map_or(f64::INFINITY, |metres| chord(metres).powi(2))
    }

    /// What weights are made of: of the source and of the destination.
    pub fn detail(&self) -> [Detail; 2] {
        // Which centers are neighbours is told by rows and columns or by shared corners, and among several of them a cell given
        // twice, which is known by its place in a row or by its corners, must count once: the nearest is the same either way.
        let asks_several = self.method != Method::Nearest || self.extrapolation == Extrapolation::Distance;
        let source = match (self.method.asks_for_areas(), asks_several) {
            (true, _) => Detail::Cells,
            (false, true) => Detail::Neighbours,
            (false, false) => Detail::Centers,
        };
        // What creeps goes from cell to cell of the destination.
        let creeps = self.extrapolation == Extrapolation::Creep;
        [source, if self.method.asks_for_areas() || creeps { Detail::Cells } else { Detail::Centers }]
    }

    /// Whether rows of weights depend on one another, so that making some of them makes them all: what creeps goes from
    /// row to row, gradients are balanced over all overlaps of a source cell, and spreading starts from source cells.
    pub fn needs_all_rows(&self) -> bool {
        self.extrapolation == Extrapolation::Creep || matches!(self.method, Method::Conservative2nd | Method::Spread { .. })
    }
}
