//! A pair of object types that no mapping names any more is shown no longer, and what people wrote about it is not lost.

use super::super::super::oracle::associations_agree;
use super::super::super::world::{Command, World, paused, stopped};
use super::super::{after, ids, minutes};
use super::{
    add, add_there, lose_the_answer, mappings_between, nothing_pending, settled, sql, there, world_with, writes,
};
use connectors::auth::Token;
use connectors::hubspot::HubSpot;
use crmsync::rehearsal::Rehearsal;
use simulator::Category;
use std::sync::{Arc, Mutex};
use sync_core::clock::Clock;
use sync_core::events::{Event, Observer, Silent};
use sync_core::model::Timestamp;
use sync_core::steps::{Steps, Unstopped};
use sync_core::store::{RunLock, RunTotals, Store, StoreHandle};
use sync_core::{Engine, Parts};

/// Contacts name deals, which are not mirrored.
const OTHERS: &str = "deals: {}";

/// Hears what a person is warned of.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>);

impl Observer for Ear {
    fn event(&self, event: Event) {
        if let Event::Warning(sentence) = event {
            self.0.lock().unwrap().push(sentence);
        }
    }
}

/// The portal's clock also tells the local time.
struct Shared(Rehearsal);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now())
    }
}

/// A pull of these object types, of all if there are none. Returns what it warned of.
async fn pull(world: &World, objects: &[&str]) -> Vec<String> {
    let lock = RunLock::take(&world.mirror()).unwrap();
    let ear = Arc::new(Ear::default());
    let clock: Arc<dyn Clock> = Arc::new(Shared(world.rehearsal.clone()));
    let steps: Arc<dyn Steps> = Arc::new(Unstopped);
    let store = StoreHandle::inline(Store::open(&world.mirror()).unwrap(), Arc::clone(&clock), Arc::clone(&steps));
    let token = Token::new(world.token().to_owned(), "the simulated portal").unwrap();
    let remote = HubSpot::new(world.rehearsal.clone(), token, world.connector.clone(), Arc::new(Silent));
    let engine = Engine::new(Parts {
        remote: remote.with_clock(clock),
        store,
        observer: Arc::clone(&ear) as Arc<dyn Observer>,
        steps,
        pull: world.pulling.clone(),
        push: world.pushing.clone(),
    });
    let (account, _) = engine.begin_run("pull", None, &lock).await.unwrap();
    let objects: Vec<String> = objects.iter().map(|object| (*object).to_owned()).collect();
    let report = engine.pull(account.server_time, &world.mappings, &objects).await;
    assert!(report.errors().next().is_none(), "{:?}", report.errors().next());
    engine.end_run(RunTotals::default()).await.unwrap();
    std::mem::take(&mut *ear.0.lock().unwrap())
}

/// Whether somebody was told that something is mirrored no more.
fn told(warnings: &[String]) -> bool {
    warnings.iter().any(|warning| warning.contains("are no longer mirrored"))
}

/// Rows of associations, and those that both sides agreed on.
fn rows(world: &World) -> [i64; 2] {
    ["associations", "sync_association_base"].map(|table| world.count(&format!("SELECT count(*) FROM {table}")))
}

/// How many views there are of the pair.
fn views(world: &World) -> i64 {
    let views = "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name IN ('contacts_companies',
                 'companies_contacts')";
    world.count(views)
}

/// The pair of the n-th contact and the n-th company.
fn pair(world: &World, n: usize) -> (u64, u64) {
    (ids(world, "contacts")[n], ids(world, "companies")[n])
}

