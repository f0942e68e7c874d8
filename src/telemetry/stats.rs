//! What a cache has counted, as plain values.

use std::time::Duration;

use super::latency::Latency;
use crate::event::Outcome;

/// What a route has counted since it was made. The ratios are of the last five minutes.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteStats {
    /// The route's name.
    pub route: String,
    /// Answers from memory, fresh.
    pub hits: u64,
    /// Answers from memory, stale.
    pub stale_serves: u64,
    /// Answers from memory, because the fetch failed.
    pub stale_error_serves: u64,
    /// Answers that were fetched, for this request or for another on the same key.
    pub misses: u64,
    /// Answers from memory that the inner service confirmed first.
    pub revalidated: u64,
    /// Answers of the inner service that were not stored.
    pub uncacheable: u64,
    /// Answers that the cache made up, having nothing to give.
    pub rejected: u64,
    /// Requests that the cache had no part in.
    pub bypassed: u64,
    /// Those of the answers that were by another request's call.
    pub collapsed: u64,
    /// Stored responses that were let serve past their hard limit.
    pub extensions: u64,
    /// Refreshes that brought a response, or confirmed the stored one.
    pub refresh_successes: u64,
    /// Refreshes that failed.
    pub refresh_failures: u64,
    /// Refreshes that were not tried: the breaker is open, or too many are under way.
    pub refreshes_refused: u64,
    /// Answers of the inner service that were the same as what would have been served ([`Mode::Observe`](crate::Mode)).
    pub observed_same: u64,
    /// Those that were not.
    pub observed_different: u64,
    /// All calls of the inner service.
    pub upstream_calls: u64,
    /// Bytes of bodies from memory.
    pub cache_bytes: u64,
    /// Bytes of bodies from the inner service.
    pub upstream_bytes: u64,
    /// Ratios over the last five minutes.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub recent: Ratios,
    /// How long answers from memory took, to their heads.
    #[cfg_attr(feature = "serde", serde(rename = "from_cache_seconds"))]
    pub from_cache: Option<Quantiles>,
    /// How long answers by way of the inner service took, to their heads.
    #[cfg_attr(feature = "serde", serde(rename = "from_upstream_seconds"))]
    pub from_upstream: Option<Quantiles>,
    /// How long the inner service took to answer fills.
    #[cfg_attr(feature = "serde", serde(rename = "fill_seconds"))]
    pub fills: Option<Quantiles>,
    /// How long the inner service took to answer refreshes.
    #[cfg_attr(feature = "serde", serde(rename = "refresh_seconds"))]
    pub refreshes: Option<Quantiles>,
}

/// Which part of the requests was answered from memory, bypassed ones aside; `None` without requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Ratios {
    /// `(hit + stale + stale_error) ÷ (all − bypass)`.
    #[cfg_attr(feature = "serde", serde(rename = "hit_ratio_5m"))]
    pub hit: Option<f64>,
    /// `hit ÷ (all − bypass)`.
    #[cfg_attr(feature = "serde", serde(rename = "fresh_ratio_5m"))]
    pub fresh: Option<f64>,
}

impl RouteStats {
    /// All requests that were answered, or let through.
    #[cfg(feature = "admin")]
    pub(crate) fn requests(&self) -> u64 {
        let from_memory = self.hits + self.stale_serves + self.stale_error_serves;
        from_memory + self.revalidated + self.misses + self.uncacheable + self.rejected + self.bypassed
    }
}

impl Ratios {
    pub(crate) fn of(outcomes: &[u64; Outcome::ALL.len()]) -> Self {
        let of = |outcome: Outcome| outcomes.get(outcome as usize).copied().unwrap_or(0);
        let all = outcomes.iter().sum::<u64>() - of(Outcome::Bypass);
        let part = |some: u64| (all > 0).then(|| some as f64 / all as f64);
        let fresh = of(Outcome::Hit);
        Self { hit: part(fresh + of(Outcome::Stale) + of(Outcome::StaleError)), fresh: part(fresh) }
    }
}

/// Durations that a half, 95 and 99 of a hundred stay below, at most a quarter too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Quantiles {
    /// A half.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::seconds::serialize"))]
    pub p50: Duration,
    /// 95 of a hundred.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::seconds::serialize"))]
    pub p95: Duration,
    /// 99 of a hundred.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::seconds::serialize"))]
    pub p99: Duration,
}

impl Quantiles {
    pub(super) fn of(latency: &Latency) -> Option<Self> {
        latency.quantiles([0.5, 0.95, 0.99]).map(|[p50, p95, p99]| Self { p50, p95, p99 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_leave_bypassed_requests_aside() {
        let mut outcomes = [0; Outcome::ALL.len()];
        assert_eq!(Ratios::of(&outcomes), Ratios { hit: None, fresh: None });
        outcomes[Outcome::Bypass as usize] = 100;
        assert_eq!(Ratios::of(&outcomes), Ratios { hit: None, fresh: None });
        outcomes[Outcome::Hit as usize] = 5;
        outcomes[Outcome::Stale as usize] = 2;
        outcomes[Outcome::StaleError as usize] = 1;
        outcomes[Outcome::Miss as usize] = 2;
        assert_eq!(Ratios::of(&outcomes), Ratios { hit: Some(0.8), fresh: Some(0.5) });
    }
}
