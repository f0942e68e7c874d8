//! What requests say of caching (RFC 9111 §5.2.1), on a route that goes by it.

use futures_util::future::join_all;
use http::request::Builder;
use tower_swr_cache::{SwrConfigBuilder, key};

use crate::support::{Answer, Cache, Call, Gate, Origin, Reply, Start, Step, request, rest, route, secs};

/// Fresh for 10 seconds, stale to 20, to 30 after a failure.
fn heeding() -> SwrConfigBuilder {
    route(10, 20).client_directives()
}

fn says(line: &str) -> Builder {
    request("/").header("cache-control", line)
}

fn told(answer: &Answer) -> (&str, &str) {
    (answer.text(), &answer.said)
}

/// The number of the call, and a validator.
fn tagged(call: &Call) -> Reply {
    match call.header("if-none-match") {
        Some(_) => Reply::status(304).header("etag", "\"1\""),
        None => Reply::ok(call.n.to_string()).header("etag", "\"1\""),
    }
}

#[tokio::test(start_paused = true)]
async fn what_requests_say_does_not_count_unless_the_route_says_so() {
    let cache = Cache::new(route(10, 20), &Origin::counting());
    let filled = cache.send(says("no-store, only-if-cached")).await;
    assert_eq!(told(&filled), ("1", "fwd=uri-miss; stored"));
    for line in ["no-cache", "no-store", "only-if-cached", "max-age=0", "min-fresh=99"] {
        assert_eq!(told(&cache.send(says(line)).await), ("1", "hit"), "{line}");
    }
    assert_eq!(cache.send(request("/").header("pragma", "no-cache")).await.said, "hit");
    Start::now().at(25.0).await;
    assert_eq!(cache.send(says("max-stale=99")).await.text(), "2");
}

