//! All the values given for one record: what would be stored, or why nothing is.
//!
//! Nothing is changed here, so that a batch can be looked at as a whole before any of it is carried out.

use crate::object_types::TypeIndex;
use crate::portal::Portal;
use crate::problem::Problem;
use crate::store::Store;
use crate::value::{PropertyId, Value};
use crate::writing::bodies::{self, Properties};
use crate::writing::links::NewEdge;
use crate::writing::values::{Flaw, Reader, Rewritten, joined};

/// One value as it was received and as it will be stored.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) property: PropertyId,
    pub(crate) received: Value,
    pub(crate) value: Vec<u8>,
}

/// A write that may be carried out.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The names that the client gave, which an answer shows.
    pub(crate) asked: Vec<String>,
    pub(crate) changes: Vec<Change>,
    pub(crate) warnings: Vec<Rewritten>,
    pub(crate) links: Vec<NewEdge>,
}

/// Why a write is not carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Values that properties do not take.
    Flaws(Vec<Flaw>),
    /// Another record has this email.
    Taken(u64),
    /// Anything else.
    Whole(Problem),
}

impl Prepared {
    fn find(&self, property: PropertyId) -> Option<&Change> {
        self.changes.iter().find(|change| change.property == property)
    }
}

impl Portal {
    /// Reads the values given for a record, or for a new one.
    pub(crate) fn prepare(
        &self,
        kind: TypeIndex,
        given: &Properties,
        target: Option<u64>,
        enforcing: bool,
    ) -> Result<Prepared, Refused> {
        let mut prepared = Prepared { asked: given.keys().cloned().collect(), ..Prepared::default() };
        let mut flaws = Vec::new();
        for (name, raw) in given {
            let value = bodies::value(raw).ok_or_else(|| {
                let words = format!("Invalid input JSON: cannot make a string of the value of {name}");
                Refused::Whole(Problem::invalid(words))
            })?;
            match self.prepare_value(kind, name, &value, target, enforcing) {
                Ok((Some(change), warning)) => {
                    prepared.changes.push(change);
                    prepared.warnings.extend(warning);
                }
                Ok((None, _)) => {}
                Err(flaw) => flaws.push(flaw),
            }
        }
        if !flaws.is_empty() {
            return Err(Refused::Flaws(flaws));
        }
        self.refuse_held(kind, &prepared, target)?;
        let text = |name: &str| self.resulting(kind, name, &prepared, target);
        if target.is_none() {
            self.refuse_incomplete(kind, enforcing, text).map_err(Refused::Whole)?;
        }
        if enforcing {
            let touched = |name: &str| target.is_none() || given.contains_key(name);
            self.refuse_unconditional(kind, touched, text).map_err(Refused::Whole)?;
        }
        Ok(prepared)
    }

