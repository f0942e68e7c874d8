//! HEAD, answered from what GET has stored (RFC 9110 §9.3.2).

use super::{Case, case, ok, play, unchanged, up};
use crate::support::route;

const HEAD: &str = "RFC 9110 §9.3.2";
const FRESH: &str = "cache-control: max-age=60";
const TAG: &str = r#"etag: "a""#;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(HEAD, "the fields of GET, without its body")
            .in_both_modes()
            .origin([ok([FRESH, TAG, "content-type: text/plain", "content-length: 2", "x-a: 1"])])
            .fill()
            .head(1, "200 - hit")
            .shows([FRESH, TAG, "content-type: text/plain", "content-length: 2", "x-a: 1", "age: 1"]),
        case("RFC 9110 §8.6", "the length of GET, where the origin did not say it")
            .in_both_modes()
            .origin([ok([FRESH]).body("0123456789")])
            .fill()
            .head(1, "200 - hit")
            .shows(["content-length: 10"]),
        case("RFC 9110 §8.6", "204 has no length")
            .origin([up(204, [FRESH])])
            .fill()
            .head(1, "204 - hit")
            .lacks(["content-length"]),
        case(HEAD, "the status of GET")
            .origin([up(404, [FRESH])])
            .fill()
            .head(1, "404 - hit")
            .shows(["content-length: 2"]),
        case(HEAD, "where nothing is stored, the origin answers, and nothing is")
            .in_both_modes()
            .origin([ok([FRESH])])
            .head(0, "200 - fwd=bypass; detail=head")
            .head(1, "200 - fwd=bypass; detail=head")
            .get(2, "200 #3 fwd=uri-miss; stored"),
        case(HEAD, "where another variant is stored, the origin answers, and nothing is stored")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x"])])
            .fill()
            .head(1, "200 - fwd=bypass; detail=head")
            .with(["x: a"])
            .get(2, "200 #3 fwd=vary-miss; stored")
            .with(["x: a"]),
        case(HEAD, "by the variant it selects")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x", "x-a: 1"]), ok([FRESH, "vary: x", "x-a: 2"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(0, "200 #2 fwd=vary-miss; stored")
            .with(["x: b"])
            .head(1, "200 - hit")
            .with(["x: a"])
            .shows(["x-a: 1"])
            .head(1, "200 - hit")
            .with(["x: b"])
            .shows(["x-a: 2"]),
        case(HEAD, "from what is stale, where that may be served")
            .on(route(10, 30))
            .origin([ok([])])
            .fill()
            .head(10, "200 - hit; detail=stale")
            .get(11, "200 #2 hit"),
        case(HEAD, "what is too old is asked about, and stays whole")
            .origin([ok(["cache-control: max-age=10", TAG]), unchanged([])])
            .fill()
            .head(10, "200 - fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#])
            .get(11, "200 #1 hit"),
        case(HEAD, "what is too old is replaced by a whole response")
            .origin([ok(["cache-control: max-age=10", TAG]), ok(["cache-control: max-age=10", "x-a: 2"])])
            .fill()
            .head(10, "200 - fwd=stale; stored")
            .shows(["x-a: 2"])
            .get(11, "200 #2 hit"),
        case(HEAD, "an error in the place of what is too old has no body, either")
            .origin([ok(["cache-control: max-age=10", TAG]), up(503, [])])
            .fill()
            .head(10, "503 - fwd=stale; detail=failure"),
        case("RFC 9111 §3.5", "not from what is not for who has credentials")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .head(1, "200 - fwd=bypass; detail=head")
            .with(["authorization: Basic a"]),
        case(HEAD, "a condition of its own")
            .in_both_modes()
            .origin([ok([FRESH, "last-modified: @-99"])])
            .fill()
            .head(1, "304 - hit")
            .with(["if-modified-since: @-99"]),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_head_gets() {
    play(cases()).await;
}
