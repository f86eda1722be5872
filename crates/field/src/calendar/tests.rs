use super::*;

type DateAndNumber = ((i64, u32, u32), i64);

/// Days since 2000-01-01 as Unidata's cftime 1.6 counts them, with a year zero.
#[rustfmt::skip]
const KNOWN: &[(Calendar, &[DateAndNumber])] = &[
    (Calendar::Standard, &[
        ((-4712, 1, 1), -2_451_545),
        ((-400, 2, 28), -876_529),
        ((-1, 12, 30), -730_489),
        ((0, 2, 28), -730_429),
        ((0, 2, 29), -730_428),
        ((0, 3, 1), -730_427),
        ((1, 1, 1), -730_121),
        ((4, 2, 29), -728_967),
        ((100, 2, 29), -693_903),
        ((100, 3, 1), -693_902),
        ((1500, 2, 29), -182_553),
        ((1582, 10, 4), -152_385),
        ((1582, 10, 15), -152_384),
        ((1582, 12, 30), -152_308),
        ((1600, 2, 29), -146_038),
        ((1700, 3, 1), -109_513),
        ((1850, 1, 1), -54_786),
        ((1900, 2, 28), -36_466),
        ((1900, 3, 1), -36_465),
        ((1970, 1, 1), -10_957),
        ((1999, 12, 30), -2),
        ((2000, 2, 29), 59),
        ((2000, 12, 30), 364),
        ((2001, 1, 1), 366),
        ((2026, 7, 28), 9_705),
        ((2100, 2, 28), 36_583),
        ((2100, 3, 1), 36_584),
        ((9999, 12, 30), 2_921_938),
    ]),
    (Calendar::ProlepticGregorian, &[
        ((-4712, 1, 1), -2_451_507),
        ((-400, 2, 28), -876_524),
        ((-1, 12, 30), -730_487),
        ((0, 2, 28), -730_427),
        ((0, 2, 29), -730_426),
        ((0, 3, 1), -730_425),
        ((1, 1, 1), -730_119),
        ((4, 2, 29), -728_965),
        ((100, 3, 1), -693_901),
        ((1582, 10, 4), -152_395),
        ((1582, 10, 15), -152_384),
        ((1582, 12, 30), -152_308),
        ((1600, 2, 29), -146_038),
        ((1700, 3, 1), -109_513),
        ((1850, 1, 1), -54_786),
        ((1900, 2, 28), -36_466),
        ((1900, 3, 1), -36_465),
        ((1970, 1, 1), -10_957),
        ((1999, 12, 30), -2),
        ((2000, 2, 29), 59),
        ((2000, 12, 30), 364),
        ((2001, 1, 1), 366),
        ((2026, 7, 28), 9_705),
        ((2100, 2, 28), 36_583),
        ((2100, 3, 1), 36_584),
        ((9999, 12, 30), 2_921_938),
    ]),
    (Calendar::Julian, &[
        ((-4712, 1, 1), -2_451_558),
        ((-400, 2, 28), -876_542),
        ((-1, 12, 30), -730_502),
        ((0, 2, 28), -730_442),
        ((0, 2, 29), -730_441),
        ((0, 3, 1), -730_440),
        ((1, 1, 1), -730_134),
        ((4, 2, 29), -728_980),
        ((100, 2, 29), -693_916),
        ((100, 3, 1), -693_915),
        ((1500, 2, 29), -182_566),
        ((1582, 10, 4), -152_398),
        ((1582, 10, 15), -152_387),
        ((1582, 12, 30), -152_311),
        ((1600, 2, 29), -146_041),
        ((1700, 3, 1), -109_515),
        ((1850, 1, 1), -54_787),
        ((1900, 2, 28), -36_467),
        ((1900, 3, 1), -36_465),
        ((1970, 1, 1), -10_957),
        ((1999, 12, 30), -2),
        ((2000, 2, 29), 59),
        ((2000, 12, 30), 364),
        ((2001, 1, 1), 366),
        ((2026, 7, 28), 9_705),
        ((2100, 2, 28), 36_583),
        ((2100, 3, 1), 36_585),
        ((9999, 12, 30), 2_921_998),
    ]),
    (Calendar::NoLeap, &[
        ((-4712, 1, 1), -2_449_880),
        ((-400, 2, 28), -875_942),
        ((-1, 12, 30), -730_002),
        ((0, 2, 28), -729_942),
        ((0, 3, 1), -729_941),
        ((1, 1, 1), -729_635),
        ((100, 3, 1), -693_441),
        ((1582, 10, 4), -152_294),
        ((1582, 10, 15), -152_283),
        ((1582, 12, 30), -152_207),
        ((1700, 3, 1), -109_441),
        ((1850, 1, 1), -54_750),
        ((1900, 2, 28), -36_442),
        ((1900, 3, 1), -36_441),
        ((1970, 1, 1), -10_950),
        ((1999, 12, 30), -2),
        ((2000, 12, 30), 363),
        ((2001, 1, 1), 365),
        ((2026, 7, 28), 9_698),
        ((2100, 2, 28), 36_558),
        ((2100, 3, 1), 36_559),
        ((9999, 12, 30), 2_919_998),
    ]),
    (Calendar::AllLeap, &[
        ((-4712, 1, 1), -2_456_592),
        ((-400, 2, 28), -878_342),
        ((-1, 12, 30), -732_002),
        ((0, 2, 28), -731_942),
        ((0, 2, 29), -731_941),
        ((0, 3, 1), -731_940),
        ((1, 1, 1), -731_634),
        ((4, 2, 29), -730_477),
        ((100, 2, 29), -695_341),
        ((100, 3, 1), -695_340),
        ((1500, 2, 29), -182_941),
        ((1582, 10, 4), -152_711),
        ((1582, 10, 15), -152_700),
        ((1582, 12, 30), -152_624),
        ((1600, 2, 29), -146_341),
        ((1700, 3, 1), -109_740),
        ((1850, 1, 1), -54_900),
        ((1900, 2, 28), -36_542),
        ((1900, 3, 1), -36_540),
        ((1970, 1, 1), -10_980),
        ((1999, 12, 30), -2),
        ((2000, 2, 29), 59),
        ((2000, 12, 30), 364),
        ((2001, 1, 1), 366),
        ((2026, 7, 28), 9_725),
        ((2100, 2, 28), 36_658),
        ((2100, 3, 1), 36_660),
        ((9999, 12, 30), 2_927_998),
    ]),
    (Calendar::Day360, &[
        ((-4712, 1, 1), -2_416_320),
        ((-400, 2, 28), -863_943),
        ((-1, 12, 30), -720_001),
        ((0, 2, 28), -719_943),
        ((0, 2, 29), -719_942),
        ((0, 3, 1), -719_940),
        ((1, 1, 1), -719_640),
        ((4, 2, 29), -718_502),
        ((100, 2, 29), -683_942),
        ((100, 3, 1), -683_940),
        ((1500, 2, 29), -179_942),
        ((1582, 10, 4), -150_207),
        ((1582, 10, 15), -150_196),
        ((1582, 12, 30), -150_121),
        ((1600, 2, 29), -143_942),
        ((1700, 3, 1), -107_940),
        ((1850, 1, 1), -54_000),
        ((1900, 2, 28), -35_943),
        ((1900, 3, 1), -35_940),
        ((1970, 1, 1), -10_800),
        ((1999, 12, 30), -1),
        ((2000, 2, 29), 58),
        ((2000, 12, 30), 359),
        ((2001, 1, 1), 360),
        ((2026, 7, 28), 9_567),
        ((2100, 2, 28), 36_057),
        ((2100, 3, 1), 36_060),
        ((9999, 12, 30), 2_879_999),
    ]),
];

