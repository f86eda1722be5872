//! Other times: what bounds and cell_methods make of steps.

use knarr_field::Calendar;
use knarr_io::resample::{Partial, Period, ResampleReport, ResampleRequest, TimeKind, TimeMethod, resample_file};
use knarr_io::{Dataset, IoError, NanPolicy, Purpose, read_decoded, times};
use std::path::{Path, PathBuf};

/// A file of one variable `v(time, x)` with two cells; `bounds` in days, stamps at their ends or as given.
fn series(
    folder: &tempfile::TempDir,
    (calendar, methods): (&str, &str),
    stamps: &[f64],
    bounds: Option<&[[f64; 2]]>,
    values: &[f64],
) -> PathBuf {
    let path = folder.path().join("in.nc");
    let mut file = netcdf::create(&path).expect("a new file");
    for (name, len) in [("time", stamps.len()), ("x", 2), ("bnds", 2)] {
        file.add_dimension(name, len).expect("a dimension");
    }
    let mut time = file.add_variable::<f64>("time", &["time"]).expect("times");
    time.put_attribute("units", "days since 2001-01-01").expect("units");
    time.put_attribute("calendar", calendar).expect("a calendar");
    if bounds.is_some() {
        time.put_attribute("bounds", "time_bnds").expect("bounds");
    }
    time.put_values(stamps, ..).expect("times");
    if let Some(bounds) = bounds {
        let mut v = file.add_variable::<f64>("time_bnds", &["time", "bnds"]).expect("bounds");
        v.put_values(bounds.as_flattened(), ..).expect("bounds");
    }
    let mut v = file.add_variable::<f64>("v", &["time", "x"]).expect("a variable");
    if !methods.is_empty() {
        v.put_attribute("cell_methods", methods).expect("methods");
    }
    // The second cell has ten times the values of the first.
    let both: Vec<f64> = values.iter().flat_map(|&v| [v, 10.0 * v]).collect();
    v.put_values(&both, ..).expect("values");
    path
}

fn request(input: &Path, to: &str, method: TimeMethod) -> ResampleRequest {
    ResampleRequest {
        input: input.to_owned(),
        output: input.with_file_name("out.nc"),
        period: Period::parse(to).expect("a period"),
        method,
        kind: None,
        partial: Partial::Drop,
        calendar: None,
        variables: None,
        nan: NanPolicy::Error,
        overwrite: true,
        history: "a test".to_owned(),
    }
}

/// Values of the first cell, labels of their times; the second cell is checked to have ten times as much.
fn result(request: &ResampleRequest) -> (Vec<f64>, Vec<String>, ResampleReport) {
    let report = resample_file(request).expect("resampled");
    let dataset = Dataset::open(&request.output).expect("written");
    let v = read_decoded(dataset.file(), "v", Purpose::Data, NanPolicy::Error).expect("values");
    assert!(v.valid.is_none(), "nothing is missing");
    v.values.chunks(2).for_each(|pair| assert!((pair[1] - 10.0 * pair[0]).abs() <= 1e-12 * pair[1].abs()));
    let axis = times::time_of(&dataset, dataset.variable("v").expect("there")).expect("a time").axis.expect("dates");
    let labels = (0..axis.values.len()).map(|step| axis.label(step)).collect();
    (v.values.iter().step_by(2).copied().collect(), labels, report)
}

fn text(request: &ResampleRequest, variable: &str, attribute: &str) -> String {
    let dataset = Dataset::open(&request.output).expect("written");
    dataset.variable(variable).expect("there").attributes.text(attribute).unwrap_or_default().to_owned()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    found.iter().zip(expected).for_each(|(f, e)| assert!((f - e).abs() <= 1e-13 * e.abs().max(1.0), "{found:?} {expected:?}"));
}

