//! What can go wrong at the remote, told by kind, and what follows from each kind.

use crate::store::StoreError;
use mappings::MappingError;
use std::time::Duration;

/// A read or write at the remote failed for good: whatever could be retried has been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// What it means for the run.
    pub kind: RemoteErrorKind,
    /// What happened, as a sentence with the remote's own words; never holds a credential.
    pub message: String,
    /// What a person can do next, as a sentence.
    pub remedy: String,
    /// The remote's number for this conversation, for its support.
    pub correlation_id: Option<String>,
    /// The HTTP-like status, where there was one.
    pub status: Option<u16>,
}

/// What an error means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteErrorKind {
    /// The credential is not accepted.
    Authentication,
    /// The credential may not do this; others of its rights are untouched.
    MissingScope,
    /// The remote does not know what was asked for (an object type, a property).
    NotFound,
    /// The remote refused the request as it stands; repeating it changes nothing.
    Refused,
    /// The day's calls are used up.
    DailyLimit,
    /// The remote did not answer properly for as long as we were willing to wait.
    Unavailable,
    /// The remote asked to come back after this long.
    ComeBack(Duration),
    /// The remote answered something that cannot be understood.
    Unreadable,
    /// Nobody knows whether a request that changes something was carried out: look before it is sent again.
    OutcomeUnknown,
}

/// Why a run, or its part that concerns one object type, ended early. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The remote failed for good.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The mirror failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration names another portal than the one that answered.
    #[error("the configuration names portal {named} (portal_id), and the credential belongs to portal {found}")]
    OtherThanNamed {
        /// The portal that the configuration names.
        named: String,
        /// The portal that answered.
        found: String,
    },
    /// Mappings do not fit the portal.
    #[error("{}", joined(.0))]
    Mappings(Vec<MappingError>),
    /// A safety belt stopped something before it was done.
    #[error("{0}")]
    Belt(String),
    /// Too much of what was sent failed.
    #[error("{0}")]
    Storm(String),
    /// The credential may not see it.
    #[error("{0}")]
    LeftOut(String),
    /// A test stopped the engine here.
    #[error("stopped at {0}")]
    Stopped(&'static str),
    /// A part of the run died.
    #[error("a task of the run ended unexpectedly: {0}")]
    Task(String),
}

fn joined(errors: &[MappingError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
