//! Clients that leave, and runtimes that end, at every point where they can. `flights.rs` has those who fill.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use tower_swr_cache::{CacheHandle, SwrConfigBuilder};

use crate::support::{
    Answer, Cache, Gate, Open, Origin, Reply, Start, Step, poll_times, request, rest, route, secs, wall,
};

/// A route with room for one fetch and one refresh: a place that was not given back is missed by the next one.
fn narrow(config: SwrConfigBuilder, origin: &Origin) -> Cache {
    let handle =
        CacheHandle::builder().wall_clock(wall).max_concurrent_fetches(1).max_concurrent_refreshes(1);
    Cache::on(&handle.build().unwrap(), config.build().unwrap(), origin)
}

/// Ten milliseconds.
fn wait() -> Step {
    Step::Wait(Duration::from_millis(10))
}

/// A body in three frames, with a wait before the head and each but the first.
fn slowly(first: &'static str) -> Reply {
    Reply::steps([Step::data(first), wait(), Step::data("b"), wait(), Step::data("c")]).before(wait())
}

/// Plays a case in which somebody leaves after 1, 2, 3, … steps, until it says that they came to their end.
async fn at_every_step(title: &str, case: impl AsyncFn(usize) -> bool) {
    for n in 1..100 {
        if case(n).await {
            assert!(n > 1, "{title}: nothing was left in the middle");
            return;
        }
    }
    panic!("{title}: no end");
}

/// Nothing is under way, nobody waits, and there is room for a fetch and a body.
async fn assert_free(cache: &Cache, title: &str) {
    tokio::time::sleep(secs(1)).await;
    rest().await;
    let (stats, origin) = (cache.handle.stats(), &cache.origin);
    assert_eq!((stats.flights, stats.inflight_bytes), (0, 0), "{title}");
    assert_eq!((origin.running(), origin.bodies()), (0, 0), "{title}");
    origin.now(|_| Reply::ok("free"));
    let other = cache.get("/other").await;
    assert_eq!((other.text(), &*other.said), ("free", "fwd=uri-miss; stored"), "{title}");
}

