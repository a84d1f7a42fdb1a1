//! How a command ends: the exit codes that scripts may rely on, and the error that leads to each.
//!
//! Where several outcomes meet in one run (one object stopped by a belt, another with rejects), the first in the order
//! of [`Exit`] decides. A reader that closes its end of our output early is not an error.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;
use sync_core::store::{LockError, StoreError};
use sync_core::{RemoteError, RemoteErrorKind, RunError};

/// What to do about a table that a tool dropped or made anew.
pub(crate) const REMADE: &str = "run `crmsync doctor --repair`: it makes the table anew from what the mirror knows, \
                                 without a call, and carries edits over by id.";

/// The outcome of a command, in order of precedence: an earlier one hides a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 70: a mistake of this program.
    Internal,
    /// 4: the credential is not accepted, or no configured object may be read.
    Authentication,
    /// 3: a safety belt stopped something.
    Belt,
    /// 2: usage, configuration or mapping error.
    Usage,
    /// 75: nothing is wrong here; the same command may work later.
    Later,
    /// 1: done, and something waits for a person.
    Attention,
    /// 0: done.
    Done,
}

impl Exit {
    /// Every outcome, in order of precedence.
    pub const ALL: [Self; 7] =
        [Self::Internal, Self::Authentication, Self::Belt, Self::Usage, Self::Later, Self::Attention, Self::Done];

    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Internal => 70,
            Self::Authentication => 4,
            Self::Belt => 3,
            Self::Usage => 2,
            Self::Later => 75,
            Self::Attention => 1,
            Self::Done => 0,
        }
    }

    /// What it means, as a line of the help text.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Internal => "internal error: please report it",
            Self::Authentication => "the credential is not accepted, or no configured object may be read",
            Self::Belt => "a safety belt stopped something; the message names the number to pass to --allow",
            Self::Usage => "usage, configuration or mapping error",
            Self::Later => "try again later: another run is busy, the day's calls are used up, HubSpot is unavailable",
            Self::Attention => "done, and something waits for a person: conflicts, rejects, differences",
            Self::Done => "done",
        }
    }

    /// The outcome of doing both: whichever comes first in the order of precedence.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// The outcome of doing all of them; doing nothing is done.
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        outcomes.into_iter().fold(Self::Done, Self::and)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what it was asked: a sentence, and what to do about it.
#[derive(Debug)]
pub struct CommandError {
    /// The exit code it leads to.
    pub exit: Exit,
    /// What happened, as one or more sentences. Never holds a credential.
    pub message: String,
    /// What to do next, one sentence each; where it helps, the command to type.
    pub hints: Vec<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl CommandError {
    /// An error that ends the command with `exit`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new(), source: None }
    }

    /// A mistake in the arguments, the configuration or a mapping.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A mistake of this program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, message).hint(
            "this is a mistake in crmsync, not in what you did; please report it with the command and this message.",
        )
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Keeps the error underneath, for the debug log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for CommandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// An operation on a file or the terminal failed where nobody could say more about it. A full disk is something that
/// passes, so the run that met it may be repeated.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        let failed = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(Exit::Later, "the disk is full.").hint("make room and run the same command again.")
            }
            _ => Self::new(Exit::Usage, format!("{error}.")),
        };
        failed.caused_by(error)
    }
}

/// The remote failed for good while the whole command depended on the answer.
impl From<RemoteError> for CommandError {
    fn from(error: RemoteError) -> Self {
        let exit = match error.kind {
            RemoteErrorKind::Authentication | RemoteErrorKind::MissingScope => Exit::Authentication,
            RemoteErrorKind::NotFound => Exit::Usage,
            RemoteErrorKind::Refused => Exit::Attention,
            RemoteErrorKind::DailyLimit
            | RemoteErrorKind::Unavailable
            | RemoteErrorKind::ComeBack(_)
            | RemoteErrorKind::Unreadable
            | RemoteErrorKind::OutcomeUnknown => Exit::Later,
        };
        let mut failed = Self::new(exit, error.message.clone());
        if !error.remedy.is_empty() {
            failed = failed.hint(error.remedy.clone());
        }
        if let Some(number) = &error.correlation_id {
            failed = failed.hint(format!("HubSpot's support finds this request under correlation id {number}."));
        }
        failed.caused_by(error)
    }
}

