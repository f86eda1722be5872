//! `knarr bench calls`: one case and nothing else, for profilers.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::Args;
use knarr::bench::speed::plan;

/// Run one case N times and nothing else, for profilers.
#[derive(Args)]
#[command(
    after_help = "Example:\n  valgrind --tool=cachegrind knarr --threads 1 bench calls 'cpu/apply f32 x32/RLL 0.25 -> CS360/s'"
)]
pub struct Calls {
    /// Case, as results name it: DEVICE/KERNEL/SUITE/SIZE
    #[arg(value_name = "ID")]
    id: String,
    /// Call it N times, after one by which its result is judged
    #[arg(long, value_name = "N", default_value_t = 1)]
    calls: u64,
}

impl Calls {
    /// Runs the verb.
    pub fn run(self, talk: Talk) -> Result<Outcome, Failure> {
        let plan = plan(&self.id).ok_or_else(|| {
            Failure::new(format!("no case `{}`", self.id)).hint("`knarr bench all --quick --json` has their ids")
        })?;
        let mut ran = Ok(());
        let prepared = (plan.with)(&mut |mut case| ran = (0..self.calls).try_for_each(|_| (case.run)()));
        prepared.and(ran).map_err(|e| Failure::from_error(&e))?;
        talk.note(&format!("{}: {} calls", self.id, self.calls));
        Ok(Outcome::Fine)
    }
}
