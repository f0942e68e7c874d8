//! The rest of a stored part, asked for by itself, by option (RFC 9111 §3.3 and §3.4, RFC 9110 §13.1.5).

use super::{
    Case, Up, case, ok,
    parts::{FIRST, FRESH, INCOMPLETE, MISS, TAG, digits, kept, part, parts},
    play, up,
};

const COMPLETED: &str = "200 0123456789 fwd=partial; fwd-status=206; stored";
const REST: [&str; 2] = ["range: bytes=4-", r#"if-range: "a""#];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = completed();
    cases.extend(not_completed());
    cases
}

/// The beginning is stored, and the whole is asked for.
fn completed() -> Vec<Case> {
    let begun = |title: &str, rest: Up| {
        parts(INCOMPLETE, title)
            .origin([part(0, 3, [FRESH, TAG, "x-a: 1", "x-c: 3"]), rest, ok([FRESH]).body("another")])
            .get(0, MISS)
            .with([FIRST])
    };
    let rest = || part(4, 9, [FRESH, TAG, "x-b: 2", "x-c: 4"]);
    vec![
        begun("only what is missing is asked for", rest())
            .get(7, COMPLETED)
            .sent(REST)
            .spared(["if-none-match"])
            .shows(["content-length: 10", "x-a: 1", "x-b: 2", "x-c: 4", TAG])
            .lacks(["content-range"])
            .get(9, "200 0123456789 hit")
            .shows(["age: 2", "content-length: 10", "x-a: 1", "x-b: 2", "x-c: 4"])
            .get(9, "206 345 hit")
            .with(["range: bytes=3-5"])
            .get(66.9, "200 0123456789 hit")
            .get(67, "200 another fwd=stale; stored"),
        begun("by one call for all who ask", rest())
            .get(1, COMPLETED)
            .twin("200 0123456789 fwd=partial; stored; collapsed"),
        begun("conditions are judged by the whole", rest())
            .get(1, "304 - fwd=partial; fwd-status=206; stored")
            .with([r#"if-none-match: "a""#])
            .sent(REST)
            .spared(["if-none-match"])
            .get(2, "200 0123456789 hit"),
        parts(INCOMPLETE, "what parts make together is a beginning")
            .origin([part(0, 1, [FRESH, TAG]), part(2, 3, [FRESH, TAG]), part(4, 9, [FRESH, TAG])])
            .get(0, "206 01 fwd=uri-miss; stored")
            .with(["range: bytes=0-1"])
            .get(0, "206 23 fwd=partial; stored")
            .with(["range: bytes=2-3"])
            .get(1, COMPLETED)
            .sent(REST),
        parts("RFC 9111 §4.1", "of each variant by itself")
            .origin([part(0, 3, [FRESH, TAG, "vary: accept"]), part(4, 9, [FRESH, TAG, "vary: accept"])])
            .get(0, MISS)
            .with([FIRST, "accept: text/html"])
            .get(1, COMPLETED)
            .with(["accept: text/html"])
            .sent(REST)
            .get(2, "200 0123456789 hit")
            .with(["accept: text/html"])
            .get(2, "206 456789 fwd=vary-miss; detail=partial")
            .with(["accept: text/plain"])
            .spared(["range", "if-range"]),
    ]
}

/// What is asked for is the whole, at once or after a rest that is none.
fn not_completed() -> Vec<Case> {
    let whole = "200 0123456789 fwd=partial; stored";
    let wrong = |title: &str, second: Up| {
        parts(INCOMPLETE, format!("no rest: {title}"))
            .origin([part(0, 3, [FRESH, TAG]), second, digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, whole)
            .spared(["range", "if-range"])
            .get(2, "200 0123456789 hit")
    };
    let says =
        |content_range: &'static str, body: &'static str| up(206, [FRESH, TAG, content_range]).body(body);
    let unasked = |title: &str, first: Up| {
        parts(INCOMPLETE, format!("not asked for by itself: {title}"))
            .origin([first, digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, whole)
            .spared(["range", "if-range"])
    };
    let mut cases = vec![
        wrong("nothing is there", up(416, [FRESH, "content-range: bytes */4"])),
        wrong("another tag", part(4, 9, [FRESH, r#"etag: "b""#])),
        wrong("no tag", part(4, 9, [FRESH])),
        wrong("a weak tag", part(4, 9, [FRESH, r#"etag: W/"a""#])),
        wrong("other bytes", part(5, 9, [FRESH, TAG])),
        wrong("not all of it", part(4, 8, [FRESH, TAG])),
        wrong("more than was asked for", part(0, 9, [FRESH, TAG])),
        wrong("of a longer whole", says("content-range: bytes 4-9/11", "456789")),
        wrong("another length than its body's", says("content-range: bytes 4-9/10", "45678")),
        wrong("no length of the whole", says("content-range: bytes 4-9/*", "456789")),
        wrong("many parts", part(4, 9, [FRESH, TAG, "content-type: multipart/byteranges; boundary=b"])),
        wrong("of another variant", part(4, 9, [FRESH, TAG, "vary: accept"])),
        wrong("no-store", part(4, 9, ["cache-control: max-age=60, no-store", TAG])),
        wrong("no freshness", part(4, 9, [TAG])),
        unasked("no tag", part(0, 3, [FRESH])),
        unasked("a weak tag", part(0, 3, [FRESH, r#"etag: W/"a""#])),
        unasked("a date", part(0, 3, [FRESH, "last-modified: @-99", "date: @-5"])),
    ];
    cases.extend([
        parts(INCOMPLETE, "not asked for by itself: not the beginning")
            .origin([part(4, 9, [FRESH, TAG]), digits([FRESH])])
            .get(0, "206 456789 fwd=uri-miss; stored")
            .with(["range: bytes=4-9"])
            .get(1, whole)
            .spared(["range", "if-range"]),
        unasked("a beginning that is stale", part(0, 3, ["cache-control: max-age=1", TAG])),
        case(INCOMPLETE, "not asked for by itself: of a whole that is too large")
            .on(kept().max_body_bytes(9))
            .origin([part(0, 3, [FRESH, TAG]), digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "200 0123456789 fwd=partial; detail=too_large")
            .spared(["range", "if-range"]),
        case("RFC 9111 §5.2.1.4", "not asked for by itself: a request that wants it all confirmed")
            .on(kept().client_directives())
            .origin([part(0, 3, [FRESH, TAG]), digits([FRESH])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, whole)
            .with(["cache-control: no-cache"])
            .spared(["range", "if-range"]),
        parts("RFC 9110 §13.1.5", "what has changed is there as a whole, and answers")
            .origin([part(0, 3, [FRESH, TAG]), ok([FRESH, r#"etag: "b""#]).body("new"), ok([])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "200 new fwd=partial; stored")
            .sent(REST)
            .get(2, "200 new hit"),
        parts(INCOMPLETE, "a failure is one, and the beginning stays")
            .origin([part(0, 3, [FRESH, TAG]), up(503, [])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "503 #2 fwd=partial; detail=failure")
            .sent(REST)
            .get(2, "206 012 hit")
            .with(["range: bytes=0-2"]),
        parts(INCOMPLETE, "any other answer is passed on as it is")
            .origin([part(0, 3, [FRESH, TAG]), up(404, [])])
            .get(0, MISS)
            .with([FIRST])
            .get(1, "404 #2 fwd=partial; detail=no_freshness")
            .sent(REST),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_completed() {
    play(cases()).await;
}
