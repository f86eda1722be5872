//! One self-contained page: limits, kernels against them, scaling, accuracy against cost, peers, what is not known.

use super::baseline::{Change, Verdict};
use super::results::{Measured, Outcome, Results, Row};
use super::{AGREES, Device, Size};
use crate::page::{DrawingError, escaped, head, lines};
use std::fmt::Write;

type Series = (String, Vec<(f64, f64)>);

/// The page of a run; with `others`, runs of other machines or times beside it; with `changes`, what is faster or slower.
///
/// # Errors
/// [`DrawingError`].
pub fn html(results: &Results, others: &[(String, Results)], changes: &[Change]) -> Result<String, DrawingError> {
    let mut page = head("Knarr: benchmarks");
    let machine = &results.machine;
    page += "<h1>Benchmarks</h1>";
    let _ = write!(page, "<p class=\"lead\">{}</p>", escaped(&one_line(results)));
    page += &caveats(results);
    page += &machine_table(results);
    if !changes.is_empty() {
        page += &change_table(changes);
    }
    if !others.is_empty() {
        page += &side_by_side(results, others);
    }
    page += "<h2>Kernels against the machine</h2><div class=\"plots\">";
    page += &roofline(results)?;
    // The scorecard has more of it.
    if results.accuracy.is_none() {
        page += &accuracy_cost(results)?;
    }
    page += "</div>";
    page += &row_tables(results);
    let scaling = scaling(results)?;
    if !scaling.is_empty() {
        let _ = write!(page, "<h2>Scaling</h2><div class=\"plots\">{scaling}</div>");
    }
    if !results.peers.is_empty() {
        page += "<h2>Beside other programs</h2><p>In turn, in the same session; above 1 Knarr is faster.</p>\
                 <div class=\"wide\"><table><tr><th>work</th><th>data</th><th>program</th><th>timed</th><th class=\"n\">Knarr s</th>\
                 <th class=\"n\">other s</th><th class=\"n\">ratio</th><th class=\"n\">quartiles</th>\
                 <th class=\"n\">results differ by</th></tr>";
        for p in &results.peers {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{:.3}</td><td class=\"n\">{:.3}</td>\
                 <td class=\"n best\">{:.1}</td><td class=\"n\">{:.1} – {:.1}</td><td class=\"n\">{}</td></tr>",
                escaped(&p.work),
                escaped(&p.data),
                escaped(&p.peer),
                escaped(&p.scope),
                p.knarr_s,
                p.peer_s,
                p.ratio,
                p.quartiles[0],
                p.quartiles[1],
                p.difference.map_or("–".to_owned(), |d| format!("{d:.1e}"))
            );
        }
        page += "</table></div>";
    }
    if !results.programs.is_empty() {
        page += "<h3>Programs looked for</h3><ul>";
        results.programs.iter().for_each(|p| {
            let _ = write!(page, "<li>{}</li>", escaped(&p.in_words()));
        });
        page += "</ul>";
    }
    page += &count_table(results);
    if let Some(card) = &results.accuracy {
        page += &crate::accuracy::sections(card)?;
    }
    if !results.notes.is_empty() {
        page += "<h2>Left out</h2><ul>";
        results.notes.iter().for_each(|n| {
            let _ = write!(page, "<li>{}</li>", escaped(n));
        });
        page += "</ul>";
    }
    let _ = writeln!(
        page,
        "<p class=\"foot\">Repeat with <code>knarr bench all --size {}{}</code> on {} threads.</p></body></html>",
        results.size,
        if results.is_quick { " --quick" } else { "" },
        machine.threads
    );
    Ok(page)
}

/// Processor, threads, system, version.
pub fn one_line(results: &Results) -> String {
    let m = &results.machine;
    let version = m.versions.first().map_or("", |v| v[1].as_str());
    let memory = m.memory_bytes.map_or(String::new(), |b| format!(", {:.0} GiB", b as f64 / (1u64 << 30) as f64));
    format!("Knarr {version} on {} threads of {}{memory}, {}", m.threads, m.cpu, m.system)
}

