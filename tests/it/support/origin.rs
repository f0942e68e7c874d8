//! The inner service: what it answers is written down by the test.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, request};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tokio::sync::Semaphore;
use tower::Service;
use tower_swr_cache::BoxError;

use super::ReqBody;

/// The body of responses.
pub(crate) type OriginBody = UnsyncBoxBody<Bytes, BoxError>;

/// The error of a call that failed, or of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OriginError;

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the origin failed")
    }
}

impl std::error::Error for OriginError {}

/// One call of the origin: the how-manyth it is, from 1 on, and what it was asked.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) n: usize,
    pub(crate) parts: request::Parts,
}

impl Call {
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

type Script = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

/// A clone-able service that counts its calls. Clones are the same origin.
#[derive(Clone)]
pub(crate) struct Origin {
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    calls: AtomicUsize,
    /// Calls between their beginning and their head.
    running: AtomicUsize,
    most_running: AtomicUsize,
    /// Bodies made of steps that are not dropped yet hold this; it counts their frames.
    frames: Arc<AtomicUsize>,
    paths: Mutex<Vec<String>>,
}

impl Origin {
    /// An origin that answers each call by what `script` makes of it.
    pub(crate) fn new(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                script: Mutex::new(Arc::new(script)),
                calls: AtomicUsize::new(0),
                running: AtomicUsize::new(0),
                most_running: AtomicUsize::new(0),
                frames: Arc::default(),
                paths: Mutex::default(),
            }),
        }
    }

    /// An origin whose body is the number of the call.
    pub(crate) fn counting() -> Self {
        Self::new(|call| Reply::ok(call.n.to_string()))
    }

    /// From now on, this.
    pub(crate) fn now(&self, script: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Arc::new(script);
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    /// How many calls have not come to their head.
    pub(crate) fn running(&self) -> usize {
        self.shared.running.load(Ordering::SeqCst)
    }

    /// How many such there were at most.
    pub(crate) fn most_running(&self) -> usize {
        self.shared.most_running.load(Ordering::SeqCst)
    }

    /// How many bodies made of steps are not dropped yet.
    pub(crate) fn bodies(&self) -> usize {
        Arc::strong_count(&self.shared.frames) - 1
    }

    /// How many frames such bodies have given.
    pub(crate) fn frames(&self) -> usize {
        self.shared.frames.load(Ordering::SeqCst)
    }

    /// What was asked for, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.shared.paths.lock().unwrap().clone()
    }
}

impl Service<Request<ReqBody>> for Origin {
    type Response = Response<OriginBody>;
    type Error = OriginError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, OriginError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), OriginError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let n = shared.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let (parts, _body) = request.into_parts();
        shared.paths.lock().unwrap().push(parts.uri.path().to_owned());
        let script = Arc::clone(&shared.script.lock().unwrap());
        let reply = script(&Call { n, parts });
        let running = Running::begin(&shared);
        Box::pin(async move {
            let response = reply.give(&shared.frames).await;
            drop(running);
            response
        })
    }
}

struct Running(Arc<Shared>);

impl Running {
    fn begin(shared: &Arc<Shared>) -> Self {
        let running = shared.running.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_running.fetch_max(running, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Holds up whoever comes to it until it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.close();
    }

    /// Lets one through, now or later.
    pub(crate) fn admit_one(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// What happens before the head, or in a body.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Data(Bytes),
    /// The same again and again, a frame each millisecond.
    Endless(Bytes),
    Trailers(HeaderMap),
    Wait(Duration),
    Gate(Gate),
    Error,
    Panic,
    Hang,
}

impl Step {
    pub(crate) fn data(data: impl Into<Bytes>) -> Self {
        Self::Data(data.into())
    }

    async fn wait(&self) -> Option<()> {
        match self {
            Self::Wait(span) => tokio::time::sleep(*span).await,
            Self::Gate(gate) => gate.pass().await,
            Self::Hang => std::future::pending().await,
            Self::Panic => panic!("the origin panics, as it was told"),
            Self::Data(_) | Self::Endless(_) | Self::Trailers(_) | Self::Error => return None,
        }
        Some(())
    }
}

/// What the origin answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    before: Vec<Step>,
    status: StatusCode,
    headers: HeaderMap,
    extensions: Extensions,
    body: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(Bytes),
    Steps(VecDeque<Step>),
}

impl Reply {
    /// 200 with this body.
    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self {
            before: Vec::new(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            body: Content::Whole(body.into()),
        }
    }

