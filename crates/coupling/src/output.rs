//! Exports written as NetCDF: one file for each component and stretch of the run.

use crate::error::RunError;
use crate::plan::{Plan, PlannedComponent};
use crate::{Export, Fields, Instant, Nature, Statistic};
use knarr_field::{Attribute, Attributes, NumberType};
use knarr_io::nc::{Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use knarr_io::{IoError, LayoutData, output_layout};
use std::ops::Range;
use std::path::PathBuf;

/// What stands where a value is missing: the library's default for double precision.
const FILL: f64 = 9.969_209_968_386_869e36;

/// Files being written; a stretch ends where a state is kept, so that a run that goes on from there finds all before it.
pub struct Output<'p> {
    plan: &'p Plan,
    folder: PathBuf,
    open: Vec<Option<Stretch>>,
}

struct Stretch {
    file: NewFile,
    records: usize,
}

impl<'p> Output<'p> {
    /// Nothing written yet.
    pub fn new(plan: &'p Plan, folder: PathBuf) -> Self {
        Self { plan, folder, open: plan.components.iter().map(|_| None).collect() }
    }

    /// Writes the exports of a component, which has come to `at_s` seconds after the start.
    ///
    /// # Errors
    /// [`RunError::Io`]; [`RunError::Regrid`] if they cannot be copied from a device.
    pub fn record(&mut self, component: usize, exports: &Fields, at_s: i64) -> Result<(), RunError> {
        let planned = &self.plan.components[component];
        let fields: Vec<&Export> = self.fields(component).collect();
        if fields.is_empty() {
            return Ok(());
        }
        if self.open[component].is_none() {
            self.open[component] = Some(self.start(planned, &fields, at_s)?);
        }
        let Some(stretch) = &mut self.open[component] else { return Ok(()) };
        let at = stretch.records..stretch.records + 1;
        stretch.file.put_numbers("time", std::slice::from_ref(&at), &Numbers::F64(vec![at_s as f64]))?;
        let bounds = vec![(at_s - planned.step_s) as f64, at_s as f64];
        stretch.file.put_numbers("time_bnds", &[at.clone(), 0..2], &Numbers::F64(bounds))?;
        for export in fields {
            let grid = &planned.declaration.grids[export.grid].grid;
            let Some(values) = exports.position(&export.name).and_then(|position| exports.at(position)) else { continue };
            let values = values.host()?;
            let value = |cell: usize| values.get(cell).filter(|_| grid.mask.is_active(cell)).unwrap_or(FILL);
            let numbers = Numbers::F64((0..grid.len()).map(value).collect());
            let part: Vec<Range<usize>> = std::iter::once(at.clone()).chain(grid.shape.iter().map(|&n| 0..n)).collect();
            stretch.file.put_numbers(&export.name, &part, &numbers)?;
        }
        stretch.records += 1;
        Ok(())
    }

