//! What may be stored (RFC 9111 §3).

use tower_swr_cache::SwrConfig;

use super::{Case, case, ok, play, unchanged, up};
use crate::support::{origin_says, route};

const STORE: &str = "RFC 9111 §3";
const AUTHORIZED: &str = "RFC 9111 §3.5";
const UNDERSTAND: &str = "RFC 9111 §5.2.2.3";
const NO_CACHE: &str = "RFC 9111 §5.2.2.4";
const NO_STORE: &str = "RFC 9111 §5.2.2.5";
const PRIVATE: &str = "RFC 9111 §5.2.2.7";

/// Every final status that is registered, and some that are not, but for 206, 304 and those that bodies forbid.
const STATUSES: [u16; 63] = [
    200, 201, 202, 203, 204, 205, 207, 208, 226, 299, 300, 301, 302, 303, 305, 307, 308, 399, 400, 401, 402,
    403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425,
    426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 530, 598, 599,
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = methods();
    cases.extend(statuses());
    cases.extend(directives());
    cases.extend(credentials());
    cases
}

fn methods() -> Vec<Case> {
    let others = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "UNKNOWN", "get"];
    let mut cases: Vec<_> = others
        .map(|method| {
            case(STORE, format!("a response to {method} is not stored"))
                .in_both_modes()
                .origin([ok(["cache-control: public, max-age=60"])])
                .ask(method, 0, "200 #1 fwd=method; detail=method")
                .get(1, "200 #2 fwd=uri-miss; stored")
        })
        .into();
    cases.extend([
        case(STORE, "a response to GET is stored")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60"])])
            .stored(),
        case(STORE, "a request with a body is not answered from the store")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60"])])
            .fill()
            .get(1, "200 #2 fwd=bypass; detail=request_body")
            .with(["content-length: 5"])
            .get(2, "200 #1 hit"),
        case("RFC 9110 §7.8", "a request for another protocol is not answered from the store")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60"])])
            .fill()
            .get(1, "200 #2 fwd=bypass; detail=upgrade")
            .with(["connection: upgrade", "upgrade: websocket"]),
    ]);
    cases
}

