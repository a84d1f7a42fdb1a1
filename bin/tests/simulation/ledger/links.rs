//! Every association that anybody added or took away, on either side, and what must have become of it.
//!
//! A label of a pair of records is no token: it can come and go many times, and the remote adds kinds of its own (the
//! unlabeled one, a primary one) and takes a primary one from the pair that had it. So each single write is asked for its
//! author instead:
//!
//! * A label that somebody added in the mirror and left there reached the portal at some time since, or a reject keeps it;
//!   or the portal was seen to hold it since, under whatever name of its ends: then there was nothing to send. It goes
//!   with an end that somebody asked to be archived.
//! * A label that somebody took away in the mirror left the portal at some time since, or somebody in the CRM added it
//!   again, or a reject keeps the wish. Where an end was merged or restored since, the portal itself may have brought it
//!   back, which nobody can tell from an addition. What a run takes in may be as old as the run: if it read before the
//!   restoring that the label was gone, both sides agree on the removal, and the label that returns is news.
//! * Of every write that the portal received, each label that it added was inserted in the mirror before, and each that it
//!   took away was deleted there before. HubSpot sets whole sets, so a label that changed there between the look and the
//!   write is lost to it: what moved in that moment is let through, and nothing else.
//!
//! Two hands on one pair at once are then judged by the same rules: each label by itself.

mod found;
mod judge;

use super::Verdict;
use super::archives::Archives;
use crate::simulation::world::World;
use judge::Judge;
use simulator::{Category, Millis};
use std::collections::BTreeMap;

/// The pairs of object types whose associations both sides write.
pub(in crate::simulation) const PAIRS: [(&str, &str); 2] = [("contacts", "companies"), ("tickets", "contacts")];

/// A kind of association of one of the pairs, with its number in each direction.
pub(in crate::simulation) struct Kind {
    pub(in crate::simulation) pair: usize,
    pub(in crate::simulation) label: Option<&'static str>,
    pub(in crate::simulation) category: Category,
    pub(in crate::simulation) ids: [u32; 2],
}

const fn kind(pair: usize, label: Option<&'static str>, category: Category, forth: u32, back: u32) -> Kind {
    Kind { pair, label, category, ids: [forth, back] }
}

/// What only one pair of a record can have.
pub(in crate::simulation) const PRIMARY: &str = "Primary";

pub(in crate::simulation) const KINDS: [Kind; 6] = [
    kind(0, None, Category::HubspotDefined, 279, 280),
    kind(0, Some(PRIMARY), Category::HubspotDefined, 1, 2),
    kind(0, Some("Billing Contact"), Category::HubspotDefined, 931, 930),
    kind(0, Some("Decision maker"), Category::UserDefined, 1, 1),
    kind(1, None, Category::HubspotDefined, 16, 15),
    kind(1, Some("Requester"), Category::UserDefined, 11, 11),
];

/// One label of one pair of records: their ids, or the keys of rows without one, in the order of [`PAIRS`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Key {
    pub(in crate::simulation) pair: usize,
    pub(in crate::simulation) ends: [String; 2],
    pub(in crate::simulation) label: Option<String>,
}

/// What somebody did about a label of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulation) enum Deed {
    /// A row came into the mirror; `true` where both sides had agreed on it, so that a removal is taken back.
    Inserted(bool),
    /// A row went; `true` where both sides had agreed on it, otherwise an addition is taken back.
    Deleted(bool),
    /// In the CRM.
    Added,
    /// In the CRM.
    Removed,
}

#[derive(Clone, Debug)]
struct Event {
    at: Millis,
    /// What the mirror takes in from then on may have been read at this time.
    read_from: Millis,
    key: Key,
    deed: Deed,
}

