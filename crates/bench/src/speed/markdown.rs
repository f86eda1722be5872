//! The same results as text for BENCHMARKS.md.

use super::report::{caveat_texts, gains, growth, one_line, seconds};
use super::results::{Measured, Outcome, Results};
use crate::accuracy::summary;
use std::fmt::Write;

/// Everything in Markdown: limits, cases, scaling, peers, counts, accuracy, what was left out.
pub fn markdown(results: &Results) -> String {
    let mut out = format!("{}\n\n", one_line(results));
    caveat_texts(results).iter().for_each(|t| {
        let _ = writeln!(out, "- {t}");
    });
    for (title, part) in [
        ("Limits of the machine", limits(results)),
        ("Cases", cases(results)),
        ("Scaling", scaling(results)),
        ("Beside other programs", peers(results)),
        ("Bytes by count", counts(results)),
        ("Accuracy and what it costs", accuracy(results)),
        ("Left out", results.notes.iter().map(|n| format!("- {n}\n")).collect()),
    ] {
        if !part.is_empty() {
            let _ = write!(out, "\n### {title}\n\n{part}");
        }
    }
    out
}

/// A table of rows of cells; numbers stand on the right. Empty if there are no rows.
fn table(head: &[&str], numbers_from: usize, rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.iter().map(|c| c.replace('|', "/")).collect::<Vec<_>>().join(" | "));
    let body: String = rows.map(|cells| line(&cells)).collect();
    if body.is_empty() {
        return body;
    }
    let names: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    let rule: String = (0..head.len()).map(|k| if k < numbers_from { "---|" } else { "--:|" }).collect();
    format!("{}|{rule}\n{body}", line(&names))
}

fn limits(results: &Results) -> String {
    let of_threads = results.ceilings.threads.iter().map(|c| {
        let figures = [c.copy_bytes_per_s, c.triad_bytes_per_s, c.f32_flops_per_s, c.f64_flops_per_s];
        std::iter::once(c.threads.to_string()).chain(figures.map(|v| format!("{:.1}", v / 1e9))).collect()
    });
    let mut out = table(&["threads", "copy GB/s", "triad GB/s", "f32 Gflop/s", "f64 Gflop/s"], 0, of_threads);
    let rate = |v: Option<f64>| v.map_or("unknown".to_owned(), |v| format!("{:.1} GB/s", v / 1e9));
    let c = &results.ceilings;
    let gpus: Vec<String> =
        results.machine.gpus.iter().map(|g| format!("{}{}", g.name, if g.is_software { " (software)" } else { "" })).collect();
    let _ = writeln!(
        out,
        "\nDisk: {} written, {} read. Graphics processors: {}; copy {}.",
        rate(c.disk_write_bytes_per_s),
        rate(c.disk_read_bytes_per_s),
        if gpus.is_empty() { "none".to_owned() } else { gpus.join("; ") },
        rate(c.gpu_copy_bytes_per_s)
    );
    out
}

const CASE_HEAD: [&str; 11] =
    ["suite", "kernel", "device", "data", "threads", "time", "spread", "per item", "GB/s", "share", "error"];

fn cases(results: &Results) -> String {
    let rows = results.rows.iter().map(|row| {
        let mut cells =
            vec![row.suite.clone(), row.kernel.clone(), row.device.to_string(), row.data.clone(), row.threads.to_string()];
        match &row.outcome {
            Outcome::Measured(m) => {
                m.figures.iter().for_each(|f| {
                    let _ = write!(cells[1], "; {}", f.in_words());
                });
                cells.extend(figures(m));
            }
            Outcome::NoAdapter => cells.push("no adapter".to_owned()),
            Outcome::Wrong { why } | Outcome::Failed { why } => cells.push(format!("**{}**", why.replace('\n', " "))),
        }
        cells.resize(CASE_HEAD.len(), String::new());
        cells
    });
    table(&CASE_HEAD, 4, rows)
}

fn figures(m: &Measured) -> [String; 6] {
    [
        format!("{}{}", seconds(m.timing.median_s), if m.is_software { " (software)" } else { "" }),
        format!("{:.0} %", 100.0 * (m.timing.quartiles_s[1] - m.timing.quartiles_s[0]) / m.timing.median_s),
        seconds(m.timing.median_s / m.work.items as f64),
        format!("{:.1}", m.bytes_per_s() / 1e9),
        m.share.map_or("–".to_owned(), |s| format!("{:.0} %", 100.0 * s)),
        format!("{:.1e}", m.error.0),
    ]
}

