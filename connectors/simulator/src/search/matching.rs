//! Whether a record, as the index knows it, meets a search.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::query::{Condition, Field, Operand, Query, Test};
use crate::catalogue::Derived;
use crate::clock;
use crate::json::unescape;
use crate::links::Links;
use crate::object_types::TypeIndex;
use crate::record::Indexed;
use crate::store::Store;
use crate::value::PropertyId;

/// Whether any group accepts the record, and every word of the query occurs in it.
pub(crate) fn matches(
    query: &Query,
    kind: TypeIndex,
    store: &Store,
    links: &Links,
    id: u64,
    view: Indexed<'_>,
) -> bool {
    let grouped = query.groups.is_empty()
        || query.groups.iter().any(|group| group.iter().all(|c| meets(c, kind, store, links, id, view)));
    grouped && (query.words.is_empty() || has_words(&query.words, store, id, view))
}

fn has_words(words: &[String], store: &Store, id: u64, view: Indexed<'_>) -> bool {
    let mut text = String::new();
    for name in store.object.searchable {
        if let Some(value) = store.catalogue.find(name).and_then(|p| store.text(p, id, view)) {
            text.push_str(&value.to_lowercase());
            text.push(' ');
        }
    }
    words.iter().all(|word| text.contains(word.as_str()))
}

fn meets(c: &Condition, kind: TypeIndex, store: &Store, links: &Links, id: u64, view: Indexed<'_>) -> bool {
    match c.field {
        Field::Never => false,
        Field::Own(Derived::Id) => ordered(&c.test, Some(&Operand::Whole(id as i64))),
        Field::Own(Derived::Created) => ordered(&c.test, Some(&Operand::Whole(view.created))),
        Field::Own(_) => ordered(&c.test, Some(&Operand::Whole(view.updated))),
        Field::Association(to) => associated(&c.test, links, kind, id, to),
        Field::Number(property) => {
            let value = present(view, property).and_then(|text| text.parse().ok());
            ordered(&c.test, value.map(Operand::Number).as_ref())
        }
        Field::Date(property) => {
            let value = present(view, property).and_then(|text| clock::parse(&text));
            ordered(&c.test, value.map(Operand::Whole).as_ref())
        }
        Field::Choice(property) => {
            let value = present(view, property);
            // Several choices are one value with semicolons; each counts.
            let choices: Vec<Operand> =
                value.iter().flat_map(|v| v.split(';')).map(|v| Operand::Text(v.to_owned())).collect();
            chosen(&c.test, &choices)
        }
        Field::Text(property) => {
            let value = match store.catalogue.derived(property) {
                Some(derived) => store.derived(derived, id, view).map(Cow::Owned),
                None => present(view, property),
            };
            match (&c.test, &value) {
                (Test::Contains(pattern), Some(text)) => contains(&text.to_lowercase(), pattern),
                (Test::ContainsNot(pattern), Some(text)) => !contains(&text.to_lowercase(), pattern),
                (test, value) => ordered(test, value.as_ref().map(|text| Operand::Text(text.to_lowercase())).as_ref()),
            }
        }
    }
}

