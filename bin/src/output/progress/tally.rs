//! How far one phase of one object has come, and how fast.

use crate::output::words;
use std::time::Duration;
use sync_core::events::Phase;
use tokio::time::Instant;

/// The count of one phase. Records of an earlier, interrupted run count as done but not as speed.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) object: String,
    pub(super) phase: Phase,
    pub(super) total: Option<u64>,
    before: u64,
    now: u64,
    started: Instant,
}

impl Tally {
    pub(super) fn new(object: String, phase: Phase, total: Option<u64>, before: u64) -> Self {
        Self { object, phase, total, before, now: 0, started: Instant::now() }
    }

    pub(super) fn add(&mut self, records: u64) {
        self.now = self.now.saturating_add(records);
        // A repair reads a row as both sides agreed on it, and again as the tool left it: it is one row.
        if let (Phase::Rebuild, Some(total)) = (self.phase, self.total) {
            self.now = self.now.min(total);
        }
    }

    /// Records done, those of an earlier run included.
    pub(super) fn done(&self) -> u64 {
        self.before.saturating_add(self.now)
    }

    /// What is expected in all: the remote's estimate, or what is already done where that is more.
    pub(super) fn expected(&self) -> Option<u64> {
        self.total.map(|total| total.max(self.done()))
    }

    /// How long this run has been at it.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// `contacts: backfill`.
    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.object, phase_name(self.phase))
    }

    /// As [`Tally::name`], in the few letters that a bar leaves for it. The arrow of a pair says what is read of it.
    pub(super) fn label(&self) -> String {
        match self.phase {
            Phase::Associations => self.object.clone(),
            Phase::SweepAssociations => format!("{}: sweep", self.object),
            Phase::SweepArchived => format!("{}: archived sweep", self.object),
            _ => self.name(),
        }
    }

    /// `195.9/s, 3 min left`, as far as it is known; nothing before the first record.
    pub(super) fn pace(&self) -> String {
        if self.now == 0 || self.elapsed().is_zero() {
            return String::new();
        }
        let rate = words::rate(self.now, self.elapsed());
        let rest = self.expected().map(|total| total - self.done()).filter(|rest| *rest > 0);
        match rest.and_then(|rest| words::time_left(self.now, rest, self.elapsed())) {
            Some(left) => format!("{rate}, {}", words::left(left)),
            None => rate,
        }
    }

    /// `contacts: backfill 1,234 of 12,345 records, 195.9/s, 3 min left`.
    pub(super) fn so_far(&self) -> String {
        let count = match self.expected() {
            Some(total) => format!("{} of {}", words::count(self.done()), words::records(total)),
            None => words::records(self.done()),
        };
        let pace = self.pace();
        let comma = if pace.is_empty() { "" } else { ", " };
        format!("{} {count}{comma}{pace}", self.name())
    }

    /// `contacts: backfill done, 12,345 records in 1 min 3 s (195.9/s)`; `None` where nothing happened that anybody
    /// would miss. A rate over less than a second says nothing and is left out.
    pub(super) fn at_the_end(&self) -> Option<String> {
        let worth_a_line = self.now > 0 || matches!(self.phase, Phase::Backfill | Phase::Verify);
        if !worth_a_line {
            return None;
        }
        let span = self.elapsed();
        let mut text = format!("{} done, {} in {}", self.name(), words::records(self.now), words::span(span));
        if span >= Duration::from_secs(1) && self.now > 0 {
            text.push_str(&format!(" ({})", words::rate(self.now, span)));
        }
        if self.before > 0 {
            text.push_str(&format!(", {} with the earlier run", words::count(self.done())));
        }
        Some(text)
    }
}

/// A phase in a line for people.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Backfill => "backfill",
        Phase::Archived => "archived records",
        Phase::Relist => "whole list",
        Phase::Fast => "recent changes",
        Phase::Settled => "settled changes",
        Phase::Associations => "associations",
        Phase::Sweep => "sweep",
        Phase::SweepArchived => "sweep of archived records",
        Phase::SweepAssociations => "sweep of associations",
        Phase::Reprojection => "new mapping",
        Phase::Rebuild => "repair",
        Phase::Verify => "verify",
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use std::time::Duration;
    use sync_core::events::Phase;

    #[test]
    fn a_label_fits_before_its_bar() {
        let fits = |object: &str, phase: Phase| {
            let label = Tally::new(object.to_owned(), phase, None, 0).label();
            assert!(label.chars().count() <= 30, "{label}");
        };
        for phase in [
            Phase::Backfill,
            Phase::Archived,
            Phase::Relist,
            Phase::Fast,
            Phase::Settled,
            Phase::Sweep,
            Phase::SweepArchived,
            Phase::Reprojection,
            Phase::Rebuild,
            Phase::Verify,
        ] {
            fits("line_items", phase);
        }
        for phase in [Phase::Associations, Phase::SweepAssociations] {
            fits("line_items→companies", phase);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_told_once_it_is_known() {
        let mut tally = Tally::new("contacts".to_owned(), Phase::Backfill, Some(1_000), 400);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(tally.pace(), "");
        assert_eq!(tally.so_far(), "contacts: backfill 400 of 1,000 records");
        tally.add(100);
        assert_eq!(tally.pace(), "50.0/s, 10 s left");
        let nothing = Tally::new("contacts".to_owned(), Phase::Backfill, None, 0);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(nothing.at_the_end().as_deref(), Some("contacts: backfill done, no records in 2.0 s"));
    }
}
