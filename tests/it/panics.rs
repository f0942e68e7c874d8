//! Panics in the callers' code, wherever it runs: each stays in its request or in its fetch, and all else goes on.

use std::{
    convert::Infallible,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Buf;
use futures_util::{FutureExt, future::join_all};
use http::{Method, Request, Response, header, request, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tower::{Layer, Service};
use tower_swr_cache::{CacheFailure, CacheHandle, EventKind, KeyDecision, KeyWriter, SwrCache};
use tracing::span;
use tracing_subscriber::layer;

use crate::support::{
    self, Gate, Origin, Reply, ReqBody, Start, origin_says, request, rest, route, said, secs, subscribe, wall,
};

/// Where the callers' code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Extractor,
    BreakerChoice,
    Classifier,
    WallClock,
    Metrics,
    LogLine,
    SpanNew,
    SpanEnter,
    SpanExit,
    EventHook,
    ServiceClone,
    ServiceReady,
    ServiceCall,
    ServiceDrop,
    FuturePoll,
    FutureDrop,
    BodyFrame,
    BodySizeHint,
    BodyIsEnd,
    BodyDrop,
    BufChunk,
    BufAdvance,
}

use Place::*;

/// Panics in the place where it is set, on every thread that comes there; not where a panic is under way.
#[derive(Clone, Debug, Default)]
struct Trap(Arc<Mutex<Option<Place>>>);

impl Trap {
    fn set(&self, place: impl Into<Option<Place>>) {
        *self.0.lock().unwrap() = place.into();
    }

    fn pass(&self, place: Place) {
        let caught = *self.0.lock().unwrap() == Some(place);
        assert!(!caught || std::thread::panicking(), "{place:?}, as it was told");
    }
}

/// An inner service all of which may panic. It answers when its gate is open.
struct Trapped {
    trap: Trap,
    gate: Gate,
    calls: Arc<AtomicUsize>,
}

impl Clone for Trapped {
    fn clone(&self) -> Self {
        self.trap.pass(ServiceClone);
        Self { trap: self.trap.clone(), gate: self.gate.clone(), calls: Arc::clone(&self.calls) }
    }
}

impl Drop for Trapped {
    fn drop(&mut self) {
        self.trap.pass(ServiceDrop);
    }
}

impl Service<Request<ReqBody>> for Trapped {
    type Response = Response<TrapBody>;
    type Error = Infallible;
    type Future = TrapFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.trap.pass(ServiceReady);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<ReqBody>) -> TrapFuture {
        self.trap.pass(ServiceCall);
        self.calls.fetch_add(1, Ordering::SeqCst);
        let gate = self.gate.clone();
        TrapFuture { trap: self.trap.clone(), passes: async move { gate.pass().await }.boxed() }
    }
}

struct TrapFuture {
    trap: Trap,
    passes: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Future for TrapFuture {
    type Output = Result<Response<TrapBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.trap.pass(FuturePoll);
        self.passes.as_mut().poll(cx).map(|()| {
            let body = TrapBody { trap: self.trap.clone(), given: false };
            Ok(Response::builder().header(header::ETAG, "\"a\"").body(body).unwrap())
        })
    }
}

impl Drop for TrapFuture {
    fn drop(&mut self) {
        self.trap.pass(FutureDrop);
    }
}

struct TrapBody {
    trap: Trap,
    given: bool,
}

impl Body for TrapBody {
    type Data = TrapBuf;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrapBuf>, Infallible>>> {
        self.trap.pass(BodyFrame);
        let first = !std::mem::replace(&mut self.given, true);
        Poll::Ready(first.then(|| Ok(Frame::data(TrapBuf { trap: self.trap.clone(), left: b"body" }))))
    }

    fn is_end_stream(&self) -> bool {
        self.trap.pass(BodyIsEnd);
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.trap.pass(BodySizeHint);
        SizeHint::new()
    }
}

impl Drop for TrapBody {
    fn drop(&mut self) {
        self.trap.pass(BodyDrop);
    }
}

struct TrapBuf {
    trap: Trap,
    left: &'static [u8],
}

impl Buf for TrapBuf {
    fn remaining(&self) -> usize {
        self.left.len()
    }

