//! Pipelines with their stages, and owners in two passes: those who are there and those who have left.

use crate::Millis;
use crate::api::records::write_paging;
use crate::json::Json;
use crate::owners::Owner;
use crate::pipelines::{Pipeline, Stage};
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;

const OWNERS_DEFAULT: usize = 100;
const OWNERS_MAX: usize = 500;

impl Portal {
    /// `GET …/pipelines/{type}`
    pub(crate) fn pipelines_of(&mut self, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let mut j = Json::with_capacity(4_000);
        j.raw("{\"results\":[");
        let mut comma = "";
        for (_, pipeline) in self.pipelines.iter().filter(|(k, p)| *k == kind && p.archived.is_none()) {
            j.raw(comma);
            write_pipeline(&mut j, pipeline);
            comma = ",";
        }
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }

    /// `GET …/pipelines/{type}/{id}`
    pub(crate) fn pipeline(&mut self, asked: &str, id: &str) -> Result<Answer, Problem> {
        let mut j = Json::with_capacity(2_000);
        write_pipeline(&mut j, self.find_pipeline(asked, id)?);
        Ok(Answer::ok(j.out))
    }

    /// `GET …/pipelines/{type}/{id}/stages`
    pub(crate) fn stages(&mut self, asked: &str, id: &str) -> Result<Answer, Problem> {
        let mut j = Json::with_capacity(2_000);
        j.raw("{\"results\":[");
        write_stages(&mut j, self.find_pipeline(asked, id)?);
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }

    fn find_pipeline(&self, asked: &str, id: &str) -> Result<&Pipeline, Problem> {
        let kind = self.kind(asked)?;
        let found = self.pipelines.iter().find(|(k, p)| *k == kind && p.id == id).map(|(_, p)| p);
        found.ok_or_else(|| Problem::object_not_found(format!("Pipeline {id} does not exist")))
    }

    /// `GET …/owners`
    pub(crate) fn list_owners(&mut self, call: &Call<'_>) -> Result<Answer, Problem> {
        let limit = call.parsed.limit(OWNERS_DEFAULT, OWNERS_MAX)?;
        let after = match call.parsed.param("after") {
            None | Some("") => 0,
            Some(text) => {
                text.parse::<u64>().map_err(|_| Problem::invalid(format!("Invalid value for 'after': {text}")))?
            }
        };
        let archived = call.parsed.flag("archived");
        let email = call.parsed.param("email");
        let mut rows: Vec<&Owner> = self
            .owners
            .iter()
            .filter(|o| {
                o.archived == archived && o.id >= after && email.is_none_or(|e| o.email.eq_ignore_ascii_case(e))
            })
            .collect();
        rows.sort_by_key(|o| o.id);
        let mut j = Json::with_capacity(300 * rows.len().min(limit) + 100);
        j.raw("{\"results\":[");
        for (n, owner) in rows.iter().take(limit).enumerate() {
            j.raw(if n > 0 { "," } else { "" });
            write_owner(&mut j, owner);
        }
        j.raw("]");
        if let Some(next) = rows.get(limit) {
            write_paging(&mut j, &next.id.to_string(), "owners");
        }
        j.raw("}");
        Ok(Answer::ok(j.out))
    }

    /// `GET …/owners/{id}`
    pub(crate) fn owner(&mut self, call: &Call<'_>, id: &str) -> Result<Answer, Problem> {
        let archived = call.parsed.flag("archived");
        let by_user = call.parsed.param("idProperty").is_some_and(|p| p.eq_ignore_ascii_case("userId"));
        let number: u64 = id.parse().map_err(|_| Problem::not_numeric(id))?;
        let found = self
            .owners
            .iter()
            .find(|o| o.archived == archived && number == (if by_user { o.user_id } else { o.id }))
            .ok_or_else(Problem::not_found)?;
        let mut j = Json::with_capacity(400);
        write_owner(&mut j, found);
        Ok(Answer::ok(j.out))
    }
}

fn write_pipeline(j: &mut Json, p: &Pipeline) {
    j.raw("{").key("label").string(&p.label).raw(",").key("displayOrder").number(p.order);
    j.raw(",").key("id").string(&p.id).raw(",").key("stages").raw("[");
    write_stages(j, p);
    j.raw("]");
    write_dates(j, p.created, p.updated, p.archived);
    j.raw("}");
}

fn write_stages(j: &mut Json, p: &Pipeline) {
    let mut comma = "";
    for stage in p.stages.iter().filter(|s| s.archived.is_none()) {
        j.raw(comma);
        write_stage(j, stage);
        comma = ",";
    }
}

fn write_stage(j: &mut Json, s: &Stage) {
    j.raw("{").key("label").string(&s.label).raw(",").key("displayOrder").number(s.order);
    j.raw(",").key("metadata").raw("{");
    for (n, (key, value)) in s.metadata.iter().enumerate() {
        j.raw(if n > 0 { "," } else { "" }).key(key).string(value);
    }
    j.raw("},").key("id").string(&s.id);
    write_dates(j, s.created, s.updated, s.archived);
    j.raw(",").key("writePermissions").string("CRM_PERMISSIONS_ENFORCEMENT").raw("}");
}

fn write_dates(j: &mut Json, created: Millis, updated: Millis, archived: Option<Millis>) {
    j.raw(",").key("createdAt").time(created).raw(",").key("updatedAt").time(updated);
    j.raw(",").key("archived").boolean(archived.is_some());
    if let Some(at) = archived {
        j.raw(",").key("archivedAt").time(at);
    }
}

fn write_owner(j: &mut Json, o: &Owner) {
    j.raw("{").key("id").string(&o.id.to_string()).raw(",").key("email").string(&o.email);
    j.raw(",").key("type").string(if o.queue { "QUEUE" } else { "PERSON" });
    j.raw(",").key("firstName").string(&o.first).raw(",").key("lastName").string(&o.last);
    if o.archived {
        j.raw(",\"userId\":null");
    } else {
        j.raw(",").key("userId").number(o.user_id);
    }
    j.raw(",").key("userIdIncludingInactive").number(o.user_id);
    j.raw(",").key("createdAt").time(o.created).raw(",").key("updatedAt").time(o.updated);
    j.raw(",").key("archived").boolean(o.archived);
    if !o.archived && !o.queue {
        j.raw(",").key("teams").raw("[{\"id\":\"178588\",\"name\":\"Sales\",\"primary\":true}]");
    }
    j.raw("}");
}
