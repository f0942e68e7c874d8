//! Bodies, their lengths and their trailers: passed on, kept, given again, and left out where there may be none.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, response::IntoResponse, routing::get};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, request::Builder};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::sync::mpsc;
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{CacheHandle, SwrCacheLayer, SwrConfig};

use crate::support::{
    Answer, Cache, Call, Gate, Origin, Reply, Start, Step, origin_says, request, rest, route, said, secs,
    wire::{ServedBody, Wire, exchange, serve_axum, serve_hyper, serve_hyper_2},
};

/// Header lines.
type Lines = &'static [(&'static str, &'static str)];

fn trailers(sum: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), HeaderValue::from_static(sum))])
}

/// A body that is fed through a channel.
fn open_body() -> (mpsc::UnboundedSender<Frame<Bytes>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let frames = stream::unfold(receiver, |mut receiver| async move {
        let frame: Frame<Bytes> = receiver.recv().await?;
        Some((Ok::<_, Infallible>(frame), receiver))
    });
    (sender, Body::new(StreamBody::new(frames)))
}

/// Gives each request's body back as it comes.
fn echoing()
-> impl tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ 'static {
    service_fn(|request: Request<Body>| async move { Ok(Response::new(request.into_body())) })
}

fn layer() -> SwrCacheLayer {
    let config = SwrConfig::builder("route").soft_ttl(secs(10)).hard_ttl(secs(100));
    let every = [204, 404].into_iter().fold(config, |config, status| {
        config.status_ttl(StatusCode::from_u16(status).unwrap(), secs(10), secs(100))
    });
    SwrCacheLayer::new(every.build().unwrap())
}

/// One frame, behind which the end is known but not seen.
struct Slow(Option<Bytes>);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

/// A client that is told the length reads no further.
#[tokio::test(start_paused = true)]
async fn who_has_the_last_of_a_body_finds_it_stored() {
    let origin = service_fn(|_: Request<Body>| async {
        let length = [("content-length", "5")];
        Ok::<_, Infallible>((length, Body::new(Slow(Some(Bytes::from("hello"))))).into_response())
    });
    let cache = layer().layer(origin);
    let ask = || cache.clone().oneshot(Request::get("http://a/").body(Body::empty()).unwrap());
    let mut body = ask().await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    let hit = ask().await.unwrap();
    assert_eq!(hit.headers()["cache-status"], "tower-swr-cache; hit");
    assert_eq!(hit.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test(start_paused = true)]
async fn bodies_and_trailers_of_bypassed_requests_pass_as_they_come() {
    let cache = layer().layer(echoing());
    for method in ["POST", "GET", "HEAD", "PUT"] {
        let (sender, body) = open_body();
        let request = Request::builder().method(method).uri("http://a/").body(body).unwrap();
        let response = cache.clone().oneshot(request).await.unwrap();
        let said = response.headers()["cache-status"].to_str().unwrap().to_owned();
        assert!(said.contains("fwd=") && !said.contains("stored"), "{method} {said}");
        let mut body = response.into_body();
        for text in ["one", "two"] {
            sender.send(Frame::data(Bytes::from(text))).unwrap();
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), text, "{method}");
        }
        sender.send(Frame::trailers(trailers("6"))).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap(), trailers("6"), "{method}");
        drop(sender);
        assert!(body.frame().await.is_none(), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_of_a_stored_response_come_with_every_hit() {
    let origin = Origin::new(|call| {
        let data = || Step::data(call.n.to_string());
        Reply::steps([data(), data(), Step::Trailers(trailers("2"))]).header("trailer", "x-sum")
    });
    let cache = Cache::new(route(10, 100), &origin);
    let waiter = cache.spawn("/");
    let leader = cache.get("/").await;
    for answer in [leader, waiter.await.unwrap(), cache.get("/").await, cache.get("/").await] {
        assert_eq!(answer.text(), "11");
        assert_eq!(answer.trailers, Some(trailers("2")), "{}", answer.said);
        assert_eq!(answer.header("trailer"), Some("x-sum"));
    }
    assert_eq!(origin.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_with_a_body_goes_past_the_cache_with_it() {
    let cache = layer().layer(echoing());
    let unknown = |data: &'static [&'static str]| {
        let frames =
            data.iter().map(|data| Ok::<_, Infallible>(Frame::data(Bytes::from_static(data.as_bytes()))));
        Body::new(StreamBody::new(stream::iter(frames)))
    };
    let bodies: [(Lines, Body, &str); 8] = [
        (&[], Body::from("abc"), "abc"),
        (&[("content-length", "3")], Body::from("abc"), "abc"),
        (&[], unknown(&["ab", "c"]), "abc"),
        (&[("transfer-encoding", "chunked")], unknown(&["abc"]), "abc"),
        // Whether something comes is not known before it is read.
        (&[], unknown(&[]), ""),
        (&[("content-length", "3")], Body::empty(), ""),
        (&[("content-length", "x")], Body::empty(), ""),
        (&[("content-length", "0"), ("content-length", "0")], Body::empty(), ""),
    ];
    for (headers, body, echoed) in bodies {
        let request =
            headers.iter().fold(Request::get("http://a/"), |r, (name, value)| r.header(*name, *value));
        let response = cache.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(response.headers()["cache-status"], "tower-swr-cache; fwd=bypass; detail=request_body");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), echoed, "{headers:?}");
    }
    let empty = Request::get("http://a/").header("content-length", "0").body(Body::empty()).unwrap();
    let response = cache.clone().oneshot(empty).await.unwrap();
    assert_eq!(response.headers()["cache-status"], "tower-swr-cache; fwd=uri-miss; stored");
}

