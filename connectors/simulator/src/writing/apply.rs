//! Carrying out what was prepared: creating, updating and archiving one record through the API.

use crate::object_types::TypeIndex;
use crate::people::PortalError;
use crate::portal::Portal;
use crate::problem::Problem;
use crate::record::{Life, Source};
use crate::value::{PropertyId, Value};
use crate::writing::log::Written;
use crate::writing::prepare::{Change, Prepared, Refused};

impl Portal {
    /// Makes a record, with what HubSpot fills in and the associations asked for.
    pub(crate) fn apply_create(&mut self, kind: TypeIndex, prepared: &Prepared) -> u64 {
        let values: Vec<(PropertyId, Vec<u8>)> =
            prepared.changes.iter().map(|change| (change.property, change.value.clone())).collect();
        let id = self.insert(kind, values, Source::Api);
        for change in &prepared.changes {
            self.note(kind, id, change, None);
        }
        for edge in &prepared.links {
            self.apply_labels((kind, id), (edge.to, edge.to_id), &edge.types);
        }
        self.associate_by_domain(kind, id);
        id
    }

    /// Writes the values to a record.
    pub(crate) fn apply_update(&mut self, kind: TypeIndex, id: u64, prepared: &Prepared) -> Result<(), Refused> {
        let before: Vec<Option<Value>> =
            prepared.changes.iter().map(|change| self.held(kind, id, change.property)).collect();
        let changes = prepared.changes.iter().map(|change| (change.property, change.value.clone())).collect();
        self.write(kind, id, changes, Source::Api, true).map_err(|error| match error {
            PortalError::Taken { holder, .. } => Refused::Taken(holder),
            _ => Refused::Whole(Problem::not_found()),
        })?;
        for (change, before) in prepared.changes.iter().zip(before) {
            self.note(kind, id, change, before);
        }
        Ok(())
    }

    /// Moves a record to the recycling bin; whether there was one to move.
    pub(crate) fn apply_archive(&mut self, kind: TypeIndex, given: &str) -> bool {
        let Ok(mut id) = given.parse::<u64>() else { return false };
        let merged = |life: &Life| matches!(life, Life::Merged(_));
        if self.settings.switches.archive_follows_merge
            && self.stores[kind].records.get(&id).is_some_and(|r| merged(&r.life))
        {
            id = self.stores[kind].survivor(id).unwrap_or(id);
        }
        self.bin(kind, id).is_ok()
    }

    fn held(&self, kind: TypeIndex, id: u64, property: PropertyId) -> Option<Value> {
        let values = self.stores[kind].records.get(&id).filter(|_| self.log.is_on())?;
        values.values.get(property).map(Value::from_escaped)
    }

    fn note(&mut self, kind: TypeIndex, id: u64, change: &Change, before: Option<Value>) {
        if !self.log.is_on() {
            return;
        }
        self.log.written(Written {
            at: self.now,
            object: self.types[kind].name.clone(),
            id,
            property: self.stores[kind].catalogue.get(change.property).name.clone(),
            received: change.received.clone(),
            before,
            after: Value::from_escaped(&change.value),
        });
    }
}