    /// This status, with its number as the body.
    pub(crate) fn status(status: u16) -> Self {
        let body = if status == 304 { String::new() } else { status.to_string() };
        Self { status: StatusCode::from_u16(status).unwrap(), ..Self::ok(body) }
    }

    /// 200 with a body of no known length that comes step by step.
    pub(crate) fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { body: Content::Steps(steps.into_iter().collect()), ..Self::ok("") }
    }

    /// No response but an error, a panic, or nothing at all.
    pub(crate) fn none(step: Step) -> Self {
        Self::ok("").before(step)
    }

    /// With this body of no known length instead.
    pub(crate) fn stepwise(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.body = Content::Steps(steps.into_iter().collect());
        self
    }

    /// With this status instead.
    pub(crate) fn code(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    /// With this body instead.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Content::Whole(body.into());
        self
    }

    /// With these header lines.
    pub(crate) fn headers(mut self, headers: &HeaderMap) -> Self {
        self.headers.extend(headers.clone());
        self
    }

    /// Promises its whole length, and comes to something else after so many bytes, or to its end.
    pub(crate) fn cut(mut self, at: usize, then: Option<Step>) -> Self {
        let Content::Whole(whole) = &self.body else { unreachable!("the whole is known") };
        let (length, part) = (whole.len() as u64, whole.slice(..at));
        self.body = Content::Steps([Step::Data(part)].into_iter().chain(then).collect());
        self.length(length)
    }

    /// A 206 of its first bytes.
    pub(crate) fn first_bytes(mut self, count: usize) -> Self {
        let Content::Whole(whole) = &self.body else { unreachable!("the whole is known") };
        let range = format!("bytes 0-{}/{}", count - 1, whole.len());
        let part = whole.slice(..count);
        self.status = StatusCode::PARTIAL_CONTENT;
        self.body(part).header("content-range", range)
    }

    /// Adds a header line.
    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value.as_ref()).unwrap());
        self
    }

    /// `Cache-Control`.
    pub(crate) fn control(self, value: &str) -> Self {
        self.header("cache-control", value)
    }

    /// `Content-Length`, true or not.
    pub(crate) fn length(mut self, length: u64) -> Self {
        self.headers.insert(header::CONTENT_LENGTH, length.into());
        self
    }

    pub(crate) fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// What happens before the head, and before what was to happen already.
    pub(crate) fn before(mut self, step: Step) -> Self {
        self.before.insert(0, step);
        self
    }

    /// Holds the head back for so long.
    pub(crate) fn after(self, span: Duration) -> Self {
        self.before(Step::Wait(span))
    }

    /// Holds the head back until the gate opens.
    pub(crate) fn gated(self, gate: &Gate) -> Self {
        self.before(Step::Gate(gate.clone()))
    }

    async fn give(self, frames: &Arc<AtomicUsize>) -> Result<Response<OriginBody>, OriginError> {
        for step in &self.before {
            if step.wait().await.is_none() {
                return Err(OriginError);
            }
        }
        let body = match self.body {
            Content::Whole(bytes) => Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
            Content::Steps(steps) => stepwise(steps, Arc::clone(frames)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        *response.extensions_mut() = self.extensions;
        Ok(response)
    }
}

fn stepwise(steps: VecDeque<Step>, given: Arc<AtomicUsize>) -> OriginBody {
    let frames = stream::unfold((steps, given), |(mut steps, given)| async move {
        loop {
            let step = steps.pop_front()?;
            if step.wait().await.is_some() {
                continue;
            }
            given.fetch_add(1, Ordering::SeqCst);
            let frame: Result<_, BoxError> = match step {
                Step::Data(data) => Ok(Frame::data(data)),
                Step::Endless(data) => {
                    steps.extend([Step::Wait(Duration::from_millis(1)), Step::Endless(data.clone())]);
                    Ok(Frame::data(data))
                }
                Step::Trailers(trailers) => Ok(Frame::trailers(trailers)),
                _ => Err(OriginError.into()),
            };
            return Some((frame, (steps, given)));
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
