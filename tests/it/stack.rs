//! The layer among others: routers, servers, clients, and services that care for their readiness.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    marker::PhantomPinned,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Path, State},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt, buffer::BufferLayer, limit::ConcurrencyLimitLayer,
    load_shed::LoadShedLayer, load_shed::error::Overloaded, service_fn,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    decompression::DecompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::TraceLayer,
};
use tower_swr_cache::{CacheHandle, ResponseBody, ResponseFuture, SwrCache, SwrCacheLayer, SwrConfig};

use crate::support::{
    Gate, Start, rest, secs,
    wire::{ServedBody, exchange, serve_axum, serve_hyper},
};

fn config(name: &str) -> SwrConfig {
    SwrConfig::builder(name).soft_ttl(secs(10)).hard_ttl(secs(100)).soft_jitter(0.0).build().unwrap()
}

fn layer() -> SwrCacheLayer {
    SwrCacheLayer::new(config("route"))
}

/// What a client got: status, `Cache-Status` without the cache's name, headers, body.
#[derive(Debug)]
struct Got {
    status: StatusCode,
    said: String,
    headers: HeaderMap,
    text: String,
}

async fn collect<B>(response: Response<B>) -> Got
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let (head, body) = response.into_parts();
    let said = head.headers.get("cache-status").map_or("", |said| said.to_str().unwrap());
    let said = said.strip_prefix("tower-swr-cache; ").unwrap_or(said).to_owned();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Got { status: head.status, said, headers: head.headers, text }
}

/// Sends GET of a path through a clone of a service.
async fn ask<S, R, B>(service: &S, path: &str) -> Got
where
    S: Service<Request<R>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    R: Default,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    collect(service.clone().oneshot(Request::get(path).body(R::default()).unwrap()).await.unwrap()).await
}

type Calls = Arc<AtomicUsize>;

fn calls(calls: &Calls) -> usize {
    calls.load(Ordering::SeqCst)
}

/// A handler that reads all that axum gives it, and counts.
async fn odds(
    State(calls): State<Calls>,
    Path(path): Path<Vec<(String, String)>>,
    OriginalUri(uri): OriginalUri,
) -> String {
    let n = calls.fetch_add(1, Ordering::SeqCst) + 1;
    format!("{uri} {path:?} #{n}")
}

#[tokio::test(start_paused = true)]
async fn handlers_see_the_same_path_and_state_from_a_fill_and_from_a_refresh() {
    let seen = Calls::default();
    let per_route =
        Router::new().route("/odds/{sport}/{id}", get(odds).layer(layer())).with_state(seen.clone());
    let around = Router::new().route("/odds/{sport}/{id}", get(odds)).layer(layer()).with_state(seen.clone());
    let route_layer =
        Router::new().route("/odds/{sport}/{id}", get(odds)).route_layer(layer()).with_state(seen.clone());
    for router in [per_route, around, route_layer] {
        seen.store(0, Ordering::SeqCst);
        let start = Start::now();
        let expected =
            |path: &str, sport: &str, n| format!("{path} [(\"sport\", \"{sport}\"), (\"id\", \"7\")] #{n}");
        assert_eq!(
            ask::<_, Body, _>(&router, "/odds/nba/7?a=1").await.text,
            expected("/odds/nba/7?a=1", "nba", 1)
        );
        assert_eq!(ask::<_, Body, _>(&router, "/odds/nfl/7").await.text, expected("/odds/nfl/7", "nfl", 2));
        start.at(11.0).await;
        let stale = ask::<_, Body, _>(&router, "/odds/nba/7?a=1").await;
        assert_eq!(
            (stale.said.as_str(), stale.text),
            ("hit; detail=stale", expected("/odds/nba/7?a=1", "nba", 1))
        );
        rest().await;
        let hit = ask::<_, Body, _>(&router, "/odds/nba/7?a=1").await;
        assert_eq!((hit.said.as_str(), hit.text), ("hit", expected("/odds/nba/7?a=1", "nba", 3)));
    }
}

