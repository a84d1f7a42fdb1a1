//! Numbers, spans of time and rates, the way people say them.

use std::time::Duration;

/// `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `no records`, `1 record`, `1,234 records`; `many` is the plural of `one`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        number => format!("{} {many}", count(number)),
    }
}

/// `1,234 records`.
pub fn records(number: u64) -> String {
    counted(number, "record", "records")
}

/// `512 bytes`, `1.4 MB`, `12.3 GB`: units of a thousand.
pub fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", count(bytes / unit), bytes % unit / (unit / 10)),
        None => counted(bytes, "byte", "bytes"),
    }
}

/// `0.3 s`, `12.3 s`, `3 min 20 s`, `1 h 5 min`, `2 days 4 h`: two units at most.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds < 60 {
        // Tenths, without rounding up to a full minute.
        return format!("{}.{} s", seconds, span.subsec_millis() / 100);
    }
    let two = |first: String, rest: u64, unit: &str| {
        if rest == 0 { first } else { format!("{first} {rest} {unit}") }
    };
    match seconds {
        60..3_600 => two(format!("{} min", seconds / 60), seconds % 60, "s"),
        3_600..86_400 => two(format!("{} h", seconds / 3_600), seconds % 3_600 / 60, "min"),
        _ => two(counted(seconds / 86_400, "day", "days"), seconds % 86_400 / 3_600, "h"),
    }
}

/// `8 s left`, `3 min left`, `2 h 10 min left`: coarse, because it is a guess.
pub fn left(span: Duration) -> String {
    format!("{} left", rounded(span))
}

/// `just now`, `40 s ago`, `3 min ago`, `2 days ago`.
pub fn age(span: Duration) -> String {
    if span < Duration::from_secs(1) { "just now".to_owned() } else { format!("{} ago", rounded(span)) }
}

/// One unit, or hours with minutes; at least a second.
fn rounded(span: Duration) -> String {
    let seconds = span.as_secs().max(1);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", (seconds + 30) / 60),
        3_600..86_400 => match (seconds / 3_600, seconds % 3_600 / 60) {
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        },
        _ => counted((seconds + 43_200) / 86_400, "day", "days"),
    }
}

/// `0.4/s`, `12.3/s`, `1,234/s`.
pub fn rate(number: u64, span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds <= 0.0 {
        return "0/s".to_owned();
    }
    let rate = number as f64 / seconds;
    if rate < 100.0 {
        return format!("{rate:.1}/s");
    }
    let whole = rate.round() as u64;
    format!("{}/s", count(whole))
}

/// How long `rest` more will take when `done` took `span`; `None` while nothing is done, or for more than a month.
pub fn time_left(done: u64, rest: u64, span: Duration) -> Option<Duration> {
    if done == 0 {
        return None;
    }
    let millis = span.as_millis().checked_mul(u128::from(rest))? / u128::from(done);
    let left = Duration::from_millis(u64::try_from(millis).ok()?);
    (left < Duration::from_hours(24 * 31)).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::{age, count, left, rate, records, size, span, time_left};
    use std::time::Duration;

    #[test]
    fn counts_are_grouped_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (9_876_543, "9,876,543")] {
            assert_eq!(count(number), text);
        }
        assert_eq!([records(0), records(1), records(1_234)], ["no records", "1 record", "1,234 records"]);
    }

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        let sizes = [0, 1, 999, 1_000, 1_450_000, 12_345_678_901];
        assert_eq!(sizes.map(size), ["no bytes", "1 byte", "999 bytes", "1.0 kB", "1.4 MB", "12.3 GB"]);
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (millis, text) in [
            (0, "0.0 s"),
            (340, "0.3 s"),
            (12_345, "12.3 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min"),
            (200_000, "3 min 20 s"),
            (3_600_000, "1 h"),
            (3_900_000, "1 h 5 min"),
            (187_200_000, "2 days 4 h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn guesses_are_coarse() {
        assert_eq!(left(Duration::from_millis(200)), "1 s left");
        assert_eq!(left(Duration::from_secs(185)), "3 min left");
        assert_eq!(left(Duration::from_secs(7_800)), "2 h 10 min left");
        assert_eq!(age(Duration::ZERO), "just now");
        assert_eq!(age(Duration::from_secs(40)), "40 s ago");
        assert_eq!(age(Duration::from_hours(47)), "2 days ago");
    }

    #[test]
    fn rates_and_time_left_survive_extremes() {
        assert_eq!(rate(100, Duration::ZERO), "0/s");
        assert_eq!(rate(2, Duration::from_secs(5)), "0.4/s");
        assert_eq!(rate(12_340, Duration::from_secs(10)), "1,234/s");
        assert_eq!(time_left(0, 10, Duration::from_secs(1)), None);
        assert_eq!(time_left(10, 30, Duration::from_secs(5)), Some(Duration::from_secs(15)));
        assert_eq!(time_left(1, u64::MAX, Duration::from_secs(5)), None);
    }
}
