use http::{HeaderName, Response};

use super::*;
use crate::policy::{Lifetimes, Ttl};

type Lines<'a> = &'a [(&'static str, &'a str)];

/// A response in short: its status, its headers, and the length of its body if that is known.
type Sent<'a> = (u16, Lines<'a>, Option<u64>);

/// For how many seconds a response is stored and fresh, or why it is not stored.
type Stored = Result<u64, (Whose, Reason)>;

const S: fn(u64) -> Duration = Duration::from_secs;

const NOBODY: Asker =
    Asker { authorization: false, cookie: false, no_store: false, part: false, post: false };
const COOKIE: Asker = Asker { cookie: true, ..NOBODY };
const PART: Asker = Asker { part: true, ..NOBODY };
const POST: Asker = Asker { post: true, ..NOBODY };

const MAX_BODY: u64 = 100;

/// When every response here arrives: Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: Duration = Duration::from_secs(784_111_777);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW
}

fn head(status: u16, lines: Lines<'_>, overrides: Option<&CacheOverride>) -> response::Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in lines {
        response = response.header(*name, *value);
    }
    let (mut head, ()) = response.body(()).expect("a response").into_parts();
    if let Some(overrides) = overrides {
        head.extensions.insert(overrides.clone());
    }
    head
}

fn judged(rules: &Rules, asker: Asker, head: &response::Parts, length: Option<u64>) -> Verdict {
    let arrival = Arrival::of(&head.headers, now(), Duration::ZERO);
    judge(rules, MAX_BODY, asker, head, length, arrival)
}

fn stored(verdict: &Verdict) -> Stored {
    match verdict {
        Verdict::Store(plan) => Ok(plan.limits.soft.as_secs()),
        Verdict::Unstorable(whose, reason) => Err((*whose, *reason)),
        Verdict::Failed | Verdict::Throttled(_) => panic!("{verdict:?}"),
    }
}

fn plan(rules: &Rules, head: &response::Parts) -> Plan {
    match judged(rules, NOBODY, head, None) {
        Verdict::Store(plan) => plan,
        other => panic!("{other:?}"),
    }
}

fn route() -> Rules {
    Rules { lifetimes: Lifetimes::Route(Ttl { soft: S(30), hard: S(300) }), ..Rules::default() }
}

