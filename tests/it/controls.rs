//! What an operator sets while a route runs: its mode, and for how long it serves stale whatever the limits say.

use http::{Method, Request};
use tower::Service;
use tower_swr_cache::{EventKind, Mode};

use crate::support::{
    Answer, Cache, Call, Gate, Origin, Reply, ReqBody, Start, Step, origin_says, request, rest, route, secs,
    wall,
};

fn cache(mode: Mode) -> Cache {
    let cache = Cache::new(route(10, 30), &Origin::counting());
    cache.handle.set_mode("route", mode);
    cache
}

/// How many answers were the same as what would have been served, and how many were not.
fn observed(cache: &Cache) -> (u64, u64) {
    let stats = &cache.handle.route_stats()[0];
    (stats.observed_same, stats.observed_different)
}

async fn send(cache: &Cache, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(format!("http://example.com{path}"));
    let call = cache.service.clone().call(request.body(ReqBody::default()).unwrap());
    Answer::read(call.await.unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn in_bypass_nothing_is_served_or_stored_and_what_is_stored_stays() {
    let cache = Cache::new(route(10, 30).store_post(), &Origin::counting());
    cache.get("/").await;
    assert!(cache.handle.set_mode("route", Mode::Bypass));
    let bypassed = cache.get("/").await;
    assert_eq!((bypassed.text(), &*bypassed.said), ("2", "fwd=bypass; detail=mode"));
    cache.get("/new").await;
    let post = |call: &Call| {
        Reply::ok(call.n.to_string()).control("max-age=60").header("content-location", call.path())
    };
    cache.origin.now(post);
    send(&cache, Method::POST, "/posted").await;
    cache.origin.now(|_| Reply::ok("").header("content-length", "99"));
    cache.send(request("/").method(Method::HEAD).header("if-match", "*")).await;
    assert!(cache.handle.set_mode("route", Mode::On));
    let hit = cache.get("/").await;
    assert_eq!((hit.text(), &*hit.said), ("1", "hit"));
    assert_eq!(cache.handle.stats().keys, 1);
    // Unsafe methods invalidate in any mode.
    cache.handle.set_mode("route", Mode::Bypass);
    send(&cache, Method::DELETE, "/").await;
    assert_eq!(cache.handle.stats().keys, 0);
    assert!(!cache.handle.set_mode("no such route", Mode::Bypass));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_under_way_goes_on_when_the_mode_changes() {
    let cache = cache(Mode::On);
    let gate = Gate::new();
    cache.origin.now({
        let gate = gate.clone();
        move |_| Reply::ok("late").gated(&gate)
    });
    let reader = cache.spawn("/");
    rest().await;
    cache.handle.set_mode("route", Mode::Bypass);
    gate.open();
    assert_eq!(reader.await.unwrap().text(), "late");
    cache.handle.set_mode("route", Mode::On);
    assert_eq!(cache.get("/").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_observed_everybody_gets_the_answer_of_their_own_call() {
    let cache = cache(Mode::Observe);
    let start = Start::now();
    let first = cache.get("/").await;
    assert_eq!((first.text(), &*first.said), ("1", "fwd=bypass; stored; detail=observe"));
    let second = cache.get("/").await;
    assert_eq!((second.text(), &*second.said), ("2", "fwd=bypass; detail=observe"));
    assert_eq!(observed(&cache), (0, 1));
    assert!(second.header("age").is_none(), "it is the origin's");

    // Nobody waits for another one's call.
    let gate = Gate::new();
    cache.origin.now({
        let gate = gate.clone();
        move |call| Reply::ok(call.n.to_string()).gated(&gate)
    });
    let readers: Vec<_> = (0..3).map(|_| cache.spawn("/cold")).collect();
    rest().await;
    assert_eq!(cache.origin.running(), 3);
    gate.open();
    let mut bodies = Vec::new();
    for reader in readers {
        bodies.push(reader.await.unwrap().text().to_owned());
    }
    bodies.sort();
    assert_eq!(bodies, ["3", "4", "5"]);

    // What is stale is refreshed as ever, beside the call.
    cache.origin.now(|call| Reply::ok(call.n.to_string()));
    start.at(10.0).await;
    cache.get("/").await;
    rest().await;
    assert_eq!(cache.origin.calls(), 7);
    cache.handle.set_mode("route", Mode::On);
    let hit = cache.get("/").await;
    assert_eq!((&*hit.said, cache.origin.calls()), ("hit", 7));
    let stats = &cache.handle.route_stats()[0];
    assert_eq!((stats.bypassed, stats.hits, stats.misses), (6, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_or_a_refusal_is_passed_on_while_it_is_observed() {
    let cache = Cache::new(route(10, 30).breaker(1, secs(30)), &Origin::counting());
    cache.get("/").await;
    cache.handle.set_mode("route", Mode::Observe);
    cache.handle.set_breaker("route", tower_swr_cache::BreakerMode::ForcedOpen);
    cache.origin.now(|_| Reply::status(503));
    for path in ["/", "/new"] {
        let failed = cache.get(path).await;
        assert_eq!((failed.text(), failed.failure()), ("503", None), "{path}");
    }
    cache.origin.now(|_| Reply::none(Step::Error));
    cache.call(request("/")).await.unwrap_err();
    assert_eq!(observed(&cache), (0, 0), "trouble says nothing of the key");
}

#[tokio::test(start_paused = true)]
async fn what_would_have_been_served_is_compared_with_what_comes() {
    let page = || Reply::ok("one two").header("content-type", "text/plain").header("date", "now");
    let steps = |texts: &[&'static str], then: Option<Step>| {
        Reply::steps(texts.iter().map(|text| Step::data(*text)).chain(then))
            .header("content-type", "text/plain")
    };
    let plain = || request("/");
    for (what, reply, request, expected) in [
        ("the same", page(), plain(), (1, 0)),
        ("in pieces", steps(&["o", "", "ne tw", "o"], None), plain(), (1, 0)),
        (
            "with what changes anyway",
            page().header("set-cookie", "a=b").header("etag", "\"x\""),
            plain(),
            (1, 0),
        ),
        ("another body", page().body("one twO"), plain(), (0, 1)),
        ("more of it", page().body("one two three"), plain(), (0, 1)),
        ("less of it", page().body("one"), plain(), (0, 1)),
        ("less of it in pieces", steps(&["one", " tw"], None), plain(), (0, 1)),
        ("another status", page().code(404), plain(), (0, 1)),
        ("another type", Reply::ok("one two").header("content-type", "text/html"), plain(), (0, 1)),
        ("another language", page().header("content-language", "de"), plain(), (0, 1)),
        ("another coding", page().header("content-encoding", "gzip"), plain(), (0, 1)),
        ("a redirect", page().header("location", "/de"), plain(), (0, 1)),
        ("trouble", page().code(500), plain(), (0, 0)),
        ("want of patience", page().code(429), plain(), (0, 0)),
        ("cut short", steps(&["one"], Some(Step::Error)), plain(), (0, 0)),
        ("a part", page(), plain().header("range", "bytes=0-2"), (0, 0)),
        ("a condition", page(), plain().header("if-none-match", "\"a\""), (0, 0)),
        ("a head", page().body(""), plain().method(Method::HEAD), (1, 0)),
        ("another head", page().code(404).body(""), plain().method(Method::HEAD), (0, 1)),
    ] {
        let cache = Cache::new(route(10, 30), &Origin::new(move |_| page()));
        cache.get("/").await;
        cache.handle.set_mode("route", Mode::Observe);
        cache.origin.now(move |_| reply.clone());
        let answer = cache.send(request).await;
        assert_eq!(answer.said, "fwd=bypass; detail=observe", "{what}");
        assert_eq!(observed(&cache), expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_query_would_have_been_served_is_compared_and_refreshed_while_it_is_observed() {
    let page =
        |text: &'static str| move |_: &Call| Reply::ok(text).header("no-vary-search", "params=(\"a\")");
    for (came, expected) in [("one", (1, 0)), ("two", (0, 1))] {
        let cache = Cache::new(route(10, 30).no_vary_search(), &Origin::new(page("one")));
        let start = Start::now();
        cache.get("/?b=2").await;
        cache.handle.set_mode("route", Mode::Observe);
        cache.origin.now(page(came));
        let answer = cache.get("/?b=2&a=1").await;
        assert_eq!((answer.text(), &*answer.said), (came, "fwd=bypass; detail=observe"));
        assert_eq!(observed(&cache), expected, "{came}");
        start.at(10.0).await;
        cache.get("/?b=2&a=1").await;
        rest().await;
        assert_eq!(cache.origin.calls(), 4, "one of them refreshed what is stored");
        assert_eq!(cache.handle.stats().keys, 1);
        cache.handle.set_mode("route", Mode::On);
        let hit = cache.get("/?a=2&b=2").await;
        assert_eq!((hit.text(), &*hit.said), (came, "hit"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_does_not_wait_for_a_reader_who_knows_that_the_body_is_over() {
    use http_body::Body;
    use http_body_util::BodyExt;
    let cache = cache(Mode::On);
    cache.origin.now(|_| Reply::ok("page"));
    cache.get("/").await;
    cache.handle.set_mode("route", Mode::Observe);
    let mut body = cache.open(request("/")).await.into_body();
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(observed(&cache), (1, 0));
    drop(body);
    drop(cache.open(request("/")).await);
    assert_eq!(observed(&cache), (1, 0), "who leaves has seen neither");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_stored_is_not_stored_while_it_is_observed() {
    let cache = cache(Mode::Observe);
    for (path, reply) in [
        ("/no-store", Reply::ok("").control("no-store")),
        ("/cookie", Reply::ok("").header("set-cookie", "a=b")),
        ("/missing", Reply::status(404)),
        ("/cut", Reply::ok("12345").cut(2, None)),
        ("/failed", Reply::status(500)),
    ] {
        cache.origin.now(move |_| reply.clone());
        cache.get(path).await;
        send(&cache, Method::HEAD, &format!("{path}?head")).await;
    }
    assert!(cache.handle.stats().keys <= 3, "marks that nobody waits at most");
    assert!(
        ["/no-store", "/cookie", "/missing", "/cut", "/failed"]
            .iter()
            .all(|path| cache.entry(path).is_none())
    );

    // Nor what a purge has passed on its way.
    let gate = Gate::new();
    cache.origin.now({
        let gate = gate.clone();
        move |_| Reply::ok("old").gated(&gate)
    });
    let reader = cache.spawn("/purged");
    rest().await;
    cache.handle.purge_all();
    gate.open();
    assert_eq!(reader.await.unwrap().text(), "old");
    assert!(cache.entry("/purged").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_mode_is_an_event_once_and_begins_as_it_is_configured() {
    let cache = Cache::new(origin_says().mode(Mode::Observe), &Origin::counting());
    let mode = |cache: &Cache| cache.handle.cache_health().routes[0].mode;
    assert_eq!(mode(&cache), Mode::Observe);
    assert!(cache.handle.events().is_empty());
    for _ in 0..2 {
        cache.handle.set_mode("route", Mode::Bypass);
        assert_eq!(mode(&cache), Mode::Bypass);
    }
    let events = cache.handle.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!((event.kind, event.detail.as_deref()), (EventKind::ModeChanged, Some("bypass")));
    assert_eq!(event.route.as_deref(), Some("route"));
}

#[tokio::test(start_paused = true)]
async fn in_an_emergency_what_is_stored_serves_stale_past_all_its_limits_for_that_time() {
    let cache = Cache::new(route(10, 30), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    cache.origin.now(|_| Reply::status(503));
    start.at(100.0).await;
    assert_eq!(cache.get("/").await.status, 503, "it is over");
    assert!(cache.handle.serve_stale_for("route", secs(3600)));
    let calls = cache.origin.calls();
    let stale = cache.get("/").await;
    assert_eq!((stale.text(), &*stale.said, stale.age()), ("1", "hit; detail=stale", 100));
    rest().await;
    assert_eq!(cache.origin.calls(), calls + 1, "it is refreshed as ever");
    for _ in 0..9 {
        assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    }
    rest().await;
    assert_eq!(cache.origin.calls(), calls + 1, "with a pause after a failure");
    start.at(3699.0).await;
    assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    start.at(3700.0).await;
    assert_eq!(cache.get("/").await.status, 503);

    cache.handle.serve_stale_for("route", secs(3600));
    assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    cache.handle.serve_stale_for("route", secs(0));
    assert_eq!(cache.get("/").await.status, 503);
    assert!(!cache.handle.serve_stale_for("no such route", secs(1)));

    cache.handle.serve_stale_for("route", secs(3600));
    cache.origin.now(|_| Reply::ok("back"));
    start.at(3800.0).await;
    cache.get("/").await;
    rest().await;
    let hit = cache.get("/").await;
    assert_eq!((hit.text(), &*hit.said), ("back", "hit"));
}

#[tokio::test(start_paused = true)]
async fn no_emergency_overrules_what_must_be_asked_about() {
    for (config, control, serves) in [
        (route(10, 30), "max-age=5", true),
        (route(10, 30), "s-maxage=5", true),
        (route(10, 30), "must-revalidate", false),
        (route(10, 30), "proxy-revalidate", false),
        (route(10, 30), "no-cache", false),
        (origin_says(), "max-age=5", true),
        (origin_says(), "max-age=5, must-revalidate", false),
        (origin_says(), "max-age=5, no-cache", false),
        (origin_says(), "s-maxage=5", false),
        (origin_says(), "s-maxage=5, stale-if-error=5", false),
    ] {
        let reply = Reply::ok("old").control(control).header("etag", "\"a\"");
        let cache = Cache::new(config, &Origin::new(move |_| reply.clone()));
        let start = Start::now();
        cache.get("/").await;
        assert_eq!(cache.entry("/").unwrap().serve_stale_allowed, serves, "{control}");
        cache.origin.now(|_| Reply::status(503));
        cache.handle.serve_stale_for("route", secs(3600));
        start.at(100.0).await;
        assert_eq!(cache.get("/").await.status, if serves { 200 } else { 503 }, "{control}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_emergency_is_seen_in_health_and_events() {
    let cache = cache(Mode::On);
    let until = |cache: &Cache| cache.handle.cache_health().routes[0].serve_stale_until;
    assert_eq!(until(&cache), None);
    cache.handle.serve_stale_for("route", secs(7200));
    assert_eq!(until(&cache), Some(wall() + secs(7200)));
    let event = cache.handle.events().remove(0);
    assert_eq!((event.kind, event.detail.as_deref()), (EventKind::ServeStaleChanged, Some("for 7200s")));
    tokio::time::sleep(secs(7200)).await;
    assert_eq!(until(&cache), None);
}

#[cfg(feature = "admin")]
#[tokio::test(start_paused = true)]
async fn an_operator_sets_a_route_through_the_admin_surface() {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;
    let cache = cache(Mode::On);
    let admin = cache.handle.admin().token("open-sesame").unwrap();
    let call = |path: &str, body: &str| {
        let call = Request::post(path).header("authorization", "Bearer open-sesame");
        let call =
            call.header("content-type", "application/json").body(ReqBody::from(body.to_owned())).unwrap();
        let answer = admin.clone().oneshot(call);
        async move {
            let (head, body) = answer.await.unwrap().into_parts();
            let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
            (head.status.as_u16(), body)
        }
    };
    let until = "2023-11-15T00:13:20Z";
    for (body, mode, stale) in [
        (r#"{"mode": "observe"}"#, "observe", Value::Null),
        (r#"{"serve_stale_until": "2h"}"#, "observe", until.into()),
        (r#"{"mode": "bypass"}"#, "bypass", until.into()),
        (r#"{"mode": "on", "serve_stale_until": "0s"}"#, "on", Value::Null),
    ] {
        let (status, route) = call("/routes/route", body).await;
        assert_eq!(status, 200, "{body}");
        let state = json!({"route": route["route"], "mode": mode, "serve_stale_until": stale});
        assert_eq!(
            state,
            json!({"route": "route", "mode": route["mode"], "serve_stale_until": route["serve_stale_until"]}),
            "{body}"
        );
    }
    let events = cache.handle.events().len();
    for (path, body, status) in [
        ("/routes/route", "{}", 400),
        ("/routes/route", r#"{"mode": "off"}"#, 400),
        ("/routes/route", r#"{"mode": "bypass", "serve_stale_until": "2"}"#, 400),
        ("/routes/route", r#"{"mode": "bypass", "serve_stale_until": 2}"#, 400),
        ("/routes/route", r#"{"mode": "bypass", "until": "2h"}"#, 400),
        ("/routes/another", r#"{"mode": "bypass", "serve_stale_until": "2h"}"#, 404),
    ] {
        assert_eq!(call(path, body).await.0, status, "{path} {body}");
    }
    assert_eq!(cache.handle.events().len(), events, "nothing was done by halves");
}
