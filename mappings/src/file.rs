//! The shape of a mapping file: which keys there are, what each may hold, and what a person meant who wrote another.
//!
//! Reading goes on after a mistake, so that one look at the messages is enough to mend a file.

use std::collections::HashMap;

use crate::error::{MappingError, shown};
use crate::file_field;
use crate::mapping::{AssociationRule, MappedField, Mapping, Places, Source};
use crate::names;
use crate::policy::{Deletes, Direction, Policy, Unmapped};
use crate::yaml::{self, Key, Node, Place, Shape};

/// Far above any real mapping, far below what would take noticeable time.
const LARGEST_FILE: usize = 1024 * 1024;

/// SQLite allows 2,000 columns; the rest are the mirror's own, and room for them to grow.
const MOST_COLUMNS: usize = 1_900;

const TOP: [&str; 9] =
    ["object", "table", "key", "unique", "conflict", "deletes", "fields", "unmapped", "associations"];

/// Reads a mapping file, or tells every mistake in it, in the order of the file.
pub(crate) fn read(source: Source, text: &str) -> Result<Mapping, Vec<MappingError>> {
    let mut reader = Reader { file: source.to_string(), field: None, errors: Vec::new() };
    let mapping = reader.document(source, text);
    match mapping {
        Some(mapping) if reader.errors.is_empty() => Ok(mapping),
        _ => {
            reader.errors.sort_by_key(|error| (error.line, error.column));
            Err(reader.errors)
        }
    }
}

/// Collects mistakes while the tree is read.
pub(crate) struct Reader {
    file: String,
    /// The field that is being read.
    field: Option<String>,
    errors: Vec<MappingError>,
}

impl Reader {
    pub(crate) fn wrong(&mut self, place: impl Into<Option<Place>>, message: impl Into<String>) {
        self.push(place.into(), message.into(), None);
    }

