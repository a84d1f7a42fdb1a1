//! Answers to what nobody has proved about HubSpot, each of them a switch.
//!
//! The defaults are what was recorded or documented; where neither is known, what a client is more likely to trip over.

use std::time::Duration;

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

/// What archiving an id that names no active record answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownArchive {
    /// 204, as if there had been one.
    NoContent,
    /// 404.
    NotFound,
}

/// Which results of a batch carry the trace id of their input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceEcho {
    /// None.
    Never,
    /// Those of upserts.
    Upserts,
    /// All.
    Always,
}

/// How a number is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberForm {
    /// As it was written.
    AsGiven,
    /// Without what says nothing: `+05.50` is `5.5`.
    Plain,
}

/// What versions before 2026-09 do with a date that is not written in the canonical way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderDates {
    /// 400 `INVALID_DATE`.
    Refuse,
    /// Store it in the canonical way, without a word.
    Normalize,
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
    /// Records in one page of a list or a search at most, whatever is asked for: a server may always give fewer.
    pub records_page: usize,
    /// Rows per record in one answer of an association batch read.
    pub associations_page: usize,
    /// Whether a batch that removes associations answers 200 with a body from 2026-09 on (otherwise 204).
    pub removal_body: bool,
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
    /// Whether what HubSpot itself calculates moves the modified date.
    pub recalculation_bumps: bool,
    /// Archiving an id that is unknown or archived already.
    pub unknown_archive: UnknownArchive,
    /// Whether archiving a merged-away id archives the survivor.
    pub archive_follows_merge: bool,
    /// Batch update of a merged-away id.
    pub merged_write: MergedRead,
    /// Trace ids on results.
    pub trace_echo: TraceEcho,
    /// Two upsert inputs that come to the same record.
    pub upsert_duplicates: DuplicateInputs,
    /// Whether one conflict in an upsert refuses the whole batch, also where inputs have trace ids.
    pub upsert_conflict_refuses_all: bool,
    /// Whether inputs with trace ids of an upsert by email succeed or fail alone.
    pub partial_email_upsert: bool,
    /// Whether inputs with trace ids of an update succeed or fail alone.
    pub update_multi_status: bool,
    /// How many of the values at fault `errors` lists; the message has all of them.
    pub listed_errors: usize,
    /// Whether a create must give what the documentation lists as required.
    pub required_on_create: bool,
    /// Whether a new contact needs an email or a name, which one page of the documentation says and another does not.
    pub contact_needs_a_name: bool,
    /// Whether white space around a value is dropped.
    pub trims: bool,
    /// Numbers that are written.
    pub number_form: NumberForm,
    /// Dates that are written in an odd way, before 2026-09.
    pub older_dates: OlderDates,
    /// Whether the first company that a client associates with a record becomes its primary one.
    pub first_company_is_primary: bool,
    /// Between how many milliseconds a new property stays invisible to reads of the schema; writes know it at once.
    pub property_lag_ms: (u32, u32),
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
            records_page: usize::MAX,
            associations_page: 500,
            removal_body: false,
            associate_by_domain: true,
            history_depth: 20,
            contact_history_depth: 45,
            bare_search_errors: false,
            sensitive_scope: false,
            archive_bumps: false,
            restore_bumps: true,
            recalculation_bumps: false,
            unknown_archive: UnknownArchive::NoContent,
            archive_follows_merge: false,
            merged_write: MergedRead::Omitted,
            trace_echo: TraceEcho::Upserts,
            upsert_duplicates: DuplicateInputs::Reject,
            upsert_conflict_refuses_all: true,
            partial_email_upsert: false,
            update_multi_status: true,
            listed_errors: 3,
            required_on_create: true,
            contact_needs_a_name: false,
            trims: true,
            number_form: NumberForm::AsGiven,
            older_dates: OlderDates::Refuse,
            first_company_is_primary: true,
            property_lag_ms: (250, 700),
            search_blind: false,
        }
    }
}
