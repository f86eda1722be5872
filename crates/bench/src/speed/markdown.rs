//! The same results as text for BENCHMARKS.md.

use super::report::{caveat_texts, one_line, seconds};
use super::results::{Outcome, Results};
use std::fmt::Write;

/// Tables in Markdown: limits, rows, peers, what was left out.
pub fn markdown(results: &Results) -> String {
    let mut out = format!("{}\n\n", one_line(results));
    caveat_texts(results).iter().for_each(|t| {
        let _ = writeln!(out, "- {t}");
    });
    out += "\n| threads | copy GB/s | triad GB/s | f32 Gflop/s | f64 Gflop/s |\n|--:|--:|--:|--:|--:|\n";
    for c in &results.ceilings.threads {
        let figures = [c.copy_bytes_per_s, c.triad_bytes_per_s, c.f32_flops_per_s, c.f64_flops_per_s].map(|v| v / 1e9);
        let _ =
            writeln!(out, "| {} | {:.1} | {:.1} | {:.1} | {:.1} |", c.threads, figures[0], figures[1], figures[2], figures[3]);
    }
    out += "\n| suite | kernel | device | data | threads | time | per item | GB/s | share | error |\n\
            |---|---|---|---|--:|--:|--:|--:|--:|--:|\n";
    for row in &results.rows {
        let _ = write!(out, "| {} | {} | {} | {} | {} | ", row.suite, row.kernel, row.device, row.data, row.threads);
        let _ = match &row.outcome {
            Outcome::Measured(m) => writeln!(
                out,
                "{}{} | {:.2} ns | {:.1} | {} | {:.1e} |",
                seconds(m.timing.median_s),
                if m.is_software { " (software)" } else { "" },
                1e9 * m.timing.median_s / m.work.items as f64,
                m.bytes_per_s() / 1e9,
                m.share.map_or("–".to_owned(), |s| format!("{:.0} %", 100.0 * s)),
                m.error.0
            ),
            Outcome::NoAdapter => writeln!(out, "no adapter | | | | |"),
            Outcome::Wrong { why } | Outcome::Failed { why } => writeln!(out, "**{}** | | | | |", why.replace('|', "/")),
        };
    }
    if !results.peers.is_empty() {
        out += "\n| work | data | program | timed | knarr s | other s | other / knarr |\n|---|---|---|---|--:|--:|--:|\n";
        for p in &results.peers {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {:.3} | {:.3} | **{:.1}** ({:.1} – {:.1}) |",
                p.work, p.data, p.peer, p.scope, p.knarr_s, p.peer_s, p.ratio, p.quartiles[0], p.quartiles[1]
            );
        }
    }
    if !results.notes.is_empty() {
        out += "\nLeft out:\n\n";
        results.notes.iter().for_each(|n| {
            let _ = writeln!(out, "- {n}");
        });
    }
    out
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
        assert_eq!(cells, [11, 11, 11, 11], "{text}");
    }
}
