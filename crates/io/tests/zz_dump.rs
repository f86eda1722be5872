#[test]
fn dump() {
    for f in [
        "data/eccc/sic_SImon_CCCma-CanESM5_ssp245_r13i1p2f1_2020.nc",
        "data/ocean/deptho_Ofx_EC-Earth3-Veg_ORCA1.nc",
        "data/ocean/simass_SImon_NorESM2-MM_201501.nc",
        "data/ocean/tauuo_Omon_MPI-ESM1-2-LR_185001.nc",
        "ship/nemo_eorca1_tos_201501.nc",
        "ship/orca2_votemper.nc",
        "data/eccc/salishseacast_grid_angle.nc",
    ] {
        let g = knarr_io::read_grid_file(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(f), None)
            .unwrap()
            .grid;
        println!("{f} {} {:.12} {:?} {:?}", g.active_count(), g.covered_fraction(), g.report.notes, g.report.summary());
    }
}
