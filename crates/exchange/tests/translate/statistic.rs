//! Totals, means and their labels.

use crate::support::{Frame, Var, catalogue, read, request, run, text, write};
use knarr_exchange::catalogue::Convention;
use knarr_exchange::translate::{Statistic, TranslateError, translate};
use knarr_grid::Grid;

const HOURS: [f64; 4] = [1.0, 2.0, 3.0, 6.0];
const FLUX: f64 = 320.0;

fn total(name: &str, units: &str, value: impl Fn(usize, usize) -> f64 + 'static) -> Var<'static> {
    Var {
        name: name.into(),
        attributes: vec![("units", units.to_owned())],
        value: Box::new(move |step, _, cell| Some(value(step, cell))),
    }
}

/// The label W m-2 on joules is the mistake of the Datamart that does most damage.
#[test]
fn run_totals_labelled_as_rates_become_the_flux_they_are() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let grid = Grid::from_spec("r4x3").expect("a grid");
    for label in ["W m-2", "W m**-2", "J m-2"] {
        let joules = total("DSWRF_Sfc", label, |step, cell| FLUX * (1 + cell) as f64 * HOURS[step] * 3600.0);
        write(&input, &Frame::new(&grid, &HOURS), &[joules]);
        let report =
            run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{label}: {e}"));
        let (values, _) = read(&output, "surface_downwelling_shortwave_flux");
        for (i, v) in values.iter().enumerate() {
            let flux = FLUX * (1 + i % grid.len()) as f64;
            assert!((v - flux).abs() <= 8.0 * f64::EPSILON * flux, "{label} value {i}: {v}, expected {flux}");
        }
        assert_eq!(text(&output, "surface_downwelling_shortwave_flux", "units").as_deref(), Some("W m-2"));
        assert_eq!(text(&output, "surface_downwelling_shortwave_flux", "cell_methods").as_deref(), Some("time: mean"));
        let told = report.read[0].remarks.iter().any(|r| r.contains("although labelled"));
        assert_eq!(told, label != "J m-2");
        // The intervals are written: without them a mean says little.
        let bounds = knarr_io::Dataset::open(&output).expect("readable").file().read("time_bounds").expect("bounds");
        assert_eq!(bounds, [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 6.0]);
    }
    // Twelve cells of up to 3840 W m-2 are above the limit of 1500, and that is told.
    let report = run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.out_of_range(), 8 * 4);
}

#[test]
fn a_rate_labelled_as_a_rate_is_not_differenced_unless_it_may_be_a_total() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let grid = Grid::from_spec("r4x3").expect("a grid");
    // Within the limits of a flux: a mean, or a total of almost nothing. Nobody but the user can tell.
    write(&input, &Frame::new(&grid, &HOURS), &[total("DSWRF_Sfc", "W m-2", |_, _| FLUX)]);
    let error = run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).expect_err("ambiguous");
    assert!(matches!(error, TranslateError::Statistic { .. }), "{error}");
    assert!(error.hint().expect("a hint").contains("--statistic DSWRF_Sfc=total"));
    assert!(!output.exists());
    let mut told = request(&catalogue, &input, &output, Convention::Eccc, Convention::Cf);
    told.statistics.insert("DSWRF_Sfc".into(), Statistic::Mean);
    translate(&told).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "surface_downwelling_shortwave_flux").0.iter().all(|v| *v == FLUX));
    // Outgoing long-wave radiation: the catalogue does not know, the size of the values does.
    write(&input, &Frame::new(&grid, &HOURS), &[total("ULWRF_NTAT", "W m-2", |_, _| 240.0)]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "toa_outgoing_longwave_flux").0.iter().all(|v| *v == 240.0));
    write(&input, &Frame::new(&grid, &HOURS), &[total("ULWRF_NTAT", "W m-2", |step, _| 240.0 * 3600.0 * HOURS[step])]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "toa_outgoing_longwave_flux").0.iter().all(|v| (*v - 240.0).abs() < 1e-12));
}

#[test]
fn precipitation_is_picked_by_its_units_not_by_its_name() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let grid = Grid::from_spec("r4x3").expect("a grid");
    // 1.8 mm in an hour is 5e-4 kg m-2 s-1, whether tp is in metres (228) or kg m-2 (228228), or a rate.
    let cases = [("tp", "m", 1.8e-3), ("tp", "kg m-2", 1.8), ("tp", "mm", 1.8)];
    for (name, units, hourly) in cases {
        write(&input, &Frame::new(&grid, &HOURS), &[total(name, units, move |step, _| hourly * HOURS[step])]);
        run(&catalogue, &input, &output, Convention::ExtremesDt, Convention::Cf).unwrap_or_else(|e| panic!("{units}: {e}"));
        assert!(read(&output, "precipitation_flux").0.iter().all(|v| (v / 5e-4 - 1.0).abs() < 1e-14), "{units}");
    }
    write(&input, &Frame::new(&grid, &HOURS), &[total("tp", "kg m-2 s-1", |_, _| 5e-4)]);
    let report = run(&catalogue, &input, &output, Convention::ExtremesDt, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(read(&output, "precipitation_flux").0.iter().all(|v| *v == 5e-4));
    assert!(report.read[0].remarks.iter().any(|r| r.contains("means")));
    write(&input, &Frame::new(&grid, &HOURS), &[total("tp", "K", |_, _| 280.0)]);
    let error = run(&catalogue, &input, &output, Convention::ExtremesDt, Convention::Cf).expect_err("no rain");
    assert!(error.to_string().contains("`K` cannot become"), "{error}");
}

#[test]
fn totals_of_a_run_need_its_start_and_take_it_from_where_it_is() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let grid = Grid::from_spec("r4x3").expect("a grid");
    let rain = || total("APCP_Sfc", "kg m-2", |step, _| 3.6 * HOURS[step]);
    let mut frame = Frame::new(&grid, &HOURS);
    frame.tells_start = false;
    write(&input, &frame, &[rain()]);
    let error = run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).expect_err("no start");
    assert!(matches!(error, TranslateError::Time { .. }) && error.hint().expect("a hint").contains("--start"), "{error}");
    let is_right = || read(&output, "precipitation_flux").0.iter().all(|v| (v / 1e-3 - 1.0).abs() < 1e-14);
    // Bounds since the start.
    frame.bounds = Some(HOURS.iter().map(|h| [0.0, *h]).collect());
    write(&input, &frame, &[rain()]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(is_right());
    // Bounds of intervals: the same numbers are then amounts of their intervals.
    frame.bounds = Some(vec![[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 6.0]]);
    write(&input, &frame, &[total("APCP_Sfc", "kg m-2", |step, _| 3.6 * [1.0, 1.0, 1.0, 3.0][step])]);
    run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).unwrap_or_else(|e| panic!("{e}"));
    assert!(is_right());
}

#[test]
fn a_total_that_falls_is_refused() {
    let catalogue = catalogue();
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.nc"), folder.path().join("out.nc"));
    let grid = Grid::from_spec("r4x3").expect("a grid");
    write(&input, &Frame::new(&grid, &HOURS), &[total("APCP_Sfc", "kg m-2", |step, _| [1.0, 0.4, 2.0, 0.1][step])]);
    let error = run(&catalogue, &input, &output, Convention::Eccc, Convention::Cf).expect_err("amounts").to_string();
    assert!(error.contains("no totals since the start"), "{error}");
    assert!(!output.exists());
}
