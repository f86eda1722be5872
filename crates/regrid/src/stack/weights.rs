//! Weights of a stack: those of its layers, joined.

use super::{Layer, Stack};
use crate::links::LinkRows;
use crate::methods::centers::Centers;
use crate::methods::second_order::Factored;
use crate::methods::{creep, neighbour_rows};
use crate::{Finish, Limit, Method, RegridError, Weights, cell_areas};
use knarr_grid::{Grid, Neighbours};
use std::sync::{Arc, OnceLock};

/// No layer.
pub(super) const OPEN: u8 = u8::MAX;

/// Weights of a [`Stack`] between two grids.
#[derive(Clone, Debug)]
pub struct StackWeights {
    stack: Stack,
    source: Arc<Grid>,
    destination: Arc<Grid>,
    joined: Weights,
    /// The layer of each destination cell, [`OPEN`] where none reaches it; empty for stacks of one layer.
    levels: Vec<u8>,
    /// Whole weights of layers above the first, by layer.
    later: Vec<Option<Weights>>,
    /// Which destination cells are next to each other, where a layer creeps.
    neighbours: Option<Neighbours>,
    finish: Finish,
    /// Areas of destination cells for sums to be assured, where the weights have none.
    limit_areas: Option<Vec<f64>>,
    /// The factors of a first layer of second order, made when they are needed.
    factored: OnceLock<Option<Arc<Factored>>>,
}

impl StackWeights {
    /// Makes the weights of all layers.
    ///
    /// # Errors
    /// [`RegridError`] if a grid lacks what a layer needs.
    pub fn build(source: &Arc<Grid>, destination: &Arc<Grid>, stack: &Stack) -> Result<Self, RegridError> {
        let make = |options| Weights::build(source, destination, options);
        let whole = stack.whole_weights().map(make).collect::<Result<_, _>>()?;
        Self::join(source, destination, stack, whole)
    }

    /// Joins the weights of the layers of [`Stack::whole_weights`], in that order, and makes the others.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if there is another number of weights, or one is of other lengths than the grids.
    pub fn join(source: &Arc<Grid>, destination: &Arc<Grid>, stack: &Stack, whole: Vec<Weights>) -> Result<Self, RegridError> {
        let (found, expected) = (whole.len(), stack.whole_weights().count());
        if found != expected {
            return Err(RegridError::WrongLength { what: "the list of weights", found, expected });
        }
        whole.iter().try_for_each(|weights| check(weights, source, destination))?;
        let mut whole = whole.into_iter();
        let first = whole.next().expect("a stack begins with a method");
        let mut made = Self::of_first(source, destination, stack, first);
        if stack.layers().len() > 1 {
            made.joined.origin.method = stack.to_string();
            made.joined.origin.options_hash = crate::identity::stack_hash(stack);
        }
        for (k, layer) in stack.layers().iter().enumerate().skip(1) {
            made.add(k, layer, &mut whole);
        }
        Ok(made)
    }

    /// Weights of a file or another program as the first layer, and their fixed value as the second.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if they are of other lengths than the grids.
    pub fn given(source: &Arc<Grid>, destination: &Arc<Grid>, weights: Weights) -> Result<Self, RegridError> {
        check(&weights, source, destination)?;
        let stack = Stack::given(weights.origin.fixed_value);
        let mut made = Self::of_first(source, destination, &stack, weights);
        if let Some(layer) = stack.layers().get(1) {
            made.add(1, layer, &mut std::iter::empty());
        }
        Ok(made)
    }

    fn of_first(source: &Arc<Grid>, destination: &Arc<Grid>, stack: &Stack, joined: Weights) -> Self {
        let level = |i: usize| if joined.is_mapped(i) { 0 } else { OPEN };
        let levels = if stack.layers().len() > 1 { (0..destination.len()).map(level).collect() } else { Vec::new() };
        let later = vec![None; stack.layers().len()];
        let (source, destination) = (source.clone(), destination.clone());
        let stack = stack.clone();
        let (finish, factored) = (Finish::Sum, OnceLock::new());
        let (neighbours, limit_areas) = (None, None);
        let mut made = Self { stack, source, destination, joined, levels, later, neighbours, finish, limit_areas, factored };
        made.joined.origin.fixed_value = made.stack.fixed();
        made
    }

