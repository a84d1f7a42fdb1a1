//! A date is a day and no zone moves it; a datetime is an instant to the millisecond (P39).

use mappings::{Cell, Field};
use proptest::prelude::*;

use crate::fixtures::field;

fn table(field: &Field, wires: &[&str]) -> String {
    let rows = wires.iter().map(|wire| {
        let projection = field.project(Some(wire));
        match (projection.outside, &projection.cell) {
            (false, Cell::Text(text)) => format!("{wire} = {text}"),
            (false, cell) => format!("{wire} = {cell:?}"),
            (true, _) => format!("{wire} outside"),
        }
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn sends(field: &Field, locals: &[&str]) -> String {
    let rows = locals.iter().map(|local| match field.to_wire(&Cell::text(local)) {
        Ok(sent) => format!("{local} = {}", sent.as_deref().unwrap_or("a clear")),
        Err(error) => format!("{local} ! {error}"),
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn p39_a_date_is_read_from_every_form_that_means_one_day() {
    let day = field("day: day");
    insta::assert_snapshot!(table(&day, &[
        "2024-02-29", "2023-02-29", "1709164800000", "1709164800001", "-86400000", "0", "2024-02-29T00:00:00Z",
        "2024-02-29T00:00:00.000Z", "2024-02-29T01:00:00+01:00", "2024-02-29T12:00:00Z", "0000-01-01", "9999-12-31",
        "253402300800000", "20240229", "2024-2-9", "29.02.2024", "2024-02-30", "٢٠٢٤-02-29",
    ]), @r#"
    2024-02-29 = 2024-02-29
    2023-02-29 outside
    1709164800000 = 2024-02-29
    1709164800001 outside
    -86400000 = 1969-12-31
    0 = 1970-01-01
    2024-02-29T00:00:00Z = 2024-02-29
    2024-02-29T00:00:00.000Z = 2024-02-29
    2024-02-29T01:00:00+01:00 = 2024-02-29
    2024-02-29T12:00:00Z outside
    0000-01-01 = 0000-01-01
    9999-12-31 = 9999-12-31
    253402300800000 outside
    20240229 outside
    2024-2-9 outside
    29.02.2024 outside
    2024-02-30 outside
    ٢٠٢٤-02-29 outside
    "#);
    insta::assert_snapshot!(sends(&day, &[
        "2024-02-29", " 2024-02-29 ", "2024-02-29 00:00:00", "2024-02-29T00:00:00.000Z", "2024-02-29 10:00:00", "1709164800000",
        "20240229", "tomorrow", "",
    ]), @r#"
    2024-02-29 = 2024-02-29
     2024-02-29  = 2024-02-29
    2024-02-29 00:00:00 = 2024-02-29
    2024-02-29T00:00:00.000Z = 2024-02-29
    2024-02-29 10:00:00 ! column `day`: `2024-02-29 10:00:00` is not a date like 2025-01-31
    1709164800000 ! column `day`: `1709164800000` is not a date like 2025-01-31
    20240229 ! column `day`: `20240229` is not a date like 2025-01-31
    tomorrow ! column `day`: `tomorrow` is not a date like 2025-01-31
     = a clear
    "#);
}

#[test]
fn p39_a_datetime_always_shows_its_milliseconds() {
    let moment = field("moment: moment");
    insta::assert_snapshot!(table(&moment, &[
        "2022-02-17T19:25:29Z", "2022-02-17T19:25:29.072Z", "2022-02-17T19:25:29.5Z", "2022-02-17T19:25:29.0721239Z",
        "1762212973632", "-1", "0", "2022-02-17T19:25:29+02:00", "2022-02-17T19:25:29-0530", "2022-02-17T19:25Z", "2022-02-17",
        "2022-02-17 19:25:29", "2022-02-17T24:00:00Z", "2022-02-17T23:59:60Z", "0000-01-01T00:00:00+01:00", "2022-02-17T", "",
        "2022-02-17T19:25:29.Z", "2022-02-17T19:25:29ZZ", "yesterday", "99999999999999999999",
    ]), @r#"
    2022-02-17T19:25:29Z = 2022-02-17T19:25:29.000Z
    2022-02-17T19:25:29.072Z = 2022-02-17T19:25:29.072Z
    2022-02-17T19:25:29.5Z = 2022-02-17T19:25:29.500Z
    2022-02-17T19:25:29.0721239Z = 2022-02-17T19:25:29.072Z
    1762212973632 = 2025-11-03T23:36:13.632Z
    -1 = 1969-12-31T23:59:59.999Z
    0 = 1970-01-01T00:00:00.000Z
    2022-02-17T19:25:29+02:00 = 2022-02-17T17:25:29.000Z
    2022-02-17T19:25:29-0530 = 2022-02-18T00:55:29.000Z
    2022-02-17T19:25Z = 2022-02-17T19:25:00.000Z
    2022-02-17 = 2022-02-17T00:00:00.000Z
    2022-02-17 19:25:29 = 2022-02-17T19:25:29.000Z
    2022-02-17T24:00:00Z outside
    2022-02-17T23:59:60Z outside
    0000-01-01T00:00:00+01:00 outside
    2022-02-17T outside
     = Null
    2022-02-17T19:25:29.Z outside
    2022-02-17T19:25:29ZZ outside
    yesterday outside
    99999999999999999999 outside
    "#);
    insta::assert_snapshot!(sends(&moment, &[
        "2022-02-17T19:25:29.000Z", "2022-02-17T19:25:29Z", "2022-02-17 19:25:29", "2022-02-17T19:25:29+01:00", "2022-02-17",
        "2022-02-17 19:25", "1762212973632", "noon",
    ]), @r#"
    2022-02-17T19:25:29.000Z = 2022-02-17T19:25:29.000Z
    2022-02-17T19:25:29Z = 2022-02-17T19:25:29.000Z
    2022-02-17 19:25:29 = 2022-02-17T19:25:29.000Z
    2022-02-17T19:25:29+01:00 = 2022-02-17T18:25:29.000Z
    2022-02-17 = 2022-02-17T00:00:00.000Z
    2022-02-17 19:25 = 2022-02-17T19:25:00.000Z
    1762212973632 ! column `moment`: `1762212973632` is not a time like 2025-01-31T12:00:00.000Z
    noon ! column `moment`: `noon` is not a time like 2025-01-31T12:00:00.000Z
    "#);
}

#[test]
fn p39_times_are_compared_by_instant_and_never_as_text() {
    let moment = field("moment: moment");
    assert!(moment.same_wire(Some("2022-02-17T19:25:29Z"), Some("2022-02-17T19:25:29.000Z")));
    assert!(moment.same_wire(Some("1645125929000"), Some("2022-02-17T20:25:29+01:00")));
    assert!(!moment.same_wire(Some("2022-02-17T19:25:29Z"), Some("2022-02-17T19:25:29.001Z")));
    assert!(moment.same_cell(&Cell::text("2022-02-17 19:25:29"), &Cell::text("2022-02-17T19:25:29.000Z")));
    let day = field("day: day");
    assert!(day.same_wire(Some("1709164800000"), Some("2024-02-29")));
    assert!(!day.same_wire(Some("2024-02-28"), Some("2024-02-29")));
}

#[test]
fn p39_text_that_is_in_the_mirrors_form_is_borrowed() {
    for (line, wire) in
        [("moment: m", "2022-02-17T19:25:29.072Z"), ("day: d", "2024-02-29"), ("word: w", "a"), ("blob: b", "{}")]
    {
        let projection = field(line).project(Some(wire));
        assert!(matches!(projection.cell, Cell::Text(std::borrow::Cow::Borrowed(text)) if text == wire), "{line}");
    }
}

#[test]
fn epoch_milliseconds_are_integers_of_instants_or_datetimes_of_numbers() {
    let integer = field("moment: { column: ms, transform: { epoch_ms: true } }");
    assert_eq!(integer.project(Some("2022-02-17T19:25:29Z")).cell, Cell::Integer(1_645_125_929_000));
    assert_eq!(
        integer.to_wire(&Cell::Integer(1_645_125_929_000)).unwrap().as_deref(),
        Some("2022-02-17T19:25:29.000Z")
    );
    assert!(integer.to_wire(&Cell::text("2022-02-17")).is_err());
    let day = field("day: { column: ms, transform: { epoch_ms: true } }");
    assert_eq!(day.to_wire(&Cell::Integer(1_709_164_800_000)).unwrap().as_deref(), Some("2024-02-29"));
    assert!(day.to_wire(&Cell::Integer(1)).is_err());
    let datetime = field("number: { column: at, transform: { epoch_ms: true } }");
    assert_eq!(datetime.project(Some("1645125929000")).cell, Cell::text("2022-02-17T19:25:29.000Z"));
    assert_eq!(datetime.to_wire(&Cell::text("2022-02-17 19:25:29")).unwrap().as_deref(), Some("1645125929000"));
    assert!(datetime.project(Some("1645125929000.5")).outside);
}

proptest! {
    #[test]
    fn p39_every_day_of_four_centuries_comes_back(offset in -146_097_i64..146_097) {
        let day = field("day: day");
        let ms = (offset * 86_400_000).to_string();
        let shown = day.project(Some(&ms)).cell;
        let sent = day.to_wire(&shown).unwrap().unwrap();
        prop_assert_eq!(sent.len(), 10);
        prop_assert!(day.same_wire(Some(&sent), Some(&ms)));
        prop_assert_eq!(day.project(Some(&sent)).cell, shown);
    }

    #[test]
    fn p39_every_instant_sorts_as_text_as_it_does_in_time(a in -2_000_000_000_000_i64..4_000_000_000_000, b in -2_000_000_000_000_i64..4_000_000_000_000) {
        let moment = field("moment: moment");
        let show = |ms: i64| match moment.project(Some(&ms.to_string())).cell {
            Cell::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        };
        prop_assert_eq!(show(a).cmp(&show(b)), a.cmp(&b));
        prop_assert_eq!(show(a).len(), 24);
        prop_assert!(moment.same_wire(Some(&show(a)), Some(&a.to_string())));
    }

    #[test]
    fn p39_every_zone_gives_the_same_instant(ms in 0_i64..4_000_000_000_000, minutes in -1439_i64..1440) {
        let moment = field("moment: moment");
        let shifted = (ms + minutes * 60_000).to_string();
        let Cell::Text(local) = moment.project(Some(&shifted)).cell else { panic!("shown") };
        let sign = if minutes < 0 { '-' } else { '+' };
        let zoned = format!("{}{sign}{:02}:{:02}", local.trim_end_matches('Z'), minutes.abs() / 60, minutes.abs() % 60);
        prop_assert!(moment.same_wire(Some(&zoned), Some(&ms.to_string())), "{}", zoned);
    }
}
