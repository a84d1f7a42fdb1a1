//! What people changed in a table: rows compared with their bases, field by field.
//!
//! Triggers only say where to look. A field counts as changed where its cell is not what the base projects to; a
//! record with something unsettled at the remote, a field whose conflict waits for a person, and what was refused and is
//! still the same are left alone.

use super::carry::MAPPING_CHANGED;
use super::follow::follow;
use super::rows::{Applier, LocalRow, shown};
use super::table::quote;
use super::{Store, StoreError, Table, Write};
use crate::model::RecordId;
use crate::plan::changes::{FieldChange, Operation, RowChange, RowPlan, Unsendable};
use mappings::{Cell, Deletes, Field};
use rusqlite::params;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A row that may have been changed: by its record where it has one, else by its handle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suspect {
    /// Its record.
    pub id: Option<String>,
    /// Its handle when somebody touched it.
    pub row: i64,
}

/// What is to be pushed of some rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plans {
    /// Row by row; none of rows that turned out to be as the engine left them.
    pub rows: Vec<(Suspect, RowPlan)>,
    /// Rows that had been deleted and came back.
    pub returned: u64,
}

/// What keeps changes from being pushed, by record or by the key of a row without one.
#[derive(Default)]
pub struct Waiting {
    /// Rows with something unsettled at the remote.
    unsettled: HashSet<i64>,
    /// Their records, or else their keys: a row may have been replaced since.
    unsettled_records: HashSet<String>,
    unsettled_keys: HashSet<String>,
    /// Properties whose conflict is held.
    held: HashMap<String, HashSet<String>>,
    /// What was refused.
    refused: HashMap<String, Vec<Refused>>,
}

/// Something that was refused.
struct Refused {
    operation: String,
    /// The properties with their values.
    properties: BTreeMap<String, Option<String>>,
    /// Whether a person gave it up, so that it waits for nobody.
    dropped: bool,
}

impl Store {
    /// The rows of a table that somebody touched.
    pub fn suspects(&self, object: &str) -> Result<Vec<Suspect>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT record_id, max(row_handle) FROM sync_touched WHERE object = ?1
                 GROUP BY record_id, CASE WHEN record_id IS NULL THEN row_handle END ORDER BY 2",
        )?;
        let found = statement.query_map([object], |row| Ok(Suspect { id: row.get(0)?, row: row.get(1)? }))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Those of them whose records were merged away: their edits go to other records, which are suspects then.
    pub fn merged_suspects(&self, table: &Table) -> Result<Vec<Suspect>, StoreError> {
        let sql = format!(
            "SELECT t.record_id, max(t.row_handle) FROM sync_touched t JOIN {} b ON b.id = t.record_id
             WHERE t.object = ?1 AND b.state = 'merged' GROUP BY 1",
            quote(&table.base_name())
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map([table.object()], |row| Ok(Suspect { id: row.get(0)?, row: row.get(1)? }))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// How many rows of a table hold a value in each of these columns.
    pub fn filled(&self, table: &Table, columns: &[String]) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut filled = BTreeMap::new();
        for column in columns {
            let sql = format!("SELECT count({}) FROM {}", quote(column), table.quoted());
            let count: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
            filled.insert(column.clone(), count.unsigned_abs());
        }
        Ok(filled)
    }
}

