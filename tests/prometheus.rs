//! The exporter as the recorder of a whole process: a binary of its own, since there can be only one.
#![cfg(feature = "prometheus")]

use std::{convert::Infallible, error::Error, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{CacheHandle, Exporter, SwrConfig};

type Body = Full<Bytes>;

/// A route of this name, asked twice: a miss and a hit.
async fn ask_twice(cache: &CacheHandle, route: &SwrConfig) {
    let inner =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::from("2.10"))) });
    for _ in 0..2 {
        let request = Request::get("http://example.com/").body(Body::default()).unwrap();
        let response = cache.layer(route.clone()).layer(inner).oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
}

fn route(name: &str) -> SwrConfig {
    SwrConfig::builder(name).soft_ttl(Duration::from_secs(10)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_recorder_for_the_process_whoever_came_first() {
    let cache = CacheHandle::builder().build().unwrap();
    let (early, late) = (route("early"), route("late"));
    ask_twice(&cache, &early).await; // nobody hears of these two

    let exporter = Exporter::install().unwrap();
    ask_twice(&cache, &early).await;
    ask_twice(&cache, &late).await;

    let text = exporter.render(&cache);
    for line in [
        "swr_cache_requests_total{route=\"early\",outcome=\"hit\"} 2",
        "swr_cache_requests_total{route=\"early\",outcome=\"miss\"} 0",
        "swr_cache_requests_total{route=\"late\",outcome=\"hit\"} 1",
        "swr_cache_requests_total{route=\"late\",outcome=\"miss\"} 1",
        "swr_cache_hit_ratio{route=\"early\"} 0.75",
        "swr_cache_entries{cache=\"cache\"} 2",
        "# TYPE swr_cache_request_duration_seconds histogram",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }

    let error = Exporter::install().unwrap_err();
    assert!(error.to_string().contains("already") && error.to_string().contains("with_handle"), "{error}");
    assert!(error.source().is_some());

    for (method, status, whole) in [
        (Method::GET, StatusCode::OK, true),
        (Method::HEAD, StatusCode::OK, false),
        (Method::POST, StatusCode::METHOD_NOT_ALLOWED, false),
    ] {
        let request = Request::builder().method(&method).uri("/metrics").body(()).unwrap();
        let response = exporter.service(&cache).oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{method}");
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(header("allow").is_some(), status != StatusCode::OK, "{method}");
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(header("content-type").as_deref() == Some(kind), status == StatusCode::OK, "{method}");
        let length = header("content-length").map(|length| length.parse::<usize>().unwrap());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(!body.is_empty(), whole, "{method}");
        assert_eq!(length.is_some(), status == StatusCode::OK, "{method}");
        assert!(!whole || length == Some(body.len()), "{method}");
    }
}
