//! Every file of the shared data folders against a table: kind of grid, extents, active cells, area, or why refused.
//!
//! The areas come from a second program (NumPy, none of this code): lat-lon and rotated axes by the formula
//! Σ Δλ·(sin φ_n − sin φ_s); projections from the great-circle polygon around the domain, its corners by the closed
//! inverse formulas; given corners as Σ|polygon| over the cells that have a place, are no repeats and have no corner
//! elsewhere, plus polygons inferred from the centers for the others; MPAS from its `areaCell`. Tolerances are relative:
//! 1e-9 where both use the same formula, 1e-6 where axes are kept in single precision (7 digits).

use knarr_grid::Detail;
use knarr_io::{Dataset, IoError, Role, VariableGrid, read_grid, read_grid_file};
use std::path::{Path, PathBuf};

/// What a file holds, as far as grids go.
enum Expected {
    /// `variable` (`None`: the file as a whole) has this grid.
    Grid(Row),
    /// Refused with these words in the error and its hint.
    Refused(&'static str),
    /// Not NetCDF and not meant to be read here.
    Other(&'static str),
}

struct Row {
    variable: Option<&'static str>,
    /// How the family's name starts.
    family: &'static str,
    shape: &'static [usize],
    active: usize,
    /// Cells that repeat each other are counted by their centers in the second program, by their corners here.
    slack: usize,
    area: f64,
    tolerance: f64,
    /// Words of a note in the report.
    note: &'static str,
}

/// Every cell active.
const fn whole(family: &'static str, shape: &'static [usize], area: f64, tolerance: f64) -> Row {
    let (mut cells, mut k) = (1, 0);
    while k < shape.len() {
        cells *= shape[k];
        k += 1;
    }
    Row { variable: None, family, shape, active: cells, slack: 0, area, tolerance, note: "" }
}

impl Row {
    const fn of(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }
    const fn noting(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
    const fn active(mut self, active: usize, slack: usize) -> Self {
        self.active = active;
        self.slack = slack;
        self
    }
}

/// Rounding of a formula.
const EXACT: f64 = 1e-9;
/// Axes in single precision.
const SINGLE: f64 = 1e-6;
const GRIB: Expected = Expected::Refused("it looks like GRIB");
const TEXT: Expected = Expected::Other("it looks like text");

#[rustfmt::skip]
const TABLE: &[(&str, Expected)] = {
    use Expected::{Grid, Refused};
    &[
        ("data/MANIFEST.tsv", TEXT),
        ("data/README.md", TEXT),
        ("data/atmos/2t_era5_2p5deg_2000.nc", Grid(whole("lat-lon", &[73, 144], 1.0, EXACT))),
        ("data/atmos/AROME_MetCoOp_wind10m_lambert.nc", Grid(whole("lambert conformal conic", &[151, 141], 2.607_664_389_9e-4, SINGLE).noting("the axes are used"))),
        ("data/atmos/coads_raw_2mon.cdf", Grid(whole("lat-lon", &[90, 180], 1.0, EXACT))),
        ("data/atmos/ecmwf_tz_2levels_packed.nc", Grid(whole("lat-lon", &[181, 360], 1.0, EXACT))),
        ("data/atmos/era5_t_packed_crop.nc", Grid(whole("lat-lon", &[81, 121], 0.010_445_219_263_557, EXACT).noting("regional"))),
        ("data/atmos/huss_CORDEX-CORE_9members_0p25deg.nc", Grid(whole("lat-lon", &[720, 1440], 1.0, EXACT).noting("ellipsoid"))),
        // ECHAM writes bounds that end 0.1 degrees short of the poles.
        ("data/atmos/o3_AERmon_MPI-ESM1-2-LR_hybrid_185001.nc", Grid(whole("regular Gaussian F48", &[96, 192], 0.999_961_462_826_22, EXACT).noting("given latitude bounds"))),
        // The pole of the mapping contradicts lat and lon by 28 degrees; the area does not depend on the pole.
        ("data/atmos/pr_rotated_HIRHAM_2steps.nc", Grid(whole("curvilinear", &[190, 174], 0.037_933_069_642_76, 1e-4).noting("the stored ones are used"))),
        ("data/atmos/tas_ARC-44_WRF331_day_20010101.nc", Grid(whole("rotated lat-lon", &[133, 116], 0.069_103_241_008_94, SINGLE).noting("have 2 values a cell"))),
        ("data/atmos/tas_Amon_EC-Earth3_gaussian_3mon.nc", Grid(whole("regular Gaussian F128", &[256, 512], 1.0, EXACT).noting("given latitude bounds"))),
        ("data/atmos/tas_EUR-22_REMO2015_mon_202101.nc", Grid(whole("rotated lat-lon", &[201, 225], 0.051_746_966_440_402, EXACT).noting("the axes are used"))),
        ("data/coupling/oasis_areas.nc", Grid(whole("curvilinear", &[149, 182], 0.701_942_307, 1e-6).active(16_501, 0).of("torc.srf").noting("oasis_masks.nc"))),
        ("data/coupling/oasis_areas.nc", Grid(whole("curvilinear", &[72, 96], 0.771_643_466, 1e-6).active(4_965, 0).of("lmdz.srf"))),
        ("data/coupling/oasis_grids.nc", Grid(whole("curvilinear", &[149, 182], 0.701_942_307, 1e-6).active(16_501, 0).of("torc").noting("1 = masked"))),
        ("data/coupling/oasis_grids.nc", Grid(whole("curvilinear", &[72, 96], 0.771_643_466, 1e-6).active(4_965, 0).of("lmdz"))),
        ("data/coupling/oasis_grids.nc", Refused("2 grids, name one")),
        ("data/coupling/oasis_masks.nc", Grid(whole("curvilinear", &[72, 96], 0.771_643_466, 1e-6).active(4_965, 0).of("lmdz.msk"))),
        ("data/coupling/scrip_T42.nc", Grid(whole("regular Gaussian F32", &[64, 128], 1.0, EXACT).noting("given latitude bounds"))),
        ("data/eccc/20240612T12Z_MSC_RDPS_Precip-Accum_Sfc_RLatLon0.09_PT001H.grib2", GRIB),
        ("data/eccc/20260219T00Z_MSC_HRDPS_CAPE_Sfc_RLatLon0.0225_PT000H.grib2", GRIB),
        ("data/eccc/CMC_RDPA_APCP-024-0100cutoff_SFC_0_ps10km_2023121806_000.grib2", GRIB),
        ("data/eccc/CMC_glb_TMP_TGL_2_latlon.15x.15_2020081000_P000.grib2", GRIB),
        ("data/eccc/CMIP5_rcp8.5_annual_abs_latlon1x1_PCP_pctl25_P1Y_2006-2035.nc", Grid(whole("lat-lon", &[50, 105], 0.052_093_473_587_379, EXACT))),
        ("data/eccc/gdps_tas_0p6deg_packed_i16.nc", Grid(whole("lat-lon", &[301, 600], 1.0, EXACT))),
        ("data/eccc/geps_watershed.nc", Refused("comes without coordinates for its dimensions")),
        ("data/eccc/giops_temp_50lev_tropical_pacific.nc", Grid(whole("lat-lon", &[76, 101], 0.011_197_312, 1e-4).noting("outside its valid range"))),
        ("data/eccc/hrdps_hurs_rotated_crop.nc", Grid(whole("rotated lat-lon", &[300, 400], 0.001_471_625_382_343, SINGLE).noting("the axes are used"))),
        // Cells 22 degrees wide are what the file says: its points are a sample of every 100th.
        ("data/eccc/pr_NAM-22_OURANOS-CRCM5_rcp45_day_20510101-20551231.nc", Grid(whole("rotated lat-lon", &[3, 4], 0.131_598_585_697_98, SINGLE))),
        ("data/eccc/rdpa_apcp024_ps10km.nc", Grid(whole("polar stereographic", &[320, 400], 0.022_023_432_146_06, SINGLE))),
        // Corners at the rim are extrapolated in one way or another, and the grid is torn where blocks of land were left out.
        ("data/eccc/salishseacast_grid_angle.nc", Grid(whole("curvilinear", &[898, 398], 1.518_56e-4, 1e-2).active(357_404, 400))),
        ("data/eccc/salishseacast_ssh.nc", Refused("no longitudes and latitudes for its dimensions")),
        ("data/eccc/sic_SImon_CCCma-CanESM5_ssp245_r13i1p2f1_2020.nc", Grid(whole("curvilinear", &[291, 360], 0.989_953_694_7, 1e-6).active(104_760, 40).noting("clockwise"))),
        ("data/eccc/snw_day_CanESM5_historical_r1i1p1f1_gn_19910101-20101231.nc", Grid(whole("lat-lon", &[6, 5], 0.003_846_588_845_366, EXACT).noting("not in the file"))),
        ("data/eccc/tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc", Grid(whole("regular Gaussian F32", &[64, 128], 1.0, EXACT).noting("up to 5.8 %"))),
        ("data/grib2/ecmwf_ifs_oper_20240101_4msg_ccsds.grib2", GRIB),
        ("data/grib2/ecmwf_lsm_O96.grb", GRIB),
        ("data/grib2/ecmwf_q_O96.grib2", GRIB),
        ("data/grib2/icon_CLAT.grib2", GRIB),
        ("data/grib2/icon_CLON.grib2", GRIB),
        ("data/grib2/icon_lsm.grib2", GRIB),
        ("data/healpix/healpix_H8.grib2", GRIB),
        ("data/healpix/nextgems_hp1_2steps.nc", Refused("H1n")),
        ("data/healpix/tas_nextgems_hp32_nested.nc", Grid(whole("HEALPix nside 32 nested", &[12_288], 1.0, EXACT).noting("formula"))),
        ("data/land/t_E-OBS_mon_195001.nc", Grid(whole("lat-lon", &[372, 564], 0.051_475_319_776_83, EXACT).noting("ellipsoid"))),
        ("data/ocean/Arctic20_seaice_polarstereo_2steps.nc", Grid(whole("curvilinear", &[51, 91], 0.004_006_975_634_7, 1e-4).noting("the stored ones are used"))),
        // 1 408 centers are repeated. The 749 cells with a corner elsewhere are 0.7 % of the rest; the sound ones cover 0.9512.
        ("data/ocean/deptho_Ofx_EC-Earth3-Veg_ORCA1.nc", Grid(whole("curvilinear", &[292, 362], 0.951_224_751_8, 1e-2).active(104_296, 40))),
        // 39 852 centers are missing. The 3 070 cells with garbage corners are 3.1 % of the rest; the sound ones cover 0.7679.
        ("data/ocean/simass_SImon_NorESM2-MM_201501.nc", Grid(whole("curvilinear", &[384, 360], 0.767_906_226_2, 3.5e-2).active(98_388, 0).noting("clockwise"))),
        ("data/ocean/tauuo_Omon_MPI-ESM1-2-LR_185001.nc", Grid(whole("curvilinear", &[220, 256], 0.987_390_318_8, 1e-6).active(55_880, 0))),
        // The same model's U points cover 0.98739; V points lie half a cell away.
        ("data/ocean/tauvo_Omon_MPI-ESM1-2-LR_185001_nobounds.nc", Grid(whole("curvilinear", &[220, 256], 0.987_390, 2e-3).active(55_880, 0).noting("not in the file"))),
        ("data/unstructured/a_ice.fesom.1948.nc", Grid(whole("unstructured mesh", &[3_140], 0.666_702_980_244, EXACT).noting("fesom_pi_mesh_diag.nc"))),
        ("data/unstructured/fesom_pi_mesh_diag.nc", Grid(whole("unstructured mesh", &[5_839], 0.666_702_980_244, EXACT).of("elem_area").noting("clockwise"))),
        ("data/unstructured/fesom_pi_mesh_diag.nc", Grid(whole("unstructured mesh", &[3_140], 0.666_702_980_244, EXACT).of("nod_area"))),
        // Corners are kept with 8 digits, so that faces overlap by 8e-9.
        ("data/unstructured/geos_c12_cubed_sphere.nc4", Grid(whole("unstructured mesh", &[6, 12, 12], 1.000_000_008_294, EXACT))),
        ("data/unstructured/lfric_surface_fluxes_C48.nc", Grid(whole("unstructured mesh", &[13_824], 1.0, EXACT).of("tstar_sea"))),
        ("data/unstructured/mpas_QU_1920km_mesh.nc", Grid(whole("unstructured mesh", &[162], 1.0, EXACT).of("areaCell"))),
        ("data/unstructured/mpas_QU_1920km_mesh.nc", Grid(whole("unstructured mesh", &[320], 1.0, EXACT).of("areaTriangle"))),
        ("data/unstructured/sst.fesom.1948.nc", Grid(whole("unstructured mesh", &[3_140], 0.666_702_980_244, EXACT))),
        ("data/unstructured/tas_Amon_ICON-ESM-LR_185001.nc", Grid(whole("unstructured mesh", &[20_480], 1.0, EXACT).noting("10240 of 20480"))),
        ("data/unstructured/temp.fesom.1948.nc", Grid(whole("unstructured mesh", &[3_140], 0.666_702_980_244, EXACT).of("temp"))),
        ("data/unstructured/uice.fesom.1948.nc", Grid(whole("unstructured mesh", &[3_140], 0.666_702_980_244, EXACT))),
        ("data/unstructured/vice.fesom.1948.nc", Grid(whole("unstructured mesh", &[3_140], 0.666_702_980_244, EXACT))),
        ("ship/LICENCES.txt", TEXT),
        ("ship/README.md", TEXT),
        ("ship/chesapeake_mesh_ugrid.nc", Grid(whole("unstructured mesh", &[7_258], 2.597_004_017_7e-5, SINGLE).of("depth"))),
        ("ship/chesapeake_mesh_ugrid.nc", Grid(whole("unstructured mesh", &[13_044], 2.597_004_017_7e-5, SINGLE).of("mesh"))),
        ("ship/cmc_gdps_t1015_ps30km.grib2", GRIB),
        ("ship/cmc_gdps_t1015_ps30km.nc", Grid(whole("polar stereographic", &[200, 247], 0.080_503_509_247_55, SINGLE))),
        ("ship/coads_monthly_climatology.nc", Grid(whole("lat-lon", &[90, 180], 1.0, EXACT))),
        ("ship/etopo_1deg.nc", Grid(whole("lat-lon", &[180, 360], 1.0, EXACT))),
        ("ship/eur11_tas_rotated_crop.nc", Grid(whole("rotated lat-lon", &[180, 200], 0.010_492_664_700_917, SINGLE))),
        ("ship/levitus_annual_temp_salt.nc", Grid(whole("lat-lon", &[180, 360], 1.0, EXACT))),
        ("ship/metoffice_a1b_north_america.nc", Grid(whole("lat-lon", &[37, 49], 0.079_517_900_033_465, EXACT))),
        ("ship/natural_earth_land110m.topojson", TEXT),
        ("ship/natural_earth_landfrac_1deg.nc", Grid(whole("lat-lon", &[180, 360], 1.0, EXACT))),
        // 107 cells of the southern extension have corners 6 degrees away, which cover 2e-4 of the sphere twice.
        ("ship/nemo_eorca1_tos_201501.nc", Grid(whole("curvilinear", &[330, 360], 0.997_449_465_2, 1e-4).active(118_800, 40))),
        // Corners of 220 land cells, 0.8 % of all, lie at 78 E 78 S; the sound ones cover 0.9423.
        ("ship/orca2_votemper.nc", Grid(whole("curvilinear", &[148, 180], 0.942_257_221_5, 1e-2).active(26_541, 40))),
        ("ship/ostia_monthly_sst.nc", Grid(whole("lat-lon", &[18, 432], 0.087_154_684_144_474, SINGLE))),
        ("ship/ukmo_mslp_rotated_pole.nc", Grid(whole("rotated lat-lon", &[22, 36], 0.090_177_955_638_75, SINGLE))),
        // No bounds: the Gaussian edges close the sphere, as the file's own weights do (sum 2).
        ("ship/uv300_t42_gaussian.nc", Grid(whole("regular Gaussian F32", &[64, 128], 1.0, EXACT))),
    ]
};

fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    (root.join("data").is_dir() && root.join("ship").is_dir()).then_some(root)
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

/// Files below both folders, relative to the root, in order.
fn files(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    files_below(&root.join("data"), &mut paths);
    files_below(&root.join("ship"), &mut paths);
    let mut names: Vec<String> =
        paths.iter().map(|p| p.strip_prefix(root).expect("below the root").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn skip(what: &str) {
    println!("skipped: {} rows of {what}, the shared data folders are absent", TABLE.len());
}

/// What differs from the row, if anything.
fn difference(row: &Row, found: &VariableGrid) -> Option<String> {
    let grid = &found.grid;
    let (family, area, active) = (grid.family.to_string(), grid.covered_fraction(), grid.active_count());
    if !family.starts_with(row.family) {
        return Some(format!("kind {family}, expected {}", row.family));
    }
    if grid.shape != row.shape || grid.len() != row.shape.iter().product::<usize>() {
        return Some(format!("extents {:?}, expected {:?}", grid.shape, row.shape));
    }
    if active.abs_diff(row.active) > row.slack {
        return Some(format!("{active} active cells, expected {} within {}", row.active, row.slack));
    }
    if (area / row.area - 1.0).abs() > row.tolerance {
        return Some(format!("area {area:.12} of the sphere, expected {} within {:.0e}", row.area, row.tolerance));
    }
    if area > 1.0 + 1e-7 {
        return Some(format!("area {area:.12}: more than the sphere"));
    }
    if !row.note.is_empty() && !grid.report.notes.iter().any(|n| n.contains(row.note)) {
        return Some(format!("no note with `{}` in {:?}", row.note, grid.report.notes));
    }
    if grid.report.recognised_by.is_empty() {
        return Some("the report does not say how the grid was recognised".to_owned());
    }
    None
}

fn read_row(root: &Path, name: &str, variable: Option<&str>) -> Result<VariableGrid, IoError> {
    read_grid_file(&root.join(name), variable, Detail::Cells)
}

#[test]
fn every_file_has_the_grid_of_the_table() {
    let Some(root) = shared() else { return skip("the table") };
    let mut faults = Vec::new();
    let (mut grids, mut refusals) = (0, 0);
    for (name, expected) in TABLE {
        let fault = match expected {
            Expected::Grid(row) => {
                grids += 1;
                read_row(&root, name, row.variable).map_or_else(|e| Some(e.to_string()), |found| difference(row, &found))
            }
            Expected::Refused(words) | Expected::Other(words) => {
                refusals += 1;
                match read_row(&root, name, None) {
                    Ok(found) => Some(format!("a {} grid, expected a refusal", found.grid.family)),
                    Err(e) if e.to_string().contains(words) => None,
                    Err(e) => Some(format!("refused by `{e}`, expected `{words}`")),
                }
            }
        };
        faults.extend(fault.map(|f| format!("{name}: {f}")));
    }
    println!("{grids} grids and {refusals} refusals checked");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_file_is_in_the_table() {
    let Some(root) = shared() else { return skip("the folders") };
    let unknown: Vec<String> = files(&root).into_iter().filter(|f| !TABLE.iter().any(|(name, _)| name == f)).collect();
    assert!(unknown.is_empty(), "files without a row: {unknown:?}");
    let absent: Vec<&str> = TABLE.iter().map(|(name, _)| *name).filter(|name| !root.join(name).is_file()).collect();
    assert!(absent.is_empty(), "rows without a file: {absent:?}");
}

#[test]
fn the_comparison_fails_on_a_wrong_grid() {
    let Some(root) = shared() else { return skip("the comparison") };
    let found = read_row(&root, "data/atmos/2t_era5_2p5deg_2000.nc", None).expect("a grid");
    assert!(difference(&whole("lat-lon", &[73, 144], 1.0, EXACT), &found).is_none());
    assert!(difference(&whole("rotated", &[73, 144], 1.0, EXACT), &found).is_some());
    assert!(difference(&whole("lat-lon", &[144, 73], 1.0, EXACT), &found).is_some());
    assert!(difference(&whole("lat-lon", &[73, 144], 1.0 + 2e-9, EXACT), &found).is_some());
    assert!(difference(&whole("lat-lon", &[73, 144], 1.0, EXACT).active(10_511, 0), &found).is_some());
    assert!(difference(&whole("lat-lon", &[73, 144], 1.0, EXACT).noting("ellipsoid"), &found).is_some());
}

/// Every data variable has a grid or a stated reason for having none; nothing else may go wrong.
#[test]
fn every_data_variable_has_a_grid_or_a_reason() {
    let Some(root) = shared() else { return skip("the variables") };
    let (mut with, mut without) = (0, 0);
    for name in files(&root) {
        let Ok(dataset) = Dataset::open(&root.join(&name)) else { continue };
        for info in dataset.variables().iter().filter(|v| v.role == Role::Data) {
            match read_grid(&dataset, &info.name) {
                Ok(found) => {
                    with += 1;
                    let lens: usize =
                        found.dims.iter().map(|d| info.dims.iter().find(|(n, _)| n == d).expect("its own dimension").1).product();
                    assert_eq!(lens, found.grid.len(), "{name}: {}", info.name);
                }
                Err(IoError::NoGrid { problem, .. }) => {
                    without += 1;
                    assert!(!problem.is_empty());
                }
                Err(e) => panic!("{name}: `{}`: {e}", info.name),
            }
        }
    }
    println!("{with} data variables have a grid, {without} a reason for having none");
    assert!(with > 60, "{with}");
}

/// CanESM5 gives the area of its ocean cells, on a sphere of 6371.2 km or nearly so.
#[test]
fn polygons_of_canesm5_match_its_areas() {
    let Some(root) = shared() else { return skip("CanESM5") };
    let dataset = Dataset::open(&root.join("data/eccc/sic_SImon_CCCma-CanESM5_ssp245_r13i1p2f1_2020.nc")).expect("it opens");
    let grid = read_grid(&dataset, "areacello").expect("a grid").grid;
    let areas = dataset.file().read("areacello").expect("areas");
    let sea: Vec<usize> = (0..grid.len()).filter(|&c| areas[c] < 1e19 && grid.mask.is_active(c)).collect();
    assert!(sea.len() > 60_000, "{}", sea.len());
    let mean_ratio = sea.iter().map(|&c| areas[c]).sum::<f64>() / sea.iter().map(|&c| grid.area(c)).sum::<f64>();
    // R² of some Earth; then each cell within 0.2 % (single-precision areas of quadrangles computed by metrics).
    assert!((mean_ratio.sqrt() / 6_371_000.0 - 1.0).abs() < 1e-3, "{}", mean_ratio.sqrt());
    let off = sea.iter().filter(|&&c| (areas[c] / (grid.area(c) * mean_ratio) - 1.0).abs() > 2e-3).count();
    assert!(off * 1000 < sea.len(), "{off} of {} cells are off", sea.len());
}

/// Cells around FESOM's nodes are a third of the triangles around them.
#[test]
fn dual_cells_of_fesom_are_thirds_of_its_triangles() {
    let Some(root) = shared() else { return skip("FESOM") };
    let dataset = Dataset::open(&root.join("data/unstructured/fesom_pi_mesh_diag.nc")).expect("it opens");
    let nodes = read_grid(&dataset, "nod_area").expect("a grid").grid;
    let faces = read_grid(&dataset, "elem_area").expect("a grid").grid;
    let connections = dataset.file().read("face_nodes").expect("connections");
    let mut thirds = vec![0.0; nodes.len()];
    for face in 0..faces.len() {
        for k in 0..3 {
            thirds[connections[k * faces.len() + face] as usize - 1] += faces.area(face) / 3.0;
        }
    }
    let worst = (0..nodes.len()).map(|c| (nodes.area(c) / thirds[c] - 1.0).abs()).fold(0.0, f64::max);
    // The median dual of a spherical triangle differs from a third by its curvature: sides of up to 6 degrees, 0.1² / 2.
    assert!(worst < 5e-3, "{worst}");
    // FESOM's own areas are of plane triangles, a few percent off where they are longest.
    let own = dataset.file().read("nod_area").expect("areas");
    let scale = own[..nodes.len()].iter().sum::<f64>() / thirds.iter().sum::<f64>();
    let worst = (0..nodes.len()).map(|c| (own[c] / scale / thirds[c] - 1.0).abs()).fold(0.0, f64::max);
    assert!(worst < 0.05, "{worst}");
}
