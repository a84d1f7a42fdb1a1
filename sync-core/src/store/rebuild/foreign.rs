//! A tool's table, read row by row: what it says about records that are known becomes edits, and rows without an id become
//! new ones.

use super::ids::{self, Id, MISSING};
use super::mentioned::{mentioned, same};
use super::older::{Past, is_current, past};
use super::{Rebuilt, cells};
use crate::plan::merge::{Decision, Sides, Winner, decide};
use crate::store::apply::BOTH_CHANGED;
use crate::store::follow::set;
use crate::store::rows::{Applier, Base, LocalRow, shown};
use crate::store::runs::Conflict;
use crate::store::table::quote;
use crate::store::{ChangedRow, StoreError, Table, Write};
use mappings::Cell;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashSet;

/// Where a tool's table has what.
pub(super) struct Foreign {
    table: String,
    /// A name of SQLite's for the number of a row that no column has taken.
    number: &'static str,
    /// The columns, as the table calls them.
    columns: Vec<String>,
}

/// A row of a tool's table.
struct Found {
    number: i64,
    id: Id,
    updated_at: Option<String>,
    /// Whether it asks for an archive.
    archive: bool,
    handle: Option<i64>,
    uid: Option<String>,
    /// One for each mapped field; NULL where the table has no such column.
    cells: Vec<Cell<'static>>,
}

