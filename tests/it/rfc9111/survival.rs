//! Which header fields survive storing (RFC 9111 §3.1).

use super::{Case, case, ok, play, up};

const STORED: &str = "RFC 9111 §3.1";
const CONNECTION: &str = "RFC 9110 §7.6.1";
const FRESH: &str = "cache-control: max-age=60";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = kept();
    cases.extend(dropped());
    cases
}

fn kept() -> Vec<Case> {
    let mut cases: Vec<_> = [
        "content-type: text/html; charset=utf-8",
        "content-encoding: br",
        "content-language: de, en",
        "content-location: /other",
        "content-disposition: attachment; filename=\"a.txt\"",
        "content-security-policy: default-src 'self'",
        "link: </style.css>; rel=preload",
        "allow: GET, HEAD",
        "accept-ranges: bytes",
        "access-control-allow-origin: *",
        "last-modified: @-1000",
        "expires: @30",
        "etag: W/\"a\"",
        "location: /elsewhere",
        "retry-after: 120",
        "server: origin",
        "strict-transport-security: max-age=31536000",
        "via: 1.1 above",
        "www-authenticate: Basic realm=\"a\"",
        "proxy-status: above; error=none",
        "x-unknown: anything at all",
    ]
    .map(|line| {
        let name = line.split(':').next().unwrap_or_default();
        case(STORED, format!("{name} is kept"))
            .in_both_modes()
            .origin([ok([FRESH, line])])
            .stored()
            .shows([line])
    })
    .into();
    cases.extend([
        case(STORED, "the lines of a name are kept one by one, in their order")
            .in_both_modes()
            .origin([ok([FRESH, "link: <b>", "x-other: 1", "link: <a>", "link: <b>"])])
            .stored()
            .shows(["link: <b>", "link: <a>", "link: <b>", "x-other: 1"]),
        case(STORED, "a list on one line stays on one line")
            .in_both_modes()
            .origin([ok([FRESH, "x-list: a, b,c ,, d"])])
            .stored()
            .shows(["x-list: a, b,c ,, d"]),
        case("RFC 9110 §5.5", "bytes that are no ASCII are kept")
            .in_both_modes()
            .origin([ok([FRESH, "x-name: Zoë – 雪"])])
            .stored()
            .shows(["x-name: Zoë – 雪"]),
        case("RFC 9110 §5.5", "an empty value is kept")
            .in_both_modes()
            .origin([ok([FRESH, "x-empty:"])])
            .stored()
            .shows(["x-empty:"]),
        case("RFC 9110 §5.5", "white space inside a value is kept")
            .in_both_modes()
            .origin([ok([FRESH, "x-gap: a  \tb"])])
            .stored()
            .shows(["x-gap: a  \tb"]),
        case(STORED, "Cache-Control is kept as it was written")
            .in_both_modes()
            .origin([ok(["cache-control: Max-Age=60 , EXT=\"a, b\"", "cache-control: public"])])
            .stored()
            .shows(["cache-control: Max-Age=60 , EXT=\"a, b\"", "cache-control: public"]),
        case(STORED, "the fields of an error are kept, too")
            .origin([up(404, [FRESH, "x-reason: gone fishing"])])
            .stored()
            .shows(["x-reason: gone fishing"]),
        case("RFC 9110 §6.6.1", "Date is kept")
            .in_both_modes()
            .origin([ok([FRESH, "date: @-5"])])
            .stored()
            .shows(["date: @-5"]),
        case("RFC 9110 §6.6.1", "a response without Date gets that of its arrival")
            .in_both_modes()
            .origin([ok([FRESH])])
            .stored()
            .shows(["date: @0"]),
        case("RFC 9110 §8.6", "Content-Length is kept")
            .in_both_modes()
            .origin([ok([FRESH, "content-length: 2"])])
            .stored()
            .shows(["content-length: 2"]),
    ]);
    cases
}

fn dropped() -> Vec<Case> {
    let mut cases: Vec<_> = [
        (CONNECTION, "connection: close"),
        (CONNECTION, "keep-alive: timeout=5"),
        (CONNECTION, "proxy-connection: keep-alive"),
        (CONNECTION, "te: trailers"),
        (CONNECTION, "transfer-encoding: chunked"),
        (CONNECTION, "upgrade: h2c"),
        (STORED, "proxy-authenticate: Basic realm=\"a\""),
        (STORED, "proxy-authentication-info: nextnonce=\"a\""),
        (STORED, "proxy-authorization: Basic a"),
    ]
    .map(|(section, line)| {
        let name = line.split(':').next().unwrap_or_default();
        case(section, format!("{name} is not kept"))
            .in_both_modes()
            .origin([ok([FRESH, line, "x-kept: 1"])])
            .stored()
            .lacks([name])
            .shows(["x-kept: 1"])
    })
    .into();
    cases.extend([
        case(CONNECTION, "what Connection names is not kept")
            .in_both_modes()
            .origin([ok([FRESH, "connection: x-hop", "x-hop: 1", "x-hop: 2", "x-kept: 1"])])
            .stored()
            .lacks(["connection", "x-hop"])
            .shows(["x-kept: 1"]),
        case(CONNECTION, "names in Connection have no case, and may stand on several lines")
            .in_both_modes()
            .origin([ok([
                FRESH,
                "connection: close, X-Hop",
                "connection: ,x-OTHER ,",
                "x-hop: 1",
                "x-other: 2",
            ])])
            .stored()
            .lacks(["connection", "x-hop", "x-other"]),
        case(CONNECTION, "a field that Connection names may be absent")
            .in_both_modes()
            .origin([ok([FRESH, "connection: x-absent", "x-kept: 1"])])
            .stored()
            .shows(["x-kept: 1"]),
        case(CONNECTION, "Connection cannot name what is for all recipients: Cache-Control")
            .in_both_modes()
            .origin([ok(["cache-control: no-store", "connection: cache-control"])])
            .not_stored("no_store"),
        case(CONNECTION, "Connection cannot name what is for all recipients: Vary")
            .in_both_modes()
            .origin([ok([FRESH, "vary: accept", "connection: vary"])])
            .fill()
            .get(1, "200 #2 fwd=vary-miss; stored")
            .with(["accept: text/html"]),
        case(CONNECTION, "a response that is not stored loses nothing that is for its reader")
            .in_both_modes()
            .origin([ok(["cache-control: no-store", "x-kept: 1"])])
            .not_stored("no_store")
            .shows(["x-kept: 1", "cache-control: no-store"]),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn which_fields_survive_storing() {
    play(cases()).await;
}
