//! Options that several verbs share; texts become types here and nowhere else.

use crate::failure::Failure;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, ValueEnum};
use knarr::field::VectorFrame;
use knarr::grid::{Detail, Grid};
use knarr::io::{GridFormat, NamedPair, VectorOutput, WeightsFormat, grid_from_argument};
use knarr::kernels::device::DeviceChoice;
use knarr::regrid::{Defaults, Edges, Extrapolation, Finish, Keeps, Method, MissingPolicy, Normalization, Stack};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Options of every verb.
#[derive(Args)]
pub struct Common {
    /// Print the report as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Work with N threads (default: one per core); results do not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Compute on DEVICE: auto (a graphics processor if there is one), cpu, gpu or gpu:N (default: cpu); `bench` takes
    /// several, separated by commas
    #[arg(long, global = true, value_name = "DEVICE", value_delimiter = ',')]
    device: Vec<DeviceChoice>,
}

impl Common {
    /// The device of a verb that takes one.
    pub fn device(&self) -> Result<Option<DeviceChoice>, Failure> {
        match self.device[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(Failure::new(format!("`--device` takes one device here, {} were given", self.device.len()))
                .hint("name one; `knarr bench` takes several")),
        }
    }

    /// The devices of a verb that takes several.
    pub fn devices(&self) -> &[DeviceChoice] {
        &self.device
    }
}

/// How weights are made.
#[derive(Args)]
pub struct MethodOptions {
    /// Divide overlaps by the covered part of a cell (fracarea, keeps constants) or the whole (destarea, keeps integrals)
    #[arg(long, value_enum, default_value_t = NormalizationName::Fracarea)]
    pub normalization: NormalizationName,
    /// Take cell edges as the grid defines them, or all as great circles
    #[arg(long, value_enum, default_value_t = EdgesName::Grid)]
    pub edges: EdgesName,
    /// Fill destination cells that the method does not reach
    #[arg(long, value_enum, default_value_t = ExtrapolationName::None)]
    pub extrapolate: ExtrapolationName,
    /// Use N neighbours (default: 4 with --method distance, 9 with gaussian, 12 with radial)
    #[arg(long, value_name = "N")]
    pub neighbours: Option<NonZeroUsize>,
    /// With --method spread: share among the destination cells up to KM kilometres from the nearest one
    #[arg(long, value_name = "KM", default_value_t = 0.0)]
    pub radius: f64,
    /// With --method spread: keep the sum over cells (kg s-1), the integral (kg m-2 s-1), or constants (mean)
    #[arg(long, value_enum, default_value_t = KeepsName::Integral)]
    pub keeps: KeepsName,
}

/// What spreading keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeepsName {
    /// The sum over cells
    Sum,
    /// The integral over areas
    Integral,
    /// Constants: the mean of the source cells that come together
    Mean,
}

impl Default for MethodOptions {
    fn default() -> Self {
        Self {
            normalization: NormalizationName::Fracarea,
            edges: EdgesName::Grid,
            extrapolate: ExtrapolationName::None,
            neighbours: None,
            radius: 0.0,
            keeps: KeepsName::Integral,
        }
    }
}

impl MethodOptions {
    /// What layers have that do not say otherwise.
    fn defaults(&self) -> Defaults {
        Defaults {
            normalization: match self.normalization {
                NormalizationName::Fracarea => Normalization::FractionArea,
                NormalizationName::Destarea => Normalization::DestinationArea,
            },
            edges: match self.edges {
                EdgesName::Grid => Edges::Grid,
                EdgesName::GreatCircle => Edges::GreatCircle,
            },
            extrapolation: match self.extrapolate {
                ExtrapolationName::None => Extrapolation::None,
                ExtrapolationName::Nearest => Extrapolation::Nearest,
                ExtrapolationName::Distance => Extrapolation::Distance,
                ExtrapolationName::Creep => Extrapolation::Creep,
            },
            neighbours: self.neighbours.map(NonZeroUsize::get),
            radius_m: (self.radius.max(0.0) * 1000.0).round() as u32,
            keeps: match self.keeps {
                KeepsName::Sum => Keeps::Sum,
                KeepsName::Integral => Keeps::Integral,
                KeepsName::Mean => Keeps::Mean,
            },
        }
    }

