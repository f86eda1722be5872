//! What is under way in a coupling: the open window, and values that wait to be taken.

use crate::error::RunError;
use crate::ledger::{Account, Column, flat, from_flat, times};
use crate::plan::{Coupling, Part, PlannedInitial};
use crate::reduction::Reducer;
use crate::schedule::Timing;
use crate::transfer::difference;
use crate::way::Way;
use crate::{Array, ComponentError, Fields, Nature, Reduction, State, Values};
use knarr_kernels::global_integral::Compensated;
use std::borrow::Cow;
use std::collections::VecDeque;

/// A value that waits to be taken.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// End of its window.
    pub window: i64,
    pub values: Vec<Values>,
    pub amounts: Vec<Compensated>,
}

/// The state of a coupling.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    reducers: Vec<Reducer>,
    /// End of the open window.
    window: i64,
    /// What is in the open window, for the ledger.
    open: Vec<Compensated>,
    /// Of it, from before the start.
    open_before: Vec<Compensated>,
    pub queue: VecDeque<Waiting>,
    /// The last value taken, where it is merged with others.
    pub current: Vec<Values>,
    pub given: u64,
    pub taken: u64,
    pub account: Option<Account>,
    /// Fields that are no longer used, for values on their way.
    pub spare: Vec<Vec<f64>>,
}

/// What a step takes from a coupling.
pub(crate) struct Taken {
    pub values: Vec<Values>,
    /// Σ value · area of each zone, where there is an account.
    pub integral: Option<Vec<Compensated>>,
}

impl Flow {
    /// Before the first step; `exports` are those of the source before its first step.
    pub fn new(coupling: &Coupling, way: &Way, exports: &Fields, label: &dyn Fn() -> String) -> Result<Self, RunError> {
        let initial = initial_values(coupling, exports);
        let zones = way.source.zones;
        let mut flow = Self {
            reducers: coupling.parts.iter().map(|_| Reducer::new(coupling.reduction)).collect(),
            window: 0,
            open: vec![Compensated::default(); zones],
            open_before: vec![Compensated::default(); zones],
            queue: VecDeque::new(),
            current: Vec::new(),
            given: 0,
            taken: 0,
            account: coupling.has_account().then(|| Account::new(zones)),
            spare: Vec::new(),
        };
        // Windows that lie before the start are whole already.
        let mut window = coupling.timing.window_taken_at(0);
        while window <= 0 {
            flow.begin(coupling, way, window, &initial);
            flow.send(coupling, way, None, label)?;
            window += coupling.timing.period;
        }
        flow.begin(coupling, way, window, &initial);
        Ok(flow)
    }

    fn begin(&mut self, coupling: &Coupling, way: &Way, window: i64, initial: &[Option<Values>]) {
        self.window = window;
        for (reducer, initial) in self.reducers.iter_mut().zip(initial) {
            reducer.begin(&coupling.timing, window, initial.as_ref());
        }
        self.open = vec![Compensated::default(); way.source.zones];
        self.open_before = self.open.clone();
        let before = coupling.timing.before_start(window);
        if let (Some(account), true, Some(Some(initial))) = (&mut self.account, before > 0, initial.first()) {
            let weight = match coupling.reduction {
                Reduction::Sum => before as f64 / coupling.timing.period as f64,
                _ => before as f64,
            };
            let amounts = times(&way.source.integral(initial, coupling.nature == Nature::Flux), weight * slope(coupling));
            account.add(Column::Before, &amounts);
            self.open_before = amounts;
        }
    }