/// Gains by threads and growth with size, as in the plots of the page.
fn scaling(results: &Results) -> String {
    let listed = |points: &[(f64, f64)], x: &str| -> String {
        points.iter().map(|(a, b)| format!("{a:.0}{x}: {b:.2}")).collect::<Vec<_>>().join(", ")
    };
    let by_threads = gains(results).into_iter().map(|(name, points)| vec![name, listed(&points, "")]);
    let by_size = growth(results).into_iter().map(|(name, points)| vec![name, listed(&points, "")]);
    let threads = table(&["case", "threads: times as fast as one"], 1, by_threads);
    let sizes = table(&["case, one thread", "items: ns an item"], 1, by_size);
    if threads.is_empty() || sizes.is_empty() { threads + &sizes } else { format!("{threads}\n{sizes}") }
}

fn peers(results: &Results) -> String {
    let rows = results.peers.iter().map(|p| {
        vec![
            p.work.clone(),
            p.data.clone(),
            p.peer.clone(),
            p.scope.clone(),
            format!("{:.3}", p.knarr_s),
            format!("{:.3}", p.peer_s),
            format!("**{:.1}** ({:.1} – {:.1})", p.ratio, p.quartiles[0], p.quartiles[1]),
            p.difference.map_or("–".to_owned(), |d| format!("{d:.1e}")),
        ]
    });
    let head = ["work", "data", "program", "timed", "knarr s", "other s", "other / knarr", "results differ by"];
    let mut out = table(&head, 4, rows);
    if !results.programs.is_empty() {
        out += if out.is_empty() { "Looked for:\n\n" } else { "\nLooked for:\n\n" };
        results.programs.iter().for_each(|p| {
            let _ = writeln!(out, "- {}", p.in_words());
        });
    }
    out
}

fn counts(results: &Results) -> String {
    let rows = results.counts.iter().map(|c| {
        let mega = |bytes: f64| format!("{:.2}", bytes / 1e6);
        let ratio = if c.agrees() { format!("{:.2}", c.ratio()) } else { format!("**{:.2}**", c.ratio()) };
        let instructions = format!("{:.2}", c.instructions_per_item);
        vec![c.id.clone(), mega(c.formula_bytes as f64), mega(c.counted_bytes), ratio, instructions, c.tool.clone()]
    });
    table(&["case", "formula MB", "counted MB", "counted / formula", "instructions an item", "counted by"], 1, rows)
}

fn accuracy(results: &Results) -> String {
    let Some(card) = &results.accuracy else { return String::new() };
    let rows = summary(card).into_iter().map(|s| {
        let number = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.2e}"));
        vec![
            format!("{} -> {}", s.source, s.destination),
            s.method,
            s.program,
            number(s.misfit),
            number(s.l2),
            number(s.conservation),
            s.seconds.map_or("–".to_owned(), seconds),
        ]
    });
    let head = ["pair", "method", "program", "misfit at centers", "L2 of means", "conservation", "made and applied once"];
    let mut out = table(&head, 3, rows);
    out += "\nGeometric means over fields; conservation is the worst of them.\n";
    let orders = card.convergence.iter().map(|c| vec![c.method.clone(), c.field.clone(), format!("{:.2}", c.order)]);
    let orders = table(&["method", "field", "order of convergence"], 2, orders);
    if orders.is_empty() { out } else { format!("{out}\n{orders}") }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{empty, plan, wrong};
    use super::*;

    #[test]
    fn tables_have_as_many_cells_in_every_row() {
        let mut results = empty();
        results.add(&plan(1, 0.0), &[1], true);
        results.add(&wrong(), &[1], true);
        results.rows[1].outcome = Outcome::NoAdapter;
        let text = markdown(&results);
        let cells: Vec<usize> = text.lines().skip_while(|l| !l.starts_with("| suite")).map(|l| l.matches('|').count()).collect();
        assert!(cells.len() > 3 && cells[..4] == [12; 4], "{text}");
    }
}
