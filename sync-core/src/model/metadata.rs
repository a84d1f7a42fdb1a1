//! What a remote tells about its own shape, besides the properties (those are [`mappings::PropertySchema`]).

use super::Timestamp;

/// One object type.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ObjectType {
    /// The plural name by which mappings call it, in lower case.
    pub name: String,
    /// The remote's own id of the type.
    pub object_type_id: String,
    /// The name that is unique in the account; custom types only.
    pub fully_qualified_name: Option<String>,
    /// One of them.
    pub singular: String,
    /// Several of them.
    pub plural: String,
    /// Whether the account defined it.
    pub custom: bool,
}

impl ObjectType {
    /// The word for one record of the type that is called `object` by its name, id or fully qualified name; `object`
    /// itself where none of `types` is.
    pub fn singular_among(types: &[Self], object: &str) -> String {
        let called = |kind: &&Self| {
            kind.name == object || kind.object_type_id == object || kind.fully_qualified_name.as_deref() == Some(object)
        };
        types.iter().find(called).map_or_else(|| object.to_owned(), |kind| kind.singular.clone())
    }
}

/// A person or queue that records belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The id that records refer to.
    pub id: String,
    /// Address, if it has one.
    pub email: Option<String>,
    /// First name, if known.
    pub first_name: Option<String>,
    /// Last name, if known.
    pub last_name: Option<String>,
    /// The user behind the owner, if there still is one.
    pub user_id: Option<String>,
    /// What kind of owner it is, in the remote's word.
    pub kind: Option<String>,
    /// Whether it is archived.
    pub archived: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

/// A sequence of stages that records of one object type move through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// The id that records refer to.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its place among its siblings.
    pub display_order: i64,
    /// Whether it is archived.
    pub archived: bool,
    /// Its stages.
    pub stages: Vec<Stage>,
}

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The id that records refer to.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its place among its siblings.
    pub display_order: i64,
    /// Whether a record in it is done; `None` where the remote does not say.
    pub is_closed: Option<bool>,
    /// The chance of winning in it, in the remote's digits.
    pub probability: Option<String>,
    /// Everything else the remote tells of it, a JSON object.
    pub metadata: String,
    /// Whether it is archived.
    pub archived: bool,
}

/// A kind of association that two object types can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationLabel {
    /// Who defined it.
    pub category: String,
    /// Its number, in this direction.
    pub type_id: i64,
    /// What people call it, if it has a name.
    pub label: Option<String>,
}
