//! `knarr compare`: how far two files are from each other.

use crate::Outcome;
use crate::failure::Failure;
use crate::options::NanName;
use crate::slab::{data_variables, grid_of};
use crate::talk::{self, number, table};
use clap::Args;
use knarr::grid::Grid;
use knarr::io::{CENTER_TOLERANCE_DEG, Dataset, VariableInfo};
use knarr::kernels::global_integral::Compensated;
use knarr::kernels::sphere::distance;
use knarr::metrics::{ErrorNorms, ErrorSums, NormsError};
use std::path::{Path, PathBuf};

/// Compare two files on the same grid, variable by variable: B is the reference.
#[derive(Args)]
pub struct Compare {
    /// File to judge
    a: PathBuf,
    /// Reference
    b: PathBuf,
    /// Compare these variables only, separated by commas (default: those in both)
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    vars: Option<Vec<String>>,
    /// Fail (exit code 1) if max |A - B| / max |B| of a variable is above F, if one file has values where the other has
    /// none, or if a variable is in one file only
    #[arg(long, value_name = "F")]
    tolerance: Option<f64>,
    /// Take the grid of both from GRID, matched by dimension sizes
    #[arg(long, value_name = "GRID", alias = "grid")]
    source_grid: Option<String>,
    /// Take NaN without a fill value as an error or as missing
    #[arg(long, value_enum, default_value_t = NanName::Error)]
    nan: NanName,
}

#[derive(serde::Serialize)]
struct Report {
    variables: Vec<VariableReport>,
    only_in_a: Vec<String>,
    only_in_b: Vec<String>,
}

#[derive(serde::Serialize)]
struct VariableReport {
    name: String,
    units: Option<String>,
    /// Values in both files, in A alone, in B alone, in neither.
    counts: Counts,
    /// Nothing where no cell has a value in both.
    norms: Option<ErrorNorms>,
    /// Integrals over the sphere of radius 1, of cells with a value in both, summed over all slabs; nothing for points.
    integrals: Option<[f64; 2]>,
    within_tolerance: Option<bool>,
}

#[derive(Default, serde::Serialize)]
struct Counts {
    both: usize,
    a_only: usize,
    b_only: usize,
    neither: usize,
}

impl Compare {
    /// Runs the verb.
    pub fn run(self, json: bool) -> Result<Outcome, Failure> {
        let (a, b) = (Dataset::open(&self.a)?, Dataset::open(&self.b)?);
        let names = |d: &Dataset| data_variables(d).map(|v| v.name.clone()).collect::<Vec<_>>();
        let (in_a, in_b) = (names(&a), names(&b));
        let (chosen, only_in_a, only_in_b) = match &self.vars {
            Some(vars) => (vars.clone(), Vec::new(), Vec::new()),
            None => {
                let missing_in = |from: &[String], other: &[String]| -> Vec<String> {
                    from.iter().filter(|n| !other.contains(n)).cloned().collect()
                };
                let both = in_a.iter().filter(|n| in_b.contains(n)).cloned().collect();
                (both, missing_in(&in_a, &in_b), missing_in(&in_b, &in_a))
            }
        };
        if chosen.is_empty() {
            return Err(Failure::new("the files have no variable in common")
                .detail(format!("{}: {}", self.a.display(), in_a.join(", ")))
                .detail(format!("{}: {}", self.b.display(), in_b.join(", "))));
        }
        let variables = chosen.iter().map(|name| self.variable(&a, &b, name)).collect::<Result<Vec<_>, _>>()?;
        let report = Report { variables, only_in_a, only_in_b };
        if json {
            talk::print_json(&report)?;
        } else {
            talk::print(&report.text())?;
        }
        let lonely = !report.only_in_a.is_empty() || !report.only_in_b.is_empty();
        let failed = report.variables.iter().any(|v| v.within_tolerance == Some(false));
        Ok(if failed || (lonely && self.tolerance.is_some()) { Outcome::CheckFailed } else { Outcome::Fine })
    }

