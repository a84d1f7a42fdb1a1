//! The object types of a portal and every name by which a path may call them.

/// The position of a type in the portal's list of types.
pub(crate) type TypeIndex = usize;

/// How the creation date property is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateNames {
    /// `createdate` and `lastmodifieddate`: contacts only.
    Contact,
    /// `createdate` and `hs_lastmodifieddate`.
    Classic,
    /// `hs_createdate` and `hs_lastmodifieddate`.
    Prefixed,
}

impl DateNames {
    pub(crate) fn created(self) -> &'static str {
        match self {
            DateNames::Contact | DateNames::Classic => "createdate",
            DateNames::Prefixed => "hs_createdate",
        }
    }

    pub(crate) fn modified(self) -> &'static str {
        match self {
            DateNames::Contact => "lastmodifieddate",
            DateNames::Classic | DateNames::Prefixed => "hs_lastmodifieddate",
        }
    }
}

/// One object type.
#[derive(Debug, Clone)]
pub(crate) struct ObjectType {
    /// Plural name as in paths, or the fully qualified name of a custom object.
    pub(crate) name: String,
    /// Singular name as in messages.
    pub(crate) singular: String,
    /// `0-1`, `2-123`, …
    pub(crate) id: String,
    /// Whether the portal's owner defined it.
    pub(crate) custom: bool,
    pub(crate) dates: DateNames,
    /// Properties returned when none are asked for.
    pub(crate) defaults: &'static [&'static str],
    /// Properties that the `query` of a search looks at.
    pub(crate) searchable: &'static [&'static str],
}

impl ObjectType {
    /// The key of this type in inline associations.
    pub(crate) fn association_key(&self) -> String {
        self.name.replace('_', if self.custom { "_" } else { " " })
    }
}

use DateNames::{Classic, Contact, Prefixed};

type Row = (&'static str, &'static str, &'static str, DateNames, &'static [&'static str], &'static [&'static str]);

const STANDARD: &[Row] = &[
    (
        "contacts",
        "contact",
        "0-1",
        Contact,
        &["firstname", "lastname", "email"],
        &["firstname", "lastname", "email", "phone", "company", "hs_additional_emails", "fax"],
    ),
    ("companies", "company", "0-2", Classic, &["name", "domain"], &["name", "domain", "phone", "website"]),
    (
        "deals",
        "deal",
        "0-3",
        Classic,
        &["dealname", "amount", "closedate", "pipeline", "dealstage"],
        &["dealname", "pipeline", "dealstage", "description", "dealtype"],
    ),
    (
        "tickets",
        "ticket",
        "0-5",
        Classic,
        &["content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"],
        &["subject", "content", "hs_pipeline_stage", "hs_ticket_category"],
    ),
    (
        "products",
        "product",
        "0-7",
        Classic,
        &["name", "description", "price"],
        &["name", "description", "price", "hs_sku"],
    ),
    (
        "line_items",
        "line_item",
        "0-8",
        Classic,
        &["quantity", "amount", "price"],
        &["name", "description", "price", "quantity", "amount"],
    ),
    (
        "quotes",
        "quote",
        "0-14",
        Prefixed,
        &["hs_expiration_date", "hs_public_url_key", "hs_status", "hs_title"],
        &["hs_title", "hs_proposal_domain", "hs_sender_email"],
    ),
    ("communications", "communication", "0-18", Prefixed, &[], &["hs_communication_body"]),
    ("feedback_submissions", "feedback_submission", "0-19", Prefixed, &[], &["hs_submission_name", "hs_content"]),
    ("tasks", "task", "0-27", Prefixed, &[], &["hs_task_subject", "hs_task_body"]),
    ("notes", "note", "0-46", Prefixed, &[], &["hs_note_body"]),
    ("meetings", "meeting", "0-47", Prefixed, &[], &["hs_meeting_title", "hs_meeting_body"]),
    ("calls", "call", "0-48", Prefixed, &[], &["hs_call_title", "hs_call_body"]),
    ("emails", "email", "0-49", Prefixed, &[], &["hs_email_subject"]),
    ("invoices", "invoice", "0-53", Prefixed, &[], &["hs_number"]),
    ("subscriptions", "subscription", "0-69", Prefixed, &[], &["hs_name"]),
    ("discounts", "discount", "0-84", Prefixed, &[], &["hs_label"]),
    ("fees", "fee", "0-85", Prefixed, &[], &["hs_label"]),
    ("taxes", "tax", "0-86", Prefixed, &[], &["hs_label"]),
    ("commerce_payments", "commerce_payment", "0-101", Prefixed, &[], &["hs_customer_email"]),
    ("postal_mail", "postal_mail", "0-116", Prefixed, &[], &["hs_postal_mail_body"]),
    ("orders", "order", "0-123", Prefixed, &[], &["hs_order_name"]),
    ("leads", "lead", "0-136", Prefixed, &[], &["hs_lead_name"]),
    ("carts", "cart", "0-142", Prefixed, &[], &["hs_cart_name"]),
    ("services", "service", "0-162", Prefixed, &[], &["hs_name"]),
    ("courses", "course", "0-410", Prefixed, &[], &["hs_course_name"]),
    ("listings", "listing", "0-420", Prefixed, &[], &["hs_name"]),
    ("appointments", "appointment", "0-421", Prefixed, &[], &["hs_appointment_name"]),
    ("projects", "project", "0-970", Prefixed, &[], &["hs_name"]),
];

/// The types every portal has.
pub(crate) fn standard() -> Vec<ObjectType> {
    STANDARD
        .iter()
        .map(|(name, singular, id, dates, defaults, searchable)| ObjectType {
            name: (*name).to_owned(),
            singular: (*singular).to_owned(),
            id: (*id).to_owned(),
            custom: false,
            dates: *dates,
            defaults,
            searchable,
        })
        .collect()
}

/// A custom object, named `p{portal}_{name}`.
pub(crate) fn custom(portal: u64, number: u64, name: &str) -> ObjectType {
    ObjectType {
        name: format!("p{portal}_{name}"),
        singular: format!("p{portal}_{name}"),
        id: format!("2-{number}"),
        custom: true,
        dates: Prefixed,
        defaults: &[],
        searchable: &["name"],
    }
}

/// The type that a path or a caller means: plural or singular in any case, the object type id, or a custom object's fully
/// qualified name. A custom object's bare name does not resolve, since 2025.
pub(crate) fn resolve(types: &[ObjectType], asked: &str) -> Option<TypeIndex> {
    types
        .iter()
        .position(|t| t.id == asked || t.name.eq_ignore_ascii_case(asked) || t.singular.eq_ignore_ascii_case(asked))
}
