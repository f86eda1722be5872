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
        let made = Registry::built_in().find("stream").expect("a kind")(&context(None, DAY), &parameters);
        made.err().expect("does not fit").to_string()
    };
    let coads = "file: coads_monthly_climatology.nc";
    assert!(fails(&format!("{{{coads}, fields: {{t: AIRTT}}}}")).contains("AIRT"));
    assert!(fails(&format!("{{{coads}, time: coszen, fields: {{t: AIRT}}}}")).contains("`coszen` shapes means over time bounds"));
    assert!(fails(&format!("{{{coads}, beyond: cycle, cycle: P30D, fields: {{t: AIRT}}}}")).contains("P30D is 30 days"));
    assert!(fails("{file: metoffice_a1b_north_america.nc, fields: {t: air_temperature}}").contains("its calendar is 360_day"));
    assert!(fails(&format!("{{{coads}, fields: {{}}}}")).contains("expected one such as"));
}
