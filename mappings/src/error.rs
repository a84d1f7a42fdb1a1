//! What goes wrong, said so that a person can put it right: where it stands, what is wrong, what to do.

use std::borrow::Cow;
use std::fmt;

/// A mistake in a mapping file, or a mapping that does not fit the portal's schema.
///
/// `Display` gives one sentence that begins like a compiler's: `contacts.yaml:7: field ``x``: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError {
    /// The file as it was named to [`Mapping::parse`](crate::Mapping::parse), or which built-in mapping.
    pub file: String,
    /// The line, counted from 1, where one is known.
    pub line: Option<u64>,
    /// The character within the line, counted from 1, where one is known.
    pub column: Option<u64>,
    /// The property whose field is concerned, if it is one.
    pub field: Option<String>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it, as a sentence.
    pub hint: Option<Box<str>>,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(field) = &self.field {
            write!(f, " field {}:", shown(field))?;
        }
        write!(f, " {}.", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for MappingError {}

/// A value in the mirror that the remote cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}`: {value} is not {expected}")]
pub struct ValueError {
    /// The column that holds the value.
    pub column: String,
    /// The property it would have been sent as.
    pub property: String,
    /// The value, shortened and safe to print.
    pub value: String,
    /// What would have been accepted.
    pub expected: Cow<'static, str>,
}

/// The first characters of a value, quoted, with nothing in them that a terminal would obey.
pub(crate) fn shown(value: &str) -> String {
    const LONGEST: usize = 40;
    format!("`{}`", harmless(value, LONGEST))
}

/// The first characters of a text, with nothing in them that a terminal would obey.
pub(crate) fn harmless(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(longest) {
        if c.is_control() || is_line_end(c) || is_bidi_control(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(longest).is_some() {
        out.push('…');
    }
    out
}

/// Characters that some programs take for the end of a line.
fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}')
}

/// Characters that reorder what follows them on a screen.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
