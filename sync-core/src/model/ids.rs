//! Record ids, exactly as the remote gives them, in the order in which the remote walks them.

use std::cmp::Ordering;
use std::fmt;

/// The id of one record, as the remote writes it. Unique within one object type only.
///
/// Ids of decimal digits are ordered as the numbers they are, whatever their length, because remotes walk them that
/// way; all others follow, ordered as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(String);

impl RecordId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is a decimal number, which a walk in id order needs.
    pub fn is_numeric(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The id as a number, if it is one that fits.
    pub fn number(&self) -> Option<u64> {
        if self.is_numeric() { self.0.parse().ok() } else { None }
    }

    fn order_key(&self) -> (bool, usize, &str) {
        if self.is_numeric() {
            let digits = self.0.trim_start_matches('0');
            (false, digits.len(), digits)
        } else {
            (true, 0, &self.0)
        }
    }
}

impl Ord for RecordId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order_key().cmp(&other.order_key()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for RecordId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<String> for RecordId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for RecordId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<u64> for RecordId {
    fn from(id: u64) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn ids_of_digits_are_ordered_as_numbers_and_come_before_others() {
        let mut ids: Vec<RecordId> = ["x1", "100", "99", "1000000000000000000000", "7"].map(RecordId::from).to_vec();
        ids.sort();
        let ordered: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
        assert_eq!(ordered, ["7", "99", "100", "1000000000000000000000", "x1"]);
    }
}
