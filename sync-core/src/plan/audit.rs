//! What the history of a property tells about something that we wrote into it: whether it was carried out, and whether
//! it took the place of a value that somebody had set between our last look and our write.
//!
//! A history may be shorter than expected, and its times may lack their milliseconds. What it does not show is not
//! judged.

use crate::model::{Timestamp, Version};

/// One value that was written, as far as it matters to its history. `None` is no value.
#[derive(Clone, Copy, Debug)]
pub struct Written<'w> {
    /// What both sides had agreed on when it was sent.
    pub base: Option<&'w str>,
    /// What was sent.
    pub sent: Option<&'w str>,
    /// What the remote told of it afterwards, which may be another spelling.
    pub told: Option<&'w str>,
    /// When the record had been changed last, as it was read right before.
    pub seen_at: Timestamp,
    /// When it had been changed last, as the remote told after the write.
    pub told_at: Timestamp,
}

/// A value that ours took the place of, unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The value; `None` where somebody had cleared the property.
    pub value: Option<String>,
    /// When it was set.
    pub at: Timestamp,
    /// Whether somebody has set the property again since our write.
    pub followed: bool,
}

/// The value that a write took the place of without anybody having seen it; `None` where there was none, or none is
/// visible. `versions` are the newest first; `same` compares two values of the property.
pub fn overwritten(
    versions: &[Version],
    written: &Written<'_>,
    same: impl Fn(Option<&str>, Option<&str>) -> bool,
) -> Option<Lost> {
    // Passed over in silence: nothing was written, so nothing was written over.
    if same(written.told, written.base) && !same(written.told, written.sent) {
        return None;
    }
    let is = |version: &Version, value| same(version.value.as_deref(), value);
    let ours = |version: &Version| is(version, written.sent) || is(version, written.told);
    // Somebody may have set the same value again later, so the one that was there when the remote answered is ours.
    let in_time = versions.iter().position(|version| version.at <= written.told_at && ours(version));
    let place = in_time.or_else(|| versions.iter().position(ours))?;
    // The same value twice in a row took nothing away in between.
    let under = versions[place..].iter().find(|version| !ours(version))?;
    let unseen = !is(under, written.base) && not_before(under.at, written.seen_at);
    unseen.then(|| Lost {
        value: under.value.clone(),
        at: under.at,
        followed: versions[..place].iter().any(|v| !ours(v)),
    })
}

/// The version that shows that a value was set since `seen_at`: the first since then that is ours.
pub fn shown(versions: &[Version], seen_at: Timestamp, ours: impl Fn(Option<&str>) -> bool) -> Option<&Version> {
    versions.iter().rev().find(|version| not_before(version.at, seen_at) && ours(version.value.as_deref()))
}

/// Whether a history that reaches back to `seen_at` shows nothing since that may have been made of a value: it was not
/// written.
pub fn denies(
    versions: &[Version],
    sent: Option<&str>,
    seen_at: Timestamp,
    same: impl Fn(Option<&str>, Option<&str>) -> bool,
) -> bool {
    let is_sent = |value: Option<&str>| same(value, sent) || respelt(sent, value);
    versions.iter().any(|version| version.at <= seen_at)
        && !versions.iter().any(|version| not_before(version.at, seen_at) && is_sent(version.value.as_deref()))
}

/// Whether a value may be what the remote made of another: the same letters and digits, or one within the other. Of
/// anything else somebody else is the author.
pub fn respelt(sent: Option<&str>, told: Option<&str>) -> bool {
    let bare =
        |value: &str| value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let (Some(sent), Some(told)) = (sent, told) else { return sent == told };
    let (sent, told) = (bare(sent), bare(told));
    sent == told || (!sent.is_empty() && !told.is_empty() && (sent.contains(&told) || told.contains(&sent)))
}