    fn chunk(&self) -> &[u8] {
        self.trap.pass(BufChunk);
        self.left
    }

    fn advance(&mut self, count: usize) {
        self.trap.pass(BufAdvance);
        self.left = &self.left[count..];
    }
}

/// A recorder whose counters may panic.
struct TrapRecorder(Trap);

impl Recorder for TrapRecorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(TrapCounter(self.0.clone())))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

struct TrapCounter(Trap);

impl CounterFn for TrapCounter {
    fn increment(&self, _: u64) {
        self.0.pass(Metrics);
    }

    fn absolute(&self, _: u64) {}
}

/// A subscriber that may panic at a log line, and where a span begins, is entered or left.
struct TrapLayer(Trap);

impl<S: tracing::Subscriber> layer::Layer<S> for TrapLayer {
    fn on_event(&self, _: &tracing::Event<'_>, _: layer::Context<'_, S>) {
        self.0.pass(LogLine);
    }

    fn on_new_span(&self, _: &span::Attributes<'_>, _: &span::Id, _: layer::Context<'_, S>) {
        self.0.pass(SpanNew);
    }

    fn on_enter(&self, _: &span::Id, _: layer::Context<'_, S>) {
        self.0.pass(SpanEnter);
    }

    fn on_exit(&self, _: &span::Id, _: layer::Context<'_, S>) {
        self.0.pass(SpanExit);
    }
}

