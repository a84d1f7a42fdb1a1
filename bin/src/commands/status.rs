//! `crmsync status`: how things stand, from the mirror alone.

use super::Context;
use crate::exit::{CommandError, Exit, REMADE};
use crate::output::{Align, Output, Table, words};
use chrono::Utc;
use clap::Args;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use std::time::Duration;
use sync_core::model::Timestamp;
use sync_core::store::{RunLock, Store, StoreError};

/// Show how things stand with each object.
///
/// Rows, archived rows, how far HubSpot has been read and how long ago, pending changes, conflicts and rejects. Reads the mirror only; it needs no token and may run at any time, also next to a running sync.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync status
  crmsync status --json")]
pub struct StatusArgs {}

#[derive(Serialize)]
struct Document {
    portal: String,
    mirror: String,
    portal_id: Option<String>,
    objects: Vec<Object>,
    last_run: Option<Run>,
    running: bool,
    api: Api,
    /// Rejects that nobody has decided about.
    #[serde(skip)]
    waiting: u64,
}

#[derive(Serialize)]
struct Object {
    object: String,
    /// Whether `objects` still names it; what is not named, no run touches.
    configured: bool,
    rows: u64,
    archived: u64,
    missing: u64,
    watermark: Option<String>,
    watermark_age_seconds: Option<u64>,
    settled_until: Option<String>,
    backfilled: bool,
    pending: u64,
    conflicts: u64,
    rejects: u64,
    /// How its table was dropped or made anew by a tool, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    altered: Option<String>,
}

#[derive(Serialize)]
struct Run {
    id: i64,
    command: String,
    started_at: String,
    finished_at: Option<String>,
    exit_code: Option<i64>,
    pulled: u64,
    pushed: u64,
    requests: u64,
    error: Option<String>,
}

#[derive(Default, Serialize)]
struct Api {
    daily_limit: Option<u64>,
    daily_remaining: Option<u64>,
}

