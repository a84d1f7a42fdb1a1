//! HubSpot's association type ids: a different one in each direction, and more than one for some pairs.
//!
//! The portal's owner adds labels of his own, numbered from 1 in a category of their own: type 1 alone says nothing.

/// For each first type, the second types with the id from first to second and the id back. Plain, unlabeled associations.
pub(crate) const UNLABELED: &[(&str, &str)] = &[
    (
        "contacts",
        "contacts:449/449 companies:279/280 deals:4/3 tickets:15/16 quotes:70/69 notes:201/202 tasks:203/204 \
         calls:193/194 meetings:199/200 emails:197/198 communications:82/81 postal_mail:454/453 leads:609/608 \
         orders:508/507 invoices:178/177 carts:587/586 appointments:907/906 courses:861/860 listings:883/882 \
         services:799/798 projects:1243/1242 subscriptions:296/295 commerce_payments:388/387 \
         feedback_submissions:97/98",
    ),
    (
        "companies",
        "companies:450/450 deals:342/341 tickets:340/339 quotes:72/71 notes:189/190 tasks:191/192 \
         calls:181/182 meetings:187/188 emails:185/186 communications:88/87 postal_mail:460/459 leads:611/610 \
         orders:935/934 invoices:180/179 appointments:909/908 courses:939/938 listings:885/884 \
         services:793/792 projects:1237/1236 subscriptions:298/297 commerce_payments:390/389 \
         feedback_submissions:929/928",
    ),
    (
        "deals",
        "deals:451/451 tickets:27/28 line_items:19/20 quotes:63/64 notes:213/214 tasks:215/216 calls:205/206 \
         meetings:211/212 emails:209/210 communications:86/85 postal_mail:458/457 leads:1038/1037 \
         orders:511/512 invoices:176/175 carts:1346/1347 appointments:945/944 courses:863/862 \
         listings:887/886 services:795/794 projects:1239/1238 subscriptions:300/299 commerce_payments:392/391 \
         feedback_submissions:985/984",
    ),
    (
        "tickets",
        "tickets:452/452 notes:227/228 tasks:229/230 calls:219/220 meetings:225/226 emails:223/224 \
         communications:84/83 postal_mail:456/455 orders:526/525 appointments:947/946 courses:941/940 \
         listings:943/942 services:797/796 projects:1241/1240 subscriptions:1122/1121 \
         commerce_payments:1355/1354 feedback_submissions:99/100",
    ),
    (
        "line_items",
        "quotes:68/67 orders:514/513 invoices:410/409 carts:591/590 subscriptions:302/301 \
         commerce_payments:396/395 discounts:368/367",
    ),
    (
        "quotes",
        "tasks:217/218 orders:731/730 invoices:408/407 carts:733/732 subscriptions:304/303 \
         commerce_payments:398/397 feedback_submissions:1172/1171 discounts:362/361 fees:364/363 \
         taxes:366/365",
    ),
    (
        "notes",
        "leads:855/854 orders:765/764 appointments:921/920 courses:875/874 listings:899/898 services:837/836 \
         projects:1249/1248",
    ),
    (
        "tasks",
        "leads:647/646 orders:727/726 appointments:923/922 courses:877/876 listings:901/900 services:853/852 \
         projects:1247/1246",
    ),
    (
        "calls",
        "leads:597/596 orders:773/772 appointments:913/912 courses:867/866 listings:891/890 services:841/840 \
         projects:1258/1257 feedback_submissions:1156/1155",
    ),
    ("meetings", "leads:601/600 orders:769/768 appointments:919/918 courses:873/872 listings:897/896 services:839/838"),
    (
        "emails",
        "orders:777/776 appointments:917/916 courses:871/870 listings:895/894 services:843/842 \
         projects:1260/1259",
    ),
    (
        "communications",
        "leads:603/602 orders:785/784 appointments:925/924 courses:879/878 listings:903/902 services:847/846 \
         projects:1282/1281",
    ),
    (
        "postal_mail",
        "orders:788/789 appointments:927/926 courses:881/880 listings:905/904 services:849/848 \
         projects:1264/1263",
    ),
    ("leads", "feedback_submissions:1162/1161"),
    (
        "orders",
        "invoices:518/517 carts:593/592 subscriptions:516/515 commerce_payments:523/524 \
         feedback_submissions:1168/1167 discounts:519/520",
    ),
    (
        "invoices",
        "subscriptions:622/623 commerce_payments:541/542 feedback_submissions:1160/1159 discounts:411/412 \
         fees:413/414 taxes:415/416",
    ),
    ("carts", "feedback_submissions:1158/1157 discounts:588/589"),
    ("appointments", "projects:1325/1324"),
    ("courses", "projects:1323/1322"),
    ("listings", "projects:1321/1320"),
    ("services", "projects:1245/1244"),
    ("projects", "projects:1254/1254"),
    ("subscriptions", "feedback_submissions:1174/1173"),
    ("commerce_payments", "feedback_submissions:1170/1169 fees:1326/1327"),
];

/// What an association type means for a pair of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The plain association, present beside every other type.
    Unlabeled,
    /// At most one record of the second type is primary for a record of the first.
    Primary,
    /// A label, HubSpot's own or the owner's.
    Label,
}

/// HubSpot's labelled types: first, second, id forth, id back, label forth, label back, role. For `Primary` the first type
/// is the one whose records have at most one primary of the second.
pub(crate) const LABELED: &[(&str, &str, u32, u32, &str, &str, Role)] = &[
    ("contacts", "companies", 1, 2, "Primary", "Primary", Role::Primary),
    ("deals", "companies", 5, 6, "Primary", "Primary", Role::Primary),
    ("tickets", "companies", 26, 25, "Primary", "Primary", Role::Primary),
    ("orders", "companies", 509, 510, "Primary", "Primary", Role::Primary),
    ("companies", "companies", 13, 14, "Child Company", "Parent Company", Role::Label),
    ("contacts", "companies", 931, 930, "Billing Contact", "Billing Contact", Role::Label),
    ("quotes", "contacts", 702, 703, "Contact Signer", "Contact Signer", Role::Label),
    ("quotes", "contacts", 1226, 1227, "Billing Contact", "Billing Contact", Role::Label),
    ("quotes", "companies", 1334, 1335, "Billing Company", "Billing Company", Role::Label),
];

/// Labels that the simulated portal's owner made: first, second, label forth, label back.
pub(crate) const OWNERS: &[(&str, &str, &str, &str)] = &[
    ("contacts", "companies", "Decision maker", "Decision maker"),
    ("contacts", "deals", "Champion", "Champion"),
    ("deals", "contacts", "Signatory", "Signatory"),
    ("contacts", "contacts", "Manager", "Reports to"),
    ("companies", "deals", "Reseller", "Resold by"),
    ("tickets", "contacts", "Requester", "Requester"),
];
