//! `crmsync undo RUN`: takes back what a run wrote to HubSpot.

use super::allowances::AllowArgs;
use super::decide::{brief, mirror_of, number};
use super::outcome::Outcome;
use super::plan::{KindDocument, names};
use super::push::refuse_unless_enabled;
use super::{Allowances, Context};
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::{Installation, close};
use crate::output::{Align, Output, Table, words};
use clap::Args;
use connectors::Transport;
use rusqlite::OptionalExtension;
use serde::Serialize;
use sync_core::TakenBack;
use sync_core::plan::links::Kinds;
use sync_core::store::{Fate, LinkUndoing, StoreError, Undoing};

/// Take back what a run wrote to HubSpot.
///
/// A value that is still what the run wrote becomes what it was before, by an ordinary push with its belts. A value that was
/// changed in HubSpot since becomes a conflict that waits for you, and one that was edited in the mirror since is left
/// alone. A pair of records gets back the labels it had; labels that others added stay, and a pair whose labels were
/// changed otherwise is left alone. Records that the run created are listed, and archived only with --archive-created. Records that it archived can be restored
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
    #[arg(value_name = "RUN", value_parser = number("sync_runs"))]
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
struct Document<'a> {
    undone_run: i64,
    /// The run that did it; none of a dry run, or where there was nothing to do.
    run: Option<i64>,
    changes: Vec<Change>,
    associations: Vec<LinkChange<'a>>,
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

/// A pair of records.
#[derive(Serialize)]
struct LinkChange<'a> {
    from_object: &'a str,
    from_id: &'a str,
    to_object: &'a str,
    to_id: &'a str,
    before: Vec<KindDocument<'a>>,
    after: Vec<KindDocument<'a>>,
    now: Vec<KindDocument<'a>>,
    outcome: &'static str,
}

#[derive(Serialize)]
struct Pushed {
    updated: u64,
    archived: u64,
    linked: u64,
    unlinked: u64,
    refused: u64,
    unknown: u64,
    waiting: u64,
    requests: u64,
}

