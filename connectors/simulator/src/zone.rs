//! The account's time zone: what it is called, how far it is from UTC, and when its midnight comes.
//!
//! HubSpot resets the daily call counter at midnight of this zone, so daylight saving matters: a day may have 23 or 25 hours.

use crate::Millis;
use crate::clock::{DAY, civil, days};

const HOUR: Millis = 3_600_000;

/// When a zone moves its clocks by one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DaylightRule {
    /// Never.
    None,
    /// Second Sunday of March to first Sunday of November, at 02:00 local time.
    UnitedStates,
    /// Last Sunday of March to last Sunday of October, at 01:00 UTC.
    Europe,
}

/// A time zone as an account is set to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The name account details report.
    pub name: String,
    /// Minutes east of UTC, without daylight saving.
    pub offset_minutes: i64,
    /// When the clocks move.
    pub daylight: DaylightRule,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), offset_minutes: 0, daylight: DaylightRule::None }
    }

    /// US/Eastern, the zone of most accounts.
    pub fn us_eastern() -> Self {
        Self { name: "US/Eastern".into(), offset_minutes: -300, daylight: DaylightRule::UnitedStates }
    }

    /// Europe/Berlin.
    pub fn berlin() -> Self {
        Self { name: "Europe/Berlin".into(), offset_minutes: 60, daylight: DaylightRule::Europe }
    }

    /// Asia/Kathmandu: an offset that is no whole hour.
    pub fn kathmandu() -> Self {
        Self { name: "Asia/Kathmandu".into(), offset_minutes: 345, daylight: DaylightRule::None }
    }

    /// Pacific/Kiritimati: the earliest midnight of all.
    pub fn kiritimati() -> Self {
        Self { name: "Pacific/Kiritimati".into(), offset_minutes: 840, daylight: DaylightRule::None }
    }

    /// Milliseconds east of UTC at that instant.
    pub fn offset(&self, at: Millis) -> Millis {
        let standard = self.offset_minutes * 60_000;
        if self.is_daylight(at, standard) { standard + HOUR } else { standard }
    }

    /// The local day, counted from 1970: two instants share a daily budget if and only if this is equal.
    pub(crate) fn local_day(&self, at: Millis) -> i64 {
        (at + self.offset(at)).div_euclid(DAY)
    }

    /// The first instant after `at` at which the local day changes.
    pub(crate) fn next_midnight(&self, at: Millis) -> Millis {
        let target = (self.local_day(at) + 1) * DAY;
        // The offset in force at the target decides; two rounds settle a change on the way there.
        let mut guess = target - self.offset(at);
        guess = target - self.offset(guess);
        if self.local_day(guess) == self.local_day(at) { guess + HOUR } else { guess }
    }

    fn is_daylight(&self, at: Millis, standard: Millis) -> bool {
        let (year, _, _) = civil(at.div_euclid(DAY));
        match self.daylight {
            DaylightRule::None => false,
            DaylightRule::UnitedStates => {
                let from = sunday(year, 3, 8) * DAY + 2 * HOUR - standard;
                let until = sunday(year, 11, 1) * DAY + HOUR - standard;
                (from..until).contains(&at)
            }
            DaylightRule::Europe => {
                let from = sunday(year, 3, 25) * DAY + HOUR;
                let until = sunday(year, 10, 25) * DAY + HOUR;
                (from..until).contains(&at)
            }
        }
    }
}

/// The first Sunday on or after that date, in days since 1970 (day 3 was a Sunday).
fn sunday(year: i64, month: i64, day: i64) -> i64 {
    let first = days(year, month, day);
    first + (3 - first).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse;

    #[test]
    fn new_york_days_have_23_and_25_hours_when_the_clocks_move() {
        let zone = Zone::us_eastern();
        let midnight = |text: &str| zone.next_midnight(parse(text).unwrap());
        let spring = midnight("2026-03-08T12:00:00Z") - midnight("2026-03-07T12:00:00Z");
        let autumn = midnight("2026-11-01T12:00:00Z") - midnight("2026-10-31T12:00:00Z");
        assert_eq!((spring / HOUR, autumn / HOUR), (23, 25));
    }

    #[test]
    fn midnight_is_where_the_local_day_turns_in_every_zone() {
        let start = parse("2026-01-01").unwrap();
        for zone in [Zone::utc(), Zone::us_eastern(), Zone::berlin(), Zone::kathmandu(), Zone::kiritimati()] {
            for hour in 0..(24 * 366) {
                let at = start + hour * HOUR + 17;
                let turn = zone.next_midnight(at);
                assert!(turn > at && turn - at <= 25 * HOUR, "{} {at}", zone.name);
                assert_eq!(zone.local_day(turn), zone.local_day(at) + 1);
                assert_eq!(zone.local_day(turn - 1), zone.local_day(at));
            }
        }
    }
}
