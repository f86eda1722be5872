//! Operations of the catalogue, carried out one time step after another.

use super::accumulation::{AccumulationError, Differences, Intervals, Totals};
use super::{EarthRelative, GridRelative, LayerOverlap, Slab, Turn, texture};
use crate::catalogue::Operation;

/// What operations need to know about the grid, the layers and the times of a variable.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The axes of the grid, for vectors.
    pub turn: Option<Turn>,
    /// The layers asked for, for layers.
    pub overlap: Option<LayerOverlap>,
    /// The intervals of the steps, for totals and means.
    pub intervals: Option<Intervals>,
    /// Whether a total is one of its interval rather than of the run so far.
    pub totals_are_of_intervals: bool,
    /// Whether values are never below zero, so that decreasing totals are wrong.
    pub never_negative: bool,
}

/// Why an operation cannot be carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// Times, layers or axes are needed and not known.
    #[error("`{operation}` needs {what}")]
    Needs {
        /// The operation.
        operation: String,
        /// What it needs.
        what: &'static str,
    },
    /// Totals or intervals do not fit.
    #[error(transparent)]
    Accumulation(#[from] AccumulationError),
}

/// Operations in a row, with the memory that those about time need.
///
/// A step's values are one slab, two for the components of a vector or for what a sum is made of, or one for each layer.
#[derive(Clone, Debug)]
pub struct Chain {
    operations: Vec<Operation>,
    differences: Vec<Vec<Differences>>,
    totals: Vec<Vec<Totals>>,
}

impl Chain {
    /// A chain at the start of the run.
    pub fn new(operations: Vec<Operation>) -> Self {
        let count = operations.len();
        Self { operations, differences: vec![Vec::new(); count], totals: vec![Vec::new(); count] }
    }

    /// Decreases of totals that packing explained, so far.
    pub fn clipped(&self) -> usize {
        self.differences.iter().flatten().map(|d| d.clipped).sum()
    }

