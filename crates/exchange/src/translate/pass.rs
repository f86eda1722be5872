//! One file becomes another, field by field: to canonical form or from it.

use super::accumulation::Intervals;
use super::identify::{Identified, Sorted, identify};
use super::jobs::{self, Combine, Job, Source, Target, TimeBounds};
use super::timing::Timing;
use super::{FieldReport, Request, Surroundings, TranslateError, attributes, run};
use crate::catalogue::{Convention, Field, Operation};
use crate::units::{Linear, Units};
use knarr_io::Dataset;
use std::path::Path;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the convention of the file.
    ToCanonical,
    /// To the convention wanted.
    FromCanonical,
}

/// What a pass came to.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub fields: Vec<FieldReport>,
    pub left_out: Vec<(String, String)>,
    /// Indices of ratios the file had, to be taken again in the end.
    pub ratios: Vec<usize>,
}

/// Translates `input` into `output`; `ratios` are taken from canonical fields.
pub(super) fn pass<'a>(
    request: &Request<'a>,
    input: &Path,
    output: &Path,
    direction: Direction,
    ratios: &[usize],
) -> Result<Passed, TranslateError> {
    let dataset = Dataset::open(input)?;
    let inward = direction == Direction::ToCanonical;
    let convention = if inward { request.from } else { Convention::Cf };
    let Sorted { fields, ratios: found_ratios, left_out } = identify(request.catalogue, &dataset, convention, request, inward)?;
    let mut passed = Passed { left_out, ..Passed::default() };
    let mut made: Vec<Job<'a>> = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for found in &fields {
        if done.contains(&found.variable.as_str()) {
            continue;
        }
        let job = if inward {
            inward_job(request, &dataset, found, &fields)?
        } else {
            outward_job(request, &dataset, found, &fields, &mut passed)?
        };
        let Some(job) = job else { continue };
        done.extend(
            fields
                .iter()
                .map(|f| f.variable.as_str())
                .filter(|v| job.sources.iter().any(|s| s.name == *v) && !is_only_read(&job, v)),
        );
        made.push(job);
    }
    if inward {
        for (variable, index, grid) in &found_ratios {
            match derived(request, &dataset, variable, *index, grid, &fields)? {
                Ok(job) => made.extend(job),
                Err(why) => passed.left_out.push((variable.clone(), why)),
            }
            passed.ratios.push(*index);
        }
    } else {
        for &index in ratios {
            made.extend(ratio_job(request, &dataset, index, &fields)?);
        }
    }
    check_once(&made)?;
    let sources: Vec<&str> = made.iter().flat_map(|j| j.sources.iter().map(|s| s.name.as_str())).collect();
    passed.left_out.retain(|(name, _)| !sources.contains(&name.as_str()));
    if made.is_empty() {
        return Err(TranslateError::Nothing {
            file: input.display().to_string(),
            convention: convention.to_string(),
            reasons: passed.left_out,
        });
    }
    let to = if inward { output } else { &request.output };
    passed.fields = run::jobs(request, &dataset, to, &mut made, !inward && request.overwrite)?;
    Ok(passed)
}

/// Whether a variable of a job is translated on its own, too: what another is subtracted from or divided by.
fn is_only_read(job: &Job<'_>, variable: &str) -> bool {
    let subtracts =
        matches!(&job.combine, Combine::Operations(list) if list.iter().any(|o| matches!(o, Operation::SubtractFrom(_))));
    subtracts && job.sources.get(1).is_some_and(|s| s.name == variable)
}

