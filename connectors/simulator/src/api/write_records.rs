//! Writing one record: create, update, archive, merge, and erase for good.

use serde::Deserialize;

use crate::api::batch::body;
use crate::faults::FaultKind;
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::routes::decode_part;
use crate::switches::UnknownArchive;
use crate::writing::bodies::{Input, Properties, Text};
use crate::writing::outcome::{Done, Shown};
use crate::writing::prepare::{Prepared, Refused};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergeBody {
    primary_object_id: Text,
    object_id_to_merge: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForgetBody {
    object_id: Text,
    id_property: Option<String>,
}

impl Portal {
    /// `POST …/{type}`
    pub(crate) fn create_record(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let input: Input = body(call.body)?;
        let prepared = self.prepare_new(kind, &input, call.parsed.enforcing);
        let prepared = prepared.map_err(|refused| self.problem(kind, refused))?;
        let id = self.apply_create(kind, &prepared);
        let trace = input.object_write_trace_id;
        Ok(self.done(call, kind, 201, &Done { id, shown: Shown::New, warnings: prepared.warnings, trace }))
    }

    /// Reads the values and associations of a new record.
    pub(crate) fn prepare_new(&self, kind: TypeIndex, input: &Input, enforcing: bool) -> Result<Prepared, Refused> {
        let nothing = Properties::new();
        let given = input.properties.as_ref().unwrap_or(&nothing);
        let mut prepared = self.prepare(kind, given, None, enforcing)?;
        let links = input.associations.as_deref().unwrap_or_default();
        prepared.links = self.plan_links(kind, links).map_err(Refused::Whole)?;
        if self.types[kind].name == "leads" && links.is_empty() && self.settings.switches.required_on_create {
            let words = "A lead must be associated with a contact or a company";
            return Err(Refused::Whole(Problem::invalid(words)));
        }
        Ok(prepared)
    }

    /// `PATCH …/{type}/{id}`: the id of a record that was merged away leads to its survivor.
    pub(crate) fn update_record(&mut self, call: &Call<'_>, asked: &str, id: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let input: Input = body(call.body)?;
        let given = decode_part(id);
        let id = match call.parsed.param("idProperty") {
            None | Some("" | "hs_object_id") => given.parse::<u64>().map_err(|_| Problem::not_numeric(&given))?,
            Some(key) => self.by_key(kind, key, &given)?.ok_or_else(Problem::not_found)?,
        };
        let survivor = self.stores[kind].survivor(id).filter(|id| self.is_active(kind, *id));
        let id = survivor.ok_or_else(Problem::not_found)?;
        let properties = input.properties.filter(|given| !given.is_empty());
        let properties = properties
            .ok_or_else(|| Problem::invalid("No properties found to update, please provide at least one."))?;
        let refuses = call.spoil == Some(FaultKind::RefuseSilently) || self.refuses_silently();
        let made = self.prepare(kind, &properties, Some(id), call.parsed.enforcing).and_then(|mut prepared| {
            if refuses {
                prepared.changes.clear();
            }
            self.apply_update(kind, id, &prepared)?;
            Ok(prepared)
        });
        let prepared = made.map_err(|refused| self.problem(kind, refused))?;
        let (shown, trace) = (Shown::Given(prepared.asked), input.object_write_trace_id);
        Ok(self.done(call, kind, 200, &Done { id, shown, warnings: prepared.warnings, trace }))
    }

    /// `DELETE …/{type}/{id}`
    pub(crate) fn archive_record(&mut self, asked: &str, id: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let given = decode_part(id);
        if given.parse::<u64>().is_err() {
            return Err(Problem::not_numeric(&given));
        }
        if !self.apply_archive(kind, &given) && self.settings.switches.unknown_archive == UnknownArchive::NotFound {
            return Err(Problem::not_found());
        }
        Ok(Answer::nothing())
    }

    /// `POST …/{type}/merge`
    pub(crate) fn merge_by_api(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let body: MergeBody = body(call.body)?;
        let id = |given: Text| {
            let given = given.into_string();
            let id = given.parse::<u64>().ok().filter(|id| self.is_active(kind, *id));
            id.ok_or_else(|| Problem::invalid(format!("Object {given} does not exist or cannot be merged")))
        };
        let (primary, other) = (id(body.primary_object_id)?, id(body.object_id_to_merge)?);
        if primary == other {
            return Err(Problem::invalid(format!("Cannot merge object {primary} with itself")));
        }
        if self.merges_too_much(kind, primary, other) {
            return Err(Problem::too_many_identities());
        }
        let id = self.merge_records(kind, primary, other);
        Ok(self.done(call, kind, 200, &Done { id, shown: Shown::New, warnings: Vec::new(), trace: None }))
    }

    /// `POST …/contacts/gdpr-delete`: erased for good. An address that no contact has is only block-listed.
    pub(crate) fn forget_record(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        if self.types[kind].name != "contacts" {
            return Err(Problem::invalid(format!("GDPR deletion is not supported for {}", self.types[kind].name)));
        }
        let body: ForgetBody = body(call.body)?;
        let given = body.object_id.into_string();
        let found = match body.id_property.as_deref() {
            None | Some("" | "hs_object_id") => Some(given.parse::<u64>().map_err(|_| Problem::not_numeric(&given))?),
            Some(key) => self.by_key(kind, key, &given)?,
        };
        let by_id = body.id_property.is_none();
        match found.and_then(|id| self.stores[kind].survivor(id)) {
            Some(id) => self.erase(kind, id),
            None if by_id => return Err(Problem::not_found()),
            None => {}
        }
        Ok(Answer::nothing())
    }

    fn done(&self, call: &Call<'_>, kind: TypeIndex, status: u16, done: &Done) -> Answer {
        let mut j = Json::with_capacity(1_000);
        self.write_done(&mut j, kind, done, &call.parsed);
        Answer { status, body: j.out }
    }
}
