//! One value on its way in: whether the property takes it, and the form in which HubSpot keeps it.

use crate::catalogue::Property;
use crate::clock::{self, DAY};
use crate::switches::{NumberForm, OlderDates, Switches};
use crate::value::Value;

/// The longest text of a property.
const LONGEST: usize = 65_536;

/// Why a property does not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) property: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// What a value became, where that is told to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) property: String,
    pub(crate) raw: String,
    pub(crate) normalized: String,
}

/// What is known about the portal when a value comes in.
pub(crate) struct Reader<'a> {
    pub(crate) switches: &'a Switches,
    /// Whether dates are normalised instead of refused.
    pub(crate) normalizes: bool,
    /// Whether the object is a contact, whose email is one.
    pub(crate) contact: bool,
}

type Bad = (&'static str, String);

impl Reader<'_> {
    /// The stored form of a value that is not empty, and whether the client is told of the change.
    pub(crate) fn read(
        &self,
        property: &Property,
        options: Option<&[String]>,
        given: &Value,
    ) -> Result<(Value, Option<Rewritten>), Flaw> {
        let flaw = |(code, message): Bad| Flaw { property: property.name.clone(), code, message };
        let Some(text) = given.text() else {
            // What no Rust string can hold is text; no other kind of property takes it.
            let plain = property.kind == "string";
            return if plain { Ok((given.clone(), None)) } else { Err(flaw(("INVALID_OPTION", "not text".into()))) };
        };
        if text.chars().count() > LONGEST {
            let words = format!("{} is too long, the maximum is {LONGEST} characters", property.name);
            return Err(flaw(("VALUE_TOO_LONG", words)));
        }
        let text = if self.switches.trims { text.trim() } else { &text };
        let dated = |(value, told): (String, bool)| {
            let told = told.then(|| Rewritten {
                property: property.name.clone(),
                raw: text.to_owned(),
                normalized: value.clone(),
            });
            (Value::Text(value), told)
        };
        match property.kind.as_str() {
            "number" => self.number(text).map(|n| (Value::Text(n), None)),
            "bool" => boolean(text).map(|b| (Value::Text(b.to_owned()), None)),
            "date" => self.date(text).map(dated),
            "datetime" => self.instant(text).map(dated),
            "enumeration" => choice(property, options, text).map(|v| (Value::Text(v), None)),
            _ => self.words(property, text).map(|v| (Value::Text(v), None)),
        }
        .map_err(flaw)
    }

    fn words(&self, property: &Property, text: &str) -> Result<String, Bad> {
        match property.name.as_str() {
            "email" if self.contact => email(text),
            "domain" => Ok(domain(text)),
            _ => Ok(text.to_owned()),
        }
    }

    fn number(&self, text: &str) -> Result<String, Bad> {
        let shaped = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        if !shaped || text.parse::<f64>().is_err() {
            return Err(("INVALID_INTEGER", format!("{text} was not a valid number.")));
        }
        Ok(match self.switches.number_form {
            NumberForm::AsGiven => text.to_owned(),
            NumberForm::Plain => plain(text),
        })
    }

    /// A day. Canonical are the bare date and milliseconds at midnight UTC.
    fn date(&self, text: &str) -> Result<(String, bool), Bad> {
        let at = instant(text).ok_or_else(|| ("INVALID_LONG", format!("{text} was not a valid long.")))?;
        let day = clock::date(at);
        let canonical = text == day || (at.rem_euclid(DAY) == 0 && text.bytes().all(|b| b.is_ascii_digit()));
        if !canonical && !self.normalizes && self.switches.older_dates == OlderDates::Refuse {
            let time = clock::iso(at).get(11..).unwrap_or_default().trim_end_matches('Z').to_owned();
            return Err(("INVALID_DATE", format!("{text} is at {time} UTC, not midnight!")));
        }
        Ok((day, !canonical && self.normalizes))
    }

    /// An instant. Canonical are milliseconds, a bare date and ISO 8601 in UTC.
    fn instant(&self, text: &str) -> Result<(String, bool), Bad> {
        let at = instant(text).ok_or_else(|| ("INVALID_LONG", format!("{text} was not a valid long.")))?;
        let number = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let canonical = number || text.ends_with('Z');
        if !canonical && !self.normalizes && self.switches.older_dates == OlderDates::Refuse {
            return Err(("INVALID_DATE", format!("{text} is not a valid UTC date")));
        }
        Ok((clock::iso(at), !canonical && self.normalizes))
    }
}

/// What HubSpot reads as a time: the documented forms, and the American one.
fn instant(text: &str) -> Option<crate::Millis> {
    clock::parse(text).or_else(|| {
        let day = chrono::NaiveDate::parse_from_str(text, "%m/%d/%Y").ok()?;
        Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
    })
}

fn boolean(text: &str) -> Result<&'static str, Bad> {
    if text.eq_ignore_ascii_case("true") {
        Ok("true")
    } else if text.eq_ignore_ascii_case("false") {
        Ok("false")
    } else {
        Err(no_option(text, &["true".to_owned(), "false".to_owned()]))
    }
}

/// One of the options, or several of a set of check boxes. Without any options the property takes all words.
fn choice(property: &Property, options: Option<&[String]>, text: &str) -> Result<String, Bad> {
    let allowed = |value: &str| options.is_none_or(|all| all.iter().any(|option| option == value));
    let several = property.field == "checkbox";
    let given = if several { text.strip_prefix(';').unwrap_or(text) } else { text };
    let unknown = if several {
        given.split(';').find(|value| !value.is_empty() && !allowed(value))
    } else {
        Some(given).filter(|value| !allowed(value))
    };
    match unknown {
        Some(value) => Err(no_option(value, options.unwrap_or_default())),
        None => Ok(text.to_owned()),
    }
}

fn no_option(value: &str, options: &[String]) -> Bad {
    ("INVALID_OPTION", format!("{value} was not one of the allowed options: [{}]", options.join(", ")))
}

/// A leading semicolon adds to the boxes that are checked already.
pub(crate) fn joined(held: &str, given: &str) -> String {
    let Some(more) = given.strip_prefix(';') else { return given.to_owned() };
    let mut all: Vec<&str> = held.split(';').filter(|v| !v.is_empty()).collect();
    for value in more.split(';').filter(|v| !v.is_empty()) {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all.join(";")
}

fn email(text: &str) -> Result<String, Bad> {
    let fits = |(name, host): (&str, &str)| {
        !name.is_empty()
            && !host.contains('@')
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !text.contains(char::is_whitespace)
    };
    if text.split_once('@').is_some_and(fits) {
        return Ok(text.to_lowercase());
    }
    Err(("INVALID_EMAIL", format!("Email address {text} is invalid")))
}

fn domain(text: &str) -> String {
    let lower = text.to_lowercase();
    let bare = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    bare.split('/').next().unwrap_or_default().to_owned()
}

/// `+007.50` as `7.5`. Exponents stay as they are.
fn plain(text: &str) -> String {
    if text.contains(['e', 'E']) {
        return text.to_owned();
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    match (whole, part) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, part) => format!("{sign}{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_what_says_nothing() {
        for (given, kept) in [("+007.50", "7.5"), ("-0.0", "0"), ("10", "10"), (".5", "0.5"), ("1e3", "1e3")] {
            assert_eq!(plain(given), kept);
        }
    }

    #[test]
    fn checked_boxes_are_joined_by_a_leading_semicolon_and_replaced_without() {
        assert_eq!(joined("A;B", ";C;A"), "A;B;C");
        assert_eq!(joined("A;B", "C"), "C");
    }
}
