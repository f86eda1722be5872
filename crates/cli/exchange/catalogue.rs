//! `knarr exchange catalogue`: what is GZ, what does DestinE call TT, which fields are open on both sides.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk};
use clap::{Args, ValueEnum};
use knarr::exchange::Catalogue;
use knarr::exchange::catalogue::{Convention, DestineNames, Field, Strength};

/// Width of the table of many fields.
const WIDTH: usize = 100;

/// Tell what both sides call a field, in which units, and who may have it.
///
/// QUERY is any name of a field: RPN (GZ), Datamart (TMP_AGL-2m), ecCodes short name (avg_tprate) or paramId (235055),
/// CF standard name, or words of its title. Without QUERY all fields are listed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr exchange catalogue GZ\n  knarr exchange catalogue TT --provider destine\n  knarr exchange catalogue --open --csv"
)]
pub struct CatalogueVerb {
    /// Name, part of a name, or words
    query: Vec<String>,
    /// List only fields that both sides give
    #[arg(long)]
    open: bool,
    /// Tell the names of one side only
    #[arg(long, value_enum)]
    provider: Option<ProviderName>,
    /// Print a table with commas for other programs
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// The two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProviderName {
    /// Environment and Climate Change Canada
    Eccc,
    /// Destination Earth
    Destine,
}

