//! Associations, read: of one record, of up to a thousand records, and the types a direction has.
//!
//! Record ids of the far side are JSON numbers, those of the near side strings. A record without associations is an error
//! item, not an empty list.

use serde::Deserialize;

use crate::api::batch::body;
use crate::api::records::{write_batch_times, write_paging};
use crate::json::Json;
use crate::links::Facing;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::{Problem, write_context};
use crate::routes::{decode, decode_part};
use crate::writing::bodies::Text;

const INPUTS: usize = 1_000;
const PAGE: usize = 500;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    id: Text,
    after: Option<String>,
}

/// What a batch read found for one input.
enum Found {
    Page { others: Vec<u64>, next: Option<u64> },
    Nothing,
    NoId,
}

impl Portal {
    /// The associated records that can be seen: archived ends are hidden.
    pub(crate) fn visible_neighbours(&self, from: TypeIndex, id: u64, to: TypeIndex, after: u64) -> Vec<u64> {
        let mut others = self.links.neighbours(from, id, to, after);
        others.retain(|other| self.is_active(to, *other));
        others
    }

    /// Whether a record is there and not archived.
    pub(crate) fn is_active(&self, kind: TypeIndex, id: u64) -> bool {
        self.stores[kind].records.get(&id).is_some_and(crate::record::Record::is_active)
    }

    /// `GET …/{type}/{id}/associations/{to}`
    pub(crate) fn associations_of(
        &mut self,
        call: &Call<'_>,
        from: &str,
        id: &str,
        to: &str,
    ) -> Result<Answer, Problem> {
        let (from, to_index) = (self.kind(from)?, self.kind(to)?);
        let limit = call.parsed.limit(PAGE, PAGE)?;
        let given = decode_part(id);
        let id = given.parse::<u64>().map_err(|_| Problem::not_numeric(&given))?;
        let id =
            self.stores[from].survivor(id).filter(|id| self.is_active(from, *id)).ok_or_else(Problem::not_found)?;
        let after = match call.parsed.param("after") {
            None | Some("") => 0,
            Some(token) => read_token(token).ok_or_else(|| Problem::invalid("Invalid value for 'after'"))?,
        };
        let others = self.visible_neighbours(from, id, to_index, after);
        let mut j = Json::with_capacity(120 * others.len().min(limit) + 100);
        j.raw("{\"results\":");
        self.write_page(&mut j, from, id, to_index, &others[..others.len().min(limit)]);
        if let Some(next) = others.get(limit) {
            write_paging(&mut j, &token(&self.types[to_index].id, *next), to);
        }
        j.raw("}");
        Ok(Answer::ok(j.out))
    }

    /// `POST /crm/associations/…/{from}/{to}/batch/read`
    pub(crate) fn association_batch_read(&mut self, call: &Call<'_>, from: &str, to: &str) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let body: Body = body(call.body)?;
        if body.inputs.len() > INPUTS {
            let words = format!("The number of inputs exceeds the maximum of {INPUTS}: {}", body.inputs.len());
            return Err(Problem::invalid(words));
        }
        let mut found: Vec<(String, Found)> = Vec::with_capacity(body.inputs.len());
        for input in body.inputs {
            let id = input.id.into_string();
            let outcome = self.page_of(from, &id, to, input.after.as_deref())?;
            found.push((id, outcome));
        }
        self.dice.order.shuffle(&mut found);
        let mut j = Json::with_capacity(200 * found.len() + 200);
        j.raw("{\"status\":\"COMPLETE\",\"results\":[");
        let mut comma = "";
        for (id, outcome) in &found {
            let (Found::Page { others, next }, Ok(number)) = (outcome, id.parse::<u64>()) else { continue };
            j.raw(comma).raw("{\"from\":{\"id\":").string(id).raw("},\"to\":");
            self.write_page(&mut j, from, number, to, others);
            if let Some(next) = next {
                write_paging(&mut j, &token(&self.types[to].id, *next), &self.types[to].name);
            }
            j.raw("}");
            comma = ",";
        }
        j.raw("]");
        let errors = self.write_empty(&mut j, from, to, &found);
        write_batch_times(&mut j, self.now);
        let status = if errors > 0 && self.settings.switches.associations_multi_status { 207 } else { 200 };
        Ok(Answer { status, body: j.out })
    }

    fn page_of(&self, from: TypeIndex, id: &str, to: TypeIndex, after: Option<&str>) -> Result<Found, Problem> {
        let Ok(number) = id.parse::<u64>() else { return Ok(Found::NoId) };
        let after = match after {
            None | Some("") => 0,
            Some(token) => read_token(token).ok_or_else(|| Problem::invalid("Invalid value for 'after'"))?,
        };
        if !self.is_active(from, number) {
            return Ok(Found::Nothing);
        }
        let mut others = self.visible_neighbours(from, number, to, after);
        if others.is_empty() {
            return Ok(Found::Nothing);
        }
        let page = self.settings.switches.associations_page.max(1);
        let next = others.get(page).copied();
        others.truncate(page);
        Ok(Found::Page { others, next })
    }

