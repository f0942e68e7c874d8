//! What may be served stale (RFC 9111 §4.2.4, RFC 5861).

use tower_swr_cache::SwrConfig;

use super::{Case, Up, broken, case, hangs, ok, play, unchanged, up};
use crate::support::{origin_says, route, secs};

const STALE: &str = "RFC 9111 §4.2.4";
const REVALIDATE: &str = "RFC 5861 §3";
const ERROR: &str = "RFC 5861 §4";
const MUST: &str = "RFC 9111 §5.2.2.2";
const PROXY: &str = "RFC 9111 §5.2.2.8";
const S_MAXAGE: &str = "RFC 9111 §5.2.2.10";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = while_revalidating();
    cases.extend(on_errors());
    cases.extend(by_the_route());
    cases
}

fn while_revalidating() -> Vec<Case> {
    let granted = [
        "cache-control: max-age=10, stale-while-revalidate=5",
        "cache-control: Stale-While-Revalidate=5, max-age=10",
        r#"cache-control: max-age=10, stale-while-revalidate="5""#,
        "cache-control: max-age=10, stale-while-revalidate=5, stale-while-revalidate=60",
        "cache-control: max-age=10, stale-while-revalidate=60, stale-while-revalidate=5",
        "cache-control: s-maxage=10, stale-while-revalidate=5",
    ]
    .map(|line| {
        case(REVALIDATE, format!("5 s more: {line}"))
            .origin([ok([line])])
            .fill()
            .get(9.999, "200 #1 hit")
            .get(14.999, "200 #1 hit; detail=stale")
            .get(14.999, "200 #2 hit")
            .get(29.999, "200 #3 fwd=stale; stored")
    });
    let refused = [
        (REVALIDATE, "cache-control: max-age=10"),
        (REVALIDATE, "cache-control: max-age=10, stale-while-revalidate=0"),
        (REVALIDATE, "cache-control: max-age=10, stale-while-revalidate"),
        (REVALIDATE, "cache-control: max-age=10, stale-while-revalidate=abc"),
        (REVALIDATE, "cache-control: max-age=10, stale-while-revalidate=-5"),
        (REVALIDATE, "cache-control: max-age=10, stale-while-revalidate=60, stale-while-revalidate=abc"),
        (REVALIDATE, r#"cache-control: max-age=10, ext="stale-while-revalidate=60""#),
        (MUST, "cache-control: max-age=10, stale-while-revalidate=60, must-revalidate"),
        (MUST, "cache-control: max-age=10, stale-while-revalidate=60, Must-Revalidate=1"),
        (PROXY, "cache-control: max-age=10, stale-while-revalidate=60, proxy-revalidate"),
        (S_MAXAGE, "cache-control: s-maxage=10, stale-while-revalidate=60, must-revalidate"),
        (STALE, "expires: @10"),
    ]
    .map(|(section, line)| case(section, format!("never stale: {line}")).origin([ok([line])]).fresh_for(10));
    let mut cases = Vec::from(granted);
    cases.extend(refused);
    cases.extend([
        case(REVALIDATE, "the refresh asks with the stored validator")
            .origin([
                ok(["cache-control: max-age=10, stale-while-revalidate=5", r#"etag: "a""#]),
                unchanged([]),
            ])
            .fill()
            .get(12, "200 #1 hit; detail=stale")
            .shows(["age: 12"])
            .sent([r#"if-none-match: "a""#])
            .get(12, "200 #1 hit")
            .shows(["age: 0"])
            .get(21.999, "200 #1 hit"),
        case(REVALIDATE, "a refresh that fails leaves the rest of the span")
            .origin([ok(["cache-control: max-age=10, stale-while-revalidate=20"]), broken()])
            .fill()
            .get(10, "200 #1 hit; detail=stale")
            .get(29.999, "200 #1 hit; detail=stale")
            .get(30, "error"),
        case(REVALIDATE, "what the refresh brings counts: no-store")
            .origin([
                ok(["cache-control: max-age=10, stale-while-revalidate=20"]),
                ok(["cache-control: no-store"]),
            ])
            .fill()
            .get(10, "200 #1 hit; detail=stale")
            .get(11, "200 #3 fwd=uri-miss; detail=no_store"),
        case(REVALIDATE, "what the refresh brings counts: 404")
            .origin([ok(["cache-control: max-age=10, stale-while-revalidate=20"]), up(404, [])])
            .fill()
            .get(10, "200 #1 hit; detail=stale")
            .get(11, "404 #3 fwd=uri-miss; detail=no_freshness"),
        case(REVALIDATE, "the span counts from the end of freshness, the age on arrival included")
            .origin([ok(["cache-control: max-age=10, stale-while-revalidate=5", "age: 4"])])
            .fill()
            .get(5.999, "200 #1 hit")
            .get(10.999, "200 #1 hit; detail=stale"),
        case(REVALIDATE, "an age on arrival beyond freshness is within the span")
            .origin([ok(["cache-control: max-age=10, stale-while-revalidate=5", "age: 12"])])
            .fill()
            .get(2.999, "200 #1 hit; detail=stale"),
        case(REVALIDATE, "what is never fresh may have a span")
            .origin([ok(["cache-control: max-age=0, stale-while-revalidate=5"])])
            .fill()
            .get(4.999, "200 #1 hit; detail=stale")
            .get(9.998, "200 #2 hit; detail=stale")
            .get(15, "200 #4 fwd=stale; stored"),
        case(REVALIDATE, "beside Expires")
            .origin([ok(["expires: @10", "cache-control: stale-while-revalidate=5"])])
            .fill()
            .get(9.999, "200 #1 hit")
            .get(14.999, "200 #1 hit; detail=stale"),
        case(REVALIDATE, "beside a lifetime by the heuristic")
            .on(origin_says().heuristic())
            .origin([ok(["last-modified: @-100", "cache-control: stale-while-revalidate=5"])])
            .fill()
            .get(9.999, "200 #1 hit")
            .get(14.999, "200 #1 hit; detail=stale"),
        case(STALE, "no-cache is never served unasked, whatever the span")
            .origin([
                ok([
                    "cache-control: no-cache, max-age=10, stale-while-revalidate=60, stale-if-error=60",
                    r#"etag: "a""#,
                ]),
                broken(),
            ])
            .fill()
            .get(1, "error"),
    ]);
    cases
}

/// A response that is stale after 10 s and may serve in place of an error for another 20 s, and then this.
fn stands_in_for(section: &'static str, title: &str, trouble: Up) -> Case {
    case(section, title)
        .origin([ok(["cache-control: max-age=10, stale-if-error=20"]), trouble])
        .fill()
        .get(10, "200 #1 fwd=stale; detail=stale_error")
        .shows(["age: 10"])
}

fn on_errors() -> Vec<Case> {
    let mut cases: Vec<_> = [500, 502, 503, 504]
        .map(|status| {
            stands_in_for(ERROR, &format!("in place of {status}"), up(status, []))
                .get(29.999, "200 #1 hit; detail=stale_error")
                .get(30, format!("{status} #4 fwd=stale; detail=failure"))
        })
        .into();
    cases.push(
        stands_in_for(ERROR, "in place of a broken connection", broken())
            .get(29.999, "200 #1 hit; detail=stale_error")
            .get(30, "error"),
    );
    cases.extend([
        case(ERROR, "in place of no answer")
            .on(origin_says().fetch_timeout(secs(5)))
            .origin([ok(["cache-control: max-age=10, stale-if-error=20"]), hangs()])
            .fill()
            .get(10, "200 #1 fwd=stale; detail=stale_error")
            .shows(["age: 15"])
            .get(30, "504 timeout fwd=stale; detail=timeout"),
        case(ERROR, "in place of 429")
            .origin([ok(["cache-control: max-age=10, stale-if-error=20"]), up(429, [])])
            .fill()
            .get(10, "200 #1 fwd=stale; detail=stale_error"),
    ]);
    cases.extend([400, 403, 404, 410].map(|status| {
        let reason = if matches!(status, 404 | 410) { "no_freshness" } else { "status" };
        case(ERROR, format!("not in place of {status}, which is the origin's word"))
            .origin([ok(["cache-control: max-age=10, stale-if-error=20"]), up(status, [])])
            .fill()
            .get(10, format!("{status} #2 fwd=stale; detail={reason}"))
    }));
    let refused = [
        (ERROR, "cache-control: max-age=10"),
        (ERROR, "cache-control: max-age=10, stale-if-error=0"),
        (ERROR, "cache-control: max-age=10, stale-if-error=abc"),
        (ERROR, "cache-control: max-age=10, stale-if-error"),
        (ERROR, "cache-control: max-age=10, stale-if-error=20, stale-if-error=-1"),
        (MUST, "cache-control: max-age=10, stale-if-error=20, must-revalidate"),
        (PROXY, "cache-control: max-age=10, stale-if-error=20, proxy-revalidate"),
    ];
    cases.extend(refused.map(|(section, line)| {
        case(section, format!("not in place of an error: {line}"))
            .origin([ok([line]), up(503, [])])
            .fill()
            .get(10, "503 #2 fwd=stale; detail=failure")
    }));
    cases.extend([
        case(MUST, "not in place of a broken connection")
            .origin([ok(["cache-control: max-age=10, stale-if-error=20, must-revalidate"]), broken()])
            .fill()
            .get(10, "error"),
        case(S_MAXAGE, "s-maxage forbids what only the route grants")
            .on(origin_says().stale_if_error(secs(60)))
            .origin([ok(["cache-control: s-maxage=10"]), up(503, [])])
            .fill()
            .get(10, "503 #2 fwd=stale; detail=failure"),
        case(S_MAXAGE, "what the same response grants stands beside s-maxage")
            .origin([ok(["cache-control: s-maxage=10, stale-if-error=20"]), up(503, [])])
            .fill()
            .get(29.999, "200 #1 fwd=stale; detail=stale_error"),
        case(ERROR, "what is never fresh may stand in for an error")
            .origin([ok(["cache-control: max-age=0, stale-if-error=20"]), up(503, [])])
            .fill()
            .get(1, "200 #1 fwd=stale; detail=stale_error")
            .get(20, "503 #3 fwd=stale; detail=failure"),
        case(PROXY, "proxy-revalidate says nothing to a cache with one user")
            .on(SwrConfig::outbound("route"))
            .origin([ok(["cache-control: max-age=10, stale-if-error=20, proxy-revalidate"]), up(503, [])])
            .fill()
            .get(10, "200 #1 fwd=stale; detail=stale_error"),
        case(MUST, "must-revalidate does")
            .on(SwrConfig::outbound("route"))
            .origin([ok(["cache-control: max-age=10, stale-if-error=20, must-revalidate"]), up(503, [])])
            .fill()
            .get(10, "503 #2 fwd=stale; detail=failure"),
        case(ERROR, "the route grants it where the response says nothing of it")
            .on(origin_says().stale_if_error(secs(20)))
            .origin([ok(["cache-control: max-age=10"]), up(503, [])])
            .fill()
            .get(29.999, "200 #1 fwd=stale; detail=stale_error")
            .get(30, "503 #3 fwd=stale; detail=failure"),
        case(ERROR, "the response's own span goes before the route's")
            .on(origin_says().stale_if_error(secs(60)))
            .origin([ok(["cache-control: max-age=10, stale-if-error=20"]), up(503, [])])
            .fill()
            .get(30, "503 #2 fwd=stale; detail=failure"),
        case(ERROR, "an error that says how long it is fresh is the origin's word")
            .origin([
                ok(["cache-control: max-age=10, stale-if-error=20"]),
                up(503, ["cache-control: max-age=60"]),
            ])
            .fill()
            .get(10, "503 #2 fwd=stale; stored")
            .get(11, "503 #2 hit"),
        case(ERROR, "both grants are limits to staleness, so the longer one counts")
            .origin([
                ok(["cache-control: max-age=10, stale-while-revalidate=10, stale-if-error=20"]),
                up(503, []),
            ])
            .fill()
            .get(19.999, "200 #1 hit; detail=stale")
            .get(29.999, "200 #1 hit; detail=stale_error")
            .get(30, "503 #4 fwd=stale; detail=failure"),
        case(STALE, "the end of the trouble is the end of what is stale")
            .origin([
                ok(["cache-control: max-age=10, stale-if-error=20"]),
                up(503, []),
                ok(["cache-control: max-age=10"]),
            ])
            .fill()
            .get(10, "200 #1 fwd=stale; detail=stale_error")
            .get(15, "200 #1 hit; detail=stale_error")
            .get(15, "200 #3 hit"),
    ]);
    cases
}

fn by_the_route() -> Vec<Case> {
    let fails = |line| [ok([line]), up(503, [])];
    vec![
        case(STALE, "the route's hard TTL, and half of it after a failure")
            .on(route(10, 30))
            .origin(fails("x-line: 1"))
            .fill()
            .get(10, "200 #1 hit; detail=stale")
            .get(29.999, "200 #1 hit; detail=stale")
            .get(44.999, "200 #1 hit; detail=stale_error")
            .get(45, "503 #5 fwd=stale; detail=failure"),
        case(MUST, "must-revalidate goes before the route's hard TTL")
            .on(route(10, 30))
            .origin(fails("cache-control: must-revalidate"))
            .fill()
            .get(9.999, "200 #1 hit")
            .get(10, "503 #2 fwd=stale; detail=failure"),
        case(PROXY, "proxy-revalidate goes before the route's hard TTL")
            .on(route(10, 30))
            .origin(fails("cache-control: proxy-revalidate"))
            .fill()
            .get(10, "503 #2 fwd=stale; detail=failure"),
        case(MUST, "it is lifted by the option that names it")
            .on(route(10, 30).ignore_must_revalidate())
            .origin(fails("cache-control: must-revalidate, proxy-revalidate"))
            .fill()
            .get(29.999, "200 #1 hit; detail=stale"),
        case(STALE, "no-cache goes before the route's hard TTL")
            .on(route(10, 30))
            .origin([ok(["cache-control: no-cache", r#"etag: "a""#]), up(503, [])])
            .fill()
            .get(1, "503 #2 fwd=stale; detail=failure"),
        case(REVALIDATE, "the route's hard TTL goes before the response's span")
            .on(route(10, 30))
            .origin(fails("cache-control: max-age=1, stale-while-revalidate=600, stale-if-error=600"))
            .fill()
            .get(29.999, "200 #1 hit; detail=stale")
            .get(45, "503 #3 fwd=stale; detail=failure"),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_may_be_served_stale() {
    play(cases()).await;
}
