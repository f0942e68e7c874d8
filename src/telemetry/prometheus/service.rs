//! The page that Prometheus scrapes.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::Service;

use super::Exporter;
use crate::handle::CacheHandle;

/// The text format's name and version.
pub(crate) const TEXT_FORMAT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers GET and HEAD, whatever the path, with the metrics; made by [`Exporter::service`].
#[derive(Clone, Debug)]
pub struct MetricsService {
    exporter: Exporter,
    cache: CacheHandle,
}

impl MetricsService {
    pub(super) fn new(exporter: Exporter, cache: CacheHandle) -> Self {
        Self { exporter, cache }
    }
}

impl<B> Service<Request<B>> for MetricsService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if *request.method() == Method::GET || *request.method() == Method::HEAD {
            let text = Bytes::from(self.exporter.render(&self.cache));
            headers.insert(header::CONTENT_TYPE, TEXT_FORMAT);
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
            if *request.method() == Method::GET {
                *response.body_mut() = Full::new(text);
            }
        } else {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        }
        ready(Ok(response))
    }
}
