//! Steps the run.

use super::flow::Flow;
use super::stocks::{Integrals, Stocks};
use super::watch::Activity;
use crate::error::RunError;
use crate::ledger::Cells;
use crate::plan::{Coupling, Plan, Prepared};
use crate::schedule::Action;
use crate::way::Way;
use crate::{Component, FieldValues, Fields, Values};
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
    /// The couplings to each component, and from it.
    pub(super) incoming: Vec<Vec<usize>>,
    pub(super) outgoing: Vec<Vec<usize>>,
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
        let flow = |k: &Coupling| {
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
        let of =
            |end: fn(&Coupling) -> usize, c: usize| (0..plan.couplings.len()).filter(|&k| end(&plan.couplings[k]) == c).collect();
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
}
