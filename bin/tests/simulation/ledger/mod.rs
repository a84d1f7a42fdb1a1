//! Every write of every hand, by a value that nobody else ever writes, and what must have become of it.

pub(super) mod archives;
pub(super) mod links;

use super::world::World;
use rusqlite::{Connection, OptionalExtension};
use simulator::{Millis, Portal, Value};
use std::collections::BTreeSet;
use sync_core::model::Timestamp;

/// The property in which the records of some seeds' companies carry the keys of their rows.
pub(in crate::simulation) const OWN_KEY: &str = "row_key";

type Verdict = Result<(), String>;

/// A value that somebody wrote into the mirror.
struct Local {
    token: String,
    object: String,
    uid: String,
    id: Option<String>,
    property: String,
    /// Whether the same hand took it back: by another value, or with the row.
    superseded: bool,
}

/// A value that somebody wrote in the CRM.
struct Remote {
    token: String,
    object: String,
    id: u64,
    property: String,
    at: Millis,
}

/// What both sides wrote.
#[derive(Default)]
pub(super) struct Ledger {
    next: u32,
    local: Vec<Local>,
    remote: Vec<Remote>,
    /// When a property came back, with values that nobody could read in between.
    brought_back: Vec<(String, String, Millis)>,
    /// Records that were restored: since when they had been archived, and until when.
    restored: Vec<(u64, Millis, Millis)>,
    /// Values that identify a new row, and how many records may come of it.
    made: Vec<(String, String, usize)>,
    /// Fields that a hand emptied: object, row's key, record, property.
    cleared: Vec<(String, String, Option<String>, String)>,
    /// Records whose rows a hand took back, with what had been written into them.
    taken_back: BTreeSet<(String, String)>,
    /// Associations.
    pub(super) links: links::Links,
    /// Archives.
    pub(super) archives: archives::Archives,
}

impl Ledger {
    /// A value that is written nowhere else.
    pub(super) fn token(&mut self, side: char) -> String {
        self.next += 1;
        format!("{side}{}x", self.next)
    }

    /// Notes a local write: it takes the place of earlier ones of the same hand in the same field.
    pub(super) fn wrote_here(
        &mut self,
        object: &str,
        (uid, id): (&str, Option<&str>),
        property: &str,
        token: Option<String>,
    ) {
        self.take_back(object, (uid, id), |written| written == property);
        if token.is_none() {
            let (uid, id) = (uid.to_owned(), id.map(str::to_owned));
            self.cleared.push((object.to_owned(), uid, id, property.to_owned()));
        }
        if let Some(token) = token {
            self.local.push(Local {
                token,
                object: object.to_owned(),
                uid: uid.to_owned(),
                id: id.map(str::to_owned),
                property: property.to_owned(),
                superseded: false,
            });
        }
    }

    /// Notes that a hand gave up what it had written into fields of a row.
    pub(super) fn take_back(&mut self, object: &str, (uid, id): (&str, Option<&str>), which: impl Fn(&str) -> bool) {
        self.taken_back.extend(id.map(|id| (object.to_owned(), id.to_owned())));
        let same = |entry: &Local| entry.uid == uid || (id.is_some() && entry.id.as_deref() == id);
        for entry in self.local.iter_mut().filter(|entry| entry.object == object && same(entry)) {
            entry.superseded |= which(&entry.property);
        }
    }

    /// Notes that these values stood where the same hand has written something else, or nothing. A value may stand in
    /// another row than the one that it was written into: edits follow a merge.
    pub(super) fn overwrote(&mut self, values: &[String]) {
        for entry in self.local.iter_mut().filter(|entry| values.contains(&entry.token)) {
            entry.superseded = true;
        }
    }

    pub(super) fn wrote_there(&mut self, at: Millis, object: &str, id: u64, property: &str, token: String) {
        self.remote.push(Remote { token, object: object.to_owned(), id, property: property.to_owned(), at });
    }

    /// Notes that a property is there again, with the values that it had.
    pub(super) fn came_back(&mut self, at: Millis, object: &str, property: &str) {
        self.brought_back.push((object.to_owned(), property.to_owned(), at));
    }

    /// Notes that a record was archived for a while.
    pub(super) fn restored(&mut self, id: u64, since: Millis, until: Millis) {
        self.restored.push((id, since, until));
    }

