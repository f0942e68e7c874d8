//! How a cache is: whether it does its work, and how each of its routes fares.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use crate::{
    breaker::{BreakerInfo, BreakerState},
    config::Mode,
    event::Outcome,
    shared::{Core, Route},
    telemetry::{self, Event, Ratios, RouteStats},
};

/// How a cache is, in a word and a few totals: [`CacheHandle::health`](crate::CacheHandle::health).
///
/// With feature `serde` it serializes to
/// `{"status": "ok", "tiered_cache": {"hits": 12, …, "hit_ratio_5m": 0.8, …}}`; an application that has a `/health` of its
/// own can put [`tiered_cache`](Self::tiered_cache) there.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Health {
    /// Whether it does its work.
    pub status: HealthStatus,
    /// What all routes have counted, and what is stored.
    pub tiered_cache: TieredCache,
}

/// Whether a cache does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HealthStatus {
    /// It does.
    Ok,
    /// It serves, but something behind it is wrong: a breaker is not closed, or what a route has stored could not be
    /// replaced for longer than its hard TTL.
    Degraded,
}

impl HealthStatus {
    /// The word for it: `ok`, `degraded`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
        }
    }
}

/// What all routes of a cache have counted since they were made, and what is stored.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TieredCache {
    /// Answers from memory, fresh.
    pub hits: u64,
    /// Answers that were fetched.
    pub misses: u64,
    /// Answers from memory, stale, for whatever reason.
    pub stale_serves: u64,
    /// Refreshes that brought a response, or confirmed the stored one.
    pub refresh_successes: u64,
    /// Refreshes that failed.
    pub refresh_failures: u64,
    /// Which part of the requests of the last five minutes was answered from memory; `None` without requests.
    pub hit_ratio_5m: Option<f64>,
    /// How many keys are stored.
    pub entries: usize,
    /// The bytes that they take, by estimate.
    pub bytes: u64,
    /// The bytes that they may take.
    pub capacity_bytes: u64,
    /// The breakers, by name.
    pub breakers: Vec<BreakerInfo>,
}

/// How each part of a cache is: [`CacheHandle::cache_health`](crate::CacheHandle::cache_health).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CacheHealth {
    /// Whether it does its work.
    pub status: HealthStatus,
    /// Whether the application is about to stop.
    pub draining: bool,
    /// Whether there is a recorder for the metrics.
    pub recorder_installed: bool,
    /// The routes, in the order in which they were made.
    pub routes: Vec<RouteHealth>,
    /// All breakers, by name.
    pub breakers: Vec<BreakerInfo>,
    /// The store.
    pub store: StoreStats,
    /// The last notable events, 64 at most, the newest first.
    pub events: Vec<Event>,
}

/// How a route is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteHealth {
    /// What it has counted.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub stats: RouteStats,
    /// What it does with requests.
    pub mode: Mode,
    /// Until when what it has stored serves stale whatever its limits are, if an operator said so.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::maybe"))]
    pub serve_stale_until: Option<SystemTime>,
    /// Its soft TTL, if it names one.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "soft_ttl_seconds", serialize_with = "crate::seconds::maybe")
    )]
    pub soft_ttl: Option<Duration>,
    /// Its hard TTL, if it names one.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "hard_ttl_seconds", serialize_with = "crate::seconds::maybe")
    )]
    pub hard_ttl: Option<Duration>,
    /// Its breaker; `None` if it has none, or one for each upstream.
    pub breaker: Option<BreakerInfo>,
    /// For how long what it has stored could not be replaced, once that is longer than the hard TTL: from the first failed
    /// fetch to the last, with none between them that went well.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "failing_seconds", serialize_with = "crate::seconds::maybe")
    )]
    pub failing: Option<Duration>,
    /// How long it could serve if its upstream were gone from now on: of the newest 64 responses that it stored, as far as
    /// they are still there, a half can be served for at least so long. `None` when nothing is stored.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "stale_runway_seconds", serialize_with = "crate::seconds::maybe")
    )]
    pub stale_runway: Option<Duration>,
}

