//! How fast: kernels and files, held against the machine's own limits, earlier runs and other programs.
//!
//! A [`Plan`] is one case; criterion and `knarr bench` both take their cases from [`Suite::plans`], so that their figures
//! are of the same work. Every case judges its result before it is timed.

mod baseline;
mod case;
mod ceilings;
mod counts;
mod energy;
mod gpu;
mod machine;
mod markdown;
mod memory;
mod peers;
mod report;
mod results;
mod suites;
mod timing;

pub use baseline::{Change, Verdict, compare};
pub use case::{Bound, Case, CaseError, Device, Figure, Plan, Size, Work, judged};
pub use ceilings::{Ceilings, ThreadCeilings};
pub use counts::{AGREES, Count, count, counted_ids, plan, valgrind};
pub use machine::{Cache, Gpu, Machine};
pub use markdown::markdown;
pub use peers::{Peer, PeerRequest, PeerState, beside};
pub use report::html;
pub use results::{Measured, Outcome, PeerRow, Request, Results, Row, SCHEMA, plans, thread_counts};
pub use suites::{Measure, PAIRS, Pair, Prepare, Spec, Suite, tripolar};
pub use timing::{Effort, Timing, median, quantile};