fn check_once(jobs: &[Job<'_>]) -> Result<(), TranslateError> {
    let all: Vec<(&str, &str)> =
        jobs.iter().flat_map(|j| j.targets.iter().map(|t| (t.name.as_str(), j.sources[0].name.as_str()))).collect();
    for (at, (target, first)) in all.iter().enumerate() {
        if let Some((_, second)) = all[at + 1..].iter().find(|(other, _)| other == target) {
            return Err(TranslateError::Twice {
                first: (*first).to_owned(),
                second: (*second).to_owned(),
                field: (*target).to_owned(),
            });
        }
    }
    Ok(())
}

/// The job of a field that is to be made canonical.
fn inward_job<'a>(
    request: &Request<'a>,
    dataset: &Dataset,
    found: &Identified<'a>,
    all: &[Identified<'a>],
) -> Result<Option<Job<'a>>, TranslateError> {
    let field = found.field;
    let variable = dataset.variable(&found.variable)?;
    let mut reading = jobs::reading(request, dataset, found)?;
    let mut sources = vec![jobs::source(dataset, &found.variable, &found.grid)?];
    sources[0].linear = reading.linear;
    // Canonical files keep the layers they have.
    reading.operations.retain(|o| !matches!(o, Operation::LayerOverlapMean | Operation::CheckStatistic));
    // Totals of the other direction fall where those of this one rise.
    let rises = field.valid_range[0] >= 0.0 && !reading.operations.contains(&Operation::Negate);
    let mut around = Surroundings { never_negative: rises, ..Surroundings::default() };
    let mut fields = vec![field];
    if reading.operations.contains(&Operation::RotateToEarth) {
        around.turn = jobs::turn(request, variable, &found.grid, true)?;
        if around.turn.is_some() {
            let partner = partner(found, all)?;
            let other = jobs::reading(request, dataset, partner)?;
            let mut second = jobs::source(dataset, &partner.variable, &partner.grid)?;
            second.linear = other.linear;
            fields.push(partner.field);
            sources.push(second);
            if is_northward(field) {
                fields.swap(0, 1);
                sources.swap(0, 1);
            }
        } else {
            reading.operations.retain(|o| *o != Operation::RotateToEarth);
        }
    }
    let names: Option<Vec<String>> = reading.operations.iter().find_map(|o| match o {
        Operation::SumVars(a, b) | Operation::TextureClass(a, b) => Some(vec![a.clone(), b.clone()]),
        Operation::WeightedSum(names) => Some(names.to_vec()),
        _ => None,
    });
    if let Some(names) = names {
        let linear = sources[0].linear;
        sources = jobs::named_sources(dataset, found, &names)?;
        sources.iter_mut().for_each(|s| s.linear = linear);
    }
    if let Some(Operation::SubtractFrom(id)) = reading.operations.iter().find(|o| matches!(o, Operation::SubtractFrom(_))) {
        let other = all.iter().find(|f| f.field.id == *id).ok_or_else(|| needs(found, id))?;
        let mut second = jobs::source(dataset, &other.variable, &other.grid)?;
        second.linear = jobs::reading(request, dataset, other)?.linear;
        sources.push(second);
    }
    let timing = Timing::of(dataset, variable, request.start)?;
    let about_time = reading.operations.iter().any(Operation::is_about_time);
    if about_time {
        let timing = timing.as_ref().ok_or_else(|| no_time(&found.variable))?;
        let (intervals, of_intervals) = timing.of_totals()?;
        (around.intervals, around.totals_are_of_intervals) = (Some(intervals), of_intervals);
    }
    let targets = fields
        .iter()
        .map(|f| Target {
            name: f.id.clone(),
            attributes: attributes::canonical(f, variable, found, timing.is_some(), about_time),
            param: None,
            linear: Linear::IDENTITY,
        })
        .collect();
    Ok(Some(Job {
        valid_range: field.valid_range,
        fields,
        sources,
        combine: Combine::Operations(reading.operations),
        around,
        targets,
        timing,
        bounds: if about_time { TimeBounds::Intervals } else { TimeBounds::Kept },
        layers: None,
        remarks: reading.remarks,
        judge_before: false,
        is_percentage: reading.is_percentage,
    }))
}