#[tokio::test(start_paused = true)]
async fn every_service_that_a_layer_or_its_clone_makes_shares_one_cache() {
    let layer = layer();
    let seen = Calls::default();
    let router = |layer: SwrCacheLayer| {
        Router::new()
            .route("/a/{x}", get(odds).layer(layer.clone()))
            .route("/b/{x}", get(odds).layer(layer))
            .with_state(seen.clone())
    };
    let routers =
        [router(layer.clone()), router(layer.clone()), router(layer.handle().layer(config("other")))];
    for (path, calls_after) in [("/a/1", 1), ("/b/1", 2), ("/a/1", 2), ("/b/1", 2)] {
        for router in &routers[..2] {
            ask::<_, Body, _>(router, path).await;
            assert_eq!(calls(&seen), calls_after, "{path}");
        }
    }
    assert_eq!(layer.handle().stats().keys, 2);
    // Another route of the same handle has its own.
    ask::<_, Body, _>(&routers[2], "/a/1").await;
    assert_eq!(calls(&seen), 3);
    assert_eq!(layer.handle().stats().keys, 3);

    // And the same configuration, given to the handle for each route.
    let handle = CacheHandle::builder().build().unwrap();
    let config = config("route");
    let one =
        handle.layer(config.clone()).layer(Router::new().route("/a/{x}", get(odds)).with_state(seen.clone()));
    let two = handle.layer(config).layer(Router::new().route("/a/{x}", get(odds)).with_state(seen.clone()));
    ask::<_, Body, _>(&one, "/a/1").await;
    assert_eq!(ask::<_, Body, _>(&two, "/a/1").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn nested_routers_share_nothing_between_tenants_and_prefixes() {
    let handle = CacheHandle::builder().build().unwrap();
    let seen = Calls::default();
    let shared = handle.layer(config("route"));
    let inner = || Router::new().route("/page/{id}", get(odds).layer(shared.clone()));
    let around = || Router::new().route("/page/{id}", get(odds)).layer(shared.clone());
    let app = Router::new()
        .nest("/t/{tenant}", inner())
        .nest("/a", inner())
        .nest("/b", inner())
        .nest("/around/{tenant}", around())
        .nest_service("/service/{tenant}", around().with_state(seen.clone()))
        .nest("/deep/{one}", Router::new().nest("/{two}", inner()))
        .with_state(seen.clone());
    let paths = [
        "/t/1/page/1",
        "/t/2/page/1",
        "/t/1/page/2",
        "/a/page/1",
        "/b/page/1",
        "/around/1/page/1",
        "/around/2/page/1",
        "/service/1/page/1",
        "/service/2/page/1",
        "/deep/1/2/page/1",
        "/deep/2/1/page/1",
        "/deep/1/1/page/1",
    ];
    let mut shared = 0;
    let start = Start::now();
    // Filled, hit, stale and refreshed.
    for second in [0.0, 1.0, 11.0, 12.0] {
        start.at(second).await;
        for path in paths {
            let got = ask::<_, Body, _>(&app, path).await;
            shared += usize::from(!got.text.starts_with(&format!("{path} ")));
            assert!(second == 0.0 || got.said.starts_with("hit"), "{path} at {second}: {}", got.said);
            rest().await;
        }
    }
    assert_eq!(shared, 0);
    assert_eq!(calls(&seen), 2 * paths.len());
}

/// Counts its calls and says which one it is; `/slow` waits for the gate, `/panic` panics.
fn inner(
    seen: &Calls,
    gate: &Gate,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ 'static {
    let (seen, gate) = (seen.clone(), gate.clone());
    service_fn(move |request: Request<Body>| {
        let (seen, gate) = (seen.clone(), gate.clone());
        async move {
            let n = seen.fetch_add(1, Ordering::SeqCst) + 1;
            let path = request.uri().path().to_owned();
            match &*path {
                "/slow" => gate.pass().await,
                "/panic" => panic!("as it was told"),
                _ => {}
            }
            let id = request.headers().contains_key("x-request-id");
            let text = format!("{path} #{n} {id} {}", "x".repeat(2000));
            let mut response = Response::new(Body::from(text));
            response.headers_mut().insert("etag", "\"a\"".parse().unwrap());
            Ok(response)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn it_works_in_a_stack_of_tower_https_layers() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let stack = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, secs(5)))
        .layer(CatchPanicLayer::new())
        .layer(layer())
        .layer(TraceLayer::new_for_http())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, secs(20)))
        .service(inner(&seen, &gate));
    let fill = ask::<_, Body, _>(&stack, "/").await;
    assert!(fill.text.starts_with("/ #1 true "), "the request's id reaches the inner service");
    let hit = ask::<_, Body, _>(&stack, "/").await;
    assert_eq!((hit.said.as_str(), &hit.text), ("hit", &fill.text));
    let id = |got: &Got| got.headers["x-request-id"].clone();
    assert_ne!(id(&fill), id(&hit), "each request has its own");

    // A panic is its request's, and caught outside.
    for _ in 0..2 {
        assert_eq!(ask::<_, Body, _>(&stack, "/panic").await.status, 500);
    }
    assert_eq!(calls(&seen), 3);

    // The client's time is up; the fetch goes on, and what it brings is kept.
    assert_eq!(ask::<_, Body, _>(&stack, "/slow").await.status, 408);
    gate.open();
    rest().await;
    assert_eq!(ask::<_, Body, _>(&stack, "/slow").await.said, "hit");
    assert_eq!(calls(&seen), 4);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_or_a_caught_panic_inside_is_a_failure_and_not_stored() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let stack = ServiceBuilder::new()
        .layer(layer())
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, secs(5)))
        .service(inner(&seen, &gate));
    for (path, status) in [("/panic", 500), ("/slow", 504)] {
        for _ in 0..2 {
            let got = ask::<_, Body, _>(&stack, path).await;
            assert_eq!((got.status.as_u16(), &*got.said), (status, "fwd=uri-miss; detail=failure"), "{path}");
        }
    }
    assert_eq!(calls(&seen), 4);
}

