//! Visitors: what they ask, how they read what they get, and what they are told.

use std::time::Duration;

use http::request::Builder;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower_swr_cache::CacheFailure;

use super::world::{Body, PATHS};
use crate::oracle::End;

/// The inner service's own response, for nobody else.
pub(super) const PASSED_ON: &str = "passed on";

/// A request of one of the kinds that there are.
pub(super) fn request(host: &str, users: u32) -> Request<()> {
    let (path, count) = PATHS[match fastrand::u8(..32) {
        0..16 => 0,
        16..22 => 1,
        22..24 => 2,
        24..26 => 3,
        26 => 4,
        27..29 => 5,
        29..31 => 6,
        _ => 7,
    }];
    let number = fastrand::u32(..count);
    let mut request = Request::builder().uri(format!("http://{host}/{path}/{number}?q={}", number % 3));
    request = identify(request, path, users);
    if path == "lang" {
        request = request.header("accept-language", ["de", "en", "fr"][fastrand::usize(..3)]);
    }
    let rarely = |odds: u8| fastrand::u8(..odds) == 0;
    if rarely(20) {
        request = request.method(if rarely(3) { Method::POST } else { Method::HEAD });
    } else if rarely(20) {
        let first = fastrand::u32(..300);
        request = request.header("range", format!("bytes={first}-{}", first + fastrand::u32(..300)));
    } else if rarely(20) {
        request = request.header("if-none-match", format!("\"v{}\"", fastrand::u32(..1000)));
    }
    if rarely(40) {
        request = request.header("x-forwarded-host", format!("evil.{host}"));
    }
    // What a load balancer adds.
    request = request.header("x-forwarded-for", format!("10.0.0.{}", fastrand::u8(..)));
    request = request.header("x-request-id", fastrand::u64(..).to_string());
    request.body(()).expect("is a request")
}

fn identify(request: Builder, path: &str, users: u32) -> Builder {
    let user = fastrand::u32(..users);
    let odds = |path: &str| match path {
        "my/session" | "my/cookie" | "my/private" => 80,
        "public" => 70,
        _ => 5,
    };
    if fastrand::u32(..100) >= odds(path) {
        return request;
    }
    match path {
        "my/private" | "public" => request.header("authorization", format!("Bearer u{user}")),
        _ => request.header("cookie", format!("session=u{user}")),
    }
}

/// What the cache said that it did.
pub(super) fn outcome(headers: &HeaderMap, failure: Option<&CacheFailure>) -> &'static str {
    if let Some(failure) = failure {
        return failure.reason().as_str();
    }
    let status = headers.get("cache-status").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let says = |what: &str| status.split(';').any(|part| part.trim() == what);
    match () {
        () if says("detail=stale_error") => "hit; detail=stale_error",
        () if says("detail=stale") => "hit; detail=stale",
        () if says("hit") => "hit",
        () if says("collapsed") => "collapsed",
        () if says("fwd-status=304") => "revalidated",
        () if says("stored") => "miss",
        () => PASSED_ON,
    }
}

/// Reads a body as fast as it comes, or slowly, or not to its end.
pub(super) async fn read(mut body: Body) -> (Vec<u8>, End) {
    let mut received = Vec::new();
    let (leaves, slow) = (fastrand::u8(..32) == 0, fastrand::u8(..32) == 0);
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => received.extend_from_slice(&data),
            Ok(Err(_trailers)) => {}
            Err(_error) => return (received, End::Broken),
        }
        if leaves && fastrand::bool() {
            return (received, End::Broken);
        }
        if slow {
            sleep(Duration::from_millis(fastrand::u64(..100))).await;
        }
    }
    (received, End::Clean)
}
