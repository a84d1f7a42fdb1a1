//! `crmsync rejects`: what HubSpot refused, to be tried again or given up.

use super::Context;
use super::decide::{brief, decide, minute, mirror_of};
use crate::exit::{CommandError, Exit};
use crate::output::{Align, Table, words};
use clap::{Args, Subcommand};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use std::collections::BTreeMap;
use sync_core::store::{Dropped, StoreError};

/// Look at what HubSpot refused, try it again or give it up.
///
/// A refused change stays in the mirror and is not sent again until it is edited, so mending the row is often all there is to
/// do. Without a subcommand it lists the rejects that wait.
#[derive(Clone, Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  crmsync rejects
  crmsync rejects show 3
  crmsync rejects retry
  crmsync rejects drop 3 --reason \"the address is wrong\""
)]
pub struct RejectsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<RejectsCommand>,
    /// The list, if nothing else.
    #[command(flatten)]
    pub list: ListArgs,
}

/// What to do with rejects.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "words here would take the place of the help that each command brings")]
pub enum RejectsCommand {
    List(ListArgs),
    Show(ShowArgs),
    Retry(RetryArgs),
    Drop(DropArgs),
}

/// List rejects.
///
/// Reads the mirror alone; it needs no token and may run at any time.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync rejects list
  crmsync rejects list --all --json")]
pub struct ListArgs {
    /// Also new rows that were given up and stay in their tables
    #[arg(long)]
    pub all: bool,
}

/// Show one reject: what was sent, and what HubSpot said to it.
///
/// Reads the mirror alone; it needs no token and may run at any time.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  crmsync rejects show 3")]
pub struct ShowArgs {
    /// Its number in the list
    #[arg(value_name = "ID")]
    pub id: i64,
}

/// Have rejects sent again by the next push, as they are.
///
/// For what was mended in HubSpot: a property that was made, an option that was added. Makes no call. What is refused again
/// stays a reject.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync rejects retry
  crmsync rejects retry 3 4")]
pub struct RetryArgs {
    /// Their numbers in the list [default: all that wait]
    #[arg(value_name = "ID")]
    pub ids: Vec<i64>,
}

/// Give a reject up.
///
/// The columns of an edit become again what HubSpot holds, and a refused archive is taken back. A refused new row stays in its table, untried
/// until it is edited, or is deleted with --delete. The reason is kept in sync_history, under the property rejects, and
/// for a row that stays in sync_rejects.dropped. Makes no call.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync rejects drop 3 --reason \"the address is wrong\"
  crmsync rejects drop 4 --reason duplicate --delete")]
pub struct DropArgs {
    /// Its number in the list
    #[arg(value_name = "ID")]
    pub id: i64,
    /// Why, for whoever asks later
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
    /// Also delete the row that could not be created
    #[arg(long)]
    pub delete: bool,
}

/// Rejects shown to people; the document has them all.
const SHOWN: usize = 50;
const COLUMNS: &str = "id, object, record_id, uid, operation, coalesce(properties, '{}'), status, category, message, \
                       correlation_id, attempts, first_at, last_at, retry, dropped";

#[derive(Serialize)]
struct ListDocument {
    rejects: Vec<Reject>,
}

#[derive(Serialize)]
struct Reject {
    id: i64,
    object: String,
    record_id: Option<String>,
    uid: Option<String>,
    operation: String,
    properties: BTreeMap<String, Option<String>>,
    status: Option<i64>,
    category: Option<String>,
    message: String,
    correlation_id: Option<String>,
    attempts: i64,
    first_at: String,
    last_at: String,
    /// Whether the next push tries it again.
    retry: bool,
    /// Why it was given up.
    dropped: Option<String>,
}

#[derive(Serialize)]
struct RetryDocument {
    retried: u64,
    nothing_to_send: Vec<i64>,
}

#[derive(Serialize)]
struct DropDocument<'a> {
    reject: i64,
    object: &'a str,
    outcome: &'static str,
    columns: &'a [String],
    reason: &'a str,
}

