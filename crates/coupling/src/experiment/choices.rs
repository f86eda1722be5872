//! Entries that are a text or a map.

use super::{Named, NormalizationName};
use crate::document::{Carried, DocumentError, Kind, Node, Placed};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use std::borrow::Cow;
use std::path::PathBuf;

/// A grid: a text as `knarr grid --list` names them, or a map where cells take no part.
#[derive(Clone, Debug)]
pub struct GridEntry {
    /// File or name.
    pub grid: Placed<String>,
    /// `FILE.nc:VARIABLE > 0.5` (or `<`): cells where it does not hold take no part.
    pub active_where: Option<Placed<String>>,
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GridMap {
    /// File or name, as `knarr grid --list` shows them.
    grid: Placed<String>,
    /// `FILE.nc:VARIABLE > 0.5` (or `<`): cells where it does not hold take no part.
    #[serde(default)]
    active_where: Option<Placed<String>>,
}

/// A way from grid to grid: methods in order, the next for cells that the ones before do not reach.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// Methods as `knarr regrid --method` takes them, such as `conservative, nearest`.
    pub methods: Placed<String>,
    /// Of conservative methods.
    pub normalization: Option<NormalizationName>,
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MapMap {
    /// Methods in order, such as `conservative, nearest`.
    methods: Placed<String>,
    /// What overlaps are divided by: `fracarea` keeps constants, `destarea` integrals over whole cells.
    #[serde(default)]
    normalization: Option<NormalizationName>,
}

/// What is taken where a lag reaches back before the beginning.
#[derive(Clone, Debug)]
pub enum InitialEntry {
    /// The same for all fields.
    One(Initial),
    /// By the giver's name of a field.
    Each(Named<Placed<Initial>>),
}

/// What a field begins with.
#[derive(Clone, Debug, PartialEq)]
pub enum Initial {
    /// What the component gives before its first step.
    Component,
    /// A number, in the giver's units unless units follow.
    Value(String),
    /// The first values of a variable on the giver's grid.
    File(PathBuf, String),
}

/// What happens to active cells that a map does not reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unmapped {
    /// The check fails.
    #[default]
    Error,
    /// They are missing.
    Missing,
}

/// How the integral is made to agree on both sides.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conservation {
    /// Which correction.
    pub mode: ConservationMode,
    /// Greatest size of the correction relative to what was given.
    #[serde(default = "one_percent")]
    pub limit: f64,
}

fn one_percent() -> f64 {
    0.01
}

/// Corrections, as OASIS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConservationMode {
    /// What is missing is spread evenly over the taker's active area.
    Global,
    /// Every value is scaled by the same factor: signs stay.
    Glbpos,
    /// As `global`, with the giver's mean over its active area as the aim.
    Basbal,
    /// As `glbpos`, with the giver's mean over its active area as the aim.
    Baspos,
}

/// An item of a run sequence.
#[derive(Clone, Debug)]
pub enum RunItem {
    /// One step of a component.
    Step(Placed<String>),
    /// Items repeated.
    Every {
        /// Length of one pass.
        every: Placed<String>,
        /// What is done in it.
        items: Vec<Placed<RunItem>>,
    },
    /// Branches that run at the same time.
    Parallel(Vec<Placed<RunItem>>),
    /// Components stepped until what they exchange agrees.
    Iterate(Box<IterateEntry>),
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EveryMap {
    /// Length of one pass, such as PT1H.
    every: Placed<String>,
    /// What is done in it, in order.
    #[serde(rename = "do")]
    items: Vec<Placed<RunItem>>,
}

/// Components stepped again and again over the same interval until what they exchange agrees.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IterateEntry {
    /// Components, in order.
    pub members: Vec<Placed<String>>,
    /// How the next guess is made.
    #[serde(default)]
    pub scheme: Scheme,
    /// Share of the new value in the next guess: of all steps (constant), of the first (others).
    #[serde(default = "half")]
    pub relaxation: f64,
    /// Greatest change, relative and by area, at which it ends.
    #[serde(default = "millionth")]
    pub tolerance: f64,
    /// Greatest number of passes.
    #[serde(default = "twenty")]
    pub at_most: u32,
    /// What happens if that is not enough.
    #[serde(default)]
    pub otherwise: Unconverged,
}

fn half() -> f64 {
    0.5
}

fn millionth() -> f64 {
    1e-6
}

fn twenty() -> u32 {
    20
}

/// How an iteration makes its next guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// A fixed share of the new value.
    Constant,
    /// A share that follows from the last two changes (Aitken).
    #[default]
    Aitken,
    /// Least squares over all passes of this interval (IQN-ILS).
    IqnIls,
}

/// What happens without convergence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unconverged {
    /// The run ends.
    #[default]
    Error,
    /// It is counted in the report, and the run goes on.
    Warn,
}

/// A part of the Earth: latitudes from and to, longitudes from and to, or both.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneEntry {
    /// South and north edge in degrees.
    #[serde(default)]
    pub lat: Option<[f64; 2]>,
    /// West and east edge in degrees; west may be greater than east.
    #[serde(default)]
    pub lon: Option<[f64; 2]>,
}

