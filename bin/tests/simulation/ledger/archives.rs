//! Who asked for archives, and what was archived.

use super::Verdict;
use crate::simulation::world::World;
use mappings::Deletes;
use simulator::Millis;
use std::collections::BTreeMap;
use sync_core::model::Timestamp;

/// Archives that somebody asked for in the mirror, and records that somebody brought back in the CRM.
#[derive(Default)]
pub(in crate::simulation) struct Archives {
    asked: Vec<(Millis, String, String)>,
    /// Of these, the ones by a row that was deleted.
    deleted: Vec<(Millis, String, String)>,
    restored: Vec<(Millis, String, String)>,
    taken_back: Vec<(Millis, String, String)>,
    /// New rows that were deleted, by their keys: what became of one on its way is to be archived.
    given_up: Vec<(Millis, String, String)>,
    /// The keys of rows that were inserted in the place of a deleted one, with its record.
    again: Vec<(String, String)>,
}

impl Archives {
    pub(in crate::simulation) fn asked(&mut self, at: Millis, object: &str, id: &str) {
        self.asked.push((at, object.to_owned(), id.to_owned()));
    }

    /// Notes that a hand gave up what it had asked for, with the row or by writing it anew.
    pub(in crate::simulation) fn taken_back(&mut self, at: Millis, object: &str, id: Option<&str>) {
        self.taken_back.extend(id.map(|id| (at, object.to_owned(), id.to_owned())));
    }

    /// Notes that a tool wrote a whole table back: which of the rows that are not in it somebody had deleted before nobody
    /// can tell, so all come back.
    pub(in crate::simulation) fn written_back(&mut self, at: Millis, object: &str) {
        let deleted = self.deleted.iter().filter(|(_, of, _)| of == object);
        self.taken_back.extend(deleted.map(|(_, of, id)| (at, of.clone(), id.clone())));
    }

