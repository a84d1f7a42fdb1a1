//! What waits for a person is told by every run until somebody has decided.

use super::super::world::{Command, paused};
use super::pushes::{sql, world};
use super::{after, ids, minutes};
use crate::served::{Served, exit};
use mappings::Mapping;
use rusqlite::Connection;
use simulator::{Lag, Settings, Switches, Tier};

#[test]
fn p14_an_edit_whose_column_went_with_a_changed_mapping_is_told_by_every_run_until_it_is_dropped() {
    paused(async {
        let mut world = world().await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
        world.mappings.retain(|mapping| mapping.object != "contacts");
        let cityless = "object: contacts\ntable: contacts\nkey: email\nfields:\n  email: email\n";
        world.mappings.push(Mapping::parse("contacts.yaml", cityless).unwrap());
        for command in [Command::Pull, Command::Sync, Command::Push] {
            let report = world.run_well(command).await.unwrap();
            assert_eq!((report.open_rejects, report.pushed().refused), (1, 0), "{command:?}");
            after(minutes(5)).await;
        }
        let why = || "nobody needs it".to_owned();
        let dropped = world.decide(async |engine, all| engine.drop_reject(all, "contacts", 1, why(), false).await);
        dropped.await.unwrap();
        assert_eq!(world.run_well(Command::Pull).await.unwrap().open_rejects, 0);
    });
}

#[test]
fn a_run_beside_rejects_exits_1_and_says_how_many_wait_and_where_they_are() {
    let start = chrono::Utc::now().timestamp_millis();
    let switches = Switches { lag: Lag::none(), post_create_bump: false, ..Switches::default() };
    let portal = Served::of(Settings { start, switches, tier: Tier::Unlimited, ..Settings::sized(8, 1, 1, 1) });
    let home = portal
        .home()
        .variable("CRMSYNC_PORTALS__DEFAULT__PUSH__ENABLED", "true")
        .variable("CRMSYNC_PORTALS__DEFAULT__OBJECTS", "contacts");
    let (code, told) = exit(&home, &["sync"]);
    assert!(code == 0 && !told.contains("reject"), "{code}: {told}");
    let edit = "UPDATE contacts SET email = 'no address' WHERE _row = (SELECT min(_row) FROM contacts)";
    Connection::open(home.path().join("crm.db")).unwrap().execute_batch(edit).unwrap();
    for command in ["push", "pull", "sync"] {
        let (code, told) = exit(&home, &[command]);
        let line = "1 reject waits for a person: see `crmsync rejects`.";
        assert!(code == 1 && told.contains(line), "{command}: {code}: {told}");
    }
    assert_eq!(exit(&home, &["rejects", "retry"]).0, 0);
    assert_eq!(exit(&home, &["pull"]).0, 0, "a person has decided: the next push tries it again");
    assert_eq!(exit(&home, &["push"]).0, 1);
}
