//! What the people in the CRM do to records: no API call, no limit, no validation beyond what HubSpot itself does to a value.

use crate::exchange::Millis;
use crate::object_types::{TypeIndex, resolve};
use crate::portal::Portal;
use crate::record::{APP_ID, Life, Record, Source, Stale};
use crate::store::nothing;
use crate::value::{Packed, PropertyId, Value};

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortalError {
    /// There is no such object type.
    #[error("no object type is called {0}")]
    NoSuchObject(String),
    /// There is no such record, or it is not in the state that the action needs.
    #[error("{object} {id} is not {wanted}")]
    NoSuchRecord {
        /// The object type's name.
        object: String,
        /// The id given.
        id: u64,
        /// What it should have been: active, archived, …
        wanted: &'static str,
    },
    /// There is no such property, or it is archived.
    #[error("{object} has no property {property}")]
    NoSuchProperty {
        /// The object type's name.
        object: String,
        /// The property asked for.
        property: String,
    },
    /// There is no such option, pipeline or stage.
    #[error("there is no {what} {name}")]
    NoSuchThing {
        /// option, pipeline or stage
        what: &'static str,
        /// The name or id given.
        name: String,
    },
    /// The two types cannot be associated, or not with that type in that direction.
    #[error("association refused: {0}")]
    Association(String),
    /// Another record has this value, and no two may.
    #[error("{property} is taken by {holder}")]
    Taken {
        /// The property.
        property: String,
        /// The record that has the value.
        holder: u64,
    },
    /// A record cannot be merged with itself, nor associated with itself.
    #[error("that is one and the same record")]
    SameRecord,
}

pub(crate) type Done<T> = Result<T, PortalError>;

impl Portal {
    pub(crate) fn object(&self, name: &str) -> Done<TypeIndex> {
        resolve(&self.types, name).ok_or_else(|| PortalError::NoSuchObject(name.to_owned()))
    }

    pub(crate) fn missing(&self, kind: TypeIndex, id: u64, wanted: &'static str) -> PortalError {
        PortalError::NoSuchRecord { object: self.types[kind].name.clone(), id, wanted }
    }

    /// Turns names into numbers and values into their stored form. Emails are lower-cased, as HubSpot stores them.
    pub(crate) fn changes<V: Into<Value> + Clone>(
        &self,
        kind: TypeIndex,
        given: &[(&str, V)],
    ) -> Done<Vec<(PropertyId, Vec<u8>)>> {
        let store = &self.stores[kind];
        given
            .iter()
            .map(|(name, value)| {
                let found = store.catalogue.readable(name, true).filter(|id| store.catalogue.derived(*id).is_none());
                let id = found.ok_or_else(|| PortalError::NoSuchProperty {
                    object: self.types[kind].name.clone(),
                    property: (*name).to_owned(),
                })?;
                let mut value: Value = value.clone().into();
                if let ("email", Value::Text(text)) = (*name, &mut value) {
                    *text = text.to_lowercase();
                }
                Ok((id, value.escaped()))
            })
            .collect()
    }

