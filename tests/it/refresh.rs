//! The refresh behind a stale answer: who runs it, how often, and what it does to what is stored.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use tower_swr_cache::{CacheHandle, SwrConfig};
use tracing::Level;

use crate::support::{
    Answer, Cache, Call, Gate, Logs, Origin, Reply, Start, Step, origin_says, request, rest, route, secs,
    wall,
};

/// The number of the call.
fn up(call: &Call) -> Reply {
    Reply::ok(call.n.to_string())
}

/// A cache whose route's response to `/` is stale, and whose origin answers this from now on.
async fn stale(origin: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (Cache, Start) {
    let cache = Cache::new(route(10, 1000), &Origin::counting());
    let start = Start::now();
    cache.get("/").await;
    cache.origin.now(origin);
    start.at(10.0).await;
    (cache, start)
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_not_the_clients() {
    let (cache, _) = stale(up).await;
    drop(cache.call(request("/")));
    rest().await;
    assert_eq!(cache.origin.calls(), 2);
    assert_eq!(cache.get("/").await.text(), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_readers_on_many_threads_make_one_refresh() {
    for _ in 0..20 {
        let gate = Gate::new();
        let held = gate.clone();
        let origin = Origin::new(move |call| if call.n == 1 { up(call) } else { up(call).gated(&held) });
        let cache = Cache::new(route(0, 1000), &origin);
        cache.get("/").await;
        let readers = (0..16).map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    let answer = cache.get("/").await;
                    assert_eq!((answer.text(), &*answer.said), ("1", "hit; detail=stale"));
                }
            })
        });
        for reader in join_all(readers).await {
            reader.unwrap();
        }
        while cache.origin.calls() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(cache.origin.calls(), 2);
        gate.open();
    }
}

#[tokio::test(start_paused = true)]
async fn each_expiry_is_refreshed_once_and_nobody_waits_for_it() {
    let origin = Origin::new(|call| up(call).after(Duration::from_millis(100)));
    let cache = Cache::new(route(10, 1000), &origin);
    cache.get("/").await;
    let start = Start::now();
    for tenth in 1..=1010 {
        start.at(f64::from(tenth) / 10.0).await;
        for _ in 0..20 {
            assert!(cache.call(request("/")).now_or_never().is_some(), "waited at {tenth}");
        }
    }
    // Fresh for ten seconds, and then for one that takes a tenth of a second to come.
    assert_eq!(cache.origin.calls(), 1 + 10);
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_refresh_keeps_failing_is_tried_less_and_less() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let start = Start::now();
    let seen = Arc::clone(&times);
    let cache = Cache::new(
        route(10, 1000),
        &Origin::new(move |call| {
            seen.lock().unwrap().push(start.elapsed());
            if call.n == 1 { up(call) } else { Reply::none(Step::Error) }
        }),
    );
    cache.get("/").await;
    for tick in 0..6000 {
        start.at(10.0 + f64::from(tick) / 100.0).await;
        for _ in 0..5 {
            assert_eq!(cache.get("/").await.said, "hit; detail=stale");
        }
    }
    let times = times.lock().unwrap().clone();
    assert!(times.len() <= 1 + 8, "{times:?}");
    let pauses: Vec<f64> = times.windows(2).skip(1).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    for (pause, expected) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0]) {
        assert!((expected * 0.9..expected * 1.1 + 0.02).contains(pause), "{pauses:?}");
    }
    assert!(pauses.len() >= 5, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_of_refreshes_stale_answers_stay() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| if call.n <= 10 { up(call) } else { Reply::ok("new").gated(&held) });
    let handle = CacheHandle::builder().max_concurrent_refreshes(3).build().unwrap();
    let cache = Cache::on(&handle, route(10, 1000).build().unwrap(), &origin);
    let paths: Vec<String> = (0..10).map(|n| format!("/{n}")).collect();
    let start = Start::now();
    for path in &paths {
        cache.get(path).await;
    }
    start.at(10.0).await;
    for _ in 0..3 {
        for path in &paths {
            assert_eq!(cache.get(path).await.said, "hit; detail=stale");
        }
        rest().await;
    }
    assert_eq!((origin.running(), origin.calls()), (3, 13));
    gate.open();
    // The others have their turn when they are asked for again, a second later at the earliest.
    for round in 0..4 {
        rest().await;
        start.at(12.0 + 2.0 * f64::from(round)).await;
        for path in &paths {
            cache.get(path).await;
        }
    }
    rest().await;
    for path in &paths {
        assert_eq!(cache.get(path).await.text(), "new");
    }
    assert_eq!((origin.most_running(), origin.calls()), (3, 20));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_hangs_delays_nobody_and_is_given_up() {
    let origin = Origin::new(|call| if call.n == 2 { Reply::none(Step::Hang) } else { up(call) });
    let cache = Cache::new(route(10, 1000).fetch_timeout(secs(5)), &origin);
    let start = Start::now();
    cache.get("/").await;
    for second in 10..15 {
        start.at(f64::from(second)).await;
        assert!(cache.call(request("/")).now_or_never().is_some());
    }
    assert_eq!((origin.running(), origin.calls(), cache.handle.stats().flights), (1, 2, 1));
    start.at(15.0).await;
    assert_eq!((origin.running(), cache.handle.stats().flights), (0, 0));
    // It failed, so the next one has to pause.
    cache.get("/").await;
    rest().await;
    assert_eq!(origin.calls(), 2);
    start.at(16.2).await;
    assert_eq!(cache.get("/").await.text(), "1");
    rest().await;
    assert_eq!(cache.get("/").await.text(), "3");
}

