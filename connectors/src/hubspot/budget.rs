//! The account's budgets: three paces and the day's count, and what the headers of answers teach about them.
//!
//! HubSpot counts the ten-second window, searches and association batches apart (its usage guidelines and the
//! `x-hubspot-rate-limit-exemptions` marks of its API descriptions). Searches carry no rate headers, and apps with
//! OAuth get no daily ones, so nothing here depends on a header being there.

use super::error;
use super::settings::Settings;
use crate::http::{Flow, Lane, Pass, Response, Share};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use sync_core::RemoteError;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Calls that one budget has under way at once: enough to use the window up even when answers take a second.
const UNDER_WAY: usize = 24;
/// Others' use below this share of the window is noise: answers overtake each other.
const NOISE: f64 = 0.05;
/// However much others use, this share of the window is ours.
const LEAST_SHARE: f64 = 0.1;
/// A share that was lowered is raised again after this long at the earliest.
const RAISED_AFTER: Duration = Duration::from_secs(1);

/// What has been used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent, of every kind, repeated ones included.
    pub requests: u64,
    /// Searches among them.
    pub search: u64,
    /// Association batches among them.
    pub associations: u64,
    /// How many of the requests repeated an earlier one.
    pub retries: u64,
    /// How many were answered with 429.
    pub throttled: u64,
    /// How many requests HubSpot allows in its ten seconds, if it told so.
    pub window: Option<u32>,
    /// The day's limit, if HubSpot told it.
    pub daily_limit: Option<u64>,
    /// What is left of the day, if HubSpot told it.
    pub daily_remaining: Option<u64>,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    search: AtomicU64,
    associations: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct Day {
    limit: Option<u64>,
    remaining: Option<u64>,
    /// A 429 said so.
    over: bool,
}

struct Window {
    /// The whole window, of which others may use a part.
    whole: u32,
    changed: Option<Instant>,
    /// As HubSpot tells it, whatever was configured.
    told: Option<u32>,
}

pub(crate) struct Budgets {
    window: Flow,
    search: Flow,
    associations: Flow,
    learned: Mutex<Window>,
    day: Mutex<Day>,
    counters: Counters,
    settings: Settings,
}

impl Budgets {
    pub(crate) fn new(settings: &Settings) -> Self {
        let shared = (!settings.exclusive).then(|| Arc::new(Semaphore::new(1)));
        let under_way = || shared.clone().unwrap_or_else(|| Arc::new(Semaphore::new(UNDER_WAY)));
        Self {
            window: Flow::new(settings.first_window(), under_way()),
            search: Flow::new(settings.search(), under_way()),
            associations: Flow::new(settings.first_associations(), under_way()),
            learned: Mutex::new(Window { whole: settings.first_window().requests, changed: None, told: None }),
            day: Mutex::default(),
            counters: Counters::default(),
            settings: settings.clone(),
        }
    }

    /// Waits for leave to send one request.
    pub(crate) async fn enter(&self, lane: Lane, long: impl Fn(Duration) + Send) -> Pass {
        self.flow(lane).enter(long).await
    }