/// The job of a canonical field that is to be made one of the convention wanted; none where that has no name for it.
fn outward_job<'a>(
    request: &Request<'a>,
    dataset: &Dataset,
    found: &Identified<'a>,
    all: &[Identified<'a>],
    passed: &mut Passed,
) -> Result<Option<Job<'a>>, TranslateError> {
    let field = found.field;
    let variable = dataset.variable(&found.variable)?;
    let Some(entry) = request.to.entry(field) else {
        passed.left_out.push((found.variable.clone(), format!("{} has no name for it", request.to)));
        return Ok(None);
    };
    let Some(mut operations) = entry.to_canonical.iter().rev().map(Operation::inverse).collect::<Option<Vec<_>>>() else {
        passed.left_out.push((found.variable.clone(), format!("what {} has cannot be made from it alone", request.to)));
        return Ok(None);
    };
    operations.retain(|o| *o != Operation::CheckStatistic);
    let reading = jobs::reading(request, dataset, found)?;
    let mut sources = vec![jobs::source(dataset, &found.variable, &found.grid)?];
    sources[0].linear = reading.linear;
    let mut around = Surroundings::default();
    let mut fields = vec![field];
    if operations.contains(&Operation::RotateToGrid) {
        around.turn = jobs::turn(request, variable, &found.grid, false)?;
        if around.turn.is_some() {
            let partner = partner(found, all)?;
            fields.push(partner.field);
            sources.push(jobs::source(dataset, &partner.variable, &partner.grid)?);
            if is_northward(field) {
                fields.swap(0, 1);
                sources.swap(0, 1);
            }
        } else {
            operations.retain(|o| *o != Operation::RotateToGrid);
        }
    }
    let mut layers = None;
    if operations.contains(&Operation::LayerOverlapMean) {
        operations.retain(|o| *o != Operation::LayerOverlapMean);
        if let Some((dim, from)) = jobs::soil_layers(request, dataset, found)?
            && let Some((overlap, wanted)) = jobs::overlap(request, &found.variable, &from)?
        {
            around.overlap = Some(overlap);
            layers = Some((dim, wanted));
            operations.insert(0, Operation::LayerOverlapMean);
        }
    }
    let timing = Timing::of(dataset, variable, request.start)?;
    let mut bounds = TimeBounds::Kept;
    if operations.iter().any(Operation::is_about_time) {
        let intervals: Intervals = timing.as_ref().ok_or_else(|| no_time(&found.variable))?.of_means()?;
        around.intervals = Some(intervals);
        bounds = TimeBounds::SinceStart;
    }
    let out = |text: &str| Units::parse(text).expect("units of the catalogue are tested");
    let linear = if field.unit_labels.contains(&entry.units) {
        Linear::IDENTITY
    } else {
        out(&entry.operand_units).to_across(&out(&entry.units), field.bridge).expect("units of the catalogue are tested")
    };
    if let Some(Operation::SubtractFrom(_)) = operations.first() {
        // Only names for related quantities need another field, and files are not written under those.
        operations.clear();
    }
    let split: Option<Vec<String>> = operations.iter().find_map(|o| match o {
        Operation::SplitVars(a, b) | Operation::TexturePercent(a, b) => Some(vec![a.clone(), b.clone()]),
        _ => None,
    });
    let mut remarks = Vec::new();
    if let Some(Operation::SplitVars(a, b)) = operations.iter().find(|o| matches!(o, Operation::SplitVars(..))) {
        remarks.push(format!("how it splits into {a} and {b} is not known: all is in {a}"));
    }
    let names =
        split.unwrap_or_else(|| fields.iter().filter_map(|f| request.to.entry(f)).map(|e| written_name(&e.names[0])).collect());
    let grid_relative = around.turn.is_some();
    let targets = names
        .into_iter()
        .enumerate()
        .map(|(k, name)| {
            let field = fields.get(k).unwrap_or(&field);
            let own = request.to.entry(field).unwrap_or_else(|| entry.clone());
            Target {
                attributes: attributes::outward(field, variable, &own, request.to, &operations, grid_relative, &name),
                param: own.param.filter(|_| own.names.contains(&name)),
                name,
                linear,
            }
        })
        .collect();
    Ok(Some(Job {
        valid_range: field.valid_range,
        fields,
        sources,
        combine: Combine::Operations(operations),
        around,
        targets,
        timing,
        bounds,
        layers,
        remarks,
        judge_before: true,
        is_percentage: false,
    }))
}