/// Runs `rejects`.
pub fn run(context: &Context, arguments: &RejectsArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        None => list(context, &arguments.list),
        Some(RejectsCommand::List(arguments)) => list(context, arguments),
        Some(RejectsCommand::Show(arguments)) => show(context, arguments),
        Some(RejectsCommand::Retry(arguments)) => retry(context, arguments),
        Some(RejectsCommand::Drop(arguments)) => give_up(context, arguments),
    }
}

fn list(context: &Context, arguments: &ListArgs) -> Result<Exit, CommandError> {
    let mirror = mirror_of(&context.portal()?)?;
    let document = ListDocument { rejects: rejects(&mirror, arguments.all).map_err(StoreError::from)? };
    context.output.show(&document, |output| {
        let rejects = &document.rejects;
        if !rejects.is_empty() {
            output.table(&table(rejects))?;
        }
        if rejects.len() > SHOWN {
            output.line(format!("and {} more; --json shows all", words::count((rejects.len() - SHOWN) as u64)))?;
        }
        let waiting = rejects.iter().filter(|reject| reject.dropped.is_none()).count() as u64;
        output.line(match waiting {
            0 => "No reject waits for a person.".to_owned(),
            some => format!(
                "{} for a person: mend the row, or `crmsync rejects retry`, or `crmsync rejects drop ID --reason TEXT`",
                words::counted(some, "reject waits", "rejects wait")
            ),
        })
    })?;
    Ok(Exit::Done)
}

fn show(context: &Context, arguments: &ShowArgs) -> Result<Exit, CommandError> {
    let reject = find(&mirror_of(&context.portal()?)?, arguments.id)?;
    context.output.show(&reject, |output| {
        output.line(format!("reject {}: {} of {} {}", reject.id, reject.operation, reject.object, reject.row()))?;
        if !reject.properties.is_empty() {
            let mut values = Table::new([("property", Align::Left), ("value", Align::Left)]);
            for (property, value) in &reject.properties {
                values.row([property.as_str(), value.as_deref().unwrap_or("-")]);
            }
            output.table(&values)?;
        }
        output.line(format!("why: {}", reject.message))?;
        let status = reject.status.map(|status| format!("status {status}"));
        let number = reject.correlation_id.as_ref().map(|id| format!("correlation id {id}"));
        let details: Vec<String> = [status, reject.category.clone(), number].into_iter().flatten().collect();
        if !details.is_empty() {
            output.line(details.join(", "))?;
        }
        let attempts = words::counted(u64::try_from(reject.attempts).unwrap_or(0), "attempt", "attempts");
        output.line(format!(
            "{attempts}, first at {} UTC, last at {} UTC",
            minute(&reject.first_at),
            minute(&reject.last_at)
        ))?;
        match (&reject.dropped, reject.retry) {
            (Some(reason), _) => output.line(format!("given up: {reason}")),
            (None, true) => output.line("The next `crmsync push` tries it again."),
            (None, false) => output.line("It is not sent again until the row is edited, or a person asks for it."),
        }
    })?;
    Ok(Exit::Done)
}

fn retry(context: &Context, arguments: &RetryArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let mirror = mirror_of(&portal)?;
    for id in &arguments.ids {
        find(&mirror, *id)?;
    }
    drop(mirror);
    let ids = arguments.ids.clone();
    let (retried, nothing_to_send) =
        decide(context, &portal, "rejects retry", async |installation| installation.engine.retry_rejects(ids).await)?;
    let document = RetryDocument { retried, nothing_to_send };
    context.output.show(&document, |output| {
        for id in &document.nothing_to_send {
            output.line(format!(
                "reject {id} is an edit that a changed mapping has no column for: there is nothing to send; \
                 `crmsync rejects drop {id} --reason TEXT` takes it off the list"
            ))?;
        }
        output.line(match document.retried {
            0 => "Nothing is tried again.".to_owned(),
            some => format!("The next `crmsync push` tries {} again.", words::counted(some, "reject", "rejects")),
        })
    })?;
    Ok(Exit::Done)
}

