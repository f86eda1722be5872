use super::moment::{Beyond, Bracket, Rules, Timing};
use crate::components::tests::{context, make};
use crate::{Fields, Instant, Interval, Parameters, Period, Registry};
use knarr_field::Calendar;

const DAY: i64 = 86_400;

fn rules(timing: Timing, beyond: Beyond) -> Rules {
    Rules { timing, beyond, cycle: Period { months: 12, seconds: 0 }, calendar: Calendar::NoLeap }
}

/// Mid-January, mid-March and mid-December of year 2000.
fn times() -> Vec<Instant> {
    [15, 75, 350].map(|day| Instant(day * DAY)).to_vec()
}

#[test]
fn brackets_are_those_of_the_calendar() {
    let linear = rules(Timing::Linear, Beyond::Cycle);
    let at = |rules: &Rules, day: i64| rules.bracket(&times(), Instant(day * DAY)).expect("a cycle");
    assert_eq!(at(&linear, 45), Bracket { lower: 0, upper: 1, share: 0.5 });
    assert_eq!(at(&linear, 15), Bracket { lower: 0, upper: 0, share: 0.0 });
    // 30 days from December to January; four years later as well.
    for year in [0, 4] {
        assert_eq!(at(&linear, 365 * year + 355), Bracket { lower: 2, upper: 0, share: 5.0 / 30.0 });
        assert_eq!(at(&linear, 365 * year + 5), Bracket { lower: 2, upper: 0, share: 20.0 / 30.0 });
    }
    let only = |timing, day| at(&rules(timing, Beyond::Cycle), day).lower;
    assert_eq!([44, 45, 46].map(|day| only(Timing::Nearest, day)), [0, 0, 1]);
    assert_eq!((only(Timing::Lower, 60), only(Timing::Upper, 60)), (0, 1));
    assert_eq!((only(Timing::Lower, 5), only(Timing::Upper, 360)), (2, 0));
    let extend = rules(Timing::Linear, Beyond::Extend);
    assert_eq!((at(&extend, -3).lower, at(&extend, 900).lower), (0, 2));
    let limit = rules(Timing::Linear, Beyond::Limit);
    let error = limit.bracket(&times(), Instant(400 * DAY)).expect_err("beyond");
    assert_eq!(
        error,
        "2001-02-05T00:00 lies outside its times, 2000-01-16T00:00 to 2000-12-17T00:00; `beyond: extend` or `beyond: cycle` go on"
    );
    // A cycle of days, and one that is too short.
    let ten = Rules { cycle: Period::seconds(400 * DAY), ..linear };
    assert_eq!(at(&ten, 415).lower, 0);
    let short = Rules { cycle: Period::seconds(300 * DAY), ..linear };
    assert_eq!(short.misfit(&times()).expect("too short"), "P300D is 300 days, but the records span 335.0 days");
}

fn interval(start: i64, end: i64) -> Interval {
    Interval { start: Instant(start), end: Instant(end), calendar: Calendar::NoLeap }
}

#[test]
fn coads_is_interpolated_between_its_months() {
    let yaml = "{file: coads_monthly_climatology.nc, beyond: cycle, missing: nearest, fields: {air_temperature: AIRT, eastward_wind: UWND}}";
    let mut stream = make("stream", None, DAY, yaml);
    let declaration = stream.declaration().clone();
    assert_eq!(declaration.exports[0].units, "degC");
    assert_eq!(declaration.grids[0].grid.active_count(), 180 * 90);
    let mut exports = Fields::for_exports(&declaration);
    // Records 1 and 2 lie 366 h and 1096.485 h after the beginning of the year.
    let (first, second) = (366 * 3600, 1_096 * 3600 + 1746);
    let mut at = |seconds: i64| {
        stream.step(&interval(seconds - DAY, seconds), &Fields::default(), &mut exports).expect("steps");
        exports.get("air_temperature").expect("given").clone()
    };
    let (a, b, middle) = (at(first), at(second), at((first + second) / 2));
    assert!(a.valid.is_none());
    for cell in (0..a.len()).step_by(97) {
        let share = ((first + second) / 2 - first) as f64 / (second - first) as f64;
        let expected = a.values[cell] + share * (b.values[cell] - a.values[cell]);
        assert!((middle.values[cell] - expected).abs() < 1e-12, "{cell}");
    }
    assert_eq!(at(first + 365 * DAY), a);
}

#[test]
fn gaps_stay_where_they_are_wanted() {
    let yaml = "{file: coads_monthly_climatology.nc, beyond: cycle, fields: {air_temperature: AIRT}}";
    let mut stream = make("stream", None, DAY, yaml);
    let declaration = stream.declaration().clone();
    let active = declaration.grids[0].grid.active_count();
    assert!((9000..15_000).contains(&active), "{active}");
    let mut exports = Fields::for_exports(&declaration);
    stream.step(&interval(0, DAY), &Fields::default(), &mut exports).expect("steps");
    let values = exports.get("air_temperature").expect("given");
    assert!(values.valid.as_ref().is_some_and(|valid| valid.contains(&false)));
}

#[test]
fn what_does_not_fit_is_told() {
    let fails = |yaml: &str| {
        let parameters = Parameters::from_yaml(yaml).expect("YAML");
        let made = (Registry::built_in().find("stream").expect("a kind").make)(&context(None, DAY), &parameters);
        made.err().expect("does not fit").to_string()
    };
    let coads = "file: coads_monthly_climatology.nc";
    assert!(fails(&format!("{{{coads}, fields: {{t: AIRTT}}}}")).contains("AIRT"));
    assert!(fails(&format!("{{{coads}, time: coszen, fields: {{t: AIRT}}}}")).contains("`coszen` shapes means over time bounds"));
    assert!(fails(&format!("{{{coads}, beyond: cycle, cycle: P30D, fields: {{t: AIRT}}}}")).contains("P30D is 30 days"));
    assert!(fails("{file: metoffice_a1b_north_america.nc, fields: {t: air_temperature}}").contains("its calendar is 360_day"));
    assert!(fails(&format!("{{{coads}, fields: {{}}}}")).contains("expected one such as"));
}

