//! What a push would send, and whether the belts let it.

use super::extent::{Extent, HeldBack, losing};
use crate::engine::Engine;
use crate::error::RunError;
use crate::plan::changes::{Operation, RowChange, RowPlan};
use crate::pull::{Stored, not_read_yet};
use crate::remote::Remote;
use crate::report::Report;
use crate::store::{LinkChange, Suspect, Table};
use mappings::Mapping;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// How many rows are compared in one transaction.
const ROWS: usize = 1_000;

/// What is to be pushed of one object type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedObject {
    /// Row by row.
    pub changes: Vec<RowChange>,
    /// Rows with changes that wait for a person.
    pub waiting: u64,
    /// Rows of which something was sent and never answered: the next run that makes calls finds out what became of it.
    pub unsettled: u64,
    /// Pairs of records whose associations are to be written.
    pub links: Vec<LinkChange>,
    /// New rows that a push would refuse before any call: empty ones, and those with the key of another new row.
    pub refused: u64,
    /// Why belts would hold it back, if they would.
    pub held_back: Option<HeldBack>,
    /// Why nothing of it would be sent, where its table was made anew by a tool.
    pub stopped: Option<String>,
    /// Why it was left out, where no pull has read its properties yet.
    pub skipped: Option<String>,
}

/// What is to be pushed, by object type.
pub type Survey = BTreeMap<String, PlannedObject>;

/// The rows of a table that are to be pushed, by what for.
#[derive(Default)]
pub(super) struct Due {
    creates: Vec<Suspect>,
    updates: Vec<Suspect>,
    /// Also those with edits, which are sent first; not those of which anything waits.
    archives: Vec<Suspect>,
    /// How many values turned out to be such that they cannot be sent.
    pub(super) unsendable: u64,
}

