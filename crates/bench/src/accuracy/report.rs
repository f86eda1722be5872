//! One self-contained page: plots as SVG, tables, what was left out.

use super::{ScoreError, Scorecard};
use crate::DrawingError;
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
    page += &sections(card)?;
    page += "<p class=\"foot\">Repeat with <code>knarr bench accuracy</code>. Fields and metrics: Valcke, Piacentini and Jonville \
             (2022), Math. Comput. Appl. 27(2), 31; Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.</p></body></html>\n";
    Ok(page)
}

/// What is on the page between its head and its foot; part of other pages too.
///
/// # Errors
/// [`DrawingError`].
pub(crate) fn sections(card: &Scorecard) -> Result<String, DrawingError> {
    let mut page = cost_plots(card)?;
    if !card.convergence.is_empty() {
        page += "<h2>Order of convergence</h2><p>L2 error against the spacing of source cells.</p><div class=\"plots\">";
        let fields: Vec<&String> = unique(card.convergence.iter().map(|c| &c.field));
        for field in fields {
            page += &convergence_plot(card, field)?;
        }
        page += "</div>";
        page += "<div class=\"wide\"><table><tr><th>method</th><th>field</th><th class=\"n\">order</th><th class=\"n\">L2 errors, coarse to fine</th></tr>";
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
        page += "</table></div>";
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
    Ok(page)
}

/// A method on a pair, in a few figures.
pub(crate) struct Summary {
    /// Source grid.
    pub source: String,
    /// Destination grid.
    pub destination: String,
    /// Method.
    pub method: String,
    /// Who regridded.
    pub program: String,
    /// Geometric mean over fields of the mean misfit at centers.
    pub misfit: Option<f64>,
    /// Geometric mean over fields of the L2 norm of cell means.
    pub l2: Option<f64>,
    /// Worst relative error of the integral.
    pub conservation: Option<f64>,
    /// Seconds to make weights and apply them once, on one thread.
    pub seconds: Option<f64>,
}

/// All pairs, methods and programs in their order.
pub(crate) fn summary(card: &Scorecard) -> Vec<Summary> {
    let key = |s: &super::Score| (s.source.clone(), s.destination.clone(), s.method.clone(), s.program.clone());
    let of = |(source, destination, method, program): (String, String, String, String)| {
        let mine = || {
            card.scores
                .iter()
                .filter(|s| (&s.source, &s.destination) == (&source, &destination))
                .filter(|s| (&s.method, &s.program) == (&method, &program))
        };
        let misfits = mine().filter(|s| s.reference == Reference::Centers).filter_map(|s| s.norms.misfit).map(|m| m.mean);
        let norms = mine().filter(|s| s.reference == Reference::Means).map(|s| s.norms.l2);
        let cost = card.costs.iter().find(|c| (&c.source, &c.destination, &c.method) == (&source, &destination, &method));
        Summary {
            misfit: geometric_mean(misfits),
            l2: geometric_mean(norms),
            conservation: mine().filter_map(|s| s.conservation).fold(None, |m: Option<f64>, c| Some(m.unwrap_or(0.0).max(c))),
            seconds: cost.filter(|_| program == "knarr").map(|c| c.seconds),
            source,
            destination,
            method,
            program,
        }
    };
    unique(card.scores.iter().map(key)).into_iter().map(of).collect()
}

/// Of values above 0; `None` if there are none.
fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = values.map(f64::ln).filter(|l| l.is_finite()).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

/// Error against cost, a plot for each pair.
fn cost_plots(card: &Scorecard) -> Result<String, DrawingError> {
    let (mut plots, all) = (String::new(), summary(card));
    for (source, destination) in unique(card.costs.iter().map(|c| (&c.source, &c.destination))) {
        let mine = all.iter().filter(|s| (&s.source, &s.destination) == (source, destination));
        let series = mine.filter_map(|s| Some((s.method.clone(), vec![(1e3 * s.seconds?, s.misfit?)])));
        let title = format!("{source} → {destination}");
        plots += &lines(&title, "ms, weights made and applied once", "mean misfit at centers", &series.collect::<Vec<_>>())?;
    }
    if plots.is_empty() {
        return Ok(plots);
    }
    Ok(format!(
        "<h2>Accuracy against cost</h2><p>Misfit at centers, geometric mean over fields, against the time to make weights and apply \
         them to one field on one thread: the lower left is best.</p><div class=\"plots\">{plots}</div>"
    ))
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
        let _ = write!(
            out,
            "<h2>{} → {} ({what})</h2><div class=\"wide\"><table><tr><th>method</th>",
            escaped(&source),
            escaped(&destination)
        );
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
        out += "</table></div>";
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

fn convergence_plot(card: &Scorecard, field: &str) -> Result<String, DrawingError> {
    let rows: Vec<_> = card.convergence.iter().filter(|c| c.field == field).collect();
    let series = rows.iter().map(|r| {
        let points: Vec<(f64, f64)> = r.spacing_deg.iter().copied().zip(r.l2.iter().copied()).collect();
        (format!("{} ({:.1})", r.method, r.order), points)
    });
    lines(field, "spacing of source cells (degrees)", "L2 error", &series.collect::<Vec<_>>())
}

fn cycle_plot(card: &Scorecard) -> Result<String, DrawingError> {
    let methods: Vec<&String> = unique(card.cycles.iter().map(|c| &c.method));
    let series = methods.into_iter().map(|m| {
        let points = card.cycles.iter().filter(|c| &c.method == m).map(|c| (c.cycles as f64, c.norms.l2)).collect();
        (m.clone(), points)
    });
    let [a, b] = card.cycles[0].grids.clone();
    lines(&format!("{a} ↔ {b}"), "cycles", "L2 error", &series.collect::<Vec<_>>())
}
