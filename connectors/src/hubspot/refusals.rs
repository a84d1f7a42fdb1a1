//! What HubSpot says when it refuses something: a whole request, or one item of a batch.
//!
//! Every field of an error is optional, according to HubSpot's error handling page, so that nothing here can fail. Texts
//! are kept as [`quote`] leaves them. An item is taken for a refusal only where it is one: what failed inside HubSpot may
//! have been done all the same.

use super::error::{correlation_id, quote};
use crate::http::Response;
use serde_json::Value;
use sync_core::model::RecordId;
use sync_core::remote::{Outcome, Refusal};
use sync_core::{RemoteError, RemoteErrorKind};

/// Where contexts name the properties that are to blame.
const PROPERTIES: [&str; 3] = ["propertyName", "propertyNames", "properties"];

/// One item of `errors` in the answer to a batch.
#[derive(Debug)]
pub(crate) struct ItemError {
    readable: bool,
    refusal: Refusal,
    /// The message in full, for what it names.
    pub(crate) message: String,
    context: Value,
}

impl ItemError {
    /// Reads an item. One that cannot be read names nothing and refuses nothing.
    pub(crate) fn read(json: &str) -> Self {
        let item = serde_json::from_str::<Value>(json).ok().filter(Value::is_object);
        let readable = item.is_some();
        let item = item.unwrap_or_else(|| serde_json::json!({"message": "an error that cannot be read"}));
        let message = item.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        let context = item.get("context").cloned().unwrap_or_default();
        Self { readable, refusal: refusal(&item), message, context }
    }

    /// What the context says under any of these names.
    pub(crate) fn named(&self, names: &[&str]) -> Vec<String> {
        names.iter().filter_map(|name| self.context.get(name)).flat_map(texts).collect()
    }

    /// What it means for an input that it names.
    pub(crate) fn outcome<A>(&self) -> Outcome<A> {
        let category = self.refusal.category.as_deref().unwrap_or_default().to_ascii_uppercase();
        if category.contains("RATE_LIMIT") {
            return Outcome::NotDone(RemoteError {
                kind: RemoteErrorKind::Unavailable,
                message: format!("HubSpot put an input of a batch off: {self}."),
                remedy: "Try again later.".to_owned(),
                correlation_id: self.refusal.correlation_id.clone(),
                status: None,
            });
        }
        let inside = ["INTERNAL", "SERVER", "TIMEOUT", "UNAVAILABLE"].iter().any(|word| category.contains(word));
        if inside || !self.readable {
            return Outcome::Unknown(format!("HubSpot failed at it: {self}"));
        }
        Outcome::Refused(self.refusal.clone())
    }
}

impl std::fmt::Display for ItemError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let category = self.refusal.category.as_deref().unwrap_or("no category");
        write!(formatter, "{} [{category}]", self.refusal.message.trim_end_matches('.'))
    }
}

/// What a refused request means for its only input.
pub(crate) fn of_request(error: &RemoteError, response: &Response) -> Refusal {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let said = refusal(&body);
    Refusal {
        status: error.status,
        message: if said.message.is_empty() { error.message.clone() } else { said.message },
        correlation_id: error.correlation_id.clone(),
        not_found: said.not_found || matches!(error.status, Some(404 | 410)),
        ..said
    }
}

fn refusal(body: &Value) -> Refusal {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let message = text("message").unwrap_or_default();
    let category = text("category").or_else(|| text("errorType")).map(quote);
    let existing = body.get("context").and_then(|context| context.get("existingId")).map(texts).unwrap_or_default();
    Refusal {
        status: None,
        not_found: category.as_deref() == Some("OBJECT_NOT_FOUND"),
        category,
        message: quote(message),
        correlation_id: text("correlationId").and_then(correlation_id),
        properties: properties(body),
        existing: existing.into_iter().next().or_else(|| existing_id(message)).map(RecordId::from),
    }
}

/// The properties that an error names: in its context, in those of its details, and in the list that its message holds.
/// HubSpot's details may list fewer than the message (recorded traffic).
fn properties(body: &Value) -> Vec<String> {
    let details = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let mut names: Vec<String> = Vec::new();
    for place in std::iter::once(body).chain(details) {
        let context = place.get("context");
        let told = PROPERTIES.iter().filter_map(|name| context?.get(name)).flat_map(texts);
        let listed = place.get("message").and_then(Value::as_str).map(in_message).unwrap_or_default();
        for name in told.chain(listed).map(|name| quote(&name)) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// A message may hold a JSON list of what is wrong with each property.
fn in_message(message: &str) -> Vec<String> {
    let list = message.match_indices("[{").find_map(|(at, _)| {
        let mut lists = serde_json::Deserializer::from_str(message.get(at..)?).into_iter::<Vec<Value>>();
        lists.next()?.ok()
    });
    list.into_iter().flatten().filter_map(|item| item.get("name")?.as_str().map(str::to_owned)).collect()
}

/// The record that is there already, as messages name it: "Contact already exists. Existing ID: 123".
fn existing_id(message: &str) -> Option<String> {
    const BEFORE: &str = "existing id:";
    // Lower case in ASCII only, so that places stay the same.
    let at = message.to_ascii_lowercase().find(BEFORE)?;
    let rest = message.get(at + BEFORE.len()..)?.trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The texts of a value: one, or those of a list. Numbers count by their digits.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ItemError, existing_id, refusal};
    use serde_json::json;
    use sync_core::remote::Outcome;

    #[test]
    fn properties_are_found_wherever_hubspot_names_them() {
        let embedded =
            r#"[{"isValid":false,"message":"no [x]","error":"PROPERTY_DOESNT_EXIST","name":"a"},{"name":"b"}]"#;
        let body = json!({
            "message": format!("Property values were not valid: {embedded} and so on"),
            "errors": [{"message": "no", "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["a"]}}],
            "context": {"properties": ["c", "a", ""]},
            "category": "VALIDATION_ERROR",
        });
        assert_eq!(refusal(&body).properties, ["c", "a", "b"]);
        for odd in [json!(null), json!([]), json!({"errors": [1], "context": "x", "message": "[{ [{\"name\":1}]"})] {
            assert!(refusal(&odd).properties.is_empty(), "{odd}");
        }
    }

    #[test]
    fn an_existing_record_is_found_in_the_context_or_in_the_message() {
        let message = "Contact already exists. Existing ID: 171591000198";
        assert_eq!(existing_id(message).as_deref(), Some("171591000198"));
        assert_eq!(existing_id("Contact already exists"), None);
        assert_eq!(existing_id("Größe: existing id: x"), None);
        let told = refusal(&json!({"message": message, "context": {"existingId": [5]}}));
        assert_eq!(told.existing.map(|id| id.to_string()).as_deref(), Some("5"));
    }

    #[test]
    fn an_item_that_failed_inside_hubspot_is_no_refusal() {
        let outcome = |category: &str| {
            ItemError::read(&json!({"category": category, "message": "x."}).to_string()).outcome::<()>()
        };
        assert!(matches!(outcome("INTERNAL_ERROR"), Outcome::Unknown(why) if why.contains("x [INTERNAL_ERROR]")));
        assert!(matches!(outcome("RATE_LIMITS"), Outcome::NotDone(_)));
        assert!(matches!(outcome("VALIDATION_ERROR"), Outcome::Refused(_)));
        assert!(matches!(outcome(""), Outcome::Refused(_)));
        for unreadable in ["[]", "null", r#"{"message":"\ud800"}"#] {
            assert!(matches!(ItemError::read(unreadable).outcome::<()>(), Outcome::Unknown(_)), "{unreadable}");
        }
    }
}
