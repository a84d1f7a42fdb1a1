//! `crmsync conflicts`: fields that both sides changed, and whose value it is to be.

use super::Context;
use super::decide::{brief, decide, minute, mirror_of, number};
use crate::exit::{CommandError, Exit};
use crate::output::{Align, Output, Table, words};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use sync_core::store::{Resolved, StoreError, Take};

/// Look at conflicts, and decide them.
///
/// A conflict is a field that was changed on both sides to different values. The mapping's policy decides it, or holds it
/// for a person; either way both values are kept, and it can be decided the other way later. Without a subcommand it lists
/// those that wait.
#[derive(Clone, Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  crmsync conflicts
  crmsync conflicts show 7
  crmsync conflicts resolve 7 --take local"
)]
pub struct ConflictsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<ConflictsCommand>,
    /// The list, if nothing else.
    #[command(flatten)]
    pub list: ListArgs,
}

/// What to do with conflicts.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "words here would take the place of the help that each command brings")]
pub enum ConflictsCommand {
    List(ListArgs),
    Show(ShowArgs),
    Resolve(ResolveArgs),
}

/// List conflicts.
///
/// Those that wait for a person come first. Reads the mirror alone; it needs no token and may run at any time.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync conflicts list
  crmsync conflicts list --all --json")]
pub struct ListArgs {
    /// Also those that have been decided, the latest first
    #[arg(long)]
    pub all: bool,
}

/// Show one conflict: both sides, what they had agreed on, and when.
///
/// Reads the mirror alone; it needs no token and may run at any time.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  crmsync conflicts show 7")]
pub struct ShowArgs {
    /// Its number in the list
    #[arg(value_name = "ID", value_parser = number("`crmsync conflicts`"))]
    pub id: i64,
}

/// Decide a conflict, or decide it the other way.
///
/// Changes the mirror alone and makes no call; what HubSpot has to be told is sent by the next push, which reads the record
/// once more before it writes. Both values stay in sync_conflicts.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("how").required(true), after_help = "\
Examples:
  crmsync conflicts resolve 7 --take remote
  crmsync conflicts resolve 7 --value Oslo")]
pub struct ResolveArgs {
    /// Its number in the list
    #[arg(value_name = "ID", value_parser = number("`crmsync conflicts`"))]
    pub id: i64,
    /// Whose value it is to be: local is the mirror's, remote is HubSpot's
    #[arg(long, value_enum, value_name = "SIDE", group = "how")]
    pub take: Option<Side>,
    /// Another value, as it would stand in the mirror; empty for none
    #[arg(long, value_name = "TEXT", group = "how", allow_hyphen_values = true)]
    pub value: Option<String>,
}

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// The mirror's.
    Local,
    /// HubSpot's.
    Remote,
}

/// Conflicts shown to people; the document has them all.
const SHOWN: usize = 50;
const COLUMNS: &str = "id, object, record_id, property, base, local, remote, remote_at, kind, chosen, run_id, created_at, \
                       resolved_at";

#[derive(Serialize)]
struct ListDocument {
    conflicts: Vec<Conflict>,
}

#[derive(Serialize)]
struct Conflict {
    id: i64,
    object: String,
    record_id: String,
    property: String,
    base: Option<String>,
    local: Option<String>,
    remote: Option<String>,
    remote_at: Option<String>,
    kind: String,
    chosen: String,
    run: i64,
    created_at: String,
    resolved_at: Option<String>,
    /// Whether the record is archived, merged or missing in HubSpot: it takes no edit.
    #[serde(skip)]
    archived: bool,
}

#[derive(Serialize)]
struct ResolvedDocument<'a> {
    conflict: i64,
    object: &'a str,
    record_id: &'a str,
    property: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    remote: Option<&'a str>,
    changed_since: bool,
    sent_by_next_push: bool,
}

/// Runs `conflicts`.
pub fn run(context: &Context, arguments: &ConflictsArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        None => list(context, &arguments.list),
        Some(ConflictsCommand::List(arguments)) => list(context, arguments),
        Some(ConflictsCommand::Show(arguments)) => show(context, arguments),
        Some(ConflictsCommand::Resolve(arguments)) => resolve(context, arguments),
    }
}

