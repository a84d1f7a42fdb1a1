//! Writing associations: of one pair, of up to two thousand pairs, and new labels for a pair of types.

use serde::Deserialize;

use crate::api::batch::{at_most, body};
use crate::api::records::write_batch_times;
use crate::faults::FaultKind;
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::routes::decode_part;
use crate::write_routes::Pair;
use crate::writing::bodies::{Batch, LinkType, PairInput, UnlinkInput};
use crate::writing::links::End;
use crate::writing::log::TypeOfLink;

/// The most inputs of a batch of associations.
const INPUTS: usize = 2_000;
/// The most labels of a pair of types.
const LABELS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelBody {
    label: String,
    name: String,
    inverse_label: Option<String>,
}

impl Portal {
    /// `PUT …/{type}/{id}/associations/{to}/{toId}`: these types and no others.
    pub(crate) fn label_pair(&mut self, call: &Call<'_>, pair: Pair<'_>) -> Result<Answer, Problem> {
        let given: Vec<LinkType> = body(call.body)?;
        let (near, far) = self.ends_of(pair)?;
        let types = self.some_types(near.0, far.0, &given)?;
        self.apply_labels(near, far, &types);
        let mut j = Json::with_capacity(200);
        self.write_labelled(&mut j, near, far, &types);
        Ok(Answer { status: 201, body: j.out })
    }

    /// `PUT …/{type}/{id}/associations/default/{to}/{toId}`
    pub(crate) fn link_pair(&mut self, pair: Pair<'_>) -> Result<Answer, Problem> {
        let (near, far) = self.ends_of(pair)?;
        let plain = self.link_plainly(near, far)?;
        let mut j = Json::with_capacity(400);
        j.raw("{\"status\":\"COMPLETE\",\"results\":[");
        self.write_linked(&mut j, near, far, plain);
        j.raw("]");
        write_batch_times(&mut j, self.now);
        Ok(Answer::ok(j.out))
    }

    /// `DELETE …/{type}/{id}/associations/{to}/{toId}`
    pub(crate) fn unlink_pair(&mut self, pair: Pair<'_>) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(pair.from)?, self.kind(pair.to)?);
        let id = |given: &str| {
            let given = decode_part(given);
            given.parse::<u64>().map_err(|_| Problem::not_numeric(&given))
        };
        let (near, far) = ((from, id(pair.from_id)?), (to, id(pair.to_id)?));
        self.apply_unlink(near, far);
        Ok(Answer::nothing())
    }

    /// `POST …/{from}/{to}/batch/create`
    pub(crate) fn batch_label(&mut self, call: &Call<'_>, from: &str, to: &str) -> Result<Answer, Problem> {
        let status = if call.parsed.enforcing { 200 } else { 201 };
        self.batch_pairs(call, from, to, status, |portal, near, far, given| {
            let types = portal.some_types(near.0, far.0, given)?;
            portal.apply_labels(near, far, &types);
            let mut j = Json::default();
            portal.write_labelled(&mut j, near, far, &types);
            Ok(j.out)
        })
    }

    /// `POST …/{from}/{to}/batch/associate/default`
    pub(crate) fn batch_link(&mut self, call: &Call<'_>, from: &str, to: &str) -> Result<Answer, Problem> {
        self.batch_pairs(call, from, to, 200, |portal, near, far, _| {
            let plain = portal.link_plainly(near, far)?;
            let mut j = Json::default();
            portal.write_linked(&mut j, near, far, plain);
            Ok(j.out)
        })
    }