type Listening = (metrics::LocalRecorderGuard<'static>, tracing::subscriber::DefaultGuard);

/// Those who are told of what happens on this thread, for as long as the guards live.
fn listen(trap: &Trap) -> Listening {
    let recorder: &'static TrapRecorder = Box::leak(Box::new(TrapRecorder(trap.clone())));
    (metrics::set_default_local_recorder(recorder), subscribe(TrapLayer(trap.clone())))
}

/// What a client saw.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Panic,
    /// A response that the cache made up, and why.
    Made(&'static str),
    /// A body that did not come to its end.
    Broken,
    /// A whole body, and what the cache said.
    Whole(String),
}

struct Cache {
    trap: Trap,
    gate: Gate,
    calls: Arc<AtomicUsize>,
    handle: CacheHandle,
    service: SwrCache<Trapped>,
    _listening: Listening,
}

impl Cache {
    /// A route with room for one fetch and one refresh at a time, and a breaker that opens after so many failures.
    fn new(failures: u32) -> Self {
        let (trap, gate, calls) = (Trap::default(), Gate::new(), Arc::default());
        let at = |place| {
            let trap = trap.clone();
            move || trap.pass(place)
        };
        let (extractor, choice, classifier, clock) =
            (at(Extractor), at(BreakerChoice), at(Classifier), at(WallClock));
        let config = route(10, 100)
            .key(move |parts: &request::Parts, key: &mut KeyWriter| {
                extractor();
                key.push(parts.uri.path());
                KeyDecision::Cache
            })
            .breaker(failures, secs(30))
            .breaker_by(move |_| {
                choice();
                "upstream".to_owned()
            })
            .failure_classifier(move |_: &response::Parts| {
                classifier();
                false
            });
        let handle = CacheHandle::builder().max_concurrent_fetches(1).max_concurrent_refreshes(1);
        let handle = handle.wall_clock(move || {
            clock();
            wall()
        });
        let handle = handle.build().unwrap();
        let inner = Trapped { trap: trap.clone(), gate: gate.clone(), calls: Arc::clone(&calls) };
        let service = handle.layer(config.build().unwrap()).layer(inner);
        let listening = listen(&trap);
        Self { trap, gate, calls, handle, service, _listening: listening }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// So many requests at once.
    async fn send(&mut self, n: usize, method: Method, path: &str) -> Vec<Seen> {
        let requests = (0..n).map(|_| request(path).method(method.clone()).body(ReqBody::default()).unwrap());
        let calls: Vec<_> = requests
            .map(|request| {
                let call = catch_unwind(AssertUnwindSafe(|| self.service.call(request)));
                tokio::spawn(async move { see(call.ok()?.await.unwrap()).await })
            })
            .collect();
        rest().await;
        self.gate.admit_one();
        rest().await;
        self.gate.admit_one();
        let seen = join_all(calls).await.into_iter();
        seen.map(|seen| seen.ok().flatten().unwrap_or(Seen::Panic)).collect()
    }

    async fn get(&mut self, path: &str) -> Seen {
        self.send(1, Method::GET, path).await.remove(0)
    }

    /// Nothing is under way, and neither this key nor another one is held up.
    async fn assert_free(&mut self, title: &str) {
        self.trap.set(None);
        rest().await;
        let stats = self.handle.stats();
        assert_eq!((stats.flights, stats.inflight_bytes), (0, 0), "{title}");
        for path in ["/other", "/"] {
            // A refresh that failed pauses for a second; and the one which is woken here is to succeed.
            tokio::time::sleep(secs(2)).await;
            let first = self.get(path).await;
            assert!(matches!(first, Seen::Whole(_)), "{title}, {path}: {first:?}");
            rest().await;
            assert_eq!(self.get(path).await, Seen::Whole("hit".to_owned()), "{title}, {path}");
        }
    }
}

async fn see<B: Body<Data: Send>>(response: Response<B>) -> Option<Seen> {
    let (head, body) = response.into_parts();
    Some(match (head.extensions.get::<CacheFailure>(), body.collect().await) {
        (Some(failure), _) => Seen::Made(failure.reason().as_str()),
        (None, Err(_)) => Seen::Broken,
        (None, Ok(body)) => {
            assert_eq!(body.to_bytes(), "body");
            Seen::Whole(said(&head.headers))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn cold_readers_have_their_answers_whatever_panics() {
    /// Who asked has the panic, and one who waited leads once more; the others are told. And so many calls.
    fn leaders(calls: usize) -> (usize, usize, usize, usize) {
        (2, 2, 0, calls)
    }
    const EACH: (usize, usize, usize, usize) = (4, 0, 0, 0);
    /// The head was there already, but for those who have not looked yet it is a failure.
    const BODY: (usize, usize, usize, usize) = (0, 2, 2, 2);
    const NOBODY: (usize, usize, usize, usize) = (0, 0, 0, 1);
    let cases = [
        (Extractor, EACH),
        (ServiceClone, EACH),
        (BreakerChoice, leaders(0)),
        (ServiceReady, leaders(0)),
        (ServiceCall, leaders(0)),
        (FuturePoll, leaders(2)),
        (FutureDrop, leaders(2)),
        (WallClock, leaders(2)),
        (Classifier, leaders(2)),
        (BodySizeHint, leaders(2)),
        // The others as well, after they have been told.
        (ServiceDrop, (4, 0, 0, 2)),
        // Each of them, over what it was answered; the fetch is nobody's, and goes on.
        (Metrics, (4, 0, 0, 1)),
        (BodyFrame, BODY),
        (BufChunk, BODY),
        (BufAdvance, BODY),
        (BodyDrop, BODY),
        (BodyIsEnd, BODY),
        (LogLine, NOBODY),
        (SpanNew, NOBODY),
        (SpanEnter, NOBODY),
        (SpanExit, NOBODY),
    ];
    for (place, expected) in cases {
        let mut cache = Cache::new(1000);
        cache.trap.set(place);
        let seen = cache.send(4, Method::GET, "/").await;
        let count = |what: fn(&Seen) -> bool| seen.iter().filter(|seen| what(seen)).count();
        let panics = count(|seen| *seen == Seen::Panic);
        let made = count(|seen| *seen == Seen::Made("panic"));
        let broken = count(|seen| *seen == Seen::Broken);
        assert_eq!((panics, made, broken, cache.calls()), expected, "{place:?}: {seen:?}");
        cache.assert_free(&format!("{place:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn readers_of_what_is_stored_have_it_whatever_panics_behind_it() {
    let everywhere = [
        BreakerChoice,
        Classifier,
        WallClock,
        LogLine,
        SpanNew,
        SpanEnter,
        SpanExit,
        ServiceClone,
        ServiceReady,
        ServiceCall,
        FuturePoll,
        FutureDrop,
        ServiceDrop,
        BodySizeHint,
        BodyIsEnd,
        BodyFrame,
        BufChunk,
        BufAdvance,
        BodyDrop,
    ];
    for place in everywhere {
        let mut cache = Cache::new(1000);
        let start = Start::now();
        cache.get("/").await;
        cache.trap.set(place);
        start.at(5.0).await;
        for seen in cache.send(3, Method::GET, "/").await {
            assert_eq!(seen, Seen::Whole("hit".to_owned()), "{place:?}");
        }
        assert_eq!(cache.calls(), 1, "{place:?}");
        start.at(11.0).await;
        for seen in cache.send(3, Method::GET, "/").await {
            assert_eq!(seen, Seen::Whole("hit; detail=stale".to_owned()), "{place:?}");
        }
        rest().await;
        // A refresh that failed is not tried by every reader.
        let calls = cache.calls();
        assert!(matches!(cache.get("/").await, Seen::Whole(_)), "{place:?}");
        assert_eq!(cache.calls(), calls, "{place:?}");
        cache.assert_free(&format!("{place:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_past_the_cache_panics_alone() {
    for place in [
        Extractor,
        Metrics,
        ServiceClone,
        ServiceReady,
        ServiceCall,
        FuturePoll,
        FutureDrop,
        ServiceDrop,
        BodyFrame,
        BufChunk,
        BodyDrop,
    ] {
        for method in [Method::POST, Method::HEAD] {
            let title = format!("{place:?}, {method}");
            let mut cache = Cache::new(1000);
            cache.trap.set(place);
            let seen = cache.send(1, method.clone(), "/").await;
            assert_eq!(seen, [Seen::Panic], "{title}");
            cache.assert_free(&title).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_and_panics_then_is_a_failed_one() {
    let mut cache = Cache::new(1000);
    // Nobody passes.
    cache.gate = Gate::new();
    cache.trap.set(FutureDrop);
    let seen = cache.send(4, Method::GET, "/").await;
    let panics = seen.iter().filter(|seen| **seen == Seen::Panic).count();
    assert_eq!((panics, cache.calls()), (2, 2), "{seen:?}");
    let stats = cache.handle.stats();
    assert_eq!((stats.flights, stats.inflight_bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_whose_probe_panics_where_it_is_told_of_tries_again() {
    for place in [LogLine, Metrics] {
        let mut cache = Cache::new(1);
        let start = Start::now();
        cache.trap.set(FuturePoll);
        assert_eq!(cache.get("/").await, Seen::Panic);
        assert_eq!(cache.get("/").await, Seen::Made("breaker_open"));
        start.at(40.0).await;
        cache.trap.set(place);
        assert_eq!(cache.get("/").await, Seen::Panic, "{place:?}");
        cache.assert_free(&format!("{place:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_unsafe_request_invalidates_is_gone_whatever_panics_behind_its_answer() {
    for (place, control) in [
        (Metrics, "max-age=60"),
        (Metrics, "no-store"),
        (WallClock, "max-age=60"),
        (Classifier, "max-age=60"),
    ] {
        for kept in [true, false] {
            let title = format!("{place:?}, {control}, {kept}");
            let trap = Trap::default();
            let _listening = listen(&trap);
            let at = |place| {
                let trap = trap.clone();
                move || trap.pass(place)
            };
            let (classifier, clock) = (at(Classifier), at(WallClock));
            let handle = CacheHandle::builder().wall_clock(move || {
                clock();
                wall()
            });
            let config = if kept { origin_says().store_post() } else { origin_says() };
            let config = config.failure_classifier(move |_: &response::Parts| {
                classifier();
                false
            });
            let origin = Origin::new(|_| Reply::ok("a").control("max-age=60"));
            let cache = support::Cache::on(&handle.build().unwrap(), config.build().unwrap(), &origin);
            let paths = ["/", "/other", "/moved"];
            for path in paths {
                cache.get(path).await;
            }
            origin.now(move |_| {
                let reply = Reply::ok("b").control(control).header("location", "/moved");
                reply.header("content-location", "http://example.com/")
            });
            trap.set(place);
            let post = cache.spawn_send(request("/").method(Method::POST)).await;
            trap.set(None);
            // Where nothing is kept, nobody asks the clock or the classifier.
            assert_eq!(post.is_err(), kept || place == Metrics, "{title}");
            let left: Vec<_> = paths.into_iter().filter(|path| cache.entry(path).is_some()).collect();
            assert_eq!(left, ["/other"], "{title}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_carried_out_whatever_becomes_of_those_who_are_told_of_it() {
    let replaced = Reply::ok("2").control("max-age=60");
    let confirmed = Reply::status(304).control("max-age=60").header("etag", "\"a\"");
    let large = Reply::ok(vec![0; 2000]).control("max-age=60");
    let private = Reply::ok("2").control("private");
    let failed = Reply::status(503);
    for place in [Metrics, LogLine, SpanEnter] {
        for (title, reply, expected, calls) in [
            ("replaced", &replaced, ("hit", "2"), 2),
            ("confirmed", &confirmed, ("hit", "1"), 2),
            ("too large", &large, ("fwd=uri-miss; stored", "3"), 3),
            ("private", &private, ("fwd=uri-miss; stored", "3"), 3),
            // It pauses, and serves on.
            ("failed", &failed, ("hit; detail=stale", "1"), 2),
        ] {
            let title = format!("{place:?}, {title}");
            let trap = Trap::default();
            let _listening = listen(&trap);
            let start = Start::now();
            let says = "max-age=10, stale-while-revalidate=60";
            let gate = Gate::new();
            let cache = support::Cache::new(
                origin_says().max_body_bytes(1000),
                &Origin::new(move |call| Reply::ok(call.n.to_string()).control(says).header("etag", "\"a\"")),
            );
            cache.get("/").await;
            let refresh = reply.clone().gated(&gate);
            cache.origin.now(move |_| refresh.clone());
            start.at(11.0).await;
            assert_eq!(cache.get("/").await.said, "hit; detail=stale", "{title}");
            rest().await;
            trap.set(place);
            gate.open();
            rest().await;
            trap.set(None);
            cache.origin.now(move |call| Reply::ok(call.n.to_string()).control(says));
            let answer = cache.get("/").await;
            rest().await;
            assert_eq!((&*answer.said, answer.text()), expected, "{title}");
            assert_eq!(cache.origin.calls(), calls, "{title}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_told_what_went_wrong_though_who_hears_of_the_breaker_panics() {
    let mut cache = Cache::new(1);
    cache.trap.set(LogLine);
    let calls: Vec<_> = (0..4)
        .map(|_| tokio::spawn(cache.service.call(request("/").body(ReqBody::default()).unwrap())))
        .collect();
    // Nobody passes the gate before the time-out.
    let mut seen = Vec::new();
    for response in join_all(calls).await {
        seen.extend(see(response.unwrap().unwrap()).await);
    }
    // One of them led once more, and was refused.
    let count = |reason| seen.iter().filter(|seen| **seen == Seen::Made(reason)).count();
    assert_eq!((count("timeout"), count("breaker_open")), (3, 1), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_response_is_stored_whatever_becomes_of_those_who_are_told_what_was_evicted_for_it() {
    for place in [LogLine, EventHook] {
        let trap = Trap::default();
        let _listening = listen(&trap);
        let handle = CacheHandle::builder().capacity_bytes(256 << 10).max_body_bytes(16 << 10).on_event({
            let trap = trap.clone();
            move |_| trap.pass(EventHook)
        });
        let handle = handle.build().unwrap();
        let origin = Origin::new(|call| Reply::ok(format!("{:8192}", call.n)));
        let cache = support::Cache::on(&handle, route(10, 100).build().unwrap(), &origin);
        trap.set(place);
        let mut n = 0;
        while handle.events().is_empty() {
            n += 1;
            assert!(n < 100, "nothing is evicted");
            let path = format!("/{n}");
            // Two who are there from the beginning, and one who comes later.
            let both = [cache.spawn(&path), cache.spawn(&path)];
            for answer in both {
                assert_eq!(answer.await.unwrap().text().trim_start(), n.to_string(), "{place:?}");
            }
            assert_eq!(cache.get(&path).await.said, "hit", "{place:?}");
        }
        let kinds: Vec<_> = handle.events().iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Evicted], "{place:?}");
        let stats = handle.stats();
        assert_eq!((origin.calls(), stats.keys), (n, n - 1), "{place:?}");
        assert_eq!((stats.flights, stats.inflight_bytes), (0, 0), "{place:?}");
    }
}
