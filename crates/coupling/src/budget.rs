//! The ledger in rows of time, as a table, as JSON and as NetCDF.

use crate::error::RunError;
use crate::ledger::COLUMNS;
use crate::plan::Plan;
use crate::run::Coupler;
use crate::{Array, ComponentError, Instant, State};
use knarr_field::units::Units;
use knarr_field::{Attributes, NumberType};
use knarr_io::nc::{Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use std::fmt::Write;
use std::path::Path;

/// Columns of a row: those of the ledger, what is in flight, the residual.
pub const WIDTH: usize = COLUMNS.len() + 2;

/// The ledger at the ends of periods, cumulative since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// End of each period, seconds after the start.
    pub ends_s: Vec<i64>,
    /// `[period][coupling][zone][column]`.
    pub accounts: Vec<Vec<f64>>,
    /// `[period][stock][S(0), S(t), F(t), moved]`, stocks as [`Book::stock_rows`] lists them.
    pub stocks: Vec<Vec<f64>>,
}

/// A row of the table of exchanges over the whole run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AccountRow {
    /// `from -> to: fields`.
    pub coupling: String,
    /// Units of the amounts.
    pub units: String,
    /// The Earth, a basin or elsewhere.
    pub zone: String,
    /// Amounts by column.
    #[serde(flatten)]
    pub amounts: std::collections::BTreeMap<&'static str, f64>,
    /// In open windows and queues.
    pub in_flight: f64,
    /// What is not accounted for.
    pub residual: f64,
    /// The same over the greatest column.
    pub relative_residual: f64,
}

/// A row of the table of stocks.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StockRow {
    /// Component.
    pub component: String,
    /// Quantity and its units.
    pub quantity: String,
    /// kg or J.
    pub units: &'static str,
    /// The Earth, a basin or elsewhere.
    pub zone: String,
    /// S(0).
    pub first: f64,
    /// S(t).
    pub last: f64,
    /// S(t) - S(0).
    pub change: f64,
    /// F(t): what exchanged fields brought.
    pub flux: f64,
    /// What the component itself carried into the zone from others; over the Earth nothing.
    pub moved: f64,
    /// change - flux - moved.
    pub residual: f64,
    /// The same over the greatest of stock, flux and moved.
    pub relative_residual: f64,
}

impl Book {
    /// Writes down the ledger as it is at `at_s`.
    pub fn note(&mut self, plan: &Plan, coupler: &Coupler, at_s: i64) {
        let mut accounts = Vec::new();
        for k in 0..plan.couplings.len() {
            for zone in 0..coupler.zones() {
                match coupler.account(k, zone) {
                    Some((row, in_flight, residual)) => accounts.extend(row.into_iter().chain([in_flight, residual])),
                    None => accounts.extend([0.0; WIDTH]),
                }
            }
        }
        let mut stocks = Vec::new();
        for c in 0..plan.components.len() {
            for zone in 0..coupler.zones() {
                stocks.extend(coupler.stocks(c, zone).into_iter().flat_map(|(_, row)| row));
            }
        }
        self.ends_s.push(at_s);
        self.accounts.push(accounts);
        self.stocks.push(stocks);
    }

    /// As arrays to be kept.
    pub fn save(&self) -> State {
        let mut state = State::new();
        state.put("ends", Array::Whole(self.ends_s.clone()));
        state.put("accounts", Array::Real(self.accounts.concat()));
        state.put("stocks", Array::Real(self.stocks.concat()));
        state
    }

    /// Takes back what [`Book::save`] gave.
    ///
    /// # Errors
    /// [`ComponentError::State`].
    pub fn restore(state: &State) -> Result<Self, ComponentError> {
        let ends_s = state.whole("ends")?.to_vec();
        let rows = |flat: &[f64]| -> Vec<Vec<f64>> {
            if ends_s.is_empty() || flat.is_empty() {
                return vec![Vec::new(); ends_s.len()];
            }
            flat.chunks(flat.len() / ends_s.len()).map(<[f64]>::to_vec).collect()
        };
        Ok(Self { accounts: rows(state.real("accounts")?), stocks: rows(state.real("stocks")?), ends_s })
    }

