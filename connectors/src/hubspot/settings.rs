//! What the connector may be told: the API's version, the account's limits, how patient to be.

use crate::http::Share;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A version of the API. HubSpot publishes one each March and September and supports it for eighteen months, according
/// to its versioning page; `v3` is the older family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ApiVersion {
    /// `2026-09`.
    #[default]
    V2026_09,
    /// `2026-03`.
    V2026_03,
    /// `v3`, with associations from `v4`.
    V3,
}

impl ApiVersion {
    /// The version as the configuration writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2026_09 => "2026-09",
            Self::V2026_03 => "2026-03",
            Self::V3 => "v3",
        }
    }

    fn crm(self, family: &str, rest: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v3/{family}{rest}"),
            dated => format!("/crm/{family}/{dated}{rest}"),
        }
    }

    pub(crate) fn objects(self, object: &str, rest: &str) -> String {
        self.crm("objects", &format!("/{object}{rest}"))
    }

    pub(crate) fn properties(self, object: &str) -> String {
        self.crm("properties", &format!("/{object}"))
    }

    pub(crate) fn pipelines(self, object: &str) -> String {
        self.crm("pipelines", &format!("/{object}"))
    }

    pub(crate) fn owners(self) -> String {
        self.crm("owners", "")
    }

    pub(crate) fn associations(self, from: &str, to: &str, rest: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v4/associations/{from}/{to}{rest}"),
            dated => format!("/crm/associations/{dated}/{from}/{to}{rest}"),
        }
    }

    pub(crate) fn schemas(self) -> String {
        format!("/crm-object-schemas/{self}/schemas")
    }

    pub(crate) fn account_details(self) -> String {
        format!("/account-info/{self}/details")
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text that names no version of the API known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no API version; expected 2026-09, 2026-03 or v3")]
pub struct UnknownVersion(String);

impl FromStr for ApiVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        [Self::V2026_09, Self::V2026_03, Self::V3]
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// The account's subscription, as far as limits depend on it. Numbers from HubSpot's usage guidelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tier {
    /// Begin as if free, and learn the limit from the headers of the answers.
    #[default]
    Auto,
    /// 100 requests in ten seconds.
    Free,
    /// 100 requests in ten seconds.
    Starter,
    /// 190 requests in ten seconds.
    Professional,
    /// 190 requests in ten seconds.
    Enterprise,
    /// A publicly distributed app: 110 requests in ten seconds for each account.
    OauthPublic,
}

/// How to talk to one account.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Version of the API.
    pub api_version: ApiVersion,
    /// The account's subscription.
    pub tier: Tier,
    /// Whether the account has the API limit increase.
    pub api_limit_increase: bool,
    /// Requests in any rolling ten seconds, instead of what the tier gives.
    pub window_requests: Option<u32>,
    /// Searches in any second.
    pub search_per_second: Option<u32>,
    /// Requests of a day, where this is less than what HubSpot tells.
    pub daily_requests: Option<u64>,
    /// The share of the day's requests that is left to others, between 0 and 1.
    pub daily_reserve: f64,
    /// How long a call may have nothing but trouble before it gives up.
    pub give_up_after: Duration,
    /// How long one exchange may take. HubSpot's edge answers with 524 after 100 seconds.
    pub request_timeout: Duration,
    /// Decides the jitter of retries.
    pub jitter_seed: u64,
    /// Whether this process is the only one that works on the account. If not, it has one call under way at a time and
    /// searches once a second.
    pub exclusive: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_version: ApiVersion::default(),
            tier: Tier::Auto,
            api_limit_increase: false,
            window_requests: None,
            search_per_second: None,
            daily_requests: None,
            daily_reserve: 0.10,
            give_up_after: Duration::from_secs(600),
            request_timeout: Duration::from_secs(110),
            jitter_seed: 0,
            exclusive: true,
        }
    }
}

impl Settings {
    /// The window to begin with.
    pub(crate) fn first_window(&self) -> Share {
        Share::per_ten_seconds(self.window_requests.unwrap_or(match (self.tier, self.api_limit_increase) {
            (Tier::OauthPublic, _) => 110,
            (Tier::Professional | Tier::Enterprise, true) => 250,
            (Tier::Professional | Tier::Enterprise, false) => 190,
            (Tier::Auto | Tier::Free | Tier::Starter, _) => 100,
        }))
    }

    /// The window that follows from the limit an answer told: never more than was configured, never more than told.
    pub(crate) fn window_for(&self, told: u32) -> u32 {
        match (self.window_requests, self.tier) {
            (Some(configured), _) => configured.min(told),
            (None, Tier::Auto) => told,
            (None, _) => self.first_window().requests.min(told),
        }
    }

    pub(crate) fn search(&self) -> Share {
        Share::evenly_per_second(if self.exclusive { self.search_per_second.unwrap_or(5) } else { 1 })
    }

    /// The associations API has a window of its own: 100, 150 or 200 in ten seconds, by the same tiers as `window`.
    pub(crate) fn associations_for(window: u32) -> Share {
        Share::per_ten_seconds(match window {
            0..190 => 100,
            190..250 => 150,
            _ => 200,
        })
    }

    pub(crate) fn first_associations(&self) -> Share {
        match (self.tier, self.api_limit_increase) {
            (Tier::Professional | Tier::Enterprise, true) => Share::per_ten_seconds(200),
            (Tier::Professional | Tier::Enterprise, false) => Share::per_ten_seconds(150),
            _ => Share::per_ten_seconds(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiVersion, Settings, Tier};

    #[test]
    fn dated_versions_and_v3_have_their_own_paths() {
        let dated = ApiVersion::V2026_09;
        assert_eq!(dated.objects("contacts", "/search"), "/crm/objects/2026-09/contacts/search");
        assert_eq!(dated.associations("0-1", "0-2", "/labels"), "/crm/associations/2026-09/0-1/0-2/labels");
        assert_eq!(dated.owners(), "/crm/owners/2026-09");
        assert_eq!(ApiVersion::V3.objects("contacts", ""), "/crm/v3/objects/contacts");
        assert_eq!(ApiVersion::V3.associations("0-1", "0-2", "/labels"), "/crm/v4/associations/0-1/0-2/labels");
        assert_eq!(ApiVersion::V3.schemas(), "/crm-object-schemas/v3/schemas");
        assert_eq!("2026-03".parse(), Ok(ApiVersion::V2026_03));
        assert!("2024-01".parse::<ApiVersion>().is_err());
    }

    #[test]
    fn what_hubspot_tells_never_raises_what_a_person_configured() {
        let auto = Settings::default();
        assert_eq!((auto.window_for(190), auto.window_for(250)), (190, 250));
        let configured = Settings { window_requests: Some(120), ..Settings::default() };
        assert_eq!((configured.window_for(190), configured.window_for(100)), (120, 100));
        let starter = Settings { tier: Tier::Starter, ..Settings::default() };
        assert_eq!((starter.window_for(190), starter.window_for(60)), (100, 60));
    }
}
