//! Directions all around, from which others are measured.

use super::place::{Direction, Split};
use crate::double_double::DoubleDouble;
#[cfg(feature = "gpu")]
use crate::{double_double::PI, overlap_rows::Place};
use std::f64::consts::TAU;

/// Longitudes all around.
#[derive(Clone, Debug)]
pub(crate) struct Milestones {
    directions: Vec<Direction>,
}

impl Milestones {
    /// So many that what is added to a milestone has 1e-19 of rounding.
    const COUNT: usize = 4096;

    pub(crate) fn new() -> Self {
        // All are, but for signs, sines and cosines of those up to 45°.
        let quarter = Self::COUNT as i64 / 4;
        let eighth: Vec<_> = (0..=quarter / 2).map(|k| Self::degrees(k).sin_cos_deg()).collect();
        let at = |k: i64| {
            let turns = (k as f64 / quarter as f64).round() as i64;
            let beyond = k - turns * quarter;
            let (sin, cos) = eighth[beyond.unsigned_abs() as usize];
            let sin = if beyond < 0 { -sin } else { sin };
            let (sin, cos) = match turns.rem_euclid(4) {
                0 => (sin, cos),
                1 => (cos, -sin),
                2 => (-sin, -cos),
                _ => (-cos, sin),
            };
            Direction { sin: sin.into(), cos: cos.into() }
        };
        Self { directions: (-2 * quarter..2 * quarter).map(at).collect() }
    }

    fn degrees(k: i64) -> DoubleDouble {
        DoubleDouble::from(360.0 / Self::COUNT as f64 * k as f64)
    }

    /// Of a part of a turn, within 1e-19 of the direction.
    #[inline]
    pub(super) fn of_turn(&self, numerator: i64, denominator: i64) -> Direction {
        let count = Self::COUNT as i64;
        let nearest = (numerator as f64 / denominator as f64 * count as f64).round() as i64;
        let left = (numerator * count - nearest * denominator) as f64;
        let angle = TAU * left / (denominator * count) as f64;
        let square = angle * angle;
        // Sine, and what the cosine lacks to 1: the next terms are below 1e-22 of them.
        let sin = angle * (1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0)));
        let lack = 0.5 * square * (1.0 - square * (1.0 / 12.0 - square * (1.0 / 360.0)));
        let Direction { sin: s, cos: c } = self.directions[(nearest + count / 2).rem_euclid(count) as usize];
        let turned = |from: Split, more: f64| {
            let more = Split::of(from.rest + more);
            Split { coarse: from.coarse + more.coarse, rest: more.rest }
        };
        let (rounded_sin, rounded_cos) = (s.rounded(), c.rounded());
        Direction {
            sin: turned(s, rounded_cos * sin - rounded_sin * lack),
            cos: turned(c, -rounded_sin * sin - rounded_cos * lack),
        }
    }

    /// Longitude (rad), sine and cosine of latitude of a place.
    #[cfg(feature = "gpu")]
    pub(crate) fn place(&self, p: &Place) -> [DoubleDouble; 3] {
        let [x, y, z] = p.0;
        let rounded = p.rounded();
        let lon = rounded[1].atan2(rounded[0]);
        let k = ((lon / TAU + 0.5) * Self::COUNT as f64).round() as usize % Self::COUNT;
        let Direction { sin, cos } = self.directions[k];
        let across = (y.coarse * cos.coarse - x.coarse * sin.coarse) + (y.beyond_coarse(cos) - x.beyond_coarse(sin));
        let along = rounded[0] * cos.rounded() + rounded[1] * sin.rounded();
        // At a pole any longitude will do.
        let beyond = if along > 0.0 { (across / along).atan() } else { 0.0 };
        let shrinking = p.shrinking();
        let with = |v: DoubleDouble| DoubleDouble::of_sum(v.high, v.low + v.high * shrinking);
        let number = |v: Split| DoubleDouble::of_sum(v.coarse, v.rest);
        let (x, y) = (number(x), number(y));
        [
            radians(Self::degrees(k as i64 - Self::COUNT as i64 / 2)) + DoubleDouble::from(beyond),
            with(number(z)),
            with((x * x + y * y).sqrt()),
        ]
    }
}

/// Degrees in radians.
#[cfg(feature = "gpu")]
pub(crate) fn radians(deg: DoubleDouble) -> DoubleDouble {
    deg * PI / DoubleDouble::from(180.0)
}

#[test]
fn milestones_have_the_bits_of_their_angles() {
    let milestones = Milestones::new();
    let count = Milestones::COUNT as i64;
    assert_eq!(milestones.directions.len() as i64, count);
    for (k, found) in (-count / 2..).zip(&milestones.directions) {
        let exact = Direction::of(Milestones::degrees(k));
        let bits = |d: &Direction| [d.sin.coarse, d.sin.rest, d.cos.coarse, d.cos.rest].map(f64::to_bits);
        assert_eq!(bits(found), bits(&exact), "{k}");
    }
}

#[test]
fn parts_of_a_turn_are_found_from_milestones() {
    let milestones = Milestones::new();
    let number = |v: Split| DoubleDouble::of_sum(v.coarse, v.rest);
    for (numerator, denominator) in [(1, 3), (-7, 20), (3, 40), (10_555, 10_256), (-1, 8), (4097, 8192), (2561, 5136)] {
        let (found, exact) =
            (milestones.of_turn(numerator, denominator), Direction::of_turn(numerator as i32, denominator as i32));
        for (found, exact) in [(found.sin, exact.sin), (found.cos, exact.cos)] {
            let off = (number(found) - number(exact)).high;
            assert!(off.abs() < 1.5e-19, "{numerator}/{denominator}: {off:e}");
        }
    }
}