#[test]
fn means_are_weighted_by_the_time_they_share_with_a_month() {
    let folder = tempfile::tempdir().expect("a folder");
    // 10 days, 25 days of which 21 are in January, then to the end of February.
    let bounds = [[0.0, 10.0], [10.0, 35.0], [35.0, 59.0]];
    let input = series(&folder, ("noleap", "time: mean"), &[5.0, 22.5, 47.0], Some(&bounds), &[1.0, 2.0, 5.0]);
    let request = request(&input, "month", TimeMethod::Reduce);
    let (values, labels, report) = result(&request);
    close(&values, &[(10.0 + 21.0 * 2.0) / 31.0, (4.0 * 2.0 + 24.0 * 5.0) / 28.0]);
    assert_eq!(labels, ["2001-01-16 12:00:00", "2001-02-15 00:00:00"]);
    assert_eq!((report.variables[0].1, report.partial.len()), (TimeKind::Mean, 0));
    assert_eq!(
        (text(&request, "v", "cell_methods"), text(&request, "time", "bounds")),
        ("time: mean".into(), "time_bnds".into())
    );
    let dataset = Dataset::open(&request.output).expect("written");
    assert_eq!(dataset.file().read("time_bnds").expect("bounds"), [0.0, 31.0, 31.0, 59.0]);
    for (method, expected) in [("maximum", [2.0, 5.0]), ("minimum", [1.0, 2.0])] {
        let input = series(&folder, ("noleap", &format!("time: {method}")), &[5.0, 22.5, 47.0], Some(&bounds), &[1.0, 2.0, 5.0]);
        close(&result(&self::request(&input, "month", TimeMethod::Reduce)).0, &expected);
    }
}

#[test]
fn amounts_are_divided_and_none_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let bounds: Vec<[f64; 2]> = (0..10).map(|k| [3.0 * f64::from(k), 3.0 * f64::from(k + 1)]).collect();
    let amounts: Vec<f64> = (0..10).map(|k| 3.0 * f64::from(k)).collect();
    let ends: Vec<f64> = bounds.iter().map(|b| b[1]).collect();
    let input = series(&folder, ("360_day", "time: sum"), &ends, Some(&bounds), &amounts);
    let (days, _, _) = result(&request(&input, "day", TimeMethod::Reduce));
    close(&days, &(0..30).map(|d| f64::from(d / 3)).collect::<Vec<_>>());
    let (months, labels, _) = result(&request(&input, "month", TimeMethod::Reduce));
    close(&months, &[amounts.iter().sum()]);
    assert_eq!(labels, ["2001-01-16 00:00:00"]);
}

#[test]
fn run_totals_become_amounts_and_a_new_run_begins_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    // Two runs of a day, totals every 6 hours.
    let bounds: Vec<[f64; 2]> = (0..8).map(|k| [f64::from(k / 4), f64::from(k / 4) + 0.25 * f64::from(k % 4 + 1)]).collect();
    let totals = [1.0, 3.0, 3.0, 7.0, 0.5, 0.5, 2.5, 9.5];
    let ends: Vec<f64> = bounds.iter().map(|b| b[1]).collect();
    let input = series(&folder, ("standard", "time: sum"), &ends, Some(&bounds), &totals);
    let mut request = request(&input, "6h", TimeMethod::Reduce);
    let (amounts, _, report) = result(&request);
    close(&amounts, &[1.0, 2.0, 0.0, 4.0, 0.5, 0.0, 2.0, 7.0]);
    assert_eq!(report.variables[0].1, TimeKind::Total);
    assert!(report.remarks.iter().any(|r| r.contains("totals since the start of a run")), "{:?}", report.remarks);
    request.period = Period::parse("day").expect("a period");
    close(&result(&request).0, &[7.0, 9.5]);
    assert_eq!(text(&request, "v", "cell_methods"), "time: sum");
    // Without bounds nobody knows since when the first total counts: it is where amounts begin.
    let input = series(&folder, ("standard", "time: sum"), &ends[..4], None, &totals[..4]);
    let mut bare = self::request(&input, "6h", TimeMethod::Reduce);
    bare.kind = Some(TimeKind::Total);
    close(&result(&bare).0, &[2.0, 0.0, 4.0]);
}

#[test]
fn instants_lie_on_lines_between_steps() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = series(&folder, ("julian", "time: point"), &[0.0, 0.5, 1.5], None, &[1.0, 3.0, 7.0]);
    let (values, labels, _) = result(&request(&input, "6h", TimeMethod::Linear));
    close(&values, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert_eq!((labels[1].as_str(), labels.len()), ("2001-01-01 06:00:00", 7));
    let (values, _, _) = result(&request(&input, "6h", TimeMethod::Nearest));
    // Half-way the earlier step counts.
    close(&values, &[1.0, 1.0, 3.0, 3.0, 3.0, 7.0, 7.0]);
    // Instants count alike in a mean.
    let input = series(&folder, ("all_leap", "time: point"), &[0.0, 0.25, 0.5, 0.75], None, &[1.0, 2.0, 3.0, 6.0]);
    close(&result(&request(&input, "day", TimeMethod::Reduce)).0, &[3.0]);
}