    /// Notes a new row that can be told by a value; `most` records may come of it.
    pub(super) fn made(&mut self, object: &str, token: &str, most: usize) {
        self.made.push((object.to_owned(), token.to_owned(), most));
    }

    /// O2: every local value is at the remote or was, was taken back by its own hand, or is kept where a person finds it.
    pub(super) fn local_values_are_accounted_for(&self, world: &World) -> Verdict {
        let there = texts_there(world);
        let arrived: BTreeSet<String> =
            world.rehearsal.portal().writes().iter().filter_map(|written| text(&written.received)).collect();
        for entry in self.local.iter().filter(|entry| !entry.superseded) {
            if there.contains(&entry.token) || arrived.contains(&entry.token) || kept(world, entry) {
                continue;
            }
            return Err(format!(
                "the local value {} of {} {} ({:?}) {} is lost{}",
                entry.token,
                entry.object,
                entry.uid,
                entry.id,
                entry.property,
                story(world, entry)
            ));
        }
        Ok(())
    }

    /// O3: a remote value that we wrote over had been seen, or is kept, or came in the moment between look and write.
    pub(super) fn remote_values_are_accounted_for(&self, world: &World) -> Verdict {
        let person = world.reader();
        let portal = world.rehearsal.portal();
        for written in portal.writes() {
            let Some(before) = written.before.as_ref().and_then(text) else { continue };
            let ours = |entry: &&Remote| {
                entry.token == before
                    && entry.object == written.object
                    && entry.id == written.id
                    && entry.property == written.property
            };
            let Some(theirs) = self.remote.iter().find(ours) else { continue };
            let sent = text(&written.received).unwrap_or_default();
            let (id, property) = (written.id.to_string(), &written.property);
            let seen: bool = person
                .query_row(
                    "SELECT EXISTS (SELECT 1 FROM sync_journal WHERE object = ?1 AND record_id = ?2
                        AND json_extract(properties, '$.' || ?3 || '[0]') = ?4
                        AND coalesce(json_extract(properties, '$.' || ?3 || '[1]'), '') = ?5)
                     OR EXISTS (SELECT 1 FROM sync_conflicts WHERE record_id = ?2 AND property = ?3 AND remote = ?4)",
                    rusqlite::params![written.object, id, property, before, sent],
                    |row| row.get(0),
                )
                .unwrap();
            let looked: Option<String> = person
                .query_row(
                    "SELECT max(sent_at) FROM sync_journal WHERE object = ?1 AND record_id = ?2
                        AND json_type(properties, '$.' || ?3) IS NOT NULL
                        AND coalesce(json_extract(properties, '$.' || ?3 || '[1]'), '') = ?4 AND sent_at <= ?5",
                    rusqlite::params![
                        written.object,
                        id,
                        property,
                        sent,
                        Timestamp::from_millis(written.at).to_string()
                    ],
                    |row| row.get(0),
                )
                .unwrap();
            let looked = looked.as_deref().and_then(Timestamp::parse);
            let came = |(object, name, at): &&(String, String, Millis)| {
                (object, name) == (&written.object, property) && *at <= written.at
            };
            let shown_at = self.brought_back.iter().filter(came).map(|(_, _, at)| *at).max().unwrap_or(theirs.at);
            let between = looked.is_some_and(|looked| theirs.at.max(shown_at) >= looked.millis() - 60_000);
            if !seen && !between {
                return Err(format!(
                    "{} {} {property}: {before} of {} was written over with {sent:?} at {} and is kept nowhere",
                    written.object, written.id, theirs.at, written.at
                ));
            }
        }
        Ok(())
    }

    /// O4: of each new row comes one record, or, where nothing identifies it and an answer was lost, one more. One that was
    /// archived by the time of the next could not be found: no read by a key returns it.
    pub(super) fn new_rows_are_made_once(&self, world: &World) -> Verdict {
        let portal = world.rehearsal.portal();
        for (object, token, most) in &self.made {
            let holds = |written: &&simulator::Written| {
                written.object == *object && text(&written.received).as_deref() == Some(token)
            };
            let written: Vec<&simulator::Written> = portal.writes().iter().filter(holds).collect();
            let last = written.iter().map(|written| written.at).max().unwrap_or_default();
            // What was made and merged away since is the record that it was merged into.
            let records: BTreeSet<u64> = written.iter().map(|written| survivor(&portal, object, written.id)).collect();
            let hidden = |id: &&u64| {
                let record = portal.records(object).find(|record| record.id == **id);
                record.and_then(|record| record.archived_at).is_some_and(|at| at <= last)
                    || self.restored.iter().any(|(of, since, until)| of == *id && *since <= last && last <= *until)
            };
            if records.len() > *most && records.len() - records.iter().filter(hidden).count() > *most {
                return Err(format!("the new row of {object} with {token} was made as {records:?}"));
            }
        }
        Ok(())
    }

    /// O4: a row that is written again by its own key is the same row, and no other record is made of it.
    pub(super) fn keys_are_made_once(world: &World) -> Verdict {
        let sql = "SELECT object || ' ' || uid || ': ' || group_concat(record_id) FROM sync_journal
                   WHERE operation = 'create' AND outcome = 'done' AND uid LIKE 'own-%'
                   GROUP BY object, uid HAVING count(DISTINCT record_id) > 1";
        match world.reader().query_row(sql, [], |row| row.get::<_, String>(0)).optional().unwrap() {
            Some(twice) => Err(format!("more than one record was made of a row: {twice}")),
            None => Ok(()),
        }
    }

    /// O5: every value that reached the portal was written by somebody in the mirror, and what was emptied there somebody
    /// emptied.
    pub(super) fn nothing_is_invented(&self, world: &World) -> Verdict {
        let authored: BTreeSet<&str> = self.local.iter().map(|entry| entry.token.as_str()).collect();
        let made: BTreeSet<&str> = self.made.iter().map(|(_, token, _)| token.as_str()).collect();
        let portal = world.rehearsal.portal();
        let person = world.reader();
        // With `verify`, what was written over unseen is found in the history, and put back where the remote wins.
        let put_back = |written: &simulator::Written, value: &str| {
            let sql = "SELECT EXISTS (SELECT 1 FROM sync_conflicts WHERE object = ?1 AND property = ?2 AND remote = ?3
                       AND kind = 'overwritten_in_window')";
            person.query_row(sql, [&written.object, &written.property, value], |row| row.get::<_, bool>(0)).unwrap()
        };
        let writes = portal.writes();
        for written in writes {
            let value = text(&written.received).unwrap_or_default();
            let before = written.before.as_ref().and_then(text).unwrap_or_default();
            if value.is_empty() && before.is_empty() {
                continue;
            }
            let wished = match value.as_str() {
                // A row's own key, where its records carry it.
                uid if written.property == OWN_KEY => person
                    .query_row("SELECT EXISTS (SELECT 1 FROM sync_journal WHERE uid = ?1)", [uid], |row| row.get(0))
                    .unwrap(),
                "" => self.emptied(&portal, &person, written),
                value => authored.contains(value) || made.contains(value) || put_back(written, value),
            };
            if !wished {
                return Err(format!(
                    "{} {} {}: {value:?} was sent over {before:?} at {}, and nobody wrote it",
                    written.object, written.id, written.property, written.at
                ));
            }
        }
        Ok(())
    }

    /// Whether somebody emptied this field of the record, of one that was merged into it, or of the row that it was made of.
    fn emptied(&self, portal: &Portal, person: &Connection, written: &simulator::Written) -> bool {
        let survivor = |id: u64| survivor(portal, &written.object, id);
        let made_of = |uid: &str| {
            let sql = "SELECT EXISTS (SELECT 1 FROM sync_journal WHERE object = ?1 AND uid = ?2 AND record_id = ?3)";
            let id = written.id.to_string();
            person.query_row(sql, [&written.object, uid, &id], |row| row.get::<_, bool>(0)).unwrap()
        };
        self.cleared.iter().any(|(object, uid, id, property)| {
            let id = id.as_ref().and_then(|id| id.parse().ok());
            (object, property) == (&written.object, &written.property)
                && (id.is_some_and(|id| survivor(id) == survivor(written.id)) || made_of(uid))
        })
    }

    /// O6: what was carried out is not sent again; unless somebody took back the row while the answer to its next value was
    /// lost, so that the one before stands in it again.
    pub(super) fn nothing_is_sent_again(&self, world: &World) -> Verdict {
        let person = world.reader();
        let mut twice = person
            .prepare(
                "SELECT object, record_id, sent.key || ': ' || json_extract(sent.value, '$[1]')
                 FROM sync_journal, json_each(properties) AS sent WHERE operation = 'update' AND outcome = 'done'
                   AND json_extract(sent.value, '$[1]') IS NOT json_extract(sent.value, '$[0]')
                   AND json_extract(sent.value, '$[1]') IS NOT NULL
                 GROUP BY object, record_id, sent.key, json_extract(sent.value, '$[1]') HAVING count(*) > 1",
            )
            .unwrap();
        let found = twice.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get::<_, String>(2)?))).unwrap();
        match found.map(Result::unwrap).find(|(record, _)| !self.taken_back.contains(record)) {
            Some(((object, id), what)) => {
                Err(format!("{object} {id} {what} was sent again, though it was carried out"))
            }
            None => Ok(()),
        }
    }
}

