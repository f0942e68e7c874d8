//! What is notable: in the journal, in the log, to the caller's functions; and purges for other instances.

use std::sync::{Arc, Mutex, mpsc};

use http::{Method, Request};
use tower::Service;
use tower_swr_cache::{BreakerMode, CacheHandle, CacheHandleBuilder, Event, EventKind, Purge};
use tracing::Level;

use crate::support::{Cache, Logs, Origin, Reply, ReqBody, Start, Step, rest, route, secs, wall};

fn handle(builder: CacheHandleBuilder) -> CacheHandle {
    builder.wall_clock(wall).build().unwrap()
}

fn on(handle: &CacheHandle) -> Cache {
    Cache::on(handle, route(10, 30).breaker(5, secs(30)).build().unwrap(), &Origin::counting())
}

/// The events, the oldest first, each as `event subject reason detail`, as far as there is something to say.
fn told(handle: &CacheHandle) -> Vec<String> {
    let line = |event: &Event| {
        let subject = event.route.clone().or(event.breaker.clone());
        let reason = event.reason.map(|reason| reason.to_string());
        let words = [Some(event.kind.to_string()), subject, reason, event.detail.clone()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    handle.events().iter().rev().map(line).collect()
}

async fn post(cache: &Cache, path: &str) {
    let request = Request::builder().method(Method::POST).uri(format!("http://example.com{path}"));
    cache.service.clone().call(request.body(ReqBody::default()).unwrap()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_notable_is_an_event_and_a_log_line_of_its_name() {
    let logs = Logs::collect();
    let handle = handle(CacheHandle::builder());
    let cache = on(&handle);
    let start = Start::now();
    cache.get("/").await;
    assert_eq!(told(&handle), [""; 0], "a miss is not");
    cache.origin.now(|_| Reply::status(503));
    start.at(10.0).await;
    assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    rest().await;
    for n in 0..4 {
        cache.get(&format!("/{n}")).await;
    }
    cache.origin.now(|_| Reply::none(Step::Panic));
    start.at(43.0).await;
    let panicked = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get("/panics").await }
    });
    assert!(panicked.await.is_err());
    cache.origin.now(|_| Reply::ok("up"));
    start.at(90.0).await;
    cache.get("/").await;
    handle.purge(Purge::tag("a secret").soft());
    handle.purge(Purge::route("route"));
    handle.set_breaker("route", BreakerMode::ForcedOpen);
    handle.set_breaker("no such breaker", BreakerMode::ForcedOpen);
    let expected = [
        "refresh_failed route failure",
        "extended route failure by 15s",
        "breaker_opened route failure",
        "breaker_half_open route",
        "breaker_opened route panic",
        "panicked route panic",
        "breaker_half_open route",
        "breaker_closed route",
        "purged soft tag: 0",
        "purged route: 1",
        "breaker_opened route",
        "mode_changed route open",
    ];
    assert_eq!(told(&handle), expected);
    assert_eq!(handle.cache_health().events, handle.events());
    let lines: Vec<_> = logs.with("event=").into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, event) in lines.iter().zip(expected) {
        let word = event.split(' ').next().unwrap();
        assert!(line.contains(&format!("event={word} ")), "{line}, for {event}");
        assert!(!line.contains("secret"), "{line}");
    }
    assert!(handle.events().iter().all(|event| event.at == wall()));
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_begins_and_ends_is_told_as_that() {
    let logs = Logs::collect();
    let handle = handle(CacheHandle::builder());
    let _cache = on(&handle);
    for seconds in [60, 0] {
        handle.serve_stale_for("route", secs(seconds));
    }
    let lines = logs.with("event=serve_stale_changed");
    for ((level, line), (expected, words)) in
        lines.iter().zip([(Level::WARN, "whatever their limits"), (Level::INFO, "to their limits again")])
    {
        assert!(*level == expected && line.contains(words), "{level} {line}");
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn an_event_is_json_with_every_field() {
    let handle = handle(CacheHandle::builder());
    let cache = on(&handle);
    cache.origin.now(|_| Reply::none(Step::Error));
    for n in 0..5 {
        cache.call(crate::support::request(&format!("/{n}?secret"))).await.unwrap_err();
    }
    let expected = serde_json::json!([{
        "at": "2023-11-14T22:13:20Z", "event": "breaker_opened", "route": null, "breaker": "route",
        "reason": "error", "suppressed": 0, "detail": null,
    }]);
    assert_eq!(serde_json::to_value(handle.events()).unwrap(), expected);
    assert_eq!(serde_json::to_value(handle.cache_health()).unwrap()["events"], expected);
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_one_event_and_a_number() {
    let handle = handle(CacheHandle::builder());
    let cache = on(&handle);
    let start = Start::now();
    for n in 0..100 {
        post(&cache, &format!("/{n}")).await;
    }
    handle.purge_all();
    start.at(10.0).await;
    post(&cache, "/").await;
    assert_eq!(
        told(&handle),
        ["purged url: 0", "purged key: 0", "purged all: 0", "purged url: 0", "purged key: 0"]
    );
    let suppressed: Vec<_> = handle.events().iter().map(|event| event.suppressed).collect();
    assert_eq!(suppressed, [99, 99, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn evictions_are_told_together() {
    let handle = handle(CacheHandle::builder().capacity_bytes(256 << 10).max_body_bytes(16 << 10));
    let cache = on(&handle);
    cache.origin.now(|_| Reply::ok(vec![b'x'; 8 << 10]));
    let start = Start::now();
    for n in 0..100 {
        cache.get(&format!("/{n}")).await;
    }
    assert_eq!(told(&handle), ["evicted keys: 1"]);
    start.at(10.0).await;
    cache.get("/another").await;
    let (stored, told) = (handle.stats().keys, told(&handle));
    assert_eq!(told[1..], [format!("evicted keys: {}", 101 - 1 - stored)]);
}

#[tokio::test(start_paused = true)]
async fn the_callers_function_is_told_of_each_event_and_may_panic() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let handle = handle(CacheHandle::builder().on_event(move |event| {
        list.lock().unwrap().push(event.clone());
        panic!("as it was told");
    }));
    let cache = on(&handle);
    cache.get("/").await;
    assert_eq!(handle.purge_all().entries, 1);
    cache.origin.now(|_| Reply::status(503));
    for n in 0..5 {
        assert_eq!(cache.get(&format!("/{n}")).await.status, 503);
    }
    let told = told.lock().unwrap();
    assert_eq!(
        told.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [EventKind::Purged, EventKind::BreakerOpened]
    );
    assert_eq!(*told, handle.events().into_iter().rev().collect::<Vec<_>>());
}

/// A cache that sends its purges, and what it has sent.
fn sender() -> (Cache, mpsc::Receiver<Purge>) {
    let (bus, purges) = mpsc::channel();
    let handle = handle(CacheHandle::builder().on_purge(move |purge: &Purge| {
        bus.send(purge.clone()).unwrap();
        panic!("as it was told");
    }));
    (on(&handle), purges)
}

#[tokio::test(start_paused = true)]
async fn a_purge_goes_round_all_instances_once() {
    let reply = || Reply::ok("odds").header("cache-tag", "nba").header("cache-groups", "\"games\"");
    let ((here, from_here), (there, from_there)) = (sender(), sender());
    for cache in [&here, &there] {
        cache.origin.now(move |_| reply());
    }
    let key = || "route|http|example.com|/".parse().unwrap();
    for purge in [
        Purge::tag("nba"),
        Purge::key(key()),
        Purge::url("http://example.com/").unwrap(),
        Purge::url("/").unwrap(),
        Purge::route("route"),
        Purge::all(),
        Purge::all().soft(),
    ] {
        here.get("/").await;
        there.get("/").await;
        here.handle.purge(purge.clone());
        let sent: Vec<_> = from_here.try_iter().collect();
        assert!(matches!(&sent[..], [one] if *one == purge), "{sent:?}");
        // As it is on a bus.
        #[cfg(feature = "serde")]
        let sent: Vec<Purge> = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!(there.get("/").await.said, "hit", "{purge:?}: not yet");
        assert_eq!(there.handle.apply_purge(&sent[0]).entries, 1, "{purge:?}");
        assert_ne!(there.get("/").await.said, "hit", "{purge:?}");
        assert_eq!(from_there.try_iter().count(), 0, "{purge:?}: no echo");
        rest().await;
    }

    // What an unsafe request invalidates is for the others, too: its URL, its key, and the groups of what was there.
    for cache in [&here, &there] {
        cache.handle.apply_purge(&Purge::all());
        cache.get("/").await;
        cache.get("/of-the-same-group").await;
    }
    post(&here, "/").await;
    for purge in from_here.try_iter() {
        #[cfg(feature = "serde")]
        let purge: Purge = serde_json::from_str(&serde_json::to_string(&purge).unwrap()).unwrap();
        there.handle.apply_purge(&purge);
    }
    assert_eq!([here.handle.stats().keys, there.handle.stats().keys], [0, 0]);
}

#[cfg(feature = "admin")]
#[tokio::test(start_paused = true)]
async fn a_purge_through_the_admin_surface_goes_round_and_one_that_only_counts_does_not() {
    use tower::ServiceExt;
    let (cache, sent) = sender();
    let admin = cache.handle.admin().token("open-sesame").unwrap();
    for body in [r#"{"tag": "nba", "dry_run": true}"#, r#"{"tag": "nba", "soft": true}"#] {
        let call = Request::post("/purge").header("authorization", "Bearer open-sesame");
        let call = call.header("content-type", "application/json").body(ReqBody::from(body)).unwrap();
        assert_eq!(admin.clone().oneshot(call).await.unwrap().status(), 200);
    }
    assert_eq!(sent.try_iter().collect::<Vec<_>>(), [Purge::tag("nba").soft()]);
}
