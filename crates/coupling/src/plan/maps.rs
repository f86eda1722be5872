//! The way of an exchange from grid to grid.

use super::build::Builder;
use crate::Nature;
use crate::document::Placed;
use crate::experiment::{ExchangeEntry, MapEntry};
use crate::findings::Finding;
use crate::mapping::{Mapping, Methods};
use knarr_grid::Grid;
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn mapping(
        &mut self,
        entry: &Placed<ExchangeEntry>,
        from: &Arc<Grid>,
        to: &Arc<Grid>,
        nature: Nature,
        defaults: &mut Vec<(&'static str, String)>,
    ) -> Option<usize> {
        let same =
            Arc::ptr_eq(from, to) || from.len() == to.len() && knarr_regrid::content_hash(from) == knarr_regrid::content_hash(to);
        let corners = from.has_corners() && to.has_corners();
        let (place, text, normalization) = match &entry.map {
            Some(text) => {
                let named: Option<&MapEntry> = self.experiment.maps.find(text);
                let methods = named.map_or(text, |named| &named.methods);
                (text.place, methods.value.clone(), named.and_then(|n| n.normalization))
            }
            None => {
                let text = match nature {
                    _ if same => "same",
                    Nature::Flux if corners => "conservative",
                    Nature::Amount => "spread",
                    _ => "bilinear",
                };
                defaults.push(("map", text.to_owned()));
                (entry.place, text.to_owned(), None)
            }
        };
        let parsed = Methods::parse(&text, nature, normalization.map(Into::into));
        let mut methods = match parsed {
            Ok(methods) => methods,
            Err(problem) => {
                let maps: Vec<&str> = self.experiment.maps.names().collect();
                let near = crate::document::nearest(&text, maps.iter().copied());
                let finding = Finding::error("map", place, problem);
                self.findings.add(match near.first() {
                    Some(near) => finding.hint(format!("did you mean `{near}`, a map of this experiment?")),
                    None => finding,
                });
                return None;
            }
        };
        if methods.stack.is_none() && !same {
            let message = "`map: same` is for two components on one grid, and these grids differ";
            self.findings.add(Finding::error("map", place, message).hint("name a method, such as `map: bilinear`"));
            return None;
        }
        // On one and the same grid every mean is the value itself.
        if same && !methods.spreads() {
            methods.stack = None;
        }
        let found = self.mappings.iter().position(|m| {
            m.methods == methods
                && (Arc::ptr_eq(&m.source, from) || *m.source == **from)
                && (Arc::ptr_eq(&m.destination, to) || *m.destination == **to)
        });
        if let Some(found) = found {
            return Some(found);
        }
        match Mapping::new(from, to, methods, self.cache.as_ref()) {
            Ok(mapping) => {
                self.mappings.push(mapping);
                Some(self.mappings.len() - 1)
            }
            Err(error) => {
                let finding = Finding::error("map", place, format!("`{text}`: {error}"));
                self.findings.add(finding.hint("`bilinear`, `distance` and `nearest` need no cell corners"));
                None
            }
        }
    }
}