/// A stored value that is set and not empty.
fn present(view: Indexed<'_>, property: PropertyId) -> Option<Cow<'_, str>> {
    let stored = view.values.get(property).filter(|v| !v.is_empty())?;
    match std::str::from_utf8(stored) {
        Ok(text) if !text.contains('\\') => Some(Cow::Borrowed(text)),
        _ => Some(Cow::Owned(unescape(stored).unwrap_or_else(|| String::from_utf8_lossy(stored).into_owned()))),
    }
}

fn compare(a: &Operand, b: &Operand) -> Option<Ordering> {
    match (a, b) {
        (Operand::Whole(a), Operand::Whole(b)) => Some(a.cmp(b)),
        (Operand::Number(a), Operand::Number(b)) => a.partial_cmp(b),
        (Operand::Text(a), Operand::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn ordered(test: &Test, value: Option<&Operand>) -> bool {
    let Some(value) = value else {
        // A record without the value meets only the negations.
        return matches!(test, Test::HasNot | Test::Neq(_) | Test::NotIn(_) | Test::ContainsNot(_));
    };
    let is = |operand: &Operand, wanted: &[Ordering]| compare(value, operand).is_some_and(|o| wanted.contains(&o));
    match test {
        Test::Has => true,
        Test::HasNot => false,
        Test::Eq(x) => is(x, &[Ordering::Equal]),
        Test::Neq(x) => !is(x, &[Ordering::Equal]),
        Test::Lt(x) => is(x, &[Ordering::Less]),
        Test::Lte(x) => is(x, &[Ordering::Less, Ordering::Equal]),
        Test::Gt(x) => is(x, &[Ordering::Greater]),
        Test::Gte(x) => is(x, &[Ordering::Greater, Ordering::Equal]),
        Test::Between(low, high) => {
            is(low, &[Ordering::Greater, Ordering::Equal]) && is(high, &[Ordering::Less, Ordering::Equal])
        }
        Test::In(all) => all.iter().any(|x| is(x, &[Ordering::Equal])),
        Test::NotIn(all) => !all.iter().any(|x| is(x, &[Ordering::Equal])),
        Test::Contains(pattern) => contains(&plain(value), pattern),
        Test::ContainsNot(pattern) => !contains(&plain(value), pattern),
    }
}

fn plain(value: &Operand) -> String {
    match value {
        Operand::Whole(n) => n.to_string(),
        Operand::Number(n) => n.to_string(),
        Operand::Text(text) => text.clone(),
    }
}

fn chosen(test: &Test, choices: &[Operand]) -> bool {
    match test {
        Test::Neq(x) => !choices.contains(x),
        Test::NotIn(all) => !all.iter().any(|x| choices.contains(x)),
        Test::Has => !choices.is_empty(),
        Test::HasNot => choices.is_empty(),
        Test::ContainsNot(pattern) => !choices.iter().any(|c| contains(&plain(c), pattern)),
        test => choices.iter().any(|choice| ordered(test, Some(choice))),
    }
}

fn associated(test: &Test, links: &Links, kind: TypeIndex, id: u64, to: TypeIndex) -> bool {
    let has = |x: &Operand| match x {
        Operand::Whole(other) => !links.marks(kind, id, to, *other as u64).is_empty(),
        Operand::Number(_) | Operand::Text(_) => false,
    };
    match test {
        Test::Eq(x) => has(x),
        Test::Neq(x) => !has(x),
        Test::In(all) => all.iter().any(has),
        Test::NotIn(all) => !all.iter().any(has),
        Test::Has => !links.neighbours(kind, id, to, 0).is_empty(),
        Test::HasNot => links.neighbours(kind, id, to, 0).is_empty(),
        _ => false,
    }
}

/// Whole words, or a pattern with `*` over the whole value. Both are in the case in which they are compared.
fn contains(text: &str, pattern: &str) -> bool {
    if pattern.contains('*') {
        return text.split_whitespace().chain([text]).any(|word| glob(word, pattern));
    }
    let words =
        |s: &str| s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    let (have, want): (Vec<String>, Vec<String>) = (words(text), words(pattern));
    !want.is_empty() && have.windows(want.len()).any(|w| w == want.as_slice())
}

fn glob(text: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let Some((first, rest)) = parts.split_first() else { return text.is_empty() };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    for (n, part) in rest.iter().enumerate() {
        if n + 1 == rest.len() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.is_empty()
}

/// What a search surely excludes, read off its only group: lets a window look at few records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) modified: (i64, i64),
    pub(crate) id: (u64, u64),
}

/// The bounds of a search.
pub(crate) fn bounds(query: &Query) -> Bounds {
    let mut out = Bounds { modified: (i64::MIN, i64::MAX), id: (0, u64::MAX) };
    let [group] = query.groups.as_slice() else { return out };
    for condition in group {
        let Field::Own(own) = condition.field else { continue };
        let (low, high) = match &condition.test {
            Test::Eq(Operand::Whole(x)) => (*x, *x),
            Test::Gt(Operand::Whole(x)) => (x.saturating_add(1), i64::MAX),
            Test::Gte(Operand::Whole(x)) => (*x, i64::MAX),
            Test::Lt(Operand::Whole(x)) => (i64::MIN, x.saturating_sub(1)),
            Test::Lte(Operand::Whole(x)) => (i64::MIN, *x),
            Test::Between(Operand::Whole(a), Operand::Whole(b)) => (*a, *b),
            _ => continue,
        };
        match own {
            Derived::Modified => out.modified = (out.modified.0.max(low), out.modified.1.min(high)),
            Derived::Id => {
                let low = u64::try_from(low.max(0)).unwrap_or(0);
                let high = u64::try_from(high.max(0)).unwrap_or(0);
                out.id = (out.id.0.max(low), out.id.1.min(high));
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_whole_words_unless_there_is_a_star() {
        assert!(contains("acme rockets gmbh", "rockets"));
        assert!(!contains("acme rockets gmbh", "rock"));
        assert!(contains("acme rockets gmbh", "rock*"));
        assert!(contains("ada@example.com", "*@example.com"));
        assert!(!contains("ada@example.com.au", "*@example.com"));
        assert!(contains("ada@example.com", "example.com"));
    }
}
