//! What pages of reports share: their look, and plots as SVG.

use plotters::prelude::*;

/// A plot that cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot draw a plot: {0}")]
pub struct DrawingError(String);

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

/// The beginning of a page up to its body.
pub fn head(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head><body>",
        escaped(title)
    )
}

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-weight:600;margin-bottom:.2rem}h2{margin-top:2.2rem;border-bottom:1px solid #ddd}.lead,.foot{color:#555}\
table{border-collapse:collapse;margin:1rem 0;font-size:13px;width:100%}th,td{padding:.25rem .6rem;border-bottom:1px solid #eee;text-align:left}\
th{background:#f6f6f6;position:sticky;top:0}.n{text-align:right;font-variant-numeric:tabular-nums}.best{font-weight:700}\
.bad{color:#b00020;font-weight:600}.good{color:#00664a;font-weight:600}.off td{color:#888}\
.peer td{color:#777}.plots{display:flex;flex-wrap:wrap;gap:1rem}.plots svg{max-width:100%;height:auto}\
@media print{body{max-width:none;margin:0;font-size:11px}th{position:static}h2{break-after:avoid}tr,svg{break-inside:avoid}}";

/// Lines on logarithmic axes as SVG.
pub fn lines(title: &str, x_name: &str, y_name: &str, series: &[(String, Vec<(f64, f64)>)]) -> Result<String, DrawingError> {
    fn fail(e: impl std::fmt::Display) -> DrawingError {
        DrawingError(e.to_string())
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

/// Text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
