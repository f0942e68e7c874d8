use http::HeaderValue;

use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;

/// A response in short: its status and its `Cache-Control`, an `Age`, an `Expires` beside a `Date`, a validator.
#[derive(Clone, Copy)]
struct Case {
    status: u16,
    cache_control: &'static str,
    age: u64,
    expires: bool,
    validator: bool,
}

const PLAIN: Case = Case { status: 200, cache_control: "", age: 0, expires: false, validator: false };

fn says(cache_control: &'static str) -> Case {
    Case { cache_control, ..PLAIN }
}

fn of(rules: &Rules, case: Case) -> Result<Limits, Reason> {
    let mut headers = HeaderMap::new();
    if !case.cache_control.is_empty() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(case.cache_control));
    }
    if case.expires {
        headers.insert(header::DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert(header::EXPIRES, HeaderValue::from_static("Sun, 06 Nov 1994 08:50:37 GMT"));
    }
    let governing = Governing::of(&headers, &rules.targets);
    limits(
        rules,
        &Subject {
            status: StatusCode::from_u16(case.status).expect("a status"),
            headers: &headers,
            governing: &governing,
            overrides: None,
            initial_age: S(case.age),
            has_validator: case.validator,
            wall: SystemTime::UNIX_EPOCH,
        },
    )
}

/// Soft, hard, error and keep in seconds.
fn spans(rules: &Rules, case: Case) -> Result<[u64; 4], Reason> {
    of(rules, case)
        .map(|limits| [limits.soft, limits.hard, limits.error, limits.keep].map(|span| span.as_secs()))
}

fn origin(fallback: Option<Ttl>) -> Rules {
    Rules { lifetimes: Lifetimes::Origin { fallback }, ..Rules::default() }
}

fn route(soft: u64, hard: u64) -> Rules {
    Rules { lifetimes: Lifetimes::Route(Ttl { soft: S(soft), hard: S(hard) }), ..Rules::default() }
}

#[test]
fn a_response_names_its_own_times_on_a_route_without_ttls() {
    let rules = Rules { stale_if_error: S(7), ..origin(None) };
    for (case, expected) in [
        (says("max-age=60"), Ok([60, 60, 67, 67])),
        (Case { age: 20, ..says("max-age=60") }, Ok([40, 40, 47, 47])),
        (says("max-age=60, stale-while-revalidate=30"), Ok([60, 90, 97, 97])),
        (Case { age: 70, ..says("max-age=60, stale-while-revalidate=30") }, Ok([0, 20, 27, 27])),
        (says("max-age=60, stale-if-error=30"), Ok([60, 60, 90, 90])),
        (says("s-maxage=10, max-age=60"), Ok([10, 10, 10, 10])),
        (says("s-maxage=10, stale-if-error=5"), Ok([10, 10, 15, 15])),
        // Both grants are limits to staleness: they do not add up, and count what has passed elsewhere.
        (says("max-age=60, stale-while-revalidate=20, stale-if-error=30"), Ok([60, 80, 90, 90])),
        (says("max-age=60, stale-while-revalidate=40, stale-if-error=30"), Ok([60, 100, 100, 100])),
        (Case { age: 70, ..says("max-age=60, stale-if-error=30") }, Ok([0, 0, 20, 20])),
        (Case { age: 95, ..says("max-age=60, stale-if-error=30") }, Err(Reason::Expired)),
        (says("max-age=60, must-revalidate, stale-if-error=30"), Ok([60, 60, 60, 60])),
        (says("max-age=60, proxy-revalidate, stale-while-revalidate=9"), Ok([60, 60, 60, 60])),
        (Case { expires: true, ..PLAIN }, Ok([60, 60, 67, 67])),
        (Case { expires: true, ..says("max-age=5") }, Ok([5, 5, 12, 12])),
        (Case { validator: true, ..says("max-age=60") }, Ok([60, 60, 67, 667])),
        (Case { status: 404, ..says("max-age=60") }, Ok([60, 60, 67, 67])),
        (Case { status: 599, ..says("max-age=60") }, Ok([60, 60, 67, 67])),
        (PLAIN, Err(Reason::NoFreshness)),
        (Case { validator: true, ..PLAIN }, Ok([0, 0, 7, 607])),
        (Case { status: 302, ..PLAIN }, Err(Reason::Status)),
        (Case { status: 302, validator: true, ..PLAIN }, Err(Reason::Status)),
        (says("no-cache"), Err(Reason::NoCache)),
        (says("no-cache, max-age=60"), Err(Reason::NoCache)),
        (Case { validator: true, ..says("no-cache, max-age=60") }, Ok([0, 0, 0, 600])),
    ] {
        assert_eq!(spans(&rules, case), expected, "{} {}", case.status, case.cache_control);
    }
    assert_eq!(spans(&origin(None), says("max-age=0")), Err(Reason::Expired));
}

