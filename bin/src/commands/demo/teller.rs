//! How the story is told: to people as it happens, or as one document at the end.
//!
//! What the commands of the story show, they show themselves. A statement that is shown is the one that was carried out.

use super::stage::Stage;
use crate::commands::Context;
use crate::exit::{CommandError, Exit};
use crate::output::{Align, Table};
use rusqlite::types::ValueRef;
use serde::Serialize;
use serde_json::{Map, Value};
use sync_core::store::StoreError;

/// A step of the story.
#[derive(Serialize)]
pub(super) struct Step {
    step: usize,
    title: &'static str,
    told: Vec<Event>,
}

/// Something that happened in a step.
#[derive(Serialize)]
#[serde(untagged)]
enum Event {
    /// What somebody did in the CRM.
    Crm { crm: String },
    /// What a SQLite tool did to the mirror.
    Sql { sql: String },
    /// What a SQLite tool asked of the mirror.
    Query { sql: String, rows: Vec<Map<String, Value>> },
    /// A command, with its own document.
    Command { command: String, result: Value },
    /// What the CRM holds.
    Portal { portal: Vec<Map<String, Value>> },
    /// A sentence with figures.
    Said { said: String },
}

/// Rows under the names of their columns.
#[derive(Debug, PartialEq)]
pub(super) struct Rows {
    columns: Vec<String>,
    pub(super) cells: Vec<Vec<Value>>,
}

impl Rows {
    /// No rows yet.
    pub(super) fn new<const N: usize>(columns: [&str; N]) -> Self {
        Self { columns: columns.map(str::to_owned).to_vec(), cells: Vec::new() }
    }

    /// The value in a column of the first row.
    pub(super) fn first(&self, column: &str) -> &Value {
        let place = self.columns.iter().position(|name| name == column);
        place.zip(self.cells.first()).and_then(|(place, row)| row.get(place)).unwrap_or(&Value::Null)
    }

    fn table(&self) -> Table {
        let mut table = Table::new(self.columns.iter().map(|column| (column.as_str(), Align::Left)));
        for row in &self.cells {
            table.row(row.iter().map(|cell| match cell {
                Value::Null => "-".to_owned(),
                Value::String(text) => text.clone(),
                cell => cell.to_string(),
            }));
        }
        table
    }

    fn documents(&self) -> Vec<Map<String, Value>> {
        self.cells.iter().map(|row| self.columns.iter().cloned().zip(row.iter().cloned()).collect()).collect()
    }
}

/// Tells the story.
pub(super) struct Teller {
    context: Context,
    steps: Vec<Step>,
}

impl Teller {
    /// A story that has not begun.
    pub(super) fn new(context: Context) -> Self {
        Self { context, steps: Vec::new() }
    }

    /// A line before the first step.
    pub(super) fn preface(&self, text: &str) -> Result<(), CommandError> {
        self.context.output.line(text)
    }

    /// The next step.
    pub(super) fn step(&mut self, title: &'static str) -> Result<(), CommandError> {
        let step = self.steps.len() + 1;
        self.steps.push(Step { step, title, told: Vec::new() });
        self.context.output.line(format!("\n{step}. {title}\n"))
    }

    /// A sentence.
    pub(super) fn say(&mut self, text: impl Into<String>) -> Result<(), CommandError> {
        let said = text.into();
        self.context.output.line(&said)?;
        self.told(Event::Said { said: said.replace('\n', " ") });
        Ok(())
    }

    /// Somebody in the CRM did something.
    pub(super) fn crm(&mut self, text: impl Into<String>) -> Result<(), CommandError> {
        let crm = text.into();
        self.context.output.line(format!("CRM> {crm}"))?;
        self.told(Event::Crm { crm });
        Ok(())
    }

    /// Changes one row of the mirror, as any SQLite tool would.
    pub(super) fn change(&mut self, stage: &Stage, sql: String) -> Result<(), CommandError> {
        self.statement(&sql)?;
        let changed = stage.sqlite()?.execute(&sql, []).map_err(StoreError::from)?;
        expect("the number of rows that a statement changed", &changed, &1)?;
        self.told(Event::Sql { sql });
        Ok(())
    }

    /// Asks the mirror, as any SQLite tool would.
    pub(super) fn ask(&mut self, stage: &Stage, sql: &str) -> Result<Rows, CommandError> {
        self.statement(sql)?;
        let rows = query(stage, sql)?;
        self.context.output.table(&rows.table())?;
        self.told(Event::Query { sql: sql.to_owned(), rows: rows.documents() });
        Ok(rows)
    }

    /// Does what a command does, which must go well.
    pub(super) fn command(
        &mut self,
        words: &str,
        work: impl FnOnce(&Context) -> Result<Exit, CommandError>,
    ) -> Result<(), CommandError> {
        self.context.output.line(format!("$ crmsync {words}"))?;
        let exit = work(&self.context)?;
        expect("the exit code of a command", &exit.code(), &Exit::Done.code())?;
        let result = self.context.output.gathered().into_iter().next().unwrap_or_default();
        self.told(Event::Command { command: format!("crmsync {words}"), result });
        Ok(())
    }

    /// Shows what the CRM holds.
    pub(super) fn portal(&mut self, rows: &Rows) -> Result<(), CommandError> {
        self.context.output.line("What the CRM holds now:")?;
        self.context.output.table(&rows.table())?;
        self.told(Event::Portal { portal: rows.documents() });
        Ok(())
    }

    /// The whole story.
    pub(super) fn end(self) -> Vec<Step> {
        self.steps
    }

    fn statement(&self, sql: &str) -> Result<(), CommandError> {
        self.context.output.line(format!("sql> {};", sql.replace('\n', "\n     ")))
    }

    fn told(&mut self, event: Event) {
        if let Some(step) = self.steps.last_mut() {
            step.told.push(event);
        }
    }
}

/// Asks the mirror, without a word.
pub(super) fn query(stage: &Stage, sql: &str) -> Result<Rows, CommandError> {
    let connection = stage.sqlite()?;
    read(&connection, sql).map_err(|error| StoreError::from(error).into())
}

fn read(connection: &rusqlite::Connection, sql: &str) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query([])?;
    let mut cells = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for place in 0..columns.len() {
            values.push(match row.get_ref(place)? {
                ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
            });
        }
        cells.push(values);
    }
    Ok(Rows { columns, cells })
}

/// The story tells only what happened. What did not happen is a defect, and ends it.
pub(super) fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), CommandError> {
    if found == wanted {
        return Ok(());
    }
    Err(CommandError::internal(format!("the demo expected {what} to be {wanted:?}, and found {found:?}.")))
}
