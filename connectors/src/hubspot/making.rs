//! Making properties.
//!
//! A property is told by its name, of which an object type has one: a create that went through meets 409 when it is made
//! again. All the same, one whose answer is lost is looked up before it goes again. HubSpot shows a new property up to a
//! second after it answered (recorded traffic of an infrastructure tool), so it is done only when it is shown.

use super::HubSpot;
use super::client::Call;
use super::objects::json;
use crate::http::{Effect, Lane, Transport};
use mappings::{PropertyOption, PropertySchema, Wanted, WireType};
use serde::Serialize;
use std::time::Duration;
use sync_core::{RemoteError, RemoteErrorKind};

/// How often a create whose answer is lost goes, in all.
const ATTEMPTS: u32 = 3;
/// How often HubSpot is asked for what it made, and how long lies between two times.
const LOOKS: u32 = 12;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// A property that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What HubSpot says about it.
    pub property: PropertySchema,
    /// Whether it was not there before.
    pub new: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    name: &'a str,
    label: &'a str,
    description: &'a str,
    group_name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    field_type: &'a str,
    has_unique_value: bool,
    hidden: bool,
    form_field: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Choice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Choice<'a> {
    label: &'a str,
    value: &'a str,
    display_order: i64,
    hidden: bool,
}

impl<'a> Definition<'a> {
    fn of(wanted: &'a Wanted) -> Self {
        let property = &wanted.property;
        let choice = |option: &'a PropertyOption| Choice {
            label: &option.label,
            value: &option.value,
            display_order: option.display_order,
            hidden: option.hidden,
        };
        Self {
            name: &property.name,
            label: &property.label,
            description: &wanted.description,
            group_name: &property.group_name,
            kind: &property.type_name,
            field_type: field_type(property),
            has_unique_value: property.has_unique_value,
            hidden: property.hidden,
            form_field: false,
            options: property.options.iter().map(choice).collect(),
        }
    }
}

/// How people edit it on HubSpot's pages: as its properties guide pairs them with the types.
fn field_type(property: &PropertySchema) -> &str {
    match property.wire_type {
        _ if !property.field_type.is_empty() => &property.field_type,
        WireType::Number => "number",
        WireType::Bool => "booleancheckbox",
        WireType::Enumeration => "select",
        WireType::Date | WireType::DateTime => "date",
        WireType::PhoneNumber => "phonenumber",
        WireType::String | WireType::Json | WireType::Unknown => "text",
    }
}

impl<T: Transport> HubSpot<T> {
    /// Makes a property of an object type, or brings back the archived one of that name. One that is there is left as it
    /// is. Returns when HubSpot shows it.
    ///
    /// # Errors
    /// When HubSpot refuses it, or gives no proper answer. [`RemoteErrorKind::OutcomeUnknown`] where it may be there all
    /// the same.
    pub async fn make_property(&self, object: &str, wanted: &Wanted) -> Result<Made, RemoteError> {
        self.learn(object).await?;
        let path = self.settings.api_version.properties(&self.address(object)?);
        let create = Call { effect: Effect::Write, ..Call::post(Lane::Window, path, json(&Definition::of(wanted))) };
        let name = &wanted.property.name;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let new = match self.call(&create, |_| Ok(())).await {
                Ok(()) => true,
                Err(error) if error.status == Some(409) => false,
                Err(error) if error.kind == RemoteErrorKind::OutcomeUnknown => {
                    match self.shown_property(object, name).await? {
                        Some(property) => return Ok(Made { property, new: true }),
                        None if attempts < ATTEMPTS => continue,
                        None => return Err(not_known(error)),
                    }
                }
                Err(error) => return Err(error),
            };
            let shown = self.shown_property(object, name).await?;
            return shown.map(|property| Made { property, new }).ok_or_else(|| not_shown(object, name));
        }
    }

    /// The property, as soon as HubSpot shows it among the active ones; `None` where it does not for a while.
    async fn shown_property(&self, object: &str, name: &str) -> Result<Option<PropertySchema>, RemoteError> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            let all = self.active_properties(object).await?;
            if let Some(property) = all.into_iter().find(|property| property.name == name) {
                return Ok(Some(property));
            }
        }
        Ok(None)
    }
}

fn not_known(error: RemoteError) -> RemoteError {
    RemoteError { remedy: "Run it again: what is there by then is left as it is.".to_owned(), ..error }
}

fn not_shown(object: &str, name: &str) -> RemoteError {
    RemoteError {
        kind: RemoteErrorKind::Unavailable,
        message: format!("HubSpot has a property {name} of {object}, and does not show it."),
        remedy: "Try again in a minute. If it stays, it is marked as sensitive: name another one in the mapping."
            .to_owned(),
        correlation_id: None,
        status: None,
    }
}
