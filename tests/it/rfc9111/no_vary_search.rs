//! Responses that are the same for other queries, by option (draft-ietf-httpbis-no-vary-search).

use super::{Case, Up, case, ok, play, up};
use crate::support::origin_says;

const CACHING: &str = "draft-ietf-httpbis-no-vary-search §6";
const COMPARING: &str = "draft-ietf-httpbis-no-vary-search §5";
const FRESH: &str = "cache-control: max-age=60";
const NOT_A: &str = r#"no-vary-search: params=("a")"#;
const MISS: &str = "200 #1 fwd=uri-miss; stored";
const HIT: &str = "200 #1 hit";
const SECOND: &str = "200 #2 fwd=uri-miss; stored";

/// A case on a route that goes by `No-Vary-Search`.
fn going(section: &'static str, title: impl Into<String>) -> Case {
    case(section, title).on(origin_says().no_vary_search())
}

/// One response is stored, and is the same where `a` alone differs.
fn stored(title: impl Into<String>) -> Case {
    going(CACHING, title).origin([ok([FRESH, NOT_A]), ok([FRESH, NOT_A])]).get(0, MISS).to("/x?a=1&b=2")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = compared();
    cases.extend(as_any_other());
    cases.extend(invalidated());
    cases
}

fn compared() -> Vec<Case> {
    let mut cases: Vec<_> = [
        (NOT_A, "/x?a=1", "/x", true),
        (NOT_A, "/x", "/x?a=1&%61=2", true),
        (NOT_A, "/x?a=1&b=2", "/x?b=2", true),
        (NOT_A, "/x?a=1&b=2", "/x?b=%32&a", true),
        (NOT_A, "/x?a=1", "/x?b=1", false),
        (NOT_A, "/x?a=1", "/x?A=1", false),
        (NOT_A, "/x?a=1", "/y?a=2", false),
        (NOT_A, "/x?a=1", "/x/?a=2", false),
        (NOT_A, "/x?a=1", "http://example.org/x?a=2", false),
        (NOT_A, "/x?a=1", "https://example.com/x?a=2", false),
        (NOT_A, "/x?b=1&c=2", "/x?c=2&b=1", false),
        ("no-vary-search: key-order", "/x?b=1&c=2", "/x?c=2&b=1", true),
        ("no-vary-search: key-order", "/x?b=1&b=2", "/x?b=2&b=1", false),
        ("no-vary-search: key-order", "/x", "/x?", true),
        ("no-vary-search: params", "/x?b=1&c=2", "/x", true),
        ("no-vary-search: params, except=(\"c\")", "/x?b=1&c=2", "/x?c=2&d", true),
        ("no-vary-search: params, except=(\"c\")", "/x?b=1&c=2", "/x?c=3", false),
        // What cannot be read is no rule.
        ("no-vary-search: params=(a)", "/x?a=1", "/x?a=2", false),
        ("no-vary-search: except=(\"b\")", "/x?a=1", "/x?a=2", false),
        ("no-vary-search: params=(\"a\"", "/x?a=1", "/x?a=2", false),
        ("no-vary-search: ?1", "/x?a=1", "/x?a=2", false),
        ("vary: accept", "/x?a=1", "/x?a=2", false),
    ]
    .map(|(rule, one, other, same)| {
        going(COMPARING, format!("{rule}: {one}, {other}"))
            .origin([ok([FRESH, rule]), ok([FRESH, rule])])
            .get(0, MISS)
            .to(one)
            .get(1, if same { HIT } else { SECOND })
            .to(other)
    })
    .into();
    cases.push(
        case(CACHING, "without the option each query stands for itself")
            .origin([ok([FRESH, NOT_A])])
            .get(0, MISS)
            .to("/x?a=1")
            .get(1, SECOND)
            .to("/x?a=2"),
    );
    cases
}

