//! Request bodies of writes, and the values in them as they were sent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::value::Value;

/// Values by property name, in the order of names.
pub(crate) type Properties = BTreeMap<String, Box<RawValue>>;

/// A string, or a number that means one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Text(String),
    Number(i64),
}

impl Text {
    pub(crate) fn into_string(self) -> String {
        match self {
            Text::Text(text) => text,
            Text::Number(n) => n.to_string(),
        }
    }
}

/// A batch. Without `inputs` it is a batch of none, which HubSpot completes without a word.
#[derive(Deserialize)]
pub(crate) struct Batch<T> {
    #[serde(default = "Vec::new")]
    pub(crate) inputs: Vec<T>,
}

/// One record to be created, updated or upserted; also the body of a single write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    pub(crate) id: Option<Text>,
    pub(crate) id_property: Option<String>,
    pub(crate) properties: Option<Properties>,
    pub(crate) associations: Option<Vec<NewLink>>,
    pub(crate) object_write_trace_id: Option<String>,
}

/// An association in the body of a create. Which type of object the other end is follows from the association type.
#[derive(Deserialize)]
pub(crate) struct NewLink {
    pub(crate) to: Named,
    pub(crate) types: Vec<LinkType>,
}

/// A record by its id.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: Text,
}

/// An association type as clients name it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkType {
    pub(crate) association_category: String,
    pub(crate) association_type_id: u32,
}

/// One pair of a batch of associations.
#[derive(Deserialize)]
pub(crate) struct PairInput {
    pub(crate) from: Named,
    pub(crate) to: Named,
    #[serde(default)]
    pub(crate) types: Vec<LinkType>,
}

/// One record and all it is to be parted from.
#[derive(Deserialize)]
pub(crate) struct UnlinkInput {
    pub(crate) from: Named,
    pub(crate) to: Vec<Named>,
}

/// The value that a piece of JSON stands for; `null` clears, as `""` does. Lists and objects stand for none.
pub(crate) fn value(raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => Some(Value::from_escaped(text.get(1..text.len() - 1)?.as_bytes())),
        b'{' | b'[' => None,
        _ if text == "null" => Some(Value::Text(String::new())),
        _ => Some(Value::Text(text.to_owned())),
    }
}
