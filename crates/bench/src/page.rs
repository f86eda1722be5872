//! What pages of reports share: their look, and plots as SVG.

use plotters::prelude::*;
use std::fmt::Write;

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
body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-weight:600;margin-bottom:.2rem}h2{margin-top:2.2rem;border-bottom:1px solid #ddd}.lead,.foot{color:#555}\
small{color:#555}.wide{overflow-x:auto}\
table{border-collapse:collapse;margin:1rem 0;font-size:13px;width:100%}th,td{padding:.25rem .6rem;border-bottom:1px solid #eee;text-align:left}\
th{background:#f6f6f6;vertical-align:bottom}.n,.w{white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums}.best{font-weight:700}\
.bad{color:#b00020;font-weight:600}.good{color:#00664a;font-weight:600}.off td{color:#888}\
.peer td{color:#777}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem 2rem}\
figure{margin:0;max-width:40rem}figure svg{width:100%;height:auto;display:block}\
figcaption{font-size:12px;line-height:1.6;padding-left:3.5rem}figcaption span{display:inline-block;margin-right:1.1em}\
figcaption i{display:inline-block;width:.75em;height:.75em;border-radius:50%;margin-right:.4em}\
@media print{@page{size:A4;margin:12mm}body{max-width:none;margin:0;padding:0;font-size:11px}table{font-size:9px}\
th,td{padding:.15rem .35rem}.wide{overflow:visible}h2,h3{break-after:avoid}tr,figure{break-inside:avoid}\
.plots{grid-template-columns:1fr 1fr}figcaption{font-size:9px;padding-left:2rem}\
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/// Points on logarithmic axes, those of a series joined by lines, with the names of the series below.
pub fn lines(title: &str, x_name: &str, y_name: &str, series: &[(String, Vec<(f64, f64)>)]) -> Result<String, DrawingError> {
    fn fail(e: impl std::fmt::Display) -> DrawingError {
        DrawingError(e.to_string())
    }
    let points = || series.iter().flat_map(|s| s.1.iter()).filter(|p| p.0 > 0.0 && p.1 > 0.0);
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let (low, high) = points().map(pick).fold((f64::INFINITY, 0.0f64), |r, v| (r.0.min(v), r.1.max(v)));
        if low <= high { low * 0.8..high * 1.25 } else { 0.1..10.0 }
    };
    let (mut svg, mut legend) = (String::new(), String::new());
    {
        let root = SVGBackend::with_string(&mut svg, (560, 360)).into_drawing_area();
        let (x_range, y_range) = (range(|p| p.0), range(|p| p.1));
        let (x_ticks, y_ticks) = (Ticks::of(&x_range), Ticks::of(&y_range));
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 19))
            .margin(8)
            .margin_right(24)
            .x_label_area_size(46)
            .y_label_area_size(72)
            .build_cartesian_2d(x_range.log_scale(), y_range.log_scale())
            .map_err(fail)?;
        chart
            .configure_mesh()
            .x_desc(x_name)
            .y_desc(y_name)
            .axis_desc_style(("sans-serif", 15))
            .label_style(("sans-serif", 14))
            .x_label_formatter(&|v| x_ticks.label(*v))
            .y_label_formatter(&|v| y_ticks.label(*v))
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(BLACK.mix(0.12))
            .draw()
            .map_err(fail)?;
        for (k, (name, points)) in series.iter().enumerate() {
            let colour = COLOURS[k % COLOURS.len()];
            let shown: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.0 > 0.0 && p.1 > 0.0).collect();
            chart.draw_series(LineSeries::new(shown.clone(), colour.stroke_width(2))).map_err(fail)?;
            chart.draw_series(shown.into_iter().map(|p| Circle::new(p, 4, colour.filled()))).map_err(fail)?;
            let RGBColor(r, g, b) = colour;
            let _ = write!(legend, "<span><i style=\"background:rgb({r},{g},{b})\"></i>{}</span> ", escaped(name));
        }
        root.present().map_err(fail)?;
    }
    Ok(format!("<figure>{svg}<figcaption>{legend}</figcaption></figure>"))
}

/// Which numbers of a logarithmic axis are written at it: all would not fit.
struct Ticks {
    leads: &'static [f64],
}

impl Ticks {
    /// Few decades have room for 1, 2 and 5.
    fn of(range: &std::ops::Range<f64>) -> Self {
        let decades = (range.end / range.start).log10();
        Self { leads: if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] } }
    }

    fn label(&self, value: f64) -> String {
        let power = value.log10().floor();
        let lead = value / 10f64.powf(power);
        // 9.999... of the power below.
        let is_one = |l: f64| (lead / l - 1.0).abs() < 1e-6 || (lead / l - 10.0).abs() < 1e-5;
        if !self.leads.iter().any(|&l| is_one(l)) {
            return String::new();
        }
        if (1e-3..1e5).contains(&value) { format!("{}", (value * 1e6).round() / 1e6) } else { format!("{value:.0e}") }
    }
}

/// Text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_labelled_where_there_is_room() {
        let narrow = Ticks::of(&(0.5..20.0));
        assert_eq!([1.0, 2.0, 3.0, 5.0, 10.0].map(|v| narrow.label(v)), ["1", "2", "", "5", "10"]);
        let wide = Ticks::of(&(1e-7..1.0));
        assert_eq!([1e-6, 2e-6, 1e-3, 0.1].map(|v| wide.label(v)), ["1e-6", "", "0.001", "0.1"]);
    }

    #[test]
    fn one_point_is_drawn_and_names_are_below() {
        let plot = lines("t", "x", "y", &[("a <b>".to_owned(), vec![(1.0, 2.0)])]).expect("drawn");
        assert!(plot.contains("<circle") && plot.contains("a &lt;b&gt;"), "{plot}");
    }
}
