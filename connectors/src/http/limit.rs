//! Pacing: how requests of one budget are let through, one after the other.
//!
//! A [`Flow`] promises that no rolling interval sees more requests than its [`Share`] names, whatever the callers do,
//! and that callers are served in the order in which they came. It is a GCRA (`governor`) on tokio's clock: it lets a
//! small burst through and spaces the rest evenly, so that `burst + rate × interval` stays below the share. A plain
//! token bucket that starts full would let nearly twice the share through.

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Which budget a request is paid from. HubSpot counts them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// The ten-second window of the app.
    Window,
    /// Searches, per second and account.
    Search,
    /// Association batches.
    Associations,
}

/// The most requests that any rolling interval may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) requests: u32,
    pub(crate) interval: Duration,
    /// Let nothing through early: requests stand at least `interval / requests` apart.
    pub(crate) even: bool,
}

const LARGEST_BURST: u32 = 4;

impl Share {
    /// So many requests in ten seconds.
    pub(crate) const fn per_ten_seconds(requests: u32) -> Self {
        Self { requests, interval: Duration::from_secs(10), even: false }
    }

    /// So many requests a second, evenly spaced, with four percent to spare for clocks that disagree.
    pub(crate) fn evenly_per_second(requests: u32) -> Self {
        Self { requests: requests.max(1), interval: Duration::from_secs(1).mul_f64(1.0 / 0.96), even: true }
    }

    fn quota(self) -> Quota {
        let (burst, period) = self.burst_and_period();
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // A period of zero is impossible here; the fallback is the most careful pace there is.
        Quota::with_period(period).unwrap_or(Quota::per_hour(NonZeroU32::MIN)).allow_burst(burst)
    }

    /// A closed interval sees at most `burst + interval / period` requests, which is one less than the share.
    fn burst_and_period(self) -> (u32, Duration) {
        if self.even {
            return (1, self.interval / self.requests.max(1));
        }
        if self.requests <= 1 {
            return (1, self.interval + Duration::from_millis(50));
        }
        let burst = LARGEST_BURST.min(self.requests / 8).max(1);
        (burst, self.interval / self.requests.saturating_sub(burst + 1).max(1))
    }
}

/// Tokio's clock for `governor`: a paused clock pauses the limiter too.
#[derive(Clone, Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Gcra = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Leave to send one request; how many may be under way at once is bounded by these.
pub(crate) struct Pass {
    /// When it was given.
    pub(crate) granted: Instant,
    _in_flight: Option<OwnedSemaphorePermit>,
}

/// One budget.
pub(crate) struct Flow {
    in_flight: Arc<Semaphore>,
    /// Its lock is fair: whoever came first is let through first.
    queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

struct State {
    share: Share,
    limiter: Gcra,
    paused_until: Option<Instant>,
    /// When the requests of the last intervals were let through, oldest first.
    granted: VecDeque<Instant>,
}

impl Flow {
    pub(crate) fn new(share: Share, in_flight: Arc<Semaphore>) -> Self {
        let limiter = Gcra::direct_with_clock(share.quota(), TokioClock(Instant::now()));
        let state = State { share, limiter, paused_until: None, granted: VecDeque::new() };
        Self { in_flight, queue: tokio::sync::Mutex::new(()), state: Mutex::new(state) }
    }

    /// Waits until a request may be sent. `long` hears of a wait of two seconds or more before it begins, once.
    pub(crate) async fn enter(&self, long: impl Fn(Duration) + Send) -> Pass {
        let in_flight = Arc::clone(&self.in_flight).acquire_owned().await.ok();
        let _turn = self.queue.lock().await;
        let mut told = false;
        loop {
            let now = Instant::now();
            let Some(wait) = self.state().try_enter(now) else {
                return Pass { granted: now, _in_flight: in_flight };
            };
            if wait >= super::retry::WORTH_TELLING && !told {
                long(wait);
                told = true;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Lets nothing through until then; a pause that is already longer stays.
    pub(crate) fn pause(&self, until: Instant) {
        let mut state = self.state();
        state.paused_until = Some(state.paused_until.map_or(until, |known| known.max(until)));
    }

    pub(crate) fn share(&self) -> Share {
        self.state().share
    }

    /// Changes the pace. The new one begins with its burst used up, so that both together stay within the larger share.
    pub(crate) fn set(&self, share: Share) {
        let mut state = self.state();
        if state.share == share {
            return;
        }
        let quota = share.quota();
        state.share = share;
        state.limiter = Gcra::direct_with_clock(quota, TokioClock(Instant::now()));
        // Never refused: the burst of a fresh limiter is whole.
        let _ = state.limiter.check_n(quota.burst_size());
    }

    /// How many requests were let through in the interval that ends with the request let through at `granted`.
    pub(crate) fn granted_up_to(&self, granted: Instant) -> u32 {
        let state = self.state();
        let since = granted.checked_sub(state.share.interval);
        let count = state.granted.iter().filter(|at| **at <= granted && since.is_none_or(|since| **at > since)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// `None` when a request may go now, else how long to wait before asking again.
    fn try_enter(&mut self, now: Instant) -> Option<Duration> {
        if let Some(until) = self.paused_until {
            if until > now {
                return Some(until - now);
            }
            self.paused_until = None;
        }
        if let Err(refusal) = self.limiter.check() {
            let wait = refusal.wait_time_from(self.limiter.clock().now());
            return Some(wait.max(Duration::from_millis(1)));
        }
        self.granted.push_back(now);
        // Answers come late: keep what the oldest request under way may still ask about.
        let horizon = self.share.interval * 8;
        while self.granted.front().is_some_and(|at| now.duration_since(*at) > horizon) {
            self.granted.pop_front();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Share;
    use std::time::Duration;

    #[test]
    fn a_share_is_split_into_a_small_burst_and_an_even_rate() {
        let (burst, period) = Share::per_ten_seconds(190).burst_and_period();
        assert_eq!((burst, period), (4, Duration::from_secs(10) / 185));
        for requests in 1..=1000 {
            let share = Share::per_ten_seconds(requests);
            let (burst, period) = share.burst_and_period();
            let most = u128::from(burst) + share.interval.as_nanos() / period.as_nanos();
            assert!(most <= u128::from(requests), "{requests} a window would see {most}");
        }
    }

    #[test]
    fn an_even_share_never_bursts() {
        let (burst, period) = Share::evenly_per_second(5).burst_and_period();
        assert_eq!(burst, 1);
        assert!(period > Duration::from_millis(208) && period < Duration::from_millis(209), "{period:?}");
    }
}
