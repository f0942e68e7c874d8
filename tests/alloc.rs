//! What a hit allocates: two pieces of memory, the two halves of the response's header map, and nothing else. That a bypass
//! allocates nothing. And how many a miss does at most.
//!
//! The request is made outside the count. Inside are the call, the response's head, its body read to the end, and the
//! dropping of all of it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    convert::Infallible,
    future::{Ready, ready},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tower::{Layer, Service, ServiceExt};
use tower_swr_cache::{CacheHandle, SwrCache, SwrConfig, SwrConfigBuilder, key};

/// Counts by thread, so that neither the test harness nor another test is counted.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count_one() {
    // A thread that is ending has no counter any more, and nobody to read it.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is handed to the system's allocator as it is; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

type Cache = SwrCache<Origin>;
type OriginBody = UnsyncBoxBody<Bytes, Infallible>;

/// Answers with 8 headers and 1 KiB, in one frame of known length or in several, and with a 304 where it is asked to
/// confirm.
#[derive(Clone)]
struct Origin {
    vary: Option<&'static str>,
    frames: usize,
    confirms: bool,
}

impl Service<Request<Full<Bytes>>> for Origin {
    type Response = Response<OriginBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let mut response = if self.confirms && request.headers().contains_key("if-none-match") {
            let mut confirmed = Response::new(Full::default().boxed_unsync());
            *confirmed.status_mut() = http::StatusCode::NOT_MODIFIED;
            confirmed
        } else if self.frames == 1 {
            Response::new(Full::new(Bytes::from(vec![b'x'; 1024])).boxed_unsync())
        } else {
            let frame = Bytes::from(vec![b'x'; 1024 / self.frames]);
            let frames = (0..self.frames).map(move |_| Ok(Frame::data(frame.clone())));
            Response::new(StreamBody::new(stream::iter(frames.collect::<Vec<_>>())).boxed_unsync())
        };
        let headers = [
            ("content-type", "application/json"),
            ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("etag", "\"some-rather-long-entity-tag\""),
            ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("server", "an origin"),
            ("x-request-id", "0123456789abcdef0123456789abcdef"),
            ("x-frame-options", "DENY"),
            ("x-made-up-header", "made up"),
        ];
        for (name, value) in headers.into_iter().chain(self.vary.map(|vary| ("vary", vary))) {
            // As from the wire: names and values of this response's own.
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        ready(Ok(response))
    }
}

const PLAIN: Origin = Origin { vary: None, frames: 1, confirms: false };

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn cache(config: SwrConfigBuilder, origin: Origin) -> Cache {
    let wall = || std::time::SystemTime::UNIX_EPOCH + secs(1_700_000_000);
    let handle = CacheHandle::builder().wall_clock(wall).build().unwrap();
    handle.layer(config.build().unwrap()).layer(origin)
}

fn route() -> SwrConfigBuilder {
    SwrConfig::builder("route").soft_ttl(secs(20_000)).hard_ttl(secs(40_000))
}

fn soon_stale() -> SwrConfigBuilder {
    SwrConfig::builder("route").soft_ttl(secs(10)).hard_ttl(secs(100))
}

/// A browser's request.
fn request(language: &str) -> Request<Full<Bytes>> {
    Request::get("/odds/nba/2024-11-05?market=main&line=2.5")
        .header("host", "odds.example.com")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)")
        .header("accept", "application/json")
        .header("accept-language", language)
        .header("accept-encoding", "gzip, br")
        .header("x-forwarded-for", "10.0.0.1")
        .body(Full::default())
        .unwrap()
}

async fn fill(cache: &Cache, language: &str) {
    let response = cache.clone().oneshot(request(language)).await.unwrap();
    response.into_body().collect().await.unwrap();
}

/// Answers the request from memory, and gives back how many pieces of memory that took.
fn hit(cache: &mut Cache, language: &str, said: &str) -> usize {
    let request = request(language);
    let mut cx = Context::from_waker(Waker::noop());
    let before = ALLOCATIONS.get();
    let mut length = 0;
    let ok = {
        let call = pin!(cache.call(request));
        let Poll::Ready(Ok(response)) = call.poll(&mut cx) else { panic!("not at once") };
        let ok = response.headers()["cache-status"] == said;
        let mut body = pin!(response.into_body());
        while let Poll::Ready(Some(Ok(frame))) = Pin::as_mut(&mut body).poll_frame(&mut cx) {
            length += frame.into_data().map_or(0, |data| data.len());
        }
        ok
    };
    let allocations = ALLOCATIONS.get() - before;
    assert!(ok, "not {said}");
    assert_eq!(length, 1024);
    allocations
}

