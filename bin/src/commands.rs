//! The commands, one file each: its arguments, its help, and `run`, which does the work and says how it ended.

pub mod allowances;
pub mod api;
pub mod backfill;
pub mod completions;
pub mod conflicts;
pub mod context;
mod decide;
pub mod demo;
pub mod doctor;
pub mod init;
pub mod mapping;
mod outcome;
pub mod plan;
pub mod pull;
pub mod push;
pub mod rejects;
pub mod schema;
pub mod simulator;
pub mod snapshot;
pub mod status;
mod summary;
pub mod sync;
pub mod undo;
pub mod verify;

pub use allowances::Allowances;
pub use context::Context;

use crate::cli::Command;
use crate::exit::{CommandError, Exit};

/// Does what was asked.
pub fn run(context: &Context, command: &Command) -> Result<Exit, CommandError> {
    match command {
        Command::Demo(arguments) => demo::run(context, arguments),
        Command::Init(arguments) => init::run(context, arguments),
        Command::Sync(arguments) => sync::run(context, arguments),
        Command::Pull(arguments) => pull::run(context, arguments),
        Command::Plan(arguments) => plan::run(context, arguments),
        Command::Push(arguments) => push::run(context, arguments),
        Command::Backfill(arguments) => backfill::run(context, arguments),
        Command::Status(arguments) => status::run(context, arguments),
        Command::Conflicts(arguments) => conflicts::run(context, arguments),
        Command::Rejects(arguments) => rejects::run(context, arguments),
        Command::Undo(arguments) => undo::run(context, arguments),
        Command::Verify(arguments) => verify::run(context, arguments),
        Command::Schema(arguments) => schema::run(context, arguments),
        Command::Mapping(arguments) => mapping::run(context, arguments),
        Command::Api(arguments) => api::run(context, arguments),
        Command::Snapshot(arguments) => snapshot::run(context, arguments),
        Command::Doctor(arguments) => doctor::run(context, arguments),
        Command::Simulator(arguments) => simulator::run(context, arguments),
        Command::Completions(arguments) => completions::run(context, arguments),
    }
}
