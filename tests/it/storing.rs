//! What may be stored, and what may be shared: from a fill, from a refresh and from a 304.

use std::{convert::Infallible, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header, request::Builder};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{CacheOverride, Purge, SwrCacheLayer, SwrConfigBuilder, key};

use crate::support::{
    Answer, Cache, Call, Gate, Open, Origin, Reply, Start, Step, origin_says, request, rest, route, secs,
};

type Lift = fn(SwrConfigBuilder) -> SwrConfigBuilder;

/// A response that may not be stored: its status, its headers, the reason that is given, the option that lifts it.
struct Forbidden {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    reason: &'static str,
    lift: Option<Lift>,
}

const fn forbidden(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    reason: &'static str,
    lift: Option<Lift>,
) -> Forbidden {
    Forbidden { status, headers, reason, lift }
}

const CC: &str = "cache-control";
const NO_STORE: Lift = SwrConfigBuilder::ignore_no_store;
const PRIVATE: Lift = SwrConfigBuilder::store_private;
const NO_CACHE: Lift = SwrConfigBuilder::ignore_no_cache;
const SET_COOKIE: Lift = SwrConfigBuilder::store_set_cookie;

/// On a route with TTLs of its own: none of it is lifted by them.
static FORBIDDEN: &[Forbidden] = &[
    forbidden(200, &[(CC, "no-store")], "no_store", Some(NO_STORE)),
    forbidden(200, &[(CC, "No-Store, max-age=60")], "no_store", Some(NO_STORE)),
    forbidden(200, &[(CC, "max-age=60"), (CC, "public"), (CC, "no-store")], "no_store", Some(NO_STORE)),
    forbidden(200, &[(CC, "no-store=1")], "no_store", Some(NO_STORE)),
    forbidden(200, &[(CC, "max-age=60, no-store;")], "no_store", Some(NO_STORE)),
    forbidden(200, &[(CC, "private")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "PRIVATE,max-age=60")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "public, private")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "max-age=60"), (CC, "private")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "private=\"x-user\"")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "private=\"\"")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "private=")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "max-age=\"60, private")], "private", Some(PRIVATE)),
    forbidden(200, &[(CC, "no-cache")], "no_cache", Some(NO_CACHE)),
    forbidden(200, &[(CC, "public, no-cache=\"set-cookie\"")], "no_cache", Some(NO_CACHE)),
    forbidden(200, &[("set-cookie", "id=1")], "set_cookie", Some(SET_COOKIE)),
    forbidden(200, &[(CC, "public, max-age=60"), ("set-cookie", "id=1")], "set_cookie", Some(SET_COOKIE)),
    forbidden(200, &[("vary", "*")], "vary_star", None),
    forbidden(200, &[("vary", "accept"), ("vary", "accept-language, *")], "vary_star", None),
    forbidden(200, &[("vary", "a b")], "vary_star", None),
    forbidden(206, &[("content-range", "bytes 0-2/9")], "partial", None),
    forbidden(206, &[(CC, "max-age=60")], "partial", None),
    forbidden(304, &[], "unrequested_304", None),
    forbidden(304, &[(CC, "max-age=60"), ("etag", "\"other\"")], "unrequested_304", None),
    forbidden(200, &[("content-type", "text/event-stream; charset=utf-8")], "streaming", None),
    forbidden(200, &[("content-type", "Multipart/X-Mixed-Replace;boundary=x")], "streaming", None),
    forbidden(200, &[("content-type", "application/grpc+proto"), (CC, "max-age=60")], "streaming", None),
    forbidden(404, &[], "status", Some(|config| config.status_ttl(status(404), secs(10), secs(20)))),
    forbidden(204, &[], "status", Some(|config| config.status_ttl(status(204), secs(10), secs(20)))),
    forbidden(
        302,
        &[("location", "/")],
        "status",
        Some(|config| config.status_ttl(status(302), secs(10), secs(20))),
    ),
    forbidden(401, &[], "status", None),
    forbidden(501, &[], "status", None),
];

fn status(code: u16) -> http::StatusCode {
    code.try_into().unwrap()
}

