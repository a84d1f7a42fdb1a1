//! `crmsync demo`, as a newcomer runs it: in an empty folder, with nothing configured.

use crate::sealed::Sealed;
use rusqlite::Connection;
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};
use sync_core::store::{RunLock, Store};

/// What the demo shows, without spans of time, and without the calls of the first run: how many cursors it divides the
/// work among depends on the machine.
fn told(sealed: &Sealed, words: &[&str]) -> String {
    let shown = sealed.run(words);
    let lines = shown.lines().map(|line| match line.split_once(" calls in ") {
        Some((run, _)) if run.starts_with("run 1:") => "run 1: N calls in SPAN (N searches)".to_owned(),
        Some((run, rest)) => format!("{run} calls in SPAN{}", rest.find(" (").map_or("", |at| &rest[at..])),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_demo_tells_the_whole_cycle_in_less_than_twenty_seconds() {
    let sealed = Sealed::new();
    let began = Instant::now();
    let shown = told(&sealed, &["demo"]);
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    insta::assert_snapshot!(shown, @r#"
    exit 0
    --- stdout
    A CRM that lives in this program, and its mirror in crm-demo.db. `$` is a
    command, `sql>` a statement in any SQLite tool, `CRM>` what somebody does there.

    1. The first run reads everything.

    $ crmsync pull
    object       new  changed  archived  associations  conflicts
    companies    507        0         7           329          0  read in full
    contacts   2,030        0        30         1,985          0  read in full
    deals        406        0         6             0          0  read in full
    tickets      203        0         3             0          0  read in full
    run 1: N calls in SPAN (N searches)
    Active on both sides: 2,000 contacts, 500 companies, 400 deals, 200 tickets.

    2. Somebody works in the CRM. The next run brings it.

    CRM> three contacts become Head of Rehearsals
    $ crmsync pull contacts
    object    new  changed  archived  associations  conflicts
    contacts    0        3         0             0          0
    run 2: 5 calls in SPAN (1 search)
    sql> SELECT record_id, before, after FROM sync_history
         WHERE property = 'jobtitle' ORDER BY record_id;
    record_id     before             after
    134069038124  Procurement Lead   Head of Rehearsals
    134069039223  Account Executive  Head of Rehearsals
    134069044448  Head of Sales      Head of Rehearsals

    3. You and somebody in the CRM edit the same contact: both edits stay.

    sql> UPDATE contacts SET job_title = 'Harbour Pilot'
         WHERE email = 'hong.nguyen618@mail.example';
    CRM> hong.nguyen618@mail.example gets another phone number
    $ crmsync pull contacts
    object    new  changed  archived  associations  conflicts
    contacts    0        1         0             0          0
    run 3: 5 calls in SPAN (1 search)
    sql> SELECT job_title, phone FROM contacts
         WHERE email = 'hong.nguyen618@mail.example';
    job_title      phone
    Harbour Pilot  +44 20 7946 0112
    Your job title waits to be sent.

    4. Both change the same field: a policy decides, and the loser is kept.

    sql> UPDATE contacts SET city = 'Lisbon'
         WHERE email = 'joan.allen936@mail.example';
    CRM> joan.allen936@mail.example moves from New York to Oslo
    $ crmsync pull contacts
    object    new  changed  archived  associations  conflicts
    contacts    0        1         0             0          1
    run 4: 5 calls in SPAN (1 search)
    $ crmsync conflicts list --all
    id  object    record        property  local   remote  kind
     1  contacts  134069049134  city      Lisbon  Oslo    both_changed  remote
    No conflict waits for a person.
    Oslo won, by `conflict: remote_wins`. To send Lisbon after all:
    `crmsync conflicts resolve 1 --take local`

    5. A new row becomes a record.

    sql> INSERT INTO contacts (_uid, email, first_name)
         VALUES ('ada-1', 'ada@sea.example', 'Ada');
    It has no `id` until it is sent. `_uid` is a key of your own, and optional.

    6. A row with `archived = 1` archives its record.

    sql> UPDATE contacts SET archived = 1
         WHERE email = 'tony.kare1294@mail.example';

    7. What would be sent? A plan makes no call.

    $ crmsync plan
    object    operation        record        property   base        local
    contacts  update           134069045047  jobtitle   Consultant  Harbour Pilot
    contacts  archive          134069053689
    contacts  create or adopt  ada-1         email      -           ada@sea.example
                                             firstname  -           Ada
    1 create, 1 update, 1 archive: about 7 calls

    8. One run in both directions.

    $ crmsync sync
    object     new  changed  archived  associations  conflicts
    companies    0        0         0             0          0
    contacts     0        0         0             0          0  1 created in HubSpot, 1 updated in HubSpot, 1 archived in HubSpot
    deals        0        0         0             0          0
    tickets      0        0         0             0          0
    run 5: 12 calls in SPAN (4 searches)
    sql> SELECT id, state FROM contacts WHERE _uid = 'ada-1';
    id            state
    169207523671  active
    What the CRM holds now:
    contact                      property      value
    hong.nguyen618@mail.example  jobtitle      Harbour Pilot
    hong.nguyen618@mail.example  phone         +44 20 7946 0112
    joan.allen936@mail.example   city          Oslo
    ada@sea.example              firstname     Ada
    tony.kare1294@mail.example   (the record)  archived

    9. The next run reads back what was sent; the one after it has nothing to do.

    $ crmsync sync contacts
    object    new  changed  archived  associations  conflicts
    contacts    0        2         0             0          0
    run 6: 5 calls in SPAN (1 search)
    $ crmsync sync contacts
    object    new  changed  archived  associations  conflicts
    contacts    0        0         0             0          0
    run 7: 2 calls in SPAN (1 search)
    Nothing sent, no row changed: 2 calls.

    10. A run can be taken back.

    sql> SELECT id, command, pushed FROM sync_runs WHERE pushed > 0;
    id  command  pushed
    5   sync     3
    $ crmsync undo 5
    object    record        property      before      written
    contacts  134069045047  jobtitle      Consultant  Harbour Pilot  undone
    contacts  134069053689  (the record)  -           -              archived: restore in HubSpot, within 90 days
    contacts  169207523671  (the record)  -           -              created: --archive-created archives it
    run 8: 1 record updated and no records archived in HubSpot, 4 calls
    What the CRM holds now:
    contact                      property  value
    hong.nguyen618@mail.example  jobtitle  Consultant
    hong.nguyen618@mail.example  phone     +44 20 7946 0112
    Your job title is taken back, the phone number of the CRM stays.

    The mirror stays: DIR/crm-demo.db

    Next:
      sqlite3 crm-demo.db  look around: .tables, SELECT * FROM sync_history
      crmsync simulator    a CRM to try the commands on, with limits and faults
      crmsync init         your own portal, with HUBSPOT_ACCESS_TOKEN set
    "#);

    let mut left: Vec<_> = fs::read_dir(sealed.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["crm-demo.db", "crm-demo.db.lock"]);
    assert_eq!(told(&sealed, &["demo"]), shown, "its own mirror is replaced, and the story is the same");
}

#[test]
fn the_demo_needs_no_configuration_no_credential_and_no_network() {
    let sealed = Sealed::new()
        .file("crmsync.toml", "nonsense")
        .variable("HUBSPOT_ACCESS_TOKEN", "x")
        .variable("CRMSYNC_API_BASE", "http://127.0.0.1:9");
    fs::create_dir(sealed.path().join("elsewhere")).unwrap();
    let shown = told(&sealed, &["demo", "--dir", "elsewhere"]);
    assert!(shown.starts_with("exit 0\n") && shown.contains("The mirror stays: elsewhere/crm-demo.db"), "{shown}");
    assert!(!sealed.path().join("crm-demo.db").exists());
    let missing = sealed.run(&["demo", "--dir", "nowhere"]);
    assert!(missing.starts_with("exit 2\n") && !sealed.path().join("nowhere").exists(), "{missing}");
}

#[test]
fn the_demo_as_a_document_has_the_steps_with_what_their_commands_say() {
    let sealed = Sealed::new();
    let output = sealed.command(&["demo", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    assert_eq!(document["mirror"], sealed.path().join("crm-demo.db").display().to_string());
    let steps = document["steps"].as_array().unwrap();
    assert_eq!(steps.iter().map(|step| step["step"].as_i64().unwrap()).collect::<Vec<_>>(), Vec::from_iter(1..=10));
    let result = |step: usize, words: &str| {
        let told = steps[step - 1]["told"].as_array().unwrap();
        let event = told.iter().find(|event| event["command"] == words);
        event.unwrap_or_else(|| panic!("step {step} has no {words}"))["result"].clone()
    };
    assert_eq!(result(4, "crmsync conflicts list --all")["conflicts"][0]["chosen"], "remote");
    assert_eq!(result(7, "crmsync plan")["objects"][1]["updates"][0]["fields"][0]["property"], "jobtitle");
    let synced = &result(8, "crmsync sync")["objects"][1];
    assert_eq!([&synced["created"], &synced["updated"], &synced["archived_there"]], [1, 1, 1]);
    assert_eq!(result(10, "crmsync undo 5")["pushed"]["updated"], 1);
    let connection = Connection::open(sealed.path().join("crm-demo.db")).unwrap();
    let runs: i64 = connection.query_row("SELECT count(*) FROM sync_runs", [], |row| row.get(0)).unwrap();
    let commands = |step: &Value| {
        let told = step["told"].as_array().unwrap().clone();
        told.iter().filter(|event| event["result"].get("requests").is_some()).count()
    };
    assert_eq!(i64::try_from(steps.iter().map(commands).sum::<usize>()).unwrap(), runs - 1, "all but the undo");
}

#[test]
fn the_demo_replaces_only_a_file_that_is_its_own() {
    let sealed = Sealed::new();
    let mirror = sealed.path().join("crm-demo.db");
    let refused = || {
        let before = fs::read(&mirror).unwrap();
        let shown = sealed.run(&["demo"]);
        assert_eq!(fs::read(&mirror).unwrap(), before);
        shown
    };
    fs::write(&mirror, "my notes").unwrap();
    insta::assert_snapshot!(refused(), @r"
    exit 2
    --- stderr
    error: DIR/crm-demo.db is there already, and the demo did not make it.
    hint: move it away, or give another directory with --dir.
    ");
    fs::write(&mirror, "").unwrap();
    assert!(refused().starts_with("exit 2\n"), "an empty file may be anybody's");
    fs::remove_file(&mirror).unwrap();
    drop(Store::open(&mirror).unwrap());
    assert!(refused().starts_with("exit 2\n"), "a mirror of no portal yet");
    // The account of `crmsync simulator`.
    let bound = "INSERT INTO sync_meta VALUES ('portal_id', '48213377')";
    Connection::open(&mirror).unwrap().execute(bound, []).unwrap();
    assert!(refused().starts_with("exit 2\n"), "a mirror of another portal");
    fs::remove_file(&mirror).unwrap();
    assert!(!sealed.path().join("crm-demo.db.lock").exists(), "nothing was begun");

    assert!(sealed.run(&["demo"]).starts_with("exit 0\n"));
    let lock = RunLock::take(&mirror).unwrap();
    assert!(refused().starts_with("exit 75\n"), "somebody is at work on it");
    drop(lock);
}
