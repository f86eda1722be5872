//! One row of the catalogue.

use super::Operation;
use crate::units::Bridge;
use serde::{Deserialize, Serialize};

/// A field that both sides can share.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Our stable name; never reused. Canonical files name their variables so.
    pub id: String,
    /// Part of the Earth system.
    pub domain: Domain,
    /// Title.
    pub name: String,
    /// Name and units in exchanged files.
    pub cf: Cf,
    /// Where in the vertical.
    pub level: Level,
    /// Canonical statistic; `time: mean` replaces every accumulation.
    pub cell_methods: String,
    /// Direction of positive values in the canonical form.
    pub positive: Option<String>,
    /// Hard limits in canonical units.
    pub valid_range: [f64; 2],
    /// How it is regridded.
    pub regrid: FieldRegrid,
    /// A second quantity that stands for this one.
    pub bridge: Option<Bridge>,
    /// Units texts that do not change the number, as for practical salinity.
    #[serde(default)]
    pub unit_labels: Vec<String>,
    /// Traps between the two sides.
    pub differences: String,
    /// Keys of licences.
    pub licence: LicenceKeys,
    /// Who can fetch it today.
    pub access: Access,
    /// Open questions; not empty: do not release without a look.
    pub unverified: Vec<String>,
    /// What ECCC calls it.
    pub eccc: EcccNames,
    /// What the Climate DT calls it.
    pub climate_dt: DestineNames,
    /// What the Extremes DT calls it.
    pub extremes_dt: DestineNames,
}

impl Field {
    /// Whether both sides give the field to anyone with (free) access and a twin lists or is expected to list it.
    ///
    /// ECCC fields are open to all; those of the twins need an account, free of charge but granted by upgraded access.
    pub fn is_open_on_both_sides(&self) -> bool {
        let in_twin =
            [&self.climate_dt, &self.extremes_dt].iter().any(|t| matches!(t.member, Membership::Listed | Membership::Expected));
        self.access.eccc == Availability::Anonymous && in_twin
    }

    /// Whether it lives on soil layers.
    pub fn is_on_soil_layers(&self) -> bool {
        self.level.kind == LevelKind::SoilLayer
    }

    /// Whether it is a component along an axis, with a partner.
    pub fn is_vector(&self) -> bool {
        self.regrid.vector_with.is_some()
    }
}

/// Part of the Earth system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the part it names")]
pub enum Domain {
    Atmosphere,
    Hydrosphere,
    Cryosphere,
    Biosphere,
    Geosphere,
}

/// Name and units in exchanged files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cf {
    /// CF standard name; none where CF has none.
    pub standard_name: Option<String>,
    /// Canonical units.
    pub units: String,
    /// Units of the standard-name table.
    pub table_units: Option<String>,
    /// Whether the name was found in the table.
    pub verified: bool,
}

/// Where in the vertical a field is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Kind of level.
    #[serde(rename = "type")]
    pub kind: LevelKind,
    /// The level, if there is just one.
    pub value: Option<f64>,
    /// Units of levels.
    pub units: Option<String>,
}

/// Kinds of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the level it names")]
pub enum LevelKind {
    AtmosphereColumn,
    HeightAboveGround,
    Isobaric,
    MeanSeaLevel,
    OceanDepth,
    RiverChannel,
    RiverOrLakeSurface,
    SeaFloor,
    SeaSurface,
    SoilLayer,
    Surface,
    TopOfAtmosphere,
}

/// How a field is regridded.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRegrid {
    /// The method.
    pub method: FieldMethod,
    /// Where values exist.
    pub mask: Option<String>,
    /// Id of the other component, which must be handled together with this one.
    pub vector_with: Option<String>,
}

/// Methods of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldMethod {
    /// Fluxes, amounts, fractions, tracers.
    Conservative,
    /// Temperatures, pressures, heights; vectors after rotation.
    Bilinear,
    /// Classes and what belongs to a place.
    Nearest,
}

impl FieldMethod {
    /// The method of the regridder.
    pub fn method(self) -> knarr_regrid::Method {
        match self {
            Self::Conservative => knarr_regrid::Method::Conservative,
            Self::Bilinear => knarr_regrid::Method::Bilinear,
            Self::Nearest => knarr_regrid::Method::Nearest,
        }
    }
}

/// Keys of the licences of both sides.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceKeys {
    /// Of ECCC's data.
    pub eccc: String,
    /// Of DestinE's data.
    pub destine: String,
}

/// Who can fetch a field today.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// From ECCC.
    pub eccc: Availability,
    /// From DestinE.
    pub destine: Availability,
}

/// Ways to get at a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Anyone, without an account.
    Anonymous,
    /// Anyone with an account.
    AccountOpen,
    /// Holders of upgraded access.
    AccountUpgraded,
    /// From other fields.
    Derivable,
    /// Nobody outside.
    NotDistributed,
    /// Not known.
    Unknown,
}

