//! What has to be done for each field of a file.

use super::identify::Identified;
use super::timing::Timing;
use super::{LayerOverlap, Request, Statistic, Surroundings, TranslateError, Turn, VectorAxes, between};
use crate::catalogue::{Field, LevelKind, Operation, Ratio, is_name};
use crate::units::{Linear, Units};
use knarr_field::CellMethods;
use knarr_io::{Dataset, Decoder, NanPolicy, Purpose, SlabOrder, VariableGrid, VariableInfo};

/// Top and bottom of each layer, in metres.
pub(super) type Layers = Vec<[f64; 2]>;

/// A variable to be read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub name: String,
    pub grid: VariableGrid,
    pub decoder: Decoder,
    /// Dimensions that are not horizontal.
    pub extra: Vec<(String, usize)>,
    /// From the units of the file to those of the operations.
    pub linear: Linear,
    /// Operations on this source alone, before it is combined with others.
    pub own: Vec<Operation>,
}

/// How sources become outputs.
#[derive(Clone, Debug)]
pub(super) enum Combine {
    /// Through operations of the catalogue.
    Operations(Vec<Operation>),
    /// A ratio: first over second, where the second is at least this.
    Quotient(f64),
    /// The denominator of a ratio from numerator and ratio, where the ratio is at least this; zero of nothing is nothing.
    Denominator(f64),
    /// The numerator from denominator and ratio.
    Numerator,
}

/// A variable to be written.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub param: Option<u32>,
    /// After everything else.
    pub linear: Linear,
}

/// What totals and means do to the bounds of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeBounds {
    /// Nothing.
    Kept,
    /// They become those of each interval.
    Intervals,
    /// They become those since the start.
    SinceStart,
}

/// One field, or the two components of a vector.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub fields: Vec<&'a Field>,
    pub sources: Vec<Source>,
    pub combine: Combine,
    pub around: Surroundings,
    pub targets: Vec<Target>,
    pub timing: Option<Timing>,
    pub bounds: TimeBounds,
    /// The dimension of soil layers that are replaced, and the new layers.
    pub layers: Option<(String, Layers)>,
    pub remarks: Vec<String>,
    /// Whether values are judged before (canonical sources) or after the operations.
    pub judge_before: bool,
    /// Hard limits in canonical units.
    pub valid_range: [f64; 2],
    /// Percentages, as labelled, that must not turn out to be fractions.
    pub is_percentage: bool,
}

/// A variable opened for reading.
pub(super) fn source(dataset: &Dataset, name: &str, grid: &VariableGrid) -> Result<Source, TranslateError> {
    let info = dataset.variable(name)?;
    let order = SlabOrder::new(dataset, info, grid)?;
    Ok(Source {
        name: name.to_owned(),
        grid: grid.clone(),
        decoder: Decoder::new(dataset.file(), dataset.file().variable(name)?, Purpose::Data)?,
        extra: order.extra.iter().map(|&i| info.dims[i].clone()).collect(),
        linear: Linear::IDENTITY,
        own: Vec::new(),
    })
}

/// Units a variable is in: those given, those of the file, or none needed.
fn units_text(request: &Request<'_>, variable: &VariableInfo, expected: &str) -> Option<String> {
    let given = request.units.get(&variable.name).cloned();
    let own = given.or_else(|| variable.attributes.text("units").map(|u| u.trim().to_owned())).filter(|u| !u.is_empty());
    let dimensionless = || ["1", "none", "nil", "fraction"].contains(&expected).then(|| "1".to_owned());
    own.or_else(dimensionless)
}

/// How the values of a variable become operands, and by which operations these become canonical.
pub(super) struct Reading {
    pub linear: Linear,
    pub operations: Vec<Operation>,
    pub remarks: Vec<String>,
    pub is_percentage: bool,
}

