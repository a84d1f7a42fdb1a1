//! What of all that is due a push may send: everything, or only what an undo takes back.

use super::TakenBack;
use crate::model::RecordId;
use crate::plan::changes::{Operation, RowPlan};
use crate::store::{Fate, LinkChange, Pair};
use std::collections::{BTreeMap, BTreeSet};

/// What a push may send.
#[derive(Clone, Debug, Default)]
pub(crate) enum Scope {
    /// Whatever is due.
    #[default]
    Everything,
    /// What an undo made edits of; other edits wait for the next push.
    Only(Aims),
}

/// What an undo made edits of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aims {
    /// By object type and record.
    records: BTreeMap<(String, String), Aim>,
    pairs: BTreeSet<(Pair, RecordId, RecordId)>,
}

/// What may be sent of one record.
#[derive(Clone, Debug)]
enum Aim {
    /// All of it, as it is archived then.
    Whole,
    /// These properties.
    Properties(BTreeSet<String>),
}

impl Scope {
    /// What is sent to take this back, also where an earlier undo was stopped before it had been sent.
    pub(super) fn of(taken: &TakenBack) -> Self {
        let mut aims = Aims::default();
        for undoing in &taken.records {
            let key = (undoing.object.clone(), undoing.record.clone());
            match (undoing.fate, &undoing.property) {
                (Fate::CreatedArchived, _) => {
                    aims.records.insert(key, Aim::Whole);
                }
                (Fate::Undone | Fate::AlreadyUndone, Some(property)) => {
                    let aim = aims.records.entry(key).or_insert_with(|| Aim::Properties(BTreeSet::new()));
                    if let Aim::Properties(properties) = aim {
                        properties.insert(property.clone());
                    }
                }
                _ => {}
            }
        }
        let back = taken.links.iter().filter(|undoing| matches!(undoing.fate, Fate::Undone | Fate::AlreadyUndone));
        aims.pairs = back
            .map(|undoing| (undoing.wrote.pair.clone(), undoing.wrote.from.clone(), undoing.wrote.to.clone()))
            .collect();
        Self::Only(aims)
    }

    /// The part of a row's plan that may be sent; `None` where nothing of the row is concerned.
    pub(super) fn narrow(&self, object: &str, id: Option<&str>, mut plan: RowPlan) -> Option<RowPlan> {
        let Self::Only(aims) = self else { return Some(plan) };
        match aims.records.get(&(object.to_owned(), id?.to_owned()))? {
            Aim::Whole => {}
            Aim::Properties(properties) => {
                plan.archive = false;
                plan.change = plan.change.filter(|change| change.operation == Operation::Update);
                if let Some(change) = &mut plan.change {
                    change.fields.retain(|field| properties.contains(&field.property));
                }
                plan.change = plan.change.filter(|change| !change.fields.is_empty());
            }
        }
        Some(plan)
    }

    /// Whether the associations of a pair may be sent.
    pub(super) fn holds(&self, change: &LinkChange) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(aims) => aims.pairs.contains(&(change.pair.clone(), change.from.clone(), change.to.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::model::RecordId;
    use crate::plan::changes::{FieldChange, Operation, RowChange, RowPlan};
    use crate::push::TakenBack;
    use crate::store::{Fate, Undoing};

    fn undoing(record: &str, property: Option<&str>, fate: Fate) -> Undoing {
        Undoing {
            object: "contacts".to_owned(),
            record: record.to_owned(),
            property: property.map(str::to_owned),
            before: None,
            after: None,
            now: None,
            fate,
        }
    }

    /// A row in which these properties were edited and that is to be archived.
    fn plan(id: &str, properties: &[&str]) -> RowPlan {
        let field = |property: &&str| FieldChange {
            property: (*property).to_owned(),
            column: (*property).to_owned(),
            base: None,
            local: None,
        };
        let change = RowChange {
            operation: Operation::Update,
            row: 1,
            uid: String::new(),
            id: Some(RecordId::from(id)),
            fields: properties.iter().map(field).collect(),
        };
        RowPlan { change: Some(change), archive: true, ..RowPlan::default() }
    }

    /// What may be sent of the plan, in words.
    fn sent(scope: &Scope, id: &str, properties: &[&str]) -> String {
        let Some(plan) = scope.narrow("contacts", Some(id), plan(id, properties)) else { return "nothing".to_owned() };
        let fields = plan.change.into_iter().flat_map(|change| change.fields).map(|field| field.property);
        let archive = plan.archive.then(|| "archive".to_owned());
        fields.chain(archive).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_undo_sends_what_it_takes_back_and_no_other_edit() {
        let taken = TakenBack {
            records: vec![
                undoing("1", Some("city"), Fate::Undone),
                undoing("1", Some("zip"), Fate::AlreadyUndone),
                undoing("1", Some("phone"), Fate::EditedSince),
                undoing("2", None, Fate::CreatedArchived),
                undoing("3", Some("city"), Fate::Conflict),
                undoing("4", None, Fate::Created),
            ],
            links: Vec::new(),
        };
        let scope = Scope::of(&taken);
        assert_eq!(sent(&scope, "1", &["city", "phone", "zip", "email"]), "city zip");
        assert_eq!(sent(&scope, "1", &["phone"]), "");
        assert_eq!(sent(&scope, "2", &["city"]), "city archive");
        for record in ["3", "4", "5"] {
            assert_eq!(sent(&scope, record, &["city"]), "nothing", "record {record}");
        }
        assert!(scope.narrow("contacts", None, plan("-", &["city"])).is_none(), "no new row");
        assert_eq!(sent(&Scope::Everything, "5", &["city"]), "city archive");
    }
}
