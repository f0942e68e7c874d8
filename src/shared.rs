//! What the services of one handle share: the store, the flights, the limits, and each route's part in them.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, request};
use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    breaker::{Breaker, BreakerInfo, Breakers},
    clock::{Clock, Tick},
    config::{BreakerChoice, BreakerConfig, Settings, StatusField, SwrConfig},
    entry::{Entry, RouteMark},
    error::BoxError,
    event::{Outcome, Reason},
    flight::Flights,
    key::{Key, KeyDecision, KeyWriter},
    policy::{cache_control::RequestDirectives, request::RequestFacts, vary::Selecting, verdict::Asker},
    spool::Spool,
    store::{Purge, Store, Weights},
    telemetry::{self, CacheMeter, Failing, Gauges, LogGates, Meter, Newest, Source},
};

/// What all routes of a handle share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) flights: Flights<FlightKey, Landing>,
    /// One permit for each fetch under way.
    pub(crate) fetches: Arc<Semaphore>,
    /// One permit for each refresh under way.
    pub(crate) refreshes: Arc<Semaphore>,
    pub(crate) bodies: Allowance,
    pub(crate) breakers: Breakers,
    pub(crate) meter: CacheMeter,
    /// The routes there are, for what is published of them.
    routes: Mutex<Vec<Weak<Route>>>,
    publishing: AtomicBool,
    /// Whether no new requests are to be sent here.
    pub(crate) draining: AtomicBool,
    max_fetches: usize,
    pub(crate) max_body: u64,
}

impl Core {
    pub(crate) fn new(name: &str, clock: Clock, sizes: Sizes) -> Self {
        let Sizes { capacity, max_body, fetches, refreshes } = sizes;
        // Bodies on their way take an eighth of the capacity, or two of the largest, and never more than a quarter.
        let in_flight = (capacity / 8).max(2 * max_body).min(capacity / 4);
        Self {
            clock,
            store: Store::new(Weights { capacity: capacity - in_flight, max_body }),
            flights: Flights::new(),
            fetches: Arc::new(Semaphore::new(fetches)),
            refreshes: Arc::new(Semaphore::new(refreshes)),
            breakers: Breakers::new(Box::new(|| Box::new(telemetry::breaker_transition))),
            meter: CacheMeter::new(name),
            routes: Mutex::default(),
            publishing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            max_fetches: fetches,
            bodies: Allowance { limit: in_flight, taken: AtomicU64::new(0) },
            max_body,
        }
    }
}

/// How large a cache is, and its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) capacity: u64,
    pub(crate) max_body: u64,
    pub(crate) fetches: usize,
    pub(crate) refreshes: usize,
}

/// How often what depends on the time is published, while somebody listens.
const PUBLISH_EVERY: Duration = Duration::from_secs(5);

impl Core {
    /// Takes down a route, to publish what it counts.
    pub(crate) fn register(&self, route: &Arc<Route>) {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(route));
    }

    /// The routes that are still in use.
    pub(crate) fn routes(&self) -> Vec<Arc<Route>> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|route| route.strong_count() > 0);
        routes.iter().filter_map(Weak::upgrade).collect()
    }

    /// Carries out a purge, as all routes see it.
    pub(crate) fn purge(&self, purge: &Purge) -> usize {
        let marks: Vec<_> = self.routes().iter().map(|route| Arc::clone(&route.mark)).collect();
        let began = self.clock.now();
        let entries = self.store.purge(purge, &marks, began);
        self.meter.purged(purge.scope_name(), entries, self.clock.now().since(began));
        entries
    }

    /// How many fetches are under way.
    pub(crate) fn fetches_under_way(&self) -> usize {
        self.max_fetches.saturating_sub(self.fetches.available_permits())
    }

    /// Publishes what depends on the time: ratios, the store, the breakers.
    pub(crate) fn publish(&self) {
        if !telemetry::is_heard() {
            return;
        }
        let now = self.clock.now();
        for route in self.routes() {
            route.meter.publish(now);
            for (limit, ttl) in route.settings.rules.ttls() {
                telemetry::publish_ttl(route.name(), limit, ttl);
            }
        }
        for breaker in self.breakers.all() {
            telemetry::publish_breaker(&BreakerInfo::of(&breaker, now));
        }
        self.meter.publish(Gauges {
            entries: self.store.len(),
            stored_bytes: self.store.weight(),
            capacity_bytes: self.store.capacity(),
            fetches: self.fetches_under_way(),
            inflight_bytes: self.bodies.taken(),
            evicted: self.store.evicted(),
        });
    }

    /// Publishes from now on, every few seconds, if somebody listens and nobody does it yet. The task ends with the cache.
    pub(crate) fn keep_publishing(self: &Arc<Self>, runtime: &Handle) {
        if self.publishing.load(Ordering::Relaxed) || !telemetry::is_heard() {
            return;
        }
        if self.publishing.swap(true, Ordering::Relaxed) {
            return;
        }
        let core = Arc::downgrade(self);
        drop(runtime.spawn(async move {
            while let Some(core) = core.upgrade() {
                core.publish();
                drop(core);
                tokio::time::sleep(PUBLISH_EVERY).await;
            }
        }));
    }
}

/// The memory that bodies may take while they are on their way into the store.
#[derive(Debug)]
pub(crate) struct Allowance {
    limit: u64,
    taken: AtomicU64,
}

impl Allowance {
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// A body's part of the allowance; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    core: Arc<Core>,
    bytes: u64,
}

impl Share {
    pub(crate) fn none(core: &Arc<Core>) -> Self {
        Self { core: Arc::clone(core), bytes: 0 }
    }

