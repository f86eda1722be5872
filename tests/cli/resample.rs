//! `knarr resample`: other times, and what is said about them.

use crate::files;
use crate::run::{Folder, check_snapshot};

#[test]
fn seasons_are_made_of_months_and_partial_ones_are_told() {
    let folder = Folder::new().with_dataset("coads_monthly_climatology.nc");
    let arguments = "resample coads_monthly_climatology.nc -o out.nc --to season --vars SST";
    check_snapshot("resample", arguments, &folder.knarr(arguments));
    let arguments = "resample coads_monthly_climatology.nc -o kept.nc --to season --vars SST --partial keep --json -q";
    let report: serde_json::Value = serde_json::from_str(&folder.knarr(arguments).stdout).expect("JSON");
    assert_eq!((&report["steps_before"], &report["steps_after"]), (&12.into(), &5.into()));
}

#[test]
fn bad_times_are_refused() {
    let folder = Folder::new().with_dataset("coads_monthly_climatology.nc");
    files::lat_lon(&folder.path("t.nc"), |k| k as f32, None);
    folder.fails("resample t.nc -o out.nc --to month", "resample_no_time");
    folder.fails("resample t.nc -o out.nc --to 7h", "resample_bad_period");
    let refuse = "resample coads_monthly_climatology.nc -o out.nc --to season --vars SST --partial refuse";
    folder.fails(refuse, "resample_partial");
    folder.fails("resample coads_monthly_climatology.nc -o out.nc --to day --from mean", "resample_no_bounds");
}
