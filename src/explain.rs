//! What the routes of a cache would do with a request, and why: the answer to most questions that are put to it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{StatusCode, request};

use crate::{
    breaker::{BreakerInfo, BreakerMode, BreakerState},
    clock::{self, Tick},
    config::Mode,
    entry::Entry,
    event::{FreshnessSource, Outcome, Reason},
    key::Key,
    policy::{request::RequestFacts, reuse::Reuse, verdict::Asker},
    shared::{Lookup, Question, Route},
};

/// What a route would do with a request now, and what it has stored for it:
/// [`CacheHandle::explain`](crate::CacheHandle::explain). With feature `serde` it is `Serialize`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteExplanation {
    /// The route.
    pub route: String,
    /// What it does with requests.
    pub mode: Mode,
    /// What the request would get. Where the inner service would be asked it is what this comes to if all goes well: a
    /// `miss`, or `revalidated` if there is something stored that it can confirm.
    pub outcome: Outcome,
    /// Why it would not be answered from what is stored, or not be stored, if there is a word for that.
    pub reason: Option<Reason>,
    /// The printable form of its key; `None` if it has none.
    pub key: Option<String>,
    /// How many variants are stored under the key.
    pub variants: usize,
    /// The stored response that answers the request, or else the one that it selects.
    pub stored: Option<StoredExplanation>,
    /// Whether that is stored for another query of the URL, and says that it is the same for this one (`No-Vary-Search`).
    pub equivalent: bool,
    /// Why the last response for the key was not stored, while requests for it do not wait for each other because of that.
    pub not_stored: Option<Reason>,
    /// Whether requests for the key do not wait for each other, as what comes is not for all of them.
    pub uncollapsed: bool,
    /// The breaker that its fetch would ask.
    pub breaker: Option<BreakerInfo>,
}

/// A stored response, and until when it is good for what. Instants are wall-clock times, worked out from the moment it was
/// stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StoredExplanation {
    /// The printable form of the key that it is stored under.
    pub key: String,
    /// Its status.
    #[cfg_attr(feature = "serde", serde(serialize_with = "status"))]
    pub status: StatusCode,
    /// When it was stored, or last confirmed.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub cached_at: SystemTime,
    /// Fresh until then.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub fresh_until: SystemTime,
    /// Served stale, with a refresh behind it, until then.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub stale_until: SystemTime,
    /// Served after a failed fetch until then.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub error_until: SystemTime,
    /// Kept to be confirmed until then.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub keep_until: SystemTime,
    /// Who said how long it is fresh.
    pub source: FreshnessSource,
    /// Whether it may be served stale at all.
    pub stale_allowed: bool,
    /// Whether a fetch to replace it has failed.
    pub extended: bool,
    /// Its age (RFC 9111 §4.2.3).
    #[cfg_attr(
        feature = "serde",
        serde(rename = "age_seconds", serialize_with = "crate::seconds::serialize")
    )]
    pub age: Duration,
    /// The length of its body, in bytes.
    pub body_bytes: u64,
    /// How many tags it can be purged by.
    pub tags: usize,
}

