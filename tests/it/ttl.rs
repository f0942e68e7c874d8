//! How long a stored response serves: each limit, who names it, and what does not move it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::StatusCode;
use tower_swr_cache::{CacheHandle, CacheOverride, SwrConfig, SwrConfigBuilder};

use crate::support::{
    Cache, Call, Origin, Reply, Start, Step, origin_says, request, rest, route, secs, wall,
};

/// One route, what its origin answers, and what a client gets at each second: the body, and what the cache says of it.
struct Story {
    title: &'static str,
    route: SwrConfigBuilder,
    origin: fn(&Call) -> Reply,
    scenes: &'static [(f64, &'static str)],
}

async fn play(stories: Vec<Story>) {
    for Story { title, route, origin, scenes } in stories {
        let cache = Cache::new(route, &Origin::new(origin));
        let start = Start::now();
        for (second, expected) in scenes {
            start.at(*second).await;
            let answer = cache.get("/").await;
            assert_eq!(format!("{} {}", answer.text(), answer.said), *expected, "{title}, at {second}");
            rest().await;
        }
    }
}

/// The number of the call.
fn up(call: &Call) -> Reply {
    Reply::ok(call.n.to_string())
}

/// The first response is `reply`, and then everything fails.
fn once(call: &Call, reply: impl FnOnce(Reply) -> Reply) -> Reply {
    if call.n == 1 { reply(up(call)) } else { Reply::status(503) }
}

