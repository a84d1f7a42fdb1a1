//! One run at a time: a kernel lock on a file beside the mirror. It ends with the process that holds it, however that
//! ends, and needs no guess about age.
//!
//! The file also keeps the number of the last run. A mirror that knows of fewer runs was put back from an older copy.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than a look at the lock takes.
const MOMENT: Duration = Duration::from_millis(10);
/// No mirror has had more runs; what says otherwise is not ours.
const MOST_RUNS: i64 = 1_000_000_000_000;
/// How many links are followed; the system follows as many.
const LINKS: usize = 40;

/// The lock of one mirror, held until dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
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
    /// Takes the lock of the mirror at `mirror`. The lock file is `<mirror>.lock`, beside the file that links lead to;
    /// it stays when the lock is given back, because removing it would let two runs hold "the" lock.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process, or another run in this one, has it.
    pub fn take(mirror: &Path) -> Result<Self, LockError> {
        // No runtime's clock is needed for a moment before the run begins.
        Self::take_pausing(mirror, || std::thread::sleep(MOMENT))
    }

    /// Tries again after each of two pauses: somebody who looks whether a run is at work holds the lock for a moment.
    fn take_pausing(mirror: &Path, mut pause: impl FnMut()) -> Result<Self, LockError> {
        let path = lock_file(mirror);
        let unusable = |error| LockError::Unusable { path: path.clone(), error };
        let file = open(&path).map_err(unusable)?;
        let mut pauses = 2;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if pauses > 0 => {
                    pauses -= 1;
                    pause();
                }
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(mirror.to_owned())),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
    }

    /// The number of the last run that began under this lock; `None` when nobody noted one, or it cannot be read.
    pub fn last_run(&self) -> Option<i64> {
        let mut bytes = [0; 32];
        let count = self.file.read_at(&mut bytes, 0).ok()?;
        let text = std::str::from_utf8(bytes.get(..count)?).ok()?;
        text.strip_suffix('\n')?.parse().ok().filter(|run| (1..=MOST_RUNS).contains(run))
    }

    /// The same without a run: takes the lock for the moment in which it is read, and makes no file. `None` also while a run
    /// is at work, which has noticed what there is to notice.
    pub fn remembered(mirror: &Path) -> Option<i64> {
        if !lock_file(mirror).exists() {
            return None;
        }
        Self::take(mirror).ok()?.last_run()
    }

    /// Notes that a run has begun, on the disk.
    ///
    /// # Errors
    /// What the system said.
    pub fn note_run(&self, run: i64) -> io::Result<()> {
        // Always as long: one number replaces another in place, and is never half of each.
        self.file.write_all_at(format!("{run:020}\n").as_bytes(), 0)?;
        self.file.sync_all()
    }

    /// Whether a run is at work on the mirror at this moment. Shares the lock for as long as it takes to look, which
    /// [`RunLock::take`] waits out; makes no file.
    pub fn is_held(mirror: &Path) -> bool {
        let path = lock_file(mirror);
        if path.is_symlink() {
            return false;
        }
        let Ok(file) = File::open(path) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// One lock for one mirror: links to the mirror are followed, also those to a mirror that is still to be made.
fn lock_file(mirror: &Path) -> PathBuf {
    let mut file = mirror.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&file) else { break };
        // A target that begins at the root replaces the folder.
        file = file.parent().unwrap_or(Path::new("")).join(target);
    }
    file.as_mut_os_string().push(".lock");
    file
}

