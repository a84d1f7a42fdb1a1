//! `crmsync completions`: what a shell needs to complete our command lines.

use super::Context;
use crate::cli::Cli;
use crate::exit::{CommandError, Exit};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a completion script for a shell.
///
/// Load it where your shell looks for completions; start a new shell afterwards.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync completions bash > ~/.local/share/bash-completion/completions/crmsync
  crmsync completions zsh > \"${fpath[1]}/_crmsync\"
  crmsync completions fish > ~/.config/fish/completions/crmsync.fish")]
pub struct CompletionsArgs {
    /// Shell to write for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Runs `completions`.
pub fn run(context: &Context, arguments: &CompletionsArgs) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "crmsync", &mut script);
    let script = String::from_utf8(script).map_err(|_| CommandError::internal("the completion script is not text."))?;
    context.output.verbatim(&script)?;
    Ok(Exit::Done)
}
