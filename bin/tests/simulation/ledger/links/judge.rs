//! What became of each label, by what people did and what the portal received.

use super::super::Verdict;
use super::super::archives::Archives;
use super::found::{ids_of_rows, intended, rejected, survivors, there, waiting};
use super::{Deed, Event, KINDS, Key, Kind, Links, PAIRS, PRIMARY, is_primary, pair_of};
use crate::simulation::world::World;
use simulator::{Category, Linked, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// A write that the portal received: labels before and after, of one pair.
pub(super) struct WrittenPair {
    at: Millis,
    /// Without a label of its own.
    pair: Key,
    before: BTreeSet<Option<String>>,
    after: BTreeSet<Option<String>>,
}

pub(super) struct Judge<'l> {
    links: &'l Links,
    archives: &'l Archives,
    /// The records that rows became: object and key.
    ids: BTreeMap<(String, String), String>,
    survivors: BTreeMap<(&'static str, String), String>,
    pub(super) writes: Vec<WrittenPair>,
    there: BTreeSet<Key>,
    rejected: BTreeSet<Key>,
    /// Pairs of which an end has no record.
    waiting: BTreeSet<Key>,
    /// What was entered before it was sent: the pair, when, and its labels.
    intended: Vec<(Key, Millis, BTreeSet<Option<String>>)>,
    first_is_primary: bool,
}

impl<'l> Judge<'l> {
    pub(super) fn of(links: &'l Links, archives: &'l Archives, world: &World) -> Self {
        let person = world.reader();
        let mut judge = Self {
            links,
            archives,
            ids: ids_of_rows(world, &person, &links.addresses),
            survivors: survivors(world),
            writes: Vec::new(),
            there: BTreeSet::new(),
            rejected: BTreeSet::new(),
            waiting: BTreeSet::new(),
            intended: Vec::new(),
            first_is_primary: world.rehearsal.portal().switches_mut().first_company_is_primary,
        };
        let portal = world.rehearsal.portal();
        judge.writes = portal.links_written().iter().filter_map(|linked| judge.written(linked)).collect();
        judge.there = there(&portal);
        drop(portal);
        judge.rejected = rejected(&person).iter().map(|key| judge.settled(key)).collect();
        judge.waiting = waiting(&person).iter().map(|key| judge.settled(key)).collect();
        judge.intended = intended(&person, &judge);
        judge
    }

    /// With the ids of the records that rows became.
    pub(super) fn named(&self, key: &Key) -> Key {
        let mut key = key.clone();
        let (one, other) = PAIRS[key.pair];
        for (object, end) in [one, other].into_iter().zip(&mut key.ends) {
            if let Some(id) = self.ids.get(&(object.to_owned(), end.clone())) {
                end.clone_from(id);
            }
        }
        key
    }

    /// With the records that others were merged into.
    pub(super) fn settled(&self, key: &Key) -> Key {
        let mut key = self.named(key);
        let (one, other) = PAIRS[key.pair];
        for (object, end) in [one, other].into_iter().zip(&mut key.ends) {
            while let Some(into) = self.survivors.get(&(object, end.clone())) {
                end.clone_from(into);
            }
        }
        key
    }

    fn written(&self, linked: &Linked) -> Option<WrittenPair> {
        let (pair, back) = pair_of(&linked.from.0, &linked.to.0)?;
        let mut ends = [linked.from.1.to_string(), linked.to.1.to_string()];
        if back {
            ends.reverse();
        }
        let labels = |types: &[(Category, u32)]| -> BTreeSet<Option<String>> {
            let label = |(category, id): &(Category, u32)| {
                let same = |kind: &&Kind| {
                    kind.pair == pair && kind.category == *category && kind.ids[usize::from(back)] == *id
                };
                let kind = KINDS.iter().find(same).unwrap_or_else(|| panic!("{category:?} {id} is no kind of a pair"));
                kind.label.map(str::to_owned)
            };
            types.iter().map(label).collect()
        };
        let pair = self.settled(&Key { pair, ends, label: None });
        Some(WrittenPair { at: linked.at, pair, before: labels(&linked.before), after: labels(&linked.after) })
    }

    pub(super) fn addition_arrived(&self, event: &Event) -> bool {
        let key = self.settled(&event.key);
        let unlabeled = Key { label: None, ..key.clone() };
        let by_us = |written: &WrittenPair| {
            let held = written.after.contains(&key.label);
            written.pair == unlabeled && written.at >= event.at && held
        };
        // Somebody in the CRM had added it too, and may have taken it away since; a primary one goes with any other.
        let by_them = |theirs: &Event| {
            let since = theirs.at >= event.at || is_primary(&key.label);
            matches!(theirs.deed, Deed::Added | Deed::Removed) && since && self.settled(&theirs.key) == key
        };
        let held = |(held, seen): (&Key, &Millis)| *seen >= event.at && self.settled(held) == key;
        let (one, other) = PAIRS[key.pair];
        let gone = |(object, id): (&str, &String)| self.archives.goes(object, id);
        self.there.contains(&key)
            || self.writes.iter().any(by_us)
            || self.links.events.iter().any(by_them)
            || self.links.held.iter().any(held)
            || [one, other].into_iter().zip(&key.ends).any(gone)
            || self.rejected.contains(&unlabeled)
            || self.waiting.contains(&unlabeled)
    }

    pub(super) fn removal_arrived(&self, event: &Event) -> bool {
        let key = self.settled(&event.key);
        let unlabeled = Key { label: None, ..key.clone() };
        let by_us = |written: &WrittenPair| {
            let gone = written.before.contains(&key.label) && !written.after.contains(&key.label);
            written.pair == unlabeled && written.at >= event.at && gone
        };
        let by_them = |theirs: &Event| {
            matches!(theirs.deed, Deed::Added | Deed::Removed)
                && theirs.at >= event.at
                && self.settled(&theirs.key) == key
        };
        // The unlabeled kind returns while another one stays, and with each that somebody in the CRM adds, or had added
        // unseen: who takes a pair apart takes away what is shown.
        let labels_it = |theirs: &Event| {
            theirs.deed == Deed::Added
                && Key { label: None, ..self.settled(&theirs.key) } == unlabeled
                && (theirs.at >= event.at || (theirs.key.label.is_some() && !self.went_by(theirs, event.at)))
        };
        let stays = key.label.is_none()
            && (self.links.events.iter().any(labels_it)
                || self
                    .there
                    .iter()
                    .any(|there| there.label.is_some() && Key { label: None, ..there.clone() } == unlabeled));
        let of_its_own = is_primary(&key.label) && self.first_is_primary;
        !self.there.contains(&key)
            || self.writes.iter().any(by_us)
            || self.links.events.iter().any(by_them)
            || stays
            || of_its_own
            // The pair that the portal now tells of is another one: had it been told before the merge was, nobody knew.
            || self.named(&event.key) != key
            || self.moved_since(&event.key, event.read_from)
            || self.rejected.contains(&unlabeled)
    }

    /// Whether a label that was added had been taken away again by then, on either side.
    fn went_by(&self, added: &Event, then: Millis) -> bool {
        let key = self.settled(&added.key);
        self.links.events.iter().any(|event| {
            let goes = matches!(event.deed, Deed::Removed | Deed::Deleted(_));
            goes && (added.at..=then).contains(&event.at) && self.settled(&event.key) == key
        })
    }

    fn moved_since(&self, key: &Key, since: Millis) -> bool {
        let (one, other) = PAIRS[key.pair];
        let (named, settled) = (self.named(key), self.settled(key));
        self.links.moved.iter().any(|(object, ids, at)| {
            let is_end = |n: usize| ids.contains(&named.ends[n]) || ids.contains(&settled.ends[n]);
            *at >= since && ((object == one && is_end(0)) || (object == other && is_end(1)))
        })
    }

    /// Whether somebody wished each label that a write added, and each that it took away.
    pub(super) fn has_authors(&self, written: &WrittenPair) -> Verdict {
        let looked = self.looked_at(written);
        let here = |label: &Option<String>, what: fn(Deed) -> bool| {
            let key = Key { label: label.clone(), ..written.pair.clone() };
            self.links.events.iter().any(|e| what(e.deed) && e.at <= written.at && self.settled(&e.key) == key)
        };
        let meanwhile = |label: &Option<String>| {
            let key = Key { label: label.clone(), ..written.pair.clone() };
            // A record has one primary company: another one takes the mark from it.
            let same = |other: &Key| {
                *other == key || (is_primary(label) && is_primary(&other.label) && other.ends[0] == key.ends[0])
            };
            let moment = |e: &&Event| (looked..=written.at).contains(&e.at);
            self.links.events.iter().filter(moment).any(|e| same(&self.settled(&e.key)))
                || self.moved_since(&written.pair, looked)
        };
        for label in written.after.difference(&written.before) {
            let of_its_own = label.is_none() || (is_primary(label) && self.first_is_primary);
            if !of_its_own && !here(label, |deed| matches!(deed, Deed::Inserted(_))) && !meanwhile(label) {
                return Err(
                    self.tell(&format!("nobody here added {label:?}, which was sent at {}", written.at), &written.pair)
                );
            }
        }
        for label in written.before.difference(&written.after) {
            if !here(label, |deed| matches!(deed, Deed::Deleted(_))) && !meanwhile(label) {
                return Err(self
                    .tell(&format!("nobody here took away {label:?}, as was sent at {}", written.at), &written.pair));
            }
        }
        Ok(())
    }

    /// When the engine looked at a pair before it wrote: before it entered what it was to send.
    fn looked_at(&self, written: &WrittenPair) -> Millis {
        let plain = |labels: &BTreeSet<Option<String>>| -> BTreeSet<Option<String>> {
            labels.iter().filter(|label| label.as_deref().is_some_and(|label| label != PRIMARY)).cloned().collect()
        };
        let entered = self.intended.iter().filter(|(pair, at, labels)| {
            *pair == written.pair && *at <= written.at && plain(labels) == plain(&written.after)
        });
        // The look came before that, and had to be repeated where an answer was lost.
        entered.map(|(_, at, _)| *at).max().unwrap_or(written.at) - 120_000
    }

    /// What happened to a pair, for whoever looks for the mistake.
    pub(super) fn tell(&self, what: &str, key: &Key) -> String {
        let pair = Key { label: None, ..self.settled(key) };
        let same = |key: &Key| Key { label: None, ..self.settled(key) } == pair;
        // A record has one primary company: what happened to its other pairs may be the reason.
        let rival = |key: &Key| is_primary(&key.label) && self.settled(key).ends[0] == pair.ends[0] && !same(key);
        let mut lines: Vec<(Millis, String)> = Vec::new();
        let rivals = self.links.events.iter().filter(|e| rival(&e.key));
        lines.extend(rivals.map(|e| (e.at, format!("{:?} {:?} Primary, of another pair", e.deed, e.key.ends))));
        let rivals = self.writes.iter().filter(|w| {
            let marked = |labels: &BTreeSet<Option<String>>| labels.iter().any(is_primary);
            w.pair != pair && w.pair.pair == pair.pair && w.pair.ends[0] == pair.ends[0] && marked(&w.after)
        });
        lines.extend(rivals.map(|w| (w.at, format!("written {:?} {:?} > {:?}", w.pair.ends, w.before, w.after))));
        lines.extend(
            self.links
                .events
                .iter()
                .filter(|e| same(&e.key))
                .map(|e| (e.at, format!("{:?} {:?} {:?}", e.deed, e.key.ends, e.key.label))),
        );
        lines.extend(
            self.writes
                .iter()
                .filter(|w| w.pair == pair)
                .map(|w| (w.at, format!("written {:?} > {:?}", w.before, w.after))),
        );
        lines.extend(
            self.intended
                .iter()
                .filter(|(key, _, _)| *key == pair)
                .map(|(_, at, labels)| (*at, format!("intended {labels:?}"))),
        );
        lines.extend(self.links.moved.iter().map(|(object, ids, at)| (*at, format!("moved {object} {ids:?}"))));
        lines.sort();
        let there: Vec<&Option<String>> = self.there.iter().filter(|key| same(key)).map(|key| &key.label).collect();
        let lines: String = lines.iter().map(|(at, line)| format!("\n  {at} {line}")).collect();
        format!("{what}\n  of {pair:?}, in the portal {there:?}{lines}")
    }
}
