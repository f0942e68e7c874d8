//! What the cache says that it would do with a request, next to what it does.

use http::{HeaderName, Method, request};
use tower_swr_cache::{
    BreakerMode, CacheHandle, CacheOverride, KeyDecision, KeyWriter, Mode, Reason, RouteExplanation,
    RouteStats, SwrConfigBuilder,
};

use crate::support::{
    Cache, Call, Gate, Origin, Reply, Start, Step, origin_says, request, rest, route, secs, wall,
};

fn explain(cache: &Cache, request: request::Builder) -> RouteExplanation {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let mut routes = cache.handle.explain(&parts);
    assert_eq!(routes.len(), 1);
    routes.remove(0)
}

fn counts(stats: &RouteStats) -> [(&'static str, u64); 8] {
    [
        ("hit", stats.hits),
        ("stale", stats.stale_serves),
        ("stale_error", stats.stale_error_serves),
        ("miss", stats.misses),
        ("revalidated", stats.revalidated),
        ("uncacheable", stats.uncacheable),
        ("rejected", stats.rejected),
        ("bypass", stats.bypassed),
    ]
}

/// Explains a request, and then sends it: outcome and reason are as they should be, the outcome is what it gets, and what it
/// gets names that reason.
async fn check(cache: &Cache, request: impl Fn() -> request::Builder, expected: (&str, Option<&str>)) {
    let counted = || counts(&cache.handle.route_stats()[0]);
    let (before, calls) = (counted(), cache.origin.calls());
    let explained = explain(cache, request());
    let said = (explained.outcome.as_str(), explained.reason.map(|reason| reason.as_str()));
    assert_eq!(said, expected, "{explained:#?}");
    assert_eq!((counted(), cache.origin.calls()), (before, calls), "nothing is done by explaining");
    let answer = cache.send(request()).await;
    rest().await;
    let got: Vec<_> = counted().into_iter().zip(before).filter(|(now, then)| now != then).collect();
    assert!(matches!(got[..], [((outcome, _), _)] if outcome == expected.0), "{got:?} for {expected:?}");
    if let (true, Some(reason)) = (expected.0 != "stale_error", expected.1) {
        assert!(answer.said.ends_with(&format!("detail={reason}")), "{} for {expected:?}", answer.said);
    }
}

/// Confirms what is asked about, and does not let everything be stored.
fn odds(call: &Call) -> Reply {
    match call.path() {
        "/private" => Reply::ok("").control("private"),
        _ if call.header("if-none-match").is_some() => Reply::status(304),
        _ => Reply::ok("odds of today").header("etag", "\"a\"").header("cache-tag", "nba"),
    }
}

fn cache(config: SwrConfigBuilder) -> Cache {
    Cache::new(config, &Origin::new(odds))
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_what_is_explained() {
    let cache = cache(route(10, 30).breaker(5, secs(30)));
    let start = Start::now();
    let get = || request("/");
    check(&cache, || request("/cold").method(Method::HEAD), ("bypass", Some("head"))).await;
    check(&cache, || request("/cold").header("range", "bytes=0-1"), ("bypass", Some("range"))).await;
    check(&cache, get, ("miss", None)).await;
    check(&cache, get, ("hit", None)).await;
    check(&cache, || get().method(Method::HEAD), ("hit", None)).await;
    check(&cache, || get().header("range", "bytes=0-1"), ("hit", None)).await;
    check(&cache, || get().method(Method::OPTIONS), ("bypass", Some("method"))).await;
    check(&cache, || get().header("upgrade", "websocket"), ("bypass", Some("upgrade"))).await;
    check(&cache, || get().header("if-match", "*"), ("bypass", Some("precondition"))).await;
    check(&cache, || get().header("authorization", "me"), ("uncacheable", Some("authorization"))).await;
    check(&cache, || get().header("cookie", "a=b"), ("uncacheable", Some("cookie"))).await;
    cache.get("/private").await;
    check(&cache, || request("/private"), ("uncacheable", Some("private"))).await;
    start.at(10.0).await;
    check(&cache, get, ("stale", None)).await;
    start.at(100.0).await;
    check(&cache, get, ("revalidated", None)).await;

    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    start.at(135.0).await;
    check(&cache, || request("/new"), ("rejected", Some("breaker_open"))).await;
    check(&cache, get, ("stale_error", Some("breaker_open"))).await;
    check(&cache, get, ("stale_error", None)).await;
    start.at(160.0).await;
    check(&cache, get, ("rejected", Some("breaker_open"))).await;
    cache.handle.serve_stale_for("route", secs(60));
    check(&cache, get, ("stale", None)).await;

    for (mode, reason) in [(Mode::Observe, "observe"), (Mode::Bypass, "mode")] {
        cache.handle.set_mode("route", mode);
        check(&cache, get, ("bypass", Some(reason))).await;
        assert!(explain(&cache, get()).stored.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_what_is_explained_where_there_is_no_room_for_its_fetch() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| match call.path() {
        "/long" => Reply::steps([Step::data("a"), Step::Gate(held.clone())]),
        _ => odds(call),
    });
    let handle = CacheHandle::builder().max_concurrent_fetches(1).build().unwrap();
    let config = route(10, 30).fetch_timeout(secs(2)).breaker(5, secs(30));
    let cache = Cache::on(&handle, config.build().unwrap(), &origin);
    let start = Start::now();
    cache.get("/").await;
    start.at(31.0).await;
    let long = cache.spawn("/long");
    rest().await;
    for mode in [BreakerMode::Auto, BreakerMode::ForcedOpen] {
        handle.set_breaker("route", mode);
        check(&cache, || request("/new"), ("rejected", Some("overload"))).await;
        let waits = explain(&cache, request("/long"));
        assert_eq!((waits.outcome.as_str(), waits.reason), ("miss", None), "it is on its way");
        let alone = explain(&cache, request("/long").header("authorization", "me"));
        assert_eq!((alone.outcome.as_str(), alone.reason), ("rejected", Some(Reason::Overload)));
    }
    check(&cache, || request("/"), ("stale_error", Some("overload"))).await;
    check(&cache, || request("/"), ("stale_error", None)).await;
    handle.set_breaker("route", BreakerMode::Auto);
    gate.open();
    long.await.unwrap();
    check(&cache, || request("/new"), ("miss", None)).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_what_is_explained_where_its_own_words_count() {
    let heeding = cache(route(10, 30).client_directives());
    let start = Start::now();
    let says = |control: &'static str| move || request("/").header("cache-control", control);
    check(&heeding, says("only-if-cached"), ("rejected", Some("only_if_cached"))).await;
    check(&heeding, says("max-age=5"), ("miss", None)).await;
    check(&heeding, says("max-age=5"), ("hit", None)).await;
    check(&heeding, says("no-cache"), ("revalidated", None)).await;
    let unkept = || request("/new").header("cache-control", "no-store");
    check(&heeding, unkept, ("uncacheable", Some("request_no_store"))).await;
    start.at(100.0).await;
    check(&heeding, says("no-store"), ("revalidated", None)).await;

    let parts = cache(origin_says().store_parts());
    let part = || request("/").header("range", "bytes=0-1");
    parts
        .origin
        .now(|_| Reply::ok("odds of today").header("etag", "\"a\"").control("max-age=9").first_bytes(2));
    check(&parts, part, ("miss", None)).await;
    check(&parts, part, ("hit", None)).await;

    let refusing = cache(route(10, 30).key(|_: &request::Parts, _: &mut KeyWriter| KeyDecision::Bypass));
    check(&refusing, || request("/"), ("bypass", Some("extractor"))).await;
    refusing.handle.set_mode("route", Mode::Bypass);
    check(&refusing, || request("/"), ("bypass", Some("mode"))).await;
    assert_eq!(explain(&refusing, request("/")).key, None);
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_what_is_explained_where_another_query_answers_it() {
    let cache = cache(route(10, 30).no_vary_search().breaker(5, secs(30)));
    cache.origin.now(|call| odds(call).header("no-vary-search", "params=(\"a\")"));
    let start = Start::now();
    let (own, same, other) = (|| request("/odds?b=2"), || request("/odds?b=2&a=1"), || request("/odds?b=3"));
    check(&cache, own, ("miss", None)).await;
    let stored = "route|http|example.com|/odds?b=2";
    for (second, outcome) in [(0.0, "hit"), (10.0, "stale")] {
        start.at(second).await;
        let explained = explain(&cache, same());
        assert_eq!(explained.key.as_deref(), Some("route|http|example.com|/odds?b=2&a=1"));
        assert_eq!((explained.variants, explained.equivalent), (0, true));
        assert_eq!(explained.stored.map(|stored| stored.key).as_deref(), Some(stored));
        check(&cache, same, (outcome, None)).await;
    }
    let explained = explain(&cache, own());
    assert_eq!(
        (explained.equivalent, explained.stored.map(|stored| stored.key).as_deref()),
        (false, Some(stored))
    );
    check(&cache, other, ("miss", None)).await;

    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    start.at(45.0).await;
    let explained = explain(&cache, same());
    assert_eq!((explained.equivalent, explained.stored.unwrap().key.as_str()), (true, stored));
    check(&cache, same, ("stale_error", Some("breaker_open"))).await;
    check(&cache, same, ("stale_error", None)).await;
    cache.handle.set_mode("route", Mode::Bypass);
    let explained = explain(&cache, same());
    assert_eq!((explained.outcome.as_str(), explained.equivalent), ("bypass", true));
}

#[tokio::test(start_paused = true)]
async fn who_said_how_long_it_is_fresh_is_told() {
    let s = secs;
    let fallback = || origin_says().fallback_ttl(s(10), s(20));
    let not_found = || route(10, 30).status_ttl(http::StatusCode::NOT_FOUND, s(5), s(5));
    let plain = || Reply::ok("").header("etag", "\"a\"");
    let dated = || plain().header("date", "Tue, 14 Nov 2023 22:13:20 GMT");
    let surrogate = || HeaderName::from_static("surrogate-control");
    let fields = || [surrogate(), HeaderName::from_static("cdn-cache-control")];
    for (config, reply, source, fresh) in [
        (route(10, 30), plain().control("max-age=99, s-maxage=99"), "route", 10),
        (not_found(), plain().code(404), "status_ttl", 5),
        (fallback(), plain(), "fallback", 10),
        (fallback(), plain().control("max-age=7"), "max_age", 7),
        (origin_says(), plain().control("max-age=7, s-maxage=8"), "s_maxage", 8),
        (origin_says(), dated().header("expires", "Tue, 14 Nov 2023 22:13:29 GMT"), "expires", 9),
        (route(10, 30), plain().header("cdn-cache-control", "max-age=6"), "targeted: cdn-cache-control", 6),
        (
            route(10, 30).targeted_fields(fields()),
            plain().header("cdn-cache-control", "max-age=6").header("surrogate-control", "max-age=4"),
            "targeted: surrogate-control",
            4,
        ),
        (
            route(10, 30).targeted_fields(fields()),
            plain().header("cdn-cache-control", "max-age=6").header("surrogate-control", "content=\"ESI/1.0"),
            "targeted: cdn-cache-control",
            6,
        ),
        (
            route(10, 30).targeted_fields(fields()),
            plain().header("surrogate-control", "public").extension(CacheOverride::new().soft_ttl(s(3))),
            "override",
            3,
        ),
        (route(10, 30), plain().extension(CacheOverride::new().soft_ttl(s(3))), "override", 3),
        (
            origin_says().heuristic(),
            dated().header("last-modified", "Tue, 14 Nov 2023 22:11:40 GMT"),
            "heuristic",
            10,
        ),
        (origin_says(), plain(), "nobody", 0),
    ] {
        let cache = Cache::new(config, &Origin::new(move |_| reply.clone()));
        cache.get("/").await;
        let stored = explain(&cache, request("/")).stored.expect(source);
        let field = stored.source_field.map(|field| format!(": {field}")).unwrap_or_default();
        let said = format!("{}{field}", stored.source);
        assert_eq!((&*said, stored.soft_expires_at), (source, wall() + s(fresh)));
    }
}

#[tokio::test(start_paused = true)]
async fn why_nothing_is_stored_is_known_as_long_as_nobody_waits_because_of_it() {
    let cache = cache(route(10, 30));
    let start = Start::now();
    for (path, reply, reason) in [
        ("/a", Reply::ok("").control("no-store"), "no_store"),
        ("/b", Reply::ok("").header("set-cookie", "a=b"), "set_cookie"),
        ("/c", Reply::status(404), "status"),
        ("/d", Reply::ok(vec![0; 5 << 20]), "too_large"),
    ] {
        cache.origin.now(move |_| reply.clone());
        cache.get(path).await;
        let explained = explain(&cache, request(path));
        assert_eq!(
            (explained.not_stored.map(|reason| reason.as_str()), explained.uncollapsed),
            (Some(reason), true)
        );
    }
    cache.origin.now(|_| Reply::ok("").control("no-cache").header("etag", "\"a\""));
    cache.get("/e").await;
    let explained = explain(&cache, request("/e"));
    assert_eq!(
        (explained.not_stored, explained.uncollapsed),
        (None, true),
        "it is stored, and for each to ask about"
    );
    start.at(120.0).await;
    let explained = explain(&cache, request("/a"));
    assert_eq!((explained.not_stored, explained.uncollapsed), (None, false));
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn an_explanation_is_json() {
    let cache = cache(route(10, 30).breaker(5, secs(30)));
    cache.get("/odds").await;
    tokio::time::sleep(secs(4)).await;
    let explained = serde_json::to_value(explain(&cache, request("/odds"))).unwrap();
    let weight = cache.entry("/odds").unwrap().weight;
    let expected = serde_json::json!({
        "route": "route", "mode": "on", "outcome": "hit", "reason": null,
        "key": "route|http|example.com|/odds", "variants": 1, "equivalent": false,
        "stored": {
            "route": "route", "key": "route|http|example.com|/odds", "status": 200, "cached_at": "2023-11-14T22:13:20Z", "fresh_until": "2023-11-14T22:13:30Z",
            "stale_until": "2023-11-14T22:13:50Z", "error_until": "2023-11-14T22:14:05Z",
            "keep_until": "2023-11-14T22:24:05Z", "source": "route", "source_field": null, "stale_allowed": true, "serve_stale_allowed": true,
            "extended": false, "age_seconds": 4.0, "body_bytes": 13, "stored_bytes": weight, "hits": 0, "tags": ["nba"],
        },
        "not_stored": null, "uncollapsed": false,
        "breaker": {
            "name": "route", "state": "closed", "mode": "auto", "failures": 0, "remaining_seconds": null,
        },
    });
    assert_eq!(explained, expected);
}

#[cfg(feature = "admin")]
#[tokio::test(start_paused = true)]
async fn an_operator_who_knows_the_token_describes_a_request_by_a_query() {
    use http::Request;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use crate::support::ReqBody;

    let cache = cache(route(10, 30));
    cache.get("/odds?m=a%20b").await;
    let ask = |admin: tower_swr_cache::admin::Admin, method: &str, query: &str, token: bool| {
        let mut request = Request::builder().method(method).uri(format!("/explain{query}"));
        if token {
            request = request.header("authorization", "Bearer open-sesame");
        }
        let answer = admin.oneshot(request.body(ReqBody::default()).unwrap());
        async move {
            let (head, body) = answer.await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or(Value::Null))
        }
    };
    let admin = cache.handle.admin().token("open-sesame").unwrap();
    let url = "?url=http://example.com/odds?m=a%2520b";
    for (query, outcome, key) in [
        (url.to_owned(), "hit", "route|http|example.com|/odds?m=a%2520b"),
        (format!("{url}&route=route&method=HEAD"), "hit", "route|http|example.com|/odds?m=a%2520b"),
        (
            format!("{url}&header=X-Forwarded-Host:+evil"),
            "miss",
            "route|http|example.com|/odds?m=a%2520b|!x-forwarded-host=evil",
        ),
        ("?url=/odds&header=host:a&header=accept:*%2F*".to_owned(), "miss", "route||a|/odds"),
    ] {
        let (status, body) = ask(admin.clone(), "GET", &query, true).await;
        assert_eq!(status, 200, "{query}: {body}");
        let route = &body["routes"][0];
        assert_eq!((&route["outcome"], &route["key"]), (&outcome.into(), &key.into()), "{query}");
    }
    for (method, query, token, status) in [
        ("GET", url, false, 401),
        ("HEAD", url, false, 401),
        ("HEAD", url, true, 200),
        ("POST", url, true, 405),
        ("GET", "", true, 400),
        ("GET", "?method=GET", true, 400),
        ("GET", "?url=http://a%20b/", true, 400),
        ("GET", "?url=/&header=host", true, 400),
        ("GET", "?url=/&header=a%20b:c", true, 400),
        ("GET", "?url=/&method=G%20T", true, 400),
        ("GET", "?url=/%ff", true, 400),
        ("GET", "?url=/&token=open-sesame", true, 400),
        ("GET", "?url=/&route=another", true, 404),
    ] {
        assert_eq!(ask(admin.clone(), method, query, token).await.0, status, "{method} {query}");
    }
    assert_eq!(
        ask(cache.handle.admin(), "GET", url, true).await.0,
        404,
        "without a token there is no such page"
    );
}