/// Whether a value is another as remotes store it: trimmed, in lower case, its blanks folded; of a web address the bare
/// domain, of a telephone number the digits. Narrower than [`respelt`], because it is taken for a proof: what merely
/// resembles ours may be somebody else's.
pub fn spelt_by_remote(sent: Option<&str>, told: Option<&str>) -> bool {
    let folded = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (sent, told) = (folded(sent.unwrap_or("")), folded(told.unwrap_or("")));
    !told.is_empty() && (sent == told || domain_of(&sent) == Some(told.as_str()) || same_telephone(&sent, &told))
}

/// The domain of a web address, without scheme, `www.` and path; `None` where there is none.
fn domain_of(address: &str) -> Option<&str> {
    let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let domain = bare.split(['/', '?', '#']).next()?;
    let (name, end) = domain.rsplit_once('.')?;
    (!name.is_empty() && end.starts_with(char::is_alphabetic)).then_some(domain)
}

/// Whether two texts are one telephone number, divided in two ways. Of a figure its sign and its point are no dividers.
fn same_telephone(one: &str, other: &str) -> bool {
    const FEWEST: usize = 6;
    let digits = |text: &str| -> Option<String> {
        let divided = text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        (divided && digits.len() >= FEWEST).then_some(digits)
    };
    let two_figures = matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if one != other);
    !two_figures && digits(one).is_some_and(|own| digits(other) == Some(own))
}

/// Whether a key is what the remote stores for ours: addresses and the like in lower case, whatever they were given as.
pub fn same_key(own: &str, told: Option<&str>) -> bool {
    told.is_some_and(|told| told.to_lowercase() == own.trim().to_lowercase())
}

/// Whether something happened at `other` or later, as far as its time tells: one without milliseconds may be any moment
/// of its second.
fn not_before(at: Timestamp, other: Timestamp) -> bool {
    const SECOND: i64 = 1_000;
    let whole = at.millis() % SECOND == 0;
    at >= other || (whole && at.millis() == other.millis() - other.millis().rem_euclid(SECOND))
}

#[cfg(test)]
mod tests {
    use super::{Written, denies, overwritten, respelt, shown, spelt_by_remote};
    use crate::model::{Timestamp, Version};

    /// `value@millis` each, newest first; `-` is no value.
    fn history(text: &str) -> Vec<Version> {
        let version = |word: &str| {
            let (value, at) = word.split_once('@').unwrap();
            Version { value: value_of(value), at: Timestamp::from_millis(at.parse().unwrap()), source: String::new() }
        };
        text.split_whitespace().map(version).collect()
    }

    fn value_of(word: &str) -> Option<String> {
        Some(word.to_owned()).filter(|word| word != "-")
    }

    fn same(one: Option<&str>, other: Option<&str>) -> bool {
        one.map(str::to_lowercase) == other.map(str::to_lowercase)
    }

    /// What was lost of a write over `base`, read at 3100, answered at 5200.
    fn lost(base: &str, sent: &str, versions: &str) -> String {
        let (base, sent) = (value_of(base), value_of(sent));
        let (seen_at, told_at) = (Timestamp::from_millis(3_100), Timestamp::from_millis(5_200));
        let (base, sent) = (base.as_deref(), sent.as_deref());
        let written = Written { base, sent, told: sent, seen_at, told_at };
        overwritten(&history(versions), &written, same).map_or_else(
            || "nothing".to_owned(),
            |lost| {
                let value = lost.value.unwrap_or_else(|| "-".to_owned());
                let followed = if lost.followed { " followed" } else { "" };
                format!("{value}@{}{followed}", lost.at.millis())
            },
        )
    }

