//! How long is a scrape of 1,000 routes on which everything has happened, and how long does it take?
#![allow(clippy::disallowed_methods)]

use std::{convert::Infallible, time::Duration, time::Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{BreakerMode, CacheHandle, Exporter, SwrConfig};

const ROUTES: usize = 1000;
const SCRAPES: usize = 21;
const SOFT: Duration = Duration::from_millis(1);

type Body = Full<Bytes>;

/// An upstream that does what the path says.
async fn upstream(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::from("2.10"));
    let (status, control) = match request.uri().path() {
        "/down" => (StatusCode::SERVICE_UNAVAILABLE, "max-age=0"),
        "/throttled" => (StatusCode::TOO_MANY_REQUESTS, "no-cache"),
        "/private" => (StatusCode::OK, "private"),
        "/silent" => (StatusCode::OK, "no-store"),
        _ if request.headers().contains_key("if-none-match") => (StatusCode::NOT_MODIFIED, "max-age=1"),
        _ => (StatusCode::OK, "max-age=1"),
    };
    *response.status_mut() = status;
    response.headers_mut().insert("cache-control", control.parse().expect("a value"));
    response.headers_mut().insert("etag", "\"1\"".parse().expect("a value"));
    Ok(response)
}

/// Every outcome, on one route.
async fn use_route(cache: &CacheHandle, n: usize) {
    let name = format!("a-route-with-a-name-{n}");
    let config = SwrConfig::builder(&name).soft_ttl(SOFT).hard_ttl(60 * SOFT).breaker(50, SOFT);
    let service = cache.layer(config.build().expect("a route")).layer(service_fn(upstream));
    let ask = |method: Method, path: &'static str| {
        let request = Request::builder().method(method).uri(path).header("host", "example.com");
        let service = service.clone();
        async move {
            let response = service.oneshot(request.body(Body::default()).expect("a request")).await;
            drop(response.expect("never fails").into_body().collect().await);
        }
    };
    for path in ["/", "/", "/private", "/silent", "/down", "/throttled"] {
        ask(Method::GET, path).await;
    }
    tokio::time::sleep(2 * SOFT).await;
    ask(Method::GET, "/").await;
    tokio::time::sleep(2 * SOFT).await;
    ask(Method::POST, "/other").await;
    cache.set_breaker(&name, BreakerMode::ForcedOpen);
    ask(Method::GET, "/refused").await;
    tokio::time::sleep(60 * SOFT).await;
    cache.set_breaker(&name, BreakerMode::Auto);
    ask(Method::GET, "/").await;
}

#[tokio::main]
async fn main() {
    let exporter = Exporter::install().expect("the first of this process");
    let cache = CacheHandle::builder().build().expect("a cache");
    let routes: Vec<_> = (0..ROUTES)
        .map(|n| {
            let cache = cache.clone();
            tokio::spawn(async move { use_route(&cache, n).await })
        })
        .collect();
    for route in routes {
        route.await.expect("no panic");
    }
    let mut times: Vec<Duration> = Vec::new();
    let mut text = String::new();
    for _ in 0..SCRAPES {
        let began = Instant::now();
        text = exporter.render(&cache);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let of_one = text.lines().filter(|line| line.contains("\"a-route-with-a-name-7\"")).count();
    println!("routes            {ROUTES}");
    println!("series of a route {of_one} (at most 130), breaker {} of them", 3 + 1);
    println!("a scrape          {:.1} MiB (at most 15)", text.len() as f64 / f64::from(1 << 20));
    println!("                  {} ms, median of {SCRAPES} (at most 250)", times[SCRAPES / 2].as_millis());
}
