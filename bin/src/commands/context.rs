//! What every command has at hand: the global flags, the configuration, the output and, where it waits for something,
//! a runtime.

use crate::cli::Global;
use crate::config::{PortalConfig, Settings, Surroundings};
use crate::exit::{CommandError, Exit};
use crate::output::log::{self, Screen};
use crate::output::progress::Display;
use crate::output::{Output, Progress};
use std::future::Future;
use std::sync::Arc;

/// The surroundings of one command.
pub struct Context {
    /// The flags of every command.
    pub global: Global,
    /// Where results go.
    pub output: Output,
    /// Stderr, for whoever builds another [`Progress`].
    pub screen: Screen,
    /// Where the engine's events go.
    pub progress: Arc<Progress>,
    surroundings: Surroundings,
}

impl Context {
    /// Prepares output and log as the flags say.
    pub fn new(global: Global, surroundings: Surroundings) -> Self {
        let screen = Screen::stderr();
        log::start(global.verbose, global.quiet, global.log_format, &screen);
        let progress = Progress::new(Display::choose(global.quiet, global.log_format), &screen);
        let output = Output::new(global.json);
        Self { global, output, screen, progress: Arc::new(progress), surroundings }
    }

    /// The same surroundings, with another place for results and for the engine's events.
    pub fn with(&self, output: Output, progress: Progress) -> Self {
        Self {
            global: self.global.clone(),
            output,
            screen: self.screen.clone(),
            progress: Arc::new(progress),
            surroundings: self.surroundings.clone(),
        }
    }

    /// The directory and the environment the program was started in.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Reads the configuration. Commands that need none must not fail over one, so nobody reads it for them.
    pub fn settings(&self) -> Result<Settings, CommandError> {
        Settings::load(self.global.config.as_deref(), &self.surroundings)
    }

    /// The portal the command works on.
    pub fn portal(&self) -> Result<PortalConfig, CommandError> {
        self.settings()?.portal(self.global.portal.as_deref()).cloned()
    }

    /// The portals the command works on: all of them, or the one that `--portal` or the configuration says.
    pub fn portals(&self, all: bool) -> Result<Vec<PortalConfig>, CommandError> {
        if all && self.global.portal.is_some() {
            return Err(CommandError::usage("--all and --portal contradict each other.").hint("give one of the two."));
        }
        let settings = self.settings()?;
        Ok(settings.portals(all, self.global.portal.as_deref())?.into_iter().cloned().collect())
    }

    /// Does each portal's part of a command in turn. An error of one is reported and the others go on; the outcomes are
    /// combined. With a single portal its error is the command's.
    pub fn for_each_portal(
        &self,
        portals: &[PortalConfig],
        mut work: impl FnMut(&PortalConfig) -> Result<Exit, CommandError>,
    ) -> Result<Exit, CommandError> {
        if let [portal] = portals {
            return work(portal);
        }
        let mut outcome = Exit::Done;
        for portal in portals {
            outcome = outcome.and(match work(portal) {
                Ok(exit) => exit,
                Err(error) if error.is_broken_pipe() => return Err(error),
                Err(mut error) => {
                    error.message = format!("portal {}: {}", portal.name, error.message);
                    self.output.complain(&error);
                    error.exit
                }
            });
        }
        Ok(outcome)
    }

    /// Runs something that waits.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, CommandError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            CommandError::new(Exit::Later, format!("the system gives no threads to work with: {error}."))
        })?;
        Ok(runtime.block_on(work))
    }
}