/// Runs `undo`.
pub fn run(context: &Context, arguments: &UndoArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    if !arguments.dry_run {
        let preview = format!("`crmsync undo {} --dry-run` shows what would be sent", arguments.run);
        refuse_unless_enabled(&portal, &preview)?;
    }
    if !wrote_anything(&portal, arguments.run)? {
        let document = Document {
            undone_run: arguments.run,
            run: None,
            changes: Vec::new(),
            associations: Vec::new(),
            pushed: None,
            exit_code: 0,
        };
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

/// Whether a run wrote anything to HubSpot, or may have; refuses a number that no run has, or one whose log is gone.
fn wrote_anything(portal: &PortalConfig, run: i64) -> Result<bool, CommandError> {
    let mirror = mirror_of(portal)?;
    let sql = "SELECT EXISTS (SELECT 1 FROM sync_history WHERE run_id = r.id AND side = 'hubspot'
                   UNION ALL SELECT 1 FROM sync_journal WHERE run_id = r.id AND settled_at IS NULL
                   UNION ALL SELECT 1 FROM sync_journal_links WHERE run_id = r.id AND settled_at IS NULL)
               FROM sync_runs r WHERE r.id = ?1";
    let found = mirror.query_row(sql, [run], |row| row.get(0)).optional().map_err(StoreError::from)?;
    let later = "SELECT ?1 > 0 AND EXISTS (SELECT 1 FROM sync_runs WHERE id > ?1)";
    let later: bool = mirror.query_row(later, [run], |row| row.get(0)).map_err(StoreError::from)?;
    found.ok_or_else(|| {
        let error = match later {
            false => CommandError::usage(format!("there is no run {run}.")),
            true => CommandError::usage(format!(
                "what run {run} wrote is not known any more, so it cannot be undone: the log is kept for {}.",
                words::span(portal.keep.log)
            ))
            .hint("`log` under [keep] in crmsync.toml says for how long."),
        };
        error.hint("`SELECT id, command, started_at, pushed FROM sync_runs` has their numbers.")
    })
}

fn pretend(context: &Context, portal: &PortalConfig, arguments: &UndoArgs) -> Result<Exit, CommandError> {
    let installation = Installation::open(context, portal, Allowances::default())?;
    let planned = installation.engine.plan_undo(&installation.mappings, arguments.run, arguments.archive_created);
    let taken = context.block_on(planned)??;
    let document = Document {
        undone_run: arguments.run,
        run: None,
        changes: taken.records.iter().map(change).collect(),
        associations: taken.links.iter().map(link_change).collect(),
        pushed: None,
        exit_code: 0,
    };
    context.output.show(&document, |output| {
        show(output, &taken, true)?;
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
        let (taken, mut report) = engine.undo(now, mappings, arguments.run, arguments.archive_created).await;
        report.run_id = run_id;
        let Outcome { exit, complaints, .. } = super::outcome::outcome(&mut report);
        let usage = close(engine, &report, exit).await?;
        // First of all, so that it is told whatever becomes of the result.
        for complaint in &complaints {
            context.output.complain(complaint);
        }
        let pushed = report.pushed();
        let document = Document {
            undone_run: arguments.run,
            run: Some(run_id),
            changes: taken.records.iter().map(change).collect(),
            associations: taken.links.iter().map(link_change).collect(),
            pushed: Some(Pushed {
                updated: pushed.updated,
                archived: pushed.archived,
                linked: pushed.linked,
                unlinked: pushed.unlinked,
                refused: pushed.refused,
                unknown: pushed.unknown,
                waiting: pushed.waiting,
                requests: usage.requests,
            }),
            exit_code: exit.code(),
        };
        context.output.show(&document, |output| {
            show(output, &taken, false)?;
            let pairs = match pushed.linked + pushed.unlinked {
                0 => String::new(),
                pairs => format!(", associations of {}", words::counted(pairs, "pair", "pairs")),
            };
            output.line(format!(
                "run {run_id}: {} updated and {} archived in HubSpot{pairs}, {}",
                words::records(pushed.updated),
                words::records(pushed.archived),
                words::counted(usage.requests, "call", "calls")
            ))
        })?;
        Ok(exit)
    })?
}

/// Shows what becomes of everything, or would, `pretended`.
fn show(output: &Output, taken: &TakenBack, pretended: bool) -> Result<(), CommandError> {
    let mut table = Table::new([
        ("object", Align::Left),
        ("record", Align::Left),
        ("property", Align::Left),
        ("before", Align::Left),
        ("written", Align::Left),
        ("", Align::Left),
    ]);
    let records = taken.records.iter().map(|undoing| {
        [
            undoing.object.clone(),
            undoing.record.clone(),
            undoing.property.clone().unwrap_or_else(|| "(the record)".to_owned()),
            brief(undoing.before.as_deref()),
            brief(undoing.after.as_deref()),
            sentence(undoing, pretended),
        ]
    });
    let links = taken.links.iter().map(|LinkUndoing { wrote, now, fate }| {
        [
            wrote.pair.from.clone(),
            wrote.from.as_str().to_owned(),
            format!("{} {}", wrote.pair.to, wrote.to.as_str()),
            names(&wrote.base),
            names(&wrote.local),
            link_sentence(*fate, now, pretended),
        ]
    });
    records.chain(links).take(SHOWN).for_each(|row| table.row(row));
    if !table.is_empty() {
        output.table(&table)?;
    }
    let all = taken.records.len() + taken.links.len();
    if all > SHOWN {
        output.line(format!("and {} more; --json shows all", words::count((all - SHOWN) as u64)))?;
    }
    Ok(())
}

fn sentence(undoing: &Undoing, pretended: bool) -> String {
    let now = brief(undoing.now.as_deref());
    match undoing.fate {
        Fate::Conflict if pretended => format!("changed to {now} in HubSpot since: would be a conflict"),
        Fate::Conflict => format!("changed to {now} in HubSpot since: `crmsync conflicts` decides"),
        fate => common(fate, pretended).to_owned(),
    }
}

fn common(fate: Fate, pretended: bool) -> &'static str {
    match fate {
        Fate::Undone if pretended => "would be undone",
        Fate::CreatedArchived if pretended => "created: would be archived",
        Fate::Undone => "undone",
        Fate::AlreadyUndone => "is so already",
        Fate::Conflict | Fate::ChangedSince => "changed in HubSpot since: left alone",
        Fate::EditedSince => "edited in the mirror since: left alone",
        Fate::NotMapped => "no column of the mapping can be sent for it",
        Fate::RecordGone => "not an active record any more",
        Fate::Created => "created: --archive-created archives it",
        Fate::CreatedArchived => "created: archived",
        Fate::Archived => "archived: restore in HubSpot, within 90 days",
    }
}

fn link_sentence(fate: Fate, now: &Kinds, pretended: bool) -> String {
    match fate {
        Fate::ChangedSince => format!("changed to {} in HubSpot since: left alone", names(now)),
        Fate::NotMapped => "no mapping says that it is sent".to_owned(),
        Fate::RecordGone => "not possible: one of the two is no active record any more".to_owned(),
        fate => common(fate, pretended).to_owned(),
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
        outcome: outcome(undoing.fate),
    }
}

fn link_change(undoing: &LinkUndoing) -> LinkChange<'_> {
    let LinkUndoing { wrote, now, fate } = undoing;
    LinkChange {
        from_object: &wrote.pair.from,
        from_id: wrote.from.as_str(),
        to_object: &wrote.pair.to,
        to_id: wrote.to.as_str(),
        before: kinds(&wrote.base),
        after: kinds(&wrote.local),
        now: kinds(now),
        outcome: outcome(*fate),
    }
}

fn kinds(kinds: &Kinds) -> Vec<KindDocument<'_>> {
    kinds.iter().map(KindDocument::of).collect()
}

fn outcome(fate: Fate) -> &'static str {
    match fate {
        Fate::Undone => "undone",
        Fate::AlreadyUndone => "already_undone",
        Fate::Conflict => "conflict",
        Fate::ChangedSince => "changed_since",
        Fate::EditedSince => "edited_since",
        Fate::NotMapped => "not_mapped",
        Fate::RecordGone => "record_gone",
        Fate::Created => "created",
        Fate::CreatedArchived => "created_archived",
        Fate::Archived => "archived",
    }
}
