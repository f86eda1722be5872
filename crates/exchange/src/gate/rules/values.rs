//! The numbers themselves.

use super::super::content::{Content, Field, variable_place};
use super::super::rebuild::{FILL, facts, rounded};
use super::{Case, RuleResult, needs_content, needs_payload};
use crate::classic::Values;
use crate::policy::Finer;

/// R18: nothing hides under the fill value, in the input or in the output.
pub(super) fn hidden_data(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R18", "hidden data");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let missing = field.valid.iter().filter(|&&v| !v).count();
        result.saw(format!("{missing} missing values of {place}"));
        if field.hidden > 0 {
            result.deny("missing_but_not_fill", place.clone(), field.hidden as u64);
        }
        let cells = field.grid.grid.len().max(1);
        let masked = (0..field.values.len()).filter(|at| field.valid[*at] && !field.grid.grid.mask.is_active(at % cells)).count();
        if masked > 0 {
            result.deny("values_under_the_mask", place, masked as u64);
        }
    }
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    for (file, field) in payload.iter().zip(&content.fields) {
        let Some(values) = floats(file) else { continue };
        let unlike = values.iter().zip(&field.valid).filter(|(v, valid)| !**valid && v.to_bits() != FILL.to_bits()).count();
        if unlike > 0 {
            result.deny("fill_not_written", variable_place(field.ordinal), unlike as u64);
        }
    }
    result
}

fn floats(file: &super::super::Payload) -> Option<&[f32]> {
    match &file.file.variables.last()?.values {
        Values::Float(values) => Some(values),
        _ => None,
    }
}

fn valid_values(field: &Field) -> impl Iterator<Item = f64> {
    field.values.iter().zip(&field.valid).filter(|(_, valid)| **valid).map(|(v, _)| *v)
}

/// R19: finite and possible.
pub(super) fn range(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R19", "range");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let Some(facts) = facts(case, field) else { continue };
        let [low, high] = facts.valid_range;
        let (mut count, mut outside) = (0, 0);
        for value in valid_values(field) {
            count += 1;
            outside += u64::from(!(low..=high).contains(&value));
        }
        result.saw(format!("{count} values of {place}, expected from {low} to {high}"));
        result.deny_if(count == 0, "no_values", &place);
        if outside > 0 {
            result.deny("out_of_range", place, outside);
        }
    }
    result
}

/// Two fields, the code of what is wrong, and what must hold for their values.
type Bound = (&'static str, &'static str, &'static str, fn(f64, f64) -> bool);

/// R20: fields that bound each other.
pub(super) fn consistency(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R20", "consistency");
    let Some(content) = needs_content(case, &mut result) else { return result };
    let pairs: [Bound; 3] = [
        ("snowfall_flux", "precipitation_flux", "more_snow_than_precipitation", |snow, all| snow <= all * (1.0 + 1e-6) + 1e-12),
        ("sea_ice_thickness", "sea_ice_area_fraction", "ice_without_area", |ice, area| area > 0.0 || ice == 0.0),
        ("wildfire_smoke_pm2p5", "pm2p5_concentration", "more_smoke_than_particles", |smoke, all| smoke <= all * (1.0 + 1e-6)),
    ];
    for (first, second, code, holds) in pairs {
        let (Some(a), Some(b)) = (named(case, content, first), named(case, content, second)) else { continue };
        result.saw(format!("{first} against {second}"));
        if a.values.len() != b.values.len() {
            result.ask("shapes_differ", first, 1);
            continue;
        }
        let both = (0..a.values.len()).filter(|&at| a.valid[at] && b.valid[at]);
        let wrong = both.filter(|&at| !holds(a.values[at], b.values[at])).count();
        if wrong > 0 {
            result.ask(code, first, wrong as u64);
        }
    }
    result.saw(format!("{} fields for known pairs", content.fields.len()));
    result
}

fn named<'c>(case: &Case<'_>, content: &'c Content, id: &str) -> Option<&'c Field> {
    content.fields.iter().find(|f| case.statement.files[f.request].field == id)
}

/// R22: as many decimals as allowed.
pub(super) fn precision(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R22", "precision");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let Some(rule) = case.policy.field(&case.statement.files[field.request].field) else { continue };
        // Single precision stands between a decimal number and what a file has of it.
        let finer = valid_values(field).filter(|&v| (v - rounded(v, rule.decimals)).abs() > 1.2e-7 * v.abs()).count();
        result.saw(format!("decimals of {place}: {} allowed, {finer} values finer", rule.decimals));
        if finer > 0 && rule.finer == Finer::Deny {
            result.deny("finer_than_allowed", place, finer as u64);
        }
    }
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    for (file, field) in payload.iter().zip(&content.fields) {
        let decimals = case.policy.field(&file.field).map(|r| r.decimals);
        let (Some(values), Some(decimals)) = (floats(file), decimals) else { continue };
        let wrong = values.iter().zip(&field.values).filter(|(v, original)| {
            v.to_bits() != FILL.to_bits() && v.to_bits() != (rounded(**original, decimals) as f32).to_bits()
        });
        let wrong = wrong.count();
        if wrong > 0 {
            result.deny("not_rounded", variable_place(field.ordinal), wrong as u64);
        }
    }
    result
}
