//! The components that come with Knarr, one file each.

mod analytic;

pub use analytic::Analytic;

use crate::Registry;

impl Registry {
    /// All kinds that come with Knarr.
    pub fn built_in() -> Self {
        Self::new().with("analytic", Analytic::make)
    }
}
