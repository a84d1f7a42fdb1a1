//! The known name that a mistyped one most likely meant.

/// The name nearest to `typed`, if it is near enough that suggesting it helps: at most a third of it differs.
pub(super) fn closest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (edits(typed, name), name))
        .filter(|(edits, name)| *edits * 3 <= name.chars().count().max(3))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out or replaced to make one word of the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, left) in from.chars().enumerate() {
        let mut line = Vec::with_capacity(above.len());
        let mut last = row + 1;
        line.push(last);
        // Each window holds the cell above-left and the cell above.
        for (right, window) in to.iter().zip(above.windows(2)) {
            let [diagonal, up] = window else { continue };
            last = (diagonal + usize::from(left != *right)).min(up + 1).min(last + 1);
            line.push(last);
        }
        above = line;
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_of_the_finger_is_found_and_another_word_is_not() {
        let known = ["settle", "sweep_every", "sweep_slice"];
        assert_eq!(closest("settel", known), Some("settle"));
        assert_eq!(closest("sweep_evry", known), Some("sweep_every"));
        assert_eq!(closest("colour", known), None);
        assert_eq!(closest("", known), None);
    }
}