/// Runs `status`.
pub fn run(context: &Context, _arguments: &StatusArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let mirror = portal.mirror.display().to_string();
    let Some(connection) = Store::open_to_read(&portal.mirror)? else {
        let nothing = Document {
            portal: portal.name.clone(),
            mirror: mirror.clone(),
            portal_id: None,
            objects: Vec::new(),
            last_run: None,
            running: false,
            api: Api::default(),
            waiting: 0,
        };
        context.output.show(&nothing, |output| {
            output.line(format!("There is no mirror yet at {mirror}; `crmsync sync` makes it."))
        })?;
        return Ok(Exit::Done);
    };
    let last_run = last_run(&connection).map_err(StoreError::from)?;
    let mut altered = Store::altered_in(&connection)?;
    let mut objects = objects(&connection, &portal.objects).map_err(StoreError::from)?;
    objects.iter_mut().for_each(|object| object.altered = altered.remove(&object.object));
    let document = Document {
        portal: portal.name.clone(),
        mirror,
        portal_id: meta(&connection, "portal_id")?,
        objects,
        running: last_run.as_ref().is_some_and(|run| run.finished_at.is_none()) && RunLock::is_held(&portal.mirror),
        last_run,
        api: Api {
            daily_limit: meta(&connection, "daily_limit")?.and_then(|number| number.parse().ok()),
            daily_remaining: meta(&connection, "daily_remaining")?.and_then(|number| number.parse().ok()),
        },
        waiting: waiting_rejects(&connection).map_err(StoreError::from)?,
    };
    context.output.show(&document, |output| dashboard(output, &document))?;
    Ok(Exit::Done)
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, CommandError> {
    let value = connection
        .query_row("SELECT value FROM sync_meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()
        .map_err(StoreError::from)?;
    Ok(value)
}

fn objects(connection: &Connection, configured: &[String]) -> rusqlite::Result<Vec<Object>> {
    let now = Utc::now().timestamp_millis();
    let mut statement = connection.prepare(
        "SELECT object, rows, archived, missing, watermark, settled_until, backfilled, pending, conflicts, rejects
         FROM sync_status ORDER BY object",
    )?;
    let objects = statement.query_map([], |row| {
        let (object, watermark): (String, Option<String>) = (row.get(0)?, row.get(4)?);
        let seen = watermark.as_deref().and_then(Timestamp::parse);
        Ok(Object {
            configured: configured.contains(&object),
            object,
            rows: unsigned(row.get(1)?),
            archived: unsigned(row.get(2)?),
            missing: unsigned(row.get(3)?),
            watermark_age_seconds: seen.map(|seen| Timestamp::from_millis(now).since(seen).as_secs()),
            watermark,
            settled_until: row.get(5)?,
            backfilled: row.get(6)?,
            pending: unsigned(row.get(7)?),
            conflicts: unsigned(row.get(8)?),
            rejects: unsigned(row.get(9)?),
            altered: None,
        })
    })?;
    objects.collect()
}

fn last_run(connection: &Connection) -> rusqlite::Result<Option<Run>> {
    connection
        .query_row(
            "SELECT id, command, started_at, finished_at, exit_code, pulled, pushed, requests, error FROM sync_runs
             ORDER BY id DESC LIMIT 1",
            [],
            |row| {
                Ok(Run {
                    id: row.get(0)?,
                    command: row.get(1)?,
                    started_at: row.get(2)?,
                    finished_at: row.get(3)?,
                    exit_code: row.get(4)?,
                    pulled: unsigned(row.get(5)?),
                    pushed: unsigned(row.get(6)?),
                    requests: unsigned(row.get(7)?),
                    error: row.get(8)?,
                })
            },
        )
        .optional()
}

/// Those that the next push tries again are not among them.
fn waiting_rejects(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM sync_rejects WHERE dropped IS NULL AND retry = 0";
    connection.query_row(sql, [], |row| row.get(0)).map(unsigned)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn dashboard(output: &Output, document: &Document) -> Result<(), CommandError> {
    let account = document.portal_id.as_deref().unwrap_or("not known yet");
    output.line(format!("portal {}  (HubSpot account {account})", document.portal))?;
    output.line(format!("mirror {}", document.mirror))?;
    if !document.objects.is_empty() {
        output.line("")?;
        output.table(&table(&document.objects))?;
    }
    let remarks = remarks(document);
    if !remarks.is_empty() {
        output.line("")?;
    }
    remarks.into_iter().try_for_each(|remark| output.line(remark))
}

/// What stands below the table.
fn remarks(document: &Document) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(run) = &document.last_run {
        remarks.push(told(run, document.running));
    }
    if let (Some(limit), Some(left)) = (document.api.daily_limit, document.api.daily_remaining) {
        remarks.push(format!("API: {} of the day's {} calls left", words::count(left), words::count(limit)));
    }
    for object in &document.objects {
        if let Some(what) = &object.altered {
            remarks.push(format!("{} is stopped: its table is not as it was made, {what}; {REMADE}", object.object));
        }
    }
    let conflicts: u64 = document.objects.iter().map(|object| object.conflicts).sum();
    if conflicts > 0 {
        let waiting = words::counted(conflicts, "conflict waits", "conflicts wait");
        remarks.push(format!("{waiting}: `crmsync conflicts`"));
    }
    if document.waiting > 0 {
        let waiting = words::counted(document.waiting, "reject waits", "rejects wait");
        remarks.push(format!("{waiting}: `crmsync rejects`"));
    }
    remarks
}

fn table(objects: &[Object]) -> Table {
    let mut table = Table::new([
        ("object", Align::Left),
        ("rows", Align::Right),
        ("archived", Align::Right),
        ("read up to", Align::Left),
        ("settled up to", Align::Left),
        ("pending", Align::Right),
        ("conflicts", Align::Right),
        ("rejects", Align::Right),
        ("", Align::Left),
    ]);
    for object in objects {
        let age = object.watermark_age_seconds.map(|age| words::age(Duration::from_secs(age)));
        table.row([
            object.object.clone(),
            words::count(object.rows),
            words::count(object.archived),
            age.unwrap_or_else(|| "-".to_owned()),
            object.settled_until.as_deref().map_or("-", |until| until.get(..16).unwrap_or(until)).replace('T', " "),
            words::count(object.pending),
            words::count(object.conflicts),
            words::count(object.rejects),
            match object {
                Object { configured: false, .. } => "not configured",
                Object { altered: Some(_), .. } => "stopped",
                Object { backfilled: true, .. } => "complete",
                _ => "first read unfinished",
            }
            .to_owned(),
        ]);
    }
    table
}

fn told(run: &Run, running: bool) -> String {
    let done = match (run.pulled, run.pushed) {
        (0, 0) => "done, no record changed".to_owned(),
        (pulled, pushed) => format!("done: {} pulled, {} pushed", words::records(pulled), words::records(pushed)),
    };
    let ended = match (run.exit_code, &run.error) {
        _ if running => "at work now".to_owned(),
        (Some(0), _) => done,
        (Some(1), None) => format!("{done}; something waits for a person"),
        (Some(code), Some(error)) => format!("exit {code}: {error}"),
        (Some(code), None) => format!("exit {code}"),
        (None, _) => "stopped before its end; the next run goes on where it was".to_owned(),
    };
    let start = run.started_at.get(..16).unwrap_or(&run.started_at).replace('T', " ");
    format!("last run: {} {} at {start} UTC, {ended}", run.command, run.id)
}

#[cfg(test)]
mod tests {
    use super::{Run, told};

    #[test]
    fn the_last_run_is_told_with_what_it_did_and_how_it_ended() {
        let ended = |exit_code: Option<i64>, (pulled, pushed): (u64, u64), error: Option<&str>| {
            let run = Run {
                id: 7,
                command: "sync".to_owned(),
                started_at: "2026-01-31T08:00:12.000Z".to_owned(),
                finished_at: None,
                exit_code,
                pulled,
                pushed,
                requests: 1,
                error: error.map(str::to_owned),
            };
            told(&run, false).strip_prefix("last run: sync 7 at 2026-01-31 08:00 UTC, ").unwrap().to_owned()
        };
        assert_eq!(ended(Some(0), (0, 13), None), "done: no records pulled, 13 records pushed");
        assert_eq!(ended(Some(0), (0, 0), None), "done, no record changed");
        assert_eq!(
            ended(Some(1), (1, 0), None),
            "done: 1 record pulled, no records pushed; something waits for a person"
        );
        assert_eq!(ended(Some(1), (1, 0), Some("no deals")), "exit 1: no deals");
        assert_eq!(ended(Some(3), (0, 0), Some("too many")), "exit 3: too many");
        assert_eq!(ended(None, (0, 0), None), "stopped before its end; the next run goes on where it was");
    }
}