    pub(crate) fn wrong_but(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Some(place), message.into(), Some(hint.into()));
    }

    fn push(&mut self, place: Option<Place>, message: String, hint: Option<String>) {
        self.errors.push(MappingError {
            file: self.file.clone(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            field: self.field.clone(),
            message,
            hint: hint.map(String::into_boxed_str),
        });
    }

    /// The entries of a map whose keys are known, each at most once.
    pub(crate) fn known_entries<'a>(&mut self, node: &'a Node, what: &str, known: &[&str]) -> Vec<(&'a Key, &'a Node)> {
        let mut kept: Vec<(&Key, &Node)> = Vec::new();
        for (key, value) in self.entries(node, what) {
            if known.contains(&key.text.as_str()) {
                kept.push((key, value));
            } else {
                let hint = match names::closest(&key.text, known.iter().copied()) {
                    Some(meant) => format!("Did you mean `{meant}`?"),
                    None => format!("Known here: {}.", known.join(", ")),
                };
                self.wrong_but(key.place, format!("unknown key {}", shown(&key.text)), hint);
            }
        }
        kept
    }

    /// The entries of a map, each key at most once.
    pub(crate) fn entries<'a>(&mut self, node: &'a Node, what: &str) -> Vec<(&'a Key, &'a Node)> {
        let Shape::Map(entries) = &node.shape else {
            self.wrong(node.place, format!("{what} must be a map of keys and values, not {}", node.describe()));
            return Vec::new();
        };
        let mut first: HashMap<&str, u64> = HashMap::new();
        let mut kept = Vec::new();
        for (key, value) in entries {
            match first.get(key.text.as_str()) {
                Some(line) => {
                    self.wrong(key.place, format!("{} was already given on line {line}", shown(&key.text)));
                }
                None => {
                    first.insert(&key.text, key.place.line);
                    kept.push((key, value));
                }
            }
        }
        kept
    }

    /// A single value that is not empty.
    pub(crate) fn text<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a str> {
        match &node.shape {
            Shape::Scalar(text) if !text.is_empty() => Some(text),
            Shape::Scalar(_) | Shape::Empty => {
                self.wrong(node.place, format!("{what} needs a value"));
                None
            }
            Shape::Map(_) | Shape::List => {
                self.wrong(node.place, format!("{what} must be a single value, not {}", node.describe()));
                None
            }
        }
    }

    /// One of a list of words.
    pub(crate) fn word<T>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[&str],
        from: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node, what)?;
        let found = from(text).filter(|_| words.contains(&text));
        if found.is_none() {
            let hint = names::closest(text, words.iter().copied()).map(|meant| format!("Did you mean `{meant}`?"));
            let message = format!("{what} must be {}, not {}", one_of(words), shown(text));
            self.push(Some(node.place), message, hint);
        }
        found
    }

    fn document(&mut self, source: Source, text: &str) -> Option<Mapping> {
        if text.len() > LARGEST_FILE {
            self.wrong(None, format!("the file is larger than {} KiB", LARGEST_FILE / 1024));
            return None;
        }
        let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        if text.trim_start_matches('\u{feff}').lines().all(blank) {
            self.wrong(None, "the file is empty; a mapping begins with `object:`");
            return None;
        }
        match yaml::parse(text) {
            Ok(root) => self.mapping(source, &root),
            Err(error) => {
                self.wrong(error.place, format!("not YAML: {}", error.message));
                None
            }
        }
    }

    fn mapping(&mut self, source: Source, root: &Node) -> Option<Mapping> {
        let mut mapping = Mapping {
            object: String::new(),
            table: String::new(),
            key: None,
            unique: None,
            conflict: Policy::RemoteWins,
            deletes: Deletes::Ignore,
            fields: Vec::new(),
            unmapped: Unmapped::Json,
            associations: Vec::new(),
            source,
            places: Places::default(),
        };
        let entries = self.known_entries(root, "a mapping", &TOP);
        let given = |name: &str| entries.iter().any(|(key, _)| key.text == name);
        let (has_object, has_table, has_fields) = (given("object"), given("table"), given("fields"));
        for (key, node) in entries {
            self.top_entry(&mut mapping, key, node);
        }
        if matches!(root.shape, Shape::Map(_)) {
            if !has_object {
                self.wrong_but(root.place, "`object` is missing", "Name the object type, like `object: contacts`.");
            }
            if !has_fields {
                self.wrong_but(root.place, "`fields` is missing", "Name the properties that become columns.");
            }
            if !has_table && !mapping.object.is_empty() {
                self.default_table(&mut mapping);
            }
        }
        self.check_columns(&mapping.fields);
        self.check_key(&mapping, has_fields);
        Some(mapping)
    }

    fn top_entry(&mut self, mapping: &mut Mapping, key: &Key, node: &Node) {
        match key.text.as_str() {
            "object" => {
                mapping.object = self.object(node, "`object`").unwrap_or_default();
                mapping.places.object = Some(node.place);
            }
            "table" => {
                mapping.table = self.table(node).unwrap_or_default();
                mapping.places.table = Some(node.place);
            }
            "key" => {
                mapping.key = self.text(node, "`key`").map(str::to_owned);
                mapping.places.key = Some(node.place);
            }
            "unique" => {
                mapping.unique = self.text(node, "`unique`").map(str::to_owned);
                mapping.places.unique = Some(node.place);
            }
            "conflict" => {
                if let Some(policy) = self.word(node, "`conflict`", Policy::WORDS, Policy::from_word) {
                    mapping.conflict = policy;
                }
            }
            "deletes" => {
                if let Some(deletes) = self.word(node, "`deletes`", Deletes::WORDS, Deletes::from_word) {
                    mapping.deletes = deletes;
                }
            }
            "unmapped" => {
                if let Some(unmapped) = self.word(node, "`unmapped`", Unmapped::WORDS, Unmapped::from_word) {
                    mapping.unmapped = unmapped;
                }
            }
            "fields" => mapping.fields = self.fields(node),
            _ => mapping.associations = self.associations(node),
        }
    }

    fn object(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?;
        if text.len() > 200 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
            self.wrong(node.place, format!("{} is not the name or id of an object type", shown(text)));
            return None;
        }
        Some(text.to_owned())
    }

    fn table(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "`table`")?;
        if let Some(problem) = names::table_problem(text) {
            self.wrong(node.place, format!("table {problem}"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A table is named after its object unless the file says otherwise.
    fn default_table(&mut self, mapping: &mut Mapping) {
        if names::table_problem(&mapping.object).is_some() {
            let message = format!("`table` is missing, and `{}` cannot be a table's name", mapping.object);
            self.wrong(mapping.places.object, message);
        } else {
            mapping.table.clone_from(&mapping.object);
        }
    }

    fn fields(&mut self, node: &Node) -> Vec<MappedField> {
        let mut fields = Vec::new();
        for (key, value) in self.entries(node, "`fields`") {
            self.field = Some(key.text.clone());
            fields.extend(file_field::read(self, key, value));
            self.field = None;
        }
        fields
    }

    fn associations(&mut self, node: &Node) -> Vec<AssociationRule> {
        if matches!(node.shape, Shape::Empty) {
            return Vec::new();
        }
        let mut rules = Vec::new();
        for (key, value) in self.entries(node, "`associations`") {
            let name = Node { place: key.place, shape: Shape::Scalar(key.text.clone()) };
            let Some(object) = self.object(&name, "the name of an association") else { continue };
            let mut rule = AssociationRule { object, direction: Direction::Both, line: key.place.line };
            if !matches!(value.shape, Shape::Empty) {
                let what = format!("the association `{}`", key.text);
                for (_, direction) in self.known_entries(value, &what, &["direction"]) {
                    let read = self.word(direction, "`direction`", &["both", "pull"], Direction::from_word);
                    rule.direction = read.unwrap_or(rule.direction);
                }
            }
            rules.push(rule);
        }
        rules
    }

    fn check_columns(&mut self, fields: &[MappedField]) {
        let mut first: HashMap<String, &MappedField> = HashMap::new();
        for field in fields {
            // SQLite's column names are the same in any case.
            if let Some(other) = first.get(&field.column.to_ascii_lowercase()) {
                let message =
                    format!("column `{}` already belongs to `{}` on line {}", field.column, other.property, other.line);
                self.field = Some(field.property.clone());
                self.wrong(Place { line: field.line, column: field.column_no }, message);
            } else {
                first.insert(field.column.to_ascii_lowercase(), field);
            }
        }
        self.field = None;
        if let Some(field) = fields.get(MOST_COLUMNS) {
            let message = format!("{} columns are mapped, and a table holds at most {MOST_COLUMNS}", fields.len());
            self.wrong(Place { line: field.line, column: field.column_no }, message);
        }
    }

    /// The value of the key is read from a column, so the key has to have one.
    fn check_key(&mut self, mapping: &Mapping, has_fields: bool) {
        let (Some(key), Some(place)) = (&mapping.key, mapping.places.key) else { return };
        if !has_fields || mapping.fields.iter().any(|field| field.property == *key) {
            return;
        }
        let by_column = mapping.fields.iter().find(|field| field.column == *key).map(|field| field.property.as_str());
        let meant = by_column.or_else(|| names::closest(key, mapping.fields.iter().map(|f| f.property.as_str())));
        let hint = match meant {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => "Add it to `fields`.".to_owned(),
        };
        self.wrong_but(place, format!("the key {} is not among the fields", shown(key)), hint);
    }
}

/// `a, b or c`, each in backquotes.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
