//! Reading HubSpot's JSON: envelopes typed, properties left as they came.
//!
//! Every optional field may be missing, ids may be numbers or strings, and text that JSON allows and Unicode does not
//! (a lone surrogate) passes through in values, and is replaced in people's labels and names. What is promised as
//! present and is not makes the answer a [`Misread`], never an empty page: silence must not be taken for absence. No
//! message repeats a value of a record.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sync_core::model::{Properties, Record, RecordId, Timestamp};

/// Why an answer cannot be understood, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misread(pub(crate) String);

impl Misread {
    /// From serde's error: where, but not what, as the text may quote a person's data.
    fn at(what: &str, error: &serde_json::Error) -> Self {
        let how = match error.classify() {
            serde_json::error::Category::Eof => "breaks off",
            serde_json::error::Category::Data => "is not what was agreed on",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is not JSON",
        };
        Self(format!("{what} {how} (line {}, column {})", error.line(), error.column()))
    }
}

/// Reads a whole body.
pub(crate) fn body<'de, A: Deserialize<'de>>(text: &'de str) -> Result<A, Misread> {
    serde_json::from_str(text).map_err(|error| Misread::at("the body", &error))
}

/// Text that HubSpot may write as a string or a number, kept by its characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('"') {
            return serde_json::from_str(raw).map(Self).map_err(serde::de::Error::custom);
        }
        let number = raw.strip_prefix('-').unwrap_or(raw);
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(raw.to_owned()));
        }
        Err(serde::de::Error::custom("neither text nor a whole number"))
    }
}

impl Text {
    pub(crate) fn id(self) -> RecordId {
        RecordId::from(self.0)
    }
}

/// Reads text that people typed and that is only shown: a lone surrogate becomes U+FFFD, as in values of properties.
pub(crate) fn typed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    let json = raw.get();
    match serde_json::from_str(json) {
        Err(_) if json.starts_with('"') => Ok(Properties::from_json(format!(r#"{{"text":{json}}}"#)).get("text")),
        read => read.map_err(serde::de::Error::custom),
    }
}

/// A list of things with a way to the next page, each thing still to be read.
#[derive(Deserialize)]
pub(crate) struct Many<'a> {
    #[serde(borrow)]
    pub(crate) results: Vec<&'a RawValue>,
    #[serde(default)]
    paging: Option<Paging>,
    #[serde(default)]
    pub(crate) total: Option<u64>,
    #[serde(default, borrow)]
    pub(crate) errors: Option<Vec<&'a RawValue>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Clone, Debug, Deserialize)]
struct Next {
    after: Text,
}

impl Paging {
    pub(crate) fn after(paging: Option<Self>) -> Option<String> {
        paging?.next.map(|next| next.after.0)
    }
}

impl Many<'_> {
    /// The token of the next page, verbatim. The link beside it is not looked at.
    pub(crate) fn next(&self) -> Option<String> {
        Paging::after(self.paging.clone())
    }

    /// The records; one that cannot be read is named.
    pub(crate) fn records(&self) -> Result<Vec<Record>, Misread> {
        self.results.iter().map(|raw| record(raw)).collect()
    }

    /// Things of another kind, called `what` in errors.
    pub(crate) fn things<A: DeserializeOwned>(&self, what: &str) -> Result<Vec<A>, Misread> {
        self.results
            .iter()
            .map(|raw| serde_json::from_str(raw.get()).map_err(|error| Misread::at(what, &error)))
            .collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord<'a> {
    id: Text,
    #[serde(default, borrow)]
    properties: Option<&'a RawValue>,
    #[serde(default)]
    created_at: Option<Text>,
    #[serde(default)]
    updated_at: Option<Text>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    archived_at: Option<Text>,
}

#[derive(Deserialize)]
struct OnlyId {
    id: Text,
}

/// Reads one record.
pub(crate) fn record(raw: &RawValue) -> Result<Record, Misread> {
    let wire: WireRecord<'_> = serde_json::from_str(raw.get()).map_err(|error| {
        let name = match serde_json::from_str::<OnlyId>(raw.get()) {
            Ok(OnlyId { id }) => format!("record {}", super::error::quote(&id.0)),
            Err(_) => "a record without a readable id".to_owned(),
        };
        Misread::at(&name, &error)
    })?;
    if wire.id.0.is_empty() {
        return Err(Misread("a record has an empty id".to_owned()));
    }
    let spoilt = |what: &str| Misread(format!("record {} {what}", super::error::quote(&wire.id.0)));
    let json = match wire.properties.map(RawValue::get) {
        None | Some("null") => "{}",
        Some(json) if json.starts_with('{') => json,
        Some(_) => return Err(spoilt("has properties that are no JSON object")),
    };
    let properties = Properties::from_json(json);
    let time = |envelope: &Option<Text>, names: [&str; 2]| {
        let told = envelope.as_ref().and_then(|text| Timestamp::parse(&text.0));
        told.or_else(|| names.into_iter().find_map(|name| Timestamp::parse(&properties.get(name)?)))
    };
    let created_at = time(&wire.created_at, ["createdate", "hs_createdate"])
        .ok_or_else(|| spoilt("does not tell when it was created"))?;
    let updated_at = time(&wire.updated_at, ["lastmodifieddate", "hs_lastmodifieddate"])
        .ok_or_else(|| spoilt("does not tell when it was changed"))?;
    let archived_at = wire.archived_at.and_then(|text| Timestamp::parse(&text.0));
    let archived = match wire.archived {
        Some(false) => None,
        Some(true) => Some(archived_at.unwrap_or(updated_at)),
        None => archived_at,
    };
    let merged_ids = merged_ids(&properties, &wire.id.0).map_err(|()| spoilt("has properties that cannot be read"))?;
    Ok(Record { id: wire.id.id(), created_at, updated_at, archived, merged_ids, properties })
}