/// What to know before reading figures.
pub fn caveat_texts(results: &Results) -> Vec<String> {
    let mut texts = vec![
        "Times are medians of samples after a warm-up; the spread is between quartiles. Trust ratios of one run more than \
         seconds of two."
            .to_owned(),
        "Bytes are those that must move at least, counted by the formula of each row; a share is their rate over the measured \
         copy bandwidth of as many threads. Caches can lift a share above 100 %."
            .to_owned(),
        "Files are read from the page cache unless said otherwise.".to_owned(),
    ];
    if results.is_quick {
        texts.push("This was a quick run: few samples, one size.".to_owned());
    }
    if results.rows.iter().all(|r| !matches!(&r.outcome, Outcome::Measured(m) if m.energy_j.is_some())) {
        texts.push("Energy is unknown: the machine does not expose its counters.".to_owned());
    }
    if !results.machine.gpus.iter().any(|g| !g.is_software) {
        texts.push(
            "No graphics processor was found; its rows say so, and those marked “software” ran on the processor.".to_owned(),
        );
    }
    texts
}

fn caveats(results: &Results) -> String {
    let items: String = caveat_texts(results).iter().map(|t| format!("<li>{}</li>", escaped(t))).collect();
    format!("<h2>Read this first</h2><ul>{items}</ul>")
}

fn giga(v: f64) -> String {
    format!("{:.1}", v / 1e9)
}

fn machine_table(results: &Results) -> String {
    let mut out = String::from(
        "<h2>Limits of the machine</h2><div class=\"wide\"><table><tr><th class=\"n\">threads</th><th class=\"n\">copy GB/s</th>\
         <th class=\"n\">triad GB/s</th><th class=\"n\">f32 Gflop/s</th><th class=\"n\">f64 Gflop/s</th></tr>",
    );
    for c in &results.ceilings.threads {
        let _ = write!(
            out,
            "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            c.threads,
            giga(c.copy_bytes_per_s),
            giga(c.triad_bytes_per_s),
            giga(c.f32_flops_per_s),
            giga(c.f64_flops_per_s)
        );
    }
    out += "</table></div><p>";
    let rate = |v: Option<f64>| v.map_or("unknown".to_owned(), |v| format!("{} GB/s", giga(v)));
    let caches: Vec<String> = results.machine.caches.iter().map(|c| format!("{} {} KiB", c.name, c.bytes >> 10)).collect();
    let gpus: Vec<String> = results
        .machine
        .gpus
        .iter()
        .map(|g| format!("{} ({}{})", g.name, g.driver, if g.is_software { ", software" } else { "" }))
        .collect();
    let _ = write!(
        out,
        "Disk: {} written, {} read. Graphics processors: {}; copy {}. Caches: {}. Instructions: {}.</p>",
        rate(results.ceilings.disk_write_bytes_per_s),
        rate(results.ceilings.disk_read_bytes_per_s),
        if gpus.is_empty() { "none".to_owned() } else { escaped(&gpus.join("; ")) },
        rate(results.ceilings.gpu_copy_bytes_per_s),
        if caches.is_empty() { "unknown".to_owned() } else { escaped(&caches.join(", ")) },
        escaped(&results.machine.instructions.join(", "))
    );
    out
}

/// Seconds in a unit that reads well.
pub fn seconds(s: f64) -> String {
    match s {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s if s >= 1e-6 => format!("{:.1} µs", s * 1e6),
        s => format!("{:.2} ns", s * 1e9),
    }
}

