//! What can be read of a stored response from outside.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::Entry;
use crate::{
    clock::{self, Tick},
    sync::atomic::Ordering,
};

/// A stored response, as [`CacheHandle::entry`](crate::CacheHandle::entry) shows it: never its body, nor its headers.
///
/// Instants are wall-clock times, worked out from the moment the response was stored; the cache itself keeps to the
/// monotonic clock, so they stay what they are when the wall clock is set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryInfo {
    /// The route that stored it.
    pub route: String,
    /// The printable form of its key.
    pub key: String,
    /// Its status.
    pub status: StatusCode,
    /// When it was stored, or last confirmed by a 304.
    pub cached_at: SystemTime,
    /// Fresh until then.
    pub soft_expires_at: SystemTime,
    /// Served stale, with a refresh behind it, until then.
    pub hard_expires_at: SystemTime,
    /// Served after a failed fetch until then.
    pub error_expires_at: SystemTime,
    /// Whether a fetch to replace it failed, so that it serves past its hard limit.
    pub extended: bool,
    /// Its age now (RFC 9111 §4.2.3).
    pub age: Duration,
    /// The length of its body, in bytes.
    pub body_bytes: u64,
    /// The bytes it takes in the store, by estimate.
    pub weight: u64,
    /// How often it has answered since it was stored, or last confirmed.
    pub hits: u64,
    /// The tags it can be purged by.
    pub tags: Vec<String>,
}

impl EntryInfo {
    pub(crate) fn new(entry: &Entry, key: String, now: Tick) -> Self {
        let times = &entry.times;
        let at = |tick: Tick| clock::later(times.cached_wall, tick.since(times.cached_at));
        Self {
            route: entry.origin.route.name.to_string(),
            key,
            status: entry.status,
            cached_at: times.cached_wall,
            soft_expires_at: at(times.soft_at()),
            hard_expires_at: at(times.hard_at),
            error_expires_at: at(times.error_at),
            extended: entry.refresh.failed(),
            age: Duration::from_secs(entry.age(now)),
            body_bytes: entry.body_len(),
            weight: entry.weight(),
            hits: entry.hits.load(Ordering::Relaxed),
            tags: entry.origin.tags.iter().map(ToString::to_string).collect(),
        }
    }
}