    /// Notes that a row was deleted, which asks for an archive where its mapping says so.
    pub(in crate::simulation) fn deleted(&mut self, world: &World, object: &str, (uid, id): (&str, Option<&str>)) {
        let mapping = world.mappings.iter().find(|mapping| mapping.object == object).unwrap();
        let stood_for = self.again.iter().find(|(again, _)| again == uid).map(|(_, id)| id.clone());
        let now = world.rehearsal.now();
        let id = id.map(str::to_owned).or(stood_for);
        // What no trigger saw nobody can tell from what a tool left out: the row comes back.
        let watched = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?1)";
        let watched: bool =
            world.person().query_row(watched, [format!("sync_{object}_delete")], |row| row.get(0)).unwrap();
        if let (Deletes::Archive, Some(id)) = (mapping.deletes, &id) {
            self.asked(now, object, id);
            self.deleted.push((now, object.to_owned(), id.clone()));
        }
        if id.is_none() {
            self.given_up.push((now, object.to_owned(), uid.to_owned()));
        }
        let stays = id.as_ref().is_some_and(|id| has_new_row(world, object, id));
        if mapping.deletes != Deletes::Archive || !watched || stays {
            self.taken_back(now, object, id.as_deref());
        }
    }

    /// Whether somebody asked for the archive of a record: with it goes what was said of its pairs.
    pub(in crate::simulation) fn goes(&self, object: &str, id: &str) -> bool {
        self.asked.iter().any(|(_, of, record)| of == object && record == id)
    }

    /// Notes that a new row stands where that of a record was deleted.
    pub(in crate::simulation) fn inserted_again(&mut self, at: Millis, object: &str, uid: &str, id: Option<&str>) {
        self.taken_back(at, object, id);
        self.again.extend(id.map(|id| (uid.to_owned(), id.to_owned())));
    }

    pub(in crate::simulation) fn restored(&mut self, at: Millis, object: &str, id: u64) {
        self.restored.push((at, object.to_owned(), id.to_string()));
    }

    /// Nothing was archived that nobody had asked for, and nothing again that was brought back since; unless the answer
    /// was lost, and all that could be read then is that the record is active.
    pub(in crate::simulation) fn were_asked_for(&self, world: &World) -> Verdict {
        let mut done: BTreeMap<(String, String), Millis> = BTreeMap::new();
        let portal = world.rehearsal.portal();
        for executed in portal.executed() {
            let Some(path) = executed.path.strip_suffix("/batch/archive") else { continue };
            let Some((_, object)) = path.strip_prefix("/crm/objects/").and_then(|path| path.split_once('/')) else {
                continue;
            };
            let body: serde_json::Value = serde_json::from_slice(&executed.body).unwrap();
            for input in body["inputs"].as_array().unwrap() {
                let id = input["id"].as_str().unwrap();
                let last = done.insert((object.to_owned(), id.to_owned()), executed.at);
                let noted = |what: &[(Millis, String, String)], since: Millis| {
                    let mut what = what.iter();
                    what.any(|(at, of, record)| since < *at && *at <= executed.at && of == object && record == id)
                };
                // One that was archived in the CRM by then stays as it is.
                let truth = portal.record(object, id.parse().unwrap());
                let was_archived = truth.and_then(|truth| truth.archived_at).is_some_and(|at| at < executed.at);
                let was_new = || self.was_given_up(world, object, id, executed.at);
                if !noted(&self.asked, Millis::MIN) && !was_archived && !was_new() {
                    return Err(format!("{object} {id} was archived at {}, and nobody asked for it", executed.at));
                }
                if let Some(last) = last
                    && noted(&self.restored, last)
                    && !noted(&self.asked, last)
                    && !looked_undone(world, object, id, last)
                {
                    return Err(format!(
                        "{object} {id} was archived at {last}, brought back, and archived at {} again, for one wish",
                        executed.at
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether the row that a record was made of had been deleted by then.
    fn was_given_up(&self, world: &World, object: &str, id: &str, by: Millis) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM sync_keys WHERE object = ?1 AND record_id = ?2 AND uid = ?3)";
        let person = world.reader();
        let mut given_up = self.given_up.iter().filter(|(at, of, _)| *at <= by && of == object);
        given_up.any(|(_, _, uid)| person.query_row(sql, [object, id, uid], |row| row.get::<_, bool>(0)).unwrap())
    }

    /// What somebody asked for was done, or waits for a person; unless somebody took it back on either side.
    pub(in crate::simulation) fn are_not_forgotten(&self, world: &World) -> Verdict {
        let waits = "SELECT EXISTS (SELECT 1 FROM sync_rejects WHERE object = ?1 AND record_id = ?2)
                     OR EXISTS (SELECT 1 FROM sync_conflicts WHERE object = ?1 AND record_id = ?2 AND resolved_at IS NULL)";
        let portal = world.rehearsal.portal();
        let person = world.reader();
        for (at, object, id) in &self.asked {
            let since = |what: &[(Millis, String, String)]| {
                what.iter().any(|(then, of, record)| then >= at && (of, record) == (object, id))
            };
            // A row of its own making had become the record's by then, or became it: that one stands for it.
            let own = format!("SELECT EXISTS (SELECT 1 FROM {object} WHERE id = ?1 AND _uid LIKE 'own-%')");
            let was_row = self.deleted.contains(&(*at, object.clone(), id.clone()));
            if was_row && person.query_row(&own, [id], |row| row.get::<_, bool>(0)).unwrap() {
                continue;
            }
            let is_active = portal.record(object, id.parse().unwrap()).is_some_and(|truth| truth.is_active());
            if !is_active || since(&self.restored) || since(&self.taken_back) {
                continue;
            }
            if !person.query_row(waits, [object, id], |row| row.get::<_, bool>(0)).unwrap() {
                return Err(format!("{object} {id} was to be archived at {at}, and nobody did or refused it"));
            }
        }
        Ok(())
    }

    /// A row that is still to be archived waits for a person.
    pub(in crate::simulation) fn are_done(world: &World) -> Verdict {
        for mapping in &world.mappings {
            let (object, table) = (&mapping.object, &mapping.table);
            let waits = world.count(&format!(
                "SELECT count(*) FROM {table} t WHERE state = 'archiving' AND NOT EXISTS (
                     SELECT 1 FROM sync_rejects r WHERE r.object = '{object}' AND r.record_id = t.id)
                 AND NOT EXISTS (SELECT 1 FROM sync_conflicts c WHERE c.object = '{object}' AND c.record_id = t.id
                     AND c.resolved_at IS NULL)"
            ));
            if waits > 0 {
                return Err(format!("{waits} {object} are still to be archived"));
            }
        }
        Ok(())
    }
}

/// Whether a new row has the address of a contact, and so is meant to be theirs.
fn has_new_row(world: &World, object: &str, id: &str) -> bool {
    let record = world.rehearsal.portal().record(object, id.parse().unwrap());
    let Some(mail) = record.and_then(|record| record.text("email")).filter(|_| object == "contacts") else {
        return false;
    };
    let sql = "SELECT EXISTS (SELECT 1 FROM contacts WHERE id IS NULL AND mail = ?1)";
    world.person().query_row(sql, [mail], |row| row.get(0)).unwrap()
}

/// Whether an archive that was carried out at that time was found not to be when the engine asked.
fn looked_undone(world: &World, object: &str, id: &str, at: Millis) -> bool {
    let sql = "SELECT EXISTS (SELECT 1 FROM sync_journal WHERE object = ?1 AND record_id = ?2 AND operation = 'archive'
               AND outcome = 'undone' AND sent_at <= ?3 AND settled_at >= ?3)";
    let at = Timestamp::from_millis(at).to_string();
    world.reader().query_row(sql, [object, id, &at], |row| row.get(0)).unwrap()
}