fn list(context: &Context, arguments: &ListArgs) -> Result<Exit, CommandError> {
    show_list(&context.output, &mirror_of(&context.portal()?)?, arguments.all)?;
    Ok(Exit::Done)
}

/// Shows the conflicts of a mirror that wait, or all of them.
pub(super) fn show_list(output: &Output, mirror: &Connection, all: bool) -> Result<(), CommandError> {
    let document = ListDocument { conflicts: conflicts(mirror, all).map_err(StoreError::from)? };
    output.show(&document, |output| {
        let conflicts = &document.conflicts;
        if !conflicts.is_empty() {
            output.table(&table(conflicts))?;
        }
        if conflicts.len() > SHOWN {
            output.line(format!("and {} more; --json shows all", words::count((conflicts.len() - SHOWN) as u64)))?;
        }
        output.line(how_to_decide(conflicts))
    })
}

/// How many wait, and what can be done about them: an edit of a record that is archived cannot be sent.
fn how_to_decide(conflicts: &[Conflict]) -> String {
    let open: Vec<&Conflict> = conflicts.iter().filter(|conflict| conflict.resolved_at.is_none()).collect();
    let archived = open.iter().filter(|conflict| conflict.archived).count();
    let waiting = words::counted(open.len() as u64, "conflict waits", "conflicts wait");
    match (open.len(), archived) {
        (0, _) => "No conflict waits for a person.".to_owned(),
        (_, 0) => format!("{waiting} for a person: `crmsync conflicts resolve ID --take local|remote`"),
        (open, archived) if open == archived => format!(
            "{waiting} for a person: `crmsync conflicts resolve ID --take remote`, as what is archived or gone in HubSpot \
             takes no edit"
        ),
        _ => format!(
            "{waiting} for a person: `crmsync conflicts resolve ID --take local|remote`; what is archived or gone in \
             HubSpot takes no edit, so there only `--take remote`"
        ),
    }
}

fn show(context: &Context, arguments: &ShowArgs) -> Result<Exit, CommandError> {
    let conflict = find(&mirror_of(&context.portal()?)?, arguments.id)?;
    context.output.show(&conflict, |output| {
        let Conflict { id, object, record_id, property, .. } = &conflict;
        output.line(format!("conflict {id}: {property} of {object} {record_id}"))?;
        let mut sides = Table::new([("", Align::Left), ("value", Align::Left)]);
        let whole = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        sides.row(["agreed before", &whole(&conflict.base)]);
        sides.row(["local, the mirror's", &whole(&conflict.local)]);
        sides.row(["remote, HubSpot's", &whole(&conflict.remote)]);
        output.table(&sides)?;
        let remote_at = conflict.remote_at.as_deref();
        let remote_at = remote_at.map_or_else(|| "not known when".to_owned(), |at| format!("{} UTC", minute(at)));
        output.line(format!("changed in HubSpot: {remote_at}"))?;
        output.line(format!(
            "found: {} UTC by run {} ({})",
            minute(&conflict.created_at),
            conflict.run,
            conflict.kind
        ))?;
        output.line(match &conflict.resolved_at {
            Some(at) => format!("decided: {} at {} UTC; it can be decided another way", conflict.chosen, minute(at)),
            None if conflict.archived => format!(
                "held: the record is archived or gone in HubSpot and takes no edit; `crmsync conflicts resolve {id} --take \
                 remote` gives yours up, or restore the record there first"
            ),
            None => format!("held: nothing of it is sent until `crmsync conflicts resolve {id} --take local|remote`"),
        })
    })?;
    Ok(Exit::Done)
}

fn resolve(context: &Context, arguments: &ResolveArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let conflict = find(&mirror_of(&portal)?, arguments.id)?;
    let take = match (arguments.take, &arguments.value) {
        (Some(Side::Local), _) => Take::Local,
        (Some(Side::Remote), _) => Take::Remote,
        (None, value) => Take::Value(value.clone().unwrap_or_default()),
    };
    let resolved = decide(context, &portal, "conflicts resolve", async |installation| {
        installation.engine.resolve(&installation.mappings, &conflict.object, conflict.id, take).await
    })?;
    let document = ResolvedDocument {
        conflict: conflict.id,
        object: &resolved.object,
        record_id: &resolved.record,
        property: &resolved.property,
        before: resolved.before.as_deref(),
        after: resolved.after.as_deref(),
        remote: resolved.remote.as_deref(),
        changed_since: resolved.moved,
        sent_by_next_push: resolved.sends,
    };
    context.output.show(&document, |output| told(output, conflict.id, &resolved))?;
    Ok(Exit::Done)
}

