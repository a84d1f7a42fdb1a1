//! What a remote says about a property: the facts that types and directions are resolved from.

/// The type of a property's value on the remote's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireType {
    /// Text.
    String,
    /// A decimal number, as text.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of a list of options, or several of them joined by `;`.
    Enumeration,
    /// A civil date.
    Date,
    /// An instant.
    DateTime,
    /// A telephone number.
    PhoneNumber,
    /// JSON, or a remote-internal structure.
    Json,
    /// A type this program does not know: shown as text, never written.
    Unknown,
}

impl WireType {
    /// What the remote calls the type; the unknown one by a word that no remote uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Enumeration => "enumeration",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::PhoneNumber => "phone_number",
            Self::Json => "json",
            Self::Unknown => "unknown",
        }
    }

    /// The type that the remote calls `name`.
    pub fn named(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "enumeration" => Self::Enumeration,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "phone_number" => Self::PhoneNumber,
            "json" | "object_coordinates" => Self::Json,
            _ => Self::Unknown,
        }
    }
}

/// One property of an object type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertySchema {
    /// The internal name, which never changes.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The type of its values.
    pub wire_type: WireType,
    /// The type in the remote's own word.
    pub type_name: String,
    /// How it is edited on the remote's pages, in the remote's word (`checkbox` means several options at once).
    pub field_type: String,
    /// The group it belongs to.
    pub group_name: String,
    /// Whether the remote computes it.
    pub calculated: bool,
    /// Whether the remote refuses writes to it.
    pub read_only: bool,
    /// Whether no two records may share a value.
    pub has_unique_value: bool,
    /// Whether it is hidden from people.
    pub hidden: bool,
    /// Whether it is archived.
    pub archived: bool,
    /// The options of an enumeration.
    pub options: Vec<PropertyOption>,
}

/// One option of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyOption {
    /// What records hold.
    pub value: String,
    /// What people see.
    pub label: String,
    /// Its place among its siblings.
    pub display_order: i64,
    /// Whether it is hidden from people.
    pub hidden: bool,
}