fn row_tables(results: &Results) -> String {
    let mut suites: Vec<&str> = Vec::new();
    results.rows.iter().for_each(|r| {
        if !suites.contains(&r.suite.as_str()) {
            suites.push(&r.suite);
        }
    });
    let mut out = String::new();
    for suite in suites {
        let _ = write!(
            out,
            "<h3>{}</h3><div class=\"wide\"><table><tr><th>kernel</th><th>device</th><th>data</th><th class=\"n\">threads</th>\
             <th class=\"n\">time</th><th class=\"n\">spread</th><th class=\"n\">per item</th><th class=\"n\">GB/s</th>\
             <th class=\"n\">share</th><th class=\"n\">memory</th><th class=\"n\">error</th></tr>",
            escaped(suite)
        );
        for row in results.rows.iter().filter(|r| r.suite == suite) {
            let label = format!(
                "<td>{}{}</td><td>{}</td><td class=\"w\">{}</td><td class=\"n\">{}</td>",
                escaped(&row.kernel),
                further_figures(&row.outcome),
                row.device,
                escaped(&row.data),
                row.threads
            );
            let _ = match &row.outcome {
                Outcome::Measured(m) => write!(out, "<tr>{}{}</tr>", label, figures(m)),
                Outcome::NoAdapter => write!(out, "<tr class=\"off\">{label}<td colspan=\"7\">no adapter</td></tr>"),
                Outcome::Wrong { why } | Outcome::Failed { why } => {
                    write!(out, "<tr>{label}<td colspan=\"7\" class=\"bad\">{}</td></tr>", escaped(why))
                }
            };
        }
        out += "</table></div>";
    }
    let mut formulas: Vec<String> = Vec::new();
    for row in &results.rows {
        if let Outcome::Measured(m) = &row.outcome {
            let text = format!("<li><b>{}</b>: {}</li>", escaped(&row.kernel), escaped(&m.work.formula));
            if !formulas.contains(&text) {
                formulas.push(text);
            }
        }
    }
    let _ =
        write!(out, "<details><summary>How bytes and operations are counted</summary><ul>{}</ul></details>", formulas.concat());
    out
}

/// Figures beside the time, in small print.
fn further_figures(outcome: &Outcome) -> String {
    let Outcome::Measured(m) = outcome else { return String::new() };
    m.figures.iter().map(|f| format!("<br><small>{}</small>", escaped(&f.in_words()))).collect()
}

fn figures(m: &Measured) -> String {
    let t = &m.timing;
    let spread = 100.0 * (t.quartiles_s[1] - t.quartiles_s[0]) / t.median_s;
    let share = m.share.map_or("–".to_owned(), |s| format!("{:.0} %", 100.0 * s));
    let memory = m.memory_bytes.map_or("unknown".to_owned(), |b| format!("{:.1} B/item", b as f64 / m.work.items as f64));
    let software = if m.is_software { " (software)" } else { "" };
    format!(
        "<td class=\"n\">{}{software}</td><td class=\"n\">{spread:.0} %</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{share}</td><td class=\"n\">{memory}</td><td class=\"n\" title=\"{}\">{:.1e}</td>",
        seconds(t.median_s),
        seconds(t.median_s / m.work.items as f64),
        giga(m.bytes_per_s()),
        escaped(&m.error.1),
        m.error.0
    )
}

fn measured(results: &Results) -> impl Iterator<Item = (&Row, &Measured)> {
    results.rows.iter().filter_map(|r| match &r.outcome {
        Outcome::Measured(m) => Some((r, &**m)),
        _ => None,
    })
}

/// Operations a second against operations a byte, under the roofs of memory and arithmetic (Williams et al. 2009).
fn roofline(results: &Results) -> Result<String, DrawingError> {
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
    lines(&format!("Roofline, {} threads", roof.threads), "operations a byte", "Gflop/s", &series)
}

/// Error of each method against what it costs to make and apply its weights.
fn accuracy_cost(results: &Results) -> Result<String, DrawingError> {
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

/// Gain by threads, and time per item by size.
fn scaling(results: &Results) -> Result<String, DrawingError> {
    let mut out = String::new();
    for (title, x, y, all) in [
        ("Gain by threads", "threads", "times as fast as one thread", gains(results)),
        ("Growth with size, one thread", "items", "ns an item", growth(results)),
    ] {
        // Ten lines can be told apart.
        for part in all.chunks(10) {
            out += &lines(title, x, y, part)?;
        }
    }
    Ok(out)
}

fn push(series: &mut Vec<Series>, name: String, point: (f64, f64)) {
    match series.iter_mut().find(|s| s.0 == name) {
        Some(s) => s.1.push(point),
        None => series.push((name, vec![point])),
    }
}

/// Bytes by formula beside those that were counted.
fn count_table(results: &Results) -> String {
    let Some(first) = results.counts.first() else { return String::new() };
    let mut out = format!(
        "<h2>Bytes by count</h2><p>Lines of a simulated cache ({}) that a call fills and writes back, beside the formula. {} to {} \
         times it agree: a kernel cannot move less, and moves more where a source is read again after it has left the cache.</p>\
         <div class=\"wide\"><table><tr><th>case</th><th class=\"n\">by formula, MB</th><th class=\"n\">counted, MB</th>\
         <th class=\"n\">counted / formula</th><th class=\"n\">instructions an item</th></tr>",
        escaped(&first.tool),
        AGREES[0],
        AGREES[1]
    );
    for c in &results.counts {
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{:.2}</td><td class=\"n\">{:.2}</td><td class=\"n {}\">{:.2}</td>\
             <td class=\"n\">{:.2}</td></tr>",
            escaped(&c.id),
            c.formula_bytes as f64 / 1e6,
            c.counted_bytes / 1e6,
            if c.agrees() { "good" } else { "bad" },
            c.ratio(),
            c.instructions_per_item
        );
    }
    out + "</table></div>"
}

