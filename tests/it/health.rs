//! How the cache says it is.

use tower_swr_cache::{BreakerMode, CacheHandle, Health, HealthStatus, RouteHealth, SwrConfig};

use crate::support::{Cache, Origin, Reply, Start, origin_says, request, rest, route, secs};

fn route_health(cache: &Cache) -> RouteHealth {
    let mut health = cache.handle.cache_health();
    assert_eq!(health.routes.len(), 1);
    health.routes.remove(0)
}

fn status(cache: &Cache) -> HealthStatus {
    let (all, each) = (cache.handle.health().status, cache.handle.cache_health().status);
    assert_eq!(all, each);
    all
}

#[tokio::test(start_paused = true)]
async fn totals_are_of_all_routes() {
    let handle = CacheHandle::builder().build().unwrap();
    let named = |name: &str| SwrConfig::builder(name).soft_ttl(secs(10)).hard_ttl(secs(30)).soft_jitter(0.0);
    let one = Cache::on(&handle, named("one").build().unwrap(), &Origin::counting());
    let two = Cache::on(&handle, named("two").build().unwrap(), &Origin::counting());
    let start = Start::now();
    one.get("/").await; // miss
    two.get("/").await; // miss
    two.get("/").await; // hit
    two.get("/").await; // hit
    two.origin.now(|_| Reply::status(503));
    start.at(11.0).await;
    one.get("/").await; // stale, refreshed
    two.get("/").await; // stale, not refreshed
    rest().await;
    let Health { status, tiered_cache: cache, .. } = handle.health();
    assert_eq!(status, HealthStatus::Ok, "one failure is no pattern");
    assert_eq!([cache.hits, cache.misses, cache.stale_serves], [2, 2, 2]);
    assert_eq!([cache.refresh_successes, cache.refresh_failures], [1, 1]);
    assert_eq!(cache.hit_ratio_5m, Some(4.0 / 6.0));
    assert_eq!((cache.entries, cache.breakers.len()), (2, 2));
    assert_eq!(
        (cache.bytes, cache.capacity_bytes),
        (handle.stats().stored_bytes, handle.stats().capacity_bytes)
    );
    start.at(400.0).await;
    assert_eq!(handle.health().tiered_cache.hit_ratio_5m, None, "an empty window");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_is_not_closed_is_degraded() {
    let cache = Cache::new(route(10, 30).breaker(5, secs(30)), &Origin::counting());
    assert_eq!(status(&cache), HealthStatus::Ok);
    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    assert_eq!(status(&cache), HealthStatus::Degraded);
    cache.handle.set_breaker("route", BreakerMode::Auto);
    assert_eq!(status(&cache), HealthStatus::Ok);
    cache.origin.now(|_| Reply::status(503));
    for n in 0..5 {
        cache.get(&format!("/{n}")).await;
    }
    assert_eq!(status(&cache), HealthStatus::Degraded);
    let breaker = route_health(&cache).breaker.unwrap();
    assert!(breaker.remaining.is_some_and(|left| secs(27) <= left && left <= secs(33)), "{breaker:?}");
}

#[tokio::test(start_paused = true)]
async fn refreshes_that_fail_for_longer_than_the_hard_ttl_are_degraded() {
    let cache = Cache::new(route(10, 30), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    cache.origin.now(|_| Reply::status(503));
    for second in 10..70 {
        start.at(f64::from(second)).await;
        cache.get("/").await;
        rest().await;
        // When it is tried again is a little random, between pauses of some fifteen seconds.
        assert!(second > 38 || status(&cache) == HealthStatus::Ok, "at {second}");
    }
    assert_eq!(status(&cache), HealthStatus::Degraded);
    assert!(route_health(&cache).failing.is_some_and(|long| long > secs(30)));

    cache.origin.now(|_| Reply::ok("new"));
    assert_eq!(status(&cache), HealthStatus::Degraded);
    cache.get("/other").await;
    assert_eq!((status(&cache), route_health(&cache).failing), (HealthStatus::Ok, None));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_nobody_tried_to_repair_does_not_grow_old() {
    let cache = Cache::new(route(10, 30), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    cache.origin.now(|_| Reply::status(503));
    start.at(11.0).await;
    cache.get("/").await;
    start.at(10_000.0).await;
    assert_eq!(status(&cache), HealthStatus::Ok);
}

#[tokio::test(start_paused = true)]
async fn the_runway_is_how_long_what_is_stored_can_be_served() {
    let cache = Cache::new(route(10, 100), &Origin::counting());
    let runway = || route_health(&cache).stale_runway;
    let start = Start::now();
    assert_eq!(runway(), None);
    cache.get("/").await;
    assert_eq!(runway(), Some(secs(150)));
    start.at(60.0).await;
    assert_eq!(runway(), Some(secs(90)));
    cache.get("/").await;
    rest().await;
    assert_eq!(runway(), Some(secs(150)), "it was refreshed, and what it replaced is gone");
    start.at(500.0).await;
    assert_eq!(runway(), Some(secs(0)));
    cache.handle.purge_all();
    assert_eq!(runway(), None);
}

#[tokio::test(start_paused = true)]
async fn the_runway_reaches_as_far_as_an_operator_says() {
    let cache = Cache::new(route(10, 100), &Origin::counting());
    let runway = || route_health(&cache).stale_runway;
    cache.get("/").await;
    cache.handle.serve_stale_for("route", secs(7200));
    assert_eq!(runway(), Some(secs(7200)));
    cache.handle.serve_stale_for("route", secs(20));
    assert_eq!(runway(), Some(secs(150)), "a word takes nothing away");
    cache.handle.serve_stale_for("route", secs(0));
    assert_eq!(runway(), Some(secs(150)));

    let strict =
        Cache::new(origin_says(), &Origin::new(|_| Reply::ok("").control("max-age=10, must-revalidate")));
    strict.get("/").await;
    strict.handle.serve_stale_for("route", secs(7200));
    assert_eq!(route_health(&strict).stale_runway, Some(secs(10)), "it may never be stale");
}

#[tokio::test(start_paused = true)]
async fn the_runway_is_the_median_of_the_newest() {
    let cache = Cache::new(
        origin_says(),
        &Origin::new(|call| {
            Reply::ok("").control(&format!("max-age={}", call.path().trim_start_matches('/')))
        }),
    );
    for age in 1..=64 {
        cache.get(&format!("/{age}")).await;
    }
    assert_eq!(route_health(&cache).stale_runway, Some(secs(33)));
    for age in 1000..1033 {
        cache.get(&format!("/{age}")).await;
    }
    assert_eq!(route_health(&cache).stale_runway, Some(secs(1001)), "the oldest do not count");
}

#[tokio::test(start_paused = true)]
async fn each_route_tells_its_ttls_and_whether_anybody_listens() {
    let handle = CacheHandle::builder().build().unwrap();
    let told = Cache::on(&handle, route(10, 30).build().unwrap(), &Origin::counting());
    let asks = SwrConfig::builder("asks").build().unwrap();
    let _asks = Cache::on(&handle, asks, &Origin::counting());
    told.send(request("/")).await;
    let health = handle.cache_health();
    assert!(!health.recorder_installed && !health.draining);
    let ttls: Vec<_> = health.routes.iter().map(|route| (route.soft_ttl, route.hard_ttl)).collect();
    assert_eq!(ttls, [(Some(secs(10)), Some(secs(30))), (None, None)]);
    assert_eq!(health.routes[0].breaker, None);
    assert_eq!(health.routes[1].breaker.as_ref().map(|breaker| &*breaker.name), Some("asks"));
    assert_eq!(health.store, handle.stats());
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || assert!(handle.cache_health().recorder_installed));
    handle.set_draining(true);
    assert!(handle.is_draining() && handle.cache_health().draining);
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn it_is_json_with_seconds_as_numbers_and_nothing_as_null() {
    use serde_json::json;

    let cache = Cache::new(route(10, 30).breaker(1, secs(30)), &Origin::counting());
    let expected = json!({
        "status": "ok",
        "tiered_cache": {
            "hits": 0, "misses": 0, "stale_serves": 0, "refresh_successes": 0, "refresh_failures": 0,
            "hit_ratio_5m": null, "entries": 0, "bytes": 0,
            "capacity_bytes": cache.handle.stats().capacity_bytes,
            "breakers": [
                {"name": "route", "state": "closed", "mode": "auto", "failures": 0, "remaining_seconds": null},
            ],
        },
    });
    assert_eq!(serde_json::to_value(cache.handle.health()).unwrap(), expected);

    cache.get("/").await;
    cache.get("/").await;
    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    let health = serde_json::to_value(cache.handle.cache_health()).unwrap();
    assert_eq!(health["status"], "degraded");
    let route = &health["routes"][0];
    for (field, expected) in [
        ("route", json!("route")),
        ("hits", json!(1)),
        ("misses", json!(1)),
        ("hit_ratio_5m", json!(0.5)),
        ("fresh_ratio_5m", json!(0.5)),
        ("soft_ttl_seconds", json!(10.0)),
        ("hard_ttl_seconds", json!(30.0)),
        ("stale_runway_seconds", json!(45.0)),
        ("failing_seconds", json!(null)),
        ("refresh_seconds", json!(null)),
    ] {
        assert_eq!(route.get(field), Some(&expected), "{field} of {route:#}");
    }
    assert!(route["from_cache_seconds"]["p99"].is_f64(), "{route:#}");
    assert_eq!((&route["breaker"]["state"], &route["breaker"]["mode"]), (&json!("open"), &json!("open")));
    assert_eq!(health["store"]["keys"], 1);
}
