//! HubSpot's standard object types, and how a type is addressed.

use super::HubSpot;
use super::error;
use crate::http::Transport;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use sync_core::RemoteError;
use sync_core::model::ObjectType;
use sync_core::remote::{Once, SoleLabel};

/// Name, objectTypeId, one, several. From the object type ids of HubSpot's "Understanding the CRM" page.
const STANDARD: [(&str, &str, &str, &str); 32] = [
    ("contacts", "0-1", "Contact", "Contacts"),
    ("companies", "0-2", "Company", "Companies"),
    ("deals", "0-3", "Deal", "Deals"),
    ("tickets", "0-5", "Ticket", "Tickets"),
    ("products", "0-7", "Product", "Products"),
    ("line_items", "0-8", "Line item", "Line items"),
    ("quotes", "0-14", "Quote", "Quotes"),
    ("communications", "0-18", "Communication", "Communications"),
    ("feedback_submissions", "0-19", "Feedback submission", "Feedback submissions"),
    ("tasks", "0-27", "Task", "Tasks"),
    ("notes", "0-46", "Note", "Notes"),
    ("meetings", "0-47", "Meeting", "Meetings"),
    ("calls", "0-48", "Call", "Calls"),
    ("emails", "0-49", "Email", "Emails"),
    ("invoices", "0-53", "Invoice", "Invoices"),
    ("marketing_events", "0-54", "Marketing event", "Marketing events"),
    ("subscriptions", "0-69", "Subscription", "Subscriptions"),
    ("goals", "0-74", "Goal", "Goals"),
    ("discounts", "0-84", "Discount", "Discounts"),
    ("fees", "0-85", "Fee", "Fees"),
    ("taxes", "0-86", "Tax", "Taxes"),
    ("payments", "0-101", "Payment", "Payments"),
    ("users", "0-115", "User", "Users"),
    ("postal_mail", "0-116", "Postal mail", "Postal mail"),
    ("orders", "0-123", "Order", "Orders"),
    ("leads", "0-136", "Lead", "Leads"),
    ("carts", "0-142", "Cart", "Carts"),
    ("services", "0-162", "Service", "Services"),
    ("courses", "0-410", "Course", "Courses"),
    ("listings", "0-420", "Listing", "Listings"),
    ("appointments", "0-421", "Appointment", "Appointments"),
    ("projects", "0-970", "Project", "Projects"),
];

/// The types that paths call by name. The others are called by their id, which HubSpot's page says always works; their
/// names in paths differ from one page to the next.
const CALLED_BY_NAME: [&str; 13] = [
    "contacts",
    "companies",
    "deals",
    "tickets",
    "products",
    "line_items",
    "quotes",
    "tasks",
    "notes",
    "meetings",
    "calls",
    "emails",
    "communications",
];

/// The standard types of every account.
pub(crate) fn standard() -> Vec<ObjectType> {
    let of = |(name, id, singular, plural): (&str, &str, &str, &str)| ObjectType {
        name: name.to_owned(),
        object_type_id: id.to_owned(),
        fully_qualified_name: None,
        singular: singular.to_owned(),
        plural: plural.to_owned(),
        custom: false,
    };
    STANDARD.map(of).to_vec()
}

/// Whether a standard type has this name or id.
pub(crate) fn is_standard(object: &str) -> bool {
    STANDARD.iter().any(|(name, id, ..)| *name == object || *id == object)
}

/// Whether the type is contacts, by whatever name.
pub(crate) fn is_contacts(object: &str) -> bool {
    matches!(object, "contacts" | "contact" | "0-1")
}

/// Which end's records have one primary record of the other end at most. From HubSpot's table of association types:
/// contacts, deals, tickets and orders have one primary company, leads one primary contact or company.
pub(crate) fn sole_label(from: &str, to: &str) -> Option<SoleLabel> {
    let is_company = |object: &str| matches!(object, "companies" | "company" | "0-2");
    let is_lead = |object: &str| matches!(object, "leads" | "lead" | "0-136");
    let has_one =
        |one: &str, other: &str| (is_company(other) && !is_company(one)) || (is_lead(one) && is_contacts(other));
    let once = match (has_one(from, to), has_one(to, from)) {
        (true, _) => Once::From,
        (false, true) => Once::To,
        (false, false) => return None,
    };
    Some(SoleLabel { label: "Primary", once })
}

