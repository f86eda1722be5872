//! The graph of components and couplings as a picture.

use crate::plan::{Coupling, Plan};
use crate::{Overview, Period};
use std::fmt::Write;

/// Size of a box, and distance from box to box (px).
const BOX: [usize; 2] = [150, 46];
const STEP: [usize; 2] = [330, 110];
const MARGIN: usize = 30;
/// Width of a letter and height of a line of labels.
const LETTER: usize = 6;
const LINE: usize = 12;

impl Overview {
    /// The graph as SVG: who is stepped first stands left; what is lagged is dashed, and goes round below.
    pub fn svg(plan: &Plan) -> String {
        let layers = layers(plan);
        let place = |c: usize| -> [usize; 2] {
            let row = layers[..c].iter().filter(|layer| **layer == layers[c]).count();
            // Neighbouring columns are shifted, so that a line past a box does not run through it.
            [MARGIN + layers[c] * STEP[0], MARGIN + row * STEP[1] + layers[c] % 2 * STEP[1] / 3]
        };
        let places: Vec<[usize; 2]> = (0..plan.components.len()).map(place).collect();
        let links = links(plan);
        let width = places.iter().map(|p| p[0]).max().unwrap_or(0) + BOX[0] + MARGIN;
        let lowest = places.iter().map(|p| p[1]).max().unwrap_or(0) + BOX[1];
        let back = links.iter().filter(|link| goes_back(&places, link)).count();
        let height = lowest + MARGIN + back * 2 * LINE + links.iter().map(|l| l.labels.len()).max().unwrap_or(0) * LINE;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\" font-size=\"10\">\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
             markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#456\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        let (mut lines, mut labels, mut below) = (String::new(), String::new(), 0);
        for (number, link) in links.iter().enumerate() {
            let ([x0, y0], [x1, y1]) = (places[link.from], places[link.to]);
            // Lines of one box leave and arrive at places of their own.
            let of =
                |end: fn(&Link) -> usize, c: usize| -> Vec<usize> { (0..links.len()).filter(|&k| end(&links[k]) == c).collect() };
            let port = |list: &[usize]| {
                let at = list.iter().position(|&k| k == number).unwrap_or(0);
                (at + 1) * BOX[1] / (list.len() + 1)
            };
            let (leave, arrive) = (y0 + port(&of(|l| l.from, link.from)), y1 + port(&of(|l| l.to, link.to)));
            let dashes = if link.is_lagged { " stroke-dasharray=\"5 3\"" } else { "" };
            let (path, [x, y]) = if goes_back(&places, link) {
                let floor = lowest + MARGIN / 2 + below * 2 * LINE;
                below += 1;
                let (right, left) = (x0 + BOX[0], x1);
                let path = format!(
                    "M{right} {leave}C{} {leave} {} {floor} {} {floor}L{} {floor}C{} {floor} {} {arrive} {left} {arrive}",
                    right + 40,
                    right + 40,
                    right.saturating_sub(20),
                    left + 20,
                    left.saturating_sub(25),
                    left.saturating_sub(25)
                );
                (path, [(left + right) / 2, floor])
            } else {
                let right = x0 + BOX[0];
                let middle = (right + x1) / 2;
                (format!("M{right} {leave}C{middle} {leave} {middle} {arrive} {x1} {arrive}"), [middle, (leave + arrive) / 2])
            };
            let _ = writeln!(lines, "<path d=\"{path}\" fill=\"none\" stroke=\"#456\"{dashes} marker-end=\"url(#tip)\"/>");
            let widest = link.labels.iter().map(|l| l.chars().count()).max().unwrap_or(0) * LETTER;
            let (half, tall) = (widest / 2, link.labels.len() * LINE);
            let top = y.saturating_sub(tall / 2);
            let _ = writeln!(
                labels,
                "<rect x=\"{}\" y=\"{top}\" width=\"{widest}\" height=\"{tall}\" fill=\"#fff\" fill-opacity=\"0.85\"/>",
                x.saturating_sub(half)
            );
            for (k, label) in link.labels.iter().enumerate() {
                let y = top + k * LINE + LINE - 3;
                let _ =
                    writeln!(labels, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"#123\">{}</text>", escaped(label));
            }
        }
        text += &lines;
        text += &labels;
        for (component, [x, y]) in plan.components.iter().zip(&places) {
            let (middle, step) = (x + BOX[0] / 2, Period::seconds(component.step_s));
            let _ = writeln!(
                text,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#e8f1f8\" stroke=\"#456\"/>\
                 <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"13\" font-weight=\"bold\">{}</text>\
                 <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}, every {step}</text>",
                BOX[0],
                BOX[1],
                y + 19,
                escaped(&component.name),
                y + 35,
                escaped(&component.kind)
            );
        }
        text + "</svg>\n"
    }
}

/// All that goes from one component to another in the same rhythm.
struct Link {
    from: usize,
    to: usize,
    is_lagged: bool,
    labels: Vec<String>,
}

fn links(plan: &Plan) -> Vec<Link> {
    let mut links: Vec<(i64, i64, Link)> = Vec::new();
    for coupling in &plan.couplings {
        let (period, lag) = (coupling.timing.period, coupling.timing.lag);
        let names = coupling.parts.iter().map(|p| plan.components[coupling.source].declaration.exports[p.export].name.clone());
        let (from, to) = (coupling.source, coupling.destination);
        match links.iter_mut().find(|(p, l, link)| (*p, *l, link.from, link.to) == (period, lag, from, to)) {
            Some((_, _, link)) => link.labels.extend(names),
            None => links.push((period, lag, Link { from, to, is_lagged: lag > 0, labels: names.collect() })),
        }
    }
    let told = |(period, lag, mut link): (i64, i64, Link)| {
        let lag = if lag > 0 { format!(", lag {}", Period::seconds(lag)) } else { String::new() };
        link.labels.push(format!("every {}{lag}", Period::seconds(period)));
        link
    };
    links.into_iter().map(told).collect()
}

fn goes_back(places: &[[usize; 2]], link: &Link) -> bool {
    places[link.to][0] <= places[link.from][0]
}

/// How many steps of others come before that of each component, by couplings without a lag.
fn layers(plan: &Plan) -> Vec<usize> {
    let mut layers = vec![0; plan.components.len()];
    let straight: Vec<&Coupling> = plan.couplings.iter().filter(|k| k.timing.lag == 0).collect();
    // Iterations may go round: more passes than components add nothing.
    for _ in 0..plan.components.len() {
        for coupling in &straight {
            let after = layers[coupling.source] + 1;
            if layers[coupling.destination] < after && after < plan.components.len() {
                layers[coupling.destination] = after;
            }
        }
    }
    layers
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
