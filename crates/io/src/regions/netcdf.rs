//! Statistics by region as NetCDF: a dimension `region` with names and areas, times and levels as in the source.

use super::series::{NamedStatistic, RegionReport, RegionSeries, RegionsRequest};
use crate::nc::ValueType;
use crate::nc_write::{NewFile, NewVariable, numbers_of};
use crate::plan::Plan;
use crate::{Dataset, GridLayout, IoError, LayoutData, LayoutVariable, SlabOrder};
use knarr_field::{Attributes, CellMethod, CellMethods, NumberType};
use knarr_regrid::regions::{RegionEdges, Statistic};
use std::ops::Range;

/// The NetCDF library's default fill value.
const FILL: f64 = 9.969_209_968_386_869e36;
const NAME: &str = "region_name";

pub(super) fn write(request: &RegionsRequest, dataset: &Dataset, plan: &Plan, report: &RegionReport) -> Result<(), IoError> {
    let layout = layout(request, report);
    let mut plan = plan.clone();
    plan.give_way_to(&layout);
    let mut file = NewFile::create(&request.output, request.overwrite)?;
    crate::carry::define(&mut file, dataset, &plan, &layout, &request.history)?;
    let long_name = [("long_name", "name of the region")].into_iter().collect();
    file.add_variable(&NewVariable {
        name: NAME.to_owned(),
        dims: vec!["region".to_owned()],
        value_type: ValueType::String,
        attributes: long_name,
        fill: None,
        chunks: None,
        compressed: false,
    })?;
    let mut dims_of = Vec::with_capacity(report.variables.len());
    for variable in &report.variables {
        let info = dataset.variable(&variable.name)?;
        let (_, grid) = plan.regridded.iter().find(|(name, _)| *name == variable.name).expect("the series follow the plan");
        let order = SlabOrder::new(dataset, info, grid)?;
        let mut dims: Vec<String> =
            order.extra.iter().map(|&i| plan.dim_name(&layout, &info.dims[i].0, info.dims[i].1)).collect();
        dims.push("region".to_owned());
        let lens: Vec<usize> = variable.dims.iter().map(|(_, labels)| labels.len()).chain([report.regions.len()]).collect();
        for statistic in &request.statistics {
            file.add_variable(&NewVariable {
                name: format!("{}_{}", variable.name, statistic.name),
                dims: dims.clone(),
                value_type: ValueType::Number(NumberType::F64),
                attributes: attributes(variable, statistic, &grid.dims),
                fill: Some(FILL),
                chunks: chunks(&lens),
                compressed: true,
            })?;
        }
        dims_of.push(lens);
    }
    crate::carry::fill(&mut file, dataset, &plan, &layout)?;
    let regions = report.regions.len();
    let names: Vec<String> = report.regions.iter().map(|r| r.name.clone()).collect();
    file.put_texts(NAME, &[regions], &names)?;
    for (variable, lens) in report.variables.iter().zip(dims_of) {
        for (k, statistic) in request.statistics.iter().enumerate() {
            let found: Vec<Option<f64>> = variable.values.iter().skip(k).step_by(request.statistics.len()).copied().collect();
            let (values, valid): (Vec<f64>, Vec<bool>) = found.iter().map(|v| (v.unwrap_or(0.0), v.is_some())).unzip();
            let part: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
            let numbers = numbers_of(NumberType::F64, &values, &valid, FILL);
            file.put_numbers(&format!("{}_{}", variable.name, statistic.name), &part, &numbers)?;
        }
    }
    file.finish()
}

/// Whole tables up to 4 MiB: one step at a time would make a chunk of a few numbers along a dimension that grows.
fn chunks(lens: &[usize]) -> Option<Vec<usize>> {
    let chunks: Vec<usize> = lens.iter().map(|&len| len.clamp(1, 4096)).collect();
    (chunks.iter().product::<usize>() * 8 <= 4 << 20).then_some(chunks)
}

fn layout(request: &RegionsRequest, report: &RegionReport) -> GridLayout {
    let edges = match request.edges {
        RegionEdges::LonLat => "edges are straight in longitude and latitude",
        RegionEdges::GreatCircle => "edges are great circles",
    };
    let comment = format!("on a sphere of radius {} m; {edges}", super::series::AUTHALIC_RADIUS_M);
    let variable = |name: &str, values: Vec<f64>, attributes: &[(&str, &str)]| LayoutVariable {
        name: name.to_owned(),
        dims: vec!["region".to_owned()],
        data: LayoutData::F64(values),
        attributes: attributes.iter().copied().collect(),
    };
    let areas = report.regions.iter().map(|r| r.area_m2).collect();
    let covered = report.regions.iter().map(|r| r.covered).collect();
    let area_names =
        [("standard_name", "area"), ("long_name", "area of the region"), ("units", "m2"), ("comment", comment.as_str())];
    let covered_names = [("long_name", "part of the region that cells of the grid cover"), ("units", "1")];
    GridLayout {
        dims: vec![("region".to_owned(), report.regions.len())],
        variables: vec![variable("region_area", areas, &area_names), variable("region_covered", covered, &covered_names)],
        coordinates: Some(NAME.to_owned()),
        grid_mapping: None,
        data_attributes: Attributes::new(),
    }
}

/// What holds of a statistic over a region.
fn attributes(variable: &RegionSeries, statistic: &NamedStatistic, horizontal: &[String]) -> Attributes {
    let source = &variable.attributes;
    let mut attributes = Attributes::new();
    let (words, method, keeps_name) = match statistic.statistic {
        Statistic::Mean => ("area-weighted mean".to_owned(), "mean", true),
        Statistic::Integral => ("integral over the area".to_owned(), "", false),
        Statistic::Sum => ("sum, cells counted by their part in the region,".to_owned(), "sum", true),
        Statistic::Min => ("minimum".to_owned(), "minimum", true),
        Statistic::Max => ("maximum".to_owned(), "maximum", true),
        Statistic::StandardDeviation => ("area-weighted standard deviation".to_owned(), "standard_deviation", true),
        Statistic::Percentile(50.0) => ("area-weighted median".to_owned(), "median", true),
        Statistic::Percentile(p) => (format!("area-weighted percentile {p}"), "", false),
        Statistic::Area => ("area".to_owned(), "", false),
        Statistic::ValidShare => ("valid part of the area".to_owned(), "", false),
        Statistic::Count => ("number of valid cells".to_owned(), "", false),
    };
    if let Some(name) = source.text("standard_name").filter(|_| keeps_name) {
        attributes.set("standard_name", name);
    }
    let of = source.text("long_name").or(source.text("standard_name")).unwrap_or(&variable.name);
    attributes.set("long_name", format!("{words} of {of} by region"));
    attributes.set("units", statistic.units(source.text("units").unwrap_or("1")));
    let mut methods = CellMethods::parse(source.text("cell_methods").unwrap_or_default()).over_area(horizontal);
    // What held of each cell is replaced by what holds of the region.
    methods.0.retain(|entry| entry.names != ["area"]);
    if !method.is_empty() {
        methods.0.push(CellMethod { names: vec!["area".to_owned()], method: method.to_owned(), rest: String::new() });
    }
    if !methods.0.is_empty() && !matches!(statistic.statistic, Statistic::Area | Statistic::ValidShare | Statistic::Count) {
        attributes.set("cell_methods", methods.to_string());
    }
    attributes.set("coordinates", NAME);
    attributes
}
