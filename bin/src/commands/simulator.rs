//! `crmsync simulator`: a local stand-in for HubSpot.

use super::Context;
use crate::config::duration_argument;
use crate::exit::{CommandError, Exit};
use chrono::Utc;
use clap::{Args, ValueEnum};
use simulator::http::{serve, share};
use simulator::{DataSize, Portal, Settings, Tier};
use std::net::Ipv4Addr;
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
    /// Properties of its own to invent for each object type
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub properties: u32,
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
    /// No limits at all, which no plan has: for measuring.
    Unlimited,
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
pub fn run(context: &Context, arguments: &SimulatorArgs) -> Result<Exit, CommandError> {
    let portal = Portal::new(settings(arguments)?);
    context.block_on(async {
        let address = (Ipv4Addr::LOCALHOST, arguments.port);
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
            CommandError::usage(format!("port {} cannot be listened on: {error}.", arguments.port))
                .hint("give another --port, or --port 0 for a free one.")
        })?;
        let port = listener.local_addr()?.port();
        let token = portal.token().to_owned();
        // Straight to stdout, so that a script can read the two lines whatever the flags are.
        context.output.verbatim(&format!(
            "export CRMSYNC_API_BASE=http://127.0.0.1:{port}\nexport HUBSPOT_ACCESS_TOKEN={token}\n"
        ))?;
        context.output.verbatim("# paste the two lines into another terminal; ctrl-c ends the simulator\n")?;
        let stop = async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::warn!("ctrl-c cannot be heard ({error}); the simulator runs until it is killed");
                std::future::pending::<()>().await;
            }
        };
        serve(listener, share(portal), || Utc::now().timestamp_millis(), stop).await?;
        Ok(Exit::Done)
    })?
}

fn settings(arguments: &SimulatorArgs) -> Result<Settings, CommandError> {
    let faults = match &arguments.faults {
        None => simulator::Faults::none(),
        Some(Faults::Mild) => simulator::Faults { seed: arguments.seed, ..simulator::Faults::mild() },
        Some(Faults::Storm) => simulator::Faults { seed: arguments.seed, ..simulator::Faults::storm() },
        Some(Faults::File(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| CommandError::usage(format!("{} cannot be read: {error}.", path.display())))?;
            simulator::Faults::from_json(&text)
                .map_err(|error| CommandError::usage(format!("{}: {error}.", path.display())))?
        }
    };
    Ok(Settings {
        seed: arguments.seed,
        start: Utc::now().timestamp_millis(),
        tier: match arguments.tier {
            SimulatedTier::Free => Tier::Free,
            SimulatedTier::Starter => Tier::Starter,
            SimulatedTier::Professional => Tier::Professional,
            SimulatedTier::Enterprise => Tier::Enterprise,
            SimulatedTier::OauthPublic => Tier::OauthPublic,
            SimulatedTier::Unlimited => Tier::Unlimited,
        },
        latency: arguments.latency,
        faults,
        data: DataSize {
            contacts: arguments.contacts as usize,
            companies: arguments.companies as usize,
            deals: arguments.deals as usize,
            tickets: arguments.tickets as usize,
            extra_properties: arguments.properties as usize,
            ..DataSize::default()
        },
        ..Settings::default()
    })
}