/// What an origin says of its body's length.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    InHeader,
    OfBody,
    Unknown,
}

const LENGTHS: [Length; 3] = [Length::InHeader, Length::OfBody, Length::Unknown];

/// A response that says its length in one of the ways.
fn of_length(length: Length, text: &'static str) -> Response<Body> {
    let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(text)));
    let frames: Vec<_> = if text.is_empty() { vec![] } else { vec![frame] };
    let mut response = Response::new(match length {
        Length::Unknown => Body::new(StreamBody::new(stream::iter(frames))),
        Length::OfBody => Body::from(text),
        Length::InHeader => Body::new(StreamBody::new(stream::iter(frames))),
    });
    if length == Length::InHeader {
        response.headers_mut().insert("content-length", text.len().into());
    }
    response.headers_mut().insert("etag", HeaderValue::from_static("\"a\""));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    response
}

/// The same origin, behind the same layer, under hyper and under axum, with the path saying what is answered.
async fn both_servers(text: &'static str) -> Vec<(&'static str, std::net::SocketAddr)> {
    let answer = move |path: &str| {
        let length = LENGTHS.into_iter().find(|length| path == format!("/{length:?}")).unwrap();
        of_length(length, text)
    };
    let plain = service_fn(move |request: Request<ServedBody>| async move {
        Ok::<_, Infallible>(answer(request.uri().path()))
    });
    let handler = move |request: Request<Body>| async move { answer(request.uri().path()).into_response() };
    let per_route = Router::new().route("/{length}", get(handler).layer(layer()));
    let around = Router::new().route("/{length}", get(handler)).layer(layer());
    vec![
        ("hyper", serve_hyper(layer().layer(plain)).await),
        ("axum, per route", serve_axum(per_route).await),
        ("axum, around all", serve_axum(around).await),
    ]
}

fn one_length(wire: &Wire, length: usize) {
    assert_eq!(wire.all("content-length"), [length.to_string()], "{wire:?}");
    assert!(wire.all("transfer-encoding").is_empty(), "{wire:?}");
}