/// The engine stopped, or the part of it that concerns one object.
impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Remote(error) => error.into(),
            RunError::Store(error) => error.into(),
            RunError::Mappings(errors) => crate::installation::mapping_errors(&errors),
            error @ RunError::OtherThanNamed { .. } => Self::new(Exit::Belt, format!("{error}."))
                .hint("nothing was written; use the token of the portal that is named, or correct portal_id.")
                .caused_by(error),
            RunError::Belt(what) => Self::new(Exit::Belt, format!("{what}.")),
            RunError::Storm(what) => Self::new(Exit::Later, format!("{what}."))
                .hint("what was sent and not answered is looked at first in the next run."),
            RunError::LeftOut(why) => Self::new(Exit::Attention, why),
            error @ (RunError::Stopped(_) | RunError::Task(_)) => Self::internal(format!("{error}.")).caused_by(error),
        }
    }
}

/// The mirror could not be used.
impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = match &error {
            StoreError::Busy => (Exit::Later, "let the other program finish or commit; what was read is not lost."),
            StoreError::Full => (Exit::Later, "make room and run the same command again; it goes on where it was."),
            StoreError::OtherPortal { .. } => {
                (Exit::Belt, "nothing was written; use that portal's own token, or another mirror file.")
            }
            StoreError::Altered { .. } => {
                (Exit::Belt, "nothing was written; put the table back, or start a new mirror.")
            }
            StoreError::Remade { .. } => (Exit::Belt, REMADE),
            StoreError::Refused(_) => {
                (Exit::Belt, "nothing of it was written; drop that index or trigger and run the same command again.")
            }
            StoreError::Unusable(_) => (Exit::Usage, ""),
            StoreError::Barred(_) => (
                Exit::Usage,
                "whoever runs crmsync must be able to read and write the file and its folder, and the disk must work; \
                 `crmsync doctor` names what is in the way.",
            ),
            StoreError::Damaged(_) => (
                Exit::Usage,
                "put the newest snapshot in its place; without one, move the file away and run `crmsync sync`: HubSpot \
                 has everything but the edits that were not pushed.",
            ),
            StoreError::Migration(_) => (Exit::Usage, "use the newest crmsync that has worked on this file."),
            StoreError::Record(_) | StoreError::Stopped(_) | StoreError::Closed | StoreError::Sqlite(_) => {
                return Self::internal(format!("{error}.")).caused_by(error);
            }
        };
        let failed = Self::new(exit, format!("{error}.")).caused_by(error);
        if hint.is_empty() { failed } else { failed.hint(hint) }
    }
}

/// The run may not begin.
impl From<LockError> for CommandError {
    fn from(error: LockError) -> Self {
        let failed = match &error {
            LockError::Held(_) => Self::new(Exit::Later, format!("{error}."))
                .hint("one run at a time works on a mirror; this one may simply be tried again later."),
            LockError::Unusable { .. } => Self::usage(format!("{error}."))
                .hint("it lies beside the mirror; whoever runs crmsync must be able to write it and its folder."),
        };
        failed.caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandError, Exit};
    use std::io;
    use sync_core::{RemoteError, RemoteErrorKind};

    #[test]
    fn the_first_that_applies_decides() {
        assert_eq!(Exit::of_all([]), Exit::Done);
        assert_eq!(Exit::of_all([Exit::Done, Exit::Attention]), Exit::Attention);
        assert_eq!(Exit::of_all([Exit::Attention, Exit::Later, Exit::Done]), Exit::Later);
        assert_eq!(Exit::of_all([Exit::Later, Exit::Belt]), Exit::Belt);
        assert_eq!(Exit::of_all([Exit::Usage, Exit::Belt]), Exit::Belt);
        assert_eq!(Exit::of_all([Exit::Belt, Exit::Authentication]), Exit::Authentication);
        assert_eq!(Exit::of_all(Exit::ALL), Exit::Internal);
    }

    #[test]
    fn the_codes_are_those_that_scripts_know() {
        assert_eq!(Exit::ALL.map(Exit::code), [70, 4, 3, 2, 75, 1, 0]);
    }

    #[test]
    fn a_full_disk_passes() {
        let error = CommandError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(error.exit, Exit::Later);
    }

    #[test]
    fn a_remote_error_keeps_its_words_and_its_remedy() {
        let error = CommandError::from(RemoteError {
            kind: RemoteErrorKind::Authentication,
            message: "HubSpot does not accept the credential.".to_owned(),
            remedy: "check that the token has not been rotated.".to_owned(),
            correlation_id: Some("c-1".to_owned()),
            status: Some(401),
        });
        assert_eq!(error.exit, Exit::Authentication);
        assert_eq!(error.to_string(), "HubSpot does not accept the credential.");
        assert_eq!(error.hints.len(), 2);
    }
}
