//! A route on which all that is usual has happened: for who counts its series, and for who measures their scrape.

use std::{convert::Infallible, future::pending, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{CacheHandle, Mode, SwrConfig};

type Body = Full<Bytes>;

/// What a request tells the upstream to do; no part of its key.
const DO: &str = "x-do";

/// Does what the request says: `hang`, a status, a `Cache-Control`, or what an upstream does.
async fn upstream(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let told = request.headers().get(DO).and_then(|told| told.to_str().ok()).unwrap_or_default();
    let is_known = request.headers().contains_key("if-none-match");
    let mut response = Response::new(Body::from("2.10"));
    response.headers_mut().insert("etag", HeaderValue::from_static("\"1\""));
    match told {
        "hang" => pending().await,
        "new" => *response.body_mut() = Body::from("2.15"),
        "" if is_known => *response.status_mut() = StatusCode::NOT_MODIFIED,
        "" => {}
        "sets a cookie" => _ = response.headers_mut().insert("set-cookie", HeaderValue::from_static("a=b")),
        told => match told.parse() {
            Ok(status) => *response.status_mut() = status,
            Err(_) => _ = response.headers_mut().insert("cache-control", told.parse().expect("a value")),
        },
    }
    Ok(response)
}

/// Uses a route of this name, with time paused: each outcome, each kind of call with what mostly comes of it, the usual
/// reasons not to store a response or to go past the cache, a breaker that opens, probes and closes, and the mode `observe`.
pub(crate) async fn use_route(cache: &CacheHandle, name: &str) {
    let secs = Duration::from_secs;
    let config = SwrConfig::builder(name).soft_ttl(secs(10)).hard_ttl(secs(30)).soft_jitter(0.0);
    let config = config.breaker(5, secs(30)).fetch_timeout(secs(1)).build().expect("a route");
    let service = cache.layer(config).layer(service_fn(upstream));
    let ask = async |method: Method, path: &str, told: &'static str| {
        let request = Request::builder().method(method).uri(path).header("host", "example.com");
        let request = request.header(DO, told).body(Body::default()).expect("a request");
        let response = service.clone().oneshot(request).await.expect("never fails");
        drop(response.into_body().collect().await);
        sleep(secs(2)).await; // whatever goes on behind it has its end
    };
    let get = async |path: &str, told| ask(Method::GET, path, told).await;

    for (path, told) in [
        ("/mine", "private"),
        ("/secret", "no-store"),
        ("/session", "sets a cookie"),
        ("/gone", "404"),
        ("/throttled", "429"),
        ("/down", "503"),
        ("/slow", "hang"),
    ] {
        get(path, told).await;
    }
    ask(Method::POST, "/form", "").await;
    ask(Method::POST, "/form", "503").await;
    ask(Method::HEAD, "/unknown", "").await;

    get("/", "").await; // a miss
    get("/", "").await; // a hit
    for told in ["", "new", "503", "hang"] {
        sleep(secs(10)).await;
        get("/", told).await; // stale, with a refresh behind it that ends in one of four ways
    }
    sleep(secs(10)).await;
    get("/", "503").await; // past its hard limit, as that failed
    sleep(secs(60)).await;
    get("/", "").await; // revalidated

    cache.set_mode(name, Mode::Observe);
    get("/", "new").await; // the same as what is stored
    get("/", "410").await; // and not
    cache.set_mode(name, Mode::On);

    for path in ["/a", "/b", "/c", "/d", "/e"] {
        get(path, "503").await;
    }
    get("/refused", "").await;
    sleep(secs(40)).await;
    get("/probe", "").await;
}
