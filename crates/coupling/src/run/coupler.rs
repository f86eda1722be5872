//! Steps the run.

use super::flow::Flow;
use super::merge::merge;
use super::stocks::{Integrals, Stocks};
use super::watch::Activity;
use crate::error::RunError;
use crate::ledger::Cells;
use crate::plan::{Plan, Prepared};
use crate::schedule::Action;
use crate::way::Way;
use crate::{Component, Fields, Instant, Interval, Nature, Values};
use knarr_grid::Grid;
use knarr_regrid::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A component on its way.
pub(super) struct Running {
    pub component: Box<dyn Component>,
    pub imports: Fields,
    pub hidden: Vec<Option<Values>>,
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
    /// Actions done since the start.
    pub(super) done: u64,
    pub(crate) activity: Arc<Activity>,
    /// Threads of the branches of each block, by where the plan has it.
    pools: Mutex<Vec<(usize, Arc<Vec<ThreadPool>>)>>,
    /// Passes of each iteration so far, times it was not converged.
    pub(super) passes: Vec<Mutex<[u64; 3]>>,
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

    /// [`Coupler::new`] with maps, and the sums of the ledger that go with them, on a device. On a graphics processor
    /// mapped values are those of the processor to some units in the last place, and the ledger closes to 1e-12.
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
        for (number, mapping) in plan.mappings.iter().enumerate() {
            let accounted = plan.couplings.iter().filter(|k| k.mapping == number && k.has_account());
            let mut natures: Vec<Nature> = accounted.map(|k| k.nature).collect();
            natures.dedup();
            ways.push(Way::new(mapping, cells_of(&mapping.source), cells_of(&mapping.destination), device, &natures)?);
        }
        let flows = plan
            .couplings
            .iter()
            .map(|k| Flow::new(k, &ways[k.mapping], &exports[k.source], &|| plan.label(k)).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        let mut running = Vec::new();
        for (c, (component, exports)) in components.into_iter().zip(exports).enumerate() {
            let planned = &plan.components[c];
            let mut imports = Fields::for_imports(&planned.declaration);
            for (i, import) in planned.declaration.imports.iter().enumerate() {
                let fed = plan.couplings.iter().any(|k| k.destination == c && k.parts.iter().any(|p| p.import == i));
                if let (crate::Need::Default(value), false) = (import.need, fed) {
                    *imports.slot(i) = Some(Values::constant(planned.declaration.grids[import.grid].grid.len(), value));
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
        self.take(c, start, &mut running, which)?;
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
        self.check_exports(c, start + planned.step_s, &running)?;
        let Running { component, stocks, imports, exports, integrals, .. } = &mut *running;
        integrals.given.fill(None);
        let cells = &self.cells[c];
        stocks.step(planned, component.as_ref(), cells, (imports, exports), integrals, planned.step_s as f64);
        self.integrate_given(c, exports, integrals);
        self.give(c, start + planned.step_s, &running, which)?;
        let total = clock.elapsed();
        running.busy_s += busy.as_secs_f64();
        running.exchange_s += (total - busy).as_secs_f64();
        stepped.push(c);
        Ok(())
    }

    /// Brings to a step that begins at `start` what the couplings `which` have for it.
    pub(super) fn take(&self, c: usize, start: i64, running: &mut Running, which: Which) -> Result<(), RunError> {
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
            let taken = flow.take(coupling, &self.ways[coupling.mapping], window).ok_or_else(|| RunError::NotGiven {
                coupling: self.plan.label(coupling),
                at: label(start),
                window: label(window),
            })?;
            self.check_ledger(k, &mut flow, window)?;
            if coupling.share.is_some() {
                merged.extend(coupling.parts.iter().map(|p| p.import));
                flow.current = taken.values;
                continue;
            }
            for (part, values) in coupling.parts.iter().zip(taken.values) {
                let before = match part.import.checked_sub(declared) {
                    None => {
                        let import = &planned.declaration.imports[part.import];
                        // Amounts of one side can be states of the other: their integrals are not the same.
                        let is_same = import.nature == coupling.nature
                            && Arc::ptr_eq(&self.cells[c][import.grid], &self.ways[coupling.mapping].destination);
                        running.integrals.taken[part.import] = taken.integral.clone().filter(|_| is_same);
                        running.imports.slot(part.import).replace(values)
                    }
                    Some(at) => running.hidden[at].replace(values),
                };
                flow.spare.extend(before.map(|before| before.values));
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
            *running.imports.slot(import) = Some(values);
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
            if let (Some(values), Some(shares)) = (flow.current.get(part).cloned(), shares) {
                parts.push((values, shares));
            }
        }
        let pairs: Vec<(&Values, &Values)> = parts.iter().map(|(v, s)| (v, s)).collect();
        let cells = &self.cells[c][planned.import(import).grid];
        merge(&pairs, |cell| cells.is_active(cell)).map_err(|(cell, sum)| RunError::Shares {
            component: planned.name.clone(),
            at: Instant(self.plan.start.0 + start).label(self.plan.calendar),
            field: planned.import(import).name.clone(),
            cell,
            sum,
        })
    }

    fn check_exports(&self, c: usize, end: i64, running: &Running) -> Result<(), RunError> {
        let planned = &self.plan.components[c];
        for (e, export) in planned.declaration.exports.iter().enumerate() {
            let Some(values) = running.exports.at(e) else { continue };
            if all_finite(&values.values) {
                continue;
            }
            let cells = &self.cells[c][export.grid];
            let bad = |&cell: &usize| !values.values[cell].is_finite() && values.is_valid(cell) && cells.is_active(cell);
            if let Some(cell) = (0..values.len()).find(bad) {
                return Err(RunError::NotFinite {
                    component: planned.name.clone(),
                    at: Instant(self.plan.start.0 + end).label(self.plan.calendar),
                    field: export.name.clone(),
                    cell,
                    value: values.values[cell],
                });
            }
        }
        Ok(())
    }

    /// Hands the exports of a step that ended at `end` to the couplings `which`.
    pub(super) fn give(&self, c: usize, end: i64, running: &Running, which: Which) -> Result<(), RunError> {
        for &k in &self.outgoing[c] {
            let coupling = &self.plan.couplings[k];
            if !which(coupling) {
                continue;
            }
            let way = &self.ways[coupling.mapping];
            let integral = &running.integrals.given[coupling.parts[0].export];
            let integral = integral.as_ref().filter(|_| self.gives_over_own_cells(coupling));
            let mut flow = lock(&self.flows[k]);
            flow.give(coupling, way, &running.exports, integral, end, &|| self.plan.label(coupling))?;
        }
        Ok(())
    }

    /// Integrals of exports that several couplings may emit.
    fn integrate_given(&self, c: usize, exports: &Fields, integrals: &mut Integrals) {
        for &k in &self.outgoing[c] {
            let coupling = &self.plan.couplings[k];
            let export = coupling.parts[0].export;
            if let (Some(values), true) = (exports.at(export), coupling.has_account() && self.gives_over_own_cells(coupling)) {
                let cells = &self.ways[coupling.mapping].source;
                integrals.given[export].get_or_insert_with(|| cells.integral(values, coupling.nature == Nature::Flux));
            }
        }
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