    /// A person edits one record. Writing what is already there changes nothing, unless the switch says otherwise.
    pub fn edit<V: Into<Value> + Clone>(
        &mut self,
        now: Millis,
        object: &str,
        id: u64,
        changes: &[(&str, V)],
    ) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let changes = self.changes(kind, changes)?;
        self.write(kind, id, changes, Source::Crm, true)
    }

    /// HubSpot itself sets values, as calculated properties do: the modified date stays unless switched.
    pub fn recalculate<V: Into<Value> + Clone>(
        &mut self,
        now: Millis,
        object: &str,
        id: u64,
        changes: &[(&str, V)],
    ) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let changes = self.changes(kind, changes)?;
        self.write(kind, id, changes, Source::Calculated, self.settings.switches.recalculation_bumps)
    }

    /// One value for many records in one millisecond, as workflows and bulk edits do.
    pub fn bulk_edit<V: Into<Value> + Clone>(
        &mut self,
        now: Millis,
        object: &str,
        ids: &[u64],
        property: &str,
        value: V,
    ) -> Result<usize, PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let changes = self.changes(kind, &[(property, value)])?;
        let mut edited = 0;
        for id in ids {
            if self.is_active(kind, *id) {
                self.write(kind, *id, changes.clone(), Source::Crm, true)?;
                edited += 1;
            }
        }
        Ok(edited)
    }

    /// Writes values to an active record and tells the indexes.
    pub(crate) fn write(
        &mut self,
        kind: TypeIndex,
        id: u64,
        mut changes: Vec<(PropertyId, Vec<u8>)>,
        source: Source,
        bumps: bool,
    ) -> Done<()> {
        let (now, no_op_bumps) = (self.now, self.settings.switches.no_op_bumps);
        let wanted = self.missing(kind, id, "active");
        let record = self.stores[kind].records.get(&id).filter(|r| r.is_active()).ok_or(wanted)?;
        changes.retain(|(property, value)| {
            let held = record.values.get(*property);
            // Clearing what was never set is no change either.
            held != Some(value.as_slice()) && !(held.is_none() && value.is_empty())
        });
        if changes.is_empty() && !no_op_bumps {
            return Ok(());
        }
        self.refuse_taken(kind, &changes, Some(id))?;
        let wanted = self.missing(kind, id, "active");
        let record = self.stores[kind].records.get_mut(&id).ok_or(wanted)?;
        record.freeze();
        record.write(&changes, now, source);
        if bumps {
            record.updated = record.updated.max(now);
        }
        self.stores[kind].note_values(id);
        self.index_later(kind, id);
        Ok(())
    }

    fn refuse_taken(&self, kind: TypeIndex, values: &[(PropertyId, Vec<u8>)], own: Option<u64>) -> Done<()> {
        match self.stores[kind].taken(values, own) {
            None => Ok(()),
            Some((property, holder)) => {
                Err(PortalError::Taken { property: self.stores[kind].catalogue.get(property).name.clone(), holder })
            }
        }
    }

    /// A person creates a record. Seconds later HubSpot bumps its modified date once more.
    pub fn create<V: Into<Value> + Clone>(
        &mut self,
        now: Millis,
        object: &str,
        values: &[(&str, V)],
    ) -> Result<u64, PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let values = self.changes(kind, values)?;
        self.refuse_taken(kind, &values, None)?;
        let id = self.insert(kind, values, Source::Crm);
        self.associate_by_domain(kind, id);
        Ok(id)
    }

    /// Makes a record with the values given and those HubSpot fills in.
    pub(crate) fn insert(&mut self, kind: TypeIndex, mut values: Vec<(PropertyId, Vec<u8>)>, origin: Source) -> u64 {
        let id = self.stores[kind].new_id(&mut self.dice.ids);
        let catalogue = &self.stores[kind].catalogue;
        let mut fill = |name: &str, value: String| {
            if let Some(property) = catalogue.find(name)
                && !values.iter().any(|(p, _)| *p == property)
            {
                values.push((property, value.into_bytes()));
            }
        };
        fill("hs_object_source", origin.as_str().to_owned());
        fill("hs_object_source_label", origin.as_str().to_owned());
        if origin == Source::Api {
            fill("hs_object_source_id", APP_ID.to_owned());
        }
        match self.types[kind].name.as_str() {
            "contacts" => {
                fill("lifecyclestage", "lead".into());
                fill("hs_pipeline", "contacts-lifecycle-pipeline".into());
                fill("hs_all_contact_vids", id.to_string());
                fill("hs_is_contact", "true".into());
                fill("hs_is_unworked", "true".into());
                fill("hs_lifecyclestage_lead_date", self.now.to_string());
                fill("num_notes", "0".into());
            }
            "deals" => fill("pipeline", "default".into()),
            "tickets" => fill("hs_pipeline", "0".into()),
            _ => {}
        }
        if self.types[kind].name == "companies"
            && let (Some(domain), Some(website)) = (catalogue.find("domain"), catalogue.find("website"))
            && let Some((_, value)) = values.iter().find(|(p, v)| *p == domain && !v.is_empty()).cloned()
            && !values.iter().any(|(p, _)| *p == website)
        {
            values.push((website, value));
        }
        let mut record = Record::new(self.now, self.now, Packed::pack(&mut values));
        record.origin = origin;
        record.stale = Some(Box::new(Stale::Absent));
        self.stores[kind].records.insert(id, record);
        self.stores[kind].note_values(id);
        self.index_later(kind, id);
        self.bump_later(kind, id);
        id
    }

    /// HubSpot associates a new contact with the company of its email's domain, which nobody asked for. One that
    /// came with a company is left alone.
    pub(crate) fn associate_by_domain(&mut self, kind: TypeIndex, id: u64) {
        let wanted = self.settings.switches.associate_by_domain && self.types[kind].name == "contacts";
        let Some(companies) = resolve(&self.types, "companies").filter(|_| wanted) else { return };
        if !self.visible_neighbours(kind, id, companies, 0).is_empty() {
            return;
        }
        let contacts = &self.stores[kind];
        let email = contacts.catalogue.find("email").zip(contacts.records.get(&id));
        let email = email.and_then(|(property, record)| contacts.text(property, id, crate::store::Store::live(record)));
        let Some(domain) = email.as_deref().and_then(|e| e.split_once('@')).map(|(_, domain)| domain) else { return };
        let store = &self.stores[companies];
        let company = store.catalogue.find("domain").and_then(|property| store.holder(property, domain));
        if let (Some(company), Some(primary)) = (company, self.links.primary(kind, companies)) {
            // The types come from the same table that `set` reads, so it cannot refuse them.
            let set = self.links.set(kind, id, companies, company, &[primary]);
            debug_assert!(set.is_ok());
        }
    }

    /// A person moves a record to the recycling bin, which is emptied after 90 days.
    pub fn archive(&mut self, now: Millis, object: &str, id: u64) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        self.bin(kind, id)
    }

    pub(crate) fn bin(&mut self, kind: TypeIndex, id: u64) -> Done<()> {
        let (now, bumps) = (self.now, self.settings.switches.archive_bumps);
        let wanted = self.missing(kind, id, "active");
        let record = self.stores[kind].records.get_mut(&id).filter(|r| r.is_active()).ok_or(wanted)?;
        record.freeze();
        record.life = Life::Archived(now);
        if bumps {
            record.updated = record.updated.max(now);
        }
        self.index_later(kind, id);
        self.empty_bin_later(kind, id, now);
        Ok(())
    }

    /// A person takes a record out of the recycling bin: the same id, as a rule with a new modified date. Refused where
    /// another record has a value meanwhile that no two may have.
    pub fn restore(&mut self, now: Millis, object: &str, id: u64) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let (now, bumps) = (self.now, self.settings.switches.restore_bumps);
        let wanted = self.missing(kind, id, "archived");
        let archived = |r: &&Record| matches!(r.life, Life::Archived(_));
        let store = &self.stores[kind];
        let keys = store.records.get(&id).filter(archived).map(|record| store.keys(record)).ok_or(wanted)?;
        self.refuse_taken(kind, &keys, Some(id))?;
        let wanted = self.missing(kind, id, "archived");
        let record = self.stores[kind].records.get_mut(&id).ok_or(wanted)?;
        record.freeze();
        record.life = Life::Active;
        if bumps {
            record.updated = record.updated.max(now);
        }
        self.stores[kind].note_values(id);
        self.index_later(kind, id);
        Ok(())
    }

    /// Erases a record, as a privacy deletion or 90 days in the bin do: afterwards no read finds it.
    pub fn purge(&mut self, now: Millis, object: &str, id: u64) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let life = self.stores[kind].records.get(&id).map(|r| r.life);
        if !matches!(life, Some(Life::Active | Life::Archived(_))) {
            return Err(self.missing(kind, id, "active or archived"));
        }
        self.erase(kind, id);
        Ok(())
    }

    pub(crate) fn erase(&mut self, kind: TypeIndex, id: u64) {
        let Some(record) = self.stores[kind].records.get_mut(&id) else { return };
        record.freeze();
        record.life = Life::Purged;
        record.values = nothing();
        record.past = Vec::new();
        self.unlink(kind, id);
        self.index_later(kind, id);
    }

    /// Removes every association of a record.
    pub(crate) fn unlink(&mut self, kind: TypeIndex, id: u64) {
        for other in self.links.partners(kind) {
            for far in self.links.neighbours(kind, id, other, 0) {
                let removed = self.links.remove(kind, id, other, far);
                debug_assert!(removed.is_ok());
            }
        }
    }
}