#[tokio::test(start_paused = true)]
async fn each_limit_is_kept_to_whoever_names_it() {
    play(vec![
        Story {
            title: "the route's soft and hard TTL",
            route: route(10, 30),
            origin: up,
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (9.999, "1 hit"),
                (10.0, "1 hit; detail=stale"),
                (10.0, "2 hit"),
                (19.999, "2 hit"),
                (39.999, "2 hit; detail=stale"),
                (39.999, "3 hit"),
                (69.999, "4 fwd=stale; stored"),
            ],
        },
        Story {
            title: "a soft TTL alone is the hard one, too",
            route: origin_says().soft_ttl(secs(10)),
            origin: up,
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (9.999, "1 hit"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "a hard TTL alone is the soft one, too",
            route: origin_says().hard_ttl(secs(10)),
            origin: up,
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (9.999, "1 hit"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "the route means it, whatever the response says to those further down",
            route: route(10, 30),
            origin: |call| up(call).control("max-age=1, s-maxage=2, stale-while-revalidate=60"),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (9.999, "1 hit"),
                (29.999, "1 hit; detail=stale"),
                (59.999, "3 fwd=stale; stored"),
            ],
        },
        Story {
            title: "must-revalidate is never served stale",
            route: route(10, 30),
            origin: |call| up(call).control("must-revalidate"),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (9.999, "1 hit"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "proxy-revalidate neither",
            route: route(10, 30),
            origin: |call| up(call).control("proxy-revalidate"),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "but by an option that names it",
            route: route(10, 30).ignore_must_revalidate(),
            origin: |call| up(call).control("must-revalidate"),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (29.999, "1 hit; detail=stale")],
        },
        Story {
            title: "a status outside the route's TTLs",
            route: route(10, 30),
            origin: |_| Reply::status(404),
            scenes: &[(0.0, "404 fwd=uri-miss; detail=status"), (1.0, "404 fwd=uri-miss; detail=status")],
        },
        Story {
            title: "a status with TTLs of its own",
            route: route(10, 30).status_ttl(StatusCode::NOT_FOUND, secs(2), secs(4)),
            origin: |_| Reply::status(404),
            scenes: &[
                (0.0, "404 fwd=uri-miss; stored"),
                (1.999, "404 hit"),
                (2.0, "404 hit; detail=stale"),
                (2.0, "404 hit"),
                (6.0, "404 fwd=stale; stored"),
            ],
        },
        Story {
            title: "the handler overrules the route",
            route: route(10, 30),
            origin: |call| up(call).extension(CacheOverride::new().soft_ttl(secs(2)).hard_ttl(secs(4))),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (1.999, "1 hit"),
                (3.999, "1 hit; detail=stale"),
                (7.999, "3 fwd=stale; stored"),
            ],
        },
        Story {
            title: "the handler overrules a response that says nothing",
            route: origin_says(),
            origin: |call| up(call).extension(CacheOverride::new().hard_ttl(secs(4))),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (3.999, "1 hit"), (4.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "the handler forbids",
            route: route(10, 30),
            origin: |call| up(call).extension(CacheOverride::new().no_store()),
            scenes: &[(0.0, "1 fwd=uri-miss; detail=override"), (0.0, "2 fwd=uri-miss; detail=override")],
        },
        Story {
            title: "max-age",
            route: origin_says(),
            origin: |call| up(call).control("max-age=10"),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (9.999, "1 hit"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "s-maxage goes before max-age",
            route: origin_says(),
            origin: |call| up(call).control("max-age=1, s-maxage=10"),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (9.999, "1 hit"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "Expires, by the response's own date",
            route: origin_says(),
            origin: |call| {
                let at = |s| httpdate::fmt_http_date(wall() + secs(s));
                up(call).header("date", at(100)).header("expires", at(110))
            },
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (9.999, "1 hit"), (10.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "an age on arrival is taken off",
            route: origin_says(),
            origin: |call| up(call).control("max-age=10").header("age", "4"),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (5.999, "1 hit"), (6.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "stale-while-revalidate",
            route: origin_says(),
            origin: |call| up(call).control("max-age=10, stale-while-revalidate=5"),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (9.999, "1 hit"),
                (14.999, "1 hit; detail=stale"),
                (14.999, "2 hit"),
                (29.999, "3 fwd=stale; stored"),
            ],
        },
        Story {
            title: "a fallback is for responses that say nothing",
            route: origin_says().fallback_ttl(secs(10), secs(30)),
            origin: |call| if call.n == 1 { up(call) } else { up(call).control("max-age=3") },
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (9.999, "1 hit"),
                (29.999, "1 hit; detail=stale"),
                (29.999, "2 hit"),
                (32.999, "3 fwd=stale; stored"),
            ],
        },
        Story {
            title: "a response that says nothing on a route that says nothing",
            route: origin_says(),
            origin: up,
            scenes: &[
                (0.0, "1 fwd=uri-miss; detail=no_freshness"),
                (0.0, "2 fwd=uri-miss; detail=no_freshness"),
            ],
        },
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_a_response_serves_to_its_error_limit_and_no_longer() {
    play(vec![
        Story {
            title: "half the hard TTL more",
            route: route(10, 30),
            origin: |call| once(call, |reply| reply),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (10.0, "1 hit; detail=stale"),
                (29.999, "1 hit; detail=stale"),
                (30.0, "1 hit; detail=stale_error"),
                (44.999, "1 hit; detail=stale_error"),
                (45.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "never asked for since its soft limit",
            route: route(10, 30),
            origin: |call| once(call, |reply| reply),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (44.998, "1 fwd=stale; detail=stale_error"),
                (44.999, "1 hit; detail=stale_error"),
                (45.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "never asked for before it is over",
            route: route(10, 30),
            origin: |call| once(call, |reply| reply),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (45.0, "503 fwd=stale; detail=failure")],
        },
        Story {
            title: "a good fetch ends the extension",
            route: route(10, 30),
            origin: |call| if call.n == 2 { Reply::status(503) } else { up(call) },
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (29.999, "1 hit; detail=stale"),
                (32.0, "1 hit; detail=stale_error"),
                (32.0, "3 hit"),
                (62.0, "4 fwd=stale; stored"),
            ],
        },
        Story {
            title: "no extension",
            route: route(10, 30).failure_extension(0.0),
            origin: |call| once(call, |reply| reply),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (29.999, "1 hit; detail=stale"),
                (30.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "the longer of extension and stale_if_error",
            route: route(10, 30).stale_if_error(secs(20)),
            origin: |call| once(call, |reply| reply),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (49.999, "1 fwd=stale; detail=stale_error"),
                (50.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "must-revalidate",
            route: route(10, 30),
            origin: |call| once(call, |reply| reply.control("must-revalidate")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (9.999, "1 hit"),
                (10.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "the extension is for the route's TTLs, not for the response's",
            route: origin_says(),
            origin: |call| once(call, |reply| reply.control("max-age=10, stale-while-revalidate=5")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (14.999, "1 hit; detail=stale"),
                (15.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "stale-if-error",
            route: origin_says().stale_if_error(secs(100)),
            origin: |call| once(call, |reply| reply.control("max-age=10, stale-if-error=20")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (10.0, "1 fwd=stale; detail=stale_error"),
                (29.999, "1 hit; detail=stale_error"),
                (30.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "the option, where the response says nothing of errors",
            route: origin_says().stale_if_error(secs(20)),
            origin: |call| once(call, |reply| reply.control("max-age=10")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (29.999, "1 fwd=stale; detail=stale_error"),
                (30.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "s-maxage allows only what the same response grants",
            route: origin_says().stale_if_error(secs(20)),
            origin: |call| once(call, |reply| reply.control("s-maxage=10")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (9.999, "1 hit"),
                (10.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "s-maxage with a grant",
            route: origin_says(),
            origin: |call| once(call, |reply| reply.control("s-maxage=10, stale-if-error=20")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (29.999, "1 fwd=stale; detail=stale_error"),
                (30.0, "503 fwd=stale; detail=failure"),
            ],
        },
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_the_origin_down_every_key_is_answered_to_one_and_a_half_hard_ttls_and_none_after() {
    let origin = Origin::counting();
    let cache = Cache::new(route(10, 40), &origin);
    let start = Start::now();
    let paths: Vec<String> = (0..20).map(|n| format!("/{n}")).collect();
    for path in &paths {
        cache.get(path).await;
    }
    origin.now(|_| Reply::none(Step::Error));
    // All but the last are asked for every five seconds; that one is asked for at the very end alone.
    for second in (5..60).step_by(5).map(f64::from).chain([59.999]) {
        start.at(second).await;
        let asked = if second < 59.0 { &paths[..19] } else { &paths[..] };
        for path in asked {
            let answer = cache.call(request(path)).await;
            assert_eq!(answer.expect("an answer").status(), 200, "{path} at {second}");
        }
    }
    start.at(60.0).await;
    for path in &paths {
        assert!(cache.call(request(path)).await.is_err(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn routes_of_one_cache_keep_to_their_own_limits() {
    let handle = CacheHandle::builder().build().unwrap();
    let named = |name: &str, soft, hard| {
        SwrConfig::builder(name).soft_jitter(0.0).soft_ttl(secs(soft)).hard_ttl(secs(hard)).build()
    };
    let quick = Cache::on(&handle, named("quick", 2, 4).unwrap(), &Origin::counting());
    let slow = Cache::on(&handle, named("slow", 20, 40).unwrap(), &Origin::counting());
    let start = Start::now();
    quick.get("/").await;
    slow.get("/").await;
    start.at(4.0).await;
    assert_eq!(quick.get("/").await.said, "fwd=stale; stored");
    assert_eq!(slow.get("/").await.said, "hit");
    start.at(39.0).await;
    assert_eq!(slow.get("/").await.said, "hit; detail=stale");
}

/// Says 304 to whoever has the tag `"a"`.
fn tagged(call: &Call) -> Reply {
    let reply = if call.header("if-none-match") == Some("\"a\"") { Reply::status(304) } else { up(call) };
    reply.header("etag", "\"a\"")
}

#[tokio::test(start_paused = true)]
async fn past_its_limits_a_response_with_a_validator_is_kept_to_be_confirmed() {
    play(vec![
        Story {
            title: "kept for ten minutes, confirmed, fresh again",
            route: route(10, 30),
            origin: tagged,
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (644.999, "1 fwd=stale; fwd-status=304"),
                (654.998, "1 hit"),
                // From the confirmation on, the same again; now nobody confirms it, as it is forgotten.
                (1290.0, "3 fwd=stale; stored"),
            ],
        },
        Story {
            title: "as long as the route says",
            route: route(10, 30).keep(secs(5)),
            origin: tagged,
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (50.0, "2 fwd=stale; stored")],
        },
        Story {
            title: "never served unasked",
            route: route(10, 30),
            origin: |call| once(call, |reply| reply.header("etag", "\"a\"")),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (44.999, "1 fwd=stale; detail=stale_error"),
                (45.0, "503 fwd=stale; detail=failure"),
                (100.0, "503 fwd=stale; detail=failure"),
            ],
        },
        Story {
            title: "no-cache asks each time",
            route: route(10, 30),
            origin: |call| tagged(call).control("no-cache"),
            scenes: &[
                (0.0, "1 fwd=uri-miss; stored"),
                (0.0, "1 fwd=stale; fwd-status=304"),
                (500.0, "1 fwd=stale; fwd-status=304"),
            ],
        },
        Story {
            title: "no-cache and a failure",
            route: route(10, 30),
            origin: |call| once(call, |reply| reply.header("etag", "\"a\"").control("no-cache")),
            scenes: &[(0.0, "1 fwd=uri-miss; stored"), (0.0, "503 fwd=stale; detail=failure")],
        },
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_shows_its_instants_and_whether_it_is_extended() {
    let origin = Origin::counting();
    let cache = Cache::new(route(10, 30), &origin);
    let start = Start::now();
    assert_eq!(cache.entry("/"), None);
    cache.get("/").await;
    let entry = cache.entry("/").expect("stored");
    assert_eq!((entry.route.as_str(), entry.status, entry.body_bytes), ("route", StatusCode::OK, 1));
    let seen = [entry.cached_at, entry.soft_expires_at, entry.hard_expires_at, entry.error_expires_at];
    assert_eq!(seen.map(since_wall), [0, 10, 30, 45].map(secs));
    assert_eq!((entry.age, entry.extended), (secs(0), false));

    origin.now(|_| Reply::status(503));
    start.at(12.0).await;
    cache.get("/").await;
    rest().await;
    let extended = cache.entry("/").expect("stored");
    assert_eq!((extended.age, extended.extended), (secs(12), true));
    assert_eq!(extended.error_expires_at, entry.error_expires_at);

    origin.now(up);
    start.at(14.0).await;
    cache.get("/").await;
    rest().await;
    let renewed = cache.entry("/").expect("stored");
    assert_eq!((renewed.age, renewed.extended), (secs(0), false));
}

fn since_wall(at: SystemTime) -> Duration {
    at.duration_since(wall()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_the_soft_ttl_and_only_where_a_stale_span_follows() {
    let soft_ttls = |hard| async move {
        let config = SwrConfig::builder("route").soft_ttl(secs(100)).hard_ttl(secs(hard));
        let cache = Cache::new(config, &Origin::counting());
        let mut seen = BTreeSet::new();
        for n in 0..200 {
            let path = format!("/{n}");
            cache.get(&path).await;
            seen.insert(since_wall(cache.entry(&path).unwrap().soft_expires_at));
        }
        seen
    };
    let jittered = soft_ttls(200).await;
    assert!(jittered.iter().all(|ttl| (secs(90)..=secs(100)).contains(ttl)), "{jittered:?}");
    assert!(jittered.first() < Some(&secs(92)) && jittered.last() > Some(&secs(98)), "{jittered:?}");
    assert_eq!(soft_ttls(100).await, BTreeSet::from([secs(100)]));
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_wall_clock_changes_nothing_that_is_stored() {
    const YEAR: i64 = 365 * 86_400;
    for jump in [-YEAR, YEAR] {
        let offset = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&offset);
        let handle = CacheHandle::builder()
            .wall_clock(move || match clock.load(Ordering::SeqCst) {
                back @ ..0 => wall() - secs(back.unsigned_abs()),
                on => wall() + secs(on.unsigned_abs()),
            })
            .build()
            .unwrap();
        let cache = Cache::on(&handle, route(10, 30).build().unwrap(), &Origin::new(tagged));
        let start = Start::now();
        cache.get("/").await;
        let before = cache.entry("/").unwrap();
        offset.store(jump, Ordering::SeqCst);
        start.at(9.999).await;
        let fresh = cache.get("/").await;
        assert_eq!((&*fresh.said, fresh.age()), ("hit", 9), "{jump}");
        let after = cache.entry("/").unwrap();
        assert_eq!(after.cached_at, before.cached_at);
        assert_eq!(after.hard_expires_at, before.hard_expires_at);
        start.at(29.999).await;
        assert_eq!(cache.get("/").await.said, "hit; detail=stale", "{jump}");
        rest().await;
        // Confirmed under the new wall clock, and as fresh as ever.
        start.at(39.998).await;
        assert_eq!(cache.get("/").await.said, "hit", "{jump}");
    }
}

#[tokio::test(start_paused = true)]
async fn age_counts_from_the_origin() {
    type Decorate = fn(Reply) -> Reply;
    // The age that it is stored with, and the one that is told to the request that it was fetched for: none, unless it was
    // in another cache (RFC 9111 §5.1).
    let told: [(&str, Decorate, u64, Option<&str>); 5] = [
        ("new", |reply| reply, 0, None),
        ("Age", |reply| reply.header("age", "7"), 7, Some("7")),
        ("Date", |reply| reply.header("date", httpdate::fmt_http_date(wall() - secs(20))), 20, None),
        ("on its way", |reply| reply.after(secs(3)), 3, None),
        ("Age and on its way", |reply| reply.header("age", "7").after(secs(3)), 10, Some("10")),
    ];
    for (title, decorate, expected, first_hand) in told {
        let cache = Cache::new(route(100, 300), &Origin::new(move |call| decorate(up(call))));
        let first = cache.get("/").await;
        assert_eq!(first.header("age"), first_hand, "{title}");
        let start = Start::now();
        start.at(5.0).await;
        let hit = cache.get("/").await;
        assert_eq!((hit.age(), hit.headers.get_all("age").iter().count()), (expected + 5, 1), "{title}");
        start.at(50_000.0).await;
        assert_eq!(cache.get("/").await.header("age"), first_hand, "{title}");
    }
}
