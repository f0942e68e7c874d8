//! Responses to POST that are kept, by option (RFC 9110 §9.3.3).

use super::{Case, Up, case, ok, play, unchanged, up};
use crate::support::{origin_says, route};

const POST: &str = "RFC 9110 §9.3.3";
const FRESH: &str = "cache-control: max-age=60";
const HERE: &str = "content-location: http://example.com/";
const KEPT: &str = "200 #1 fwd=method; stored";

fn kept(section: &'static str, title: impl Into<String>) -> Case {
    case(section, title).on(origin_says().store_post()).on(route(60, 60).store_post())
}

/// A POST that is answered so, and a GET after it.
fn unkept(title: impl Into<String>, answer: Up) -> Case {
    let told = format!("{} fwd=method; detail=method", answer.shown(1));
    kept(POST, title).origin([answer, ok([FRESH])]).ask("POST", 0, told).get(1, "200 #2 fwd=uri-miss; stored")
}

fn stored(title: impl Into<String>, answer: Up) -> Case {
    let (told, hit) = (format!("{} fwd=method; stored", answer.shown(1)), format!("{} hit", answer.shown(1)));
    kept(POST, title).origin([answer]).ask("POST", 0, told).get(1, hit)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = [
        HERE,
        "content-location: HTTP://EXAMPLE.com/",
        "content-location: //example.com/",
        "content-location: /",
        "content-location: ./",
        "content-location: /#part",
    ]
    .map(|line| stored(format!("kept: {line}"), ok([FRESH, line])))
    .into();
    cases.extend(
        [
            "content-location: /other",
            "content-location: /?query",
            "content-location: http://other.example/",
            "content-location:",
            "x-content-location: /",
            "location: /",
        ]
        .map(|line| unkept(format!("not kept: {line}"), ok([FRESH, line]))),
    );
    cases.extend(
        [
            "cache-control: public",
            "cache-control: max-age=0",
            "cache-control: max-age=60, no-store",
            "cache-control: max-age=60, private",
            "cache-control: max-age=60, no-cache",
            "last-modified: @-99",
        ]
        .map(|line| unkept(format!("not kept: {line}"), ok([line, HERE, r#"etag: "a""#]))),
    );
    cases.extend(
        [201, 203, 206, 303, 404]
            .map(|status| unkept(format!("not kept: {status}"), up(status, [FRESH, HERE]))),
    );
    cases.extend([
        unkept("not kept: two places", ok([FRESH, HERE, HERE])),
        unkept("not kept: Set-Cookie", ok([FRESH, HERE, "set-cookie: a=b"])),
        unkept("not kept: Vary: *", ok([FRESH, HERE, "vary: *"])),
        stored("kept: fresh by Expires", ok(["expires: @60", HERE])),
        kept(POST, "it answers HEAD and conditions as what GET had got, and no POST")
            .origin([
                ok([FRESH, HERE, r#"etag: "a""#, "x-a: 1", "content-length: 2"]),
                ok([]),
                ok([FRESH]),
                ok([]),
            ])
            .ask("POST", 0, KEPT)
            .shows(["x-a: 1"])
            .head(1, "200 - hit")
            .shows(["x-a: 1", "content-length: 2"])
            .get(2, "304 - hit")
            .with([r#"if-none-match: "a""#])
            .get(3, "206 # hit")
            .with(["range: bytes=0-0"])
            .ask("POST", 4, "200 #2 fwd=method; detail=method")
            .get(5, "200 #3 fwd=uri-miss; stored")
            .ask("POST", 6, "200 #4 fwd=method; detail=method"),
        kept(POST, "a condition of the POST is the origin's")
            .origin([ok([FRESH, HERE, r#"etag: "a""#])])
            .ask("POST", 0, KEPT)
            .with([r#"if-none-match: "a""#])
            .sent([r#"if-none-match: "a""#]),
        kept("RFC 9111 §4.4", "it takes the place of what it invalidates")
            .origin([ok([FRESH]), ok([FRESH, HERE])])
            .fill()
            .ask("POST", 1, "200 #2 fwd=method; stored")
            .get(2, "200 #2 hit"),
        kept("RFC 9111 §4.1", "it answers requests that select it")
            .origin([ok([FRESH, HERE, "vary: accept"]), ok([FRESH])])
            .ask("POST", 0, KEPT)
            .with(["accept: text/html"])
            .get(1, "200 #1 hit")
            .with(["accept: text/html"])
            .get(2, "200 #2 fwd=vary-miss; stored")
            .with(["accept: text/plain"]),
        case("RFC 9111 §4.3", "it is confirmed as any other")
            .on(origin_says().store_post())
            .origin([ok(["cache-control: max-age=10", HERE, r#"etag: "a""#]), unchanged([])])
            .ask("POST", 0, KEPT)
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#]),
        kept("RFC 9111 §3.5", "with Authorization it is kept where the response allows it")
            .origin([ok([FRESH, HERE]), ok(["cache-control: max-age=60, public", HERE])])
            .ask("POST", 0, "200 #1 fwd=method; detail=method")
            .with(["authorization: a"])
            .ask("POST", 1, "200 #2 fwd=method; stored")
            .with(["authorization: a"])
            .get(2, "200 #2 hit"),
        case(POST, "by option only")
            .in_both_modes()
            .origin([ok([FRESH, HERE]), ok([FRESH])])
            .ask("POST", 0, "200 #1 fwd=method; detail=method")
            .get(1, "200 #2 fwd=uri-miss; stored"),
    ]);
    cases.extend(["x-http-method-override: DELETE", "upgrade: h2c", "range: bytes=0-0"].map(|line| {
        unkept(format!("not kept where the request has {line}"), ok([FRESH, HERE])).of_first(line)
    }));
    cases.extend(["PUT", "PATCH", "post"].map(|method| {
        kept(POST, format!("{method} is not POST"))
            .origin([ok([FRESH, HERE]), ok([FRESH])])
            .ask(method, 0, "200 #1 fwd=method; detail=method")
            .get(1, "200 #2 fwd=uri-miss; stored")
    }));
    cases
}

impl Case {
    /// With this line in the first request.
    fn of_first(mut self, line: &'static str) -> Self {
        self.asks[0].with.push(line);
        self
    }
}

#[tokio::test(start_paused = true)]
async fn responses_to_post_that_are_kept() {
    play(cases()).await;
}
