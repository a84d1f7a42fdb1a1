//! `crmsync schema diff`: what of each mapping does not fit the portal now.

use super::{companies, portal};
use crate::served::{Served, exit};
use serde_json::Value;
use simulator::NewProperty;
use std::time::Duration;

#[test]
fn p44_all_that_does_not_fit_is_told_with_what_to_do_about_it() {
    let portal = portal();
    {
        let mut portal = portal.lock();
        for name in ["size", "motto"] {
            portal.add_property(0, "companies", &NewProperty::text(name)).unwrap();
        }
        portal.archive_property(0, "companies", "motto").unwrap();
        portal.add_property(0, "companies", &NewProperty::choice("tier", &["gold", "tin"])).unwrap();
        portal.retype_property(0, "companies", "size", "date", "date").unwrap();
    }
    let home = companies(
        &portal,
        "key: domain
unique: crmsync_uid
fields:
  nmae: name
  domain: domain
  size: { column: size, type: integer }
  motto: motto
  renewal: { column: renewal, type: date }
  num_associated_contacts: contact_count
  tier: { column: tier, transform: { values: { gold: Gold, silver: Silver } } }
",
    );
    let writes = portal.lock().calls().writes;
    insta::assert_snapshot!(home.run(&["schema", "diff"]), @r"
    exit 1
    --- stdout
    object     property                 column         difference                                                                next
    companies  domain                   domain         `key` names a property without unique values                              name another one: uniqueness can only be given to a property when it is made
    companies  crmsync_uid              -              `unique` names what the portal does not have                              `crmsync schema apply` makes it; or leave the line out: creates are then looked for by their key or their values
    companies  nmae                     name           the portal has no such property, but `name`                               name that one
    companies  size                     size           the type `integer` does not fit a property of type `date`                 add `transform: { epoch_ms: true }`
    companies  motto                    motto          archived in the portal: edits of it become rejects                        restore it in the portal, or take the field out
    companies  renewal                  renewal        the portal has no such property                                           `crmsync schema apply` makes it; or take the field out
    companies  num_associated_contacts  contact_count  calculated by the portal, and `direction` is both                         say `direction: pull`
    companies  tier                     tier           `values` translates `silver`, which the portal does not list              take it out, or add the option in the portal
    companies  tier                     tier           the portal lists `tin`, which `values` does not translate: shown as NULL  add it to `values`
    companies: 9 differences; 58 properties more in the portal
    `crmsync schema apply` makes 2 properties; with --dry-run it shows them first.
    ");
    assert_eq!(portal.lock().calls().writes, writes, "it only reads");
    assert!(!home.path().join("crm.db").exists(), "and makes no mirror");

    let (code, text) = exit(&home, &["schema", "diff", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((code, &document["differences"]), (1, &9.into()));
    let first = &document["objects"][0]["differences"][0];
    assert_eq!(
        (&first["line"], &first["property"], &first["kind"]),
        (&3.into(), &"domain".into(), &"not_unique".into())
    );
    assert_eq!(document["objects"][0]["differences"][1]["apply"], "make");
}

#[test]
fn mappings_that_fit_differ_in_nothing_whether_built_in_or_made_by_init() {
    let portal = Served::new(2, Duration::ZERO, 1);
    let home = portal.home();
    let (code, text) = exit(&home, &["schema", "diff"]);
    assert_eq!((code, text.contains("contacts: no differences")), (0, true), "{text}");
    assert_eq!(exit(&home, &["init"]).0, 0);
    let (code, text) = exit(&home, &["schema", "diff"]);
    assert_eq!((code, text.contains("deals: no differences")), (0, true), "{text}");
}

#[test]
fn p46_a_missing_scope_leaves_out_one_object_and_without_any_the_credential_is_to_blame() {
    let portal = Served::new(2, Duration::ZERO, 1);
    portal.lock().deny("deals");
    let home = portal.home();
    let (code, text) = exit(&home, &["schema", "diff"]);
    assert_eq!((code, text.contains("crm.objects.deals.read"), text.contains("contacts: ")), (1, true, true), "{text}");
    assert_eq!(exit(&home, &["schema", "diff", "deals"]).0, 4);
    assert_eq!(exit(&home, &["schema", "diff", "leads"]).0, 2, "it is not configured");
}
