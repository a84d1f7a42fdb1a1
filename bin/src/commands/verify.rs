//! `crmsync verify`: is the mirror right?

use super::{Allowances, Context};
use crate::exit::{CommandError, Exit};
use crate::installation::{Installation, close};
use crate::output::{Align, Table, words};
use clap::Args;
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use sync_core::store::{Store, StoreError};
use sync_core::{RemoteErrorKind, Report, RunError, Verification};

/// Compare the mirror with the portal, record by record.
///
/// Writes nothing on either side. Says first how many calls it will take. Your pending changes are not differences; a difference is looked at twice
/// before it is reported. Exits 1 if there are any, or if an object was left out: one that has not been read in full yet, unless it was asked for by
/// name, and one that the credential may not read.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync verify
  crmsync verify contacts --json")]
pub struct VerifyArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
}

/// Records in a page of a list.
const PAGE: u64 = 100;
/// Differences shown to people; the document has them all.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct Document {
    records: u64,
    differences: Vec<Difference>,
    /// Objects that were not compared, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct LeftOut {
    object: String,
    why: String,
}

#[derive(Serialize)]
struct Difference {
    object: String,
    id: String,
    property: Option<String>,
    mirror: Option<String>,
    remote: Option<String>,
}

/// Runs `verify`.
pub fn run(context: &Context, arguments: &VerifyArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    let Some(mirror) = Store::open_to_read(&portal.mirror)? else {
        return Err(CommandError::usage(format!("there is no mirror yet at {}.", portal.mirror.display()))
            .hint("run `crmsync pull` first."));
    };
    let (objects, unread) = announce(context, &mirror, objects, !arguments.objects.is_empty())?;
    drop(mirror);
    let installation = Installation::open(context, &portal, Allowances::default())?;
    context.block_on(async {
        let engine = &installation.engine;
        let (account, run_id) = installation.begin("verify").await?;
        let found = engine.verify(account.server_time, &installation.mappings, &objects).await;
        let (exit, outcome) = judge(context, found, unread);
        let report = Report { run_id, ..Report::default() };
        close(engine, &report, exit).await?;
        outcome.map(|()| exit)
    })?
}

/// Says what it will cost. Returns what to compare, and what has not been read in full and is left out; where that was
/// asked for `by_name`, or nothing is left, it is refused.
fn announce(
    context: &Context,
    mirror: &Connection,
    objects: Vec<String>,
    by_name: bool,
) -> Result<(Vec<String>, Vec<LeftOut>), CommandError> {
    let (mut calls, mut read, mut unread) = (0, Vec::new(), Vec::new());
    for object in objects {
        let known: Result<(i64, bool), _> =
            mirror.query_row("SELECT rows, backfilled FROM sync_objects WHERE object = ?1", [&object], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
        match known {
            Ok((rows, true)) => {
                calls += u64::try_from(rows).unwrap_or(0).div_ceil(PAGE) + 2;
                read.push(object);
            }
            Ok((_, false)) | Err(rusqlite::Error::QueryReturnedNoRows) if by_name => return Err(not_read(&object)),
            Ok((_, false)) | Err(rusqlite::Error::QueryReturnedNoRows) => {
                unread.push(LeftOut { object, why: "it has not been read in full yet".to_owned() });
            }
            Err(error) => return Err(StoreError::from(error).into()),
        }
    }
    if let Some(first) = unread.first().filter(|_| read.is_empty()) {
        return Err(not_read(&first.object));
    }
    context.progress.say(&format!("Comparing takes about {}.", words::counted(calls, "call", "calls")));
    Ok((read, unread))
}

fn not_read(object: &str) -> CommandError {
    CommandError::usage(format!("{object} has not been read in full yet."))
        .hint(format!("run `crmsync pull {object}` first."))
}

fn judge(
    context: &Context,
    found: Result<BTreeMap<String, Result<Verification, RunError>>, RunError>,
    unread: Vec<LeftOut>,
) -> (Exit, Result<(), CommandError>) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let error = CommandError::from(error);
            return (error.exit, Err(error));
        }
    };
    let mut document = Document { records: 0, differences: Vec::new(), left_out: unread };
    let mut exit = Exit::Done;
    let none_may_be_read = !found.is_empty() && found.values().all(|part| part.as_ref().is_err_and(may_not_be_read));
    for (object, part) in found {
        match part {
            Ok(part) => {
                document.records += part.records;
                document.differences.extend(part.differences.into_iter().map(|difference| Difference {
                    object: object.clone(),
                    id: difference.id.to_string(),
                    property: difference.property,
                    mirror: difference.mirror,
                    remote: difference.remote,
                }));
            }
            Err(error) if may_not_be_read(&error) => {
                document.left_out.push(LeftOut { object, why: error.to_string() });
            }
            Err(error) => {
                let mut error = CommandError::from(error);
                error.message = format!("{object}: {}", error.message);
                exit = exit.and(error.exit);
                context.output.complain(&error);
            }
        }
    }
    if !document.differences.is_empty() || !document.left_out.is_empty() {
        exit = exit.and(Exit::Attention);
    }
    if none_may_be_read {
        exit = exit.and(Exit::Authentication);
        context.output.complain(
            &CommandError::new(exit, "no configured object may be read with this credential.")
                .hint("give the credential the scopes that are named, or configure other objects."),
        );
    }
    (exit, show(context, &document))
}

/// Whether the credential lacks a scope, so that the object type is left out and the others are compared.
fn may_not_be_read(error: &RunError) -> bool {
    match error {
        RunError::LeftOut(_) => true,
        RunError::Remote(error) => error.kind == RemoteErrorKind::MissingScope,
        _ => false,
    }
}

fn show(context: &Context, document: &Document) -> Result<(), CommandError> {
    context.output.show(document, |output| {
        for LeftOut { object, why } in &document.left_out {
            output.line(format!("{object} was left out: {}.", why.trim_end_matches('.')))?;
        }
        let differences = &document.differences;
        if differences.is_empty() {
            return output.line(format!("{} compared: no difference.", words::records(document.records)));
        }
        let mut table = Table::new([
            ("object", Align::Left),
            ("id", Align::Left),
            ("property", Align::Left),
            ("mirror", Align::Left),
            ("HubSpot", Align::Left),
        ]);
        for difference in differences.iter().take(SHOWN) {
            let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            table.row([
                difference.object.clone(),
                difference.id.clone(),
                difference.property.clone().unwrap_or_else(|| "(the record)".to_owned()),
                or_none(&difference.mirror),
                or_none(&difference.remote),
            ]);
        }
        output.table(&table)?;
        if differences.len() > SHOWN {
            output.line(format!("and {} more; --json shows all", words::count((differences.len() - SHOWN) as u64)))?;
        }
        let count = words::counted(differences.len() as u64, "difference", "differences");
        output.line(format!("{} compared: {count}.", words::records(document.records)))
    })
}