    /// Carries out the operations on the slabs of `step`; steps come in order, each once.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn apply(&mut self, step: usize, slabs: Vec<Slab>, around: &Surroundings) -> Result<Vec<Slab>, ChainError> {
        let mut slabs = slabs;
        for at in 0..self.operations.len() {
            slabs = self.one(at, step, slabs, around)?;
        }
        Ok(slabs)
    }

    fn one(&mut self, at: usize, step: usize, mut slabs: Vec<Slab>, around: &Surroundings) -> Result<Vec<Slab>, ChainError> {
        let operation = self.operations[at].clone();
        let needs = |what: &'static str| ChainError::Needs { operation: operation.to_string(), what };
        let map = |slabs: &mut Vec<Slab>, change: &dyn Fn(f64) -> f64| slabs.iter_mut().for_each(|slab| slab.map(change));
        match &operation {
            // `div_dt` and `mul_dt` are only reached with a time axis; an interval without length has no mean.
            Operation::DivDt => {
                let dt = around.intervals.as_ref().ok_or_else(|| needs("the times of the file"))?.length_s(step);
                if dt > 0.0 {
                    map(&mut slabs, &|v| v / dt);
                } else {
                    for slab in &mut slabs {
                        *slab = Slab { values: vec![0.0; slab.values.len()], valid: Some(vec![false; slab.values.len()]) };
                    }
                }
            }
            Operation::MulDt => {
                let dt = around.intervals.as_ref().ok_or_else(|| needs("the times of the file"))?.length_s(step);
                if dt > 0.0 {
                    map(&mut slabs, &|v| v * dt);
                } else {
                    // Nothing has fallen at the start of the run, whatever the mean over nothing is.
                    slabs.iter_mut().for_each(|slab| *slab = Slab::whole(vec![0.0; slab.values.len()]));
                }
            }
            Operation::DiffTime if !around.totals_are_of_intervals => {
                let memory = &mut self.differences[at];
                memory.resize_with(slabs.len(), Differences::default);
                for (memory, slab) in memory.iter_mut().zip(&mut slabs) {
                    *slab = memory.next(step, std::mem::replace(slab, Slab::whole(Vec::new())), around.never_negative)?;
                }
            }
            Operation::SumTime if !around.totals_are_of_intervals => {
                let memory = &mut self.totals[at];
                memory.resize_with(slabs.len(), Totals::default);
                for (memory, slab) in memory.iter_mut().zip(&mut slabs) {
                    *slab = memory.next(std::mem::replace(slab, Slab::whole(Vec::new())));
                }
            }
            Operation::DiffTime | Operation::SumTime => {}
            Operation::Scale(factor) => map(&mut slabs, &|v| v * factor),
            Operation::Divide(divisor) => map(&mut slabs, &|v| v / divisor),
            Operation::Negate => map(&mut slabs, &|v| -v),
            Operation::RotateToEarth | Operation::RotateToGrid => {
                let turn = around.turn.as_ref().ok_or_else(|| needs("the axes of the grid"))?;
                let [a, b]: [Slab; 2] = slabs.try_into().map_err(|_| needs("both components of the vector"))?;
                slabs = if operation == Operation::RotateToEarth {
                    let EarthRelative { east, north } = turn.to_earth(&GridRelative { x: a, y: b });
                    vec![east, north]
                } else {
                    let GridRelative { x, y } = turn.to_grid(&EarthRelative { east: a, north: b });
                    vec![x, y]
                };
            }
            Operation::LayerOverlapMean => {
                if let Some(overlap) = &around.overlap {
                    slabs = overlap.apply(&slabs);
                }
            }
            // What it finds in the file has become `diff_time` and `div_dt`, or nothing, before the chain was made.
            Operation::CheckStatistic => {}
            Operation::SumVars(..) => slabs = vec![Slab::combine(&both(&slabs, &needs)?, |v| Some(v[0] + v[1]))],
            Operation::SubtractFrom(_) => slabs = vec![Slab::combine(&both(&slabs, &needs)?, |v| Some(v[1] - v[0]))],
            Operation::TextureClass(..) => slabs = vec![Slab::combine(&both(&slabs, &needs)?, |v| texture::class_of(v[0], v[1]))],
            Operation::SplitVars(..) => {
                let zero = Slab::combine(&[&slabs[0]], |_| Some(0.0));
                slabs.push(zero);
            }
            Operation::TexturePercent(..) => {
                let part = |k: usize| Slab::combine(&[&slabs[0]], |v| texture::percent_of(v[0]).map(|p| p[k]));
                slabs = vec![part(0), part(1)];
            }
            Operation::WeightedSum(_) => {
                if slabs.len() != 4 {
                    return Err(needs("two variables and their weights"));
                }
                let four: Vec<&Slab> = slabs.iter().collect();
                slabs = vec![Slab::combine(&four, |v| Some(v[0] * v[1] + v[2] * v[3]))];
            }
        }
        Ok(slabs)
    }
}

