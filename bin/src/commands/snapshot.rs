//! `crmsync snapshot`: a consistent copy of the mirror.

use super::Context;
use crate::exit::{CommandError, Exit};
use crate::output::words;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use sync_core::store::Store;

/// Make a consistent copy of the mirror.
///
/// The copy is of one moment, also while a sync is writing, and holds nobody up. It is proved whole before it gets its name, is an ordinary SQLite file that needs nothing
/// beside it, and can serve as a mirror. A file that is there already is never replaced. Needs no token.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync snapshot backup.db
  crmsync snapshot /var/backups/crm-$(date +%F).db --json")]
pub struct SnapshotArgs {
    /// File to write
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Serialize)]
struct Document {
    mirror: String,
    file: String,
    bytes: u64,
    rows: u64,
    objects: Vec<Object>,
}

#[derive(Serialize)]
struct Object {
    object: String,
    rows: u64,
}

/// Runs `snapshot`.
pub fn run(context: &Context, arguments: &SnapshotArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let file = context.surroundings().directory.join(&arguments.file);
    let Some(copied) = Store::snapshot(&portal.mirror, &file)? else {
        return Err(CommandError::usage(format!("there is no mirror yet at {}.", portal.mirror.display()))
            .hint("run `crmsync sync` first."));
    };
    let document = Document {
        mirror: portal.mirror.display().to_string(),
        file: file.display().to_string(),
        bytes: copied.bytes,
        rows: copied.rows.iter().map(|(_, rows)| rows).sum(),
        objects: copied.rows.into_iter().map(|(object, rows)| Object { object, rows }).collect(),
    };
    context.output.show(&document, |output| {
        let (rows, size) = (words::counted(document.rows, "row", "rows"), words::size(document.bytes));
        output.line(format!("{}: {rows}, {size}", document.file))
    })?;
    Ok(Exit::Done)
}
