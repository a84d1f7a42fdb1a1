use super::super::world::{Command, World, paused};
use super::{after, agree, edit, ids, minutes, shown, still};
use simulator::{Category, MergeId, MergedRead, Settings, Switches};
use std::time::Duration;
use sync_core::RunError;

const A_DAY: Duration = minutes(25 * 60);

fn state(world: &World, id: u64) -> String {
    shown(world, "contacts", id, "state").unwrap()
}

fn purge(world: &World, ids: &[u64]) {
    for id in ids {
        world.rehearsal.portal().purge(world.rehearsal.now(), "contacts", *id).unwrap();
    }
}

/// The belt's words, if one stopped the pull.
async fn belt(world: &World) -> Option<String> {
    let report = world.pull(None).await.unwrap();
    report.errors().next().map(|error| match error {
        RunError::Belt(words) => words.clone(),
        error => panic!("{error}"),
    })
}

#[test]
fn p17_what_moves_no_date_is_found_by_the_next_sweep_and_not_before() {
    paused(async {
        let world = World::new(still(130, 8, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let (contacts, companies) = (ids(&world, "contacts"), ids(&world, "companies"));
        after(minutes(5)).await;
        {
            let (now, mut portal) = (world.rehearsal.now(), world.rehearsal.portal());
            portal.recalculate(now, "contacts", contacts[3], &[("num_notes", "77")]).unwrap();
            let label = portal.add_label(now, "contacts", "companies", "Advisor").unwrap();
            let (one, other) = (contacts[4], companies[1]);
            for (category, kind) in [(Category::HubspotDefined, 279), (Category::UserDefined, label)] {
                portal.associate(now, "contacts", one, "companies", other, category, kind).unwrap();
            }
            let gone = portal.associations("contacts", "companies").into_iter().find(|edge| edge.from_id != one);
            let gone = gone.unwrap();
            portal.dissociate(now, "contacts", gone.from_id, "companies", gone.to_id).unwrap();
        }
        after(minutes(70)).await;
        world.pull_well().await.unwrap();
        let notes = format!(
            "SELECT json_extract(properties, '$.num_notes') IS '77' FROM contacts_raw WHERE id = '{}'",
            contacts[3]
        );
        assert_eq!(world.count(&notes), 0);
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        agree(&world);
        assert_eq!(world.count(&notes), 1);
        let labels =
            format!("SELECT count(*) FROM associations WHERE from_id = '{}' AND label = 'Advisor'", contacts[4]);
        assert_eq!(world.count(&labels), 1);
    });
}

#[test]
fn p20_a_sweep_finds_merges_and_restores_that_moved_no_date() {
    for merged_read in [MergedRead::Winner, MergedRead::Omitted, MergedRead::NotFound] {
        for merge_id in [MergeId::New, MergeId::KeepPrimary] {
            paused(async {
                let few = still(130, 0, 0, 0);
                let switches = Switches { merged_read, merge_id, restore_bumps: false, ..few.switches.clone() };
                let world = World::new(Settings { switches, ..few }).mirroring(&["contacts"]);
                world.pull_well().await.unwrap();
                let contacts = ids(&world, "contacts");
                after(minutes(5)).await;
                world.rehearsal.portal().archive(world.rehearsal.now(), "contacts", contacts[9]).unwrap();
                after(minutes(65)).await;
                world.pull_well().await.unwrap();
                assert_eq!(state(&world, contacts[9]), "archived");
                // While the index finds nothing, only the sweep can.
                world.rehearsal.portal().switches_mut().search_blind = true;
                let now = world.rehearsal.now();
                world.rehearsal.portal().restore(now, "contacts", contacts[9]).unwrap();
                let survivor = world.rehearsal.portal().merge(now, "contacts", contacts[20], contacts[50]).unwrap();
                after(A_DAY).await;
                world.pull_well().await.unwrap();
                assert_eq!(
                    (state(&world, contacts[9]).as_str(), state(&world, survivor).as_str()),
                    ("active", "active")
                );
                assert_eq!(shown(&world, "contacts", contacts[50], "merged_into"), Some(survivor.to_string()));
                agree(&world);
            });
        }
    }
}

#[test]
fn p20_an_erased_record_is_missing_keeps_its_values_and_is_erased_after_two_sweeps_and_thirty_days() {
    paused(async {
        let world = World::new(still(130, 4, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let contacts = ids(&world, "contacts");
        let (erased, edited) = (contacts[7], contacts[8]);
        let email = shown(&world, "contacts", erased, "email");
        after(minutes(5)).await;
        purge(&world, &[erased, edited]);
        world.pull_well().await.unwrap();
        assert_eq!(state(&world, erased), "active", "a search that is silent proves nothing");
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        assert_eq!((state(&world, erased).as_str(), shown(&world, "contacts", erased, "email")), ("missing", email));
        assert_eq!(world.count("SELECT missing FROM sync_status WHERE object = 'contacts'"), 2);
        let history = "SELECT count(*) FROM sync_history WHERE property = 'state' AND after = 'missing'";
        assert_eq!(world.count(history), 2);
        agree(&world);
        world.person().execute("UPDATE contacts SET city = 'Mine' WHERE id = ?1", [edited.to_string()]).unwrap();
        after(minutes(31 * 24 * 60)).await;
        world.pull_well().await.unwrap();
        let left = format!("SELECT count(*) FROM contacts WHERE id = '{erased}'");
        assert_eq!(world.count(&left), 0);
        assert_eq!(world.count(&format!("SELECT count(*) FROM associations WHERE from_id = '{erased}'")), 0);
        assert_eq!(world.count(&format!("SELECT count(*) FROM sync_history WHERE record_id = '{erased}'")), 0);
        // What nobody has decided about stays.
        assert_eq!(shown(&world, "contacts", edited, "city").as_deref(), Some("Mine"));
        let counted =
            "SELECT rows - (SELECT count(*) FROM contacts) + missing - 1 FROM sync_status WHERE object = 'contacts'";
        assert_eq!(world.count(counted), 0);
    });
}

#[test]
fn p20_what_was_merged_into_an_erased_record_and_what_was_sent_of_it_goes_with_it() {
    paused(async {
        let few = still(130, 4, 0, 0);
        let switches = Switches { merge_id: MergeId::New, ..few.switches.clone() };
        let world = World::new(Settings { switches, ..few }).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let contacts = ids(&world, "contacts");
        let (one, other) = (contacts[7], contacts[8]);
        after(minutes(5)).await;
        world.person().execute("UPDATE contacts SET city = 'Sent' WHERE id = ?1", [one.to_string()]).unwrap();
        world.run_well(Command::Sync).await.unwrap();
        let sent = "SELECT count(*) FROM sync_journal WHERE settled_at IS NOT NULL";
        assert_eq!(world.count(sent), 1);
        let now = world.rehearsal.now();
        let survivor = world.rehearsal.portal().merge(now, "contacts", one, other).unwrap();
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        assert_eq!([one, other].map(|id| state(&world, id)), ["merged", "merged"]);
        purge(&world, &[survivor]);
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        assert_eq!([one, other, survivor].map(|id| state(&world, id)), ["merged", "merged", "missing"]);
        after(minutes(31 * 24 * 60)).await;
        world.pull_well().await.unwrap();
        for table in ["contacts", "sync_base_contacts"] {
            let left = format!("SELECT count(*) FROM {table} WHERE id IN ('{one}', '{other}', '{survivor}')");
            assert_eq!(world.count(&left), 0, "{table}");
        }
        assert_eq!(world.count(sent), 0);
        let counted = "SELECT rows = (SELECT count(*) FROM contacts)
                       AND archived = (SELECT count(*) FROM contacts WHERE archived = 1) AND missing = 0
                       FROM sync_status WHERE object = 'contacts'";
        assert_eq!(world.count(counted), 1);
    });
}

#[test]
fn p17_a_full_read_that_is_made_again_and_again_does_not_put_off_the_sweep() {
    paused(async {
        let world = World::new(still(40, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        let erased = ids(&world, "contacts")[7];
        purge(&world, &[erased]);
        for reads in 1.. {
            after(minutes(8 * 60)).await;
            world.decide(async |engine, _| engine.start_over("contacts", false).await).await.unwrap();
            assert!(world.pull_well().await.unwrap().objects["contacts"].backfilled);
            if state(&world, erased) == "missing" {
                break;
            }
            assert!(reads < 4, "{reads} full reads, and no sweep");
        }
    });
}

#[test]
fn p20_a_first_read_that_goes_on_is_as_good_as_a_sweep_and_one_that_begins_anew_is_not() {
    paused(async {
        let new = || World::new(still(400, 0, 0, 0)).mirroring(&["contacts"]);
        let whole = new();
        assert!(!whole.pull_well().await.unwrap().objects["contacts"].swept);
        let written = whole.steps().iter().position(|step| *step == "list.pages_written").unwrap() + 1;
        for anew in [false, true] {
            let world = new();
            world.pull(Some(written)).await.ok();
            let read = world.count("SELECT min(CAST(id AS INTEGER)) FROM contacts").cast_unsigned();
            if anew {
                purge(&world, &[read]);
                world.decide(async |engine, _| engine.start_over("contacts", true).await).await.unwrap();
            }
            let report = world.pull_well().await.unwrap();
            assert_eq!((report.objects["contacts"].backfilled, report.objects["contacts"].swept), (true, anew));
            assert_eq!(state(&world, read), if anew { "missing" } else { "active" });
        }
    });
}

#[test]
fn p25_too_many_vanished_records_stop_the_sweep_and_a_person_may_let_them_go() {
    paused(async {
        let mut world = World::new(still(400, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        let contacts = ids(&world, "contacts");
        purge(&world, &contacts[..150]);
        after(A_DAY).await;
        let words = belt(&world).await.unwrap();
        assert!(words.contains("150 of 400 contacts") && words.contains("--allow vanished=150"), "{words}");
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state <> 'active'"), 0);
        // It holds until somebody says so, and the rest of every pull goes on meanwhile.
        edit(&world, "contacts", contacts[200], "city", "Changed");
        after(minutes(5)).await;
        assert!(belt(&world).await.is_some());
        assert_eq!(shown(&world, "contacts", contacts[200], "city").as_deref(), Some("Changed"));
        world.pulling.allow_vanished = Some(150);
        world.pull_well().await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state = 'missing'"), 150);
        agree(&world);
    });
}

#[test]
fn p27_an_empty_answer_about_records_that_were_there_stops_the_sweep() {
    paused(async {
        let world = World::new(still(40, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        purge(&world, &ids(&world, "contacts"));
        after(A_DAY).await;
        let words = belt(&world).await.unwrap();
        assert!(words.contains("no read returns all 40 contacts"), "{words}");
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state = 'active'"), 40);
    });
}

#[test]
fn p27_a_scope_that_is_lost_during_a_sweep_makes_nothing_missing() {
    paused(async {
        let mut world = World::new(Settings { latency: minutes(1), ..still(400, 0, 0, 0) }).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        purge(&world, &ids(&world, "contacts")[..5]);
        after(A_DAY).await;
        // A slice ends in the middle of the list; then the credential loses its scope.
        world.pulling.sweep_slice = minutes(2);
        world.pull_well().await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM sync_cursors WHERE phase = 'sweep' AND NOT done"), 1);
        world.rehearsal.portal().deny("contacts");
        let report = world.pull(None).await.unwrap();
        assert!(report.objects["contacts"].skipped.is_some());
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state <> 'active'"), 0);
        world.rehearsal.portal().allow("contacts");
        for _ in 0..10 {
            world.pull_well().await.unwrap();
        }
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state = 'missing'"), 5);
    });
}

#[test]
fn p20_half_a_sweep_makes_nothing_missing() {
    paused(async {
        let mut world = World::new(Settings { latency: minutes(1), ..still(730, 0, 0, 0) }).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        let contacts = ids(&world, "contacts");
        purge(&world, &contacts[..9]);
        after(A_DAY).await;
        world.pulling.sweep_slice = minutes(1);
        let mut runs = 0;
        while world.count("SELECT count(*) FROM contacts WHERE state = 'missing'") == 0 {
            let walks = "SELECT count(*) FROM sync_cursors WHERE phase IN ('sweep', 'sweep_archived') AND done";
            assert!(world.count(walks) < 2, "both lists were walked, and nothing is missing");
            world.pull_well().await.unwrap();
            runs += 1;
            assert!(runs < 30);
        }
        assert!(runs > 3, "one slice was the whole sweep");
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state = 'missing'"), 9);
        agree(&world);
    });
}

#[test]
fn p17_an_idle_portal_is_swept_once_a_day() {
    paused(async {
        let world = World::new(still(130, 5, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let contents = world.contents();
        let mut lists = Vec::new();
        for _ in 0..6 {
            after(minutes(8 * 60)).await;
            world.calls();
            world.pull_well().await.unwrap();
            lists.push(world.calls().lists("contacts"));
        }
        assert_eq!(world.contents(), contents);
        assert_eq!(lists.iter().filter(|lists| **lists > 1).count(), 2, "{lists:?}");
    });
}
