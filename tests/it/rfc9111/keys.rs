//! What a stored response is found by (RFC 9111 §2).

use super::{Case, case, ok, play};

const KEY: &str = "RFC 9111 §2";
const EQUAL: &str = "RFC 9110 §4.2.3";
const FRESH: &str = "cache-control: max-age=60";

/// Whether what is stored for one URI answers a request for another.
fn answers(section: &'static str, stored: &str, asked: &str, found: bool) -> Case {
    case(section, format!("{stored}, {asked}"))
        .in_both_modes()
        .origin([ok([FRESH])])
        .fill()
        .to(stored)
        .get(1, if found { "200 #1 hit" } else { "200 #2 fwd=uri-miss; stored" })
        .to(asked)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        answers(KEY, "/a", "/a", true),
        answers(KEY, "/a?x=1&y=2", "/a?x=1&y=2", true),
        answers(KEY, "/a", "/b", false),
        answers(KEY, "/a", "/a/", false),
        answers(KEY, "/a", "/A", false),
        answers(KEY, "/a", "/a?x", false),
        answers(KEY, "/a?x=1", "/a?x=2", false),
        answers(KEY, "/a?x=1", "/a?X=1", false),
        answers(KEY, "/a?x=1&y=2", "/a?y=2&x=1", false),
        answers(KEY, "/a/b", "/a%2Fb", false),
        answers(KEY, "http://example.com/", "http://example.org/", false),
        answers(KEY, "http://example.com/", "http://www.example.com/", false),
        answers(KEY, "http://example.com/", "http://example.com:8080/", false),
        answers(KEY, "http://example.com/", "https://example.com/", false),
        answers(EQUAL, "http://example.com/a", "http://EXAMPLE.com/a", true),
        answers(EQUAL, "http://example.com/", "http://example.com", true),
        case(KEY, "headers that Vary does not name are no part of it")
            .in_both_modes()
            .origin([ok([FRESH])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["accept: text/html", "user-agent: a", "x-forwarded-for: 1.2.3.4"])
            .get(1, "200 #1 hit")
            .with(["accept: text/plain", "user-agent: b", "x-forwarded-for: 5.6.7.8", "referer: http://a/"]),
        case(KEY, "each URI is stored by itself")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .to("/a")
            .get(1, "200 #2 fwd=uri-miss; stored")
            .to("/b")
            .get(2, "200 #1 hit")
            .to("/a")
            .get(2, "200 #2 hit")
            .to("/b"),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_a_stored_response_is_found_by() {
    play(cases()).await;
}
