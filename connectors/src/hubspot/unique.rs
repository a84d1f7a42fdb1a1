//! Records by a value of a property whose values are unique: the probe before a create.
//!
//! Read live, not from the index: HubSpot's search learns of a record only some time after it was made.

use super::HubSpot;
use super::types::with_always_read;
use crate::http::Transport;
use std::collections::HashSet;
use sync_core::RemoteError;
use sync_core::model::Record;

impl<T: Transport> HubSpot<T> {
    pub(crate) async fn read_by_value(
        &self,
        object: &str,
        property: &str,
        values: &[String],
        asked: &[String],
    ) -> Result<Vec<Record>, RemoteError> {
        // HubSpot keeps addresses in small letters, and refuses a batch that names one record twice.
        let same = |value: &str| if property == "email" { value.to_lowercase() } else { value.to_owned() };
        let mut seen = HashSet::with_capacity(values.len());
        let wanted = values.iter().map(String::as_str).filter(|value| !value.is_empty() && seen.insert(same(value)));
        let wanted: Vec<&str> = wanted.collect();
        let mut properties = with_always_read(object, asked);
        if !properties.iter().any(|name| name == property) {
            properties.push(property.to_owned());
        }
        let path = self.settings.api_version.objects(&self.address(object)?, "/batch/read");
        let first = self.read_batches(&path, Some(property), &wanted, &properties).await?;
        let held = first.records.iter().filter_map(|record| record.properties.get(property));
        let held: HashSet<String> = held.map(|value| same(&value)).collect();
        // HubSpot may leave one out of an otherwise good answer without a word: ask about it once more.
        let silent = |value: &&str| !held.contains(&same(value)) && !first.named_by_error(value);
        let silent: Vec<&str> = wanted.into_iter().filter(silent).collect();
        let mut records = first.records;
        if !silent.is_empty() {
            records.extend(self.read_batches(&path, Some(property), &silent, &properties).await?.records);
        }
        // A contact is found by any of its addresses, and so perhaps twice.
        let mut found = HashSet::with_capacity(records.len());
        records.retain(|record| found.insert(record.id.clone()));
        Ok(records)
    }
}
