//! What a 304 changes of what is stored (RFC 9111 §3.2).

use super::{Case, Up, case, ok, play, unchanged};
use crate::support::route;

const UPDATE: &str = "RFC 9111 §3.2";
const MATCH: &str = "RFC 9111 §4.3.4";
const FRESH: &str = "cache-control: max-age=10";
const TAG: &str = r#"etag: "a""#;

/// A stored response that a 304 is asked for as soon as it is stale, and a hit after it.
fn updated(title: &str, stored: Up, by: Up) -> Case {
    case(UPDATE, title)
        .origin([stored, by])
        .fill()
        .get(10, "200 #1 fwd=stale; fwd-status=304")
        .get(11, "200 #1 hit")
}

/// A stored response and a 304 that is about another one, so that the origin is asked once more.
fn unrelated(title: &str, stored: [&'static str; 2], by: [&'static str; 1]) -> Case {
    case(MATCH, title)
        .origin([ok(stored), unchanged(by), ok(stored)])
        .fill()
        .get(10, "200 #3 fwd=stale; stored")
        .spared(["if-none-match", "if-modified-since"])
        .get(11, "200 #3 hit")
}

/// A stored response and a 304 that is about it.
fn related(title: &str, stored: [&'static str; 2], by: [&'static str; 1]) -> Case {
    case(MATCH, title)
        .origin([ok(stored), unchanged(by), ok(stored)])
        .fill()
        .get(10, "200 #1 fwd=stale; fwd-status=304")
        .get(11, "200 #1 hit")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        updated(
            "a field of the 304 replaces the stored one",
            ok([FRESH, TAG, "x-a: 1"]),
            unchanged(["x-a: 2"]),
        )
        .shows(["x-a: 2"]),
        updated("who asked sees it, too", ok([FRESH, TAG, "x-a: 1"]), unchanged(["x-a: 2"]))
            .get(21, "200 #1 fwd=stale; fwd-status=304")
            .shows(["x-a: 2"]),
        updated("a field of the 304 is added", ok([FRESH, TAG]), unchanged(["x-a: 2"])).shows(["x-a: 2"]),
        updated(
            "what the 304 does not name stays",
            ok([FRESH, TAG, "x-a: 1", "link: <a>"]),
            unchanged(["x-b: 2"]),
        )
        .shows(["x-a: 1", "link: <a>", "x-b: 2", TAG]),
        updated(
            "one line of the 304 replaces all stored lines of its name",
            ok([FRESH, TAG, "link: <a>", "link: <b>"]),
            unchanged(["link: <c>"]),
        )
        .shows(["link: <c>"]),
        updated(
            "all lines of the 304 replace the stored one",
            ok([FRESH, TAG, "link: <a>"]),
            unchanged(["link: <b>", "link: <c>"]),
        )
        .shows(["link: <b>", "link: <c>"]),
        updated("an empty value replaces, too", ok([FRESH, TAG, "x-a: 1"]), unchanged(["x-a:"]))
            .shows(["x-a:"]),
        updated("Date is the 304's", ok([FRESH, TAG, "date: @-5"]), unchanged(["date: @0"]))
            .shows(["date: @0"]),
        updated("Expires is the 304's", ok([TAG, "expires: @10"]), unchanged(["expires: @20"]))
            .shows(["expires: @20"])
            .get(29.999, "200 #1 hit"),
        updated("Cache-Control is the 304's", ok([FRESH, TAG]), unchanged(["cache-control: max-age=5"]))
            .shows(["cache-control: max-age=5"])
            .get(14.999, "200 #1 hit")
            .get(15, "200 #1 fwd=stale; fwd-status=304"),
        updated(
            "Last-Modified is the 304's",
            ok([FRESH, TAG, "last-modified: @-99"]),
            unchanged([TAG, "last-modified: @-9"]),
        )
        .get(20, "200 #1 fwd=stale; fwd-status=304")
        .sent([r#"if-none-match: "a""#, "if-modified-since: @-9"]),
        case(UPDATE, "Vary of a 304 selects from then on")
            .origin([ok([FRESH, TAG]), unchanged(["vary: accept"]), ok([FRESH])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .with(["accept: a"])
            .get(11, "200 #1 hit")
            .with(["accept: a"])
            .get(12, "200 #3 fwd=vary-miss; stored")
            .with(["accept: b"]),
        case(UPDATE, "no-store in a 304 counts")
            .origin([ok([FRESH, TAG]), unchanged(["cache-control: no-store"]), ok([FRESH])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .get(11, "200 #3 fwd=uri-miss; stored")
            .spared(["if-none-match"]),
        case(UPDATE, "private in a 304 counts")
            .origin([ok([FRESH, TAG]), unchanged(["cache-control: private"]), ok([FRESH])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .get(11, "200 #3 fwd=uri-miss; stored"),
        case(UPDATE, "Vary: * in a 304 counts")
            .origin([ok([FRESH, TAG]), unchanged(["vary: *"]), ok([FRESH])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .get(11, "200 #3 fwd=uri-miss; stored"),
        case("RFC 9111 §7.3", "Set-Cookie in a 304 is for who asked, and for nobody else")
            .origin([ok([FRESH, TAG]), unchanged(["set-cookie: id=1"]), ok([FRESH])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .shows(["set-cookie: id=1"])
            .get(11, "200 #3 fwd=uri-miss; stored")
            .lacks(["set-cookie"]),
        case(UPDATE, "no-cache in a 304 counts")
            .origin([ok([FRESH, TAG]), unchanged(["cache-control: no-cache"])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .get(11, "200 #1 fwd=stale; fwd-status=304"),
        case(UPDATE, "max-age=0 in a 304 counts")
            .origin([ok([FRESH, TAG]), unchanged(["cache-control: max-age=0"])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .get(11, "200 #1 fwd=stale; fwd-status=304"),
        case(UPDATE, "must-revalidate in a 304 counts")
            .on(route(10, 30))
            .origin([ok([TAG]), unchanged(["cache-control: must-revalidate"]), ok([])])
            .fill()
            .get(10, "200 #1 hit; detail=stale")
            .get(19.999, "200 #1 hit")
            .get(20, "200 #3 fwd=stale; stored"),
        case(UPDATE, "a refresh in the background updates in the same way")
            .on(route(10, 30))
            .origin([ok([TAG, "x-a: 1"]), unchanged(["x-a: 2"])])
            .fill()
            .get(10, "200 #1 hit; detail=stale")
            .shows(["x-a: 1"])
            .get(10, "200 #1 hit")
            .shows(["x-a: 2"]),
    ];
    let of_content = [
        ("content-length: 2", "content-length: 0"),
        ("content-type: text/html", "content-type: text/plain"),
        ("content-encoding: br", "content-encoding: gzip"),
    ];
    cases.extend(of_content.map(|(stored, by)| {
        updated(
            &format!("{stored} says how the stored bytes are to be read, whatever the 304 says"),
            ok([FRESH, TAG, stored]),
            unchanged([by]),
        )
        .shows([stored])
    }));
    cases.extend(["content-range: bytes 0-1/2", "content-type: text/plain", "content-encoding: gzip"].map(
        |line| {
            let name = line.split(':').next().unwrap_or_default();
            updated(
                &format!("the 304's {name} says nothing of the stored bytes"),
                ok([FRESH, TAG]),
                unchanged([line]),
            )
            .lacks([name])
        },
    ));
    cases.extend(
        [
            "connection: close",
            "keep-alive: timeout=5",
            "transfer-encoding: chunked",
            "upgrade: h2c",
            "proxy-authenticate: Basic",
            "te: trailers",
        ]
        .map(|line| {
            let name = line.split(':').next().unwrap_or_default();
            updated(&format!("the 304's {name} is not kept"), ok([FRESH, TAG]), unchanged([line]))
                .lacks([name])
        }),
    );
    cases.extend([
        updated(
            "what the 304's Connection names is not kept",
            ok([FRESH, TAG, "x-a: 1"]),
            unchanged(["connection: x-a, x-b", "x-a: 2", "x-b: 2"]),
        )
        .lacks(["connection", "x-b"])
        .shows(["x-a: 1"]),
        related("the same strong entity tag", [FRESH, TAG], [TAG]),
        related("the stored weak entity tag", [FRESH, r#"etag: W/"a""#], [r#"etag: W/"a""#]),
        related("a weak entity tag that agrees with the stored strong one", [FRESH, TAG], [r#"etag: W/"a""#]),
        related("the same Last-Modified", [FRESH, "last-modified: @-99"], ["last-modified: @-99"]),
        related("no validator: it is the answer to what was asked", [FRESH, TAG], ["x-a: 1"]),
        unrelated("another strong entity tag", [FRESH, TAG], [r#"etag: "b""#]),
        unrelated("another weak entity tag", [FRESH, r#"etag: W/"a""#], [r#"etag: W/"b""#]),
        unrelated("a strong entity tag, where the stored one is weak", [FRESH, r#"etag: W/"a""#], [TAG]),
        unrelated("an entity tag, where none is stored", [FRESH, "last-modified: @-99"], [TAG]),
        unrelated("another Last-Modified", [FRESH, "last-modified: @-99"], ["last-modified: @-98"]),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn what_a_304_changes() {
    play(cases()).await;
}
