//! The application's own recorder and its `/metrics`, as it had them before: the cache's series join the others.

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tower_swr_cache::{CacheHandle, HISTOGRAM_BOUNDS};

/// Installs the recorder and makes the page. The one line for the cache is the one that publishes what depends on the time;
/// its buckets are there for those who want histograms instead of summaries.
pub(crate) fn router(cache: &CacheHandle) -> Result<Router, String> {
    let set = |builder: PrometheusBuilder, (name, bounds): &(&str, &[f64])| {
        builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)
    };
    let builder = HISTOGRAM_BOUNDS.iter().try_fold(PrometheusBuilder::new(), set);
    let recorder =
        builder.and_then(PrometheusBuilder::install_recorder).map_err(|error| error.to_string())?;
    metrics::describe_counter!("app_starts_total", "Starts of the application.");
    metrics::counter!("app_starts_total").increment(1);
    let cache = cache.clone();
    let page = move || {
        cache.publish_metrics();
        recorder.run_upkeep();
        std::future::ready(recorder.render())
    };
    Ok(Router::new().route("/metrics", get(page)))
}
