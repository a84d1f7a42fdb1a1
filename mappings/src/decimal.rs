//! Decimal numbers as digits: exact at any size, never through a float.
//!
//! A [`Decimal`] borrows its digits from the text it was read from, in a form in which equal numbers look equal:
//! `0.d₁d₂…dₙ × 10^point` with neither leading nor trailing zeros.

use std::borrow::Cow;
use std::fmt::Write;

use crate::cell::Cell;

/// Numbers whose plain form would need more characters than this are refused rather than written out.
const LONGEST_PLAIN: i64 = 400;

/// A number, read from text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// The significant digits before the point, then those after it.
    whole: &'a [u8],
    fraction: &'a [u8],
    /// Where the decimal point stands, counted from the first significant digit.
    point: i64,
}

/// A number that was computed.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl<'a> Decimal<'a> {
    /// Reads `-12.50`, `.5`, `1e-30`; nothing else is a number here, neither `NaN` nor `1,000`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let (whole, rest) = digits_of(rest);
        let (fraction, rest) = match rest.first() {
            Some(b'.') => digits_of(&rest[1..]),
            _ => (&rest[..0], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest.first() {
            None => 0,
            Some(b'e' | b'E') => exponent_of(&rest[1..])?,
            Some(_) => return None,
        };
        Some(Self::significant(negative, whole, fraction, exponent))
    }

    fn significant(negative: bool, whole: &'a [u8], fraction: &'a [u8], exponent: i64) -> Self {
        let mut whole = trim_start(whole);
        let mut fraction = trim_end(fraction);
        let mut point = whole.len() as i64 + exponent;
        if whole.is_empty() {
            let kept = trim_start(fraction);
            point -= (fraction.len() - kept.len()) as i64;
            fraction = kept;
        }
        if fraction.is_empty() {
            whole = trim_end(whole);
        }
        if whole.is_empty() && fraction.is_empty() {
            return Self { negative: false, whole, fraction, point: 0 };
        }
        Self { negative, whole, fraction, point }
    }

    fn count(&self) -> i64 {
        (self.whole.len() + self.fraction.len()) as i64
    }

    fn digits(&self) -> impl DoubleEndedIterator<Item = u8> + 'a {
        self.whole.iter().chain(self.fraction).copied()
    }

    /// Equality by value: `24.00` is `24`.
    pub(crate) fn same(&self, other: &Decimal<'_>) -> bool {
        self.negative == other.negative
            && self.point == other.point
            && self.count() == other.count()
            && self.digits().eq(other.digits())
    }

    /// The value as an integer, if it is one and fits.
    pub(crate) fn to_i64(self) -> Option<i64> {
        if self.point < self.count() || self.point > 19 {
            return None;
        }
        let mut value: i64 = 0;
        let zeros = std::iter::repeat_n(b'0', usize::try_from(self.point - self.count()).ok()?);
        // Downwards for negative numbers: the least i64 has no positive counterpart.
        let sign = if self.negative { -1 } else { 1 };
        for digit in self.digits().chain(zeros) {
            value = value.checked_mul(10)?.checked_add(sign * i64::from(digit - b'0'))?;
        }
        Some(value)
    }

    /// The value as a float, where the float's shortest rendering is this very number. `text` is what was parsed.
    fn to_exact_f64(self, text: &str) -> Option<f64> {
        let value = || text.parse::<f64>().ok().filter(|value| value.is_finite());
        match self.count() {
            // Every decimal of at most 15 digits survives the way into a normal float and back.
            0..=15 if (-290..=300).contains(&self.point) => value(),
            0..=17 => {
                let value = value()?;
                let mut shortest = Shortest { bytes: [0; 32], len: 0 };
                write!(shortest, "{value:e}").ok()?;
                let rendered = std::str::from_utf8(shortest.bytes.get(..shortest.len)?).ok()?;
                Decimal::parse(rendered)?.same(&self).then_some(value)
            }
            _ => None,
        }
    }

    /// How the mirror holds the number: INTEGER, else REAL, each only where exact, else the digits as they were sent.
    pub(crate) fn cell(self, text: &'a str) -> Cell<'a> {
        if let Some(value) = self.to_i64() {
            return Cell::Integer(value);
        }
        match self.to_exact_f64(text) {
            Some(value) => Cell::Real(value),
            None => Cell::Text(Cow::Borrowed(text)),
        }
    }

    /// The number without an exponent or superfluous zeros; nothing if that would be absurdly long.
    pub(crate) fn plain(&self) -> Option<String> {
        self.times(1, 0).plain()
    }

    /// The number times `factor × 10^exponent`.
    pub(crate) fn times(&self, factor: u64, exponent: i64) -> Computed {
        let mut digits = Vec::with_capacity(self.whole.len() + self.fraction.len() + 12);
        let mut carry: u64 = 0;
        for digit in self.digits().rev() {
            carry += u64::from(digit - b'0') * factor;
            digits.push(b'0' + (carry % 10) as u8);
            carry /= 10;
        }
        while carry > 0 {
            digits.push(b'0' + (carry % 10) as u8);
            carry /= 10;
        }
        digits.reverse();
        let point = self.point - self.count() + digits.len() as i64 + exponent;
        let significant = trim_end(&digits).len();
        digits.truncate(significant);
        Computed { negative: self.negative, digits, point }
    }
}

