//! The builder of a cache.

use std::{fmt, sync::Arc, time::SystemTime};

use super::CacheHandle;
use crate::{
    clock::WallClock, error::ConfigError, hook::Hook, shared::Hooks, store::Purge, telemetry::Event,
};

/// The capacity of a store that nobody named one for.
pub(super) const DEFAULT_CAPACITY: u64 = 64 << 20;
pub(super) const DEFAULT_MAX_BODY: u64 = 4 << 20;

/// Sets up a cache. Every setter has a default, and says it.
#[must_use = "a cache does not exist until it is built"]
pub struct CacheHandleBuilder {
    pub(super) name: String,
    capacity: u64,
    max_body: Option<u64>,
    pub(super) fetches: usize,
    pub(super) refreshes: usize,
    pub(super) wall: Option<WallClock>,
    pub(super) hooks: Hooks,
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