fn give_up(context: &Context, arguments: &DropArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let reject = find(&mirror_of(&portal)?, arguments.id)?;
    let (reason, delete) = (arguments.reason.clone(), arguments.delete);
    let dropped = decide(context, &portal, "rejects drop", async |installation| {
        let mappings = &installation.mappings;
        installation.engine.drop_reject(mappings, &reject.object, reject.id, reason, delete).await
    })?;
    let columns = if let Dropped::PutBack(columns) = &dropped { columns.as_slice() } else { &[] };
    let document = DropDocument {
        reject: reject.id,
        object: &reject.object,
        outcome: word(&dropped),
        columns,
        reason: &arguments.reason,
    };
    context.output.show(&document, |output| {
        let (object, row) = (&reject.object, reject.row());
        output.line(match &dropped {
            Dropped::PutBack(columns) => {
                format!("{object} {row}: {} as HubSpot has it again.", columns.join(", "))
            }
            Dropped::Unarchived => format!("{object} {row} is not to be archived any more."),
            Dropped::RowKept => format!("{object} row {row} stays, and is not tried until it is edited."),
            Dropped::RowDeleted => format!("{object} row {row} is deleted."),
            Dropped::Forgotten => {
                format!("Reject {} is forgotten: nothing in the mirror held what was refused.", reject.id)
            }
        })
    })?;
    Ok(Exit::Done)
}

fn word(dropped: &Dropped) -> &'static str {
    match dropped {
        Dropped::PutBack(_) => "put_back",
        Dropped::Unarchived => "unarchived",
        Dropped::RowKept => "row_kept",
        Dropped::RowDeleted => "row_deleted",
        Dropped::Forgotten => "forgotten",
    }
}

impl Reject {
    /// What it is about: the record, or the key of a row without one.
    fn row(&self) -> &str {
        self.record_id.as_deref().or(self.uid.as_deref()).unwrap_or("-")
    }
}

fn rejects(mirror: &Connection, all: bool) -> rusqlite::Result<Vec<Reject>> {
    let sql =
        format!("SELECT {COLUMNS} FROM sync_rejects WHERE ?1 OR dropped IS NULL ORDER BY dropped IS NOT NULL, id");
    let mut statement = mirror.prepare(&sql)?;
    let rejects = statement.query_map([all], reject)?;
    rejects.collect()
}

fn find(mirror: &Connection, id: i64) -> Result<Reject, CommandError> {
    let sql = format!("SELECT {COLUMNS} FROM sync_rejects WHERE id = ?1");
    let found = mirror.query_row(&sql, [id], reject).optional().map_err(StoreError::from)?;
    found.ok_or_else(|| {
        CommandError::usage(format!("there is no reject {id}."))
            .hint("`crmsync rejects list --all` shows their numbers; what was sent since is a reject no more.")
    })
}

fn reject(row: &Row<'_>) -> rusqlite::Result<Reject> {
    Ok(Reject {
        id: row.get(0)?,
        object: row.get(1)?,
        record_id: row.get(2)?,
        uid: row.get(3)?,
        operation: row.get(4)?,
        properties: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
        status: row.get(6)?,
        category: row.get(7)?,
        message: row.get(8)?,
        correlation_id: row.get(9)?,
        attempts: row.get(10)?,
        first_at: row.get(11)?,
        last_at: row.get(12)?,
        retry: row.get(13)?,
        dropped: row.get(14)?,
    })
}

fn table(rejects: &[Reject]) -> Table {
    let mut table = Table::new([
        ("id", Align::Right),
        ("object", Align::Left),
        ("row", Align::Left),
        ("operation", Align::Left),
        ("properties", Align::Left),
        ("why", Align::Left),
        ("", Align::Left),
    ]);
    for reject in rejects.iter().take(SHOWN) {
        let named: Vec<String> = reject
            .properties
            .iter()
            .map(|(property, value)| format!("{property} = {}", brief(value.as_deref())))
            .collect();
        let standing = match (&reject.dropped, reject.retry) {
            (Some(_), _) => "given up",
            (None, true) => "tried again by the next push",
            (None, false) => "waits",
        };
        table.row([
            &reject.id.to_string(),
            &reject.object,
            reject.row(),
            &reject.operation,
            &named.join(", "),
            &reject.message,
            standing,
        ]);
    }
    table
}