fn both<'a>(slabs: &'a [Slab], needs: &dyn Fn(&'static str) -> ChainError) -> Result<[&'a Slab; 2], ChainError> {
    match slabs {
        [a, b] => Ok([a, b]),
        _ => Err(needs("two variables")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_grid::Grid;

    fn around() -> Surroundings {
        let turn = Turn::of(&Grid::from_spec("rot:65.3,36.1,0,-10,2,2,3,2").expect("a grid")).expect("axes");
        let overlap = LayerOverlap::new(&[[0.0, 0.1], [0.1, 0.4]], &[[0.0, 0.1], [0.1, 0.4]]).expect("layers");
        let intervals = Intervals::between_steps(vec![3600.0, 7200.0, 18_000.0]).expect("forward");
        Surroundings { turn: Some(turn), overlap: Some(overlap), intervals: Some(intervals), ..Surroundings::default() }
    }

    /// The slabs an operation takes, for a step.
    fn input(operation: &Operation, step: usize) -> Vec<Slab> {
        let slab = |k: usize| Slab::whole((0..6).map(|c| 1.0 + (c + 7 * k + 3 * step) as f64 * 0.173).collect());
        match operation {
            Operation::RotateToEarth | Operation::RotateToGrid | Operation::LayerOverlapMean => vec![slab(0), slab(1)],
            // Whole values: each side of these loses what the other cannot know.
            Operation::TexturePercent(..) => vec![Slab::whole(vec![1.0, 2.0, 3.0, 4.0, 5.0, 2.0])],
            _ => vec![slab(0)],
        }
    }

    #[test]
    fn every_operation_is_undone_by_its_inverse() {
        let all = [
            "rotate_to_earth",
            "rotate_to_grid",
            "diff_time",
            "sum_time",
            "div_dt",
            "mul_dt",
            "scale 1000",
            "divide 9.80665",
            "negate",
            "layer_overlap_mean",
            "check_statistic",
            "split_vars o1 alat",
            "texture_percent J1 J2",
        ];
        for text in all {
            let operation: Operation = text.parse().expect(text);
            let inverse = operation.inverse().expect(text);
            let (mut there, mut back) = (Chain::new(vec![operation.clone()]), Chain::new(vec![inverse]));
            for step in 0..3 {
                let slabs = input(&operation, step);
                let changed = there.apply(step, slabs.clone(), &around()).expect(text);
                let again = back.apply(step, changed, &around()).expect(text);
                assert_eq!(again.len(), slabs.len(), "{text}");
                for (a, b) in again.iter().zip(&slabs) {
                    for (x, y) in a.values.iter().zip(&b.values) {
                        // Two roundings of values up to 10, three additions for totals.
                        assert!((x - y).abs() <= 8.0 * f64::EPSILON * 10.0, "{text}: {x} {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn depression_and_dew_point_are_each_others_difference() {
        let operation: Operation = "subtract_from air_temperature_2m".parse().expect("known");
        assert_eq!(operation.inverse().as_ref(), Some(&operation));
        let (depression, temperature) = (Slab::whole(vec![4.5]), Slab::whole(vec![290.0]));
        let mut chain = Chain::new(vec![operation]);
        let dew_point = chain.apply(0, vec![depression.clone(), temperature.clone()], &around()).expect("two");
        assert_eq!(dew_point[0].values, [285.5]);
        let back = chain.apply(0, vec![dew_point[0].clone(), temperature], &around()).expect("two");
        assert_eq!(back, [depression]);
    }

    #[test]
    fn leaf_area_is_weighted_by_cover() {
        let mut chain = Chain::new(vec!["weighted_sum lai_lv cvl lai_hv cvh".parse().expect("known")]);
        let slabs = [2.0, 0.5, 4.0, 0.25].map(|v| Slab::whole(vec![v])).to_vec();
        assert_eq!(chain.apply(0, slabs, &around()).expect("four")[0].values, [2.0]);
    }

    #[test]
    fn what_is_not_known_is_asked_for() {
        let bare = Surroundings::default();
        for (text, slabs, what) in [
            ("div_dt", 1, "times"),
            ("mul_dt", 1, "times"),
            ("rotate_to_earth", 2, "axes"),
            ("sum_vars a b", 1, "two variables"),
            ("weighted_sum a b c d", 2, "weights"),
        ] {
            let mut chain = Chain::new(vec![text.parse().expect(text)]);
            let error = chain.apply(0, vec![Slab::whole(vec![1.0]); slabs], &bare).expect_err(text).to_string();
            assert!(error.contains(what), "{error}");
        }
        let one = Chain::new(vec![Operation::RotateToEarth]).apply(0, vec![Slab::whole(vec![1.0; 6])], &around());
        assert!(one.expect_err("one component").to_string().contains("both components"));
    }

    #[test]
    fn totals_of_intervals_are_divided_but_not_differenced() {
        let around = Surroundings { totals_are_of_intervals: true, ..around() };
        let mut chain = Chain::new(vec![Operation::DiffTime, Operation::DivDt]);
        for (step, amount) in [3600.0, 7200.0, 10_800.0].into_iter().enumerate() {
            let rate = chain.apply(step, vec![Slab::whole(vec![amount])], &around).expect("fine");
            assert_eq!(rate[0].values, [[1.0, 2.0, 1.0][step]]);
        }
    }
}