#[test]
fn a_pair_that_no_mapping_names_any_more_is_shown_no_longer_and_read_anew_once_it_is_named_again() {
    paused(async {
        let mut world = world_with("companies: {}", &[(0, 0, 279), (1, 1, 279), (2, 2, 279)]).await;
        assert_eq!((rows(&world), views(&world)), ([3, 3], 2));
        world.mappings = mappings_between("", OTHERS);
        let warned = pull(&world, &[]).await;
        let sentence = "associations of contacts with companies are no longer mirrored: no mapping names them; 3 rows were \
                        removed";
        assert_eq!(warned, [sentence]);
        assert_eq!((rows(&world), views(&world)), ([0, 0], 0));
        nothing_pending(&world);
        after(minutes(5)).await;
        assert!(!told(&pull(&world, &[]).await), "it is said once");

        let (now, apart) = (world.rehearsal.now(), pair(&world, 0));
        world.rehearsal.portal().dissociate(now, "contacts", apart.0, "companies", apart.1).unwrap();
        add_there(&world, pair(&world, 3), Category::HubspotDefined, 279);
        world.mappings = mappings_between("", "companies: {}");
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        associations_agree(&world, "contacts", "companies").unwrap();
        assert_eq!(world.count("SELECT count(*) FROM contacts_companies"), 3);
        settled(&world).await;
    });
}

#[test]
fn a_pair_whose_object_type_is_mirrored_no_more_is_shown_no_longer_either() {
    paused(async {
        let mut world = world_with("companies: {}", &[(1, 1, 279)]).await;
        let all = world.mappings.clone();
        world.mappings.retain(|mapping| mapping.object == "contacts");
        let warned = pull(&world, &[]).await;
        let sentence = "associations of contacts with companies are no longer mirrored: companies is not among the \
                        configured objects; 1 row was removed";
        assert_eq!(warned, [sentence]);
        assert_eq!((rows(&world), views(&world)), ([0, 0], 0));
        world.mappings = all;
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((rows(&world), views(&world)), ([1, 1], 2));
        settled(&world).await;
    });
}

