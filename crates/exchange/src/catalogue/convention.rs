//! The conventions a file may follow: how each names a field, in which units and statistic.

use super::{Catalogue, Field, LevelKind, Operation};
use std::fmt;
use std::str::FromStr;

/// How a file names and measures its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Convention {
    /// Canonical: field ids as names, CF units, interval means, earth-relative vectors.
    Cf,
    /// GRIB2 and NetCDF of ECCC's Datamart.
    Eccc,
    /// RPN names and units, as in FST files and what is made from them.
    Rpn,
    /// Climate twin of Destination Earth, generation 2.
    ClimateDt,
    /// Extremes twin of Destination Earth.
    ExtremesDt,
}

/// Name, title and other spellings.
const CONVENTIONS: [(Convention, &str, &[&str]); 5] = [
    (Convention::Cf, "cf", &["canonical"]),
    (Convention::Eccc, "eccc", &["msc"]),
    (Convention::Rpn, "rpn", &["fst"]),
    (Convention::ClimateDt, "climate-dt", &["destine", "climate_dt"]),
    (Convention::ExtremesDt, "extremes-dt", &["extremes_dt"]),
];

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name, _) = CONVENTIONS.iter().find(|(c, ..)| c == self).expect("every convention is in the table");
        f.write_str(name)
    }
}

impl FromStr for Convention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = CONVENTIONS.iter().find(|(_, name, others)| *name == text || others.contains(&text));
        known.map(|(c, ..)| *c).ok_or_else(|| "expected cf, eccc, rpn, climate-dt (or destine) or extremes-dt".to_owned())
    }
}

/// A field in one convention.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Names of the variable, that of new files first; a `*` at the end stands for the level.
    pub names: Vec<String>,
    /// ecCodes `paramId`.
    pub param: Option<u32>,
    /// Units of the values in files.
    pub units: String,
    /// Units in which the operations take them.
    pub operand_units: String,
    /// Statistic of the values, in words; empty where it is the canonical one.
    pub time: String,
    /// Units that some files claim, wrongly.
    pub mislabelled: Option<String>,
    /// From values in `operand_units` to canonical ones.
    pub to_canonical: Vec<Operation>,
}

impl Convention {
    /// All conventions.
    pub fn all() -> impl Iterator<Item = Self> {
        CONVENTIONS.iter().map(|(c, ..)| *c)
    }

    /// Whether it is one of ECCC's.
    pub fn is_eccc(self) -> bool {
        matches!(self, Self::Eccc | Self::Rpn)
    }

    /// Whether it is one of DestinE's.
    pub fn is_destine(self) -> bool {
        matches!(self, Self::ClimateDt | Self::ExtremesDt)
    }

    /// Id of the soil layers this side uses.
    pub fn soil_layers(self) -> Option<&'static str> {
        match self {
            Self::Cf => None,
            Self::Eccc | Self::Rpn => Some("svs"),
            Self::ClimateDt | Self::ExtremesDt => Some("ifs"),
        }
    }

    /// How `field` appears in files of this convention; none where it has no name there.
    pub fn entry(self, field: &Field) -> Option<Entry> {
        match self {
            Self::Cf => Some(Entry {
                names: vec![field.id.clone()],
                param: None,
                units: field.cf.units.clone(),
                operand_units: field.cf.units.clone(),
                time: String::new(),
                mislabelled: None,
                to_canonical: Vec::new(),
            }),
            Self::Eccc => {
                let names = field
                    .eccc
                    .netcdf
                    .iter()
                    .chain(field.eccc.grib2.iter().flat_map(|g| std::iter::once(&g.abbrev_name).chain(&g.long_name)));
                let names: Vec<String> = names.cloned().collect();
                (!names.is_empty()).then(|| Entry {
                    names,
                    param: None,
                    units: field.eccc.units.clone(),
                    operand_units: field.eccc.units.clone(),
                    time: field.eccc.time.clone(),
                    mislabelled: field.eccc.mislabelled.clone(),
                    to_canonical: field.eccc.to_canonical.clone(),
                })
            }
            Self::Rpn => field.eccc.rpn.as_ref().map(|rpn| Entry {
                names: vec![rpn.nomvar.clone()],
                param: None,
                units: rpn.units.clone(),
                operand_units: field.eccc.units.clone(),
                time: field.eccc.time.clone(),
                mislabelled: None,
                to_canonical: field.eccc.to_canonical.iter().map(with_rpn_names).collect(),
            }),
            Self::ClimateDt | Self::ExtremesDt => {
                let twin = if self == Self::ClimateDt { &field.climate_dt } else { &field.extremes_dt };
                twin.short.as_ref().map(|short| Entry {
                    names: std::iter::once(short.clone()).chain(letters_first(short)).collect(),
                    param: twin.param,
                    units: twin.units.clone().unwrap_or_default(),
                    operand_units: twin.units.clone().unwrap_or_default(),
                    time: twin.time.clone().unwrap_or_default(),
                    mislabelled: None,
                    to_canonical: twin.to_canonical.clone(),
                })
            }
        }
    }
}

