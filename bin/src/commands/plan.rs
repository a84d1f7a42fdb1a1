//! `crmsync plan`: what a push would send.

use super::decide::brief;
use super::{Allowances, Context};
use crate::exit::{CommandError, Exit, REMADE};
use crate::installation::Installation;
use crate::output::{Align, Table, words};
use clap::Args;
use connectors::Transport;
use mappings::Mapping;
use serde::Serialize;
use sync_core::model::{AssociationKind, RecordId};
use sync_core::plan::changes::{FieldChange, Operation, RowChange};
use sync_core::plan::links::Kinds;
use sync_core::store::LinkChange;
use sync_core::{PlannedObject, Survey};
use tokio::time::Instant;

/// Show what a push would send, field by field.
///
/// Makes no call. It is what the next `crmsync push` sends as long as the portal stands still: a push reads each record
/// again right before it writes, and a new row may find its record there already. Says what a safety belt would hold back,
/// and the number to pass to --allow. Notes everything in sync_pending.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync plan
  crmsync plan contacts --json
  crmsync plan --full          compares every row, not only those that were noted as touched
  crmsync plan --exit-code     ends with 1 where anything is pending, for scripts")]
pub struct PlanArgs {
    /// Object types to look at [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
    /// Compare every row
    #[arg(long)]
    pub full: bool,
    /// End with exit code 1 where anything is pending
    #[arg(long)]
    pub exit_code: bool,
}

/// How many rows are shown to a person.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct Document<'a> {
    objects: Vec<ObjectDocument<'a>>,
    /// Rows with changes that wait for a person, by object.
    held: Vec<Held<'a>>,
    calls: Calls,
    seconds: f64,
}

#[derive(Serialize)]
struct ObjectDocument<'a> {
    object: &'a str,
    creates: Vec<RowDocument<'a>>,
    updates: Vec<RowDocument<'a>>,
    archives: Vec<RowDocument<'a>>,
    associations: Associations<'a>,
    /// What belts would hold back of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back: Option<HeldBackDocument>,
    /// New rows that a push would refuse.
    refused: u64,
    /// Why nothing of it would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct HeldBackDocument {
    what: String,
    /// What `--allow` lets it through with.
    allow: String,
}

#[derive(Serialize)]
struct RowDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<&'a str>,
    uid: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldDocument<'a>>,
}

#[derive(Serialize)]
struct FieldDocument<'a> {
    property: &'a str,
    column: &'a str,
    base: Option<&'a str>,
    local: Option<&'a str>,
}

#[derive(Serialize)]
struct Associations<'a> {
    add: Vec<LinkDocument<'a>>,
    remove: Vec<LinkDocument<'a>>,
}

/// Kinds of association that a pair of records gets or loses.
#[derive(Serialize)]
struct LinkDocument<'a> {
    from_object: &'a str,
    from_id: &'a str,
    to_object: &'a str,
    to_id: &'a str,
    labels: Vec<KindDocument<'a>>,
}

/// A kind of association.
#[derive(Serialize)]
pub(super) struct KindDocument<'a> {
    category: &'a str,
    type_id: i64,
    label: Option<&'a str>,
}

#[derive(Serialize)]
struct Held<'a> {
    object: &'a str,
    rows: u64,
}

impl<'a> KindDocument<'a> {
    /// A kind as a document.
    pub(super) fn of(kind: &'a AssociationKind) -> Self {
        Self { category: &kind.category, type_id: kind.type_id, label: kind.label.as_deref() }
    }
}

/// How many calls a push would make.
#[derive(Default, Serialize)]
struct Calls {
    window: u64,
    search: u64,
    associations: u64,
}

/// Runs `plan`.
pub fn run(context: &Context, arguments: &PlanArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    let installation = Installation::open(context, &portal, Allowances::default())?;
    let (pending, exit) = show(context, &installation, &objects, arguments.full)?;
    Ok(exit.and(if pending && arguments.exit_code { Exit::Attention } else { Exit::Done }))
}

