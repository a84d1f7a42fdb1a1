//! One finding of the doctor: what was looked at, how it is, and what to do about it.

use crate::exit::{CommandError, Exit};
use serde::Serialize;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and a person should know.
    Warn,
    /// It does not work, or must not stay so.
    Fail,
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A finding.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) check: String,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    /// What to do next.
    pub(super) next: Option<String>,
    #[serde(skip)]
    pub(super) exit: Exit,
}

impl Check {
    pub(super) fn ok(check: &str, found: impl Into<String>) -> Self {
        Self { check: check.to_owned(), verdict: Verdict::Ok, found: found.into(), next: None, exit: Exit::Done }
    }

    pub(super) fn warn(check: &str, found: impl Into<String>, next: impl Into<String>) -> Self {
        let ok = Self::ok(check, found);
        Self { verdict: Verdict::Warn, next: Some(next.into()), exit: Exit::Attention, ..ok }
    }

    pub(super) fn fail(check: &str, exit: Exit, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, exit, ..Self::warn(check, found, next) }
    }

    /// What would have ended a command that depends on it.
    pub(super) fn of_error(check: &str, error: &CommandError) -> Self {
        let next = match error.hints.as_slice() {
            [] => "put right what is named here, and look again.".to_owned(),
            hints => hints.join(" "),
        };
        Self::fail(check, error.exit, error.message.clone(), next)
    }
}
