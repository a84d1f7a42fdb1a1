//! What kind of portal to simulate: its size, its subscription, and how it answers where HubSpot's behaviour is unproved.
//!
//! Every field is public and has a default; one seed and these settings fix every byte the portal will ever answer.

use std::time::Duration;

use crate::faults::Faults;
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

/// How long a change stays invisible to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// The median of a log-normal distribution, in milliseconds; 0 with no tail means that search is never stale.
    pub median_ms: u32,
    /// Its spread.
    pub sigma: f64,
    /// The share of changes that take much longer.
    pub tail_rate: f64,
    /// The longest that such a change takes; uniformly distributed up to it.
    pub tail_max: Duration,
}

impl Lag {
    /// Search sees every change at once.
    pub const fn none() -> Self {
        Self { median_ms: 0, sigma: 0.0, tail_rate: 0.0, tail_max: Duration::ZERO }
    }
}

impl Default for Lag {
    fn default() -> Self {
        Self { median_ms: 2_500, sigma: 0.55, tail_rate: 0.002, tail_max: Duration::from_secs(30 * 60) }
    }
}

/// What a list does with `limit` over 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverLimit {
    /// 400.
    Reject,
    /// 100 rows.
    Clamp,
}

/// What `after` of a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAfter {
    /// The id at which the page begins, as in HubSpot's examples; any other number is taken too.
    Id,
    /// The number of records before the page.
    Offset,
    /// A word that only an answer can give; anything else is a 400.
    Token,
}

/// What a batch read does with the id of a record that was merged away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergedRead {
    /// The surviving record, under its own id.
    Winner,
    /// Neither a result nor an error.
    Omitted,
    /// Among the ids of the `OBJECT_NOT_FOUND` error.
    NotFound,
}

/// What id the result of a merge has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeId {
    /// A third one; both old ids resolve to it.
    New,
    /// The primary record's own.
    KeepPrimary,
}

/// How a cleared property reads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// `""`, as recorded.
    Empty,
    /// `null`.
    Null,
}

/// Which of the recorded 429 bodies search answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitBody {
    /// `category: RATE_LIMITS`, no policy name.
    Wire,
    /// `errorType: RATE_LIMIT` with a policy name.
    Documented,
}

/// What an input given twice does to a batch read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateInputs {
    /// The whole request is a 400.
    Reject,
    /// One result.
    Collapse,
}

/// Answers to what nobody has proved about HubSpot. A client must live with either side of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Switches {
    /// Search index lag.
    pub lag: Lag,
    /// `limit` over 100 on a list.
    pub over_limit: OverLimit,
    /// `after` of a list.
    pub list_after: ListAfter,
    /// Batch read of a merged-away id.
    pub merged_read: MergedRead,
    /// Identity of a merged record.
    pub merge_id: MergeId,
    /// Reading a cleared property.
    pub cleared: Cleared,
    /// 429 body of search.
    pub search_limit_body: LimitBody,
    /// Duplicate inputs in a batch read.
    pub duplicate_inputs: DuplicateInputs,
    /// Whether writing the value that is already there moves the modified date.
    pub no_op_bumps: bool,
    /// Whether a create is followed, seconds later, by a bump of the modified date that no client made.
    pub post_create_bump: bool,
    /// Whether records with equal sort keys come in a different order on every search.
    pub unstable_ties: bool,
    /// Whether rejected calls use up the ten-second window as well as the day.
    pub rejections_fill_window: bool,
    /// Whether a batch read of associations with items missing answers 207 (otherwise 200 with the same body).
    pub associations_multi_status: bool,
    /// Rows per record in one answer of an association batch read.
    pub associations_page: usize,
    /// Whether a new contact is associated with the company that has its email's domain.
    pub associate_by_domain: bool,
    /// How many versions a property's history keeps; contacts keep more.
    pub history_depth: usize,
    /// The same for contacts.
    pub contact_history_depth: usize,
    /// Whether refusals of search carry only a message, without `errors` and category.
    pub bare_search_errors: bool,
    /// Whether the app may see properties marked sensitive.
    pub sensitive_scope: bool,
    /// Whether archiving a record moves its modified date.
    pub archive_bumps: bool,
    /// Whether taking a record out of the recycling bin moves its modified date.
    pub restore_bumps: bool,
    /// Whether search finds nothing, whatever there is: an index that was lost, or one that looks at another date.
    pub search_blind: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            lag: Lag::default(),
            over_limit: OverLimit::Reject,
            list_after: ListAfter::Id,
            merged_read: MergedRead::Winner,
            merge_id: MergeId::New,
            cleared: Cleared::Empty,
            search_limit_body: LimitBody::Wire,
            duplicate_inputs: DuplicateInputs::Reject,
            no_op_bumps: false,
            post_create_bump: true,
            unstable_ties: true,
            rejections_fill_window: true,
            associations_multi_status: true,
            associations_page: 500,
            associate_by_domain: true,
            history_depth: 20,
            contact_history_depth: 45,
            bare_search_errors: false,
            sensitive_scope: false,
            archive_bumps: false,
            restore_bumps: true,
            search_blind: false,
        }
    }
}
