//! Parts of what is stored (RFC 9111 §3.3 and §3.4, RFC 9110 §14).

use super::{Case, Up, case, ok, play, unchanged, up};
use crate::support::route;

const BYTES: &str = "RFC 9110 §14.1.2";
const RANGE: &str = "RFC 9110 §14.2";
const IF_RANGE: &str = "RFC 9110 §13.1.5";
const PARTIAL: &str = "RFC 9110 §15.3.7";
const UNSATISFIABLE: &str = "RFC 9110 §15.5.17";
const INCOMPLETE: &str = "RFC 9111 §3.3";
const FRESH: &str = "cache-control: max-age=60";
const WHOLE: &str = "200 0123456789 hit";
const FIRST_TWO: &str = "206 01 hit";

/// Ten bytes.
fn digits<const N: usize>(lines: [&'static str; N]) -> Up {
    ok(lines).body("0123456789")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = parts();
    cases.extend(wholes());
    cases.extend(conditions());
    cases.extend(beside_others());
    cases.extend(nothing_stored());
    cases
}

fn parts() -> Vec<Case> {
    let mut cases: Vec<_> = [
        ("range: bytes=0-4", "206 01234 hit", ["content-range: bytes 0-4/10", "content-length: 5"]),
        ("range: bytes=0-0", "206 0 hit", ["content-range: bytes 0-0/10", "content-length: 1"]),
        ("range: bytes=3-3", "206 3 hit", ["content-range: bytes 3-3/10", "content-length: 1"]),
        ("range: bytes=9-9", "206 9 hit", ["content-range: bytes 9-9/10", "content-length: 1"]),
        ("range: bytes=2-", "206 23456789 hit", ["content-range: bytes 2-9/10", "content-length: 8"]),
        ("range: bytes=0-", "206 0123456789 hit", ["content-range: bytes 0-9/10", "content-length: 10"]),
        ("range: bytes=9-99", "206 9 hit", ["content-range: bytes 9-9/10", "content-length: 1"]),
        (
            "range: bytes=0-99999999999999999999",
            "206 0123456789 hit",
            ["content-range: bytes 0-9/10", "content-length: 10"],
        ),
        ("range: bytes=-1", "206 9 hit", ["content-range: bytes 9-9/10", "content-length: 1"]),
        ("range: bytes=-3", "206 789 hit", ["content-range: bytes 7-9/10", "content-length: 3"]),
        ("range: bytes=-10", "206 0123456789 hit", ["content-range: bytes 0-9/10", "content-length: 10"]),
        ("range: bytes=-99", "206 0123456789 hit", ["content-range: bytes 0-9/10", "content-length: 10"]),
        ("range: BYTES=0-1", FIRST_TWO, ["content-range: bytes 0-1/10", "content-length: 2"]),
        ("range: bytes= 0-1", FIRST_TWO, ["content-range: bytes 0-1/10", "content-length: 2"]),
    ]
    .map(|(range, answer, shows)| {
        case(BYTES, range)
            .in_both_modes()
            .origin([digits([FRESH])])
            .fill()
            .get(1, answer)
            .with([range])
            .shows(shows)
    })
    .into();
    cases.extend(
        ["range: bytes=10-", "range: bytes=10-20", "range: bytes=99999999999999999999-", "range: bytes=-0"]
            .map(|range| {
                case(UNSATISFIABLE, range)
                    .in_both_modes()
                    .origin([digits([FRESH, "content-length: 10"])])
                    .fill()
                    .get(1, "416 - hit")
                    .with([range])
                    .shows(["content-range: bytes */10", "content-length: 0"])
                    .get(2, WHOLE)
            }),
    );
    cases.push(
        case(UNSATISFIABLE, "no part of an empty whole is there")
            .in_both_modes()
            .origin([ok([FRESH]).body("")])
            .fill()
            .get(1, "416 - hit")
            .with(["range: bytes=0-"])
            .shows(["content-range: bytes */0"]),
    );
    let of_the_whole = [
        "cache-control: max-age=60",
        "cdn-cache-control: max-age=60",
        "expires: @60",
        "content-encoding: br",
        "content-language: en",
        "content-type: text/plain",
        "x-a: 1",
    ];
    cases.extend([
        case(UNSATISFIABLE, "the error has nothing that describes the content of the whole")
            .in_both_modes()
            .origin([digits(of_the_whole)])
            .fill()
            .get(1, "416 - hit")
            .with(["range: bytes=10-"])
            .lacks(["content-encoding", "content-language", "content-type"])
            .shows(["x-a: 1", "age: 1"]),
        case("RFC 9111 §3", "the error is not for a cache further down, whose key has no Range")
            .in_both_modes()
            .origin([digits(of_the_whole)])
            .fill()
            .get(1, "416 - hit")
            .with(["range: bytes=10-"])
            .shows(["cache-control: no-store"])
            .lacks(["cdn-cache-control", "expires"])
            .get(2, WHOLE)
            .shows(of_the_whole),
    ]);
    cases
}

fn wholes() -> Vec<Case> {
    let mut cases: Vec<_> = [
        "range: bytes=0-1,4-5",
        "range: bytes=0-0, -1",
        "range: bytes=0-9,0-9,0-9,0-9",
        "range: bytes=4-2",
        "range: bytes=a-b",
        "range: bytes=0-b",
        "range: bytes=+1-2",
        "range: bytes=1.5-2",
        "range: bytes=-",
        "range: bytes=",
        "range: bytes",
        "range:",
        "range: lines=0-1",
        "range: 0-1",
        "range: bytes:0-1",
    ]
    .map(|range| {
        case(RANGE, format!("answered whole: {range}"))
            .in_both_modes()
            .origin([digits([FRESH])])
            .fill()
            .get(1, WHOLE)
            .with([range])
            .lacks(["content-range"])
    })
    .into();
    cases.extend([
        case(RANGE, "answered whole: Range on two lines")
            .in_both_modes()
            .origin([digits([FRESH])])
            .fill()
            .get(1, WHOLE)
            .with(["range: bytes=0-1", "range: bytes=0-1"]),
        case(RANGE, "Range is for GET, and says nothing in HEAD")
            .in_both_modes()
            .origin([digits([FRESH, "content-length: 10"])])
            .fill()
            .head(1, "200 - hit")
            .with(["range: bytes=0-1"])
            .shows(["content-length: 10"])
            .lacks(["content-range"]),
    ]);
    cases.extend([203, 404, 410, 299].map(|status| {
        case(RANGE, format!("{status} has no parts"))
            .origin([up(status, [FRESH]).body("0123456789")])
            .fill()
            .get(1, format!("{status} 0123456789 hit"))
            .with(["range: bytes=0-1"])
    }));
    cases
}

fn conditions() -> Vec<Case> {
    const STRONG: &str = r#"etag: "a""#;
    const WEAK: &str = r#"etag: W/"a""#;
    const MODIFIED: &str = "last-modified: @-99";
    const DATE: &str = "date: @-5";
    [
        ([STRONG, DATE], r#"if-range: "a""#, FIRST_TWO),
        ([STRONG, DATE], r#"if-range: "b""#, WHOLE),
        ([STRONG, DATE], r#"if-range: W/"a""#, WHOLE),
        ([STRONG, DATE], r#"if-range: "b", "a""#, WHOLE),
        ([STRONG, DATE], "if-range: *", WHOLE),
        ([STRONG, DATE], "if-range: a", WHOLE),
        ([STRONG, DATE], "if-range: @-99", WHOLE),
        ([WEAK, DATE], r#"if-range: W/"a""#, WHOLE),
        ([WEAK, DATE], r#"if-range: "a""#, WHOLE),
        ([MODIFIED, DATE], "if-range: @-99", FIRST_TWO),
        ([MODIFIED, DATE], "if-range: @-98", WHOLE),
        ([MODIFIED, DATE], "if-range: @-100", WHOLE),
        ([MODIFIED, DATE], "if-range: nonsense", WHOLE),
        ([MODIFIED, DATE], r#"if-range: "a""#, WHOLE),
        (["last-modified: @-5", DATE], "if-range: @-5", WHOLE),
        (["last-modified: @-6", DATE], "if-range: @-6", FIRST_TWO),
        (["x-etag: absent", DATE], r#"if-range: "a""#, WHOLE),
        (["x-etag: absent", DATE], "if-range: @-5", WHOLE),
    ]
    .map(|([stored, date], condition, answer)| {
        case(IF_RANGE, format!("{stored}, {date}, {condition}"))
            .in_both_modes()
            .origin([digits([FRESH, stored, date])])
            .fill()
            .get(1, answer)
            .with(["range: bytes=0-1", condition])
    })
    .into()
}

fn beside_others() -> Vec<Case> {
    const TAG: &str = r#"etag: "a""#;
    let told = [
        FRESH,
        TAG,
        "content-location: /other",
        "content-type: text/plain",
        "date: @-5",
        "expires: @60",
        "last-modified: @-99",
        "vary: accept",
    ];
    vec![
        case(PARTIAL, "a part has the fields of the whole")
            .in_both_modes()
            .origin([digits(told)])
            .fill()
            .get(1, FIRST_TWO)
            .with(["range: bytes=0-1"])
            .shows(told)
            .shows(["age: 6"]),
        case(IF_RANGE, "what does not hold is answered whole, also where no byte of the range is there")
            .in_both_modes()
            .origin([digits([FRESH, TAG])])
            .fill()
            .get(1, WHOLE)
            .with(["range: bytes=99-", r#"if-range: "b""#])
            .get(2, "416 - hit")
            .with(["range: bytes=99-", r#"if-range: "a""#]),
        case("RFC 9110 §13.2.2", "If-None-Match goes before Range")
            .in_both_modes()
            .origin([digits([FRESH, TAG])])
            .fill()
            .get(1, "304 - hit")
            .with([r#"if-none-match: "a""#, "range: bytes=0-1"])
            .lacks(["content-range"])
            .get(2, FIRST_TWO)
            .with([r#"if-none-match: "b""#, "range: bytes=0-1"]),
        case("RFC 9111 §4.2.4", "a part of what is stale, where it may be served")
            .on(route(10, 30))
            .origin([digits([])])
            .fill()
            .get(10, "206 01 hit; detail=stale")
            .with(["range: bytes=0-1"])
            .spared(["range", "if-range"]),
        case("RFC 9111 §4.3.4", "a part of what a 304 confirmed")
            .origin([digits(["cache-control: max-age=10", TAG]), unchanged([])])
            .fill()
            .get(10, "206 01 fwd=stale; fwd-status=304")
            .with(["range: bytes=0-1"])
            .sent([r#"if-none-match: "a""#])
            .spared(["range"])
            .get(11, WHOLE),
        case("RFC 9111 §3.4", "what replaces a stale response is asked for whole")
            .origin([digits(["cache-control: max-age=10", TAG])])
            .fill()
            .get(10, "200 0123456789 fwd=stale; stored")
            .with(["range: bytes=0-1", r#"if-range: "a""#])
            .spared(["range", "if-range"])
            .get(11, WHOLE),
    ]
}

fn nothing_stored() -> Vec<Case> {
    let part = || up(206, [FRESH, "content-range: bytes 0-1/10"]).body("01");
    vec![
        case(INCOMPLETE, "a part is passed on, and not kept")
            .in_both_modes()
            .origin([part(), part(), digits([FRESH])])
            .get(0, "206 01 fwd=bypass; detail=range")
            .with(["range: bytes=0-1"])
            .sent(["range: bytes=0-1"])
            .get(1, "206 01 fwd=bypass; detail=range")
            .with(["range: bytes=0-1"])
            .get(2, "200 0123456789 fwd=uri-miss; stored"),
        case(INCOMPLETE, "a whole that answers a request for a part is not kept, either")
            .in_both_modes()
            .origin([digits([FRESH])])
            .get(0, "200 0123456789 fwd=bypass; detail=range")
            .with(["range: bytes=0-1"])
            .get(1, "200 0123456789 fwd=uri-miss; stored"),
        case(
            INCOMPLETE,
            "a request for a part has its conditions judged by the origin, where nothing is stored",
        )
        .in_both_modes()
        .origin([part()])
        .get(0, "206 01 fwd=bypass; detail=range")
        .with(["range: bytes=0-1", r#"if-range: "a""#])
        .sent([r#"if-range: "a""#]),
        case(INCOMPLETE, "416 from the origin is not kept")
            .in_both_modes()
            .origin([up(416, [FRESH, "content-range: bytes */10"]), digits([FRESH])])
            .get(0, "416 #1 fwd=bypass; detail=range")
            .with(["range: bytes=99-"])
            .get(1, "200 0123456789 fwd=uri-miss; stored"),
        case("RFC 9111 §3.4", "a part does not update what is stored")
            .in_both_modes()
            .origin([digits([FRESH, "vary: accept"]), part(), digits([])])
            .fill()
            .get(1, "206 01 fwd=bypass; detail=range")
            .with(["accept: text/html", "range: bytes=0-1"])
            .get(2, WHOLE),
    ]
}

#[tokio::test(start_paused = true)]
async fn parts_of_what_is_stored() {
    play(cases()).await;
}