/// Shows the plan. Says whether anything is in it, and whether an object is stopped by a table that was replaced, or left
/// out because nothing is known of it.
pub(super) fn show<T: Transport + 'static>(
    context: &Context,
    installation: &Installation<T>,
    objects: &[String],
    full: bool,
) -> Result<(bool, Exit), CommandError> {
    let began = Instant::now();
    let survey = context.block_on(installation.engine.plan(&installation.mappings, objects, full))??;
    let document = Document {
        objects: survey.iter().map(|(object, planned)| object_document(object, planned)).collect(),
        held: survey
            .iter()
            .filter(|(_, planned)| planned.waiting > 0)
            .map(|(object, planned)| Held { object, rows: planned.waiting })
            .collect(),
        calls: calls(&survey),
        seconds: (began.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0,
    };
    let mut exit = Exit::Done;
    for (object, why) in survey.iter().filter_map(|(object, planned)| Some((object, planned.stopped.as_ref()?))) {
        exit = Exit::Belt;
        context.output.complain(&CommandError::new(exit, format!("{object}: {why}.")).hint(REMADE));
    }
    if survey.values().any(|planned| planned.skipped.is_some()) {
        exit = exit.and(Exit::Attention);
    }
    context.output.show(&document, |output| {
        let total: usize = survey.values().map(|planned| planned.changes.len() + planned.links.len()).sum();
        if total > 0 {
            output.table(&table(&survey, &installation.mappings))?;
        }
        if total > SHOWN {
            output.line(format!("and {} more: sync_pending has all of them", words::count((total - SHOWN) as u64)))?;
        }
        for held in &document.held {
            let rows = words::counted(held.rows, "row waits", "rows wait");
            let see = "see `crmsync conflicts` and `crmsync rejects`";
            output.line(format!("{}: {rows} for a person, {see}", held.object))?;
        }
        for (object, planned) in survey.iter().filter(|(_, planned)| planned.unsettled > 0) {
            let rows = words::counted(planned.unsettled, "row was", "rows were");
            output
                .line(format!("{object}: {rows} sent and never answered; the next push finds out what became of it"))?;
        }
        for (object, planned) in survey.iter().filter(|(_, planned)| planned.refused > 0) {
            let rows = words::counted(planned.refused, "new row", "new rows");
            output.line(format!("{object}: {rows} would be refused: empty, or with the key of another new one"))?;
        }
        for (object, planned) in &survey {
            if let Some(held) = &planned.held_back {
                output.line(format!("{object}: {} without --allow {}", held.what(), held.allow()))?;
            }
        }
        for object in stopped(&survey) {
            output.line(format!("{object} is stopped: nothing of it would be sent."))?;
        }
        output.line(summary(&survey, &document.calls))
    })?;
    Ok((survey.values().any(|planned| !planned.changes.is_empty() || !planned.links.is_empty()), exit))
}

/// The object types that are stopped by a table that was replaced.
fn stopped(survey: &Survey) -> impl Iterator<Item = &str> {
    survey.iter().filter(|(_, planned)| planned.stopped.is_some()).map(|(object, _)| object.as_str())
}

fn summary(survey: &Survey, calls: &Calls) -> String {
    let count = |operation: Operation| -> u64 {
        let changes = survey.values().flat_map(|planned| &planned.changes);
        changes.filter(|change| change.operation == operation).count() as u64
    };
    let (creates, updates, archives) = (count(Operation::Create), count(Operation::Update), count(Operation::Archive));
    let links = survey.values().map(|planned| planned.links.len() as u64).sum();
    if creates + updates + archives + links == 0 {
        let nothing = if stopped(survey).next().is_some() { "Nothing else to push." } else { "Nothing to push." };
        return nothing.to_owned();
    }
    let pairs = match links {
        0 => String::new(),
        links => format!(", {}", words::counted(links, "pair of records", "pairs of records")),
    };
    format!(
        "{}, {}, {}{pairs}: about {}",
        words::counted(creates, "create", "creates"),
        words::counted(updates, "update", "updates"),
        words::counted(archives, "archive", "archives"),
        words::counted(calls.window + calls.associations, "call", "calls")
    )
}

fn table(survey: &Survey, mappings: &[Mapping]) -> Table {
    let mut table = Table::new([
        ("object", Align::Left),
        ("operation", Align::Left),
        ("record", Align::Left),
        ("property", Align::Left),
        ("base", Align::Left),
        ("local", Align::Left),
    ]);
    let rows = survey.iter().flat_map(|(object, planned)| planned.changes.iter().map(move |change| (object, change)));
    let mut left = SHOWN;
    for (object, change) in rows.take(SHOWN) {
        left -= 1;
        let operation = operation(change, mappings.iter().find(|mapping| mapping.object == *object));
        let record = change.id.as_ref().map_or(change.uid.as_str(), |id| id.as_str());
        if change.fields.is_empty() {
            table.row([object.as_str(), operation, record, "", "", ""]);
        }
        for (place, field) in change.fields.iter().enumerate() {
            let (base, local) = (brief(field.base.as_deref()), brief(field.local.as_deref()));
            let head = if place == 0 { [object.as_str(), operation, record] } else { ["", "", ""] };
            table.row([head[0], head[1], head[2], &field.property, &base, &local]);
        }
    }
    for link in survey.values().flat_map(|planned| &planned.links).take(left) {
        let (base, local) = (names(&link.base), names(&link.local));
        let other = format!("{} {}", link.pair.to, link.to);
        table.row([link.pair.from.as_str(), link.operation(), link.from.as_str(), &other, &base, &local]);
    }
    table
}

/// What is to happen to a row. A new one that something identifies may find its record there already.
fn operation(change: &RowChange, mapping: Option<&Mapping>) -> &'static str {
    let keyed =
        |mapping: &Mapping| change.fields.iter().any(|field| mapping.key.as_deref() == Some(field.property.as_str()));
    match (change.operation, mapping) {
        (Operation::Create, Some(mapping)) if mapping.unique.is_some() || keyed(mapping) => "create or adopt",
        (operation, _) => operation.word(),
    }
}