impl Write<'_> {
    /// What keeps changes of these rows from being pushed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn waiting(&self, table: &Table, suspects: &[Suspect]) -> Result<Waiting, StoreError> {
        let object = table.object();
        let mut waiting = Waiting::default();
        let mut unsettled = self.connection.prepare_cached(
            "SELECT row_handle, record_id, uid FROM sync_journal WHERE object = ?1 AND settled_at IS NULL",
        )?;
        for row in unsettled.query_map([object], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
            let (row, id, uid): (i64, Option<String>, String) = row?;
            waiting.unsettled.insert(row);
            match id {
                Some(id) => waiting.unsettled_records.insert(id),
                None => waiting.unsettled_keys.insert(uid),
            };
        }
        let ids: Vec<&str> = suspects.iter().filter_map(|suspect| suspect.id.as_deref()).collect();
        let ids = serde_json::Value::from(ids).to_string();
        let mut held = self.connection.prepare_cached(
            "SELECT record_id, property FROM sync_conflicts WHERE object = ?1 AND resolved_at IS NULL
             AND chosen = 'held' AND record_id IN (SELECT value FROM json_each(?2))",
        )?;
        for row in held.query_map([object, &ids], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))? {
            let (id, property) = row?;
            waiting.held.entry(id).or_default().insert(property);
        }
        let new: Vec<i64> = suspects.iter().filter(|suspect| suspect.id.is_none()).map(|suspect| suspect.row).collect();
        let new = serde_json::Value::from(new).to_string();
        // There may be ten thousands of rejects, and a batch is a hundred rows. What a changed mapping left over was not
        // refused by anybody.
        let mut refused = self.connection.prepare_cached(&format!(
            "SELECT record_id, operation, coalesce(properties, '{{}}'), dropped IS NOT NULL FROM sync_rejects
             WHERE object = ?1 AND retry = 0 AND category IS NOT '{MAPPING_CHANGED}'
               AND record_id IN (SELECT value FROM json_each(?2))
             UNION ALL
             SELECT uid, operation, coalesce(properties, '{{}}'), dropped IS NOT NULL FROM sync_rejects
             WHERE object = ?1 AND retry = 0 AND category IS NOT '{MAPPING_CHANGED}' AND record_id IS NULL AND uid IN (
                 SELECT _uid FROM {} WHERE _row IN (SELECT value FROM json_each(?3)))",
            table.quoted()
        ))?;
        let rows = refused.query_map([object, &ids, &new], |row| {
            let properties = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
            Ok((row.get::<_, String>(0)?, Refused { operation: row.get(1)?, properties, dropped: row.get(3)? }))
        })?;
        for row in rows {
            let (key, refused) = row?;
            waiting.refused.entry(key).or_default().push(refused);
        }
        Ok(waiting)
    }

    /// What is to be pushed of each of these rows. Rows that turn out to be as the engine left them are no suspects any
    /// more.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn plans(&self, table: &Table, suspects: &[Suspect], waiting: &Waiting) -> Result<Plans, StoreError> {
        let mut applier = Applier::new(self, table)?;
        let mut plans = Plans::default();
        for mut suspect in suspects.iter().cloned() {
            let plan = match &suspect.id {
                Some(id) => known(&mut applier, id, waiting, &mut plans.returned)?,
                None => new(&mut applier, &mut suspect.row, waiting)?,
            };
            match plan {
                Some(plan) => plans.rows.push((suspect, plan)),
                None => self.forget_suspect(table.object(), &suspect)?,
            }
        }
        // Among those that are no suspects any more may be new rows that somebody deleted.
        if plans.rows.len() < suspects.len() && suspects.iter().any(|suspect| suspect.id.is_none()) {
            self.forget_of_gone_rows(table)?;
        }
        Ok(plans)
    }

    /// Keeps the values of a row that cannot be sent as rejects.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn reject_unsendable(&self, table: &Table, suspect: &Suspect, plan: &RowPlan) -> Result<(), StoreError> {
        if plan.unsendable.is_empty() {
            return Ok(());
        }
        let sql = format!("SELECT _uid FROM {} WHERE id = ?1 OR (?1 IS NULL AND _row = ?2)", table.quoted());
        let uid: String =
            self.connection.prepare_cached(&sql)?.query_row(params![suspect.id, suspect.row], |row| row.get(0))?;
        let operation = if suspect.id.is_some() { Operation::Update } else { Operation::Create };
        for value in &plan.unsendable {
            self.reject_value(table, operation, (suspect.id.as_deref(), &uid), value)?;
        }
        Ok(())
    }

    /// A row that is as the engine left it needs no hint.
    fn forget_suspect(&self, object: &str, suspect: &Suspect) -> Result<(), StoreError> {
        match &suspect.id {
            Some(id) => self.forget_hints(object, id),
            None => {
                self.connection
                    .prepare_cached(
                        "DELETE FROM sync_touched WHERE object = ?1 AND record_id IS NULL AND row_handle = ?2",
                    )?
                    .execute(params![object, suspect.row])?;
                Ok(())
            }
        }
    }
}

