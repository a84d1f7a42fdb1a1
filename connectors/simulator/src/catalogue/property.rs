//! One property: its definition, and that definition as the properties endpoint shows it.

use crate::Millis;
use crate::json::Json;

/// An option of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) hidden: bool,
}

/// Who may see a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sensitivity {
    Ordinary,
    Sensitive,
    HighlySensitive,
}

impl Sensitivity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Sensitivity::Ordinary => "non_sensitive",
            Sensitivity::Sensitive => "sensitive",
            Sensitivity::HighlySensitive => "highly_sensitive",
        }
    }
}

/// A property's definition.
#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) label: String,
    /// `string`, `number`, `enumeration`, `bool`, `date`, `datetime`, `phone_number`, …
    pub(crate) kind: String,
    /// `text`, `select`, `calculation_equation`, …
    pub(crate) field: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) owner_reference: bool,
    pub(crate) unique: bool,
    pub(crate) hidden: bool,
    pub(crate) calculated: bool,
    pub(crate) read_only: bool,
    pub(crate) hubspot_defined: bool,
    pub(crate) sensitivity: Sensitivity,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) archived: Option<Millis>,
    /// From when on reads of the schema show it; writes know it at once.
    pub(crate) shown_from: Millis,
}

impl Property {
    /// A property that the portal's owner made.
    pub(crate) fn custom(name: &str, label: &str, kind: &str, field: &str, group: &str, at: Millis) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            field: field.to_owned(),
            group: group.to_owned(),
            description: String::new(),
            choices: Vec::new(),
            owner_reference: false,
            unique: false,
            hidden: false,
            calculated: false,
            read_only: false,
            hubspot_defined: false,
            sensitivity: Sensitivity::Ordinary,
            created: at,
            updated: at,
            archived: None,
            shown_from: at,
        }
    }

    pub(crate) fn is_enumeration(&self) -> bool {
        self.kind == "enumeration"
    }

    pub(crate) fn write_json(&self, j: &mut Json, order: usize) {
        j.raw("{").key("updatedAt").time(self.updated).raw(",").key("createdAt").time(self.created);
        for (key, text) in [
            ("name", self.name.as_str()),
            ("label", &self.label),
            ("type", &self.kind),
            ("fieldType", &self.field),
            ("description", &self.description),
            ("groupName", &self.group),
        ] {
            j.raw(",").key(key).string(text);
        }
        j.raw(",").key("options").raw("[");
        for (n, choice) in self.choices.iter().enumerate() {
            j.raw(if n > 0 { ",{" } else { "{" }).key("label").string(&choice.label);
            j.raw(",").key("value").string(&choice.value).raw(",").key("displayOrder").number(n as i64);
            j.raw(",").key("hidden").boolean(choice.hidden).raw("}");
        }
        j.raw("],");
        if self.owner_reference {
            j.key("referencedObjectType").string("OWNER").raw(",");
        }
        j.key("displayOrder").number(if self.hubspot_defined { -1 } else { order as i64 });
        for (key, flag) in [
            ("calculated", self.calculated),
            ("externalOptions", self.owner_reference),
            ("archived", self.archived.is_some()),
            ("hasUniqueValue", self.unique),
            ("hidden", self.hidden),
            ("hubspotDefined", self.hubspot_defined),
        ] {
            j.raw(",").key(key).boolean(flag);
        }
        if let Some(at) = self.archived {
            j.raw(",").key("archivedAt").time(at);
        }
        self.write_modification(j);
        j.raw(",").key("formField").boolean(!self.hidden && !self.read_only && !self.calculated);
        j.raw(",").key("dataSensitivity").string(self.sensitivity.as_str()).raw("}");
    }

    fn write_modification(&self, j: &mut Json) {
        j.raw(",").key("modificationMetadata").raw("{").key("archivable").boolean(!self.hubspot_defined);
        j.raw(",").key("readOnlyDefinition").boolean(self.hubspot_defined);
        if self.is_enumeration() {
            j.raw(",").key("readOnlyOptions").boolean(self.hubspot_defined && self.read_only);
        }
        j.raw(",").key("readOnlyValue").boolean(self.read_only || self.calculated).raw("}");
    }
}