/// A file of two days' means of sunlight on a grid of 8 x 4 cells.
fn sunlight(path: &std::path::Path, methods: &str, calendar: &str) {
    use knarr_field::{Attributes, NumberType};
    use knarr_io::nc::{Numbers, ValueType};
    use knarr_io::nc_write::{NewFile, NewVariable};
    let mut file = NewFile::create(path, false).expect("a file");
    for (name, len) in [("time", 2), ("bnds", 2), ("lat", 4), ("lon", 8)] {
        file.add_dimension(name, len, false).expect("a dimension");
    }
    let mut add = |name: &str, dims: &[&str], texts: &[(&str, &str)], values: Vec<f64>, lens: &[usize]| {
        let mut attributes = Attributes::new();
        texts.iter().for_each(|&(name, text)| attributes.set(name, text));
        let variable = NewVariable {
            name: name.into(),
            dims: dims.iter().map(|&d| d.to_owned()).collect(),
            value_type: ValueType::Number(NumberType::F64),
            attributes,
            fill: None,
            chunks: None,
            compressed: false,
        };
        file.add_variable(&variable).expect("a variable");
        let part: Vec<_> = lens.iter().map(|&len| 0..len).collect();
        file.put_numbers(name, &part, &Numbers::F64(values)).expect("values");
    };
    let time = [("units", "hours since 2000-07-01"), ("calendar", calendar), ("bounds", "time_bnds"), ("standard_name", "time")];
    add("time", &["time"], &time, vec![12.0, 36.0], &[2]);
    add("time_bnds", &["time", "bnds"], &[], vec![0.0, 24.0, 24.0, 48.0], &[2, 2]);
    add("lat", &["lat"], &[("units", "degrees_north"), ("standard_name", "latitude")], vec![-67.5, -22.5, 22.5, 67.5], &[4]);
    let lons = (0..8).map(|k| 45.0 * f64::from(k)).collect();
    add("lon", &["lon"], &[("units", "degrees_east"), ("standard_name", "longitude")], lons, &[8]);
    let texts = [("units", "W m-2"), ("standard_name", "surface_downwelling_shortwave_flux_in_air"), ("cell_methods", methods)];
    let values = (0..64).map(|k| 100.0 + f64::from(k)).collect();
    add("rsds", &["time", "lat", "lon"], &texts, values, &[2, 4, 8]);
    file.finish().expect("written");
}

#[test]
fn calendars_with_the_same_dates_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sun.nc");
    let parameters = Parameters::from_yaml(&format!("{{file: {}, fields: {{sun: rsds}}}}", path.display())).expect("YAML");
    let made = |of_file: &str, calendar| {
        std::fs::remove_file(&path).ok();
        sunlight(&path, "time: point", of_file);
        crate::components::Stream::make(&crate::Context { calendar, ..context(None, 3600) }, &parameters)
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert_eq!(made("proleptic_gregorian", Calendar::Standard), Ok(()));
    assert_eq!(made("gregorian", Calendar::ProlepticGregorian), Ok(()));
    let refused = made("julian", Calendar::Standard).expect_err("other dates");
    assert!(refused.contains("its calendar is julian") && refused.contains("`calendar: julian`"), "{refused}");
}

#[test]
fn the_sun_shapes_a_mean_and_keeps_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sun.nc");
    sunlight(&path, "time: mean", "noleap");
    let yaml = format!("{{file: {}, time: coszen, fields: {{sun: rsds}}}}", path.display());
    let mut stream = make("stream", None, 3600, &yaml);
    let declaration = stream.declaration().clone();
    assert_eq!(declaration.exports[0].statistic, crate::Statistic::Mean);
    let mut exports = Fields::for_exports(&declaration);
    // 2000-07-01.
    let first = 181 * DAY;
    let mut sums = vec![[0.0; 2]; 32];
    let mut noon = [0.0; 2];
    for hour in 0..48 {
        let at = first + hour * 3600;
        stream.step(&interval(at, at + 3600), &Fields::default(), &mut exports).expect("steps");
        let values = &exports.get("sun").expect("given").values;
        (0..32).for_each(|cell| sums[cell][(hour / 24) as usize] += values[cell] / 24.0);
        if hour == 12 {
            noon = [values[16], values[20]];
        }
    }
    for cell in 0..32 {
        for day in 0..2 {
            let expected = 100.0 + (32 * day + cell) as f64;
            assert!((sums[cell][day] / expected - 1.0).abs() < 1e-12, "{cell} {day}: {}", sums[cell][day]);
        }
    }
    // At noon of longitude 0 the sun is high there, and down on the other side.
    assert!(noon[0] > 2.0 * 116.0 && noon[1] == 0.0, "{noon:?}");
    let error = stream.step(&interval(first + 3 * DAY, first + 3 * DAY + 3600), &Fields::default(), &mut exports);
    assert!(error.expect_err("beyond the records").to_string().contains("no record covers 2000-07-04T00:00"));
    let points = folder.path().join("points.nc");
    sunlight(&points, "time: point", "noleap");
    let yaml = yaml.replace("sun.nc", "points.nc");
    let parameters = Parameters::from_yaml(&yaml).expect("YAML");
    let made = (Registry::built_in().find("stream").expect("a kind").make)(&context(None, 3600), &parameters);
    assert!(made.err().expect("points").to_string().contains("`rsds` is a point"));
}
