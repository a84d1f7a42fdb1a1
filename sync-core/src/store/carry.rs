//! Fills the new columns of a table row by row: from the base where nobody edited, from the edit where somebody did.

use super::cells::{self, RowHasher};
use super::ddl::Made;
use super::reproject::{Plan, Progress, waiting_column};
use super::rows::shown;
use super::table::quote;
use super::{StoreError, Table, Write};
use crate::model::Properties;
use mappings::{Cell, Field};
use rusqlite::{CachedStatement, params};
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Rows read at once.
const ROWS: i64 = 200;
/// How long one transaction may write.
const LONGEST: Duration = Duration::from_millis(100);
/// The rejects of edits that a changed mapping left without a place.
pub(super) const MAPPING_CHANGED: &str = "MAPPING_CHANGED";

impl Write<'_> {
    /// Fills the new columns of the next rows. Returns how many rows were filled, 0 at the end.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn reproject_some(&self, table: &Table) -> Result<u64, StoreError> {
        let (made, progress) = self.reprojecting(table)?;
        let plan = Plan::of(table, &made)?;
        let (began, mut carrier) = (Instant::now(), Carrier::new(self, table, &plan)?);
        let (mut position, mut filled) = (progress.position, 0);
        loop {
            let handles = self.rows_after(table, position)?;
            for handle in &handles {
                carrier.carry(*handle)?;
            }
            position = handles.last().copied().unwrap_or(position);
            filled += handles.len() as u64;
            if handles.is_empty() || began.elapsed() >= LONGEST || filled >= 2_000 {
                break;
            }
        }
        self.connection
            .prepare_cached("UPDATE sync_reprojections SET position = ?2 WHERE object = ?1")?
            .execute(params![table.object(), position])?;
        Ok(filled)
    }

    /// Fills the new columns of rows that people wrote or touched meanwhile once more.
    pub(super) fn catch_up(&self, table: &Table, plan: &Plan, progress: &Progress) -> Result<(), StoreError> {
        let mut carrier = Carrier::new(self, table, plan)?;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT DISTINCT row_handle FROM sync_touched WHERE object = ?1 AND seq > ?2 AND row_handle IS NOT NULL
             UNION SELECT _row FROM {} WHERE _row > ?3",
            table.quoted()
        ))?;
        let handles: Vec<i64> = statement
            .query_map(params![table.object(), progress.touched, progress.position], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for handle in handles {
            carrier.carry(handle)?;
        }
        Ok(())
    }

    /// How a table was made, and how far it has come.
    pub(super) fn reprojecting(&self, table: &Table) -> Result<(Made, Progress), StoreError> {
        let made = Made::read(self.connection, table.object())?;
        let progress = Progress::read(self.connection, table.object(), &table.mapping.fingerprint())?;
        made.zip(progress)
            .ok_or_else(|| StoreError::Unusable(format!("no change of the mapping of {} was begun", table.object())))
    }

    fn rows_after(&self, table: &Table, position: i64) -> Result<Vec<i64>, StoreError> {
        let sql = format!("SELECT _row FROM {} WHERE _row > ?1 ORDER BY _row LIMIT ?2", table.quoted());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let handles = statement.query_map([position, ROWS], |row| row.get(0))?;
        Ok(handles.collect::<Result<_, _>>()?)
    }
}

/// Writes one row after the other.
struct Carrier<'w> {
    write: &'w Write<'w>,
    table: &'w Table,
    plan: &'w Plan,
    /// Where each property stands among the values of a base: the new fields first, then the old ones that go.
    places: HashMap<String, usize>,
    read: CachedStatement<'w>,
    fill: Option<CachedStatement<'w>>,
    note_hash: CachedStatement<'w>,
    hasher: RowHasher,
}

/// A row as it stands.
struct Row {
    id: Option<String>,
    uid: String,
    /// What the old columns hold.
    cells: Vec<Cell<'static>>,
    base: Option<RowBase>,
}