/// The records that were merged into this one: `hs_merged_object_ids` is a list with semicolons; contacts have
/// `hs_calculated_merged_vids` too, where each id is followed by a colon and a time (recorded traffic).
fn merged_ids(properties: &Properties, own: &str) -> Result<Vec<RecordId>, ()> {
    const LISTS: [&str; 2] = ["hs_merged_object_ids", "hs_calculated_merged_vids"];
    let mut ids: Vec<RecordId> = Vec::new();
    if !LISTS.iter().any(|list| properties.as_json().contains(list)) {
        return Ok(ids);
    }
    properties
        .for_each(|name, value| {
            let (true, Some(list)) = (LISTS.contains(&name), value) else { return };
            for entry in list.split(';') {
                let id = entry.split(':').next().unwrap_or_default().trim();
                if !id.is_empty() && id != own && !ids.iter().any(|known| known.as_str() == id) {
                    ids.push(RecordId::from(id));
                }
            }
        })
        .map_err(|_| ())?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::{Many, Text, body, record};
    use serde_json::value::RawValue;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    const TIMES: &str = r#""createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00.072Z""#;

    #[test]
    fn p40_p41_properties_stay_exactly_as_they_came() {
        let properties = r#"{"a":"x\ud800y","n":123456789012345678901234567890.10,"e":"","z":null}"#;
        let read =
            record(&raw(&format!(r#"{{"id":"7","properties":{properties},{TIMES},"archived":false}}"#))).unwrap();
        assert_eq!(read.properties.as_json(), properties);
        assert_eq!(read.updated_at.to_string(), "2026-01-02T00:00:00.072Z");
        assert_eq!(read.archived, None);
    }

    #[test]
    fn ids_and_times_come_as_numbers_too() {
        let json =
            r#"{"id":211762804612123456789,"properties":{},"createdAt":1767225600000,"updatedAt":1767225600001}"#;
        let read = record(&raw(json)).unwrap();
        assert_eq!(read.id.as_str(), "211762804612123456789");
        assert_eq!(read.updated_at.millis(), 1_767_225_600_001);
    }

    #[test]
    fn times_missing_from_the_envelope_are_taken_from_the_properties() {
        let json = r#"{"id":"1","properties":{"hs_createdate":"2026-01-01T00:00:00Z","lastmodifieddate":"2026-01-03T00:00:00Z"}}"#;
        assert_eq!(record(&raw(json)).unwrap().updated_at.to_string(), "2026-01-03T00:00:00.000Z");
        let none = record(&raw(r#"{"id":"1","properties":{}}"#)).unwrap_err();
        assert!(none.0.contains("record 1"), "{none:?}");
    }

    #[test]
    fn a_record_that_cannot_be_read_is_named_and_its_values_are_not_told() {
        let json = format!(r#"{{"id":"42","properties":"secret value",{TIMES}}}"#);
        let misread = record(&raw(&json)).unwrap_err();
        assert!(misread.0.contains("record 42") && !misread.0.contains("secret"), "{misread:?}");
        let json = format!(r#"{{"id":"42","archived":"secret value",{TIMES}}}"#);
        let misread = record(&raw(&json)).unwrap_err();
        assert!(misread.0.contains("record 42") && !misread.0.contains("secret"), "{misread:?}");
    }

    #[test]
    fn archived_records_have_a_time_even_where_none_is_told() {
        let told = format!(r#"{{"id":"1","archived":true,"archivedAt":"2026-02-01T00:00:00Z",{TIMES}}}"#);
        assert_eq!(record(&raw(&told)).unwrap().archived.unwrap().to_string(), "2026-02-01T00:00:00.000Z");
        let silent = format!(r#"{{"id":"1","archived":true,{TIMES}}}"#);
        assert_eq!(record(&raw(&silent)).unwrap().archived.unwrap().to_string(), "2026-01-02T00:00:00.072Z");
    }

    #[test]
    fn p20_merged_ids_are_gathered_from_both_lists() {
        let properties =
            r#"{"hs_merged_object_ids":"5;6","hs_calculated_merged_vids":"6:1645125929000;8:1645125929001;1:2"}"#;
        let read = record(&raw(&format!(r#"{{"id":"1","properties":{properties},{TIMES}}}"#))).unwrap();
        let ids: Vec<&str> = read.merged_ids.iter().map(sync_core::model::RecordId::as_str).collect();
        assert_eq!(ids, ["5", "6", "8"]);
    }

    #[test]
    fn the_next_page_is_where_after_says_and_a_page_without_results_is_no_page() {
        let page: Many<'_> = body(r#"{"results":[],"paging":{"next":{"after":33452,"link":"https://evil"}}}"#).unwrap();
        assert_eq!(page.next().as_deref(), Some("33452"));
        assert_eq!(body::<Many<'_>>(r#"{"results":[],"paging":{}}"#).unwrap().next(), None);
        for wrong in ["{}", "[]", "", r#"{"results":[}"#, r#"{"results":[],"paging":{"next":{}}}"#, "<html>"] {
            assert!(body::<Many<'_>>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_is_a_string_or_a_whole_number() {
        for (json, text) in [(r#""a""#, "a"), ("12", "12"), ("123456789012345678901", "123456789012345678901")] {
            assert_eq!(body::<Text>(json).unwrap(), Text(text.to_owned()));
        }
        for wrong in ["1.5", "1e3", "true", "null", "[]"] {
            assert!(body::<Text>(wrong).is_err(), "{wrong}");
        }
    }
}
