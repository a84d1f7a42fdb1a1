//! `crmsync mapping check`: are the mapping files right?

use super::Context;
use crate::exit::{CommandError, Exit};
use clap::{Args, Subcommand};

/// Work with mapping files.
///
/// A mapping says which property of HubSpot is which column of the mirror, and how values translate.
#[derive(Clone, Debug, Args)]
pub struct MappingArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: MappingCommand,
}

/// What to do with mapping files.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "words here would take the place of the help that each command brings")]
pub enum MappingCommand {
    Check(CheckArgs),
}

/// Prove that each two-way field survives the way to HubSpot and back.
///
/// Reads every mapping. Needs no token. A mistake is named with its file, line and field, and exits 2.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  crmsync mapping check")]
pub struct CheckArgs {}

/// Runs `mapping`.
pub fn run(context: &Context, arguments: &MappingArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        MappingCommand::Check(_) => {
            context.portal()?;
            Err(context.unfinished("mapping check"))
        }
    }
}
