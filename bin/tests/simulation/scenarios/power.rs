//! Power that fails and disks that fill, at every place of a pull: on copies, with the log cut where the disk had come.

use super::super::world::{World, paused};
use super::still;
use super::ties::slim_contacts;
use crmsync::exit::{CommandError, Exit};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex};
use sync_core::RunError;
use sync_core::store::{Store, StoreError};

/// The log's own header, and that of each frame, which is followed by one page.
const HEADER: usize = 32;
const FRAME: usize = 24;

fn world() -> World {
    let mut world = World::new(still(25, 6, 0, 0)).mirroring(&["companies"]);
    world.mappings.push(slim_contacts(""));
    world
}

/// The mirror's file and its log, as they were after a commit.
type Copy = [Vec<u8>; 2];

/// A pull that nothing disturbs, and copies of its mirror after each commit.
async fn copies_of(world: &World) -> Vec<Copy> {
    let copies: Arc<Mutex<Vec<Copy>>> = Arc::default();
    let (kept, mirror) = (Arc::clone(&copies), world.mirror());
    world.at_each_commit(move || {
        let log = std::fs::read(mirror.with_extension("db-wal")).unwrap();
        kept.lock().unwrap().push([std::fs::read(&mirror).unwrap(), log]);
    });
    world.pull_well().await.unwrap();
    world.at_each_commit(|| {});
    std::mem::take(&mut *copies.lock().unwrap())
}

/// How many bytes a frame of this log takes.
fn frame(log: &[u8]) -> usize {
    let page: [u8; 4] = log[8..12].try_into().unwrap();
    FRAME + u32::from_be_bytes(page) as usize
}

/// Puts a copy back, as the mirror of `path`, with as much of its log as had reached the disk.
fn put_back(path: &Path, [file, log]: &Copy, reached: usize) {
    std::fs::write(path, file).unwrap();
    std::fs::write(path.with_extension("db-wal"), &log[..reached]).unwrap();
    let _ = std::fs::remove_file(path.with_extension("db-shm"));
}