#[test]
fn a_response_is_stored_or_it_is_known_why_not() {
    use Reason::{Cookie, Expired, NoCache, NoFreshness, Partial, Private, TooLarge};
    use Whose::{Request, Response};
    let origin = Rules::default();
    let private_cache = Rules { private_cache: true, ..Rules::default() };
    let field_lists = Rules { field_lists: true, ..Rules::default() };

    let fresh: Lines<'_> = &[("cache-control", "max-age=60")];
    let stale: Lines<'_> = &[("cache-control", "max-age=0"), ("etag", "\"a\"")];
    let aged: Lines<'_> = &[("cache-control", "max-age=60"), ("age", "70"), ("etag", "\"a\"")];
    let public: Lines<'_> = &[("cache-control", "public")];
    let users: Lines<'_> = &[("cache-control", "max-age=60, private=\"x-user\"")];
    let shared: Lines<'_> = &[("cache-control", "max-age=60, s-maxage=5")];
    let part: Lines<'_> = &[("cache-control", "max-age=60"), ("content-range", "bytes 0-4/10")];
    let aged_part: Lines<'_> = &[
        ("cache-control", "max-age=60"),
        ("content-range", "bytes 0-4/10"),
        ("age", "70"),
        ("etag", "\"a\""),
    ];

    let cases: &[(&str, &Rules, Asker, Sent<'_>, Stored)] = &[
        ("fresh", &origin, NOBODY, (200, fresh, None), Ok(60)),
        ("as large as may be", &origin, NOBODY, (200, fresh, Some(MAX_BODY)), Ok(60)),
        ("larger", &origin, NOBODY, (200, fresh, Some(MAX_BODY + 1)), Err((Response, TooLarge))),
        // RFC 9111 §3 and §4.2.2
        ("without freshness", &origin, NOBODY, (200, &[], None), Err((Response, NoFreshness))),
        ("fresh by the route", &route(), NOBODY, (200, &[], None), Ok(30)),
        ("to be confirmed", &origin, NOBODY, (200, stale, None), Ok(0)),
        (
            "never fresh",
            &origin,
            NOBODY,
            (200, &[("cache-control", "no-cache, max-age=60")], None),
            Err((Response, NoCache)),
        ),
        ("private", &origin, NOBODY, (200, &[("cache-control", "private")], None), Err((Response, Private))),
        // RFC 9111 §5.2.2.7, §5.2.2.10
        ("private in part", &origin, NOBODY, (200, users, None), Err((Response, Private))),
        ("its part withheld", &field_lists, NOBODY, (200, users, None), Ok(60)),
        ("shared", &origin, NOBODY, (200, shared, None), Ok(5)),
        ("for one user", &private_cache, NOBODY, (200, shared, None), Ok(60)),
        // RFC 6265
        ("with a cookie, by its own word", &origin, COOKIE, (200, fresh, None), Ok(60)),
        ("with a cookie, by the route's", &route(), COOKIE, (200, &[], None), Err((Request, Cookie))),
        ("with a cookie, public", &route(), COOKIE, (200, public, None), Ok(30)),
        // RFC 9111 §3.3
        ("a part", &origin, PART, (206, part, Some(5)), Ok(60)),
        ("a part of unknown bytes", &origin, PART, (206, fresh, Some(5)), Err((Request, Partial))),
        ("a part of other bytes", &origin, PART, (206, part, Some(6)), Err((Request, Partial))),
        ("a part that is not fresh", &origin, PART, (206, aged_part, Some(5)), Err((Request, Expired))),
        ("the whole for a part", &origin, PART, (200, fresh, Some(10)), Ok(60)),
        ("the whole for a part, to be confirmed", &origin, PART, (200, stale, Some(10)), Ok(0)),
        // RFC 9110 §9.3.3
        ("to POST", &origin, POST, (200, fresh, None), Ok(60)),
        ("to POST, by the route's word", &route(), POST, (200, &[], None), Err((Request, NoFreshness))),
        ("to POST, without freshness", &route(), POST, (200, stale, None), Err((Request, NoFreshness))),
        ("to POST, not fresh any more", &origin, POST, (200, aged, None), Err((Request, Expired))),
    ];
    for (what, rules, asker, (status, lines, length), expected) in cases {
        let verdict = judged(rules, *asker, &head(*status, lines, None), *length);
        assert_eq!(stored(&verdict), *expected, "{what}");
    }
}

#[test]
fn a_handler_names_the_freshness_of_a_response() {
    let short = CacheOverride::new().soft_ttl(S(5));
    let none = CacheOverride::new().soft_ttl(S(0));
    for (asker, overrides, expected) in [
        (NOBODY, &short, Ok(5)),
        (COOKIE, &short, Ok(5)),
        (POST, &short, Ok(5)),
        (POST, &none, Err((Whose::Request, Reason::NoFreshness))),
        (NOBODY, &short.clone().no_store(), Err((Whose::Response, Reason::Override))),
    ] {
        let verdict = judged(&route(), asker, &head(200, &[], Some(overrides)), None);
        assert_eq!(stored(&verdict), expected, "{asker:?} {overrides:?}");
    }
}

#[test]
fn a_plan_has_all_that_the_store_needs_to_know() {
    let lines: Lines<'_> = &[
        ("cache-control", "max-age=60, private=\"x-user\""),
        ("age", "7"),
        ("vary", "accept"),
        ("cache-tag", "a"),
        ("cache-groups", "\"g\""),
        ("content-range", "bytes 0-4/10"),
    ];
    let rules = Rules { field_lists: true, ..Rules::default() };
    let head = head(206, lines, Some(&CacheOverride::new().tag("b")));
    let Verdict::Store(plan) = judged(&rules, PART, &head, None) else { panic!("it is stored") };
    let boxed = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect::<Tags>();
    assert_eq!((plan.limits.soft, plan.initial_age), (S(53), S(7)));
    assert_eq!(plan.vary, Vary::from_headers(&head.headers));
    assert_eq!(plan.extent, Some(Extent { bytes: 0..5, whole: 10 }));
    assert_eq!((plan.tags, plan.groups), (boxed(&["a", "b", "g"]), boxed(&["g"])));
    assert_eq!(plan.withheld.as_slice(), [HeaderName::from_static("x-user")]);
}

