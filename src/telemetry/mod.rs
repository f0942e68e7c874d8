//! What the cache says of itself: counters and gauges through the `metrics` facade, the same as plain values, log lines
//! through `tracing`, and the last events.

mod cache;
mod events;
mod failing;
mod gate;
mod journal;
mod latency;
mod meter;
mod names;
#[cfg(feature = "prometheus")]
mod prometheus;
mod runway;
mod series;
mod span;
mod stats;

pub(crate) use cache::{CacheMeter, Gauges, publish_breaker, publish_mode, publish_serve_stale, publish_ttl};
pub(crate) use events::{
    LogGates, breaker_forced, breaker_transition, evictions, extension, fetch_panicked, mode_changed, purged,
    refresh_failure, refresh_success, serve_stale_changed,
};
pub(crate) use failing::Failing;
pub use journal::Event;
pub(crate) use journal::Journal;
pub(crate) use meter::{CallKind, CallResult, Meter, RefreshResult, Source, Verdict};
pub use names::HISTOGRAM_BOUNDS;
#[cfg(all(feature = "admin", feature = "prometheus"))]
pub(crate) use prometheus::TEXT_FORMAT;
#[cfg(feature = "prometheus")]
pub use prometheus::{Exporter, ExporterError, MetricsService};
pub(crate) use runway::Newest;
pub(crate) use series::is_heard;
pub(crate) use span::in_fetch_span;
pub use stats::{Quantiles, Ratios, RouteStats};
