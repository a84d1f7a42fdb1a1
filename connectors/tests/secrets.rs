//! The token leaves in the `Authorization` header and nowhere else.

use crate::script::{Scene, Step, TOKEN, answer, response, scene, steps, with_header};
use connectors::TransportError;
use connectors::hubspot::Settings;
use std::fmt::Debug;
use sync_core::{Remote, RemoteError};

#[track_caller]
fn clean(what: &impl Debug) {
    let shown = format!("{what:?} {what:#?}");
    assert!(!shown.contains(TOKEN) && !shown.contains("canary"), "{shown}");
}

#[track_caller]
fn clean_error(error: &RemoteError) {
    clean(error);
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn s2_nothing_that_can_be_printed_holds_the_token() {
    let scene = steps([answer(200, crate::script::ACCOUNT)]);
    scene.hubspot.account().await.unwrap();
    clean(&scene.hubspot);
    let request = scene.fake.requests().remove(0);
    assert!(request.headers.iter().any(|(_, value)| value.contains(TOKEN)), "it is sent, of course");
    clean(&request);
    assert!(!request.path.contains(TOKEN) && request.body.is_none());
}

#[tokio::test(start_paused = true)]
async fn s2_an_answer_that_repeats_the_token_does_not_bring_it_into_an_error() {
    let echo = format!(r#"{{"message":"bad header Bearer {TOKEN}","category":"{TOKEN}","correlationId":"{TOKEN}"}}"#);
    for status in [302, 400, 401, 403, 404, 409, 423, 429, 477, 500, 503] {
        let body = echo.clone();
        let scene = scene(Settings::default(), move |_| {
            Step::Answer(with_header(response(status, &body), "Retry-After", "100000"))
        });
        clean_error(&scene.hubspot.association_labels("contacts", "deals").await.unwrap_err());
    }
    let long = format!("{}{TOKEN}", "x".repeat(290));
    let scene = steps([answer(400, &long)]);
    let error = scene.hubspot.association_labels("contacts", "deals").await.unwrap_err();
    assert!(!error.message.contains("pat-na1"), "not even the part of it before the text is cut off: {error}");
}

#[tokio::test(start_paused = true)]
async fn s2_a_library_that_repeats_the_token_does_not_bring_it_into_an_error() {
    let scene = scene(Settings::default(), |_| {
        Step::Fail(TransportError::NotSent(format!("invalid header value: Bearer {TOKEN}")))
    });
    clean_error(&scene.hubspot.account().await.unwrap_err());
    let scene = scene_of_unreadable();
    clean_error(&scene.hubspot.account().await.unwrap_err());
}

fn scene_of_unreadable() -> Scene {
    scene(Settings::default(), |_| Step::Answer(with_header(response(200, "{"), "X-HubSpot-Correlation-Id", TOKEN)))
}