    /// The methods that `text` names, with these options where it has none of its own.
    pub fn stack(&self, text: &str) -> Result<Stack, Failure> {
        Ok(Stack::parse(text, &self.defaults())?)
    }

    /// The method that `name` stands for; `None` for `auto`.
    pub fn method(&self, name: MethodName) -> Option<Method> {
        let stack = (name != MethodName::Auto).then(|| self.stack(&name.to_string()));
        stack?.ok()?.single().map(|options| options.method)
    }
}

/// What is made of the values a destination cell has weights of.
#[derive(Args, Default)]
pub struct FinishOptions {
    /// Take a statistic of the overlapping cells, which count by area: mean, min, max, mode, median, p0 to p100, stddev,
    /// count; the method is conservative
    #[arg(long, value_name = "NAME", value_parser = statistic)]
    pub statistic: Option<Finish>,
    /// Make no new extremes: monotone (second order limits its slopes, others clip) or caas (clips, and keeps the sum)
    #[arg(long, value_name = "NAME", value_parser = limit, conflicts_with = "statistic")]
    pub limit: Option<Finish>,
}

impl FinishOptions {
    /// What is made.
    pub fn finish(&self) -> Finish {
        self.statistic.or(self.limit).unwrap_or_default()
    }
}

fn statistic(text: &str) -> Result<Finish, String> {
    match text.parse() {
        Ok(finish @ (Finish::Sum | Finish::Statistic(_))) => Ok(finish),
        _ => Err("expected mean, min, max, mode, median, p0 to p100, stddev or count".to_owned()),
    }
}

/// The value of `--limit`.
pub fn limit(text: &str) -> Result<Finish, String> {
    match text.parse() {
        Ok(finish @ Finish::Limit(_)) => Ok(finish),
        _ => Err("expected monotone or caas".to_owned()),
    }
}

/// The value of `--method`: one method, or several in the order in which they are tried.
#[derive(Clone, Debug, PartialEq)]
pub enum MethodChoice {
    /// Chosen for each variable.
    Auto,
    /// As [`Stack::parse`] reads it.
    Given(String),
}

impl std::str::FromStr for MethodChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        Stack::parse(text, &Defaults::default()).map(|_| Self::Given(text.to_owned())).map_err(|e| e.to_string())
    }
}

impl From<MethodName> for MethodChoice {
    fn from(name: MethodName) -> Self {
        if name == MethodName::Auto { Self::Auto } else { Self::Given(name.to_string()) }
    }
}

/// Reads [`MethodChoice`], and lists the names in the help.
#[derive(Clone)]
pub struct MethodParser;

impl TypedValueParser for MethodParser {
    type Value = MethodChoice;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<MethodChoice, clap::Error> {
        let parse = |text: &str| text.parse::<MethodChoice>();
        parse.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let layers = [
            PossibleValue::new("creep")
                .help("Above others: mean of the destination cells around, round by round (creep:3: at most 3)"),
            PossibleValue::new("fixed:V").help("Last: the value V"),
        ];
        Some(Box::new(MethodName::value_variants().iter().filter_map(ValueEnum::to_possible_value).chain(layers)))
    }
}

impl std::fmt::Display for MethodName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.to_possible_value().expect("no name is hidden").get_name())
    }
}

/// What missing values do.
#[derive(Args)]
pub struct MissingOptions {
    /// Leave missing source values out (skip), or let one make the result missing (propagate)
    #[arg(long, value_enum, default_value_t = MissingName::Skip)]
    pub missing: MissingName,
    /// With --missing skip: make the result missing if valid sources carry less than the share F (0 to 1) of the weight
    #[arg(long, value_name = "F", default_value = "0", value_parser = share)]
    pub min_valid: f64,
}

impl Default for MissingOptions {
    fn default() -> Self {
        Self { missing: MissingName::Skip, min_valid: 0.0 }
    }
}

impl MissingOptions {
    /// The policy.
    pub fn policy(&self) -> MissingPolicy {
        match self.missing {
            MissingName::Skip => MissingPolicy::Skip { min_valid: self.min_valid },
            MissingName::Propagate => MissingPolicy::Propagate,
        }
    }
}

/// What components of vectors are along in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VectorsName {
    /// East and north
    Earth,
    /// The x and y axes of the destination
    Grid,
    /// Each by itself, as a scalar: not turned
    Separate,
}

