//! The same regridding by another program: CDO on the same cells, file by file.
//!
//! Both sides get the source grid from one SCRIP file (bad and missing cells switched off, great-circle edges), so
//! what is compared is overlap and averaging, not opinions on broken cells. Skipped, and said so, without `cdo`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// File, variable.
const DATASETS: [(&str, &str); 5] = [
    ("orca2_votemper.nc", "votemper"),
    ("nemo_eorca1_tos_201501.nc", "tos"),
    ("cmc_gdps_t1015_ps30km.nc", "ta"),
    ("eur11_tas_rotated_crop.nc", "tas"),
    ("uv300_t42_gaussian.nc", "U"),
];

/// Files that are not shipped: beside the project, where it is developed.
const SHARED: [(&str, &str); 6] = [
    ("data/unstructured/tas_Amon_ICON-ESM-LR_185001.nc", "tas"),
    ("data/healpix/tas_nextgems_hp32_nested.nc", "tas"),
    ("data/atmos/tas_EUR-22_REMO2015_mon_202101.nc", "tas"),
    ("data/eccc/rdpa_apcp024_ps10km.nc", "pr_amount"),
    ("data/eccc/sic_SImon_CCCma-CanESM5_ssp245_r13i1p2f1_2020.nc", "siconc"),
    ("data/ocean/tauuo_Omon_MPI-ESM1-2-LR_185001.nc", "tauuo"),
];

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
}

fn values(path: &Path, variable: &str) -> Vec<Option<f64>> {
    let file = netcdf::open(path).expect("written a moment ago");
    let variable = file.variable(variable).expect("a regridded variable");
    let values = variable.get_values::<f64, _>(..).expect("numbers");
    // Fill values of both programs are far beyond any physical value, and CDO does not always say which it used.
    values.into_iter().map(|v| (v.abs() < 1e15).then_some(v)).collect()
}

/// Greatest difference over the greatest value, and the values that only one side has.
fn compare(input: &Path, variable: &str) -> (f64, usize, usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
    let (grid, ours, theirs) = (path("grid.nc"), path("ours.nc"), path("theirs.nc"));
    let knarr = env!("CARGO_BIN_EXE_knarr");
    run(knarr, &["grid", &format!("{}:{variable}", text(input)), "-o", &text(&grid), "--format", "scrip", "-q"]);
    run(
        knarr,
        &[
            "regrid",
            &text(input),
            "-o",
            &text(&ours),
            "--to",
            "r360x180",
            // CDO knows of no vectors.
            "--vectors",
            "separate",
            "--method",
            "conservative",
            "--source-grid",
            &text(&grid),
            "--vars",
            variable,
            "-q",
        ],
    );
    run(
        "cdo",
        &[
            "-s",
            "-O",
            "-b",
            "F64",
            "-remapcon,r360x180",
            &format!("-setgrid,{}", text(&grid)),
            &format!("-selname,{variable}"),
            &text(input),
            &text(&theirs),
        ],
    );
    let (a, b) = (values(&ours, variable), values(&theirs, variable));
    assert_eq!(a.len(), b.len(), "{}", input.display());
    let scale = a.iter().flatten().fold(0.0f64, |m, v| m.max(v.abs()));
    let difference = a.iter().zip(&b).filter_map(|(a, b)| Some((a.as_ref()? - b.as_ref()?).abs())).fold(0.0, f64::max);
    let only = |x: &[Option<f64>], y: &[Option<f64>]| x.iter().zip(y).filter(|(x, y)| x.is_some() && y.is_none()).count();
    (difference / scale, only(&a, &b), only(&b, &a))
}

#[test]
fn cdo_finds_the_same_values_on_the_same_cells() {
    if Command::new("cdo").arg("--version").output().is_err() {
        eprintln!("skipped: cdo is not installed ({} files not compared)", DATASETS.len() + SHARED.len());
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<(PathBuf, &str)> = DATASETS.map(|(f, v)| (root.join("datasets").join(f), v)).to_vec();
    files.extend(SHARED.map(|(f, v)| (root.join("../shared").join(f), v)));
    let (mut compared, mut skipped) = (0, 0);
    for (input, variable) in files {
        if !input.exists() {
            skipped += 1;
            continue;
        }
        let (difference, only_ours, only_theirs) = compare(&input, variable);
        println!("{}: {difference:.1e}, only ours {only_ours}, only theirs {only_theirs}", input.display());
        // Results are stored as f32 by us: 6e-8.
        assert!(difference < 1e-6, "{}: {difference:e}", input.display());
        assert!(only_ours <= 4 && only_theirs == 0, "{}: {only_ours} {only_theirs}", input.display());
        compared += 1;
    }
    println!("{compared} files compared with CDO, {skipped} not there");
}

#[test]
fn nco_finds_nothing_wrong_with_maps_of_oceans_and_poles() {
    if Command::new("ncks").arg("--version").output().is_err() {
        eprintln!("skipped: ncks is not installed (4 maps not judged)");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets");
    let ocean = |file: &str, variable: &str| format!("{}:{variable}", root.join(file).display());
    // Ocean cells cover destination cells in part: their weights are divided by the whole cell, as the judge expects.
    for (source, destination, normalization) in [
        (ocean("orca2_votemper.nc", "votemper"), "r360x180".to_owned(), "destarea"),
        (ocean("nemo_eorca1_tos_201501.nc", "tos"), "H32n".to_owned(), "destarea"),
        ("r90x45".to_owned(), "2.5".to_owned(), "fracarea"),
        ("CS20".to_owned(), "r90x45".to_owned(), "fracarea"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let map = folder.path().join("map.nc");
        let map = map.to_str().expect("a plain path");
        let knarr = env!("CARGO_BIN_EXE_knarr");
        run(
            knarr,
            &["weights", &source, &destination, "-o", map, "--method", "conservative", "--normalization", normalization, "-q"],
        );
        let output = Command::new("ncks").args(["--chk_map", map]).output().expect("ncks runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{source} -> {destination}: {text}");
        assert!(text.contains("mask_a S errors: 0") && text.contains("mask_b S errors: 0"), "{text}");
        assert!(!text.contains("Danger"), "{source} -> {destination}: {text}");
        // Column sums over areas: the mean over the source cells that take part.
        assert!(text.contains("frac_a avg: 1.00000000000") || text.contains("frac_a avg: 0.99999999999"), "{text}");
        run(knarr, &["weights", "check", map, "-q"]);
    }
}
