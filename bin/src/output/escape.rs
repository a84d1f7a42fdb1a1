//! Makes foreign text harmless to a terminal: whatever is not to be seen as a letter is written out as an escape.

use std::borrow::Cow;
use std::fmt::Write;

/// Text on one line in which nothing is left that could move the cursor, set a colour, ring, write to the clipboard or
/// turn the direction of reading. Ordinary text, accents and emoji stay as they are.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            letter if is_unsafe(letter) => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => escaped.push(letter),
        }
    }
    Cow::Owned(escaped)
}

/// As [`escape`], but line breaks stay, for text that we have laid out in lines ourselves.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\n') {
        Cow::Owned(text.split('\n').map(escape).collect::<Vec<_>>().join("\n"))
    } else {
        escape(text)
    }
}

fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            // Direction marks, embeddings, overrides and isolates.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators; the byte order mark; invisible tag letters.
            | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{escape, escape_lines};

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(escape("\u{1b}]52;c;aGk=\u{7}"), "\\u{1b}]52;c;aGk=\\u{7}");
        assert_eq!(escape("a\u{9b}31mb"), "a\\u{9b}31mb");
        assert_eq!(escape("user\u{202e}gpj.exe"), "user\\u{202e}gpj.exe");
        assert_eq!(escape("two\nlines\r\t\0"), "two\\nlines\\r\\t\\u{0}");
        assert_eq!(escape("del\u{7f}"), "del\\u{7f}");
    }

    #[test]
    fn what_is_to_be_read_stays() {
        for text in ["", "Zoë Müller", "株式会社", "👩\u{200d}💻", "a \\ b", "שלום"] {
            assert_eq!(escape(text), text);
        }
        assert_eq!(escape_lines("one\ntwo\u{1b}"), "one\ntwo\\u{1b}");
    }
}
