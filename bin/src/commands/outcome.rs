//! How a run ended: the exit code that follows from its report, and what there is to complain about.

use crate::exit::{CommandError, Exit};
use std::collections::BTreeSet;
use sync_core::{Report, RunError};

/// How a run ended.
pub(super) struct Outcome {
    /// The exit code.
    pub(super) exit: Exit,
    /// What to say about the parts that did not go well.
    pub(super) complaints: Vec<CommandError>,
    /// The object types that a belt stopped.
    pub(super) belted: BTreeSet<String>,
}

/// How a run ended, by its report. Takes the errors out of the report's objects, after noting their words there.
pub(super) fn outcome(report: &mut Report) -> Outcome {
    let mut complaints: Vec<CommandError> = Vec::new();
    let mut belted = BTreeSet::new();
    let all_skipped = !report.objects.is_empty() && report.objects.values().all(|part| part.skipped.is_some());
    let mut exit = Exit::Done;
    for (object, part) in &mut report.objects {
        if part.skipped.is_some() || part.pushed.refused + part.pushed.waiting + part.pushed.sent_again > 0 {
            exit = exit.and(Exit::Attention);
        }
        if report.sends && part.pushed.unknown > 0 {
            exit = exit.and(Exit::Later);
        }
        for error in [part.error.take(), part.push_stopped.take()].into_iter().flatten() {
            part.failed.get_or_insert_with(|| error.to_string());
            if matches!(error, RunError::Belt(_)) {
                belted.insert(object.clone());
            }
            let mut complaint = CommandError::from(error);
            exit = exit.and(complaint.exit);
            complaint.message = format!("{object}: {}", complaint.message);
            complaints.push(complaint);
        }
    }
    if report.open_conflicts > 0 || report.open_rejects > 0 || report.restored {
        exit = exit.and(Exit::Attention);
    }
    if let Some(error) = report.error.take() {
        report.failed = Some(error.to_string());
        let complaint = CommandError::from(error);
        exit = exit.and(complaint.exit);
        complaints.push(complaint);
    }
    if all_skipped {
        exit = exit.and(Exit::Authentication);
        complaints.push(
            CommandError::new(Exit::Authentication, "no configured object may be read with this credential.")
                .hint("give the credential the scopes named above, or configure other objects."),
        );
    }
    complaints.dedup_by(|one, other| one.hints == other.hints && after_colon(one) == after_colon(other));
    Outcome { exit, complaints, belted }
}

/// An error that stopped every object alike is told once.
fn after_colon(error: &CommandError) -> &str {
    error.message.split_once(": ").map_or(error.message.as_str(), |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::outcome;
    use crate::exit::Exit;
    use sync_core::{ObjectReport, Pushed, Report, RunError};

    #[test]
    fn p25_a_belt_of_the_push_hides_no_worse_error_of_the_pull_beside_it() {
        let mut report = Report::default();
        let part = ObjectReport {
            error: Some(RunError::Belt("nothing is left".to_owned())),
            push_stopped: Some(RunError::Storm("too much failed".to_owned())),
            ..ObjectReport::default()
        };
        report.objects.insert("deals".to_owned(), part);
        let ended = outcome(&mut report);
        assert_eq!((ended.exit, ended.complaints.len()), (Exit::Belt, 2));
        assert_eq!(report.objects["deals"].failed.as_deref(), Some("nothing is left"));
    }

    #[test]
    fn p11_a_push_that_was_not_answered_is_not_done() {
        let pushed = Pushed { unknown: 3, ..Pushed::default() };
        let ended = |sends| {
            let mut report = Report { sends, ..Report::default() };
            report.objects.insert("deals".to_owned(), ObjectReport { pushed, ..ObjectReport::default() });
            outcome(&mut report).exit
        };
        assert_eq!(ended(true), Exit::Later);
        assert_eq!(ended(false), Exit::Done, "a pull asks again when it may");
    }
}