/// What clients that take gzip, and others, get through `service`: the text, and whether it came compressed.
async fn compressed_or_not<S, B>(service: &S, path: &str, gzip: bool) -> (String, bool)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError> + std::fmt::Debug>,
{
    if !gzip {
        let got = ask::<_, Body, _>(service, path).await;
        return (got.text, got.headers.contains_key("content-encoding"));
    }
    let compressed = Arc::new(AtomicUsize::new(0));
    let watching = compressed.clone();
    let watched = service.clone().map_response(move |response: Response<B>| {
        let encoded = response.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip");
        watching.store(encoded.into(), Ordering::SeqCst);
        response
    });
    let client = DecompressionLayer::new().no_br().no_deflate().no_zstd().layer(watched);
    let got = ask::<_, Body, _>(&client, path).await;
    (got.text, calls(&compressed) == 1)
}

#[tokio::test(start_paused = true)]
async fn compression_outside_serves_every_client_from_one_stored_response() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let cache = layer();
    let stack = CompressionLayer::new().layer(cache.layer(inner(&seen, &gate)));
    for gzip in [true, false, true, false] {
        let (text, compressed) = compressed_or_not(&stack, "/", gzip).await;
        assert!(text.starts_with("/ #1 ") && text.len() > 2000);
        assert_eq!(compressed, gzip);
    }
    assert_eq!((calls(&seen), cache.handle().stats().keys), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn compression_inside_is_stored_in_one_variant_for_each_encoding() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let cache = layer();
    let stack = cache.layer(CompressionLayer::new().layer(inner(&seen, &gate)));
    let start = Start::now();
    // Filled, hit, stale with a refresh of each behind it, hit.
    for (second, of_gzip, of_none) in [(0.0, 1, 2), (1.0, 1, 2), (11.0, 1, 2), (12.0, 3, 4)] {
        start.at(second).await;
        for (gzip, n) in [(true, of_gzip), (false, of_none)] {
            let (text, compressed) = compressed_or_not(&stack, "/", gzip).await;
            assert!(
                text.starts_with(&format!("/ #{n} ")) && text.len() > 2000,
                "{second} {gzip} {}",
                &text[..9]
            );
            assert_eq!(compressed, gzip, "{second}");
            rest().await;
        }
    }
    assert_eq!((calls(&seen), cache.handle().stats().keys), (4, 1));
}

