//! Which names a mapping may use, and which known name was probably meant.

use crate::error::shown;
use crate::schema::PropertySchema;

/// The longest name of a table or column.
const LONGEST: usize = 100;

/// Columns that every table has of itself, and SQLite's own names for the row number.
const RESERVED_COLUMNS: [&str; 9] =
    ["id", "created_at", "updated_at", "archived", "archived_at", "merged_into", "state", "rowid", "oid"];

/// Tables that every mirror has of itself.
const RESERVED_TABLES: [&str; 10] = [
    "owners",
    "pipelines",
    "pipeline_stages",
    "properties",
    "property_options",
    "object_types",
    "association_labels",
    "lists",
    "list_memberships",
    "associations",
];

/// What is wrong with a column's name, if anything.
pub(crate) fn column_problem(name: &str) -> Option<String> {
    if let Some(problem) = identifier_problem(name) {
        return Some(problem);
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with('_') {
        return Some(format!("`{name}` is reserved: names that begin with `_` belong to the mirror"));
    }
    RESERVED_COLUMNS.contains(&lower.as_str()).then(|| format!("`{name}` is reserved: every table has it already"))
}

/// What is wrong with a table's name, if anything.
pub(crate) fn table_problem(name: &str) -> Option<String> {
    if let Some(problem) = identifier_problem(name) {
        return Some(problem);
    }
    let lower = name.to_ascii_lowercase();
    let reserved = |what: &str| Some(format!("`{name}` is reserved: {what}"));
    if RESERVED_TABLES.contains(&lower.as_str()) {
        return reserved("every mirror has it already");
    }
    if let Some(prefix) = ["_", "sync_", "sqlite_"].into_iter().find(|prefix| lower.starts_with(prefix)) {
        return reserved(&format!("names that begin with `{prefix}` belong to the mirror"));
    }
    if let Some(suffix) = ["_raw", "_active"].into_iter().find(|suffix| lower.ends_with(suffix)) {
        return reserved(&format!("names that end with `{suffix}` are views of the mirror"));
    }
    // The schema table of the person's SQLite and the migrations' own history live beside ours.
    (lower == "refinery_schema_history").then(|| format!("`{name}` is reserved: the mirror's migrations use it"))
}

fn identifier_problem(name: &str) -> Option<String> {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !starts || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Some(format!("{} is not a name: letters, digits and `_`, not beginning with a digit", shown(name)));
    }
    (name.len() > LONGEST).then(|| format!("{} is longer than {LONGEST} characters", shown(name)))
}

/// A column name for a property: the property's own where that is possible.
pub(crate) fn column_for(property: &str) -> String {
    let mut name: String =
        property.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    name.truncate(LONGEST - 16);
    if column_problem(&name).is_some() { format!("property_{name}") } else { name }
}

/// The property that was probably meant by a name that is not known: the one with such a label, or with a similar name.
pub(crate) fn meant<'a>(name: &str, schema: &'a [PropertySchema]) -> Option<&'a str> {
    let labelled = schema.iter().find(|property| property.label.eq_ignore_ascii_case(name));
    let live = schema.iter().filter(|property| !property.archived).map(|property| property.name.as_str());
    labelled.map(|property| property.name.as_str()).or_else(|| closest(name, live))
}

/// The known name that was probably meant.
pub(crate) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other = candidate.to_lowercase();
        let mut distance = edit_distance(&lower, &other);
        // `owner_id` for `hubspot_owner_id`, `lifecycle_stage` for `lifecyclestage`.
        if other.ends_with(&format!("_{lower}")) || other.replace('_', "") == lower.replace('_', "") {
            distance = distance.min(1);
        }
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let mut least = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(a[i] != b[j]));
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        let known = ["email", "firstname", "lastname", "hubspot_owner_id", "lifecyclestage", "phone"];
        let meant = |name| closest(name, known.into_iter());
        assert_eq!(meant("emial"), Some("email"));
        assert_eq!(meant("first_name"), Some("firstname"));
        assert_eq!(meant("owner_id"), Some("hubspot_owner_id"));
        assert_eq!(meant("LifecycleStage"), Some("lifecyclestage"));
        assert_eq!(meant("turnover"), None);
    }

    #[test]
    fn reserved_names_are_reserved_in_any_case() {
        for name in ["id", "ID", "State", "_row", "rowid", "1st", "a b", "", "ä", "x;drop table y", &"x".repeat(101)] {
            assert!(column_problem(name).is_some(), "{name}");
        }
        for name in ["owners", "Associations", "sync_x", "SYNC_status", "x_raw", "x_Active", "sqlite_x", "_x"] {
            assert!(table_problem(name).is_some(), "{name}");
        }
        for name in ["order", "group", "e", &"x".repeat(100), "created", "owner"] {
            assert_eq!((column_problem(name), table_problem(name)), (None, None), "{name}");
        }
    }

    #[test]
    fn generated_columns_are_always_allowed() {
        for property in ["email", "state", "_x", "9lives", "p1__big name", "Ünï", &"x".repeat(300)] {
            assert_eq!(column_problem(&column_for(property)), None, "{property}");
        }
    }
}
