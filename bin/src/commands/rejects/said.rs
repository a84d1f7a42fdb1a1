//! The readable part of what HubSpot said when it refused something.

use crate::commands::decide::shortened;

/// Letters of it that a list shows.
const MOST: usize = 100;

/// A message for a list: of validation errors that stand in it as JSON only their own messages, and not too much.
pub(super) fn in_short(message: &str) -> String {
    let inner = inner_messages(message);
    let said = if inner.is_empty() { message.to_owned() } else { inner.join("; ") };
    shortened(&said, MOST)
}

/// The messages in the JSON that a message holds. It may have been cut off, so it is not read as a whole.
fn inner_messages(message: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, key) in message.match_indices("\"message\"") {
        let Some(value) = message[at + key.len()..].trim_start().strip_prefix(':').map(str::trim_start) else {
            continue;
        };
        let said = match serde_json::Deserializer::from_str(value).into_iter::<String>().next() {
            Some(Ok(said)) => said,
            Some(Err(error)) if error.is_eof() => value.trim_start_matches('"').to_owned(),
            _ => continue,
        };
        if !said.is_empty() && !found.contains(&said) {
            found.push(said);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::in_short;

    #[test]
    fn of_validation_errors_their_messages_are_shown() {
        let message = "Property values were not valid: \
                       [{\"isValid\":false,\"message\":\"Email \\\"x\\\" is invalid\",\"error\":\"INVALID_EMAIL\",\
                       \"localizedErrorMessage\":\"other\"},{\"message\" : \"no [y]\"},{\"message\":\"no [y]\"}]";
        assert_eq!(in_short(message), "Email \"x\" is invalid; no [y]");
        assert_eq!(in_short("{\"status\":\"error\",\"message\":\"too much\"}"), "too much");
    }

    #[test]
    fn what_was_cut_off_is_shown_as_far_as_it_goes() {
        assert_eq!(in_short("not valid: [{\"message\":\"one\"},{\"message\":\"and tw…"), "one; and tw…");
        assert_eq!(in_short("not valid: [{\"mess…"), "not valid: [{\"mess…");
    }

    #[test]
    fn other_messages_stay_as_they_are_but_for_their_length() {
        for message in ["", "Contact already exists. Existing ID: 7", "\"message\":17", "\"message\"", "no [x]"] {
            assert_eq!(in_short(message), message);
        }
        let long = in_short(&"ä".repeat(101));
        assert_eq!((long.chars().count(), long.ends_with("ä…")), (100, true));
        assert_eq!(in_short(&"ä".repeat(100)), "ä".repeat(100));
    }
}
