//! The fields of RFC 9111 §5: `Age`, `Expires`, `Pragma`, `Warning`.

use super::{Case, broken, case, ok, play, unchanged, up};
use crate::support::{origin_says, route};

const AGE: &str = "RFC 9111 §5.1";
const EXPIRES: &str = "RFC 9111 §5.3";
const PRAGMA: &str = "RFC 9111 §5.4";
const WARNING: &str = "RFC 9111 §5.5";
const FRESH: &str = "cache-control: max-age=60";
const TAG: &str = r#"etag: "a""#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = ages();
    cases.extend(others());
    cases
}

fn ages() -> Vec<Case> {
    let arrived = [
        (["age: 7", "x-line: 2"], "age: 12"),
        (["age: 7, 9", "x-line: 2"], "age: 12"),
        (["age: 7", "age: 9"], "age: 12"),
        (["age: abc", "x-line: 2"], "age: 5"),
        (["age: -7", "x-line: 2"], "age: 5"),
        (["age:", "x-line: 2"], "age: 5"),
        (["date: @-7", "x-line: 2"], "age: 12"),
        (["date: @-7", "age: 3"], "age: 12"),
        (["date: @-3", "age: 7"], "age: 12"),
        (["date: @99", "x-line: 2"], "age: 5"),
        (["date: @99", "age: 7"], "age: 12"),
    ]
    .map(|(lines, age)| {
        case(AGE, format!("{lines:?}, 5 s later"))
            .in_both_modes()
            .origin([ok([FRESH, lines[0], lines[1]])])
            .fill()
            .get(5, "200 #1 hit")
            .shows([age])
    });
    let mut cases = Vec::from(arrived);
    cases.extend([
        case(AGE, "it grows by the second")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .get(0.5, "200 #1 hit")
            .shows(["age: 0"])
            .get(1, "200 #1 hit")
            .shows(["age: 1"])
            .get(1.999, "200 #1 hit")
            .shows(["age: 1"])
            .get(59, "200 #1 hit")
            .shows(["age: 59"]),
        case(AGE, "what was confirmed for this very request has none")
            .in_both_modes()
            .origin([ok([FRESH, r#"etag: "a""#]), unchanged([FRESH])])
            .fill()
            .get(100, "200 #1 fwd=stale; fwd-status=304")
            .lacks(["age"])
            .get(101, "200 #1 hit")
            .shows(["age: 1"]),
        case(AGE, "the time on the way is a part of it")
            .in_both_modes()
            .origin([ok([FRESH]).after(3)])
            .fill()
            .get(5, "200 #1 hit")
            .shows(["age: 5"]),
        case(AGE, "the time on the way comes on top of the one received")
            .in_both_modes()
            .origin([ok([FRESH, "age: 7"]).after(3)])
            .fill()
            .get(5, "200 #1 hit")
            .shows(["age: 12"]),
        case(AGE, "of what was confirmed it counts from there")
            .origin([ok(["cache-control: max-age=10", TAG, "age: 4"]), unchanged([])])
            .fill()
            .get(6, "200 #1 fwd=stale; fwd-status=304")
            .get(9, "200 #1 hit")
            .shows(["age: 3"]),
        case(AGE, "a 304 may have one of its own")
            .origin([ok(["cache-control: max-age=10", TAG]), unchanged(["age: 2"])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .shows(["age: 2"])
            .get(13, "200 #1 hit")
            .shows(["age: 5"]),
        case(AGE, "a new response is as old as it is")
            .origin([ok(["cache-control: max-age=10", "age: 4"]), ok(["cache-control: max-age=10"])])
            .fill()
            .get(6, "200 #2 fwd=stale; stored")
            .get(9, "200 #2 hit")
            .shows(["age: 3"]),
        case(AGE, "what is stale says how old it is")
            .on(route(10, 30))
            .origin([ok(["age: 5"]), broken()])
            .fill()
            .get(20, "200 #1 hit; detail=stale")
            .shows(["age: 25"])
            .get(40, "200 #1 hit; detail=stale_error")
            .shows(["age: 45"]),
        case(AGE, "a 304 made from what is stored has it")
            .in_both_modes()
            .origin([ok([FRESH, TAG])])
            .fill()
            .get(5, "304 - hit")
            .with([r#"if-none-match: "a""#])
            .shows(["age: 5"]),
        case(AGE, "a part of what is stored has it")
            .in_both_modes()
            .origin([ok([FRESH]).body("0123456789")])
            .fill()
            .get(5, "206 01 hit")
            .with(["range: bytes=0-1"])
            .shows(["age: 5"]),
        case(AGE, "HEAD has it")
            .in_both_modes()
            .origin([ok([FRESH])])
            .fill()
            .head(5, "200 - hit")
            .shows(["age: 5"]),
        case(AGE, "a status that is no success has it")
            .origin([up(404, [FRESH])])
            .fill()
            .get(5, "404 #1 hit")
            .shows(["age: 5"]),
        case("RFC 9111 §1.2.2", "the largest that can be told")
            .on(route(60, 60))
            .origin([ok(["age: 99999999999999999999"])])
            .fill()
            .get(0, "200 #1 hit")
            .shows(["age: 2147483648"]),
        case(AGE, "a response that is not stored keeps the one it came with")
            .in_both_modes()
            .origin([ok(["cache-control: no-store", "age: 7"])])
            .not_stored("no_store")
            .shows(["age: 7"]),
    ]);
    cases
}

fn others() -> Vec<Case> {
    let heeding = || origin_says().client_directives();
    let tagged = || [ok([FRESH, TAG]), unchanged([])];
    vec![
        case(EXPIRES, "it is sent on as it came")
            .in_both_modes()
            .origin([ok([FRESH, "expires: Tuesday, 14-Nov-23 22:13:30 GMT"])])
            .stored()
            .shows(["expires: Tuesday, 14-Nov-23 22:13:30 GMT"]),
        case(EXPIRES, "one that is no date is sent on, too")
            .in_both_modes()
            .origin([ok([FRESH, "expires: 0"])])
            .stored()
            .shows(["expires: 0"]),
        case(EXPIRES, "none is made").in_both_modes().origin([ok([FRESH])]).stored().lacks(["expires"]),
        case(PRAGMA, "no-cache in a request says nothing by default")
            .in_both_modes()
            .origin(tagged())
            .fill()
            .get(1, "200 #1 hit")
            .with(["pragma: no-cache"]),
        case(PRAGMA, "no-cache in a request is heard where the route says so")
            .on(heeding())
            .on(route(60, 60).client_directives())
            .origin(tagged())
            .fill()
            .get(1, "200 #1 fwd=request; fwd-status=304")
            .with(["pragma: No-Cache"]),
        case(PRAGMA, "no-cache among others")
            .on(heeding())
            .origin(tagged())
            .fill()
            .get(1, "200 #1 fwd=request; fwd-status=304")
            .with(["pragma: x, no-cache"]),
        case(PRAGMA, "Cache-Control goes before it")
            .on(heeding())
            .origin(tagged())
            .fill()
            .get(1, "200 #1 hit")
            .with(["pragma: no-cache", "cache-control: max-age=60"]),
        case(PRAGMA, "other values say nothing")
            .on(heeding())
            .origin(tagged())
            .fill()
            .get(1, "200 #1 hit")
            .with(["pragma: no-store, x-no-cache"]),
        case(PRAGMA, "in a response it forbids nothing")
            .in_both_modes()
            .origin([ok([FRESH, "pragma: no-cache, no-store"])])
            .stored()
            .shows(["pragma: no-cache, no-store"]),
        case(WARNING, "none is made for what is fresh")
            .in_both_modes()
            .origin([ok([FRESH])])
            .stored()
            .lacks(["warning"]),
        case(WARNING, "none is made for what is stale")
            .on(route(10, 30))
            .origin([ok([]), broken()])
            .fill()
            .get(20, "200 #1 hit; detail=stale")
            .lacks(["warning"])
            .get(40, "200 #1 hit; detail=stale_error")
            .lacks(["warning"]),
        case(WARNING, "none is made where the heuristic is a long one")
            .on(origin_says().heuristic())
            .origin([ok(["last-modified: @-90000000"])])
            .fill()
            .get(86_000, "200 #1 hit")
            .lacks(["warning"]),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_fields_of_caching() {
    play(cases()).await;
}
