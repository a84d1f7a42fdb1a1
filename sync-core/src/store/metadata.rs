//! What the remote tells about itself, replaced whole each time it is read: the account, properties, owners,
//! pipelines, object types and labels.

use super::status::ask_full_looks;
use super::{Pair, Store, StoreError, Write};
use crate::model::{AssociationLabel, ObjectType, Owner, Pipeline, Timestamp};
use mappings::{PropertyOption, PropertySchema, WireType};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

/// The mark of a pair whose kinds of association were asked for.
fn labels_asked(pair: &Pair) -> String {
    format!("labels_asked:{}:{}", pair.from, pair.to)
}

impl Store {
    /// The portal that the file is bound to, if it is.
    pub fn portal(&self) -> Result<Option<String>, StoreError> {
        bound_portal(&self.connection)
    }

    /// The portal that the mirror at a path is bound to; none where there is no mirror.
    ///
    /// # Errors
    /// When the file is not a mirror.
    pub fn portal_at(mirror: &Path) -> Result<Option<String>, StoreError> {
        match Self::open_to_read(mirror)? {
            Some(connection) => bound_portal(&connection),
            None => Ok(None),
        }
    }

    /// When the portal's description was last read, by the portal's clock.
    pub fn metadata_read_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<String> = self
            .connection
            .query_row("SELECT value FROM sync_meta WHERE key = 'metadata_read_at'", [], |row| row.get(0))
            .optional()?;
        Ok(millis.and_then(|millis| millis.parse().ok()).map(Timestamp::from_millis))
    }

    /// The properties of an object type as a mirror stored them, read without a run; empty when none are stored.
    ///
    /// # Errors
    /// When the file is not a mirror.
    pub fn schema_at(mirror: &Path, object: &str) -> Result<Vec<PropertySchema>, StoreError> {
        match Self::open_to_read(mirror)? {
            Some(connection) => read_properties(&connection, object),
            None => Ok(Vec::new()),
        }
    }

    /// The properties of an object type as last read, those included that the portal had once and has no more.
    pub fn properties(&self, object: &str) -> Result<Vec<PropertySchema>, StoreError> {
        read_properties(&self.connection, object)
    }

    /// Those of these pairs whose kinds of association were never asked for.
    pub fn without_labels(&self, pairs: &[Pair]) -> Result<Vec<Pair>, StoreError> {
        let mut asked = self.connection.prepare_cached("SELECT 1 FROM sync_meta WHERE key = ?1")?;
        let mut without = Vec::new();
        for pair in pairs {
            if !asked.exists([labels_asked(pair)])? {
                without.push(pair.clone());
            }
        }
        Ok(without)
    }

    /// The object types as last read.
    pub fn object_types(&self) -> Result<Vec<ObjectType>, StoreError> {
        read_object_types(&self.connection)
    }
}

pub(super) fn bound_portal(connection: &Connection) -> Result<Option<String>, StoreError> {
    let query = "SELECT value FROM sync_meta WHERE key = 'portal_id'";
    Ok(connection.query_row(query, [], |row| row.get(0)).optional()?)
}

pub(super) fn read_object_types(connection: &Connection) -> Result<Vec<ObjectType>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, object_type_id, fully_qualified_name, singular, plural, custom FROM object_types",
    )?;
    let types = statement.query_map([], |row| {
        Ok(ObjectType {
            name: row.get(0)?,
            object_type_id: row.get(1)?,
            fully_qualified_name: row.get(2)?,
            singular: row.get(3)?,
            plural: row.get(4)?,
            custom: row.get(5)?,
        })
    })?;
    Ok(types.collect::<Result<_, _>>()?)
}

