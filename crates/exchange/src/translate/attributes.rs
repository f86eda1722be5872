//! What variables say about themselves after translation.

use super::identify::Identified;
use crate::catalogue::{Convention, Entry, Field, Operation, Ratio};
use knarr_field::CellMethods;
use knarr_io::VariableInfo;

/// Attributes that tie a variable to its grid and coordinates.
const LINKS: [&str; 6] = ["coordinates", "grid_mapping", "cell_measures", "mesh", "location", "missing_reason"];

type Texts = Vec<(String, String)>;

fn links(variable: &VariableInfo) -> Texts {
    LINKS.iter().filter_map(|name| Some(((*name).to_owned(), variable.attributes.text(name)?.to_owned()))).collect()
}

/// Of a canonical variable.
pub(super) fn canonical(
    field: &Field,
    variable: &VariableInfo,
    found: &Identified<'_>,
    has_time: bool,
    from_totals: bool,
) -> Texts {
    let mut texts: Texts = Vec::new();
    texts.extend(field.cf.standard_name.iter().map(|n| ("standard_name".to_owned(), n.clone())));
    texts.push(("long_name".to_owned(), field.name.clone()));
    texts.push(("units".to_owned(), if field.cf.units == "none" { "1".to_owned() } else { field.cf.units.clone() }));
    let methods = cell_methods(field, variable, &found.entry.time, has_time, from_totals);
    if !methods.is_empty() {
        texts.push(("cell_methods".to_owned(), methods));
    }
    if field.id == "soil_type" {
        texts.push((
            "comment".to_owned(),
            "1 coarse, 2 medium, 3 medium fine, 4 fine, 5 very fine, 6 organic, 7 tropical organic".to_owned(),
        ));
    }
    texts.extend(links(variable));
    texts
}

/// The statistic as it is: means where totals were, what the file says, what the convention says, in this order; the
/// canonical one only where nobody tells.
fn cell_methods(field: &Field, variable: &VariableInfo, time: &str, has_time: bool, from_totals: bool) -> String {
    let wanted = CellMethods::parse(&field.cell_methods);
    let own = CellMethods::parse(variable.attributes.text("cell_methods").unwrap_or_default());
    let own = own.0.iter().find(|e| e.names.iter().any(|n| n.starts_with("time"))).map(|e| e.method.clone());
    let over_time = if !has_time {
        None
    } else if from_totals {
        Some("mean".to_owned())
    } else if let Some(own) = own.filter(|m| m != "sum") {
        Some(own)
    } else if time.starts_with("instant") {
        Some("point".to_owned())
    } else if time.starts_with("mean") {
        Some("mean".to_owned())
    } else if time.starts_with("static") {
        None
    } else {
        wanted.get("time").map(|e| e.method.clone())
    };
    let area = wanted.get("area").map(|e| format!("area: {}", e.method));
    let time = over_time.map(|m| format!("time: {m}"));
    area.into_iter().chain(time).collect::<Vec<_>>().join(" ")
}

/// Of a variable in the convention wanted.
pub(super) fn outward(
    field: &Field,
    variable: &VariableInfo,
    entry: &Entry,
    to: Convention,
    operations: &[Operation],
    grid_relative: bool,
    name: &str,
) -> Texts {
    let totals = operations.contains(&Operation::SumTime);
    // The CF name of a mean flux does not name a total, nor that of one direction the other.
    let same_quantity = !totals
        && !operations.iter().any(|o| matches!(o, Operation::Negate | Operation::TexturePercent(..) | Operation::SplitVars(..)));
    let mut texts: Texts = Vec::new();
    if let Some(standard) = field.cf.standard_name.as_ref().filter(|_| same_quantity) {
        texts.push(("standard_name".to_owned(), if grid_relative { along_axes(standard) } else { standard.clone() }));
    }
    let long_name = if entry.names.iter().any(|n| n.trim_end_matches(['*', '_', '-']) == name) || to == Convention::Cf {
        field.name.clone()
    } else {
        format!("{} ({name})", field.name)
    };
    texts.push(("long_name".to_owned(), long_name));
    texts.push(("units".to_owned(), if entry.units == "none" { "1".to_owned() } else { entry.units.clone() }));
    let methods = variable.attributes.text("cell_methods").unwrap_or_default();
    if totals {
        texts.push(("cell_methods".to_owned(), "time: sum".to_owned()));
    } else if !methods.is_empty() {
        texts.push(("cell_methods".to_owned(), methods.to_owned()));
    }
    if to.is_destine() && entry.names.iter().any(|n| n == name) {
        texts.push(("GRIB_shortName".to_owned(), name.to_owned()));
    }
    if operations.iter().any(|o| matches!(o, Operation::Negate)) {
        texts.push(("comment".to_owned(), "positive in the direction opposite to the CF name of this quantity".to_owned()));
    } else if let Some(comment) = variable.attributes.text("comment").filter(|_| to == Convention::Cf) {
        texts.push(("comment".to_owned(), comment.to_owned()));
    }
    texts.extend(links(variable));
    texts
}

/// Of a ratio.
pub(super) fn ratio(ratio: &Ratio, numerator: &VariableInfo) -> Texts {
    let mut texts = vec![
        ("standard_name".to_owned(), ratio.standard_name.clone()),
        ("long_name".to_owned(), ratio.name.clone()),
        ("units".to_owned(), ratio.units.clone()),
    ];
    texts.extend(links(numerator));
    texts
}

/// The CF name of a component along an axis of the grid: `eastward_wind` is `x_wind`, currents have the axis before the
/// last word.
fn along_axes(standard: &str) -> String {
    let axis = if standard.contains("eastward") { "x" } else { "y" };
    let rest = standard.replace("eastward_", "").replace("northward_", "");
    match rest.as_str() {
        "wind" => format!("{axis}_wind"),
        "surface_downward_stress" => format!("surface_downward_{axis}_stress"),
        other => match other.strip_suffix("_velocity") {
            Some(medium) => format!("{medium}_{axis}_velocity"),
            None => standard.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_along_axes_have_the_names_of_cf() {
        assert_eq!(along_axes("eastward_wind"), "x_wind");
        assert_eq!(along_axes("northward_sea_water_velocity"), "sea_water_y_velocity");
        assert_eq!(along_axes("eastward_sea_ice_velocity"), "sea_ice_x_velocity");
        assert_eq!(along_axes("surface_downward_northward_stress"), "surface_downward_y_stress");
    }
}
