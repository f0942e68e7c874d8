//! What the cache counts, for whoever listens and for its own stats.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, Request};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::Service;
use tower_swr_cache::{BreakerMode, CacheHandle, HISTOGRAM_BOUNDS, Outcome, Purge};

use crate::support::{Cache, Origin, Reply, ReqBody, Start, busy, request, rest, route, secs};

/// A recorder for this thread, for as long as the guard lives.
fn listen() -> (metrics::LocalRecorderGuard<'static>, Snapshotter) {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    let snapshotter = recorder.snapshotter();
    (metrics::set_default_local_recorder(recorder), snapshotter)
}

/// Every series there is: its name with its labels, and its value; of a histogram, how many values it has.
fn series(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let key = key.key();
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        (format!("{}{{{}}}", key.name().trim_start_matches("swr_cache_"), labels.join(",")), value)
    })
    .collect()
}

/// One request for each outcome, on one route.
async fn every_outcome(cache: &Cache) {
    let start = Start::now();
    cache.get("/").await; // miss
    cache.get("/").await; // hit
    start.at(10.0).await;
    cache.get("/").await; // stale, with a refresh behind it
    rest().await;
    cache.origin.now(|call| match call.path() {
        "/confirmed" if call.header("if-none-match").is_some() => Reply::status(304),
        "/confirmed" => Reply::ok("b").header("etag", "\"b\""),
        "/private" => Reply::ok("c").control("private"),
        _ => Reply::status(503),
    });
    start.at(41.0).await;
    cache.get("/").await; // stale_error: this one's fetch failed
    cache.get("/").await; // stale_error: that of another had
    cache.get("/confirmed").await; // miss
    start.at(100.0).await;
    cache.get("/confirmed").await; // revalidated
    cache.get("/private").await; // uncacheable
    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    cache.get("/refused").await; // rejected
    let post = Request::builder().method(Method::POST).uri("http://example.com/").body(ReqBody::default());
    cache.service.clone().call(post.unwrap()).await.unwrap(); // bypass
    cache.handle.purge(Purge::all());
}

fn counted() -> Cache {
    Cache::new(route(10, 30).breaker(5, secs(30)), &Origin::counting())
}

