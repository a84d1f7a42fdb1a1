//! Typed reading of one table of the layered configuration, with errors that name the place, the key and what was
//! expected. Values in a file must have their own type; in the environment everything is text and is parsed.

use super::closest::closest;
use super::units;
use crate::exit::CommandError;
use config::{Map, Value, ValueKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the environment calls itself as the origin of a value.
const ENVIRONMENT: &str = "the environment";
/// Longest value that is repeated in a message.
const LONGEST_SHOWN: usize = 60;

/// A table of the configuration and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    file: &'a str,
    path: String,
    table: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    /// The whole configuration; `file` is its name in messages.
    pub(super) fn root(table: &'a Map<String, Value>, file: &'a str) -> Self {
        Self { file, path: String::new(), table }
    }

    /// The keys of this table, in order.
    pub(super) fn keys(&self) -> Vec<&'a str> {
        let mut keys: Vec<&str> = self.table.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// Refuses every key but these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), CommandError> {
        let Some(unknown) = self.keys().into_iter().find(|key| !known.contains(key)) else { return Ok(()) };
        let error = self.problem(unknown, &format!("unknown key, expected one of {}", known.join(", ")));
        Err(match closest(unknown, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        })
    }

    /// A table inside this one.
    pub(super) fn section(&self, key: &str) -> Result<Option<Self>, CommandError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match &value.kind {
            ValueKind::Table(table) => Ok(Some(Self { file: self.file, path: self.full(key), table })),
            _ => Err(self.wrong(key, "a table")),
        }
    }

    /// Text that is not empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, CommandError> {
        self.read(key, "text in quotes", |kind, environment| match kind {
            ValueKind::String(text) if environment => Some(text.trim().to_owned()),
            ValueKind::String(text) => Some(text.clone()),
            _ => None,
        })
        .and_then(|text| match text {
            Some(text) if text.is_empty() => Err(self.wrong(key, "text that is not empty")),
            other => Ok(other),
        })
    }

    /// A path, as written.
    pub(super) fn path(&self, key: &str) -> Result<Option<PathBuf>, CommandError> {
        Ok(self.text(key)?.map(PathBuf::from))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, CommandError> {
        self.read(key, "true or false", |kind, environment| match kind {
            ValueKind::Boolean(value) => Some(*value),
            ValueKind::String(text) if environment => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// A whole number of at least `least`.
    pub(super) fn whole(&self, key: &str, least: u64) -> Result<Option<u64>, CommandError> {
        let expected = format!("a whole number, {least} or more");
        self.read(key, &expected, |kind, environment| {
            let number = match kind {
                ValueKind::I64(number) => u64::try_from(*number).ok(),
                ValueKind::U64(number) => Some(*number),
                ValueKind::String(text) if environment => text.trim().parse().ok(),
                _ => None,
            };
            number.filter(|number| *number >= least)
        })
    }

    /// A number that `fits`.
    pub(super) fn number(
        &self,
        key: &str,
        expected: &str,
        fits: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, CommandError> {
        self.read(key, expected, |kind, environment| {
            let number = match kind {
                ValueKind::Float(number) => Some(*number),
                // Settings are small numbers; one that does not fit is out of every range.
                ValueKind::I64(number) => i32::try_from(*number).ok().map(f64::from),
                ValueKind::String(text) if environment => text.trim().parse().ok(),
                _ => None,
            };
            number.filter(|number| number.is_finite() && fits(*number))
        })
    }

    /// A span of time.
    pub(super) fn span(&self, key: &str) -> Result<Option<Duration>, CommandError> {
        self.read(key, units::DURATION, |kind, _| match kind {
            ValueKind::String(text) => units::duration(text),
            _ => None,
        })
    }

    /// A list of names; numbers in it count as names. In the environment: separated by commas.
    pub(super) fn names(&self, key: &str) -> Result<Option<Vec<String>>, CommandError> {
        let names =
            self.read(key, "a list of names, such as [\"contacts\", \"deals\"]", |kind, environment| match kind {
                ValueKind::Array(values) => values
                    .iter()
                    .map(|value| match &value.kind {
                        ValueKind::String(text) => Some(text.trim().to_owned()),
                        ValueKind::I64(number) => Some(number.to_string()),
                        _ => None,
                    })
                    .collect::<Option<Vec<String>>>(),
                ValueKind::String(text) if environment && text.trim().is_empty() => Some(Vec::new()),
                ValueKind::String(text) if environment => {
                    Some(text.split(',').map(|name| name.trim().to_owned()).collect())
                }
                _ => None,
            })?;
        if let Some(names) = &names {
            if names.iter().any(String::is_empty) {
                return Err(self.wrong(key, "a list without empty names"));
            }
            if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
                return Err(self.problem(key, &format!("expected each name once, found {} twice", twice.1)));
            }
        }
        Ok(names)
    }

    /// One of a closed set of words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, CommandError> {
        let words = choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        self.read(key, &format!("one of {words}"), |kind, _| match kind {
            ValueKind::String(text) => choices.iter().find(|(word, _)| word == text).map(|(_, choice)| *choice),
            _ => None,
        })
    }

    /// An error about `key`: its place, then `what`, which ends without a period.
    pub(super) fn problem(&self, key: &str, what: &str) -> CommandError {
        let full = self.full(key);
        if self.table.get(key).is_some_and(from_environment) {
            return CommandError::usage(format!("environment variable {}: {what}.", variable(&full)));
        }
        CommandError::usage(format!("{}: {full}: {what}.", self.file))
    }

    /// An error about a value that is not what was expected; shows the value unless it may be a secret.
    pub(super) fn wrong(&self, key: &str, expected: &str) -> CommandError {
        let found = self.table.get(key).map(|value| describe(key, value)).unwrap_or_default();
        self.problem(key, &format!("expected {expected}{found}"))
    }

    /// Refuses secrets, anywhere below: keys that can only hold one, and values that look like one.
    pub(super) fn refuse_secrets(&self) -> Result<(), CommandError> {
        for key in self.keys() {
            if looks_secret(key) {
                return Err(self.secret("…"));
            }
            match &self.table[key].kind {
                ValueKind::Array(values) if values.iter().any(holds_secret) => return Err(self.secret(key)),
                ValueKind::Table(table) => {
                    Section { file: self.file, path: self.full(key), table }.refuse_secrets()?;
                }
                ValueKind::String(text) if looks_secret(text) => return Err(self.secret(key)),
                _ if SECRET_KEYS.contains(&key) => return Err(self.secret(key)),
                _ => {}
            }
        }
        Ok(())
    }

    fn secret(&self, key: &str) -> CommandError {
        self.problem(key, "a token or secret must not be written in the configuration").hint(
            "put it into an environment variable and name that with token_env (client_secret_env for an app's secret), \
             or into a file of mode 0600 and name that with token_file.",
        )
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&ValueKind, bool) -> Option<T>,
    ) -> Result<Option<T>, CommandError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match parse(&value.kind, from_environment(value)) {
            Some(read) => Ok(Some(read)),
            None => Err(self.wrong(key, expected)),
        }
    }
}