/// Settles units and statistic of a variable by what the file says, checked against what the catalogue knows.
pub(super) fn reading(request: &Request<'_>, dataset: &Dataset, found: &Identified<'_>) -> Result<Reading, TranslateError> {
    let (field, entry) = (found.field, &found.entry);
    let variable = dataset.variable(&found.variable)?;
    let fail = |problem: String| TranslateError::Units { variable: found.variable.clone(), field: field.id.clone(), problem };
    let text = units_text(request, variable, &entry.units)
        .ok_or_else(|| fail(format!("it has no `units`, expected `{}`", entry.units)))?;
    let mut reading =
        Reading { linear: Linear::IDENTITY, operations: entry.to_canonical.clone(), remarks: Vec::new(), is_percentage: false };
    if field.unit_labels.contains(&text) {
        return Ok(reading);
    }
    let parse = |t: &str| Units::parse(t).map_err(|e| fail(e.to_string()));
    let (own, operand, canonical) = (parse(&text)?, parse(&entry.operand_units)?, parse(&field.cf.units)?);
    let is_label = entry.mislabelled.as_deref().is_some_and(|label| Units::parse(label) == Ok(own));
    let decides = entry.to_canonical.contains(&Operation::CheckStatistic);
    let is_total = entry.to_canonical.iter().any(|o| matches!(o, Operation::DiffTime));
    reading.is_percentage = ["%", "percent"].contains(&text.as_str()) && !request.units.contains_key(&found.variable);
    let given = request.statistics.get(&found.variable).copied();
    if decides || (is_total && (is_label || given == Some(Statistic::Mean) || own.to_across(&operand, field.bridge).is_err())) {
        // Joules over seconds are watts: a total in J m-2 has the units of the operation, a mean those of the field.
        let joules = own.to(&parse("J m-2").unwrap_or(own)).is_ok();
        let said = variable.attributes.text("cell_methods").and_then(|m| {
            CellMethods::parse(m).0.iter().find(|e| e.names.iter().any(|n| n.starts_with("time"))).map(|e| e.method.clone())
        });
        let told = match (given, said.as_deref()) {
            (Some(statistic), _) => Some(statistic),
            (None, Some("sum")) => Some(Statistic::Total),
            (None, _) if joules => Some(Statistic::Total),
            // A rate where totals are expected, and no label that is known to be wrong.
            (None, _) if !is_label && !decides => Some(Statistic::Mean),
            _ => by_size(request, dataset, found)?,
        };
        let statistic = told.ok_or_else(|| TranslateError::Statistic {
            variable: found.variable.clone(),
            field: field.id.clone(),
            units: text.clone(),
        })?;
        if statistic == Statistic::Total {
            if decides {
                reading.operations = vec![Operation::DiffTime, Operation::DivDt];
            }
            if is_label || decides {
                if !joules {
                    reading.remarks.push(format!("run totals in J m-2, although labelled {text}"));
                }
                return Ok(reading);
            }
        } else {
            // Factors belong to totals in other units; a mean is converted by its own.
            reading.operations.retain(|o| !o.is_about_time() && !matches!(o, Operation::Scale(_) | Operation::Divide(_)));
            reading.linear = own.to_across(&canonical, field.bridge).map_err(|e| fail(e.to_string()))?;
            if is_total {
                reading.remarks.push("means, where the convention has totals".to_owned());
            }
            return Ok(reading);
        }
    }
    reading.linear = own.to_across(&operand, field.bridge).map_err(|e| fail(format!("{e}, which {} expects", request.from)))?;
    Ok(reading)
}

/// Totals in joules are thousands of times larger than any flux: the last step tells, unless it is dark.
fn by_size(request: &Request<'_>, dataset: &Dataset, found: &Identified<'_>) -> Result<Option<Statistic>, TranslateError> {
    let count = dataset.slab_count(&found.variable, &found.grid)?;
    if count == 0 {
        return Ok(None);
    }
    let last = dataset.read_slabs(&found.variable, &found.grid, count - 1..count, request.nan)?;
    let limit = found.field.valid_range.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let valid = |i: usize| last.valid.as_ref().is_none_or(|v| v.iter().nth(i).copied().unwrap_or(false));
    let largest = last.values.iter().enumerate().filter(|(i, _)| valid(*i)).fold(0.0f64, |m, (_, v)| m.max(v.abs()));
    let decides = found.entry.to_canonical.contains(&Operation::CheckStatistic);
    Ok(if largest > limit || largest == 0.0 {
        Some(Statistic::Total)
    } else if decides {
        Some(Statistic::Mean)
    } else {
        None
    })
}