/// The plan for a row whose record is known; `None` when there is nothing to do and nothing waits.
fn known(
    applier: &mut Applier<'_>,
    id: &str,
    waiting: &Waiting,
    returned: &mut u64,
) -> Result<Option<RowPlan>, StoreError> {
    let Some(mut base) = applier.base(id)? else {
        return Ok(applier.local_row(id)?.map(|_| of_no_record(applier.table.object(), id, waiting)));
    };
    let mut local = applier.local_row(id)?;
    // A row that is gone or was replaced is made whole first: its NULLs are nobody's wish.
    let gone = local.is_none();
    if local.as_ref().is_none_or(|local| local.row != base.row) && applier.heal(id, &base, local.take())? {
        *returned += u64::from(gone);
        let Some(healed) = applier.base(id)? else { return Ok(None) };
        base = healed;
    }
    applier.show_archive_asked(id, &base)?;
    let Some(local) = applier.local_row(id)? else {
        let archive = applier.table.mapping.deletes == Deletes::Archive && !base.archived;
        if archive && waiting.refuses(id, Operation::Archive, &[]) {
            return Ok(Some(RowPlan { waiting: 1, archive, ..RowPlan::default() }));
        }
        // Somebody deleted the row and inserted it again, by its key: it is that record's, and asks for nothing.
        if let Some(again) = if archive { applier.new_row_with_key_of(&base)? } else { None } {
            if waiting.unsettled.contains(&again.row) || waiting.unsettled_keys.contains(&again.uid) {
                return Ok(Some(RowPlan { unsettled: true, ..RowPlan::default() }));
            }
            applier.write.name_row(applier.table, &again, &RecordId::from(id))?;
            return known(applier, id, waiting, returned);
        }
        return Ok(archive.then(|| archive_of(base.row, String::new(), id)));
    };
    if local.row == base.row && local.hash == base.row_hash {
        return Ok(None);
    }
    if base.state == "merged" && follow(applier, id, &base, &local)? {
        return Ok(None);
    }
    if waiting.unsettled.contains(&local.row) || waiting.unsettled_records.contains(id) {
        return Ok(Some(RowPlan { unsettled: true, ..RowPlan::default() }));
    }
    if base.archived {
        applier.park(id, &base, &local)?;
        return Ok(Some(RowPlan::default()));
    }
    let table = applier.table;
    let wires = table.wires(&base.properties)?;
    let agreed = applier.project(&wires, false);
    let nothing = HashSet::new();
    let held = waiting.held.get(id).unwrap_or(&nothing);
    let mut plan = RowPlan { archive: local.archived == 1, ..RowPlan::default() };
    let mut fields = Vec::new();
    for (place, field) in table.mapping.fields.iter().enumerate() {
        let mine = &local.cells[place];
        let is_held = held.contains(&field.property);
        if !field.is_pushed() || field.same_cell(mine, &agreed[place]) {
            if is_held {
                applier.write.close_conflict(table.object(), id, &field.property)?;
            }
            continue;
        }
        if is_held {
            // The person may have changed their mind about the value without deciding whose counts.
            let wire = field.to_wire(mine).ok().flatten().or_else(|| shown(mine));
            applier.write.keep_held(table.object(), id, &field.property, wire.as_deref())?;
            plan.waiting += 1;
            continue;
        }
        match change(field, mine, wires[place].as_deref()) {
            Ok(change) => fields.push(change),
            Err(unsendable) if waiting.knows(id, &unsendable) => plan.waiting += 1,
            Err(unsendable) => plan.unsendable.push(unsendable),
        }
    }
    plan.waiting += waiting.take_refused(id, &mut fields);
    plan.waiting += u64::from(plan.archive && waiting.refuses(id, Operation::Archive, &[]));
    if !fields.is_empty() {
        let id = Some(RecordId::from(id));
        plan.change = Some(RowChange { operation: Operation::Update, row: local.row, uid: local.uid, id, fields });
    } else if plan.archive {
        let asked = archive_of(local.row, local.uid, id);
        plan.change = asked.change.filter(|_| plan.waiting == 0 && plan.unsendable.is_empty());
    }
    Ok(Some(plan))
}

