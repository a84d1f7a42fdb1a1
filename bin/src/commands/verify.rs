//! `crmsync verify`: is the mirror right?

use super::Context;
use crate::exit::{CommandError, Exit};
use clap::Args;

/// Compare the mirror with the portal, record by record.
///
/// Writes nothing on either side. Says first how many calls it will take. Your pending changes are not differences; a difference is looked at twice
/// before it is reported. Exits 1 if there are any.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync verify
  crmsync verify contacts --json")]
pub struct VerifyArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
}

/// Runs `verify`.
pub fn run(context: &Context, arguments: &VerifyArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    portal.selected_objects(&arguments.objects)?;
    portal.credential()?;
    Err(context.unfinished("verify"))
}