/// The axes of a variable's grid, if vectors are along them and they turn.
pub(super) fn turn(
    request: &Request<'_>,
    variable: &VariableInfo,
    grid: &VariableGrid,
    inward: bool,
) -> Result<Option<Turn>, TranslateError> {
    let standard = variable.attributes.text("standard_name").unwrap_or_default();
    let along_axes = standard.split('_').any(|w| w == "x" || w == "y");
    if inward && request.axes == VectorAxes::Earth {
        return Ok(None);
    }
    match Turn::of(&grid.grid) {
        Ok(turn) if turn.is_none() => Ok(None),
        Ok(turn) => Ok(Some(turn)),
        Err(source) if request.axes == VectorAxes::Grid || along_axes => {
            Err(TranslateError::Axes { variable: variable.name.clone(), source })
        }
        // Cells without axes hold vectors east and north.
        Err(_) => Ok(None),
    }
}

/// The other variables an operation takes, by name.
pub(super) fn named_sources(dataset: &Dataset, found: &Identified<'_>, names: &[String]) -> Result<Vec<Source>, TranslateError> {
    names
        .iter()
        .map(|name| {
            let variable =
                dataset.variables().iter().find(|v| is_name(name, &v.name)).ok_or_else(|| TranslateError::Partner {
                    variable: found.variable.clone(),
                    field: found.field.id.clone(),
                    needs: format!("`{name}`"),
                })?;
            source(dataset, &variable.name, &found.grid)
        })
        .collect()
}

/// Layers of a variable: top and bottom in metres, by the bounds of their coordinate, else the layers of a model that
/// has as many.
pub(super) fn soil_layers(
    request: &Request<'_>,
    dataset: &Dataset,
    found: &Identified<'_>,
) -> Result<Option<(String, Layers)>, TranslateError> {
    let variable = dataset.variable(&found.variable)?;
    let Some((LevelKind::SoilLayer | LevelKind::OceanDepth, Some(dim))) =
        super::identify::vertical_axis(dataset, variable, &found.grid)
    else {
        return Ok(None);
    };
    let coordinate = dataset.variable(&dim)?;
    let to_metres = coordinate.attributes.text("units").map_or("m", |u| u.trim()).to_owned();
    let metres = Units::parse(&to_metres).and_then(|u| u.to(&Units::parse("m")?)).map_err(|e| TranslateError::Units {
        variable: dim.clone(),
        field: found.field.id.clone(),
        problem: e.to_string(),
    })?;
    if let Some(bounds) = coordinate.attributes.text("bounds").filter(|b| dataset.variable(b).is_ok()) {
        let values = knarr_io::read_decoded(dataset.file(), bounds, Purpose::Coordinate, NanPolicy::Error)?.values;
        return Ok(Some((dim, values.chunks_exact(2).map(|b| [metres.apply(b[0]), metres.apply(b[1])]).collect())));
    }
    let known = request.catalogue.soil_layers.iter().find(|l| l.interfaces_m.len() == coordinate.len() + 1);
    Ok(known.map(|l| (dim, between(&l.interfaces_m))))
}

/// Overlap from the layers of a variable to those of the convention wanted.
pub(super) fn overlap(
    request: &Request<'_>,
    variable: &str,
    from: &[[f64; 2]],
) -> Result<Option<(LayerOverlap, Layers)>, TranslateError> {
    let wanted = request.to.soil_layers().and_then(|id| request.catalogue.soil_layers.iter().find(|l| l.id == id));
    let Some(wanted) = wanted.map(|l| between(&l.interfaces_m)).filter(|w| w != from) else { return Ok(None) };
    let overlap =
        LayerOverlap::new(from, &wanted).map_err(|source| TranslateError::Layers { variable: variable.to_owned(), source })?;
    Ok(Some((overlap, wanted)))
}

/// What a ratio is called in a convention: name, `paramId`.
pub(super) fn ratio_name(ratio: &Ratio, convention: crate::catalogue::Convention) -> Option<(String, Option<u32>)> {
    use crate::catalogue::Convention;
    Some(match convention {
        Convention::Cf => (ratio.id.clone(), None),
        Convention::Rpn => (ratio.names.rpn.clone()?, None),
        Convention::Eccc => (ratio.names.eccc.first()?.clone(), None),
        Convention::ClimateDt | Convention::ExtremesDt => (ratio.names.destine.clone()?, ratio.names.param),
    })
}
