//! From the command line to the exit code.

use crate::cli::{Cli, Command, LogFormat};
use crate::commands::{self, Context};
use crate::config::Surroundings;
use crate::exit::{CommandError, Exit};
use crate::output::Output;
use crate::output::log::{self, Screen};
use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

/// Runs the program with these words as its command line, its own name first.
pub fn main_with(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    panic::set_hook(Box::new(report_panic));
    let words: Vec<OsString> = words.into_iter().collect();
    let cli = match Cli::read(words.iter().cloned()) {
        Ok(cli) => cli,
        Err(answer) => return answer_of_clap(&answer, &words).into(),
    };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| run(cli)));
    // The hook has reported the panic.
    outcome.unwrap_or(Exit::Internal).into()
}

fn run(cli: Cli) -> Exit {
    let surroundings = match Surroundings::of_process() {
        Ok(surroundings) => surroundings,
        Err(error) => {
            log::start(cli.global.verbose, cli.global.quiet, cli.global.log_format, &Screen::stderr());
            Output::new(cli.global.json).error(&error);
            return error.exit;
        }
    };
    let Cli { global, command } = cli;
    let context = Context::new(global, surroundings);
    tracing::debug!(command = command.name(), version = env!("CARGO_PKG_VERSION"), "starting");
    let exit = finish(&context, &command);
    tracing::debug!(exit = exit.code(), "done");
    exit
}

fn finish(context: &Context, command: &Command) -> Exit {
    match commands::run(context, command) {
        Ok(exit) => exit,
        Err(error) => {
            context.output.error(&error);
            error.exit
        }
    }
}

/// Whether the flag is among words that could not be read as a whole.
fn asks_for_json(words: &[OsString]) -> bool {
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json")
}

/// The same of a log in JSON.
fn asks_for_json_log(words: &[OsString]) -> bool {
    let words: Vec<&OsString> = words.iter().skip(1).take_while(|word| *word != "--").collect();
    let apart = words.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json");
    apart || words.iter().any(|word| *word == "--log-format=json")
}

/// Help and version are answers, on stdout; the rest is wrong usage, on stderr, and a document where that was asked for.
fn answer_of_clap(answer: &clap::Error, words: &[OsString]) -> Exit {
    if !answer.use_stderr() {
        // A reader who has gone is no error here either.
        let _ = answer.print();
        return Exit::Done;
    }
    let (output, error) = (Output::new(asks_for_json(words)), wrong_usage(&answer.to_string()));
    if asks_for_json_log(words) {
        log::start(0, false, LogFormat::Json, &Screen::stderr());
        output.complain(&error);
    } else {
        let _ = answer.print();
    }
    output.error_document(&error);
    Exit::Usage
}

/// What clap says, as an error of ours: first what is wrong, then tips and usage as hints.
fn wrong_usage(said: &str) -> CommandError {
    let Some(said) = said.strip_prefix("error: ") else {
        return CommandError::usage("a command is missing.").hint("--help lists the commands.");
    };
    let mut parts = said.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    let error = CommandError::usage(parts.next().unwrap_or_default());
    parts.fold(error, |error, part| error.hint(part.strip_prefix("tip: ").unwrap_or(part)))
}

/// A panic in words, without a backtrace: its message is ours and holds no credential.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().map_or_else(|| "something unexpected happened".to_owned(), ToOwned::to_owned);
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    Output::default().complain(&CommandError::internal(format!("internal error: {message}{place}.")));
}
