//! Makes the tables, triggers, views and indexes of the mapped object types, and notices when somebody altered them.

use super::table::{quote, text};
use super::reproject::reproject;
use super::{PATIENCE, Pair, Store, StoreError, Table};
use mappings::ResolvedMapping;
use rusqlite::{Connection, OptionalExtension, params};
use std::fmt::Write as _;
use std::sync::Arc;

/// Whether people look records up by this column: those of owners, pipelines and stages, as mappings call them.
fn looked_up(column: &str) -> bool {
    column == "pipeline" || column.ends_with("owner_id") || column == "stage" || column.ends_with("_stage")
}

impl Store {
    /// Makes what is missing of these tables and keeps them for the run. All or nothing.
    ///
    /// # Errors
    /// [`StoreError::MappingChanged`] when a table was made with another mapping, [`StoreError::Altered`] when
    /// somebody replaced one.
    pub fn prepare(&mut self, tables: Vec<Table>) -> Result<(), StoreError> {
        // Before any walk: waiting here, on the store's own thread, holds nobody up.
        self.connection.busy_timeout(PATIENCE)?;
        let begun = self.begin();
        self.connection.busy_timeout(std::time::Duration::ZERO)?;
        begun?;
        let made = make_all(&self.connection, &tables);
        match made {
            Ok(()) => self.connection.execute_batch("COMMIT")?,
            Err(error) => {
                self.connection.execute_batch("ROLLBACK")?;
                return Err(error);
            }
        }
        self.tables = tables.into_iter().map(|table| (table.object().to_owned(), Arc::new(table))).collect();
        Ok(())
    }
}

fn make_all(connection: &Connection, tables: &[Table]) -> Result<(), StoreError> {
    for table in tables {
        make(connection, table)?;
    }
    for table in tables {
        for pair in table.outgoing() {
            make_pair_views(connection, tables, pair)?;
        }
    }
    make_association_triggers(connection)
}

fn make(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    let mapping = &table.mapping;
    let fingerprint = mapping.fingerprint();
    let columns: Vec<String> = mapping.fields.iter().map(|field| field.column.clone()).collect();
    match Made::read(connection, &mapping.object)? {
        None => {
            refuse_a_strangers_table(connection, mapping)?;
            connection.execute_batch(&tables_of(table))?;
            connection.execute(
                "INSERT INTO sync_objects (object, table_name, mapping_fingerprint, mapped_columns)
                 VALUES (?1, ?2, ?3, ?4)",
                params![mapping.object, mapping.table, fingerprint, names_as_json(&columns)],
            )?;
        }
        Some(made) => {
            check_columns(connection, &made.table, &made.columns)?;
            if made.fingerprint != fingerprint {
                reproject(connection, table, &made)?;
                connection.execute(
                    "UPDATE sync_objects SET mapping_fingerprint = ?2, mapped_columns = ?3 WHERE object = ?1",
                    params![mapping.object, fingerprint, names_as_json(&columns)],
                )?;
            }
        }
    }
    connection.execute_batch(&triggers_of(table))?;
    connection.execute_batch(&views_of(table))?;
    Ok(())
}

fn refuse_a_strangers_table(connection: &Connection, mapping: &ResolvedMapping) -> Result<(), StoreError> {
    let taken: Option<String> = connection
        .query_row("SELECT type FROM sqlite_master WHERE name = ?1 COLLATE NOCASE", [&mapping.table], |row| row.get(0))
        .optional()?;
    match taken {
        None => Ok(()),
        Some(kind) => Err(StoreError::Altered {
            table: mapping.table.clone(),
            what: format!("a {kind} of this name was there before; rename it, or give the mapping another `table`"),
        }),
    }
}

/// A table that was dropped and made anew by a tool has other columns, or no `_row`.
fn check_columns(connection: &Connection, table: &str, mapped: &[String]) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let present: Vec<String> = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let own = ["id", "created_at", "updated_at", "archived", "archived_at", "merged_into", "state", "_row", "_uid"];
    let wanted = own.iter().copied().chain(mapped.iter().map(String::as_str));
    let absent: Vec<&str> = wanted.filter(|column| !present.iter().any(|there| there == column)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let what = if present.is_empty() {
        "it is gone".to_owned()
    } else {
        format!("it no longer has the columns {}", absent.join(", "))
    };
    Err(StoreError::Altered { table: table.to_owned(), what })
}

