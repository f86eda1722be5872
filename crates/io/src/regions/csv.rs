//! Statistics by region as comma-separated values (RFC 4180), with ISO 8601 times and nine significant digits.

use super::series::{NamedStatistic, RegionReport, RegionSeries};

/// How the table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvLayout {
    /// A line for each variable, step and region; a column for each statistic.
    Long,
    /// A line for each variable and step; a column for each region and statistic.
    Wide,
}

/// The table; a value that is missing is an empty field.
pub(super) fn table(report: &RegionReport, statistics: &[NamedStatistic], layout: CsvLayout) -> String {
    let mut dims: Vec<&str> = Vec::new();
    for (name, _) in report.variables.iter().flat_map(|v| &v.dims) {
        if !dims.contains(&name.as_str()) {
            dims.push(name);
        }
    }
    let mut text = String::new();
    let mut header: Vec<String> = ["variable", "units"].into_iter().chain(dims.iter().copied()).map(str::to_owned).collect();
    let columns = statistics.iter().map(|s| if s.name == "area" { "area_m2".to_owned() } else { s.name.clone() });
    match layout {
        CsvLayout::Long => {
            header.insert(0, "region".to_owned());
            header.extend(columns);
        }
        CsvLayout::Wide => {
            let columns: Vec<String> = columns.collect();
            header.extend(report.regions.iter().flat_map(|r| columns.iter().map(move |c| format!("{} {c}", r.name))));
        }
    }
    push_line(&mut text, &header);
    for variable in &report.variables {
        let slabs: usize = variable.dims.iter().map(|(_, labels)| labels.len()).product();
        for slab in 0..slabs {
            let place = place(variable, slab, &dims);
            let row = report.regions.len() * statistics.len();
            let values: Vec<String> =
                variable.values[slab * row..(slab + 1) * row].iter().map(|v| v.map(number).unwrap_or_default()).collect();
            match layout {
                CsvLayout::Long => {
                    for (region, values) in report.regions.iter().zip(values.chunks(statistics.len())) {
                        let line: Vec<String> = std::iter::once(region.name.clone())
                            .chain(place.iter().cloned())
                            .chain(values.iter().cloned())
                            .collect();
                        push_line(&mut text, &line);
                    }
                }
                CsvLayout::Wide => push_line(&mut text, &place.into_iter().chain(values).collect::<Vec<_>>()),
            }
        }
    }
    text
}

/// Name, units, and the label of each dimension of the table; empty where the variable does not have it.
fn place(variable: &RegionSeries, slab: usize, dims: &[&str]) -> Vec<String> {
    let lens: Vec<usize> = variable.dims.iter().map(|(_, labels)| labels.len()).collect();
    let index = crate::nc::unravel(slab, &lens);
    let units = variable.attributes.text("units").unwrap_or_default().to_owned();
    let label = |dim: &&str| {
        let at = variable.dims.iter().position(|(name, _)| name == dim);
        at.map(|at| variable.dims[at].1[index[at]].clone()).unwrap_or_default()
    };
    [variable.name.clone(), units].into_iter().chain(dims.iter().map(label)).collect()
}

fn push_line(text: &mut String, fields: &[String]) {
    for (k, field) in fields.iter().enumerate() {
        if k > 0 {
            text.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
}

/// Nine significant digits, which tell all numbers of single precision apart.
pub(super) fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.8e}").parse().expect("a number that was just written");
    let size = rounded.abs();
    if size >= 1e15 || (size < 1e-5 && size > 0.0) { format!("{rounded:e}") } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut text = String::new();
        push_line(&mut text, &["Bow River, upper".to_owned(), "the \"big\" one".to_owned(), "plain".to_owned()]);
        assert_eq!(text, "\"Bow River, upper\",\"the \"\"big\"\" one\",plain\n");
    }

    #[test]
    fn numbers_have_nine_digits() {
        assert_eq!(
            [288.15, 0.1 + 0.2, 1.0 / 3.0, 1e20, -2.5e-7, 0.0].map(number),
            ["288.15", "0.3", "0.333333333", "1e20", "-2.5e-7", "0"]
        );
    }
}
