//! Which fields, where, how fine, on which levels, in which units.

use super::super::content::{AxisKind, Field, variable_place};
use super::super::geometry;
use super::super::rebuild::{facts, same_level};
use super::{Case, RuleResult, needs_content};
use crate::policy::{Extent, Outside};
use knarr_field::CellMethods;
use knarr_io::Role;
use std::collections::HashSet;

/// R03: every variable is asked for and listed, or describes one that is.
pub(super) fn fields(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R03", "fields");
    for (number, file) in case.statement.files.iter().enumerate() {
        let place = format!("file {} of the statement", number + 1);
        result.deny_if(case.policy.field(&file.field).is_none(), "field_not_in_policy", &place);
        result.deny_if(case.catalogue.field(&file.field).is_err(), "field_not_in_catalogue", &place);
    }
    let ids: HashSet<&str> = case.statement.files.iter().map(|f| f.field.as_str()).collect();
    result.deny_if(
        case.statement.files.is_empty() || ids.len() != case.statement.files.len(),
        "field_twice_or_none",
        "statement",
    );
    let Some(content) = needs_content(case, &mut result) else { return result };
    result.saw(format!("{} variables for {} fields", content.variables.len(), case.statement.files.len()));
    for &ordinal in &content.unneeded {
        result.deny("unlisted_variable", variable_place(ordinal), 1);
    }
    for variable in content.variables.iter().filter(|v| matches!(v.role, Role::Text | Role::Unreadable)) {
        result.deny("not_a_numeric_variable", variable_place(variable.ordinal), 1);
    }
    for &number in &content.absent {
        result.deny("variable_not_there", format!("file {} of the statement", number + 1), 1);
    }
    for field in &content.fields {
        let Some(facts) = facts(case, field) else { continue };
        let named = field.attributes.text("standard_name");
        result.deny_if(named != facts.cf.standard_name.as_deref(), "another_standard_name", &variable_place(field.ordinal));
    }
    result
}

/// R09: cells with values lie in the region, corner by corner.
pub(super) fn region(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R09", "region");
    let region = &case.policy.region;
    let sound = |b: &[f64; 4]| b.iter().all(|x| x.is_finite()) && b[1] < b[3] && b[0].abs() <= 360.0 && b[2].abs() <= 360.0;
    let boxes_fit = (region.extent == Extent::Everywhere) == region.boxes.is_empty() && region.boxes.iter().all(sound);
    result.deny_if(!boxes_fit, "unsound_region", "policy");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let Some(inside) = geometry::inside(&field.grid.grid, region) else {
            result.deny("no_corners", place, 1);
            continue;
        };
        let cells = inside.len();
        let outside = (0..field.values.len()).filter(|at| field.valid[*at] && !inside[at % cells]).count();
        let left = inside.iter().filter(|&&i| i).count();
        result.saw(format!("{cells} cells of {place}, {left} in the region, {outside} values outside"));
        result.deny_if(left == 0, "nothing_inside", &place);
        if outside > 0 && region.outside == Outside::Deny {
            result.deny("values_outside", place, outside as u64);
        }
    }
    result
}

/// R10: no cell is finer than allowed.
pub(super) fn resolution(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R10", "resolution");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let finest = case.policy.field(&case.statement.files[field.request].field).map(|r| r.min_spacing_km);
        match (geometry::finest_spacing_km(&field.grid.grid), finest) {
            (Some(found), Some(finest)) => {
                result.saw(format!("the finest cell of {place}: {found:.3} km, at least {finest} km allowed"));
                result.deny_if(found.is_nan() || finest.is_nan() || found < finest * (1.0 - 1e-6), "too_fine", &place);
            }
            _ => result.deny("spacing_unknown", place, 1),
        }
    }
    result
}

/// R11: levels and members are listed.
pub(super) fn levels_and_members(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R11", "levels and members");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let Some(rule) = case.policy.field(&case.statement.files[field.request].field) else { continue };
        for axis in &field.axes {
            let unlisted = |listed: &dyn Fn(f64) -> bool| axis.values.iter().filter(|&&v| !listed(v)).count() as u64;
            let (code, count) = match &axis.kind {
                AxisKind::Time(_) | AxisKind::Issue(_) => continue,
                AxisKind::Level => ("level_not_listed", unlisted(&|v| rule.levels.iter().any(|&l| same_level(l, v)))),
                AxisKind::Member => ("member_not_listed", unlisted(&|v| v.fract() == 0.0 && rule.members.contains(&(v as i64)))),
            };
            result.saw(format!("{} levels or members of {place}", axis.values.len()));
            if count > 0 {
                result.deny(code, place.clone(), count);
            }
        }
        let has_level = field.axes.iter().any(|a| matches!(a.kind, AxisKind::Level));
        let has_member = field.axes.iter().any(|a| matches!(a.kind, AxisKind::Member));
        result.deny_if(!has_level && !rule.levels.is_empty(), "level_not_said", &place);
        result.deny_if(!has_member && !rule.members.is_empty(), "member_not_said", &place);
    }
    result
}

/// R21: units and statistic are the catalogue's.
pub(super) fn units_and_statistic(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R21", "units and statistic");
    let Some(content) = needs_content(case, &mut result) else { return result };
    for field in &content.fields {
        let place = variable_place(field.ordinal);
        let Some(facts) = facts(case, field) else { continue };
        result.saw(format!("units, cell methods and time bounds of {place}"));
        result.deny_if(field.attributes.text("units") != Some(&facts.cf.units), "other_units", &place);
        let expected = statistic(&facts.cell_methods);
        let found = field.attributes.text("cell_methods").and_then(statistic);
        result.deny_if(found != expected, "other_statistic", &place);
        let interval = expected.is_some_and(|method| method != "point");
        let bounded = field.axes.iter().any(|a| matches!(a.kind, AxisKind::Time(_)) && a.bounds.is_some());
        result.deny_if(interval && !bounded, "interval_without_bounds", &place);
    }
    result
}

/// The method over time.
fn statistic(text: &str) -> Option<String> {
    CellMethods::parse(text).get("time").map(|m| m.method.clone())
}

/// R23: both components, earth-relative.
pub(super) fn vectors(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R23", "vectors");
    let Some(content) = needs_content(case, &mut result) else { return result };
    result.saw(format!("{} fields for components", content.fields.len()));
    for field in &content.fields {
        let Some(partner) = facts(case, field).and_then(|f| f.regrid.vector_with.as_deref()) else { continue };
        let place = variable_place(field.ordinal);
        result.saw(format!("{place} and its partner"));
        result.deny_if(!case.statement.files[field.request].earth_relative, "along_the_grid", &place);
        let other = content.fields.iter().find(|f| case.statement.files[f.request].field == partner);
        match other {
            None => result.deny("component_missing", place, 1),
            Some(other) => result.deny_if(!same_axes(field, other), "components_differ", &place),
        }
    }
    result
}

fn same_axes(a: &Field, b: &Field) -> bool {
    let values = |f: &Field| f.axes.iter().map(|x| x.values.clone()).collect::<Vec<_>>();
    a.grid.grid.len() == b.grid.grid.len() && a.values.len() == b.values.len() && values(a) == values(b)
}
