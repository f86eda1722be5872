//! Another program on the same grids and fields: CDO, by command.

use super::Scheme;
use super::score::{Field, Judge, Score, source_integral};
use knarr_grid::Grid;
use knarr_io::{GridFormat, write_grid};
use knarr_regrid::Method;
use std::path::Path;
use std::process::Command;

/// A program that regrids.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Its name and version, as it says.
    pub version: String,
}

/// CDO, if it is installed.
pub fn cdo() -> Option<Peer> {
    let output = Command::new("cdo").arg("--version").output().ok()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find(|l| l.contains("version"))?;
    let number = line.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(Peer { name: "cdo", version: format!("CDO {number}") })
}

/// CDO's operator for a method, if it has one; it has no limits.
fn operator(scheme: Scheme) -> Option<&'static str> {
    match scheme.method {
        _ if scheme.limit.is_some() => None,
        Method::Nearest => Some("remapnn"),
        Method::Distance { neighbours: 4 } => Some("remapdis"),
        Method::Bilinear => Some("remapbil"),
        Method::Bicubic => Some("remapbic"),
        Method::Conservative => Some("remapcon"),
        Method::Conservative2nd => Some("remapcon2"),
        Method::LargestFraction => Some("remaplaf"),
        _ => None,
    }
}

impl Peer {
    /// Scores of the program; empty if it has no such method.
    ///
    /// # Errors
    /// What the program said, or what went wrong on the way to it.
    pub fn score(
        &self,
        source: (&str, &Grid),
        destination: (&str, &Grid),
        scheme: Scheme,
        fields: &[Field],
    ) -> Result<Vec<Score>, String> {
        let Some(operator) = operator(scheme) else { return Ok(Vec::new()) };
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let path = |name: &str| folder.path().join(name);
        for (grid, name) in [(source.1, "source.nc"), (destination.1, "destination.nc")] {
            write_grid(grid, &path(name), GridFormat::Scrip, false).map_err(|e| e.to_string())?;
        }
        let cases: Vec<_> =
            fields.iter().flat_map(|&f| f.references(source.1, destination.1).into_iter().map(move |r| (f, r))).collect();
        let inputs: Vec<Vec<f64>> = cases.iter().map(|(field, reference)| field.on(source.1, *reference)).collect();
        write_fields(&path("in.nc"), source.1, &inputs).map_err(|e| e.to_string())?;
        let arguments = [
            "-s".to_owned(),
            "-b".to_owned(),
            "F64".to_owned(),
            format!("{operator},{}", path("destination.nc").display()),
            format!("-setgrid,{}", path("source.nc").display()),
            path("in.nc").display().to_string(),
            path("out.nc").display().to_string(),
        ];
        let output = Command::new(self.name).args(&arguments).output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("it failed without a word");
            return Err(line.replace(&folder.path().display().to_string(), ""));
        }
        let file = netcdf::open(path("out.nc")).map_err(|e| e.to_string())?;
        let judge = Judge::new(destination);
        let mut scores = Vec::new();
        for (k, (&case, input)) in cases.iter().zip(&inputs).enumerate() {
            let variable = file.variable(&format!("f{k}")).ok_or("a field is missing in its output")?;
            let values: Vec<f64> = variable.get_values(..).map_err(|e| e.to_string())?;
            if values.len() != destination.1.len() {
                return Err(format!("{} values for {} cells", values.len(), destination.1.len()));
            }
            // Its missing value is far beyond any field of the scorecard.
            let valid: Vec<bool> = values.iter().map(|v| v.abs() < 1e15).collect();
            let before = source_integral(source.1, input);
            scores.extend(judge.score(self.name, source.0, scheme, case, (&values, &valid), before));
        }
        Ok(scores)
    }
}

/// Fields `f0`, `f1`, ... on one dimension of cells, or on the rows and columns the grid has.
fn write_fields(path: &Path, grid: &Grid, fields: &[Vec<f64>]) -> Result<(), netcdf::Error> {
    let mut file = netcdf::create(path)?;
    let names: Vec<String> = (0..grid.shape.len()).map(|k| format!("d{k}")).collect();
    for (name, len) in names.iter().zip(&grid.shape) {
        file.add_dimension(name, *len)?;
    }
    let dims: Vec<&str> = names.iter().map(String::as_str).collect();
    for (k, values) in fields.iter().enumerate() {
        let mut variable = file.add_variable::<f64>(&format!("f{k}"), &dims)?;
        variable.put_values(values, ..)?;
    }
    Ok(())
}
