//! Somebody who looks whether anything still happens, and says who waits for whom if not.

use crate::Instant;
use crate::plan::Plan;
use knarr_field::Calendar;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// When to say that nothing happens, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// How long no step may end.
    pub after: Duration,
    /// Takes the sentence.
    pub tell: fn(&str),
}

/// Steps done, and those under way: component, start in seconds, since when.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    done: AtomicU64,
    at_work: Mutex<Vec<(usize, i64, std::time::Instant)>>,
}

/// A step under way.
pub(crate) struct AtWork<'a> {
    activity: &'a Activity,
    component: usize,
}

impl Activity {
    pub fn begin(&self, component: usize, start_s: i64) -> AtWork<'_> {
        self.list().push((component, start_s, std::time::Instant::now()));
        AtWork { activity: self, component }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<(usize, i64, std::time::Instant)>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.activity.list().retain(|(component, ..)| *component != self.component);
        self.activity.done.fetch_add(1, Relaxed);
    }
}

/// A watch being kept; it ends when dropped.
pub(crate) struct Watching {
    stop: Option<Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watching {
    /// Begins to look at the steps of a plan.
    pub fn begin(watch: Watch, plan: &Plan, activity: Arc<Activity>) -> Self {
        let places = Places::of(plan);
        let (stop, stopped) = channel();
        let look = move || {
            let mut seen = None;
            while stopped.recv_timeout(watch.after) == Err(RecvTimeoutError::Timeout) {
                let done = activity.done.load(Relaxed);
                // Said at the first look after a standstill began, and again each time it has lasted as long.
                if seen.replace(done) == Some(done) {
                    (watch.tell)(&places.told(&activity.list()));
                }
            }
        };
        Self { stop: Some(stop), thread: Some(std::thread::spawn(look)) }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A watch that panicked has nothing to say any more; the run is not harmed.
            let _ = thread.join();
        }
    }
}

/// What of a plan is needed to say who waits for whom.
struct Places {
    start: Instant,
    calendar: Calendar,
    names: Vec<String>,
    /// Taker, giver and field of couplings without a lag.
    takes: Vec<(usize, usize, String)>,
}

impl Places {
    fn of(plan: &Plan) -> Self {
        let straight = plan.couplings.iter().filter(|k| k.timing.lag == 0);
        let field = |k: &crate::Coupling| plan.components[k.destination].import(k.parts[0].import).name.clone();
        Self {
            start: plan.start,
            calendar: plan.calendar,
            names: plan.components.iter().map(|c| c.name.clone()).collect(),
            takes: straight.map(|k| (k.destination, k.source, field(k))).collect(),
        }
    }

    fn told(&self, at_work: &[(usize, i64, std::time::Instant)]) -> String {
        if at_work.is_empty() {
            return "no step has ended for a while, and no component is in one: outputs or kept states take long".to_owned();
        }
        let longest = at_work.iter().map(|(.., since)| since.elapsed().as_secs()).max().unwrap_or(0);
        let mut text = format!("no step has ended for {longest} s");
        for (component, start_s, _) in at_work {
            let label = Instant(self.start.0 + start_s).label(self.calendar);
            text += &format!("; `{}` is in the one from {label}", self.names[*component]);
        }
        let is_at_work = |c: usize| at_work.iter().any(|(component, ..)| *component == c);
        for (taker, giver, field) in self.takes.iter().filter(|(taker, giver, _)| is_at_work(*giver) && !is_at_work(*taker)) {
            text += &format!("; `{}` waits for `{field}` from `{}`", self.names[*taker], self.names[*giver]);
        }
        text
    }
}