#[tokio::test(start_paused = true)]
async fn a_revalidation_is_carried_out_whoever_leaves() {
    let confirmed = Reply::status(304).header("etag", "\"a\"").before(wait());
    for (title, reply, text) in [("304", confirmed, "1"), ("200", slowly("a"), "abc")] {
        at_every_step(title, async |n| {
            let title = format!("{title}, after {n} polls");
            let cache = narrow(route(10, 20), &Origin::new(|_| Reply::ok("1").header("etag", "\"a\"")));
            let start = Start::now();
            cache.get("/").await;
            let reply = reply.clone();
            cache.origin.now(move |_| reply.clone());
            // Past its error limit: it is kept, and may not serve unasked.
            start.at(40.0).await;
            let left = {
                let cache = cache.clone();
                tokio::spawn(poll_times(async move { cache.get("/").await }, n))
            };
            rest().await;
            let stays = cache.spawn("/");
            assert_eq!(stays.await.unwrap().text(), text, "{title}");
            let ended = left.await.unwrap().is_some();
            assert_free(&cache, &title).await;
            let hit = cache.get("/").await;
            assert_eq!((hit.text(), &*hit.said, cache.origin.calls()), (text, "hit", 3), "{title}");
            ended
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_past_the_cache_takes_its_call_along() {
    at_every_step("bypass", async |n| {
        let title = format!("after {n} polls");
        let cache = narrow(route(10, 20), &Origin::new(|_| slowly("a")));
        // Nothing is stored that it could be a part of.
        let left = poll_times(cache.send(request("/").header("range", "bytes=0-1")), n).await;
        assert_eq!((cache.origin.running(), cache.origin.bodies()), (0, 0), "{title}");
        assert_free(&cache, &title).await;
        assert_eq!(cache.get("/").await.said, "fwd=uri-miss; stored", "{title}");
        left.is_some()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_head_says_something_of_what_is_stored_when_it_is_answered_and_not_before() {
    at_every_step("head", async |n| {
        let title = format!("after {n} polls");
        let origin = Origin::new(|_| Reply::ok("1").header("etag", "\"a\""));
        let cache = narrow(route(10, 20), &origin);
        let start = Start::now();
        cache.get("/").await;
        start.at(5.0).await;
        origin.now(|_| Reply::ok("").header("etag", "\"a\"").before(wait()));
        let head = request("/").method(Method::HEAD).header("if-match", "\"a\"");
        let left = poll_times(cache.send(head), n).await.is_some();
        assert_free(&cache, &title).await;
        start.at(12.0).await;
        let expected = if left { "hit" } else { "hit; detail=stale" };
        let answer = cache.get("/").await;
        assert_eq!((answer.text(), &*answer.said), ("1", expected), "{title}");
        left
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_request_invalidates_when_it_is_answered_and_not_before() {
    at_every_step("post", async |n| {
        let title = format!("after {n} polls");
        let origin = Origin::counting();
        let cache = narrow(route(10, 20), &origin);
        cache.get("/").await;
        origin.now(|_| slowly("a"));
        let left = poll_times(cache.open(request("/").method(Method::POST)), n).await.is_some();
        assert_eq!(origin.running(), 0, "{title}");
        assert_free(&cache, &title).await;
        let expected = if left { "fwd=uri-miss; stored" } else { "hit" };
        assert_eq!(cache.get("/").await.said, expected, "{title}");
        left
    })
    .await;
}

/// Reads so many frames and leaves; true if there were no more.
async fn read_frames(mut response: Open, n: usize) -> bool {
    for _ in 1..n {
        match response.body_mut().frame().await {
            Some(frame) => assert!(frame.is_ok()),
            None => return true,
        }
    }
    false
}

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_of_a_stored_body_takes_nothing_from_it() {
    let frame = |n: u8| Step::data(vec![n; 600 << 10]);
    at_every_step("stored", async |n| {
        let title = format!("after {} frames", n - 1);
        let steps = [frame(1), frame(2), frame(3)];
        let cache = narrow(route(10, 20), &Origin::new(move |_| Reply::steps(steps.clone())));
        let whole = cache.get("/").await.body;
        let response = cache.open(request("/")).await;
        let ended = read_frames(response, n).await;
        assert_free(&cache, &title).await;
        let hit = cache.get("/").await;
        assert!(hit.said == "hit" && hit.body_error.is_none() && hit.body == whole, "{title}");
        ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_of_a_body_on_its_way_leaves_it_to_the_store_and_to_others() {
    for stays in [false, true] {
        at_every_step("shared", async |n| {
            let title = format!("after {} frames, others: {stays}", n - 1);
            let cache = narrow(route(10, 20), &Origin::new(|_| slowly("a")));
            let response = cache.open(request("/")).await;
            let other = if stays { Some(cache.open(request("/")).await) } else { None };
            let ended = read_frames(response, n).await;
            if let Some(other) = other {
                assert_eq!(Answer::read(other).await.text(), "abc", "{title}");
            }
            assert_free(&cache, &title).await;
            let hit = cache.get("/").await;
            assert_eq!((hit.text(), &*hit.said, cache.origin.calls()), ("abc", "hit", 2), "{title}");
            ended
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_of_a_body_that_is_not_kept_ends_it_if_nobody_else_reads() {
    let frame = |n: u8| Step::data(vec![n; 16 << 10]);
    for stays in [false, true] {
        at_every_step("too large", async |n| {
            let title = format!("after {} frames, others: {stays}", n - 1);
            let steps: Vec<_> = (0..12).flat_map(|n| [frame(n), wait()]).collect();
            let config = route(10, 20).max_body_bytes(32 << 10);
            let cache = narrow(config, &Origin::new(move |_| Reply::steps(steps.clone())));
            let response = cache.open(request("/")).await;
            let other = if stays { Some(cache.open(request("/")).await) } else { None };
            let other = other.map(|other| tokio::spawn(Answer::read(other)));
            let ended = read_frames(response, n).await;
            if let Some(other) = other {
                let answer = other.await.unwrap();
                assert!(answer.body_error.is_none() && answer.body.len() == 12 * (16 << 10), "{title}");
            }
            assert_free(&cache, &title).await;
            assert!(cache.entry("/").is_none(), "{title}");
            // A frame is read in one piece or more, and the last one comes when nobody is there any more.
            let frames = cache.origin.frames();
            let expected = if ended || stays { 12..=12 } else { 1..=n.max(2) + 1 };
            assert!(expected.contains(&frames), "{title}: {frames}");
            ended
        })
        .await;
    }
}

#[test]
fn a_refresh_whose_runtime_ends_leaves_its_entry_free_for_the_next() {
    type Refresh = fn(&Gate) -> Reply;
    let confirmed: Refresh = |gate| Reply::status(304).header("etag", "\"a\"").gated(gate);
    let replaced: Refresh = |gate| {
        let gate_step = || Step::Gate(gate.clone());
        let steps = [Step::data("a"), gate_step(), Step::data("b"), gate_step(), Step::data("c")];
        Reply::steps(steps).gated(gate)
    };
    for (title, refresh, gates) in [("304", confirmed, 1), ("200", replaced, 3)] {
        for opened in 0..=gates {
            let title = format!("{title}, after {opened} of {gates} gates");
            let runtime = || {
                tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
            };
            let held = Gate::new();
            let reply = refresh(&held);
            let (first, second) = (runtime(), runtime());
            let origin = Origin::new(|_| Reply::ok("1").header("etag", "\"a\""));
            let cache = first.block_on(async { narrow(route(10, 100), &origin) });
            first.block_on(async {
                let start = Start::now();
                cache.get("/").await;
                origin.now(move |_| reply.clone());
                start.at(11.0).await;
                assert_eq!(cache.get("/").await.said, "hit; detail=stale", "{title}");
                rest().await;
                for _ in 0..opened {
                    held.admit_one();
                    rest().await;
                }
            });
            drop(first);
            let stats = cache.handle.stats();
            assert_eq!((stats.flights, stats.inflight_bytes), (0, 0), "{title}");
            assert_eq!((origin.running(), origin.bodies()), (0, 0), "{title}");
            second.block_on(async {
                origin.now(|_| Reply::ok("3"));
                // The clock of this runtime has not gone ahead yet.
                tokio::time::sleep(secs(30)).await;
                assert_eq!(cache.get("/").await.said, "hit; detail=stale", "{title}");
                rest().await;
                let hit = cache.get("/").await;
                assert_eq!((hit.text(), &*hit.said), ("3", "hit"), "{title}");
            });
        }
    }
}
