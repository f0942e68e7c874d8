//! How long a response serves (RFC 9111 §4.2, RFC 5861), and who said so.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use super::{
    CacheOverride, Lifetimes, Rules, Ttl,
    cache_control::{FieldList, MAX_SECONDS},
    date, rules,
    targeted::Governing,
};
use crate::event::{FreshnessSource, Reason};

/// The spans of a response, all from its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Fresh until here.
    pub(crate) soft: Duration,
    /// Served stale, with a refresh behind it, until here. Never before `soft`.
    pub(crate) hard: Duration,
    /// Served after a failed fetch until here. Never before `hard`.
    pub(crate) error: Duration,
    /// Kept to be revalidated, and never served unasked, until here.
    pub(crate) keep: Duration,
    /// False when the response forbids to serve it stale.
    pub(crate) stale_allowed: bool,
    /// True when an operator may have it served stale past its limits.
    pub(crate) emergency: bool,
    /// True when the response says that it does not change while it is fresh (RFC 8246).
    pub(crate) immutable: bool,
    /// Who named the soft limit, before anything shortened it.
    pub(crate) by: FreshnessSource,
    /// Whether the response is fresh only because the route says so: by its own word it is not, or it says nothing.
    pub(crate) route_alone: bool,
}

impl Limits {
    /// Whether the response may answer a request that did not ask for it, at the moment it arrives.
    pub(crate) fn shareable(&self) -> bool {
        !self.hard.is_zero()
    }
}

/// A response, as far as its freshness goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) governing: &'a Governing,
    pub(crate) overrides: Option<&'a CacheOverride>,
    /// RFC 9111 §4.2.3.
    pub(crate) initial_age: Duration,
    pub(crate) has_validator: bool,
    /// When the response arrived.
    pub(crate) wall: SystemTime,
}

/// How long a response is fresh and stale, and by whose word.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    ttl: Ttl,
    by: FreshnessSource,
    /// Its life from its origin on, where that is the response's own word.
    own: Option<Duration>,
}

impl Lifetime {
    fn named(ttl: Ttl, by: FreshnessSource) -> Self {
        Self { ttl, by, own: None }
    }

    fn is_the_routes(&self) -> bool {
        matches!(self.by, FreshnessSource::Route | FreshnessSource::StatusTtl | FreshnessSource::Fallback)
    }
}

/// The freshness lifetime that a response gives itself (RFC 9111 §4.2.1); a date gives no longer one than a number can
/// (§1.2.2). Beside a targeted field `Expires` says nothing (RFC 9213 §2.2).
pub(crate) fn explicit_lifetime(
    governing: &Governing,
    headers: &HeaderMap,
    wall: SystemTime,
) -> Option<Duration> {
    let Governing { directives, targeted } = governing;
    let expires = || {
        (!targeted && headers.contains_key(header::EXPIRES)).then(|| {
            let sent = date::only_date(headers, &header::DATE).unwrap_or(wall);
            match date::expires(headers) {
                Some(date::Expires::At(at)) => {
                    at.duration_since(sent).unwrap_or(Duration::ZERO).min(MAX_SECONDS)
                }
                Some(date::Expires::Past) | None => Duration::ZERO,
            }
        })
    };
    directives.s_maxage.or(directives.max_age).or_else(expires)
}

/// What of a response names the lifetime that it gives itself.
fn named_by(governing: &Governing) -> FreshnessSource {
    match governing {
        Governing { targeted: true, .. } => FreshnessSource::Targeted,
        Governing { directives, .. } if directives.s_maxage.is_some() => FreshnessSource::SMaxage,
        Governing { directives, .. } if directives.max_age.is_some() => FreshnessSource::MaxAge,
        Governing { .. } => FreshnessSource::Expires,
    }
}

