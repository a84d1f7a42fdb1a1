//! How fast requests leave: never faster than allowed, and hardly slower.

use crate::script::{ACCOUNT, Scene, Step, answer, response, scene, with_header};
use connectors::hubspot::{Settings, Tier};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use sync_core::Remote;
use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The most of these that any closed interval of that length holds.
fn most(times: &[Instant], interval: Duration) -> usize {
    let mut window: VecDeque<Instant> = VecDeque::new();
    let mut most = 0;
    for at in times {
        while window.front().is_some_and(|first| at.duration_since(*first) > interval) {
            window.pop_front();
        }
        window.push_back(*at);
        most = most.max(window.len());
    }
    most
}

/// Keeps so many callers asking for the account until the time is up.
async fn press(scene: &Scene, callers: usize, span: Duration) {
    let end = Instant::now() + span;
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let hubspot = Arc::clone(&scene.hubspot);
            tokio::spawn(async move {
                while Instant::now() < end {
                    hubspot.account().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Answers after a time that differs from request to request.
fn late(number: &mut u64) -> Duration {
    *number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    Duration::from_millis(20 + (*number >> 33) % 400)
}

/// An hour of pressing: no ten seconds of it see more than the window, and hardly any see less.
async fn an_hour_at(window: u32, least_use: f64) {
    let mut seed = u64::from(window);
    let settings = Settings { window_requests: Some(window), ..Settings::default() };
    let scene = scene(settings, move |_| Step::Late(late(&mut seed), response(200, ACCOUNT)));
    press(&scene, 16, HOUR).await;
    let sent = scene.fake.instants(|_| true);
    let most = most(&sent, TEN_SECONDS);
    assert!(most <= window as usize, "{most} in ten seconds of {window}");
    let used = sent.len() as f64 / 360.0 / f64::from(window);
    assert!(used >= least_use, "only {used} of {window} was used");
}

#[tokio::test(start_paused = true)]
async fn the_window_of_a_free_account_is_kept_and_used() {
    an_hour_at(100, 0.95).await;
}

#[tokio::test(start_paused = true)]
async fn the_window_of_a_professional_account_is_kept_and_used() {
    an_hour_at(190, 0.97).await;
}

#[tokio::test(start_paused = true)]
async fn the_window_of_a_raised_limit_is_kept_and_used() {
    an_hour_at(250, 0.98).await;
}

#[tokio::test(start_paused = true)]
async fn no_second_sees_more_than_five_searches() {
    let scene = scene(Settings::default(), |_| answer(200, r#"{"total":0,"results":[]}"#));
    let end = Instant::now() + Duration::from_secs(300);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let hubspot = Arc::clone(&scene.hubspot);
            tokio::spawn(async move {
                while Instant::now() < end {
                    hubspot.count("contacts").await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let sent = scene.fake.instants(|_| true);
    assert!(most(&sent, Duration::from_secs(1)) <= 5);
    assert!(sent.len() > 300 * 4, "{} searches in five minutes", sent.len());
    assert_eq!(scene.hubspot.usage().search, sent.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn association_batches_have_a_window_of_their_own() {
    for (tier, limit) in [(Tier::Auto, 100), (Tier::Starter, 100), (Tier::Professional, 150)] {
        let settings = Settings { tier, ..Settings::default() };
        let scene = scene(settings, |_| answer(200, r#"{"results":[]}"#));
        let end = Instant::now() + Duration::from_secs(120);
        while Instant::now() < end {
            scene.hubspot.associations("contacts", "deals", &["1".into()]).await.unwrap();
        }
        let sent = scene.fake.instants(|_| true);
        let most = most(&sent, TEN_SECONDS);
        assert!(most <= limit && most * 100 >= limit * 94, "{tier:?}: {most} of {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_careful_beginning_learns_the_limit_from_the_first_answer() {
    let scene = scene(Settings::default(), |_| Step::Answer(told(190, 150)));
    press(&scene, 8, Duration::from_secs(300)).await;
    let sent = scene.fake.instants(|_| true);
    assert!(most(&sent, TEN_SECONDS) <= 190);
    assert!(sent.len() > 30 * 180, "{} in five minutes", sent.len());

    let settings = Settings { tier: Tier::Starter, ..Settings::default() };
    let configured = self::scene(settings, |_| Step::Answer(told(190, 150)));
    press(&configured, 8, Duration::from_secs(60)).await;
    assert!(most(&configured.fake.instants(|_| true), TEN_SECONDS) <= 100, "what a person configured stays");
}

fn told(max: u32, remaining: u32) -> connectors::http::Response {
    let told = with_header(response(200, ACCOUNT), "X-HubSpot-RateLimit-Max", &max.to_string());
    let told = with_header(told, "X-HubSpot-RateLimit-Interval-Milliseconds", "10000");
    with_header(told, "X-HubSpot-RateLimit-Remaining", &remaining.to_string())
}

/// A portal that counts every app's requests in one rolling window of 190.
#[derive(Default)]
struct Portal(VecDeque<Instant>);

impl Portal {
    /// Takes one request, and says how many are left; `None` when it is one too many.
    fn take(&mut self) -> Option<u32> {
        let now = Instant::now();
        while self.0.front().is_some_and(|at| now.duration_since(*at) >= TEN_SECONDS) {
            self.0.pop_front();
        }
        if self.0.len() >= 190 {
            return None;
        }
        self.0.push_back(now);
        Some(190 - u32::try_from(self.0.len()).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn when_others_use_the_window_we_slow_down_and_recover() {
    let portal = Arc::new(Mutex::new(Portal::default()));
    let ours = Arc::clone(&portal);
    let refused = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&refused);
    let scene = scene(Settings::default(), move |_| match ours.lock().unwrap().take() {
        Some(left) => Step::Answer(told(190, left)),
        None => {
            counter.fetch_add(1, Ordering::Relaxed);
            crate::script::throttled("TEN_SECONDLY_ROLLING")
        }
    });
    let begun = Instant::now();
    // Between the second and the fourth minute, another program sends nine requests a second.
    let other = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(120)).await;
        while begun.elapsed() < Duration::from_secs(240) {
            portal.lock().unwrap().take();
            tokio::time::sleep(Duration::from_millis(111)).await;
        }
    });
    press(&scene, 8, Duration::from_secs(360)).await;
    other.await.unwrap();
    let sent = scene.fake.instants(|_| true);
    let between = |from: u64, to: u64| {
        let (from, to) = (begun + Duration::from_secs(from), begun + Duration::from_secs(to));
        sent.iter().filter(|at| (from..to).contains(at)).count()
    };
    let (alone, beside, after) = (between(60, 120), between(180, 240), between(300, 360));
    println!("a minute alone {alone}, beside another {beside}, after it {after}; refused {refused:?}");
    assert!(alone > 6 * 180 && after > 6 * 180, "{alone} and {after}");
    assert!((6 * 70..6 * 110).contains(&beside), "{beside}");
    let refused = refused.load(Ordering::Relaxed);
    assert!(refused * 20 < sent.len(), "{refused} of {} were refused", sent.len());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_alone_has_one_call_under_way_and_searches_once_a_second() {
    let settings = Settings { exclusive: false, ..Settings::default() };
    let under_way = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&under_way);
    let scene = scene(settings, move |request| {
        // Answers take 300 ms; nobody else may have been sent within that time.
        counter.fetch_add(1, Ordering::Relaxed);
        let body = if request.path.contains("/search") { r#"{"total":0,"results":[]}"# } else { ACCOUNT };
        Step::Late(Duration::from_millis(300), response(200, body))
    });
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let hubspot = Arc::clone(&scene.hubspot);
            tokio::spawn(async move {
                match number % 2 {
                    0 => hubspot.count("contacts").await.map(|_| ()),
                    _ => hubspot.account().await.map(|_| ()),
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let sent = scene.fake.instants(|_| true);
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(300)));
    let searches = scene.fake.instants(|request| request.path.contains("/search"));
    assert!(searches.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)));
    assert_eq!(under_way.load(Ordering::Relaxed), 20);
}