const ALL: [Calendar; 6] =
    [Calendar::Standard, Calendar::ProlepticGregorian, Calendar::Julian, Calendar::NoLeap, Calendar::AllLeap, Calendar::Day360];

#[test]
fn known_dates_have_the_day_numbers_of_cftime() {
    for (calendar, dates) in KNOWN {
        for &((year, month, day), number) in *dates {
            let date = Date { year, month, day };
            assert_eq!(calendar.day_number(date), Ok(number), "{calendar} {date}");
            assert_eq!(calendar.date(number), Some(date), "{calendar} {number}");
        }
    }
}

#[test]
fn every_day_of_six_millennia_returns_and_follows_the_day_before() {
    for calendar in ALL {
        let first = -(365 * 4000);
        let mut before = calendar.date(first - 1).expect("has a calendar");
        for number in first..365 * 2000 {
            let date = calendar.date(number).expect("has a calendar");
            assert_eq!(calendar.day_number(date), Ok(number), "{calendar} {date}");
            let next_in_month = before.day + 1 == date.day && before.month == date.month && before.year == date.year;
            let first_of_month = date.day == 1 && before.day == calendar.days_in_month(before.year, before.month);
            let reform = calendar == Calendar::Standard && before == LAST_JULIAN && date == FIRST_GREGORIAN;
            assert!(next_in_month || first_of_month || reform, "{calendar}: {before} then {date}");
            before = date;
        }
    }
}

