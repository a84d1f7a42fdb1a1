//! `crmsync demo`: the whole cycle on a built-in simulated portal.

mod stage;
mod story;
mod teller;

use super::Context;
use crate::exit::{CommandError, Exit};
use crate::output::{Output, Progress, progress::Display};
use clap::Args;
use serde::Serialize;
use stage::{ACCOUNT, Stage};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use sync_core::store::{RunLock, Store};
use teller::{Step, Teller};

/// See the whole cycle on a built-in simulated portal.
///
/// A first full read, changes on both sides, a merge, a conflict, a new record, an archive, the plan, a sync, and its undoing,
/// each with the command or the SQL that does it. Needs no account, no configuration and no network. It leaves
/// crm-demo.db behind, an ordinary SQLite file to look around in, and prints where it is. A file of that name that the
/// demo did not make is never replaced.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  crmsync demo
  sqlite3 crm-demo.db 'SELECT first_name, email FROM contacts LIMIT 5'")]
pub struct DemoArgs {
    /// Directory to leave crm-demo.db in [default: the working directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    mirror: String,
    steps: Vec<Step>,
    seconds: f64,
}

/// Runs the demo.
pub fn run(context: &Context, arguments: &DemoArgs) -> Result<Exit, CommandError> {
    let began = Instant::now();
    let directory = arguments.dir.clone().unwrap_or_else(|| context.surroundings().directory.clone());
    if !directory.is_dir() {
        return Err(CommandError::usage(format!("there is no directory {}.", directory.display()))
            .hint("make it first, or leave --dir out."));
    }
    let mirror = directory.join("crm-demo.db");
    replace_own(&mirror)?;
    let stage = Stage::new(mirror);
    let steps = story::tell(&stage, Teller::new(on_stage(context, &stage)))?;
    let mirror = stage.mirror.display().to_string();
    let shown = match &arguments.dir {
        Some(_) => mirror.clone(),
        None => "crm-demo.db".to_owned(),
    };
    let seconds = (began.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
    let document = Document { mirror, steps, seconds };
    context.output.show(&document, |output| {
        output.line(format!("\nThe mirror stays: {}\n\nNext:", document.mirror))?;
        let look = format!("sqlite3 {shown}");
        let next = [
            (look.as_str(), "look around: .tables, SELECT * FROM sync_history"),
            ("crmsync simulator", "a CRM to try the commands on, with limits and faults"),
            ("crmsync init", "your own portal, with HUBSPOT_ACCESS_TOKEN set"),
        ];
        let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        for (command, what) in next {
            output.line(format!("  {command:<width$}  {what}"))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// The context of the commands in the story: their documents become parts of one, and their progress, which would get
/// between the lines, is shown with `-v`.
fn on_stage(context: &Context, stage: &Stage) -> Context {
    let output = if context.output.is_json() { Output::gathering() } else { Output::new(false) };
    let quiet = context.global.verbose == 0;
    let display = Display::choose(quiet, context.global.log_format);
    context.with(output, Progress::with_clock(display, &context.screen, Arc::new(stage.clock.clone())))
}

/// Removes the mirror of an earlier demo. A file that the demo did not make stays, and the command ends.
fn replace_own(mirror: &Path) -> Result<(), CommandError> {
    if !mirror.exists() {
        return Ok(());
    }
    let foreign = || {
        CommandError::usage(format!("{} is there already, and the demo did not make it.", mirror.display()))
            .hint("move it away, or give another directory with --dir.")
    };
    let own = Store::open_to_read(mirror).map_err(|_| foreign())?.is_some_and(|connection| {
        let bound = connection.query_row("SELECT value FROM sync_meta WHERE key = 'portal_id'", [], |row| row.get(0));
        bound.is_ok_and(|bound: String| bound == ACCOUNT.to_string())
    });
    if !own {
        return Err(foreign());
    }
    // Not while somebody works on it. Its runs are counted anew.
    let lock = RunLock::take(mirror)?;
    lock.note_run(0)?;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = mirror.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
