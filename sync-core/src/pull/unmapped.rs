//! Pairs of object types that are mirrored no more, and such as never were because their name is mistyped: nothing of them
//! grows stale, and both are told.

use crate::engine::Engine;
use crate::error::RunError;
use crate::remote::Remote;
use crate::store::{Pair, Table};
use mappings::Mapping;
use std::sync::Arc;

fn is_configured(mappings: &[Mapping], object: &str) -> bool {
    mappings.iter().any(|mapping| mapping.object == object)
}

/// Whether a pair is mirrored, in either direction. One whose object type is configured and could not be prepared may be
/// again in the next run.
fn is_kept(pair: &Pair, mappings: &[Mapping], tables: &[Arc<Table>]) -> bool {
    let ends = [pair.from.as_str(), pair.to.as_str()];
    let turned = Pair { from: pair.to.clone(), to: pair.from.clone() };
    let named = Pair::named_by(mappings).iter().any(|named| *named == *pair || *named == turned);
    let is_left_out =
        |object: &str| is_configured(mappings, object) && !tables.iter().any(|table| table.object() == object);
    named && ends.into_iter().all(|object| is_configured(mappings, object)) || ends.into_iter().any(is_left_out)
}

/// What is told of a pair that is mirrored no more.
fn no_longer_mirrored(pair: &Pair, mappings: &[Mapping], rows: u64, changed: u64) -> String {
    let absent = [&pair.from, &pair.to].into_iter().find(|object| !is_configured(mappings, object));
    let why = match absent {
        Some(object) => format!("{object} is not among the configured objects"),
        None => "no mapping names them".to_owned(),
    };
    let rows = match rows {
        1 => "1 row was removed".to_owned(),
        rows => format!("{rows} rows were removed"),
    };
    // What was taken away leaves nothing behind that could be refused later.
    let lost = match changed {
        0 => String::new(),
        changed => format!(", and what people had changed or taken away of {changed} more is not sent"),
    };
    format!("associations of {} with {} are no longer mirrored: {why}; {rows}{lost}", pair.from, pair.to)
}

impl<R: Remote + 'static> Engine<R> {
    /// Forgets what both sides agreed on of pairs that are mirrored no more: nobody reads them, so it would grow stale. What
    /// counts is all that is configured, not what a run is limited to.
    pub(super) async fn forget_unmapped_pairs(
        &self,
        mappings: &[Mapping],
        tables: &[Arc<Table>],
    ) -> Result<(), RunError> {
        let pairs = self.store().call(|store| store.settled_pairs()).await?;
        for pair in pairs.into_iter().filter(|pair| !is_kept(pair, mappings, tables)) {
            let (mut rows, mut changed, mut views) = (0, 0, 0);
            let mut from: Option<String> = None;
            loop {
                let forgetting = pair.clone();
                let forgotten =
                    self.store().write(move |write| write.forget_pair(&forgetting, from.as_deref())).await?;
                self.step("associations.forgotten")?;
                rows += forgotten.rows;
                changed += forgotten.changed;
                views += forgotten.views;
                from = forgotten.next;
                if from.is_none() {
                    break;
                }
            }
            if rows + changed + views > 0 {
                self.warn(no_longer_mirrored(&pair, mappings, rows, changed));
            }
        }
        Ok(())
    }

    /// Tells of associations with an object type that neither is configured nor known to the portal, where another name
    /// was probably meant.
    pub(super) async fn tell_misnamed_pairs(&self, mappings: &[Mapping]) -> Result<(), RunError> {
        let types = self.store().call(|store| store.object_types()).await?;
        let is_known = |name: &str| {
            types.iter().any(|known| {
                known.name == name
                    || known.object_type_id == name
                    || known.fully_qualified_name.as_deref() == Some(name)
            })
        };
        for mapping in mappings {
            for (name, meant) in mapping.misnamed_associations(mappings) {
                if !is_known(&name) {
                    self.warn(format!(
                        "{}: associations with {name} are not mirrored: {name} is not among the configured objects (did \
                         you mean {meant}?)",
                        mapping.object
                    ));
                }
            }
        }
        Ok(())
    }
}
