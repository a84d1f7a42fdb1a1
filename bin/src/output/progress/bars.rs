//! Progress as bars on a terminal: one for each phase that is under way, a line for each that ended.

use super::tally::Tally;
use crate::output::escape::escape;
use crate::output::log::Screen;
use crate::output::words;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sync_core::clock::Clock;
use sync_core::events::{Event, Phase};

/// Waits shorter than this would only flicker.
const SHORT_WAIT: Duration = Duration::from_secs(2);
/// How often spinners turn while nothing happens.
const TICK: Duration = Duration::from_millis(200);
const COUNTED: &str = "{prefix:30!} {wide_bar} {human_pos}/{human_len} {msg:26!}";
const UNCOUNTED: &str = "{prefix:30!} {spinner} {human_pos} {msg}";
const WAITING: &str = "{spinner} {msg}";

/// Draws events.
pub(super) struct Bars {
    screen: Screen,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phases: Vec<(Tally, ProgressBar)>,
    waiting: Option<ProgressBar>,
}

impl Bars {
    pub(super) fn new(screen: Screen, clock: Arc<dyn Clock>) -> Self {
        Self { screen, clock, state: Mutex::default() }
    }

    pub(super) fn say(&self, sentence: &str) {
        self.screen.write_lines(&format!("{}\n", escape(sentence)));
    }

    pub(super) fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { object, phase, total, done } => {
                self.end(&mut state, &object, phase);
                self.begin(&mut state, Tally::new(object, phase, total, done));
            }
            Event::Advanced { object, phase, records } => {
                self.stop_waiting(&mut state);
                if !state.phases.iter().any(|(tally, _)| is(tally, &object, phase)) {
                    self.begin(&mut state, Tally::new(object.clone(), phase, None, 0));
                }
                if let Some((tally, bar)) = state.phases.iter_mut().find(|(tally, _)| is(tally, &object, phase)) {
                    tally.add(records);
                    show(tally, bar);
                }
            }
            Event::Finished { object, phase } => {
                if let Some(tally) = self.end(&mut state, &object, phase)
                    && let Some(text) = tally.at_the_end()
                {
                    self.screen.write_lines(&format!("{}\n", escape(&text)));
                }
            }
            Event::Waiting { reason, until } => {
                let wait = until.since(self.clock.now());
                if wait >= SHORT_WAIT {
                    let text = format!("waiting {} for {}", words::span(wait), escape(&reason));
                    state.waiting.get_or_insert_with(|| self.add(WAITING)).set_message(text);
                }
            }
            Event::Warning(sentence) => {
                self.screen.write_lines(&format!("warning: {}\n", escape(&sentence)));
            }
        }
    }

    fn begin(&self, state: &mut State, tally: Tally) {
        let bar = self.add(if tally.total.is_some() { COUNTED } else { UNCOUNTED });
        bar.set_prefix(escape(&tally.label()).into_owned());
        show(&tally, &bar);
        state.phases.push((tally, bar));
    }

    fn end(&self, state: &mut State, object: &str, phase: Phase) -> Option<Tally> {
        let at = state.phases.iter().position(|(tally, _)| is(tally, object, phase))?;
        let (tally, bar) = state.phases.swap_remove(at);
        self.remove(&bar);
        if state.phases.is_empty() {
            self.stop_waiting(state);
        }
        Some(tally)
    }

    fn stop_waiting(&self, state: &mut State) {
        if let Some(bar) = state.waiting.take() {
            self.remove(&bar);
        }
    }

    fn add(&self, template: &str) -> ProgressBar {
        // The templates are constants; a mistake in one would show the plain bar.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.screen.bars.add(ProgressBar::no_length().with_style(style));
        bar.enable_steady_tick(TICK);
        bar
    }

    fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.screen.bars.remove(bar);
    }
}

/// A run that ends in the middle of a phase leaves no bar behind.
impl Drop for Bars {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, bar) in &state.phases {
            bar.finish_and_clear();
        }
        if let Some(bar) = &state.waiting {
            bar.finish_and_clear();
        }
    }
}

fn is(tally: &Tally, object: &str, phase: Phase) -> bool {
    tally.phase == phase && tally.object == object
}

fn show(tally: &Tally, bar: &ProgressBar) {
    if let Some(total) = tally.expected() {
        bar.set_length(total);
    }
    bar.set_position(tally.done());
    bar.set_message(tally.pace());
}

#[cfg(test)]
mod tests {
    use super::Bars;
    use crate::output::log::Screen;
    use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use sync_core::clock::{Clock, SystemClock};
    use sync_core::events::{Event, Phase};

    /// A terminal that remembers what was written since it was last cleared.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Paper {
        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn bars() -> (Bars, Paper) {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), 255);
        let screen = Screen { bars: MultiProgress::with_draw_target(target) };
        (Bars::new(screen, Arc::new(SystemClock)), paper)
    }

    fn backfill(total: Option<u64>) -> Event {
        Event::Started { object: "contacts".to_owned(), phase: Phase::Backfill, total, done: 0 }
    }

    #[test]
    fn a_phase_has_a_bar_while_it_lasts_and_none_afterwards() {
        let (bars, paper) = bars();
        bars.event(backfill(Some(2_000)));
        bars.event(Event::Advanced { object: "contacts".to_owned(), phase: Phase::Backfill, records: 1_500 });
        let drawn = paper.text();
        assert!(drawn.contains("contacts: backfill") && drawn.contains("1,500/2,000"), "{drawn}");
        bars.event(Event::Finished { object: "contacts".to_owned(), phase: Phase::Backfill });
        assert_eq!(paper.text(), "");
    }

    #[test]
    fn a_wait_is_shown_until_work_goes_on() {
        let (bars, paper) = bars();
        bars.event(backfill(None));
        let until = SystemClock.now().plus(Duration::from_secs(100));
        bars.event(Event::Waiting { reason: "the \u{1b}[2Jlimit".to_owned(), until });
        let drawn = paper.text();
        assert!(drawn.contains("waiting 1 min") && drawn.contains("for the \\u{1b}[2Jlimit"), "{drawn}");
        bars.event(Event::Advanced { object: "contacts".to_owned(), phase: Phase::Backfill, records: 1 });
        assert!(!paper.text().contains("waiting"), "{}", paper.text());
    }
}
