//! What regridding left out, and what is odd about its results.

use crate::regrid_report::overshoots;
use crate::talk::{self, Talk};
use knarr::field::VectorFrame;
use knarr::io::{RegridReport, VariableReport, VectorReport};
use std::path::Path;

/// Tells of variables that were left out, turned, emptied or overshot.
pub fn tell(report: &RegridReport, input: &Path, talk: Talk) {
    for (name, why) in &report.skipped {
        talk.note(&format!("left out {name}: {}", why.trim_start_matches(&format!("{}: ", input.display()))));
    }
    for variable in &report.variables {
        if let Some(VectorReport { partner, from, to, .. }) = &variable.vector {
            let along = |frame: &VectorFrame| match frame {
                VectorFrame::Earth => "east and north",
                VectorFrame::Grid => "the grid's axes",
            };
            let turned = if from == to { along(to).to_owned() } else { format!("{}, now {}", along(from), along(to)) };
            talk.note(&format!("{}: a component of a vector with {partner}, along {turned}", variable.name));
        }
        for remark in &variable.remarks {
            talk.note(&format!("{}: {remark}", variable.name));
        }
        if variable.slabs == 0 || variable.before.valid + variable.before.missing == 0 {
            talk.note(&format!("{}: it has no values", variable.name));
        } else if variable.before.valid == 0 {
            talk.note(&format!("{}: all values are missing", variable.name));
        } else if variable.after.valid == 0 {
            talk.note(&format!("{}: no value reaches the destination: do the grids overlap?", variable.name));
        } else if let Some(value) = beyond_zero(variable) {
            let (way, side) = if value < 0.0 { ("down", "below") } else { ("up", "above") };
            talk.note(&format!(
                "{}: values {way} to {}, while none of the source is {side} 0: `--limit monotone` keeps them in range",
                variable.name,
                talk::number(value)
            ));
        }
    }
    if !report.carried.is_empty() {
        talk.more(&format!("carried over: {}", report.carried.join(", ")));
    }
}

/// The extreme on the other side of 0 that a method which overshoots has made of values on one side: rain that falls upwards.
fn beyond_zero(variable: &VariableReport) -> Option<f64> {
    let VariableReport { before, after, rounding, vector, .. } = variable;
    let slack = rounding * before.min.abs().max(before.max.abs());
    let value = match (before.min >= 0.0, before.max <= 0.0) {
        (true, false) => after.min,
        (false, true) => -after.max,
        _ => return None,
    };
    (vector.is_none() && value < -slack && overshoots(&variable.method)).then_some(if before.min >= 0.0 { value } else { -value })
}
