//! `crmsync schema apply`, from a mapping that names what is not there to records that are made once.

use super::{companies, configured, has, portal};
use crate::served::{count, exit};
use rusqlite::Connection;
use serde_json::Value;
use simulator::{FaultKind, NewProperty, When};

const UNIQUE: &str = "unique: crmsync_uid\nfields:\n  name: name\n  city: city\n";

#[test]
fn p8_a_portal_gets_the_unique_property_and_from_then_on_a_row_is_made_once() {
    let portal = portal();
    let home = companies(&portal, UNIQUE);
    for words in [&["sync"][..], &["mapping", "check"]] {
        let (code, text) = exit(&home, words);
        assert_eq!(code, 2, "{words:?}: {text}");
        assert!(text.contains("companies.yaml:3: `unique` names `crmsync_uid`"), "{text}");
        assert!(text.contains("`crmsync schema apply` makes it"), "{text}");
    }
    assert_eq!(exit(&home, &["schema", "diff"]).0, 1);

    let (code, text) = exit(&home, &["schema", "apply"]);
    assert_eq!((code, text.contains("[portals.acme.push]"), text.contains("--dry-run")), (3, true, true), "{text}");
    insta::assert_snapshot!(home.run(&["schema", "apply", "--dry-run"]), @r"
    exit 0
    --- stdout
    object     property     type            group
    companies  crmsync_uid  string, unique  companyinformation  would be made
    ");
    assert_eq!(portal.lock().calls().writes, 0);
    assert!(!has(&home, "crmsync_uid"));

    let home = configured(home, true);
    insta::assert_snapshot!(home.run(&["schema", "apply"]), @r"
    exit 0
    --- stdout
    object     property     type            group
    companies  crmsync_uid  string, unique  companyinformation  made
    ");
    insta::assert_snapshot!(home.run(&["schema", "diff"]), @r"
    exit 0
    --- stdout
    companies: no differences; 58 properties more in the portal
    ");
    let again = home.run(&["schema", "apply"]);
    assert_eq!(again, "exit 0\n--- stdout\nThe portal has all that the mappings name.\n");
    assert_eq!(portal.lock().calls().writes, 1);

    // The mirror still holds the schema of before; the next run asks anew.
    assert_eq!(exit(&home, &["sync"]).0, 0);
    assert_eq!(exit(&home, &["mapping", "check"]).0, 0);
    let mirror = home.path().join("acme.db");
    let new = "INSERT INTO companies (_uid, name) VALUES ('ours', 'Ours'), ('second', 'Second')";
    Connection::open(&mirror).unwrap().execute_batch(new).unwrap();
    portal.lock().inject(FaultKind::ResetAfter, When::path("/batch/upsert"));
    let (code, text) = exit(&home, &["push"]);
    assert_eq!((code, text.contains("2 unanswered")), (75, true), "{text}");
    assert_eq!(exit(&home, &["sync"]).0, 0);
    assert_eq!(portal.active("companies"), 4, "two were there, and each row was made once");
    let mut keys: Vec<String> =
        portal.lock().records("companies").filter_map(|record| record.text("crmsync_uid")).collect();
    keys.sort();
    assert_eq!(keys, ["ours", "second"]);
    assert_eq!(count(&mirror, "SELECT count(*) FROM companies WHERE id IS NOT NULL AND state = 'active'"), 4);
}

#[test]
fn p9_a_property_whose_answer_is_lost_is_made_once() {
    let portal = portal();
    let home = configured(companies(&portal, UNIQUE), true);
    portal.lock().inject(FaultKind::ResetAfter, When::path("/crm/properties").method("POST"));
    let (code, text) = exit(&home, &["schema", "apply"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(portal.lock().calls().writes, 1);
    assert!(has(&home, "crmsync_uid"));
}

#[test]
fn p44_fields_that_state_a_type_are_made_and_what_is_archived_comes_back_as_it_was() {
    let portal = portal();
    {
        let mut portal = portal.lock();
        portal.add_property(0, "companies", &NewProperty::unique("row_key")).unwrap();
        portal.archive_property(0, "companies", "row_key").unwrap();
    }
    let lines = "unique: row_key
fields:
  name: name
  renewal: { column: renewal, type: date }
  tier: { column: tier, type: text, transform: { values: { g: Gold, s: Silver } } }
  turnover: turnover
";
    let home = configured(companies(&portal, lines), true);
    insta::assert_snapshot!(home.run(&["schema", "apply"]), @r"
    exit 1
    --- stdout
    object     property  type            group
    companies  row_key   string, unique  companyinformation  restored
    companies  renewal   date            companyinformation  made
    companies  tier      enumeration     companyinformation  made
    Left for you: 1 difference
    object     property  column    difference                       next
    companies  turnover  turnover  the portal has no such property  state a `type` that fits, and it can be made; or take the field out
    ");
    let (code, text) = exit(&home, &["schema", "apply", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((code, document["made"].as_array().unwrap().len()), (1, 0), "the rest is for a person");
    assert_eq!(document["left"][0]["property"], "turnover");
}

#[test]
fn a_property_without_unique_values_cannot_be_given_them() {
    let portal = portal();
    portal.lock().add_property(0, "companies", &NewProperty::text("crmsync_uid")).unwrap();
    let home = configured(companies(&portal, UNIQUE), true);
    let (code, text) = exit(&home, &["schema", "apply"]);
    assert_eq!((code, text.contains("without unique values")), (2, true), "{text}");
    assert_eq!(portal.lock().calls().writes, 0);
}

#[test]
fn p46_a_missing_scope_is_named_and_the_limit_of_unique_properties_is_told_in_hubspots_words() {
    let portal = portal();
    let home = configured(companies(&portal, UNIQUE), true);
    portal.lock().deny_writes("companies");
    let (code, text) = exit(&home, &["schema", "apply"]);
    assert_eq!((code, text.contains("crm.schemas.companies.write")), (1, true), "{text}");
    portal.lock().allow_writes("companies");
    for n in 0..10 {
        portal.lock().add_property(0, "companies", &NewProperty::unique(&format!("key_{n}"))).unwrap();
    }
    let (code, text) = exit(&home, &["schema", "apply"]);
    assert_eq!((code, text.contains("limit of 10 unique properties")), (1, true), "{text}");
}

#[test]
fn p28_another_account_gets_nothing() {
    let portal = portal();
    let home = configured(companies(&portal, UNIQUE), true).variable("CRMSYNC_PORTALS__ACME__PORTAL_ID", "77");
    let (code, text) = exit(&home, &["schema", "apply"]);
    assert_eq!((code, text.contains("not to 77")), (3, true), "{text}");
    assert_eq!(portal.lock().calls().writes, 0);
}