    fn variable(&self, a: &Dataset, b: &Dataset, name: &str) -> Result<VariableReport, Failure> {
        let (in_a, in_b) = (a.variable(name)?, b.variable(name)?);
        let source_grid = self.source_grid.as_deref();
        let (grid_a, grid_b) = (grid_of(a, in_a, source_grid)?, grid_of(b, in_b, source_grid)?);
        if let Some(difference) = grid_difference(&grid_a.grid, &grid_b.grid) {
            return Err(Failure::new(format!("cannot compare `{name}`: the files have different grids: {difference}"))
                .hint(regrid_hint(&self.a, &self.b)));
        }
        let (slabs_a, slabs_b) = (a.slab_count(name, &grid_a)?, b.slab_count(name, &grid_b)?);
        if slabs_a != slabs_b {
            return Err(Failure::new(format!("cannot compare `{name}`: {slabs_a} and {slabs_b} slabs"))
                .detail(format!("{}: {}", self.a.display(), in_words(in_a)))
                .detail(format!("{}: {}", self.b.display(), in_words(in_b))));
        }
        let grid = &grid_a.grid;
        let areas: Option<Vec<f64>> = grid.has_corners().then(|| (0..grid.len()).map(|cell| grid.area(cell)).collect());
        let (mut counts, mut sums) = (Counts::default(), ErrorSums::default());
        let (mut integral_a, mut integral_b) = (Compensated::default(), Compensated::default());
        for slab in 0..slabs_a {
            let from_a = a.read_slabs(name, &grid_a, slab..slab + 1, self.nan.into())?;
            let from_b = b.read_slabs(name, &grid_b, slab..slab + 1, self.nan.into())?;
            let fits = "a slab is contiguous";
            let (va, vb) = (from_a.values.as_slice().expect(fits), from_b.values.as_slice().expect(fits));
            let (valid_a, valid_b) = [&from_a, &from_b].map(|s| s.valid.as_ref().map(|v| v.as_slice().expect(fits))).into();
            let has = |valid: Option<&[bool]>, i: usize| valid.is_none_or(|v| v[i]);
            let both: Vec<bool> = (0..grid.len())
                .map(|i| {
                    let flags = (has(valid_a, i), has(valid_b, i));
                    match flags {
                        (true, true) => counts.both += 1,
                        (true, false) => counts.a_only += 1,
                        (false, true) => counts.b_only += 1,
                        (false, false) => counts.neither += 1,
                    }
                    flags == (true, true)
                })
                .collect();
            sums.add(va, vb, areas.as_deref(), Some(&both))?;
            if let Some(areas) = &areas {
                for i in (0..grid.len()).filter(|&i| both[i]) {
                    integral_a.add_product(areas[i], va[i]);
                    integral_b.add_product(areas[i], vb[i]);
                }
            }
        }
        let norms = match sums.finish() {
            Ok(norms) => Some(norms),
            Err(NormsError::NothingToCompare) => None,
            Err(error) => return Err(error.into()),
        };
        let within_tolerance = self.tolerance.map(|tolerance| {
            let same_cells = counts.a_only == 0 && counts.b_only == 0;
            same_cells && norms.is_none_or(|n| n.linf <= tolerance)
        });
        let integrals = (areas.is_some() && norms.is_some()).then(|| [integral_a.value(), integral_b.value()]);
        let units = in_b.attributes.text("units").map(str::to_owned);
        Ok(VariableReport { name: name.to_owned(), units, counts, norms, integrals, within_tolerance })
    }
}

/// How two grids differ in cells; nothing if they are the same to the tolerance of stored centers.
fn grid_difference(a: &Grid, b: &Grid) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!("{} and {} cells", a.len(), b.len()));
    }
    let tolerance = CENTER_TOLERANCE_DEG.to_radians();
    (0..a.len()).find_map(|cell| {
        let (ca, cb) = (a.center(cell), b.center(cell));
        let known = [ca, cb].iter().all(|c| c.lat_deg.abs() <= 90.0 && c.lon_deg.is_finite());
        let place = |c: knarr::grid::LonLat| format!("{}E {}N", number(c.lon_deg), number(c.lat_deg));
        (known && distance(ca.unit(), cb.unit()) > tolerance)
            .then(|| format!("center of cell {cell} at {} and {}", place(ca), place(cb)))
    })
}

fn regrid_hint(a: &Path, b: &Path) -> String {
    let out = a.with_file_name(format!("{}_regridded.nc", a.file_stem().unwrap_or_default().to_string_lossy()));
    format!("`knarr regrid {} --to {} -o {}` brings the first to the grid of the second", a.display(), b.display(), out.display())
}

fn in_words(variable: &VariableInfo) -> String {
    variable.dims.iter().map(|(name, len)| format!("{name} = {len}")).collect::<Vec<_>>().join(", ")
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        for v in &self.variables {
            let units = v.units.as_deref().unwrap_or("");
            text += &format!("{} {}\n", v.name, if units.is_empty() { String::new() } else { format!("[{units}]") })
                .replace(" \n", "\n");
            let c = &v.counts;
            let mut rows =
                vec![vec!["values in both / A only / B only".to_owned(), format!("{} / {} / {}", c.both, c.a_only, c.b_only)]];
            let mut row = |what: &str, value: f64| rows.push(vec![what.to_owned(), short(value)]);
            if let Some(n) = &v.norms {
                row("max |A - B|", n.max_difference);
                row("mean A - B", n.mean_difference);
                row("L1", n.l1);
                row("L2", n.l2);
                row("Linf = max |A - B| / max |B|", n.linf);
                row("undershoot Lmin", n.lmin);
                row("overshoot Lmax", n.lmax);
                if let Some(m) = &n.misfit {
                    row("misfit mean", m.mean);
                    row("misfit max", m.max);
                    row("misfit RMS", m.rms);
                }
            }
            if let Some([a, b]) = v.integrals {
                row("integral of A", a);
                row("integral of B", b);
                if b != 0.0 {
                    row("relative difference", (a - b) / b.abs());
                }
            }
            if v.norms.is_none() {
                rows.push(vec!["no cell has a value in both".to_owned()]);
            }
            if let Some(within) = v.within_tolerance {
                rows.push(vec!["tolerance".to_owned(), if within { "kept" } else { "EXCEEDED" }.to_owned()]);
            }
            text += &table(&rows);
        }
        for (file, names) in [("A", &self.only_in_a), ("B", &self.only_in_b)] {
            if !names.is_empty() {
                text += &format!("only in {file}: {}\n", names.join(", "));
            }
        }
        text
    }
}

fn short(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.6e}") }
}