#[tokio::test]
async fn a_304_under_compression_has_no_body_on_the_wire() {
    let app = Router::new()
        .fallback(|| async { ([("etag", "\"a\""), ("content-type", "text/plain")], "x".repeat(2000)) })
        .layer(layer())
        .layer(CompressionLayer::new());
    let address = serve_axum(app).await;
    let fill = exchange(address, "GET", "/", &[("accept-encoding", "gzip")]).await;
    assert_eq!((fill.said(), &*fill.all("content-encoding")), ("fwd=uri-miss; stored", &["gzip"][..]));
    for method in ["GET", "HEAD"] {
        let headers = [("accept-encoding", "gzip"), ("if-none-match", "\"a\"")];
        let unchanged = exchange(address, method, "/", &headers).await;
        assert_eq!((unchanged.status, unchanged.said(), unchanged.body.len()), (304, "hit", 0));
        assert!(unchanged.all("content-length").is_empty(), "{unchanged:?}");
    }
}

#[tokio::test]
async fn a_hyper_client_and_a_hyper_server_talk_through_a_cache_on_either_side() {
    let seen = Calls::default();
    let counting = {
        let seen = seen.clone();
        service_fn(move |request: Request<ServedBody>| {
            let n = seen.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(format!("{path} #{n} {}", body.len()))))
            }
        })
    };
    // Inbound: a cache in the server.
    let server = serve_hyper(layer().layer(counting.clone())).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<ServedBody>();
    let url = |address, path: &str| format!("http://{address}{path}");
    assert_eq!(ask(&client, &url(server, "/in")).await.said, "fwd=uri-miss; stored");
    for _ in 0..20 {
        let hit = ask(&client, &url(server, "/in")).await;
        assert_eq!((hit.said.as_str(), hit.text.as_str()), ("hit", "/in #1 0"));
        assert_eq!(hit.headers["content-length"], "8");
    }
    assert_eq!(calls(&seen), 1);

    // Outbound: a cache around the client.
    let origin = serve_hyper(counting).await;
    let cached = layer().layer(client);
    assert_eq!(ask(&cached, &url(origin, "/out")).await.said, "fwd=uri-miss; stored");
    for _ in 0..20 {
        let hit = ask(&cached, &url(origin, "/out")).await;
        assert_eq!((hit.said.as_str(), hit.text.as_str()), ("hit", "/out #2 0"));
    }
    assert_eq!(calls(&seen), 2);
    let body = Full::<Bytes>::from("posted").map_err(|never| match never {}).boxed_unsync();
    let post = Request::post(url(origin, "/out")).body(body).unwrap();
    let posted = collect(cached.clone().oneshot(post).await.unwrap()).await;
    assert_eq!((posted.said.as_str(), posted.text.as_str()), ("fwd=method; detail=method", "/out #3 6"));
    assert_eq!(ask(&cached, &url(origin, "/out")).await.text, "/out #4 0", "and the stored one is invalid");

    // Nobody there: the client's own error.
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let request = Request::get(url(dead, "/")).body(ServedBody::default()).unwrap();
    let error: hyper_util::client::legacy::Error = cached.oneshot(request).await.map(|_| ()).unwrap_err();
    assert!(error.is_connect());
}

/// What has been done to a [`Strict`] service and its clones.
#[derive(Debug, Default)]
struct Touched {
    clones: AtomicUsize,
    polls: AtomicUsize,
    calls: AtomicUsize,
    unready: AtomicUsize,
}

impl Touched {
    fn counts(&self) -> [usize; 4] {
        [&self.clones, &self.polls, &self.calls, &self.unready].map(|count| count.load(Ordering::SeqCst))
    }
}

/// Notes every touch, and every call of a clone that has not been ready. It becomes ready on its second poll only.
#[derive(Debug, Default)]
struct Strict {
    touched: Arc<Touched>,
    polled: usize,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        self.touched.clones.fetch_add(1, Ordering::SeqCst);
        Self { touched: self.touched.clone(), polled: 0 }
    }
}

impl Service<Request<Full<Bytes>>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.touched.polls.fetch_add(1, Ordering::SeqCst);
        self.polled += 1;
        if self.polled > 1 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let n = self.touched.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let ready = std::mem::take(&mut self.polled) > 1;
        self.touched.unready.fetch_add(usize::from(!ready), Ordering::SeqCst);
        let mut response = Response::new(Full::from(n.to_string()));
        if request.headers().contains_key("x-no-store") {
            response.headers_mut().insert("cache-control", "no-store".parse().unwrap());
        }
        std::future::ready(Ok(response))
    }
}

