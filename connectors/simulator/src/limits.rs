//! The four budgets of a portal, and which rate headers an answer carries.
//!
//! A rolling ten-second window for the app, five searches in each wall-clock second for the account, a window and a daily
//! count of their own for association batches, and the account's day. Calls that fail, and calls that are refused, count.

use std::collections::VecDeque;

use crate::faults::Policy;
use crate::json::Json;
use crate::settings::Tier;
use crate::switches::LimitBody;
use crate::{Millis, Zone};

const WINDOW: Millis = 10_000;

/// Which budgets a request draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    /// The ten-second window and the day.
    General,
    /// The search second and the day.
    Search,
    /// The associations window, the associations day and the day.
    Associations,
}

/// The numbers of a subscription. `None` is no limit.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    window: Option<usize>,
    associations: Option<usize>,
    search: Option<u32>,
    daily: Option<u64>,
    associations_daily: Option<u64>,
}

fn numbers(tier: Tier) -> Numbers {
    let n = |window, associations, daily, associations_daily| Numbers {
        window: Some(window),
        associations: Some(associations),
        search: Some(5),
        daily,
        associations_daily,
    };
    match tier {
        Tier::Free | Tier::Starter => n(100, 100, Some(250_000), None),
        Tier::Professional => n(190, 150, Some(625_000), Some(500_000)),
        Tier::Enterprise => n(190, 150, Some(1_000_000), Some(500_000)),
        Tier::OauthPublic => n(110, 150, None, Some(500_000)),
        Tier::Unlimited => {
            Numbers { window: None, associations: None, search: None, daily: None, associations_daily: None }
        }
    }
}

/// Counters of one app in one account.
#[derive(Debug)]
pub(crate) struct Limits {
    tier: Tier,
    numbers: Numbers,
    zone: Zone,
    window: VecDeque<Millis>,
    associations: VecDeque<Millis>,
    search_second: (Millis, u32),
    day: i64,
    used_today: u64,
    associations_today: u64,
    rejections_fill_window: bool,
}

impl Limits {
    pub(crate) fn new(tier: Tier, zone: Zone, rejections_fill_window: bool) -> Self {
        Limits {
            tier,
            numbers: numbers(tier),
            zone,
            window: VecDeque::new(),
            associations: VecDeque::new(),
            search_second: (0, 0),
            day: i64::MIN,
            used_today: 0,
            associations_today: 0,
            rejections_fill_window,
        }
    }

    /// Counts a request, and says which limit refuses it.
    pub(crate) fn take(&mut self, now: Millis, budget: Budget) -> Result<(), Policy> {
        self.turn_day(now);
        self.used_today += 1;
        if self.numbers.daily.is_some_and(|limit| self.used_today > limit) {
            return Err(Policy::Daily);
        }
        match budget {
            Budget::General => roll(&mut self.window, self.numbers.window, now, self.rejections_fill_window)
                .map_err(|()| Policy::TenSecondly),
            Budget::Associations => {
                self.associations_today += 1;
                if self.numbers.associations_daily.is_some_and(|limit| self.associations_today > limit) {
                    return Err(Policy::Daily);
                }
                roll(&mut self.associations, self.numbers.associations, now, self.rejections_fill_window)
                    .map_err(|()| Policy::TenSecondly)
            }
            Budget::Search => self.take_search(now),
        }
    }

    fn take_search(&mut self, now: Millis) -> Result<(), Policy> {
        let second = now.div_euclid(1_000);
        if self.search_second.0 != second {
            self.search_second = (second, 0);
        }
        self.search_second.1 += 1;
        match self.numbers.search {
            Some(limit) if self.search_second.1 > limit => Err(Policy::Secondly),
            Some(_) | None => Ok(()),
        }
    }

    /// Calls that other apps of the account make: they use up the day, not our window.
    pub(crate) fn spend_elsewhere(&mut self, now: Millis, calls: u64) {
        self.turn_day(now);
        self.used_today += calls;
    }

    fn turn_day(&mut self, now: Millis) {
        let day = self.zone.local_day(now);
        if day != self.day {
            self.day = day;
            self.used_today = 0;
            self.associations_today = 0;
        }
    }

