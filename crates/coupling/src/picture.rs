//! The graph of components and couplings as a picture.

use crate::plan::{Coupling, Plan};
use crate::{Overview, Period};
use std::fmt::Write;

/// Size of a box, and distance from box to box (px).
const BOX: [i64; 2] = [150, 46];
const STEP: [i64; 2] = [400, 170];
const MARGIN: i64 = 30;
/// Width of a letter and height of a line of labels.
const LETTER: i64 = 6;
const LINE: i64 = 12;
/// Where along a line its label may stand, the best first.
const ALONG: [f64; 9] = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8];

impl Overview {
    /// The graph as SVG: who is stepped first stands left; what is lagged is dashed.
    pub fn svg(plan: &Plan) -> String {
        let told = |(component, layer): (&crate::PlannedComponent, usize)| Node {
            name: component.name.clone(),
            kind: format!("{}, every {}", component.kind, Period::seconds(component.step_s)),
            layer,
        };
        let nodes: Vec<Node> = plan.components.iter().zip(layers(plan)).map(told).collect();
        drawn(&nodes, &links(plan))
    }
}

/// A component as it is drawn.
struct Node {
    name: String,
    kind: String,
    /// How many columns from the left.
    layer: usize,
}

/// All that goes from one component to another in the same rhythm.
struct Link {
    from: usize,
    to: usize,
    is_lagged: bool,
    labels: Vec<String>,
}

/// Left, top, right, bottom.
type Area = [i64; 4];

