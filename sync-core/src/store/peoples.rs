//! Indexes, views and triggers of a person's own: set aside while a table's columns change, and brought back.

use super::StoreError;
use super::table::quote;
use rusqlite::{Connection, params};

/// Things set aside, with the SQL that made them: indexes and views first, then triggers, which may hang on views.
pub(super) struct SetAside(Vec<Thing>);

struct Thing {
    kind: String,
    name: String,
    /// What it hangs on; of a view its own name.
    table: String,
    sql: String,
}

/// What SQLite says of a statement that fires nothing, and of functions and the like that only its owner's own program
/// brings along: no fault of a trigger's.
const NO_FAULTS: [&str; 6] = [
    "because it is a view",
    "cannot UPDATE generated column",
    "no such function",
    "unsafe use of",
    "no such collation sequence",
    "no such module",
];

impl SetAside {
    /// Drops what would stand in the way of a change to `columns` of `table`: every view and trigger of a person's, as
    /// SQLite checks them all, and the indexes that name one of the columns.
    pub(super) fn take(connection: &Connection, table: &str, columns: &[&str]) -> Result<Self, StoreError> {
        let mut statement = connection.prepare(
            "SELECT type, name, tbl_name, sql FROM sqlite_master
             WHERE sql IS NOT NULL AND (type IN ('view', 'trigger') OR type = 'index' AND tbl_name = ?1 COLLATE NOCASE)
             ORDER BY type = 'trigger', rowid",
        )?;
        let found = statement
            .query_map([table], |row| {
                Ok(Thing { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut things = Vec::new();
        for thing in found {
            let in_the_way = match thing.kind.as_str() {
                "trigger" => !thing.name.starts_with("sync_"),
                "view" => thing.name != "sync_status",
                _ => names_a_column(connection, &thing, columns)?,
            };
            if in_the_way {
                things.push(thing);
            }
        }
        for thing in &things {
            // A trigger goes with its view.
            connection.execute_batch(&format!("DROP {} IF EXISTS {}", thing.kind, quote(&thing.name)))?;
        }
        Ok(Self(things))
    }

    /// Makes everything again. Returns a sentence for each thing that no longer can be or no longer works. A view that does
    /// not work stays, as it is in nobody's way; a trigger that does not would stop every write to its table, the engine's
    /// too, and is taken out.
    pub(super) fn bring_back(self, connection: &Connection) -> Vec<String> {
        let (triggers, others): (Vec<Thing>, Vec<Thing>) =
            self.0.into_iter().partition(|thing| thing.kind == "trigger");
        let mut lost = Vec::new();
        for thing in &others {
            if let Err(error) = connection.execute_batch(&thing.sql) {
                lost.push(thing.lost(&error));
            }
        }
        for thing in others.iter().filter(|thing| thing.kind == "view") {
            if let Err(error) = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", quote(&thing.name))) {
                lost.push(format!("the view {} no longer works: {error}", thing.name));
            }
        }
        let mut fitting = Vec::new();
        for trigger in &triggers {
            match trigger.fits(connection) {
                Ok(()) => fitting.push(trigger),
                Err(error) => lost.push(trigger.lost(&error)),
            }
        }
        for trigger in fitting {
            if let Err(error) = connection.execute_batch(&trigger.sql) {
                lost.push(trigger.lost(&error));
            }
        }
        lost
    }
}

impl Thing {
    fn lost(&self, error: &rusqlite::Error) -> String {
        let Self { kind, name, sql, .. } = self;
        let why = match error {
            // Its text would also tell the statement that was tried, which nobody wrote.
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            error => error.to_string(),
        };
        format!("the {kind} {name} no longer fits and was taken out ({why}): {sql}")
    }

    /// Whether a trigger can be made and run. SQLite looks at what is in it only when it compiles a statement that fires it.
    /// It is tried without any other one of a person's, so that none is blamed for another, and is not there afterwards.
    fn fits(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch(&self.sql)?;
        let fired = self.compile(connection);
        connection.execute_batch(&format!("DROP TRIGGER {}", quote(&self.name)))?;
        fired
    }

    /// Compiles, and does not run, whatever may fire a trigger.
    fn compile(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        // A column after `UPDATE OF` that is gone is no error to SQLite: the trigger would be silent.
        let mut columns = watched(&self.sql);
        if columns.is_empty() {
            let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
            columns = statement.query_map([&self.table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        }
        let settings: Vec<String> = columns.iter().map(|column| format!("{} = NULL", quote(column))).collect();
        let table = quote(&self.table);
        let firing = [
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("UPDATE {table} SET {}", settings.join(", ")),
            format!("DELETE FROM {table}"),
        ];
        for sql in &firing {
            if let Err(error) = connection.prepare(sql) {
                let said = error.to_string();
                if !NO_FAULTS.iter().any(|fault| said.contains(*fault)) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// The columns that the head of a trigger names after `UPDATE OF`; none where every update fires it.
fn watched(sql: &str) -> Vec<String> {
    let words = head(sql);
    let is = |(word, quoted): &(String, bool), wanted: &str| !quoted && word.eq_ignore_ascii_case(wanted);
    match words.windows(2).position(|pair| is(&pair[0], "UPDATE") && is(&pair[1], "OF")) {
        Some(place) => words.into_iter().skip(place + 2).map(|(word, _)| word).collect(),
        None => Vec::new(),
    }
}

/// The words of a trigger's text before `ON`, each with whether it stands in quotes.
fn head(sql: &str) -> Vec<(String, bool)> {
    let in_word = |char: char| char.is_alphanumeric() || char == '_' || char == '$' || !char.is_ascii();
    let (mut words, mut rest) = (Vec::new(), sql);
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.find("*/").map_or(rest.len(), |at| at + 4)
        } else if matches!(first, '"' | '`' | '\'' | '[') {
            let (name, taken) = in_quotes(rest, if first == '[' { ']' } else { first });
            words.push((name, true));
            taken
        } else if in_word(first) {
            let end = rest.find(|char: char| !in_word(char)).unwrap_or(rest.len());
            if rest[..end].eq_ignore_ascii_case("ON") {
                break;
            }
            words.push((rest[..end].to_owned(), false));
            end
        } else {
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    words
}

/// The name in quotes with which a text begins, and how much of the text it takes.
fn in_quotes(text: &str, close: char) -> (String, usize) {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char != close {
            name.push(char);
        } else if close != ']' && chars.next_if(|(_, next)| *next == close).is_some() {
            name.push(close);
        } else {
            return (name, at + close.len_utf8());
        }
    }
    (name, text.len())
}

/// Whether an index names one of these columns, itself or in an expression.
fn names_a_column(connection: &Connection, index: &Thing, columns: &[&str]) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name FROM pragma_index_info(?1)")?;
    let mut rows = statement.query(params![index.name])?;
    while let Some(row) = rows.next()? {
        let name: Option<String> = row.get(0)?;
        if name.is_some_and(|name| columns.iter().any(|column| column.eq_ignore_ascii_case(&name))) {
            return Ok(true);
        }
    }
    let sql = index.sql.to_ascii_lowercase();
    let body = sql.split_once('(').map_or("", |(_, body)| body);
    Ok(columns.iter().any(|column| body.contains(&column.to_ascii_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::watched;

    #[test]
    fn what_a_trigger_watches_is_read_from_its_head_alone() {
        for (head, columns) in [
            ("t AFTER UPDATE ON contacts", vec![]),
            ("t after update of city on contacts", vec!["city"]),
            (
                "\"update of x\" INSTEAD OF UPDATE/**/OF \"a \"\"b\"\"\", [c d],`e`, -- f\n g_1 ON v",
                vec!["a \"b\"", "c d", "e", "g_1"],
            ),
            ("'t' INSTEAD OF DELETE ON v", vec![]),
        ] {
            let sql = format!("CREATE TRIGGER {head} BEGIN UPDATE other SET x = 1; SELECT 'UPDATE OF y'; END");
            assert_eq!(watched(&sql), columns, "{head}");
        }
    }
}