    /// Takes in what the source gives at the end of a step; sends the window if it ends there.
    ///
    /// `integral` is that of the first part over the source's cells, where it is known.
    pub fn give(
        &mut self,
        coupling: &Coupling,
        way: &Way,
        exports: &Fields,
        integral: Option<&Vec<Compensated>>,
        end: i64,
        label: &dyn Fn() -> String,
    ) -> Result<(), RunError> {
        let timing: &Timing = &coupling.timing;
        let is_sent = timing.is_sent_at(end);
        // Where only the last value matters it goes as it is; the ledger wants all.
        let as_it_is = takes_last(coupling);
        for (part, reducer) in coupling.parts.iter().zip(&mut self.reducers) {
            let Some(values) = exports.at(part.export) else { continue };
            if !as_it_is {
                reducer.add(values, timing.source_step as f64);
            }
            if let Some(account) = &mut self.account {
                let weight = coupling.reduction.given_weight(timing.source_step) * slope(coupling);
                let own = || way.source.integral(values, coupling.nature == Nature::Flux);
                let sums = integral.cloned().unwrap_or_else(own);
                let amounts = times(&sums, weight);
                account.add(Column::Emitted, &amounts);
                self.open.iter_mut().zip(&amounts).for_each(|(sum, amount)| sum.merge(amount));
            }
        }
        self.given += 1;
        if is_sent {
            let last = as_it_is.then_some(exports);
            self.send(coupling, way, last, label)?;
            self.begin(coupling, way, end + timing.period, &[]);
            // Later windows do not reach back before the start by more than the first did.
            for reducer in &mut self.reducers {
                reducer.begin(timing, end + timing.period, None);
            }
        }
        Ok(())
    }

    /// Closes the open window: its value, or that of `last`, goes to the queue.
    fn send(
        &mut self,
        coupling: &Coupling,
        way: &Way,
        last: Option<&Fields>,
        label: &dyn Fn() -> String,
    ) -> Result<(), RunError> {
        let whole = |(part, reducer): (&Part, &Reducer)| match last.and_then(|exports| exports.at(part.export)) {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(reducer.value()),
        };
        let values: Vec<Cow<Values>> = coupling.parts.iter().zip(&self.reducers).map(whole).collect();
        let weight = coupling.reduction.taken_weight(coupling.timing.period);
        if let Some(account) = &mut self.account {
            let is_single = last.is_some() && coupling.timing.period == coupling.timing.source_step;
            let exact = is_single
                || values[0].valid.is_none()
                    && matches!(coupling.reduction, Reduction::Average | Reduction::Accumulate | Reduction::Sum);
            if !exact {
                let per_area = coupling.nature == Nature::Flux;
                let whole = times(&way.source.integral(&values[0], per_area), weight * slope(coupling));
                let mut held = self.open.clone();
                held.iter_mut().zip(&self.open_before).for_each(|(sum, before)| sum.merge(before));
                account.add(Column::Reduced, &difference(&whole, &held));
            }
        }
        let arrived = way.transfer(coupling, label, &values, weight, &mut self.account, &mut self.spare)?;
        self.queue.push_back(Waiting { window: self.window, values: arrived.values, amounts: arrived.amounts });
        self.open.iter_mut().chain(&mut self.open_before).for_each(|sum| *sum = Compensated::default());
        Ok(())
    }

    /// The value of the window that ends at `window`, if it is there.
    pub fn take(&mut self, coupling: &Coupling, way: &Way, window: i64) -> Option<Taken> {
        if self.queue.front()?.window != window {
            return None;
        }
        let waiting = self.queue.pop_front()?;
        self.taken += 1;
        let mut integral = None;
        if let Some(account) = &mut self.account {
            let weight = coupling.reduction.taken_weight(coupling.timing.period);
            let sums = way.destination.integral(&waiting.values[0], coupling.nature == Nature::Flux);
            account.add(Column::Received, &times(&sums, weight));
            integral = Some(sums);
        }
        Some(Taken { values: waiting.values, integral })
    }

    /// What is in the open window and in the queue.
    pub fn in_flight(&self) -> Vec<Compensated> {
        let mut sums = self.open.clone();
        sums.iter_mut().zip(&self.open_before).for_each(|(sum, before)| sum.merge(before));
        for waiting in &self.queue {
            sums.iter_mut().zip(&waiting.amounts).for_each(|(sum, amount)| sum.merge(amount));
        }
        sums
    }