/// What ECCC calls a field.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EcccNames {
    /// Name and units inside RPN files.
    pub rpn: Option<RpnName>,
    /// Names of GRIB2 files on the Datamart; `*` stands for the level.
    pub grib2: Option<Grib2Names>,
    /// Names of NetCDF variables.
    #[serde(default)]
    pub netcdf: Vec<String>,
    /// Which products use those names, and in which units.
    pub netcdf_note: Option<String>,
    /// Other names under which a related quantity comes.
    #[serde(default)]
    pub alternates: Vec<Alternate>,
    /// Systems that carry the field.
    pub products: Vec<String>,
    /// Statistic really found in GRIB2 and NetCDF, in words.
    pub time: String,
    /// Units really found there.
    pub units: String,
    /// Units that some files claim, wrongly.
    pub mislabelled: Option<String>,
    /// From GRIB2 and NetCDF values to canonical ones.
    pub to_canonical: Vec<Operation>,
}

/// A name for a related quantity.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Alternate {
    /// The name.
    pub name: String,
    /// Its units.
    pub units: String,
    /// From its values to those of the field.
    pub to_canonical: Vec<Operation>,
}

/// A name in ECCC's operational dictionary of variables.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RpnName {
    /// The name, up to four characters.
    pub nomvar: String,
    /// Its units.
    pub units: String,
    /// Whether it was found in the dictionary.
    pub verified: bool,
    /// What is odd about it.
    pub note: Option<String>,
}

/// Tokens of file names on the Datamart.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grib2Names {
    /// HRDPS style: `TMP_AGL-2m`.
    pub abbrev_name: String,
    /// Whether it was found in the tables or in working downloaders.
    pub abbrev_name_verified: bool,
    /// GDPS and RDPS style since 2026: `AirTemp_AGL-2m`.
    pub long_name: Option<String>,
    /// Whether it was found.
    pub long_name_verified: Option<bool>,
}

/// What a twin of DestinE calls a field.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DestineNames {
    /// Short name of ecCodes.
    pub short: Option<String>,
    /// `paramId` of ecCodes.
    pub param: Option<u32>,
    /// Units of the values.
    pub units: Option<String>,
    /// Statistic, in words.
    pub time: Option<String>,
    /// From values to canonical ones.
    #[serde(default)]
    pub to_canonical: Vec<Operation>,
    /// Whether the twin has it.
    pub member: Membership,
    /// Whether short name and `paramId` were found together in ecCodes.
    #[serde(default)]
    pub id_verified: bool,
    /// `discipline.category.number` of GRIB2; `local1` needs ECMWF's local table.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Units in ecCodes.
    #[serde(default)]
    pub eccodes_units: Vec<String>,
}

/// Whether a twin has a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// Seen in its published list.
    Listed,
    /// Standard output of its model, list not seen in full.
    Expected,
    /// The id exists, membership was not seen.
    Unlisted,
    /// From other fields.
    Derivable,
    /// It has not.
    No,
}

/// Terms of use.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// How fields refer to it.
    pub key: String,
    /// Its identifier.
    pub id: String,
    /// Its SPDX identifier, if it has one.
    pub spdx: Option<String>,
    /// The sentence to print; none: take it from the accepted terms.
    pub attribution: Option<String>,
    /// Another sentence that serves.
    pub alt_attribution: Option<String>,
    /// Whether commercial use is allowed; none: not known.
    pub commercial: Option<bool>,
    /// Whether derived works must have the same licence; none: not known.
    pub share_alike: Option<bool>,
    /// Whether the text was read.
    pub verified: bool,
    /// What to know.
    pub note: Option<String>,
}

/// Layers of a soil model.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SoilLayers {
    /// Its name.
    pub id: String,
    /// Who uses them.
    pub used_by: String,
    /// Depths of the interfaces in metres, from the surface down.
    pub interfaces_m: Vec<f64>,
}

/// A quantity that is one field over another.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Its name.
    pub id: String,
    /// Title.
    pub name: String,
    /// CF standard name.
    pub standard_name: String,
    /// Canonical units.
    pub units: String,
    /// Id of the field above the line.
    pub numerator: String,
    /// Id of the field below the line.
    pub denominator: String,
    /// The ratio is missing where the denominator is less, in canonical units.
    pub least_denominator: f64,
    /// What it is called.
    pub names: RatioNames,
    /// Hard limits in canonical units.
    pub valid_range: [f64; 2],
}

/// Names of a ratio.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RatioNames {
    /// In RPN files.
    pub rpn: Option<String>,
    /// In ECCC's GRIB2 and NetCDF files.
    #[serde(default)]
    pub eccc: Vec<String>,
    /// Short name of ecCodes.
    pub destine: Option<String>,
    /// `paramId` of ecCodes.
    pub param: Option<u32>,
}