fn change_table(changes: &[Change]) -> String {
    let mut out = String::from(
        "<h2>Against the baseline</h2><div class=\"wide\"><table><tr><th>case</th><th class=\"n\">threads</th><th class=\"n\">time now / before</th>\
         <th class=\"n\">95 % interval</th><th class=\"n\">machine now / before</th><th class=\"n\">noise</th><th></th></tr>",
    );
    for c in changes {
        let (class, word) = match c.verdict {
            Verdict::Slower => ("bad", "slower"),
            Verdict::Lost => ("bad", "no figure any more"),
            Verdict::Faster => ("good", "faster"),
            Verdict::Same => ("", "no change told"),
        };
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{:.2}</td><td class=\"n\">{:.2} – {:.2}</td>\
             <td class=\"n\">{:.2}</td><td class=\"n\">{:.0} %</td><td class=\"{class}\">{word}</td></tr>",
            escaped(&c.id),
            c.threads,
            c.ratio,
            c.interval[0],
            c.interval[1],
            c.drift,
            100.0 * c.noise
        );
    }
    out + "</table></div>"
}

/// Times of the same cases on several machines.
fn side_by_side(results: &Results, others: &[(String, Results)]) -> String {
    let mut out =
        String::from("<h2>Machines side by side</h2><div class=\"wide\"><table><tr><th>case</th><th class=\"n\">threads</th>");
    let _ = write!(out, "<th class=\"n\">{}</th>", escaped(&one_line(results)));
    for (name, other) in others {
        let _ = write!(out, "<th class=\"n\">{}: {}</th>", escaped(name), escaped(&one_line(other)));
    }
    out += "</tr>";
    for (row, m) in measured(results) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
            escaped(&row.id),
            row.threads,
            seconds(m.timing.median_s)
        );
        for (_, other) in others {
            // Machines differ in threads: the most of each are set side by side, and one thread with one.
            let all = |r: &Results| r.rows.iter().map(|o| o.threads).max().unwrap_or(1);
            let same = |o: &Row| o.threads == row.threads || row.threads == all(results) && o.threads == all(other);
            let found = measured(other).find(|(o, _)| o.id == row.id && same(o));
            let text = found.map_or("–".to_owned(), |(_, o)| {
                format!("{} ({:.2})", seconds(o.timing.median_s), o.timing.median_s / m.timing.median_s)
            });
            let _ = write!(out, "<td class=\"n\">{text}</td>");
        }
        out += "</tr>";
    }
    out + "</table></div>"
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{empty, plan, wrong};
    use super::*;

    #[test]
    fn every_row_is_on_the_page_also_those_without_a_figure() {
        let mut results = empty();
        results.add(&plan(1, 0.0), &[1], true);
        results.add(&wrong(), &[1], true);
        let mut off = results.rows[0].clone();
        (off.device, off.outcome) = (Device::Gpu, Outcome::NoAdapter);
        results.rows.push(off);
        results.notes.push("a <note>".to_owned());
        let page = html(&results, &[("other".to_owned(), results.clone())], &super::super::compare(&results, &results))
            .expect("it is drawn");
        for part in ["no adapter", "wrong result", "a &lt;note&gt;", "(1.00)", "no change told", "Read this first"] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("NaN"), "figures are figures");
    }
}
