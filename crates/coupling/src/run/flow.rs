//! What is under way in a coupling: the open window, and values that wait to be taken.

use super::window::Window;
use crate::error::RunError;
use crate::ledger::{Account, Column, flat, from_flat, times};
use crate::plan::{Coupling, Part, PlannedInitial};
use crate::schedule::Timing;
use crate::sums::{Asked, Sums};
use crate::transfer::{Arrived, difference};
use crate::way::Way;
use crate::{Array, ComponentError, FieldValues, Fields, Nature, Reduction, State, Values};
use knarr_kernels::global_integral::Compensated;
use knarr_regrid::Device;
use std::collections::VecDeque;

/// A value that waits to be taken.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// End of its window.
    pub window: i64,
    pub values: Vec<FieldValues>,
    pub amounts: Vec<Compensated>,
}

/// The state of a coupling.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// Where its values are: on a device if the weights are, or the giver works there.
    device: Device,
    reducers: Vec<Window>,
    /// End of the open window.
    window: i64,
    /// What is in the open window, for the ledger.
    open: Vec<Compensated>,
    /// Of it, from before the start.
    open_before: Vec<Compensated>,
    pub queue: VecDeque<Waiting>,
    /// The last value taken, where it is merged with others.
    pub current: Vec<FieldValues>,
    pub given: u64,
    pub taken: u64,
    /// Values that were copied between host and device, when given or when the taker looked at them.
    pub copies: u64,
    pub account: Option<Account>,
    /// Fields that are no longer used, for values on their way.
    pub spare: Vec<Vec<f64>>,
}

/// What a step takes from a coupling.
pub(crate) struct Taken {
    pub values: Vec<FieldValues>,
    /// Σ value · area of each zone, where there is an account.
    pub integral: Option<Asked>,
}

/// What a step gave to a coupling, on its way: values are where they go, the ledger does not know of them yet.
pub(crate) struct Carried {
    emitted: Option<Asked>,
    sent: Option<Sent>,
}

/// The value of a window on its way.
struct Sent {
    /// What the window came to, where it is not the sum of what was given.
    whole: Option<Asked>,
    arrived: Arrived,
}

impl Flow {
    /// Before the first step; `exports` are those of the source before its first step.
    pub fn new(
        coupling: &Coupling,
        way: &Way,
        device: &Device,
        exports: &Fields,
        label: &dyn Fn() -> String,
    ) -> Result<Self, RunError> {
        let initial = initial_values(coupling, exports);
        let zones = way.source.zones;
        let mut flow = Self {
            device: device.clone(),
            reducers: coupling.parts.iter().map(|_| Window::new(coupling.reduction, device)).collect(),
            window: 0,
            open: vec![Compensated::default(); zones],
            open_before: vec![Compensated::default(); zones],
            queue: VecDeque::new(),
            current: Vec::new(),
            given: 0,
            taken: 0,
            copies: 0,
            account: coupling.has_account().then(|| Account::new(zones)),
            spare: Vec::new(),
        };
        // Windows that lie before the start are whole already.
        let mut window = coupling.timing.window_taken_at(0);
        let mut sums = Sums::default();
        while window <= 0 {
            flow.begin(coupling, way, window, &initial, &mut sums)?;
            let sent = flow.send(coupling, way, None, label, &mut sums)?;
            sums.read()?;
            flow.enter_sent(coupling, way, sent, &sums)?;
            window += coupling.timing.period;
        }
        flow.begin(coupling, way, window, &initial, &mut sums)?;
        sums.read()?;
        Ok(flow)
    }

    /// Whether its values are on a device.
    pub fn is_on_device(&self) -> bool {
        !matches!(self.device, Device::Cpu)
    }

    /// Values that were made elsewhere, brought to where those of the coupling are.
    pub fn placed(&self, values: &Values) -> Result<FieldValues, RunError> {
        match &self.device {
            Device::Cpu => Ok(values.clone().into()),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => Ok(crate::DeviceValues::upload(gpu, values)?.into()),
        }
    }

    fn begin(
        &mut self,
        coupling: &Coupling,
        way: &Way,
        window: i64,
        initial: &[Option<FieldValues>],
        sums: &mut Sums,
    ) -> Result<(), RunError> {
        self.window = window;
        for (k, reducer) in self.reducers.iter_mut().enumerate() {
            reducer.begin(&coupling.timing, window, initial.get(k).and_then(Option::as_ref), sums)?;
        }
        self.open = vec![Compensated::default(); way.source.zones];
        self.open_before = self.open.clone();
        let before = coupling.timing.before_start(window);
        if let (Some(account), true, Some(Some(initial))) = (&mut self.account, before > 0, initial.first()) {
            let weight = match coupling.reduction {
                Reduction::Sum => before as f64 / coupling.timing.period as f64,
                _ => before as f64,
            };
            let integral = way.source.integral(initial.host()?, coupling.nature == Nature::Flux);
            let amounts = times(&integral, weight * slope(coupling));
            account.add(Column::Before, &amounts);
            self.open_before = amounts;
        }
        Ok(())
    }

