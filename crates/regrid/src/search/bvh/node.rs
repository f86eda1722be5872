//! Boxes of eight children in a byte for each coordinate.

use super::boxes::ROUNDING;
use super::{Box3, Boxes, WIDTH};

/// Steps that the box around all children is divided into.
const STEPS: f32 = 254.0;

/// The boxes of eight children: coordinates are steps from the lowest corner of all, rounded outward. A byte instead of
/// four: large sources have millions of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    low: [f32; 3],
    /// Length of a step.
    step: [f32; 3],
    min: [[u8; WIDTH]; 3],
    max: [[u8; WIDTH]; 3],
    /// One bit per child that has a box.
    filled: u8,
}

impl Node {
    /// Of so many boxes at most; empty ones meet nothing.
    pub fn of(boxes: &[Box3]) -> Self {
        let all = boxes.iter().fold(Box3::EMPTY, |all, b| all.and(b));
        let mut node = Self { low: all.min, step: [0.0; 3], min: [[0; WIDTH]; 3], max: [[0; WIDTH]; 3], filled: 0 };
        for axis in 0..3 {
            node.step[axis] = ((all.max[axis] - all.min[axis]) / STEPS).max(f32::MIN_POSITIVE);
        }
        let per_step = node.step.map(|step| 1.0 / step);
        for (lane, b) in boxes.iter().enumerate().filter(|(_, b)| **b != Box3::EMPTY) {
            node.filled |= 1 << lane;
            for axis in 0..3 {
                let steps = |x: f32| (x - node.low[axis]) * per_step[axis];
                node.min[axis][lane] = nearest_step(steps(b.min[axis]) - 0.5);
                node.max[axis][lane] = nearest_step(steps(b.max[axis]) + 0.5);
            }
        }
        node
    }

    /// The boxes, somewhat larger than those it was made of; what the children without one have is of no meaning.
    #[inline(always)]
    pub fn boxes(&self) -> Boxes {
        let mut boxes = Boxes::EMPTY;
        for axis in 0..3 {
            let (low, step) = (self.low[axis], self.step[axis]);
            // A hundredth of a step is far more than what the numbers of steps were rounded by.
            let margin = 0.01 * step + 2.0 * ROUNDING;
            let (from, to) = (low - margin, low + margin);
            for lane in 0..WIDTH {
                boxes.min[axis][lane] = from + step * f32::from(self.min[axis][lane]);
                boxes.max[axis][lane] = to + step * f32::from(self.max[axis][lane]);
            }
        }
        boxes
    }

    /// Around all boxes.
    pub fn bounds(&self) -> Box3 {
        let (boxes, mut all) = (self.boxes(), Box3::EMPTY);
        for lane in (0..WIDTH).filter(|lane| self.filled >> lane & 1 == 1) {
            let of_lane = |coordinates: &[[f32; WIDTH]; 3]| [0, 1, 2].map(|axis: usize| coordinates[axis][lane]);
            all = all.and(&Box3 { min: of_lane(&boxes.min), max: of_lane(&boxes.max) });
        }
        all
    }

    /// Of bits of children, those that have a box.
    #[inline(always)]
    pub fn filled(&self, bits: u32) -> u32 {
        bits & u32::from(self.filled)
    }
}

/// The nearest of the whole numbers from 0 to 255, without a call of the mathematical library: sums of this size have no fractions.
#[inline(always)]
fn nearest_step(steps: f32) -> u8 {
    const WHOLE: f32 = (3u32 << 22) as f32;
    ((steps + WHOLE).to_bits() & 0xff) as u8
}
