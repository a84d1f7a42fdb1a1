//! A look at a mirror from outside: whether the file is whole, and whether everything of ours in it is as the engine
//! leaves it. Reads alone and makes no file; the run's lock is taken for the moment in which its number is read.

use super::ddl::Made;
use super::metadata::{bound_portal, read_object_types, read_properties};
use super::shape::check_shape;
use super::snapshot::damage;
use super::standing::altered_standing;
use super::strangers::refuse_meddlers;
use super::table::{base_of, quote};
use super::triggers::{Trigger, association_triggers, triggers_of};
use super::views::{View, pair_views, views_of};
use super::{Pair, RunLock, Store, StoreError, Table};
use crate::model::ObjectType;
use mappings::{Deletes, Mapping, ResolvedMapping};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// The portal that the file is bound to.
    pub portal: Option<String>,
    /// The last run that the lock file remembers, where the mirror does not know of it: it was put back from an older
    /// copy, and no run has noticed that yet.
    pub behind: Option<i64>,
    /// What SQLite says is wrong with the file, at most ten sentences; empty when it is whole.
    pub damage: Vec<String>,
    /// The schema's version in the file, and the newest that this program knows.
    pub version: (i64, i64),
    /// Whether the guard that lets the engine write past its triggers was left open.
    pub guard_open: bool,
    /// Tables that every mirror has and that are gone or were made anew, each with what is different.
    pub standing: Vec<(String, String)>,
    /// A trigger of somebody's that reaches into the engine's own tables, and what to do about it.
    pub meddler: Option<String>,
    /// Each object type that has a table.
    pub tables: Vec<TableFinding>,
    /// Triggers and views that should be there and are missing or different, by name.
    pub displaced: Vec<String>,
}

/// The state of one typed table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFinding {
    /// The object type.
    pub object: String,
    /// Its table.
    pub table: String,
    /// How a person or a tool changed the table itself, so that the engine will not work on it.
    pub altered: Option<String>,
    /// Whether it was made with another mapping than the present one; the next run re-projects it.
    pub remapped: bool,
    /// Rows that name a record of which the engine keeps no base: nothing can be compared with them.
    pub rows_without_base: u64,
    /// Records whose row is gone or has been replaced; the next run puts it back.
    pub bases_without_row: u64,
}

impl Store {
    /// Examines the mirror at `path` against these mappings; `None` when there is no mirror.
    ///
    /// # Errors
    /// When the file cannot be read as a mirror at all.
    pub fn examine(path: &Path, mappings: &[Mapping]) -> Result<Option<Examination>, StoreError> {
        let Some(connection) = Self::open_to_read(path)? else { return Ok(None) };
        let mut found = examine(&connection, mappings)?;
        if found.damage.is_empty() {
            found.behind = behind(&connection, path)?;
        }
        Ok(Some(found))
    }
}

fn examine(connection: &Connection, mappings: &[Mapping]) -> Result<Examination, StoreError> {
    let damage = match damage(connection) {
        // Too damaged even to be looked through.
        Err(StoreError::Damaged(what)) => vec![what],
        looked => looked?,
    };
    if !damage.is_empty() {
        // Whatever else such a file says proves nothing.
        return Ok(Examination { damage: lines(damage), ..Examination::default() });
    }
    let (portal, version) = (bound_portal(connection)?, version(connection)?);
    let mut found = Examination { portal, version, ..Examination::default() };
    found.guard_open = connection.query_row("SELECT max(applying) <> 0 FROM sync_guard", [], |row| row.get(0))?;
    found.standing = altered_standing(connection)?;
    found.meddler = refuse_meddlers(connection).err().map(|error| error.to_string());
    if found.standing.iter().any(|(table, _)| table == "properties") {
        // What the mappings mean is not known without them.
        return Ok(found);
    }
    let resolved = resolved(connection, mappings)?;
    let mut names = connection.prepare("SELECT object FROM sync_objects ORDER BY object")?;
    let objects: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for object in objects {
        let mapping = resolved.iter().find(|mapping| mapping.object == object);
        found.tables.extend(look_at(connection, &object, mapping)?);
    }
    let present: Vec<ResolvedMapping> = resolved
        .into_iter()
        .filter(|mapping| found.tables.iter().any(|table| table.object == mapping.object && !table.remapped))
        .collect();
    found.displaced = displaced(connection, mappings, present)?;
    Ok(found)
}

/// SQLite tells several findings in one text, a line each, under a heading that names the database.
fn lines(told: Vec<String>) -> Vec<String> {
    let findings = told.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with("***"));
    let findings: Vec<String> = findings.map(str::to_owned).collect();
    // Nothing but a heading is a finding too.
    if findings.is_empty() { told } else { findings }
}