#[cfg(feature = "serde")]
fn status<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl RouteExplanation {
    pub(crate) fn of(route: &Route, parts: &request::Parts) -> Self {
        let now = route.core.clock.now();
        let facts = RequestFacts::scan(&parts.headers);
        let mut parts = parts.clone();
        let mut explanation = Self {
            route: route.name().to_owned(),
            mode: route.mode(),
            outcome: Outcome::Bypass,
            reason: facts.ineligible(&parts.method, false),
            key: None,
            variants: 0,
            stored: None,
            equivalent: false,
            not_stored: None,
            uncollapsed: false,
            breaker: route.breaker_for(&parts).map(|breaker| BreakerInfo::of(&breaker, now)),
        };
        if explanation.reason.is_some() {
            return explanation;
        }
        route.settings.negotiation.reduce(&mut parts.headers);
        let Some(key) = route.key(&parts, facts) else {
            return Self { reason: Some(Reason::Extractor), ..explanation };
        };
        let asked = route.asked(&parts.headers, facts);
        let (asked, asker) = (asked.as_ref(), route.asker(facts, asked.as_ref()));
        let slot = route.core.store.peek(key.as_bytes());
        let question = Question { route, key: key.as_bytes(), parts: &parts, facts, asked, asker, now };
        let lookup = question.look_up(slot.as_ref());
        let selected = slot.as_ref().and_then(|slot| slot.select(&parts.headers));
        let stored = match &lookup {
            Lookup::Own(entry, _) => Some((&key, *entry)),
            Lookup::Equivalent(equivalent) => Some((&equivalent.key, &equivalent.entry)),
            Lookup::NotCached | Lookup::Alone(_) | Lookup::Fetch { .. } => {
                selected.map(|entry| (&key, entry))
            }
        };
        explanation.key = Some(key.to_string());
        explanation.variants = slot.as_ref().map_or(0, |slot| slot.variants().len());
        explanation.stored = stored.map(|(key, entry)| StoredExplanation::of(key, entry, now));
        explanation.equivalent = matches!(lookup, Lookup::Equivalent(_));
        if let Some(note) = slot.as_ref().and_then(|slot| slot.uncollapsed(now)) {
            explanation.uncollapsed = true;
            explanation.not_stored = note.reason;
        }
        let (outcome, reason) = match (explanation.mode, &lookup) {
            (Mode::Observe, _) => (Outcome::Bypass, Some(Reason::Observe)),
            (Mode::Bypass, _) => (Outcome::Bypass, Some(Reason::Mode)),
            (Mode::On, Lookup::Own(_, outcome)) => (*outcome, None),
            (Mode::On, Lookup::Equivalent(equivalent)) => (equivalent.outcome, None),
            (Mode::On, Lookup::NotCached) => (Outcome::Rejected, Some(Reason::OnlyIfCached)),
            (Mode::On, Lookup::Alone(reason)) => (Outcome::Bypass, Some(*reason)),
            (Mode::On, Lookup::Fetch { stored, .. }) => {
                let unshared =
                    if stored.is_none() { selected.and_then(|_| why_not_shared(asker)) } else { None };
                explanation.fetched(*stored, unshared)
            }
        };
        Self { outcome, reason, ..explanation }
    }

    /// What it would come to if it were fetched, with this stored to be confirmed or to stand in, and with something stored
    /// that is `unshared` for a reason.
    fn fetched(
        &self,
        stored: Option<(&Arc<Entry>, Reuse)>,
        unshared: Option<Reason>,
    ) -> (Outcome, Option<Reason>) {
        if self.breaker.as_ref().is_some_and(refuses) {
            let stands_in = stored.is_some_and(|(_, reuse)| reuse == Reuse::OnError);
            let outcome = if stands_in { Outcome::StaleError } else { Outcome::Rejected };
            return (outcome, Some(Reason::BreakerOpen));
        }
        if let Some(reason) = self.not_stored.or(unshared) {
            return (Outcome::Uncacheable, Some(reason));
        }
        let confirmable =
            stored.is_some_and(|(entry, reuse)| reuse != Reuse::Gone && entry.validators().is_some());
        (if confirmable { Outcome::Revalidated } else { Outcome::Miss }, None)
    }
}

/// Whether a breaker would let no call through.
fn refuses(breaker: &BreakerInfo) -> bool {
    match breaker.state {
        BreakerState::Closed => false,
        BreakerState::HalfOpen => true,
        BreakerState::Open => {
            breaker.mode == BreakerMode::ForcedOpen || breaker.remaining.is_some_and(|left| !left.is_zero())
        }
    }
}

/// Why a stored response is not for a request that selects it.
fn why_not_shared(asker: Asker) -> Option<Reason> {
    match asker {
        Asker { authorization: true, .. } => Some(Reason::Authorization),
        Asker { cookie: true, .. } => Some(Reason::Cookie),
        _ => None,
    }
}

impl StoredExplanation {
    fn of(key: &Key, entry: &Entry, now: Tick) -> Self {
        let times = &entry.times;
        let at = |tick: Tick| clock::later(times.cached_wall, tick.since(times.cached_at));
        Self {
            key: key.to_string(),
            status: entry.status,
            cached_at: times.cached_wall,
            fresh_until: at(times.soft_at()),
            stale_until: at(times.hard_at),
            error_until: at(times.error_at),
            keep_until: at(times.keep_until),
            source: entry.fresh_by,
            stale_allowed: entry.stale_allowed,
            extended: entry.refresh.failed(),
            age: Duration::from_secs(entry.age(now)),
            body_bytes: entry.body_len(),
            tags: entry.origin.tags.len(),
        }
    }
}