#[tokio::test(start_paused = true)]
async fn every_metric_says_what_happened() {
    let (_guard, snapshotter) = listen();
    let cache = counted();
    every_outcome(&cache).await;
    cache.handle.serve_stale_for("route", secs(100));
    tokio::time::sleep(secs(6)).await; // what depends on the time is published every five seconds
    let all = series(&snapshotter);
    for (name, expected) in [
        ("route_mode{route=route,mode=on}", 1.0),
        ("route_mode{route=route,mode=observe}", 0.0),
        ("serve_stale_seconds{route=route}", 95.0),
        ("requests_total{route=route,outcome=hit}", 1.0),
        ("requests_total{route=route,outcome=stale}", 1.0),
        ("requests_total{route=route,outcome=miss}", 2.0),
        ("requests_total{route=route,outcome=revalidated}", 1.0),
        ("requests_total{route=route,outcome=stale_error}", 2.0),
        ("requests_total{route=route,outcome=uncacheable}", 1.0),
        ("requests_total{route=route,outcome=rejected}", 1.0),
        ("requests_total{route=route,outcome=bypass}", 1.0),
        ("request_duration_seconds{route=route,served=cache}", 3.0),
        ("request_duration_seconds{route=route,served=upstream}", 7.0),
        ("upstream_requests_total{route=route,kind=fill,result=success}", 3.0),
        ("upstream_requests_total{route=route,kind=fill,result=failure}", 1.0),
        ("upstream_requests_total{route=route,kind=fill,result=not_modified}", 1.0),
        ("upstream_requests_total{route=route,kind=refresh,result=success}", 1.0),
        ("upstream_requests_total{route=route,kind=bypass,result=failure}", 1.0),
        ("upstream_request_duration_seconds{route=route,kind=fill}", 5.0),
        ("upstream_request_duration_seconds{route=route,kind=refresh}", 1.0),
        ("upstream_request_duration_seconds{route=route,kind=bypass}", 1.0),
        ("refreshes_total{route=route,result=success}", 1.0),
        ("refreshes_total{route=route,result=failure}", 0.0),
        ("refreshes_total{route=route,result=shed}", 0.0),
        ("uncacheable_total{route=route,reason=private}", 1.0),
        ("uncacheable_total{route=route,reason=failure}", 1.0),
        ("bypassed_total{route=route,reason=method}", 1.0),
        ("collapsed_total{route=route}", 0.0),
        ("extensions_total{route=route}", 1.0),
        ("served_age_seconds{route=route}", 5.0),
        ("response_bytes_total{route=route,source=cache}", 5.0),
        ("breaker_state{breaker=route,state=open}", 1.0),
        ("breaker_state{breaker=route,state=closed}", 0.0),
        ("breaker_state{breaker=route,state=half_open}", 0.0),
        ("breaker_transitions_total{breaker=route,to=open}", 1.0),
        ("evictions_total{cache=cache,reason=capacity}", 0.0),
        ("purged_entries_total{cache=cache,scope=all}", 2.0),
        ("purge_duration_seconds{cache=cache,scope=all}", 1.0),
        ("entries{cache=cache}", 1.0), // the mark of what cannot be shared
        ("stored_bytes{cache=cache}", cache.handle.stats().stored_bytes as f64),
        ("capacity_bytes{cache=cache}", cache.handle.stats().capacity_bytes as f64),
        ("inflight_fetches{cache=cache}", 0.0),
        ("inflight_bytes{cache=cache}", 0.0),
        ("hit_ratio{route=route}", 4.0 / 9.0),
        ("fresh_ratio{route=route}", 1.0 / 9.0),
        ("ttl_seconds{route=route,limit=soft}", 10.0),
        ("ttl_seconds{route=route,limit=hard}", 30.0),
    ] {
        assert_eq!(all.get(name), Some(&expected), "{name}\n{all:#?}");
    }
    assert!(all.keys().any(|name| name.starts_with("build_info{version=")));
}

#[tokio::test(start_paused = true)]
async fn a_busy_route_has_fewer_than_130_series() {
    let buckets = HISTOGRAM_BOUNDS.iter().fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
        builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds).unwrap()
    });
    let recorder = buckets.build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let cache = CacheHandle::builder().build().unwrap();
    busy::use_route(&cache, "busy").await;
    cache.publish_metrics();
    let text = recorder.handle().render();
    let series = || text.lines().filter(|line| line.contains("=\"busy\""));
    let happened = |metric: &str| {
        let counted = series().filter(|line| line.starts_with(metric) && !line.ends_with(" 0"));
        counted.filter_map(|line| line.split('"').nth_back(1)).collect::<BTreeSet<_>>()
    };
    for (metric, words) in [
        ("swr_cache_requests_total", "bypass hit miss rejected revalidated stale stale_error uncacheable"),
        (
            "swr_cache_upstream_requests_total{route=\"busy\",kind=\"fill\"",
            "failure not_modified success timed_out",
        ),
        (
            "swr_cache_upstream_requests_total{route=\"busy\",kind=\"refresh\"",
            "failure not_modified success timed_out",
        ),
        ("swr_cache_upstream_requests_total{route=\"busy\",kind=\"bypass\"", "failure success"),
        ("swr_cache_uncacheable_total", "failure no_store private set_cookie status throttled"),
        ("swr_cache_bypassed_total", "head method observe"),
        ("swr_cache_observed_total", "different same"),
        ("swr_cache_breaker_transitions_total", "closed half_open open"),
        ("swr_cache_request_duration_seconds_count", "cache upstream"),
        ("swr_cache_served_age_seconds_count", "busy"),
    ] {
        assert_eq!(happened(metric).into_iter().collect::<Vec<_>>().join(" "), words, "{metric}\n{text}");
    }
    let all = series().count();
    assert!(all < 130, "{all}\n{text}");
}