#[test]
fn a_date_gives_no_longer_lifetime_than_a_number_can() {
    let mut headers = HeaderMap::new();
    headers.insert(header::DATE, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"));
    for (expires, life) in
        [("Tue, 19 Jan 2038 03:14:08 GMT", 1 << 31), ("Fri, 31 Dec 9999 23:59:59 GMT", 1 << 31)]
    {
        headers.insert(header::EXPIRES, HeaderValue::from_static(expires));
        let governing = Governing::of(&headers, &[]);
        let found = explicit_lifetime(&governing, &headers, SystemTime::UNIX_EPOCH);
        assert_eq!(found, Some(S(life)), "{expires}");
    }
}

#[test]
fn a_route_with_ttls_means_them() {
    let rules = route(30, 300);
    for (case, expected) in [
        (PLAIN, Ok([30, 300, 450, 450])),
        (says("max-age=1, s-maxage=2"), Ok([30, 300, 450, 450])),
        (Case { age: 1000, ..PLAIN }, Ok([30, 300, 450, 450])),
        (says("stale-if-error=9999"), Ok([30, 300, 450, 450])),
        (Case { status: 301, ..PLAIN }, Ok([30, 300, 450, 450])),
        (Case { status: 404, ..PLAIN }, Err(Reason::Status)),
        (Case { status: 404, ..says("max-age=9") }, Ok([9, 9, 9, 9])),
        (says("must-revalidate"), Ok([30, 30, 30, 30])),
        (says("no-cache"), Err(Reason::NoCache)),
        (Case { validator: true, ..PLAIN }, Ok([30, 300, 450, 1050])),
    ] {
        assert_eq!(spans(&rules, case), expected, "{} {}", case.status, case.cache_control);
    }
    let lifted = Rules { ignore_no_cache: true, ignore_must_revalidate: true, ..rules.clone() };
    assert_eq!(spans(&lifted, says("no-cache, must-revalidate")), Ok([30, 300, 450, 450]));
    let longer = Rules { stale_if_error: S(1000), ..rules.clone() };
    assert_eq!(spans(&longer, PLAIN), Ok([30, 300, 1300, 1300]));
    let named = Rules { status_ttls: vec![(StatusCode::NOT_FOUND, Ttl { soft: S(1), hard: S(2) })], ..rules };
    assert_eq!(spans(&named, Case { status: 404, ..says("max-age=9") }), Ok([1, 2, 3, 3]));
}

#[test]
fn a_fallback_is_for_responses_that_say_nothing() {
    let rules = origin(Some(Ttl { soft: S(30), hard: S(300) }));
    assert_eq!(spans(&rules, PLAIN), Ok([30, 300, 450, 450]));
    assert_eq!(spans(&rules, says("max-age=5")), Ok([5, 5, 5, 5]));
    assert_eq!(spans(&rules, Case { status: 500, ..PLAIN }), Err(Reason::Status));
}

#[test]
fn a_response_that_says_nothing_may_be_fresh_by_its_last_modification() {
    let modified = |status, cache_control, days: u64| {
        let mut headers = HeaderMap::new();
        let date = |wall| HeaderValue::try_from(httpdate::fmt_http_date(wall)).expect("a date");
        let now = SystemTime::UNIX_EPOCH + S(1_000_000_000);
        headers.insert(header::LAST_MODIFIED, date(now - S(days * 24 * 3600)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        let rules = Rules { heuristic: true, ..origin(None) };
        let subject = Subject {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: &headers,
            governing: &Governing::of(&headers, &[]),
            overrides: None,
            initial_age: Duration::ZERO,
            has_validator: true,
            wall: now,
        };
        limits(&rules, &subject).map(|limits| limits.soft.as_secs())
    };
    assert_eq!(modified(200, "", 1), Ok(8640));
    assert_eq!(modified(404, "", 1), Ok(8640));
    assert_eq!(modified(200, "", 100), Ok(24 * 3600), "a day at most");
    assert_eq!(modified(200, "max-age=1", 1), Ok(1));
    assert_eq!(modified(200, "no-cache", 1), Ok(0));
    assert_eq!(modified(302, "", 1), Err(Reason::Status));
    assert_eq!(modified(599, "public", 1), Ok(8640));
    assert_eq!(
        spans(&origin(None), Case { validator: true, ..PLAIN }).map(|[soft, ..]| soft),
        Ok(0),
        "by option"
    );
}

#[test]
fn what_is_said_to_this_cache_goes_before_the_route() {
    let mut headers = HeaderMap::new();
    headers.insert("cdn-cache-control", HeaderValue::from_static("max-age=7"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
    use FreshnessSource::{MaxAge, Route, Targeted};
    for (targets, rules, soft, by) in [
        (&[rules::CDN_CACHE_CONTROL][..], route(30, 300), 7, Targeted),
        (&[rules::CDN_CACHE_CONTROL], origin(None), 7, Targeted),
        (&[], route(30, 300), 30, Route),
        (&[], origin(None), 1, MaxAge),
    ] {
        let subject = Subject {
            status: StatusCode::OK,
            headers: &headers,
            governing: &Governing::of(&headers, targets),
            overrides: None,
            initial_age: Duration::ZERO,
            has_validator: false,
            wall: SystemTime::UNIX_EPOCH,
        };
        assert_eq!(limits(&rules, &subject).map(|limits| (limits.soft, limits.by)), Ok((S(soft), by)));
    }
}

#[test]
fn it_is_known_whose_word_the_freshness_is() {
    use FreshnessSource::{Expires, Fallback, MaxAge, Nobody, Route, SMaxage, StatusTtl};
    let ttl = Ttl { soft: S(1), hard: S(1) };
    let named = Rules { status_ttls: vec![(StatusCode::NOT_FOUND, ttl)], ..origin(None) };
    for (rules, case, by, route_alone) in [
        (&route(1, 1), PLAIN, Route, true),
        (&route(1, 1), says("max-age=1"), Route, false),
        (&route(1, 1), Case { age: 1, ..says("max-age=1") }, Route, true),
        (&route(1, 1), says("public"), Route, false),
        (&named, Case { status: 404, ..PLAIN }, StatusTtl, true),
        (&origin(Some(ttl)), PLAIN, Fallback, true),
        (&origin(None), says("max-age=1"), MaxAge, false),
        (&origin(None), Case { expires: true, ..says("max-age=2, s-maxage=1") }, SMaxage, false),
        (&origin(None), Case { expires: true, ..PLAIN }, Expires, false),
        (&origin(None), Case { validator: true, ..PLAIN }, Nobody, false),
    ] {
        let found = of(rules, case).map(|limits| (limits.by, limits.route_alone));
        assert_eq!(found, Ok((by, route_alone)), "{} {}", case.status, case.cache_control);
    }
}

/// RFC 9111 §5.2.2.10, §4.2.4.
#[test]
fn in_an_emergency_nothing_is_served_that_its_origin_forbids_to() {
    for (rules, line, expected) in [
        (origin(None), "max-age=60", true),
        (origin(None), "s-maxage=60", false),
        (route(30, 300), "s-maxage=60", true),
        (route(30, 300), "must-revalidate", false),
    ] {
        assert_eq!(of(&rules, says(line)).map(|limits| limits.emergency), Ok(expected), "{line}");
    }
}

#[test]
fn no_number_is_too_large() {
    let rules = Rules { failure_extension: 100.0, keep: Duration::MAX, ..route(u64::MAX, u64::MAX) };
    assert!(of(&rules, Case { validator: true, ..PLAIN }).is_ok());
}

/// What has to be confirmed first may be served after a failure, and answers nobody who waits.
#[test]
fn a_response_is_shared_at_its_arrival_if_it_may_be_served_at_all() {
    let shareable =
        |case| of(&origin(None), Case { validator: true, ..case }).map(|limits| limits.shareable());
    assert_eq!(shareable(says("max-age=60")), Ok(true));
    assert_eq!(shareable(says("max-age=0, stale-while-revalidate=60")), Ok(true));
    assert_eq!(shareable(says("max-age=0, stale-if-error=60")), Ok(false));
    assert_eq!(shareable(says("no-cache, max-age=60")), Ok(false));
}
