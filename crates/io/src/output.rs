//! CF-clean metadata of regridded files: what is kept, what is replaced, what no longer holds.

use crate::nc::{ValueType, Variable};
use crate::references::keep_only;
use crate::{Decoder, GridLayout};
use knarr_field::{Attribute, Attributes, CellMethods, NumberType, VectorFrame, VectorRole};
use knarr_regrid::{Finish, Method, Statistic};

/// Largest chunk in bytes.
const CHUNK_BYTES: usize = 4 << 20;
/// Fill value where the source has none: the default of the NetCDF library, which readers know.
const DEFAULT_FILL: f64 = 9.969_209_968_386_869e36;

/// Attributes of cells and meshes of the source that mean nothing on another grid.
const GRID_BOUND: [&str; 10] = [
    "mesh",
    "location",
    "cell_measures",
    "grid_mapping",
    "CDI_grid_type",
    "CDI_grid_num_LPE",
    "number_of_grid_in_reference",
    "actual_range",
    "_CoordinateAxes",
    "_CoordinateZisPositive",
];
/// Attributes of the file that describe the source's grid file.
const GRID_BOUND_GLOBAL: [&str; 5] =
    ["external_variables", "uuidOfHGrid", "grid_file_uri", "number_of_grid_used", "_CoordSysBuilder"];
/// Attributes of packed values.
const PACKING: [&str; 7] =
    ["scale_factor", "add_offset", "_Unsigned", "valid_range", "valid_min", "valid_max", "unpacked_valid_range"];

/// How regridded values are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storage {
    /// Type of the values.
    pub number: NumberType,
    /// What stands for missing.
    pub fill: f64,
}

/// Type and fill value of a regridded variable.
///
/// Floating-point types are kept. Integers stay integers where the method takes values over unchanged; packed values
/// and means become single precision up to 16 bits, else double.
pub fn storage(variable: &Variable, decoder: &Decoder, keeps_values: bool) -> Storage {
    let source = variable.value_type.number().unwrap_or(NumberType::F64);
    let number = match source {
        NumberType::F32 | NumberType::F64 => source,
        _ if keeps_values && !decoder.is_packed() => source,
        NumberType::I8 | NumberType::U8 | NumberType::I16 | NumberType::U16 => NumberType::F32,
        _ => NumberType::F64,
    };
    let declared = ["_FillValue", "missing_value"].iter().find_map(|name| variable.attributes.number(name));
    let fitting = declared.filter(|_| number == source && !decoder.is_packed()).and_then(|v| number.represent(v));
    Storage { number, fill: fitting.unwrap_or_else(|| default_fill(number)) }
}

/// The NetCDF library's default fill values.
fn default_fill(number: NumberType) -> f64 {
    match number {
        NumberType::I8 => -127.0,
        NumberType::U8 => 255.0,
        NumberType::I16 => -32_767.0,
        NumberType::U16 => 65_535.0,
        NumberType::I32 => -2_147_483_647.0,
        NumberType::U32 => 4_294_967_295.0,
        NumberType::I64 => -9_223_372_036_854_775_806.0,
        NumberType::U64 => 18_446_744_073_709_551_614.0,
        NumberType::F32 | NumberType::F64 => DEFAULT_FILL,
    }
}

/// Whether methods give values of the source unchanged.
pub fn keeps_values(methods: &knarr_regrid::Stack, finish: Finish) -> bool {
    use knarr_regrid::{Extrapolation, Layer};
    let picks =
        matches!(finish, Finish::Statistic(Statistic::Minimum | Statistic::Maximum | Statistic::Mode | Statistic::Quantile(_)));
    methods.layers().iter().all(|layer| match layer {
        Layer::Method(options) => {
            (options.method == Method::Nearest || (picks && options.method == Method::Conservative))
                && matches!(options.extrapolation, Extrapolation::None | Extrapolation::Nearest)
        }
        Layer::Fixed(value) => value.fract() == 0.0,
        Layer::Creep { .. } | Layer::Given => false,
    })
}

