//! What the routes of a cache would do with a request, and why: the answer to most questions that are put to it.

use std::sync::Arc;

use http::request;

use crate::{
    breaker::{BreakerInfo, BreakerMode, BreakerState},
    config::Mode,
    entry::{Entry, EntryInfo},
    event::{Outcome, Reason},
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
    /// `miss`, or `revalidated` if there is something stored that it can confirm. Where as many fetches are under way as there
    /// may be, it is what comes of waiting in vain for one of them to end.
    pub outcome: Outcome,
    /// Why it would not be answered from what is stored, or not be stored, if there is a word for that.
    pub reason: Option<Reason>,
    /// The printable form of its key; `None` if it has none.
    pub key: Option<String>,
    /// How many variants are stored under the key.
    pub variants: usize,
    /// The stored response that answers the request, or else the one that it selects.
    pub stored: Option<EntryInfo>,
    /// Whether that is stored for another query of the URL, and says that it is the same for this one (`No-Vary-Search`).
    pub equivalent: bool,
    /// Why the last response for the key was not stored, while requests for it do not wait for each other because of that.
    pub not_stored: Option<Reason>,
    /// Whether requests for the key do not wait for each other, as what comes is not for all of them.
    pub uncollapsed: bool,
    /// The breaker that its fetch would ask.
    pub breaker: Option<BreakerInfo>,
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
            let is_bypassed = explanation.mode == Mode::Bypass;
            let reason = if is_bypassed { Reason::Mode } else { Reason::Extractor };
            return Self { reason: Some(reason), ..explanation };
        };
        let asked = route.asked(&parts.headers, facts);
        let (asked, asker) = (asked.as_ref(), route.asker(facts, asked.as_ref()));
        let slot = route.core.store.peek(key.as_bytes());
        let question = Question { route, key: key.as_bytes(), parts: &parts, facts, asked, asker, now };
        let lookup = question.look_up(slot.as_ref());
        let selected = slot.as_ref().and_then(|slot| slot.select(&parts.headers));
        if let Some(note) = slot.as_ref().and_then(|slot| slot.uncollapsed(now)) {
            explanation.uncollapsed = true;
            explanation.not_stored = note.reason;
        }
        let refusal = explanation.refusal(route, &key, asker);
        let stands_in = match &lookup {
            Lookup::Fetch { stored, .. } if refusal.is_some() => question.stands_in(*stored),
            _ => None,
        };
        let stored = match &lookup {
            Lookup::Own(entry, _) => Some((&key, *entry)),
            Lookup::Equivalent(equivalent) => Some((&equivalent.key, &equivalent.entry)),
            Lookup::NotCached | Lookup::Alone(_) | Lookup::Fetch { .. } => {
                let stands_in = stands_in.as_ref().map(|(own, entry)| (own, entry));
                stands_in.or(selected.map(|entry| (&key, entry)))
            }
        };
        explanation.key = Some(key.to_string());
        explanation.variants = slot.as_ref().map_or(0, |slot| slot.variants().len());
        explanation.equivalent = stored.is_some_and(|(own, _)| *own != key);
        explanation.stored = stored.map(|(own, entry)| EntryInfo::new(entry, own.to_string(), now));
        let (outcome, reason) = match (explanation.mode, &lookup) {
            (Mode::Observe, _) => (Outcome::Bypass, Some(Reason::Observe)),
            (Mode::Bypass, _) => (Outcome::Bypass, Some(Reason::Mode)),
            (Mode::On, Lookup::Own(_, outcome)) => (*outcome, None),
            (Mode::On, Lookup::Equivalent(equivalent)) => (equivalent.outcome, None),
            (Mode::On, Lookup::NotCached) => (Outcome::Rejected, Some(Reason::OnlyIfCached)),
            (Mode::On, Lookup::Alone(reason)) => (Outcome::Bypass, Some(*reason)),
            (Mode::On, Lookup::Fetch { .. }) if refusal.is_some() => {
                let outcome = if stands_in.is_some() { Outcome::StaleError } else { Outcome::Rejected };
                (outcome, refusal)
            }
            (Mode::On, Lookup::Fetch { stored, .. }) => {
                let unshared = selected.filter(|_| stored.is_none()).and_then(|_| why_not_shared(asker));
                explanation.fetched(*stored, unshared, asker.no_store)
            }
        };
        Self { outcome, reason, ..explanation }
    }

    /// Why its fetch would be refused as things stand, if it would be. Who waits for another one's fetch has none.
    fn refusal(&self, route: &Route, key: &Key, asker: Asker) -> Option<Reason> {
        let core = &route.core;
        if !self.uncollapsed && route.collapses(asker) && core.flights.is_under_way(key) {
            None
        } else if core.fetches.available_permits() == 0 {
            Some(Reason::Overload)
        } else {
            self.breaker.as_ref().is_some_and(refuses).then_some(Reason::BreakerOpen)
        }
    }

    /// What it would come to if it were fetched: with this stored to be confirmed, with something stored that is `unshared`
    /// for a reason, and for a request that lets nothing be kept.
    fn fetched(
        &self,
        stored: Option<(&Arc<Entry>, Reuse)>,
        unshared: Option<Reason>,
        no_store: bool,
    ) -> (Outcome, Option<Reason>) {
        if let Some(reason) = self.not_stored.or(unshared) {
            return (Outcome::Uncacheable, Some(reason));
        }
        let confirmable =
            stored.is_some_and(|(entry, reuse)| reuse != Reuse::Gone && entry.validators().is_some());
        match confirmable {
            true => (Outcome::Revalidated, None),
            false if no_store => (Outcome::Uncacheable, Some(Reason::RequestNoStore)),
            false => (Outcome::Miss, None),
        }
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
