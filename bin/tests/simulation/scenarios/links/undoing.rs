//! A run is taken back: the pairs that it wrote hold what they held, and what others changed since stays.

use super::super::super::world::{Command, World, paused, stopped};
use super::super::{after, ids, minutes};
use super::{add, add_there, lose_the_answer, settled, sql, there, world_between, world_with, writes};
use simulator::Category;
use sync_core::store::Fate;

/// The first contact has no company, the second one with the unlabeled kind, the third with a label, the fourth too.
const EDGES: [(usize, usize, u32); 3] = [(1, 1, 279), (2, 2, 931), (3, 3, 931)];

/// The pair of the n-th contact and the n-th company.
fn pair(world: &World, n: usize) -> (u64, u64) {
    (ids(world, "contacts")[n], ids(world, "companies")[n])
}

/// The labels of all four pairs in the portal.
fn all(world: &World) -> [Vec<String>; 4] {
    [0, 1, 2, 3].map(|n| there(world, pair(world, n)))
}

/// A run that made a pair, gave another a label, took a label away, and took a pair apart. Returns its number.
async fn pushed() -> (World, i64) {
    let world = world_with("companies: {}", &EDGES).await;
    // As the remote does it of its own accord: what comes with a pair goes with it.
    world.rehearsal.portal().switches_mut().first_company_is_primary = true;
    for n in [0, 1] {
        let (contact, company) = pair(&world, n);
        add(&world, &contact.to_string(), &company.to_string(), Some("Decision maker"));
    }
    let (taken, apart) = (pair(&world, 2).0, pair(&world, 3).0);
    sql(
        &world,
        &format!(
            "DELETE FROM associations WHERE from_id = '{taken}' AND label IS NOT NULL;
             DELETE FROM associations WHERE from_id = '{apart}';"
        ),
    );
    let report = world.run_well(Command::Push).await.unwrap();
    assert_eq!((report.pushed().linked, report.pushed().unlinked), (3, 1));
    assert_eq!(all(&world), [vec!["", "Decision maker", "Primary"], vec!["", "Decision maker"], vec![""], vec![]]);
    after(minutes(5)).await;
    (world, report.run_id)
}

/// What undoing a run would do, in the order of the pairs.
async fn fates(world: &World, run: i64) -> Vec<Fate> {
    writes(world);
    let taken = world.decide(async |engine, mappings| engine.plan_undo(mappings, run, false).await).await.unwrap();
    assert_eq!(writes(world), 0, "a plan makes no call");
    let contacts = ids(world, "contacts");
    let fate = |n: usize| {
        let contact = contacts[n].to_string();
        let mut of = taken.links.iter().filter(|undoing| undoing.wrote.from.as_str() == contact);
        of.next().map(|undoing| undoing.fate)
    };
    (0..4).filter_map(fate).collect()
}

#[test]
fn an_undone_run_leaves_every_pair_as_it_was_and_undoing_it_twice_does_nothing_more() {
    paused(async {
        let (world, run) = pushed().await;
        let pushed = all(&world);
        assert_eq!(fates(&world, run).await, [Fate::Undone; 4]);
        let undone = world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!((undone.pushed().linked, undone.pushed().unlinked), (3, 1));
        assert_eq!(
            all(&world),
            [vec![], vec![""], vec!["", "Billing Contact"], vec!["", "Billing Contact", "Primary"]]
        );
        settled(&world).await;
        assert_eq!(fates(&world, run).await, [Fate::AlreadyUndone; 4]);
        world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!(writes(&world), 0);
        // The undoing is a run like any other, and can be undone.
        world.run_well(Command::Undo(undone.run_id, false)).await.unwrap();
        assert_eq!(all(&world), pushed);
        settled(&world).await;
    });
}

/// A run that gave the mark of the primary company, which the first had, to the second; stored from the contacts' side or
/// from the companies'.
async fn primary_moved(from_companies: bool) -> (World, i64, [(u64, u64); 2]) {
    let of_companies = if from_companies { "associations:\n  contacts: {}\n" } else { "" };
    let world = world_between(of_companies, "companies: {}", &[(2, 0, 1)]).await;
    let stored = world.count("SELECT count(*) FROM associations WHERE from_object = 'companies'");
    assert_eq!(stored > 0, from_companies);
    let (contact, companies) = (ids(&world, "contacts")[2], ids(&world, "companies"));
    let [first, second] = [0, 1].map(|n| (contact, companies[n]));
    add(&world, &contact.to_string(), &second.1.to_string(), Some("Primary"));
    let report = world.run_well(Command::Push).await.unwrap();
    assert_eq!([there(&world, first), there(&world, second)], [vec![""], vec!["", "Primary"]]);
    after(minutes(5)).await;
    (world, report.run_id, [first, second])
}

#[test]
fn an_undone_run_gives_the_mark_of_the_primary_company_back_to_the_one_that_lost_it() {
    for from_companies in [false, true] {
        paused(async {
            let (world, run, [first, second]) = primary_moved(from_companies).await;
            world.run_well(Command::Undo(run, false)).await.unwrap();
            assert_eq!([there(&world, first), there(&world, second)], [vec!["", "Primary"], vec![]]);
            settled(&world).await;
            world.run_well(Command::Undo(run, false)).await.unwrap();
            assert_eq!(writes(&world), 0, "undoing it twice does nothing more");
        });
    }
}

