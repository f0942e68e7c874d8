//! One call per key: who shares what with whom, and every way in which that can go wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use tokio::task::JoinHandle;
use tower_swr_cache::{BodyError, BoxError, CacheHandle, SwrConfigBuilder};

use crate::support::{
    Answer, Cache, Call, Gate, Origin, OriginError, Reply, Start, Step, origin_says, poll_times, request,
    rest, route, said, secs,
};

/// The number of the call.
fn up(call: &Call) -> Reply {
    Reply::ok(call.n.to_string())
}

/// A route that keeps everything for a thousand seconds.
fn long() -> SwrConfigBuilder {
    route(1000, 1000)
}

/// So many readers of `/` who have all come as far as they can.
async fn readers(cache: &Cache, n: usize) -> Vec<JoinHandle<Answer>> {
    let readers = (0..n).map(|_| cache.spawn("/")).collect();
    rest().await;
    readers
}

async fn answers(readers: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    join_all(readers).await.into_iter().map(Result::unwrap).collect()
}

fn body_error(answer: &Answer) -> &BodyError {
    let error: Option<&BoxError> = answer.body_error.as_ref();
    error.and_then(|error| error.downcast_ref()).expect("a body error")
}

/// Nothing is under way, and the key of `/` is free: the next reader has an answer of its own.
async fn assert_free(cache: &Cache, title: &str) {
    rest().await;
    let stats = cache.handle.stats();
    assert_eq!((stats.flights, stats.inflight_bytes), (0, 0), "{title}");
    cache.origin.now(|_| Reply::ok("free"));
    let calls = cache.origin.calls();
    assert_eq!(cache.get("/").await.text(), "free", "{title}");
    assert_eq!(cache.origin.calls(), calls + 1, "{title}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cold_readers_on_many_threads_make_one_call() {
    // All of them wait; then they come as they like. CONTRIBUTING.md has the long run.
    let herds = std::env::var("HERDS").ok().and_then(|herds| herds.parse().ok()).unwrap_or(2);
    for (rounds, n, held) in [(herds, 10_000, true), (50, 500, false)] {
        for _ in 0..rounds {
            let gate = Gate::new();
            if !held {
                gate.open();
            }
            let holding = gate.clone();
            let cache = Cache::new(long(), &Origin::new(move |call| up(call).gated(&holding)));
            let here = Arc::new(AtomicUsize::new(0));
            let readers: Vec<_> = (0..n)
                .map(|_| {
                    let (cache, here) = (cache.clone(), Arc::clone(&here));
                    tokio::spawn(async move {
                        here.fetch_add(1, Ordering::SeqCst);
                        cache.get("/").await
                    })
                })
                .collect();
            while held && here.load(Ordering::SeqCst) < n {
                tokio::task::yield_now().await;
            }
            gate.open();
            assert!(answers(readers).await.iter().all(|answer| answer.text() == "1"));
            assert_eq!(cache.origin.calls(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_has_the_head_before_the_bodys_end_and_all_of_the_body() {
    let (head, body) = (Gate::new(), Gate::new());
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
    let steps =
        [Step::data("first, "), Step::Gate(body.clone()), Step::data("last"), Step::Trailers(trailers)];
    let held = head.clone();
    let origin = Origin::new(move |_| Reply::steps(steps.clone()).gated(&held));
    let cache = Cache::new(long(), &origin);
    let early: Vec<_> = (0..3).map(|_| tokio::spawn(cache.call(request("/")))).collect();
    rest().await;
    head.open();
    let mut open = Vec::new();
    for reader in early {
        open.push(reader.await.unwrap().unwrap());
    }
    // One more, in the middle of the body.
    open.push(cache.open(request("/")).await);
    for response in &mut open {
        let first = response.body_mut().frame().now_or_never().flatten().expect("a frame").unwrap();
        assert_eq!(first.into_data().unwrap(), "first, ");
        assert!(response.body_mut().frame().now_or_never().is_none());
    }
    let said: Vec<_> = open.iter().map(|response| said(response.headers())).collect();
    let collapsed = "fwd=uri-miss; stored; collapsed";
    assert_eq!(said, ["fwd=uri-miss; stored", collapsed, collapsed, collapsed]);
    body.open();
    for response in open {
        let answer = Answer::read(response).await;
        assert_eq!(answer.text(), "last");
        assert_eq!(answer.trailers.unwrap()["x-sum"], "42");
    }
    let hit = cache.get("/").await;
    assert_eq!((hit.text(), &*hit.said, origin.calls()), ("first, last", "hit", 1));
    assert_eq!(hit.trailers.unwrap()["x-sum"], "42");
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_the_leaders_and_one_waiter_leads_once_more() {
    /// What those get who neither led nor lead once more.
    struct Made(u16, &'static str, &'static str);
    let classified = Reply::status(503).header("retry-after", "9");
    let throttled = Reply::status(429).header("retry-after", "7");
    let cases = [
        ("classified", classified, Some("503 fwd=uri-miss; detail=failure"), Made(502, "failure", "1")),
        ("429", throttled, Some("429 fwd=uri-miss; detail=throttled"), Made(503, "throttled", "7")),
        ("408", Reply::status(408), Some("408 fwd=uri-miss; detail=throttled"), Made(503, "throttled", "1")),
        ("error", Reply::none(Step::Error), None, Made(502, "error", "1")),
        ("panic", Reply::none(Step::Panic), None, Made(502, "panic", "1")),
        (
            "hangs",
            Reply::none(Step::Hang),
            Some("timeout fwd=uri-miss; detail=timeout"),
            Made(504, "timeout", "1"),
        ),
    ];
    for (title, reply, own, Made(status, reason, retry_after)) in cases {
        let gate = Gate::new();
        let failing = reply.gated(&gate);
        let cache = Cache::new(long(), &Origin::new(move |_| failing.clone()));
        let readers: Vec<_> = (0..6).map(|_| tokio::spawn(cache.call(request("/")))).collect();
        rest().await;
        assert_eq!(cache.origin.calls(), 1, "{title}");
        gate.open();
        let mut own_answers = 0;
        let mut made = 0;
        for reader in readers {
            let answer = match reader.await {
                Ok(Ok(response)) => Answer::read(response).await,
                Ok(Err(OriginError)) => {
                    assert_eq!(title, "error");
                    own_answers += 1;
                    continue;
                }
                Err(panic) => {
                    assert!(panic.is_panic() && title == "panic");
                    own_answers += 1;
                    continue;
                }
            };
            if Some(&*format!("{} {}", answer.text(), answer.said)) == own {
                own_answers += 1;
                continue;
            }
            made += 1;
            assert_eq!((answer.status.as_u16(), answer.failure()), (status, Some(reason)), "{title}");
            assert_eq!(answer.header("retry-after"), Some(retry_after), "{title}");
            assert_eq!(answer.said, format!("fwd=uri-miss; collapsed=?0; detail={reason}"), "{title}");
        }
        // The leader, and the one who led once more.
        assert_eq!((own_answers, made, cache.origin.calls()), (2, 4, 2), "{title}");
        assert_free(&cache, title).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_leads_once_more_may_have_better_luck() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| match call.n {
        1 => Reply::status(503).gated(&held),
        _ => up(call),
    });
    let cache = Cache::new(long(), &origin);
    let readers = readers(&cache, 6).await;
    gate.open();
    let mut bodies: Vec<String> =
        answers(readers).await.iter().map(|answer| answer.text().to_owned()).collect();
    bodies.sort();
    assert_eq!(bodies, ["2", "503", "failure", "failure", "failure", "failure"]);
    assert_eq!(cache.get("/").await.said, "hit");
    assert_eq!(origin.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_for_nobody_else_releases_all_who_wait_and_marks_the_key() {
    type Second = fn(Reply) -> Reply;
    let cases: [(&str, Second); 8] = [
        ("no_store", |reply| reply.control("no-store")),
        ("private", |reply| reply.control("private")),
        ("set_cookie", |reply| reply.header("set-cookie", "a=b")),
        ("vary_star", |reply| reply.header("vary", "*")),
        ("streaming", |reply| reply.header("content-type", "text/event-stream; charset=utf-8")),
        ("streaming", |reply| reply.header("content-type", "Multipart/X-Mixed-Replace;boundary=a")),
        ("streaming", |reply| reply.header("content-type", "application/grpc+proto")),
        ("too_large", |reply| reply.length(5 << 20)),
    ];
    for (reason, decorate) in cases {
        let origin = Origin::new(move |call| decorate(up(call)).after(Duration::from_millis(100)));
        let cache = Cache::new(long(), &origin);
        let start = Start::now();
        let burst = answers((0..200).map(|_| cache.spawn("/")).collect()).await;
        // Once to find out, and once for each.
        assert!(start.elapsed() <= Duration::from_millis(201), "{reason}: {:?}", start.elapsed());
        let mut bodies: Vec<usize> = burst
            .iter()
            .map(|answer| {
                assert_eq!(answer.said, format!("fwd=uri-miss; detail={reason}"));
                std::str::from_utf8(&answer.body).unwrap().parse().unwrap()
            })
            .collect();
        bodies.sort_unstable();
        assert_eq!(bodies, (1..=200).collect::<Vec<_>>(), "{reason}: a body was shared");

        // For two minutes from the last one on, nobody waits for anybody.
        let last = start.elapsed().as_secs_f64();
        start.at(last + 119.0).await;
        let burst = readers(&cache, 50).await;
        assert_eq!(origin.running(), 50, "{reason}");
        answers(burst).await;
        start.at(last + 119.1 + 120.1).await;
        let burst = readers(&cache, 50).await;
        assert_eq!(origin.running(), 1, "{reason}");
        answers(burst).await;

        // Something storable ends it at once.
        origin.now(|call| up(call).after(Duration::from_millis(100)));
        cache.get("/").await;
        assert_eq!(cache.get("/").await.said, "hit");
        let now = start.elapsed().as_secs_f64();
        start.at(now + 1000.0).await;
        let calls = origin.calls();
        answers(readers(&cache, 50).await).await;
        assert_eq!(origin.calls(), calls + 1, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_of_ones_own_is_not_shared_and_changes_nothing_for_others() {
    for (name, reason) in [("authorization", "authorization"), ("cookie", "cookie")] {
        let origin = Origin::new(|call| up(call).after(secs(1)));
        let cache = Cache::new(route(10, 20), &origin);
        let own = |n: usize| -> Vec<_> {
            (0..n).map(|n| cache.spawn_send(request("/").header(name, n.to_string()))).collect()
        };
        let start = Start::now();
        // Cold: all at once, and none of it is kept or noted.
        let first = own(5);
        rest().await;
        assert_eq!(origin.running(), 5, "{name}");
        for answer in answers(first).await {
            assert_eq!(answer.said, format!("fwd=uri-miss; detail={reason}"));
        }
        assert_eq!((cache.handle.stats().keys, start.elapsed()), (0, secs(1)), "{name}");
        let burst = readers(&cache, 5).await;
        assert_eq!(origin.running(), 1, "{name}");
        assert!(answers(burst).await.iter().all(|answer| answer.text() == "6"), "{name}");

        // What is stored is not theirs, and they do not touch it.
        let answer = cache.send(request("/").header(name, "a")).await;
        assert_eq!((answer.text(), &*answer.said), ("7", &*format!("fwd=request; detail={reason}")));
        let hit = cache.get("/").await;
        assert_eq!((hit.text(), &*hit.said), ("6", "hit"));

        // Neither when it is stale: they wake no refresh.
        start.at(13.0).await;
        answers(own(1)).await;
        assert_eq!(origin.calls(), 8, "{name}");
        // Behind a flight of the others', they do not wait for it.
        start.at(30.0).await;
        let gate = Gate::new();
        let held = gate.clone();
        origin.now(move |call| if call.n == 9 { up(call).gated(&held) } else { up(call) });
        let waiting = readers(&cache, 3).await;
        let answer = cache.send(request("/").header(name, "a")).await;
        assert_eq!(answer.text(), "10", "{name}");
        gate.open();
        assert!(answers(waiting).await.iter().all(|answer| answer.text() == "9"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_origin_gives_to_everybody_is_shared_with_requests_of_ones_own() {
    for (name, control) in [("authorization", "public"), ("cookie", "max-age=60")] {
        let cache = Cache::new(route(10, 20), &Origin::new(move |call| up(call).control(control)));
        let get = || cache.send(request("/").header(name, "a"));
        assert_eq!(get().await.said, "fwd=uri-miss; stored", "{name}");
        assert_eq!(get().await.said, "hit", "{name}");
        assert_eq!(cache.get("/").await.said, "hit", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_variant_is_shared_with_those_who_select_it_only() {
    let by_language = |gate: &Gate| {
        let gate = gate.clone();
        move |call: &Call| {
            let language = call.header("accept-language").unwrap_or("none").to_owned();
            Reply::ok(language).header("vary", "Accept-Language").gated(&gate)
        }
    };
    let gate = Gate::new();
    let cache = Cache::new(long(), &Origin::new(by_language(&gate)));
    let start = Start::now();
    let languages = ["de", "fr", "fr", "de", "en", "fr", "en"];
    let readers = || async {
        let each =
            languages.map(|language| cache.spawn_send(request("/").header("accept-language", language)));
        rest().await;
        each.into()
    };
    let cold = readers().await;
    assert_eq!(cache.origin.calls(), 1);
    gate.open();
    for (answer, language) in answers(cold).await.iter().zip(languages) {
        assert_eq!(answer.text(), language);
    }
    assert_eq!(cache.origin.calls(), 3);
    // What tells variants apart is known from now on, so each has a flight of its own.
    let gate = Gate::new();
    cache.origin.now(by_language(&gate));
    start.at(1000.0).await;
    let expired = readers().await;
    assert_eq!(cache.origin.running(), 3);
    gate.open();
    for (answer, language) in answers(expired).await.iter().zip(languages) {
        assert_eq!(answer.text(), language);
    }
    assert_eq!(cache.origin.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_body_is_a_cut_body() {
    let gate = Gate::new();
    let steps = [Step::data("begun"), Step::Gate(gate.clone()), Step::Panic];
    let cache = Cache::new(long(), &Origin::new(move |_| Reply::steps(steps.clone())));
    let readers = readers(&cache, 3).await;
    gate.open();
    for answer in answers(readers).await {
        assert_eq!((&answer.body[..], answer.status), (&b"begun"[..], StatusCode::OK));
        assert!(!body_error(&answer).is_upstream());
    }
    assert_eq!(cache.origin.calls(), 1);
    assert_free(&cache, "body").await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_classifier_is_the_leaders() {
    let gate = Gate::new();
    let held = gate.clone();
    let config = long().failure_classifier(|head: &http::response::Parts| {
        assert_ne!(head.status, StatusCode::IM_A_TEAPOT, "as it was told");
        false
    });
    let cache = Cache::new(config, &Origin::new(move |_| Reply::status(418).gated(&held)));
    let readers: Vec<_> = (0..4).map(|_| cache.spawn("/")).collect();
    rest().await;
    gate.open();
    let results = join_all(readers).await;
    let panics = results.iter().filter(|result| result.as_ref().is_err_and(|error| error.is_panic())).count();
    let made = results.iter().flatten().filter(|answer| answer.failure() == Some("panic")).count();
    assert_eq!((panics, made), (2, 2));
    assert_free(&cache, "classifier").await;
}

#[tokio::test(start_paused = true)]
async fn an_origin_has_half_a_minute_to_its_head() {
    let cache = Cache::new(long(), &Origin::new(|_| Reply::none(Step::Hang)));
    let start = Start::now();
    let answer = cache.get("/").await;
    assert_eq!(start.elapsed(), secs(30));
    assert_eq!((answer.status.as_u16(), answer.failure()), (504, Some("timeout")));
    assert_eq!((answer.header("retry-after"), &*answer.said), (Some("1"), "fwd=uri-miss; detail=timeout"));
    assert_free(&cache, "timeout").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_for_ever_but_not_stand_still() {
    let slow = (0..20).flat_map(|_| [Step::Wait(secs(29)), Step::data("x")]);
    let steps: Vec<_> = slow.collect();
    let honest = Cache::new(long(), &Origin::new(move |_| Reply::steps(steps.clone())));
    let start = Start::now();
    let readers_of_it = readers(&honest, 3).await;
    for answer in answers(readers_of_it).await {
        assert_eq!(answer.text(), "x".repeat(20));
    }
    assert_eq!(start.elapsed(), secs(20 * 29));
    assert_eq!(honest.get("/").await.said, "hit");

    let steps = [Step::data("x"), Step::Wait(secs(10)), Step::data("y"), Step::Hang];
    let hangs = Cache::new(long(), &Origin::new(move |_| Reply::steps(steps.clone())));
    let start = Start::now();
    for answer in answers(readers(&hangs, 3).await).await {
        assert_eq!(&answer.body[..], b"xy");
        assert!(body_error(&answer).is_timeout());
    }
    assert_eq!((start.elapsed(), hangs.origin.calls(), hangs.origin.bodies()), (secs(40), 1, 0));
    assert_free(&hangs, "body").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_what_was_promised_is_never_stored_wherever_it_breaks() {
    const BODY: &str = "eight by";
    let bytes = |upto: usize| BODY[..upto].chars().map(|c| Step::data(c.to_string())).collect::<Vec<_>>();
    let mut cases = Vec::new();
    for at in 0..=BODY.len() {
        let with = |last| [bytes(at), vec![last]].concat();
        cases.push((format!("error at {at}"), Reply::steps(with(Step::Error)), at));
        cases.push((format!("error at {at} of 8"), Reply::steps(with(Step::Error)).length(8), at));
        cases.push((format!("panic at {at}"), Reply::steps(with(Step::Panic)), at));
        if at < BODY.len() {
            cases.push((format!("end at {at} of 8"), Reply::steps(bytes(at)).length(8), at));
            cases.push((format!("8 where {at} were promised"), Reply::steps(bytes(8)).length(at as u64), at));
        }
    }
    for (title, reply, at) in cases {
        let cache = Cache::new(long(), &Origin::new(move |_| reply.clone()));
        for answer in answers(readers(&cache, 2).await).await {
            assert_eq!(&answer.body[..], &BODY.as_bytes()[..at], "{title}");
            body_error(&answer);
        }
        assert_eq!(cache.handle.stats().keys, 0, "{title}");
        assert_free(&cache, &title).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_at_whatever_moment_leaves_the_fetch_to_the_others() {
    let wait = || Step::Wait(Duration::from_millis(10));
    let steps = [Step::data("a"), wait(), Step::data("b"), wait(), Step::data("c")];
    let good = Reply::steps(steps.clone()).before(wait());
    let bad = Reply::status(503).before(wait());
    for fails in [false, true] {
        for leader_leaves in [true, false] {
            for n in 1.. {
                let title = format!("after {n} polls, fails: {fails}, leader: {leader_leaves}");
                let reply = if fails { bad.clone() } else { good.clone() };
                let cache = Cache::new(long(), &Origin::new(move |_| reply.clone()));
                let start = Start::now();
                let leaves = {
                    let cache = cache.clone();
                    async move { cache.get("/").await }
                };
                let leaver = || tokio::spawn(poll_times(leaves, n));
                let (left, stays) = if leader_leaves {
                    let left = leaver();
                    (left, readers(&cache, 2).await)
                } else {
                    let stays = readers(&cache, 2).await;
                    (leaver(), stays)
                };
                let left = left.await.unwrap();
                for answer in answers(stays).await {
                    if !fails {
                        assert_eq!(answer.text(), "abc", "{title}");
                    } else {
                        assert!(answer.text() == "503" || answer.failure() == Some("failure"), "{title}");
                    }
                }
                start.at(1.0).await;
                let stats = cache.handle.stats();
                assert_eq!(
                    (stats.flights, stats.inflight_bytes, cache.origin.running()),
                    (0, 0, 0),
                    "{title}"
                );
                if fails {
                    assert!(cache.origin.calls() <= 2, "{title}");
                    assert_free(&cache, &title).await;
                } else {
                    assert_eq!((&*cache.get("/").await.said, cache.origin.calls()), ("hit", 1), "{title}");
                }
                if left.is_some() {
                    assert!(n > 1, "nothing was left in the middle");
                    break;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_nobody_waits_for_any_more_still_fills() {
    let steps = [Step::data("a"), Step::Wait(secs(5)), Step::data("b")];
    for n in 1.. {
        let steps = steps.clone();
        let cache = Cache::new(long(), &Origin::new(move |_| Reply::steps(steps.clone()).after(secs(5))));
        let start = Start::now();
        let left = poll_times(cache.get("/"), n).await;
        start.at(10.0).await;
        let hit = cache.get("/").await;
        assert_eq!((hit.text(), &*hit.said, cache.origin.calls()), ("ab", "hit", 1), "after {n} polls");
        if left.is_some() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_of_fetches_one_waits_for_a_turn_until_the_time_out() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| match call.path() {
        "/long" => Reply::steps([Step::data("a"), Step::Gate(held.clone()), Step::data("b")]),
        _ => up(call),
    });
    let handle = CacheHandle::builder().max_concurrent_fetches(1).build().unwrap();
    let cache = Cache::on(&handle, long().fetch_timeout(secs(5)).build().unwrap(), &origin);
    let start = Start::now();
    cache.get("/hit").await;
    let under_way = cache.spawn("/long");
    rest().await;
    let waits = [cache.spawn("/a"), cache.spawn("/a")];
    start.at(3.0).await;
    let later = cache.spawn("/b");
    rest().await;
    assert_eq!((origin.calls(), &*cache.get("/hit").await.said), (2, "hit"));
    // The one who leads, and the one who leads once more.
    start.at(5.0).await;
    assert_eq!(origin.calls(), 2);
    start.at(6.0).await;
    gate.open();
    assert_eq!(under_way.await.unwrap().text(), "ab");
    assert_eq!(later.await.unwrap().said, "fwd=uri-miss; stored");
    let [first, second] = waits;
    let refused = first.await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.failure()), (503, Some("overload")));
    assert_eq!((refused.header("retry-after"), &*refused.said), (Some("1"), "fwd=uri-miss; detail=overload"));
    assert_eq!(second.await.unwrap().said, "fwd=uri-miss; stored");
}

/// The body of `Reply::steps` that is larger than `max_body`, in frames of 16 KiB.
fn large(frames: usize, gate: &Gate) -> Reply {
    let frame = |n: usize| Step::data(vec![n as u8; 16 << 10]);
    let first = [frame(0), Step::Gate(gate.clone())];
    Reply::steps(first.into_iter().chain((1..frames).map(frame)))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_turns_out_too_large_passes_through_whole_and_is_not_kept() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |_| large(64, &held));
    let cache = Cache::new(long().max_body_bytes(64 << 10), &origin);
    let readers_of_it = readers(&cache, 3).await;
    gate.open();
    let whole: Vec<u8> = (0..64_u8).flat_map(|n| [n; 16 << 10]).collect();
    for answer in answers(readers_of_it).await {
        assert!(answer.body_error.is_none() && answer.body == whole, "{:?}", answer.body_error);
    }
    assert_eq!((origin.calls(), cache.handle.stats().inflight_bytes), (1, 0));
    assert!(cache.entry("/").is_none());
    // It is known now: nobody waits for anybody.
    let calls = origin.calls();
    let gate = Gate::new();
    let held = gate.clone();
    origin.now(move |_| Reply::ok("small").gated(&held));
    let burst = readers(&cache, 3).await;
    assert_eq!(origin.calls(), calls + 3);
    gate.open();
    answers(burst).await;
}

#[tokio::test(start_paused = true)]
async fn the_slowest_reader_of_a_large_body_sets_the_pace_until_it_stands_still_for_too_long() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |_| large(640, &held));
    let cache = Cache::new(long().max_body_bytes(64 << 10).body_timeout(secs(5)), &origin);
    let start = Start::now();
    let quick = cache.spawn("/");
    rest().await;
    let stalled = cache.open(request("/")).await;
    gate.open();
    start.at(4.9).await;
    // What it may keep, what it may be ahead, and a frame for each.
    let most = (64 + 256) / 16 + 2;
    assert!((1..=most).contains(&origin.frames()), "{}", origin.frames());
    assert!(!quick.is_finished());
    start.at(5.1).await;
    let quick = quick.await.unwrap();
    assert_eq!((quick.body.len(), quick.body_error.is_none()), (640 * (16 << 10), true));
    let stalled = Answer::read(stalled).await;
    assert!(body_error(&stalled).is_timeout());
    assert_eq!((origin.bodies(), origin.calls()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_endless_response_ends_when_nobody_reads_it_any_more() {
    type Second = fn(Reply) -> Reply;
    let cases: [(&str, Second); 2] = [
        ("by its type", |reply| reply.header("content-type", "text/event-stream")),
        ("by its length", |reply| reply),
    ];
    for (title, decorate) in cases {
        let endless = decorate(Reply::steps([Step::Endless(vec![0; 16 << 10].into())]));
        let origin = Origin::new(move |_| endless.clone());
        let handle = CacheHandle::builder().max_concurrent_fetches(1).build().unwrap();
        let cache = Cache::on(&handle, long().max_body_bytes(64 << 10).build().unwrap(), &origin);
        let start = Start::now();
        let mut response = cache.open(request("/")).await;
        for _ in 0..100 {
            assert!(response.body_mut().frame().await.is_some_and(|frame| frame.is_ok()), "{title}");
        }
        drop(response);
        let now = start.elapsed().as_secs_f64();
        start.at(now + 1.0).await;
        assert_eq!((origin.bodies(), cache.handle.stats().inflight_bytes), (0, 0), "{title}");
        origin.now(up);
        assert_eq!(cache.get("/other").await.text(), "2", "{title}");
    }
}

#[test]
fn a_runtime_that_shuts_down_takes_its_flights_with_it() {
    let (done, finished) = std::sync::mpsc::channel();
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some("doomed") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        hook(panic);
    }));
    let doomed = std::thread::Builder::new().name("doomed".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("doomed")
            .enable_all()
            .build()
            .unwrap();
        let origin = Origin::new(|call| match call.n % 2 {
            0 => Reply::none(Step::Hang),
            _ => Reply::steps([Step::data("a"), Step::Hang]),
        });
        let cache = Cache::new(long(), &origin);
        let _inside = runtime.enter();
        for n in 0..2000 {
            drop(cache.spawn(&format!("/{}", n % 1000)));
        }
        while origin.calls() < 1000 || origin.running() > 500 {
            std::thread::yield_now();
        }
        // Somebody leaves, or has a body that does not end, at the same time.
        let open = runtime.block_on(poll_times(cache.call(request("/other")), 1));
        runtime.shutdown_timeout(secs(10));
        done.send(()).unwrap();
        drop(open);
        let stats = cache.handle.stats();
        assert_eq!((stats.flights, stats.inflight_bytes, origin.running()), (0, 0, 0));
    });
    finished.recv_timeout(secs(5)).expect("shut down");
    doomed.unwrap().join().unwrap();
    assert_eq!(panics.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_outlives_its_runtime_with_an_error() {
    let steps = [Step::data("a"), Step::Hang];
    let cache =
        Cache::new(origin_says(), &Origin::new(move |_| Reply::steps(steps.clone()).control("max-age=9")));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let response = first.block_on(cache.open(request("/")));
    drop(first);
    let answer = runtime().block_on(Answer::read(response));
    assert_eq!(&answer.body[..0], b"");
    body_error(&answer);
    assert_eq!(cache.handle.stats().flights, 0);
}
