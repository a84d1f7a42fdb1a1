//! Property definitions: all of a type at once, without paging; the sensitive ones only for those who ask.

use crate::catalogue::{Property, Sensitivity};
use crate::json::Json;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;

impl Portal {
    /// `GET …/properties/{type}`
    pub(crate) fn properties(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let wanted = match call.parsed.param("dataSensitivity") {
            None | Some("" | "non_sensitive") => Sensitivity::Ordinary,
            Some("sensitive") => Sensitivity::Sensitive,
            Some("highly_sensitive") => Sensitivity::HighlySensitive,
            Some(other) => return Err(Problem::invalid(format!("Unknown dataSensitivity: {other}"))),
        };
        let archived = call.parsed.flag("archived");
        let mut j = Json::with_capacity(60_000);
        j.raw("{\"results\":[");
        let mut comma = "";
        let shown =
            |p: &Property| p.archived.is_some() == archived && p.sensitivity == wanted && p.shown_from <= self.now;
        for (id, property) in self.stores[kind].catalogue.iter().filter(|(_, p)| shown(p)) {
            j.raw(comma);
            property.write_json(&mut j, usize::from(id));
            comma = ",";
        }
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }

    /// `GET …/properties/{type}/{name}`
    pub(crate) fn property(&mut self, call: &Call<'_>, asked: &str, name: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let archived = call.parsed.flag("archived");
        let catalogue = &self.stores[kind].catalogue;
        let shown = |p: &Property| p.archived.is_some() == archived && p.shown_from <= self.now;
        let found = catalogue.find(name).filter(|id| shown(catalogue.get(*id)));
        let id = found.ok_or_else(|| {
            Problem::object_not_found(format!("Property {name} does not exist for {}", self.types[kind].id))
        })?;
        let mut j = Json::with_capacity(900);
        catalogue.get(id).write_json(&mut j, usize::from(id));
        Ok(Answer::ok(j.out))
    }

    /// `GET …/properties/{type}/groups`
    pub(crate) fn property_groups(&mut self, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let names = self.stores[kind].catalogue.groups();
        let mut j = Json::with_capacity(300);
        j.raw("{\"results\":[");
        for (n, name) in names.iter().enumerate() {
            j.raw(if n > 0 { ",{" } else { "{" }).key("name").string(name).raw(",").key("label").string(name);
            j.raw(",\"displayOrder\":").number(n as i64).raw(",\"archived\":false}");
        }
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }
}
