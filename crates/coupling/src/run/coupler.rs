//! Steps the run.

use super::flow::{Carried, Flow};
use super::merge::merge;
use super::stocks::{Integrals, Stocks};
use super::watch::Activity;
use crate::error::RunError;
use crate::ledger::Cells;
use crate::plan::{Plan, Prepared};
use crate::schedule::Action;
use crate::sums::{Asked, Sums};
use crate::way::Way;
use crate::{Component, FieldValues, Fields, Instant, Interval, Nature, Values};
use knarr_grid::Grid;
use knarr_regrid::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A component on its way.
pub(super) struct Running {
    pub component: Box<dyn Component>,
    pub imports: Fields,
    pub hidden: Vec<Option<FieldValues>>,
    pub exports: Fields,
    /// Steps done.
    pub done: i64,
    pub stocks: Stocks,
    pub integrals: Integrals,
    /// Seconds spent in the component, and on its exchanges.
    pub busy_s: f64,
    pub exchange_s: f64,
    /// Seconds that its branch of a parallel block waited for the others.
    pub wait_s: f64,
}

/// A run on its way: a plan, the state of its components, and what is under way between them.
///
/// Everything that happens is a function of plan and state: the same bits for any number of threads.
pub struct Coupler<'p> {
    pub(super) plan: &'p Plan,
    pub(super) running: Vec<Mutex<Running>>,
    pub(super) flows: Vec<Mutex<Flow>>,
    pub(super) ways: Vec<Way<'p>>,
    pub(super) cells: Vec<Vec<Arc<Cells>>>,
    incoming: Vec<Vec<usize>>,
    outgoing: Vec<Vec<usize>>,
    threads: usize,
    pub(super) device: Device,
    /// Actions done since the start.
    pub(super) done: u64,
    pub(crate) activity: Arc<Activity>,
    /// Threads of the branches of each block, by where the plan has it.
    pools: Mutex<Vec<(usize, Arc<Vec<ThreadPool>>)>>,
    /// Passes of each iteration so far, times it was not converged.
    pub(super) passes: Vec<Mutex<[u64; 3]>>,
}

/// What a step took from a coupling; the ledger does not know of it yet.
pub(super) struct Took {
    coupling: usize,
    window: i64,
    /// Where there is an account, the integral of what came, and the import whose integral it is too.
    integral: Option<Asked>,
    import: Option<usize>,
}