    /// Takes in what the source gives at the end of a step; brings the window to the destination if it ends there.
    /// [`Flow::enter`] follows, once `sums` are read.
    ///
    /// `integral` is that of the first part over the source's cells, where it is known.
    pub fn give(
        &mut self,
        coupling: &Coupling,
        way: &Way,
        exports: &Fields,
        integral: Option<&Asked>,
        end: i64,
        label: &dyn Fn() -> String,
        sums: &mut Sums,
    ) -> Result<Carried, RunError> {
        let timing: &Timing = &coupling.timing;
        // Where only the last value matters it goes as it is; the ledger wants all.
        let as_it_is = takes_last(coupling);
        let is_sent = timing.is_sent_at(end);
        let (is_on_device, mut emitted) = (self.is_on_device(), None);
        for (part, reducer) in coupling.parts.iter().zip(&mut self.reducers) {
            let Some(values) = exports.at(part.export) else { continue };
            if is_on_device != values.is_made_on_device() && (is_sent || !as_it_is) {
                self.copies += 1;
            }
            if !as_it_is {
                reducer.add(values, timing.source_step as f64, sums)?;
            }
            if self.account.is_some() {
                emitted = Some(match integral {
                    Some(integral) => integral.clone(),
                    None => sums.integral(&way.source, values, coupling.nature == Nature::Flux)?,
                });
            }
        }
        self.given += 1;
        let last = as_it_is.then_some(exports);
        let sent = if is_sent { Some(self.send(coupling, way, last, label, sums)?) } else { None };
        Ok(Carried { emitted, sent })
    }

    /// Writes into the ledger what a step gave, once sums are read; what arrived waits from now on.
    pub fn enter(&mut self, coupling: &Coupling, way: &Way, carried: Carried, sums: &Sums) -> Result<(), RunError> {
        if let (Some(account), Some(emitted)) = (&mut self.account, &carried.emitted) {
            let weight = coupling.reduction.given_weight(coupling.timing.source_step) * slope(coupling);
            let amounts = times(&sums.of(emitted), weight);
            account.add(Column::Emitted, &amounts);
            self.open.iter_mut().zip(&amounts).for_each(|(sum, amount)| sum.merge(amount));
        }
        if let Some(sent) = carried.sent {
            self.enter_sent(coupling, way, sent, sums)?;
            // Later windows do not reach back before the start by more than the first did.
            let next = self.window + coupling.timing.period;
            self.begin(coupling, way, next, &[], &mut Sums::default())?;
        }
        Ok(())
    }

    /// Closes the open window: its value, or that of `last`, goes to the destination.
    fn send(
        &mut self,
        coupling: &Coupling,
        way: &Way,
        last: Option<&Fields>,
        label: &dyn Fn() -> String,
        sums: &mut Sums,
    ) -> Result<Sent, RunError> {
        let mut values = Vec::with_capacity(self.reducers.len());
        for (part, reducer) in coupling.parts.iter().zip(&self.reducers) {
            values.push(match last.and_then(|exports| exports.at(part.export)) {
                Some(values) => reducer.as_it_is(values)?,
                None => reducer.value(sums)?,
            });
        }
        let mut whole = None;
        if self.account.is_some() {
            let is_single = last.is_some() && coupling.timing.period == coupling.timing.source_step;
            let exact = is_single
                || !values[0].can_lack_values()
                    && matches!(coupling.reduction, Reduction::Average | Reduction::Accumulate | Reduction::Sum);
            if !exact {
                whole = Some(sums.integral(&way.source, &values[0], coupling.nature == Nature::Flux)?);
            }
        }
        let arrived = way.transfer(coupling, label, &values, self.account.as_mut(), sums, &mut self.spare)?;
        Ok(Sent { whole, arrived })
    }

