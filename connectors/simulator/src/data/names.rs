//! Words: people and companies in several scripts, cities with their countries, what deals and tickets are about.

const LATIN_FIRST: &[&str] = &[
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Margaret",
    "Linus",
    "Katherine",
    "Dennis",
    "Radia",
    "Tim",
    "Hedy",
    "Claude",
    "Frances",
    "Niklaus",
    "Anita",
    "John",
    "Shafi",
    "Leslie",
    "Joan",
    "Ken",
    "Adele",
    "Bjarne",
    "Karen",
    "Tony",
    "Lynn",
    "Whitfield",
    "Susan",
    "Vint",
    "Evelyn",
    "Robin",
    "Mary",
    "Stephen",
    "Jean",
    "Guido",
    "Elizabeth",
];
const LATIN_LAST: &[&str] = &[
    "Lovelace",
    "Hopper",
    "Turing",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Hamilton",
    "Torvalds",
    "Johnson",
    "Ritchie",
    "Perlman",
    "Lamarr",
    "Shannon",
    "Allen",
    "Wirth",
    "Borg",
    "McCarthy",
    "Goldwasser",
    "Lamport",
    "Clarke",
    "Thompson",
    "Goldberg",
    "Stroustrup",
    "Jones",
    "Hoare",
    "Conway",
    "Diffie",
    "Kare",
    "Cerf",
    "Milner",
    "Cook",
    "Bartik",
    "Feinler",
];
/// First names, last names and an ASCII spelling for emails, of people whose names are not ASCII.
const WORLD: &[(&str, &str, &str)] = &[
    ("Zoë", "Müller", "zoe.mueller"),
    ("Søren", "Ærø", "soren.aero"),
    ("Łukasz", "Żółć", "lukasz.zolc"),
    ("Núria", "Peña", "nuria.pena"),
    ("さくら", "佐藤", "sakura.sato"),
    ("伟", "王", "wei.wang"),
    ("Дмитрий", "Иванов", "dmitri.ivanov"),
    ("محمد", "الأحمد", "mohamed.alahmad"),
    ("נועה", "כהן", "noa.cohen"),
    ("प्रिया", "शर्मा", "priya.sharma"),
    ("Sinéad", "O'Connor", "sinead.oconnor"),
    ("Nguyễn", "Thị Hồng", "hong.nguyen"),
    ("Jean-Luc", "d’Arc", "jeanluc.darc"),
    ("😀", "Emoji", "smile.emoji"),
];
const COMPANY: &[&str] = &[
    "Northwind",
    "Acme",
    "Globex",
    "Initech",
    "Umbra",
    "Stark",
    "Wayne",
    "Hooli",
    "Vandelay",
    "Cyberdyne",
    "Tyrell",
    "Aperture",
    "Soylent",
    "Wonka",
    "Gringotts",
    "Monarch",
    "Oceanic",
    "Blue Sun",
    "Nakatomi",
    "Massive Dynamic",
];
const TRADE: &[&str] = &[
    "Rockets",
    "Foods",
    "Systems",
    "Logistics",
    "Robotics",
    "Textiles",
    "Energy",
    "Media",
    "Dental",
    "Analytics",
    "Foundry",
    "Gardens",
    "Optics",
    "Freight",
    "Studio",
    "Works",
];
const FORM: &[&str] = &["GmbH", "Inc.", "Ltd", "S.A.", "LLC", "AB", "株式会社", "Co., Ltd", "SARL", ""];
pub(super) const CITIES: &[(&str, &str, &str, &str)] = &[
    ("Berlin", "BE", "10115", "Germany"),
    ("New York", "NY", "10001", "United States"),
    ("東京", "東京都", "100-0001", "日本"),
    ("São Paulo", "SP", "01000-000", "Brazil"),
    ("Kathmandu", "Bagmati", "44600", "Nepal"),
    ("Zürich", "ZH", "8001", "Switzerland"),
    ("الرياض", "", "11564", "السعودية"),
    ("Austin", "TX", "73301", "United States"),
    ("Dublin", "Leinster", "D01", "Ireland"),
    ("Reykjavík", "", "101", "Iceland"),
];
pub(super) const JOBS: &[&str] = &[
    "CEO",
    "Head of Sales",
    "Buyer",
    "Engineer",
    "Office Manager",
    "CTO",
    "Consultant",
    "Geschäftsführerin",
    "部長",
    "Account Executive",
    "Student",
    "Procurement Lead",
];
pub(super) const STAGES: &[&str] = &[
    "subscriber",
    "lead",
    "lead",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "customer",
    "other",
];
pub(super) const DEALS: &[&str] =
    &["annual licence", "pilot", "renewal", "expansion", "spare parts", "consulting", "migration", "support contract"];
pub(super) const SUBJECTS: &[&str] = &[
    "Cannot log in",
    "Invoice is wrong",
    "Feature request: dark mode",
    "Delivery is late",
    "Printer on fire",
    "How do I export?",
    "Please cancel",
    "Slow since the update",
];
pub(super) const WARES: &[&str] =
    &["Widget", "Gasket", "Licence seat", "Training day", "Sensor", "Mounting kit", "Cable", "Maintenance plan"];

fn pick<'a, T>(dice: &mut fastrand::Rng, from: &'a [T]) -> &'a T {
    &from[dice.usize(0..from.len())]
}

/// Any element of a list.
pub(super) fn any(dice: &mut fastrand::Rng, from: &[&'static str]) -> &'static str {
    from[dice.usize(0..from.len())]
}

/// A first and a last name in plain letters.
pub(super) fn latin(dice: &mut fastrand::Rng) -> (&'static str, &'static str) {
    (any(dice, LATIN_FIRST), any(dice, LATIN_LAST))
}

/// First name, last name, and a spelling for an email. One person in twelve has a name outside ASCII.
pub(super) fn person(dice: &mut fastrand::Rng) -> (&'static str, &'static str, String) {
    if dice.u8(0..12) == 0 {
        let (first, last, spelling) = pick(dice, WORLD);
        return (first, last, (*spelling).to_owned());
    }
    let (first, last) = latin(dice);
    (first, last, format!("{}.{}", first.to_lowercase(), last.to_lowercase()))
}

/// A company's name and its domain; the number keeps domains apart.
pub(super) fn company(dice: &mut fastrand::Rng, number: usize) -> (String, String) {
    let (name, trade, form) = (any(dice, COMPANY), any(dice, TRADE), any(dice, FORM));
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let domain = format!("{}-{}{number}.example", plain.to_lowercase(), trade.to_lowercase());
    (format!("{name} {trade} {form}").trim_end().to_owned(), domain)
}