#[tokio::test(start_paused = true)]
async fn a_hit_touches_nothing_of_the_inner_service_and_nothing_calls_it_unready() {
    let strict = Strict::default();
    let touched = strict.touched.clone();
    let mut cache = layer().layer(strict);
    let request = |method: &str, path: &str| {
        Request::builder().method(method).uri(path).body(Full::<Bytes>::default()).unwrap()
    };
    let start = Start::now();
    // A fill, a bypass, an unstorable response, a refresh, a HEAD with nothing stored.
    collect(cache.call(request("GET", "/")).await.unwrap()).await;
    collect(cache.call(request("POST", "/other")).await.unwrap()).await;
    collect(cache.call(request("HEAD", "/none")).await.unwrap()).await;
    let mut unstorable = request("GET", "/unstorable");
    unstorable.headers_mut().insert("x-no-store", "1".parse().unwrap());
    collect(cache.call(unstorable).await.unwrap()).await;
    start.at(11.0).await;
    collect(cache.call(request("GET", "/")).await.unwrap()).await;
    rest().await;
    let before = touched.counts();
    let [_, polls, calls, unready] = before;
    assert_eq!((calls, polls, unready), (5, 10, 0), "each call on a clone that was readied for it");

    let poll_ready =
        task::spawn(()).enter(|cx, _| Service::<Request<Full<Bytes>>>::poll_ready(&mut cache, cx));
    assert!(poll_ready.is_ready(), "always");
    for _ in 0..100 {
        for method in ["GET", "HEAD"] {
            let got = collect(cache.call(request(method, "/")).await.unwrap()).await;
            assert_eq!(got.said, "hit");
        }
    }
    assert_eq!(touched.counts(), before);
}

#[tokio::test(start_paused = true)]
async fn a_mock_that_asserts_readiness_is_never_called_unready_and_holds_up_no_hit() {
    type Mock = tower_test::mock::Mock<Request<Full<Bytes>>, Response<Full<Bytes>>>;
    let (mock, mut handle) = tower_test::mock::pair::<Request<Full<Bytes>>, Response<Full<Bytes>>>();
    let cache: SwrCache<Mock> = layer().layer(mock);
    let request = |path: &str| Request::get(path).body(Full::<Bytes>::default()).unwrap();
    // Nothing is allowed: the cache is ready nevertheless, and the fetch waits.
    handle.allow(0);
    let mut ready = cache.clone();
    let poll_ready =
        task::spawn(()).enter(|cx, _| Service::<Request<Full<Bytes>>>::poll_ready(&mut ready, cx));
    assert!(poll_ready.is_ready());
    let mut fill = task::spawn(cache.clone().oneshot(request("/")));
    assert_pending!(fill.poll());
    rest().await;
    assert_pending!(fill.poll());
    assert_pending!(handle.poll_request());
    handle.allow(1);
    rest().await;
    let (sent, answer) = handle.next_request().await.unwrap();
    assert_eq!(sent.uri(), "/");
    answer.send_response(Response::new(Full::from("filled")));
    assert_eq!(collect(fill.await.unwrap()).await.text, "filled");
    // Not ready any more: hits do not care, a second miss waits.
    for _ in 0..100 {
        let mut hit = task::spawn(cache.clone().oneshot(request("/")));
        let response = assert_ready!(hit.poll()).unwrap();
        assert_eq!(collect(response).await.said, "hit");
    }
    let mut second = task::spawn(cache.clone().oneshot(request("/second")));
    assert_pending!(second.poll());
    rest().await;
    assert_pending!(handle.poll_request());
    assert_pending!(second.poll());
}

