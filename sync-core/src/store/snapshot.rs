//! A copy of the mirror as it stands at one moment, while runs and people go on writing.
//!
//! * Page by page as SQLite's own backup makes it, so that handles and hints in it mean what they mean in the mirror.
//! * Made under another name in the same folder, proved whole, and only then given its name. A file of that name that
//!   is there already stays.

use super::{Store, StoreError};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Each object type with the rows of its table.
    pub rows: Vec<(String, u64)>,
    /// The size of the file.
    pub bytes: u64,
}

impl Store {
    /// Copies the mirror at `mirror` to the file `to`; `None` when there is no mirror. Takes no lock of a run.
    ///
    /// # Errors
    /// When `to` exists, cannot be written, or the copy is not whole; nothing is left behind then.
    pub fn snapshot(mirror: &Path, to: &Path) -> Result<Option<Snapshot>, StoreError> {
        let Some(source) = Self::open_to_read(mirror)? else { return Ok(None) };
        if to.symlink_metadata().is_ok() {
            return Err(taken(to));
        }
        // Two at once must not meet.
        let unique: String = source.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0))?;
        let unfinished = Unfinished::make(to, &unique)?;
        let rows = copy(&source, &unfinished.0)?;
        let file = File::open(&unfinished.0).and_then(|file| file.sync_all().map(|()| file));
        let bytes = file.and_then(|file| file.metadata()).map_err(|error| refused(to, error))?.len();
        unfinished.finish(to)?;
        Ok(Some(Snapshot { rows, bytes }))
    }
}

/// The copy before it has its name. Goes when it is dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    fn make(to: &Path, unique: &str) -> Result<Self, StoreError> {
        let Some(name) = to.file_name() else {
            return Err(StoreError::Unusable(format!("{} names no file", to.display())));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{unique}.part"));
        let path = to.with_file_name(hidden);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&path);
        made.map_err(|error| refused(to, error))?;
        Ok(Self(path))
    }

    /// Gives the copy its name. A link, unlike a renaming, refuses to replace what somebody put there meanwhile.
    fn finish(self, to: &Path) -> Result<(), StoreError> {
        match fs::hard_link(&self.0, to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(taken(to)),
            // File systems without links.
            Err(_) if to.symlink_metadata().is_ok() => return Err(taken(to)),
            Err(_) => fs::rename(&self.0, to).map_err(|error| refused(to, error))?,
        }
        drop(fs::remove_file(&self.0));
        // The name is part of the folder, which has to reach the disk too.
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| refused(to, error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            // What is not there need not go.
            drop(fs::remove_file(name));
        }
    }
}

/// In one step, so that the copy is of one moment; in WAL mode that holds up nobody.
fn copy(source: &Connection, path: &Path) -> Result<Vec<(String, u64)>, StoreError> {
    let mut target = Connection::open(path)?;
    if Backup::new(source, &mut target)?.step(-1)? != StepResult::Done {
        return Err(StoreError::Busy);
    }
    // A single file, which also opens where nothing can be written beside it.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    let damage = damage(&target)?;
    if !damage.is_empty() {
        let what = damage.join("; ");
        return Err(StoreError::Damaged(what));
    }
    let mut statement = target.prepare("SELECT object, rows FROM sync_status ORDER BY object")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What SQLite finds wrong with a whole file; nothing in a sound one.
pub(super) fn damage(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare("PRAGMA integrity_check(10)")?;
    let found: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}

fn taken(to: &Path) -> StoreError {
    StoreError::Unusable(format!("{} is there already, and a snapshot replaces nothing", to.display()))
}

fn refused(to: &Path, error: Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unusable(format!("{} cannot be written: {error}", to.display())),
    }
}
