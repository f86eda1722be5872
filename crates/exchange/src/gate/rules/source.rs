//! Where data come from and what their licence allows.

use super::{Case, RuleResult};
use crate::canonical::sha256;

/// R04: product, run and address are listed.
pub(super) fn source(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R04", "source");
    let origin = &case.statement.origin;
    result.saw("product, hour of the run and address of the statement");
    let Some(source) = case.policy.source(&origin.product) else {
        result.deny("product_not_listed", "statement", 1);
        return result;
    };
    let second = origin.run.0.rem_euclid(86_400);
    let listed = source.run_hours.iter().any(|&hour| i64::from(hour) * 3600 == second);
    result.deny_if(!listed, "run_not_listed", "statement");
    // A beginning without a slash at its end would let `https://host.example` match `https://host.example.org`.
    let fair = |start: &String| start.starts_with("https://") && start.ends_with('/') && origin.url.starts_with(start.as_str());
    let plain = !origin.url.contains(['?', '#', '@', '%', '\\']) && !origin.url.contains("/../");
    result.deny_if(!source.origins.iter().any(fair), "origin_not_listed", "statement");
    result.deny_if(!plain, "origin_not_plain", "statement");
    for file in &case.statement.files {
        let rule = case.policy.field(&file.field);
        let listed = rule.is_some_and(|r| r.products.contains(&origin.product));
        result.deny_if(!listed, "product_not_listed_for_field", "statement");
    }
    result
}

/// R05: the licence is the one the policy's owner read, and was in force.
pub(super) fn licence(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R05", "licence");
    let origin = &case.statement.origin;
    result.saw(format!("licence id and {} bytes of its text", case.request.licence_text.len()));
    let Some(licence) = case.policy.licence(&origin.licence) else {
        result.deny("licence_not_listed", "statement", 1);
        return result;
    };
    result.deny_if(sha256(case.request.licence_text) != licence.text_sha256, "text_differs", "licence");
    let in_force = (licence.in_force_from..licence.in_force_until).contains(&origin.accessed);
    result.deny_if(!in_force, "not_in_force", "licence");
    result.deny_if(!super::super::is_plain_name(&licence.id), "not_a_plain_name", "licence");
    result.deny_if(std::str::from_utf8(case.request.licence_text).is_err(), "not_text", "licence");
    result
}

/// R06: the licence lets this receiver have the data for this purpose.
pub(super) fn onward_release(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R06", "onward release");
    let statement = case.statement;
    result.saw("receivers and purposes of the licence");
    let allowed = case.policy.licence(&statement.origin.licence).is_some_and(|licence| {
        licence.onward.iter().any(|o| o.receiver == statement.receiver && o.purposes.contains(&statement.purpose))
    });
    result.deny_if(!allowed, "onward_release_not_allowed", "licence");
    result
}
