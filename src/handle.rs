//! The handle of a cache: makes layers, purges, looks into the store.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::SystemTime,
};

use http::request;

use crate::{
    breaker::{BreakerInfo, BreakerMode},
    clock::{Clock, WallClock},
    config::SwrConfig,
    entry::EntryInfo,
    error::ConfigError,
    health::{self, CacheHealth, Health, StoreStats},
    hook::Hook,
    key::Key,
    policy::request::RequestFacts,
    service::SwrCacheLayer,
    shared::{Core, Hooks, Route, Sizes},
    store::{Purge, Purged},
    telemetry::{self, Event, RouteStats},
};

/// A cache that any number of routes share. Clones are the same cache.
#[derive(Clone)]
pub struct CacheHandle {
    core: Arc<Core>,
    routes: Arc<Mutex<Vec<Arc<Route>>>>,
}

/// The capacity of a store that nobody named one for.
const DEFAULT_CAPACITY: u64 = 64 << 20;
const DEFAULT_MAX_BODY: u64 = 4 << 20;

impl CacheHandle {
    /// Begins the set-up of a cache.
    pub fn builder() -> CacheHandleBuilder {
        CacheHandleBuilder::default()
    }

    /// The cache of a lone layer. It cannot fail: a capacity that fits the route is taken.
    pub(crate) fn for_one(config: &SwrConfig) -> Self {
        let max_body = config.settings.explicit_max_body.unwrap_or(DEFAULT_MAX_BODY);
        let defaults = CacheHandleBuilder::default().name(config.name());
        Self::of(defaults, DEFAULT_CAPACITY.max(max_body.saturating_mul(4)), max_body)
    }

    fn of(builder: CacheHandleBuilder, capacity: u64, max_body: u64) -> Self {
        let clock = Clock::new(builder.wall);
        let sizes = Sizes { capacity, max_body, fetches: builder.fetches, refreshes: builder.refreshes };
        let core = Core::new(&builder.name, clock, sizes, builder.hooks);
        Self { core: Arc::new(core), routes: Arc::default() }
    }

    /// A layer for a route of this cache.
    ///
    /// The same configuration, or a clone of it, is the same route wherever it is given. Two configurations of one name
    /// are two routes that share nothing: the second one's name gets a number (`odds-2`), with a line in the log. A
    /// `max_body_bytes` above what the handle is made for counts as that. [`try_layer`](Self::try_layer) refuses both.
    #[must_use]
    pub fn layer(&self, config: SwrConfig) -> SwrCacheLayer {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = routes.iter().find(|route| Arc::ptr_eq(&route.settings, &config.settings));
        let route = known.cloned().unwrap_or_else(|| {
            let name = free_name(&routes, config.name());
            let route = Arc::new(Route::new(&self.core, &config, &name));
            self.core.register(&route);
            routes.push(Arc::clone(&route));
            route
        });
        drop(routes);
        // After the lock: a subscriber is the caller's code.
        if route.name() != config.name() {
            let instead = route.name();
            tracing::warn!(route = config.name(), instead, "a route of this name has other settings");
        }
        SwrCacheLayer::of(self.clone(), route)
    }

    /// A layer for a route of this cache, with nothing adjusted.
    ///
    /// # Errors
    /// When another configuration has the same name, or its `max_body_bytes` is more than the handle is made for.
    pub fn try_layer(&self, config: SwrConfig) -> Result<SwrCacheLayer, ConfigError> {
        let same_name = |route: &Arc<Route>| {
            route.name() == config.name() && !Arc::ptr_eq(&route.settings, &config.settings)
        };
        if self.routes().iter().any(same_name) {
            return Err(ConfigError::new("name", config.name(), "a route of this name has other settings"));
        }
        if let Some(max_body) = config.settings.explicit_max_body.filter(|max| *max > self.core.max_body) {
            return Err(ConfigError::new("max_body_bytes", max_body, "is more than the handle is made for"));
        }
        Ok(self.layer(config))
    }

    /// What is stored for a request: the variant it selects, in the first route that has one. Nothing is served by this,
    /// and nothing counts as used.
    #[must_use]
    pub fn entry(&self, parts: &request::Parts) -> Option<EntryInfo> {
        let now = self.core.clock.now();
        let facts = RequestFacts::scan(&parts.headers);
        self.routes().iter().find_map(|route| {
            let mut parts = parts.clone();
            route.settings.negotiation.reduce(&mut parts.headers);
            let key = route.key(&parts, facts)?;
            let slot = self.core.store.peek(key.as_bytes())?;
            let entry = slot.select(&parts.headers)?;
            Some(EntryInfo::new(entry, key.to_string(), now))
        })
    }

