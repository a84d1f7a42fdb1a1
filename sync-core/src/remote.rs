//! The port to a CRM. A connector implements [`Remote`]; the engine uses nothing else of it.
//!
//! Contract for implementers, of every method:
//! * An `Err` is final. Throttling, retries, token refresh and waiting for limits happen behind this port.
//! * Reads may be repeated at will and change nothing at the remote.
//! * Answers are not trusted for completeness: what a method promises about absence is said at the method.
//! * `server_time` is the remote's own clock when it answered (a `Date` header), never the local one.
//! * A write is sent again only where it is certain that it was not carried out. An `Err` of a write means that nothing of
//!   the call was done; where that is not certain the call succeeds, with inputs whose outcome is unknown. Where a call
//!   takes several requests and not all of them fail, it succeeds too, and those that failed are [`Outcome::NotDone`].

mod writes;

pub use writes::{Once, Outcome, PairLabels, Refusal, SoleLabel, WriteInput, Writing, WrittenRecord};

use crate::error::RemoteError;
use crate::model::{
    Association, AssociationLabel, ObjectType, Owner, Pipeline, PropertyVersions, Record, RecordId, Timestamp,
};
use mappings::PropertySchema;
use std::future::Future;

/// Who answers: the account behind the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id; a mirror is bound to one.
    pub portal_id: String,
    /// The account's time zone, where the remote tells it.
    pub time_zone: Option<String>,
    /// The remote's clock.
    pub server_time: Timestamp,
}

/// A page of a list in id order.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, with the properties that were asked for.
    pub records: Vec<Record>,
    /// Where the next page begins; `None` on the last page. Opaque.
    pub next: Option<String>,
    /// The last id that the list named on this page, whatever was read of it; `None` where it named none, or its ids did
    /// not strictly ascend.
    pub reach: Option<RecordId>,
    /// The remote's clock.
    pub server_time: Timestamp,
}

/// A window of modification times to search, walked by record id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedQuery {
    /// Modified at or after.
    pub from: Timestamp,
    /// Modified at or before; `None` for no upper end.
    pub to: Option<Timestamp>,
    /// Only ids above this one; `None` at the start of the walk.
    pub after_id: Option<RecordId>,
    /// The remote's token of the page after an empty one; used for that single step.
    pub step: Option<String>,
}

/// A range of record ids to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// This id and those above it.
    pub from: RecordId,
    /// Below this one; `None` for no upper end.
    pub until: Option<RecordId>,
}

/// Where a range of ids may be cut in two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landmark {
    /// How many records of the range the index knows.
    pub total: u64,
    /// How many of them lie below `id`: about what was asked for, or as many as the remote can count.
    pub rank: u64,
    /// The record at that rank; `None` where the range has fewer.
    pub id: Option<RecordId>,
}

/// How many records a second an account gives at best, by the limits known so far. For estimates only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// By lists.
    pub listed: f64,
    /// By searches, which are paid from another budget; `None` where a search cannot give all of the properties.
    pub searched: Option<f64>,
}

/// One page of a search walked by id.
#[derive(Clone, Debug)]
pub struct ChangedPage {
    /// What matched, in ascending id order unless the remote misbehaves. Values are the live ones; a match may be
    /// stale, so a record's `updated_at` may lie outside the window.
    pub records: Vec<Record>,
    /// Whether `records` carry every property asked for. If not, only ids and times count: read them by id.
    pub complete: bool,
    /// Present while the remote has more pages of this very query, even after a short or empty page.
    pub next: Option<String>,
    /// What the remote's index counts for this query; may disagree with what the pages hold.
    pub total: u64,
    /// How many records the index counts for this very page and the page lacks: they are gone by now, or the remote
    /// keeps silent about them.
    pub withheld: u64,
    /// The remote's clock.
    pub server_time: Timestamp,
}

/// A CRM, as the engine sees it.
pub trait Remote: Send + Sync {
    /// Who answers. Also the cheapest call there is, made first in every run.
    fn account(&self) -> impl Future<Output = Result<Account, RemoteError>> + Send;

    /// The object types of the account, custom ones included as far as the credential may see them.
    fn object_types(&self) -> impl Future<Output = Result<Vec<ObjectType>, RemoteError>> + Send;

    /// Every property of an object type, hidden ones included; archived ones only where the remote lists them.
    fn properties(&self, object: &str) -> impl Future<Output = Result<Vec<PropertySchema>, RemoteError>> + Send;

    /// Every owner, archived ones included.
    fn owners(&self) -> impl Future<Output = Result<Vec<Owner>, RemoteError>> + Send;

    /// The pipelines of an object type; empty where it has none.
    fn pipelines(&self, object: &str) -> impl Future<Output = Result<Vec<Pipeline>, RemoteError>> + Send;

    /// The kinds of association from one object type to another.
    fn association_labels(
        &self,
        from: &str,
        to: &str,
    ) -> impl Future<Output = Result<Vec<AssociationLabel>, RemoteError>> + Send;