/// The state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StoreStats {
    /// How many keys are stored.
    pub keys: usize,
    /// The bytes that all of it takes, by estimate.
    pub stored_bytes: u64,
    /// The bytes it may take; the handle's capacity, less what bodies may take on their way.
    pub capacity_bytes: u64,
    /// How many tags and paths the index holds.
    pub indexed: usize,
    /// How many fetches are under way.
    pub fetches: usize,
    /// How many of them others can join.
    pub flights: usize,
    /// The bytes that bodies take on their way into the store.
    pub inflight_bytes: u64,
}

impl StoreStats {
    pub(crate) fn of(core: &Core) -> Self {
        Self {
            keys: core.store.len(),
            stored_bytes: core.store.weight(),
            capacity_bytes: core.store.capacity(),
            indexed: core.store.indexed(),
            fetches: core.fetches_under_way(),
            flights: core.flights.len(),
            inflight_bytes: core.bodies.taken(),
        }
    }
}

pub(crate) fn health(core: &Core) -> Health {
    let now = core.clock.now();
    let routes = core.routes();
    let breakers = breakers(core);
    let stats: Vec<RouteStats> = routes.iter().map(|route| route.meter.stats(now)).collect();
    let total = |of: fn(&RouteStats) -> u64| stats.iter().map(of).sum();
    let mut recent = [0; Outcome::ALL.len()];
    for route in &routes {
        recent.iter_mut().zip(route.meter.recent(now)).for_each(|(sum, of)| *sum += of);
    }
    let failing = routes.iter().any(|route| route.failing.too_long().is_some());
    Health {
        status: status(failing, &breakers),
        tiered_cache: TieredCache {
            hits: total(|route| route.hits),
            misses: total(|route| route.misses),
            stale_serves: total(|route| route.stale_serves + route.stale_error_serves),
            refresh_successes: total(|route| route.refresh_successes),
            refresh_failures: total(|route| route.refresh_failures),
            hit_ratio_5m: Ratios::of(&recent).hit,
            entries: core.store.len(),
            bytes: core.store.weight(),
            capacity_bytes: core.store.capacity(),
            breakers,
        },
    }
}

pub(crate) fn cache_health(core: &Core) -> CacheHealth {
    let routes: Vec<RouteHealth> = core.routes().iter().map(|route| RouteHealth::of(route)).collect();
    let breakers = breakers(core);
    CacheHealth {
        status: status(routes.iter().any(|route| route.failing.is_some()), &breakers),
        draining: core.draining.load(Ordering::Relaxed),
        recorder_installed: telemetry::is_heard(),
        routes,
        breakers,
        store: StoreStats::of(core),
        events: core.journal.last(),
    }
}

impl RouteHealth {
    fn of(route: &Route) -> Self {
        let now = route.core.clock.now();
        let ttls = route.settings.rules.ttls();
        let ttl = |limit| ttls.iter().find(|(name, _)| *name == limit).map(|(_, ttl)| *ttl);
        Self {
            stats: route.meter.stats(now),
            mode: route.mode(),
            serve_stale_until: route.core.clock.wall_at(route.mark.serve_stale_until(), now),
            soft_ttl: ttl("soft"),
            hard_ttl: ttl("hard"),
            breaker: route.breaker_info(now),
            failing: route.failing.too_long(),
            stale_runway: route.newest.runway(now),
        }
    }
}

/// Where each breaker stands, by name.
pub(crate) fn breakers(core: &Core) -> Vec<BreakerInfo> {
    let now = core.clock.now();
    core.breakers.all().iter().map(|breaker| BreakerInfo::of(breaker, now)).collect()
}

fn status(failing: bool, breakers: &[BreakerInfo]) -> HealthStatus {
    if failing || breakers.iter().any(|breaker| breaker.state != BreakerState::Closed) {
        HealthStatus::Degraded
    } else {
        HealthStatus::Ok
    }
}