fn told(output: &Output, id: i64, resolved: &Resolved) -> Result<(), CommandError> {
    let remote = brief(resolved.remote.as_deref());
    if resolved.moved {
        output.line(format!("The record has changed since this conflict: HubSpot holds {remote} now."))?;
    }
    let Resolved { object, record, property, .. } = resolved;
    let after = brief(resolved.after.as_deref());
    output.line(format!("conflict {id}: {property} of {object} {record} is {after}"))?;
    output.line(match resolved.sends {
        true => format!("The next `crmsync push` sends it over {remote}."),
        false => "That is what HubSpot holds: nothing has to be sent.".to_owned(),
    })
}

fn conflicts(mirror: &Connection, all: bool) -> rusqlite::Result<Vec<Conflict>> {
    let mut statement = mirror.prepare(&format!(
        "SELECT {COLUMNS} FROM sync_conflicts WHERE ?1 OR resolved_at IS NULL
         ORDER BY resolved_at IS NOT NULL, resolved_at DESC, id"
    ))?;
    let conflicts = statement.query_map([all], conflict)?;
    conflicts.map(|conflict| look_up(mirror, conflict?)).collect()
}

fn find(mirror: &Connection, id: i64) -> Result<Conflict, CommandError> {
    let sql = format!("SELECT {COLUMNS} FROM sync_conflicts WHERE id = ?1");
    let found = mirror.query_row(&sql, [id], conflict).and_then(|conflict| look_up(mirror, conflict));
    found.optional().map_err(StoreError::from)?.ok_or_else(|| {
        CommandError::usage(format!("there is no conflict {id}."))
            .hint("`crmsync conflicts list --all` shows their numbers.")
    })
}

fn conflict(row: &Row<'_>) -> rusqlite::Result<Conflict> {
    Ok(Conflict {
        id: row.get(0)?,
        object: row.get(1)?,
        record_id: row.get(2)?,
        property: row.get(3)?,
        base: row.get(4)?,
        local: row.get(5)?,
        remote: row.get(6)?,
        remote_at: row.get(7)?,
        kind: row.get(8)?,
        chosen: row.get(9)?,
        run: row.get(10)?,
        created_at: row.get(11)?,
        resolved_at: row.get(12)?,
        archived: false,
    })
}

/// Adds how the record stands in HubSpot, as far as the mirror knows.
fn look_up(mirror: &Connection, conflict: Conflict) -> rusqlite::Result<Conflict> {
    let table: Option<String> = mirror
        .prepare_cached("SELECT table_name FROM sync_objects WHERE object = ?1")?
        .query_row([&conflict.object], |row| row.get(0))
        .optional()?;
    let base = format!("sync_base_{}", table.unwrap_or_default()).replace('"', "\"\"");
    // Where there is none, there is nothing to tell.
    let Ok(mut statement) = mirror.prepare_cached(&format!("SELECT archived FROM \"{base}\" WHERE id = ?1")) else {
        return Ok(conflict);
    };
    let archived: Option<bool> = statement.query_row([&conflict.record_id], |row| row.get(0)).optional()?;
    Ok(Conflict { archived: archived.unwrap_or_default(), ..conflict })
}

fn table(conflicts: &[Conflict]) -> Table {
    let mut table = Table::new([
        ("id", Align::Right),
        ("object", Align::Left),
        ("record", Align::Left),
        ("property", Align::Left),
        ("local", Align::Left),
        ("remote", Align::Left),
        ("kind", Align::Left),
        ("", Align::Left),
    ]);
    for conflict in conflicts.iter().take(SHOWN) {
        table.row([
            conflict.id.to_string().as_str(),
            &conflict.object,
            &conflict.record_id,
            &conflict.property,
            &brief(conflict.local.as_deref()),
            &brief(conflict.remote.as_deref()),
            &conflict.kind,
            if conflict.resolved_at.is_none() { "waits" } else { conflict.chosen.as_str() },
        ]);
    }
    table
}
