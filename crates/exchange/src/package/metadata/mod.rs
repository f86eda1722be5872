//! What the package says about itself to catalogues, one file for each convention.

mod odrl;
mod prov;
mod stac;
mod wcmp2;
mod wnm;

pub(super) use odrl::odrl;
pub(super) use prov::prov;
pub(super) use stac::stac_item;
pub(super) use wcmp2::wcmp2;
pub(super) use wnm::wnm;

use super::release::PayloadEntry;
use crate::gate::{Payload, Report};
use crate::instant::Instant;
use crate::policy::{Licence, Policy, Statement};
use serde_json::{Value, json};

/// What all of them are made of.
pub(super) struct Subject<'a> {
    pub policy: &'a Policy,
    pub statement: &'a Statement,
    pub licence: &'a Licence,
    pub report: &'a Report,
    pub payload: &'a [Payload],
    pub entries: &'a [PayloadEntry],
}

impl Subject<'_> {
    /// First and last time over all files.
    pub fn times(&self) -> Option<[Instant; 2]> {
        let all = || self.payload.iter().filter_map(|p| p.times);
        Some([all().map(|t| t[0]).min()?, all().map(|t| t[1]).max()?])
    }

    /// West, south, east, north over all files, degrees.
    pub fn bbox(&self) -> [f64; 4] {
        let bound = |k: usize, fold: fn(i64, i64) -> i64| {
            self.payload.iter().map(|p| p.extent[k]).reduce(fold).unwrap_or(0) as f64 / 100.0
        };
        [bound(0, i64::min), bound(1, i64::min), bound(2, i64::max), bound(3, i64::max)]
    }

    /// The box as a GeoJSON polygon.
    pub fn geometry(&self) -> Value {
        let [west, south, east, north] = self.bbox();
        json!({"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]})
    }

    /// Address of a file of the package where it is offered.
    pub fn address(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.policy.producer.distribution_url.trim_end_matches('/'), self.statement.release_id)
    }

    /// Identifier of the discovery record.
    pub fn record_id(&self) -> String {
        format!("urn:wmo:md:{}:{}", self.policy.producer.centre_id, self.statement.release_id)
    }
}

/// Pretty JSON with a newline: people read these files too. Keys are in order, so the same value has the same bytes.
pub(super) fn text(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("values have a text");
    bytes.push(b'\n');
    bytes
}