/// Attributes of a variable whose values are made anew and stored as `storage` says: no packing, no names of variables
/// that `is_kept` does not hold of.
pub fn rewritten_attributes(
    variable: &Variable,
    decoder: &Decoder,
    storage: Storage,
    is_kept: &dyn Fn(&str) -> bool,
) -> Attributes {
    let mut attributes = variable.attributes.clone();
    attributes.remove("actual_range");
    let retyped = variable.value_type != ValueType::Number(storage.number);
    if decoder.is_packed() || retyped {
        for name in PACKING {
            attributes.remove(name);
        }
    }
    if attributes.contains("missing_value") {
        attributes.set("missing_value", Attribute::Numbers(vec![storage.fill], storage.number));
    }
    if retyped {
        // CF wants flag values in the type of the variable.
        for name in ["flag_values", "flag_masks"] {
            if let Some(values) = attributes.numbers(name).map(<[f64]>::to_vec) {
                attributes.set(name, Attribute::Numbers(values, storage.number));
            }
        }
    }
    keep_only(&mut attributes, is_kept);
    attributes
}

/// What regridded values are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Made {
    /// Values at places.
    Values,
    /// Means over cells.
    Means,
    /// Statistics of cells.
    Statistic(Statistic),
}

/// The statistic as cell methods name it; none for a number of cells.
fn name_of(statistic: Statistic) -> Option<String> {
    Some(match statistic {
        Statistic::Minimum => "minimum".to_owned(),
        Statistic::Maximum => "maximum".to_owned(),
        Statistic::Mode => "mode".to_owned(),
        Statistic::Quantile(0.5) => "median".to_owned(),
        // CF has no name for it.
        Statistic::Quantile(share) => format!("percentile (p{})", (share * 1e6).round() / 1e4),
        Statistic::StandardDeviation => "standard_deviation".to_owned(),
        Statistic::Count => return None,
    })
}

/// Attributes of a regridded variable. `is_kept` tells whether a name, met in its attributes, is still in the file
/// and still means the same; `dims` are the source's horizontal dimensions.
pub fn regridded_attributes(
    variable: &Variable,
    decoder: &Decoder,
    storage: Storage,
    layout: &GridLayout,
    dims: &[String],
    made: Made,
    is_kept: &dyn Fn(&str) -> bool,
) -> Attributes {
    let mut attributes = rewritten_attributes(variable, decoder, storage, is_kept);
    for name in GRID_BOUND {
        attributes.remove(name);
    }
    if let Some(own) = &layout.coordinates {
        let all = match attributes.text("coordinates") {
            Some(kept) => format!("{own} {kept}"),
            None => own.clone(),
        };
        attributes.set("coordinates", all);
    }
    if let Some(mapping) = &layout.grid_mapping {
        attributes.set("grid_mapping", mapping.as_str());
    }
    for (name, value) in layout.data_attributes.iter() {
        attributes.set(name, value.clone());
    }
    let methods = CellMethods::parse(attributes.text("cell_methods").unwrap_or_default()).over_area(dims);
    let methods = match made {
        Made::Values => methods,
        Made::Means => methods.with_area_mean(),
        Made::Statistic(statistic) => {
            if statistic == Statistic::Count {
                attributes.set("units", "1");
                for name in ["standard_name", "cell_methods"] {
                    attributes.remove(name);
                }
                attributes.set("long_name", "number of source cells with a value");
            }
            match name_of(statistic) {
                Some(name) => methods.with_area(&name),
                None => CellMethods::parse(""),
            }
        }
    };
    if !methods.0.is_empty() {
        attributes.set("cell_methods", methods.to_string());
    }
    attributes
}

/// Makes the attributes of a vector's component those of the same component along the axes of `frame`: the standard
/// name, the long name where it told another direction, the flag of GRIB.
pub fn turn(attributes: &mut Attributes, frame: VectorFrame) {
    let old = attributes.text("standard_name").map(str::to_owned);
    let new = old.as_deref().and_then(|name| VectorRole::name_along(name, frame));
    if let Some(name) = new.filter(|new| old.as_ref() != Some(new)) {
        if attributes.contains("long_name") {
            attributes.set("long_name", name.replace('_', " "));
        }
        attributes.set("standard_name", name);
    }
    if attributes.contains("GRIB_uvRelativeToGrid") {
        let relative = f64::from(u8::from(frame == VectorFrame::Grid));
        attributes.set("GRIB_uvRelativeToGrid", Attribute::Numbers(vec![relative], NumberType::I32));
    }
}

