//! What is pending, as of the last plan or run: told in `sync_pending` for people to read, and for nothing else.

use super::{LinkChange, Store, StoreError, Table, Write};
use crate::model::RecordId;
use crate::plan::changes::RowChange;
use rusqlite::params;

impl Store {
    /// Whether `sync_pending` tells anything of an object type's records.
    pub fn tells_pending(&self, object: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sync_pending WHERE object = ?1 AND operation IN ('create', 'update', 'archive')";
        Ok(self.connection.prepare_cached(sql)?.exists([object])?)
    }

    /// Whether it tells anything of associations.
    pub fn tells_pending_links(&self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sync_pending WHERE operation IN ('associate', 'dissociate')";
        Ok(self.connection.prepare_cached(sql)?.exists([])?)
    }
}

impl Write<'_> {
    /// Takes out of `sync_pending` what is told of records that nobody has touched since they were as both sides agreed,
    /// and of new rows that have records or are gone.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_pending(&self, table: &Table) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM sync_pending WHERE object = ?1 AND operation IN ('create', 'update', 'archive') AND CASE
                 WHEN record_id IS NULL THEN NOT EXISTS (SELECT 1 FROM {} r WHERE r._uid = uid AND r.id IS NULL)
                 ELSE NOT EXISTS (SELECT 1 FROM sync_touched t WHERE t.object = ?1 AND t.record_id = sync_pending.record_id)
             END",
            table.quoted()
        );
        self.connection.prepare_cached(&sql)?.execute([table.object()])?;
        Ok(())
    }

    /// Replaces what `sync_pending` tells of an object type's records.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_pending(&self, table: &Table, changes: &[RowChange]) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM sync_pending WHERE object = ?1 AND operation IN ('create', 'update', 'archive')",
            )?
            .execute([table.object()])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO sync_pending (object, record_id, uid, operation, property, base, local)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for change in changes {
            let (id, operation) = (change.id.as_ref().map(RecordId::as_str), change.operation.word());
            let nothing: [Option<&str>; 3] = [None, None, None];
            let fields = change.fields.iter();
            let fields: Vec<[Option<&str>; 3]> = fields
                .map(|field| [Some(field.property.as_str()), field.base.as_deref(), field.local.as_deref()])
                .collect();
            let rows = if fields.is_empty() { vec![nothing] } else { fields };
            for [property, base, local] in rows {
                insert.execute(params![table.object(), id, change.uid, operation, property, base, local])?;
            }
        }
        Ok(())
    }

    /// Replaces what `sync_pending` tells of associations.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_pending_links(&self, changes: &[LinkChange]) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM sync_pending WHERE operation IN ('associate', 'dissociate')")?
            .execute([])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO sync_pending (object, record_id, uid, operation, property, base, local)
             VALUES (?1, ?2, ?3, ?4, 'associations', ?5, ?6)",
        )?;
        for change in changes {
            let (base, local) = (change.told(&change.base), change.told(&change.local));
            // There is more in the key of a row than digits.
            let from = change.from.as_str();
            let is_id = from.bytes().all(|byte| byte.is_ascii_digit());
            let (id, uid) = (is_id.then_some(from), (!is_id).then_some(from));
            insert.execute(params![change.pair.from, id, uid, change.operation(), base, local])?;
        }
        Ok(())
    }
}
