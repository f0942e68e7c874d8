//! The origin: it has the pages of the workload, needs time for each answer, and fails now and then.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::options::Options;
use crate::workload::zipf::exponential;
use crate::workload::{Page, Workload};

#[derive(Debug)]
pub(crate) struct Origin {
    /// By target.
    pages: HashMap<String, Page>,
    latency: Duration,
    failure_rate: f64,
    calls: AtomicU64,
    failures: AtomicU64,
    not_modified: AtomicU64,
}

/// How often it was called, how often it failed, how often it had nothing new.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) all: u64,
    pub(crate) failures: u64,
    pub(crate) not_modified: u64,
}

impl Origin {
    pub(crate) fn new(options: &Options, workload: &Workload) -> Arc<Self> {
        Arc::new(Self {
            pages: workload.pages.iter().map(|page| (page.target.to_string(), page.clone())).collect(),
            latency: options.latency,
            failure_rate: options.failure_rate,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            not_modified: AtomicU64::new(0),
        })
    }

    pub(crate) fn calls(&self) -> Calls {
        Calls {
            all: self.calls.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            not_modified: self.not_modified.load(Ordering::Relaxed),
        }
    }

    pub(crate) async fn answer<B>(
        self: Arc<Self>,
        request: Request<B>,
    ) -> Result<Response<Zeros>, Infallible> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let half = self.latency / 2;
        tokio::time::sleep(half + half.mul_f64(exponential(&mut fastrand::Rng::new()))).await;
        if self.failure_rate > fastrand::f64() {
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Ok(status(StatusCode::SERVICE_UNAVAILABLE));
        }
        let Some(page) = self.pages.get(&request.uri().to_string()) else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let mut response = status(page.status);
        let headers = response.headers_mut();
        if page.status.is_success() {
            let validator = validator(page);
            let known = request.headers().get(header::IF_NONE_MATCH) == Some(&validator);
            headers.insert(header::ETAG, validator);
            if known {
                self.not_modified.fetch_add(1, Ordering::Relaxed);
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                return Ok(response);
            }
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(page.size));
        if request.method() != Method::HEAD {
            response.body_mut().left = page.size;
        }
        Ok(response)
    }
}

/// A page never changes, so its size will do.
pub(crate) fn validator(page: &Page) -> HeaderValue {
    HeaderValue::try_from(format!("\"{}\"", page.size)).unwrap_or(HeaderValue::from_static("\"\""))
}

fn status(status: StatusCode) -> Response<Zeros> {
    let mut response = Response::new(Zeros { left: 0 });
    *response.status_mut() = status;
    response
}

/// A body of so many bytes, none of which takes memory.
#[derive(Debug)]
pub(crate) struct Zeros {
    left: u64,
}

static CHUNK: [u8; 64 << 10] = [0; 64 << 10];

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let len = self.left.min(CHUNK.len() as u64);
        self.left -= len;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK[..len as usize])))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
