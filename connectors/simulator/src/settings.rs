//! What kind of portal to simulate: its size, its subscription, and how it answers where HubSpot's behaviour is unproved.
//!
//! Every field is public and has a default; one seed and these settings fix every byte the portal will ever answer.

use std::time::Duration;

use crate::fault_rates::Faults;
use crate::switches::Switches;
use crate::{Millis, Zone};

/// Everything a portal is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Fixes the data, the ids, the token, the index lag and the order of results.
    pub seed: u64,
    /// The instant at which the data was last touched; requests come at or after it.
    pub start: Millis,
    /// The account's number.
    pub portal_id: u64,
    /// Subscription and kind of app, which decide the limits.
    pub tier: Tier,
    /// How long an ordinary answer takes.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Faults,
    /// How open questions are answered.
    pub switches: Switches,
    /// How much data there is.
    pub data: DataSize,
    /// The account's time zone, whose midnight resets the daily counter.
    pub zone: Zone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            // 2026-10-05T12:00:00Z
            start: 1_791_201_600_000,
            portal_id: 48_213_377,
            tier: Tier::Professional,
            latency: Duration::from_millis(120),
            faults: Faults::none(),
            switches: Switches::default(),
            data: DataSize::default(),
            zone: Zone::us_eastern(),
        }
    }
}

impl Settings {
    /// A portal with these numbers of records and nothing else changed.
    pub fn sized(contacts: usize, companies: usize, deals: usize, tickets: usize) -> Self {
        Self { data: DataSize { contacts, companies, deals, tickets, ..DataSize::none() }, ..Self::default() }
    }
}

/// Subscription and kind of app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// 100 calls in 10 s, 250,000 a day.
    Free,
    /// The same numbers as Free.
    Starter,
    /// 190 in 10 s, 625,000 a day.
    Professional,
    /// 190 in 10 s, 1,000,000 a day, custom objects.
    Enterprise,
    /// 110 in 10 s for each installing account, no daily limit and no daily headers.
    OauthPublic,
    /// No limit at all, custom objects: for a demonstration or a benchmark.
    Unlimited,
}

impl Tier {
    /// Whether the subscription includes custom objects.
    pub fn has_custom_objects(self) -> bool {
        matches!(self, Tier::Enterprise | Tier::Unlimited)
    }
}

/// How many records there are of each type at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSize {
    /// Active contacts.
    pub contacts: usize,
    /// Active companies.
    pub companies: usize,
    /// Active deals.
    pub deals: usize,
    /// Active tickets.
    pub tickets: usize,
    /// Products.
    pub products: usize,
    /// Line items, each on a deal where there is one.
    pub line_items: usize,
    /// Quotes.
    pub quotes: usize,
    /// Notes.
    pub notes: usize,
    /// Tasks.
    pub tasks: usize,
    /// Calls.
    pub calls: usize,
    /// Meetings.
    pub meetings: usize,
    /// Logged emails.
    pub emails: usize,
    /// Records of the one custom object (`p{portal}_machine`), where the tier has custom objects.
    pub machines: usize,
    /// Owners, some of them archived.
    pub owners: usize,
    /// Extra custom properties on each of contacts, companies, deals and tickets.
    pub extra_properties: usize,
    /// Archived records for each thousand active ones.
    pub archived_per_mille: usize,
    /// Merged-away records for each thousand active ones.
    pub merged_per_mille: usize,
    /// Odd values (lone surrogates, 30-digit numbers, cleared fields, …) for each thousand records.
    pub odd_per_mille: usize,
}

impl DataSize {
    /// No records at all.
    pub const fn none() -> Self {
        Self {
            contacts: 0,
            companies: 0,
            deals: 0,
            tickets: 0,
            products: 0,
            line_items: 0,
            quotes: 0,
            notes: 0,
            tasks: 0,
            calls: 0,
            meetings: 0,
            emails: 0,
            machines: 0,
            owners: 6,
            extra_properties: 0,
            archived_per_mille: 0,
            merged_per_mille: 0,
            odd_per_mille: 0,
        }
    }
}

impl Default for DataSize {
    fn default() -> Self {
        Self {
            contacts: 2_000,
            companies: 500,
            deals: 400,
            tickets: 200,
            products: 30,
            line_items: 300,
            quotes: 40,
            notes: 200,
            tasks: 150,
            calls: 100,
            meetings: 80,
            emails: 200,
            machines: 50,
            owners: 14,
            extra_properties: 0,
            archived_per_mille: 15,
            merged_per_mille: 5,
            odd_per_mille: 10,
        }
    }
}
