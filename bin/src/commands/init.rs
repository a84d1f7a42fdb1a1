//! `crmsync init`: from a token to a working configuration.

use super::Context;
use crate::exit::{CommandError, Exit};
use clap::Args;

/// Connect to the portal, write crmsync.toml and a mapping for each object type.
///
/// The mappings come from the portal's own schema. Works in an empty directory with nothing but a token in the environment. Run again, it adds what is new in the
/// portal and keeps what you edited. It writes nothing to HubSpot, and the token is not stored.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  mkdir acme && cd acme
  HUBSPOT_ACCESS_TOKEN=… crmsync init
  HUBSPOT_ACCESS_TOKEN=… crmsync sync")]
pub struct InitArgs {}

/// Runs `init`.
pub fn run(context: &Context, _arguments: &InitArgs) -> Result<Exit, CommandError> {
    context.portal()?.credential()?;
    Err(context.unfinished("init"))
}
