//! Safety belts: how many records one run may touch before a person has to look.

/// A belt: it holds once more than the larger of the two is exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belt {
    /// Percent of the object's rows, from 0 to 100.
    pub percent: f64,
    /// A number of records that is always let through.
    pub at_least: u64,
}

impl Belt {
    /// How many of `rows` may be touched, given what a person allowed for this run.
    pub fn limit(&self, rows: u64, allowed: Option<u64>) -> u64 {
        // Rows are far below 2^53, and a share of them is rounded down.
        let share = (rows as f64 * self.percent / 100.0).floor() as u64;
        share.max(self.at_least).max(allowed.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::Belt;

    #[test]
    fn p25_the_larger_of_share_and_floor_is_let_through_and_a_person_may_allow_more() {
        let belt = Belt { percent: 2.0, at_least: 100 };
        assert_eq!(belt.limit(0, None), 100);
        assert_eq!(belt.limit(4_999, None), 100);
        assert_eq!(belt.limit(1_000_000, None), 20_000);
        assert_eq!(belt.limit(1_000_000, Some(30_000)), 30_000);
        assert_eq!(belt.limit(1_000_000, Some(7)), 20_000, "allowing more never means allowing less");
    }
}