#[test]
fn far_away_days_return() {
    for calendar in ALL {
        for number in [-3_000_000_000, -1_000_000_007, 1_000_000_007, 3_000_000_000] {
            let date = calendar.date(number).expect("has a calendar");
            assert_eq!(calendar.day_number(date), Ok(number), "{calendar} {date}");
        }
    }
}

#[test]
fn dates_that_are_not_in_the_calendar_are_refused() {
    let refused = [
        (Calendar::Standard, 1582, 10, 10),
        (Calendar::Standard, 1900, 2, 29),
        (Calendar::NoLeap, 2000, 2, 29),
        (Calendar::Day360, 2000, 1, 31),
        (Calendar::AllLeap, 2001, 2, 30),
        (Calendar::Julian, 2000, 13, 1),
        (Calendar::Julian, 2000, 0, 1),
        (Calendar::None, 2000, 1, 1),
    ];
    for (calendar, year, month, day) in refused {
        let error = calendar.day_number(Date { year, month, day });
        assert_eq!(error, Err(FieldError::NoSuchDate { year, month, day, calendar: calendar.name() }));
    }
    assert!(Calendar::ProlepticGregorian.day_number(Date { year: 1582, month: 10, day: 10 }).is_ok());
}

#[test]
fn calendars_that_have_the_same_dates_agree_on_their_numbers() {
    use Calendar::{Julian, NoLeap, ProlepticGregorian, Standard};
    let first = Date { year: 1582, month: 10, day: 15 };
    for year in 1582..2500 {
        let date = Date { year, month: 12, day: 31 };
        assert_eq!(Standard.day_number(date), ProlepticGregorian.day_number(date));
    }
    assert!(Standard.same_since(ProlepticGregorian, first) && ProlepticGregorian.same_since(Standard, first));
    assert!(
        !Standard.same_since(ProlepticGregorian, Date { day: 4, ..first })
            && Standard.same_since(Standard, Date { day: 4, ..first })
    );
    assert!(!Standard.same_since(Julian, first) && !Standard.same_since(NoLeap, first));
}

#[test]
fn names_are_those_of_cf() {
    for name in Calendar::NAMES {
        assert!(Calendar::parse(name).is_ok(), "{name}");
    }
    assert_eq!(Calendar::parse("GREGORIAN"), Ok(Calendar::Standard));
    assert_eq!(Calendar::parse("365_days"), Err(FieldError::UnknownCalendar { found: "365_days".into() }));
}
