//! The breaker: what opens it, what it spares the upstream, and how it closes again.

use futures_util::future::join_all;
use http::{Method, Request, StatusCode};
use tower::Service;
use tower_swr_cache::{BreakerMode, BreakerState, CacheHandle, SwrConfig, SwrConfigBuilder};

use crate::support::{Cache, Gate, Logs, Origin, Reply, ReqBody, Start, Step, request, rest, route, secs};

/// A route of these TTLs whose breaker opens after five failures, for thirty seconds.
fn guarded(soft: u64, hard: u64) -> SwrConfigBuilder {
    route(soft, hard).breaker(5, secs(30))
}

fn down() -> Origin {
    Origin::new(|_| Reply::status(503))
}

fn state(cache: &Cache) -> BreakerState {
    let breakers = cache.handle.breakers();
    assert_eq!(breakers.len(), 1);
    breakers[0].state
}

/// Makes the origin fail for so many keys of their own.
async fn fail(cache: &Cache, keys: usize) {
    for n in 0..keys {
        cache.get(&format!("/failing/{n}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it_and_one_probe_closes_it() {
    let logs = Logs::collect();
    let cache = Cache::new(guarded(10, 20), &down());
    let start = Start::now();
    fail(&cache, 4).await;
    assert_eq!(state(&cache), BreakerState::Closed);
    fail(&cache, 5).await;
    assert_eq!(state(&cache), BreakerState::Open);
    assert_eq!(cache.origin.calls(), 9, "four keys failed twice within the second, and counted once");

    let refused = cache.get("/new").await;
    assert_eq!((refused.status, refused.failure()), (StatusCode::SERVICE_UNAVAILABLE, Some("breaker_open")));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((26..=33).contains(&wait), "{wait}");

    start.at(26.0).await;
    fail(&cache, 100).await;
    assert_eq!(cache.origin.calls(), 9);

    cache.origin.now(|_| Reply::ok("up"));
    start.at(34.0).await;
    assert_eq!(cache.get("/new").await.text(), "up");
    assert_eq!(state(&cache), BreakerState::Closed);
    let lines: Vec<String> = logs.with("breaker").into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn while_the_upstream_is_down_it_is_asked_once_a_cooldown_however_many_keys_are_asked_for() {
    let cache = Cache::new(guarded(10, 20), &down());
    let start = Start::now();
    for second in 0..300 {
        start.at(f64::from(second)).await;
        join_all((0..40).map(|n| {
            let (cache, path) = (cache.clone(), format!("/{second}/{n}"));
            async move { cache.get(&path).await }
        }))
        .await;
    }
    // Forty at once are on their way before the fifth failure is known.
    assert!((5..=40 + 300 / 27).contains(&cache.origin.calls()), "{}", cache.origin.calls());
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_serves_on_when_the_breaker_refuses_its_refresh() {
    let cache = Cache::new(guarded(10, 100), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    cache.origin.now(|_| Reply::status(503));
    start.at(90.0).await;
    fail(&cache, 5).await;
    assert_eq!(state(&cache), BreakerState::Open);
    let calls = cache.origin.calls();
    assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    rest().await;
    assert!(cache.entry("/").unwrap().extended, "refused is failed");
    start.at(110.0).await;
    assert_eq!(cache.get("/").await.said, "hit; detail=stale_error");
    assert_eq!(cache.origin.calls(), calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_get_one_probe() {
    let gate = Gate::new();
    let cache = Cache::new(route(10, 20).breaker(1, std::time::Duration::from_millis(1)), &down());
    cache.get("/").await;
    while cache.handle.breakers()[0].remaining.is_some_and(|left| !left.is_zero()) {
        tokio::task::yield_now().await;
    }
    cache.origin.now({
        let gate = gate.clone();
        move |_| Reply::ok("up").gated(&gate)
    });
    let calls = cache.origin.calls();
    let callers: Vec<_> = (0..1000).map(|n| cache.spawn(&format!("/{n}"))).collect();
    while callers.iter().filter(|caller| caller.is_finished()).count() < 999 {
        tokio::task::yield_now().await;
    }
    assert_eq!(cache.origin.calls(), calls + 1);
    assert_eq!(state(&cache), BreakerState::HalfOpen);
    gate.open();
    let served =
        join_all(callers).await.into_iter().filter(|answer| answer.as_ref().unwrap().text() == "up").count();
    assert_eq!((served, state(&cache)), (1, BreakerState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_in_any_way_opens_it_again_and_none_is_the_last() {
    let failures: [fn() -> Reply; 4] = [
        || Reply::status(500),
        || Reply::none(Step::Panic),
        || Reply::none(Step::Hang),
        || Reply::ok("cut").length(10).control("max-age=0"),
    ];
    for (n, failure) in failures.into_iter().enumerate() {
        let cache = Cache::new(guarded(10, 20).fetch_timeout(secs(5)), &down());
        let start = Start::now();
        fail(&cache, 5).await;
        cache.origin.now(move |_| failure());
        for round in 1..4_u32 {
            start.at(f64::from(round) * 40.0).await;
            let probe = cache.spawn(&format!("/probe/{round}"));
            rest().await;
            tokio::time::sleep(secs(6)).await;
            assert_ne!(state(&cache), BreakerState::HalfOpen, "{n}: the probe is over");
            probe.abort();
        }
        let calls = cache.origin.calls();
        assert_eq!(calls, 5 + 3, "{n}: each cool-down has its probe");
        cache.origin.now(|_| Reply::ok("up"));
        start.at(200.0).await;
        assert_eq!(cache.get("/").await.text(), "up", "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_of_the_upstream_does_not_count() {
    type Case = (&'static str, fn() -> Reply);
    let cases: [Case; 4] = [
        ("404", || Reply::status(404)),
        ("429", || Reply::status(429)),
        ("uncacheable", || Reply::ok("").control("no-store")),
        ("an error that says how long it may be kept", || Reply::status(503).control("max-age=9")),
    ];
    for (title, reply) in cases {
        let cache = Cache::new(guarded(10, 20), &Origin::new(move |_| reply()));
        fail(&cache, 20).await;
        assert_eq!((state(&cache), cache.origin.calls()), (BreakerState::Closed, 20), "{title}");
    }

    let cache = Cache::new(guarded(10, 20), &down());
    for _ in 0..20 {
        let post = Request::builder().method(Method::POST).uri("http://example.com/");
        cache.service.clone().call(post.body(ReqBody::default()).unwrap()).await.unwrap();
    }
    assert_eq!(state(&cache), BreakerState::Closed, "bypassed");
    for _ in 0..20 {
        cache.get("/the-same").await;
    }
    assert_eq!(state(&cache), BreakerState::Closed, "one key, within a second");

    let cache = Cache::new(guarded(10, 20), &Origin::new(|_| Reply::ok("late").after(secs(1))));
    for n in 0..20 {
        let client = cache.spawn(&format!("/{n}"));
        rest().await;
        client.abort();
    }
    tokio::time::sleep(secs(2)).await;
    assert_eq!(state(&cache), BreakerState::Closed, "clients that left");
}

#[tokio::test(start_paused = true)]
async fn routes_share_a_breaker_by_name_and_a_route_can_have_many() {
    let handle = CacheHandle::builder().build().unwrap();
    let named = |name: &str| {
        let config = SwrConfig::builder(name).soft_ttl(secs(9)).breaker(2, secs(30));
        config.breaker_name("payments").build().unwrap()
    };
    let (one, two) = (Cache::on(&handle, named("one"), &down()), Cache::on(&handle, named("two"), &down()));
    fail(&one, 2).await;
    assert_eq!(two.get("/").await.failure(), Some("breaker_open"));
    assert_eq!(two.origin.calls(), 0);

    let by_host = SwrConfig::builder("many").soft_ttl(secs(9)).breaker(2, secs(30));
    let by_host =
        by_host.breaker_by(|parts| parts.uri.host().unwrap_or_default().to_owned()).build().unwrap();
    let many = Cache::on(&handle, by_host, &down());
    for n in 0..4 {
        many.send(Request::get(format!("http://a.example/{n}"))).await;
    }
    many.send(Request::get("http://b.example/")).await;
    let states: Vec<_> = handle.breakers().into_iter().map(|info| (info.name, info.state)).collect();
    let expected = [
        ("a.example", BreakerState::Open),
        ("b.example", BreakerState::Closed),
        ("payments", BreakerState::Open),
    ];
    assert_eq!(states, expected.map(|(name, state)| (name.to_owned(), state)));
}

#[tokio::test(start_paused = true)]
async fn it_can_be_forced_either_way() {
    let cache = Cache::new(guarded(10, 20), &Origin::counting());
    assert!(!cache.handle.set_breaker("nobody", BreakerMode::ForcedOpen));
    assert!(cache.handle.set_breaker("route", BreakerMode::ForcedOpen));
    assert_eq!((cache.get("/").await.failure(), cache.origin.calls()), (Some("breaker_open"), 0));
    cache.handle.set_breaker("route", BreakerMode::ForcedClosed);
    cache.origin.now(|_| Reply::status(500));
    fail(&cache, 20).await;
    assert_eq!((state(&cache), cache.origin.calls()), (BreakerState::Closed, 20));
    cache.handle.set_breaker("route", BreakerMode::Auto);
    fail(&cache, 20).await;
    assert_eq!((state(&cache), cache.origin.calls()), (BreakerState::Open, 25));
    assert_eq!(cache.send(request("/")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}
