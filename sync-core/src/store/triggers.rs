//! The triggers of our tables: they guard what people may not write, and note what they touched.

use super::table::{quote, text};
use super::{StoreError, Table};
use rusqlite::{Connection, OptionalExtension};
use std::fmt::Write as _;

/// Nothing here is for the engine's own hand.
const BY_A_PERSON: &str = "(SELECT applying FROM sync_guard) = 0";

/// What the remote sets: column, what a new row has there, and why people may not write it.
const SET_BY_THE_REMOTE: [(&str, &str, &str); 5] = [
    ("created_at", "NULL", "created_at is set by the remote and cannot be changed"),
    ("updated_at", "NULL", "updated_at is set by the remote and cannot be changed"),
    ("archived_at", "NULL", "archived_at is set by the remote; to archive a record set archived = 1"),
    ("merged_into", "NULL", "merged_into is set when the remote merges records and cannot be changed"),
    ("state", "'local'", "state is kept by the engine; to archive a record set archived = 1"),
];

/// What makes a row this row.
const HANDLES: [(&str, &str); 3] = [
    ("id", "id is given by the remote and cannot be changed"),
    ("_row", "_row is the handle of this row and cannot be changed"),
    ("_uid", "_uid may be given on INSERT and cannot be changed afterwards"),
];

const OWN_KEY: &str = "_uid is a key of your own, text with more in it than digits: leave it out to be given one";
const ZERO_OR_ONE: &str = "archived is 0 or 1";

/// A trigger as it should be.
pub(super) struct Trigger {
    pub(super) name: String,
    /// The table it hangs on, unquoted.
    pub(super) table: String,
    /// Its text, as SQLite keeps it.
    pub(super) sql: String,
}

impl Trigger {
    fn new(table: &str, event: &str, rest: &str) -> Self {
        let name = name_of(table, event);
        Self { sql: format!("CREATE TRIGGER {} {rest}", quote(&name)), table: table.to_owned(), name }
    }
}

/// The names of every trigger that the engine makes on a table.
pub(super) fn names_on(table: &str) -> Vec<String> {
    let upper = ["INSERT", "UPDATE", "DELETE"].into_iter();
    ["key", "insert", "update", "delete"].into_iter().chain(upper).map(|event| name_of(table, event)).collect()
}

fn name_of(table: &str, event: &str) -> String {
    format!("sync_{table}_{event}")
}

/// The triggers that the mapping of a typed table asks for.
pub(super) fn triggers_of(table: &Table) -> [Trigger; 4] {
    let (plain, name, object) = (&table.mapping.table, table.quoted(), text(table.object()));
    let note = |side: &str| noted(&object, &format!("{side}._row"), &format!("{side}.id"));
    [
        // Before SQLite looks at NOT NULL itself, whose words say less.
        Trigger::new(
            plain,
            "key",
            &format!(
                "BEFORE INSERT ON {name} WHEN NEW._uid IS NULL AND {BY_A_PERSON} BEGIN SELECT RAISE(ABORT, {}); END",
                text(OWN_KEY)
            ),
        ),
        Trigger::new(
            plain,
            "insert",
            &format!(
                "AFTER INSERT ON {name} WHEN {BY_A_PERSON} BEGIN SELECT CASE {} END; {} END",
                guards_of_new_rows(table),
                note("NEW")
            ),
        ),
        Trigger::new(
            plain,
            "update",
            &format!(
                "AFTER UPDATE ON {name} WHEN {BY_A_PERSON} BEGIN SELECT CASE {} END; {} END",
                guards_of_changes(table),
                note("NEW")
            ),
        ),
        Trigger::new(plain, "delete", &format!("AFTER DELETE ON {name} WHEN {BY_A_PERSON} BEGIN {} END", note("OLD"))),
    ]
}

/// The triggers of the associations' table, which every mirror has.
pub(super) fn association_triggers() -> [Trigger; 3] {
    let note = |side: &str| noted("'associations'", &format!("{side}.rowid"), &format!("{side}.from_id"));
    // An update may take a row from one record to another: both are touched.
    let both = format!("{} {}", note("OLD"), note("NEW"));
    [("INSERT", note("NEW")), ("UPDATE", both), ("DELETE", note("OLD"))].map(|(event, note)| {
        let rest = format!("AFTER {event} ON associations WHEN {BY_A_PERSON} BEGIN {note} END");
        Trigger::new("associations", event, &rest)
    })
}

/// Makes the triggers of a typed table what its mapping asks for. Says whether they were not: then rows may have been
/// changed that nothing noted.
pub(super) fn keep_triggers(connection: &Connection, table: &Table) -> Result<bool, StoreError> {
    triggers_of(table).iter().try_fold(false, |made, trigger| Ok(made | keep(connection, trigger)?))
}