/// A reply whose body is the call's number.
fn reply(call: &Call, status: u16, headers: &[(&'static str, &str)]) -> Reply {
    let reply = Reply::status(status);
    let reply = if status == 304 { reply } else { reply.body(call.n.to_string()) };
    headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}

fn forbids(case: &'static Forbidden) -> impl Fn(&Call) -> Reply + Clone + Send + Sync + 'static {
    move |call: &Call| reply(call, case.status, case.headers)
}

/// The reason in `Cache-Status`.
fn detail(answer: &Answer) -> &str {
    answer.said.split_once("detail=").map_or("", |(_, reason)| reason)
}

#[tokio::test(start_paused = true)]
async fn what_forbids_storing_is_not_stored_by_a_fill_nor_shared_with_who_waits() {
    for case in FORBIDDEN {
        let (status, headers) = (case.status, case.headers);
        let gate = Gate::new();
        let answers = forbids(case);
        let origin = Origin::new({
            let gate = gate.clone();
            move |call| answers(call).gated(&gate)
        });
        let cache = Cache::new(route(10, 20), &origin);
        let (leader, waiter) = (cache.spawn("/"), cache.spawn("/"));
        rest().await;
        assert_eq!(origin.calls(), 1, "{status} {headers:?}");
        gate.open();
        let (leader, waiter) = (leader.await.unwrap(), waiter.await.unwrap());
        assert_eq!(detail(&leader), case.reason, "{status} {headers:?} {}", leader.said);
        assert!(!leader.said.contains("stored"), "{}", leader.said);
        if status != 304 {
            assert_eq!((leader.text(), waiter.text()), ("1", "2"), "{status} {headers:?}");
        }
        let later = cache.get("/").await;
        assert_eq!(origin.calls(), 3, "{status} {headers:?} {}", later.said);
        assert!(cache.entry("/").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_forbids_storing_drops_what_was_stored_when_a_refresh_brings_it() {
    for case in FORBIDDEN {
        let (status, headers) = (case.status, case.headers);
        let origin = Origin::counting();
        let cache = Cache::new(route(10, 100), &origin);
        let start = Start::now();
        assert_eq!(cache.get("/").await.text(), "1");
        origin.now(forbids(case));
        start.at(11.0).await;
        let stale = cache.get("/").await;
        assert_eq!((stale.text(), &*stale.said), ("1", "hit; detail=stale"), "{status} {headers:?}");
        rest().await;
        assert_eq!(origin.calls(), 2, "{status} {headers:?}");
        assert!(cache.entry("/").is_none(), "{status} {headers:?}");
        origin.now(|call| Reply::ok(call.n.to_string()));
        assert_eq!(cache.get("/").await.text(), "3", "{status} {headers:?}");
        assert_eq!(cache.get("/").await.text(), "3", "storable again, stored again: {headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_forbids_storing_drops_what_was_stored_when_a_304_brings_it() {
    for case in FORBIDDEN.iter().filter(|case| case.status == 200 && case.reason != "streaming") {
        let headers = case.headers;
        // With a validator, `no-cache` only forbids to serve unasked.
        let only_unasked = case.reason == "no_cache";
        let origin = Origin::new(|call| reply(call, 200, &[("etag", "\"a\"")]));
        let cache = Cache::new(route(10, 100), &origin);
        let start = Start::now();
        cache.get("/").await;
        origin.now(|call| {
            assert_eq!(call.header("if-none-match"), Some("\"a\""));
            reply(call, 304, case.headers)
        });
        start.at(11.0).await;
        assert_eq!(cache.get("/").await.said, "hit; detail=stale", "{headers:?}");
        rest().await;
        assert_eq!(cache.entry("/").is_some(), only_unasked, "{headers:?}");
        origin.now(|call| Reply::ok(call.n.to_string()));
        assert_eq!(cache.get("/").await.text(), "3", "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_is_lifted_by_the_option_that_names_it_and_by_no_other() {
    let options: [Lift; 8] = [
        NO_STORE,
        PRIVATE,
        NO_CACHE,
        SET_COOKIE,
        SwrConfigBuilder::share_authorized,
        SwrConfigBuilder::ignore_cookies,
        SwrConfigBuilder::ignore_must_revalidate,
        |config| config.status_ttl(status(410), secs(10), secs(20)).stale_if_error(secs(60)),
    ];
    for case in FORBIDDEN {
        let headers = case.headers;
        let others = |lift: &Lift| case.lift.is_none_or(|own| *lift as usize != own as usize);
        for option in options.iter().filter(|option| others(option)) {
            let origin = Origin::new(forbids(case));
            let cache = Cache::new(option(route(10, 100)), &origin);
            cache.get("/").await;
            cache.get("/").await;
            assert_eq!(origin.calls(), 2, "{headers:?} lifted by another option");
        }
        let Some(lift) = case.lift else { continue };
        // By a fill.
        let origin = Origin::new(forbids(case));
        let cache = Cache::new(lift(route(10, 100)), &origin);
        let start = Start::now();
        assert_eq!(cache.get("/").await.said, "fwd=uri-miss; stored", "{headers:?}");
        let hit = cache.get("/").await;
        assert_eq!((hit.text(), &*hit.said), ("1", "hit"), "{headers:?}");
        // By a refresh.
        start.at(11.0).await;
        assert_eq!(cache.get("/").await.text(), "1", "{headers:?}");
        rest().await;
        assert_eq!(cache.get("/").await.text(), "2", "{headers:?}");
        assert_eq!(origin.calls(), 2, "{headers:?}");
        // By a 304.
        if case.status == 200 {
            let origin = Origin::new(|call| reply(call, 200, &[("etag", "\"a\"")]));
            let cache = Cache::new(lift(route(10, 100)), &origin);
            let start = Start::now();
            cache.get("/").await;
            origin.now(|call| reply(call, 304, case.headers));
            start.at(11.0).await;
            cache.get("/").await;
            rest().await;
            let confirmed = cache.get("/").await;
            assert_eq!((confirmed.text(), &*confirmed.said), ("1", "hit"), "{headers:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_cache_with_a_validator_is_stored_and_asked_about_every_time() {
    for option in [false, true] {
        let origin = Origin::new(|call| match call.header("if-none-match") {
            None => reply(call, 200, &[("etag", "\"a\""), (CC, "no-cache")]),
            Some(_) => reply(call, 304, &[("etag", "\"a\"")]),
        });
        let config = if option { route(10, 100).ignore_no_cache() } else { route(10, 100) };
        let cache = Cache::new(config, &origin);
        assert_eq!(cache.get("/").await.text(), "1");
        for asked in 2..5 {
            let answer = cache.get("/").await;
            assert_eq!(answer.text(), "1");
            assert_eq!(answer.status, 200);
            assert_eq!(origin.calls(), if option { 1 } else { asked });
            assert_eq!(answer.said, if option { "hit" } else { "fwd=stale; fwd-status=304" });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_handlers_own_no_store_is_not_lifted_by_any_option() {
    let origin = Origin::new(|call| reply(call, 200, &[]).extension(CacheOverride::new().no_store()));
    let lifted = SwrConfigBuilder::ignore_no_store(route(10, 100)).store_private().ignore_no_cache();
    for config in [route(10, 100), lifted] {
        let cache = Cache::new(config, &origin);
        let before = origin.calls();
        assert_eq!(detail(&cache.get("/").await), "override");
        cache.get("/").await;
        assert_eq!(origin.calls() - before, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_not_stored_without_explicit_freshness_and_replace_nothing() {
    for (status, explicit_stored) in
        [(500, true), (502, true), (503, true), (504, true), (429, true), (408, true)]
    {
        for (headers, stored) in
            [(&[][..], false), (&[(CC, "max-age=0")], false), (&[(CC, "max-age=60")], explicit_stored)]
        {
            let origin = Origin::new(move |call| reply(call, status, headers));
            let cache = Cache::new(route(10, 100), &origin);
            cache.get("/").await;
            let again = cache.get("/").await;
            assert_eq!(again.said == "hit", stored, "{status} {headers:?} {}", again.said);
            assert_eq!(again.status, status);
        }
        let origin = Origin::counting();
        let cache = Cache::new(route(10, 100), &origin);
        let start = Start::now();
        cache.get("/").await;
        origin.now(move |call| reply(call, status, &[]));
        for second in [11.0, 50.0, 99.0, 120.0] {
            start.at(second).await;
            let kept = cache.get("/").await;
            assert_eq!((kept.status.as_u16(), kept.text()), (200, "1"), "{status} at {second}");
        }
    }
}

/// A body that does not keep what its head promised, or does not come to its end.
fn broken_bodies() -> Vec<(&'static str, Reply)> {
    let data = |text: &'static str| Step::data(text);
    vec![
        ("shorter than promised", Reply::steps([data("abc")]).length(4)),
        ("empty where something was promised", Reply::steps([]).length(4)),
        ("longer than promised", Reply::steps([data("abc"), data("de")]).length(4)),
        ("an error at once", Reply::steps([Step::Error])),
        ("an error in the middle", Reply::steps([data("abc"), Step::Error])),
        ("an error after all that was promised", Reply::steps([data("abc"), Step::Error]).length(3)),
        ("a panic in the middle", Reply::steps([data("abc"), Step::Panic]).length(9)),
        ("silence in the middle", Reply::steps([data("abc"), Step::Hang]).length(9)),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_short_is_an_error_to_its_readers_and_not_stored() {
    for (what, broken) in broken_bodies() {
        let origin = Origin::new({
            let broken = broken.clone();
            move |_| broken.clone()
        });
        let cache = Cache::new(route(10, 100), &origin);
        let (leader, waiter) = (cache.spawn("/"), cache.spawn("/"));
        let (leader, waiter) = (leader.await.unwrap(), waiter.await.unwrap());
        assert!(leader.body_error.is_some(), "{what}: {leader:?}");
        assert!(waiter.body_error.is_some() || waiter.failure().is_some(), "{what}: {waiter:?}");
        assert!(cache.entry("/").is_none(), "{what}");
        assert_eq!(cache.handle.stats().inflight_bytes, 0, "{what}");

        let before = origin.calls();
        origin.now(|_| Reply::ok("whole"));
        assert_eq!(cache.get("/").await.text(), "whole", "{what}");
        assert_eq!(origin.calls(), before + 1, "{what}");

        // And by a refresh: what is stored stays.
        let start = Start::now();
        let broken = broken.clone();
        origin.now(move |_| broken.clone());
        start.at(11.0).await;
        assert_eq!(cache.get("/").await.text(), "whole", "{what}");
        start.at(60.0).await;
        assert_eq!(cache.get("/").await.text(), "whole", "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_that_cannot_be_believed_is_not_stored() {
    for lengths in [&["3", "3"][..], &["3", "4"], &["3, 3"], &["x"], &["-1"], &["99999999999999999999999"]] {
        let origin = Origin::new(move |_| {
            lengths.iter().fold(Reply::ok("abc"), |reply, length| reply.header("content-length", length))
        });
        let cache = Cache::new(route(10, 100), &origin);
        assert_eq!(cache.get("/").await.text(), "abc", "{lengths:?}");
        cache.get("/").await;
        assert_eq!(origin.calls(), 2, "{lengths:?}");
    }
}

fn with(headers: &[(&str, &str)]) -> Builder {
    headers.iter().fold(request("/"), |builder, (name, value)| builder.header(*name, *value))
}

#[tokio::test(start_paused = true)]
async fn authorization_is_shared_only_where_the_response_allows_it() {
    let (anna, bert) = ([("authorization", "anna")], [("authorization", "bert")]);
    for (headers, option, shared) in [
        (&[][..], false, false),
        (&[(CC, "max-age=60")], false, false),
        (&[(CC, "max-age=60, proxy-revalidate")], false, false),
        (&[(CC, "public=1, max-age=60")], false, false),
        (&[(CC, "max-age=60, must-revalidate=\"public")], false, false),
        (&[(CC, "public")], false, true),
        (&[(CC, "s-maxage=60")], false, true),
        (&[(CC, "must-revalidate, max-age=60")], false, true),
        (&[], true, true),
    ] {
        for config in [route(10, 100), origin_says().fallback_ttl(secs(10), secs(20))] {
            let config = if option { config.share_authorized() } else { config };
            let origin = Origin::new(move |call| reply(call, 200, headers));
            let cache = Cache::new(config, &origin);
            let first = cache.send(with(&anna)).await;
            assert_eq!(first.text(), "1");
            assert_eq!(first.said.contains("stored"), shared, "{headers:?} {}", first.said);
            let second = cache.send(with(&bert)).await;
            assert_eq!(second.said == "hit", shared, "{headers:?} {}", second.said);
            // What was stored for somebody without it follows the same rule.
            let anonymous = cache.get("/").await;
            assert_eq!(anonymous.said == "hit", shared, "{headers:?} {}", anonymous.said);
            assert_eq!(cache.get("/").await.said, "hit", "{headers:?}");
            let third = cache.send(with(&anna)).await;
            assert_eq!(third.said == "hit", shared, "{headers:?} {}", third.said);
            // And the one with it takes nothing from the others.
            assert_eq!(cache.get("/").await.said, "hit", "{headers:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn authorization_in_the_key_is_as_good_as_none() {
    let origin = Origin::counting();
    let by_user = (key::Target, key::Header::new(header::AUTHORIZATION));
    let cache = Cache::new(route(10, 100).key(by_user), &origin);
    for (user, body, said) in [
        ("anna", "1", "fwd=uri-miss; stored"),
        ("bert", "2", "fwd=uri-miss; stored"),
        ("anna", "1", "hit"),
        ("bert", "2", "hit"),
    ] {
        let answer = cache.send(with(&[("authorization", user)])).await;
        assert_eq!((answer.text(), &*answer.said), (body, said), "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_with_cookies_have_no_part_in_what_only_the_route_calls_fresh() {
    let keyed: Lift = |config| config.key((key::Target, key::Cookie::new("lang")));
    let by_route: Lift = |config| config;
    for (headers, option, shared) in [
        (&[][..], by_route, false),
        (&[(CC, "must-revalidate")], by_route, false),
        (&[(CC, "max-age=60")], by_route, true),
        (&[(CC, "s-maxage=60")], by_route, true),
        (&[(CC, "public")], by_route, true),
        (&[("expires", "Wed, 15 Nov 2023 22:13:20 GMT")], by_route, true),
        (&[], SwrConfigBuilder::ignore_cookies, true),
        (&[], keyed, true),
    ] {
        for config in [route(10, 100), origin_says().fallback_ttl(secs(10), secs(20))] {
            let origin = Origin::new(move |call| reply(call, 200, headers));
            let cache = Cache::new(option(config), &origin);
            let first = cache.send(with(&[("cookie", "session=anna")])).await;
            assert_eq!(first.said.contains("stored"), shared, "{headers:?} {}", first.said);
            if !shared {
                assert_eq!(detail(&first), "cookie", "{headers:?}");
            }
            let second = cache.send(with(&[("cookie", "session=bert")])).await;
            assert_eq!(second.said == "hit", shared, "{headers:?} {}", second.said);
            let anonymous = cache.get("/").await;
            assert_eq!(anonymous.said == "hit", shared, "{headers:?} {}", anonymous.said);
            let third = cache.send(with(&[("cookie", "session=anna")])).await;
            assert_eq!(third.said == "hit", shared, "{headers:?} {}", third.said);
            assert_eq!(cache.get("/").await.said, "hit", "{headers:?}");
        }
    }
}

/// A handler with sessions that says "stale at once" has not said that its pages are everybody's.
#[tokio::test(start_paused = true)]
async fn what_is_stale_by_its_own_word_is_fresh_by_the_routes_alone() {
    for headers in [
        &[(CC, "max-age=0, must-revalidate")][..],
        &[(CC, "max-age=0")],
        &[(CC, "s-maxage=0, max-age=60")],
        &[("expires", "0")],
        &[(CC, "max-age=60"), ("age", "60")],
    ] {
        let cache = Cache::new(route(10, 100), &Origin::new(move |call| reply(call, 200, headers)));
        let first = cache.send(with(&[("cookie", "session=anna")])).await;
        assert_eq!(detail(&first), "cookie", "{headers:?} {}", first.said);
        assert_eq!(cache.send(with(&[("cookie", "session=bert")])).await.text(), "2", "{headers:?}");
        assert_eq!(cache.get("/").await.text(), "3", "{headers:?}");
        assert_eq!(cache.send(with(&[("cookie", "session=anna")])).await.text(), "4", "{headers:?}");
        assert_eq!(cache.get("/").await.said, "hit", "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_who_come_at_once_get_their_own_pages() {
    for header in ["cookie", "authorization"] {
        let gate = Gate::new();
        let origin = Origin::new({
            let gate = gate.clone();
            move |call| Reply::ok(call.header(header).unwrap_or("nobody").to_owned()).gated(&gate)
        });
        let cache = Cache::new(route(10, 100), &origin);
        let users: Vec<_> = (0..20)
            .map(|n| if n % 4 == 0 { "nobody".to_owned() } else { format!("user={n}") })
            .map(|user| {
                let asked = if user == "nobody" { request("/") } else { with(&[(header, &user)]) };
                (user, cache.spawn_send(asked))
            })
            .collect();
        rest().await;
        assert_eq!(origin.calls(), 16, "one for each user, and one for all who are nobody");
        gate.open();
        for (user, page) in users {
            assert_eq!(page.await.unwrap().text(), user, "by {header}");
        }
        assert_eq!(cache.get("/").await.text(), "nobody");
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_that_shares_with_nobody_changes_nothing_for_the_others() {
    for (header, value) in [
        ("authorization", "anna"),
        ("cookie", "session=1"),
        ("range", "bytes=0-1"),
        ("x-forwarded-host", "evil"),
        ("x-http-method-override", "DELETE"),
        ("if-match", "*"),
    ] {
        let origin = Origin::counting();
        let cache = Cache::new(route(10, 20), &origin);
        cache.send(with(&[(header, value)])).await;
        let gate = Gate::new();
        origin.now({
            let gate = gate.clone();
            move |call| Reply::ok(call.n.to_string()).gated(&gate)
        });
        // Before the others come, and among them.
        let alone = cache.spawn_send(with(&[(header, value)]));
        rest().await;
        let readers: Vec<_> = (0..20).map(|_| cache.spawn("/")).collect();
        let among = cache.spawn_send(with(&[(header, value)]));
        rest().await;
        gate.open();
        let mut bodies: Vec<_> = Vec::new();
        for reader in readers {
            bodies.push(reader.await.unwrap().text().to_owned());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{header}");
        for other in [alone, among] {
            assert_ne!(other.await.unwrap().text(), bodies[0], "{header}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_origins_word_alone_decides_on_a_route_without_times() {
    const DATE: (&str, &str) = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
    for (status, headers, reason) in [
        (200, &[][..], "no_freshness"),
        (200, &[(CC, "max-age=0")], "expired"),
        (200, &[(CC, "max-age=x")], "expired"),
        (200, &[(CC, "max-age=60, max-age=0")], "expired"),
        (200, &[("expires", "0")], "expired"),
        (200, &[("age", "61"), (CC, "max-age=60")], "expired"),
        (206, &[(CC, "max-age=60")], "partial"),
        (302, &[], "status"),
        (404, &[], "no_freshness"),
        (200, &[(CC, "max-age=60")], ""),
        (200, &[(CC, "max-age=0, s-maxage=60")], ""),
        (200, &[DATE, ("expires", "Tue, 14 Nov 2023 22:14:20 GMT")], ""),
        (404, &[(CC, "max-age=60")], ""),
        (302, &[(CC, "max-age=60"), ("location", "/")], ""),
        (299, &[(CC, "max-age=60")], ""),
        (599, &[(CC, "max-age=60")], ""),
        (999, &[(CC, "max-age=60")], ""),
    ] {
        let origin = Origin::new(move |call| reply(call, status, headers));
        let cache = Cache::new(origin_says(), &origin);
        let first = cache.get("/").await;
        let second = cache.get("/").await;
        assert_eq!(detail(&first), reason, "{status} {headers:?} {}", first.said);
        assert_eq!(second.said == "hit", reason.is_empty(), "{status} {headers:?} {}", second.said);
        assert_eq!(second.status, status);
    }
}

const HOPS: [(&str, &str); 8] = [
    ("connection", "close, X-Hop, cache-control, VARY"),
    ("connection", "etag, set-cookie, age"),
    ("keep-alive", "timeout=5"),
    ("proxy-authenticate", "Basic"),
    ("proxy-connection", "close"),
    ("te", "trailers"),
    ("upgrade", "h2c"),
    ("x-hop", "1"),
];

#[tokio::test(start_paused = true)]
async fn fields_of_one_connection_are_neither_stored_nor_served() {
    let kept = [("etag", "\"a\""), ("vary", "accept"), (CC, "max-age=60"), ("x-end", "1")];
    let all: Vec<_> = HOPS.into_iter().chain(kept).collect();
    let origin = Origin::new(move |call| {
        let status = if call.header("if-none-match").is_some() { 304 } else { 200 };
        reply(call, status, &all)
    });
    let cache = Cache::new(origin_says().keep(secs(100)), &origin);
    let start = Start::now();
    for (second, said) in
        [(0.0, "fwd=uri-miss; stored"), (1.0, "hit"), (61.0, "fwd=stale; fwd-status=304"), (62.0, "hit")]
    {
        start.at(second).await;
        let answer = cache.get("/").await;
        assert_eq!(answer.said, said);
        for name in
            ["connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "upgrade", "x-hop"]
        {
            assert!(!answer.headers.contains_key(name), "{name} at {second}");
        }
        for (name, value) in kept {
            assert_eq!(answer.header(name), Some(value), "{name} at {second}");
        }
    }
    // `Vary` counts, although `Connection` names it.
    assert_eq!(cache.send(with(&[("accept", "text/html")])).await.said, "fwd=vary-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn connection_cannot_hide_what_forbids_storing() {
    for (name, value) in
        [("cache-control", "no-store"), ("set-cookie", "id=1"), ("vary", "*"), (CC, "private")]
    {
        let origin = Origin::new(move |call| reply(call, 200, &[("connection", name), (name, value)]));
        let cache = Cache::new(route(10, 100), &origin);
        cache.get("/").await;
        cache.get("/").await;
        assert_eq!(origin.calls(), 2, "{name}: {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn header_lines_keep_their_order_and_bytes_that_are_no_ascii() {
    let links = ["</a>; rel=preload", "</b>", "</a>; rel=preload"];
    let sent: HeaderMap = links
        .iter()
        .map(|link| (header::LINK, HeaderValue::from_static(link)))
        .chain([
            (HeaderName::from_static("x-name"), HeaderValue::from_bytes(b"caf\xe9 \xff\xfe").unwrap()),
            (HeaderName::from_static("x-name"), HeaderValue::from_bytes("été".as_bytes()).unwrap()),
            (HeaderName::from_static("x-empty"), HeaderValue::from_static("")),
        ])
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        });
    let origin = Origin::new({
        let sent = sent.clone();
        move |_| Reply::ok("x").headers(&sent)
    });
    let cache = Cache::new(route(10, 100), &origin);
    for said in ["fwd=uri-miss; stored", "hit"] {
        let answer = cache.get("/").await;
        assert_eq!(answer.said, said);
        for name in ["link", "x-name", "x-empty"] {
            let lines = |headers: &HeaderMap| headers.get_all(name).iter().cloned().collect::<Vec<_>>();
            assert_eq!(lines(&answer.headers), lines(&sent), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_without_a_date_gets_the_one_of_its_arrival() {
    let origin = Origin::counting();
    let cache = Cache::new(route(10, 100), &origin);
    let start = Start::now();
    for (second, age) in [(0.0, None), (5.0, Some("5"))] {
        start.at(second).await;
        let answer = cache.get("/").await;
        assert_eq!(answer.header("date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        assert_eq!(answer.header("age"), age);
    }
    origin.now(|_| Reply::ok("x").header("date", "Tue, 14 Nov 2023 22:13:00 GMT"));
    for age in [None, Some("20")] {
        let answer = cache.get("/dated").await;
        assert_eq!(answer.header("date"), Some("Tue, 14 Nov 2023 22:13:00 GMT"));
        assert_eq!(answer.header("age"), age);
    }
}

fn status_lines(open: &Open, field: &str) -> Vec<String> {
    open.headers().get_all(field).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
}

/// Takes a route through every outcome, and gives back what it said of each.
async fn every_outcome(
    config: SwrConfigBuilder,
    upstream: &'static [&'static str],
    field: &str,
) -> Vec<Vec<String>> {
    let says = move |call: &Call, status: u16| {
        let reply = reply(call, status, &[("etag", "\"a\"")]);
        upstream.iter().fold(reply, |reply, line| reply.header("x-cache-status", line))
    };
    let origin = Origin::new(move |call| says(call, 200));
    let cache = Cache::new(config.soft_ttl(secs(10)).hard_ttl(secs(20)).soft_jitter(0.0), &origin);
    let start = Start::now();
    let mut lines = Vec::new();
    let mut note = |open: Open| {
        lines.push(status_lines(&open, field));
        open
    };
    let post = || request("/other").method("POST");
    drop(note(cache.open(request("/")).await).into_body().collect().await); // miss
    note(cache.open(request("/")).await); // hit
    note(cache.open(post()).await); // bypass
    origin.now(move |call| says(call, 404));
    note(cache.open(request("/none")).await); // uncacheable
    origin.now(|_| Reply::none(Step::Error));
    start.at(11.0).await;
    note(cache.open(request("/")).await); // stale
    start.at(21.0).await;
    note(cache.open(request("/")).await); // stale after a failure
    rest().await;
    origin.now(move |call| says(call, 304));
    start.at(31.0).await;
    note(cache.open(request("/")).await); // revalidated
    start.at(32.0).await;
    note(cache.open(with(&[("if-none-match", "\"a\"")])).await); // a 304 of the cache's own
    origin.now(|_| Reply::none(Step::Hang));
    note(cache.open(request("/hung")).await); // nothing
    lines
}

#[tokio::test(start_paused = true)]
async fn every_outcome_says_what_it_was_in_the_fields_configured_name() {
    let field = || HeaderName::from_static("x-cache-status");
    let own = |name: &str| {
        [
            "fwd=uri-miss; stored",
            "hit",
            "fwd=method; detail=method",
            "fwd=uri-miss; detail=status",
            "hit; detail=stale",
            "hit; detail=stale_error",
            "fwd=stale; fwd-status=304",
            "hit",
            "fwd=uri-miss; detail=timeout",
        ]
        .map(|said| format!("{name}; {said}"))
    };

    let named = origin_says().cache_status_name("my cache").cache_status_field(Some(field()));
    let lines = every_outcome(named, &[], "x-cache-status").await;
    assert_eq!(lines, own("\"my cache\"").map(|line| vec![line]));

    // Behind what a cache further up has said. Of the last one it said nothing.
    let behind = origin_says().cache_status_field(Some(field()));
    let mut lines = every_outcome(behind, &["up1; hit", "up2; fwd=miss"], "x-cache-status").await;
    let mut own = own("tower-swr-cache").to_vec();
    assert_eq!(lines.pop(), own.pop().map(|line| vec![line]));
    let expected: Vec<_> =
        own.into_iter().map(|line| vec!["up1; hit".to_owned(), "up2; fwd=miss".to_owned(), line]).collect();
    assert_eq!(lines, expected);

    let off = origin_says().cache_status_field(None);
    let mut lines = every_outcome(off, &["up1; hit"], "x-cache-status").await;
    assert_eq!(lines.pop(), Some(vec![]));
    assert!(lines.iter().all(|lines| lines == &["up1; hit"]), "only what it was given: {lines:?}");
    let off = origin_says().cache_status_field(None);
    for lines in every_outcome(off, &[], "cache-status").await {
        assert!(lines.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn tags_are_kept_for_purges_and_sent_on_only_if_the_route_says_so() {
    for forward in [false, true] {
        let origin = Origin::new(|call| reply(call, 200, &[("cache-tag", "a, b"), ("surrogate-key", "c")]));
        let config = if forward { route(10, 100).forward_tags() } else { route(10, 100) };
        let cache = Cache::new(config, &origin);
        for _ in 0..2 {
            let answer = cache.get("/").await;
            assert_eq!(answer.header("cache-tag"), forward.then_some("a, b"));
            assert_eq!(answer.header("surrogate-key"), forward.then_some("c"));
        }
        assert_eq!(cache.handle.purge(Purge::tag("c")).entries, 1);
        assert_eq!(cache.get("/").await.text(), "2");
    }
}

/// Bytes of a buffer that notes when it is gone.
fn slice_of_a_buffer(text: &'static [u8], buffer: &Arc<()>) -> Bytes {
    struct Buffer(&'static [u8], #[expect(dead_code, reason = "it is dropped with the buffer")] Arc<()>);
    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            self.0
        }
    }
    Bytes::from_owner(Buffer(text, Arc::clone(buffer)))
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_keeps_no_buffer_of_the_connection_it_came_by() {
    let buffer = Arc::new(());
    let theirs = Arc::clone(&buffer);
    let origin = service_fn(move |_: Request<Body>| {
        let slice = |text| slice_of_a_buffer(text, &theirs);
        let value = |text| HeaderValue::from_maybe_shared(slice(text)).unwrap();
        let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-sum"), value(b"sum"))]);
        let frames = [Frame::data(slice(b"body")), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
        let mut response = Response::new(Body::new(StreamBody::new(stream::iter(frames))));
        let fields: [(_, &[u8]); 5] = [
            (header::ETAG, b"\"tag\""),
            (header::LAST_MODIFIED, b"Tue, 14 Nov 2023 22:13:20 GMT"),
            (header::VARY, b"accept"),
            (header::CONTENT_TYPE, b"text/plain"),
            (HeaderName::from_static("cache-tag"), b"one,two"),
        ];
        response.headers_mut().extend(fields.map(|(name, text)| (name, value(text))));
        async { Ok::<_, Infallible>(response) }
    });
    let cache = SwrCacheLayer::new(route(10, 100).build().unwrap()).layer(origin);
    for expected in ["tower-swr-cache; fwd=uri-miss; stored", "tower-swr-cache; hit"] {
        let response = cache.clone().oneshot(request("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["cache-status"], expected);
        let whole = response.into_body().collect().await.unwrap();
        assert_eq!(whole.trailers().unwrap()["x-sum"], "sum");
        assert_eq!(whole.to_bytes(), "body");
        tokio::task::yield_now().await;
        // The origin's own, and this test's.
        assert_eq!(Arc::strong_count(&buffer), 2, "{expected}");
    }
}
