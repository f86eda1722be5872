//! ESMF layout, which NCO and TempestRemap share.

use super::raw::{Indices, RawEnd, RawWeights};
use super::tables::Tables;
use crate::IoError;

/// Reads `S`, `row`, `col` and what describes the two grids (suffix `a` source, `b` destination).
pub(super) fn read(file: &Tables) -> Result<RawWeights, IoError> {
    let links = file.needed_dimension("n_s")?;
    let mut notes = Vec::new();
    let source = end(file, "a", "src_grid_dims", &mut notes)?;
    let destination = end(file, "b", "dst_grid_dims", &mut notes)?;
    let title = file.text("title").unwrap_or_default();
    let tempest =
        title.to_lowercase().contains("tempest") || (file.integer("row", "first_index").is_some() && !file.has("mask_a"));
    let named = |names: &[&str]| names.iter().find_map(|name| file.text(name)).unwrap_or_default();
    let method = named(&["method", "map_method", "ESMF_regrid_method", "remap_options"]);
    let all = ["method", "map_method", "ESMF_regrid_method", "remap_options"].map(|name| named(&[name]).to_lowercase()).join(" ");
    // TempestRemap names no method: it makes maps that conserve unless told otherwise.
    // Of a stack of methods the first counts.
    let conservative = match method.split_once(',') {
        Some((first, _)) if file.text("options_hash").is_some() => first.contains("conserv"),
        _ => all.contains("conserv") || (tempest && !all.contains("noconserve")),
    };
    let normalization = normalization(&file.text("normalization").unwrap_or_default(), tempest);
    Ok(RawWeights {
        convention: if tempest { "TempestRemap" } else { "ESMF" },
        rows: zero_based(file, "row", links, destination.len)?,
        columns: zero_based(file, "col", links, source.len)?,
        values: file.needed("S", links)?,
        source,
        destination,
        method,
        conservative,
        normalization,
        source_hash: file.text("source_hash").unwrap_or_default(),
        destination_hash: file.text("destination_hash").unwrap_or_default(),
        options_hash: file.text("options_hash").unwrap_or_default(),
        fixed_value: file.number("fixed_value"),
        notes,
    })
}

/// `fracarea`, `destarea` or `none` of what files write.
pub(super) fn normalization(text: &str, tempest: bool) -> String {
    let text = text.to_lowercase();
    if text.starts_with("frac") {
        "fracarea".into()
    } else if text.starts_with("dest") || (tempest && text.is_empty()) {
        // TempestRemap divides by the whole destination cell.
        "destarea".into()
    } else {
        "none".into()
    }
}

/// TempestRemap may count from 0 and then says so in `first_index`.
fn zero_based(file: &Tables, name: &str, links: usize, cells: usize) -> Result<Indices, IoError> {
    file.indices(name, links, file.integer(name, "first_index").unwrap_or(1), cells)
}

fn end(file: &Tables, suffix: &str, dims: &str, notes: &mut Vec<String>) -> Result<RawEnd, IoError> {
    let len = file.needed_dimension(&format!("n_{suffix}"))?;
    let name = |stem: &str| format!("{stem}_{suffix}");
    Ok(RawEnd {
        len,
        centers: file.centers(&name("xc"), &name("yc"), len)?,
        areas: file.areas(&name("area"), len, notes)?,
        fractions: file.sized(&name("frac"), len)?,
        mask: file.flags(&name("mask"), len)?,
        shape: file.shape(dims, len)?,
    })
}