impl ZoneEntry {
    /// Whether a place is in it; edges to the south and west belong to it.
    pub fn contains(&self, lon_deg: f64, lat_deg: f64) -> bool {
        let in_lat =
            self.lat.is_none_or(|[south, north]| lat_deg >= south && (lat_deg < north || north >= 90.0 && lat_deg <= 90.0));
        let turned = |west: f64| (lon_deg - west).rem_euclid(360.0);
        in_lat
            && self.lon.is_none_or(|[west, east]| {
                turned(west) < if east - west >= 360.0 { 360.0 } else { (east - west).rem_euclid(360.0) }
            })
    }
}

fn wrong(node: &Node, expected: &str) -> DocumentError {
    DocumentError::new(node.place, format!("found {}, expected {expected}", node.in_words()))
}

/// Reads a type from the tree, so that errors keep their places.
macro_rules! from_node {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_node(Node::deserialize(deserializer)?).map_err(|error| D::Error::custom(Carried(error)))
            }
        }
    };
}

from_node!(GridEntry);
from_node!(MapEntry);
from_node!(InitialEntry);
from_node!(Initial);
from_node!(RunItem);

impl GridEntry {
    fn from_node(node: Node) -> Result<Self, DocumentError> {
        match &node.kind {
            Kind::Text(text) => Ok(Self { grid: Placed { place: node.place, value: text.clone() }, active_where: None }),
            Kind::Map(_) => {
                let GridMap { grid, active_where } = node.read()?;
                Ok(Self { grid, active_where })
            }
            _ => Err(wrong(&node, "a grid such as `r360x180`, or a map with `grid`")),
        }
    }
}

impl MapEntry {
    fn from_node(node: Node) -> Result<Self, DocumentError> {
        match &node.kind {
            Kind::Text(text) => Ok(Self { methods: Placed { place: node.place, value: text.clone() }, normalization: None }),
            Kind::Map(_) => {
                let MapMap { methods, normalization } = node.read()?;
                Ok(Self { methods, normalization })
            }
            _ => Err(wrong(&node, "methods such as `conservative, nearest`, or a map with `methods`")),
        }
    }
}

impl InitialEntry {
    fn from_node(node: Node) -> Result<Self, DocumentError> {
        match node.kind {
            Kind::Map(_) => Ok(Self::Each(node.read()?)),
            _ => Initial::from_node(node).map(Self::One),
        }
    }
}

impl Initial {
    fn from_node(node: Node) -> Result<Self, DocumentError> {
        match &node.kind {
            Kind::Text(text) if text == "component" => Ok(Self::Component),
            Kind::Text(text) => Ok(match text.rsplit_once(".nc:") {
                Some((path, variable)) => Self::File(format!("{path}.nc").into(), variable.to_owned()),
                None => Self::Value(text.clone()),
            }),
            Kind::Whole(value) => Ok(Self::Value(value.to_string())),
            Kind::Real(value) => Ok(Self::Value(value.to_string())),
            _ => Err(wrong(&node, "`component`, a number with units, or FILE.nc:VARIABLE")),
        }
    }
}

impl RunItem {
    fn from_node(node: Node) -> Result<Self, DocumentError> {
        let place = node.place;
        match node.kind {
            Kind::Text(name) => Ok(Self::Step(Placed { place, value: name })),
            Kind::Map(ref entries) if entries.iter().any(|e| e.key == "every" || e.key == "do") => {
                let EveryMap { every, items } = node.read()?;
                Ok(Self::Every { every, items })
            }
            Kind::Map(mut entries) if entries.len() == 1 && matches!(entries[0].key.as_str(), "parallel" | "iterate") => {
                let entry = entries.remove(0);
                Ok(if entry.key == "parallel" { Self::Parallel(entry.value.read()?) } else { Self::Iterate(entry.value.read()?) })
            }
            Kind::List(items) => {
                let items: Result<Vec<Placed<Self>>, _> = items.into_iter().map(Node::read).collect();
                // A list in a list is a branch of a parallel block: its items one after the other.
                Ok(Self::Every { every: Placed { place, value: String::new() }, items: items? })
            }
            _ => Err(wrong(&node, "a component, `every: ... do: ...`, `parallel: [...]` or `iterate: {...}`")),
        }
    }
}

macro_rules! text_or {
    ($type:ty, $name:literal, $map:ty) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let map = generator.subschema_for::<$map>();
                json_schema!({ "anyOf": [{ "type": "string" }, map] })
            }
        }
    };
}

text_or!(GridEntry, "GridEntry", GridMap);
text_or!(MapEntry, "MapEntry", MapMap);

impl JsonSchema for Initial {
    fn schema_name() -> Cow<'static, str> {
        "Initial".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

impl JsonSchema for InitialEntry {
    fn schema_name() -> Cow<'static, str> {
        "InitialEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Initial>();
        json_schema!({ "anyOf": [one, { "type": "object", "additionalProperties": one }] })
    }
}

impl JsonSchema for RunItem {
    fn schema_name() -> Cow<'static, str> {
        "RunItem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<Self>();
        let every = generator.subschema_for::<EveryMap>();
        let iterate = generator.subschema_for::<IterateEntry>();
        let one = |name: &str, value: serde_json::Value| json_schema!({ "type": "object", "properties": { name: value }, "required": [name], "additionalProperties": false });
        let list = serde_json::json!({ "type": "array", "items": item });
        json_schema!({ "anyOf": [
            { "type": "string" }, every, one("parallel", list.clone()), one("iterate", iterate.to_value()), list,
        ]})
    }
}