impl Computed {
    /// The number without an exponent; nothing if that would be absurdly long.
    pub(crate) fn plain(&self) -> Option<String> {
        let count = self.digits.len() as i64;
        if count == 0 {
            return Some("0".to_owned());
        }
        if self.point.abs() > LONGEST_PLAIN {
            return None;
        }
        let mut out = String::from(if self.negative { "-" } else { "" });
        let zeros = |n: i64| std::iter::repeat_n('0', usize::try_from(n).unwrap_or(0));
        let text = |digits: &[u8]| digits.iter().map(|d| char::from(*d)).collect::<String>();
        if self.point <= 0 {
            out.push_str("0.");
            out.extend(zeros(-self.point));
            out.push_str(&text(&self.digits));
        } else if self.point >= count {
            out.push_str(&text(&self.digits));
            out.extend(zeros(self.point - count));
        } else {
            let (whole, fraction) = self.digits.split_at(usize::try_from(self.point).ok()?);
            out.push_str(&text(whole));
            out.push('.');
            out.push_str(&text(fraction));
        }
        Some(out)
    }

    /// How the mirror holds the number.
    pub(crate) fn cell(&self) -> Option<Cell<'static>> {
        let plain = self.plain()?;
        Some(Decimal::parse(&plain)?.cell(&plain).into_owned())
    }
}

/// Whether digits are written the way a remote expects them: an optional minus, digits, perhaps a point and digits.
pub(crate) fn is_plain(text: &str) -> bool {
    let (whole, rest) = digits_of(text.strip_prefix('-').unwrap_or(text).as_bytes());
    match rest.split_first() {
        None => !whole.is_empty(),
        Some((b'.', fraction)) => !whole.is_empty() && !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    }
}

fn digits_of(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// An exponent of at most five digits: enough for every number anybody means.
fn exponent_of(bytes: &[u8]) -> Option<i64> {
    let (sign, digits) = match bytes.first()? {
        b'-' => (-1, &bytes[1..]),
        b'+' => (1, &bytes[1..]),
        _ => (1, bytes),
    };
    if digits.is_empty() || digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(sign * digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|d| *d != b'0').unwrap_or(digits.len());
    &digits[start..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let end = digits.iter().rposition(|d| *d != b'0').map_or(0, |last| last + 1);
    &digits[..end]
}

/// Room for a float's shortest rendering, so that the check costs no allocation.
struct Shortest {
    bytes: [u8; 32],
    len: usize,
}

impl Write for Shortest {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.len + s.len();
        self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}