#[tokio::test(start_paused = true)]
async fn the_runway_is_what_is_left_until_nothing_may_be_served() {
    let (_guard, snapshotter) = listen();
    let cache = counted();
    let runway = || series(&snapshotter)["stale_runway_seconds{route=route}"];
    cache.handle.publish_metrics();
    assert!(runway().is_nan(), "nothing is stored");
    cache.get("/").await;
    tokio::time::sleep(secs(6)).await;
    cache.handle.publish_metrics();
    assert_eq!(runway(), 45.0 - 6.0, "one and a half times the hard TTL, less the age");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_comes_late_hears_from_then_on() {
    let cache = counted();
    cache.get("/").await;
    cache.get("/").await;
    let (_guard, snapshotter) = listen();
    cache.get("/").await;
    cache.get("/other").await;
    let all = series(&snapshotter);
    assert_eq!(all.get("requests_total{route=route,outcome=hit}"), Some(&1.0), "{all:#?}");
    assert_eq!(all.get("requests_total{route=route,outcome=miss}"), Some(&1.0), "{all:#?}");
    assert_eq!(all.get("requests_total{route=route,outcome=stale}"), Some(&0.0), "counters start at 0");
}

#[tokio::test(start_paused = true)]
async fn everything_is_described_to_the_recorder() {
    let (_guard, snapshotter) = listen();
    let cache = counted();
    every_outcome(&cache).await;
    tokio::time::sleep(secs(6)).await;
    for (key, unit, help, _) in snapshotter.snapshot().into_vec() {
        assert!(unit.is_some() && help.is_some(), "{key:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stats_say_the_same_without_a_recorder() {
    let cache = counted();
    every_outcome(&cache).await;
    let stats = &cache.handle.route_stats()[0];
    let counts = [stats.hits, stats.stale_serves, stats.misses, stats.revalidated, stats.stale_error_serves];
    assert_eq!(counts, [1, 1, 2, 1, 2]);
    assert_eq!([stats.uncacheable, stats.rejected, stats.bypassed], [1, 1, 1]);
    assert_eq!([stats.refresh_successes, stats.refresh_failures, stats.extensions], [1, 0, 1]);
    assert_eq!(stats.upstream_calls, 7);
    assert_eq!((stats.recent.hit, stats.recent.fresh), (Some(4.0 / 9.0), Some(1.0 / 9.0)));
    assert!(stats.from_cache.is_some() && stats.from_upstream.is_some() && stats.fills.is_some());
    tokio::time::sleep(secs(301)).await;
    assert_eq!(cache.handle.route_stats()[0].recent.hit, None, "five minutes later they are over");
    assert_eq!(Outcome::ALL.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_one_call_are_counted_as_collapsed() {
    let cache = Cache::new(route(10, 30), &Origin::new(|_| Reply::ok("a").after(secs(1))));
    let readers: Vec<_> = (0..10).map(|_| cache.spawn("/")).collect();
    futures_util::future::join_all(readers).await;
    let stats = &cache.handle.route_stats()[0];
    assert_eq!((stats.misses, stats.collapsed, stats.upstream_calls), (10, 9, 1));
    let quantiles = stats.from_upstream.unwrap();
    assert!((1000..1300).contains(&quantiles.p50.as_millis()), "{quantiles:?}");
}

#[tokio::test(start_paused = true)]
async fn the_publisher_ends_with_the_cache() {
    let (_guard, _snapshotter) = listen();
    let cache = Cache::on(
        &CacheHandle::builder().build().unwrap(),
        route(10, 30).build().unwrap(),
        &Origin::counting(),
    );
    cache.send(request("/")).await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert_eq!(alive(), 1);
    drop(cache);
    tokio::time::sleep(secs(6)).await;
    assert_eq!(alive(), 0);
}

#[test]
fn what_depends_on_the_time_is_published_by_the_next_runtime_when_one_has_ended() {
    let (_guard, snapshotter) = listen();
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let cache = runtime().block_on(async { counted() });
    for entries in 1..=3 {
        runtime().block_on(async {
            cache.get(&format!("/{entries}")).await;
            tokio::time::sleep(secs(6)).await;
        });
        let all = series(&snapshotter);
        assert_eq!(all.get("entries{cache=cache}"), Some(&f64::from(entries)), "{all:#?}");
    }
}