impl CatalogueVerb {
    /// Runs the verb. A query that nothing answers is a check that failed.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let catalogue = Catalogue::load().map_err(|e| Failure::new(e.to_string()))?;
        let query = self.query.join(" ");
        let mut fields: Vec<(&Field, Vec<(&'static str, String)>)> = Vec::new();
        let mut exact = false;
        if query.is_empty() {
            fields.extend(catalogue.fields.iter().map(|f| (f, Vec::new())));
        } else {
            let hits = catalogue.search(&query);
            exact = hits.strength == Strength::Exact;
            fields = hits.fields;
            if fields.is_empty() {
                let near = hits.near.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ");
                talk.note(&format!(
                    "no field answers to `{query}`{}",
                    if near.is_empty() { String::new() } else { format!("; did you mean {near}?") }
                ));
            }
        }
        if self.open {
            let before = fields.len();
            fields.retain(|(f, _)| f.is_open_on_both_sides());
            if fields.is_empty() && before > 0 {
                talk.note(&format!("not open on both sides: {before} found for `{query}`"));
            }
        }
        if json {
            let rows: Vec<&Field> = fields.iter().map(|(f, _)| *f).collect();
            talk::print_json(&rows)?;
        } else if self.csv {
            talk::print(&csv(&fields, self.provider))?;
        } else if exact && fields.len() <= 3 {
            let cards: Vec<String> = fields.iter().map(|(f, meant)| card(f, meant, self.provider)).collect();
            talk::print(&cards.join("\n"))?;
        } else if !fields.is_empty() {
            talk::print(&overview(&fields, self.provider))?;
            talk.note(&format!(
                "{} of {} fields; `knarr exchange catalogue NAME` tells all about one",
                fields.len(),
                catalogue.fields.len()
            ));
        }
        Ok(if fields.is_empty() { Outcome::CheckFailed } else { Outcome::Fine })
    }
}

type Found<'a> = [(&'a Field, Vec<(&'static str, String)>)];

/// Names of a field in one convention, for people.
fn names(field: &Field, convention: Convention) -> String {
    let Some(entry) = convention.entry(field) else { return "-".to_owned() };
    let param = entry.param.map(|p| format!(" ({p})")).unwrap_or_default();
    format!("{}{param}", entry.names[0])
}

/// What a field is called in files of the Datamart: the GRIB2 name, else the NetCDF name.
fn datamart(field: &Field) -> String {
    let grib2 = field.eccc.grib2.as_ref().map(|g| g.abbrev_name.clone());
    grib2.or_else(|| field.eccc.netcdf.first().cloned()).unwrap_or_else(|| "-".to_owned())
}

fn rpn(field: &Field) -> String {
    field.eccc.rpn.as_ref().map_or_else(|| "-".to_owned(), |r| r.nomvar.clone())
}

/// One line for each field, no wider than [`WIDTH`].
fn overview(fields: &Found<'_>, provider: Option<ProviderName>) -> String {
    let short =
        |field: &Field, convention: Convention| convention.entry(field).map_or_else(|| "-".to_owned(), |e| e.names[0].clone());
    let header: &[&str] = match provider {
        None => &["field", "units", "RPN", "Datamart", "Climate DT", "Extremes"],
        Some(ProviderName::Eccc) => &["field", "RPN", "its units", "Datamart", "its units", "access"],
        Some(ProviderName::Destine) => &["field", "Climate DT", "units", "Extremes DT", "units", "access"],
    };
    let mut rows = vec![header.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()];
    for (field, _) in fields {
        let units = |names: &DestineNames| names.units.clone().unwrap_or_else(|| "-".to_owned());
        rows.push(match provider {
            None => vec![
                field.id.clone(),
                field.cf.units.clone(),
                rpn(field),
                datamart(field),
                short(field, Convention::ClimateDt),
                short(field, Convention::ExtremesDt),
            ],
            Some(ProviderName::Eccc) => vec![
                field.id.clone(),
                rpn(field),
                field.eccc.rpn.as_ref().map_or_else(|| "-".to_owned(), |r| r.units.clone()),
                datamart(field),
                field.eccc.units.clone(),
                access(&field.access.eccc),
            ],
            Some(ProviderName::Destine) => vec![
                field.id.clone(),
                short(field, Convention::ClimateDt),
                units(&field.climate_dt),
                short(field, Convention::ExtremesDt),
                units(&field.extremes_dt),
                access(&field.access.destine),
            ],
        });
    }
    fitted(&rows)
}

/// Columns to the left; the widest names are cut where the table would be too wide.
fn fitted(rows: &[Vec<String>]) -> String {
    let columns = rows[0].len();
    let widest = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    // The first column is the handle by which a field is asked for: it is never cut.
    while widths.iter().sum::<usize>() + 2 * (columns - 1) > WIDTH {
        let longest = (1..columns).max_by_key(|&c| widths[c]).expect("a table has several columns");
        widths[longest] -= 1;
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| {
                if cell.chars().count() <= width {
                    format!("{cell:width$}")
                } else {
                    format!("{}…", cell.chars().take(width - 1).collect::<String>())
                }
            })
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// All about one field.
fn card(field: &Field, meant: &[(&'static str, String)], provider: Option<ProviderName>) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let standard_name = field.cf.standard_name.clone().unwrap_or_else(|| "no CF standard name".to_owned());
    let kinds: Vec<String> = meant.iter().map(|(kind, name)| format!("{name} is its {kind}")).collect();
    if !kinds.is_empty() {
        lines.push(("asked", kinds.join("; ")));
    }
    lines.push(("CF", format!("{standard_name}, {}, {}", field.cf.units, field.cell_methods)));
    if let Some(positive) = &field.positive {
        lines.push(("positive", positive.clone()));
    }
    let [low, high] = field.valid_range;
    lines.push(("range", format!("{} to {} {}", talk::number(low), talk::number(high), field.cf.units)));
    let level =
        field.level.value.map(|v| format!(" {v} {}", field.level.units.as_deref().unwrap_or_default())).unwrap_or_default();
    lines.push(("level", format!("{}{level}", word(&field.level.kind).replace('_', " "))));
    let mut rule = word(&field.regrid.method);
    if let Some(mask) = &field.regrid.mask {
        rule += &format!(", where there is {mask}");
    }
    if let Some(partner) = &field.regrid.vector_with {
        rule += &format!(", together with {partner}");
    }
    lines.push(("regrid", rule));
    if provider != Some(ProviderName::Destine) {
        let eccc = &field.eccc;
        if let Some(r) = &eccc.rpn {
            lines.push(("ECCC RPN", format!("{} in {}", r.nomvar, r.units)));
        }
        if let Some(grib2) = &eccc.grib2 {
            let all: Vec<&str> = std::iter::once(&grib2.abbrev_name).chain(&grib2.long_name).map(String::as_str).collect();
            lines.push(("Datamart", format!("{} in {}", all.join(", "), eccc.units)));
        }
        for other in &eccc.alternates {
            lines.push(("", format!("{}: {}", other.name, operations(&other.to_canonical))));
        }
        if let Some(netcdf) = &eccc.netcdf_note {
            lines.push(("ECCC NetCDF", netcdf.clone()));
        }
        lines.push(("ECCC time", eccc.time.clone()));
        lines.push(("to canonical", operations(&eccc.to_canonical)));
        if !eccc.products.is_empty() {
            lines.push(("products", eccc.products.join(", ")));
        }
        lines.push(("ECCC access", format!("{}, licence {}", word(&field.access.eccc), field.licence.eccc)));
    }
    if provider != Some(ProviderName::Eccc) {
        for (title, convention, twin) in [
            ("Climate DT", Convention::ClimateDt, &field.climate_dt),
            ("Extremes DT", Convention::ExtremesDt, &field.extremes_dt),
        ] {
            let detail = match (&twin.units, &twin.time) {
                (Some(units), Some(time)) => {
                    format!("{} in {units}, {time}; {}", names(field, convention), operations(&twin.to_canonical))
                }
                _ => "no name there".to_owned(),
            };
            lines.push((title, format!("{detail} ({})", word(&twin.member))));
        }
        lines.push(("access", format!("{}, licence {}", word(&field.access.destine), field.licence.destine)));
    }
    lines.push(("mind", field.differences.clone()));
    if !field.unverified.is_empty() {
        lines.push(("open", field.unverified.join("; ")));
    }
    let mut text = format!("{}: {}\n", field.id, field.name);
    for (key, value) in lines {
        for (k, part) in wrapped(&value, WIDTH - 16).into_iter().enumerate() {
            text += format!("  {:12}  {part}", if k == 0 { key } else { "" }).trim_end();
            text.push('\n');
        }
    }
    text
}

fn operations(list: &[knarr::exchange::catalogue::Operation]) -> String {
    if list.is_empty() { "as it is".to_owned() } else { list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") }
}

/// The name of an enumeration's variant as the data write it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// As [`word`], short enough for a column.
fn access(value: &knarr::exchange::catalogue::Availability) -> String {
    word(value).trim_start_matches("account_").replace('_', " ")
}

/// Lines of up to `width` characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            *line = word.to_owned();
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            *line += &format!(" {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// RFC 4180, one line for each field.
fn csv(fields: &Found<'_>, provider: Option<ProviderName>) -> String {
    let (eccc, destine) = (provider != Some(ProviderName::Destine), provider != Some(ProviderName::Eccc));
    let mut header =
        vec!["id", "domain", "standard_name", "units", "cell_methods", "positive", "valid_min", "valid_max", "regrid"];
    if eccc {
        header.extend([
            "rpn",
            "rpn_units",
            "datamart",
            "eccc_netcdf",
            "eccc_units",
            "eccc_operations",
            "eccc_licence",
            "eccc_access",
        ]);
    }
    if destine {
        header.extend(["climate_dt", "climate_dt_param", "climate_dt_units", "climate_dt_operations"]);
        header.extend(["extremes_dt", "extremes_dt_param", "extremes_dt_units", "extremes_dt_operations"]);
        header.extend(["destine_licence", "destine_access"]);
    }
    header.push("open_on_both_sides");
    let mut text = line(&header.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
    for (f, _) in fields {
        let steps =
            |list: &[knarr::exchange::catalogue::Operation]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let mut cells = vec![
            f.id.clone(),
            word(&f.domain),
            f.cf.standard_name.clone().unwrap_or_default(),
            f.cf.units.clone(),
            f.cell_methods.clone(),
            f.positive.clone().unwrap_or_default(),
            f.valid_range[0].to_string(),
            f.valid_range[1].to_string(),
            word(&f.regrid.method),
        ];
        if eccc {
            cells.push(f.eccc.rpn.as_ref().map(|r| r.nomvar.clone()).unwrap_or_default());
            cells.push(f.eccc.rpn.as_ref().map(|r| r.units.clone()).unwrap_or_default());
            let grib2: Vec<&str> = f
                .eccc
                .grib2
                .iter()
                .flat_map(|g| std::iter::once(&g.abbrev_name).chain(&g.long_name))
                .map(String::as_str)
                .collect();
            cells.push(grib2.join("; "));
            cells.push(f.eccc.netcdf.join("; "));
            cells.extend([f.eccc.units.clone(), steps(&f.eccc.to_canonical), f.licence.eccc.clone(), word(&f.access.eccc)]);
        }
        if destine {
            for twin in [&f.climate_dt, &f.extremes_dt] {
                cells.push(twin.short.clone().unwrap_or_default());
                cells.push(twin.param.map(|p| p.to_string()).unwrap_or_default());
                cells.extend([twin.units.clone().unwrap_or_default(), steps(&twin.to_canonical)]);
            }
            cells.extend([f.licence.destine.clone(), word(&f.access.destine)]);
        }
        cells.push(f.is_open_on_both_sides().to_string());
        text += &line(&cells);
    }
    text
}

fn line(cells: &[String]) -> String {
    let quoted: Vec<String> = cells
        .iter()
        .map(|c| if c.contains([',', '"', '\n']) { format!("\"{}\"", c.replace('"', "\"\"")) } else { c.clone() })
        .collect();
    quoted.join(",") + "\n"
}
