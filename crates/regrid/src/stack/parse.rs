//! Stacks as text: `METHOD[:OPTION]...,METHOD...`.
//!
//! | layer | options |
//! |---|---|
//! | `nearest` | `300km`: reach |
//! | `distance`, `gaussian`, `radial` | `8`: neighbours; `300km`: reach |
//! | `bilinear`, `bicubic`, `patch` | |
//! | `conservative`, `conservative2` | `fracarea`, `destarea`: normalization; `great-circle`, `grid`: edges |
//! | `largest-fraction` | `great-circle`, `grid`: edges |
//! | `spread` | `300km`: radius; `sum`, `integral`, `mean`: what is kept |
//! | `creep` | `3`: rounds |
//! | `fixed` | `-1.8`: the value |

use super::{Layer, Stack};
use crate::{Edges, Extrapolation, Keeps, Method, Normalization, Options, RegridError};

/// What layers have that do not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Defaults {
    /// Of conservative methods.
    pub normalization: Normalization,
    /// Of conservative methods.
    pub edges: Edges,
    /// Of single layers.
    pub extrapolation: Extrapolation,
    /// Of distance, Gaussian and radial; 4, 9 and 12 if not given.
    pub neighbours: Option<usize>,
    /// Of spreading.
    pub radius_m: u32,
    /// Of spreading.
    pub keeps: Keeps,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            normalization: Normalization::FractionArea,
            edges: Edges::Grid,
            extrapolation: Extrapolation::None,
            neighbours: None,
            radius_m: 0,
            keeps: Keeps::Integral,
        }
    }
}

/// Usual numbers of neighbours: distance, Gaussian, radial.
const NEIGHBOURS: [usize; 3] = [4, 9, 12];

/// Greatest reach: half around the Earth.
const FARTHEST_M: f64 = 20_038e3;

/// Names of all layers.
const NAMES: [&str; 13] = [
    "nearest",
    "bilinear",
    "distance",
    "bicubic",
    "patch",
    "gaussian",
    "radial",
    "conservative",
    "conservative2",
    "largest-fraction",
    "spread",
    "creep",
    "fixed",
];

impl Stack {
    /// The stack that a text means.
    ///
    /// # Errors
    /// [`RegridError::Stack`] with the layer, and what was expected.
    pub fn parse(text: &str, defaults: &Defaults) -> Result<Self, RegridError> {
        Self::new(text.split(',').map(|layer| parse_layer(layer.trim(), defaults)).collect::<Result<_, _>>()?)
    }
}

impl std::str::FromStr for Stack {
    type Err = RegridError;

    fn from_str(text: &str) -> Result<Self, RegridError> {
        Self::parse(text, &Defaults::default())
    }
}

fn parse_layer(text: &str, defaults: &Defaults) -> Result<Layer, RegridError> {
    let refuse = |problem: String| RegridError::Stack { layer: text.to_owned(), problem };
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    let neighbours = |usual: usize| defaults.neighbours.unwrap_or(usual);
    let method = match name {
        "nearest" => Method::Nearest,
        "bilinear" => Method::Bilinear,
        "distance" => Method::Distance { neighbours: neighbours(NEIGHBOURS[0]) },
        "bicubic" => Method::Bicubic,
        "patch" => Method::Patch,
        "gaussian" => Method::Gaussian { neighbours: neighbours(NEIGHBOURS[1]) },
        "radial" => Method::Radial { neighbours: neighbours(NEIGHBOURS[2]) },
        "conservative" => Method::Conservative,
        "conservative2" => Method::Conservative2nd,
        "largest-fraction" => Method::LargestFraction,
        "spread" => Method::Spread { radius_m: defaults.radius_m, keeps: defaults.keeps },
        "creep" => {
            let rounds = parts.next().map(|n| n.parse().ok().filter(|n| *n > 0)).map_or(Some(None), |n| n.map(Some));
            return match (rounds, parts.next()) {
                (Some(rounds), None) => Ok(Layer::Creep { rounds }),
                _ => Err(refuse("expected a number of rounds, as in `creep:3`".to_owned())),
            };
        }
        "fixed" => {
            return match (parts.next().and_then(|v| v.parse().ok()).filter(|v: &f64| v.is_finite()), parts.next()) {
                // Minus zero is written as it is meant.
                (Some(value), None) => Ok(Layer::Fixed(value + 0.0)),
                _ => Err(refuse("expected a number, as in `fixed:0`".to_owned())),
            };
        }
        other => return Err(refuse(unknown(other))),
    };
    let mut options = Options {
        normalization: defaults.normalization,
        edges: defaults.edges,
        extrapolation: defaults.extrapolation,
        ..Options::new(method)
    };
    for part in parts {
        if !set(&mut options, part) {
            return Err(refuse(format!("no option `{part}` of `{name}`, expected {}", options_of(method))));
        }
    }
    Ok(Layer::Method(options))
}