/// Some of the couplings.
pub(super) type Which<'w> = &'w dyn Fn(&crate::plan::Coupling) -> bool;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'p> Coupler<'p> {
    /// A run before its first step, on `threads` threads.
    ///
    /// # Errors
    /// [`RunError`] if initial values cannot be mapped.
    pub fn new(
        plan: &'p Plan,
        components: Vec<Box<dyn Component>>,
        exports: Vec<Fields>,
        threads: usize,
    ) -> Result<Self, RunError> {
        Self::on(&Device::Cpu, plan, components, exports, threads)
    }

    /// [`Coupler::new`] with exchanges on a device: fields are copied there when they are given, unless they were made
    /// there, and stay while they are reduced, mapped, wait and are summed up for the ledger. Of a step's sums one copy
    /// comes back, of fields what components on the host look at. On a graphics processor values are those of the
    /// processor to some units in the last place, and the ledger closes to 1e-12.
    ///
    /// # Errors
    /// As [`Coupler::new`]; [`RunError::Regrid`] if the device has not the memory, or no double precision.
    pub fn on(
        device: &Device,
        plan: &'p Plan,
        components: Vec<Box<dyn Component>>,
        exports: Vec<Fields>,
        threads: usize,
    ) -> Result<Self, RunError> {
        // Each grid has its cells once.
        let mut known: Vec<(&Arc<Grid>, Arc<Cells>)> = Vec::new();
        let mut cells_of = |grid: &'p Arc<Grid>| {
            if let Some((_, cells)) = known.iter().find(|(other, _)| Arc::ptr_eq(other, grid)) {
                return Arc::clone(cells);
            }
            let cells = Arc::new(Cells::new(grid, &plan.budget.basins));
            known.push((grid, Arc::clone(&cells)));
            cells
        };
        let cells: Vec<Vec<Arc<Cells>>> =
            plan.components.iter().map(|c| c.declaration.grids.iter().map(|g| cells_of(&g.grid)).collect()).collect();
        let mut ways: Vec<Way> = Vec::new();
        for mapping in &plan.mappings {
            ways.push(Way::new(mapping, cells_of(&mapping.source), cells_of(&mapping.destination), device)?);
        }
        let mut components = components;
        let mut works_there = Vec::with_capacity(components.len());
        for (component, planned) in components.iter_mut().zip(&plan.components) {
            works_there.push(component.move_to(device).map_err(|source| RunError::Component {
                component: planned.name.clone(),
                at: plan.start.label(plan.calendar),
                source: Box::new(source),
            })?);
        }
        let flow = |k: &crate::plan::Coupling| {
            // Where the weights are, values are too; without weights they stay where they are given.
            let own = if ways[k.mapping].is_on_device() || works_there[k.source] { device } else { &Device::Cpu };
            Flow::new(k, &ways[k.mapping], own, &exports[k.source], &|| plan.label(k)).map(Mutex::new)
        };
        let flows = plan.couplings.iter().map(flow).collect::<Result<_, _>>()?;
        let mut running = Vec::new();
        for (c, (component, exports)) in components.into_iter().zip(exports).enumerate() {
            let planned = &plan.components[c];
            let mut imports = Fields::for_imports(&planned.declaration);
            for (i, import) in planned.declaration.imports.iter().enumerate() {
                let fed = plan.couplings.iter().any(|k| k.destination == c && k.parts.iter().any(|p| p.import == i));
                if let (crate::Need::Default(value), false) = (import.need, fed) {
                    *imports.slot(i) = Some(Values::constant(planned.declaration.grids[import.grid].grid.len(), value).into());
                }
            }
            let stocks = Stocks::new(&plan.budget.quantities, component.as_ref(), &cells[c]);
            let hidden = vec![None; planned.hidden.len()];
            running.push(Mutex::new(Running {
                component,
                imports,
                hidden,
                exports,
                done: 0,
                stocks,
                integrals: Integrals::new(planned),
                busy_s: 0.0,
                exchange_s: 0.0,
                wait_s: 0.0,
            }));
        }
        let of = |end: fn(&crate::plan::Coupling) -> usize, c: usize| {
            (0..plan.couplings.len()).filter(|&k| end(&plan.couplings[k]) == c).collect()
        };
        let count = plan.components.len();
        Ok(Self {
            plan,
            running,
            flows,
            ways,
            cells,
            incoming: (0..count).map(|c| of(|k| k.destination, c)).collect(),
            outgoing: (0..count).map(|c| of(|k| k.source, c)).collect(),
            threads: threads.max(1),
            device: device.clone(),
            done: 0,
            activity: Arc::default(),
            pools: Mutex::default(),
            passes: plan.iterations.iter().map(|_| Mutex::new([0; 3])).collect(),
        })
    }

    /// A run of a prepared plan.
    ///
    /// # Errors
    /// As [`Coupler::new`].
    pub fn of(prepared: &'p mut Prepared, threads: usize) -> Result<Self, RunError> {
        let (components, exports) = (std::mem::take(&mut prepared.components), std::mem::take(&mut prepared.exports));
        Self::new(&prepared.plan, components, exports, threads)
    }

    /// Actions done since the start.
    pub fn actions_done(&self) -> u64 {
        self.done
    }

    /// Seconds since the start that every component has passed.
    pub fn reached_s(&self) -> i64 {
        let steps = self.plan.components.iter().map(|c| c.step_s);
        self.running.iter().zip(steps).map(|(r, step)| lock(r).done * step).min().unwrap_or(0)
    }

    /// Whether the run has come to its end.
    pub fn is_finished(&self) -> bool {
        self.reached_s() >= self.plan.length_s()
    }

    /// Does the next action of the schedule; gives the components that have stepped.
    ///
    /// # Errors
    /// [`RunError`]; the run cannot go on.
    pub fn advance(&mut self) -> Result<Vec<usize>, RunError> {
        let actions = &self.plan.schedule.actions;
        let action = &actions[(self.done % actions.len() as u64) as usize];
        let mut stepped = Vec::new();
        self.act(action, self.threads, &mut stepped)?;
        self.done += 1;
        Ok(stepped)
    }

    fn act(&self, action: &Action, threads: usize, stepped: &mut Vec<usize>) -> Result<(), RunError> {
        match action {
            Action::Step(c) => self.step(*c, stepped),
            Action::Iterate(number) => self.iterate(*number, stepped),
            Action::Parallel(branches) => {
                // Each branch has threads of its own, and sees of the others what was there before the block: the check has
                // proved that it needs no more.
                let share = (threads / branches.len()).max(1);
                let pools = self.pools(branches, share)?;
                let outcomes: Vec<Result<(Vec<usize>, f64), RunError>> = std::thread::scope(|scope| {
                    let handles: Vec<_> = branches
                        .iter()
                        .zip(pools.iter())
                        .map(|(branch, pool)| {
                            scope.spawn(move || {
                                pool.install(|| {
                                    let (clock, mut stepped) = (std::time::Instant::now(), Vec::new());
                                    branch.iter().try_for_each(|action| self.act(action, share, &mut stepped))?;
                                    Ok((stepped, clock.elapsed().as_secs_f64()))
                                })
                            })
                        })
                        .collect();
                    let lost = || RunError::Threads("a branch ended by a panic".to_owned());
                    handles.into_iter().map(|h| h.join().unwrap_or_else(|_| Err(lost()))).collect()
                });
                let outcomes: Vec<(Vec<usize>, f64)> = outcomes.into_iter().collect::<Result<_, _>>()?;
                let longest = outcomes.iter().map(|o| o.1).fold(0.0, f64::max);
                for (own, seconds) in outcomes {
                    if let Some(&first) = own.first() {
                        lock(&self.running[first]).wait_s += longest - seconds;
                    }
                    stepped.extend(own);
                }
                Ok(())
            }
        }
    }

    /// A pool of `threads` for each branch of a block, made once. Each block has its own: one within another that had the
    /// same would wait for itself.
    fn pools(&self, branches: &[Vec<Action>], threads: usize) -> Result<Arc<Vec<ThreadPool>>, RunError> {
        let (mut known, block) = (lock(&self.pools), branches.as_ptr().addr());
        if let Some((_, pools)) = known.iter().find(|(of, _)| *of == block) {
            return Ok(Arc::clone(pools));
        }
        let made = branches.iter().map(|_| ThreadPoolBuilder::new().num_threads(threads).build()).collect::<Result<_, _>>();
        let pools = Arc::new(made.map_err(|e| RunError::Threads(e.to_string()))?);
        known.push((block, Arc::clone(&pools)));
        Ok(pools)
    }

    /// One step of a component: takes, steps, gives. Nothing happens beyond the end of the run.
    fn step(&self, c: usize, stepped: &mut Vec<usize>) -> Result<(), RunError> {
        self.step_with(c, &|_| true, stepped)
    }

    /// A step that takes and gives by the couplings `which` alone.
    pub(super) fn step_with(&self, c: usize, which: Which, stepped: &mut Vec<usize>) -> Result<(), RunError> {
        let planned = &self.plan.components[c];
        let mut running = lock(&self.running[c]);
        let start = running.done * planned.step_s;
        if start + planned.step_s > self.plan.length_s() {
            return Ok(());
        }
        let clock = std::time::Instant::now();
        let _at_work = self.activity.begin(c, start);
        let mut sums = Sums::default();
        let took = self.take(c, start, &mut running, which, &mut sums)?;
        let taken = clock.elapsed();
        let at = |s: i64| Instant(self.plan.start.0 + s);
        let interval = Interval { start: at(start), end: at(start + planned.step_s), calendar: self.plan.calendar };
        let Running { component, imports, exports, .. } = &mut *running;
        component.step(&interval, imports, exports).map_err(|source| RunError::Component {
            component: planned.name.clone(),
            at: interval.start.label(self.plan.calendar),
            source: Box::new(source),
        })?;
        let busy = clock.elapsed() - taken;
        running.done += 1;
        // First all that happens to fields, then in one copy the sums of it, then the ledger.
        let end = start + planned.step_s;
        let Running { stocks, imports, exports, integrals, .. } = &mut *running;
        integrals.given.fill(None);
        let finite = self.ask_finite(c, end, exports, &mut sums)?;
        let on_their_way = took.iter().filter(|took| took.integral.is_some()).filter_map(|took| took.import);
        stocks.ask(planned, &self.cells[c], (imports, exports), integrals, on_their_way, &mut sums)?;
        self.ask_given(c, exports, integrals, &mut sums)?;
        let carried = self.give(c, end, &running, which, &mut sums)?;
        sums.read()?;
        self.check_finite(c, end, &running.exports, &finite, &sums)?;
        self.receive(&mut running, took, &sums)?;
        let Running { component, stocks, integrals, .. } = &mut *running;
        integrals.resolve(&sums);
        stocks.step(planned, component.as_ref(), &self.cells[c], integrals, planned.step_s as f64);
        self.enter(carried, &sums)?;
        let total = clock.elapsed();
        running.busy_s += busy.as_secs_f64();
        running.exchange_s += (total - busy).as_secs_f64();
        stepped.push(c);
        Ok(())
    }

    /// Brings to a step that begins at `start` what the couplings `which` have for it. [`Coupler::receive`] follows, once
    /// `sums` are read.
    pub(super) fn take(
        &self,
        c: usize,
        start: i64,
        running: &mut Running,
        which: Which,
        sums: &mut Sums,
    ) -> Result<Vec<Took>, RunError> {
        let mut took = Vec::new();
        let planned = &self.plan.components[c];
        let declared = planned.declaration.imports.len();
        let mut merged: Vec<usize> = Vec::new();
        for &k in &self.incoming[c] {
            let coupling = &self.plan.couplings[k];
            if !coupling.timing.is_taken_at(start) || !which(coupling) {
                continue;
            }
            let window = coupling.timing.window_taken_at(start);
            let mut flow = lock(&self.flows[k]);
            let label = |s: i64| Instant(self.plan.start.0 + s).label(self.plan.calendar);
            let taken = flow.take(coupling, &self.ways[coupling.mapping], window, sums)?.ok_or_else(|| RunError::NotGiven {
                coupling: self.plan.label(coupling),
                at: label(start),
                window: label(window),
            })?;
            took.push(Took { coupling: k, window, integral: taken.integral, import: None });
            if coupling.share.is_some() {
                merged.extend(coupling.parts.iter().map(|p| p.import));
                for before in std::mem::replace(&mut flow.current, taken.values) {
                    flow.retire(Some(before));
                }
                continue;
            }
            for (part, values) in coupling.parts.iter().zip(taken.values) {
                let before = match part.import.checked_sub(declared) {
                    None => {
                        let import = &planned.declaration.imports[part.import];
                        // Amounts of one side can be states of the other: their integrals are not the same.
                        let is_same = import.nature == coupling.nature
                            && Arc::ptr_eq(&self.cells[c][import.grid], &self.ways[coupling.mapping].destination);
                        running.integrals.taken[part.import] = None;
                        if let Some(took) = took.last_mut().filter(|_| is_same) {
                            took.import = Some(part.import);
                        }
                        running.imports.slot(part.import).replace(values)
                    }
                    Some(at) => running.hidden[at].replace(values),
                };
                flow.retire(before);
            }
        }
        merged.sort_unstable();
        merged.dedup();
        // Where other couplings of the field come later, so does the merge.
        merged.retain(|&import| {
            let feeds = |k: &&usize| self.plan.couplings[**k].parts.iter().any(|p| p.import == import);
            self.incoming[c].iter().filter(feeds).all(|&k| !lock(&self.flows[k]).current.is_empty())
        });
        for import in merged {
            let values = self.merged(c, import, start, running)?;
            running.integrals.taken[import] = None;
            *running.imports.slot(import) = Some(values.into());
        }
        Ok(took)
    }

    /// Writes into the ledger what a step took, and sees that it closes, once `sums` are read.
    pub(super) fn receive(&self, running: &mut Running, took: Vec<Took>, sums: &Sums) -> Result<(), RunError> {
        for Took { coupling: k, window, integral, import } in took {
            let mut flow = lock(&self.flows[k]);
            let integral = integral.map(|integral| sums.of(&integral));
            if let Some(integral) = &integral {
                flow.receive(&self.plan.couplings[k], integral);
            }
            if let Some(import) = import {
                running.integrals.taken[import] = integral.map(Asked::Known);
            }
            self.check_ledger(k, &mut flow, window)?;
        }
        Ok(())
    }

    fn merged(&self, c: usize, import: usize, start: i64, running: &Running) -> Result<Values, RunError> {
        let planned = &self.plan.components[c];
        let declared = planned.declaration.imports.len();
        let mut parts = Vec::new();
        for &k in &self.incoming[c] {
            let coupling = &self.plan.couplings[k];
            let (Some(part), Some(share)) = (coupling.parts.iter().position(|p| p.import == import), coupling.share) else {
                continue;
            };
            let flow = lock(&self.flows[k]);
            let shares = match share.checked_sub(declared) {
                None => running.imports.at(share).cloned(),
                Some(at) => running.hidden[at].clone(),
            };
            if let (Some(values), Some(shares)) = (flow.current.get(part), shares) {
                // The handle of the flow tells that its value was copied.
                values.host()?;
                parts.push((values.clone(), shares));
            }
        }
        let mut pairs: Vec<(&Values, &Values)> = Vec::new();
        for (values, shares) in &parts {
            pairs.push((values.host()?, shares.host()?));
        }
        let cells = &self.cells[c][planned.import(import).grid];
        merge(&pairs, |cell| cells.is_active(cell)).map_err(|(cell, sum)| RunError::Shares {
            component: planned.name.clone(),
            at: Instant(self.plan.start.0 + start).label(self.plan.calendar),
            field: planned.import(import).name.clone(),
            cell,
            sum,
        })
    }

    /// Looks for values that are no numbers: on the host now; on a device by a sum for each export, which is then none.
    fn ask_finite(&self, c: usize, end: i64, exports: &Fields, sums: &mut Sums) -> Result<Vec<Option<Asked>>, RunError> {
        let declared = self.plan.components[c].declaration.exports.iter().enumerate();
        let ask = |(e, export): (usize, &crate::Export)| match exports.at(e) {
            Some(values) if values.is_made_on_device() => sums.integral(&self.cells[c][export.grid], values, true).map(Some),
            Some(values) => self.check_values(c, e, end, values).map(|()| None),
            None => Ok(None),
        };
        declared.map(ask).collect()
    }

    /// Says which value on a device is no number, if its export's sum is none.
    fn check_finite(&self, c: usize, end: i64, exports: &Fields, asked: &[Option<Asked>], sums: &Sums) -> Result<(), RunError> {
        for (e, asked) in asked.iter().enumerate() {
            let (Some(asked), Some(values)) = (asked, exports.at(e)) else { continue };
            if !sums.of(asked)[0].value().is_finite() {
                self.check_values(c, e, end, values)?;
            }
        }
        Ok(())
    }

    fn check_values(&self, c: usize, e: usize, end: i64, values: &FieldValues) -> Result<(), RunError> {
        let planned = &self.plan.components[c];
        let export = &planned.declaration.exports[e];
        let values = values.host()?;
        if all_finite(&values.values) {
            return Ok(());
        }
        let cells = &self.cells[c][export.grid];
        let bad = |&cell: &usize| !values.values[cell].is_finite() && values.is_valid(cell) && cells.is_active(cell);
        match (0..values.len()).find(bad) {
            None => Ok(()),
            Some(cell) => Err(RunError::NotFinite {
                component: planned.name.clone(),
                at: Instant(self.plan.start.0 + end).label(self.plan.calendar),
                field: export.name.clone(),
                cell,
                value: values.values[cell],
            }),
        }
    }

    /// Hands the exports of a step that ended at `end` to the couplings `which`. [`Coupler::enter`] follows, once `sums` are
    /// read.
    pub(super) fn give(
        &self,
        c: usize,
        end: i64,
        running: &Running,
        which: Which,
        sums: &mut Sums,
    ) -> Result<Vec<(usize, Carried)>, RunError> {
        let mut carried = Vec::new();
        for &k in &self.outgoing[c] {
            let coupling = &self.plan.couplings[k];
            if !which(coupling) {
                continue;
            }
            let way = &self.ways[coupling.mapping];
            let integral = &running.integrals.given[coupling.parts[0].export];
            let integral = integral.as_ref().filter(|_| self.gives_over_own_cells(coupling));
            let mut flow = lock(&self.flows[k]);
            let label = || self.plan.label(coupling);
            carried.push((k, flow.give(coupling, way, &running.exports, integral, end, &label, sums)?));
        }
        Ok(carried)
    }

    /// Writes into the ledger what a step gave, once `sums` are read.
    pub(super) fn enter(&self, carried: Vec<(usize, Carried)>, sums: &Sums) -> Result<(), RunError> {
        for (k, carried) in carried {
            let coupling = &self.plan.couplings[k];
            lock(&self.flows[k]).enter(coupling, &self.ways[coupling.mapping], carried, sums)?;
        }
        Ok(())
    }

    /// Asks for the integrals of exports that several couplings may emit.
    fn ask_given(&self, c: usize, exports: &Fields, integrals: &mut Integrals, sums: &mut Sums) -> Result<(), RunError> {
        for &k in &self.outgoing[c] {
            let coupling = &self.plan.couplings[k];
            let export = coupling.parts[0].export;
            let given = &mut integrals.given[export];
            if let (Some(values), true, None) =
                (exports.at(export), coupling.has_account() && self.gives_over_own_cells(coupling), &given)
            {
                let cells = &self.ways[coupling.mapping].source;
                *given = Some(sums.integral(cells, values, coupling.nature == Nature::Flux)?);
            }
        }
        Ok(())
    }

    /// Whether the cells that a coupling starts from are those of its export.
    fn gives_over_own_cells(&self, coupling: &crate::plan::Coupling) -> bool {
        let declared = &self.plan.components[coupling.source].declaration.exports[coupling.parts[0].export];
        Arc::ptr_eq(&self.cells[coupling.source][declared.grid], &self.ways[coupling.mapping].source)
    }

    /// Sees that the account of a coupling closes.
    fn check_ledger(&self, k: usize, flow: &mut Flow, window: i64) -> Result<(), RunError> {
        let in_flight = flow.in_flight();
        let Some(account) = &mut flow.account else { return Ok(()) };
        for (zone, in_flight) in in_flight.iter().enumerate() {
            let (residual, scale) = (account.residual(zone, in_flight), account.scale(zone));
            let relative = if residual == 0.0 { 0.0 } else { residual.abs() / scale };
            account.worst = account.worst.max(relative);
            if relative > self.plan.budget.limit {
                return Err(RunError::Ledger {
                    coupling: self.plan.label(&self.plan.couplings[k]),
                    window: Instant(self.plan.start.0 + window).label(self.plan.calendar),
                    zone: self.zone_name(zone),
                    residual,
                    scale,
                    limit: self.plan.budget.limit,
                });
            }
        }
        Ok(())
    }
}

/// Whether there is neither an infinity nor a NaN.
fn all_finite(values: &[f64]) -> bool {
    // Whole chunks without a branch go by vectors.
    values.chunks(1024).all(|chunk| chunk.iter().fold(true, |finite, x| finite & x.is_finite()))
}
