//! Every real file, regridded to one degree by nearest and conservatively, or refused for the reason listed.
//!
//! The files lie beside the project where it is developed (`../shared`); those of `datasets/` are always there.

use knarr::grid::Grid;
use knarr::io::{IoError, NanPolicy, RegridReport, RegridRequest, VectorOutput, regrid_file};
use knarr::regrid::{Finish, Method, MissingPolicy, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that cannot be regridded by any method: a part of the path, and of the message.
const REFUSED: [(&str, &str); 8] = [
    (".grib2", "GRIB"),
    (".grb", "GRIB"),
    ("geps_watershed.nc", "comes without coordinates for its dimensions"),
    ("salishseacast_ssh.nc", "no longitudes and latitudes for its dimensions"),
    ("nextgems_hp1_2steps.nc", "grid mapping `crs` is not in the file"),
    ("oasis_grids.nc", "no variable can be regridded"),
    ("scrip_T42.nc", "no variable can be regridded"),
    ("natural_earth_land110m.topojson", "not a NetCDF file"),
];

/// Files with one component along the axes of its grid and not the other: refused, and as scalars on demand.
const LONE: [&str; 2] = ["tauuo_Omon_MPI-ESM1-2-LR_185001.nc", "tauvo_Omon_MPI-ESM1-2-LR_185001_nobounds.nc"];

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("datasets"), root.join("../shared/data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().expect("plain names");
            if path.is_dir() {
                folders.push(path);
            } else if ![".md", ".txt", ".tsv", ".toml", ".yaml"].iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn regrid(
    input: &Path,
    output: &Path,
    destination: &Arc<Grid>,
    method: Method,
    vectors: VectorOutput,
) -> Result<RegridReport, IoError> {
    let request = RegridRequest {
        input: input.to_owned(),
        grid_file: None,
        output: output.to_owned(),
        destination: destination.clone(),
        variables: None,
        methods: &|_| Options::new(method).into(),
        missing: MissingPolicy::Skip { min_valid: 0.0 },
        finish: Finish::Sum,
        weights: None,
        stored: None,
        overwrite: true,
        nan: NanPolicy::Missing,
        history: "test".to_owned(),
        memory_limit: 64 << 20,
        vectors,
        pairs: Vec::new(),
    };
    regrid_file(&request, &mut |_| {})
}

/// Problems of one file.
fn check(input: &Path, destination: &Arc<Grid>, folder: &Path) -> (Vec<String>, usize) {
    let (mut problems, mut variables) = (Vec::new(), 0);
    let output = folder.join("out.nc");
    for method in [Method::Nearest, Method::Conservative] {
        let refusal = REFUSED.iter().find(|(part, _)| input.to_string_lossy().ends_with(part));
        let mut vectors = VectorOutput::Earth;
        if LONE.iter().any(|name| input.ends_with(name)) {
            let lone = regrid(input, &output, destination, method, vectors);
            if !matches!(lone, Err(IoError::Component { .. })) {
                problems.push(format!("{method}: a lone component is not refused"));
            }
            vectors = VectorOutput::Separate;
        }
        let report = match (regrid(input, &output, destination, method, vectors), refusal) {
            (Err(error), Some((_, reason))) if error.to_string().contains(reason) => continue,
            (Err(error), _) => {
                problems.push(format!("{method}: {error}"));
                continue;
            }
            (Ok(_), Some((_, reason))) => {
                problems.push(format!("{method}: not refused ({reason})"));
                continue;
            }
            (Ok(report), None) => report,
        };
        variables += report.variables.len();
        for variable in &report.variables {
            let (before, after) = (&variable.before, &variable.after);
            let mut fail = |what: String| problems.push(format!("{method}: {}: {what}", variable.name));
            if before.valid == 0 {
                if after.valid != 0 {
                    fail(format!("{} values out of none", after.valid));
                }
                continue;
            }
            if after.valid == 0 {
                fail("no value left".to_owned());
            }
            if let Some(vector) = &variable.vector {
                // A mean of vectors is not longer than the longest.
                if vector.longest_after > vector.longest_before * (1.0 + 1e-12) {
                    fail(format!("vectors up to {} became {}", vector.longest_before, vector.longest_after));
                }
                continue;
            }
            // Means of values lie between them; half a unit of the last place of what is stored (f32).
            let slack = 6e-8 * before.max.abs().max(before.min.abs());
            if after.min < before.min - slack || after.max > before.max + slack {
                fail(format!("{}..{} became {}..{}", before.min, before.max, after.min, after.max));
            }
            match &variable.conservation {
                // What is written is rounded to the precision of the file.
                Some(c) if c.relative_error.abs() > 1e-13 + variable.rounding => {
                    fail(format!("integral off by {:e}", c.relative_error))
                }
                None if method == Method::Conservative => fail("no conservation figure".to_owned()),
                _ => {}
            }
        }
    }
    (problems, variables)
}

#[test]
fn every_file_is_regridded_or_refused_for_its_reason() {
    let destination = Arc::new(Grid::from_spec("r360x180").expect("a valid grid"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = files();
    let (mut problems, mut variables) = (Vec::new(), 0);
    for input in &files {
        let (found, count) = check(input, &destination, folder.path());
        problems.extend(found.into_iter().map(|p| format!("{}: {p}", input.display())));
        variables += count;
    }
    println!("{} files, {variables} regridded variables", files.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // Exact, so that a variable that is silently left out is seen.
    if Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").is_dir() {
        assert_eq!(variables, 242);
    } else {
        println!("skipped: the 56 files of ../shared/data are not there");
        assert_eq!(variables, 40);
    }
}