    /// Exchanges over the whole run.
    pub fn account_rows(plan: &Plan, coupler: &Coupler) -> Vec<AccountRow> {
        let mut rows = Vec::new();
        for (k, coupling) in plan.couplings.iter().enumerate() {
            for zone in 0..coupler.zones() {
                let Some((row, in_flight, residual)) = coupler.account(k, zone) else { continue };
                let scale = row.iter().fold(in_flight.abs(), |a, b| a.max(b.abs()));
                rows.push(AccountRow {
                    coupling: plan.label(coupling),
                    units: amount_units(plan, k),
                    zone: coupler.zone_name(zone),
                    amounts: COLUMNS.into_iter().zip(row).collect(),
                    in_flight,
                    residual,
                    relative_residual: if residual == 0.0 { 0.0 } else { residual / scale },
                });
            }
        }
        rows
    }

    /// Stocks over the whole run.
    pub fn stock_rows(plan: &Plan, coupler: &Coupler) -> Vec<StockRow> {
        let mut rows = Vec::new();
        for (c, component) in plan.components.iter().enumerate() {
            for zone in 0..coupler.zones() {
                for (quantity, [first, last, flux, moved]) in coupler.stocks(c, zone) {
                    let residual = (last - first) - flux - moved;
                    let scale = first.abs().max(last.abs()).max(flux.abs()).max(moved.abs());
                    rows.push(StockRow {
                        component: component.name.clone(),
                        quantity: quantity.name().to_owned(),
                        units: quantity.units(),
                        zone: coupler.zone_name(zone),
                        first,
                        last,
                        change: last - first,
                        flux,
                        moved,
                        residual,
                        relative_residual: if residual == 0.0 { 0.0 } else { residual / scale },
                    });
                }
            }
        }
        rows
    }

    /// The tables of the whole run as text.
    pub fn text(plan: &Plan, coupler: &Coupler) -> String {
        let number = |v: f64| if v == 0.0 { "0".to_owned() } else { format!("{v:.6e}") };
        let mut text = String::new();
        for row in Self::account_rows(plan, coupler) {
            let _ = writeln!(text, "{} [{}] {}", row.coupling, row.units, row.zone);
            let mut columns: Vec<(&str, f64)> = COLUMNS.iter().map(|&c| (c, row.amounts[c])).filter(|(_, v)| *v != 0.0).collect();
            columns.extend([("in flight", row.in_flight), ("residual", row.residual)]);
            for (name, value) in columns {
                let _ = writeln!(text, "  {name:<10} {:>15}", number(value));
            }
        }
        let stocks = Self::stock_rows(plan, coupler);
        if !stocks.is_empty() {
            let _ = writeln!(
                text,
                "\n{:<16} {:<8} {:<12} {:>15} {:>15} {:>15} {:>15} {:>15}",
                "component", "stock", "zone", "S(0)", "S(t)-S(0)", "F(t)", "moved", "residual"
            );
        }
        for row in stocks {
            let stock = format!("{} {}", row.quantity, row.units);
            let _ = writeln!(
                text,
                "{:<16} {stock:<8} {:<12} {:>15} {:>15} {:>15} {:>15} {:>15}",
                row.component,
                row.zone,
                number(row.first),
                number(row.change),
                number(row.flux),
                number(row.moved),
                number(row.residual)
            );
        }
        text
    }