/// The labels of a pair.
pub(super) fn names(kinds: &Kinds) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.label.as_deref().unwrap_or("(unlabeled)")).collect();
    brief(Some(&names.join(", ")))
}

fn object_document<'a>(object: &'a str, planned: &'a PlannedObject) -> ObjectDocument<'a> {
    let of = |operation: Operation| {
        planned.changes.iter().filter(|change| change.operation == operation).map(row_document).collect()
    };
    ObjectDocument {
        object,
        creates: of(Operation::Create),
        updates: of(Operation::Update),
        archives: of(Operation::Archive),
        associations: Associations {
            add: link_documents(planned, |link| (&link.local, &link.base)),
            remove: link_documents(planned, |link| (&link.base, &link.local)),
        },
        held_back: planned.held_back.as_ref().map(|held| HeldBackDocument { what: held.what(), allow: held.allow() }),
        refused: planned.refused,
        error: planned.stopped.as_deref().or(planned.skipped.as_deref()),
    }
}

/// The kinds of each pair that are on the one side and not on the other.
fn link_documents<'a>(
    planned: &'a PlannedObject,
    sides: impl Fn(&'a LinkChange) -> (&'a Kinds, &'a Kinds),
) -> Vec<LinkDocument<'a>> {
    let documents = planned.links.iter().filter_map(|link| {
        let (has, lacks) = sides(link);
        let labels: Vec<KindDocument<'a>> = has.difference(lacks).map(KindDocument::of).collect();
        (!labels.is_empty()).then(|| LinkDocument {
            from_object: &link.pair.from,
            from_id: link.from.as_str(),
            to_object: &link.pair.to,
            to_id: link.to.as_str(),
            labels,
        })
    });
    documents.collect()
}

fn row_document(change: &RowChange) -> RowDocument<'_> {
    RowDocument {
        record_id: change.id.as_ref().map(RecordId::as_str),
        uid: &change.uid,
        fields: change.fields.iter().map(field_document).collect(),
    }
}

fn field_document(field: &FieldChange) -> FieldDocument<'_> {
    FieldDocument {
        property: &field.property,
        column: &field.column,
        base: field.base.as_deref(),
        local: field.local.as_deref(),
    }
}

/// A batch is read and written, at a hundred records a call; archived ones are read again, and pairs, a thousand at once.
fn calls(survey: &Survey) -> Calls {
    let batches = |planned: &PlannedObject, operation: Operation| {
        planned.changes.iter().filter(|change| change.operation == operation).count().div_ceil(100) as u64
    };
    let window = survey
        .values()
        .map(|planned| {
            2 * (batches(planned, Operation::Create) + batches(planned, Operation::Update))
                + 3 * batches(planned, Operation::Archive)
        })
        .sum();
    let associations = survey.values().map(|planned| 3 * planned.links.len().div_ceil(1_000) as u64).sum();
    Calls { window, associations, ..Calls::default() }
}

#[cfg(test)]
mod tests {
    use super::operation;
    use mappings::Mapping;
    use sync_core::plan::changes::{FieldChange, Operation, RowChange};

    fn change(operation: Operation, properties: &[&str]) -> RowChange {
        let field = |property: &&str| FieldChange {
            property: (*property).to_owned(),
            column: (*property).to_owned(),
            base: None,
            local: Some("x".to_owned()),
        };
        let fields = properties.iter().map(field).collect();
        RowChange { operation, row: 1, uid: "u1".to_owned(), id: None, fields }
    }

    #[test]
    fn only_a_new_row_that_something_identifies_may_be_adopted() {
        let mapping = |line: &str| {
            let text = format!("object: contacts\ntable: contacts\n{line}fields:\n  email: email\n  city: city\n");
            Mapping::parse("contacts.yaml", &text).unwrap()
        };
        let (plain, keyed, unique) = (mapping(""), mapping("key: email\n"), mapping("unique: row_id\n"));
        let (with, without) = (change(Operation::Create, &["city", "email"]), change(Operation::Create, &["city"]));
        assert_eq!([operation(&with, Some(&plain)), operation(&with, None)], ["create", "create"]);
        assert_eq!([operation(&with, Some(&keyed)), operation(&without, Some(&keyed))], ["create or adopt", "create"]);
        assert_eq!(operation(&without, Some(&unique)), "create or adopt");
        assert_eq!(operation(&change(Operation::Update, &["email"]), Some(&keyed)), "update");
    }
}
