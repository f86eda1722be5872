//! What a plan comes to, told before it runs.

use crate::document::Place;
use crate::experiment::Unmapped;
use crate::mapping::Origin;
use crate::plan::{Coupling, Plan};
use crate::schedule::Action;
use crate::{Instant, Nature, Period};
use std::fmt::Write;

/// Seconds of a product with a weight, its share of copies and sums: measured with fields of a million points.
const PRODUCT_S: f64 = 1.5e-9;

/// A row of the table of couplings.
#[derive(Clone, Debug, serde::Serialize)]
pub struct CouplingRow {
    /// `from -> to: fields`.
    pub coupling: String,
    /// Line of the experiment.
    pub line: u32,
    /// Units, and how they are converted.
    pub units: String,
    /// How often.
    pub every: String,
    /// What is made of a window.
    pub reduce: &'static str,
    /// How much later; empty if not.
    pub lag: String,
    /// Methods.
    pub map: String,
    /// Where the weights came from.
    pub weights: Origin,
    /// Links of the weights.
    pub links: usize,
    /// Part of the active destination cells that get a value.
    pub coverage: f64,
    /// Whether integrals are kept by the map.
    pub keeps_integrals: bool,
    /// How often a value is taken in the whole run.
    pub exchanges: i64,
    /// What was not written and holds by default.
    pub defaults: Vec<(&'static str, String)>,
}

/// Something that happens.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Event {
    /// Start of the step.
    pub at: String,
    /// The component that steps.
    pub component: String,
    /// What it takes.
    pub takes: Vec<String>,
    /// What is sent at its end.
    pub sends: Vec<String>,
}

/// What a run will be.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Overview {
    /// First date.
    pub start: String,
    /// Last date.
    pub stop: String,
    /// Calendar.
    pub calendar: &'static str,
    /// Name, kind, step, cells of each component.
    pub components: Vec<(String, String, String, usize)>,
    /// Couplings.
    pub couplings: Vec<CouplingRow>,
    /// Whether the order of steps was given or worked out.
    pub order_is_given: bool,
    /// The order of steps in one cycle, in words.
    pub order: String,
    /// Length of a cycle.
    pub cycle: String,
    /// First events.
    pub events: Vec<Event>,
    /// Steps of all components in the whole run.
    pub steps: i64,
    /// Multiplications by weights in the whole run.
    pub link_products: i64,
    /// Seconds that exchanges take of one core, about: a product with all that goes with it takes 1.5 ns on a server of 2024.
    pub exchange_s: f64,
    /// Bytes of weights and of one set of all fields.
    pub memory_bytes: u64,
}

impl Overview {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Self {
        let label = |at: i64| Instant(plan.start.0 + at).label(plan.calendar);
        let row = |coupling: &Coupling| {
            let mapping = &plan.mappings[coupling.mapping];
            let lag = match coupling.timing.lag {
                0 => String::new(),
                lag => Period::seconds(lag).to_string(),
            };
            CouplingRow {
                coupling: plan.label(coupling),
                line: coupling.place.line,
                units: coupling.parts[0].units.clone(),
                every: Period::seconds(coupling.timing.period).to_string(),
                reduce: coupling.reduction.name(),
                lag,
                map: mapping.methods.in_words(),
                weights: mapping.origin,
                links: mapping.links(),
                coverage: mapping.coverage(),
                keeps_integrals: mapping.keeps_integrals(),
                exchanges: plan.exchange_count(coupling),
                defaults: coupling.defaults.clone(),
            }
        };
        let fields: usize = plan
            .components
            .iter()
            .map(|c| {
                let exports: usize = c.declaration.exports.iter().map(|e| c.declaration.grids[e.grid].grid.len()).sum();
                let imports: usize = c.declaration.imports.iter().map(|i| c.declaration.grids[i.grid].grid.len()).sum();
                exports + imports
            })
            .sum();
        let links: usize = plan.mappings.iter().map(crate::Mapping::links).sum();
        let products = |k: &Coupling| plan.exchange_count(k) * (plan.mappings[k.mapping].links() * k.parts.len()) as i64;
        let link_products: i64 = plan.couplings.iter().map(products).sum();
        Self {
            start: label(0),
            stop: label(plan.length_s()),
            calendar: plan.calendar.name(),
            components: plan
                .components
                .iter()
                .map(|c| {
                    let cells = c.declaration.grids.iter().map(|g| g.grid.len()).sum();
                    (c.name.clone(), c.kind.clone(), Period::seconds(c.step_s).to_string(), cells)
                })
                .collect(),
            couplings: plan.couplings.iter().map(row).collect(),
            order_is_given: plan.order_is_given,
            order: in_words(plan, &plan.schedule.actions),
            cycle: Period::seconds(plan.schedule.cycle_s).to_string(),
            events: first_events(plan, 12),
            steps: plan.components.iter().map(|c| plan.length_s() / c.step_s).sum(),
            link_products,
            exchange_s: PRODUCT_S * link_products as f64,
            memory_bytes: (links * 12 + fields * 8) as u64,
        }
    }

