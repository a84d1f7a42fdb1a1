//! `crmsync rejects`: what HubSpot refused, to be tried again or given up.

mod said;
mod stored;

use super::Context;
use super::decide::{decide, minute, mirror_of, number};
use crate::exit::{CommandError, Exit};
use crate::output::{Output, words};
use clap::{Args, Subcommand};
use rusqlite::Connection;
use serde::Serialize;
use stored::{Refused, Reject, other_end, table};
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
    #[arg(value_name = "ID", value_parser = number(SHOWN_BY))]
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
    #[arg(value_name = "ID", value_parser = number(SHOWN_BY))]
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
    #[arg(value_name = "ID", value_parser = number(SHOWN_BY))]
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
/// What shows their numbers.
const SHOWN_BY: &str = "`crmsync rejects`";

#[derive(Serialize)]
struct ListDocument {
    rejects: Vec<Reject>,
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
    let document = ListDocument { rejects: Reject::list(&mirror, arguments.all).map_err(StoreError::from)? };
    context.output.show(&document, |output| {
        let rejects = &document.rejects;
        if !rejects.is_empty() {
            output.table(&table(rejects.iter().take(SHOWN)))?;
        }
        if rejects.len() > SHOWN {
            output.line(format!("and {} more; --json shows all", words::count((rejects.len() - SHOWN) as u64)))?;
        }
        let waiting = rejects.iter().filter(|reject| reject.waits()).count() as u64;
        output.line(match waiting {
            0 => "No reject waits for a person.".to_owned(),
            some => format!(
                "{} for a person: mend the row, or `crmsync rejects retry`, or `crmsync rejects drop ID --reason TEXT`",
                words::counted(some, "reject waits", "rejects wait")
            ),
        })?;
        match rejects.iter().filter(|reject| reject.retry && reject.dropped.is_none()).count() as u64 {
            0 => Ok(()),
            some => output.line(tried_again(some)),
        }
    })?;
    Ok(Exit::Done)
}

fn tried_again(rejects: u64) -> String {
    format!("The next `crmsync push` tries {} again.", words::counted(rejects, "reject", "rejects"))
}

fn show(context: &Context, arguments: &ShowArgs) -> Result<Exit, CommandError> {
    let reject = find(&mirror_of(&context.portal()?)?, arguments.id)?;
    context.output.show(&reject, |output| {
        output.line(format!("reject {}: {} of {} {}", reject.id, reject.operation, reject.object, reject.row()))?;
        let refused = reject.refused.table();
        if !refused.is_empty() {
            output.table(&refused)?;
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
            some => tried_again(some),
        })
    })?;
    Ok(Exit::Done)
}

fn give_up(context: &Context, arguments: &DropArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let reject = find(&mirror_of(&portal)?, arguments.id)?;
    let (reason, delete) = (arguments.reason.clone(), arguments.delete);
    if delete && reject.operation != "create" {
        return Err(CommandError::usage(format!(
            "reject {} is of the operation {}, and only a row that could not be created can be deleted.",
            reject.id, reject.operation
        ))
        .hint("leave --delete out."));
    }
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
    context.output.show(&document, |output| told(output, &reject, &dropped))?;
    Ok(Exit::Done)
}

fn told(output: &Output, reject: &Reject, dropped: &Dropped) -> Result<(), CommandError> {
    let (object, row) = (&reject.object, reject.row());
    output.line(match (dropped, &reject.refused) {
        (Dropped::PutBack(_), Refused::Labels { association }) => {
            format!("{object} {row}: associations with {} as HubSpot has them again.", other_end(association))
        }
        (Dropped::PutBack(columns), _) => format!("{object} {row}: {} as HubSpot has it again.", columns.join(", ")),
        (Dropped::Unarchived, _) => format!("{object} {row} is not to be archived any more."),
        (Dropped::RowKept, _) => format!("{object} row {row} stays, and is not tried until it is edited."),
        (Dropped::RowDeleted, _) => format!("{object} row {row} is deleted."),
        (Dropped::Forgotten, _) => {
            format!("Reject {} is forgotten: nothing in the mirror held what was refused.", reject.id)
        }
    })
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

fn find(mirror: &Connection, id: i64) -> Result<Reject, CommandError> {
    Reject::find(mirror, id).map_err(StoreError::from)?.ok_or_else(|| {
        CommandError::usage(format!("there is no reject {id}."))
            .hint("`crmsync rejects list --all` shows their numbers; what was sent since is a reject no more.")
    })
}
