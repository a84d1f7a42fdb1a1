//! One finding of the doctor: what was looked at, how it is, and what to do about it.

use crate::exit::{CommandError, Exit};
use crate::output::words;
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
    /// Whether it may be over by itself, so that nothing is to be done about it.
    #[serde(skip)]
    pub(super) passes: bool,
}

impl Check {
    pub(super) fn ok(check: &str, found: impl Into<String>) -> Self {
        let (check, found) = (check.to_owned(), found.into());
        Self { check, verdict: Verdict::Ok, found, next: None, exit: Exit::Done, passes: false }
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
        Self { passes: error.exit == Exit::Later, ..Self::fail(check, error.exit, error.message.clone(), next) }
    }
}

/// What is left to do after all of it was looked at.
pub(super) fn closing(checks: &[Check]) -> String {
    let (passing, waiting): (Vec<&Check>, Vec<&Check>) =
        checks.iter().filter(|check| check.verdict != Verdict::Ok).partition(|check| check.passes);
    let names: Vec<&str> = passing.iter().map(|check| check.check.as_str()).collect();
    let later = format!("{} could not be looked at now: run this again later.", names.join(", "));
    let waits = words::counted(waiting.len() as u64, "thing waits", "things wait");
    match (waiting.len(), passing.len()) {
        (0, 0) => "All is fine.".to_owned(),
        (0, _) => format!("{later} All else is fine."),
        (_, 0) => format!("{waits} for a person."),
        _ => format!("{waits} for a person. {later}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, closing};
    use crate::exit::{CommandError, Exit};

    #[test]
    fn what_may_be_over_by_itself_waits_for_nobody() {
        let ok = || Check::ok("mirror", "whole");
        let away = || Check::of_error("HubSpot", &CommandError::new(Exit::Later, "no answer."));
        let full = || Check::fail("disk", Exit::Later, "only 3 kB free.", "make room.");
        assert_eq!(closing(&[ok()]), "All is fine.");
        let later = "HubSpot could not be looked at now: run this again later.";
        assert_eq!(closing(&[ok(), away()]), format!("{later} All else is fine."));
        assert_eq!(closing(&[ok(), full()]), "1 thing waits for a person.");
        assert_eq!(closing(&[full(), full(), away()]), format!("2 things wait for a person. {later}"));
    }
}
