//! The accuracy scorecard: every method on pairs of grids, by the fields and metrics the field has agreed on.
//!
//! Fields and misfit after Valcke, Piacentini and Jonville (2022), Math. Comput. Appl. 27(2), 31; norms, extremes,
//! gradients, random fields and repeated remapping after Mahadevan et al. (2022), Geosci. Model Dev. 15, 6601–6635.
//!
//! References are given in two ways. At centers: the source has the field's values at its centers, the result is compared
//! with those at the destination's. Beyond second order this judges the distance between center and centroid, so the
//! cell means are given as well: source and reference are means over cells, by quadrature.

mod convergence;
mod cost;
mod cyclic;
mod peer;
mod report;
mod scheme;
mod score;

pub use convergence::{Convergence, convergence};
pub use cost::{Cost, cost};
pub use cyclic::{Cycle, cyclic};
pub use peer::{Peer, cdo};
pub use report::html;
pub(crate) use report::{sections, summary};
pub use scheme::Scheme;
pub use score::{Field, Reference, Score, score};

use knarr_grid::Detail;
use knarr_regrid::{Limit, Method};

/// Why a scorecard could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// A grid of the matrix.
    #[error("grid `{name}`")]
    Grid {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        #[source]
        source: Box<knarr_io::IoError>,
    },
    /// Weights could not be made.
    #[error("{method} from {from} to {to}")]
    Weights {
        /// Method.
        method: String,
        /// Source grid.
        from: String,
        /// Destination grid.
        to: String,
        /// Why.
        #[source]
        source: knarr_regrid::RegridError,
    },
    /// Nothing was mapped, so nothing can be compared.
    #[error("{method} from {from} to {to}: no destination cell is reached")]
    NothingMapped {
        /// Method.
        method: String,
        /// Source grid.
        from: String,
        /// Destination grid.
        to: String,
    },
    /// A report could not be drawn.
    #[error(transparent)]
    Drawing(#[from] crate::DrawingError),
}

/// What is to be scored.
#[derive(Clone, Debug)]
pub struct Request {
    /// Pairs of grids, as `knarr grid` takes them.
    pub pairs: Vec<(String, String)>,
    /// Methods, with and without limits.
    pub schemes: Vec<Scheme>,
    /// Fields.
    pub fields: Vec<Field>,
    /// Grids of falling cell size for the observed order, and the grid they are regridded to.
    pub ladder: Option<(Vec<String>, String)>,
    /// Pair and number of remappings there and back.
    pub cycles: Option<(String, String, usize)>,
    /// Whether other programs run as well, where they are installed.
    pub peers: bool,
}

/// Pairs of unlike grids: those of published tables first.
const PAIRS: [(&str, &str); 6] = [
    ("r360x180", "CS90"),
    ("CS90", "r360x180"),
    ("H64n", "r360x180"),
    ("O80", "H64n"),
    ("ICO40d", "CS60"),
    ("rot:-162,39.25,-179.5,-89.5,1,1,360,180", "r180x90"),
];

const QUICK_PAIRS: [(&str, &str); 2] = [("r90x45", "CS24"), ("H16n", "r90x45")];

/// Methods between whole grids.
const METHODS: [Method; 10] = [
    Method::Nearest,
    Method::Distance { neighbours: 4 },
    Method::Gaussian { neighbours: 9 },
    Method::Bilinear,
    Method::Bicubic,
    Method::Radial { neighbours: 12 },
    Method::Patch,
    Method::LargestFraction,
    Method::Conservative,
    Method::Conservative2nd,
];

/// Methods that overshoot, kept from it.
const LIMITED: [(Method, Limit); 4] = [
    (Method::Bicubic, Limit::Monotone),
    (Method::Patch, Limit::Monotone),
    (Method::Conservative2nd, Limit::Monotone),
    (Method::Conservative2nd, Limit::Caas),
];