    /// Carries out a batch pair by pair: what fails becomes an item of `errors`.
    fn batch_pairs(
        &mut self,
        call: &Call<'_>,
        from: &str,
        to: &str,
        status: u16,
        one: impl Fn(&mut Self, End, End, &[LinkType]) -> Result<Vec<u8>, Problem>,
    ) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let body: Batch<PairInput> = body(call.body)?;
        at_most(INPUTS, body.inputs.len())?;
        let spoilt = body.inputs.len().div_ceil(10);
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for (n, input) in body.inputs.into_iter().enumerate() {
            let spoil = call.spoil.as_ref().filter(|_| n < spoilt);
            let (near, far) = (input.from.id.into_string(), input.to.id.into_string());
            let done = match spoil {
                Some(FaultKind::Ignore) => continue,
                Some(FaultKind::FailItems) => Err(Problem::internal_item()),
                _ => self.both_ends((from, &near), (to, &far)).and_then(|(n, f)| one(self, n, f, &input.types)),
            };
            match done {
                Ok(_) if spoil == Some(&FaultKind::Omit) => {}
                Ok(result) => results.push(result),
                Err(problem) => errors.push(problem),
            }
        }
        self.dice.written.shuffle(&mut results);
        let mut j = Json::with_capacity(140 * results.len() + 200);
        j.raw("{\"status\":\"COMPLETE\",\"results\":[");
        j.out.extend(results.join(&b','));
        j.raw("]");
        if !errors.is_empty() {
            j.raw(",\"numErrors\":").number(errors.len() as i64).raw(",\"errors\":[");
            for (n, problem) in errors.iter().enumerate() {
                j.raw(if n > 0 { "," } else { "" });
                problem.write_item(&mut j);
            }
            j.raw("]");
        }
        write_batch_times(&mut j, self.now);
        let whole = errors.is_empty() && call.spoil != Some(FaultKind::MultiStatus);
        Ok(Answer { status: if whole { status } else { 207 }, body: j.out })
    }

    /// `POST …/{from}/{to}/batch/archive`: whatever is not there is gone already.
    pub(crate) fn batch_unlink(&mut self, call: &Call<'_>, from: &str, to: &str) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let body: Batch<UnlinkInput> = body(call.body)?;
        at_most(INPUTS, body.inputs.len())?;
        let ignored = if call.spoil == Some(FaultKind::Ignore) { body.inputs.len().div_ceil(10) } else { 0 };
        for input in body.inputs.into_iter().skip(ignored) {
            let Ok(near) = input.from.id.into_string().parse::<u64>() else { continue };
            for far in input.to {
                if let Ok(far) = far.id.into_string().parse::<u64>() {
                    self.apply_unlink((from, near), (to, far));
                }
            }
        }
        if !(call.parsed.enforcing && self.settings.switches.removal_body) {
            return Ok(Answer::nothing());
        }
        let mut j = Json::with_capacity(120);
        j.raw("{\"status\":\"COMPLETE\",\"results\":[]");
        write_batch_times(&mut j, self.now);
        Ok(Answer::ok(j.out))
    }

    /// `POST …/{from}/{to}/batch/labels/archive`: only these types, but all of them with the unlabeled one.
    pub(crate) fn batch_unlabel(&mut self, call: &Call<'_>, from: &str, to: &str) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let body: Batch<PairInput> = body(call.body)?;
        at_most(INPUTS, body.inputs.len())?;
        let mut planned = Vec::with_capacity(body.inputs.len());
        for input in body.inputs {
            planned.push((self.some_types(from, to, &input.types)?, input));
        }
        for (types, input) in planned {
            let (near, far) = (input.from.id.into_string(), input.to.id.into_string());
            if let (Ok(near), Ok(far)) = (near.parse::<u64>(), far.parse::<u64>()) {
                self.apply_unlabel((from, near), (to, far), &types);
            }
        }
        Ok(Answer::nothing())
    }

    /// `POST …/{from}/{to}/labels`: two labels make a pair with a type id in each direction.
    pub(crate) fn new_label(&mut self, call: &Call<'_>, from: &str, to: &str) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let body: LabelBody = body(call.body)?;
        if body.name.trim().is_empty() || body.label.trim().is_empty() {
            return Err(Problem::invalid("Some required fields were not set: [label, name]"));
        }
        let own = self.links.types(from, to);
        let own = own.iter().filter(|facing| facing.category == crate::Category::UserDefined && facing.label.is_some());
        let (count, known) = own
            .fold((0, false), |(count, known), facing| (count + 1, known || facing.label == Some(body.label.as_str())));
        if known {
            return Err(Problem::exists_already(format!("Association label {} already exists", body.label)));
        }
        if count >= LABELS {
            return Err(Problem::invalid(format!("The limit of {LABELS} labels for a pair of objects was reached")));
        }
        let made = self.links.define_label(from, to, &body.label, body.inverse_label.as_deref());
        let type_id = made.map_err(|error| Problem::invalid(error.to_string()))?;
        let mut j = Json::with_capacity(200);
        j.raw("{\"results\":[{\"category\":\"USER_DEFINED\",\"typeId\":").number(type_id);
        j.raw(",").key("label").string(&body.label).raw("}");
        if let Some(inverse) = &body.inverse_label {
            j.raw(",{\"category\":\"USER_DEFINED\",\"typeId\":").number(type_id + 1);
            j.raw(",").key("label").string(inverse).raw("}");
        }
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }

    fn ends_of(&self, pair: Pair<'_>) -> Result<(End, End), Problem> {
        let (from, to) = (self.kind(pair.from)?, self.kind(pair.to)?);
        self.both_ends((from, &decode_part(pair.from_id)), (to, &decode_part(pair.to_id)))
    }

    /// The types given for a direction: one at least.
    fn some_types(&self, from: TypeIndex, to: TypeIndex, given: &[LinkType]) -> Result<Vec<TypeOfLink>, Problem> {
        if given.is_empty() {
            return Err(Problem::invalid("One or more associations are invalid"));
        }
        self.link_types(from, to, given)
    }

    /// Associates a pair without a label; labels that it has stay. Returns the unlabeled type.
    fn link_plainly(&mut self, near: End, far: End) -> Result<TypeOfLink, Problem> {
        let plain = self.links.unlabeled(near.0, far.0);
        let plain = plain.ok_or_else(|| Problem::invalid("One or more associations are invalid"))?;
        if self.links.marks(near.0, near.1, far.0, far.1).is_empty() {
            self.apply_labels(near, far, &[plain]);
        }
        Ok(plain)
    }

    /// The labels of a pair, as recorded: ids are numbers, types go by their ids.
    fn write_labelled(&self, j: &mut Json, near: End, far: End, types: &[TypeOfLink]) {
        let marks = self.links.marks(near.0, near.1, far.0, far.1);
        let asked = marks.iter().filter(|m| types.contains(&(m.category, m.type_id)));
        let labels: Vec<&str> = asked.filter_map(|m| m.label).collect();
        j.raw("{").key("fromObjectTypeId").string(&self.types[near.0].id);
        j.raw(",").key("fromObjectId").number(near.1);
        j.raw(",").key("toObjectTypeId").string(&self.types[far.0].id);
        j.raw(",").key("toObjectId").number(far.1).raw(",").key("labels").strings(labels).raw("}");
    }

    fn write_linked(&self, j: &mut Json, near: End, far: End, (category, type_id): TypeOfLink) {
        j.raw("{").key("from").raw("{").key("id").string(&near.1.to_string());
        j.raw("},").key("to").raw("{").key("id").string(&far.1.to_string());
        j.raw("},").key("associationSpec").raw("{").key("associationCategory").string(category.as_str());
        j.raw(",").key("associationTypeId").number(type_id).raw("}}");
    }
}
