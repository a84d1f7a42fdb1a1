//! A client that asks one thing at a time, on a clock of its own.

use serde_json::Value as Json;
use simulator::{DataSize, Delivery, Lag, Millis, Portal, Request, Response, Settings, Switches, Tier};

pub(crate) struct Client {
    pub(crate) portal: Portal,
    pub(crate) now: Millis,
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Self {
        let now = settings.start;
        Self { portal: Portal::new(settings), now }
    }

    /// An empty portal without limits or lag, in which nothing moves by itself.
    pub(crate) fn quiet() -> Self {
        Self::new(quiet())
    }

    pub(crate) fn wait(&mut self, ms: Millis) {
        self.now += ms;
    }

    pub(crate) fn send(&mut self, request: &Request) -> Response {
        match self.portal.exchange(self.now, request).delivery {
            Delivery::Answer(response) => response,
            other => panic!("expected an answer, got {other:?}"),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> (u16, Json) {
        let request = Request::get(path, self.portal.token());
        parsed(&self.send(&request))
    }

    pub(crate) fn post(&mut self, path: &str, body: &Json) -> (u16, Json) {
        let request = Request::post(path, self.portal.token(), body.to_string());
        parsed(&self.send(&request))
    }

    pub(crate) fn call(&mut self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let request = Request { method: method.into(), ..Request::post(path, self.portal.token(), body.to_string()) };
        parsed(&self.send(&request))
    }

    pub(crate) fn patch(&mut self, path: &str, body: &Json) -> (u16, Json) {
        self.call("PATCH", path, body)
    }

    pub(crate) fn put(&mut self, path: &str, body: &Json) -> (u16, Json) {
        self.call("PUT", path, body)
    }

    pub(crate) fn delete(&mut self, path: &str) -> u16 {
        self.call("DELETE", path, &Json::Null).0
    }

    /// What a property holds, as the truth has it; empty where it was never set.
    pub(crate) fn held(&self, object: &str, id: u64, property: &str) -> String {
        self.portal.record(object, id).unwrap().text(property).unwrap_or_default()
    }

    pub(crate) fn search(&mut self, object: &str, body: &Json) -> Json {
        let (status, answer) = self.post(&format!("/crm/objects/2026-09/{object}/search"), body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) fn create(&mut self, object: &str, values: &[(&str, &str)]) -> u64 {
        self.portal.create(self.now, object, values).unwrap()
    }

    pub(crate) fn edit(&mut self, object: &str, id: u64, values: &[(&str, &str)]) {
        self.portal.edit(self.now, object, id, values).unwrap();
    }
}

pub(crate) fn quiet() -> Settings {
    Settings {
        tier: Tier::Unlimited,
        data: DataSize::none(),
        switches: Switches { lag: Lag::none(), post_create_bump: false, unstable_ties: false, ..Switches::default() },
        ..Settings::default()
    }
}

pub(crate) fn parsed(response: &Response) -> (u16, Json) {
    let body = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
    (response.status, body)
}

/// The ids of a page, in its order.
pub(crate) fn ids(page: &Json) -> Vec<u64> {
    page["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect()
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}
