//! Properties, owners, pipelines and association labels: small, read whole each time.

use super::HubSpot;
use super::client::{Answer, Call};
use super::types::encoded;
use super::wire::{Many, Misread, Text, body, typed};
use crate::http::Transport;
use mappings::{PropertyOption, PropertySchema, WireType};
use serde::Deserialize;
use serde_json::value::RawValue;
use sync_core::RemoteError;
use sync_core::model::{AssociationLabel, Owner, Pipeline, Stage, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProperty {
    name: String,
    #[serde(default, deserialize_with = "typed")]
    label: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    field_type: Option<String>,
    #[serde(default)]
    group_name: Option<String>,
    #[serde(default)]
    calculated: Option<bool>,
    #[serde(default)]
    has_unique_value: Option<bool>,
    #[serde(default)]
    hidden: Option<bool>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    modification_metadata: Option<Modification>,
    #[serde(default)]
    options: Option<Vec<WireOption>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modification {
    #[serde(default)]
    read_only_value: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOption {
    value: Text,
    #[serde(default, deserialize_with = "typed")]
    label: Option<String>,
    #[serde(default)]
    display_order: Option<i64>,
    #[serde(default)]
    hidden: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOwner {
    id: Text,
    #[serde(default)]
    email: Option<String>,
    #[serde(default, deserialize_with = "typed")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "typed")]
    last_name: Option<String>,
    #[serde(default)]
    user_id: Option<Text>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    created_at: Option<Text>,
    #[serde(default)]
    updated_at: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePipeline {
    id: Text,
    #[serde(default, deserialize_with = "typed")]
    label: Option<String>,
    #[serde(default)]
    display_order: Option<i64>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    stages: Option<Vec<WireStage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStage {
    id: Text,
    #[serde(default, deserialize_with = "typed")]
    label: Option<String>,
    #[serde(default)]
    display_order: Option<i64>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLabel {
    #[serde(default)]
    category: Option<String>,
    type_id: i64,
    #[serde(default, deserialize_with = "typed")]
    label: Option<String>,
}

impl<T: Transport> HubSpot<T> {
    /// Active and archived properties. Those marked as sensitive are not asked for: HubSpot hides them unless an app
    /// asks, and so do we.
    pub(crate) async fn read_properties(&self, object: &str) -> Result<Vec<PropertySchema>, RemoteError> {
        let mut all = self.active_properties(object).await?;
        for property in self.list_properties(object, true).await? {
            // An archived name that lives again is told by its active definition.
            if !all.iter().any(|active| active.name == property.name) {
                all.push(property);
            }
        }
        Ok(all)
    }

    /// Properties that are in use. The object type has been learned.
    pub(crate) async fn active_properties(&self, object: &str) -> Result<Vec<PropertySchema>, RemoteError> {
        self.list_properties(object, false).await
    }

    async fn list_properties(&self, object: &str, archived: bool) -> Result<Vec<PropertySchema>, RemoteError> {
        let path = self.settings.api_version.properties(&self.address(object)?);
        let call = Call::get(format!("{path}?archived={archived}&dataSensitivity=non_sensitive"));
        self.call(&call, |answer| properties(answer, archived)).await
    }

    /// Active and archived owners, each a list of pages.
    pub(crate) async fn read_owners(&self) -> Result<Vec<Owner>, RemoteError> {
        let path = self.settings.api_version.owners();
        let mut all: Vec<Owner> = Vec::new();
        for archived in [false, true] {
            let mut after: Option<String> = None;
            loop {
                let from = after.as_deref().map_or_else(String::new, |after| format!("&after={}", encoded(after)));
                let call = Call::get(format!("{path}?limit=100&archived={archived}{from}"));
                let (owners, next) = self.call(&call, |answer| owners(answer, archived, after.as_deref())).await?;
                all.extend(owners);
                let Some(next) = next else { break };
                after = Some(next);
            }
        }
        Ok(all)
    }

    /// Pipelines with their stages. A type that can have none is answered with 400 or 404.
    pub(crate) async fn read_pipelines(&self, object: &str) -> Result<Vec<Pipeline>, RemoteError> {
        let call = Call::get(self.settings.api_version.pipelines(&self.address(object)?));
        match self.call(&call, pipelines).await {
            Err(error) if matches!(error.status, Some(400 | 404)) => Ok(Vec::new()),
            read => read,
        }
    }

    pub(crate) async fn read_association_labels(
        &self,
        from: &str,
        to: &str,
    ) -> Result<Vec<AssociationLabel>, RemoteError> {
        let (from, to) = (self.address(from)?, self.address(to)?);
        self.call(&Call::get(self.settings.api_version.associations(&from, &to, "/labels")), labels).await
    }
}

fn properties(answer: &Answer<'_>, archived: bool) -> Result<Vec<PropertySchema>, Misread> {
    let wire: Vec<WireProperty> = body::<Many<'_>>(&answer.text)?.things("a property")?;
    Ok(wire.into_iter().map(|property| property_schema(property, archived)).collect())
}

fn property_schema(wire: WireProperty, archived: bool) -> PropertySchema {
    let type_name = wire.kind.unwrap_or_default();
    let field_type = wire.field_type.unwrap_or_default();
    let calculated = wire.calculated.unwrap_or(false) || field_type.starts_with("calculation");
    let option = |option: WireOption| PropertyOption {
        label: option.label.unwrap_or_else(|| option.value.0.clone()),
        value: option.value.0,
        display_order: option.display_order.unwrap_or(-1),
        hidden: option.hidden.unwrap_or(false),
    };
    PropertySchema {
        label: wire.label.unwrap_or_else(|| wire.name.clone()),
        name: wire.name,
        wire_type: wire_type(&type_name),
        type_name,
        field_type,
        group_name: wire.group_name.unwrap_or_default(),
        calculated,
        read_only: wire.modification_metadata.and_then(|changes| changes.read_only_value).unwrap_or(false),
        has_unique_value: wire.has_unique_value.unwrap_or(false),
        hidden: wire.hidden.unwrap_or(false),
        archived: wire.archived.unwrap_or(archived),
        options: wire.options.unwrap_or_default().into_iter().map(option).collect(),
    }
}

/// Types from HubSpot's properties guide; a type it does not name is shown as text and never written.
fn wire_type(name: &str) -> WireType {
    match name {
        "string" => WireType::String,
        "number" => WireType::Number,
        "bool" => WireType::Bool,
        "enumeration" => WireType::Enumeration,
        "date" => WireType::Date,
        "datetime" => WireType::DateTime,
        "phone_number" => WireType::PhoneNumber,
        "json" | "object_coordinates" => WireType::Json,
        _ => WireType::Unknown,
    }
}

type OwnersPage = (Vec<Owner>, Option<String>);

fn owners(answer: &Answer<'_>, archived: bool, after: Option<&str>) -> Result<OwnersPage, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let next = page.next();
    if next.is_some() && next.as_deref() == after {
        return Err(Misread("a page names itself as the next one".to_owned()));
    }
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let time = |text: Option<Text>| text.and_then(|text| Timestamp::parse(&text.0));
    let owner = |wire: WireOwner| Owner {
        id: wire.id.0,
        email: text(wire.email),
        first_name: text(wire.first_name),
        last_name: text(wire.last_name),
        user_id: wire.user_id.map(|id| id.0),
        kind: text(wire.kind),
        archived: wire.archived.unwrap_or(archived),
        created_at: time(wire.created_at),
        updated_at: time(wire.updated_at),
    };
    Ok((page.things("an owner")?.into_iter().map(owner).collect(), next))
}

fn pipelines(answer: &Answer<'_>) -> Result<Vec<Pipeline>, Misread> {
    let wire: Vec<WirePipeline> = body::<Many<'_>>(&answer.text)?.things("a pipeline")?;
    let of = |wire: WirePipeline| Pipeline {
        label: wire.label.unwrap_or_else(|| wire.id.0.clone()),
        id: wire.id.0,
        display_order: wire.display_order.unwrap_or(0),
        archived: wire.archived.unwrap_or(false),
        stages: wire.stages.unwrap_or_default().into_iter().map(stage).collect(),
    };
    Ok(wire.into_iter().map(of).collect())
}

fn stage(wire: WireStage) -> Stage {
    let metadata = wire.metadata.filter(|raw| raw.get().starts_with('{'));
    let metadata = metadata.map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned());
    let (is_closed, probability) = meaning(&metadata);
    Stage {
        label: wire.label.unwrap_or_else(|| wire.id.0.clone()),
        id: wire.id.0,
        display_order: wire.display_order.unwrap_or(0),
        is_closed,
        probability,
        metadata,
        archived: wire.archived.unwrap_or(false),
    }
}

/// What a stage's metadata says about being done and about winning. Its values are strings, according to HubSpot's
/// pipelines API: `{"isClosed":"true","probability":"1.0"}`, and for tickets `{"ticketState":"CLOSED"}`.
fn meaning(metadata: &str) -> (Option<bool>, Option<String>) {
    let members = sync_core::model::Properties::from_json(metadata);
    let is_closed = match (members.get("isClosed").as_deref(), members.get("ticketState").as_deref()) {
        (Some("true"), _) | (None, Some("CLOSED")) => Some(true),
        (Some("false"), _) | (None, Some("OPEN")) => Some(false),
        _ => None,
    };
    (is_closed, members.get("probability").filter(|text| !text.is_empty()))
}

fn labels(answer: &Answer<'_>) -> Result<Vec<AssociationLabel>, Misread> {
    let wire: Vec<WireLabel> = body::<Many<'_>>(&answer.text)?.things("an association label")?;
    let of = |wire: WireLabel| AssociationLabel {
        category: wire.category.unwrap_or_default(),
        type_id: wire.type_id,
        label: wire.label.filter(|text| !text.is_empty()),
    };
    Ok(wire.into_iter().map(of).collect())
}