    #[test]
    fn p3_what_lies_right_under_our_version_and_was_not_seen_is_lost() {
        let table = [
            // Nobody in between.
            ("old", "ours", "ours@5200 old@1000", "nothing"),
            ("-", "ours", "ours@5200", "nothing"),
            ("-", "ours", "ours@5200 -@2000 older@1000", "nothing"),
            ("old", "-", "-@5200 old@1000", "nothing"),
            // Somebody in between: the last one of them.
            ("old", "ours", "ours@5200 theirs@4000 old@1000", "theirs@4000"),
            ("old", "ours", "ours@5200 theirs@4500 first@4000 old@1000", "theirs@4500"),
            ("old", "ours", "ours@5200 -@4000 old@1000", "-@4000"),
            ("-", "ours", "ours@5200 theirs@4000", "theirs@4000"),
            ("old", "-", "-@5200 theirs@4000 old@1000", "theirs@4000"),
            // All in the millisecond in which the record was read.
            ("old", "ours", "ours@3100 theirs@3100 old@3100", "theirs@3100"),
            // A time without milliseconds is any moment of its second.
            ("old", "ours", "ours@5000 theirs@3000 old@1000", "theirs@3000"),
            ("old", "ours", "ours@5000 theirs@2000 old@1000", "nothing"),
            // They put back what we had seen, or wrote what we wrote.
            ("old", "ours", "ours@5200 old@4500 theirs@4000 old@1000", "nothing"),
            ("old", "ours", "ours@5200 OURS@4000 old@1000", "nothing"),
            ("old", "ours", "ours@5200 ours@4500 theirs@4000 old@1000", "theirs@4000"),
            // Later versions are ordinary edits.
            ("old", "ours", "later@6000 ours@5200 old@1000", "nothing"),
            ("old", "ours", "later@6000 ours@5200 theirs@4000 old@1000", "theirs@4000 followed"),
            ("old", "ours", "ours@7000 later@6000 ours@5200 old@1000", "nothing"),
            ("old", "ours", "ours@7000 later@6000 ours@5200 theirs@4000 old@1000", "theirs@4000 followed"),
            ("old", "ours", "ours@5300 ours@5200 theirs@4000 old@1000", "theirs@4000"),
            // The remote's clock in the answer is a little behind its history's.
            ("old", "ours", "ours@5201 theirs@4000 old@1000", "theirs@4000"),
            // What a history does not hold any more, and what it never held.
            ("old", "ours", "ours@5200", "nothing"),
            ("old", "ours", "", "nothing"),
            ("old", "ours", "later@6000", "nothing"),
            ("old", "ours", "old@1000", "nothing"),
            // An older version that a merge brought in from another record.
            ("old", "ours", "ours@5200 loser@2000 old@1000", "nothing"),
        ];
        for (base, sent, versions, wanted) in table {
            assert_eq!(lost(base, sent, versions), wanted, "{base} -> {sent}: {versions}");
        }
    }

    #[test]
    fn p9_only_a_history_that_reaches_back_denies_that_a_value_was_written() {
        let table = [
            ("ours", "theirs@4000 old@1000", true),
            ("ours", "old@1000", true),
            ("-", "theirs@4000 old@1000", true),
            // It was there.
            ("ours", "theirs@4000 ours@3500 old@1000", false),
            ("-", "theirs@4000 -@3500 old@1000", false),
            // In another spelling, or in the second without milliseconds in which the record was read.
            ("Our-s", "theirs@4000 ours@3500 old@1000", false),
            ("ours", "theirs@4000 ours@3000 old@1000", false),
            // Only before.
            ("ours", "theirs@4000 ours@900 old@800", true),
            // Nothing is told of what there was before.
            ("ours", "theirs@4000", false),
            ("ours", "", false),
        ];
        for (sent, versions, wanted) in table {
            let sent = value_of(sent);
            let denied = denies(&history(versions), sent.as_deref(), Timestamp::from_millis(3_100), same);
            assert_eq!(denied, wanted, "{sent:?}: {versions}");
        }
    }

    #[test]
    fn p3_a_spelling_that_the_remote_prefers_is_ours() {
        let (seen_at, told_at) = (Timestamp::from_millis(3_100), Timestamp::from_millis(5_200));
        let written = Written { base: Some("old"), sent: Some("1,0"), told: Some("1.0"), seen_at, told_at };
        assert_eq!(overwritten(&history("1.0@5200 old@1000"), &written, same), None);
        assert_eq!(overwritten(&history("1.0@5200 9@4000 old@1000"), &written, same).unwrap().value.unwrap(), "9");
    }

