//! Results on stdout, and errors on stderr.

use super::escape::escape_lines;
use super::log;
use super::table::Table;
use super::terminal;
use crate::exit::CommandError;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where a command puts its result, in the form that was asked for.
#[derive(Debug, Default)]
pub struct Output {
    form: Form,
    document_written: AtomicBool,
    /// Whose part of the result this is, where several portals have one.
    portal: Option<String>,
    headed: AtomicBool,
}

/// In what form results are wanted.
#[derive(Debug, Default)]
enum Form {
    /// For people.
    #[default]
    People,
    /// One JSON document.
    Document,
    /// The documents of several commands, for somebody who makes one of them.
    Gathered(Mutex<Vec<Value>>),
}

/// An error as a JSON document.
#[derive(Serialize)]
struct ErrorDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    portal: Option<&'a str>,
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    exit_code: u8,
    message: &'a str,
    hints: &'a [String],
}

impl Output {
    /// Results as one JSON document, or for people.
    pub fn new(json: bool) -> Self {
        let form = if json { Form::Document } else { Form::People };
        Self { form, ..Self::default() }
    }

    /// Results as JSON documents that are kept, and not written anywhere.
    pub fn gathering() -> Self {
        Self { form: Form::Gathered(Mutex::default()), ..Self::default() }
    }

    /// The place for one portal's part of this result: its document is gathered, its lines stand under its name, and
    /// errors name it.
    pub fn part(&self, portal: &str) -> Self {
        let part = if self.is_json() { Self::gathering() } else { Self::new(false) };
        Self { portal: Some(portal.to_owned()), ..part }
    }

    /// The documents gathered since the last time.
    pub fn gathered(&self) -> Vec<Value> {
        match &self.form {
            Form::Gathered(documents) => std::mem::take(&mut *documents.lock().unwrap_or_else(PoisonError::into_inner)),
            Form::People | Form::Document => Vec::new(),
        }
    }

    /// Whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        !matches!(self.form, Form::People)
    }

    /// Shows a result: as the document where JSON was asked for, otherwise as `people` lays it out.
    pub fn show(
        &self,
        document: &impl Serialize,
        people: impl FnOnce(&Self) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        if self.is_json() { self.document(document) } else { people(self) }
    }

    /// Writes the one JSON document.
    pub fn document(&self, document: &impl Serialize) -> Result<(), CommandError> {
        let unwritable = |error| CommandError::internal(format!("the result cannot be written as JSON: {error}."));
        if let Form::Gathered(documents) = &self.form {
            let document = serde_json::to_value(document).map_err(unwritable)?;
            self.document_written.store(true, Ordering::Relaxed);
            documents.lock().unwrap_or_else(PoisonError::into_inner).push(document);
            return Ok(());
        }
        let mut text = serde_json::to_string_pretty(document).map_err(unwritable)?;
        text.push('\n');
        if self.document_written.swap(true, Ordering::Relaxed) {
            return Err(CommandError::internal("a second JSON document was about to be written."));
        }
        write(&text)
    }

    /// Writes a line for people. Foreign text in it is made harmless; with `--json` it is left out.
    pub fn line(&self, text: impl Display) -> Result<(), CommandError> {
        if self.is_json() { Ok(()) } else { self.people(&format!("{}\n", escape_lines(&text.to_string()))) }
    }

    /// Writes a table for people; with `--json` it is left out.
    pub fn table(&self, table: &Table) -> Result<(), CommandError> {
        if self.is_json() { Ok(()) } else { self.people(&table.render(terminal::stdout_width())) }
    }

    /// Writes text that a machine reads, exactly as it is.
    pub fn verbatim(&self, text: &str) -> Result<(), CommandError> {
        write(text)
    }

    /// Writes for people; the first words of a portal's part come under its name.
    fn people(&self, text: &str) -> Result<(), CommandError> {
        match &self.portal {
            Some(portal) if !self.headed.swap(true, Ordering::Relaxed) => write(&format!("portal {portal}\n{text}")),
            _ => write(text),
        }
    }

    /// Says on stderr why the command failed and what to do; with `--json` also on stdout, if nothing is there yet.
    pub fn error(&self, error: &CommandError) {
        self.complain(error);
        self.error_document(error);
    }

    /// With `--json`, tells an error on stdout, if nothing is there yet; on stderr it has been told.
    pub fn error_document(&self, error: &CommandError) {
        if self.is_json() && !self.document_written.load(Ordering::Relaxed) {
            let body = ErrorBody { exit_code: error.exit.code(), message: &error.message, hints: &error.hints };
            // There is nowhere else to tell it.
            let _ = self.document(&ErrorDocument { portal: self.portal.as_deref(), error: body });
        }
    }

    /// Says on stderr what went wrong with a part of the command, in the form of the log; the rest goes on.
    pub fn complain(&self, error: &CommandError) {
        let message = format!("{}{}", whose(self.portal.as_deref()), error.message.trim_end());
        if log::take_error(&message, &error.hints) {
            return;
        }
        let text = error_text(self.portal.as_deref(), error, terminal::stderr_has_colour());
        // There is nowhere left to complain if this fails.
        let _ = stderr().lock().write_all(text.as_bytes());
    }
}

/// A reader who has gone, as `head` does, misses the rest. What the command does and how it ends is not theirs to change.
fn write(text: &str) -> Result<(), CommandError> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The portal an error is about, where there are several.
fn whose(portal: Option<&str>) -> String {
    portal.map(|portal| format!("portal {portal}: ")).unwrap_or_default()
}

/// `error: …`, with the portal where there are several, and a line `hint: …` for each hint; further lines of a message
/// are indented.
fn error_text(portal: Option<&str>, error: &CommandError, colour: bool) -> String {
    let label =
        |name: &str, code: &str| if colour { format!("\x1b[1;{code}m{name}:\x1b[0m") } else { format!("{name}:") };
    let body = |text: &str| escape_lines(text.trim_end()).replace('\n', "\n  ");
    let mut text = format!("{} {}{}\n", label("error", "31"), whose(portal), body(&error.message));
    for hint in &error.hints {
        text.push_str(&format!("{} {}\n", label("hint", "36"), body(hint)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Output, error_text};
    use crate::exit::CommandError;
    use serde_json::json;

    #[test]
    fn an_error_says_what_happened_and_what_to_do() {
        let error = CommandError::usage("two things are wrong:\nthis\u{1b}[2J.").hint("do that.").hint("or this.");
        insta::assert_snapshot!(error_text(None, &error, false), @r"
        error: two things are wrong:
          this\u{1b}[2J.
        hint: do that.
        hint: or this.
        ");
        assert!(error_text(None, &error, true).starts_with("\x1b[1;31merror:\x1b[0m two things"));
        assert!(error_text(Some("acme"), &error, false).starts_with("error: portal acme: two things"));
    }

    #[test]
    fn what_a_portal_gives_to_one_document_is_its_own_and_an_error_names_it() {
        let whole = Output::new(true);
        let (one, other) = (whole.part("acme"), whole.part("beta"));
        one.document(&json!({ "run": 1 })).unwrap();
        // What was told of a portal stands; an error after it is told on stderr alone.
        one.error(&CommandError::usage("too late."));
        other.error(&CommandError::usage("nothing goes."));
        assert_eq!(one.gathered(), [json!({ "run": 1 })]);
        let error = json!({ "exit_code": 2, "message": "nothing goes.", "hints": [] });
        assert_eq!(other.gathered(), [json!({ "portal": "beta", "error": error })]);
    }
}
