//! What a handle counts beside its routes: purges, breakers, and the gauges of its store.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use metrics::{Counter, Histogram, SharedString};

use super::{
    names,
    series::{self, Pair, Series},
};
use crate::{
    breaker::{Breaker, BreakerInfo, BreakerState, Transition},
    config::Mode,
};

/// A handle's label, and what it says under it.
#[derive(Debug)]
pub(crate) struct CacheMeter {
    cache: SharedString,
    described: AtomicBool,
}

/// The state of a store, as it is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauges {
    pub(crate) entries: usize,
    pub(crate) stored_bytes: u64,
    pub(crate) capacity_bytes: u64,
    pub(crate) fetches: usize,
    pub(crate) inflight_bytes: u64,
    /// All that were ever evicted for want of room.
    pub(crate) evicted: u64,
}

impl CacheMeter {
    pub(crate) fn new(cache: &str) -> Self {
        Self { cache: Arc::<str>::from(cache).into(), described: AtomicBool::new(false) }
    }

    fn cache(&self) -> Pair {
        ("cache", self.cache.clone())
    }

    /// A purge was carried out.
    pub(crate) fn purged(&self, scope: &'static str, entries: usize, took: Duration) {
        let labels = || [self.cache(), ("scope", scope.into())];
        Series::<Counter>::default()
            .with(&names::PURGED, labels, |counter| counter.increment(entries as u64));
        Series::<Histogram>::default()
            .with(&names::PURGE_DURATION, labels, |histogram| histogram.record(took));
    }

    /// Publishes the state of the store.
    pub(crate) fn publish(&self, gauges: Gauges) {
        series::describe(&self.described);
        let Gauges { entries, stored_bytes, capacity_bytes, fetches, inflight_bytes, evicted } = gauges;
        for (metric, value) in [
            (&names::ENTRIES, entries as f64),
            (&names::STORED_BYTES, stored_bytes as f64),
            (&names::CAPACITY_BYTES, capacity_bytes as f64),
            (&names::INFLIGHT_FETCHES, fetches as f64),
            (&names::INFLIGHT_BYTES, inflight_bytes as f64),
        ] {
            series::set_gauge(metric, [self.cache()], value);
        }
        let labels = || [self.cache(), ("reason", "capacity".into())];
        Series::<Counter>::default().with(&names::EVICTIONS, labels, |counter| counter.absolute(evicted));
        series::set_gauge(&names::BUILD_INFO, [("version", env!("CARGO_PKG_VERSION").into())], 1.0);
    }
}

/// Publishes where a breaker stands.
pub(crate) fn publish_breaker(breaker: &BreakerInfo) {
    for state in BreakerState::ALL {
        let labels = [("breaker", breaker.name.clone().into()), ("state", state.as_str().into())];
        series::set_gauge(&names::BREAKER_STATE, labels, if breaker.state == state { 1.0 } else { 0.0 });
    }
}

/// Publishes a route's TTLs.
pub(crate) fn publish_ttl(route: &str, limit: &'static str, ttl: Duration) {
    let labels = [("route", route.to_owned().into()), ("limit", limit.into())];
    series::set_gauge(&names::TTL, labels, ttl.as_secs_f64());
}

/// Publishes what a route does with requests.
pub(crate) fn publish_mode(route: &str, mode: Mode) {
    for each in Mode::ALL {
        let labels = [("route", route.to_owned().into()), ("mode", each.as_str().into())];
        series::set_gauge(&names::ROUTE_MODE, labels, if each == mode { 1.0 } else { 0.0 });
    }
}

/// Publishes for how long a route's stored responses serve stale whatever their limits are.
pub(crate) fn publish_serve_stale(route: &str, left: Duration) {
    series::set_gauge(&names::SERVE_STALE, [("route", route.to_owned().into())], left.as_secs_f64());
}

/// A breaker changed its state.
pub(super) fn count_transition(breaker: &Breaker, transition: Transition) {
    let to = match transition {
        Transition::Opened => BreakerState::Open,
        Transition::HalfOpened => BreakerState::HalfOpen,
        Transition::Closed => BreakerState::Closed,
    };
    let labels = || [("breaker", breaker.name().to_owned().into()), ("to", to.as_str().into())];
    Series::<Counter>::default().with(&names::BREAKER_TRANSITIONS, labels, |counter| counter.increment(1));
}
