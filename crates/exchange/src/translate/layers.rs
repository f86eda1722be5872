//! Values of layers as means over other layers.

use super::Slab;

/// Share of a layer that must be covered for it to have a value.
pub const LEAST_COVER: f64 = 0.5;

/// Weights of source layers in destination layers: `v_d = Σ_s w_ds v_s`, `w_ds` = overlap of s and d over the covered
/// part of d.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerOverlap {
    /// For each destination layer: source layers with their weights; none if less than [`LEAST_COVER`] is covered.
    rows: Vec<Vec<(usize, f64)>>,
}

/// Why layers cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("layers must lie below one another and be thicker than zero, found {found:?}")]
pub struct BadLayers {
    /// Top and bottom of the offending layer, or of two layers.
    pub found: Vec<[f64; 2]>,
}

impl LayerOverlap {
    /// Overlap of layers given by top and bottom (m, downward).
    ///
    /// # Errors
    /// [`BadLayers`] if layers overlap each other, are not in order or have no thickness.
    ///
    /// ```
    /// use knarr_exchange::translate::{LayerOverlap, Slab};
    /// let overlap = LayerOverlap::new(&[[0.0, 0.1], [0.1, 0.4]], &[[0.0, 0.2]])?;
    /// let mean = overlap.apply(&[Slab::whole(vec![0.2]), Slab::whole(vec![0.4])]);
    /// assert!((mean[0].values[0] - 0.3).abs() < 1e-15);
    /// # Ok::<(), knarr_exchange::translate::BadLayers>(())
    /// ```
    pub fn new(source: &[[f64; 2]], destination: &[[f64; 2]]) -> Result<Self, BadLayers> {
        check(source)?;
        check(destination)?;
        let rows = destination
            .iter()
            .map(|&[top, bottom]| {
                let shared = |s: &[f64; 2]| (bottom.min(s[1]) - top.max(s[0])).max(0.0);
                let row: Vec<(usize, f64)> = source.iter().map(shared).enumerate().filter(|(_, w)| *w > 0.0).collect();
                let covered: f64 = row.iter().map(|(_, w)| w).sum();
                if covered < LEAST_COVER * (bottom - top) {
                    return Vec::new();
                }
                row.into_iter().map(|(s, w)| (s, w / covered)).collect()
            })
            .collect();
        Ok(Self { rows })
    }

    /// Means over the destination layers; missing where a source layer that counts is missing, or too few count.
    pub fn apply(&self, layers: &[Slab]) -> Vec<Slab> {
        let cells = layers.first().map_or(0, |s| s.values.len());
        self.rows
            .iter()
            .map(|row| {
                let used: Vec<&Slab> = row.iter().map(|(s, _)| &layers[*s]).collect();
                if used.is_empty() {
                    return Slab { values: vec![0.0; cells], valid: Some(vec![false; cells]) };
                }
                Slab::combine(&used, |values| Some(row.iter().zip(values).map(|((_, w), v)| w * v).sum()))
            })
            .collect()
    }
}

fn check(layers: &[[f64; 2]]) -> Result<(), BadLayers> {
    if let Some(bad) = layers.iter().find(|[top, bottom]| !(top < bottom && top.is_finite() && bottom.is_finite())) {
        return Err(BadLayers { found: vec![*bad] });
    }
    match layers.windows(2).find(|pair| pair[0][1] > pair[1][0] + 1e-9) {
        Some(pair) => Err(BadLayers { found: pair.to_vec() }),
        None => Ok(()),
    }
}

/// Layers between interfaces: `[0, 0.07, 0.28]` has `[0, 0.07]` and `[0.07, 0.28]`.
pub fn between(interfaces: &[f64]) -> Vec<[f64; 2]> {
    interfaces.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(id: &str) -> Vec<[f64; 2]> {
        let catalogue = crate::Catalogue::load().expect("it is tested");
        between(&catalogue.soil_layers.iter().find(|l| l.id == id).expect(id).interfaces_m)
    }

    fn content(layers: &[[f64; 2]], values: &[Slab], below: f64) -> f64 {
        layers.iter().zip(values).map(|([top, bottom], v)| (bottom.min(below) - top).max(0.0) * v.values[0]).sum()
    }

    #[test]
    fn water_content_is_kept_between_the_layers_of_both_sides() {
        let (svs, ifs) = (layers("svs"), layers("ifs"));
        let water: Vec<Slab> = (0..svs.len()).map(|k| Slab::whole(vec![0.1 + 0.05 * k as f64])).collect();
        let there = LayerOverlap::new(&svs, &ifs).expect("layers").apply(&water);
        assert_eq!(there.len(), 4);
        // Down to where the shallower set ends, 2.89 m.
        let (before, after) = (content(&svs, &water, 2.89), content(&ifs, &there, 2.89));
        assert!((before - after).abs() < 1e-15 * 10.0, "{before} {after}");
        // And back: the deepest SVS layer is covered by 89 cm of 1 m.
        let back = LayerOverlap::new(&ifs, &svs).expect("layers").apply(&there);
        assert!(back.iter().all(|s| s.is_valid(0)));
        assert!((content(&svs, &back, 2.89) - after).abs() < 1e-14);
    }

    #[test]
    fn splitting_layers_and_joining_them_again_is_exact() {
        let (coarse, fine) = (between(&[0.0, 0.1, 1.0]), between(&[0.0, 0.05, 0.1, 0.3, 1.0]));
        let values = vec![Slab::whole(vec![0.2, 0.3]), Slab::whole(vec![0.4, 0.1])];
        let split = LayerOverlap::new(&coarse, &fine).expect("layers").apply(&values);
        let joined = LayerOverlap::new(&fine, &coarse).expect("layers").apply(&split);
        for (a, b) in joined.iter().zip(&values) {
            for (x, y) in a.values.iter().zip(&b.values) {
                assert!((x - y).abs() <= 2.0 * f64::EPSILON);
            }
        }
    }

    #[test]
    fn layers_that_are_hardly_covered_are_missing() {
        let shallow = LayerOverlap::new(&[[0.0, 0.1]], &[[0.0, 0.07], [0.07, 0.28]]).expect("layers");
        let mean = shallow.apply(&[Slab::whole(vec![0.3])]);
        assert!(mean[0].is_valid(0) && !mean[1].is_valid(0));
    }

    #[test]
    fn layers_out_of_order_are_refused() {
        assert!(LayerOverlap::new(&[[0.1, 0.1]], &[[0.0, 1.0]]).is_err());
        assert!(LayerOverlap::new(&[[0.0, 0.2], [0.1, 0.3]], &[[0.0, 1.0]]).is_err());
        assert!(LayerOverlap::new(&[[0.0, 1.0]], &[[1.0, 2.0], [0.0, 1.0]]).is_err());
    }
}
