//! Schemas of custom objects. A subscription without custom objects answers 403, which is no fault of the client.

use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::routes::Family;

impl Portal {
    /// `GET /crm-object-schemas/…/schemas`
    pub(crate) fn schemas(&mut self, call: &Call<'_>) -> Result<Answer, Problem> {
        if !self.settings.tier.has_custom_objects() {
            let scopes = vec!["custom-object-read".to_owned()];
            return Err(Problem::missing_scopes(scopes, call.parsed.family == Family::Dated));
        }
        let mut j = Json::with_capacity(4_000);
        j.raw("{\"results\":[");
        if !call.parsed.flag("archived") {
            let mut comma = "";
            for kind in 0..self.types.len() {
                if self.types[kind].custom {
                    j.raw(comma);
                    self.write_schema(&mut j, kind);
                    comma = ",";
                }
            }
        }
        j.raw("]}");
        Ok(Answer::ok(j.out))
    }

    /// `GET /crm-object-schemas/…/schemas/{type}`
    pub(crate) fn schema(&mut self, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let mut j = Json::with_capacity(4_000);
        self.write_schema(&mut j, kind);
        Ok(Answer::ok(j.out))
    }

    fn write_schema(&self, j: &mut Json, kind: TypeIndex) {
        let object = &self.types[kind];
        let plain = object.name.split_once('_').map_or(object.name.as_str(), |(_, name)| name);
        let (singular, plural) = if object.custom {
            (title(plain), title(&format!("{plain}s")))
        } else {
            (title(&object.singular), title(&object.name))
        };
        let primary = object.searchable.first().copied().unwrap_or("hs_object_id");
        let born = self.settings.start - 4 * 365 * crate::clock::DAY;
        j.raw("{").key("id").string(&object.id).raw(",").key("objectTypeId").string(&object.id);
        j.raw(",").key("fullyQualifiedName").string(&object.name);
        j.raw(",").key("name").string(if object.custom { plain } else { &object.name });
        j.raw(",")
            .key("labels")
            .raw("{")
            .key("singular")
            .string(&singular)
            .raw(",")
            .key("plural")
            .string(&plural)
            .raw("}");
        j.raw(",").key("primaryDisplayProperty").string(primary).raw(",\"secondaryDisplayProperties\":[]");
        j.raw(",").key("searchableProperties").strings(object.searchable);
        j.raw(",").key("requiredProperties").strings([primary]);
        j.raw(",").key("properties").raw("[");
        let visible = self.stores[kind].catalogue.iter().filter(|(_, p)| p.archived.is_none());
        for (n, (id, property)) in visible.enumerate() {
            j.raw(if n > 0 { "," } else { "" });
            property.write_json(j, usize::from(id));
        }
        j.raw("],").key("associations").raw("[");
        for (n, partner) in self.links.partners(kind).into_iter().enumerate() {
            let Some((_, type_id)) = self.links.unlabeled(kind, partner) else { continue };
            j.raw(if n > 0 { ",{" } else { "{" }).key("id").string(&type_id.to_string());
            j.raw(",").key("fromObjectTypeId").string(&object.id);
            j.raw(",").key("toObjectTypeId").string(&self.types[partner].id);
            j.raw(",").key("name").string(&format!("{}_to_{}", object.singular, self.types[partner].singular)).raw("}");
        }
        j.raw("],").key("createdAt").time(born).raw(",").key("updatedAt").time(born);
        j.raw(",").key("archived").boolean(false).raw("}");
    }
}

fn title(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect()).replace('_', " ")
}
