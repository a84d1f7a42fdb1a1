//! Merging two records into one, usually under a third id to which both old ids lead.

use std::collections::BTreeSet;

use crate::exchange::Millis;
use crate::links::Category;
use crate::object_types::TypeIndex;
use crate::people::PortalError;
use crate::portal::Portal;
use crate::record::{Life, Record, Source, Stale};
use crate::store::nothing;
use crate::switches::MergeId;
use crate::value::{Packed, PropertyId};

/// The most ids that a record may stand for besides its own, where a client merges.
const IDENTITIES: usize = 250;

impl Portal {
    /// A person merges `other` into `primary` and gets the surviving id, which may be neither of the two.
    pub fn merge(&mut self, now: Millis, object: &str, primary: u64, other: u64) -> Result<u64, PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        if primary == other {
            return Err(PortalError::SameRecord);
        }
        for id in [primary, other] {
            if !self.is_active(kind, id) {
                return Err(self.missing(kind, id, "active"));
            }
        }
        Ok(self.merge_records(kind, primary, other))
    }

    pub(crate) fn merge_records(&mut self, kind: TypeIndex, primary: u64, other: u64) -> u64 {
        let now = self.now;
        let keep = self.settings.switches.merge_id == MergeId::KeepPrimary;
        let winner = if keep { primary } else { self.stores[kind].new_id(&mut self.dice.ids) };
        let changes = self.merged_values(kind, primary, other, winner);
        let losers: Vec<u64> = if keep { vec![other] } else { vec![primary, other] };
        self.freeze(kind, primary);
        if !keep {
            let created = self.stores[kind].records.get(&primary).map_or(now, |r| r.created);
            let mut record = Record::new(created, now, self.values_of(kind, primary));
            record.origin = self.stores[kind].records.get(&primary).map_or(Source::Import, |r| r.origin);
            record.past = self.stores[kind].records.get(&primary).map(|r| r.past.clone()).unwrap_or_default();
            record.stale = Some(Box::new(Stale::Absent));
            self.stores[kind].records.insert(winner, record);
        }
        if let Some(record) = self.stores[kind].records.get_mut(&winner) {
            record.write(&changes, now, Source::Merge);
            record.updated = record.updated.max(now);
        }
        for loser in losers {
            self.freeze(kind, loser);
            self.move_links(kind, loser, winner);
            if let Some(record) = self.stores[kind].records.get_mut(&loser) {
                record.life = Life::Merged(winner);
                record.values = nothing();
                record.past = Vec::new();
            }
            self.index_later(kind, loser);
        }
        self.stores[kind].note_values(winner);
        self.index_later(kind, winner);
        winner
    }

    /// Whether a merge would leave a record that stands for more ids than one may.
    pub(crate) fn merges_too_much(&self, kind: TypeIndex, primary: u64, other: u64) -> bool {
        let Some(merged) = self.stores[kind].catalogue.find("hs_merged_object_ids") else { return false };
        let count = |id| self.text_of(kind, id, merged).split(';').filter(|held| !held.is_empty()).count();
        let losers = if self.settings.switches.merge_id == MergeId::KeepPrimary { 1 } else { 2 };
        count(primary) + count(other) + losers > IDENTITIES
    }

    fn values_of(&self, kind: TypeIndex, id: u64) -> Packed {
        self.stores[kind].records.get(&id).map_or_else(nothing, |r| r.values.clone())
    }

    /// What a merge changes on the primary's values: gaps are filled from the other, and the merge leaves its marks.
    fn merged_values(&self, kind: TypeIndex, primary: u64, other: u64, winner: u64) -> Vec<(PropertyId, Vec<u8>)> {
        let (ours, theirs) = (self.values_of(kind, primary), self.values_of(kind, other));
        let catalogue = &self.stores[kind].catalogue;
        let mut changes: Vec<(PropertyId, Vec<u8>)> = theirs
            .iter()
            .filter(|(p, v)| !v.is_empty() && ours.get(*p).is_none_or(<[u8]>::is_empty))
            .map(|(p, v)| (p, v.to_vec()))
            .collect();
        let mut set = |name: &str, value: Vec<u8>| {
            if let Some(property) = catalogue.find(name) {
                changes.retain(|(p, _)| *p != property);
                changes.push((property, value));
            }
        };
        let list = |name: &str, extra: &[String]| {
            let mut all: Vec<String> = Vec::new();
            let mut seen = BTreeSet::new();
            for values in [&ours, &theirs] {
                let held = catalogue.find(name).and_then(|p| values.get(p)).unwrap_or_default();
                all.extend(String::from_utf8_lossy(held).split(';').filter(|v| !v.is_empty()).map(str::to_owned));
            }
            all.extend(extra.iter().cloned());
            all.retain(|v| seen.insert(v.clone()));
            all.join(";").into_bytes()
        };
        let losers: Vec<String> =
            [primary, other].iter().filter(|id| **id != winner).map(ToString::to_string).collect();
        set("hs_merged_object_ids", list("hs_merged_object_ids", &losers));
        if self.types[kind].name == "contacts" {
            let stamped: Vec<String> = losers.iter().map(|id| format!("{id}:{}", self.now)).collect();
            let vids = [vec![winner.to_string()], losers].concat();
            set("hs_calculated_merged_vids", list("hs_calculated_merged_vids", &stamped));
            set("hs_all_contact_vids", list("hs_all_contact_vids", &vids));
            let email = |values: &Packed| catalogue.find("email").and_then(|p| values.get(p).map(<[u8]>::to_vec));
            if let (Some(mine), Some(lost)) = (email(&ours), email(&theirs))
                && mine != lost
                && !lost.is_empty()
            {
                // An email that fills a gap is no additional one.
                let lost = Some(String::from_utf8_lossy(&lost).into_owned()).filter(|_| !mine.is_empty());
                let all = list("hs_additional_emails", lost.as_slice());
                if !all.is_empty() {
                    set("hs_additional_emails", all);
                }
            }
        }
        changes
    }

    fn move_links(&mut self, kind: TypeIndex, from: u64, to: u64) {
        for other in self.links.partners(kind) {
            for far in self.links.neighbours(kind, from, other, 0) {
                let facings = [(from, far), (to, far)].map(|(id, far)| -> Vec<(Category, u32)> {
                    self.links.marks(kind, id, other, far).iter().map(|f| (f.category, f.type_id)).collect()
                });
                let removed = self.links.remove(kind, from, other, far);
                debug_assert!(removed.is_ok());
                // Two records that were associated with each other leave no association with oneself.
                if other != kind || far != to {
                    let set = self.links.set(kind, to, other, far, &facings.concat());
                    debug_assert!(set.is_ok());
                }
            }
        }
    }
}
