//! `knarr bench accuracy`: the scorecard.

use super::write_whole;
use crate::Outcome;
use crate::failure::Failure;
use crate::options::{self, MethodName, MethodOptions};
use crate::talk::{self, Talk};
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, ValueEnum};
use knarr::bench::accuracy::{Reference, Request, Scheme, Scorecard, html};
use knarr::io::atomic::AtomicFile;
use knarr::regrid::Finish;
use std::path::PathBuf;

/// Score every method on pairs of grids by published fields and metrics.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr bench accuracy --html scorecard.html\n  knarr bench accuracy --pairs ocean.nc:tos,r360x180 --methods conservative,patch,patch+monotone --json"
)]
pub struct Accuracy {
    /// Pair of GRIDs, separated by a comma; may be given several times (default: six pairs of unlike grids)
    #[arg(long, value_name = "FROM,TO")]
    pairs: Vec<String>,
    /// Methods, separated by commas; behind one, +monotone or +caas keeps it from new extremes (default: all, and those
    /// that overshoot limited as well)
    #[arg(long, value_delimiter = ',', value_parser = SchemeParser)]
    methods: Option<Vec<Scheme>>,
    /// Remap there and back N times between CS60 and ICO30d (0: not at all; default: 100, with --quick 10)
    #[arg(long, value_name = "N")]
    cycles: Option<usize>,
    /// Small grids and few fields: seconds instead of minutes
    #[arg(long)]
    quick: bool,
    /// Leave other programs out
    #[arg(long)]
    no_peers: bool,
    /// Write the report as a page to FILE
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Overwrite FILE if it exists
    #[arg(short = 'O', long, visible_alias = "overwrite")]
    force: bool,
}

impl Accuracy {
    /// Runs the suite.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        if let Some(path) = &self.html {
            // An output that cannot be written is told before the work; made and dropped.
            AtomicFile::create(path, self.force)?;
        }
        let bar = talk.waiting("accuracy");
        let card = Scorecard::make(&self.request()?, &mut |what| bar.set_message(what.to_owned()));
        bar.finish_and_clear();
        let card = card.map_err(|e| Failure::from_error(&e))?;
        if let Some(path) = &self.html {
            let page = html(&card).map_err(|e| Failure::from_error(&e))?;
            write_whole(path, &page, self.force)?;
            talk.note(&format!("wrote {}", path.display()));
        }
        if json {
            talk::print_json(&card)?;
        } else {
            talk::print(&text(&card))?;
        }
        Ok(Outcome::Fine)
    }

    fn request(&self) -> Result<Request, Failure> {
        let mut request = Request::published(self.quick);
        if !self.pairs.is_empty() {
            request.pairs = self.pairs.iter().map(|p| pair(p)).collect::<Result<_, _>>()?;
        }
        if let Some(schemes) = &self.methods {
            request.schemes.clone_from(schemes);
        }
        request.cycles = request.cycles.and_then(|(a, b, published)| {
            let cycles = self.cycles.unwrap_or(published);
            (cycles > 0).then_some((a, b, cycles))
        });
        request.peers = !self.no_peers;
        Ok(request)
    }
}

/// Reads `patch` and `patch+monotone`, and lists the methods in the help.
#[derive(Clone)]
struct SchemeParser;

impl TypedValueParser for SchemeParser {
    type Value = Scheme;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Scheme, clap::Error> {
        scheme.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let methods = MethodName::value_variants().iter().filter(|name| **name != MethodName::Auto);
        Some(Box::new(methods.filter_map(ValueEnum::to_possible_value)))
    }
}

fn scheme(text: &str) -> Result<Scheme, String> {
    let (name, limit) = match text.split_once('+') {
        Some((name, limit)) => (name, Some(options::limit(limit)?)),
        None => (text, None),
    };
    let limit = limit.and_then(|finish| if let Finish::Limit(limit) = finish { Some(limit) } else { None });
    let named = MethodName::from_str(name, false).map_err(|_| "expected a method, as `patch` or `patch+monotone`".to_owned())?;
    let method = MethodOptions::default().method(named).ok_or_else(|| format!("`{name}` is no method to score"))?;
    Ok(Scheme { method, limit })
}