fn names_as_json(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

/// What a table was made with.
pub(super) struct Made {
    pub(super) table: String,
    fingerprint: String,
    pub(super) columns: Vec<String>,
}

impl Made {
    fn read(connection: &Connection, object: &str) -> Result<Option<Self>, StoreError> {
        let read = connection
            .query_row(
                "SELECT table_name, mapping_fingerprint, mapped_columns FROM sync_objects WHERE object = ?1",
                [object],
                |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)),
            )
            .optional()?;
        let Some((table, fingerprint, columns)) = read else { return Ok(None) };
        let columns = serde_json::from_str(&columns).map_err(|_| StoreError::Altered {
            table: "sync_objects".to_owned(),
            what: format!("its note of the columns of {object} cannot be read"),
        })?;
        Ok(Some(Self { table, fingerprint, columns }))
    }
}

fn tables_of(table: &Table) -> String {
    let mapping = &table.mapping;
    let (name, base) = (table.quoted(), quote(&table.base_name()));
    let mut columns = String::new();
    for field in &mapping.fields {
        let _ = write!(columns, "{} {}, ", quote(&field.column), field.column_type.sql_type());
    }
    let mut sql = format!(
        "CREATE TABLE {name} (
            id TEXT UNIQUE, {columns}
            created_at TEXT, updated_at TEXT, archived INTEGER NOT NULL DEFAULT 0, archived_at TEXT, merged_into TEXT,
            state TEXT NOT NULL DEFAULT 'local', _row INTEGER PRIMARY KEY AUTOINCREMENT,
            _uid TEXT NOT NULL UNIQUE DEFAULT ('u' || lower(hex(randomblob(16))))
        );
        CREATE TABLE {base} (
            _row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, archived INTEGER NOT NULL, archived_at INTEGER, merged_into TEXT,
            state TEXT NOT NULL, row_hash INTEGER NOT NULL, properties TEXT NOT NULL
        );"
    );
    sql += &indexes_of(mapping);
    sql
}

/// Our indexes, as far as they are not there.
pub(super) fn indexes_of(mapping: &ResolvedMapping) -> String {
    let mut indexed: Vec<&str> = vec!["updated_at"];
    for field in &mapping.fields {
        let key = mapping.key.as_ref() == Some(&field.property) || mapping.unique.as_ref() == Some(&field.property);
        if key || looked_up(&field.column) {
            indexed.push(&field.column);
        }
    }
    let name = quote(&mapping.table);
    indexed.into_iter().fold(String::new(), |mut sql, column| {
        let _ = write!(sql, "CREATE INDEX IF NOT EXISTS {} ON {name} ({});", index_name(&mapping.table, column), quote(column));
        sql
    })
}

/// The name of our index on a column, quoted.
pub(super) fn index_name(table: &str, column: &str) -> String {
    quote(&format!("{table}_by_{column}"))
}

/// One trigger for each event: it guards what people may not write and notes what they touched.
fn triggers_of(table: &Table) -> String {
    let (name, base, object) = (table.quoted(), quote(&table.base_name()), text(table.object()));
    let asleep = "WHEN (SELECT applying FROM sync_guard) = 0";
    let note = |side: &str| {
        format!(
            "INSERT INTO sync_touched (object, row_handle, record_id, at)
             VALUES ({object}, {side}._row, {side}.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));"
        )
    };
    let trigger = |event: &str| quote(&format!("sync_{}_{event}", table.mapping.table));
    format!(
        "CREATE TRIGGER IF NOT EXISTS {insert} AFTER INSERT ON {name} {asleep} BEGIN
            SELECT CASE WHEN NEW.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {base} WHERE id = NEW.id)
                THEN RAISE(ABORT, {unknown_id}) END;
            {note_new}
        END;
        CREATE TRIGGER IF NOT EXISTS {update} AFTER UPDATE ON {name} {asleep} BEGIN
            SELECT CASE {guards} END;
            {note_new}
        END;
        CREATE TRIGGER IF NOT EXISTS {delete} AFTER DELETE ON {name} {asleep} BEGIN
            {note_old}
        END;",
        insert = trigger("insert"),
        update = trigger("update"),
        delete = trigger("delete"),
        unknown_id = text(
            "no record with this id is known: leave id out to create a record, or run a pull first if it is new"
        ),
        guards = guards_of(table),
        note_new = note("NEW"),
        note_old = note("OLD"),
    )
}