/// Drops the triggers of a typed table, because its columns are about to change.
pub(super) fn drop_triggers(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    for trigger in triggers_of(table) {
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS {}", quote(&trigger.name)))?;
    }
    Ok(())
}

/// Makes the triggers of the associations' table. Says whether they were not there as they should be.
pub(super) fn keep_association_triggers(connection: &Connection) -> Result<bool, StoreError> {
    association_triggers().iter().try_fold(false, |made, trigger| Ok(made | keep(connection, trigger)?))
}

fn noted(object: &str, handle: &str, id: &str) -> String {
    format!(
        "INSERT INTO sync_touched (object, row_handle, record_id, at)
         VALUES ({object}, {handle}, {id}, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));"
    )
}

/// Makes a trigger, unless it is there as wanted. SQLite keeps the text of a trigger as it was given, from its name on.
/// Says whether it was not.
fn keep(connection: &Connection, trigger: &Trigger) -> Result<bool, StoreError> {
    let Trigger { name, table, sql: wanted } = trigger;
    let present: Option<(String, String)> = connection
        .prepare_cached("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name = ?1 COLLATE NOCASE")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((on, sql)) = present {
        if sql == *wanted {
            return Ok(false);
        }
        if !on.eq_ignore_ascii_case(table) {
            return Err(StoreError::Altered {
                table: on,
                what: format!("it has a trigger {name}, and names that begin with sync_ are ours; rename it"),
            });
        }
        connection.execute_batch(&format!("DROP TRIGGER {}", quote(name)))?;
    }
    connection.execute_batch(wanted)?;
    Ok(true)
}

fn guards_of_new_rows(table: &Table) -> String {
    let mut guards = String::new();
    guard(
        &mut guards,
        &format!("NEW.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {} WHERE id = NEW.id)", quote(&table.base_name())),
        "no record with this id is known: leave id out to create a record, or run a pull first if it is new",
    );
    guard(&mut guards, "typeof(NEW._uid) <> 'text' OR NEW._uid NOT GLOB '*[^0-9]*'", OWN_KEY);
    guard(
        &mut guards,
        "NEW._uid GLOB 'r[0-9]*' AND substr(NEW._uid, 2) NOT GLOB '*[^0-9]*' AND NEW._uid IS NOT 'r' || NEW.id",
        "keys like r123 are the engine's; give the row another _uid, or leave it out",
    );
    guard(&mut guards, "NEW.archived IS NOT 0 AND NEW.archived IS NOT 1", ZERO_OR_ONE);
    // A row that names a known record may carry everything: tools write whole rows back, and a merge takes from them
    // only what people may write.
    for (column, fresh, why) in SET_BY_THE_REMOTE {
        guard(&mut guards, &format!("NEW.id IS NULL AND NEW.{column} IS NOT {fresh}"), why);
    }
    guard(
        &mut guards,
        "NEW.id IS NULL AND NEW.archived <> 0",
        "a new row has no record yet that could be archived; leave archived out",
    );
    for column in table.read_only_columns() {
        guard(&mut guards, &format!("NEW.id IS NULL AND NEW.{} IS NOT NULL", quote(column)), &read_only(column));
    }
    guards
}

fn guards_of_changes(table: &Table) -> String {
    let mut guards = String::new();
    let remote = SET_BY_THE_REMOTE.map(|(column, _, why)| (column, why));
    for (column, why) in HANDLES.into_iter().chain(remote) {
        guard(&mut guards, &format!("NEW.{column} IS NOT OLD.{column}"), why);
    }
    guard(
        &mut guards,
        "NEW.archived IS NOT OLD.archived AND NEW.archived IS NOT 0 AND NEW.archived IS NOT 1",
        ZERO_OR_ONE,
    );
    guard(
        &mut guards,
        "OLD.state IN ('archived', 'merged', 'missing') AND NEW.archived IS NOT OLD.archived",
        "a record that is archived, merged away or missing can be restored only on the remote's own pages",
    );
    for column in table.read_only_columns() {
        let quoted = quote(column);
        guard(&mut guards, &format!("NEW.{quoted} IS NOT OLD.{quoted}"), &read_only(column));
    }
    guards
}

fn read_only(column: &str) -> String {
    format!("{column} is read-only: it is calculated, or its mapping says direction: pull")
}

fn guard(guards: &mut String, refused: &str, why: &str) {
    // Writing to a String cannot fail.
    let _ = write!(guards, "WHEN {refused} THEN RAISE(ABORT, {}) ", text(why));
}