#[tokio::test(start_paused = true)]
async fn hits_take_no_permit_and_misses_take_turns_over_a_concurrency_limit() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let cache = layer().layer(ConcurrencyLimitLayer::new(1).layer(inner(&seen, &gate)));
    ask::<_, Body, _>(&cache, "/hot").await;
    // The only permit is taken, by a fetch and then by a bypassed request.
    for method in ["GET", "POST"] {
        let gone = Request::builder().method(method).uri("/slow").body(Body::empty()).unwrap();
        let slow = tokio::spawn(cache.clone().oneshot(gone));
        rest().await;
        let before = calls(&seen);
        let misses: Vec<_> = (0..5)
            .map(|n| {
                let (cache, method) = (cache.clone(), method.to_owned());
                tokio::spawn(async move { ask::<_, Body, _>(&cache, &format!("/{method}/{n}")).await })
            })
            .collect();
        rest().await;
        for _ in 0..100 {
            let mut hit =
                task::spawn(cache.clone().oneshot(Request::get("/hot").body(Body::empty()).unwrap()));
            let response = assert_ready!(hit.poll()).unwrap();
            // Its body is not read yet: that holds up nobody either.
            assert_eq!(response.headers()["cache-status"], "tower-swr-cache; hit");
        }
        assert_eq!(calls(&seen), before, "the others wait");
        gate.admit_one();
        slow.await.unwrap().unwrap();
        for miss in misses {
            assert_eq!(miss.await.unwrap().said, "fwd=uri-miss; stored");
        }
        assert_eq!(calls(&seen), before + 5);
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_buffer_hits_pass_while_it_is_full() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let cache =
        layer().layer(BufferLayer::new(1).layer(ConcurrencyLimitLayer::new(1).layer(inner(&seen, &gate))));
    ask::<_, Body, _>(&cache, "/hot").await;
    let slow = tokio::spawn(cache.clone().oneshot(Request::get("/slow").body(Body::empty()).unwrap()));
    rest().await;
    let misses: Vec<_> = (0..5)
        .map(|n| {
            let cache = cache.clone();
            tokio::spawn(async move { ask::<_, Body, _>(&cache, &format!("/{n}")).await })
        })
        .collect();
    rest().await;
    for _ in 0..100 {
        assert_eq!(ask::<_, Body, _>(&cache, "/hot").await.said, "hit");
    }
    assert_eq!(calls(&seen), 2);
    gate.open();
    slow.await.unwrap().unwrap();
    for miss in misses {
        assert_eq!(miss.await.unwrap().said, "fwd=uri-miss; stored");
    }
    // And the buffer's worker is still there.
    assert_eq!(ask::<_, Body, _>(&cache, "/last").await.said, "fwd=uri-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn what_is_shed_is_the_leaders_error_and_hits_are_never_shed() {
    let (seen, gate) = (Calls::default(), Gate::new());
    let cache = layer().layer(
        ServiceBuilder::new().layer(LoadShedLayer::new()).concurrency_limit(1).service(inner(&seen, &gate)),
    );
    let start = Start::now();
    ask::<_, Body, _>(&cache, "/hot").await;
    let slow = tokio::spawn(cache.clone().oneshot(Request::get("/slow").body(Body::empty()).unwrap()));
    rest().await;
    for _ in 0..100 {
        assert_eq!(ask::<_, Body, _>(&cache, "/hot").await.said, "hit");
    }
    let shed = cache.clone().oneshot(Request::get("/other").body(Body::empty()).unwrap()).await;
    assert!(shed.map(|_| ()).unwrap_err().is::<Overloaded>());
    // A refresh that is shed leaves what is stored.
    start.at(11.0).await;
    for _ in 0..3 {
        assert_eq!(ask::<_, Body, _>(&cache, "/hot").await.said, "hit; detail=stale");
        rest().await;
    }
    assert_eq!(calls(&seen), 2);
    gate.open();
    slow.await.unwrap().unwrap();
    assert_eq!(ask::<_, Body, _>(&cache, "/other").await.said, "fwd=uri-miss; stored");
}

/// An error that is neither `Clone` nor `Sync`, nor says anything.
#[derive(Debug, PartialEq)]
struct Odd(Cell<u8>);

/// A body that is not `Unpin`, and not `Sync`.
struct Pinned {
    left: Cell<u8>,
    _pinned: PhantomPinned,
}

impl http_body::Body for Pinned {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(match self.left.get() {
            0 => None,
            left => {
                self.left.set(left - 1);
                Some(Ok(Frame::data(Bytes::from(left.to_string()))))
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn errors_and_bodies_of_any_kind_pass() {
    // Bodies of requests that are strings, of responses that must not move, errors that nobody can share.
    let service = service_fn(|request: Request<String>| async move {
        tokio::time::sleep(secs(1)).await;
        match request.uri().path() {
            "/error" => Err(Odd(Cell::new(7))),
            _ => Ok(Response::new(Pinned { left: Cell::new(3), _pinned: PhantomPinned })),
        }
    });
    let cache = layer().layer(service);
    let request =
        |method: &str, path: &str| Request::builder().method(method).uri(path).body(String::new()).unwrap();
    for (method, path) in [("POST", "/"), ("GET", "/"), ("GET", "/")] {
        let response = cache.clone().oneshot(request(method, path)).await.unwrap();
        let body = Box::pin(response.into_body());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "321", "{method}");
    }
    // The leader of a failed fetch has the error, the one that takes the second turn has another, who waits has a 502.
    let readers: Vec<_> =
        (0..4).map(|_| tokio::spawn(cache.clone().oneshot(request("GET", "/error")))).collect();
    let mut errors = 0;
    for reader in readers {
        match reader.await.unwrap() {
            Err(error) => {
                assert_eq!(error, Odd(Cell::new(7)));
                errors += 1;
            }
            Ok(response) => assert_eq!(response.status(), 502),
        }
    }
    assert_eq!(errors, 2);
    assert!(cache.oneshot(request("POST", "/error")).await.is_err());
}

#[test]
fn services_futures_and_bodies_are_what_their_parts_allow() {
    fn clone_send<T: Clone + Send>(_: &T) {}
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn same_error<S, T>(_: &S, _: &T)
    where
        S: Service<Request<Full<Bytes>>>,
        T: Service<Request<Full<Bytes>>, Error = S::Error>,
    {
    }
    let strict = Strict::default();
    let cache = layer().layer(strict.clone());
    clone_send(&cache);
    same_error(&strict, &cache);
    send::<ResponseFuture<Strict, Full<Bytes>, Full<Bytes>>>();
    send::<ResponseBody<Full<Bytes>>>();
    sync::<ResponseBody<Full<Bytes>>>();
    send::<ResponseBody<Pinned>>();
    sync::<SwrCacheLayer>();
    sync::<CacheHandle>();
}

/// Wakes a thread that waits for a future without any runtime.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait_for<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn outside_a_runtime_hits_and_stale_answers_are_served_and_the_rest_passes() {
    let seen = Calls::default();
    let service = {
        let seen = seen.clone();
        service_fn(move |_: Request<Full<Bytes>>| {
            let n = seen.fetch_add(1, Ordering::SeqCst) + 1;
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(n.to_string()))))
        })
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let handle = CacheHandle::builder().build().unwrap();
    let fresh = handle.layer(config("fresh")).layer(service.clone());
    let stale = SwrConfig::builder("stale").soft_ttl(secs(0)).hard_ttl(secs(1000)).build().unwrap();
    let stale = handle.layer(stale).layer(service);
    runtime.block_on(async {
        ask(&fresh, "/").await;
        ask(&stale, "/").await;
    });
    assert_eq!(wait_for(ask(&fresh, "/")).said, "hit");
    for _ in 0..3 {
        // Nothing can be refreshed from here.
        assert_eq!(wait_for(ask(&stale, "/")).said, "hit; detail=stale");
        assert_eq!(calls(&seen), 2);
    }
    // The claim was given back: whoever comes next within a runtime refreshes.
    runtime.block_on(async {
        while ask(&stale, "/").await.text == "2" {
            tokio::task::yield_now().await;
        }
    });

    assert_eq!(wait_for(ask(&fresh, "/new")).said, "fwd=bypass; detail=no_runtime");
    let post = Request::post("/").body(Full::default()).unwrap();
    let posted = wait_for(async { collect(fresh.clone().oneshot(post).await.unwrap()).await });
    assert_eq!(posted.said, "fwd=method; detail=method");
    assert_eq!(
        wait_for(ask(&fresh, "/")).said,
        "fwd=bypass; detail=no_runtime",
        "what was stored is invalid"
    );

    // Called within a runtime, and waited for outside of it.
    let call = {
        let _within = runtime.enter();
        fresh.clone().call(Request::get("/elsewhere").body(Full::default()).unwrap())
    };
    let got = wait_for(async { collect(call.await.unwrap()).await });
    assert_eq!(got.said, "fwd=uri-miss; stored");
    assert_eq!(wait_for(ask(&fresh, "/elsewhere")).said, "hit");
}
