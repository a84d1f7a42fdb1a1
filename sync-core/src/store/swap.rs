//! New columns take the places of the old ones, in one short transaction; what is left behind goes afterwards.

use super::ddl::{Made, fetches_all, indexes_of, lacks_an_index, note_made, our_index};
use super::peoples::SetAside;
use super::reproject::{Plan, drop_column, left_column, matching, waiting_column};
use super::table::quote;
use super::triggers::{drop_triggers, keep_triggers};
use super::unread::{is_unread, read_anew};
use super::views::{keep_views, views_of};
use super::{Store, StoreError, Table, Write};
use rusqlite::params;

impl Store {
    /// Object types whose tables have columns left behind, or lack an index of ours.
    pub fn untidy(&self) -> Result<Vec<String>, StoreError> {
        let mut untidy = Vec::new();
        for table in self.tables().values() {
            if !matching(&self.connection, table, "_old_*")?.is_empty() || lacks_an_index(&self.connection, table)? {
                untidy.push(table.object().to_owned());
            }
        }
        Ok(untidy)
    }
}

impl Write<'_> {
    /// Puts the filled columns in their places. Returns a sentence for each thing of a person's own that no longer fits.
    ///
    /// # Errors
    /// When SQLite refuses: the table is then as it was.
    pub fn swap_columns(&self, table: &Table) -> Result<Vec<String>, StoreError> {
        let connection = self.connection;
        let (made, progress) = self.reprojecting(table)?;
        let plan = Plan::of(table, &made)?;
        self.catch_up(table, &plan, &progress)?;
        let (name, plain) = (table.quoted(), &table.mapping.table);
        let leaving = plan.leaving();
        for column in &leaving {
            connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", our_index(plain, column)))?;
        }
        drop_triggers(connection, table)?;
        let aside = SetAside::take(connection, plain, &leaving)?;
        let rename = |from: &str, to: &str| {
            let sql = format!("ALTER TABLE {name} RENAME COLUMN {} TO {}", quote(from), quote(to));
            connection.execute_batch(&sql).map_err(|error| StoreError::Altered {
                table: plain.clone(),
                what: format!("its column {to} cannot be made ({error}); rename what is in the way"),
            })
        };
        for place in plan.changes.iter().filter_map(|change| change.old) {
            rename(&plan.old[place].column, &left_column(place))?;
        }
        for place in plan.changes.iter().filter_map(|change| change.new) {
            rename(&waiting_column(place), &table.mapping.fields[place].column)?;
        }
        keep_triggers(connection, table)?;
        let lost = aside.bring_back(connection);
        keep_views(connection, &views_of(table))?;
        if self.lacks_values(table, &plan, &made)? {
            read_anew(connection, table.object())?;
        }
        note_made(connection, &table.mapping)?;
        connection.execute("DELETE FROM sync_reprojections WHERE object = ?1", params![table.object()])?;
        Ok(lost)
    }

    /// Whether the mapping asks for values that were not fetched when records were read: only a new read can show them.
    fn lacks_values(&self, table: &Table, plan: &Plan, made: &Made) -> Result<bool, StoreError> {
        if fetches_all(&table.mapping) && !made.fetched_all {
            return Ok(true);
        }
        for place in plan.changes.iter().filter(|change| change.old.is_none()).filter_map(|change| change.new) {
            let property = &table.mapping.fields[place].property;
            if !made.fetched_all || is_unread(self.connection, table.object(), property)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops one column that is left behind. When there is none any more, makes the indexes that the table lacks and says
    /// so.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn drop_left_column(&self, table: &Table) -> Result<bool, StoreError> {
        match matching(self.connection, table, "_old_*")?.first() {
            Some(column) => drop_column(self.connection, table, column).map(|()| true),
            None => self.connection.execute_batch(&indexes_of(&table.mapping)).map(|()| false).map_err(Into::into),
        }
    }
}