impl Foreign {
    /// The table that stands where ours should; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where it is something that cannot be read row by row.
    pub(super) fn of(connection: &Connection, table: &Table) -> Result<Option<Self>, StoreError> {
        let plain = &table.mapping.table;
        let present: Option<(String, Option<String>)> = connection
            .prepare_cached("SELECT type, sql FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type <> 'trigger'")?
            .query_row([plain], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((kind, sql)) = present else { return Ok(None) };
        let mut names = connection.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
        let columns: Vec<String> = names.query_map([plain], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let taken = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        let number = ["_rowid_", "rowid", "oid"].into_iter().find(|name| !taken(name));
        let plain_table =
            kind == "table" && !sql.unwrap_or_default().trim_start().to_lowercase().starts_with("create virtual");
        let number = number.filter(|number| {
            plain_table && connection.prepare(&format!("SELECT {number} FROM {} LIMIT 0", quote(plain))).is_ok()
        });
        match number {
            Some(number) => Ok(Some(Self { table: quote(plain), number, columns })),
            None => Err(StoreError::Unusable(format!(
                "{plain} is now a {} that cannot be read row by row, so nothing of it can be carried over: give it another \
                 name and run this again",
                if plain_table { "table" } else { "view or another kind of table" }
            ))),
        }
    }

    pub(super) fn has_ids(&self) -> bool {
        self.column("id").is_some()
    }

    fn column(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.eq_ignore_ascii_case(name)).map(String::as_str)
    }

    /// A column, or NULL where there is none.
    fn or_null(&self, name: &str) -> String {
        self.column(name).map_or_else(|| "NULL".to_owned(), quote)
    }

    /// The ids that stand in more than one row, however they are written.
    pub(super) fn repeated_ids(&self, connection: &Connection) -> Result<HashSet<String>, StoreError> {
        let id = self.or_null("id");
        let mut statement = connection.prepare(&format!(
            "SELECT CASE typeof({id}) WHEN 'real' THEN printf('%.0f', {id})
                    WHEN 'text' THEN CASE WHEN trim({id}) GLOB '[0-9]*.0' THEN substr(trim({id}), 1, instr(trim({id}), '.') - 1)
                                          ELSE trim({id}) END
                    ELSE CAST({id} AS TEXT) END AS key
             FROM {} WHERE {id} IS NOT NULL GROUP BY key HAVING count(*) > 1",
            self.table
        ))?;
        let mut rows = statement.query([])?;
        let mut repeated = HashSet::new();
        while let Some(row) = rows.next()? {
            if let Id::Known(id) = ids::read(row.get_ref(0)?) {
                repeated.insert(id);
            }
        }
        Ok(repeated)
    }

    /// Carries over what the next rows above a number say. Returns how many there were, and the last one's number.
    pub(super) fn carry_some(
        &self,
        applier: &mut Applier<'_>,
        (above, most): (i64, i64),
        repeated: &HashSet<String>,
        tally: &mut Rebuilt,
    ) -> Result<(u64, Option<i64>), StoreError> {
        let rows = self.rows(applier, above, most)?;
        let (count, last) = (rows.len() as u64, rows.last().map(|row| row.number));
        tally.found += count;
        for row in rows {
            match &row.id {
                _ if !self.has_ids() => tally.empty += 1,
                Id::None => add(applier, &row, tally)?,
                Id::Unreadable => tally.unreadable += 1,
                Id::Known(id) if repeated.contains(id) => tally.repeated += 1,
                Id::Known(id) => match (applier.base(id)?, applier.local_row(id)?) {
                    (Some(base), Some(local)) => carry(applier, id, &row, (&base, &local), tally)?,
                    _ => tally.unknown += 1,
                },
            }
        }
        Ok((count, last))
    }

    fn rows(&self, applier: &Applier<'_>, above: i64, most: i64) -> Result<Vec<Found>, StoreError> {
        let fields = &applier.table.mapping.fields;
        let columns: String = fields.iter().map(|field| format!(", {}", self.or_null(&field.column))).collect();
        let own = ["id", "updated_at", "archived", "state", "_row", "_uid"].map(|name| self.or_null(name)).join(", ");
        let sql = format!(
            "SELECT {0}, {own}{columns} FROM {1} WHERE {0} > ?1 ORDER BY {0} LIMIT ?2",
            self.number, self.table
        );
        let mut statement = applier.write.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([above, most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(found_in(row, fields.len())?);
        }
        Ok(found)
    }
}

fn found_in(row: &Row<'_>, fields: usize) -> Result<Found, StoreError> {
    let text = |place: usize| -> Result<Option<String>, StoreError> {
        match cells::read(row.get_ref(place)?) {
            Cell::Text(text) if !MISSING.contains(&text.trim()) => Ok(Some(text.into_owned())),
            _ => Ok(None),
        }
    };
    let state = text(4)?;
    let asks = matches!(ids::read(row.get_ref(3)?), Id::Known(flag) if flag == "1");
    let handle = match row.get_ref(5)? {
        ValueRef::Null => None,
        value => match ids::read(value) {
            Id::Known(handle) => handle.parse().ok().filter(|handle| *handle > 0),
            Id::None | Id::Unreadable => None,
        },
    };
    Ok(Found {
        number: row.get(0)?,
        id: ids::read(row.get_ref(1)?),
        updated_at: text(2)?,
        // A row of a record that was archived says so too, and asks for nothing; one that was replaced has a new row's state.
        archive: asks && state.is_some_and(|state| ["active", "archiving", "local"].contains(&state.as_str())),
        handle,
        uid: text(6)?.filter(|uid| uid.bytes().any(|byte| !byte.is_ascii_digit())),
        cells: (0..fields).map(|place| Ok(cells::read(row.get_ref(place + 7)?))).collect::<Result<_, StoreError>>()?,
    })
}

/// What a row says about a record: values that differ become edits of ours.
fn carry(
    applier: &mut Applier<'_>,
    id: &str,
    row: &Found,
    (base, local): (&Base, &LocalRow),
    tally: &mut Rebuilt,
) -> Result<(), StoreError> {
    let (write, table) = (applier.write, applier.table);
    let current = is_current(row.updated_at.as_deref(), base.updated_at);
    let mut edits = 0;
    for (place, field) in table.mapping.fields.iter().enumerate() {
        let (theirs, ours) = (&row.cells[place], &local.cells[place]);
        if !field.is_pushed() || same(field, theirs, ours) {
            continue;
        }
        let Some(wanted) = mentioned(field, theirs.clone()) else { continue };
        if !current {
            match past(write, table.object(), id, field, theirs)? {
                Past::Was => {
                    tally.outdated += 1;
                    continue;
                }
                Past::Moved(before) => {
                    tally.conflicts += 1;
                    let sides = Sides { local_changed: true, remote_changed: true, same: false };
                    let Decision::Conflict(winner) = decide(sides, field.policy, None) else { continue };
                    let wire = |cell: &Cell<'_>| field.to_wire(cell).ok().flatten().or_else(|| shown(cell));
                    let wires = table.wires(&base.properties)?;
                    let (object, remote_at) = (table.object(), base.updated_at);
                    let conflict = Conflict { object, id, property: &field.property, remote_at, kind: BOTH_CHANGED };
                    write.note_conflict(
                        &conflict,
                        [before.as_deref(), wire(&wanted).as_deref(), wires[place].as_deref()],
                        winner,
                    )?;
                    if winner == Winner::Remote {
                        continue;
                    }
                }
                Past::Still => {}
            }
        }
        set(write, &table.quoted(), &field.column, local.row, &wanted)?;
        edits += 1;
    }
    keep_key(write, table, row, local)?;
    let archive = row.archive && base.state == "active";
    if archive {
        set(write, &table.quoted(), "archived", local.row, &Cell::Integer(1))?;
        tally.archives += 1;
    }
    tally.values += edits;
    tally.edited += u64::from(edits > 0);
    if edits > 0 || archive {
        note(write, table, ChangedRow { row: local.row, id: Some(id.to_owned()) }, tally)?;
    }
    Ok(())
}

/// The key of a row that a person made may be known to other programs.
fn keep_key(write: &Write<'_>, table: &Table, row: &Found, local: &LocalRow) -> Result<(), StoreError> {
    let Some(uid) = row.uid.as_deref().filter(|uid| *uid != local.uid && !is_engines(uid)) else { return Ok(()) };
    write
        .connection
        .prepare_cached(&format!("UPDATE OR IGNORE {} SET _uid = ?2 WHERE _row = ?1", table.quoted()))?
        .execute(params![local.row, uid])?;
    Ok(())
}

/// A row without a record, if it holds anything.
fn add(applier: &Applier<'_>, row: &Found, tally: &mut Rebuilt) -> Result<(), StoreError> {
    let (write, table) = (applier.write, applier.table);
    let name = table.quoted();
    let mut values = Vec::new();
    for (field, cell) in table.mapping.fields.iter().zip(&row.cells).filter(|(field, _)| field.is_pushed()) {
        if let Some(wanted) = mentioned(field, cell.clone()) {
            values.push((&field.column, wanted));
        }
    }
    if values.is_empty() {
        tally.empty += 1;
        return Ok(());
    }
    let free = |column: &str| write.connection.prepare_cached(&format!("SELECT 1 FROM {name} WHERE {column} = ?1"));
    let mut handle = row.handle;
    if handle.is_some() && free("_row")?.exists([handle])? {
        handle = None;
    }
    let mut uid = row.uid.as_deref().filter(|uid| !is_engines(uid));
    if uid.is_some() && free("_uid")?.exists([uid])? {
        uid = None;
    }
    write
        .connection
        .prepare_cached(&format!(
            "INSERT INTO {name} (_row, _uid) VALUES (?1, coalesce(?2, 'u' || lower(hex(randomblob(16)))))"
        ))?
        .execute(params![handle, uid])?;
    let made = write.connection.last_insert_rowid();
    for (column, value) in values {
        set(write, &name, column, made, &value)?;
    }
    tally.created += 1;
    note(write, table, ChangedRow { row: made, id: None }, tally)
}

/// Keys like `r123` are the engine's.
fn is_engines(uid: &str) -> bool {
    uid.strip_prefix('r').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn note(write: &Write<'_>, table: &Table, row: ChangedRow, tally: &mut Rebuilt) -> Result<(), StoreError> {
    let mut touched = write.connection.prepare_cached(
        "SELECT 1 FROM sync_touched WHERE object = ?1 AND record_id IS ?2 AND (?2 IS NOT NULL OR row_handle = ?3)",
    )?;
    tally.touched_found += u64::from(touched.exists(params![table.object(), row.id, row.row])?);
    write.note_changed(table, &[row])?;
    Ok(())
}