/// As a run notices it when it begins.
fn behind(connection: &Connection, mirror: &Path) -> Result<Option<i64>, StoreError> {
    // In this order: a run that begins in between is in the mirror before its number is in the lock file.
    let Some(known) = RunLock::remembered(mirror) else { return Ok(None) };
    let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'sync_runs'), 0)";
    let last: i64 = connection.query_row(last, [], |row| row.get(0))?;
    Ok((1..known).contains(&last).then_some(known))
}

fn version(connection: &Connection) -> Result<(i64, i64), StoreError> {
    let applied: Option<i64> =
        connection.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))?;
    Ok((applied.unwrap_or(0), migrations::newest()))
}

/// The mappings that fit what the mirror knows of the portal. Those that do not are told where mappings are checked.
fn resolved(connection: &Connection, mappings: &[Mapping]) -> Result<Vec<ResolvedMapping>, StoreError> {
    let mut resolved = Vec::new();
    for mapping in mappings {
        let schema = read_properties(connection, &mapping.object)?;
        if !schema.is_empty() {
            resolved.extend(mapping.resolve(&schema).ok());
        }
    }
    Ok(resolved)
}

fn look_at(
    connection: &Connection,
    object: &str,
    mapping: Option<&ResolvedMapping>,
) -> Result<Option<TableFinding>, StoreError> {
    let Some(made) = Made::read(connection, object)? else { return Ok(None) };
    let mut finding = TableFinding {
        object: object.to_owned(),
        table: made.table.clone(),
        remapped: mapping.is_some_and(|mapping| mapping.fingerprint() != made.fingerprint),
        ..TableFinding::default()
    };
    match check_shape(connection, &made) {
        Ok(()) => {}
        // What became of a table that is no longer mirrored is nobody's concern.
        Err(StoreError::Remade { .. }) if mapping.is_none() => return Ok(None),
        Err(StoreError::Remade { what, .. }) => {
            finding.altered = Some(what);
            return Ok(Some(finding));
        }
        Err(error) => return Err(error),
    }
    let (table, base) = (quote(&made.table), quote(&base_of(&made.table)));
    let count = |sql: &str| -> Result<u64, StoreError> {
        let counted: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(u64::try_from(counted).unwrap_or(0))
    };
    finding.rows_without_base = count(&format!(
        "SELECT count(*) FROM {table} r
         WHERE r.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {base} b WHERE b.id = r.id)"
    ))?;
    // Where a DELETE archives, a record that is archived needs no row.
    let deleted = "r._row IS NULL AND b.archived";
    let archives = mapping.is_some_and(|mapping| mapping.deletes == Deletes::Archive);
    let expected = if archives { format!("AND NOT ({deleted})") } else { String::new() };
    finding.bases_without_row = count(&format!(
        "SELECT count(*) FROM {base} b LEFT JOIN {table} r ON r.id = b.id WHERE r._row IS NOT b._row {expected}"
    ))?;
    Ok(Some(finding))
}

/// Names of triggers and views that are not as the mappings want them. A view whose name belongs to something of a
/// person's own is none of them: the engine leaves it alone.
fn displaced(
    connection: &Connection,
    mappings: &[Mapping],
    resolved: Vec<ResolvedMapping>,
) -> Result<Vec<String>, StoreError> {
    let types = read_object_types(connection)?;
    let mut pairs = Pair::named_by(mappings);
    let mirrored = |object: &str| resolved.iter().any(|mapping| mapping.object == object);
    pairs.retain(|pair| mirrored(&pair.from) && mirrored(&pair.to));
    let tables: Vec<Table> = resolved
        .into_iter()
        .map(|mapping| {
            let singular = ObjectType::singular_among(&types, &mapping.object);
            Table::new(mapping, &singular, &pairs, Vec::new())
        })
        .collect();
    let mut triggers: Vec<Trigger> = tables.iter().flat_map(triggers_of).collect();
    // They are made with the first table. Until then a run is at work on its first steps, or was killed there.
    if connection.query_row("SELECT EXISTS (SELECT 1 FROM sync_objects)", [], |row| row.get(0))? {
        triggers.extend(association_triggers());
    }
    let mut views: Vec<View> = tables.iter().flat_map(views_of).collect();
    views.extend(pairs.iter().flat_map(|pair| pair_views(&tables, pair)));
    let mut statement = connection.prepare("SELECT type, sql FROM sqlite_master WHERE name = ?1 COLLATE NOCASE")?;
    let mut there = |name: &str| -> Result<Option<(String, Option<String>)>, StoreError> {
        Ok(statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    };
    let mut displaced = Vec::new();
    for Trigger { name, sql, .. } in triggers {
        if there(&name)?.and_then(|(_, text)| text).as_deref() != Some(sql.as_str()) {
            displaced.push(name);
        }
    }
    for view in views {
        match there(&view.name)? {
            Some((_, Some(text))) if text == view.sql || !View::is_ours(&text) => {}
            _ => displaced.push(view.name),
        }
    }
    displaced.sort();
    Ok(displaced)
}
