//! Plots: kernels under the roofs of the machine, scaling, accuracy against cost.

use super::measured;
use crate::page::{DrawingError, escaped, lines, plot};
use crate::speed::results::{Results, Row};
use crate::speed::{Device, Size};
use std::fmt::Write;

/// Name and points.
pub type Series = (String, Vec<(f64, f64)>);

/// Operations a second against operations a byte, under the roofs of memory and arithmetic (Williams et al. 2009).
pub fn roofline(results: &Results) -> Result<String, DrawingError> {
    let Some(roof) = results.ceilings.threads.last() else { return Ok(String::new()) };
    let mut series: Vec<Series> = Vec::new();
    let bend = roof.f64_flops_per_s / roof.copy_bytes_per_s;
    series.push((
        "copy bandwidth, f64 multiply-adds".to_owned(),
        vec![
            (0.05, 0.05 * roof.copy_bytes_per_s / 1e9),
            (bend, roof.f64_flops_per_s / 1e9),
            (bend * 4.0, roof.f64_flops_per_s / 1e9),
        ],
    ));
    for (row, m) in measured(results).filter(|(r, m)| m.work.flops > 0 && r.threads == roof.threads) {
        let point = (m.work.flops as f64 / m.work.bytes as f64, m.work.flops as f64 / m.timing.median_s / 1e9);
        match series.iter_mut().find(|s| s.0 == row.kernel) {
            Some(s) => s.1.push(point),
            None => series.push((row.kernel.clone(), vec![point])),
        }
    }
    if series.len() < 2 {
        return Ok(String::new());
    }
    // Kernels are points under the roof.
    plot(&format!("Roofline, {} threads", roof.threads), "operations a byte", "Gflop/s", &series, 1)
}

/// Error of each method against what it costs to make and apply its weights.
pub fn accuracy_cost(results: &Results) -> Result<String, DrawingError> {
    let series: Vec<Series> = measured(results)
        .filter(|(r, _)| r.kernel.starts_with("method ") && r.threads == 1)
        .map(|(r, m)| (r.kernel["method ".len()..].to_owned(), vec![(1e3 * m.timing.median_s, m.error.0)]))
        .collect();
    if series.is_empty() {
        return Ok(String::new());
    }
    lines("Accuracy against cost, one thread", "ms, weights made and applied once", "mean misfit of the vortex", &series)
}

/// Times as fast as one thread, by threads, for each case of the largest size.
pub fn gains(results: &Results) -> Vec<Series> {
    let largest = measured(results).map(|(r, _)| r.size).max().unwrap_or(Size::S);
    let mut series = Vec::new();
    for (row, m) in measured(results).filter(|(r, _)| r.device == Device::Cpu && r.size == largest) {
        if let Some((_, alone)) = measured(results).find(|(r, _)| r.id == row.id && r.threads == 1) {
            push(&mut series, named(row), (row.threads as f64, alone.timing.median_s / m.timing.median_s));
        }
    }
    several(series)
}

/// Nanoseconds an item on one thread, by items, for each case.
pub fn growth(results: &Results) -> Vec<Series> {
    let mut series = Vec::new();
    for (row, m) in measured(results).filter(|(r, _)| r.device == Device::Cpu && r.threads == 1) {
        push(&mut series, named(row), (m.work.items as f64, 1e9 * m.timing.median_s / m.work.items as f64));
    }
    several(series)
}

fn named(row: &Row) -> String {
    format!("{}, {}", row.kernel, row.suite)
}

/// Those with more than one point.
fn several(series: Vec<Series>) -> Vec<Series> {
    series.into_iter().filter(|s| s.1.len() > 1).collect()
}

/// Gain by threads, and time per item by size; gains of two numbers of threads as a table.
pub fn scaling(results: &Results) -> Result<String, DrawingError> {
    let (gains, growth) = (gains(results), growth(results));
    let mut plots = String::new();
    // Ten lines can be told apart.
    if gains.iter().any(|s| s.1.len() > 2) {
        for part in gains.chunks(10) {
            plots += &lines("Gain by threads", "threads", "times as fast as one thread", part)?;
        }
    }
    for part in growth.chunks(10) {
        plots += &lines("Growth with size, one thread", "items", "ns an item", part)?;
    }
    let mut out = if plots.is_empty() { String::new() } else { format!("<div class=\"plots\">{plots}</div>") };
    let pairs: Vec<(&str, (f64, f64))> = gains.iter().filter(|s| s.1.len() == 2).map(|s| (s.0.as_str(), s.1[1])).collect();
    if let Some((_, (threads, _))) = pairs.first() {
        let _ = write!(out, "<p>Times as fast on {threads} threads as on one:</p><ul class=\"columns\">");
        for (name, (_, gain)) in pairs {
            let _ = write!(out, "<li><b>{gain:.2}</b> {}</li>", escaped(name));
        }
        out += "</ul>";
    }
    Ok(out)
}

fn push(series: &mut Vec<Series>, name: String, point: (f64, f64)) {
    match series.iter_mut().find(|s| s.0 == name) {
        Some(s) => s.1.push(point),
        None => series.push((name, vec![point])),
    }
}