/// Keys under which people write the secret itself.
const SECRET_KEYS: [&str; 9] = [
    "token",
    "access_token",
    "refresh_token",
    "hubspot_access_token",
    "api_key",
    "hapikey",
    "client_secret",
    "secret",
    "password",
];

/// HubSpot's tokens begin `pat-`, then the data centre and a dash. They are found inside other text, too: people write
/// `Bearer` before them.
fn looks_secret(text: &str) -> bool {
    text.match_indices("pat-").any(|(at, begin)| {
        text[at + begin.len()..].split_once('-').is_some_and(|(centre, rest)| {
            (2..=4).contains(&centre.len())
                && centre.chars().all(|letter| letter.is_ascii_alphanumeric())
                && rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').count() >= 8
        })
    })
}

fn holds_secret(value: &Value) -> bool {
    match &value.kind {
        ValueKind::String(text) => looks_secret(text),
        ValueKind::Array(values) => values.iter().any(holds_secret),
        ValueKind::Table(table) => table.iter().any(|(key, value)| looks_secret(key) || holds_secret(value)),
        _ => false,
    }
}

/// Whether a value, or the first one inside it, was set in the environment.
fn from_environment(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Table(table) => !table.is_empty() && table.values().all(from_environment),
        _ => value.origin() == Some(ENVIRONMENT),
    }
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("CRMSYNC_{}", key.replace('.', "__").to_uppercase())
}

fn describe(key: &str, value: &Value) -> String {
    if key.contains("token") || key.contains("secret") {
        return String::new();
    }
    let found = match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        ValueKind::Nil => return String::new(),
        other => other.to_string(),
    };
    if found.chars().count() > LONGEST_SHOWN {
        return String::new();
    }
    format!(", found {found}")
}

/// A file's name in messages: as it was given, without what cannot be shown.
pub(super) fn shown(file: &Path) -> String {
    file.display().to_string()
}
