//! Tables of what is set against something else: other programs, counts, an earlier run, other machines.

use super::{measured, one_line, seconds, small};
use crate::page::escaped;
use crate::speed::AGREES;
use crate::speed::baseline::{Change, Verdict};
use crate::speed::results::{Results, Row};
use std::fmt::Write;

/// Other programs at the same work, and what came of each that was looked for.
pub fn peer_tables(results: &Results) -> String {
    let mut out = String::new();
    if !results.peers.is_empty() {
        out += "<h2>Beside other programs</h2><p>In turn, in the same session; above 1 Knarr is faster.</p>\
                 <div class=\"wide\"><table><tr><th>work</th><th>data</th><th>program</th><th>timed</th><th class=\"n\">Knarr s</th>\
                 <th class=\"n\">other s</th><th class=\"n\">ratio</th><th class=\"n\">quartiles</th>\
                 <th class=\"n\">results differ by</th></tr>";
        for p in &results.peers {
            let _ = write!(
                out,
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
                p.difference.map_or("–".to_owned(), small)
            );
        }
        out += "</table></div>";
    }
    if !results.programs.is_empty() {
        out += "<h3>Programs looked for</h3><ul>";
        results.programs.iter().for_each(|p| {
            let _ = write!(out, "<li>{}</li>", escaped(&p.in_words()));
        });
        out += "</ul>";
    }
    out
}

/// Bytes by formula beside those that were counted.
pub fn count_table(results: &Results) -> String {
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

/// What is faster or slower than an earlier run.
pub fn change_table(changes: &[Change]) -> String {
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
pub fn side_by_side(results: &Results, others: &[(String, Results)]) -> String {
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
