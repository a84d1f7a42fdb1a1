//! What writes did, for the oracle of a test: each value that was applied, each association, each request carried out.
//!
//! Off until a test asks for it, as a long run would fill the memory.

use crate::exchange::{Millis, Request};
use crate::links::Category;
use crate::portal::Portal;
use crate::value::Value;

/// A value that an API client gave and that the portal applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// When it was applied, which may be long after its answer was lost.
    pub at: Millis,
    /// The object type's name.
    pub object: String,
    /// The record.
    pub id: u64,
    /// The property.
    pub property: String,
    /// The value as it was sent.
    pub received: Value,
    /// The value before; `None` when it was never set.
    pub before: Option<Value>,
    /// The value since, as the portal keeps it.
    pub after: Value,
}

/// An association type: who defined it, and its number.
pub type TypeOfLink = (Category, u32);

/// The association types of a pair of records that an API client changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// When.
    pub at: Millis,
    /// The near type and record.
    pub from: (String, u64),
    /// The far type and record.
    pub to: (String, u64),
    /// The types before, as seen from the near record.
    pub before: Vec<TypeOfLink>,
    /// The types since; none when the association was removed.
    pub after: Vec<TypeOfLink>,
}

/// A writing request that reached its endpoint, whether or not anybody heard the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// When.
    pub at: Millis,
    /// Its method.
    pub method: String,
    /// Its path with the query.
    pub path: String,
    /// Its body, which names what a batch archived.
    pub body: Vec<u8>,
    /// The status of the answer it got, or would have got.
    pub status: u16,
}

/// Everything that was noted.
#[derive(Debug, Default)]
pub(crate) struct WriteLog {
    on: bool,
    written: Vec<Written>,
    linked: Vec<Linked>,
    executed: Vec<Executed>,
}

impl WriteLog {
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    pub(crate) fn written(&mut self, entry: Written) {
        if self.on {
            self.written.push(entry);
        }
    }

    pub(crate) fn linked(&mut self, entry: Linked) {
        if self.on {
            self.linked.push(entry);
        }
    }

    pub(crate) fn executed(&mut self, entry: impl FnOnce() -> Executed) {
        if self.on {
            self.executed.push(entry());
        }
    }
}

impl Portal {
    /// Notes a writing request that reached its endpoint.
    pub(crate) fn note_request(&mut self, request: &Request, status: u16) {
        self.calls.carried_out += u64::from(status < 300);
        let at = self.now;
        self.log.executed(|| {
            let Request { method, path, body, .. } = request.clone();
            Executed { at, method, path, body, status }
        });
    }

    /// Begins or ends noting what writes do. What was noted stays.
    pub fn log_writes(&mut self, on: bool) {
        self.log.on = on;
    }

    /// Every value that API clients wrote since the log was switched on, in the order in which they were applied.
    pub fn writes(&self) -> &[Written] {
        &self.log.written
    }

    /// Every change that API clients made to associations.
    pub fn links_written(&self) -> &[Linked] {
        &self.log.linked
    }

    /// Every writing request that reached its endpoint.
    pub fn executed(&self) -> &[Executed] {
        &self.log.executed
    }
}
