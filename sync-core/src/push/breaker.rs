//! Stops a push that only makes errors: a remote in trouble is not hammered, and keeps its error budget.

use crate::error::RunError;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// So many batches are looked at.
const LATEST: usize = 20;
/// More failures than these among them stop the push.
const FAILED: usize = 4;
/// So many in a row do, too.
const IN_A_ROW: usize = 5;

/// The latest batches of a push: whether each failed as a whole.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    latest: Mutex<VecDeque<bool>>,
}

impl Breaker {
    /// Notes how a batch ended.
    pub(super) fn note(&self, failed: bool) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.push_back(failed);
        if latest.len() > LATEST {
            latest.pop_front();
        }
    }

    /// Whether another batch may be sent.
    ///
    /// # Errors
    /// [`RunError::Storm`] once too many failed.
    pub(super) fn check(&self) -> Result<(), RunError> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = latest.iter().filter(|failed| **failed).count();
        let row = latest.iter().rev().take_while(|failed| **failed).count();
        if row >= IN_A_ROW || (latest.len() == LATEST && failed > FAILED) {
            return Err(RunError::Storm(format!(
                "{failed} of the last {} batches failed, so nothing more is sent in this run; what was not sent stays \
                 pending",
                latest.len()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Breaker;

    #[test]
    fn p32_five_failures_in_a_row_stop_a_push_and_one_success_between_does_not() {
        let breaker = Breaker::default();
        (0..4).for_each(|_| breaker.note(true));
        assert!(breaker.check().is_ok());
        breaker.note(false);
        (0..4).for_each(|_| breaker.note(true));
        assert!(breaker.check().is_ok());
        breaker.note(true);
        assert!(breaker.check().unwrap_err().to_string().contains("9 of the last 10 batches failed"));
    }

    #[test]
    fn p32_more_than_a_fifth_of_the_last_twenty_stop_a_push() {
        let breaker = Breaker::default();
        for batch in 0..20 {
            breaker.note(batch % 5 == 0);
        }
        assert!(breaker.check().is_ok());
        breaker.note(true);
        assert!(breaker.check().is_ok(), "the first failure is forgotten by now");
        breaker.note(true);
        assert!(breaker.check().is_err());
    }
}
