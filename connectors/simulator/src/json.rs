//! JSON text, written straight from stored strings.
//!
//! Property values are kept as the inside of a JSON string, already escaped, so that a page is a copy of bytes and a value
//! may hold what no Rust string can: a lone surrogate.

use crate::Millis;
use crate::clock::write_iso;

/// Appends the escaped form of `text`, without quotes.
pub(crate) fn escape_into(out: &mut Vec<u8>, text: &str) {
    for ch in text.chars() {
        match ch {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            c if (c as u32) < 0x20 => out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// The text behind an escaped string, or `None` when no Rust string can hold it.
pub(crate) fn unescape(escaped: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(escaped).ok()?;
    if !escaped.contains(&b'\\') {
        return Some(text.to_owned());
    }
    serde_json::from_str(&format!("\"{text}\"")).ok()
}

/// A JSON document under construction. It keeps no state: the caller writes the commas of its own loops.
#[derive(Default)]
pub(crate) struct Json {
    pub(crate) out: Vec<u8>,
}

impl Json {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes) }
    }

    /// Punctuation and literals.
    pub(crate) fn raw(&mut self, text: &str) -> &mut Self {
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// A string.
    pub(crate) fn string(&mut self, text: &str) -> &mut Self {
        self.out.push(b'"');
        escape_into(&mut self.out, text);
        self.out.push(b'"');
        self
    }

    /// A string whose inside is stored escaped.
    pub(crate) fn escaped(&mut self, inside: &[u8]) -> &mut Self {
        self.out.push(b'"');
        self.out.extend_from_slice(inside);
        self.out.push(b'"');
        self
    }

    /// A string or `null`.
    pub(crate) fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.string(text),
            None => self.raw("null"),
        }
    }

    /// `"key":`
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        self.out.push(b':');
        self
    }

    /// An integer.
    pub(crate) fn number(&mut self, value: impl Into<i128>) -> &mut Self {
        let value: i128 = value.into();
        self.raw(&value.to_string())
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// A timestamp, quoted.
    pub(crate) fn time(&mut self, at: Millis) -> &mut Self {
        self.out.push(b'"');
        write_iso(&mut self.out, at);
        self.out.push(b'"');
        self
    }

    /// An array of strings.
    pub(crate) fn strings<S: AsRef<str>>(&mut self, items: impl IntoIterator<Item = S>) -> &mut Self {
        self.out.push(b'[');
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                self.out.push(b',');
            }
            self.string(item.as_ref());
        }
        self.out.push(b']');
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_and_back_is_the_identity() {
        for text in ["", "plain", "a\"b\\c\n\t\u{1}", "Zoë 東京 🙂"] {
            let mut out = Vec::new();
            escape_into(&mut out, text);
            assert_eq!(unescape(&out).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_lone_surrogate_has_no_text() {
        assert_eq!(unescape(b"a\\ud800"), None);
    }
}
