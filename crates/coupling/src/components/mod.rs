//! The components that come with Knarr, one file each.
//!
//! | kind | is | has |
//! |---|---|---|
//! | `analytic` | a box that relaxes to what it imports, for tests | heat |
//! | `stream` | fields of a NetCDF file, interpolated in time | - |
//! | `climatology` | an atmosphere of formulas, where data lack | - |
//! | `geosphere` | relief, land fraction: fields that do not change | - |
//! | `bulk_flux` | the mediator between air and sea | - |
//! | `slab_ocean` | a mixed layer of one temperature | heat, water |
//! | `sea_ice` | ice without heat capacity on part of each cell | heat, water |
//! | `land_bucket` | soil water | water |
//! | `river_routing` | reservoirs or channels down the relief | water |
//! | `fire_weather` | the six codes of the Canadian system | - |
//! | `sink` | the end of the modelled part | - |

mod analytic;
mod bulk_flux;
mod climatology;
mod fire_weather;
mod geosphere;
mod inputs;
mod land_bucket;
#[cfg(feature = "gpu")]
mod on_device;
mod river_routing;
mod sea_ice;
mod sink;
mod slab_ocean;
mod stream;
#[cfg(test)]
mod tests;

pub use analytic::Analytic;
pub use bulk_flux::BulkFlux;
pub use climatology::Climatology;
pub use fire_weather::FireWeather;
pub use geosphere::Geosphere;
pub use land_bucket::LandBucket;
pub use river_routing::RiverRouting;
pub use sea_ice::SeaIce;
pub use sink::Sink;
pub use slab_ocean::SlabOcean;
pub use stream::Stream;

use crate::Registry;

impl Registry {
    /// All kinds that come with Knarr.
    pub fn built_in() -> Self {
        Self::new()
            .with_told("analytic", Analytic::make, Analytic::about())
            .with_told("bulk_flux", BulkFlux::make, BulkFlux::about())
            .with_told("climatology", Climatology::make, Climatology::about())
            .with_told("fire_weather", FireWeather::make, FireWeather::about())
            .with_told("geosphere", Geosphere::make, Geosphere::about())
            .with_told("land_bucket", LandBucket::make, LandBucket::about())
            .with_told("river_routing", RiverRouting::make, RiverRouting::about())
            .with_told("sea_ice", SeaIce::make, SeaIce::about())
            .with_told("sink", Sink::make, Sink::about())
            .with_told("slab_ocean", SlabOcean::make, SlabOcean::about())
            .with_told("stream", Stream::make, Stream::about())
    }
}
