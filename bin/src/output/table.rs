//! Tables: a line of headings, aligned columns, no frame, so that both people and `awk` can read them.

use super::escape::escape;
use comfy_table::{CellAlignment, ContentArrangement, TableStyle};

/// On which side the cells of a column line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows under headings. Cells are foreign text and are made harmless as they come in.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let columns = columns.into_iter().map(|(name, align)| (escape(name).into_owned(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; cells that are missing at the end stay empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.rows.push(cells.into_iter().map(|cell| escape(cell.as_ref()).into_owned()).collect());
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each ending in a line break, wrapped to `width` columns if one is given.
    pub fn render(&self, width: Option<u16>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new());
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.set_header(self.columns.iter().map(|(name, _)| name));
        for row in &self.rows {
            let missing = self.columns.len().saturating_sub(row.len());
            table.add_row(row.iter().map(String::as_str).chain(std::iter::repeat_n("", missing)));
        }
        let last = self.columns.len().saturating_sub(1);
        for (at, (column, (_, align))) in table.column_iter_mut().zip(&self.columns).enumerate() {
            column.set_padding((0, if at == last { 0 } else { 2 }));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};

    fn example() -> Table {
        let mut table = Table::new([("object", Align::Left), ("rows", Align::Right), ("note", Align::Left)]);
        table.row(["contacts", "1,234", "fine"]);
        table.row(["deals", "7", "a longer note that may have to wrap"]);
        table.row(["株式会社", "0"]);
        table
    }

    #[test]
    fn columns_line_up() {
        insta::assert_snapshot!(example().render(None), @r"
        object     rows  note
        contacts  1,234  fine
        deals         7  a longer note that may have to wrap
        株式会社      0
        ");
    }

    #[test]
    fn a_narrow_terminal_wraps_cells_instead_of_breaking_lines() {
        insta::assert_snapshot!(example().render(Some(34)), @r"
        object     rows  note
        contacts  1,234  fine
        deals         7  a longer note
                         that may have to
                         wrap
        株式会社      0
        ");
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let mut table = Table::new([("name", Align::Left)]);
        table.row(["\u{1b}[2Jgone\nline"]);
        insta::assert_snapshot!(table.render(None), @r"
        name
        \u{1b}[2Jgone\nline
        ");
    }
}
