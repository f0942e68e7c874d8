//! The outermost layer: what happens to a request before the cache sees it, and to a failure after everybody saw it.

use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower::{Service, ServiceExt};

use crate::body::RequestBody;
use crate::fields;

/// The inner body, or a line of our own.
pub(crate) type FrontBody<B> = Either<B, Full<Bytes>>;

/// Answers one request. Hop-by-hop fields go before the cache, not behind it: what keys a response is then exactly what
/// the upstream gets.
pub(crate) async fn answer<S, B>(
    service: S,
    request: Request<Incoming>,
) -> Result<Response<FrontBody<B>>, Infallible>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error: Error + 'static>,
{
    if let Some(refusal) = refuse(&request) {
        return Ok(refusal.map(Either::Right));
    }
    let mut request = request.map(RequestBody::from);
    to_origin_form(&mut request);
    let headers = request.headers_mut();
    let takes_trailers = fields::takes_trailers(headers);
    fields::remove_hop_by_hop(headers);
    fields::join_cookies(headers);
    if takes_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    match service.oneshot(request).await {
        Ok(response) => Ok(response.map(Either::Left)),
        Err(error) => {
            log_failure(&error);
            Ok(plain(StatusCode::BAD_GATEWAY, "the upstream did not answer\n").map(Either::Right))
        }
    }
}

/// `http://host/path`, as HTTP/2 has it and HTTP/1.1 may, becomes `/path` and `Host`: the upstream gets the same either way,
/// so the cache should have one key for both.
fn to_origin_form<B>(request: &mut Request<B>) {
    let target = std::mem::take(request.uri_mut());
    fields::set_host(request.headers_mut(), &target);
    *request.uri_mut() = target.into_parts().path_and_query.map(Uri::from).unwrap_or_default();
}

/// What cannot be forwarded, or would not mean the same to everybody on the way.
fn refuse<B>(request: &Request<B>) -> Option<Response<Full<Bytes>>> {
    if request.method() == Method::CONNECT {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "no tunnels here\n");
        let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE");
        response.headers_mut().insert(header::ALLOW, allowed);
        return Some(response);
    }
    if request.uri().path_and_query().is_none() {
        return Some(plain(StatusCode::BAD_REQUEST, "the target has no path\n"));
    }
    // RFC 9112 §3.2
    match request.headers().get_all(header::HOST).iter().count() {
        0 if request.version() == Version::HTTP_11 => {
            Some(plain(StatusCode::BAD_REQUEST, "Host is missing\n"))
        }
        0 | 1 => None,
        _ => Some(plain(StatusCode::BAD_REQUEST, "more than one Host\n")),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// At most one line a second: while the upstream is down, requests fail as fast as clients send them.
fn log_failure(error: &(dyn Error + 'static)) {
    static QUIET: AtomicBool = AtomicBool::new(false);
    if !QUIET.swap(true, Ordering::Relaxed) {
        tracing::warn!(error = %chain(error), "no answer from the upstream");
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            QUIET.store(false, Ordering::Relaxed);
        });
    }
}

/// The error and what caused it, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
