//! What a response means, decided once, at its head.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header, response};

use super::{
    CacheOverride, Rules, date,
    extent::Extent,
    freshness::{self, Limits, Subject},
    rules, storable,
    targeted::Governing,
    validation::Validators,
    vary::Vary,
    withheld::{self, Withheld},
};
use crate::{
    event::{FreshnessSource, Reason},
    tag::{self, Tags},
};

pub(crate) use storable::{Asker, Whose};

/// The verdict on a response.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once for a response, and taken apart at once")]
pub(crate) enum Verdict {
    /// It is kept, and shared with those who wait as far as [`Limits::shareable`] goes.
    Store(Plan),
    /// It counts as a failure of the inner service, by the failure classifier's word.
    Failed,
    /// The inner service asks for patience, and perhaps says how much.
    Throttled(Option<Duration>),
    /// It is for who asked for it, and nobody else.
    Unstorable(Whose, Reason),
}

/// How to store a response.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) limits: Limits,
    pub(crate) initial_age: Duration,
    pub(crate) vary: Vary,
    /// Which bytes of the whole it has, if it is a part.
    pub(crate) extent: Option<Extent>,
    pub(crate) tags: Tags,
    pub(crate) groups: Tags,
    /// The fields of its head that are not stored.
    pub(crate) withheld: Withheld,
    /// Whether it may answer requests with `Authorization`.
    pub(crate) for_authorized: bool,
}

impl Plan {
    /// For a response of this age that is answered with and not stored.
    pub(crate) fn for_nobody_else(initial_age: Duration) -> Self {
        let zero = Duration::ZERO;
        Self {
            limits: Limits {
                soft: zero,
                hard: zero,
                error: zero,
                keep: zero,
                stale_allowed: false,
                emergency: false,
                by: FreshnessSource::Nobody,
                immutable: false,
                route_alone: true,
            },
            initial_age,
            vary: Vary::None,
            extent: None,
            tags: Tags::default(),
            groups: Tags::default(),
            withheld: Withheld::new(),
            for_authorized: false,
        }
    }
}

/// When a response came, and how old it was then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) wall: SystemTime,
    pub(crate) age: Duration,
}

impl Arrival {
    /// The arrival at `wall` of a response that took `delay` (RFC 9111 §4.2.3).
    pub(crate) fn of(headers: &HeaderMap, wall: SystemTime, delay: Duration) -> Self {
        Self { wall, age: date::initial_age(headers, wall, delay) }
    }
}

/// The longest pause that a `Retry-After` can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Judges a response that is no failure, with a body of `length` bytes, where at most `max_body` are kept.
pub(crate) fn judge(
    rules: &Rules,
    max_body: u64,
    asker: Asker,
    head: &response::Parts,
    length: Option<u64>,
    arrival: Arrival,
) -> Verdict {
    let mut governing = Governing::of(&head.headers, &rules.targets);
    if rules.private_cache {
        governing.directives = governing.directives.for_private_cache();
    }
    let withheld = withheld::take(rules, &mut governing.directives);
    let directives = &governing.directives;
    let overrides = head.extensions.get::<CacheOverride>();
    if asks_for_patience(rules, head, &governing, overrides, arrival.wall) {
        return Verdict::Throttled(retry_after(&head.headers, arrival.wall));
    }
    let forbidden =
        storable::forbidden(rules, asker, head.status, &head.headers, directives, &withheld, overrides);
    if let Some((whose, reason)) = forbidden {
        return Verdict::Unstorable(whose, reason);
    }
    if length.is_some_and(|length| length > max_body) {
        return Verdict::Unstorable(Whose::Response, Reason::TooLarge);
    }
    let extent = match head.status {
        StatusCode::PARTIAL_CONTENT => Extent::of(&head.headers, length),
        _ => None,
    };
    if extent.is_none() && head.status == StatusCode::PARTIAL_CONTENT {
        return Verdict::Unstorable(Whose::Request, Reason::Partial);
    }
    let initial_age = arrival.age;
    let subject = Subject {
        status: head.status,
        headers: &head.headers,
        governing: &governing,
        overrides,
        initial_age,
        has_validator: Validators::are_in(&head.headers),
        wall: arrival.wall,
    };
    // RFC 9110 §9.3.3: a response to POST has to say it itself.
    let says = || {
        let own = freshness::explicit_lifetime(&governing, &head.headers, arrival.wall);
        own.or(overrides.and_then(|overrides| Some(overrides.ttl()?.soft)))
            .is_some_and(|life| !life.is_zero())
    };
    if asker.post && !says() {
        return Verdict::Unstorable(Whose::Request, Reason::NoFreshness);
    }
    match freshness::limits(rules, &subject) {
        Err(reason) => Verdict::Unstorable(Whose::Response, reason),
        Ok(limits) if limits.route_alone && asker.cookie => {
            Verdict::Unstorable(Whose::Request, Reason::Cookie)
        }
        // A part is not revalidated: it is good while it is fresh. Nor is it for POST to have something confirmed.
        Ok(limits) if (extent.is_some() || asker.post) && limits.soft.is_zero() => {
            Verdict::Unstorable(Whose::Request, Reason::Expired)
        }
        Ok(limits) => Verdict::Store(Plan {
            limits,
            initial_age,
            vary: Vary::from_headers(&head.headers),
            extent,
            tags: tag::collect(&head.headers, overrides.map_or(&[], CacheOverride::tags)),
            groups: tag::groups(&head.headers),
            withheld,
            for_authorized: rules.share_authorized || storable::allows_authorized(directives),
        }),
    }
}

/// Whether anybody said for how long this very response may be kept.
pub(crate) fn has_explicit_freshness(head: &response::Parts, wall: SystemTime) -> bool {
    let governing = Governing::of(&head.headers, &[rules::CDN_CACHE_CONTROL]);
    head.extensions.get::<CacheOverride>().is_some_and(|overrides| overrides.ttl().is_some())
        || freshness::explicit_lifetime(&governing, &head.headers, wall).is_some_and(|life| !life.is_zero())
}

/// 429 and 408 without a word on how long they may be kept.
fn asks_for_patience(
    rules: &Rules,
    head: &response::Parts,
    governing: &Governing,
    overrides: Option<&CacheOverride>,
    wall: SystemTime,
) -> bool {
    matches!(head.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
        && rules.status_ttl(head.status).is_none()
        && overrides.is_none_or(|overrides| overrides.ttl().is_none())
        && freshness::explicit_lifetime(governing, &head.headers, wall).is_none()
}

/// `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date, five minutes at most.
pub(crate) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    let text = value.to_str().ok()?.trim();
    let pause = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        date::http_date(value)?.duration_since(wall).unwrap_or_default()
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