/// RFC 9111 §3.5.
#[test]
fn a_plan_says_whether_it_may_answer_who_is_authorized() {
    let shares = Rules { share_authorized: true, ..Rules::default() };
    for (rules, line, expected) in [
        (&Rules::default(), "max-age=60", false),
        (&Rules::default(), "max-age=60, public", true),
        (&Rules::default(), "s-maxage=60", true),
        (&shares, "max-age=60", true),
    ] {
        let plan = plan(rules, &head(200, &[("cache-control", line)], None));
        assert_eq!(plan.for_authorized, expected, "{line}");
    }
}

#[test]
fn a_429_or_408_asks_for_patience_unless_somebody_says_how_long_it_is_kept() {
    let named = Rules {
        status_ttls: vec![(StatusCode::TOO_MANY_REQUESTS, Ttl { soft: S(1), hard: S(2) })],
        ..Rules::default()
    };
    let (ttl, tag) = (CacheOverride::new().soft_ttl(S(1)), CacheOverride::new().tag("a"));
    let cases: &[(&Rules, u16, Lines<'_>, Option<&CacheOverride>, bool)] = &[
        (&Rules::default(), 429, &[], None, true),
        (&Rules::default(), 408, &[], None, true),
        (&route(), 429, &[], None, true),
        (&Rules::default(), 404, &[], None, false),
        (&Rules::default(), 503, &[], None, false),
        (&named, 429, &[], None, false),
        (&named, 408, &[], None, true),
        (&Rules::default(), 429, &[], Some(&ttl), false),
        (&Rules::default(), 429, &[], Some(&tag), true),
        (&Rules::default(), 429, &[("cache-control", "max-age=1")], None, false),
        (&Rules::default(), 429, &[("cache-control", "max-age=0")], None, false),
        (&Rules::default(), 429, &[("cache-control", "no-store")], None, true),
    ];
    for (rules, status, lines, overrides, expected) in cases {
        let verdict = judged(rules, NOBODY, &head(*status, lines, *overrides), None);
        let patience = matches!(verdict, Verdict::Throttled(None));
        assert_eq!(patience, *expected, "{status} {lines:?} {overrides:?}: {verdict:?}");
    }
    let verdict = judged(&Rules::default(), NOBODY, &head(429, &[("retry-after", "7")], None), None);
    assert!(matches!(verdict, Verdict::Throttled(Some(pause)) if pause == S(7)), "{verdict:?}");
}

/// RFC 9110 §10.2.3.
#[test]
fn a_pause_is_a_number_or_a_date_and_five_minutes_at_most() {
    for (line, expected) in [
        ("7", Some(7)),
        (" 7\t", Some(7)),
        ("0", Some(0)),
        ("300", Some(300)),
        ("301", Some(300)),
        ("99999999999999999999999", Some(300)),
        ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
        ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
        ("Mon, 07 Nov 1994 08:49:37 GMT", Some(300)),
        ("", None),
        ("-7", None),
        ("7.5", None),
        ("soon", None),
        ("caf\u{e9}", None),
    ] {
        let head = head(429, &[("retry-after", line)], None);
        assert_eq!(retry_after(&head.headers, now()), expected.map(S), "{line:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now()), None);
}

#[test]
fn an_error_is_a_response_like_others_where_its_freshness_is_said() {
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    let (ttl, tag) = (CacheOverride::new().hard_ttl(S(0)), CacheOverride::new().tag("a"));
    let cases: &[(Lines<'_>, Option<&CacheOverride>, bool)] = &[
        (&[], None, false),
        (&[], Some(&tag), false),
        (&[], Some(&ttl), true),
        (&[("cache-control", "max-age=60")], None, true),
        (&[("cache-control", "max-age=60")], Some(&tag), true),
        (&[("cache-control", "max-age=0")], None, false),
        (&[("cache-control", "public")], None, false),
        (&[("cdn-cache-control", "max-age=60"), ("cache-control", "max-age=0")], None, true),
        (&[("expires", LATER)], None, true),
        (&[("expires", EARLIER)], None, false),
    ];
    for (lines, overrides, expected) in cases {
        let found = has_explicit_freshness(&head(500, lines, *overrides), now());
        assert_eq!(found, *expected, "{lines:?} {overrides:?}");
    }
}
