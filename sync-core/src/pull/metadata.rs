//! What the portal says about itself, read once a day and whenever the mirror needs more of it; and the tables that
//! follow from it and the mappings.

use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::events::Phase;
use crate::model::{ObjectType, Timestamp};
use crate::remote::Remote;
use crate::report::{ObjectReport, Report};
use crate::store::{Pair, StoreError, Table};
use mappings::{Mapping, PropertySchema, ResolvedMapping};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Mappings, each with the schema that it was held against.
pub(crate) type Resolved = Vec<(ResolvedMapping, Vec<PropertySchema>)>;

/// What the mirror has for some mappings.
pub(crate) struct Stored {
    /// Tables to work on.
    pub(crate) tables: Vec<Arc<Table>>,
    /// Object types whose table has to be rebuilt first.
    pub(crate) altered: BTreeMap<String, StoreError>,
    /// Object types whose properties no pull has read: they are new here, or the credential may not see them.
    pub(crate) unread: Vec<String>,
}

impl Stored {
    /// The same, with what is wrong with these object types alone.
    pub(crate) fn about(mut self, asked: impl Fn(&str) -> bool) -> Self {
        self.altered.retain(|object, _| asked(object));
        self.unread.retain(|object| asked(object));
        self
    }

    /// All of them, or the first reason why not.
    pub(crate) fn whole(self) -> Result<Vec<Arc<Table>>, RunError> {
        if let Some(error) = self.altered.into_values().next() {
            return Err(error.into());
        }
        match self.unread.first() {
            Some(object) => Err(RunError::LeftOut(not_read_yet(object))),
            None => Ok(self.tables),
        }
    }
}

/// Why nothing can be done with an object type whose properties no pull has read.
pub(crate) fn not_read_yet(object: &str) -> String {
    format!("the mirror knows nothing of {object} yet; run `crmsync pull` first")
}

/// The pairs that are mirrored. From all mappings, also those left out of this run: the direction in which a pair is
/// stored must not change.
fn pairs_of(mappings: &[Mapping], resolved: &Resolved) -> Vec<Pair> {
    let mut pairs = Pair::named_by(mappings);
    let mirrored = |object: &str| resolved.iter().any(|(mapping, _)| mapping.object == object);
    pairs.retain(|pair| mirrored(&pair.from) && mirrored(&pair.to));
    pairs
}