#[test]
fn p14_what_people_wrote_about_a_pair_that_no_mapping_names_waits_until_one_does() {
    paused(async {
        let mut world = world_with("companies: {}", &[(1, 1, 279), (2, 2, 279)]).await;
        let [wished, _, apart] = [0, 1, 2].map(|n| pair(&world, n));
        add(&world, &wished.0.to_string(), &wished.1.to_string(), Some("Decision maker"));
        sql(&world, &format!("DELETE FROM associations WHERE from_id = '{}'", apart.0));
        world.mappings = mappings_between("", OTHERS);
        let warned = pull(&world, &[]).await;
        let lost = "1 row was removed, and what people had changed or taken away of 1 more is not sent";
        assert!(warned.len() == 1 && warned[0].ends_with(lost), "{warned:?}");
        assert_eq!((rows(&world), views(&world)), ([1, 0], 0));

        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().refused, writes(&world)), (1, 0));
        let refused = "SELECT count(*) FROM sync_rejects
                       WHERE message LIKE 'no mapping names associations of contacts with companies%'";
        assert_eq!(world.count(refused), 1);
        let before = world.contents();
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((world.contents(), writes(&world)), (before, 0));

        world.mappings = mappings_between("", "companies: {}");
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(
            (there(&world, wished), there(&world, apart)),
            (super::two_of("Decision maker"), vec![String::new()])
        );
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn p46_nothing_of_a_pair_goes_because_a_run_leaves_an_object_type_out() {
    paused(async {
        let mut world = world_with("companies: {}", &[(1, 1, 279)]).await;
        assert!(!told(&pull(&world, &["contacts"]).await), "companies are configured all the same");
        assert_eq!((rows(&world), views(&world)), ([1, 1], 2));

        world.mappings = mappings_between("", OTHERS);
        world.rehearsal.portal().deny("companies");
        // By then it is due to be read what the portal has.
        after(minutes(25 * 60)).await;
        let warned = pull(&world, &[]).await;
        assert!(
            !told(&warned) && warned.iter().any(|warning| warning.contains("companies was left out")),
            "{warned:?}"
        );
        assert_eq!((rows(&world), views(&world)), ([1, 1], 2));

        world.rehearsal.portal().allow("companies");
        after(minutes(5)).await;
        assert!(told(&pull(&world, &["contacts"]).await));
        assert_eq!((rows(&world), views(&world)), ([0, 0], 0));
    });
}

#[test]
fn p9_a_pair_of_which_a_write_was_never_answered_stays_until_that_is_known() {
    paused(async {
        let mut world = world_with("companies: {}", &[(1, 1, 279)]).await;
        let sent = pair(&world, 0);
        add(&world, &sent.0.to_string(), &sent.1.to_string(), Some("Decision maker"));
        lose_the_answer(&world, "companies/batch/create");
        assert_eq!(world.run(Command::Push, None).await.unwrap().pushed().unknown, 1);
        let (before, all) = (rows(&world), world.mappings.clone());
        world.mappings.retain(|mapping| mapping.object == "contacts");
        after(minutes(5)).await;
        assert!(!told(&pull(&world, &[]).await));
        assert_eq!((rows(&world), views(&world)), (before, 2));

        world.mappings = all;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(there(&world, sent), super::two_of("Decision maker"));
        settled(&world).await;
        world.mappings.retain(|mapping| mapping.object == "contacts");
        assert!(told(&pull(&world, &[]).await));
        assert_eq!((rows(&world), views(&world)), ([0, 0], 0));
    });
}

#[test]
fn a_view_of_a_persons_own_stays_and_so_does_one_that_a_trigger_of_theirs_names() {
    for (theirs, left) in [
        (
            "DROP VIEW companies_contacts; CREATE VIEW companies_contacts AS SELECT 'mine' AS whose",
            "companies_contacts",
        ),
        ("CREATE TRIGGER mine INSTEAD OF INSERT ON contacts_companies BEGIN SELECT 'mine'; END", "contacts_companies"),
    ] {
        paused(async {
            let mut world = world_with("companies: {}", &[(1, 1, 279)]).await;
            sql(&world, theirs);
            world.mappings = mappings_between("", OTHERS);
            assert!(told(&pull(&world, &[]).await));
            assert_eq!((rows(&world), views(&world)), ([0, 0], 1), "{theirs}");
            world.count(&format!("SELECT count(*) FROM {left}"));
            after(minutes(5)).await;
            assert!(!told(&pull(&world, &[]).await), "{theirs}");
        });
    }
}

#[test]
fn p18_a_run_that_is_killed_while_it_forgets_a_pair_leaves_that_to_the_next_one() {
    paused(async {
        let forgetting = async || {
            let mut world = world_with("companies: {}", &[(1, 1, 279), (2, 2, 279)]).await;
            world.mappings = mappings_between("", OTHERS);
            world
        };
        let good = forgetting().await;
        good.run_well(Command::Pull).await.unwrap();
        let steps = good.steps();
        let place = steps.iter().position(|step| *step == "associations.forgotten").unwrap();
        for (n, step) in steps.iter().enumerate().take(place + 1).skip(place.saturating_sub(3)) {
            for again in [OTHERS, "companies: {}"] {
                let mut world = forgetting().await;
                let killed = match world.run(Command::Pull, Some(n + 1)).await {
                    Ok(report) => report.errors().any(stopped),
                    Err(error) => stopped(&error),
                };
                assert!(killed, "{step}: the run went on");
                world.mappings = mappings_between("", again);
                after(minutes(5)).await;
                world.run_well(Command::Sync).await.unwrap();
                let wanted = if again == OTHERS { ([0, 0], 0) } else { ([2, 2], 2) };
                assert_eq!((rows(&world), views(&world)), wanted, "killed at {step}, then {again}");
            }
        }
    });
}

#[test]
fn an_association_with_a_name_that_nobody_knows_is_warned_of_and_one_with_what_is_left_out_is_not() {
    paused(async {
        let mut world = world_with("companies: {}", &[]).await;
        world.mappings = mappings_between("", "companies: {}\n  deals: {}");
        assert!(pull(&world, &[]).await.is_empty());
        world.mappings = mappings_between("", "companies: {}\n  companys: {}");
        let sentence = "contacts: associations with companys are not mirrored: companys is not among the configured \
                        objects (did you mean companies?)";
        assert_eq!(pull(&world, &[]).await, [sentence]);
    });
}
