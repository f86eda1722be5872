//! Meridians and parallels, and where their labels go.

use crate::view::Canvas;
use knarr_kernels::sphere::lon_lat_deg;

/// The edge of the map that a label stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    Left,
    Right,
    Top,
    Bottom,
}

/// A label at pixel `at` along an edge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    pub text: String,
    pub edge: Edge,
    pub at: f32,
}

/// The lines of a map: every `lon_step` and `lat_step` degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Graticule {
    lon_step: f64,
    lat_step: f64,
}

impl Graticule {
    /// Lines at round steps, about six each way.
    pub fn new(canvas: &Canvas) -> Self {
        let (lon_span, lat_span) = canvas.span_deg();
        let step = |span: f64, most: f64| {
            [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0]
                .into_iter()
                .find(|s| span / s <= most)
                .unwrap_or(60.0)
        };
        Self { lon_step: step(lon_span, if canvas.is_plate_carree() { 6.5 } else { 12.5 }), lat_step: step(lat_span, 7.0) }
    }

    fn meridians(self) -> impl Iterator<Item = f64> {
        let half = (180.0 / self.lon_step).floor() as i32;
        (1 - half..=half).map(move |k| f64::from(k) * self.lon_step)
    }

    fn parallels(self) -> impl Iterator<Item = f64> {
        let most = (89.999 / self.lat_step).floor() as i32;
        (-most..=most).map(move |k| f64::from(k) * self.lat_step)
    }

    /// The lines as (longitude, latitude) in degrees.
    pub fn lines(self) -> Vec<Vec<(f64, f64)>> {
        let top = self.parallels().last().unwrap_or(0.0).max(80.0);
        let along = |from: f64, to: f64| (0..=240).map(move |k| from + (to - from) * f64::from(k) / 240.0);
        let meridians = self.meridians().map(|lon| along(-top, top).map(|lat| (lon, lat)).collect());
        let parallels = self.parallels().map(|lat| along(-180.0, 180.0).map(|lon| (lon, lat)).collect());
        meridians.chain(parallels).collect()
    }

    /// Labels where lines meet the edges: each meridian at the bottom, else at another edge; parallels on the left first.
    pub fn labels(self, canvas: &Canvas) -> Vec<Label> {
        let mut labels: Vec<Label> = Vec::new();
        let meridian_edges: &[Edge] =
            if canvas.is_plate_carree() { &[Edge::Bottom] } else { &[Edge::Bottom, Edge::Left, Edge::Right, Edge::Top] };
        for lon in self.meridians() {
            let crossing = meridian_edges.iter().find_map(|&edge| {
                let east_of_meridian = |(l, _): (f64, f64)| (l - lon + 180.0).rem_euclid(360.0) - 180.0;
                crossing(canvas, edge, east_of_meridian).map(|at| (edge, at))
            });
            if let Some((edge, at)) = crossing {
                labels.push(Label { text: longitude(lon), edge, at });
            }
        }
        let parallel_edges: &[Edge] = if canvas.is_plate_carree() { &[Edge::Left] } else { &[Edge::Left, Edge::Right] };
        for lat in self.parallels() {
            let crossing = parallel_edges.iter().find_map(|&edge| crossing(canvas, edge, |(_, l)| l - lat).map(|at| (edge, at)));
            if let Some((edge, at)) = crossing {
                labels.push(Label { text: latitude(lat), edge, at });
            }
        }
        labels
    }
}

/// First place along an edge where `signed` (a difference in degrees from a line) changes sign.
fn crossing(canvas: &Canvas, edge: Edge, signed: impl Fn((f64, f64)) -> f64) -> Option<f32> {
    let (width, height) = (canvas.width as f64, canvas.height as f64);
    let length = if matches!(edge, Edge::Left | Edge::Right) { canvas.height } else { canvas.width };
    let value = |k: usize| {
        let (x, y) = match edge {
            // Half a pixel inside, so that 90° and the seam are not passed.
            Edge::Left => (0.5, k as f64),
            Edge::Right => (width - 0.5, k as f64),
            Edge::Top => (k as f64, 0.5),
            Edge::Bottom => (k as f64, height - 0.5),
        };
        canvas.unit_at(x, y).map(lon_lat_deg).map(&signed)
    };
    (0..length).find_map(|k| {
        let (a, b) = (value(k)?, value(k + 1)?);
        // A jump of half a turn is the far side of the globe, not a crossing.
        let crosses = (a == 0.0 || a * b < 0.0) && (a - b).abs() < 90.0;
        crosses.then(|| (k as f64 + if a == b { 0.0 } else { a / (a - b) }) as f32)
    })
}

/// `-75` becomes `75°W`.
pub(crate) fn longitude(lon_deg: f64) -> String {
    let lon = (lon_deg + 180.0).rem_euclid(360.0) - 180.0;
    match lon {
        0.0 => "0°".into(),
        -180.0 => "180°".into(),
        l if l < 0.0 => format!("{}°W", trimmed(-l)),
        l => format!("{}°E", trimmed(l)),
    }
}

/// `-75` becomes `75°S`.
pub(crate) fn latitude(lat_deg: f64) -> String {
    match lat_deg {
        0.0 => "0°".into(),
        l if l < 0.0 => format!("{}°S", trimmed(-l)),
        l => format!("{}°N", trimmed(l)),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

    #[test]
    fn labels_read_as_on_a_map() {
        assert_eq!([longitude(-180.0), longitude(270.0), longitude(0.0), longitude(12.5)], ["180°", "90°W", "0°", "12.5°E"]);
        assert_eq!([latitude(-0.0), latitude(45.0), latitude(-7.25)], ["0°", "45°N", "7.25°S"]);
    }

    #[test]
    fn a_global_map_labels_meridians_below_and_parallels_left() {
        let grid = knarr_grid::Grid {
            family: knarr_grid::Family::Points,
            shape: vec![1],
            layout: knarr_grid::Layout::Points { centers: vec![knarr_grid::LonLat { lon_deg: 0.0, lat_deg: 0.0 }] },
            mask: knarr_grid::Mask::ALL,
            report: knarr_grid::Report::new("a test", knarr_grid::CornerSource::None),
        };
        let canvas = Canvas::new(View::Global, &grid, &|_| true, 360, 360).expect("a view");
        let labels = Graticule::new(&canvas).labels(&canvas);
        let of = |edge| labels.iter().filter(|l| l.edge == edge).map(|l| (l.text.as_str(), l.at.round())).collect::<Vec<_>>();
        assert_eq!(of(Edge::Left), [("60°S", 150.0), ("30°S", 120.0), ("0°", 90.0), ("30°N", 60.0), ("60°N", 30.0)]);
        assert_eq!(of(Edge::Bottom)[..3], [("120°W", 60.0), ("60°W", 120.0), ("0°", 180.0)]);
    }
}