    fn write_page(&self, j: &mut Json, from: TypeIndex, id: u64, to: TypeIndex, others: &[u64]) {
        j.raw("[");
        for (n, other) in others.iter().enumerate() {
            j.raw(if n > 0 { ",{\"toObjectId\":" } else { "{\"toObjectId\":" }).number(*other);
            j.raw(",\"associationTypes\":[");
            for (m, facing) in self.links.marks(from, id, to, *other).iter().enumerate() {
                j.raw(if m > 0 { "," } else { "" });
                write_type(j, facing);
            }
            j.raw("]}");
        }
        j.raw("]");
    }

    /// Writes an error item for each input without associations, and returns how many there were.
    fn write_empty(&self, j: &mut Json, from: TypeIndex, to: TypeIndex, found: &[(String, Found)]) -> usize {
        let empty: Vec<_> = found.iter().filter(|(_, f)| !matches!(f, Found::Page { .. })).collect();
        if empty.is_empty() {
            return 0;
        }
        j.raw(",\"numErrors\":").number(empty.len() as i64).raw(",\"errors\":[");
        let (near, far) = (&self.types[from].singular, &self.types[to].singular);
        for (n, (id, outcome)) in empty.iter().enumerate() {
            j.raw(if n > 0 { ",{" } else { "{" }).key("status").string("error");
            if matches!(outcome, Found::NoId) {
                j.raw(",").key("category").string("VALIDATION_ERROR");
                j.raw(",").key("subCategory").string("crm.associations.INVALID_IDENTIFIER");
                j.raw(",").key("message").string(&format!("{id} is not a valid ID"));
            } else {
                j.raw(",").key("category").string("OBJECT_NOT_FOUND");
                j.raw(",").key("subCategory").string("crm.associations.NO_ASSOCIATIONS_FOUND");
                j.raw(",").key("message").string(&format!("No {far} is associated with {near} {id}."));
                let context = [
                    ("fromObjectId", vec![id.clone()]),
                    ("fromObjectType", vec![near.clone()]),
                    ("toObjectType", vec![far.clone()]),
                ];
                write_context(j, &context);
            }
            j.raw("}");
        }
        j.raw("]");
        empty.len()
    }

    /// `GET /crm/associations/…/{from}/{to}/labels`
    pub(crate) fn association_labels(&mut self, from: &str, to: &str) -> Result<Answer, Problem> {
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let mut j = Json::with_capacity(400);
        j.raw("{\"results\":[");
        for (n, facing) in self.links.types(from, to).iter().enumerate() {
            j.raw(if n > 0 { "," } else { "" });
            write_type(&mut j, facing);
        }
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }
}

fn write_type(j: &mut Json, facing: &Facing<'_>) {
    j.raw("{\"category\":").string(facing.category.as_str()).raw(",\"typeId\":").number(facing.type_id);
    j.raw(",\"label\":").optional(facing.label).raw("}");
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The paging token: base64 of type and record id, with its padding percent-escaped.
fn token(type_id: &str, next: u64) -> String {
    let plain = format!("{type_id}-{next}");
    let mut out = String::new();
    for chunk in plain.as_bytes().chunks(3) {
        let bits = (u32::from(chunk[0]) << 16)
            | (u32::from(chunk.get(1).copied().unwrap_or(0)) << 8)
            | u32::from(chunk.get(2).copied().unwrap_or(0));
        for n in 0..4 {
            if n <= chunk.len() {
                out.push(char::from(ALPHABET[(bits >> (18 - 6 * n)) as usize & 63]));
            } else {
                out.push_str("%3D");
            }
        }
    }
    out
}

/// The record id in a token, escaped or not.
fn read_token(token: &str) -> Option<u64> {
    let token = decode(token);
    let mut bits = 0_u32;
    let mut held = 0;
    let mut plain = Vec::new();
    for byte in token.bytes().filter(|b| *b != b'=') {
        bits = (bits << 6) | ALPHABET.iter().position(|a| *a == byte)? as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            plain.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    String::from_utf8(plain).ok()?.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paging_token_is_the_documented_one() {
        assert_eq!(token("0-2", 1_597_400_658), "MC0yLTE1OTc0MDA2NTg%3D");
        assert_eq!(read_token("MC0yLTE1OTc0MDA2NTg%3D"), Some(1_597_400_658));
        assert_eq!(read_token("MC0yLTE1OTc0MDA2NTg="), Some(1_597_400_658));
    }
}