    pub fn save(&self) -> State {
        let mut state = State::new();
        state.put(
            "numbers",
            Array::Whole(vec![
                self.window,
                self.given as i64,
                self.taken as i64,
                self.queue.len() as i64,
                self.current.len() as i64,
            ]),
        );
        state.put("open", Array::Real(flat(&self.open)));
        state.put("open_before", Array::Real(flat(&self.open_before)));
        for (k, reducer) in self.reducers.iter().enumerate() {
            reducer.save(&format!("reducer {k}"), &mut state);
        }
        for (k, waiting) in self.queue.iter().enumerate() {
            state.put(format!("queue {k}/window"), Array::Whole(vec![waiting.window]));
            state.put(format!("queue {k}/amounts"), Array::Real(flat(&waiting.amounts)));
            for (p, values) in waiting.values.iter().enumerate() {
                put_values(&mut state, &format!("queue {k}/part {p}"), values);
            }
        }
        for (p, values) in self.current.iter().enumerate() {
            put_values(&mut state, &format!("current {p}"), values);
        }
        if let Some(account) = &self.account {
            account.save("ledger", &mut state);
        }
        state
    }

    pub fn restore(&mut self, state: &State) -> Result<(), ComponentError> {
        let mut numbers = [0; 5];
        state.copy_whole("numbers", &mut numbers)?;
        (self.window, self.given, self.taken) = (numbers[0], numbers[1] as u64, numbers[2] as u64);
        self.open = from_flat(state.real("open")?);
        self.open_before = from_flat(state.real("open_before")?);
        for (k, reducer) in self.reducers.iter_mut().enumerate() {
            reducer.restore(&format!("reducer {k}"), state)?;
        }
        self.queue.clear();
        for k in 0..numbers[3] {
            let window = state.whole(&format!("queue {k}/window"))?.first().copied().unwrap_or_default();
            let amounts = from_flat(state.real(&format!("queue {k}/amounts"))?);
            let parts = 0..self.reducers.len();
            let values = parts.map(|p| get_values(state, &format!("queue {k}/part {p}"))).collect::<Result<_, _>>()?;
            self.queue.push_back(Waiting { window, values, amounts });
        }
        self.current = (0..numbers[4]).map(|p| get_values(state, &format!("current {p}"))).collect::<Result<_, _>>()?;
        if let Some(account) = &mut self.account {
            account.restore("ledger", state)?;
        }
        Ok(())
    }
}

/// Whether a window's value is the last one given: instants, and windows of one step, whose mean, sum and extremes it is.
fn takes_last(coupling: &Coupling) -> bool {
    let is_single = coupling.timing.period == coupling.timing.source_step;
    coupling.reduction == Reduction::Instant || is_single && coupling.reduction != Reduction::Accumulate
}

/// From the source's units to the destination's, without the offset that fluxes do not have.
fn slope(coupling: &Coupling) -> f64 {
    let conversion = &coupling.parts[0].conversion;
    conversion.apply(1.0) - conversion.apply(0.0)
}

/// Values before the start, in the source's units; `None` where none is needed.
fn initial_values(coupling: &Coupling, exports: &Fields) -> Vec<Option<Values>> {
    let of = |part: &Part| match &part.initial {
        Some(PlannedInitial::Values(values)) => Some(values.clone()),
        Some(PlannedInitial::Component) => exports.at(part.export).cloned(),
        None => None,
    };
    coupling.parts.iter().map(of).collect()
}

/// Puts values with their flags.
pub(crate) fn put_values(state: &mut State, name: &str, values: &Values) {
    state.put(format!("{name}/values"), Array::Real(values.values.clone()));
    if let Some(valid) = &values.valid {
        state.put(format!("{name}/valid"), Array::Flags(valid.clone()));
    }
}

/// Takes back what [`put_values`] put.
pub(crate) fn get_values(state: &State, name: &str) -> Result<Values, ComponentError> {
    let values = state.real(&format!("{name}/values"))?.to_vec();
    Ok(Values { values, valid: state.flags(&format!("{name}/valid")).map(<[bool]>::to_vec) })
}
