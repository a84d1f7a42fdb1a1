//! Who asked for archives, and what was archived.

use super::Verdict;
use crate::simulation::world::World;
use simulator::Millis;

/// Archives that somebody asked for in the mirror.
#[derive(Default)]
pub(in crate::simulation) struct Archives {
    asked: Vec<(Millis, String, String)>,
}

impl Archives {
    pub(in crate::simulation) fn asked(&mut self, at: Millis, object: &str, id: &str) {
        self.asked.push((at, object.to_owned(), id.to_owned()));
    }

    /// Nothing was archived that nobody had asked for.
    pub(in crate::simulation) fn were_asked_for(&self, world: &World) -> Verdict {
        for executed in world.rehearsal.portal().executed() {
            let Some(path) = executed.path.strip_suffix("/batch/archive") else { continue };
            let Some((_, object)) = path.strip_prefix("/crm/objects/").and_then(|path| path.split_once('/')) else {
                continue;
            };
            let body: serde_json::Value = serde_json::from_slice(&executed.body).unwrap();
            for input in body["inputs"].as_array().unwrap() {
                let id = input["id"].as_str().unwrap();
                let mut asked = self.asked.iter();
                if !asked.any(|(at, of, record)| *at <= executed.at && of == object && record == id) {
                    return Err(format!("{object} {id} was archived at {}, and nobody asked for it", executed.at));
                }
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
