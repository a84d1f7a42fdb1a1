//! Values with a unit, as people write them: `60s`, `1h`, `250ms`, `1h30m`.

use std::time::Duration;

/// Longest span that is accepted; keeps later arithmetic with instants from overflowing.
const LONGEST: Duration = Duration::from_hours(24 * 36_525);

/// What a span of time looks like, for messages.
pub(super) const DURATION: &str = "a duration such as \"60s\", \"5m\", \"1h30m\" or \"30d\"";

/// Reads a span of time: whole numbers, each followed by `ms`, `s`, `m`, `h` or `d`, the largest unit first.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        if millis >= last {
            return None;
        }
        last = millis;
        let span = number.parse::<u64>().ok()?.checked_mul(millis)?;
        total = total.checked_add(Duration::from_millis(span))?;
        rest = tail;
    }
    (last != u64::MAX && total <= LONGEST).then_some(total)
}

/// As [`duration`], in the form that clap wants of a value parser.
pub fn duration_argument(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| format!("expected {DURATION}"))
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn each_unit_is_read() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("60s", 60_000),
            ("60m", 3_600_000),
            ("1h", 3_600_000),
            ("24h", 86_400_000),
            ("30d", 2_592_000_000),
            ("1h30m", 5_400_000),
            (" 1s500ms ", 1_500),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            "5",
            "s",
            "-5s",
            "1.5h",
            "5 m",
            "1y",
            "30m1h",
            "1h1h",
            "5M",
            "99999999999999999999s",
            "40000d",
            "٣s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