    /// Carries out a purge.
    ///
    /// When it returns, nothing that was fetched before is served any more (or, for a soft purge, served as fresh), and
    /// no fetch under way will change that.
    pub fn purge(&self, purge: Purge) -> Purged {
        Purged { entries: self.core.purge(&purge) }
    }

    /// Carries out a purge that another instance was asked for, just as [`purge`](Self::purge) does; but
    /// [`on_purge`](CacheHandleBuilder::on_purge) is not told of it, so that it is not sent round again.
    ///
    /// ```
    /// use tower_swr_cache::{CacheHandle, Purge};
    ///
    /// // What stands here for a bus is a channel; with the feature `serde` a purge can be sent as JSON.
    /// let (bus, from_bus) = std::sync::mpsc::channel();
    /// let here = CacheHandle::builder().on_purge(move |purge: &Purge| drop(bus.send(purge.clone()))).build()?;
    /// let elsewhere = CacheHandle::builder().build()?;
    ///
    /// here.purge_tag("nba");
    /// for purge in from_bus.try_iter() {
    ///     elsewhere.apply_purge(&purge);
    /// }
    /// # Ok::<_, tower_swr_cache::ConfigError>(())
    /// ```
    pub fn apply_purge(&self, purge: &Purge) -> Purged {
        Purged { entries: self.core.apply_purge(purge) }
    }

    /// What a purge would do, and does not: it counts only, and is no barrier for anything.
    #[must_use]
    pub fn would_purge(&self, purge: &Purge) -> Purged {
        Purged { entries: self.core.store.count_covered(&purge.scope) }
    }

    /// Removes one key, with all its variants.
    pub fn purge_key(&self, key: Key) -> Purged {
        self.purge(Purge::key(key))
    }

    /// Removes one URL: every variant, in every route, whatever the key is made of. See [`Purge::url`].
    ///
    /// # Errors
    /// When it is no URL.
    pub fn purge_url(&self, url: &str) -> Result<Purged, ConfigError> {
        Purge::url(url).map(|purge| self.purge(purge))
    }

    /// Removes everything that has this tag.
    pub fn purge_tag(&self, tag: impl Into<String>) -> Purged {
        self.purge(Purge::tag(tag))
    }

    /// Removes everything that the route of this name stored.
    pub fn purge_route(&self, name: impl Into<String>) -> Purged {
        self.purge(Purge::route(name))
    }

    /// Removes everything.
    pub fn purge_all(&self) -> Purged {
        self.purge(Purge::all())
    }

    /// The breakers, by name.
    #[must_use]
    pub fn breakers(&self) -> Vec<BreakerInfo> {
        health::breakers(&self.core)
    }

    /// Forces a breaker open or closed, or lets it go by what it sees again. False if there is none of this name.
    pub fn set_breaker(&self, name: &str, mode: BreakerMode) -> bool {
        let Some(breaker) = self.core.breakers.get(name) else { return false };
        breaker.set_force(mode.force());
        telemetry::breaker_forced(&self.core.journal, name, mode);
        true
    }

    /// The last notable events, 64 at most, the newest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.core.journal.last()
    }

    /// What each route has counted.
    #[must_use]
    pub fn route_stats(&self) -> Vec<RouteStats> {
        let now = self.core.clock.now();
        self.routes().iter().map(|route| route.meter.stats(now)).collect()
    }

    /// How the cache is, for an application that has a `/health` of its own. With feature `serde` it is `Serialize`.
    #[must_use]
    pub fn health(&self) -> Health {
        health::health(&self.core)
    }

    /// How each route, the breakers and the store are. With feature `serde` it is `Serialize`.
    #[must_use]
    pub fn cache_health(&self) -> CacheHealth {
        health::cache_health(&self.core)
    }

    /// Says whether the application is about to stop: its readiness is over then, and nothing else changes.
    pub fn set_draining(&self, draining: bool) {
        self.core.draining.store(draining, Ordering::Relaxed);
    }

    /// Whether the application is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core.draining.load(Ordering::Relaxed)
    }

    /// Publishes the metrics that depend on the time, to whoever listens: before a scrape, so that it shows what is. Every
    /// five seconds it is done without being asked.
    pub fn publish_metrics(&self) {
        self.core.publish();
    }

    /// The state of the store.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        StoreStats::of(&self.core)
    }

    /// What its routes share, for the admin surface.
    #[cfg(feature = "admin")]
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    fn routes(&self) -> Vec<Arc<Route>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `name`, or the first of `name-2`, `name-3`, … that no route has.
fn free_name(routes: &[Arc<Route>], name: &str) -> String {
    let taken = |name: &str| routes.iter().any(|route| route.name() == name || *route.namespace == *name);
    if !taken(name) {
        return name.to_owned();
    }
    (2..).map(|n: u32| format!("{name}-{n}")).find(|name| !taken(name)).unwrap_or_default()
}