    #[test]
    fn p3_what_was_passed_over_in_silence_wrote_over_nothing() {
        let (seen_at, told_at) = (Timestamp::from_millis(3_100), Timestamp::from_millis(5_200));
        let written = Written { base: Some("old"), sent: Some("ours"), told: Some("old"), seen_at, told_at };
        assert_eq!(overwritten(&history("old@5000 theirs@4000 old@1000"), &written, same), None);
    }

    #[test]
    fn p9_a_history_shows_what_was_carried_out_since_the_look() {
        let seen_at = Timestamp::from_millis(3_100);
        for (sent, versions, at) in [
            ("ours", "ours@5200 old@1000", Some(5_200)),
            ("ours", "later@6000 ours@5200 old@1000", Some(5_200)),
            ("-", "later@6000 -@5200 old@1000", Some(5_200)),
            ("ours", "later@6000 ours@3000 old@1000", Some(3_000)),
            ("ours", "later@6000 OURS@5300 ours@5200 old@1000", Some(5_200)),
            ("ours", "later@6000 old@4000 ours@1000", None),
            ("ours", "later@6000", None),
            ("ours", "", None),
        ] {
            let (sent, versions) = (value_of(sent), history(versions));
            let version = shown(&versions, seen_at, |value| same(value, sent.as_deref()));
            assert_eq!(version.map(|version| version.at.millis()), at, "{sent:?}: {versions:?}");
        }
    }

    #[test]
    fn p9_only_a_spelling_that_remotes_are_known_to_prefer_proves_that_a_value_was_written() {
        for (sent, told) in [
            (" Ann@X.com ", "ann@x.com"),
            ("Ours ", "Ours"),
            ("two  words", "two words"),
            ("https://www.Acme.com/", "acme.com"),
            ("http://acme.com/de?a=b", "acme.com"),
            ("www.acme.com", "acme.com"),
            ("acme.com/de", "acme.com"),
            ("(030) 123-456", "030123456"),
            ("+49 30 123456", "+4930123456"),
        ] {
            assert!(spelt_by_remote(Some(sent), Some(told)), "{sent} as {told}");
            assert!(respelt(Some(sent), Some(told)), "{sent} as {told}: what is proof is no conflict either");
        }
        for (sent, told) in [
            ("Oslo", "Oslo 2"),
            ("Oslo 2", "Oslo"),
            ("C#", "C++"),
            ("Smith & Co", "Smith Co"),
            ("acme.com", "acme.com/de"),
            ("acme.com/de", "acme.com/fr"),
            ("acme.com", "www.acme.com"),
            ("1.5/2", "1.5"),
            ("1.5", "15"),
            ("1234.56", "123456"),
            ("-500000", "500000"),
            ("30 123", "+49 30123"),
            ("-", "--"),
            (" ", ""),
        ] {
            assert!(!spelt_by_remote(Some(sent), Some(told)), "{sent:?} as {told:?}");
        }
        assert!(!spelt_by_remote(None, None) && !spelt_by_remote(Some("Oslo"), None));
        assert!(!spelt_by_remote(None, Some("Oslo")));
    }

    #[test]
    fn p5_only_another_spelling_is_what_the_remote_made_of_a_value() {
        for (sent, told) in [(" Ann@X.com", "ann@x.com"), ("30 123", "+49 30123"), ("https://a.b/", "a.b")] {
            assert!(respelt(Some(sent), Some(told)), "{sent} as {told}");
        }
        let others =
            [(Some("Oslo"), Some("Rome")), (Some("Oslo"), None), (None, Some("Rome")), (Some("Oslo"), Some("-"))];
        for (sent, told) in others {
            assert!(!respelt(sent, told), "{sent:?} as {told:?}");
        }
    }
}
