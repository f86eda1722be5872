//! One self-contained page: plots as SVG, tables, what was left out.

use super::{ScoreError, Scorecard};
use crate::accuracy::Reference;
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Colours that are told apart also without colour vision, after Okabe and Ito (2008).
const COLOURS: [RGBColor; 10] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 0),
    RGBColor(60, 60, 60),
    RGBColor(170, 60, 170),
    RGBColor(150, 150, 150),
];

/// The scorecard as a page.
///
/// # Errors
/// [`ScoreError::Drawing`].
pub fn html(card: &Scorecard) -> Result<String, ScoreError> {
    let mut page = String::from(HEAD);
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

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Knarr: accuracy scorecard</title>\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-weight:600;margin-bottom:.2rem}h2{margin-top:2.2rem;border-bottom:1px solid #ddd}.lead,.foot{color:#555}\
table{border-collapse:collapse;margin:1rem 0;font-size:13px;width:100%}th,td{padding:.25rem .6rem;border-bottom:1px solid #eee;text-align:left}\
th{background:#f6f6f6;position:sticky;top:0}.n{text-align:right;font-variant-numeric:tabular-nums}.best{font-weight:700}\
.peer td{color:#777}.plots{display:flex;flex-wrap:wrap;gap:1rem}.plots svg{max-width:100%;height:auto}\
@media print{body{max-width:none;margin:0}h2{break-after:avoid}tr{break-inside:avoid}}</style></head><body>";

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
    lines(field, "spacing of source cells (degrees)", "L2 error", &series.collect::<Vec<_>>())
}

fn cycle_plot(card: &Scorecard) -> Result<String, ScoreError> {
    let methods: Vec<&String> = unique(card.cycles.iter().map(|c| &c.method));
    let series = methods.into_iter().map(|m| {
        let points = card.cycles.iter().filter(|c| &c.method == m).map(|c| (c.cycles as f64, c.norms.l2)).collect();
        (m.clone(), points)
    });
    let [a, b] = card.cycles[0].grids.clone();
    lines(&format!("{a} ↔ {b}"), "cycles", "L2 error", &series.collect::<Vec<_>>())
}

/// Lines on logarithmic axes as SVG.
fn lines(title: &str, x_name: &str, y_name: &str, series: &[(String, Vec<(f64, f64)>)]) -> Result<String, ScoreError> {
    fn fail(e: impl std::fmt::Display) -> ScoreError {
        ScoreError::Drawing(e.to_string())
    }
    let points = || series.iter().flat_map(|s| s.1.iter()).filter(|p| p.0 > 0.0 && p.1 > 0.0);
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let (low, high) = points().map(pick).fold((f64::INFINITY, 0.0f64), |r, v| (r.0.min(v), r.1.max(v)));
        if low < high { low * 0.8..high * 1.25 } else { 0.1..10.0 }
    };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (560, 400)).into_drawing_area();
        root.fill(&WHITE).map_err(fail)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 17))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(64)
            .build_cartesian_2d(range(|p| p.0).log_scale(), range(|p| p.1).log_scale())
            .map_err(fail)?;
        chart
            .configure_mesh()
            .x_desc(x_name)
            .y_desc(y_name)
            .y_label_formatter(&|v| format!("{v:.0e}"))
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(BLACK.mix(0.12))
            .draw()
            .map_err(fail)?;
        for (k, (name, points)) in series.iter().enumerate() {
            let colour = COLOURS[k % COLOURS.len()];
            let shown: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.0 > 0.0 && p.1 > 0.0).collect();
            chart
                .draw_series(LineSeries::new(shown.clone(), colour.stroke_width(2)))
                .map_err(fail)?
                .label(name.clone())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
            chart.draw_series(shown.into_iter().map(|p| Circle::new(p, 3, colour.filled()))).map_err(fail)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .draw()
            .map_err(fail)?;
        root.present().map_err(fail)?;
    }
    Ok(svg)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
