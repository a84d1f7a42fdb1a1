use super::super::oracle;
use super::super::world::{World, paused};
use super::{after, agree, edit, ids, lag, minutes, shown, still};
use std::time::Duration;

/// The longest that a change may stay unseen by a mirror that is pulled every five minutes, whose settled pass trails
/// an hour behind and is worth its while from five minutes on.
const BOUND: Duration = minutes(60 + 5 + 5);

#[test]
fn p17_a_change_that_the_index_shows_fifty_minutes_late_is_found_by_the_settled_pass() {
    paused(async {
        let world = World::new(still(250, 10, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        after(minutes(10)).await;
        let ids = ids(&world, "contacts");
        lag(&world, minutes(50));
        edit(&world, "contacts", ids[3], "city", "Late");
        lag(&world, Duration::ZERO);
        let mut waited = Duration::ZERO;
        while shown(&world, "contacts", ids[3], "city").as_deref() != Some("Late") {
            assert!(waited <= BOUND, "not seen within {waited:?}");
            after(minutes(5)).await;
            waited += minutes(5);
            // Others change all the time, so that the fast pass moves on.
            edit(&world, "contacts", ids[100], "city", format!("{waited:?}"));
            world.pull_well().await.unwrap();
            oracle::nothing_is_stale(&world).unwrap();
            assert_eq!(shown(&world, "contacts", ids[100], "city"), Some(format!("{waited:?}")));
        }
        assert!(
            waited > minutes(55),
            "the fast pass found it after {waited:?}; nothing is shown about the settled one"
        );
        agree(&world);
    });
}

#[test]
fn p17_whatever_the_index_does_within_an_hour_nothing_settled_is_stale() {
    paused(async {
        let world = World::new(still(120, 10, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        let ids = ids(&world, "contacts");
        for round in 0..40 {
            lag(&world, minutes(round * 17 % 60));
            for id in ids.iter().skip(usize::try_from(round).unwrap()).step_by(11) {
                edit(&world, "contacts", *id, "city", format!("{round}"));
            }
            after(minutes(7)).await;
            world.pull_well().await.unwrap();
            oracle::nothing_is_stale(&world).unwrap();
        }
        after(minutes(130)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}