fn overlap(a: &Area, b: &Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// The picture: boxes in columns, lines between them, labels where there is room.
fn drawn(nodes: &[Node], links: &[Link]) -> String {
    let place = |c: usize| -> [i64; 2] {
        let row = nodes[..c].iter().filter(|node| node.layer == nodes[c].layer).count() as i64;
        let column = nodes[c].layer as i64;
        // Neighbouring columns are shifted, so that a line past a box does not run through it.
        [MARGIN + column * STEP[0], MARGIN + row * STEP[1] + column % 2 * STEP[1] / 2]
    };
    let places: Vec<[i64; 2]> = (0..nodes.len()).map(place).collect();
    let lowest = places.iter().map(|p| p[1]).max().unwrap_or(0) + BOX[1];
    let mut taken: Vec<Area> = places.iter().map(|p| [p[0] - 4, p[1] - 4, p[0] + BOX[0] + 4, p[1] + BOX[1] + 4]).collect();
    let (mut lines, mut labels, mut floor) = (String::new(), String::new(), lowest + MARGIN);
    for (number, link) in links.iter().enumerate() {
        let ([x0, y0], [x1, y1]) = (places[link.from], places[link.to]);
        // Lines of one box leave and arrive at places of their own.
        let port = |end: fn(&Link) -> usize| {
            let own = |l: &&Link| end(l) == end(link);
            let (count, at) = (links.iter().filter(own).count() as i64, links[..number].iter().filter(own).count() as i64);
            (at + 1) * BOX[1] / (count + 1)
        };
        let (start, end) = ([x0 + BOX[0], y0 + port(|l| l.from)], [x1, y1 + port(|l| l.to)]);
        let half = link.labels.iter().map(|l| l.chars().count() as i64).max().unwrap_or(0) * LETTER / 2 + 3;
        let tall = link.labels.len() as i64 * LINE;
        let area = |[x, y]: [i64; 2]| [x - half, y - tall / 2, x + half, y - tall / 2 + tall];
        let ([sx, sy], [ex, ey]) = (start, end);
        // What goes back goes round below all boxes.
        let (path, candidates): (String, Vec<[i64; 2]>) = if x1 <= x0 {
            floor += tall / 2 + 4;
            let (f, right, left) = (floor, sx + 35, ex - 35);
            floor += tall / 2 + 4;
            let path = format!(
                "M{sx} {sy}C{right} {sy} {right} {f} {} {f}L{} {f}C{left} {f} {left} {ey} {ex} {ey}",
                right - 45,
                left + 45
            );
            (path, vec![[(sx + ex) / 2, f]])
        } else {
            let middle = (sx + ex) / 2;
            let at = |t: f64| {
                let weights = [(1.0 - t).powi(3), 3.0 * (1.0 - t).powi(2) * t, 3.0 * (1.0 - t) * t * t, t * t * t];
                let mix = |p: [i64; 4]| p.iter().zip(weights).map(|(p, w)| *p as f64 * w).sum::<f64>().round() as i64;
                [mix([sx, middle, middle, ex]), mix([sy, sy, ey, ey])]
            };
            (format!("M{sx} {sy}C{middle} {sy} {middle} {ey} {ex} {ey}"), ALONG.map(at).to_vec())
        };
        let dashes = if link.is_lagged { " stroke-dasharray=\"5 3\"" } else { "" };
        let _ = writeln!(lines, "<path d=\"{path}\" fill=\"none\" stroke=\"#456\"{dashes} marker-end=\"url(#tip)\"/>");
        let is_free = |place: &[i64; 2]| !taken.iter().any(|other| overlap(&area(*place), other));
        let [x, y] = candidates.iter().copied().find(is_free).unwrap_or_else(|| {
            // No room on the line: as near to it as there is, above or below.
            let beside =
                |k: i64| [candidates[0][0], candidates[0][1] + (k + 1) / 2 * if k % 2 == 0 { LINE / 2 } else { -LINE / 2 }];
            (1..400).map(beside).find(|place| place[1] > tall / 2 && is_free(place)).unwrap_or(candidates[0])
        });
        let [left, top, right, bottom] = area([x, y]);
        taken.push([left, top, right, bottom]);
        let _ = writeln!(
            labels,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{tall}\" fill=\"#fff\" fill-opacity=\"0.85\"/>",
            right - left
        );
        for (k, label) in link.labels.iter().enumerate() {
            let y = top + k as i64 * LINE + LINE - 3;
            let _ = writeln!(labels, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"#123\">{}</text>", escaped(label));
        }
    }
    let mut boxes = String::new();
    for (node, [x, y]) in nodes.iter().zip(&places) {
        let middle = x + BOX[0] / 2;
        let _ = writeln!(
            boxes,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#e8f1f8\" stroke=\"#456\"/>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"13\" font-weight=\"bold\">{}</text>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            BOX[0],
            BOX[1],
            y + 19,
            escaped(&node.name),
            y + 35,
            escaped(&node.kind)
        );
    }
    let edge = |side: usize| taken.iter().map(|area| area[side]).max().unwrap_or(0) + MARGIN;
    let (width, height) = (edge(2), edge(3).max(floor + MARGIN / 2));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"10\">\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#456\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{lines}{labels}{boxes}</svg>\n"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The areas behind labels, and the boxes, as the picture has them.
    fn areas(picture: &str, fill: &str) -> Vec<Area> {
        let number = |line: &str, key: &str| -> i64 {
            let rest = &line[line.find(&format!(" {key}=\"")).expect("an attribute") + key.len() + 3..];
            rest[..rest.find('"').expect("its end")].parse().expect("a number")
        };
        let own = picture.lines().filter(|line| line.starts_with("<rect x") && line.contains(&format!("fill=\"{fill}\"")));
        own.map(|line| {
            let [x, y] = ["x", "y"].map(|key| number(line, key));
            [x, y, x + number(line, "width"), y + number(line, "height")]
        })
        .collect()
    }

    #[test]
    fn labels_cover_neither_boxes_nor_one_another() {
        let node = |name: &str, layer| Node { name: name.to_owned(), kind: "a kind & more".to_owned(), layer };
        let nodes = [node("a", 0), node("b", 1), node("c", 1), node("d", 2), node("e", 2)];
        let fields = ["a_field_with_a_long_name", "another_field", "every PT1H"].map(str::to_owned);
        let mut links = Vec::new();
        for (from, to) in [(0, 1), (0, 2), (0, 3), (0, 4), (1, 3), (2, 3), (1, 4), (2, 4), (3, 0), (4, 1), (4, 2), (3, 4)] {
            links.push(Link { from, to, is_lagged: to < from, labels: fields.to_vec() });
        }
        let picture = drawn(&nodes, &links);
        let (labels, boxes) = (areas(&picture, "#fff"), areas(&picture, "#e8f1f8"));
        assert_eq!((labels.len(), boxes.len()), (links.len(), nodes.len()));
        for (k, label) in labels.iter().enumerate() {
            assert!(!labels[..k].iter().chain(&boxes).any(|other| overlap(label, other)), "{label:?}");
        }
        assert_eq!(picture.matches("stroke-dasharray").count(), 3);
        assert!(picture.contains("a kind &amp; more"));
    }
}