pub(super) fn read_properties(connection: &Connection, object: &str) -> Result<Vec<PropertySchema>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, label, type, field_type, group_name, calculated, read_only, has_unique_value, hidden, archived
         FROM properties WHERE object = ?1 ORDER BY name",
    )?;
    let mut properties: Vec<PropertySchema> = statement
        .query_map([object], |row| {
            let type_name: String = row.get(2)?;
            Ok(PropertySchema {
                name: row.get(0)?,
                label: row.get(1)?,
                wire_type: WireType::named(&type_name),
                type_name,
                field_type: row.get(3)?,
                group_name: row.get(4)?,
                calculated: row.get(5)?,
                read_only: row.get(6)?,
                has_unique_value: row.get(7)?,
                hidden: row.get(8)?,
                archived: row.get(9)?,
                options: Vec::new(),
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut options = connection.prepare_cached(
        "SELECT property, value, label, display_order, hidden FROM property_options WHERE object = ?1
         ORDER BY property, display_order, value",
    )?;
    let mut options = options.query([object])?;
    while let Some(row) = options.next()? {
        let name: String = row.get(0)?;
        // Both are in the order of names.
        let Ok(place) = properties.binary_search_by(|property| property.name.cmp(&name)) else { continue };
        properties[place].options.push(PropertyOption {
            value: row.get(1)?,
            label: row.get(2)?,
            display_order: row.get(3)?,
            hidden: row.get(4)?,
        });
    }
    Ok(properties)
}

impl Write<'_> {
    /// Binds the file to a portal; refuses another one.
    pub fn bind_portal(&self, portal: &str) -> Result<(), StoreError> {
        let bound: Option<String> = self
            .connection
            .query_row("SELECT value FROM sync_meta WHERE key = 'portal_id'", [], |row| row.get(0))
            .optional()?;
        match bound {
            Some(bound) if bound == portal => Ok(()),
            Some(bound) => Err(StoreError::OtherPortal { bound, found: portal.to_owned() }),
            None => {
                self.connection.execute("INSERT INTO sync_meta VALUES ('portal_id', ?1)", [portal])?;
                Ok(())
            }
        }
    }

    /// Notes that the kinds of association of a pair were asked for, whether they were told or not.
    pub fn note_labels_asked(&self, pair: &Pair) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO sync_meta VALUES (?1, '')")?
            .execute([labels_asked(pair)])?;
        Ok(())
    }

    /// Notes when the portal's description was read, by the portal's clock. As often every row is looked at, whatever was
    /// noted; that stays due until it has been done.
    pub fn save_metadata_read_at(&self, at: Timestamp) -> Result<(), StoreError> {
        self.connection
            .execute("INSERT OR REPLACE INTO sync_meta VALUES ('metadata_read_at', ?1)", [at.millis().to_string()])?;
        ask_full_looks(self.connection)
    }

    /// Replaces the properties of an object type. One that is no longer told is kept, as archived.
    pub fn save_properties(&self, object: &str, properties: &[PropertySchema]) -> Result<(), StoreError> {
        self.connection.prepare_cached("UPDATE properties SET archived = 1 WHERE object = ?1")?.execute([object])?;
        self.connection.prepare_cached("DELETE FROM property_options WHERE object = ?1")?.execute([object])?;
        let mut property = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO properties (object, name, label, type, field_type, group_name, calculated,
             read_only, has_unique_value, hidden, archived) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        let mut option = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO property_options (object, property, value, label, display_order, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for one in properties {
            property.execute(params![
                object,
                one.name,
                one.label,
                one.type_name,
                one.field_type,
                one.group_name,
                one.calculated,
                one.read_only,
                one.has_unique_value,
                one.hidden,
                one.archived
            ])?;
            for choice in &one.options {
                let hidden = choice.hidden;
                option.execute(params![object, one.name, choice.value, choice.label, choice.display_order, hidden])?;
            }
        }
        Ok(())
    }

    /// Replaces the owners.
    pub fn save_owners(&self, owners: &[Owner]) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM owners", [])?;
        let mut statement = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO owners (id, email, first_name, last_name, user_id, type, archived, created_at,
             updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for owner in owners {
            statement.execute(params![
                owner.id,
                owner.email,
                owner.first_name,
                owner.last_name,
                owner.user_id,
                owner.kind,
                owner.archived,
                owner.created_at.map(|at| at.to_string()),
                owner.updated_at.map(|at| at.to_string())
            ])?;
        }
        Ok(())
    }

    /// Replaces the pipelines of an object type. A pipeline or stage that is no longer told is kept, as archived: records
    /// may still be in it.
    pub fn save_pipelines(&self, object: &str, pipelines: &[Pipeline]) -> Result<(), StoreError> {
        for table in ["pipelines", "pipeline_stages"] {
            self.connection.execute(&format!("UPDATE {table} SET archived = 1 WHERE object = ?1"), [object])?;
        }
        for pipeline in pipelines {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO pipelines VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![object, pipeline.id, pipeline.label, pipeline.display_order, pipeline.archived])?;
            for stage in &pipeline.stages {
                self.connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO pipeline_stages (object, pipeline_id, id, label, display_order,
                         is_closed, probability, metadata, archived) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    )?
                    .execute(params![
                        object,
                        pipeline.id,
                        stage.id,
                        stage.label,
                        stage.display_order,
                        stage.is_closed,
                        stage.probability.as_deref().and_then(|digits| digits.parse::<f64>().ok()),
                        stage.metadata,
                        stage.archived
                    ])?;
            }
        }
        Ok(())
    }

    /// Replaces the object types.
    pub fn save_object_types(&self, types: &[ObjectType]) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM object_types", [])?;
        let mut statement =
            self.connection.prepare_cached("INSERT OR REPLACE INTO object_types VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for kind in types {
            statement.execute(params![
                kind.name,
                kind.object_type_id,
                kind.fully_qualified_name,
                kind.singular,
                kind.plural,
                kind.custom
            ])?;
        }
        Ok(())
    }

    /// Replaces the kinds of association from one object type to another.
    pub fn save_association_labels(&self, from: &str, to: &str, labels: &[AssociationLabel]) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM association_labels WHERE from_object = ?1 AND to_object = ?2", [from, to])?;
        let mut statement =
            self.connection.prepare_cached("INSERT OR REPLACE INTO association_labels VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for label in labels {
            statement.execute(params![from, to, label.category, label.type_id, label.label])?;
        }
        Ok(())
    }
}