    fn enter_sent(&mut self, coupling: &Coupling, way: &Way, sent: Sent, sums: &Sums) -> Result<(), RunError> {
        let weight = coupling.reduction.taken_weight(coupling.timing.period);
        let mut amounts = Vec::new();
        if let Some(account) = &mut self.account {
            if let Some(whole) = &sent.whole {
                let whole = times(&sums.of(whole), weight * slope(coupling));
                let mut held = self.open.clone();
                held.iter_mut().zip(&self.open_before).for_each(|(sum, before)| sum.merge(before));
                account.add(Column::Reduced, &difference(&whole, &held));
            }
            amounts = sent.arrived.enter(way, coupling.nature, weight, account, sums)?;
        }
        self.queue.push_back(Waiting { window: self.window, values: sent.arrived.values, amounts });
        self.open.iter_mut().chain(&mut self.open_before).for_each(|sum| *sum = Compensated::default());
        Ok(())
    }

    /// The value of the window that ends at `window`, if it is there. [`Flow::receive`] follows, once `sums` are read.
    pub fn take(&mut self, coupling: &Coupling, way: &Way, window: i64, sums: &mut Sums) -> Result<Option<Taken>, RunError> {
        if self.queue.front().is_none_or(|waiting| waiting.window != window) {
            return Ok(None);
        }
        let Some(waiting) = self.queue.pop_front() else { return Ok(None) };
        self.taken += 1;
        let integral = match &self.account {
            Some(_) => Some(sums.integral(&way.destination, &waiting.values[0], coupling.nature == Nature::Flux)?),
            None => None,
        };
        Ok(Some(Taken { values: waiting.values, integral }))
    }

    /// Writes into the ledger what a step took.
    pub fn receive(&mut self, coupling: &Coupling, integral: &[Compensated]) {
        if let Some(account) = &mut self.account {
            account.add(Column::Received, &times(integral, coupling.reduction.taken_weight(coupling.timing.period)));
        }
    }

    /// Takes back the memory of a value that was taken before, and notes whether it was copied.
    pub fn retire(&mut self, before: Option<FieldValues>) {
        let Some(before) = before else { return };
        self.copies += u64::from(before.was_copied());
        if !self.is_on_device() {
            self.spare.extend(before.into_memory());
        }
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

    pub fn save(&self) -> Result<State, RunError> {
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
            reducer.save(&format!("reducer {k}"), &mut state)?;
        }
        for (k, waiting) in self.queue.iter().enumerate() {
            state.put(format!("queue {k}/window"), Array::Whole(vec![waiting.window]));
            state.put(format!("queue {k}/amounts"), Array::Real(flat(&waiting.amounts)));
            for (p, values) in waiting.values.iter().enumerate() {
                put_values(&mut state, &format!("queue {k}/part {p}"), values)?;
            }
        }
        for (p, values) in self.current.iter().enumerate() {
            put_values(&mut state, &format!("current {p}"), values)?;
        }
        if let Some(account) = &self.account {
            account.save("ledger", &mut state);
        }
        Ok(state)
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
            let part = |p| get_values(state, &format!("queue {k}/part {p}"), &self.device);
            let values = parts.map(part).collect::<Result<_, _>>()?;
            self.queue.push_back(Waiting { window, values, amounts });
        }
        let current = |p| get_values(state, &format!("current {p}"), &self.device);
        self.current = (0..numbers[4]).map(current).collect::<Result<_, _>>()?;
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
fn initial_values(coupling: &Coupling, exports: &Fields) -> Vec<Option<FieldValues>> {
    let of = |part: &Part| match &part.initial {
        Some(PlannedInitial::Values(values)) => Some(values.clone().into()),
        Some(PlannedInitial::Component) => exports.at(part.export).cloned(),
        None => None,
    };
    coupling.parts.iter().map(of).collect()
}

/// Puts values with their flags, and whether they were made on a device: they go back there.
pub(crate) fn put_values(state: &mut State, name: &str, field: &FieldValues) -> Result<(), RunError> {
    let values = field.host()?;
    state.put(format!("{name}/values"), Array::Real(values.values.clone()));
    if let Some(valid) = &values.valid {
        state.put(format!("{name}/valid"), Array::Flags(valid.clone()));
    }
    if field.is_made_on_device() {
        state.put(format!("{name}/on_device"), Array::Flags(vec![true]));
    }
    Ok(())
}

/// Takes back what [`put_values`] put; on a device what was made on one.
pub(crate) fn get_values(state: &State, name: &str, device: &Device) -> Result<FieldValues, ComponentError> {
    let values = state.real(&format!("{name}/values"))?.to_vec();
    let values = Values { values, valid: state.flags(&format!("{name}/valid")).map(<[bool]>::to_vec) };
    #[cfg(feature = "gpu")]
    if let (Device::Gpu(gpu), Some(_)) = (device, state.flags(&format!("{name}/on_device"))) {
        return Ok(crate::DeviceValues::restore(gpu, &values)?.into());
    }
    let _ = device;
    Ok(values.into())
}
