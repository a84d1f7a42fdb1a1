//! Pulling: what is at the remote comes into the mirror, and nothing is passed over.
//!
//! * The first read walks each list from end to end, a long one as several ranges of ids at once; it goes on where it
//!   was stopped.
//! * Later, a fast pass walks what the search index shows as changed, a settled pass trails behind it because the
//!   index lags, and the archived list is walked on its own clock. A sweep looks at everything once a day.
//! * A page, its base, its history and the cursor move in one transaction.

mod archived;
mod associations;
mod backfill;
mod by_id;
mod crowd;
mod lanes;
mod metadata;
mod pages;
mod pool;
mod ranges;
mod reprojection;
mod sweep;
mod unmapped;
mod verify;
mod window;

pub(crate) use crowd::Crowd;
pub use lanes::{Lanes, Via};
pub(crate) use metadata::{Stored, not_read_yet};
pub use verify::Verification;

use associations::Extent;

use crate::engine::Engine;
use crate::error::RunError;
use crate::model::Timestamp;
use crate::remote::Remote;
use crate::report::ObjectReport;
use crate::store::{Healed, Table};
use std::sync::Arc;
use std::time::Duration;

/// How far the fast pass reaches back behind the start of the one before: clocks of servers differ a little.
const OVERLAP: Duration = Duration::from_secs(120);

impl<R: Remote + 'static> Engine<R> {
    /// Brings one object type up to the edge of what the remote shows: reads it in full, or what changed since.
    /// `server_now` is the remote's time at the run's begin: walks count as begun then, which only makes the next one
    /// reach further back.
    pub(crate) async fn pull_edge(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let name = object.clone();
        let (status, unguarded) =
            self.store().call(move |store| Ok((store.object_status(&name)?, store.was_unguarded(&name)))).await?;
        let full = report.full_look || unguarded;
        if status.backfilled || full {
            self.heal(table, full).await?;
        }
        if status.backfilled {
            for pair in table.outgoing() {
                self.walk_associations(table, pair, Extent::first(server_now), report).await?;
            }
        } else {
            self.backfill(table, server_now, report).await?;
        }
        self.fast_pass(table, server_now, report).await?;
        if status.backfilled {
            self.archived_if_due(table, server_now, report).await?;
        }
        Ok(())
    }

    /// Looks again at what the edge may have missed: the settled pass, and a slice of the sweep.
    pub(crate) async fn pull_behind(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        self.settled_if_due(table, server_now, report).await?;
        self.sweep_slice(table, server_now, report).await
    }

    /// Shows deleted and replaced rows again, before anything is compared with them; and if `full`, notes every row that
    /// is not as it was left, whether a trigger saw that or not.
    pub(crate) async fn heal(&self, table: &Arc<Table>, full: bool) -> Result<Healed, RunError> {
        let healing = Arc::clone(table);
        let healed = self.store().write(move |write| write.heal(&healing, full)).await?;
        self.step("pull.healed")?;
        if full {
            let object = table.object().to_owned();
            let changed = self.store().call(move |store| store.diff(&object)).await?;
            let noting = Arc::clone(table);
            self.store()
                .write(move |write| {
                    write.note_changed(&noting, &changed)?;
                    write.looked_in_full(noting.object())
                })
                .await?;
            self.step("pull.diffed")?;
        }
        self.tell_returned(table, healed.returned);
        Ok(healed)
    }

    /// Says that rows came back which somebody had deleted, if any did.
    pub(crate) fn tell_returned(&self, table: &Table, returned: u64) {
        let rows = match returned {
            0 => return,
            1 => "1 deleted row".to_owned(),
            more => format!("{more} deleted rows"),
        };
        self.warn(format!(
            "{rows} of {} came back: a plain DELETE archives nothing; set archived = 1 to ask for an archive",
            table.mapping.table
        ));
    }

    /// Where the fast pass begins to look, given when the walk before it began.
    fn reaching_back(began: Timestamp) -> Timestamp {
        began.minus(OVERLAP)
    }
}
