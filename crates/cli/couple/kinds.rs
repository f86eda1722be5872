//! `knarr couple kinds`: what components there are, and what each wants to know.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, number};
use clap::Args;
use knarr::coupling::document::suggestion;
use knarr::coupling::{About, ComponentKind, Declaration, Effect, Export, Import, Need, Registry, Statistic};
use serde_json::{Value, json};

/// Tell the kinds of components.
#[derive(Args)]
pub struct Kinds {
    /// A kind, to be told in full
    kind: Option<String>,
}

impl Kinds {
    pub fn run(self, json: bool) -> Result<Outcome, Failure> {
        let registry = Registry::built_in();
        match self.kind {
            Some(name) => one(&registry, &name, json)?,
            None if json => {
                talk::print_json(&registry.kinds().map(|(name, kind)| facts(name, kind)).collect::<Vec<_>>())?;
            }
            None => {
                let width = registry.kinds().map(|(name, _)| name.len()).max().unwrap_or(0);
                let line = |(name, kind): (&str, &ComponentKind)| {
                    format!("{name:width$}  {}\n", kind.about.map_or("", |about| about.summary))
                };
                talk::print(&registry.kinds().map(line).collect::<String>())?;
                talk::say("`knarr couple kinds KIND` tells one: parameters, imports, exports, an example");
            }
        }
        Ok(Outcome::Fine)
    }
}

fn one(registry: &Registry, name: &str, json: bool) -> Result<(), Failure> {
    let Some(kind) = registry.find(name) else {
        let hint = suggestion(name, registry.kinds().map(|(name, _)| name).collect::<Vec<_>>());
        return Err(Failure::new(format!("there is no kind `{name}`")).hint(hint));
    };
    if json {
        return talk::print_json(&facts(name, kind));
    }
    let mut text = format!("{name}: {}\n", kind.about.map_or("nothing is told of it", |about| about.summary));
    if let Some(about) = kind.about {
        text += &told_parameters(&about);
        text += &match kind.example() {
            Ok(declaration) => told_fields(&declaration),
            Err(_) => "\nimports and exports: as its files have them; `knarr couple check` lists them\n".to_owned(),
        };
        text += &format!("\nexample\n  mine: {}\n", about.example);
    }
    talk::print(&text)
}

fn told_parameters(about: &About) -> String {
    let rows: Vec<[String; 4]> = about
        .parameters()
        .into_iter()
        .map(|p| {
            let needed = match (p.required, p.default) {
                (true, _) => "required".to_owned(),
                (false, Some(default)) => format!("default {default}"),
                (false, None) => "optional".to_owned(),
            };
            [p.name, needed, p.form, p.about]
        })
        .collect();
    section("parameters", &rows)
}

fn told_fields(declaration: &Declaration) -> String {
    let effects = |effects: &[Effect]| {
        let told = |e: &Effect| format!("{} × {}", number(e.per_unit), e.quantity);
        if effects.is_empty() {
            String::new()
        } else {
            format!("stock: {}", effects.iter().map(told).collect::<Vec<_>>().join(", "))
        }
    };
    let imports: Vec<[String; 4]> = declaration
        .imports
        .iter()
        .map(|import| {
            let need = match import.need {
                Need::Required => "required".to_owned(),
                Need::Optional => "optional".to_owned(),
                Need::Default(value) => format!("default {}", number(value)),
            };
            [import.name.clone(), need, import.units.clone(), effects(&import.effects)]
        })
        .collect();
    let over = |e: &Export| match e.statistic {
        Statistic::Point => "at the end of a step",
        Statistic::Mean => "mean over a step",
        Statistic::Sum => "total over a step",
        Statistic::Minimum => "least in a step",
        Statistic::Maximum => "greatest in a step",
    };
    let exports: Vec<[String; 4]> =
        declaration.exports.iter().map(|e| [e.name.clone(), over(e).to_owned(), e.units.clone(), effects(&e.effects)]).collect();
    section("imports", &imports) + &section("exports", &exports)
}

/// A heading and rows in columns, the last as long as it likes.
fn section(heading: &str, rows: &[[String; 4]]) -> String {
    if rows.is_empty() {
        return format!("\n{heading}: none\n");
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (a, b, c) = (width(0), width(1), width(2));
    let line = |[name, need, form, about]: &[String; 4]| {
        format!("  {name:a$}  {need:b$}  {form:c$}  {about}").trim_end().to_owned() + "\n"
    };
    format!("\n{heading}\n{}", rows.iter().map(line).collect::<String>())
}

fn facts(name: &str, kind: &ComponentKind) -> Value {
    let Some(about) = kind.about else { return json!({ "kind": name }) };
    let fields = kind.example().ok().map(|declaration| {
        let import = |i: &Import| {
            json!({ "name": i.name, "standard_name": i.standard_name, "units": i.units,
            "required": i.need == Need::Required, "nature": i.nature })
        };
        let export = |e: &Export| {
            json!({ "name": e.name, "standard_name": e.standard_name, "units": e.units,
            "statistic": e.statistic, "nature": e.nature })
        };
        let imports: Vec<Value> = declaration.imports.iter().map(import).collect();
        let exports: Vec<Value> = declaration.exports.iter().map(export).collect();
        json!({ "imports": imports, "exports": exports })
    });
    json!({ "kind": name, "summary": about.summary, "parameters": about.parameters(), "example": about.example, "fields": fields })
}
