//! `crmsync push`: send local changes.

use super::Context;
use super::allowances::AllowArgs;
use super::{plan, summary};
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::Installation;
use clap::Args;

/// Send local changes to HubSpot.
///
/// New rows become records, edits become updates, and rows with archived = 1 are archived. Each record is read again right
/// before it is written, so that what changed there meanwhile is merged first. Needs push.enabled = true for the portal.
/// What HubSpot refuses is kept in sync_rejects; what it never answered is looked at first in the next run.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync push --dry-run                what would be sent, as `crmsync plan` shows it
  crmsync push contacts
  crmsync push --allow updates=12000    after a belt stopped it and you have looked")]
pub struct PushArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Belts.
    #[command(flatten)]
    pub allow: AllowArgs,
}

/// Runs `push`.
pub fn run(context: &Context, arguments: &PushArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    if arguments.dry_run {
        let installation = Installation::open(context, &portal, arguments.allow.allowances())?;
        return plan::show(context, &installation, &objects, false).map(|(_, exit)| exit);
    }
    refuse_unless_enabled(&portal, "`crmsync plan` shows what would be sent")?;
    let installation = Installation::open(context, &portal, arguments.allow.allowances())?;
    context.block_on(summary::run(context, &installation, summary::Doing::Push, &portal.name, &objects))?
}

/// Writing to HubSpot is switched on by a person, once. `preview` is the command that shows what it would be good for.
pub(super) fn refuse_unless_enabled(portal: &PortalConfig, preview: &str) -> Result<(), CommandError> {
    if portal.push.enabled {
        return Ok(());
    }
    Err(CommandError::new(Exit::Belt, format!("portal {} may not be written to.", portal.name))
        .hint(format!("set enabled = true under [portals.{}.push] in crmsync.toml; {preview}.", portal.name)))
}
