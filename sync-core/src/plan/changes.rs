//! What people changed in the mirror, as the remote would be told of it. No I/O.

use crate::model::RecordId;

/// What is to happen to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A new row asks for a record.
    Create,
    /// A row was edited.
    Update,
    /// A row asks for its record to be archived.
    Archive,
}

impl Operation {
    /// As it stands in tables and output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Archive => "archive",
        }
    }

    /// The operation of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Archive].into_iter().find(|operation| operation.word() == word)
    }
}

/// One field that a person changed. Values are what the remote is sent; `None` is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The remote's name.
    pub property: String,
    /// The mirror's name.
    pub column: String,
    /// What both sides agreed on last.
    pub base: Option<String>,
    /// What the mirror says now.
    pub local: Option<String>,
}

/// One row that is to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// What for.
    pub operation: Operation,
    /// Its handle.
    pub row: i64,
    /// Its key; empty where the row is gone.
    pub uid: String,
    /// Its record; `None` before there is one.
    pub id: Option<RecordId>,
    /// The fields that changed, in the mapping's order; of a new row those that hold anything.
    pub fields: Vec<FieldChange>,
}

/// A field whose value cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsendable {
    /// The remote's name.
    pub property: String,
    /// The value as it stands in the mirror.
    pub value: Option<String>,
    /// Why, as a sentence.
    pub why: String,
}

/// What is to be done about one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowPlan {
    /// What to push of it; `None` when nothing is left to push.
    pub change: Option<RowChange>,
    /// Fields that cannot be sent.
    pub unsendable: Vec<Unsendable>,
    /// How many of its fields wait for a person: held conflicts, and what was refused before and is still the same.
    pub waiting: u64,
    /// Whether something was sent of it whose outcome is not known: nothing else of it is until then.
    pub unsettled: bool,
    /// Whether an archive is asked for beside the change.
    pub archive: bool,
}

impl RowPlan {
    /// Whether its record is to be archived. None is of which anything waits or cannot be sent.
    pub fn archives(&self) -> bool {
        self.archive && self.waiting == 0 && self.unsendable.is_empty()
    }

    /// The archive that is sent once this row's edits are; none while any of them waits or cannot be sent.
    pub fn archive_after_edits(&self) -> Option<RowChange> {
        let edits = self.change.as_ref().filter(|change| change.operation == Operation::Update)?;
        self.archives().then(|| RowChange { operation: Operation::Archive, fields: Vec::new(), ..edits.clone() })
    }
}