/// What must hold of every mirror, whatever became of the power.
fn sound(path: &Path, world: &World) -> Result<(), String> {
    drop(Store::open(path).map_err(|error| error.to_string())?);
    let mirror = Connection::open(path).unwrap();
    let text = |sql: &str| -> String { mirror.query_row(sql, [], |row| row.get(0)).unwrap() };
    let count = |sql: &str| -> i64 { mirror.query_row(sql, [], |row| row.get(0)).unwrap() };
    let whole = text("PRAGMA integrity_check");
    if whole != "ok" {
        return Err(whole);
    }
    assert_eq!(count("SELECT applying FROM sync_guard"), 0);
    for object in ["contacts", "companies"] {
        let counts = format!("SELECT rows FROM sync_objects WHERE object = '{object}'");
        let Ok(rows) = mirror.query_row::<i64, _, _>(&counts, [], |row| row.get(0)) else { continue };
        let of = |table: &str| count(&format!("SELECT count(*) FROM {table}"));
        if rows != of(object) || rows != of(&format!("sync_base_{object}")) {
            return Err(format!("{object}: {rows} counted, {} rows", of(object)));
        }
        let cursor = "SELECT coalesce(max(CAST(position AS INTEGER)), 0), coalesce(max(done), 0) FROM sync_cursors
             WHERE object = ?1 AND phase = 'backfill'";
        let (next, done): (i64, bool) =
            mirror.query_row(cursor, [object], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let known = format!("SELECT EXISTS (SELECT 1 FROM {object} WHERE id = ?1)");
        let read = "SELECT backfilled FROM sync_objects WHERE object = ?1";
        let all: bool = done || mirror.query_row::<bool, _, _>(read, [object], |row| row.get(0)).unwrap();
        for id in world.rehearsal.portal().active_ids(object) {
            let there: bool = mirror.query_row(&known, [id.to_string()], |row| row.get(0)).unwrap();
            if !there && (all || id.cast_signed() < next) {
                return Err(format!("{object} {id}: the cursor is at {next}, and the record is not there"));
            }
        }
    }
    Ok(())
}

#[test]
fn p36_power_that_fails_at_any_frame_of_the_log_leaves_a_mirror_from_which_a_pull_goes_on() {
    paused(async {
        let good = world();
        let copies = copies_of(&good).await;
        let contents = good.contents();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        let (mut cuts, mut begun) = (0, HEADER);
        for copy in &copies {
            let frame = frame(&copy[1]);
            assert_eq!(copy[0], copies[0][0], "a checkpoint of the file would need a cut of its own");
            for reached in (begun..=copy[1].len()).step_by(frame) {
                // Whole frames, and one of which a part is missing.
                for reached in [reached, (reached + frame / 2).min(copy[1].len())] {
                    put_back(&path, copy, reached);
                    sound(&path, &good).unwrap_or_else(|error| panic!("cut at byte {reached}: {error}"));
                    cuts += 1;
                }
                if ((reached - HEADER) / frame).is_multiple_of(23) {
                    let again = world();
                    put_back(&again.mirror(), copy, reached);
                    again.pull_well().await.unwrap_or_else(|error| panic!("cut at byte {reached}: {error}"));
                    assert_eq!(again.contents(), contents, "cut at byte {reached}");
                }
            }
            begun = copy[1].len() - (copy[1].len() - HEADER) % frame + frame;
        }
        assert!(copies.len() > 15 && cuts > 200, "{} commits, {cuts} cuts", copies.len());
    });
}

/// Whether a run ended because there was no room.
fn for_want_of_room(ended: Result<sync_core::Report, RunError>) -> Option<RunError> {
    let error = match ended {
        Err(error) => error,
        Ok(mut report) => {
            let failed = report.objects.values_mut().find_map(|part| part.error.take());
            report.error.take().or(failed)?
        }
    };
    assert!(matches!(error, RunError::Store(StoreError::Full)), "{error}");
    Some(error)
}

#[test]
fn p37_a_disk_that_is_full_at_any_page_ends_the_run_with_75_and_more_room_lets_the_next_one_finish() {
    paused(async {
        let good = world();
        good.pull_well().await.unwrap();
        let (contents, pages) = (good.contents(), good.count("PRAGMA page_count"));
        let mut refused = 0;
        for room in (1..=pages).step_by(4) {
            let mut world = world();
            world.room = Some(room.try_into().unwrap());
            let error = for_want_of_room(world.pull(None).await);
            assert_eq!(error.is_some(), room < pages, "{room} of {pages} pages");
            if let Some(error) = error {
                assert_eq!(CommandError::from(error).exit, Exit::Later);
                refused += 1;
            }
            sound(&world.mirror(), &world).unwrap_or_else(|error| panic!("{room} pages: {error}"));
            world.room = None;
            world.pull_well().await.unwrap_or_else(|error| panic!("{room} pages: {error}"));
            assert_eq!(world.contents(), contents, "{room} pages");
        }
        assert!(refused > 10, "{refused} runs of {pages} pages");
    });
}

#[test]
fn p37_a_disk_that_fills_between_two_pulls_keeps_what_the_first_one_read() {
    paused(async {
        let mut world = world();
        world.pull_well().await.unwrap();
        let now = world.rehearsal.now();
        let ids = world.rehearsal.portal().active_ids("contacts");
        let long = "x".repeat(20_000);
        world.rehearsal.portal().bulk_edit(now, "contacts", &ids, "city", long.as_str()).unwrap();
        world.room = Some(world.count("PRAGMA page_count").try_into().unwrap());
        super::after(super::minutes(5)).await;
        assert!(for_want_of_room(world.pull(None).await).is_some());
        sound(&world.mirror(), &world).unwrap();
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE length(city) > 100"), 0);
        world.room = None;
        world.pull_well().await.unwrap();
        let read = world.count("SELECT count(*) FROM contacts WHERE length(city) = 20000");
        assert_eq!(usize::try_from(read).unwrap(), ids.len());
    });
}
