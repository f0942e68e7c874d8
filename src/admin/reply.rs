//! What every answer has in common.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

/// The answer to a request.
pub(super) type Reply = Response<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Nobody is to store it, or to take it for something else than it says.
pub(super) fn reply(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let body = body.into();
    let length = body.len();
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    // What is answered here are structs of numbers and strings, which are always JSON.
    reply(status, JSON, serde_json::to_vec(value).unwrap_or_default())
}

pub(super) fn error(status: StatusCode, problem: &str) -> Reply {
    json(status, &serde_json::json!({ "error": problem }))
}

/// The same, with a field that explains it.
pub(super) fn error_with(status: StatusCode, problem: &str, name: HeaderName, value: &'static str) -> Reply {
    let mut reply = error(status, problem);
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
    reply
}

/// The answer to HEAD: the body's length, and no body.
pub(super) fn bare(reply: Reply) -> Reply {
    reply.map(|_body| Full::default())
}