const HIT: &str = "tower-swr-cache; hit";
const STALE: &str = "tower-swr-cache; hit; detail=stale";

#[tokio::test(start_paused = true)]
async fn a_hit_makes_two_allocations_from_the_first_on_and_at_every_age() {
    for frames in [1, 4] {
        let mut cache = cache(route(), Origin { frames, ..PLAIN });
        fill(&cache, "en").await;
        for wait in [0, 0, 9, 90, 900, 9_000] {
            tokio::time::sleep(secs(wait)).await;
            assert_eq!(hit(&mut cache, "en", HIT), 2, "after {wait} s, {frames} frames");
        }
    }
}

/// How often a miss allocates beyond its inner service. A third is the stored head, and the answer's; the rest a key, what it
/// is aimed at, what the request said, a flight, a task, a reply, a body that is read and kept, and a place in the store. Two
/// are the first of their shard, unless by chance it is the first key's.
const MISS: usize = 26;

#[tokio::test(start_paused = true)]
async fn a_miss_allocates_no_more_than_it_did() {
    let mut cache = cache(route().key((key::Target, key::header("accept-language"))), PLAIN);
    fill(&cache, "en").await;
    let before = ALLOCATIONS.get();
    fill(&cache, "de").await;
    let cached = ALLOCATIONS.get() - before;
    let before = ALLOCATIONS.get();
    let response = PLAIN.oneshot(request("de")).await.unwrap();
    response.into_body().collect().await.unwrap();
    let bare = ALLOCATIONS.get() - before;
    assert!(cached - bare <= MISS, "{cached} with the cache, {bare} without");
    assert_eq!(hit(&mut cache, "de", HIT), 2);
}

/// Where the response's map has room for one more field.
#[tokio::test(start_paused = true)]
async fn a_bypass_allocates_nothing() {
    async fn call<S, B>(service: S) -> usize
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
        B: Body,
    {
        let mut request = request("en");
        request.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
        let before = ALLOCATIONS.get();
        let response = service.oneshot(request).await.unwrap();
        let mut body = pin!(response.into_body());
        while let Some(frame) = body.frame().await {
            assert!(frame.is_ok());
        }
        ALLOCATIONS.get() - before
    }
    let cache = cache(route(), PLAIN);
    // The first copy of what it says in `Cache-Status` makes that one to be shared.
    call(cache.clone()).await;
    assert_eq!(call(cache).await, call(PLAIN).await);
}

#[tokio::test(start_paused = true)]
async fn three_variants_a_key_of_three_parts_and_an_ear_for_what_requests_say_need_no_more() {
    let parts = (key::Target, key::header("accept"), key::header("accept-encoding"));
    let config = route().key(parts).client_directives();
    let mut cache = cache(config, Origin { vary: Some("accept-language, accept-encoding"), ..PLAIN });
    for language in ["en", "de", "fr"] {
        fill(&cache, language).await;
    }
    for language in ["en", "de", "fr"] {
        assert_eq!(hit(&mut cache, language, HIT), 2, "{language}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_needs_no_more_while_its_refresh_is_claimed() {
    let mut cache = cache(soon_stale(), PLAIN);
    fill(&cache, "en").await;
    tokio::time::sleep(secs(11)).await;
    // The first one starts the refresh, which has no turn before the others are answered.
    assert!(hit(&mut cache, "en", STALE) > 2);
    for _ in 0..3 {
        assert_eq!(hit(&mut cache, "en", STALE), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn nor_does_the_first_hit_after_a_refresh_or_a_304() {
    for confirms in [false, true] {
        let mut cache = cache(soon_stale(), Origin { confirms, ..PLAIN });
        fill(&cache, "en").await;
        tokio::time::sleep(secs(11)).await;
        hit(&mut cache, "en", STALE);
        tokio::time::sleep(secs(1)).await;
        assert_eq!(hit(&mut cache, "en", HIT), 2, "confirmed: {confirms}");
    }
}
