//! The command line: its global flags and its commands. The arguments of a command stand with the command.
//!
//! Parsing looks at nothing but the words it is given. Wrong usage ends with exit code 2.

use crate::commands;
use crate::exit::Exit;
use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const ABOUT: &str = "Keeps a HubSpot portal and a SQLite file in step, both ways";

const LONG_ABOUT: &str = "\
Keeps a HubSpot portal and a SQLite file in step, both ways.

The file, called the mirror, is a plain SQLite database: query it and edit it with any tool that speaks SQL. `crmsync \
sync` brings HubSpot's changes into it and, once push.enabled is set in crmsync.toml, sends your edits back.

To see the whole cycle without an account, run `crmsync demo`. To start with your own portal, set \
HUBSPOT_ACCESS_TOKEN and run `crmsync init` in an empty directory.";

const CREDENTIALS: &str = "\
Credentials:
  A token is the token of a private app or a service key. For portal NAME it is read from the
  first of these:
    token_env = \"VARIABLE\" or token_file = \"PATH\" (mode 0600) under [portals.NAME] in crmsync.toml
    the systemd credential hubspot-token-NAME
    HUBSPOT_ACCESS_TOKEN, where one portal is configured and nothing else names a credential
  It is never taken from the command line, and refused if it is written in crmsync.toml.

Configuration, later wins:
  built-in defaults
  crmsync.toml in the working directory, or --config FILE
  environment variables CRMSYNC_…, with `__` between levels and commas in lists, as in
    CRMSYNC_PORTALS__ACME__PUSH__ENABLED=true; CRMSYNC_API_BASE is the short way to another
    API address, as `crmsync simulator` prints it
  flags
  NO_COLOR is honoured.
";

/// Everything that was said on the command line.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "crmsync",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_long_help = after_long_help(),
    after_help = "`crmsync --help` also explains exit codes and credentials; `crmsync COMMAND --help` shows examples.",
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes, before or after its name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Flags of every command")]
pub struct Global {
    /// Configuration file [default: crmsync.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Portal to work on; needed only where several are configured
    #[arg(long, global = true, value_name = "NAME")]
    pub portal: Option<String>,
    /// Print the result as one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more: -v what is done, -vv why
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// No progress; log errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Form of the log on stderr
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do. The help of a command is what stands over its arguments.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "words here would take the place of the help that each command brings")]
pub enum Command {
    Demo(commands::demo::DemoArgs),
    Init(commands::init::InitArgs),
    Sync(commands::sync::SyncArgs),
    Pull(commands::pull::PullArgs),
    Backfill(commands::backfill::BackfillArgs),
    Plan(commands::plan::PlanArgs),
    Push(commands::push::PushArgs),
    Status(commands::status::StatusArgs),
    Conflicts(commands::conflicts::ConflictsArgs),
    Rejects(commands::rejects::RejectsArgs),
    Undo(commands::undo::UndoArgs),
    Verify(commands::verify::VerifyArgs),
    Schema(commands::schema::SchemaArgs),
    Mapping(commands::mapping::MappingArgs),
    Api(commands::api::ApiArgs),
    Snapshot(commands::snapshot::SnapshotArgs),
    Doctor(commands::doctor::DoctorArgs),
    Simulator(commands::simulator::SimulatorArgs),
    Completions(commands::completions::CompletionsArgs),
}

impl Command {
    /// The command's name, as it is recorded for a run.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Init(_) => "init",
            Self::Sync(_) => "sync",
            Self::Pull(_) => "pull",
            Self::Backfill(_) => "backfill",
            Self::Plan(_) => "plan",
            Self::Push(_) => "push",
            Self::Status(_) => "status",
            Self::Conflicts(_) => "conflicts",
            Self::Rejects(_) => "rejects",
            Self::Undo(_) => "undo",
            Self::Verify(_) => "verify",
            Self::Schema(_) => "schema",
            Self::Mapping(_) => "mapping",
            Self::Api(_) => "api",
            Self::Snapshot(_) => "snapshot",
            Self::Doctor(_) => "doctor",
            Self::Simulator(_) => "simulator",
            Self::Completions(_) => "completions",
        }
    }
}

impl Cli {
    /// Reads a command line; the first word is the program's name.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let cli = Self::from_arg_matches(&matches)?;
        // On either side of the command's name the two do not meet, and clap lets them pass.
        if cli.global.quiet && cli.global.verbose > 0 {
            let message = "the argument '--quiet' cannot be used with '--verbose...'";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

fn after_long_help() -> String {
    let mut help = "Exit codes, the first that applies:\n".to_owned();
    for exit in Exit::ALL {
        help.push_str(&format!("  {:>2}  {}\n", exit.code(), exit.meaning()));
    }
    help.push('\n');
    help.push_str(CREDENTIALS);
    help
}
