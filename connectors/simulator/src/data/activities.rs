//! What was said and done: notes, tasks, calls, meetings and logged emails, each on a record and on the company behind it.

use crate::clock::{DAY, iso};
use crate::portal::Portal;

use super::business::{any, any_firm, connect};
use super::names;
use super::people::Firm;
use super::writer::{Row, load};

/// Makes the activities, and associates them.
pub(super) fn activities(portal: &mut Portal, contacts: &[u64], firms: &[Firm], deals: &[u64], tickets: &[u64]) {
    let size = portal.settings.data;
    let all = [
        ("notes", size.notes),
        ("tasks", size.tasks),
        ("calls", size.calls),
        ("meetings", size.meetings),
        ("emails", size.emails),
    ];
    let companies = super::kind(portal, "companies");
    for (object, count) in all {
        let kind = super::kind(portal, object);
        let made = load(portal, kind, count, |dice, n, row| activity(dice, n, row, object));
        for id in made {
            let roll = portal.dice.data.u8(0..10);
            let (target, other) = match roll {
                0..=5 => ("contacts", any(portal, contacts)),
                6 | 7 => ("companies", any_firm(portal, firms)),
                8 => ("deals", any(portal, deals)),
                _ => ("tickets", any(portal, tickets)),
            };
            let target = super::kind(portal, target);
            let Some(other) = other else { continue };
            connect(portal, kind, id, target, other, None);
            // As HubSpot's pages do it: what is logged on a person or a deal is logged on the company too.
            if target != companies
                && let Some(firm) = portal.links.neighbours(target, other, companies, 0).first()
            {
                connect(portal, kind, id, companies, *firm, None);
            }
        }
    }
}

fn activity(dice: &mut fastrand::Rng, n: usize, row: &mut Row<'_>, object: &str) {
    let at = row.created + dice.i64(0..DAY);
    row.set("hs_timestamp", &iso(at));
    let subject = names::any(dice, names::SUBJECTS);
    match object {
        "notes" => row.set("hs_note_body", &format!("<p>{subject} &amp; more, no. {n}</p>")),
        "tasks" => task(dice, row, subject, at),
        "calls" => {
            row.set("hs_call_title", subject);
            row.choose(dice, 100, "hs_call_direction");
            row.choose(dice, 100, "hs_call_status");
            row.set("hs_call_duration", &dice.u32(1_000..3_600_000).to_string());
            row.choose(dice, 60, "hs_call_disposition");
            row.set("hs_call_to_number", &format!("+49 30 {}", dice.u32(10_000_000..99_999_999)));
            row.choose(dice, 30, "hs_activity_type");
        }
        "meetings" => {
            row.set("hs_meeting_title", subject);
            row.set("hs_meeting_start_time", &iso(at));
            row.set("hs_meeting_end_time", &iso(at + 1_800_000));
            row.choose(dice, 100, "hs_meeting_outcome");
            row.maybe(dice, 50, "hs_meeting_location", "2nd floor, room \"Fjord\"");
            row.choose(dice, 30, "hs_activity_type");
        }
        _ => {
            row.set("hs_email_subject", subject);
            row.set("hs_email_direction", ["EMAIL", "INCOMING_EMAIL"][dice.usize(0..2)]);
            row.set("hs_email_status", "SENT");
            row.set("hs_email_text", "Hello,\n\nsee below.\n");
            row.set("hs_email_html", "<p>Hello,</p><p>see below.</p>");
            row.set("hs_email_from_email", "sales@example-crm.com");
            row.set("hs_email_to_email", &format!("person{n}@mail.example"));
            row.set("hs_email_headers", "{\"from\":{\"email\":\"sales@example-crm.com\"}}");
        }
    }
    row.set("hs_body_preview", subject);
    row.set("hs_created_by_user_id", "9586504");
}

/// A task that is done says when.
fn task(dice: &mut fastrand::Rng, row: &mut Row<'_>, subject: &str, due: crate::Millis) {
    row.set("hs_task_subject", subject);
    row.maybe(dice, 50, "hs_task_body", "<p>Before the end of the <b>week</b>.</p>");
    row.choose(dice, 80, "hs_task_priority");
    row.set("hs_task_type", "TODO");
    let done = dice.bool();
    if done {
        row.set("hs_task_status", "COMPLETED");
        row.set("hs_task_completion_date", &iso(due.min(row.start)));
    } else {
        let open = ["NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED"];
        row.set("hs_task_status", open[dice.usize(0..open.len())]);
    }
    row.set("hs_task_is_completed", if done { "1" } else { "0" });
}
