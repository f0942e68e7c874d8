//! Parts that are kept: what purges take, what comes of their bodies, and how many there may be.

use http::request::Builder;
use http_body_util::BodyExt;
use tower_swr_cache::Purge;

use crate::support::{Cache, Call, Gate, Origin, Reply, Start, Step, origin_says, request, rest};

const WHOLE: u64 = 100;

fn range(first: u64, last: u64) -> Builder {
    request("/").header("range", format!("bytes={first}-{last}"))
}

/// The bytes that are asked for, of a whole that has its place in each of them.
fn up(call: &Call) -> Reply {
    let Some(range) = call.header("range") else {
        return Reply::ok(bytes(0, WHOLE - 1)).control("max-age=60");
    };
    let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    part(first.parse().unwrap(), last.parse().unwrap_or(WHOLE - 1))
}

fn bytes(first: u64, last: u64) -> Vec<u8> {
    (first..=last).map(|place| place as u8).collect()
}

fn part(first: u64, last: u64) -> Reply {
    Reply::status(206)
        .body(bytes(first, last))
        .header("content-range", format!("bytes {first}-{last}/{WHOLE}"))
        .header("etag", "\"a\"")
        .header("cache-tag", "red")
        .header("cache-groups", "\"scores\"")
        .control("max-age=60")
}

fn keeping(origin: &Origin) -> Cache {
    Cache::new(origin_says().store_parts(), origin)
}

