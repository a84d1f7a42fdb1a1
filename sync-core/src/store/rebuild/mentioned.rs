//! What a cell of a tool's table says: nothing, what is known anyway, or something new. A value that went through a float
//! or came back as text is the value that it came from (P4).

use super::ids::MISSING;
use mappings::{Cell, Field};

/// The value that a tool's table asks for, as the field's own column shows it; `None` where it mentions nothing. What
/// cannot be sent stays as it is, and becomes a reject when it is to be.
pub(super) fn mentioned(field: &Field, cell: Cell<'static>) -> Option<Cell<'static>> {
    match &cell {
        Cell::Null => return None,
        Cell::Text(text) if MISSING.contains(&text.trim()) => return None,
        _ => {}
    }
    match field.to_wire(&cell) {
        Ok(None) => None,
        Ok(Some(wire)) => {
            let projection = field.project(Some(&wire));
            Some(if projection.outside { cell } else { projection.cell.into_owned() })
        }
        Err(_) => Some(cell),
    }
}

/// Whether a tool's value is what our column showed.
pub(super) fn same(field: &Field, theirs: &Cell<'_>, shown: &Cell<'_>) -> bool {
    field.same_cell(theirs, shown) || by_float(theirs, shown)
}

/// Whether a number is what became of ours as a number of a data frame: without leading zeros, or as a float.
fn by_float(theirs: &Cell<'_>, shown: &Cell<'_>) -> bool {
    let float = match shown {
        Cell::Null => return false,
        // The nearest float is what a data frame makes of it too.
        Cell::Integer(number) => *number as f64,
        Cell::Real(number) => *number,
        Cell::Text(text) => match (text.trim().parse::<i64>(), theirs) {
            (Ok(number), Cell::Integer(theirs)) => return number == *theirs,
            (Ok(number), _) => number as f64,
            (Err(_), _) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => number,
                _ => return false,
            },
        },
    };
    matches!(theirs, Cell::Real(theirs) if theirs.to_bits() == float.to_bits())
}

#[cfg(test)]
mod tests {
    use super::by_float;
    use mappings::Cell;

    #[test]
    fn p4_a_number_that_went_through_a_float_is_the_same_and_another_one_is_not() {
        for (theirs, shown, same) in [
            (Cell::Real(9_007_199_254_740_992.0), Cell::Integer(9_007_199_254_740_993), true),
            (Cell::Real(4_712_345.0), Cell::text("004712345"), true),
            (Cell::Integer(123), Cell::text("00123"), true),
            (Cell::Integer(47), Cell::text("+47"), true),
            (Cell::Real(1.2345678901234568e19), Cell::text("12345678901234567890.12"), true),
            (Cell::Integer(124), Cell::text("00123"), false),
            (Cell::Real(1.0), Cell::Integer(2), false),
            (Cell::Integer(1), Cell::text("one"), false),
            (Cell::text("123"), Cell::text("00123"), false),
            (Cell::Real(0.0), Cell::Null, false),
        ] {
            assert_eq!(by_float(&theirs, &shown), same, "{theirs:?} {shown:?}");
        }
    }
}