#[tokio::test(start_paused = true)]
async fn readers_past_the_hard_limit_join_the_refresh_under_way() {
    for fails in [false, true] {
        let gate = Gate::new();
        let held = gate.clone();
        let origin = Origin::new(move |call| match call.n {
            1 => up(call),
            _ if fails => Reply::status(503).gated(&held),
            _ => up(call).gated(&held),
        });
        let cache = Cache::new(route(10, 30), &origin);
        let start = Start::now();
        cache.get("/").await;
        start.at(29.0).await;
        cache.get("/").await;
        start.at(31.0).await;
        let readers: Vec<_> = (0..5).map(|_| cache.spawn("/")).collect();
        rest().await;
        assert!(readers.iter().all(|reader| !reader.is_finished()));
        assert_eq!(origin.calls(), 2);
        gate.open();
        for reader in readers {
            let answer = reader.await.unwrap();
            let expected = match fails {
                false => ("2", "fwd=stale; stored; collapsed"),
                true => ("1", "fwd=stale; detail=stale_error"),
            };
            assert_eq!((answer.text(), &*answer.said), expected);
        }
        assert_eq!(origin.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_refresh_brings_decides_over_what_is_stored() {
    type Second = fn(Reply) -> Reply;
    let big = || Reply::steps([Step::data(vec![0; 3 << 20]), Step::data(vec![0; 3 << 20])]);
    let cut = |last| Reply::steps([Step::data("2"), last]);
    let same: Second = |reply| reply;
    let (kept, dropped, replaced) = (Some("1"), None, Some("2"));
    let cases: Vec<(&str, Reply, Second, Option<&str>)> = vec![
        ("200", Reply::ok("2"), same, replaced),
        ("explicit 404", Reply::status(404), |reply| reply.control("max-age=60"), Some("404")),
        ("explicit 503", Reply::status(503), |reply| reply.control("max-age=60"), Some("503")),
        ("no-store", Reply::ok("2"), |reply| reply.control("no-store"), dropped),
        ("private", Reply::ok("2"), |reply| reply.control("private=\"x\""), dropped),
        ("cookie", Reply::ok("2"), |reply| reply.header("set-cookie", "a=b"), dropped),
        ("vary", Reply::ok("2"), |reply| reply.header("vary", "*"), dropped),
        ("events", Reply::ok("2"), |reply| reply.header("content-type", "text/event-stream"), dropped),
        ("206", Reply::status(206), same, dropped),
        ("401", Reply::status(401), same, dropped),
        ("403", Reply::status(403), same, dropped),
        ("404", Reply::status(404), same, dropped),
        ("410", Reply::status(410), same, dropped),
        ("501", Reply::status(501), same, dropped),
        ("too large, as it says", Reply::ok("2"), |reply| reply.length(5 << 20), dropped),
        ("too large, as it turns out", big(), same, dropped),
        ("500", Reply::status(500), same, kept),
        ("502", Reply::status(502), same, kept),
        ("503", Reply::status(503), same, kept),
        ("504", Reply::status(504), same, kept),
        ("408", Reply::status(408), same, kept),
        ("429", Reply::status(429), same, kept),
        ("error", Reply::none(Step::Error), same, kept),
        ("panic", Reply::none(Step::Panic), same, kept),
        ("body error", cut(Step::Error), same, kept),
        ("body panic", cut(Step::Panic), same, kept),
        ("body hangs", cut(Step::Hang), same, kept),
        ("shorter than promised", Reply::ok("2"), |reply| reply.length(2), kept),
        ("longer than promised", Reply::ok("22"), |reply| reply.length(1), kept),
    ];
    for (title, second, decorate, left) in cases {
        let second = decorate(second);
        let (cache, start) = stale(move |_| second.clone()).await;
        assert_eq!(cache.get("/").await.text(), "1", "{title}");
        // Long enough for a body that stands still to be given up.
        start.at(41.0).await;
        let hanging = Gate::new();
        cache.origin.now(move |_| Reply::none(Step::Gate(hanging.clone())));
        let after = cache.call(request("/")).now_or_never();
        match left {
            None => assert!(cache.entry("/").is_none() && after.is_none(), "{title}"),
            Some(text) => {
                let answer = Answer::read(after.expect(title).unwrap()).await;
                assert_eq!(answer.text(), text, "{title}");
            }
        }
        // A failure is noted on what it leaves in place.
        let extended = cache.entry("/").is_some_and(|entry| entry.extended);
        assert_eq!(extended, left == kept, "{title}");
        assert_eq!(cache.handle.stats().inflight_bytes, 0, "{title}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_asks_for_patience_gets_it_for_five_minutes_at_most() {
    let at = |s| httpdate::fmt_http_date(wall() + secs(s));
    for (status, asks, pause) in [
        (429, Some("60".to_owned()), 60.0),
        (408, Some("60".to_owned()), 60.0),
        (429, Some("3600".to_owned()), 300.0),
        (429, Some("99999999999999999999".to_owned()), 300.0),
        // The wall clock of these tests stands still.
        (429, Some(at(90)), 90.0),
        (429, Some("soon".to_owned()), 1.0),
        (429, None, 1.0),
    ] {
        let shown = asks.clone();
        let (cache, start) = stale(move |_| match &asks {
            Some(asks) => Reply::status(status).header("retry-after", asks),
            None => Reply::status(status),
        })
        .await;
        cache.get("/").await;
        // The pause that nobody asked for is jittered by a tenth.
        let jitter = if pause > 1.0 { 0.0 } else { 0.1 };
        for (second, calls) in [(pause - jitter - 0.001, 2), (pause + jitter + 0.001, 3)] {
            start.at(10.0 + second).await;
            cache.get("/").await;
            rest().await;
            assert_eq!(cache.origin.calls(), calls, "{status} {shown:?} after {second}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_304_freshens_what_is_stored() {
    let origin = Origin::new(|call| match call.n {
        1 => Reply::ok("1").header("etag", "\"a\"").header("x-version", "1").header("x-stays", "yes"),
        _ => {
            assert_eq!(call.header("if-none-match"), Some("\"a\""));
            assert_eq!(call.header("if-modified-since"), None);
            Reply::status(304).header("etag", "\"a\"").header("x-version", call.n.to_string())
        }
    });
    let cache = Cache::new(route(10, 1000), &origin);
    let start = Start::now();
    cache.get("/").await;
    for generation in 2..5 {
        start.at(f64::from(generation - 1) * 10.0).await;
        // The client's own conditions are not the refresh's.
        let conditional = || {
            request("/")
                .header("if-none-match", "\"b\"")
                .header("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")
        };
        assert_eq!(cache.send(conditional()).await.said, "hit; detail=stale");
        rest().await;
        let answer = cache.get("/").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text(), &*answer.said, answer.age()),
            (200, "1", "hit", 0)
        );
        assert_eq!(answer.header("x-version"), Some(&*generation.to_string()));
        assert_eq!(answer.header("x-stays"), Some("yes"));
        assert_eq!(answer.headers.get_all("etag").iter().count(), 1);
    }
    assert_eq!(cache.handle.stats().keys, 1);
}

#[tokio::test(start_paused = true)]
async fn a_304_without_a_date_is_one_of_its_arrival() {
    let start = Start::now();
    let at = move |seconds| httpdate::fmt_http_date(wall() + start.elapsed() + secs(seconds));
    let origin = Origin::new(move |call| match call.header("if-none-match") {
        None => Reply::ok("1").header("etag", "\"a\"").header("date", at(0)).header("expires", at(10)),
        Some(_) => Reply::status(304).header("expires", at(10)),
    });
    let handle = CacheHandle::builder().wall_clock(move || wall() + start.elapsed()).build().unwrap();
    let cache = Cache::on(&handle, origin_says().build().unwrap(), &origin);
    cache.get("/").await;
    for (second, said, date) in [
        (100.0, "fwd=stale; fwd-status=304", 100),
        (109.0, "hit", 100),
        (110.0, "fwd=stale; fwd-status=304", 110),
    ] {
        start.at(second).await;
        let answer = cache.get("/").await;
        let date = httpdate::fmt_http_date(wall() + secs(date));
        assert_eq!((&*answer.said, answer.header("date")), (said, Some(&*date)), "at {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_304_forbids_to_keep_is_answered_with_its_age() {
    let origin = Origin::new(|call| match call.header("if-none-match") {
        None => Reply::ok("1").header("etag", "\"a\""),
        Some(_) => Reply::status(304).control("no-store").header("age", "7"),
    });
    let cache = Cache::new(origin_says(), &origin);
    cache.get("/").await;
    let answer = cache.get("/").await;
    assert_eq!((answer.text(), answer.age()), ("1", 7));
    assert!(cache.entry("/").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_304_about_something_else_is_asked_again_without_conditions() {
    let (cache, _) = stale(|_| Reply::status(304).header("etag", "\"b\"")).await;
    // Without a validator nothing was asked, so a 304 says nothing that could be kept.
    cache.get("/").await;
    rest().await;
    assert!(cache.entry("/").is_none());

    let tagged = Cache::new(
        route(10, 20),
        &Origin::new(|call| match (call.n, call.header("if-none-match")) {
            (1, _) => Reply::ok("1").header("etag", "\"a\""),
            (_, Some(_)) => Reply::status(304).header("etag", "\"b\""),
            (n, None) => Reply::ok(n.to_string()).header("etag", "\"b\""),
        }),
    );
    let start = Start::now();
    tagged.get("/").await;
    start.at(10.0).await;
    assert_eq!(tagged.get("/").await.text(), "1");
    rest().await;
    assert_eq!(tagged.get("/").await.text(), "3", "refreshed by the second question");
    start.at(40.0).await;
    tagged.origin.now(|call| match call.header("if-none-match") {
        Some(_) => Reply::status(304).header("etag", "\"c\""),
        None => Reply::ok("new").header("etag", "\"c\""),
    });
    let answer = tagged.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "new"), "and so is a reader who waits");
}

#[tokio::test(start_paused = true)]
async fn variants_are_refreshed_each_for_itself() {
    let origin = Origin::new(|call| {
        let language = call.header("accept-language").unwrap_or("none").to_owned();
        Reply::ok(format!("{language} {}", call.n)).header("vary", "accept-language")
    });
    let cache = Cache::new(route(10, 1000), &origin);
    let start = Start::now();
    let get = |language: &'static str| cache.send(request("/").header("accept-language", language));
    assert_eq!(get("de").await.text(), "de 1");
    assert_eq!(get("fr").await.text(), "fr 2");
    start.at(10.0).await;
    assert_eq!(get("de").await.text(), "de 1");
    rest().await;
    assert_eq!(get("de").await.text(), "de 3");
    assert_eq!(get("fr").await.text(), "fr 2");
    rest().await;
    assert_eq!(get("fr").await.text(), "fr 4");
    assert_eq!(get("de").await.text(), "de 3");
    assert_eq!(origin.calls(), 4);
    // Neither is held up by the other's.
    start.at(20.0).await;
    origin.now(|_| Reply::none(Step::Hang));
    for language in ["de", "fr", "de", "fr"] {
        get(language).await;
    }
    rest().await;
    assert_eq!(origin.running(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_of_success_failure_and_extension_seldom_and_without_secrets() {
    let logs = Logs::collect();
    let config =
        SwrConfig::builder("odds").soft_jitter(0.0).no_breaker().soft_ttl(secs(10)).hard_ttl(secs(100));
    let cache = Cache::new(config, &Origin::counting());
    let start = Start::now();
    let secret = || request("/a?token=secret").header("x-secret", "secret").header("authorization", "secret");
    cache.send(request("/a?token=secret").header("x-secret", "secret")).await;
    start.at(10.0).await;
    cache.get("/a?token=secret").await;
    rest().await;
    assert_eq!(logs.lines(), [(Level::DEBUG, "refreshed route=\"odds\"".to_owned())]);

    // Twenty keys fail together: a line of each kind, and after ten seconds another with the number of those left out.
    let paths: Vec<String> = (0..20).map(|n| format!("/{n}?token=secret")).collect();
    for path in &paths {
        cache.get(path).await;
    }
    cache.origin.now(|_| Reply::status(503));
    start.at(20.0).await;
    for path in &paths {
        cache.get(path).await;
    }
    rest().await;
    let failed = logs.with("refresh failed");
    assert_eq!(
        failed,
        [(
            Level::WARN,
            "refresh failed event=refresh_failed route=\"odds\" reason=failure suppressed=0".to_owned()
        )]
    );
    let extended = logs.with("extended");
    assert_eq!(
        extended,
        [(
            Level::WARN,
            "stale response extended event=extended route=\"odds\" by=50s suppressed=0".to_owned()
        )]
    );
    start.at(31.0).await;
    cache.get(&paths[0]).await;
    rest().await;
    assert_eq!(
        logs.with("refresh failed").last().map(|(_, line)| line.as_str()),
        Some("refresh failed event=refresh_failed route=\"odds\" reason=failure suppressed=19")
    );
    cache.origin.now(|_| Reply::none(Step::Panic));
    start.at(50.0).await;
    cache.get(&paths[0]).await;
    rest().await;
    assert_eq!(
        logs.with("panicked"),
        [(Level::ERROR, "fetch panicked event=panicked route=\"odds\" suppressed=0".to_owned())]
    );
    cache.origin.now(|_| Reply::status(503));
    cache.send(secret()).await;
    rest().await;
    assert!(logs.with("secret").is_empty() && logs.with("token").is_empty(), "{:?}", logs.lines());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_for_which_there_is_no_room_leaves_what_is_stored() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| match call.path() {
        "/long" => Reply::steps([Step::data(vec![0; 12 << 10]), Step::Gate(held.clone())]),
        _ => Reply::ok(vec![call.n as u8; 8 << 10]),
    });
    // A quarter of it is for bodies on their way.
    let handle = CacheHandle::builder().capacity_bytes(64 << 10).max_body_bytes(16 << 10).build().unwrap();
    let cache = Cache::on(&handle, route(10, 1000).build().unwrap(), &origin);
    let start = Start::now();
    cache.get("/").await;
    start.at(10.0).await;
    let long = cache.spawn("/long");
    rest().await;
    for second in [10.0, 12.0] {
        start.at(second).await;
        assert_eq!(cache.get("/").await.said, "hit; detail=stale");
        rest().await;
        assert!(cache.entry("/").is_some(), "dropped for want of room");
    }
    gate.open();
    long.await.unwrap();
    start.at(14.0).await;
    assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    rest().await;
    assert_eq!(cache.get("/").await.said, "hit");
}