/// Names of RPN variables are in capitals where NetCDF has them in small letters.
fn with_rpn_names(operation: &Operation) -> Operation {
    match operation {
        Operation::SumVars(a, b) => Operation::SumVars(a.to_uppercase(), b.to_uppercase()),
        other => other.clone(),
    }
}

/// `t2m` for `2t`, `u10` for `10u`: what decoders write, as names of variables used to begin with a letter.
fn letters_first(short: &str) -> Option<String> {
    let digits = short.find(|c: char| !c.is_ascii_digit()).filter(|&at| at > 0)?;
    let (number, name) = short.split_at(digits);
    // Two metres are written out, ten are not: t2m, d2m, but u10, v10, fg10.
    Some(if number == "2" { format!("{name}2m") } else { format!("{name}{number}") })
}

/// What is known about a variable that is looked for in the catalogue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matched<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its ecCodes `paramId`, if the file tells.
    pub param: Option<u32>,
    /// Its CF standard name.
    pub standard_name: Option<&'a str>,
    /// The kind of vertical axis it has.
    pub axis: Option<LevelKind>,
}

impl Catalogue {
    /// Fields that a variable may be, by `paramId`, else by name, else (canonical files) by standard name; fewer where
    /// its vertical axis rules some out. One field: that is it. Several: the file does not tell.
    pub fn candidates(&self, convention: Convention, variable: Matched<'_>) -> Vec<&Field> {
        let entries: Vec<(&Field, Entry)> = self.fields.iter().filter_map(|f| Some((f, convention.entry(f)?))).collect();
        let by = |matches: &dyn Fn(&Field, &Entry) -> bool| -> Vec<&Field> {
            entries.iter().filter(|(f, e)| matches(f, e)).map(|(f, _)| *f).collect()
        };
        let mut found = match variable.param {
            Some(param) => by(&|_, e| e.param == Some(param)),
            None => Vec::new(),
        };
        if found.is_empty() {
            found = by(&|_, e| e.names.iter().any(|n| is_name(n, variable.name)));
        }
        if found.is_empty() && convention == Convention::Cf && variable.standard_name.is_some() {
            found = by(&|f, _| f.cf.standard_name.as_deref() == variable.standard_name);
        }
        if found.len() > 1 {
            found.retain(|f| fits_axis(f.level.kind, variable.axis));
        }
        found
    }
}

/// Whether `found` is `name`, with any level for a `*`, and with `_` for what is not allowed in names everywhere.
pub(crate) fn is_name(name: &str, found: &str) -> bool {
    let plain = |text: &str| text.replace(['-', '.', '/', ' '], "_");
    let same = |a: &str, b: &str| a == b || plain(a) == plain(b);
    match name.strip_suffix('*') {
        Some(start) => {
            let bare = start.trim_end_matches(['_', '-']);
            let level = plain(found).strip_prefix(&plain(start)).is_some_and(|rest| !rest.is_empty());
            same(bare, found) || level
        }
        None => same(name, found),
    }
}