#[test]
fn periods_that_steps_do_not_fill_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let bounds: Vec<[f64; 2]> = (20..70).map(|d| [f64::from(d), f64::from(d + 1)]).collect();
    let stamps: Vec<f64> = bounds.iter().map(|b| b[0] + 0.5).collect();
    let input = series(&folder, ("standard", "time: mean"), &stamps, Some(&bounds), &vec![4.0; 50]);
    let mut request = request(&input, "month", TimeMethod::Reduce);
    let (values, labels, report) = result(&request);
    assert_eq!((values, labels), (vec![4.0], vec!["2001-02-15 00:00:00".to_owned()]));
    assert_eq!(report.partial.len(), 2);
    assert!((report.partial[0].1 - 11.0 / 31.0).abs() < 1e-12 && report.partial[0].0.starts_with("2001-01-01"));
    request.partial = Partial::Keep;
    assert_eq!(result(&request).0, [4.0; 3]);
    let covered = Dataset::open(&request.output).expect("written").file().read("time_covered").expect("shares");
    close(&covered, &[11.0 / 31.0, 1.0, 11.0 / 31.0]);
    request.partial = Partial::Refuse;
    let error = resample_file(&request).expect_err("unfilled").to_string();
    assert!(error.contains("2 periods are not filled") && error.contains("2001-01-01"), "{error}");
}

#[test]
fn a_calendar_is_converted_by_dates_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let bounds: Vec<[f64; 2]> = (0..90).map(|d| [f64::from(d), f64::from(d + 1)]).collect();
    let stamps: Vec<f64> = bounds.iter().map(|b| b[0] + 0.5).collect();
    let days: Vec<f64> = (0..90).map(f64::from).collect();
    let input = series(&folder, ("360_day", "time: mean"), &stamps, Some(&bounds), &days);
    let mut request = request(&input, "day", TimeMethod::Reduce);
    request.calendar = Some(Calendar::Standard);
    let (values, labels, report) = result(&request);
    // 29 and 30 February are no dates of 2001, and 28 February cannot end on the 29th.
    assert_eq!(values.len(), 87);
    assert!(!labels.iter().any(|l| l.starts_with("2001-02-29")) && labels[57].starts_with("2001-03-01"), "{labels:?}");
    assert!(report.remarks.iter().any(|r| r.contains("360_day to standard") && r.contains("3 steps")), "{:?}", report.remarks);
    assert_eq!(text(&request, "time", "calendar"), "standard");
    assert!(text(&request, "time", "comment").contains("360_day"));
}

#[test]
fn what_cannot_be_known_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |methods: &str, bounds: Option<&[[f64; 2]]>| {
        let input = series(&folder, ("standard", methods), &[1.0, 2.0], bounds, &[1.0, 2.0]);
        let error = resample_file(&request(&input, "day", TimeMethod::Reduce)).expect_err(methods);
        assert!(matches!(error, IoError::Malformed { .. }));
        error.to_string()
    };
    assert!(refused("time: mean", None).contains("no bounds"));
    assert!(refused("time: variance", Some(&[[0.0, 1.0], [1.0, 2.0]])).contains("`variance`"));
    assert!(refused("time: mean", Some(&[[0.0, 1.0], [0.0, 2.0]])).contains("steps begin together"));
}

#[test]
fn real_days_make_the_means_of_real_months() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped 1: no {}", data.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let input = data.join("eccc/pr_NAM-22_OURANOS-CRCM5_rcp45_day_20510101-20551231.nc");
    let mut request = request(&input, "year", TimeMethod::Reduce);
    (request.output, request.nan) = (folder.path().join("out.nc"), NanPolicy::Missing);
    let report = resample_file(&request).expect("years");
    assert_eq!((report.steps, report.partial.len()), ((1825, 5), 0));
    let read = |path: &Path| {
        let dataset = Dataset::open(path).expect("a file");
        read_decoded(dataset.file(), "pr", Purpose::Data, NanPolicy::Missing).expect("values").values
    };
    let (days, years) = (read(&input), read(&request.output));
    let cells = years.len() / 5;
    for year in 0..5 {
        for cell in 0..cells {
            let mean = (0..365).map(|d| days[(365 * year + d) * cells + cell]).sum::<f64>() / 365.0;
            let found = years[year * cells + cell];
            // Stored in single precision.
            assert!((found - mean).abs() <= 1e-7 * mean.abs(), "{year} {cell}: {found} {mean}");
        }
    }
}
