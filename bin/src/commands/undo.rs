//! `crmsync undo RUN`: takes back what a run wrote to HubSpot.

use super::allowances::AllowArgs;
use super::decide::{brief, mirror_of};
use super::push::refuse_unless_enabled;
use super::{Allowances, Context, summary};
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::{Installation, close};
use crate::output::{Align, Output, Table, words};
use clap::Args;
use connectors::Transport;
use rusqlite::OptionalExtension;
use serde::Serialize;
use sync_core::store::{Fate, StoreError, Undoing};

/// Take back what a run wrote to HubSpot.
///
/// A value that is still what the run wrote becomes what it was before, by an ordinary push with its belts. A value that was
/// changed in HubSpot since becomes a conflict that waits for you, and one that was edited in the mirror since is left
/// alone. Records that the run created are listed, and archived only with --archive-created. Records that it archived can be restored
/// only by a person in HubSpot. Needs push.enabled = true for the portal. The undoing is a run of its own.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync undo 41 --dry-run             what it would do, by what the mirror knows; makes no call
  crmsync undo 41
  crmsync undo 41 --archive-created --allow archives=60

`SELECT * FROM sync_runs` has the numbers of runs.")]
pub struct UndoArgs {
    /// The run's number in sync_runs
    #[arg(value_name = "RUN")]
    pub run: i64,
    /// Also archive the records that the run created
    #[arg(long)]
    pub archive_created: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Belts.
    #[command(flatten)]
    pub allow: AllowArgs,
}

/// Values shown to people; the document has them all.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct Document {
    undone_run: i64,
    /// The run that did it; none of a dry run, or where there was nothing to do.
    run: Option<i64>,
    changes: Vec<Change>,
    pushed: Option<Pushed>,
    exit_code: u8,
}

#[derive(Serialize)]
struct Change {
    object: String,
    record_id: String,
    property: Option<String>,
    before: Option<String>,
    after: Option<String>,
    now: Option<String>,
    outcome: &'static str,
}

#[derive(Serialize)]
struct Pushed {
    updated: u64,
    archived: u64,
    refused: u64,
    unknown: u64,
    waiting: u64,
    requests: u64,
}

/// Runs `undo`.
pub fn run(context: &Context, arguments: &UndoArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    if !arguments.dry_run {
        refuse_unless_enabled(&portal)?;
    }
    if !wrote_anything(&portal, arguments.run)? {
        let document =
            Document { undone_run: arguments.run, run: None, changes: Vec::new(), pushed: None, exit_code: 0 };
        context.output.show(&document, |output| {
            output.line(format!("Run {} wrote nothing to HubSpot: there is nothing to undo.", arguments.run))
        })?;
        return Ok(Exit::Done);
    }
    if arguments.dry_run {
        return pretend(context, &portal, arguments);
    }
    undo(context, &Installation::open(context, &portal, arguments.allow.allowances())?, arguments)
}

/// Whether a run wrote anything to HubSpot; refuses a number that no run has.
fn wrote_anything(portal: &PortalConfig, run: i64) -> Result<bool, CommandError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sync_history WHERE run_id = id AND side = 'hubspot')
               FROM sync_runs WHERE id = ?1";
    let found = mirror_of(portal)?.query_row(sql, [run], |row| row.get(0)).optional().map_err(StoreError::from)?;
    found.ok_or_else(|| {
        CommandError::usage(format!("there is no run {run}."))
            .hint("`SELECT id, command, started_at, pushed FROM sync_runs` has their numbers.")
    })
}

fn pretend(context: &Context, portal: &PortalConfig, arguments: &UndoArgs) -> Result<Exit, CommandError> {
    let installation = Installation::open(context, portal, Allowances::default())?;
    let planned = installation.engine.plan_undo(&installation.mappings, arguments.run, arguments.archive_created);
    let undoing = context.block_on(planned)??;
    let document = Document {
        undone_run: arguments.run,
        run: None,
        changes: undoing.iter().map(change).collect(),
        pushed: None,
        exit_code: 0,
    };
    context.output.show(&document, |output| {
        show(output, &undoing)?;
        output.line("Nothing was done: this was a dry run.")
    })?;
    Ok(Exit::Done)
}

