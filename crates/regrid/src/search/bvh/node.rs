//! Boxes of eight children in a byte for each coordinate.

use super::{Box3, ROUNDING, WIDTH};

/// Steps that the box around all children is divided into.
const STEPS: f32 = 250.0;

/// The boxes of eight children, by coordinate, so that a query compares them side by side.
///
/// Coordinates are steps from the lowest corner of all, one and on, rounded outward; a query is rounded outward in the
/// same way, so that nothing that meets it is missed. A byte instead of four: large sources have millions of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    low: [f32; 3],
    /// Length of a step, and steps of a unit of length.
    step: [f32; 3],
    scale: [f32; 3],
    min: [[u8; WIDTH]; 3],
    max: [[u8; WIDTH]; 3],
}

/// A step from outside of all boxes, either way.
const BELOW: f32 = -1.0;
const ABOVE: f32 = 253.0;

impl Node {
    /// Of so many boxes at most; empty ones meet nothing.
    pub fn of(boxes: &[Box3]) -> Self {
        let all = boxes.iter().fold(Box3::EMPTY, |all, b| all.and(b));
        // No query has steps beyond 254.
        let mut node = Self { low: [0.0; 3], step: [0.0; 3], scale: [0.0; 3], min: [[255; WIDTH]; 3], max: [[0; WIDTH]; 3] };
        if all == Box3::EMPTY {
            return node;
        }
        node.low = all.min;
        for axis in 0..3 {
            node.step[axis] = ((all.max[axis] - all.min[axis]) / STEPS).max(f32::MIN_POSITIVE);
            node.scale[axis] = 1.0 / node.step[axis];
        }
        for (lane, b) in boxes.iter().enumerate().filter(|(_, b)| **b != Box3::EMPTY) {
            let (min, max) = node.steps(b);
            for axis in 0..3 {
                node.min[axis][lane] = min[axis];
                node.max[axis][lane] = max[axis];
            }
        }
        node
    }

    /// A box in steps. All that is done to a coordinate keeps the order of numbers: what meets still does.
    #[inline(always)]
    fn steps(&self, b: &Box3) -> ([u8; 3], [u8; 3]) {
        let (mut min, mut max) = ([0; 3], [0; 3]);
        for axis in 0..3 {
            let from_low = |x: f32| (x - self.low[axis]) * self.scale[axis];
            let within = |x: f32| (if x > BELOW { if x < ABOVE { x } else { ABOVE } } else { BELOW }) - BELOW;
            // Whole numbers towards zero, of positive ones: down, and up from the other end.
            min[axis] = within(from_low(b.min[axis])) as u8;
            max[axis] = 255 - (255.0 - within(from_low(b.max[axis]))) as u8;
        }
        (min, max)
    }

    /// Around all boxes.
    pub fn bounds(&self) -> Box3 {
        (0..WIDTH).fold(Box3::EMPTY, |all, lane| all.and(&self.bounds_of(lane)))
    }

    /// Around the box of a lane; empty if that is.
    #[inline]
    pub fn bounds_of(&self, lane: usize) -> Box3 {
        let mut b = Box3::EMPTY;
        for axis in 0..3 {
            let (min, max) = (self.min[axis][lane], self.max[axis][lane]);
            if min > max {
                return Box3::EMPTY;
            }
            // A hundredth of a step is far more than what steps were rounded by.
            let at = |steps: f32| self.low[axis] + self.step[axis] * (steps + BELOW);
            b.min[axis] = at(f32::from(min) - 0.01) - 2.0 * ROUNDING;
            b.max[axis] = at(f32::from(max) + 0.01) + 2.0 * ROUNDING;
        }
        b
    }

    /// One bit per child that meets `query`.
    #[inline(always)]
    pub fn hits(&self, query: &Box3) -> u32 {
        let (min, max) = self.steps(query);
        // Masks rather than truth values: that keeps all lanes in vectors.
        let all = |holds: bool| if holds { u8::MAX } else { 0 };
        let mut meets = [u8::MAX; WIDTH];
        for axis in 0..3 {
            for lane in 0..WIDTH {
                meets[lane] &= all(self.min[axis][lane] <= max[axis]) & all(self.max[axis][lane] >= min[axis]);
            }
        }
        let mut bits = 0;
        for lane in 0..WIDTH {
            bits |= meets[lane] & (1 << lane);
        }
        u32::from(bits)
    }
}