    /// One value. Nothing to change where the portal refuses without a word.
    fn prepare_value(
        &self,
        kind: TypeIndex,
        name: &str,
        given: &Value,
        target: Option<u64>,
        enforcing: bool,
    ) -> Result<(Option<Change>, Option<Rewritten>), Flaw> {
        let store = &self.stores[kind];
        let flaw = |code, message| Flaw { property: name.to_owned(), code, message };
        let switches = &self.settings.switches;
        let known = store.catalogue.readable(name, switches.sensitive_scope);
        let id = known.ok_or_else(|| flaw("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")))?;
        let property = store.catalogue.get(id);
        if property.read_only || property.calculated {
            let what = if property.calculated { "calculated" } else { "read only" };
            let words = format!("\"{name}\" is a {what} property; its value cannot be set.");
            return Err(flaw("READ_ONLY_VALUE", words));
        }
        if given.is_empty() {
            // A new record has nothing that could be cleared.
            let change = Change { property: id, received: given.clone(), value: Vec::new() };
            return Ok((target.map(|_| change), None));
        }
        let contact = self.types[kind].name == "contacts";
        let reader = Reader { switches, normalizes: enforcing, contact };
        let options = self.options(kind, id);
        let (value, warning) = reader.read(property, options.as_deref(), given)?;
        let held = target.map(|target| self.text_of(kind, target, id)).unwrap_or_default();
        if name == "lifecyclestage" && self.goes_back(kind, id, &held, &value) {
            return Ok((None, None));
        }
        let value = match (&value, property.field.as_str()) {
            (Value::Text(text), "checkbox") => Value::Text(joined(&held, text)),
            _ => value,
        };
        Ok((Some(Change { property: id, received: given.clone(), value: value.escaped() }), warning))
    }

    /// Whether a stage lies before the one that a record has reached: the API moves it forward only.
    fn goes_back(&self, kind: TypeIndex, property: PropertyId, held: &str, value: &Value) -> bool {
        let stages = &self.stores[kind].catalogue.get(property).choices;
        let place = |name: &str| stages.iter().position(|choice| choice.value == name);
        match (place(held), value.text().and_then(|text| place(&text))) {
            (Some(now), Some(then)) => then < now,
            _ => false,
        }
    }

    /// The values that an enumeration takes; `None` where every one will do.
    fn options(&self, kind: TypeIndex, id: PropertyId) -> Option<Vec<String>> {
        let property = self.stores[kind].catalogue.get(id);
        if !property.is_enumeration() {
            return None;
        }
        if property.owner_reference {
            return Some(self.owners.iter().map(|owner| owner.id.to_string()).collect());
        }
        let own = || self.pipelines.iter().filter(|(k, p)| *k == kind && p.archived.is_none()).map(|(_, p)| p);
        let options: Vec<String> = match property.name.as_str() {
            "pipeline" | "hs_pipeline" => own().map(|p| p.id.clone()).collect(),
            "dealstage" | "hs_pipeline_stage" => {
                own().flat_map(|p| &p.stages).filter(|s| s.archived.is_none()).map(|s| s.id.clone()).collect()
            }
            _ => property.choices.iter().map(|choice| choice.value.clone()).collect(),
        };
        Some(options).filter(|options| !options.is_empty())
    }

    /// A value as text, empty where there is none.
    pub(crate) fn text_of(&self, kind: TypeIndex, id: u64, property: PropertyId) -> String {
        let store = &self.stores[kind];
        let record = store.records.get(&id);
        record.and_then(|record| store.text(property, id, Store::live(record))).unwrap_or_default()
    }

    /// What a property would hold after a write.
    fn resulting(&self, kind: TypeIndex, name: &str, prepared: &Prepared, target: Option<u64>) -> String {
        let Some(property) = self.stores[kind].catalogue.find(name) else { return String::new() };
        match (prepared.find(property), target) {
            (Some(change), _) => String::from_utf8_lossy(&change.value).into_owned(),
            (None, Some(id)) => self.text_of(kind, id, property),
            (None, None) => String::new(),
        }
    }

    /// Refuses a value that another record has, where no two may.
    fn refuse_held(&self, kind: TypeIndex, prepared: &Prepared, target: Option<u64>) -> Result<(), Refused> {
        let store = &self.stores[kind];
        let values: Vec<(PropertyId, Vec<u8>)> =
            prepared.changes.iter().map(|change| (change.property, change.value.clone())).collect();
        let Some((property, holder)) = store.taken(&values, target) else { return Ok(()) };
        let definition = store.catalogue.get(property);
        if !definition.unique {
            return Err(Refused::Taken(holder));
        }
        let value = prepared.find(property).map(|c| String::from_utf8_lossy(&c.value).into_owned()).unwrap_or_default();
        let message = format!(
            "Cannot set PropertyValueCoordinates{{portalId={}, objectTypeId={}, propertyName={}, value={value}}} on {}. \
             {holder} already has that value.",
            self.settings.portal_id,
            self.types[kind].id,
            definition.name,
            target.unwrap_or_default(),
        );
        Err(Refused::Flaws(vec![Flaw { property: definition.name.clone(), code: "CONFLICTING_UNIQUE_VALUE", message }]))
    }

    /// The refusal as a single write tells it.
    pub(crate) fn problem(&self, kind: TypeIndex, refused: Refused) -> Problem {
        match refused {
            Refused::Whole(problem) => problem,
            Refused::Taken(holder) => Problem::conflict(self.exists(kind, Some(holder))),
            Refused::Flaws(flaws) => {
                Problem::flaws(&flaws, self.settings.portal_id, self.settings.switches.listed_errors)
            }
        }
    }

    /// `Contact already exists`, with the id where the answer tells it.
    pub(crate) fn exists(&self, kind: TypeIndex, holder: Option<u64>) -> String {
        let singular = &self.types[kind].singular;
        let name: String =
            singular.chars().take(1).flat_map(char::to_uppercase).chain(singular.chars().skip(1)).collect();
        match holder {
            Some(id) => format!("{name} already exists. Existing ID: {id}"),
            None => format!("{name} already exists"),
        }
    }
}
