//! Timestamps on the wire, in both directions, without ever asking what time it is.
//!
//! HubSpot drops the milliseconds when they are zero, so text order is not time order; this writer does the same.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};

use crate::Millis;

/// One second.
pub(crate) const SECOND: Millis = 1_000;
/// One day.
pub(crate) const DAY: Millis = 86_400_000;

/// Appends `2022-02-17T19:25:29.072Z`, or `…:29Z` when the milliseconds are zero.
pub(crate) fn write_iso(out: &mut Vec<u8>, at: Millis) {
    let days = at.div_euclid(DAY);
    let ms = at.rem_euclid(DAY);
    let (year, month, day) = civil(days);
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
    out.push(b'T');
    digits(out, ms / 3_600_000, 2);
    out.push(b':');
    digits(out, ms / 60_000 % 60, 2);
    out.push(b':');
    digits(out, ms / 1_000 % 60, 2);
    if ms % 1_000 != 0 {
        out.push(b'.');
        digits(out, ms % 1_000, 3);
    }
    out.push(b'Z');
}

/// The same as a string.
pub(crate) fn iso(at: Millis) -> String {
    let mut out = Vec::with_capacity(24);
    write_iso(&mut out, at);
    String::from_utf8_lossy(&out).into_owned()
}

/// `YYYY-MM-DD` of the UTC day.
pub(crate) fn date(at: Millis) -> String {
    let mut text = iso(at);
    text.truncate(10);
    text
}

/// The `Date` response header.
pub(crate) fn http_date(at: Millis) -> String {
    match Utc.timestamp_millis_opt(at).single() {
        Some(time) => time.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        None => "Thu, 01 Jan 1970 00:00:00 GMT".into(),
    }
}

/// Reads what the API accepts as an instant: epoch milliseconds, ISO 8601 with an offset, or a bare date (midnight UTC).
pub(crate) fn parse(text: &str) -> Option<Millis> {
    if let Ok(ms) = text.parse::<Millis>() {
        return Some(ms);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// Days since 1970 to year, month, day (proleptic Gregorian).
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// Year, month, day to days since 1970.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn digits(out: &mut Vec<u8>, value: i64, width: u32) {
    for power in (0..width).rev() {
        out.push(b'0' + (value / 10_i64.pow(power) % 10) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_vanish_when_they_are_zero() {
        assert_eq!(iso(1_645_125_929_000), "2022-02-17T19:25:29Z");
        assert_eq!(iso(1_645_125_929_072), "2022-02-17T19:25:29.072Z");
    }

    #[test]
    fn every_day_of_two_centuries_survives_the_round_trip() {
        for day in -36_525..36_525 {
            let (y, m, d) = civil(day);
            assert_eq!(days(y, m, d), day);
            assert_eq!(parse(&date(day * DAY)), Some(day * DAY));
        }
    }

    #[test]
    fn instants_are_read_in_every_accepted_form() {
        assert_eq!(parse("1642672800000"), Some(1_642_672_800_000));
        assert_eq!(parse("2024-09-19T04:30:45-08:00"), Some(1_726_749_045_000));
        assert_eq!(parse("soon"), None);
    }
}
