//! When data were valid and issued, and when they may leave.

use super::super::content::{Axis, AxisKind, Content};
use super::super::rebuild::{moment, step_seconds, times as span};
use super::{Case, RuleResult, needs_content};
use crate::instant::Instant;
use knarr_field::Calendar;

/// R08: not before its time, not younger than the policy says; the clock is checked against a second one.
pub(super) fn embargo(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R08", "embargo and latency");
    let (statement, latency) = (case.statement, &case.policy.latency);
    let [now, other] = case.request.clocks;
    result.saw("two clocks, the embargo, the run and the latest valid time");
    let differ = (now.0 - other.0).unsigned_abs() > u64::from(latency.clock_tolerance_s);
    result.deny_if(differ, "clocks_differ", "clocks");
    // The earlier clock decides: a clock that is ahead must not end an embargo.
    let now = now.min(other);
    result.deny_if(now < statement.not_before, "embargo", "statement");
    result.deny_if(now < statement.origin.run.plus_hours(latency.min_hours_since_issue), "too_young", "run");
    result.deny_if(statement.prepared > now || statement.origin.accessed > now, "in_the_future", "statement");
    result.deny_if(statement.prepared < statement.origin.accessed, "prepared_before_access", "statement");
    if let Some(content) = needs_content(case, &mut result) {
        let latest = content.fields.iter().flat_map(|f| &f.axes).filter_map(span).map(|[_, end]| end).max();
        let young = latest.is_some_and(|end| now.0 - end.0 < latency.min_hours_since_valid * 3600);
        result.deny_if(young, "too_young", "valid time");
        result.saw(format!("{} time axes", time_axes(content).count()));
    }
    result
}

/// R24: times that any program reads alike, ascending, without gaps, and with nothing in their last digits.
pub(super) fn times(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R24", "time");
    let Some(content) = needs_content(case, &mut result) else { return result };
    let now = case.request.clocks[0];
    result.deny_if(case.statement.origin.run > now, "issued_in_the_future", "run");
    for (place, axis) in time_axes(content) {
        result.saw(format!("{} times of {place}", axis.values.len()));
        check_axis(case, axis, &place, &mut result);
    }
    result
}

fn check_axis(case: &Case<'_>, axis: &Axis, place: &str, result: &mut RuleResult) {
    let (AxisKind::Time(units) | AxisKind::Issue(units)) = &axis.kind else { return };
    if matches!(axis.kind, AxisKind::Issue(_)) {
        let run = case.statement.origin.run;
        let same = axis.values.iter().all(|&v| moment(units, v) == Some(run));
        result.deny_if(!same, "another_run", place);
    }
    let reference = units.text().split_once(" since ").map(|(_, reference)| reference).unwrap_or_default();
    let plain = |c: char| c.is_ascii_digit() || "-: TZ".contains(c);
    let known = step_seconds(units).filter(|_| reference.len() <= 20 && reference.chars().all(plain));
    let Some(step) = known else {
        result.deny("unusual_units", place, 1);
        return;
    };
    result.deny_if(units.calendar() == Calendar::None, "no_calendar", place);
    let ascending = axis.values.windows(2).all(|w| w[0] < w[1]);
    result.deny_if(!ascending, "not_ascending", place);
    // A millisecond covers what a day in double precision loses; digits below it are dropped when rebuilding.
    let odd = |v: &f64| !v.is_finite() || (v * step - (v * step).round()).abs() > 1e-3;
    let all = axis.values.iter().chain(axis.bounds.iter().flatten());
    let count = all.filter(|v| odd(v)).count();
    if count > 0 {
        result.deny("not_whole_seconds", place, count as u64);
    }
    if let Some(bounds) = &axis.bounds {
        let pairs: Vec<&[f64]> = bounds.chunks(2).collect();
        let ordered = pairs.iter().zip(&axis.values).all(|(b, &v)| b[0] <= b[1] && (b[0]..=b[1]).contains(&v));
        result.deny_if(!ordered, "time_outside_its_bounds", place);
        let gapless = pairs.windows(2).all(|w| w[0][1] == w[1][0]);
        result.deny_if(!gapless, "intervals_with_gaps", place);
    }
    // Years of a model's own calendar cannot be in the future of ours.
    let first = axis.values.first().and_then(|&v| moment(units, v));
    if let Some(first) = first.filter(|_| matches!(units.calendar(), Calendar::Standard | Calendar::ProlepticGregorian)) {
        result.deny_if(first < Instant(case.statement.origin.run.0 - 400 * 366 * 86_400), "long_ago", place);
    }
}

fn time_axes(content: &Content) -> impl Iterator<Item = (String, &Axis)> {
    content.fields.iter().flat_map(|field| {
        let place = super::super::content::variable_place(field.ordinal);
        field
            .axes
            .iter()
            .filter(|a| matches!(a.kind, AxisKind::Time(_) | AxisKind::Issue(_)))
            .map(move |axis| (place.clone(), axis))
    })
}