/// The record that one was merged into in the end, or itself.
fn survivor(portal: &Portal, object: &str, id: u64) -> u64 {
    let into = |id: &u64| portal.record(object, *id)?.merged_into;
    std::iter::successors(Some(id), into).last().unwrap_or(id)
}

fn text(value: &Value) -> Option<String> {
    value.text().map(std::borrow::Cow::into_owned)
}

/// Every text that any record holds.
fn texts_there(world: &World) -> BTreeSet<String> {
    let portal = world.rehearsal.portal();
    let objects = world.mappings.iter().map(|mapping| mapping.object.as_str());
    objects
        .flat_map(|object| portal.records(object))
        .flat_map(|record| record.properties.into_values())
        .filter_map(|value| text(&value))
        .collect()
}

/// What the mirror remembers of a record, for whoever looks for the mistake.
fn story(world: &World, entry: &Local) -> String {
    let person = world.reader();
    let mut statement = person
        .prepare(
            "SELECT at, run_id || ' ' || side || ' ' || property || ' ' || coalesce(before, '-') || ' > ' ||
                    coalesce(after, '-') FROM sync_history WHERE object = ?1 AND record_id = ?2
             UNION ALL SELECT sent_at, run_id || ' sent ' || operation || ' ' || properties || ' ' ||
                    coalesce(outcome, 'open') || ' ' || coalesce(message, '') FROM sync_journal
                    WHERE object = ?1 AND (record_id = ?2 OR uid = ?3)
             UNION ALL SELECT created_at, run_id || ' conflict ' || property || ' ' || coalesce(local, '-') || ' ' ||
                    coalesce(remote, '-') || ' ' || chosen FROM sync_conflicts WHERE object = ?1 AND record_id = ?2
             UNION ALL SELECT last_at, 'reject ' || properties || ' ' || message FROM sync_rejects
                    WHERE object = ?1 AND record_id = ?2 ORDER BY 1",
        )
        .unwrap();
    let made: Option<String> = person
        .query_row(
            "SELECT max(record_id) FROM sync_journal WHERE object = ?1 AND uid = ?2",
            [&entry.object, &entry.uid],
            |row| row.get(0),
        )
        .unwrap();
    let id = entry.id.clone().or(made).unwrap_or_default();
    let lines = statement.query_map([&entry.object, &id, &entry.uid], |row| {
        Ok(format!("\n  {} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    });
    lines.unwrap().map(Result::unwrap).collect()
}

/// Whether a value is where a person finds it: as the loser of a conflict, in a reject, or in a row that waits.
fn kept(world: &World, entry: &Local) -> bool {
    let mapping = world.mappings.iter().find(|mapping| mapping.object == entry.object).unwrap();
    let column = mapping.fields.iter().find(|field| field.property == entry.property).unwrap();
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM sync_conflicts WHERE local = ?1 OR (kind = 'adopted' AND remote = ?1))
            OR EXISTS (SELECT 1 FROM sync_rejects WHERE instr(properties, json_quote(?1)))
            OR EXISTS (SELECT 1 FROM {} WHERE {} = ?1 AND state IN ('archived', 'merged', 'missing'))",
        mapping.table, column.column
    );
    world.reader().query_row(&sql, [&entry.token], |row| row.get(0)).unwrap()
}