/// Splits `FROM,TO`; specifications have commas themselves, so the comma is the one with two grids around it.
fn pair(text: &str) -> Result<(String, String), Failure> {
    let commas: Vec<usize> = text.match_indices(',').map(|(k, _)| k).collect();
    let halves = |k: usize| (text[..k].trim(), text[k + 1..].trim());
    let is_grid = |name: &str| crate::options::grid(name).is_ok();
    if let [only] = commas[..] {
        let (from, to) = halves(only);
        return Ok((from.to_owned(), to.to_owned()));
    }
    commas
        .iter()
        .map(|&k| halves(k))
        .find(|(from, to)| is_grid(from) && is_grid(to))
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .ok_or_else(|| {
            Failure::new(format!("`{text}` is no pair of grids"))
                .detail("expected two GRIDs separated by a comma")
                .hint("for example `--pairs r360x180,CS90`")
        })
}

/// Tables as text: misfit at centers, L2 of cell means, orders, cycles.
fn text(card: &Scorecard) -> String {
    let mut out = String::new();
    for reference in [Reference::Centers, Reference::Means] {
        let what = match reference {
            Reference::Centers => "mean misfit |Rψ - ψ| / |ψ| at centers",
            Reference::Means => "L2 norm of cell means",
        };
        let mut pair = (String::new(), String::new());
        let scores: Vec<_> = card.scores.iter().filter(|s| s.reference == reference).collect();
        for s in &scores {
            if (&pair.0, &pair.1) != (&s.source, &s.destination) {
                if !pair.0.is_empty() {
                    out += "\n";
                }
                pair = (s.source.clone(), s.destination.clone());
                out += &format!("\n{} -> {}: {what}\n{:24}", s.source, s.destination, "");
                let mine = scores.iter().filter(|o| o.source == s.source && o.destination == s.destination);
                let first = mine.clone().next().expect("at least this one");
                let row = mine.filter(|o| o.method == first.method && o.program == first.program);
                row.for_each(|o| out += &format!("{:>15}", o.field));
                out += &format!("{:>15}", "conservation");
            }
            let is_first = scores
                .iter()
                .find(|o| {
                    (&o.source, &o.destination, &o.method, &o.program) == (&s.source, &s.destination, &s.method, &s.program)
                })
                .is_some_and(|o| o.field == s.field);
            if is_first {
                let name = if s.program == "knarr" { s.method.clone() } else { format!("{} ({})", s.method, s.program) };
                out += &format!("\n{name:24}");
            }
            let value = match reference {
                Reference::Centers => s.norms.misfit.map_or(s.norms.l1, |m| m.mean),
                Reference::Means => s.norms.l2,
            };
            out += &format!("{value:>15.2e}");
            let is_last = scores
                .iter()
                .rev()
                .find(|o| {
                    (&o.source, &o.destination, &o.method, &o.program) == (&s.source, &s.destination, &s.method, &s.program)
                })
                .is_some_and(|o| o.field == s.field);
            if is_last {
                let mine = card.scores.iter().filter(|o| {
                    o.reference == reference
                        && (&o.source, &o.destination, &o.method, &o.program)
                            == (&s.source, &s.destination, &s.method, &s.program)
                });
                let worst = mine.filter_map(|o| o.conservation).fold(None, |m: Option<f64>, c| Some(m.unwrap_or(0.0).max(c)));
                out += &format!("{:>15}", worst.map_or("-".to_owned(), |c| format!("{c:.1e}")));
            }
        }
        out += "\n";
    }
    if !card.convergence.is_empty() {
        out += &format!("\norder of convergence, {}\n", card.convergence[0].sources.join(", "));
        card.convergence.iter().for_each(|c| {
            let errors: Vec<String> = c.l2.iter().map(|e| format!("{e:9.2e}")).collect();
            out += &format!("{:24}{:>12}{:>8.2}   {}\n", c.method, c.field, c.order, errors.join(" "));
        });
    }
    if let Some(first) = card.cycles.first() {
        out += &format!(
            "\nthere and back, {} <-> {}, {}: cycles, conservation, L1, L2, Linf\n",
            first.grids[0], first.grids[1], first.field
        );
        // The whole course is in the JSON and on the page.
        let ends = card.cycles.iter().filter(|c| c.cycles == 1 || c.cycles == card.cycles.last().map_or(0, |l| l.cycles));
        ends.for_each(|c| {
            out += &format!(
                "{:24}{:>6}{:>12.1e}{:>12.2e}{:>12.2e}{:>12.2e}\n",
                c.method, c.cycles, c.conservation, c.norms.l1, c.norms.l2, c.norms.linf
            );
        });
    }
    card.notes.iter().for_each(|note| out += &format!("left out: {note}\n"));
    out
}
