//! `crmsync backfill`: read everything.

use super::summary::{self, StartOver};
use super::{Allowances, Context};
use crate::exit::{CommandError, Exit};
use crate::installation::Installation;
use clap::{Args, ValueEnum};
use sync_core::Via;

/// Read every record, from the start or from where the last backfill stopped.
///
/// A finished backfill starts over. `pull` and `sync` do this by themselves the first time. Run it after a restore, or when you want to be sure. Edits
/// that have not been pushed are kept.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync backfill
  crmsync backfill deals --restart
  crmsync backfill contacts --via list    leave the search limit to other apps")]
pub struct BackfillArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
    /// Start over, even if the last one is unfinished
    #[arg(long)]
    pub restart: bool,
    /// Calls that read the records
    #[arg(long, value_name = "CALLS", value_enum, default_value_t)]
    pub via: CallKind,
}

/// By which calls records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum CallKind {
    /// Lists
    List,
    /// Searches, which HubSpot counts apart
    Search,
    /// Both, where that pays
    #[default]
    Auto,
}

impl From<CallKind> for Via {
    fn from(kind: CallKind) -> Self {
        match kind {
            CallKind::List => Self::List,
            CallKind::Search => Self::Search,
            CallKind::Auto => Self::Auto,
        }
    }
}

/// Runs `backfill`.
pub fn run(context: &Context, arguments: &BackfillArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    let installation = Installation::open_via(context, &portal, Allowances::default(), arguments.via.into())?;
    let start_over = if arguments.restart { StartOver::Always } else { StartOver::Finished };
    let doing = summary::Doing::Pull(Some(start_over));
    context.block_on(summary::run(context, &installation, doing, &portal.name, &objects))?
}
