//! A response to POST that is kept: what comes between its request and its place in the store.

use http::{Method, request::Builder};
use tower_swr_cache::Purge;

use crate::support::{Answer, Cache, Call, Gate, Origin, Reply, Step, origin_says, request, rest};

/// The number of the call, for a minute, with tags.
fn up(call: &Call) -> Reply {
    Reply::ok(call.n.to_string())
        .control("max-age=60")
        .header("content-location", "http://example.com/")
        .header("cache-tag", "red")
        .header("cache-groups", "\"scores\"")
}

fn post() -> Builder {
    request("/").method(Method::POST)
}

fn keeping(origin: &Origin) -> Cache {
    Cache::new(origin_says().store_post(), origin)
}

fn told(answer: &Answer) -> (&str, &[u8]) {
    (&answer.said, &answer.body)
}

fn purges() -> Vec<Purge> {
    let url = |url| Purge::url(url).unwrap();
    vec![
        url("/"),
        url("http://example.com/"),
        Purge::tag("red"),
        Purge::tag("scores"),
        Purge::route("route"),
        Purge::all(),
        Purge::all().soft(),
        Purge::tag("red").soft(),
    ]
}

#[tokio::test(start_paused = true)]
async fn its_own_invalidation_leaves_it_in_place() {
    let cache = keeping(&Origin::new(|call| {
        up(call).header("location", "/").header("cache-group-invalidation", "\"scores\"")
    }));
    cache.get("/").await;
    assert_eq!(told(&cache.send(post()).await), ("fwd=method; stored", &b"2"[..]));
    assert_eq!(told(&cache.get("/").await), ("hit", &b"2"[..]));
    assert_eq!(cache.handle.would_purge(&Purge::all()).entries, 1);
}

#[tokio::test(start_paused = true)]
async fn a_purge_by_somebody_else_before_its_head_keeps_it_out() {
    for purge in purges() {
        let gate = Gate::new();
        let held = gate.clone();
        let cache =
            keeping(&Origin::new(move |call| if call.n == 1 { up(call).gated(&held) } else { up(call) }));
        let posted = cache.spawn_send(post());
        rest().await;
        cache.handle.purge(purge.clone());
        gate.open();
        assert_eq!(told(&posted.await.unwrap()), ("fwd=method; detail=method", &b"1"[..]), "{purge:?}");
        assert_eq!(told(&cache.get("/").await), ("fwd=uri-miss; stored", &b"2"[..]), "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_between_its_head_and_its_end_keeps_it_out() {
    for purge in purges().into_iter().filter(|purge| *purge != purge.clone().soft()) {
        let gate = Gate::new();
        let steps = [Step::data("1"), Step::Gate(gate.clone())];
        let cache =
            keeping(&Origin::new(
                move |call| {
                    if call.n == 1 { up(call).stepwise(steps.clone()) } else { up(call) }
                },
            ));
        let posted = cache.spawn_send(post());
        rest().await;
        cache.handle.purge(purge.clone());
        gate.open();
        assert_eq!(posted.await.unwrap().body, "1", "{purge:?}");
        rest().await;
        assert_eq!(told(&cache.get("/").await), ("fwd=uri-miss; stored", &b"2"[..]), "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_post_under_way_keeps_out_the_one_that_began_before_it() {
    let gate = Gate::new();
    let held = gate.clone();
    let cache = keeping(&Origin::new(move |call| if call.n == 1 { up(call).gated(&held) } else { up(call) }));
    let first = cache.spawn_send(post());
    rest().await;
    assert_eq!(told(&cache.send(post()).await), ("fwd=method; stored", &b"2"[..]));
    gate.open();
    assert_eq!(told(&first.await.unwrap()), ("fwd=method; detail=method", &b"1"[..]));
    assert_eq!(told(&cache.get("/").await), ("fwd=uri-miss; stored", &b"3"[..]));
}

#[tokio::test(start_paused = true)]
async fn what_a_get_fetches_after_its_head_stays() {
    let gate = Gate::new();
    let steps = [Step::data("1"), Step::Gate(gate.clone())];
    let cache = keeping(&Origin::new(
        move |call| {
            if call.n == 1 { up(call).stepwise(steps.clone()) } else { up(call) }
        },
    ));
    let posted = cache.spawn_send(post());
    rest().await;
    assert_eq!(told(&cache.get("/").await), ("fwd=uri-miss; stored", &b"2"[..]));
    gate.open();
    posted.await.unwrap();
    rest().await;
    assert_eq!(told(&cache.get("/").await), ("hit", &b"2"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_get_from_before_its_head_is_not_stored_in_its_place() {
    let gate = Gate::new();
    let held = gate.clone();
    let cache = keeping(&Origin::new(move |call| if call.n == 1 { up(call).gated(&held) } else { up(call) }));
    let before = cache.spawn("/");
    rest().await;
    cache.send(post()).await;
    gate.open();
    assert_eq!(before.await.unwrap().body, "1");
    rest().await;
    assert_eq!(told(&cache.get("/").await), ("hit", &b"2"[..]));
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_though_who_asked_has_left() {
    let gate = Gate::new();
    let steps = [Step::data("a"), Step::Gate(gate.clone()), Step::data("b")];
    let cache = keeping(&Origin::new(move |call| up(call).stepwise(steps.clone())));
    drop(cache.open(post()).await);
    gate.open();
    rest().await;
    assert_eq!(told(&cache.get("/").await), ("hit", &b"ab"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_is_cut_for_who_asked_and_not_kept() {
    let cache = keeping(&Origin::new(|call| match call.n {
        1 => up(call).stepwise([Step::data("a"), Step::Error]),
        _ => up(call),
    }));
    let answer = cache.send(post()).await;
    assert_eq!((&answer.body[..], answer.body_error.is_some()), (&b"a"[..], true));
    assert_eq!(told(&cache.get("/").await), ("fwd=uri-miss; stored", &b"2"[..]));
}