impl<R: Remote + 'static> Engine<R> {
    /// What a push would send, without a call. `objects` limits it to some of the mapped object types; empty means all.
    /// With `full` every row is compared with its base, not only those that triggers noted. Of all object types, those
    /// that the mirror knows nothing of are left out, which is told.
    ///
    /// # Errors
    /// When the mirror cannot be read or written, or knows nothing of an object type that was singled out, or of any.
    pub async fn plan(&self, mappings: &[Mapping], objects: &[String], full: bool) -> Result<Survey, RunError> {
        let mut survey = Survey::new();
        let asked = |object: &str| objects.is_empty() || objects.iter().any(|name| name == object);
        let all = objects.is_empty() || mappings.iter().all(|mapping| objects.contains(&mapping.object));
        let Stored { tables, altered, unread } = self.stored_tables(mappings).await?;
        for object in unread.into_iter().filter(|object| asked(object)) {
            let why = not_read_yet(&object);
            if !all {
                return Err(RunError::LeftOut(why));
            }
            self.warn(format!("{object} was left out: {why}"));
            survey.insert(object, PlannedObject { skipped: Some(why), ..PlannedObject::default() });
        }
        for (object, error) in altered.into_iter().filter(|(object, _)| asked(object)) {
            survey.insert(object, PlannedObject { stopped: Some(error.to_string()), ..PlannedObject::default() });
        }
        for table in tables {
            if asked(table.object()) {
                let object = table.object().to_owned();
                let unguarded = self.store().call(move |store| Ok(store.was_unguarded(&object))).await?;
                if full || unguarded {
                    self.heal(&table, true).await?;
                }
                let (mut planned, extent) = self.survey(&table).await?;
                planned.held_back = self.held_back(&table, &extent).await?;
                survey.insert(table.object().to_owned(), planned);
            }
        }
        self.plan_links(&mut survey, full).await?;
        for planned in survey.values_mut() {
            for (pair, losing) in losing(&planned.links) {
                if let Some(more) = self.links_held_back(&pair, losing).await? {
                    planned.held_back.get_or_insert_default().and(more);
                }
            }
        }
        Ok(survey)
    }

    /// Notes what is pending at the end of a run that pushes.
    pub(crate) async fn note_what_is_left(&self, tables: &[Arc<Table>], report: &mut Report) -> Result<(), RunError> {
        let mut survey = Survey::new();
        for table in tables {
            let part = report.objects.get(table.object());
            if part.is_some_and(|part| part.error.is_none() && part.skipped.is_none()) {
                let (planned, _) = self.survey(table).await?;
                survey.insert(table.object().to_owned(), planned);
            }
        }
        self.plan_links(&mut survey, false).await?;
        for (object, planned) in survey {
            let part = report.objects.entry(object).or_default();
            part.pushed.waiting = planned.waiting;
            part.pushed.left = (planned.changes.len() + planned.links.len()) as u64;
        }
        Ok(())
    }

    /// Associations, each with the object type at whose records it begins, or else at whose it ends.
    async fn plan_links(&self, survey: &mut Survey, full: bool) -> Result<(), RunError> {
        let look = self.survey_links(full).await?;
        // By the time that associations are sent, the new rows have records.
        let mut ahead: BTreeMap<_, LinkChange> = BTreeMap::new();
        for change in look.ahead {
            let key = (change.pair.from.clone(), change.pair.to.clone(), change.from.clone(), change.to.clone());
            let kinds = change.local.clone();
            ahead.entry(key).or_insert(change).local.extend(kinds);
        }
        let changes: Vec<LinkChange> = look.changes.into_iter().chain(ahead.into_values()).collect();
        if !changes.is_empty() || self.store().call(|store| store.tells_pending_links()).await? {
            let noted = changes.clone();
            self.store().write(move |write| write.note_pending_links(&noted)).await?;
        }
        for change in changes {
            let named = [&change.pair.from, &change.pair.to].into_iter().find(|object| survey.contains_key(*object));
            if let Some(planned) = named.cloned().and_then(|object| survey.get_mut(&object)) {
                planned.links.push(change);
            }
        }
        for (object, count) in look.refused.into_iter().chain(look.waiting) {
            // A row may name any object type; the first one answers for those that are not mirrored.
            let named = survey.keys().find(|name| **name == object).or_else(|| survey.keys().next());
            if let Some(planned) = named.cloned().and_then(|name| survey.get_mut(&name)) {
                planned.waiting += count;
            }
        }
        Ok(())
    }

    /// Notes at the end of a run that only pulls what is not pending any more. What is can only be told by comparing, which
    /// decides about edits of records that are merged or archived by now: that is for a run that could send them.
    pub(crate) async fn note_what_is_gone(&self, tables: &[Arc<Table>]) -> Result<(), RunError> {
        for table in tables {
            let object = table.object().to_owned();
            if self.store().call(move |store| store.tells_pending(&object)).await? {
                // Hints about rows that are as both sides agreed by now lead nowhere.
                self.heal(table, false).await?;
                let noted = Arc::clone(table);
                self.store().write(move |write| write.forget_pending(&noted)).await?;
            }
        }
        Ok(())
    }

    /// Every change of a table, to be shown, and how much that is; nothing of it is sent.
    async fn survey(&self, table: &Arc<Table>) -> Result<(PlannedObject, Extent), RunError> {
        let mut planned = PlannedObject::default();
        let mut extent = Extent::default();
        self.compare(table, |_, plan| {
            extent.add(&plan);
            planned.waiting += u64::from(plan.waiting > 0 || !plan.unsendable.is_empty());
            planned.unsettled += u64::from(plan.unsettled);
            let then = plan.archive_after_edits();
            planned.changes.extend(plan.change.into_iter().chain(then));
        })
        .await?;
        planned.refused = self.take_refused_out(table, &mut planned.changes).await?;
        let object = table.object().to_owned();
        // An idle run writes nothing.
        if !planned.changes.is_empty() || self.store().call(move |store| store.tells_pending(&object)).await? {
            let (noted, changes) = (Arc::clone(table), planned.changes.clone());
            self.store().write(move |write| write.note_pending(&noted, &changes)).await?;
        }
        Ok((planned, extent))
    }

    /// Looks what is due, and which belts hold it back. Nothing but that is then sent: what somebody asks for later is the
    /// next run's, and its belts'.
    pub(super) async fn look_what_is_due(&self, table: &Arc<Table>) -> Result<(Due, Option<HeldBack>), RunError> {
        let (mut due, mut extent) = (Due::default(), Extent::default());
        let (scope, object) = (Arc::clone(self.scope()), table.object().to_owned());
        self.compare(table, |suspect, plan| {
            if let Some(plan) = scope.narrow(&object, suspect.id.as_deref(), plan) {
                extent.add(&plan);
                due.add(suspect, &plan);
            }
        })
        .await?;
        let held = self.held_back(table, &extent).await?;
        Ok((due, held))
    }

    /// Takes the new rows out that a push would refuse before any call. Returns how many.
    async fn take_refused_out(&self, table: &Arc<Table>, changes: &mut Vec<RowChange>) -> Result<u64, RunError> {
        let mut refused = HashSet::new();
        let new: Vec<RowChange> =
            changes.iter().filter(|change| change.operation == Operation::Create).cloned().collect();
        for some in new.chunks(ROWS) {
            let (looking, some) = (Arc::clone(table), some.to_vec());
            refused.extend(self.store().write(move |write| write.new_rows_to_refuse(&looking, &some)).await?);
        }
        changes.retain(|change| change.operation != Operation::Create || !refused.contains(&change.row));
        Ok(refused.len() as u64)
    }

    /// The belts that hold so many changes of a table back.
    async fn held_back(&self, table: &Arc<Table>, extent: &Extent) -> Result<Option<HeldBack>, RunError> {
        let (columns, counted) = (extent.cleared_columns(), Arc::clone(table));
        let (rows, filled) = self
            .store()
            .call(move |store| Ok((store.row_count(counted.object())?, store.filled(&counted, &columns)?)))
            .await?;
        Ok(extent.held_back(table.object(), rows, &filled, self.push_settings()))
    }

    /// Rows that are to be updated now that so many new rows were found to have a record already: what such a row says
    /// beside it has become an edit, of this row or of the one that the record had. If there are more, somebody else has
    /// been editing, and no belt has counted it: they wait for the next run.
    pub(super) async fn edited_since(
        &self,
        table: &Arc<Table>,
        known: &[Suspect],
        adopted: u64,
    ) -> Result<Vec<Suspect>, RunError> {
        let mut edited = Vec::new();
        if adopted == 0 {
            return Ok(edited);
        }
        let known: HashSet<Option<&str>> = known.iter().map(|suspect| suspect.id.as_deref()).collect();
        self.compare(table, |suspect, plan| {
            let is_edit = plan.change.is_some_and(|change| change.operation == Operation::Update);
            if is_edit && !known.contains(&suspect.id.as_deref()) {
                edited.push(suspect);
            }
        })
        .await?;
        if edited.len() as u64 > adopted {
            edited.clear();
        }
        Ok(edited)
    }

    /// Compares every row that somebody touched with its base. A value that cannot be sent becomes a reject.
    async fn compare(&self, table: &Arc<Table>, mut each: impl FnMut(Suspect, RowPlan)) -> Result<(), RunError> {
        self.follow_merges(table).await?;
        let object = table.object().to_owned();
        let suspects = self.store().call(move |store| store.suspects(&object)).await?;
        let mut returned = 0;
        for some in suspects.chunks(ROWS) {
            let (comparing, some) = (Arc::clone(table), some.to_vec());
            let plans = self
                .store()
                .write(move |write| {
                    let waiting = write.waiting(&comparing, &some)?;
                    let plans = write.plans(&comparing, &some, &waiting)?;
                    for (suspect, plan) in &plans.rows {
                        write.reject_unsendable(&comparing, suspect, plan)?;
                    }
                    Ok(plans)
                })
                .await?;
            returned += plans.returned;
            plans.rows.into_iter().for_each(|(suspect, plan)| each(suspect, plan));
        }
        self.tell_returned(table, returned);
        Ok(())
    }

    /// Moves edits of records that were merged away to the records that are left, so that these are compared with them.
    async fn follow_merges(&self, table: &Arc<Table>) -> Result<(), RunError> {
        let looking = Arc::clone(table);
        let merged = self.store().call(move |store| store.merged_suspects(&looking)).await?;
        for some in merged.chunks(ROWS) {
            let (table, some) = (Arc::clone(table), some.to_vec());
            self.store()
                .write(move |write| {
                    let waiting = write.waiting(&table, &some)?;
                    write.plans(&table, &some, &waiting)
                })
                .await?;
        }
        Ok(())
    }
}

impl Due {
    fn add(&mut self, suspect: Suspect, plan: &RowPlan) {
        self.unsendable += plan.unsendable.len() as u64;
        if plan.archives() {
            self.archives.push(suspect.clone());
        }
        match plan.change.as_ref().map(|change| change.operation) {
            Some(Operation::Create) => self.creates.push(suspect),
            Some(Operation::Update) => self.updates.push(suspect),
            Some(Operation::Archive) | None => {}
        }
    }

    /// Takes the rows out for which an operation is due.
    pub(super) fn take(&mut self, operation: Operation) -> Vec<Suspect> {
        match operation {
            Operation::Create => std::mem::take(&mut self.creates),
            Operation::Update => std::mem::take(&mut self.updates),
            Operation::Archive => std::mem::take(&mut self.archives),
        }
    }
}