    /// The label that only one pair of a record can have: given to another pair, it is taken from the first. `None` where
    /// associations between these object types have no such label.
    fn sole_label(&self, from: &str, to: &str) -> Option<SoleLabel>;

    /// How many active records an object type has, roughly: for progress only.
    fn count(&self, object: &str) -> impl Future<Output = Result<u64, RemoteError>> + Send;

    /// One page of all records in ascending id order, with `properties`. A record created meanwhile may lie behind the
    /// walk and be missed. With `archived`, only archived records, otherwise only active ones.
    fn list(
        &self,
        object: &str,
        archived: bool,
        after: Option<&str>,
        properties: &[String],
    ) -> impl Future<Output = Result<Page, RemoteError>> + Send;

    /// A cursor for [`Remote::list`] of active records that begins at the first record whose id is `id` or above it.
    /// `None` where lists cannot be entered at an id. Callers check what comes back before they rely on it.
    fn list_at(&self, _id: &RecordId) -> Option<String> {
        None
    }

    /// How fast records with these properties can be read.
    fn pace(&self, object: &str, properties: &[String]) -> Pace;

    /// Where the record stands that has about `rank` active ones of the range below it, by the index. The remote may
    /// choose a rank at which its pages end. A hint: the index lags.
    fn landmark(
        &self,
        object: &str,
        range: &IdRange,
        rank: u64,
    ) -> impl Future<Output = Result<Landmark, RemoteError>> + Send;

    /// The first page of the active records of a range of ids, in ascending id order unless the remote misbehaves, as
    /// far as the index knows them. With `properties` that fit a search; see [`Pace::searched`].
    fn within(
        &self,
        object: &str,
        range: &IdRange,
        properties: &[String],
    ) -> impl Future<Output = Result<ChangedPage, RemoteError>> + Send;

    /// One page of a walk over records modified in a window. See [`ChangedPage`] for what absence means: nothing, as
    /// the index lags.
    fn changed(
        &self,
        object: &str,
        query: &ChangedQuery,
        properties: &[String],
    ) -> impl Future<Output = Result<ChangedPage, RemoteError>> + Send;

    /// Reads records by id, any number of them, with `properties`; live, not from an index. What comes back is matched by its own id: an id may be absent (gone, or in
    /// the other archived state) or answered by the record it was merged into.
    fn read(
        &self,
        object: &str,
        ids: &[RecordId],
        archived: bool,
        properties: &[String],
    ) -> impl Future<Output = Result<Vec<Record>, RemoteError>> + Send;

    /// All associations of these records to another object type. A record the remote said nothing about (neither
    /// associations nor that it has none) is left out of the answer and must be taken as unknown.
    fn associations(
        &self,
        from: &str,
        to: &str,
        ids: &[RecordId],
    ) -> impl Future<Output = Result<Vec<Association>, RemoteError>> + Send;

    /// Reads the active records that have one of these values in a property whose values are unique; live, not from an
    /// index. A value that no record has is simply absent. A record may be found by another value than the one it
    /// holds in the property, where the remote knows it by several.
    fn read_by(
        &self,
        object: &str,
        property: &str,
        values: &[String],
        properties: &[String],
    ) -> impl Future<Output = Result<Vec<Record>, RemoteError>> + Send;

    /// How many inputs one call of [`Remote::write`] takes.
    fn batch_size(&self) -> usize;

    /// Writes records: at most [`Remote::batch_size`], none of them twice. The outcomes are in the order of the inputs.
    ///
    /// [`RemoteErrorKind::Refused`](crate::RemoteErrorKind::Refused) means that the call as a whole was refused without
    /// naming inputs, and nothing was done: parts of it may succeed. A call of one input that is refused has an outcome.
    /// Where it is not the input that is refused but such calls altogether, the kind of error is another.
    fn write(
        &self,
        object: &str,
        how: Writing<'_>,
        inputs: &[WriteInput],
    ) -> impl Future<Output = Result<Vec<Outcome<WrittenRecord>>, RemoteError>> + Send;

    /// Gives pairs of records exactly these labels; any number of pairs, none of them twice. The outcomes are in the
    /// order of the pairs. Errors as for [`Remote::write`].
    fn relabel(
        &self,
        from: &str,
        to: &str,
        pairs: &[PairLabels],
    ) -> impl Future<Output = Result<Vec<Outcome<()>>, RemoteError>> + Send;

    /// Takes pairs of records apart: all their labels, in both directions; any number of pairs, none of them twice. The
    /// outcomes are in the order of the pairs. Errors as for [`Remote::write`].
    fn unlink(
        &self,
        from: &str,
        to: &str,
        pairs: &[(RecordId, RecordId)],
    ) -> impl Future<Output = Result<Vec<Outcome<()>>, RemoteError>> + Send;

    /// The values that these properties of active records had, as far back as the remote remembers. A record or a
    /// property that the remote says nothing about is absent.
    fn versions(
        &self,
        object: &str,
        ids: &[RecordId],
        properties: &[String],
    ) -> impl Future<Output = Result<Vec<PropertyVersions>, RemoteError>> + Send;
}
