//! What holds after every run, whatever is still on its way: what the index showed has been read, and what the mirror
//! calls as new as the portal's record is the same.

use super::{Verdict, mirrored};
use crate::simulation::people::written;
use crate::simulation::world::World;
use std::collections::BTreeMap;
use sync_core::Report;
use sync_core::model::Timestamp;

/// A property that comes and goes with all its values, and moves no date.
const COMES_AND_GOES: &str = "jobtitle";

/// O8: a record of which the mirror says that it is as new as in the portal has the portal's values, as far as people write
/// them: no pass would read it again.
pub(in crate::simulation) fn what_is_current_is_so(world: &World) -> Verdict {
    if !world.mirror().exists() {
        return Ok(());
    }
    for object in world.mappings.iter().map(|mapping| mapping.object.as_str()) {
        let known = "SELECT 1 FROM sqlite_master WHERE name = 'sync_base_' || ?1";
        if !world.reader().prepare(known).unwrap().exists([object]).unwrap() {
            continue;
        }
        let mirror = mirrored(world, object);
        let portal = world.rehearsal.portal();
        for truth in portal.records(object).filter(simulator::RecordView::is_active) {
            let Some(found) = mirror.get(&truth.id) else { continue };
            if found.state != "active" || found.updated_at < truth.updated_at {
                continue;
            }
            for property in written(object).iter().filter(|name| **name != COMES_AND_GOES) {
                // No Rust string holds half of a pair of surrogates.
                if truth.properties.get(*property).is_some_and(|value| value.text().is_none()) {
                    continue;
                }
                let there = truth.text(property).filter(|text| !text.is_empty());
                let here = found.properties.get(*property);
                if there.as_ref() != here {
                    return Err(format!(
                        "{object} {} {property} is {here:?} and as new as the portal's {there:?} of {}",
                        truth.id,
                        Timestamp::from_millis(truth.updated_at)
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Records that the index has shown as they are, by object type, with their modified dates: what the passes that began
/// then owe, killed or not.
#[derive(Default)]
pub(in crate::simulation) struct Shown(BTreeMap<String, BTreeMap<u64, i64>>);

impl Shown {
    /// Adds what the index shows now of what has changed since the last pass.
    pub(in crate::simulation) fn look(&mut self, world: &World) {
        let now = world.rehearsal.now();
        let mut portal = world.rehearsal.portal();
        portal.advance(now);
        // A record that comes back without a new date is found by the next sweep.
        if !world.mirror().exists() || !portal.switches_mut().restore_bumps {
            return;
        }
        let person = world.reader();
        // A pass that was interrupted goes on where it was, for the time at which it began.
        let known = "SELECT object, watermark FROM sync_objects o WHERE backfilled AND watermark IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM sync_cursors c WHERE c.object = o.object
                                     AND c.phase IN ('fast', 'relist'))";
        let Ok(mut statement) = person.prepare(known) else { return };
        let watermarks = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        for (object, watermark) in watermarks.unwrap().map(Result::unwrap) {
            let changed =
                |truth: &simulator::RecordView| truth.is_active() && !truth.stale && truth.updated_at >= watermark;
            let records = portal.records(&object).filter(changed);
            let records = records.map(|truth| (truth.id, truth.updated_at));
            self.0.entry(object.clone()).or_default().extend(records);
        }
    }

    /// O8: after a pull that went through, the mirror holds what the index showed when it began, and when those began that
    /// were killed before it; what has changed since is the next one's.
    pub(in crate::simulation) fn is_here(&mut self, world: &World, report: &Report) -> Verdict {
        for (object, records) in &mut self.0 {
            let part = report.objects.get(object);
            let whole = part.is_some_and(|part| part.error.is_none() && part.skipped.is_none());
            if report.error.is_some() || !whole {
                continue;
            }
            let records = std::mem::take(records);
            let mirror = mirrored(world, object);
            let portal = world.rehearsal.portal();
            for (id, changed) in records {
                let Some(truth) = portal.record(object, id) else { continue };
                let here = mirror.get(&id).is_some_and(|found| found.updated_at >= changed);
                if truth.is_active() && truth.updated_at == changed && !here {
                    return Err(format!(
                        "{object} {id} changed {}, as search showed when the run began, and is not here when it ended",
                        Timestamp::from_millis(changed)
                    ));
                }
            }
        }
        Ok(())
    }
}
