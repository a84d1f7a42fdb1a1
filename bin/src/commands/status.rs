//! `crmsync status`: how things stand, from the mirror alone.

use super::Context;
use crate::exit::{CommandError, Exit};
use clap::Args;

/// Show how things stand with each object.
///
/// Rows, archived rows, how far HubSpot has been read and how long ago, pending changes, conflicts and rejects. Reads the mirror only; it needs no token and may run at any time, also next to a running sync.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync status
  crmsync status --json")]
pub struct StatusArgs {}

/// Runs `status`.
pub fn run(context: &Context, _arguments: &StatusArgs) -> Result<Exit, CommandError> {
    context.portal()?;
    Err(context.unfinished("status"))
}
