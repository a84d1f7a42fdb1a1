//! Ranges of record ids, by search: where one may be cut, what stands in it, and what all of this costs.
//!
//! Searches have a budget of their own, so what they read comes on top of what lists read. They never send `after`
//! to read records: only a landmark does, which is a hint and may be wrong.

use super::HubSpot;
use super::client::Call;
use super::objects::{self, json};
use super::search::{BODY, Filter, Group, PAGE, Search, Sort, changed};
use super::types::with_always_read;
use super::wire::{Many, Misread, body};
use crate::http::{Lane, Transport};
use sync_core::RemoteError;
use sync_core::model::RecordId;
use sync_core::remote::{ChangedPage, IdRange, Landmark, Pace};

/// The last offset of a search: it ends at ten thousand results.
const LAST_OFFSET: u64 = 9_999;

impl<T: Transport> HubSpot<T> {
    /// How fast records with these properties can be read.
    pub(crate) fn pace_of(&self, object: &str, properties: &[String]) -> Pace {
        let a_second = |share: crate::http::Share| f64::from(share.requests) / share.interval.as_secs_f64();
        let lists = a_second(self.budgets.window_share()) / f64::from(self.calls_a_page(object, properties));
        let searches = a_second(self.settings.search()) * f64::from(PAGE);
        // Whatever the ids, a page must fit: the longest there are stand for them.
        let longest = RecordId::from(u64::MAX);
        let range = IdRange { from: longest.clone(), until: Some(longest) };
        let fits = text(&range, &with_always_read(object, properties)).chars().count() <= BODY;
        // A page is a hundred records; the product is exact in a float.
        Pace { listed: lists * objects::PAGE as f64, searched: fits.then_some(searches) }
    }

    /// The first page of the records of a range.
    pub(crate) async fn search_within(
        &self,
        object: &str,
        range: &IdRange,
        asked: &[String],
    ) -> Result<ChangedPage, RemoteError> {
        let path = self.settings.api_version.objects(&self.address(object)?, "/search");
        let call = Call::post(Lane::Search, path, text(range, &with_always_read(object, asked)));
        self.call(&call, |answer| changed(answer, true, None)).await
    }

    /// The record at a rank of a range, and how many the range has.
    pub(crate) async fn search_landmark(
        &self,
        object: &str,
        range: &IdRange,
        rank: u64,
    ) -> Result<Landmark, RemoteError> {
        let path = self.settings.api_version.objects(&self.address(object)?, "/search");
        let rank = behind_a_page(rank);
        let search = Search { limit: 1, after: Some(&rank.to_string()), ..search(range, &[]) };
        let call = Call::post(Lane::Search, path, json(&search));
        self.call(&call, |answer| {
            let page: Many<'_> = body(&answer.text)?;
            let total = page.total.ok_or_else(|| Misread("it tells no total".to_owned()))?;
            Ok(Landmark { total, rank, id: page.records()?.into_iter().next().map(|record| record.id) })
        })
        .await
    }
}

/// A rank near the one asked for, at which a page of a list or a search ends one record behind it: whoever reads up to
/// there sees that the range is over, and has read one record too many instead of half a page.
fn behind_a_page(rank: u64) -> u64 {
    let rank = rank.min(LAST_OFFSET);
    // Where little is left, it is a page of a list that counts.
    let page = if rank < 2 * u64::from(PAGE) { objects::PAGE as u64 } else { u64::from(PAGE) };
    if rank < page { rank } else { rank / page * page - 1 }
}

fn search<'a>(range: &IdRange, properties: &'a [String]) -> Search<'a> {
    let filter =
        |operator, id: &RecordId| Filter { property_name: "hs_object_id", operator, value: Some(id.to_string()) };
    let mut filters = vec![filter("GTE", &range.from)];
    filters.extend(range.until.as_ref().map(|until| filter("LT", until)));
    let sorts = vec![Sort { property_name: "hs_object_id", direction: "ASCENDING" }];
    Search { filter_groups: [Group { filters }], sorts, properties, limit: PAGE, after: None }
}

fn text(range: &IdRange, properties: &[String]) -> String {
    json(&search(range, properties))
}

#[cfg(test)]
mod tests {
    use super::behind_a_page;

    #[test]
    fn ranges_are_cut_one_record_before_the_end_of_a_page() {
        let cuts = [0, 99, 150, 399, 400, 799, 1_000_000].map(behind_a_page);
        assert_eq!(cuts, [0, 99, 99, 299, 399, 599, 9_799]);
    }
}
