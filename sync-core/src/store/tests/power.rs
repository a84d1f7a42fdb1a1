//! Power that fails: the mirror's file and log are copied after every commit, and put back as the disk may have had
//! them: with the log cut at every frame after the last checkpoint, and with a checkpoint half done.

use super::fixture::{CONTACTS, Mirror, Noon, record, tables};
use crate::events::Phase;
use crate::model::{Record, Timestamp};
use crate::steps::Steps;
use crate::store::rows::Applier;
use crate::store::{Store, StoreHandle, Walk};
use fastrand::Rng;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The log's own header, and that of each frame, which is followed by one page.
const HEADER: usize = 32;
const FRAME: usize = 24;

/// The file and its log.
type Copy = [Vec<u8>; 2];

/// Copies the mirror after every commit.
#[derive(Default)]
struct Copier(Mutex<(PathBuf, Vec<Copy>)>);

impl Steps for Copier {
    fn pass(&self, name: &'static str) -> Result<(), &'static str> {
        if name == "store.committed" {
            let mut kept = self.0.lock().unwrap();
            let copy = [kept.0.clone(), kept.0.with_extension("db-wal")].map(|path| std::fs::read(path).unwrap());
            kept.1.push(copy);
        }
        Ok(())
    }
}

/// The first walk brings new records, the second changes them; each commit moves a cursor past what it wrote.
fn page(walk: u64, number: u64) -> Vec<Record> {
    let ids = number * 10 + 1..=number * 10 + 10;
    let filler = "x".repeat(300);
    let value = |id| format!(r#"{{"email":"{id}@x.org","city":"{walk}","firstname":"{filler}","amount":"{id}.50"}}"#);
    ids.map(|id| record(id, walk.cast_signed(), &value(id))).collect()
}

const PAGES: u64 = 10;

/// Two walks over a mirror whose log is moved into the file every few commits.
async fn copies() -> Vec<Copy> {
    let copier = Arc::new(Copier::default());
    let mirror = Mirror::with(&[CONTACTS], Arc::clone(&copier) as Arc<dyn Steps>);
    copier.0.lock().unwrap().0 = mirror.path();
    mirror.handle.call(|store| Ok(store.connection.pragma_update(None, "wal_autocheckpoint", 60)?)).await.unwrap();
    for walk in 1..=2 {
        for number in 0..PAGES {
            let written = move |write: &crate::store::Write<'_>| {
                write.apply(&*write.table("contacts")?, &page(walk, number))?;
                let position = Some(format!("{walk}{:03}", (number + 1) * 10));
                let began = Timestamp::from_millis(0);
                write.save_walk("contacts", Phase::Backfill, &Walk { position, ..Walk::new(began) })
            };
            mirror.handle.write(written).await.unwrap();
        }
    }
    std::mem::take(&mut copier.0.lock().unwrap().1)
}

/// How many frames of the log count: those that were written since it was begun anew.
fn frames(log: &[u8]) -> (usize, usize) {
    let page: [u8; 4] = log[8..12].try_into().unwrap();
    let size = FRAME + u32::from_be_bytes(page) as usize;
    let salt = &log[16..24];
    (size, log[HEADER..].chunks_exact(size).take_while(|frame| frame[8..16] == *salt).count())
}

/// Opens what the disk had and checks it against the only thing that is known: where its cursor stands.
fn reopened(folder: &Path, file: &[u8], log: &[u8]) -> (u64, u64) {
    let path = folder.join("crm.db");
    std::fs::write(&path, file).unwrap();
    std::fs::write(path.with_extension("db-wal"), log).unwrap();
    let _ = std::fs::remove_file(path.with_extension("db-shm"));
    let mut store = Store::open(&path).unwrap();
    store.prepare(tables(&[CONTACTS])).unwrap();
    let whole: String = store.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let position = store.walk("contacts", Phase::Backfill).unwrap().and_then(|walk| walk.position);
    let position: u64 = position.map_or(0, |position| position.parse().unwrap());
    let (walk, last) = (position / 1_000, position % 1_000);
    let counted = store.row_count("contacts").unwrap();
    assert_eq!(counted, if walk == 2 { PAGES * 10 } else { last }, "rows at the cursor {position}");
    store.begin(false).unwrap();
    store
        .guarded(Timestamp::from_millis(0), &crate::steps::Unstopped, |write| {
            let table = write.table("contacts")?;
            let mut applier = Applier::new(write, &table)?;
            for id in 1..=PAGES * 10 {
                let (base, row) = (applier.base(&id.to_string())?, applier.local_row(&id.to_string())?);
                assert_eq!(base.is_some(), row.is_some(), "{id}");
                assert_eq!(base.is_some(), id <= counted, "{id}");
                let (Some(base), Some(row)) = (base, row) else { continue };
                assert_eq!((base.row_hash, base.row), (row.hash, row.row), "{id}");
                let wanted = if walk == 2 && id <= last { "2" } else { "1" };
                assert_eq!(base.properties.get("city").as_deref(), Some(wanted), "{id} at the cursor {position}");
            }
            Ok(())
        })
        .unwrap();
    (walk, last)
}

#[tokio::test]
async fn p36_the_log_cut_at_any_frame_leaves_whole_transactions_and_a_cursor_that_is_not_ahead() {
    let copies = copies().await;
    let folder = tempfile::tempdir().unwrap();
    let (mut cuts, mut logs) = (0, 0);
    for pair in copies.windows(2) {
        let ([file, before], [_, log]) = (&pair[0], &pair[1]);
        let ((size, count), same_log) = (frames(log), before[16..24] == log[16..24]);
        // What the log held at the commit before has been cut there already.
        let first = if same_log { frames(before).1 } else { 0 };
        logs += usize::from(!same_log);
        let mut reached = Vec::new();
        for frame in first..=count {
            let end = HEADER + frame * size;
            reached.push(reopened(folder.path(), file, &log[..end]));
            let within = (end + size * 2 / 3).min(log.len());
            assert_eq!(
                reopened(folder.path(), file, &log[..within]),
                reached[reached.len() - 1],
                "half a frame counts"
            );
            cuts += 2;
        }
        assert!(reached.is_sorted(), "more of the log was less of the mirror: {reached:?}");
    }
    assert!(cuts > 150 && logs >= 2, "{cuts} cuts in {logs} logs");
}

#[tokio::test]
async fn p36_a_checkpoint_of_which_any_pages_arrived_leaves_what_the_log_says() {
    let copies = copies().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(36);
    let mut checkpoints = 0;
    for pair in copies.windows(2) {
        let ([before, _], [after, log]) = (&pair[0], &pair[1]);
        if before == after {
            continue;
        }
        checkpoints += 1;
        let wanted = reopened(folder.path(), after, log);
        for _ in 0..12 {
            let size = frames(log).0 - FRAME;
            let mut torn = before.clone();
            torn.resize(rng.usize(before.len() / size..=after.len() / size) * size, 0);
            for (old, new) in torn.chunks_mut(size).zip(after.chunks(size)) {
                // A page may be there, or half of it, or not at all.
                let arrived = [0, 0, size / 2, size][rng.usize(..4)];
                old[..arrived].copy_from_slice(&new[..arrived]);
            }
            assert_eq!(reopened(folder.path(), &torn, log), wanted);
        }
    }
    assert!(checkpoints >= 2, "{checkpoints}");
}

#[tokio::test]
async fn p37_more_room_lets_a_walk_go_on_from_where_the_disk_was_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm.db");
    drop(Mirror::open(&path, &[CONTACTS], Arc::new(crate::steps::Unstopped)).unwrap());
    let (mut room, mut done, mut refused) = (1, 0, 0);
    while done < PAGES {
        let mut store = Store::open_with_room(&path, room).unwrap();
        store.prepare(tables(&[CONTACTS])).unwrap();
        let handle = StoreHandle::inline(store, Arc::new(Noon), Arc::new(crate::steps::Unstopped));
        while done < PAGES {
            let number = done;
            let applied = handle.write(move |write| write.apply(&*write.table("contacts")?, &page(1, number))).await;
            match applied {
                Ok(_) => done += 1,
                Err(crate::store::StoreError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
        refused += usize::from(done < PAGES);
        room += 1;
        assert_eq!(handle.call(|store| store.row_count("contacts")).await.unwrap(), done * 10);
    }
    assert!(refused > 20, "{refused} times there was no room");
}