#[test]
fn pairs_of_which_a_later_run_found_out_are_undone_with_the_run_that_sent_them() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 0, 1)]).await;
        let (contact, companies) = (ids(&world, "contacts")[2], ids(&world, "companies"));
        let [first, second] = [0, 1].map(|n| (contact, companies[n]));
        add(&world, &contact.to_string(), &second.1.to_string(), Some("Primary"));
        lose_the_answer(&world, "companies/batch/create");
        let run = world.run_well(Command::Push).await.unwrap();
        assert_eq!((run.pushed().linked, run.pushed().unknown), (0, 1));
        after(minutes(2)).await;
        let later = world.run_well(Command::Pull).await.unwrap();
        assert_eq!([there(&world, first), there(&world, second)], [vec![""], vec!["", "Primary"]]);
        assert!(fates(&world, later.run_id).await.is_empty(), "it sent nothing");
        assert_eq!(fates(&world, run.run_id).await, [Fate::Undone]);
        // The pair that lost the label by it is part of what the run wrote.
        world.run_well(Command::Undo(run.run_id, false)).await.unwrap();
        assert_eq!([there(&world, first), there(&world, second)], [vec!["", "Primary"], vec![]]);
        settled(&world).await;
    });
}

#[test]
fn a_mark_that_somebody_gave_to_a_third_company_since_stays_there() {
    for from_companies in [false, true] {
        paused(async {
            let (world, run, [first, second]) = primary_moved(from_companies).await;
            let third = (first.0, ids(&world, "companies")[2]);
            add_there(&world, third, Category::HubspotDefined, 1);
            world.run_well(Command::Undo(run, false)).await.unwrap();
            let held = [first, second, third].map(|pair| there(&world, pair));
            assert_eq!(held, [vec![""], vec![""], vec!["", "Primary"]]);
            settled(&world).await;
        });
    }
}

#[test]
fn p2_a_label_that_somebody_added_since_stays_and_a_pair_that_was_changed_since_is_left() {
    paused(async {
        let (world, run) = pushed().await;
        add_there(&world, pair(&world, 1), Category::HubspotDefined, 931);
        // Somebody took the new pair apart and made it anew, without the run's label.
        let (contact, company) = pair(&world, 0);
        let now = world.rehearsal.now();
        world.rehearsal.portal().dissociate(now, "contacts", contact, "companies", company).unwrap();
        add_there(&world, (contact, company), Category::HubspotDefined, 279);
        // And you edited a pair that it wrote.
        let (mine, theirs) = pair(&world, 2);
        add(&world, &mine.to_string(), &theirs.to_string(), Some("Decision maker"));
        world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!(
            all(&world),
            [vec![""], vec!["", "Billing Contact"], vec![""], vec!["", "Billing Contact", "Primary"]]
        );
        let edited = [Fate::ChangedSince, Fate::AlreadyUndone, Fate::EditedSince, Fate::AlreadyUndone];
        assert_eq!(fates(&world, run).await, edited);
        settled(&world).await;
        assert_eq!(all(&world)[2], ["", "Decision maker"], "the next push sends it");
        let sent = [Fate::ChangedSince, Fate::AlreadyUndone, Fate::Undone, Fate::AlreadyUndone];
        assert_eq!(fates(&world, run).await, sent, "it is a label beside the one that was taken away");
    });
}

#[test]
fn p22_a_pair_with_an_archived_end_or_without_a_mapping_is_not_undone() {
    paused(async {
        let (mut world, run) = pushed().await;
        let now = world.rehearsal.now();
        let company = pair(&world, 3).1;
        world.rehearsal.portal().archive(now, "companies", company).unwrap();
        // The archived list is walked once an hour.
        after(minutes(61)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(fates(&world, run).await, [Fate::Undone, Fate::Undone, Fate::Undone, Fate::RecordGone]);
        let read_only = world_with("companies: { direction: pull }", &[]).await;
        let mappings = std::mem::replace(&mut world.mappings, read_only.mappings.clone());
        writes(&world);
        world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!(writes(&world), 0);
        assert_eq!(fates(&world, run).await[..3], [Fate::NotMapped; 3]);
        world.mappings = mappings;
        world.run_well(Command::Undo(run, false)).await.unwrap();
        let held = [0, 1, 2].map(|n| there(&world, pair(&world, n)));
        assert_eq!(held, [vec![], vec![""], vec!["", "Billing Contact"]]);
        settled(&world).await;
    });
}

#[test]
fn an_undoing_of_pairs_that_is_killed_at_any_step_can_be_undone_again() {
    paused(async {
        let (good, run) = pushed().await;
        good.run_well(Command::Undo(run, false)).await.unwrap();
        let steps = good.steps();
        assert!(steps.contains(&"undo.links_taken_back") && steps.contains(&"push.links_settled"), "{steps:?}");
        let wanted = all(&good);
        for (n, step) in steps.iter().enumerate() {
            let (world, run) = pushed().await;
            let killed = match world.run(Command::Undo(run, false), Some(n + 1)).await {
                Ok(report) => report.errors().any(stopped),
                Err(error) => stopped(&error),
            };
            assert!(killed, "step {n}, {step}: the run went on");
            after(minutes(2)).await;
            world.run_well(Command::Undo(run, false)).await.unwrap();
            assert_eq!(all(&world), wanted, "killed at step {n}, {step}");
            after(minutes(2)).await;
            settled(&world).await;
            assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0, "killed at step {n}, {step}");
        }
    });
}
