//! The way from one grid to another: weights with what lies beyond them.

use crate::Nature;
use knarr_grid::{Grid, Mask};
use knarr_io::{Cached, WeightsCache};
use knarr_regrid::{
    Defaults, Keeps, Layer, Method, MissingPolicy, Normalization, Options, RegridError, Regridder, Stack, StackWeights, Weights,
    content_hash,
};
use std::sync::Arc;

/// Methods in order, the next for cells that the ones before do not reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Methods {
    /// The methods; `None` where both grids are the same.
    pub stack: Option<Stack>,
}

impl Methods {
    /// Reads `same`, or a stack such as `conservative, nearest:300km, fixed:0` (see [`Stack::parse`]).
    ///
    /// # Errors
    /// Says what is not understood, and what would be.
    pub fn parse(text: &str, nature: Nature, normalization: Option<Normalization>) -> Result<Self, String> {
        if text.trim() == "same" {
            return Ok(Self { stack: None });
        }
        let mut defaults = Defaults::default();
        if let Some(normalization) = normalization {
            defaults.normalization = normalization;
        }
        if nature == Nature::Amount {
            defaults.keeps = Keeps::Sum;
        }
        let stack = Stack::parse(text, &defaults).map_err(|e| e.to_string())?;
        let methods = Self { stack: Some(stack) };
        if nature == Nature::Amount && !methods.spreads() {
            return Err(format!(
                "`{text}` makes means, and an amount per cell must be shared out: use `spread` or `spread:200km`"
            ));
        }
        Ok(methods)
    }

    /// In words, as in an experiment.
    pub fn in_words(&self) -> String {
        self.stack.as_ref().map_or_else(|| "same grid".to_owned(), ToString::to_string)
    }

    /// Whether every source cell goes somewhere.
    pub(crate) fn spreads(&self) -> bool {
        matches!(self.first(), Some(Options { method: Method::Spread { .. }, .. }))
    }

    /// The value of cells that nothing reaches.
    pub(crate) fn fill(&self) -> Option<f64> {
        self.stack.as_ref().and_then(Stack::fixed)
    }

    fn first(&self) -> Option<&Options> {
        match self.stack.as_ref()?.layers().first() {
            Some(Layer::Method(options)) => Some(options),
            _ => None,
        }
    }
}

/// Where weights came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Both grids are the same: nothing to weigh.
    Same,
    /// Made now.
    Made,
    /// Found in the cache.
    Cached,
}

/// A way from a source to a destination grid.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where from.
    pub source: Arc<Grid>,
    /// Where to.
    pub destination: Arc<Grid>,
    /// How.
    pub methods: Methods,
    /// Weights and policy; `None` where both grids are the same.
    pub regridder: Option<Regridder>,
    /// Where the weights came from.
    pub origin: Origin,
    /// Active destination cells that get no value.
    pub unreached: usize,
    /// The part of each source cell that lies over destination cells which take no part; known for conservative methods.
    pub masked_fractions: Option<Vec<f64>>,
    /// What identifies it: hashes of both grids and of the options.
    pub identity: String,
}