    /// The graph of components and couplings in the language of Mermaid.
    pub fn mermaid(plan: &Plan) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (c, component) in plan.components.iter().enumerate() {
            let step = Period::seconds(component.step_s);
            let _ = writeln!(text, "  c{c}[\"{}<br/>{}, {step}\"]", component.name, component.kind);
        }
        for coupling in &plan.couplings {
            let names: Vec<&str> = coupling
                .parts
                .iter()
                .map(|p| plan.components[coupling.source].declaration.exports[p.export].name.as_str())
                .collect();
            let lag = match coupling.timing.lag {
                0 => String::new(),
                lag => format!(", lag {}", Period::seconds(lag)),
            };
            // What is lagged is drawn dotted: it breaks circles.
            let arrow = if lag.is_empty() { "-->" } else { "-.->" };
            let every = Period::seconds(coupling.timing.period);
            let _ = writeln!(
                text,
                "  c{} {arrow}|\"{}<br/>every {every}{lag}\"| c{}",
                coupling.source,
                names.join(", "),
                coupling.destination
            );
        }
        text
    }

    /// What is not written in the experiment and holds by default, one line each.
    pub fn explain(&self, file: &str) -> String {
        let mut text = String::new();
        for row in &self.couplings {
            for (key, value) in &row.defaults {
                let _ = writeln!(text, "  {key}: {value}   # by default, {file}:{}: {}", row.line, row.coupling);
            }
        }
        if !self.order_is_given {
            let _ = writeln!(text, "  run: {}   # worked out from the exchanges", self.order);
        }
        text
    }
}

fn in_words(plan: &Plan, actions: &[Action]) -> String {
    let mut words: Vec<(String, usize)> = Vec::new();
    for action in actions {
        let word = match action {
            Action::Step(c) => plan.components[*c].name.clone(),
            Action::Iterate(number) => {
                let names: Vec<&str> =
                    plan.iterations[*number].members.iter().map(|&c| plan.components[c].name.as_str()).collect();
                format!("iterate({})", names.join(", "))
            }
            Action::Parallel(branches) => {
                let list: Vec<String> = branches.iter().map(|b| in_words(plan, b)).collect();
                format!("({})", list.join(" | "))
            }
        };
        match words.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => words.push((word, 1)),
        }
    }
    shortened(words)
}

/// `a, b, a, b` as `2 x (a, b)`, long lists cut.
fn shortened(words: Vec<(String, usize)>) -> String {
    let told = |(word, count): &(String, usize)| if *count == 1 { word.clone() } else { format!("{count} x {word}") };
    let n = words.len();
    for period in 1..=n / 2 {
        if n.is_multiple_of(period) && words.chunks(period).all(|chunk| chunk == &words[..period]) {
            let list: Vec<String> = words[..period].iter().map(told).collect();
            return format!("{} x ({})", n / period, list.join(", "));
        }
    }
    let mut list: Vec<String> = words.iter().take(24).map(told).collect();
    if n > 24 {
        list.push(format!("... ({n} in all)"));
    }
    list.join(", ")
}

