//! Which account a token belongs to, and how much of its day is used up.

use crate::Millis;
use crate::json::Json;
use crate::portal::{Answer, Portal};
use crate::settings::Tier;

impl Portal {
    /// `GET /account-info/…/details`
    pub(crate) fn account_details(&self) -> Answer {
        let zone = &self.settings.zone;
        let offset = zone.offset(self.now);
        let minutes = offset.abs() / 60_000;
        let sign = if offset < 0 { '-' } else { '+' };
        let mut j = Json::with_capacity(300);
        j.raw("{").key("portalId").number(self.settings.portal_id).raw(",").key("timeZone").string(&zone.name);
        j.raw(",").key("accountType").string("STANDARD").raw(",").key("companyCurrency").string("USD");
        j.raw(",").key("additionalCurrencies").strings(["EUR", "JPY"]);
        j.raw(",").key("utcOffset").string(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        j.raw(",").key("utcOffsetMilliseconds").number(offset).raw(",").key("uiDomain").string("app.hubspot.com");
        j.raw(",").key("dataHostingLocation").string("na1").raw("}");
        Answer::ok(j.out)
    }

    /// `GET /account-info/…/api-usage/daily/private-apps`. An app that is not privately distributed has no such row.
    pub(crate) fn daily_usage(&self, (limit, used, resets): (Option<u64>, u64, Millis)) -> Answer {
        let mut j = Json::with_capacity(250);
        j.raw("{\"results\":[");
        if self.settings.tier != Tier::OauthPublic {
            j.raw("{").key("name").string("private-apps-api-calls-daily");
            j.raw(",")
                .key("usageLimit")
                .number(limit.unwrap_or(1_000_000_000))
                .raw(",")
                .key("currentUsage")
                .number(used);
            j.raw(",").key("collectedAt").time(self.now).raw(",").key("fetchStatus").string("SUCCESS");
            j.raw(",").key("resetsAt").time(resets).raw("}");
        }
        j.raw("]}");
        Answer::ok(j.out)
    }
}