impl<R: Remote + 'static> Engine<R> {
    /// Brings metadata and tables up to date. Object types that the credential may not see are left out and told in
    /// the report.
    pub(crate) async fn prepare(
        &self,
        server_now: Timestamp,
        mappings: &[Mapping],
        report: &mut Report,
    ) -> Result<Vec<Arc<Table>>, RunError> {
        let read_at = self.store().call(|store| store.metadata_read_at()).await?;
        let due = read_at.is_none_or(|read_at| server_now.since(read_at) >= self.pull_settings().metadata_every);
        report.daily = due;
        if due {
            self.read_account_metadata().await?;
        }
        let mut resolved = Vec::new();
        let mut problems = Vec::new();
        for mapping in mappings {
            match self.resolved(mapping, due).await {
                Ok(both) => resolved.push(both),
                Err(RunError::Mappings(found)) => problems.extend(found),
                Err(error) => {
                    let mut part = ObjectReport::default();
                    self.settle_error(&mapping.object, &mut part, error);
                    report.objects.insert(mapping.object.clone(), part);
                }
            }
        }
        if !problems.is_empty() {
            return Err(RunError::Mappings(problems));
        }
        for (object, error) in self.leave_out_altered(&mut resolved).await? {
            report.objects.insert(object, ObjectReport { error: Some(error.into()), ..ObjectReport::default() });
        }
        let pairs = pairs_of(mappings, &resolved);
        let tables = self.make_tables(resolved, &pairs, due).await?;
        self.tell_misnamed_pairs(mappings).await?;
        self.forget_unmapped_pairs(mappings, &tables).await?;
        self.read_labels(pairs, due).await?;
        if due {
            self.store().write(move |write| write.save_metadata_read_at(server_now)).await?;
        }
        Ok(tables)
    }

    /// A mapping held against its schema. What does not fit a stored one is held against the portal's own, which may have
    /// been changed since to make it fit.
    async fn resolved(&self, mapping: &Mapping, due: bool) -> Result<(ResolvedMapping, Vec<PropertySchema>), RunError> {
        let schema = self.schema_of(&mapping.object, due).await?;
        match mapping.resolve(&schema) {
            Ok(resolved) => Ok((resolved, schema)),
            Err(found) if due => Err(RunError::Mappings(found)),
            Err(_) => {
                let schema = self.schema_of(&mapping.object, true).await?;
                Ok((mapping.resolve(&schema).map_err(RunError::Mappings)?, schema))
            }
        }
    }

    /// The tables of mappings by what the mirror knows of the portal, without a call.
    ///
    /// # Errors
    /// [`RunError::LeftOut`] where the mirror knows none of the object types yet.
    pub(crate) async fn stored_tables(&self, mappings: &[Mapping]) -> Result<Stored, RunError> {
        let (mut resolved, unread) = self.stored_mappings(mappings).await?;
        let altered = self.leave_out_altered(&mut resolved).await?;
        let pairs = pairs_of(mappings, &resolved);
        Ok(Stored { tables: self.make_tables(resolved, &pairs, false).await?, altered, unread })
    }

    /// Mappings held against what the mirror knows of the portal, and the object types of which it knows nothing.
    ///
    /// # Errors
    /// [`RunError::LeftOut`] where it knows nothing of any.
    pub(crate) async fn stored_mappings(&self, mappings: &[Mapping]) -> Result<(Resolved, Vec<String>), RunError> {
        let (mut resolved, mut unread, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for mapping in mappings {
            let name = mapping.object.clone();
            let schema = self.store().call(move |store| store.properties(&name)).await?;
            if schema.is_empty() {
                unread.push(mapping.object.clone());
                continue;
            }
            match mapping.resolve(&schema) {
                Ok(mapping) => resolved.push((mapping, schema)),
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(RunError::Mappings(problems));
        }
        match unread.first() {
            Some(object) if resolved.is_empty() => Err(RunError::LeftOut(not_read_yet(object))),
            _ => Ok((resolved, unread)),
        }
    }

    /// Takes out the object types whose table somebody dropped or made anew: until it has been rebuilt, nothing is done
    /// with them.
    async fn leave_out_altered(&self, resolved: &mut Resolved) -> Result<BTreeMap<String, StoreError>, RunError> {
        let mut altered = self.store().call(|store| store.altered()).await?;
        altered.retain(|object, _| resolved.iter().any(|(mapping, _)| mapping.object == *object));
        resolved.retain(|(mapping, _)| !altered.contains_key(&mapping.object));
        Ok(altered)
    }

    async fn read_account_metadata(&self) -> Result<(), RunError> {
        let types = self.remote().object_types().await?;
        match self.remote().owners().await {
            Ok(owners) => self.store().write(move |write| write.save_owners(&owners)).await?,
            Err(error) if error.kind == RemoteErrorKind::MissingScope => {
                self.warn(format!("owners were left out: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
        self.store().write(move |write| write.save_object_types(&types)).await?;
        Ok(())
    }

    /// The properties of an object type: from the remote when that is due or nothing is stored, else as stored.
    async fn schema_of(&self, object: &str, due: bool) -> Result<Vec<PropertySchema>, RunError> {
        let name = object.to_owned();
        let stored = self.store().call(move |store| store.properties(&name)).await?;
        if !due && !stored.is_empty() {
            return Ok(stored);
        }
        let properties = self.remote().properties(object).await?;
        let pipelines = self.remote().pipelines(object).await?;
        let name = object.to_owned();
        self.store()
            .write(move |write| {
                write.note_new_properties(&name, &properties)?;
                write.save_properties(&name, &properties)?;
                write.save_pipelines(&name, &pipelines)
            })
            .await?;
        let name = object.to_owned();
        // Read back, because a property that the portal has no more is still known to the mirror.
        Ok(self.store().call(move |store| store.properties(&name)).await?)
    }

    async fn make_tables(&self, resolved: Resolved, pairs: &[Pair], tell: bool) -> Result<Vec<Arc<Table>>, RunError> {
        let types = self.store().call(|store| store.object_types()).await?;
        for (mapping, _) in &resolved {
            if tell && !mapping.left_out.is_empty() {
                let (object, names) = (&mapping.object, mapping.left_out.join(", "));
                self.warn(format!("the portal's {object} have no {names}; these columns are left out"));
            }
        }
        let tables: Vec<Table> = resolved
            .into_iter()
            .map(|(mapping, schema)| {
                let fetched = mapping.properties_to_fetch(&schema);
                let singular = ObjectType::singular_among(&types, &mapping.object);
                Table::new(mapping, &singular, pairs, fetched)
            })
            .collect();
        let (made, changed) = self
            .store()
            .call(move |store| {
                store.prepare(tables)?;
                Ok((store.tables().values().cloned().collect::<Vec<_>>(), store.changed_mappings()?))
            })
            .await?;
        for table in &changed {
            self.reproject(table).await?;
        }
        self.tidy(&made).await?;
        self.forget_other_pairs(pairs).await?;
        Ok(made)
    }

    /// A pair that is not mirrored now misses changes: should it be mirrored again, all of it is read again.
    async fn forget_other_pairs(&self, pairs: &[Pair]) -> Result<(), RunError> {
        let pairs = pairs.to_vec();
        let others = self.store().call(move |store| store.other_pair_walks(&pairs)).await?;
        for name in others {
            self.store().write(move |write| write.forget_walk(&name, Phase::Associations)).await?;
        }
        Ok(())
    }

    /// Reads the kinds of association of these pairs: all of them if that is due, else those that were never asked for, as
    /// of a pair that is mirrored since.
    async fn read_labels(&self, pairs: Vec<Pair>, due: bool) -> Result<(), RunError> {
        let pairs = match due {
            true => pairs,
            false => self.store().call(move |store| store.without_labels(&pairs)).await?,
        };
        for pair in pairs {
            for (from, to) in [(&pair.from, &pair.to), (&pair.to, &pair.from)] {
                let labels = match self.remote().association_labels(from, to).await {
                    Ok(labels) => labels,
                    Err(error) if error.kind == RemoteErrorKind::MissingScope => {
                        self.warn(format!("association labels of {from} and {to} were left out: {error}"));
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let (from, to) = (from.clone(), to.clone());
                self.store().write(move |write| write.save_association_labels(&from, &to, &labels)).await?;
            }
            self.store().write(move |write| write.note_labels_asked(&pair)).await?;
        }
        Ok(())
    }
}
