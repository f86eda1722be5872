//! The rules, one function each, in small families.

mod agreement;
mod data;
mod output;
mod source;
mod texts;
mod time;
mod values;

use super::{Case, RuleResult};

type Rule = fn(&Case<'_>) -> RuleResult;

/// R01 to R28 in order.
pub(super) fn all() -> impl Iterator<Item = Rule> {
    let rules: [Rule; 28] = [
        agreement::policy,
        agreement::classification,
        data::fields,
        source::source,
        source::licence,
        source::onward_release,
        output::attribution,
        time::embargo,
        data::region,
        data::resolution,
        data::levels_and_members,
        texts::global_attributes,
        texts::variable_attributes,
        texts::texts,
        texts::random_runs,
        output::structure,
        output::grib,
        values::hidden_data,
        values::range,
        values::consistency,
        data::units_and_statistic,
        values::precision,
        data::vectors,
        time::times,
        texts::people,
        output::sizes,
        output::reproducible,
        output::read_again,
    ];
    rules.into_iter()
}

/// Denies where there is nothing to look at: what cannot be read cannot be right.
fn needs_content<'c>(case: &'c Case<'_>, result: &mut RuleResult) -> Option<&'c super::content::Content> {
    match &case.content {
        Ok(content) => Some(content),
        Err(why) => {
            result.deny(why.code, why.place.clone(), 1);
            None
        }
    }
}

/// As [`needs_content`] for the rebuilt files.
fn needs_payload<'c>(case: &'c Case<'_>, result: &mut RuleResult) -> Option<&'c [super::Payload]> {
    match &case.payload {
        Ok(payload) => Some(payload),
        Err(why) => {
            result.deny(why.code, why.place.clone(), 1);
            None
        }
    }
}
