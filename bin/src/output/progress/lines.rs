//! Progress as lines, for logs and pipes: at most one line every few seconds and phase, and one at its end.

use super::tally::{Tally, phase_name};
use crate::output::escape::escape;
use crate::output::log::{PROGRESS_TARGET, Screen};
use crate::output::words;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sync_core::clock::Clock;
use sync_core::events::{Event, Phase};
use tokio::time::Instant;

/// How long a phase stays silent between two lines.
const PAUSE: Duration = Duration::from_secs(5);
/// Waits shorter than this are not worth a line.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// One line, and what a machine would want to know of it.
pub(super) enum Said<'a> {
    /// A phase goes on or has ended.
    Phase { tally: &'a Tally, ended: bool, text: String },
    /// The run waits.
    Waiting(String),
    /// A sentence in between.
    Note(String),
    /// A sentence for a person.
    Warning(String),
}

/// Where lines go.
pub(super) trait Sink: Send + Sync {
    fn say(&self, said: Said<'_>);
}

/// Plain lines on stderr.
pub(super) struct TextLines(pub(super) Screen);

impl Sink for TextLines {
    fn say(&self, said: Said<'_>) {
        let line = match said {
            Said::Phase { text, .. } | Said::Waiting(text) | Said::Note(text) => format!("{}\n", escape(&text)),
            Said::Warning(text) => format!("warning: {}\n", escape(&text)),
        };
        self.0.write_lines(&line);
    }
}

/// Records in the log.
pub(super) struct LogRecords;

impl Sink for LogRecords {
    fn say(&self, said: Said<'_>) {
        match said {
            Said::Phase { tally, ended, text } => tracing::info!(
                target: PROGRESS_TARGET,
                object = %tally.object,
                phase = phase_name(tally.phase),
                records = tally.done(),
                expected = tally.expected(),
                seconds = tally.elapsed().as_secs_f64(),
                ended,
                "{text}"
            ),
            Said::Waiting(text) | Said::Note(text) => tracing::info!(target: PROGRESS_TARGET, "{text}"),
            Said::Warning(text) => tracing::warn!(target: PROGRESS_TARGET, "{text}"),
        }
    }
}

/// Turns events into lines.
pub(super) struct Lines {
    sink: Box<dyn Sink>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phases: Vec<(Tally, Instant)>,
    waited: Option<(String, Instant)>,
}

impl State {
    /// The phase of that object; made if its beginning was not told.
    fn phase(&mut self, object: &str, phase: Phase) -> usize {
        let known = self.phases.iter().position(|(tally, _)| tally.phase == phase && tally.object == object);
        known.unwrap_or_else(|| {
            self.phases.push((Tally::new(object.to_owned(), phase, None, 0), Instant::now()));
            self.phases.len() - 1
        })
    }
}

impl Lines {
    pub(super) fn new(sink: Box<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self { sink, clock, state: Mutex::default() }
    }

    pub(super) fn say(&self, sentence: &str) {
        self.sink.say(Said::Note(sentence.to_owned()));
    }

    pub(super) fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { object, phase, total, done } => {
                state.phases.retain(|(tally, _)| tally.phase != phase || tally.object != object);
                state.phases.push((Tally::new(object, phase, total, done), Instant::now()));
            }
            Event::Advanced { object, phase, records } => {
                let at = state.phase(&object, phase);
                let (tally, spoke) = &mut state.phases[at];
                tally.add(records);
                if spoke.elapsed() >= PAUSE {
                    *spoke = Instant::now();
                    self.sink.say(Said::Phase { tally, ended: false, text: tally.so_far() });
                }
            }
            Event::Finished { object, phase } => {
                let at = state.phase(&object, phase);
                let (tally, _) = state.phases.swap_remove(at);
                if let Some(text) = tally.at_the_end() {
                    self.sink.say(Said::Phase { tally: &tally, ended: true, text });
                }
            }
            Event::Waiting { reason, until } => {
                let wait = until.since(self.clock.now());
                let told = state.waited.as_ref().is_some_and(|(last, at)| *last == reason && at.elapsed() < PAUSE);
                if wait >= SHORT_WAIT && !told {
                    self.sink.say(Said::Waiting(format!("waiting {} for {reason}", words::span(wait))));
                    state.waited = Some((reason, Instant::now()));
                }
            }
            Event::Warning(sentence) => self.sink.say(Said::Warning(sentence)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Said, Sink};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use sync_core::clock::Clock;
    use sync_core::events::{Event, Phase};
    use sync_core::model::Timestamp;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<String>>>);

    impl Sink for Memory {
        fn say(&self, said: Said<'_>) {
            let (Said::Phase { text, .. } | Said::Waiting(text) | Said::Note(text) | Said::Warning(text)) = said;
            self.0.lock().unwrap().push(text);
        }
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::parse("2026-01-31T12:00:00Z").unwrap()
        }
    }

    fn lines() -> (Lines, Memory) {
        let memory = Memory::default();
        (Lines::new(Box::new(memory.clone()), Arc::new(Noon)), memory)
    }

    #[tokio::test(start_paused = true)]
    async fn a_phase_speaks_every_five_seconds_and_at_its_end() {
        let (lines, memory) = lines();
        let object = || "contacts".to_owned();
        lines.event(Event::Started { object: object(), phase: Phase::Backfill, total: Some(10_000), done: 4_000 });
        for _ in 0..12 {
            tokio::time::advance(Duration::from_secs(1)).await;
            lines.event(Event::Advanced { object: object(), phase: Phase::Backfill, records: 100 });
        }
        lines.event(Event::Finished { object: object(), phase: Phase::Backfill });
        insta::assert_snapshot!(memory.0.lock().unwrap().join("\n"), @r"
        contacts: backfill 4,500 of 10,000 records, 100/s, 55 s left
        contacts: backfill 5,000 of 10,000 records, 100/s, 50 s left
        contacts: backfill done, 1,200 records in 12.0 s (100/s), 5,200 with the earlier run
        ");
    }

    #[tokio::test(start_paused = true)]
    async fn a_phase_without_records_stays_silent() {
        let (lines, memory) = lines();
        lines.event(Event::Started { object: "deals".to_owned(), phase: Phase::Fast, total: None, done: 0 });
        lines.event(Event::Finished { object: "deals".to_owned(), phase: Phase::Fast });
        assert!(memory.0.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_repair_counts_a_row_once_though_it_is_read_twice() {
        let (lines, memory) = lines();
        let object = || "contacts".to_owned();
        lines.event(Event::Started { object: object(), phase: Phase::Rebuild, total: Some(21), done: 0 });
        for _ in 0..2 {
            lines.event(Event::Advanced { object: object(), phase: Phase::Rebuild, records: 21 });
        }
        lines.event(Event::Finished { object: object(), phase: Phase::Rebuild });
        assert_eq!(memory.0.lock().unwrap().join("\n"), "contacts: repair done, 21 records in 0.0 s");
    }

    #[tokio::test(start_paused = true)]
    async fn long_waits_and_warnings_are_told_once() {
        let (lines, memory) = lines();
        let wait = |seconds| Event::Waiting {
            reason: "the request limit".to_owned(),
            until: Noon.now().plus(Duration::from_secs(seconds)),
        };
        lines.event(wait(1));
        lines.event(wait(90));
        lines.event(wait(89));
        lines.event(Event::Warning("Something is odd.".to_owned()));
        insta::assert_snapshot!(memory.0.lock().unwrap().join("\n"), @r"
        waiting 1 min 30 s for the request limit
        Something is odd.
        ");
    }
}