impl fmt::Debug for CacheHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheHandle").field("core", &self.core).finish_non_exhaustive()
    }
}

/// Sets up a cache. Every setter has a default, and says it.
#[must_use = "a cache does not exist until it is built"]
pub struct CacheHandleBuilder {
    name: String,
    capacity: u64,
    max_body: Option<u64>,
    fetches: usize,
    refreshes: usize,
    wall: Option<WallClock>,
    hooks: Hooks,
}

impl Default for CacheHandleBuilder {
    fn default() -> Self {
        Self {
            name: "cache".to_owned(),
            capacity: DEFAULT_CAPACITY,
            max_body: None,
            fetches: 1024,
            refreshes: 64,
            wall: None,
            hooks: Hooks::default(),
        }
    }
}

impl CacheHandleBuilder {
    /// The cache's name: its label in metrics. Defaults to `cache`; a lone layer's is its route's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The memory that stored responses may take, in bytes: bodies, headers, keys, tags, and the bodies on their way,
    /// which have an eighth of it, or a quarter at most where bodies are large. Defaults to 64 MiB.
    pub fn capacity_bytes(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// The largest body of any route, in bytes; a quarter of the capacity at most. Defaults to 4 MiB, or a quarter of the
    /// capacity if that is less.
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// How many fetches may be under way at once; over it a fetch waits for its turn until its time-out, and is answered
    /// with 503 then. Defaults to 1,024.
    pub fn max_concurrent_fetches(mut self, fetches: usize) -> Self {
        self.fetches = fetches;
        self
    }

    /// How many refreshes may be under way at once; over it stale responses stay as they are. Defaults to 64.
    pub fn max_concurrent_refreshes(mut self, refreshes: usize) -> Self {
        self.refreshes = refreshes;
        self
    }

    /// The wall clock, by which dates in responses are understood. Freshness itself runs on tokio's monotonic clock.
    /// Defaults to the system's.
    pub fn wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall = Some(Arc::new(clock));
        self
    }

    /// A function that is told of each notable event, after it is recorded. It runs where the event happened, so it should
    /// be quick; what it panics with ends nothing. Defaults to none; [`events`](CacheHandle::events) has the last ones
    /// without it.
    pub fn on_event(mut self, function: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hooks.on_event = Hook::new(function);
        self
    }

    /// A function that is told of each purge, after it is carried out: those that the handle or its admin surface is asked
    /// for, and those that responses to unsafe requests demand. It is for telling other instances, who
    /// [apply](CacheHandle::apply_purge) it, and is not told of what was applied here. What it panics with ends nothing.
    /// Defaults to none.
    pub fn on_purge(mut self, function: impl Fn(&Purge) + Send + Sync + 'static) -> Self {
        self.hooks.on_purge = Hook::new(function);
        self
    }

    /// Checks all of it, and makes the cache.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the field and its value: no capacity, a largest body of more than a quarter of it, no
    /// fetches.
    pub fn build(self) -> Result<CacheHandle, ConfigError> {
        const LEAST: u64 = 64 << 10;
        if self.capacity < LEAST {
            return Err(ConfigError::new("capacity_bytes", self.capacity, "must be at least 64 KiB"));
        }
        let quarter = self.capacity / 4;
        let max_body = self.max_body.unwrap_or(DEFAULT_MAX_BODY.min(quarter));
        if max_body == 0 || max_body > quarter {
            return Err(ConfigError::new(
                "max_body_bytes",
                max_body,
                "must be from 1 to a quarter of the capacity",
            ));
        }
        let most = tokio::sync::Semaphore::MAX_PERMITS;
        for (field, number) in
            [("max_concurrent_fetches", self.fetches), ("max_concurrent_refreshes", self.refreshes)]
        {
            if number == 0 || number > most {
                return Err(ConfigError::new(field, number, "is out of range"));
            }
        }
        let capacity = self.capacity;
        Ok(CacheHandle::of(self, capacity, max_body))
    }
}

impl fmt::Debug for CacheHandleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheHandleBuilder")
            .field("capacity", &self.capacity)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}
