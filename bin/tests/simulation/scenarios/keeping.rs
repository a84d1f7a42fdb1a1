//! What runs logged is kept for a while; then it goes a run at a time, and nothing else with it.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{remote, settled, sql, world, writes};
use super::{after, agree, ids, minutes};

const A_HUNDRED_DAYS: std::time::Duration = minutes(100 * 24 * 60);
const FORGOTTEN: &str = "cycle.log_forgotten";

/// A world in which a run sent an edit and a new row a hundred days ago. Returns that run's number.
async fn long_ago() -> (World, i64) {
    let world = world().await;
    let id = ids(&world, "contacts")[0];
    sql(&world, &format!("UPDATE contacts SET city = 'Ours' WHERE id = '{id}'"));
    sql(&world, "INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Ada')");
    let run = world.run_well(Command::Sync).await.unwrap().run_id;
    assert!(logged(&world, run) > 0);
    after(A_HUNDRED_DAYS).await;
    (world, run)
}

fn logged(world: &World, run: i64) -> i64 {
    world.count(&format!(
        "SELECT (SELECT count(*) FROM sync_history WHERE run_id = {run})
              + (SELECT count(*) FROM sync_journal WHERE run_id = {run})"
    ))
}

#[test]
fn p10_an_old_log_goes_and_neither_rows_nor_the_number_of_the_run_go_with_it() {
    paused(async {
        let (world, run) = long_ago().await;
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((world.count("SELECT count(*) FROM sync_runs"), logged(&world, run)), (1, 0));
        assert_eq!(world.count("SELECT min(id) FROM sync_runs"), report.run_id);
        after(minutes(5)).await;
        let next = world.run_well(Command::Sync).await.unwrap();
        assert!(!next.restored && next.run_id == report.run_id + 1, "this is no mirror from an older copy");
        assert_eq!(remote(&world, ids(&world, "contacts")[0], "city").as_deref(), Some("Ours"));
        settled(&world).await;
        agree(&world);
        writes(&world);
        world.run_well(Command::Undo(run, true)).await.unwrap();
        assert_eq!(writes(&world), 0, "what is not known is not undone");
    });
}

#[test]
fn p18_a_kill_while_the_log_goes_leaves_no_run_of_which_half_is_known() {
    paused(async {
        let (whole, _) = long_ago().await;
        whole.run_well(Command::Sync).await.unwrap();
        let kills: Vec<usize> =
            whole.steps().iter().enumerate().filter(|(_, step)| **step == FORGOTTEN).map(|(at, _)| at + 1).collect();
        assert!(kills.len() >= 3, "runs, history and journal");
        for stop_at in kills {
            let (world, run) = long_ago().await;
            let killed = world.run(Command::Sync, Some(stop_at)).await.unwrap();
            assert!(killed.errors().any(stopped) && world.steps().last() == Some(&FORGOTTEN));
            assert_eq!(world.count(&format!("SELECT count(*) FROM sync_runs WHERE id = {run}")), 0);
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(logged(&world, run), 0);
            settled(&world).await;
            agree(&world);
        }
    });
}