fn first_events(plan: &Plan, most: usize) -> Vec<Event> {
    let (mut done, mut events) = (vec![0i64; plan.components.len()], Vec::new());
    let mut list = Vec::new();
    flatten(plan, &plan.schedule.actions, &mut list);
    for c in list.into_iter().cycle().take(most) {
        let (component, step) = (&plan.components[c], plan.components[c].step_s);
        let start = done[c] * step;
        if start + step > plan.length_s() {
            break;
        }
        done[c] += 1;
        let names = |k: &Coupling| -> String {
            k.parts
                .iter()
                .map(|p| plan.components[k.source].declaration.exports[p.export].name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let takes = gathered(plan.couplings.iter().filter(|k| k.destination == c && k.timing.is_taken_at(start)).map(|k| {
            let from = &plan.components[k.source].name;
            let rest = match k.timing.window_taken_at(start) {
                window if window <= 0 => format!("from {from} (initial)"),
                window => format!("from {from} up to {}", Instant(plan.start.0 + window).label(plan.calendar)),
            };
            (names(k), rest)
        }));
        let sends = gathered(
            plan.couplings
                .iter()
                .filter(|k| k.source == c && k.timing.is_sent_at(start + step))
                .map(|k| (names(k), format!("to {}", plan.components[k.destination].name))),
        );
        events.push(Event {
            at: Instant(plan.start.0 + start).label(plan.calendar),
            component: component.name.clone(),
            takes,
            sends,
        });
    }
    events
}

/// Fields of one way in one text, in the order in which ways come first: `a, b from air up to noon`.
fn gathered(fields: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut ways: Vec<(Vec<String>, String)> = Vec::new();
    for (names, way) in fields {
        match ways.iter_mut().find(|(_, known)| *known == way) {
            Some((all, _)) => all.push(names),
            None => ways.push((vec![names], way)),
        }
    }
    ways.into_iter().map(|(names, way)| format!("{} {way}", names.join(", "))).collect()
}

fn flatten(plan: &Plan, actions: &[Action], out: &mut Vec<usize>) {
    for action in actions {
        match action {
            Action::Step(c) => out.push(*c),
            Action::Iterate(number) => out.extend(&plan.iterations[*number].members),
            Action::Parallel(branches) => branches.iter().for_each(|b| flatten(plan, b, out)),
        }
    }
}

/// Remarks on a plan that may run, told by the check.
pub(crate) fn remarks(plan: &Plan) -> Vec<crate::Finding> {
    let mut findings = Vec::new();
    for coupling in &plan.couplings {
        let mapping = &plan.mappings[coupling.mapping];
        if coupling.nature == Nature::Flux && !mapping.keeps_integrals() && coupling.conserve.is_none() {
            let message =
                format!("`{}` is a flux, and `{}` does not keep its integral", plan.label(coupling), mapping.methods.in_words());
            let hint =
                "map it by `conservative`, or add `conserve: {mode: glbpos}`; the ledger tells what is lost under `mapped`";
            findings.push(crate::Finding::warning("integral", coupling.place, message).hint(hint));
        }
        if mapping.unreached > 0 && coupling.unmapped == Unmapped::Missing {
            let message = format!("`{}`: {} active cells stay missing", plan.label(coupling), mapping.unreached);
            findings.push(crate::Finding::warning("coverage", coupling.place, message));
        }
        if plan.exchange_count(coupling) == 0 {
            let message = format!("`{}` takes no value in the whole run", plan.label(coupling));
            findings.push(crate::Finding::error("silent", Place { line: coupling.place.line, column: 0 }, message));
        }
    }
    findings
}