/// What people did to associations.
#[derive(Default)]
pub(in crate::simulation) struct Links {
    events: Vec<Event>,
    /// Records that were merged, with the survivor, or restored: object, ids, when.
    moved: Vec<(String, Vec<String>, Millis)>,
    /// What the portal held, and when it was last seen there.
    held: BTreeMap<Key, Millis>,
    /// The keys of new contacts, with their addresses: a row may have become that of a contact who was there.
    addresses: Vec<(String, String)>,
    /// When the run that is under way began.
    under_way: Option<Millis>,
}

impl Links {
    pub(in crate::simulation) fn note(&mut self, at: Millis, key: Key, deed: Deed) {
        self.events.push(Event { at, read_from: self.under_way.unwrap_or(at), key, deed });
    }

    /// Notes that a run is under way since then, or that it has ended.
    pub(in crate::simulation) fn under_way(&mut self, since: Option<Millis>) {
        self.under_way = since;
    }

    /// Notes that the portal itself may have changed the associations of these records.
    pub(in crate::simulation) fn moved(&mut self, at: Millis, object: &str, ids: &[u64]) {
        self.moved.push((object.to_owned(), ids.iter().map(u64::to_string).collect(), at));
    }

    /// Notes what the portal holds now.
    pub(in crate::simulation) fn look(&mut self, world: &World) {
        let now = world.rehearsal.now();
        self.held.extend(found::there(&world.rehearsal.portal()).into_iter().map(|key| (key, now)));
    }

    pub(in crate::simulation) fn addressed(&mut self, uid: &str, mail: &str) {
        self.addresses.push((uid.to_owned(), mail.to_owned()));
    }

    /// The rules at the top, one after another.
    pub(in crate::simulation) fn are_accounted_for(&self, world: &World, archives: &Archives) -> Verdict {
        let judge = Judge::of(self, archives, world);
        for (n, event) in self.events.iter().enumerate() {
            // A row follows its ends when they are merged, and may go under another name than it came.
            let settled = judge.settled(&event.key);
            let mut later = self.events[n + 1..].iter().filter(|later| judge.settled(&later.key) == settled);
            let lost = match event.deed {
                Deed::Inserted(false) if !later.any(|e| matches!(e.deed, Deed::Deleted(_))) => {
                    !judge.addition_arrived(event)
                }
                Deed::Deleted(true) if !later.any(|e| matches!(e.deed, Deed::Inserted(_))) => {
                    !judge.removal_arrived(event) && !self.says_otherwise(&judge, event)
                }
                _ => false,
            };
            if lost {
                return Err(judge.tell(&format!("what the mirror said of a pair is lost: {event:?}"), &event.key));
            }
        }
        judge.writes.iter().try_for_each(|written| judge.has_authors(written))
    }

    /// Whether a row that names an end otherwise, by the key of a new row or by a record that was merged, came to say the
    /// same as the one that went.
    fn says_otherwise(&self, judge: &Judge<'_>, event: &Event) -> bool {
        let settled = judge.settled(&event.key);
        self.events.iter().any(|other| {
            matches!(other.deed, Deed::Inserted(_)) && other.key != event.key && judge.settled(&other.key) == settled
        })
    }
}

fn is_primary(label: &Option<String>) -> bool {
    label.as_deref() == Some(PRIMARY)
}

/// Which pair it is, and whether it is the other way round.
pub(in crate::simulation) fn pair_of(from: &str, to: &str) -> Option<(usize, bool)> {
    let forth = PAIRS.iter().position(|pair| *pair == (from, to)).map(|pair| (pair, false));
    forth.or_else(|| PAIRS.iter().position(|pair| *pair == (to, from)).map(|pair| (pair, true)))
}

/// A row of `associations` as a key; `None` for a pair that nobody here writes.
pub(in crate::simulation) fn key_of(from: (&str, &str), to: (&str, &str), label: Option<&str>) -> Option<Key> {
    let (pair, back) = pair_of(from.0, to.0)?;
    let mut ends = [from.1.to_owned(), to.1.to_owned()];
    if back {
        ends.reverse();
    }
    Some(Key { pair, ends, label: label.filter(|label| !label.is_empty()).map(str::to_owned) })
}