/// The plan for a row without a record. One that stands under the handle of a record's row is moved first.
fn new(applier: &mut Applier<'_>, handle: &mut i64, waiting: &Waiting) -> Result<Option<RowPlan>, StoreError> {
    let local = match applier.row_at(*handle)? {
        Some(local) if local.id.is_none() => Some(local),
        // Somebody deleted it while it was on its way: whoever hears of its record will look for the hint.
        None if waiting.unsettled.contains(handle) => None,
        _ => return Ok(None),
    };
    let is_open = |local: &LocalRow| waiting.unsettled_keys.contains(&local.uid);
    let Some(LocalRow { cells, uid, .. }) =
        local.filter(|local| !waiting.unsettled.contains(handle) && !is_open(local))
    else {
        return Ok(Some(RowPlan { unsettled: true, ..RowPlan::default() }));
    };
    if applier.write.is_anothers_handle(applier.table, *handle)? {
        *handle = applier.write.move_from_handle(applier.table, *handle)?.unwrap_or(*handle);
    }
    let mut plan = RowPlan::default();
    let mut fields = Vec::new();
    for (field, mine) in applier.table.mapping.fields.iter().zip(&cells) {
        if !field.is_pushed() || *mine == Cell::Null {
            continue;
        }
        match change(field, mine, None) {
            Ok(change) => fields.push(change),
            Err(unsendable) => plan.unsendable.push(unsendable),
        }
    }
    if waiting.refuses(&uid, Operation::Create, &fields) || !plan.unsendable.is_empty() {
        plan.unsendable.retain(|unsendable| !waiting.knows(&uid, unsendable));
        plan.waiting = u64::from(!plan.unsendable.is_empty() || waiting.is_for_a_person(&uid));
        return Ok(Some(plan));
    }
    plan.change = Some(RowChange { operation: Operation::Create, row: *handle, uid, id: None, fields });
    Ok(Some(plan))
}

/// The plan for a row that somebody wrote past the triggers, with the id of a record that nobody knows.
fn of_no_record(object: &str, id: &str, waiting: &Waiting) -> RowPlan {
    let unsendable = Unsendable {
        property: "id".to_owned(),
        value: Some(id.to_owned()),
        why: format!("no record {id} of {object} is known; delete the row, and insert it without an id to create one"),
    };
    match waiting.knows(id, &unsendable) {
        true => RowPlan { waiting: 1, ..RowPlan::default() },
        false => RowPlan { unsendable: vec![unsendable], ..RowPlan::default() },
    }
}

fn archive_of(row: i64, uid: String, id: &str) -> RowPlan {
    let id = Some(RecordId::from(id));
    let change = RowChange { operation: Operation::Archive, row, uid, id, fields: Vec::new() };
    RowPlan { change: Some(change), archive: true, ..RowPlan::default() }
}

/// A changed field as the remote would be told, or why it cannot be.
fn change(field: &Field, mine: &Cell<'_>, base: Option<&str>) -> Result<FieldChange, Unsendable> {
    let unsendable = |why: String| Unsendable { property: field.property.clone(), value: shown(mine), why };
    if field.retired {
        return Err(unsendable(format!("the portal no longer has the property {}", field.property)));
    }
    let local = field.to_wire(mine).map_err(|error| unsendable(error.to_string()))?;
    let base = base.filter(|base| !base.is_empty()).map(str::to_owned);
    Ok(FieldChange { property: field.property.clone(), column: field.column.clone(), base, local })
}

impl Waiting {
    /// Whether exactly this was refused before: an archive, or a new row.
    fn refuses(&self, key: &str, operation: Operation, fields: &[FieldChange]) -> bool {
        let Some(refused) = self.refused.get(key) else { return false };
        refused.iter().any(|Refused { operation: what, properties, .. }| {
            let same = |field: &FieldChange| properties.get(&field.property) == Some(&field.local);
            what == operation.word() && fields.len() == properties.len() && fields.iter().all(same)
        })
    }

    /// Takes those edits of a record out that were refused before. What was refused together is, for as long as all of
    /// it is still wished: once one value is mended, the others are tried with it. Returns how many are out.
    fn take_refused(&self, id: &str, fields: &mut Vec<FieldChange>) -> u64 {
        let Some(refused) = self.refused.get(id) else { return 0 };
        let wished = |(name, value): (&String, &Option<String>)| {
            fields.iter().any(|field| field.property == *name && field.local == *value)
        };
        let updates = refused.iter().filter(|refused| refused.operation == Operation::Update.word());
        let same = updates.filter(|refused| refused.properties.iter().all(wished));
        let out: HashSet<&String> = same.flat_map(|refused| refused.properties.keys()).collect();
        let before = fields.len();
        fields.retain(|field| !out.contains(&field.property));
        (before - fields.len()) as u64
    }

    /// Whether anything that was refused of a row has not been given up.
    fn is_for_a_person(&self, key: &str) -> bool {
        self.refused.get(key).is_some_and(|refused| refused.iter().any(|refused| !refused.dropped))
    }

    /// Whether a value that cannot be sent is a reject already.
    fn knows(&self, key: &str, unsendable: &Unsendable) -> bool {
        let Some(refused) = self.refused.get(key) else { return false };
        refused.iter().any(|refused| refused.properties.get(&unsendable.property) == Some(&unsendable.value))
    }
}
