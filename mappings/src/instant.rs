//! Civil dates and instants: what remotes and people write, and the one form in which the mirror shows each.
//!
//! A date is a day of the calendar and no time zone ever moves it. An instant is milliseconds since 1970 in UTC.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};

const DAY_MS: i64 = 86_400_000;
/// 1970-01-01, counted in days from the year 1.
const EPOCH_DAY: i64 = 719_163;

/// A day, as days since 1970-01-01; years 0000 to 9999, so that it is always written with ten characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date(i64);

/// An instant, as milliseconds since 1970-01-01T00:00:00Z; years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant(i64);

impl Date {
    /// Reads `YYYY-MM-DD`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let b: &[u8; 10] = text.as_bytes().try_into().ok()?;
        if b[4] != b'-' || b[7] != b'-' {
            return None;
        }
        let year = number(&b[0..4])?;
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&b[5..7])?, number(&b[8..10])?)?;
        Some(Self(i64::from(date.num_days_from_ce()) - EPOCH_DAY))
    }

    /// Reads what a remote may send: a date, a midnight in UTC, or its epoch milliseconds.
    pub(crate) fn parse_remote(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Instant::parse_remote(text)?.midnight())
    }

    /// Reads what people write: a date, or a midnight as spreadsheets and data frames print it.
    pub(crate) fn parse_local(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Instant::parse(text)?.midnight())
    }

    pub(crate) fn from_epoch_ms(ms: i64) -> Option<Self> {
        Instant::from_epoch_ms(ms)?.midnight()
    }

    pub(crate) fn epoch_ms(self) -> i64 {
        self.0 * DAY_MS
    }

    /// `YYYY-MM-DD`.
    pub(crate) fn show(self) -> String {
        let mut out = String::with_capacity(10);
        push_date(&mut out, self.0);
        out
    }

    /// The shown form, borrowed where the text already has it.
    pub(crate) fn show_like(self, text: &str) -> Cow<'_, str> {
        // Ten characters that parsed are the shown form: everything else that parses is longer or all digits.
        if text.len() == 10 && text.as_bytes()[4] == b'-' { Cow::Borrowed(text) } else { Cow::Owned(self.show()) }
    }
}

impl Instant {
    pub(crate) fn from_epoch_ms(ms: i64) -> Option<Self> {
        const FIRST: i64 = -62_167_219_200_000;
        const LAST: i64 = 253_402_300_799_999;
        (FIRST..=LAST).contains(&ms).then_some(Self(ms))
    }

    pub(crate) fn epoch_ms(self) -> i64 {
        self.0
    }

    fn midnight(self) -> Option<Date> {
        (self.0.rem_euclid(DAY_MS) == 0).then(|| Date(self.0.div_euclid(DAY_MS)))
    }

    /// Reads RFC 3339 and what SQLite's own functions print: `T` or a space, seconds and zone optional, UTC where no
    /// zone is given. Digits beyond the millisecond are dropped, as remotes drop them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let date = Date::parse(text.get(..10)?)?;
        let rest = text.as_bytes().get(10..)?;
        let (time, offset) = match rest.split_first() {
            None => (0, 0),
            Some((b'T' | b't' | b' ', rest)) => {
                let (time, zone) = time_of_day(rest)?;
                (time, offset_minutes(zone)?)
            }
            Some(_) => return None,
        };
        Self::from_epoch_ms(date.epoch_ms() + time - offset * 60_000)
    }

    /// Reads what a remote may send: the above, or epoch milliseconds.
    pub(crate) fn parse_remote(text: &str) -> Option<Self> {
        if text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().and_then(Self::from_epoch_ms);
        }
        Self::parse(text)
    }

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub(crate) fn show(self) -> String {
        let (day, time) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS));
        let mut out = String::with_capacity(24);
        push_date(&mut out, day);
        out.push('T');
        push_digits(&mut out, time / 3_600_000, 2);
        out.push(':');
        push_digits(&mut out, time / 60_000 % 60, 2);
        out.push(':');
        push_digits(&mut out, time / 1_000 % 60, 2);
        out.push('.');
        push_digits(&mut out, time % 1_000, 3);
        out.push('Z');
        out
    }

    /// The shown form, borrowed where the text already has it.
    pub(crate) fn show_like(self, text: &str) -> Cow<'_, str> {
        let b = text.as_bytes();
        let shown = b.len() == 24 && b[10] == b'T' && b[19] == b'.' && b[23] == b'Z';
        if shown { Cow::Borrowed(text) } else { Cow::Owned(self.show()) }
    }
}

/// Milliseconds since midnight, and what follows the time.
fn time_of_day(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, minute) = (number(bytes.get(0..2)?)?, number(bytes.get(3..5)?)?);
    if bytes[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let mut ms = i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000;
    let mut rest = &bytes[5..];
    if rest.first() == Some(&b':') {
        let second = number(rest.get(1..3)?)?;
        if second > 59 {
            return None;
        }
        ms += i64::from(second) * 1_000;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') {
            let end = rest[1..].iter().position(|b| !b.is_ascii_digit()).map_or(rest.len(), |at| at + 1);
            let fraction = &rest[1..end];
            if fraction.is_empty() {
                return None;
            }
            let digit = |at: usize| fraction.get(at).map_or(0, |b| i64::from(b - b'0'));
            ms += digit(0) * 100 + digit(1) * 10 + digit(2);
            rest = &rest[end..];
        }
    }
    Some((ms, rest))
}

/// Minutes east of UTC.
fn offset_minutes(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone.split_first() {
        None => return Some(0),
        Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let (hours, minutes) = match rest {
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        [h1, h2] => (number(&[*h1, *h2])?, 0),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + u32::from(b - b'0')))
}

fn push_date(out: &mut String, day: i64) {
    let date = i32::try_from(day + EPOCH_DAY).ok().and_then(NaiveDate::from_num_days_from_ce_opt).unwrap_or_default();
    push_digits(out, i64::from(date.year()), 4);
    out.push('-');
    push_digits(out, i64::from(date.month()), 2);
    out.push('-');
    push_digits(out, i64::from(date.day()), 2);
}

fn push_digits(out: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (value / 10_i64.pow(place) % 10) as u8));
    }
}
