//! What is sent again, after how long, and what ends a call. Times are virtual.

use crate::script::{
    ACCOUNT, Step, answer, fine, names, not_sent, page, query, response, scene, steps, steps_with, throttled, unknown,
    with_header,
};
use connectors::http::{Method, Request};
use connectors::hubspot::Settings;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use sync_core::events::Event;
use sync_core::{Remote, RemoteErrorKind};
use tokio::time::Instant;

/// Seconds between the attempts.
fn gaps(times: &[f64]) -> Vec<f64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_read_that_never_left_or_may_have_arrived_is_sent_again_with_growing_gaps() {
    let scene = steps([
        not_sent(),
        unknown(),
        answer(500, ""),
        answer(502, "<html><h1>Bad Gateway</h1></html>"),
        answer(503, r#"{"status":"error"}"#),
        answer(524, ""),
        answer(408, ""),
        fine(),
    ]);
    assert_eq!(scene.hubspot.account().await.unwrap().portal_id, "62515");
    let gaps = gaps(&scene.fake.times());
    for (number, gap) in gaps.iter().enumerate() {
        let base = (0.5 * f64::powi(2.0, i32::try_from(number).unwrap())).min(30.0);
        assert!((base..2.0 * base + 0.1).contains(gap), "gap {number} was {gap}");
    }
    assert_eq!(scene.hubspot.usage().retries, 7);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_waits_the_same_and_another_does_not() {
    let mut seen = Vec::new();
    for jitter_seed in [7, 7, 8] {
        let scene = steps_with(Settings { jitter_seed, ..Settings::default() }, [unknown(), unknown(), fine()]);
        scene.hubspot.account().await.unwrap();
        seen.push(scene.fake.times());
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test(start_paused = true)]
async fn a_read_gives_up_when_its_time_is_up_and_not_before() {
    let scene = scene(Settings::default(), |_| answer(503, "maintenance"));
    let begun = Instant::now();
    let error = scene.hubspot.account().await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 600);
    assert_eq!((error.kind, error.status), (RemoteErrorKind::Unavailable, Some(503)));
    assert!(error.message.contains("10 minutes") && error.message.contains("maintenance"), "{error}");
    assert!(!error.remedy.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_never_answers_is_abandoned() {
    let scene = steps([Step::Hang, fine()]);
    let begun = Instant::now();
    scene.hubspot.account().await.unwrap();
    assert!((115..118).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_short_is_asked_for_again() {
    let scene = steps([answer(200, r#"{"portalId":62"#), answer(200, ""), fine()]);
    assert_eq!(scene.hubspot.account().await.unwrap().portal_id, "62515");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stays_unreadable_is_told_after_four_attempts() {
    let scene = scene(Settings::default(), |_| {
        let broken = response(200, r#"{"portalId":["secret value"]}"#);
        Step::Answer(with_header(broken, "X-HubSpot-Correlation-Id", "8a3f6c3a-0001"))
    });
    let error = scene.hubspot.account().await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
    assert_eq!(error.correlation_id.as_deref(), Some("8a3f6c3a-0001"));
    assert!(!error.message.contains("secret"), "{error}");
    assert_eq!(scene.fake.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_ten_second_limit_holds_everybody_who_pays_from_the_window_and_no_search() {
    let mut first = true;
    let scene = scene(Settings::default(), move |request| match request.path.contains("/search") {
        true => answer(200, r#"{"total":5,"results":[]}"#),
        false if std::mem::take(&mut first) => throttled("TEN_SECONDLY_ROLLING"),
        false => fine(),
    });
    let begun = Instant::now();
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        scene.hubspot.account().await.unwrap();
        begun.elapsed()
    };
    let search = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        scene.hubspot.count("contacts").await.unwrap();
        begun.elapsed()
    };
    let (hit, other, search) = tokio::join!(scene.hubspot.account(), other, search);
    hit.unwrap();
    assert!(other >= Duration::from_secs(10), "the other call waited {other:?}");
    assert!(search < Duration::from_secs(2), "the search waited {search:?}");
    assert_eq!(scene.hubspot.usage().throttled, 1);
    let events = scene.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
    let told =
        events.iter().any(|event| matches!(event, Event::Waiting { reason, .. } if reason == "the request limit"));
    assert!(told, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_second_is_waited_for_longer_each_time() {
    let secondly = || {
        let body = r#"{"status":"error","message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#;
        answer(429, body)
    };
    let scene = steps([secondly(), throttled("SECONDLY"), secondly(), answer(200, r#"{"total":7,"results":[]}"#)]);
    assert_eq!(scene.hubspot.count("contacts").await.unwrap(), 7);
    let gaps: Vec<u64> = gaps(&scene.fake.times()).iter().map(|gap| gap.round() as u64).collect();
    assert_eq!(gaps, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn p46_a_day_that_is_used_up_stops_everything_but_the_call_that_finds_out() {
    let scene = steps([throttled("DAILY"), throttled("DAILY"), fine(), answer(200, r#"{"results":[]}"#)]);
    let error = scene.hubspot.owners().await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::DailyLimit);
    assert!(error.remedy.contains("midnight"), "{error:?}");
    assert_eq!(scene.hubspot.pipelines("deals").await.unwrap_err().kind, RemoteErrorKind::DailyLimit);
    assert_eq!(scene.fake.asked().len(), 1, "nothing is asked that must fail");
    // The first call of every run is made all the same; when it succeeds, a new day has begun.
    assert_eq!(scene.hubspot.account().await.unwrap_err().kind, RemoteErrorKind::DailyLimit);
    scene.hubspot.account().await.unwrap();
    assert!(scene.hubspot.pipelines("deals").await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_reserve_of_the_day_is_left_to_others() {
    let told = |remaining: &str| {
        let told = with_header(response(200, ACCOUNT), "x-hubspot-ratelimit-daily", "250000");
        Step::Answer(with_header(told, "x-hubspot-ratelimit-daily-remaining", remaining))
    };
    let scene = steps([told("25000"), answer(200, r#"{"results":[]}"#), told("24999"), told("240000"), fine()]);
    scene.hubspot.account().await.unwrap();
    scene.hubspot.pipelines("deals").await.unwrap();
    scene.hubspot.account().await.unwrap();
    let error = scene.hubspot.pipelines("deals").await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::DailyLimit);
    assert!(error.message.contains("24999") && error.message.contains("250000"), "{error}");
    scene.hubspot.account().await.unwrap();
    assert_eq!(scene.hubspot.usage().daily_remaining, Some(240_000));
    assert_eq!(scene.hubspot.account().await.unwrap().portal_id, "62515");
}

#[tokio::test(start_paused = true)]
async fn a_smaller_day_of_our_own_counts_from_what_is_used() {
    let settings = Settings { daily_requests: Some(100_000), daily_reserve: 0.0, ..Settings::default() };
    let told = |remaining: &str| {
        let told = with_header(response(200, ACCOUNT), "X-HubSpot-RateLimit-Daily", "250000");
        Step::Answer(with_header(told, "X-HubSpot-RateLimit-Daily-Remaining", remaining))
    };
    let scene = steps_with(settings, [told("150001"), answer(200, r#"{"results":[]}"#), told("150000")]);
    scene.hubspot.account().await.unwrap();
    scene.hubspot.pipelines("deals").await.unwrap();
    scene.hubspot.account().await.unwrap();
    assert_eq!(scene.hubspot.pipelines("deals").await.unwrap_err().kind, RemoteErrorKind::DailyLimit);
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_waited_for_at_least_two_seconds() {
    let scene = steps([answer(423, "{}"), answer(423, ""), fine()]);
    scene.hubspot.account().await.unwrap();
    assert!(gaps(&scene.fake.times()).iter().all(|gap| (2.0..4.1).contains(gap)), "{:?}", scene.fake.times());
}

#[tokio::test(start_paused = true)]
async fn p46_a_move_between_data_centres_is_waited_for_if_it_is_short_and_reported_if_not() {
    let moving = |after: &str| Step::Answer(with_header(response(477, "{}"), "Retry-After", after));
    let scene = steps([moving("20"), fine()]);
    scene.hubspot.account().await.unwrap();
    assert_eq!(gaps(&scene.fake.times())[0].round() as u64, 20);

    let scene = steps([moving("7200"), answer(477, "")]);
    let error = scene.hubspot.account().await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::ComeBack(Duration::from_secs(7200)));
    assert!(error.remedy.contains("2 hours"), "{error:?}");
    let error = scene.hubspot.account().await.unwrap_err();
    assert!(matches!(error.kind, RemoteErrorKind::ComeBack(_)), "without a time: {error:?}");
    assert_eq!(scene.fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn p45_a_token_that_is_refused_is_tried_once_more() {
    let refused = || answer(401, r#"{"category":"INVALID_AUTHENTICATION","message":"not found."}"#);
    let scene = steps([refused(), fine(), refused(), refused()]);
    scene.hubspot.account().await.unwrap();
    let error = scene.hubspot.account().await.unwrap_err();
    assert_eq!((error.kind, error.status), (RemoteErrorKind::Authentication, Some(401)));
    assert!(error.message.contains("INVALID_AUTHENTICATION"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn p46_a_missing_scope_is_named_and_concerns_this_object_only() {
    let body = r#"{"status":"error","message":"This app hasn't been granted all required scopes to make this call.",
        "correlationId":"0f0f","errors":[{"message":"One or more of the following scopes are required.",
        "context":{"requiredGranularScopes":["crm.objects.deals.read","deals-read"]}}],
        "links":{"scopes":"https://evil.example"},"category":"MISSING_SCOPES"}"#;
    let scene = steps([answer(403, body), fine()]);
    let error = scene.hubspot.list("deals", false, None, &[]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::MissingScope);
    assert!(error.message.contains("crm.objects.deals.read, deals-read"), "{error}");
    assert!(error.message.contains("/deals") && !error.message.contains('?'), "{error}");
    scene.hubspot.account().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_repeating_cannot_change_is_not_repeated() {
    let cases = [
        (400, r#"{"message":"Unable to infer object type from: butterflies"}"#, RemoteErrorKind::Refused),
        (404, r#"{"message":"resource not found"}"#, RemoteErrorKind::NotFound),
        (403, "<html>blocked</html>", RemoteErrorKind::Refused),
        (403, r#"{"message":"no","category":"BANNED"}"#, RemoteErrorKind::MissingScope),
        (302, "", RemoteErrorKind::Refused),
        (413, "", RemoteErrorKind::Refused),
    ];
    for (status, body, kind) in cases {
        let scene = steps([Step::Answer(with_header(response(status, body), "Location", "https://evil.example/"))]);
        let error = scene.hubspot.association_labels("contacts", "deals").await.unwrap_err();
        assert_eq!((error.kind, error.status), (kind, Some(status)), "{error}");
        assert!(!error.message.contains("evil") && !error.remedy.is_empty(), "{error:?}");
        assert_eq!(scene.fake.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn p9_a_write_whose_outcome_is_unknown_is_never_sent_again() {
    for trouble in [unknown(), answer(502, ""), answer(500, "{}"), Step::Hang] {
        let scene = steps([trouble]);
        let body = Some(b"{}".to_vec());
        let error = scene.hubspot.api(Method::Post, "/crm/objects/2026-09/contacts", body).await.unwrap_err();
        assert_eq!(error.kind, RemoteErrorKind::OutcomeUnknown);
        assert!(error.message.contains("not known"), "{error}");
        assert_eq!(scene.fake.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_turned_away_is_sent_again() {
    let scene =
        steps([not_sent(), throttled("TEN_SECONDLY_ROLLING"), answer(423, ""), answer(401, ""), answer(201, "{}")]);
    let answered = scene.hubspot.api(Method::Patch, "/crm/objects/2026-09/contacts/1", Some(b"{}".to_vec())).await;
    assert_eq!(answered.unwrap().status, 201);
    assert_eq!(scene.fake.asked().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_raw_call_hands_a_refusal_over_as_it_is() {
    let scene = steps([answer(404, "no such thing")]);
    let answered = scene.hubspot.api(Method::Get, "/crm/objects/2026-09/contacts/1?archived=true", None).await.unwrap();
    assert_eq!((answered.status, answered.body.as_slice()), (404, b"no such thing".as_slice()));
    for path in ["crm", "//evil.example/x", "/crm/../x", "/crm/ x", "/crm/\n", ""] {
        let error = scene.hubspot.api(Method::Get, path, None).await.unwrap_err();
        assert_eq!(error.kind, RemoteErrorKind::Refused, "{path:?}");
    }
    assert_eq!(scene.fake.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_url_that_is_too_long_is_halved_once_and_for_all() {
    let limit = 2_000;
    let wanted: Vec<String> = crate::script::many_names(100, 40);
    let scene = scene(Settings::default(), move |request: &Request| match () {
        () if request.path.len() > limit => answer(414, "<html>URI Too Long</html>"),
        () if request.path.contains("/batch/read") => answer(200, &page([3, 1, 2], None)),
        () => answer(200, &page([1, 2, 3], query(&request.path, "after").is_none().then_some("4"))),
    });
    let page = scene.hubspot.list("deals", false, None, &wanted).await.unwrap();
    assert_eq!((page.records.len(), page.next.as_deref()), (3, Some("4")));
    let ids: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"], "in id order, whatever the batch's order");
    let first = scene.fake.asked();
    assert_eq!(first.len(), 3, "once too long, then ids, then a batch: {first:?}");
    assert_eq!(query(&first[1], "properties"), Some("hs_lastmodifieddate,hs_merged_object_ids"));
    scene.hubspot.list("deals", false, page.next.as_deref(), &wanted).await.unwrap();
    assert_eq!(scene.fake.asked().len(), 5, "what was learned is remembered");
    scene.hubspot.list("deals", false, None, &names(["dealname"])).await.unwrap();
    assert_eq!(scene.fake.asked().len(), 6, "a short list still goes into the URL");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_429_ends_with_everything_done() {
    let storming = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let counter = Arc::clone(&storming);
    let scene = scene(Settings::default(), move |_| {
        if begun.elapsed() < Duration::from_secs(120) {
            counter.fetch_add(1, Ordering::Relaxed);
            return throttled("TEN_SECONDLY_ROLLING");
        }
        fine()
    });
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let hubspot = Arc::clone(&scene.hubspot);
            tokio::spawn(async move { hubspot.account().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let took = begun.elapsed();
    assert!((120..140).contains(&took.as_secs()), "{took:?}");
    // A pause is shared: each lets only what was already under way run into the wall.
    let refused = storming.load(Ordering::Relaxed);
    assert!(refused <= 12 * 5, "{refused} requests were thrown at a closed door");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_never_lifts_ends_as_unavailable() {
    let scene = scene(Settings::default(), |_| throttled("TEN_SECONDLY_ROLLING"));
    let begun = Instant::now();
    let error = scene.hubspot.account().await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unavailable);
    assert!((600..615).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
