//! The typed table of one object type, compiled once per run: which property goes into which column, and the SQL.

use crate::model::{Properties, PropertiesError};
use mappings::{Direction, Mapping, ResolvedMapping};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

/// A mapped object type: its mapping and everything that follows from it.
pub struct Table {
    /// The mapping, with types resolved.
    pub mapping: ResolvedMapping,
    /// One of the records, in snake case: names the columns of pair views.
    pub singular: String,
    /// Pairs of object types whose associations are mirrored and that this table is an end of.
    pub pairs: Vec<Pair>,
    /// The properties to ask the remote for.
    pub fetched: Vec<String>,
    /// Place of a property among the mapping's fields.
    pub(super) places: HashMap<String, usize>,
    pub(super) sql: Sql,
    /// The table of last agreed values, unquoted.
    base: String,
}

/// Two object types whose associations are mirrored, in the direction in which they are stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The object type whose records stand in `from_id`.
    pub from: String,
    /// The object type whose records stand in `to_id`.
    pub to: String,
}

impl Pair {
    /// Its name in walks and progress: `from→to`.
    pub fn name(&self) -> String {
        format!("{}→{}", self.from, self.to)
    }

    /// Every pair that the mappings name, each once: in the direction of the mapping that names it, and if both do, of
    /// the alphabetically first object.
    pub fn named_by<'m>(mappings: impl IntoIterator<Item = &'m Mapping>) -> Vec<Self> {
        let mut pairs: Vec<Self> = Vec::new();
        for mapping in mappings {
            for rule in &mapping.associations {
                pairs.push(Self { from: mapping.object.clone(), to: rule.object.clone() });
            }
        }
        let named_twice = |pair: &Self| pairs.contains(&Self { from: pair.to.clone(), to: pair.from.clone() });
        let mut once: Vec<Self> =
            pairs.iter().filter(|pair| pair.from <= pair.to || !named_twice(pair)).cloned().collect();
        once.sort();
        once.dedup();
        once
    }
}

/// The statements of one table.
pub(super) struct Sql {
    pub(super) find_base: String,
    pub(super) insert_base: String,
    pub(super) update_base: String,
    pub(super) insert_row: String,
    pub(super) read_row: String,
    pub(super) read_handle: String,
    pub(super) update_row: String,
}

impl Table {
    /// Compiles a mapping. `singular` is the remote's word for one record, `fetched` what will be asked for.
    pub fn new(mapping: ResolvedMapping, singular: &str, pairs: &[Pair], fetched: Vec<String>) -> Self {
        let places = mapping.fields.iter().enumerate().map(|(place, field)| (field.property.clone(), place)).collect();
        let pairs =
            pairs.iter().filter(|pair| pair.from == mapping.object || pair.to == mapping.object).cloned().collect();
        let base = base_of(&mapping.table);
        let sql = Sql::of(&mapping, &base);
        let singular = Some(snake_case(singular)).filter(|word| !word.is_empty());
        let singular = singular.unwrap_or_else(|| mapping.table.to_lowercase());
        Self { singular, pairs, fetched, places, sql, base, mapping }
    }

    /// The same records in a table of another name, beside the base that they have.
    pub(super) fn under(&self, name: &str) -> Self {
        let mut mapping = self.mapping.clone();
        name.clone_into(&mut mapping.table);
        let (pairs, fetched, places) = (self.pairs.clone(), self.fetched.clone(), self.places.clone());
        let (sql, base) = (Sql::of(&mapping, &self.base), self.base.clone());
        Self { singular: self.singular.clone(), pairs, fetched, places, sql, base, mapping }
    }

    /// The object type.
    pub fn object(&self) -> &str {
        &self.mapping.object
    }

    /// The table's name, quoted for SQL.
    pub(super) fn quoted(&self) -> String {
        quote(&self.mapping.table)
    }

    /// The name of the table of last agreed values, unquoted.
    pub(super) fn base_name(&self) -> String {
        self.base.clone()
    }

    /// The properties in the order of the mapping's fields.
    pub(super) fn wires<'p>(&self, properties: &'p Properties) -> Result<Vec<Option<Cow<'p, str>>>, PropertiesError> {
        let mut wires = vec![None; self.mapping.fields.len()];
        for (place, value) in properties.placed(&self.places)? {
            wires[place] = value;
        }
        Ok(wires)
    }

    /// The pairs whose associations are stored from this object type's side.
    pub fn outgoing(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|pair| pair.from == self.mapping.object)
    }

    /// The pairs whose rows have records of this object type at their far end; a pair of a type with itself is both.
    pub fn incoming(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|pair| pair.to == self.mapping.object)
    }

    /// Columns that people may not write, apart from the engine's own.
    pub(super) fn read_only_columns(&self) -> impl Iterator<Item = &str> {
        self.mapping.fields.iter().filter(|field| field.direction == Direction::Pull).map(|field| field.column.as_str())
    }
}

impl Sql {
    fn of(mapping: &ResolvedMapping, base: &str) -> Self {
        let table = quote(&mapping.table);
        let base = quote(base);
        let columns: Vec<String> = mapping.fields.iter().map(|field| quote(&field.column)).collect();
        let list: String = columns.iter().fold(String::new(), |list, column| list + column + ", ");
        let (mut marks, mut settings) = (String::new(), String::new());
        for (place, column) in columns.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(marks, "?{}, ", place + 9);
            let _ = write!(settings, "{column} = ?{}, ", place + 9);
        }
        Self {
            find_base: format!(
                "SELECT _row, updated_at, row_hash, archived, state, properties, created_at, archived_at, merged_into
                 FROM {base} WHERE id = ?1"
            ),
            insert_base: format!(
                "INSERT INTO {base} (_row, id, created_at, updated_at, archived, archived_at, merged_into, state,
                 row_hash, properties) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            ),
            update_base: format!(
                "UPDATE {base} SET _row = ?1, created_at = ?3, updated_at = ?4, archived = ?5, archived_at = ?6,
                 merged_into = ?7, state = ?8, row_hash = ?9, properties = ?10,
                 missing_since = CASE WHEN ?8 = 'missing' THEN missing_since END WHERE id = ?2"
            ),
            insert_row: format!(
                "INSERT INTO {table} (_row, _uid, id, created_at, updated_at, archived, archived_at, merged_into, {list}
                 state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, {marks} ?{})",
                columns.len() + 9
            ),
            read_row: format!("SELECT {list} archived, _row, id, _uid FROM {table} WHERE id = ?1"),
            read_handle: format!("SELECT {list} archived, _row, id, _uid FROM {table} WHERE _row = ?1"),
            update_row: format!(
                "UPDATE {table} SET created_at = ?4, updated_at = ?5, archived = ?6, archived_at = ?7,
                 merged_into = ?8, {settings} state = ?{} WHERE _row = ?1",
                columns.len() + 9
            ),
        }
    }
}

/// The name of the table of last agreed values beside a typed table.
pub(super) fn base_of(table: &str) -> String {
    format!("sync_base_{table}")
}

/// Quotes a name for SQL.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes text for SQL that cannot be bound, as in triggers.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn snake_case(word: &str) -> String {
    let mut snake = String::with_capacity(word.len());
    for char in word.chars() {
        if char.is_alphanumeric() {
            snake.extend(char.to_lowercase());
        } else if !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
    }
    snake.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{quote, snake_case};

    #[test]
    fn names_are_quoted_and_never_break_out() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(snake_case("Line item"), "line_item");
        assert_eq!(snake_case("  Übung (neu) "), "übung_neu");
    }
}