    /// Fills open rows by the layer `k`.
    fn add(&mut self, k: usize, layer: &Layer, whole: &mut impl Iterator<Item = Weights>) {
        let (source, destination) = (self.source.clone(), self.destination.clone());
        let mut to = Centers::of(&destination);
        let rows = match layer {
            Layer::Given => return,
            Layer::Fixed(_) => {
                let open = self.levels.iter_mut().enumerate().filter(|(i, level)| **level == OPEN && to.is_active[*i]);
                open.for_each(|(_, level)| *level = k as u8);
                return;
            }
            Layer::Creep { rounds } => {
                let neighbours = self.neighbours.get_or_insert_with(|| creep::neighbours(&destination, &to));
                creep::rows(&LinkRows::of_weights(&self.joined), neighbours, &to, *rounds)
            }
            Layer::Method(options) => {
                to.keep_only(|i| self.levels[i] == OPEN);
                neighbour_rows(&Centers::of(&source), &to, options).unwrap_or_else(|| {
                    let weights = whole.next().expect("as many as there are layers of whole weights");
                    let rows = LinkRows::of_weights(&weights);
                    self.later[k] = Some(weights);
                    rows
                })
            }
        };
        let is_conservative = self.joined.origin.conservative;
        for (i, level) in self.levels.iter_mut().enumerate().filter(|(i, level)| **level == OPEN && rows.is_mapped(*i)) {
            *level = k as u8;
            // Integrals are those of the first layer: no part of other rows counts.
            if !is_conservative && let Some([sources, destinations]) = &mut self.joined.fractions {
                destinations[i] = 1.0;
                rows.row(i).for_each(|(column, _)| sources[column as usize] = 1.0);
            }
        }
        let LinkRows { row_starts, columns, values } = LinkRows::of_weights(&self.joined).filled_from(&rows);
        (self.joined.row_starts, self.joined.columns, self.joined.values) = (row_starts, columns, values);
    }

    /// The same weights, of whose first layer something else than the weighted sum is made.
    ///
    /// # Errors
    /// [`RegridError::Finish`] for a statistic of anything but first-order conservative weights, and for an assured sum where the
    /// destination has points instead of cells.
    pub fn finished(mut self, finish: Finish) -> Result<Self, RegridError> {
        let origin = &self.joined.origin;
        let is_first_order = match &self.stack.layers()[0] {
            Layer::Method(options) => options.method == Method::Conservative,
            _ => origin.conservative && self.joined.values.iter().all(|&w| w >= 0.0),
        };
        let refuse = |needs| Err(RegridError::Finish { needs, method: origin.method.clone() });
        match finish {
            Finish::Statistic(_) if !is_first_order => {
                return refuse("a statistic of overlapping cells needs conservative weights of first order");
            }
            Finish::Limit(Limit::Caas) if !self.destination.has_corners() => {
                return refuse("an assured sum needs a destination with cells, not points");
            }
            Finish::Limit(_) if self.joined.origin.method.starts_with("spread") => {
                return refuse("a limit needs a method whose values are means");
            }
            _ => self.finish = finish,
        }
        // Weights between centers come without areas.
        let has_areas = self.joined.destination_areas().is_some_and(|areas| areas.iter().any(|&area| area != 0.0));
        if finish == Finish::Limit(Limit::Caas) && !has_areas {
            self.limit_areas = Some(cell_areas(&self.destination));
        }
        Ok(self)
    }

    /// What is made of the values of the first layer.
    pub fn finish(&self) -> Finish {
        self.finish
    }

    /// Areas of destination cells, for an assured sum.
    pub(super) fn destination_areas(&self) -> &[f64] {
        self.limit_areas.as_deref().or(self.joined.destination_areas()).expect("made with the limit if weights have none")
    }

    /// The factors of the first layer, if it is of second order.
    pub(super) fn factored(&self) -> Option<&Factored> {
        let make = || match &self.stack.layers()[0] {
            Layer::Method(options) if options.method == Method::Conservative2nd => {
                Factored::new(&self.source, &self.destination, options).ok().map(Arc::new)
            }
            _ => None,
        };
        self.factored.get_or_init(make).as_deref()
    }

    /// The stack.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The weights of all layers in one: each row is that of the first layer that reaches the cell. A fixed value is told by
    /// [`crate::WeightsOrigin::fixed_value`].
    pub fn joined(&self) -> &Weights {
        &self.joined
    }

    /// [`Self::joined`], given away.
    pub fn into_joined(self) -> Weights {
        self.joined
    }

    /// Number of active destination cells that each layer reaches as the first, where no value is missing; the rest is open.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.stack.layers().len()];
        let active = (0..self.destination.len()).filter(|&i| self.destination.mask.is_active(i));
        for i in active {
            match self.level(i) {
                OPEN => {}
                level => counts[usize::from(level)] += 1,
            }
        }
        counts
    }

    /// Number of active destination cells that no layer reaches.
    pub fn open_count(&self) -> usize {
        self.destination.active_count() - self.counts().iter().sum::<usize>()
    }

    pub(super) fn level(&self, i: usize) -> u8 {
        match self.levels.get(i) {
            Some(level) => *level,
            None if self.joined.is_mapped(i) => 0,
            None => OPEN,
        }
    }

    pub(super) fn grids(&self) -> (&Grid, &Grid) {
        (&self.source, &self.destination)
    }

    pub(super) fn later(&self, k: usize) -> Option<&Weights> {
        self.later[k].as_ref()
    }

    pub(super) fn neighbours(&self) -> Option<&Neighbours> {
        self.neighbours.as_ref()
    }
}

/// Refuses weights of other lengths than the grids.
fn check(weights: &Weights, source: &Grid, destination: &Grid) -> Result<(), RegridError> {
    let wrong = |what, found, expected| {
        if found == expected { Ok(()) } else { Err(RegridError::WrongLength { what, found, expected }) }
    };
    wrong("the source grid", source.len(), weights.source_len)?;
    wrong("the destination grid", destination.len(), weights.destination_len())
}
