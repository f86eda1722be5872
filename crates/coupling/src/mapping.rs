//! The way from one grid to another: weights with what lies beyond them.

use crate::Nature;
use knarr_grid::{Grid, Mask};
use knarr_io::{Cached, WeightsCache};
use knarr_regrid::{
    Extrapolation, Keeps, Method, MissingPolicy, Normalization, Options, RegridError, Regridder, Weights, content_hash,
    options_hash,
};
use std::sync::Arc;

/// Methods in order, the next for cells that the ones before do not reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Methods {
    /// Weights and how they go on beyond the reach of the method; `None` where both grids are the same.
    pub options: Option<Options>,
    /// The value of cells that nothing reaches, in the units of the taker.
    pub fill: Option<f64>,
}

/// Names of methods that an experiment may give, for messages.
pub(crate) const METHODS: [&str; 12] = [
    "conservative",
    "conservative2",
    "bilinear",
    "bicubic",
    "patch",
    "nearest",
    "distance",
    "gaussian",
    "radial",
    "largest-fraction",
    "spread",
    "same",
];

impl Methods {
    /// Reads `conservative`, `conservative, nearest`, `bilinear, nearest, fixed:0`, `distance:4`, `spread:200km`, `same`.
    ///
    /// # Errors
    /// Says what is not understood, and what would be.
    pub fn parse(text: &str, nature: Nature, normalization: Option<Normalization>) -> Result<Self, String> {
        let mut words = text.split(',').map(str::trim);
        let first = words.next().unwrap_or_default();
        let (name, argument) = first.split_once(':').map_or((first, None), |(name, argument)| (name, Some(argument.trim())));
        let neighbours = |default: usize| match argument {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=64).contains(n))
                .ok_or_else(|| format!("`{first}`: `{text}` is no number of neighbours, expected 1 to 64")),
        };
        if argument.is_some() && !matches!(name, "distance" | "gaussian" | "radial" | "spread") {
            return Err(format!("`{first}`: `{name}` takes no number"));
        }
        let method = match name {
            "same" => None,
            "conservative" => Some(Method::Conservative),
            "conservative2" => Some(Method::Conservative2nd),
            "bilinear" => Some(Method::Bilinear),
            "bicubic" => Some(Method::Bicubic),
            "patch" => Some(Method::Patch),
            "nearest" => Some(Method::Nearest),
            "distance" => Some(Method::Distance { neighbours: neighbours(4)? }),
            "gaussian" => Some(Method::Gaussian { neighbours: neighbours(4)? }),
            "radial" => Some(Method::Radial { neighbours: neighbours(12)? }),
            "largest-fraction" => Some(Method::LargestFraction),
            "spread" => {
                let radius = argument.map(crate::document::Length::parse).transpose()?.map_or(0.0, crate::document::Length::get);
                let keeps = if nature == Nature::Amount { Keeps::Sum } else { Keeps::Integral };
                Some(Method::Spread { radius_m: radius.round() as u32, keeps })
            }
            _ => return Err(format!("unknown method `{name}`, {}", crate::document::suggestion(name, METHODS))),
        };
        if nature == Nature::Amount && !matches!(method, None | Some(Method::Spread { .. })) {
            return Err(format!(
                "`{name}` makes means, and an amount per cell must be shared out: use `spread` or `spread:200km`"
            ));
        }
        let mut options = method.map(Options::new);
        if let (Some(options), Some(normalization)) = (&mut options, normalization) {
            options.normalization = normalization;
        }
        let mut fill = None;
        for word in words {
            match (word.strip_prefix("fixed:"), word, &mut options) {
                (Some(value), _, _) => {
                    fill = Some(value.trim().parse().map_err(|_| format!("`{word}`: `{value}` is no number"))?);
                }
                (_, "nearest", Some(options)) => options.extrapolation = Extrapolation::Nearest,
                (_, "distance", Some(options)) => options.extrapolation = Extrapolation::Distance,
                (_, "creep", Some(options)) => options.extrapolation = Extrapolation::Creep,
                _ => {
                    return Err(format!(
                        "`{word}` cannot go on where `{name}` ends, expected `nearest`, `distance`, `creep` or `fixed:VALUE`"
                    ));
                }
            }
        }
        Ok(Self { options, fill })
    }

    /// In words, as in an experiment.
    pub fn in_words(&self) -> String {
        let mut text = match &self.options {
            None => "same grid".to_owned(),
            Some(options) => {
                let mut text = options.method.to_string();
                if options.normalization == Normalization::DestinationArea {
                    text += " (destarea)";
                }
                text += match options.extrapolation {
                    Extrapolation::None => "",
                    Extrapolation::Nearest => ", nearest",
                    Extrapolation::Distance => ", distance",
                    Extrapolation::Creep => ", creep",
                };
                text
            }
        };
        if let Some(fill) = self.fill {
            text += &format!(", fixed:{fill}");
        }
        text
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
        let Some(options) = methods.options else {
            return Ok(Self {
                source: Arc::clone(source),
                destination: Arc::clone(destination),
                methods,
                regridder: None,
                origin: Origin::Same,
                unreached: 0,
                masked_fractions: None,
                identity: format!("{} same", hashes[0]),
            });
        };
        let (weights, origin) = weights(source, destination, &options, cache)?;
        let masked = destination.mask.flags().is_some() && weights.origin.conservative;
        let masked_fractions = if masked {
            let whole = Grid { mask: Mask::ALL, ..Grid::clone(destination) };
            let over_all = self::weights(source, &whole, &options, cache)?.0.source_fractions;
            Some(over_all.iter().zip(&weights.source_fractions).map(|(all, own)| (all - own).max(0.0)).collect())
        } else {
            None
        };
        let unreached = if methods.fill.is_some() { 0 } else { weights.unmapped_among(&destination.mask) };
        Ok(Self {
            source: Arc::clone(source),
            destination: Arc::clone(destination),
            methods,
            regridder: Some(Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } }),
            origin,
            unreached,
            masked_fractions,
            identity: format!("{} {} {} {:?}", hashes[0], hashes[1], options_hash(&options), methods.fill),
        })
    }

    /// Whether integrals (or sums of amounts) are kept, so that the ledger can close without a remainder.
    pub fn keeps_integrals(&self) -> bool {
        match &self.regridder {
            None => true,
            Some(regridder) => {
                let spread = matches!(self.methods.options, Some(Options { method: Method::Spread { .. }, .. }));
                regridder.weights.origin.conservative || spread
            }
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
        let parse = |text| Methods::parse(text, Nature::Flux, None);
        let words = |text| parse(text).map_or_else(|e| e, |m| m.in_words());
        assert_eq!(words("conservative, nearest, fixed:0"), "conservative, nearest, fixed:0");
        assert_eq!(words("same"), "same grid");
        assert_eq!(words("consevative"), "unknown method `consevative`, did you mean `conservative`?");
        assert!(words("bilinear, nearby").contains("`nearby` cannot go on where `bilinear` ends"));
        assert!(words("distance:0").contains("expected 1 to 64"));
        assert!(words("conservative:3").contains("takes no number"));
        let spread = Methods::parse("spread:0.2 km", Nature::Amount, None).expect("a method").options.expect("weights");
        assert_eq!(spread.method, Method::Spread { radius_m: 200, keeps: Keeps::Sum });
        assert!(Methods::parse("bilinear", Nature::Amount, None).expect_err("means").contains("spread"));
    }
}
