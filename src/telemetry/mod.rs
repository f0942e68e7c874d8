//! What the cache says of itself: counters and gauges through the `metrics` facade, the same as plain values, and log
//! lines through `tracing`.

mod cache;
mod events;
mod failing;
mod latency;
mod meter;
mod names;
#[cfg(feature = "prometheus")]
mod prometheus;
mod runway;
mod series;
mod stats;

pub(crate) use cache::{CacheMeter, Gauges, publish_breaker, publish_ttl};
pub(crate) use events::{
    LogGates, breaker_transition, extension, fetch_panicked, fetch_span, refresh_failure, refresh_success,
};
pub(crate) use failing::Failing;
pub(crate) use meter::{CallKind, CallResult, Meter, RefreshResult, Source};
pub use names::HISTOGRAM_BOUNDS;
#[cfg(all(feature = "admin", feature = "prometheus"))]
pub(crate) use prometheus::TEXT_FORMAT;
#[cfg(feature = "prometheus")]
pub use prometheus::{Exporter, ExporterError, MetricsService};
pub(crate) use runway::Newest;
pub(crate) use series::is_heard;
pub use stats::{Quantiles, Ratios, RouteStats};
