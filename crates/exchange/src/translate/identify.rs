//! Which field a variable is.

use super::{Request, TranslateError};
use crate::catalogue::{Catalogue, Convention, Entry, Field, LevelKind, Matched, is_name};
use knarr_io::{Dataset, Role, VariableGrid, VariableInfo, listed_names, read_grid};

/// A variable that is a field of the catalogue.
#[derive(Clone, Debug)]
pub(super) struct Identified<'a> {
    /// The variable.
    pub variable: String,
    /// Its grid.
    pub grid: VariableGrid,
    /// The field.
    pub field: &'a Field,
    /// The field in the convention of the file; of an alternate name, its units and operations.
    pub entry: Entry,
}

/// Variables sorted out.
#[derive(Debug, Default)]
pub(super) struct Sorted<'a> {
    /// Those that are fields.
    pub fields: Vec<Identified<'a>>,
    /// Ratios: variable, index in the catalogue, grid.
    pub ratios: Vec<(String, usize, VariableGrid)>,
    /// Those that are not, and why.
    pub left_out: Vec<(String, String)>,
}

/// Finds the field of each data variable.
pub(super) fn identify<'a>(
    catalogue: &'a Catalogue,
    dataset: &Dataset,
    convention: Convention,
    request: &Request<'a>,
    mapped: bool,
) -> Result<Sorted<'a>, TranslateError> {
    let mut sorted = Sorted::default();
    for variable in dataset.variables() {
        if !matches!(variable.role, Role::Data | Role::Ancillary) || variable.dtype.number().is_none() || variable.dims.is_empty()
        {
            continue;
        }
        if mapped && request.variables.as_ref().is_some_and(|wanted| !wanted.contains(&variable.name)) {
            continue;
        }
        let grid = match read_grid(dataset, &variable.name) {
            Ok(grid) => grid,
            Err(error) => {
                let why = error.to_string();
                sorted.left_out.push((variable.name.clone(), why.rsplit(": ").next().unwrap_or(&why).to_owned()));
                continue;
            }
        };
        if grid.coordinate_variables.contains(&variable.name) {
            continue;
        }
        if let Some(ratio) = ratio(catalogue, convention, variable) {
            sorted.ratios.push((variable.name.clone(), ratio, grid));
            continue;
        }
        let chosen = request.fields.get(&variable.name).filter(|_| mapped);
        let axis = vertical_axis(dataset, variable, &grid);
        let candidates: Vec<&Field> = match chosen {
            Some(id) => vec![catalogue.field(id)?],
            None => {
                let found = Matched {
                    name: variable.name.rsplit('/').next().unwrap_or(&variable.name),
                    param: param_of(variable),
                    standard_name: variable.attributes.text("standard_name"),
                    axis: axis.as_ref().map(|a| a.0),
                };
                catalogue.candidates(convention, found)
            }
        };
        match candidates.as_slice() {
            [] => match alternate(catalogue, convention, &variable.name) {
                Some((field, entry)) => sorted.fields.push(Identified { variable: variable.name.clone(), grid, field, entry }),
                None => sorted.left_out.push((variable.name.clone(), "not in the catalogue".to_owned())),
            },
            [field] => match convention.entry(field) {
                Some(entry) => sorted.fields.push(Identified { variable: variable.name.clone(), grid, field, entry }),
                None => sorted.left_out.push((variable.name.clone(), format!("{convention} has no such field as {}", field.id))),
            },
            several => {
                return Err(TranslateError::Ambiguous {
                    variable: variable.name.clone(),
                    fields: several.iter().map(|f| f.id.clone()).collect(),
                });
            }
        }
    }
    Ok(sorted)
}

/// The `paramId` a decoder has kept.
fn param_of(variable: &VariableInfo) -> Option<u32> {
    let attribute = |name: &str| variable.attributes.number(name).or_else(|| variable.attributes.text(name)?.trim().parse().ok());
    ["GRIB_paramId", "paramId"].into_iter().find_map(attribute).filter(|p| *p >= 1.0 && p.fract() == 0.0).map(|p| p as u32)
}

fn ratio(catalogue: &Catalogue, convention: Convention, variable: &VariableInfo) -> Option<usize> {
    let (name, param) = (variable.name.as_str(), param_of(variable));
    catalogue.ratios.iter().position(|ratio| match convention {
        Convention::Cf => ratio.id == name,
        Convention::Rpn => ratio.names.rpn.as_deref() == Some(name),
        Convention::Eccc => ratio.names.eccc.iter().any(|n| is_name(n, name)),
        Convention::ClimateDt | Convention::ExtremesDt => {
            if param.is_some() {
                ratio.names.param == param
            } else {
                ratio.names.destine.as_deref() == Some(name)
            }
        }
    })
}

fn alternate<'a>(catalogue: &'a Catalogue, convention: Convention, name: &str) -> Option<(&'a Field, Entry)> {
    if convention != Convention::Eccc {
        return None;
    }
    catalogue.fields.iter().find_map(|field| {
        let other = field.eccc.alternates.iter().find(|a| is_name(&a.name, name))?;
        let mut entry = convention.entry(field)?;
        (entry.units, entry.operand_units) = (other.units.clone(), other.units.clone());
        entry.to_canonical = other.to_canonical.clone();
        Some((field, entry))
    })
}

/// Kind and dimension of the vertical axis of a variable: a coordinate of one of its dimensions, else a single level
/// among its coordinates (then without a dimension).
pub(super) fn vertical_axis(
    dataset: &Dataset,
    variable: &VariableInfo,
    grid: &VariableGrid,
) -> Option<(LevelKind, Option<String>)> {
    let own = variable.dims.iter().map(|(name, _)| name.as_str()).filter(|name| !grid.dims.iter().any(|d| d == name));
    let named = listed_names(variable.attributes.text("coordinates").unwrap_or_default());
    own.chain(named).find_map(|name| {
        let coordinate = dataset.variable(name).ok().filter(|c| c.dims.len() <= 1)?;
        let attributes = &coordinate.attributes;
        let (units, standard) =
            (attributes.text("units").unwrap_or_default(), attributes.text("standard_name").unwrap_or_default());
        let plain = coordinate.name.to_lowercase();
        let about = format!("{plain} {}", attributes.text("long_name").unwrap_or_default().to_lowercase());
        let kind = if standard == "air_pressure" || matches!(units, "Pa" | "hPa" | "mb" | "mbar" | "millibar" | "millibars") {
            LevelKind::Isobaric
        } else if about.contains("soil") {
            LevelKind::SoilLayer
        } else if standard == "depth" || plain.starts_with("depth") {
            LevelKind::OceanDepth
        } else if standard == "height" && units.starts_with('m') {
            LevelKind::HeightAboveGround
        } else {
            return None;
        };
        Some((kind, coordinate.dims.first().map(|(dim, _)| dim.clone())))
    })
}