/// Attributes of the file: those of the source, with `Conventions` and one more line of `history`.
pub fn global_attributes(source: &Attributes, layout: &GridLayout, history: &str) -> Attributes {
    let mut attributes = source.clone();
    for name in GRID_BOUND_GLOBAL {
        attributes.remove(name);
    }
    let old = attributes.text("Conventions").unwrap_or_default().to_owned();
    attributes.set("Conventions", conventions(&old, layout));
    let line = match attributes.text("history").map(str::trim_end).filter(|h| !h.is_empty()) {
        Some(before) => format!("{history}\n{before}"),
        None => history.to_owned(),
    };
    attributes.set("history", line);
    attributes
}

/// `CF-1.11` (HEALPix came with 1.13) in place of the version the source followed, other conventions kept.
fn conventions(old: &str, layout: &GridLayout) -> String {
    let says = |name: &str, value: &str| layout.variables.iter().any(|v| v.attributes.text(name) == Some(value));
    let mut words = vec![if says("grid_mapping_name", "healpix") { "CF-1.13" } else { "CF-1.11" }];
    if says("cf_role", "mesh_topology") {
        words.push("UGRID-1.0");
    }
    // Commas separate names with blanks; a list with neither rule is one of blanks.
    let separator: &[char] = if old.contains(',') { &[',', '/'] } else { &[' ', '/'] };
    let others = old.split(separator).map(str::trim).filter(|w| {
        let known = ["CF", "UGRID", "COARDS"].iter().any(|c| w.starts_with(c));
        !w.is_empty() && !known && !w.eq_ignore_ascii_case("none")
    });
    words.extend(others);
    words.join(if old.contains(',') { ", " } else { " " })
}

/// Lengths of the chunks of a regridded variable: one slab, cut along its slowest dimensions down to 4 MiB.
pub fn slab_chunks(extra: usize, horizontal: &[usize], bytes: usize) -> Vec<usize> {
    let mut chunks: Vec<usize> = horizontal.iter().map(|&len| len.max(1)).collect();
    while chunks.iter().product::<usize>() * bytes > CHUNK_BYTES {
        let longest = (0..chunks.len()).rev().max_by_key(|&i| chunks[i]).expect("a grid has a dimension");
        chunks[longest] = chunks[longest].div_ceil(2);
    }
    std::iter::repeat_n(1, extra).chain(chunks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(grid_mapping_name: Option<&str>) -> GridLayout {
        let container = grid_mapping_name.map(|name| crate::LayoutVariable {
            name: "crs".into(),
            dims: vec![],
            data: crate::LayoutData::None,
            attributes: [("grid_mapping_name", name)].into_iter().collect(),
        });
        GridLayout {
            dims: vec![("lat".into(), 2), ("lon".into(), 3)],
            variables: container.into_iter().collect(),
            coordinates: None,
            grid_mapping: grid_mapping_name.map(|_| "crs".into()),
            data_attributes: Attributes::new(),
        }
    }

    #[test]
    fn other_conventions_are_kept_beside_cf() {
        assert_eq!(conventions("CF-1.7 CMIP-6.2 UGRID-1.0", &layout(None)), "CF-1.11 CMIP-6.2");
        assert_eq!(conventions("COARDS, CF-1.5, ACDD-1.3", &layout(None)), "CF-1.11, ACDD-1.3");
        assert_eq!(conventions("None", &layout(None)), "CF-1.11");
        assert_eq!(conventions("", &layout(Some("healpix"))), "CF-1.13");
    }

    #[test]
    fn history_gets_one_line_and_grid_files_are_forgotten() {
        let source = [("history", "made\nby others\n"), ("external_variables", "areacella")].into_iter().collect();
        let attributes = global_attributes(&source, &layout(None), "knarr 0.1.0: regrid");
        assert_eq!(attributes.text("history"), Some("knarr 0.1.0: regrid\nmade\nby others"));
        assert!(!attributes.contains("external_variables"));
    }

    #[test]
    fn chunks_are_slabs_or_parts_of_at_most_four_mebibytes() {
        assert_eq!(slab_chunks(2, &[180, 360], 4), [1, 1, 180, 360]);
        assert_eq!(slab_chunks(0, &[0], 4), [1]);
        for horizontal in [vec![3000, 2000], vec![20_000_000], vec![1, 9_000_000]] {
            let chunks = slab_chunks(1, &horizontal, 8);
            let bytes = chunks.iter().product::<usize>() * 8;
            // Halving stops at the first size that fits, so more than a quarter of the limit is used.
            assert!(bytes <= CHUNK_BYTES && bytes > CHUNK_BYTES / 4, "{chunks:?}");
        }
    }
}
