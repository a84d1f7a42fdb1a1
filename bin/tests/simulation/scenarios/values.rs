use super::super::world::{World, paused};
use super::{after, agree, edit, ids, minutes, shown, still};
use simulator::{Cleared, Settings, Switches, Value};

const DIGITS: &str = "123456789012345678901234567890";

/// The raw JSON of a record's properties, as the mirror shows it.
fn raw(world: &World, object: &str, id: u64) -> String {
    let sql = format!("SELECT properties FROM {object}_raw WHERE id = ?1");
    world.person().query_row(&sql, [id.to_string()], |row| row.get(0)).unwrap()
}

#[test]
fn p41_one_bad_value_fails_neither_its_record_nor_its_page() {
    paused(async {
        let world = World::new(still(150, 0, 0, 0)).mirroring(&["contacts"]);
        let contacts = ids(&world, "contacts");
        // Once for the list, once for the search.
        for (id, property) in [(contacts[40], "firstname"), (contacts[41], "lastname")] {
            edit(&world, "contacts", id, property, Value::raw("bro\\ud800ken"));
            edit(&world, "contacts", id, "city", "NUL\u{0}byte \u{202e}desrever \u{1f469}\u{200d}\u{1f52c} e\u{301}");
            world.pull_well().await.unwrap();
            assert_eq!(world.count("SELECT count(*) FROM contacts"), 150);
            let column = if property == "firstname" { "first_name" } else { "last_name" };
            assert_eq!(shown(&world, "contacts", id, column).as_deref(), Some("bro\u{fffd}ken"));
            assert!(raw(&world, "contacts", id).contains("bro\\ud800ken"), "what arrived is not what is kept");
            assert_eq!(
                shown(&world, "contacts", id, "CAST(city AS BLOB)").as_deref(),
                Some("NUL\u{0}byte \u{202e}desrever \u{1f469}\u{200d}\u{1f52c} e\u{301}")
            );
            after(minutes(5)).await;
        }
        agree(&world);
    });
}

#[test]
fn p40_a_number_that_no_column_can_hold_keeps_its_digits() {
    paused(async {
        let world = World::new(still(0, 120, 5, 0)).mirroring(&["companies", "deals"]);
        let (companies, deals) = (ids(&world, "companies"), ids(&world, "deals"));
        edit(&world, "companies", companies[7], "annualrevenue", DIGITS);
        for (deal, amount) in deals.iter().zip(["24.00", "0.1", "9007199254740993", "99999999999999999999.99"]) {
            edit(&world, "deals", *deal, "amount", amount);
        }
        world.pull_well().await.unwrap();
        let kind = |object, id, column: &str| shown(&world, object, id, &format!("typeof({column})")).unwrap();
        let revenue = shown(&world, "companies", companies[7], "annual_revenue");
        assert_eq!(
            (revenue.as_deref(), kind("companies", companies[7], "annual_revenue").as_str()),
            (Some(DIGITS), "text")
        );
        assert!(raw(&world, "companies", companies[7]).contains(&format!("\"{DIGITS}\"")));
        let amounts: Vec<(String, String)> = deals[..4]
            .iter()
            .map(|deal| (shown(&world, "deals", *deal, "amount").unwrap(), kind("deals", *deal, "amount")))
            .collect();
        let wanted =
            [("24", "integer"), ("0.1", "real"), ("9007199254740993", "integer"), ("99999999999999999999.99", "text")];
        assert_eq!(amounts, wanted.map(|(text, kind)| (text.to_owned(), kind.to_owned())));
        agree(&world);
    });
}

#[test]
fn times_without_milliseconds_are_shown_with_them_and_compare_as_text() {
    paused(async {
        let world = World::new(still(60, 0, 0, 0)).mirroring(&["contacts"]);
        let contacts = ids(&world, "contacts");
        assert_eq!(world.rehearsal.now() % 1_000, 0, "the portal leaves zero milliseconds out");
        edit(&world, "contacts", contacts[1], "city", "Here");
        after(std::time::Duration::from_millis(7)).await;
        edit(&world, "contacts", contacts[0], "city", "Here");
        world.pull_well().await.unwrap();
        let time = |id| shown(&world, "contacts", id, "updated_at").unwrap();
        assert_eq!(time(contacts[1]), "2026-10-05T12:00:00.000Z");
        assert_eq!(time(contacts[0]), "2026-10-05T12:00:00.007Z");
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE length(updated_at) <> 24"), 0);
        // Read again in full and by search, it is the same time: nothing changes.
        after(minutes(5)).await;
        assert_eq!(world.pull_well().await.unwrap().totals().changed, 0);
    });
}

#[test]
fn p42_empty_null_and_absent_are_one_value() {
    for cleared in [Cleared::Empty, Cleared::Null] {
        paused(async {
            let few = still(50, 0, 0, 0);
            let world = World::new(Settings { switches: Switches { cleared, ..few.switches.clone() }, ..few })
                .mirroring(&["contacts"]);
            let contacts = ids(&world, "contacts");
            edit(&world, "contacts", contacts[0], "city", "Here");
            edit(&world, "contacts", contacts[0], "city", "");
            world.pull_well().await.unwrap();
            assert_eq!(shown(&world, "contacts", contacts[0], "city"), None, "{cleared:?}");
            // Cleared after it was read.
            edit(&world, "contacts", contacts[1], "city", "There");
            world.pull_well().await.unwrap();
            assert_eq!(shown(&world, "contacts", contacts[1], "city").as_deref(), Some("There"));
            after(minutes(5)).await;
            edit(&world, "contacts", contacts[1], "city", "");
            world.pull_well().await.unwrap();
            assert_eq!(shown(&world, "contacts", contacts[1], "city"), None, "{cleared:?}");
            // From one spelling of nothing to the other is no change of a value.
            let before = world.count("SELECT count(*) FROM sync_history WHERE property = 'city'");
            let other = if cleared == Cleared::Empty { Cleared::Null } else { Cleared::Empty };
            world.rehearsal.portal().switches_mut().cleared = other;
            after(minutes(5)).await;
            edit(&world, "contacts", contacts[1], "jobtitle", "Elsewhere");
            world.pull_well().await.unwrap();
            assert_eq!(world.count("SELECT count(*) FROM sync_history WHERE property = 'city'"), before);
            agree(&world);
        });
    }
}