    /// Writes all periods as NetCDF.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write(&self, plan: &Plan, coupler: &Coupler, path: &Path) -> Result<(), RunError> {
        let labels: Vec<String> = plan.couplings.iter().map(|k| plan.label(k)).collect();
        let zones: Vec<String> = (0..coupler.zones()).map(|z| coupler.zone_name(z)).collect();
        let columns: Vec<String> =
            COLUMNS.iter().map(|&c| c.to_owned()).chain(["in_flight".to_owned(), "residual".to_owned()]).collect();
        let stocks: Vec<String> =
            Self::stock_rows(plan, coupler).iter().map(|r| format!("{} {} {}", r.component, r.quantity, r.zone)).collect();
        let units: Vec<String> = (0..plan.couplings.len()).map(|k| amount_units(plan, k)).collect();
        let mut file = NewFile::create(path, true)?;
        let mut attributes = Attributes::new();
        attributes.set("Conventions", "CF-1.13");
        attributes.set("title", "Ledger of a coupled run, cumulative since its start");
        file.add_attributes(&attributes)?;
        let texts = [("coupling", &labels), ("zone", &zones), ("column", &columns), ("stock", &stocks), ("amount_units", &units)];
        let steps = self.ends_s.len();
        let stocks_len = stocks.len().max(1);
        for (name, len) in [
            ("time", steps),
            ("coupling", labels.len().max(1)),
            ("zone", zones.len()),
            ("column", WIDTH),
            ("stock", stocks_len),
            ("term", 4),
        ] {
            file.add_dimension(name, len, false)?;
        }
        let new = |name: &str, dims: &[&str], value_type, attributes| NewVariable {
            name: name.to_owned(),
            dims: dims.iter().map(|&d| d.to_owned()).collect(),
            value_type,
            attributes,
            fill: None,
            chunks: None,
            compressed: false,
        };
        let mut time = Attributes::new();
        time.set("standard_name", "time");
        time.set("units", format!("seconds since {}", Instant(plan.start.0).date_time(plan.calendar)));
        time.set("calendar", plan.calendar.name());
        file.add_variable(&new("time", &["time"], ValueType::Number(NumberType::F64), time))?;
        for (name, list) in texts.iter().filter(|(_, list)| !list.is_empty()) {
            let dim = if *name == "amount_units" { "coupling" } else { name };
            let _ = list;
            file.add_variable(&new(&format!("{name}_name"), &[dim], ValueType::String, Attributes::new()))?;
        }
        let number = ValueType::Number(NumberType::F64);
        file.add_variable(&new("amount", &["time", "coupling", "zone", "column"], number.clone(), Attributes::new()))?;
        let mut terms = Attributes::new();
        terms.set("long_name", "S(0), S(t), F(t), moved from other zones");
        file.add_variable(&new("stock_and_flux", &["time", "stock", "term"], number, terms))?;
        file.put_numbers(
            "time",
            std::slice::from_ref(&(0..steps)),
            &Numbers::F64(self.ends_s.iter().map(|&s| s as f64).collect()),
        )?;
        for (name, list) in texts.iter().filter(|(_, list)| !list.is_empty()) {
            file.put_texts(&format!("{name}_name"), &[list.len()], list)?;
        }
        if !labels.is_empty() {
            file.put_numbers(
                "amount",
                &[0..steps, 0..labels.len(), 0..zones.len(), 0..WIDTH],
                &Numbers::F64(self.accounts.concat()),
            )?;
        }
        if !stocks.is_empty() {
            file.put_numbers("stock_and_flux", &[0..steps, 0..stocks.len(), 0..4], &Numbers::F64(self.stocks.concat()))?;
        }
        file.finish()?;
        Ok(())
    }
}

/// Units of a coupling's amounts: those of the taker times area and time, by a short name where they have one.
fn amount_units(plan: &Plan, k: usize) -> String {
    let coupling = &plan.couplings[k];
    let units = &plan.components[coupling.destination].import(coupling.parts[0].import).units;
    let area = if coupling.nature == crate::Nature::Flux { " m2" } else { "" };
    let time = if matches!(coupling.reduction, crate::Reduction::Sum | crate::Reduction::Accumulate) { "" } else { " s" };
    let product = format!("{units}{area}{time}");
    let short = ["kg", "J", "m3", "N s", "kg s-1", "W"].into_iter().find(|&name| Units::parse(name) == Units::parse(&product));
    short.map_or(product, str::to_owned)
}
