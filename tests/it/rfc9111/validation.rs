//! Asking the origin about what is stored (RFC 9111 §4.3).

use super::{Case, broken, case, ok, play, unchanged, up};
use crate::support::{origin_says, route, secs};

const SENDING: &str = "RFC 9111 §4.3.1";
const HANDLING: &str = "RFC 9111 §4.3.3";
const FRESHENING: &str = "RFC 9111 §4.3.4";
const FRESH: &str = "cache-control: max-age=10";
const TAG: &str = r#"etag: "a""#;
const ASKED: [&str; 1] = [r#"if-none-match: "a""#];
const CONFIRMED: &str = "200 #1 fwd=stale; fwd-status=304";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = questions();
    cases.extend(answers());
    cases
}

fn questions() -> Vec<Case> {
    let unfit = [
        "etag: a",
        r#"etag: "a"#,
        r#"etag: w/"a""#,
        r#"etag: "a" "b""#,
        "last-modified: yesterday",
        "last-modified: 1700000000",
    ]
    .map(|line| {
        case(SENDING, format!("nothing to ask with: {line}"))
            .origin([ok([FRESH, line])])
            .fill()
            .get(10, "200 #2 fwd=stale; stored")
            .spared(["if-none-match", "if-modified-since"])
    });
    let mut cases = Vec::from(unfit);
    cases.extend([
        case(SENDING, "the entity tag is sent")
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .sent(ASKED)
            .spared(["if-modified-since"]),
        case(SENDING, "a weak entity tag is sent as it is")
            .origin([ok([FRESH, r#"etag: W/"a""#]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .sent([r#"if-none-match: W/"a""#]),
        case(SENDING, "an empty entity tag is one")
            .origin([ok([FRESH, r#"etag: """#]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .sent([r#"if-none-match: """#]),
        case(SENDING, "Last-Modified is sent")
            .origin([ok([FRESH, "last-modified: @-99"]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .sent(["if-modified-since: @-99"])
            .spared(["if-none-match"]),
        case(SENDING, "Last-Modified is sent as it was written")
            .origin([ok([FRESH, "last-modified: Sunday, 06-Nov-94 08:49:37 GMT"]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .sent(["if-modified-since: Sunday, 06-Nov-94 08:49:37 GMT"]),
        case(SENDING, "both are sent")
            .origin([ok([FRESH, TAG, "last-modified: @-99"]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .sent([r#"if-none-match: "a""#, "if-modified-since: @-99"]),
        case(SENDING, "of two entity tags none is")
            .origin([ok([FRESH, TAG, r#"etag: "b""#])])
            .fill()
            .get(10, "200 #2 fwd=stale; stored")
            .spared(["if-none-match"]),
        case(SENDING, "nothing is asked while it is fresh")
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(9.999, "200 #1 hit"),
        case(SENDING, "the request's own fields go with the question")
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .with(["accept: text/html", "x-trace: 7"])
            .sent(["accept: text/html", "x-trace: 7"])
            .sent(ASKED),
        case("RFC 9111 §4.3.2", "a client's own conditions are not sent with a question for all")
            .origin([ok([FRESH, TAG])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with([r#"if-none-match: "x""#, "if-modified-since: @-99"])
            .spared(["if-none-match", "if-modified-since"])
            .get(1, "200 #1 hit"),
        case("RFC 9111 §4.3.2", "the stored entity tag is sent in place of the client's")
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .with([r#"if-none-match: "x""#, "if-modified-since: @-99"])
            .sent(ASKED)
            .spared(["if-modified-since"]),
        case("RFC 9111 §4.3.2", "a client's condition is evaluated against what comes")
            .origin([ok([FRESH, TAG])])
            .get(0, "304 - fwd=uri-miss; stored")
            .with([r#"if-none-match: "a""#])
            .get(1, "200 #1 hit"),
        case("RFC 9111 §4.3.2", "a client's condition is evaluated against what is confirmed")
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(10, "304 - fwd=stale; fwd-status=304")
            .with([r#"if-none-match: "a""#])
            .sent(ASKED),
        case("RFC 9111 §4.3.2", "a client's condition is evaluated against what replaces")
            .origin([ok([FRESH, TAG]), ok([FRESH, r#"etag: "b""#])])
            .fill()
            .get(10, "304 - fwd=stale; stored")
            .with([r#"if-none-match: "b""#])
            .sent(ASKED),
    ]);
    cases
}

fn answers() -> Vec<Case> {
    let replaced =
        [(200, "stored"), (203, "stored"), (404, "stored"), (299, "stored")].map(|(status, said)| {
            case(HANDLING, format!("{status} replaces what is stored"))
                .origin([ok([FRESH, TAG, "x-a: 1"]), up(status, [FRESH])])
                .fill()
                .get(10, format!("{status} #2 fwd=stale; {said}"))
                .sent(ASKED)
                .get(11, format!("{status} #2 hit"))
                .lacks(["x-a", "etag"])
        });
    let dropped = [(404, "no_freshness"), (410, "no_freshness"), (403, "status"), (302, "status")].map(
        |(status, reason)| {
            case(HANDLING, format!("{status} that may not be stored takes what is stored with it"))
                .origin([ok([FRESH, TAG]), up(status, []), ok([FRESH])])
                .fill()
                .get(10, format!("{status} #2 fwd=stale; detail={reason}"))
                .get(11, "200 #3 fwd=uri-miss; stored")
                .spared(["if-none-match"])
        },
    );
    let failed = [500, 502, 503, 504].map(|status| {
        case(HANDLING, format!("{status} is passed on, and replaces nothing"))
            .origin([ok([FRESH, TAG]), up(status, []), unchanged([])])
            .fill()
            .get(10, format!("{status} #2 fwd=stale; detail=failure"))
            .sent(ASKED)
            .get(15, CONFIRMED)
            .sent(ASKED)
            .get(16, "200 #1 hit")
    });
    let mut cases = Vec::from(replaced);
    cases.extend(dropped);
    cases.extend(failed);
    cases.extend([
        case(FRESHENING, "a 304 makes what is stored fresh again")
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .get(19.999, "200 #1 hit")
            .get(20, CONFIRMED)
            .sent(ASKED),
        case(FRESHENING, "the same under the route's TTLs")
            .on(route(10, 10))
            .origin([ok([TAG]), unchanged([])])
            .fill()
            .get(10, CONFIRMED)
            .get(19.999, "200 #1 hit")
            .get(20, CONFIRMED),
        case(FRESHENING, "a 304 that says for how long")
            .origin([ok([FRESH, TAG]), unchanged(["cache-control: max-age=20"])])
            .fill()
            .get(10, CONFIRMED)
            .get(29.999, "200 #1 hit")
            .get(30, CONFIRMED),
        case(FRESHENING, "the status of what is stored stays")
            .origin([up(404, [FRESH, TAG]), unchanged([])])
            .fill()
            .get(10, "404 #1 fwd=stale; fwd-status=304")
            .get(11, "404 #1 hit"),
        case(FRESHENING, "the new entity tag of what replaces is sent from then on")
            .origin([ok([FRESH, TAG]), ok([FRESH, r#"etag: "b""#]), unchanged([])])
            .fill()
            .get(10, "200 #2 fwd=stale; stored")
            .get(20, "200 #2 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "b""#]),
        case(FRESHENING, "the age on a 304's arrival goes off its freshness")
            .origin([ok([FRESH, TAG]), unchanged(["age: 4"])])
            .fill()
            .get(10, CONFIRMED)
            .get(15.999, "200 #1 hit")
            .get(16, CONFIRMED),
        case(FRESHENING, "a 304 too old on arrival confirms, and makes nothing fresh")
            .origin([ok([FRESH, TAG]), unchanged(["age: 20"])])
            .fill()
            .get(10, CONFIRMED)
            .get(11, CONFIRMED),
        case(HANDLING, "200 that may not be stored takes what is stored with it")
            .origin([ok([FRESH, TAG]), ok(["cache-control: no-store"]), ok([FRESH])])
            .fill()
            .get(10, "200 #2 fwd=stale; detail=no_store")
            .get(11, "200 #3 fwd=uri-miss; stored")
            .spared(["if-none-match"]),
        case(HANDLING, "200 for one user takes what is stored with it")
            .origin([ok([FRESH, TAG]), ok(["cache-control: private"]), ok([FRESH])])
            .fill()
            .get(10, "200 #2 fwd=stale; detail=private")
            .get(11, "200 #3 fwd=uri-miss; stored"),
        case(HANDLING, "a broken connection replaces nothing")
            .origin([ok([FRESH, TAG]), broken(), unchanged([])])
            .fill()
            .get(10, "error")
            .sent(ASKED)
            .get(15, CONFIRMED),
        case("RFC 9111 §4.3", "what is not served any more can still be asked about, as long as it is kept")
            .on(origin_says().keep(secs(100)))
            .origin([ok([FRESH, TAG]), unchanged([])])
            .fill()
            .get(109.999, CONFIRMED)
            .sent(ASKED),
        case("RFC 9111 §4.3", "and no longer")
            .on(origin_says().keep(secs(100)))
            .origin([ok([FRESH, TAG])])
            .fill()
            .get(110, "200 #2 fwd=stale; stored")
            .spared(["if-none-match"]),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_the_origin_and_what_its_answer_does() {
    play(cases()).await;
}