    /// Ends the stretch: its files get their names.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn finish(&mut self) -> Result<(), RunError> {
        for stretch in self.open.iter_mut().filter_map(Option::take) {
            stretch.file.finish()?;
        }
        Ok(())
    }

    fn fields(&self, component: usize) -> impl Iterator<Item = &'p Export> {
        let exports = &self.plan.components[component].declaration.exports;
        self.plan.output.fields.iter().filter(move |(c, _)| *c == component).map(|&(_, e)| &exports[e])
    }

    /// A file with its grid; components with fields on several grids have the coordinates of each.
    fn start(&self, planned: &PlannedComponent, fields: &[&Export], at_s: i64) -> Result<Stretch, IoError> {
        let label = Instant(self.plan.start.0 + at_s).label(self.plan.calendar).replace([':', '-'], "");
        let path = self.folder.join(format!("{}_{label}.nc", planned.name));
        let mut file = NewFile::create(&path, true)?;
        let mut attributes = Attributes::new();
        attributes.set("Conventions", "CF-1.13");
        if let Some(title) = &self.plan.title {
            attributes.set("title", title.as_str());
        }
        attributes.set("source", format!("component {} ({}) of knarr couple", planned.name, planned.kind));
        file.add_attributes(&attributes)?;
        file.add_dimension("time", 0, true)?;
        file.add_dimension("bnds", 2, false)?;
        let mut time = Attributes::new();
        time.set("standard_name", "time");
        time.set("units", format!("seconds since {}", Instant(self.plan.start.0).date_time(self.plan.calendar)));
        time.set("calendar", self.plan.calendar.name());
        time.set("bounds", "time_bnds");
        file.add_variable(&variable("time", &["time"], NumberType::F64, time, None))?;
        file.add_variable(&variable("time_bnds", &["time", "bnds"], NumberType::F64, Attributes::new(), None))?;
        let mut grids: Vec<usize> = fields.iter().map(|e| e.grid).collect();
        grids.sort_unstable();
        grids.dedup();
        let mut filled = Vec::new();
        for &g in &grids {
            // Names of a second grid would clash with those of the first.
            let prefix = if g == grids[0] { String::new() } else { format!("{}_", planned.declaration.grids[g].name) };
            let grid = &planned.declaration.grids[g].grid;
            let layout = output_layout(grid);
            let rename = |name: &str| format!("{prefix}{name}");
            for (name, len) in &layout.dims {
                if rename(name) != "bnds" {
                    file.add_dimension(&rename(name), *len, false)?;
                }
            }
            for own in &layout.variables {
                let number = if matches!(own.data, LayoutData::F64(_)) { NumberType::F64 } else { NumberType::I32 };
                let dims: Vec<String> = own.dims.iter().map(|d| rename(d)).collect();
                let dims: Vec<&str> = dims.iter().map(String::as_str).collect();
                file.add_variable(&variable(&rename(&own.name), &dims, number, renamed(&own.attributes, &prefix), None))?;
            }
            let horizontal: Vec<String> = layout.dims.iter().take(grid.shape.len()).map(|(name, _)| rename(name)).collect();
            for export in fields.iter().filter(|e| e.grid == g) {
                let dims: Vec<&str> = std::iter::once("time").chain(horizontal.iter().map(String::as_str)).collect();
                let mut attributes = field_attributes(export);
                if let Some(coordinates) = &layout.coordinates {
                    let names: Vec<String> = coordinates.split_whitespace().map(rename).collect();
                    attributes.set("coordinates", names.join(" "));
                }
                if let Some(mapping) = &layout.grid_mapping {
                    attributes.set("grid_mapping", rename(mapping));
                }
                for (name, value) in layout.data_attributes.iter() {
                    attributes.set(name, value.clone());
                }
                let chunks = std::iter::once(1).chain(grid.shape.iter().copied()).collect();
                file.add_variable(&variable(&export.name, &dims, NumberType::F64, attributes, Some(chunks)))?;
            }
            filled.push((prefix, layout));
        }
        for (prefix, layout) in filled {
            let len = |dim: &String| layout.dims.iter().find(|(name, _)| name == dim).map_or(0, |(_, len)| *len);
            for own in &layout.variables {
                let part: Vec<Range<usize>> = own.dims.iter().map(|dim| 0..len(dim)).collect();
                let numbers = match &own.data {
                    LayoutData::None => Numbers::I32(vec![0]),
                    LayoutData::F64(v) => Numbers::F64(v.clone()),
                    LayoutData::I32(v) => Numbers::I32(v.clone()),
                };
                file.put_numbers(&format!("{prefix}{}", own.name), &part, &numbers)?;
            }
        }
        Ok(Stretch { file, records: 0 })
    }
}

fn field_attributes(export: &Export) -> Attributes {
    let mut attributes = Attributes::new();
    // Fields outside of the table of standard names have one made of their own words.
    attributes.set("standard_name", export.standard_name.as_str());
    attributes.set("units", export.units.as_str());
    let over_time = match export.statistic {
        Statistic::Point => "point",
        Statistic::Mean => "mean",
        Statistic::Sum => "sum",
        Statistic::Minimum => "minimum",
        Statistic::Maximum => "maximum",
    };
    let over_area = if export.nature == Nature::Amount { "sum" } else { "mean" };
    attributes.set("cell_methods", format!("area: {over_area} time: {over_time}"));
    attributes
}

/// Attributes whose texts name other variables of the grid.
fn renamed(attributes: &Attributes, prefix: &str) -> Attributes {
    let mut out = Attributes::new();
    for (name, value) in attributes.iter() {
        let names = matches!(name, "bounds" | "node_coordinates" | "face_coordinates" | "face_node_connectivity" | "coordinates");
        match value.text() {
            Some(text) if names && !prefix.is_empty() => {
                let list: Vec<String> = text.split_whitespace().map(|word| format!("{prefix}{word}")).collect();
                out.set(name, Attribute::Text(list.join(" ")));
            }
            _ => out.set(name, value.clone()),
        }
    }
    out
}

fn variable(name: &str, dims: &[&str], number: NumberType, attributes: Attributes, chunks: Option<Vec<usize>>) -> NewVariable {
    let is_field = chunks.is_some();
    NewVariable {
        name: name.to_owned(),
        dims: dims.iter().map(|&d| d.to_owned()).collect(),
        value_type: ValueType::Number(number),
        attributes,
        fill: is_field.then_some(FILL),
        chunks,
        compressed: is_field,
    }
}
