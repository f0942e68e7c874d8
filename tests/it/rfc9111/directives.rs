//! What a request may say to a cache (RFC 9111 §5.2.1), by the route's option.

use tower_swr_cache::SwrConfigBuilder;

use super::{Case, Up, case, ok, play, unchanged, up};
use crate::support::{origin_says, route};

const REQUEST: &str = "RFC 9111 §5.2.1";
const MAX_AGE: &str = "RFC 9111 §5.2.1.1";
const MAX_STALE: &str = "RFC 9111 §5.2.1.2";
const MIN_FRESH: &str = "RFC 9111 §5.2.1.3";
const NO_CACHE: &str = "RFC 9111 §5.2.1.4";
const NO_STORE: &str = "RFC 9111 §5.2.1.5";
const NO_TRANSFORM: &str = "RFC 9111 §5.2.1.6";
const CACHED: &str = "RFC 9111 §5.2.1.7";
const HIT: &str = "200 #1 hit";
const STALE: &str = "200 #1 hit; detail=stale";
const ASKED: &str = "200 #1 fwd=request; fwd-status=304";
const ASKED_STALE: &str = "200 #1 fwd=stale; fwd-status=304";
const NOTHING: &str = "504 only_if_cached detail=only_if_cached";

/// Fresh for 10 seconds, stale to 20, to 30 after a failure; with a validator.
fn swr() -> [Up; 2] {
    [
        ok(["cache-control: max-age=10, stale-while-revalidate=10, stale-if-error=20", r#"etag: "a""#]),
        unchanged([]),
    ]
}

fn heeding() -> SwrConfigBuilder {
    origin_says().client_directives()
}

/// Both modes, each of them heeding what requests say.
fn heeded(section: &'static str, title: impl Into<String>) -> Case {
    case(section, title).on(heeding()).on(route(10, 20).client_directives())
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = [
        (NO_CACHE, "cache-control: no-cache", 1, ASKED),
        (NO_CACHE, "cache-control: NO-CACHE", 1, ASKED),
        (NO_CACHE, "cache-control: no-cache=x", 1, ASKED),
        (NO_CACHE, "cache-control: x, no-cache", 1, ASKED),
        (NO_CACHE, "cache-control: no-cache, max-stale", 1, ASKED),
        (NO_CACHE, "cache-control: no-cache", 15, ASKED_STALE),
        (NO_CACHE, r#"cache-control: ext="no-cache""#, 1, HIT),
        (NO_CACHE, "cache-control: x-no-cache", 1, HIT),
        (MAX_AGE, "cache-control: max-age=0", 1, ASKED),
        (MAX_AGE, "cache-control: max-age=0", 0, ASKED),
        (MAX_AGE, "cache-control: max-age=5", 5, HIT),
        (MAX_AGE, "cache-control: max-age=5", 6, ASKED),
        (MAX_AGE, "cache-control: MAX-AGE=5", 6, ASKED),
        (MAX_AGE, r#"cache-control: max-age="5""#, 6, ASKED),
        (MAX_AGE, r#"cache-control: max-age="5""#, 5, HIT),
        (MAX_AGE, "cache-control: max-age=99, max-age=5", 6, ASKED),
        (MAX_AGE, "cache-control: max-age=abc", 1, ASKED),
        (MAX_AGE, "cache-control: max-age=-1", 1, ASKED),
        (MAX_AGE, "cache-control: max-age", 1, ASKED),
        (MAX_AGE, "cache-control: max-age=99999999999999999999", 9, HIT),
        (MAX_AGE, "cache-control: max-age=60", 11, ASKED_STALE),
        (MAX_AGE, "cache-control: max-age=12, max-stale", 12, STALE),
        (MAX_AGE, "cache-control: max-age=12, max-stale", 13, ASKED_STALE),
        (MIN_FRESH, "cache-control: min-fresh=5", 5, HIT),
        (MIN_FRESH, "cache-control: min-fresh=5", 6, ASKED),
        (MIN_FRESH, "cache-control: min-fresh=11", 0, ASKED),
        (MIN_FRESH, "cache-control: min-fresh=0", 9, HIT),
        (MIN_FRESH, "cache-control: min-fresh=1", 15, ASKED_STALE),
        (MIN_FRESH, "cache-control: min-fresh=1, min-fresh=5", 6, ASKED),
        (MIN_FRESH, "cache-control: min-fresh=abc", 1, ASKED),
        (MAX_STALE, "cache-control: max-stale", 15, STALE),
        (MAX_STALE, "cache-control: max-stale=5", 15, STALE),
        (MAX_STALE, "cache-control: max-stale=4", 15, ASKED_STALE),
        (MAX_STALE, "cache-control: max-stale=0", 15, ASKED_STALE),
        (MAX_STALE, "cache-control: max-stale", 25, STALE),
        (MAX_STALE, "cache-control: max-stale=15", 25, STALE),
        (MAX_STALE, "cache-control: max-stale=14", 25, ASKED_STALE),
        (MAX_STALE, "cache-control: max-stale=abc", 25, ASKED_STALE),
        (MAX_STALE, "cache-control: max-stale, max-stale=4", 15, ASKED_STALE),
        (MAX_STALE, "cache-control: max-stale=99", 31, ASKED_STALE),
        (MAX_STALE, "cache-control: max-stale=99", 1, HIT),
        (NO_TRANSFORM, "cache-control: no-transform", 1, HIT),
        (REQUEST, "cache-control: s-maxage=0, private, must-revalidate", 1, HIT),
        (REQUEST, "cache-control:", 1, HIT),
        (CACHED, "cache-control: only-if-cached", 1, HIT),
        (CACHED, "cache-control: only-if-cached", 15, STALE),
        (CACHED, "cache-control: only-if-cached", 31, NOTHING),
        (CACHED, "cache-control: only-if-cached, max-age=5", 6, NOTHING),
        (CACHED, "cache-control: only-if-cached, no-cache", 1, NOTHING),
        (CACHED, "cache-control: only-if-cached=1", 31, ASKED_STALE),
        (NO_STORE, "cache-control: no-store", 1, HIT),
        (NO_STORE, "cache-control: no-store", 15, STALE),
    ]
    .map(|(section, line, second, answer)| {
        heeded(section, format!("{line}, {second} s later"))
            .origin(swr())
            .fill()
            .get(second, answer)
            .with([line])
    })
    .into();
    cases.extend(
        [
            "cache-control: no-cache",
            "cache-control: no-store",
            "cache-control: max-age=0",
            "cache-control: min-fresh=99",
            "cache-control: only-if-cached",
            "pragma: no-cache",
        ]
        .map(|line| {
            case(REQUEST, format!("{line} says nothing by default"))
                .in_both_modes()
                .origin([ok(["cache-control: max-age=60", r#"etag: "a""#])])
                .get(0, "200 #1 fwd=uri-miss; stored")
                .with([line])
                .get(1, HIT)
                .with([line])
        }),
    );
    cases.extend([
        case(REQUEST, "max-stale says nothing by default")
            .origin(swr())
            .fill()
            .get(25, ASKED_STALE)
            .with(["cache-control: max-stale"]),
        heeded(REQUEST, "what stands on two lines counts")
            .origin(swr())
            .fill()
            .get(6, ASKED)
            .with(["cache-control: min-fresh=1", "cache-control: max-age=5"]),
        heeded(NO_CACHE, "who asks for what is new gets it, where there is nothing to ask with")
            .origin([ok(["cache-control: max-age=10"])])
            .fill()
            .get(1, "200 #2 fwd=request; stored")
            .with(["cache-control: no-cache"])
            .get(2, "200 #2 hit"),
        heeded(NO_CACHE, "what is confirmed for one is fresh for all")
            .origin(swr())
            .fill()
            .get(5, ASKED)
            .with(["cache-control: no-cache"])
            .get(14, HIT)
            .shows(["age: 9"]),
        heeded(NO_CACHE, "the condition of who asks is evaluated against what was confirmed")
            .origin(swr())
            .fill()
            .get(5, "304 - fwd=request; fwd-status=304")
            .with(["cache-control: no-cache", r#"if-none-match: "a""#])
            .sent([r#"if-none-match: "a""#]),
        heeded(NO_CACHE, "a part of what was confirmed")
            .origin(swr())
            .fill()
            .get(5, "206 # fwd=request; fwd-status=304")
            .with(["cache-control: no-cache", "range: bytes=0-0"]),
        heeded(NO_CACHE, "HEAD has it confirmed, too")
            .origin(swr())
            .fill()
            .head(5, "200 - fwd=request; fwd-status=304")
            .with(["cache-control: no-cache"])
            .get(6, HIT),
        heeded(CACHED, "a condition on what is stored")
            .origin(swr())
            .fill()
            .get(5, "304 - hit")
            .with(["cache-control: only-if-cached", r#"if-none-match: "a""#]),
        heeded(NO_CACHE, "what a request does not want does not stand in for an error")
            .origin([swr()[0].clone(), up(503, [])])
            .fill()
            .get(1, "503 #2 fwd=request; detail=failure")
            .with(["cache-control: no-cache"])
            .get(2, HIT),
        heeded(MAX_AGE, "the age on arrival counts")
            .origin([
                ok(["cache-control: max-age=20, stale-while-revalidate=9", "age: 4", r#"etag: "a""#]),
                unchanged([]),
            ])
            .fill()
            .get(1, HIT)
            .with(["cache-control: max-age=5"])
            .get(2, ASKED)
            .with(["cache-control: max-age=5"]),
        heeded(MAX_STALE, "never what must not be served stale")
            .origin([
                ok(["cache-control: max-age=10, must-revalidate, stale-if-error=99", r#"etag: "a""#]),
                unchanged([]),
            ])
            .fill()
            .get(11, ASKED_STALE)
            .with(["cache-control: max-stale"]),
        heeded(NO_STORE, "a response to a request with no-store is not stored")
            .origin([ok(["cache-control: max-age=10"])])
            .get(0, "200 #1 fwd=uri-miss; detail=request_no_store")
            .with(["cache-control: No-Store"])
            .get(1, "200 #2 fwd=uri-miss; stored"),
        heeded(NO_STORE, "nor does it replace what is stored")
            .origin(swr())
            .fill()
            .get(31, "200 #1 fwd=stale; fwd-status=304")
            .with(["cache-control: no-store"])
            .get(32, "200 #1 fwd=stale; fwd-status=304"),
        heeded(CACHED, "who wants what is stored, or nothing, makes no call")
            .origin([ok(["cache-control: max-age=10"])])
            .get(0, NOTHING)
            .with(["cache-control: only-if-cached"])
            .get(1, "200 #1 fwd=uri-miss; stored"),
        heeded(CACHED, "nothing stored for this variant is nothing")
            .origin([ok(["cache-control: max-age=10", "vary: x"])])
            .fill()
            .get(1, NOTHING)
            .with(["x: a", "cache-control: only-if-cached"]),
        heeded(CACHED, "the same for HEAD")
            .origin([ok(["cache-control: max-age=10"])])
            .head(0, "504 - detail=only_if_cached")
            .with(["cache-control: only-if-cached"]),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn what_a_request_says() {
    play(cases()).await;
}
