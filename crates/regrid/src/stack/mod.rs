//! Methods stacked: what one leaves open the next takes over.
//!
//! `conservative,nearest:300km,fixed:0` means: conservative where source cells overlap; else the nearest source center up to
//! 300 km away; else 0. A layer takes over where those before it reach no source cell, and, slab by slab, where they
//! reach missing values only (as the missing policy says).

mod fills;
mod parse;
mod regridder;
mod weights;

pub(crate) use fills::{FewRows, FilledFrom, Fills, OnHost};
pub use parse::Defaults;
pub use regridder::{Levels, StackOn, StackRegridder};
pub use weights::StackWeights;

use crate::{Method, Options, RegridError};

/// One way to make values where the layers before made none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// Weights. Above the first layer, methods of nearest centers (nearest, distance, Gaussian, radial) look among the centers
    /// whose values are valid in the slab; other methods have the same weights for all slabs.
    Method(Options),
    /// Mean of the destination cells around that have a value, round by round.
    Creep {
        /// At most so many rounds; as many as it takes if `None`.
        rounds: Option<u32>,
    },
    /// A value.
    Fixed(f64),
    /// Weights of a file or another program, as the first layer ([`StackWeights::given`]); no text means it.
    Given,
}

impl Layer {
    /// Whether it looks for the nearest source centers.
    fn looks_for_centers(&self) -> bool {
        use Method as M;
        matches!(self, Self::Method(o) if matches!(o.method, M::Nearest | M::Distance { .. } | M::Gaussian { .. } | M::Radial { .. }))
    }
}

/// Layers in the order in which they are tried; at least one, the first a method, a fixed value last.
///
/// ```
/// use knarr_regrid::{Layer, Stack};
/// let stack: Stack = "conservative,nearest:300km,fixed:0".parse()?;
/// assert_eq!(stack.layers().len(), 3);
/// assert_eq!(stack.layers()[2], Layer::Fixed(0.0));
/// assert_eq!(stack.to_string(), "conservative,nearest:300km,fixed:0");
/// assert!("fixed:0,nearest".parse::<Stack>().is_err());
/// # Ok::<(), knarr_regrid::RegridError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stack(Vec<Layer>);

/// Most layers.
const MOST_LAYERS: usize = 16;

impl Stack {
    /// A stack of `layers`.
    ///
    /// # Errors
    /// [`RegridError::Stack`] if there is none or too many, the first is no method, a fixed value is not last or no number,
    /// or what a layer spreads or extrapolates would leave nothing to those after it.
    pub fn new(layers: Vec<Layer>) -> Result<Self, RegridError> {
        let refuse =
            |layer: &Layer, problem: &str| Err(RegridError::Stack { layer: layer.to_string(), problem: problem.to_owned() });
        let Some(first) = layers.first() else {
            return Err(RegridError::Stack { layer: String::new(), problem: "expected a method".to_owned() });
        };
        if layers.len() > MOST_LAYERS {
            return refuse(&layers[MOST_LAYERS], "expected at most 16 layers");
        }
        if !matches!(first, Layer::Method(_)) {
            return refuse(first, "expected a method as the first layer");
        }
        for (k, layer) in layers.iter().enumerate() {
            match layer {
                Layer::Fixed(value) if !value.is_finite() => return refuse(layer, "expected a finite number"),
                Layer::Fixed(_) if k + 1 < layers.len() => {
                    return refuse(layer, "it leaves nothing open: expected it to be the last layer");
                }
                Layer::Method(o) if layers.len() > 1 && o.extrapolation != crate::Extrapolation::None => {
                    return refuse(layer, "it extrapolates: expected `nearest`, `distance` or `creep` as a layer instead");
                }
                Layer::Method(Options { method: Method::Spread { .. }, .. }) if k > 0 => {
                    return refuse(layer, "it brings each source cell somewhere: expected it as the first layer");
                }
                _ => {}
            }
        }
        Ok(Self(layers))
    }

    /// The layers.
    pub fn layers(&self) -> &[Layer] {
        &self.0
    }

    /// The stack of weights given from outside, which leave cells open that become `fixed`.
    pub(crate) fn given(fixed: Option<f64>) -> Self {
        Self([Layer::Given].into_iter().chain(fixed.map(Layer::Fixed)).collect())
    }

    /// The options, if there is one layer and it is a method.
    pub fn single(&self) -> Option<&Options> {
        match &self.0[..] {
            [Layer::Method(options)] => Some(options),
            _ => None,
        }
    }

    /// Options of the weights that are made for all destination cells, in the order of layers: the first layer, and those
    /// above that do not look for centers.
    pub fn whole_weights(&self) -> impl Iterator<Item = &Options> {
        self.0.iter().enumerate().filter(|(k, layer)| *k == 0 || !layer.looks_for_centers()).filter_map(
            |(_, layer)| match layer {
                Layer::Method(options) => Some(options),
                Layer::Creep { .. } | Layer::Fixed(_) | Layer::Given => None,
            },
        )
    }

    /// The value of destination cells that nothing reaches.
    pub fn fixed(&self) -> Option<f64> {
        match self.0.last() {
            Some(Layer::Fixed(value)) => Some(*value),
            _ => None,
        }
    }
}

impl From<Options> for Stack {
    fn from(options: Options) -> Self {
        Self(vec![Layer::Method(options)])
    }
}
