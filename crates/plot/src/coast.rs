//! The coastline: Natural Earth land polygons 1:110m, public domain, as shipped in `datasets/`.

use serde::Deserialize;

const LAND: &[u8] = include_bytes!("../../../datasets/natural_earth_land110m.topojson");

#[derive(Deserialize)]
struct Topology {
    transform: Transform,
    /// Lines as quantised steps: the first pair is a position, the others are differences.
    arcs: Vec<Vec<[i64; 2]>>,
}

#[derive(Deserialize)]
struct Transform {
    scale: [f64; 2],
    translate: [f64; 2],
}

/// Coastlines as lines of (longitude, latitude) in degrees.
///
/// Edges that only close polygons (along ±180° and around the south pole) are left out.
pub(crate) fn lines() -> Vec<Vec<(f64, f64)>> {
    let topology: Topology = serde_json::from_slice(LAND).expect("the shipped land polygons are valid TopoJSON");
    let Transform { scale, translate } = topology.transform;
    let mut lines = Vec::new();
    for arc in &topology.arcs {
        let (mut x, mut y) = (0, 0);
        let mut line: Vec<(f64, f64)> = Vec::with_capacity(arc.len());
        for &[dx, dy] in arc {
            (x, y) = (x + dx, y + dy);
            let point = (x as f64 * scale[0] + translate[0], y as f64 * scale[1] + translate[1]);
            if line.last().is_some_and(|&last| is_closing(last, point)) {
                lines.push(std::mem::take(&mut line));
            }
            line.push(point);
        }
        lines.push(line);
    }
    lines.retain(|line| line.len() > 1);
    lines
}

/// Whether the edge from `a` to `b` runs along the antimeridian or the southern rim of the data.
fn is_closing(a: (f64, f64), b: (f64, f64)) -> bool {
    let at_seam = |p: (f64, f64)| p.0.abs() > 179.99;
    (at_seam(a) && at_seam(b)) || (a.1 < -85.5 && b.1 < -85.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coast_of_newfoundland_is_where_it_should_be() {
        let near =
            |lon: f64, lat: f64| lines().iter().flatten().map(|p| (p.0 - lon).hypot(p.1 - lat)).fold(f64::INFINITY, f64::min);
        // Cape Race, 46.66 N 53.07 W; mid-Atlantic.
        assert!(near(-53.07, 46.66) < 0.5);
        assert!(near(-40.0, 30.0) > 10.0);
    }

    #[test]
    fn no_line_runs_along_the_seam() {
        for line in lines() {
            for pair in line.windows(2) {
                assert!(!is_closing(pair[0], pair[1]));
            }
        }
    }
}
