//! What an administrator does to the portal's schema while a client is connected to it.

use crate::catalogue::{Choice, Property, Sensitivity};
use crate::exchange::Millis;
use crate::people::PortalError;
use crate::pipelines::{Pipeline, metadata, stage};
use crate::portal::Portal;

/// A property to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProperty {
    /// Internal name.
    pub name: String,
    /// Label.
    pub label: String,
    /// `string`, `number`, `bool`, `enumeration`, `date`, `datetime`, …
    pub kind: String,
    /// `text`, `select`, `calculation_equation`, …
    pub field: String,
    /// Values and labels of an enumeration.
    pub options: Vec<(String, String)>,
    /// Whether no two records may have the same value.
    pub unique: bool,
    /// Whether it is sensitive, and so hidden from those who do not ask.
    pub sensitive: bool,
    /// Whether only HubSpot may write it.
    pub read_only: bool,
}

impl NewProperty {
    /// An ordinary property.
    pub fn new(name: &str, kind: &str, field: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: name.replace('_', " "),
            kind: kind.to_owned(),
            field: field.to_owned(),
            options: Vec::new(),
            unique: false,
            sensitive: false,
            read_only: false,
        }
    }

    /// A line of text.
    pub fn text(name: &str) -> Self {
        Self::new(name, "string", "text")
    }

    /// A line of text in which no two records agree.
    pub fn unique(name: &str) -> Self {
        Self { unique: true, ..Self::text(name) }
    }

    /// A choice of one of these values.
    pub fn choice(name: &str, values: &[&str]) -> Self {
        let options = values.iter().map(|v| ((*v).to_owned(), (*v).to_owned())).collect();
        Self { options, ..Self::new(name, "enumeration", "select") }
    }
}

