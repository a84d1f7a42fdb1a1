//! `crmsync demo`: the whole cycle on a built-in simulated portal.

use super::Context;
use crate::exit::{CommandError, Exit};
use clap::Args;
use std::path::PathBuf;

/// See the whole cycle on a built-in simulated portal.
///
/// A first full read, changes on both sides, a sync, and what came of it. Needs no account, no configuration and no network. It leaves crm-demo.db behind, an ordinary SQLite file to look
/// around in, and prints where it is. A file of that name that the demo did not make is never replaced.
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

/// Runs the demo.
pub fn run(context: &Context, _arguments: &DemoArgs) -> Result<Exit, CommandError> {
    Err(context.unfinished("demo"))
}
