//! Writing property definitions: make, change, archive.

use serde::Deserialize;

use crate::Millis;
use crate::api::batch::body;
use crate::catalogue::{Choice, Property};
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::value::PropertyId;

/// The most properties of a type in which no two records may agree.
const UNIQUE: usize = 10;

/// What each type of property may be entered with.
const FIELDS: &[(&str, &[&str])] = &[
    ("bool", &["booleancheckbox", "calculation_equation"]),
    ("enumeration", &["booleancheckbox", "checkbox", "radio", "select", "calculation_equation"]),
    ("date", &["date"]),
    ("datetime", &["date"]),
    ("string", &["file", "text", "textarea", "calculation_equation", "html", "phonenumber"]),
    ("number", &["number", "calculation_equation"]),
    ("phone_number", &["phonenumber"]),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    name: Option<String>,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    field_type: Option<String>,
    group_name: Option<String>,
    description: Option<String>,
    options: Option<Vec<OptionBody>>,
    has_unique_value: Option<bool>,
    hidden: Option<bool>,
}

#[derive(Deserialize)]
struct OptionBody {
    label: String,
    value: String,
    #[serde(default)]
    hidden: bool,
}

impl Portal {
    /// `POST …/properties/{type}`: the name of an archived property brings that one back.
    pub(crate) fn new_property(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let given: Definition = body(call.body)?;
        let mut property = self.checked(given)?;
        let name = property.name.clone();
        let catalogue = &self.stores[kind].catalogue;
        let there = catalogue.find(&name).map(|id| catalogue.get(id));
        if there.is_some_and(|there| there.archived.is_none()) {
            let words = format!("A property named '{name}' already exists.");
            return Err(Problem::exists_already(words).with_sub("Properties.PROPERTY_WITH_NAME_EXISTS"));
        }
        if !catalogue.groups().contains(&property.group.as_str()) {
            return Err(Problem::invalid(format!("Property group {} does not exist", property.group)));
        }
        // What comes back is what it was, whatever the request says about it.
        let unique = there.map_or(property.unique, |there| there.unique);
        let uniques = catalogue.iter().filter(|(_, p)| p.unique && p.archived.is_none()).count();
        if unique && uniques >= UNIQUE {
            let words = format!("The limit of {UNIQUE} unique properties for an object type was reached");
            return Err(Problem::invalid(words).with_sub("Properties.UNIQUE_PROPERTY_LIMIT_EXCEEDED"));
        }
        let (least, most) = self.settings.switches.property_lag_ms;
        property.shown_from = self.now + Millis::from(self.dice.written.u32(least..=most.max(least)));
        let id = self.stores[kind].catalogue.add(property);
        if unique {
            self.stores[kind].look_up_by(&name);
        }
        Ok(self.shown(kind, id, 201))
    }

    /// A definition that has all it needs.
    fn checked(&self, given: Definition) -> Result<Property, Problem> {
        let required = |name: &str, value: Option<String>| {
            let value = value.filter(|value| !value.is_empty());
            value.ok_or_else(|| Problem::invalid(format!("Some required fields were not set: [{name}]")))
        };
        let name = required("name", given.name)?;
        let label = required("label", given.label)?;
        let kind = required("type", given.kind)?;
        let field = required("fieldType", given.field_type)?;
        let group = required("groupName", given.group_name)?;
        let shaped = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(shaped) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let words = format!("Property name '{name}' may contain only lowercase letters, numbers and underscores.");
            return Err(Problem::invalid(words));
        }
        let fields = FIELDS.iter().find(|(known, _)| *known == kind).map(|(_, fields)| *fields);
        if fields.is_none_or(|fields| !fields.contains(&field.as_str())) {
            return Err(Problem::invalid(format!("fieldType {field} cannot be used with type {kind}")));
        }
        let options = given.options.unwrap_or_default();
        if kind == "enumeration" && options.is_empty() {
            return Err(Problem::invalid("Some required fields were not set: [options]"));
        }
        let mut property = Property::custom(&name, &label, &kind, &field, &group, self.now);
        property.choices = choices(options)?;
        property.description = given.description.unwrap_or_default();
        property.unique = given.has_unique_value.unwrap_or_default();
        property.hidden = given.hidden.unwrap_or_default();
        property.calculated = field == "calculation_equation";
        property.read_only = property.calculated;
        Ok(property)
    }

    /// `PATCH …/properties/{type}/{name}`: what is given replaces, the whole list of options too.
    pub(crate) fn change_property(&mut self, call: &Call<'_>, asked: &str, name: &str) -> Result<Answer, Problem> {
        let given: Definition = body(call.body)?;
        let (kind, id) = self.definition(asked, name)?;
        let choices = given.options.map(choices).transpose()?;
        let now = self.now;
        let Some(property) = self.stores[kind].catalogue.get_mut(name) else { return Err(Problem::not_found()) };
        if property.hubspot_defined && (given.kind.is_some() || given.field_type.is_some()) {
            return Err(Problem::invalid(format!("The definition of {name} is read only")));
        }
        let replace = |old: &mut String, new: Option<String>| {
            if let Some(new) = new {
                *old = new;
            }
        };
        replace(&mut property.label, given.label);
        replace(&mut property.kind, given.kind);
        replace(&mut property.field, given.field_type);
        replace(&mut property.group, given.group_name);
        replace(&mut property.description, given.description);
        property.choices = choices.unwrap_or_else(|| std::mem::take(&mut property.choices));
        property.hidden = given.hidden.unwrap_or(property.hidden);
        property.updated = now;
        Ok(self.shown(kind, id, 200))
    }

    /// `DELETE …/properties/{type}/{name}`: archived; records keep its values.
    pub(crate) fn remove_definition(&mut self, asked: &str, name: &str) -> Result<Answer, Problem> {
        let (kind, _) = self.definition(asked, name)?;
        let now = self.now;
        let Some(property) = self.stores[kind].catalogue.get_mut(name) else { return Err(Problem::not_found()) };
        if property.hubspot_defined {
            return Err(Problem::invalid(format!("Property {name} is defined by HubSpot and cannot be deleted")));
        }
        property.archived = Some(now);
        property.updated = now;
        Ok(Answer::nothing())
    }

    fn definition(&self, asked: &str, name: &str) -> Result<(TypeIndex, PropertyId), Problem> {
        let kind = self.kind(asked)?;
        let found = self.stores[kind].catalogue.readable(name, true);
        let words = || Problem::object_not_found(format!("Property {name} does not exist for {}", self.types[kind].id));
        found.map(|id| (kind, id)).ok_or_else(words)
    }

    fn shown(&self, kind: TypeIndex, id: PropertyId, status: u16) -> Answer {
        let mut j = Json::with_capacity(900);
        self.stores[kind].catalogue.get(id).write_json(&mut j, usize::from(id));
        Answer { status, body: j.out }
    }
}

/// The options of an enumeration; no two may have one value.
fn choices(given: Vec<OptionBody>) -> Result<Vec<Choice>, Problem> {
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = given.iter().find(|option| !seen.insert(option.value.as_str())) {
        return Err(Problem::invalid(format!("Property option values must be unique: {}", twice.value)));
    }
    Ok(given.into_iter().map(|o| Choice { value: o.value, label: o.label, hidden: o.hidden }).collect())
}
