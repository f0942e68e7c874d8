//! What all routes of a handle share, and what is published of it.

use std::{
    slice,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, sync::Semaphore};

use super::{Allowance, Landing, Route};
use crate::{
    breaker::{BreakerInfo, Breakers},
    clock::Clock,
    entry::Entry,
    flight::Flights,
    hook::Hook,
    key::Key,
    policy::vary::Selecting,
    store::{Purge, Store, Weights},
    telemetry::{self, CacheMeter, Event, Gauges, Journal},
};

/// What all routes of a handle share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) flights: Flights<Key, Selecting, Landing>,
    /// One permit for each fetch under way.
    pub(crate) fetches: Arc<Semaphore>,
    /// One permit for each refresh under way.
    pub(crate) refreshes: Arc<Semaphore>,
    pub(crate) bodies: Allowance,
    pub(crate) breakers: Breakers,
    pub(crate) meter: CacheMeter,
    pub(crate) journal: Arc<Journal>,
    on_purge: Hook<Purge>,
    /// The routes there are, for what is published of them.
    routes: Mutex<Vec<Weak<Route>>>,
    publishing: AtomicBool,
    /// Whether no new requests are to be sent here.
    pub(crate) draining: AtomicBool,
    max_fetches: usize,
    pub(crate) max_body: u64,
}

impl Core {
    pub(crate) fn new(name: &str, clock: Clock, sizes: Sizes, hooks: Hooks) -> Self {
        let journal = Arc::new(Journal::new(clock.clone(), hooks.on_event));
        let observed = Arc::clone(&journal);
        let Sizes { capacity, max_body, fetches, refreshes } = sizes;
        // Bodies on their way take an eighth of the capacity, or two of the largest, and never more than a quarter.
        let in_flight = (capacity / 8).max(2 * max_body).min(capacity / 4);
        Self {
            clock,
            store: Store::new(Weights { capacity: capacity - in_flight, max_body }),
            flights: Flights::new(),
            fetches: Arc::new(Semaphore::new(fetches)),
            refreshes: Arc::new(Semaphore::new(refreshes)),
            breakers: Breakers::new(Box::new(move || {
                let journal = Arc::clone(&observed);
                Box::new(move |breaker, transition, why| {
                    telemetry::breaker_transition(&journal, breaker, transition, why);
                })
            })),
            meter: CacheMeter::new(name),
            journal,
            on_purge: hooks.on_purge,
            routes: Mutex::default(),
            publishing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            max_fetches: fetches,
            bodies: Allowance::of(in_flight),
            max_body,
        }
    }
}

/// The caller's functions that are told of what happens.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) on_event: Hook<Event>,
    pub(crate) on_purge: Hook<Purge>,
}

/// A purge that was carried out.
struct Done<'a> {
    purge: &'a Purge,
    entries: usize,
    took: Duration,
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

    /// Carries out a purge that was asked for here, and says so to whoever tells other instances.
    pub(crate) fn purge(&self, purge: &Purge) -> usize {
        self.purge_all(slice::from_ref(purge))
    }

    /// The same for several.
    pub(crate) fn purge_all(&self, purges: &[Purge]) -> usize {
        let done = self.carry_out(purges);
        self.ask_elsewhere(&done);
        self.tell_of(&done)
    }

    /// Carries out a purge that was asked for elsewhere.
    pub(crate) fn apply_purge(&self, purge: &Purge) -> usize {
        self.tell_of(&self.carry_out(slice::from_ref(purge)))
    }

    /// Carries out purges, as all routes see them.
    fn carry_out<'a>(&self, purges: &'a [Purge]) -> Vec<Done<'a>> {
        let marks: Vec<_> = self.routes().iter().map(|route| Arc::clone(&route.mark)).collect();
        let carry_out = |purge| {
            let began = self.clock.now();
            let entries = self.store.purge(purge, &marks, began);
            Done { purge, entries, took: self.clock.now().since(began) }
        };
        purges.iter().map(carry_out).collect()
    }

    /// Carries out the purges that a response demands which is to be stored under `key` itself, as [`Store::purge_before`]
    /// does.
    pub(crate) fn purge_before(&self, purges: &[Purge], key: &Key, entry: &mut Entry) -> bool {
        let now = self.clock.now();
        let mut done = Vec::with_capacity(purges.len());
        let stands = self.store.purge_before(purges, key, entry, now, |purge, entries| {
            done.push(Done { purge, entries, took: self.clock.now().since(now) });
        });
        self.ask_elsewhere(&done);
        self.tell_of(&done);
        stands
    }

    /// Other instances are to do the same.
    fn ask_elsewhere(&self, done: &[Done<'_>]) {
        done.iter().for_each(|done| self.on_purge.tell(done.purge));
    }

    /// Tells of purges once all of them are done: where a recorder panics, none is left undone. How many responses they
    /// were about.
    fn tell_of(&self, done: &[Done<'_>]) -> usize {
        for Done { purge, entries, took } in done {
            telemetry::purged(self, purge, *entries, *took, self.clock.now());
        }
        done.iter().map(|done| done.entries).sum()
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
            route.meter.publish(route.newest.runway(now), now);
            telemetry::publish_mode(route.name(), route.mode());
            telemetry::publish_serve_stale(route.name(), route.mark.serve_stale_until().since(now));
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
        let publisher = Publisher(Arc::downgrade(self));
        drop(runtime.spawn(async move {
            while let Some(core) = publisher.0.upgrade() {
                core.publish();
                drop(core);
                tokio::time::sleep(PUBLISH_EVERY).await;
            }
        }));
    }
}

/// Whoever publishes. Its place is free again when it is dropped, by the end of its runtime or by a recorder that panics.
struct Publisher(Weak<Core>);

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade() {
            core.publishing.store(false, Ordering::Relaxed);
        }
    }
}
