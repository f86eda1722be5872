//! Small files, some of them broken.

use netcdf::FileMut;
use std::path::Path;

/// A file with `t(cells...)` on named dimensions, and coordinates where their names are `lat` and `lon`.
fn create(path: &Path, dims: &[(&str, usize)]) -> FileMut {
    let mut file = netcdf::create(path).expect("a new file");
    for (name, len) in dims {
        file.add_dimension(name, *len).expect("a dimension");
    }
    file
}

fn coordinate(file: &mut FileMut, name: &str, dim: &str, units: &str, values: &[f64]) {
    let mut variable = file.add_variable::<f64>(name, &[dim]).expect("a coordinate");
    variable.put_attribute("units", units).expect("units");
    variable.put_values(values, ..).expect("values");
}

/// 6 x 12 cells of 30 degrees with `t`; `values` gives each cell's, `fill` declares a missing value.
pub fn lat_lon(path: &Path, values: impl Fn(usize) -> f32, fill: Option<f32>) {
    let mut file = create(path, &[("lat", 6), ("lon", 12)]);
    let lats: Vec<f64> = (0..6).map(|j| -75.0 + 30.0 * f64::from(j)).collect();
    let lons: Vec<f64> = (0..12).map(|i| 15.0 + 30.0 * f64::from(i)).collect();
    coordinate(&mut file, "lat", "lat", "degrees_north", &lats);
    coordinate(&mut file, "lon", "lon", "degrees_east", &lons);
    let mut variable = file.add_variable::<f32>("t", &["lat", "lon"]).expect("a variable");
    if let Some(fill) = fill {
        variable.set_fill_value(fill).expect("a fill value");
    }
    variable.put_attribute("units", "K").expect("units");
    variable.put_attribute("standard_name", "air_temperature").expect("a name");
    let values: Vec<f32> = (0..72).map(values).collect();
    variable.put_values(&values, ..).expect("values");
}

/// The same cells at many times.
pub fn series(path: &Path, times: usize) {
    let mut file = create(path, &[("time", times), ("lat", 6), ("lon", 12)]);
    let lats: Vec<f64> = (0..6).map(|j| -75.0 + 30.0 * f64::from(j)).collect();
    let lons: Vec<f64> = (0..12).map(|i| 15.0 + 30.0 * f64::from(i)).collect();
    coordinate(&mut file, "lat", "lat", "degrees_north", &lats);
    coordinate(&mut file, "lon", "lon", "degrees_east", &lons);
    let hours: Vec<f64> = (0..times).map(|t| t as f64).collect();
    coordinate(&mut file, "time", "time", "hours since 2000-01-01", &hours);
    let mut variable = file.add_variable::<f32>("t", &["time", "lat", "lon"]).expect("a variable");
    variable.put_attribute("units", "K").expect("units");
    let values: Vec<f32> = (0..times * 72).map(|k| k as f32).collect();
    variable.put_values(&values, ..).expect("values");
}

/// Values on dimensions of which nothing says where they are.
pub fn no_grid(path: &Path) {
    let mut file = create(path, &[("station", 4)]);
    let mut variable = file.add_variable::<f32>("t", &["station"]).expect("a variable");
    variable.put_values(&[1.0f32, 2.0, 3.0, 4.0], ..).expect("values");
}

/// Values at 48 scattered points without corners.
pub fn points(path: &Path) {
    let mut file = create(path, &[("cell", 48)]);
    // A spiral from pole to pole.
    let place = |k: usize| ((k as f64 * 137.507_764) % 360.0, (1.0 - (2 * k + 1) as f64 / 48.0).asin().to_degrees());
    let (lons, lats): (Vec<f64>, Vec<f64>) = (0..48).map(place).unzip();
    coordinate(&mut file, "lon", "cell", "degrees_east", &lons);
    coordinate(&mut file, "lat", "cell", "degrees_north", &lats);
    let mut variable = file.add_variable::<f32>("t", &["cell"]).expect("a variable");
    variable.put_attribute("units", "K").expect("units");
    variable.put_attribute("coordinates", "lon lat").expect("coordinates");
    let values: Vec<f32> = lats.iter().map(|l| *l as f32).collect();
    variable.put_values(&values, ..).expect("values");
}

/// `t(time, lat, lon)` with no time at all.
pub fn no_times(path: &Path) {
    let mut file = netcdf::create(path).expect("a new file");
    file.add_unlimited_dimension("time").expect("a dimension");
    for (name, len) in [("lat", 2), ("lon", 4)] {
        file.add_dimension(name, len).expect("a dimension");
    }
    coordinate(&mut file, "lat", "lat", "degrees_north", &[-45.0, 45.0]);
    coordinate(&mut file, "lon", "lon", "degrees_east", &[0.0, 90.0, 180.0, 270.0]);
    let mut time = file.add_variable::<f64>("time", &["time"]).expect("a coordinate");
    time.put_attribute("units", "days since 2000-01-01").expect("units");
    let mut variable = file.add_variable::<f32>("t", &["time", "lat", "lon"]).expect("a variable");
    variable.put_attribute("units", "K").expect("units");
}
