//! Boxes of eight children in a byte for each coordinate.

use super::boxes::ROUNDING;
use super::{Box3, Boxes, WIDTH};

/// Steps that the box around all children is divided into.
const STEPS: f32 = 254.0;

/// The boxes of eight children: coordinates are steps from the lowest corner of all, rounded outward. A byte instead of
/// four, and a line of cache for all: large sources have millions of them.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Node {
    low: [f32; 3],
    /// Length of a step.
    step: f32,
    min: [[u8; WIDTH]; 3],
    max: [[u8; WIDTH]; 3],
}

impl Node {
    /// Of one to eight boxes, none of them empty; those to spare are the first one again.
    pub fn of(boxes: &[Box3]) -> Self {
        let all = boxes.iter().fold(Box3::EMPTY, |all, b| all.and(b));
        let extent = (0..3).fold(0.0f32, |most, axis| most.max(all.max[axis] - all.min[axis]));
        let step = (extent / STEPS).max(f32::MIN_POSITIVE);
        let mut node = Self { low: all.min, step, min: [[0; WIDTH]; 3], max: [[0; WIDTH]; 3] };
        let per_step = 1.0 / node.step;
        for lane in 0..WIDTH {
            let own = boxes.get(lane).unwrap_or(&boxes[0]);
            for axis in 0..3 {
                let steps = |x: f32| (x - node.low[axis]) * per_step;
                node.min[axis][lane] = nearest_step(steps(own.min[axis]) - 0.5);
                node.max[axis][lane] = nearest_step(steps(own.max[axis]) + 0.5);
            }
        }
        node
    }

    /// The boxes, somewhat larger than those it was made of.
    #[inline(always)]
    pub fn boxes(&self) -> Boxes {
        let (mut boxes, step) = (Boxes::EMPTY, self.step);
        // A hundredth of a step is far more than what the numbers of steps were rounded by.
        let margin = 0.01 * step + 2.0 * ROUNDING;
        for axis in 0..3 {
            let (from, to) = (self.low[axis] - margin, self.low[axis] + margin);
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
        for lane in 0..WIDTH {
            let of_lane = |coordinates: &[[f32; WIDTH]; 3]| [0, 1, 2].map(|axis: usize| coordinates[axis][lane]);
            all = all.and(&Box3 { min: of_lane(&boxes.min), max: of_lane(&boxes.max) });
        }
        all
    }
}

/// The nearest of the whole numbers from 0 to 255, without a call of the mathematical library: sums of this size have no fractions.
#[inline(always)]
fn nearest_step(steps: f32) -> u8 {
    const WHOLE: f32 = (3u32 << 22) as f32;
    ((steps + WHOLE).to_bits() & 0xff) as u8
}
