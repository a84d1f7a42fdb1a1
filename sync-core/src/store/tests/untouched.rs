//! What nobody edited is never seen as edited, whatever the remote sent and whatever the column made of it.
//!
//! `CRMSYNC_CASES=1000000 cargo test --release -p sync-core p4_ -- --nocapture` tries a million values.

use super::nasty;
use crate::store::cells::{self, RowHasher};
use fastrand::Rng;
use mappings::{Cell, Field};
use rusqlite::Connection;

/// Values in the ordinary test run.
const CASES: usize = 200_000;

/// How many values were asked for when this was compiled.
fn cases() -> usize {
    let Some(asked) = option_env!("CRMSYNC_CASES") else { return CASES };
    asked.parse().unwrap_or_else(|_| panic!("CRMSYNC_CASES is `{asked}`, expected a whole number"))
}

/// A table with one column for each field, of the type that a mirror would give it.
struct Columns {
    connection: Connection,
    fields: Vec<Field>,
    insert: String,
}

impl Columns {
    fn new(fields: Vec<Field>) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        let columns: Vec<String> =
            fields.iter().map(|field| format!("{} {}", field.column, field.column_type.sql_type())).collect();
        connection.execute_batch(&format!("CREATE TABLE t ({})", columns.join(", "))).unwrap();
        let marks: Vec<String> = (1..=fields.len()).map(|place| format!("?{place}")).collect();
        let insert = format!("INSERT INTO t VALUES ({})", marks.join(", "));
        Self { connection, fields, insert }
    }

    /// Writes a row as the engine does and reads it as the engine does: both hashes, and what was read.
    fn there_and_back(&self, row: &[Cell<'_>]) -> (i64, i64, Vec<Cell<'static>>) {
        let (mut written, mut read) = (RowHasher::default(), RowHasher::default());
        let mut insert = self.connection.prepare_cached(&self.insert).unwrap();
        for (place, cell) in row.iter().enumerate() {
            written.cell(cell);
            cells::bind(&mut insert, place + 1, cell).unwrap();
        }
        insert.raw_execute().unwrap();
        let mut select = self.connection.prepare_cached("SELECT * FROM t").unwrap();
        let mut rows = select.query([]).unwrap();
        let row = rows.next().unwrap().unwrap();
        let mut back = Vec::with_capacity(self.fields.len());
        for place in 0..self.fields.len() {
            let value = row.get_ref(place).unwrap();
            read.value(value);
            back.push(cells::read(value));
        }
        drop(rows);
        self.connection.prepare_cached("DELETE FROM t").unwrap().execute([]).unwrap();
        (written.finish(), read.finish(), back)
    }
}

/// Why an unedited value would be taken for an edit, or would be sent as another one.
fn mistaken(field: &Field, wire: &str, shown: &Cell<'_>, outside: bool, back: &Cell<'_>) -> Option<String> {
    if !field.same_cell(back, shown) || !field.same_cell(shown, back) {
        return Some("it is seen as edited".to_owned());
    }
    if outside {
        return (!back.is_null()).then(|| "it is outside the column, and shown".to_owned());
    }
    // A column may show what it would not accept from a person: such a value is never sent.
    let Ok(sent) = field.to_wire(back) else { return None };
    if !field.same_wire(sent.as_deref(), Some(wire)) || !field.same_wire(Some(wire), sent.as_deref()) {
        return Some(format!("it would be sent as {sent:?}"));
    }
    let again = field.project(sent.as_deref());
    (again.outside || !field.same_cell(&again.cell, back)).then(|| format!("sent as {sent:?} it is {again:?}"))
}

#[test]
fn p4_no_value_of_any_type_becomes_an_edit_by_being_stored() {
    let columns = Columns::new(nasty::mapping("remote_wins").fields);
    let width = columns.fields.len();
    let mut rng = Rng::with_seed(4);
    let (mut tried, mut outside) = (0, 0);
    let began = std::time::Instant::now();
    while tried < cases() {
        let wires: Vec<String> = (0..width).map(|place| nasty::wire(&mut rng, place)).collect();
        let shown: Vec<_> =
            columns.fields.iter().zip(&wires).map(|(field, wire)| field.project(Some(wire.as_str()))).collect();
        let row: Vec<Cell<'_>> = shown.iter().map(|projection| projection.cell.clone()).collect();
        let (written, read, back) = columns.there_and_back(&row);
        for (place, field) in columns.fields.iter().enumerate() {
            let told = |what: &str| format!("{what}: {:?} in {field:?} is {:?}", wires[place], back[place]);
            assert!(written == read || row[place] == back[place], "{}", told("another hash"));
            let found = mistaken(field, &wires[place], &shown[place].cell, shown[place].outside, &back[place]);
            assert_eq!(found, None, "{}", told("mistaken"));
            outside += usize::from(shown[place].outside);
        }
        assert_eq!(written, read, "the row's hash changed by being stored: {wires:?}");
        tried += width;
    }
    println!("{tried} values, {outside} of them outside their columns, in {:?}", began.elapsed());
    assert!(outside * 2 < tried && outside * 20 > tried, "{outside} of {tried} are outside: too many or too few");
}
