//! Local time, injected: for log stamps and waiting only. Decisions about records compare the remote's times with
//! each other.

use crate::model::Timestamp;

/// Tells the local time.
pub trait Clock: Send + Sync {
    /// The local wall clock.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(chrono::Utc::now().timestamp_millis())
    }
}