/// Kinds of levels that need an axis of their own have it; the others have none.
fn fits_axis(kind: LevelKind, axis: Option<LevelKind>) -> bool {
    let needs_axis = matches!(kind, LevelKind::Isobaric | LevelKind::OceanDepth | LevelKind::SoilLayer);
    match axis {
        // Files say "depth" of both.
        Some(LevelKind::OceanDepth | LevelKind::SoilLayer) => matches!(kind, LevelKind::OceanDepth | LevelKind::SoilLayer),
        Some(axis) => kind == axis,
        None => !needs_axis,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(convention: Convention, variable: Matched<'_>) -> Vec<String> {
        let catalogue = Catalogue::load().expect("it is tested");
        catalogue.candidates(convention, variable).iter().map(|f| f.id.clone()).collect()
    }

    #[test]
    fn names_find_their_fields() {
        let named = |convention, name, axis| ids(convention, Matched { name, axis, ..Matched::default() });
        assert_eq!(named(Convention::Rpn, "GZ", None), ["geopotential_height_pl"]);
        assert_eq!(named(Convention::Eccc, "TMP_AGL-2m", None), ["air_temperature_2m"]);
        assert_eq!(named(Convention::Eccc, "TMP_AGL_2m", None), ["air_temperature_2m"]);
        assert_eq!(named(Convention::Eccc, "TMP_ISBL_0500", None), ["air_temperature_pl"]);
        assert_eq!(named(Convention::Eccc, "TMP_ISBL", None), ["air_temperature_pl"]);
        assert_eq!(named(Convention::ClimateDt, "2t", None), ["air_temperature_2m"]);
        assert_eq!(named(Convention::ClimateDt, "t2m", None), ["air_temperature_2m"]);
        assert_eq!(named(Convention::ExtremesDt, "fg10", None), ["wind_gust_10m"]);
        assert_eq!(named(Convention::Cf, "snow_depth", None), ["snow_depth"]);
        assert!(named(Convention::Cf, "TT", None).is_empty());
    }

    #[test]
    fn the_vertical_axis_decides_between_namesakes() {
        let named = |convention, name, axis| ids(convention, Matched { name, axis, ..Matched::default() });
        assert_eq!(named(Convention::Rpn, "TT", None), ["air_temperature_2m"]);
        assert_eq!(named(Convention::Rpn, "TT", Some(LevelKind::HeightAboveGround)), ["air_temperature_2m"]);
        assert_eq!(named(Convention::Rpn, "TT", Some(LevelKind::Isobaric)), ["air_temperature_pl"]);
        assert_eq!(named(Convention::ClimateDt, "z", Some(LevelKind::Isobaric)), ["geopotential_height_pl"]);
        assert_eq!(named(Convention::ClimateDt, "z", None), ["surface_altitude"]);
        assert_eq!(named(Convention::Eccc, "votemper", Some(LevelKind::OceanDepth)), ["sea_water_potential_temperature"]);
        assert_eq!(named(Convention::Eccc, "votemper", None), ["sea_surface_temperature"]);
    }

    #[test]
    fn a_param_id_counts_more_than_a_name() {
        let with = |name, param| ids(Convention::ExtremesDt, Matched { name, param: Some(param), ..Matched::default() });
        assert_eq!(with("var167", 167), ["air_temperature_2m"]);
        assert_eq!(with("2t", 168), ["dew_point_temperature_2m"]);
    }

    #[test]
    fn conventions_are_spelt_as_they_are_read() {
        for convention in Convention::all() {
            assert_eq!(convention.to_string().parse(), Ok(convention));
        }
        assert_eq!("destine".parse(), Ok(Convention::ClimateDt));
        assert!("ecmwf".parse::<Convention>().is_err());
    }
}
