use std::time::{Duration, SystemTime};

use http::header::{CACHE_CONTROL, DATE, ETAG, EXPIRES, HeaderName, LAST_MODIFIED, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::{lines, mentions, pairs};
use crate::policy::{
    Lifetimes, Rules, Ttl,
    cache_control::MAX_SECONDS,
    date::only_date,
    validation::Validators,
    vary::Vary,
    verdict::{self, Arrival, Asker, Plan, Verdict},
};

type Pairs<'a> = &'a [(HeaderName, HeaderValue)];

/// A response: its status, and its head, a field on each line.
pub fn judge(text: &[u8]) {
    let status = lines(text).next().and_then(|line| StatusCode::from_bytes(line.get(..3)?).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let head = pairs(text);
    for rules in &[by_origin(), by_route(), lenient(), of_one_user()] {
        for asker in ASKERS {
            let judge = |head: Pairs<'_>| judged(rules, asker, status, head, Some(MAX_BODY));
            verdict(rules, asker, status, &head, judge);
        }
    }
}

const MAX_BODY: u64 = 10;

const ASKERS: [Asker; 4] = [
    Asker { authorization: false, cookie: false, no_store: false, part: false, post: false },
    Asker { authorization: true, cookie: false, no_store: false, part: false, post: false },
    Asker { authorization: false, cookie: true, no_store: false, part: false, post: false },
    Asker { authorization: false, cookie: false, no_store: true, part: false, post: false },
];

fn verdict(
    rules: &Rules,
    asker: Asker,
    status: StatusCode,
    head: Pairs<'_>,
    judge: impl Fn(Pairs<'_>) -> Verdict,
) {
    let headers: HeaderMap = head.iter().cloned().collect();
    let has_validator = Validators::from_headers(&headers).is_some();
    let whole = judge(head);
    if let Verdict::Store(plan) = &whole {
        spans(rules, plan, has_validator);
        // RFC 9111 §3, as far as nothing in these rules lifts it.
        assert!(![StatusCode::PARTIAL_CONTENT, StatusCode::NOT_MODIFIED].contains(&status));
        assert!(!headers.contains_key(SET_COOKIE) && Vary::from_headers(&headers) != Vary::Any);
        assert!(!asker.no_store && (!asker.authorization || plan.for_authorized));
        assert!(!plan.limits.route_alone || !asker.cookie);
        // A body over the limit is not kept, whatever its head says.
        assert!(!stores(&judged(rules, asker, status, head, Some(MAX_BODY + 1))));
    }

    // One field more makes it no freer, unless it is one that can grant something.
    for n in 0..head.len() {
        let (name, value) = &head[n];
        let names = |grants: &[&str]| grants.iter().any(|grant| mentions(value, grant));
        let grants = match name {
            _ if [DATE, ETAG, EXPIRES, LAST_MODIFIED].contains(name) => true,
            _ if *name == CACHE_CONTROL => names(&GRANTS),
            _ => rules.targets.contains(name),
        };
        assert!(grants || !is_freer(&judge(&head[..n]), &judge(&head[..=n])), "{name}: {value:?}");
    }

    // What restricts makes nothing freer, wherever it stands.
    for (name, value) in RESTRICTIONS {
        let more = [(name, HeaderValue::from_static(value))];
        assert!(!is_freer(&whole, &judge(&[head, &more].concat())), "{value} at the end");
        assert!(!is_freer(&whole, &judge(&[&more, head].concat())), "{value} at the beginning");
    }

    // What forbids does so whatever else is said, but in a field for this cache alone.
    if head.iter().any(|(name, _)| rules.targets.contains(name)) {
        return;
    }
    let with = |line| judge(&[head, &[(CACHE_CONTROL, HeaderValue::from_static(line))]].concat());
    let understands = head.iter().any(|(_, value)| mentions(value, "must-understand"));
    assert!(understands || !stores(&with("no-store")));
    assert!(rules.store_private || !stores(&with("private")));
    if let Verdict::Store(plan) = with("no-cache") {
        assert!(plan.limits.error.is_zero() && has_validator);
    }
    if let Verdict::Store(plan) = with("must-revalidate") {
        assert!(!plan.limits.stale_allowed);
    }
}

/// The directives that allow what is not allowed without them.
static GRANTS: [&str; 7] = [
    "public",
    "max-age",
    "s-maxage",
    "must-revalidate",
    "must-understand",
    "stale-while-revalidate",
    "stale-if-error",
];

const RESTRICTIONS: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (CACHE_CONTROL, "private"),
    (CACHE_CONTROL, "no-cache"),
    (CACHE_CONTROL, "proxy-revalidate"),
    (CACHE_CONTROL, "foo=\"bar"),
    (SET_COOKIE, "a=b"),
    (VARY, "*"),
];

/// The spans follow each other, and none that a response gives itself is above what RFC 9111 §1.2.2 clamps to.
fn spans(rules: &Rules, plan: &Plan, has_validator: bool) {
    let limits = plan.limits;
    assert!(limits.soft <= limits.hard && limits.hard <= limits.error && limits.error <= limits.keep);
    assert!(limits.soft <= MAX_SECONDS && limits.hard - limits.soft <= MAX_SECONDS);
    assert!(limits.error - limits.hard <= MAX_SECONDS.max(rules.stale_if_error));
    assert!(limits.stale_allowed || limits.error == limits.soft);
    assert!(limits.stale_allowed || !limits.emergency);
    assert!(limits.keep == limits.error || has_validator);
    assert!(plan.initial_age <= MAX_SECONDS);
}

/// Whether the second verdict allows something that the first one does not.
fn is_freer(less: &Verdict, more: &Verdict) -> bool {
    match (less, more) {
        (Verdict::Store(less), Verdict::Store(more)) => {
            let (a, b) = (less.limits, more.limits);
            a.soft < b.soft
                || a.hard < b.hard
                || a.error < b.error
                || (b.stale_allowed && !a.stale_allowed)
                || (a.route_alone && !b.route_alone)
                || (more.for_authorized && !less.for_authorized)
        }
        (_, more) => stores(more),
    }
}

fn stores(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Store(_))
}

fn judged(rules: &Rules, asker: Asker, status: StatusCode, head: Pairs<'_>, length: Option<u64>) -> Verdict {
    let mut response = Response::new(());
    *response.status_mut() = status;
    response.headers_mut().extend(head.iter().cloned());
    let (parts, ()) = response.into_parts();
    // A clock that agrees with the response's, so that dates matter.
    let wall = only_date(&parts.headers, &DATE).unwrap_or(SystemTime::UNIX_EPOCH);
    let arrival = Arrival::of(&parts.headers, wall, Duration::from_secs(1));
    verdict::judge(rules, MAX_BODY, asker, &parts, length, arrival)
}

fn ttl(soft: u64, hard: u64) -> Ttl {
    Ttl { soft: Duration::from_secs(soft), hard: Duration::from_secs(hard) }
}

fn by_origin() -> Rules {
    Rules::default()
}

fn by_route() -> Rules {
    Rules { lifetimes: Lifetimes::Route(ttl(30, 300)), ..Rules::default() }
}

/// With a fallback, a grace after failures, TTLs for some errors, and ages by heuristic.
fn lenient() -> Rules {
    Rules {
        lifetimes: Lifetimes::Origin { fallback: Some(ttl(5, 6)) },
        status_ttls: vec![(StatusCode::NOT_FOUND, ttl(1, 1)), (StatusCode::TOO_MANY_REQUESTS, ttl(1, 1))],
        stale_if_error: Duration::from_secs(60),
        heuristic: true,
        ..Rules::default()
    }
}

fn of_one_user() -> Rules {
    Rules {
        private_cache: true,
        store_private: true,
        heuristic: true,
        targets: Vec::new(),
        ..Rules::default()
    }
}