fn guards_of(table: &Table) -> String {
    let mut guards = String::new();
    let own = [
        ("id", "id is given by the remote and cannot be changed"),
        ("created_at", "created_at is set by the remote and cannot be changed"),
        ("updated_at", "updated_at is set by the remote and cannot be changed"),
        ("archived_at", "archived_at is set by the remote; to archive a record set archived = 1"),
        ("merged_into", "merged_into is set when the remote merges records and cannot be changed"),
        ("state", "state is kept by the engine; to archive a record set archived = 1"),
        ("_row", "_row is the handle of this row and cannot be changed"),
        ("_uid", "_uid may be given on INSERT and cannot be changed afterwards"),
    ];
    for (column, why) in own {
        let _ = write!(guards, "WHEN NEW.{column} IS NOT OLD.{column} THEN RAISE(ABORT, {}) ", text(why));
    }
    let _ = write!(
        guards,
        "WHEN OLD.archived_at IS NOT NULL AND NEW.archived IS NOT OLD.archived THEN RAISE(ABORT, {}) ",
        text("an archived record can be restored only on the remote's own pages")
    );
    for column in table.read_only_columns() {
        let why = format!("{column} is read-only: it is calculated, or its mapping says direction: pull");
        let (column, why) = (quote(column), text(&why));
        let _ = write!(guards, "WHEN NEW.{column} IS NOT OLD.{column} THEN RAISE(ABORT, {why}) ");
    }
    guards
}

fn views_of(table: &Table) -> String {
    let name = &table.mapping.table;
    let (raw, active) = (quote(&format!("{name}_raw")), quote(&format!("{name}_active")));
    format!(
        "CREATE VIEW IF NOT EXISTS {raw} AS SELECT id, properties FROM {base};
         CREATE VIEW IF NOT EXISTS {active} AS SELECT * FROM {table} WHERE archived = 0;",
        base = quote(&table.base_name()),
        table = table.quoted(),
    )
}

/// The two views of a pair: one named and ordered from either side.
fn make_pair_views(connection: &Connection, tables: &[Table], pair: &Pair) -> Result<(), StoreError> {
    let find = |object: &str| tables.iter().find(|table| table.object() == object);
    let (Some(from), Some(to)) = (find(&pair.from), find(&pair.to)) else {
        // The other object type is not mirrored: the rows of `associations` are there, a view would name no table.
        return Ok(());
    };
    let own = pair.from == pair.to;
    let (from_id, to_id) = if own {
        (format!("from_{}_id", from.singular), format!("to_{}_id", to.singular))
    } else {
        (format!("{}_id", from.singular), format!("{}_id", to.singular))
    };
    let select = |first: (&str, &str), second: (&str, &str)| {
        format!(
            "SELECT a.{} AS {}, a.{} AS {},
                json_group_array(a.label) FILTER (WHERE a.label IS NOT NULL) AS labels,
                max(a.label IS 'Primary') AS is_primary
             FROM associations a
             WHERE a.from_object = {} AND a.to_object = {}
               AND NOT EXISTS (SELECT 1 FROM {} r WHERE r.id = a.from_id AND r.archived <> 0)
               AND NOT EXISTS (SELECT 1 FROM {} r WHERE r.id = a.to_id AND r.archived <> 0)
             GROUP BY a.from_id, a.to_id",
            first.0,
            quote(first.1),
            second.0,
            quote(second.1),
            text(&pair.from),
            text(&pair.to),
            from.quoted(),
            to.quoted(),
        )
    };
    let name = quote(&format!("{}_{}", from.mapping.table, to.mapping.table));
    let body = select(("from_id", &from_id), ("to_id", &to_id));
    connection.execute_batch(&format!("CREATE VIEW IF NOT EXISTS {name} AS {body};"))?;
    if !own {
        let name = quote(&format!("{}_{}", to.mapping.table, from.mapping.table));
        let body = select(("to_id", &to_id), ("from_id", &from_id));
        connection.execute_batch(&format!("CREATE VIEW IF NOT EXISTS {name} AS {body};"))?;
    }
    Ok(())
}

fn make_association_triggers(connection: &Connection) -> Result<(), StoreError> {
    let mut sql = String::new();
    for (event, side) in [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")] {
        let _ = write!(
            sql,
            "CREATE TRIGGER IF NOT EXISTS sync_associations_{event} AFTER {event} ON associations
             WHEN (SELECT applying FROM sync_guard) = 0 BEGIN
                INSERT INTO sync_touched (object, row_handle, record_id, at)
                VALUES ('associations', {side}.rowid, {side}.from_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
             END;",
        );
    }
    connection.execute_batch(&sql)?;
    Ok(())
}
