//! The text that Prometheus reads, held against the table of names.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::{
    Mode, SwrConfig,
    telemetry::names::{self, Kind, Metric},
};

fn recorder(recommended_naming: bool) -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new().with_recommended_naming(recommended_naming);
    for (name, bounds) in HISTOGRAM_BOUNDS {
        builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds).expect("bounds");
    }
    builder.build_recorder()
}

/// One request of a kind after the other, until every metric has a value.
async fn use_it(cache: &CacheHandle) {
    let config =
        SwrConfig::builder("odds").soft_ttl(Duration::from_secs(10)).hard_ttl(Duration::from_secs(30));
    let inner = service_fn(|request: Request<Full<Bytes>>| async move {
        let (status, control) = match request.uri().path() {
            "/down" => (StatusCode::SERVICE_UNAVAILABLE, "max-age=0"),
            "/private" => (StatusCode::OK, "private"),
            _ => (StatusCode::OK, "max-age=1"),
        };
        let mut response = Response::new(Full::new(Bytes::from_static(b"2.10")));
        *response.status_mut() = status;
        response.headers_mut().insert("cache-control", control.parse().expect("a value"));
        Ok::<_, Infallible>(response)
    });
    let service =
        cache.layer(config.breaker(1, Duration::from_secs(30)).build().expect("a route")).layer(inner);
    for (mode, method, path) in [
        (Mode::On, "GET", "/"),
        (Mode::On, "GET", "/"),
        (Mode::Observe, "GET", "/"),
        (Mode::On, "GET", "/private"),
        (Mode::On, "POST", "/"),
        (Mode::On, "GET", "/down"),
        (Mode::On, "GET", "/refused"),
    ] {
        cache.set_mode("odds", mode);
        let request = Request::builder().method(method).uri(path).header("host", "example.com");
        let request = request.body(Full::default()).expect("a request");
        let response = service.clone().oneshot(request).await.expect("an answer");
        drop(response.into_body().collect().await);
    }
    cache.set_breaker("odds", crate::BreakerMode::ForcedOpen);
    cache.purge_all();
}

/// Each metric's help, type and first sample, as lines.
fn assert_complete(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    for Metric { name, kind, help, .. } in names::ALL {
        let (kind, sample) = match kind {
            Kind::Counter => ("counter", format!("{name}{{")),
            Kind::Gauge => ("gauge", format!("{name}{{")),
            Kind::Histogram => ("histogram", format!("{name}_bucket{{")),
        };
        assert!(lines.contains(&&*format!("# HELP {name} {help}")), "{name} is not described\n{text}");
        assert!(lines.contains(&&*format!("# TYPE {name} {kind}")), "{name} is no {kind}\n{text}");
        assert!(lines.iter().any(|line| line.starts_with(&sample)), "{name} has no value\n{text}");
    }
    for (name, bounds) in HISTOGRAM_BOUNDS {
        for bound in *bounds {
            let (start, le) = (format!("{name}_bucket{{"), format!("le=\"{bound}\"}} "));
            assert!(
                lines.iter().any(|line| line.starts_with(&start) && line.contains(&le)),
                "{name} has no bucket {bound}\n{text}"
            );
        }
    }
    let ours = lines.iter().filter(|line| line.starts_with("# TYPE swr_cache_")).count();
    assert_eq!(ours, names::ALL.len(), "there is one that the table does not know\n{text}");
}

#[tokio::test(start_paused = true)]
async fn every_metric_has_its_name_kind_help_and_buckets() {
    let recorder = recorder(false);
    let exporter = Exporter::with_handle(recorder.handle());
    let _guard = metrics::set_default_local_recorder(&recorder);
    let cache = CacheHandle::builder().build().expect("a cache");
    use_it(&cache).await;
    assert_complete(&exporter.render(&cache));
}

#[tokio::test(start_paused = true)]
async fn recommended_naming_changes_no_name_so_every_unit_is_in_its_name_already() {
    let recorder = recorder(true);
    let exporter = Exporter::with_handle(recorder.handle());
    let cache = CacheHandle::builder().build().expect("a cache");
    use_it(&cache).await;
    let _guard = metrics::set_default_local_recorder(&recorder); // the layer came first
    cache.set_breaker("odds", crate::BreakerMode::Auto);
    let again = CacheHandle::builder().build().expect("a cache");
    use_it(&again).await;
    assert_complete(&exporter.render(&cache));
}

#[tokio::test(start_paused = true)]
async fn a_scrape_before_the_first_request_finds_the_counters_at_zero() {
    let recorder = recorder(false);
    let exporter = Exporter::with_handle(recorder.handle());
    let _guard = metrics::set_default_local_recorder(&recorder);
    let cache = CacheHandle::builder().build().expect("a cache");
    let text = exporter.render(&cache);
    assert!(text.contains("# HELP swr_cache_entries Keys in the store.\n"), "without any route\n{text}");
    let _layer = cache.layer(SwrConfig::builder("odds").build().expect("a route"));
    let text = exporter.render(&cache);
    for line in [
        "swr_cache_requests_total{route=\"odds\",outcome=\"hit\"} 0",
        "swr_cache_refreshes_total{route=\"odds\",result=\"failure\"} 0",
        "swr_cache_hit_ratio{route=\"odds\"} NaN",
        "swr_cache_entries{cache=\"cache\"} 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_upkeep_begins_within_a_runtime_and_ends_with_the_exporter() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let handle = recorder(false).handle();
    let outside = std::thread::spawn(move || Exporter::with_handle(handle)).join().expect("no panic");
    assert_eq!(alive(), 0);
    let cache = CacheHandle::builder().build().expect("a cache");
    for _ in 0..3 {
        drop(outside.render(&cache));
    }
    assert_eq!(alive(), 1);
    let clone = outside.clone();
    drop(outside);
    tokio::time::sleep(UPKEEP_EVERY * 3).await;
    assert_eq!(alive(), 1);
    drop(clone);
    tokio::task::yield_now().await;
    assert_eq!(alive(), 0);
}
