//! One route of a handle: its keys, what it makes of a request, what it counts.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use http::{HeaderMap, request};

use super::Core;
use crate::{
    breaker::{Breaker, BreakerInfo},
    clock::Tick,
    config::{BreakerChoice, BreakerConfig, Mode, Settings, StatusField, SwrConfig},
    entry::{Entry, RouteMark},
    event::Outcome,
    key::{Key, KeyDecision, KeyWriter},
    policy::{cache_control::RequestDirectives, request::RequestFacts, verdict::Asker},
    telemetry::{Failing, LogGates, Meter, Newest, Source},
};

/// One route of a handle.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) mark: Arc<RouteMark>,
    /// The first part of its keys.
    pub(crate) namespace: Box<str>,
    /// The same as the bytes that each key begins with.
    prefix: Key,
    pub(crate) max_body: u64,
    pub(crate) logs: LogGates,
    pub(crate) meter: Meter,
    pub(crate) failing: Failing,
    pub(crate) newest: Newest,
    mode: AtomicU8,
    /// Its breaker, unless it has none or one for each upstream.
    breaker: Option<Arc<Breaker>>,
}

impl Route {
    pub(crate) fn new(core: &Arc<Core>, config: &SwrConfig, name: &str) -> Self {
        let settings = &config.settings;
        let namespace = settings.namespace.as_deref().unwrap_or(name);
        let breaker = settings.breaker.as_ref().and_then(|config| match &config.choice {
            BreakerChoice::Route => Some(core.breakers.named(name, config.settings)),
            BreakerChoice::Named(name) => Some(core.breakers.named(name, config.settings)),
            BreakerChoice::ByRequest(_) => None,
        });
        Self {
            core: Arc::clone(core),
            settings: Arc::clone(settings),
            mark: Arc::new(RouteMark::new(name, &settings.rules.targets)),
            namespace: namespace.into(),
            prefix: KeyWriter::new(namespace).to_key(),
            max_body: settings.explicit_max_body.unwrap_or(core.max_body).min(core.max_body),
            logs: LogGates::default(),
            meter: Meter::new(name),
            failing: Failing::default(),
            newest: Newest::default(),
            mode: AtomicU8::new(settings.mode as u8),
            breaker,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.mark.name
    }

    /// What it does with requests now.
    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        match self.mode.load(Ordering::Relaxed) {
            mode if mode == Mode::Observe as u8 => Mode::Observe,
            mode if mode == Mode::Bypass as u8 => Mode::Bypass,
            _ => Mode::On,
        }
    }

    /// From now on it does this with requests; true if it did something else before.
    pub(crate) fn set_mode(&self, mode: Mode) -> bool {
        self.mode.swap(mode as u8, Ordering::Relaxed) != mode as u8
    }

    #[inline]
    pub(crate) fn status_field(&self) -> Option<&StatusField> {
        self.settings.status.as_ref()
    }

    /// Writes the key of a request where nothing is written yet; false if the extractor does not want it cached.
    pub(crate) fn write_key(&self, parts: &request::Parts, facts: RequestFacts, key: &mut KeyWriter) -> bool {
        key.begin_with(self.prefix.as_bytes());
        if self.settings.key.extract(parts, key) != KeyDecision::Cache {
            return false;
        }
        facts.for_each_guarded(&parts.headers, |name, value| key.push_guarded(name, value));
        true
    }

    /// The key of a request, or `None` if the extractor does not want it cached.
    pub(crate) fn key(&self, parts: &request::Parts, facts: RequestFacts) -> Option<Key> {
        let mut key = KeyWriter::empty();
        self.write_key(parts, facts, &mut key).then(|| key.to_key())
    }

    /// The printed form of a request's key, where the route tells it.
    #[inline]
    pub(crate) fn shown_key(&self, key: &KeyWriter) -> Option<Box<str>> {
        let tells = self.status_field().is_some_and(|field| field.key);
        tells.then(|| key.to_key().to_string().into())
    }

    /// What a request asks of the cache, where that counts.
    #[inline]
    pub(crate) fn asked(&self, headers: &HeaderMap, facts: RequestFacts) -> Option<RequestDirectives> {
        let counts = self.settings.rules.client_directives && facts.has_cache_control();
        counts.then(|| RequestDirectives::from_headers(headers))
    }

    /// What in a request bears on storing and sharing.
    #[inline]
    pub(crate) fn asker(&self, facts: RequestFacts, asked: Option<&RequestDirectives>) -> Asker {
        Asker {
            authorization: facts.has_authorization() && self.settings.authorization_matters,
            cookie: facts.has_cookie() && self.settings.cookie_matters,
            no_store: asked.is_some_and(|asked| asked.no_store),
            part: false,
            post: false,
        }
    }

    /// A request that came at `began` has its answer, now.
    pub(crate) fn answered(&self, outcome: Outcome, source: Source, began: Tick) -> Tick {
        let now = self.core.clock.now();
        self.meter.answered(outcome, source, now.since(began), now);
        now
    }

    /// The breaker that a request's fetch asks, if it asks one.
    pub(crate) fn breaker(&self, parts: &request::Parts) -> Option<Arc<Breaker>> {
        self.breaker.clone().or_else(|| match self.settings.breaker.as_ref()? {
            BreakerConfig { settings, choice: BreakerChoice::ByRequest(name) } => {
                Some(self.core.breakers.named(&name(parts), *settings))
            }
            _ => None,
        })
    }

    /// Where its breaker stands; `None` if it has none, or many.
    pub(crate) fn breaker_info(&self, now: Tick) -> Option<BreakerInfo> {
        self.breaker.as_deref().map(|breaker| BreakerInfo::of(breaker, now))
    }

    /// The breaker that a request's fetch would ask, if there is one already.
    pub(crate) fn breaker_for(&self, parts: &request::Parts) -> Option<Arc<Breaker>> {
        self.breaker.clone().or_else(|| match self.settings.breaker.as_ref()? {
            BreakerConfig { choice: BreakerChoice::ByRequest(name), .. } => {
                self.core.breakers.get(&name(parts))
            }
            _ => None,
        })
    }

    /// Whether a request can share a fetch with others, as far as that is known before the response.
    pub(crate) fn collapses(&self, asker: Asker) -> bool {
        let uncertain = asker.cookie && self.settings.rules.gives_freshness();
        !(asker.authorization || asker.no_store || asker.part || asker.post || uncertain)
    }
}

/// Whether a stored response may answer a request, by what the request brings beside its key and its selecting headers.
#[inline]
pub(crate) fn may_use(entry: &Entry, asker: Asker) -> bool {
    (!asker.authorization || entry.for_authorized) && (!asker.cookie || !entry.route_alone)
}
