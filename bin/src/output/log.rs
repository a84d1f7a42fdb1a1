//! The log on stderr. Our own crates speak at the level that was asked for; the libraries underneath never get past
//! warnings, because their debug output shows headers, and headers hold credentials.

use super::escape::{escape, escape_lines};
use super::terminal;
use crate::cli::LogFormat;
use chrono::{SecondsFormat, Utc};
use indicatif::{MultiProgress, ProgressDrawTarget};
use std::fmt;
use std::io::{self, Write, stderr};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates whose words are ours.
const OUR_CRATES: [&str; 6] = ["crmsync", "sync_core", "connectors", "mappings", "migrations", "simulator"];
/// Where progress goes when the log is JSON.
pub(super) const PROGRESS_TARGET: &str = "crmsync_progress";
/// Where errors go when the log is JSON.
const ERROR_TARGET: &str = "crmsync_error";

/// Stderr, shared by log lines and progress bars so that neither lands in the middle of the other.
#[derive(Clone, Debug)]
pub struct Screen {
    pub(super) bars: MultiProgress,
}

impl Screen {
    /// Stderr of this process; bars are drawn on it only if it is a terminal.
    pub fn stderr() -> Self {
        let target =
            if terminal::stderr_is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    /// Writes whole lines. Whoever closed stderr does not want to know.
    pub(super) fn write_lines(&self, text: &str) {
        self.bars.suspend(|| {
            let _ = stderr().lock().write_all(text.as_bytes());
        });
    }
}

/// One write is one log line, so it can go out as it comes.
impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().lock().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Begins to log. A second call changes nothing.
pub fn start(verbose: u8, quiet: bool, format: LogFormat, screen: &Screen) {
    let registry = tracing_subscriber::registry().with(filter(verbose, quiet, format));
    let started = match format {
        LogFormat::Text => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .event_format(Lines { colour: terminal::stderr_has_colour() })
                    .with_ansi(false)
                    .with_writer(screen.clone()),
            )
            .try_init(),
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().with_ansi(false).with_writer(screen.clone()))
            .try_init(),
    };
    // Only a second call can fail, and then the first one's subscriber is in place.
    drop(started);
}

/// Puts an error into the log where that is JSON. Says whether it did: elsewhere errors are text for people.
pub(super) fn take_error(message: &str, hints: &[String]) -> bool {
    if !tracing::enabled!(target: ERROR_TARGET, Level::ERROR) {
        return false;
    }
    let message = escape_lines(message);
    let hint = (!hints.is_empty()).then(|| escape_lines(&hints.join("\n")).into_owned());
    tracing::error!(target: ERROR_TARGET, hint = hint.as_deref(), "{message}");
    true
}

fn filter(verbose: u8, quiet: bool, format: LogFormat) -> EnvFilter {
    let (others, ours) = match (quiet, verbose) {
        (true, _) => ("error", "error"),
        (false, 0) => ("warn", "warn"),
        (false, 1) => ("warn", "info"),
        (false, _) => ("warn", "debug"),
    };
    let progress = if quiet { "off" } else { "info" };
    let errors = match format {
        LogFormat::Text => "off",
        LogFormat::Json => "error",
    };
    let mut directives = format!("{others},{PROGRESS_TARGET}={progress},{ERROR_TARGET}={errors}");
    for name in OUR_CRATES {
        directives.push_str(&format!(",{name}={ours}"));
    }
    EnvFilter::new(directives)
}

/// `2026-01-31T08:00:00Z WARN message key=value`, with everything in it made harmless to the terminal.
struct Lines {
    colour: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = String::new();
        context.format_fields(Writer::new(&mut fields), event)?;
        let level = *event.metadata().level();
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        match code(level) {
            Some(code) if self.colour => write!(writer, "{time} \x1b[{code}m{level}\x1b[0m ")?,
            _ => write!(writer, "{time} {level} ")?,
        }
        writeln!(writer, "{}", escape(&fields))
    }
}

fn code(level: Level) -> Option<&'static str> {
    match level {
        Level::ERROR => Some("31"),
        Level::WARN => Some("33"),
        Level::INFO => Some("32"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::filter;
    use crate::cli::LogFormat;

    #[test]
    fn libraries_never_get_past_warnings() {
        assert!(filter(0, false, LogFormat::Text).to_string().contains("sync_core=warn"));
        for verbose in 0..=9 {
            let filter = filter(verbose, false, LogFormat::Text).to_string();
            assert!(filter.split(',').any(|directive| directive == "warn"), "{filter}");
            assert!(!filter.contains("trace"), "{filter}");
        }
        let quiet = filter(0, true, LogFormat::Text).to_string();
        assert!(!quiet.contains("warn") && quiet.contains("crmsync_progress=off"), "{quiet}");
    }

    #[test]
    fn errors_are_records_of_a_log_in_json_alone_and_always() {
        for quiet in [false, true] {
            assert!(filter(0, quiet, LogFormat::Text).to_string().contains("crmsync_error=off"));
            assert!(filter(0, quiet, LogFormat::Json).to_string().contains("crmsync_error=error"));
        }
    }
}
