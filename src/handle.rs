//! The handle of a cache: makes layers, purges, looks into the store.

mod builder;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use http::request;

pub use builder::CacheHandleBuilder;
use builder::{DEFAULT_CAPACITY, DEFAULT_MAX_BODY};

use crate::{
    breaker::{BreakerInfo, BreakerMode},
    clock::Clock,
    config::{Mode, SwrConfig},
    entry::EntryInfo,
    error::ConfigError,
    explain::RouteExplanation,
    health::{self, CacheHealth, Health, StoreStats},
    key::Key,
    policy::request::RequestFacts,
    service::SwrCacheLayer,
    shared::{Core, Route, Sizes},
    store::{Purge, Purged},
    telemetry::{self, Event, RouteStats},
};

/// A cache that any number of routes share. Clones are the same cache.
#[derive(Clone)]
pub struct CacheHandle {
    core: Arc<Core>,
    routes: Arc<Mutex<Vec<Arc<Route>>>>,
}

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

    /// What each route would do with a request now, had it come to that route, and what is stored for it. The request is
    /// as the layer sees it: most servers see a path, and the host in `Host`. Nothing is served or fetched by this, and
    /// nothing counts as used.
    #[must_use]
    pub fn explain(&self, parts: &request::Parts) -> Vec<RouteExplanation> {
        self.routes().iter().map(|route| RouteExplanation::of(route, parts)).collect()
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

    /// From now on the route of this name does this with requests; fetches under way go on. False if there is none.
    pub fn set_mode(&self, route: &str, mode: Mode) -> bool {
        let Some(route) = self.route(route) else { return false };
        if route.set_mode(mode) {
            telemetry::mode_changed(&route, mode);
        }
        true
    }

    /// For this long from now on, all that the route of this name has stored serves stale, past its hard TTL and its error
    /// limit too, for when its upstream is gone and old answers are better than none; zero ends it. Refreshes are tried as
    /// ever. What says `must-revalidate`, `proxy-revalidate`, `no-cache` or, where its own word counts, `s-maxage` is never
    /// served so. False if there is no such route.
    pub fn serve_stale_for(&self, route: &str, span: Duration) -> bool {
        let Some(route) = self.route(route) else { return false };
        route.mark.serve_stale(self.core.clock.now().after(span));
        telemetry::serve_stale_changed(&route, span);
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

    fn route(&self, name: &str) -> Option<Arc<Route>> {
        self.routes().into_iter().find(|route| route.name() == name)
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
