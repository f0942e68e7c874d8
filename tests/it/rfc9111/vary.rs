//! Which of several stored responses answers (RFC 9111 §4.1).

use super::{Case, case, ok, play, unchanged};

const KEYS: &str = "RFC 9111 §4.1";
const VARY: &str = "RFC 9110 §12.5.5";
const FRESH: &str = "cache-control: max-age=60";
const HIT: &str = "200 #1 hit";
const OTHER: &str = "200 #2 fwd=vary-miss; stored";

/// Two requests: whether what is stored for the first answers the second.
fn selects<const A: usize, const B: usize>(
    title: &str,
    vary: [&'static str; 2],
    first: [&'static str; A],
    second: [&'static str; B],
    answer: &str,
) -> Case {
    case(KEYS, title)
        .in_both_modes()
        .origin([ok([FRESH, vary[0], vary[1]])])
        .get(0, "200 #1 fwd=uri-miss; stored")
        .with(first)
        .get(1, answer)
        .with(second)
}

pub(super) fn cases() -> Vec<Case> {
    const X: [&str; 2] = ["vary: x", "x-line: 2"];
    const X_AND_Y: [&str; 2] = ["vary: x, y", "x-line: 2"];
    let mut cases = vec![
        selects("the same value", X, ["x: a"], ["x: a"], HIT),
        selects("another value", X, ["x: a"], ["x: b"], OTHER),
        selects("the value's case counts", X, ["x: a"], ["x: A"], OTHER),
        selects("a value is not the beginning of another", X, ["x: a"], ["x: ab"], OTHER),
        selects("another value that is longer at its beginning", X, ["x: ab"], ["x: b"], OTHER),
        selects("absent in both", X, [], [], HIT),
        selects("absent in the stored request only", X, [], ["x: a"], OTHER),
        selects("absent in the new request only", X, ["x: a"], [], OTHER),
        selects("absent is not empty", X, [], ["x:"], OTHER),
        selects("empty is not absent", X, ["x:"], [], OTHER),
        selects("empty in both", X, ["x:"], ["x:"], HIT),
        selects("what is not named does not count", X, ["x: a", "z: 1"], ["x: a", "z: 2"], HIT),
        selects("two lines are one list", X, ["x: a", "x: b"], ["x: a, b"], HIT),
        selects("one list is two lines", X, ["x: a, b"], ["x: a", "x: b"], HIT),
        selects("the order of a list counts", X, ["x: a, b"], ["x: b, a"], OTHER),
        selects("a line more", X, ["x: a"], ["x: a", "x: b"], OTHER),
        selects("a line less", X, ["x: a", "x: b"], ["x: a"], OTHER),
        selects("white space around a value does not count", X, ["x: a"], ["x: a \t"], HIT),
        selects("bytes that are no ASCII count", X, ["x: ä"], ["x: ö"], OTHER),
        selects("both fields agree", X_AND_Y, ["x: a", "y: b"], ["y: b", "x: a"], HIT),
        selects("the first of two fields differs", X_AND_Y, ["x: a", "y: b"], ["x: c", "y: b"], OTHER),
        selects("the second of two fields differs", X_AND_Y, ["x: a", "y: b"], ["x: a", "y: c"], OTHER),
        selects("the values of two fields change places", X_AND_Y, ["x: a", "y: b"], ["x: b", "y: a"], OTHER),
        selects("one of two fields is absent", X_AND_Y, ["x: a"], ["y: a"], OTHER),
        selects("Vary on two lines: the first counts", ["vary: x", "vary: y"], ["x: a"], ["x: b"], OTHER),
        selects("Vary on two lines: the second counts", ["vary: x", "vary: y"], ["y: a"], ["y: b"], OTHER),
        selects(
            "a name may be spelled in any case",
            ["vary: X-Name", "x-line: 2"],
            ["x-name: a"],
            ["x-name: b"],
            OTHER,
        ),
        selects("a name may stand there twice", ["vary: x, X, x", "vary: x"], ["x: a"], ["x: a"], HIT),
        selects("empty members are none", ["vary: , x ,, ", "x-line: 2"], ["x: a"], ["x: b"], OTHER),
        selects("an empty Vary names nothing", ["vary:", "x-line: 2"], ["x: a"], ["x: b"], HIT),
        selects("a list of nothing names nothing", ["vary: , ,", "x-line: 2"], ["x: a"], ["x: b"], HIT),
        selects("User-Agent", ["vary: user-agent", "x-line: 2"], ["user-agent: a"], ["user-agent: b"], OTHER),
        selects("Origin", ["vary: Origin", "x-line: 2"], ["origin: http://a"], ["origin: http://b"], OTHER),
        selects("the client's conditions do not count", X, ["x: a"], ["x: a", "if-none-match: \"z\""], HIT),
    ];
    cases.extend(
        [
            ["vary: *", "x-line: 2"],
            ["vary: x, *", "x-line: 2"],
            ["vary: *, x", "x-line: 2"],
            ["vary: x", "vary: *"],
            ["vary: *", "vary: x"],
            ["vary: ,*,", "x-line: 2"],
            ["vary: x y", "x-line: 2"],
            ["vary: \"x\"", "x-line: 2"],
            ["vary: x; y", "x-line: 2"],
        ]
        .map(|vary| {
            case(KEYS, format!("nobody can tell by {vary:?}"))
                .in_both_modes()
                .origin([ok([FRESH, vary[0], vary[1]])])
                .not_stored("vary_star")
        }),
    );
    cases.extend([
        case(KEYS, "each variant answers its own requests")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(1, "200 #2 fwd=vary-miss; stored")
            .with(["x: b"])
            .get(2, "200 #3 fwd=vary-miss; stored")
            .get(3, "200 #1 hit")
            .with(["x: a"])
            .get(4, "200 #2 hit")
            .with(["x: b"])
            .get(5, "200 #3 hit"),
        case(KEYS, "each variant has its own freshness")
            .origin([
                ok(["cache-control: max-age=10", "vary: x"]),
                ok(["cache-control: max-age=20", "vary: x"]),
            ])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(0, "200 #2 fwd=vary-miss; stored")
            .with(["x: b"])
            .get(15, "200 #2 hit")
            .with(["x: b"])
            .get(15, "200 #3 fwd=stale; stored")
            .with(["x: a"])
            .get(16, "200 #2 hit")
            .with(["x: b"]),
        case(KEYS, "each variant is asked about by its own validator")
            .origin([
                ok(["cache-control: max-age=10", "vary: x", r#"etag: "a""#]),
                ok(["cache-control: max-age=10", "vary: x", r#"etag: "b""#]),
                unchanged([]),
            ])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(0, "200 #2 fwd=vary-miss; stored")
            .with(["x: b"])
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .with(["x: a"])
            .sent([r#"if-none-match: "a""#, "x: a"])
            .get(10, "200 #2 fwd=stale; fwd-status=304")
            .with(["x: b"])
            .sent([r#"if-none-match: "b""#, "x: b"]),
        case(VARY, "Vary is sent on as it came")
            .in_both_modes()
            .origin([ok([FRESH, "vary: X , y", "vary: Z"])])
            .stored()
            .shows(["vary: X , y", "vary: Z"]),
        case("RFC 9111 §4.3.2", "a condition is judged by the variant that is selected")
            .in_both_modes()
            .origin([ok([FRESH, "vary: x", r#"etag: "a""#]), ok([FRESH, "vary: x", r#"etag: "b""#])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["x: a"])
            .get(0, "200 #2 fwd=vary-miss; stored")
            .with(["x: b"])
            .get(1, "304 - hit")
            .with(["x: a", r#"if-none-match: "a""#])
            .get(1, "200 #2 hit")
            .with(["x: b", r#"if-none-match: "a""#]),
        case("RFC 9111 §3.5", "Vary on Authorization shares nothing by itself")
            .in_both_modes()
            .origin([ok([FRESH, "vary: authorization"])])
            .get(0, "200 #1 fwd=uri-miss; detail=authorization")
            .with(["authorization: Basic a"]),
        case(KEYS, "Vary on Cookie tells users apart")
            .origin([ok([FRESH, "vary: cookie"])])
            .get(0, "200 #1 fwd=uri-miss; stored")
            .with(["cookie: id=1"])
            .get(1, OTHER)
            .with(["cookie: id=2"])
            .get(2, HIT)
            .with(["cookie: id=1"]),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn which_of_several_answers() {
    play(cases()).await;
}
