//! What every command has at hand: the global flags, the configuration, the output and, where it waits for something,
//! a runtime.

use crate::cli::Global;
use crate::config::{PortalConfig, Settings, Surroundings};
use crate::exit::{CommandError, Exit};
use crate::output::log::{self, Screen};
use crate::output::progress::Display;
use crate::output::{Output, Progress};
use serde::Serialize;
use serde_json::Value;
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

/// What a command did with several portals.
#[derive(Serialize)]
struct PortalsDocument {
    /// Of each portal the document that the command gives for one, or its error.
    portals: Vec<Value>,
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
        Self { progress: Arc::new(progress), ..self.writing_to(output) }
    }

    fn writing_to(&self, output: Output) -> Self {
        Self {
            global: self.global.clone(),
            output,
            screen: self.screen.clone(),
            progress: Arc::clone(&self.progress),
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

    /// Does each portal's part of a command in turn, in a context of its own. An error of one is reported and the others go
    /// on; the outcomes are combined, and documents become one. With a single portal its error is the command's, and so is
    /// its document; but who asks for `all` gets a list of documents, however many there are.
    pub fn for_each_portal(
        &self,
        portals: &[PortalConfig],
        all: bool,
        mut work: impl FnMut(&Self, &PortalConfig) -> Result<Exit, CommandError>,
    ) -> Result<Exit, CommandError> {
        let listed = all && self.output.is_json();
        if let ([portal], false) = (portals, listed) {
            return work(self, portal);
        }
        let mut outcome = Exit::Done;
        let mut documents = Vec::new();
        for portal in portals {
            let part = self.writing_to(self.output.part(&portal.name));
            outcome = outcome.and(work(&part, portal).unwrap_or_else(|error| {
                part.output.error(&error);
                error.exit
            }));
            documents.extend(part.output.gathered());
        }
        if self.output.is_json() {
            self.output.document(&PortalsDocument { portals: documents })?;
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
