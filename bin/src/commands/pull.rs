//! `crmsync pull`: bring changes in.

use super::Context;
use super::allowances::AllowArgs;
use super::summary;
use crate::exit::{CommandError, Exit};
use crate::installation::Installation;
use clap::Args;

/// Bring HubSpot's changes into the mirror.
///
/// Nothing is sent. The first time it reads everything; interrupted, it goes on where it stopped. An edit of yours that has not been
/// pushed is never overwritten, except where the field's policy says so, and then it is kept in sync_conflicts.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync pull
  crmsync pull contacts --json")]
pub struct PullArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
    /// Belts.
    #[command(flatten)]
    pub allow: AllowArgs,
}

/// Runs `pull`.
pub fn run(context: &Context, arguments: &PullArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    let installation = Installation::open(context, &portal, arguments.allow.allowances())?;
    context.block_on(summary::run(context, &installation, summary::Doing::Pull(None), &portal.name, &objects))?
}