/// The property that holds a record's last change. Contacts define `hs_lastmodifieddate` as well, but a search for it
/// silently finds nothing (seen in the open by the Airbyte connector).
pub(crate) fn modified_property(object: &str) -> &'static str {
    if is_contacts(object) { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

/// The properties that every read asks for besides those it was told to, so that merges are seen.
pub(crate) fn always_read(object: &str) -> Vec<&'static str> {
    let mut names = vec![modified_property(object), "hs_merged_object_ids"];
    if is_contacts(object) {
        names.push("hs_calculated_merged_vids");
    }
    names
}

/// What was asked for and what is always read, each once.
pub(crate) fn with_always_read(object: &str, asked: &[String]) -> Vec<String> {
    let mut all = asked.to_vec();
    for name in always_read(object) {
        if !all.iter().any(|known| known == name) {
            all.push(name.to_owned());
        }
    }
    all
}

/// Text as one segment of a path, or as a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl<T: Transport> HubSpot<T> {
    /// Makes sure that the paths of an object type are known: the account's own types are listed once, when one of them
    /// is first asked for.
    pub(crate) async fn learn(&self, object: &str) -> Result<(), RemoteError> {
        let by_id = object.split_once('-').is_some_and(|(kind, number)| {
            [kind, number].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if is_standard(object) || by_id || self.types_listed.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.read_object_types().await.map(|_| ())
    }

    /// How paths call an object type: a custom one by its id as soon as the types have been listed.
    pub(crate) fn address(&self, object: &str) -> Result<String, RemoteError> {
        if object.is_empty() || object == "." || object == ".." {
            return Err(error::impossible(format!("`{object}` is no object type.")));
        }
        if let Some((name, id, ..)) = STANDARD.iter().find(|(name, ..)| *name == object) {
            return Ok(if CALLED_BY_NAME.contains(name) { (*name).to_owned() } else { (*id).to_owned() });
        }
        let custom = self.custom_types.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(custom.get(object).cloned().unwrap_or_else(|| encoded(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::{encoded, modified_property, sole_label, standard, with_always_read};
    use std::collections::HashSet;
    use sync_core::remote::Once;

    #[test]
    fn names_and_ids_of_standard_types_are_unique() {
        let types = standard();
        let names: HashSet<_> = types.iter().map(|kind| &kind.name).collect();
        let ids: HashSet<_> = types.iter().map(|kind| &kind.object_type_id).collect();
        assert_eq!((names.len(), ids.len()), (types.len(), types.len()));
    }

    #[test]
    fn a_record_has_one_primary_company_and_a_company_is_primary_for_many() {
        let once = |from, to| sole_label(from, to).map(|sole| sole.once);
        assert_eq!(once("contacts", "companies"), Some(Once::From));
        assert_eq!(once("0-2", "0-3"), Some(Once::To));
        assert_eq!(once("leads", "contacts"), Some(Once::From));
        assert_eq!(once("companies", "leads"), Some(Once::To));
        assert_eq!(once("companies", "companies"), None);
        assert_eq!(once("contacts", "deals"), None);
    }

    #[test]
    fn p19_contacts_have_a_modified_property_of_their_own() {
        assert_eq!(modified_property("contacts"), "lastmodifieddate");
        assert_eq!(modified_property("0-1"), "lastmodifieddate");
        assert_eq!(modified_property("companies"), "hs_lastmodifieddate");
        assert_eq!(modified_property("2-7"), "hs_lastmodifieddate");
    }

    #[test]
    fn what_is_always_read_is_asked_for_once() {
        let asked = ["name".to_owned(), "hs_merged_object_ids".to_owned()];
        assert_eq!(with_always_read("deals", &asked), ["name", "hs_merged_object_ids", "hs_lastmodifieddate"]);
    }

    #[test]
    fn whatever_is_put_into_a_path_stays_one_segment() {
        assert_eq!(encoded("a/b?c=d&é%"), "a%2Fb%3Fc%3Dd%26%C3%A9%25");
        assert_eq!(encoded("p123_my-type.v2~"), "p123_my-type.v2~");
    }
}
