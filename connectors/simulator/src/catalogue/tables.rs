//! The properties HubSpot ships, one a line: `name|label|kind|flags|options`.
//!
//! Kinds: s text, sa text area, sh html, sp phone, su file, n number, b yes/no, e select, er radio, em checkboxes,
//! d date, dt date and time, o owner, nc and sc and ec calculated number, text and choice. Flags: c calculated, r read-only,
//! h hidden, x sensitive.

use super::main_tables::{COMPANIES, CONTACTS, DEALS, TICKETS};
use super::property::{Choice, Property, Sensitivity};
use crate::Millis;

/// Every type has these, before its own.
pub(super) const COMMON: &str = "\
hubspot_owner_id|Owner|o||
hubspot_owner_assigneddate|Owner assigned date|dt|r|
hubspot_team_id|HubSpot team|e|r|
hs_all_owner_ids|All owner IDs|em|rh|";

/// Every type has these, after its own.
pub(super) const TRAILING: &str = "\
hs_object_source|Record creation source|e|r|CRM_UI=CRM UI,INTEGRATION=Integration,IMPORT=Import,API=API,FORM=Form,WORKFLOWS=Workflows
hs_object_source_id|Record creation source ID|s|r|
hs_object_source_label|Record source|e|r|
hs_object_source_user_id|Record creation source user ID|n|rh|
hs_created_by_user_id|Created by user ID|n|r|
hs_updated_by_user_id|Updated by user ID|n|r|
hs_merged_object_ids|Merged record IDs|em|r|
hs_read_only|Read only object|b|rh|
hs_unique_creation_key|Unique creation key|s|rh|
hs_was_imported|Performed in an import|b|rh|
hs_user_ids_of_all_owners|User IDs of all owners|em|rh|";

/// The property group and the table of a type.
pub(super) fn of(object: &str) -> (&'static str, &'static str) {
    match object {
        "contacts" => ("contactinformation", CONTACTS),
        "companies" => ("companyinformation", COMPANIES),
        "deals" => ("dealinformation", DEALS),
        "tickets" => ("ticketinformation", TICKETS),
        "products" => ("productinformation", PRODUCTS),
        "line_items" => ("lineiteminformation", LINE_ITEMS),
        "quotes" => ("quoteinformation", QUOTES),
        "notes" => ("note", NOTES),
        "tasks" => ("task", TASKS),
        "calls" => ("call", CALLS),
        "meetings" => ("meeting", MEETINGS),
        "emails" => ("email", EMAILS),
        "communications" => ("communication", COMMUNICATIONS),
        "postal_mail" => ("postal_mail", POSTAL_MAIL),
        "leads" => ("leadinformation", LEADS),
        "orders" => ("orderinformation", ORDERS),
        "appointments" => ("appointment_information", "hs_appointment_name|Appointment name|s||"),
        "courses" => ("course_information", "hs_course_name|Course name|s||"),
        "feedback_submissions" => ("feedback_submission", FEEDBACK),
        "discounts" | "fees" | "taxes" => {
            ("pricing", "hs_label|Label|s||\nhs_value|Value|n||\nhs_type|Type|e||FIXED=Fixed,PERCENT=Percent")
        }
        "carts" => ("cartinformation", "hs_cart_name|Cart name|s||\nhs_total_price|Total price|n||"),
        "invoices" => (
            "invoiceinformation",
            "hs_number|Invoice number|s|r|\nhs_currency|Currency|e||USD=US Dollar,EUR=Euro\nhs_amount_billed|Amount billed|n|r|",
        ),
        "commerce_payments" => {
            ("payment_information", "hs_customer_email|Customer email|s|r|\nhs_initial_amount|Amount|n|r|")
        }
        "services" | "projects" | "listings" | "subscriptions" => ("information", NAMED),
        _ => ("custom_information", CUSTOM),
    }
}

/// One line of a table.
pub(super) fn parse(line: &str, group: &str, born: Millis) -> Option<Property> {
    let mut parts = line.split('|');
    let (name, label, code) = (parts.next()?, parts.next()?, parts.next()?);
    let flags = parts.next().unwrap_or_default();
    let (kind, field) = match code {
        "sa" => ("string", "textarea"),
        "sh" => ("string", "html"),
        "sp" => ("string", "phonenumber"),
        "su" => ("string", "file"),
        "sc" => ("string", "calculation_equation"),
        "n" => ("number", "number"),
        "nc" => ("number", "calculation_equation"),
        "b" => ("bool", "booleancheckbox"),
        "e" | "o" => ("enumeration", "select"),
        "er" => ("enumeration", "radio"),
        "em" => ("enumeration", "checkbox"),
        "ec" => ("enumeration", "calculation_equation"),
        "d" => ("date", "date"),
        "dt" => ("datetime", "date"),
        _ => ("string", "text"),
    };
    let mut property = Property::custom(name, label, kind, field, group, born);
    property.hubspot_defined = true;
    property.owner_reference = code == "o";
    property.calculated = flags.contains('c') || field == "calculation_equation";
    property.read_only = flags.contains('r') || property.calculated;
    property.hidden = flags.contains('h');
    if flags.contains('x') {
        property.sensitivity = Sensitivity::Sensitive;
    }
    property.choices = choices(parts.next().unwrap_or_default());
    if kind == "bool" {
        property.choices = choices("true=Yes,false=No");
    }
    Some(property)
}

