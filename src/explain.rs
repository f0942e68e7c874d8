//! What the routes of a cache would do with a request, and why: the answer to most questions that are put to it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Method, StatusCode, header, request};

use crate::{
    breaker::{BreakerInfo, BreakerMode, BreakerState},
    clock::{self, Tick},
    config::Mode,
    entry::Entry,
    event::{FreshnessSource, Outcome, Reason},
    policy::{cache_control::RequestDirectives, request::RequestFacts, reuse::Reuse, verdict::Asker},
    shared::{self, Route, part},
    store::Slot,
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
    /// The stored response that the request selects.
    pub stored: Option<StoredExplanation>,
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
        let slot = route.core.store.peek(key.as_bytes());
        let selected = slot.as_ref().and_then(|slot| slot.select(&parts.headers));
        explanation.key = Some(key.to_string());
        explanation.variants = slot.as_ref().map_or(0, |slot| slot.variants().len());
        explanation.stored = selected.map(|entry| StoredExplanation::of(entry, now));
        if let Some(note) = slot.as_ref().and_then(|slot| slot.uncollapsed(now)) {
            explanation.uncollapsed = true;
            explanation.not_stored = note.reason;
        }
        let asked = route.asked(&parts.headers, facts);
        let question = Question { route, parts: &parts, facts, asked, slot: slot.as_ref(), selected, now };
        let (outcome, reason) = match explanation.mode {
            Mode::On => question.outcome(&explanation),
            Mode::Observe => (Outcome::Bypass, Some(Reason::Observe)),
            Mode::Bypass => (Outcome::Bypass, Some(Reason::Mode)),
        };
        Self { outcome, reason, ..explanation }
    }
}

/// A request that has a key, and what stands under that.
struct Question<'a> {
    route: &'a Route,
    parts: &'a request::Parts,
    facts: RequestFacts,
    asked: Option<RequestDirectives>,
    slot: Option<&'a Slot>,
    selected: Option<&'a Arc<Entry>>,
    now: Tick,
}

impl Question<'_> {
    /// What it would get, and why nothing better.
    fn outcome(&self, so_far: &RouteExplanation) -> (Outcome, Option<Reason>) {
        let Self { route, parts, facts, slot, selected, now, .. } = *self;
        let asked = self.asked.as_ref();
        let asker = route.asker(facts, asked);
        let usable = selected.filter(|entry| shared::may_use(entry, asker));
        let reuse = usable.map_or(Reuse::Gone, |entry| entry.reuse_as_asked(asked, now));
        match reuse {
            Reuse::Fresh => return (Outcome::Hit, None),
            Reuse::Stale => return (Outcome::Stale, None),
            Reuse::StaleError => return (Outcome::StaleError, None),
            Reuse::OnError | Reuse::Revalidate | Reuse::Gone => {}
        }
        let wants_part = reuse == Reuse::Gone && part::is_wanted(route, parts, facts);
        let answering = |slot| part::answering(slot, &parts.headers, asker, asked, now);
        if wants_part && slot.and_then(answering).is_some() {
            return (Outcome::Hit, None);
        }
        if asked.is_some_and(|asked| asked.only_if_cached) {
            return (Outcome::Rejected, Some(Reason::OnlyIfCached));
        }
        let head = parts.method == Method::HEAD;
        let kept_as_part = wants_part && !parts.headers.contains_key(header::IF_RANGE);
        if reuse == Reuse::Gone && (facts.has_range() || head) && !kept_as_part {
            return (Outcome::Bypass, Some(if head { Reason::Head } else { Reason::Range }));
        }
        if so_far.breaker.as_ref().is_some_and(refuses) {
            let stands_in = reuse == Reuse::OnError;
            let outcome = if stands_in { Outcome::StaleError } else { Outcome::Rejected };
            return (outcome, Some(Reason::BreakerOpen));
        }
        let unshared = selected.filter(|_| usable.is_none()).map(|_| asker).and_then(why_not_shared);
        if let Some(reason) = so_far.not_stored.or(unshared) {
            return (Outcome::Uncacheable, Some(reason));
        }
        let confirmable = usable.is_some_and(|entry| reuse != Reuse::Gone && entry.validators().is_some());
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
    fn of(entry: &Entry, now: Tick) -> Self {
        let times = &entry.times;
        let at = |tick: Tick| clock::later(times.cached_wall, tick.since(times.cached_at));
        Self {
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
