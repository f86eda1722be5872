//! Grids described by a `grid_mapping` attribute.

use super::context::{Context, Found};
use super::{healpix, projected, rotated};
use crate::IoError;
use crate::nc::Variable;

pub(super) fn of_variable(context: &Context<'_>) -> Result<Option<Found>, IoError> {
    let Some(mapping) = mapping_variable(context) else { return Ok(None) };
    match mapping.attributes.text("grid_mapping_name").map(str::trim) {
        Some("healpix") => healpix::of_mapping(context, mapping),
        Some("rotated_latitude_longitude") => rotated::of_mapping(context, mapping),
        Some("latitude_longitude") | None => Ok(None),
        Some(name) => projected::of_mapping(context, mapping, name),
    }
}

/// The mapping named by the attribute: `"crs"`, or the extended form `"crs: x y"`.
fn mapping_variable<'a>(context: &Context<'a>) -> Option<&'a Variable> {
    names(context).iter().find_map(|name| context.find(name))
}

fn names(context: &Context<'_>) -> Vec<String> {
    let text = context.attributes.text("grid_mapping").unwrap_or_default();
    if text.contains(':') {
        text.split_whitespace().filter_map(|word| word.strip_suffix(':')).map(str::to_owned).collect()
    } else {
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// A remark where the mapping named is not in the file and coordinates have to do.
pub(super) fn remark(context: &Context<'_>) -> Vec<String> {
    let names = names(context);
    match (names.first(), mapping_variable(context)) {
        (Some(name), None) => vec![format!("grid mapping `{name}` is not in the file")],
        _ => Vec::new(),
    }
}

/// Why a variable with a grid mapping has no grid.
pub(super) fn problem(context: &Context<'_>) -> Option<String> {
    let names = names(context);
    let name = names.first()?;
    if let Some(mapping) = mapping_variable(context) {
        let kind = mapping.attributes.text("grid_mapping_name").unwrap_or("without a name");
        return Some(format!("grid mapping `{}` ({kind}) comes without coordinates for its dimensions", mapping.name));
    }
    let nside = context.dims.iter().rev().find_map(|d| healpix_nside(d.len).map(|nside| (d, nside)));
    Some(match nside {
        Some((dim, nside)) => format!(
            "grid mapping `{name}` is not in the file; {} = {} is the number of cells of HEALPix nside {nside}, in an order to be \
             named: `--source-grid H{nside}n` (nested) or `H{nside}r` (ring)",
            dim.name, dim.len
        ),
        None => format!("grid mapping `{name}` is not in the file, and there are no coordinates for its dimensions"),
    })
}

fn healpix_nside(cells: usize) -> Option<usize> {
    let nside = ((cells / 12) as f64).sqrt().round() as usize;
    (nside > 0 && nside.is_power_of_two() && 12 * nside * nside == cells).then_some(nside)
}