fn as_any_other() -> Vec<Case> {
    vec![
        stored("it answers with its own age, fields and body")
            .get(7, HIT)
            .to("/x?b=2")
            .shows(["age: 7", NOT_A])
            .get(59.9, HIT)
            .to("/x?b=2&a=3")
            .get(60, SECOND)
            .to("/x?b=2"),
        stored("HEAD, conditions and ranges are answered from it")
            .head(1, "200 - hit")
            .to("/x?b=2")
            .get(1, "206 # hit")
            .to("/x?b=2")
            .with(["range: bytes=0-0"])
            .get(1, "416 - hit")
            .to("/x?b=2")
            .with(["range: bytes=9-"]),
        going(CACHING, "what is stored for the very URL goes before")
            .origin([ok([FRESH]), ok([FRESH, NOT_A])])
            .get(0, MISS)
            .to("/x?a=1")
            .get(1, SECOND)
            .to("/x?a=2")
            .get(2, HIT)
            .to("/x?a=1")
            .get(2, "200 #2 hit")
            .to("/x?a=3"),
        going(CACHING, "one that says nothing answers for no other")
            .origin([ok([FRESH, NOT_A]), ok([FRESH])])
            .get(0, MISS)
            .to("/x?a=1&b=1")
            .get(1, SECOND)
            .to("/x?b=2&a=1")
            .get(2, "200 #3 fwd=uri-miss; stored")
            .to("/x?b=2"),
        going(CACHING, "the newest of several answers")
            .origin([ok(["cache-control: max-age=5", NOT_A]), ok([FRESH, NOT_A])])
            .get(0, MISS)
            .to("/x?a=1")
            .get(6, SECOND)
            .to("/x?a=2")
            .get(7, "200 #2 hit")
            .to("/x?a=1")
            .get(7, "200 #2 hit")
            .to("/x?a=3"),
        going(CACHING, "by its own rule, whatever others of the path say")
            .origin([ok([FRESH, NOT_A]), ok([FRESH, "no-vary-search: key-order"])])
            .get(0, MISS)
            .to("/x?a=1&b=1")
            .get(1, SECOND)
            .to("/x?b=2&c=3")
            .get(2, "200 #2 hit")
            .to("/x?c=3&b=2")
            .get(2, HIT)
            .to("/x?b=1")
            .get(2, "200 #3 fwd=uri-miss; stored")
            .to("/x?a=1&b=2&c=3"),
        case(CACHING, "of several that are fresh the newest answers")
            .on(origin_says().no_vary_search().client_directives())
            .origin([
                ok([FRESH, NOT_A]),
                ok(["cache-control: max-age=5, stale-while-revalidate=60", NOT_A]),
                ok([FRESH, NOT_A]),
            ])
            .get(0, MISS)
            .to("/x?a=1")
            .get(1, SECOND)
            .to("/x?a=2")
            .with(["cache-control: no-cache"])
            .get(5, "200 #2 hit")
            .to("/x?a=3")
            .get(6, HIT)
            .to("/x?a=3"),
        going("RFC 9111 §4.1", "a variant that the request does not select is none")
            .origin([ok([FRESH, NOT_A, "vary: accept"])])
            .get(0, MISS)
            .to("/x?a=1")
            .with(["accept: text/html"])
            .get(1, HIT)
            .to("/x?a=2")
            .with(["accept: text/html"])
            .get(1, SECOND)
            .to("/x?a=2")
            .with(["accept: text/plain"])
            .get(2, "200 #2 hit")
            .to("/x?a=3")
            .with(["accept: text/plain"])
            .get(2, HIT)
            .to("/x?a=3")
            .with(["accept: text/html"]),
        stored("what a framework may read a host from is part of the key")
            .get(1, SECOND)
            .to("/x?b=2")
            .with(["x-forwarded-host: other"]),
        going("RFC 9111 §3.5", "one that is not for requests with Authorization is not")
            .origin([ok([FRESH, NOT_A])])
            .get(0, MISS)
            .to("/x?a=1")
            .get(1, "200 #2 fwd=uri-miss; detail=authorization")
            .to("/x?a=2")
            .with(["authorization: a"]),
        case("RFC 9111 §5.2.1.4", "what a request says counts")
            .on(origin_says().no_vary_search().client_directives())
            .origin([ok([FRESH, NOT_A])])
            .get(0, MISS)
            .to("/x?a=1")
            .get(1, HIT)
            .to("/x?a=2")
            .with(["cache-control: only-if-cached"])
            .get(1, SECOND)
            .to("/x?a=2")
            .with(["cache-control: no-cache"]),
        going(CACHING, "an expired one answers nothing, and its validator is not for another URL")
            .origin([ok(["cache-control: max-age=5", NOT_A, r#"etag: "a""#])])
            .get(0, MISS)
            .to("/x?a=1")
            .get(5, SECOND)
            .to("/x?a=2")
            .spared(["if-none-match"]),
        going("RFC 9111 §4.3.4", "a 304 may bring the rule")
            .origin([
                ok(["cache-control: max-age=5", r#"etag: "a""#]),
                up(304, [r#"etag: "a""#, FRESH, NOT_A]),
            ])
            .get(0, MISS)
            .to("/x?a=1")
            .get(5, "200 #1 fwd=stale; fwd-status=304")
            .to("/x?a=1")
            .get(6, HIT)
            .to("/x?a=2"),
    ]
}

fn invalidated() -> Vec<Case> {
    let changed = |uri: &str, answer: Up, gone: bool| {
        let told = format!("{} fwd=method; detail=method", answer.shown(2));
        let what = if gone { "invalidated" } else { "left alone" };
        case("RFC 9111 §4.4", format!("of what is the same for other queries: {uri}, {told}: {what}"))
            .on(origin_says().no_vary_search())
            .origin([ok([FRESH, NOT_A]), answer, ok([FRESH, NOT_A])])
            .get(0, MISS)
            .to("/x?a=1&b=2")
            .ask("POST", 1, told)
            .to(uri)
            .get(2, if gone { "200 #3 fwd=uri-miss; stored" } else { HIT })
            .to("/x?a=1&b=2")
            .get(3, if gone { "200 #3 hit" } else { HIT })
            .to("/x?b=2")
    };
    vec![
        changed("/x?a=1&b=2", ok([]), true),
        changed("/x?b=2", ok([]), true),
        changed("/x?%62=2&a", ok([]), true),
        changed("/x?b=3", ok([]), false),
        changed("/x", ok([]), false),
        changed("/y?b=2", ok([]), false),
        changed("/x?b=2", up(404, []), false),
        changed("/form", up(201, ["location: /x?b=2"]), true),
        changed("/form", up(201, ["location: /x?b=1"]), false),
    ]
}

#[tokio::test(start_paused = true)]
async fn responses_that_are_the_same_for_other_queries() {
    play(cases()).await;
}