impl From<VectorsName> for VectorOutput {
    fn from(name: VectorsName) -> Self {
        match name {
            VectorsName::Earth => Self::Earth,
            VectorsName::Grid => Self::Grid,
            VectorsName::Separate => Self::Separate,
        }
    }
}

/// Two names of variables, `U,V`, `U,V:grid` or `U,V:earth`.
pub fn pair(text: &str) -> Result<NamedPair, String> {
    let (names, frame) = match text.rsplit_once(':') {
        Some((names, "grid")) => (names, Some(VectorFrame::Grid)),
        Some((names, "earth")) => (names, Some(VectorFrame::Earth)),
        Some((_, other)) => return Err(format!("expected `earth` or `grid` behind the colon, found `{other}`")),
        None => (text, None),
    };
    match names.split_once(',') {
        Some((u, v)) if !u.is_empty() && !v.is_empty() && !v.contains(',') && u != v => {
            Ok(NamedPair { names: [u.to_owned(), v.to_owned()], frame })
        }
        _ => Err("expected two names, as `u10,v10:grid`".to_owned()),
    }
}

/// A number from 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|f| (0.0..=1.0).contains(f)).ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// Names of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// Chosen for each variable by what it is
    Auto,
    /// Value of the nearest center
    Nearest,
    /// Between the centers around
    Bilinear,
    /// Nearest centers by inverse distance
    Distance,
    /// Cubic on rows and columns, elsewhere as patch
    Bicubic,
    /// A cubic fitted to the centers around
    Patch,
    /// Nearest centers by a Gaussian of the distance
    Gaussian,
    /// Radial basis functions through the nearest centers
    Radial,
    /// Mean over overlapping cells, first order
    Conservative,
    /// The same with slopes in source cells, second order
    Conservative2,
    /// The overlapping cell with the largest share
    LargestFraction,
    /// Every source cell to the nearest destination cells: nothing is lost (runoff)
    Spread,
}

/// Names of normalizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NormalizationName {
    /// The covered part of the destination cell
    Fracarea,
    /// The whole destination cell
    Destarea,
}

/// Names of edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EdgesName {
    /// Parallels and meridians where the grid has them
    Grid,
    /// Great circles everywhere
    GreatCircle,
}

/// Names of extrapolations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExtrapolationName {
    /// Unreached cells are missing
    None,
    /// Nearest center
    Nearest,
    /// Four nearest centers by inverse distance
    Distance,
    /// Mean of mapped neighbours, step by step
    Creep,
}

/// Names of missing policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MissingName {
    /// Leave them out
    Skip,
    /// Spread them
    Propagate,
}

/// What NaN without a fill value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NanName {
    /// An error: nobody said what it means
    Error,
    /// Missing
    Missing,
}

impl From<NanName> for knarr::io::NanPolicy {
    fn from(name: NanName) -> Self {
        match name {
            NanName::Error => Self::Error,
            NanName::Missing => Self::Missing,
        }
    }
}

/// Layouts of grid files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GridFormatName {
    /// SCRIP: cells with corners
    Scrip,
    /// UGRID mesh
    Ugrid,
    /// ESMF mesh
    Esmf,
    /// CF coordinates with bounds
    Cf,
}

impl From<GridFormatName> for GridFormat {
    fn from(name: GridFormatName) -> Self {
        match name {
            GridFormatName::Scrip => Self::Scrip,
            GridFormatName::Ugrid => Self::Ugrid,
            GridFormatName::Esmf => Self::Esmf,
            GridFormatName::Cf => Self::Cf,
        }
    }
}

/// Layouts of weights files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WeightsFormatName {
    /// ESMF: S, row, col
    Esmf,
    /// SCRIP: remap_matrix, as CDO reads it
    Scrip,
}

impl From<WeightsFormatName> for WeightsFormat {
    fn from(name: WeightsFormatName) -> Self {
        match name {
            WeightsFormatName::Esmf => Self::Esmf,
            WeightsFormatName::Scrip => Self::Scrip,
        }
    }
}

/// The grid a GRID argument names.
pub fn grid(text: &str) -> Result<Arc<Grid>, Failure> {
    Ok(grid_from_argument(text, Detail::Cells)?)
}
