//! When a request is sent again, and after how long. The only place that decides it, and the only one that knows
//! `backon`.
//!
//! A read may always be repeated. A write is repeated only when it certainly was not carried out: it never left, or it
//! was turned away at the door. Whatever the trouble, a call gives up when it has had nothing but trouble for
//! `give_up_after`.

use super::Effect;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;
use sync_core::{RemoteError, RemoteErrorKind};
use tokio::time::Instant;

/// A wait from which on a person at the terminal should be told.
pub(crate) const WORTH_TELLING: Duration = Duration::from_secs(2);

/// An answer that cannot be read is asked for this many times in all: what was cut short is whole the next time, what
/// is really unreadable stays so.
const UNREADABLE_ATTEMPTS: u32 = 4;
/// A lock at HubSpot lasts two seconds, according to its error handling page.
const LOCK: Duration = Duration::from_secs(2);
const TEN_SECONDLY_PAUSE: Duration = Duration::from_secs(10);
const SECONDLY_PAUSE: Duration = Duration::from_secs(1);
const AFTER_UNAUTHORIZED: Duration = Duration::from_secs(1);

/// How an attempt went wrong. Each holds the error to report if nothing more is tried.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It never left.
    NotSent(RemoteError),
    /// It may have been carried out: no answer, or a server error.
    Unknown(RemoteError),
    /// It was carried out, and the answer cannot be understood.
    Unreadable(RemoteError),
    /// It may have been carried out, and the answer is too large to be read.
    TooLarge(RemoteError),
    /// Too many requests: everybody who pays from the same budget waits.
    Throttled(Limit, RemoteError),
    /// The thing is locked for a moment.
    Locked(RemoteError),
    /// The remote named a time, short enough to wait for.
    ComeBack(Duration, RemoteError),
    /// The credential was not accepted, which now and then is a hiccup.
    Unauthorized(RemoteError),
    /// Repeating it changes nothing.
    Final(RemoteError),
}

/// Which limit was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// That of ten seconds.
    TenSecondly,
    /// That of one second.
    Secondly,
}

/// What to do before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Sleep, this call alone.
    Sleep(Duration),
    /// Hold the budget for everybody; the call waits in its queue.
    Pause(Duration),
}

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Schedule {
    effect: Effect,
    give_up_after: Duration,
    backoff: ExponentialBackoff,
    failing_since: Option<Instant>,
    failures: u32,
    unreadable: u32,
    secondly: u32,
    unauthorized: bool,
}

impl Schedule {
    /// A schedule for one call. `seed` decides the jitter.
    pub(crate) fn new(effect: Effect, give_up_after: Duration, seed: u64) -> Self {
        let backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_factor(2.0)
            .with_max_delay(Duration::from_secs(30))
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Self {
            effect,
            give_up_after,
            backoff,
            failing_since: None,
            failures: 0,
            unreadable: 0,
            secondly: 0,
            unauthorized: false,
        }
    }

    /// Decides what follows from the trouble of an attempt that began at `began`.
    pub(crate) fn after(&mut self, trouble: Trouble, began: Instant) -> Result<Next, RemoteError> {
        let since = *self.failing_since.get_or_insert(began);
        self.failures += 1;
        let (next, error) = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::Unknown(error) | Trouble::Unreadable(error) | Trouble::TooLarge(error)
                if self.effect == Effect::Write =>
            {
                return Err(outcome_unknown(error));
            }
            // The same question has the same answer.
            Trouble::TooLarge(error) => return Err(error),
            Trouble::Unreadable(error) => {
                self.unreadable += 1;
                if self.unreadable >= UNREADABLE_ATTEMPTS {
                    return Err(error);
                }
                (Next::Sleep(self.backoff()), error)
            }
            Trouble::Unauthorized(error) => {
                if std::mem::replace(&mut self.unauthorized, true) {
                    return Err(error);
                }
                (Next::Sleep(AFTER_UNAUTHORIZED), error)
            }
            Trouble::NotSent(error) | Trouble::Unknown(error) => (Next::Sleep(self.backoff()), error),
            Trouble::Locked(error) => (Next::Sleep(self.backoff().max(LOCK)), error),
            Trouble::ComeBack(wait, error) => (Next::Sleep(wait), error),
            Trouble::Throttled(Limit::TenSecondly, error) => (Next::Pause(TEN_SECONDLY_PAUSE), error),
            Trouble::Throttled(Limit::Secondly, error) => {
                self.secondly += 1;
                (Next::Pause(SECONDLY_PAUSE * self.secondly.min(10)), error)
            }
        };
        let failing_for = since.elapsed();
        if failing_for >= self.give_up_after {
            return Err(gave_up(error, failing_for, self.failures));
        }
        Ok(match next {
            // The last attempt is made when the time is up, not long before.
            Next::Sleep(wait) => Next::Sleep(wait.min(self.give_up_after - failing_for)),
            Next::Pause(_) => next,
        })
    }

    fn backoff(&mut self) -> Duration {
        // The iterator has no end; the fallback is its own ceiling.
        self.backoff.next().unwrap_or(Duration::from_secs(30))
    }
}

/// A seed of its own for each call, so that calls which fail together do not come back together.
pub(crate) fn mix(seed: u64, call: u64) -> u64 {
    let mut mixed = seed ^ call.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A span as people say it.
pub(crate) fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=1 => "a moment".to_owned(),
        2..=119 => format!("{seconds} seconds"),
        120..=7199 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

fn gave_up(last: RemoteError, failing_for: Duration, attempts: u32) -> RemoteError {
    let span = in_words(failing_for);
    RemoteError {
        kind: RemoteErrorKind::Unavailable,
        message: format!(
            "HubSpot gave no proper answer in {attempts} attempts over {span}; the last: {}",
            last.message
        ),
        remedy: "Try again later; https://status.hubspot.com tells of known outages.".to_owned(),
        ..last
    }
}

fn outcome_unknown(last: RemoteError) -> RemoteError {
    RemoteError {
        kind: RemoteErrorKind::OutcomeUnknown,
        message: format!("It is not known whether HubSpot carried the request out: {}", last.message),
        remedy: "Look at the record in HubSpot before sending the change again.".to_owned(),
        ..last
    }
}
