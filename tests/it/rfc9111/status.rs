//! What a cache says it did (RFC 9211).

use http::HeaderName;

use super::{Case, broken, case, hangs, ok, play, unchanged, up};
use crate::support::{origin_says, route, secs};

const FIELD: &str = "RFC 9211 §2";
const HIT: &str = "RFC 9211 §2.1";
const FWD: &str = "RFC 9211 §2.2";
const FWD_STATUS: &str = "RFC 9211 §2.3";
const STORED: &str = "RFC 9211 §2.5";
const COLLAPSED: &str = "RFC 9211 §2.6";
const DETAIL: &str = "RFC 9211 §2.8";
const FRESH: &str = "cache-control: max-age=60";
const TAG: &str = r#"etag: "a""#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = words();
    cases.extend(details());
    cases.extend(collapsing());
    cases.extend(chains());
    cases
}

fn words() -> Vec<Case> {
    vec![
        case(HIT, "a hit says nothing of fwd")
            .in_both_modes()
            .origin([ok([FRESH])])
            .stored()
            .shows(["cache-status: tower-swr-cache; hit"]),
        case(HIT, "a stale one is a hit: nothing was asked for it")
            .on(route(10, 30))
            .origin([ok([])])
            .fill()
            .get(10, "200 #1 hit; detail=stale"),
        case(FWD, "uri-miss: nothing is stored")
            .in_both_modes()
            .origin([ok([FRESH])])
            .get(0, "200 #1 fwd=uri-miss; stored"),
        case(FWD, "vary-miss: something is stored, for others")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x"])])
            .fill()
            .get(1, "200 #2 fwd=vary-miss; stored")
            .with(["x: a"]),
        case(FWD, "stale: something is stored, and too old")
            .origin([ok(["cache-control: max-age=10"])])
            .fill()
            .get(10, "200 #2 fwd=stale; stored"),
        case(FWD, "request: something is stored, and the request does not want it")
            .on(origin_says().client_directives())
            .origin([ok([FRESH])])
            .fill()
            .get(1, "200 #2 fwd=request; stored")
            .with(["cache-control: no-cache"]),
        case(FWD, "request: something is stored, and not for who has credentials")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .get(1, "200 #2 fwd=request; detail=authorization")
            .with(["authorization: Basic a"]),
        case(FWD, "method").in_both_modes().origin([ok([FRESH])]).ask(
            "POST",
            0,
            "200 #1 fwd=method; detail=method",
        ),
        case(FWD, "bypass")
            .in_both_modes()
            .origin([ok([FRESH])])
            .get(0, "200 #1 fwd=bypass; detail=precondition")
            .with(["if-match: *"]),
        case(FWD, "two URIs are two")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .get(1, "200 #2 fwd=uri-miss; stored")
            .to("/other"),
        case(FWD_STATUS, "304, where that is not what the client gets")
            .origin([ok(["cache-control: max-age=10", TAG]), unchanged([])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304"),
        case(FWD_STATUS, "304 of a request that wanted it confirmed")
            .on(origin_says().client_directives())
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=request; fwd-status=304")
            .with(["cache-control: no-cache"]),
        case(STORED, "stored only where it is")
            .in_both_modes()
            .origin([ok(["cache-control: no-store"]), ok([FRESH])])
            .get(0, "200 #1 fwd=uri-miss; detail=no_store")
            .get(1, "200 #2 fwd=uri-miss; stored"),
        case(STORED, "an error that is stored")
            .origin([up(503, [FRESH])])
            .get(0, "503 #1 fwd=uri-miss; stored"),
        case(HIT, "a 304 made from what is stored is a hit")
            .in_both_modes()
            .origin([ok([FRESH, TAG])])
            .fill()
            .get(1, "304 - hit")
            .with([r#"if-none-match: "a""#]),
        case(HIT, "what is stored, after a fetch that failed, is none")
            .origin([ok(["cache-control: max-age=10, stale-if-error=60"]), broken()])
            .fill()
            .get(10, "200 #1 fwd=stale; detail=stale_error")
            .get(11, "200 #1 hit; detail=stale_error"),
    ]
}

fn details() -> Vec<Case> {
    let mut cases: Vec<_> = [
        (500, "failure"),
        (502, "failure"),
        (503, "failure"),
        (504, "failure"),
        (429, "throttled"),
        (408, "throttled"),
        (418, "status"),
    ]
    .map(|(status, reason)| {
        case(DETAIL, format!("{status}")).in_both_modes().origin([up(status, [])]).not_stored(reason)
    })
    .into();
    cases.extend([
        case(DETAIL, "no answer")
            .on(route(10, 30).fetch_timeout(secs(5)))
            .origin([hangs()])
            .get(0, "504 timeout fwd=uri-miss; detail=timeout"),
        case(DETAIL, "the breaker is open")
            .on(route(10, 30).breaker(1, secs(30)))
            .origin([up(503, [])])
            .get(0, "503 #1 fwd=uri-miss; detail=failure")
            .get(1, "503 breaker_open fwd=uri-miss; detail=breaker_open"),
        case(DETAIL, "nothing is stored for who wants nothing else")
            .on(origin_says().client_directives())
            .origin([ok([FRESH])])
            .get(0, "504 only_if_cached detail=only_if_cached")
            .with(["cache-control: only-if-cached"])
            .shows(["cache-status: tower-swr-cache; detail=only_if_cached"]),
    ]);
    cases
}

fn collapsing() -> Vec<Case> {
    vec![
        case(COLLAPSED, "by another request's call")
            .in_both_modes()
            .origin([ok([FRESH]).after(1)])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .twin("200 #1 fwd=uri-miss; stored; collapsed")
            .get(2, "200 #1 hit"),
        case(COLLAPSED, "by another request's call for what is stale")
            .origin([ok(["cache-control: max-age=10"]).after(1)])
            .fill()
            .get(20, "200 #2 fwd=stale; stored")
            .twin("200 #2 fwd=stale; stored; collapsed"),
        case(COLLAPSED, "a call that confirms is the call of both")
            .origin([ok(["cache-control: max-age=10", TAG]), unchanged([]).after(1)])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .twin("200 #1 fwd=stale; fwd-status=304; collapsed")
            .get(12, "200 #1 hit"),
        case(COLLAPSED, "not where it may not be shared: no-store")
            .in_both_modes()
            .origin([ok(["cache-control: no-store"]).after(1)])
            .get(0, "200 #1 fwd=uri-miss; detail=no_store")
            .twin("200 #2 fwd=uri-miss; detail=no_store"),
        case(COLLAPSED, "not where it may not be shared: private")
            .in_both_modes()
            .origin([ok(["cache-control: private, max-age=60"]).after(1)])
            .get(0, "200 #1 fwd=uri-miss; detail=private")
            .twin("200 #2 fwd=uri-miss; detail=private"),
        case(COLLAPSED, "not for requests with Authorization")
            .in_both_modes()
            .origin([ok([FRESH]).after(1)])
            .get(0, "200 #1 fwd=uri-miss; detail=authorization")
            .with(["authorization: Basic a"])
            .twin("200 #2 fwd=uri-miss; detail=authorization"),
    ]
}

fn chains() -> Vec<Case> {
    const ABOVE: &str = "cache-status: Above; fwd=uri-miss";
    vec![
        case(FIELD, "a cache further up is kept, and this one comes after it")
            .in_both_modes()
            .origin([ok([FRESH, ABOVE])])
            .fill()
            .shows([ABOVE, "cache-status: tower-swr-cache; fwd=uri-miss; stored"])
            .get(1, "200 #1 hit")
            .shows([ABOVE, "cache-status: tower-swr-cache; hit"]),
        case(FIELD, "several further up are kept in their order")
            .in_both_modes()
            .origin([ok([FRESH, "cache-status: Origin; hit, Above; fwd=miss", "cache-status: Near; hit"])])
            .stored()
            .shows([
                "cache-status: Origin; hit, Above; fwd=miss",
                "cache-status: Near; hit",
                "cache-status: tower-swr-cache; hit",
            ]),
        case(FIELD, "a response that is not stored has both, too")
            .in_both_modes()
            .origin([ok(["cache-control: no-store", ABOVE])])
            .not_stored("no_store")
            .shows([ABOVE, "cache-status: tower-swr-cache; fwd=uri-miss; detail=no_store"]),
        case(FIELD, "a response that bypasses has both, too")
            .in_both_modes()
            .origin([ok([ABOVE])])
            .ask("POST", 0, "200 #1 fwd=method; detail=method")
            .shows([ABOVE, "cache-status: tower-swr-cache; fwd=method; detail=method"]),
        case(FIELD, "the words of the last answer from further up count")
            .origin([ok(["cache-control: max-age=10", TAG, ABOVE]), unchanged(["cache-status: Above; hit"])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .shows(["cache-status: Above; hit", "cache-status: tower-swr-cache; fwd=stale; fwd-status=304"])
            .get(11, "200 #1 hit")
            .shows(["cache-status: Above; hit", "cache-status: tower-swr-cache; hit"]),
        case(FIELD, "a name that is a token")
            .on(origin_says().cache_status_name("edge:1/a"))
            .origin([ok([FRESH])])
            .get(0, "200 #1 edge:1/a; fwd=uri-miss; stored")
            .get(1, "200 #1 edge:1/a; hit"),
        case(FIELD, "a name that is a string")
            .on(origin_says().cache_status_name("my \"edge\""))
            .origin([ok([FRESH])])
            .get(0, r#"200 #1 "my \"edge\""; fwd=uri-miss; stored"#)
            .get(1, r#"200 #1 "my \"edge\""; hit"#),
        case(FIELD, "in a field of another name")
            .on(origin_says().cache_status_field(Some(HeaderName::from_static("x-cache"))))
            .origin([ok([FRESH])])
            .get(0, "200 #1 ")
            .shows(["x-cache: tower-swr-cache; fwd=uri-miss; stored"])
            .get(1, "200 #1 ")
            .shows(["x-cache: tower-swr-cache; hit"]),
        case(FIELD, "not at all")
            .on(origin_says().cache_status_field(None))
            .origin([ok([FRESH])])
            .get(0, "200 #1 ")
            .get(1, "200 #1 ")
            .shows(["age: 1"])
            .lacks(["cache-status"]),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_a_cache_says_it_did() {
    play(cases()).await;
}
