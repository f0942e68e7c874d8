//! What a change on the origin makes of what is stored (RFC 9111 §4.4).

use super::{Case, Up, broken, case, ok, play, up};

const INVALIDATES: &str = "RFC 9111 §4.4";
const SAFE: &str = "RFC 9110 §9.2.1";
const FRESH: &str = "cache-control: max-age=60";

/// A stored response, a request by this method that is answered so, and whether the response is still there.
fn changed(section: &'static str, title: String, method: &str, answer: Up, gone: bool) -> Case {
    let told = format!("{} fwd=method; detail=method", answer.shown(2));
    case(section, title)
        .in_both_modes()
        .origin([ok([FRESH]), answer, ok([FRESH])])
        .fill()
        .ask(method, 1, told)
        .get(2, if gone { "200 #3 fwd=uri-miss; stored" } else { "200 #1 hit" })
}

/// A response stored for `/named`, and a POST to `/form` whose response names it, or something else.
fn naming(line: &'static str, gone: bool) -> Case {
    named(up(201, [line]), format!("{line}: {}", if gone { "invalidated" } else { "left alone" }), gone)
}

fn named(answer: Up, title: String, gone: bool) -> Case {
    let told = format!("{} fwd=method; detail=method", answer.shown(2));
    case(INVALIDATES, title)
        .in_both_modes()
        .origin([ok([FRESH]), answer, ok([FRESH])])
        .fill()
        .to("/a/named")
        .ask("POST", 1, told)
        .to("/a/form")
        .get(2, if gone { "200 #3 fwd=uri-miss; stored" } else { "200 #1 hit" })
        .to("/a/named")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in ["POST", "PUT", "DELETE", "PATCH", "MKCOL", "UNKNOWN", "post"] {
        cases.push(changed(INVALIDATES, format!("{method} is not safe"), method, ok([]), true));
    }
    for method in ["OPTIONS", "TRACE"] {
        cases.push(changed(SAFE, format!("{method} is safe"), method, ok([]), false));
    }
    for status in [200, 201, 202, 204, 205, 299, 301, 302, 303, 307, 308] {
        cases.push(changed(INVALIDATES, format!("{status} is no error"), "POST", up(status, []), true));
    }
    for status in [400, 401, 403, 404, 405, 409, 412, 422, 429, 499, 500, 501, 502, 503, 504, 599] {
        cases.push(changed(INVALIDATES, format!("{status} is an error"), "POST", up(status, []), false));
    }
    cases.extend([
        naming("location: /a/named", true),
        naming("location: named", true),
        naming("location: ./named", true),
        naming("location: ../a/named", true),
        naming("location: /a/named#part", true),
        naming("location: http://example.com/a/named", true),
        naming("location: http://EXAMPLE.com/a/named", true),
        naming("location: //example.com/a/named", true),
        naming("content-location: /a/named", true),
        naming("content-location: named", true),
        naming("content-location: http://example.com/a/named", true),
        naming("location: http://elsewhere.com/a/named", false),
        naming("location: //elsewhere.com/a/named", false),
        naming("location: http://example.com.elsewhere.com/a/named", false),
        naming("location: http://example.com:8080/a/named", false),
        naming("content-location: http://elsewhere.com/a/named", false),
        naming("location: mailto:named@example.com", false),
        naming("location: /a/other", false),
        naming("location: /a/named?query", false),
        naming("location: /named", false),
        naming("location:", false),
        naming("link: </a/named>", false),
        named(up(303, ["location: /a/named"]), "a redirect names it".to_owned(), true),
        named(up(400, ["location: /a/named"]), "an error names it".to_owned(), false),
        named(up(500, ["content-location: /a/named"]), "a failure names it".to_owned(), false),
        named(ok(["location: /a/other", "content-location: /a/named"]), "both fields count".to_owned(), true),
        case(INVALIDATES, "a call that fails invalidates nothing")
            .in_both_modes()
            .origin([ok([FRESH]), broken()])
            .fill()
            .ask("POST", 1, "error")
            .get(2, "200 #1 hit"),
        case(INVALIDATES, "the target alone goes: another path stays")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .to("/a")
            .ask("POST", 1, "200 #2 fwd=method; detail=method")
            .to("/b")
            .get(2, "200 #1 hit")
            .to("/a"),
        case(INVALIDATES, "the target alone goes: another query stays")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .to("/a?x=1")
            .ask("POST", 1, "200 #2 fwd=method; detail=method")
            .to("/a?x=2")
            .get(2, "200 #1 hit")
            .to("/a?x=1"),
        case(INVALIDATES, "the target alone goes: another host stays")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .ask("POST", 1, "200 #2 fwd=method; detail=method")
            .to("http://elsewhere.com/")
            .get(2, "200 #1 hit"),
        case(INVALIDATES, "all variants of the target go")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(0, "200 #2 fwd=vary-miss; stored")
            .with(["x: b"])
            .ask("DELETE", 1, "200 #3 fwd=method; detail=method")
            .get(2, "200 #4 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(2, "200 #5 fwd=vary-miss; stored")
            .with(["x: b"]),
        case(INVALIDATES, "what is gone is not asked about, but fetched")
            .in_both_modes()
            .origin([ok([FRESH, r#"etag: "a""#])])
            .fill()
            .ask("PUT", 1, "200 #2 fwd=method; detail=method")
            .get(2, "200 #3 fwd=uri-miss; stored")
            .spared(["if-none-match"]),
        case(SAFE, "a HEAD that goes to the origin invalidates nothing")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x"])])
            .fill()
            .head(1, "200 - fwd=bypass; detail=head")
            .with(["x: a"])
            .get(2, "200 #1 hit"),
        case(SAFE, "a GET that goes past the cache invalidates nothing")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .get(1, "200 #2 fwd=bypass; detail=precondition")
            .with(["if-match: *"])
            .get(2, "200 #1 hit"),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn what_a_change_invalidates() {
    play(cases()).await;
}