/// Undoes a run, and shows what came of it.
pub(super) fn undo<T: Transport + 'static>(
    context: &Context,
    installation: &Installation<T>,
    arguments: &UndoArgs,
) -> Result<Exit, CommandError> {
    context.block_on(async {
        let engine = &installation.engine;
        let (account, run_id) = installation.begin("undo").await?;
        let (now, mappings) = (account.server_time, &installation.mappings);
        let (undoing, mut report) = engine.undo(now, mappings, arguments.run, arguments.archive_created).await;
        report.run_id = run_id;
        let (exit, complaints) = summary::outcome(&mut report);
        let usage = close(engine, &report, exit).await?;
        let pushed = report.pushed();
        let document = Document {
            undone_run: arguments.run,
            run: Some(run_id),
            changes: undoing.iter().map(change).collect(),
            pushed: Some(Pushed {
                updated: pushed.updated,
                archived: pushed.archived,
                refused: pushed.refused,
                unknown: pushed.unknown,
                waiting: pushed.waiting,
                requests: usage.requests,
            }),
            exit_code: exit.code(),
        };
        context.output.show(&document, |output| {
            show(output, &undoing)?;
            output.line(format!(
                "run {run_id}: {} updated and {} archived in HubSpot, {}",
                words::records(pushed.updated),
                words::records(pushed.archived),
                words::counted(usage.requests, "call", "calls")
            ))
        })?;
        for complaint in &complaints {
            context.output.complain(complaint);
        }
        Ok(exit)
    })?
}

fn show(output: &Output, undoing: &[Undoing]) -> Result<(), CommandError> {
    let values: Vec<&Undoing> = undoing.iter().filter(|undoing| undoing.fate != Fate::Associations).collect();
    let mut table = Table::new([
        ("object", Align::Left),
        ("record", Align::Left),
        ("property", Align::Left),
        ("before", Align::Left),
        ("written", Align::Left),
        ("", Align::Left),
    ]);
    for undoing in values.iter().take(SHOWN) {
        table.row([
            &undoing.object,
            &undoing.record,
            undoing.property.as_deref().unwrap_or("(the record)"),
            &brief(undoing.before.as_deref()),
            &brief(undoing.after.as_deref()),
            &sentence(undoing),
        ]);
    }
    if !table.is_empty() {
        output.table(&table)?;
    }
    if values.len() > SHOWN {
        output.line(format!("and {} more; --json shows all", words::count((values.len() - SHOWN) as u64)))?;
    }
    let associations = (undoing.len() - values.len()) as u64;
    if associations > 0 {
        output.line(format!(
            "The run also wrote associations of {}: they are not undone; sync_history has them.",
            words::records(associations)
        ))?;
    }
    Ok(())
}

fn sentence(undoing: &Undoing) -> String {
    let now = brief(undoing.now.as_deref());
    match undoing.fate {
        Fate::Undone => "undone".to_owned(),
        Fate::AlreadyUndone => "is so already".to_owned(),
        Fate::Conflict => format!("changed to {now} in HubSpot since: `crmsync conflicts` decides"),
        Fate::EditedSince => "edited in the mirror since: left alone".to_owned(),
        Fate::NotMapped => "no column of the mapping can be sent for it".to_owned(),
        Fate::RecordGone => "not an active record any more".to_owned(),
        Fate::Created => "created: --archive-created archives it".to_owned(),
        Fate::CreatedArchived => "created: archived".to_owned(),
        Fate::Archived => "archived: restore in HubSpot, within 90 days".to_owned(),
        Fate::Associations => "associations are not undone".to_owned(),
    }
}

fn change(undoing: &Undoing) -> Change {
    Change {
        object: undoing.object.clone(),
        record_id: undoing.record.clone(),
        property: undoing.property.clone(),
        before: undoing.before.clone(),
        after: undoing.after.clone(),
        now: undoing.now.clone(),
        outcome: match undoing.fate {
            Fate::Undone => "undone",
            Fate::AlreadyUndone => "already_undone",
            Fate::Conflict => "conflict",
            Fate::EditedSince => "edited_since",
            Fate::NotMapped => "not_mapped",
            Fate::RecordGone => "record_gone",
            Fate::Created => "created",
            Fate::CreatedArchived => "created_archived",
            Fate::Archived => "archived",
            Fate::Associations => "associations_left",
        },
    }
}