#[tokio::test]
async fn hits_and_their_heads_have_the_right_length_on_the_wire() {
    for text in ["hello, world", ""] {
        for (server, address) in both_servers(text).await {
            for length in LENGTHS {
                let path = format!("/{length:?}");
                let what = format!("{server} {length:?} {text:?}");
                let miss = exchange(address, "GET", &path, &[]).await;
                assert_eq!(miss.said(), "fwd=uri-miss; stored", "{what}");
                for _ in 0..2 {
                    let hit = exchange(address, "GET", &path, &[]).await;
                    assert_eq!((hit.said(), hit.text()), ("hit", text), "{what}");
                    one_length(&hit, text.len());
                    let head = exchange(address, "HEAD", &path, &[]).await;
                    assert_eq!((head.said(), head.text()), ("hit", ""), "{what}");
                    one_length(&head, text.len());
                }
                // HEAD and If-None-Match, alone and together.
                for method in ["GET", "HEAD"] {
                    let unchanged =
                        exchange(address, method, &path, &[("if-none-match", "W/\"a\", \"b\"")]).await;
                    assert_eq!(
                        (unchanged.status, unchanged.said(), unchanged.text()),
                        (304, "hit", ""),
                        "{what}"
                    );
                    for name in ["content-length", "transfer-encoding", "content-type"] {
                        assert!(unchanged.all(name).is_empty(), "{what} {unchanged:?}");
                    }
                    assert_eq!(unchanged.all("etag"), ["\"a\""], "{what}");
                    assert_eq!(unchanged.all("age").len(), 1, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_head_before_any_get_is_the_origins_own_on_the_wire() {
    for (server, address) in both_servers("hello, world").await {
        for length in LENGTHS {
            let path = format!("/{length:?}");
            for _ in 0..2 {
                let head = exchange(address, "HEAD", &path, &[]).await;
                assert_eq!((head.status, head.text()), (200, ""), "{server} {length:?}");
                assert_eq!(head.said(), "fwd=bypass; detail=head", "{server} {length:?}");
            }
            let miss = exchange(address, "GET", &path, &[]).await;
            assert_eq!(miss.said(), "fwd=uri-miss; stored", "{server} {length:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_from_a_stored_get_without_its_body() {
    for (status, text, length) in
        [(200, "hello", Some("5")), (200, "", Some("0")), (404, "none", Some("4")), (204, "", None)]
    {
        for known in LENGTHS {
            let service = service_fn(move |_: Request<Body>| async move {
                let mut response = of_length(if status == 204 { Length::OfBody } else { known }, text);
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok::<_, Infallible>(response)
            });
            let cache = layer().layer(service);
            let send = |method: &str| {
                cache.clone().oneshot(Request::builder().method(method).uri("/").body(Body::empty()).unwrap())
            };
            send("GET").await.unwrap().into_body().collect().await.unwrap();
            let head = send("HEAD").await.unwrap();
            let what = format!("{status} {text:?} {known:?}");
            assert_eq!(head.headers()["cache-status"], "tower-swr-cache; hit", "{what}");
            assert_eq!(head.status(), status);
            let said = head.headers().get("content-length").map(|length| length.to_str().unwrap());
            assert_eq!(said, length, "{what}");
            assert!(head.body().is_end_stream());
            assert!(head.into_body().frame().await.is_none());
            let hit = send("GET").await.unwrap();
            assert_eq!(hit.body().size_hint().exact(), Some(text.len() as u64), "{what}");
            assert_eq!(hit.into_body().collect().await.unwrap().to_bytes(), text, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn head_never_has_a_body_whatever_comes_of_its_fetch() {
    // Stored, then too old to serve: HEAD goes through a fetch, which is a GET.
    for (what, reply) in [
        ("storable", Reply::ok("hello").control("max-age=10")),
        ("not storable", Reply::ok("hello").control("no-store")),
        ("not found", Reply::status(404)),
        ("failed", Reply::status(503)),
        ("confirmed", Reply::status(304)),
        ("hung", Reply::none(Step::Hang)),
    ] {
        let origin = Origin::new(|_| Reply::ok("hello").control("max-age=10").header("etag", "\"a\""));
        let cache = Cache::new(origin_says(), &origin);
        let start = Start::now();
        cache.get("/").await;
        start.at(11.0).await;
        origin.now(move |call: &Call| {
            assert_eq!(call.parts.method, "GET");
            reply.clone()
        });
        let head = cache.send(request("/").method("HEAD")).await;
        assert_eq!(head.text(), "", "{what}");
        assert_eq!(origin.calls(), 2, "{what}");
    }
}

fn with(headers: &[(&str, &str)]) -> Builder {
    headers.iter().fold(request("/"), |builder, (name, value)| builder.header(*name, *value))
}

#[tokio::test(start_paused = true)]
async fn a_head_or_a_range_of_nothing_stored_goes_alone_and_stores_nothing() {
    let gate = Gate::new();
    let origin = Origin::new(|call| match (call.parts.method.as_str(), call.header("range")) {
        ("HEAD", _) => Reply::ok("").length(5).header("x-method", "HEAD"),
        (_, Some(range)) => {
            Reply::status(206).body(format!("{range} of it")).header("content-range", "bytes 0-1/5")
        }
        _ => Reply::ok(format!("whole {}", call.n)),
    });
    let cache = Cache::new(route(10, 100), &origin);
    let ranged = || with(&[("range", "bytes=0-1"), ("if-range", "\"a\"")]);
    for n in 1..3 {
        let head = cache.send(request("/").method("HEAD")).await;
        assert_eq!((head.said.as_str(), head.header("x-method")), ("fwd=bypass; detail=head", Some("HEAD")));
        let part = cache.send(ranged()).await;
        assert_eq!((part.status.as_u16(), part.text()), (206, "bytes=0-1 of it"));
        assert_eq!(part.said, "fwd=bypass; detail=range");
        assert_eq!(origin.calls(), 2 * n);
        assert_eq!(cache.handle.stats().keys, 0);
    }
    // Nor do they wait for somebody's fetch, nor make others wait.
    origin.now({
        let gate = gate.clone();
        move |call| {
            let reply = Reply::ok(format!("whole {}", call.n));
            if call.header("range").is_some() { reply } else { reply.gated(&gate) }
        }
    });
    let reader = cache.spawn("/");
    rest().await;
    assert_eq!(cache.send(ranged()).await.text(), "whole 6");
    gate.open();
    assert_eq!(reader.await.unwrap().text(), "whole 5");
    // From what is stored, a range is cut out; what is no single range of bytes is answered with all of it.
    for (range, status, text, content_range) in [
        ("bytes=0-1", 206, "wh", Some("bytes 0-1/7")),
        ("bytes=-1", 206, "5", Some("bytes 6-6/7")),
        ("bytes=9999-", 416, "", Some("bytes */7")),
        ("bytes=0-1,3-4", 200, "whole 5", None),
        ("lines=1-2", 200, "whole 5", None),
        ("x", 200, "whole 5", None),
    ] {
        let answer = cache.send(with(&[("range", range)])).await;
        let found = (answer.status.as_u16(), answer.text(), answer.header("content-range"), &*answer.said);
        assert_eq!(found, (status, text, content_range, "hit"), "{range}");
        let length = answer.header("content-length").map(str::to_owned);
        assert!(status == 200 || length == Some(text.len().to_string()), "{range}");
    }
    let unchanged = cache.send(with(&[("range", "bytes=0-1"), ("if-range", "\"other\"")])).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.text()), (200, "whole 5"));
    assert_eq!(origin.calls(), 6, "none of them asked anybody");
}

#[tokio::test(start_paused = true)]
async fn a_range_that_refreshes_asks_for_the_whole() {
    let origin = Origin::new(|call| {
        assert!(["range", "if-range", "if-none-match"].iter().all(|name| call.header(name).is_none()));
        Reply::ok(format!("whole {}", call.n))
    });
    let cache = Cache::new(route(10, 100), &origin);
    let start = Start::now();
    cache.get("/").await;
    start.at(11.0).await;
    let stale =
        cache.send(with(&[("range", "bytes=0-1"), ("if-range", "\"a\""), ("if-none-match", "\"x\"")])).await;
    assert_eq!(stale.text(), "whole 1");
    rest().await;
    assert_eq!(cache.get("/").await.text(), "whole 2");
}

#[tokio::test(start_paused = true)]
async fn a_clients_conditions_are_answered_from_what_is_stored_or_fetched() {
    const ETAG: &str = "if-none-match";
    const SINCE: &str = "if-modified-since";
    const BEFORE: &str = "Mon, 13 Nov 2023 00:00:00 GMT";
    const MODIFIED: &str = "Tue, 14 Nov 2023 00:00:00 GMT";
    const AFTER: &str = "Tue, 14 Nov 2023 01:00:00 GMT";
    let cases: &[(&[(&str, &str)], bool)] = &[
        (&[(ETAG, "\"a\"")], true),
        (&[(ETAG, "W/\"a\"")], true),
        (&[(ETAG, "\"x\", W/\"a\" , \"y\"")], true),
        (&[(ETAG, "\"x\""), (ETAG, "\"a\"")], true),
        (&[(ETAG, "*")], true),
        (&[(ETAG, "\"b\"")], false),
        (&[(ETAG, "\"A\"")], false),
        (&[(ETAG, "a")], false),
        (&[(ETAG, "\"x, \"a\"")], false),
        (&[(ETAG, "")], false),
        (&[(SINCE, MODIFIED)], true),
        (&[(SINCE, AFTER)], true),
        (&[(SINCE, BEFORE)], false),
        (&[(SINCE, "yesterday")], false),
        // The entity tag goes before the date.
        (&[(ETAG, "\"b\""), (SINCE, AFTER)], false),
        (&[(ETAG, "\"a\""), (SINCE, BEFORE)], true),
    ];
    for (stored_tag, cases) in [("\"a\"", cases), ("W/\"a\"", cases)] {
        for (headers, unchanged) in cases {
            for method in ["GET", "HEAD"] {
                let origin = Origin::new(move |call| {
                    assert!(
                        call.header(ETAG).is_none() && call.header(SINCE).is_none(),
                        "a fill asks for all of it"
                    );
                    Reply::ok("hello")
                        .length(5)
                        .header("etag", stored_tag)
                        .header("last-modified", MODIFIED)
                        .header("content-type", "text/plain")
                        .header("cache-control", "max-age=60")
                        .header("vary", "accept")
                });
                let cache = Cache::new(route(10, 100), &origin);
                // Both when it is fetched for this very request, and from the store.
                let what = format!("{method} {headers:?} of {stored_tag}");
                let asked = || with(headers).method(method);
                if method == "HEAD" {
                    cache.get("/").await;
                }
                for _ in 0..2 {
                    let answer = cache.send(asked()).await;
                    assert_eq!(answer.status.as_u16(), if *unchanged { 304 } else { 200 }, "{what}");
                    let body = if *unchanged || method == "HEAD" { "" } else { "hello" };
                    assert_eq!(answer.text(), body, "{what}");
                    for (name, value) in
                        [("etag", stored_tag), ("cache-control", "max-age=60"), ("vary", "accept")]
                    {
                        assert_eq!(answer.header(name), Some(value), "{what}");
                    }
                    assert_eq!(answer.header("content-length"), (!unchanged).then_some("5"), "{what}");
                }
                assert_eq!(origin.calls(), 1, "{what}");
                assert_eq!(cache.get("/").await.text(), "hello", "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn conditions_that_only_the_origin_can_judge_go_past_the_cache() {
    let cache = Cache::new(route(10, 100), &Origin::counting());
    cache.get("/").await;
    cache.origin.now(|call| {
        Reply::status(412)
            .body(format!("{:?}", call.header("if-match").or(call.header("if-unmodified-since"))))
    });
    for (name, value) in
        [("if-match", "\"a\""), ("if-match", "*"), ("if-unmodified-since", "Tue, 14 Nov 2023 00:00:00 GMT")]
    {
        for method in ["GET", "HEAD"] {
            let answer = cache.send(with(&[(name, value)]).method(method)).await;
            assert_eq!(answer.said, "fwd=bypass; detail=precondition", "{name}");
            assert_eq!((answer.status.as_u16(), answer.text()), (412, &*format!("{:?}", Some(value))));
        }
    }
    assert_eq!(cache.get("/").await.said, "hit");
}

/// Bytes in which no two places look alike.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(length as u64);
    (0..length).map(|_| random.u8(..)).collect()
}

#[tokio::test(start_paused = true)]
async fn large_bodies_are_the_same_for_leader_waiters_and_hits() {
    for (length, limit, kept) in [
        (3 << 20, 4 << 20, true),
        (3 << 20, 3 << 20, true),
        ((3 << 20) + 1, 3 << 20, false),
        (5 << 20, 4 << 20, false),
    ] {
        for promised in [false, true] {
            let sent = Bytes::from(noise(length));
            let origin = Origin::new({
                let sent = sent.clone();
                move |_| {
                    // Frames of all lengths.
                    let mut random = fastrand::Rng::with_seed(7);
                    let mut rest = sent.clone();
                    let mut steps = Vec::new();
                    while !rest.is_empty() {
                        let taken = rest.len().min(random.usize(1..20_000));
                        steps.push(Step::Data(rest.split_to(taken)));
                    }
                    steps.insert(steps.len() / 2, Step::Wait(Duration::from_secs(1)));
                    let reply = Reply::steps(steps);
                    if promised { reply.length(sent.len() as u64) } else { reply }
                }
            });
            let handle =
                CacheHandle::builder().capacity_bytes(64 << 20).max_body_bytes(limit).build().unwrap();
            let cache = Cache::on(&handle, route(10, 100).build().unwrap(), &origin);
            let readers: Vec<_> = (0..4).map(|_| cache.spawn("/")).collect();
            for reader in readers {
                let answer = reader.await.unwrap();
                assert!(answer.body_error.is_none(), "{:?} {}", answer.body_error, answer.said);
                assert!(answer.body == sent, "{length} of {limit}, promised: {promised}, {}", answer.said);
            }
            let calls = origin.calls();
            if kept {
                assert_eq!(calls, 1);
            }
            let later = cache.get("/").await;
            assert!(later.body == sent);
            assert_eq!(
                later.said == "hit",
                kept,
                "{length} of {limit}, promised: {promised}, {}",
                later.said
            );
            assert_eq!(origin.calls() == calls, kept);
            assert_eq!(handle.stats().inflight_bytes, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn empty_bodies_are_stored_like_others() {
    for reply in [Reply::ok(""), Reply::ok("").length(0), Reply::steps([]), Reply::steps([Step::data("")])] {
        let origin = Origin::new(move |_| reply.clone());
        let cache = Cache::new(route(10, 100), &origin);
        for said in ["fwd=uri-miss; stored", "hit", "hit"] {
            let answer = Answer::read(cache.open(request("/")).await).await;
            assert_eq!((&*answer.said, answer.text()), (said, ""));
        }
        let open = cache.open(request("/")).await;
        assert!(open.body().is_end_stream());
        assert_eq!(open.body().size_hint().exact(), Some(0));
    }
}

#[tokio::test]
async fn a_204_has_no_length_on_the_wire() {
    let service = service_fn(|_: Request<ServedBody>| async {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok::<_, Infallible>(response)
    });
    let hyper = serve_hyper(layer().layer(service)).await;
    let axum =
        serve_axum(Router::new().route("/", get(|| async { StatusCode::NO_CONTENT }).layer(layer()))).await;
    for address in [hyper, axum] {
        for (method, said) in [("GET", "fwd=uri-miss; stored"), ("GET", "hit"), ("HEAD", "hit")] {
            let wire = exchange(address, method, "/", &[]).await;
            assert_eq!((wire.status, wire.said(), wire.text()), (204, said, ""));
            assert!(
                wire.all("content-length").is_empty() && wire.all("transfer-encoding").is_empty(),
                "{wire:?}"
            );
        }
    }
}

/// `onetwo`, at `/trailers` with trailers behind it.
fn with_trailers() -> impl tower::Service<
    Request<ServedBody>,
    Response = Response<ServedBody>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(|request: Request<ServedBody>| async move {
        let sum = Frame::trailers(trailers("6"));
        let frames = [Frame::data(Bytes::from("one")), Frame::data(Bytes::from("two")), sum].map(Ok);
        let mut response = Response::new(match request.uri().path() {
            "/trailers" => StreamBody::new(stream::iter(frames)).boxed_unsync(),
            _ => Full::from("onetwo").map_err(|never| match never {}).boxed_unsync(),
        });
        response.headers_mut().insert("etag", HeaderValue::from_static("\"a\""));
        response.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
        Ok::<_, Infallible>(response)
    })
}

#[tokio::test]
async fn trailers_come_behind_hits_over_http_1() {
    let address = serve_hyper(layer().layer(with_trailers())).await;
    for said in ["fwd=uri-miss; stored", "hit", "hit"] {
        let got = exchange(address, "GET", "/trailers", &[("te", "trailers")]).await;
        assert_eq!((got.said(), &*got.all("transfer-encoding")), (said, &["chunked"][..]));
        assert!(got.text().ends_with("0\r\nx-sum: 6\r\n\r\n"), "{said} {:?}", got.text());
    }
}

#[tokio::test]
async fn trailers_and_lengths_are_right_over_http_2() {
    let address = serve_hyper_2(layer().layer(with_trailers())).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<ServedBody>();
    let send = async |method: &str, path: &str, tag: &str| {
        let request = Request::builder().method(method).uri(format!("http://{address}{path}"));
        let request = request.header("if-none-match", tag).body(ServedBody::default()).unwrap();
        let (head, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned();
        let length = head.headers.get("content-length").map(|length| length.to_str().unwrap().to_owned());
        (head.status.as_u16(), said(&head.headers), length, body.to_bytes(), trailers)
    };
    let six = Some("6".to_owned());
    let hit = "hit".to_owned();
    let (whole, none) = (Bytes::from("onetwo"), Bytes::new());
    // Behind trailers no length is said, since not every version of HTTP could send both.
    for (path, sum, length) in [("/trailers", Some(trailers("6")), None), ("/plain", None, six.clone())] {
        for status in ["fwd=uri-miss; stored", "hit", "hit"] {
            let expected = (200, status.to_owned(), length.clone(), whole.clone(), sum.clone());
            assert_eq!(send("GET", path, "\"b\"").await, expected, "{path}");
        }
        let head = (200, hit.clone(), six.clone(), none.clone(), None);
        assert_eq!(send("HEAD", path, "\"b\"").await, head, "{path}");
        for method in ["GET", "HEAD"] {
            let unchanged = (304, hit.clone(), None, none.clone(), None);
            assert_eq!(send(method, path, "\"a\"").await, unchanged, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_goes_past_the_cache_with_what_it_carries() {
    #[derive(Clone, Debug, PartialEq)]
    struct Upgraded(u8);
    let service = service_fn(|request: Request<Body>| async move {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        response.headers_mut().insert("upgrade", request.headers()["upgrade"].clone());
        response.extensions_mut().extend(request.extensions().clone());
        Ok::<_, Infallible>(response)
    });
    let cache = layer().layer(service);
    for _ in 0..2 {
        let request = Request::get("/").header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.extension(Upgraded(7)).body(Body::empty()).unwrap();
        let response = cache.clone().oneshot(request).await.unwrap();
        assert_eq!(said(response.headers()), "fwd=bypass; detail=upgrade");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["upgrade"]),
            (101, &"websocket".parse().unwrap())
        );
        assert_eq!(response.headers()["connection"], "upgrade");
        assert_eq!(response.extensions().get(), Some(&Upgraded(7)));
    }
}