#[tokio::test(start_paused = true)]
async fn a_request_can_have_what_is_stored_confirmed_first() {
    for (second, asks, hits) in [
        (3.0, &["no-cache", "max-age=0", "max-age=2", "min-fresh=8"][..], &["max-age=3", "min-fresh=7", ""]),
        (15.0, &["no-cache", "max-age=99", "min-fresh=1", "max-stale=4"], &["max-stale=5", "max-stale", ""]),
    ] {
        for line in asks {
            let cache = Cache::new(heeding(), &Origin::new(tagged));
            cache.get("/").await;
            Start::now().at(second).await;
            let fwd = if second < 10.0 { "request" } else { "stale" };
            let confirmed = format!("fwd={fwd}; fwd-status=304");
            assert_eq!(told(&cache.send(says(line)).await), ("1", &*confirmed), "{line} at {second}");
            assert_eq!(cache.origin.calls(), 2, "{line} at {second}");
            assert_eq!(cache.get("/").await.age(), 0, "{line} at {second}");
        }
        for line in *hits {
            let cache = Cache::new(heeding(), &Origin::new(tagged));
            cache.get("/").await;
            Start::now().at(second).await;
            assert!(cache.send(says(line)).await.said.starts_with("hit"), "{line} at {second}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_validator_the_request_has_a_new_response() {
    let cache = Cache::new(heeding(), &Origin::counting());
    cache.get("/").await;
    let pragma = request("/").header("pragma", "no-cache");
    assert_eq!(told(&cache.send(pragma).await), ("2", "fwd=request; stored"));
    assert_eq!(told(&cache.get("/").await), ("2", "hit"));
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_at_once_make_one_call() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| if call.n == 1 { tagged(call) } else { tagged(call).gated(&held) });
    let cache = Cache::new(heeding(), &origin);
    cache.get("/").await;
    let askers: Vec<_> = (0..10).map(|_| cache.spawn_send(says("no-cache"))).collect();
    rest().await;
    assert_eq!(cache.get("/").await.said, "hit", "others are not held up");
    gate.open();
    for (place, asker) in join_all(askers).await.into_iter().enumerate() {
        let collapsed = if place == 0 { "" } else { "; collapsed" };
        assert_eq!(told(&asker.unwrap()), ("1", &*format!("fwd=request; fwd-status=304{collapsed}")));
    }
    assert_eq!(cache.origin.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_was_there_before_the_request_is_a_stored_one_while_its_body_is_on_its_way() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| {
        let n = call.n.to_string();
        if call.n == 1 { Reply::steps([Step::Gate(held.clone()), Step::data(n)]) } else { Reply::ok(n) }
    });
    let cache = Cache::new(heeding(), &origin);
    let first = cache.spawn("/");
    rest().await;
    let (joins, asks) = (cache.spawn_send(says("max-age=5")), cache.spawn_send(says("no-cache")));
    rest().await;
    gate.open();
    assert_eq!(first.await.unwrap().text(), "1");
    assert_eq!(told(&joins.await.unwrap()), ("1", "fwd=uri-miss; stored; collapsed"));
    assert_eq!(told(&asks.await.unwrap()), ("2", "fwd=uri-miss; stored"));
}

#[tokio::test(start_paused = true)]
async fn max_stale_reaches_past_the_hard_limit_and_not_past_the_limit_for_failures() {
    let cache = Cache::new(heeding(), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    start.at(25.0).await;
    assert_eq!(told(&cache.send(says("max-stale=15")).await), ("1", "hit; detail=stale"));
    rest().await;
    assert_eq!(told(&cache.get("/").await), ("2", "hit"), "it was refreshed behind");
    start.at(55.0).await;
    assert_eq!(told(&cache.send(says("max-stale")).await), ("3", "fwd=stale; stored"));

    let strict = Origin::new(|call| Reply::ok(call.n.to_string()).control("must-revalidate"));
    let cache = Cache::new(heeding(), &strict);
    cache.get("/").await;
    Start::now().at(15.0).await;
    assert_eq!(cache.send(says("max-stale")).await.text(), "2");
}

#[tokio::test(start_paused = true)]
async fn what_a_request_does_not_want_does_not_stand_in_for_a_failure() {
    let cache = Cache::new(heeding(), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    cache.origin.now(|_| Reply::status(500));
    for (second, line) in
        [(5.0, "no-cache"), (5.0, "max-age=1"), (25.0, "min-fresh=1"), (25.0, "max-stale=1")]
    {
        start.at(second).await;
        let answer = cache.send(says(line)).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (500, "500"), "{line}");
        assert!(answer.said.ends_with("; detail=failure"), "{line}: {}", answer.said);
    }
    assert_eq!(cache.get("/").await.said, "hit; detail=stale_error");
}

#[tokio::test(start_paused = true)]
async fn no_store_keeps_a_response_from_the_store_and_from_others() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| Reply::ok(call.n.to_string()).gated(&held));
    let cache = Cache::new(heeding(), &origin);
    let two = [says("no-store"), says("no-store")].map(|request| cache.spawn_send(request));
    rest().await;
    assert_eq!(cache.origin.running(), 2);
    gate.open();
    for answer in join_all(two).await {
        assert_eq!(answer.unwrap().said, "fwd=uri-miss; detail=request_no_store");
    }
    assert_eq!(told(&cache.get("/").await), ("3", "fwd=uri-miss; stored"));
    assert_eq!(told(&cache.send(says("no-store")).await), ("3", "hit"));
    assert_eq!(
        told(&cache.send(says("no-store, no-cache")).await),
        ("4", "fwd=request; detail=request_no_store")
    );
    assert_eq!(told(&cache.get("/").await), ("3", "hit"));
}

#[tokio::test(start_paused = true)]
async fn who_wants_what_is_stored_or_nothing_makes_no_call() {
    let cache = Cache::new(heeding().key((key::Path, key::header("x"))), &Origin::counting());
    let start = Start::now();
    let nothing = cache.send(says("only-if-cached")).await;
    assert_eq!((nothing.status.as_u16(), nothing.failure()), (504, Some("only_if_cached")));
    assert_eq!(told(&nothing), ("only_if_cached", "detail=only_if_cached"));
    let head = cache.send(says("only-if-cached").method("HEAD")).await;
    assert_eq!((head.status.as_u16(), head.text()), (504, ""));
    assert_eq!(cache.origin.calls(), 0);

    cache.get("/").await;
    assert_eq!(cache.send(says("only-if-cached")).await.said, "hit");
    assert_eq!(cache.send(says("only-if-cached, no-cache")).await.status, 504);
    start.at(15.0).await;
    assert_eq!(cache.send(says("only-if-cached")).await.said, "hit; detail=stale");
    start.at(20.0).await;
    assert_eq!(cache.send(says("only-if-cached")).await.status, 504);
    assert_eq!(cache.send(says("only-if-cached, max-stale=10")).await.text(), "1");
    rest().await;
    assert_eq!(cache.origin.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_fetches_for_nobody_else_refreshes_nothing() {
    let cache = Cache::new(heeding().breaker(1, secs(1)), &Origin::counting());
    cache.get("/").await;
    Start::now().at(15.0).await;
    for line in ["no-store", "only-if-cached"] {
        assert_eq!(told(&cache.send(says(line)).await), ("1", "hit; detail=stale"));
    }
    rest().await;
    assert_eq!(cache.origin.calls(), 1);
    cache.get("/").await;
    rest().await;
    assert_eq!(cache.origin.calls(), 2);
}
