//! Instants in milliseconds since 1970, UTC. The wire's text forms are parsed into them and never compared as text.

use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt;
use std::time::Duration;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 text with or without milliseconds (`2026-01-31T08:00:00Z`, `…:00.072Z`, `…+02:00`), a civil
    /// date (its midnight, UTC), or epoch milliseconds in digits. `None` for anything else, and outside the years 0 to
    /// 9999: such a time would be written with more digits, and its text would sort among earlier ones.
    pub fn parse(text: &str) -> Option<Self> {
        const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;
        Self::read(text).filter(|at| WRITABLE.contains(&at.0))
    }

    fn read(text: &str) -> Option<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(instant.timestamp_millis()));
        }
        if let Ok(date) = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return date.and_hms_opt(0, 0, 0).map(|midnight| Self(midnight.and_utc().timestamp_millis()));
        }
        text.parse::<i64>().ok().map(Self)
    }

    /// This instant moved back; stops at the earliest representable one.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant moved forward; stops at the latest representable one.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was, zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`, always with milliseconds, so that text order is time order.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.0) {
            Some(instant) => formatter.write_str(&instant.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(formatter, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn zero_milliseconds_on_the_wire_mean_the_same_instant() {
        let short = Timestamp::parse("2022-02-17T19:25:29Z").unwrap();
        let long = Timestamp::parse("2022-02-17T19:25:29.000Z").unwrap();
        assert_eq!(short, long);
        assert_eq!(short.to_string(), "2022-02-17T19:25:29.000Z");
        assert_eq!(Timestamp::parse("1645125929000"), Some(short));
        assert_eq!(Timestamp::parse("2022-02-17").unwrap().to_string(), "2022-02-17T00:00:00.000Z");
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn times_that_would_not_sort_as_text_are_none() {
        for wrong in ["253402300800000", "-62167219200001", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-01:00"] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Timestamp::parse("253402300799999").unwrap().to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::parse("0000-01-01").unwrap().to_string(), "0000-01-01T00:00:00.000Z");
    }
}
