//! The views that people read: records as they came, active records, and pairs of associated records.

use super::table::{quote, text};
use super::{Pair, StoreError, Table};
use rusqlite::{Connection, OptionalExtension};

/// Stands in every view of ours, as SQLite keeps its text. A view of the same name without it is a person's own.
const MARK: &str = "/* kept by crmsync: made anew when it differs */";

/// A view as it should be.
pub(super) struct View {
    pub(super) name: String,
    /// Its text, as SQLite keeps it.
    pub(super) sql: String,
}

impl View {
    fn new(name: String, body: &str) -> Self {
        Self { sql: format!("CREATE VIEW {} AS {MARK} {body}", quote(&name)), name }
    }

    /// Whether a text is that of a view of ours, in whatever state.
    pub(super) fn is_ours(text: &str) -> bool {
        text.contains(MARK)
    }
}

/// The two views of a typed table.
pub(super) fn views_of(table: &Table) -> Vec<View> {
    let name = &table.mapping.table;
    let (base, typed) = (quote(&table.base_name()), table.quoted());
    vec![
        View::new(format!("{name}_raw"), &format!("SELECT id, properties FROM {base}")),
        View::new(format!("{name}_active"), &format!("SELECT * FROM {typed} WHERE archived = 0")),
    ]
}

/// The two views of a pair: one named and ordered from either side.
pub(super) fn pair_views(tables: &[Table], pair: &Pair) -> Vec<View> {
    let find = |object: &str| tables.iter().find(|table| table.object() == object);
    let (Some(from), Some(to)) = (find(&pair.from), find(&pair.to)) else {
        // The other object type is not mirrored: the rows of `associations` are there, a view would name no table.
        return Vec::new();
    };
    let own = pair.from == pair.to;
    let (from_id, to_id) = if own {
        (format!("from_{}_id", from.singular), format!("to_{}_id", to.singular))
    } else if from.singular == to.singular {
        // Two object types that the portal calls by one word: their tables have different names.
        (format!("{}_id", from.mapping.table), format!("{}_id", to.mapping.table))
    } else {
        (format!("{}_id", from.singular), format!("{}_id", to.singular))
    };
    let select = |first: (&str, &str), second: (&str, &str)| {
        format!(
            "SELECT a.{} AS {}, a.{} AS {},
                json_group_array(a.label) FILTER (WHERE a.label IS NOT NULL) AS labels,
                max(a.label IS 'Primary') AS is_primary
             FROM associations a
             {}
               AND NOT EXISTS (SELECT 1 FROM {} r WHERE r.id = a.from_id AND r.archived <> 0)
               AND NOT EXISTS (SELECT 1 FROM {} r WHERE r.id = a.to_id AND r.archived <> 0)
             GROUP BY a.from_id, a.to_id",
            first.0,
            quote(first.1),
            second.0,
            quote(second.1),
            rows_of(pair),
            from.quoted(),
            to.quoted(),
        )
    };
    let (one, other) = (&from.mapping.table, &to.mapping.table);
    let mut views = vec![View::new(format!("{one}_{other}"), &select(("from_id", &from_id), ("to_id", &to_id)))];
    if !own {
        views.push(View::new(format!("{other}_{one}"), &select(("to_id", &to_id), ("from_id", &from_id))));
    }
    views
}

/// Stands in the views of a pair, whatever its tables are called, and in no other view of ours.
fn rows_of(pair: &Pair) -> String {
    format!("WHERE a.from_object = {} AND a.to_object = {}", text(&pair.from), text(&pair.to))
}

/// Drops the views of a pair, as far as they are ours. Returns how many.
pub(super) fn drop_pair_views(connection: &Connection, pair: &Pair) -> Result<u64, StoreError> {
    let rows = rows_of(pair);
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY name")?;
    let views =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<Vec<(String, String)>, _>>()?;
    let mut named = connection
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND instr(lower(sql), lower(?1)) > 0")?;
    let mut dropped = 0;
    for (name, _) in views.iter().filter(|(_, sql)| View::is_ours(sql) && sql.contains(&rows)) {
        // A trigger on it would go with it; one that reads from it would stop every write to its own table.
        if named.exists([name])? {
            tracing::warn!("the view {name} shows what is mirrored no more, and stays: somebody's trigger names it");
            continue;
        }
        connection.execute_batch(&format!("DROP VIEW {}", quote(name)))?;
        dropped += 1;
    }
    Ok(dropped)
}

/// Makes these views what they should be.
pub(super) fn keep_views(connection: &Connection, views: &[View]) -> Result<(), StoreError> {
    views.iter().try_for_each(|view| keep(connection, view))
}

/// Makes a view, unless it is there as wanted, or its name is taken by something of a person's own.
fn keep(connection: &Connection, view: &View) -> Result<(), StoreError> {
    let View { name, sql: wanted } = view;
    let present: Option<(String, Option<String>)> = connection
        .prepare_cached("SELECT type, sql FROM sqlite_master WHERE type <> 'trigger' AND name = ?1 COLLATE NOCASE")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut hung_on_it = Vec::new();
    match present {
        None => {}
        Some((_, Some(sql))) if sql == *wanted => return Ok(()),
        Some((kind, Some(sql))) if kind == "view" && View::is_ours(&sql) => {
            // With a view go its triggers, and those are a person's.
            hung_on_it = triggers_on(connection, name)?;
            connection.execute_batch(&format!("DROP VIEW {}", quote(name)))?;
        }
        Some((kind, _)) => {
            tracing::warn!(
                "{name} is a {kind} of somebody's own and stays; the mirror's view of this name is not made"
            );
            return Ok(());
        }
    }
    connection.execute_batch(wanted)?;
    for trigger in hung_on_it {
        connection.execute_batch(&trigger)?;
    }
    Ok(())
}

fn triggers_on(connection: &Connection, view: &str) -> Result<Vec<String>, StoreError> {
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE")?;
    let triggers = statement.query_map([view], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(triggers)
}
