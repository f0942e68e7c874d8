//! The future of a response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Service, util::Oneshot};

use super::{body::ResponseBody, observe::Expected, respond, spoils::Spoils};
use crate::{
    clock::Tick,
    error::BoxError,
    event::Reason,
    fetch::{HeadCall, PassingCall},
    policy::status::{Forward, Fwd, Told},
    shared::Route,
    telemetry::CallResult,
};

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<B>>, E>> + Send>>;

pin_project! {
    /// The future of a response that comes from memory, from the inner service, or through a fetch.
    pub struct ResponseFuture<S, ReqBody, B>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, B>
    where
        S: Service<Request<ReqBody>>,
    {
        // From memory.
        Ready { response: Option<Response<ResponseBody<B>>> },
        // Straight from the inner service.
        Bypass { #[pin] call: Oneshot<S, Request<ReqBody>>, bypass: Option<Bypass> },
        // Through a fetch, or another one's.
        Fetch { answer: Answer<B, S::Error> },
    }
}

/// A request that the cache has no part in.
struct Bypass {
    route: Arc<Route>,
    reason: Reason,
    after: Option<Box<After>>,
    began: Tick,
}

/// What the response to such a request may mean for what is stored.
pub(super) enum After {
    /// An unsafe method invalidates, and of a POST the response may be kept.
    Unsafe(Spoils, Option<PassingCall>),
    /// A HEAD confirms, or tells that something has changed.
    Head(HeadCall),
    /// While the route only observes, it is kept.
    Observed(PassingCall),
    /// While the route only observes, it is compared with what would have been served.
    Compared(Expected),
}

impl Bypass {
    /// Makes of the inner service's answer what is passed on. What it means for what is stored comes first: a recorder
    /// that panics must not keep anything from being invalidated.
    #[inline]
    fn conclude<B, E>(self, answer: Result<Response<B>, E>) -> Result<Response<ResponseBody<B>>, E>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Self { route, reason, after, began } = self;
        let now = route.core.clock.now();
        let took = now.since(began);
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                route.meter.bypassed(reason, CallResult::Failure, took, now);
                return Err(error);
            }
        };
        let failed = response.status().is_server_error();
        let result = if failed { CallResult::Failure } else { CallResult::Success };
        let made = match after {
            None => Err(response),
            Some(after) => after.carry_out(&route, reason, response, now),
        };
        route.meter.bypassed(reason, result, took, now);
        Ok(made.unwrap_or_else(|own| respond::passed_on(route, own, None, Told::Bypassed(reason))))
    }
}

impl After {
    /// Does to what is stored what a response means for it. What is passed on is made of that, or the response itself.
    #[inline(never)]
    fn carry_out<B>(
        self: Box<Self>,
        route: &Arc<Route>,
        reason: Reason,
        response: Response<B>,
        now: Tick,
    ) -> Result<Response<ResponseBody<B>>, Response<B>>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let status = response.status();
        let fwd = if reason == Reason::Method { Fwd::Method } else { Fwd::Bypass };
        let stored = Forward::new(fwd).stored();
        let kept = |kept, forward| respond::kept(route, kept, now, Told::Forwarded(forward));
        match *self {
            Self::Unsafe(spoils, post) if status.is_success() || status.is_redirection() => {
                let purges = spoils.purges(route, response.headers());
                match post.filter(|_| spoils.is_in_place(response.headers())) {
                    Some(post) => return Ok(kept(post.answered(response, &purges)?, stored)),
                    None => _ = route.core.purge_all(&purges),
                }
            }
            Self::Unsafe(..) => {}
            Self::Head(call) => call.answered(&response),
            Self::Observed(call) => return Ok(kept(call.answered(response, &[])?, stored.because(reason))),
            Self::Compared(expected) => {
                let comparison = expected.compare(route, &response);
                let response = respond::passed_on(Arc::clone(route), response, None, Told::Bypassed(reason));
                return Ok(response.map(|body| body.compared(comparison)));
            }
        }
        Err(response)
    }
}

impl<S, ReqBody, B> ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>>,
{
    #[inline]
    pub(super) fn ready(response: Response<ResponseBody<B>>) -> Self {
        Self { state: State::Ready { response: Some(response) } }
    }

    #[inline]
    pub(super) fn bypass(
        call: Oneshot<S, Request<ReqBody>>,
        route: Arc<Route>,
        reason: Reason,
        after: Option<Box<After>>,
    ) -> Self {
        let began = route.core.clock.now();
        Self { state: State::Bypass { call, bypass: Some(Bypass { route, reason, after, began }) } }
    }

    pub(super) fn fetch(answer: Answer<B, S::Error>) -> Self {
        Self { state: State::Fetch { answer } }
    }
}

impl<S, ReqBody, B> Future for ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>, Response = Response<B>>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response<ResponseBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            // Polled again after it was ready: a future's user must not, and a panic would not help them.
            StateProj::Ready { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProj::Bypass { call, bypass } => {
                let answer = ready!(call.poll(cx));
                bypass.take().map_or(Poll::Pending, |bypass| Poll::Ready(bypass.conclude(answer)))
            }
            StateProj::Fetch { answer } => answer.as_mut().poll(cx),
        }
    }
}

impl<S, ReqBody, B> fmt::Debug for ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Ready { .. } => "ResponseFuture::Ready",
            State::Bypass { .. } => "ResponseFuture::Bypass",
            State::Fetch { .. } => "ResponseFuture::Fetch",
        })
    }
}