    /// The limit, the use so far, and when it resets.
    pub(crate) fn daily(&mut self, now: Millis) -> (Option<u64>, u64, Millis) {
        self.turn_day(now);
        (self.numbers.daily, self.used_today, self.zone.next_midnight(now))
    }

    /// The rate headers of an answer: none on search, no daily ones with OAuth, never `Retry-After`.
    pub(crate) fn headers(&mut self, now: Millis, budget: Budget) -> Vec<(String, String)> {
        if budget == Budget::Search {
            return Vec::new();
        }
        while self.window.front().is_some_and(|at| *at <= now - WINDOW) {
            self.window.pop_front();
        }
        let max = self.numbers.window.unwrap_or(1_000_000);
        let mut out = Vec::with_capacity(7);
        let mut add = |name: &str, value: u64| out.push((format!("X-HubSpot-RateLimit-{name}"), value.to_string()));
        if self.tier != Tier::OauthPublic {
            let limit = self.numbers.daily.unwrap_or(1_000_000_000);
            add("Daily", limit);
            add("Daily-Remaining", limit.saturating_sub(self.used_today));
        }
        add("Interval-Milliseconds", WINDOW as u64);
        add("Max", max as u64);
        add("Remaining", max.saturating_sub(self.window.len()) as u64);
        let per_second = (max / 10) as u64;
        add("Secondly", per_second);
        add("Secondly-Remaining", per_second.saturating_sub(1));
        out
    }
}

/// Counts a call in a rolling window. A refused call leaves its mark only where refusals count.
fn roll(window: &mut VecDeque<Millis>, limit: Option<usize>, now: Millis, refusals_count: bool) -> Result<(), ()> {
    while window.front().is_some_and(|at| *at <= now - WINDOW) {
        window.pop_front();
    }
    let Some(limit) = limit else { return Ok(()) };
    if window.len() >= limit {
        if refusals_count {
            // The oldest mark makes room, so that a storm of refused calls cannot grow the window for ever.
            window.pop_front();
            window.push_back(now);
        }
        return Err(());
    }
    window.push_back(now);
    Ok(())
}

/// The body of a 429, in either of the two shapes that exist.
pub(crate) fn refusal(policy: Policy, shape: LimitBody, correlation: &str, request_id: &str) -> Vec<u8> {
    let (name, words) = match policy {
        Policy::TenSecondly => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
        Policy::Secondly => ("SECONDLY", "secondly"),
        Policy::Daily => ("DAILY", "daily"),
    };
    let mut j = Json::with_capacity(240);
    j.raw("{").key("status").string("error");
    j.raw(",").key("message").string(&format!("You have reached your {words} limit."));
    match shape {
        LimitBody::Wire => {
            j.raw(",").key("correlationId").string(correlation).raw(",").key("category").string("RATE_LIMITS");
        }
        LimitBody::Documented => {
            j.raw(",").key("errorType").string("RATE_LIMIT").raw(",").key("correlationId").string(correlation);
            j.raw(",").key("policyName").string(name).raw(",").key("requestId").string(request_id);
        }
    }
    j.raw("}");
    j.out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ten_second_window_lets_one_call_too_many_through() {
        let mut limits = Limits::new(Tier::Professional, Zone::utc(), false);
        let mut passed = Vec::new();
        for at in (0..60_000).step_by(7) {
            if limits.take(at, Budget::General).is_ok() {
                passed.push(at);
            }
        }
        for (n, from) in passed.iter().enumerate() {
            let inside = passed[n..].iter().take_while(|at| **at < from + WINDOW).count();
            assert!(inside <= 190, "{inside} calls in the window from {from}");
        }
        assert!(passed.len() > 190 * 5);
    }

    #[test]
    fn six_searches_in_one_wall_clock_second_are_one_too_many() {
        let mut limits = Limits::new(Tier::Free, Zone::utc(), true);
        let results: Vec<bool> = (0..6).map(|n| limits.take(5_000 + n, Budget::Search).is_ok()).collect();
        assert_eq!(results, [true, true, true, true, true, false]);
        assert!(limits.take(6_000, Budget::Search).is_ok());
    }
}