    /// Takes as much more, if there is room for it.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let Allowance { limit, taken } = &self.core.bodies;
        let fits = |now: u64| now.checked_add(bytes).filter(|sum| sum <= limit);
        let grown = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        self.bytes += if grown { bytes } else { 0 };
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.core.bodies.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What a flight is for: a key, and one of its variants where they are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlightKey {
    key: Key,
    variant: Option<Arc<[u8]>>,
}

impl FlightKey {
    /// The flight for what `selecting` selects of a key, as far as that is known.
    pub(crate) fn of(key: &Key, selecting: Option<&Selecting>) -> Self {
        let variant = selecting.filter(|selecting| !selecting.is_empty());
        Self { key: key.clone(), variant: variant.map(|selecting| selecting.to_bytes().into()) }
    }
}

/// What those who wait for a fetch are told at its head.
#[derive(Clone, Debug)]
pub(crate) enum Landing {
    /// A response that may be shared with whom it suits; its body is on its way.
    Shared(Arc<Entry>, Arc<Spool>),
    /// A stored response that was confirmed.
    Confirmed(Arc<Entry>),
    /// A response for nobody else: everybody goes on alone.
    Released,
    /// No response.
    Failed(Arc<Failed>),
}

/// A fetch that failed, for those who waited for it.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) reason: Reason,
    pub(crate) retry_after: Option<Duration>,
    second_turn: AtomicBool,
}

impl Failed {
    pub(crate) fn new(reason: Reason, retry_after: Option<Duration>) -> Self {
        Self { reason, retry_after, second_turn: false.into() }
    }

    /// True for the one waiter who leads once more.
    pub(crate) fn take_second_turn(&self) -> bool {
        !self.second_turn.swap(true, Ordering::Relaxed)
    }
}

/// One route of a handle.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) mark: Arc<RouteMark>,
    /// The first part of its keys.
    pub(crate) namespace: Box<str>,
    pub(crate) max_body: u64,
    pub(crate) logs: LogGates,
    pub(crate) meter: Meter,
    pub(crate) failing: Failing,
    pub(crate) newest: Newest,
    /// Its breaker, unless it has none or one for each upstream.
    breaker: Option<Arc<Breaker>>,
}

impl Route {
    pub(crate) fn new(core: &Arc<Core>, config: &SwrConfig, name: &str) -> Self {
        let settings = &config.settings;
        let breaker = settings.breaker.as_ref().and_then(|config| match &config.choice {
            BreakerChoice::Route => Some(core.breakers.named(name, config.settings)),
            BreakerChoice::Named(name) => Some(core.breakers.named(name, config.settings)),
            BreakerChoice::ByRequest(_) => None,
        });
        Self {
            core: Arc::clone(core),
            settings: Arc::clone(settings),
            mark: Arc::new(RouteMark { name: name.into(), purged: AtomicU64::new(0) }),
            namespace: settings.namespace.as_deref().unwrap_or(name).into(),
            max_body: settings.explicit_max_body.unwrap_or(core.max_body).min(core.max_body),
            logs: LogGates::default(),
            meter: Meter::new(name),
            failing: Failing::default(),
            newest: Newest::default(),
            breaker,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.mark.name
    }

    pub(crate) fn status_field(&self) -> Option<&StatusField> {
        self.settings.status.as_ref()
    }

    /// Writes the key of a request, or `None` if the extractor does not want it cached.
    pub(crate) fn key(&self, parts: &request::Parts, facts: RequestFacts) -> Option<KeyWriter> {
        let mut key = KeyWriter::new(&self.namespace);
        if self.settings.key.extract(parts, &mut key) != KeyDecision::Cache {
            return None;
        }
        facts.for_each_guarded(&parts.headers, |name, value| key.push_guarded(name, value));
        Some(key)
    }

    /// What a request asks of the cache, where that counts.
    pub(crate) fn asked(&self, headers: &HeaderMap, facts: RequestFacts) -> Option<RequestDirectives> {
        let counts = self.settings.rules.client_directives && facts.has_cache_control();
        counts.then(|| RequestDirectives::from_headers(headers))
    }

    /// What in a request bears on storing and sharing.
    pub(crate) fn asker(&self, facts: RequestFacts, asked: Option<&RequestDirectives>) -> Asker {
        Asker {
            authorization: facts.has_authorization() && self.settings.authorization_matters,
            cookie: facts.has_cookie() && self.settings.cookie_matters,
            no_store: asked.is_some_and(|asked| asked.no_store),
        }
    }

    /// A request that came at `began` has its answer.
    pub(crate) fn answered(&self, outcome: Outcome, source: Source, began: Tick) {
        let now = self.core.clock.now();
        self.meter.answered(outcome, source, now.since(began), now);
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

    /// Whether a request can share a fetch with others, as far as that is known before the response.
    pub(crate) fn collapses(&self, asker: Asker) -> bool {
        let uncertain = asker.cookie && self.settings.rules.gives_freshness();
        !(asker.authorization || asker.no_store || uncertain)
    }
}

/// Whether a stored response may answer a request, by what the request brings beside its key and its selecting headers.
pub(crate) fn may_use(entry: &Entry, asker: Asker) -> bool {
    (!asker.authorization || entry.for_authorized) && (!asker.cookie || !entry.route_alone)
}

/// What the cache asks of the service that it wraps.
pub(crate) trait Upstream<ReqBody>:
    tower::Service<
        http::Request<ReqBody>,
        Response = http::Response<Self::Body>,
        Error: Send + 'static,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    type Body: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

impl<S, ReqBody, B> Upstream<ReqBody> for S
where
    S: tower::Service<
            http::Request<ReqBody>,
            Response = http::Response<B>,
            Error: Send + 'static,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}
