//! A request, an origin, a cache between them, and the floor below it.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Pending, Ready, pending, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use futures_util::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::runtime::{self, Runtime};
use tower::{Layer, Service, ServiceExt};
use tower_swr_cache::{CacheHandle, CacheHandleBuilder, ResponseBody, SwrCache, SwrConfig, SwrConfigBuilder};

pub type Body = Full<Bytes>;
pub type Cache = SwrCache<Origin>;

pub const BODY: usize = 1024;
pub const PATH: &str = "/odds/nba/2024-11-05?market=main&line=2.5";

/// Answers at once, with 8 headers and the body it was given; or never, once it hangs.
#[derive(Clone)]
pub struct Origin(Arc<Answer>);

struct Answer {
    headers: HeaderMap,
    body: Bytes,
    hangs: AtomicBool,
}

impl Origin {
    pub fn new(body: usize) -> Self {
        Self::with(body, &[])
    }

    /// One with more headers.
    pub fn with(body: usize, more: &[(&str, &str)]) -> Self {
        Self::of(body, 8, more)
    }

    /// One with so many of the usual headers, and more.
    pub fn of(body: usize, usual_headers: usize, more: &[(&str, &str)]) -> Self {
        let usual = [
            ("content-type", "application/json"),
            ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("etag", "\"some-rather-long-entity-tag\""),
            ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("server", "an origin"),
            ("x-request-id", "0123456789abcdef0123456789abcdef"),
            ("x-frame-options", "DENY"),
            ("x-made-up-header", "made up"),
        ];
        let own = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        let headers = usual.iter().take(usual_headers).chain(more).map(own).collect();
        Self(Arc::new(Answer { headers, body: vec![b'x'; body].into(), hangs: AtomicBool::new(false) }))
    }

    pub fn hang(&self) {
        self.0.hangs.store(true, Ordering::Relaxed);
    }
}

impl Service<Request<Body>> for Origin {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future =
        Either<Ready<Result<Self::Response, Infallible>>, Pending<Result<Self::Response, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        if self.0.hangs.load(Ordering::Relaxed) {
            return Either::Right(pending());
        }
        let mut response = Response::new(Full::new(self.0.body.clone()));
        *response.headers_mut() = self.0.headers.clone();
        Either::Left(ready(Ok(response)))
    }
}

/// A route whose responses outlive every bench.
pub fn route() -> SwrConfigBuilder {
    SwrConfig::builder("route").soft_ttl(Duration::from_secs(20_000)).hard_ttl(Duration::from_secs(40_000))
}

/// Begins a handle whose wall clock stands at the origin's `Date`, so that its responses are new.
pub fn handle() -> CacheHandleBuilder {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    CacheHandle::builder().wall_clock(move || date)
}

/// A cache with a store of its own.
pub fn cache(config: SwrConfigBuilder, origin: Origin) -> Cache {
    handle().build().unwrap().layer(config.build().unwrap()).layer(origin)
}

/// A browser's request.
pub fn request(path: &str) -> Request<Body> {
    Request::get(path)
        .header("host", "odds.example.com")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)")
        .header("accept", "application/json")
        .header("accept-language", "en")
        .header("accept-encoding", "gzip, br")
        .header("x-forwarded-for", "10.0.0.1")
        .body(Full::default())
        .unwrap()
}

/// A browser's request for a path that nobody has asked for.
pub fn new_key() -> Request<Body> {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(0) });
    let n = NEXT.replace(NEXT.get() + 1);
    request(&format!("/odds/nba/{n}?market=main&line=2.5"))
}

pub fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks, reads the body to its end, and waits until it is stored.
pub async fn fill(cache: &Cache, request: Request<Body>) {
    let response = cache.clone().oneshot(request.clone()).await.unwrap();
    response.into_body().collect().await.unwrap();
    while !cache.clone().oneshot(request.clone()).await.unwrap().headers().contains_key("age") {
        tokio::task::yield_now().await;
    }
}

/// A cache that has a stale answer for [`PATH`], whose refresh is under way and does not end.
pub async fn stale(origin: Origin) -> Cache {
    let hours = Duration::from_secs(40_000);
    let soon =
        SwrConfig::builder("route").soft_ttl(Duration::from_millis(50)).hard_ttl(hours).fetch_timeout(hours);
    let mut cache = cache(soon, origin.clone());
    fill(&cache, request(PATH)).await;
    origin.hang();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // The first one starts the refresh.
    hit(&mut cache, request(PATH));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(said(&hit(&mut cache, request(PATH))), "tower-swr-cache; hit; detail=stale");
    cache
}

/// A call and its body, to the end.
pub async fn whole<S, B>(service: &S, request: Request<Body>)
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    B: http_body::Body,
{
    let Ok(response) = service.clone().oneshot(request).await else { panic!("an error") };
    let mut body = pin!(response.into_body());
    while let Some(frame) = body.frame().await {
        assert!(frame.is_ok());
    }
}

/// What is in memory, at once.
pub fn hit(cache: &mut Cache, request: Request<Body>) -> Response<ResponseBody<Body>> {
    match pin!(cache.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("not in memory"),
    }
}

pub fn said<B>(response: &Response<B>) -> &str {
    response.headers()["cache-status"].to_str().unwrap()
}

/// The least that a cache in memory has to do: find the key, give a copy of the headers, share the body, know the time.
pub struct Floor {
    entries: quick_cache::sync::Cache<Box<[u8]>, Arc<(HeaderMap, Bytes)>>,
}

impl Floor {
    /// One with room for so many entries.
    pub fn new(entries: usize) -> Self {
        Self { entries: quick_cache::sync::Cache::new(entries) }
    }

    /// Keeps what the cache has answered: the origin's headers, `Age` and `Cache-Status`.
    pub fn put(&self, key: &str, answer: &Response<ResponseBody<Body>>) {
        let entry = Arc::new((answer.headers().clone(), vec![b'x'; BODY].into()));
        self.entries.insert(key.as_bytes().into(), entry);
    }

    pub fn find(&self, key: &str) -> Arc<(HeaderMap, Bytes)> {
        self.entries.get(key.as_bytes()).unwrap()
    }

    pub fn get(&self, key: &str) -> (HeaderMap, Bytes, Instant) {
        let entry = self.find(key);
        (entry.0.clone(), entry.1.clone(), Instant::now())
    }
}