fn choices(text: &str) -> Vec<Choice> {
    text.split(',')
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (value, label) = entry.split_once('=').unwrap_or((entry, entry));
            Choice { value: value.to_owned(), label: label.to_owned(), hidden: false }
        })
        .collect()
}

const PRODUCTS: &str = "\
name|Name|s||
description|Product description|sa||
price|Unit price|n||
hs_sku|SKU|s||
hs_cost_of_goods_sold|Unit cost|n||
hs_folder|Folder|e||
hs_product_type|Product type|e||inventory=Inventory,non_inventory=Non-Inventory,service=Service
hs_recurring_billing_period|Term|s||
recurringbillingfrequency|Billing frequency|e||monthly=Monthly,quarterly=Quarterly,annually=Annually
tax|Tax|n||
hs_url|URL|s||
hs_images|Image URL|s||";

const LINE_ITEMS: &str = "\
name|Name|s||
description|Description|sa||
quantity|Quantity|n||
price|Unit price|n||
amount|Net price|nc||
discount|Unit discount|n||
hs_discount_percentage|Discount percentage|n||
hs_product_id|Product ID|n||
hs_sku|SKU|s||
hs_cost_of_goods_sold|Unit cost|n||
hs_line_item_currency_code|Currency|e||USD=US Dollar,EUR=Euro,JPY=Japanese Yen
hs_recurring_billing_period|Term|s||
recurringbillingfrequency|Billing frequency|e||monthly=Monthly,quarterly=Quarterly,annually=Annually
hs_position_on_quote|Position on quote|n||
hs_recurring_billing_start_date|Billing start date|d||
hs_pre_discount_amount|Pre discount amount|nc||
hs_total_discount|Total discount|nc||
hs_margin|Margin|nc||
tax|Tax|n||";

const QUOTES: &str = "\
hs_title|Quote Title|s||
hs_expiration_date|Expiration Date|dt||
hs_status|Approval Status|e||DRAFT=Draft,PENDING_APPROVAL=Pending approval,APPROVED=Approved,REJECTED=Rejected,APPROVAL_NOT_NEEDED=Published
hs_public_url_key|Public URL key|s|rh|
hs_quote_amount|Quote Amount|nc||
hs_currency|Currency|e||USD=US Dollar,EUR=Euro,JPY=Japanese Yen
hs_terms|Terms|sa||
hs_comments|Comments|sa||
hs_sender_email|Sender email|s||
hs_sender_firstname|Sender first name|s||
hs_sender_lastname|Sender last name|s||
hs_proposal_domain|Domain|s||
hs_language|Language|e||en=English,de=German,ja=Japanese
hs_quote_number|Quote number|s|r|
hs_quote_link|Quote link|s|r|
hs_pdf_download_link|PDF download link|s|r|";

const NOTES: &str = "\
hs_timestamp|Activity date|dt||
hs_note_body|Note body|sh||
hs_body_preview|Body preview|s|r|
hs_body_preview_html|Body preview HTML|sh|r|
hs_attachment_ids|Attached file IDs|em||";

const TASKS: &str = "\
hs_timestamp|Due date|dt||
hs_task_subject|Task Title|s||
hs_task_body|Task Notes|sh||
hs_task_status|Task Status|e||NOT_STARTED=Not started,IN_PROGRESS=In progress,WAITING=Waiting,COMPLETED=Completed,DEFERRED=Deferred
hs_task_priority|Priority|e||NONE=None,LOW=Low,MEDIUM=Medium,HIGH=High
hs_task_type|Task Type|e||TODO=To-do,CALL=Call,EMAIL=Email
hs_task_is_completed|Is completed|n|c|
hs_task_completion_date|Completed at|dt|r|
hs_queue_membership_ids|Task queues|em||
hs_body_preview|Body preview|s|r|";

