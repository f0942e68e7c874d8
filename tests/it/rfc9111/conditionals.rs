//! A client's own conditions, evaluated against what is stored (RFC 9111 §4.3.2, RFC 9110 §13).

use super::{Case, case, ok, play, up};
use crate::support::route;

const STORE: &str = "RFC 9111 §4.3.2";
const ORDER: &str = "RFC 9110 §13.2.2";
const TAGS: &str = "RFC 9110 §13.1.2";
const DATES: &str = "RFC 9110 §13.1.3";
const FRESH: &str = "cache-control: max-age=60";
const WHOLE: &str = "200 #1 hit";
const UNCHANGED: &str = "304 - hit";

/// A stored response with this entity tag, a date 99 seconds back, and a request for it.
fn asked(section: &'static str, etag: &'static str, with: &'static str, answer: &str) -> Case {
    case(section, format!("{etag}, {with}"))
        .in_both_modes()
        .origin([ok([FRESH, etag, "last-modified: @-99"])])
        .fill()
        .get(1, answer)
        .with([with])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = entity_tags();
    cases.extend(dates());
    cases.extend(both());
    cases.extend(answers());
    cases.extend(preconditions());
    cases
}

fn entity_tags() -> Vec<Case> {
    const STRONG: &str = r#"etag: "a""#;
    const WEAK: &str = r#"etag: W/"a""#;
    const COMMA: &str = r#"etag: "a,b""#;
    [
        (STRONG, r#"if-none-match: "a""#, UNCHANGED),
        (STRONG, r#"if-none-match: W/"a""#, UNCHANGED),
        (WEAK, r#"if-none-match: "a""#, UNCHANGED),
        (WEAK, r#"if-none-match: W/"a""#, UNCHANGED),
        (STRONG, "if-none-match: *", UNCHANGED),
        (STRONG, r#"if-none-match: "b", "a""#, UNCHANGED),
        (STRONG, r#"if-none-match: "b","c" ,W/"a", "d""#, UNCHANGED),
        (STRONG, r#"if-none-match: , "b",, "a""#, UNCHANGED),
        (COMMA, r#"if-none-match: "a,b""#, UNCHANGED),
        (COMMA, r#"if-none-match: "a", "b""#, WHOLE),
        (STRONG, r#"if-none-match: "a,b""#, WHOLE),
        (STRONG, r#"if-none-match: "b""#, WHOLE),
        (STRONG, r#"if-none-match: "A""#, WHOLE),
        (STRONG, r#"if-none-match: "ab", "b""#, WHOLE),
        (STRONG, r#"if-none-match: w/"a""#, WHOLE),
        (STRONG, "if-none-match: a", WHOLE),
        (STRONG, r#"if-none-match: """#, WHOLE),
        (STRONG, "if-none-match:", WHOLE),
        (r#"etag: """#, r#"if-none-match: """#, UNCHANGED),
        ("x-etag: absent", r#"if-none-match: "a""#, WHOLE),
        ("x-etag: absent", "if-none-match: *", UNCHANGED),
    ]
    .map(|(etag, with, answer)| asked(TAGS, etag, with, answer))
    .into()
}

fn dates() -> Vec<Case> {
    let stored = "last-modified: Sun, 06 Nov 1994 08:49:37 GMT";
    let mut cases: Vec<_> = [
        ("if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT", UNCHANGED),
        ("if-modified-since: Sun, 06 Nov 1994 08:49:38 GMT", UNCHANGED),
        ("if-modified-since: Sun, 06 Nov 1994 08:49:36 GMT", WHOLE),
        ("if-modified-since: Sunday, 06-Nov-94 08:49:37 GMT", UNCHANGED),
        ("if-modified-since: Sunday, 06-Nov-94 08:49:36 GMT", WHOLE),
        ("if-modified-since: Sun Nov  6 08:49:37 1994", UNCHANGED),
        ("if-modified-since: Sun Nov  6 08:49:36 1994", WHOLE),
        ("if-modified-since: @0", UNCHANGED),
        ("if-modified-since: 784111777", WHOLE),
        ("if-modified-since: nonsense", WHOLE),
        ("if-modified-since: Sun, 06 Nov 1994 08:49:37 UTC", WHOLE),
        ("if-modified-since:", WHOLE),
    ]
    .map(|(with, answer)| {
        case(DATES, format!("{stored}, {with}"))
            .in_both_modes()
            .origin([ok([FRESH, stored])])
            .fill()
            .get(1, answer)
            .with([with])
    })
    .into();
    cases.push(
        case(DATES, "a date on two lines is none")
            .in_both_modes()
            .origin([ok([FRESH, "last-modified: @-99"])])
            .fill()
            .get(1, WHOLE)
            .with(["if-modified-since: @0", "if-modified-since: @0"]),
    );
    cases
}

fn both() -> Vec<Case> {
    let stored = || ok([FRESH, r#"etag: "a""#, "last-modified: @-99"]);
    let mut cases: Vec<_> = [
        (
            [r#"if-none-match: "a""#, "if-modified-since: @-199"],
            UNCHANGED,
            "a tag that matches counts, and not a date that is older",
        ),
        (
            [r#"if-none-match: "b""#, "if-modified-since: @0"],
            WHOLE,
            "a tag that does not counts, and not a date that would",
        ),
        (
            [r#"if-none-match: b"#, "if-modified-since: @0"],
            WHOLE,
            "what is no tag counts, and not a date that would",
        ),
        ([r#"if-none-match: "b""#, r#"if-none-match: "a""#], UNCHANGED, "the tags of two lines are one list"),
        ([r#"if-none-match: "b""#, r#"if-none-match: "c""#], WHOLE, "of two lines none may match"),
        ([r#"if-range: "a""#, "x-range: absent"], WHOLE, "If-Range without Range is no condition"),
    ]
    .map(|(with, answer, title)| {
        case(ORDER, title).in_both_modes().origin([stored()]).fill().get(1, answer).with(with)
    })
    .into();
    cases.push(
        case(ORDER, "a date does not count beside a tag, even where no tag is stored")
            .in_both_modes()
            .origin([ok([FRESH, "last-modified: @-99"])])
            .fill()
            .get(1, WHOLE)
            .with([r#"if-none-match: "a""#, "if-modified-since: @0"]),
    );
    cases
}

fn answers() -> Vec<Case> {
    let told = [
        "cache-control: max-age=60, public",
        "content-location: /other",
        "date: @-5",
        r#"etag: "a""#,
        "expires: @60",
        "vary: accept",
    ];
    let mut cases = vec![
        case("RFC 9110 §15.4.5", "a 304 has what a cache has to know")
            .in_both_modes()
            .origin([ok(told)])
            .fill()
            .get(1, UNCHANGED)
            .with([r#"if-none-match: "a""#])
            .shows(told)
            .shows(["age: 6"]),
        case("RFC 9110 §15.4.5", "a 304 has nothing that describes content")
            .in_both_modes()
            .origin([ok([
                FRESH,
                r#"etag: "a""#,
                "content-type: text/html",
                "content-length: 2",
                "content-encoding: br",
            ])])
            .fill()
            .get(1, UNCHANGED)
            .with([r#"if-none-match: "a""#])
            .lacks(["content-type", "content-length", "content-encoding", "content-range"]),
        case(STORE, "HEAD has conditions, too")
            .in_both_modes()
            .origin([ok([FRESH, r#"etag: "a""#])])
            .fill()
            .head(1, UNCHANGED)
            .with([r#"if-none-match: "a""#]),
        case(STORE, "a stale response may answer a condition, where it may answer at all")
            .on(route(10, 30))
            .origin([ok([r#"etag: "a""#])])
            .fill()
            .get(10, "304 - hit; detail=stale")
            .with([r#"if-none-match: "a""#]),
        case(STORE, "a condition on what must be asked about first")
            .origin([ok(["cache-control: max-age=10", r#"etag: "a""#]), ok([FRESH, r#"etag: "b""#])])
            .fill()
            .get(10, "200 #2 fwd=stale; stored")
            .with([r#"if-none-match: "a""#]),
    ];
    cases.extend([404, 301, 599].map(|status| {
        case("RFC 9110 §13.2.1", format!("{status} has no conditions"))
            .origin([up(status, [FRESH, r#"etag: "a""#, "last-modified: @-99"])])
            .fill()
            .get(1, format!("{status} #1 hit"))
            .with([r#"if-none-match: "a""#])
            .get(2, format!("{status} #1 hit"))
            .with(["if-modified-since: @0"])
    }));
    cases
}

fn preconditions() -> Vec<Case> {
    [
        r#"if-match: "a""#,
        r#"if-match: "b""#,
        "if-match: *",
        "if-unmodified-since: @0",
        "if-unmodified-since: nonsense",
    ]
    .map(|with| {
        case(STORE, format!("for the origin to judge: {with}"))
            .in_both_modes()
            .origin([ok([FRESH, r#"etag: "a""#]), up(412, []), ok([])])
            .fill()
            .get(1, "412 #2 fwd=bypass; detail=precondition")
            .with([with])
            .sent([with])
            .get(2, WHOLE)
    })
    .into()
}

#[tokio::test(start_paused = true)]
async fn a_clients_own_conditions() {
    play(cases()).await;
}
