//! Who answers, and which object types the account has.

use super::client::{Answer, Call};
use super::error::quote;
use super::wire::{Many, Misread, Text, body};
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
    #[serde(default)]
    singular: Option<String>,
    #[serde(default)]
    plural: Option<String>,
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
        for kind in &custom {
            let names = [Some(&kind.name), kind.fully_qualified_name.as_ref()];
            for name in names.into_iter().flatten() {
                addresses.insert(name.clone(), types::encoded(&kind.object_type_id));
            }
        }
        drop(addresses);
        self.types_listed.store(true, Ordering::SeqCst);
        let mut all = types::standard();
        all.extend(custom);
        Ok(all)
    }
}

fn account(answer: &Answer<'_>) -> Result<Account, Misread> {
    let details: Details = body(&answer.text)?;
    let server_time = answer.server_time()?;
    Ok(Account { portal_id: details.portal_id.0, time_zone: details.time_zone, server_time })
}

fn schemas(answer: &Answer<'_>) -> Result<Vec<ObjectType>, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let of = |schema: Schema| {
        let labels = schema.labels.unwrap_or_default();
        let or_name = |label: Option<String>| label.filter(|text| !text.is_empty()).unwrap_or(schema.name.clone());
        ObjectType {
            name: schema.name.to_lowercase(),
            object_type_id: schema.object_type_id,
            fully_qualified_name: schema.fully_qualified_name,
            singular: quote(&or_name(labels.singular)),
            plural: quote(&or_name(labels.plural)),
            custom: true,
        }
    };
    Ok(page.things("a custom object's schema")?.into_iter().map(of).collect())
}