/// Opens the lock file, or makes it, readable by nobody but its owner and group. A link in its place is not followed:
/// in a folder that others may write to, it could lead anywhere.
fn open(path: &Path) -> io::Result<File> {
    let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    if path.is_symlink() {
        return Err(io::Error::other("it is a symbolic link; remove it"));
    }
    OpenOptions::new().read(true).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::{LockError, RunLock};
    use crate::store::{Store, StoreError};
    use std::fs::File;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn p31_a_second_run_is_told_so_and_the_next_may_begin_when_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        let first = RunLock::take(&mirror).unwrap();
        assert!(matches!(RunLock::take(&mirror), Err(LockError::Held(_))));
        drop(first);
        RunLock::take(&mirror).unwrap();
    }

    #[test]
    fn p31_a_mirror_has_one_lock_whatever_link_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mirror, link, further) =
            (folder.path().join("data/crm.db"), folder.path().join("link.db"), folder.path().join("further.db"));
        std::fs::create_dir(folder.path().join("data")).unwrap();
        symlink("data/crm.db", &link).unwrap();
        symlink(&link, &further).unwrap();
        // Before the mirror is made, and after: a run that makes it must not be joined by another one.
        for made in [false, true] {
            if made {
                std::fs::write(&mirror, "").unwrap();
            }
            let held = RunLock::take(&link).unwrap();
            for name in [&mirror, &link, &further] {
                assert!(matches!(RunLock::take(name), Err(LockError::Held(_))), "{}", name.display());
                assert!(RunLock::is_held(name), "{}", name.display());
            }
            drop(held);
            assert!(!RunLock::is_held(&further));
        }
        assert!(folder.path().join("data/crm.db.lock").exists());
    }

    #[test]
    fn links_that_lead_in_a_circle_are_told_by_the_mirror_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.db"), folder.path().join("two.db"));
        symlink(&one, &two).unwrap();
        symlink(&two, &one).unwrap();
        let _lock = RunLock::take(&one).unwrap();
        assert!(matches!(Store::open(&one), Err(StoreError::Unusable(_))));
    }

    #[test]
    fn a_lock_file_that_is_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        let target = folder.path().join("target");
        symlink(&target, folder.path().join("crm.db.lock")).unwrap();
        for there in [false, true] {
            if there {
                std::fs::write(&target, "kept").unwrap();
            }
            let error = RunLock::take(&mirror).unwrap_err();
            assert!(error.to_string().contains("symbolic link"), "{error}");
            assert_eq!(target.exists(), there);
        }
    }

    #[test]
    fn the_number_of_the_last_run_outlives_its_lock_and_is_none_where_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        let lock = RunLock::take(&mirror).unwrap();
        assert_eq!(lock.last_run(), None, "nobody noted any");
        for run in [9, 1_234, 7] {
            lock.note_run(run).unwrap();
            assert_eq!(lock.last_run(), Some(run));
        }
        drop(lock);
        assert_eq!(RunLock::take(&mirror).unwrap().last_run(), Some(7));
        for spoilt in ["", "7", "x\n", "-3\n", "0\n", "99999999999999999999\n", "9000000000000000000\n", "\u{fffd}"] {
            std::fs::write(folder.path().join("crm.db.lock"), spoilt).unwrap();
            assert_eq!(RunLock::take(&mirror).unwrap().last_run(), None, "{spoilt:?}");
        }
    }

    #[test]
    fn a_new_lock_file_is_for_its_owner_and_group() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        drop(RunLock::take(&mirror).unwrap());
        let mode = std::fs::metadata(folder.path().join("crm.db.lock")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & !0o640, 0, "{mode:o}");
        drop(RunLock::take(&mirror).unwrap());
    }

    #[test]
    fn p31_somebody_who_only_looks_does_not_keep_a_run_from_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        drop(RunLock::take(&mirror).unwrap());
        let look = || {
            let file = File::open(folder.path().join("crm.db.lock")).unwrap();
            file.try_lock_shared().unwrap();
            file
        };
        for pauses in 0..=2 {
            let mut looking = Some(look());
            let mut paused = 0;
            let taken = RunLock::take_pausing(&mirror, || {
                paused += 1;
                if paused > pauses {
                    looking.take();
                }
            });
            assert_eq!(taken.is_ok(), pauses < 2, "{pauses}");
            assert_eq!(paused, (pauses + 1).min(2));
        }
    }
}