struct RowBase {
    replaced: bool,
    /// Whether the row is as the engine left it, by its hash.
    as_left: bool,
    archived: bool,
    properties: Properties,
}

impl<'w> Carrier<'w> {
    fn new(write: &'w Write<'w>, table: &'w Table, plan: &'w Plan) -> Result<Self, StoreError> {
        let fields = &table.mapping.fields;
        let mut places: HashMap<String, usize> =
            fields.iter().enumerate().map(|(place, field)| (field.property.clone(), place)).collect();
        for change in plan.changes.iter().filter(|change| change.new.is_none()) {
            let (next, Some(old)) = (places.len(), change.old) else { continue };
            places.insert(plan.old[old].property.clone(), next);
        }
        let columns: String = plan.old.iter().map(|old| format!(", r.{}", quote(&old.column))).collect();
        let (name, base) = (table.quoted(), quote(&table.base_name()));
        let settings: Vec<String> = plan
            .changes
            .iter()
            .filter_map(|change| change.new)
            .zip(2..)
            .map(|(place, parameter)| format!("{} = ?{parameter}", quote(&waiting_column(place))))
            .collect();
        let prepare = |sql: &str| write.connection.prepare_cached(sql);
        let fill = if settings.is_empty() {
            None
        } else {
            Some(prepare(&format!("UPDATE {name} SET {} WHERE _row = ?1", settings.join(", ")))?)
        };
        Ok(Self {
            write,
            table,
            plan,
            places,
            read: prepare(&format!(
                "SELECT r.id, r._uid, b._row, b.archived, b.properties, b.row_hash{columns}, r.archived
                 FROM {name} r LEFT JOIN {base} b ON b.id = r.id WHERE r._row = ?1"
            ))?,
            fill,
            note_hash: prepare(&format!("UPDATE {base} SET row_hash = ?2 WHERE id = ?1"))?,
            hasher: RowHasher::default(),
        })
    }

    fn carry(&mut self, handle: i64) -> Result<(), StoreError> {
        let Some(row) = self.row(handle)? else { return Ok(()) };
        let mut wires: Vec<Option<Cow<'_, str>>> = vec![None; self.places.len()];
        if let Some(base) = &row.base {
            for (place, value) in base.properties.placed(&self.places)? {
                wires[place] = value;
            }
        }
        let mut filled = Vec::with_capacity(self.plan.changes.len());
        for change in &self.plan.changes {
            let mine = change.old.map_or(&Cell::Null, |place| &row.cells[place]);
            let older = change.old.is_some_and(|place| self.plan.older[place]);
            let old = change.old.map(|place| &self.plan.old[place]);
            let new = change.new.map(|place| &self.table.mapping.fields[place]);
            let Some(property) = new.or(old).map(|field| field.property.as_str()) else { continue };
            let wire = self.places.get(property).and_then(|place| wires[*place].as_deref());
            let carried = match old.filter(|old| is_edited(old, older, mine, wire, &row)) {
                None => Carried::Agreed,
                Some(old) => Carried::of(old, new, mine),
            };
            if let Carried::Reject(why) = &carried {
                self.reject(&row, property, mine, old, why)?;
            }
            if let Some(new) = new {
                filled.push(match carried {
                    Carried::Edit(cell) => cell,
                    Carried::Agreed | Carried::Reject(_) => owned(new.project(wire).cell),
                });
            }
        }
        if let Some(fill) = &mut self.fill {
            fill.raw_bind_parameter(1, handle)?;
            for (place, cell) in filled.iter().enumerate() {
                cells::bind(fill, place + 2, cell)?;
            }
            fill.raw_execute()?;
        }
        if let (Some(base), Some(id)) = (&row.base, &row.id) {
            for (place, field) in self.table.mapping.fields.iter().enumerate() {
                self.hasher.cell(&field.project(wires[place].as_deref()).cell);
            }
            self.hasher.cell(&Cell::Integer(i64::from(base.archived)));
            self.note_hash.execute(params![id, self.hasher.finish()])?;
        }
        Ok(())
    }

