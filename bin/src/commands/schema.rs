//! `crmsync schema`: what the portal has, what of a mapping does not fit it, and making what is missing there.

mod apply;
mod diff;
mod show;

use super::Context;
use crate::exit::{CommandError, Exit};
use clap::{Args, Subcommand};

/// Work with the portal's schema.
///
/// The schema is what HubSpot says about an object type: its properties, their types, and which of them may be written.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: SchemaCommand,
}

/// What to do with the portal's schema.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "words here would take the place of the help that each command brings")]
pub enum SchemaCommand {
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Apply(apply::ApplyArgs),
}

/// Runs `schema`.
pub fn run(context: &Context, arguments: &SchemaArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        SchemaCommand::Show(arguments) => show::run(context, arguments),
        SchemaCommand::Diff(arguments) => diff::run(context, arguments),
        SchemaCommand::Apply(arguments) => apply::run(context, arguments),
    }
}
