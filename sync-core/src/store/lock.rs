//! One run at a time: a kernel lock on a file beside the mirror. It ends with the process that holds it, however that
//! ends, and needs no guess about age.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock of one mirror, held until dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Why a run may not begin.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds the lock.
    #[error("another run is at work on {}", .0.display())]
    Held(PathBuf),
    /// The lock file cannot be opened or locked.
    #[error("the lock file {} cannot be used: {error}", .path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl RunLock {
    /// Takes the lock of the mirror at `mirror`, without waiting. The lock file is `<mirror>.lock`; it stays when the
    /// lock is given back, because removing it would let two runs hold "the" lock.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process, or another run in this one, has it.
    pub fn take(mirror: &Path) -> Result<Self, LockError> {
        let mut name = mirror.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| LockError::Unusable { path: path.clone(), error })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(mirror.to_owned())),
            Err(TryLockError::Error(error)) => Err(LockError::Unusable { path, error }),
        }
    }
}

impl RunLock {
    /// Whether a run is at work on the mirror at this moment. Takes nothing, makes no file.
    pub fn is_held(mirror: &Path) -> bool {
        let mut name = mirror.as_os_str().to_owned();
        name.push(".lock");
        let Ok(file) = File::open(PathBuf::from(name)) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

#[cfg(test)]
mod tests {
    use super::{LockError, RunLock};

    #[test]
    fn p31_a_second_run_is_told_so_and_the_next_may_begin_when_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        let first = RunLock::take(&mirror).unwrap();
        assert!(matches!(RunLock::take(&mirror), Err(LockError::Held(_))));
        drop(first);
        RunLock::take(&mirror).unwrap();
    }
}
