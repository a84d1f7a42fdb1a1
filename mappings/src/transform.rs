//! Transforms as a mapping file states them: at most one exact pair, and normalisers.
//!
//! An exact pair goes there and back without loss over its domain. A normaliser is idempotent and is applied on both
//! sides before anything is compared.

use std::borrow::Cow;

use crate::cell::Cell;
use crate::decimal::Decimal;

/// What lies between a remote value and its column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transform {
    /// The exact pair, if there is one.
    pub pair: Option<Pair>,
    /// The normalisers.
    pub normaliser: Normaliser,
}

/// A conversion that loses nothing: what it does on the way into the mirror is undone on the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pair {
    /// The mirror holds the number times this factor.
    Scale(Factor),
    /// The mirror holds another word for each remote value: `(remote, local)`.
    Values(Vec<(String, String)>),
    /// The remote holds several values joined by this separator, the mirror a JSON array.
    Split(String),
    /// One side holds epoch milliseconds: an instant is an integer in the mirror, or a number is a datetime in the mirror.
    EpochMs,
    /// Every remote value begins with this text, which the mirror leaves out.
    ConstantPrefix(String),
}

impl Pair {
    /// The key of a mapping file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scale(_) => "scale",
            Self::Values(_) => "values",
            Self::Split(_) => "split",
            Self::EpochMs => "epoch_ms",
            Self::ConstantPrefix(_) => "constant_prefix",
        }
    }
}

/// Differences between texts that do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normaliser {
    /// White space at either end.
    pub trim: bool,
    /// Upper and lower case.
    pub lowercase: bool,
}

impl Normaliser {
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// The normal form, borrowed where the text already has it.
    pub(crate) fn apply(self, text: &str) -> Cow<'_, str> {
        let text = if self.trim { text.trim() } else { text };
        if !self.lowercase || text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.to_lowercase())
    }

    /// Whether the text is its own normal form.
    pub(crate) fn keeps(self, text: &str) -> bool {
        self.apply(text) == text
    }
}

/// A factor whose reciprocal is a decimal that ends, so that multiplying and dividing are both exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    text: String,
    /// The factor is `times × 10^exponent`; its reciprocal is `back_times × 10^back_exponent`.
    times: u64,
    exponent: i64,
    back_times: u64,
    back_exponent: i64,
}

impl Factor {
    /// Reads a factor, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const REASON: &str = "could not be undone exactly: dividing by it does not end";
        let decimal = Decimal::parse(text).and_then(|d| d.plain()).ok_or_else(|| "is not a number".to_owned())?;
        if decimal.starts_with('-') || decimal == "0" {
            return Err("is not greater than zero".to_owned());
        }
        let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        if digits.len() > 18 {
            return Err("is too large or too small".to_owned());
        }
        let times: u64 = significant.parse().map_err(|_| REASON.to_owned())?;
        // Without trailing zeros the number is a power of two or of five, never of both, if only those divide it.
        let (twos, rest) = divide_out(times, 2);
        let (fives, rest) = divide_out(rest, 5);
        if rest != 1 {
            return Err(REASON.to_owned());
        }
        if twos > 12 || fives > 12 {
            return Err("is too large or too small".to_owned());
        }
        let exponent = zeros as i64 - fraction.len() as i64;
        Ok(Self {
            times,
            exponent,
            back_times: 5_u64.pow(twos) * 2_u64.pow(fives),
            back_exponent: -exponent - i64::from(twos.max(fives)),
            text: decimal,
        })
    }

    /// The factor without superfluous characters.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A remote number, as the mirror holds it.
    pub(crate) fn to_mirror(&self, remote: &Decimal<'_>) -> Option<Cell<'static>> {
        remote.times(self.times, self.exponent).cell()
    }

    /// A number of the mirror, as the remote is sent it.
    pub(crate) fn to_remote(&self, local: &Decimal<'_>) -> Option<String> {
        local.times(self.back_times, self.back_exponent).plain()
    }
}

fn divide_out(mut value: u64, by: u64) -> (u32, u64) {
    let mut count = 0;
    while value > 1 && value.is_multiple_of(by) {
        value /= by;
        count += 1;
    }
    (count, value)
}