const CALLS: &str = "\
hs_timestamp|Activity date|dt||
hs_call_title|Call Title|s||
hs_call_body|Call notes|sh||
hs_call_direction|Call direction|e||INBOUND=Inbound,OUTBOUND=Outbound
hs_call_status|Call status|e||COMPLETED=Completed,BUSY=Busy,NO_ANSWER=No answer,FAILED=Failed
hs_call_disposition|Call outcome|e||f240bbac-87c9-4f6e-bf70-924b57d47db7=Connected,b2cf5968-551e-4856-9783-52b3da59a7d0=Left voicemail
hs_call_duration|Call duration|n||
hs_call_from_number|From Number|sp||
hs_call_to_number|To Number|sp||
hs_call_recording_url|Recording URL|s||
hs_activity_type|Call and meeting type|e||Discovery=Discovery,Demo=Demo,Follow-up=Follow-up
hs_body_preview|Body preview|s|r|";

const MEETINGS: &str = "\
hs_timestamp|Activity date|dt||
hs_meeting_title|Meeting name|s||
hs_meeting_body|Meeting description|sh||
hs_meeting_start_time|Meeting start time|dt||
hs_meeting_end_time|Meeting end time|dt||
hs_meeting_outcome|Meeting outcome|e||SCHEDULED=Scheduled,COMPLETED=Completed,NO_SHOW=No show,CANCELED=Canceled
hs_meeting_location|Meeting location|s||
hs_internal_meeting_notes|Internal meeting notes|sh||
hs_meeting_external_url|External URL|s||
hs_activity_type|Call and meeting type|e||Discovery=Discovery,Demo=Demo,Follow-up=Follow-up
hs_body_preview|Body preview|s|r|";

const EMAILS: &str = "\
hs_timestamp|Activity date|dt||
hs_email_subject|Email subject|s||
hs_email_text|Email body|sa||
hs_email_html|Email HTML|sh||
hs_email_direction|Email direction|e||EMAIL=Outgoing,INCOMING_EMAIL=Incoming,FORWARDED_EMAIL=Forwarded
hs_email_status|Email send status|e||BOUNCED=Bounced,FAILED=Failed,SCHEDULED=Scheduled,SENDING=Sending,SENT=Sent
hs_email_headers|Email headers|sa||
hs_email_from_email|Email From Address|s|r|
hs_email_to_email|Email To Address|s|r|
hs_email_thread_id|Email thread|s|r|
hs_email_logged_from|Logged from|e|r|CRM=CRM,EMAIL=Email
hs_attachment_ids|Attached file IDs|em||
hs_body_preview|Body preview|s|r|";

const COMMUNICATIONS: &str = "\
hs_timestamp|Activity date|dt||
hs_communication_channel_type|Channel type|e||SMS=SMS,WHATS_APP=WhatsApp,LINKEDIN_MESSAGE=LinkedIn message
hs_communication_logged_from|Logged from|e||CRM=CRM
hs_communication_body|Communication body|sh||";

const POSTAL_MAIL: &str = "\
hs_timestamp|Activity date|dt||
hs_postal_mail_body|Postal mail body|sh||";

const LEADS: &str = "\
hs_lead_name|Lead name|s||
hs_lead_type|Lead type|e||NEW_BUSINESS=New business,UPSELL=Upsell,RE_ATTEMPTING=Re-attempting
hs_lead_label|Lead label|e||WARM=Warm,HOT=Hot,COLD=Cold
hs_pipeline|Pipeline|e||lead-pipeline-id=Lead pipeline
hs_pipeline_stage|Lead stage|e||new-stage-id=New,attempting-stage-id=Attempting,connected-stage-id=Connected,qualified-stage-id=Qualified,unqualified-stage-id=Disqualified";

const ORDERS: &str = "\
hs_order_name|Order name|s||
hs_currency_code|Currency|e||USD=US Dollar,EUR=Euro
hs_total_price|Total price|n||
hs_pipeline|Pipeline|e||14a2e10e-5471-408a-906e-c51f3b04369e=Order Pipeline
hs_pipeline_stage|Order stage|e||4b27b500-f031-4927-9811-68a0b525cbae=Open,aa99e8d0-c1d5-4071-b915-d240bbb1aed9=Processed";

const FEEDBACK: &str = "\
hs_submission_name|Submission name|s|r|
hs_content|Response|sa|r|
hs_value|Rating|n|r|
hs_survey_type|Survey type|e|r|NPS=NPS,CES=CES,CSAT=CSAT";

const NAMED: &str = "\
hs_name|Name|s||
hs_pipeline|Pipeline|e||
hs_pipeline_stage|Pipeline stage|e||
hs_status|Status|e||active=Active,closed=Closed
hs_start_date|Start date|d||
hs_target_end_date|Target end date|d||";

const CUSTOM: &str = "\
name|Name|s||
serial_number|Serial number|s||
installed_on|Installed on|d||
running_hours|Running hours|n||
state|State|e||running=Running,stopped=Stopped,scrapped=Scrapped";
