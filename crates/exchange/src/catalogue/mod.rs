//! The field catalogue: what both sides call a field, in which units, statistic and direction, and how it is regridded.

mod convention;
mod field;
mod grid;
mod operation;
mod search;

pub(crate) use convention::is_name;
pub use convention::{Convention, Entry, Matched};
pub use field::{
    Access, Alternate, Availability, Cf, DestineNames, Domain, EcccNames, Field, FieldMethod, FieldRegrid, Grib2Names, Level,
    LevelKind, Licence, LicenceKeys, Membership, Ratio, RatioNames, RpnName, SoilLayers,
};
pub use grid::{GridEntry, GridStatus, OneOrTwo, Winds};
pub use operation::{Operation, OperationError};
pub use search::{Hits, Strength};

use serde::Deserialize;

/// Why there is no catalogue, or not what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The data do not parse.
    #[error("the field catalogue is broken: {0}")]
    Broken(#[from] toml::de::Error),
    /// No field has that id.
    #[error("no field `{id}` in the catalogue{}", if .near.is_empty() { String::new() } else { format!(", did you mean {}?", .near.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")) })]
    NoField {
        /// What was asked for.
        id: String,
        /// Ids that look alike.
        near: Vec<String>,
    },
}

/// Fields, licences and grids of the exchange.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Fields, in the order of the catalogue.
    pub fields: Vec<Field>,
    /// Licences the fields refer to.
    pub licences: Vec<Licence>,
    /// Grids of both sides.
    pub grids: Vec<GridEntry>,
    /// Soil layers of the models.
    pub soil_layers: Vec<SoilLayers>,
    /// Quantities that are ratios of two fields.
    pub ratios: Vec<Ratio>,
    /// The canonical form in words.
    pub canonical: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsFile {
    canonical: String,
    licence: Vec<Licence>,
    soil_layers: Vec<SoilLayers>,
    ratio: Vec<Ratio>,
    field: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GridsFile {
    #[expect(dead_code, reason = "read so that the file cannot lack it")]
    earth_radius_m: f64,
    grid: Vec<GridEntry>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    ///
    /// ```
    /// use knarr_exchange::Catalogue;
    /// let catalogue = Catalogue::load()?;
    /// assert_eq!(catalogue.fields.len(), 60);
    /// assert_eq!(catalogue.field("geopotential_height_pl")?.eccc.rpn.as_ref().unwrap().nomvar, "GZ");
    /// # Ok::<(), knarr_exchange::catalogue::CatalogueError>(())
    /// ```
    ///
    /// # Errors
    /// [`CatalogueError::Broken`], which the tests of this crate rule out.
    pub fn load() -> Result<Self, CatalogueError> {
        let fields: FieldsFile = toml::from_str(include_str!("../../data/fields.toml"))?;
        let grids: GridsFile = toml::from_str(include_str!("../../data/grids.toml"))?;
        Ok(Self {
            fields: fields.field,
            licences: fields.licence,
            grids: grids.grid,
            soil_layers: fields.soil_layers,
            ratios: fields.ratio,
            canonical: fields.canonical,
        })
    }

    /// The field with that id.
    ///
    /// # Errors
    /// [`CatalogueError::NoField`] with ids that look alike.
    pub fn field(&self, id: &str) -> Result<&Field, CatalogueError> {
        self.fields.iter().find(|f| f.id == id).ok_or_else(|| CatalogueError::NoField {
            id: id.to_owned(),
            near: knarr_field::near(id, self.fields.iter().map(|f| f.id.as_str())),
        })
    }

    /// The licence with that key.
    pub fn licence(&self, key: &str) -> Option<&Licence> {
        self.licences.iter().find(|l| l.key == key)
    }

    /// The grid with that id.
    pub fn grid(&self, id: &str) -> Option<&GridEntry> {
        self.grids.iter().find(|g| g.id == id)
    }
}
