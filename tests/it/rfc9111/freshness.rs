//! How long a response is fresh (RFC 9111 §4.2).

use tower_swr_cache::SwrConfig;

use super::{Case, case, ok, play, unchanged, up};
use crate::support::{origin_says, route, secs};

const LIFETIME: &str = "RFC 9111 §4.2.1";
const HEURISTIC: &str = "RFC 9111 §4.2.2";
const AGE: &str = "RFC 9111 §4.2.3";
const EXPIRES: &str = "RFC 9111 §5.3";
const DELTA: &str = "RFC 9111 §1.2.2";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = lifetimes();
    cases.extend(broken());
    cases.extend(ages());
    cases.extend(heuristics());
    cases
}

fn lifetimes() -> Vec<Case> {
    let of_control = [
        "cache-control: max-age=10",
        "cache-control: MAX-AGE=10",
        "cache-control: max-age=0010",
        "cache-control: public,max-age=10,unknown",
        "cache-control: ,, max-age=10 ,",
        "cache-control: s-maxage=10",
        "cache-control: s-maxage=10, max-age=1",
        "cache-control: max-age=60, s-maxage=10",
        r#"cache-control: ext="max-age=1", max-age=10"#,
        r#"cache-control: ext="\", max-age=1", max-age=10"#,
        "cache-control: x-max-age=1, max-age=10",
        "cache-control: unknown=1, max-age=10, other",
        "cache-control: é, max-age=10",
        "cache-control: max-age=10, =, /",
    ]
    .map(|line| case(LIFETIME, line).origin([ok([line])]).fresh_for(10));
    let before_expires = [
        ["cache-control: max-age=10", "expires: @60"],
        ["cache-control: max-age=10", "expires: @-60"],
        ["cache-control: max-age=10", "expires: 0"],
        ["cache-control: s-maxage=10", "expires: @60"],
        ["cache-control: s-maxage=10", "expires: @1"],
        ["cache-control: max-age=10", "cache-control: public"],
        ["cache-control: max-age=60", "cache-control: s-maxage=10"],
    ]
    .map(|lines| case(LIFETIME, format!("{lines:?}")).origin([ok(lines)]).fresh_for(10));
    // The wall clock says Tue, 14 Nov 2023 22:13:20 GMT.
    let expires = [
        ["expires: @10", "date: @0"],
        ["expires: @110", "date: @100"],
        ["expires: @10", "x-date: absent"],
        ["expires: @10", "date: nonsense"],
        ["expires: Tue, 14 Nov 2023 22:13:30 GMT", "date: @0"],
        ["expires: Tuesday, 14-Nov-23 22:13:30 GMT", "date: @0"],
        ["expires: Tue Nov 14 22:13:30 2023", "date: @0"],
        ["expires: TUE, 14 nov 2023 22:13:30 gmt", "date: @0"],
        ["expires: @10", "cache-control: public"],
        ["expires: @10", "cache-control: immutable, unknown=5"],
    ]
    .map(|lines| case(EXPIRES, format!("{lines:?}")).origin([ok(lines)]).fresh_for(10));
    let mut cases = Vec::from(of_control);
    cases.extend(before_expires);
    cases.extend(expires);
    cases.extend([
        case(LIFETIME, "the route's TTL, whatever the response says to those further down")
            .on(route(10, 10))
            .origin([ok(["cache-control: max-age=60, s-maxage=1", "expires: @1", "age: 5"])])
            .fresh_for(10),
        case(LIFETIME, "the route's TTL of a status")
            .on(origin_says().status_ttl(http::StatusCode::NOT_FOUND, secs(10), secs(10)))
            .origin([up(404, [])])
            .fresh_for(10),
        case(LIFETIME, "a fallback is for a response that says nothing")
            .on(origin_says().fallback_ttl(secs(10), secs(10)))
            .origin([ok([])])
            .fresh_for(10),
        case(LIFETIME, "a fallback is not for one that does")
            .on(origin_says().fallback_ttl(secs(99), secs(99)))
            .origin([ok(["cache-control: max-age=10"])])
            .fresh_for(10),
        case("RFC 9111 §5.2.2.10", "s-maxage says nothing to a cache with one user")
            .on(SwrConfig::outbound("route"))
            .origin([ok(["cache-control: s-maxage=60, max-age=10"])])
            .fresh_for(10),
        case("RFC 9111 §5.4", "Pragma says nothing in a response")
            .origin([ok(["cache-control: max-age=10", "pragma: no-cache"])])
            .fresh_for(10),
        case(LIFETIME, "what conflicts is read the most restrictive way: the smaller of two")
            .origin([ok(["cache-control: max-age=10, max-age=20"])])
            .fresh_for(10),
        case(LIFETIME, "the smaller of two, in another order, on two lines")
            .origin([ok(["cache-control: max-age=20", "cache-control: max-age=10"])])
            .fresh_for(10),
        case(LIFETIME, "the smaller of two s-maxage")
            .origin([ok(["cache-control: s-maxage=10, s-maxage=20, max-age=30"])])
            .fresh_for(10),
        case(LIFETIME, "the same number twice is no conflict")
            .origin([ok(["cache-control: max-age=10, max-age=10"])])
            .fresh_for(10),
        case("RFC 9111 §5.2", "an argument may be quoted")
            .origin([ok([r#"cache-control: max-age="10""#])])
            .fresh_for(10),
        case(DELTA, "a number too large to count with is a large one")
            .origin([ok(["cache-control: max-age=2147483648"])])
            .fill()
            .get(10_000_000, "200 #1 hit"),
        case(DELTA, "the same, with more digits than any integer has")
            .origin([ok(["cache-control: max-age=99999999999999999999999999"])])
            .fill()
            .get(10_000_000, "200 #1 hit"),
    ]);
    cases
}

fn broken() -> Vec<Case> {
    let stale = [
        "cache-control: max-age=0",
        "cache-control: s-maxage=0",
        "cache-control: s-maxage=0, max-age=10",
        "cache-control: max-age=-10",
        "cache-control: max-age=10.5",
        "cache-control: max-age=10s",
        "cache-control: max-age=abc",
        "cache-control: max-age=0x10",
        "cache-control: max-age=+10",
        "cache-control: max-age=",
        "cache-control: max-age",
        r#"cache-control: max-age="""#,
        r#"cache-control: max-age="10"#,
        "cache-control: max-age= 10",
        "cache-control: max-age =10",
        "cache-control: max-age=1 0",
        "cache-control: max-age=10, max-age=abc",
        "cache-control: s-maxage=abc, max-age=10",
        "expires: @0",
        "expires: @-10",
        "expires: 0",
        "expires: -1",
        "expires:",
        "expires: never",
        "expires: 1700000010",
        "expires: Tue, 14 Nov 2023 22:13:30 UTC",
        "expires: Tue, 14 Nov 2023 22:13:30",
        "expires: Tue, 14 Nov 2023 22:13:61 GMT",
    ]
    .map(|line| {
        case(LIFETIME, format!("stale on arrival: {line}")).origin([ok([line])]).not_stored("expired")
    });
    let mut cases = Vec::from(stale);
    cases.extend([
        case(LIFETIME, "stale on arrival: Expires on two lines")
            .origin([ok(["expires: @10", "expires: @10"])])
            .not_stored("expired"),
        case(EXPIRES, "stale on arrival: Expires before Date")
            .origin([ok(["expires: @10", "date: @20"])])
            .not_stored("expired"),
        case(LIFETIME, "stale on arrival, but with a validator: kept, and asked about")
            .origin([ok(["cache-control: max-age=0", r#"etag: "a""#]), unchanged([])])
            .fill()
            .get(0, "200 #1 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#]),
        case(LIFETIME, "what is stale on arrival by its own word is fresh by the route's")
            .on(route(10, 10))
            .origin([ok(["cache-control: max-age=0", "expires: 0"])])
            .fresh_for(10),
    ]);
    cases
}

fn ages() -> Vec<Case> {
    let six_left = [
        ["age: 4", "x-date: absent"],
        ["age: 4", "date: @0"],
        ["age: 4", "date: @-2"],
        ["age: 2", "date: @-4"],
        ["age: 0", "date: @-4"],
        ["age: abc", "date: @-4"],
        ["age: 4", "date: @60"],
        ["age: 4, 8", "date: @0"],
        ["age: 4", "age: 8"],
        ["age: 04", "date: nonsense"],
    ]
    .map(|[one, other]| {
        case(AGE, format!("4 s old on arrival: {one}, {other}"))
            .origin([ok(["cache-control: max-age=10", one, other])])
            .fresh_for(6)
    });
    let all_left = [
        ["age: 0", "date: @0"],
        ["age: -4", "date: @0"],
        ["age: 4.5", "date: @0"],
        ["age: abc, 4", "date: @0"],
        ["age:", "date: @0"],
        ["x-age: 4", "date: @3600"],
        ["x-age: 4", "date: nonsense"],
    ]
    .map(|[one, other]| {
        case(AGE, format!("new on arrival: {one}, {other}"))
            .origin([ok(["cache-control: max-age=10", one, other])])
            .fresh_for(10)
    });
    let none_left =
        ["age: 10", "age: 11", "age: 2147483648", "age: 99999999999999999999", "date: @-10", "date: @-99999"]
            .map(|line| {
                case(AGE, format!("too old on arrival: {line}"))
                    .origin([ok(["cache-control: max-age=10", line])])
                    .not_stored("expired")
            });
    let mut cases = Vec::from(six_left);
    cases.extend(all_left);
    cases.extend(none_left);
    cases.extend([
        case(AGE, "the time on the way counts")
            .origin([ok(["cache-control: max-age=10"]).after(3)])
            .fill()
            .get(9.999, "200 #1 hit")
            .get(10, "200 #2 fwd=stale; stored"),
        case(AGE, "the time on the way counts on top of Age")
            .origin([ok(["cache-control: max-age=10", "age: 4"]).after(3)])
            .fill()
            .get(5.999, "200 #1 hit")
            .get(6, "200 #2 fwd=stale; stored"),
        case(AGE, "and not on top of what Date says")
            .origin([ok(["cache-control: max-age=10", "date: @-6"]).after(3)])
            .fill()
            .get(6.999, "200 #1 hit")
            .get(7, "200 #2 fwd=stale; stored"),
        case(AGE, "Expires is a lifetime, and what Age says goes off it")
            .origin([ok(["expires: @10", "date: @0", "age: 4"])])
            .fresh_for(6),
        case(AGE, "a clock that is slow: Date is past, and so is Expires")
            .origin([ok(["expires: @-90", "date: @-100"])])
            .not_stored("expired"),
        case(AGE, "the largest lifetime less the largest age")
            .origin([ok(["cache-control: max-age=2147483648", "age: 2147483648"])])
            .not_stored("expired"),
        case(AGE, "the route's TTL counts from the arrival")
            .on(route(10, 10))
            .origin([ok(["age: 99", "date: @-99"])])
            .fresh_for(10),
    ]);
    cases
}

fn heuristics() -> Vec<Case> {
    let eager = || origin_says().heuristic();
    let mut cases = Vec::new();
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        cases.push(
            case("RFC 9110 §15.1", format!("{status} may be fresh for a tenth of its time"))
                .on(eager())
                .origin([up(status, ["last-modified: @-100", "date: @0"])])
                .fresh_for(10),
        );
    }
    for status in [201, 202, 302, 307, 400, 403, 409, 599] {
        let public = ["last-modified: @-100", "cache-control: public"];
        cases.push(
            case("RFC 9110 §15.1", format!("{status} may not"))
                .on(eager())
                .origin([up(status, ["last-modified: @-100"])])
                .not_stored("status"),
        );
        cases.push(
            case(HEURISTIC, format!("{status} may, where it says public"))
                .on(eager())
                .origin([up(status, public)])
                .fresh_for(10),
        );
    }
    cases.extend([
        case(HEURISTIC, "the time is counted to Date")
            .on(eager())
            .origin([ok(["last-modified: @-100", "date: @100"])])
            .fresh_for(20),
        case(HEURISTIC, "without Date, to the arrival")
            .on(eager())
            .origin([ok(["last-modified: @-100"])])
            .fresh_for(10),
        case(HEURISTIC, "the age goes off it")
            .on(eager())
            .origin([ok(["last-modified: @-100", "age: 4"])])
            .fresh_for(6),
        case(HEURISTIC, "a day at most")
            .on(eager())
            .origin([ok(["last-modified: @-90000000"])])
            .fresh_for(86_400),
        case(HEURISTIC, "not where max-age is there")
            .on(eager())
            .origin([ok(["last-modified: @-1000", "cache-control: max-age=10"])])
            .fresh_for(10),
        case(HEURISTIC, "not where Expires is there")
            .on(eager())
            .origin([ok(["last-modified: @-1000", "expires: @10"])])
            .fresh_for(10),
        case(HEURISTIC, "not where max-age cannot be read")
            .on(eager())
            .origin([ok(["last-modified: @-1000", "cache-control: max-age=abc"]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304"),
        case(HEURISTIC, "not where no-cache is there")
            .on(eager())
            .origin([ok(["last-modified: @-1000", "cache-control: no-cache"]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304"),
        case(HEURISTIC, "not by a date that is still to come")
            .on(eager())
            .origin([ok(["last-modified: @100"]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304"),
        case(HEURISTIC, "not by what is no date")
            .on(eager())
            .origin([ok(["last-modified: yesterday"])])
            .not_stored("no_freshness"),
        case(HEURISTIC, "not without a date").on(eager()).origin([ok([])]).not_stored("no_freshness"),
        case(HEURISTIC, "not unless the route says so")
            .origin([ok(["last-modified: @-1000"]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304"),
    ]);
    cases
}

#[tokio::test(start_paused = true)]
async fn how_long_a_response_is_fresh() {
    play(cases()).await;
}
