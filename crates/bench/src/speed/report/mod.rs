//! One self-contained page: limits, kernels against them, scaling, accuracy against cost, peers, what is not known.

mod comparisons;
mod plots;

use super::baseline::Change;
use super::results::{Measured, Outcome, Results, Row};
use crate::page::{DrawingError, escaped, head};
use comparisons::{change_table, count_table, peer_tables, side_by_side};
use plots::{accuracy_cost, roofline, scaling};
use std::fmt::Write;

pub use plots::{gains, growth};

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
        let _ = write!(page, "<h2>Scaling</h2>{scaling}");
    }
    page += &peer_tables(results);
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

/// An error or a difference; that of bits alike is 0.
pub fn small(v: f64) -> String {
    if v == 0.0 { "0".to_owned() } else { format!("{v:.1e}") }
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
    out + &formulas(results)
}

/// How bytes and operations are counted: each formula with the kernels it is of.
fn formulas(results: &Results) -> String {
    let mut formulas: Vec<(&str, Vec<&str>)> = Vec::new();
    for (row, m) in measured(results) {
        let (formula, kernel) = (m.work.formula.as_str(), row.kernel.as_str());
        match formulas.iter_mut().find(|f| f.0 == formula) {
            Some((_, kernels)) if kernels.contains(&kernel) => {}
            Some((_, kernels)) => kernels.push(kernel),
            None => formulas.push((formula, vec![kernel])),
        }
    }
    let items: String = formulas
        .iter()
        .map(|(formula, kernels)| format!("<li><b>{}</b>: {}</li>", escaped(&kernels.join("; ")), escaped(formula)))
        .collect();
    format!("<details open><summary>How bytes and operations are counted</summary><ul>{items}</ul></details>")
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
         <td class=\"n\">{share}</td><td class=\"n\">{memory}</td><td class=\"n\" title=\"{}\">{}</td>",
        seconds(t.median_s),
        seconds(t.median_s / m.work.items as f64),
        giga(m.bytes_per_s()),
        escaped(&m.error.1),
        small(m.error.0)
    )
}

fn measured(results: &Results) -> impl Iterator<Item = (&Row, &Measured)> {
    results.rows.iter().filter_map(|r| match &r.outcome {
        Outcome::Measured(m) => Some((r, &**m)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::{Field, Request, Scorecard};
    use crate::speed::results::tests::{empty, plan, wrong};
    use crate::speed::{Count, Device, Peer, PeerState};
    use knarr_regrid::Method;

    #[test]
    fn every_row_is_on_the_page_also_those_without_a_figure() {
        let mut results = empty();
        results.add(&plan(1, 0.0), &[1], true);
        results.add(&wrong(), &[1], true);
        let mut off = results.rows[0].clone();
        (off.device, off.outcome) = (Device::Gpu, Outcome::NoAdapter);
        results.rows.push(off);
        results.notes.push("a <note>".to_owned());
        let page = html(&results, &[("other".to_owned(), results.clone())], &crate::speed::compare(&results, &results))
            .expect("it is drawn");
        for part in [
            "<b>passes</b>: read and written",
            "no adapter",
            "wrong result",
            "a &lt;note&gt;",
            "(1.00)",
            "no change told",
            "Read this first",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("NaN"), "figures are figures");
    }

    /// A scorecard of one pair, two methods and one field.
    fn card() -> Scorecard {
        let request = Request {
            pairs: vec![("r24x12".to_owned(), "H4n".to_owned())],
            schemes: vec![Method::Nearest.into(), Method::Conservative.into()],
            fields: Field::all().into_iter().take(1).collect(),
            ladder: Some((["CS4", "CS8"].map(str::to_owned).to_vec(), "r12x6".to_owned())),
            cycles: Some(("CS4".to_owned(), "ICO2d".to_owned(), 2)),
            peers: false,
        };
        Scorecard::make(&request, &mut |_| {}).expect("grids")
    }

    #[test]
    fn a_scorecard_is_kept_and_shown_with_the_times() {
        let mut results = empty();
        results.accuracy = Some(card());
        let text = serde_json::to_string(&results).expect("JSON");
        assert_eq!(serde_json::from_str::<Results>(&text).expect("its own"), results);
        let page = html(&results, &[], &[]).expect("it is drawn");
        assert!(page.contains("Accuracy against cost") && page.contains("r24x12 → H4n"), "{page}");
        let tables = crate::speed::markdown(&results);
        for part in ["misfit at centers", "| r24x12 -> H4n | conservative | knarr |", "order of convergence"] {
            assert!(tables.contains(part), "{part}: {tables}");
        }
    }

    #[test]
    fn programs_and_counts_are_shown_with_what_came_of_them() {
        let mut results = empty();
        let (state, notes) = (PeerState::Found, vec!["no driver".to_owned()]);
        results.programs.push(Peer { name: "Other".to_owned(), version: "1.2".to_owned(), state, notes });
        let count = |ratio| Count {
            id: "cpu/apply".to_owned(),
            tool: "a tool".to_owned(),
            formula_bytes: 1_000_000,
            counted_bytes: 1e6 * ratio,
            instructions_per_item: 3.0,
        };
        results.counts = vec![count(1.1), count(9.0)];
        let page = html(&results, &[], &[]).expect("it is drawn");
        let tables = crate::speed::markdown(&results);
        for text in [&page, &tables] {
            for part in ["Other 1.2: found, not driven; no driver", "cpu/apply", "1.10", "9.00"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        assert!(page.contains("n bad\">9.00") && tables.contains("**9.00**"));
    }
}
