//! `crmsync simulator`: a local stand-in for HubSpot.

use super::Context;
use crate::config::duration_argument;
use crate::exit::{CommandError, Exit};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Run a local stand-in for HubSpot, for trying mappings and for tests.
///
/// It runs until it is interrupted. Its first two lines are shell commands that point crmsync at it; paste them into another terminal. The same seed
/// makes the same records. It listens on this machine only and keeps nothing after it ends.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync simulator --contacts 5000
  crmsync simulator --port 0 --tier free --latency 250ms --faults storm")]
pub struct SimulatorArgs {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8808)]
    pub port: u16,
    /// What the invented records grow from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Contacts to invent
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub contacts: u32,
    /// Companies to invent
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub companies: u32,
    /// Deals to invent
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub deals: u32,
    /// Tickets to invent
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub tickets: u32,
    /// Plan whose limits are enforced
    #[arg(long, value_name = "TIER", value_enum, default_value_t)]
    pub tier: SimulatedTier,
    /// How long each answer takes
    #[arg(long, value_name = "DURATION", value_parser = duration_argument, default_value = "0ms")]
    pub latency: Duration,
    /// What goes wrong: mild, storm, or a file that says it [default: nothing]
    #[arg(long, value_name = "mild|storm|FILE")]
    pub faults: Option<Faults>,
}

/// The plan whose limits the simulator enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum SimulatedTier {
    /// Free tools.
    Free,
    /// Starter.
    Starter,
    /// Professional.
    #[default]
    Professional,
    /// Enterprise.
    Enterprise,
    /// An app installed by OAuth.
    OauthPublic,
}

/// What goes wrong at the simulated portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Faults {
    /// Now and then something.
    Mild,
    /// Much, in bursts.
    Storm,
    /// As a file says.
    File(PathBuf),
}

impl FromStr for Faults {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "mild" => Self::Mild,
            "storm" => Self::Storm,
            file => Self::File(PathBuf::from(file)),
        })
    }
}

/// Runs the simulator.
pub fn run(context: &Context, _arguments: &SimulatorArgs) -> Result<Exit, CommandError> {
    Err(context.unfinished("simulator"))
}