/// That `name` is no layer's, and which is meant.
fn unknown(name: &str) -> String {
    let near: Vec<String> = knarr_field::near(name, NAMES).iter().map(|near| format!("`{near}`")).collect();
    match near.as_slice() {
        [] => format!("no method `{name}`, expected {}", NAMES.join(", ")),
        near => format!("no method `{name}`, did you mean {}?", near.join(" or ")),
    }
}

/// Whether `part` is an option of the method, which is then set.
fn set(options: &mut Options, part: &str) -> bool {
    let conservative = matches!(options.method, Method::Conservative | Method::Conservative2nd);
    let has_cells = conservative || options.method == Method::LargestFraction;
    let count = part.parse::<usize>().ok().filter(|n| (1..=1000).contains(n));
    match (&mut options.method, part) {
        (_, "fracarea") if conservative => options.normalization = Normalization::FractionArea,
        (_, "destarea") if conservative => options.normalization = Normalization::DestinationArea,
        (_, "grid" | "great-circle") if has_cells => {
            options.edges = if part == "grid" { Edges::Grid } else { Edges::GreatCircle };
        }
        (Method::Spread { keeps, .. }, "sum") => *keeps = Keeps::Sum,
        (Method::Spread { keeps, .. }, "integral") => *keeps = Keeps::Integral,
        (Method::Spread { keeps, .. }, "mean") => *keeps = Keeps::Mean,
        (Method::Spread { radius_m, .. }, _) => match metres(part) {
            Some(metres) => *radius_m = metres,
            None => return false,
        },
        (Method::Distance { neighbours } | Method::Gaussian { neighbours } | Method::Radial { neighbours }, _)
            if count.is_some() =>
        {
            *neighbours = count.unwrap_or(*neighbours);
        }
        (Method::Nearest | Method::Distance { .. } | Method::Gaussian { .. } | Method::Radial { .. }, _) => match metres(part) {
            Some(metres) => options.reach_m = Some(metres),
            None => return false,
        },
        _ => return false,
    }
    true
}

fn options_of(method: Method) -> &'static str {
    match method {
        Method::Nearest => "a distance such as `300km`",
        Method::Distance { .. } | Method::Gaussian { .. } | Method::Radial { .. } => {
            "a number of neighbours such as `8` or a distance such as `300km`"
        }
        Method::Conservative | Method::Conservative2nd => "`fracarea`, `destarea`, `grid` or `great-circle`",
        Method::LargestFraction => "`grid` or `great-circle`",
        Method::Spread { .. } => "a distance such as `300km`, `sum`, `integral` or `mean`",
        Method::Bilinear | Method::Bicubic | Method::Patch => "none",
    }
}

/// `300km`, `2500m`.
fn metres(text: &str) -> Option<u32> {
    let (number, unit) = match text.strip_suffix("km") {
        Some(number) => (number, 1000.0),
        None => (text.strip_suffix('m')?, 1.0),
    };
    let metres = number.parse::<f64>().ok()? * unit;
    (metres > 0.0 && metres <= FARTHEST_M).then(|| metres.round().max(1.0) as u32)
}

/// `300km`, `2500m`.
fn in_words(metres: u32) -> String {
    if metres.is_multiple_of(1000) { format!("{}km", metres / 1000) } else { format!("{metres}m") }
}