    /// Counts a request that is about to be sent.
    pub(crate) fn count(&self, lane: Lane, again: bool) {
        let by_lane = match lane {
            Lane::Window => None,
            Lane::Search => Some(&self.counters.search),
            Lane::Associations => Some(&self.counters.associations),
        };
        let retries = again.then_some(&self.counters.retries);
        for counter in [Some(&self.counters.requests), by_lane, retries].into_iter().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Holds one budget for everybody.
    pub(crate) fn pause(&self, lane: Lane, wait: Duration) {
        self.flow(lane).pause(Instant::now() + wait);
    }

    /// An error when the day's requests are used up, as far as this account's apps leave them to us.
    pub(crate) fn check_day(&self) -> Result<(), RemoteError> {
        let day = *self.day();
        if day.over {
            return Err(error::daily_limit(None));
        }
        let (Some(told), Some(remaining)) = (day.limit, day.remaining) else { return Ok(()) };
        let limit = self.settings.daily_requests.map_or(told, |ours| ours.min(told));
        let remaining = limit.saturating_sub(told.saturating_sub(remaining));
        // A count of requests fits a float's 53 bits many times over.
        let reserve = (limit as f64 * self.settings.daily_reserve.clamp(0.0, 1.0)).ceil() as u64;
        if remaining < reserve || remaining == 0 { Err(error::daily_reserve(remaining, limit)) } else { Ok(()) }
    }

    /// Takes from an answer what its headers tell about the limits.
    pub(crate) fn learn(&self, lane: Lane, granted: Instant, response: &Response) {
        if response.status == 429 {
            self.counters.throttled.fetch_add(1, Ordering::Relaxed);
        }
        self.learn_day(response);
        if lane == Lane::Window {
            self.learn_window(granted, response);
        }
    }

    /// A 429 said that the day is over. Association batches have a day of their own.
    pub(crate) fn day_is_over(&self, lane: Lane) {
        if lane != Lane::Associations {
            self.day().over = true;
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        let day = *self.day();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            requests: read(&self.counters.requests),
            search: read(&self.counters.search),
            associations: read(&self.counters.associations),
            retries: read(&self.counters.retries),
            throttled: read(&self.counters.throttled),
            window: self.learned.lock().unwrap_or_else(PoisonError::into_inner).told,
            daily_limit: day.limit,
            daily_remaining: day.remaining,
        }
    }

    /// The ten-second window as it is known now.
    pub(crate) fn window_share(&self) -> Share {
        self.window.share()
    }

    fn learn_day(&self, response: &Response) {
        let mut day = self.day();
        if let Some(limit) = number(response, "X-HubSpot-RateLimit-Daily") {
            day.limit = Some(limit);
        }
        if let Some(remaining) = number(response, "X-HubSpot-RateLimit-Daily-Remaining") {
            day.remaining = Some(remaining);
        }
        if response.status != 429 {
            day.over = false;
        }
    }

    /// Learns the window and, from what is left of it, how much of it others use: what the answer says is used, less
    /// what we sent ourselves up to that request.
    fn learn_window(&self, granted: Instant, response: &Response) {
        let Some(told) = number(response, "X-HubSpot-RateLimit-Max").and_then(|max| u32::try_from(max).ok()) else {
            return;
        };
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).told = Some(told);
        if self.settings.tier == super::Tier::Auto {
            self.associations.set(Settings::associations_for(told));
        }
        let whole = self.settings.window_for(told).max(1);
        let interval = number(response, "X-HubSpot-RateLimit-Interval-Milliseconds")
            .filter(|millis| (1..=600_000).contains(millis))
            .map_or(Duration::from_secs(10), Duration::from_millis);
        let others = number(response, "X-HubSpot-RateLimit-Remaining")
            .map_or(0, |left| u64::from(told).saturating_sub(left))
            .saturating_sub(u64::from(self.window.granted_up_to(granted)));
        let noise = f64::from(told) * NOISE;
        let others = if others as f64 <= noise { 0 } else { u32::try_from(others).unwrap_or(u32::MAX) };
        // What others use comes off HubSpot's window; ours may have been configured to be smaller.
        let least = (f64::from(whole) * LEAST_SHARE).ceil() as u32;
        let requests = whole.min(told.saturating_sub(others)).max(least.min(whole));
        self.adopt(whole, Share { requests, interval, even: false }, noise);
    }

    fn adopt(&self, whole: u32, share: Share, noise: f64) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let known = self.window.share();
        let new_limit = learned.whole != whole || known.interval != share.interval;
        let fell = f64::from(known.requests) - f64::from(share.requests) > noise;
        let rose = share.requests > known.requests
            && learned.changed.is_none_or(|changed| now.duration_since(changed) >= RAISED_AFTER);
        if new_limit || fell || rose {
            tracing::debug!(requests = share.requests, window = whole, "the pace changes");
            *learned = Window { whole, changed: Some(now), told: learned.told };
            self.window.set(share);
        }
    }

    fn flow(&self, lane: Lane) -> &Flow {
        match lane {
            Lane::Window => &self.window,
            Lane::Search => &self.search,
            Lane::Associations => &self.associations,
        }
    }

    fn day(&self) -> MutexGuard<'_, Day> {
        self.day.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(response: &Response, header: &str) -> Option<u64> {
    response.header(header)?.trim().parse().ok()
}
