//! One pair, one method, one field.

use super::scheme::apply;
use super::{Scheme, ScoreError};
use knarr_grid::{Grid, Neighbours};
use knarr_metrics::{
    AnalyticField, ErrorNorms, GlobalExtrema, GradientNorms, LocalExtrema, SpectralField, SpectralKind, cell_means, integral,
};
use knarr_regrid::MissingPolicy;
use std::sync::Arc;

/// Degrees of random fields: as in the reference.
const DEGREES: usize = 32;

/// A field to regrid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Field {
    /// By formula.
    Analytic(AnalyticField),
    /// By a spectrum.
    Spectral(SpectralKind),
}

impl Field {
    /// All of them: the four of Valcke et al., the five of Mahadevan et al.
    pub fn all() -> Vec<Self> {
        let analytic = AnalyticField::ALL.into_iter().chain(AnalyticField::SMOOTH).map(Self::Analytic);
        analytic.chain(SpectralKind::ALL.into_iter().map(Self::Spectral)).collect()
    }

    /// The field as a function of longitude and latitude in radians.
    pub fn function(self) -> Box<dyn Fn(f64, f64) -> f64 + Sync> {
        match self {
            Self::Analytic(field) => Box::new(move |lon, lat| field.value(lon, lat)),
            Self::Spectral(kind) => {
                let field = SpectralField::new(kind, DEGREES);
                Box::new(move |lon, lat| field.value(lon, lat))
            }
        }
    }

    /// Values of the field on a grid.
    pub fn on(self, grid: &Grid, reference: Reference) -> Vec<f64> {
        let f = self.function();
        match reference {
            Reference::Means => cell_means(grid, f),
            Reference::Centers => (0..grid.len())
                .map(|c| {
                    let center = grid.center(c);
                    f(center.lon_deg.to_radians(), center.lat_deg.to_radians())
                })
                .collect(),
        }
    }

    /// How it can be referred to: random fields have means only, as in their publication.
    pub fn references(self, source: &Grid, destination: &Grid) -> Vec<Reference> {
        let has_cells = source.has_corners() && destination.has_corners();
        match self {
            Self::Analytic(_) if has_cells => vec![Reference::Centers, Reference::Means],
            Self::Analytic(_) => vec![Reference::Centers],
            Self::Spectral(_) if has_cells => vec![Reference::Means],
            Self::Spectral(_) => Vec::new(),
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Analytic(field) => field.fmt(f),
            Self::Spectral(kind) => kind.fmt(f),
        }
    }
}

/// What values of source and reference are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The field at the centers of cells.
    Centers,
    /// The field's means over cells.
    Means,
}

/// Metrics of one result.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Score {
    /// Who regridded.
    pub program: String,
    /// Source grid.
    pub source: String,
    /// Destination grid.
    pub destination: String,
    /// Method, and limit if there is one, in Knarr's words.
    pub method: String,
    /// Field.
    pub field: String,
    /// What values are.
    pub reference: Reference,
    /// Destination cells without a value.
    pub unmapped: usize,
    /// Misfit and norms over mapped cells.
    pub norms: ErrorNorms,
    /// New extremes.
    pub extrema: GlobalExtrema,
    /// Extremes against the neighbourhood, where cells have neighbours and all are mapped.
    pub local: Option<LocalExtrema>,
    /// Norms with gradients, likewise.
    pub gradient: Option<GradientNorms>,
    /// |I_t\[Rψ\] − I_s\[ψ_s\]| / I_t\[|ψ|\] over whole cells; none where a grid has no cells or not all are mapped.
    pub conservation: Option<f64>,
}

/// Scores `scheme` on all fields.
///
/// # Errors
/// [`ScoreError`] if it does not fit the pair.
pub fn score(
    source: (&str, &Arc<Grid>),
    destination: (&str, &Arc<Grid>),
    scheme: Scheme,
    fields: &[Field],
) -> Result<Vec<Score>, ScoreError> {
    let regridder = scheme.between(source, destination, MissingPolicy::Propagate)?;
    let judge = Judge::new((destination.0, destination.1));
    let mut scores = Vec::new();
    for &field in fields {
        for reference in field.references(source.1, destination.1) {
            let values = field.on(source.1, reference);
            let (result, valid) = apply(&regridder, &values, None);
            let before = source_integral(source.1, &values);
            let score = judge.score("knarr", source.0, scheme, (field, reference), (&result, &valid), before);
            scores.push(score.ok_or_else(|| ScoreError::NothingMapped {
                method: scheme.to_string(),
                from: source.0.to_owned(),
                to: destination.0.to_owned(),
            })?);
        }
    }
    Ok(scores)
}

/// The integral over all active source cells; none for points.
pub(super) fn source_integral(grid: &Grid, values: &[f64]) -> Option<f64> {
    let areas: Vec<f64> = (0..grid.len()).map(|c| if grid.mask.is_active(c) { grid.area(c) } else { 0.0 }).collect();
    grid.has_corners().then(|| integral(values, &areas, None).expect("one area per value"))
}

/// What results on one destination are judged by.
pub(super) struct Judge<'a> {
    name: &'a str,
    grid: &'a Grid,
    areas: Vec<f64>,
    neighbours: Neighbours,
}

impl<'a> Judge<'a> {
    pub fn new((name, grid): (&'a str, &'a Grid)) -> Self {
        let areas = (0..grid.len()).map(|c| grid.area(c)).collect();
        Self { name, grid, areas, neighbours: grid.neighbours() }
    }

    /// `None` if no active cell is mapped.
    pub fn score(
        &self,
        program: &str,
        source: &str,
        scheme: Scheme,
        (field, reference): (Field, Reference),
        (result, valid): (&[f64], &[bool]),
        source_integral: Option<f64>,
    ) -> Option<Score> {
        let truth = field.on(self.grid, reference);
        let active: Vec<bool> = (0..truth.len()).map(|c| valid[c] && self.grid.mask.is_active(c)).collect();
        let areas = self.grid.has_corners().then_some(self.areas.as_slice());
        let norms = ErrorNorms::of(result, &truth, areas, Some(&active)).ok()?;
        let pick = |values: &[f64]| values.iter().zip(&active).filter(|v| *v.1).map(|v| *v.0).collect::<Vec<f64>>();
        let is_whole = active.iter().all(|&a| a) && areas.is_some();
        // Held against the size of the values, not against the integral, which is 0 for a harmonic.
        let conservation = source_integral.filter(|_| is_whole).map(|before| {
            let size: Vec<f64> = truth.iter().map(|v| v.abs()).collect();
            let total = |values: &[f64]| integral(values, &self.areas, None).expect("one area per value");
            (total(result) - before).abs() / total(&size)
        });
        Some(Score {
            program: program.to_owned(),
            source: source.to_owned(),
            destination: self.name.to_owned(),
            method: scheme.to_string(),
            field: field.to_string(),
            reference,
            unmapped: (0..truth.len()).filter(|&c| self.grid.mask.is_active(c) && !valid[c]).count(),
            norms,
            extrema: GlobalExtrema::of(&pick(result), &pick(&truth)),
            local: is_whole.then(|| LocalExtrema::of(result, &truth, &self.areas, &self.neighbours)),
            gradient: is_whole.then(|| GradientNorms::of(result, &truth, self.grid, &self.areas, &self.neighbours)),
            conservation,
        })
    }
}
