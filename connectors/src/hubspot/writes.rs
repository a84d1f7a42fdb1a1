//! Writing records, by batches of up to a hundred.
//!
//! Every input carries its trace, without which HubSpot creates all of a batch or nothing and names no input in its
//! refusal (its guide to error handling, recorded traffic). What became of each is read from the answer's body, never
//! from its status: see [`super::outcomes`].

use super::HubSpot;
use super::objects::PAGE;
use super::outcomes::accounted;
use super::parts::{Endpoint, parts};
use super::wire::Misread;
use crate::http::{Lane, Transport};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sync_core::RemoteError;
use sync_core::remote::{Outcome, WriteInput, Writing, WrittenRecord};

/// Inputs of one batch, according to HubSpot's objects guides.
pub(crate) const BATCH: usize = PAGE;

/// One input on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    /// Absent for a create.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// Only for an upsert: an update that names it is not one by record id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    /// Absent for an archive, as is the trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Values<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_write_trace_id: Option<&'a str>,
}

/// Properties as one JSON object.
struct Values<'a>(&'a [(String, String)]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'a> Input<'a> {
    fn of(how: Writing<'a>, input: &'a WriteInput) -> Self {
        let writes = how != Writing::Archive;
        Self {
            id: (how != Writing::Create).then_some(input.key.as_str()),
            id_property: if let Writing::Upsert(property) = how { Some(property) } else { None },
            properties: writes.then_some(Values(&input.properties)),
            object_write_trace_id: writes.then_some(input.trace.as_str()),
        }
    }
}

impl<T: Transport> HubSpot<T> {
    pub(crate) async fn write_records(
        &self,
        object: &str,
        how: Writing<'_>,
        inputs: &[WriteInput],
    ) -> Result<Vec<Outcome<WrittenRecord>>, RemoteError> {
        let rest = match how {
            Writing::Create => "/batch/create",
            Writing::Update => "/batch/update",
            Writing::Upsert(_) => "/batch/upsert",
            Writing::Archive => "/batch/archive",
        };
        let path = self.settings.api_version.objects(&self.address(object)?, rest);
        let by_id = matches!(how, Writing::Update | Writing::Archive);
        let to = Endpoint { lane: Lane::Window, path, by_id };
        let wire: Vec<Input<'_>> = inputs.iter().map(|input| Input::of(how, input)).collect();
        self.send(&to, parts(&wire, BATCH), |range, text| {
            let inputs = &inputs[range];
            if how == Writing::Archive && text.trim().is_empty() {
                // 204, whatever the ids were.
                let done = || Outcome::Done(WrittenRecord { record: None, created: false });
                return Ok::<_, Misread>(inputs.iter().map(|_| done()).collect());
            }
            Ok(accounted(how, inputs, self.told(text)?))
        })
        .await
    }
}
