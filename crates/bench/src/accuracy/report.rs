//! One self-contained page: plots as SVG, tables, what was left out.

use super::{ScoreError, Scorecard};
use crate::accuracy::Reference;
use crate::page::{escaped, head, lines};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The scorecard as a page.
///
/// # Errors
/// [`ScoreError::Drawing`].
pub fn html(card: &Scorecard) -> Result<String, ScoreError> {
    let mut page = head("Knarr: accuracy scorecard");
    let _ = write!(page, "<h1>Accuracy scorecard</h1><p class=\"lead\">Knarr {}", escaped(&card.version));
    for peer in &card.peers {
        let _ = write!(page, ", beside {}", escaped(peer));
    }
    page += ". Misfit |Rψ − ψ| / |ψ| and norms over mapped destination cells; smaller is better.</p>";
    if !card.convergence.is_empty() {
        page += "<h2>Order of convergence</h2><p>L2 error against the spacing of source cells.</p><div class=\"plots\">";
        let fields: Vec<&String> = unique(card.convergence.iter().map(|c| &c.field));
        for field in fields {
            page += &convergence_plot(card, field)?;
        }
        page += "</div>";
        page += "<table><tr><th>method</th><th>field</th><th>order</th><th>L2 errors, coarse to fine</th></tr>";
        for row in &card.convergence {
            let errors: Vec<String> = row.l2.iter().map(|e| format!("{e:.2e}")).collect();
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{:.2}</td><td class=\"n\">{}</td></tr>",
                escaped(&row.method),
                escaped(&row.field),
                row.order,
                errors.join(" ")
            );
        }
        page += "</table>";
    }
    if !card.cycles.is_empty() {
        page += "<h2>There and back</h2><div class=\"plots\">";
        page += &cycle_plot(card)?;
        page += "</div>";
    }
    page += &score_tables(card);
    if !card.notes.is_empty() {
        page += "<h2>Left out</h2><ul>";
        card.notes.iter().for_each(|note| {
            let _ = write!(page, "<li>{}</li>", escaped(note));
        });
        page += "</ul>";
    }
    page += "<p class=\"foot\">Repeat with <code>knarr bench accuracy</code>. Fields and metrics: Valcke, Piacentini and Jonville \
             (2022), Math. Comput. Appl. 27(2), 31; Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.</p></body></html>\n";
    Ok(page)
}

/// A table per pair and reference: methods down, fields across.
fn score_tables(card: &Scorecard) -> String {
    let mut out = String::new();
    let mut groups: BTreeMap<(String, String, bool), Vec<&super::Score>> = BTreeMap::new();
    for s in &card.scores {
        groups.entry((s.source.clone(), s.destination.clone(), s.reference == Reference::Means)).or_default().push(s);
    }
    for ((source, destination, means), scores) in groups {
        let what = if means { "cell means, L2 norm" } else { "at centers, mean misfit" };
        let _ = write!(out, "<h2>{} → {} ({what})</h2><table><tr><th>method</th>", escaped(&source), escaped(&destination));
        let fields: Vec<&String> = unique(scores.iter().map(|s| &s.field));
        fields.iter().for_each(|f| {
            let _ = write!(out, "<th class=\"n\">{}</th>", escaped(f));
        });
        out += "<th class=\"n\">conservation</th><th class=\"n\">unmapped</th></tr>";
        let value = |s: &super::Score| if means { s.norms.l2 } else { s.norms.misfit.map_or(s.norms.l1, |m| m.mean) };
        let best: Vec<f64> = fields
            .iter()
            .map(|f| scores.iter().filter(|s| &&s.field == f).map(|s| value(s)).fold(f64::INFINITY, f64::min))
            .collect();
        for row in unique(scores.iter().map(|s| (&s.program, &s.method))) {
            let mine: Vec<&&super::Score> = scores.iter().filter(|s| (&s.program, &s.method) == row).collect();
            let peer = row.0 != "knarr";
            let name = if peer { format!("{} ({})", row.1, row.0) } else { row.1.clone() };
            let _ = write!(out, "<tr{}><td>{}</td>", if peer { " class=\"peer\"" } else { "" }, escaped(&name));
            for (f, best) in fields.iter().zip(&best) {
                match mine.iter().find(|s| &&s.field == f) {
                    Some(s) => {
                        let v = value(s);
                        let class = if v <= best * 1.0001 { "n best" } else { "n" };
                        let _ = write!(out, "<td class=\"{class}\">{v:.2e}</td>");
                    }
                    None => out += "<td></td>",
                }
            }
            let conservation =
                mine.iter().filter_map(|s| s.conservation).fold(None, |m: Option<f64>, c| Some(m.unwrap_or(0.0).max(c)));
            let conservation = conservation.map_or("–".to_owned(), |c| format!("{c:.1e}"));
            let unmapped = mine.iter().map(|s| s.unmapped).max().unwrap_or(0);
            let _ = write!(out, "<td class=\"n\">{conservation}</td><td class=\"n\">{unmapped}</td></tr>");
        }
        out += "</table>";
    }
    out
}

fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

fn convergence_plot(card: &Scorecard, field: &str) -> Result<String, ScoreError> {
    let rows: Vec<_> = card.convergence.iter().filter(|c| c.field == field).collect();
    let series = rows.iter().map(|r| {
        let points: Vec<(f64, f64)> = r.spacing_deg.iter().copied().zip(r.l2.iter().copied()).collect();
        (format!("{} ({:.1})", r.method, r.order), points)
    });
    Ok(lines(field, "spacing of source cells (degrees)", "L2 error", &series.collect::<Vec<_>>())?)
}

fn cycle_plot(card: &Scorecard) -> Result<String, ScoreError> {
    let methods: Vec<&String> = unique(card.cycles.iter().map(|c| &c.method));
    let series = methods.into_iter().map(|m| {
        let points = card.cycles.iter().filter(|c| &c.method == m).map(|c| (c.cycles as f64, c.norms.l2)).collect();
        (m.clone(), points)
    });
    let [a, b] = card.cycles[0].grids.clone();
    Ok(lines(&format!("{a} ↔ {b}"), "cycles", "L2 error", &series.collect::<Vec<_>>())?)
}
