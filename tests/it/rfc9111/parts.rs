//! Parts that are kept, by option (RFC 9111 §3.3 and §3.4, RFC 9110 §15.3.7).

use tower_swr_cache::SwrConfigBuilder;

use super::{Case, Up, case, ok, play, up};
use crate::support::{origin_says, route};

pub(super) const INCOMPLETE: &str = "RFC 9111 §3.3";
const COMBINING: &str = "RFC 9111 §3.4";
pub(super) const FRESH: &str = "cache-control: max-age=60";
pub(super) const TAG: &str = r#"etag: "a""#;
pub(super) const FIRST: &str = "range: bytes=0-3";
pub(super) const MISS: &str = "206 0123 fwd=uri-miss; stored";

pub(super) fn kept() -> SwrConfigBuilder {
    origin_says().store_parts()
}

/// A case on a route that keeps parts.
pub(super) fn parts(section: &'static str, title: impl Into<String>) -> Case {
    case(section, title).on(kept())
}

/// The ten digits, from the first to the last of these.
pub(super) fn part<const N: usize>(first: usize, last: usize, lines: [&'static str; N]) -> Up {
    let up = up(206, lines).body(&"0123456789"[first..=last]);
    Up { reply: up.reply.header("content-range", format!("bytes {first}-{last}/10")), ..up }
}

pub(super) fn digits<const N: usize>(lines: [&'static str; N]) -> Up {
    ok(lines).body("0123456789")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = reused();
    cases.extend(not_kept());
    cases.extend(never_the_whole());
    cases.extend(combined());
    cases.extend(as_any_entry());
    cases
}

fn reused() -> Vec<Case> {
    let mut cases: Vec<_> = [
        ("range: bytes=2-5", "206 2345 hit", ["content-range: bytes 2-5/10", "content-length: 4"]),
        ("range: bytes=3-4", "206 34 hit", ["content-range: bytes 3-4/10", "content-length: 2"]),
        ("range: bytes=5-5", "206 5 hit", ["content-range: bytes 5-5/10", "content-length: 1"]),
    ]
    .map(|(range, answer, shows)| {
        parts(INCOMPLETE, format!("within what is stored: {range}"))
            .origin([part(2, 5, [FRESH, "x-a: 1"])])
            .get(0, "206 2345 fwd=uri-miss; stored")
            .with(["range: bytes=2-5"])
            .sent(["range: bytes=2-5"])
            .shows(["content-range: bytes 2-5/10"])
            .get(7, answer)
            .with([range])
            .shows(shows)
            .shows(["age: 7", "x-a: 1"])
    })
    .into();
    cases.extend(
        ["range: bytes=1-5", "range: bytes=2-6", "range: bytes=6-", "range: bytes=-4", "range: bytes=10-"]
            .map(|range| {
                parts(INCOMPLETE, format!("beyond what is stored: {range}"))
                    .origin([part(2, 5, [FRESH]), part(6, 9, [FRESH])])
                    .get(0, "206 2345 fwd=uri-miss; stored")
                    .with(["range: bytes=2-5"])
                    .get(1, "206 6789 fwd=partial; stored")
                    .with([range])
                    .sent([range])
            }),
    );
    cases.extend([
        parts(INCOMPLETE, "the end of what is stored")
            .origin([part(6, 9, [FRESH])])
            .get(0, "206 6789 fwd=uri-miss; stored")
            .with(["range: bytes=-4"])
            .get(1, "206 789 hit")
            .with(["range: bytes=7-"])
            .get(2, "206 9 hit")
            .with(["range: bytes=-1"]),
        parts(INCOMPLETE, "a part is good while it is fresh")
            .origin([part(0, 3, [FRESH, TAG])])
            .get(0, MISS)
            .with([FIRST])
            .get(59.9, "206 0123 hit")
            .with([FIRST])
            .get(60, "206 0123 fwd=partial; stored")
            .with([FIRST])
            .spared(["if-none-match", "if-range"]),
        case("RFC 9111 §5.2.1.7", "only-if-cached is content with a part")
            .on(kept().client_directives())
            .origin([part(0, 3, [FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 12 hit")
            .with(["range: bytes=1-2", "cache-control: only-if-cached"]),
        case("RFC 9111 §5.2.1.4", "a part is as fresh as the request wants it")
            .on(kept().client_directives())
            .origin([part(0, 3, [FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 0123 fwd=partial; stored")
            .with([FIRST, "cache-control: no-cache"]),
        parts("RFC 9110 §13.1.5", "If-Range is judged by the part")
            .origin([part(0, 3, [FRESH, TAG]), digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 01 hit")
            .with(["range: bytes=0-1", r#"if-range: "a""#])
            .get(2, "200 0123456789 fwd=bypass; detail=range")
            .with(["range: bytes=0-1", r#"if-range: "b""#]),
        parts("RFC 9110 §15.3.7", "a part to If-Range may lack fields, and is not kept")
            .origin([part(0, 3, [FRESH, TAG])])
            .get(0, "206 0123 fwd=bypass; detail=range")
            .with([FIRST, r#"if-range: "a""#])
            .sent([r#"if-range: "a""#])
            .get(1, MISS)
            .with([FIRST]),
        parts("RFC 9110 §14.2", "the whole that a request for a part gets is kept as that")
            .origin([digits([FRESH])])
            .get(0, "200 0123456789 fwd=uri-miss; stored")
            .with([FIRST])
            .get(1, "200 0123456789 hit")
            .get(2, "206 0123 hit")
            .with([FIRST]),
        parts(INCOMPLETE, "what is there as a whole answers for all its parts")
            .origin([part(0, 3, [FRESH]), digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "200 0123456789 fwd=partial; stored")
            .get(2, "206 89 hit")
            .with(["range: bytes=8-"]),
    ]);
    cases
}

fn not_kept() -> Vec<Case> {
    let mut cases: Vec<_> = [
        ("no freshness", part(0, 3, []), "status"),
        ("no freshness, with a validator", part(0, 3, [TAG]), "status"),
        ("max-age=0", part(0, 3, ["cache-control: max-age=0", TAG]), "expired"),
        ("no-store", part(0, 3, ["cache-control: max-age=60, no-store"]), "no_store"),
        ("private", part(0, 3, ["cache-control: max-age=60, private"]), "private"),
        ("no-cache", part(0, 3, ["cache-control: max-age=60, no-cache", TAG]), "expired"),
        ("Set-Cookie", part(0, 3, [FRESH, "set-cookie: a=b"]), "set_cookie"),
        ("Vary: *", part(0, 3, [FRESH, "vary: *"]), "vary_star"),
        ("no Content-Range", up(206, [FRESH]).body("0123"), "partial"),
        ("a whole of unknown length", up(206, [FRESH, "content-range: bytes 0-3/*"]).body("0123"), "partial"),
        (
            "another length than its body's",
            up(206, [FRESH, "content-range: bytes 0-4/10"]).body("0123"),
            "partial",
        ),
        ("no bytes of a whole", up(206, [FRESH, "content-range: bytes 8-11/10"]).body("0123"), "partial"),
        (
            "many parts",
            up(206, [FRESH, "content-range: bytes 0-3/10", "content-type: multipart/byteranges; boundary=b"])
                .body("0123"),
            "partial",
        ),
        ("416", up(416, [FRESH, "content-range: bytes */10"]).body("0123"), "range"),
        ("404", up(404, [FRESH]).body("0123"), "range"),
    ]
    .map(|(what, answer, reason)| {
        let told = format!("{} fwd=uri-miss; detail={reason}", answer.shown(1));
        parts(INCOMPLETE, format!("not kept: {what}"))
            .origin([answer, digits([FRESH])])
            .get(0, told)
            .with([FIRST])
            .get(1, "200 0123456789 fwd=uri-miss; stored")
            // What it was is no reason for others not to share.
            .twin("200 0123456789 fwd=uri-miss; stored; collapsed")
    })
    .into();
    cases.extend([
        parts("RFC 9111 §3.5", "not kept: a part for a request with Authorization")
            .origin([part(0, 3, [FRESH])])
            .get(0, "206 0123 fwd=uri-miss; detail=authorization")
            .with([FIRST, "authorization: a"])
            .get(1, MISS)
            .with([FIRST])
            .get(2, "206 0123 fwd=partial; detail=authorization")
            .with([FIRST, "authorization: a"]),
        case(INCOMPLETE, "the route's TTLs are for wholes")
            .on(route(60, 60).store_parts())
            .origin([part(0, 3, [])])
            .get(0, "206 0123 fwd=uri-miss; detail=status")
            .with([FIRST]),
        parts("RFC 9110 §14.2", "several ranges, HEAD and conditions go past the parts")
            .origin([
                part(0, 3, [FRESH, TAG]),
                up(206, [FRESH, "content-type: multipart/byteranges"]),
                ok([]),
            ])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 #2 fwd=bypass; detail=range")
            .with(["range: bytes=0-0,2-2"])
            .get(2, "200 #3 fwd=bypass; detail=range")
            .with([FIRST, r#"if-none-match: "a""#])
            .head(3, "200 - fwd=bypass; detail=head")
            .with([FIRST]),
    ]);
    cases
}

/// What is not there as a whole never stands for it.
fn never_the_whole() -> Vec<Case> {
    let stored = |title: &str| {
        parts(INCOMPLETE, title)
            .origin([part(0, 3, [FRESH, TAG]), digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
    };
    vec![
        stored("a request for the whole is not answered by a part")
            .get(1, "200 0123456789 fwd=partial; stored")
            .spared(["if-none-match"])
            .get(2, "200 0123456789 hit"),
        stored("nor is one that several make at once")
            .get(1, "200 0123456789 fwd=partial; stored")
            .twin("200 0123456789 fwd=partial; stored; collapsed"),
        parts(INCOMPLETE, "nor is HEAD")
            .origin([part(0, 3, [FRESH, TAG]), ok([FRESH, "content-length: 10"])])
            .get(0, MISS)
            .with([FIRST])
            .head(1, "200 - fwd=bypass; detail=head"),
        parts(INCOMPLETE, "nor does a part stand in for a whole that cannot be had")
            .origin([part(0, 3, [FRESH, TAG]), up(503, [])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "503 #2 fwd=partial; detail=failure"),
        parts("RFC 9111 §4.3.2", "nor is a condition judged by a part")
            .origin([part(0, 3, [FRESH, TAG]), digits([FRESH, r#"etag: "b""#])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "200 0123456789 fwd=partial; stored")
            .with([r#"if-none-match: "a""#]),
    ]
}

fn combined() -> Vec<Case> {
    const SECOND: &str = "range: bytes=4-9";
    const DATED: [&str; 3] = [FRESH, "last-modified: @-99", "date: @-5"];
    const YOUNG: [&str; 3] = [FRESH, "last-modified: @-5", "date: @-5"];
    let two = |title: &str, first: Up, second: Up| {
        parts(COMBINING, title)
            .origin([first, second, ok([FRESH]).body("another")])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 456789 fwd=partial; stored")
            .with([SECOND])
    };
    let apart = |title: &str, first: Up, second: Up| {
        two(title, first, second).get(2, "200 another fwd=partial; stored")
    };
    let weak = [FRESH, r#"etag: W/"a""#];
    let longer = up(206, [FRESH, TAG, "content-range: bytes 4-9/11"]).body("456789");
    vec![
        two(
            "parts with one strong entity tag become the whole",
            part(0, 3, [FRESH, TAG, "x-a: 1", "x-a: 2", "x-c: 3"]),
            part(4, 9, [FRESH, TAG, "x-b: 1", "x-c: 4"]),
        )
        .get(3, "200 0123456789 hit")
        .shows(["age: 2", "content-length: 10", "x-a: 1", "x-a: 2", "x-b: 1", "x-c: 4", TAG])
        .lacks(["content-range"])
        .get(4, "206 345 hit")
        .with(["range: bytes=3-5"])
        .shows(["content-range: bytes 3-5/10"]),
        two("by a date that is old enough", part(0, 3, DATED), part(4, 9, DATED))
            .get(2, "200 0123456789 hit"),
        apart("not by a date that is too young", part(0, 3, YOUNG), part(4, 9, YOUNG)),
        apart("not without a validator", part(0, 3, [FRESH]), part(4, 9, [FRESH])),
        apart("not by a weak entity tag", part(0, 3, weak), part(4, 9, weak)),
        apart("not by two tags", part(0, 3, [FRESH, TAG]), part(4, 9, [FRESH, r#"etag: "b""#])),
        apart(
            "not where only one has a tag",
            part(0, 3, [TAG, FRESH, DATED[1], DATED[2]]),
            part(4, 9, DATED),
        ),
        apart("not of wholes that differ in length", part(0, 3, [FRESH, TAG]), longer),
        parts(COMBINING, "a part of other content takes the place of those before it")
            .origin([part(0, 3, [FRESH, TAG]), part(4, 9, [FRESH, r#"etag: "b""#]), part(0, 3, [FRESH, TAG])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 456789 fwd=partial; stored")
            .with([SECOND])
            .get(2, "206 0123 fwd=partial; stored")
            .with([FIRST]),
        parts(COMBINING, "the last part closes the gap between the others")
            .origin([part(0, 3, [FRESH, TAG]), part(6, 9, [FRESH, TAG]), part(3, 6, [FRESH, TAG])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 6789 fwd=partial; stored")
            .with(["range: bytes=6-9"])
            .get(2, "206 0123 hit")
            .with([FIRST])
            .get(3, "206 3456 fwd=partial; stored")
            .with(["range: bytes=3-6"])
            .get(4, "200 0123456789 hit"),
        parts(COMBINING, "parts that touch answer for both")
            .origin([part(0, 3, [FRESH, TAG]), part(4, 6, [FRESH, TAG])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 456 fwd=partial; stored")
            .with(["range: bytes=4-6"])
            .get(2, "206 2345 hit")
            .with(["range: bytes=2-5"])
            .shows(["content-range: bytes 2-5/10", "content-length: 4"]),
        parts(COMBINING, "what is stale is not put together with what is new")
            .origin([part(0, 3, ["cache-control: max-age=5", TAG]), part(4, 9, [FRESH, TAG]), digits([])])
            .get(0, MISS)
            .with([FIRST])
            .get(5, "206 456789 fwd=partial; stored")
            .with([SECOND])
            .get(6, "200 0123456789 fwd=partial; detail=no_freshness"),
        case(COMBINING, "nothing larger than what is kept comes of it")
            .on(kept().max_body_bytes(8))
            .origin([part(0, 3, [FRESH, TAG]), part(4, 9, [FRESH, TAG]), digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "206 456789 fwd=partial; stored")
            .with([SECOND])
            .get(2, "200 0123456789 fwd=partial; detail=too_large"),
    ]
}

fn as_any_entry() -> Vec<Case> {
    vec![
        parts("RFC 9111 §4.1", "a part answers requests that select it")
            .origin([part(0, 3, [FRESH, TAG, "vary: accept"]), part(4, 9, [FRESH, TAG, "vary: accept"])])
            .get(0, MISS)
            .with([FIRST, "accept: text/html"])
            .get(1, "206 456789 fwd=uri-miss; stored")
            .with(["range: bytes=4-9", "accept: text/plain"])
            .get(2, "206 0123 hit")
            .with([FIRST, "accept: text/html"])
            .get(3, "206 456789 fwd=partial; stored")
            .with([FIRST, "accept: text/plain"]),
        parts("RFC 9111 §4.4", "a change invalidates parts, too")
            .origin([part(0, 3, [FRESH, TAG]), ok([]), part(0, 3, [FRESH, TAG])])
            .get(0, MISS)
            .with([FIRST])
            .ask("POST", 1, "200 #2 fwd=method; detail=method")
            .get(2, MISS)
            .with([FIRST]),
        parts("RFC 9111 §4", "a part takes no whole's place while that can serve")
            .origin([ok([FRESH, "vary: accept"]).body("whole"), part(0, 3, [FRESH]), ok([])])
            .get(0, "200 whole fwd=uri-miss; stored")
            .get(1, "206 0123 fwd=vary-miss; stored")
            .with([FIRST, "accept: text/html"])
            .get(2, "200 whole hit"),
    ]
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_kept() {
    play(cases()).await;
}
