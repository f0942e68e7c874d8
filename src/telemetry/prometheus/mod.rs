//! The bundled exporter for Prometheus.

mod service;
#[cfg(test)]
mod tests;

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{runtime::Handle, task::AbortHandle};

pub use service::MetricsService;
#[cfg(feature = "admin")]
pub(crate) use service::TEXT_FORMAT;

use super::HISTOGRAM_BOUNDS;
use crate::handle::CacheHandle;

/// How often values of histograms are collected, so that they do not pile up while nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What Prometheus scrapes: the metrics of all caches of the process, and whatever else it reports through the
/// [`metrics`](https://docs.rs/metrics) facade.
///
/// ```
/// use axum::Router;
/// use tower_swr_cache::{CacheHandle, Exporter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = CacheHandle::builder().build()?;
/// let exporter = Exporter::install()?; // once in a process
/// let app: Router = Router::new().route_service("/metrics", exporter.service(&cache));
/// # Ok(())
/// # }
/// ```
///
/// An application that has a recorder already keeps it. The buckets are worth setting there:
///
/// ```
/// use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
/// use tower_swr_cache::{Exporter, HISTOGRAM_BOUNDS};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut recorder = PrometheusBuilder::new().with_recommended_naming(true);
/// for (name, bounds) in HISTOGRAM_BOUNDS {
///     recorder = recorder.set_buckets_for_metric(Matcher::Full(name.to_string()), bounds)?;
/// }
/// let exporter = Exporter::with_handle(recorder.install_recorder()?);
/// # Ok(())
/// # }
/// ```
///
/// While it lives, a task collects the histograms' values every five seconds; it begins with the first call that is made
/// within a tokio runtime. A clone is the same exporter.
#[derive(Clone, Debug)]
pub struct Exporter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: PrometheusHandle,
    upkeep: Mutex<Option<AbortHandle>>,
}

impl Exporter {
    /// Makes a recorder whose histograms have the buckets of [`HISTOGRAM_BOUNDS`], and installs it for the whole process.
    ///
    /// # Errors
    /// When another recorder is installed already: then [`with_handle`](Self::with_handle) is for its handle.
    pub fn install() -> Result<Self, ExporterError> {
        let mut builder = PrometheusBuilder::new();
        for (name, bounds) in HISTOGRAM_BOUNDS {
            let matcher = Matcher::Full((*name).to_owned());
            builder = builder.set_buckets_for_metric(matcher, bounds).map_err(ExporterError::new)?;
        }
        builder.install_recorder().map(Self::with_handle).map_err(ExporterError::new)
    }

    /// The exporter of a recorder that the application has installed itself.
    #[must_use]
    pub fn with_handle(handle: PrometheusHandle) -> Self {
        let exporter = Self { inner: Arc::new(Inner { handle, upkeep: Mutex::default() }) };
        exporter.keep_up();
        exporter
    }

    /// All metrics as they are now, in Prometheus's text format 0.0.4. What depends on the time is published for `cache`
    /// first; for other caches of the process it is at most five seconds old.
    #[must_use]
    pub fn render(&self, cache: &CacheHandle) -> String {
        self.keep_up();
        cache.publish_metrics();
        self.inner.handle.render()
    }

    /// The page that Prometheus scrapes, as a service for any path: it answers GET and HEAD.
    #[must_use]
    pub fn service(&self, cache: &CacheHandle) -> MetricsService {
        MetricsService::new(self.clone(), cache.clone())
    }

    /// Sees to it that the task runs, wherever that can be done. A runtime that ended took its task along.
    fn keep_up(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut upkeep = self.inner.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        if upkeep.as_ref().is_none_or(AbortHandle::is_finished) {
            let handle = self.inner.handle.clone();
            let task = runtime.spawn(async move {
                loop {
                    tokio::time::sleep(UPKEEP_EVERY).await;
                    handle.run_upkeep();
                }
            });
            *upkeep = Some(task.abort_handle());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let upkeep = self.upkeep.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = upkeep.take() {
            task.abort();
        }
    }
}

/// The exporter's recorder could not be installed.
#[derive(Debug)]
pub struct ExporterError {
    source: metrics_exporter_prometheus::BuildError,
}

impl ExporterError {
    fn new(source: metrics_exporter_prometheus::BuildError) -> Self {
        Self { source }
    }
}

impl fmt::Display for ExporterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another metrics recorder is installed already; Exporter::with_handle takes its handle")
    }
}

impl Error for ExporterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
