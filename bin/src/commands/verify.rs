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
use sync_core::{Report, RunError, Verification};

/// Compare the mirror with the portal, record by record.
///
/// Writes nothing on either side. Says first how many calls it will take. Your pending changes are not differences; a difference is looked at twice
/// before it is reported. Exits 1 if there are any.
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
    announce(context, &mirror, &objects)?;
    drop(mirror);
    let installation = Installation::open(context, &portal, Allowances::default())?;
    context.block_on(async {
        let engine = &installation.engine;
        let (account, run_id) = installation.begin("verify").await?;
        let found = engine.verify(account.server_time, &installation.mappings, &objects).await;
        let (exit, outcome) = judge(context, found);
        let report = Report { run_id, ..Report::default() };
        close(engine, &report, exit).await?;
        outcome.map(|()| exit)
    })?
}

/// Says what it will cost, and refuses to compare what has not been read.
fn announce(context: &Context, mirror: &Connection, objects: &[String]) -> Result<(), CommandError> {
    let mut calls = 0;
    for object in objects {
        let known: Result<(i64, bool), _> =
            mirror.query_row("SELECT rows, backfilled FROM sync_objects WHERE object = ?1", [object], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
        match known {
            Ok((rows, true)) => calls += u64::try_from(rows).unwrap_or(0).div_ceil(PAGE) + 2,
            Ok((_, false)) | Err(rusqlite::Error::QueryReturnedNoRows) => {
                return Err(CommandError::usage(format!("{object} has not been read in full yet."))
                    .hint(format!("run `crmsync pull {object}` first.")));
            }
            Err(error) => return Err(StoreError::from(error).into()),
        }
    }
    context.output.line(format!("Comparing takes about {}.", words::counted(calls, "call", "calls")))
}

fn judge(
    context: &Context,
    found: Result<BTreeMap<String, Result<Verification, RunError>>, RunError>,
) -> (Exit, Result<(), CommandError>) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let error = CommandError::from(error);
            return (error.exit, Err(error));
        }
    };
    let mut document = Document { records: 0, differences: Vec::new() };
    let mut exit = Exit::Done;
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
            Err(error) => {
                let mut error = CommandError::from(error);
                error.message = format!("{object}: {}", error.message);
                exit = exit.and(error.exit);
                context.output.complain(&error);
            }
        }
    }
    if !document.differences.is_empty() {
        exit = exit.and(Exit::Attention);
    }
    (exit, show(context, &document))
}

fn show(context: &Context, document: &Document) -> Result<(), CommandError> {
    context.output.show(document, |output| {
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
