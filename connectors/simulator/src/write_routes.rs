//! The endpoints that change a portal: which method and path lead to which of them.

/// A writing endpoint and the parts of the path that matter to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write<'a> {
    Create(&'a str),
    Update(&'a str, &'a str),
    Archive(&'a str, &'a str),
    BatchCreate(&'a str),
    BatchUpdate(&'a str),
    BatchUpsert(&'a str),
    BatchArchive(&'a str),
    Merge(&'a str),
    Forget(&'a str),
    /// Sets the labels of one pair of records.
    Label(Pair<'a>),
    /// Associates one pair without a label.
    Link(Pair<'a>),
    /// Removes the association of one pair.
    Unlink(Pair<'a>),
    BatchLabel(&'a str, &'a str),
    BatchLink(&'a str, &'a str),
    BatchUnlink(&'a str, &'a str),
    BatchUnlabel(&'a str, &'a str),
    /// Makes a label for a pair of types.
    NewLabel(&'a str, &'a str),
    NewProperty(&'a str),
    ChangeProperty(&'a str, &'a str),
    ArchiveProperty(&'a str, &'a str),
}

/// Two records as a path names them: type and id, twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair<'a> {
    pub(crate) from: &'a str,
    pub(crate) from_id: &'a str,
    pub(crate) to: &'a str,
    pub(crate) to_id: &'a str,
}

impl<'a> Write<'a> {
    /// Below `/crm/objects/{version}`.
    pub(crate) fn objects(method: &str, rest: &[&'a str]) -> Option<Self> {
        Some(match (method, rest) {
            ("POST", [kind]) => Write::Create(kind),
            ("POST", [kind, "batch", "create"]) => Write::BatchCreate(kind),
            ("POST", [kind, "batch", "update"]) => Write::BatchUpdate(kind),
            ("POST", [kind, "batch", "upsert"]) => Write::BatchUpsert(kind),
            ("POST", [kind, "batch", "archive"]) => Write::BatchArchive(kind),
            ("POST", [kind, "merge"]) => Write::Merge(kind),
            ("POST", [kind, "gdpr-delete"]) => Write::Forget(kind),
            ("PATCH", [kind, id]) => Write::Update(kind, id),
            ("DELETE", [kind, id]) => Write::Archive(kind, id),
            ("PUT", [from, from_id, "associations", "default", to, to_id]) => {
                Write::Link(Pair { from, from_id, to, to_id })
            }
            ("PUT", [from, from_id, "associations", to, to_id]) => Write::Label(Pair { from, from_id, to, to_id }),
            ("DELETE", [from, from_id, "associations", to, to_id]) => Write::Unlink(Pair { from, from_id, to, to_id }),
            _ => return None,
        })
    }

    /// Below `/crm/associations/{version}`.
    pub(crate) fn associations(method: &str, rest: &[&'a str]) -> Option<Self> {
        Some(match (method, rest) {
            ("POST", [from, to, "batch", "create"]) => Write::BatchLabel(from, to),
            ("POST", [from, to, "batch", "associate", "default"]) => Write::BatchLink(from, to),
            ("POST", [from, to, "batch", "archive"]) => Write::BatchUnlink(from, to),
            ("POST", [from, to, "batch", "labels", "archive"]) => Write::BatchUnlabel(from, to),
            ("POST", [from, to, "labels"]) => Write::NewLabel(from, to),
            _ => return None,
        })
    }

    /// Below `/crm/properties/{version}`.
    pub(crate) fn properties(method: &str, rest: &[&'a str]) -> Option<Self> {
        Some(match (method, rest) {
            ("POST", [kind]) => Write::NewProperty(kind),
            ("PATCH", [kind, name]) => Write::ChangeProperty(kind, name),
            ("DELETE", [kind, name]) => Write::ArchiveProperty(kind, name),
            _ => return None,
        })
    }

    /// Whether it draws on the budget of the associations API.
    pub(crate) fn of_associations(self) -> bool {
        matches!(self, Write::BatchLabel(..) | Write::BatchLink(..) | Write::BatchUnlink(..) | Write::BatchUnlabel(..))
    }

    /// Whether it takes many records at once and answers for each.
    pub(crate) fn is_batch(self) -> bool {
        matches!(self, Write::BatchCreate(_) | Write::BatchUpdate(_) | Write::BatchUpsert(_))
    }

    /// The object types it changes, and whether it is their schema that it changes.
    pub(crate) fn types(self) -> (Vec<&'a str>, bool) {
        match self {
            Write::Create(kind)
            | Write::Update(kind, _)
            | Write::Archive(kind, _)
            | Write::BatchCreate(kind)
            | Write::BatchUpdate(kind)
            | Write::BatchUpsert(kind)
            | Write::BatchArchive(kind)
            | Write::Merge(kind)
            | Write::Forget(kind) => (vec![kind], false),
            Write::Label(pair) | Write::Link(pair) | Write::Unlink(pair) => (vec![pair.from, pair.to], false),
            Write::BatchLabel(from, to)
            | Write::BatchLink(from, to)
            | Write::BatchUnlink(from, to)
            | Write::BatchUnlabel(from, to) => (vec![from, to], false),
            Write::NewLabel(from, to) => (vec![from, to], true),
            Write::NewProperty(kind) | Write::ChangeProperty(kind, _) | Write::ArchiveProperty(kind, _) => {
                (vec![kind], true)
            }
        }
    }
}
