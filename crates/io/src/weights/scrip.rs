//! SCRIP layout, which CDO shares.

use super::esmf::normalization;
use super::raw::{RawEnd, RawWeights};
use super::tables::Tables;
use crate::IoError;

/// Reads `remap_matrix`, `src_address`, `dst_address` and what describes the two grids.
pub(super) fn read(file: &Tables) -> Result<RawWeights, IoError> {
    let links = file.needed_dimension("num_links")?;
    let per_link = file.needed_dimension("num_wgts")?;
    let mut notes = Vec::new();
    let source = end(file, "src", &mut notes)?;
    let destination = end(file, "dst", &mut notes)?;
    let map_method = file.text("map_method").unwrap_or_default();
    let (mut values, alone) = file.first_of("remap_matrix", links, per_link)?;
    let gradients = !alone;
    let conservative = map_method.to_lowercase().contains("conserv");
    if gradients && !conservative {
        return Err(file.malformed(format!(
            "`{map_method}` keeps {per_link} weights a link, which need gradients of the source field; expected 1"
        )));
    }
    if gradients {
        notes.push(format!("of {per_link} weights a link only the first is used: first order"));
    }
    let rows = file.indices("dst_address", links, 1, destination.len)?;
    let columns = file.indices("src_address", links, 1, source.len)?;
    let stated = file.text("normalization").unwrap_or_default();
    let mut normalization = normalization(&stated, false);
    if conservative && normalization == "none" {
        let Some(areas) = &destination.areas else {
            return Err(file.malformed("conservative weights with normalization `none` need `dst_grid_area`, which is missing"));
        };
        for (value, &row) in values.iter_mut().zip(&rows.cells) {
            if let Some(&area) = areas.get(row as usize) {
                *value /= area;
            }
        }
        notes.push("areas of overlap (normalization `none`) were divided by the destination cells' areas".into());
        normalization = "destarea".into();
    }
    Ok(RawWeights {
        convention: "SCRIP",
        source,
        destination,
        rows,
        columns,
        values,
        method: file.text("method").unwrap_or(map_method),
        conservative,
        normalization,
        source_hash: file.text("source_hash").unwrap_or_default(),
        destination_hash: file.text("destination_hash").unwrap_or_default(),
        options_hash: file.text("options_hash").unwrap_or_default(),
        fixed_value: file.number("fixed_value"),
        notes,
    })
}

fn end(file: &Tables, prefix: &str, notes: &mut Vec<String>) -> Result<RawEnd, IoError> {
    let len = file.needed_dimension(&format!("{prefix}_grid_size"))?;
    let name = |stem: &str| format!("{prefix}_grid_{stem}");
    Ok(RawEnd {
        len,
        centers: file.centers(&name("center_lon"), &name("center_lat"), len)?,
        areas: file.areas(&name("area"), len, notes)?,
        fractions: file.sized(&name("frac"), len)?,
        mask: file.flags(&name("imask"), len)?,
        shape: file.shape(&name("dims"), len)?,
    })
}
