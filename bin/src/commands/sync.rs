//! `crmsync sync`: one run in both directions.

use super::Context;
use super::allowances::AllowArgs;
use super::summary;
use crate::exit::{CommandError, Exit};
use crate::installation::Installation;
use clap::Args;

/// Pull, then push: what cron and systemd run.
///
/// Changes in HubSpot come into the mirror, and edits of the mirror go to HubSpot if push.enabled = true is set for the
/// portal; without it the run only pulls, says so, and is done. The first run reads everything and may be interrupted
/// at any time: the next one goes on where it stopped. Only one run at a time works on a mirror; another exits 75. With --all
/// each portal has its turn, whatever became of the one before, and --json gives one document with a part for each.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync sync                         every configured object
  crmsync sync contacts deals          only these
  crmsync sync --all                   every configured portal
  crmsync sync --allow vanished=1200   after a belt stopped the run and you have looked")]
pub struct SyncArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
    /// Every configured portal, one after the other
    #[arg(long)]
    pub all: bool,
    /// Belts.
    #[command(flatten)]
    pub allow: AllowArgs,
}

/// Runs `sync`.
pub fn run(context: &Context, arguments: &SyncArgs) -> Result<Exit, CommandError> {
    let portals = context.portals(arguments.all)?;
    context.for_each_portal(&portals, arguments.all, |context, portal| {
        let objects = portal.selected_objects(&arguments.objects)?;
        let installation = Installation::open(context, portal, arguments.allow.allowances())?;
        let exit =
            context.block_on(summary::run(context, &installation, summary::Doing::Sync, &portal.name, &objects))??;
        if !installation.may_push {
            context.output.line(format!(
                "Nothing was sent: push.enabled is false for portal {}. Your edits stay in the mirror; `crmsync plan` \
                 shows them.",
                portal.name
            ))?;
        }
        Ok(exit)
    })
}