fn statuses() -> Vec<Case> {
    let explicit = STATUSES.map(|status| {
        case(STORE, format!("{status} that says how long it is fresh"))
            .in_both_modes()
            .origin([up(status, ["cache-control: max-age=60"])])
            .stored()
    });
    let heuristic = [203, 204, 300, 301, 308, 404, 405, 410, 414, 501].map(|status| {
        case("RFC 9110 §15.1", format!("{status} with a validator may be kept, and is asked about"))
            .origin([up(status, [r#"etag: "a""#]), unchanged([])])
            .fill()
            .get(
                1,
                format!(
                    "{} fwd=stale; fwd-status=304",
                    if status == 204 { "204 -".into() } else { format!("{status} #1") }
                ),
            )
            .sent([r#"if-none-match: "a""#])
    });
    let silent =
        [201, 202, 302, 303, 307, 400, 401, 402, 403, 406, 409, 418, 422, 451, 505, 599].map(|status| {
            case("RFC 9110 §15.1", format!("{status} may not be kept without a word on its freshness"))
                .in_both_modes()
                .origin([up(status, [r#"etag: "a""#])])
                .not_stored("status")
        });
    let mut cases = Vec::from(explicit);
    cases.extend(heuristic);
    cases.extend(silent);
    cases.extend([
        case("RFC 9111 §3.3", "206 is no whole response")
            .in_both_modes()
            .origin([up(206, ["cache-control: max-age=60", "content-range: bytes 0-1/9"])])
            .not_stored("partial"),
        case("RFC 9111 §4.3.3", "304 that nobody asked for")
            .in_both_modes()
            .origin([unchanged(["cache-control: max-age=60"])])
            .not_stored("unrequested_304"),
        case(STORE, "200 that says nothing, and has no validator")
            .origin([ok([])])
            .not_stored("no_freshness"),
        case(STORE, "public says nothing of freshness")
            .origin([ok(["cache-control: public"])])
            .not_stored("no_freshness"),
        case(STORE, "Expires is a word on freshness, for any status")
            .origin([up(599, ["expires: @60"])])
            .stored(),
        case(STORE, "s-maxage is a word on freshness, for any status")
            .origin([up(403, ["cache-control: s-maxage=60"])])
            .stored(),
        case("RFC 9111 §5.2.2.9", "public lets any status be kept, and asked about")
            .origin([up(302, ["cache-control: public", r#"etag: "a""#]), unchanged([])])
            .fill()
            .get(1, "302 #1 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#]),
    ]);
    cases
}

fn directives() -> Vec<Case> {
    let forbids = [
        ["cache-control: no-store", "x-line: 2"],
        ["cache-control: NO-STORE", "x-line: 2"],
        ["cache-control: No-Store, max-age=60", "x-line: 2"],
        ["cache-control: max-age=60,no-store", "x-line: 2"],
        ["cache-control: max-age=60\t,\t no-store ", "x-line: 2"],
        ["cache-control: ,, no-store ,,", "x-line: 2"],
        ["cache-control: max-age=60", "cache-control: no-store"],
        ["cache-control: no-store", "cache-control: public, max-age=60"],
        ["cache-control: no-store=1", "x-line: 2"],
        [r#"cache-control: no-store="", max-age=60"#, "x-line: 2"],
        ["cache-control: public, max-age=60, no-store", "expires: @60"],
    ]
    .map(|lines| {
        case(NO_STORE, format!("no-store in {lines:?}"))
            .in_both_modes()
            .origin([ok(lines)])
            .not_stored("no_store")
    });
    let harmless = [
        "cache-control: max-age=60, x-no-store",
        "cache-control: max-age=60, no-storage",
        "cache-control: max-age=60, no_store",
        r#"cache-control: max-age=60, ext="no-store""#,
        r#"cache-control: ext="a, no-store, b", max-age=60"#,
        r#"cache-control: ext="a\", no-store", max-age=60"#,
        "cache-control: max-age=60, ext=no-store",
    ]
    .map(|line| {
        case("RFC 9111 §5.2", format!("no no-store in {line}")).in_both_modes().origin([ok([line])]).stored()
    });
    let private = [
        ["cache-control: private", "x-line: 2"],
        ["cache-control: PRIVATE, max-age=60", "x-line: 2"],
        ["cache-control: public, private, max-age=60", "x-line: 2"],
        ["cache-control: s-maxage=60", "cache-control: private"],
    ]
    .map(|lines| {
        case(PRIVATE, format!("private in {lines:?}"))
            .in_both_modes()
            .origin([ok(lines)])
            .not_stored("private")
    });
    let no_cache = [
        "cache-control: no-cache, max-age=60",
        "cache-control: max-age=60, No-Cache",
        "cache-control: no-cache, public, s-maxage=60",
    ]
    .map(|line| {
        case(NO_CACHE, format!("nothing to ask with beside {line}"))
            .in_both_modes()
            .origin([ok([line])])
            .not_stored("no_cache")
    });
    let mut cases = Vec::from(forbids);
    cases.extend(harmless);
    cases.extend(private);
    cases.extend(no_cache);
    cases.extend([
        case(PRIVATE, "private, in a cache with one user")
            .on(SwrConfig::outbound("route"))
            .on(origin_says().store_private())
            .origin([ok(["cache-control: private, max-age=60"])])
            .stored(),
        case(NO_CACHE, "no-cache with a validator is kept, and asked about each time")
            .in_both_modes()
            .origin([ok(["cache-control: no-cache, max-age=60", r#"etag: "a""#]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#])
            .get(1, "200 #1 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#]),
        case("RFC 9111 §7.3", "Set-Cookie by the README's rule")
            .in_both_modes()
            .origin([ok(["cache-control: public, max-age=60", "set-cookie: id=1"])])
            .not_stored("set_cookie"),
        case("RFC 9111 §7.3", "Set-Cookie where the route says so")
            .on(origin_says().store_set_cookie())
            .origin([ok(["cache-control: max-age=60", "set-cookie: id=1"])])
            .stored()
            .shows(["set-cookie: id=1"]),
        case(UNDERSTAND, "a status that is known, no-store beside it")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60, no-store, must-understand"])])
            .stored(),
        case(UNDERSTAND, "the same in another order, on two lines")
            .origin([up(404, ["cache-control: Must-Understand", "cache-control: no-store, max-age=60"])])
            .stored(),
        case(UNDERSTAND, "a status that is not known")
            .origin([up(599, ["cache-control: max-age=60, must-understand"])])
            .not_stored("status"),
        case(UNDERSTAND, "a status that is not known, no-store beside it")
            .origin([up(299, ["cache-control: max-age=60, no-store, must-understand"])])
            .not_stored("status"),
        case(UNDERSTAND, "with an argument it is not the directive that lifts no-store")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60, no-store, must-understand=1"])])
            .not_stored("no_store"),
        case(UNDERSTAND, "it lifts no-store and nothing else")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60, private, no-store, must-understand"])])
            .not_stored("private"),
    ]);
    cases
}

fn credentials() -> Vec<Case> {
    let shares = [
        "cache-control: public, max-age=60",
        "cache-control: s-maxage=60",
        "cache-control: max-age=60, must-revalidate",
        "cache-control: max-age=1, S-MaxAge=60",
    ]
    .map(|line| {
        case(AUTHORIZED, format!("shared with everybody: {line}"))
            .in_both_modes()
            .origin([ok([line])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["authorization: Basic a"])
            .get(1, "200 #1 hit")
            .with(["authorization: Basic b"])
            .get(1, "200 #1 hit")
    });
    let guards = [
        "cache-control: max-age=60",
        "cache-control: max-age=60, proxy-revalidate",
        "expires: @60",
        "cache-control: max-age=60, immutable",
    ]
    .map(|line| {
        case(AUTHORIZED, format!("not stored for anybody: {line}"))
            .in_both_modes()
            .origin([ok([line])])
            .get(0, "200 #1 fwd=uri-miss; detail=authorization")
            .with(["authorization: Basic a"])
            .get(1, "200 #2 fwd=uri-miss; detail=authorization")
            .with(["authorization: Basic a"])
    });
    let mut cases = Vec::from(shares);
    cases.extend(guards);
    cases.extend([
        case(AUTHORIZED, "what was stored for others is not for a request with Authorization")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=60"])])
            .fill()
            .get(1, "200 #2 fwd=request; detail=authorization")
            .with(["authorization: Basic a"])
            .get(2, "200 #1 hit"),
        case(AUTHORIZED, "what is private is not shared by being public too")
            .in_both_modes()
            .origin([ok(["cache-control: public, private, max-age=60"])])
            .get(0, "200 #1 fwd=uri-miss; detail=private")
            .with(["authorization: Basic a"]),
        case(AUTHORIZED, "a cache with one user keeps each identity's own")
            .on(SwrConfig::outbound("route"))
            .origin([ok(["cache-control: max-age=60"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["authorization: Basic a"])
            .get(1, "200 #2 fwd=uri-miss; stored")
            .with(["authorization: Basic b"])
            .get(2, "200 #1 hit")
            .with(["authorization: Basic a"]),
        case("RFC 9111 §7.3", "Cookie, where the response says how long it is fresh")
            .origin([ok(["cache-control: max-age=60"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["cookie: a=1"])
            .get(1, "200 #1 hit")
            .with(["cookie: a=2"]),
        case("RFC 9111 §7.3", "Cookie, where the route alone calls the response fresh")
            .on(route(10, 30))
            .origin([ok([])])
            .get(0, "200 #1 fwd=uri-miss; detail=cookie")
            .with(["cookie: a=1"])
            .get(1, "200 #2 fwd=uri-miss; stored"),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn what_may_be_stored() {
    play(cases()).await;
}
