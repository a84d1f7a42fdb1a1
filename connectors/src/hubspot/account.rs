//! Who answers, and which object types the account has.

use super::client::{Answer, Call};
use super::error::quote;
use super::wire::{Many, Misread, Text, body, typed};
use super::{HubSpot, types};
use crate::http::Transport;
use serde::Deserialize;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use sync_core::model::ObjectType;
use sync_core::remote::Account;
use sync_core::{RemoteError, RemoteErrorKind};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    portal_id: Text,
    #[serde(default)]
    time_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    object_type_id: String,
    #[serde(default)]
    fully_qualified_name: Option<String>,
    name: String,
    #[serde(default)]
    labels: Option<Labels>,
}

#[derive(Default, Deserialize)]
struct Labels {
    #[serde(default, deserialize_with = "typed")]
    singular: Option<String>,
    #[serde(default, deserialize_with = "typed")]
    plural: Option<String>,
}

impl Schema {
    /// The name under which it is listed: its own, unless mappings mean a standard type by that.
    fn listed_name(&self) -> String {
        let name = self.name.to_lowercase();
        if !types::is_standard(&name) {
            return name;
        }
        self.fully_qualified_name.as_deref().map_or_else(|| self.object_type_id.clone(), str::to_lowercase)
    }

    /// All names by which it is found.
    fn names(&self) -> Vec<String> {
        let own = Some(&self.name).filter(|name| !types::is_standard(&name.to_lowercase()));
        let spelled = [own, self.fully_qualified_name.as_ref()].into_iter().flatten().cloned();
        spelled.flat_map(|name| [name.to_lowercase(), name]).collect()
    }

    fn listed(self) -> ObjectType {
        let name = self.listed_name();
        let labels = self.labels.unwrap_or_default();
        let or_name = |label: Option<String>| label.filter(|text| !text.is_empty()).unwrap_or(self.name.clone());
        ObjectType {
            name,
            singular: quote(&or_name(labels.singular)),
            plural: quote(&or_name(labels.plural)),
            object_type_id: self.object_type_id,
            fully_qualified_name: self.fully_qualified_name,
            custom: true,
        }
    }
}

impl<T: Transport> HubSpot<T> {
    /// The account. Made even when the day's requests are used up, as its answer tells when they are not any more.
    pub(crate) async fn read_account(&self) -> Result<Account, RemoteError> {
        let call = Call { always: true, ..Call::get(self.settings.api_version.account_details()) };
        self.call(&call, account).await
    }

    /// The standard types, and the custom ones. Custom objects are a matter of subscription and scope: an account
    /// without them answers 403, which is no error here.
    pub(crate) async fn read_object_types(&self) -> Result<Vec<ObjectType>, RemoteError> {
        let custom = match self.call(&Call::get(self.settings.api_version.schemas()), schemas).await {
            Err(error) if error.kind == RemoteErrorKind::MissingScope => Vec::new(),
            read => read?,
        };
        let mut addresses = self.custom_types.lock().unwrap_or_else(PoisonError::into_inner);
        for schema in &custom {
            for name in schema.names() {
                addresses.insert(name, types::encoded(&schema.object_type_id));
            }
        }
        drop(addresses);
        self.types_listed.store(true, Ordering::SeqCst);
        let mut all = types::standard();
        all.extend(custom.into_iter().map(Schema::listed));
        Ok(all)
    }
}

fn account(answer: &Answer<'_>) -> Result<Account, Misread> {
    let details: Details = body(&answer.text)?;
    let server_time = answer.server_time()?;
    Ok(Account { portal_id: details.portal_id.0, time_zone: details.time_zone, server_time })
}

fn schemas(answer: &Answer<'_>) -> Result<Vec<Schema>, Misread> {
    body::<Many<'_>>(&answer.text)?.things("a custom object's schema")
}
