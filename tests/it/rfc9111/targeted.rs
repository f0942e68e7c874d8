//! Directives for this cache alone (RFC 9213).

use http::HeaderName;
use tower_swr_cache::{SwrConfig, SwrConfigBuilder};

use super::{Case, case, ok, play, unchanged, up};
use crate::support::{origin_says, route};

const SYNTAX: &str = "RFC 9213 §2.1";
const BEHAVIOUR: &str = "RFC 9213 §2.2";
const CDN: &str = "RFC 9213 §3.1";

const NEAR: HeaderName = HeaderName::from_static("near-cache-control");
const FAR: HeaderName = HeaderName::from_static("far-cache-control");

/// Listens to two fields of its own, the near one first.
fn listens() -> SwrConfigBuilder {
    origin_says().targeted_fields([NEAR, FAR])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = precedence();
    cases.extend(syntax());
    cases.extend(lists());
    cases
}

fn precedence() -> Vec<Case> {
    let mut cases: Vec<_> = [
        ["cdn-cache-control: max-age=10", "cache-control: max-age=60"],
        ["cdn-cache-control: max-age=10", "cache-control: max-age=1"],
        ["cdn-cache-control: max-age=10", "cache-control: s-maxage=60"],
        ["cdn-cache-control: max-age=10", "cache-control: no-store"],
        ["cdn-cache-control: max-age=10", "cache-control: private"],
        ["cdn-cache-control: max-age=10", "cache-control: no-cache"],
        ["cdn-cache-control: max-age=10", "cache-control: nonsense \"="],
        ["cdn-cache-control: max-age=10", "expires: 0"],
        ["cdn-cache-control: max-age=10", "expires: @60"],
        ["cdn-cache-control: max-age=10", "pragma: no-cache"],
        ["cdn-cache-control: s-maxage=10, max-age=60", "x-line: 2"],
        ["cdn-cache-control: max-age=60, s-maxage=10", "x-line: 2"],
    ]
    .map(|lines| {
        case(BEHAVIOUR, format!("10 s: {lines:?}"))
            .on(origin_says())
            .on(route(99, 99))
            .origin([ok(lines)])
            .fresh_for(10)
    })
    .into();
    cases.extend(
        [
            ("cdn-cache-control: no-store", "no_store"),
            ("cdn-cache-control: max-age=60, no-store", "no_store"),
            ("cdn-cache-control: private", "private"),
            ("cdn-cache-control: max-age=60, no-cache", "no_cache"),
            ("cdn-cache-control: max-age=0", "expired"),
        ]
        .map(|(line, reason)| {
            case(BEHAVIOUR, format!("{line} goes before max-age for all others"))
                .in_both_modes()
                .origin([ok([line, "cache-control: public, max-age=60"])])
                .not_stored(reason)
        }),
    );
    cases.extend([
        case(BEHAVIOUR, "beside a targeted field Cache-Control says nothing, not even of freshness")
            .origin([ok(["cdn-cache-control: public", "cache-control: max-age=60", "expires: @60"])])
            .not_stored("no_freshness"),
        case(BEHAVIOUR, "an error that a targeted field calls fresh")
            .in_both_modes()
            .origin([up(503, ["cdn-cache-control: max-age=10"])])
            .fresh_for(10),
        case(BEHAVIOUR, "the age on arrival goes off it")
            .origin([ok(["cdn-cache-control: max-age=10", "age: 4"])])
            .fresh_for(6),
        case(BEHAVIOUR, "stale-while-revalidate for this cache alone")
            .origin([ok([
                "cdn-cache-control: max-age=10, stale-while-revalidate=5",
                "cache-control: max-age=10, must-revalidate",
            ])])
            .fill()
            .get(14.999, "200 #1 hit; detail=stale"),
        case(BEHAVIOUR, "must-revalidate for this cache alone")
            .origin([ok([
                "cdn-cache-control: max-age=10, stale-while-revalidate=5, must-revalidate",
                "cache-control: max-age=10, stale-while-revalidate=60",
            ])])
            .fresh_for(10),
        case(BEHAVIOUR, "no-cache for this cache alone: kept, and asked about")
            .in_both_modes()
            .origin([
                ok(["cdn-cache-control: no-cache", "cache-control: max-age=60", r#"etag: "a""#]),
                unchanged([]),
            ])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304"),
        case("RFC 9111 §3.5", "public for this cache alone shares what Authorization guards")
            .origin([ok(["cdn-cache-control: public, max-age=60", "cache-control: private"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["authorization: Basic a"])
            .get(1, "200 #1 hit"),
        case("RFC 9111 §3.5", "public for all others does not")
            .origin([ok(["cdn-cache-control: max-age=60", "cache-control: public, s-maxage=60"])])
            .get(0, "200 #1 fwd=uri-miss; detail=authorization")
            .with(["authorization: Basic a"]),
        case(CDN, "the field is sent on")
            .in_both_modes()
            .origin([ok(["cdn-cache-control: max-age=60", "cache-control: max-age=1"])])
            .stored()
            .shows(["cdn-cache-control: max-age=60", "cache-control: max-age=1"]),
        case(CDN, "a cache with one user is no CDN")
            .on(SwrConfig::outbound("route"))
            .origin([ok(["cdn-cache-control: max-age=60", "cache-control: max-age=10"])])
            .fresh_for(10),
    ]);
    cases
}

fn syntax() -> Vec<Case> {
    let ten = [
        "cdn-cache-control: max-age=10;parameter=5",
        "cdn-cache-control: max-age=10, unknown, other=(a b);c",
        "cdn-cache-control:   max-age=10  ,\t unknown",
        "cdn-cache-control: unknown=\"max-age=1\", max-age=10",
        "cdn-cache-control: max-age=1, max-age=10",
        "cdn-cache-control: no-store=?0, max-age=10",
        "cdn-cache-control: private=?0, max-age=10",
    ]
    .map(|line| {
        case(SYNTAX, format!("10 s: {line}")).origin([ok([line, "cache-control: max-age=60"])]).fresh_for(10)
    });
    let unreadable = [
        "cdn-cache-control:",
        "cdn-cache-control: max-age=60,",
        "cdn-cache-control: ,max-age=60",
        "cdn-cache-control: MAX-AGE=60",
        "cdn-cache-control: max-age=&60",
        "cdn-cache-control: max-age=60 s-maxage=60",
        "cdn-cache-control: max-age= 60",
        "cdn-cache-control: max-age=\"60",
        "cdn-cache-control: no-store, max-age=6 0",
        "cdn-cache-control: =60",
        "cdn-cache-control: max-age=60, é",
        "cdn-cache-control: max-age=9999999999999999",
    ]
    .map(|line| {
        case(SYNTAX, format!("Cache-Control instead of {line}"))
            .origin([ok([line, "cache-control: max-age=10"])])
            .fresh_for(10)
    });
    let ignored = [
        "cdn-cache-control: max-age=\"60\"",
        "cdn-cache-control: max-age=60.5",
        "cdn-cache-control: max-age=token",
        "cdn-cache-control: max-age=?1",
        "cdn-cache-control: max-age",
        "cdn-cache-control: max-age=(60)",
        "cdn-cache-control: max-age=:AAAA:",
    ]
    .map(|line| {
        case(SYNTAX, format!("no number, and nothing else counts: {line}"))
            .origin([ok([line, "cache-control: max-age=60"])])
            .not_stored("no_freshness")
    });
    let mut cases = Vec::from(ten);
    cases.extend(unreadable);
    cases.extend(ignored);
    cases.extend([
        case(SYNTAX, "lines are one dictionary, whose last word counts")
            .origin([ok(["cdn-cache-control: max-age=60", "cdn-cache-control: max-age=10"])])
            .fresh_for(10),
        case(SYNTAX, "a line that cannot be read spoils them all")
            .origin([ok([
                "cdn-cache-control: max-age=60",
                "cdn-cache-control: =",
                "cache-control: max-age=10",
            ])])
            .fresh_for(10),
        case(SYNTAX, "a negative number is no time at all")
            .origin([ok(["cdn-cache-control: max-age=-1", "cache-control: max-age=60"])])
            .not_stored("expired"),
        case(SYNTAX, "what restricts does so whatever comes with it")
            .in_both_modes()
            .origin([ok(["cdn-cache-control: no-store=1, max-age=60"])])
            .not_stored("no_store"),
    ]);
    cases
}

fn lists() -> Vec<Case> {
    vec![
        case(BEHAVIOUR, "the first field of the list counts")
            .on(listens())
            .origin([ok([
                "far-cache-control: max-age=60",
                "near-cache-control: max-age=10",
                "cache-control: max-age=30",
            ])])
            .fresh_for(10),
        case(BEHAVIOUR, "the second counts where the first is absent")
            .on(listens())
            .origin([ok(["far-cache-control: max-age=10", "cache-control: max-age=30"])])
            .fresh_for(10),
        case(BEHAVIOUR, "the second counts where the first cannot be read")
            .on(listens())
            .origin([ok(["near-cache-control: max-age=60,", "far-cache-control: max-age=10"])])
            .fresh_for(10),
        case(BEHAVIOUR, "the second counts where the first is empty")
            .on(listens())
            .origin([ok(["near-cache-control:", "far-cache-control: max-age=10"])])
            .fresh_for(10),
        case(BEHAVIOUR, "they are not merged")
            .on(listens())
            .origin([ok(["near-cache-control: max-age=10", "far-cache-control: no-store"])])
            .fresh_for(10),
        case(BEHAVIOUR, "Cache-Control counts where all are absent")
            .on(listens())
            .origin([ok(["cache-control: max-age=10"])])
            .fresh_for(10),
        case(BEHAVIOUR, "a field that is not on the list says nothing")
            .on(listens())
            .origin([ok(["cdn-cache-control: max-age=60", "cache-control: max-age=10"])])
            .fresh_for(10),
        case(BEHAVIOUR, "no list, no targeted field")
            .on(origin_says().targeted_fields([]))
            .origin([ok(["cdn-cache-control: no-store", "cache-control: max-age=10"])])
            .fresh_for(10),
        case(BEHAVIOUR, "by default fields of other caches say nothing")
            .origin([ok([
                "surrogate-control: max-age=60",
                "vendor-cdn-cache-control: no-store",
                "cache-control: max-age=10",
            ])])
            .fresh_for(10),
    ]
}

#[tokio::test(start_paused = true)]
async fn directives_for_this_cache_alone() {
    play(cases()).await;
}