impl Mapping {
    /// Makes or finds the weights.
    ///
    /// # Errors
    /// [`RegridError`] if a grid lacks what the method needs.
    pub fn new(
        source: &Arc<Grid>,
        destination: &Arc<Grid>,
        methods: Methods,
        cache: Option<&WeightsCache>,
    ) -> Result<Self, RegridError> {
        let hashes = [content_hash(source), content_hash(destination)];
        let identity = format!("{} {} {}", hashes[0], hashes[1], methods.in_words());
        let Some((stack, first)) = methods.stack.as_ref().zip(methods.first().copied()) else {
            return Ok(Self {
                source: Arc::clone(source),
                destination: Arc::clone(destination),
                methods,
                regridder: None,
                origin: Origin::Same,
                unreached: 0,
                masked_fractions: None,
                identity,
            });
        };
        let mut origin = Origin::Cached;
        let mut layers = Vec::new();
        for options in stack.whole_weights() {
            let (weights, from) = weights(source, destination, options, cache)?;
            if from == Origin::Made {
                origin = Origin::Made;
            }
            layers.push(weights);
        }
        let weights = StackWeights::join(source, destination, stack, layers)?.joined().clone();
        let masked_fractions = if destination.mask.flags().is_some() && weights.origin.conservative {
            let whole = Grid { mask: Mask::ALL, ..Grid::clone(destination) };
            let over_all = self::weights(source, &whole, &first, cache)?.0;
            let (over_all, own) = (over_all.source_fractions(), weights.source_fractions());
            Some(over_all.iter().zip(&*own).map(|(all, own)| (all - own).max(0.0)).collect())
        } else {
            None
        };
        let unreached = if methods.fill().is_some() { 0 } else { weights.unmapped_among(&destination.mask) };
        Ok(Self {
            source: Arc::clone(source),
            destination: Arc::clone(destination),
            methods,
            regridder: Some(Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } }),
            origin,
            unreached,
            masked_fractions,
            identity,
        })
    }

    /// Whether integrals (or sums of amounts) are kept, so that the ledger can close without a remainder.
    pub fn keeps_integrals(&self) -> bool {
        match &self.regridder {
            None => true,
            Some(regridder) => regridder.weights.origin.conservative || self.methods.spreads(),
        }
    }

    /// Number of links.
    pub fn links(&self) -> usize {
        self.regridder.as_ref().map_or(0, |r| r.weights.len())
    }

    /// The part of the active destination that gets values, 0 to 1, by cells.
    pub fn coverage(&self) -> f64 {
        let active = self.destination.active_count();
        if active == 0 { 1.0 } else { 1.0 - self.unreached as f64 / active as f64 }
    }
}

fn weights(
    source: &Grid,
    destination: &Grid,
    options: &Options,
    cache: Option<&WeightsCache>,
) -> Result<(Weights, Origin), RegridError> {
    if let Some(Cached::Found(weights)) = cache.map(|cache| cache.find(source, destination, options)) {
        return Ok((*weights, Origin::Cached));
    }
    let weights = Weights::build(source, destination, options)?;
    if let Some(cache) = cache {
        // A cache that cannot be written costs time, not the run.
        let _ = cache.keep(&weights);
    }
    Ok((weights, Origin::Made))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_with_what_follows_them() {
        let words = |text| Methods::parse(text, Nature::Flux, None).map_or_else(|e| e, |m| m.in_words());
        assert_eq!(words("conservative, nearest:300km, fixed:0"), "conservative,nearest:300km,fixed:0");
        assert_eq!(words("same"), "same grid");
        assert!(words("consevative").contains("`consevative`"));
        let amounts = |text| Methods::parse(text, Nature::Amount, None);
        assert_eq!(amounts("spread:20km").expect("a method").in_words(), "spread:20km:sum");
        assert!(amounts("bilinear").expect_err("means").contains("use `spread`"));
    }

    #[test]
    fn what_lies_over_masked_cells_is_known() {
        let source = Arc::new(Grid::from_spec("r12x6").expect("a grid"));
        let whole = Grid::from_spec("r24x12").expect("a grid");
        let mask = Mask::from_active((0..whole.len()).map(|c| whole.center(c).lat_deg > 0.0).collect());
        let destination = Arc::new(whole.masked_by(&mask));
        let methods = Methods::parse("conservative", Nature::Flux, None).expect("a method");
        let mapping = Mapping::new(&source, &destination, methods, None).expect("both have corners");
        let masked = mapping.masked_fractions.as_ref().expect("the destination has a mask");
        for cell in 0..source.len() {
            let expected = f64::from(u8::from(source.center(cell).lat_deg < 0.0));
            assert!((masked[cell] - expected).abs() < 1e-12, "{cell}: {}", masked[cell]);
        }
        assert_eq!((mapping.unreached, mapping.coverage()), (0, 1.0));
    }
}