impl Portal {
    /// Makes a property; the name of an archived one brings that one back, with its values.
    pub fn add_property(&mut self, now: Millis, object: &str, new: &NewProperty) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let store = &mut self.stores[kind];
        let group = store.catalogue.group;
        let mut property = Property::custom(&new.name, &new.label, &new.kind, &new.field, group, self.now);
        let choice =
            |(value, label): &(String, String)| Choice { value: value.clone(), label: label.clone(), hidden: false };
        property.choices = new.options.iter().map(choice).collect();
        property.unique = new.unique;
        property.calculated = new.field == "calculation_equation";
        property.read_only = new.read_only || property.calculated;
        if new.sensitive {
            property.sensitivity = Sensitivity::Sensitive;
        }
        store.catalogue.add(property);
        if new.unique {
            store.look_up_by(&new.name);
        }
        Ok(())
    }

    /// Archives a property: reads no longer know it, records keep its values.
    pub fn archive_property(&mut self, now: Millis, object: &str, name: &str) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        self.with_property(object, name, |property| {
            property.archived = Some(now);
            property.updated = now;
            Ok(())
        })
    }

    /// Another word for `archive_property`: HubSpot removes properties by archiving them.
    pub fn remove_property(&mut self, now: Millis, object: &str, name: &str) -> Result<(), PortalError> {
        self.archive_property(now, object, name)
    }

    /// Changes a property's type, as HubSpot allows for properties of the portal's owner.
    pub fn retype_property(
        &mut self,
        now: Millis,
        object: &str,
        name: &str,
        kind: &str,
        field: &str,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        self.with_property(object, name, |property| {
            kind.clone_into(&mut property.kind);
            field.clone_into(&mut property.field);
            property.updated = now;
            Ok(())
        })
    }

    /// Adds an option to an enumeration.
    pub fn add_option(
        &mut self,
        now: Millis,
        object: &str,
        name: &str,
        value: &str,
        label: &str,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        self.with_property(object, name, |property| {
            property.choices.retain(|c| c.value != value);
            property.choices.push(Choice { value: value.to_owned(), label: label.to_owned(), hidden: false });
            property.updated = now;
            Ok(())
        })
    }

    /// Removes an option; records that have it keep it.
    pub fn remove_option(&mut self, now: Millis, object: &str, name: &str, value: &str) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        self.with_property(object, name, |property| {
            let before = property.choices.len();
            property.choices.retain(|c| c.value != value);
            if property.choices.len() == before {
                return Err(PortalError::NoSuchThing { what: "option", name: value.to_owned() });
            }
            property.updated = now;
            Ok(())
        })
    }

    fn with_property(
        &mut self,
        object: &str,
        name: &str,
        change: impl FnOnce(&mut Property) -> Result<(), PortalError>,
    ) -> Result<(), PortalError> {
        let kind = self.object(object)?;
        let owner = self.types[kind].name.clone();
        let missing = PortalError::NoSuchProperty { object: owner, property: name.to_owned() };
        let found = self.stores[kind].catalogue.get_mut(name).filter(|p| p.archived.is_none());
        change(found.ok_or(missing)?)
    }

    /// Makes a pipeline with one open stage.
    pub fn add_pipeline(&mut self, now: Millis, object: &str, id: &str, label: &str) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        let order = self.pipelines.iter().filter(|(k, _)| *k == kind).count() as u32;
        let first = stage(&format!("{id}-1"), "New", 0, metadata("OPEN"), self.now);
        let pipeline = Pipeline {
            id: id.to_owned(),
            label: label.to_owned(),
            order,
            created: self.now,
            updated: self.now,
            archived: None,
            stages: vec![first],
        };
        self.pipelines.push((kind, pipeline));
        Ok(())
    }

    /// Archives a pipeline; records that are in it stay in it.
    pub fn archive_pipeline(&mut self, now: Millis, object: &str, id: &str) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        let pipeline = self.pipeline_mut(object, id)?;
        pipeline.archived = Some(now);
        pipeline.updated = now;
        Ok(())
    }

    /// Adds a stage at the end of a pipeline. `state` is a probability such as `0.5`, or `OPEN` or `CLOSED`.
    pub fn add_stage(
        &mut self,
        now: Millis,
        object: &str,
        pipeline: &str,
        id: &str,
        label: &str,
        state: &str,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        let pipeline = self.pipeline_mut(object, pipeline)?;
        let order = pipeline.stages.len() as u32;
        pipeline.stages.push(stage(id, label, order, metadata(state), now));
        pipeline.updated = now;
        Ok(())
    }

    /// Renames a stage.
    pub fn rename_stage(
        &mut self,
        now: Millis,
        object: &str,
        pipeline: &str,
        id: &str,
        label: &str,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        let missing = || PortalError::NoSuchThing { what: "stage", name: id.to_owned() };
        let pipeline = self.pipeline_mut(object, pipeline)?;
        let stage = pipeline.stages.iter_mut().find(|s| s.id == id).ok_or_else(missing)?;
        label.clone_into(&mut stage.label);
        stage.updated = now;
        Ok(())
    }

    /// Archives a stage; records that are in it stay in it.
    pub fn archive_stage(&mut self, now: Millis, object: &str, pipeline: &str, id: &str) -> Result<(), PortalError> {
        self.advance(now);
        let now = self.now;
        let missing = || PortalError::NoSuchThing { what: "stage", name: id.to_owned() };
        let pipeline = self.pipeline_mut(object, pipeline)?;
        let stage = pipeline.stages.iter_mut().find(|s| s.id == id).ok_or_else(missing)?;
        stage.archived = Some(now);
        stage.updated = now;
        Ok(())
    }

    fn pipeline_mut(&mut self, object: &str, id: &str) -> Result<&mut Pipeline, PortalError> {
        let kind = self.object(object)?;
        let found = self.pipelines.iter_mut().find(|(k, p)| *k == kind && p.id == id).map(|(_, p)| p);
        found.ok_or_else(|| PortalError::NoSuchThing { what: "pipeline", name: id.to_owned() })
    }
}
