//! Angles of points on the faces of a cubed sphere.

use std::sync::Arc;

/// A place along the side of a face: its angle from the middle, with tangent and cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Along {
    pub angle_deg: f64,
    pub tangent: f64,
    pub cosine: f64,
}

impl Along {
    fn new(angle_deg: f64, tangent: f64) -> Self {
        Self { angle_deg, tangent, cosine: 1.0 / (1.0 + tangent * tangent).sqrt() }
    }

    /// Latitude of the point in this row and in `column` of a face round the equator.
    fn latitude_deg(self, column: Self) -> f64 {
        (self.tangent * column.cosine).atan().to_degrees()
    }

    /// What is left to the pole from the point in this row and in `column` of a face with a pole: it keeps all its digits
    /// next to it.
    fn to_pole_deg(self, column: Self) -> f64 {
        (self.tangent * self.tangent + column.tangent * column.tangent).sqrt().atan().to_degrees()
    }

    /// Longitude of that point from the middle of the rows, 0 to 90.
    fn turn_deg(self, column: Self) -> f64 {
        column.tangent.abs().atan2(self.tangent.abs()).to_degrees()
    }
}

/// Places along the sides of a face, the same across as along, and the angles of the points where columns and rows meet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    places: Vec<Along>,
    /// Angles, where keeping them costs little.
    quarter: Option<Arc<Quarter>>,
}

/// Angles of the points in a quarter of a face, which are those of the other quarters and faces but for the sign.
#[derive(Debug, PartialEq)]
struct Quarter {
    /// Points along its side, counted from the middle of the face.
    side: usize,
    /// For each column and row, in degrees: the latitude on faces round the equator, and on others the angle to the pole and
    /// the longitude from the middle of the rows.
    angles: Vec<[f64; 3]>,
}

/// Most points along a face whose quarter is kept: 1.5 MiB.
const MOST_KEPT: usize = 513;

impl Side {
    /// Places at the ends of `n` cells (`n + 1` tangents) or in their middles (`n` tangents).
    pub fn new(n: usize, tangents: Vec<f64>) -> Self {
        // Twice the cells from the middle of the face; ends lie at whole cells, middles between.
        let first = if tangents.len() > n { 0 } else { 1 };
        let angle_deg = |k: usize| 45.0 * ((2 * k + first) as f64 - n as f64) / n as f64;
        let places: Vec<Along> = tangents.into_iter().enumerate().map(|(k, t)| Along::new(angle_deg(k), t)).collect();
        let quarter = (places.len() <= MOST_KEPT).then(|| Arc::new(Quarter::new(&places)));
        Self { places, quarter }
    }

    #[inline]
    pub fn tangent(&self, k: usize) -> f64 {
        self.places[k].tangent
    }

    #[inline]
    pub fn angle_deg(&self, k: usize) -> f64 {
        self.places[k].angle_deg
    }

    /// Latitude of a point on a face round the equator.
    #[inline]
    pub fn latitude_deg(&self, column: usize, row: usize) -> f64 {
        match &self.quarter {
            Some(quarter) => quarter.at(self.places.len(), column, row)[0].copysign(self.places[row].tangent),
            None => self.places[row].latitude_deg(self.places[column]),
        }
    }

    /// Angle to the pole of a point on a face with a pole.
    #[inline]
    pub fn to_pole_deg(&self, column: usize, row: usize) -> f64 {
        match &self.quarter {
            Some(quarter) => quarter.at(self.places.len(), column, row)[1],
            None => self.places[row].to_pole_deg(self.places[column]),
        }
    }

    /// Longitude of that point from the middle of the rows, 0 to 90.
    #[inline]
    pub fn turn_deg(&self, column: usize, row: usize) -> f64 {
        match &self.quarter {
            Some(quarter) => quarter.at(self.places.len(), column, row)[2],
            None => self.places[row].turn_deg(self.places[column]),
        }
    }

    /// The same without what is kept.
    #[cfg(test)]
    pub fn computed(&self) -> Self {
        Self { quarter: None, ..self.clone() }
    }
}

impl Quarter {
    fn new(places: &[Along]) -> Self {
        let outer = &places[places.len() / 2..];
        let of_column = |column: &Along| {
            let column = *column;
            outer.iter().map(move |row| [row.latitude_deg(column), row.to_pole_deg(column), row.turn_deg(column)])
        };
        Self { side: outer.len(), angles: outer.iter().flat_map(of_column).collect() }
    }

    /// Those of column `i` and row `j` of `count`.
    #[inline]
    fn at(&self, count: usize, i: usize, j: usize) -> [f64; 3] {
        let from_middle = |k: usize| (2 * k + 1).abs_diff(count) / 2;
        self.angles[from_middle(i) * self.side + from_middle(j)]
    }
}
