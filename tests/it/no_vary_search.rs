//! Responses that are the same for other queries: refreshes, purges, and what the index of them takes.

use tower_swr_cache::{BreakerMode, CacheHandle, Purge, SwrConfig};

use crate::support::{
    Cache, Call, Gate, Origin, Reply, Start, Step, origin_says, request, rest, route, secs,
};

/// A response that is the same where `a` alone differs, and says what it was asked for.
fn up(call: &Call) -> Reply {
    let asked = format!("{} {}", call.n, call.parts.uri.path_and_query().unwrap());
    Reply::ok(asked)
        .control("max-age=60")
        .header("no-vary-search", "params=(\"a\")")
        .header("cache-tag", "red")
}

fn going(origin: &Origin) -> Cache {
    Cache::new(origin_says().no_vary_search(), origin)
}

#[tokio::test(start_paused = true)]
async fn a_stale_one_answers_at_once_and_is_refreshed_as_itself() {
    let start = Start::now();
    let origin = Origin::new(up);
    let cache = Cache::new(route(10, 60).no_vary_search(), &origin);
    cache.get("/x?a=1&b=2").await;
    start.at(20.0).await;
    for n in 0..3 {
        let answer = cache.get(&format!("/x?b=2&a=q{n}")).await;
        assert_eq!((answer.said.as_str(), answer.age()), ("hit; detail=stale", 20));
    }
    rest().await;
    assert_eq!(cache.origin.calls(), 2, "one refresh");
    for path in ["/x?a=1&b=2", "/x?b=2"] {
        let answer = cache.get(path).await;
        assert_eq!((answer.said.as_str(), answer.text()), ("hit", "2 /x?a=1&b=2"));
    }
    assert_eq!(cache.handle.stats().keys, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_pauses_for_all_of_them() {
    let start = Start::now();
    let origin = Origin::new(up);
    let cache = Cache::new(route(10, 60).no_vary_search(), &origin);
    cache.get("/x?a=1").await;
    cache.origin.now(|_| Reply::status(503));
    start.at(20.0).await;
    for n in 0..5 {
        assert_eq!(cache.get(&format!("/x?a=q{n}")).await.text(), "1 /x?a=1");
        rest().await;
    }
    assert_eq!(cache.origin.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_past_its_hard_limit_stands_in_for_a_fetch_of_another_query_that_fails() {
    for (failure, breaks) in [
        (Reply::status(503), false),
        (Reply::none(Step::Error), false),
        (Reply::none(Step::Panic), false),
        (Reply::ok("").after(secs(60)), false),
        (Reply::status(503), true),
    ] {
        let start = Start::now();
        let config = route(10, 60).no_vary_search().breaker(5, secs(300)).fetch_timeout(secs(2));
        let cache = Cache::new(config, &Origin::new(up));
        cache.get("/x?a=1&b=2").await;
        cache.origin.now(move |_| failure.clone());
        if breaks {
            cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
        }
        start.at(61.0).await;
        let (first, waiting) = (cache.spawn("/x?b=2&a=2"), cache.spawn("/x?b=2&a=2"));
        for answer in [first.await.unwrap(), waiting.await.unwrap()] {
            assert_eq!((&*answer.said, answer.text()), ("fwd=stale; detail=stale_error", "1 /x?a=1&b=2"));
        }
        // From then on it answers at once.
        let calls = cache.origin.calls();
        assert_eq!(cache.get("/x?b=2&a=3").await.text(), "1 /x?a=1&b=2");
        assert_eq!(cache.origin.calls(), calls);
        start.at(90.0).await;
        let over = cache.spawn("/x?b=2&a=4").await;
        assert!(over.is_err() || over.unwrap().text() != "1 /x?a=1&b=2", "past its error limit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_of_one_url_takes_what_could_answer_for_it() {
    let url = |path: &str| Purge::url(path).unwrap();
    for (purge, covered) in [
        (url("/x?b=2"), 2),
        (url("/x?b=2&a=9"), 2),
        (url("http://example.com/x?%62=2"), 2),
        (url("/x?b=3"), 1),
        (url("/x"), 0),
        (url("/y?b=2"), 0),
        (url("http://example.org/x?b=2"), 0),
        (Purge::tag("red"), 3),
        (Purge::route("route"), 3),
        (Purge::all(), 3),
    ] {
        let cache = going(&Origin::new(up));
        // Nothing is known of the rule when they ask.
        tokio::join!(cache.get("/x?a=1&b=2"), cache.get("/x?b=2&a=2"), cache.get("/x?b=3"));
        assert_eq!(cache.handle.would_purge(&purge).entries, covered, "{purge:?}");

        assert_eq!(cache.handle.purge(purge.clone().soft()).entries, covered, "{purge:?}, soft");
        let said = if covered > 1 { "hit; detail=stale" } else { "hit" };
        assert_eq!(cache.get("/x?b=2").await.said, said, "{purge:?}, soft");
        rest().await;

        assert_eq!(cache.handle.purge(purge.clone()).entries, covered, "{purge:?}");
        for path in ["/x?a=1&b=2", "/x?b=2", "/x?a=3&b=2"] {
            let answer = cache.get(path).await;
            let old = answer.text().starts_with(['1', '2', '3', '4']);
            assert_eq!(old, covered <= 1, "{purge:?}: {path} {}", answer.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_purge_has_passed_on_its_way_is_not_stored() {
    for (purge, passed) in [
        (Purge::url("/x?a=1&b=2").unwrap(), true),
        (Purge::url("/x?b=2").unwrap(), true),
        (Purge::url("/y?b=2").unwrap(), false),
    ] {
        let gate = Gate::new();
        let held = gate.clone();
        let cache = going(&Origin::new(move |call| up(call).gated(&held)));
        let first = cache.spawn("/x?a=1&b=2");
        rest().await;
        cache.handle.purge(purge.clone());
        // It comes after the purge, and is not to get what was asked for before.
        let second = cache.spawn("/x?a=1&b=2");
        rest().await;
        gate.open();
        assert_eq!(first.await.unwrap().text(), "1 /x?a=1&b=2");
        assert_eq!(second.await.unwrap().text().starts_with('1'), !passed, "{purge:?}");
        rest().await;
        assert_eq!(cache.get("/x?b=2").await.text().starts_with('1'), !passed, "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_of_another_query_leaves_refreshes_and_validators_alone() {
    let start = Start::now();
    let cache = going(&Origin::new(|call| up(call).header("etag", "\"a\"")));
    cache.get("/x?a=1&b=2").await;
    cache.handle.purge(Purge::url("/x?b=3").unwrap());
    start.at(60.0).await;
    cache.origin.now(|call| {
        assert_eq!(call.header("if-none-match"), Some("\"a\""));
        Reply::status(304).header("etag", "\"a\"").control("max-age=60")
    });
    assert_eq!(cache.get("/x?a=1&b=2").await.said, "fwd=stale; fwd-status=304");
    assert_eq!(cache.get("/x?b=2").await.said, "hit");
}

/// A cache that is soon full.
fn small() -> CacheHandle {
    CacheHandle::builder().capacity_bytes(1 << 20).max_body_bytes(64 << 10).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_answers_for_another_query_is_used_by_that_and_what_is_explained_is_not() {
    for answers in [true, false] {
        let handle = small();
        let config: SwrConfig = origin_says().no_vary_search().build().unwrap();
        let cache = Cache::on(&handle, config, &Origin::new(|call| up(call).body(vec![0; 4000])));
        // What comes while there is room is kept as if it were used.
        for n in 0..500 {
            cache.get(&format!("/first/{n}")).await;
        }
        cache.get("/x?b=1").await;
        for n in 0..1000 {
            if answers {
                assert_eq!(cache.get(&format!("/x?b=1&a={n}")).await.said, "hit");
            } else {
                let (parts, ()) = request(&format!("/x?b=1&a={n}")).body(()).unwrap().into_parts();
                drop(handle.explain(&parts));
            }
            cache.get(&format!("/{n}")).await;
        }
        assert_eq!(cache.entry("/x?b=1").is_some(), answers);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_stays_of_what_has_left() {
    let handle = small();
    let config: SwrConfig = origin_says().no_vary_search().build().unwrap();
    let rules = ["params=(\"a\")", "key-order", "params, except=(\"b\")", "params=(\"a\" \"c\"), key-order"];
    let origin = Origin::new(move |_| {
        let rule = rules[fastrand::usize(..rules.len())];
        Reply::ok(vec![0; 4000]).control("max-age=60").header("no-vary-search", rule)
    });
    let cache = Cache::on(&handle, config, &origin);
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..3000 {
        let (page, a, b) = (random.u32(..10), random.u32(..20), random.u32(..20));
        cache.get(&format!("/{page}?a={a}&b={b}")).await;
        let stats = handle.stats();
        // The path, all its queries, a rule and a form of each at most.
        assert!(stats.indexed <= 4 * stats.keys, "{stats:?}");
        assert!(stats.stored_bytes <= stats.capacity_bytes, "{stats:?}");
    }
    assert!(handle.stats().keys * 2 < origin.calls(), "some are evicted: {:?}", handle.stats());
    for page in 0..10 {
        for b in 0..20 {
            for a in 0..20 {
                handle.purge(Purge::url(&format!("/{page}?a={a}&b={b}")).unwrap());
            }
        }
    }
    let stats = handle.stats();
    assert_eq!((stats.keys, stats.indexed, stats.stored_bytes), (0, 0, 0));

    cache.get("/x?a=1").await;
    assert_ne!(handle.stats().indexed, 0);
    handle.purge(Purge::all());
    assert_eq!(handle.stats().indexed, 0);
}
