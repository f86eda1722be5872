//! `knarr levels`: other levels, and what is said where they cannot be made.

use crate::files;
use crate::run::{Folder, check_snapshot};

#[test]
fn levels_of_the_sea_are_put_elsewhere() {
    let folder = Folder::new().with_dataset("levitus_annual_temp_salt.nc");
    let arguments = "levels levitus_annual_temp_salt.nc -o out.nc --to 0,15,100m --method pchip";
    check_snapshot("levels", arguments, &folder.knarr(arguments));
    let arguments = "levels levitus_annual_temp_salt.nc -o layers.nc --to 0,15,100m --method ppm";
    check_snapshot("levels_layers", arguments, &folder.knarr(arguments));
    // The levels of one file serve as those of another.
    let arguments = "levels levitus_annual_temp_salt.nc -o again.nc --to-file out.nc:ZAXLEVITR -q";
    let ran = folder.knarr(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn bad_levels_are_refused() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("t.nc"), |k| k as f32, None);
    folder.fails("levels t.nc -o out.nc --to 1000,500hPa", "levels_none");
    folder.fails("levels t.nc -o out.nc --to 1000,500", "levels_no_unit");
    let folder = folder.with_dataset("levitus_annual_temp_salt.nc");
    folder.fails("levels levitus_annual_temp_salt.nc -o out.nc --to 15m --method ppm", "levels_one_edge");
    folder.fails("levels t.nc -o out.nc --to-file t.nc:lat", "levels_no_axis");
}