/// Works out the spans of a response, or why it has none.
pub(crate) fn limits(rules: &Rules, of: &Subject<'_>) -> Result<Limits, Reason> {
    let directives = &of.governing.directives;
    let explicit = explicit_lifetime(of.governing, of.headers, of.wall);
    let forbids_stale =
        (directives.must_revalidate || directives.proxy_revalidate) && !rules.ignore_must_revalidate;
    let must_ask = directives.no_cache != FieldList::Absent && !rules.ignore_no_cache;
    let lifetime = lifetime(rules, of, explicit)
        .map_err(|why| if must_ask && why == Reason::NoFreshness { Reason::NoCache } else { why })?;
    let Lifetime { ttl, by, own } = lifetime;

    // §5.2.2.10: of what says `s-maxage`, nobody else may say how stale it may be, unless the route's times count anyway.
    let grants_all = own.is_some() && directives.s_maxage.is_some();

    let soft = if must_ask { Duration::ZERO } else { ttl.soft };
    let hard = if must_ask || forbids_stale { soft } else { ttl.hard };
    let error = match own {
        _ if must_ask || forbids_stale => hard,
        Some(life) => match directives.stale_if_error {
            // A limit to staleness (RFC 5861 §4), as `stale-while-revalidate` is one: they do not add up.
            Some(stale) => life.saturating_add(stale).saturating_sub(of.initial_age).max(hard),
            // §5.2.2.10: `s-maxage` implies `proxy-revalidate`; only what the same response grants is granted.
            None if directives.s_maxage.is_some() => hard,
            None => hard.saturating_add(rules.stale_if_error),
        },
        None => hard.saturating_add(rules.stale_if_error.max(part_of(ttl.hard, rules.failure_extension))),
    };
    if error.is_zero() && !of.has_validator {
        return Err(if must_ask { Reason::NoCache } else { Reason::Expired });
    }
    Ok(Limits {
        soft,
        hard,
        error,
        keep: if of.has_validator { error.saturating_add(rules.keep) } else { error },
        stale_allowed: !(must_ask || forbids_stale),
        emergency: !(must_ask || forbids_stale || grants_all),
        immutable: directives.immutable,
        by,
        route_alone: lifetime.is_the_routes()
            && explicit.is_none_or(|life| life <= of.initial_age)
            && !directives.public,
    })
}

/// The lifetime and whose word it is, in order of precedence.
fn lifetime(rules: &Rules, of: &Subject<'_>, explicit: Option<Duration>) -> Result<Lifetime, Reason> {
    if let Some(ttl) = of.overrides.and_then(CacheOverride::ttl) {
        return Ok(Lifetime::named(ttl, FreshnessSource::Override));
    }
    let directives = &of.governing.directives;
    let by_response = |life: Duration, by: FreshnessSource| {
        let stale = directives.stale_while_revalidate.unwrap_or(Duration::ZERO);
        let soft = life.saturating_sub(of.initial_age);
        let hard = life.saturating_add(stale).saturating_sub(of.initial_age);
        Lifetime { ttl: Ttl { soft, hard }, by, own: Some(life) }
    };
    // What is said to this cache, and not to those further down, goes before what the route says in general.
    if let Some(life) = explicit.filter(|_| of.governing.targeted) {
        return Ok(by_response(life, named_by(of.governing)));
    }
    if let Some(ttl) = rules.status_ttl(of.status) {
        return Ok(Lifetime::named(ttl, FreshnessSource::StatusTtl));
    }
    if let (Lifetimes::Route(ttl), true) = (rules.lifetimes, rules::is_success(of.status)) {
        return Ok(Lifetime::named(ttl, FreshnessSource::Route));
    }
    if let Some(life) = explicit {
        return Ok(by_response(life, named_by(of.governing)));
    }
    match rules.lifetimes {
        Lifetimes::Origin { fallback: Some(ttl) } if rules::is_success(of.status) => {
            Ok(Lifetime::named(ttl, FreshnessSource::Fallback))
        }
        Lifetimes::Origin { .. } if may_be_kept_unasked(of.status) || directives.public => {
            if let Some(life) = heuristic_lifetime(of).filter(|_| rules.heuristic) {
                Ok(by_response(life, FreshnessSource::Heuristic))
            } else if of.has_validator {
                let (zero, by) = (Duration::ZERO, FreshnessSource::Nobody);
                Ok(Lifetime { ttl: Ttl { soft: zero, hard: zero }, by, own: Some(zero) })
            } else {
                Err(Reason::NoFreshness)
            }
        }
        _ => Err(Reason::Status),
    }
}

/// A tenth of the time since the response was last modified, a day at most (RFC 9111 §4.2.2).
fn heuristic_lifetime(of: &Subject<'_>) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    let modified = date::only_date(of.headers, &header::LAST_MODIFIED)?;
    let sent = date::only_date(of.headers, &header::DATE).unwrap_or(of.wall);
    Some((sent.duration_since(modified).ok()? / 10).min(LONGEST))
}

/// The statuses that may be stored without explicit freshness (RFC 9110 §15.1), as far as a whole response goes.
fn may_be_kept_unasked(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// A part of a span; never a panic, whatever the numbers.
fn part_of(span: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() * part).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