impl std::fmt::Display for Layer {
    /// As [`Stack::parse`] reads it; what is usual is not said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options = match self {
            Self::Creep { rounds: None } => return f.write_str("creep"),
            Self::Creep { rounds: Some(n) } => return write!(f, "creep:{n}"),
            Self::Fixed(value) => return write!(f, "fixed:{value}"),
            Self::Given => return f.write_str("given"),
            Self::Method(options) => options,
        };
        write!(f, "{}", options.method)?;
        let usual = |n: usize| NEIGHBOURS[n];
        match options.method {
            Method::Distance { neighbours } if neighbours != usual(0) => write!(f, ":{neighbours}")?,
            Method::Gaussian { neighbours } if neighbours != usual(1) => write!(f, ":{neighbours}")?,
            Method::Radial { neighbours } if neighbours != usual(2) => write!(f, ":{neighbours}")?,
            Method::Spread { radius_m, keeps } => {
                if radius_m > 0 {
                    write!(f, ":{}", in_words(radius_m))?;
                }
                f.write_str(match keeps {
                    Keeps::Sum => ":sum",
                    Keeps::Integral => "",
                    Keeps::Mean => ":mean",
                })?;
            }
            Method::Conservative | Method::Conservative2nd if options.normalization == Normalization::DestinationArea => {
                f.write_str(":destarea")?;
            }
            _ => {}
        }
        let has_cells = matches!(options.method, Method::Conservative | Method::Conservative2nd | Method::LargestFraction);
        if has_cells && options.edges == Edges::GreatCircle {
            f.write_str(":great-circle")?;
        }
        options.reach_m.map_or(Ok(()), |reach| write!(f, ":{}", in_words(reach)))
    }
}

impl std::fmt::Display for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (k, layer) in self.layers().iter().enumerate() {
            write!(f, "{}{layer}", if k > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_stacks_are_the_same() {
        for text in [
            "nearest",
            "conservative:destarea,nearest:300km,fixed:0",
            "conservative2:great-circle,creep:2,distance:8:2500m,fixed:-1.8",
            "largest-fraction:great-circle,nearest",
            "spread:50km:sum",
            "spread:mean,nearest",
            "bilinear,gaussian:5,radial:20:1000km,creep",
        ] {
            let stack: Stack = text.parse().expect(text);
            assert_eq!(stack.to_string(), text);
            assert_eq!(stack.to_string().parse(), Ok(stack));
        }
    }

    #[test]
    fn defaults_hold_where_nothing_is_said() {
        let defaults = Defaults { neighbours: Some(7), normalization: Normalization::DestinationArea, ..Defaults::default() };
        let stack = Stack::parse("conservative, conservative:fracarea, distance, distance:3", &defaults).expect("valid");
        let said: Vec<_> = stack
            .layers()
            .iter()
            .map(|layer| match layer {
                Layer::Method(o) => (o.normalization, o.method),
                Layer::Creep { .. } | Layer::Fixed(_) | Layer::Given => unreachable!("methods only"),
            })
            .collect();
        assert_eq!(said[0].0, Normalization::DestinationArea);
        assert_eq!(said[1].0, Normalization::FractionArea);
        assert_eq!((said[2].1, said[3].1), (Method::Distance { neighbours: 7 }, Method::Distance { neighbours: 3 }));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_layer() {
        for (text, layer, words) in [
            ("", "", "no method ``"),
            ("bilinar", "bilinar", "no method `bilinar`, did you mean `bilinear`?"),
            ("cubic-spline", "cubic-spline", "no method `cubic-spline`, expected nearest, bilinear,"),
            ("nearest:300", "nearest:300", "a distance such as `300km`"),
            ("bilinear:300km", "bilinear:300km", "expected none"),
            ("nearest,fixed:x", "fixed:x", "expected a number"),
            ("nearest,fixed:0,creep", "fixed:0", "the last layer"),
            ("creep,nearest", "creep", "a method as the first"),
            ("nearest,spread", "spread", "as the first layer"),
            ("nearest,creep:0", "creep:0", "a number of rounds"),
            ("distance:0", "distance:0", "a number of neighbours"),
        ] {
            let error = text.parse::<Stack>().expect_err(text);
            let RegridError::Stack { layer: found, problem } = &error else { panic!("{text}: {error}") };
            assert_eq!(found, layer, "{text}");
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
