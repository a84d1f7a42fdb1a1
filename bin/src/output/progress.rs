//! What the engine says while it works, shown to whoever watches: bars on a terminal, a line now and then elsewhere,
//! log records where the log is JSON, nothing with `-q`.

mod bars;
mod lines;
mod tally;

use super::log::Screen;
use super::terminal;
use crate::cli::LogFormat;
use bars::Bars;
use lines::{Lines, LogRecords, TextLines};
use std::sync::Arc;
use sync_core::clock::{Clock, SystemClock};
use sync_core::events::{Event, Observer};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// Not at all.
    Nothing,
    /// Bars that are drawn in place.
    Bars,
    /// A line per phase every few seconds.
    Lines,
    /// As [`Display::Lines`], as log records.
    LogRecords,
}

impl Display {
    /// What suits the flags and what stderr is connected to.
    pub fn choose(quiet: bool, format: LogFormat) -> Self {
        match format {
            _ if quiet => Self::Nothing,
            LogFormat::Json => Self::LogRecords,
            LogFormat::Text if terminal::stderr_is_terminal() => Self::Bars,
            LogFormat::Text => Self::Lines,
        }
    }
}

/// Shows the engine's events.
pub struct Progress {
    shown: Shown,
}

enum Shown {
    Nothing,
    Bars(Bars),
    Lines(Lines),
}

impl Progress {
    /// Shows events on `screen`, by the machine's clock.
    pub fn new(display: Display, screen: &Screen) -> Self {
        Self::with_clock(display, screen, Arc::new(SystemClock))
    }

    /// As [`Progress::new`], for an engine that runs by another clock: waits are told relative to it.
    pub fn with_clock(display: Display, screen: &Screen, clock: Arc<dyn Clock>) -> Self {
        let shown = match display {
            Display::Nothing => Shown::Nothing,
            Display::Bars => Shown::Bars(Bars::new(screen.clone(), clock)),
            Display::Lines => Shown::Lines(Lines::new(Box::new(TextLines(screen.clone())), clock)),
            Display::LogRecords => Shown::Lines(Lines::new(Box::new(LogRecords), clock)),
        };
        Self { shown }
    }

    /// Shows a sentence among the events.
    pub fn say(&self, sentence: &str) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bars(bars) => bars.say(sentence),
            Shown::Lines(lines) => lines.say(sentence),
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bars(bars) => bars.event(event),
            Shown::Lines(lines) => lines.event(event),
        }
    }
}