#[tokio::test(start_paused = true)]
async fn every_purge_takes_parts_as_it_takes_wholes() {
    let key = {
        let cache = keeping(&Origin::new(up));
        cache.get("/").await;
        cache.entry("/").unwrap().key.parse().unwrap()
    };
    for purge in [
        Purge::key(key),
        Purge::url("http://example.com/").unwrap(),
        Purge::url("/").unwrap(),
        Purge::tag("red"),
        Purge::tag("scores"),
        Purge::route("route"),
        Purge::all(),
    ] {
        let cache = keeping(&Origin::new(up));
        cache.send(range(0, 9)).await;
        cache.send(range(20, 29)).await;
        assert_eq!(cache.send(range(0, 9)).await.said, "hit", "{purge:?}");
        assert_eq!(cache.handle.would_purge(&purge).entries, 2, "{purge:?}");

        assert_eq!(cache.handle.purge(purge.clone().soft()).entries, 2, "{purge:?}, soft");
        assert_eq!(cache.send(range(0, 9)).await.said, "fwd=partial; stored", "{purge:?}, soft");

        cache.handle.purge(purge.clone());
        let stats = cache.handle.stats();
        assert_eq!((stats.keys, stats.indexed, stats.stored_bytes), (0, 0, 0), "{purge:?}");
        assert_eq!(cache.send(range(0, 9)).await.said, "fwd=uri-miss; stored", "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_a_purge_has_passed_is_not_stored() {
    for purge in [Purge::url("/").unwrap(), Purge::tag("red"), Purge::route("route"), Purge::all()] {
        let gate = Gate::new();
        let held = gate.clone();
        let cache = keeping(&Origin::new(move |call| up(call).gated(&held)));
        let first = cache.spawn_send(range(0, 9));
        rest().await;
        cache.handle.purge(purge.clone());
        gate.open();
        assert_eq!(first.await.unwrap().body, bytes(0, 9), "{purge:?}");
        rest().await;
        assert_eq!(cache.handle.stats().keys, 0, "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_kept_though_who_asked_has_left() {
    let gate = Gate::new();
    let held = gate.clone();
    let cache = keeping(&Origin::new(move |call| up(call).gated(&held)));
    let first = cache.spawn_send(range(0, 9));
    rest().await;
    first.abort();
    gate.open();
    rest().await;
    assert_eq!(cache.send(range(2, 3)).await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_part_whose_body_is_not_what_it_says_is_passed_on_and_not_kept() {
    let told = |steps: Vec<Step>| {
        let head = Reply::steps(steps).control("max-age=60").header("content-range", "bytes 0-9/100");
        Origin::new(move |_| head.clone().code(206))
    };
    for (steps, sent, kept) in [
        (vec![Step::data(bytes(0, 9))], 10, true),
        (vec![Step::data(bytes(0, 8))], 9, false),
        (vec![Step::data(bytes(0, 9)), Step::data("x")], 11, false),
        (vec![Step::data(bytes(0, 8)), Step::Error], 9, false),
    ] {
        let cache = keeping(&told(steps.clone()));
        let answer = cache.send(range(0, 9)).await;
        assert_eq!(answer.body.len(), sent, "{steps:?}");
        assert_eq!(answer.body_error.is_some(), steps.len() == 2 && sent == 9, "{steps:?}");
        rest().await;
        assert_eq!(cache.send(range(0, 9)).await.said == "hit", kept, "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_parts_that_are_apart_the_newest_few_stay() {
    let cache = keeping(&Origin::new(up));
    for n in 0..20 {
        cache.send(range(5 * n, 5 * n + 1)).await;
    }
    assert_eq!(cache.handle.would_purge(&Purge::all()).entries, 8);
    for n in 12..20 {
        assert_eq!(cache.send(range(5 * n, 5 * n)).await.said, "hit", "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_put_together_is_what_was_sent_in_any_order() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..200 {
        let cache = keeping(&Origin::new(up));
        for _ in 0..30 {
            let first = random.u64(0..WHOLE);
            let last = random.u64(first..WHOLE);
            let answer = cache.send(range(first, last)).await;
            assert_eq!((answer.status.as_u16(), answer.body.to_vec()), (206, bytes(first, last)));
            let expected = format!("bytes {first}-{last}/{WHOLE}");
            assert_eq!(answer.header("content-range"), Some(expected.as_str()));
        }
        assert_eq!(cache.get("/").await.body, bytes(0, WHOLE - 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_made_of_parts_is_confirmed_as_any_other() {
    let start = Start::now();
    let cache = keeping(&Origin::new(up));
    cache.send(range(0, 49)).await;
    cache.send(range(50, 99)).await;
    assert_eq!(cache.get("/").await.said, "hit");
    assert_eq!(cache.handle.would_purge(&Purge::all()).entries, 1);
    start.at(60.0).await;
    cache.origin.now(|call| {
        assert_eq!((call.header("if-none-match"), call.header("range")), (Some("\"a\""), None));
        Reply::status(304).header("etag", "\"a\"")
    });
    let answer = cache.get("/").await;
    assert_eq!((answer.said.as_str(), answer.body.to_vec()), ("fwd=stale; fwd-status=304", bytes(0, 99)));
    assert_eq!((answer.status.as_u16(), answer.header("content-range")), (200, None));
}

#[tokio::test(start_paused = true)]
async fn requests_for_the_whole_and_for_its_parts_do_not_wait_for_each_other() {
    let gate = Gate::new();
    let held = gate.clone();
    let cache = keeping(&Origin::new(move |call| up(call).gated(&held)));
    let asked = [cache.spawn_send(range(0, 9)), cache.spawn("/"), cache.spawn_send(range(5, 14))];
    rest().await;
    assert_eq!(cache.origin.running(), 3);
    gate.open();
    for (asked, expected) in asked.into_iter().zip([bytes(0, 9), bytes(0, 99), bytes(5, 14)]) {
        assert_eq!(asked.await.unwrap().body, expected);
    }
}

/// The beginning is stored, and the rest comes in these steps.
fn begun(steps: Vec<Step>) -> Origin {
    Origin::new(move |call| match call.header("range") {
        Some("bytes=50-") => {
            let rest = Reply::steps(steps.clone()).code(206).control("max-age=60").header("etag", "\"a\"");
            rest.header("content-range", format!("bytes 50-99/{WHOLE}"))
        }
        _ => up(call),
    })
}

#[tokio::test(start_paused = true)]
async fn a_whole_is_read_while_its_rest_arrives() {
    let gate = Gate::new();
    let steps = vec![Step::data(bytes(50, 69)), Step::Gate(gate.clone()), Step::data(bytes(70, 99))];
    let cache = keeping(&begun(steps));
    cache.send(range(0, 49)).await;
    let mut first = cache.open(request("/")).await;
    assert_eq!(first.status(), 200);
    let mut read = Vec::new();
    while read.len() < 70 {
        read.extend(first.body_mut().frame().await.unwrap().unwrap().into_data().unwrap());
    }
    assert_eq!(read, bytes(0, 69));
    let second = cache.spawn("/");
    rest().await;
    gate.open();
    assert_eq!(second.await.unwrap().body, bytes(0, 99));
    read.extend(first.into_body().collect().await.unwrap().to_bytes());
    assert_eq!(read, bytes(0, 99));
    assert_eq!(cache.origin.calls(), 2);
    assert_eq!(cache.get("/").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_is_not_what_it_says_makes_no_whole() {
    for steps in [
        vec![Step::data(bytes(50, 98))],
        vec![Step::data(bytes(50, 99)), Step::data("x")],
        vec![Step::data(bytes(50, 69)), Step::Error],
    ] {
        let cache = keeping(&begun(steps.clone()));
        cache.send(range(0, 49)).await;
        assert!(cache.get("/").await.body_error.is_some(), "{steps:?}");
        rest().await;
        let answer = cache.send(range(10, 49)).await;
        assert_eq!((answer.said.as_str(), answer.body.to_vec()), ("hit", bytes(10, 49)), "{steps:?}");
        assert_eq!(cache.send(range(0, 50)).await.said, "fwd=partial; stored", "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_that_passes_the_beginning_passes_the_whole() {
    for purge in [
        Purge::url("/").unwrap(),
        // The rest itself does not name them.
        Purge::tag("red"),
        Purge::tag("scores"),
        Purge::route("route"),
        Purge::all(),
    ] {
        let gate = Gate::new();
        let steps = vec![Step::data(bytes(50, 69)), Step::Gate(gate.clone()), Step::data(bytes(70, 99))];
        let cache = keeping(&begun(steps));
        cache.send(range(0, 49)).await;
        let first = cache.spawn("/");
        rest().await;
        cache.handle.purge(purge.clone());
        gate.open();
        assert_eq!(first.await.unwrap().body, bytes(0, 99), "{purge:?}");
        rest().await;
        assert_eq!(cache.handle.stats().keys, 0, "{purge:?}");

        cache.send(range(0, 49)).await;
        cache.handle.purge(purge.clone());
        assert_eq!(cache.get("/").await.said, "fwd=uri-miss; stored", "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_completed_whole_keeps_the_tags_of_both() {
    for tag in ["red", "blue"] {
        let cache = keeping(&Origin::new(|call| match call.header("range") {
            Some("bytes=50-") => {
                let rest = Reply::status(206).body(bytes(50, 99)).header("cache-tag", "blue");
                rest.header("content-range", "bytes 50-99/100").header("etag", "\"a\"").control("max-age=60")
            }
            _ => up(call),
        }));
        cache.send(range(0, 49)).await;
        assert_eq!(cache.get("/").await.body, bytes(0, 99));
        assert_eq!(cache.get("/").await.said, "hit");
        assert_eq!(cache.handle.purge(Purge::tag(tag)).entries, 1, "{tag}");
    }
}
