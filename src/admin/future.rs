//! The future of an answer.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut};
use http::StatusCode;
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    calls::Act,
    reply::{self, Reply},
};
use crate::handle::CacheHandle;

/// The longest body of a call, in bytes.
const MAX_BODY: usize = 64 << 10;

pin_project! {
    /// The answer of an [`Admin`](super::Admin).
    pub struct AdminFuture<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<B> {
        Ready { reply: Option<Reply> },
        Elsewhere { #[pin] task: JoinHandle<Reply> },
        Reading { #[pin] body: B, read: Vec<u8>, act: Act, cache: CacheHandle },
    }
}

impl<B: Body> AdminFuture<B> {
    pub(super) fn ready(reply: Reply) -> Self {
        Self { state: State::Ready { reply: Some(reply) } }
    }

    /// Does what takes a while where it holds up nobody, if there is such a place.
    pub(super) fn elsewhere(work: impl FnOnce() -> Reply + Send + 'static) -> Self {
        match Handle::try_current() {
            Ok(runtime) => Self { state: State::Elsewhere { task: runtime.spawn_blocking(work) } },
            Err(_) => Self::ready(work()),
        }
    }

    /// Reads the body first.
    pub(super) fn reading(body: B, act: Act, cache: CacheHandle) -> Self {
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Self::ready(too_large());
        }
        Self { state: State::Reading { body, read: Vec::new(), act, cache } }
    }
}

impl<B: Body> Future for AdminFuture<B> {
    type Output = Result<Reply, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            // A future is not polled again once it is ready; whoever does so waits for nothing.
            StateProj::Ready { reply } => reply.take().map_or(Poll::Pending, |reply| Poll::Ready(Ok(reply))),
            StateProj::Elsewhere { task } => {
                let problem = "the application is about to stop";
                let stopped = |_| reply::error(StatusCode::SERVICE_UNAVAILABLE, problem);
                Poll::Ready(Ok(ready!(task.poll(cx)).unwrap_or_else(stopped)))
            }
            StateProj::Reading { mut body, read, act, cache } => {
                while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
                    let Ok(frame) = frame else {
                        let problem = "the body did not come to its end";
                        return Poll::Ready(Ok(reply::error(StatusCode::BAD_REQUEST, problem)));
                    };
                    let Ok(data) = frame.into_data() else { continue };
                    if data.remaining() > MAX_BODY - read.len() {
                        return Poll::Ready(Ok(too_large()));
                    }
                    read.put(data);
                }
                Poll::Ready(Ok(act.carry_out(read, cache)))
            }
        }
    }
}

fn too_large() -> Reply {
    reply::error(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 64 KiB")
}

impl<B> fmt::Debug for AdminFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminFuture").finish_non_exhaustive()
    }
}