    fn row(&mut self, handle: i64) -> Result<Option<Row>, StoreError> {
        let mut rows = self.read.query([handle])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let count = self.plan.old.len();
        for place in 0..=count {
            self.hasher.value(row.get_ref(place + 6)?);
        }
        let hash = self.hasher.finish();
        let base = match row.get::<_, Option<i64>>(2)? {
            None => None,
            Some(at) => Some(RowBase {
                replaced: at != handle,
                as_left: at == handle && row.get::<_, i64>(5)? == hash,
                archived: row.get(3)?,
                properties: Properties::from_json(row.get::<_, String>(4)?),
            }),
        };
        let cells =
            (0..count).map(|place| Ok(cells::read(row.get_ref(place + 6)?))).collect::<Result<_, StoreError>>()?;
        Ok(Some(Row { id: row.get(0)?, uid: row.get(1)?, cells, base }))
    }

    /// Keeps an edit that has no place any more where a person can find it; once, however often the row is carried.
    fn reject(
        &self,
        row: &Row,
        property: &str,
        mine: &Cell<'_>,
        old: Option<&Field>,
        why: &str,
    ) -> Result<(), StoreError> {
        let wire = old.and_then(|old| old.to_wire(mine).ok().flatten()).or_else(|| shown(mine));
        let properties = serde_json::json!({ property: wire }).to_string();
        let (object, now) = (self.table.object(), self.write.now.to_string());
        let operation = if row.base.is_some() { "update" } else { "create" };
        self.write
            .connection
            .prepare_cached(
                "DELETE FROM sync_rejects WHERE object = ?1 AND uid = ?2 AND category = ?3
                 AND (SELECT key FROM json_each(properties)) = ?4",
            )?
            .execute(params![object, row.uid, MAPPING_CHANGED, property])?;
        self.write
            .connection
            .prepare_cached(
                "INSERT INTO sync_rejects (object, record_id, uid, operation, properties, category, message, attempts,
                 first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8)",
            )?
            .execute(params![object, row.id, row.uid, operation, properties, MAPPING_CHANGED, why, now])?;
        Ok(())
    }
}

/// What becomes of a cell.
enum Carried {
    /// Nobody edited it: it shows what both sides agreed on.
    Agreed,
    /// The edit, as the new column shows it.
    Edit(Cell<'static>),
    /// The edit has no place any more, and why.
    Reject(String),
}

impl Carried {
    fn of(old: &Field, new: Option<&Field>, mine: &Cell<'_>) -> Self {
        let Some(new) = new else {
            return Self::Reject(format!("the mapping no longer has the column {}", old.column));
        };
        if !new.is_pushed() {
            return Self::Reject(format!("the column {} is no longer sent", new.column));
        }
        match old.to_wire(mine) {
            Ok(wire) => {
                let projection = new.project(wire.as_deref());
                if projection.outside {
                    return Self::Reject(format!("the column {} cannot show this value any more", new.column));
                }
                Self::Edit(owned(projection.cell))
            }
            // What could not be sent before cannot be now; where the column is of the same type it stays as it is.
            Err(_) if old.column_type == new.column_type => Self::Edit(owned(mine.clone())),
            Err(error) => Self::Reject(error.to_string()),
        }
    }
}

fn is_edited(old: &Field, older: bool, mine: &Cell<'_>, wire: Option<&str>, row: &Row) -> bool {
    match &row.base {
        // A row that is to be created: what it holds is a person's.
        None => *mine != Cell::Null,
        // A replaced row's NULL means "not mentioned".
        Some(base) if base.as_left => false,
        // Nor is it known of a NULL that an older program showed whether it stood for a value.
        Some(base) if (base.replaced || older) && *mine == Cell::Null => false,
        Some(_) => old.is_pushed() && !old.same_cell(mine, &old.project(wire).cell),
    }
}

fn owned(cell: Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Null => Cell::Null,
        Cell::Integer(number) => Cell::Integer(number),
        Cell::Real(number) => Cell::Real(number),
        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
    }
}