/// A field that a file has only as a ratio: snow depth from density and water equivalent. `Ok(None)`: nothing is missing.
fn derived<'a>(
    request: &Request<'a>,
    dataset: &Dataset,
    variable: &str,
    index: usize,
    grid: &knarr_io::VariableGrid,
    all: &[Identified<'a>],
) -> Result<Result<Option<Job<'a>>, String>, TranslateError> {
    let ratio = &request.catalogue.ratios[index];
    let find = |id: &str| all.iter().find(|f| f.field.id == id);
    let (numerator, denominator) = (find(&ratio.numerator), find(&ratio.denominator));
    let (other, wanted, combine) = match (numerator, denominator) {
        (Some(_), Some(_)) => return Ok(Ok(None)),
        (Some(n), None) => (n, &ratio.denominator, Combine::Denominator(ratio.valid_range[0].max(f64::MIN_POSITIVE))),
        (None, Some(d)) => (d, &ratio.numerator, Combine::Numerator),
        (None, None) => {
            return Ok(Err(format!(
                "a ratio is exchanged as {} and {}, and neither is there",
                ratio.numerator, ratio.denominator
            )));
        }
    };
    let own = dataset.variable(variable)?;
    let fail = |problem: String| TranslateError::Units { variable: variable.to_owned(), field: ratio.id.clone(), problem };
    let text = request.units.get(variable).map(String::as_str).or(own.attributes.text("units"));
    let text = text.ok_or_else(|| fail(format!("it has no `units`, expected `{}`", ratio.units)))?;
    let mut second = jobs::source(dataset, variable, grid)?;
    second.linear = Units::parse(text).and_then(|u| u.to(&Units::parse(&ratio.units)?)).map_err(|e| fail(e.to_string()))?;
    let mut first = jobs::source(dataset, &other.variable, &other.grid)?;
    let reading = jobs::reading(request, dataset, other)?;
    first.linear = reading.linear;
    first.own = reading.operations;
    let other_variable = dataset.variable(&other.variable)?;
    let field: &'a Field = request.catalogue.field(wanted)?;
    let timing = Timing::of(dataset, own, request.start)?;
    let targets = vec![Target {
        name: field.id.clone(),
        attributes: attributes::canonical(field, other_variable, other, timing.is_some(), false),
        param: None,
        linear: Linear::IDENTITY,
    }];
    Ok(Ok(Some(Job {
        valid_range: field.valid_range,
        fields: vec![field],
        sources: vec![first, second],
        combine,
        around: Surroundings::default(),
        targets,
        timing,
        bounds: TimeBounds::Kept,
        layers: None,
        remarks: vec![format!("from {variable} and {}", other.variable)],
        judge_before: false,
        is_percentage: false,
    })))
}

/// The job of a ratio that the input had: taken from its two fields, now that they are where they are wanted.
fn ratio_job<'a>(
    request: &Request<'a>,
    dataset: &Dataset,
    index: usize,
    all: &[Identified<'a>],
) -> Result<Option<Job<'a>>, TranslateError> {
    let ratio = &request.catalogue.ratios[index];
    let find = |id: &str| all.iter().find(|f| f.field.id == id);
    let (Some(numerator), Some(denominator)) = (find(&ratio.numerator), find(&ratio.denominator)) else { return Ok(None) };
    let Some((name, param)) = jobs::ratio_name(ratio, request.to) else { return Ok(None) };
    let variable = dataset.variable(&numerator.variable)?;
    let sources: Vec<Source> = vec![
        jobs::source(dataset, &numerator.variable, &numerator.grid)?,
        jobs::source(dataset, &denominator.variable, &denominator.grid)?,
    ];
    Ok(Some(Job {
        valid_range: ratio.valid_range,
        fields: vec![numerator.field],
        sources,
        combine: Combine::Quotient(ratio.least_denominator),
        around: Surroundings::default(),
        targets: vec![Target { name, attributes: attributes::ratio(ratio, variable), param, linear: Linear::IDENTITY }],
        timing: Timing::of(dataset, variable, request.start)?,
        bounds: TimeBounds::Kept,
        layers: None,
        remarks: vec![format!("{} over {}", ratio.numerator, ratio.denominator)],
        judge_before: false,
        is_percentage: false,
    }))
}

fn partner<'f, 'a>(found: &Identified<'a>, all: &'f [Identified<'a>]) -> Result<&'f Identified<'a>, TranslateError> {
    let id = found.field.regrid.vector_with.as_deref().unwrap_or_default();
    all.iter().find(|f| f.field.id == id).ok_or_else(|| needs(found, id))
}

fn needs(found: &Identified<'_>, id: &str) -> TranslateError {
    TranslateError::Partner { variable: found.variable.clone(), field: found.field.id.clone(), needs: id.to_owned() }
}

fn no_time(variable: &str) -> TranslateError {
    TranslateError::Time { variable: variable.to_owned(), problem: "totals and means need a time, and it has none".to_owned() }
}

/// The second component of a vector.
fn is_northward(field: &Field) -> bool {
    field.positive.as_deref().is_some_and(|p| p.ends_with("north"))
}

/// A name without the place of its level.
fn written_name(name: &str) -> String {
    name.trim_end_matches(['*', '_', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_level_is_not_written() {
        assert_eq!(written_name("TMP_ISBL_*"), "TMP_ISBL");
        assert_eq!(written_name("AirTemp_IsbL-*"), "AirTemp_IsbL");
        assert_eq!(written_name("TMP_AGL-2m"), "TMP_AGL-2m");
    }
}