impl Request {
    /// All methods on the pairs and fields of published tables; a quick one has small grids and few fields.
    pub fn published(is_quick: bool) -> Self {
        let pairs: &[(&str, &str)] = if is_quick { &QUICK_PAIRS } else { &PAIRS };
        let ladder = if is_quick { ["CS10", "CS20", "CS40", "CS80"] } else { ["CS30", "CS60", "CS120", "CS240"] };
        let (to, [a, b], cycles) =
            if is_quick { ("r50x25", ["CS16", "ICO8d"], 10) } else { ("r100x50", ["CS60", "ICO30d"], 100) };
        let plain = METHODS.into_iter().map(Scheme::from);
        let limited = LIMITED.into_iter().map(|(method, limit)| Scheme { method, limit: Some(limit) });
        Self {
            pairs: pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            schemes: plain.chain(limited).collect(),
            fields: if is_quick { Field::all().into_iter().take(6).collect() } else { Field::all() },
            ladder: Some((ladder.map(str::to_owned).to_vec(), to.to_owned())),
            cycles: Some((a.to_owned(), b.to_owned(), cycles)),
            peers: true,
        }
    }
}

/// The scorecard.
#[derive(Clone, Debug, PartialEq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Scorecard {
    /// Version of this layout.
    pub schema: u32,
    /// Version of Knarr.
    pub version: String,
    /// Other programs that ran.
    pub peers: Vec<String>,
    /// One row per pair, method, field and reference.
    pub scores: Vec<Score>,
    /// What each method costs on each pair.
    #[serde(default)]
    pub costs: Vec<Cost>,
    /// Observed orders.
    pub convergence: Vec<Convergence>,
    /// Repeated remapping.
    pub cycles: Vec<Cycle>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

impl Scorecard {
    /// Scores everything that is asked for; `progress` is told what comes next.
    ///
    /// # Errors
    /// [`ScoreError`] for a grid that cannot be made. Methods that do not fit a pair are noted, not errors.
    pub fn make(request: &Request, progress: &mut dyn FnMut(&str)) -> Result<Self, ScoreError> {
        let mut card = Self { schema: 1, version: env!("CARGO_PKG_VERSION").to_owned(), ..Self::default() };
        let peer = request.peers.then(cdo).flatten();
        card.peers.extend(peer.as_ref().map(|p| p.version.clone()));
        if request.peers && peer.is_none() {
            card.notes.push("CDO is not installed: no column for it".to_owned());
        }
        for (from, to) in &request.pairs {
            let (source, destination) = (grid(from)?, grid(to)?);
            for &scheme in &request.schemes {
                progress(&format!("{scheme} {from} -> {to}"));
                match score((from, &source), (to, &destination), scheme, &request.fields) {
                    Ok(scores) => {
                        card.scores.extend(scores);
                        card.costs.extend(cost((from, &source), (to, &destination), scheme));
                    }
                    Err(error) => card.notes.push(in_words(&error)),
                }
                if let Some(peer) = &peer {
                    match peer.score((from, &source), (to, &destination), scheme, &request.fields) {
                        Ok(scores) => card.scores.extend(scores),
                        Err(why) => card.notes.push(format!("{}: {scheme} {from} -> {to}: {why}", peer.name)),
                    }
                }
            }
        }
        if let Some((sources, to)) = &request.ladder {
            for &scheme in &request.schemes {
                progress(&format!("order of {scheme}"));
                match convergence(sources, to, scheme) {
                    Ok(rows) => card.convergence.extend(rows),
                    Err(error) => card.notes.push(in_words(&error)),
                }
            }
        }
        if let Some((a, b, times)) = &request.cycles {
            for &scheme in &request.schemes {
                progress(&format!("{scheme} {a} <-> {b}, {times} times"));
                match cyclic(a, b, scheme, *times) {
                    Ok(rows) => card.cycles.extend(rows),
                    Err(error) => card.notes.push(in_words(&error)),
                }
            }
        }
        Ok(card)
    }
}

fn grid(name: &str) -> Result<std::sync::Arc<knarr_grid::Grid>, ScoreError> {
    knarr_io::grid_from_argument(name, Detail::Cells)
        .map_err(|source| ScoreError::Grid { name: name.to_owned(), source: Box::new(source) })
}

/// An error with its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text += &format!(": {next}");
        cause = next.source();
    }
    text
}
